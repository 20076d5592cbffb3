"""What holds for every text: offsets, stability under what follows, case of headlines; and the data files themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.understand.test_states import NAMED, NOT_PARTIES, SEED_ARTICLE, exclusions, parties, read
from tests.understand.test_states_in_news import CASES as IN_NEWS
from watcher.text.reading import Reading
from watcher.understand import gazetteer as gazetteer_module
from watcher.understand.states import Gazetteer, find_states

GAZETTEER = Gazetteer.load()
TEXTS = [text for text, *_ in NAMED + NOT_PARTIES]
# A sentence with a capital letter ends what makes a text without any special.
WITH_CAPITALS = [text for text in TEXTS if not text.islower()]
# Abbreviations that are words in capitals too, and leaders' surnames, are not read in a headline in capitals alone.
UNAMBIGUOUS = "Armenia Azerbaijan Russia Ukraine Israel Iran Pakistan India Serbia Kosovo Ethiopia Eritrea".split()
VERBS = ["attacks", "warns", "accuses", "shells", "recalls its envoy from"]


@given(
    st.sampled_from(WITH_CAPITALS),
    st.sampled_from(["Nobody was hurt.", "The weather was fine.", "Prices rose by 4 per cent."]),
)
def test_an_unrelated_sentence_changes_nothing_before_it(text, sentence):
    alone = find_states(read(text), GAZETTEER)
    followed = find_states(read(f"{text}\n\n{sentence}"), GAZETTEER)
    assert followed == alone


# In the languages of news: a sentence that names nobody, and has a capital letter where the script has one.
UNRELATED = {
    "en": "The Weather Was Fine.",
    "fr": "Le Temps était beau.",
    "es": "El Tiempo era bueno.",
    "ru": "Погода Была хорошая.",
    "uk": "Погода Була гарна.",
    "tr": "Hava Çok güzeldi.",
    "ar": "كان الطقس جميلا.",
    "hy": "Եղանակը լավ էր։",
    "az": "Hava Gözəl idi.",
    "ka": "ამინდი კარგი იყო.",
    "fa": "هوا خوب بود.",
    "und": "The Weather Was Fine.",
}


@given(st.sampled_from([case for case in IN_NEWS if case[3].endswith((".", "։"))]), st.sampled_from(["\n\n", " "]))
@settings(deadline=None)  # the first text of a language builds its table of names
def test_an_unrelated_sentence_changes_no_party_in_any_language(case, gap):
    language, day, _, text = case
    at = datetime.fromisoformat(f"{day or '2022-09-14'}T12:00:00+00:00")
    alone = find_states(Reading.of("", text, language, at), GAZETTEER)
    followed = find_states(Reading.of("", f"{text}{gap}{UNRELATED[language]}", language, at), GAZETTEER)
    assert followed == alone


NAMES_AND_FRAMES = [
    ("en", "names", "{} attacks Iceland"),
    ("en", "demonyms", "{} troops clash with Iceland"),
    ("fr", "names", "{} attaque l'Islande"),
    ("fr", "demonyms", "soldats {} en Islande"),
    ("es", "names", "{} ataca a Islandia"),
    ("es", "demonyms", "soldados {} en Islandia"),
    ("ru", "names", "{} против Исландии"),
    ("ru", "demonyms", "{} военные в Исландии"),
    ("uk", "names", "{} проти Ісландії"),
    ("uk", "demonyms", "{} військові в Ісландії"),
    ("tr", "names", "{} ile İzlanda savaşta"),
    ("tr", "demonyms", "{} askerleri İzlanda sınırında"),
    ("az", "names", "{} və İslandiya razılaşdı"),
    ("az", "demonyms", "{} əsgərlər İslandiya sərhədində"),
]


def names_of(language, section):
    path = resources.files("watcher.understand") / "data" / "states" / f"{language}.yaml"
    rows = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)[section]
    items = ((code, item.strip()) for code, row in rows.items() for item in row.split(","))
    return [(code, item) for code, item in items if item and not item.endswith("?")]


@pytest.mark.parametrize(("language", "section", "frame"), NAMES_AND_FRAMES)
def test_every_name_is_found_in_a_headline_and_in_its_capitals(language, section, frame):
    missing = []
    for code, name in names_of(language, section):
        headline = frame.format(name)
        for written in (headline, headline.upper()):
            found = parties(read("", title=written, language=language), GAZETTEER).split()
            missing += [] if code in found else [written]
    assert missing == []


@given(st.lists(st.sampled_from(UNAMBIGUOUS), min_size=2, max_size=2, unique=True), st.sampled_from(VERBS))
def test_capitals_lose_no_state_of_a_headline(names, verb):
    headline = f"{names[0]} {verb} {names[1]}"
    small = parties(read("", title=headline), GAZETTEER)
    assert small and parties(read("", title=headline.upper()), GAZETTEER) == small


@given(st.lists(st.sampled_from([*TEXTS, "Ko\u0301sovo ", "é", "\u200b", "\n\n", " — ", "İstanbul "]), max_size=6))
@settings(max_examples=60)
def test_mentions_stand_in_order_inside_the_text(parts):
    reading = read("".join(parts))
    mentions = find_states(reading, GAZETTEER)
    assert list(mentions) == sorted(mentions, key=lambda m: (m.start, m.end))
    for mention in mentions:
        assert 0 <= mention.start < mention.end <= len(reading.full)
        written = reading.full[mention.start : mention.end]
        assert written == written.strip()
        assert "\n\n" not in written


@given(st.text(max_size=200), st.sampled_from(["en", "ru", "tr", "ar", "fr", "und", "xx"]))
@settings(deadline=None)  # the first text of a language builds its table of names
def test_any_text_can_be_read(text, language):
    find_states(Reading.of(text[:50], text, language, datetime(2022, 1, 1, tzinfo=UTC)), GAZETTEER)


def test_a_possessive_and_a_zero_width_space_are_outside_the_name():
    reading = read("Curaçao fears Iran\u200b’s navy, and Yemen's.")
    assert [reading.full[m.start : m.end] for m in find_states(reading, GAZETTEER)] == [
        "Curaçao",
        "Iran\u200b",
        "Yemen",
    ]


def test_the_title_that_the_text_repeats_counts_once():
    reading = read("Iran warns Iraq\n\nTehran said so.", title="Iran warns Iraq")
    assert [reading.full[m.start : m.end] for m in find_states(reading, GAZETTEER)] == ["Iran", "Iraq", "Tehran"]


def test_a_title_and_the_first_paragraph_explain_each_other():
    assert parties(read("Tbilisi recalled its envoy.", title="Georgia protests"), GAZETTEER) == "GE"
    assert parties(read("Nothing.\n\nTbilisi recalled its envoy.", title="Georgia protests"), GAZETTEER) == "GE"
    assert parties(read("Nothing.\n\nA storm hit Georgia.\n\nFrance won."), GAZETTEER) == "FR"


@pytest.mark.parametrize(
    ("text", "year", "expected"),
    [
        ("Soviet troops left Afghanistan.", 1988, "AF SU"),
        ("Soviet troops left Afghanistan.", 2020, "AF"),
        ("Chancellor Brown spoke.", 2022, ""),
        ("Prime Minister Brown spoke.", 2008, "GB"),
        ("Prime Minister Brown spoke.", 2022, ""),
        ("President Bush spoke.", 2004, "US"),
        ("President Roh spoke.", 2005, "KR"),
        ("Pashinyan spoke.", 2040, "AM"),
    ],
)
def test_dates_decide_about_offices_and_former_states(text, year, expected):
    assert parties(read(text, reference_at=datetime(year, 6, 1, tzinfo=UTC)), GAZETTEER) == expected


def test_text_without_capitals_holds_no_abbreviations():
    assert parties(read("they told us that iran lied"), GAZETTEER) == "IR"


def test_every_party_has_a_name_and_loads_the_same_way_twice():
    names = GAZETTEER.names()
    assert len(names) == 193 + 2 + 2
    assert {"PS", "VA", "TW", "XK", "NO", "AM"} <= names.keys()
    assert (names["NO"], names["GE"], names["XK"]) == ("Norway", "Georgia", "Kosovo")
    assert Gazetteer.load().version == GAZETTEER.version


def test_every_party_is_found_by_its_own_name():
    found = {
        code: parties(read(f"The government of {name} and the army of {name} agreed."), GAZETTEER)
        for code, name in GAZETTEER.names().items()
    }
    assert {code: states for code, states in found.items() if states != code} == {}


@pytest.mark.shared_data
def test_the_seed_article():
    if not SEED_ARTICLE.exists():
        pytest.skip("the development data is not beside the checkout")
    reading = read(SEED_ARTICLE.read_text(encoding="utf-8"))
    sentence = reading.sentence_at(reading.full.index("dozens of deaths"))
    mentions = find_states(reading, GAZETTEER)
    inside = {m.code for m in mentions if m.excluded is None and sentence.start <= m.start < sentence.end}
    assert inside == {"AM", "AZ"}
    assert {("Russian", "X-led"), ("Moscow", "X-brokered"), ("Armenians", "people")} <= exclusions(reading, GAZETTEER)
    assert parties(reading, GAZETTEER) == "AM AZ BY RU"


@pytest.mark.parametrize("row", ["Nikol Pashinyan", "(nobody) 2018-"])
def test_a_leader_without_years_or_name_is_an_error(row):
    with pytest.raises(ValueError, match=r"no years|no name"):
        list(gazetteer_module._leaders("AM", row, frozenset()))
