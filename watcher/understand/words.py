"""The words of one sentence, and tables of phrases to find in them; shared by stance and casualties."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import product
from typing import Any, Generic, NamedTuple, TypeVar

import yaml

from watcher.text.fold import fold_term
from watcher.text.reading import Reading
from watcher.text.sentences import Sentence

T = TypeVar("T")

_WORD = r"\d+(?:[.,]\d+)*(?![^\W\d_])|[^\W_]+(?:'[^\W_]+)*|[^\w\s]"
_ELIDED_WORD = r"\d+(?:[.,]\d+)*|[^\W_]+'?|[^\w\s]"
_TOKEN = {"fr": re.compile(_ELIDED_WORD)}
_DEFAULT_TOKEN = re.compile(_WORD)
# Folding turns dashes into spaces; a dash between clauses is still a boundary, so it is looked up in the original.
_DASH = re.compile(r"(?<=\s)[-–—]+(?=\s)|[—―]+|–(?=[^\W\d])")
_ANY_DASH = re.compile("[-–—―]")
_CONTRACTIONS = frozenset({"it's", "he's", "she's", "that's", "who's", "there's", "what's", "let's"})
DASH = "—"


@dataclass(frozen=True, slots=True)
class Words:
    """The words and marks of a sentence in order; offsets are into ``reading.folded.text``."""

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.words)

    def first_from(self, offset: int) -> int:
        """Index of the first word that ends after ``offset``; the number of words when there is none."""
        return bisect_right(self.ends, offset)


def words_of(reading: Reading, sentence: Sentence) -> Words:
    """The words of a sentence, folded; cached on the reading."""
    key = f"words.{sentence.index}"
    if (known := reading.cache.get(key)) is None:
        known = reading.cache[key] = _split(reading, sentence)
    words: Words = known
    return words


def _split(reading: Reading, sentence: Sentence) -> Words:
    folded = reading.folded
    start, end = folded.folded(sentence.start, sentence.end)
    text = folded.text
    token = _TOKEN.get(reading.language, _DEFAULT_TOKEN)
    spans = [found.span() for found in token.finditer(text, start, end)]
    items = [(first, last, text[first:last]) for first, last in spans]
    if reading.language in ("en", "und") and text.find("'s", start, end) >= 0:
        items = [
            (first, last - 2, word[:-2]) if word.endswith("'s") and word not in _CONTRACTIONS else (first, last, word)
            for first, last, word in items
        ]
    if _ANY_DASH.search(reading.full, sentence.start, sentence.end):
        dashes = [
            (at, at, DASH)
            for found in _DASH.finditer(reading.full, sentence.start, sentence.end)
            for at in folded.folded(found.start(), found.end())[:1]
        ]
        items = sorted(items + dashes, key=lambda item: (item[0], item[1]))
    if not items:
        return Words((), (), ())
    starts, ends, words = zip(*items, strict=True)
    return Words(words, starts, ends)


@dataclass(frozen=True, slots=True)
class _Element:
    words: frozenset[str]
    beginnings: tuple[str, ...]
    endings: tuple[str, ...] = ()
    is_number: bool = False
    gap: int = 0

    def takes(self, word: str) -> bool:
        if self.is_number and word[:1].isdigit():
            return True
        if word in self.words or (bool(self.beginnings) and word.startswith(self.beginnings)):
            return True
        return any(len(word) > len(ending) and word.endswith(ending) for ending in self.endings)


class Hit(NamedTuple, Generic[T]):
    """A phrase of a table found at the words ``start`` up to ``end``; ``literal`` are the ones that are not gap."""

    start: int
    end: int
    literal: frozenset[int]
    value: T


def mistake_in(phrase: str) -> str | None:
    """What keeps a text from being a phrase of a table, for people; None: nothing."""
    strange = re.search(r"[^\w\s()|*#.,:'’-]", phrase)
    if strange:
        return f"{strange[0]} means nothing here: expected words, (a|b), stem*, *ending, # and ..4"
    rest = re.sub(r"\([^()]*\)", lambda found: found[0].replace("|", ""), phrase)
    if rest.count("(") != rest.count(")") or "((" in rest or re.search(r"\([^()]*\(", rest):
        return "a bracket is not closed, or stands inside another"
    if "|" in rest:
        return "alternatives stand in brackets: (aid|help)"
    if re.search(r"\.\.(?!\d)|\.\.\d{3}", rest):
        return "a gap is written ..4"
    if re.search(r"\w\*\w", phrase):
        return "* stands at the end of a word, or at its beginning"
    try:
        return None if any(True for _ in _parse(phrase)) else "expected words, found none"
    except ValueError as error:
        return str(error)


def _parse(phrase: str) -> Iterator[tuple[_Element, ...]]:
    """The element sequences of a phrase; more than one where an alternative is longer than a word."""
    choices: list[list[tuple[_Element, ...]]] = []
    for piece in re.findall(r"\([^)]*\)|\S+", phrase):
        if piece.startswith("..") and piece[2:].isdigit():
            choices.append([(_Element(frozenset(), (), gap=int(piece[2:])),)])
            continue
        # A hyphenated word of the file is several words of the text.
        alternatives = [fold_term(part).split() for part in piece.strip("()").split("|")]
        single = [words[0] for words in alternatives if len(words) == 1]
        branches = [tuple(_element([word]) for word in words) for words in alternatives if len(words) > 1]
        choices.append(([(_element(single),)] if single else []) + branches)
    if not choices:
        raise ValueError("an empty phrase")
    for parts in product(*choices):
        elements = tuple(element for part in parts for element in part)
        if elements[0].gap or elements[-1].gap:
            raise ValueError(f"a phrase must begin and end with a word: {phrase!r}")
        yield elements


def _element(alternatives: list[str]) -> _Element:
    return _Element(
        words=frozenset(word for word in alternatives if "*" not in word and word != "#"),
        beginnings=tuple(word[:-1] for word in alternatives if word.endswith("*")),
        endings=tuple(word[1:] for word in alternatives if word.startswith("*")),
        is_number="#" in alternatives,
    )


def anchor_words(phrase: str) -> frozenset[str]:
    """Words of which every text with the phrase has one, folded, ``*`` for any ending: its most telling element."""
    found: set[str] = set()
    for elements in _parse(phrase):
        anchors = (element.words | {f"{beginning}*" for beginning in element.beginnings} for element in elements)
        # Long words are rare words; of equals the later one ("left ..6 dead").
        found |= max(reversed([a for a in anchors if a]), key=lambda anchor: min(map(len, anchor)))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Beginning(Generic[T]):
    """The phrases that begin with one word, by what can stand second."""

    by_second: dict[str, tuple[tuple[tuple[_Element, ...], T], ...]]  # those with the word second, and the others
    others: tuple[tuple[tuple[_Element, ...], T], ...]  # a single word, or one followed by a gap or a stem

    @classmethod
    def of(cls, phrases: tuple[tuple[tuple[_Element, ...], T], ...]) -> _Beginning[T]:
        needed = [_second_words(elements) for elements, _ in phrases]
        seconds = frozenset().union(*(words for words in needed if words is not None))
        return cls(
            {
                word: tuple(one for one, words in zip(phrases, needed, strict=True) if words is None or word in words)
                for word in seconds
            },
            tuple(one for one, words in zip(phrases, needed, strict=True) if words is None),
        )


def _second_words(elements: tuple[_Element, ...]) -> frozenset[str] | None:
    """The words of which one must stand second; None where others can."""
    if len(elements) == 1 or elements[1].gap or elements[1].is_number or elements[1].beginnings or elements[1].endings:
        return None
    return elements[1].words


class _Known(dict[str, T]):
    """What was once worked out for a word; a dictionary, so that looking up the words of a sentence stays in C."""

    def __init__(self, work_out: Callable[[str], T]) -> None:
        self._work_out = work_out

    def __missing__(self, word: str) -> T:
        if len(self) >= _MAX_KNOWN:
            self.clear()
        found = self[word] = self._work_out(word)
        return found


class PhraseTable(Generic[T]):
    """Finds phrases in words: ``(a|b)`` either, ``stem*``, ``*ending``, ``#`` a numeral, ``..4`` up to four words."""

    def __init__(self, entries: Iterable[tuple[str, T]], *, gaps_cross_commas: bool = True) -> None:
        self._gap_stops = _GAP_STOPS if gaps_cross_commas else _GAP_STOPS | {","}
        self._by_word: dict[str, list[tuple[tuple[_Element, ...], T]]] = {}
        self._by_beginning: dict[str, list[tuple[tuple[_Element, ...], T]]] = {}
        self._by_few_letters: list[tuple[tuple[_Element, ...], T]] = []
        self._by_number: list[tuple[tuple[_Element, ...], T]] = []
        self._known = _Known(self._beginning)
        for elements, value in ((elements, value) for phrase, value in entries for elements in _parse(phrase)):
            first = elements[0]
            if first.is_number:
                self._by_number.append((elements, value))
            if first.endings or any(len(beginning) < _KEY_LETTERS for beginning in first.beginnings):
                self._by_few_letters.append((elements, value))
            for word in first.words:
                self._by_word.setdefault(word, []).append((elements, value))
            for beginning in first.beginnings:
                self._by_beginning.setdefault(beginning[:_KEY_LETTERS], []).append((elements, value))

    def find(self, words: Words) -> list[Hit[T]]:
        """Every phrase found, in order of its first word, the shortest gaps of each."""
        hits: list[Hit[T]] = []
        texts = words.words
        for at, beginning in enumerate(map(self._known.__getitem__, texts)):
            if beginning is None:
                continue
            following = texts[at + 1] if at + 1 < len(texts) else ""
            for elements, value in beginning.by_second.get(following, beginning.others):
                literal = _match(elements, texts, at, self._gap_stops)
                if literal is not None:
                    hits.append(Hit(at, literal[-1] + 1, frozenset(literal), value))
        return hits

    def _beginning(self, word: str) -> _Beginning[T] | None:
        """The phrases that begin with a word; None for most."""
        phrases = tuple(one for one in self._candidates(word) if one[0][0].takes(word))
        return _Beginning.of(phrases) if phrases else None

    def _candidates(self, word: str) -> Iterator[tuple[tuple[_Element, ...], T]]:
        yield from self._by_word.get(word, ())
        yield from self._by_beginning.get(word[:_KEY_LETTERS], ())
        yield from self._by_few_letters
        if word[0].isdigit():
            yield from self._by_number


