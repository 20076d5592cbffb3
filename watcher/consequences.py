"""What would come of an article's signals: which event, what is told of it, and who hears it, when, or why not.

Nothing is decided here: the functions that decide for the daemon (`dedup`, `routing`, the rule book) are asked, and
their answers put into words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from watcher.dedup import EventPolicy, decide_article
from watcher.model import (
    Article,
    Channel,
    Delivery,
    DeliveryState,
    Event,
    EventChange,
    EventDecision,
    Held,
    Recipient,
    RuleStatus,
    Signal,
)
from watcher.mutes import NOTHING, Silences
from watcher.routing import (
    EscalatePolicy,
    SendPolicy,
    compose_alert,
    compose_escalation,
    join_words,
    must_be_acknowledged,
    route_alert,
    route_escalation,
    why_not_covered,
    why_not_escalated,
)
from watcher.rulebook import RuleBook
from watcher.sequence import show_span

_STATUS = {
    RuleStatus.DRAFT: "draft: recorded, never sent",
    RuleStatus.TEST: "test: sent to test recipients only",
    RuleStatus.STABLE: "stable",
    RuleStatus.OFF: "off: the daemon does not look at this rule",
}
_CHANGES = {
    EventChange.OPENED: "the first alert",
    EventChange.CONFIRMED: "an update: confirmed",
    EventChange.DEATHS_DOUBLED: "an update: at least twice as many killed",
    EventChange.NEW_STATE: "an update: another state",
    EventChange.SEVERITY_RAISED: "an update: more severe",
    EventChange.PUBLISHERS_DOUBLED: "an update: twice as many newsrooms",
    EventChange.CORRECTED: "a correction",
    EventChange.RULE_ADDED: "an update: another rule holds for it",
    EventChange.REPEATED: "nothing: it is another report without anything new",
    EventChange.COPIED: "nothing: it is a copy of a report that the event has",
}


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whether one recipient would hear it."""

    recipient_id: str
    channel: Channel
    hears: bool
    reason: str  # when, or why not
    at: datetime | None = None  # when it is sent; None: not at all
    is_silent: bool = False  # without a sound


@dataclass(frozen=True, slots=True)
class Consequence:
    """What would come of one rule's signal."""

    status: RuleStatus
    group: str  # what makes two signals of the rule one event, in words
    event_id: str | None  # of the open event that it joins; None: it opens one
    event: str  # the same in words, with the reason
    changes: tuple[EventChange, ...]
    told: str  # what people would be told, in words
    headline: str | None  # of the alert; None: nobody is told anything
    together: tuple[str, ...]  # the other rules of this article that share the message
    hearings: tuple[Hearing, ...]  # one for each recipient, in the order of the configuration
    escalation: str | None = None  # what the rule does if nobody acknowledges, in words; None: nothing
    escalated: tuple[Hearing, ...] = ()  # of the recipients that it names for that


def foresee(
    book: RuleBook,
    article: Article,
    signals: Sequence[Signal],
    open_events: Sequence[Event],
    same_text: frozenset[str],
    now: datetime,
    closed: Mapping[str, str],
    silences: Silences = NOTHING,
) -> Mapping[str, Consequence]:
    """What would come of each signal, by rule id; ``closed`` has the recipients who cannot be reached, with the reason.

    ``signals`` are all of the article: what one rule opens, another joins. Those of drafts and of rules that are off
    are each looked at alone, as if the rule were stable, and nobody hears of them.
    """
    sent = [one for one in signals if book.statuses[one.rule_id] in (RuleStatus.STABLE, RuleStatus.TEST)]
    alone = [[one] for one in signals if one not in sent]
    known = {event.id for event in open_events}
    found: dict[str, Consequence] = {}
    for together in [sent, *alone]:
        for decision in decide_article(together, article, book.event_policies, open_events, same_text, now):
            for signal in decision.signals:
                found[signal.rule_id] = _consequence(book, article, decision, signal, known, now, closed, silences)
    return found


