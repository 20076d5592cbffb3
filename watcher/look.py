"""A first look at feeds, without anything that reads or matches: which of them have nothing new.

For ``watcher run --once``, which a timer starts every few minutes and which mostly finds nothing: what reads and
matches takes several times as long to import as a thousand unchanged feeds take to poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from watcher.fetch import Fetcher, hash_body
from watcher.model import FetchFailed, FetchReason, FetchTarget, NotModified, Source, SourceKind, SourceState
from watcher.quiet import after_no_news
from watcher.store import Store

_AT_ONCE = 100  # so many answers at most are kept for who reads them


class FirstLook:
    """Polls feeds until one has news."""

    def __init__(self, store: Store, fetcher: Fetcher, jitter: Callable[[], float]) -> None:
        self._store = store
        self._fetcher = fetcher
        self._jitter = jitter
        self.failed: list[tuple[str, FetchFailed]] = []  # of those that have nothing new
        self._settled: set[str] = set()
        self._has_news = False

    async def look(self, sources: Iterable[Source]) -> frozenset[str]:
        """The ids of the sources that were polled and have nothing new; all others are still to be polled.

        Their states are noted in the store, not yet saved; what was fetched from others the fetcher keeps for them.
        """
        states = {state.source_id: state for state in self._store.articles.source_states()}
        waiting = (
            (source, state)
            for source in sources
            if source.kind is SourceKind.FEED
            and (state := states.get(source.id)) is not None
            and state.url == source.url
            and state.retry_at is None
        )
        await asyncio.gather(*(self._look_at_some(waiting) for _ in range(_AT_ONCE)))
        return frozenset(self._settled)

    async def _look_at_some(self, waiting: Iterator[tuple[Source, SourceState]]) -> None:
        for source, before in waiting:
            if self._has_news:
                return
            await self._look_at(source, before)

    async def _look_at(self, source: Source, before: SourceState) -> None:
        target = FetchTarget(source.url, before.bookmark.etag, before.bookmark.last_modified)
        outcome = await self._fetcher.fetch(target)
        reason, detail, fresh_for, retry_after = FetchReason.NOT_MODIFIED, "", None, None
        if isinstance(outcome, FetchFailed):
            reason, detail, now, retry_after = outcome.reason, outcome.detail, outcome.checked_at, outcome.retry_after
        elif isinstance(outcome, NotModified):
            now, fresh_for = outcome.checked_at, outcome.fresh_for
        elif before.bookmark.body_hash == hash_body(outcome.body):
            now, fresh_for = outcome.fetched_at, outcome.fresh_for
        else:
            self._has_news = True
            self._fetcher.keep(target, outcome)
            return
        state = after_no_news(
            source, before, reason, detail, now, self._jitter(), fresh_for=fresh_for, retry_after=retry_after
        )
        if state is None:
            self._has_news = True
            self._fetcher.keep(target, outcome)
            return
        if isinstance(outcome, FetchFailed):
            self.failed.append((source.id, outcome))
        self._store.articles.note_source_state(state)
        self._settled.add(source.id)
