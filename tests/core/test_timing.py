"""Back-off, give-up and the next poll."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import NOW
from watcher.model import Severity
from watcher.timing import RETRY_TOTAL, next_poll_at, retries_are_over, retry_delay


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


@pytest.mark.parametrize(
    ("failures", "jitter", "retry_after", "minutes"),
    [
        (0, 0, None, 5),
        (0, 1, None, 5.5),
        (1, 0, None, 5),
        (2, 0, None, 10),
        (4, 0, None, 40),
        (50, 0, None, 360),
        (1, 0, timedelta(hours=2), 120),
        (1, 0, timedelta(seconds=1), 5),
        (1, 0, timedelta(days=400), 24 * 60),
    ],
)
def test_a_failing_source_is_polled_less_and_less_but_for_ever(
    failures: int, jitter: float, retry_after: timedelta | None, minutes: float
) -> None:
    at = next_poll_at(NOW, timedelta(minutes=5), failures, jitter, retry_after)
    assert at - NOW == timedelta(minutes=minutes)


def test_a_source_that_is_polled_rarely_is_not_polled_more_often_for_failing() -> None:
    assert next_poll_at(NOW, timedelta(days=1), 9, 0) - NOW == timedelta(days=1)
