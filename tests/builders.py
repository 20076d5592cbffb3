"""Valid values with defaults; a test overrides what its case is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from watcher.dedup import EventPolicy
from watcher.independence import weigh
from watcher.model import (
    Alert,
    AlertKind,
    Article,
    Channel,
    Delivery,
    DeliveryState,
    Event,
    EventChange,
    Excerpt,
    Extraction,
    Field,
    Match,
    Recipient,
    Report,
    Severity,
    Signal,
    Span,
    Stance,
    Toll,
)

NOW = datetime(2022, 9, 14, 15, 0, tzinfo=UTC)


def article(**values: Any) -> Article:
    defaults: dict[str, Any] = {
        "id": "article-1",
        "source_id": "courier",
        "url": "https://courier.example/1",
        "title": "Yerevan asks its allies for help",
        "text": "Yerevan invoked Article four of the Collective Security Treaty. Dozens of soldiers were killed.",
        "language": "en",
        "extraction": Extraction.FULL,
        "published_at": NOW - timedelta(minutes=20),
        "first_seen_at": NOW,
        "publisher": "Courier",
        "affiliation": "independent",
    }
    return Article(**(defaults | values))


def match(text: str, inside: str, **values: Any) -> Match:
    start = inside.index(text)
    defaults: dict[str, Any] = {
        "clue": "invocation",
        "text": text,
        "span": Span(Field.TEXT, start, start + len(text)),
        "stance": Stance.HAPPENED,
    }
    return Match(**(defaults | values))


def signal(**values: Any) -> Signal:
    defaults: dict[str, Any] = {
        "rule_id": "csto-article-4-invoked",
        "rule_version": "1",
        "family": "treaty",
        "severity": Severity.CRITICAL,
        "article_id": "article-1",
        "states": ("AM", "AZ"),
        "killed": Toll(12, vague=True),
        "injured": None,
        "matches": (),
    }
    return Signal(**(defaults | values))


def policy(**values: Any) -> EventPolicy:
    defaults: dict[str, Any] = {
        "rule_id": "csto-article-4-invoked",
        "title": "A CSTO member invokes the mutual-defence clause",
        "family": "treaty",
    }
    return EventPolicy(**(defaults | values))


def report(**values: Any) -> Report:
    defaults: dict[str, Any] = {
        "article_id": "article-1",
        "source_id": "courier",
        "publisher": "Courier",
        "affiliation": "independent",
        "title": "Yerevan asks its allies for help",
        "url": "https://courier.example/1",
        "published_at": NOW - timedelta(minutes=20),
        "first_seen_at": NOW,
        "killed": Toll(12, vague=True),
    }
    return Report(**(defaults | values))


def event(**values: Any) -> Event:
    defaults: dict[str, Any] = {
        "id": "event-1",
        "rule_id": "csto-article-4-invoked",
        "rule_ids": ("csto-article-4-invoked",),
        "family": "treaty",
        "title": "A CSTO member invokes the mutual-defence clause",
        "severity": Severity.CRITICAL,
        "states": ("AM", "AZ"),
        "killed": Toll(12, vague=True),
        "injured": None,
        "reports": (report(),),
        "opened_at": NOW,
        "last_seen_at": NOW,
        "is_confirmed": False,
        "notified_killed": 12,
        "notified_publishers": 1,
        "group_for": timedelta(hours=24),
    }
    made = Event(**(defaults | values))
    return made if made.voices else replace(made, voices=weigh(made.reports, made.states).voices)


def recipient(**values: Any) -> Recipient:
    defaults: dict[str, Any] = {"id": "desk", "channel": Channel.CONSOLE, "target": "-"}
    return Recipient(**(defaults | values))


def excerpt(text: str, *highlighted: str, **values: Any) -> Excerpt:
    spans = tuple((text.index(words), text.index(words) + len(words)) for words in highlighted)
    defaults: dict[str, Any] = {"article_id": "article-1", "field": Field.TEXT, "text": text, "highlights": spans}
    return Excerpt(**(defaults | values))


def alert(**values: Any) -> Alert:
    defaults: dict[str, Any] = {
        "id": "hk4mbv7q2c",
        "kind": AlertKind.EVENT,
        "event_id": None,
        "changes": (EventChange.OPENED,),
        "severity": Severity.CRITICAL,
        "headline": "A CSTO member invokes the mutual-defence clause: Armenia and Azerbaijan, at least 12 killed",
        "rule_id": "csto-article-4-invoked",
        "rule_title": "A CSTO member invokes the mutual-defence clause",
        "family": "treaty",
        "states": ("AM", "AZ"),
        "killed": Toll(12, vague=True),
        "injured": None,
        "excerpts": (
            excerpt("Yerevan invoked Article four of the Collective Security Treaty.", "invoked Article four"),
            excerpt("Dozens of soldiers were killed.", "Dozens", "killed"),
        ),
        "reports": (report(),),
        "publishers": ("Courier",),
        "copies": 0,
        "extraction": Extraction.FULL,
        "created_at": NOW,
    }
    return Alert(**(defaults | values))


def delivery(**values: Any) -> Delivery:
    defaults: dict[str, Any] = {
        "id": "delivery-1",
        "alert_id": "hk4mbv7q2c",
        "recipient_id": "desk",
        "channel": Channel.TELEGRAM,
        "target": "-100",
        "state": DeliveryState.PENDING,
        "attempts": 0,
        "not_before_at": NOW,
        "lease_until_at": None,
        "last_error": None,
        "reference": None,
        "created_at": NOW,
        "settled_at": None,
    }
    return Delivery(**(defaults | values))
