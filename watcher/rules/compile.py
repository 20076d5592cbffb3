"""Checked rules to what the evaluator reads: one automaton for the words of all rules, and each rule's conditions.

A phrase becomes patterns: slots of literal words with at most so many words between them. Only the slot that is least
often met, the pattern's anchor, is looked for in every text; the others are read off beside it. Equal patterns, lists
of phrases and clues of different rules are one, so that each is found once for an article.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple, TypeVar
from typing import Literal as OneOf

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

from watcher.errors import Problem, RuleError
from watcher.model import Article, RuleStatus, Severity, Skipped, Stance
from watcher.rules.building import without_collecting
from watcher.rules.phrases import Choice, Ending, Gap, ListRef, Number, Part, PhraseError, Word, parse_phrase
from watcher.rules.regex import Regex, compile_regex
from watcher.rules.schema import (
    AlertWhen,
    AndTimesUsual,
    Clue,
    CountOf,
    ListKind,
    Rule,
    RuleList,
    RulePart,
    RuleSet,
    Sharing,
    SourceGate,
    Unless,
)
from watcher.rules.schema import Part as ArticlePart
from watcher.text.fold import fold_term
from watcher.text.inflect import inflect
from watcher.text.numbers import number_forms
from watcher.understand.casualties import TRIGGERS
from watcher.understand.gazetteer import AddedNames, Gazetteer
from watcher.understand.stance import AddedCues, Cues

_Member = TypeVar("_Member")

MAX_FORMS = 5_000  # of one phrase, written out; a phrase that stands for more is a mistake or wants to be several
_MAX_PRODUCT = 128  # neighbours are written out together up to here, and looked for one after the other beyond
_MAX_PATTERNS = 256  # alternatives with gaps inside multiply

UNKNOWN_LANGUAGE = "und"
# A rule without `languages` reads every article; its own words are taken for English.
_DEFAULT_LANGUAGES = ("en",)

# Letters that some write as two, and the languages in which two letters may stand for the one.
_DOUBLE_LETTERS = (
    ("ß", "ss", frozenset({"de"})),
    ("œ", "oe", frozenset({"fr"})),
    ("æ", "ae", frozenset({"da", "fo", "is", "nb", "nn", "no"})),
    ("և", "եվ", frozenset({"hy"})),  # always so in capitals
    ("և", "եւ", frozenset({"hy"})),
)
# A clue of casualties is in more articles than any phrase worth a rule; a pivot only where there is no phrase.
_CASUALTY_RARITY = 1
# What a clue takes to work out. Figures before states: they stand in few sentences, names of states in most.
_COST = {"phrases": 0, "regex": 1, "killed": 2, "injured": 2, "states": 3}
_MAX_GATES = 4096  # distinct combinations of language, source and tags remembered
# A full table of transitions is searched three times as fast; it takes about 150 bytes for each byte of the terms.
_MAX_TABLE_BYTES = 100_000
_LEADING_MARKS = re.compile(r"^\W+")  # the . of .NET: words are looked for from their first letter or digit
LETTERS = re.compile(r"\w+")
# A word as gaps count them: 4,000, Baku's and l'état are one each.
WORD = re.compile(r"\w+(?:(?:'|(?<=\d)[.,٫٬](?=\d))\w+)*")


@dataclass(frozen=True, slots=True)
class Literal:
    """Words as they stand in folded text, joined by single spaces."""

    text: str
    is_stem: bool = False  # the last word may go on
    # (start, end) in ``text`` and the token that the original must have there
    capitals: tuple[tuple[int, int, str], ...] = ()
    is_name: bool = field(default=False, compare=False)  # written with a capital letter

    @property
    def rarity(self) -> int:
        """About how seldom it is met: long words and names less often than short ones and stems."""
        return len(self.text) - 2 * self.is_stem + 3 * self.is_name

    @property
    def words(self) -> int:
        """How many words it has."""
        return self.text.count(" ") + 1


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a pattern; any of its literals, the longest first, can fill it."""

    literals: tuple[Literal, ...]
    texts: tuple[str, ...]  # of the literals, each once
    max_words: int
    rarity: tuple[int, int]  # larger for a slot that is met less often: by its shortest literal, then by how few it has

    @classmethod
    def of(cls, literals: Iterable[Literal]) -> Slot:
        """The slot of these literals, in an order of its own."""
        kept = sorted(set(literals), key=lambda one: (-len(one.text), one.text, one.is_stem, one.capitals))
        texts = tuple(dict.fromkeys(one.text for one in kept))
        rarity = min(one.rarity for one in kept), -len(kept)
        return cls(tuple(kept), texts, max(one.words for one in kept), rarity)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Slots in the order of the text; ``gaps[i]`` words at most stand between slot i and the next, 0: neighbours."""

    slots: tuple[Slot, ...]
    gaps: tuple[int, ...]
    anchor: int  # the slot that every text is searched for

    @classmethod
    def of(cls, slots: tuple[Slot, ...], gaps: tuple[int, ...]) -> Pattern:
        """The pattern of these slots, anchored at the one that is met least often."""
        return cls(slots, gaps, max(range(len(slots)), key=lambda index: (slots[index].rarity, -index)))

    @property
    def anchor_slot(self) -> Slot:
        return self.slots[self.anchor]

    @property
    def forms(self) -> tuple[tuple[str, ...], ...]:
        """What people are shown: the literals of each slot, a stem with its star."""
        return tuple(tuple(one.text + "*" * one.is_stem for one in slot.literals) for slot in self.slots)


@dataclass(frozen=True, slots=True)
class CompiledClue:
    """A clue; equal ones of several rules share ``key`` and are found once for each article."""

    key: int
    name: str
    kind: OneOf["phrases", "states", "killed", "injured", "regex"]
    accept: frozenset[Stance]
    parts: frozenset[ArticlePart]  # empty: everywhere
    at_least: int = 1
    phrases: int | None = None  # index into ``CompiledRules.phrase_sets``
    not_phrases: int | None = None
    one_from: frozenset[str] | None = None
    all_from: frozenset[str] | None = None
    regex: str | None = None  # key of ``CompiledRules.regexes``


@dataclass(frozen=True, slots=True)
class CompiledWindow:
    """Clues that must hold within so many sentences in a row; None: one paragraph."""

    clues: tuple[str, ...]
    sentences: int | None

    def __str__(self) -> str:
        if self.sentences is None:
            return "one paragraph"
        return f"{self.sentences} sentence{'s' if self.sentences > 1 else ''}"


@dataclass(frozen=True, slots=True)
class CompiledUnless:
    """An exception; every condition that it has must hold."""

    name: str
    because: str
    until: date | None
    clue: CompiledClue | None  # its phrases, as a clue
    of: str | None
    within: CompiledWindow | None
    title_has: int | None  # index into ``CompiledRules.phrase_sets``
    older_than: timedelta | None
    event_older_than: timedelta | None
    source_tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class ListItems:
    """A list that a rule groups its events by: what tells which of its items an article names."""

    phrases: tuple[tuple[str, int], ...] = ()  # each item as written, with its index into ``phrase_sets``
    states: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class InSequence:
    """Steps that must happen in this order, from the first to the last within the time."""

    steps: tuple[str, ...]
    within: timedelta
    sharing: Sharing | None


@dataclass(frozen=True, slots=True)
class Counted:
    """So many reports, or publishers, within a sliding window of the time."""

    of: CountOf
    at_least: int
    within: timedelta
    per_state: bool
    usual: AndTimesUsual | None


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule as the evaluator reads it; a rule of steps is one for each step, all with the rule's id."""

    id: str
    version: str
    title: str
    family: str
    severity: Severity
    languages: frozenset[str]  # empty: every language
    source_tags: frozenset[str]
    not_source_tags: frozenset[str]
    source_ids: frozenset[str]
    clues: Mapping[str, CompiledClue]
    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    none_of: tuple[str, ...]
    at_least: tuple[int, tuple[str, ...]] | None
    windows: tuple[CompiledWindow, ...]
    unless: tuple[CompiledUnless, ...]
    step: str | None = None
    over_time: InSequence | Counted | None = None  # it speaks only together with other articles
    group_items: tuple[ListItems, ...] = ()
    required: tuple[str, ...] = field(init=False)  # the clues without which it cannot hold, in the order written
    cheapest_first: tuple[str, ...] = field(init=False)  # the same; one that fails spares those behind it

    def __post_init__(self) -> None:
        wanted = {*self.all_of, *(name for window in self.windows for name in window.clues)}
        required = tuple(name for name in self.clues if name in wanted)
        object.__setattr__(self, "required", required)
        cheapest_first = tuple(sorted(required, key=lambda name: _COST[self.clues[name].kind]))
        object.__setattr__(self, "cheapest_first", cheapest_first)

    def gate(self, article: Article) -> str | None:
        """Why it does not look at the article; None: it does. An unknown language is every rule's."""
        if self.languages and article.language not in self.languages and article.language != UNKNOWN_LANGUAGE:
            return f"language: {article.language} is not among {', '.join(sorted(self.languages))}"
        if self.source_ids and article.source_id not in self.source_ids:
            return f"source: not among {', '.join(sorted(self.source_ids))}"
        if self.source_tags and self.source_tags.isdisjoint(article.tags):
            return f"source: has no tag of {', '.join(sorted(self.source_tags))}"
        if refused := self.not_source_tags.intersection(article.tags):
            return f"source: has the tag {', '.join(sorted(refused))}"
        return None


