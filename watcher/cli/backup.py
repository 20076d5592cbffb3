"""Commands that keep a copy and bring it back: backup, restore."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.common import ConfigOption, Format, FormatOption, find_config, print_json, settings_of
from watcher.settings import Settings, shipped_rules


def register(app: typer.Typer) -> None:
    """Nothing; adds the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    out: Annotated[
        Path, typer.Argument(metavar="FILE-or-FOLDER", help="Where to; in a folder it is named by the time.")
    ] = Path(),
    keep: Annotated[
        int, typer.Option(help="Remove the oldest in that folder, so that so many stay; 0: none.", min=0)
    ] = 0,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Copy store, configuration and rules into one archive, also while the daemon runs. Secrets are left out."""
    from watcher.backup import make_backup

    settings, path = settings_of(config), find_config(config)
    shipped = shipped_rules().resolve()
    rules = [one for one in settings.rules.paths if one.resolve() != shipped]  # those come with the program
    made = make_backup(settings.store.path, path, rules, secrets_of(settings), out, datetime.now(UTC), keep)
    if output is Format.JSON:
        print_json(dataclasses.asdict(made))
        return
    waiting = f", {made.waiting} deliveries that wait" if made.waiting else ""
    typer.echo(f"{made.path}: {made.size_bytes / 1e6:,.1f} MB; {made.articles} articles, {made.alerts} alerts{waiting}")
    for old in made.removed:
        typer.echo(f"removed {old}")


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Words for each secret that the configuration needs."""
    needed = []
    if settings.telegram:
        needed.append(f"the bot's token ({settings.telegram.token_file or 'credential telegram_token'})")
    if settings.email and settings.email.username:
        needed.append(f"the password for mail ({settings.email.password_file or 'credential email_password'})")
    needed += [
        f"the password of {source.id} ({source.password_file or f'credential {source.id}_password'})"
        for source in settings.sources
        if source.username
    ]
    return tuple(needed)


def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="What `watcher backup` has written.")],
    files: Annotated[
        Path | None,
        typer.Option(help="Bring back configuration and rules into this folder, and not the store.", file_okay=False),
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Bring back the store of a backup to where the configuration wants it. The daemon must not run meanwhile."""
    from watcher.backup import restore_files, restore_store

    if files is not None:
        written, moved = restore_files(archive, files)
        if output is Format.JSON:
            print_json({"files": [str(path) for path in written], "moved": moved})
            return
        for path in written:
            typer.echo(str(path))
        for line in moved:
            typer.echo(f"{line}: name it so under [rules]")
        return
    done = restore_store(archive, settings_of(config).store.path, datetime.now(UTC))
    if output is Format.JSON:
        print_json(dataclasses.asdict(done))
        return
    typer.echo(f"{done.path}: as it was {done.made_at:%Y-%m-%d %H:%M} UTC, written by watcher {done.program}")
    if done.kept:
        typer.echo(f"the one that was there is {done.kept}")
    if done.waiting:
        typer.echo(f"{done.waiting} deliveries wait in it and go out when the daemon starts; see `watcher outbox`")
    typer.echo("what was told since then may be told once more, with the same alert ids")
