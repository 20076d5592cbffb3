"""Back-off, give-up and the next poll."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from watcher.model import Severity, Source, SourceState
from watcher.timing import (
    POLL_EARLY,
    POLL_JITTER,
    POLL_LONGEST,
    RETRY_AFTER_LONGEST,
    RETRY_TOTAL,
    NextPoll,
    Pace,
    longest_retry,
    plan_poll,
    resume_poll,
    retries_are_over,
    retry_at,
    retry_delay,
    slowest,
)


@pytest.mark.parametrize(
    ("attempts", "jitter", "seconds"),
    [(1, 0, 5), (2, 0, 10), (3, 0, 20), (9, 0, 1280), (10, 0, 1800), (1000, 0, 1800), (1, 1, 4), (10, 0.5, 1620)],
)
def test_delays_double_up_to_half_an_hour(attempts: int, jitter: float, seconds: float) -> None:
    assert retry_delay(attempts, jitter) == timedelta(seconds=seconds)


def test_retries_go_on_for_three_days_and_for_critical_alerts_for_ever() -> None:
    last = next(n for n in range(1, 1000) if retries_are_over(n, Severity.WARNING))
    assert sum((retry_delay(n, 0) for n in range(1, last + 1)), timedelta()) >= RETRY_TOTAL
    assert sum((retry_delay(n, 0) for n in range(1, last)), timedelta()) < RETRY_TOTAL
    assert not retries_are_over(10**6, Severity.CRITICAL)


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def source(**values: Any) -> Source:
    return Source(**({"id": "courier", "url": "https://courier.example/feed", "every": 5 * MINUTE} | values))


def state(**values: Any) -> SourceState:
    return SourceState("courier", "https://courier.example/feed", **({"polled_at": NOW, "new_item_at": NOW} | values))


def quiet(days: float, **values: Any) -> SourceState:
    return state(new_item_at=NOW - days * DAY, **values)


def fresh(minutes: float) -> dict[str, datetime]:
    return {"fresh_until_at": NOW + minutes * MINUTE}


@pytest.mark.parametrize(
    ("polled", "known", "minutes", "pace"),
    [
        (source(), state(), 5, Pace.NORMAL),
        (source(), quiet(0.9), 5, Pace.NORMAL),
        (source(), quiet(2), 10, Pace.QUIET),
        (source(), quiet(3.5), 17.5, Pace.QUIET),
        (source(), quiet(400), 20, Pace.QUIET),
        (source(), state(new_item_at=None, baseline_at=NOW - 2 * DAY), 10, Pace.QUIET),
        (source(), state(new_item_at=None), 5, Pace.NORMAL),
        (source(every=30 * MINUTE), quiet(400), 60, Pace.QUIET),
        (source(every=DAY), quiet(400), 24 * 60, Pace.NORMAL),
        (source(slowest=5 * MINUTE), quiet(400, asked_every=DAY, **fresh(90)), 5, Pace.NORMAL),
        (source(slowest=MINUTE), quiet(400), 5, Pace.NORMAL),
        (source(slowest=3 * HOUR), quiet(400), 180, Pace.QUIET),
        (source(expect_every=HOUR), quiet(400), 15, Pace.QUIET),
        (source(expect_every=MINUTE), quiet(400), 5, Pace.NORMAL),
        (source(), state(**fresh(2)), 5, Pace.NORMAL),
        (source(), state(**fresh(7)), 7, Pace.FRESH),
        (source(), state(**fresh(600)), 10, Pace.FRESH),
        (source(), quiet(1.5, **fresh(600)), 20, Pace.FRESH),
        (source(), state(asked_every=HOUR), 5, Pace.NORMAL),
        (source(), quiet(1.5, asked_every=HOUR), 20, Pace.ASKED),
        (source(), quiet(3, asked_every=12 * MINUTE), 15, Pace.QUIET),
        (source(), state(failures=1), 5, Pace.NORMAL),
        (source(), state(failures=2), 10, Pace.FAILING),
        (source(), state(failures=4), 40, Pace.FAILING),
        (source(), state(failures=50), 60, Pace.FAILING),
        (source(every=DAY), state(failures=9), 24 * 60, Pace.NORMAL),
        (source(), state(failures=1, retry_at=NOW + 2 * HOUR), 120, Pace.TOLD_TO_WAIT),
        (source(), state(failures=1, retry_at=NOW + MINUTE), 5, Pace.NORMAL),
        (source(), state(failures=2, **fresh(50)), 10, Pace.FAILING),
    ],
)
def test_a_quiet_or_failing_source_is_polled_less_within_bounds(
    polled: Source, known: SourceState, minutes: float, pace: Pace
) -> None:
    assert plan_poll(polled, known, 0) == NextPoll(NOW + minutes * MINUTE, minutes * MINUTE, pace)


def test_jitter_is_a_twentieth_earlier_with_news_and_a_tenth_later_without() -> None:
    assert plan_poll(source(), state(), 1).at == NOW + 4.75 * MINUTE
    assert plan_poll(source(), quiet(400), 0.5).at == NOW + 20.25 * MINUTE


def test_only_what_was_polled_can_be_planned() -> None:
    with pytest.raises(ValueError, match="courier was never polled"):
        plan_poll(source(), SourceState("courier", "x"), 0)


spans = st.timedeltas(timedelta(0), timedelta(days=4000))
maybe = st.none() | spans


@given(
    every=st.timedeltas(timedelta(seconds=1), timedelta(days=40)),
    bounds=st.tuples(maybe, maybe),
    ago=maybe,
    wishes=st.tuples(maybe, maybe, maybe),
    failures=st.integers(0, 2000),
    jitter=st.floats(0, 1),
)
def test_never_now_never_before_retry_after_never_beyond_the_bound(
    every: timedelta,
    bounds: tuple[timedelta | None, timedelta | None],
    ago: timedelta | None,
    wishes: tuple[timedelta | None, timedelta | None, timedelta | None],
    failures: int,
    jitter: float,
) -> None:
    fresh_for, asked, retry_after = wishes
    polled = source(every=every, slowest=bounds[0] or None, expect_every=bounds[1])
    known = state(
        new_item_at=None if ago is None else NOW - ago,
        fresh_until_at=None if fresh_for is None else NOW + fresh_for,
        asked_every=asked,
        failures=failures,
        retry_at=retry_at(NOW, retry_after),
    )
    planned = plan_poll(polled, known, jitter)
    assert planned.at >= NOW + every * (1 - POLL_EARLY)
    bound = max(slowest(polled), POLL_LONGEST if failures else every)
    if retry_after is None:
        assert planned.at <= NOW + bound + every * POLL_JITTER
    else:
        assert planned.at >= NOW + min(retry_after, RETRY_AFTER_LONGEST)
        assert planned.at <= NOW + max(bound + every * POLL_JITTER, RETRY_AFTER_LONGEST)


@pytest.mark.parametrize(
    ("polled", "known", "minutes"),
    [
        (source(), SourceState("courier", "x"), 0),
        (source(), state(polled_at=NOW - MINUTE, next_poll_at=NOW + 3.9 * MINUTE), 3.9),  # as planned
        (source(), state(polled_at=NOW - HOUR, next_poll_at=NOW - 55 * MINUTE), -55),  # overdue
        (source(every=2 * MINUTE), state(polled_at=NOW - MINUTE, next_poll_at=NOW + 9 * MINUTE), 1),  # faster now
        (source(every=HOUR), state(polled_at=NOW - MINUTE, next_poll_at=NOW + 4 * MINUTE), 4),  # slower from then on
        (source(), state(polled_at=NOW, next_poll_at=NOW), 0),  # there is more to read
        (source(), state(polled_at=NOW - MINUTE), 4),
        # a server that wants to be left alone is, whatever `every` says now
        (
            source(every=MINUTE),
            state(failures=1, polled_at=NOW - MINUTE, retry_at=NOW + HOUR, next_poll_at=NOW + HOUR),
            60,
        ),
        # the clock was three days ahead when it was polled
        (
            source(),
            state(polled_at=NOW + 3 * DAY, new_item_at=NOW + 3 * DAY, next_poll_at=NOW + 3 * DAY + 5 * MINUTE),
            5,
        ),
    ],
)
def test_a_start_keeps_the_plan_and_a_change_of_settings_counts(
    polled: Source, known: SourceState, minutes: float
) -> None:
    assert resume_poll(polled, known, NOW) == NOW + minutes * MINUTE


def test_critical_alerts_are_tried_every_two_minutes_at_the_latest() -> None:
    assert retry_delay(50, 0, longest_retry(Severity.CRITICAL)) == timedelta(minutes=2)
    assert retry_delay(50, 0, longest_retry(Severity.WARNING)) == timedelta(minutes=30)
