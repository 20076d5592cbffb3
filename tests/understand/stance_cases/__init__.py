"""Sentences labelled by hand with the stance of the words in square brackets, one file a language.

    python -m tests.understand.stance_cases

prints precision and recall of each stance. A line is ``stance: sentence``; ``planned/possible:`` where careful readers differ,
``not yet stance:`` where we know that we are wrong. The article's date is 14 September 2022.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from watcher.model import Stance
from watcher.text.reading import Reading
from watcher.understand.stance import judge

REFERENCE_AT = datetime(2022, 9, 14, 14, 39, tzinfo=UTC)
LANGUAGES = ("en", "ru", "uk", "tr", "fr", "es", "ar")
_NOT_YET = "not yet "


@dataclass(frozen=True, slots=True)
class Case:
    language: str
    marked: str
    stances: tuple[Stance, ...]  # the first is counted in the table
    is_known_wrong: bool


def read_cases(language: str) -> Iterator[Case]:
    lines = Path(__file__).with_name(f"{language}.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        label, marked = line.split(": ", 1)
        stances = label.removeprefix(_NOT_YET).split("/")
        yield Case(language, marked, tuple(map(Stance, stances)), label.startswith(_NOT_YET))


def judge_marked(marked: str, language: str = "en", title: str = "") -> tuple[Stance, str | None]:
    """The stance of the words in square brackets, and the cue that decided."""
    start = marked.index("[")
    end = marked.index("]") - 1
    text = marked.replace("[", "", 1).replace("]", "", 1)
    reading = Reading.of(title, text, language, REFERENCE_AT)
    judgement = judge(reading, start + reading.text_start, end + reading.text_start)
    return judgement.stance, None if judgement.cue is None else reading.full[slice(*judgement.cue)]


def confusion(language: str) -> Counter[tuple[Stance, Stance]]:
    """How often each stance as labelled was judged as which."""
    counts: Counter[tuple[Stance, Stance]] = Counter()
    for case in read_cases(language):
        found = judge_marked(case.marked, language)[0]
        counts[found if found in case.stances else case.stances[0], found] += 1
    return counts
