"""What articles lead to, decided and written down: signals, events, alerts and deliveries, in one transaction.

The store hands the pure stages what they need (open events, earlier texts, the past of rules over several articles) and
takes what they decide; nothing here decides by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from watcher.dedup import (
    COPY_CONTAINMENT,
    COPY_WINDOW,
    EventPolicy,
    add_copy,
    add_denial,
    decide_article,
    is_denied,
    merge_events,
    report_of,
    revised,
    split_event,
    text_to_compare,
    with_claims,
    with_denials,
)
from watcher.evidence import Edit, Evidence, Grounds, Known, Quoted, RulePast, rules_behind
from watcher.match import MatchResult
from watcher.model import (
    Alert,
    AlertKind,
    Article,
    Delivery,
    DeliveryState,
    Denial,
    Event,
    EventChange,
    EventDecision,
    EventLink,
    RuleStatus,
    Signal,
    Source,
)
from watcher.mutes import Silences
from watcher.revision import decide_correction
from watcher.routing import (
    compose_alert,
    compose_escalation,
    route_alert,
    route_correction,
    route_escalation,
    tell_denial,
)
from watcher.rulebook import RuleBook
from watcher.sequence import Judged, OverTime, PastSignal, date_of, judge, one_for_each_rule, span_of, still_silent
from watcher.store import Store
from watcher.store.articles import ArticleKeys, ArticleStatus, Listing
from watcher.store.codec import encode_time
from watcher.text.shingles import containment, sample, shingles
from watcher.versions import current_versions

log = structlog.get_logger()

READ_AGAIN_AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
_EVERYBODY = 100_000  # more recipients than one machine serves


@dataclass(frozen=True, slots=True)
class Reading:
    """An item as read and evaluated, ready to be committed."""

    article: Article
    keys: ArticleKeys
    result: MatchResult | None  # None: quarantined, or an edit that changes nothing
    hashes: frozenset[int]  # shingles of its text
    raw_hash: str | None
    problem: str | None = None
    listing: Listing | None = None  # how the source lists it
    revises: Article | None = None  # how it read until now; None: it is new
    aliases: tuple[str, ...] = ()  # other canonical addresses that its page goes by
    matched_at: datetime | None = None  # the present that ages were measured against; None: not evaluated


class Recorder:
    """Writes down what articles lead to. One instance for a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._versions = current_versions()

    def record(self, source: Source, book: RuleBook, readings: Sequence[Reading], now: datetime) -> list[Alert]:
        """The alerts that these articles lead to; they and all else are stored in one transaction when it returns."""
        alerts: list[Alert] = []
        with self._store.transaction():
            self._store.events.watch(book.over_time, now)
            for reading in readings:
                if reading.revises is not None:
                    alerts += self._revise(source, book, reading, reading.revises, now)
                    continue
                if reading.result is None:
                    self._store.articles.insert(
                        reading.article,
                        reading.keys,
                        status=ArticleStatus.QUARANTINED,
                        reason=reading.problem,
                        listing=reading.listing,
                    )
                    continue
                sampled = sample(text_to_compare(reading.article))
                past = past_of_rules(self._store, book.over_time, reading.article, reading.result.partial)
                same_text = find_same_text(
                    self._store,
                    reading.article.id,
                    reading.hashes,
                    sampled,
                    now,
                    also=may_be_copied(book.over_time, reading.article, past),
                )
                self._store.articles.insert(
                    reading.article,
                    reading.keys,
                    raw_hash=reading.raw_hash,
                    sampled=sampled,
                    listing=reading.listing,
                )
                self._store.articles.add_aliases(reading.article.id, reading.aliases)
                judged = judge_partial(
                    self._store, book.over_time, reading.article, reading.result.partial, past, same_text
                )
                for one in judged:
                    self._store.events.remember(one.past)
                for signal, outcome in still_silent(judged):
                    self._store.events.save_signal(signal, at=now, event_id=None, outcome=outcome)
                signals = (*reading.result.signals, *one_for_each_rule(judged))
                grounds = self._grounds(reading, reading.result, past, same_text)
                new = self._decide(source, book, grounds, signals, same_text, now, reading.result.denials)
                self._watch_page(reading, new, now)
                alerts += new
        return alerts

    def _watch_page(self, reading: Reading, alerts: Sequence[Alert], now: datetime) -> None:
        """Nothing; a page that people are told of is read again later: is what was quoted still there?"""
        if alerts and reading.raw_hash is not None:
            self._store.articles.watch_page(reading.article.id, [now + after for after in READ_AGAIN_AFTER])

    def _revise(self, source: Source, book: RuleBook, reading: Reading, old: Article, now: datetime) -> list[Alert]:
        """The alerts that an edit of an article leads to: only what it adds is news, or takes back of what was told."""
        article, result = reading.article, reading.result
        if reading.listing is not None:
            self._store.articles.set_listing(article.id, reading.listing, read_at=now)
            self._store.articles.add_keys(article.id, reading.keys)
            self._store.articles.add_aliases(article.id, reading.aliases)
        if result is None:  # it says what it said before, or breaks the reader and stays as it was
            return []
        sampled = sample(text_to_compare(article))
        self._store.articles.revise(article, at=now, raw_hash=reading.raw_hash, sampled=sampled)
        before = {stored.signal.rule_id: stored.signal for stored in self._store.events.signals_of(article.id)}
        # A rule over several articles has counted this one already, or counts it now for the first time.
        partial = [one for one in result.partial if not self._store.events.remembers(one.rule_id, article.id)]
        past = past_of_rules(self._store, book.over_time, article, partial)
        same_text = find_same_text(
            self._store,
            article.id,
            reading.hashes,
            sampled,
            now,
            also=may_be_copied(book.over_time, article, past),
        )
        judged = judge_partial(self._store, book.over_time, article, partial, past, same_text)
        for one in judged:
            self._store.events.remember(one.past)
        for signal, outcome in still_silent(judged):
            self._store.events.save_signal(signal, at=now, event_id=None, outcome=outcome)
        signals = {one.rule_id: one for one in (*result.signals, *one_for_each_rule(judged))}
        # What is found in the text now; of a rule over several articles, what this one has of it.
        found = {one.rule_id: one for one in result.partial} | signals
        for rule_id, signal in before.items():
            if rule_id in found:
                self._store.events.revise_signal(found[rule_id])
            else:  # its places are those of a text that is no longer there
                self._store.events.revise_signal(replace(signal, matches=()), outcome="withdrawn")
        events = {
            event.id: _revised(event, article, found, book.event_policies)
            for event in self._store.events.by_article(article.id)
        }
        log.info("article_revised", article_id=article.id, signals=sorted(signals), events=sorted(events))
        edit = Edit(old, tuple(before.values()))
        grounds = self._grounds(reading, result, past, same_text, edit)
        alerts = self._decide_revision(source, book, grounds, tuple(signals.values()), events, same_text, now)
        self._watch_page(reading, alerts, now)
        told = {alert.event_id for alert in alerts}
        for event in events.values():
            if event.is_announced and event.id not in told:
                alerts += self._correct(book, event, grounds, edit, tuple(found.values()), now)
        return alerts

    def _decide_revision(
        self,
        source: Source,
        book: RuleBook,
        grounds: Grounds,
        signals: Sequence[Signal],
        own: Mapping[str, Event],
        same_text: frozenset[str],
        now: datetime,
    ) -> list[Alert]:
        """The alerts about what an edit adds; ``own`` are the events that the article is a report of, open or not."""
        article = grounds.article
        for event in own.values():
            self._store.events.save(event)
        sendable = [one for one in signals if book.statuses[one.rule_id] is not RuleStatus.DRAFT]
        known_rules = {rule_id for event in own.values() for rule_id in event.rule_ids}
        meant = meant_events(self._store, book.event_policies, article, sendable, same_text)
        alerts = []
        for decision in decide_article(
            sendable, article, book.event_policies, meant.events, same_text, now, meant.links, meant.copies
        ):
            is_known = not own.keys().isdisjoint({decision.event.id, *decision.absorbed})
            if not is_known and known_rules & {one.rule_id for one in decision.signals}:
                continue  # people were told of this article under this rule: never a second first alert
            if is_known and not decision.is_news:
                self._save(decision)
                continue
            self._save(decision)
            outcome = ", ".join(change.value for change in decision.changes)
            for signal in decision.signals:
                self._store.events.save_signal(signal, at=now, event_id=decision.event.id, outcome=outcome)
            if decision.is_news:
                known = Known(meant.events, meant.links, meant.copies)
                alerts.append(self._alert(source, book, decision, grounds, known, now))
        return alerts

    def _save(self, decision: EventDecision) -> None:
        self._store.events.save(decision.event)
        for event_id in decision.absorbed:
            self._store.events.absorb(event_id, decision.event.id)

    def _correct(
        self,
        book: RuleBook,
        event: Event,
        grounds: Grounds,
        edit: Edit,
        after: Sequence[Signal],
        now: datetime,
    ) -> list[Alert]:
        """The correction for those who were told what the article says no longer; none where it still says so."""
        article = grounds.article
        earlier = self._store.events.alerts_of_event(event.id)
        quoted = dict.fromkeys(one for alert in earlier for one in alert.excerpts if one.article_id == article.id)
        edit = replace(edit, quoted=tuple(quoted))
        decision = decide_correction(event, tuple(quoted), edit.old, edit.signals, article, after)
        policy = book.event_policies.get(event.rule_id)
        if decision is None or (policy is not None and EventChange.CORRECTED not in policy.update_on):
            return []
        self._store.events.save(decision.event)
        titles = {rule_id: one.title for rule_id, one in book.event_policies.items()}
        alert = compose_alert(
            decision,
            article,
            book.state_names,
            titles,
            now,
            earlier[0].id if earlier else None,
            version=encode_time(now),
        )
        alert = replace(alert, body=decision.reason)
        told = {
            entry.delivery.recipient_id
            for one in earlier
            for entry in self._store.outbox.entries(alert_id=one.id, limit=_EVERYBODY)
            # An escalation that nobody has tried to send has told nobody; what it would say is put right below.
            if one.kind is not AlertKind.ESCALATION or entry.delivery.attempts
        }
        silences = self._store.mutes.silences(book.inhibits, event, now)
        deliveries = route_correction(alert, event, book.recipients, told, book.send_policies, now, silences)
        log.info("alert_corrected", alert_id=alert.id, event_id=event.id, because=decision.reason)
        alert = self._tell(book, decision, article.tags, alert, deliveries, silences, now)
        self._keep(book, decision, alert, replace(grounds, edit=edit), Known((event,)), ())
        return [alert]

    def _decide(
        self,
        source: Source,
        book: RuleBook,
        grounds: Grounds,
        signals: Sequence[Signal],
        same_text: frozenset[str],
        now: datetime,
        denials: Sequence[Denial] = (),
    ) -> list[Alert]:
        """The alerts that an article leads to; stores signals, events, alerts and deliveries."""
        article = grounds.article
        sendable = []
        for signal in signals:
            if book.statuses[signal.rule_id] is RuleStatus.DRAFT:
                self._store.events.save_signal(signal, at=now, event_id=None, outcome="draft rule")
            else:
                sendable.append(signal)
        denials = [one for one in denials if book.statuses[one.rule_id] is not RuleStatus.DRAFT]
        for denial in denials:
            self._store.events.save_denial(denial)
        if not sendable:
            for event in self._events_of(same_text):
                self._store.events.save(add_copy(event, article, same_text, now, book.event_policies).event)
            return self._tell_denials(source, book, grounds, denials, now)
        alerts = []
        meant = meant_events(self._store, book.event_policies, article, sendable, same_text)
        for joined in decide_article(
            sendable, article, book.event_policies, meant.events, same_text, now, meant.links, meant.copies
        ):
            denied = self._denials_of(joined.event, book.event_policies)
            decision = with_denials(joined, denied, book.event_policies, now)
            self._save(decision)
            outcome = ", ".join(change.value for change in decision.changes)
            for signal in decision.signals:
                self._store.events.save_signal(signal, at=now, event_id=decision.event.id, outcome=outcome)
            log.info(
                "event_decided",
                event_id=decision.event.id,
                article_id=article.id,
                changes=outcome,
                reason=decision.reason,
            )
            if decision.is_news:
                known = Known(meant.events, meant.links, meant.copies, tuple(denied))
                alerts.append(self._alert(source, book, decision, grounds, known, now))
        return alerts

    def _tell_denials(
        self, source: Source, book: RuleBook, grounds: Grounds, denials: Sequence[Denial], now: datetime
    ) -> list[Alert]:
        """The alerts about events that parties deny in an article."""
        policies, alerts = book.event_policies, []
        within = max((policy.group_for for policy in policies.values()), default=timedelta())
        for denial in denials:
            for event in self._store.events.candidates([denial.states], denial.at, within):
                if not is_denied(event, denial, policies):
                    continue
                decision = add_denial(event, grounds.article, [denial.denied_by], policies, now)
                self._store.events.save(decision.event)
                if decision.is_news:
                    known = Known((event,), denial=denial)
                    alerts.append(self._alert(source, book, decision, grounds, known, now))
        return alerts

    def _denials_of(self, event: Event, policies: Mapping[str, EventPolicy]) -> list[tuple[Article, Denial]]:
        """What parties denied of the event, with the articles."""
        families = {claim.family for report in event.reports for claim in report.claims}
        rule_ids = [one.rule_id for one in policies.values() if one.family in families]
        span = event.opened_at - event.group_for, event.last_seen_at + event.group_for
        return [
            (article, denial)
            for denial in self._store.events.denials(rule_ids, *span)
            if is_denied(event, denial, policies)
            and (article := self._store.articles.get(denial.article_id)) is not None
        ]

    def _alert(
        self,
        source: Source,
        book: RuleBook,
        decision: EventDecision,
        grounds: Grounds,
        known: Known,
        now: datetime,
    ) -> Alert:
        article = grounds.article
        earlier = self._store.events.alerts_of_event(decision.event.id)
        titles = {rule_id: policy.title for rule_id, policy in book.event_policies.items()}
        # What the rule rests on is quoted when it is heard of first, be it in an event that others have opened.
        is_first_time = not {EventChange.OPENED, EventChange.RULE_ADDED}.isdisjoint(decision.changes)
        quoted = self._earlier_articles(decision) if is_first_time else ()
        alert = compose_alert(
            decision,
            article,
            book.state_names,
            titles,
            now,
            earlier[0].id if earlier else None,
            quoted=[(one.article, one.signals) for one in quoted],
            version=encode_time(now) if grounds.edit else "",
        )
        if known.denial is not None:
            alert = replace(alert, body=tell_denial(known.denial, book.state_names))
        silences = self._store.mutes.silences(book.inhibits, decision.event, now)
        deliveries = route_alert(alert, decision, source.tags, book.recipients, book.send_policies, now, silences)
        alert = self._tell(book, decision, source.tags, alert, deliveries, silences, now)
        self._keep(book, decision, alert, grounds, known, quoted)
        return alert

    def _grounds(
        self,
        reading: Reading,
        result: MatchResult,
        past: Mapping[str, tuple[PastSignal, ...]],
        same_text: frozenset[str],
        edit: Edit | None = None,
    ) -> Grounds:
        return Grounds(
            article=reading.article,
            raw_hash=reading.raw_hash,
            signals=(*result.signals, *result.partial),
            matched_at=reading.matched_at,
            same_text=tuple(sorted(same_text)),
            past=tuple(
                RulePast(rule_id, self._store.events.watched_since(rule_id), signals)
                for rule_id, signals in past.items()
            ),
            edit=edit,
        )

    def _keep(
        self,
        book: RuleBook,
        decision: EventDecision,
        alert: Alert,
        grounds: Grounds,
        known: Known,
        quoted: Sequence[Quoted],
    ) -> None:
        """Nothing; what the alert was decided from is stored with it."""
        self._store.evidence.save(
            Evidence(
                alert_id=alert.id,
                decided_at=alert.created_at,
                grounds=grounds,
                known=known.of(decision),
                quoted=tuple(quoted),
                previous_alert_id=alert.previous_alert_id,
                rules=book.rule_set.texts_behind(rules_behind(decision, known)),
                versions=self._versions,
            )
        )

    def _tell(
        self,
        book: RuleBook,
        decision: EventDecision,
        tags: Sequence[str],
        alert: Alert,
        deliveries: Sequence[Delivery],
        silences: Silences,
        now: datetime,
    ) -> Alert:
        """The alert as it is told; stored with its deliveries, and with those to others if nobody acknowledges."""
        escalation = compose_escalation(alert, self._store.events.unacknowledged_since(decision.event.id) or now)
        # What waited to say less is said by the new one instead.
        waiting = {
            delivery.recipient_id: delivery
            for delivery in self._store.outbox.escalations(decision.event.id)
            if delivery.state is DeliveryState.PENDING and not delivery.attempts
        }
        later = route_escalation(
            escalation,
            decision,
            tags,
            book.recipients,
            book.send_policies,
            {delivery.recipient_id: delivery.not_before_at for delivery in deliveries},
            {one: delivery.wanted_at or delivery.not_before_at for one, delivery in waiting.items()},
            now,
            silences,
        )
        sent = {one.recipient_id: one for one in deliveries if one.state is not DeliveryState.MUTED}
        if silences.inhibitors and deliveries and not sent:
            later = ()  # who looks after the graver event looks after this one
        # What the event has silenced is said in one line, to those who would have heard it.
        companions = [one for one in self._store.outbox.muted(f"event:{decision.event.id}") if one.recipient_id in sent]
        headlines = [self._store.events.get_alert(one) for one in dict.fromkeys(one.alert_id for one in companions)]
        alert = replace(alert, held_back=tuple(one.headline for one in headlines if one is not None))
        if later:
            alert = replace(alert, escalates_at=min(delivery.not_before_at for delivery in later))
        self._store.events.save_alert(alert)
        self._store.outbox.add(deliveries)
        for one in companions:
            self._store.outbox.fold([one.id], into=sent[one.recipient_id].id)
        log.info(
            "alert_decided",
            alert_id=alert.id,
            event_id=alert.event_id,
            deliveries=len(deliveries),
            silenced=len(deliveries) - len(sent),
            escalates_at=alert.escalates_at and alert.escalates_at.isoformat(),
        )
        if later:
            self._store.events.save_alert(escalation)
            self._store.outbox.add(later)
        for delivery in later:
            if replaced := waiting.get(delivery.recipient_id):
                self._store.outbox.drop(replaced.id, reason=f"{escalation.id} says more", now=now)
        return alert

    def _earlier_articles(self, decision: EventDecision) -> list[Quoted]:
        """The articles of earlier steps, or that were counted, with what was found in them."""
        found = []
        for article_id in dict.fromkeys(one.article_id for signal in decision.signals for one in signal.earlier):
            stored = self._store.articles.get_stored(article_id)
            rule_ids = {signal.rule_id for signal in decision.signals if signal.earlier}
            signals = (one.signal for one in self._store.events.signals_of(article_id))
            if stored is not None:
                of_rules = tuple(signal for signal in signals if signal.rule_id in rule_ids)
                found.append(Quoted(stored.article, stored.raw_hash, of_rules))
        return found

    def _events_of(self, article_ids: frozenset[str]) -> list[Event]:
        found = {
            event.id: event for article_id in sorted(article_ids) for event in self._store.events.by_article(article_id)
        }
        return list(found.values())


