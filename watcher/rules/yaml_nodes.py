"""Strict YAML: text to nodes that know their place, with every mistake located and said in plain words.

Scalars stay the text that the author wrote: nothing becomes a boolean, a date, an octal or a sexagesimal number here.
Anchors, aliases, merge keys and tags are refused, so a small file cannot grow into a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from watcher.errors import Location, Problem

MAX_DEPTH = 12  # the deepest key of the language is at 6
MAX_NODES = 500_000  # a file of 5 MB holds fewer

_DOCUMENT_KEYS = frozenset({"rule", "list", "append"})  # each begins a document of its own
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML 1.1 counts as one
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Before a key or an item only: an article that is quoted in a test may begin with any space.
_STRANGE_INDENT = re.compile(
    "(?= *[\u00a0\u2000-\u200b\u202f\u3000])[ \u00a0\u2000-\u200b\u202f\u3000]+(?=- |[a-z_]+:( |$))"
)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# What nodes have that can have nothing there: most nodes are texts, and two lists for each take half of their memory.
_NONE: list[Any] = []


class NodeKind(StrEnum):
    SCALAR = "scalar"
    LIST = "list"
    MAP = "map"


@dataclass(slots=True)
class Node:
    """One value of a file; lines and columns count from 1, in code points."""

    kind: NodeKind
    line: int
    column: int
    value: str | None = None  # scalars only; None: nothing is written there
    style: str = ""  # of a scalar: "" plain, else ' " | >
    end_line: int = 0  # scalars only
    end_column: int = 0
    is_flow: bool = False  # of a list or map: written with brackets
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)  # the first of a repeated key only

    def data(self) -> Any:
        """Plain lists, dicts and texts; keys without a value are left out."""
        if self.kind is NodeKind.SCALAR:
            return self.value
        if self.kind is NodeKind.LIST:
            return [item.data() for item in self.items]
        return {key.value: value.data() for key, value in self.pairs if not value.is_empty}

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is written there."""
        return self.kind is NodeKind.SCALAR and self.value is None

    def get(self, key: str) -> Node | None:
        """The value of a key; None where this is no map or has no such key."""
        return next((value for name, value in self.pairs if name.value == key), None)

    def key(self, key: str) -> Node | None:
        """The key itself, as a node."""
        return next((name for name, _ in self.pairs if name.value == key), None)

    def at(self, *path: str) -> Node | None:
        """The value down this path of keys."""
        node: Node | None = self
        for key in path:
            node = node.get(key) if node else None
        return node

    def scalars(self) -> Iterator[Node]:
        """The texts of a list, or the one text that stands for a list of one; empty where it is something else."""
        for node in self.items if self.kind is NodeKind.LIST else [self]:
            if node.kind is NodeKind.SCALAR and node.value is not None:
                yield node


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What could be read of a file, and what could not."""

    documents: tuple[Node, ...]  # only those read to their end
    problems: tuple[Problem, ...]
    is_whole: bool  # False: a syntax error hid part of the file


class _Refused(Exception):  # noqa: N818  (never leaves this module)
    """A construct that YAML has and rule files do not; ends the document."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line  # from 1, in the whole file, like the column
        self.column = column
        self.message = message


def split_lines(text: str) -> list[str]:
    """The lines as YAML counts them, without their ends."""
    return _LINE_BREAK.split(text)


