"""The phrase language: what a desk officer writes for "these words in the text", parsed to a small tree.

Only the shape is decided here. What the words match (case, accents, inflection, numbers) is compiled elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from watcher.errors import WatcherError

MAX_GAP = 50  # longer than most sentences; lint complains far earlier
MAX_SPELLINGS = 64  # of one glued word like mobili(s|z)ation, so that a phrase stays small once written out
MAX_DEPTH = 4  # parentheses inside parentheses; nobody reads more
MAX_CHARS = 1000
MIN_STEM = 3  # letters before the wildcard

# Words after which 4 is also IV, with the other spellings that count before a number.
CITATION_WORDS: dict[str, tuple[str, ...]] = {
    "article": ("Art.", "Art"),
    "art.": ("Article", "Art"),
    "art": ("Article", "Art."),
    "chapter": (),
    "protocol": (),
}

_HYPHENS = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
_APOSTROPHES = frozenset("'\u2018\u2019\u02bc\u02bb`\u00b4")
_INNER_MARKS = frozenset(".,&/%")  # part of a word that also has letters or digits: U.S., 4,000, AT&T, 24/7, 5%
_PLAIN_WORD = re.compile(r"[A-Za-z0-9]+(?=[~* |)]|$)")  # most words by far, which need no look at each letter
_MAY_BE_NUMBER = re.compile(r"(?<![.\d])\d", re.ASCII)  # any digit but those of gaps


class PhraseError(WatcherError):
    """A phrase is written wrongly; ``offset`` and ``length`` mark the place, in code points of the phrase."""

    def __init__(self, message: str, offset: int, length: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length


class Ending(StrEnum):
    """How a word may end in the text."""

    EXACT = "exact"
    INFLECTED = "inflected"  # word~
    ANY = "any"  # word*


@dataclass(frozen=True, slots=True)
class Word:
    """One word; ``text`` as written, without its operator."""

    text: str
    ending: Ending = Ending.EXACT
    also: tuple[str, ...] = ()  # other spellings that count as well: Art. for Article before a number
    offset: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    @property
    def is_capitals(self) -> bool:
        """Whether it is matched in capitals only: two letters or more, all of them capitals."""
        letters = [char for char in self.text if char.isalpha()]
        return len(letters) > 1 and all(char.isupper() for char in letters)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number written in digits; also found in words, and as a Roman numeral where ``is_citation``."""

    digits: str
    is_citation: bool = False  # directly after Article, Art., Chapter or Protocol
    offset: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """Up to ``at_most`` words in between; always between two other parts."""

    at_most: int
    offset: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ListRef:
    """Any item of a list of kind phrases."""

    name: str  # without the $
    offset: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences, each never empty; a glued word is a choice of its written-out spellings."""

    alternatives: tuple[tuple[Part, ...], ...]
    offset: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)


Part = Word | Number | Gap | ListRef | Choice


@dataclass(frozen=True, slots=True)
class Phrase:
    """A parsed phrase: its parts follow each other in the text."""

    text: str
    parts: tuple[Part, ...]

    def walk(self) -> Iterator[Part]:
        """Every part, choices before what is in them, in the order written."""
        return _walk(self.parts)

    @property
    def list_names(self) -> tuple[str, ...]:
        """The lists it refers to, in the order written."""
        return tuple(dict.fromkeys(part.name for part in self.walk() if isinstance(part, ListRef)))


def _walk(parts: tuple[Part, ...]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, Choice):
            for alternative in part.alternatives:
                yield from _walk(alternative)


@lru_cache(maxsize=65536)
def parse_phrase(text: str) -> Phrase:
    """The parsed phrase; raises `PhraseError` at the first thing that cannot be read."""
    if len(text) > MAX_CHARS:
        raise PhraseError(f"a phrase may have at most {MAX_CHARS} characters, this one has {len(text)}", 0, len(text))
    parts = _Parser(text).parse()
    if _MAY_BE_NUMBER.search(text):
        parts = _mark_citations(parts, after_citation_word=False, before_number=False)
    return Phrase(text, parts)


class _Parser:
    """Recursive descent over one phrase; ``at`` is the next character to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def parse(self) -> tuple[Part, ...]:
        parts = self._sequence(depth=0)
        if self.at < len(self.text):
            char = self.text[self.at]
            if char == ")":
                raise PhraseError("this ) closes nothing: expected a ( before it", self.at)
            raise PhraseError("expected ( ) around alternatives, like (aid|help)", self.at)
        if not parts:
            raise PhraseError("expected words, found nothing", 0, len(self.text))
        return parts

    def _peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.text[index] if index < len(self.text) else ""

    def _sequence(self, depth: int) -> tuple[Part, ...]:
        """Parts up to the end, a | or a )."""
        parts: list[Part] = []
        while True:
            char = self._peek()
            while char and (char.isspace() or char in _HYPHENS):
                self.at += 1
                char = self._peek()
            if not char or char in "|)":
                break
            if char == "." and self._peek(1) == ".":
                part: Part = self._gap()
            elif char == "$":
                part = self._list_ref()
            else:
                part = self._glued(depth)
            if isinstance(part, Gap):
                if not parts:
                    raise PhraseError("a gap needs a word before it", part.offset, part.length)
                if isinstance(parts[-1], Gap):
                    raise PhraseError(
                        "two gaps in a row: write one gap with the larger number", part.offset, part.length
                    )
            parts.append(part)
        if parts and isinstance(parts[-1], Gap):
            raise PhraseError("a gap needs a word after it", parts[-1].offset, parts[-1].length)
        return tuple(parts)

    def _gap(self) -> Gap:
        start = self.at
        self.at += 2
        digits = ""
        while self._peek().isascii() and self._peek().isdigit():
            digits += self._peek()
            self.at += 1
        if not digits:
            raise PhraseError("expected a number of words after .. , like ..4", start, self.at - start)
        if self._peek() and not self._at_boundary():
            raise PhraseError("expected a space after the gap, like ..4 Article", start, self.at - start + 1)
        at_most = int(digits[:9])
        if not 1 <= at_most <= MAX_GAP:
            raise PhraseError(f"expected a gap of 1 to {MAX_GAP} words, found {digits}", start, self.at - start)
        return Gap(at_most, start, self.at - start)

    def _list_ref(self) -> ListRef:
        start = self.at
        self.at += 1
        name = ""
        while self._peek() and (self._peek().isalnum() or self._peek() == "_"):
            name += self._peek()
            self.at += 1
        if not name:
            raise PhraseError("expected the name of a list after $, like $treaties", start)
        if self._peek() and not self._at_boundary():
            raise PhraseError(
                f"expected a space after ${name}: the name of a list has only letters, digits and _",
                self.at,
            )
        return ListRef(name, start, self.at - start)

    def _at_boundary(self) -> bool:
        char = self._peek()
        return not char or char.isspace() or char in "|)" or char in _HYPHENS

    def _glued(self, depth: int) -> Part:
        """A word, a group, or words and groups without a space between, with their operator."""
        start = self.at
        pieces: list[str | Choice] = []
        plain = _PLAIN_WORD.match(self.text, start)
        if plain:
            pieces.append(plain[0])
            self.at = plain.end()
        while not self._at_boundary():
            char = self._peek()
            if char == "(":
                pieces.append(self._group(depth + 1))
            elif char in "~*":
                break
            elif char == "." and self._peek(1) == ".":
                raise PhraseError("expected a space before the gap, like invoke~ ..4 Article", self.at, 2)
            elif char == "." and self._peek(1) and self._peek(1) in "*+?":
                message = "a phrase is no regular expression: for words in between write a gap, like ..4"
                raise PhraseError(message, self.at, 2)
            elif char == "$":
                raise PhraseError("expected a space before $", self.at)
            elif char.isalnum() or unicodedata.category(char)[0] == "M" or char in _APOSTROPHES or char in _INNER_MARKS:
                if pieces and isinstance(pieces[-1], str):
                    pieces[-1] += char
                else:
                    pieces.append(char)
                self.at += 1
            elif char in "\u00ad\u200b\u200c\u200d\u200e\u200f\ufeff":
                self.at += 1  # invisible; zero width joiners and marks come with copied text
            else:
                raise _unexpected(self.text, self.at)
        ending = self._ending(start, pieces)
        length = self.at - start
        if len(pieces) == 1 and isinstance(pieces[0], Choice) and ending is Ending.EXACT:
            return pieces[0]
        spellings = self._spell_out(pieces, start)
        words = tuple(self._word(spelling, ending, start, length) for spelling in spellings)
        if len(words) == 1:
            return words[0]
        return Choice(tuple((word,) for word in words), start, length)

    def _ending(self, start: int, pieces: list[str | Choice]) -> Ending:
        char = self._peek()
        if char not in ("~", "*"):
            return Ending.EXACT
        if not pieces:
            expected = "a word before ~, like invoke~" if char == "~" else "letters before *, like village*"
            raise PhraseError(f"expected {expected}", self.at)
        self.at += 1
        if not self._at_boundary():
            if self._peek() in ("~", "*"):
                raise PhraseError("expected one of ~ and *, not both", self.at)
            raise PhraseError(f"{char} is only possible at the end of a word", self.at - 1)
        return Ending.INFLECTED if char == "~" else Ending.ANY

    def _group(self, depth: int) -> Choice:
        start = self.at
        if depth > MAX_DEPTH:
            raise PhraseError(f"expected at most {MAX_DEPTH} parentheses inside each other", start)
        self.at += 1
        alternatives: list[tuple[Part, ...]] = []
        while True:
            here = self.at
            alternative = self._sequence(depth)
            if not alternative and self._peek():
                raise PhraseError(
                    "expected words between ( and ), and on both sides of |", here, max(1, self.at - here)
                )
            alternatives.append(alternative)
            char = self._peek()
            self.at += 1
            if char == ")":
                return Choice(tuple(alternatives), start, self.at - start)
            if not char:
                raise PhraseError("this ( is never closed: expected a ) after the alternatives", start)

    def _spell_out(self, pieces: list[str | Choice], start: int) -> list[str]:
        """Every spelling of a glued word, in the order written."""
        spellings = [""]
        for piece in pieces:
            if isinstance(piece, str):
                endings = [piece]
            else:
                endings = [_plain_text(alternative, piece) for alternative in piece.alternatives]
            spellings = [spelling + ending for spelling in spellings for ending in endings]
            if len(spellings) > MAX_SPELLINGS:
                raise PhraseError(
                    f"this word has more than {MAX_SPELLINGS} spellings: write fewer alternatives",
                    start,
                    self.at - start,
                )
        return list(dict.fromkeys(spellings))

    def _word(self, spelling: str, ending: Ending, offset: int, length: int) -> Word | Number:
        spelling = _trim(spelling, is_last=not self.text[self.at :].strip())
        if not spelling.isalnum() and not any(char.isalnum() for char in spelling):
            raise PhraseError(f"expected a word, found only {spelling or 'punctuation'}", offset, length)
        if spelling.isdecimal() and spelling.isascii():
            if ending is not Ending.EXACT:
                raise PhraseError("~ and * go with words, not with numbers", offset, length)
            return Number(spelling, False, offset, length)
        word = Word(spelling, ending, (), offset, length)
        if ending is not Ending.EXACT and word.is_capitals:
            mark = "~" if ending is Ending.INFLECTED else "*"
            raise PhraseError(
                f"{spelling} is all capitals and found exactly as written: leave out the {mark}",
                offset,
                length,
            )
        if ending is Ending.ANY and sum(char.isalpha() for char in spelling) < MIN_STEM:
            raise PhraseError(f"expected at least {MIN_STEM} letters before *", offset, length)
        return word


