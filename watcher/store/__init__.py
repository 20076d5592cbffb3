"""The embedded store: one SQLite file, one connection, one transaction for each step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from watcher.errors import StoreError
from watcher.model import Acknowledgement, Alert, Channel, Delivery, DeliveryState, Held, Recipient
from watcher.render import clean, shorten
from watcher.store.articles import Articles
from watcher.store.codec import decode_time, encode_time
from watcher.store.db import BUSY_TIMEOUT, Db
from watcher.store.drills import Drills
from watcher.store.edits import HeadlineEdits
from watcher.store.events import Events
from watcher.store.evidence import EvidenceStore
from watcher.store.feedback import Feedback
from watcher.store.gauges import Gauges
from watcher.store.journal import Journal
from watcher.store.kept import Kept
from watcher.store.mutes import Mutes
from watcher.store.outbox import Outbox, over_budget
from watcher.store.pruning import Pruner
from watcher.store.subscriptions import Subscriptions
from watcher.store.together import Together
from watcher.store.told import Told

T = TypeVar("T")

_NAME_CHARS = 80  # of who acknowledges; chats let people call themselves anything
_NOTE_CHARS = 500


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What came of acknowledging an event."""

    acknowledgement: Acknowledgement  # the one in force: the first, where it was acknowledged already
    is_new: bool
    withdrawn: int  # escalations that are not sent any more


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of everything, for ``status``."""

    articles: int
    quarantined: int
    open_events: int
    alerts: int
    deliveries: dict[DeliveryState, int]
    oldest_pending_at: datetime | None  # since when the longest-waiting undelivered message could have been sent


@dataclass(frozen=True, slots=True)
class Size:
    """The size of the file, its log left out."""

    bytes: int
    free_bytes: int  # of these: to be used again, or given back to the system


class Store:
    """Everything that outlives the process. One connection, one thread; every write inside ``transaction()``."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.articles = Articles(db)
        self.events = Events(db)
        self.evidence = EvidenceStore(db)
        self.outbox = Outbox(db)
        self.edits = HeadlineEdits(db, self.outbox)
        self.journal = Journal(db)
        self.kept = Kept(db)
        self.mutes = Mutes(db)
        self.together = Together(db, self.events, self.outbox)
        self.subscriptions = Subscriptions(db)
        self.feedback = Feedback(db)
        self.told = Told(db)
        self.pruner = Pruner(db)
        self.gauges = Gauges(db)
        self.drills = Drills(db)

    @classmethod
    def open(cls, path: Path | None, *, exclusive: bool, busy_timeout: timedelta = BUSY_TIMEOUT) -> Store:
        """The store in that file (None: a new one in memory); raises StoreError.

        The daemon opens exclusively: it creates or migrates the file, keeps others of its kind out, and what a dead
        one was sending is uncertain. Commands open beside it; they read at any time, and write briefly.
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

    def version_of_others(self) -> int:
        """A number that changes when another program has written."""
        return self._db.version_of_others()

    def transaction(self) -> AbstractContextManager[None]:
        """A block that is kept as a whole or not at all; never await inside, never nest (RuntimeError)."""
        return self._db.transaction()

    def write_down(self, write: Callable[[], T], *, keep: float = 0.0) -> T:
        """What ``write`` gives, in a transaction; on a full disk in the room that is kept for what must be stored.

        It may run twice. That share of the room is left to others. Raises StoreError.
        """
        return self._db.write_down(write, keep=keep)

    def refill(self) -> None:
        """Nothing; room is kept again for ``write_down``."""
        self._db.refill()

    def keep_place(self) -> None:
        """Nothing where file and lock are in their place, or are again. Raises StoreMovedError, StoreError."""
        self._db.keep_place()

    def mark_damaged(self) -> None:
        """Nothing; the next start checks the whole file before it is used."""
        self._db.mark_damaged()

    def acknowledge(
        self, named: str, *, by: str, note: str = "", now: datetime, person: int | None = None
    ) -> Acknowledged:
        """What came of somebody acknowledging the alert or event with that id, whatever way they say so.

        Every alert about the event up to now counts as acknowledged, and the escalations that wait are withdrawn. A
        second time changes nothing. ``person``, by their id with Telegram, can have the name forgotten. Opens a
        transaction of its own; raises StoreError where there is nothing to acknowledge.
        """
        by = shorten(clean(by), _NAME_CHARS, len)
        if not by:
            raise StoreError("an acknowledgement needs the name of somebody")
        with self.transaction():
            alert = self.events.get_alert(named)
            if alert is None and self.events.get(named) is None:
                raise StoreError(f"there is no alert or event {named}")
            if alert is not None and alert.event_id is None:
                raise StoreError(f"{named} is about watcher itself; only alerts about events are acknowledged")
            event_id = named if alert is None or alert.event_id is None else alert.event_id
            note = shorten(clean(note), _NOTE_CHARS, len)
            done = self.events.acknowledge(event_id, by=by, note=note, at=now, person=person)
            if done is None:
                raise StoreError(f"nobody was told of event {named} yet; there is nothing to acknowledge")
            acknowledgement, is_new = done
            return Acknowledged(acknowledgement, is_new, self.outbox.withdraw_acknowledged(now))

    def keep_budgets(self, recipients: Iterable[Recipient], channel: Channel, now: datetime) -> None:
        """Nothing; of what is due on the channel, messages over their recipients' budgets wait, or are told together.

        Needs an open transaction; called before each claim.
        """
        due = self.outbox.due_recipients(channel, now)
        for recipient in recipients:
            if recipient.id in due and recipient.channel is channel and recipient.budget is not None:
                together = self.outbox.keep_budget(recipient.id, recipient.budget, now)
                if together:
                    why = f"One by one these would have been {over_budget(recipient.budget)}."
                    self.summarise(together, recipient, why, now, Held.BUDGET)

    def summarise(
        self,
        deliveries: Sequence[Delivery],
        recipient: Recipient | None,
        why: str,
        now: datetime,
        held_for: Held | None = None,
    ) -> Alert:
        """The one message that tells these deliveries to their recipient together; each is folded into it.

        All are of one recipient (None: it is due whatever the hour). ``why`` says why they were not sent one by one.
        Needs an open transaction.
        """
        return self.together.summarise(deliveries, recipient, why, now, held_for)

    def release_held(self, recipient_id: str, now: datetime) -> int:
        """How many alerts that wait for quiet hours, a digest or a budget are told now, in one message.

        Opens a transaction of its own; what is told is sent when the dispatcher looks next.
        """
        with self.transaction():
            return self.together.release(recipient_id, now)

    def counts(self, now: datetime) -> Counts:
        """How much there is of everything."""
        states = self._db.rows("SELECT state, count(*) FROM deliveries GROUP BY state")
        # What is held for quiet hours or for an acknowledgement does not wait; a failed attempt moves `not_before_at`.
        oldest = self._db.value(
            "SELECT min(CASE WHEN attempts THEN created_at ELSE not_before_at END) FROM deliveries "
            "WHERE state IN ('pending', 'uncertain', 'sending') AND (attempts OR not_before_at <= ?)",
            (encode_time(now),),
        )
        return Counts(
            articles=self._db.value("SELECT count(*) FROM articles"),
            quarantined=self._db.value("SELECT count(*) FROM articles WHERE status = 'quarantined'"),
            open_events=self._db.value("SELECT count(*) FROM events WHERE open_until_at >= ?", (encode_time(now),)),
            alerts=self._db.value("SELECT count(*) FROM alerts WHERE kind != 'escalation'"),
            deliveries={DeliveryState(state): count for state, count in states},
            oldest_pending_at=None if oldest is None else decode_time(oldest),
        )

    def size(self) -> Size:
        """How large the file is."""
        page = self._db.value("PRAGMA page_size")
        pages, free = self._db.value("PRAGMA page_count"), self._db.value("PRAGMA freelist_count")
        return Size(page * pages, page * free)

    def damage(self) -> tuple[str, ...]:
        """What is wrong with the file, as SQLite reports it; empty when it is sound. Reads the whole file."""
        rows = self._db.rows("PRAGMA quick_check(20)")
        return tuple(row[0] for row in rows if row[0] != "ok")
