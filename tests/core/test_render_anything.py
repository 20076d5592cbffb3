"""Whatever sources say, in whatever language people read: Telegram takes the message, and nothing vital is missing.

Every message goes through the stand-in's parser, and through Telegram's own where TDLib is installed.
"""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import telegram_parser
from tests.builders import NOW, alert, excerpt, report
from tests.telegram_html import parse_html, utf16_units
from watcher.model import (
    Alert,
    AlertKind,
    DigestItem,
    EventChange,
    Excerpt,
    Extraction,
    Field,
    Held,
    Severity,
    Standing,
    Toll,
    Voice,
)
from watcher.render import (
    TELEGRAM_LIMIT,
    clean,
    render_discreet,
    render_headline_edit,
    render_telegram,
    render_telegram_text,
    safe_url,
)
from watcher.wording import LANGUAGES, wording_of

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan", "RU": "Russia"}
MAX_ENTITIES = 100  # Telegram ignores what comes after them (https://core.telegram.org/api/entities#entity-length)
READERS = ["the stand-in"] + (["Telegram"] if telegram_parser.library() else [])
STATES = ["AM", "AZ", "RU", "XK", "PS", "CD", "GB", "US", "BA", "GS", "VC", "ZZ"]
# Neighbours of the surrogates, controls of direction, marks, joiners, the widest characters, and what is markup.
ODD = "\ud7ff\ue000\uffff\U00010000\U0010ffff\u202e\u2066\u2067\u2068\u2069\u200f\u061c\u0301\u20dd\u200d\ufe0f\ufdfd<>&\"'`\x00\x1b\x85\u2028"

TEXT = st.one_of(
    st.text(max_size=80),
    st.text(st.sampled_from(ODD), max_size=60),
    st.text(st.characters(), min_size=1, max_size=3).map(lambda text: text * 2000),  # no spaces, huge
    st.text(st.sampled_from(ODD + "אبж 😀"), min_size=1, max_size=40).map(lambda text: text * 60),
    st.sampled_from(
        ["</b>", "<a href='https://x.example/'>", "&lt;script&gt;", "&", "\u0301" * 500, "😀" * 5000, "", " "]
    ),
)
URL = st.one_of(
    st.sampled_from(
        ["https://a.example/", "https://a.example/?a=<b>&c=\"'", "https://a.example/" + "&" * 400, "http://localhost/a",
         "https://a.example:99999/", "https://[::1]/x", "https://a.example/" + "é" * 3000, "https://xn--p1ai.рф/ю"]
    ),
    st.from_regex(r"https?://[a-z.-]{1,12}(:[0-9]{1,6})?/[!-~]{0,40}", fullmatch=True),
)  # fmt: skip
TOLL = st.none() | st.builds(Toll, st.integers(0, 10**9), st.none() | st.integers(0, 10**9), st.booleans())


@st.composite
def excerpts(draw: st.DrawFn) -> Excerpt:
    text = draw(TEXT)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=60)))
    return Excerpt("article-1", Field.TEXT, text, tuple(zip(cuts[::2], cuts[1::2], strict=False)))


VOICES = st.builds(
    Voice,
    name=TEXT,
    standing=st.sampled_from(Standing),
    state=st.sampled_from(STATES),
    outlets=st.tuples(TEXT),
    copies=st.integers(0, 3),
    confirms=st.booleans(),
)
ITEMS = st.builds(
    DigestItem,
    alert_id=st.just("nsmru4newv"),
    at=st.just(NOW),
    severity=st.sampled_from(Severity),
    headline=TEXT,
    family=st.sampled_from(["treaty", "clash", None]) | TEXT,
    states=st.lists(st.sampled_from(STATES), max_size=5, unique=True).map(tuple),
    killed=TOLL,
    publisher=TEXT,
    url=st.none() | URL,
    changes=st.sampled_from([(), (EventChange.OPENED,), (EventChange.CONFIRMED,)]),
    was_sent=st.booleans(),
)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    reports = [
        report(
            article_id=f"article-{number}",
            title=draw(TEXT),
            publisher=draw(TEXT),
            affiliation=draw(st.sampled_from(["state", "unknown"]) | TEXT),
            url=draw(URL),
            denied_by=tuple(draw(st.lists(st.sampled_from(STATES), max_size=2))),
            copy_of=draw(st.sampled_from([None, "article-0"])),
            lowers_toll=draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 12)))
    ]
    kind = draw(st.sampled_from(AlertKind))
    values: dict[str, Any] = {
        "kind": kind,
        "changes": tuple(draw(st.lists(st.sampled_from(EventChange), unique=True, max_size=6))),
        "severity": draw(st.sampled_from(Severity)),
        "headline": draw(TEXT),
        "rule_title": draw(TEXT),
        "excerpts": tuple(draw(st.lists(excerpts(), max_size=7))),
        "reports": tuple(reports),
        "publishers": tuple(draw(st.lists(TEXT, max_size=20))),
        "voices": tuple(draw(st.lists(VOICES, max_size=12))),
        "states": tuple(draw(st.lists(st.sampled_from(STATES), unique=True))),
        "killed": draw(TOLL),
        "injured": draw(TOLL),
        "extraction": draw(st.sampled_from(Extraction)),
        "body": draw(TEXT),
        "is_test_rule": draw(st.booleans()),
        "copies": draw(st.integers(0, 9)),
        "also": tuple(draw(st.lists(TEXT, max_size=4))),
        "held_back": tuple(draw(st.lists(TEXT, max_size=4))),
        "escalates_at": draw(st.sampled_from([None, NOW])),
        "unacknowledged_since_at": draw(st.sampled_from([None, NOW])),
    }
    if kind in (AlertKind.DIGEST, AlertKind.SUMMARY) and draw(st.booleans()):
        items = tuple(draw(st.lists(ITEMS, min_size=1, max_size=40)))
        values |= {"items": items, "reports": (), "held_for": draw(st.sampled_from([None, *Held]))}
    return alert(**values)


