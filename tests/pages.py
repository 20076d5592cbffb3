"""The pages of the documentation, taken apart: code blocks, commands, headings."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer.main

from tests.conftest import CHECKOUT
from watcher.cli import make_app

PAGES = [
    CHECKOUT / "README.md",
    CHECKOUT / "systemd" / "README.md",
    CHECKOUT / "packaging" / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_WATCHER = re.compile(r"(?:\./run\.sh |\S*/)?watcher (?P<typed>[a-z-][^#|]*?)(?:\s*(?:#|\s> ).*)?")


@dataclass(frozen=True)
class Block:
    """A fenced block; those of four spaces count as `sh` where they hold commands of ours."""

    page: Path
    kind: str
    text: str

    @property
    def name(self) -> str:
        """Where it stands, for people."""
        return f"{page_id(self.page)}: {self.text.strip().splitlines()[0]}"


def page_id(page: Path) -> str:
    return page.relative_to(CHECKOUT).as_posix()


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks_of(page: Path, kind: str | None = None) -> list[Block]:
    """The blocks of a page in their order, of one kind or all."""
    found = [
        Block(page, fence["kind"], textwrap.dedent(fence["text"]))
        for fence in _FENCE.finditer(page.read_text(encoding="utf-8"))
    ]
    indented = "\n".join(re.findall(r"^    (watcher .*)$", prose_of(page), re.MULTILINE))
    if indented:
        found.append(Block(page, "sh", indented))
    return [block for block in found if kind is None or block.kind == kind]


def typed_lines(block: Block) -> list[str]:
    """The commands of a block of shell, without remarks; two joined by `&&` are two."""
    lines = [re.sub(r"(^|\s+)# .*$|\s#.*$", "", line).strip() for line in block.text.splitlines()]
    return [part.strip() for line in lines for part in line.split(" && ") if part.strip()]


def watcher_arguments(line: str) -> str | None:
    """What stands behind `watcher` on a line that calls it; None for another program."""
    found = _WATCHER.fullmatch(line)
    return None if found is None else found["typed"].strip()


def spans_of(page: Path) -> list[str]:
    """The code within the prose."""
    return re.findall(r"`([^`\n]+)`", prose_of(page))


def anchors_of(page: Path) -> set[str]:
    """What a link behind `#` may name, as GitHub makes it of headings."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count = sum(known == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", known) is not None for known in anchors)
        anchors.add(f"{slug}-{count}" if count else slug)
    return anchors


@cache
def root() -> Any:
    """The command line, made once."""
    return typer.main.get_command(make_app())


def children(command: Any) -> dict[str, Any]:
    """The commands of a group; none for a command."""
    return getattr(command, "commands", {})


def all_commands(command: Any = None, path: str = "watcher") -> list[tuple[str, Any]]:
    """Every command with what is typed for it."""
    command = command or root()
    if not children(command):
        return [(path, command)]
    own = [(path, command)] if command.invoke_without_command else []
    return own + [one for key, child in children(command).items() for one in all_commands(child, f"{path} {key}")]
