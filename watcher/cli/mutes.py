"""Commands about mutes: nobody hears of one thing until some time, and then how much it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from watcher.cli.common import ConfigOption, Format, FormatOption, print_json, print_table, settings_of
from watcher.cli.events import typed
from watcher.cli.looking import login_name
from watcher.errors import StoreError
from watcher.model import Severity
from watcher.mutes import Mute
from watcher.render import clean, minute, shorten
from watcher.rules.load import load_rules
from watcher.settings import Settings
from watcher.settings.values import check_rule_pattern, check_state, parse_until, suggest
from watcher.store import Store

mute_app = typer.Typer(help="Say nothing about something for a while, and then how much it was.", no_args_is_help=True)

_REASON_CHARS = 300  # stands in every message about what was muted


@mute_app.command("add")
def add_mute(
    until: Annotated[str, typer.Option(help='2h, 2026-12-01 or "2026-12-01 08:00 Asia/Yerevan".')],
    reason: Annotated[str, typer.Option(help="Why; who asks is told.")],
    event: Annotated[str | None, typer.Option(help="Id of an event.")] = None,
    rule: Annotated[str | None, typer.Option(help="Id of a rule; * stands for anything.")] = None,
    state: Annotated[str | None, typer.Option(help="Code of a state: every event that names it.")] = None,
    source: Annotated[str | None, typer.Option(help="Id of a source: what nobody else reports.")] = None,
    recipient: Annotated[
        str | None, typer.Option(help="Only for this recipient.", show_default="for everybody")
    ] = None,
    also_critical: Annotated[bool, typer.Option("--also-critical", help="Critical alerts, too.")] = False,
    by: Annotated[str | None, typer.Option(help="Who mutes it.", show_default="your login name")] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Mute an event, rules, a state or a source; name one of them. Critical alerts pass unless you say otherwise."""
    settings = settings_of(config)
    now = datetime.now(UTC)
    if sum(one is not None for one in (event, rule, state, source)) != 1:
        raise typer.BadParameter("name one of --event, --rule, --state and --source")
    reason = shorten(clean(reason), _REASON_CHARS, len)
    if not reason:
        raise typer.BadParameter("a mute needs a reason", param_hint="--reason")
    subscribers: list[str] = []
    if recipient is not None:
        with Store.open(settings.store.path, exclusive=False) as store:
            subscribers = [one.id for one in store.subscriptions.all()]
    _check_names(settings, rule, state, source, recipient, subscribers)
    with Store.open(settings.store.path, exclusive=False) as store, store.transaction():
        if event is not None:
            muted = store.events.get(store.events.thread_of(event))
            if muted is None:
                raise StoreError(f"there is no event {event}")
            # Who mutes a critical event has seen it; one that becomes critical later has not been seen so.
            also_critical |= muted.severity is Severity.CRITICAL
            event = muted.id
        mute = store.mutes.add(
            Mute(
                id=0,
                event_id=event,
                rule=rule,
                state=state,
                source_id=source,
                recipient_id=recipient,
                also_critical=also_critical,
                reason=reason,
                by=shorten(clean(by or login_name()), 80, len),
                made_at=now,
                until_at=typed(lambda text: parse_until(text, now), until, "--until"),
            )
        )
    if output is Format.JSON:
        print_json(_to_json(mute, 0, now))
        return
    passing = "critical alerts, too" if mute.also_critical else "critical alerts pass"
    typer.echo(f"mute {mute.id}: {mute} until {minute(mute.until_at)}, {passing}")


def _check_names(
    settings: Settings,
    rule: str | None,
    state: str | None,
    source: str | None,
    recipient: str | None,
    subscribers: Iterable[str],
) -> None:
    if state is not None:
        typed(check_state, state, "--state")
    if rule is not None:
        typed(check_rule_pattern, rule, "--rule")
        known = [one.rule for one in load_rules(settings.rules.paths).rules]
        if not any(fnmatchcase(name, rule) for name in known):
            raise typer.BadParameter(f"no rule fits {rule}{suggest(rule, known)}", param_hint="--rule")
    for name, option, ids in (
        (source, "--source", [one.id for one in settings.sources]),
        (recipient, "--recipient", [*(one.id for one in settings.to_recipients()), *subscribers]),
    ):
        if name is not None and name not in ids:
            raise typer.BadParameter(f"there is none with the id {name}{suggest(name, ids)}", param_hint=option)


@mute_app.command("list")
def list_mutes(
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """The mutes in force: what, until when, by whom, why, and how much they hold back."""
    now = datetime.now(UTC)
    with Store.open(settings_of(config).store.path, exclusive=False) as store:
        mutes = store.mutes.recent(1000) if every else store.mutes.in_force(now)
        held = {mute.id: len(store.outbox.muted(f"mute:{mute.id}")) for mute in mutes}
    if output is Format.JSON:
        print_json([_to_json(mute, held[mute.id], now) for mute in mutes])
        return
    print_table(
        "",
        ("mute", "what", "until (UTC)", "critical", "held back", "by", "reason"),
        [
            (
                mute.id,
                str(mute),
                f"{mute.over_at:%Y-%m-%d %H:%M}" + ("" if mute.over_at > now else ", over"),
                "muted" if mute.also_critical else "pass",
                held[mute.id],
                mute.by,
                mute.reason,
            )
            for mute in mutes
        ],
    )


def _to_json(mute: Mute, held: int, now: datetime) -> dict[str, Any]:
    return {
        "id": mute.id,
        "event": mute.event_id,
        "rule": mute.rule,
        "state": mute.state,
        "source": mute.source_id,
        "recipient": mute.recipient_id,
        "also_critical": mute.also_critical,
        "reason": mute.reason,
        "by": mute.by,
        "made": mute.made_at.isoformat(),
        "until": mute.over_at.isoformat(),
        "in_force": mute.over_at > now,
        "held_back": held,
    }


@mute_app.command("end")
def end_mute(
    mute_id: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `mute list` says it.")],
    config: ConfigOption = None,
) -> None:
    """End a mute now; what it held back is told within a minute."""
    with Store.open(settings_of(config).store.path, exclusive=False) as store, store.transaction():
        if not store.mutes.end(mute_id, datetime.now(UTC)):
            raise StoreError(f"there is no mute {mute_id} in force")
    typer.echo(f"mute {mute_id} is over")
