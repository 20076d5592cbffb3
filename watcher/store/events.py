"""Signals, the events that they form, the alerts that were decided about them, and who acknowledged those."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watcher.model import Acknowledgement, Alert, AlertKind, Event, Report, Signal
from watcher.sequence import PastSignal
from watcher.store.codec import decode_time, dumps, encode_time, loads, storable
from watcher.store.db import Db


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
            "SELECT id, body FROM events WHERE open_until_at >= ? ORDER BY opened_at, id", (encode_time(now),)
        )
        every = self._events(rows)
        if rule_ids is None:
            return every
        return tuple(event for event in every if {event.rule_id, *event.rule_ids} & set(rule_ids))

    def get(self, event_id: str) -> Event | None:
        """The event with all its reports."""
        found = self._events(self._db.rows("SELECT id, body FROM events WHERE id = ?", (event_id,)))
        return found[0] if found else None

    def by_article(self, article_id: str) -> tuple[Event, ...]:
        """Events that an article is a report of, open or not, oldest first; one for each rule that held."""
        return self._events(
            self._db.rows(
                "SELECT id, body FROM events WHERE id IN (SELECT event_id FROM event_reports WHERE article_id = ?) "
                "ORDER BY opened_at, id",
                (article_id,),
            )
        )

    def recent(self, limit: int) -> tuple[Event, ...]:
        """The events with the latest reports, newest first."""
        return self._events(
            self._db.rows("SELECT id, body FROM events ORDER BY last_seen_at DESC, id LIMIT ?", (limit,))
        )

    def save(self, event: Event) -> None:
        """Nothing; replaces what was stored of the event. Reports are only ever added or revised in place."""
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
                "body": dumps(replace(event, reports=())),
            },
            key=("id",),
        )
        for position, report in enumerate(event.reports):
            self._db.upsert(
                "event_reports",
                {
                    "event_id": event.id,
                    "position": position,
                    "article_id": report.article_id,
                    "body": dumps(report),
                },
                key=("event_id", "position"),
            )

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
        """Every alert about an event; the first is what updates reply to."""
        rows = self._db.rows("SELECT body FROM alerts WHERE event_id = ? ORDER BY n", (event_id,))
        return tuple(loads(Alert, row["body"]) for row in rows)

    def acknowledge(self, event_id: str, *, by: str, note: str, at: datetime) -> tuple[Acknowledgement, bool] | None:
        """The acknowledgement that covers every alert about the event so far, and whether it is new.

        None where there is no alert to acknowledge.
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
            {"event_id": event_id, "alert_n": latest["n"], "at": encode_time(at), "who": new.by, "note": new.note},
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

    def _events(self, rows: Iterable[sqlite3.Row]) -> tuple[Event, ...]:
        return tuple(replace(loads(Event, row["body"]), reports=self._reports(row["id"])) for row in rows)

    def _reports(self, event_id: str) -> tuple[Report, ...]:
        rows = self._db.rows("SELECT body FROM event_reports WHERE event_id = ? ORDER BY position", (event_id,))
        return tuple(loads(Report, row["body"]) for row in rows)


def _signals(rows: Iterable[sqlite3.Row]) -> tuple[StoredSignal, ...]:
    return tuple(
        StoredSignal(loads(Signal, row["body"]), decode_time(row["at"]), row["event_id"], row["outcome"])
        for row in rows
    )
