"""Where the phrases of compiled rules stand in one article: whole words, in order, never across a sentence end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from watcher.rules.compile import LETTERS, UNKNOWN_LANGUAGE, WORD, AnchorGroup, CompiledRules, Literal, Pattern, Slot
from watcher.text.fold import is_word_end, is_word_start
from watcher.text.reading import Reading
from watcher.understand.casualties import TRIGGERS

# Abbreviations that are common words too: in a headline wholly in capitals nobody can tell which is meant.
_ALSO_WORDS = frozenset(
    "act aid all am an and are arm as at be bit by can cap car cat do eat eta for gas go had has he her him his how if"
    " in inf is it its led let lot may me mid mine my new no nor not now of off old on or our out own pact par pas per"
    " red rest sam sat saw see set she so start step the to un up us use was way we who why you".split()
)
_LETTERS = re.compile(r"\w*")
_JOINTS = "',.٫٬"  # one word can have these between two rows of letters: l'état, 4,000
_REST_OF_WORD = re.compile(r"(?:'\w+)*")
_ELIDED = re.compile(r"\w+'$")
_LONGEST_ELIDED = 12  # "quelqu'" and the like, with its apostrophe
_CHARS_PER_WORD = 9  # a first guess at how far so many words reach; it grows where they are longer
_SPARE_WORDS = 2  # at the ends of what is looked through: one that may be cut, one elided or a possessive's s
_FIRST_SPARE = 2  # more words in the first guess, so that it rarely has to grow
_PLAIN = b" 0123456789abcdefghijklmnopqrstuvwxyz"  # of folded ASCII: what no word is without, and what parts words

Offsets = tuple[int, int]


class _Walk(NamedTuple):
    """A match of a pattern; offsets in folded text."""

    start: int
    end: int
    anchor: Offsets


class Search:
    """One article's text searched once for every term; patterns are read off when asked for. For one thread."""

    def __init__(self, rules: CompiledRules, reading: Reading) -> None:
        self._rules = rules
        self._reading = reading
        self._text = reading.folded.text
        # (term, start, end) of each term that was met, words or not
        self._hits: Sequence[tuple[int, int, int]] = ()
        if rules.automaton is not None:
            encoded = self._text.encode()
            self._hits = rules.automaton.find_matches_as_indexes(encoded, overlapping=True)
            if len(encoded) > len(self._text):
                self._hits = list(_in_characters(self._hits, encoded, rules.terms))
        self._raw: dict[int, tuple[_Walk, ...]] = {}
        self._spans: dict[int, Collection[Offsets]] = {}  # by pattern
        self._matches: dict[int, tuple[Offsets, ...]] = {}  # by set of phrases
        self._has_casualty_trigger: bool | None = None

    @cached_property
    def _starts(self) -> Mapping[int, list[int]]:
        """Where each term that was met begins, words or not."""
        starts: dict[int, list[int]] = {}
        for term, start, _ in self._hits:
            starts.setdefault(term, []).append(start)
        return starts

    def candidates(self) -> set[int]:
        """The rules that can hold: every other one lacks a clue that it needs."""
        rules = self._rules
        found = set(rules.other_rules)
        for pattern in self._in_sight:
            if self._raw_matches(pattern):
                found.update(rules.pivots[pattern])
        if rules.regex_rules:
            for term in rules.regex_rules.keys() & self._starts.keys():
                found.update(rules.regex_rules[term])
        if rules.casualty_rules and self.has_casualty_trigger:
            found.update(rules.casualty_rules)
        return found

    def may_match(self, regex: str) -> bool:
        """Whether letters are there without which the expression matches nothing."""
        terms = self._rules.regex_terms[regex]
        return not terms or any(term in self._starts for term in terms)

    @cached_property
    def _in_sight(self) -> Mapping[int, Collection[int]]:
        """The patterns that can make a rule a candidate: where their anchors are, with a neighbour in reach."""
        text, anchors = self._text, self._rules.anchors
        found: dict[int, set[int]] = {}
        for term, start, end in self._hits:
            groups = anchors.get(term)
            if groups is None or (start and text[start - 1].isalnum() and text[start].isalnum()):
                continue
            goes_on = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
            for group in groups:
                # Most hits are within longer words, which this tells without a look around.
                if goes_on and not group.literal.is_stem:
                    continue
                word_end = self._end_of(group.literal, start)
                if word_end:
                    for pattern in group.alone:
                        found.setdefault(pattern, set()).add(start)
                    for pattern in self._beside(group, start, word_end):
                        found.setdefault(pattern, set()).add(start)
        return found

    def _beside(self, group: AnchorGroup, start: int, end: int) -> list[int]:
        """The patterns that may have their neighbour beside the anchor at ``start:end``, some more than once."""
        patterns: list[int] = []
        if group.automaton is None:
            return patterns
        text = self._text
        low = self._before(start, group.before) if group.before else start
        high = self._after(end, group.after) if group.after else end
        for index, first, last in group.automaton.find_matches_as_indexes(text[low:high], overlapping=True):
            neighbour = group.neighbours[index]
            at, behind = first + low, last + low
            here = neighbour.before if behind <= start else neighbour.after if at >= end else ()
            if not here or (at and text[at - 1].isalnum()):
                continue
            if neighbour.is_stem or behind == len(text) or not text[behind].isalnum():
                patterns += here
        return patterns

    def _before(self, start: int, words: int) -> int:
        """Where at least so many words before ``start`` begin, where there are as many."""
        reach = _CHARS_PER_WORD * (words + _SPARE_WORDS + _FIRST_SPARE)
        while start > reach and self._words_between(start - reach, start) < words + _SPARE_WORDS:
            reach *= 4
        return max(start - reach, 0)

    def _after(self, end: int, words: int) -> int:
        """Where at least so many words after ``end`` end, where there are as many."""
        reach = _CHARS_PER_WORD * (words + _SPARE_WORDS + _FIRST_SPARE)
        while end + reach < len(self._text) and self._words_between(end, end + reach) < words + _SPARE_WORDS:
            reach *= 4
        return end + reach

    def _words_between(self, start: int, end: int) -> int:
        """At least so many words, cut ones included, stand between two places."""
        text = self._text[start:end]
        if text.isascii():
            # Between spaces there is a word, or else marks alone.
            return text.count(" ") - 1 - len(text.encode().translate(None, _PLAIN))
        return len(LETTERS.findall(text)) - sum(map(text.count, _JOINTS))

    @property
    def has_casualty_trigger(self) -> bool:
        """Whether a word stands in the text without which nobody is killed or injured in it."""
        if self._has_casualty_trigger is None:
            self._has_casualty_trigger = self._find_casualty_trigger()
        return self._has_casualty_trigger

    def _find_casualty_trigger(self) -> bool:
        language = self._reading.language
        anything = language == UNKNOWN_LANGUAGE or language not in TRIGGERS
        for term, kinds in self._rules.triggers.items():
            if term not in self._starts:
                continue
            for is_stem, languages in kinds:
                if anything or language in languages:
                    literal = Literal(self._rules.terms[term], is_stem)
                    if any(self._end_of(literal, start) for start in self._starts[term]):
                        return True
        return False

    def may_have(self, phrase_set: int) -> bool:
        """Whether any pattern is there, sentence ends not yet looked at."""
        return any(self._raw_matches(pattern) for pattern in self._rules.phrase_sets[phrase_set])

    def matches(self, phrase_set: int) -> tuple[Offsets, ...]:
        """Where the phrases stand in ``reading.full``, in text order, a title that repeats in the text once."""
        known = self._matches.get(phrase_set)
        if known is None:
            found = set().union(*map(self._in_sentences, self._rules.phrase_sets[phrase_set]))
            repeated = self._reading.repeated_title if found else None
            if repeated:
                found = {one for one in found if not (repeated[0] <= one[0] and one[1] <= repeated[1])}
            known = self._matches[phrase_set] = tuple(sorted(found))
        return known

    def _raw_matches(self, number: int) -> tuple[_Walk, ...]:
        """The matches of a pattern in folded text, whatever ends between their words."""
        known = self._raw.get(number)
        if known is None:
            known = self._raw[number] = tuple(self._walk_out(number, 0, len(self._text), self._places(number)))
        return known

    def _places(self, number: int) -> Collection[int]:
        """Where the anchor of a pattern may be."""
        if number in self._rules.pivots:
            return self._in_sight.get(number, ())
        return {start for term in self._rules.pattern_terms[number] for start in self._starts.get(term, ())}

    def _in_sentences(self, number: int) -> Collection[Offsets]:
        """Where a pattern matches without a sentence end in it, the closest words where several could be meant."""
        known = self._spans.get(number)
        if known is None:
            known = self._spans[number] = self._read_in_sentences(number) if self._raw_matches(number) else ()
        return known

    def _read_in_sentences(self, number: int) -> Collection[Offsets]:
        walks: list[_Walk] = []
        folded = self._reading.folded
        for walk in self._raw_matches(number):
            sentence = self._reading.sentence_at(folded.original(walk.anchor[0], walk.anchor[1])[0])
            low, high = folded.folded(sentence.start, sentence.end)
            if low <= walk.start and walk.end <= high:
                walks.append(walk)
            else:
                walks.extend(self._walk_out(number, low, high, walk.anchor[:1]))
        # The longest name is the one that is meant; the words nearest to it belong to it.
        anchors = _outermost({walk.anchor for walk in walks})
        innermost = _innermost({(walk.start, walk.end) for walk in walks if walk.anchor in anchors})
        return [folded.original(start, end) for start, end in innermost]

    def _walk_out(self, number: int, low: int, high: int, places: Collection[int]) -> Iterator[_Walk]:
        """The matches between ``low`` and ``high`` whose anchor begins at one of the places."""
        pattern = self._rules.patterns[number]
        anchor = pattern.slots[pattern.anchor]
        for place in sorted(places):
            if place < low:
                continue
            for end in self._ends(anchor, place, high):
                last = self._rightwards(pattern, pattern.anchor, end, high, set())
                first = None if last is None else self._leftwards(pattern, pattern.anchor, place, low, set())
                if first is not None and last is not None:
                    yield _Walk(first, last, (place, end))
                    break

    def _end_of(self, literal: Literal, start: int) -> int:
        """Where the literal that begins at ``start`` ends as whole words in the right case; 0: it does not."""
        text = self._text
        end = start + len(literal.text)
        if start and text[start - 1] != " " and not is_word_start(text, start):
            return 0
        if literal.is_stem:
            rest = _LETTERS.match(text, end)
            end = rest.end() if rest else end
        if end < len(text) and text[end] != " " and not is_word_end(text, end):
            return 0
        if literal.capitals and not self._is_in_capitals(literal, start):
            return 0
        return end

    def _is_in_capitals(self, literal: Literal, at: int) -> bool:
        reading = self._reading
        for start, end, token in literal.capitals:
            first, last = reading.folded.original(at + start, at + end)
            if unicodedata.normalize("NFC", reading.full[first:last]) != token:
                return False
            if first < reading.title_end and reading.is_caps_title and token.lower() in _ALSO_WORDS:
                return False
        return True

    def _rightwards(self, pattern: Pattern, index: int, at: int, high: int, failed: set[Offsets]) -> int | None:
        """Where the pattern ends when its slot ``index`` ends at ``at``; the nearest words, then the longest."""
        if index == len(pattern.slots) - 1:
            return at
        if (index, at) in failed:
            return None
        for end in self._next(pattern.slots[index + 1], pattern.gaps[index], at, high):
            last = self._rightwards(pattern, index + 1, end, high, failed)
            if last is not None:
                return last
        failed.add((index, at))
        return None

    def _leftwards(self, pattern: Pattern, index: int, at: int, low: int, failed: set[Offsets]) -> int | None:
        """Where the pattern begins when its slot ``index`` begins at ``at``."""
        if index == 0:
            return at
        if (index, at) in failed:
            return None
        for start in self._previous(pattern.slots[index - 1], pattern.gaps[index - 1], at, low):
            first = self._leftwards(pattern, index - 1, start, low, failed)
            if first is not None:
                return first
        failed.add((index, at))
        return None

    def _next(self, slot: Slot, gap: int, at: int, high: int) -> Iterator[int]:
        """The ends of the slot's literals after ``at`` with at most ``gap`` words before them."""
        if not gap:
            if self._text.startswith(" ", at):
                yield from self._ends(slot, at + 1, high)
            return
        for word in islice(self._words_after(at, high), gap + 1):
            for start in _beginnings(word):
                if self._text.startswith(slot.texts, start):
                    yield from self._ends(slot, start, high)

    def _ends(self, slot: Slot, start: int, high: int) -> Iterator[int]:
        for literal in slot.literals:
            if self._text.startswith(literal.text, start):
                end = self._end_of(literal, start)
                if end and end <= high:
                    yield end

    def _previous(self, slot: Slot, gap: int, at: int, low: int) -> Iterator[int]:
        """The starts of the slot's literals before ``at`` with at most ``gap`` words after them, nearest first."""
        words = self._words_before(at, gap + slot.max_words, low)
        begins = self._text.startswith
        starts = [start for word in words for start in _beginnings(word) if begins(slot.texts, start)]
        found = [(end, start) for start in starts for end in self._ends(slot, start, at)]
        for end, start in sorted(found, key=lambda one: (-one[0], one[1])):
            if not gap:
                if end == at - 1 and self._text[end] == " ":
                    yield start
            elif sum(1 for _ in self._words_after(end, self._own_start(at, low))) <= gap:
                yield start

    def _words_after(self, at: int, high: int) -> Iterator[re.Match[str]]:
        """The words after the one that ends at ``at``, up to ``high``."""
        rest = _REST_OF_WORD.match(self._text, at, high)
        return WORD.finditer(self._text, rest.end() if rest else at, high)

    def _own_start(self, at: int, low: int) -> int:
        """Where the word at ``at`` begins with the article that is elided before it."""
        if at > low and self._text[at - 1] == "'":
            elided = _ELIDED.search(self._text, max(low, at - _LONGEST_ELIDED), at)
            return elided.start() if elided else at
        return at

    def _words_before(self, at: int, words: int, low: int) -> list[re.Match[str]]:
        """The words before the one that begins at ``at``: at least so many, where there are as many."""
        stop = self._own_start(at, low)
        reach = _CHARS_PER_WORD * words
        while True:
            begin = max(stop - reach, low)
            if begin > low:
                # Not within a word: a space parts words for certain.
                begin = self._text.find(" ", begin, stop) if stop > begin else stop
            found = list(WORD.finditer(self._text, begin, stop)) if begin >= 0 else []
            if stop - reach <= low or len(found) >= words:
                return found
            reach *= 4


