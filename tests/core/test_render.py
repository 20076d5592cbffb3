"""How alerts read on each channel, and that nothing a source says can break them."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta
from email.headerregistry import HeaderRegistry
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bot_api import parse_html, utf16_units
from tests.builders import NOW, alert, excerpt, report
from watcher.model import Alert, AlertKind, EventChange, Excerpt, Extraction, Field, Severity, Toll
from watcher.render import (
    TELEGRAM_LIMIT,
    clean,
    render_email,
    render_json,
    render_telegram,
    render_telegram_text,
    render_text,
    safe_url,
    shorten,
    shorten_excerpt,
)

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan", "RU": "Russia"}

ALERT_TEXT = """\
CRITICAL: A CSTO member invokes the mutual-defence clause: Armenia and Azerbaijan, at least 12 killed

“Yerevan *invoked Article four* of the Collective Security Treaty.”

“*Dozens* of soldiers were *killed*.”

Yerevan asks its allies for help – Courier (independent)
https://courier.example/1
published 2022-09-14 14:40 UTC, first seen 2022-09-14 15:00 UTC
1 newsroom, not yet confirmed

Alert hk4mbv7q2c"""

ALERT_HTML = """\
CRITICAL: <b>A CSTO member invokes the mutual-defence clause: Armenia and Azerbaijan, at least 12 killed</b>

“Yerevan <b>invoked Article four</b> of the Collective Security Treaty.”

“<b>Dozens</b> of soldiers were <b>killed</b>.”

<a href="https://courier.example/1">Yerevan asks its allies for help</a> – Courier (independent)
published 2022-09-14 14:40 UTC, first seen 2022-09-14 15:00 UTC
1 newsroom, not yet confirmed