def _consequence(
    book: RuleBook,
    article: Article,
    decision: EventDecision,
    signal: Signal,
    known: set[str],
    now: datetime,
    closed: Mapping[str, str],
    silences: Silences,
) -> Consequence:
    event, status, policy = decision.event, book.statuses[signal.rule_id], book.event_policies[signal.rule_id]
    escalate = book.send_policies[signal.rule_id].escalate
    headline = None
    deliveries: Mapping[str, Delivery] = {}
    later: Mapping[str, Delivery] = {}
    if decision.is_news:
        titles = {rule_id: one.title for rule_id, one in book.event_policies.items()}
        alert = compose_alert(decision, article, book.state_names, titles, now, None)
        headline = f"{alert.severity.label.upper()}: {alert.headline}"
        routed = route_alert(alert, decision, article.tags, book.recipients, book.send_policies, now, silences)
        deliveries = {delivery.recipient_id: delivery for delivery in routed}
        told_at = {delivery.recipient_id: delivery.not_before_at for delivery in routed}
        again = compose_escalation(alert, now)
        escalated = route_escalation(
            again, decision, article.tags, book.recipients, book.send_policies, told_at, {}, now, silences
        )
        later = {delivery.recipient_id: delivery for delivery in escalated}
    joins = event.id in known
    return Consequence(
        status=status,
        group=group_in_words(policy),
        event_id=event.id if joins else None,
        event=f"{'joins an open event' if joins else 'opens a new event'}: {decision.reason}",
        changes=decision.changes,
        told=_told(decision, policy),
        headline=headline,
        together=tuple(sorted({one.rule_id for one in decision.signals} - {signal.rule_id})),
        hearings=tuple(
            _hearing(recipient, deliveries.get(recipient.id), book, article, decision, signal, now, closed)
            for recipient in book.recipients
        ),
        escalation=_escalation(escalate, decision, signal.rule_id, book.recipients) if escalate else None,
        escalated=tuple(
            _escalated(recipient, later.get(recipient.id), escalate, status, article, decision, signal, now, closed)
            for recipient in book.recipients
            if escalate and recipient.id in escalate.to
        ),
    )


def _escalation(policy: EscalatePolicy, decision: EventDecision, rule_id: str, recipients: Sequence[Recipient]) -> str:
    words = f"if nobody acknowledges within {show_span(policy.after)}: escalates to {join_words(policy.to)}"
    known = {recipient.id for recipient in recipients}
    if known and (unknown := [name for name in policy.to if name not in known]):
        words += f" (not configured: {join_words(unknown)})"
    if not decision.is_news:
        return f"{words}; not for this, of which nothing is told"
    if not must_be_acknowledged(decision, rule_id):
        return f"{words}; not for this update, which makes the event no graver"
    return words


def _escalated(
    recipient: Recipient,
    delivery: Delivery | None,
    policy: EscalatePolicy,
    status: RuleStatus,
    article: Article,
    decision: EventDecision,
    signal: Signal,
    now: datetime,
    closed: Mapping[str, str],
) -> Hearing:
    if delivery is None:
        reason = why_not_escalated(recipient, decision.event, signal.rule_id, signal, article.tags, policy)
        return Hearing(recipient.id, recipient.channel, False, reason or "nothing is escalated")
    if reason := _why_unheard(recipient, status, closed):
        return Hearing(recipient.id, recipient.channel, False, reason)
    zone = recipient.quiet_hours.zone if recipient.quiet_hours else "UTC"
    reason = f"at {_local(delivery.not_before_at, zone)}" + (", without a sound" if delivery.is_silent else "")
    return Hearing(recipient.id, recipient.channel, True, reason, delivery.not_before_at, delivery.is_silent)


def group_in_words(policy: EventPolicy) -> str:
    """What makes two signals of the rule one event."""
    whose = f"signals of every rule of the family {policy.family}" if policy.by_family else "signals of this rule"
    about = "about the same states" if policy.by_states else "about any states"
    if policy.by_items:
        about += " that name the same items of its lists"
    return f"{whose} {about} are one event, while a report comes at least every {show_span(policy.group_for)}"


def _told(decision: EventDecision, policy: EventPolicy) -> str:
    if EventChange.HELD in decision.changes:
        return f"nothing yet: held until {policy.confirm_publishers} independent newsrooms report it"
    if EventChange.OPENED in decision.changes:
        return _CHANGES[EventChange.OPENED]
    return join_words([_CHANGES[change] for change in decision.changes])


