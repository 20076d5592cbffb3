"""What articles lead to, decided and written down: signals, events, alerts and deliveries, in one transaction.

The store hands the pure stages what they need (open events, earlier texts, the past of rules over several articles) and
takes what they decide; nothing here decides by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from watcher.dedup import COPY_CONTAINMENT, COPY_WINDOW, add_copy, decide_article, text_to_compare
from watcher.match import MatchResult
from watcher.model import (
    Alert,
    Article,
    Delivery,
    DeliveryState,
    Event,
    EventChange,
    EventDecision,
    RuleStatus,
    Signal,
    Source,
)
from watcher.routing import compose_alert, compose_escalation, route_alert, route_escalation
from watcher.rulebook import RuleBook
from watcher.sequence import Judged, OverTime, PastSignal, date_of, judge, one_for_each_rule, span_of, still_silent
from watcher.store import Store
from watcher.store.articles import ArticleKeys, ArticleStatus
from watcher.text.shingles import containment, sample, shingles

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reading:
    """An item as read and evaluated, ready to be committed."""

    article: Article
    keys: ArticleKeys
    result: MatchResult | None  # None: quarantined
    hashes: frozenset[int]  # shingles of its text
    raw_hash: str | None
    problem: str | None = None


class Recorder:
    """Writes down what articles lead to. One instance for a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, source: Source, book: RuleBook, readings: Sequence[Reading], now: datetime) -> list[Alert]:
        """The alerts that these articles lead to; they and all else are stored in one transaction when it returns."""
        alerts: list[Alert] = []
        with self._store.transaction():
            self._store.events.watch(book.over_time, now)
            for reading in readings:
                if reading.result is None:
                    self._store.articles.insert(
                        reading.article, reading.keys, status=ArticleStatus.QUARANTINED, reason=reading.problem
                    )
                    continue
                sampled = sample(reading.hashes)
                past = past_of_rules(self._store, book.over_time, reading.article, reading.result.partial)
                same_text = find_same_text(
                    self._store,
                    reading.article.id,
                    reading.hashes,
                    sampled,
                    now,
                    ask_open_events=bool(reading.result.signals or reading.result.partial),
                    also=may_be_copied(book.over_time, reading.article, past),
                )
                self._store.articles.insert(reading.article, reading.keys, raw_hash=reading.raw_hash, sampled=sampled)
                judged = judge_partial(
                    self._store, book.over_time, reading.article, reading.result.partial, past, same_text
                )
                for one in judged:
                    self._store.events.remember(one.past)
                for signal, outcome in still_silent(judged):
                    self._store.events.save_signal(signal, at=now, event_id=None, outcome=outcome)
                signals = (*reading.result.signals, *one_for_each_rule(judged))
                alerts += self._decide(source, book, reading.article, signals, same_text, now)
        return alerts

    def _decide(
        self,
        source: Source,
        book: RuleBook,
        article: Article,
        signals: Sequence[Signal],
        same_text: frozenset[str],
        now: datetime,
    ) -> list[Alert]:
        """The alerts that an article leads to; stores signals, events, alerts and deliveries."""
        sendable = []
        for signal in signals:
            if book.statuses[signal.rule_id] is RuleStatus.DRAFT:
                self._store.events.save_signal(signal, at=now, event_id=None, outcome="draft rule")
            else:
                sendable.append(signal)
        if not sendable:
            for event in self._events_of(same_text, now):
                self._store.events.save(add_copy(event, article, same_text, now).event)
            return []
        alerts = []
        open_events = self._store.events.open_events(now)
        for decision in decide_article(sendable, article, book.event_policies, open_events, same_text, now):
            self._store.events.save(decision.event)
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
                alerts.append(self._alert(source, book, decision, article, now))
        return alerts

    def _alert(self, source: Source, book: RuleBook, decision: EventDecision, article: Article, now: datetime) -> Alert:
        earlier = self._store.events.alerts_of_event(decision.event.id)
        titles = {rule_id: policy.title for rule_id, policy in book.event_policies.items()}
        # What the rule rests on is quoted when it is heard of first, be it in an event that others have opened.
        is_first_time = not {EventChange.OPENED, EventChange.RULE_ADDED}.isdisjoint(decision.changes)
        alert = compose_alert(
            decision,
            article,
            book.state_names,
            titles,
            now,
            earlier[0].id if earlier else None,
            quoted=self._earlier_articles(decision) if is_first_time else (),
        )
        self._store.events.save_alert(alert)
        deliveries = route_alert(alert, decision, source.tags, book.recipients, book.send_policies, now)
        self._store.outbox.add(deliveries)
        log.info("alert_decided", alert_id=alert.id, event_id=alert.event_id, deliveries=len(deliveries))
        if any((policy := book.send_policies.get(one)) and policy.escalate for one in decision.event.rule_ids):
            self._prepare_escalation(source, book, decision, alert, deliveries, now)
        return alert

    def _prepare_escalation(
        self,
        source: Source,
        book: RuleBook,
        decision: EventDecision,
        alert: Alert,
        direct: Sequence[Delivery],
        now: datetime,
    ) -> None:
        """Nothing; stores what is sent later if nobody acknowledges, instead of what waited to say less."""
        event_id = decision.event.id
        waiting = {
            delivery.recipient_id: delivery
            for delivery in self._store.outbox.escalations(event_id)
            if delivery.state is DeliveryState.PENDING and not delivery.attempts
        }
        escalation = compose_escalation(alert, self._store.events.unacknowledged_since(event_id) or now)
        deliveries = route_escalation(
            escalation,
            decision,
            source.tags,
            book.recipients,
            book.send_policies,
            {delivery.recipient_id: delivery.not_before_at for delivery in direct},
            {recipient_id: delivery.not_before_at for recipient_id, delivery in waiting.items()},
            now,
        )
        if not deliveries:
            return
        self._store.events.save_alert(escalation)
        self._store.outbox.add(deliveries)
        for delivery in deliveries:
            if replaced := waiting.get(delivery.recipient_id):
                self._store.outbox.drop(replaced.id, reason=f"{escalation.id} says more", now=now)
        log.info("escalation_prepared", alert_id=escalation.id, event_id=event_id, deliveries=len(deliveries))

    def _earlier_articles(self, decision: EventDecision) -> list[tuple[Article, tuple[Signal, ...]]]:
        """The articles of earlier steps, or that were counted, with what was found in them."""
        found = []
        for article_id in dict.fromkeys(one.article_id for signal in decision.signals for one in signal.earlier):
            article = self._store.articles.get(article_id)
            rule_ids = {signal.rule_id for signal in decision.signals if signal.earlier}
            signals = (one.signal for one in self._store.events.signals_of(article_id))
            if article is not None:
                found.append((article, tuple(signal for signal in signals if signal.rule_id in rule_ids)))
        return found

    def _events_of(self, article_ids: frozenset[str], now: datetime) -> list[Event]:
        found = {
            event.id: event
            for article_id in sorted(article_ids)
            for event in self._store.events.by_article(article_id)
            if now - event.last_seen_at <= event.group_for
        }
        return list(found.values())


def find_same_text(
    store: Store,
    article_id: str,
    hashes: frozenset[int],
    sampled: Sequence[int],
    now: datetime,
    *,
    ask_open_events: bool,
    also: Collection[str] = (),
) -> frozenset[str]:
    """The ids of the stored articles whose text, given as shingles, this article repeats, whole or cut.

    ``also`` are ids of articles to ask beside those that the index of copies gives.
    """
    candidates = {one.article_id for one in store.articles.candidates(sampled, now - COPY_WINDOW)} | {*also}
    if ask_open_events:
        # A short text may share no sampled hash with the long one that it is cut from: ask the open events, too.
        for event in store.events.open_events(now):
            candidates.update(report.article_id for report in event.reports)
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
