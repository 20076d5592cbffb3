"""Which rules hold on an article: (compiled rules, article) to signals, with what was skipped and suppressed, and why.

There is one evaluator, `work_out_rule`. Here it runs only for rules that can still hold; `watcher.explain` lets it run
for any rule and shows its verdict.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from itertools import chain

from ahocorasick_rs import AhoCorasick

from watcher.model import Article, Cue, Denial, Field, Match, Signal, Skipped, Span, Stance, Toll
from watcher.rules.compile import CompiledClue, CompiledRule, CompiledRules, CompiledUnless, CompiledWindow
from watcher.rules.schema import Part
from watcher.rules.search import Search
from watcher.text.dates import find_dates
from watcher.text.fold import fold_term
from watcher.text.reading import Reading
from watcher.understand.casualties import Casualty, find_casualties_in, sentences_with_casualties, toll
from watcher.understand.roles import Role, find_roles
from watcher.understand.stance import Judgement, judge
from watcher.understand.states import ORGANISATION, StateMention, find_states

_NOWHERE: Set[int] = frozenset()
# Somebody denies, rather than that something is not so; beginnings of folded words of seven languages.
_DENYING = {  # with what must follow the beginning
    **dict.fromkeys("deny denies denied denial refut reject dismiss rebut".split(), ""),
    **dict.fromkeys("опроверг отрица отверг опроверж запереч спрост yalanla reddet inkar".split(), ""),
    **dict.fromkeys("dement nieg rechaz انكر كذب".split(), ""),
    "nie": "(?! pas)",
    "refuse d": "",
    "neg": r"(?:o|ar|aron|ando)(?!\w)",
    "desm": "i?nt",
    "نف": "(?:ي|ى|ت|ا)",
}
_DENIES = re.compile(rf"(?<!\w)(?:{'|'.join(map(''.join, _DENYING.items()))})")
_BEGINS_DENIAL = AhoCorasick(list(_DENYING), store_patterns=False)  # spares the expression most of the text
_SEVERAL = 2  # parties in a clause: one alone may have its counterpart in the rest of the sentence
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A rule that held, and the exception that stopped its signal."""

    rule_id: str
    name: str  # of the exception
    because: str


@dataclass(frozen=True, slots=True)
class MatchResult:
    """What the rules make of one article; each tuple in the order of the rule ids."""

    signals: tuple[Signal, ...]
    skipped: tuple[Skipped, ...]
    suppressed: tuple[Suppressed, ...]
    partial: tuple[Signal, ...] = ()  # of rules that speak over several articles (`watcher.sequence` decides)
    denials: tuple[Denial, ...] = ()  # of what rules look for that do not hold


@dataclass(frozen=True, slots=True)
class Item:
    """A place that a clue speaks of; half-open offsets in ``reading.full``."""

    start: int
    end: int
    sentence: int
    paragraph: int
    stance: Stance | None = None
    cue: tuple[int, int] | None = None
    state: str | None = None
    casualty: Casualty | None = None
    rejected: str | None = None  # why it does not count

    def __hash__(self) -> int:
        return hash((self.start, self.end))  # enough to tell nearly all of them apart


@dataclass(frozen=True)
class Finding:
    """What a clue finds in an article as a whole."""

    clue: CompiledClue
    items: tuple[Item, ...]  # in text order, those that do not count included
    counted: tuple[Item, ...]

    @cached_property
    def holds(self) -> bool:
        """Whether what counts is enough for the clue."""
        return _is_enough(self.clue, self.counted)

    @property
    def detail(self) -> str:
        """What was found against what is asked for."""
        return _told(self.clue, self.counted)


@dataclass(frozen=True, slots=True)
class FoundWindow:
    """A smallest run of sentences that by itself holds all clues of a ``close_together``; ``last`` is inside."""

    first: int
    last: int
    items: Mapping[str, tuple[Item, ...]]  # by clue
    states: frozenset[str]
    clauses: tuple[tuple[int, int], ...] = ()  # those that alone gave the states; empty: the whole window did


@dataclass(frozen=True, slots=True)
class WindowFinding:
    """The windows that satisfy a ``close_together``."""

    window: CompiledWindow
    found: tuple[FoundWindow, ...]  # in text order
    used: tuple[FoundWindow, ...]  # the first, and the others that speak of no further state


