"""Who is not told, and why: by which mute, by which event, and who is told all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW, event
from watcher.model import Severity
from watcher.mutes import Inhibit, Inhibitor, Mute, Silenced, Silences, find_silence, inhibits

HOUR = timedelta(hours=1)


def mute(**values: Any) -> Mute:
    defaults: dict[str, Any] = {
        "id": 3,
        "event_id": None,
        "rule": None,
        "state": None,
        "source_id": None,
        "recipient_id": None,
        "also_critical": False,
        "reason": "exercise",
        "by": "Anna",
        "made_at": NOW,
        "until_at": NOW + HOUR,
    }
    return Mute(**(defaults | values))


EVENT = event(severity=Severity.WARNING, states=("AM", "AZ"))


def silence(*mutes: Mute, severity: Severity = Severity.WARNING, rules: tuple[str, ...] = ("fire",)) -> Silenced | None:
    return find_silence(Silences(mutes), EVENT, severity, rules, "courier", "desk")


@pytest.mark.parametrize(
    ("one", "is_silenced"),
    [
        (mute(event_id="event-1"), True),
        (mute(event_id="event-2"), False),
        (mute(rule="fire"), True),
        (mute(rule="f*"), True),
        (mute(rule="fire-*"), False),
        (mute(state="AZ"), True),
        (mute(state="GE"), False),
        (mute(source_id="courier"), True),
        (mute(source_id="herald"), False),
        (mute(state="AZ", recipient_id="desk"), True),
        (mute(state="AZ", recipient_id="other"), False),
    ],
)
def test_what_a_mute_is_about(one: Mute, is_silenced: bool) -> None:
    reason = "muted by Anna until 2022-09-14 16:00 UTC: exercise"
    assert silence(one) == (Silenced("mute:3", reason) if is_silenced else None)


def test_critical_alerts_pass_unless_the_mute_says_otherwise() -> None:
    assert silence(mute(rule="fire"), severity=Severity.CRITICAL) is None
    assert silence(mute(rule="fire", also_critical=True), severity=Severity.CRITICAL) is not None


def test_who_hears_of_it_by_another_rule_is_told() -> None:
    assert silence(mute(rule="fire"), rules=("fire", "war")) is None
    assert silence(mute(rule="*"), rules=("fire", "war")) is not None


def test_the_mute_that_ends_last_is_named() -> None:
    found = silence(mute(id=1, rule="fire"), mute(id=2, state="AM", until_at=NOW + 2 * HOUR), mute(id=3, state="AZ"))
    assert found is not None
    assert found.by == "mute:2"


def test_only_who_was_told_of_the_graver_event_is_silenced() -> None:
    silences = Silences(inhibitors=(Inhibitor("war", frozenset({"desk"})),))
    found = {one: find_silence(silences, EVENT, Severity.WATCH, ("fire",), "courier", one) for one in ("desk", "other")}
    assert found == {"desk": Silenced("event:war", "inhibited by event war"), "other": None}


CRITICAL_SILENCES_WATCH = (Inhibit(Severity.CRITICAL, Severity.WATCH),)
WAR = event(id="war", severity=Severity.CRITICAL, announced_at=NOW)
TALKS = event(id="talks", severity=Severity.WATCH, announced_at=NOW + HOUR, last_seen_at=NOW + HOUR)


@pytest.mark.parametrize(
    ("graver", "quieter", "expected"),
    [
        ({}, {}, True),
        ({}, {"announced_at": NOW - HOUR}, False),  # told before: goes on being told
        ({}, {"severity": Severity.WARNING}, False),
        ({"severity": Severity.WARNING}, {}, False),
        ({"states": ("AM", "GE")}, {}, False),
        ({"states": ("AM", "AZ", "RU")}, {}, False),  # other parties
        ({"states": ()}, {"states": ()}, False),
        ({"is_announced": False}, {}, False),
        ({"is_test": True}, {}, False),
        ({"merged_into": "other"}, {}, False),
        ({"last_seen_at": NOW - timedelta(hours=24)}, {}, False),  # closed
        ({"id": "talks"}, {}, False),
    ],
)
def test_what_silences_what(graver: dict[str, Any], quieter: dict[str, Any], expected: bool) -> None:
    now = NOW + HOUR
    found = inhibits(CRITICAL_SILENCES_WATCH, replace(WAR, **graver), replace(TALKS, **quieter), now)
    assert found is expected


def test_no_other_family_and_no_table_silences() -> None:
    now = NOW + HOUR
    assert inhibits((Inhibit(Severity.CRITICAL, Severity.WATCH, (WAR.family,)),), WAR, TALKS, now)
    assert not inhibits((Inhibit(Severity.CRITICAL, Severity.WATCH, ("clash",)),), WAR, TALKS, now)
    assert not inhibits((), WAR, TALKS, now)
    assert inhibits((Inhibit(Severity.WARNING, Severity.WATCH),), replace(WAR, severity=Severity.WARNING), TALKS, now)