Alert hk4mbv7q2c"""

UPDATE = alert(
    changes=(EventChange.CONFIRMED, EventChange.DEATHS_DOUBLED, EventChange.NEW_STATE),
    headline="Clash",
    states=("AM", "AZ", "RU"),
    killed=Toll(30, 30),
    injured=Toll(4, 9),
    reports=(report(), *(report(article_id=f"a{n}", publisher=f"Outlet {n}", title=f"Title {n}") for n in range(11))),
    publishers=("Courier", "Outlet 1"),
    copies=1,
)


def test_text() -> None:
    assert render_text(alert(), NAMES) == ALERT_TEXT
    assert render_telegram_text(alert(), NAMES) == ALERT_TEXT


def test_telegram() -> None:
    assert render_telegram(alert(), NAMES) == ALERT_HTML


def test_email() -> None:
    subject, text, body = render_email(alert(), NAMES)
    assert subject == "[CRITICAL] " + alert().headline
    assert text == ALERT_TEXT + "\n"
    assert '<p dir="auto">“Yerevan <b>invoked Article four</b> of the Collective Security Treaty.”</p>' in body


def test_update() -> None:
    text = render_text(UPDATE, NAMES)
    assert (
        "UPDATE: confirmed by a second newsroom; now 30 killed; "
        "another state is involved, now Armenia, Azerbaijan, Russia\n"
        "Armenia, Azerbaijan, Russia · 30 killed · 4 to 9 injured\n"
    ) in text
    assert "2 independent newsrooms (Courier; Outlet 1); 1 copy\n" in text
    assert "\nand 3 more reports\n" in text
    assert "Rule: A CSTO member invokes the mutual-defence clause · Alert hk4mbv7q2c" in text
    assert render_email(UPDATE, NAMES)[0] == "[CRITICAL] UPDATE: Clash"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": AlertKind.EXERCISE}, "This is an EXERCISE. Nothing of this has happened.\nEXERCISE · CRITICAL: "),
        ({"is_test_rule": True}, "TEST RULE · CRITICAL: "),
        ({"extraction": Extraction.SUMMARY}, "Read from the feed's summary only, not from the whole article."),
        ({"extraction": Extraction.TITLE}, "Read from the headline only; there was no text."),
        ({"reports": (report(published_at=None),)}, "date unknown, first seen 2022-09-14 15:00 UTC"),
        ({"changes": (EventChange.CORRECTED,)}, "CORRECTION: a report was corrected"),
        ({"changes": (EventChange.DEATHS_DOUBLED,), "killed": None}, "UPDATE: the death toll has doubled"),
        ({"changes": (EventChange.SEVERITY_RAISED,)}, "UPDATE: raised to critical"),
        ({"changes": (EventChange.RULE_ADDED,)}, "UPDATE: another kind of signal"),
        ({"also": ("A clash", "A rupture")}, "killed\nAlso: A clash; A rupture\n"),
        ({"reports": (report(affiliation="unknown", url=None),)}, "help – Courier\npublished"),
        ({"changes": (EventChange.PUBLISHERS_DOUBLED,), "publishers": ("A", "B", "C", "D")}, "reported by 4 newsrooms"),
        ({"publishers": ("A", "B"), "copies": 2}, "2 independent newsrooms (A; B); 2 copies"),
        ({"reports": (report(url=None),)}, "Yerevan asks its allies for help – Courier (independent)\npublished"),
        ({"reports": (report(url="javascript:alert(1)"),)}, "Courier (independent), address withheld"),
        ({"reports": (report(title=" "),)}, "(without a title) – Courier"),
        ({"reports": (report(), report(affiliation="state", url=None))}, "help – Courier (state)"),
    ],
)
def test_marks(values: dict[str, Any], words: str) -> None:
    assert words in render_text(alert(**values), NAMES)


def test_notice() -> None:
    notice = alert(
        kind=AlertKind.NOTICE, changes=(), states=(), killed=None, excerpts=(), reports=(), publishers=(),
        severity=Severity.WARNING, headline="Source courier fails", rule_id=None, rule_title=None,
        body="three polls in a row:\n\n\n\n  timeout\u202e\x1b[2J",
    )  # fmt: skip
    assert render_text(notice, NAMES) == (
        "NOTICE: Source courier fails\n\nthree polls in a row:\n\ntimeout[2J\n\nAlert hk4mbv7q2c"
    )
    assert render_email(notice, NAMES)[0] == "[NOTICE] Source courier fails"


def test_long_lists_are_folded() -> None:
    states = tuple(f"X{n}" for n in range(30))
    publishers = tuple(f"Publisher number {n} of many" for n in range(40))
    text = render_text(alert(states=states, publishers=publishers), {})
    assert ", X11, and 18 more ·" in text or ", X11, and 18 more\n" in text
    assert "40 independent newsrooms (Publisher number 0 of many; " in text
    assert " more\n" in text


def test_json_keeps_every_fact() -> None:
    document = render_json(UPDATE, NAMES)
    assert document["id"] == "hk4mbv7q2c"
    assert document["states"][0] == {"code": "AM", "name": "Armenia"}
    assert document["killed"] == {"at_least": 30, "at_most": 30, "vague": False}
    assert document["excerpts"][0]["highlights"] == [[8, 28]]
    assert document["reports"][0]["published"] == (NOW - timedelta(minutes=20)).isoformat()
    assert document["text"] == render_text(UPDATE, NAMES)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a\u202eb\u2066c\u2069", "abc"),
        ("a\x00\x1b[31mb\x9bc", "a[31mbc"),
        (" a\r\n\tb\u2028c ", "a b c"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian needs its zero-width non-joiner
        ("x\ud800y", "xy"),
    ],
)
def test_clean(given: str, expected: str) -> None:
    assert clean(given) == expected


def test_right_to_left_text_is_isolated() -> None:
    text = render_text(alert(reports=(report(title="مقتل 49 جنديا", publisher="الجزيرة"),)), NAMES)
    assert "\u2068مقتل 49 جنديا\u2069 – \u2068الجزيرة\u2069 (independent)" in text
    quoted = render_text(alert(excerpts=(excerpt("قتل 49 جنديا يوم الثلاثاء", "49"),)), NAMES)
    assert "\u2068“قتل *49* جنديا يوم الثلاثاء”\u2069" in quoted


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, None),
        ("", None),
        ("https://a.example/x?y=1&z=2", "https://a.example/x?y=1&z=2"),
        ("HTTP://a.example", "HTTP://a.example"),
        ("javascript:alert(1)", None),
        ("https://a.example/a b", None),
        ("https://a.example/\u202e", None),
        ("https://a.example/" + "x" * 5000, "https://a.example/"),
        ("https://" + "x" * 5000, None),
        ("https://[" + "x" * 5000, None),
    ],
)
def test_safe_url(url: str | None, expected: str | None) -> None:
    assert safe_url(url) == expected


def test_shorten_ends_at_a_word() -> None:
    assert shorten("one two three", 13, len) == "one two three"
    assert shorten("one two three", 12, len) == "one two…"
    assert shorten("x" * 20, 5, len) == "xxxx…"


def test_a_long_excerpt_keeps_the_words_around_each_highlight() -> None:
    filler = " ".join(f"word{n}" for n in range(300))
    text = f"{filler} invoked Article four {filler} dozens killed {filler}"
    pieces = shorten_excerpt(excerpt(text, "invoked Article four", "dozens killed"), 400)
    assert [words for words, marked in pieces if marked] == ["invoked Article four", "dozens killed"]
    joined = "".join(words for words, _ in pieces)
    assert len(joined) <= 400
    for part in joined.split("…"):
        assert part.strip() in text
    assert joined.startswith("… word")
    assert joined.endswith(" …")


def test_where_even_the_highlights_are_too_long_the_last_go_first() -> None:
    text = "start " + "a" * 100 + " middle " + "b" * 100
    pieces = shorten_excerpt(excerpt(text, "a" * 100, "b" * 100), 150)
    assert [words for words, marked in pieces if marked] == ["a" * 100]
    assert shorten_excerpt(excerpt("a" * 500, "a" * 500), 100) == (("a" * 99 + "…", False),)


HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(), st.sampled_from("<>&\"'/=\u202e\u2066\n\r\x00\x1b\u0301א😀ж ab"), st.sampled_from(["\ud800"])
    ),
    max_size=300,
).map(lambda text: text * 7) | st.sampled_from(
    ["&" * 10_000, "😀" * 10_000, "<b>" * 3000, "</a>" * 3000, "&lt;" * 3000, "x" * 10_000, "ب " * 5000, '"' * 5000]
)


@st.composite
def excerpts(draw: st.DrawFn) -> Excerpt:
    text = draw(HOSTILE)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = tuple(zip(cuts[::2], cuts[1::2], strict=False))
    return Excerpt("article-1", Field.TEXT, text, spans)


@st.composite
def hostile_alerts(draw: st.DrawFn) -> Alert:
    url = st.sampled_from(["https://a.example/", "https://a.example/?a=<b>&c=\"'", "https://a.example/" + "&" * 150])
    reports = [
        report(title=draw(HOSTILE), publisher=draw(HOSTILE), affiliation=draw(HOSTILE), url=draw(url))
        for _ in range(draw(st.integers(1, 12)))
    ]
    return alert(
        kind=draw(st.sampled_from(AlertKind)),
        changes=tuple(draw(st.lists(st.sampled_from(EventChange), unique=True, max_size=6))),
        headline="Armenia and Azerbaijan: " + draw(HOSTILE),
        rule_title=draw(HOSTILE),
        excerpts=tuple(draw(st.lists(excerpts(), max_size=6))),
        reports=tuple(reports),
        publishers=tuple(r.publisher for r in reports),
        states=tuple(f"S{n}" for n in range(draw(st.integers(0, 40)))),
        extraction=draw(st.sampled_from(Extraction)),
        body=draw(HOSTILE),
        is_test_rule=draw(st.booleans()),
        copies=draw(st.integers(0, 9)),
    )


@settings(max_examples=150, deadline=None)
@given(hostile_alerts())
def test_whatever_sources_say_telegram_takes_it(hostile: Alert) -> None:
    composed = render_telegram(hostile, NAMES)
    assert utf16_units(composed) <= TELEGRAM_LIMIT
    text, entities = parse_html(composed)
    links = [href for tag, _, href in entities if tag == "a"]
    assert links[0] == hostile.reports[0].url
    assert {tag for tag, _, _ in entities} <= {"a", "b"}
    plain = render_telegram_text(hostile, NAMES)
    assert utf16_units(plain) <= TELEGRAM_LIMIT
    assert str(hostile.reports[0].url) in plain
    for shown in (text, plain):
        assert "Armenia and Azerbaijan:" in shown
        assert shown.endswith("Alert hk4mbv7q2c")
        assert clean(shown, keep_lines=True) != ""
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\x1b\x00") & set(shown)
        shown.encode()


@settings(max_examples=100, deadline=None)
@given(hostile_alerts())
def test_whatever_sources_say_a_mail_stays_a_mail(hostile: Alert) -> None:
    subject, text, body = render_email(hostile, NAMES)
    assert len(subject) <= 150
    assert subject.splitlines() == [subject]
    HeaderRegistry()("Subject", subject)  # raises for line breaks
    assert "hk4mbv7q2c" in text
    inside = body
    for markup in ('<p dir="auto">', "</p>", "<br>", "<b>", "</b>", "</a>", '<a href="'):
        inside = inside.replace(markup, "")
    assert "<" not in inside
    assert html.escape(str(hostile.reports[0].url)) in body


@settings(max_examples=200, deadline=None)
@given(excerpts(), st.integers(20, 600))
def test_pieces_of_an_excerpt_are_its_own_words(given_excerpt: Excerpt, most: int) -> None:
    pieces = shorten_excerpt(given_excerpt, most)
    assert sum(utf16_units(html.escape(words)) for words, _ in pieces) <= most
    for words, marked in pieces:
        if marked:
            assert any(given_excerpt.text[a:b] == words for a, b in given_excerpt.highlights)


def test_rendering_is_deterministic() -> None:
    assert render_telegram(replace(alert()), NAMES) == render_telegram(alert(), NAMES)
