"""Clauses of a sentence: how far a word like "not" or "could" reaches."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator

from watcher.text.clause_words import BY_LANGUAGE, ClauseWords

# Marks that part clauses in every language: semicolons, colons and dashes between spaces, ellipses.
_MARK = re.compile(r"[;؛](?=\s)|:(?=\s)|(?<=\s)[–—-](?=\s)|—|…(?=\s)|\.{3}(?=\s)")
# A quotation of some length speaks for itself; shorter ones are names and scare quotes.
_QUOTE = re.compile(r"“[^”]{20,}”?|«[^»]{20,}»?|„[^“”]{20,}[“”]?|\"[^\"]{20,}\"?")
# A verb further away belongs to something else.
_SUBJECT_WORDS = 6
_LONGEST_SUBJECT = 100
_WORD = re.compile(r"\w")
_FEW_WORDS = r"\W*(?:\w+\W+){0,2}?"  # that may open a clause before its subject: "and after they"
_COMMA = re.compile(r"[,،](?!\d)")


@functools.cache
def _patterns(language: str) -> _Patterns:
    return _Patterns(BY_LANGUAGE.get(language, ClauseWords()))


class _Patterns:
    """The compiled words of one language."""

    def __init__(self, words: ClauseWords) -> None:
        self.openers = _compile(words.openers)
        self.comma_openers = _compile(rf"(?<=[,،])\s+(?:{pattern})" for pattern in words.comma_openers)
        self.subordinators = _compile(words.subordinators)
        self.reporting = _compile(words.reporting)
        self.coordinators = _compile(words.coordinators)
        self.finite = _compile(words.finite)
        self.leaning = _compile(f"{_FEW_WORDS}(?:{pattern})" for pattern in words.leaning)
        self.broken_off = _compile(
            rf"\b(?:{pattern})\s*(?:[,،]|\s[–—-]\s|—)[^,،;:–—]{{1,80}}(?:[,،]|\s[–—-]\s|—)"
            for pattern in words.broken_off
        )
        self.attribution = _compile(
            rf"[,،]\s[^,،;:.]{{0,60}}?\b(?:{pattern})\b[^,،;:.]{{0,40}}[,،]" for pattern in words.reporting
        )


def _compile(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(patterns)
    return re.compile(rf"(?:{joined})", re.IGNORECASE) if joined else None


def split_clauses(full: str, start: int, end: int, language: str) -> tuple[tuple[int, int], ...]:
    """The clauses of the sentence ``start:end`` in order, without gaps; an inserted remark stays in its clause.

    An unknown language is split at marks and quotations only.
    """
    patterns = _patterns(language)
    cuts = set(_mark_cuts(full, start, end))
    cuts.update(_found(patterns.openers, full, start, end))
    cuts.update(_found(patterns.comma_openers, full, start, end))
    # The mark that closes the remark parts nothing either.
    insertions = [(found.start(), found.end() + 1) for found in _matches(patterns.broken_off, full, start, end)]
    for found in _matches(patterns.attribution, full, start, end):
        tail = full[found.start() + 1 : found.end()]
        verbs = len(patterns.finite.findall(tail)) if patterns.finite else 0
        if verbs <= 1:
            insertions.append((found.start() + 2, found.end() - 1))
    for found in _matches(patterns.reporting, full, start, end):
        if full[found.end() : found.end() + 1] == " ":
            cuts.add(found.end())
    cuts.update(_comma_cuts(full, start, end, cuts, patterns))
    cuts.update(_coordination_cuts(full, start, end, cuts, patterns))
    return _spans(full, start, end, _outside(sorted(cuts), sorted(insertions)))


def leans_back(full: str, start: int, end: int, language: str) -> bool:
    """Whether the subject of the clause ``start:end`` may stand in the one before it.

    English says it by a pronoun or a participle near the beginning; of languages that need neither all clauses may.
    """
    leaning = _patterns(language).leaning
    return leaning is None or leaning.match(full, start, end) is not None


def _matches(pattern: re.Pattern[str] | None, full: str, start: int, end: int) -> Iterator[re.Match[str]]:
    return pattern.finditer(full, start, end) if pattern else iter(())


def _found(pattern: re.Pattern[str] | None, full: str, start: int, end: int) -> Iterator[int]:
    return (found.start() for found in _matches(pattern, full, start, end))


def _mark_cuts(full: str, start: int, end: int) -> Iterator[int]:
    for found in _MARK.finditer(full, start, end):
        yield found.end()
    for found in _QUOTE.finditer(full, start, end):
        yield found.start()
        yield found.end()


def _comma_cuts(full: str, start: int, end: int, cuts: set[int], patterns: _Patterns) -> list[int]:
    """The commas that close a clause which opened with a subordinator: "If it attacks, Armenia will"."""
    if patterns.subordinators is None:
        return []
    closing = []
    edges = sorted({start, *cuts, end})
    for low, high in itertools.pairwise(edges):
        begin = low + len(full[low:high]) - len(full[low:high].lstrip(' ,"“«\n\t'))
        if patterns.subordinators.match(full, begin, high):
            comma = _COMMA.search(full, begin, high)
            if comma:
                closing.append(comma.end())
    return closing


def _coordination_cuts(full: str, start: int, end: int, cuts: set[int], patterns: _Patterns) -> list[int]:
    """Where "and" joins two clauses, each with a verb and the second with a subject of its own."""
    if patterns.coordinators is None or patterns.finite is None:
        return []
    joined = []
    edges = sorted({start, *cuts, end})
    for low, high in itertools.pairwise(edges):
        searched, has_verb = low, False
        for found in patterns.coordinators.finditer(full, low, high):
            has_verb = has_verb or patterns.finite.search(full, searched, found.start()) is not None
            searched = found.start()
            verb = patterns.finite.search(full, found.end(), min(high, found.end() + _LONGEST_SUBJECT))
            if verb is None or not has_verb:
                continue
            subject = full[found.end() : verb.start()]
            # A comma in it: "between Russia and Ukraine, the ministry said".
            if 1 <= len(subject.split()) <= _SUBJECT_WORDS and not _COMMA.search(subject.rstrip(" ,")):
                joined.append(found.start())
                searched, has_verb = found.end(), False
    return joined


def _outside(cuts: list[int], insertions: list[tuple[int, int]]) -> list[int]:
    """The cuts that stand inside no insertion; both in ascending order."""
    kept = []
    reach = i = 0  # how far the insertions that begin before the cut go
    for cut in cuts:
        while i < len(insertions) and insertions[i][0] < cut:
            reach = max(reach, insertions[i][1])
            i += 1
        if cut >= reach:
            kept.append(cut)
    return kept


def _spans(full: str, start: int, end: int, cuts: list[int]) -> tuple[tuple[int, int], ...]:
    """The stretches between the cuts; one without a word joins the stretch after it."""
    spans = []
    low = start
    for cut in cuts:
        if _WORD.search(full, low, cut) and _WORD.search(full, cut, end):
            spans.append((low, cut))
            low = cut
    spans.append((low, end))
    return tuple(spans)
