"""Sentences, paragraphs and clauses of a text; offsets point into the text as given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A blank line, or a line that begins with a bullet or a list number.
_PARAGRAPH_BREAK = re.compile(
    r"\n[^\S\n]*(?:\n\s*)+"
    r"|\n\s*(?=[•●▪◦‣∙·*–—-]\s+\S)"
    r"|\n\s*(?=\(?(?P<number>\d{1,2})[.)]\s+\S)"
    r"|\u2029\s*"
)
_CLOSERS = r"[\"'”’»)\]›]*(?:\[\d{1,3}\])*"
_STOP = re.compile(
    rf"(?P<mark>[.!?…؟։。！？।۔]+){_CLOSERS}(?=\s|$|(?<=[.!?…”\"])[\"“«]?[^\W\d_])"
    r"|(?P<colon>(?<=[\u0561-\u0587]):)(?=\s)"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence; half-open offsets in code points, white space around it left out."""

    index: int
    start: int
    end: int
    paragraph: int


def split_sentences(full: str, title_end: int) -> tuple[Sentence, ...]:
    """All sentences in order; a title (``title_end`` > 0) is the first one and paragraph 0 by itself."""
    sentences: list[Sentence] = []
    paragraph = 0
    if full[:title_end].strip():
        start, end = _stripped(full, 0, title_end)
        sentences.append(Sentence(0, start, end, 0))
        paragraph = 1
    for paragraph_start, paragraph_end in _paragraphs(full, title_end):
        found = False
        for start, end in _sentences_of(full, paragraph_start, paragraph_end):
            sentences.append(Sentence(len(sentences), start, end, paragraph))
            found = True
        paragraph += found
    return tuple(sentences)


def split_clauses(full: str, start: int, end: int, language: str) -> tuple[tuple[int, int], ...]:
    """The clauses of the sentence ``start:end`` in order, without gaps."""
    return ((start, end),)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def _paragraphs(full: str, begin: int) -> Iterator[tuple[int, int]]:
    start = begin
    for found in _PARAGRAPH_BREAK.finditer(full, begin):
        yield start, found.start()
        start = found.end()
    yield start, len(full)


def _sentences_of(full: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    start = begin
    for found in _STOP.finditer(full, begin, end):
        after = full[found.end() : found.end() + 2].lstrip()
        if after[:1].islower():
            continue
        piece = _stripped(full, start, found.end())
        if piece[0] < piece[1]:
            yield piece
        start = found.end()
    piece = _stripped(full, start, end)
    if piece[0] < piece[1]:
        yield piece
