"""One poll of one source, top to bottom: fetch, read, match, decide, commit.

Everything that a poll decides is committed before the source's validators are: a process that dies in between reads the
same items again and finds the finished ones in the store. Ingest ends when deliveries stand in the outbox.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from watcher.dedup import add_copy, text_to_compare
from watcher.extract import build_article, extract_page
from watcher.fetch import Fetcher
from watcher.health import HealthChange, is_failure, observe, state_of
from watcher.match import MatchResult, match_article
from watcher.model import (
    Alert,
    Article,
    Bookmark,
    FeedEntry,
    Fetched,
    FetchFailed,
    FetchReason,
    FetchTarget,
    PageText,
    Source,
    SourceState,
)
from watcher.notices import tell_about_source
from watcher.recording import Reading, Recorder
from watcher.rulebook import RuleBook
from watcher.rules.compile import CompiledRules
from watcher.sources import Harvest, make_readers
from watcher.sources.feed import hash_body
from watcher.store import Store
from watcher.store.articles import ArticleKeys, ArticleStatus, KeyKind
from watcher.text.fold import fold
from watcher.text.shingles import shingles
from watcher.timing import plan_poll, retry_at
from watcher.web.urls import canonical_url
from watcher.workers import Workers

log = structlog.get_logger()

AT_ONCE = 10  # items of one source read side by side and committed together
# Items of all sources between the fetch of their page and their evaluation. A first start has thousands of them:
# without a bound, 100 feeds of 20 long items held a gigabyte (benchmarks/memory).
READ_AT_ONCE = 32
PAGE_TRIES = 3  # polls that wait for a page in trouble before the summary has to do


@dataclass(slots=True)
class Poll:
    """What one poll of one source found and did; counts are of items."""

    source_id: str
    reason: FetchReason = FetchReason.OK
    detail: str = ""
    next_poll_at: datetime | None = None
    listed: int = 0  # items that the source showed
    new: int = 0
    baseline: int = 0  # there before the first poll: stored, never alerted
    waiting: int = 0  # their page was in trouble; they are read again at the next poll
    quarantined: int = 0
    undated: int = 0  # read, without a date that can be believed
    may_have_lost: bool = False  # nothing of what was known is listed any more: items may have gone by in between
    change: HealthChange | None = None  # what operators were told of the source
    alerts: list[Alert] = field(default_factory=list)
    evaluated: list[str] = field(default_factory=list)  # article ids, in order


class Ingest:
    """Polls sources into the store. One instance for a store; the store is only touched on the event loop's thread."""

    def __init__(
        self,
        store: Store,
        fetcher: Fetcher,
        workers: Workers,
        clock: Callable[[], datetime],
        wake_dispatch: Callable[[], None],
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._recorder = Recorder(store)
        self._fetcher = fetcher
        self._workers = workers
        self._readers = make_readers(fetcher, workers, clock)
        self._places = asyncio.Semaphore(READ_AT_ONCE)
        self._clock = clock
        self._wake_dispatch = wake_dispatch
        self._jitter = jitter  # 0 to 1, so that sources of one interval do not poll at one instant
        self._page_tries: Counter[tuple[str, str]] = Counter()

    async def poll(self, source: Source, book: RuleBook) -> Poll:
        """What one poll found; everything that it decided is committed when it returns."""
        state = self._store.articles.source_state(source.id, source.url)
        harvest = await self._readers[source.kind].read(source, state.bookmark)
        poll = Poll(source.id, harvest.reason, harvest.detail, listed=len(harvest.entries))
        if harvest.entries:
            await self._read_entries(source, book, harvest, poll, state)
        self._finish(source, book, harvest, poll)
        if harvest.after_commit and not poll.waiting:
            await harvest.after_commit()
        return poll

    async def _read_entries(
        self, source: Source, book: RuleBook, harvest: Harvest, poll: Poll, state: SourceState
    ) -> None:
        now = self._clock()
        fresh = [item for item in identify(harvest.entries) if self._is_new(source, item, poll, now)]
        poll.may_have_lost = len(fresh) == len(harvest.entries) and _would_overlap(harvest, state)
        if state.baseline_at is None:
            horizon = now - source.catch_up
            old = [item for item in fresh if _was_there_before(item[0], horizon, harvest.undated_are_old)]
            self._store_baseline(source, old, now)
            fresh = [item for item in fresh if not _was_there_before(item[0], horizon, harvest.undated_are_old)]
            poll.baseline = len(old)
        # Oldest first, so that the report that opens an event is the one that came first.
        fresh.sort(key=lambda item: item[0].published_at or now)
        for start in range(0, len(fresh), AT_ONCE):
            await self._read_chunk(source, book, fresh[start : start + AT_ONCE], poll)

    async def _read_chunk(
        self, source: Source, book: RuleBook, chunk: Sequence[tuple[FeedEntry, ArticleKeys]], poll: Poll
    ) -> None:
        """Nothing; the items are read and committed together, and not held any longer than that."""
        read = await asyncio.gather(*(self._read_in_turn(source, book, entry, keys) for entry, keys in chunk))
        self._commit(source, book, [reading for reading in read if reading is not None], poll)
        poll.waiting += sum(reading is None for reading in read)

    def _is_new(self, source: Source, item: tuple[FeedEntry, ArticleKeys], poll: Poll, now: datetime) -> bool:
        """Whether the item is unknown; a known one seen through another source becomes a source of its event."""
        entry, keys = item
        known = self._store.articles.known(keys)
        if not known:
            return True
        article_id = next(iter(known.values()))
        stored = self._store.articles.get(article_id)
        if stored is None or stored.source_id == source.id:
            return False
        seen_here = replace(
            stored,
            source_id=source.id,
            publisher=entry.publisher or source.publisher or source.id,
            affiliation=source.affiliation,
            first_seen_at=now,
        )
        if KeyKind.GUID not in known:
            with self._store.transaction():
                self._store.articles.add_keys(article_id, keys)
                for event in self._store.events.by_article(article_id):
                    self._store.events.save(add_copy(event, seen_here, frozenset(), now).event)
        return False

    def _store_baseline(self, source: Source, items: Sequence[tuple[FeedEntry, ArticleKeys]], now: datetime) -> None:
        with self._store.transaction():
            for entry, keys in items:
                self._store.articles.insert(
                    build_article(entry, None, source, now), keys, status=ArticleStatus.BASELINE
                )

    async def _read_in_turn(
        self, source: Source, book: RuleBook, entry: FeedEntry, keys: ArticleKeys
    ) -> Reading | None:
        async with self._places:
            return await self._read_item(source, book, entry, keys)

    async def _read_item(self, source: Source, book: RuleBook, entry: FeedEntry, keys: ArticleKeys) -> Reading | None:
        """The item read and evaluated; None where its page is in passing trouble and nothing fired on the summary."""
        page: PageText | None = None
        raw_hash: str | None = None
        in_trouble = False
        if entry.url and source.full_text and not entry.is_full_text:
            outcome = await self._fetcher.fetch(FetchTarget(entry.url))
            if isinstance(outcome, Fetched):
                raw_hash = hash_body(outcome.body)
                page = await self._read_page(source, outcome)
            elif isinstance(outcome, FetchFailed):
                in_trouble = outcome.reason.may_pass
                log.info("page_not_read", source_id=source.id, url=entry.url, reason=outcome.reason.value)
        now = self._clock()
        article = build_article(entry, page, source, now)
        if keys.url is None:
            # The link names no item of its own (every item has the same one), so it must not name the article either.
            identity = keys.guid or keys.fingerprint or article.title
            article = replace(article, id=hash_body(f"{source.id}\x1f{identity}".encode("utf-8", "replace"))[:32])
        try:
            result, hashes = await self._workers.compute(_evaluate, book.rules, article, now)
        except Exception as error:  # one article is a job: what breaks on it is quarantined and shown
            log.exception("article_quarantined", source_id=source.id, article_id=article.id)
            problem = traceback.format_exception_only(error)[-1].strip()
            return Reading(article, keys, None, frozenset(), raw_hash, problem)
        if in_trouble and not (result.signals or result.partial):
            self._page_tries[source.id, article.id] += 1
            if self._page_tries[source.id, article.id] < PAGE_TRIES:
                return None
        self._page_tries.pop((source.id, article.id), None)
        return Reading(article, keys, result, hashes, raw_hash)

    async def _read_page(self, source: Source, fetched: Fetched) -> PageText | None:
        try:
            return await self._workers.compute(
                extract_page,
                fetched.body,
                url=fetched.final_url,
                content_type=fetched.content_type,
                now=self._clock(),
            )
        except Exception:  # one page is a job: what breaks on it must not stop the source; the summary has to do
            log.exception("page_breaks_reader", source_id=source.id, url=fetched.final_url)
            return None

    def _commit(self, source: Source, book: RuleBook, readings: Sequence[Reading], poll: Poll) -> None:
        alerts = self._recorder.record(source, book, readings, self._clock())
        poll.alerts += alerts
        poll.quarantined += sum(reading.result is None for reading in readings)
        read = [reading.article.id for reading in readings if reading.result is not None]
        poll.new += len(read)
        poll.undated += sum(one.result is not None and one.article.published_at is None for one in readings)
        poll.evaluated += read
        if alerts:
            self._wake_dispatch()

    def _finish(self, source: Source, book: RuleBook, harvest: Harvest, poll: Poll) -> None:
        """Nothing; stores where the source stands, and tells operators when it went bad or is good again."""
        now = self._clock()
        before = self._store.articles.source_state(source.id, source.url)
        failed = is_failure(poll.reason)
        unchanged = poll.reason is FetchReason.NOT_MODIFIED
        bookmark = harvest.bookmark or before.bookmark
        if poll.waiting:
            bookmark = Bookmark(cursor=before.bookmark.cursor)  # the same body must be read again
        state = replace(
            before,
            bookmark=bookmark,
            # An empty list that has not changed is still empty.
            reason=before.reason if unchanged and before.reason is FetchReason.EMPTY else poll.reason,
            detail=poll.detail,
            failures=before.failures + 1 if failed else 0,
            polled_at=now,
            ok_at=before.ok_at if failed or poll.reason is FetchReason.EMPTY else now,
            new_item_at=now if poll.new or poll.baseline else before.new_item_at,
            baseline_at=before.baseline_at or (now if harvest.is_whole else None),
            retry_at=retry_at(now, harvest.retry_after),
            fresh_until_at=None if harvest.fresh_for is None else now + harvest.fresh_for,
            asked_every=before.asked_every if failed or unchanged else harvest.every,
            is_undated=_is_undated(harvest) if harvest.entries else before.is_undated,
            lost_at=now if poll.may_have_lost else before.lost_at,
            baseline_items=before.baseline_items + poll.baseline,
            undated_items=before.undated_items + poll.undated,
        )
        health, poll.change = observe(before.health, state_of(source, state, now), now)
        state = replace(state, health=health)
        planned = plan_poll(source, state, self._jitter())
        poll.next_poll_at = now if harvest.has_more and not poll.waiting and not failed else planned.at
        told = False
        with self._store.transaction():
            self._store.articles.save_source_state(replace(state, next_poll_at=poll.next_poll_at))
            if poll.change is not None:
                told = tell_about_source(self._store, book.recipients, source, before, state, poll.change, now)
        if told:
            self._wake_dispatch()


def identify(entries: Sequence[FeedEntry]) -> list[tuple[FeedEntry, ArticleKeys]]:
    """The entries with what recognises them; a guid or link that several of them share names none of them.

    Only an entry with neither is recognised by its words: a daily "Latest from the border" is news each day.
    """
    guids = Counter(entry.guid for entry in entries)
    urls = Counter(canonical_url(entry.url) for entry in entries if entry.url)
    identified = []
    for entry in entries:
        url = canonical_url(entry.url) if entry.url else None
        keys = ArticleKeys(
            source_id=entry.source_id,
            url=url if url and urls[url] == 1 else None,
            guid=entry.guid if guids[entry.guid] == 1 else None,
        )
        if keys.url is None and keys.guid is None:
            words = fold(f"{entry.title}\n{entry.summary}").text
            keys = replace(keys, fingerprint=hash_body(words.encode("utf-8", "replace")))
        identified.append((entry, keys))
    return identified


def _evaluate(rules: CompiledRules, article: Article, now: datetime) -> tuple[MatchResult, frozenset[int]]:
    return match_article(rules, article, now), shingles(text_to_compare(article))


def _would_overlap(harvest: Harvest, state: SourceState) -> bool:
    """Whether a list that was polled in time would show items of the poll before, too."""
    reads_all_again = harvest.is_whole and state.bookmark.cursor is None
    # A poll that left items waiting for their page keeps no hash of the body.
    was_read = state.bookmark.body_hash is not None or state.failures > 0
    return reads_all_again and was_read and state.baseline_at is not None and state.new_item_at is not None


def _is_undated(harvest: Harvest) -> bool:
    """Whether no item has a date although such sources give dates."""
    return not harvest.undated_are_old and all(entry.published_at is None for entry in harvest.entries)


def _was_there_before(entry: FeedEntry, horizon: datetime, undated_are_old: bool) -> bool:
    """Whether an item of a first reading is older than the horizon; the source's kind says what no date means."""
    return undated_are_old if entry.published_at is None else entry.published_at < horizon
