"""Mutes that people made, and what silences an alert at a moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from watcher.model import Event
from watcher.mutes import Inhibit, Inhibitor, Mute, Silences, inhibits
from watcher.store.codec import decode_time, encode_time, loads, storable
from watcher.store.db import Db
from watcher.store.people import hash_person

# Until when one holds that goes on to the end of its event, which moves with each report of it.
_SELECT = """SELECT m.*, iif(m.to_the_end, (
        SELECT max(open_until_at) FROM events
        WHERE id IN (m.event_id, (SELECT merged_into FROM events WHERE id = m.event_id))), NULL) AS closes_at
    FROM mutes m"""


class Mutes:
    """The table mutes, and which events silence others; writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def add(self, mute: Mute, person: int | None = None) -> Mute:
        """The mute with its id; in force from its ``made_at`` until its end. ``person`` can have the name forgotten."""
        self._db.insert(
            "mutes",
            {
                "event_id": mute.event_id,
                "rule": mute.rule,
                "state": mute.state,
                "source_id": mute.source_id,
                "recipient_id": mute.recipient_id,
                "also_critical": mute.also_critical,
                "reason": storable(mute.reason),
                "who": storable(mute.by),
                "made_at": encode_time(mute.made_at),
                "until_at": encode_time(mute.until_at),
                "to_the_end": mute.to_the_end,
                "person": None if person is None else hash_person(self._db, person),
            },
        )
        return replace(mute, id=int(self._db.value("SELECT max(id) FROM mutes")))

    def get(self, mute_id: int) -> Mute | None:
        """The mute, in force or over."""
        row = self._db.row(f"{_SELECT} WHERE m.id = ?", (mute_id,))
        return None if row is None else _mute(row)

    def in_force(self, now: datetime) -> tuple[Mute, ...]:
        """The mutes that silence now, by their end; one of an event that was merged is of the event that took over."""
        rows = self._db.rows(
            f"SELECT * FROM ({_SELECT} WHERE m.ended_at IS NULL AND (m.until_at > :now OR m.to_the_end)) "
            "WHERE max(until_at, coalesce(closes_at, '')) > :now "
            "ORDER BY max(until_at, coalesce(closes_at, '')), id",
            {"now": encode_time(now)},
        )
        return tuple(self._followed(_mute(row)) for row in rows)

    def recent(self, limit: int) -> tuple[Mute, ...]:
        """The latest mutes, in force or over, newest first."""
        return tuple(map(_mute, self._db.rows(f"{_SELECT} ORDER BY m.id DESC LIMIT ?", (limit,))))

    def end(self, mute_id: int, now: datetime) -> bool:
        """Whether it was in force; it is over now."""
        return bool(
            self._db.write(
                f"UPDATE mutes SET ended_at = :now WHERE id IN (SELECT id FROM ({_SELECT} "
                "WHERE m.id = :id AND m.ended_at IS NULL) WHERE max(until_at, coalesce(closes_at, '')) > :now)",
                {"now": encode_time(now), "id": mute_id},
            )
        )

    def silences(self, settings: Sequence[Inhibit], event: Event, now: datetime) -> Silences:
        """What may silence an alert about the event, by these settings, now."""
        return Silences(self.in_force(now), self._inhibitors(settings, event, now))

    def _inhibitors(self, settings: Sequence[Inhibit], event: Event, now: datetime) -> tuple[Inhibitor, ...]:
        if not any(event.severity <= one.silences for one in settings):
            return ()
        rows = self._db.rows(
            "SELECT id, body FROM events WHERE open_until_at >= ? AND severity >= ? AND id != ? ORDER BY id",
            (encode_time(now), int(min(one.by for one in settings)), event.id),
        )
        return tuple(
            Inhibitor(row["id"], self._told(row["id"]))
            for row in rows
            if inhibits(settings, loads(Event, row["body"]), event, now)
        )

    def _told(self, event_id: str) -> frozenset[str]:
        rows = self._db.rows(
            "SELECT DISTINCT recipient_id FROM deliveries WHERE event_id = ? "
            "AND state IN ('pending', 'uncertain', 'sending', 'delivered', 'folded')",
            (event_id,),
        )
        return frozenset(row[0] for row in rows)

    def _followed(self, mute: Mute) -> Mute:
        event_id, seen = mute.event_id, set[str]()
        while event_id is not None and event_id not in seen:
            seen.add(event_id)
            into = self._db.value("SELECT merged_into FROM events WHERE id = ?", (event_id,))
            if into is None:
                break
            event_id = into
        return replace(mute, event_id=event_id)


def _mute(row: sqlite3.Row) -> Mute:
    return Mute(
        id=row["id"],
        event_id=row["event_id"],
        rule=row["rule"],
        state=row["state"],
        source_id=row["source_id"],
        recipient_id=row["recipient_id"],
        also_critical=bool(row["also_critical"]),
        reason=row["reason"],
        by=row["who"],
        made_at=decode_time(row["made_at"]),
        until_at=decode_time(max(row["until_at"], row["closes_at"] or "")),
        ended_at=None if row["ended_at"] is None else decode_time(row["ended_at"]),
        to_the_end=bool(row["to_the_end"]),
    )
