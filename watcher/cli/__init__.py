"""The command line: ``watcher COMMAND``. Heavy parts are imported by the command that needs them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from watcher import __version__
from watcher.cli import looking, reading, rules, service, sources, workbench
from watcher.errors import ProblemsError, WatcherError

app = typer.Typer(
    name="watcher",
    help="Alerts for signals of escalation in the news.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
service.register(app)
reading.register(app)
workbench.register(rules.app)
app.add_typer(rules.app, name="rules")
looking.register(app)
app.add_typer(sources.app, name="sources")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"watcher {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Alerts for signals of escalation in the news."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command that was typed, then exit: 2 configuration or rules wrong, 1 anything else that is wrong."""
    try:
        app(arguments)
    except ProblemsError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        count = len(error.problems)
        typer.echo(f"{count} mistake{'s' if count > 1 else ''}; nothing was started", err=True)
        sys.exit(2)
    except WatcherError as error:
        typer.echo(f"watcher: {error}", err=True)
        sys.exit(1)
