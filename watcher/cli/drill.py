"""The command that holds a drill."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Annotated

import typer

from watcher.agenda import utc_now
from watcher.bot.choosing import rule_families
from watcher.cli.common import ConfigOption, Format, FormatOption, find_config, load_all, print_json, print_table
from watcher.daemon import Daemon, Parts, make_notifiers
from watcher.drill import Held, Rehearsal, hold, rehearse
from watcher.errors import StoreInUseError, WatcherError
from watcher.log import configure_logging
from watcher.model import Recipient
from watcher.settings import Settings
from watcher.settings.values import parse_duration
from watcher.store import Store
from watcher.subscriptions import SubscriptionStatus, with_subscriptions


def register(app: typer.Typer) -> None:
    """Nothing; adds the command."""
    app.command()(drill)


def drill(
    config: ConfigOption = None,
    recipient: Annotated[
        list[str] | None, typer.Option("--recipient", help="Only this one; may be given again.", show_default=False)
    ] = None,
    timeout: Annotated[str, typer.Option("--timeout", help="How long to wait for all channels.")] = "2m",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Send an exercise to everybody, from a feed to their hands. Exit 1 when somebody did not get it in time.

    It is sent at once, also during quiet hours and to those who have digests. A running daemon sends it; without one
    this command does, and with it whatever else is due.
    """
    try:
        patience = parse_duration(timeout)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timeout") from None
    settings, book = load_all(config)
    configure_logging(settings.log.model_copy(update={"level": "error"}), secrets=settings.secrets)
    try:
        store = Store.open(settings.store.path, exclusive=True)
        is_alone = True
    except StoreInUseError:
        store = Store.open(settings.store.path, exclusive=False)
        is_alone = False
    with store:
        active = store.subscriptions.all(SubscriptionStatus.ACTIVE)
        everybody = with_subscriptions(settings.to_recipients(), active, rule_families(book))
        chosen = _chosen(everybody, recipient or [])
        _ask(chosen, is_alone=is_alone, is_sure=yes)
        daemon = Daemon(settings, book, store, lambda: load_all(config), make_notifiers, config=find_config(config))
        rehearsal, held = asyncio.run(_hold(settings, store, chosen, patience, daemon if is_alone else None))
    if output is Format.JSON:
        _print_json(rehearsal, held, is_alone=is_alone)
    else:
        _print_text(rehearsal, held)
    if held.missed:
        raise typer.Exit(1)


def _chosen(recipients: tuple[Recipient, ...], ids: list[str]) -> tuple[Recipient, ...]:
    if unknown := sorted(set(ids) - {one.id for one in recipients}):
        known = ", ".join(one.id for one in recipients)
        raise WatcherError(f"there is no recipient {', '.join(unknown)}; there are {known or 'none'}")
    chosen = tuple(one for one in recipients if not ids or one.id in ids)
    if not chosen:
        raise WatcherError("there are no recipients")
    return chosen


def _ask(recipients: tuple[Recipient, ...], *, is_alone: bool, is_sure: bool) -> None:
    if is_sure:
        return
    who = ", ".join(one.id for one in recipients)
    said = f"An exercise goes to {len(recipients)} now, also in their quiet hours: {who}."
    if is_alone:
        said += " No daemon is running, so whatever else is due is sent, too."
    if not sys.stdin.isatty():
        raise WatcherError(f"{said} Say --yes to do it")
    typer.confirm(f"{said} Go on?", abort=True)


async def _hold(
    settings: Settings, store: Store, recipients: tuple[Recipient, ...], patience: timedelta, daemon: Daemon | None
) -> tuple[Rehearsal, Held]:
    rehearsal = await rehearse(settings.http.to_fetcher(), utc_now)
    async with AsyncExitStack() as stack:
        dispatch = (await Parts.open(daemon, stack)).dispatch if daemon else None
        return rehearsal, await hold(store, rehearsal.alert, recipients, utc_now, patience, dispatch)


def _print_text(rehearsal: Rehearsal, held: Held) -> None:
    typer.echo(f"{rehearsal.alert.headline} (alert {held.alert.id})")
    typer.echo(f"from the feed to the alert: {rehearsal.seconds:.1f} s")
    rows = [
        (
            one.recipient_id,
            one.channel.value,
            "got it" if one.is_there else "NOT in time" if not one.detail else "NOT",
            f"{one.took.total_seconds():.1f} s" if one.took is not None else "",
            one.attempts,
            one.detail,
        )
        for one in held.got
    ]
    print_table("", ("recipient", "channel", "", "after", "attempts", "why not"), rows)
    if held.missed:
        typer.echo(f"! did not get it: {', '.join(held.missed)}")


def _print_json(rehearsal: Rehearsal, held: Held, *, is_alone: bool) -> None:
    print_json(
        {
            "alert": held.alert.id,
            "sent_by": "drill" if is_alone else "daemon",
            "feed_to_alert_seconds": round(rehearsal.seconds, 3),
            "recipients": [
                {
                    "recipient": one.recipient_id,
                    "channel": one.channel.value,
                    "state": one.state.value,
                    "seconds": one.took and round(one.took.total_seconds(), 3),
                    "attempts": one.attempts,
                    "detail": one.detail,
                }
                for one in held.got
            ],
            "missed": list(held.missed),
        }
    )
