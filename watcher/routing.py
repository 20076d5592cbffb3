"""What is said about an event, and who hears it and when.

Pure: a decision, the people who asked and the time go in; an alert and one delivery for each recipient come out. Ids
derive from content, so that routing the same decision twice writes the same rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from watcher.hours import quiet_hours_end, told_at
from watcher.model import (
    Alert,
    AlertKind,
    Article,
    Delivery,
    DeliveryState,
    Denial,
    DigestItem,
    Event,
    EventChange,
    EventDecision,
    Excerpt,
    Field,
    Held,
    Match,
    Particulars,
    Recipient,
    Report,
    Severity,
    Signal,
)
from watcher.mutes import NOTHING, Silenced, Silences, find_silence
from watcher.subscriptions import NO_STATE
from watcher.text.reading import Reading

SUMMARISED = 20  # headlines in a summary; more nobody reads on a telephone
MAX_EXCERPTS = 4  # what a person reads on a telephone before scrolling
ID_CHARS = 10  # 49 bits: among 100,000 alerts the chance of two alike is about one in 100,000
_ID_ALPHABET = (
    "abcdefghjkmnpqrstuvwxyz23456789"  # without 0 and o, 1, i and l, which people confuse when they read aloud
)


# What makes an event graver, so that somebody must look at it again.
_GRAVER = frozenset(
    {EventChange.OPENED, EventChange.SEVERITY_RAISED, EventChange.DEATHS_DOUBLED, EventChange.NEW_STATE}
)

# What the line of an event in a summary says of it besides its state; people act on these.
_MARKS = {EventChange.CORRECTED: "correction", EventChange.DENIED: "denied"}


@dataclass(frozen=True, slots=True)
class EscalatePolicy:
    """Whom a rule tells when nobody acknowledges, and after how long."""

    after: timedelta
    to: tuple[str, ...]  # recipient ids


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """What a rule says about sending."""

    to: tuple[str, ...] | None = None  # recipient ids; None: whoever's subscription covers it
    in_quiet_hours: str = "hold"  # hold | send | silent
    escalate: EscalatePolicy | None = None


def compose_alert(
    decision: EventDecision,
    article: Article,
    state_names: Mapping[str, str],
    rule_titles: Mapping[str, str],
    now: datetime,
    previous_alert_id: str | None,
    quoted: Sequence[tuple[Article, Sequence[Signal]]] = (),
    version: str = "",
) -> Alert:
    """The alert about a decision that is news: complete, so that rendering needs nothing else.

    ``quoted`` are earlier articles that the decision rests on, with what was found in them, to be quoted after the new.
    ``version`` tells edits of one article apart, which may be news of the same kind more than once.
    """
    event = decision.event
    newest = next(report for report in reversed(event.reports) if report.article_id == article.id)
    others = tuple(report for report in event.reports if report is not newest)
    return Alert(
        id=derived_id("alert", event.id, article.id, *(change.value for change in decision.changes), *version.split()),
        kind=AlertKind.EVENT,
        event_id=event.id,
        changes=decision.changes,
        severity=event.severity,
        headline=_headline(event, state_names),
        rule_id=event.rule_id,
        rule_title=event.title,
        family=event.family,
        states=event.states,
        killed=event.killed,
        injured=event.injured,
        excerpts=_excerpts(article, decision.signals, quoted),
        reports=tuple(_for_people(report) for report in (newest, *others)),
        publishers=event.publishers,
        voices=event.voices,
        copies=len(_copies(event)),
        extraction=article.extraction,
        created_at=now,
        is_test_rule=event.is_test,
        previous_alert_id=previous_alert_id,
        also=tuple(rule_titles.get(rule_id, rule_id) for rule_id in event.rule_ids if rule_id != event.rule_id),
    )


def _for_people(report: Report) -> Report:
    """The report without what only deciding needs."""
    return replace(report, claims=(), particulars=Particulars(), same_text=(), rests_on=())


def tell_denial(denial: Denial, state_names: Mapping[str, str]) -> str:
    """What an alert says of a party that denies it."""
    return f"{state_names.get(denial.denied_by, denial.denied_by)} denies it: “{denial.words}”"


def _copies(event: Event) -> tuple[Report, ...]:
    return tuple(report for report in event.reports if report.copy_of is not None)


def _headline(event: Event, state_names: Mapping[str, str]) -> str:
    facts = []
    if event.states:
        facts.append(join_words([state_names.get(code, code) for code in event.states]))
    if event.killed:
        facts.append(f"{event.killed} killed")
    if event.injured:
        facts.append(f"{event.injured} injured")
    return event.title + (": " + ", ".join(facts) if facts else "")


def join_words(words: Sequence[str]) -> str:
    """The words as English lists them: "A", "A and B", "A, B and C"."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def _excerpts(
    article: Article, signals: Sequence[Signal], quoted: Sequence[tuple[Article, Sequence[Signal]]]
) -> tuple[Excerpt, ...]:
    """What is quoted: the new article first, then a sentence of each earlier one, the latest where they are many."""
    earlier = [excerpt for one, found in quoted[1 - MAX_EXCERPTS :] for excerpt in quote(one, found)[:1]]
    return (*quote(article, signals)[: MAX_EXCERPTS - len(earlier)], *earlier)


