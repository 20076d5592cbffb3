"""Commands about those who have subscribed in Telegram: who they are, who may come, who may stay."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from watcher.bot.invitations import DEFAULT_SPAN, LONGEST_SPAN, MOST_USES, hash_code, link_of, new_code
from watcher.cli.common import (
    ConfigOption,
    Format,
    FormatOption,
    load_book,
    print_json,
    print_table,
)
from watcher.cli.events import typed
from watcher.cli.looking import login_name, open_store
from watcher.errors import StoreError
from watcher.model import Channel
from watcher.render import clean, minute, shorten
from watcher.settings.values import check_rule_pattern, parse_duration, suggest
from watcher.store import Store
from watcher.store.subscriptions import Invitation
from watcher.subscriptions import (
    EVERY,
    REMOVED,
    PlaceKind,
    Subscription,
    approved,
    ended,
    new_subscription,
)

subscribers_app = typer.Typer(help="Who has subscribed in Telegram, and who may.", no_args_is_help=True)

_TARGET = re.compile(r"-?\d{1,19}(?:/\d{1,10})?", re.ASCII)
_TITLE_CHARS = 40

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As `subscribers list` shows it, like chat-abcdefgh.")]
RulesOption = Annotated[
    list[str] | None, typer.Option("--rules", help="A rule id or pattern; may be given again.", show_default=False)
]


@subscribers_app.command("list")
def list_subscribers(config: ConfigOption = None, output: FormatOption = Format.TEXT) -> None:
    """Everybody who has subscribed or asked to, and the invitations that can still be used."""
    _, store = open_store(config)
    now = datetime.now(UTC)
    with store:
        everybody = store.subscriptions.all()
        invitations = store.subscriptions.invitations(now)
    if output is Format.JSON:
        print_json(
            {
                "subscribers": [_to_json(one) for one in everybody],
                "invitations": [_invitation_to_json(one) for one in invitations],
            }
        )
        return
    print_table(
        "",
        ("subscriber", "name", "where", "status", "alerts", "since (UTC)"),
        [
            (
                one.id,
                shorten(clean(one.title), _TITLE_CHARS, len),
                one.kind.value,
                one.status.value + (f": {one.ended_because}" if one.ended_because else ""),
                _scope(one),
                minute(one.made_at),
            )
            for one in everybody
        ],
    )
    for invitation in invitations:
        typer.echo(
            f"invitation {invitation.id}: {invitation.uses_left} left, until {minute(invitation.expires_at)}, "
            f"by {invitation.made_by}"
        )


def _scope(one: Subscription) -> str:
    if one.is_empty:
        return "nothing yet"
    return "everything" if EVERY in one.rules else ", ".join((*one.families, *one.rules))


@subscribers_app.command("show")
def show_subscriber(subscriber: IdArgument, config: ConfigOption = None, output: FormatOption = Format.TEXT) -> None:
    """All that is stored of one subscriber."""
    settings, store = open_store(config)
    with store:
        one = _get(store, subscriber)
    families = {rule: policy.family for rule, policy in load_book(settings).event_policies.items()}
    shown = _to_json(one) | {"names_gone": list(one.unknown(families))}
    if output is Format.JSON:
        print_json(shown)
        return
    for key, value in shown.items():
        typer.echo(f"{key.replace('_', ' ')}: {', '.join(map(str, value)) if isinstance(value, list) else value}")


@subscribers_app.command("invite")
def invite_subscribers(
    uses: Annotated[int, typer.Option(min=1, max=MOST_USES, help="How many may come with it.")] = 1,
    expires: Annotated[str, typer.Option(help="For how long it is good, like 7d; at most 90d.")] = (
        f"{DEFAULT_SPAN.days}d"
    ),
    rules: RulesOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Print a link that lets people subscribe; the code in it is shown only now."""
    settings, store = open_store(config)
    now = datetime.now(UTC)
    span = typed(parse_duration, expires, "--expires")
    if not now < now + span <= now + LONGEST_SPAN:
        raise typer.BadParameter(f"expected at most {LONGEST_SPAN.days}d", param_hint="--expires")
    for pattern in rules or ():
        typed(check_rule_pattern, pattern, "--rules")
    known = load_book(settings).versions if rules else {}
    if unknown := [one for one in rules or () if "*" not in one and one not in known]:
        raise typer.BadParameter(f"there is no rule {unknown[0]}{suggest(unknown[0], known)}", param_hint="--rules")
    code = new_code()
    with store, store.transaction():
        made = store.subscriptions.invite(
            Invitation(0, login_name(), now, now + span, uses, tuple(rules or ())), hash_code(code)
        )
        username = store.kept.get("bot.username")
    link = link_of(username, code) if username else None
    if output is Format.JSON:
        print_json(_invitation_to_json(made) | {"code": code, "link": link})
        return
    typer.echo(link or "The bot's name is not known yet: start the daemon once. Until then, people write to it:")
    typer.echo(f"/start {code}")
    typer.echo(f"invitation {made.id}: {uses} left, until {minute(made.expires_at)}")


