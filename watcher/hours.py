"""Times of day where people live: when their quiet hours end, when their digest comes. Pure.

Local wall-clock times of a zone by name, so that a change of clocks moves them with the people. A time that the clocks
leave out is as much later; of one that they show twice, the first counts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from watcher.model import Digest, Held, QuietHours, Recipient

_HOUR = timedelta(hours=1)


def quiet_hours_end(quiet: QuietHours, now: datetime) -> datetime | None:
    """When the quiet span that ``now`` lies in ends, as UTC; None outside it."""
    zone = ZoneInfo(quiet.zone)
    local = now.astimezone(zone)
    for days_back in (0, 1):
        day = local.date() - timedelta(days=days_back)
        end_day = day if quiet.end > quiet.start else day + timedelta(days=1)
        end = _instant(end_day, quiet.end, zone)
        if _instant(day, quiet.start, zone) <= now < end:
            return end
    return None


def told_at(recipient: Recipient, held_for: Held, wanted_at: datetime, now: datetime) -> datetime:
    """When the recipient is told what it would have been told at ``wanted_at``; perhaps in the past: at once.

    What comes due while the recipient rests, as after the program was off, waits for the end of the quiet hours.
    """
    due = wanted_at
    if held_for is Held.DIGEST and recipient.digest is not None:
        due = next_digest_at(recipient.digest, wanted_at)
    resting_until = recipient.quiet_hours and quiet_hours_end(recipient.quiet_hours, max(due, now))
    return resting_until or due


def digest_begins_at(recipient: Recipient, first_at: datetime, now: datetime) -> datetime:
    """Since when the digest that is told now goes back: to the one before, further where ``first_at`` is older."""
    digest = recipient.digest
    if digest is None:
        return first_at
    began = last_digest_at(digest, now)
    is_told_at = told_at(recipient, Held.QUIET, began, began)
    while told_at(recipient, Held.QUIET, began, began) >= min(is_told_at, now):
        began = last_digest_at(digest, began - timedelta(microseconds=1))
    return min(told_at(recipient, Held.QUIET, began, began), last_digest_at(digest, first_at))


def next_digest_at(digest: Digest, after: datetime) -> datetime:
    """The first time of the digest that is later than ``after``, as UTC."""
    zone = ZoneInfo(digest.zone)
    if digest.at is None:
        return _full_hour(after, zone, 1)
    day = after.astimezone(zone).date()
    while (at := _instant(day, digest.at, zone)) <= after:
        day += timedelta(days=1)
    return at


def last_digest_at(digest: Digest, until: datetime) -> datetime:
    """The last time of the digest that is not later than ``until``, as UTC."""
    zone = ZoneInfo(digest.zone)
    if digest.at is None:
        return _full_hour(until, zone, -1)
    day = until.astimezone(zone).date() + timedelta(days=1)
    while (at := _instant(day, digest.at, zone)) > until:
        day -= timedelta(days=1)
    return at


def _full_hour(at: datetime, zone: ZoneInfo, step: int) -> datetime:
    """The nearest full local hour: later than ``at`` for step 1, not later than it for step -1."""
    found = at.astimezone(UTC)
    while True:
        local = found.astimezone(zone)
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        if past == timedelta(0) and (step < 0 or found > at):
            return found
        # Clocks that change by half an hour may lead past the hour; then the next try is nearer.
        found += _HOUR - past if step > 0 else -past


def _instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)
