"""What a poll without news leads to; light, because nearly every poll is one. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from watcher.health import is_failure, observe, state_of
from watcher.model import FetchReason, Source, SourceState
from watcher.timing import plan_poll, retry_at


def after_no_news(
    source: Source,
    before: SourceState,
    reason: FetchReason,
    detail: str,
    now: datetime,
    jitter: float,
    *,
    fresh_for: timedelta | None,
    retry_after: timedelta | None,
) -> SourceState | None:
    """Where a source stands after a poll that found it unchanged or failed; None where that is news about the source.

    News is a first poll, the end of a failure, a failure or silence that operators are to be told of.
    """
    failed = is_failure(reason)
    if before.polled_at is None or (before.failures and not failed):
        return None
    state = replace(
        before,
        # An empty list that has not changed is still empty.
        reason=FetchReason.EMPTY if before.reason is FetchReason.EMPTY and not failed else reason,
        detail=detail,
        failures=before.failures + 1 if failed else 0,
        polled_at=now,
        ok_at=before.ok_at if failed else now,
        retry_at=retry_at(now, retry_after),
        fresh_until_at=None if fresh_for is None else now + fresh_for,
    )
    health, change = observe(before.health, state_of(source, state, now), now)
    if change is not None:
        return None
    return replace(state, health=health, next_poll_at=plan_poll(source, state, jitter).at)
