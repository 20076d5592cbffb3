"""What waits for the end of quiet hours or for a digest, and how it is then told: each event once, in one message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from watcher.model import Alert, AlertKind, Channel, Delivery, Held, Recipient, Severity
from watcher.store.codec import encode_time
from watcher.store.db import Db
from watcher.store.events import Events
from watcher.store.outbox import Outbox

WHY = {Held.QUIET: "These came during the quiet hours.", Held.BUDGET: "One by one these would have been too many."}


class Together:
    """Of the table deliveries, what is held and what tells it; every method needs an open transaction."""

    def __init__(self, db: Db, events: Events, outbox: Outbox) -> None:
        self._db = db
        self._events = events
        self._outbox = outbox

    def tell_due(self, recipients: Iterable[Recipient], channel: Channel, now: datetime) -> None:
        """Nothing; what was held until now on the channel is told together to each; called before each claim.

        For who rests again by now, because the program was off, it waits for the end of that.
        """
        due = self._held("d.channel = ? AND d.not_before_at <= ?", channel.value, encode_time(now))
        known = {recipient.id: recipient for recipient in recipients} if due else {}
        for recipient_id, theirs in _by_recipient(due).items():
            recipient = known.get(recipient_id)
            held = theirs if recipient is None else [self._hold_on(one, recipient, now) for one in theirs]
            # What is held for the budget may be sent by itself; that is decided afterwards.
            told = [one for one in held if one.not_before_at <= now and one.held_for is not Held.BUDGET]
            self._tell(told, recipient, now)

    def retime(self, recipients: Iterable[Recipient], now: datetime) -> int:
        """How many deliveries wait until another time now, by what their recipients want as they are given here."""
        known = {recipient.id: recipient for recipient in recipients}
        held = self._held("d.held_for != 'budget'", escalations=True)
        return sum(self._hold_on(one, known[one.recipient_id], now) != one for one in held if one.recipient_id in known)

    def release(self, recipient_id: str, now: datetime) -> int:
        """How many alerts that wait for the recipient are told now, together, whatever the hour."""
        held = self._held("d.recipient_id = ?", recipient_id)
        for channel in dict.fromkeys(one.channel for one in held):
            self._tell([one for one in held if one.channel is channel], None, now)
        return len(held)

    def unmute(self, delivery: Delivery, recipient: Recipient | None, now: datetime) -> None:
        """Nothing; what was silenced is due when anything decided now would be."""
        from watcher.routing import route_anew

        alert = self._events.get_alert(delivery.alert_id)
        self._outbox.unmute(delivery.id, now)
        if alert is not None and recipient is not None and alert.severity < Severity.CRITICAL:
            self._keep(route_anew(delivery, alert, recipient, now))

    def summarise(
        self,
        deliveries: Sequence[Delivery],
        recipient: Recipient | None,
        why: str,
        now: datetime,
        held_for: Held | None = None,
    ) -> Alert:
        """The one message that tells these deliveries of one recipient; each is folded into it.

        ``recipient`` None: it is due whatever the hour. ``why`` says why they were not sent one by one.
        """
        from watcher.routing import compose_summary  # for few; most runs do without

        alerts = self._alerts(deliveries)
        summary = compose_summary(_key(deliveries), why, alerts, now, held_for)
        self._carry(summary, deliveries, recipient, now)
        return summary

    def _tell(self, deliveries: Sequence[Delivery], recipient: Recipient | None, now: datetime) -> None:
        left = []
        for one in deliveries:
            if later := self._told_later(one):
                self._outbox.fold([one.id], into=later)
            else:
                left.append(one)
        self._tell_rested([one for one in left if one.held_for is not Held.DIGEST], recipient, now)
        if for_digest := [one for one in left if one.held_for is Held.DIGEST]:
            self._tell_digest(for_digest, recipient, now)

    def _tell_rested(self, deliveries: Sequence[Delivery], recipient: Recipient | None, now: datetime) -> None:
        events = {alert.event_id or alert.id for alert in self._alerts(deliveries)}
        if len(events) > 1:
            held_for = max({one.held_for for one in deliveries if one.held_for}, default=Held.QUIET)
            self.summarise(deliveries, recipient, WHY[held_for], now, held_for)
        elif deliveries:
            *earlier, latest = deliveries
            self._db.write(
                "UPDATE deliveries SET not_before_at = ?, held_for = NULL, last_error = NULL WHERE id = ?",
                (encode_time(now), latest.id),
            )
            self._outbox.fold([one.id for one in earlier], into=latest.id)

    def _tell_digest(self, deliveries: Sequence[Delivery], recipient: Recipient | None, now: datetime) -> None:
        from watcher.routing import compose_digest

        sent = self._sent_at_once(deliveries, recipient, now) if recipient else []
        digest = compose_digest(
            _key(deliveries), [*self._alerts(deliveries), *sent], now, sent={alert.id for alert in sent}
        )
        self._carry(digest, deliveries, None, now)

    def _carry(self, alert: Alert, deliveries: Sequence[Delivery], recipient: Recipient | None, now: datetime) -> None:
        from watcher.routing import route_summary

        self._events.save_alert(alert)
        carrier = route_summary(alert, deliveries[-1], recipient, now)
        self._outbox.add([carrier])
        self._outbox.fold([delivery.id for delivery in deliveries], carrier.id)

    def _alerts(self, deliveries: Sequence[Delivery]) -> list[Alert]:
        """What the deliveries say, and what was folded into them."""
        ids = [one.alert_id for one in deliveries]
        for one in deliveries:
            rows = self._db.rows(
                "SELECT alert_id FROM deliveries WHERE folded_into = ? AND state = 'folded' ORDER BY n", (one.id,)
            )
            ids += [row[0] for row in rows]
        found = (self._events.get_alert(one) for one in dict.fromkeys(ids))
        return [alert for alert in found if alert is not None]

    def _told_later(self, delivery: Delivery) -> str | None:
        """The delivery by which the recipient knows of the event already what was decided later than this."""
        found: str | None = self._db.value(
            "SELECT o.id FROM deliveries d JOIN deliveries o ON o.event_id = d.event_id "
            "AND o.recipient_id = d.recipient_id AND o.channel = d.channel AND o.n > d.n "
            "WHERE d.id = ? AND o.state = 'delivered' ORDER BY o.n DESC LIMIT 1",
            (delivery.id,),
        )
        return found

    def _sent_at_once(self, deliveries: Sequence[Delivery], recipient: Recipient, now: datetime) -> list[Alert]:
        """The critical alerts that the recipient was sent, or is being sent, since the digest before."""
        from watcher.hours import digest_begins_at

        since = digest_begins_at(recipient, min(one.wanted_at or one.created_at for one in deliveries), now)
        last = self._db.value(
            "SELECT max(d.created_at) FROM deliveries d JOIN alerts a ON a.id = d.alert_id "
            "WHERE d.recipient_id = ? AND a.kind = 'digest'",
            (recipient.id,),
        )
        rows = self._db.rows(
            "SELECT DISTINCT d.alert_id, d.n FROM deliveries d JOIN alerts a ON a.id = d.alert_id "
            "WHERE d.recipient_id = ? AND d.created_at > max(?, ?) AND a.kind = 'event' "
            "AND d.severity >= ? AND (d.state IN ('sending', 'uncertain', 'delivered', 'folded') "
            "OR (d.state = 'pending' AND d.not_before_at <= ?)) ORDER BY d.n",
            (recipient.id, encode_time(since), last or "", int(Severity.CRITICAL), encode_time(now)),
        )
        found = (self._events.get_alert(row["alert_id"]) for row in rows)
        return [alert for alert in found if alert is not None]

    def _held(self, condition: str, *values: str, escalations: bool = False) -> list[Delivery]:
        # An escalation waits like everything else, but is told by itself: somebody has to answer it.
        rows = self._db.rows(
            "SELECT d.id FROM deliveries d JOIN alerts a ON a.id = d.alert_id WHERE d.state = 'pending' "
            f"AND d.attempts = 0 AND d.held_for IS NOT NULL AND {condition} AND (? OR a.kind != 'escalation') "
            "ORDER BY d.n",
            (*values, escalations),
        )
        return [one for row in rows if (one := self._outbox.get(row[0])) is not None]

    def _hold_on(self, delivery: Delivery, recipient: Recipient, now: datetime) -> Delivery:
        """The delivery as it is held for what the recipient wants by now; it may be due."""
        from watcher.routing import hold_on

        row = self._db.row(
            "SELECT kind, severity, CASE kind WHEN 'summary' THEN json_extract(body, '$.held_for') END AS told_for "
            "FROM alerts WHERE id = ?",
            (delivery.alert_id,),
        )
        if row is None:
            return delivery
        told_for = None if row["told_for"] is None else Held(row["told_for"])
        kept = hold_on(delivery, AlertKind(row["kind"]), Severity(row["severity"]), told_for, recipient, now)
        if kept != delivery:
            self._keep(kept)
        return kept

    def _keep(self, timed: Delivery) -> None:
        self._db.write(
            "UPDATE deliveries SET not_before_at = ?, held_for = ?, wanted_at = ? WHERE id = ?",
            (
                encode_time(timed.not_before_at),
                timed.held_for and timed.held_for.value,
                timed.wanted_at and encode_time(timed.wanted_at),
                timed.id,
            ),
        )


def _by_recipient(deliveries: Iterable[Delivery]) -> Mapping[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        found.setdefault(delivery.recipient_id, []).append(delivery)
    return found


def _key(deliveries: Sequence[Delivery]) -> str:
    return " ".join(sorted(delivery.id for delivery in deliveries))