def _trim(spelling: str, *, is_last: bool) -> str:
    """The word without the comma or full stop after it; the dots of U.S. and of Art. in Art. 4 are its own."""
    trimmed = spelling.rstrip(",/&")
    if trimmed.endswith(".") and (is_last or trimmed[:-1].isdecimal()) and "." not in trimmed[:-1]:
        trimmed = trimmed[:-1]
    return trimmed or spelling


def _plain_text(alternative: tuple[Part, ...], group: Choice) -> str:
    """The letters of an alternative that is glued to a word."""
    if len(alternative) == 1:
        part = alternative[0]
        if isinstance(part, Number):
            return part.digits
        if isinstance(part, Word) and part.ending is Ending.EXACT:
            return part.text
    raise PhraseError(
        "only plain letters can be glued to a word, like mobili(s|z)ation: put a space beside the parentheses",
        group.offset,
        group.length,
    )


def _unexpected(text: str, at: int) -> PhraseError:
    """The error for a character that no phrase has, with what to write instead."""
    char = text[at]
    hints = {
        "[": "expected ( ) around alternatives, like (aid|help)",
        "]": "expected ( ) around alternatives, like (aid|help)",
        "{": "expected ( ) around alternatives, like (aid|help)",
        "}": "expected ( ) around alternatives, like (aid|help)",
        "\\": "a phrase is plain words, not a regular expression: leave out the backslash",
        "^": "a phrase is plain words, not a regular expression: leave out the ^",
        "?": "leave out the ?: for either spelling write (s|z), for words in between ..4",
        "+": "leave out the +: for other endings write invoke~ or village*",
        "#": "leave out the #: write the number alone, like Article 4",
        ":": "leave out the colon: only words and numbers are looked for",
        "@": "leave out the @: only words and numbers are looked for",
        "_": "leave out the _: to use a list write $ before its name",
    }
    if char in hints:
        return PhraseError(hints[char], at)
    if unicodedata.category(char)[0] == "C":
        return PhraseError(f"leave out the invisible character U+{ord(char):04X}", at)
    return PhraseError(f"leave out the {char} : only words and numbers are looked for, punctuation is not", at)


