"""What every kind of source gives, and where its next reading starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from watcher.model import Bookmark, FeedEntry, FetchFailed, FetchReason, Source


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one reading of a source gave."""

    reason: FetchReason  # NOT_MODIFIED: nothing was there to read
    detail: str = ""  # one lower-case sentence for people, where the reason needs it
    entries: tuple[FeedEntry, ...] = ()
    is_whole: bool = False  # all that the source shows was read, be it nothing
    bookmark: Bookmark | None = None  # for the next reading, kept once these entries are committed; None: the old one
    after_commit: Callable[[], Awaitable[None]] | None = None  # what the source is told once they are
    has_more: bool = False  # the reading stopped at its bound; the next one need not wait
    undated_are_old: bool = False  # at the first reading, entries without a date were there before us
    retry_after: timedelta | None = None  # the server's wish
    fresh_for: timedelta | None = None  # how long the server says that nothing changes
    every: timedelta | None = None  # how often the source itself asks to be read

    @classmethod
    def failed(cls, outcome: FetchFailed) -> Harvest:
        """What a fetch without a usable body means for its source."""
        return cls(outcome.reason, outcome.detail, retry_after=outcome.retry_after)


class SourceReader(Protocol):
    """Reads sources of one kind; holds nothing of any of them, so one serves all."""

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """What is there that the bookmark does not rule out; raises nothing that a source can cause."""
        ...
