"""Which event a report belongs to, and what is new about it.

The only home of two decisions: what makes two reports tell of one happening (``find_events``), and which changes of an
event are worth a message (``decide_article``). Pure: the store hands in the events that may be meant, the caller the
time.

An event is all reports that are tied to each other, directly or over others. Two reports are tied, or not, by what they
say and by their own dates, and everything that is said of an event follows from its reports. So the order in which they
arrive makes no difference; only which messages were sent on the way does. A report that ties two events makes them one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watcher.independence import Weighed, fold_copies, order_of, weigh
from watcher.model import (
    Article,
    Claim,
    Denial,
    Event,
    EventChange,
    EventDecision,
    EventLink,
    Particulars,
    Report,
    Severity,
    Signal,
    Told,
    Toll,
)
from watcher.understand.particulars import lowers_toll, particulars_of
from watcher.understand.wires import find_wire

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
        EventChange.DENIED,
    }
)

# What ties two reports that no rule's `group` ties: points for each thing that they share, and how many are needed.
# Chosen so that across families two independent things must agree besides the parties, and within one family, where the
# pair of parties says much already, one.
_FAMILY_NEEDS = 2
_OTHER_FAMILY_NEEDS = 3
_SIDE_CLAIM_NEEDS = 2  # a conflict that an article only has as its background
_SAME_PAIR = 2
_SAME_PAIR_BEARS = -1  # so much may speak against it: a toll that has grown, or another day, and not both
_SAME_PLACE = 2
_CLOSE_TOLL = 0.8  # of the higher one
_FAR_TOLL = 0.34
_TELLING_TOLL = 5  # the same exact number of so many dead is no accident
_STEM = 5  # letters in which two forms of a name agree


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


@dataclass(frozen=True, slots=True)
class Bond:
    """Why a report belongs to an event."""

    weight: int
    reason: str


def text_to_compare(article: Article) -> str:
    """What two articles share where one is a copy of the other."""
    return article.text or article.title


def report_of(
    article: Article,
    signals: Sequence[Signal] = (),
    same_text: Iterable[str] = (),
    titles: Mapping[str, str] | None = None,
) -> Report:
    """The part that an article plays in an event; ``titles`` are those of the rules."""
    ordered = sorted(signals, key=lambda signal: (-signal.severity, signal.rule_id))
    wire = find_wire(article)
    return Report(
        article_id=article.id,
        source_id=article.source_id,
        publisher=article.publisher or article.source_id,
        affiliation=article.affiliation,
        title=article.title,
        url=article.url,
        published_at=article.published_at,
        first_seen_at=article.first_seen_at,
        killed=highest(signal.killed for signal in ordered),
        step=next((signal.step for signal in ordered if signal.step), None),
        state=article.state,
        origin=wire.agency.name if wire else None,
        claims=tuple(_claim(signal, (titles or {}).get(signal.rule_id, "")) for signal in ordered),
        same_text=tuple(sorted({*same_text} - {article.id})),
        particulars=particulars_of(article, (match for signal in ordered for match in signal.matches))
        if ordered
        else Particulars(),
        lowers_toll=bool(ordered) and lowers_toll(article),
        rests_on=tuple(sorted({one.article_id for signal in ordered for one in signal.earlier} - {article.id})),
    )


def _claim(signal: Signal, title: str) -> Claim:
    return Claim(
        rule_id=signal.rule_id,
        family=signal.family,
        severity=signal.severity,
        states=signal.states,
        killed=signal.killed,
        injured=signal.injured,
        items=signal.items,
        title=title,
    )


def decide_article(
    signals: Sequence[Signal],
    article: Article,
    policies: Mapping[str, EventPolicy],
    events: Sequence[Event],
    same_text: frozenset[str],
    now: datetime,
    links: Sequence[EventLink] = (),
    copies: Sequence[Article] = (),
) -> tuple[EventDecision, ...]:
    """One decision for each event that the article's signals belong to, those that continue one first.

    Several rules that hold on one article about the same parties are one happening and one message. ``events`` are
    those that may be meant, more do no harm. ``same_text`` holds the ids of the stored articles whose text this one
    repeats: a copy confirms nothing, yet a copy that carries a higher toll or another state (an agency's second version
    of a story) is still news. ``links`` are what operators decided about any of these articles. ``copies`` are articles
    of the same text in which no rule found anything: whose words it is may stand in one of them.
    """
    titles = {rule_id: policy.title for rule_id, policy in policies.items()}
    ways = [
        _Way(report_of(article, group, same_text, titles), tuple(group), policies[group[0].rule_id])
        for group in _together(signals, policies)
    ]
    every = {event.id: with_claims(event) for event in events if event.merged_into is None}
    joined: dict[int, dict[str, Bond]] = {}
    for number, way in enumerate(ways):
        joined[number] = {
            event.id: bond for event, bond in find_events(way.report, way.policy, every.values(), policies, links)
        }
    decisions = []
    while joined:
        number, bonds = joined.popitem()
        together = [number]
        grown = True
        while grown:  # what two parts of the article join at once is one event
            grown = False
            for other, known in list(joined.items()):
                if known.keys() & bonds.keys():
                    bonds = {**bonds, **known}
                    together.append(other)
                    del joined[other]
                    grown = True
        found = sorted((every[event_id] for event_id in bonds), key=_seniority)
        reasons = list(dict.fromkeys(bond.reason for bond in sorted(bonds.values(), key=lambda bond: -bond.weight)))
        parts = [ways[one] for one in sorted(together)]
        decisions.append(_decide(parts, found, reasons, policies, [report_of(copy) for copy in copies], now))
    return tuple(
        sorted(decisions, key=lambda one: (EventChange.OPENED in one.changes, -one.event.severity, one.event.id))
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """One of the happenings that an article tells of."""

    report: Report
    signals: tuple[Signal, ...]
    policy: EventPolicy  # of the gravest signal


def _together(signals: Sequence[Signal], policies: Mapping[str, EventPolicy]) -> list[list[Signal]]:
    """The signals of an article, the gravest first, in groups that are one happening: those that share a party."""
    groups: list[list[Signal]] = []
    for signal in sorted(signals, key=lambda signal: (-signal.severity, signal.rule_id)):
        kind = _kind(policies[signal.rule_id])
        for group in groups:
            states = {state for one in group for state in one.states}
            shares = not signal.states or not states or states & set(signal.states)
            if shares and _kind(policies[group[0].rule_id]) == kind:
                group.append(signal)
                break
        else:
            groups.append([signal])
    return groups


def _kind(policy: EventPolicy) -> tuple[bool, bool]:
    """What is never mixed: test rules with others; rules that wait with those that speak at once.

    One that waits for a confirmation must not silence one that speaks at once, nor be spoken for by it.
    """
    return policy.is_test, policy.hold_until_confirmed


def find_events(
    report: Report,
    policy: EventPolicy,
    events: Iterable[Event],
    policies: Mapping[str, EventPolicy],
    links: Sequence[EventLink] = (),
) -> tuple[tuple[Event, Bond], ...]:
    """The events that the report belongs to, the surest first, with the reason: several become one by it.

    ``policy`` is that of its gravest rule. What an operator has parted stays so: of events that may not become one, and
    of those that may not take the report, only the others are left.
    """
    found: list[tuple[Event, Bond]] = []
    for event in events:
        if (event.is_test, event.waits) != _kind(policy) or _verdict(links, [report], event.reports) is False:
            continue
        bonds = [bond for known in event.reports if (bond := _bond(report, known, event, policies, links)) is not None]
        if bonds:
            found.append((event, max(bonds, key=lambda bond: (bond.weight, bond.reason))))
    kept: list[tuple[Event, Bond]] = []
    for event, bond in sorted(found, key=lambda one: (-one[1].weight, _seniority(one[0]))):
        if all(_verdict(links, event.reports, other.reports) is not False for other, _ in kept):
            kept.append((event, bond))
    return tuple(kept)


def _verdict(links: Sequence[EventLink], some: Iterable[Report], others: Iterable[Report]) -> bool | None:
    """What an operator decided last about two sets of reports: together or apart; None: nothing."""
    if not links:
        return None
    one = {report.article_id for report in some}
    other = {report.article_id for report in others}
    for link in sorted(links, key=lambda link: link.at, reverse=True):
        first, second = set(link.one), set(link.other)
        if (one & first and other & second) or (one & second and other & first):
            return link.is_together
    return None


def _bond(
    report: Report, known: Report, event: Event, policies: Mapping[str, EventPolicy], links: Sequence[EventLink]
) -> Bond | None:
    """Why two reports tell of one happening; None: nothing says so. The same whichever is given first."""
    if _verdict(links, [report], [known]):
        return Bond(100, "an operator put them together")
    own = _states(report)
    theirs = _states(known) if known.claims else set(event.states)
    repeats = (
        report.article_id == known.article_id
        or known.article_id in report.same_text
        or report.article_id in known.same_text
    )
    if repeats and (not own or not theirs or own & theirs):
        return Bond(90, "the event has this text already")
    best: Bond | None = None
    if known.article_id in report.rests_on and not {claim.rule_id for claim in report.claims}.isdisjoint(
        event.rule_ids
    ):
        best = Bond(75, "the rule rests on the same reports")
    for claim in report.claims:
        for other in known.claims:
            bond = _bond_of_claims(report, claim, known, other, policies)
            if bond is not None and (best is None or (bond.weight, bond.reason) > (best.weight, best.reason)):
                best = bond
    return best


def _states(report: Report) -> set[str]:
    return {state for claim in report.claims for state in claim.states}


def _bond_of_claims(
    report: Report, claim: Claim, known: Report, other: Claim, policies: Mapping[str, EventPolicy]
) -> Bond | None:
    policy, theirs = policies.get(claim.rule_id), policies.get(other.rule_id)
    if policy is None or theirs is None:  # a rule that is there no more
        if claim.rule_id != other.rule_id:
            return None
        policy = theirs = policy or theirs or EventPolicy(claim.rule_id, claim.title, claim.family)
    apart = abs(order_of(report)[0] - order_of(known)[0])
    one, two = set(claim.states), set(other.states)
    same_family = claim.family == other.family
    if claim.rule_id == other.rule_id or (same_family and (policy.by_family or theirs.by_family)):
        by_states, by_items = policy.by_states and theirs.by_states, policy.by_items or theirs.by_items
        if apart > max(policy.group_for, theirs.group_for) or (
            by_items and not _same_parties(set(claim.items), set(other.items))
        ):
            return None
        if not by_states:
            return Bond(80, "the same rule, within its time")
        if not _same_parties(one, two):
            return None
        needed = 0 if _is_main(report, claim) and _is_main(known, other) else _SIDE_CLAIM_NEEDS
        if one != two and min(len(one), len(two)) == 1:
            # One state alone may be meant with any of its counterparts.
            needed = max(needed, 1)
        words = "the same states: " + (", ".join(sorted(one & two)) or "none named")
        return _with_evidence(70, words, report, known, needed)
    if not one or not two or apart > min(policy.group_for, theirs.group_for):
        return None
    if not _same_parties(one, two) and len(one & two) < 2:
        return None
    words = f"{', '.join(sorted(one & two))} in {'another rule of its family' if same_family else other.family}"
    if not same_family:
        return _with_evidence(30, words, report, known, _OTHER_FAMILY_NEEDS)
    base = _SAME_PAIR if one == two and len(one) > 1 else 1
    needed = _FAMILY_NEEDS - base
    return _with_evidence(50, words, report, known, needed if needed > 0 else _SAME_PAIR_BEARS)


def _is_main(report: Report, claim: Claim) -> bool:
    """Whether the claim is about the parties of the report's gravest one, and no second conflict beside it."""
    return not claim.states or _same_parties(set(claim.states), set(report.claims[0].states))


