"""Articles on which a rule lacks just one thing: which one, and the text that comes nearest to it.

The verdict is the evaluator's own. One thing is one clue (or one choice of clues), one distance, one clue that must not
be there, or one exception. The other clues must be as close together as the rule wants them. Of a rule over several
articles each article is looked at by itself: what a step lacks, or an article that is to be counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from watcher.bulk import Detect
from watcher.history import Advance, History, Record, date_of, read_record
from watcher.likeness import Likeness, Nearest, shorten
from watcher.match import Facts, Item, UnlessFinding, Verdict, work_out_rule
from watcher.model import Article
from watcher.parallel import map_batches
from watcher.rules.compile import (
    CompiledClue,
    CompiledRule,
    CompiledWindow,
    compile_rules,
)
from watcher.rules.schema import RuleSet
from watcher.text.reading import Reading
from watcher.understand.gazetteer import Gazetteer

_MOST = 0.6  # where nothing else but states is there


class MissKind(StrEnum):
    """What is wrong."""

    CLUE = "clue"  # is missing, or does not count
    DISTANCE = "distance"  # the clues are there, not close together
    FORBIDDEN = "forbidden"  # a clue of none_of is there
    EXCEPTION = "exception"  # an unless stops it


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that lacks one thing on an article."""

    article: Article  # without its text
    rule_id: str
    kind: MissKind
    names: tuple[str, ...]  # clues, several where one of them would do; or the name of the exception
    detail: str  # what was found against what is asked for
    nearest: tuple[Nearest, ...]  # the best first
    step: str | None = None  # of a rule of steps: the one that lacks it

    @property
    def part(self) -> str:
        """What lacks it: the rule, or a step of it."""
        return f"{self.rule_id}, step {self.step}" if self.step else self.rule_id


@dataclass(slots=True)
class NearMisses:
    """Every near miss in a history."""

    articles: int = 0
    found: list[NearMiss] = field(default_factory=list)  # in order of date, then of the history
    unusable: list[tuple[int, str]] = field(default_factory=list)  # line, and what is wrong with it


@dataclass(frozen=True, slots=True)
class _Spec:
    rule_set: RuleSet
    rule_id: str | None
    detect: Detect
    now: datetime
    since: datetime | None


_BatchResult = tuple[int, list[tuple[int, NearMiss]], list[tuple[int, str]]]


def find_near_misses(
    history: History,
    rule_set: RuleSet,
    rule_id: str | None,
    *,
    detect: Detect,
    now: datetime,
    since: datetime | None,
    jobs: int,
    advance: Advance,
) -> NearMisses:
    """The near misses of one rule, or of all; arguments as for `watcher.backtest.evaluate_history`."""
    misses = NearMisses()
    numbered: list[tuple[int, NearMiss]] = []
    spec = _Spec(rule_set, rule_id, detect, now, since)
    for articles, found, unusable in map_batches(_start, spec, history.records(), jobs=jobs):
        misses.articles += articles
        numbered.extend(found)
        misses.unusable.extend(unusable)
        advance(history.position(), misses.articles)
    numbered.sort(key=lambda one: (date_of(one[1].article), one[0], one[1].rule_id))
    misses.found = [miss for _, miss in numbered]
    return misses


def _start(spec: _Spec) -> Callable[[list[Record]], _BatchResult]:
    likeness = Likeness(compile_rules(spec.rule_set, Gazetteer.load()))

    def look(records: list[Record]) -> _BatchResult:
        articles = 0
        found: list[tuple[int, NearMiss]] = []
        unusable: list[tuple[int, str]] = []
        for record in records:
            try:
                article = read_record(record, detect=spec.detect, now=spec.now)
            except ValueError as error:
                unusable.append((record.number, str(error)))
                continue
            if spec.since is None or date_of(article) >= spec.since:
                articles += 1
                found.extend((record.number, miss) for miss in near_misses_of(likeness, article, spec.rule_id))
        return articles, found, unusable

    return look


def near_misses_of(likeness: Likeness, article: Article, rule_id: str | None = None) -> Iterator[NearMiss]:
    """The near misses of the rules on one article, its own date as the present, by rule id."""
    rules = likeness.rules
    facts = Facts(rules, article, None)
    for rule in rules.rules:
        if rule_id not in (None, rule.id) or rule.gate(article) is not None or not _can_be_near(rule, facts):
            continue
        miss = _near_miss(likeness, work_out_rule(rule, facts), facts)
        if miss is not None:
            yield replace(miss, step=rule.step)


def _can_be_near(rule: CompiledRule, facts: Facts) -> bool:
    """Whether no two things are known to be missing; the cheapest are looked at first."""
    missing = sum(not facts.can_find(rule.clues[name]) for name in rule.required)
    missing += bool(rule.any_of) and not any(facts.can_find(rule.clues[name]) for name in rule.any_of)
    if missing > 1:
        return False
    absent = 0
    for name in sorted(rule.required, key=lambda name: rule.clues[name].kind != "phrases"):
        absent += not facts.finding(rule.clues[name]).counted
        if absent > 1:
            return False
    return True


