"""Commands that look at the store, beside a running daemon or without one: sources, alerts."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from watcher.cli import evidence
from watcher.cli.common import ConfigOption, Format, FormatOption, print_json, print_table, settings_of
from watcher.cli.evidence import AlertFormat, evidence_json, render_for_others
from watcher.errors import StoreError, WatcherError
from watcher.health import Level, level, state_of
from watcher.model import Acknowledgement, Alert, Delivery, DeliveryState, Source, SourceState
from watcher.render import minute, render_json, render_text
from watcher.sequence import show_span
from watcher.settings import Settings
from watcher.store import Store
from watcher.timing import Pace, plan_poll
from watcher.understand.states import Gazetteer

RATE_OVER = timedelta(days=7)  # a week has every day of the week in it
_WILL_BE_TRIED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN)

alerts_app = typer.Typer(help="The alerts that were decided.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Nothing; adds the commands."""
    app.add_typer(alerts_app, name="alerts")
    evidence.register(app)


def open_store(config: ConfigOption) -> tuple[Settings, Store]:
    """The settings and the store that they name, to be looked at beside a daemon."""
    settings = settings_of(config)
    return settings, Store.open(settings.store.path, exclusive=False)


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that says enough."""
    if at is None:
        return "never"
    seconds = int((now - at).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds // size} {unit} ago" if seconds > 0 else f"in {-seconds // size} {unit}"
    return f"{seconds} s ago" if seconds >= 0 else f"in {-seconds} s"


def sources(config: ConfigOption = None, output: FormatOption = Format.TEXT) -> None:
    """Every source: how it does, what it brings, when it is polled next and why then. Exit 1 when one is in trouble."""
    settings, store = open_store(config)
    now = datetime.now(UTC)
    with store:
        states = {state.source_id: state for state in store.articles.source_states()}
        counts = store.articles.new_by_source(now - RATE_OVER)
    known = [
        (source, state if state and state.url == source.url else SourceState(source.id, source.url))
        for source in settings.to_sources()
        for state in [states.get(source.id)]
    ]
    if output is Format.JSON:
        print_json([_source_to_json(source, state, counts.get(source.id, 0), now) for source, state in known])
    else:
        print_table(
            "",
            (
                "source",
                "state",
                "since",
                "last new item",
                "a day",
                "failures",
                "polled",
                "next poll",
                "every",
                "detail",
            ),
            [_source_row(source, state, counts.get(source.id, 0), now) for source, state in known],
        )
    if any(_is_faulty(source, state, now) for source, state in known):
        raise typer.Exit(1)


def _is_faulty(source: Source, state: SourceState, now: datetime) -> bool:
    return state.polled_at is not None and level(state_of(source, state, now)) is not Level.GOOD


def _rate(state: SourceState, count: int, now: datetime) -> float | None:
    """New items a day; None: it was never read."""
    if state.baseline_at is None:
        return None
    days = min(RATE_OVER, max(now - state.baseline_at, timedelta(days=1))) / timedelta(days=1)
    return round(count / days, 1)


def _source_row(source: Source, state: SourceState, count: int, now: datetime) -> tuple[object, ...]:
    rate = _rate(state, count, now)
    if state.polled_at is None:
        return (source.id, "never polled", "", "never", "", 0, "never", "", show_span(source.every), "")
    plan = plan_poll(source, state, 0)
    every = show_span(plan.interval) + ("" if plan.pace is Pace.NORMAL else f" ({plan.pace.value})")
    notes = [state.detail]
    if state.lost_at is not None:
        notes.append(f"items may have gone by unseen before {minute(state.lost_at)}")
    if state.undated_items:
        notes.append(f"{state.undated_items} read without a date")
    if state.too_old_items:
        notes.append(f"{state.too_old_items} too old for a rule that holds")
    if state.baseline_items:
        notes.append(f"{state.baseline_items} were there before the first poll")
    return (
        source.id,
        state_of(source, state, now).value,
        ago(state.health.since_at, now),
        ago(state.new_item_at, now),
        "" if rate is None else f"{rate:g}",
        state.failures,
        ago(state.polled_at, now),
        ago(state.next_poll_at, now) if state.next_poll_at else "",
        every,
        "; ".join(note for note in notes if note),
    )


def _source_to_json(source: Source, state: SourceState, count: int, now: datetime) -> dict[str, Any]:
    plan = plan_poll(source, state, 0) if state.polled_at else None
    times = {
        "since": state.health.since_at,
        "polled": state.polled_at,
        "last_good_poll": state.ok_at,
        "last_new_item": state.new_item_at,
        "next_poll": state.next_poll_at,
        "items_may_be_lost": state.lost_at,
    }
    return {
        "id": source.id,
        "url": source.url,
        "state": state_of(source, state, now).value if state.polled_at else "never polled",
        "is_faulty": _is_faulty(source, state, now),
        "told": state.health.told.value,
        "detail": state.detail,
        "failures": state.failures,
        "items_a_day": _rate(state, count, now),
        "baseline_items": state.baseline_items,
        "undated_items": state.undated_items,
        "too_old_items": state.too_old_items,
        "interval_seconds": plan and plan.interval.total_seconds(),
        "interval_because": plan and plan.pace.value,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


@alerts_app.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 20,
    output: FormatOption = Format.TEXT,
) -> None:
    """The latest alerts, newest first; `watcher alerts show ID` prints one whole."""
    if context.invoked_subcommand:
        return
    _, store = open_store(config)
    now = datetime.now(UTC)
    with store:
        found = store.events.alerts(limit=limit)
        outcomes = {alert.id: _deliveries(store, alert.id) for alert in found}
        heeded = {alert.id: _heeded(store, alert) for alert in found}
    if output is Format.JSON:
        names = Gazetteer.load().names()
        print_json([render_json(alert, names) | _heeded_to_json(*heeded[alert.id]) for alert in found])
        return
    print_table(
        "",
        ("alert", "time (UTC)", "severity", "what", "headline", "delivered", "acknowledged"),
        [
            (
                alert.id,
                f"{alert.created_at:%Y-%m-%d %H:%M}",
                alert.severity.label,
                ", ".join(change.value for change in alert.changes) or alert.kind.value,
                alert.headline,
                f"{sum(one.state is DeliveryState.DELIVERED for one in outcomes[alert.id])}/{len(outcomes[alert.id])}",
                _heeded_in_short(*heeded[alert.id], now),
            )
            for alert in found
        ],
    )


def _deliveries(store: Store, alert_id: str) -> list[Delivery]:
    return [entry.delivery for entry in store.outbox.entries(alert_id=alert_id, limit=1000)]


def _heeded(store: Store, alert: Alert) -> tuple[Acknowledgement | None, tuple[Delivery, ...]]:
    """Who acknowledged the alert, and what tells or told others that nobody has."""
    if alert.event_id is None:
        return None, ()
    by_alert = store.events.acknowledgement_of(alert.id)
    return by_alert, tuple(
        one for one in store.outbox.escalations(alert.event_id) if one.created_at >= alert.created_at
    )


def _heeded_in_short(by: Acknowledgement | None, escalations: Sequence[Delivery], now: datetime) -> str:
    if by is not None:
        return f"{by.by}, {by.at:%Y-%m-%d %H:%M}"
    told = [one.settled_at for one in escalations if one.state is DeliveryState.DELIVERED and one.settled_at]
    if told:
        return f"no, escalated {ago(min(told), now)}"
    due = [one.not_before_at for one in escalations if one.state in _WILL_BE_TRIED]
    return f"no, escalation due {ago(min(due), now)}" if due else ""


def _heeded_to_json(by: Acknowledgement | None, escalations: Sequence[Delivery]) -> dict[str, Any]:
    return {
        "acknowledged": by and _acknowledgement_to_json(by),
        "escalations": [
            {
                "alert": one.alert_id,
                "recipient": one.recipient_id,
                "channel": one.channel.value,
                "state": one.state.value,
                "not_before": one.not_before_at.isoformat(),
                "reason": one.last_error,
            }
            for one in escalations
        ],
    }


def _acknowledgement_to_json(one: Acknowledgement) -> dict[str, Any]:
    return {"event": one.event_id, "by": one.by, "at": one.at.isoformat(), "note": one.note}


@alerts_app.command("show")
def show_alert(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="The id that stands in the message.")],
    config: ConfigOption = None,
    output: Annotated[
        AlertFormat, typer.Option("--format", help="text for people, json for programs, html to keep, cap for systems.")
    ] = AlertFormat.TEXT,
) -> None:
    """One alert as people got it, who got it, and with json or html what it was decided from."""
    settings, store = open_store(config)
    with store:
        alert = store.events.get_alert(alert_id)
        if alert is None:
            raise StoreError(f"there is no alert {alert_id}")
        if output in (AlertFormat.HTML, AlertFormat.CAP):
            typer.echo(render_for_others(settings, store, alert, output))
            return
        deliveries = _deliveries(store, alert_id)
        by, escalations = _heeded(store, alert)
        kept = store.evidence.get(alert_id)
    names = Gazetteer.load().names()
    if output is AlertFormat.JSON:
        print_json(render_json(alert, names) | _heeded_to_json(by, escalations) | {"evidence": evidence_json(kept)})
        return
    typer.echo(render_text(alert, names))
    for delivery in deliveries:
        typer.echo(_delivery_line(delivery))
    for delivery in escalations:
        if delivery.alert_id != alert_id:
            typer.echo(f"escalation {delivery.alert_id}, {minute(delivery.not_before_at)}: {_delivery_line(delivery)}")
    if by is not None:
        typer.echo(_acknowledged_by(by))
    elif escalations:
        typer.echo(f"not acknowledged; `watcher alerts ack {alert_id}` does so")


def _delivery_line(delivery: Delivery) -> str:
    reason = f": {delivery.last_error}" if delivery.last_error else ""
    reason += f", told by delivery {delivery.folded_into}" if delivery.folded_into else ""
    return f"{delivery.recipient_id} ({delivery.channel.value}): {delivery.state.value}{reason}"


def _acknowledged_by(one: Acknowledgement) -> str:
    return f"acknowledged by {one.by}, {minute(one.at)}" + (f": {one.note}" if one.note else "")


@alerts_app.command("ack")
def acknowledge_alert(
    named: Annotated[str, typer.Argument(metavar="ID", help="Of the alert, as it stands in the message, or an event.")],
    by: Annotated[str | None, typer.Option(help="Who looks after it.", show_default="your login name")] = None,
    note: Annotated[str, typer.Option(help="What the others should know.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Say that somebody looks after an event, so that it is not escalated. A second time changes nothing."""
    _, store = open_store(config)
    with store:
        done = store.acknowledge(named, by=login_name() if by is None else by, note=note, now=datetime.now(UTC))
    one = done.acknowledgement
    if output is Format.JSON:
        print_json(_acknowledgement_to_json(one) | {"new": done.is_new, "escalations_withdrawn": done.withdrawn})
        return
    withdrawn = f"; {done.withdrawn} escalation{'s' if done.withdrawn > 1 else ''} withdrawn" if done.withdrawn else ""
    already = "" if done.is_new else " already"
    typer.echo(f"event {one.event_id} is{already} {_acknowledged_by(one)}{withdrawn}")


def login_name() -> str:
    """Who types; raises WatcherError where the login has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        raise WatcherError("your login has no name: say who it is with --by") from None
