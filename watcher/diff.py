"""Which alerts two rule sets would have sent differently over the same history, and why one of them is silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from watcher.backtest import Evaluation, Hit, Past, PastAlert, replay
from watcher.model import RuleStatus
from watcher.rules.schema import RuleSet


class Side(StrEnum):
    """What a change of rules does with an alert."""

    GAINED = "gained"  # only the other rules send it
    LOST = "lost"  # only the current rules send it


@dataclass(frozen=True, slots=True)
class Difference:
    """An alert of one rule about one article that only one side sends."""

    side: Side
    alert: PastAlert
    rule_id: str
    why: str  # the other side sends nothing


@dataclass(frozen=True, slots=True)
class RuleSetDiff:
    """Two rule sets over one history."""

    differences: tuple[Difference, ...]  # in order of time, then rule
    current: Past
    other: Past


def diff_rule_sets(evaluation: Evaluation, current: RuleSet, other: RuleSet) -> RuleSetDiff:
    """The differences, of an evaluation with exactly these two rule sets in this order. Drafts send nothing."""
    sides = (
        replay(evaluation.hits, current, 0, watched_since=evaluation.begins_at),
        replay(evaluation.hits, other, 1, watched_since=evaluation.begins_at),
    )
    hits: dict[str, list[Hit]] = {}
    for hit in evaluation.hits:
        hits.setdefault(hit.article.id, []).append(hit)
    differences = [
        *_only_in(sides, 0, (current, other), hits, Side.LOST),
        *_only_in(sides, 1, (current, other), hits, Side.GAINED),
    ]
    differences.sort(key=lambda one: (one.alert.at, one.alert.article.id, one.rule_id, one.side))
    return RuleSetDiff(tuple(differences), *sides)


def _only_in(
    sides: tuple[Past, Past],
    speaking: int,
    rule_sets: tuple[RuleSet, RuleSet],
    hits: Mapping[str, list[Hit]],
    side: Side,
) -> Iterator[Difference]:
    silent = 1 - speaking
    sent = {key for alert in sides[silent].alerts for key in _keys(alert)}
    statuses = {rule.rule: rule.status for rule in rule_sets[silent].rules}
    unsaid = (*sides[silent].waiting, *sides[silent].quiet)
    quiet = {(one.article_id, rule_id): one.reason for one in unsaid for rule_id in one.rule_ids}
    for alert in sides[speaking].alerts:
        for article_id, rule_id, audience in _keys(alert):
            if (article_id, rule_id, audience) in sent:
                continue
            reasons = (hit.silent[silent].get(rule_id) for hit in hits[article_id] if _has(hit, speaking, rule_id))
            why = next((reason for reason in reasons if reason), None)
            if why is None and statuses.get(rule_id) is not audience:
                why = f"its status is {statuses.get(rule_id, RuleStatus.OFF)} there"
            yield Difference(
                side, alert, rule_id, why or quiet.get((article_id, rule_id), "it is part of another alert")
            )


def _has(hit: Hit, index: int, rule_id: str) -> bool:
    return any(signal.rule_id == rule_id for signal in (*hit.signals[index], *hit.partial[index]))


def _keys(alert: PastAlert) -> Iterator[tuple[str, str, RuleStatus]]:
    if alert.audience is not RuleStatus.DRAFT:
        yield from ((alert.article.id, rule_id, alert.audience) for rule_id in alert.rule_ids)