@dataclass(frozen=True, slots=True)
class UnlessFinding:
    """What an exception makes of a rule that holds."""

    unless: CompiledUnless
    applies: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that decided about one rule on one article."""

    rule: CompiledRule
    findings: Mapping[str, Finding]
    windows: tuple[WindowFinding, ...]
    held: frozenset[str]  # clues
    missing: tuple[str, ...]  # clues that `alert_when` lacks, or that `none_of` forbids and that are there
    holds: bool  # conditions and windows, exceptions aside
    unless: tuple[UnlessFinding, ...]
    signal: Signal | None


def match_article(rules: CompiledRules, article: Article, now: datetime | None = None) -> MatchResult:
    """The signals of an article, what suppressed others, and which rules did not look.

    ``now`` is the present that ages are measured against; None: the article's own date.
    """
    gated = rules.gated(article)
    signals: list[Signal] = []
    suppressed: list[Suppressed] = []
    partial: list[Signal] = []
    denials: list[Denial] = []
    if gated.rules:
        facts = Facts(rules, article, now)
        for index in sorted(facts.search.candidates() & gated.rules):
            verdict = decide_rule(rules.rules[index], facts)
            if verdict is None:
                if facts.may_deny:
                    denials.extend(_denials(rules.rules[index], facts))
                continue
            if verdict.signal is None:
                suppressed.extend(suppressed_by(verdict))
            elif verdict.rule.over_time is None:
                signals.append(verdict.signal)
            else:
                partial.append(verdict.signal)
    return MatchResult(tuple(signals), gated.skipped, tuple(suppressed), tuple(partial), tuple(denials))


def _denials(rule: CompiledRule, facts: Facts) -> Iterable[Denial]:
    """The first place where a state denies what one of the rule's clues looks for."""
    if rule.over_time is not None:
        return
    reading = facts.reading
    for clue in rule.clues.values():
        if (clue.phrases is None and clue.regex is None) or Stance.DENIED in clue.accept or not facts.can_find(clue):
            continue
        for item in facts.finding(clue).items:
            if item.stance is not Stance.DENIED or item.cue is None:
                continue
            sentence = reading.sentences[item.sentence]
            if not _DENIES.match(fold_term(reading.full[slice(*item.cue)])):
                continue
            named = [one for one in facts.states_in(item.sentence) if one.excluded is None]
            before = [one for one in named if one.start < item.cue[0]]
            if not named:
                continue
            denier = before[-1] if before else named[0]
            yield Denial(
                rule_id=rule.id,
                family=rule.family,
                article_id=facts.article.id,
                at=facts.published_at,
                states=tuple(sorted({one.code for one in named})),
                denied_by=denier.code,
                words=reading.full[sentence.start : sentence.end].strip(),
            )
            return


def suppressed_by(verdict: Verdict) -> tuple[Suppressed, ...]:
    """The first exception that stopped a rule that holds, if one did."""
    for finding in verdict.unless:
        if verdict.holds and finding.applies:
            return (Suppressed(verdict.rule.id, finding.unless.name, finding.unless.because),)
    return ()


