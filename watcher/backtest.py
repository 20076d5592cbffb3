"""What rules would have said about the past: every article evaluated as `watcher match` does, then events as the daemon
makes them, each article's own date as the present.

The order of events is that of the articles' dates, whatever the order of the history. Two things differ from the days
themselves: pages are as they are stored now, and a copy that gives no signal of its own does not keep an event open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np

from watcher.bulk import Detect
from watcher.dedup import COPY_CONTAINMENT, EventPolicy, decide_article, text_to_compare
from watcher.explain import explain_article
from watcher.history import Advance, History, Record, date_of, read_record
from watcher.match import match_article
from watcher.model import Article, Event, EventChange, EventDecision, RuleStatus, Signal
from watcher.parallel import map_batches
from watcher.rulebook import event_policy
from watcher.rules.compile import CompiledRules, compile_rules, over_time_of
from watcher.rules.schema import RuleSet
from watcher.sequence import RuleMemory, one_for_each_rule, still_silent
from watcher.text.shingles import containment, shingles
from watcher.understand.gazetteer import Gazetteer


@dataclass(frozen=True, slots=True)
class Hit:
    """An article on which rules hold, as small as what follows allows."""

    number: int  # of its record
    article: Article  # without its text
    signals: tuple[tuple[Signal, ...], ...]  # of each rule set, without their matches
    partial: tuple[tuple[Signal, ...], ...]  # the same, of rules that speak over several articles
    silent: tuple[Mapping[str, str], ...]  # of each rule set: rule id to why it is silent where another set's speaks
    shingles: bytes  # 64-bit integers: thousands of sets would be ten times as large


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of a batch of records."""

    articles: int
    undated: int
    hits: tuple[Hit, ...]
    unusable: tuple[tuple[int, str], ...]  # line, and what is wrong with it
    begins_at: datetime | None  # the earliest date of its articles


@dataclass(slots=True)
class Evaluation:
    """Everything that the rules see in a history."""

    articles: int = 0
    undated: int = 0  # read as if first seen now
    hits: list[Hit] = field(default_factory=list)  # in order of date, then as recorded
    unusable: list[tuple[int, str]] = field(default_factory=list)
    begins_at: datetime | None = None  # the earliest date of an article that was looked at; None: there is none


@dataclass(frozen=True, slots=True)
class PastAlert:
    """An alert that would have gone out."""

    at: datetime
    article: Article  # without its text
    rule_ids: tuple[str, ...]  # that hold on the article, the most severe first
    audience: RuleStatus  # stable: everybody; test: those who test; draft: nobody, counted as if it were sent
    event_id: str
    changes: tuple[EventChange, ...]
    reason: str  # why it joined an event or opened one
    signals: tuple[Signal, ...]

    @property
    def is_update(self) -> bool:
        """Whether people had heard of the event before."""
        return EventChange.OPENED not in self.changes


@dataclass(frozen=True, slots=True)
class Quiet:
    """An article whose signals were no news for their event, or not enough for their rule."""

    article_id: str
    rule_ids: tuple[str, ...]
    reason: str  # "repeated: the same states: AM, AZ"


@dataclass(frozen=True, slots=True)
class Past:
    """What one rule set makes of a history."""

    alerts: tuple[PastAlert, ...]  # in order of time
    quiet: tuple[Quiet, ...]
    waiting: tuple[Quiet, ...]  # of rules over several articles, which did not speak yet: "counted 2 of 3"
    signals: Counter[str]  # by rule id
    events: Counter[str]  # by the rule that opened them


@dataclass(frozen=True, slots=True)
class _Spec:
    """What a worker needs; automata are built in it."""

    rule_sets: tuple[RuleSet, ...]
    detect: Detect
    now: datetime
    since: datetime | None


def evaluate_history(
    history: History,
    rule_sets: Sequence[RuleSet],
    *,
    detect: Detect,
    now: datetime,
    since: datetime | None,
    jobs: int,
    advance: Advance,
) -> Evaluation:
    """The articles on which a rule of any set holds, out of those dated ``since`` or later; None: out of all.

    ``now`` is when undated articles are taken to be first seen; ``advance`` is told how far it is.
    """
    evaluation = Evaluation()
    spec = _Spec(tuple(rule_sets), detect, now, since)
    for result in map_batches(_start, spec, history.records(), jobs=jobs):
        evaluation.articles += result.articles
        evaluation.undated += result.undated
        evaluation.hits.extend(result.hits)
        evaluation.begins_at = min(filter(None, (evaluation.begins_at, result.begins_at)), default=None)
        evaluation.unusable.extend(result.unusable)
        advance(history.position(), evaluation.articles)
    evaluation.hits.sort(key=lambda hit: (date_of(hit.article), hit.number))
    return evaluation