def _near_miss(likeness: Likeness, verdict: Verdict, facts: Facts) -> NearMiss | None:
    rule = verdict.rule
    if verdict.signal is not None:
        return None
    if verdict.holds:
        stopping = [finding for finding in verdict.unless if finding.applies]
        return _stopped(verdict, stopping[0], facts) if len(stopping) == 1 else None
    lacks = list(_lacks(verdict))
    absent = {name for kind, names in lacks if kind is MissKind.CLUE for name in names}
    too_far = _too_far(verdict, absent, facts)
    if len(lacks) + len(too_far) != 1:
        return None
    if too_far:
        return _apart(verdict, too_far[0], facts)
    [(kind, names)] = lacks
    nearest = [one for name in names for one in _nearest(likeness, rule.clues[name], verdict, facts)]
    only_states = all(rule.clues[name].kind == "states" for name in verdict.held)
    if kind is MissKind.CLUE and only_states and not any(one.share > _MOST for one in nearest):
        return None  # two states and nothing else is half of all news
    details = [verdict.findings[name].detail for name in names]
    if len(names) > 1:
        details = [f"{name}: {detail}" for name, detail in zip(names, details, strict=True)]
    return NearMiss(replace(facts.article, text=""), rule.id, kind, names, "; ".join(details), tuple(nearest))


def _lacks(verdict: Verdict) -> Iterator[tuple[MissKind, tuple[str, ...]]]:
    """Each thing that is missing or too much; alternatives are one."""
    rule, held = verdict.rule, verdict.held
    # A clue that only its distance takes away is there by itself.
    there = {name for name, finding in verdict.findings.items() if finding.holds} | held
    for name in rule.required:
        if name not in there:
            yield MissKind.CLUE, (name,)
    if rule.any_of and there.isdisjoint(rule.any_of):
        yield MissKind.CLUE, rule.any_of
    if rule.at_least:
        enough, names = rule.at_least
        absent = tuple(name for name in names if name not in there)
        for _ in range(enough - (len(names) - len(absent))):
            yield MissKind.CLUE, absent
    for name in rule.none_of:
        if name in held:
            yield MissKind.FORBIDDEN, (name,)


def _too_far(verdict: Verdict, absent: set[str], facts: Facts) -> list[CompiledWindow]:
    """The windows that are nowhere, the absent clues not asked for."""
    nowhere = [finding.window for finding in verdict.windows if not finding.found]
    asked = [
        (window, replace(window, clues=present))
        for window in nowhere
        if len(present := tuple(name for name in window.clues if name not in absent)) > 1
    ]
    tried = work_out_rule(replace(verdict.rule, windows=tuple(one for _, one in asked)), facts)
    return [window for (window, _), finding in zip(asked, tried.windows, strict=True) if not finding.found]


def _apart(verdict: Verdict, window: CompiledWindow, facts: Facts) -> NearMiss:
    anywhere = replace(window, sentences=len(facts.reading.sentences))
    [finding] = work_out_rule(replace(verdict.rule, windows=(anywhere,)), facts).windows
    nearest: tuple[Nearest, ...] = ()
    detail = f"nowhere within {window}"
    if finding.found:
        closest = min(finding.found, key=lambda one: one.last - one.first)
        sentences = closest.last - closest.first + 1
        detail = f"within {sentences} sentence{'s' if sentences > 1 else ''}, {window} wanted"
        items = sorted(item for here in closest.items.values() for item in _ends(here))
        quoted = " … ".join(dict.fromkeys(shorten(facts.reading.full[start:end], 60) for start, end in items))
        nearest = (Nearest(shorten(quoted), "not close enough"),)
    return NearMiss(replace(facts.article, text=""), verdict.rule.id, MissKind.DISTANCE, window.clues, detail, nearest)


def _ends(items: Sequence[Item]) -> set[tuple[int, int]]:
    """The first and the last place of a clue."""
    return {(items[0].start, items[0].end), (items[-1].start, items[-1].end)}


def _stopped(verdict: Verdict, finding: UnlessFinding, facts: Facts) -> NearMiss:
    because = f" ({finding.unless.because})" if finding.unless.because else ""
    return NearMiss(
        replace(facts.article, text=""),
        verdict.rule.id,
        MissKind.EXCEPTION,
        (finding.unless.name,),
        finding.detail + because,
        (),
    )


def _nearest(likeness: Likeness, clue: CompiledClue, verdict: Verdict, facts: Facts) -> Iterator[Nearest]:
    """What comes nearest to a clue: its places that do not count, else what is like its words."""
    finding = verdict.findings[clue.name]
    shown: set[str] = set()
    is_forbidden = clue.name in verdict.rule.none_of
    for item in finding.counted if is_forbidden else finding.items:
        text = " ".join(facts.reading.full[item.start : item.end].split())
        why = "is there" if is_forbidden else _why(item, facts)
        if why not in shown and len(shown) < 3:
            shown.add(why)
            yield Nearest(shorten(_around(facts.reading, item)) if clue.kind != "states" else text, f"“{text}”: {why}")
    if not finding.items and clue.phrases is not None:
        like = likeness.nearest(clue.phrases, facts.reading)
        if like is not None:
            yield like


def _why(item: Item, facts: Facts) -> str:
    if item.rejected is None:
        return f"counts for {item.state}" if item.state else "counts, and is not enough"
    cue = facts.cue_of(item)
    return f"{item.rejected} (cue “{cue.text}”)" if cue else item.rejected


def _around(reading: Reading, item: Item) -> str:
    sentence = reading.sentence_at(item.start)
    return reading.full[sentence.start : max(sentence.end, item.end)]
