"""Four happenings in sixty articles: four threads, whatever the order in which the articles come."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CHECKOUT
from watcher.dedup import text_to_compare
from watcher.match import match_article
from watcher.model import Alert, Article, Channel, Extraction, Recipient, Source
from watcher.recording import Reading, Recorder
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.store import Store
from watcher.store.articles import ArticleKeys
from watcher.text.shingles import shingles
from watcher.understand.states import Gazetteer

START = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)
# publisher, affiliation, state, language
SOURCES = {
    "courier": ("Highland Courier", "independent", "", "en"),
    "radio": ("Open Frontier Radio", "independent", "", "en"),
    "mirror": ("Evening Mirror", "independent", "", "en"),
    "herald": ("The Herald", "independent", "", "en"),
    "gazette": ("City Gazette", "unknown", "", "en"),
    "vestnik": ("Вестник", "independent", "", "ru"),
    "relais": ("Le Relais", "independent", "", "fr"),
    "azstate": ("Azertac", "state", "AZ", "en"),
    "azradio": ("Radio Baku", "state", "AZ", "en"),
    "rustate": ("ТАСС", "state", "RU", "ru"),
}


@functools.cache
def story() -> tuple[Article, ...]:
    """The articles in the order of the file."""
    rows = yaml.safe_load((CHECKOUT / "tests/data/story/articles.yaml").read_text(encoding="utf-8"))
    texts: dict[str, str] = {row["id"]: row["text"] for row in rows if "text" in row}
    return tuple(_article(row, texts) for row in rows)


def _article(row: dict[str, Any], texts: dict[str, str]) -> Article:
    text = texts[row["copy_of"]] if "copy_of" in row else row["text"]
    if "cut" in row:
        text = ". ".join(text.split(". ")[: row["cut"]]).rstrip(".") + "."
    publisher, affiliation, state, language = SOURCES[row["source"]]
    at = START + timedelta(hours=row["at"])
    return Article(
        id=row["id"],
        source_id=row["source"],
        url=f"https://{row['source']}.example/{row['id']}",
        title=row["title"],
        text=text,
        language=language,
        extraction=Extraction.FULL,
        published_at=at,
        first_seen_at=at + timedelta(minutes=5),
        publisher=publisher,
        affiliation=affiliation,
        state=state,
    )


@functools.cache
def book() -> RuleBook:
    """The shipped rules."""
    rule_set = load_rules([CHECKOUT / "rules"])
    desk = Recipient("desk", Channel.CONSOLE, "-")
    return RuleBook.of(rule_set, compile_rules(rule_set, Gazetteer.load()), Gazetteer.load().names(), [desk])


@functools.cache
def readings() -> dict[str, Reading]:
    """By article: read and evaluated once for all orders."""
    return {
        one.id: Reading(
            article=one,
            keys=ArticleKeys(one.source_id, url=one.url),
            result=match_article(book().rules, one),
            hashes=shingles(text_to_compare(one)),
            raw_hash=None,
        )
        for one in story()
    }


def arriving(articles: Iterable[Article]) -> list[Article]:
    """The articles as they arrive in this order, a minute apart, after all that they tell of."""
    first = START + timedelta(days=370)
    return [replace(one, first_seen_at=first + timedelta(minutes=number)) for number, one in enumerate(articles)]


def tell(store: Store, articles: Iterable[Article], times: int = 1) -> list[tuple[str, Alert]]:
    """The alerts that come of the articles in this order, each with the article that it came with."""
    recorder, alerts = Recorder(store), []
    for one in articles:
        source = Source(one.source_id, one.url or "")
        for _ in range(times):
            new = recorder.record(source, book(), [replace(readings()[one.id], article=one)], one.first_seen_at)
            alerts += [(one.id, alert) for alert in new]
    return alerts


def events_of(store: Store) -> list[tuple[object, ...]]:
    """What there is of each event, without what depends on who was told when."""
    return sorted(
        (
            event.states,
            event.rule_ids,
            event.severity,
            event.killed,
            event.injured,
            event.opened_at,
            event.last_seen_at,
            event.is_confirmed,
            event.voices,
            event.denied_by,
            tuple((one.article_id, one.copy_of, one.voice, one.standing, one.claims) for one in event.reports),
        )
        for event in store.events.recent(100)
    )


@functools.cache
def in_order() -> list[tuple[object, ...]]:
    with Store.open(None, exclusive=True) as store:
        tell(store, sorted(story(), key=lambda one: one.first_seen_at))
        return events_of(store)


def sent(store: Store, alerts: Sequence[tuple[str, Alert]]) -> list[tuple[str, str]]:
    """Of the alerts those that somebody is sent: the article that they came with, and what is new."""
    return [
        (article_id, ", ".join(alert.changes))
        for article_id, alert in alerts
        if store.outbox.entries(alert_id=alert.id, limit=10)
    ]


TOLD = [
    ("a01", "opened"),
    ("a06", "confirmed"),
    ("a12", "deaths_doubled"),
    ("a17", "rule_added"),  # a treaty is invoked
    ("a20", "denied"),
    ("a22", "deaths_doubled"),
    ("a24", "correction"),
    ("b01", "opened"),
    ("b02", "confirmed"),
    ("c01", "opened"),
    ("c02", "confirmed, rule_added"),
    ("d01", "opened"),
    ("d02", "confirmed"),
]


def test_four_threads_and_these_updates() -> None:
    with Store.open(None, exclusive=True) as store:
        alerts = tell(store, sorted(story(), key=lambda one: one.first_seen_at))
        events = store.events.recent(100)
        assert [event.states for event in sorted(events, key=lambda event: event.opened_at)] == [
            ("AM", "AZ"),
            ("IN", "PK"),
            ("KH", "TH"),
            ("ER", "ET"),
        ]
        assert sorted(sent(store, alerts)) == TOLD
        told = dict(alerts)
        assert told["a20"].body.startswith("Azerbaijan denies it: “Azerbaijan denied that its troops had shelled")
        assert "80 killed" in told["a24"].headline
        assert len({alert.event_id for _, alert in alerts}) == 4
        in_events = {report.article_id for event in events for report in event.reports}
        assert {one.id for one in story()} - in_events == {"a04", "c08", "r01", "r02"}


def test_who_says_so_in_the_first_thread() -> None:
    with Store.open(None, exclusive=True) as store:
        tell(store, [one for one in story() if one.id in {f"a0{number}" for number in range(1, 6)}])
        (event,) = store.events.recent(10)
    assert [(voice.name, voice.standing.value, voice.copies, voice.confirms) for voice in event.voices] == [
        ("Highland Courier", "newsroom", 0, True),
        ("Azertac", "party", 2, False),  # with a reprint, and a report that rests on it
    ]
    assert not event.is_confirmed


@pytest.mark.parametrize("seed", range(5))
def test_any_order_gives_the_same_events(seed: int) -> None:
    articles = arriving(random.Random(seed).sample(story(), len(story())))
    with Store.open(None, exclusive=True) as store:
        tell(store, articles)
        assert events_of(store) == in_order()


def test_the_latest_first_gives_the_same_events() -> None:
    with Store.open(None, exclusive=True) as store:
        tell(store, arriving(reversed(story())))
        assert events_of(store) == in_order()


def test_what_comes_twice_changes_nothing() -> None:
    with Store.open(None, exclusive=True) as store:
        alerts = tell(store, sorted(story(), key=lambda one: one.first_seen_at), times=2)
        assert events_of(store) == in_order()
        assert sorted(sent(store, alerts)) == TOLD


@pytest.mark.parametrize("seed", [None, 7])
def test_a_restart_after_every_article_changes_nothing(seed: int | None, tmp_path: Path) -> None:
    articles = sorted(story(), key=lambda one: one.first_seen_at)
    if seed is not None:
        articles = arriving(random.Random(seed).sample(articles, len(articles)))
    for one in articles:
        with Store.open(tmp_path / "watcher.db", exclusive=True) as store:
            tell(store, [one])
    with Store.open(tmp_path / "watcher.db", exclusive=True) as store:
        assert events_of(store) == in_order()


def test_a_closed_event_takes_a_late_report_and_no_second_thread_is_told() -> None:
    late = next(one for one in story() if one.id == "a16")
    with Store.open(None, exclusive=True) as store:
        tell(store, [one for one in story() if one.id != late.id])
        weeks_later = replace(late, first_seen_at=late.first_seen_at + timedelta(days=9))
        assert sent(store, tell(store, [weeks_later])) == []
        assert events_of(store) == in_order()