def _start(spec: _Spec) -> Callable[[list[Record]], BatchResult]:
    gazetteer = Gazetteer.load()
    compiled = [compile_rules(rule_set, gazetteer) for rule_set in spec.rule_sets]

    def evaluate(records: list[Record]) -> BatchResult:
        articles = undated = 0
        begins_at: datetime | None = None
        hits, unusable = [], []
        for record in records:
            try:
                article = read_record(record, detect=spec.detect, now=spec.now)
            except ValueError as error:
                unusable.append((record.number, str(error)))
                continue
            if spec.since is not None and date_of(article) < spec.since:
                continue
            articles += 1
            begins_at = min(date_of(article), begins_at or date_of(article))
            undated += article.published_at is None and isinstance(record.content, str)
            hit = _hit(record.number, article, compiled)
            if hit is not None:
                hits.append(hit)
        return BatchResult(articles, undated, tuple(hits), tuple(unusable), begins_at)

    return evaluate


def _hit(number: int, article: Article, compiled: Sequence[CompiledRules]) -> Hit | None:
    results = [match_article(rules, article) for rules in compiled]
    if not any(result.signals or result.partial for result in results):
        return None
    speaking = [{signal.rule_id for signal in (*result.signals, *result.partial)} for result in results]
    everywhere = frozenset().union(*speaking)
    return Hit(
        number=number,
        article=replace(article, text=""),
        signals=tuple(tuple(replace(signal, matches=()) for signal in result.signals) for result in results),
        partial=tuple(tuple(replace(signal, matches=()) for signal in result.partial) for result in results),
        silent=tuple(
            {rule_id: _why_silent(rules, article, rule_id) for rule_id in sorted(everywhere - here)}
            for rules, here in zip(compiled, speaking, strict=True)
        ),
        shingles=np.array(sorted(shingles(text_to_compare(article))), dtype=np.int64).tobytes(),
    )


def _why_silent(rules: CompiledRules, article: Article, rule_id: str) -> str:
    explained = explain_article(rules, article, rule_id=rule_id)
    return explained[0].reason if explained else "there is no such rule, or it is off"


def replay(
    hits: Iterable[Hit],
    rule_set: RuleSet,
    index: int = 0,
    now_of: Callable[[Article], datetime] = date_of,
    watched_since: datetime | None = None,
) -> Past:
    """The alerts of one rule set, the ``index``-th of those that were evaluated, over hits in order of ``now_of``.

    ``now_of`` tells when an article is decided about, ``watched_since`` where the past begins with which rules that
    count compare, be it without a hit; None: at the first hit.
    """
    statuses = {rule.rule: rule.status for rule in rule_set.rules}
    policies = {rule.rule: event_policy(rule) for rule in rule_set.rules}
    signals: Counter[str] = Counter()
    events: Counter[str] = Counter()
    alerts: list[PastAlert] = []
    quiet: list[Quiet] = []
    waiting: list[Quiet] = []
    # Rules of different audiences never share an event: a draft must neither open nor silence what is sent.
    memory = RuleMemory(over_time_of(rule_set), watched_since)
    timelines = {status: _Timeline(policies) for status in RuleStatus}
    for hit in hits:
        now = now_of(hit.article)
        by_status: dict[RuleStatus, list[Signal]] = {}
        hashes = frozenset(np.frombuffer(hit.shingles, dtype=np.int64).tolist())
        judged = memory.judge(hit.article, hit.partial[index], hashes)
        whole = one_for_each_rule(judged)
        waiting += [Quiet(hit.article.id, (one.rule_id,), outcome) for one, outcome in still_silent(judged)]
        for signal in (*hit.signals[index], *whole):
            signals[signal.rule_id] += 1
            by_status.setdefault(statuses[signal.rule_id], []).append(signal)
        for status, found in by_status.items():
            for decision in timelines[status].decide(hit, hashes, found, now):
                rule_ids = tuple(dict.fromkeys(signal.rule_id for signal in decision.signals))
                if len(decision.event.reports) == 1 and _opens(decision):
                    events[decision.event.rule_id] += 1
                if not decision.is_news:
                    changes = ", ".join(change.value for change in decision.changes)
                    quiet.append(Quiet(hit.article.id, rule_ids, f"{changes}: {decision.reason}"))
                    continue
                alerts.append(
                    PastAlert(
                        at=now,
                        article=hit.article,
                        rule_ids=rule_ids,
                        audience=status,
                        event_id=decision.event.id,
                        changes=decision.changes,
                        reason=decision.reason,
                        signals=decision.signals,
                    )
                )
    return Past(tuple(alerts), tuple(quiet), tuple(waiting), signals, events)