_KEY_LETTERS = 3
_MAX_KNOWN = 20_000  # words remembered with the phrases that begin with them; most begin none
_GAP_STOPS = frozenset({";", ":", DASH, "?", "!", "(", ")"})


def _match(
    elements: tuple[_Element, ...], words: tuple[str, ...], at: int, gap_stops: frozenset[str]
) -> list[int] | None:
    """The word indexes that the elements take, or None; greedy from the left, which suffices for short cue phrases."""
    literal: list[int] = []
    gap = 0
    for element in elements:
        if element.gap:
            gap = element.gap
            continue
        left = gap
        while True:
            if at >= len(words):
                return None
            if element.takes(words[at]):
                break
            if left == 0 or words[at] in gap_stops:
                return None
            if words[at] not in {",", '"', "'", "."}:
                left -= 1
            at += 1
        literal.append(at)
        at += 1
        gap = 0
    return literal


@lru_cache(maxsize=64)
def read_data(folder: str, language: str) -> dict[str, Any] | None:
    """One language's file of a data folder, every scalar a string (``no`` is a word here); None when there is none."""
    path = resources.files("watcher.understand").joinpath("data", folder, f"{language}.yaml")
    if not path.is_file():
        return None
    # The base loader builds nothing but strings, lists and dicts; the C one takes a tenth of the time.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    return data


def languages_of(folder: str) -> tuple[str, ...]:
    """The languages that a data folder has a file for, sorted."""
    files = resources.files("watcher.understand").joinpath("data", folder).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))