class Neighbour(NamedTuple):
    """The first letters of a word beside an anchor, and the patterns that need it there: one of it or the like."""

    text: str
    is_stem: bool  # the word may go on
    before: tuple[int, ...]  # the patterns that have it before their anchor
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnchorGroup:
    """The patterns that one literal anchors, by what must stand near it for each of them to be there."""

    literal: Literal
    alone: tuple[int, ...]  # patterns without neighbours
    neighbours: tuple[Neighbour, ...]
    automaton: AhoCorasick | None  # over the letters of the neighbours; None: there are none
    before: int  # words that a neighbour may be away from the anchor; 0: there is none on this side
    after: int


@dataclass(frozen=True, slots=True)
class Gated:
    """The rules that look at articles of one language and source, and why the others do not."""

    rules: frozenset[int]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, eq=False)
class CompiledRules:
    """Every rule ready to run; safe to share between threads."""

    rules: tuple[CompiledRule, ...]  # by id; those that are off left out
    version: str
    gazetteer: Gazetteer
    cues: Cues
    automaton: BytesAhoCorasick | None  # over UTF-8 of folded text, pattern i means terms[i]; None: nothing to look for
    terms: tuple[str, ...]
    anchors: Mapping[int, tuple[AnchorGroup, ...]]  # term to the patterns that can make a rule a candidate
    triggers: Mapping[int, tuple[tuple[bool, frozenset[str]], ...]]  # term to (is a stem, languages): casualties
    patterns: tuple[Pattern, ...]
    pattern_terms: tuple[tuple[int, ...], ...]  # by pattern: the terms of its anchor
    phrase_sets: tuple[tuple[int, ...], ...]  # patterns of a list of phrases; any of them counts
    pivots: Mapping[int, tuple[int, ...]]  # pattern to the rules that are candidates once it is found
    casualty_rules: tuple[int, ...]  # candidates once a casualty trigger is met
    other_rules: tuple[int, ...]  # always candidates: nothing that they need can be looked for
    regexes: Mapping[str, Regex]
    regex_rules: Mapping[int, tuple[int, ...]]  # term, of any kind of word, to the rules that are candidates with it
    regex_terms: Mapping[str, tuple[int, ...]]  # expression to the terms of which one is in every match; none: unknown
    gate_ids: frozenset[str]  # of sources that some rule names
    gate_tags: frozenset[str]
    _gates: dict[tuple[str, str, frozenset[str]], Gated] = field(default_factory=dict, repr=False)

    def gated(self, article: Article) -> Gated:
        """Which rules look at the article; the answer is remembered for its language and source."""
        source_id = article.source_id if article.source_id in self.gate_ids else ""
        key = (article.language, source_id, self.gate_tags.intersection(article.tags))
        known = self._gates.get(key)
        if known is None:
            reasons = [(index, rule.id, rule.gate(article)) for index, rule in enumerate(self.rules)]
            skipped = dict.fromkeys(Skipped(rule_id, reason) for _, rule_id, reason in reasons if reason is not None)
            known = Gated(
                rules=frozenset(index for index, _, reason in reasons if reason is None), skipped=tuple(skipped)
            )
            if len(self._gates) >= _MAX_GATES:
                self._gates.clear()
            self._gates[key] = known
        return known

    def rule(self, rule_id: str) -> CompiledRule | None:
        """The rule of that id, the first step of one with steps, if it is there and not off."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    @cached_property
    def over_time(self) -> Mapping[str, InSequence | Counted]:
        """What rules want of several articles, by rule id; those that speak on one are left out."""
        return {rule.id: rule.over_time for rule in self.rules if rule.over_time is not None}


@without_collecting()
def compile_rules(rule_set: RuleSet, gazetteer: Gazetteer) -> CompiledRules:
    """The rules ready to run; raises `RuleError` with every rule that cannot be compiled, and where it stands."""
    compiler = _Compiler(rule_set)
    in_order = sorted(
        (rule for rule in rule_set.rules if rule.status is not RuleStatus.OFF), key=lambda rule: rule.rule
    )
    rules = [compiler.part(rule, part) for rule in in_order for part in rule.parts]
    if compiler.problems:
        raise RuleError(tuple(sorted(set(compiler.problems))))
    names = [AddedNames(frozenset(one.languages or ()), one.sections) for one in rule_set.state_names]
    cues = Cues(tuple(AddedCues(frozenset(one.languages), one.model_dump(mode="json")) for one in rule_set.cue_groups))
    return compiler.assemble(rules, gazetteer.extended(names), cues)


def over_time_of(rule_set: RuleSet) -> dict[str, InSequence | Counted]:
    """What rules want of several articles, by rule id; those that speak on one, or are off, are left out."""
    return {
        rule.rule: wanted
        for rule in rule_set.rules
        if rule.status is not RuleStatus.OFF and (wanted := _over_time(rule)) is not None
    }


def expand_phrase(text: str, lists: Mapping[str, RuleList], languages: Sequence[str] | None) -> tuple[Pattern, ...]:
    """The patterns that a phrase stands for, any of which counts; raises `PhraseError` where there are too many."""
    return _Expander(lists).phrase(text, tuple(languages or _DEFAULT_LANGUAGES))


@dataclass(frozen=True, slots=True)
class _Chain:
    """Forms of each slot and the gaps between them, while a phrase is being written out."""

    forms: tuple[tuple[Literal, ...], ...]
    gaps: tuple[int, ...]

    @property
    def size(self) -> int:
        return sum(len(forms) for forms in self.forms)


class _Expander:
    """Phrases to patterns; lists are written out once for each set of languages."""

    def __init__(self, lists: Mapping[str, RuleList]) -> None:
        self.lists = lists
        self._phrases: dict[tuple[str, tuple[str, ...]], tuple[Pattern, ...]] = {}
        self._items: dict[tuple[str, tuple[str, ...]], tuple[_Chain, ...]] = {}
        self._words: dict[tuple[Word, tuple[str, ...]], tuple[Literal, ...]] = {}
        self._slots: dict[tuple[Literal, ...], Slot] = {}

    def phrase(self, text: str, languages: tuple[str, ...]) -> tuple[Pattern, ...]:
        """The patterns of a phrase, each once."""
        known = self._phrases.get((text, languages))
        if known is None:
            chains = self._chains(parse_phrase(text).parts, languages)
            found = (Pattern.of(tuple(map(self._slot, chain.forms)), chain.gaps) for chain in chains)
            known = self._phrases[text, languages] = tuple(dict.fromkeys(found))
        return known

    def _slot(self, forms: tuple[Literal, ...]) -> Slot:
        """The slot of these forms, the same one for the same forms."""
        known = self._slots.get(forms)
        if known is None:
            known = self._slots[forms] = Slot.of(forms)
        return known

    def _chains(self, parts: tuple[Part, ...], languages: tuple[str, ...]) -> tuple[_Chain, ...]:
        """What a sequence of parts stands for."""
        chains: tuple[_Chain, ...] = ()
        gap = 0
        for part in parts:
            if isinstance(part, Gap):
                gap = part.at_most
                continue
            options = self._options(part, languages)
            if chains:
                if len(chains) * len(options) > _MAX_PATTERNS:
                    raise PhraseError(
                        f"stands for more than {_MAX_PATTERNS} sequences: write fewer alternatives with gaps in them",
                        part.offset,
                        part.length,
                    )
                options = tuple(_join(chain, option, gap) for chain in chains for option in options)
            if sum(chain.size for chain in options) > MAX_FORMS:
                raise PhraseError(f"stands for more than {MAX_FORMS:,} forms: split it", part.offset, part.length)
            chains = options
            gap = 0
        return _merged(chains)

    def _options(self, part: Word | Number | ListRef | Choice, languages: tuple[str, ...]) -> tuple[_Chain, ...]:
        if isinstance(part, Word):
            forms = self._words.get((part, languages))
            if forms is None:
                forms = self._words[part, languages] = _word_forms(part, languages)
            return (_Chain((forms,), ()),)
        if isinstance(part, Number):
            numbers = number_forms(part.digits, languages, roman=part.is_citation)
            return (_Chain((tuple(Literal(fold_term(form)) for form in sorted(numbers)),), ()),)
        if isinstance(part, Choice):
            return _merged([chain for one in part.alternatives for chain in self._chains(one, languages)])
        return self._list(part, languages)

    def _list(self, part: ListRef, languages: tuple[str, ...]) -> tuple[_Chain, ...]:
        known = self._items.get((part.name, languages))
        if known is None:
            items = self.lists[part.name].items
            chains = [chain for item in items for chain in self._chains(parse_phrase(item).parts, languages)]
            known = self._items[part.name, languages] = _merged(chains)
        return known


def _merged(chains: Iterable[_Chain]) -> tuple[_Chain, ...]:
    """The chains with those of a single slot made one."""
    singles: list[Literal] = []
    others: list[_Chain] = []
    for chain in chains:
        if chain.gaps:
            others.append(chain)
        else:
            singles.extend(chain.forms[0])
    return (*([_Chain((tuple(dict.fromkeys(singles)),), ())] if singles else []), *dict.fromkeys(others))


def _join(first: _Chain, second: _Chain, gap: int) -> _Chain:
    """One after the other; neighbours are written out together where that stays small."""
    left, right = first.forms[-1], second.forms[0]
    if gap or len(left) * len(right) > _MAX_PRODUCT or any(one.is_stem for one in left):
        return _Chain(first.forms + second.forms, (*first.gaps, gap, *second.gaps))
    product = tuple(_neighbours(one, other) for one in left for other in right)
    return _Chain((*first.forms[:-1], product, *second.forms[1:]), first.gaps + second.gaps)


def _neighbours(one: Literal, other: Literal) -> Literal:
    shift = len(one.text) + 1
    moved = tuple((start + shift, end + shift, token) for start, end, token in other.capitals)
    return Literal(f"{one.text} {other.text}", other.is_stem, one.capitals + moved, one.is_name or other.is_name)


def _word_forms(word: Word, languages: tuple[str, ...]) -> tuple[Literal, ...]:
    """The literals that a word stands for."""
    if word.is_capitals:
        token = _LEADING_MARKS.sub("", unicodedata.normalize("NFC", word.text))
        text = fold_term(token)
        return (Literal(text, capitals=((0, len(text), token),), is_name=True),)
    spellings = {word.text, *word.also}
    if word.ending is Ending.INFLECTED:
        for language in languages:
            spellings |= inflect(word.text, language) or frozenset()
    plain = {_LEADING_MARKS.sub("", fold_term(spelling)) for spelling in spellings} - {""}
    folded = {form for spelling in plain for form in _letter_forms(spelling, languages)}
    if not folded:
        raise PhraseError("no text can hold this: it has only marks that are left out of every text", word.offset)
    is_name = word.text[0].isupper()
    return tuple(Literal(form, word.ending is Ending.ANY, is_name=is_name) for form in sorted(folded))


def _letter_forms(folded: str, languages: tuple[str, ...]) -> Iterator[str]:
    """The word, and the word with double letters written as one and the other way about."""
    yield folded
    for one, two, known_in in _DOUBLE_LETTERS:
        if one in folded:
            yield folded.replace(one, two)
        if two in folded and not known_in.isdisjoint(languages):
            yield folded.replace(two, one)


class _Compiler:
    """Gathers patterns, phrase sets and clues of all rules, equal ones once, and every problem on the way."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rule_set = rule_set
        self.problems: list[Problem] = []
        self._expander = _Expander(rule_set.lists)
        self._patterns: dict[Pattern, int] = {}
        self._sets: dict[tuple[int, ...], int] = {}
        self._set_of: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
        self._clues: dict[CompiledClue, int] = {}
        self._regexes: dict[str, Regex] = {}
        self._frozen: dict[frozenset[Any], frozenset[Any]] = {}

    def _once(self, members: Iterable[_Member] | None) -> frozenset[_Member]:
        """The set of these, the same one for the same members: rules by the thousand have few different ones."""
        found = frozenset(members or ())
        return self._frozen.setdefault(found, found)

    def part(self, rule: Rule, part: RulePart) -> CompiledRule:
        """The conditions of a rule, or of one of its steps; what is wrong with its phrases goes to ``problems``."""
        languages = tuple(rule.languages or _DEFAULT_LANGUAGES)
        clues = {
            name: self._clue(name, clue, (*part.path, "look_for", name), languages) for name, clue in part.clues.items()
        }
        when = part.alert_when or AlertWhen(all_of=tuple(clues))
        gate = rule.sources or SourceGate()
        return CompiledRule(
            id=rule.rule,
            version=self.rule_set.rule_versions[rule.rule],
            title=rule.title,
            family=rule.family,
            severity=rule.severity,
            languages=self._once(rule.languages),
            source_tags=self._once(gate.tags),
            not_source_tags=self._once(gate.not_tags),
            source_ids=self._once(gate.ids),
            clues=clues,
            all_of=tuple(dict.fromkeys(when.all_of or ())),
            any_of=tuple(dict.fromkeys(when.any_of or ())),
            none_of=tuple(dict.fromkeys(when.none_of or ())),
            at_least=(when.at_least.n, tuple(dict.fromkeys(when.at_least.of))) if when.at_least else None,
            windows=tuple(CompiledWindow(close.clues, close.within.sentences) for close in part.close_together),
            unless=tuple(
                self._unless(one, (rule.rule, "unless", str(index)), languages)
                for index, one in enumerate(rule.unless)
                if one.of is None or one.of in clues  # another step's exception
            ),
            step=part.step,
            over_time=_over_time(rule),
            group_items=tuple(self._list_items(by[1:], languages) for by in rule.group.by if by.startswith("$")),
        )

    def _list_items(self, name: str, languages: tuple[str, ...]) -> ListItems:
        """The items of a list and of the lists that it takes in, each by itself."""
        if self.rule_set.lists[name].kind is ListKind.STATES:
            return ListItems(states=self.rule_set.states_of(name))
        phrases: dict[str, int] = {}
        for list_name in self.rule_set.lists_in(name):
            for index, item in enumerate(self.rule_set.lists[list_name].items):
                if not item.strip().startswith("$"):
                    found = self._phrase_set((item,), (f"${list_name}", "items", str(index)), languages)
                    if found is not None:
                        phrases.setdefault(item, found)
        return ListItems(phrases=tuple(phrases.items()))

    def _clue(self, name: str, clue: Clue, path: tuple[str, ...], languages: tuple[str, ...]) -> CompiledClue:
        threshold = clue.states or clue.killed or clue.injured
        states = clue.states
        compiled = CompiledClue(
            key=0,
            name="",
            kind=clue.kind,
            accept=self._once(clue.accept),
            parts=self._once(clue.parts),
            at_least=threshold.at_least if threshold else 1,
            phrases=self._phrase_set(clue.phrases, (*path, "phrases"), languages),
            not_phrases=self._phrase_set(clue.not_phrases, (*path, "not_phrases"), languages),
            one_from=self.rule_set.states_of(states.one_from) if states and states.one_from else None,
            all_from=self.rule_set.states_of(states.all_from) if states and states.all_from else None,
            regex=clue.regex,
        )
        if clue.regex is not None:
            self._regexes[clue.regex] = compile_regex(clue.regex)
        return replace(compiled, key=self._clues.setdefault(compiled, len(self._clues)), name=name)

    def _unless(self, unless: Unless, path: tuple[str, ...], languages: tuple[str, ...]) -> CompiledUnless:
        clue = None
        if unless.phrases:
            clue = self._clue(unless.name, Clue(phrases=unless.phrases, accept=unless.accept), path, languages)
        return CompiledUnless(
            name=unless.name,
            because=unless.because or "",
            until=unless.until,
            clue=clue,
            of=unless.of,
            within=CompiledWindow((unless.of,), unless.within.sentences) if unless.of and unless.within else None,
            title_has=self._phrase_set(unless.title_has, (*path, "title_has"), languages),
            older_than=unless.older_than,
            event_older_than=unless.event_older_than,
            source_tags=self._once(unless.source_tags),
        )

    def _phrase_set(
        self, phrases: tuple[str, ...] | None, path: tuple[str, ...], languages: tuple[str, ...]
    ) -> int | None:
        """The number of the set of patterns that these phrases stand for."""
        if phrases is None:
            return None
        known = self._set_of.get((phrases, languages))
        if known is not None:
            return known
        patterns: set[int] = set()
        complete = True
        for index, text in enumerate(phrases):
            try:
                found = self._expander.phrase(text, languages)
            except PhraseError as error:
                self._problem((*path, str(index)), f"{text}: {error.message}", "phrase-not-possible")
                complete = False
                continue
            patterns |= {self._patterns.setdefault(pattern, len(self._patterns)) for pattern in found}
        number = self._sets.setdefault(tuple(sorted(patterns)), len(self._sets))
        if complete:  # a list that is wrong is named again for each rule that has it
            self._set_of[phrases, languages] = number
        return number

    def _problem(self, path: tuple[str, ...], message: str, code: str) -> None:
        key = ".".join(part for part in path[1:] if not part.isdigit())
        self.problems.append(Problem(self.rule_set.location(*path), f"{key}: {message}", code))

    def assemble(self, rules: Sequence[CompiledRule], gazetteer: Gazetteer, cues: Cues) -> CompiledRules:
        """The rules with the automaton and the indexes from its terms to them."""
        terms: dict[str, int] = {}
        anchored: dict[tuple[int, Literal], list[int]] = defaultdict(list)
        patterns = tuple(self._patterns)
        pattern_terms: list[tuple[int, ...]] = []
        for number, pattern in enumerate(patterns):
            for literal in pattern.anchor_slot.literals:
                anchored[terms.setdefault(literal.text, len(terms)), literal].append(number)
            pattern_terms.append(tuple(terms[text] for text in pattern.anchor_slot.texts))
        triggers: dict[int, dict[bool, set[str]]] = defaultdict(lambda: defaultdict(set))
        for language, written in TRIGGERS.items():
            if any(_looks_for_casualties(rule, language) for rule in rules):
                for trigger in written:
                    term = terms.setdefault(trigger.rstrip("*"), len(terms))
                    triggers[term][trigger.endswith("*")].add(language)

        regex_terms = {
            text: tuple(terms.setdefault(literal, len(terms)) for literal in regex.literals)
            for text, regex in self._regexes.items()
        }
        regex_rules: dict[int, list[int]] = defaultdict(list)

        phrase_sets = tuple(self._sets)
        pivots: dict[int, list[int]] = defaultdict(list)
        casualty_rules: list[int] = []
        other_rules: list[int] = []
        for index, rule in enumerate(rules):
            pivot = _pivot(rule, {name: self._worth(clue, patterns, phrase_sets) for name, clue in rule.clues.items()})
            kinds = {clue.kind for clue in pivot}
            regexes = [clue.regex for clue in pivot if clue.regex is not None]
            if not pivot or "states" in kinds or not all(regex_terms[text] for text in regexes):
                other_rules.append(index)
                continue
            for term in sorted({term for text in regexes for term in regex_terms[text]}):
                regex_rules[term].append(index)
            if kinds & {"killed", "injured"}:
                casualty_rules.append(index)
            sets = {clue.phrases for clue in pivot if clue.phrases is not None}
            for pattern_number in sorted({number for one in sets for number in phrase_sets[one]}):
                pivots[pattern_number].append(index)
        anchors: dict[int, list[AnchorGroup]] = defaultdict(list)
        # The literals of a slot anchor the same patterns, and groups of different patterns often want the same words.
        groups: dict[tuple[int, ...], AnchorGroup] = {}
        automata: dict[tuple[str, ...], AhoCorasick] = {}
        for (term, literal), numbers in anchored.items():
            wanted = tuple(number for number in numbers if number in pivots)
            if wanted:
                if wanted not in groups:
                    groups[wanted] = _anchor_group(literal, wanted, patterns, automata)
                anchors[term].append(replace(groups[wanted], literal=literal))
        return CompiledRules(
            rules=tuple(rules),
            version=self.rule_set.version,
            gazetteer=gazetteer,
            cues=cues,
            automaton=_automaton(list(terms)) if terms else None,
            terms=tuple(terms),
            anchors={term: tuple(groups) for term, groups in anchors.items()},
            triggers={
                term: tuple((is_stem, frozenset(languages)) for is_stem, languages in sorted(kinds.items()))
                for term, kinds in triggers.items()
            },
            patterns=patterns,
            pattern_terms=tuple(pattern_terms),
            phrase_sets=phrase_sets,
            pivots={number: tuple(indexes) for number, indexes in pivots.items()},
            casualty_rules=tuple(casualty_rules),
            other_rules=tuple(other_rules),
            regexes=self._regexes,
            regex_rules={term: tuple(indexes) for term, indexes in regex_rules.items()},
            regex_terms=regex_terms,
            gate_ids=frozenset(one for rule in rules for one in rule.source_ids),
            gate_tags=frozenset(one for rule in rules for one in rule.source_tags | rule.not_source_tags),
        )

    def _worth(self, clue: CompiledClue, patterns: Sequence[Pattern], phrase_sets: Sequence[tuple[int, ...]]) -> int:
        """How seldom a clue is met: as often as the commonest of its anchors; 0: in any article."""
        if clue.phrases is not None:
            anchors = (patterns[number].anchor_slot for number in phrase_sets[clue.phrases])
            return _CASUALTY_RARITY + 1 + min((anchor.rarity[0] for anchor in anchors), default=0)
        if clue.regex is not None:
            literals = self._regexes[clue.regex].literals
            return _CASUALTY_RARITY + min((len(one) for one in literals), default=-_CASUALTY_RARITY)
        return 0 if clue.kind == "states" else _CASUALTY_RARITY