def _opens(decision: EventDecision) -> bool:
    return not {EventChange.OPENED, EventChange.HELD}.isdisjoint(decision.changes)


class _Timeline:
    """The events that are open as time goes on."""

    def __init__(self, policies: Mapping[str, EventPolicy]) -> None:
        # One timeline has the rules of one status, so it need not tell test events from others.
        self._policies = {rule_id: replace(policy, is_test=False) for rule_id, policy in policies.items()}
        self._open: dict[str, Event] = {}
        self._shingles: dict[str, frozenset[int]] = {}  # of the articles in open events

    def decide(
        self, hit: Hit, hashes: frozenset[int], signals: Sequence[Signal], now: datetime
    ) -> tuple[EventDecision, ...]:
        """The decisions about one article's signals; ``hashes`` are the shingles of its text."""
        self._open = {key: event for key, event in self._open.items() if now - event.last_seen_at <= event.group_for}
        known = {report.article_id for event in self._open.values() for report in event.reports}
        self._shingles = {key: hashes for key, hashes in self._shingles.items() if key in known}
        same_text = frozenset(
            article_id
            for article_id, others in self._shingles.items()
            if article_id != hit.article.id and containment(hashes, others) >= COPY_CONTAINMENT
        )
        open_events = tuple(self._open.values())
        decisions = decide_article(signals, hit.article, self._policies, open_events, same_text, now)
        for decision in decisions:
            for event_id in decision.absorbed:
                del self._open[event_id]
            self._open[decision.event.id] = decision.event
            self._shingles[hit.article.id] = hashes
        return decisions


class Period(StrEnum):
    """How long the spans are that alerts are counted over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# More rows than about forty are no table any more.
_LONGEST = ((timedelta(days=40), Period.DAY), (timedelta(weeks=40), Period.WEEK), (timedelta(days=1240), Period.MONTH))


def period_of(first: date, last: date) -> Period:
    """The shortest span that gives a table of a readable length."""
    return next((period for longest, period in _LONGEST if last - first <= longest), Period.YEAR)


def start_of(day: date, period: Period) -> date:
    """The first day of the span that a day is in; weeks begin on Monday."""
    if period is Period.WEEK:
        return day - timedelta(days=day.weekday())
    if period is Period.MONTH:
        return day.replace(day=1)
    return day.replace(month=1, day=1) if period is Period.YEAR else day


def label_of(start: date, period: Period) -> str:
    """A span for people: 2026, 2026-03, or its first day."""
    return start.isoformat()[: {Period.YEAR: 4, Period.MONTH: 7}.get(period, 10)]


def starts_between(first: date, last: date, period: Period) -> Iterator[date]:
    """The first day of every span from the one of ``first`` to the one of ``last``, empty ones too."""
    start = start_of(first, period)
    while start <= last:
        yield start
        # Thirty-two days after the first of a month is in the next month, 366 after the first of January in the next
        # year.
        ahead = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 32, Period.YEAR: 366}[period]
        start = start_of(start + timedelta(days=ahead), period)


def count_alerts(alerts: Iterable[PastAlert], period: Period) -> dict[date, Counter[str]]:
    """By first day of the span, how many alerts each rule had a part in; spans without any are left out."""
    counts: dict[date, Counter[str]] = {}
    for alert in alerts:
        counts.setdefault(start_of(alert.at.date(), period), Counter()).update(alert.rule_ids)
    return counts
