"""Where the phrases of compiled rules stand in one article: whole words, in order, never across a sentence end."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from watcher.rules.compile import UNKNOWN_LANGUAGE, CompiledRules, Literal, Pattern, Slot
from watcher.text.fold import is_word_end, is_word_start
from watcher.text.reading import Reading
from watcher.understand.casualties import TRIGGERS

# Abbreviations that are common words too: in a headline wholly in capitals nobody can tell which is meant.
_ALSO_WORDS = frozenset(
    "act aid all am an and are arm as at be bit by can cap car cat do eat eta for gas go had has he her him his how if"
    " in inf is it its led let lot may me mid mine my new no nor not now of off old on or our out own pact par pas per"
    " red rest sam sat saw see set she so start step the to un up us use was way we who why you".split()
)
_PIECE = re.compile(r"\w+")
_LETTERS = re.compile(r"\w*")
_CHARS_PER_WORD = 12  # a first guess at how far back so many words reach; it grows where they are longer

Offsets = tuple[int, int]


class Search:
    """One article's text searched once for every term; patterns are read off when asked for. For one thread."""

    def __init__(self, rules: CompiledRules, reading: Reading) -> None:
        self._rules = rules
        self._reading = reading
        self._text = reading.folded.text
        self._starts: dict[int, list[int]] = defaultdict(list)  # where each term that was met begins, words or not
        if rules.automaton is not None:
            for term, start, _ in rules.automaton.find_matches_as_indexes(self._text, overlapping=True):
                self._starts[term].append(start)
        self._raw: dict[int, tuple[tuple[int, int, int], ...]] = {}
        self._matches: dict[int, tuple[Offsets, ...]] = {}
        self._has_casualty_trigger: bool | None = None

    def candidates(self) -> set[int]:
        """The rules that can hold: every other one lacks a clue that it needs."""
        rules = self._rules
        found = set(rules.other_rules)
        pivot_terms = rules.pivot_terms
        met = {use.pattern for term in self._starts for use in pivot_terms[term]}
        for pattern in met:
            if self._raw_matches(pattern):
                found.update(rules.pivots[pattern])
        if rules.casualty_rules and self.has_casualty_trigger:
            found.update(rules.casualty_rules)
        return found

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
            found = {
                self._reading.folded.original(start, end)
                for pattern in self._rules.phrase_sets[phrase_set]
                for start, end in self._in_sentences(pattern)
            }
            repeated = self._reading.repeated_title if found else None
            if repeated:
                found = {one for one in found if not (repeated[0] <= one[0] and one[1] <= repeated[1])}
            known = self._matches[phrase_set] = tuple(sorted(found))
        return known

    def _raw_matches(self, number: int) -> tuple[tuple[int, int, int], ...]:
        """(start, end, where its anchor begins) in folded text of each match of a pattern, whatever ends between."""
        known = self._raw.get(number)
        if known is None:
            known = self._raw[number] = tuple(self._walk_out(number, 0, len(self._text), None))
        return known

    def _in_sentences(self, number: int) -> set[Offsets]:
        """The matches of a pattern that no sentence end parts, the closest where several overlap."""
        found: set[Offsets] = set()
        folded = self._reading.folded
        for start, end, anchor in self._raw_matches(number):
            sentence = self._reading.sentence_at(folded.original(anchor, anchor + 1)[0])
            low, high = folded.folded(sentence.start, sentence.end)
            if low <= start and end <= high:
                found.add((start, end))
            else:
                found.update((one[0], one[1]) for one in self._walk_out(number, low, high, anchor))
        if len(found) < 2:
            return found
        # With gaps the nearest words belong together; without, the longest name is the one that is meant.
        return _innermost(found) if any(self._rules.patterns[number].gaps) else _outermost(found)

    def _walk_out(self, number: int, low: int, high: int, only_at: int | None) -> Iterator[tuple[int, int, int]]:
        """The matches between ``low`` and ``high``, for each place of the anchor, or the one given."""
        pattern = self._rules.patterns[number]
        anchor = pattern.slots[pattern.anchor]
        places: set[int] = set()
        for term in self._rules.pattern_terms[number]:
            places.update(self._starts.get(term, ()))
        for place in sorted(places):
            if only_at not in (None, place):
                continue
            for literal in anchor.literals:
                end = self._end_of(literal, place) if self._text.startswith(literal.text, place) else 0
                if not end or place < low or end > high:
                    continue
                last = self._rightwards(pattern, pattern.anchor, end, high, set())
                first = None if last is None else self._leftwards(pattern, pattern.anchor, place, low, set())
                if first is not None and last is not None:
                    yield first, last, place
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
        words = 0
        for piece in _PIECE.finditer(self._text, at, high):
            words += not self._is_joined(piece.start())
            if words > gap + 1:
                return
            yield from self._ends(slot, piece.start(), high)

    def _ends(self, slot: Slot, start: int, high: int) -> Iterator[int]:
        if not self._text.startswith(slot.texts, start):
            return
        for literal in slot.literals:
            if self._text.startswith(literal.text, start):
                end = self._end_of(literal, start)
                if end and end <= high:
                    yield end

    def _previous(self, slot: Slot, gap: int, at: int, low: int) -> Iterator[int]:
        """The starts of the slot's literals before ``at`` with at most ``gap`` words after them, nearest first."""
        text = self._text
        found: list[tuple[int, int]] = []
        words = 0
        for start, _ in self._pieces_before(at, gap + slot.max_words, low):
            if text.startswith(slot.texts, start):
                found.extend((literal_end, start) for literal_end in self._ends(slot, start, at))
            words += not self._is_joined(start)
            if words >= gap + slot.max_words:
                break
        for end, start in sorted(found, key=lambda one: (-one[0], one[1])):
            if gap:
                between = sum(not self._is_joined(piece.start()) for piece in _PIECE.finditer(text, end, at))
                if between <= gap:
                    yield start
            elif end == at - 1 and text[end] == " ":
                yield start

    def _pieces_before(self, at: int, words: int, low: int) -> list[Offsets]:
        """The pieces of words before ``at``, the nearest first, at least ``words`` words where there are as many."""
        reach = _CHARS_PER_WORD * words
        while True:
            begin = max(at - reach, low)
            if begin > low:
                begin = self._text.find(" ", begin, at)
                if begin < 0:
                    reach *= 4
                    continue
            pieces = [piece.span() for piece in _PIECE.finditer(self._text, begin, at)]
            if begin == low or sum(not self._is_joined(start) for start, _ in pieces) >= words:
                return pieces[::-1]
            reach *= 4

    def _is_joined(self, start: int) -> bool:
        """Whether the piece goes on with the word before it: after an apostrophe, or between the digits of 4,000."""
        text = self._text
        before = text[start - 1] if start else " "
        if before == " ":
            return False
        if before == "'":
            return start > 1 and text[start - 2].isalnum()
        return before in ".,٫٬" and start > 1 and text[start - 2].isdigit() and text[start].isdigit()


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
