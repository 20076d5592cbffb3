"""How things stand, in numbers cheap enough to be asked for every few seconds: only what an index answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from watcher.model import AlertKind, Channel, DeliveryState, FetchReason, Severity
from watcher.store.codec import decode_time, encode_time
from watcher.store.db import Db

# Each as the condition of a partial index has it; what is delivered or dropped has none, and is never counted.
_OPEN_STATES = (
    "state IN ('pending', 'uncertain')",
    "state = 'sending'",
    "state = 'failed'",
    "state = 'muted'",
    "state = 'folded'",
)


@dataclass(frozen=True, slots=True)
class AlertCount:
    """How many alerts of one kind were decided."""

    kind: AlertKind
    rule_id: str  # empty where the message is about no rule
    severity: Severity
    count: int


class Gauges:
    """Reads of the tables deliveries, alerts and sources."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def open_deliveries(self) -> dict[tuple[DeliveryState, Channel], int]:
        """How many deliveries are in each state that is not the end, by channel."""
        return {
            (DeliveryState(row[0]), Channel(row[1])): row[2]
            for condition in _OPEN_STATES
            for row in self._db.rows(
                f"SELECT state, channel, count(*) FROM deliveries WHERE {condition} GROUP BY state, channel"
            )
        }

    def undelivered_since(self, now: datetime) -> datetime | None:
        """Since when the message that waits longest could have been delivered; what is held on purpose does not wait.

        None: nothing waits.
        """
        found = [
            self._db.value(
                "SELECT min(CASE WHEN attempts THEN created_at ELSE not_before_at END) FROM deliveries "
                f"WHERE {condition} AND (attempts OR not_before_at <= ?)",
                (encode_time(now),),
            )
            for condition in _OPEN_STATES[:2]
        ]
        return min((decode_time(at) for at in found if at is not None), default=None)

    def sources(self, source_ids: Iterable[str]) -> dict[FetchReason, int]:
        """How many of these are in each state, as last written; those that were never polled are left out."""
        rows = self._db.rows(
            "SELECT health, count(*) FROM json_each(?) e JOIN sources s ON s.id = e.value GROUP BY health",
            (json.dumps([*source_ids]),),
        )
        return {FetchReason(row[0]): row[1] for row in rows}

    def last_alert(self) -> int:
        """The number of the latest alert; 0 without any."""
        return int(self._db.value("SELECT coalesce(max(n), 0) FROM alerts"))

    def alerts_after(self, number: int) -> tuple[AlertCount, ...]:
        """What was decided after the alert of that number, counted."""
        rows = self._db.rows(
            "SELECT kind, coalesce(rule_id, ''), severity, count(*) FROM alerts WHERE n > ? GROUP BY 1, 2, 3", (number,)
        )
        return tuple(AlertCount(AlertKind(row[0]), row[1], Severity(row[2]), row[3]) for row in rows)