def _in_characters(
    hits: Iterable[tuple[int, int, int]], encoded: bytes, terms: Sequence[str]
) -> Iterator[tuple[int, int, int]]:
    """The hits, which come in the order of their ends, with code points for offsets instead of bytes."""
    last_byte = last = 0
    for term, _, end in hits:
        last += len(encoded[last_byte:end].decode())
        last_byte = end
        yield term, last - len(terms[term]), last


def _beginnings(word: re.Match[str]) -> Sequence[int]:
    """Where a literal can begin in a word: at its start, and after an apostrophe."""
    start = word.start()
    if "'" not in word[0]:
        return (start,)
    return (start, *(start + offset for offset, char in enumerate(word[0], 1) if char == "'"))


def _innermost(spans: set[Offsets]) -> set[Offsets]:
    """The spans that contain no other."""
    kept: set[Offsets] = set()
    nearest_end: int | None = None
    for start, end in sorted(spans, key=lambda span: (-span[0], span[1])):
        if nearest_end is None or end < nearest_end:
            kept.add((start, end))
            nearest_end = end
    return kept


def _outermost(spans: set[Offsets]) -> set[Offsets]:
    """The spans that no other contains."""
    kept: set[Offsets] = set()
    farthest_end = -1
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if end > farthest_end:
            kept.add((start, end))
            farthest_end = end
    return kept
