"""Deliveries: claim, settle, list, requeue, drop; and what the channels told us about recipients and waits."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.budget import Waiting, spend
from watcher.errors import StoreError
from watcher.model import Alert, AlertKind, Budget, Channel, Delivery, DeliveryState, Held, Severity
from watcher.store.codec import decode_time, encode_time, loads, storable
from watcher.store.db import Db
from watcher.timing import LEASE, REPEAT_IS_HARMLESS, repeats_soon, uncertain_until

# An update waits for the first message of its event, to reply to it; but a first message that failed this often
# (20 minutes of back-off) must not hold up what came later, nor one that is held for the recipient's quiet hours an
# urgent update that is not. Each message can be read alone.
BLOCKING_ATTEMPTS = 8

# Critical alerts wait for nothing, an escalation must be heard, an exercise measures the way, and a summary is what the
# budget itself sends. An alert that was tried already may have been heard; were it to wait, it would hold up a critical
# update of its event.
_MAY_WAIT = f"""d.severity < {int(Severity.CRITICAL)} AND NOT d.is_silent AND d.attempts = 0
    AND EXISTS (SELECT 1 FROM alerts a WHERE a.id = d.alert_id
        AND a.kind NOT IN ('escalation', 'summary', 'digest', 'exercise'))"""

ABANDONED = "the program stopped while it was being sent; it may have arrived"
LEASE_EXPIRED = "the channel did not answer in time; it may have arrived"

# What waits, once more or still: it stays known that it may have arrived.
_WAITING = "CASE WHEN uncertain_at IS NULL THEN 'pending' ELSE 'uncertain' END"

# What may have arrived holds up nothing that comes later, unless it is about to be sent again.
_IN_FRONT = f"""(e.state IN ('pending', 'sending') OR e.state = 'uncertain' AND (
    e.severity >= {int(Severity.CRITICAL)} OR e.channel IN ({", ".join(f"'{one}'" for one in REPEAT_IS_HARMLESS)})))"""

# Deliveries that nothing holds up but time: nobody is sending to that chat, and no earlier message of the same event to
# the same recipient is on its way. `ready_at` is when the last wait is over.
_READY = f"""
    SELECT d.*, max(d.not_before_at, coalesce((
        SELECT max(w.until_at) FROM channel_waits w WHERE w.channel = d.channel AND w.target IN ('', d.chat)
    ), '')) AS ready_at
    FROM deliveries d
    WHERE d.state IN ('pending', 'uncertain')
    AND NOT EXISTS (
        SELECT 1 FROM deliveries s WHERE s.state = 'sending' AND s.channel = d.channel AND s.chat = d.chat)
    AND NOT EXISTS (
        SELECT 1 FROM deliveries e WHERE e.event_id = d.event_id AND e.recipient_id = d.recipient_id AND e.n < d.n
        AND {_IN_FRONT} AND e.attempts < {BLOCKING_ATTEMPTS}
        AND NOT (e.attempts = 0 AND e.not_before_at > d.not_before_at))