class Facts:
    """What is known of one article, found when first asked for and shared by all rules. For one thread."""

    def __init__(self, rules: CompiledRules, article: Article, now: datetime | None) -> None:
        self.article = article
        self.published_at = article.published_at or article.first_seen_at
        self.now = now or self.published_at
        try:
            self.reading, self.search = self._read(rules, article.title, article.text)
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry and no text can hold
            title, text = (_LONE_SURROGATE.sub("\ufffd", field) for field in (article.title, article.text))
            self.reading, self.search = self._read(rules, title, text)
        rules.cues.give(self.reading)
        self._gazetteer = rules.gazetteer
        self._regexes = rules.regexes
        self._findings: dict[int, Finding] = {}
        self._places: dict[int, dict[int, list[tuple[int, int]]]] = {}  # of phrases and expressions, by sentence
        self._items: dict[tuple[object, ...], tuple[Item, ...]] = {}  # by what is looked for, and sentence
        self._judgements: dict[tuple[int, int], Judgement] = {}  # by place

    def _read(self, rules: CompiledRules, title: str, text: str) -> tuple[Reading, Search]:
        reading = Reading.of(title, text, self.article.language, self.published_at)
        return reading, Search(rules, reading)

    def finding(self, clue: CompiledClue) -> Finding:
        """What the clue finds in the whole article."""
        known = self._findings.get(clue.key)
        if known is None:
            known = self._findings[clue.key] = self._find(clue, self._sentences_of(clue))
        return known

    def finding_near(self, clue: CompiledClue, sentences: Set[int]) -> Finding:
        """What the clue finds, looked for in these sentences at least; whether it holds is said of them alone."""
        known = self._findings.get(clue.key)
        if known is not None:
            return known
        if clue.kind == "states":
            return self._find(clue, (index for index in sorted(sentences) if self.reading.sentence(index)))
        return self._find(clue, sorted(sentences & self._sentences_of(clue)))

    def _find(self, clue: CompiledClue, sentences: Iterable[int]) -> Finding:
        items = tuple(chain.from_iterable(self._items_in(clue, index) for index in sentences))
        return Finding(clue, items, tuple(item for item in items if item.rejected is None))

    def _items_in(self, clue: CompiledClue, sentence: int) -> tuple[Item, ...]:
        """What a clue finds in a sentence; clues that differ only in how many they count as enough find the same."""
        listed = (clue.one_from, clue.all_from)
        key = (clue.kind, clue.phrases, clue.not_phrases, clue.regex, listed, clue.parts, clue.accept, sentence)
        known = self._items.get(key)
        if known is None:
            if clue.kind == "states":
                items = self._state_items(clue, sentence)
            elif clue.kind in ("killed", "injured"):
                items = self._casualty_items(clue, sentence)
            else:
                items = self._phrase_items(clue, self._places_of(clue)[sentence])
            known = self._items[key] = tuple(items)
        return known

    def _sentences_of(self, clue: CompiledClue) -> Set[int]:
        """The sentences, in order, outside which the clue has nothing."""
        if clue.kind == "states":
            return self._all_sentences
        if clue.kind in ("killed", "injured"):
            return sentences_with_casualties(self.reading).keys() if self.search.has_casualty_trigger else _NOWHERE
        return self._places_of(clue).keys()

    @cached_property
    def _all_sentences(self) -> Set[int]:
        return dict.fromkeys(range(len(self.reading.sentences))).keys()

    def _places_of(self, clue: CompiledClue) -> Mapping[int, list[tuple[int, int]]]:
        """Where the phrases or the expression of a clue match, by sentence."""
        known = self._places.get(clue.key)
        if known is None:
            found = self._regex_matches(clue.regex) if clue.regex is not None else ()
            if clue.phrases is not None:
                found = self.search.matches(clue.phrases)
            known = self._places[clue.key] = {}
            for start, end in found:
                known.setdefault(self.reading.sentence_at(start).index, []).append((start, end))
        return known

    def can_find(self, clue: CompiledClue) -> bool:
        """Whether the clue can hold at all, by the terms that were met alone."""
        if clue.phrases is not None:
            return self.search.may_have(clue.phrases)
        if clue.regex is not None:
            return self.search.may_match(clue.regex)
        return clue.kind == "states" or self.search.has_casualty_trigger

    def _regex_matches(self, text: str) -> Sequence[tuple[int, int]]:
        """Where the expression matches, in the title and in the text each by itself."""
        if not self.search.may_match(text):
            return []
        reading, regex = self.reading, self._regexes[text]
        start = reading.text_start
        found = list(regex.spans(reading.full[: reading.title_end]))
        found += [(start + first, start + last) for first, last in regex.spans(reading.full[start:])]
        repeated = reading.repeated_title if found else None
        return [one for one in found if not (repeated and repeated[0] <= one[0] and one[1] <= repeated[1])]

    def _phrase_items(self, clue: CompiledClue, found: Iterable[tuple[int, int]]) -> list[Item]:
        reading = self.reading
        others = () if clue.not_phrases is None else self.search.matches(clue.not_phrases)
        items = []
        for start, end in found:
            judgement = self._judgements.get((start, end))
            if judgement is None:
                judgement = self._judgements[start, end] = judge(reading, start, end)
            rejected = (
                self._outside(clue, start, end)
                or self._beside(others, start, end)
                or _refused(judgement.stance, clue.accept)
            )
            items.append(self._item(start, end, judgement.stance, judgement.cue, rejected=rejected))
        return items

    def _state_items(self, clue: CompiledClue, index: int) -> list[Item]:
        listed = (clue.one_from or frozenset()) | (clue.all_from or frozenset())
        items = []
        for m in self.states_in(index):
            excluded = None if m.excluded == ORGANISATION and m.code in listed else m.excluded
            rejected = excluded or self._outside(clue, m.start, m.end)
            items.append(self._item(m.start, m.end, state=m.code, rejected=rejected))
        return items

    @cached_property
    def may_deny(self) -> bool:
        """Whether a word of denying stands in the text; costs more than the search for all rules together."""
        text = self.reading.folded.text
        hits = _BEGINS_DENIAL.find_matches_as_indexes(text, overlapping=True)
        return any(_DENIES.match(text, start) for _, start, _ in hits)

    def states_in(self, index: int) -> Sequence[StateMention]:
        """The names of states in a sentence, those that name no party included."""
        return find_states(self.reading, self._gazetteer, self.reading.sentence(index))

    def role_of(self, item: Item) -> Role | None:
        """What a state does beside the deed; None: it may be a party to it."""
        return find_roles(self.reading, self._gazetteer, self.reading.sentences[item.sentence]).get(item.start)

    def _casualty_items(self, clue: CompiledClue, index: int) -> list[Item]:
        return [
            self._item(
                c.start,
                c.end,
                c.stance,
                c.cue,
                casualty=c,
                rejected=self._outside(clue, c.start, c.end) or _refused(c.stance, clue.accept),
            )
            for c in find_casualties_in(self.reading, self._gazetteer, index)
            if c.kind == clue.kind
        ]

    def _item(
        self,
        start: int,
        end: int,
        stance: Stance | None = None,
        cue: tuple[int, int] | None = None,
        *,
        state: str | None = None,
        casualty: Casualty | None = None,
        rejected: str | None = None,
    ) -> Item:
        sentence = self.reading.sentence_at(start)
        return Item(start, end, sentence.index, sentence.paragraph, stance, cue, state, casualty, rejected)

    def _outside(self, clue: CompiledClue, start: int, end: int) -> str | None:
        """Why the place is in no part of the article that the clue looks at."""
        reading = self.reading
        if not clue.parts:
            return None
        is_in = {
            Part.TITLE: end <= reading.title_end,
            Part.LEAD: end <= reading.lead_end,
            Part.BODY: start >= reading.lead_end,
        }
        if any(is_in[part] for part in clue.parts):
            return None
        return f"not in the {' or '.join(sorted(clue.parts))}"

    def _beside(self, others: Sequence[tuple[int, int]], start: int, end: int) -> str | None:
        """Why a phrase of ``not_phrases`` takes the match away: it overlaps, or shares its clause."""
        if not others:
            return None
        low = min(start, self.reading.clause_at(start)[0])
        high = max(end, self.reading.clause_at(end - 1)[1])
        for first, last in others:
            if first < high and last > low:
                return f"beside “{self.reading.full[first:last]}”"
        return None

    def cue_of(self, item: Item) -> Cue | None:
        """The words that decided its stance."""
        if item.cue is None:
            return None
        span = self.reading.span(*item.cue)
        return Cue(self._text_at(span), span)

    def _text_at(self, span: Span) -> str:
        """The words of the article as stored."""
        return (self.article.title if span.field is Field.TITLE else self.article.text)[span.start : span.end]

    def match_of(self, name: str, item: Item) -> Match:
        """The item as a match of the clue of that name."""
        span = self.reading.span(item.start, item.end)
        return Match(
            clue=name,
            text=self._text_at(span),
            span=span,
            stance=item.stance,
            cue=self.cue_of(item),
            state=item.state,
            toll=_toll_of(item.casualty),
        )


