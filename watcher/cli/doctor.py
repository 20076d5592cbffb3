"""The command that looks at everything around the program: doctor."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime

import typer

from watcher.cli.common import ConfigOption, Format, FormatOption, find_config, load_book, print_json, settings_of
from watcher.doctor import Finding, Grade, bad, doubtful, examine, good
from watcher.errors import ProblemsError, StoreError
from watcher.fetch import Fetcher
from watcher.model import Recipient
from watcher.settings import Settings
from watcher.store import Store
from watcher.subscriptions import Subscription, with_subscriptions

_WIDTH = 24  # of the areas; a longer one pushes its line to the right


def register(app: typer.Typer) -> None:
    """Nothing; adds the command."""
    app.command()(doctor)


def doctor(config: ConfigOption = None, output: FormatOption = Format.TEXT) -> None:
    """Look at configuration, rules, clock, disk, names, sources and channels; say what to do. Exit 1 for a problem."""
    findings = _findings(config)
    if output is Format.JSON:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = " " if finding.grade is Grade.GOOD else "!"
            grade = "" if finding.grade is Grade.GOOD else f"{finding.grade.value}: "
            typer.echo(f"{mark} {finding.area:{_WIDTH}} {grade}{finding.says}")
            if finding.do:
                typer.echo(f"  {'':{_WIDTH}} -> {finding.do}")
        problems = sum(finding.grade is Grade.BAD for finding in findings)
        warnings = sum(finding.grade is Grade.DOUBTFUL for finding in findings)
        typer.echo(
            f"{problems} problem{'' if problems == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
        )
    if any(finding.grade is Grade.BAD for finding in findings):
        raise typer.Exit(1)


def _findings(config: ConfigOption) -> tuple[Finding, ...]:
    try:
        settings = settings_of(config)
    except ProblemsError as error:
        return tuple(bad("configuration", str(problem), "mend this line") for problem in error.problems)
    path = find_config(config)
    findings = [good("configuration", f"{path}: {len(settings.sources)} sources")]
    findings += [doubtful("configuration", str(warning.location), warning.message) for warning in settings.warnings]
    try:
        book = load_book(settings)
        findings.append(good("rules", f"{len(book.versions)} rules"))
    except ProblemsError as error:
        findings += [bad("rules", str(problem), "mend this line") for problem in error.problems]
    recipients = with_subscriptions(settings.to_recipients(), _subscriptions(settings), {})
    if not recipients:
        findings.append(bad("recipients", "nobody is told anything", "name somebody under [[recipients]]"))
    elif not any(one.is_operator for one in recipients):
        findings.append(
            doubtful("recipients", "nobody is told when a source fails", "give a recipient operator = true")
        )
    return (*findings, *asyncio.run(_examine(settings, recipients)))


def _subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    try:
        with Store.open(settings.store.path, exclusive=False) as store:
            return store.subscriptions.all()
    except StoreError:  # there is none yet, or it is told among the findings
        return ()


async def _examine(settings: Settings, recipients: tuple[Recipient, ...]) -> tuple[Finding, ...]:
    def clock() -> datetime:
        return datetime.now(UTC)

    async with Fetcher(**settings.http.to_fetcher(), clock=clock) as fetcher:
        return await examine(settings, fetcher, recipients, clock)