def parse_yaml(text: str, path: str) -> ParsedFile:
    """The documents of a file; at most one syntax error is told, and reading goes on at the next ``---``."""
    problems: list[Problem] = []
    bad = _NOT_YAML.search(text)
    if bad:
        before = _LINE_BREAK.split(text[: bad.start()])
        message = f"there is an invisible control character here (U+{ord(bad[0]):04X}): delete it"
        problems.append(Problem(Location(path, len(before), len(before[-1]) + 1), message, "yaml-syntax"))
        text = _NOT_YAML.sub(" ", text)
    lines = split_lines(text)
    for index, line in enumerate(lines):
        indent = _STRANGE_INDENT.match(line)
        if indent:
            strange = indent[0].lstrip(" ")[0]
            message = f"a special space (U+{ord(strange):04X}) is used to indent: use plain spaces"
            problems.append(Problem(Location(path, index + 1, line.index(strange) + 1), message, "yaml-syntax"))
            lines[index] = " " * indent.end() + line[indent.end() :]
    documents: list[Node] = []
    is_whole = True
    first = 0  # index of the line where this stretch begins
    while first is not None and first < len(lines):
        composer = _Composer(path, first, problems)
        try:
            composer.read(lines, documents)
            break
        except (_Refused, yaml.MarkedYAMLError) as error:
            problem, failed_at = _problem_of(error, path, lines, first, composer.open_bracket)
            if is_whole:
                problems.append(problem)
            is_whole = False
            first = _next_document(lines, max(failed_at, composer.document_line + 1))
    return ParsedFile(tuple(documents), tuple(problems), is_whole)


def _problem_of(
    error: _Refused | yaml.MarkedYAMLError, path: str, lines: list[str], first: int, bracket: Node | None
) -> tuple[Problem, int]:
    """The problem to report, and the line index at which reading stopped."""
    if isinstance(error, _Refused):
        return Problem(Location(path, error.line, error.column), error.message, "yaml-syntax"), error.line - 1
    mark = error.problem_mark or error.context_mark
    line = (mark.line if mark else 0) + first
    ended = line >= len(lines) or lines[line].startswith("---")
    if ended and bracket is not None and "node content" in (error.problem or ""):
        opened, closing = ("[", "]") if bracket.kind is NodeKind.LIST else ("{", "}")
        message = f"this {opened} is never closed: expected {closing} after the last value"
        return Problem(Location(path, bracket.line, bracket.column), message, "yaml-syntax"), line
    at_line, at_column, message = _in_plain_words(error, lines, first)
    if at_line >= len(lines):
        at_line, at_column = len(lines) - 1, len(lines[-1])
    return Problem(Location(path, at_line + 1, at_column + 1), message, "yaml-syntax"), line


def _next_document(lines: list[str], after: int) -> int:
    """Index of the next line that starts a document; past the end where there is none."""
    for index in range(after, len(lines)):
        if re.match(r"---(\s|$)", lines[index]):
            return index
    return len(lines)


