"""What the headline of the first message about an event shall say since the latest update: one row for each message."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from watcher.model import Alert, AlertKind, Channel, Delivery
from watcher.store.codec import decode_time, encode_time, loads, storable
from watcher.store.db import Db
from watcher.store.outbox import Outbox

_REFRESHED = 3  # messages of an event to each recipient

# Edits of chats that did not ask us to wait.
_READY = """
    SELECT h.*, d.chat, max(h.not_before_at, coalesce((
        SELECT max(w.until_at) FROM channel_waits w WHERE w.channel = h.channel AND w.target IN ('', d.chat)
    ), '')) AS ready_at
    FROM headline_edits h JOIN deliveries d ON d.id = h.delivery_id
    WHERE h.state = 'pending' AND h.channel = :channel
    AND h.delivery_id NOT IN (SELECT value FROM json_each(:but))
"""


@dataclass(frozen=True, slots=True)
class HeadlineEdit:
    """One edit that is due."""

    delivery: Delivery  # of the message to edit; its reference says which that is
    first: Alert  # what the message tells
    latest: Alert  # the newest update that arrived there
    latest_n: int  # its place in the order of alerts
    attempts: int  # before this one


class HeadlineEdits:
    """The table headline_edits; writes need an open transaction."""

    def __init__(self, db: Db, outbox: Outbox) -> None:
        self._db = db
        self._outbox = outbox

    def note(self, delivery: Delivery, now: datetime) -> bool:
        """Whether the update that was just delivered shall show in the headline of the first message of its event.

        Not where it is that message, no update of an event, or older than what the headline shows.
        """
        row = self._db.row(
            """SELECT f.id, a.id AS alert_id, a.n AS alert_n FROM deliveries d
            JOIN alerts a ON a.id = d.alert_id
            JOIN deliveries f ON f.event_id = d.event_id AND f.recipient_id = d.recipient_id
                AND f.channel = d.channel AND f.target = d.target AND f.n < d.n
                AND f.state = 'delivered' AND f.reference IS NOT NULL AND f.folded_into IS NULL
            JOIN alerts o ON o.id = f.alert_id AND o.kind = :kind
            WHERE d.id = :id AND a.kind = :kind ORDER BY f.n LIMIT 1""",
            {"id": delivery.id, "kind": AlertKind.EVENT.value},
        )
        if row is None:
            return False
        return bool(
            self._db.write(
                """INSERT INTO headline_edits VALUES (?, ?, ?, ?, 'pending', 0, ?, NULL)
                ON CONFLICT (delivery_id) DO UPDATE SET alert_id = excluded.alert_id, alert_n = excluded.alert_n,
                    state = 'pending', attempts = 0, not_before_at = excluded.not_before_at, last_error = NULL
                WHERE excluded.alert_n > alert_n""",
                (row["id"], delivery.channel.value, row["alert_id"], row["alert_n"], encode_time(now)),
            )
        )

    def refresh(self, event_id: str, now: datetime, *, but: tuple[str, str] = ("", "")) -> int:
        """How many Telegram messages about the event are edited, because somebody looks after it now.

        The latest few of each recipient: nobody scrolls up to older ones. ``but`` is one that is right already, by
        target and reference.
        """
        return self._db.write(
            """INSERT INTO headline_edits
            SELECT id, channel, alert_id, alert_n, 'pending', 0, :now, NULL FROM (
                SELECT d.*, a.n AS alert_n, row_number() OVER (PARTITION BY d.recipient_id ORDER BY d.n DESC) AS place
                FROM alerts a CROSS JOIN deliveries d ON d.alert_id = a.id
                WHERE a.event_id IN (SELECT :event_id UNION ALL SELECT id FROM events WHERE merged_into = :event_id)
                AND a.kind IN ('event', 'escalation') AND +d.channel = 'telegram' AND d.state = 'delivered'
                AND d.reference IS NOT NULL AND d.folded_into IS NULL)
            WHERE place <= :most AND NOT (target = :target AND reference = :reference)
            ON CONFLICT (delivery_id) DO UPDATE SET state = 'pending', attempts = 0, not_before_at = :now,
                last_error = NULL""",
            {
                "event_id": event_id,
                "now": encode_time(now),
                "most": _REFRESHED,
                "target": but[0],
                "reference": but[1],
            },
        )

    def next_due_at(self, channel: Channel, but: Collection[str] = ()) -> datetime | None:
        """When the next edit is due, perhaps in the past; ``but`` are deliveries left out."""
        found = self._db.value(f"SELECT min(ready_at) FROM ({_READY})", _params(channel, but))
        return None if found is None else decode_time(found)

    def first_due(
        self, channel: Channel, now: datetime, may_be_made: Callable[[str], bool], *, but: Collection[str] = ()
    ) -> HeadlineEdit | None:
        """The edit that waits longest of those to chats where it may be made; ``but`` are deliveries left out."""
        rows = self._db.rows(
            f"SELECT * FROM ({_READY}) WHERE ready_at <= :now ORDER BY ready_at, alert_n",
            {**_params(channel, but), "now": encode_time(now)},
        )
        row = next((row for row in rows if may_be_made(row["chat"])), None)
        delivery = None if row is None else self._outbox.get(row["delivery_id"])
        if row is None or delivery is None:
            return None
        return HeadlineEdit(
            delivery, self._alert(delivery.alert_id), self._alert(row["alert_id"]), row["alert_n"], row["attempts"]
        )

    def _alert(self, alert_id: str) -> Alert:
        return loads(Alert, self._db.value("SELECT body FROM alerts WHERE id = ?", (alert_id,)))

    def settle(
        self, edit: HeadlineEdit, now: datetime, *, reason: str | None = None, not_before: datetime | None = None
    ) -> None:
        """Nothing; the edit is over now, for that reason if it was not made, or tried again not before then.

        One that a newer update has replaced meanwhile stays as that wants it.
        """
        self._db.write(
            "UPDATE headline_edits SET state = ?, attempts = attempts + 1, last_error = ?, "
            "not_before_at = ? WHERE delivery_id = ? AND alert_n = ?",
            (
                "pending" if not_before else "ended" if reason else "made",
                reason and storable(reason),
                encode_time(not_before or now),
                edit.delivery.id,
                edit.latest_n,
            ),
        )


def _params(channel: Channel, but: Collection[str]) -> dict[str, object]:
    return {"channel": channel.value, "but": json.dumps([*but])}
