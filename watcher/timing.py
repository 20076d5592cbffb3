"""When next: polls, retries, leases. Pure arithmetic; the present and the jitter (0 to 1) are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.model import Channel, Severity, Source, SourceState

RETRY_FIRST = timedelta(seconds=5)  # a hiccup of the network is over by then, and people hardly notice
RETRY_LONGEST = timedelta(minutes=30)  # after an outage everything arrives within this
RETRY_LONGEST_CRITICAL = timedelta(minutes=2)  # so long after an outage a critical alert may still be on its way
RETRY_TOTAL = timedelta(days=3)  # a weekend with the mail server down
RETRY_JITTER = 0.2  # spreads the retries of one outage over a fifth of the delay

SEND_TIMEOUT = timedelta(seconds=30)  # one attempt, whatever the channel
LEASE = timedelta(minutes=2)  # several times SEND_TIMEOUT, so that a live send never loses its lease

REPEAT_AFTER = timedelta(minutes=2)  # time to look into the chat; then a warning twice is better than none
# Where a message that arrives twice is recognised: mail by its Message-ID, documents by their Idempotency-Key; and a
# terminal that has printed a message twice has hidden nothing.
REPEAT_IS_HARMLESS = frozenset({Channel.EMAIL, Channel.WEBHOOK, Channel.CONSOLE})

POLL_JITTER = 0.1  # of the interval, so that sources of one interval do not poll at one instant
# A source with news is polled that much of `every` earlier at most, instead of later: an article waits half an interval
# in the middle, and what polls wait for each other (watcher.agenda) comes on top.
POLL_EARLY = 0.05
POLL_LONGEST = timedelta(hours=1)  # back-off and patience end here, however long; one request an hour burdens nobody
QUIET_AFTER = timedelta(days=1)  # a newsroom that rests at night or on a Sunday morning is not quiet yet
SLOWEST_FACTOR = 4  # of `every`, for a quiet source that sets no bound of its own
FRESH_FACTOR = 2  # of `every`, for a source with news whose server asks for patience
LOOKS_IN_EXPECTED = 4  # within `expect_every`, so that its silence is noticed when it is due
RETRY_AFTER_LONGEST = timedelta(days=1)  # nobody means more than that


class Pace(StrEnum):
    """Why the time between two polls is what it is."""

    NORMAL = "as configured"
    QUIET = "no news for days"
    FRESH = "the server says that its answer holds for longer"
    ASKED = "quiet, and it asks to be read less often"
    FAILING = "longer with each failure"
    TOLD_TO_WAIT = "the server said when to come back"


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When a source is polled again, and why then."""

    at: datetime
    interval: timedelta  # without jitter
    pace: Pace


def retry_delay(attempts: int, jitter: float, longest: timedelta = RETRY_LONGEST) -> timedelta:
    """How long to wait after that many failed attempts: 5 s, doubling to 30 min, less up to a fifth by jitter."""
    return _doubling(RETRY_FIRST, longest, attempts) * (1 - RETRY_JITTER * jitter)


def longest_retry(severity: Severity) -> timedelta:
    """The longest pause between two attempts of a message that was refused; not of one that may have arrived."""
    return RETRY_LONGEST_CRITICAL if severity >= Severity.CRITICAL else RETRY_LONGEST


def retries_are_over(attempts: int, severity: Severity) -> bool:
    """Whether that many failed attempts are enough: three days of trying; never for critical alerts.

    Attempts are counted and not days, because a machine that was off has not tried.
    """
    return severity < Severity.CRITICAL and attempts >= _ATTEMPTS_IN_ALL


def repeats_soon(channel: Channel, severity: Severity) -> bool:
    """Whether a message that may have arrived is sent again as soon as one that has not."""
    return severity >= Severity.CRITICAL or channel in REPEAT_IS_HARMLESS


def uncertain_until(sent_at: datetime) -> datetime:
    """When a message that may have arrived is sent again if nobody says anything, where that is not soon."""
    return sent_at + REPEAT_AFTER


def plan_poll(source: Source, state: SourceState, jitter: float) -> NextPoll:
    """When to poll a source again, from what is known of it; ``state.polled_at`` must be there.

    A source with news in the last day: after ``every`` or a little earlier, or up to twice that where the server's
    caching headers ask for it. A quiet one: one ``every`` more for each day of silence, or as its server or feed ask,
    up to ``slowest``. A failing one: doubling up to an hour. Never earlier than a Retry-After.
    """
    if state.polled_at is None:
        raise ValueError(f"{source.id} was never polled")
    interval, pace = _interval(source, state, state.polled_at)
    spread = -POLL_EARLY if pace is Pace.NORMAL else POLL_JITTER
    at = state.polled_at + interval + source.every * spread * jitter
    if state.retry_at is not None and state.retry_at > at:
        return NextPoll(state.retry_at, state.retry_at - state.polled_at, Pace.TOLD_TO_WAIT)
    return NextPoll(at, interval, pace)


def _interval(source: Source, state: SourceState, now: datetime) -> tuple[timedelta, Pace]:
    every = source.every
    if state.failures:
        delay = _doubling(every, max(every, POLL_LONGEST), state.failures)
        return delay, Pace.NORMAL if delay == every else Pace.FAILING
    news_at = state.new_item_at or state.baseline_at or now
    is_quiet = now - news_at > QUIET_AFTER
    bound = slowest(source)
    wishes = [(state.fresh_until_at - now if state.fresh_until_at else every, Pace.FRESH)]
    if is_quiet:
        wishes += [(every * ((now - news_at) / QUIET_AFTER), Pace.QUIET), (state.asked_every or every, Pace.ASKED)]
    else:
        bound = min(bound, every * FRESH_FACTOR)
    interval, pace = max(wishes, key=lambda wish: wish[0])
    interval = min(interval, bound)
    return (interval, pace) if interval > every else (every, Pace.NORMAL)


def slowest(source: Source) -> timedelta:
    """The longest time between two polls of the source while it can be read; never shorter than ``every``."""
    bound = source.slowest or min(source.every * SLOWEST_FACTOR, POLL_LONGEST)
    if source.expect_every is not None:
        bound = min(bound, source.expect_every / LOOKS_IN_EXPECTED)
    return max(bound, source.every)


def resume_poll(source: Source, state: SourceState, now: datetime) -> datetime:
    """When to poll a source that is taken up again, after a start or a change of its settings; perhaps in the past.

    The planned time stays as long as the settings allow it, and a clock that was set back does not put it off.
    """
    if state.polled_at is None:
        return now
    latest = max(plan_poll(source, state, jitter).at for jitter in (0, 1))
    planned = state.next_poll_at
    at = planned if planned is not None and planned <= latest else plan_poll(source, state, jitter=0).at
    return min(at, now + (latest - state.polled_at))


def retry_at(now: datetime, retry_after: timedelta | None) -> datetime | None:
    """Until when the server wants to be left alone, believed up to a day; None: it does not say."""
    return None if retry_after is None else now + min(retry_after, RETRY_AFTER_LONGEST)


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
