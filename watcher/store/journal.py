"""What the program did and said about itself: its runs, which notices are in force, which rules may lose alerts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from watcher.store.codec import decode_time, encode_time, storable
from watcher.store.db import Db


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the daemon; the gap to the next one is time offline."""

    id: int
    version: str
    started_at: datetime
    alive_at: datetime  # last sign of life
    stopped_at: datetime | None  # None: still running, or died


@dataclass(frozen=True, slots=True)
class Notice:
    """A state of affairs that operators were told of, so that they are told again only when it changes."""

    key: str  # "source:oc-media"
    state: str  # "failing"
    detail: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the program did not run, or the machine slept."""

    from_at: datetime
    until_at: datetime


class Journal:
    """The tables runs, outages, notices, accepted_rule_sets and sound_rule_sets; writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def start_run(self, now: datetime, version: str) -> int:
        """The id of the new run."""
        self._db.write(
            "INSERT INTO runs (version, started_at, alive_at) VALUES (?, ?, ?)",
            (version, encode_time(now), encode_time(now)),
        )
        return int(self._db.value("SELECT max(id) FROM runs"))

    def mark_alive(self, run_id: int, now: datetime) -> None:
        """Nothing; the run lived at that time."""
        self._db.write("UPDATE runs SET alive_at = ? WHERE id = ?", (encode_time(now), run_id))

    def stop_run(self, run_id: int, now: datetime) -> None:
        """Nothing; the run ended in good order."""
        self._db.write(
            "UPDATE runs SET alive_at = ?, stopped_at = ? WHERE id = ?", (encode_time(now), encode_time(now), run_id)
        )

    def runs(self, limit: int = 2) -> tuple[Run, ...]:
        """The latest runs, newest first."""
        rows = self._db.rows("SELECT * FROM runs ORDER BY id DESC LIMIT ?", (limit,))
        return tuple(
            Run(
                row["id"],
                row["version"],
                decode_time(row["started_at"]),
                decode_time(row["alive_at"]),
                None if row["stopped_at"] is None else decode_time(row["stopped_at"]),
            )
            for row in rows
        )

    def first_run_at(self) -> datetime | None:
        """When the program ran first, as far back as runs are kept; None: never."""
        found = self._db.value("SELECT min(started_at) FROM runs")
        return None if found is None else decode_time(found)

    def add_outage(self, outage: Outage) -> None:
        """Nothing; operators are still to be told of it."""
        self._db.insert("outages", {"from_at": encode_time(outage.from_at), "until_at": encode_time(outage.until_at)})

    def outages(self) -> tuple[Outage, ...]:
        """Those that operators were not told of yet, the first one first."""
        rows = self._db.rows("SELECT * FROM outages ORDER BY from_at")
        return tuple(Outage(decode_time(row["from_at"]), decode_time(row["until_at"])) for row in rows)

    def settle_outage(self, outage: Outage) -> None:
        """Nothing; operators were told."""
        self._db.write("DELETE FROM outages WHERE from_at = ?", (encode_time(outage.from_at),))

    def change_notice(self, key: str, state: str, detail: str, now: datetime) -> bool:
        """Whether the state of that key is another than before, so that operators are told; the detail may vary."""
        before: str | None = self._db.value("SELECT state FROM notices WHERE key = ?", (key,))
        changed = before != state
        if changed:
            row = {"key": key, "state": state, "detail": storable(detail), "changed_at": encode_time(now)}
            self._db.upsert("notices", row, key=("key",))
        return changed

    def clear_notice(self, key: str) -> bool:
        """Whether there was one; for what no longer exists."""
        return bool(self._db.write("DELETE FROM notices WHERE key = ?", (key,)))

    def notices(self, prefix: str = "") -> tuple[Notice, ...]:
        """Every notice whose key starts so, by key."""
        rows = self._db.rows("SELECT * FROM notices WHERE substr(key, 1, ?) = ? ORDER BY key", (len(prefix), prefix))
        return tuple(map(_notice, rows))

    def note_sound_rules(self, fingerprint: str) -> None:
        """Nothing; rule files of that fingerprint were read and have no mistake. Only the latest are remembered."""
        self._db.write("DELETE FROM sound_rule_sets WHERE fingerprint != ?", (fingerprint,))
        self._db.insert("sound_rule_sets", {"fingerprint": fingerprint})

    def are_rules_sound(self, fingerprint: str) -> bool:
        """Whether rule files of that fingerprint were the last to be read without a mistake."""
        return self._db.value("SELECT 1 FROM sound_rule_sets WHERE fingerprint = ?", (fingerprint,)) is not None

    def accept_rules(self, version: str, now: datetime) -> None:
        """Nothing; exactly this version of the rule set may come into force once, whatever alerts it loses."""
        row = {"version": version, "accepted_at": encode_time(now)}
        self._db.upsert("accepted_rule_sets", row, key=("version",))

    def are_rules_accepted(self, version: str) -> bool:
        """Whether an operator has accepted that version, and it has not come into force since."""
        return self._db.value("SELECT 1 FROM accepted_rule_sets WHERE version = ?", (version,)) is not None

    def use_acceptance(self, version: str) -> None:
        """Nothing; the version came into force, and next time it has to be accepted anew."""
        self._db.write("DELETE FROM accepted_rule_sets WHERE version = ?", (version,))


def _notice(row: sqlite3.Row) -> Notice:
    return Notice(row["key"], row["state"], row["detail"], decode_time(row["changed_at"]))
