"""What makes the daemon not ready, and what is said then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW
from watcher.readiness import Facts, judge, troubles

GOOD = Facts(
    now=NOW,
    written_at=NOW - timedelta(seconds=40),
    rules=12,
    sources=3,
    polled_at=NOW - timedelta(seconds=5),
    polls_late_by=timedelta(0),
    polls_stuck_for=timedelta(0),
    stalled=(),
    undelivered_since=None,
)


def test_all_is_well() -> None:
    checks = judge(GOOD)
    assert [check.name for check in checks] == ["store", "rules", "polls", "dispatch", "backlog", "telegram"]
    assert troubles(checks) == ()
    assert troubles(judge(replace(GOOD, polled_at=None))) == ()  # it has only just started


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        (
            {"written_at": NOW - timedelta(minutes=4), "failing_jobs": ("heartbeat",)},
            "store: last written 240 s ago; failing: heartbeat",
        ),
        ({"rules": 0}, "rules: 0 in force"),
        ({"sources": 0}, "polls: there are no sources"),
        ({"polls_late_by": timedelta(minutes=2)}, "polls: due since 120 s and not begun"),
        ({"polls_stuck_for": timedelta(hours=1)}, "polls: none has ended for 3,600 s"),
        ({"stalled": ("dispatch:telegram",)}, "dispatch: does not go round: dispatch:telegram"),
        (
            {"undelivered_since": NOW - timedelta(minutes=16)},
            "backlog: the oldest undelivered message waits for 960 s",
        ),
        ({"telegram_trouble": "token refused"}, "telegram: token refused"),
    ],
)
def test_each_trouble_is_named(change: dict[str, Any], trouble: str) -> None:
    checks = judge(replace(GOOD, **change))
    assert troubles(checks) == (trouble,)
    assert [check.name for check in checks] == [check.name for check in judge(GOOD)]


def test_what_waits_a_little_is_no_trouble() -> None:
    assert troubles(judge(replace(GOOD, undelivered_since=NOW - timedelta(minutes=14)))) == ()
