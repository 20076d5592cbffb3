"""Where each key of a TOML document stands, which the standard parser does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]  # keys, and indexes from 0 inside arrays

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:[^"\\]|\\.)*"|' r"'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def find_keys(text: str) -> dict[KeyPath, tuple[int, int]]:
    """Line and column, both from 1, of every key, table header and array item; ``text`` must be valid TOML."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line_starts = [0, *(found.end() for found in re.finditer(r"\n", text))]
        self.marks: dict[KeyPath, tuple[int, int]] = {}
        self.lengths: dict[KeyPath, int] = {}  # of the arrays of tables so far

    def scan(self) -> dict[KeyPath, tuple[int, int]]:
        table: KeyPath = ()
        while self.skip_blank() < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
        return self.marks

    def skip_blank(self) -> int:
        self.at = self.expect(_BLANK).end()
        return self.at

    def expect(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"not valid TOML at offset {self.at}")
        return found

    def take(self, pattern: re.Pattern[str]) -> str:
        found = self.expect(pattern)
        self.at = found.end()
        return found.group()

    def mark(self, path: KeyPath, offset: int) -> None:
        line = bisect_right(self.line_starts, offset)
        self.marks.setdefault(path, (line, offset - self.line_starts[line - 1] + 1))

    def keys(self) -> list[tuple[str, int]]:
        """The parts of a dotted key with their offsets."""
        parts = []
        while True:
            self.skip_blank()
            start = self.at
            if self.text[start] in "\"'":
                parts.append((tomllib.loads(f"k = {self.take(_STRING)}")["k"], start))
            else:
                parts.append((self.take(_BARE_KEY), start))
            self.skip_blank()
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def header(self) -> KeyPath:
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        parts = self.keys()
        self.at += brackets
        path: KeyPath = ()
        for name, start in parts:
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
            path = (*path, name)
            self.mark(path, start)
        if brackets == 2:
            index = self.lengths.get(path, 0)
            self.lengths[path] = index + 1
            path = (*path, index)
            self.mark(path, parts[-1][1])
        return path

    def pair(self, table: KeyPath) -> None:
        path = table
        for name, start in self.keys():
            path = (*path, name)
            self.mark(path, start)
        self.at += 1  # the equals sign
        self.value(path)

    def value(self, path: KeyPath) -> None:
        self.skip_blank()
        match self.text[self.at]:
            case "[":
                self.items(path, "]")
            case "{":
                self.items(path, "}")
            case '"' | "'":
                self.take(_STRING)
            case _:
                self.take(_SCALAR)

    def items(self, path: KeyPath, closing: str) -> None:
        self.at += 1
        index = 0
        while self.text[self.skip_blank()] != closing:
            if self.text[self.at] == ",":
                self.at += 1
            elif closing == "}":
                self.pair(path)
            else:
                self.mark((*path, index), self.at)
                self.value((*path, index))
                index += 1
        self.at += 1
