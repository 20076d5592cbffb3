"""The sentence that comes nearest to a phrase which is nowhere: what near misses and explanations show."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from watcher.rules.compile import CompiledRules, Literal, Slot
from watcher.text.reading import Reading

_WORD = re.compile(r"\w+")
_SHORT_WORD = 3  # letters; "the", "of": they stand everywhere and say nothing about likeness
_LIKE = 0.5  # share of a phrase's words that make a sentence like it
_MOST_CHARS = 240  # of a text that is shown


@dataclass(frozen=True, slots=True)
class Nearest:
    """The text that comes nearest to what is missing."""

    text: str
    why: str  # it does not count
    share: float = 1.0  # of the words asked for that are there


def shorten(text: str, most: int = _MOST_CHARS) -> str:
    """The text in one line, cut after so many characters."""
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= most else one_line[: most - 1].rstrip() + "…"


class Likeness:
    """Finds the sentence that is most like a phrase, by the words that both have."""

    def __init__(self, rules: CompiledRules) -> None:
        self.rules = rules
        # Slots are compared over and over, and each comparison of equal ones would read them whole: they get numbers.
        self._numbers: dict[Slot, int] = {}
        self._slots: dict[int, tuple[int, ...]] = {}  # of each pattern that was asked for
        self._words: list[tuple[_Words, ...]] = []
        self._shown: list[str] = []

    def _slots_of(self, pattern: int) -> tuple[int, ...]:
        if pattern not in self._slots:
            self._slots[pattern] = tuple(map(self._number, self.rules.patterns[pattern].slots))
        return self._slots[pattern]

    def _number(self, slot: Slot) -> int:
        number = self._numbers.setdefault(slot, len(self._words))
        if number == len(self._words):
            # Number words are as short as any: six, iv.
            has_number = any(char.isdigit() for literal in slot.literals for char in literal.text)
            telling = (_telling_words(literal, 0 if has_number else _SHORT_WORD) for literal in slot.literals)
            self._words.append(tuple(dict.fromkeys(telling)))
            self._shown.append(_shown(slot))
        return number

    def nearest(self, phrase_set: int, reading: Reading) -> Nearest | None:
        """The sentence with the largest share of the words of one phrase of a set, the first of several.

        None where no sentence has half of them.
        """
        if "likeness" not in reading.cache:
            reading.cache["likeness"] = _Text.of(reading)
        text: _Text = reading.cache["likeness"]
        there: dict[int, list[tuple[str, ...]]] = {}
        best = (_LIKE, 0)
        found: tuple[int, tuple[int, ...]] | None = None
        for slots in map(self._slots_of, self.rules.phrase_sets[phrase_set]):
            for slot in slots:
                if slot not in there:
                    there[slot] = [some for one in self._words[slot] if (some := one.there(text))]
            # Words that are nowhere in the article cannot make any sentence like the phrase.
            if sum(bool(there[slot]) for slot in slots) < _LIKE * len(slots):
                continue
            for index, words in enumerate(text.sentences):
                score = (sum(_share(there[slot], words) for slot in slots) / len(slots), len(slots))
                if score > best:
                    best, found = score, (index, slots)
        if found is None:
            return None
        index, slots = found
        lacking = [f"“{self._shown[slot]}”" for slot in slots if _share(there[slot], text.sentences[index]) < 1]
        why = f"lacks {', '.join(lacking)}" if lacking else "its words are not in this order, or not so close together"
        sentence = reading.sentences[index]
        return Nearest(shorten(reading.full[sentence.start : sentence.end]), why, best[0])


@dataclass(frozen=True, slots=True)
class _Text:
    """The folded words of an article."""

    sentences: tuple[frozenset[str], ...]
    everywhere: frozenset[str]
    ordered: tuple[str, ...]  # all of them

    @classmethod
    def of(cls, reading: Reading) -> _Text:
        """The words of a reading."""
        folded = reading.folded
        spans = (folded.folded(sentence.start, sentence.end) for sentence in reading.sentences)
        sentences = tuple(frozenset(_WORD.findall(folded.text, *span)) for span in spans)
        everywhere = frozenset[str]().union(*sentences)
        return cls(sentences, everywhere, tuple(sorted(everywhere)))


@dataclass(frozen=True, slots=True)
class _Words:
    """The telling words of a literal."""

    words: tuple[str, ...]
    stem: str | None  # the last one, where it may go on

    def there(self, text: _Text) -> tuple[str, ...]:
        """They, with a stem as it first stands there; empty where none of them does."""
        words = self.words
        if self.stem is not None:
            at = bisect_left(text.ordered, self.stem)
            is_there = at < len(text.ordered) and text.ordered[at].startswith(self.stem)
            words = (*words, text.ordered[at] if is_there else self.stem)
        return () if text.everywhere.isdisjoint(words) else words


def _telling_words(literal: Literal, short: int) -> _Words:
    """The words longer than ``short`` letters; all where none is."""
    words = _WORD.findall(literal.text)
    stem = words.pop() if literal.is_stem else None
    telling = [word for word in words if len(word) > short or word.isdigit()]
    return _Words(tuple(telling or (words if stem is None else ())), stem)


def _share(literals: Sequence[tuple[str, ...]], words: frozenset[str]) -> float:
    return max((sum(word in words for word in one) / len(one) for one in literals), default=0.0)


def _shown(slot: Slot) -> str:
    """A slot for people: its shortest literal stands for the others."""
    literal = min(slot.literals, key=lambda one: (len(one.text), one.text))
    return literal.text + "*" * literal.is_stem
