"""What Prometheus reads: every series from real counters and a real store, checked by two parsers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.builders import NOW, alert, delivery, report
from tests.conftest import CHECKOUT
from watcher.dispatch import Settled
from watcher.exposition import Histogram
from watcher.ingest import Poll
from watcher.metrics import Metrics, Now
from watcher.model import (
    AlertKind,
    Channel,
    Delivered,
    Delivery,
    DeliveryState,
    Extraction,
    FetchReason,
    GiveUp,
    Health,
    Outcome,
    Retry,
    RuleStatus,
    Severity,
    SourceState,
    Uncertain,
)
from watcher.readiness import Check
from watcher.store import Store

STANDING = Now(
    at=NOW,
    checks=(Check("store", True, "good"), Check("polls", False, "late")),
    source_ids=("a", "b", "never-polled"),
    statuses=Counter({RuleStatus.STABLE: 3, RuleStatus.TEST: 1}),
    recipients=Counter({Channel.TELEGRAM: 2}),
    polls_late_by=timedelta(seconds=7),
    failing_jobs=1,
    blind_rules=2,
)
CHANNELS = (Channel.TELEGRAM, Channel.EMAIL)


def samples(text: str) -> dict[tuple[str, str], float]:
    """Values by name and by the values of the labels, joined."""
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def settled(outcome: Outcome, *, given_up: bool = False, **values: Any) -> Settled:
    one: Delivery = delivery(attempts=1, channel=Channel.TELEGRAM, created_at=NOW, not_before_at=NOW, **values)
    return Settled(one, Severity.WARNING, outcome, None, given_up=given_up)


@pytest.fixture
def store() -> Store:
    return Store.open(None, exclusive=True)


def filled(store: Store) -> str:
    metrics = Metrics(store, CHANNELS)
    metrics.polled(Poll("a", listed=20, new=3, baseline=1, undated=1), 0.2, NOW)
    metrics.polled(Poll("b", FetchReason.NOT_A_FEED), 3, NOW)
    metrics.matched(Extraction.FULL, 0.003)
    later = NOW + timedelta(seconds=4)
    told = alert(reports=(report(published_at=NOW - timedelta(minutes=4)),))
    metrics.settled(settled(Delivered("1")), told, later)
    metrics.settled(settled(Retry("flood")), told, later)
    metrics.settled(settled(Uncertain("lost")), told, later)
    metrics.settled(settled(GiveUp("gone"), given_up=True), told, later)
    metrics.settled(settled(Retry("still"), given_up=True), told, later)
    metrics.reloaded(NOW, is_taken=True)
    metrics.reloaded(NOW, is_taken=False)
    metrics.called_outside(True)
    with store.transaction():
        store.events.save_alert(alert(id="one", event_id=None, rule_id="clash", severity=Severity.WARNING))
        store.events.save_alert(alert(id="two", event_id=None, rule_id="clash", severity=Severity.WARNING))
        store.events.save_alert(alert(id="note", event_id=None, rule_id=None, kind=AlertKind.NOTICE))
        for name, state in {"a": "ok", "b": "not a feed", "gone": "timeout"}.items():
            health = Health(FetchReason(state))
            store.articles.save_source_state(SourceState(name, f"https://{name}.example/", health=health))
        store.drills.begin("drill", NOW, ["desk", "chat"])
        store.drills.end("drill", NOW, ["chat"])
        store.outbox.add(
            [
                delivery(id="d1", alert_id="one", channel=Channel.TELEGRAM, not_before_at=NOW - timedelta(seconds=90)),
                delivery(id="d2", alert_id="two", channel=Channel.EMAIL, not_before_at=NOW + timedelta(hours=3)),
            ]
        )
    return metrics.render(STANDING)


def test_what_happened_is_counted(store: Store) -> None:
    seen = samples(filled(store))
    expected = {
        ("watcher_polls_total", "ok"): 1,
        ("watcher_polls_total", "not_a_feed"): 1,
        ("watcher_polls_total", "timeout"): 0,
        ("watcher_poll_duration_seconds_count", ""): 2,
        ("watcher_poll_duration_seconds_bucket", "0.25"): 1,
        ("watcher_poll_duration_seconds_bucket", "+Inf"): 2,
        ("watcher_items_listed_total", ""): 20,
        ("watcher_items_total", "new"): 3,
        ("watcher_articles_total", "full"): 1,
        ("watcher_articles_undated_total", ""): 1,
        ("watcher_match_duration_seconds_sum", ""): 0.003,
        ("watcher_alerts_total", "clash,warning"): 2,
        ("watcher_messages_total", "notice"): 1,
        ("watcher_messages_total", "exercise"): 0,
        ("watcher_deliveries_total", "telegram,delivered"): 1,
        ("watcher_deliveries_total", "telegram,delayed"): 1,
        ("watcher_deliveries_total", "telegram,uncertain"): 1,
        ("watcher_deliveries_total", "telegram,failed"): 2,
        ("watcher_deliveries_total", "email,delivered"): 0,
        ("watcher_decision_to_delivery_seconds_sum", "telegram"): 4,
        ("watcher_publication_to_delivery_seconds_sum", "telegram"): 244,
        ("watcher_publication_to_delivery_seconds_bucket", "telegram,300.0"): 1,
        ("watcher_publication_to_delivery_seconds_bucket", "telegram,180.0"): 0,
        ("watcher_reloads_total", "refused"): 1,
        ("watcher_last_reload_successful", ""): 0,
        ("watcher_last_reload_success_timestamp_seconds", ""): NOW.timestamp(),
        ("watcher_heartbeat_calls_total", "answered"): 1,
        ("watcher_ready", ""): 0,
        ("watcher_check", "store"): 1,
        ("watcher_check", "polls"): 0,
        ("watcher_sources", "ok"): 1,
        ("watcher_sources", "not_a_feed"): 1,
        ("watcher_sources", "silent"): 0,
        ("watcher_sources", "timeout"): 0,  # of a source that is no longer configured
        ("watcher_rules", "stable"): 3,
        ("watcher_rules_blind", ""): 2,
        ("watcher_recipients", "telegram"): 2,
        ("watcher_jobs_failing", ""): 1,
        ("watcher_polls_late_seconds", ""): 7,
        ("watcher_outbox", "telegram,pending"): 1,
        ("watcher_outbox", "email,pending"): 1,
        ("watcher_last_drill_timestamp_seconds", ""): NOW.timestamp(),
        ("watcher_last_drill_missed", ""): 1,
        ("watcher_oldest_undelivered_age_seconds", ""): 90,  # the other one is held
    }
    assert {key: seen.get(key) for key in expected} == expected
    assert seen["process_resident_memory_bytes", ""] > 1e6
    assert seen["process_open_fds", ""] > 1


def test_alerts_are_counted_once_however_often_somebody_asks(store: Store) -> None:
    with store.transaction():
        store.events.save_alert(alert(id="before", event_id=None))
    metrics = Metrics(store, CHANNELS)
    assert ("watcher_alerts_total", "clash,warning") not in samples(metrics.render(STANDING))
    with store.transaction():
        store.events.save_alert(alert(id="one", event_id=None, rule_id="clash", severity=Severity.WARNING))
    for _ in range(3):
        assert samples(metrics.render(STANDING))["watcher_alerts_total", "clash,warning"] == 1


def test_what_was_held_on_purpose_says_nothing_about_speed(store: Store) -> None:
    metrics = Metrics(store, CHANNELS)
    one = settled(Delivered("1"))
    held = replace(one, delivery=replace(one.delivery, not_before_at=NOW + timedelta(hours=7)))
    metrics.settled(held, alert(), NOW + timedelta(hours=7, seconds=1))
    seen = samples(metrics.render(STANDING))
    assert seen["watcher_decision_to_delivery_seconds_count", "telegram"] == 0
    assert seen["watcher_deliveries_total", "telegram,delivered"] == 1


def test_a_histogram_counts_upwards() -> None:
    one = Histogram((1, 5))
    for seconds in (0.5, 1, 3, 60):
        one.observe(seconds)
    assert one.buckets() == ([("1.0", 2), ("5.0", 3), ("+Inf", 4)], 64.5)


def test_names_follow_the_practice_of_prometheus(store: Store) -> None:
    for family in text_string_to_metric_families(filled(store)):
        assert family.documentation
        if not family.name.startswith("watcher_"):
            continue
        assert re.fullmatch(r"[a-z_]+", family.name)
        assert not re.search(r"_(ms|minutes|hours|kb|mb|total)$", family.name)
        for sample in family.samples:
            assert set(sample.labels) <= {
                "outcome", "le", "extraction", "rule", "severity", "kind", "channel", "result", "version", "python",
                "check", "state", "status",
            }  # fmt: skip


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_say(store: Store) -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=filled(store), capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


CONTRIB = CHECKOUT / "contrib"


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:watcher|process)_[a-z_]+\b", expression))


def known_names(store: Store) -> set[str]:
    return {name for name, _ in samples(filled(store))}


def test_the_dashboard_asks_for_what_there_is(store: Store) -> None:
    dashboard = json.loads((CONTRIB / "grafana" / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked = set().union(*map(names_in, expressions))
    assert asked, expressions
    assert asked <= known_names(store)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["title"] for panel in dashboard["panels"])


def test_the_alert_rules_ask_for_what_there_is(store: Store) -> None:
    groups = yaml.safe_load((CONTRIB / "prometheus" / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert set().union(*(names_in(rule["expr"]) for rule in rules)) <= known_names(store)
    tested = (CONTRIB / "prometheus" / "alerts_test.yml").read_text()
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert f"alertname: {rule['alert']}" in tested


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_accepts_the_alert_rules(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=CONTRIB / "prometheus", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_is_documented(store: Store) -> None:
    documented = (CHECKOUT / "docs" / "monitoring.md").read_text()
    for family in text_string_to_metric_families(filled(store)):
        if family.name.startswith("watcher_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            assert f"`{name}" in documented, name


def test_open_deliveries_are_counted_by_indexes_alone(store: Store) -> None:
    plans = []
    store._db._connection.set_trace_callback(plans.append)
    store.gauges.open_deliveries()
    store.gauges.undelivered_since(NOW)
    store._db._connection.set_trace_callback(None)
    for sql in plans:
        steps = [row[3] for row in store._db._connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert all("USING" in step and "INDEX" in step for step in steps if "SCAN" in step or "SEARCH" in step), steps


def test_states_of_deliveries_that_are_not_the_end_are_all_counted(store: Store) -> None:
    open_states = [state for state in DeliveryState if state not in (DeliveryState.DELIVERED, DeliveryState.DROPPED)]
    with store.transaction():
        for number, state in enumerate(open_states):
            store.events.save_alert(alert(id=f"a{number}", event_id=None))
            store.outbox.add([delivery(id=f"d{number}", alert_id=f"a{number}", state=state)])
    assert {state for state, _ in store.gauges.open_deliveries()} == set(open_states)