def _over_time(rule: Rule) -> InSequence | Counted | None:
    if rule.in_order is not None:
        return InSequence(rule.in_order.steps, rule.in_order.within, rule.in_order.sharing)
    if rule.count is None:
        return None
    count = rule.count
    return Counted(count.of, count.at_least, count.within, count.per is not None, count.and_times_usual)


def _automaton(terms: list[str]) -> BytesAhoCorasick:
    encoded = [term.encode() for term in terms]
    table = Implementation.DFA if sum(map(len, encoded)) <= _MAX_TABLE_BYTES else None
    return BytesAhoCorasick(encoded, implementation=table)


def _looks_for_casualties(rule: CompiledRule, language: str) -> bool:
    """Whether the rule reads casualties in articles of the language."""
    reads = not rule.languages or language in rule.languages
    return reads and any(clue.kind in ("killed", "injured") for clue in rule.clues.values())


def _first_words(slot: Slot) -> frozenset[tuple[str, bool]]:
    """The words, or the first letters of words that may go on (True), of which one is there where the slot is."""
    wanted = set()
    for literal in slot.literals:
        word = LETTERS.match(literal.text)
        first = word[0] if word else literal.text
        wanted.add((first, literal.is_stem and first == literal.text))
    return frozenset(wanted)


def _anchor_group(
    literal: Literal,
    numbers: Sequence[int],
    patterns: Sequence[Pattern],
    automata: dict[tuple[str, ...], AhoCorasick],
) -> AnchorGroup:
    """The group of a literal; its automaton is taken from those that are there already, by their words, or added."""
    alone: list[int] = []
    found: dict[tuple[str, bool], dict[int, list[int]]] = {}  # by word, the patterns on each side
    reach = {-1: 0, 1: 0}
    for number in numbers:
        pattern = patterns[number]
        choices: list[tuple[int, int, frozenset[tuple[str, bool]]]] = []
        for side in (-1, 1):
            index = pattern.anchor + side
            if 0 <= index < len(pattern.slots):
                words = _first_words(pattern.slots[index])
                choices.append((len(words), side, words))
        if not choices:
            alone.append(number)
            continue
        _, side, words = min(choices, key=lambda choice: choice[:2])
        for word in words:
            found.setdefault(word, {-1: [], 1: []})[side].append(number)
        gap = pattern.gaps[min(pattern.anchor, pattern.anchor + side)]
        reach[side] = max(reach[side], gap + pattern.slots[pattern.anchor + side].max_words)
    neighbours = tuple(
        Neighbour(text, is_stem, tuple(sides[-1]), tuple(sides[1])) for (text, is_stem), sides in sorted(found.items())
    )
    texts = tuple(one.text for one in neighbours)
    if neighbours and texts not in automata:
        automata[texts] = AhoCorasick(texts, store_patterns=False)
    return AnchorGroup(
        literal=literal,
        alone=tuple(alone),
        neighbours=neighbours,
        automaton=automata.get(texts),
        before=reach[-1],
        after=reach[1],
    )


def _pivot(rule: CompiledRule, worth: Mapping[str, int]) -> tuple[CompiledClue, ...]:
    """The least common clues of which the rule needs at least one; none: it may hold on any article."""
    choices: list[tuple[str, ...]] = [(name,) for name in rule.required]
    if rule.any_of:
        choices.append(rule.any_of)
    if rule.at_least:
        enough, names = rule.at_least
        rarest = sorted(names, key=lambda name: -worth[name])
        choices.append(tuple(rarest[: len(names) - enough + 1]))
    if not choices:
        return ()
    best = max(choices, key=lambda names: (min(worth[name] for name in names), -len(names)))
    return tuple(rule.clues[name] for name in best)
