"""How well rules find what people found by reading: precision, recall and F1 of each family over labelled articles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watcher.bulk import Detect, article_from_line
from watcher.explain import RuleOutcome, explain_article
from watcher.history import Record
from watcher.match import match_article
from watcher.model import Article, Signal
from watcher.rules.compile import CompiledRule, CompiledRules

FAMILY_OF_LABEL: Mapping[str, str] = {
    "T": "treaty",
    "C": "clash",
    "M": "mobilisation",
    "D": "rupture",
    "U": "ultimatum",
    "F": "ceasefire",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article with what a reader found in it."""

    article: Article
    families: frozenset[str]
    near: frozenset[str]  # families that are forgiven
    states: frozenset[str] | None  # parties; None: not judged
    killed: int | None
    injured: int | None
    is_ambiguous: bool  # a careful reader could disagree


@dataclass(frozen=True, slots=True)
class Mistake:
    """A family that the rules missed, or found where it is not."""

    article_id: str
    title: str
    language: str
    family: str
    is_miss: bool  # else a false alarm
    is_ambiguous: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one family, language or all."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0

    @property
    def precision(self) -> float | None:
        """Share of what was found that is right; None: nothing was found."""
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float | None:
        """Share of what is there that was found; None: nothing is there."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None: nothing is there and nothing was found."""
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)


@dataclass(frozen=True, slots=True)
class Exact:
    """How many of those that can be judged are exactly right."""

    right: int = 0
    judged: int = 0

    @property
    def share(self) -> float | None:
        """None: none can be judged."""
        return _share(self.right, self.judged)


@dataclass(frozen=True, slots=True)
class Score:
    """The score of some records."""

    records: int
    families: Mapping[str, Tally]
    micro: Tally
    languages: Mapping[str, Tally]
    parties: Exact  # states of a hit against the labelled ones
    killed: Exact  # figures of a hit against the labelled ones, where a number is labelled and the rule looks for it
    injured: Exact


@dataclass(slots=True)
class Scores:
    """Everything that scoring found out."""

    everything: Score
    without_ambiguous: Score
    mistakes: tuple[Mistake, ...]  # in the order of the records
    wrong_details: tuple[str, ...]  # hits with other parties or figures than labelled
    unusable: tuple[tuple[int, str], ...]  # line, and what is wrong with it


@dataclass(slots=True)
class _Judged:
    """What came of one record."""

    labelled: Labelled
    hits: list[Signal] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def read_labelled(line: str, *, detect: Detect, now: datetime) -> Labelled:
    """The labelled article of a line of JSON; raises `ValueError` naming what is wrong with it.

    Beside the keys of `watcher match`: ``labels`` and ``near`` (letters or names of families), ``states``,
    ``casualties`` (``killed``, ``injured``) and ``ambiguous``; all but ``labels`` may be left out.
    """
    article = article_from_line(line, detect=detect, now=now)
    record: dict[str, Any] = json.loads(line)
    if "labels" not in record:
        raise ValueError("labels: expected a list of families, found none")
    casualties = record.get("casualties") or {}
    if not isinstance(casualties, dict):
        raise ValueError('casualties: expected an object, like {"killed": 12, "injured": null}')
    return Labelled(
        article=article,
        families=_families(record, "labels"),
        near=_families(record, "near"),
        states=frozenset(_words(record, "states")) if record.get("states") is not None else None,
        killed=_number(casualties, "killed"),
        injured=_number(casualties, "injured"),
        is_ambiguous=bool(record.get("ambiguous")),
    )


def _families(record: Mapping[str, Any], key: str) -> frozenset[str]:
    return frozenset(FAMILY_OF_LABEL.get(label, label) for label in _words(record, key))


def _words(record: Mapping[str, Any], key: str) -> list[str]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"{key}: expected a list of words")
    return value


def _number(record: Mapping[str, Any], key: str) -> int | None:
    value = record.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"casualties.{key}: expected a number or null")
    return value


def score_records(rules: CompiledRules, records: Iterable[Record], *, detect: Detect, now: datetime) -> Scores:
    """The score over labelled articles; lines that cannot be read are left out and named."""
    labelled: list[Labelled] = []
    unusable: list[tuple[int, str]] = []
    for record in records:
        try:
            labelled.append(read_labelled(str(record.content), detect=detect, now=now))
        except ValueError as error:
            unusable.append((record.number, str(error)))
    # A desk's own family that nobody labelled can be neither right nor wrong.
    families = frozenset(FAMILY_OF_LABEL.values()).union(*(one.families | one.near for one in labelled))
    judged = [_judge(rules, one, families) for one in labelled]
    return Scores(
        everything=_score(rules, judged),
        without_ambiguous=_score(rules, [one for one in judged if not one.labelled.is_ambiguous]),
        mistakes=tuple(mistake for one in judged for mistake in one.mistakes),
        wrong_details=tuple(detail for one in judged for detail in _wrong_details(rules, one)),
        unusable=tuple(unusable),
    )