def quote(article: Article, signals: Sequence[Signal]) -> tuple[Excerpt, ...]:
    """The fewest sentences that show every clue that made the rules fire, in the order of the text, words marked.

    A clue of states is shown only where there is no other. The title stands in every message already, so it is quoted
    only where the text says less.
    """
    reading = Reading.of(article.title, article.text, article.language, article.published_at or article.first_seen_at)
    matches = [match for signal in signals for match in signal.matches]
    shows: dict[int, set[tuple[str, str]]] = {}  # sentence to the clues that it shows
    for signal in signals:
        for match in signal.matches:
            if match.state is None or all(other.state is not None for other in matches):
                index = reading.sentence_at(_offset(reading, match)).index
                shows.setdefault(index, set()).add((signal.rule_id, match.clue))
    missing = set().union(*shows.values())
    chosen: list[int] = []
    while missing and len(chosen) < MAX_EXCERPTS:
        best = max(
            shows,
            key=lambda index: (
                len(shows[index] & missing),
                reading.sentences[index].start >= reading.text_start,
                -index,
            ),
        )
        chosen.append(best)
        missing -= shows[best]
    excerpts = []
    for index in sorted(chosen):
        sentence = reading.sentences[index]
        span = reading.span(sentence.start, sentence.end)
        inside = sorted(
            (max(match.span.start, span.start) - span.start, min(match.span.end, span.end) - span.start)
            for match in matches
            if match.span.field is span.field and match.span.start < span.end and match.span.end > span.start
        )
        whole = article.title if span.field is Field.TITLE else article.text
        excerpts.append(Excerpt(article.id, span.field, whole[span.start : span.end], _disjoint(inside)))
    return tuple(excerpts)


def _offset(reading: Reading, match: Match) -> int:
    return match.span.start + (0 if match.span.field is Field.TITLE else reading.text_start)


