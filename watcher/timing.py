"""When next: polls, retries, leases. Pure arithmetic; the present and the jitter (0 to 1) are arguments."""

from __future__ import annotations

from datetime import datetime, timedelta

from watcher.model import Severity

RETRY_FIRST = timedelta(seconds=5)  # a hiccup of the network is over by then, and people hardly notice
RETRY_LONGEST = timedelta(minutes=30)  # after an outage everything arrives within this
RETRY_TOTAL = timedelta(days=3)  # a weekend with the mail server down
RETRY_JITTER = 0.2  # spreads the retries of one outage over a fifth of the delay

SEND_TIMEOUT = timedelta(seconds=30)  # one attempt, whatever the channel
LEASE = timedelta(minutes=2)  # several times SEND_TIMEOUT, so that a live send never loses its lease

POLL_LONGEST = timedelta(hours=6)  # back-off of a failing source ends here; it is polled for ever
POLL_JITTER = 0.1  # of the interval, so that sources of one interval do not poll at one instant


def retry_delay(attempts: int, jitter: float) -> timedelta:
    """How long to wait after that many failed attempts: 5 s, doubling to 30 min, less up to a fifth by jitter."""
    return _doubling(RETRY_FIRST, RETRY_LONGEST, attempts) * (1 - RETRY_JITTER * jitter)


def retries_are_over(attempts: int, severity: Severity) -> bool:
    """Whether that many failed attempts are enough: three days of trying; never for critical alerts.

    Attempts are counted and not days, because a machine that was off has not tried.
    """
    return severity < Severity.CRITICAL and attempts >= _ATTEMPTS_IN_ALL


def next_poll_at(
    now: datetime, every: timedelta, failures: int, jitter: float, retry_after: timedelta | None = None
) -> datetime:
    """When to poll a source again: after its interval, doubled for each failure in a row up to six hours.

    Never earlier than the server asked (``retry_after``, believed up to a day).
    """
    delay = _doubling(every, max(every, POLL_LONGEST), failures) if failures else every
    delay += every * POLL_JITTER * jitter
    if retry_after is not None:
        delay = max(delay, min(retry_after, timedelta(days=1)))
    return now + delay


def _doubling(first: timedelta, longest: timedelta, times: int) -> timedelta:
    # The exponent is capped because timedelta overflows long after the longest delay is reached.
    factor: int = 2 ** min(max(times - 1, 0), 20)
    return min(longest, first * factor)


def _attempts_within(total: timedelta) -> int:
    attempts, waited = 0, timedelta(0)
    while waited < total:
        attempts += 1
        waited += retry_delay(attempts, 0)
    return attempts


_ATTEMPTS_IN_ALL = _attempts_within(RETRY_TOTAL)
