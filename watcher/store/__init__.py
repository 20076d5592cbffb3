"""The embedded store: one SQLite file, one connection, one transaction for each step."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from watcher.model import DeliveryState
from watcher.store.articles import Articles
from watcher.store.codec import decode_time, encode_time
from watcher.store.db import BUSY_TIMEOUT, Db
from watcher.store.events import Events
from watcher.store.journal import Journal
from watcher.store.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of everything, for ``status``."""

    articles: int
    quarantined: int
    open_events: int
    alerts: int
    deliveries: dict[DeliveryState, int]
    oldest_pending_at: datetime | None  # when the longest-waiting undelivered message was decided


class Store:
    """Everything that outlives the process. One connection, one thread; every write inside ``transaction()``."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.articles = Articles(db)
        self.events = Events(db)
        self.outbox = Outbox(db)
        self.journal = Journal(db)

    @classmethod
    def open(cls, path: Path | None, *, exclusive: bool, busy_timeout: timedelta = BUSY_TIMEOUT) -> Store:
        """The store in that file (None: a new one in memory); raises StoreError.

        The daemon opens exclusively: it creates or migrates the file, keeps others of its kind out, and what a dead
        one was sending becomes pending again. Commands open beside it; they read at any time, and write briefly.
        """
        store = cls(Db.open(path, exclusive=exclusive, busy_timeout=busy_timeout))
        if exclusive:
            with store.transaction():
                store.outbox.release_abandoned()
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing; releases the file and the lock. A second call does nothing."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """A block that is kept as a whole or not at all; never await inside, never nest (RuntimeError)."""
        return self._db.transaction()

    def counts(self, now: datetime) -> Counts:
        """How much there is of everything."""
        states = self._db.rows("SELECT state, count(*) FROM deliveries GROUP BY state")
        oldest = self._db.value("SELECT min(created_at) FROM deliveries WHERE state IN ('pending', 'sending')")
        return Counts(
            articles=self._db.value("SELECT count(*) FROM articles"),
            quarantined=self._db.value("SELECT count(*) FROM articles WHERE status = 'quarantined'"),
            open_events=self._db.value("SELECT count(*) FROM events WHERE open_until_at >= ?", (encode_time(now),)),
            alerts=self._db.value("SELECT count(*) FROM alerts"),
            deliveries={DeliveryState(state): count for state, count in states},
            oldest_pending_at=None if oldest is None else decode_time(oldest),
        )

    def damage(self) -> tuple[str, ...]:
        """What is wrong with the file, as SQLite reports it; empty when it is sound. Reads the whole file."""
        rows = self._db.rows("PRAGMA quick_check(20)")
        return tuple(row[0] for row in rows if row[0] != "ok")
