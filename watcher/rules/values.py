"""Texts of rule files to values; every error is one lower-case clause: what was expected, and the nearest name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from watcher.model import Severity

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
    "if_not_acknowledged_in": ["after", "within", "if_not_acked_in", "wait"],
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
    "a state": ["state", "one_state", "any_state"],
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


def parse_text(value: object) -> str:
    """The text without the space around it."""
    return _scalar(value, "text")


def phrase_text(value: object) -> str:
    """The text of a phrase; its marks are read elsewhere."""
    if isinstance(value, Mapping):
        raise wrong("expected a phrase, found a key with a value: put the phrase in quotes, or leave out the colon")
    return _scalar(value, "a phrase")


def parse_rule_id(value: object) -> str:
    """The id of a rule."""
    text = _scalar(value, "the id of a rule, like border-clash")
    if not _RULE_ID.fullmatch(text):
        spelled = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
        better = f": write {spelled}" if text.isascii() and _RULE_ID.fullmatch(spelled) else ""
        message = "expected 3 to 64 small letters, digits and hyphens, like border-clash"
        raise wrong(f"{message}, found {describe(text)}{better}")
    return text


def parse_list_name(value: object) -> str:
    """The name of a list where no phrase is possible, so without the $."""
    return parse_name(_scalar(value, "the name of a list"))


def parse_name(value: object) -> str:
    """The name of a clue, a step or a list."""
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


def parse_family(value: object) -> str:
    """The kind of signal, one of `FAMILIES` or a word of the operator's own."""
    text = _scalar(value, f"a family, like {', '.join(FAMILIES)}")
    if not _FAMILY.fullmatch(text):
        meant = nearest(text, FAMILIES)
        better = f"did you mean {meant}?" if meant else f"like {', '.join(FAMILIES)}"
        raise wrong(f"expected one word of small letters: {better}")
    return text


def parse_positive(value: object) -> int:
    """A whole number from 1, in plain decimal digits."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if not isinstance(value, str) or not _INTEGER.fullmatch(value.strip()) or value.strip() == "0":
        raise wrong(f"expected a whole number from 1, like 2, found {describe(value)}")
    return int(value)


def parse_flag(value: object) -> bool:
    """``true`` or ``false``."""
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise wrong(f"expected true or false, found {describe(value)}")
    return value == "true"


def parse_ratio(value: object) -> float:
    """A number over 0."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value.strip()) or not float(value):
        raise wrong(f"expected a number like 3 or 2.5, found {describe(value)}")
    return float(value)


def parse_duration(value: object) -> timedelta:
    """A duration written 30s, 5m, 72h or 10d."""
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


def parse_later_by(value: object) -> timedelta:
    """A time after the start of a stream, written +0d or +36h."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"\+(0|[1-9][0-9]{0,5})([smhd])", value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(f"expected the time after the start, like +0d or +36h, found {describe(value)}")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def parse_day(value: object) -> date:
    """A day written 2026-11-20."""
    if isinstance(value, date):
        return value
    found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(f"expected a date like 2026-11-20, found {describe(value)}")
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise wrong(f"expected a date of the calendar, found {describe(value)}") from None


def parse_moment(value: object) -> datetime:
    """A moment in UTC; a day is its first moment."""
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


def parse_window(value: object) -> Window:
    """A window written 2 sentences or paragraph."""
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


def parse_severity(value: object) -> Severity:
    """A severity by its name."""
    if isinstance(value, Severity):
        return value
    names = [severity.label for severity in Severity]
    text = _scalar(value, f"one of {', '.join(names)}")
    if text not in names:
        raise wrong(not_among("severity", text, names))
    return Severity[text.upper()]


def one_of(members: type[StrEnum], what: str) -> BeforeValidator:
    """A validator for the values of an enumeration; ``what`` names them in the error."""
    names = [str(member) for member in members]

    def validate(value: object) -> object:
        text = _scalar(value, f"one of {', '.join(names)}")
        if text not in names:
            raise wrong(not_among(what, text, names))
        return members(text)

    return BeforeValidator(validate)


def one_or_many(value: object) -> object:
    """A list; one text stands for a list of one."""
    return [value] if isinstance(value, str) and value.strip() else value


def phrases_of(value: object) -> object:
    """A list of phrases; one text stands for a list of one, but not where its commas separate several."""
    if isinstance(value, str) and re.search(r"\S,\s+\S", value):
        raise wrong(f"expected a list of phrases where there are several: write [{' '.join(value.split())}]")
    return one_or_many(value)


def split_words(value: object) -> object:
    """A list of words, which may also be written as one word, or with commas."""
    return [word.strip() for word in value.split(",")] if isinstance(value, str) and value.strip() else value


def parse_language(value: object) -> str:
    """The two letters of a language; whether there is such a language is not checked."""
    text = _scalar(value, "the two letters of a language, like en")
    if not re.fullmatch(r"[a-z]{2}", text):
        raise wrong(f"expected the two small letters of a language, like en or ru, found {describe(text)}")
    return text


def parse_group_key(value: object) -> str:
    """What signals may be grouped by."""
    text = _scalar(value, "one of rule, rules, states, or a list like $treaties")
    if text not in ("rule", "rules", "states") and not (text.startswith("$") and _NAME.fullmatch(text[1:])):
        raise wrong(not_among("way to group", text, ["rule", "rules", "states", "$list_name"]))
    return text
