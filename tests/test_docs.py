"""The documentation says what is true: what it names exists, examples are valid, links lead somewhere.

tests/test_docs_run.py runs its commands.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CHECKOUT
from tests.pages import (
    PAGES,
    Block,
    all_commands,
    anchors_of,
    blocks_of,
    children,
    page_id,
    prose_of,
    root,
    spans_of,
    typed_lines,
    watcher_arguments,
)
from watcher.cleaning import clean_text
from watcher.rule_tests import run_rule_tests
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.settings import load_settings
from watcher.settings.schema import SECTIONS
from watcher.understand.states import Gazetteer

DOCS = CHECKOUT / "docs"
each_page = pytest.mark.parametrize("page", PAGES, ids=page_id)
PROGRAMS = set(
    "apt systemctl systemd-analyze editor install ln chown docker sqlite3 python3 python uv mkdir cd $compile".split()
)


def blocks(kind: str, *, but: str = "") -> list[Any]:
    return [pytest.param(block, id=block.name) for page in PAGES if page.name != but for block in blocks_of(page, kind)]


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    command = root()
    while words and words[0] in children(command):
        command = command.commands[words.pop(0)]
    return command, words


@each_page
def test_commands_exist_with_their_options(page: Path) -> None:
    lines = [
        line for kind in ("sh", "text", "ini", "") for block in blocks_of(page, kind) for line in typed_lines(block)
    ]
    lines = [line.removeprefix("ExecStart=") for line in lines]
    for line in [*lines, *spans_of(page)]:
        typed = watcher_arguments(line)
        if not typed:
            continue
        command, rest = resolve(shlex.split(typed.replace("[", "").replace("]", "")))
        assert typed.startswith("--") or len(rest) < len(shlex.split(typed)), f"there is no watcher {typed}"
        assert not children(command) or not rest or rest[0].startswith("--"), f"watcher {typed}"
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        known.add("--help")
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, f"watcher {typed}"


@pytest.mark.parametrize("block", blocks("sh"))
def test_shell_is_shell_and_calls_what_is_there(block: Block) -> None:
    done = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    actions = set(re.findall(r"^([a-z-]+)\)$", (CHECKOUT / "run.sh").read_text(encoding="utf-8"), re.MULTILINE))
    for line in typed_lines(block):
        program, *words = shlex.split(line)
        if program == "./run.sh":
            assert not words or words[0] in {*actions, "watcher"}, line
        elif watcher_arguments(line) is not None or program in PROGRAMS or "=" in program:
            is_ours = program == "python" and words[0] == "-m"
            assert not is_ours or (CHECKOUT / f"{words[1].replace('.', '/')}.py").exists(), line
        elif not program.startswith(("/", ".venv/")):
            assert (CHECKOUT / program).exists(), line


@pytest.mark.parametrize("page", [*PAGES, CHECKOUT / "CHANGELOG.md"], ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            there = page.parent / path if path else page
            assert there.exists(), target
            assert not anchor or anchor in anchors_of(there), target


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert [page.name for page in sorted(DOCS.glob("*.md")) if f"({page.name})" not in index] == ["index.md"]


@pytest.mark.parametrize("block", blocks("toml"))
def test_configuration_is_valid(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    (tmp_path / "rules").mkdir()
    (tmp_path / "credentials").mkdir()
    path.write_text(block.text, encoding="utf-8")
    names = ("telegram_token", "email_password", "email_bounces_password", "heartbeat_url")
    for name in (*names, *re.findall(r'_file = "(\w+)"', block.text)):
        for secret in (tmp_path / "credentials" / name, tmp_path / name):
            secret.write_text("https://hc.example/uuid" if "url" in name else "1:secret", encoding="utf-8")
            secret.chmod(0o600)
    settings = load_settings(path, {})
    left_out = ("no recipient", "there is none, so n")  # a part of a configuration is shown
    assert [str(one) for one in settings.warnings if not any(words in str(one) for words in left_out)] == []


@pytest.mark.parametrize("block", blocks("yaml", but="lint.md"))
def test_rule_files_are_yaml(block: Block) -> None:
    assert all(isinstance(document, dict) for document in yaml.safe_load_all(block.text))


DOCUMENTS = re.compile(r"(?:#.*\n|---\n)*(rule|list|cues|states):")


@pytest.mark.parametrize("block", [one for one in blocks("yaml", but="lint.md") if DOCUMENTS.match(one.values[0].text)])
def test_rules_load_and_hold_their_own_tests(block: Block, tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text(block.text, encoding="utf-8")
    (tmp_path / "any.yaml").write_text("rule: any\nlook_for:\n  a: {phrases: [a word of ours]}\n", encoding="utf-8")
    rule_set = load_rules([tmp_path])
    outcomes = run_rule_tests(rule_set, compile_rules(rule_set, Gazetteer.load()), clean_text)
    assert [outcome for outcome in outcomes if not outcome.passed] == []


def test_the_rule_in_the_readme_is_tested_both_ways() -> None:
    (block,) = blocks_of(CHECKOUT / "README.md", "yaml")
    assert [test["expect"] for test in yaml.safe_load(block.text)["tests"]] == ["alert", "no alert"]


@pytest.mark.parametrize("block", blocks("ini"))
def test_units_are_units(block: Block) -> None:
    for unit in re.split(r"^# /etc/systemd/system/", block.text, flags=re.MULTILINE)[1:]:
        name, _, text = unit.partition("\n")
        parser = configparser.ConfigParser(strict=True, interpolation=None)
        parser.read_string(text)
        assert set(parser.sections()) <= {"Unit", "Service", "Timer", "Install"}
        assert Path(name).suffix[1:].capitalize() in parser.sections()


@pytest.mark.parametrize("block", blocks("json"))
def test_json_is_json(block: Block) -> None:
    try:
        json.loads(block.text)
    except json.JSONDecodeError:
        assert [json.loads(line) for line in block.text.splitlines()]


def test_every_command_is_in_the_command_reference_with_every_option() -> None:
    reference = (DOCS / "commands.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(watcher [^`]+)` \|(.*)$", reference, re.MULTILINE)
    everywhere = {"--config", "--format", "--help"}
    for name, command in all_commands():
        row = next((typed + told for typed, told in rows if re.match(rf"{name}(?= [^a-z]| [A-Z]|$)", typed)), None)
        assert row is not None, name
        for parameter in command.params:
            option = max(parameter.opts, key=len)
            if option.startswith("--") and option not in everywhere and not getattr(parameter, "hidden", False):
                shared = option == "--rules" and name.split()[1] in ("rules", "match")
                assert shared or option in row, f"{name} {option}"


@cache
def all_options() -> set[str]:
    found = {option for _, command in all_commands() for parameter in command.params for option in parameter.opts}
    return {*found, "--help", "--version", "--install-completion"}


@each_page
def test_options_in_the_prose_exist(page: Path) -> None:
    for span in spans_of(page):
        if re.fullmatch(r"--[a-z-]+( .*)?", span):
            assert span.split()[0] in all_options(), span


@each_page
def test_settings_in_the_prose_exist(page: Path) -> None:
    for span in spans_of(page):
        if found := re.match(r"\[+(\w+)\]+(?: (\w+)|$)", span):
            section, key = found.groups()
            if section in {"Unit", "Service"}:
                continue
            assert section in SECTIONS, span
            assert key is None or key in SECTIONS[section].model_fields, span


@cache
def said_by_the_program() -> tuple[str, ...]:
    """Every constant text of the program, those of its sentences in English included."""
    found: list[str] = []
    for path in (CHECKOUT / "watcher").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for path in (CHECKOUT / "watcher" / "texts" / "en").glob("*.toml"):
        found += re.findall(r'"([^"\n]+)"', path.read_text(encoding="utf-8"))
        assert tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(found)


def test_what_troubleshooting_quotes_is_what_the_program_says() -> None:
    quotes = re.findall(r"“([^”]+)”", (DOCS / "troubleshooting.md").read_text(encoding="utf-8"))
    assert len(quotes) > 20
    for quote in quotes:
        for part in re.split(r"\s*…\s*", quote):
            assert not part or any(part in said for said in said_by_the_program()), f"“{quote}”: {part!r}"


def test_the_architecture_names_files_that_exist_and_every_room() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(watcher/[\w/.]+)`", text):
        assert (CHECKOUT / name).exists(), name
    inside = (CHECKOUT / "watcher").iterdir()
    rooms = {one.stem for one in inside if not one.name.startswith("_") and (one.is_dir() or one.suffix == ".py")}
    assert sorted(room for room in rooms if not re.search(rf"`(?:watcher/)?{room}(?:\.py|/)", text)) == []


@each_page
def test_files_of_the_checkout_exist(page: Path) -> None:
    folders = "tests|watcher|tools|contrib|benchmarks|packaging|systemd"
    for name in re.findall(rf"`((?:{folders})/[\w/.-]+)`", page.read_text(encoding="utf-8")):
        assert (CHECKOUT / name).exists(), name


def test_what_the_bot_is_asked_exists_and_is_documented() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("telegram*.md"))
    named = set(re.findall(r"`/([a-z]+)", told)) - {"newbot"}  # of BotFather
    bot = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "watcher" / "bot").glob("*.py"))
    commands = set(re.findall(r'"(\w+)"\]? ?[:=] Command\(', bot))
    assert named <= commands
    assert commands - named <= {"help"}


def test_what_takes_a_restart_is_what_the_reference_says() -> None:
    (said,) = re.findall(r"takes over changed (.*?) by itself", (DOCS / "configuration.md").read_text(encoding="utf-8"))
    program = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "watcher").glob("*.py"))
    (reloaded,) = re.findall(r"^RELOADED = frozenset\((.*)\)$", program, re.MULTILINE)
    assert set(re.findall(r"\[(\w+)\]", said)) == ast.literal_eval(reloaded)


def test_nothing_names_a_machine_or_a_registry() -> None:
    forbidden = re.compile(r"/work/|/root/|file:///|pypi\.org|files\.pythonhosted|registry\.npmjs|deb\.debian\.org")
    for path in [*PAGES, CHECKOUT / "run.sh", CHECKOUT / "pyproject.toml", *CHECKOUT.glob("requirements*.txt")]:
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def test_no_help_text_has_brackets_which_a_terminal_would_swallow_as_markup() -> None:
    def texts(command: Any) -> list[str]:
        own = [command.help or "", *(getattr(parameter, "help", None) or "" for parameter in command.params)]
        return [*own, *(text for child in children(command).values() for text in texts(child))]

    assert [text for text in texts(root()) if "[" in text] == []