def _toll_of(casualty: Casualty | None) -> Toll | None:
    return None if casualty is None else Toll(casualty.at_least, casualty.at_most, casualty.vague)


def _refused(stance: Stance, accept: frozenset[Stance]) -> str | None:
    return None if stance in accept else f"{stance}, and only {' or '.join(sorted(accept))} counts"


def _is_enough(clue: CompiledClue, items: Sequence[Item]) -> bool:
    """Whether these items reach the clue's own threshold."""
    if clue.kind in ("phrases", "regex"):
        return bool(items)
    if clue.kind == "states":
        codes = _codes(items)
        return (
            len(codes) >= clue.at_least
            and (clue.one_from is None or not codes.isdisjoint(clue.one_from))
            and (clue.all_from is None or codes <= clue.all_from)
        )
    counted = _toll(clue, items)
    return counted is not None and counted.at_least >= clue.at_least


def _told(clue: CompiledClue, items: Sequence[Item]) -> str:
    """What these items come to, against the clue's own threshold."""
    if clue.kind in ("phrases", "regex"):
        return f"{len(items)} found"
    if clue.kind == "states":
        codes = _codes(items)
        listed = ", ".join(sorted(codes)) or "none"
        if len(codes) < clue.at_least:
            return f"{listed}: {len(codes)} of {clue.at_least}"
        if clue.one_from is not None and codes.isdisjoint(clue.one_from):
            return f"{listed}: none on the list"
        if clue.all_from is not None and not codes <= clue.all_from:
            return f"{listed}: not on the list: {', '.join(sorted(codes - clue.all_from))}"
        return listed
    counted = _toll(clue, items)
    if counted is None:
        return f"no figure that counts: at least {clue.at_least} wanted"
    return f"{counted}: at least {clue.at_least} wanted"


def _toll(clue: CompiledClue, items: Iterable[Item]) -> Toll | None:
    found = toll(_casualties(items), clue.kind, clue.accept)
    return None if found is None else found[0]


def _casualties(items: Iterable[Item]) -> tuple[Casualty, ...]:
    return tuple(item.casualty for item in items if item.casualty is not None)


