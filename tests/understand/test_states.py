"""Which states English texts name: parties, and names that are none, with the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from watcher.text.reading import Reading
from watcher.understand.states import Gazetteer, find_states

SEED_ARTICLE = Path(__file__).parents[2].parent / "shared" / "data" / "seed-article.txt"
SEPTEMBER_2022 = datetime(2022, 9, 14, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def gazetteer():
    return Gazetteer.load()


def read(text, *, title="", language="en", reference_at=SEPTEMBER_2022):
    return Reading.of(title, text, language, reference_at)


def parties(reading, gazetteer):
    return " ".join(sorted({m.code for m in find_states(reading, gazetteer) if m.excluded is None}))


def exclusions(reading, gazetteer):
    """The names that do not count, each with the kind of reason."""
    return {
        (reading.full[m.start : m.end], m.excluded.split(":")[0])
        for m in find_states(reading, gazetteer)
        if m.excluded is not None
    }


NAMED = [
    ("The Cyprus Mail said that Israeli jets landed.", "IL"),
    ("The menu had Peking duck and Belgian waffles.", ""),
    ("The Niger burst its banks and cut the road.", ""),
    ("Refugees crossed the Jordan, aid workers said.", ""),
    ("Villages on the banks of the Niger were burned.", ""),
    ("The Niger junta expelled the envoy.", "NE"),
    ("Moldovan soup and Ukrainian dumplings were on the menu.", ""),
    ("Armenia and Azerbaijan exchanged fire on the border.", "AM AZ"),
    ("Yerevan accused Azerbaijani troops of seizing territory.", "AM AZ"),
    ("Tensions between Baku and Yerevan spiked.", "AM AZ"),
    ("The Kremlin denied it.", "RU"),
    ("Moscow expelled two British diplomats.", "GB RU"),
    ("The White House warned Tehran.", "IR US"),
    ("Washington and Beijing traded accusations.", "CN US"),
    ("Downing Street called it unacceptable.", "GB"),
    ("The Pentagon confirmed the strike in Yemen.", "US YE"),
    ("Foggy Bottom recalled its envoy from Caracas.", "US VE"),
    ("The Quai d'Orsay summoned the Italian ambassador.", "FR IT"),
    ("The Élysée rejected the Turkish demand.", "FR TR"),
    ("The IDF said it struck Hezbollah targets in Lebanon.", "IL LB"),
    ("Bundeswehr soldiers left Mali.", "DE ML"),
    ("The PLA sent jets toward Taiwan.", "CN TW"),
    ("U.S. forces struck a camp in Syria.", "SY US"),
    ("US troops will leave Iraq.", "IQ US"),
    ("The UK and the UAE signed a pact.", "AE GB"),
    ("DRC troops fought rebels near the Rwandan border.", "CD RW"),
    ("The DPRK fired a missile.", "KP"),
    ("The PRC protested.", "CN"),
    ("North Korea threatened South Korea.", "KP KR"),
    ("The North Korean and South Korean navies clashed.", "KP KR"),
    ("South Sudan accused Sudan of bombing it.", "SD SS"),
    ("Niger closed its border with Nigeria.", "NE NG"),
    ("Nigerien troops entered Nigerian waters.", "NE NG"),
    ("Dominica borders nobody.", "DM"),
    ("The Dominican Republic closed its border with Haiti.", "DO HT"),
    ("Guinea-Bissau's president fled.", "GW"),
    ("Guinea recalled its ambassador.", "GN"),
    ("Equatorial Guinea held an election.", "GQ"),
    ("Papua New Guinea sent police to Bougainville.", "PG"),
    ("The Republic of the Congo backed Gabon.", "CG GA"),
    ("The Democratic Republic of the Congo accused Rwanda.", "CD RW"),
    ("Congo accused Rwanda of backing M23 rebels.", "CD RW"),
    ("Brazzaville said the Congolese army was ready.", "CG"),
    ("Kinshasa said the Congolese army was ready.", "CD"),
    ("Malian soldiers and Burkinabe soldiers met.", "BF ML"),
    ("Oman mediated between Iran and the United States.", "IR OM US"),
    ("Romania and Oman signed.", "OM RO"),
    ("Samoa and Tonga were hit.", "TO WS"),
    ("Sao Tome and Principe arrested four officers.", "ST"),
    ("São Tomé and Príncipe arrested four officers.", "ST"),
    ("Côte d'Ivoire and Ghana argued.", "CI GH"),
    ("The Ivorian army freed them.", "CI"),
    ("Türkiye downed a drone.", "TR"),
    ("Burma's generals freed an Australian.", "AU MM"),
    ("Swaziland closed its border.", "SZ"),
    ("The Holy See offered to mediate.", "VA"),
    ("Pope Francis wrote to Cuba.", "CU VA"),
    ("Gaza was shelled overnight.", "PS"),
    ("Palestinian gunmen fired at Israeli soldiers in the West Bank.", "IL PS"),
    ("Kosovo police arrested three Serbs.", "RS XK"),
    ("Pristina and Belgrade agreed.", "RS XK"),
    ("Taipei scrambled jets.", "TW"),
    ("Prime Minister Nikol Pashinyan spoke to parliament.", "AM"),
    ("Pashinyan said that Aliyev had lied.", "AM AZ"),
    ("Putin called Erdogan.", "RU TR"),
    ("Erdoğan met Zelenskyy.", "TR UA"),
    ("Netanyahu threatened Nasrallah.", "IL"),
    ("President Vladimir Putin spoke.", "RU"),
    ("Volodymyr Zelensky asked for jets.", "UA"),
    ("Kim Jong Un inspected a missile. Kim said it would fly.", "KP"),
    ("Chancellor Scholz spoke.", "DE"),
    ("President Macron called Xi.", "CN FR"),
    ("Boris Johnson visited. Johnson left.", "GB"),
    ("Prime Minister Khan's government fell; Imran Khan blamed others.", "PK"),
    ("Iran's Supreme Leader Ali Khamenei spoke.", "IR"),
    ("Lavrov and Blinken spoke by phone.", "RU US"),
    ("A Russian-Ukrainian prisoner exchange took place.", "RU UA"),
    ("The Russo-Ukrainian war goes on.", "RU UA"),
    ("The Sino-Indian border is quiet.", "CN IN"),
    ("The Iran-Iraq border was closed.", "IQ IR"),
    ("US-Iranian relations worsened.", "IR US"),
    ("The Armenia–Azerbaijan border saw shelling.", "AM AZ"),
    ("Kyiv's forces advanced.", "UA"),
    ("Kiev recalled its ambassador to Minsk.", "BY UA"),
    ("Argentine and Chilean police met.", "AR CL"),
    ("Philippine ships were rammed by Chinese vessels.", "CN PH"),
    ("Filipino fishermen were chased by a Vietnamese boat.", "PH VN"),
    ("Dutch and Danish frigates sailed.", "DK NL"),
    ("Kuwait and Qatar recalled envoys from Riyadh.", "KW QA SA"),
    ("Saudi jets bombed Sanaa.", "SA YE"),
    ("Ethiopian troops crossed into Eritrea.", "ER ET"),
    ("Kenyan police landed in Haiti.", "HT KE"),
    ("Bosnia's Serb leader Milorad Dodik threatened secession.", "BA RS"),
    ("St. Vincent and the Grenadines called a meeting.", "VC"),
    ("Trinidad and Tobago closed its airspace to Venezuela.", "TT VE"),
    ("America's allies worried.", "US"),
    ("Britain and Argentina resumed talks.", "AR GB"),
    ("West Germany protested.", "DE"),
    ("Tajik and Kyrgyz border guards exchanged fire.", "KG TJ"),
    ("Kazakhstan's president Tokayev asked for help.", "KZ"),
    ("Turkmenistan stays neutral, Uzbek officials said.", "TM UZ"),
    ("The Knesset voted and the Bundestag did too.", "DE IL"),
    ("Iran’s Revolutionary Guards seized a tanker.", "IR"),
    ("Curaçao lies near Venezuela's coast.", "VE"),
    ("A fire in New\n\nMexico spread.", "MX"),
    ("Putin's Lavrov met Russia's Putin.", "RU"),
    ("Rus\u200bsia attacked.", "RU"),
    ("Bosnian Serbs and Kosovo Albanians voted.", "BA XK"),
    ("Jill Biden visited Ukraine.", "UA US"),
    ("Candidate Trump and President Putin differ.", "RU US"),
    ("Meanwhile Putin waited.", "RU"),
    ("Lebanon's Aoun resigned.", "LB"),
    ("Prime Minister Lee Hsien Loong left. Lee returned.", "SG"),
    ("Iran's embassy in London closed.", "GB IR"),
    ("russia attacked ukraine overnight", "RU UA"),
    ("RUSSIA ATTACKS UKRAINE", "RU UA"),
    ("US WARNS IRAN", "IR US"),
    ("IRAN SEIZES US TANKER AS US NAVY WATCHES", "IR US"),
]

AMBIGUOUS = [
    ("Georgia and Russia fought in 2008.", "GE RU"),
    ("Georgia's president vetoed the bill.", "GE"),
    ("The president of Georgia vetoed the bill.", "GE"),
    ("Tbilisi protested. Georgia recalled its envoy.", "GE"),
    ("Georgian troops left. Georgia says three soldiers died.", "GE"),
    ("Shells fell near Gori in Georgia.", "GE"),
    ("A tornado hit Georgia, killing three.", ""),
    ("Georgia and Alabama were hit by storms.", ""),
    ("Georgia voters choose a governor as the United States votes.", "US"),
    ("Jordan intercepted drones fired by Iran.", "IR JO"),
    ("Jordan's King Abdullah spoke.", "JO"),
    ("Jordan scored 30 points.", ""),
    ("Amman is calm. Jordan closed its airspace.", "JO"),
    ("Chad accused Sudan of shelling.", "SD TD"),
    ("Chad bought a car.", ""),
    ("Chadian forces fought; Chad mourns.", "TD"),
    ("Turkey recalled its ambassador.", "TR"),
    ("Turkey said on Monday that three of its soldiers had died.", "TR"),
    ("Turkey's Energy Minister raised the toll.", "TR"),
    ("Three died in Columbus, Georgia, United States.", "US"),
    ("Singer Christina Aguilera marries Jordan Bratman in Napa Valley, American papers said.", "US"),
    ("Trade between Jordan Syria and Iraq grew.", "IQ JO SY"),
    ("NATO invited Georgia.", "GE"),
    ("Turkey shelled Syria.", "SY TR"),
    ("Ankara said that Turkey would respond.", "TR"),
    ("Turkey is best served with gravy.", ""),
    ("We ate turkey in Greece.", "GR"),
    ("A chad hung from the ballot in France.", "FR"),
    ("jordan and turkey are words", ""),
    ("Brussels will fine the company.", ""),
    ("Brussels said that Belgian soldiers left.", "BE"),
    ("The Hague court ruled.", ""),
    ("Victoria was hit by floods.", ""),
    ("Victoria said that the Seychelles would sign.", "SC"),
    ("Kingston fell ill.", ""),
    ("Santiago recalled its Chilean envoy.", "CL"),
    ("San Jose beat Dallas.", ""),
    ("Male voters stayed home.", ""),
    ("Korea is divided.", ""),
    ("Seoul said that Korea would respond.", "KR"),
]

NOT_PARTIES = [
    ("Armenia asks a Russian-led alliance for help.", "AM", {("Russian", "X-led")}),
    ("The US-led coalition left.", "", {("US", "X-led")}),
    ("The Moscow-backed separatists fired.", "", {("Moscow", "X-backed")}),
    ("A Moscow‑brokered truce ended.", "", {("Moscow", "X-brokered")}),
    ("An Egyptian–mediated truce holds.", "", {("Egyptian", "X-mediated")}),
    ("Iranian-made drones hit Ukraine.", "UA", {("Iranian", "X-made")}),
    ("A Saudi-sponsored text failed.", "", {("Saudi", "X-sponsored")}),
    ("A Chinese-style market.", "", {("Chinese", "X-style")}),
    ("The Syrian-born engineer won.", "", {("Syrian", "X-born")}),
    ("A Liberian-flagged ship sank.", "", {("Liberian", "X-flagged")}),
    ("A Qatari-owned bank closed.", "", {("Qatari", "X-owned")}),
    ("Pro-Iranian militias fired at U.S. troops.", "US", {("Iranian", "pro-X")}),
    ("The pro-Russia party lost.", "", {("Russia", "pro-X")}),
    ("Anti-American protests spread.", "", {("American", "anti-X")}),
    ("An ex-Soviet and ex-Yugoslav legacy.", "", {("Soviet", "former state"), ("Yugoslav", "former state")}),
    ("The ex-Russian officer spoke.", "", {("Russian", "ex-X")}),
    ("Non-Russian troops left.", "", {("Russian", "non-X")}),
    ("The Russian led alliance sent a mission.", "", {("Russian", "X led")}),
    ("The Iranian backed group fired.", "", {("Iranian", "X backed")}),
    ("Russia led the talks, Iran backed the plan.", "IR RU", set()),
    ("The Russian led the race.", "RU", set()),
    ("US- and Russian-brokered talks failed.", "", {("US", "X-brokered"), ("Russian", "X-brokered")}),
    ("A US/UN-brokered deal.", "", {("US", "X-brokered"), ("UN", "X-brokered")}),
    ("The Turkish-Russian-brokered deal.", "", {("Turkish", "X-brokered"), ("Russian", "X-brokered")}),
    ("Russian-speaking residents fled.", "", {("Russian", "X-speaking")}),
    ("A Moscow-based think tank said so.", "", {("Moscow", "X-based")}),
    ("Putin-backed candidates won.", "", {("Putin", "X-backed")}),
    ("He told the Washington Post that Iran lied.", "IR", {("Washington", "newspaper")}),
    ("The Moscow Times reported it.", "", {("Moscow", "newspaper")}),
    (
        "According to the Jerusalem Post and the Times of Israel, nothing happened.",
        "",
        {("Jerusalem", "newspaper"), ("Israel", "newspaper")},
    ),
    ("The Kyiv Independent reported it.", "", {("Kyiv", "newspaper")}),
    ("China Daily and France 24 disagreed.", "", {("China", "newspaper"), ("France", "newspaper")}),
    ("Russia Today was banned in Germany.", "DE", {("Russia", "newspaper")}),
    ("The Yerevan Chronicle wrote it.", "", {("Yerevan", "newspaper")}),
    ("Dynamo Kyiv played.", "", {("Kyiv", "club")}),
    ("Paris Saint-Germain lost.", "", {("Paris", "club")}),
    ("The Treaty of Paris ended it.", "", {("Paris", "treaty")}),
    ("The Minsk agreements failed.", "", {("Minsk", "treaty")}),
    ("The Brussels Treaty and the Washington Treaty differ.", "", {("Brussels", "treaty"), ("Washington", "treaty")}),
    ("The Vienna Convention protects envoys.", "", {("Vienna", "treaty")}),
    ("The Budapest Memorandum promised it.", "", {("Budapest", "treaty")}),
    ("The Astana declaration was signed.", "", {("Astana", "treaty")}),
    ("Warsaw Pact armies fell apart.", "", {("Warsaw", "treaty")}),
    ("Ships sailed the South China Sea and the Persian Gulf.", "", {("China", "another place")}),
    ("A fire in New Mexico spread.", "", {("Mexico", "another place")}),
    ("Latin American leaders met.", "", {("American", "another place")}),
    ("Oil leaked in the Gulf of Mexico.", "", {("Mexico", "another place")}),
    ("A Turkish bath and French fries.", "", {("Turkish", "thing"), ("French", "thing")}),
    ("Brazil nuts, a guinea pig and a Danish pastry.", "", {("Brazil", "thing"), ("Danish", "thing")}),
    ("He played Russian roulette in a Panama hat.", "", {("Russian", "thing"), ("Panama", "thing")}),
    ("Swiss cheese prices rose.", "", {("Swiss", "thing")}),
    ("A scholar at the University of Tehran spoke.", "", {("Tehran", "institution")}),
    ("Moscow State University closed.", "", {("Moscow", "institution")}),
    ("A house on London Road burned.", "", {("London", "institution")}),
    ("Jordan Henderson joined a club in Saudi Arabia.", "SA", {("Jordan", "people")}),
    ("Paris Hilton and Jack London.", "", {("Paris", "people"), ("London", "people")}),
    ("Michael Jordan and Denzel Washington.", "", {("Jordan", "people"), ("Washington", "people")}),
    ("Robert Washington was killed.", "", {("Washington", "person")}),
    ("The area is populated by ethnic Armenians.", "", {("Armenians", "people")}),
    ("An Armenian-American lawyer spoke.", "", {("Armenian", "people"), ("American", "people")}),
    ("Chinese American voters turned out.", "", {("Chinese", "people"), ("American", "people")}),
    ("African-American voters turned out.", "", {("American", "people")}),
    ("Russian-American talks resumed.", "RU US", set()),
    ("He speaks Russian and she wrote in French.", "", {("Russian", "people"), ("French", "language")}),
    ("The sign is in Turkish.", "", {("Turkish", "language")}),
    ("They sailed in Turkish waters.", "TR", set()),
    ("The Turkish minority and the Armenian diaspora protested.", "", {("Turkish", "thing"), ("Armenian", "thing")}),
    ("Soldiers entered Crimea and the Donbas.", "", {("Crimea", "territory"), ("Donbas", "territory")}),
    ("Nagorno-Karabakh burned.", "", {("Nagorno-Karabakh", "territory")}),
    ("Abkhazia and South Ossetia voted.", "", {("Abkhazia", "territory"), ("South Ossetia", "territory")}),
    ("Northern Cyprus and Western Sahara.", "", {("Northern Cyprus", "territory"), ("Western Sahara", "territory")}),
    ("India sent troops to Kashmir.", "IN", {("Kashmir", "territory")}),
    ("Israel bombed the Golan Heights.", "IL", {("Golan Heights", "territory")}),
    ("Somaliland and Somalia quarrelled.", "SO", {("Somaliland", "territory")}),
    ("American Samoa and Puerto Rico.", "", {("American Samoa", "territory"), ("Puerto Rico", "territory")}),
    ("Northern Ireland voted.", "", {("Northern Ireland", "territory")}),
    ("Soviet tanks stayed.", "", {("Soviet", "former state")}),
    (
        "East Germany and Czechoslovakia are gone.",
        "",
        {("East Germany", "former state"), ("Czechoslovakia", "former state")},
    ),
    (
        "NATO and the CSTO met the EU and the UN.",
        "",
        {(name, "organisation") for name in ("NATO", "CSTO", "EU", "UN")},
    ),
    ("AM, AZ, RU and IN are codes.", "", set()),
    ("They told us to polish the china.", "", set()),
    ("THEY TOLD US EVERYTHING", "", set()),
    ("Indiana and Romano are no states.", "", set()),
    ("Talks in Vienna between Iran and France failed.", "FR IR", {("Vienna", "place")}),
    ("The Geneva and Astana summit ended.", "", {("Astana", "place")}),
    ("A conference held in Doha ended.", "", {("Doha", "place")}),
    ("He told reporters in Moscow that Syria would win.", "SY", {("Moscow", "place")}),
    ("Explosions in Kyiv killed five.", "UA", set()),
    ("The ambassador in Tehran was expelled.", "IR", set()),
    ("The Islamic State in Iraq and Syria claimed it.", "", {("Iraq", "organisation"), ("Syria", "organisation")}),
    ("The Organization of American States met.", "", {("Organization of American States", "organisation")}),
    ("Sonic booms shook the England squad and the Danish squad.", "", {("England", "territory"), ("Danish", "sport")}),
    ("Native Americans protested.", "", {("Americans", "people")}),
    ("The Vietnam War ended.", "", {("Vietnam", "thing")}),
    ("A Dutch novelist and an Iranian film won.", "", {("Dutch", "thing"), ("Iranian", "thing")}),
    ("YEREVAN, Sept 14 (Reuters) - Shells fell.", "", {("YEREVAN", "dateline")}),
    ("WASHINGTON (AP) — Shells fell.", "", {("WASHINGTON", "dateline")}),
    ("KYIV, Ukraine — Shells fell.", "", {("KYIV", "dateline"), ("Ukraine", "dateline")}),
    ("KYIV, Ukraine (AP) — Shells fell.", "", {("KYIV", "dateline"), ("Ukraine", "dateline")}),
    ("GORIS, Armenia — Shells fell.", "", {("Armenia", "dateline")}),
    ("Baku, 14 September 2022 – Shells fell.", "", {("Baku", "dateline")}),
    ("MOSCOW. Sept 14 (Interfax) - Shells fell.", "", {("MOSCOW", "dateline")}),
    ("Yerevan /Mediamax/. Shells fell.", "", {("Yerevan", "dateline")}),
    ("ISLAMABAD: Shells fell.", "", {("ISLAMABAD", "dateline")}),
    ("SEOUL/TOKYO Shells fell.", "", {("SEOUL", "dateline"), ("TOKYO", "dateline")}),
    ("Ouagadougou - Shells fell.", "", {("Ouagadougou", "dateline")}),
    ("BAKU, Azerbaijan, September 14. Shells fell.", "", {("BAKU", "dateline"), ("Azerbaijan", "dateline")}),
    ("Moscow said on 14 September that Kyiv - its enemy - lied.", "RU UA", set()),
    (
        "A fire in Paris, Texas, and one in Moscow, Idaho.",
        "",
        {("Paris", "another place"), ("Moscow", "another place")},
    ),
    ("Mitt Romney praised Somalia. Zenawi warned him.", "SO", {("Zenawi", "out of office")}),
    ("The CIA Director spoke.", "US", set()),
    ("The Red Army Faction trial ended.", "", {("Red Army", "organisation")}),
    ("Tbilisi denied it.\n\nSnow fell.\n\nGeorgia won.", "GE", {("Georgia", "ambiguous")}),
    ("The Sino quarrel.", "", {("Sino", "no name by itself")}),
    ("Georgia Meloni sang in Italy.", "IT", {("Georgia", "person")}),
    ("Crossing the Congo river.", "", {("Congo", "another place")}),
    ("KYIV, Ukraine (AP) - RUSSIA ATTACKS.", "RU", {("KYIV", "dateline"), ("Ukraine", "dateline")}),
    ("Hunter Biden was charged.", "", {("Biden", "person")}),
]


@pytest.mark.parametrize(("text", "expected"), NAMED, ids=[text[:50] for text, _ in NAMED])
def test_named(text, expected, gazetteer):
    assert parties(read(text), gazetteer) == expected


@pytest.mark.parametrize(("text", "expected"), AMBIGUOUS, ids=[text[:50] for text, _ in AMBIGUOUS])
def test_ambiguous(text, expected, gazetteer):
    assert parties(read(text), gazetteer) == expected


@pytest.mark.parametrize(("text", "expected", "reasons"), NOT_PARTIES, ids=[text[:50] for text, _, _ in NOT_PARTIES])
def test_not_parties(text, expected, reasons, gazetteer):
    reading = read(text)
    assert (parties(reading, gazetteer), exclusions(reading, gazetteer)) == (expected, reasons)


@pytest.mark.timeout(30)  # linear takes three seconds at most, quadratic minutes
@pytest.mark.parametrize(
    "piece", ["Chad spoke. ", "Chad spoke, ", "Chad spoke.\n\n", "Congo met. ", "Georgia and Russia, "]
)
def test_hostile_text_is_read_in_linear_time(piece, gazetteer):
    assert len(find_states(read(piece * 8_000), gazetteer)) >= 8_000
