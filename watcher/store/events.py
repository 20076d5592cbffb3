"""Signals, the events that they form, the alerts that were decided about them, and who acknowledged those."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from watcher.model import Acknowledgement, Alert, AlertKind, Denial, Event, EventLink, Report, Signal
from watcher.store.codec import decode_time, dumps, encode_time, loads, storable
from watcher.store.db import Db
from watcher.store.people import hash_person

if TYPE_CHECKING:  # with it come the rules, which polls without news do without
    from watcher.sequence import PastSignal

_PARAMETERS_AT_ONCE = 500  # SQLite before 3.32 allows 999 in one statement


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """A signal with when it was found and what became of it."""

    signal: Signal
    at: datetime
    event_id: str | None  # None: went into no event (draft rule, baseline)
    outcome: str  # the named reason: "opened", "repeated", "draft rule"


class Events:
    """Signals, the past of rules over several articles, events, reports, alerts, who acknowledged them.

    Writes need an open transaction.
    """

    def __init__(self, db: Db) -> None:
        self._db = db

    def open_events(self, now: datetime, *, rule_ids: Sequence[str] | None = None) -> tuple[Event, ...]:
        """Events that still take reports, oldest first; ``rule_ids`` narrows to those that any of these rules made."""
        rows = self._db.rows(
            "SELECT id, body FROM events WHERE open_until_at >= ? AND merged_into IS NULL ORDER BY opened_at, id",
            (encode_time(now),),
        )
        every = self._events(rows)
        if rule_ids is None:
            return every
        return tuple(event for event in every if {event.rule_id, *event.rule_ids} & set(rule_ids))

    def candidates(
        self,
        parties: Iterable[tuple[str, ...]],
        at: datetime,
        within: timedelta,
        *,
        keys: Iterable[str] = (),
        article_ids: Iterable[str] = (),
    ) -> tuple[Event, ...]:
        """Events that a report of that date may belong to, open or not, oldest first.

        Those that have a report within that time of it and share two of these parties, all of them where there is but
        one, or have one of them alone; those with one of the keys (see ``keys_of``); those that have one of the
        articles.
        """
        span = encode_time(at - within), encode_time(at + within)
        wanted = set(keys)
        known: set[str] = set()
        in_time = "SELECT event_id FROM event_keys WHERE key IN ({marks}) AND last_seen_at >= ? AND opened_at <= ?"
        for states in set(parties):
            if len(states) < 2:
                wanted |= set(states) or {""}
            else:
                wanted |= {f"only:{state}" for state in states}
                known |= self._ids(f"{in_time} GROUP BY event_id HAVING count(*) > 1", sorted(states), span)
        known |= self._ids(in_time, sorted(wanted), span)
        known |= self._ids("SELECT event_id FROM event_reports WHERE article_id IN ({marks})", sorted(set(article_ids)))
        return self._by_id(known)

    def get(self, event_id: str) -> Event | None:
        """The event with all its reports."""
        found = self._events(self._db.rows("SELECT id, body FROM events WHERE id = ?", (event_id,)))
        return found[0] if found else None

    def by_article(self, article_id: str) -> tuple[Event, ...]:
        """Events that an article is a report of, open or not, oldest first; one for each rule that held."""
        return self._by_id(self._ids("SELECT event_id FROM event_reports WHERE article_id IN ({marks})", (article_id,)))

    def recent(self, limit: int) -> tuple[Event, ...]:
        """The events with the latest reports, newest first."""
        return self._events(
            self._db.rows(
                "SELECT id, body FROM events WHERE merged_into IS NULL ORDER BY last_seen_at DESC, id LIMIT ?", (limit,)
            )
        )

    def digest(self, limit: int) -> str:
        """A hash of what is stored of the latest events and their alerts: the same as long as none of it changes."""
        latest = "(SELECT id, body, last_seen_at FROM events ORDER BY last_seen_at DESC, id LIMIT :limit)"
        digest = hashlib.blake2b(digest_size=16)
        for sql in (
            f"SELECT body FROM {latest}",
            f"SELECT r.body FROM {latest} e JOIN event_reports r ON r.event_id = e.id",
            f"SELECT a.id FROM {latest} e JOIN alerts a ON a.event_id = e.id",
        ):
            for row in self._db.rows(sql, {"limit": limit}):
                digest.update(row[0].encode() + b"\0")
        return digest.hexdigest()

    def listed(
        self, now: datetime, *, since: datetime, only_open: bool = False, state: str | None = None, limit: int = 50
    ) -> tuple[Event, ...]:
        """Events with a report since then, the latest reported first; those that were merged into others left out."""
        rows = self._db.rows(
            "SELECT id, body FROM events WHERE merged_into IS NULL AND last_seen_at >= :since "
            "AND open_until_at >= :open AND (:state IS NULL OR EXISTS "
            "(SELECT 1 FROM json_each(body, '$.states') WHERE value = :state)) "
            "ORDER BY last_seen_at DESC, id LIMIT :limit",
            {
                "since": encode_time(since),
                "open": encode_time(now) if only_open else "",
                "state": state,
                "limit": limit,
            },
        )
        return self._events(rows)

    def ids_since(self, at: datetime | None) -> tuple[str, ...]:
        """The ids of events that had a report at that time or later (None: all), by last report."""
        rows = self._db.rows(
            "SELECT id FROM events WHERE last_seen_at >= ? ORDER BY last_seen_at, id",
            ("" if at is None else encode_time(at),),
        )
        return tuple(row["id"] for row in rows)

    def save(self, event: Event) -> None:
        """Nothing; replaces what was stored of the event."""
        self._db.upsert(
            "events",
            {
                "id": event.id,
                "rule_id": event.rule_id,
                "family": event.family,
                "severity": int(event.severity),
                "opened_at": encode_time(event.opened_at),
                "last_seen_at": encode_time(event.last_seen_at),
                "open_until_at": encode_time(event.last_seen_at + event.group_for),
                "merged_into": event.merged_into,
                "body": dumps(replace(event, reports=())),
            },
            key=("id",),
        )
        self._save_reports(event)
        self._db.write("DELETE FROM event_keys WHERE event_id = ?", (event.id,))
        if event.merged_into is None:
            times = encode_time(event.last_seen_at), encode_time(event.opened_at)
            self._db.write_many(
                "INSERT INTO event_keys (key, last_seen_at, opened_at, event_id) VALUES (?, ?, ?, ?)",
                [(key, *times, event.id) for key in keys_of(event)],
            )

    def _save_reports(self, event: Event) -> None:
        stored = {
            row["position"]: row["body"]
            for row in self._db.rows("SELECT position, body FROM event_reports WHERE event_id = ?", (event.id,))
        }
        for position, report in enumerate(event.reports):
            if position in stored and _load_report(stored[position]) is report:
                continue  # as it was read: nothing of it has changed
            if stored.get(position) != (body := dumps(report)):
                self._db.upsert(
                    "event_reports",
                    {"event_id": event.id, "position": position, "article_id": report.article_id, "body": body},
                    key=("event_id", "position"),
                )
        if len(stored) > len(event.reports):
            self._db.write(
                "DELETE FROM event_reports WHERE event_id = ? AND position >= ?", (event.id, len(event.reports))
            )

    def absorb(self, event_id: str, into: str) -> None:
        """Nothing; the event's reports went over into another, and only its alerts are left."""
        event = self.get(event_id)
        if event is None:
            raise KeyError(event_id)
        self.save(replace(event, reports=(), merged_into=into))
        self._db.write("UPDATE signals SET event_id = ? WHERE event_id = ?", (into, event_id))
        self._db.write("UPDATE events SET merged_into = ? WHERE merged_into = ?", (into, event_id))

    def thread_of(self, event_id: str) -> str:
        """The id of the event that goes on with this one: its own unless it was merged into another."""
        return self._db.value("SELECT merged_into FROM events WHERE id = ?", (event_id,)) or event_id

    def save_link(self, link: EventLink) -> None:
        """Nothing; what an operator decided about articles holds for ever."""
        self._db.write(
            "INSERT INTO event_links (is_together, at, body) VALUES (?, ?, ?)",
            (link.is_together, encode_time(link.at), dumps(link)),
        )
        number = self._db.value("SELECT max(n) FROM event_links")
        self._db.write_many(
            "INSERT OR IGNORE INTO event_link_articles (article_id, link_n) VALUES (?, ?)",
            [(article_id, number) for article_id in (*link.one, *link.other)],
        )

    def links(self, article_ids: Iterable[str]) -> tuple[EventLink, ...]:
        """What operators decided about any of these articles, the oldest first."""
        found: set[int] = set()
        wanted = sorted(set(article_ids))
        for start in range(0, len(wanted), _PARAMETERS_AT_ONCE):
            part = wanted[start : start + _PARAMETERS_AT_ONCE]
            marks = ", ".join("?" * len(part))
            rows = self._db.rows(f"SELECT link_n FROM event_link_articles WHERE article_id IN ({marks})", tuple(part))
            found.update(row["link_n"] for row in rows)
        bodies = (self._db.value("SELECT body FROM event_links WHERE n = ?", (number,)) for number in sorted(found))
        return tuple(loads(EventLink, body) for body in bodies)

    def decisions(self, article_ids: Iterable[str]) -> tuple[tuple[int, EventLink], ...]:
        """What operators decided about any of these articles, the oldest first, each with its number."""
        wanted = set(article_ids)
        rows = self._db.rows("SELECT n, body FROM event_links ORDER BY n")
        every = ((int(row["n"]), loads(EventLink, row["body"])) for row in rows)
        return tuple((number, link) for number, link in every if wanted & {*link.one, *link.other})

    def decision(self, number: int) -> EventLink | None:
        """What an operator decided under that number."""
        body = self._db.value("SELECT body FROM event_links WHERE n = ?", (number,))
        return None if body is None else loads(EventLink, body)

    def save_denial(self, denial: Denial) -> None:
        """Nothing; kept for events that open later and happened before."""
        self._db.write(
            "INSERT OR REPLACE INTO denials (article_id, rule_id, at, body) VALUES (?, ?, ?, ?)",
            (denial.article_id, denial.rule_id, encode_time(denial.at), dumps(denial)),
        )

    def denials(self, rule_ids: Iterable[str], since: datetime, until: datetime) -> tuple[Denial, ...]:
        """What was denied of these rules in articles dated between the two times, by date."""
        found = [
            loads(Denial, row["body"])
            for rule_id in sorted(set(rule_ids))
            for row in self._db.rows(
                "SELECT body FROM denials WHERE rule_id = ? AND at BETWEEN ? AND ?",
                (rule_id, encode_time(since), encode_time(until)),
            )
        ]
        return tuple(sorted(found, key=lambda one: (one.at, one.article_id, one.rule_id)))

    def save_signal(self, signal: Signal, *, at: datetime, event_id: str | None, outcome: str) -> bool:
        """Whether the signal is new; a rule holds on an article once."""
        return self._db.insert(
            "signals",
            {
                "article_id": signal.article_id,
                "rule_id": signal.rule_id,
                "rule_version": signal.rule_version,
                "family": signal.family,
                "severity": int(signal.severity),
                "at": encode_time(at),
                "event_id": event_id,
                "outcome": outcome,
                "body": dumps(signal),
            },
        )

    def revise_signal(self, signal: Signal, *, outcome: str | None = None) -> bool:
        """Whether there was one: the rule's signal on the article is this one now; None keeps what became of it."""
        return bool(
            self._db.write(
                "UPDATE signals SET rule_version = ?, severity = ?, body = ?, outcome = coalesce(?, outcome) "
                "WHERE article_id = ? AND rule_id = ?",
                (
                    signal.rule_version,
                    int(signal.severity),
                    dumps(signal),
                    outcome,
                    signal.article_id,
                    signal.rule_id,
                ),
            )
        )

    def signals_of(self, article_id: str) -> tuple[StoredSignal, ...]:
        """The signals found in an article, in the order they were saved."""
        return _signals(self._db.rows("SELECT * FROM signals WHERE article_id = ? ORDER BY n", (article_id,)))

    def signals_since(self, at: datetime, *, rule_ids: Sequence[str] | None = None) -> tuple[StoredSignal, ...]:
        """Signals found at that time or later, in the order they were saved."""
        rows = self._db.rows("SELECT * FROM signals WHERE at >= ? ORDER BY n", (encode_time(at),))
        return _signals(row for row in rows if rule_ids is None or row["rule_id"] in rule_ids)

    def remember(self, past: PastSignal) -> None:
        """Nothing; keeps what a rule that speaks over several articles needs of this one, once."""
        self._db.insert(
            "rule_past",
            {
                "article_id": past.report.article_id,
                "rule_id": past.rule_id,
                "step": past.step or "",
                "at": encode_time(past.at),
                "body": dumps(past),
            },
        )

    def remembers(self, rule_id: str, article_id: str) -> bool:
        """Whether the rule remembers anything of the article."""
        sql = "SELECT 1 FROM rule_past WHERE rule_id = ? AND article_id = ? LIMIT 1"
        return self._db.value(sql, (rule_id, article_id)) is not None

    def past(self, rule_id: str, since: datetime, until: datetime) -> tuple[PastSignal, ...]:
        """What the rule remembers of articles dated between the two times, by date."""
        from watcher.sequence import PastSignal

        rows = self._db.rows(
            "SELECT body FROM rule_past WHERE rule_id = ? AND at BETWEEN ? AND ? ORDER BY at, article_id, step",
            (rule_id, encode_time(since), encode_time(until)),
        )
        return tuple(loads(PastSignal, row["body"]) for row in rows)

    def watch(self, rule_ids: Iterable[str], at: datetime) -> None:
        """Nothing; writes down that the rules look at articles from now on, for those not watched yet."""
        self._db.write_many(
            "INSERT INTO rules_watched (rule_id, since_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(rule_id, encode_time(at)) for rule_id in rule_ids],
        )

    def watched_since(self, rule_id: str) -> datetime | None:
        """When the rule began to look; None: not yet."""
        since = self._db.value("SELECT since_at FROM rules_watched WHERE rule_id = ?", (rule_id,))
        return None if since is None else decode_time(since)

    def save_alert(self, alert: Alert) -> bool:
        """Whether the alert is new; its id derives from its content, so the same decision is stored once."""
        return self._db.insert(
            "alerts",
            {
                "id": alert.id,
                "kind": alert.kind.value,
                "event_id": alert.event_id,
                "rule_id": alert.rule_id,
                "severity": int(alert.severity),
                "headline": storable(alert.headline),
                "created_at": encode_time(alert.created_at),
                "body": dumps(alert),
            },
        )

    def get_alert(self, alert_id: str) -> Alert | None:
        """The alert as it was decided."""
        body = self._db.value("SELECT body FROM alerts WHERE id = ?", (alert_id,))
        return None if body is None else loads(Alert, body)

    def alerts(
        self, *, limit: int, since: datetime | None = None, kind: AlertKind | None = None, rule_id: str | None = None
    ) -> tuple[Alert, ...]:
        """Alerts, newest first; escalations, which only repeat one, where they are asked for by ``kind``."""
        rows = self._db.rows(
            "SELECT body FROM alerts WHERE created_at >= :since AND kind != :hidden "
            "AND (:kind IS NULL OR kind = :kind) AND (:rule_id IS NULL OR rule_id = :rule_id) "
            "ORDER BY n DESC LIMIT :limit",
            {
                "since": "" if since is None else encode_time(since),
                "kind": None if kind is None else kind.value,
                "hidden": "" if kind is AlertKind.ESCALATION else AlertKind.ESCALATION.value,
                "rule_id": rule_id,
                "limit": limit,
            },
        )
        return tuple(loads(Alert, row["body"]) for row in rows)

    def alerts_of_event(self, event_id: str) -> tuple[Alert, ...]:
        """Every alert about an event and those that it took over; the first is what updates reply to."""
        rows = self._db.rows(
            "SELECT body FROM alerts WHERE event_id = :id "
            "OR event_id IN (SELECT id FROM events WHERE merged_into = :id) ORDER BY n",
            {"id": event_id},
        )
        return tuple(loads(Alert, row["body"]) for row in rows)

    def acknowledge(
        self, event_id: str, *, by: str, note: str, at: datetime, person: int | None = None
    ) -> tuple[Acknowledgement, bool] | None:
        """The acknowledgement that covers every alert about the event so far, and whether it is new.

        ``person`` is who can have the name forgotten. None where there is no alert to acknowledge.
        """
        latest = self._db.row("SELECT id, n FROM alerts WHERE event_id = ? ORDER BY n DESC LIMIT 1", (event_id,))
        if latest is None:
            return None
        known = self.acknowledgement_of(latest["id"])
        if known is not None:
            return known, False
        new = Acknowledgement(event_id, storable(by), at, storable(note))
        self._db.insert(
            "acknowledgements",
            {
                "event_id": event_id,
                "alert_n": latest["n"],
                "at": encode_time(at),
                "who": new.by,
                "note": new.note,
                "person": None if person is None else hash_person(self._db, person),
            },
        )
        return new, True

    def acknowledgement_of(self, alert_id: str) -> Acknowledgement | None:
        """Who acknowledged the alert first, with its event; None: nobody yet."""
        row = self._db.row(
            "SELECT k.* FROM alerts a JOIN acknowledgements k ON k.event_id = a.event_id AND k.alert_n >= a.n "
            "WHERE a.id = ? ORDER BY k.n LIMIT 1",
            (alert_id,),
        )
        return (
            None if row is None else Acknowledgement(row["event_id"], row["who"], decode_time(row["at"]), row["note"])
        )

    def unacknowledged_since(self, event_id: str) -> datetime | None:
        """When the first alert about the event that nobody has acknowledged was decided; None: there is none."""
        since = self._db.value(
            "SELECT created_at FROM alerts WHERE event_id = :event_id AND n > coalesce("
            "(SELECT max(alert_n) FROM acknowledgements WHERE event_id = :event_id), 0) ORDER BY n LIMIT 1",
            {"event_id": event_id},
        )
        return None if since is None else decode_time(since)

    def _ids(self, sql: str, values: Sequence[str], more: Sequence[str] = ()) -> set[str]:
        """The event ids that the statement gives, asked with so many values at once as SQLite allows."""
        found: set[str] = set()
        for start in range(0, len(values), _PARAMETERS_AT_ONCE):
            part = values[start : start + _PARAMETERS_AT_ONCE]
            rows = self._db.rows(sql.format(marks=", ".join("?" * len(part))), (*part, *more))
            found.update(row["event_id"] for row in rows)
        return found

    def _by_id(self, event_ids: Iterable[str]) -> tuple[Event, ...]:
        rows = (self._db.row("SELECT id, body FROM events WHERE id = ?", (event_id,)) for event_id in event_ids)
        found = self._events(row for row in rows if row is not None)
        return tuple(sorted(found, key=lambda event: (event.opened_at, event.id)))

    def _events(self, rows: Iterable[sqlite3.Row]) -> tuple[Event, ...]:
        return tuple(replace(loads(Event, row["body"]), reports=self._reports(row["id"])) for row in rows)

    def _reports(self, event_id: str) -> tuple[Report, ...]:
        rows = self._db.rows("SELECT body FROM event_reports WHERE event_id = ? ORDER BY position", (event_id,))
        return tuple(_load_report(row["body"]) for row in rows)


@lru_cache(maxsize=4096)  # the reports of what goes on are read again with each that follows
def _load_report(body: str) -> Report:
    return loads(Report, body)


def keys_of(event: Event) -> tuple[str, ...]:
    """By what an event is looked for: parties, those that a report has alone, "" for none, its rules and families."""
    claimed = {claim.states for report in event.reports for claim in report.claims} | {event.states}
    states = {state for one in claimed for state in one}
    families = {claim.family for report in event.reports for claim in report.claims} | {event.family}
    return (
        *sorted(states),
        *sorted(f"only:{one[0]}" for one in claimed if len(one) == 1),
        *([""] if () in claimed else []),
        *(f"rule:{rule_id}" for rule_id in dict.fromkeys((event.rule_id, *event.rule_ids))),
        *(f"family:{family}" for family in sorted(families)),
    )


def _signals(rows: Iterable[sqlite3.Row]) -> tuple[StoredSignal, ...]:
    return tuple(
        StoredSignal(loads(Signal, row["body"]), decode_time(row["at"]), row["event_id"], row["outcome"])
        for row in rows
    )
