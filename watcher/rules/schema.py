"""What rule files may say: the models of every document and key, and the rule set that they load to.

Scalars arrive as the text that stands in the file; each field says what it makes of it, so nothing is coerced by YAML.
Every error message is one lower-case clause for the person who wrote the file: what was expected, and the nearest name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, WithJsonSchema, model_validator
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from watcher.errors import Location, Problem
from watcher.model import RuleStatus, Severity, Stance

FAMILIES = ("treaty", "clash", "mobilisation", "rupture", "ultimatum", "ceasefire")  # the shipped ones; others are free
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MAX_SENTENCES = 50  # a wider window is the whole article

_RULE_ID = re.compile(r"[a-z0-9-]{3,64}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FAMILY = re.compile(r"[a-z][a-z0-9_-]{1,31}")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}")
_DECIMAL = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_WINDOW = re.compile(r"([1-9][0-9]{0,3}) +sentences?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

# Words that people try first, and what they are called here.
_SYNONYMS = {
    "alert": ["alarm", "fire", "fired", "true", "yes"],
    "no alert": ["false", "no", "none", "silence"],
    "alert_when": ["conditions", "condition", "when", "alert_if"],
    "look_for": ["clues", "find", "match"],
    "phrases": ["keywords", "words", "terms"],
    "why": ["description", "about"],
    "because": ["reason"],
    "title": ["name", "headline"],
    "rule": ["id"],
    "unless": ["exclude", "except", "exceptions"],
    "languages": ["lang"],
    "states": ["countries", "country"],
    "killed": ["deaths", "dead", "fatalities"],
    "injured": ["wounded", "hurt"],
    "severity": ["level", "priority"],
    "family": ["category"],
    "kind": ["type"],
    "to": ["recipients"],
    "send": ["notify"],
    "close_together": ["near", "proximity"],
    "within": ["window"],
    "at_least": ["min", "minimum"],
    "all_of": ["all"],
    "any_of": ["any"],
    "none_of": ["none", "not"],
    "items": ["values", "entries"],
    "watch": ["low", "info"],
    "warning": ["medium"],
    "critical": ["high", "urgent"],
    "stable": ["active", "enabled", "on", "live"],
    "off": ["disabled", "inactive"],
    "happened": ["actual", "now"],
    "planned": ["future"],
    "possible": ["maybe", "hypothetical"],
    "denied": ["negated"],
    "past": ["historical"],
    "body": ["text"],
}


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was most likely meant, if any is near enough."""
    names = list(candidates)
    plain = re.sub(r"[\s-]+", "_", name.strip().casefold())
    by_plain = {re.sub(r"[\s-]+", "_", candidate.casefold()): candidate for candidate in names}
    if plain in by_plain:
        return by_plain[plain]
    for name_here in names:
        if plain in _SYNONYMS.get(name_here, ()):
            return name_here
    close = difflib.get_close_matches(plain, by_plain, n=1, cutoff=0.6)
    if close:
        return by_plain[close[0]]
    by_synonym = {synonym: candidate for candidate in names for synonym in _SYNONYMS.get(candidate, ())}
    close = difflib.get_close_matches(plain, by_synonym, n=1, cutoff=0.75)
    if close:
        return by_synonym[close[0]]
    starts = [candidate for candidate in by_plain if len(plain) > 2 and candidate.startswith(plain)]
    return by_plain[starts[0]] if len(starts) == 1 else None


def list_names(names: Iterable[str], most: int = 12) -> str:
    """The names as a sentence lists them; "and N more" past ``most``."""
    all_names = list(names)
    shown = ", ".join(all_names[:most])
    return f"{shown} and {len(all_names) - most} more" if len(all_names) > most else shown


def not_among(what: str, name: str, candidates: Iterable[str]) -> str:
    """The message for a name that is not among the valid ones: the nearest, else all of them."""
    names = list(candidates)
    meant = nearest(name, names)
    if meant:
        return f"{name} is no {what}: did you mean {meant}?"
    if not names:
        return f"{name} is no {what}, and none is defined"
    return f"{name} is no {what}: expected {'one of ' if len(names) > 1 else ''}{list_names(names)}"


def wrong(message: str) -> PydanticCustomError:
    """The error that a validator raises; the message goes to the reader as it is."""
    return PydanticCustomError("rules", "{message}", {"message": message})


