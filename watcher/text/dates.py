"""Dates that a text mentions, resolved against the article's own date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date or period as the text gives it; half-open offsets in code points of the text as given."""

    start: int
    end: int
    earliest: date
    latest: date  # inclusive
    text: str
    is_anchored: bool  # names its own year, so that the article's date does not matter


def find_dates(text: str, start: int, end: int, language: str, reference_at: datetime) -> tuple[DateMention, ...]:
    """The dates and periods named within ``start:end``, in text order."""
    return ()