def _same_parties(one: set[str], other: set[str]) -> bool:
    if not one or not other:
        return one == other
    return one <= other or other <= one


def _with_evidence(weight: int, words: str, report: Report, known: Report, needed: int) -> Bond | None:
    points, told = _evidence(report, known)
    if needed and points < needed:
        return None
    return Bond(weight + max(points, 0), "; ".join([words, *told]))


def _evidence(one: Report, other: Report) -> tuple[int, list[str]]:
    """How much speaks for one happening, less what speaks against it, and in words what they share."""
    points, told = 0, []
    here, there = one.particulars, other.particulars
    if shared := sorted(set(here.places) & set(there.places)):
        points += _SAME_PLACE
        told.append("the same place: " + ", ".join(shared[:3]))
    elif here.places and there.places:
        points -= _SAME_PLACE
    if shared := sorted(set(here.days) & set(there.days)):
        points += 1
        told.append("the same day: " + ", ".join(shared[:2]))
    elif here.days and there.days:
        points -= 1
    if one.killed and other.killed:
        low, high = sorted((one.killed.at_least, other.killed.at_least))
        if low >= _CLOSE_TOLL * high:
            points += 2 if low == high >= _TELLING_TOLL and not one.killed.vague and not other.killed.vague else 1
            told.append("the same toll" if low == high else "a close toll")
        elif low < _FAR_TOLL * high:
            points -= 1
    stems = {word[:_STEM]: word for word in here.words}
    if shared := sorted({stems[word[:_STEM]] for word in there.words if word[:_STEM] in stems}):
        points += 1 if len(shared) < 3 else 2 if len(shared) < 6 else 3
        told.append("the same names: " + ", ".join(shared[:4]))
    return points, told


