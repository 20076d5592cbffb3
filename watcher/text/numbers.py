"""Figures of people in a text, and the ways to write a number."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of something as the text gives it; half-open offsets in code points of the text as given."""

    start: int
    end: int
    at_least: int
    at_most: int | None  # only where the text states one
    vague: bool  # "dozens", "several"


def find_figures(text: str, start: int, end: int, language: str) -> tuple[Figure, ...]:
    """The figures within ``start:end`` that can count people, in text order, qualifiers absorbed."""
    return tuple(
        Figure(m.start(), m.end(), int(m[0].replace(",", "")), int(m[0].replace(",", "")), False)
        for m in re.compile(r"\b\d{1,3}(?:,\d{3})*\b|\b\d+\b").finditer(text, start, end)
    )


def number_forms(token: str, languages: tuple[str, ...], *, roman: bool) -> frozenset[str]:
    """The folded ways to write a number, with itself; just itself where it is no number."""
    return frozenset({token})