def _codes(items: Iterable[Item]) -> frozenset[str]:
    return frozenset(item.state for item in items if item.state is not None)


def decide_rule(rule: CompiledRule, facts: Facts) -> Verdict | None:
    """The verdict on a rule that holds, exceptions aside; None for one that does not, the cheapest doubts first.

    A clue that must stand close to others is looked for only there, which makes no difference to the signal.
    """
    findings = _find_near(rule, facts)
    if findings is None:
        return None
    verdict = _verdict(rule, facts, findings)
    return verdict if verdict.holds else None


def work_out_rule(rule: CompiledRule, facts: Facts) -> Verdict:
    """The verdict on a rule, whether it holds or not, with every clue worked out to the end."""
    return _verdict(rule, facts, {name: facts.finding(clue) for name, clue in rule.clues.items()})


def _verdict(rule: CompiledRule, facts: Facts, findings: Mapping[str, Finding]) -> Verdict:
    windows = tuple(_find_windows(rule, window, findings, facts) for window in rule.windows)
    held = _held(rule, findings, windows)
    missing = _missing(rule, held)
    holds = not missing and all(window.found for window in windows)
    used = _used_items(rule, findings, windows, held, facts)
    unless = tuple(_check_unless(one, facts, used, findings) for one in rule.unless)
    stopped = any(one.applies for one in unless)
    signal = _signal(rule, facts, used, windows) if holds and not stopped else None
    return Verdict(rule, findings, windows, held, missing, holds, unless, signal)


def _find_near(rule: CompiledRule, facts: Facts) -> Mapping[str, Finding] | None:
    """What the clues find where it can count; None: something that the rule needs is known to be missing."""
    clues = rule.clues
    if not all(facts.can_find(clues[name]) for name in rule.required):
        return None
    if rule.any_of and not any(facts.can_find(clues[name]) for name in rule.any_of):
        return None
    if rule.at_least and sum(facts.can_find(clues[name]) for name in rule.at_least[1]) < rule.at_least[0]:
        return None
    findings: dict[str, Finding] = {}
    for name in rule.cheapest_first:
        near = _sentences_near(rule, name, findings, facts.reading)
        found = facts.finding(clues[name]) if near is None else facts.finding_near(clues[name], near)
        if not found.counted or not _may_be_enough(clues[name], found.counted):
            return None
        findings[name] = found
        for window in rule.windows:
            # Clues that are nowhere close to each other spare the search for the rest.
            known = tuple(other for other in window.clues if other in findings)
            if (
                name in known
                and 1 < len(known) < len(window.clues)
                and not _find_windows(rule, replace(window, clues=known), findings, facts).found
            ):
                return None
    return {name: findings[name] if name in findings else facts.finding(clue) for name, clue in clues.items()}


def _sentences_near(
    rule: CompiledRule, name: str, findings: Mapping[str, Finding], reading: Reading
) -> Set[int] | None:
    """The sentences in which a clue can be close enough to what was found; None: anywhere."""
    windows = [window for window in rule.windows if name in window.clues]
    anywhere = not windows
    near: set[int] = set()
    for window in windows:
        known = [findings[other].counted for other in window.clues if other in findings]
        if not known:
            anywhere = True
            continue
        reaches = (_reach(items, window.sentences, reading) for items in known)
        near |= set.intersection(*reaches)
    return None if anywhere else near


def _reach(items: Iterable[Item], sentences: int | None, reading: Reading) -> set[int]:
    """The sentences that one window can hold together with one of these items."""
    if sentences is None:
        paragraphs = {item.paragraph for item in items}
        return {sentence.index for sentence in reading.sentences if sentence.paragraph in paragraphs}
    places = {item.sentence for item in items}
    return {place + apart for place in places for apart in range(1 - sentences, sentences)}


def _held(rule: CompiledRule, findings: Mapping[str, Finding], windows: Sequence[WindowFinding]) -> frozenset[str]:
    """The clues that hold. One that must be close to others holds where the window says so, or else by itself."""
    near: dict[str, bool] = {}
    for finding in windows:
        for name in finding.window.clues:
            near[name] = near.get(name, True) and bool(finding.found)
    return frozenset(name for name, finding in findings.items() if finding.holds or near.get(name, False))


def _missing(rule: CompiledRule, held: frozenset[str]) -> tuple[str, ...]:
    missing = {name for name in rule.all_of if name not in held}
    missing |= {name for name in rule.none_of if name in held}
    if held.isdisjoint(rule.any_of):
        missing |= set(rule.any_of)
    if rule.at_least and sum(name in held for name in rule.at_least[1]) < rule.at_least[0]:
        missing |= {name for name in rule.at_least[1] if name not in held}
    missing |= {name for window in rule.windows for name in window.clues if name not in held}
    return tuple(name for name in rule.clues if name in missing)


