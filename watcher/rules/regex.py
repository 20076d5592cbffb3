"""Regular expressions that take time linear in the text, and the words that any match of one must hold.

The engine is RE2: its syntax has no look-around and no back references, which is what makes it linear. The library
stops here; others see `Regex` and offsets in code points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from watcher.errors import WatcherError
from watcher.text.fold import fold_term

MAX_CHARS = 500
_MAX_MEMORY_BYTES = 1 << 21  # of a compiled expression; a{1000} of a class of letters is refused
_MIN_LITERAL = 3  # letters; shorter ones are in every text
_MAX_SHOWN = 20  # characters of the wrong part, in a message

# What the engine says, as people read it; the part after the colon is the place.
_SENTENCES = {
    "missing )": "this ( is never closed",
    "unexpected )": "this ) closes nothing",
    "missing ]": "this [ is never closed",
    "invalid character class range": "this is no range of characters",
    "invalid escape sequence": "this escape means nothing here (back references are not possible)",
    "invalid perl operator": "this is not possible here (no look-ahead, no look-behind)",
    "invalid named capture group": "this is no name of a group",
    "invalid repetition size": "this repeats too often, expected at most 1000",
    "bad repetition operator": "this repeats a repetition",
    "no argument for repetition operator": "there is nothing before this to repeat",
    "trailing \\": "there is nothing after the last \\",
    "pattern too large - compile failed": "this stands for too much: repeat less",
}


class RegexError(WatcherError):
    """An expression is written wrongly; ``offset`` counts code points of it."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True, eq=False)
class Regex:
    """A compiled expression; safe to share between threads."""

    text: str
    literals: tuple[str, ...]  # folded; one of them is in every text that it matches; empty: none is known
    _compiled: Any

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it matches, left to right, none empty."""
        try:
            found = list(self._compiled.finditer(text))
        except UnicodeEncodeError:  # half a surrogate pair: no text that the engine can hold
            return
        yield from (match.span() for match in found if match.end() > match.start())


@lru_cache(maxsize=4096)
def compile_regex(text: str) -> Regex:
    """The expression ready to run; raises `RegexError` saying what is wrong and where."""
    if len(text) > MAX_CHARS:
        raise RegexError(f"expected at most {MAX_CHARS} characters, found {len(text)}", MAX_CHARS)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY_BYTES
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        raise _located(text, error) from None
    if compiled.search("") is not None:
        raise RegexError("this also matches where nothing stands: ask for at least one character", 0)
    return Regex(text, _literals(text), compiled)


def _located(text: str, error: Exception) -> RegexError:
    said = error.args[0]
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    kind, _, place = said.partition(": ")
    if kind in ("missing )", "unexpected )"):
        offset, place = _lone_bracket(text), ""
    elif kind.startswith("trailing"):
        offset = len(text) - 1
    else:
        offset = max(text.find(place), 0) if place else 0
    shown = f"{place}: " if 0 < len(place) <= _MAX_SHOWN else ""
    return RegexError(f"{shown}{_SENTENCES.get(kind, kind)}", offset)


def _lone_bracket(text: str) -> int:
    """Where the first ) stands that closes nothing, or else the last ( that is never closed."""
    open_at: list[int] = []
    for element in _ELEMENT.finditer(text):
        if element[0].startswith("(") and not (element[0].startswith("(?") and element[0].endswith(")")):
            open_at.append(element.start())
        elif element[0] == ")":
            if not open_at:
                return element.start()
            open_at.pop()
    return open_at[-1] if open_at else 0


# One element of an expression: an escape, a class, a group's opening, or a character.
_ELEMENT = re.compile(
    r"\\[pP]\{\^?\w+\}|\\[pP]\w|\\x\{[0-9A-Fa-f]+\}|\\x[0-9A-Fa-f]{2}|\\[0-7]{3}|\\Q|\\.|"
    r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?[^:)]*[:>)]|.",
    re.DOTALL,
)
_REPEAT = re.compile(r"\{(\d+)(?:,\d*)?\}|[*?+]")


def _literals(text: str) -> tuple[str, ...]:
    """Words of which one stands in every match, folded; empty where none can be told.

    Only what lies outside all groups is read, which is where people write the plain words.
    """
    if "\\Q" in text or re.search(r"\(\?[a-zA-Z-]*[xU]", text):
        return ()
    branches: list[list[str]] = [[""]]  # runs of literal characters, by branch
    depth = 0
    position = 0
    while position < len(text):
        found = _ELEMENT.match(text, position)
        element = found[0] if found else text[position]
        position += len(element)
        repeat = _REPEAT.match(text, position)
        if element.startswith("("):
            depth += 0 if element.startswith("(?") and element.endswith(")") else 1
        elif element == ")":
            depth -= 1
        elif depth == 0 and element == "|":
            branches.append([""])
            continue
        runs = branches[-1]
        is_letter = depth == 0 and element != ")" and len(element) == 1 and element.isalnum()
        if is_letter and repeat is None:
            runs[-1] += element
        elif is_letter and repeat is not None and (repeat[0] == "+" or (repeat[1] or "0").strip("0")):
            runs[-1] += element
            runs.append("")
        else:
            runs.append("")
        if repeat is not None:
            position = repeat.end()
            if text[position : position + 1] in ("?", "+"):
                position += 1
    longest = [max((fold_term(run) for run in runs), key=len) for runs in branches]
    return tuple(dict.fromkeys(longest)) if all(len(one) >= _MIN_LITERAL for one in longest) else ()
