"""An alert as a message of the Common Alerting Protocol, OASIS CAP 1.2.

What a message claims follows from facts that the alert holds: how sure, from who says so independently and whether the
text says that it happened; how urgent, from the same and the severity of the rule. `docs/evidence.md` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from watcher.model import Alert, AlertKind, EventChange, Severity, Stance
from watcher.publish.xml import add, document, to_the_second
from watcher.render import clean, render_text, safe_url, shorten

_NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_HEADLINE_CHARS = 160  # what the standard recommends for a headline
_NOT_IN_NAMES = str.maketrans(dict.fromkeys(" \t\n,<&", "-"))  # the standard forbids them in identifier and sender
CONFIRMED_BY = 2  # independent newsrooms

_SEVERITIES = {Severity.WATCH: "Moderate", Severity.WARNING: "Severe", Severity.CRITICAL: "Extreme"}


class Certainty(StrEnum):
    """How sure it is that it has happened, or will."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"


class Urgency(StrEnum):
    """How soon somebody has to act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"


def has_cap_form(alert: Alert) -> bool:
    """Whether the alert is about something in the world; what is said about watcher itself is nobody's emergency."""
    return alert.event_id is not None


def render_cap(
    alert: Alert,
    earlier: Sequence[Alert],
    stances: frozenset[Stance],
    names: Mapping[str, str],
    *,
    sender: str,
    valid_for: timedelta,
) -> str:
    """The message as an XML document.

    ``earlier`` are the alerts about the same event before this one, ``stances`` those of the words that made the rules
    hold (none: not known), ``sender`` names who publishes, ``valid_for`` how long the event takes reports.
    """
    sender = sender.translate(_NOT_IN_NAMES)
    root = Element("alert", {"xmlns": _NAMESPACE})
    add(root, "identifier", alert.id)
    add(root, "sender", sender)
    add(root, "sent", _time(alert.created_at))
    add(root, "status", _status(alert))
    add(root, "msgType", message_type(alert, earlier))
    add(root, "source", f"rule {alert.rule_id}" if alert.rule_id else "watcher")
    add(root, "scope", "Restricted")
    add(root, "restriction", "For those who subscribed to it")
    if alert.kind is AlertKind.EXERCISE:
        add(root, "note", "This is an exercise.")
    if earlier:
        add(root, "references", " ".join(f"{sender},{one.id},{_time(one.created_at)}" for one in earlier))
    add(root, "incidents", alert.event_id or "")
    _add_info(root, alert, earlier, stances, names, valid_for)
    return document(root)


def message_type(alert: Alert, earlier: Sequence[Alert]) -> str:
    """``Alert`` for the first about an event, ``Update`` for a later one, ``Cancel`` where nothing is left of it."""
    if not earlier:
        return "Alert"
    is_taken_back = alert.changes == (EventChange.CORRECTED,) and not alert.excerpts and len(alert.reports) == 1
    return "Cancel" if is_taken_back else "Update"


def certainty(alert: Alert, stances: frozenset[Stance]) -> Certainty:
    """``Observed`` where independent newsrooms confirm that it happened, ``Likely`` where one says so."""
    if EventChange.DENIED in alert.changes or not _has_happened(stances) or not alert.publishers:
        return Certainty.POSSIBLE
    return Certainty.OBSERVED if len(alert.publishers) >= CONFIRMED_BY else Certainty.LIKELY


def urgency(alert: Alert, stances: frozenset[Stance]) -> Urgency:
    """``Immediate`` for what is critical and has happened; what is planned or possible is in the ``Future``."""
    if not _has_happened(stances):
        return Urgency.PAST if stances == {Stance.PAST} else Urgency.FUTURE
    if alert.severity is Severity.CRITICAL:
        return Urgency.IMMEDIATE
    return Urgency.EXPECTED if alert.severity is Severity.WARNING else Urgency.FUTURE


def _has_happened(stances: frozenset[Stance]) -> bool:
    """Rules accept nothing else unless they say so."""
    return not stances or Stance.HAPPENED in stances


def _status(alert: Alert) -> str:
    if alert.kind is AlertKind.EXERCISE:
        return "Exercise"
    return "Test" if alert.is_test_rule else "Actual"


def _add_info(
    root: Element,
    alert: Alert,
    earlier: Sequence[Alert],
    stances: frozenset[Stance],
    names: Mapping[str, str],
    valid_for: timedelta,
) -> None:
    info = SubElement(root, "info")
    add(info, "language", "en")
    add(info, "category", "Security")
    add(info, "event", clean(alert.rule_title or alert.family or "Signal of escalation"))
    is_over = message_type(alert, earlier) == "Cancel"
    add(info, "responseType", "AllClear" if is_over else "Monitor")
    add(info, "urgency", Urgency.PAST if is_over else urgency(alert, stances))
    add(info, "severity", _SEVERITIES[alert.severity])
    add(info, "certainty", certainty(alert, stances))
    if alert.family:
        _add_pair(info, "eventCode", "watcher:family", alert.family)
    add(info, "effective", _time(alert.created_at))
    add(info, "expires", _time(alert.created_at + valid_for))
    add(info, "senderName", "watcher")
    add(info, "headline", shorten(clean(alert.headline), _HEADLINE_CHARS, len))
    add(info, "description", render_text(alert, names))
    address = next((url for report in alert.reports if (url := safe_url(report.url))), None)
    if address:
        # An address as the standard wants it is ASCII; what is escaped already stays.
        add(info, "web", quote(address, safe="%/:=&?~#+!$,;'@()*[]"))
    for name, value in (
        ("rule", alert.rule_id),
        ("changes", " ".join(change.value for change in alert.changes)),
        ("killed at least", str(alert.killed.at_least) if alert.killed else None),
        ("injured at least", str(alert.injured.at_least) if alert.injured else None),
        ("independent newsrooms", "; ".join(map(clean, alert.publishers))),
    ):
        if value:
            _add_pair(info, "parameter", f"watcher:{name}", value)
    for code in alert.states:
        area = SubElement(info, "area")
        add(area, "areaDesc", names.get(code, code))
        _add_pair(area, "geocode", "ISO 3166-1 alpha-2", code)


def _add_pair(parent: Element, name: str, value_name: str, value: str) -> None:
    pair = SubElement(parent, name)
    add(pair, "valueName", value_name)
    add(pair, "value", value)


def _time(at: datetime) -> str:
    """As the standard has it: to the second, and UTC as -00:00."""
    return f"{to_the_second(at):%Y-%m-%dT%H:%M:%S}-00:00"
