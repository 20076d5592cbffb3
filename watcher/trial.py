"""One poll of one source as it would go, step by step, with nothing stored and nobody told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watcher.extract import build_article, extract_page
from watcher.fetch import Fetcher
from watcher.match import MatchResult, match_article
from watcher.model import (
    Article,
    Bookmark,
    FeedEntry,
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchReason,
    FetchTarget,
    Source,
)
from watcher.rules.compile import CompiledRules
from watcher.sources import Harvest, make_readers
from watcher.workers import Workers


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was made, and how it ended."""

    url: str
    outcome: FetchOutcome
    seconds: float


class TracingFetcher(Fetcher):
    """A fetcher that remembers what it fetched."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.requests: list[Request] = []

    async def fetch(self, target: FetchTarget) -> FetchOutcome:
        """As a fetcher does."""
        begin = self._clock()
        outcome = await super().fetch(target)
        self.requests.append(Request(target.url, outcome, (self._clock() - begin).total_seconds()))
        return outcome


@dataclass(frozen=True, slots=True)
class TriedItem:
    """An item as it would be read and evaluated."""

    entry: FeedEntry
    page_trouble: FetchReason | None  # why the page behind it could not be used; None: it was, or was not needed
    article: Article
    result: MatchResult


@dataclass(frozen=True, slots=True)
class Trial:
    """What a poll of a source would find."""

    source: Source
    harvest: Harvest
    requests: tuple[Request, ...]  # in the order in which they ended
    old: int  # items that a first poll would only note
    items: tuple[TriedItem, ...] = field(default=())


async def try_source(
    fetcher: TracingFetcher,
    workers: Workers,
    source: Source,
    rules: CompiledRules,
    clock: Callable[[], datetime],
    items: int,
) -> Trial:
    """How a poll of a source that was never polled before goes; that many of its newest items are read."""
    harvest = await make_readers(fetcher, workers, clock)[source.kind].read(source, Bookmark())
    horizon = clock() - source.catch_up
    old = sum(
        harvest.undated_are_old if entry.published_at is None else entry.published_at < horizon
        for entry in harvest.entries
    )
    newest = sorted(harvest.entries, key=lambda entry: entry.published_at or horizon, reverse=True)[:items]
    tried = [await _try_item(fetcher, workers, source, entry, rules, clock) for entry in newest]
    return Trial(source, harvest, tuple(fetcher.requests), old, tuple(tried))


async def _try_item(
    fetcher: Fetcher,
    workers: Workers,
    source: Source,
    entry: FeedEntry,
    rules: CompiledRules,
    clock: Callable[[], datetime],
) -> TriedItem:
    page, trouble = None, None
    if entry.url and source.full_text and not entry.is_full_text:
        outcome = await fetcher.fetch(FetchTarget(entry.url))
        if isinstance(outcome, Fetched):
            page = await workers.compute(
                extract_page, outcome.body, url=outcome.final_url, content_type=outcome.content_type, now=clock()
            )
            trouble = None if page else FetchReason.NO_ARTICLE
        elif isinstance(outcome, FetchFailed):
            trouble = outcome.reason
    article = build_article(entry, page, source, clock())
    return TriedItem(entry, trouble, article, await workers.compute(match_article, rules, article, clock()))
