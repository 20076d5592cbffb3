"""What is too old is forgotten, a little at a time; what anybody still needs is not, and no old item becomes new."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOW, alert, article, delivery, event, report, signal
from watcher.forgetting import REST, Forgetting
from watcher.model import AlertKind, DeliveryState
from watcher.retention import COPIES_FOR, Keep, cutoffs
from watcher.sequence import PastSignal
from watcher.store import Store
from watcher.store.articles import ArticleKeys
from watcher.store.pruning import FREE_PAGES, FREE_SHARE
from watcher.text.shingles import sample

DAY = timedelta(days=1)
KEEP = Keep()


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None, exclusive=True) as opened:
        yield opened


def text_of(number: int) -> str:
    return " ".join(f"word{number * 7919 % 10_007}x{index}" for index in range(40))


def keys_of(number: int) -> ArticleKeys:
    return ArticleKeys("courier", url=f"https://courier.example/{number}", guid=f"g{number}")


def put_article(store: Store, number: int, at: datetime) -> None:
    one = article(id=f"a{number}", text=text_of(number), first_seen_at=at, published_at=at)
    store.articles.insert(one, keys_of(number), sampled=sample(one.text))


def put_event(
    store: Store, number: int, at: datetime, state: DeliveryState = DeliveryState.DELIVERED, **values: Any
) -> None:
    """An event of one article, with a signal, an alert and a delivery in that state."""
    name = f"a{number}"
    one = event(
        id=f"e{number}", reports=(report(article_id=name),), opened_at=at, last_seen_at=at, announced_at=at, **values
    )
    store.events.save(one)
    store.events.save_signal(signal(article_id=name), at=at, event_id=one.id, outcome="opened")
    store.events.save_alert(alert(id=f"l{number}", event_id=one.id, created_at=at))
    store.outbox.add([delivery(id=f"d{number}", alert_id=f"l{number}", state=state, created_at=at, not_before_at=at)])


def walk(store: Store, now: datetime, keep: Keep = KEEP, spans: dict[str, timedelta] | None = None) -> Counter[str]:
    pruned: Counter[str] = Counter()
    with store.transaction():
        for name, prune in store.pruner.slices(cutoffs(keep, spans or {}, now)):
            pruned[name] += prune()
    return +pruned


def text(store: Store, number: int) -> str:
    stored = store.articles.get(f"a{number}")
    assert stored is not None
    return stored.text


def test_texts_go_after_their_time_and_what_recognises_the_item_stays(store: Store) -> None:
    with store.transaction():
        for number in range(50):
            put_article(store, number, NOW + number * DAY)
    now = NOW + 50 * DAY + KEEP.text
    before = store.articles.recognise([keys_of(number) for number in range(50)])
    assert walk(store, now) == {"copies": 50, "texts": 50}
    assert store.articles.recognise([keys_of(number) for number in range(50)]) == before
    assert not any(text(store, number) for number in range(50))
    assert walk(store, now) == {}


def test_hashes_go_when_copies_are_not_looked_for_any_more(store: Store) -> None:
    with store.transaction():
        put_article(store, 1, NOW)
        put_article(store, 2, NOW + DAY)
    sampled = sample(text_of(1))
    assert walk(store, NOW + COPIES_FOR + timedelta(hours=1)) == {"copies": 1}
    assert store.articles.candidates(sampled, NOW - DAY) == ()
    assert len(store.articles.candidates(sample(text_of(2)), NOW - DAY)) == 1
    assert text(store, 1)


def test_an_open_event_keeps_the_texts_of_its_reports_and_its_deliveries(store: Store) -> None:
    now = NOW + 400 * DAY
    with store.transaction():
        for number in (1, 2):
            put_article(store, number, NOW)
        put_event(store, 1, NOW)
        put_event(store, 2, NOW, group_for=1000 * DAY)
    assert walk(store, now) == {"copies": 2, "texts": 1, "deliveries": 1}
    assert (text(store, 1), text(store, 2)) == ("", text_of(2))
    assert store.outbox.get("d1") is None
    assert store.outbox.get("d2") is not None


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.MUTED, DeliveryState.FOLDED])
def test_an_event_that_somebody_is_still_to_hear_of_stays(store: Store, state: DeliveryState) -> None:
    with store.transaction():
        put_article(store, 1, NOW)
        put_event(store, 1, NOW, state, group_for=DAY)
    walk(store, NOW + 2000 * DAY)
    assert store.events.get("e1") is not None
    assert store.events.get_alert("l1") is not None


def test_a_closed_event_goes_with_all_that_it_led_to(store: Store) -> None:
    with store.transaction():
        for number in (1, 2):
            put_article(store, number, NOW)
            put_event(store, number, NOW + number * DAY)
        for name in ("d1", "d2"):
            one = store.outbox.get(name)
            assert one is not None
            store.outbox.settle_delivered(one, reference="1", now=NOW)
        store.events.acknowledge("e1", by="Anna", note="", at=NOW)
    assert walk(store, NOW + 2.5 * DAY + KEEP.alerts)["events"] == 1
    assert store.events.get("e1") is store.events.get_alert("l1") is store.outbox.get("d1") is None
    assert store.events.signals_of("a1") == ()
    assert store.events.get_alert("l2") is not None
    assert store.articles.recognise([keys_of(1)]) != [None]
    assert store.damage() == ()


def test_notices_go_earlier_unless_they_wait(store: Store) -> None:
    with store.transaction():
        for number, state in enumerate((DeliveryState.FAILED, DeliveryState.PENDING)):
            store.events.save_alert(alert(id=f"n{number}", kind=AlertKind.NOTICE, event_id=None, rule_id=None))
            store.outbox.add([delivery(id=f"d{number}", alert_id=f"n{number}", state=state)])
    assert walk(store, NOW + KEEP.notices + DAY) == {"notices": 1}
    assert (store.events.get_alert("n0") is None, store.events.get_alert("n1") is None) == (True, False)


def test_what_a_rule_remembers_is_kept_for_as_long_as_it_looks_back(store: Store) -> None:
    def remember(rule_id: str, number: int, at: datetime) -> None:
        store.events.remember(PastSignal(rule_id, at, ("AM",), None, None, (), report(article_id=f"a{number}")))

    with store.transaction():
        for number in range(60):
            put_article(store, number, NOW)
            remember("long", number, NOW + number * DAY)
            remember("short", number, NOW + number * DAY)
            remember("gone", number, NOW + number * DAY)
    walk(store, NOW + 100 * DAY, spans={"long": 80 * DAY, "short": 3 * DAY})
    left = {name: len(store.events.past(name, NOW, NOW + 100 * DAY)) for name in ("long", "short", "gone")}
    assert left == {"long": 47, "short": 0, "gone": 57}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, 1500), st.booleans(), st.sampled_from(list(DeliveryState)), st.integers(1, 300)),
        max_size=25,
    ),
    st.lists(st.integers(0, 2500), min_size=1, max_size=4),
)
def test_whatever_is_pruned_nothing_that_is_needed_goes(
    things: list[tuple[int, bool, DeliveryState, int]], days: list[int]
) -> None:
    """``things``: the day of each article, whether it made an event, of which delivery, open for how many days."""
    with Store.open(None, exclusive=True) as store:
        with store.transaction():
            for number, (day, has_event, state, open_for) in enumerate(things):
                put_article(store, number, NOW + day * DAY)
                if has_event:
                    put_event(store, number, NOW + day * DAY, state, group_for=open_for * DAY)
        known = store.articles.recognise([keys_of(number) for number in range(len(things))])
        for at in sorted(days):
            now = NOW + at * DAY
            walk(store, now)
            assert store.articles.recognise([keys_of(number) for number in range(len(things))]) == known
            for number, (day, has_event, state, open_for) in enumerate(things):
                age, is_open = now - (NOW + day * DAY), now <= NOW + (day + open_for) * DAY
                if age <= KEEP.text or (has_event and is_open):
                    assert text(store, number) == text_of(number)
                undone = state in (
                    DeliveryState.PENDING,
                    DeliveryState.SENDING,
                    DeliveryState.MUTED,
                    DeliveryState.FOLDED,
                )
                if has_event and (age <= KEEP.alerts or is_open or undone):
                    assert store.events.get(f"e{number}") is not None
                    assert store.events.get_alert(f"l{number}") is not None
                    assert len(store.events.signals_of(f"a{number}")) == 1
                if has_event and (age <= KEEP.deliveries or is_open or undone):
                    assert store.outbox.get(f"d{number}") is not None
        assert store.damage() == ()


def fill(path: Path, count: int) -> None:
    with Store.open(path, exclusive=True) as store:
        for start in range(0, count, 500):
            with store.transaction():
                for number in range(start, start + 500):
                    put_article(store, number, NOW + number * timedelta(seconds=1))


def test_space_is_given_back_while_the_daemon_runs(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    fill(path, 6000)
    with Store.open(path, exclusive=True) as store:
        full = store.size()
        forgetting = Forgetting(store)
        now = NOW + 200 * DAY
        pruned: Counter[str] = Counter()
        steps, longest = 0, 0.0
        while forgetting.is_due(now):
            began = time.process_time()
            pruned += forgetting.go_on(cutoffs(KEEP, {}, now))
            longest = max(longest, time.process_time() - began)
            steps += 1
        assert pruned == {"copies": 6000, "texts": 6000}
        assert steps > 5
        assert longest < 0.5  # far more than it takes: a guard against one that does everything at once
        assert not forgetting.is_due(now + REST / 2)
        assert forgetting.is_due(now + REST)
        left = store.size()
        assert left.bytes < 0.5 * full.bytes
        assert left.free_bytes < max(FREE_PAGES * 4096, FREE_SHARE * left.bytes)


def test_a_file_that_was_made_before_is_pruned_too_and_vacuumed_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    fill(path, 1000)
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA auto_vacuum = none")
        old.execute("VACUUM")
    now = NOW + 200 * DAY
    with Store.open(path, exclusive=True) as store:
        forgetting = Forgetting(store)
        while forgetting.is_due(now):
            forgetting.go_on(cutoffs(KEEP, {}, now))
        assert store.size().free_bytes > 0
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA auto_vacuum = incremental")
        old.execute("VACUUM")
        assert old.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert old.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_a_walk_asks_only_for_what_is_old(store: Store) -> None:
    with store.transaction():
        put_article(store, 1, NOW)
    plans = [
        " ".join(str(row[3]) for row in store.pruner._db.rows(f"EXPLAIN QUERY PLAN {sql}", ("", 0, "", 20)))
        for sql in (
            "SELECT * FROM articles WHERE (first_seen_at, n) > (?, ?) AND first_seen_at < ? AND text != '' "
            "ORDER BY first_seen_at, n LIMIT ?",
            "SELECT * FROM articles WHERE (first_seen_at, n) > (?, ?) AND first_seen_at < ? AND sampled > 0 "
            "ORDER BY first_seen_at, n LIMIT ?",
            "SELECT * FROM deliveries WHERE (created_at, n) > (?, ?) AND created_at < ? AND 1 "
            "ORDER BY created_at, n LIMIT ?",
        )
    ]
    for plan, index in zip(plans, ("articles_with_text", "articles_with_hashes", "deliveries_by_time"), strict=True):
        assert index in plan
        assert "TEMP B-TREE" not in plan


def test_cutoffs_keep_alerts_no_shorter_than_texts() -> None:
    at = cutoffs(replace(KEEP, alerts=30 * DAY), {"rule": 200 * DAY}, NOW)
    assert at.alerts_at == at.text_at == NOW - 90 * DAY
    assert at.past_at == {"rule": NOW - 207 * DAY}
    assert at.other_past_at == NOW - 207 * DAY