def describe(value: object) -> str:
    """What a value of a file looks like to its author."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, Mapping):
        return "keys with values" if value else "{}"
    if isinstance(value, list | tuple):
        return "a list" if value else "[]"
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else text[:39] + "…"


def _scalar(value: object, expected: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"expected {expected}, found {describe(value)}")
    if _CONTROL.search(value):
        raise wrong("there is an invisible control character in this text: type it again")
    return value.strip()


def _text(value: object) -> str:
    return _scalar(value, "text")


def _phrase(value: object) -> str:
    if isinstance(value, Mapping):
        raise wrong("expected a phrase, found a key with a value: put the phrase in quotes, or leave out the colon")
    return _scalar(value, "a phrase")


def _rule_id(value: object) -> str:
    text = _scalar(value, "the id of a rule, like border-clash")
    if not _RULE_ID.fullmatch(text):
        raise wrong(f"expected 3 to 64 small letters, digits and hyphens, like border-clash, found {describe(text)}")
    return text


def _name(value: object) -> str:
    text = _scalar(value, "a name")
    if not _NAME.fullmatch(text):
        hint = nearest_spelling(text)
        better = f": write {hint}" if hint else ""
        raise wrong(f"expected a name of small letters, digits and _, found {describe(text)}{better}")
    return text


def nearest_spelling(name: str) -> str | None:
    """The name respelled so that it is valid, where that is possible."""
    spelled = re.sub(r"[^a-z0-9]+", "_", name.removeprefix("$").casefold()).strip("_")
    return spelled if _NAME.fullmatch(spelled) else None


def _family(value: object) -> str:
    text = _scalar(value, f"a family, like {', '.join(FAMILIES)}")
    if not _FAMILY.fullmatch(text):
        meant = nearest(text, FAMILIES)
        better = f"did you mean {meant}?" if meant else f"like {', '.join(FAMILIES)}"
        raise wrong(f"expected one word of small letters: {better}")
    return text


def _positive(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if not isinstance(value, str) or not _INTEGER.fullmatch(value.strip()) or value.strip() == "0":
        raise wrong(f"expected a whole number from 1, like 2, found {describe(value)}")
    return int(value)


def _ratio(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value.strip()) or not float(value):
        raise wrong(f"expected a number like 3 or 2.5, found {describe(value)}")
    return float(value)


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(f"expected a duration like 30m, 72h or 10d, found {describe(value)}{_duration_meant(value)}")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _duration_meant(value: object) -> str:
    """How to write what was meant by "3 days" or "2w"."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})\s*([a-z]+)", value.strip().lower()) if isinstance(value, str) else None
    if not found:
        return ""
    if found[2].startswith("w"):
        return f": write {int(found[1]) * 7}d"
    unit = next((short for short, name in UNITS.items() if name.startswith(found[2].rstrip("s"))), None)
    unit = unit or {"hr": "h", "hrs": "h"}.get(found[2])
    return f": write {found[1]}{unit}" if unit else ""