def _find_windows(
    rule: CompiledRule, window: CompiledWindow, findings: Mapping[str, Finding], facts: Facts
) -> WindowFinding:
    clues = {name: rule.clues[name] for name in window.clues}
    has_states = any(clue.kind == "states" for clue in clues.values())
    placed: dict[str, dict[int, list[Item]]] = {}
    for name in clues:
        here = placed[name] = {}
        for item in findings[name].counted:
            here.setdefault(_place(item, window.sentences), []).append(item)
    found = []
    for places in _smallest_runs(placed, clues, window.sentences or 1):
        held = {name: _within(here, places) for name, here in placed.items()}
        items = _without_bystanders(clues, held, facts)
        clauses = _telling_clauses(clues, items, facts.reading)
        if clauses:
            items = {
                name: tuple(i for i in here if i.state is None or facts.reading.clause_at(i.start) in clauses)
                for name, here in items.items()
            }
        states = _all_codes(items)
        found.append(FoundWindow(places[0], places[-1], items, states, clauses))
    decisive = next((one for one in found if _names_a_party(one, facts)), found[0] if found else None)
    used = tuple(one for one in found if not has_states or decisive is None or one.states <= decisive.states)
    return WindowFinding(window, tuple(found), used)


def _all_codes(items: Mapping[str, Sequence[Item]]) -> frozenset[str]:
    return frozenset().union(*map(_codes, items.values()))


def _names_a_party(window: FoundWindow, facts: Facts) -> bool:
    """Whether a state of the window is no mere mediator, announcer or the like."""
    return any(i.state is not None and facts.role_of(i) is None for here in window.items.values() for i in here)


def _without_bystanders(
    clues: Mapping[str, CompiledClue], items: Mapping[str, tuple[Item, ...]], facts: Facts
) -> Mapping[str, tuple[Item, ...]]:
    """The items without states that stand beside the deed, where enough others satisfy the clues."""
    if len(_all_codes(items)) < _SEVERAL:
        return items
    for is_weak, least in ((False, 1), (True, _SEVERAL)):
        kept = {
            name: tuple(i for i in here if i.state is None or (r := facts.role_of(i)) is None or r.is_weak != is_weak)
            for name, here in items.items()
        }
        if len(_all_codes(kept)) >= least and all(
            _is_enough(clue, kept[name]) for name, clue in clues.items() if clue.kind == "states"
        ):
            items = kept
    return items


def _telling_clauses(
    clues: Mapping[str, CompiledClue], items: Mapping[str, Sequence[Item]], reading: Reading
) -> tuple[tuple[int, int], ...]:
    """The clauses of a window of one sentence that hold all its clues and several states; the rest names bystanders.

    With the clause before one whose subject stands there: "Latvia and Lithuania announce that they expel".
    """
    if len(_all_codes(items)) <= _SEVERAL or len({i.sentence for here in items.values() for i in here}) != 1:
        return ()
    by_clause: dict[tuple[int, int], dict[str, list[Item]]] = {}
    for name, here in items.items():
        for item in here:
            by_clause.setdefault(reading.clause_at(item.start), {}).setdefault(name, []).append(item)
    telling: set[tuple[int, int]] = set()
    for clause, held in by_clause.items():
        if (
            held.keys() == clues.keys()
            and all(_is_enough(clue, held[name]) for name, clue in clues.items())
            and len(_codes(chain.from_iterable(held.values()))) >= _SEVERAL
        ):
            telling.update(reading.clauses_told_in(clause))
    return tuple(sorted(telling))


def _within(placed: Mapping[int, Sequence[Item]], places: Iterable[int]) -> tuple[Item, ...]:
    """The items at these places, in text order as they are placed."""
    return tuple(item for place in places if place in placed for item in placed[place])


def _place(item: Item, sentences: int | None) -> int:
    """What a window counts: the sentence that the item is in, or its paragraph."""
    return item.paragraph if sentences is None else item.sentence


def _smallest_runs(
    placed: Mapping[str, Mapping[int, Sequence[Item]]], clues: Mapping[str, CompiledClue], length: int
) -> list[list[int]]:
    """The runs of places, at most ``length`` long, that satisfy all clues and hold no shorter one that does."""
    places = sorted(set().union(*placed.values()))
    rarest = min(placed.values(), key=len)
    runs: list[tuple[int, int]] = []
    for first, start in enumerate(places):
        if not any(start + apart in rarest for apart in range(length)):
            continue
        widest = first
        while widest + 1 < len(places) and places[widest + 1] - start < length:
            widest += 1
        # Whether any part can satisfy all clues; keeps long texts with many names cheap.
        if not _all_satisfied(placed, clues, places[first : widest + 1], _may_be_enough):
            continue
        for last in range(first, widest + 1):
            if _all_satisfied(placed, clues, places[first : last + 1], _is_enough):
                runs.append((first, last))
                break
    smallest: list[list[int]] = []
    nearest_last: int | None = None
    for first, last in reversed(runs):
        if nearest_last is None or last < nearest_last:
            smallest.append(places[first : last + 1])
            nearest_last = last
    return smallest[::-1]


