"""Commands about what alerts rest on: verify, export, and the forms of `alerts show` for other readers."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import PydanticCustomError

from watcher.cli.common import ConfigOption, Format, FormatOption, print_json, settings_of
from watcher.errors import RuleError, StoreError, WatcherError
from watcher.evidence import Evidence
from watcher.model import Alert, AlertKind
from watcher.publish.cap import has_cap_form, render_cap
from watcher.publish.events import match_json
from watcher.publish.files import export
from watcher.publish.page import render_alert_page
from watcher.rules.load import load_rules
from watcher.rules.values import parse_duration
from watcher.settings import Settings
from watcher.store import Store
from watcher.understand.states import Gazetteer
from watcher.verify import Outcome, Verification, Verifier
from watcher.versions import current_versions

_EVERY_ALERT = 10_000_000  # more than a store holds


class AlertFormat(StrEnum):
    """What an alert can be shown as."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    CAP = "cap"


def register(app: typer.Typer) -> None:
    """Nothing; adds the commands."""
    app.command()(verify)
    app.command("export")(export_events)


def _store_of(settings: Settings) -> Store:
    return Store.open(settings.store.path, exclusive=False)


def verify(
    alert_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The id that stands in the message.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every alert that is stored.")] = False,
    since: Annotated[str | None, typer.Option(help="With --all: not older than this, like 30d.")] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Work an alert out again from what was kept with it, and compare byte for byte. Exit 1 where it differs."""
    if (alert_id is None) is not every:
        raise WatcherError("name one alert by its id, or all of them with --all")
    settings = settings_of(config)
    with _store_of(settings) as store:
        try:
            in_force = load_rules(settings.rules.paths)
        except RuleError:
            in_force = None  # whether they have changed is not known; that they are wrong, `watcher check` tells
        verifier = Verifier(store, Gazetteer.load(), current_versions(), in_force)
        alerts = _all_alerts(store, since) if alert_id is None else [_alert(store, alert_id)]
        found = [verifier.verify(alert) for alert in alerts]
    if output is Format.JSON:
        print_json([_to_json(one) for one in found] if every else _to_json(found[0]))
    else:
        _print(found, is_one=not every)
    # Among all of them, those of an earlier version are no surprise; who asks for one wants to see it come out.
    if any(not one.is_fine and not (every and one.outcome is Outcome.NO_EVIDENCE) for one in found):
        raise typer.Exit(1)


def _alert(store: Store, alert_id: str) -> Alert:
    alert = store.events.get_alert(alert_id)
    if alert is None:
        raise StoreError(f"there is no alert {alert_id}")
    return alert


def _all_alerts(store: Store, since: str | None) -> list[Alert]:
    at = None if since is None else datetime.now(UTC) - _duration(since)
    kinds = (None, AlertKind.ESCALATION)
    return [one for kind in kinds for one in reversed(store.events.alerts(limit=_EVERY_ALERT, since=at, kind=kind))]


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except (PydanticCustomError, OverflowError) as error:
        raise typer.BadParameter(f"expected a duration like 30d, found {text}", param_hint="--since") from error


_IN_WORDS = {
    Outcome.REPRODUCED: "reproduced byte for byte",
    Outcome.CHANGED: "does not come out as it was stored",
    Outcome.DAMAGED: "the evidence is damaged",
    Outcome.NO_EVIDENCE: "no evidence was kept: it was decided by an earlier version, or the evidence was removed",
    Outcome.NOTHING_TO_VERIFY: "is about watcher itself and rests on no article",
}


def _print(found: list[Verification], *, is_one: bool) -> None:
    for one in found:
        if not is_one and one.outcome in (Outcome.REPRODUCED, Outcome.NOTHING_TO_VERIFY):
            continue
        typer.echo(f"{one.alert_id}: {_IN_WORDS[one.outcome]}")
        for line in one.differences:
            typer.echo(f"  {line}")
        for line in one.reasons:
            typer.echo(f"  {line}")
        for line in one.since if is_one else ():
            typer.echo(f"  since then: {line}")
    if not is_one:
        counts = Counter(one.outcome for one in found)
        told = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
        typer.echo(f"{len(found)} alerts: {told or 'none'}")


def _to_json(one: Verification) -> dict[str, Any]:
    return {
        "alert": one.alert_id,
        "outcome": one.outcome.value,
        "differences": list(one.differences),
        "reasons": list(one.reasons),
        "since": list(one.since),
    }


def export_events(
    since: Annotated[str | None, typer.Option(help="Events with a report not older than this, like 30d.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="standard output", dir_okay=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """JSON Lines of events with their reports, alerts and signals, for archives and for counting."""
    at = None if since is None else datetime.now(UTC) - _duration(since)
    names = Gazetteer.load().names()
    with _store_of(settings_of(config)) as store:
        if out is None:
            sys.stdout.writelines(export(store, at, names))
            return
        count = 0
        with out.open("w", encoding="utf-8", errors="replace") as file:
            for line in export(store, at, names):
                file.write(line)
                count += 1
    typer.echo(f"{out}: {count} event{'' if count == 1 else 's'}", err=True)


def render_for_others(settings: Settings, store: Store, alert: Alert, form: AlertFormat) -> str:
    """The alert as a page or a CAP message; raises StoreError where it has no such form."""
    names = Gazetteer.load().names()
    evidence = store.evidence.get(alert.id)
    if form is AlertFormat.HTML:
        return render_alert_page(alert, evidence, names)
    if not has_cap_form(alert):
        raise StoreError(f"{alert.id} is about watcher itself; CAP messages are about events")
    event = store.events.get(alert.event_id or "")
    told = store.events.alerts_of_event(alert.event_id or "")
    earlier = told[: next((index for index, one in enumerate(told) if one.id == alert.id), 0)]
    return render_cap(
        alert,
        [one for one in earlier if one.kind is not AlertKind.ESCALATION],
        _stances(evidence),
        names,
        sender=settings.publish.sender,
        valid_for=event.group_for if event else timedelta(days=1),
    )


def _stances(evidence: Evidence | None) -> frozenset[Any]:
    """The stances of the words that made the rules hold; none where they are not known."""
    if evidence is None:
        return frozenset()
    return frozenset(
        match.stance for signal in evidence.grounds.signals for match in signal.matches if match.stance is not None
    )


def evidence_json(evidence: Evidence | None) -> dict[str, Any] | None:
    """What an alert was decided from, for programs: texts, hashes, spans, rules, versions."""
    if evidence is None:
        return None
    grounds = evidence.grounds
    return {
        "decided": evidence.decided_at.isoformat(),
        "articles": [
            {
                "id": article.id,
                "raw_sha256": raw_hash,
                "source": article.source_id,
                "publisher": article.publisher,
                "affiliation": article.affiliation,
                "tags": list(article.tags),
                "url": article.url,
                "language": article.language,
                "published": article.published_at and article.published_at.isoformat(),
                "first_seen": article.first_seen_at.isoformat(),
                "title": article.title,
                "text": article.text,
            }
            for article, raw_hash in evidence.articles
        ],
        "signals": [
            {
                "rule": signal.rule_id,
                "rule_version": signal.rule_version,
                "article": signal.article_id,
                "states": list(signal.states),
                "matches": [match_json(match) for match in signal.matches],
            }
            for signal in (*grounds.signals, *(one for quoted in evidence.quoted for one in quoted.signals))
        ],
        "same_text_as": list(grounds.same_text),
        "events_before": [
            {
                "id": event.id,
                "reports": [report.article_id for report in event.reports],
                "killed_told": event.notified_killed,
            }
            for event in evidence.known.events
        ],
        "rules": [{"kind": one.kind, "name": one.name, "sha256": one.hash, "text": one.text} for one in evidence.rules],
        "versions": {
            "program": evidence.versions.program,
            "code": evidence.versions.code,
            "gazetteer": evidence.versions.gazetteer,
            "data": evidence.versions.data,
        },
    }
