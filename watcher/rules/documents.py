"""What the loader has of the rule files while it reads them; later stages add to the problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from watcher.errors import Location, Problem
from watcher.rules.yaml_nodes import Node


@dataclass(slots=True)
class RuleFile:
    """One rule file while it is read; ``path`` is as people see it."""

    path: str
    real: Path
    root: Path  # tests may name files below it
    text: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """One document of a file."""

    file: RuleFile
    kind: str  # list, rule, append, states, cues
    node: Node
    model: BaseModel | None  # None: it has problems

    @property
    def name(self) -> str:
        """What it is called, as it stands in the file."""
        named = self.node.get(self.kind)
        return (named.value or "").strip() if named else ""


@dataclass(slots=True)
class Loading:
    """Everything found so far; later stages look names up across all files."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    hidden_names: set[str] = field(default_factory=set)  # declared in what a syntax error hides
    test_texts: dict[tuple[str, str], str] = field(default_factory=dict)
    reads_test_files: bool = True

    def wrong(self, file: RuleFile, node: Node | None, message: str, code: str = "invalid", *, offset: int = 0) -> None:
        """Adds a problem at a node, or for the whole file; ``offset`` columns further right."""
        line, column = (node.line, node.column + offset) if node else (0, 0)
        self.problems.append(Problem(Location(file.path, line, column), message, code))


def pairs_of(node: Node | None) -> list[tuple[Node, Node]]:
    """The keys and values; none where there is no map."""
    return node.pairs if node else []


def items_of(node: Node | None) -> list[Node]:
    """The items; none where there is no list."""
    return node.items if node else []
