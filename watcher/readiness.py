"""Whether the daemon does its work: named checks, each good or with what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

WRITTEN_WITHIN = timedelta(minutes=3)  # a sign of life is stored every minute
LATE_AFTER = timedelta(minutes=15)  # an undelivered message older than this is trouble
POLLS_LATE = timedelta(minutes=1)  # that are due and do not begin; the timer looks at least as often
POLLS_STUCK = timedelta(minutes=10)  # that run and do not end; each waits for some answers of 20 s


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at a moment; durations are zero where nothing is late."""

    now: datetime
    written_at: datetime  # last write to the store that succeeded, at a start the start
    rules: int
    sources: int
    polled_at: datetime | None  # end of the last poll; None: none yet
    polls_late_by: timedelta
    polls_stuck_for: timedelta
    stalled: Collection[str]  # channels whose sending does not go round
    undelivered_since: datetime | None  # of the message that waits longest and is not held on purpose
    telegram_trouble: str | None = None  # None: no bot, or all is well
    failing_jobs: Collection[str] = ()
    store_trouble: str | None = None  # why it cannot be used now


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so; ``detail`` says what is wrong, or how good it is."""

    name: str
    is_good: bool
    detail: str


def judge(facts: Facts) -> tuple[Check, ...]:
    """Every check, always the same names in the same order."""
    return (_store(facts), _rules(facts), _polls(facts), _dispatch(facts), _backlog(facts), _telegram(facts))


def troubles(checks: Collection[Check]) -> tuple[str, ...]:
    """What is wrong, each with the name of its check."""
    return tuple(f"{check.name}: {check.detail}" for check in checks if not check.is_good)


def _store(facts: Facts) -> Check:
    age = facts.now - facts.written_at
    if facts.store_trouble:
        return Check("store", False, facts.store_trouble)
    jobs = f"; failing: {', '.join(sorted(facts.failing_jobs))}" if facts.failing_jobs else ""
    return Check("store", age <= WRITTEN_WITHIN, f"last written {_seconds(age)} ago{jobs}")


def _rules(facts: Facts) -> Check:
    return Check("rules", facts.rules > 0, f"{facts.rules} in force")


def _polls(facts: Facts) -> Check:
    if facts.polls_late_by > POLLS_LATE:
        return Check("polls", False, f"due since {_seconds(facts.polls_late_by)} and not begun")
    if facts.polls_stuck_for > POLLS_STUCK:
        return Check("polls", False, f"none has ended for {_seconds(facts.polls_stuck_for)}")
    if not facts.sources:
        return Check("polls", False, "there are no sources")
    last = "none yet" if facts.polled_at is None else f"last one {_seconds(facts.now - facts.polled_at)} ago"
    return Check("polls", True, last)


def _dispatch(facts: Facts) -> Check:
    stalled = ", ".join(sorted(facts.stalled))
    return Check("dispatch", not stalled, f"does not go round: {stalled}" if stalled else "goes round")


def _backlog(facts: Facts) -> Check:
    if facts.undelivered_since is None:
        return Check("backlog", True, "nothing waits")
    age = facts.now - facts.undelivered_since
    return Check("backlog", age <= LATE_AFTER, f"the oldest undelivered message waits for {_seconds(age)}")


def _telegram(facts: Facts) -> Check:
    return Check("telegram", not facts.telegram_trouble, facts.telegram_trouble or "no trouble")


def _seconds(span: timedelta) -> str:
    return f"{max(span.total_seconds(), 0):,.0f} s"