def _seniority(event: Event) -> tuple[bool, datetime, str]:
    """Sorts the event first whose thread goes on when several become one."""
    return event.announced_at is None and not event.is_announced, event.announced_at or event.opened_at, event.id


def _decide(
    ways: Sequence[_Way],
    found: Sequence[Event],
    reasons: Sequence[str],
    policies: Mapping[str, EventPolicy],
    copies: Sequence[Report],
    now: datetime,
) -> EventDecision:
    """What becomes of the events that a report belongs to; ``ways`` are its parts in them, the gravest first."""
    signals = tuple(sorted((one for way in ways for one in way.signals), key=lambda one: (-one.severity, one.rule_id)))
    report = ways[0].report
    if len(ways) > 1:
        claims = {claim.rule_id: claim for way in ways for claim in way.report.claims}
        report = replace(
            report,
            claims=tuple(sorted(claims.values(), key=lambda claim: (-claim.severity, claim.rule_id))),
            killed=highest(way.report.killed for way in ways),
        )
    earlier = [*(one for signal in signals for one in signal.earlier), *copies]
    update_on = frozenset[EventChange]().union(*(policies[one.rule_id].update_on for one in signals))
    if not found:
        return _open(ways[0], report, earlier, signals, policies, now)
    before = found[0] if len(found) == 1 else _union(found)
    report = replace(report, reason="; ".join(reasons))
    grown = revised(_with_reports(before, report, earlier), policies)
    new_rules = [one for one in signals if one.rule_id not in before.rule_ids]
    return replace(
        _told(before, grown, update_on, new_rules, report, now),
        reason="; ".join(reasons),
        signals=signals,
        absorbed=tuple(event.id for event in found[1:]),
    )


