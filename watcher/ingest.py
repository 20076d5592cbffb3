"""One poll of one source, top to bottom: fetch, read, match, decide, commit.

Everything that a poll decides is committed before the source's validators are: a process that dies in between reads the
same items again and finds the finished ones in the store. Ingest ends when deliveries stand in the outbox.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import structlog

from watcher.dedup import COPY_CONTAINMENT, add_copy, text_to_compare
from watcher.extract import build_article, extract_page
from watcher.fetch import Fetcher, hash_body
from watcher.health import HealthChange, is_failure, observe, state_of
from watcher.match import MatchResult, match_article
from watcher.model import (
    Alert,
    Article,
    Bookmark,
    Extraction,
    FeedEntry,
    Fetched,
    FetchFailed,
    FetchReason,
    FetchTarget,
    PageText,
    Source,
    SourceState,
)
from watcher.quiet import after_no_news
from watcher.recording import Reading, Recorder
from watcher.revision import (
    hash_words,
    is_another_page,
    is_cut,
    may_be_revised,
    reread_at,
    says_something_else,
    telling_words,
)
from watcher.rulebook import RuleBook
from watcher.rules.compile import CompiledRules
from watcher.sources import Harvest, make_readers
from watcher.store import Store
from watcher.store.articles import ArticleKeys, ArticleStatus, KnownItem, Listing, PageCheck
from watcher.storms import tell_about_change
from watcher.text.fold import fold
from watcher.text.shingles import containment, shingles
from watcher.timing import plan_poll, retry_at
from watcher.web.urls import canonical_url
from watcher.workers import Workers

log = structlog.get_logger()
T = TypeVar("T")

AT_ONCE = 10  # items of one source read side by side and committed together
# Items of all sources between the fetch of their page and their evaluation. A first start has thousands of them:
# without a bound, 100 feeds of 20 long items held a gigabyte (benchmarks/memory).
READ_AT_ONCE = 32
# Items looked up or noted between two turns of the loop, some 10 ms: a list of 100,000 held up everything else for half
# a minute, and one of 500 makes a fetch of many steps miss its deadline.
TURN = 50
PAGE_TRIES = 3  # polls that wait for a page in trouble before the summary has to do
PAGE_AGAIN_AFTER = timedelta(minutes=30)  # for one that was quoted from and could not be reached
PAGES_AT_ONCE = 10  # quoted pages that are looked at side by side


@dataclass(slots=True)
class Poll:
    """What one poll of one source found and did; counts are of items."""

    source_id: str
    reason: FetchReason = FetchReason.OK
    detail: str = ""
    next_poll_at: datetime | None = None
    has_more: bool = False  # it stopped at its bound; the next one need not wait
    listed: int = 0  # items that the source showed
    new: int = 0
    baseline: int = 0  # there before the first poll: stored, never alerted
    waiting: int = 0  # their page was in trouble; they are read again at the next poll
    quarantined: int = 0
    revised: int = 0  # known, and read again because they are listed in other words
    postponed: int = 0  # such ones, read too recently to be read again
    undated: int = 0  # read, without a date that can be believed
    too_old: int = 0  # on which a rule held that wants nothing so old
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
        on_matched: Callable[[Extraction, float], None] = lambda extraction, seconds: None,
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
        self._on_matched = on_matched  # with the processor time in seconds that the rules took on an article
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

    async def check_pages(self, sources: Mapping[str, Source], book: RuleBook) -> int:
        """How many pages that were quoted from were read again; what they say now is stored, and told if it differs."""
        checks = self._store.articles.due_pages(self._clock(), PAGES_AT_ONCE)
        read = await asyncio.gather(*(self._check_page(check, sources, book) for check in checks))
        return sum(read)

    async def _check_page(self, check: PageCheck, sources: Mapping[str, Source], book: RuleBook) -> bool:
        stored = self._store.articles.get_stored(check.article_id)
        source = sources.get(stored.article.source_id) if stored else None
        if stored is None or stored.article.url is None or source is None:
            self._settle(check)
            return False
        outcome = await self._fetcher.fetch(FetchTarget(stored.article.url))
        if not isinstance(outcome, Fetched):
            # Nothing is taken back by a page that cannot be reached, or is held back from us.
            log.info("page_not_checked", article_id=check.article_id, url=stored.article.url, tries=check.tries + 1)
            self._settle(check, again=check.tries + 1 < PAGE_TRIES)
            return False
        raw_hash = hash_body(outcome.body)
        if raw_hash != stored.raw_hash and (page := await self._read_page(source, outcome)) is not None:
            await self._compare_page(source, book, stored.article, page, raw_hash)
        self._settle(check)
        return True

    async def _compare_page(self, source: Source, book: RuleBook, old: Article, page: PageText, raw_hash: str) -> None:
        new = replace(old, text=page.text)
        if is_cut(old.text, new.text) or is_another_page(old.text, new.text) or not says_something_else(old, new):
            return
        now = self._clock()
        result, hashes = await self._evaluate(book.rules, new, now)
        keys = ArticleKeys(source.id)
        reading = Reading(new, keys, result, hashes, raw_hash, revises=old, matched_at=now)
        if self._recorder.record(source, book, [reading], now):
            self._wake_dispatch()

    def _settle(self, check: PageCheck, *, again: bool = False) -> None:
        with self._store.transaction():
            if again:
                self._store.articles.put_off_page(check, self._clock() + PAGE_AGAIN_AFTER)
            else:
                self._store.articles.settle_page(check)

    async def _read_entries(
        self, source: Source, book: RuleBook, harvest: Harvest, poll: Poll, state: SourceState
    ) -> None:
        now = self._clock()
        fresh, revised = await self._sort_out(source, harvest.entries, poll, now)
        poll.may_have_lost = len(fresh) == len(harvest.entries) and _would_overlap(harvest, state)
        if state.baseline_at is None:
            horizon = now - source.catch_up
            old = [item for item in fresh if _was_there_before(item[0], horizon, harvest.undated_are_old)]
            await self._store_baseline(source, old, now)
            fresh = [item for item in fresh if not _was_there_before(item[0], horizon, harvest.undated_are_old)]
            poll.baseline = len(old)
        # Oldest first, so that the report that opens an event is the one that came first.
        fresh.sort(key=lambda item: item[0].published_at or now)
        items = [(*item, None) for item in fresh] + revised
        for part in _parts(items, AT_ONCE):
            await self._read_chunk(source, book, part, poll)

    async def _read_chunk(
        self, source: Source, book: RuleBook, chunk: Sequence[tuple[FeedEntry, ArticleKeys, Article | None]], poll: Poll
    ) -> None:
        """Nothing; the items are read and committed together, and not held any longer than that."""
        read = await asyncio.gather(*(self._read_in_turn(source, book, *item) for item in chunk))
        self._commit(source, book, [reading for reading in read if reading is not None], poll)
        poll.waiting += sum(reading is None for reading in read)

    async def _sort_out(
        self, source: Source, entries: Sequence[FeedEntry], poll: Poll, now: datetime
    ) -> tuple[list[tuple[FeedEntry, ArticleKeys]], list[tuple[FeedEntry, ArticleKeys, Article]]]:
        """The items that are unknown, and those that are listed in other words than before, as they read until now."""
        fresh, revised = [], []
        listings: dict[str, Listing] = {}
        is_long = len(entries) > TURN
        identified = await self._workers.compute(identify, entries) if is_long else identify(entries)
        for part in _parts(identified, TURN):
            known_items = self._store.articles.recognise([keys for _, keys in part])
            for (entry, keys), known in zip(part, known_items, strict=True):
                if known is None:
                    fresh.append((entry, keys))
                elif known.source_id != source.id:
                    self._see_again(source, entry, keys, known, now)
                elif known.listed is None:
                    listings[known.article_id] = _list_entry(entry)
                elif (stored := self._edited(source, entry, known, now)) is None:
                    continue
                elif now < reread_at(known.first_seen_at, known.read_at):
                    poll.postponed += 1
                else:
                    revised.append((entry, keys, stored))
            await asyncio.sleep(0)
        if listings:
            with self._store.transaction():
                for article_id, listing in listings.items():
                    self._store.articles.set_listing(article_id, listing)
        return fresh, revised

    def _edited(self, source: Source, entry: FeedEntry, known: KnownItem, now: datetime) -> Article | None:
        """The stored article of an item whose listing says something else now, which can still be news; else None."""
        if known.listed is None or known.listed.text == _hash_of(entry):
            return None
        if known.status is ArticleStatus.BASELINE and known.published_at is None:
            return None  # of any age
        if not may_be_revised(known.published_at, known.first_seen_at, now):
            return None
        words = known.listed.words
        if words is not None and words == _words_of(entry, known.language, known.first_seen_at):
            return None
        stored = self._store.articles.get(known.article_id)
        if stored is None or words is not None:
            return stored
        as_listed = _as_edited(stored, build_article(entry, None, source, now))
        return stored if says_something_else(stored, as_listed) else None

    def _see_again(self, source: Source, entry: FeedEntry, keys: ArticleKeys, known: KnownItem, now: datetime) -> None:
        """Nothing; another source, which lists the item for the first time, becomes a source of its events."""
        stored = None if known.by_guid else self._store.articles.get(known.article_id)
        if stored is None:
            return
        seen_here = replace(
            stored,
            source_id=source.id,
            publisher=entry.publisher or source.publisher or source.id,
            affiliation=source.affiliation,
            state=source.state,
            first_seen_at=now,
        )
        with self._store.transaction():
            self._store.articles.add_keys(stored.id, keys)
            for event in self._store.events.by_article(stored.id):
                self._store.events.save(add_copy(event, seen_here, frozenset(), now).event)

    async def _store_baseline(
        self, source: Source, items: Sequence[tuple[FeedEntry, ArticleKeys]], now: datetime
    ) -> None:
        for part in _parts(items, TURN):
            with self._store.transaction():
                for entry, keys in part:
                    article = build_article(entry, None, source, now)
                    self._store.articles.insert(
                        article, keys, status=ArticleStatus.BASELINE, listing=_list_entry(entry)
                    )
            await asyncio.sleep(0)

    async def _read_in_turn(
        self, source: Source, book: RuleBook, entry: FeedEntry, keys: ArticleKeys, revises: Article | None
    ) -> Reading | None:
        async with self._places:
            return await self._read_item(source, book, entry, keys, revises)

    async def _read_item(
        self, source: Source, book: RuleBook, entry: FeedEntry, keys: ArticleKeys, revises: Article | None
    ) -> Reading | None:
        """The item read and evaluated; None where its page is in passing trouble and nothing fired on the summary."""
        page: PageText | None = None
        raw_hash: str | None = None
        aliases: tuple[str, ...] = ()
        in_trouble = False
        if entry.url and source.full_text and not entry.is_full_text:
            outcome = await self._fetcher.fetch(FetchTarget(entry.url))
            if isinstance(outcome, Fetched):
                raw_hash = hash_body(outcome.body)
                page = await self._read_page(source, outcome)
                aliases = _other_addresses(keys, outcome, page)
            elif isinstance(outcome, FetchFailed):
                in_trouble = outcome.reason.may_pass
                log.info("page_not_read", source_id=source.id, url=entry.url, reason=outcome.reason.value)
        now = self._clock()
        article = build_article(entry, page, source, now)
        if keys.url is None:
            # The link names no item of its own (every item has the same one), so it must not name the article either.
            identity = keys.guid or keys.fingerprint or article.title
            article = replace(article, id=hash_body(f"{source.id}\x1f{identity}".encode("utf-8", "replace"))[:32])
        if revises is None and page is not None:
            revises = self._same_item(article, [*aliases, *([keys.url] if keys.url else [])])
        if revises is not None:
            article = _as_edited(revises, article)
        listing = _list_entry(entry, article) if page is not None else _list_entry(entry)

        def reading(result: MatchResult | None, hashes: frozenset[int], problem: str | None = None) -> Reading:
            return Reading(article, keys, result, hashes, raw_hash, problem, listing, revises, aliases, now)

        if revises is not None and not says_something_else(revises, article):
            return reading(None, frozenset())
        try:
            result, hashes = await self._evaluate(book.rules, article, now)
        except Exception as error:  # one article is a job: what breaks on it is quarantined and shown
            log.exception("article_quarantined", source_id=source.id, article_id=article.id)
            return reading(None, frozenset(), traceback.format_exception_only(error)[-1].strip())
        if in_trouble and not (result.signals or result.partial):
            self._page_tries[source.id, article.id] += 1
            if self._page_tries[source.id, article.id] < PAGE_TRIES:
                return None
        self._page_tries.pop((source.id, article.id), None)
        return reading(result, hashes)

    async def _evaluate(
        self, rules: CompiledRules, article: Article, now: datetime
    ) -> tuple[MatchResult, frozenset[int]]:
        result, hashes, seconds = await self._workers.compute(_evaluate, rules, article, now)
        self._on_matched(article.extraction, seconds)
        return result, hashes

    def _same_item(self, article: Article, addresses: Collection[str]) -> Article | None:
        """The stored article of the same source whose page goes by one of these addresses and says the same.

        Not without the text: sites name one address for all their pages, and lead old links to their front page.
        """
        for article_id in self._store.articles.by_address(addresses):
            known = self._store.articles.get(article_id)
            if known is not None and known.id != article.id and known.source_id == article.source_id:
                texts = (shingles(text_to_compare(one)) for one in (known, article))
                if containment(*texts) >= COPY_CONTAINMENT:
                    return known
        return None

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
        poll.quarantined += sum(reading.result is None and reading.revises is None for reading in readings)
        read = [reading for reading in readings if reading.result is not None]
        new = [reading.article for reading in read if reading.revises is None]
        poll.new += len(new)
        poll.revised += len(read) - len(new)
        poll.undated += sum(article.published_at is None for article in new)
        poll.too_old += sum(_is_too_old(reading.result, book) for reading in read if reading.result is not None)
        poll.evaluated += [reading.article.id for reading in read]
        if alerts:
            self._wake_dispatch()

    def _finish(self, source: Source, book: RuleBook, harvest: Harvest, poll: Poll) -> None:
        """Nothing; stores where the source stands, and tells operators when it went bad or is good again."""
        now, jitter = self._clock(), self._jitter()
        before = self._store.articles.source_state(source.id, source.url)
        if _has_no_news(harvest, before):
            quiet = after_no_news(
                source,
                before,
                poll.reason,
                poll.detail,
                now,
                jitter,
                fresh_for=harvest.fresh_for,
                retry_after=harvest.retry_after,
            )
            if quiet is not None:
                self._store.articles.note_source_state(quiet)
                poll.next_poll_at = quiet.next_poll_at
                return
        failed = is_failure(poll.reason)
        unchanged = poll.reason is FetchReason.NOT_MODIFIED
        bookmark = harvest.bookmark or before.bookmark
        if poll.waiting or poll.postponed:
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
            too_old_items=before.too_old_items + poll.too_old,
        )
        health, poll.change = observe(before.health, state_of(source, state, now), now)
        planned = plan_poll(source, state, jitter)
        poll.has_more = harvest.has_more and not (poll.waiting or poll.postponed or failed)
        poll.next_poll_at = now if poll.has_more else planned.at
        state = replace(state, health=health, next_poll_at=poll.next_poll_at)
        told = False
        with self._store.transaction():
            self._store.articles.save_source_state(state)
            if poll.change is not None:
                told = tell_about_change(self._store, book.recipients, source, before, state, poll.change, now)
        if told:
            self._wake_dispatch()


def _has_no_news(harvest: Harvest, before: SourceState) -> bool:
    """Whether nothing of the source has to be stored but that it was polled."""
    nothing_read = harvest.reason is FetchReason.NOT_MODIFIED or is_failure(harvest.reason)
    same_place = harvest.bookmark is None or harvest.bookmark == before.bookmark
    return nothing_read and same_place and not harvest.entries and not harvest.has_more


def identify(entries: Sequence[FeedEntry]) -> list[tuple[FeedEntry, ArticleKeys]]:
    """The entries with what recognises them; a guid or link that several of them share names none of them.

    Only an entry with neither is recognised by its words: a daily "Latest from the border" is news each day. What is
    listed twice is one item.
    """
    guids = Counter(entry.guid for entry in entries)
    found = [canonical_url(entry.url) if entry.url else None for entry in entries]
    urls = Counter(found)
    identified: dict[ArticleKeys, FeedEntry] = {}
    for entry, url in zip(entries, found, strict=True):
        keys = ArticleKeys(
            source_id=entry.source_id,
            url=url if url and urls[url] == 1 else None,
            guid=entry.guid if guids[entry.guid] == 1 else None,
        )
        if keys.url is None and keys.guid is None:
            words = fold(f"{entry.title}\n{entry.summary}").text
            keys = replace(keys, fingerprint=hash_body(words.encode("utf-8", "replace")))
        identified.setdefault(keys, entry)
    return [(entry, keys) for keys, entry in identified.items()]


def _list_entry(entry: FeedEntry, article: Article | None = None) -> Listing:
    """How the item is listed, to be told apart from how it is listed later; ``article`` where its page was read."""
    words = None if article is None else _words_of(entry, article.language, article.first_seen_at)
    return Listing(_hash_of(entry), words)


def _hash_of(entry: FeedEntry) -> int:
    return hash_words((entry.title, entry.summary, entry.edited))


def _other_addresses(keys: ArticleKeys, fetched: Fetched, page: PageText | None) -> tuple[str, ...]:
    """The canonical addresses beside its own that the page of an item goes by: where it led to, what it says itself."""
    landed = canonical_url(fetched.final_url)
    found = {landed if urlsplit(landed).path else None, page and page.canonical_url} - {None, keys.url}
    return tuple(sorted(one for one in found if one))


def _words_of(entry: FeedEntry, language: str, at: datetime) -> int:
    return hash_words((entry.edited, *telling_words(f"{entry.title}\n{entry.summary}", language, at)))


def _as_edited(old: Article, new: Article) -> Article:
    """The article as it was known, with the words that it has now."""
    if old.extraction is Extraction.FULL and new.extraction is not Extraction.FULL:
        # The page cannot be read just now: what it said stands, under the headline of today.
        return replace(old, title=new.title)
    return replace(old, title=new.title, text=new.text, extraction=new.extraction)


def _is_too_old(result: MatchResult, book: RuleBook) -> bool:
    """Whether an exception for old news stopped a rule that holds."""
    return any(
        rule.id == one.rule_id and unless.name == one.name and (unless.older_than or unless.event_older_than)
        for one in result.suppressed
        for rule in book.rules.rules
        for unless in rule.unless
    )


def _evaluate(rules: CompiledRules, article: Article, now: datetime) -> tuple[MatchResult, frozenset[int], float]:
    """The matches, what recognises copies, and the seconds of this thread's processor time that matching took."""
    began = time.thread_time()
    result = match_article(rules, article, now)
    return result, shingles(text_to_compare(article)), time.thread_time() - began


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


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
