"""``watcher init``: a configuration and rules to begin with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from watcher.errors import WatcherError
from watcher.settings import shipped_rules

CONFIG_NAME = "config.toml"
# What changes belongs under /var (Filesystem Hierarchy Standard); under systemd it is the unit's StateDirectory.
SYSTEM_STORE = Path("/var/lib/watcher/watcher.db")

_STARTER = Path(__file__).resolve().parent.parent / "settings" / "starter.toml"
_OWN_RULES = 'paths = ["rules"]  # the folder beside this file, yours to edit; [] takes those that come with watcher'
_SHIPPED_RULES = """\
# Those that come with watcher, newer with each version. To edit a copy: watcher init, then take the mark off.
# paths = ["rules"]"""


def register(app: typer.Typer) -> None:
    """Nothing; adds the command."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; made when it is not there.")],
    rules: Annotated[
        bool,
        typer.Option(
            "--rules/--no-rules", help="Copy the rules that come with watcher, to edit; or use them as they are."
        ),
    ] = True,
) -> None:
    """Write a configuration to fill in, and a copy of the rules to edit. What is there already is left as it is."""
    config, copy, credentials = folder / CONFIG_NAME, folder / "rules", folder / "credentials"
    text = starter(folder, own_rules=rules or copy.is_dir())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(config, lambda: config.write_text(text, encoding="utf-8"))
        if rules:
            write(copy, lambda: shutil.copytree(shipped_rules(), copy))
        write(credentials, lambda: credentials.mkdir(mode=0o700))
    except OSError as error:
        raise WatcherError(f"{error.filename or folder}: {(error.strerror or str(error)).lower()}") from error
    typer.echo(f"Next: edit {config}, then: watcher check --config {config}")


def write(path: Path, make: Callable[[], object]) -> None:
    """Nothing; made where there is nothing yet, and told what became of it."""
    is_there = path.exists() or path.is_symlink()
    if not is_there:
        make()
    typer.echo(f"{path}: {'is there already, left as it is' if is_there else 'written'}")


def starter(folder: Path, *, own_rules: bool) -> str:
    """The text of a configuration in that folder."""
    store = SYSTEM_STORE if folder.resolve().is_relative_to("/etc") else Path("watcher.db")
    text = _STARTER.read_text(encoding="utf-8")
    return text.replace("{store}", str(store)).replace("{rules}", _OWN_RULES if own_rules else _SHIPPED_RULES)
