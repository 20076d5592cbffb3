"""Commands about what was not delivered yet: what waits and why, and what people decide about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from watcher.cli.common import ConfigOption, Format, FormatOption, print_json, print_table
from watcher.cli.looking import ago, login_name, open_store
from watcher.errors import StoreError
from watcher.model import Delivery, DeliveryState
from watcher.render import clean, shorten
from watcher.store import Store
from watcher.store.outbox import OutboxEntry

outbox_app = typer.Typer(help="What was not delivered yet, and why.", invoke_without_command=True)

_UNDELIVERED = (
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.UNCERTAIN,
    DeliveryState.FAILED,
    DeliveryState.MUTED,
    DeliveryState.FOLDED,
)
_WILL_BE_TRIED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN)
_REASON_CHARS = 300  # stands beside the delivery for good
_ALL = 10_000  # failed ones of one recipient; nobody has more

DeliveriesArgument = Annotated[
    list[str], typer.Argument(metavar="DELIVERY...", help="Ids, as `watcher outbox` shows them.", show_default=False)
]


@outbox_app.callback(invoke_without_command=True)
def outbox(
    context: typer.Context,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    output: FormatOption = Format.TEXT,
) -> None:
    """What is pending, held, being sent, uncertain, silenced, told together or failed, and why. Exit 1 when something
    failed."""
    if context.invoked_subcommand:
        return
    _, store = open_store(config)
    now = datetime.now(UTC)
    with store:
        entries = store.outbox.entries(states=_UNDELIVERED, limit=limit)
    if output is Format.JSON:
        print_json([_to_json(entry) for entry in entries])
    else:
        print_table(
            "",
            ("delivery", "alert", "recipient", "state", "attempts", "next try", "reason", "headline"),
            [_row(entry, now) for entry in entries],
        )
    if any(entry.delivery.state is DeliveryState.FAILED for entry in entries):
        raise typer.Exit(1)


def _row(entry: OutboxEntry, now: datetime) -> tuple[object, ...]:
    one = entry.delivery
    return (
        one.id,
        one.alert_id,
        one.recipient_id,
        "held" if one.held_for and one.state is DeliveryState.PENDING else one.state.value,
        one.attempts,
        ago(one.not_before_at, now) if one.state in _WILL_BE_TRIED else "",
        _reason(one),
        entry.headline,
    )


def _reason(one: Delivery) -> str | None:
    if one.state is DeliveryState.FOLDED and one.folded_into:
        return f"told by delivery {one.folded_into}"
    if one.last_error is None and one.held_for:
        return f"held for {one.held_for.value}"
    return one.last_error


def _to_json(entry: OutboxEntry) -> dict[str, Any]:
    one = entry.delivery
    return {
        "id": one.id,
        "alert": one.alert_id,
        "recipient": one.recipient_id,
        "channel": one.channel.value,
        "state": one.state.value,
        "attempts": one.attempts,
        "not_before": one.not_before_at.isoformat(),
        "reason": _reason(one),
        "headline": entry.headline,
        "may_have_arrived_at": one.uncertain_at and one.uncertain_at.isoformat(),
        "held_for": one.held_for and one.held_for.value,
    }


@outbox_app.command("retry")
def retry_deliveries(
    deliveries: Annotated[
        list[str] | None, typer.Argument(metavar="[DELIVERY...]", help="Ids, as `watcher outbox` shows them.")
    ] = None,
    recipient: Annotated[str | None, typer.Option(help="Every failed one of this recipient.")] = None,
    config: ConfigOption = None,
) -> None:
    """Send what failed, was dropped or is uncertain now; a recipient who was closed is open again."""
    if bool(deliveries) == (recipient is not None):
        raise typer.BadParameter("name deliveries, or a recipient with --recipient")
    _, store = open_store(config)
    with store, store.transaction():
        found = [_get(store, one) for one in deliveries or ()]
        if recipient is not None:
            failed = store.outbox.entries(states=(DeliveryState.FAILED,), recipient_id=recipient, limit=_ALL)
            found = [entry.delivery for entry in reversed(failed)]
            if not found and not any(one.recipient_id == recipient for one in store.outbox.closed_recipients()):
                raise StoreError(f"nothing failed for recipient {recipient}")
            _reopen(store, recipient)
        for delivery in found:
            _reopen(store, delivery.recipient_id)
            if not store.outbox.requeue(delivery.id, datetime.now(UTC)):
                raise StoreError(
                    f"delivery {delivery.id} is {delivery.state.value}; "
                    "only what failed, was dropped or is uncertain can be tried again"
                )
    for delivery in found:
        typer.echo(f"{delivery.id} is due again")
    if not found:
        typer.echo(f"recipient {recipient} is open again; nothing had failed")


@outbox_app.command("settle")
def settle_deliveries(
    deliveries: DeliveriesArgument,
    by: Annotated[str | None, typer.Option(help="Who saw it.", show_default="your login name")] = None,
    config: ConfigOption = None,
) -> None:
    """Say that what is uncertain did arrive, so that it is not sent again."""
    who = shorten(clean(login_name() if by is None else by), _REASON_CHARS, len)
    _, store = open_store(config)
    with store, store.transaction():
        for delivery in [_get(store, one) for one in deliveries]:
            if not store.outbox.confirm(delivery.id, reason=f"{who} says that it arrived", now=datetime.now(UTC)):
                raise StoreError(
                    f"delivery {delivery.id} is {delivery.state.value}; only what may have arrived can be settled"
                )
    for one in deliveries:
        typer.echo(f"{one} has arrived")


@outbox_app.command("drop")
def drop_deliveries(
    deliveries: DeliveriesArgument,
    reason: Annotated[str, typer.Option(help="Why nobody needs it any more; it is kept.")],
    config: ConfigOption = None,
) -> None:
    """Take deliveries out of the outbox; they stay in the store with the reason."""
    reason = shorten(clean(reason), _REASON_CHARS, len)
    if not reason:
        raise typer.BadParameter("say why, with --reason")
    _, store = open_store(config)
    with store, store.transaction():
        for one in deliveries:
            if not store.outbox.drop(one, reason=reason, now=datetime.now(UTC)):
                raise StoreError(f"there is no pending, uncertain or failed delivery {one}")
    for one in deliveries:
        typer.echo(f"{one} is dropped: {reason}")


def _reopen(store: Store, recipient_id: str) -> None:
    store.outbox.reopen_recipient(recipient_id)
    store.journal.clear_notice(f"recipient:{recipient_id}")  # when it is closed again, that is news


def _get(store: Store, delivery_id: str) -> Delivery:
    delivery = store.outbox.get(delivery_id)
    if delivery is None:
        raise StoreError(f"there is no delivery {delivery_id}")
    return delivery