def _disjoint(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def route_alert(
    alert: Alert,
    decision: EventDecision,
    tags: Sequence[str],
    recipients: Iterable[Recipient],
    policies: Mapping[str, SendPolicy],
    now: datetime,
    silences: Silences = NOTHING,
) -> tuple[Delivery, ...]:
    """One delivery for each recipient that the event concerns; ``tags`` are those of the article's source.

    Who is silenced has one that is muted, with the reason.
    """
    event = decision.event
    signals = {signal.rule_id: signal for signal in decision.signals}
    is_only_new_rule = set(decision.changes) == {EventChange.RULE_ADDED}
    deliveries = []
    for recipient in recipients:
        rule_ids = [
            rule_id
            for rule_id in event.rule_ids
            if covers(recipient, event, rule_id, signals.get(rule_id), tags, policies.get(rule_id, SendPolicy()))
        ]
        if not rule_ids:
            continue
        heard = [one for one in rule_ids if _silence(silences, alert, event, [one], recipient) is None] or rule_ids
        if is_only_new_rule and set(heard) & set(decision.told_rule_ids):
            continue  # told already, under a rule that they follow
        delivery = _timed(alert, recipient, policies.get(rule_ids[0], SendPolicy()), now, now)
        deliveries.append(_silenced(delivery, _silence(silences, alert, event, rule_ids, recipient)))
    return tuple(deliveries)


def _silence(
    silences: Silences, alert: Alert, event: Event, rule_ids: Sequence[str], recipient: Recipient
) -> Silenced | None:
    source_id = alert.reports[0].source_id if alert.reports else ""
    return find_silence(silences, event, alert.severity, rule_ids, source_id, recipient.id)


def _silenced(delivery: Delivery, silenced: Silenced | None) -> Delivery:
    if silenced is None:
        return delivery
    return replace(
        delivery,
        state=DeliveryState.MUTED,
        last_error=silenced.reason,
        silenced_by=silenced.by,
        held_for=None,
        wanted_at=None,
    )


def route_correction(
    alert: Alert,
    event: Event,
    recipients: Iterable[Recipient],
    told: Collection[str],
    policies: Mapping[str, SendPolicy],
    now: datetime,
    silences: Silences = NOTHING,
) -> tuple[Delivery, ...]:
    """One delivery for each recipient who was told of the event, by id in ``told``."""
    policy = policies.get(alert.rule_id or "", SendPolicy())
    return tuple(
        _silenced(
            _timed(alert, recipient, policy, now, now), _silence(silences, alert, event, event.rule_ids, recipient)
        )
        for recipient in recipients
        if recipient.id in told
    )


def _timed(alert: Alert, recipient: Recipient, policy: SendPolicy, at: datetime, now: datetime) -> Delivery:
    """The delivery that is due at that time, as far as the recipient's digest and quiet hours and the rule let it."""
    delivery = _delivery(alert, recipient, at, now)
    if is_for_digest(alert.kind, alert.severity, alert.held_for) and recipient.digest is not None:
        return held(delivery, recipient, Held.DIGEST, now)
    if recipient.quiet_hours is None or quiet_hours_end(recipient.quiet_hours, at) is None:
        return delivery
    if policy.in_quiet_hours == "hold":
        return held(delivery, recipient, Held.QUIET, now)
    return replace(delivery, is_silent=policy.in_quiet_hours == "silent")


def is_for_digest(kind: AlertKind, severity: Severity, held_for: Held | None) -> bool:
    """Whether a recipient with a digest gets such an alert in it: what is about events, but nothing critical.

    So are summaries of what was muted; the others have waited already.
    """
    return severity < Severity.CRITICAL and (kind is AlertKind.EVENT or (kind is AlertKind.SUMMARY and not held_for))


def hold_on(
    delivery: Delivery,
    kind: AlertKind,
    severity: Severity,
    told_for: Held | None,
    recipient: Recipient,
    now: datetime,
) -> Delivery:
    """The held delivery as the recipient's digest and quiet hours, which may be others by now, hold it.

    The alert is of that kind and severity; ``told_for`` is, of a summary, why what it tells has waited.
    """
    if delivery.held_for is Held.BUDGET:
        quiet = recipient.quiet_hours
        rests = quiet is not None and quiet_hours_end(quiet, now) is not None
        # What was decided in quiet hours and not held for them is of a rule that may wake people.
        may_wake = quiet is None or quiet_hours_end(quiet, delivery.created_at) is not None
        may_be_held = kind is not AlertKind.NOTICE and not may_wake
        return held(delivery, recipient, Held.QUIET, now) if rests and may_be_held else delivery
    is_digested = recipient.digest is not None and is_for_digest(kind, severity, told_for)
    return held(delivery, recipient, Held.DIGEST if is_digested else Held.QUIET, now)


def route_anew(delivery: Delivery, alert: Alert, recipient: Recipient, now: datetime) -> Delivery:
    """The delivery of what was silenced, due when the recipient would be told if it were decided now."""
    timed = _timed(alert, recipient, SendPolicy(), now, now)
    return replace(delivery, not_before_at=timed.not_before_at, held_for=timed.held_for, wanted_at=timed.wanted_at)


def held(delivery: Delivery, recipient: Recipient, held_for: Held, now: datetime) -> Delivery:
    """The delivery as it waits for the recipient's digest or the end of its quiet hours."""
    wanted_at = delivery.wanted_at or delivery.not_before_at
    at = told_at(recipient, held_for, wanted_at, now)
    return replace(delivery, not_before_at=at, held_for=held_for, wanted_at=wanted_at)


def compose_escalation(alert: Alert, since: datetime) -> Alert:
    """The alert once more, for when nobody has acknowledged it; an alert of its own, so that nobody is told it twice.

    ``since`` is when the first alert of the event that waits for somebody was decided.
    """
    return replace(
        alert,
        id=derived_id("escalation", alert.id),
        kind=AlertKind.ESCALATION,
        escalates_at=None,
        held_back=(),
        unacknowledged_since_at=since,
        previous_alert_id=alert.previous_alert_id or alert.id,
    )


def route_escalation(
    escalation: Alert,
    decision: EventDecision,
    tags: Sequence[str],
    recipients: Iterable[Recipient],
    policies: Mapping[str, SendPolicy],
    told_at: Mapping[str, datetime],
    waiting: Mapping[str, datetime],
    now: datetime,
    silences: Silences = NOTHING,
) -> tuple[Delivery, ...]:
    """One delivery for each recipient whom rules of the event name, due when nobody has acknowledged it in time.

    ``told_at`` has when recipients get the alert itself: one who is named, too, is reminded so long after that.
    ``waiting`` has, also by recipient id, when an earlier escalation of the event is due that was not sent yet: the new
    one, which says more, takes its place, at its time. What is muted for the recipient is not escalated to it.
    """
    signals = {signal.rule_id: signal for signal in decision.signals}
    deliveries = []
    for recipient in recipients:
        due: list[datetime] = []
        first: SendPolicy | None = None
        for rule_id in decision.event.rule_ids:
            policy = policies.get(rule_id, SendPolicy())
            if policy.escalate is None or why_not_escalated(
                recipient, decision.event, rule_id, signals.get(rule_id), tags, policy.escalate
            ):
                continue
            first = first or policy
            if recipient.id in waiting:
                due.append(waiting[recipient.id])
            if must_be_acknowledged(decision, rule_id):
                due.append(told_at.get(recipient.id, now) + policy.escalate.after)
        muted = _silence(silences, escalation, decision.event, decision.event.rule_ids, recipient)
        if first is not None and due and muted is None:
            deliveries.append(_timed(escalation, recipient, first, max(min(due), now), now))
    return tuple(deliveries)


def why_not_escalated(
    recipient: Recipient,
    event: Event,
    rule_id: str,
    signal: Signal | None,
    tags: Sequence[str],
    policy: EscalatePolicy,
) -> str | None:
    """Why the recipient is not among those told when nobody acknowledges, in words; None: it is, named by ``to``."""
    return why_not_covered(recipient, event, rule_id, signal, tags, SendPolicy(to=policy.to))


def must_be_acknowledged(decision: EventDecision, rule_id: str) -> bool:
    """Whether the wait for somebody begins anew: the event is new to the rule's followers, or has become graver.

    A confirmation or a correction wakes nobody who is on it already.
    """
    if not _GRAVER.isdisjoint(decision.changes):
        return True
    return EventChange.RULE_ADDED in decision.changes and rule_id not in decision.told_rule_ids


def covers(
    recipient: Recipient,
    event: Event,
    rule_id: str,
    signal: Signal | None,
    tags: Sequence[str],
    policy: SendPolicy,
) -> bool:
    """Whether this rule's part in the event is something that the recipient asked for."""
    return why_not_covered(recipient, event, rule_id, signal, tags, policy) is None


def why_not_covered(
    recipient: Recipient,
    event: Event,
    rule_id: str,
    signal: Signal | None,
    tags: Sequence[str],
    policy: SendPolicy,
) -> str | None:
    """Why this rule's part in the event is nothing that the recipient asked for, in words; None: it is.

    ``signal`` is the rule's own in the newest report, if it has one there: its states and family count beside those of
    the event. The scope is an allow-list: what names no state is never in the scope of somebody who named states.
    """
    if event.is_test and not recipient.is_test:
        return "the rule has the status test, and this is no test recipient"
    if policy.to is not None and recipient.id not in policy.to:
        return f"the rule sends only to {join_words(policy.to)}"
    if policy.to is None and not any(fnmatchcase(rule_id, pattern) for pattern in recipient.rules):
        return f"it follows only the rules {join_words(recipient.rules)}" if recipient.rules else "it follows no rules"
    found_tags = {event.family, *([signal.family] if signal else []), *tags}
    if recipient.tags and not set(recipient.tags) & found_tags:
        found = join_words(sorted(found_tags))
        return f"it follows only the tags {join_words(recipient.tags)}, and this has {found}"
    states = {*event.states, *(signal.states if signal else ())}
    if recipient.states and not set(recipient.states) & (states or {NO_STATE}):
        found = join_words(sorted(states)) or "none"
        return f"it follows only the states {join_words(recipient.states)}, and this names {found}"
    if event.severity < recipient.min_severity:
        return f"it follows only {recipient.min_severity.label} and above, and this is {event.severity.label}"
    return None


def compose_notice(key: str, headline: str, body: str, severity: Severity, now: datetime) -> Alert:
    """A message to operators about the daemon itself; the same ``key`` gives the same id, and so one message."""
    return Alert(
        id=derived_id("notice", key),
        kind=AlertKind.NOTICE,
        event_id=None,
        changes=(),
        severity=severity,
        headline=headline,
        rule_id=None,
        rule_title=None,
        family=None,
        states=(),
        killed=None,
        injured=None,
        excerpts=(),
        reports=(),
        publishers=(),
        copies=0,
        extraction=None,
        created_at=now,
        body=body,
    )


def compose_summary(key: str, why: str, alerts: Sequence[Alert], now: datetime, held_for: Held | None = None) -> Alert:
    """One counted message for alerts that were not sent one by one; the same ``key`` gives the same id.

    ``why`` says in words why they were not. Each event is one item, as the latest of these alerts has it.
    """
    items = digest_items(alerts)
    told = _together(f"summary {key}", f"{_counted(items)} held: {_kinds(items)}", why, items, now)
    return replace(told, kind=AlertKind.SUMMARY, held_for=held_for)


def compose_digest(key: str, alerts: Sequence[Alert], now: datetime, sent: Collection[str] = ()) -> Alert:
    """Everything that a recipient wants to be told together; the same ``key`` gives the same id.

    Each event is one item, as the latest of these alerts has it. ``sent`` are ids of alerts that were sent at once, and
    are listed for the sake of completeness.
    """
    items = digest_items(alerts, sent)
    told = _together(f"digest {key}", f"Digest of {_counted(items)}: {_kinds(items)}", "", items, now)
    return replace(told, kind=AlertKind.DIGEST, held_for=Held.DIGEST)


def _counted(items: Sequence[DigestItem]) -> str:
    return f"{len(items)} alert{'s' if len(items) > 1 else ''}"


def _kinds(items: Sequence[DigestItem]) -> str:
    kinds = Counter(item.family or "about watcher itself" for item in items)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0])))