def _open(
    way: _Way,
    report: Report,
    earlier: Sequence[Report],
    signals: tuple[Signal, ...],
    policies: Mapping[str, EventPolicy],
    now: datetime,
) -> EventDecision:
    reason = "no open event is about these states"
    lead, policy = signals[0], way.policy
    event = Event(
        id=_derived_id("event", policy.rule_id, lead.article_id, ",".join((*lead.states, *lead.items))),
        rule_id=policy.rule_id,
        rule_ids=(policy.rule_id,),
        family=policy.family,
        title=policy.title,
        severity=lead.severity,
        states=lead.states,
        killed=None,
        injured=None,
        reports=(),
        opened_at=now,
        last_seen_at=now,
        is_confirmed=False,
        notified_killed=0,
        notified_publishers=0,
        group_for=policy.group_for,
        is_announced=False,
        is_test=policy.is_test,
        waits=policy.hold_until_confirmed,
    )
    event = revised(_with_reports(event, replace(report, reason=reason), earlier), policies)
    # A rule that counted several newsrooms opens an event that they confirm already.
    if event.waits and not event.is_confirmed:
        return EventDecision(event, (EventChange.HELD,), reason, signals)
    return EventDecision(_announced(event, now), (EventChange.OPENED,), reason, signals)


def _with_reports(event: Event, report: Report, earlier: Iterable[Report]) -> Event:
    """The event with these reports; what an article said before is replaced by what it says now."""
    reports = {(known.article_id, known.source_id): known for known in event.reports}
    known_ids = {known.article_id for known in event.reports}
    for one in earlier:
        if one.article_id not in known_ids:
            # What the rule makes of all its articles stands in the report that completed it.
            reports.setdefault((one.article_id, one.source_id), replace(one, claims=()))
    key = (report.article_id, report.source_id)
    if key in reports:
        report = _renewed(reports[key], report)
    reports[key] = report
    return replace(event, reports=tuple(reports.values()))


