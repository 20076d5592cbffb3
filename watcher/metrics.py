"""What Prometheus gets to see: counters kept in memory, and gauges read at the moment of asking.

Labels hold ids of rules and names from short lists; never an address, a chat, a source or a word of the news, so the
number of series follows the number of rules.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from watcher import __version__
from watcher.dispatch import Settled
from watcher.exposition import Histogram, counter, gauge, histogram, render
from watcher.ingest import Poll
from watcher.model import (
    Alert,
    AlertKind,
    Channel,
    Delivered,
    Extraction,
    FetchReason,
    Retry,
    RuleStatus,
    Uncertain,
)
from watcher.readiness import Check
from watcher.store import Store

if TYPE_CHECKING:
    from prometheus_client import Metric

# Upper bounds in seconds; close together around what is promised: minutes for news, seconds for sending.
_NEWS_BOUNDS = (30, 60, 120, 180, 300, 450, 600, 900, 1800, 3600, 7200, 21600)
_SEND_BOUNDS = (0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
_POLL_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)
_MATCH_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_HELD_MARGIN = timedelta(seconds=1)  # due that much later than it was decided: held on purpose


@dataclass(frozen=True, slots=True)
class Now:
    """How the daemon stands at the moment of asking."""

    at: datetime
    checks: Sequence[Check]
    source_ids: Iterable[str]  # configured ones
    statuses: Counter[RuleStatus]  # of the rules in force
    recipients: Counter[Channel]
    polls_late_by: timedelta
    failing_jobs: int
    blind_rules: int


class Metrics:
    """Counts what happens from the start of the daemon on; ``render`` adds how things stand."""

    def __init__(self, store: Store, channels: Iterable[Channel]) -> None:
        self._store = store
        self._alert_number = store.gauges.last_alert()
        self._alerts: Counter[tuple[str, str]] = Counter()
        self._messages: Counter[AlertKind] = Counter(dict.fromkeys(AlertKind, 0))
        self._polls: Counter[FetchReason] = Counter(dict.fromkeys(FetchReason, 0))
        self._listed = 0
        self._items: Counter[str] = Counter(dict.fromkeys(("new", "revised", "baseline", "waiting", "quarantined"), 0))
        self._articles: Counter[Extraction] = Counter(dict.fromkeys(Extraction, 0))
        self._undated = self._too_old = 0
        self._deliveries: Counter[tuple[Channel, str]] = Counter(
            {
                (channel, outcome): 0
                for channel in channels
                for outcome in ("delivered", "delayed", "uncertain", "failed")
            }
        )
        self._poll_seconds = Histogram(_POLL_BOUNDS)
        self._match_seconds = Histogram(_MATCH_BOUNDS)
        self._since_publication: dict[Channel, Histogram] = {channel: Histogram(_NEWS_BOUNDS) for channel in channels}
        self._since_decision: dict[Channel, Histogram] = {channel: Histogram(_SEND_BOUNDS) for channel in channels}
        self._reloads: Counter[str] = Counter({"taken": 0, "refused": 0})
        self._reloaded_at: datetime | None = None
        self._is_reload_good = True
        self._calls: Counter[str] = Counter({"answered": 0, "failed": 0})
        self.polled_at: datetime | None = None

    def polled(self, poll: Poll, seconds: float, now: datetime) -> None:
        """Nothing; a poll came to its end."""
        self.polled_at = now
        self._polls[poll.reason] += 1
        self._poll_seconds.observe(seconds)
        self._listed += poll.listed
        counts = {
            "new": poll.new,
            "revised": poll.revised,
            "baseline": poll.baseline,
            "waiting": poll.waiting,
            "quarantined": poll.quarantined,
        }
        for outcome, count in counts.items():
            self._items[outcome] += count
        self._undated += poll.undated
        self._too_old += poll.too_old

    def matched(self, extraction: Extraction, seconds: float) -> None:
        """Nothing; an article was read, and the rules took so much processor time on it."""
        self._articles[extraction] += 1
        self._match_seconds.observe(seconds)

    def settled(self, settled: Settled, alert: Alert | None, now: datetime) -> None:
        """Nothing; an attempt to deliver came to its end."""
        delivery = settled.delivery
        if settled.given_up:
            outcome = "failed"
        elif isinstance(settled.outcome, Uncertain):
            outcome = "uncertain"
        else:
            outcome = "delayed" if isinstance(settled.outcome, Retry) else "delivered"
        self._deliveries[delivery.channel, outcome] += 1
        if not isinstance(settled.outcome, Delivered) or alert is None or alert.kind is not AlertKind.EVENT:
            return
        if delivery.attempts == 1 and delivery.not_before_at - delivery.created_at > _HELD_MARGIN:
            return  # for quiet hours or a budget
        self._since_decision[delivery.channel].observe((now - delivery.created_at).total_seconds())
        published_at = alert.reports[0].published_at if alert.reports else None
        if published_at is not None:
            self._since_publication[delivery.channel].observe(max((now - published_at).total_seconds(), 0))

    def reloaded(self, now: datetime, *, is_taken: bool) -> None:
        """Nothing; a reload was taken or refused; the first load at the start counts as taken, and is not counted."""
        self._reloads["taken" if is_taken else "refused"] += 1
        self._is_reload_good = is_taken
        if is_taken:
            self._reloaded_at = now

    def called_outside(self, is_answered: bool) -> None:
        """Nothing; the outside pinger was called."""
        self._calls["answered" if is_answered else "failed"] += 1

    def render(self, now: Now) -> str:
        """Everything, as Prometheus reads it (text format 0.0.4)."""
        return render([*self._counted(), *self._standing(now)])

    def _counted(self) -> Iterator[Metric]:
        for one in self._store.gauges.alerts_after(self._alert_number):
            self._messages[one.kind] += one.count
            if one.kind is AlertKind.EVENT:
                self._alerts[one.rule_id, one.severity.label] += one.count
        self._alert_number = max(self._alert_number, self._store.gauges.last_alert())
        yield counter("watcher_polls", "Polls of sources, by what came of them.", "outcome", self._polls)
        yield histogram(
            "watcher_poll_duration_seconds", "Wall time of a poll with all that it read.", "", {"": self._poll_seconds}
        )
        yield counter("watcher_items_listed", "Items that sources showed.", "", {"": self._listed})
        yield counter("watcher_items", "Items, by what became of them.", "outcome", self._items)
        yield counter("watcher_articles", "Articles read, by where their text came from.", "extraction", self._articles)
        yield counter("watcher_articles_undated", "Articles without a date of their own.", "", {"": self._undated})
        yield counter("watcher_articles_too_old", "Articles too old for a rule that holds.", "", {"": self._too_old})
        yield histogram(
            "watcher_match_duration_seconds",
            "Processor time of all rules on an article.",
            "",
            {"": self._match_seconds},
        )
        yield counter("watcher_alerts", "Alerts about events.", ("rule", "severity"), self._alerts)
        yield counter("watcher_messages", "Alerts, notices and everything else said.", "kind", self._messages)
        yield counter(
            "watcher_deliveries", "Attempts to deliver, by outcome.", ("channel", "outcome"), self._deliveries
        )
        for name, text, histograms in (
            ("watcher_publication_to_delivery_seconds", "From an article's date", self._since_publication),
            ("watcher_decision_to_delivery_seconds", "From the decision", self._since_decision),
        ):
            yield histogram(
                name, f"{text} to acceptance by the channel; what was held on purpose left out.", "channel", histograms
            )
        yield counter("watcher_reloads", "Reloads of rules and configuration.", "result", self._reloads)
        yield counter("watcher_heartbeat_calls", "Calls of the outside pinger.", "result", self._calls)

    def _standing(self, now: Now) -> Iterator[Metric]:
        build = {(__version__, platform.python_version()): 1}
        yield gauge("watcher_build_info", "The version that runs.", ("version", "python"), build)
        yield gauge("watcher_ready", "1: every check is good.", "", {"": all(one.is_good for one in now.checks)})
        yield gauge(
            "watcher_check", "1: good, as /readyz has it.", "check", {one.name: one.is_good for one in now.checks}
        )
        if self.polled_at is not None:
            yield gauge(
                "watcher_last_poll_timestamp_seconds", "End of the last poll.", "", {"": self.polled_at.timestamp()}
            )
        late = now.polls_late_by.total_seconds()
        yield gauge("watcher_polls_late_seconds", "How long polls are due that have not begun.", "", {"": late})
        states: Counter[FetchReason] = Counter(dict.fromkeys(FetchReason, 0))
        states.update(self._store.gauges.sources(now.source_ids))
        yield gauge("watcher_sources", "Sources, by state.", "state", states)
        yield gauge("watcher_rules", "Rules in force, by status.", "status", now.statuses)
        yield gauge("watcher_rules_blind", "Rules that no live source can feed.", "", {"": now.blind_rules})
        yield gauge("watcher_recipients", "Recipients, by channel.", "channel", now.recipients)
        yield gauge("watcher_jobs_failing", "Jobs and polls whose last run broke.", "", {"": now.failing_jobs})
        gauges = self._store.gauges
        yield gauge(
            "watcher_outbox", "Deliveries that are not at their end.", ("state", "channel"), gauges.open_deliveries()
        )
        since = gauges.undelivered_since(now.at)
        age = max((now.at - since).total_seconds(), 0) if since else 0
        yield gauge("watcher_oldest_undelivered_age_seconds", "0: nothing waits.", "", {"": age})
        good = {"": self._is_reload_good}
        yield gauge("watcher_last_reload_successful", "0: refused; the rules of before stay in force.", "", good)
        if self._reloaded_at is not None:
            at = {"": self._reloaded_at.timestamp()}
            yield gauge("watcher_last_reload_success_timestamp_seconds", "When rules came into force.", "", at)
        for drill in self._store.drills.latest():
            at = {"": drill.started_at.timestamp()}
            yield gauge("watcher_last_drill_timestamp_seconds", "When the last drill began.", "", at)
            missed = {"": len(drill.missed)}
            yield gauge("watcher_last_drill_missed", "Recipients who did not get the last exercise.", "", missed)
        size = self._store.size()
        yield gauge("watcher_store_bytes", "Size of the database.", "", {"": size.bytes})
        yield gauge("watcher_store_free_bytes", "Of these, to be used again.", "", {"": size.free_bytes})
