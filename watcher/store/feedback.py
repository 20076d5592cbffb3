"""What people say of alerts: useful, or a false alarm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watcher.model import Alert
from watcher.store.codec import decode_time, encode_time
from watcher.store.db import Db
from watcher.store.people import hash_person


class Verdict(StrEnum):
    """What somebody says of an alert."""

    USEFUL = "useful"
    FALSE_ALARM = "false"


@dataclass(frozen=True, slots=True)
class RuleFeedback:
    """How a rule does, by its alerts and by what people said of them."""

    rule_id: str
    alerts: int  # about events for which it held when they were decided; escalations left out
    useful: int  # of these: more people said useful than false alarm
    false_alarms: int
    disputed: int  # as many said one as the other
    last_alert_at: datetime


class Feedback:
    """The table feedback; writes need an open transaction.

    People stand in it by a keyed hash of their id.
    """

    def __init__(self, db: Db) -> None:
        self._db = db

    def judge(self, alert: Alert, person_id: int, verdict: Verdict, now: datetime) -> Verdict | None:
        """What the person said of the alert before; None: nothing. From now on it is this."""
        key = (alert.id, self._hash(person_id))
        before = self._db.value("SELECT verdict FROM feedback WHERE alert_id = ? AND person = ?", key)
        row = {
            "alert_id": alert.id,
            "person": key[1],
            "event_id": alert.event_id,
            "rules": json.dumps(self.rules_of(alert)),
            "verdict": verdict.value,
            "at": encode_time(now),
        }
        self._db.upsert("feedback", row, key=("alert_id", "person"))
        return None if before is None else Verdict(before)

    def verdict_of(self, alert_id: str, person_id: int) -> Verdict | None:
        """What the person said of the alert; None: nothing."""
        found = self._db.value(
            "SELECT verdict FROM feedback WHERE alert_id = ? AND person = ?", (alert_id, self._hash(person_id))
        )
        return None if found is None else Verdict(found)

    def forget(self, person_id: int) -> int:
        """How many verdicts there were of the person; they are gone."""
        return self._db.write("DELETE FROM feedback WHERE person = ?", (self._hash(person_id),))

    def rules_of(self, alert: Alert) -> tuple[str, ...]:
        """Ids of the rules that held for the alert's event when it was decided, sorted."""
        rows = self._db.rows(
            "SELECT DISTINCT rule_id FROM signals WHERE event_id IN "
            "(:event_id, (SELECT merged_into FROM events WHERE id = :event_id)) AND at <= :at",
            {"event_id": alert.event_id, "at": encode_time(alert.created_at)},
        )
        return tuple(sorted({row["rule_id"] for row in rows} | ({alert.rule_id} if alert.rule_id else set())))

    def by_rule(self, since: datetime | None = None) -> tuple[RuleFeedback, ...]:
        """How each rule does that has alerts since then (None: ever), by id."""
        at = "" if since is None else encode_time(since)
        # An alert's own rule counts where the signals of its time are not known any more.
        counts = self._db.rows(
            """WITH spoken AS (
                SELECT a.id, a.rule_id, a.created_at FROM alerts a
                WHERE a.kind = 'event' AND a.rule_id IS NOT NULL AND a.created_at >= :at
                UNION
                SELECT a.id, s.rule_id, a.created_at FROM alerts a JOIN events e ON e.id = a.event_id
                JOIN signals s ON s.event_id IN (e.id, e.merged_into) AND s.at <= a.created_at
                WHERE a.kind = 'event' AND a.created_at >= :at)
            SELECT rule_id, count(*) AS alerts, max(created_at) AS last_at FROM spoken GROUP BY rule_id""",
            {"at": at},
        )
        judged = self._db.rows(
            """WITH balance AS (
                SELECT a.id, a.created_at, f.rules, sum(iif(f.verdict = 'useful', 1, -1)) AS votes
                FROM feedback f JOIN alerts a ON a.id = f.alert_id WHERE a.created_at >= :at GROUP BY a.id)
            SELECT r.value AS rule_id, sum(votes > 0) AS useful, sum(votes < 0) AS false_alarms,
                sum(votes = 0) AS disputed
            FROM balance, json_each(balance.rules) r GROUP BY r.value""",
            {"at": at},
        )
        verdicts = {row["rule_id"]: row for row in judged}
        found = []
        for row in sorted(counts, key=lambda row: str(row["rule_id"])):
            said = verdicts.get(row["rule_id"])
            useful, false_alarms, disputed = (
                (said["useful"], said["false_alarms"], said["disputed"]) if said else (0, 0, 0)
            )
            last_at = decode_time(row["last_at"])
            found.append(RuleFeedback(row["rule_id"], row["alerts"], useful, false_alarms, disputed, last_at))
        return tuple(found)

    def _hash(self, person_id: int) -> str:
        return hash_person(self._db, person_id)
