"""Commands about events: what there is, who says so, and what operators decide about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer

from watcher.cli.common import ConfigOption, Format, FormatOption, load_all, print_json, print_table, settings_of
from watcher.cli.looking import login_name
from watcher.errors import StoreError
from watcher.model import Acknowledgement, Alert, AlertKind, DeliveryState, Event, EventLink, Report
from watcher.render import minute
from watcher.settings.values import check_state, parse_duration
from watcher.store import Store
from watcher.understand.gazetteer import Gazetteer

T = TypeVar("T")

events_app = typer.Typer(help="What happened, as far as the reports say.", invoke_without_command=True)

ByOption = Annotated[str | None, typer.Option(help="Who decides it.", show_default="your login name")]
ReasonOption = Annotated[str, typer.Option(help="Why; it is kept.")]


def typed(parse: Callable[[str], T], text: str, option: str) -> T:
    """What the text means; raises typer.BadParameter, which names the option."""
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


@events_app.callback(invoke_without_command=True)
def events(
    context: typer.Context,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that still take reports.")] = False,
    since: Annotated[str, typer.Option(help="With a report since then: 12h, 7d.")] = "7d",
    state: Annotated[str | None, typer.Option(help="Only those that name this state, by its code.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Events, the latest reported first; `watcher events show ID` prints one whole."""
    if context.invoked_subcommand:
        return
    now = datetime.now(UTC)
    begin = now - typed(parse_duration, since, "--since")
    code = None if state is None else typed(check_state, state, "--state")
    names = Gazetteer.load().names()
    with _open(config) as store:
        found = [
            _summary(store, event, now)
            for event in store.events.listed(now, since=begin, only_open=only_open, state=code, limit=limit)
        ]
    if output is Format.JSON:
        print_json(found)
        return
    print_table(
        "",
        ("event", "opened (UTC)", "severity", "what", "parties", "killed", "voices", "reports", "told", "state"),
        [
            (
                one["id"],
                f"{one['opened']:%Y-%m-%d %H:%M}",
                one["severity"],
                one["title"],
                ", ".join(names.get(code, code) for code in one["states"]),
                one["killed"],
                ", ".join(one["voices"]),
                one["reports"],
                one["alerts"],
                one["state"],
            )
            for one in found
        ],
    )


def _open(config: ConfigOption) -> Store:
    return Store.open(settings_of(config).store.path, exclusive=False)


def _summary(store: Store, event: Event, now: datetime) -> dict[str, Any]:
    return {
        "id": event.id,
        "opened": event.opened_at,
        "last_report": event.last_seen_at,
        "severity": event.severity.label,
        "title": event.title,
        "rules": list(event.rule_ids),
        "states": list(event.states),
        "killed": None if event.killed is None else str(event.killed),
        "injured": None if event.injured is None else str(event.injured),
        "voices": [voice.name for voice in event.voices],
        "confirmed": event.is_confirmed,
        "denied_by": list(event.denied_by),
        "reports": len(event.reports),
        "alerts": sum(alert.kind is AlertKind.EVENT for alert in store.events.alerts_of_event(event.id)),
        "state": _state(store, event, now),
    }


def _state(store: Store, event: Event, now: datetime) -> str:
    silencers = {
        one.silenced_by.partition(":")[0]
        for one in store.outbox.of_event(event.id)
        if one.state is DeliveryState.MUTED and one.silenced_by
    }
    if "mute" in silencers:
        return "muted"
    if "event" in silencers:
        return "inhibited"
    if now - event.last_seen_at > event.group_for:
        return "closed"
    return "open" if event.is_announced else "held"