def _together(key: str, headline: str, why: str, items: tuple[DigestItem, ...], now: datetime) -> Alert:
    lines = [_item_line(item) for item in items]
    more = len(lines) - SUMMARISED
    shown = lines[:SUMMARISED] + ([f"and {more} more"] if more > 0 else [])
    body = "\n".join([*([why] if why else []), *shown, "`watcher alerts show ID` prints one whole."])
    news = [item for item in items if not item.was_sent] or items
    severity = max(item.severity for item in news)
    return replace(compose_notice(key, headline, body, severity, now), items=items)


def _item_line(item: DigestItem) -> str:
    marks = [word for change, word in _MARKS.items() if change in item.changes]
    if item.changes and EventChange.OPENED not in item.changes:
        marks.insert(0, "update")
    if item.was_sent:
        marks.append("sent already")
    return f"{item.severity.label.upper()}: {item.headline} ({', '.join([item.alert_id, *marks])})"


def digest_items(alerts: Iterable[Alert], sent: Collection[str] = ()) -> tuple[DigestItem, ...]:
    """One item for each event, as the latest alert has it, gravest first; of summaries what they tell."""
    by_event: dict[str, list[DigestItem]] = {}
    for alert in alerts:
        for item in alert.items or (_item(alert, alert.id in sent),):
            by_event.setdefault(item.event_id or item.alert_id, []).append(item)
    return tuple(sorted(map(_latest, by_event.values()), key=lambda item: (-item.severity, item.at, item.alert_id)))


