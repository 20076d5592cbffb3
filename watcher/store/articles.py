"""Seen articles, the keys that recognise them again, near copies, and the fetch state of each source."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.model import Article, Bookmark, Extraction, FetchReason, Health, SourceState
from watcher.store.codec import decode_time, encode_time, storable
from watcher.store.db import Db

_REVISIONS_KEPT = 10  # what an article said longer ago helps nobody
# Articles asked for each hash, the newest: what stands in more is no story but what the outlet writes under each of its
# pages, and a feed of a thousand items in the same words would cost a thousand look-ups for each of them.
_WITH_ONE_HASH = 500
_CANDIDATES = 20  # a story has few originals; more candidates only cost confirmations


class ArticleStatus(StrEnum):
    """What became of an article."""

    EVALUATED = "evaluated"
    BASELINE = "baseline"  # was there before we looked for the first time: known, never alerted
    QUARANTINED = "quarantined"  # could not be read or evaluated; the reason says why


class KeyKind(StrEnum):
    """How an item is recognised again, the strongest first."""

    URL = "url"
    GUID = "guid"
    FINGERPRINT = "fingerprint"
    ALIAS = "alias"  # another address that its page goes by: worth a look at the text, and no proof without


@dataclass(frozen=True, slots=True)
class ArticleKeys:
    """What recognises an item: its canonical URL anywhere, its guid and its text's fingerprint within its source."""

    source_id: str
    url: str | None = None  # canonical
    guid: str | None = None
    fingerprint: str | None = None

    def digests(self) -> dict[bytes, KeyKind]:
        """A short hash for each key that is there; feeds carry guids of any length."""
        keys = (
            (KeyKind.URL, "", self.url),
            (KeyKind.GUID, self.source_id, self.guid),
            (KeyKind.FINGERPRINT, self.source_id, self.fingerprint),
        )
        return {_digest(kind, scope, value): kind for kind, scope, value in keys if value}


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article with what the store knows about it."""

    article: Article
    status: ArticleStatus
    reason: str | None
    raw_hash: str | None  # of the bytes that it was read from


@dataclass(frozen=True, slots=True)
class Listing:
    """How a source lists an item, as hashes: of the text as it stands, and of the words that say something."""

    text: int
    words: int | None  # None: they make the article's own text


@dataclass(frozen=True, slots=True)
class KnownItem:
    """What has to be known of a stored article to decide whether its item is read again."""

    article_id: str
    source_id: str
    language: str
    status: ArticleStatus
    published_at: datetime | None
    first_seen_at: datetime
    listed: Listing | None  # None: stored before listings were
    read_at: datetime
    by_guid: bool  # its guid was known, and so its source


@dataclass(frozen=True, slots=True)
class Revision:
    """What an article said until it was edited."""

    at: datetime  # when the edit was found
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class PageCheck:
    """A page that was quoted from and is fetched again."""

    article_id: str
    planned_at: datetime
    tries: int  # so far


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may be the original of a copy; ``shared / min(sampled, of the new one)`` estimates how likely."""

    article_id: str
    shared: int  # sampled hashes in common
    sampled: int  # sampled hashes of this article