def _renewed(old: Report, new: Report) -> Report:
    claims = {claim.rule_id: claim for claim in (*old.claims, *new.claims)}
    return replace(
        new,
        claims=tuple(sorted(claims.values(), key=lambda claim: (-claim.severity, claim.rule_id))),
        killed=highest((old.killed, new.killed)),
        same_text=tuple(sorted({*old.same_text, *new.same_text})),
        reason=old.reason or new.reason,
        first_seen_at=min(old.first_seen_at, new.first_seen_at),
        denied_by=tuple(sorted({*old.denied_by, *new.denied_by})),
        step=old.step or new.step,
    )


def _union(events: Sequence[Event]) -> Event:
    """The reports of all and what recipients of any were told, in the thread of the first."""
    first = events[0]
    reports: dict[tuple[str, str], Report] = {}
    for event in events:
        for report in event.reports:
            key = (report.article_id, report.source_id)
            reports[key] = _renewed(reports[key], report) if key in reports else report
    told = [one for event in events if (one := told_of(event)) is not None]
    return replace(
        first,
        reports=tuple(reports.values()),
        rule_ids=tuple(dict.fromkeys(rule_id for event in events for rule_id in event.rule_ids)),
        is_announced=any(event.is_announced for event in events),
        announced_at=min((event.announced_at for event in events if event.announced_at), default=None),
        notified_killed=max(event.notified_killed for event in events),
        notified_publishers=max(event.notified_publishers for event in events),
        group_for=max(event.group_for for event in events),
        told=Told(
            states=tuple(sorted({state for one in told for state in one.states})),
            severity=max(one.severity for one in told),
            is_confirmed=any(one.is_confirmed for one in told),
            denied_by=tuple(sorted({state for one in told for state in one.denied_by})),
        )
        if told
        else None,
    )


def told_of(event: Event) -> Told | None:
    """What recipients know of the event; None: nothing."""
    if event.told is not None or not event.is_announced:
        return event.told
    return Told(event.states, event.severity, event.is_confirmed, event.denied_by)  # stored before this was noted


def with_claims(event: Event) -> Event:
    """The event as it is, or where it was stored before reports had claims, with those that it stands for."""
    if any(report.claims for report in event.reports):
        return event
    reports = []
    for report in event.reports:
        claims = () if report.copy_of is not None else tuple(_old_claim(event, report, one) for one in event.rule_ids)
        reports.append(replace(report, claims=claims))
    # One that nobody was told of waits for its confirmation.
    return replace(event, told=told_of(event), waits=not event.is_announced, reports=tuple(reports))


def _old_claim(event: Event, report: Report, rule_id: str) -> Claim:
    leads = rule_id == event.rule_id
    return Claim(
        rule_id=rule_id,
        family=event.family,
        severity=event.severity if leads else Severity.WATCH,
        states=event.states,
        killed=report.killed,
        injured=event.injured,
        items=event.items,
        title=event.title if leads else rule_id,
    )


