"""Which news agency a report rests on as a whole, by its dateline, byline, closing credit or lead."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from watcher.model import Article
from watcher.text.sentences import split_sentences

_DATA = files("watcher.understand") / "data" / "wires"
_LEAD_SENTENCES = 2  # further down an agency is one source among others
_LEAD_CHARS = 700  # where sentences cannot be told apart
_CLOSING_CHARS = 160
_BYLINE_CHARS = 60
_INFLECTED_FROM = 5  # letters of a Cyrillic name that takes case endings
# Reuters signs its stories so, whoever prints them.
_SIGNED_REUTERS = re.compile(r"\(?Reporting by [^\n]{3,200}?(?:Editing|Writing) by [^\n]{3,120}\)?\s*\Z")


@dataclass(frozen=True, slots=True)
class Agency:
    """A news agency; ``state`` is that which owns it, ISO 3166-1 alpha-2, else empty."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Wire:
    """The agency that a report credits, and the words that do so."""

    agency: Agency
    where: str  # dateline, byline, closing, lead
    words: str


def find_agency(name: str) -> Agency | None:
    """The agency of that name, in any of its languages; None: no agency is called so."""
    return _agencies().get(name.casefold().strip())


def find_wire(article: Article) -> Wire | None:
    """The agency that the report as a whole rests on; None: none, or several that differ.

    A dateline, a byline or a credit at the end says so for the whole text. An attribution in the title or the first two
    sentences does where the text credits no second agency.
    """
    title, text = article.title.strip(), article.text.strip()
    known = _names()
    if not known.search(title) and not known.search(text) and not _SIGNED_REUTERS.search(text):
        return None
    formal = {wire.agency: wire for wire in reversed(list(_formal(title, text)))}
    if formal:
        return next(iter(formal.values())) if len(formal) == 1 else None
    patterns = _patterns().lead.get(article.language) or _patterns().any_lead
    lead = [wire for part in (title, _lead(text)) for wire in _find(patterns, part, "lead")]
    everywhere = {wire.agency for wire in (*lead, *_find(patterns, text, "lead"))}
    return lead[0] if lead and len(everywhere) == 1 else None


def _formal(title: str, text: str) -> Iterator[Wire]:
    if signed := _SIGNED_REUTERS.search(text):
        yield Wire(_agencies()["reuters"], "closing", signed[0])
    patterns = _patterns()
    first = text.split("\n", 1)[0]
    for pattern in patterns.dateline:
        if found := pattern.match(text[:240]):
            yield _wire(found, "dateline")
            break
    for line in (first, *text.split("\n", 3)[1:3], _behind_dash(title)):
        if len(line) <= _BYLINE_CHARS and (found := patterns.byline.fullmatch(line.strip())):
            yield _wire(found, "byline")
    ending = text[-_CLOSING_CHARS:]
    for pattern in patterns.closing:
        if found := pattern.search(ending):
            yield _wire(found, "closing")
            break


def _behind_dash(title: str) -> str:
    """What a title says behind its last dash: "12 killed on border – TASS"."""
    parts = re.split(r"\s[-–—|]\s", title)
    return parts[-1] if len(parts) > 1 else ""


def _lead(text: str) -> str:
    sentences = split_sentences(text[:_LEAD_CHARS], 0)[:_LEAD_SENTENCES]
    return text[: sentences[-1].end] if sentences else ""


def _find(patterns: Sequence[re.Pattern[str]], text: str, where: str) -> list[Wire]:
    found = sorted(
        (match for pattern in patterns for match in pattern.finditer(text)),
        key=lambda match: (match.start(), match.end()),
    )
    return [_wire(match, where) for match in found]


def _wire(found: re.Match[str], where: str) -> Wire:
    name = next(group for key, group in found.groupdict().items() if key.startswith("agency") and group)
    return Wire(_resolve(name), where, found[0].strip())


def _resolve(written: str) -> Agency:
    """The agency of a name as it stands in a text, endings included."""
    agencies = _agencies()
    name = re.split(r"['’](?=\w+$)", written)[0].casefold()
    while name not in agencies:  # a case ending: the pattern allows three letters
        name = name[:-1]
    return agencies[name]


@dataclass(frozen=True, slots=True)
class _Patterns:
    dateline: tuple[re.Pattern[str], ...]
    byline: re.Pattern[str]
    closing: tuple[re.Pattern[str], ...]
    lead: Mapping[str, tuple[re.Pattern[str], ...]]
    any_lead: tuple[re.Pattern[str], ...]  # of an unknown language


@functools.cache
def _load(name: str) -> Any:
    body = (_DATA / name).read_bytes()
    return yaml.load(body, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - gives text only


@functools.cache
def _agencies() -> Mapping[str, Agency]:
    """By every name in one case."""
    return {
        written.casefold(): agency
        for name, row in _load("agencies.yaml")["agencies"].items()
        for agency in [Agency(name, row.get("state", ""))]
        for written in (name, *row["names"], *row.get("short", ()))
    }


@functools.cache
def _names() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_alternatives(short=True)})")


def _alternatives(*, short: bool) -> str:
    names = [
        written
        for row in _load("agencies.yaml")["agencies"].values()
        for written in (*row["names"], *(row.get("short", ()) if short else ()))
    ]
    return "|".join(_as_written(name) for name in sorted(set(names), key=lambda name: (-len(name), name)))


def _as_written(name: str) -> str:
    escaped = re.escape(name).replace(r"\ ", r"\s+")
    # Arabic writes prepositions together with the word; Cyrillic names are declined.
    is_declined = bool(re.search(r"[а-яіїє]", name)) and len(name) >= _INFLECTED_FROM
    return f"(?-i:{escaped})" + (r"(?:[а-яіїє]{1,3})?" if is_declined else "")


@functools.cache
def _patterns() -> _Patterns:
    data = _load("credits.yaml")
    lead = {language: tuple(_compile(row, short=False) for row in rows) for language, rows in data["lead"].items()}
    return _Patterns(
        dateline=tuple(_compile(rf"\W{{0,3}}{row}", short=True, is_line=True) for row in data["dateline"]),
        byline=_compile(data["byline"][0], short=True),
        closing=tuple(_compile(rf"{row}\s*\Z", short=True) for row in data["closing"]),
        lead=lead,
        any_lead=tuple(pattern for rows in lead.values() for pattern in rows),
    )


def _compile(row: str, *, short: bool, is_line: bool = False) -> re.Pattern[str]:
    # Behind an Arabic preposition that is written together with it; before a Turkish ending.
    prefix, ending = r"(?:[لبوف]{1,2}(?=[\u0600-\u06ff]))?", r"(?:['’]\w{1,6})?"
    named = rf"(?<!\w){prefix}(?P<agency>(?:{_alternatives(short=short)}){ending})(?!\w)[»\"]?"
    flags = re.IGNORECASE | (re.MULTILINE if is_line else 0)
    for short_form, meaning in (("{A}", named), ("_*", r"\s*"), ("_+", r"\s+"), ("_?", r"\s?"), ("_", r"\s+")):
        row = row.replace(short_form, meaning)
    return re.compile(row, flags)
