"""Events for other systems: as JSON, each with its reports, alerts and signals, and as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from watcher.model import Alert, Event, Match, Signal, Toll
from watcher.publish.xml import add, document, to_the_second
from watcher.render import clean, render_json, render_text, safe_url

FORMAT = 1  # of the JSON; a new one where a key changes its meaning or goes
_ATOM = "http://www.w3.org/2005/Atom"
_TAG_DATE = "2026"  # a tag: URI names a day on which the authority held its name; it must never change


@dataclass(frozen=True, slots=True)
class Dossier:
    """An event with what was said about it and what it rests on."""

    event: Event
    alerts: tuple[Alert, ...]  # in order
    signals: tuple[Signal, ...] = ()

    @property
    def updated_at(self) -> datetime:
        """When anything about it changed last, as far as people can see."""
        return max((self.event.last_seen_at, *(alert.created_at for alert in self.alerts)))


def event_json(dossier: Dossier, names: Mapping[str, str]) -> dict[str, Any]:
    """The event for other programs; times are ISO 8601 in UTC, states ISO 3166-1 codes with their English names."""
    event = dossier.event
    return {
        "format": FORMAT,
        "id": event.id,
        "rule": event.rule_id,
        "rules": list(event.rule_ids),
        "family": event.family,
        "title": event.title,
        "headline": dossier.alerts[-1].headline if dossier.alerts else event.title,
        "severity": event.severity.label,
        "states": [{"code": code, "name": names.get(code, code)} for code in event.states],
        "killed": _toll(event.killed),
        "injured": _toll(event.injured),
        "is_confirmed": event.is_confirmed,
        "is_announced": event.is_announced,
        "is_test": event.is_test,
        "publishers": list(event.publishers),
        "opened": _time(event.opened_at),
        "last_seen": _time(event.last_seen_at),
        "updated": _time(dossier.updated_at),
        "merged_into": event.merged_into,
        "reports": [
            {
                "article": report.article_id,
                "source": report.source_id,
                "publisher": report.publisher,
                "affiliation": report.affiliation,
                "title": report.title,
                "url": report.url,
                "published": report.published_at and _time(report.published_at),
                "first_seen": _time(report.first_seen_at),
                "copy_of": report.copy_of,
                "killed": _toll(report.killed),
            }
            for report in event.reports
        ],
        "alerts": [render_json(alert, names) for alert in dossier.alerts],
        "signals": [_signal(signal) for signal in dossier.signals],
    }


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "rule": signal.rule_id,
        "rule_version": signal.rule_version,
        "family": signal.family,
        "severity": signal.severity.label,
        "article": signal.article_id,
        "states": list(signal.states),
        "killed": _toll(signal.killed),
        "injured": _toll(signal.injured),
        "step": signal.step,
        "matches": [match_json(match) for match in signal.matches],
    }


def match_json(match: Match) -> dict[str, Any]:
    """The words that a clue found; offsets are code points of the field."""
    return {
        "clue": match.clue,
        "text": match.text,
        "field": match.span.field.value,
        "start": match.span.start,
        "end": match.span.end,
        "stance": match.stance and match.stance.value,
        "cue": match.cue and match.cue.text,
        "state": match.state,
        "killed_or_injured": _toll(match.toll),
    }


def render_atom(dossiers: Sequence[Dossier], names: Mapping[str, str], *, sender: str) -> str:
    """The feed, an entry for each event, the latest change first; ``sender`` is a mail address or domain."""
    ordered = sorted(dossiers, key=lambda one: (one.updated_at, one.event.id), reverse=True)
    authority = f"tag:{_authority(sender)},{_TAG_DATE}"
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    add(root, "id", f"{authority}:events")
    add(root, "title", "Events that watcher told of")
    add(root, "updated", _time(ordered[0].updated_at if ordered else datetime(2026, 1, 1, tzinfo=UTC)))
    add(add(root, "author", ""), "name", "watcher")
    add(root, "generator", "watcher")
    for dossier in ordered:
        event, alerts = dossier.event, dossier.alerts
        entry = SubElement(root, "entry")
        add(entry, "id", f"{authority}:event/{event.id}")
        add(entry, "title", clean(alerts[-1].headline if alerts else event.title))
        add(entry, "published", _time(event.opened_at))
        add(entry, "updated", _time(dossier.updated_at))
        add(entry, "category", "", term=event.family, label=event.family)
        for code in event.states:
            add(entry, "category", "", term=code, scheme="urn:iso:std:iso:3166", label=names.get(code, code))
        url = next((url for report in reversed(event.reports) if (url := safe_url(report.url))), None)
        if url is not None:
            add(entry, "link", "", rel="alternate", href=url)
        add(entry, "content", render_text(alerts[-1], names) if alerts else clean(event.title), type="text")
    return document(root)


def _authority(sender: str) -> str:
    """The sender as a tag: URI can hold it (RFC 4151)."""
    kept = "".join(one for one in sender if one.isascii() and (one.isalnum() or one in "-._@"))
    return kept or "localhost"


def _toll(toll: Toll | None) -> dict[str, Any] | None:
    return None if toll is None else {"at_least": toll.at_least, "at_most": toll.at_most, "vague": toll.vague}


def _time(at: datetime) -> str:
    """RFC 3339, to the second."""
    return f"{to_the_second(at):%Y-%m-%dT%H:%M:%SZ}"