def revised(event: Event, policies: Mapping[str, EventPolicy]) -> Event:
    """The event with everything that follows from its reports worked out anew, whatever their order."""
    event = with_claims(event)
    reports = fold_copies(event.reports)
    made = sorted(
        ((claim, report) for report in reports for claim in report.claims),
        key=lambda one: (-one[0].severity, order_of(one[1]), one[0].rule_id),
    )
    if not made:
        return event
    rule_ids = tuple(dict.fromkeys(claim.rule_id for claim, _ in made))
    lead = made[0][0]
    states = _parties(rule_ids, [claim for claim, _ in made])
    weighed = weigh(reports, states)
    dates = [order_of(report)[0] for report in reports if report.claims]
    known = [policies[rule_id] for rule_id in rule_ids if rule_id in policies]
    lead_policy = policies.get(lead.rule_id)
    return replace(
        event,
        rule_id=lead.rule_id,
        rule_ids=rule_ids,
        family=lead.family,
        title=lead_policy.title if lead_policy else lead.title or event.title,
        severity=lead.severity,
        states=states,
        killed=_toll(reports),
        injured=highest(claim.injured for claim, _ in made),
        items=tuple(sorted({item for claim, _ in made for item in claim.items})),
        reports=weighed.reports,
        voices=weighed.voices,
        opened_at=min(dates),
        last_seen_at=max(dates),
        is_confirmed=_is_confirmed(known, weighed, states, min(dates)) if known else event.is_confirmed,
        group_for=max((policy.group_for for policy in known), default=event.group_for),
        denied_by=tuple(sorted({state for report in reports for state in report.denied_by})),
    )


def _parties(rule_ids: Sequence[str], claims: Sequence[Claim]) -> tuple[str, ...]:
    """The parties as the leading rule has them: one that only came along may carry every state of a long article.

    Where it has fewer than two, the next rule that names them and others.
    """
    best: set[str] = set()
    for rule_id in rule_ids:
        states = {state for claim in claims if claim.rule_id == rule_id for state in claim.states}
        if len(best) < 2 and states >= best:
            best = states
    return tuple(sorted(best))


def _is_confirmed(
    policies: Iterable[EventPolicy], weighed: Weighed, parties: Sequence[str], opened_at: datetime
) -> bool:
    """Whether so many voices say so as one of the rules wants, in the time that it gives them."""
    voices: dict[timedelta | None, int] = {None: weighed.confirming}
    for policy in policies:
        within = policy.confirm_within
        if within not in voices:
            in_time = [one for one in weighed.reports if within is None or order_of(one)[0] - opened_at <= within]
            voices[within] = weigh(in_time, parties).confirming
        if voices[within] >= policy.confirm_publishers:
            return True
    return False


def _toll(reports: Sequence[Report]) -> Toll | None:
    """The highest toll; once a report lowers it, the lower one, until somebody reports more than ever before.

    ``reports`` are by date.
    """
    tolls = [(report, found) for report in reports if (found := highest(one.killed for one in report.claims))]
    tolls = tolls or [(report, report.killed) for report in reports if report.killed is not None]
    peak: Toll | None = None
    toll: Toll | None = None
    for report, one in tolls:
        if report.lowers_toll and peak is not None and one.at_least < peak.at_least:
            toll = one
        elif peak is None or one.at_least > peak.at_least:
            peak = toll = one
        elif toll is not None and toll.at_least == one.at_least:
            toll = highest((toll, one))
    return toll


def highest(tolls: Iterable[Toll | None]) -> Toll | None:
    """The toll with the highest lower bound, of equal ones the exact one; None where there is none."""
    known = [toll for toll in tolls if toll is not None]
    return max(known, key=lambda toll: (toll.at_least, not toll.vague, -(toll.at_most or toll.at_least)), default=None)


