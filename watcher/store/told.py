"""What was told in a place: which alerts and events the people there know of, and what is held for them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from watcher.model import Alert, Held
from watcher.store.codec import decode_time, encode_time, loads, storable
from watcher.store.db import Db
from watcher.store.people import hash_person


@dataclass(frozen=True, slots=True)
class Seat:
    """A place that messages go to, by its address and by who is told there."""

    target: str
    recipient_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """An alert that waits for its time, or is silenced."""

    delivery_id: str
    recipient_id: str
    alert_id: str
    headline: str
    until_at: datetime
    held_for: Held | None  # None: it is silenced
    silenced_by: str | None  # "mute:3", "event:ID"


# Of a chat on Telegram: what went to it, and what belongs to its recipients, wherever they were when it was sent.
# The signs keep SQLite from going through everything that was ever sent over the channel.
_HERE = (
    """(+d.channel = 'telegram' AND (+d.target = :target OR +d.recipient_id IN (SELECT value FROM json_each(:ids))))"""
)
# An escalation that waits is nobody's news yet, and may never be.
_KNOWN = """(d.state IN ('delivered', 'folded', 'uncertain', 'sending', 'muted')
    OR d.state = 'pending' AND a.kind != 'escalation')"""
_THREAD = "a.event_id IN (SELECT :event_id UNION ALL SELECT id FROM events WHERE merged_into = :event_id)"
_ARRIVED = """d.state IN ('delivered', 'uncertain') AND +d.channel = 'telegram'
    AND a.kind NOT IN ('summary', 'digest')"""


class Told:
    """Reads the tables deliveries, alerts and recipient_states; the table receipts, writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def moved_to(self, target: str) -> frozenset[str]:
        """Ids of the recipients whose chat became this one."""
        rows = self._db.rows("SELECT recipient_id FROM recipient_states WHERE new_target = ?", (target,))
        return frozenset(row["recipient_id"] for row in rows)

    def knows_alert(self, seat: Seat, alert_id: str) -> bool:
        """Whether the alert was told there, or will be."""
        return self._knows(seat, "a.id = :alert_id", alert_id=alert_id)

    def knows_event(self, seat: Seat, event_id: str) -> bool:
        """Whether any alert about the event, or about one that it took over, was told there, or will be."""
        return self._knows(seat, _THREAD, event_id=event_id)

    def latest(self, seat: Seat, limit: int) -> tuple[Alert, ...]:
        """The alerts that arrived there last, newest first, each once; also those that others were told in."""
        rows = self._db.rows(
            f"""SELECT a.body FROM alerts a WHERE a.id IN (
                SELECT * FROM (
                    SELECT d.alert_id FROM deliveries d CROSS JOIN alerts a ON a.id = d.alert_id
                    WHERE d.target = :target AND {_ARRIVED} ORDER BY d.n DESC LIMIT :limit)
                UNION SELECT * FROM (
                    SELECT d.alert_id FROM deliveries d CROSS JOIN alerts a ON a.id = d.alert_id
                    WHERE d.recipient_id IN (SELECT value FROM json_each(:ids)) AND {_ARRIVED}
                    ORDER BY d.settled_at DESC LIMIT :limit))
            ORDER BY a.n DESC LIMIT :limit""",
            _values(seat, limit=limit),
        )
        return tuple(loads(Alert, row["body"]) for row in rows)

    def held(self, seat: Seat) -> tuple[HeldMessage, ...]:
        """What waits for a time of day, for room in a budget or for the end of a mute, by when it is due.

        What failed and is tried again is not held, and an escalation is not either.
        """
        rows = self._db.rows(
            f"""SELECT d.id, d.recipient_id, d.alert_id, a.headline, d.not_before_at, d.held_for, d.silenced_by
            FROM (SELECT * FROM deliveries WHERE state = 'muted' UNION ALL
                SELECT * FROM deliveries WHERE held_for IS NOT NULL AND state = 'pending' AND attempts = 0) d
            CROSS JOIN alerts a ON a.id = d.alert_id
            WHERE {_HERE} AND a.kind != 'escalation'
            ORDER BY d.state = 'muted', d.not_before_at, d.n""",
            _values(seat),
        )
        return tuple(map(_held, rows))

    def receive(self, alert_id: str, target: str, by: str, person: int, now: datetime) -> tuple[str, datetime]:
        """Who said first that the exercise arrived there, and when; now by this name, where nobody did."""
        who = {"who": storable(by), "person": hash_person(self._db, person)}
        self._db.insert("receipts", {"alert_id": alert_id, "target": target, "at": encode_time(now), **who})
        return self.receipts(alert_id)[target]

    def receipts(self, alert_id: str) -> dict[str, tuple[str, datetime]]:
        """Who said first that the exercise arrived, and when, by place."""
        rows = self._db.rows("SELECT * FROM receipts WHERE alert_id = ? ORDER BY at, target", (alert_id,))
        return {row["target"]: (row["who"], decode_time(row["at"])) for row in rows}

    def _knows(self, seat: Seat, condition: str, **values: str) -> bool:
        found = self._db.value(
            f"SELECT 1 FROM alerts a CROSS JOIN deliveries d ON d.alert_id = a.id WHERE {condition} AND {_KNOWN} "
            f"AND {_HERE} LIMIT 1",
            _values(seat, **values),
        )
        return found is not None


def _values(seat: Seat, **more: object) -> dict[str, object]:
    return {"target": seat.target, "ids": _json(seat.recipient_ids), **more}


def _json(ids: Collection[str]) -> str:
    return json.dumps(sorted(ids))


def _held(row: sqlite3.Row) -> HeldMessage:
    return HeldMessage(
        row["id"],
        row["recipient_id"],
        row["alert_id"],
        row["headline"],
        decode_time(row["not_before_at"]),
        None if row["silenced_by"] else Held(row["held_for"]),
        row["silenced_by"],
    )
