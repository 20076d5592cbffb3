"""Commands that run the service: run, check, demo."""

from __future__ import annotations

import asyncio
import gc
import resource
from typing import Annotated

import typer

from watcher.cli.common import ConfigOption, find_config, load_all, load_book, settings_of
from watcher.settings import Settings, shipped_rules

_OPEN_FILES = 20_000  # each source on a host of its own, ten thousand of them, all at once


def register(app: typer.Typer) -> None:
    """Nothing; adds the commands."""
    app.command()(run)
    app.command()(check)
    app.command()(demo)


def run(
    config: ConfigOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Poll every source once, evaluate, send what is due, end.")
    ] = False,
) -> None:
    """Run the daemon. SIGTERM and SIGINT stop it, SIGHUP reloads configuration and rules."""
    _allow_open_files()
    gc.disable()  # what is loaded now stays: nothing to collect, and looking for it would be an eighth of the start
    from watcher.store import Store

    if once:
        from watcher.once import run_once

        settings = settings_of(config)
        with Store.open(settings.store.path, exclusive=True) as store:
            asyncio.run(run_once(settings, store, lambda: load_book(settings), lambda: _start_log(settings)))
        gc.freeze()  # nor at the end
        return

    from watcher.daemon import Daemon, make_notifiers

    settings, book = load_all(config)
    gc.freeze()
    gc.enable()
    _start_log(settings)
    with Store.open(settings.store.path, exclusive=True) as store:
        daemon = Daemon(settings, book, store, lambda: load_all(config), make_notifiers, config=find_config(config))
        asyncio.run(daemon.run())


def _allow_open_files() -> None:
    """Nothing; a shell's usual limit of 1,024 is less than the connections that are kept while thousands are polled."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _start_log(settings: Settings) -> None:
    from watcher.log import configure_logging

    configure_logging(settings.log, secrets=settings.secrets)


def check(config: ConfigOption = None) -> None:
    """Check configuration, rules and recipients; print every mistake at once."""
    from datetime import UTC, datetime

    from watcher.health import find_blind, say_blind
    from watcher.rules.lint import lint_rules
    from watcher.rules.load import load_rules

    path = find_config(config)
    settings, book = load_all(config)
    for warning in settings.warnings:
        typer.echo(f"{warning.location}: warning: {warning.message}")
    if not any(recipient.is_operator for recipient in book.recipients):
        typer.echo(f"{path}: warning: nobody is told when a source fails: give a recipient operator = true")
    own = path.parent / "rules" if path else None
    if own and own.is_dir() and settings.rules.paths == (shipped_rules(),) and own.resolve() != shipped_rules():
        typer.echo(f'{path}: warning: the rules in {own} are not read: write paths = ["rules"] under [rules]')
    sources = settings.to_sources()
    rule_set = load_rules(settings.rules.paths)
    blind = find_blind(book.rules.rules, book.statuses, sources, {}) if sources else ()
    places = {one.rule_id: rule_set.location(one.rule_id, "languages") for one in blind}
    for said, rule_ids in say_blind(blind).items():
        typer.echo(f"{places[rule_ids[0]] if len(rule_ids) == 1 else path}: warning: {said}")
    findings = lint_rules(
        rule_set,
        datetime.now(UTC).date(),
        sources=sources,
        recipients=[recipient.id for recipient in settings.recipients],
    )
    for finding in findings:
        if finding.code != "language-without-source" or finding.location not in places.values():
            typer.echo(str(finding))
    typer.echo(
        f"{path}: good: {len(settings.sources)} sources, {len(book.versions)} rules, {len(book.recipients)} recipients"
    )


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when the story is told, instead of at Ctrl-C.")] = False,
) -> None:
    """See it work: sample outlets on this machine, polled by the real daemon. Needs nothing, not even a network."""
    from watcher.demo.run import run_demo

    asyncio.run(run_demo(once=once))
