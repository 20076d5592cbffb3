"""How mistakes and findings in rule files are printed: for people with the line underlined, as JSON, for GitHub."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from rich.cells import cell_len
from rich.text import Text

from watcher.cli.common import print_json
from watcher.cli.terminal import harmless, printer
from watcher.errors import Location, RuleError
from watcher.rules.lint import Finding, LintSeverity
from watcher.rules.yaml_nodes import split_lines

SHOWN_CHARS = 110  # of a source line, outside a terminal, which says itself how wide it is
_MARGIN = "{:>5} | "

_STYLES = {LintSeverity.ERROR: "bold red", LintSeverity.WARNING: "bold yellow", LintSeverity.HINT: "bold cyan"}
_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|[^\s,\[\]{}:#'"()|]+|\S""")


class CheckFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class _Sources:
    """The lines that findings point at; each file is read once."""

    def __init__(self) -> None:
        self._lines: dict[str, Sequence[str]] = {}

    def line_at(self, location: Location) -> str | None:
        """The line, counted as the loader counts them; None where there is none or the file cannot be read."""
        lines = self._lines.get(location.path)
        if lines is None:
            try:
                text = Path(location.path).read_text(encoding="utf-8-sig", errors="replace")
            except OSError:
                text = ""
            lines = self._lines[location.path] = split_lines(text)
        return lines[location.line - 1] if 0 < location.line <= len(lines) else None

    def token_length(self, location: Location) -> int:
        """How many characters the token has that begins there; 1 where nothing does."""
        line = self.line_at(location)
        found = _TOKEN.match(line, location.column - 1) if line is not None and location.column else None
        return len(found[0]) if found else 1


def as_findings(error: RuleError) -> tuple[Finding, ...]:
    """The mistakes that stop rules from loading, as findings."""
    return tuple(
        Finding(problem.location, problem.code, LintSeverity.ERROR, problem.message) for problem in error.problems
    )


def print_findings(findings: Sequence[Finding], output: CheckFormat) -> None:
    """Nothing; prints them in the order given."""
    sources = _Sources()
    if output is CheckFormat.JSON:
        print_json([_to_json(finding, sources) for finding in findings])
    elif output is CheckFormat.GITHUB:
        for finding in findings:
            typer.echo(_to_github(finding, sources))
    else:
        console = printer()
        room = console.width - len(_MARGIN.format("")) if console.is_terminal else SHOWN_CHARS
        for finding in findings:
            for line in _to_text(finding, sources, max(room, 40)):
                console.print(line)


def count_findings(findings: Sequence[Finding]) -> str:
    """How many there are of each severity: "2 errors, 1 hint"."""
    counts = Counter(finding.severity for finding in findings)
    parts = [f"{counts[one]} {one.value}{'s' if counts[one] > 1 else ''}" for one in LintSeverity if counts[one]]
    return ", ".join(parts) or "nothing to complain of"


def _to_json(finding: Finding, sources: _Sources) -> dict[str, Any]:
    location = finding.location
    return {
        "path": location.path,
        "line": location.line,
        "column": location.column,
        "end_column": location.column + sources.token_length(location),
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
    }


def _to_github(finding: Finding, sources: _Sources) -> str:
    """A workflow command, escaped as GitHub's toolkit does (actions/toolkit, packages/core/src/command.ts)."""
    location = finding.location
    properties: dict[str, object] = {"file": location.path}
    if location.line:
        properties["line"] = location.line
    if location.column:
        properties |= {"col": location.column, "endColumn": location.column + sources.token_length(location)}
    properties["title"] = finding.code
    level = "notice" if finding.severity is LintSeverity.HINT else finding.severity.value
    listed = ",".join(f"{key}={_escape(str(value), ':,')}" for key, value in properties.items())
    return f"::{level} {listed}::{_escape(finding.message)}"


def _escape(text: str, more: str = "") -> str:
    return re.sub(f"[%\r\n{more}]", lambda found: f"%{ord(found[0]):02X}", text)


def _to_text(finding: Finding, sources: _Sources, room: int) -> Iterator[Text]:
    style = _STYLES[finding.severity]
    yield Text.assemble(
        (f"{harmless(str(finding.location))}: ", "bold"),
        (f"{finding.severity.value}: ", style),
        harmless(finding.message),
        (f" [{finding.code}]", "dim"),
    )
    line = sources.line_at(finding.location)
    if line is None or not finding.location.column:
        return
    start = min(finding.location.column - 1, len(line))
    end = start + sources.token_length(finding.location)
    line, start, end = _cut(harmless(line), start, end, room)
    # Tabs stay and wide characters count twice, so that the underline stands below its token.
    before = "".join(char if char == "\t" else " " * cell_len(char) for char in line[:start])
    yield Text.assemble((_MARGIN.format(finding.location.line), "dim"), line)
    underline = "^" * max(cell_len(line[start:end]), 1)
    yield Text.assemble((_MARGIN.format(""), "dim"), before, (underline, style))


def _cut(line: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """The line, shortened around ``start:end`` where it is wider than ``room``, and where these are now."""
    line = line.rstrip()
    if cell_len(line) <= room:
        return line, start, end
    first = max(0, min(start - room // 3, len(line) - room))
    shown = f"…{line[first + 1 : first + room]}" if first else line[:room]
    if first + len(shown) < len(line) or cell_len(shown) > room:
        while cell_len(shown) >= room:
            shown = shown[:-1]
        shown += "…"
    return shown, start - first, min(end - first, len(shown))