@events_app.command("show")
def show_event(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="Of the event.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """One event: every report with why it belongs to it, what was told, who acknowledged, what operators decided."""
    now = datetime.now(UTC)
    with _open(config) as store:
        event = store.events.get(store.events.thread_of(event_id))
        if event is None:
            raise StoreError(f"there is no event {event_id}")
        summary = _summary(store, event, now)
        alerts = store.events.alerts_of_event(event.id)
        acknowledged = {alert.id: store.events.acknowledgement_of(alert.id) for alert in alerts}
        silenced = {
            one.alert_id: one.last_error for one in store.outbox.of_event(event.id) if one.state is DeliveryState.MUTED
        }
        decisions = store.events.decisions(report.article_id for report in event.reports)
    if output is Format.JSON:
        told = [_alert_to_json(one, acknowledged[one.id], silenced.get(one.id)) for one in alerts]
        print_json(
            summary
            | {
                "reports": [_report_to_json(one) for one in event.reports],
                "alerts": told,
                "decisions": [_decision_to_json(number, link) for number, link in decisions],
            }
        )
        return
    if event.id != event_id:
        typer.echo(f"event {event_id} was merged into this one")
    parties = ", ".join(Gazetteer.load().names().get(code, code) for code in event.states)
    typer.echo(f"event {event.id}, {summary['state']}: {summary['severity']}: {event.title}")
    typer.echo(f"{parties or 'no parties named'}; {minute(event.opened_at)} to {minute(event.last_seen_at)}")
    for toll, verb in ((event.killed, "killed"), (event.injured, "injured")):
        if toll is not None:
            typer.echo(f"{toll} {verb}")
    typer.echo("\nreports")
    for report in event.reports:
        typer.echo(_report_line(report))
    typer.echo("\ntold")
    for alert in alerts:
        what = alert.kind.value if alert.kind is AlertKind.ESCALATION else ", ".join(alert.changes)
        line = f"  {alert.id}  {minute(alert.created_at)}  {what}: {alert.headline}"
        typer.echo(line + (f"\n    {reason}" if (reason := silenced.get(alert.id)) else ""))
        if (by := acknowledged[alert.id]) is not None:
            typer.echo(f"    acknowledged by {by.by}, {minute(by.at)}" + (f": {by.note}" if by.note else ""))
    if not alerts:
        typer.echo("  nothing")
    for number, link in decisions:
        typer.echo(f"\ndecision {number}: {_decision_in_words(link)}")


def _report_line(report: Report) -> str:
    notes = [report.reason or "the first"]
    if report.copy_of is not None:
        notes.append(f"a copy of {report.copy_of}")
    if report.origin is not None:
        notes.append(f"credits {report.origin}")
    if report.denied_by:
        notes.append(f"denied by {', '.join(report.denied_by)}")
    when = minute(report.published_at or report.first_seen_at)
    return f"  {report.article_id}  {when}  {report.publisher}: {report.title}\n    {'; '.join(notes)}"


def _report_to_json(report: Report) -> dict[str, Any]:
    return {
        "article": report.article_id,
        "source": report.source_id,
        "publisher": report.publisher,
        "title": report.title,
        "url": report.url,
        "published": report.published_at,
        "first_seen": report.first_seen_at,
        "reason": report.reason,
        "copy_of": report.copy_of,
        "origin": report.origin,
        "voice": report.voice,
        "standing": report.standing.value,
        "killed": None if report.killed is None else str(report.killed),
        "denied_by": list(report.denied_by),
    }


def _alert_to_json(alert: Alert, by: Acknowledgement | None, silenced: str | None) -> dict[str, Any]:
    return {
        "id": alert.id,
        "kind": alert.kind.value,
        "created": alert.created_at,
        "changes": [change.value for change in alert.changes],
        "headline": alert.headline,
        "silenced": silenced,
        "acknowledged": by and {"by": by.by, "at": by.at, "note": by.note},
    }


def _decision_to_json(number: int, link: EventLink) -> dict[str, Any]:
    return {
        "number": number,
        "together": link.is_together,
        "one": list(link.one),
        "other": list(link.other),
        "by": link.by,
        "at": link.at,
        "reason": link.reason,
    }


def _decision_in_words(link: EventLink) -> str:
    sides = f"{', '.join(link.one)} and {', '.join(link.other)}"
    what = "belong together" if link.is_together else "do not belong together"
    return f"{sides} {what}, by {link.by}, {minute(link.at)}: {link.reason}"


@events_app.command("merge")
def merge_events(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event that goes into the other.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The event whose thread goes on.")],
    reason: ReasonOption,
    by: ByOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Make two events one, for ever: their reports stay together. Nobody is told."""
    from watcher.recording import merge

    settings, book = load_all(config)
    with Store.open(settings.store.path, exclusive=False) as store:
        who, now = by or login_name(), datetime.now(UTC)
        _decide(store, lambda: merge(store, into, event_id, by=who, at=now, book=book, reason=reason), output)


@events_app.command("split")
def split_event(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event.")],
    articles: Annotated[list[str], typer.Argument(metavar="ARTICLE...", help="Ids of the reports that go.")],
    reason: ReasonOption,
    by: ByOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Take reports out of an event into one of their own, for ever: they stay apart. Nobody is told."""
    from watcher.recording import split

    settings, book = load_all(config)
    with Store.open(settings.store.path, exclusive=False) as store:
        who, now = by or login_name(), datetime.now(UTC)
        _decide(store, lambda: split(store, event_id, articles, by=who, at=now, book=book, reason=reason), output)


@events_app.command("undo")
def undo_decision(
    decision: Annotated[int, typer.Argument(metavar="DECISION", help="Its number, as `events show` says it.")],
    reason: ReasonOption,
    by: ByOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Decide the opposite of an earlier merge or split; the last decision counts, and all are kept."""
    from watcher.recording import undo

    settings, book = load_all(config)
    with Store.open(settings.store.path, exclusive=False) as store:
        who, now = by or login_name(), datetime.now(UTC)
        _decide(store, lambda: undo(store, decision, by=who, at=now, book=book, reason=reason), output)


def _decide(store: Store, decide: Callable[[], Event | Sequence[Event]], output: Format) -> None:
    """Nothing; the decision is stored and the events that it leaves are printed."""
    try:
        with store.transaction():
            left = decide()
    except KeyError as error:
        raise StoreError(f"there is no event or decision {error.args[0]}") from error
    except ValueError as error:
        raise StoreError(str(error)) from error
    found = [left] if isinstance(left, Event) else list(left)
    now = datetime.now(UTC)
    if output is Format.JSON:
        print_json([_summary(store, event, now) for event in found])
        return
    for event in found:
        count = len(event.reports)
        typer.echo(f"event {event.id}: {event.title}, {count} report{'s' if count > 1 else ''}")
