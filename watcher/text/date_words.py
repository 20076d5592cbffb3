"""How each language writes dates; regular expressions, matched in any case on the text as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NEVER = r"(?!)"  # matches nothing

# (first day, last day) relative to the article's day, or the unit before this one.
Days = tuple[int, int] | str


@dataclass(frozen=True, slots=True)
class DateWords:
    """The date words of one language."""

    months: tuple[str, ...] = (NEVER,)  # January first
    weekdays: tuple[str, ...] = (NEVER,)  # Monday first
    day_month: str = NEVER  # "{day}" and "{month}" stand for their patterns; a year may follow
    month_day: str = NEVER  # where the month can come first
    year_link: str = r"\s+"  # between a month and its year
    month_openers: str = NEVER  # what must stand before a month that stands alone
    ago: str = NEVER  # "{count}" and "{unit}"
    units: Mapping[str, str] = field(default_factory=dict)  # its pattern -> day, week, month, year, decade
    pairs: str = NEVER  # units that are two by themselves: Arabic "yawmayn"
    before_unit: str = ""  # what may be written together with a unit
    last: str = NEVER  # "{unit}": the unit before this one
    this: str = NEVER
    next: str = NEVER
    relative: Mapping[str, Days] = field(default_factory=dict)
    since: str = NEVER  # before a date: the period lasts until now
    ahead: str = NEVER  # before a date, within its clause: the date lies ahead
    decades: str = NEVER  # with a group "decade": its first year
    last_weekday: str = NEVER  # before a weekday: not today
    next_weekday: str = NEVER  # before a weekday: after today


ENGLISH = DateWords(
    months=(
        r"jan(?:uary|\.)?",
        r"feb(?:ruary|\.)?",
        r"mar(?:ch|\.)?",
        r"apr(?:il|\.)?",
        r"may",
        r"june?\.?",
        r"july?\.?",
        r"aug(?:ust|\.)?",
        r"sept?(?:ember|\.)?",
        r"oct(?:ober|\.)?",
        r"nov(?:ember|\.)?",
        r"dec(?:ember|\.)?",
    ),
    weekdays=(
        r"monday",
        r"tue(?:sday|s\.)",
        r"wed(?:nesday|\.)",
        r"thu(?:rsday|rs\.)",
        r"friday",
        r"saturday",
        r"sunday",
    ),
    day_month=r"{day}(?:st|nd|rd|th)?(?:\s+(?:day\s+)?of)?\s+{month}",
    month_day=r"{month}\s+(?:the\s+)?{day}(?:st|nd|rd|th)?(?!\d|:\d|,\d{{3}})",
    year_link=r"\s*,?\s+(?:of\s+)?",
    month_openers=r"(?:in|of|since|last|this|next|until|till|by|during|early|late|mid|through|from|before|after|past)[\s-]+",
    ago=r"(?:(?P<count>{count})[\s-]+)?(?P<unit>{unit})\s+(?:ago|earlier|back)\b",
    units={
        r"days?": "day",
        r"weeks?": "week",
        r"fortnights?": "fortnight",
        r"months?": "month",
        r"years?": "year",
        r"decades?": "decade",
        r"(?:century|centuries)": "century",
        r"(?:hours?|minutes?)": "hour",
    },
    last=r"\b(?:last|(?:the\s+)?(?:past|previous|preceding))\s+(?:(?P<count>{count})\s+)?(?P<unit>{unit})\b",
    this=r"\b(?:this|the\s+current)\s+(?P<unit>{unit})\b",
    next=r"\b(?:(?:next|the\s+coming|coming|the\s+following)\s+(?:(?P<count>{count})\s+)?(?P<unit>{unit}))\b",
    relative={
        r"\b(?:earlier\s+)?today\b": (0, 0),
        r"\bthis\s+(?:morning|afternoon|evening)\b": (0, 0),
        r"\btonight\b": (0, 0),
        r"\bovernight\b": (-1, 0),
        r"\blast\s+night\b": (-1, 0),
        r"\bthe\s+day\s+before\s+yesterday\b": (-2, -2),
        r"\byesterday\b": (-1, -1),
        r"\btomorrow\b": (1, 1),
        r"\bin\s+recent\s+(?:hours|days)\b": (-7, 0),
        r"\brecent\s+weeks\b": (-35, 0),
        r"\brecent\s+months\b": (-180, 0),
        r"\brecent\s+years\b": (-5 * 365, 0),
        r"\brecently\b": (-31, 0),
        r"\bin\s+the\s+(?:coming|next)\s+(?:few\s+)?(?:hours|days)\b": (0, 7),
    },
    since=r"\bsince\s+(?:\w+\s+){0,1}$",
    ahead=r"\b(?:by|until|till|next)\s+(?:the\s+)?(?:\w+day,?\s+)?$|\b(?:will|shall|'ll|’ll|due|scheduled|planned|plans?|set\s+to|going\s+to|would|upcoming"
    r"|deadline|expected)\b(?!.*\b(?:has|have|had|was|were|said|did)\b)",
    decades=r"\b(?:the\s+)?(?:early\s+|late\s+|mid[\s-]?)?(?P<decade>(?:1[6-9]|20)\d0)['’]?s\b",
    last_weekday=r"\b(?:last|the\s+previous)\s+$",
    next_weekday=r"\b(?:next|coming|following)\s+$",
)

FRENCH = DateWords(
    months=(
        r"janv(?:ier|\.)",
        r"févr(?:ier|\.)",
        r"mars",
        r"avr(?:il|\.)",
        r"mai",
        r"juin",
        r"juill?(?:et|\.)",
        r"août",
        r"sept(?:embre|\.)",
        r"oct(?:obre|\.)",
        r"nov(?:embre|\.)",
        r"déc(?:embre|\.)",
    ),
    weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    day_month=r"{day}(?:er)?\s+{month}",
    year_link=r"\s+",
    month_openers=r"(?:en|de|d['’]|depuis|fin|début|mi|au\s+mois\s+de)[\s-]*",
    ago=r"\bil\s+y\s+a\s+(?:(?:plus|près|moins)\s+(?:de\s+|d['’]))?(?P<count>{count})?\s*(?P<unit>{unit})\b",
    units={
        r"jours?": "day",
        r"semaines?": "week",
        r"mois": "month",
        r"(?:ans?|années?)": "year",
        r"décennies?": "decade",
        r"siècles?": "century",
        r"(?:heures?|minutes?)": "hour",
    },
    last=r"\b(?P<unit>{unit})\s+(?:derni[eè]re?|passée?|précédente?)\b",
    this=r"\b(?:cette|ce)\s+(?P<unit>{unit})\b",
    next=r"\b(?P<unit>{unit})\s+prochaine?\b",
    relative={
        r"\baujourd['’]hui\b": (0, 0),
        r"\bce\s+(?:matin|soir)\b": (0, 0),
        r"\bavant-hier\b": (-2, -2),
        r"\bhier\b": (-1, -1),
        r"\bdemain\b": (1, 1),
    },
    since=r"\bdepuis\s+(?:\w+\s+)?$",
    ahead=r"\b(?:prochaine?|prévue?s?)\b|\b(?:d['’]ici|jusqu['’]\w*)\s+(?:le\s+)?$",
    decades=r"\bannées\s+(?P<decade>(?:1[6-9]|20)\d0)\b",
)

SPANISH = DateWords(
    months=(
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "sep?tiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ),
    weekdays=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    day_month=r"{day}\s+de\s+{month}",
    year_link=r"\s+del?\s+",
    month_openers=r"(?:en|de|desde|hasta|durante)\s+",
    ago=r"\bhace\s+(?:(?:más|menos|cerca)\s+de\s+)?(?P<count>{count})?\s*(?P<unit>{unit})\b",
    units={
        r"días?": "day",
        r"semanas?": "week",
        r"mes(?:es)?": "month",
        r"años?": "year",
        r"décadas?": "decade",
        r"siglos?": "century",
        r"(?:horas?|minutos?)": "hour",
    },
    last=r"\b(?:(?P<unit>{unit})\s+pasad[oa])\b",
    this=r"\best[ea]\s+(?P<unit>{unit})\b",
    next=r"\b(?:próxim[oa]\s+(?P<unit>{unit}))\b",
    relative={
        r"\bhoy\b": (0, 0),
        r"\banoche\b": (-1, 0),
        r"\banteayer\b": (-2, -2),
        r"\bayer\b": (-1, -1),
        r"(?<!la\s)(?<!esta\s)\bmañana\b": (1, 1),
    },
    since=r"\bdesde\s+(?:\w+\s+)?$",
    ahead=r"\b(?:próxim[oa]|previst[oa])\b|\b(?:antes\s+del?|hasta)\s+(?:el\s+)?$",
    decades=r"\baños\s+(?P<decade>(?:1[6-9]|20)\d0)\b",
)

RUSSIAN = DateWords(
    months=(
        r"январ[ьяе]",
        r"феврал[ьяе]",
        r"март[ае]?",
        r"апрел[ьяе]",
        r"ма[йяе]",
        r"июн[ьяе]",
        r"июл[ьяе]",
        r"август[ае]?",
        r"сентябр[ьяе]",
        r"октябр[ьяе]",
        r"ноябр[ьяе]",
        r"декабр[ьяе]",
    ),
    weekdays=(r"понедельник", r"вторник", r"сред[уа]", r"четверг", r"пятниц[уа]", r"суббот[уа]", r"воскресенье"),
    day_month=r"{day}(?:-?го)?\s+{month}",
    year_link=r"\s+",
    month_openers=r"(?:в|с|до|к|конце|начале|середине)\s+",
    ago=r"(?:(?P<count>{count})\s+)?\b(?P<unit>{unit})\s+(?:тому\s+)?назад\b",
    units={
        r"(?:день|дня|дней)": "day",
        r"недел[юьияе]": "week",
        r"месяц(?:а|ев|е)?": "month",
        r"(?:год|года|году|лет)": "year",
        r"десятилети[йяе]": "decade",
        r"(?:век|века|веков|веке|столети[йяе])": "century",
        r"(?:час|часа|часов|минуту?|минуты)": "hour",
    },
    last=r"\bпрошл(?:ом|ой|ый|ую|ого)\s+(?P<unit>{unit})\b",
    this=r"\b(?:этом|этой|эту|этот|нынешнем|текущем)\s+(?P<unit>{unit})\b",
    next=r"\b(?:следующ(?:ем|ей|ий|ую)|будущем)\s+(?P<unit>{unit})\b",
    relative={
        r"\bсегодня\b": (0, 0),
        r"\bпозавчера\b": (-2, -2),
        r"\bнакануне\b": (-1, 0),
        r"\bвчера\b": (-1, -1),
        r"\bзавтра\b": (1, 1),
    },
    since=r"\bс\s+$",
    ahead=r"\b(?:следующ\w+|будет|будут)\b|\b(?:до|к)\s+$",
    decades=r"\b(?P<decade>(?:1[6-9]|20)\d0)-[хеы]\w*\b",
)

UKRAINIAN = DateWords(
    months=(
        r"січ(?:ень|ня|ні)",
        r"лют(?:ий|ого|ому)",
        r"берез(?:ень|ня|ні)",
        r"квіт(?:ень|ня|ні)",
        r"трав(?:ень|ня|ні)",
        r"черв(?:ень|ня|ні)",
        r"лип(?:ень|ня|ні)",
        r"серп(?:ень|ня|ні)",
        r"верес(?:ень|ня|ні)",
        r"жовт(?:ень|ня|ні)",
        r"листопад[аі]?",
        r"груд(?:ень|ня|ні)",
    ),
    weekdays=(
        r"понеділок",
        r"вівторок",
        r"серед[уа]",
        r"четвер",
        r"п['’ʼ]ятниц[юя]",
        r"субот[уа]",
        r"неділ[юя]",
    ),
    day_month=r"{day}(?:-?го)?\s+{month}",
    year_link=r"\s+",
    month_openers=r"(?:в|у|з|із|до|наприкінці|початку)\s+",
    ago=r"(?:(?P<count>{count})\s+)?\b(?P<unit>{unit})\s+тому\b",
    units={
        r"(?:день|дні|днів)": "day",
        r"тиж(?:день|ні|нів|ня)": "week",
        r"місяц(?:ь|і|ів|я)": "month",
        r"(?:рік|роки|років|року|році)": "year",
        r"десятиліть": "decade",
        r"століть?": "century",
        r"(?:годин[уи]?|хвилин[уи]?)": "hour",
    },
    last=r"\bминул(?:ого|ому|ий)\s+(?P<unit>{unit})\b",
    this=r"\bцього\s+(?P<unit>{unit})\b",
    next=r"\bнаступного\s+(?P<unit>{unit})\b",
    relative={
        r"\bсьогодні\b": (0, 0),
        r"\bторік\b": "year",
        r"\bпозавчора\b": (-2, -2),
        r"\bнапередодні\b": (-1, 0),
        r"\b(?:вчора|учора)\b": (-1, -1),
        r"\bзавтра\b": (1, 1),
    },
    since=r"\b(?:з|із)\s+$",
    ahead=r"\b(?:наступн\w+|буде|будуть)\b|\bдо\s+$",
    decades=r"\b(?P<decade>(?:1[6-9]|20)\d0)-[хті]\w*\b",
)

TURKISH = DateWords(
    months=(
        "ocak",
        "şubat",
        "mart",
        "nisan",
        "mayıs",
        "haziran",
        "temmuz",
        "ağustos",
        "eylül",
        "ekim",
        "kasım",
        "aralık",
    ),
    weekdays=("pazartesi", "salı", "çarşamba", "perşembe", "cuma", "cumartesi", "pazar"),
    day_month=r"{day}\s+{month}(?:['’]?[tdl][ae]n?)?",
    year_link=r"\s+",
    month_openers=r"(?:geçen|bu|gelecek)\s+",
    ago=r"(?:(?P<count>{count})\s+)?\b(?P<unit>{unit})\s+önce\b",
    units={"gün": "day", "hafta": "week", "ay": "month", r"(?:yıl|sene)": "year", "yüzyıl": "century", "saat": "hour"},
    last=r"\bgeç(?:en|tiğimiz)\s+(?P<unit>{unit})\b",
    this=r"\bbu\s+(?P<unit>{unit})\b",
    next=r"\b(?:gelecek|önümüzdeki)\s+(?P<unit>{unit})\b",
    relative={r"\bbugün\b": (0, 0), r"\bdün\b": (-1, -1), r"\bevvelsi\s+gün\b": (-2, -2), r"\byarın\b": (1, 1)},
    ahead=r"\b(?:gelecek|önümüzdeki)\b",
    decades=r"\b(?P<decade>(?:1[6-9]|20)\d0)['’]?l[ae]r\w*\b",
)

ARABIC = DateWords(
    months=(
        r"(?:يناير|كانون\s+الثاني)",
        r"(?:فبراير|شباط)",
        r"(?:مارس|آذار)",
        r"(?:[أا]بريل|نيسان)",
        r"(?:مايو|ماي|أيار)",
        r"(?:يونيو|حزيران)",
        r"(?:يوليوز?|تموز)",
        r"(?:[أا]غسطس|غشت|آب)",
        r"(?:سبتمبر|شتنبر|أيلول)",
        r"(?:[أا]كتوبر|تشرين\s+الأول)",
        r"(?:نوفمبر|نونبر|تشرين\s+الثاني)",
        r"(?:ديسمبر|دجنبر|كانون\s+الأول)",
    ),
    weekdays=(
        r"(?:الاثنين|الإثنين)",
        "الثلاثاء",
        r"(?:الأربعاء|الاربعاء)",
        "الخميس",
        "الجمعة",
        "السبت",
        "الأحد",
    ),
    day_month=r"{day}\s+{month}",
    year_link=r"\s+(?:(?:من\s+)?(?:عام|سنة)\s+)?",
    month_openers=r"(?:في|منذ|خلال|شهر)\s+",
    ago=r"\b(?:قبل|منذ)\s+(?:(?P<count>{count})\s+)?(?P<unit>{unit})\b",
    units={
        r"(?:يوم|أيام|يوما|يومين)": "day",
        r"(?:أسبوع|أسابيع|أسبوعين)": "week",
        r"(?:شهر|أشهر|شهور|شهرين)": "month",
        r"(?:عام|أعوام|عاما|عامين|سنة|سنوات|سنتين)": "year",
        r"(?:عقد|عقود|عقدين)": "decade",
        r"(?:قرن|قرون|قرنين)": "century",
        r"(?:ساعة|ساعات|ساعتين|دقائق)": "hour",
    },
    pairs="(?:يومين|أسبوعين|شهرين|عامين|سنتين|عقدين|قرنين|ساعتين)",
    before_unit="(?:ال)?",
    last=r"\bال(?P<unit>{unit})\s+(?:الماضية?|المنصرمة?|الفائتة?)",
    this=r"\bهذ[اه]ه?\s+ال(?P<unit>{unit})\b",
    next=r"\bال(?P<unit>{unit})\s+(?:المقبلة?|القادمة?)",
    relative={r"\bاليوم\b": (0, 0), r"\b(?:أمس|امس)\b": (-1, -1), r"\bغدا\b": (1, 1)},
    since=r"\bمنذ\s+(?:\w+\s+)?$",
    ahead=r"\b(?:المقبل|القادم|سوف)|\bحتى\s+(?:يوم\s+)?$",
)

BY_LANGUAGE: Mapping[str, DateWords] = {
    "en": ENGLISH,
    "fr": FRENCH,
    "es": SPANISH,
    "ru": RUSSIAN,
    "uk": UKRAINIAN,
    "tr": TURKISH,
    "ar": ARABIC,
}