def _revised(
    event: Event, article: Article, signals: Mapping[str, Signal], policies: Mapping[str, EventPolicy]
) -> Event:
    """The event with the article's report as it reads now, and all that follows from its reports."""
    event = with_claims(event)
    titles = {rule_id: policy.title for rule_id, policy in policies.items()}
    now_says = report_of(article, [one for rule_id, one in signals.items() if rule_id in event.rule_ids], (), titles)
    reports = tuple(
        replace(
            report,
            title=article.title,
            claims=now_says.claims,
            killed=now_says.killed,
            origin=now_says.origin,
            particulars=now_says.particulars,
            lowers_toll=now_says.lowers_toll,
        )
        if report.article_id == article.id
        else report
        for report in event.reports
    )
    return revised(replace(event, reports=reports), policies)


@dataclass(frozen=True, slots=True)
class Meant:
    """What the store knows that an article's signals may belong to."""

    events: tuple[Event, ...]
    links: tuple[EventLink, ...]  # what operators decided about these articles
    copies: tuple[Article, ...]  # of the same text, in which no rule that is sent found anything


def meant_events(
    store: Store,
    policies: Mapping[str, EventPolicy],
    article: Article,
    signals: Sequence[Signal],
    same_text: frozenset[str],
) -> Meant:
    """The events that the signals of an article may belong to, be they open or not, and what else decides that."""
    keys: set[str] = set()
    for signal in signals:
        policy = policies[signal.rule_id]
        if not policy.by_states:
            keys |= {f"rule:{signal.rule_id}", *([f"family:{signal.family}"] if policy.by_family else [])}
    within = max((policy.group_for for policy in policies.values()), default=timedelta())
    articles = {article.id, *same_text, *(one.article_id for signal in signals for one in signal.earlier)}
    for link in store.events.links([article.id]):
        if link.is_together:
            articles |= {*link.one, *link.other}
    parties = [signal.states for signal in signals]
    at = date_of(article)
    events = store.events.candidates(parties, at, within, keys=keys, article_ids=articles) if signals else ()
    return Meant(
        events=events,
        links=store.events.links({article.id, *(report.article_id for event in events for report in event.reports)}),
        copies=tuple(
            stored.article
            for article_id in sorted(same_text)
            if (stored := store.articles.get_stored(article_id)) is not None
            and stored.status is ArticleStatus.EVALUATED
            and not any(one.event_id for one in store.events.signals_of(article_id))
        ),
    )