def _item(alert: Alert, was_sent: bool) -> DigestItem:
    newest = alert.reports[0] if alert.reports else None
    return DigestItem(
        alert_id=alert.id,
        at=alert.created_at,
        severity=alert.severity,
        headline=alert.headline,
        family=alert.family,
        states=alert.states,
        killed=alert.killed,
        publisher=newest.publisher if newest else "",
        url=newest.url if newest else None,
        injured=alert.injured,
        rule_title=alert.rule_title,
        event_id=alert.event_id,
        changes=alert.changes,
        was_sent=was_sent,
    )


def _latest(items: Sequence[DigestItem]) -> DigestItem:
    ordered = sorted(items, key=lambda item: (item.at, item.alert_id))
    return replace(
        ordered[-1],
        changes=tuple(dict.fromkeys(change for item in ordered for change in item.changes)),
        folded=len(ordered) - 1 + sum(item.folded for item in ordered),
    )


def route_summary(alert: Alert, like: Delivery, recipient: Recipient | None, now: datetime) -> Delivery:
    """The delivery of a summary to where ``like`` would have gone; ``recipient`` None: it is due whatever the hour."""
    delivery = replace(
        like,
        id=derived_id("delivery", alert.id, like.recipient_id),
        alert_id=alert.id,
        state=DeliveryState.PENDING,
        attempts=0,
        not_before_at=now,
        last_error=None,
        created_at=now,
        silenced_by=None,
        is_silent=False,
        held_for=None,
        wanted_at=None,
    )
    return delivery if recipient is None else _timed(alert, recipient, SendPolicy(), now, now)