def _judge(rules: CompiledRules, labelled: Labelled, families: frozenset[str]) -> _Judged:
    article = labelled.article
    # The most severe signal of a family leads, as it does in an event.
    found: dict[str, Signal] = {}
    for signal in sorted(match_article(rules, article).signals, key=lambda one: (-one.severity, one.rule_id)):
        if signal.family in families:
            found.setdefault(signal.family, signal)
    judged = _Judged(labelled, hits=[found[family] for family in sorted(found) if family in labelled.families])
    wrong = [(family, True, _why_missed(rules, article, family)) for family in sorted(labelled.families - set(found))]
    alarms = sorted(found.keys() - labelled.families - labelled.near)
    wrong += [(family, False, _why_alarmed(found[family])) for family in alarms]
    judged.mistakes = [
        Mistake(article.id, article.title, article.language, family, is_miss, labelled.is_ambiguous, reason)
        for family, is_miss, reason in wrong
    ]
    return judged


def _why_missed(rules: CompiledRules, article: Article, family: str) -> str:
    """Why the rule of the family that came nearest is silent."""
    of_family = [rule.id for rule in rules.rules if rule.family == family]
    if not of_family:
        return f"no rule has the family {family}"
    order = {RuleOutcome.WAITING: 0, RuleOutcome.SUPPRESSED: 0, RuleOutcome.NO_MATCH: 1, RuleOutcome.SKIPPED: 2}
    explained = [one for rule_id in of_family for one in explain_article(rules, article, rule_id=rule_id)]
    nearest = min(explained, key=lambda one: (order.get(one.outcome, 3), len(one.missing), one.rule_id))
    details = [
        f"{node.label}: {child.detail}"
        for node in nearest.nodes
        if node.label.removeprefix("clue ") in nearest.missing
        for child in node.children[:2]
        if not child.passed
    ]
    return "; ".join([f"{nearest.rule_id}: {nearest.reason}", *details])


def _why_alarmed(signal: Signal) -> str:
    by_clue: dict[str, str] = {}
    for match in signal.matches:
        by_clue.setdefault(match.clue, f"{match.clue} “{' '.join(match.text.split())}”")
    return f"{signal.rule_id}: {', '.join(by_clue.values())}"


def _score(rules: CompiledRules, judged: Sequence[_Judged]) -> Score:
    counts: Counter[tuple[str, str, str]] = Counter()  # family, language, what
    for one in judged:
        language = one.labelled.article.language
        counts.update((signal.family, language, "hit") for signal in one.hits)
        counts.update((wrong.family, language, "miss" if wrong.is_miss else "alarm") for wrong in one.mistakes)
    families = dict.fromkeys([*FAMILY_OF_LABEL.values(), *sorted({family for family, _, _ in counts})])
    languages = sorted({one.labelled.article.language for one in judged})
    hits = [
        (one.labelled, signal, rule) for one in judged for signal in one.hits if (rule := rules.rule(signal.rule_id))
    ]
    return Score(
        records=len(judged),
        families={name: _tally(counts, family=name) for name in families},
        micro=_tally(counts),
        languages={name: _tally(counts, language=name) for name in languages},
        parties=_exact(_parties_are_right(labelled, signal, rule) for labelled, signal, rule in hits),
        killed=_exact(_toll_is_right("killed", labelled, signal, rule) for labelled, signal, rule in hits),
        injured=_exact(_toll_is_right("injured", labelled, signal, rule) for labelled, signal, rule in hits),
    )


def _tally(counts: Counter[tuple[str, str, str]], family: str | None = None, language: str | None = None) -> Tally:
    def total(what: str) -> int:
        return sum(
            number
            for (of_family, of_language, kind), number in counts.items()
            if kind == what and family in (None, of_family) and language in (None, of_language)
        )

    return Tally(total("hit"), total("alarm"), total("miss"))


def _exact(judgements: Iterable[bool | None]) -> Exact:
    judged = [one for one in judgements if one is not None]
    return Exact(sum(judged), len(judged))


def _looks_for(rule: CompiledRule, kind: str) -> bool:
    return any(clue.kind == kind for name, clue in rule.clues.items() if name not in rule.none_of)


def _parties_are_right(labelled: Labelled, signal: Signal, rule: CompiledRule) -> bool | None:
    if labelled.states is None or not _looks_for(rule, "states"):
        return None
    return frozenset(signal.states) == labelled.states


def _toll_is_right(kind: str, labelled: Labelled, signal: Signal, rule: CompiledRule) -> bool | None:
    wanted: int | None = getattr(labelled, kind)
    if wanted is None or not _looks_for(rule, kind):
        return None
    found = getattr(signal, kind)
    return found is not None and found.at_least == wanted


def _wrong_details(rules: CompiledRules, judged: _Judged) -> Iterable[str]:
    labelled = judged.labelled
    by_id = {rule.id: rule for rule in rules.rules}
    for signal in judged.hits:
        rule = by_id[signal.rule_id]
        if _parties_are_right(labelled, signal, rule) is False:
            expected = ", ".join(sorted(labelled.states or ())) or "none"
            yield f"{signal.article_id} {signal.rule_id}: states {', '.join(signal.states) or 'none'}, not {expected}"
        for kind in ("killed", "injured"):
            if _toll_is_right(kind, labelled, signal, rule) is False:
                found = getattr(signal, kind)
                yield f"{signal.article_id} {signal.rule_id}: {kind} {found or 'none'}, not {getattr(labelled, kind)}"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
