"""What docs/rules.md promises, sentence by sentence, seen from outside: YAML and articles in, signals out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.builders import article
from tests.core.rule_files import SHIPPED, compiled, gazetteer, load
from watcher.cleaning import clean_text
from watcher.cli import main
from watcher.errors import RuleError
from watcher.match import MatchResult, match_article
from watcher.model import Article, Signal, Source, Stance
from watcher.rule_tests import TestOutcome, run_rule_tests
from watcher.rules.compile import CompiledRules, compile_rules
from watcher.rules.lint import lint_rules
from watcher.rules.load import load_rules

PUBLISHED = datetime(2026, 3, 18, 12, tzinfo=UTC)  # a Wednesday
EVERY_STANCE = "accept: [happened, planned, possible, denied, past]"

LISTS = """
list: pacts
kind: phrases
items:
  - Bergen Pact
  - $southern_pacts
---
list: southern_pacts
kind: phrases
items: [Treaty of Cadiz, Cadiz Protocol IV]
---
list: nordics
kind: states
items: [SE, FI, "NO", $islanders]
---
list: islanders
kind: states
items: [IS]
---
"""


def news(text: str, title: str = "", **values: Any) -> Article:
    given = {"published_at": PUBLISHED, "first_seen_at": PUBLISHED, "language": "en"} | values
    return article(text=text, title=title, **given)


@cache
def rules(text: str) -> CompiledRules:
    return compiled(LISTS + dedent(text))


def judge(text: str, one: Article, now: datetime | None = None) -> MatchResult:
    return match_article(rules(text), one, now)


def signal(text: str, one: Article, now: datetime | None = None) -> Signal | None:
    signals = judge(text, one, now).signals
    assert len(signals) < 2
    return signals[0] if signals else None


def rule(body: str, languages: str = "[en]") -> str:
    """A rule of an id of its own with the keys in ``body``."""
    return f"rule: the-rule\nlanguages: {languages}\n" + dedent(body)


def found(clue: str, text: str, title: str = "", language: str = "en") -> list[str]:
    """What one clue of a rule matches in an article, whatever its stance."""
    stances = "" if clue.startswith("states") else f"    {EVERY_STANCE}\n"
    one = signal(rule(f"look_for:\n  a:\n    {clue}\n{stances}", f"[{language}]"), news(text, title, language=language))
    return [match.text for match in one.matches] if one else []


# Section 3: phrases.

PHRASES: list[tuple[str, str, list[str]]] = [
    # Words in order, whole words, any case, accents folded, any white space or hyphen between.
    ("invoke the pact", "They INVOKE the\n  Pact today.", ["INVOKE the\n  Pact"]),
    ("invoke the pact", "They invoke the-pact.", ["invoke the-pact"]),
    ("invoke the pact", "They invoke\u00a0the\u2013pact.", ["invoke\u00a0the\u2013pact"]),
    ("invoke the pact", "The pact they invoke.", []),
    ("invoke the pact", "They invoke the pactum.", []),
    ("invoke the pact", "They reinvoke the pact.", []),
    ("invoke the pact", "They invoke. The pact stands.", []),
    ("invoke the pact", "They invoke\n\nthe pact.", []),
    ("invoke the pact", "They invoke the, pact.", []),
    ("invoke the pact", "They invoke the (pact).", []),
    ("invoke the pact", "They invoke “the pact”.", []),
    ("port strike", "The port-strike began.", ["port-strike"]),
    ("port-strike", "The port strike began.", ["port strike"]),
    ("sport", "Military transports rolled on.", []),
    ("concert", "A concerted attack began.", []),
    ("coup d'etat", "A coup d’état began.", ["coup d’état"]),
    ("coup d’état", "A COUP D'ETAT began.", ["COUP D'ETAT"]),
    ("Istanbul", "İSTANBUL ve istanbul.", ["İSTANBUL", "istanbul"]),
    ("Lodz airport", "Łódź airport closed.", ["Łódź airport"]),
    ("Straße", "Die Strasse brennt.", ["Strasse"]),
    ("Tromso", "In Tromsø snow fell.", ["Tromsø"]),
    ("Dakovo", "In Đakovo snow fell.", ["Đakovo"]),
    # All capitals.
    ("US", "It tells us nothing.", []),
    ("US", "The US left.", ["US"]),
    ("NATO", "Nato met.", []),
    ("(NATO|Nato)", "Nato and NATO met.", ["Nato", "NATO"]),
    ("A pact", "They broke a pact.", ["a pact"]),
    ("CSTO", "The CSTO's members.", ["CSTO"]),
    # Numbers.
    ("Article 4", "They cited Article four.", ["Article four"]),
    ("Article 4", "They cited Art. 4 of it.", ["Art. 4"]),
    ("Article 4", "They cited Art 4 of it.", ["Art 4"]),
    ("Article 4", "They cited ARTICLE IV.", ["ARTICLE IV"]),
    ("Article 4", "They cited Article 40.", []),
    ("Article 4", "They cited Article 4(1) of it.", ["Article 4"]),
    ("Article 4", "They cited Article 14.", []),
    ("Article 4", "They wrote 4 articles.", []),
    ("Chapter 7", "They cited Chapter VII of it.", ["Chapter VII"]),
    ("Protocol 12", "They cited Protocol XII.", ["Protocol XII"]),
    ("Art. 51", "They cited Article fifty-one.", ["Article fifty-one"]),
    ("Article 51", "They cited article LI.", ["article LI"]),
    ("51 ships", "fifty-one ships, and fifty one ships.", ["fifty-one ships", "fifty one ships"]),
    ("4 ships", "IV ships.", []),
    ("4 ships", "Four ships came.", ["Four ships"]),
    ("24 ships", "Twenty-four ships came.", ["Twenty-four ships"]),
    # Inflected forms.
    (
        "invoke~ it",
        "invoke it; invokes it; invoked it; invoking it.",
        ["invoke it", "invokes it", "invoked it", "invoking it"],
    ),
    ("fight~", "They fight, he fights, they fought, the fighting.", ["fight", "fights", "fought", "fighting"]),
    ("flee~", "They fled; fleeing; flees.", ["fled", "fleeing", "flees"]),
    ("shoot~", "They shot; shooting; shoots.", ["shot", "shooting", "shoots"]),
    ("strike~", "It struck; striking; stricken strikes.", ["struck", "striking", "stricken", "strikes"]),
    ("withdraw~", "withdrew, withdrawn, withdrawing", ["withdrew", "withdrawn", "withdrawing"]),
    ("cut~", "They cut; cutting; cuts.", ["cut", "cutting", "cuts"]),
    ("expel~", "expelled, expelling, expels", ["expelled", "expelling", "expels"]),
    ("occupy~", "occupied occupies occupying", ["occupied", "occupies", "occupying"]),
    ("travel~", "travelled traveled", ["travelled", "traveled"]),
    ("die~", "died dying dies", ["died", "dying", "dies"]),
    ("army~", "armies and an army", ["armies", "army"]),
    ("man~", "men and a man", ["men", "man"]),
    ("seize~", "seized seizing; a seizure", ["seized", "seizing"]),
    ("invoke~", "An invocation.", []),
    # Wildcards.
    ("village*", "village, villages, villagers", ["village", "villages", "villagers"]),
    ("village* chief~", "villagers chief; village chiefs", ["villagers chief", "village chiefs"]),
    ("vil* chief", "villa chief", ["villa chief"]),
    # Choices.
    ("(aid|help) came", "aid came, help came, food came", ["aid came", "help came"]),
    ("mobili(s|z)ation", "mobilisation and mobilization", ["mobilisation", "mobilization"]),
    ("(de|re)mobili(s|z)ed", "demobilised and remobilized, mobilised", ["demobilised", "remobilized"]),
    ("(take up|lay down) arms", "They lay down arms.", ["lay down arms"]),
    ("(invoke~|trigger~) it", "triggered it and invoking it", ["triggered it", "invoking it"]),
    ("organi(s|z)e~ it", "organised it, organizing it", ["organised it", "organizing it"]),
    # Gaps.
    ("invoke ..4 pact", "invoke pact", ["invoke pact"]),
    ("invoke ..4 pact", "invoke one two three four pact", ["invoke one two three four pact"]),
    ("invoke ..4 pact", "invoke one two three four five pact", []),
    ("invoke ..4 pact", "invoke, he said, “the [old] pact", ["invoke, he said, “the [old] pact"]),
    ("invoke ..4 pact", "invoke (the) pact", ["invoke (the) pact"]),
    ("invoke ..4 pact", "invoke it. The pact", []),
    ("invoke ..4 pact", "invoke it! The pact", []),
    ("invoke ..4 pact", "invoke it\n\npact", []),
    ("invoke ..4 pact", "invoke it\n- pact", []),
    ("invoke ..4 pact", "invoke it\n• pact", []),
    ("invoke ..4 pact", "invoke it\n2. pact", []),
    ("invoke ..4 pact", "invoke it\npact", ["invoke it\npact"]),
    ("invoke ..2 pact", "invoke long-standing pact", ["invoke long-standing pact"]),
    ("invoke ..1 pact", "invoke long-standing pact", []),
    ("invoke ..4 pact", "invoke Art. 5 of pact", ["invoke Art. 5 of pact"]),
    ("invoke ..4 pact", "invoke the U.S. pact", ["invoke the U.S. pact"]),
    ("invoke ..4 pact", "invoke Gen. Smith's pact", ["invoke Gen. Smith's pact"]),
    # Lists.
    ("sign~ ..2 $pacts", "He signed the Bergen Pact.", ["signed the Bergen Pact"]),
    ("sign~ ..2 $pacts", "He signed the Treaty of Cadiz.", ["signed the Treaty of Cadiz"]),
    ("sign~ ..2 $pacts", "He signed the Cadiz Protocol IV.", ["signed the Cadiz Protocol IV"]),
    ("$pacts", "The Bergen-Pact.", ["Bergen-Pact"]),
    ("(sign~|cite~) ..2 ($pacts|Charter)", "He cited the Charter.", ["cited the Charter"]),
    # Possessives, elisions, hyphens.
    ("Curacao", "Curaçao's ports; Curaçao’s coast.", ["Curaçao", "Curaçao"]),
    ("soldiers", "The soldiers' camp.", ["soldiers"]),
    ("army ..1 chief", "The army's chief left.", ["army's chief"]),
    ("led bloc", "A Russian-led bloc.", ["led bloc"]),
    ("NATO", "nato", []),
    ("Article 4", "They wrote 4 articles of Article.", []),
]

TITLES: list[tuple[str, str, str, list[str]]] = [
    ("martial law", "Martial law", "Rain fell.", ["Martial law"]),
    ("martial law", "Martial", "law was declared.", []),
    ("border pact", "BORDER PACT SIGNED", "It rained.", ["BORDER PACT"]),
    ("US", "WAR COMES TO US", "It rained.", []),  # read as ordinary words, so it may be "us"
    ("NATO", "NATO MEETS TODAY", "It rained.", ["NATO"]),
    ("who", "WHO WON THE DAY", "It rained.", ["WHO"]),
    ("Article 4", "ARTICLE IV INVOKED", "It rained.", ["ARTICLE IV"]),
]

LANGUAGES: list[tuple[str, str, str, list[str]]] = [
    ("de", "strasse", "Die Straße brennt.", ["Straße"]),
    ("fr", "etat d'urgence", "L'état d’urgence est décrété.", ["état d’urgence"]),
    ("fr", "attaque", "On dit qu'attaque il y a.", ["attaque"]),
    ("fr", "article 4", "Il invoque l'article quatre.", ["article quatre"]),
    ("ru", "мобилизаци*", "Объявлена мобилизация, а потом мобилизацию.", ["мобилизация", "мобилизацию"]),
    ("ru", "самолет*", "Сбиты самолёты.", ["самолёты"]),
    ("tr", "olağanüstü hal", "OLAĞANÜSTÜ HAL ilan edildi.", ["OLAĞANÜSTÜ HAL"]),
    ("tr", "sikiyonetim", "Sıkıyönetim ilan edildi.", ["Sıkıyönetim"]),
    ("ar", "الحرب", "اندلعت الحَرْبُ أمس.", ["الحَرْبُ"]),
    ("ar", "اعلان", "صدر إعلان.", ["إعلان"]),
    ("ar", "الحرب", "الحـــرب بدأت.", ["الحـــرب"]),
    ("hy", "պատերազմ*", "Պատերազմը սկսվեց։", ["Պատերազմը"]),
    ("hy", "Երևան", "ԵՐԵՎԱՆ, Երևան, Երեւան", ["ԵՐԵՎԱՆ", "Երևան", "Երեւան"]),
    ("hy", "Երևան*", "Երևանում", ["Երևանում"]),
    ("en", "Երևան", "ԵՐԵՎԱՆ", ["ԵՐԵՎԱՆ"]),
    ("uk", "мобілізаці*", "Оголошено мобілізацію.", ["мобілізацію"]),
    ("es", "estado de sitio", "Declaró el ESTADO DE SITIO.", ["ESTADO DE SITIO"]),
    ("de", "Mobilmachung", "Die Mobilmachung beginnt.", ["Mobilmachung"]),
]


@pytest.mark.parametrize(("phrase", "text", "expected"), PHRASES)
def test_phrases(phrase: str, text: str, expected: list[str]) -> None:
    assert found(f"phrases:\n      - {phrase}", text) == expected


@pytest.mark.parametrize(("phrase", "title", "text", "expected"), TITLES)
def test_phrases_in_titles(phrase: str, title: str, text: str, expected: list[str]) -> None:
    assert found(f"phrases:\n      - {phrase}", text, title) == expected


@pytest.mark.parametrize(("language", "phrase", "text", "expected"), LANGUAGES)
def test_phrases_in_other_languages(language: str, phrase: str, text: str, expected: list[str]) -> None:
    assert found(f"phrases:\n      - {phrase}", text, language=language) == expected


# Sections 4 and 9: states.

STATES: list[tuple[str, str]] = [
    ("Norway and Sweden met.", "NO SE"),
    ("Norwegian and Swedish troops met.", "NO SE"),
    ("Oslo and Stockholm talk.", "NO SE"),
    ("Armenia, Armenian, Yerevan: one.", "AM"),
    ("A Russian-led alliance met.", ""),
    ("A US-backed group met Norway.", "NO"),
    ("A Moscow-brokered truce held.", ""),
    ("An Oslo-mediated truce held.", ""),
    ("Iranian-made drones hit Ukraine.", "UA"),
    ("A pro-Russian group met.", ""),
    ("Anti-French crowds met in Mali.", "ML"),
    ("An ex-Soviet state.", ""),
    ("Gaza was hit by Israel.", "IL PS"),
    ("The West Bank was closed.", "PS"),
    ("The Holy See protested.", "VA"),
    ("Taiwan scrambled jets against China.", "CN TW"),
    ("Kosovo closed a border.", "XK"),
    ("Crimea was hit.", ""),
    ("Donbas was hit.", ""),
    ("Nagorno-Karabakh was hit.", ""),
    ("Abkhazia and South Ossetia held polls.", ""),
    ("Transnistria held polls.", ""),
    ("Northern Cyprus held polls.", ""),
    ("Western Sahara held polls.", ""),
    ("Kashmir saw rain.", ""),
    ("Soviet troops marched.", ""),
    ("New Mexico burned.", ""),
    ("Ships sailed the South China Sea.", ""),
    ("Latin American leaders met.", ""),
    ("Guinea-Bissau voted.", "GW"),
    ("Equatorial Guinea voted.", "GQ"),
    ("Papua New Guinea voted.", "PG"),
    ("South Sudan voted.", "SS"),
    ("North Korea fired at South Korea.", "KP KR"),
    ("The Democratic Republic of Congo voted.", "CD"),
    ("The Republic of the Congo voted.", "CG"),
    ("The Dominican Republic voted.", "DO"),
    ("They ate turkey, wore china and saw chad.", ""),
    ("It is up to us.", ""),
    ("AM, AZ and NO are codes.", ""),
    ("The New York Times and The Jerusalem Post reported.", ""),
    ("The Moscow Times reported.", ""),
    ("Real Madrid beat Bayern.", ""),
    ("The Warsaw Pact ended.", ""),
    ("The Treaty of Lisbon holds.", ""),
    ("The Baltic Sea froze; the Sea of Japan too.", ""),
    ("They ate Russian salad and French fries.", ""),
    ("YEREVAN, Sept 14 (Reuters) - Sweden sent aid.", "SE"),
    ("BERLIN (AP) — Sweden sent aid.", "SE"),
    ("Georgia voted.", ""),
    ("Georgia voted, said Tbilisi.", "GE"),
    ("Georgia and Russia clashed.", "GE RU"),
    ("A Georgian town voted in Georgia.", "GE"),
    ("Atlanta, Georgia, saw rain.", ""),
    ("Jordan scored twice.", ""),
    ("Jordan closed its border with Israel.", "IL JO"),
    ("Chad left early.", ""),
    ("Turkish jets took off from Turkey.", "TR"),
    ("SWEDEN AND NORWAY SIGN PACT", "NO SE"),
    ("sweden and norway sign pact", "NO SE"),
    ("Sweden's and Norway’s envoys.", "NO SE"),
    ("Xi Jinping spoke with Vietnam.", "CN VN"),
    ("U.S. and UK jets.", "GB US"),
    ("The Kremlin replied to the White House.", "RU US"),
]


@pytest.mark.parametrize(("text", "expected"), STATES)
def test_states(text: str, expected: str) -> None:
    one = signal(rule("look_for: {a: {states: {at_least: 1}}}"), news(text))
    assert " ".join(one.states if one else ()) == expected


def test_capitals_spell_an_armenian_ligature_out() -> None:
    one = signal(rule("look_for: {a: {states: {at_least: 2}}}", "[hy]"), news("ԵՐԵՎԱՆ ԵՎ ԿԻԵՎ", language="hy"))
    assert one is not None and one.states == ("AM", "UA")


STATE_GATES: list[tuple[str, str, str | None]] = [
    ("{at_least: 2}", "Norway acted.", None),
    ("{at_least: 2}", "Norway and Norwegian Oslo acted.", None),
    ("{at_least: 2}", "Norway and Peru acted.", "NO PE"),
    ("{at_least: 2, one_from: nordics}", "Norway and Peru acted.", "NO PE"),
    ("{at_least: 2, one_from: nordics}", "Chile and Peru acted.", None),
    ("{at_least: 2, one_from: nordics}", "Iceland and Peru acted.", "IS PE"),
    ("{at_least: 2, all_from: nordics}", "Norway and Sweden acted.", "NO SE"),
    ("{at_least: 2, all_from: nordics}", "Norway and Peru acted.", None),
    ("{at_least: 3}", "Norway, Peru and Chile acted.", "CL NO PE"),
    ("{at_least: 1, one_from: nordics}", "Peru acted.", None),
]


@pytest.mark.parametrize(("wanted", "text", "expected"), STATE_GATES)
def test_how_many_states_and_which(wanted: str, text: str, expected: str | None) -> None:
    one = signal(rule(f"look_for: {{a: {{states: {wanted}}}}}"), news(text))
    assert (" ".join(one.states) if one else None) == expected


# Sections 4 and 9: figures.

KILLED: list[tuple[str, int | None]] = [
    ("Several soldiers were killed.", 2),
    ("Tens of soldiers were killed.", 10),
    ("Dozens of soldiers were killed.", 12),
    ("Scores of soldiers were killed.", 40),
    ("Hundreds of soldiers were killed.", 100),
    ("Thousands of soldiers were killed.", 1000),
    ("Tens of thousands of people were killed.", 10000),
    ("A dozen soldiers were killed.", 12),
    ("Half a dozen soldiers were killed.", 6),
    ("A couple of soldiers were killed.", 2),
    ("More than 30 soldiers were killed.", 30),
    ("Over 30 soldiers were killed.", 30),
    ("At least 30 soldiers were killed.", 30),
    ("No fewer than 30 soldiers were killed.", 30),
    ("About 30 soldiers were killed.", 30),
    ("Some 30 soldiers were killed.", 30),
    ("Fewer than 30 soldiers were killed.", 1),
    ("Up to 30 soldiers were killed.", 1),
    ("As many as 30 soldiers were killed.", 1),
    ("Between 20 and 30 soldiers were killed.", 20),
    ("20 to 30 soldiers were killed.", 20),
    ("From 20 to 30 soldiers were killed.", 20),
    ("Three soldiers died on Monday. The death toll rose to 17.", 17),
    ("Five were killed in the east and six in the west, bringing the total to 11.", 11),
    ("Four soldiers were killed in Oslo. Nine people were killed in Bergen.", 9),
    ("Six Thai soldiers and four Cambodian soldiers were killed.", 10),
    ("The shells killed soldiers.", 1),
    ("A soldier was killed.", 1),
    ("The bomb killed Gen. Smith.", 1),
    ("Shelling killed Lt. Col. Berg on Monday.", 1),
    ("Twenty-one people died.", 21),
    ("One hundred and five people were killed.", 105),
    ("1,200 people were killed.", 1200),
    ("Two million people were killed.", 2000000),
    ("30 soldiers are feared dead.", None),
    ("30 soldiers are missing.", None),
    ("Nobody was killed.", None),
    ("No casualties were reported.", None),
    ("No one died.", None),
    ("30 cows were killed.", None),
    ("The plan was killed by senators.", None),
    ("Hundreds of sheep died in the fire.", None),
    ("Dozens of cattle were killed.", None),
    ("Thousands of birds died.", None),
    ("The flood killed 300 cattle and many people.", 1),
    ("Hundreds of villagers and their cattle were killed.", 100),
    ("Dozens of bus passengers were killed.", 12),
    ("He was dead tired.", None),
    ("In 2020 war killed 6,000 people.", None),
    ("The strike may have killed 12 people.", None),
    ("Twelve people could be killed if talks fail.", None),
    ("He denied that 12 soldiers were killed.", None),
    ("The blast left 12 dead.", 12),
    ("Dozens of deaths on both sides were reported.", 12),
    ("12 dead, 30 wounded after shelling.", 12),
    ("The attack claimed the lives of 14 people.", 14),
    ("Fourteen bodies were recovered.", 14),
]
INJURED: list[tuple[str, int | None]] = [
    ("12 dead, 30 wounded after shelling.", 30),
    ("Thirty people were injured.", 30),
    ("Dozens were wounded.", 12),
    ("Up to 30 were hurt.", 1),
    ("Nobody was hurt.", None),
    ("30 people were killed.", None),
    ("The blast wounded at least 8 civilians.", 8),
]


@pytest.mark.parametrize(("text", "expected"), KILLED)
def test_killed(text: str, expected: int | None) -> None:
    one = signal(rule("look_for: {a: {killed: {at_least: 1}}}"), news(text))
    assert (one.killed.at_least if one and one.killed else None) == expected


@pytest.mark.parametrize(("text", "expected"), INJURED)
def test_injured(text: str, expected: int | None) -> None:
    one = signal(rule("look_for: {a: {injured: {at_least: 1}}}"), news(text))
    assert (one.injured.at_least if one and one.injured else None) == expected


# Sections 6 and 9: stance. The clue is what the word "invoke~" or another is, in the sentence.

STANCES: list[tuple[str, str, str]] = [
    ("invoke~ Article 4", "Oslo invoked Article 4 on Monday.", "happened"),
    ("invoke~ Article 4", "Oslo will invoke Article 4.", "planned"),
    ("invoke~ Article 4", "Oslo is to invoke Article 4 on Friday.", "planned"),
    ("invoke~ Article 4", "Oslo plans to invoke Article 4.", "planned"),
    ("mobilise~", "The army was ordered to mobilise.", "planned"),
    ("invoke~ Article 4", "Oslo could invoke Article 4.", "possible"),
    ("invoke~ Article 4", "If Oslo invokes Article 4, allies must act.", "possible"),
    ("invoke~ Article 4", "Oslo threatens to invoke Article 4.", "possible"),
    ("invoke~ Article 4", "Peru calls on Oslo to invoke Article 4.", "possible"),
    ("invasion", "There is a risk of invasion.", "possible"),
    ("invasion", "Warsaw says no risk of invasion.", "denied"),
    ("invoke~ Article 4", "Oslo has not invoked Article 4.", "denied"),
    ("invoke~ Article 4", "Oslo denies having invoked Article 4.", "denied"),
    ("invoke~ Article 4", "Oslo never invoked Article 4.", "denied"),
    ("invoke~ Article 4", "In 2020, Oslo invoked Article 4.", "past"),
    ("invoke~ Article 4", "Oslo invoked Article 4 two years ago.", "past"),
    ("invoke~ Article 4", "It is the anniversary of the day when Oslo invoked Article 4.", "past"),
    ("invoke~ Article 4", "Ten years ago today, Oslo invoked Article 4.", "past"),
    ("invoke~ Article 4", "Oslo invoked Article 4 a year ago today.", "past"),
    ("invoke~ Article 4", "A week ago today, Oslo invoked Article 4.", "happened"),
    ("invoke~ Article 4", "Oslo invoked Article 4 today.", "happened"),
    ("invoke~ Article 4", "Oslo invoked Article 4 on 13 March.", "happened"),
    ("invoke~ Article 4", "Oslo invoked Article 4 on 13 March 2026.", "happened"),
    ("invoke~ Article 4", "Oslo invoked Article 4 on 13 March 2021.", "past"),
    ("invoke~ Article 4", "Oslo invoked Article 4 three days ago.", "happened"),
    ("invoke~ Article 4", "Oslo invoked Article 4 in the exercise.", "possible"),
    ("attack~", "Troops attacked the port in a military drill.", "possible"),
    ("attack~", "In the video game, troops attacked the port.", "possible"),
    ("attack~", "In the film troops attacked the port.", "possible"),
    ("attack~", "Has Oslo attacked the port?", "possible"),
    ("attack~", "Oslo should attack the port.", "possible"),
    ("attack~", "Oslo would have attacked the port.", "not happened"),
    ("attack~", "Oslo nearly attacked the port.", "not happened"),
    ("war", "A war was narrowly averted.", "denied"),
    ("attack~", "The attack was called off.", "denied"),
    ("attack~", "Oslo refused to rule out an attack.", "possible"),
    ("invoke~ Article 4", "Oslo stopped short of invoking Article 4.", "denied"),
    ("declare~ war", "It fell short of declaring war.", "denied"),
    ("declare~ war", "Oslo refused to declare war.", "denied"),
    ("declare~ war", "Oslo wants to declare war.", "not happened"),
    ("shell~ ..6 village*", "Norway shelled no fewer than 12 villages.", "happened"),
    ("shell~ ..3 village*", "Norway shelled the village; Sweden denied it.", "happened"),
    ("invoke~ Article 4", "Oslo, which has not closed its ports, invoked Article 4.", "happened"),
    ("invoke~ Article 4", "Although it could close its ports, Oslo invoked Article 4.", "happened"),
    ("invoke~ Article 4", "He said that Oslo had invoked Article 4.", "happened"),
]


@pytest.mark.parametrize(("phrase", "text", "stance"), STANCES)
def test_stance(phrase: str, text: str, stance: str) -> None:
    one = signal(rule(f"look_for:\n  a:\n    phrases: ['{phrase}']\n    {EVERY_STANCE}\n"), news(text))
    assert one is not None
    got = one.matches[0].stance
    assert got is not Stance.HAPPENED if stance == "not happened" else got is Stance(stance)


# Section 4, key by key. RIGHT loads; WRONG names what is wrong at its place.

LOOK = "look_for: {a: {phrases: [fire]}}"

RIGHT = [
    LOOK,
    f"title: Fire\nwhy: because\nowner: desk\nreviewed: 2026-11-20\nfalse_alarms: [a, b c]\n{LOOK}",
    f"false_alarms: legal explainers\n{LOOK}",
    *(f"status: {word}\n{LOOK}" for word in ("draft", "test", "stable", "off")),
    *(f"severity: {word}\n{LOOK}" for word in ("watch", "warning", "critical")),
    *(
        f"family: {word}\n{LOOK}"
        for word in ("treaty", "clash", "mobilisation", "rupture", "ultimatum", "ceasefire", "piracy")
    ),
    f"sources: {{tags: [caucasus], not_tags: [satire], ids: [courier]}}\n{LOOK}",
    "look_for: {a: {phrases: [fire], not_phrases: [fire drill]}}",
    "look_for: {a: {phrases: fire}}",
    "look_for: {a: {regex: 'T-(72|80)'}}",
    *(f"look_for: {{a: {{phrases: [fire], in: {place}}}}}" for place in ("title", "lead", "body", "[title, body]")),
    *(
        f"look_for: {{a: {{killed: {{at_least: 1}}, accept: [{one}]}}}}"
        for one in ("happened", "planned", "possible", "denied", "past")
    ),
    "look_for: {a: {states: {at_least: 2, one_from: nordics, all_from: nordics}}}",
    "look_for: {a: {killed: {at_least: 3}}, b: {injured: {at_least: 30}}}",
    "look_for: {a: {phrases: [fire]}, b: {phrases: [flood]}, c: {phrases: [storm]}}\nalert_when: {all_of: [a], any_of: [b, c], none_of: [c], at_least: {n: 2, of: [a, b, c]}}",
    *(
        f"look_for: {{a: {{phrases: [fire]}}, b: {{phrases: [flood]}}}}\nclose_together: [{{clues: [a, b], within: {size}}}]"
        for size in ("1 sentence", "2 sentences", "paragraph")
    ),
    f"unless:\n  - {{name: drill, phrases: [drill], within: 2 sentences, of: a, accept: [possible], because: it is one, until: 2030-01-31}}\n{LOOK}",
    f"unless:\n  - {{name: old, older_than: 72h}}\n  - {{name: retold, event_older_than: 3d}}\n  - {{name: t, title_has: $pacts}}\n  - {{name: s, source_tags: [satire]}}\n{LOOK}",
    f"count: {{of: publishers, at_least: 3, within: 6h}}\n{LOOK}",
    "count: {of: reports, at_least: 3, within: 6h, per: state, and_times_usual: {ratio: 2.5, measured_over: 30d, needs_history: 7d}}\nlook_for: {a: {phrases: [fire]}, s: {states: {at_least: 1}}}",
    "steps: {x: {look_for: {a: {phrases: [fire]}}}, y: {look_for: {b: {phrases: [flood]}}}}\nin_order: {steps: [x, y], within: 10d}",
    f"group: {{by: [rule, states], for: 24h}}\n{LOOK}",
    f"group: {{by: [rules], for: 2d}}\n{LOOK}",
    f"group: {{by: [rule, $pacts], for: 24h}}\n{LOOK}",
    f"confirm: {{publishers: 2, within: 6h, until_then: send_unconfirmed}}\n{LOOK}",
    f"confirm: {{publishers: 3, within: 6h, until_then: hold}}\n{LOOK}",
    f"update_on: [confirmed, deaths_doubled, new_state, publishers_doubled, severity_raised, correction]\n{LOOK}",
    f"update_on: []\n{LOOK}",
    *(f"send: {{to: [desk], in_quiet_hours: {how}}}\n{LOOK}" for how in ("hold", "send", "silent")),
    f"escalate: {{if_not_acknowledged_in: 15m, to: [head]}}\n{LOOK}",
    f"tests: [{{text: Fire, expect: alert}}]\n{LOOK}",
    f"tests: [{{title: Fire, text: Rain, now: 2026-03-18T10:00:00Z, published: 2026-03-17, language: en, expect: no alert, missing: [a]}}]\n{LOOK}",
    f"tests: [{{stream: [{{at: +0h, text: Fire}}, {{at: +2h, copy_of: 1, publisher: Mirror}}], expect: alert, extracts: {{states: [], killed: 1}}}}]\n{LOOK}",
]

WRONG: list[tuple[str, str]] = [
    # what is typed; what the message holds, with the place counted from the line after `languages`
    ("severity: high", "3:11: severity: high is no severity: did you mean critical?"),
    ("severity: crtical", "did you mean critical?"),
    ("status: live", "3:9: status"),
    ("status: of", "did you mean off?"),
    ("family: [clash, treaty]", "3:9: family"),
    ("titel: Fire", "3:1: unknown key titel: did you mean title?"),
    ("reviewed: 20/11/2026", "3:11: reviewed"),
    ("reviewed: 2026-02-30", "3:11: reviewed"),
    ("sources: {tag: [x]}", "did you mean tags?"),
    ("look_fro: {a: {phrases: [x y]}}", "did you mean look_for?"),
    ("look_for: [fire]", "3:11: look_for"),
    ("look_for: {a: fire}", "look_for.a"),
    ("look_for: {a: {phrases: []}}", "look_for.a.phrases"),
    ("look_for: {a: {phrase: [x y]}}", "did you mean phrases?"),
    ("look_for: {a: {}}", "look_for.a"),
    ("look_for: {a: {phrases: [x y], states: {at_least: 1}}}", "look_for.a"),
    ("look_for: {a: {not_phrases: [x y]}}", "look_for.a"),
    ("look_for: {a: {states: {at_least: 0}}}", "at_least"),
    ("look_for: {a: {states: {at_least: two}}}", "at_least"),
    ("look_for: {a: {states: {at_least: 1, accept: [past]}}}", "accept"),
    ("look_for: {a: {states: {at_least: 1}, accept: [past]}}", "accept"),
    ("look_for: {a: {states: [NO, SE]}}", "look_for.a.states"),
    ("look_for: {a: {states: {at_least: 1, one_from: nordic}}}", "did you mean nordics?"),
    ("look_for: {a: {states: {at_least: 1, one_from: pacts}}}", "pacts"),
    ("look_for: {a: {states: {at_least: 1, one_from: [NO, SE]}}}", "one_from"),
    ("look_for: {a: {killed: 3}}", "look_for.a.killed"),
    ("look_for: {a: {killed: {at_least: -1}}}", "at_least"),
    ("look_for: {a: {killed: {atleast: 1}}}", "did you mean at_least?"),
    ("look_for: {a: {phrases: [$nordics]}}", "nordics"),
    ("look_for: {a: {phrases: [$pact]}}", "did you mean pacts?"),
    ("look_for: {a: {phrases: [fire], accept: [hapened]}}", "did you mean happened?"),
    ("look_for: {a: {phrases: [fire], in: headline}}", "in"),
    ("look_for: {a: {phrases: [fire], in: titel}}", "did you mean title?"),
    ("look_for: {a: {phrases: [vi*]}}", "at least 3 letters before *"),
    ("look_for: {a: {phrases: [vil*ge]}}", "*"),
    ("look_for: {a: {phrases: [fire ..]}}", ".."),
    ("look_for: {a: {phrases: [fire ..4]}}", "3:31: look_for.a.phrases: a gap needs a word after it"),
    ("look_for: {a: {phrases: [..4 fire]}}", "3:26: look_for.a.phrases: a gap needs a word before it"),
    ("look_for: {a: {phrases: [fire ..x ship]}}", "like ..4"),
    ("look_for: {a: {phrases: [(fire|flood]}}", "look_for.a.phrases"),
    ("look_for: {a: {phrases: [fire|flood]}}", "look_for.a.phrases"),
    ("look_for: {a: {phrases: [fire)]}}", "look_for.a.phrases"),
    ("look_for: {a: {phrases: 'open~ fire, cease fire'}}", "write [open~ fire, cease fire]"),
    ("look_for: {a: {phrases: open~ fire\n  cease fire}}", "one text of several lines"),
    ("look_for: {phrases: [fire]}", "look_for: phrases needs a clue around it"),
    ("look_for: {killed: {at_least: 2}}", "look_for: killed needs a clue around it"),
    ("look_for: {a: {phrases: [fire]}, unless: [{name: x, older_than: 1h}]}", "unless belongs beside look_for"),
    ("phrases: [fire]", "it belongs to a clue"),
    ("look_for: {a: {regex: '(?=x)y'}}", "regex"),
    ("look_for: {a: {regex: '(a)\\1'}}", "regex"),
    ("look_for: {a: {regex: 'x('}}", "regex"),
    ("look_for: {a: {regex: 'x*'}}", "regex"),
    ("look_for: {A: {phrases: [fire]}}", "A"),
    (f"{LOOK}\nalert_when: {{all_of: [b]}}", "4:23: alert_when.all_of"),
    (f"{LOOK}\nalert_when: {{allof: [a]}}", "did you mean all_of?"),
    (f"{LOOK}\nalert_when: {{at_least: 2}}", "alert_when.at_least"),
    (f"{LOOK}\nalert_when: {{at_least: {{n: 3, of: [a]}}}}", "alert_when.at_least"),
    (f"{LOOK}\nalert_when: [a]", "alert_when"),
    (f"{LOOK}\nclose_together: [{{clues: [a, b], within: 2 sentences}}]", "close_together"),
    (f"{LOOK}\nclose_together: [{{clues: [a], within: 2}}]", "like 2 sentences"),
    (f"{LOOK}\nclose_together: [{{clues: [a], within: 0 sentences}}]", "within"),
    (f"{LOOK}\nclose_together: [{{clues: [a], within: 2 words}}]", "within"),
    (f"{LOOK}\nunless: [{{name: x, older_than: 72}}]", "older_than"),
    (f"{LOOK}\nunless: [{{name: x, older_than: 3 days}}]", "older_than"),
    (f"{LOOK}\nunless: [{{name: x}}]", "unless"),
    (f"{LOOK}\nunless: [{{name: x, phrases: [drill], of: b, within: 1 sentence}}]", "unless.of: b is no clue"),
    (f"{LOOK}\nunless: [{{phrases: [drill]}}]", "the key name: is missing"),
    (f"{LOOK}\nunless: [{{name: x, phrases: [drill], within: 1 sentence}}]", "of"),
    (f"{LOOK}\nunless: [{{name: x, phrases: [drill], of: a}}]", "within"),
    (f"{LOOK}\nunless: [{{name: x, title_has: $nope}}]", "nope"),
    (f"{LOOK}\nunless: [{{name: x, phrases: [drill], until: never}}]", "until"),
    (f"{LOOK}\ncount: {{of: papers, at_least: 3, within: 6h}}", "count.of"),
    (f"{LOOK}\ncount: {{of: reports, within: 6h}}", "at_least"),
    (f"{LOOK}\ncount: {{of: reports, at_least: 3}}", "within"),
    (
        f"{LOOK}\ncount: {{of: reports, at_least: 3, within: 6h, and_times_usual: {{ratio: 0, measured_over: 30d, needs_history: 7d}}}}",
        "ratio",
    ),
    (f"{LOOK}\nsteps: {{x: {{{LOOK}}}}}", "steps"),
    (f"steps: {{x: {{{LOOK}}}, y: {{{LOOK}}}}}", "in_order"),
    (f"steps: {{x: {{{LOOK}}}, y: {{{LOOK}}}}}\nin_order: {{steps: [x, z], within: 1d}}", "z"),
    (
        f"steps: {{x: {{{LOOK}}}, y: {{{LOOK}}}}}\nin_order: {{steps: [x, y], within: 1d, sharing: state}}",
        "did you mean a state?",
    ),
    (f"steps: {{x: {{{LOOK}}}, y: {{{LOOK}}}}}\nin_order: {{steps: [x, y]}}", "within"),
    (f"{LOOK}\nin_order: {{steps: [x, y], within: 1d}}", "in_order"),
    (f"{LOOK}\ngroup: {{by: [state], for: 24h}}", "did you mean states?"),
    (f"{LOOK}\ngroup: {{by: [rule, $nope], for: 24h}}", "nope"),
    (f"{LOOK}\ngroup: {{by: [rule], for: a day}}", "group.for"),
    (f"{LOOK}\nconfirm: {{publishers: 2, within: 6h, until_then: wait}}", "until_then"),
    (f"{LOOK}\nconfirm: {{publishers: one, within: 6h}}", "publishers"),
    (f"{LOOK}\nupdate_on: [confirm]", "did you mean confirmed?"),
    (f"{LOOK}\nsend: {{in_quiet_hours: loud}}", "in_quiet_hours"),
    (f"{LOOK}\nescalate: {{to: [head]}}", "if_not_acknowledged_in"),
    (f"{LOOK}\nescalate: {{if_not_acknowledged_in: 15, to: [head]}}", "if_not_acknowledged_in"),
    (f"{LOOK}\nescalate: {{if_not_acknowledged_in: 15m}}", "to"),
    (f"{LOOK}\ntests: [{{text: x}}]", "expect"),
    (f"{LOOK}\ntests: [{{text: x, expect: yes}}]", "expect"),
    (f"{LOOK}\ntests: [{{expect: alert}}]", "tests"),
    (f"{LOOK}\ntests: [{{text: x, expect: alert, missing: [a]}}]", "missing"),
    (f"{LOOK}\ntests: [{{text: x, expect: no alert, missing: [b]}}]", "missing"),
    (f"{LOOK}\ntests: [{{text: x, expect: no alert, extracts: {{killed: 1}}}}]", "extracts"),
    (f"{LOOK}\ntests: [{{file: nowhere.txt, expect: alert}}]", "nowhere.txt"),
    (f"{LOOK}\ntests: [{{file: /etc/passwd, expect: alert}}]", "file"),
    (f"{LOOK}\ntests: [{{stream: [{{at: +0h, copy_of: 1}}], expect: alert}}]", "copy_of"),
    (f"{LOOK}\ntests: [{{stream: [{{at: 2h, text: x}}], expect: alert}}]", "at"),
    (f"{LOOK}\ntests: [{{stream: [{{at: +0h, text: x}}], text: y, expect: alert}}]", "stream"),
    (f"languages: english\n{LOOK}", "languages"),
    (f"owner: a\nowner: b\n{LOOK}", "owner"),
]

WRONG_DOCUMENTS: list[tuple[str, str]] = [
    ("rule: Has-Capitals\n" + LOOK, "1:7: rule"),
    ("rule: ab\n" + LOOK, "1:7: rule"),
    (f"rule: {'a' * 65}\n" + LOOK, "1:7: rule"),
    ("rule: under_score\n" + LOOK, "1:7: rule"),
    ("rule: same-id\n" + LOOK + "\n---\nrule: same-id\n" + LOOK, "same-id"),
    ("rule: an-id\n", "look_for"),
    ("list: Pacts\nkind: phrases\nitems: [x y]", "1:7: list"),
    ("list: pacts\nkind: words\nitems: [x y]", "2:7: kind"),
    ("list: pacts\nitems: [x y]", "kind"),
    ("list: pacts\nkind: phrases", "items"),
    ("list: pacts\nkind: phrases\nitems: []", "items"),
    ("list: some\nkind: states\nitems: [NO, XX]", "XX"),
    ("list: some\nkind: states\nitems: [NOR]", "did you mean NO (Norway)?"),
    ("list: some\nkind: states\nitems: [Norway]", "did you mean NO (Norway)?"),
    ("list: a_list\nkind: phrases\nitems: [$b_list]\n---\nlist: b_list\nkind: phrases\nitems: [$a_list]", "a_list"),
    ("list: a_list\nkind: phrases\nitems: [x y]\n---\nlist: a_list\nkind: phrases\nitems: [z z]", "a_list"),
    ("list: a_list\nkind: phrases\nitems: [$codes]\n---\nlist: codes\nkind: states\nitems: [SE]", "codes"),
    ("append: nothing\nitems: [x y]", "nothing"),
    ("list: pacts\nkind: phrases\nitems: [x y]\n---\nappend: pact\nitems: [z z]", "did you mean pacts?"),
    ("list: pacts\nkind: phrases\nitems: [x y]\n---\nappend: pacts\nunless: [{name: x, older_than: 1h}]", "append"),
    ("rule: an-id\n" + LOOK + "\n---\nappend: an-id\nseverity: critical", "severity"),
    ("rule: an-id\n" + LOOK + "\n---\nappend: an-id\nitems: [x y]", "append"),
    ("rules: an-id\n" + LOOK, "did you mean rule?"),
]


def problems(text: str) -> list[str]:
    with pytest.raises(RuleError) as caught:
        compiled(text)
    return [str(problem).split("rules.yaml:", 1)[-1] for problem in caught.value.problems]


@pytest.mark.parametrize("body", RIGHT)
def test_right_values(body: str) -> None:
    assert rules(rule(body)).rules or "status: off" in body


@pytest.mark.parametrize(("body", "expected"), WRONG)
def test_wrong_values(body: str, expected: str) -> None:
    text = rule(body if "look_" in body or "steps" in body else f"{body}\n{LOOK}")
    told = problems(text + "\n---\n" + dedent(LISTS).removesuffix("---\n"))
    assert any(expected in one for one in told), told
    assert len(told) == 1, told


@pytest.mark.parametrize(("text", "expected"), WRONG_DOCUMENTS)
def test_wrong_documents(text: str, expected: str) -> None:
    told = problems(text)
    assert any(expected in one for one in told), told


def test_yaml_reads_what_is_written() -> None:
    written = "list: l\nkind: phrases\nitems: [NO, 22:00, 010, 0x1F, 1_000, 2026-03-18, on, ~x, null, 1e3]"
    with pytest.raises(RuleError):
        load(written)
    some_rule = f"\n---\nrule: the-rule\n{LOOK}"
    loaded = load("list: words\nkind: phrases\nitems: [NO, yes, off, 22, 010, 2026-03-18, null]" + some_rule)
    assert list(loaded.lists["words"].items) == ["NO", "yes", "off", "22", "010", "2026-03-18", "null"]
    assert list(load("list: codes\nkind: states\nitems: [NO, SE]" + some_rule).lists["codes"].items) == ["NO", "SE"]


# What rules decide.

FIRE = "look_for:\n  fire: {phrases: [exchange~ ..2 fire]}\n"
EXCHANGED = "Thai and Cambodian troops exchanged fire on Monday."


def decides(body: str, one: Article, now: datetime | None = None) -> str:
    """`alert`, or why not."""
    result = judge(rule(body), one, now)
    if result.signals:
        return "alert"
    if result.skipped:
        return f"skipped: {result.skipped[0].reason}"
    if result.suppressed:
        return f"unless {result.suppressed[0].name}"
    return "no match"


THREE = "look_for: {a: {phrases: [apples]}, b: {phrases: [berries]}, c: {phrases: [cherries]}}\n"

DECISIONS: list[tuple[str, str, str]] = [
    (THREE, "Apples, berries, cherries.", "alert"),
    (THREE, "Apples, berries.", "no match"),
    (THREE + "alert_when: {all_of: [a, b]}", "Apples, berries.", "alert"),
    (THREE + "alert_when: {any_of: [a, b]}", "Berries.", "alert"),
    (THREE + "alert_when: {any_of: [a, b]}", "Cherries.", "no match"),
    (THREE + "alert_when: {all_of: [a], none_of: [c]}", "Apples, cherries.", "no match"),
    (THREE + "alert_when: {all_of: [a], none_of: [c]}", "Apples, berries.", "alert"),
    (THREE + "alert_when: {at_least: {n: 2, of: [a, b, c]}}", "Apples, cherries.", "alert"),
    (THREE + "alert_when: {at_least: {n: 2, of: [a, b, c]}}", "Apples.", "no match"),
    (THREE + "alert_when: {all_of: [a], any_of: [b, c]}", "Apples.", "no match"),
    (THREE + "close_together: [{clues: [a, b, c], within: 1 sentence}]", "Apples, berries, cherries.", "alert"),
    (THREE + "close_together: [{clues: [a, b, c], within: 1 sentence}]", "Apples, berries. Cherries.", "no match"),
    (THREE + "close_together: [{clues: [a, b, c], within: 2 sentences}]", "Apples, berries. Cherries.", "alert"),
    (THREE + "close_together: [{clues: [a, c], within: 2 sentences}]", "Apples. Berries. Cherries.", "no match"),
    (THREE + "close_together: [{clues: [a, c], within: 3 sentences}]", "Apples. Berries. Cherries.", "alert"),
    (THREE + "close_together: [{clues: [a, c], within: paragraph}]", "Apples. Berries. Rain. Cherries.", "alert"),
    (THREE + "close_together: [{clues: [a, c], within: paragraph}]", "Apples. Berries.\n\nCherries.", "no match"),
    (
        THREE + "close_together: [{clues: [a, b], within: 1 sentence}, {clues: [b, c], within: 1 sentence}]",
        "Apples, berries. Berries, cherries.",
        "alert",
    ),
    (
        THREE + "close_together: [{clues: [a, b], within: 1 sentence}, {clues: [b, c], within: 1 sentence}]",
        "Apples, berries. Cherries.",
        "no match",
    ),
    # not_phrases discard the match that they overlap or share a clause with, not the whole clue.
    ("look_for: {a: {phrases: [fire], not_phrases: [fire drill]}}", "A fire drill began.", "no match"),
    ("look_for: {a: {phrases: [fire], not_phrases: [fire drill]}}", "A fire drill began. Troops opened fire.", "alert"),
    ("look_for: {a: {phrases: [opened fire], not_phrases: [film]}}", "In the film, he opened fire.", "no match"),
    ("look_for: {a: {phrases: [opened fire], not_phrases: [cows]}}", "Troops opened fire. The cows fled.", "alert"),
    # in
    ("look_for: {a: {phrases: [fire], in: title}}", "A fire.", "no match"),
    ("look_for: {a: {phrases: [fire], in: lead}}", "One. Two. A fire.", "alert"),
    ("look_for: {a: {phrases: [fire], in: lead}}", "One. Two. Three. A fire.", "no match"),
    ("look_for: {a: {phrases: [fire], in: body}}", "One. Two. Three. A fire.", "alert"),
    ("look_for: {a: {phrases: [fire], in: body}}", "One. Two. A fire.", "no match"),
    ("look_for: {a: {phrases: [fire], in: [title, body]}}", "One. Two. A fire.", "no match"),
    # accept
    ("look_for: {a: {phrases: [invasion]}}", "There is a risk of invasion.", "no match"),
    ("look_for: {a: {phrases: [invasion], accept: [possible]}}", "There is a risk of invasion.", "alert"),
    ("look_for: {a: {phrases: [invasion], accept: [possible]}}", "The invasion began.", "no match"),
    ("look_for: {a: {regex: 'invasi[o]n'}}", "There is a risk of invasion.", "no match"),
    ("look_for: {a: {regex: 'invasi[o]n'}}", "The invasion began.", "alert"),
    ("look_for: {a: {killed: {at_least: 2}, accept: [past]}}", "In 2020 two soldiers were killed.", "alert"),
    # a window satisfies the clues with their own thresholds
    (
        "look_for: {s: {states: {at_least: 2}}, k: {killed: {at_least: 5}}}\nclose_together: [{clues: [s, k], within: 1 sentence}]",
        "Norway and Sweden clashed; five died.",
        "alert",
    ),
    (
        "look_for: {s: {states: {at_least: 2}}, k: {killed: {at_least: 5}}}\nclose_together: [{clues: [s, k], within: 1 sentence}]",
        "Norway clashed; five died. Sweden clashed; five died.",
        "no match",
    ),
    (
        "look_for: {s: {states: {at_least: 2}}, k: {killed: {at_least: 5}}}\nclose_together: [{clues: [s, k], within: 2 sentences}]",
        "Norway clashed; five died. Sweden clashed.",
        "alert",
    ),
    # unless
    (FIRE + "unless: [{name: drill, phrases: [drill]}]", f"{EXCHANGED} Rain. Rain. A drill ended.", "unless drill"),
    (
        FIRE + "unless: [{name: drill, phrases: [drill], within: 1 sentence, of: fire}]",
        f"{EXCHANGED} A drill ended.",
        "alert",
    ),
    (
        FIRE + "unless: [{name: drill, phrases: [drill], within: 2 sentences, of: fire}]",
        f"{EXCHANGED} A drill ended.",
        "unless drill",
    ),
    (
        FIRE + "unless: [{name: drill, phrases: [drill], within: 2 sentences, of: fire}]",
        f"{EXCHANGED} Rain. A drill ended.",
        "alert",
    ),
    (FIRE + "unless: [{name: talks, phrases: [talks]}]", f"{EXCHANGED} There could be talks.", "alert"),
    (
        FIRE + "unless: [{name: talks, phrases: [talks], accept: [happened, possible]}]",
        f"{EXCHANGED} There could be talks.",
        "unless talks",
    ),
    (FIRE + "unless: [{name: sport, phrases: [sports]}]", f"{EXCHANGED} Missiles hit transports.", "alert"),
    (FIRE + "unless: [{name: drill, phrases: [drill], until: 2026-03-17}]", f"{EXCHANGED} A drill ended.", "alert"),
    (
        FIRE + "unless: [{name: drill, phrases: [drill], until: 2026-03-18}]",
        f"{EXCHANGED} A drill ended.",
        "unless drill",
    ),
    (FIRE + "unless: [{name: retold, event_older_than: 72h}]", EXCHANGED, "alert"),
    (FIRE + "unless: [{name: retold, event_older_than: 72h}]", "Troops exchanged fire on 10 March.", "unless retold"),
    (FIRE + "unless: [{name: retold, event_older_than: 72h}]", "Troops exchanged fire last month.", "unless retold"),
    (FIRE + "unless: [{name: retold, event_older_than: 72h}]", "Troops exchanged fire on 17 March.", "alert"),
    (FIRE + "unless: [{name: retold, event_older_than: 72h}]", "Troops exchanged fire yesterday.", "alert"),
    (FIRE + "unless: [{name: both, phrases: [drill], title_has: drill}]", f"{EXCHANGED} A drill ended.", "alert"),
]


@pytest.mark.parametrize(("body", "text", "expected"), DECISIONS)
def test_decisions(body: str, text: str, expected: str) -> None:
    assert decides(body, news(text)) == expected


def test_exceptions_on_the_article() -> None:
    old = FIRE + "unless: [{name: old, older_than: 72h}]"
    at = datetime(2026, 3, 21, 12, tzinfo=UTC)
    assert decides(old, news(EXCHANGED)) == "alert"
    assert decides(old, news(EXCHANGED), at) == "alert"
    assert decides(old, news(EXCHANGED), at.replace(minute=1)) == "unless old"
    assert decides(old, news(EXCHANGED, published_at=None), at.replace(minute=1)) == "unless old"
    assert decides(old, news(EXCHANGED, published_at=None, first_seen_at=at), at) == "alert"
    titled = FIRE + "unless: [{name: retold, title_has: $pacts}]"
    assert decides(titled, news(EXCHANGED, "The Bergen Pact at fifty")) == "unless retold"
    assert decides(titled, news(f"{EXCHANGED} The Bergen Pact at fifty")) == "alert"
    tagged = FIRE + "unless: [{name: satire, source_tags: [satire]}]"
    assert decides(tagged, news(EXCHANGED, tags=("satire", "weekly"))) == "unless satire"
    assert decides(tagged, news(EXCHANGED, tags=("weekly",))) == "alert"


GATES: list[tuple[str, dict[str, Any], bool]] = [
    ("sources: {tags: [north, south]}", {"tags": ("south",)}, True),
    ("sources: {tags: [north, south]}", {"tags": ("east",)}, False),
    ("sources: {tags: [north]}", {}, False),
    ("sources: {not_tags: [satire]}", {"tags": ("satire", "north")}, False),
    ("sources: {not_tags: [satire]}", {}, True),
    ("sources: {ids: [courier]}", {"source_id": "courier"}, True),
    ("sources: {ids: [courier]}", {"source_id": "mirror"}, False),
    ("sources: {tags: [north], not_tags: [satire]}", {"tags": ("satire", "north")}, False),
    ("title: plain", {"language": "fr"}, False),
    ("title: plain", {"language": "en"}, True),
]


@pytest.mark.parametrize(("gate", "values", "passes"), GATES)
def test_gated_articles_are_skipped_not_unmatched(gate: str, values: dict[str, Any], passes: bool) -> None:
    decided = decides(f"{gate}\n{FIRE}", news(EXCHANGED, **values))
    assert decided == "alert" if passes else decided.startswith("skipped: ")


def test_a_signal_carries_the_states_of_its_window() -> None:
    body = "look_for: {s: {states: {at_least: 2}}, f: {phrases: [exchange~ ..2 fire]}}\n"
    text = f"{EXCHANGED} Rain fell. Peru and Chile protested."
    everywhere = signal(rule(body), news(text))
    near = signal(rule(body + "close_together: [{clues: [s, f], within: 1 sentence}]"), news(text))
    assert everywhere is not None and everywhere.states == ("CL", "KH", "PE", "TH")
    assert near is not None and near.states == ("KH", "TH")
    narrowed = signal(rule("look_for: {s: {states: {at_least: 2, one_from: nordics}}}"), news("Norway and Peru met."))
    assert narrowed is not None and narrowed.states == ("NO", "PE")


def test_append_adds_to_lists_and_exceptions_only() -> None:
    text = """
    rule: the-rule
    languages: [en]
    look_for: {a: {phrases: [sign~ ..2 $pacts]}}
    ---
    append: pacts
    items: [Oslo Charter]
    ---
    append: nordics
    items: [DK]
    ---
    append: the-rule
    unless: [{name: drill, phrases: [drill], because: ours}]
    """
    assert signal(text, news("He signed the Oslo Charter.")) is not None
    assert signal(text, news("He signed the Bergen Pact.")) is not None
    assert judge(text, news("He signed the Oslo Charter in a drill film. A drill ended.")).signals == ()


# Tests in the rule file.

CLASH = """
rule: the-rule
languages: [en]
look_for:
  act: {phrases: [shell~ ..3 village*]}
  pair: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
