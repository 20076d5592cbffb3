"""Feeds: RSS, RDF, Atom, JSON Feed, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from watcher.errors import FeedError
from watcher.feeds import parse_feed
from watcher.fetch import Fetcher, hash_body
from watcher.model import Bookmark, FeedEntry, Fetched, FetchFailed, FetchReason, FetchTarget, NotModified, Source
from watcher.sources.base import Harvest
from watcher.workers import Workers


@dataclass(frozen=True, slots=True)
class FeedReader:
    """Reads feeds; one that did not change costs no parse."""

    fetcher: Fetcher
    workers: Workers
    clock: Callable[[], datetime]

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """The entries of the feed, or that it has not changed, or why it cannot be read."""
        fetched = await fetch_changed(self.fetcher, source.url, bookmark)
        return fetched if isinstance(fetched, Harvest) else await self._parse(source, fetched)

    async def _parse(self, source: Source, fetched: Fetched) -> Harvest:
        try:
            feed = await self.workers.compute(
                parse_feed,
                fetched.body,
                url=fetched.final_url,
                content_type=fetched.content_type,
                source_id=source.id,
                now=self.clock(),
            )
        except FeedError as error:
            return Harvest(error.reason, str(error), bookmark=Bookmark())
        if feed.damage is not None:
            # Not read as far as a first poll goes: what was cut off was there before us, too.
            detail = "the feed ends in the middle; what was complete is read"
            return Harvest(feed.damage, detail, feed.entries, bookmark=Bookmark())
        return Harvest(
            FetchReason.OK if feed.entries else FetchReason.EMPTY,
            "" if feed.entries else "a feed without items",
            feed.entries,
            is_whole=True,
            bookmark=Bookmark(fetched.etag, fetched.last_modified, hash_body(fetched.body)),
            fresh_for=fetched.fresh_for,
            every=feed.every,
        )


async def fetch_changed(fetcher: Fetcher, url: str, bookmark: Bookmark) -> Fetched | Harvest:
    """A body that the bookmark does not know; else what it means that there is none."""
    outcome = await fetcher.fetch(FetchTarget(url, bookmark.etag, bookmark.last_modified))
    if isinstance(outcome, FetchFailed):
        return Harvest.failed(outcome)
    if isinstance(outcome, NotModified) or bookmark.body_hash == hash_body(outcome.body):
        return Harvest(FetchReason.NOT_MODIFIED, fresh_for=outcome.fresh_for)
    return outcome


def hash_entries(entries: Iterable[FeedEntry]) -> str:
    """A hash by which an unchanged list is known again, whatever else stands on its page."""
    listed = [(entry.guid, entry.url, entry.title, entry.summary) for entry in entries]
    return hash_body(json.dumps(listed).encode())
