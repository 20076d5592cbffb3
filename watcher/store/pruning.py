"""Forgetting what is too old, a little at a time, and giving the space back while the daemon runs.

What recognises an item again (its keys, its row without the text) is never pruned, nor is what operators decided.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from watcher.retention import Cutoffs
from watcher.store.codec import encode_time
from watcher.store.db import Db

ROWS = 4  # in one slice: a few milliseconds, hashes worked out again and taken out one by one included
FREE_SHARE = 0.1  # of the file that may lie free, to be used again
FREE_PAGES = 256  # a megabyte is not worth the work
PAGES = 64  # given back in one slice

# A delivery that somebody still waits for, by its own message or by another's.
_UNDONE = "('pending', 'uncertain', 'sending', 'muted', 'folded')"

Slice = Callable[[], int]


class Pruner:
    """One walk through the store; ``slices`` is asked for one step after the other, each short."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def slices(self, at: Cutoffs) -> Iterator[tuple[str, Slice]]:
        """The steps of one walk, each with what it prunes; calling it needs an open transaction and says how many.

        A step that pruned as much as it may is followed by another of its kind. Who stops in between loses nothing:
        the next walk begins at the beginning.
        """
        for name, walk in (
            ("copies", self._walk("articles", "first_seen_at", at.copies_at, self._forget_hashes, "sampled > 0")),
            ("texts", self._walk("articles", "first_seen_at", at.text_at, self._forget_texts(at.now), "text != ''")),
            ("revisions", self._walk("revisions", "at", at.text_at, self._forget_revisions)),
            ("deliveries", self._walk("deliveries", "created_at", at.deliveries_at, self._forget_deliveries(at.now))),
            ("notices", self._walk("alerts", "created_at", at.notices_at, self._forget_notices, "event_id IS NULL")),
            ("events", self._walk_events(at)),
            ("signals", self._walk("signals", "at", at.alerts_at, self._forget_signals, "event_id IS NULL")),
            ("past of rules", self._walk_past(at)),
        ):
            yield from ((name, step) for step in walk)
        yield "denials", lambda: self._db.write("DELETE FROM denials WHERE at < ?", (encode_time(at.alerts_at),))
        yield (
            "runs",
            lambda: self._db.write(
                "DELETE FROM runs WHERE alive_at < ? AND id < (SELECT max(id) FROM runs)", (encode_time(at.notices_at),)
            ),
        )

    def give_back(self) -> int:
        """How many pages were given back to the system, some at a time; 0 when little lies free. No transaction."""
        free = self._db.value("PRAGMA freelist_count")
        if free < FREE_PAGES or free < FREE_SHARE * self._db.value("PRAGMA page_count"):
            return 0
        self._db.give_back(PAGES)
        return int(free - self._db.value("PRAGMA freelist_count"))

    def _walk(
        self,
        table: str,
        column: str,
        before: datetime,
        forget: Callable[[Sequence[sqlite3.Row]], int],
        condition: str = "1",
    ) -> Iterator[Slice]:
        """Steps through the rows that are older, in order of time; each row is seen once, forgotten or not."""
        after, is_over = ("", 0), False

        def step() -> int:
            nonlocal after, is_over
            rows = self._db.rows(
                f"SELECT * FROM {table} WHERE ({column}, n) > (?, ?) AND {column} < ? AND {condition} "
                f"ORDER BY {column}, n LIMIT ?",
                (*after, encode_time(before), ROWS),
            )
            is_over = len(rows) < ROWS
            if not rows:
                return 0
            after = rows[-1][column], rows[-1]["n"]
            return forget(rows)

        while not is_over:
            yield step

    def _forget_hashes(self, rows: Sequence[sqlite3.Row]) -> int:
        from watcher.text.shingles import sample  # with numpy, which most commands need not

        for row in rows:
            # The table is sorted by hash, so they are worked out again rather than looked for.
            hashes = sample(row["text"] or row["title"])
            self._db.write_many(
                "DELETE FROM shingles WHERE hash = ? AND article_n = ?", [(one, row["n"]) for one in hashes]
            )
        return self._change("UPDATE articles SET sampled = 0 WHERE n = ?", rows)

    def _forget_texts(self, now: datetime) -> Callable[[Sequence[sqlite3.Row]], int]:
        def forget(rows: Sequence[sqlite3.Row]) -> int:
            # A row that only shrinks leaves its page nearly empty, and SQLite never fills it again; a row that is taken
            # out makes it merge pages. What refers to the row is checked when it is back.
            self._db.rows("PRAGMA defer_foreign_keys = ON")
            idle = [row for row in rows if not self._is_reported(row["id"], now)]
            for row in idle:
                self._db.write("DELETE FROM articles WHERE n = ?", (row["n"],))
                self._db.insert("articles", {**row, "text": ""})
            return len(idle)

        return forget

    def _is_reported(self, article_id: str, now: datetime) -> bool:
        """Whether an open event has a report of the article."""
        sql = (
            "SELECT 1 FROM event_reports r JOIN events e ON e.id = r.event_id "
            "WHERE r.article_id = ? AND e.open_until_at >= ? LIMIT 1"
        )
        return self._db.value(sql, (article_id, encode_time(now))) is not None

    def _forget_revisions(self, rows: Sequence[sqlite3.Row]) -> int:
        return self._change("DELETE FROM revisions WHERE n = ?", rows)

    def _forget_deliveries(self, now: datetime) -> Callable[[Sequence[sqlite3.Row]], int]:
        def forget(rows: Sequence[sqlite3.Row]) -> int:
            # Updates of an open event reply to what was delivered of it.
            return self._change(
                "DELETE FROM deliveries WHERE n = ? AND state IN ('delivered', 'dropped') "
                "AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = deliveries.event_id AND e.open_until_at >= ?)",
                rows,
                encode_time(now),
            )

        return forget

    def _forget_notices(self, rows: Sequence[sqlite3.Row]) -> int:
        idle = [row for row in rows if not self._is_undone("alert_id", row["id"])]
        for row in idle:
            self._db.write("DELETE FROM deliveries WHERE alert_id = ?", (row["id"],))
        return self._change("DELETE FROM alerts WHERE n = ?", idle)

    def _forget_signals(self, rows: Sequence[sqlite3.Row]) -> int:
        return self._change("DELETE FROM signals WHERE n = ?", rows)

    def _walk_events(self, at: Cutoffs) -> Iterator[Slice]:
        after, is_over = ("", ""), False

        def step() -> int:
            nonlocal after, is_over
            row = self._db.row(
                "SELECT id, open_until_at FROM events WHERE (open_until_at, id) > (?, ?) AND open_until_at < ? "
                "ORDER BY open_until_at, id LIMIT 1",
                (*after, encode_time(at.alerts_at)),
            )
            if row is None:
                is_over = True
                return 0
            after = row["open_until_at"], row["id"]
            return int(not self._is_undone("event_id", row["id"]) and self._forget_event(row["id"]))

        while not is_over:
            yield step

    def _is_undone(self, column: str, value: str) -> bool:
        sql = f"SELECT 1 FROM deliveries WHERE {column} = ? AND state IN {_UNDONE} LIMIT 1"
        return self._db.value(sql, (value,)) is not None

    def _forget_event(self, event_id: str) -> bool:
        of_event = (event_id,)
        texts = self._db.rows(
            "SELECT DISTINCT p.hash FROM evidence_parts p JOIN alerts a ON a.id = p.alert_id WHERE a.event_id = ?",
            of_event,
        )
        for table in ("acknowledgements", "deliveries", "alerts", "event_reports", "event_keys", "signals"):
            self._db.write(f"DELETE FROM {table} WHERE event_id = ?", of_event)  # evidence goes with its alert
        for row in texts:
            self._db.write(
                "DELETE FROM evidence_texts WHERE hash = ? AND NOT EXISTS "
                "(SELECT 1 FROM evidence_parts p WHERE p.hash = evidence_texts.hash)",
                (row["hash"],),
            )
        return self._db.write("DELETE FROM events WHERE id = ?", of_event) == 1

    def _walk_past(self, at: Cutoffs) -> Iterator[Slice]:
        for row in self._db.rows("SELECT DISTINCT rule_id FROM rule_past"):
            before = at.past_at.get(row["rule_id"], at.other_past_at)
            yield from self._walk_past_of(row["rule_id"], before)

    def _walk_past_of(self, rule_id: str, before: datetime) -> Iterator[Slice]:
        is_over = False

        def step() -> int:
            nonlocal is_over
            count = self._db.write(
                "DELETE FROM rule_past WHERE (article_id, rule_id, step) IN "
                "(SELECT article_id, rule_id, step FROM rule_past WHERE rule_id = ? AND at < ? LIMIT ?)",
                (rule_id, encode_time(before), ROWS),
            )
            is_over = count < ROWS
            return count

        while not is_over:
            yield step

    def _change(self, sql: str, rows: Sequence[sqlite3.Row], *more: object) -> int:
        return sum(self._db.write(sql, (row["n"], *more)) for row in rows)