def _told(
    before: Event,
    grown: Event,
    update_on: frozenset[EventChange],
    new_rules: Sequence[Signal],
    report: Report,
    now: datetime,
) -> EventDecision:
    """What of a grown event is told, and to those who follow which rules; ``before`` has what they know already."""
    told = told_of(before)
    changes = [change for change in _news(before, grown) if change in update_on]
    told_rule_ids = before.rule_ids
    if new_rules:
        changes.append(EventChange.RULE_ADDED)
        if told is not None and grown.severity > told.severity and EventChange.SEVERITY_RAISED not in changes:
            changes.append(EventChange.SEVERITY_RAISED)
        families = {claim.family for one in before.reports for claim in one.claims}
        if any(signal.family not in families for signal in new_rules):  # a rupture after a clash: news to everybody
            told_rule_ids = ()
    if not before.is_announced:
        if not grown.is_confirmed:
            return EventDecision(grown, (EventChange.HELD,), "", (), told_rule_ids)
        changes = [EventChange.OPENED, EventChange.CONFIRMED]
    if not changes:
        known = {(one.article_id, one.source_id) for one in before.reports}
        folded = next(
            one for one in grown.reports if (one.article_id, one.source_id) == (report.article_id, report.source_id)
        )
        repeats = folded.copy_of is not None or any(one.article_id in report.same_text for one in before.reports)
        is_copy = repeats and (report.article_id, report.source_id) not in known
        return EventDecision(grown, (EventChange.COPIED if is_copy else EventChange.REPEATED,), "", (), told_rule_ids)
    return EventDecision(_announced(grown, now), tuple(changes), "", (), told_rule_ids)


def _announced(event: Event, now: datetime) -> Event:
    return replace(
        event,
        is_announced=True,
        announced_at=event.announced_at or now,
        notified_killed=event.killed.at_least if event.killed else 0,
        notified_publishers=len(event.publishers),
        told=Told(event.states, event.severity, event.is_confirmed, event.denied_by),
    )


def _news(before: Event, after: Event) -> list[EventChange]:
    told = told_of(before)
    if told is None:
        return []
    news = []
    if after.is_confirmed and not told.is_confirmed:
        news.append(EventChange.CONFIRMED)
    toll = after.killed.at_least if after.killed else 0
    if toll > before.notified_killed and toll >= 2 * before.notified_killed:
        news.append(EventChange.DEATHS_DOUBLED)
    if set(after.states) - set(told.states):
        news.append(EventChange.NEW_STATE)
    if after.severity > told.severity:
        news.append(EventChange.SEVERITY_RAISED)
    if len(after.publishers) >= 2 * max(before.notified_publishers, 1):
        news.append(EventChange.PUBLISHERS_DOUBLED)
    if toll < before.notified_killed and any(report.lowers_toll for report in after.reports):
        news.append(EventChange.CORRECTED)
    if set(after.denied_by) - set(told.denied_by):
        news.append(EventChange.DENIED)
    return news


def add_copy(
    event: Event,
    article: Article,
    same_text: frozenset[str],
    now: datetime,
    policies: Mapping[str, EventPolicy] | None = None,
) -> EventDecision:
    """The event with one more source, for a copy or a second sighting that gave no signal of its own."""
    if any(known.article_id == article.id and known.source_id == article.source_id for known in event.reports):
        return EventDecision(event, (EventChange.REPEATED,), "the event has this article already")
    event = with_claims(event)
    reason = "the event has this text already"
    same = next((known for known in event.reports if known.article_id == article.id), None)
    report = replace(report_of(article, (), same_text), reason=reason)
    if same is not None:  # the same article through another feed says the same
        report = replace(
            report, claims=same.claims, killed=same.killed, origin=same.origin, particulars=same.particulars,
            step=same.step, lowers_toll=same.lowers_toll,
        )  # fmt: skip
    grown = revised(replace(event, reports=(*event.reports, report)), policies or {})
    return EventDecision(grown, (EventChange.COPIED,), reason)


def add_denial(
    event: Event,
    article: Article,
    denied_by: Sequence[str],
    policies: Mapping[str, EventPolicy],
    now: datetime,
) -> EventDecision:
    """The event with a report in which these parties deny it; told once for each of them."""
    event = with_claims(event)
    names = ", ".join(denied_by)
    reason = f"{names} {'denies' if len(denied_by) == 1 else 'deny'} what the rule looks for"
    known = next(
        (one for one in event.reports if (one.article_id, one.source_id) == (article.id, article.source_id)), None
    )
    report = known or replace(report_of(article), reason=reason)
    report = replace(report, denied_by=tuple(sorted({*report.denied_by, *denied_by})))
    grown = revised(_with_reports(event, report, ()), policies)
    update_on = frozenset[EventChange]().union(
        *(policies[rule_id].update_on for rule_id in event.rule_ids if rule_id in policies)
    ) & {EventChange.DENIED}  # a denial confirms nothing
    if not event.is_announced:
        return EventDecision(grown, (EventChange.HELD,), reason)
    return replace(_told(event, grown, update_on, (), report, now), reason=reason)