unless: [{name: old, older_than: 72h}]
tests: [TEST]
"""
STORY = "Norway shelled a village of Sweden. Dozens of people were killed and 40 were wounded."


def outcome(text: str) -> TestOutcome:
    rule_set = load(text)
    [one] = run_rule_tests(rule_set, compile_rules(rule_set, gazetteer()), clean_text)
    return one


INLINE: list[tuple[str, bool]] = [
    (f"{{text: '{STORY}', expect: alert}}", True),
    (f"{{text: '{STORY}', expect: no alert}}", False),
    ("{title: 'Norway shelled a village of Sweden', text: 'Dozens of people were killed.', expect: alert}", True),
    (f"{{text: '{STORY}', expect: alert, extracts: {{states: [SE, 'NO'], killed: 12}}}}", True),
    (f"{{text: '{STORY}', expect: alert, extracts: {{states: [SE, NO]}}}}", True),
    (f"{{text: '{STORY}', expect: alert, extracts: {{states: [SE]}}}}", False),
    (f"{{text: '{STORY}', expect: alert, extracts: {{killed: 13}}}}", False),
    ("{text: Norway shelled a village of Sweden., expect: no alert, missing: [deaths]}", True),
    ("{text: Norway shelled a village of Sweden., expect: no alert, missing: [act]}", False),
    ("{text: Norway shelled a village., expect: no alert, missing: [deaths, pair]}", True),
    (f"{{text: '{STORY}', published: 2026-03-01, now: 2026-03-03, expect: alert}}", True),
    (f"{{text: '{STORY}', published: 2026-03-01, now: 2026-03-05, expect: no alert}}", True),
    (f"{{text: '{STORY}', now: 2026-03-05, expect: alert}}", True),
    (f"{{text: '{STORY}', language: fr, expect: no alert}}", True),
    (
        f"{{stream: [{{at: +0h, text: Rain.}}, {{at: +36h, text: '{STORY}'}}], expect: alert, extracts: {{killed: 12}}}}",
        True,
    ),
]


@pytest.mark.parametrize(("test", "passes"), INLINE)
def test_inline_tests(test: str, passes: bool) -> None:
    assert outcome(CLASH.replace("TEST", test)).passed is passes


def test_a_test_reads_a_file_beside_the_rules(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "story.txt").write_text(STORY, encoding="utf-8")
    (tmp_path / "x.yaml").write_text(
        CLASH.replace("TEST", "{file: tests/story.txt, expect: alert, extracts: {killed: 12}}"), encoding="utf-8"
    )
    rule_set = load_rules([tmp_path])
    [one] = run_rule_tests(rule_set, compile_rules(rule_set, gazetteer()), clean_text)
    assert one.passed, one.diff


STEPS = """
rule: the-rule
languages: [en]
steps:
  break:
    look_for: {cut: {phrases: [sever~ ..3 ties]}, who: {states: {at_least: 2}}}
    close_together: [{clues: [cut, who], within: 1 sentence}]
  call_up:
    look_for: {order: {phrases: [order~ ..3 mobili(s|z)ation]}, who: {states: {at_least: 1}}}
