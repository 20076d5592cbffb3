"""How each language writes numbers of people: words, vague quantities, qualifiers, and what is no head count.

Words are folded like the text before they are compared, so case and accents do not matter here. ``*`` ends a stem.
Vague quantities follow ACLED's habit, the most conservative reading: several 2, tens 10, dozens 12, hundreds 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NumberWords:
    """The number words of one language; folded by who reads them."""

    units: Mapping[str, int]  # below 100, and hundreds that are one word; they add up
    multipliers: Mapping[str, int]  # hundred, thousand, dozen: multiply what stands before them
    several: Mapping[str, int]  # vague and small; may multiply: "several hundred"
    plurals: Mapping[str, int]  # vague: "dozens", "tens of thousands"
    fixed: Mapping[str, int]  # whole phrases: "half a dozen"
    articles: frozenset[str]  # stand for one before a multiplier
    joiners: frozenset[str]  # "one hundred and five"
    of: frozenset[str]  # "tens of thousands"
    at_least: tuple[str, ...]  # before a figure: it is the lower bound, or near enough
    at_most: tuple[str, ...]  # before a figure: it is the upper bound
    or_more: tuple[str, ...]  # after a figure
    between: tuple[tuple[str, str], ...]  # opener, and what joins the two figures
    ranges: frozenset[str]  # joins two figures without an opener
    measures: tuple[str, ...]  # after a number: it measures, dates or orders
    labels: tuple[str, ...]  # before a number: it names or numbers a thing
    people: tuple[str, ...]  # after a number that looks like a year: it is a head count after all
    months: tuple[str, ...]
    tens_joiners: tuple[str, ...] = (" ",)  # between tens and units when a number is spelled out
    percent: tuple[str, ...] = ()  # where "hundred" is part of it
    added_teens: frozenset[int] = field(default_factory=frozenset)  # tens that teens may follow: soixante-dix
    prefixed_and: str = ""  # "and" written as part of the next word
    dot_groups: bool = True  # 1.200 is twelve hundred
    half_more: tuple[str, ...] = ()  # between a number and its multiplier, or behind them: "and a half"
    one_and_a_half: frozenset[str] = field(default_factory=frozenset)  # one word before a multiplier


def _numbered(words: str, first: int = 0, step: int = 1) -> dict[str, int]:
    """Words in counting order; forms of the same number are joined by ``/``."""
    forms: dict[str, int] = {}
    for index, alternatives in enumerate(words.split()):
        forms.update(dict.fromkeys(alternatives.split("/"), first + index * step))
    return forms


def _glued(tens: Mapping[str, int], units: Mapping[str, int]) -> dict[str, int]:
    """Tens and units written as one word."""
    return {ten + unit: size + value for ten, size in tens.items() for unit, value in units.items()}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ENGLISH = NumberWords(
    units=_numbered(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen"
        " eighteen nineteen"
    )
    | _numbered("twenty thirty forty/fourty fifty sixty seventy eighty ninety", 20, 10),
    multipliers={
        "hundred": 100,
        "thousand": 1_000,
        "million": 1_000_000,
        "billion": 1_000_000_000,
        "dozen": 12,
    },
    several={"several": 2, "a few": 2, "few": 2, "multiple": 2},
    plurals={
        "tens": 10,
        "dozens": 12,
        "scores": 40,
        "hundreds": 100,
        "thousands": 1_000,
        "millions": 1_000_000,
    },
    fixed={
        "half a dozen": 6,
        "a half dozen": 6,
        "half dozen": 6,
        "a couple": 2,
        "a pair": 2,
        "half a million": 500_000,
        "a quarter of a million": 250_000,
    },
    articles=_set("a an"),
    joiners=_set("and"),
    of=_set("of"),
    half_more=("and a half",),
    at_least=(
        "more than",
        "over",
        "at least",
        "no fewer than",
        "not fewer than",
        "no less than",
        "not less than",
        "about",
        "around",
        "some",
        "approximately",
        "approx.",
        "roughly",
        "nearly",
        "almost",
        "close to",
        "an estimated",
        "estimated",
        "upwards of",
        "upward of",
        "in excess of",
        "well over",
        "well more than",
        "just over",
        "just under",
        "exactly",
        "a minimum of",
        "minimum of",
        "north of",
        "greater than",
        "a further",
        "another",
        "an additional",
        "circa",
        "ca.",
        "virtually",
    ),
    at_most=(
        "fewer than",
        "less than",
        "up to",
        "as many as",
        "no more than",
        "not more than",
        "at most",
        "a maximum of",
        "as much as",
        "anywhere up to",
        "under",
    ),
    or_more=("or more", "or so", "plus", "+", "odd", "or thereabouts"),
    between=(("between", "and"), ("from", "to")),
    ranges=_set("to or"),
    measures=tuple(
        "% ‰ ° percent pct percentage degree* second seconds minute* hour hours day days night nights week weeks month"
        " months year years decade* century centuries fortnight* am pm gmt utc o' mm cm km kms kph mph kg kgs kt"
        " millimet* centimet* kilomet* meter* metre* mile miles foot feet ft inch* yard yards knot* nautical ton tons"
        " tonne* kilo* pound pounds dollar* euro euros cent cents ruble* rouble* lira* hryvnia* dram drams"
        " manat* rupee*"
        " yuan yen shekel* dinar* rial* riyal* franc francs peso* usd eur gbp barrel* acre* hectare* square"
        " cubic liter*"
        " litre* megawatt* kilowatt* mw gw watt* caliber calibre gauge third thirds quarter quarters fifth fifths half"
        " halves point points times fold st nd rd th bc ad bce ce degrees stage round rounds per".split()
    ),
    labels=tuple(
        "article* art chapter* section* sections protocol* resolution* paragraph* para clause* item annex appendix"
        " title no nos number numbers page pages pp vol volume phase day aged age ages grade round stage category level"
        " magnitude version season episode boeing airbus flight highway route road room gate channel block zone sector"
        " district line tier rank top part act law decree order bill amendment brigade battalion squadron regiment unit"
        " fiscal year group g class type model mark mk version formula covid sars # $ € £ ¥ ₽ ₺ usd eur gbp us$".split()
    ),
    people=tuple(
        "people person* soldier* troop troops civilian* dead deaths fatalit* casualt* victim* men women"
        " children fighter*"
        " militant* rebel* police* officer* servicem* servicew* personnel guard guards wounded injured others migrant*"
        " refugee* prisoner* hostage* protester* protestor* resident* worker* reservist* conscript* inhabitant*"
        " combatant*"
        " jihadist* insurgent* palestinian* israeli* ukrainian* russian* armenian* azerbaijani* syrian* iraqi* iranian*"
        " were".split()
    ),
    months=tuple(
        "january february march april may june july august september october november december"
        " jan feb mar apr jun jul aug sep sept oct nov dec".split()
    ),
    dot_groups=False,
)

FRENCH = NumberWords(
    units=_numbered("zero un/une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize")
    | {"dix sept": 17, "dix huit": 18, "dix neuf": 19}
    | _numbered("vingt trente quarante cinquante soixante", 20, 10)
    | {"quatre vingt": 80, "quatre vingts": 80},
    multipliers={"cent": 100, "cents": 100, "mille": 1_000, "million": 1_000_000, "millions": 1_000_000},
    several={"plusieurs": 2, "quelques": 2},
    plurals={"dizaines": 10, "douzaines": 12, "centaines": 100, "milliers": 1_000},
    fixed={
        "dizaine": 10,
        "douzaine": 12,
        "demi douzaine": 6,
        "quinzaine": 15,
        "vingtaine": 20,
        "trentaine": 30,
        "quarantaine": 40,
        "cinquantaine": 50,
        "soixantaine": 60,
        "centaine": 100,
        "millier": 1_000,
    },
    articles=_set("un une"),
    joiners=_set("et"),
    of=_set("de d"),
    half_more=("et demi", "et demie"),
    at_least=(
        "plus de",
        "plus d'",
        "au moins",
        "pas moins de",
        "pas moins d'",
        "au minimum",
        "environ",
        "quelque",
        "pres de",
        "pres d'",
        "presque",
        "autour de",
        "un total de",
        "a peu pres",
    ),
    at_most=("moins de", "moins d'", "jusqu'a", "au plus", "pas plus de", "au maximum"),
    or_more=("ou plus", "+", "environ"),
    between=(("entre", "et"), ("de", "a")),
    ranges=_set("a ou"),
    measures=tuple(
        "% pourcent ans an annee* jour* heure* minute* seconde* semaine* mois siecle* h km m mm kilometr* metre*"
        " tonne* euro* dollar* franc* kg kilo* hectare* degre* er eme e".split()
    ),
    labels=tuple("article* art chapitre* resolution* protocole* n no numero page loi annee # $ € £".split()),
    people=tuple("personne* soldat* mort* blesse* civil* victime* combattant* militaire* policier*".split()),
    months=tuple(
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre janv fevr sept oct nov"
        " dec".split()
    ),
    tens_joiners=(" ", " et "),
    percent=("pour cent",),
    added_teens=frozenset({60, 80}),
)

SPANISH = NumberWords(
    units=_numbered(
        "cero uno/un/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
        " dieciseis diecisiete dieciocho diecinueve veinte veintiuno/veintiun/veintiuna veintidos veintitres"
        " veinticuatro"
        " veinticinco veintiseis veintisiete veintiocho veintinueve treinta"
    )
    | _numbered("cuarenta cincuenta sesenta setenta ochenta noventa cien/ciento", 40, 10)
    | _numbered(
        "doscientos/doscientas trescientos/trescientas cuatrocientos/cuatrocientas quinientos/quinientas"
        " seiscientos/seiscientas setecientos/setecientas ochocientos/ochocientas novecientos/novecientas",
        200,
        100,
    ),
    multipliers={"mil": 1_000, "millon": 1_000_000, "millones": 1_000_000},
    several={"varios": 2, "varias": 2, "unos cuantos": 2, "unas cuantas": 2, "algunos": 2, "algunas": 2},
    plurals={
        "decenas": 10,
        "docenas": 12,
        "cientos": 100,
        "centenares": 100,
        "centenas": 100,
        "miles": 1_000,
        "millares": 1_000,
    },
    fixed={
        "una decena": 10,
        "decena": 10,
        "una docena": 12,
        "docena": 12,
        "media docena": 6,
        "una veintena": 20,
        "veintena": 20,
        "una treintena": 30,
        "treintena": 30,
        "un centenar": 100,
        "centenar": 100,
        "un par": 2,
        "medio millon": 500_000,
        "un millar": 1_000,
        "millar": 1_000,
    },
    articles=_set("un una"),
    joiners=_set("y"),
    of=_set("de"),
    half_more=("y medio", "y media"),
    at_least=(
        "mas de",
        "al menos",
        "por lo menos",
        "no menos de",
        "como minimo",
        "cerca de",
        "alrededor de",
        "unos",
        "unas",
        "casi",
        "aproximadamente",
        "un total de",
        "otros",
        "otras",
    ),
    at_most=("menos de", "hasta", "como maximo", "no mas de", "a lo sumo"),
    or_more=("o mas", "+", "aproximadamente"),
    between=(("entre", "y"), ("de", "a")),
    ranges=_set("a o"),
    measures=tuple(
        "% porciento ano anos dia dias hora* minuto* segundo* semana* mes meses siglo* km m mm kilometro*"
        " metro* tonelada* euro* dolar* peso* kg kilo* hectarea* grado* milla* puntos".split()
    ),
    labels=tuple("articulo* art capitulo* resolucion* protocolo* n no num numero pagina ley ano # $ € £".split()),
    people=tuple("persona* soldado* muert* herid* civil* victima* combatiente* militar* policia*".split()),
    months=tuple(
        "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre".split()
    ),
    tens_joiners=(" y ",),
    percent=("por ciento",),
)

RUSSIAN = NumberWords(
    units=_numbered(
        "ноль/нуля один/одна/одно/одного/одной/одному/одним два/две/двух/двое/двоих/двум/двумя"
        " три/трех/трое/троих/трем/тремя четыре/четырех/четверо/четверых/четырем пять/пяти/пятеро/пятерых/пятью"
        " шесть/шести/шестеро/шестерых семь/семи/семеро/семерых восемь/восьми/восьмеро девять/девяти"
        " десять/десяти/десятеро"
        " одиннадцать/одиннадцати двенадцать/двенадцати тринадцать/тринадцати четырнадцать/четырнадцати"
        " пятнадцать/пятнадцати шестнадцать/шестнадцати семнадцать/семнадцати восемнадцать/восемнадцати"
        " девятнадцать/девятнадцати"
    )
    | _numbered(
        "двадцать/двадцати тридцать/тридцати сорок/сорока пятьдесят/пятидесяти шестьдесят/шестидесяти"
        " семьдесят/семидесяти восемьдесят/восьмидесяти девяносто/девяноста сто/ста",
        20,
        10,
    )
    | _numbered(
        "двести/двухсот триста/трехсот четыреста/четырехсот пятьсот/пятисот шестьсот/шестисот семьсот/семисот"
        " восемьсот/восьмисот девятьсот/девятисот",
        200,
        100,
    ),
    multipliers={
        **dict.fromkeys("тысяча тысячи тысяч тысячу тысячей тыс".split(), 1_000),
        **dict.fromkeys("миллион миллиона миллионов млн".split(), 1_000_000),
        **dict.fromkeys("миллиард миллиарда миллиардов млрд".split(), 1_000_000_000),
        **dict.fromkeys("дюжина дюжины дюжину".split(), 12),
    },
    several=dict.fromkeys("несколько нескольких нескольким несколькими".split(), 2),
    plurals={
        **dict.fromkeys("десятки десятков десяткам десятками десятках".split(), 10),
        **dict.fromkeys("сотни сотен сотням сотнями сотнях".split(), 100),
        **dict.fromkeys("тысячи тысяч тысячам тысячами тысячах".split(), 1_000),
        **dict.fromkeys("миллионы миллионов миллионам".split(), 1_000_000),
    },
    fixed={"десяток": 10, "полдюжины": 6, "пара": 2, "пару": 2, "сотня": 100, "сотню": 100, "полтысячи": 500},
    articles=frozenset(),
    joiners=frozenset(),
    of=frozenset(),
    half_more=("с половинои",),
    one_and_a_half=_set("полтора полторы полутора"),
    at_least=(
        "более",
        "более чем",
        "больше",
        "свыше",
        "не менее",
        "не менее чем",
        "не меньше",
        "как минимум",
        "по меньшей мере",
        "по крайней мере",
        "минимум",
        "около",
        "порядка",
        "примерно",
        "почти",
        "приблизительно",
        "еще",
    ),
    at_most=("менее", "менее чем", "меньше", "до", "не более", "не более чем", "не больше", "максимум"),
    or_more=("и более", "или более", "+"),
    between=(("от", "до"), ("между", "и")),
    ranges=_set("или"),
    measures=tuple(
        "% процент* год года годы году лет летн* день дня дней дневн* час часа часов минут* секунд* недел*"
        " месяц* век века"
        " столети* г гг ч км м мм километр* метр* миллиметр* тонн* рубл* доллар* евро кг килограмм* гектар* градус* раз"
        " раза утра вечера й го му".split()
    ),
    labels=tuple("стать* ст пункт* глав* резолюци* протокол* n № номер* закон* страниц* # $ € £".split()),
    people=tuple("человек* люд* солдат* военн* погибш* убит* ранен* мирн* жертв* боец бойц* полицейск*".split()),
    months=tuple("январ* феврал* март марта апрел* мая май июн* июл* август* сентябр* октябр* ноябр* декабр*".split()),
)

UKRAINIAN = NumberWords(
    units=_numbered(
        "нуль/нуля один/одна/одне/одного/однієї/одному/одним/одну два/дві/двох/двоє/двоїх/двом/двома"
        " три/трьох/троє/троїх/трьом/трьома чотири/чотирьох/четверо/чотирьом п'ять/п'яти/п'ятьох/п'ятеро"
        " шість/шести/шістьох/шестеро сім/семи/сімох/семеро вісім/восьми/вісьмох/восьмеро"
        " дев'ять/дев'яти/дев'ятьох/дев'ятеро десять/десяти/десятьох/десятеро одинадцять/одинадцяти/одинадцятьох"
        " дванадцять/дванадцяти/дванадцятьох/дванадцятеро тринадцять/тринадцяти/тринадцятьох"
        " чотирнадцять/чотирнадцяти/чотирнадцятьох п'ятнадцять/п'ятнадцяти/п'ятнадцятьох"
        " шістнадцять/шістнадцяти/шістнадцятьох сімнадцять/сімнадцяти/сімнадцятьох"
        " вісімнадцять/вісімнадцяти/вісімнадцятьох дев'ятнадцять/дев'ятнадцяти/дев'ятнадцятьох"
    )
    | _numbered(
        "двадцять/двадцяти/двадцятьох тридцять/тридцяти сорок/сорока п'ятдесят/п'ятдесяти"
        " шістдесят/шістдесяти сімдесят/сімдесяти вісімдесят/вісімдесяти дев'яносто сто/ста",
        20,
        10,
    )
    | _numbered(
        "двісті/двохсот триста/трьохсот чотириста п'ятсот шістсот сімсот вісімсот дев'ятсот",
        200,
        100,
    ),
    multipliers={
        **dict.fromkeys("тисяча тисячі тисяч тисячу тис".split(), 1_000),
        **dict.fromkeys("мільион мільиона мільионів млн".split(), 1_000_000),
        **dict.fromkeys("мільярд мільярда мільярдів млрд".split(), 1_000_000_000),
        **dict.fromkeys("дюжина дюжини дюжину".split(), 12),
    },
    several=dict.fromkeys("кілька кількох декілька декількох".split(), 2),
    plurals={
        **dict.fromkeys("десятки десятків десяткам десятками".split(), 10),
        **dict.fromkeys("сотні сотень сотням сотнями".split(), 100),
        **dict.fromkeys("тисячі тисяч тисячам тисячами".split(), 1_000),
        **dict.fromkeys("мільиони мільионів".split(), 1_000_000),
    },
    fixed={"десяток": 10, "пара": 2, "пару": 2, "сотня": 100, "сотню": 100, "півтисячі": 500},
    articles=frozenset(),
    joiners=frozenset(),
    of=frozenset(),
    half_more=("з половиною",),
    one_and_a_half=_set("півтора півтори"),
    at_least=(
        "більше",
        "більш ніж",
        "більше ніж",
        "понад",
        "не менше",
        "не менше ніж",
        "щонаименше",
        "принаимні",
        "як мінімум",
        "мінімум",
        "близько",
        "приблизно",
        "маиже",
        "орієнтовно",
        "ще",
    ),
    at_most=("менше", "менш ніж", "менше ніж", "до", "не більше", "максимум", "щонаибільше"),
    or_more=("і більше", "або більше", "+"),
    between=(("від", "до"), ("між", "і"), ("між", "та")),
    ranges=_set("або чи"),
    measures=tuple(
        "% відсот* процент* рік року роки років річн* день дні дня днів денн* годин* хвилин* секунд* тижн*"
        " тиждень місяц*"
        " століт* р рр год км м мм кілометр* метр* міліметр* тонн* гривн* рубл* долар* євро кг кілограм*"
        " гектар* градус*"
        " раз рази разів ранку вечора и го".split()
    ),
    labels=tuple("статт* ст пункт* глав* розділ* резолюці* протокол* n № номер* закон* сторінк* # $ € £".split()),
    people=tuple("люд* осіб особ* солдат* віиськов* загибл* вбит* поранен* цивільн* жертв* боєць біиц* боиц*".split()),
    months=tuple(
        "січень січня лютии лютого березень березня квітень квітня травень травня червень червня липень липня серпень"
        " серпня вересень вересня жовтень жовтня листопад листопада грудень грудня".split()
    ),
)

TURKISH = NumberWords(
    units=_numbered("sifir bir iki uc dort bes alti yedi sekiz dokuz on")
    | _numbered("yirmi otuz kirk elli altmis yetmis seksen doksan", 20, 10),
    multipliers={"yuz": 100, "bin": 1_000, "milyon": 1_000_000, "milyar": 1_000_000_000, "duzine": 12},
    several={"birkac": 2, "birtakim": 2, "cok sayida": 2},
    plurals={
        "onlarca": 10,
        "duzinelerce": 12,
        "yuzlerce": 100,
        "binlerce": 1_000,
        "on binlerce": 10_000,
        "yuz binlerce": 100_000,
        "milyonlarca": 1_000_000,
    },
    fixed={"yarim duzine": 6, "bir cift": 2},
    articles=frozenset(),
    joiners=frozenset(),
    of=frozenset(),
    half_more=("bucuk",),
    at_least=("en az", "asgari", "yaklasik", "yaklasik olarak", "neredeyse", "tam", "takriben", "asgari olarak"),
    at_most=("en fazla", "en cok", "azami"),
    or_more=(
        "den fazla",
        "dan fazla",
        "ten fazla",
        "tan fazla",
        "den cok",
        "dan cok",
        "i askin",
        "u askin",
        "yi askin",
        "e yakin",
        "a yakin",
        "ye yakin",
        "ya yakin",
        "civarinda",
        "kadar",
        "+",
    ),
    between=(),
    ranges=_set("ila veya"),
    measures=tuple(
        "% yuzde yil yilda yilin yillik yilinda gun gunluk gunde saat saatte saatlik dakika* saniye* hafta* ay"
        " ayda aylik"
        " yas yasinda yasindaki yuzyil* km m mm kilometre* metre* milimetre* ton tonluk lira* dolar* avro euro kg kilo*"
        " hektar* derece* kez kere defa nci inci uncu".split()
    ),
    labels=tuple("madde* no numara* saat sayili karar sayfa yuzde # $ € £ ₺".split()),
    people=tuple("kisi* asker* sivil* olu* yarali* polis* insan* terorist* militan*".split()),
    months=tuple("ocak* subat* mart* nisan* mayis* haziran* temmuz* agustos* eylul* ekim* kasim* aralik*".split()),
)

ARABIC = NumberWords(
    units=_numbered(
        "صفر واحد/واحده اثنان/اثنين/اثنتان/اثنتين ثلاثه/ثلاث اربعه/اربع خمسه/خمس سته/ست سبعه/سبع ثمانيه/ثماني/ثمان"
        " تسعه/تسع عشره/عشر"
    )
    | {
        "احد عشر": 11,
        "احدي عشره": 11,
        "اثني عشر": 12,
        "اثنا عشر": 12,
        "ثلاثه عشر": 13,
        "اربعه عشر": 14,
        "خمسه عشر": 15,
        "سته عشر": 16,
        "سبعه عشر": 17,
        "ثمانيه عشر": 18,
        "تسعه عشر": 19,
    }
    | _numbered(
        "عشرون/عشرين ثلاثون/ثلاثين اربعون/اربعين خمسون/خمسين ستون/ستين سبعون/سبعين ثمانون/ثمانين تسعون/تسعين", 20, 10
    )
    | _numbered(
        "مئتان/مئتين/مئتي/مائتان/مائتين/مائتي ثلاثمئه/ثلاثمائه اربعمئه/اربعمائه خمسمئه/خمسمائه ستمئه/ستمائه"
        " سبعمئه/سبعمائه"
        " ثمانمئه/ثمانمائه تسعمئه/تسعمائه",
        200,
        100,
    )
    | {"الفان": 2_000, "الفين": 2_000, "الفي": 2_000},
    multipliers={
        "مئه": 100,
        "مائه": 100,
        "الف": 1_000,
        "الفا": 1_000,
        "الاف": 1_000,
        "مليون": 1_000_000,
        "ملايين": 1_000_000,
    },
    several={"عده": 2, "بضعه": 2, "بضع": 2},
    plurals={
        "عشرات": 10,
        "العشرات": 10,
        "مئات": 100,
        "المئات": 100,
        "الاف": 1_000,
        "الالاف": 1_000,
        "ملايين": 1_000_000,
        "الملايين": 1_000_000,
    },
    fixed={"نصف مليون": 500_000},
    articles=frozenset(),
    joiners=frozenset(),
    of=frozenset(),
    half_more=("ونصف", "و نصف"),
    at_least=(
        "اكثر من",
        "ما لا يقل عن",
        "لا يقل عن",
        "علي الاقل",
        "نحو",
        "حوالي",
        "قرابه",
        "زهاء",
        "ازيد من",
        "ما يزيد عن",
        "ما يزيد علي",
        "ما يقارب",
        "ما يقرب من",
    ),
    at_most=("اقل من", "ما يصل الي", "حتي", "لا يزيد عن", "ما لا يزيد عن"),
    or_more=("علي الاقل", "او اكثر", "+"),
    between=(("بين", "و"), ("من", "الي"), ("ما بين", "و")),
    ranges=_set("الي او"),
    measures=tuple(
        "% بالمئه بالمائه عام عاما اعوام سنه سنوات يوم يوما ايام ساعه ساعات دقيقه دقائق ثانيه اسبوع اسابيع شهر شهرا"
        " اشهر شهور قرن كيلومتر* كلم كم متر* ملم مليمتر طن طنا اطنان دولار* يورو ريال* دينار* درهم كيلو* هكتار*"
        " درجه مره"
        " مرات صباحا مساء".split()
    ),
    labels=tuple("الماده ماده رقم الفصل البند القرار قرار عام سنه صفحه الساعه # $ € £".split()),
    people=tuple("شخص* قتيل* جريح* جندي* مدني* ضحيه ضحايا مسلح* مقاتل*".split()),
    months=tuple(
        "يناير فبراير مارس ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر غشت شتنبر نونبر دجنبر يوليوز ماي"
        " شباط اذار نيسان ايار حزيران تموز ايلول".split()
    ),
    prefixed_and="و",
)

_ARMENIAN_UNITS = "մեկ երկու երեք չորս հինգ վեց յոթ ութ ինն/ինը"
_ARMENIAN_TENS = "քսան երեսուն քառասուն հիսուն վաթսուն յոթանասուն ութսուն իննսուն"

ARMENIAN = NumberWords(
    units=_numbered("զրո " + _ARMENIAN_UNITS)
    | _numbered("տաս/տասը տասնմեկ տասներկու տասներեք տասնչորս տասնհինգ տասնվեց տասնյոթ տասնութ տասնինն/տասնինը", 10)
    | _numbered(_ARMENIAN_TENS, 20, 10)
    | _glued(_numbered(_ARMENIAN_TENS, 20, 10), _numbered(_ARMENIAN_UNITS, 1)),
    multipliers={"հարյուր": 100, "հազար": 1_000, "միլիոն": 1_000_000, "միլիարդ": 1_000_000_000},
    several={"մի քանի": 2, "մի շարք": 2},
    plurals={
        **dict.fromkeys("տասնյակ տասնյակներ տասնյակներով տասնյակավոր".split(), 10),
        "հարյուրավոր": 100,
        "հազարավոր": 1_000,
        "տասնյակ հազարավոր": 10_000,
        "տասնյակ հազար": 10_000,
    },
    fixed={"կես միլիոն": 500_000},
    articles=frozenset(),
    joiners=frozenset(),
    of=frozenset(),
    at_least=(
        "առնվազն",
        "ավելի քան",
        "ոչ պակաս քան",
        "մոտ",
        "շուրջ",
        "մոտավորապես",
        "նվազագույնը",
        "գրեթե",
        "եւս",
        "ևս",
    ),
    at_most=("մինչև", "մինչեւ", "առավելագույնը", "ոչ ավելի քան"),
    or_more=("+", "ից ավելի"),
    between=(),
    ranges=_set("կամ"),
    measures=tuple(
        "% տոկոս* տարի* տարեկան* տարվա օր* ժամ* րոպե* վայրկյան* շաբաթ* ամիս* ամսվա դար* կմ մ մմ կիլոմետր* մետր* տոննա*"
        " դրամ* դոլար* եվրո* ռուբլի* կգ հեկտար* աստիճան* անգամ* րդ".split()
    ),
    labels=tuple("հոդված* կետ* համար* թիվ # $ € £".split()),
    people=tuple("մարդ* զինծառայող* զինվոր* քաղաքացի* զոհ* վիրավոր* սպա* ոստիկան*".split()),
    months=tuple(
        "հունվար* փետրվար* մարտի մարտին ապրիլ* մայիս* հունիս* հուլիս* օգոստոս* սեպտեմբեր* հոկտեմբեր* նոյեմբեր*"
        " դեկտեմբեր*".split()
    ),
    tens_joiners=("",),
)

AZERBAIJANI = NumberWords(
    units=_numbered("sıfır bir iki üç dörd beş altı yeddi səkkiz doqquz on")
    | _numbered("iyirmi otuz qırx əlli altmış yetmiş səksən doxsan", 20, 10),
    multipliers={"yüz": 100, "min": 1_000, "milyon": 1_000_000, "milyard": 1_000_000_000},
    several={"bir neçə": 2, "bir sıra": 2, "çoxsaylı": 2},
    plurals={
        **dict.fromkeys(("onlarla", "onlarca"), 10),
        **dict.fromkeys(("yüzlərlə", "yüzlərcə"), 100),
        **dict.fromkeys(("minlərlə", "minlərcə"), 1_000),
        "on minlərlə": 10_000,
        "yüz minlərlə": 100_000,
        "milyonlarla": 1_000_000,
    },
    fixed={"yarım milyon": 500_000},
    articles=frozenset(),
    joiners=frozenset(),
    of=frozenset(),
    half_more=("yarım",),
    at_least=("ən azı", "azı", "ən azından", "təxminən", "təqribən", "azından"),
    at_most=("ən çoxu", "maksimum"),
    or_more=(
        "dan çox",
        "dən çox",
        "dan artıq",
        "dən artıq",
        "a yaxın",
        "ə yaxın",
        "ya yaxın",
        "yə yaxın",
        "qədər",
        "+",
    ),
    between=(),
    ranges=_set("ve"),
    measures=tuple(
        "% faiz* il ildə ildir illik gün gündə günlük saat* dəqiqə* saniyə* həftə* ay ayda yaş yaşında yaşlı əsr* km m"
        " mm kilometr* metr* ton manat* dollar* avro rubl* kq hektar* dərəcə* dəfə ci cı cu cü".split()
    ),
    labels=tuple("maddə* nömrə* saylı # $ € £ ₼".split()),
    people=tuple("nəfər* hərbçi* əsgər* mülki* şəhid* yaralı* polis* insan* adam*".split()),
    months=tuple(
        "yanvar* fevral* mart* aprel* may mayda iyun* iyul* avqust* sentyabr* oktyabr* noyabr* dekabr*".split()
    ),
)

_GEORGIAN_UNITS = (
    "ერთი/ერთმა/ერთ ორი/ორმა/ორ სამი/სამმა/სამ ოთხი/ოთხმა/ოთხ ხუთი/ხუთმა/ხუთ ექვსი/ექვსმა/ექვს შვიდი/შვიდმა/შვიდ"
    " რვა/რვამ ცხრა/ცხრამ ათი/ათმა/ათ თერთმეტი/თერთმეტმა/თერთმეტ თორმეტი/თორმეტმა/თორმეტ ცამეტი/ცამეტმა/ცამეტ"
    " თოთხმეტი/თოთხმეტმა/თოთხმეტ თხუთმეტი/თხუთმეტმა/თხუთმეტ თექვსმეტი/თექვსმეტმა/თექვსმეტ ჩვიდმეტი/ჩვიდმეტმა/ჩვიდმეტ"
    " თვრამეტი/თვრამეტმა/თვრამეტ ცხრამეტი/ცხრამეტმა/ცხრამეტ"
)

GEORGIAN = NumberWords(
    units=_numbered("ნული " + _GEORGIAN_UNITS)
    | _numbered("ოცი/ოცმა/ოც ორმოცი/ორმოცმა/ორმოც სამოცი/სამოცმა/სამოც ოთხმოცი/ოთხმოცმა/ოთხმოც", 20, 20)
    # Counted in twenties: 35 is twenty-and-fifteen.
    | _glued(_numbered("ოცდა ორმოცდა სამოცდა ოთხმოცდა", 20, 20), _numbered(_GEORGIAN_UNITS, 1))
    | _numbered(
        "ორასი/ორას სამასი/სამას ოთხასი/ოთხას ხუთასი/ხუთას ექვსასი/ექვსას შვიდასი/შვიდას რვაასი ცხრაასი", 200, 100
    ),
    multipliers={
        **dict.fromkeys(("ასი", "ას", "ასმა"), 100),
        **dict.fromkeys(("ათასი", "ათას", "ათასმა"), 1_000),
        **dict.fromkeys(("მილიონი", "მილიონ"), 1_000_000),
    },
    several={"რამდენიმე": 2},
    plurals={
        **dict.fromkeys(("ათობით", "ათეულობით", "ათეული"), 10),
        **dict.fromkeys(("ასობით", "ასეულობით"), 100),
        "ათასობით": 1_000,
        "ათიათასობით": 10_000,
        "ათეულ ათასობით": 10_000,
    },
    fixed={"ნახევარი მილიონი": 500_000},
    articles=frozenset(),
    joiners=frozenset(),
    of=frozenset(),
    at_least=("სულ მცირე", "მინიმუმ", "არანაკლებ", "დაახლოებით", "თითქმის", "კიდევ"),
    at_most=("მაქსიმუმ", "არაუმეტეს"),
    or_more=("ზე მეტი", "ზე მეტმა", "ამდე", "მდე", "+"),
    between=(),
    ranges=_set("ან დან"),
    measures=tuple(
        "% პროცენტ* წელ* წლ* დღე* დღის საათ* წუთ* წამ* კვირა* კვირის თვე* თვის საუკუნ* კმ მ მმ კილომეტრ* მეტრ* ტონა*"
        " ლარ* დოლარ* ევრო რუბლ* კგ ჰექტარ* გრადუს* ჯერ".split()
    ),
    labels=tuple("მუხლ* პუნქტ* ნომერ* # $ € £ ₾".split()),
    people=tuple("ადამიან* ჯარისკაც* სამხედრო* დაღუპულ* დაჭრილ* მოქალაქ* პოლიციელ*".split()),
    months=tuple(
        "იანვარ* იანვრ* თებერვ* მარტ* აპრილ* მაის* ივნის* ივლის* აგვისტო* სექტემბ* ოქტომბ* ნოემბ* დეკემბ*".split()
    ),
    tens_joiners=("",),
)

PERSIAN = NumberWords(
    units=_numbered(
        "صفر یک/یکی دو سه چهار پنج شش/شیش هفت هشت نه ده یازده دوازده سیزده چهارده پانزده شانزده هفده هجده/هیجده نوزده"
    )
    | _numbered("بیست سی چهل پنجاه شصت هفتاد هشتاد نود", 20, 10)
    | _numbered("یکصد دویست سیصد چهارصد پانصد ششصد هفتصد هشتصد نهصد", 100, 100),
    multipliers={"صد": 100, "هزار": 1_000, "میلیون": 1_000_000, "میلیارد": 1_000_000_000},
    several={"چند": 2, "چندین": 2},
    plurals={
        **dict.fromkeys(("ده‌ها", "ده ها"), 10),
        **dict.fromkeys(("صدها", "صد ها"), 100),
        **dict.fromkeys(("هزاران", "هزارها"), 1_000),
        **dict.fromkeys(("ده‌ها هزار", "ده ها هزار"), 10_000),
        "صدها هزار": 100_000,
        "میلیون‌ها": 1_000_000,
    },
    fixed={"نیم میلیون": 500_000},
    articles=frozenset(),
    joiners=_set("و"),
    of=frozenset(),
    half_more=("و نیم",),
    at_least=(
        "دست کم",
        "دست‌کم",
        "حداقل",
        "بیش از",
        "بیشتر از",
        "حدود",
        "نزدیک به",
        "قریب به",
        "تقریبا",
        "کم و بیش",
        "لااقل",
    ),
    at_most=("حداکثر", "کمتر از", "تا"),
    or_more=("و بیشتر", "+"),
    between=(("بین", "تا"), ("بین", "و"), ("از", "تا")),
    ranges=_set("تا یا الي"),
    measures=tuple(
        "% درصد* سال* ساله روز* ساعت* دقیقه* ثانیه* هفته* ماه* قرن* کیلومتر* متر* تن دلار* یورو ریال* تومان* کیلو*"
        " هکتار* درجه* بار مرتبه صبح عصر".split()
    ),
    labels=tuple("ماده اصل بند شماره قطعنامه # $ € £".split()),
    people=tuple("نفر* سرباز* غیرنظامی* کشته* زخمی* مجروح* شهید* نظامی* پلیس*".split()),
    months=tuple(
        "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه جولای اوت آگوست سپتامبر اکتبر نوامبر دسامبر فروردین اردیبهشت خرداد تیر"
        " مرداد شهریور مهر آبان آذر دی بهمن اسفند".split()
    ),
    tens_joiners=(" و ",),
)

BY_LANGUAGE: Mapping[str, NumberWords] = {
    "en": ENGLISH,
    "fr": FRENCH,
    "es": SPANISH,
    "ru": RUSSIAN,
    "uk": UKRAINIAN,
    "tr": TURKISH,
    "ar": ARABIC,
    "hy": ARMENIAN,
    "az": AZERBAIJANI,
    "ka": GEORGIAN,
    "fa": PERSIAN,
}