def _mark_citations(parts: tuple[Part, ...], *, after_citation_word: bool, before_number: bool) -> tuple[Part, ...]:
    """The parts with numbers after Article and the like marked, and the spellings of Article before a number added."""
    marked: list[Part] = []
    for index, part in enumerate(parts):
        after = _ends_in_citation_word(parts[index - 1]) if index else after_citation_word
        before = _starts_with_number(parts[index + 1]) if index + 1 < len(parts) else before_number
        if isinstance(part, Number) and after:
            marked.append(replace(part, is_citation=True))
        elif isinstance(part, Word) and before and part.ending is Ending.EXACT:
            marked.append(replace(part, also=CITATION_WORDS.get(part.text.lower(), ())))
        elif isinstance(part, Choice):
            alternatives = tuple(
                _mark_citations(alternative, after_citation_word=after, before_number=before)
                for alternative in part.alternatives
            )
            marked.append(replace(part, alternatives=alternatives))
        else:
            marked.append(part)
    return tuple(marked)


def _ends_in_citation_word(part: Part) -> bool:
    if isinstance(part, Word):
        return part.text.lower() in CITATION_WORDS
    return isinstance(part, Choice) and any(_ends_in_citation_word(parts[-1]) for parts in part.alternatives)


def _starts_with_number(part: Part) -> bool:
    if isinstance(part, Number):
        return True
    return isinstance(part, Choice) and any(_starts_with_number(parts[0]) for parts in part.alternatives)