def _later_by(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"\+(0|[1-9][0-9]{0,5})([smhd])", value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(f"expected the time after the start, like +0d or +36h, found {describe(value)}")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(f"expected a date like 2026-11-20, found {describe(value)}")
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise wrong(f"expected a date of the calendar, found {describe(value)}") from None


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    expected = "expected a date or a time like 2026-11-20 or 2026-11-20T06:30Z"
    if not isinstance(value, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        raise wrong(f"{expected}, found {describe(value)}")
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise wrong(f"{expected}, found {describe(value)}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """How close together: so many consecutive sentences, or one paragraph."""

    sentences: int | None  # None: the paragraph

    def __str__(self) -> str:
        if self.sentences is None:
            return "paragraph"
        return f"{self.sentences} sentence{'s' if self.sentences > 1 else ''}"


def _window(value: object) -> Window:
    if isinstance(value, Window):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if text == "paragraph":
        return Window(None)
    found = _WINDOW.fullmatch(text)
    if not found:
        better = f": write {text} sentences" if _INTEGER.fullmatch(text) else ""
        raise wrong(f"expected a number of sentences, like 2 sentences, or paragraph, found {describe(value)}{better}")
    if int(found[1]) > MAX_SENTENCES:
        raise wrong(f"expected at most {MAX_SENTENCES} sentences, found {found[1]}")
    return Window(int(found[1]))


def _severity(value: object) -> Severity:
    if isinstance(value, Severity):
        return value
    names = [severity.label for severity in Severity]
    text = _scalar(value, f"one of {', '.join(names)}")
    if text not in names:
        raise wrong(not_among("severity", text, names))
    return Severity[text.upper()]


def _enum(members: type[StrEnum], what: str) -> BeforeValidator:
    names = [str(member) for member in members]

    def validate(value: object) -> object:
        text = _scalar(value, f"one of {', '.join(names)}")
        if text not in names:
            raise wrong(not_among(what, text, names))
        return members(text)

    return BeforeValidator(validate)


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) and value.strip() else value


def _words(value: object) -> object:
    """A list of words may also be written as one word, or with commas."""
    return [word.strip() for word in value.split(",")] if isinstance(value, str) and value.strip() else value


def _language(value: object) -> str:
    text = _scalar(value, "the two letters of a language, like en")
    if not re.fullmatch(r"[a-z]{2}", text):
        raise wrong(f"expected the two small letters of a language, like en or ru, found {describe(text)}")
    return text


def _group_key(value: object) -> str:
    text = _scalar(value, "one of rule, rules, states, or a list like $treaties")
    if text not in ("rule", "rules", "states") and not (text.startswith("$") and _NAME.fullmatch(text[1:])):
        raise wrong(not_among("way to group", text, ["rule", "rules", "states", "$list_name"]))
    return text


class ListKind(StrEnum):
    PHRASES = "phrases"
    STATES = "states"


class Part(StrEnum):
    """The part of an article that a clue looks at."""

    TITLE = "title"
    LEAD = "lead"  # title and the first three sentences
    BODY = "body"  # all after the lead


class UntilThen(StrEnum):
    SEND_UNCONFIRMED = "send_unconfirmed"
    HOLD = "hold"


class UpdateOn(StrEnum):
    CONFIRMED = "confirmed"
    DEATHS_DOUBLED = "deaths_doubled"
    NEW_STATE = "new_state"
    PUBLISHERS_DOUBLED = "publishers_doubled"
    SEVERITY_RAISED = "severity_raised"
    CORRECTION = "correction"


class InQuietHours(StrEnum):
    HOLD = "hold"
    SEND = "send"
    SILENT = "silent"


class Expect(StrEnum):
    ALERT = "alert"
    NO_ALERT = "no alert"


class CountOf(StrEnum):
    PUBLISHERS = "publishers"
    REPORTS = "reports"


class Sharing(StrEnum):
    A_STATE = "a state"
    STATES = "states"


Text = Annotated[str, BeforeValidator(_text)]
RuleId = Annotated[str, BeforeValidator(_rule_id), WithJsonSchema({"type": "string", "pattern": "^[a-z0-9-]{3,64}$"})]
Name = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"})]
PhraseText = Annotated[str, BeforeValidator(_phrase)]
Phrases = Annotated[tuple[PhraseText, ...], BeforeValidator(_one_or_many), Key(min_length=1)]
Positive = Annotated[int, BeforeValidator(_positive), WithJsonSchema({"type": "integer", "minimum": 1})]
Ratio = Annotated[float, BeforeValidator(_ratio), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]*[smhd]$", "examples": ["30m", "72h", "10d"]}),
]
LaterBy = Annotated[
    timedelta, BeforeValidator(_later_by), WithJsonSchema({"type": "string", "pattern": r"^\+[0-9]+[smhd]$"})
]
Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "examples": ["2026-11-20"]})]
Within = Annotated[
    Window,
    BeforeValidator(_window),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(paragraph|[1-9][0-9]* +sentences?)$",
            "examples": ["1 sentence", "2 sentences", "paragraph"],
        }
    ),
]
SeverityName = Annotated[
    Severity,
    BeforeValidator(_severity),
    WithJsonSchema({"type": "string", "enum": [severity.label for severity in Severity]}),
]
Names = Annotated[tuple[Name, ...], BeforeValidator(_words), Key(min_length=1)]
Words = Annotated[tuple[Text, ...], BeforeValidator(_words), Key(min_length=1)]
Stances = Annotated[tuple[Annotated[Stance, _enum(Stance, "stance")], ...], BeforeValidator(_words), Key(min_length=1)]
Parts = Annotated[
    tuple[Annotated[Part, _enum(Part, "part of an article")], ...], BeforeValidator(_words), Key(min_length=1)
]
Languages = Annotated[
    tuple[
        Annotated[str, BeforeValidator(_language), WithJsonSchema({"type": "string", "pattern": "^[a-z]{2}$"})],
        ...,
    ],
    BeforeValidator(_words),
    Key(min_length=1),
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, validate_default=False)


class States(_Model):
    """Distinct states that the text names as parties: by name, people, capital, government, leader or forces."""

    at_least: Positive = Key(default=1, description="how many different states", examples=[2])
    one_from: Name | None = Key(default=None, description="at least one of them is on this list of kind states")
    all_from: Name | None = Key(default=None, description="all that count are on this list of kind states")


class Casualties(_Model):
    """People killed, or injured, read in the most conservative way."""

    at_least: Positive = Key(
        default=1, description="how many people at the lowest reading: dozens is 12", examples=[1, 10]
    )


class Clue(_Model):
    """One thing to find: phrases, states, killed, injured or regex."""

    phrases: Phrases | None = Key(default=None, description="any of these", examples=[["invoke~ ..4 Article 4"]])
    not_phrases: Phrases | None = Key(
        default=None, description="a match that overlaps one of these, or shares its clause, does not count"
    )
    states: States | None = Key(default=None, description="states named as parties", examples=[{"at_least": 2}])
    killed: Casualties | None = Key(default=None, description="people killed", examples=[{"at_least": 1}])
    injured: Casualties | None = Key(default=None, description="people injured", examples=[{"at_least": 10}])
    regex: Text | None = Key(default=None, description="a regular expression; only where no phrase can say it")
    parts: Parts | None = Key(
        default=None,
        alias="in",
        description="where to look: title, lead (title and first three sentences), body (all after the lead); "
        "without it everywhere",
        examples=["lead"],
    )
    accept: Stances = Key(
        default=(Stance.HAPPENED,), description="the stances that count", examples=[["happened", "planned"]]
    )

    @property
    def kind(self) -> Literal["phrases", "states", "killed", "injured", "regex"]:
        """Which of the five it is."""
        if self.phrases is not None:
            return "phrases"
        if self.states is not None:
            return "states"
        if self.killed is not None:
            return "killed"
        return "injured" if self.injured is not None else "regex"

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        kinds = [key for key in ("phrases", "states", "killed", "injured", "regex") if getattr(self, key) is not None]
        if len(kinds) != 1:
            found = f"found {' and '.join(kinds)}: make each a clue of its own" if kinds else "found none"
            raise wrong(f"expected exactly one of phrases, states, killed, injured, regex, {found}")
        if self.not_phrases is not None and kinds != ["phrases"]:
            raise wrong(f"not_phrases goes with phrases, not with {kinds[0]}")
        if kinds == ["states"] and "accept" in self.model_fields_set:
            raise wrong("accept does not go with states: a name has no stance, only what is said of it")
        return self


LookFor = Annotated[Mapping[Name, Clue], Key(min_length=1)]


class AtLeast(_Model):
    """So many of these clues."""

    n: Positive = Key(description="how many", examples=[2])
    of: Names = Key(description="of which clues")


class AlertWhen(_Model):
    """Which clues must be found; every key given must hold."""

    all_of: Names | None = Key(default=None, description="every one of these clues")
    any_of: Names | None = Key(default=None, description="at least one of these clues")
    none_of: Names | None = Key(default=None, description="not one of these clues")
    at_least: AtLeast | None = Key(
        default=None, description="so many of these clues", examples=[{"n": 2, "of": ["a", "b", "c"]}]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.all_of or self.any_of or self.none_of or self.at_least):
            raise wrong("expected one of all_of, any_of, none_of, at_least, found nothing")
        if self.at_least and self.at_least.n > len(set(self.at_least.of)):
            raise wrong(f"expected at most {len(set(self.at_least.of))}, as many as clues, found {self.at_least.n}")
        return self


class CloseTogether(_Model):
    """One window must by itself hold all these clues, each with its own threshold."""

    clues: Names = Key(description="names from look_for")
    within: Within = Key(description="so many sentences in a row, or paragraph")


class Unless(_Model):
    """One exception. Where it has several conditions, all of them must hold for it to stop the signal."""

    name: Text = Key(description="how explain calls it")
    because: Text | None = Key(default=None, description="why, for people")
    until: Day | None = Key(default=None, description="the last day on which it applies")
    phrases: Phrases | None = Key(default=None, description="any of these is found")
    accept: Stances = Key(default=(Stance.HAPPENED,), description="the stances in which its phrases count")
    within: Within | None = Key(default=None, description="only this close to the clue named by of")
    of: Name | None = Key(default=None, description="a clue from look_for")
    title_has: Phrases | None = Key(
        default=None, description="any of these is in the title", examples=["$retrospective_formats"]
    )
    older_than: Duration | None = Key(default=None, description="the article was published longer ago than this")
    event_older_than: Duration | None = Key(
        default=None, description="the text itself dates what it tells longer ago than this"
    )
    source_tags: Words | None = Key(default=None, description="the source has one of these tags")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        conditions = (self.phrases, self.title_has, self.older_than, self.event_older_than, self.source_tags)
        if all(condition is None for condition in conditions):
            raise wrong("expected one of phrases, title_has, older_than, event_older_than, source_tags, found none")
        if (self.within is None) != (self.of is None):
            raise wrong("within and of go together, like within: 1 sentence and of: deaths")
        if self.phrases is None and (self.of is not None or "accept" in self.model_fields_set):
            raise wrong("within, of and accept say more about phrases: expected phrases too")
        return self


class SourceGate(_Model):
    """Which sources a rule reads; an article from another is skipped."""

    tags: Words | None = Key(default=None, description="sources that have one of these tags")
    not_tags: Words | None = Key(default=None, description="no source that has one of these tags")
    ids: Words | None = Key(default=None, description="sources with these ids")


class AndTimesUsual(_Model):
    """Compared with this rule's own past."""

    ratio: Ratio = Key(description="so many times the usual number")
    measured_over: Duration = Key(description="how far back the usual number is measured")
    needs_history: Duration = Key(description="with less history than this it says so instead of guessing")


class Count(_Model):
    """So many reports over a sliding window."""

    of: Annotated[CountOf, _enum(CountOf, "thing to count")] = Key(
        description="publishers (families, copies removed) or reports"
    )
    at_least: Positive
    within: Duration
    per: Text | None = Key(default=None, description="counted for each state, for example")
    and_times_usual: AndTimesUsual | None = None


class Step(_Model):
    """One step of several: a small rule."""

    look_for: LookFor
    alert_when: AlertWhen | None = None
    close_together: tuple[CloseTogether, ...] = ()


class InOrder(_Model):
    """The steps must happen in this order."""

    steps: Names
    within: Duration
    sharing: Annotated[Sharing, _enum(Sharing, "thing to share")] | None = None


class Group(_Model):
    """What makes two signals one event, and how long an event stays open without news."""

    by: Annotated[
        tuple[Annotated[str, BeforeValidator(_group_key)], ...], BeforeValidator(_words), Key(min_length=1)
    ] = Key(default=("rule", "states"), description="rule, rules (of one family), states, a list like $treaties")
    open_for: Duration = Key(
        default=timedelta(hours=24), alias="for", description="open for so long after the last report"
    )


class Confirm(_Model):
    """How many independent newsrooms make it confirmed."""

    publishers: Positive = Key(description="independent newsrooms", examples=[2])
    within: Duration = Key(description="of the first report")
    until_then: Annotated[UntilThen, _enum(UntilThen, "way to wait")] = Key(
        default=UntilThen.SEND_UNCONFIRMED, description="send_unconfirmed (marked so) or hold"
    )

    @model_validator(mode="after")
    def _is_more_than_one(self) -> Self:
        if self.publishers < 2:
            raise wrong("expected 2 publishers or more: one is the first report itself")
        return self


class Send(_Model):
    """Who is told, and when."""

    to: Words | None = Key(default=None, description="recipients or audiences; without it whoever subscribed")
    in_quiet_hours: Annotated[InQuietHours, _enum(InQuietHours, "choice")] = Key(
        default=InQuietHours.HOLD, description="hold, send or silent"
    )


class Escalate(_Model):
    """Whom to tell when nobody acknowledges."""

    if_not_acknowledged_in: Duration
    to: Words


class Extracts(_Model):
    """What the alert must say."""

    states: Words | None = Key(default=None, description="exactly these states, in any order", examples=[["AM", "AZ"]])
    killed: Positive | None = Key(default=None, description="killed, at least")
    injured: Positive | None = Key(default=None, description="injured, at least")


class StreamItem(_Model):
    """One article of a stream."""

    at: LaterBy = Key(description="time after the start", examples=["+3d"])
    title: Text | None = None
    text: Text | None = None
    file: Text | None = None


class RuleTest(_Model):
    """An article, and whether the rule must alert on it."""

    name: Text | None = Key(default=None, description="what this test is about")
    title: Text | None = None
    text: Text | None = None
    file: Text | None = Key(default=None, description="a text file beside the rule file")
    stream: tuple[StreamItem, ...] | None = Key(default=None, description="several articles over time")
    expect: Annotated[Expect, _enum(Expect, "expectation")] = Key(description="alert or no alert")
    missing: Names | None = Key(default=None, description="the clues that must be what is missing")
    extracts: Extracts | None = Key(default=None, description="what the alert must say")
    now: Moment | None = Key(default=None, description="the present; without it the article's own date")
    published: Moment | None = Key(default=None, description="the article's date; without it the present")
    language: Annotated[str, BeforeValidator(_language)] | None = Key(
        default=None, description="the article's language; without it the rule's first"
    )

    @model_validator(mode="after")
    def _is_one_article(self) -> Self:
        given = [key for key in ("text", "file", "stream") if getattr(self, key) is not None]
        if len(given) > 1:
            raise wrong(f"expected one of text, file, stream, found {' and '.join(given)}")
        if not given and self.title is None:
            raise wrong("expected an article: text, title and text, file or stream, found none")
        if self.missing and self.expect is Expect.ALERT:
            raise wrong("missing goes with expect: no alert")
        if self.extracts and self.expect is Expect.NO_ALERT:
            raise wrong("extracts goes with expect: alert")
        return self


class RuleList(_Model):
    """A document that names a reusable list."""

    list: Name = Key(description="the name, used as $name", examples=["csto_members"])
    kind: Annotated[ListKind, _enum(ListKind, "kind of list")] = Key(description="phrases or states")
    items: Phrases = Key(description="phrases, or ISO 3166 codes of states; $other_list takes in another list")
    title: Text | None = None
    why: Text | None = None
    reviewed: Day | None = None


class Rule(_Model):
    """A document that says when to alert."""

    rule: RuleId = Key(description="permanent id: events, mutes and history bind to it", examples=["border-clash"])
    title: Text = Key(default="", description="what the alert is headed with; without it the id")
    why: Text | None = Key(default=None, description="why the desk wants to know")
    owner: Text | None = Key(default=None, description="who answers for it")
    reviewed: Day | None = Key(default=None, description="when someone last read it with care")
    false_alarms: Annotated[tuple[Text, ...], BeforeValidator(_one_or_many)] = Key(
        default=(), description="what is known to set it off wrongly"
    )
    status: Annotated[RuleStatus, _enum(RuleStatus, "status")] = Key(
        default=RuleStatus.STABLE, description="draft: recorded, never sent; test: to test recipients; stable; off"
    )
    family: Annotated[str, BeforeValidator(_family)] = Key(
        default="other", description="the kind of signal; people subscribe by it", examples=list(FAMILIES)
    )
    severity: SeverityName = Key(default=Severity.WARNING, description="watch, warning or critical")
    languages: Languages | None = Key(default=None, description="only articles in these languages", examples=[["en"]])
    sources: SourceGate | None = Key(default=None, description="only articles from these sources")
    look_for: LookFor | None = Key(default=None, description="the clues, each with a name of your own")
    alert_when: AlertWhen | None = Key(default=None, description="which clues must be found; without it all")
    close_together: tuple[CloseTogether, ...] = Key(default=(), description="clues that must be near each other")
    unless: tuple[Unless, ...] = Key(default=(), description="exceptions: any that holds stops the signal")
    count: Count | None = Key(default=None, description="alert only on so many reports")
    steps: Mapping[Name, Step] | None = Key(default=None, description="small rules that must happen in order")
    in_order: InOrder | None = Key(default=None, description="the order of the steps")
    group: Group = Key(default=Group(), description="what makes two signals one event")
    confirm: Confirm | None = Key(default=None, description="what makes it confirmed")
    update_on: Annotated[
        tuple[Annotated[UpdateOn, _enum(UpdateOn, "reason for an update")], ...], BeforeValidator(_words)
    ] = Key(
        default=(UpdateOn.CONFIRMED, UpdateOn.DEATHS_DOUBLED, UpdateOn.NEW_STATE, UpdateOn.CORRECTION),
        description="what is told again after the first alert",
    )
    send: Send = Key(default=Send(), description="who is told, and when")
    escalate: Escalate | None = Key(default=None, description="whom to tell when nobody acknowledges")
    tests: tuple[RuleTest, ...] = Key(default=(), description="articles that must alert, and articles that must not")

    @model_validator(mode="before")
    @classmethod
    def _id_as_title(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "title" not in data and isinstance(data.get("rule"), str):
            return {**data, "title": data["rule"]}
        return data

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if self.look_for is None and self.steps is None:
            raise wrong("expected look_for, with at least one clue, found none")
        if self.look_for is not None and self.steps is not None:
            raise wrong("expected look_for or steps, found both")
        if (self.steps is None) != (self.in_order is None):
            raise wrong("steps and in_order go together")
        return self

    @property
    def clues(self) -> Mapping[str, Clue]:
        """The clues of ``look_for`` by name; empty for a rule of steps."""
        return self.look_for or {}


class Append(_Model):
    """A document that adds to a list, or to the exceptions of a rule, that stands elsewhere."""

    append: Text = Key(description="the name of a list, or the id of a rule", examples=["retrospective_formats"])
    items: Phrases | None = Key(default=None, description="what to add to the list")
    unless: tuple[Unless, ...] | None = Key(default=None, description="exceptions to add to the rule")

    @model_validator(mode="after")
    def _is_one_addition(self) -> Self:
        if (self.items is None) == (self.unless is None):
            found = "found none" if self.items is None else "found both"
            raise wrong(f"expected items (for a list) or unless (for a rule), {found}")
        return self


DOCUMENTS: Mapping[str, type[_Model]] = MappingProxyType({"list": RuleList, "rule": Rule, "append": Append})


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one document of a rule file, for editors that complete and check."""
    schema = TypeAdapter[Any](Rule | RuleList | Append).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "watcher rule file", **schema}


@dataclass(frozen=True)
class RuleSet:
    """Every rule and list of the files, checked; appended items and exceptions are merged in."""

    rules: tuple[Rule, ...]  # in file order
    lists: Mapping[str, RuleList]
    # (rule id, key, ...) or ($list name, key, ...) to where the value starts; items of lists are "0", "1", ...
    locations: Mapping[tuple[str, ...], Location]
    files: tuple[Path, ...]
    version: str  # hash of all rule versions
    rule_versions: Mapping[
        str, str
    ]  # by rule id: hash of the rule as loaded, its tests aside, and of the lists it uses
    lists_used: Mapping[str, tuple[str, ...]]  # by rule id: names, also those reached through other lists
    test_texts: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (rule id, `file`) to what the file says
    source_texts: Mapping[str, str] = field(default_factory=dict)  # by path as in locations, for the comments in it
    warnings: tuple[Problem, ...] = ()  # what the loader saw that is legal but suspicious

    def location(self, *path: str) -> Location:
        """Where the value at this path stands, or else the nearest thing around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.locations:
                return self.locations[path[:end]]
        return Location("rules")

    def states_of(self, name: str) -> frozenset[str]:
        """The codes on a list of kind states, with the lists that it takes in."""
        codes: set[str] = set()
        waiting, seen = [name], {name}
        while waiting:
            for item in self.lists[waiting.pop()].items:
                if not item.startswith("$"):
                    codes.add(item)
                elif item[1:] not in seen:
                    seen.add(item[1:])
                    waiting.append(item[1:])
        return frozenset(codes)