def route_exercise(alert: Alert, recipients: Iterable[Recipient], now: datetime) -> tuple[Delivery, ...]:
    """One delivery for each, due at once whatever the hour: an exercise that waits would show nothing."""
    return tuple(_delivery(alert, recipient, now, now) for recipient in recipients)


def route_notice(alert: Alert, recipients: Iterable[Recipient], now: datetime) -> tuple[Delivery, ...]:
    """One delivery for each operator."""
    return tuple(_delivery(alert, recipient, now, now) for recipient in recipients if recipient.is_operator)


def _delivery(alert: Alert, recipient: Recipient, not_before_at: datetime, now: datetime) -> Delivery:
    return Delivery(
        id=derived_id("delivery", alert.id, recipient.id),
        alert_id=alert.id,
        recipient_id=recipient.id,
        channel=recipient.channel,
        target=recipient.target,
        state=DeliveryState.PENDING,
        attempts=0,
        not_before_at=not_before_at,
        lease_until_at=None,
        last_error=None,
        reference=None,
        created_at=now,
        settled_at=None,
    )


def derived_id(*parts: str) -> str:
    """A short id that people can read aloud, the same for the same parts."""
    number = int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest())
    letters = []
    for _ in range(ID_CHARS):
        number, index = divmod(number, len(_ID_ALPHABET))
        letters.append(_ID_ALPHABET[index])
    return "".join(letters)