def is_denied(event: Event, denial: Denial, policies: Mapping[str, EventPolicy]) -> bool:
    """Whether the denial is one of what the event's rules say, by one of its parties, at its time."""
    if denial.denied_by not in event.states or event.is_test is not policies[denial.rule_id].is_test:
        return False
    if denial.rule_id not in event.rule_ids and all(
        claim.family != denial.family for report in event.reports for claim in report.claims
    ):
        return False
    # Some deny while they name the other side, and some without.
    if not set(denial.states) <= set(event.states) and len(set(denial.states) & set(event.states)) < 2:
        return False
    return event.opened_at - event.group_for <= denial.at <= event.last_seen_at + event.group_for


def with_denials(
    decision: EventDecision,
    denials: Sequence[tuple[Article, Denial]],
    policies: Mapping[str, EventPolicy],
    now: datetime,
) -> EventDecision:
    """The decision, where parties denied the event in articles that came before it."""
    for article, denial in denials:
        later = add_denial(decision.event, article, [denial.denied_by], policies, now)
        changes = decision.changes
        if later.is_news and EventChange.OPENED not in changes:
            changes = tuple(dict.fromkeys((*(decision.changes if decision.is_news else ()), *later.changes)))
        decision = replace(decision, event=later.event, changes=changes)
    return decision


def merge_events(
    into: Event, other: Event, by: str, at: datetime, policies: Mapping[str, EventPolicy] | None = None
) -> tuple[Event, EventLink]:
    """One event of the reports of both, in the thread of the first, and the decision to remember. Nobody is told.

    Raises ValueError where the two may never be one.
    """
    if into.id == other.id:
        raise ValueError("an event cannot be merged with itself")
    if (into.is_test, into.waits) != (other.is_test, other.waits):
        raise ValueError("one of the events is of a rule with another status, or that waits for a confirmation")
    link = EventLink(_article_ids(into), _article_ids(other), True, by, at)
    merged = revised(replace(_union([with_claims(into), with_claims(other)]), id=into.id), policies or {})
    if merged.is_announced:  # the operators know what they did
        merged = _announced(merged, merged.announced_at or at)
    return merged, link


def split_event(
    event: Event, article_ids: Iterable[str], by: str, at: datetime, policies: Mapping[str, EventPolicy] | None = None
) -> tuple[Event, Event, EventLink]:
    """The event without these articles and their copies, one of them, and the decision to remember. Nobody is told.

    Raises ValueError where either would be left without a report of its own.
    """
    event = with_claims(event)
    wanted = set(article_ids)
    if unknown := wanted - {report.article_id for report in event.reports}:
        raise ValueError(f"the event has no report of the article {min(unknown)}")
    moved = [report for report in event.reports if report.article_id in wanted or report.copy_of in wanted]
    kept = [report for report in event.reports if report not in moved]
    for reports in (moved, kept):
        if not any(report.claims for report in reports):
            raise ValueError("both events need a report that a rule holds on, and not only copies")
    parts = []
    for event_id, reports in ((event.id, kept), (_derived_id("split", event.id, *sorted(wanted)), moved)):
        part = revised(replace(event, id=event_id, reports=tuple(_alone(reports))), policies or {})
        parts.append(_announced(part, event.announced_at or at) if event.is_announced else part)
    link = EventLink(_article_ids(parts[1]), _article_ids(parts[0]), False, by, at)
    return parts[0], parts[1], link


def _alone(reports: Sequence[Report]) -> list[Report]:
    """The reports with no tie to others than themselves."""
    ids = {report.article_id for report in reports}
    return [
        replace(
            report,
            copy_of=report.copy_of if report.copy_of in ids else None,
            same_text=tuple(one for one in report.same_text if one in ids),
        )
        for report in reports
    ]


def _article_ids(event: Event) -> tuple[str, ...]:
    return tuple(sorted({report.article_id for report in event.reports}))


def _derived_id(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