def _all_satisfied(
    placed: Mapping[str, Mapping[int, Sequence[Item]]],
    clues: Mapping[str, CompiledClue],
    places: Sequence[int],
    is_satisfied: Callable[[CompiledClue, Sequence[Item]], bool],
) -> bool:
    for name, here in placed.items():
        items = _within(here, places)
        if not items or not is_satisfied(clues[name], items):
            return False
    return True


def _may_be_enough(clue: CompiledClue, items: Sequence[Item]) -> bool:
    """Whether some part of these items may reach the clue's threshold."""
    return _most(clue, items) >= clue.at_least


def _most(clue: CompiledClue, items: Sequence[Item]) -> int:
    """No part of these items comes to more than this."""
    if clue.kind in ("phrases", "regex"):
        return clue.at_least
    if clue.kind == "states":
        return len(_codes(items))
    by_sentence: Counter[int] = Counter()  # figures are added up within a sentence at most
    for casualty in _casualties(items):
        by_sentence[casualty.sentence] += casualty.at_least
    return max(by_sentence.values(), default=0)


def _used_items(
    rule: CompiledRule,
    findings: Mapping[str, Finding],
    windows: Sequence[WindowFinding],
    held: frozenset[str],
    facts: Facts,
) -> dict[str, tuple[Item, ...]]:
    """By clue, the places that make the rule hold: in the windows where it has some, else everywhere."""
    used: dict[str, dict[Item, None]] = {}
    for finding in windows:
        for name in finding.window.clues:
            used.setdefault(name, {}).update((item, None) for one in finding.used for item in one.items[name])
    asked = {*rule.all_of, *rule.any_of, *(rule.at_least[1] if rule.at_least else ())}
    for name in rule.clues:
        if name in asked and name in held and name not in used:
            found = {name: findings[name].counted}
            if rule.clues[name].kind == "states":
                found = dict(_without_bystanders({name: rule.clues[name]}, found, facts))
            used[name] = dict.fromkeys(found[name])
    return {
        name: tuple(sorted(used[name], key=lambda item: (item.start, item.end))) for name in rule.clues if name in used
    }


def _check_unless(
    unless: CompiledUnless, facts: Facts, used: Mapping[str, Sequence[Item]], findings: Mapping[str, Finding]
) -> UnlessFinding:
    if unless.until is not None and facts.now.date() > unless.until:
        return UnlessFinding(unless, False, f"no longer applies: only until {unless.until}")
    details: list[str] = []
    applies = True
    for holds, detail in _conditions(unless, facts, used, findings):
        details.append(detail)
        applies = applies and holds
    return UnlessFinding(unless, applies, "; ".join(details))


def _conditions(
    unless: CompiledUnless, facts: Facts, used: Mapping[str, Sequence[Item]], findings: Mapping[str, Finding]
) -> Iterable[tuple[bool, str]]:
    """Each condition of the exception: whether it holds, and how."""
    if unless.clue is not None:
        yield _near(unless, facts.finding(unless.clue), facts, used, findings)
    if unless.title_has is not None:
        title_end = facts.reading.title_end
        found = [one for one in facts.search.matches(unless.title_has) if one[1] <= title_end]
        yield bool(found), f"title has {_quote(facts, *found[0])}" if found else "nothing of it in the title"
    if unless.older_than is not None:
        age = facts.now - facts.published_at
        yield age > unless.older_than, f"published {_age(age)} ago, the limit is {_age(unless.older_than)}"
    if unless.event_older_than is not None:
        yield _event_is_older(unless.event_older_than, facts, used)
    if unless.source_tags:
        tags = sorted(unless.source_tags.intersection(facts.article.tags))
        yield bool(tags), f"source has the tag {', '.join(tags)}" if tags else "source has none of the tags"


