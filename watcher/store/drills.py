"""The drills that were held: when, and who did not get the exercise."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from watcher.store.codec import decode_time, encode_time
from watcher.store.db import Db


@dataclass(frozen=True, slots=True)
class Drill:
    """One exercise that came to its end."""

    alert_id: str
    started_at: datetime
    ended_at: datetime
    recipients: tuple[str, ...]  # ids of those it was meant for
    missed: tuple[str, ...]  # ids of those whose channel did not accept it in time


class Drills:
    """The table drills; writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def begin(self, alert_id: str, now: datetime, recipients: Iterable[str]) -> None:
        """Nothing; a drill began. One that never ends, because it was interrupted, counts for nothing."""
        row = {"alert_id": alert_id, "started_at": encode_time(now), "recipients": json.dumps(sorted(recipients))}
        self._db.insert("drills", row)

    def end(self, alert_id: str, now: datetime, missed: Iterable[str]) -> None:
        """Nothing; the drill with that exercise is over."""
        self._db.write(
            "UPDATE drills SET ended_at = ?, missed = ? WHERE alert_id = ?",
            (encode_time(now), json.dumps(sorted(missed)), alert_id),
        )

    def latest(self, limit: int = 1) -> tuple[Drill, ...]:
        """Those that came to their end, newest first."""
        rows = self._db.rows(
            "SELECT * FROM drills WHERE ended_at IS NOT NULL ORDER BY started_at DESC LIMIT ?", (limit,)
        )
        return tuple(map(_drill, rows))


def _drill(row: sqlite3.Row) -> Drill:
    return Drill(
        row["alert_id"],
        decode_time(row["started_at"]),
        decode_time(row["ended_at"]),
        tuple(json.loads(row["recipients"])),
        tuple(json.loads(row["missed"])),
    )