def merge(
    store: Store,
    into_id: str,
    other_id: str,
    *,
    by: str,
    at: datetime,
    book: RuleBook | None = None,
    reason: str = "",
) -> Event:
    """The event that both are from now on, by an operator's decision, which is remembered; nobody is told.

    Needs an open transaction. Raises KeyError for an event that is not there, ValueError where they may not be one.
    """
    into, other = _event(store, into_id), _event(store, other_id)
    merged, link = merge_events(into, other, by, at, book.event_policies if book else None)
    store.events.save(merged)
    store.events.absorb(other.id, merged.id)
    store.events.save_link(replace(link, reason=reason))
    return merged


def split(
    store: Store,
    event_id: str,
    article_ids: Sequence[str],
    *,
    by: str,
    at: datetime,
    book: RuleBook | None = None,
    reason: str = "",
) -> tuple[Event, Event]:
    """The event without these articles, and the one of them, by an operator's decision, which is remembered.

    Needs an open transaction. Raises KeyError for an event that is not there, ValueError where it cannot be split so.
    """
    rest, part, link = split_event(_event(store, event_id), article_ids, by, at, book.event_policies if book else None)
    store.events.save(rest)
    store.events.save(part)
    store.events.save_link(replace(link, reason=reason))
    return rest, part


def undo(store: Store, number: int, *, by: str, at: datetime, book: RuleBook | None, reason: str) -> tuple[Event, ...]:
    """The events that there are after the opposite of an operator's decision; the last one counts.

    Needs an open transaction. Raises KeyError for a decision or an event that is not there, ValueError where the
    articles are no longer as the decision left them.
    """
    link = store.events.decision(number)
    if link is None:
        raise KeyError(number)
    of_one, of_other = (
        {event.id for name in names for event in store.events.by_article(name)} for names in (link.one, link.other)
    )
    if link.is_together:
        together = of_one & of_other
        if len(together) != 1:
            raise ValueError("the reports are not together in one event any more")
        (event_id,) = together
        known = {report.article_id for report in _event(store, event_id).reports}
        moved = [name for name in link.other if name in known]
        return split(store, event_id, moved, by=by, at=at, book=book, reason=reason)
    apart = of_one - of_other, of_other - of_one
    if any(len(ids) != 1 for ids in apart):
        raise ValueError("the reports are not apart in two events any more")
    (part,), (rest,) = apart
    return (merge(store, rest, part, by=by, at=at, book=book, reason=reason),)


