"""The text of a first rule, from a desk officer's answers: what ``watcher rules new`` saves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from textwrap import wrap

from watcher.model import RuleStatus
from watcher.text.fold import fold
from watcher.text.inflect import inflect

# The names of the clues; explain and the tests speak of them.
WORDS, STATES, DEATHS = "words", "states_named", "deaths"

DEFAULT_FAMILY = "other"  # as a rule without the key has it

_WITHIN = "2 sentences"  # the usual window of the shipped rules: a fact, and what it comes to
_LINE_CHARS = 100
_MAX_ID_CHARS = 48
_SMALL_WORDS = frozenset("a an and at by for from in is its of on or the to with".split())
_PLAIN = re.compile(r"[^\W_(](?:[^:#]|:(?! )|(?<! )#)*|\((?:[^:#]|:(?! )|(?<! )#)*")
_ANOTHER_VALUE = re.compile(r"true|false|yes|no|on|off|null|[-+.\d][\d._,:eE+-]*", re.IGNORECASE)
_MARKS = re.compile(r"[~*()|$]|\.\.")


@dataclass(frozen=True, slots=True)
class Answers:
    """What the five questions give."""

    title: str
    words: tuple[str, ...]  # phrases, in the phrase language
    states: int  # how many different ones must be named; 0: none
    deaths: int  # how many killed at least; 0: none
    alert: str  # a sentence that must alert
    no_alert: str  # one that is near and must not
    family: str = DEFAULT_FAMILY  # the kind of signal


@dataclass(frozen=True, slots=True)
class Heading:
    """What a rule has beside what it looks for."""

    rule_id: str
    language: str
    severity: str
    status: RuleStatus
    reviewed: date


def clean_answer(text: str) -> str:
    """The words of an answer on one line, without what no rule file may hold."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def rule_id_of(title: str, taken: Collection[str]) -> str:
    """A rule id made of the title's words that no other rule has."""
    words = [word for word in re.findall(r"[a-z0-9]+", fold(title).text) if word not in _SMALL_WORDS]
    base = "new-rule"
    for count in range(1, len(words) + 1):
        longer = "-".join(words[:count])
        if len(longer) > _MAX_ID_CHARS:
            break
        if len(longer) >= 3:
            base = longer
    number, name = 2, base
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def rule_text(answers: Answers, heading: Heading, missing: Collection[str] = ()) -> str:
    """The rule file. ``missing`` are the clues that the sentence without alert is known to lack."""
    lines = [
        f"rule: {heading.rule_id}",
        f"title: {_scalar(answers.title)}",
        f"status: {heading.status.value}",
        f"family: {answers.family}",
        f"severity: {heading.severity}",
        f"reviewed: {heading.reviewed}",
        f"languages: [{heading.language}]",
        "look_for:",
        f"  {WORDS}:",
        "    phrases:",
        *(f"      - {_scalar(phrase)}" for phrase in answers.words),
    ]
    clues = [WORDS]
    if answers.states:
        lines.append(f"  {STATES}: {{states: {{at_least: {answers.states}}}}}")
        clues.append(STATES)
    if answers.deaths:
        lines.append(f"  {DEATHS}: {{killed: {{at_least: {answers.deaths}}}}}")
        clues.append(DEATHS)
    if len(clues) > 1:
        lines += ["close_together:", f"  - {{clues: [{', '.join(clues)}], within: {_WITHIN}}}"]
    lines += ["tests:", "  - name: must alert", *_text("text", answers.alert), "    expect: alert"]
    lines += ["  - name: must stay silent", *_text("text", answers.no_alert), "    expect: no alert"]
    if missing:
        lines.append(f"    missing: [{', '.join(missing)}]")
    return "\n".join(lines) + "\n"


def looser(answers: Answers, language: str) -> Iterator[Answers]:
    """The answers with plain words read more widely: first any form of each, then also with words in between."""
    for gap in ("", " ..4"):
        words = tuple(_looser(phrase, gap, language) for phrase in answers.words)
        if words != answers.words:
            yield replace(answers, words=words)


def _looser(phrase: str, gap: str, language: str) -> str:
    if _MARKS.search(phrase):
        return phrase
    open_words = [
        # A name with a capital has no forms; a gap takes in the small words.
        f"{word}~" if word.isalpha() and word.islower() and len(word) > 2 and inflect(word, language) else word
        for word in phrase.split()
        if not gap or word not in _SMALL_WORDS
    ]
    return f"{gap} ".join(open_words)


def _text(key: str, text: str) -> list[str]:
    if len(text) <= _LINE_CHARS:
        return [f"    {key}: {_scalar(text)}"]
    folded = wrap(text, _LINE_CHARS, break_long_words=False, break_on_hyphens=False)
    return [f"    {key}: >-", *(f"      {line}" for line in folded)]


def _scalar(text: str) -> str:
    """The text as YAML, in quotes only where it needs them."""
    if _PLAIN.fullmatch(text) and not text.endswith(":") and not _ANOTHER_VALUE.fullmatch(text):
        return text
    return "'" + text.replace("'", "''") + "'"
