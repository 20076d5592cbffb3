"""Which event a signal belongs to, and what is new about it.

The only home of two decisions: what makes two signals the same happening (``find_event``), and which of its changes are
worth a message (``decide_article``). Pure: the store hands in the open events, the caller the time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watcher.model import Article, Event, EventChange, EventDecision, Report, Signal, Toll

DEFAULT_GROUP_FOR = timedelta(hours=24)
DEFAULT_CONFIRM_PUBLISHERS = 2
COPY_CONTAINMENT = 0.8  # share of the shorter text's shingles that makes it a copy, whole or cut
COPY_WINDOW = timedelta(days=14)  # reprints of a story come within days
DEFAULT_UPDATE_ON = frozenset(
    {
        EventChange.CONFIRMED,
        EventChange.DEATHS_DOUBLED,
        EventChange.NEW_STATE,
        EventChange.SEVERITY_RAISED,
        EventChange.CORRECTED,
    }
)


@dataclass(frozen=True, slots=True)
class EventPolicy:
    """What a rule says about its events."""

    rule_id: str
    title: str
    family: str
    by_family: bool = False  # signals of every rule of the family may join
    by_states: bool = True  # only signals about the same states join
    by_items: bool = False  # only signals that name the same items of the lists to group by
    group_for: timedelta = DEFAULT_GROUP_FOR
    confirm_publishers: int = DEFAULT_CONFIRM_PUBLISHERS
    confirm_within: timedelta | None = None  # later reports confirm nothing
    hold_until_confirmed: bool = False
    update_on: frozenset[EventChange] = DEFAULT_UPDATE_ON
    is_test: bool = False  # the rule's status is `test`


def text_to_compare(article: Article) -> str:
    """What two articles share where one is a copy of the other."""
    return article.text or article.title


def report_of(article: Article, signal: Signal | None, copy_of: str | None) -> Report:
    """The part that an article plays in an event."""
    return Report(
        article_id=article.id,
        source_id=article.source_id,
        publisher=article.publisher or article.source_id,
        affiliation=article.affiliation,
        title=article.title,
        url=article.url,
        published_at=article.published_at,
        first_seen_at=article.first_seen_at,
        copy_of=copy_of,
        killed=signal.killed if signal else None,
        step=signal.step if signal else None,
    )


def decide_article(
    signals: Sequence[Signal],
    article: Article,
    policies: Mapping[str, EventPolicy],
    open_events: Sequence[Event],
    same_text: frozenset[str],
    now: datetime,
) -> tuple[EventDecision, ...]:
    """One decision for each event that the article's signals belong to, the most severe first.

    Several rules that hold on one article about the same parties are one happening and one message. ``same_text``
    holds the ids of the stored articles whose text this one repeats: a copy confirms nothing, yet a copy that carries
    a higher toll or another state (an agency's second version of a story) is still news.
    """
    events = list(open_events)
    decided: dict[str, EventDecision] = {}

    def order(signal: Signal) -> tuple[bool, int, str]:
        # What continues an event comes first, so that the article's other signals find the event by the article.
        joins = find_event(signal, policies[signal.rule_id], open_events, same_text, now)
        return (joins is None, -signal.severity, signal.rule_id)

    for signal in sorted(signals, key=order):
        policy = policies[signal.rule_id]
        decision = _decide_signal(signal, article, policy, events, same_text, now)
        event = decision.event
        events = [event, *(other for other in events if other.id != event.id)]
        earlier = decided.get(event.id)
        decided[event.id] = _merge(earlier, decision) if earlier else decision
    return tuple(decided.values())


def _decide_signal(
    signal: Signal,
    article: Article,
    policy: EventPolicy,
    events: Sequence[Event],
    same_text: frozenset[str],
    now: datetime,
) -> EventDecision:
    found = find_event(signal, policy, events, same_text, now)
    if found is None:
        return _open(signal, policy, report_of(article, signal, None), now)
    event, reason = found
    return _extend(
        event, signal, policy, report_of(article, signal, original_of(article, event, same_text)), reason, now
    )


def original_of(article: Article, event: Event, same_text: frozenset[str]) -> str | None:
    """The id of the event's first report that the article repeats, or is itself through another feed; None: none."""
    return next((known.article_id for known in event.reports if known.article_id in {article.id, *same_text}), None)


def _merge(earlier: EventDecision, later: EventDecision) -> EventDecision:
    """Two signals of one article about one event, as one decision."""
    quiet = (EventChange.REPEATED, EventChange.COPIED)
    changes = [change for change in dict.fromkeys((*earlier.changes, *later.changes)) if change not in quiet]
    if EventChange.OPENED in changes:
        changes = [change for change in changes if change in (EventChange.OPENED, EventChange.CONFIRMED)]
    elif EventChange.HELD in changes:
        changes = [EventChange.HELD]
    return replace(
        later,
        changes=tuple(changes) or earlier.changes,
        reason=earlier.reason,
        signals=tuple(sorted((*earlier.signals, *later.signals), key=lambda signal: -signal.severity)),
        told_rule_ids=tuple(rule_id for rule_id in earlier.told_rule_ids if rule_id in later.told_rule_ids),
    )


def find_event(
    signal: Signal, policy: EventPolicy, open_events: Iterable[Event], same_text: frozenset[str], now: datetime
) -> tuple[Event, str] | None:
    """The open event that the signal is about, and the reason in words; None where it is a new one.

    An event that holds the article already, or one that it copies, comes first, as long as it shares a party: one
    article about one conflict is one message, whatever rules it sets off. Then the rule's ``group``: the states of one
    side must contain the states of the other, so that a third state joining a clash stays the same event while the
    same state's clash with somebody else becomes another. The largest overlap wins, then the latest.
    """
    states = set(signal.states)
    of_same_text: list[Event] = []
    of_same_rule: list[Event] = []
    for event in open_events:
        if event.is_test != policy.is_test or now - event.last_seen_at > event.group_for:
            continue
        # A rule that waits for confirmation must not silence one that speaks at once, nor be spoken for by it.
        waits = policy.hold_until_confirmed
        if waits != (not event.is_announced) and not (waits and policy.rule_id in event.rule_ids):
            continue
        of_event = set(event.states)
        if (not states or not of_event or states & of_event) and any(
            report.article_id in {signal.article_id, *same_text} for report in event.reports
        ):
            of_same_text.append(event)
        if policy.by_items and not _same_parties(set(signal.items), set(event.items)):
            continue
        if (not policy.by_states or _same_parties(states, of_event)) and (
            policy.rule_id in event.rule_ids or (policy.by_family and event.family == policy.family)
        ):
            of_same_rule.append(event)
    candidates = of_same_text or of_same_rule
    if not candidates:
        return None
    best = max(candidates, key=lambda event: (len(states & set(event.states)), event.last_seen_at, event.id))
    if of_same_text:
        return best, "the event has this text already"
    if not policy.by_states:
        return best, "the same rule, within its time"
    return best, "the same states: " + (", ".join(sorted(states & set(best.states))) or "none named")


def _same_parties(one: set[str], other: set[str]) -> bool:
    if not one or not other:
        return one == other
    return one <= other or other <= one


def _open(signal: Signal, policy: EventPolicy, report: Report, now: datetime) -> EventDecision:
    event = Event(
        id=_derived_id("event", policy.rule_id, signal.article_id, ",".join((*signal.states, *signal.items))),
        rule_id=policy.rule_id,
        rule_ids=(policy.rule_id,),
        family=policy.family,
        title=policy.title,
        severity=signal.severity,
        states=signal.states,
        killed=signal.killed,
        injured=signal.injured,
        reports=(*signal.earlier, report),
        opened_at=now,
        last_seen_at=now,
        is_confirmed=False,
        notified_killed=0,
        notified_publishers=0,
        group_for=policy.group_for,
        is_announced=False,
        is_test=policy.is_test,
        items=signal.items,
    )
    reason = "no open event is about these states"
    # A rule that counted several newsrooms opens an event that they confirm already.
    event = replace(event, is_confirmed=len(event.publishers) >= policy.confirm_publishers)
    if policy.hold_until_confirmed and not event.is_confirmed:
        return EventDecision(event, (EventChange.HELD,), reason, (signal,))
    announced = replace(
        event,
        is_announced=True,
        notified_killed=signal.killed.at_least if signal.killed else 0,
        notified_publishers=len(event.publishers),
    )
    return EventDecision(announced, (EventChange.OPENED,), reason, (signal,))


def _extend(
    event: Event, signal: Signal, policy: EventPolicy, report: Report, reason: str, now: datetime
) -> EventDecision:
    is_new_rule = policy.rule_id not in event.rule_ids
    leads = policy.rule_id == event.rule_id or signal.severity > event.severity
    is_new_report = all(
        (known.article_id, known.source_id) != (report.article_id, report.source_id) for known in event.reports
    )
    known_ids = {known.article_id for known in event.reports}
    earlier = tuple(other for other in signal.earlier if other.article_id not in known_ids)
    grown = replace(
        event,
        reports=(*event.reports, *earlier, *([report] if is_new_report else [])),
        last_seen_at=max(event.last_seen_at, now),
        # A rule that only came along may carry every state of a long article; the leading one names the parties.
        states=tuple(sorted({*event.states, *signal.states})) if leads or not event.states else event.states,
        killed=_higher(event.killed, signal.killed),
        injured=_higher(event.injured, signal.injured),
        items=tuple(sorted({*event.items, *signal.items})),
        rule_ids=tuple(dict.fromkeys((*event.rule_ids, policy.rule_id))),
    )
    if signal.severity > event.severity:
        grown = replace(
            grown,
            severity=signal.severity,
            rule_id=policy.rule_id,
            rule_ids=tuple(dict.fromkeys((policy.rule_id, *grown.rule_ids))),
            family=policy.family,
            title=policy.title,
        )
    in_time = policy.confirm_within is None or now - event.opened_at <= policy.confirm_within
    if in_time and len(grown.publishers) >= policy.confirm_publishers:
        grown = replace(grown, is_confirmed=True)
    changes = [change for change in _news(event, grown) if change in policy.update_on]
    told = event.rule_ids
    if is_new_rule:
        changes.append(EventChange.RULE_ADDED)
        if signal.severity > event.severity and EventChange.SEVERITY_RAISED not in changes:
            changes.append(EventChange.SEVERITY_RAISED)
        if policy.family != event.family:  # ambassadors recalled after a clash: news to everybody
            told = ()
    if not event.is_announced:
        if not grown.is_confirmed:
            return EventDecision(grown, (EventChange.HELD,), reason, (signal,), told)
        changes = [EventChange.OPENED, EventChange.CONFIRMED]
    if not changes:
        quiet = EventChange.COPIED if is_new_report and report.copy_of else EventChange.REPEATED
        return EventDecision(grown, (quiet,), reason, (signal,), told)
    announced = replace(
        grown,
        is_announced=True,
        notified_killed=max(event.notified_killed, grown.killed.at_least if grown.killed else 0),
        notified_publishers=len(grown.publishers),
    )
    return EventDecision(announced, tuple(changes), reason, (signal,), told)


def _news(before: Event, after: Event) -> list[EventChange]:
    news = []
    if after.is_confirmed and not before.is_confirmed:
        news.append(EventChange.CONFIRMED)
    toll = after.killed.at_least if after.killed else 0
    if toll > before.notified_killed and toll >= 2 * before.notified_killed:
        news.append(EventChange.DEATHS_DOUBLED)
    if set(after.states) - set(before.states):
        news.append(EventChange.NEW_STATE)
    if after.severity > before.severity:
        news.append(EventChange.SEVERITY_RAISED)
    if len(after.publishers) >= 2 * max(before.notified_publishers, 1):
        news.append(EventChange.PUBLISHERS_DOUBLED)
    return news


def add_copy(event: Event, article: Article, same_text: frozenset[str], now: datetime) -> EventDecision:
    """The event with one more source, for a copy or a second sighting that gave no signal of its own."""
    report = report_of(article, None, original_of(article, event, same_text))
    if any(known.article_id == article.id and known.source_id == article.source_id for known in event.reports):
        return EventDecision(event, (EventChange.REPEATED,), "the event has this article already")
    grown = replace(event, reports=(*event.reports, report), last_seen_at=max(event.last_seen_at, now))
    return EventDecision(grown, (EventChange.COPIED,), "the event has this text already")


def _higher(one: Toll | None, other: Toll | None) -> Toll | None:
    if one is None or other is None:
        return one or other
    return other if other.at_least > one.at_least else one


def _derived_id(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