def _hearing(
    recipient: Recipient,
    delivery: Delivery | None,
    book: RuleBook,
    article: Article,
    decision: EventDecision,
    signal: Signal,
    now: datetime,
    closed: Mapping[str, str],
) -> Hearing:
    policy = book.send_policies.get(signal.rule_id, SendPolicy())
    status = book.statuses[signal.rule_id]

    def no(reason: str) -> Hearing:
        return Hearing(recipient.id, recipient.channel, False, reason)

    if delivery is None:
        reason = why_not_covered(recipient, decision.event, signal.rule_id, signal, article.tags, policy)
        if reason is not None:
            return no(reason)
        return no("was told already, by another rule" if decision.is_news else "nothing is told")
    if reason := _why_unheard(recipient, status, closed):
        return no(reason)
    if delivery.state is DeliveryState.MUTED:
        return no(delivery.last_error or "muted")
    quiet, digest = recipient.quiet_hours, recipient.digest
    if delivery.held_for is Held.DIGEST and digest is not None:
        reason = f"in the digest of {_local(delivery.not_before_at, digest.zone)}"
    elif delivery.not_before_at > now and quiet is not None:
        reason = f"held until {_local(delivery.not_before_at, quiet.zone)}, when the quiet hours end"
    elif delivery.is_silent:
        reason = "at once, without a sound: these are quiet hours"
    else:
        reason = "at once"
    return Hearing(recipient.id, recipient.channel, True, reason, delivery.not_before_at, delivery.is_silent)


def _why_unheard(recipient: Recipient, status: RuleStatus, closed: Mapping[str, str]) -> str | None:
    """Why a delivery that is routed would not arrive; None: it would."""
    if status not in (RuleStatus.STABLE, RuleStatus.TEST):
        return f"would hear it if the rule were stable; it is {status.value}"
    return f"cannot be reached any more: {closed[recipient.id]}" if recipient.id in closed else None


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"


def status_in_words(status: RuleStatus) -> str:
    """What the status of a rule means for its signals."""
    return _STATUS[status]


def render_consequence(consequence: Consequence, *, has_configuration: bool) -> Iterator[str]:
    """The consequence as indented lines for a terminal."""
    yield "  AFTERWARDS"
    yield f"    status: {status_in_words(consequence.status)}"
    yield f"    event: {consequence.event}"
    yield f"    group: {consequence.group}"
    yield f"    told: {consequence.told}"
    if consequence.headline:
        yield f"      {consequence.headline}"
    if consequence.together:
        yield f"      in one message with {join_words(consequence.together)}"
    if not has_configuration:
        yield "    recipients: not known without a configuration; name it with --config"
    elif not consequence.hearings:
        yield "    recipients: none is configured"
    else:
        yield "    recipients:"
    yield from map(_hearing_line, consequence.hearings)
    if consequence.escalation:
        yield f"    {consequence.escalation}"
    yield from map(_hearing_line, consequence.escalated)


def _hearing_line(one: Hearing) -> str:
    return f"      {'YES' if one.hears else 'NO '} {one.recipient_id} ({one.channel.value}): {one.reason}"


def consequence_to_json(consequence: Consequence, *, has_configuration: bool) -> dict[str, Any]:
    """The consequence as plain values; ``recipients`` is null without a configuration."""
    return {
        "event": {
            "id": consequence.event_id,
            "joins": consequence.event_id is not None,
            "reason": consequence.event,
            "group": consequence.group,
        },
        "changes": [change.value for change in consequence.changes],
        "told": consequence.told,
        "headline": consequence.headline,
        "together": list(consequence.together),
        "recipients": list(map(_hearing_to_json, consequence.hearings)) if has_configuration else None,
        "escalation": consequence.escalation
        and {
            "told": consequence.escalation,
            "recipients": list(map(_hearing_to_json, consequence.escalated)) if has_configuration else None,
        },
    }


def _hearing_to_json(one: Hearing) -> dict[str, Any]:
    return {
        "id": one.recipient_id,
        "channel": one.channel.value,
        "hears": one.hears,
        "reason": one.reason,
        "at": one.at and one.at.isoformat(),
        "silent": one.is_silent,
    }
