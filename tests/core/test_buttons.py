"""What can be pressed under an alert, and what a press says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, alert
from watcher.buttons import (
    MAX_DATA_BYTES,
    Act,
    Press,
    Rows,
    Span,
    alert_buttons,
    mute_buttons,
    parse_press,
)
from watcher.model import Acknowledgement, AlertKind
from watcher.routing import derived_id
from watcher.wording import LANGUAGES, wording_of

ENGLISH = wording_of("en")


def labels(rows: Rows) -> list[list[str]]:
    return [[button.text for button in row] for row in rows]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AlertKind.EVENT, [["Acknowledge"], ["Useful", "False alarm"], ["Mute", "Sources", "Evidence"]]),
        (AlertKind.ESCALATION, [["Acknowledge"], ["Useful", "False alarm"], ["Mute", "Sources", "Evidence"]]),
        (AlertKind.EXERCISE, [["Received"]]),
        (AlertKind.NOTICE, []),
        (AlertKind.SUMMARY, []),
        (AlertKind.DIGEST, []),
    ],
)
def test_each_kind_has_its_buttons(kind: AlertKind, expected: list[list[str]]) -> None:
    assert labels(alert_buttons(alert(kind=kind), ENGLISH)) == expected


def test_afterwards_the_button_says_who_and_when() -> None:
    done = Acknowledgement(
        "event-1", "Anna\n\u202e Petrosyan of the night desk in Yerevan", NOW - timedelta(minutes=58)
    )
    rows = alert_buttons(alert(id="abcde23456"), ENGLISH, done)
    assert rows[0][0].text == "✓ Anna Petrosyan of the…, 14:02 UTC"
    assert rows[0][0].data == "ack:abcde23456"
    assert labels(rows)[1:] == labels(alert_buttons(alert(), ENGLISH))[1:]
    hebrew = alert_buttons(alert(), ENGLISH, Acknowledgement("event-1", "ענת", NOW))
    assert hebrew[0][0].text == "✓ \u2068ענת\u2069, 15:00 UTC"


def test_the_menu_of_mutes() -> None:
    rows = mute_buttons("abcde23456", ENGLISH, also_critical=False)
    assert [[button.data for button in row] for row in rows] == [
        ["mute:abcde23456:1h", "mute:abcde23456:8h", "mute:abcde23456:24h"],
        ["mute:abcde23456:end"],
        ["mute:abcde23456:all"],
        ["keep:abcde23456"],
    ]
    chosen = mute_buttons("abcde23456", ENGLISH, also_critical=True)
    assert [row[0].data for row in chosen] == [
        "mute:abcde23456:1h:all",
        "mute:abcde23456:end:all",
        *("mute:abcde23456", "keep:abcde23456"),
    ]
    assert rows[2][0].text != chosen[2][0].text


@given(
    st.text(),
    st.sampled_from(list(AlertKind)),
    st.sampled_from(LANGUAGES),
    st.text(min_size=1),
    st.booleans(),
)
def test_every_button_fits_and_is_understood(
    content: str, kind: AlertKind, language: str, name: str, all_: bool
) -> None:
    alert_id = derived_id(content)
    wording = wording_of(language)
    of_kind = alert(id=alert_id, kind=kind)
    shown = [
        *alert_buttons(of_kind, wording),
        *alert_buttons(of_kind, wording, Acknowledgement("event-1", name, NOW)),
        *mute_buttons(alert_id, wording, also_critical=all_),
    ]
    for button in (button for row in shown for button in row):
        assert 0 < len(button.data.encode()) <= MAX_DATA_BYTES
        assert button.text.strip() and len(button.text) <= 64
        press = parse_press(button.data)
        assert press.alert_id == alert_id
        assert press.data == button.data


@given(
    st.sampled_from(list(Act)),
    st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True),
    st.sampled_from([None, *Span]),
    st.booleans(),
)
def test_what_is_said_is_what_is_understood(act: Act, alert_id: str, span: Span | None, all_: bool) -> None:
    press = Press(act, alert_id, span if act is Act.MUTE else None, all_ and act is Act.MUTE)
    assert len(press.data.encode()) <= MAX_DATA_BYTES
    assert parse_press(press.data) == press


@pytest.mark.parametrize(
    "data",
    ["", "ack", "ack:", ":abc", "ack:abc:8h", "useful:abc:all", "mute:abc:9h", "mute:abc:all:8h", "MUTE:abc", "ack:abc ",
     "ack:abc\n", "ack:a/b", "ack:абв", "ack:" + "a" * 33, "mute:abc:8h:all:all", "drop:abc", "ack:\ud800", "ack:" + "я" * 40],
)  # fmt: skip
def test_nothing_else_is_understood(data: str) -> None:
    with pytest.raises(ValueError, match=r"^(a|none|the) "):
        parse_press(data)


@given(st.text(max_size=80))
def test_any_text_is_understood_or_refused(data: str) -> None:
    try:
        press = parse_press(data)
    except ValueError:
        return
    assert press.data == data


@pytest.mark.parametrize(
    ("span", "closes_in", "hours"),
    [(Span.HOUR, 9, 1), (Span.EIGHT_HOURS, 9, 8), (Span.DAY, 9, 24), (Span.TO_THE_END, 9, 9), (Span.TO_THE_END, -3, 1)],
)
def test_when_a_mute_ends(span: Span, closes_in: int, hours: int) -> None:
    assert span.over_at(NOW, NOW + timedelta(hours=closes_in)) == NOW + timedelta(hours=hours)
