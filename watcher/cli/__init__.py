"""The command line: ``watcher COMMAND``. Heavy parts are imported by the command that needs them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from watcher import __version__
from watcher.cli import service
from watcher.errors import ProblemsError, StoreDamagedError, WatcherError


def make_app(command: str = "") -> typer.Typer:
    """The commands: all of them, or for ``run``, which timers start every few minutes, those beside it.

    The others import a second's worth of modules.
    """
    app = typer.Typer(
        name="watcher",
        help="Alerts for signals of escalation in the news.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=_options,
    )
    service.register(app)
    if command != "run":
        from watcher.cli import (
            backup,
            doctor,
            drill,
            events,
            init,
            looking,
            mutes,
            outbox,
            reading,
            rules,
            sources,
            status,
            subscribers,
            workbench,
        )

        init.register(app)
        reading.register(app)
        workbench.register(rules.app)
        app.add_typer(rules.app, name="rules")
        status.register(app)
        looking.register(app)
        app.add_typer(outbox.outbox_app, name="outbox")
        backup.register(app)
        doctor.register(app)
        drill.register(app)
        app.add_typer(events.events_app, name="events")
        app.add_typer(mutes.mute_app, name="mute")
        app.add_typer(sources.app, name="sources")
        app.add_typer(subscribers.subscribers_app, name="subscribers")
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"watcher {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Alerts for signals of escalation in the news."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command that was typed, then exit: 2 configuration or rules wrong, 1 anything else.

    A daemon whose store is damaged ends with 4, which its supervisor must not restart.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    try:
        make_app(typed[0] if typed else "")(arguments)
    except ProblemsError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        count = len(error.problems)
        typer.echo(f"{count} mistake{'s' if count > 1 else ''}; nothing was started", err=True)
        sys.exit(2)
    except StoreDamagedError as error:
        typer.echo(f"watcher: {error}", err=True)
        sys.exit(4 if typed[:1] == ["run"] else 1)
    except WatcherError as error:
        typer.echo(f"watcher: {error}", err=True)
        sys.exit(1)
