"""The documentation says what is true: commands exist, examples run, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.conftest import CHECKOUT
from watcher.cleaning import clean_text
from watcher.cli import make_app
from watcher.rule_tests import run_rule_tests
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.understand.states import Gazetteer

DOCS = [
    CHECKOUT / "README.md",
    CHECKOUT / "systemd" / "README.md",
    CHECKOUT / "packaging" / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
]


def commands_in(path: Path) -> list[str]:
    """The `watcher ...` commands in code blocks and code spans."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console|text)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [
        found[1].strip()
        for line in [*lines, *spans]
        if (
            found := re.fullmatch(r"(?:sudo )?(?:-u \w+ )?(?:\./run\.sh )?(?:\S*/)?watcher ([a-z][^#|]*)(?:#.*)?", line)
        )
    ]


def children(command: Any) -> dict[str, Any]:
    """The commands of a group; none for a command."""
    return getattr(command, "commands", {})


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    command = typer.main.get_command(make_app())
    while words and words[0] in children(command):
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_commands_in_the_docs_exist_with_their_options(path: Path) -> None:
    for typed in commands_in(path):
        command, rest = resolve(shlex.split(typed))
        assert len(rest) < len(shlex.split(typed)), f"{path.name}: there is no watcher {typed}"
        assert not children(command) or not rest or rest[0].startswith("--"), f"{path.name}: watcher {typed}"
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, f"{path.name}: watcher {typed}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_links_to_files_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_rule_in_the_readme_does_what_it_says(tmp_path: Path) -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    (rule,) = re.findall(r"^```yaml\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    (tmp_path / "rule.yaml").write_text(rule, encoding="utf-8")
    rule_set = load_rules([tmp_path])
    outcomes = run_rule_tests(rule_set, compile_rules(rule_set, Gazetteer.load()), clean_text)
    assert len(outcomes) == 2
    assert all(outcome.passed for outcome in outcomes), outcomes


def test_every_command_is_in_the_command_reference() -> None:
    reference = (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")

    def names(command: Any, path: str) -> list[str]:
        if not children(command):
            return [path]
        return [name for key, child in children(command).items() for name in names(child, f"{path} {key}")]

    for name in names(typer.main.get_command(make_app()), "watcher"):
        assert f"`{name}" in reference, name


def test_the_architecture_names_files_that_exist() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(watcher/[\w/.]+)`", text):
        assert (CHECKOUT / name).exists(), name


def test_nothing_names_a_machine_or_a_registry() -> None:
    forbidden = re.compile(r"/work/|/root/|file:///|pypi\.org|files\.pythonhosted|registry\.npmjs|deb\.debian\.org")
    for path in [*DOCS, CHECKOUT / "run.sh", CHECKOUT / "pyproject.toml", *CHECKOUT.glob("requirements*.txt")]:
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def test_no_help_text_has_brackets_which_a_terminal_would_swallow_as_markup() -> None:
    def texts(command: Any) -> list[str]:
        own = [command.help or "", *(getattr(parameter, "help", None) or "" for parameter in command.params)]
        return [*own, *(text for child in children(command).values() for text in texts(child))]

    assert [text for text in texts(typer.main.get_command(make_app())) if "[" in text] == []
