"""One article prepared for matching: the string that everything points into, and its parts on demand."""

from __future__ import annotations

import bisect
import re
from datetime import datetime
from functools import cached_property
from typing import Any

from watcher.model import Field, Span
from watcher.text.clauses import leans_back, split_clauses
from watcher.text.fold import Folded, fold
from watcher.text.sentences import Sentence, each_sentence

_TITLE_SEPARATOR = "\n\n"
# The only letters that regular expressions take for one whatever their case, and that folding keeps apart.
_FOLDED_APART = frozenset("\u0345\u0399\u03b9\u1fbe\ufb05\ufb06")
_LEAD_SENTENCES = 3  # of the text, after the title: RULES.md's `in: lead`


class Reading:
    """An article as one string, ``full``, with its analyses; each is made when first asked for. For one thread."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, full: str, title_end: int, text_start: int, language: str, reference_at: datetime) -> None:
        self.full = full
        self.title_end = title_end  # 0: no title
        self.text_start = text_start
        self.language = language
        self.reference_at = reference_at  # published, or else first seen
        self.cache: dict[str, Any] = {}  # for the layers above, by their own keys
        self._clauses: dict[int, tuple[tuple[int, int], ...]] = {}
        # Split as far as somebody asked, from the start, so that each has its number.
        self._split: list[Sentence] = []
        self._starts: list[int] = []
        self._rest = each_sentence(full, title_end)

    @classmethod
    def of(cls, title: str, text: str, language: str, reference_at: datetime) -> Reading:
        """The reading of an article's title and text, both as stored."""
        if not title.strip():
            return cls(text, 0, 0, language, reference_at)
        return cls(
            title + _TITLE_SEPARATOR + text, len(title), len(title) + len(_TITLE_SEPARATOR), language, reference_at
        )

    @cached_property
    def folded(self) -> Folded:
        """The whole folded."""
        return fold(self.full)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """All sentences in order; the title is the first where there is one."""
        while self._split_next():
            pass
        return tuple(self._split)

    def _split_next(self) -> bool:
        """Splits one more sentence off; whether there was one."""
        sentence = next(self._rest, None)
        if sentence is None:
            return False
        self._split.append(sentence)
        self._starts.append(sentence.start)
        return True

    def sentence(self, index: int) -> Sentence | None:
        """The sentence of that number; None where the text has fewer. Those behind it are not split for it."""
        while len(self._split) <= index and self._split_next():
            pass
        return self._split[index] if 0 <= index < len(self._split) else None

    def sentence_at(self, offset: int) -> Sentence:
        """The sentence around an offset; white space belongs to the sentence before it."""
        starts = self._starts
        while not starts or starts[-1] <= offset:
            if not self._split_next():
                break
        if not starts:
            return Sentence(0, 0, len(self.full), 0)
        return self._split[max(bisect.bisect_right(starts, offset) - 1, 0)]

    def clause_at(self, offset: int) -> tuple[int, int]:
        """The span of the clause around an offset."""
        clauses = self._clauses_around(offset)
        # The first that ends behind the offset; they follow each other without gaps.
        return clauses[min(bisect.bisect_right(clauses, offset, key=_end), len(clauses) - 1)]

    def clauses_told_in(self, clause: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """A clause after those before it that it cannot be read without, since its subject stands there."""
        clauses = self._clauses_around(clause[0])
        first = last = clauses.index(clause)
        while first and leans_back(self.full, *clauses[first], self.language):
            first -= 1
        return clauses[first : last + 1]

    def _clauses_around(self, offset: int) -> tuple[tuple[int, int], ...]:
        """The clauses of the sentence around an offset."""
        sentence = self.sentence_at(offset)
        clauses = self._clauses.get(sentence.index)
        if clauses is None:
            clauses = split_clauses(self.full, sentence.start, sentence.end, self.language)
            self._clauses[sentence.index] = clauses
        return clauses

    @cached_property
    def lead_end(self) -> int:
        """Where the lead ends: the title and the first three sentences of the text."""
        body = [sentence for sentence in self.sentences if sentence.start >= self.text_start]
        if not body:
            return len(self.full)
        return body[min(_LEAD_SENTENCES, len(body)) - 1].end

    @cached_property
    def is_caps_title(self) -> bool:
        """Whether the title is wholly in capitals."""
        return self.full[: self.title_end].isupper()

    def is_caps(self, start: int, end: int) -> bool:
        """Whether the sentences around ``start:end`` are wholly in capitals."""
        first, last = self.sentence_at(start), self.sentence_at(max(end - 1, start))
        return self.full[first.start : last.end].isupper()

    @cached_property
    def repeated_title(self) -> tuple[int, int] | None:
        """Where a line of the text merely repeats the title, if one does."""
        title = self.full[: self.title_end]
        words = title.split()
        if not words or not self._may_repeat(title):
            return None
        line = re.compile(
            r"^[^\S\n]*(" + r"\s+".join(map(re.escape, words)) + r")[.…]?[^\S\n]*$", re.IGNORECASE | re.MULTILINE
        )
        found = line.search(self.full, self.text_start)
        return found.span(1) if found else None

    def _may_repeat(self, title: str) -> bool:
        """Whether the text may hold the title, which in most texts is told at once, without a regular expression."""
        folded = fold(title).text.strip(" ")
        behind = self.folded.folded(0, self.text_start)[1]
        return self.folded.text.find(folded, behind) >= 0 or not _FOLDED_APART.isdisjoint(title)

    def span(self, start: int, end: int) -> Span:
        """The span of ``start:end`` in the article's title or text, clipped to the field that it begins in."""
        if start < self.title_end:
            return Span(Field.TITLE, start, min(end, self.title_end))
        return Span(Field.TEXT, max(start - self.text_start, 0), max(end - self.text_start, 0))


def _end(span: tuple[int, int]) -> int:
    return span[1]