@subscribers_app.command("withdraw")
def withdraw_invitation(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the invitation, as `subscribers list` says it.")],
    config: ConfigOption = None,
) -> None:
    """Withdraw an invitation; who has come with it stays."""
    _, store = open_store(config)
    with store, store.transaction():
        if not store.subscriptions.withdraw_invitation(number):
            raise StoreError(f"there is no invitation {number} that could still be used")
    typer.echo(f"invitation {number} is withdrawn")


@subscribers_app.command("approve")
def approve_subscriber(subscriber: IdArgument, config: ConfigOption = None) -> None:
    """Let somebody in who asked, or who was removed; they are told within a minute."""
    _, store = open_store(config)
    now = datetime.now(UTC)
    with store, store.transaction():
        one = _get(store, subscriber)
        if one.is_active:
            raise StoreError(f"{one.id} is active already")
        store.subscriptions.save(replace(approved(one, login_name(), now), is_told=False))
        store.outbox.reopen_recipient(one.id)
    typer.echo(f"{one.id} is let in")


@subscribers_app.command("remove")
def remove_subscriber(subscriber: IdArgument, config: ConfigOption = None) -> None:
    """End a subscription or refuse a request; only an operator can let them in again."""
    _, store = open_store(config)
    now = datetime.now(UTC)
    with store, store.transaction():
        one = _get(store, subscriber)
        store.subscriptions.save(ended(one, REMOVED, now))
        dropped = store.subscriptions.withdraw(one.id, REMOVED, now)
    waited = f"; {dropped} message{'s' if dropped > 1 else ''} that waited will not be sent" if dropped else ""
    typer.echo(f"{one.id} is removed{waited}")


# Ids of groups and channels begin with a hyphen.
@subscribers_app.command("add", context_settings={"ignore_unknown_options": True})
def add_subscriber(
    target: Annotated[str, typer.Argument(metavar="CHAT", help="Id of a chat or channel; of a topic: CHAT/TOPIC.")],
    title: Annotated[str, typer.Option(help="What you call it.")],
    rules: RulesOption = None,
    everything: Annotated[bool, typer.Option("--everything", help="Every rule, also those to come.")] = False,
    language: Annotated[str, typer.Option(help="en, fr, ru, uk, es, tr or ar.")] = "en",
    config: ConfigOption = None,
) -> None:
    """Subscribe a chat yourself, a channel for example: to rules, or to everything."""
    from watcher.wording import LANGUAGES

    settings, store = open_store(config)
    if not _TARGET.fullmatch(target):
        raise typer.BadParameter("expected a chat id like -100200300, or -100200300/17", param_hint="CHAT")
    if language not in LANGUAGES:
        raise typer.BadParameter(f"expected one of {', '.join(LANGUAGES)}", param_hint="--language")
    if bool(rules) is everything:
        raise typer.BadParameter("name either --rules or --everything")
    for recipient in settings.to_recipients():
        if recipient.channel is Channel.TELEGRAM and recipient.target == target and recipient.rules:
            raise StoreError(f"that chat is in the configuration, as {recipient.id}")
    for pattern in rules or ():
        typed(check_rule_pattern, pattern, "--rules")
    now, who = datetime.now(UTC), login_name()
    kind = PlaceKind.GROUP if target.startswith("-") else PlaceKind.PRIVATE
    with store, store.transaction():
        known = store.subscriptions.of_target(target)
        if known is not None and known.is_active:
            raise StoreError(f"that chat is subscribed already, as {known.id}")
        one = known or new_subscription(target, kind, shorten(clean(title), _TITLE_CHARS, len), language, who, 0, now)
        store.subscriptions.save(replace(approved(one, who, now), rules=tuple(rules or (EVERY,)), is_told=False))
        store.outbox.reopen_recipient(one.id)
    typer.echo(f"{one.id} is subscribed")


def _get(store: Store, subscriber: str) -> Subscription:
    one = store.subscriptions.get(subscriber)
    if one is None:
        raise StoreError(f"there is no subscriber {subscriber}")
    return one


def _to_json(one: Subscription) -> dict[str, Any]:
    quiet, digest = one.quiet_hours, one.digest
    return {
        "id": one.id,
        "status": one.status.value,
        "kind": one.kind.value,
        "title": one.title,
        "target": one.target,
        "language": one.language,
        "rules": list(one.rules),
        "families": list(one.families),
        "states": list(one.states),
        "min_severity": one.min_severity.label,
        "quiet_hours": f"{quiet.start:%H:%M}-{quiet.end:%H:%M} {quiet.zone}" if quiet else None,
        "digest": digest and (f"daily {digest.at:%H:%M}" if digest.at else "hourly") + f" {digest.zone}",
        "discreet": one.is_discreet,
        "made_by": one.who,
        "made": one.made_at.isoformat(),
        "changed": one.changed_at.isoformat(),
        "approved_by": one.approved_by,
        "ended_because": one.ended_because,
    }


def _invitation_to_json(one: Invitation) -> dict[str, Any]:
    return {
        "id": one.id,
        "uses_left": one.uses_left,
        "expires": one.expires_at.isoformat(),
        "made_by": one.made_by,
        "rules": list(one.rules),
    }