def _near(
    unless: CompiledUnless,
    finding: Finding,
    facts: Facts,
    used: Mapping[str, Sequence[Item]],
    findings: Mapping[str, Finding],
) -> tuple[bool, str]:
    if not finding.counted:
        rejected = next((item for item in finding.items), None)
        if rejected is None:
            return False, "not found"
        return False, f"{_quote(facts, rejected.start, rejected.end)}: {rejected.rejected}"
    if unless.of is None or unless.within is None:
        return True, f"found {_quote(facts, finding.counted[0].start, finding.counted[0].end)}"
    reach = unless.within.sentences
    others = {_place(other, reach) for other in used.get(unless.of) or findings[unless.of].counted}
    for item in finding.counted:
        place = _place(item, reach)
        if any(place + apart in others for apart in range(1 - (reach or 1), reach or 1)):
            return True, f"found {_quote(facts, item.start, item.end)} within {unless.within} of {unless.of}"
    return False, f"not within {unless.within} of {unless.of}"


def _event_is_older(limit: timedelta, facts: Facts, used: Mapping[str, Sequence[Item]]) -> tuple[bool, str]:
    """Whether the clauses of the matches date what they tell, and the newest of those dates is past the limit."""
    reading = facts.reading
    clauses = {reading.clause_at(item.start) for here in used.values() for item in here if item.stance is not None}
    dates = [
        mention
        for start, end in sorted(clauses)
        for mention in find_dates(reading.full, start, end, reading.language, reading.reference_at)
    ]
    if not dates:
        return False, "the text gives no date for it"
    newest = max(dates, key=lambda mention: (mention.latest, mention.earliest))
    is_older = datetime.combine(newest.latest, time.max, UTC) < facts.now - limit
    return is_older, f"the text dates it {newest.text} (until {newest.latest}), the limit is {_age(limit)}"


def _quote(facts: Facts, start: int, end: int) -> str:
    return f"“{' '.join(facts.reading.full[start:end].split())}”"


def _age(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours}h" if abs(hours) < 96 else f"{hours // 24}d"


def _signal(
    rule: CompiledRule,
    facts: Facts,
    used: Mapping[str, Sequence[Item]],
    windows: Sequence[WindowFinding],
) -> Signal:
    state_clues = [name for name, clue in rule.clues.items() if clue.kind == "states" and name not in rule.none_of]
    near = {name for finding in windows for name in finding.window.clues}
    in_windows = [name for name in state_clues if name in near]
    states = _codes(item for name in in_windows or state_clues for item in used.get(name, ()))
    matches = {
        (item.start, item.end, name): facts.match_of(name, item)
        for name, items in used.items()
        for item in _telling(rule.clues[name], items)
    }
    return Signal(
        rule_id=rule.id,
        rule_version=rule.version,
        family=rule.family,
        severity=rule.severity,
        article_id=facts.article.id,
        states=tuple(sorted(states)),
        killed=_highest(rule, used, "killed"),
        injured=_highest(rule, used, "injured"),
        matches=tuple(matches[key] for key in sorted(matches)),
        step=rule.step,
        items=_group_items(rule, facts, used, states) if rule.group_items else (),
    )


def _group_items(
    rule: CompiledRule, facts: Facts, used: Mapping[str, Sequence[Item]], states: frozenset[str]
) -> tuple[str, ...]:
    """The items, of the lists that the rule groups by, that the matches hold; the longest where one holds another."""
    found: set[str] = set()
    spans = [(item.start, item.end) for here in used.values() for item in here if item.state is None]
    for group in rule.group_items:
        found |= states & group.states
        places = [
            (start, end, text)
            for text, phrases in group.phrases
            for start, end in facts.search.matches(phrases)
            if any(first <= start and end <= last for first, last in spans)
        ]
        for start, end, text in places:
            if not any(first <= start and end <= last and last - first > end - start for first, last, _ in places):
                found.add(text)
    return tuple(sorted(found))


def _highest(rule: CompiledRule, used: Mapping[str, Sequence[Item]], kind: str) -> Toll | None:
    """The toll of the clues of a kind, over all places that made the rule hold; None: the rule looks for none."""
    tolls = [
        counted
        for name, items in used.items()
        if rule.clues[name].kind == kind and (counted := _toll(rule.clues[name], items)) is not None
    ]
    return max(tolls, key=lambda one: one.at_least, default=None)


def _telling(clue: CompiledClue, items: Sequence[Item]) -> list[Item]:
    """Of the places that count, those to show: the longest phrases, each state once, the figures that decided."""
    if clue.kind in ("phrases", "regex"):
        kept: list[Item] = []
        for item in sorted(items, key=lambda item: (item.start, -item.end)):
            if not kept or item.end > kept[-1].end:
                kept.append(item)
        return kept
    if clue.kind == "states":
        return list({item.state: item for item in reversed(items)}.values())
    counted = toll(_casualties(items), clue.kind, clue.accept)
    return [item for item in items if counted is not None and item.casualty in counted[1]]