class Articles:
    """Articles with their keys, shingles, revisions and page checks, and sources; writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._noted: dict[str, SourceState] = {}  # newer than the table, or the same
        self._unsaved: dict[str, SourceState] = {}

    def by_address(self, urls: Iterable[str]) -> tuple[str, ...]:
        """The ids of the articles that go by one of these canonical addresses, as their own or by another name."""
        digests = [_digest(kind, "", url) for url in urls for kind in (KeyKind.URL, KeyKind.ALIAS)]
        marks = ", ".join("?" * len(digests))
        sql = f"SELECT DISTINCT a.id FROM article_keys k JOIN articles a ON a.n = k.article_n WHERE digest IN ({marks})"
        return tuple(row["id"] for row in self._db.rows(sql, tuple(digests)))

    def add_aliases(self, article_id: str, urls: Iterable[str]) -> None:
        """Nothing; the page of the article goes by these canonical addresses, too."""
        number = self._number(article_id)
        self._db.write_many(
            "INSERT INTO article_keys (digest, kind, article_n) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(_digest(KeyKind.ALIAS, "", url), KeyKind.ALIAS.value, number) for url in urls],
        )

    def recognise(self, keys: Sequence[ArticleKeys]) -> list[KnownItem | None]:
        """For each item the one that the strongest of its keys belongs to, None for a new one; at most 300 at once.

        SQLite before 3.32 allows 999 parameters, and each item has up to three keys.
        """
        digests = [one.digests() for one in keys]
        every = [digest for one in digests for digest in one]
        rows = self._db.rows(
            "SELECT k.digest, a.id, a.source_id, a.language, a.status, a.published_at, a.first_seen_at, a.listed, "
            "a.listed_words, a.read_at FROM article_keys k JOIN articles a ON a.n = k.article_n "
            f"WHERE k.digest IN ({', '.join('?' * len(every))})",
            every,
        )
        found = {row["digest"]: row for row in rows}
        return [
            _known_item({kind: found[digest] for digest, kind in one.items() if digest in found}) for one in digests
        ]

    def set_listing(self, article_id: str, listing: Listing, read_at: datetime | None = None) -> None:
        """Nothing; this is how the source lists the item now, and when it was read again."""
        self._db.write(
            "UPDATE articles SET listed = ?, listed_words = ?, read_at = coalesce(?, read_at) WHERE id = ?",
            (listing.text, listing.words, _time_or_none(read_at), article_id),
        )

    def revise(self, article: Article, *, at: datetime, raw_hash: str | None, sampled: Sequence[int]) -> None:
        """Nothing; the article reads so from now on, and what it said before is kept among its revisions."""
        number = self._number(article.id)
        self._db.write(
            "INSERT INTO revisions (article_n, at, title, text, raw_hash) "
            "SELECT n, ?, title, text, raw_hash FROM articles WHERE n = ?",
            (encode_time(at), number),
        )
        self._db.write(
            "DELETE FROM revisions WHERE article_n = ? AND n NOT IN "
            "(SELECT n FROM revisions WHERE article_n = ? ORDER BY n DESC LIMIT ?)",
            (number, number, _REVISIONS_KEPT),
        )
        self._db.write(
            "UPDATE articles SET title = ?, text = ?, extraction = ?, raw_hash = ?, sampled = ?, status = 'evaluated', "
            "reason = NULL WHERE n = ?",
            (storable(article.title), storable(article.text), article.extraction.value, raw_hash, len(sampled), number),
        )
        self._db.write("DELETE FROM shingles WHERE article_n = ?", (number,))
        self._db.write_many("INSERT OR IGNORE INTO shingles VALUES (?, ?)", [(hash_, number) for hash_ in sampled])

    def revisions(self, article_id: str) -> tuple[Revision, ...]:
        """What the article said before each of its edits, the oldest first; only the latest are kept."""
        rows = self._db.rows(
            "SELECT r.* FROM revisions r JOIN articles a ON a.n = r.article_n WHERE a.id = ? ORDER BY r.n",
            (article_id,),
        )
        return tuple(Revision(decode_time(row["at"]), row["title"], row["text"]) for row in rows)

    def watch_page(self, article_id: str, at: Iterable[datetime]) -> None:
        """Nothing; the page of the article is fetched again at these times."""
        self._db.write_many(
            "INSERT INTO page_checks (article_id, planned_at, due_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(article_id, encode_time(one), encode_time(one)) for one in at],
        )

    def due_pages(self, now: datetime, limit: int) -> tuple[PageCheck, ...]:
        """The pages to fetch again by now, the longest due first; of one article only the latest, which says it all."""
        rows = self._db.rows(
            "SELECT article_id, max(planned_at) AS planned_at, max(tries) AS tries FROM page_checks "
            "WHERE due_at <= ? GROUP BY article_id ORDER BY min(due_at), article_id LIMIT ?",
            (encode_time(now), limit),
        )
        return tuple(PageCheck(row["article_id"], decode_time(row["planned_at"]), row["tries"]) for row in rows)

    def put_off_page(self, check: PageCheck, until: datetime) -> None:
        """Nothing; the page could not be read and is tried again then."""
        self.settle_page(check)
        self._db.write(
            "INSERT INTO page_checks (article_id, planned_at, due_at, tries) VALUES (?, ?, ?, ?)",
            (check.article_id, encode_time(check.planned_at), encode_time(until), check.tries + 1),
        )

    def settle_page(self, check: PageCheck) -> None:
        """Nothing; the page was looked at, for this time and the earlier ones that were due."""
        self._db.write(
            "DELETE FROM page_checks WHERE article_id = ? AND planned_at <= ?",
            (check.article_id, encode_time(check.planned_at)),
        )

    def insert(
        self,
        article: Article,
        keys: ArticleKeys,
        *,
        status: ArticleStatus = ArticleStatus.EVALUATED,
        reason: str | None = None,
        raw_hash: str | None = None,
        sampled: Sequence[int] = (),
        listing: Listing | None = None,
    ) -> bool:
        """Whether the article is new; one with the same id stays as it was, and only learns the keys.

        ``sampled`` are the sampled shingle hashes (text.shingles.sample) by which copies find it.
        """
        new = self._db.insert_numbered(
            "articles",
            {
                "id": article.id,
                "source_id": article.source_id,
                "url": None if article.url is None else storable(article.url),
                "title": storable(article.title),
                "text": storable(article.text),
                "language": article.language,
                "extraction": article.extraction.value,
                "published_at": _time_or_none(article.published_at),
                "first_seen_at": encode_time(article.first_seen_at),
                "publisher": article.publisher,
                "affiliation": article.affiliation,
                "state": article.state,
                "tags": json.dumps(article.tags),
                "status": status.value,
                "reason": None if reason is None else storable(reason),
                "raw_hash": raw_hash,
                "sampled": len(sampled),
                "listed": listing and listing.text,
                "listed_words": listing and listing.words,
            },
        )
        self._add_keys(self._number(article.id) if new is None else new, keys)
        if new is not None and sampled:
            self._db.write_many("INSERT OR IGNORE INTO shingles VALUES (?, ?)", [(hash_, new) for hash_ in sampled])
        return new is not None

    def add_keys(self, article_id: str, keys: ArticleKeys) -> None:
        """Nothing; the article is recognised by these too. A key that belongs to another article stays there."""
        self._add_keys(self._number(article_id), keys)

    def _add_keys(self, number: int, keys: ArticleKeys) -> None:
        self._db.write_many(
            "INSERT INTO article_keys (digest, kind, article_n) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(digest, kind.value, number) for digest, kind in keys.digests().items()],
        )

    def set_status(self, article_id: str, status: ArticleStatus, reason: str | None = None) -> None:
        """Nothing; says anew what became of an article."""
        self._db.write(
            "UPDATE articles SET status = ?, reason = ? WHERE id = ?",
            (status.value, None if reason is None else storable(reason), article_id),
        )

    def get(self, article_id: str) -> Article | None:
        """The article as it was stored."""
        stored = self.get_stored(article_id)
        return None if stored is None else stored.article

    def get_stored(self, article_id: str) -> StoredArticle | None:
        """The article with its status and the hash of its raw form."""
        row = self._db.row("SELECT * FROM articles WHERE id = ?", (article_id,))
        return None if row is None else _stored_article(row)

    def since(self, at: datetime, status: ArticleStatus | None = None) -> Iterator[StoredArticle]:
        """Articles first seen at that time or later, in order of arrival; read in pages, so writing between is fine."""
        after = 0
        sql = (
            "SELECT * FROM articles WHERE first_seen_at >= ? AND n > ? AND (? IS NULL OR status = ?) "
            "ORDER BY n LIMIT 200"
        )
        value = None if status is None else status.value
        while rows := self._db.rows(sql, (encode_time(at), after, value, value)):
            yield from map(_stored_article, rows)
            after = rows[-1]["n"]

    def count_since(self, at: datetime, status: ArticleStatus | None = None) -> int:
        """How many articles ``since`` gives."""
        value = None if status is None else status.value
        sql = "SELECT count(*) FROM articles WHERE first_seen_at >= ? AND (? IS NULL OR status = ?)"
        return int(self._db.value(sql, (encode_time(at), value, value)))

    def new_by_source(self, since: datetime) -> dict[str, int]:
        """How many articles each source brought since then, by its id, without those of before its first poll."""
        rows = self._db.rows(
            "SELECT source_id, count(*) FROM articles WHERE first_seen_at >= ? AND status != 'baseline' GROUP BY 1",
            (encode_time(since),),
        )
        return {row[0]: row[1] for row in rows}

    def with_signals_since(self, at: datetime) -> Iterator[tuple[int, Article]]:
        """Articles in which signals were found at that time or later, the last to arrive first, with their numbers."""
        before: int | None = None
        sql = (
            "SELECT * FROM articles WHERE id IN (SELECT article_id FROM signals WHERE at >= ?) "
            "AND (? IS NULL OR n < ?) ORDER BY n DESC LIMIT 200"
        )
        while rows := self._db.rows(sql, (encode_time(at), before, before)):
            yield from ((row["n"], _stored_article(row).article) for row in rows)
            before = rows[-1]["n"]

    def candidates(self, sampled: Sequence[int], since: datetime) -> tuple[Candidate, ...]:
        """Articles first seen since then that share sampled hashes, the most first, at most twenty."""
        first = self._db.value(
            # Numbers grow with time; asking for min(n) instead would walk the whole range.
            "SELECT n FROM articles WHERE first_seen_at >= ? ORDER BY first_seen_at LIMIT 1",
            (encode_time(since),),
        )
        if first is None:
            return ()
        shared: Counter[int] = Counter()
        for one in sampled:
            rows = self._db.rows(
                "SELECT article_n FROM shingles WHERE hash = ? AND article_n >= ? ORDER BY article_n DESC LIMIT ?",
                (one, first, _WITH_ONE_HASH),
            )
            shared.update(row["article_n"] for row in rows)
        best = sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:_CANDIDATES]
        return tuple(self._candidate(number, count) for number, count in best)

    def source_state(self, source_id: str, url: str) -> SourceState:
        """Where polling of the source stands; without a bookmark when its URL has changed since."""
        state = self._noted.get(source_id)
        if state is None:
            row = self._db.row("SELECT * FROM sources WHERE id = ?", (source_id,))
            if row is None:
                return SourceState(source_id, url)
            state = _source_state(row)
        if state.url == url:
            return state
        return SourceState(
            source_id,
            url,
            baseline_at=state.baseline_at,
            new_item_at=state.new_item_at,
            baseline_items=state.baseline_items,
            undated_items=state.undated_items,
            too_old_items=state.too_old_items,
            health=state.health,
        )

    def source_states(self) -> tuple[SourceState, ...]:
        """Every source that was ever polled, by id."""
        states = map(_source_state, self._db.rows("SELECT * FROM sources ORDER BY id"))
        return tuple(self._unsaved.get(state.source_id, state) for state in states)

    def note_source_state(self, state: SourceState) -> None:
        """Nothing; it counts from now on in this process, and is written by the next ``save_noted``.

        For a poll that found nothing and left the bookmark and the counts as they were: thousands of these are written
        together. A process that dies before has polled in vain and loses nothing.
        """
        self._noted[state.source_id] = self._unsaved[state.source_id] = state

    def save_noted(self) -> int:
        """How many states that were only noted are written now."""
        self._db.write_many(_NOTE_SQL, map(_note_row, self._unsaved.values()))
        count = len(self._unsaved)
        self._unsaved.clear()
        return count

    def save_source_state(self, state: SourceState) -> None:
        """Nothing; replaces what was known of the source."""
        self._noted.pop(state.source_id, None)
        self._unsaved.pop(state.source_id, None)
        self._write_source_state(state)

    def _write_source_state(self, state: SourceState) -> None:
        mark = state.bookmark
        self._db.upsert(
            "sources",
            {
                "id": state.source_id,
                "url": storable(state.url),
                "etag": mark.etag and storable(mark.etag),
                "last_modified": mark.last_modified and storable(mark.last_modified),
                "body_hash": mark.body_hash,
                "cursor": mark.cursor and storable(mark.cursor),
                "reason": state.reason.value,
                "detail": storable(state.detail),
                "failures": state.failures,
                "polled_at": _time_or_none(state.polled_at),
                "ok_at": _time_or_none(state.ok_at),
                "new_item_at": _time_or_none(state.new_item_at),
                "next_poll_at": _time_or_none(state.next_poll_at),
                "baseline_at": _time_or_none(state.baseline_at),
                "retry_at": _time_or_none(state.retry_at),
                "fresh_until_at": _time_or_none(state.fresh_until_at),
                "asked_every": None if state.asked_every is None else state.asked_every.total_seconds(),
                "is_undated": state.is_undated,
                "lost_at": _time_or_none(state.lost_at),
                "baseline_items": state.baseline_items,
                "undated_items": state.undated_items,
                "too_old_items": state.too_old_items,
                "health": state.health.state.value,
                "health_since_at": _time_or_none(state.health.since_at),
                "health_streak": state.health.streak,
                "health_told": state.health.told.value,
                "health_told_at": _time_or_none(state.health.told_at),
                "health_relapses": state.health.relapses,
            },
            key=("id",),
        )

    def _number(self, article_id: str) -> int:
        number = self._db.value("SELECT n FROM articles WHERE id = ?", (article_id,))
        if number is None:
            raise KeyError(article_id)
        return int(number)

    def _candidate(self, number: int, shared: int) -> Candidate:
        row = self._db.row("SELECT id, sampled FROM articles WHERE n = ?", (number,))
        if row is None:
            raise KeyError(number)
        return Candidate(row["id"], shared, row["sampled"])


# What ``watcher.quiet`` changes.
_NOTE_SQL = """
    UPDATE sources SET reason = ?, detail = ?, failures = ?, polled_at = ?, ok_at = ?, next_poll_at = ?, retry_at = ?,
    fresh_until_at = ?, health = ?, health_since_at = ?, health_streak = ? WHERE id = ?"""


def _note_row(state: SourceState) -> tuple[object, ...]:
    health = state.health
    return (
        state.reason.value,
        storable(state.detail),
        state.failures,
        polled_at := _time_or_none(state.polled_at),
        polled_at if state.ok_at is state.polled_at else _time_or_none(state.ok_at),
        _time_or_none(state.next_poll_at),
        _time_or_none(state.retry_at),
        _time_or_none(state.fresh_until_at),
        health.state.value,
        _time_or_none(health.since_at),
        health.streak,
        state.source_id,
    )


def _known_item(by_kind: Mapping[KeyKind, sqlite3.Row]) -> KnownItem | None:
    """What is known of an item, from the rows that its keys belong to."""
    row = next((by_kind[kind] for kind in KeyKind if kind in by_kind), None)
    if row is None:
        return None
    first_seen_at = decode_time(row["first_seen_at"])
    return KnownItem(
        article_id=row["id"],
        source_id=row["source_id"],
        language=row["language"],
        status=ArticleStatus(row["status"]),
        published_at=_read_time(row["published_at"]),
        first_seen_at=first_seen_at,
        listed=None if row["listed"] is None else Listing(row["listed"], row["listed_words"]),
        read_at=_read_time(row["read_at"]) or first_seen_at,
        by_guid=KeyKind.GUID in by_kind,
    )


def _digest(kind: KeyKind, scope: str, value: str) -> bytes:
    text = "\0".join((kind.value, scope, value))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _time_or_none(at: datetime | None) -> str | None:
    return None if at is None else encode_time(at)


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else decode_time(text)


def _stored_article(row: sqlite3.Row) -> StoredArticle:
    article = Article(
        id=row["id"],
        source_id=row["source_id"],
        url=row["url"],
        title=row["title"],
        text=row["text"],
        language=row["language"],
        extraction=Extraction(row["extraction"]),
        published_at=_read_time(row["published_at"]),
        first_seen_at=decode_time(row["first_seen_at"]),
        publisher=row["publisher"],
        affiliation=row["affiliation"],
        state=row["state"],
        tags=tuple(json.loads(row["tags"])),
    )
    return StoredArticle(article, ArticleStatus(row["status"]), row["reason"], row["raw_hash"])


def _source_state(row: sqlite3.Row) -> SourceState:
    return SourceState(
        source_id=row["id"],
        url=row["url"],
        bookmark=Bookmark(row["etag"], row["last_modified"], row["body_hash"], row["cursor"]),
        reason=FetchReason(row["reason"]),
        detail=row["detail"],
        failures=row["failures"],
        polled_at=_read_time(row["polled_at"]),
        ok_at=_read_time(row["ok_at"]),
        new_item_at=_read_time(row["new_item_at"]),
        next_poll_at=_read_time(row["next_poll_at"]),
        baseline_at=_read_time(row["baseline_at"]),
        retry_at=_read_time(row["retry_at"]),
        fresh_until_at=_read_time(row["fresh_until_at"]),
        asked_every=None if row["asked_every"] is None else timedelta(seconds=row["asked_every"]),
        is_undated=bool(row["is_undated"]),
        lost_at=_read_time(row["lost_at"]),
        baseline_items=row["baseline_items"],
        undated_items=row["undated_items"],
        too_old_items=row["too_old_items"],
        health=Health(
            FetchReason(row["health"]),
            _read_time(row["health_since_at"]),
            row["health_streak"],
            FetchReason(row["health_told"]),
            _read_time(row["health_told_at"]),
            row["health_relapses"],
        ),
    )
