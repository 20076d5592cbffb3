"""One poll of one source, top to bottom: fetch, read, match, decide, commit.

Everything that a poll decides is committed before the source's validators are: a process that dies in between reads the
same items again and finds the finished ones in the store. Ingest ends when deliveries stand in the outbox.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import hashlib
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

import structlog

from watcher.dedup import COPY_CONTAINMENT, COPY_WINDOW, add_copy, decide_article, text_to_compare
from watcher.errors import FeedError
from watcher.extract import build_article, extract_page
from watcher.feeds import parse_feed
from watcher.fetch import Fetcher
from watcher.match import MatchResult, match_article
from watcher.model import (
    Alert,
    Article,
    Event,
    EventChange,
    EventDecision,
    FeedEntry,
    Fetched,
    FetchFailed,
    FetchReason,
    FetchTarget,
    NotModified,
    PageText,
    RuleStatus,
    Severity,
    Signal,
    Source,
)
from watcher.notices import tell_operators
from watcher.routing import compose_alert, route_alert
from watcher.rulebook import RuleBook
from watcher.rules.compile import CompiledRules
from watcher.sequence import Judged, OverTime, PastSignal, date_of, judge, one_for_each_rule, span_of, still_silent
from watcher.store import Store
from watcher.store.articles import ArticleKeys, ArticleStatus, KeyKind, SourceState
from watcher.text.fold import fold
from watcher.text.shingles import containment, sample, shingles
from watcher.timing import next_poll_at
from watcher.web.urls import canonical_url

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE = 10  # items of one source read side by side and committed together
# Items of all sources between the fetch of their page and their evaluation. A first start has thousands of them:
# without a bound, 100 feeds of 20 long items held a gigabyte (benchmarks/memory).
READ_AT_ONCE = 32
PAGE_TRIES = 3  # polls that wait for a page in trouble before the summary has to do
TELL_AFTER = 3  # failures in a row of a kind that passes by itself

_PASSING = (FetchReason.TIMEOUT, FetchReason.UNREACHABLE, FetchReason.TRUNCATED, FetchReason.HTTP_ERROR)


@dataclass(slots=True)
class Poll:
    """What one poll of one source found and did; counts are of items."""

    source_id: str
    reason: FetchReason = FetchReason.OK
    detail: str = ""
    retry_after: timedelta | None = None  # the server's wish
    next_poll_at: datetime | None = None
    listed: int = 0  # items in the feed
    new: int = 0
    baseline: int = 0  # there before the first poll: stored, never alerted
    waiting: int = 0  # their page was in trouble; they are read again at the next poll
    quarantined: int = 0
    alerts: list[Alert] = field(default_factory=list)
    evaluated: list[str] = field(default_factory=list)  # article ids, in order


@dataclass(frozen=True, slots=True)
class Reading:
    """An item as read and evaluated, ready to be committed."""

    article: Article
    keys: ArticleKeys
    result: MatchResult | None  # None: quarantined
    hashes: frozenset[int]  # shingles of its text
    raw_hash: str | None
    problem: str | None = None


class Ingest:
    """Polls sources into the store. One instance for a store; the store is only touched on the event loop's thread."""

    def __init__(
        self,
        store: Store,
        fetcher: Fetcher,
        workers: Executor,
        clock: Callable[[], datetime],
        wake_dispatch: Callable[[], None],
        jitter: Callable[[], float],
    ) -> None:
        """``workers`` are threads for what computes: reading feeds and pages, matching."""
        self._store = store
        self._fetcher = fetcher
        self._workers = workers
        self._places = asyncio.Semaphore(READ_AT_ONCE)
        self._clock = clock
        self._wake_dispatch = wake_dispatch
        self._jitter = jitter  # 0 to 1, so that sources of one interval do not poll at one instant
        self._page_tries: Counter[tuple[str, str]] = Counter()

    async def poll(self, source: Source, book: RuleBook) -> Poll:
        """What one poll found; everything that it decided is committed when it returns."""
        poll = Poll(source.id)
        state = self._store.articles.source_state(source.id, source.url)
        outcome = await self._fetcher.fetch(FetchTarget(source.url, state.etag, state.last_modified))
        if isinstance(outcome, NotModified):
            poll.reason = FetchReason.NOT_MODIFIED
        elif isinstance(outcome, FetchFailed):
            poll.reason, poll.detail, poll.retry_after = outcome.reason, outcome.detail, outcome.retry_after
        elif state.body_hash == _hash(outcome.body):
            poll.reason = FetchReason.NOT_MODIFIED
        else:
            await self._read_feed(source, book, state, outcome, poll)
        fetched = outcome if isinstance(outcome, Fetched) else None
        self._finish(source, book, self._store.articles.source_state(source.id, source.url), fetched, poll)
        return poll

    async def _read_feed(
        self, source: Source, book: RuleBook, state: SourceState, fetched: Fetched, poll: Poll
    ) -> None:
        now = self._clock()
        try:
            feed = await self._compute(
                parse_feed,
                fetched.body,
                url=fetched.final_url,
                content_type=fetched.content_type,
                source_id=source.id,
                now=now,
            )
        except FeedError as error:
            poll.reason, poll.detail = error.reason, str(error)
            return
        poll.listed = len(feed.entries)
        if feed.damage is not None:
            poll.reason, poll.detail = feed.damage, "the feed ends in the middle; what was complete is read"
        elif not feed.entries:
            poll.reason, poll.detail = FetchReason.EMPTY, "a feed without items"
        is_first = state.baseline_at is None
        fresh = [item for item in identify(feed.entries) if self._is_new(source, item, poll, now)]
        if is_first:
            old = [item for item in fresh if _is_older(item[0], now - source.catch_up)]
            self._store_baseline(source, old, now)
            fresh = [item for item in fresh if not _is_older(item[0], now - source.catch_up)]
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
        _, keys = item
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
            publisher=source.publisher or source.id,
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

    async def _compute(self, function: Callable[P, T], *args: P.args, **values: P.kwargs) -> T:
        """What the function returns, worked out on a worker thread; its log lines keep their context."""
        call = functools.partial(contextvars.copy_context().run, function, *args, **values)
        return await asyncio.get_running_loop().run_in_executor(self._workers, call)

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
                raw_hash = _hash(outcome.body)
                page = await self._read_page(source, outcome)
            elif isinstance(outcome, FetchFailed):
                in_trouble = outcome.reason in _PASSING
                log.info("page_not_read", source_id=source.id, url=entry.url, reason=outcome.reason.value)
        now = self._clock()
        article = build_article(entry, page, source, now)
        if keys.url is None:
            # The link names no item of its own (every item has the same one), so it must not name the article either.
            identity = keys.guid or keys.fingerprint or article.title
            article = replace(article, id=_hash(f"{source.id}\x1f{identity}".encode("utf-8", "replace"))[:32])
        try:
            result, hashes = await self._compute(_evaluate, book.rules, article, now)
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
            return await self._compute(
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
        """Nothing; articles, signals, events, alerts and deliveries are stored in one transaction."""
        now = self._clock()
        alerts: list[Alert] = []
        with self._store.transaction():
            self._store.events.watch(book.over_time, now)
            for reading in readings:
                if reading.result is None:
                    self._store.articles.insert(
                        reading.article, reading.keys, status=ArticleStatus.QUARANTINED, reason=reading.problem
                    )
                    continue
                sampled = sample(reading.hashes)
                past = past_of_rules(self._store, book.over_time, reading.article, reading.result.partial)
                same_text = find_same_text(
                    self._store,
                    reading.article.id,
                    reading.hashes,
                    sampled,
                    now,
                    ask_open_events=bool(reading.result.signals or reading.result.partial),
                    also=may_be_copied(book.over_time, reading.article, past),
                )
                self._store.articles.insert(reading.article, reading.keys, raw_hash=reading.raw_hash, sampled=sampled)
                judged = judge_partial(
                    self._store, book.over_time, reading.article, reading.result.partial, past, same_text
                )
                for one in judged:
                    self._store.events.remember(one.past)
                for signal, outcome in still_silent(judged):
                    self._store.events.save_signal(signal, at=now, event_id=None, outcome=outcome)
                signals = (*reading.result.signals, *one_for_each_rule(judged))
                alerts += self._decide(source, book, reading.article, signals, same_text, now)
        for reading in readings:
            if reading.result is None:
                poll.quarantined += 1
            else:
                poll.new += 1
                poll.evaluated.append(reading.article.id)
        poll.alerts += alerts
        if alerts:
            self._wake_dispatch()

    def _decide(
        self,
        source: Source,
        book: RuleBook,
        article: Article,
        signals: Sequence[Signal],
        same_text: frozenset[str],
        now: datetime,
    ) -> list[Alert]:
        """The alerts that an article leads to; stores signals, events, alerts and deliveries."""
        sendable = []
        for signal in signals:
            if book.statuses[signal.rule_id] is RuleStatus.DRAFT:
                self._store.events.save_signal(signal, at=now, event_id=None, outcome="draft rule")
            else:
                sendable.append(signal)
        if not sendable:
            for event in self._events_of(same_text, now):
                self._store.events.save(add_copy(event, article, same_text, now).event)
            return []
        alerts = []
        open_events = self._store.events.open_events(now)
        for decision in decide_article(sendable, article, book.event_policies, open_events, same_text, now):
            self._store.events.save(decision.event)
            outcome = ", ".join(change.value for change in decision.changes)
            for signal in decision.signals:
                self._store.events.save_signal(signal, at=now, event_id=decision.event.id, outcome=outcome)
            log.info(
                "event_decided",
                event_id=decision.event.id,
                article_id=article.id,
                changes=outcome,
                reason=decision.reason,
            )
            if decision.is_news:
                alerts.append(self._alert(source, book, decision, article, now))
        return alerts

    def _alert(self, source: Source, book: RuleBook, decision: EventDecision, article: Article, now: datetime) -> Alert:
        earlier = self._store.events.alerts_of_event(decision.event.id)
        titles = {rule_id: policy.title for rule_id, policy in book.event_policies.items()}
        # What the rule rests on is quoted when it is heard of first, be it in an event that others have opened.
        is_first_time = not {EventChange.OPENED, EventChange.RULE_ADDED}.isdisjoint(decision.changes)
        alert = compose_alert(
            decision,
            article,
            book.state_names,
            titles,
            now,
            earlier[0].id if earlier else None,
            quoted=self._earlier_articles(decision) if is_first_time else (),
        )
        self._store.events.save_alert(alert)
        deliveries = route_alert(alert, decision, source.tags, book.recipients, book.send_policies, now)
        self._store.outbox.add(deliveries)
        log.info("alert_decided", alert_id=alert.id, event_id=alert.event_id, deliveries=len(deliveries))
        return alert

    def _earlier_articles(self, decision: EventDecision) -> list[tuple[Article, tuple[Signal, ...]]]:
        """The articles of earlier steps, or that were counted, with what was found in them."""
        found = []
        for article_id in dict.fromkeys(one.article_id for signal in decision.signals for one in signal.earlier):
            article = self._store.articles.get(article_id)
            rule_ids = {signal.rule_id for signal in decision.signals if signal.earlier}
            signals = (one.signal for one in self._store.events.signals_of(article_id))
            if article is not None:
                found.append((article, tuple(signal for signal in signals if signal.rule_id in rule_ids)))
        return found

    def _events_of(self, article_ids: frozenset[str], now: datetime) -> list[Event]:
        found = {
            event.id: event
            for article_id in sorted(article_ids)
            for event in self._store.events.by_article(article_id)
            if now - event.last_seen_at <= event.group_for
        }
        return list(found.values())

    def _finish(self, source: Source, book: RuleBook, state: SourceState, fetched: Fetched | None, poll: Poll) -> None:
        """Nothing; stores where the source stands, and tells operators when that changed."""
        now = self._clock()
        # A feed without items is no failure: it may be new. That it stays so is what `expect_every` is for.
        is_good = poll.reason in (FetchReason.OK, FetchReason.NOT_MODIFIED, FetchReason.EMPTY)
        was_read = fetched is not None and poll.reason in (FetchReason.OK, FetchReason.EMPTY, FetchReason.TRUNCATED)
        if fetched is not None:
            # Validators only when nothing is left to read: else the next poll must get the same body again.
            is_done = is_good and not poll.waiting
            state = replace(
                state,
                etag=fetched.etag if is_done else None,
                last_modified=fetched.last_modified if is_done else None,
                body_hash=_hash(fetched.body) if is_done else None,
            )
        state = replace(
            state,
            reason=FetchReason.OK if poll.reason is FetchReason.NOT_MODIFIED else poll.reason,
            detail=poll.detail,
            failures=0 if is_good else state.failures + 1,
            polled_at=now,
            ok_at=now if is_good and poll.reason is not FetchReason.EMPTY else state.ok_at,
            new_item_at=now if poll.new or poll.baseline else state.new_item_at,
            baseline_at=state.baseline_at or (now if was_read else None),
        )
        poll.next_poll_at = next_poll_at(now, source.every, state.failures, self._jitter(), poll.retry_after)
        with self._store.transaction():
            self._store.articles.save_source_state(replace(state, next_poll_at=poll.next_poll_at))
            self._tell(source, book, state, now)

    def _tell(self, source: Source, book: RuleBook, state: SourceState, now: datetime) -> None:
        key = f"source:{source.id}"
        told = False
        if not state.failures:
            if any(notice.key == key for notice in self._store.journal.notices(key)):
                told = tell_operators(
                    self._store,
                    book.recipients,
                    now,
                    key=key,
                    state="ok",
                    headline=f"Source {source.id} works again",
                    severity=Severity.WATCH,
                )
        elif state.failures >= TELL_AFTER or state.reason not in _PASSING:
            told = tell_operators(
                self._store,
                book.recipients,
                now,
                key=key,
                state=state.reason.value,
                headline=f"Source {source.id} cannot be read: {state.reason.value}",
                body=f"{state.detail}\n{source.url}\nIt is polled on, with growing pauses.",
            )
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
            keys = replace(keys, fingerprint=_hash(words.encode("utf-8", "replace")))
        identified.append((entry, keys))
    return identified


def find_same_text(
    store: Store,
    article_id: str,
    hashes: frozenset[int],
    sampled: Sequence[int],
    now: datetime,
    *,
    ask_open_events: bool,
    also: Collection[str] = (),
) -> frozenset[str]:
    """The ids of the stored articles whose text, given as shingles, this article repeats, whole or cut.

    ``also`` are ids of articles to ask beside those that the index of copies gives.
    """
    candidates = {one.article_id for one in store.articles.candidates(sampled, now - COPY_WINDOW)} | {*also}
    if ask_open_events:
        # A short text may share no sampled hash with the long one that it is cut from: ask the open events, too.
        for event in store.events.open_events(now):
            candidates.update(report.article_id for report in event.reports)
    candidates.discard(article_id)
    return frozenset(
        other_id
        for other_id in candidates
        if (other := store.articles.get(other_id)) is not None
        and containment(hashes, shingles(text_to_compare(other))) >= COPY_CONTAINMENT
    )


def past_of_rules(
    store: Store, over_time: Mapping[str, OverTime], article: Article, partial: Sequence[Signal]
) -> dict[str, tuple[PastSignal, ...]]:
    """By rule id, what the rules of these signals remember of articles that the article may belong together with."""
    at = date_of(article)
    return {
        rule_id: store.events.past(rule_id, at - span_of(over_time[rule_id]), at + over_time[rule_id].within)
        for rule_id in {signal.rule_id for signal in partial}
    }


def may_be_copied(
    over_time: Mapping[str, OverTime], article: Article, past: Mapping[str, Sequence[PastSignal]]
) -> frozenset[str]:
    """The ids of remembered articles that matter if they are copies of this one: those it may be put together with.

    What is farther away, such as a long past that a count is compared with, is left to the index of copies.
    """
    at = date_of(article)
    return frozenset(
        one.report.article_id
        for rule_id, known in past.items()
        for one in known
        if abs(one.at - at) <= min(over_time[rule_id].within, COPY_WINDOW)
    )


def judge_partial(
    store: Store,
    over_time: Mapping[str, OverTime],
    article: Article,
    partial: Sequence[Signal],
    past: Mapping[str, Sequence[PastSignal]],
    same_text: frozenset[str],
) -> tuple[Judged, ...]:
    """What comes of the article's signals of rules that speak over several articles."""
    return tuple(
        judge(
            over_time[signal.rule_id],
            signal,
            article,
            past[signal.rule_id],
            same_text,
            store.events.watched_since(signal.rule_id),
        )
        for signal in partial
    )


def _evaluate(rules: CompiledRules, article: Article, now: datetime) -> tuple[MatchResult, frozenset[int]]:
    return match_article(rules, article, now), shingles(text_to_compare(article))


def _is_older(entry: FeedEntry, than: datetime) -> bool:
    """Whether the entry says that it is older; one without a date does not, and is read."""
    return entry.published_at is not None and entry.published_at < than


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
