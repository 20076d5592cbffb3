"""Times of day through changes of clocks, by an hour and by half an hour, and over a day that a place left out."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import recipient
from watcher.hours import digest_begins_at, last_digest_at, next_digest_at, told_at
from watcher.model import Digest, Held, QuietHours

NEW_YORK, LORD_HOWE, APIA = "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"
ZONES = [NEW_YORK, LORD_HOWE, APIA, "Asia/Kolkata", "Asia/Yerevan", "Africa/Casablanca", "Asia/Kathmandu"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("digest", "after", "at"),
    [
        (Digest(time(8), "Asia/Yerevan"), "2026-01-10 03:59:59", "2026-01-10 04:00"),
        (Digest(time(8), "Asia/Yerevan"), "2026-01-10 04:00", "2026-01-11 04:00"),
        (Digest(time(2, 30), NEW_YORK), "2026-03-08 06:59", "2026-03-08 07:30"),  # 02:30 is not there: 03:30
        (Digest(time(2, 30), NEW_YORK), "2026-03-08 07:30", "2026-03-09 06:30"),
        (Digest(time(1, 30), NEW_YORK), "2026-11-01 05:00", "2026-11-01 05:30"),  # 01:30 comes twice: the first
        (Digest(time(1, 30), NEW_YORK), "2026-11-01 05:30", "2026-11-02 06:30"),
        (Digest(time(2, 15), LORD_HOWE), "2026-10-03 15:00", "2026-10-03 15:45"),  # 02:00 is 02:30 at once
        (Digest(None, "Asia/Kolkata"), "2026-01-10 04:29", "2026-01-10 04:30"),
        (Digest(None, "Asia/Kolkata"), "2026-01-10 04:30", "2026-01-10 05:30"),
        (Digest(None, NEW_YORK), "2026-11-01 05:30", "2026-11-01 06:00"),  # 01:00 for the second time
        (Digest(None, LORD_HOWE), "2026-04-04 14:10", "2026-04-04 15:30"),  # 02:00 is 01:30 again
        (Digest(None, LORD_HOWE), "2026-10-03 15:10", "2026-10-03 16:00"),  # 02:00 is left out
        (Digest(time(8), APIA), "2011-12-29 18:00", "2011-12-30 18:00"),  # the 30th is left out: the 31st
        (Digest(time(8), APIA), "2011-12-30 18:00", "2011-12-31 18:00"),
    ],
)
def test_the_next_digest(digest: Digest, after: str, at: str) -> None:
    assert next_digest_at(digest, utc(after)) == utc(at)


@given(
    st.sampled_from(ZONES),
    st.none() | st.times(timezones=st.none()).map(lambda one: one.replace(second=0, microsecond=0, fold=0)),
    st.integers(min_value=0, max_value=40 * 366 * 86400).map(lambda n: utc("2000-01-01") + timedelta(seconds=n)),
)
def test_the_last_digest_is_the_one_before_the_next(zone: str, at: time | None, now: datetime) -> None:
    digest = Digest(at, zone)
    last, following = last_digest_at(digest, now), next_digest_at(digest, now)
    assert last <= now < following
    assert next_digest_at(digest, last) == following
    assert following - last <= (timedelta(hours=2) if at is None else timedelta(hours=26))
    if at is not None and following - last < timedelta(hours=22):
        raise AssertionError("two on one day")


NIGHT = QuietHours(time(22), time(7), "Asia/Yerevan")


@pytest.mark.parametrize(
    ("values", "held_for", "wanted", "now", "at"),
    [
        ({}, Held.QUIET, "2026-01-10 12:00", "2026-01-10 12:00", "2026-01-10 12:00"),
        ({"quiet_hours": NIGHT}, Held.QUIET, "2026-01-10 20:00", "2026-01-10 20:00", "2026-01-11 03:00"),
        # The program was off until the next night.
        ({"quiet_hours": NIGHT}, Held.QUIET, "2026-01-10 20:00", "2026-01-11 19:00", "2026-01-12 03:00"),
        # It was off until the morning: at once.
        ({"quiet_hours": NIGHT}, Held.QUIET, "2026-01-10 12:00", "2026-01-11 05:00", "2026-01-10 12:00"),
        # The digest is not wanted any more.
        ({}, Held.DIGEST, "2026-01-10 12:00", "2026-01-10 12:30", "2026-01-10 12:00"),
        # An hourly digest rests with those who get it.
        (
            {"quiet_hours": NIGHT, "digest": Digest(None, "Asia/Yerevan")},
            Held.DIGEST,
            "2026-01-10 17:30",
            "2026-01-10 17:30",
            "2026-01-11 03:00",
        ),
    ],
)
def test_when_what_is_held_is_told(values: dict[str, object], held_for: Held, wanted: str, now: str, at: str) -> None:
    assert told_at(recipient(**values), held_for, utc(wanted), utc(now)) == utc(at)


@pytest.mark.parametrize(
    ("values", "first", "now", "since"),
    [
        ({"digest": Digest(time(8), "UTC")}, "2026-01-09 20:00", "2026-01-10 08:00", "2026-01-09 08:00"),
        # The program was off for two days.
        ({"digest": Digest(time(8), "UTC")}, "2026-01-08 07:00", "2026-01-10 11:00", "2026-01-07 08:00"),
        # The hours of the night are told in the morning.
        (
            {"digest": Digest(None, "Asia/Yerevan"), "quiet_hours": NIGHT},
            "2026-01-10 23:30",
            "2026-01-11 03:00",
            "2026-01-10 17:00",
        ),
        ({"digest": None}, "2026-01-08 07:00", "2026-01-10 11:00", "2026-01-08 07:00"),
    ],
)
def test_how_far_back_a_digest_goes(values: dict[str, object], first: str, now: str, since: str) -> None:
    assert digest_begins_at(recipient(**values), utc(first), utc(now)) == utc(since)