in_order: {steps: [break, call_up], within: 10d, sharing: SHARED}
tests:
  - stream: STREAM
    expect: EXPECTED
"""
CUT = "Norway severed its ties with Sweden."
CALL = "Sweden ordered mobilisation."

STREAMS: list[tuple[str, str, bool]] = [
    ("a state", f"[{{at: +0d, text: {CUT}}}, {{at: +3d, text: {CALL}}}]", True),
    ("a state", f"[{{at: +0d, text: {CALL}}}, {{at: +3d, text: {CUT}}}]", False),
    ("a state", f"[{{at: +0d, text: {CUT}}}, {{at: +11d, text: {CALL}}}]", False),
    ("a state", f"[{{at: +0d, text: {CUT}}}, {{at: +240h, text: {CALL}}}]", True),
    ("a state", f"[{{at: +0d, text: {CUT}}}, {{at: +3d, text: Peru ordered mobilisation.}}]", False),
    ("states", f"[{{at: +0d, text: {CUT}}}, {{at: +3d, text: {CALL}}}]", False),
    ("states", f"[{{at: +0d, text: {CUT}}}, {{at: +3d, text: Sweden ordered mobilisation against Norway.}}]", True),
    ("a state", f"[{{at: +0d, text: {CUT}}}, {{at: +1h, copy_of: 1}}, {{at: +2h, text: {CALL}}}]", True),
    ("a state", f"[{{at: +0d, text: {CUT}}}]", False),
    (
        "a state",
        f"[{{at: +0d, text: {CALL}}}, {{at: +1d, text: {CUT}}}, {{at: +2d, copy_of: 1, publisher: Mirror}}]",
        False,
    ),
]


@pytest.mark.parametrize(("shared", "stream", "alerts"), STREAMS)
def test_steps_in_order(shared: str, stream: str, alerts: bool) -> None:
    text = (
        STEPS.replace("SHARED", shared).replace("STREAM", stream).replace("EXPECTED", "alert" if alerts else "no alert")
    )
    one = outcome(text)
    assert one.passed, one.diff


def paper(at: str, name: str, text: str = "") -> str:
    return f"{{at: {at}, publisher: {name}, {text or 'text: Norway shelled a village; ' + name + ' saw it.'}}}"


COUNT = """
rule: the-rule
languages: [en]
look_for: {act: {phrases: [shell~ ..3 village*]}, who: {states: {at_least: 1}}}
count: {of: OF, at_least: 3, within: 6h, MORE}
tests: [{stream: [STREAM], expect: EXPECTED}]
"""
RATIO = "and_times_usual: {ratio: 3, measured_over: 30d, needs_history: 7d}"

COUNTS: list[tuple[str, str, str, bool]] = [
    ("publishers", "", ", ".join((paper("+0h", "A"), paper("+1h", "B"), paper("+2h", "C"))), True),
    ("publishers", "", ", ".join((paper("+0h", "A"), paper("+1h", "B"))), False),
    (
        "publishers",
        "",
        ", ".join(
            (
                paper("+0h", "A"),
                paper("+1h", "B"),
                paper("+2h", "B", "text: More shells hit Norway as it shelled a village again."),
            )
        ),
        False,
    ),
    (
        "reports",
        "",
        ", ".join(
            (
                paper("+0h", "A"),
                paper("+1h", "B"),
                paper("+2h", "B", "text: More guns spoke as Norway shelled the next village."),
            )
        ),
        True,
    ),
    ("publishers", "", ", ".join((paper("+0h", "A"), paper("+1h", "B"), paper("+9h", "C"))), False),
    ("publishers", "", ", ".join((paper("+0h", "A"), paper("+5h", "B"), paper("+7h", "C"), paper("+8h", "D"))), True),
    (
        "publishers",
        "",
        ", ".join((paper("+0h", "A"), paper("+1h", "B", "copy_of: 1"), paper("+2h", "C", "copy_of: 1"))),
        False,
    ),
    (
        "publishers",
        "per: state",
        ", ".join((paper("+0h", "A"), paper("+1h", "B"), paper("+2h", "C", "text: Peru shelled a village."))),
        False,
    ),
    ("publishers", RATIO, ", ".join((paper("+0h", "A"), paper("+1h", "B"), paper("+2h", "C"))), False),
    (
        "publishers",
        RATIO,
        ", ".join((paper("+0h", "X", "text: Rain."), paper("+192h", "A"), paper("+193h", "B"), paper("+194h", "C"))),
        True,
    ),
]


@pytest.mark.parametrize(("of", "more", "stream", "alerts"), COUNTS)
def test_counts(of: str, more: str, stream: str, alerts: bool) -> None:
    text = COUNT.replace("OF", of).replace("MORE", more).replace("STREAM", stream)
    one = outcome(text.replace("EXPECTED", "alert" if alerts else "no alert"))
    assert one.passed, one.diff


# Section 7: findings.

TODAY = date(2026, 11, 23)
SOURCE = Source(id="paper", url="https://paper.example/feed", language="en", every=timedelta(minutes=15))
FIRE_RULE = "rule: the-rule\nlanguages: [en]\nlook_for: {a: {phrases: [exchange~ ..2 fire]}}\n"
TESTED = (
    "tests:\n  - {text: Troops exchanged fire., expect: alert}\n  - {text: Rain., expect: no alert, missing: [a]}\n"
)


def with_clue(clue: str, more: str = "") -> str:
    return f"rule: the-rule\nlanguages: [en]\nlook_for:\n  a: {clue}\n{more}"


def with_phrase(phrase: str) -> str:
    return f"rule: the-rule\nlanguages: [en]\nlook_for:\n  a:\n    phrases:\n      - {phrase}\n"


TWO = "rule: the-rule\nlanguages: [en]\nlook_for: {a: {phrases: [open~ fire]}, b: {phrases: [border clash~]}}\n"

FINDINGS: list[tuple[str, str, bool]] = [
    ("yaml-comment-in-phrase", with_phrase("Article #4"), True),
    ("yaml-comment-in-phrase", with_phrase("Article 4  # the clause"), False),
    ("yaml-comment-in-phrase", with_phrase("'Article 4'  #4"), False),
    ("phrase-too-short", with_phrase("war"), True),
    ("phrase-too-short", with_phrase("(war|raid)"), True),
    ("phrase-too-short", with_phrase("CIS"), False),
    ("phrase-too-short", with_phrase("at war"), False),
    ("phrase-too-short", "list: words\nkind: phrases\nitems: [war]\n---\n" + with_phrase("$words"), True),
    ("phrase-too-short", with_phrase("war  # lint-ok: phrase-too-short only the drill channel"), False),
    ("phrase-too-short", with_phrase("war  # lint-ok: phrase-too-short"), True),
    ("phrase-too-short", with_phrase("war  # lint-ok: gap-too-wide because"), True),
    ("bad-suppression", with_phrase("war  # lint-ok: phrase-too-short"), True),
    ("bad-suppression", with_phrase("war  # lint-ok: phrase-to-short it is so"), True),
    ("bad-suppression", with_phrase("war  # lint-ok: phrase-too-short it is so"), False),
    ("wildcard-too-broad", with_phrase("vil* elder"), True),
    ("wildcard-too-broad", with_phrase("vill* elder"), False),
    ("gap-too-wide", with_phrase("fire ..13 border"), True),
    ("gap-too-wide", with_phrase("fire ..12 border"), False),
    ("gap-too-wide", with_clue("{phrases: [open~ fire], not_phrases: [fire ..20 drill]}"), True),
    ("gap-too-wide", FIRE_RULE + "unless: [{name: x, phrases: [war ..20 game]}]", True),
    ("can-never-match", TWO + "alert_when: {all_of: [a], none_of: [a]}", True),
    ("can-never-match", TWO + "alert_when: {any_of: [a, b], none_of: [a, b]}", True),
    ("can-never-match", TWO + "alert_when: {at_least: {n: 2, of: [a, b]}, none_of: [b]}", True),
    ("can-never-match", TWO + "alert_when: {all_of: [a], none_of: [b]}", False),
    ("can-never-match", "list: two\nkind: states\nitems: [SE, FI]\n---\n" + with_clue("{states: {at_least: 3, all_from: two}}"), True),
    ("can-never-match", "list: two\nkind: states\nitems: [SE, FI]\n---\n" + with_clue("{states: {at_least: 2, all_from: two}}"), False),
    ("can-never-match", "list: one\nkind: states\nitems: [SE]\n---\nlist: two\nkind: states\nitems: [FI]\n---\n" + with_clue("{states: {at_least: 1, one_from: one, all_from: two}}"), True),
    ("can-never-match", FIRE_RULE + "sources: {tags: [x], not_tags: [x]}", True),
    ("can-never-match", with_phrase("fire AND smoke"), True),
    ("can-never-match", with_phrase("fire OR smoke"), True),
    ("can-never-match", with_phrase("fire and smoke"), False),
    ("always-matches", TWO + "alert_when: {none_of: [a, b]}", True),
    ("always-matches", TWO + "alert_when: {any_of: [a], none_of: [b]}", False),
    ("shadowed-by-unless", TWO + "unless: [{name: x, phrases: [open~ fire]}]", True),
    ("shadowed-by-unless", TWO + "unless: [{name: x, phrases: [opened fire drill]}]", False),
    ("unused-clue", TWO + "alert_when: {all_of: [a]}", True),
    ("unused-clue", TWO + "alert_when: {all_of: [a]}\nclose_together: [{clues: [a, b], within: 2 sentences}]", False),
    ("unused-clue", TWO, False),
    ("unused-list", "list: words\nkind: phrases\nitems: [x y]\n---\n" + FIRE_RULE, True),
    ("unused-list", "list: words\nkind: phrases\nitems: [x y]\n---\n" + with_phrase("$words"), False),
    ("unused-list", "list: words\nkind: phrases\nitems: [x y]\n---\nlist: more\nkind: phrases\nitems: [$words]\n---\n" + FIRE_RULE, True),
    ("unused-list", "list: words\nkind: phrases\nitems: [x y]\n---\nlist: more\nkind: phrases\nitems: [$words]\n---\n" + with_phrase("$more"), False),
    ("expired-until", FIRE_RULE + "unless: [{name: x, phrases: [drill], until: 2026-11-22}]", True),
    ("expired-until", FIRE_RULE + "unless: [{name: x, phrases: [drill], until: 2026-11-23}]", False),
    ("no-test", FIRE_RULE, True),
    ("no-test", FIRE_RULE + TESTED, False),
    ("no-negative-test", FIRE_RULE + "tests: [{text: Troops exchanged fire., expect: alert}]", True),
    ("no-negative-test", FIRE_RULE + TESTED, False),
    ("stale-review", FIRE_RULE + "reviewed: 2025-11-20", True),
    ("stale-review", FIRE_RULE + "reviewed: 2025-12-01", False),
    ("ambiguous-state-alone", with_phrase("Georgia"), True),
    ("ambiguous-state-alone", with_phrase("(Jordan|Syria)"), True),
    ("ambiguous-state-alone", with_phrase("Georgia attack~"), False),
    ("ambiguous-state-alone", with_phrase("Chad"), True),
    ("language-without-inflector", with_phrase("invoke~").replace("[en]", "[hy]"), True),
    ("language-without-inflector", with_phrase("invoke~").replace("[en]", "[en, hy]"), True),
    ("language-without-inflector", with_phrase("invoke~"), False),
    ("language-without-inflector", with_phrase("invok*").replace("[en]", "[hy]"), False),
    ("regex-used", with_clue("{regex: 'T-(72|80)'}"), True),
    ("language-without-source", FIRE_RULE.replace("[en]", "[uk]"), True),
    ("language-without-source", FIRE_RULE.replace("[en]", "[en, uk]"), True),
    ("language-without-source", FIRE_RULE, False),
    ("unknown-recipient", FIRE_RULE + "send: {to: [desc]}", True),
    ("unknown-recipient", FIRE_RULE + "send: {to: [desk]}", False),
    ("unknown-recipient", FIRE_RULE + "escalate: {if_not_acknowledged_in: 30m, to: [boss]}", True),
    ("window-shorter-than-poll", FIRE_RULE + "confirm: {publishers: 2, within: 5m}", True),
    ("window-shorter-than-poll", FIRE_RULE + "count: {of: reports, at_least: 2, within: 10m}", True),
    ("window-shorter-than-poll", FIRE_RULE + "unless: [{name: old, older_than: 10m}]", True),
    ("window-shorter-than-poll", FIRE_RULE + "unless: [{name: old, older_than: 72h}]", False),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "expected"), FINDINGS)
def test_findings(code: str, text: str, expected: bool) -> None:
    findings = lint_rules(load(text), TODAY, sources=[SOURCE], recipients=["desk"])
    assert (code in {finding.code for finding in findings}) is expected, [str(finding) for finding in findings]


# Explaining the article that the project started from, with one thing changed.

CHANGED: list[tuple[str, str, str, str]] = [
    ("Article four", "Article five", "invocation", "nearest: lacks"),
    ("Collective Security Treaty, which", "Common Security Treaty, which", "invocation", "nearest: lacks"),
    ("had invoked", "could invoke", "invocation", "possible (“could”), not counted"),
    ("had invoked", "had not invoked", "invocation", "denied (“had not”), not counted"),
    ("dozens of deaths", "no deaths", "deaths", "denied (“no”), not counted"),
]


@pytest.mark.shared_data
@pytest.mark.parametrize(("said", "instead", "missing", "told"), CHANGED)
def test_explain_names_what_a_changed_word_breaks(
    said: str,
    instead: str,
    missing: str,
    told: str,
    shared_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATCHER_CONFIG", raising=False)
    text = (shared_data / "seed-article.txt").read_text(encoding="utf-8")
    assert said in text
    changed = tmp_path / "changed.txt"
    changed.write_text(text.replace(said, instead), encoding="utf-8")
    asked = ["rules", "explain", str(changed), "--rules", str(SHIPPED), "--rule", "csto-article-4-invoked"]
    outputs = []
    for more in ([], ["--format", "json"]):
        with pytest.raises(SystemExit) as ended:
            main([*asked, *more])
        assert not ended.value.code
        outputs.append(capsys.readouterr().out)
    assert f"csto-article-4-invoked: no match, missing {missing}\n" in outputs[0]
    assert f"  FAIL clue {missing}: " in outputs[0]
    assert told in outputs[0]
    [explained] = json.loads(outputs[1])["rules"]
    assert (explained["outcome"], explained["missing"]) == ("no match", [missing])
    [clue] = [node for node in explained["tree"] if node["label"] == f"clue {missing}"]
    assert not clue["passed"] and clue["children"]