def _event(store: Store, event_id: str) -> Event:
    event = store.events.get(store.events.thread_of(event_id))
    if event is None:
        raise KeyError(event_id)
    return event


def find_same_text(
    store: Store,
    article_id: str,
    hashes: frozenset[int],
    sampled: Sequence[int],
    now: datetime,
    *,
    also: Collection[str] = (),
) -> frozenset[str]:
    """The ids of the stored articles whose text, given as shingles, this article repeats, whole or cut.

    ``also`` are ids of articles to ask beside those that the index of copies gives.
    """
    candidates = {one.article_id for one in store.articles.candidates(sampled, now - COPY_WINDOW)} | {*also}
    candidates.discard(article_id)
    return frozenset(
        other_id
        for other_id in candidates
        if (other := store.articles.get(other_id)) is not None
        and containment(hashes, shingles(text_to_compare(other))) >= COPY_CONTAINMENT
    )


def past_of_rules(
    store: Store, over_time: Mapping[str, OverTime], article: Article, partial: Sequence[Signal]
) -> dict[str, tuple[PastSignal, ...]]:
    """By rule id, what the rules of these signals remember of articles that the article may belong together with."""
    at = date_of(article)
    return {
        rule_id: store.events.past(rule_id, at - span_of(over_time[rule_id]), at + over_time[rule_id].within)
        for rule_id in {signal.rule_id for signal in partial}
    }


def may_be_copied(
    over_time: Mapping[str, OverTime], article: Article, past: Mapping[str, Sequence[PastSignal]]
) -> frozenset[str]:
    """The ids of remembered articles that matter if they are copies of this one: those it may be put together with.

    What is farther away, such as a long past that a count is compared with, is left to the index of copies.
    """
    at = date_of(article)
    return frozenset(
        one.report.article_id
        for rule_id, known in past.items()
        for one in known
        if abs(one.at - at) <= min(over_time[rule_id].within, COPY_WINDOW)
    )


def judge_partial(
    store: Store,
    over_time: Mapping[str, OverTime],
    article: Article,
    partial: Sequence[Signal],
    past: Mapping[str, Sequence[PastSignal]],
    same_text: frozenset[str],
) -> tuple[Judged, ...]:
    """What comes of the article's signals of rules that speak over several articles."""
    return tuple(
        judge(
            over_time[signal.rule_id],
            signal,
            article,
            past[signal.rule_id],
            same_text,
            store.events.watched_since(signal.rule_id),
        )
        for signal in partial
    )