def read(reader: str, message: str) -> tuple[str, list[str], int]:
    """The text, the addresses of its links, and how many entities there are."""
    if reader == "the stand-in":
        text, entities = parse_html(message)
        return text, [url for _, _, url in entities if url], len(entities)
    text, found = telegram_parser.parse(message)
    return text, [one["type"]["url"] for one in found if "url" in one["type"]], len(found)


def without_scheme(url: str) -> str:
    return url.lower().partition("://")[2].rstrip("/")


def check(about: Alert, message: str, language: str, *, has_links: bool = True) -> None:
    assert utf16_units(message) <= TELEGRAM_LIMIT
    texts = set()
    for reader in READERS if has_links else ["plain"]:
        text, links, entities = read(reader, message) if has_links else (message, [], 0)
        texts.add(text)
        assert utf16_units(text) <= TELEGRAM_LIMIT
        assert entities <= MAX_ENTITIES
        assert about.id in text.splitlines()[-1]
        headline = clean(about.headline)[:25]
        if not about.items or language == "en":
            assert headline.rstrip() in text
        shown = [without_scheme(link) for link in links]
        for url in [safe_url(about.reports[0].url)] if about.reports else []:
            assert url is None or without_scheme(url) in shown or url in text, (url, links)
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\x1b\x00\x85\u2028") & set(text)
        assert text.count("\u2068") == text.count("\u2069")
        text.encode()
    assert len(texts) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", ["&", "\U0010ffff", "א "])
@pytest.mark.parametrize("kind", [AlertKind.EXERCISE, AlertKind.SUMMARY])
def test_everything_at_its_longest_at_once(language: str, letter: str, kind: AlertKind) -> None:
    long = letter * 700
    voices = tuple(
        Voice(long, standing, "AM", (long,), 9, confirms) for standing in Standing for confirms in (True, False)
    )
    everything = alert(
        kind=kind,
        changes=tuple(EventChange),
        headline=long,
        states=tuple(STATES),
        killed=Toll(10**9, 10**9 + 1),
        injured=Toll(10**9, 10**9 + 1),
        excerpts=(excerpt(long, long),) * 9,
        reports=(report(title=long, publisher=long, affiliation=long, url="https://a.example/" + "&" * 190),) * 30,
        voices=voices * 3,
        extraction=Extraction.SUMMARY,
        body=long,
        is_test_rule=True,
        also=(long,) * 9,
        held_back=(long,) * 9,
        escalates_at=NOW,
        unacknowledged_since_at=NOW,
        rule_title=long,
    )
    items = tuple(
        DigestItem(
            "nsmru4newv", NOW, severity, long, long, tuple(STATES), everything.killed, long, "https://a.example/"
        )
        for severity in (Severity.CRITICAL, Severity.WARNING, Severity.WATCH)
    )
    for longest in (everything, replace(everything, items=items * 30, reports=())):
        check(longest, render_telegram(longest, NAMES, wording_of(language)), language)
        edited = render_headline_edit(
            longest, replace(longest, severity=Severity.CRITICAL), NAMES, wording_of(language)
        )
        check(longest, edited, language)
        check(longest, render_telegram_text(longest, NAMES, wording_of(language)), language, has_links=False)


def test_a_quotation_full_of_matches_leaves_room_for_the_links() -> None:
    words = "fire " * 150
    spans = tuple((start, start + 4) for start in range(0, len(words), 5))
    crowded = alert(excerpts=(Excerpt("article-1", Field.TEXT, words, spans),) * 6)
    check(crowded, render_telegram(crowded, NAMES), "en")


@pytest.mark.parametrize(
    ("address", "is_linked"),
    [
        ("https://a.example/?a=1&b=2", True),
        ("https://a.example", True),
        ("http://127.0.0.1:9000/alert", True),
        ("http://localhost:9000/alert", False),
        ("https://a.example:99999/", False),
        ("https://[::1]/", False),
    ],
)
def test_an_address_that_telegram_does_not_link_is_there_to_read(address: str, is_linked: bool) -> None:
    about = alert(reports=(report(url=address),))
    message = render_telegram(about, NAMES)
    check(about, message, "en")
    assert (f'<a href="{html.escape(address)}">' in message) is is_linked
    for reader in READERS:
        assert bool(read(reader, message)[1]) is is_linked


@settings(max_examples=60, deadline=None)
@given(alerts(), st.sampled_from(LANGUAGES))
def test_any_alert(anything: Alert, language: str) -> None:
    wording = wording_of(language)
    check(anything, render_telegram(anything, NAMES, wording), language)
    plain = render_telegram_text(anything, NAMES, wording)
    check(anything, plain, language, has_links=False)


@settings(max_examples=25, deadline=None)
@given(alerts(), alerts(), st.sampled_from(LANGUAGES))
def test_any_headline_that_is_edited(first: Alert, latest: Alert, language: str) -> None:
    check(first, render_headline_edit(first, latest, NAMES, wording_of(language)), language)


@settings(max_examples=20, deadline=None)
@given(alerts(), st.sampled_from(LANGUAGES))
def test_any_discreet_message(anything: Alert, language: str) -> None:
    message = render_discreet(anything, wording_of(language))
    for reader in READERS:
        text, links, _ = read(reader, message)
        assert anything.id in text
        assert not links
        assert text == read(reader, render_discreet(alert(), wording_of(language)))[0]  # it says nothing of its own
