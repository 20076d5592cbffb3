"""The validator's findings in the words of the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pydantic_core import ErrorDetails

from watcher.settings.marks import KeyPath
from watcher.settings.schema import ARRAYS, SECTIONS
from watcher.settings.values import suggest


def spell(path: KeyPath) -> str:
    """``sources[1].url`` for the first source: people count from 1."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _unknown_key(_error: ErrorDetails, path: KeyPath) -> str:
    key = str(path[-1])
    if len(path) == 1:
        siblings: tuple[str, ...] = tuple(SECTIONS)
    else:
        siblings = tuple(SECTIONS[str(path[0])].model_fields)
    if near := suggest(key, siblings):
        return f"unknown key{near}"
    homes = [
        f"[[{name}]]" if name in ARRAYS else f"[{name}]"
        for name, model in SECTIONS.items()
        if key in model.model_fields
    ]
    if homes:
        return f"unknown key here; it belongs in {' or '.join(homes)}"
    return f"unknown key; known are {', '.join(siblings)}"


def _one_of(error: ErrorDetails, _path: KeyPath) -> str:
    choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    return f"expected one of {', '.join(choices)}, found {error['input']!r}{suggest(error['input'], choices)}"


def _value_error(error: ErrorDetails, _path: KeyPath) -> str:
    return str(error["ctx"]["error"])


def _pattern(error: ErrorDetails, _path: KeyPath) -> str:
    return f"expected letters, digits, _ . - (at most 64, a letter or digit first), found {error['input']!r}"


def _table(_error: ErrorDetails, _path: KeyPath) -> str:
    return "expected a section with its own keys"  # what was found may hold a secret: not shown


def _expected(what: str) -> Callable[[ErrorDetails, KeyPath], str]:
    def message(error: ErrorDetails, path: KeyPath) -> str:
        is_secret = path[-1] in ("token", "password", "secret", "to") or path[0] == "heartbeat"
        return f"expected {what}" + ("" if is_secret else f", found {_shorten(error['input'])}")

    return message


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _limit(word: str, key: str) -> Callable[[ErrorDetails, KeyPath], str]:
    return lambda error, _path: f"expected {word} {error['ctx'][key]}, found {error['input']!r}"


def _other(error: ErrorDetails, _path: KeyPath) -> str:
    return f"{error['msg'][0].lower()}{error['msg'][1:]}"


_TEXT = _expected("text in quotes")
_NUMBER = _expected("a whole number")
_BOOL = _expected("true or false")
_LIST = _expected("a list in square brackets")
_MESSAGES: Mapping[str, Callable[[ErrorDetails, KeyPath], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": lambda _error, path: f"missing; it is needed: {_description(path)}",
    "enum": _one_of,
    "literal_error": _one_of,
    "value_error": _value_error,
    "string_pattern_mismatch": _pattern,
    "string_too_short": lambda _error, _path: "is empty",
    "string_type": _TEXT,
    "path_type": _TEXT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "tuple_type": _LIST,
    "model_type": _table,
    "model_attributes_type": _table,
    "greater_than": _limit("more than", "gt"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than_equal": _limit("at most", "le"),
}


def _description(path: KeyPath) -> str:
    return SECTIONS[str(path[0])].model_fields[str(path[-1])].description or ""


def explain(error: ErrorDetails) -> str:
    """One sentence: what was expected, what was found, what was probably meant."""
    return _MESSAGES.get(error["type"], _other)(error, error["loc"])
