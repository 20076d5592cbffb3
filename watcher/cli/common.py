"""What several commands share: where the configuration and the rules are, and how tables are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.errors import ConfigError, Location, Problem
from watcher.settings import ENV_CONFIG, Settings, load_settings, shipped_rules

if TYPE_CHECKING:  # loaded where they are needed: a run that finds nothing new takes a quarter of their time
    from watcher.rulebook import RuleBook
    from watcher.rules.compile import CompiledRules
    from watcher.rules.schema import RuleSet
    from watcher.understand.gazetteer import Gazetteer

DEFAULT_CONFIG = Path("config.toml")
SYSTEM_CONFIG = Path("/etc/watcher/config.toml")  # of the packaged service


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration file.",
        show_default="$WATCHER_CONFIG, else config.toml, else /etc/watcher/config.toml",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]
RulesOption = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="A file or folder of rules; may be given again.", show_default=False),
]


def find_config(config: Path | None) -> Path | None:
    """The configuration file that is meant; None where none was named, none lies here and the system has none."""
    if config is not None:
        return config
    if named := os.environ.get(ENV_CONFIG):
        return Path(named)
    return next((path for path in (DEFAULT_CONFIG, SYSTEM_CONFIG) if path.is_file()), None)


def settings_of(config: Path | None) -> Settings:
    """The settings that a command works with; raises ConfigError, also where there is no configuration file."""
    path = find_config(config)
    if path is None:
        begin = "watcher init DIR, or watcher sources discover URL --add"
        hint = f"name the configuration file with --config, or begin one: {begin}"
        problem = Problem(Location(str(DEFAULT_CONFIG)), f"is not here; {hint}")
        raise ConfigError((problem,))
    return load_settings(path, os.environ)


def find_rules(paths: Sequence[Path] | None, config: Path | None) -> tuple[Path, ...]:
    """The rule files that are meant: those named, else the configured ones, else ./rules, else the shipped ones."""
    if paths:
        return tuple(paths)
    here = Path("rules")
    found = find_config(config)
    if found is None or (found == SYSTEM_CONFIG and config is None and here.is_dir()):
        return (here,) if here.is_dir() else (shipped_rules(),)
    return settings_of(config).rules.paths


def compiled_rules(paths: Sequence[Path]) -> tuple[RuleSet, CompiledRules, Gazetteer]:
    """The rules of these paths, ready to match; raises RuleError with every mistake."""
    from watcher.rules.compile import compile_rules
    from watcher.rules.load import load_rules
    from watcher.understand.gazetteer import Gazetteer

    rule_set = load_rules(paths)
    gazetteer = Gazetteer.load()
    return rule_set, compile_rules(rule_set, gazetteer), gazetteer


def load_all(config: Path | None) -> tuple[Settings, RuleBook]:
    """Settings and rules as the daemon needs them; raises ProblemsError with every mistake of both."""
    settings = settings_of(config)
    return settings, load_book(settings)


def load_book(settings: Settings) -> RuleBook:
    """The rules that the settings name, and who is told; raises RuleError with every mistake."""
    from watcher.rulebook import RuleBook

    rule_set, compiled, gazetteer = compiled_rules(settings.rules.paths)
    recipients, inhibits = settings.to_recipients(), settings.to_inhibits()
    return RuleBook.of(rule_set, compiled, gazetteer.names(), recipients, inhibits)


def print_json(value: Any) -> None:
    """Nothing; prints one JSON document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Nothing; prints a table that fits a terminal, or plain wide lines into a pipe. Cells are never markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    table = Table(*columns, title=Text(title), title_justify="left", show_edge=False, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console.print(table)