"""


_WAITS_A_WHILE = "state IN ('pending', 'uncertain') AND coalesce(held_for, 'budget') = 'budget'"

# Table, key, moment and which rows: where somebody waits for a while, and not until a time of day.
_WAITS = (
    ("deliveries", "id", "not_before_at", _WAITS_A_WHILE),
    ("deliveries", "id", "lease_until_at", "state = 'sending'"),
    ("channel_waits", "channel || ' ' || target", "until_at", "1"),
    ("headline_edits", "delivery_id", "not_before_at", "state = 'pending'"),
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send until its lease ends, with all that sending needs."""

    delivery: Delivery
    alert: Alert
    reply_to: str | None  # the channel's reference of the first message of this event to this recipient


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A delivery as operators look at it."""

    delivery: Delivery
    severity: Severity
    headline: str
    kind: AlertKind


@dataclass(frozen=True, slots=True)
class ClosedRecipient:
    """A recipient that the channel says is gone."""

    recipient_id: str
    target: str
    closed_at: datetime
    reason: str


class Outbox:
    """The tables deliveries, recipient_states and channel_waits; writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def add(self, deliveries: Iterable[Delivery]) -> int:
        """How many are new; an (alert, recipient) that is stored already stays as it is.

        The alerts must be stored before. A recipient who moved gets the new target; one who is closed gets a failed
        delivery, so that operators see what did not go out.
        """
        return sum(self._add(delivery) for delivery in deliveries)

    def claim_due(
        self,
        now: datetime,
        *,
        limit: int,
        lease: timedelta,
        channel: Channel | None = None,
        busy: Collection[str] = (),
    ) -> tuple[Claimed, ...]:
        """Up to ``limit`` deliveries to send now, severest first, then oldest; one a chat, none to ``busy`` ones.

        A chat gets its next message only after the last one is settled, so the order within it is kept whatever the
        caller does at once. What a graver update waits for counts as much as that. Deliveries whose lease has ended
        become uncertain first; escalations of what was acknowledged meanwhile are withdrawn.
        """
        self._release("lease_until_at <= ?", encode_time(now), LEASE_EXPIRED)
        self.withdraw_acknowledged(now)
        rows = self._db.rows(
            f"""SELECT * FROM (
                SELECT *, row_number() OVER (PARTITION BY channel, chat ORDER BY urgency DESC, created_at, n) AS place
                FROM (
                    SELECT *, max(r.severity, coalesce((
                        SELECT max(u.severity) FROM deliveries u
                        WHERE u.event_id = r.event_id AND u.recipient_id = r.recipient_id AND u.n > r.n
                        AND u.state = 'pending' AND u.not_before_at <= :now
                    ), 0)) AS urgency
                    FROM ({_READY}) r WHERE ready_at <= :now AND (:channel IS NULL OR channel = :channel)
                    AND chat NOT IN (SELECT value FROM json_each(:busy))))
            WHERE place = 1 ORDER BY urgency DESC, created_at, n LIMIT :limit""",
            {
                "now": encode_time(now),
                "channel": channel and channel.value,
                "busy": json.dumps([*busy]),
                "limit": limit,
            },
        )
        return tuple(self._claim(row, encode_time(now + lease)) for row in rows)

    def due_by_chat(self, channel: Channel) -> dict[str, datetime]:
        """When the next message to each chat can be claimed, perhaps in the past."""
        rows = self._db.rows(
            f"SELECT chat, min(ready_at) AS at FROM ({_READY}) WHERE channel = ? GROUP BY chat", (channel.value,)
        )
        return {row["chat"]: decode_time(row["at"]) for row in rows}

    def next_lease_end(self, channel: Channel) -> datetime | None:
        """When the first of the messages under way is given up for lost; None: nothing is under way."""
        found = self._db.value(
            "SELECT min(lease_until_at) FROM deliveries WHERE state = 'sending' AND channel = ?", (channel.value,)
        )
        return None if found is None else decode_time(found)

    def sent_since(self, channel: Channel, since: datetime) -> tuple[tuple[str, datetime], ...]:
        """The chats to which anything was sent after that, each time with the time; unanswered ones and edits, too."""
        rows = self._db.rows(
            "SELECT chat, max(coalesce(settled_at, ''), coalesce(uncertain_at, '')) AS at FROM deliveries "
            "WHERE channel = :channel AND (settled_at > :since AND reference IS NOT NULL OR uncertain_at > :since) "
            "UNION ALL SELECT d.chat, h.not_before_at FROM headline_edits h JOIN deliveries d ON d.id = h.delivery_id "
            "WHERE h.channel = :channel AND h.state != 'pending' AND h.not_before_at > :since",
            {"channel": channel.value, "since": encode_time(since)},
        )
        return tuple((row["chat"], decode_time(row["at"])) for row in rows)

    def due_recipients(self, channel: Channel, now: datetime) -> frozenset[str]:
        """Ids of the recipients for whom something can be claimed on the channel."""
        rows = self._db.rows(
            f"SELECT DISTINCT recipient_id FROM ({_READY}) WHERE ready_at <= ? AND channel = ?",
            (encode_time(now), channel.value),
        )
        return frozenset(row[0] for row in rows)

    def keep_budget(self, recipient_id: str, budget: Budget, now: datetime) -> tuple[Delivery, ...]:
        """The deliveries that are to be told together now, gravest first; what is over the budget waits.

        Called before each claim: whatever else is still due afterwards may be sent.
        """
        loud_at = [
            decode_time(row["at"])
            for row in self._db.rows(
                "SELECT coalesce(settled_at, uncertain_at, :now) AS at FROM deliveries "
                "WHERE recipient_id = :id AND NOT is_silent AND (state = 'sending' OR uncertain_at > :since "
                "OR (state = 'delivered' AND folded_into IS NULL AND settled_at > :since))",
                {"id": recipient_id, "now": encode_time(now), "since": encode_time(now - budget.per)},
            )
        ]
        rows = self._db.rows(
            f"SELECT d.* FROM ({_READY}) d WHERE ready_at <= ? AND recipient_id = ? AND {_MAY_WAIT} "
            "ORDER BY severity DESC, created_at, n",
            (encode_time(now), recipient_id),
        )
        spending = spend(budget, loud_at, [Waiting(row["id"], row["held_at"] is not None) for row in rows], now)
        if spending.until_at is not None:
            reason = f"{over_budget(budget)} here: waits to be told together"
            self._db.write_many(
                "UPDATE deliveries SET not_before_at = ?, held_at = coalesce(held_at, ?), held_for = 'budget', "
                "last_error = ? WHERE id = ?",
                [(encode_time(spending.until_at), encode_time(now), reason, one) for one in spending.held],
            )
        return tuple(delivery_of(row) for row in rows if row["id"] in spending.folded)

    def fold(self, delivery_ids: Iterable[str], into: str) -> None:
        """Nothing; the delivery ``into`` tells these, too, and what was folded into them: delivered when it is."""
        delivery_ids = tuple(delivery_ids)
        self._db.write_many(
            "UPDATE deliveries SET folded_into = ? WHERE folded_into = ? AND state = 'folded'",
            [(into, one) for one in delivery_ids],
        )
        self._db.write_many(
            "UPDATE deliveries SET state = 'folded', folded_into = ?, last_error = NULL, "
            "settled_at = (SELECT settled_at FROM deliveries WHERE id = ?) "
            "WHERE id = ? AND state IN ('pending', 'muted')",
            [(into, into, one) for one in delivery_ids],
        )
        self._deliver_folded(into)

    def _deliver_folded(self, into: str) -> None:
        self._db.write(
            "UPDATE deliveries SET state = 'delivered', "
            "(reference, settled_at) = (SELECT c.reference, c.settled_at FROM deliveries c WHERE c.id = ?) "
            "WHERE folded_into = ? AND state = 'folded' "
            "AND EXISTS (SELECT 1 FROM deliveries c WHERE c.id = ? AND c.state = 'delivered')",
            (into, into, into),
        )

    def muted(self, silenced_by: str) -> tuple[Delivery, ...]:
        """What is silenced by that mute or event ("mute:3", "event:ID") and told by nothing else yet; oldest first."""
        rows = self._db.rows(
            "SELECT * FROM deliveries WHERE state = 'muted' AND silenced_by = ? ORDER BY n", (silenced_by,)
        )
        return tuple(map(delivery_of, rows))

    def of_event(self, event_id: str) -> tuple[Delivery, ...]:
        """Every delivery of an alert about the event, oldest first."""
        return tuple(
            map(delivery_of, self._db.rows("SELECT * FROM deliveries WHERE event_id = ? ORDER BY n", (event_id,)))
        )

    def silencers(self) -> tuple[str, ...]:
        """Every mute and event that silences something which was not told yet: "mute:3", "event:ID"."""
        rows = self._db.rows("SELECT DISTINCT silenced_by FROM deliveries WHERE state = 'muted' ORDER BY 1")
        return tuple(row[0] for row in rows)

    def unmute(self, delivery_id: str, now: datetime) -> None:
        """Nothing; what was silenced is due at once."""
        self._db.write(
            "UPDATE deliveries SET state = 'pending', not_before_at = ?, last_error = NULL, silenced_by = NULL "
            "WHERE id = ? AND state = 'muted'",
            (encode_time(now), delivery_id),
        )

    def withdraw_acknowledged(self, now: datetime) -> int:
        """How many escalations were dropped because somebody has acknowledged what they are about; nobody sends them.

        One that is being sent may still arrive; if it does not, the next claim withdraws it instead of trying again.
        """
        return self._db.write(
            """UPDATE deliveries SET state = 'dropped', settled_at = ?, last_error = (
                SELECT 'acknowledged by ' || k.who || coalesce('; before that: ' || deliveries.last_error, '')
                FROM alerts a JOIN acknowledgements k ON k.event_id = a.event_id AND k.alert_n >= a.n
                WHERE a.id = deliveries.alert_id ORDER BY k.n LIMIT 1)
            WHERE state IN ('pending', 'uncertain') AND EXISTS (
                SELECT 1 FROM alerts a JOIN acknowledgements k ON k.event_id = a.event_id AND k.alert_n >= a.n
                WHERE a.id = deliveries.alert_id AND a.kind = 'escalation')""",
            (encode_time(now),),
        )

    def escalations(self, event_id: str) -> tuple[Delivery, ...]:
        """Everything that tells others because nobody acknowledges the event, whatever its state; oldest first."""
        rows = self._db.rows(
            "SELECT d.* FROM alerts a JOIN deliveries d ON d.alert_id = a.id "
            "WHERE a.event_id = ? AND a.kind = 'escalation' ORDER BY d.n",
            (event_id,),
        )
        return tuple(map(delivery_of, rows))

    def release_abandoned(self) -> int:
        """How many deliveries a dead process had claimed: uncertain now, and due. For the holder of the lock."""
        return self._release("1 = ?", 1, ABANDONED)

    def next_due_at(self, channel: Channel | None = None) -> datetime | None:
        """When the next delivery can be claimed or the next lease ends; None: not before something is settled or added.

        May lie in the past.
        """
        found = self._db.value(
            f"""SELECT min(at) FROM (
                SELECT min(ready_at) AS at FROM ({_READY}) WHERE :channel IS NULL OR channel = :channel
                UNION ALL
                SELECT min(lease_until_at) FROM deliveries
                WHERE state = 'sending' AND (:channel IS NULL OR channel = :channel))""",
            {"channel": channel and channel.value},
        )
        return None if found is None else decode_time(found)

    def settle_delivered(self, delivery: Delivery, *, reference: str, now: datetime) -> bool:
        """Whether this was news; also after the lease has ended, because what arrived must not be sent again.

        What was folded into it is delivered with it.
        """
        is_news = self._settle(
            delivery,
            "state = 'delivered', reference = ?, last_error = NULL, lease_until_at = NULL, settled_at = ?",
            (storable(reference), encode_time(now)),
            must_hold_lease=False,
        )
        self._deliver_folded(delivery.id)
        return is_news

    def settle_retry(self, delivery: Delivery, *, not_before: datetime, reason: str) -> bool:
        """Whether the delivery was still ours; it waits again, not before then.

        What may have arrived earlier stays uncertain.
        """
        return self._settle(
            delivery,
            f"state = {_WAITING}, not_before_at = ?, last_error = ?, lease_until_at = NULL",
            (encode_time(not_before), storable(reason)),
            must_hold_lease=True,
        )

    def settle_uncertain(self, delivery: Delivery, *, not_before: datetime, reason: str) -> bool:
        """Whether the delivery was still ours; it may have arrived, and is sent again not before then."""
        return self._settle(
            delivery,
            "state = 'uncertain', uncertain_at = coalesce(uncertain_at, ?), not_before_at = ?, last_error = ?, "
            "lease_until_at = NULL",
            (encode_time(_sent_at(delivery)), encode_time(not_before), storable(reason)),
            must_hold_lease=True,
        )

    def confirm(self, delivery_id: str, *, reason: str, now: datetime) -> bool:
        """Whether it may have arrived; it is delivered now because somebody says so, and so is what it tells."""
        is_news = self._db.write(
            "UPDATE deliveries SET state = 'delivered', last_error = ?, settled_at = ? "
            "WHERE id = ? AND uncertain_at IS NOT NULL AND state IN ('uncertain', 'failed')",
            (storable(reason), encode_time(now), delivery_id),
        )
        self._deliver_folded(delivery_id)
        return bool(is_news)

    def settle_failed(self, delivery: Delivery, *, reason: str, now: datetime) -> bool:
        """Whether the delivery was still ours; it is given up and stays visible until someone acts."""
        return self._settle(
            delivery,
            "state = 'failed', last_error = ?, lease_until_at = NULL, settled_at = ?",
            (storable(reason), encode_time(now)),
            must_hold_lease=True,
        )

    def hold_back(self, channel: Channel, target: str | None, until: datetime) -> None:
        """Nothing; no delivery to the target (None: to the whole channel) is claimed before then."""
        self._db.write(
            "INSERT INTO channel_waits VALUES (?, ?, ?) ON CONFLICT (channel, target) "
            "DO UPDATE SET until_at = max(until_at, excluded.until_at)",
            (channel.value, target or "", encode_time(until)),
        )

    def shift_waits(self, by: timedelta) -> None:
        """Nothing; the clock was set by so much, and who had to wait for a while waits as long as before.

        What is held until a time of day stays until then.
        """
        for table, key, column, which in _WAITS:
            rows = self._db.rows(f"SELECT {key}, {column} FROM {table} WHERE {which}")
            self._db.write_many(
                f"UPDATE {table} SET {column} = ? WHERE {key} = ?",
                [(encode_time(decode_time(row[1]) + by), row[0]) for row in rows],
            )

    def waits(self, now: datetime) -> dict[tuple[Channel, str], datetime]:
        """Until when channels asked us to wait: by channel and target, where the target "" is the whole channel."""
        rows = self._db.rows("SELECT * FROM channel_waits WHERE until_at > ? ORDER BY 1, 2", (encode_time(now),))
        return {(Channel(row["channel"]), row["target"]): decode_time(row["until_at"]) for row in rows}

    def move_recipient(self, recipient_id: str, old_target: str, new_target: str) -> None:
        """Nothing; what is pending and what comes for the old target goes to the new one (a migrated chat)."""
        self._db.write(
            "INSERT INTO recipient_states (recipient_id, target, new_target) VALUES (?, ?, ?) "
            "ON CONFLICT (recipient_id, target) DO UPDATE SET new_target = excluded.new_target",
            (recipient_id, old_target, new_target),
        )
        self._db.write(
            "UPDATE deliveries SET target = ? "
            "WHERE recipient_id = ? AND target = ? AND state IN ('pending', 'uncertain', 'sending')",
            (new_target, recipient_id, old_target),
        )

    def retarget(self, recipient_id: str, channel: Channel, target: str) -> int:
        """How many pending deliveries now go to that target: for a recipient whose address was put right in a file."""
        current = self._current_target(recipient_id, target)
        return self._db.write(
            "UPDATE deliveries SET target = ? "
            "WHERE recipient_id = ? AND channel = ? AND target != ? AND state IN ('pending', 'uncertain')",
            (current, recipient_id, channel.value, current),
        )

    def delivered_as(self, channel: Channel, reference: str) -> Delivery | None:
        """The delivery that the channel calls so; what is folded into it left out."""
        row = self._db.row(
            "SELECT * FROM deliveries WHERE channel = ? AND reference = ? AND folded_into IS NULL ORDER BY n LIMIT 1",
            (channel.value, reference),
        )
        return None if row is None else delivery_of(row)

    def settle_returned(self, delivery_id: str, *, reason: str, now: datetime) -> bool:
        """Whether it counted as delivered until now; with it fails what was folded into it."""
        return bool(
            self._db.write(
                "UPDATE deliveries SET state = 'failed', last_error = ?, settled_at = ? "
                "WHERE (id = ? OR folded_into = ?) AND state = 'delivered'",
                (storable(reason), encode_time(now), delivery_id, delivery_id),
            )
        )

    def close_recipient(self, recipient_id: str, target: str, *, reason: str, now: datetime) -> int:
        """How many waiting deliveries failed with it; the recipient gets nothing more until ``reopen_recipient``.

        Holds for this target only: a recipient with a new address in the configuration is open again.
        """
        self._db.write(
            "INSERT INTO recipient_states (recipient_id, target, closed_at, closed_reason) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (recipient_id, target) "
            "DO UPDATE SET closed_at = excluded.closed_at, closed_reason = excluded.closed_reason",
            (recipient_id, target, encode_time(now), storable(reason)),
        )
        return self._db.write(
            "UPDATE deliveries SET state = 'failed', last_error = ?, settled_at = ? "
            "WHERE recipient_id = ? AND target = ? AND state IN ('pending', 'uncertain')",
            (storable(f"recipient closed: {reason}"), encode_time(now), recipient_id, target),
        )

    def reopen_recipient(self, recipient_id: str) -> bool:
        """Whether it was closed; new deliveries are tried again, failed ones after ``requeue``."""
        return bool(
            self._db.write(
                "UPDATE recipient_states SET closed_at = NULL, closed_reason = NULL "
                "WHERE recipient_id = ? AND closed_at IS NOT NULL",
                (recipient_id,),
            )
        )

    def closed_recipients(self) -> tuple[ClosedRecipient, ...]:
        """Every recipient that a channel said is gone, by id."""
        rows = self._db.rows("SELECT * FROM recipient_states WHERE closed_at IS NOT NULL ORDER BY 1, 2")
        return tuple(
            ClosedRecipient(row["recipient_id"], row["target"], decode_time(row["closed_at"]), row["closed_reason"])
            for row in rows
        )

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery as it stands."""
        row = self._db.row("SELECT * FROM deliveries WHERE id = ?", (delivery_id,))
        return None if row is None else delivery_of(row)

    def entries(
        self,
        *,
        states: Collection[DeliveryState] = tuple(DeliveryState),
        recipient_id: str | None = None,
        alert_id: str | None = None,
        limit: int = 100,
    ) -> tuple[OutboxEntry, ...]:
        """Deliveries with their headlines, newest first."""
        marks = ", ".join("?" * len(states))
        rows = self._db.rows(
            "SELECT d.*, a.headline, a.kind FROM deliveries d JOIN alerts a ON a.id = d.alert_id "
            f"WHERE d.state IN ({marks}) AND (? IS NULL OR d.recipient_id = ?) AND (? IS NULL OR d.alert_id = ?) "
            "ORDER BY d.n DESC LIMIT ?",
            (*(state.value for state in states), recipient_id, recipient_id, alert_id, alert_id, limit),
        )
        return tuple(
            OutboxEntry(delivery_of(row), Severity(row["severity"]), row["headline"], AlertKind(row["kind"]))
            for row in rows
        )

    def requeue(self, delivery_id: str, now: datetime) -> bool:
        """Whether it was failed, dropped or uncertain; it is due at once, with its attempts counted anew."""
        return bool(
            self._db.write(
                f"UPDATE deliveries SET state = {_WAITING}, attempts = 0, not_before_at = ?, settled_at = NULL "
                "WHERE id = ? AND state IN ('failed', 'dropped', 'uncertain')",
                (encode_time(now), delivery_id),
            )
        )

    def drop(self, delivery_id: str, *, reason: str, now: datetime) -> bool:
        """Whether a pending, uncertain or failed delivery was taken out of the outbox by a person, with the reason."""
        return bool(
            self._db.write(
                "UPDATE deliveries SET state = 'dropped', last_error = ?, settled_at = ? "
                "WHERE id = ? AND state IN ('pending', 'uncertain', 'failed')",
                (storable(reason), encode_time(now), delivery_id),
            )
        )

    def _add(self, delivery: Delivery) -> bool:
        alert = self._db.row("SELECT event_id, severity FROM alerts WHERE id = ?", (delivery.alert_id,))
        if alert is None:
            raise StoreError(f"delivery {delivery.id} belongs to an alert that is not stored: {delivery.alert_id}")
        target = self._current_target(delivery.recipient_id, delivery.target)
        row = {
            "id": delivery.id,
            "alert_id": delivery.alert_id,
            "event_id": alert["event_id"],
            "severity": alert["severity"],
            "recipient_id": delivery.recipient_id,
            "channel": delivery.channel.value,
            "target": target,
            "state": delivery.state.value,
            "attempts": delivery.attempts,
            "not_before_at": encode_time(delivery.not_before_at),
            "last_error": delivery.last_error,
            "created_at": encode_time(delivery.created_at),
            "settled_at": None,
            "is_silent": delivery.is_silent,
            "silenced_by": delivery.silenced_by,
            "held_for": delivery.held_for and delivery.held_for.value,
            "wanted_at": delivery.wanted_at and encode_time(delivery.wanted_at),
        }
        closed = self._db.value(
            "SELECT closed_reason FROM recipient_states "
            "WHERE recipient_id = ? AND target = ? AND closed_at IS NOT NULL",
            (delivery.recipient_id, target),
        )
        if closed is not None:
            row["state"] = DeliveryState.FAILED.value
            row["last_error"] = f"recipient closed: {closed}"
            row["settled_at"] = row["created_at"]
        return self._db.insert("deliveries", row)

    def _current_target(self, recipient_id: str, target: str) -> str:
        seen = {target}
        while moved := self._db.value(
            "SELECT new_target FROM recipient_states WHERE recipient_id = ? AND target = ?", (recipient_id, target)
        ):
            if moved in seen:  # moved back
                break
            seen.add(moved)
            target = moved
        return target

    def _claim(self, row: sqlite3.Row, lease_until: str) -> Claimed:
        changed = self._db.write(
            "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, lease_until_at = ? "
            "WHERE n = ? AND state IN ('pending', 'uncertain')",
            (lease_until, row["n"]),
        )
        claimed = self._db.row("SELECT * FROM deliveries WHERE n = ?", (row["n"],))
        body = self._db.value("SELECT body FROM alerts WHERE id = ?", (row["alert_id"],))
        if changed != 1 or claimed is None:
            raise StoreError(f"delivery {row['id']} was claimed by somebody else inside our transaction")
        reply_to = self._db.value(
            "SELECT reference FROM deliveries WHERE event_id = ? AND recipient_id = ? AND channel = ? AND n < ? "
            "AND target = ? AND state = 'delivered' AND reference IS NOT NULL ORDER BY n LIMIT 1",
            (row["event_id"], row["recipient_id"], row["channel"], row["n"], row["target"]),
        )
        return Claimed(delivery_of(claimed), loads(Alert, body), reply_to)

    def _release(self, condition: str, value: object, reason: str) -> int:
        rows = self._db.rows(f"SELECT * FROM deliveries WHERE state = 'sending' AND {condition}", (value,))
        for row in rows:
            delivery = delivery_of(row)
            sent_at = _sent_at(delivery)
            # Who kills the program and starts it again gets everything at once, some of it perhaps twice.
            is_soon = reason == ABANDONED or repeats_soon(delivery.channel, Severity(row["severity"]))
            self._db.write(
                "UPDATE deliveries SET state = 'uncertain', uncertain_at = coalesce(uncertain_at, ?), "
                "not_before_at = ?, last_error = ?, lease_until_at = NULL WHERE n = ?",
                (
                    encode_time(sent_at),
                    # Due at once: the attempt may have failed for reasons of ours, and the attempts still count.
                    encode_time(delivery.not_before_at if is_soon else uncertain_until(sent_at)),
                    reason,
                    row["n"],
                ),
            )
        return len(rows)

    def _settle(self, delivery: Delivery, change: str, values: tuple[str, ...], *, must_hold_lease: bool) -> bool:
        # The number of attempts tells our claim from a later one of the same delivery. A recipient may have moved
        # meanwhile, so the target does not count.
        held = (
            "AND state = 'sending' AND attempts = ?"
            if must_hold_lease
            else "AND state != 'delivered' AND ? IS NOT NULL"
        )
        return bool(
            self._db.write(
                f"UPDATE deliveries SET {change} WHERE id = ? {held}",
                (*values, delivery.id, delivery.attempts),
            )
        )


def _sent_at(delivery: Delivery) -> datetime:
    """When the attempt began that is under way."""
    return delivery.created_at if delivery.lease_until_at is None else delivery.lease_until_at - LEASE


def over_budget(budget: Budget) -> str:
    """What would be too much, in words."""
    from watcher.sequence import show_span  # with it come the rules, which polls without news do without

    return f"more than {budget.count} messages in {show_span(budget.per)}"


def delivery_of(row: sqlite3.Row) -> Delivery:
    """The delivery of a row of the table."""
    return Delivery(
        id=row["id"],
        alert_id=row["alert_id"],
        recipient_id=row["recipient_id"],
        channel=Channel(row["channel"]),
        target=row["target"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        not_before_at=decode_time(row["not_before_at"]),
        lease_until_at=None if row["lease_until_at"] is None else decode_time(row["lease_until_at"]),
        last_error=row["last_error"],
        reference=row["reference"],
        created_at=decode_time(row["created_at"]),
        settled_at=None if row["settled_at"] is None else decode_time(row["settled_at"]),
        is_silent=bool(row["is_silent"]),
        silenced_by=row["silenced_by"],
        folded_into=row["folded_into"],
        held_for=None if row["held_for"] is None else Held(row["held_for"]),
        wanted_at=None if row["wanted_at"] is None else decode_time(row["wanted_at"]),
        uncertain_at=None if row["uncertain_at"] is None else decode_time(row["uncertain_at"]),
    )