class _Composer:
    """Builds nodes from parser events with a stack of its own, so that depth is bounded and every mark is at hand."""

    def __init__(self, path: str, first_line: int, problems: list[Problem]) -> None:
        self.path = path
        self.first_line = first_line
        self.problems = problems
        self.document_line = first_line  # index of the line where the document that is being read begins
        self.nodes = 0
        self.in_second_document = False  # a --- is missing, so keys repeat
        self.open_bracket: Node | None = None  # the innermost [ or { that is not closed yet

    def read(self, lines: list[str], documents: list[Node]) -> None:
        """Appends every document that is read to its end; raises at the first that is not."""
        text = "\n".join(lines[self.first_line :])
        stack: list[tuple[Node, Node | None]] = []  # open collections, each with the key that waits for a value
        root: Node | None = None
        found: list[Problem] = []
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                self.document_line = self._place(event.start_mark)[0] - 1
                root, found, self.in_second_document = None, [], False
                continue
            if isinstance(event, yaml.DocumentEndEvent):
                self.problems.extend(found)
                if root is not None and not root.is_empty:
                    documents.append(root)
                continue
            if isinstance(event, yaml.CollectionEndEvent):
                if stack.pop()[0] is self.open_bracket:
                    self.open_bracket = next((node for node, _ in reversed(stack) if node.is_flow), None)
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            node = self._node(event, depth=len(stack))
            self._find_lost_dash(node, lines, found)
            if root is None:
                root = node
            else:
                self._attach(node, stack, found)
            if node.kind is not NodeKind.SCALAR:
                stack.append((node, None))
                self.open_bracket = node if node.is_flow else self.open_bracket

    def _node(self, event: yaml.NodeEvent, depth: int) -> Node:
        line, column = self._place(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(line, column, f"a value cannot start with *: write the wildcard last, like {event.anchor}*")
        if event.anchor is not None:
            raise _Refused(line, column, "a value that starts with & must be in quotes")
        if getattr(event, "tag", None) is not None:
            raise _Refused(line, column, "a value that starts with ! must be in quotes")
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            message = "this is nested too deeply" if depth > MAX_DEPTH else "this file is too large"
            raise _Refused(line, column, f"{message}: no rule needs that")
        if isinstance(event, yaml.ScalarEvent):
            style = event.style or ""
            is_nothing = event.value == "" and style == ""
            end_line, end_column = self._place(event.end_mark)
            return Node(
                NodeKind.SCALAR,
                line,
                column,
                value=None if is_nothing else event.value,
                style=style,
                end_line=end_line,
                end_column=end_column,
                items=_NONE,
                pairs=_NONE,
            )
        is_flow = bool(getattr(event, "flow_style", False))
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(NodeKind.LIST, line, column, is_flow=is_flow, pairs=_NONE)
        return Node(NodeKind.MAP, line, column, is_flow=is_flow, items=_NONE)

    def _find_lost_dash(self, node: Node, lines: list[str], found: list[Problem]) -> None:
        """An item that is indented deeper than its list silently becomes more text of the item above."""
        if node.kind is not NodeKind.SCALAR or node.style:
            return
        for number in range(node.line + 1, node.end_line + 1):
            line = lines[number - 1] if number <= len(lines) else ""
            is_part = number < node.end_line or bool(line[: node.end_column - 1].strip())
            if is_part and re.match(r" *- ", line):
                message = "this line continues the text above: put the - in line with the - above"
                found.append(Problem(Location(self.path, number, _indentation(line) + 1), message, "yaml-syntax"))

    def _place(self, mark: Any) -> tuple[int, int]:
        return mark.line + self.first_line + 1, mark.column + 1

    def _attach(self, node: Node, stack: list[tuple[Node, Node | None]], found: list[Problem]) -> None:
        parent, key = stack[-1]
        if parent.kind is NodeKind.LIST:
            parent.items.append(node)
            return
        if key is None:
            if node.kind is not NodeKind.SCALAR or node.value is None:
                self._wrong(found, node, "expected a key, a word before the colon", "yaml-syntax")
                node.value = f"\0{node.line}:{node.column}"  # no author writes that, so it is nobody's key
            stack[-1] = (parent, node)
            return
        stack[-1] = (parent, None)
        if (key.value or "").startswith("\0"):
            return
        if key.value == "<<" and not key.style:
            self._wrong(found, key, "<< is not used in rule files: share words with a list and $name", "yaml-syntax")
            return
        earlier = parent.key(key.value or "")
        if earlier is not None and self.in_second_document:
            return
        if earlier is not None and len(stack) == 1 and key.value in _DOCUMENT_KEYS:
            self.in_second_document = True
            message = f"a second {key.value}: begins here: put --- on a line of its own before it"
            self._wrong(found, key, message, "yaml-duplicate-key")
            return
        if earlier is not None:
            message = f"the key {key.value} is there twice, first on line {earlier.line}: keep one"
            self._wrong(found, key, message, "yaml-duplicate-key")
            return
        parent.pairs.append((key, node))

    def _wrong(self, found: list[Problem], node: Node, message: str, code: str) -> None:
        found.append(Problem(Location(self.path, node.line, node.column), message, code))


def _in_plain_words(error: yaml.MarkedYAMLError, lines: list[str], first: int) -> tuple[int, int, str]:
    """Line index, column index and message for a syntax error of the YAML library."""
    problem, context = error.problem or "", error.context or ""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    line, column = (mark.line + first, mark.column) if mark else (first, 0)
    here = lines[line] if line < len(lines) else ""
    opened = (start.line + first, start.column) if start else (line, column)

    tab = re.match(r" *\t", here)
    if tab or "tab" in problem:
        return line, tab.end() - 1 if tab else column, "a tab is used to indent: use spaces"
    if "quoted scalar" in context and ("end of stream" in problem or "document indicator" in problem):
        return *opened, "this quote is never closed: expected the same quote at the end of the value"
    if "unknown escape" in problem or "escape" in context or "hexdecimal" in problem:
        return line, column, "in double quotes a backslash has a meaning of its own: use single quotes"
    if ("expected key" in problem or "'-' indicator" in problem) and re.search(
        r"\[[^\]]*\|[^\]]*\]\s*$", here[:column]
    ):
        return line, here[:column].rindex("["), "expected ( ) around alternatives, like (aid|help)"
    if "flow " in context and here[column : column + 1] == ":":
        return line, column, "inside [ ] and { } a value with a colon must be in quotes"
    if "flow " in context and here[column - 1 : column] == "'" and here[column : column + 1].isalpha():
        return line, column - 1, "the value ends at this quote: write '' for an apostrophe, or use double quotes"
    if "flow sequence" in context:
        return *opened, "this [ is never closed: expected a comma between items and ] at the end"
    if "flow mapping" in context:
        return *opened, "this { is never closed: expected a comma between keys and } at the end"
    if "block scalar" in context:
        return *opened, "after | or > the text begins on the next line, indented"
    unspaced = _unspaced_colon(lines, line, column)
    if unspaced and ("mapping values" in problem or "simple key" in context or "expected key" in problem):
        return *unspaced, "expected a space after the colon"
    if "mapping values" in problem:
        if re.match(r"\s*(- +)?[^\s:][^:]*:\s+[^\s'\"|>]", here[:column]):
            return line, column, "there is a second colon in this line: put the value in quotes"
        above = lines[line - 1] if line else ""
        if above.strip() and ":" not in above and _indentation(above) == _indentation(here):
            return line - 1, _indentation(above), "expected a key with a colon, like title: Border clash"
        return line, _indentation(here), "this line is indented deeper than the one above allows"
    if "simple key" in context or "could not find expected ':'" in problem:
        return *opened, "expected a key with a colon, like title: Border clash"
    if "block sequence entries" in problem:
        return line, column, "a list begins on the line after its key: put the - there"
    if "cannot start any token" in problem:
        return line, column, f"a value cannot start with {here[column : column + 1]} : put it in quotes"
    is_out_of_line = "'-' indicator" in problem or "expected key" in problem
    if is_out_of_line and here[column - 1 : column] == "'" and here[column : column + 1].isalpha():
        return line, column - 1, "the value ends at this quote: write '' for an apostrophe, or use double quotes"
    if is_out_of_line and not re.fullmatch(r"\s*(- +)*", here[:column]):
        return line, column, "there is more text after the value: put the whole value in quotes"
    if "'-' indicator" in problem:
        return line, column, "this line is not in line with the list above: expected - or other indentation"
    if "expected key" in problem:
        return line, column, "this line is not in line with the keys above: check the spaces in front"
    if "document start" in problem:
        return line, column, "this line does not belong to the document above: check the spaces in front"
    if "node content" in problem:
        return line, column, "expected a value here"
    if "alias" in context or "anchor" in context:
        return *opened, f"a value cannot start with {_character(lines, opened)}: put it in quotes"
    if "tag" in context:
        return *opened, "a value that starts with ! must be in quotes"
    if "unexpected ':'" in problem and here[column : column + 1] == ":" and here[column + 1 : column + 2] not in ", ]}":
        return line, column + 1, "expected a space after the colon"
    if "unexpected ':'" in problem:
        return line, column, "inside [ ] and { } a value with a colon must be in quotes"
    if "directive" in problem or "directive" in context:
        return line, column, "a line cannot start with %: put it in quotes"
    return line, column, f"this is no valid YAML: {problem or context or 'it cannot be read'}"


def _character(lines: list[str], place: tuple[int, int]) -> str:
    return lines[place[0]][place[1] : place[1] + 1]


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _unspaced_colon(lines: list[str], line: int, column: int) -> tuple[int, int] | None:
    """Line and column index after a ``key:value`` without a space, on this line or the one above."""
    for index in (line - 1, line):
        if not 0 <= index < len(lines):
            continue
        text = lines[index][:column] if index == line else lines[index]
        found = re.match(r"\s*(?:- +)?[a-z_]+:(?=[^\s/:])(?!.*: )", text)
        if found:
            return index, found.end()
    return None
