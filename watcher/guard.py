"""Whether new rules would lose alerts that the rules in force gave to people.

Both sets run over the stored articles in which signals were found, in the order in which these arrived; only there
can an alert be lost. An alert that the rules in force would not give any more either is not counted: losing it was
accepted, or came with an earlier change. The comparison works in a process of its own, so that it neither slows polls
nor outlives its time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from watcher.backtest import Hit, Past, evaluate_history, replay
from watcher.errors import WatcherError
from watcher.history import Record
from watcher.language import detect_language
from watcher.model import AlertKind, EventChange, RuleStatus
from watcher.parallel import end_with_parent
from watcher.rules.schema import RuleSet
from watcher.store import Store

READ_FOR = timedelta(minutes=4)  # then what was read is compared: some ten thousand articles at twenty milliseconds
WITHIN = timedelta(minutes=5)  # then the process is ended
# What is compared at most, the latest first, so that memory is bounded: some 300 MB. A desk has a few alerts a day.
MOST_ALERTS = 5_000
MOST_ARTICLES = 10_000
MOST_CHARS = 50_000_000

_NO_NEWS = frozenset({EventChange.REPEATED.value, EventChange.COPIED.value, EventChange.HELD.value})


class GuardError(WatcherError):
    """The comparison did not come to an end."""


@dataclass(frozen=True, slots=True)
class Given:
    """The part of one rule in an alert that was sent."""

    alert_id: str
    headline: str
    article_id: str
    rule_id: str

    @property
    def key(self) -> tuple[str, str]:
        return self.article_id, self.rule_id


@dataclass(frozen=True, slots=True)
class Voice:
    """What a rule set says on the articles, as (article id, rule id); only its stable rules are heard."""

    signals: frozenset[tuple[str, str]]
    alerts: frozenset[tuple[str, str]]
    silent: Mapping[tuple[str, str], str]  # why there is no signal, or no alert about one
    statuses: Mapping[str, RuleStatus]  # by rule id


@dataclass(frozen=True, slots=True)
class Loss:
    """An alert that the new rules would not give."""

    given: Given
    why: str

    def __str__(self) -> str:
        return f"{self.given.alert_id}  {self.given.headline} ({self.given.rule_id}): {self.why}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found."""

    losses: tuple[Loss, ...]  # the latest alert first
    alerts: int  # that were compared
    is_partial: bool  # there was more than is compared; the latest was


def find_losses(given: Sequence[Given], old: Voice, new: Voice) -> tuple[Loss, ...]:
    """The alerts that stable rules of the old set gave and would give again, and the new set would not."""
    return tuple(Loss(one, _why(one, new)) for one in given if _is_lost(one.key, old, new))


def _is_lost(key: tuple[str, str], old: Voice, new: Voice) -> bool:
    # Signals, too: which article of an event opens it can depend on more than the rules.
    return (key in old.signals and key not in new.signals) or (key in old.alerts and key not in new.alerts)


def _why(given: Given, new: Voice) -> str:
    status = new.statuses.get(given.rule_id)
    if status is None:
        return "the rule is gone"
    if status is not RuleStatus.STABLE:
        return f"the rule has the status {status}"
    return new.silent.get(given.key, "it is part of another alert")


def compare(store: Store, old: RuleSet, new: RuleSet, since: datetime) -> Verdict:
    """Which alerts given since then the new rules would lose; takes up to twenty milliseconds an article."""
    stable = {rule.rule for rule in old.rules if rule.status is RuleStatus.STABLE}
    alerts = store.events.alerts(limit=MOST_ALERTS, since=since, kind=AlertKind.EVENT)
    given = [
        Given(alert.id, alert.headline, stored.signal.article_id, stored.signal.rule_id)
        for alert in alerts
        for stored in store.events.signals_of(alert.reports[0].article_id)  # the first report is the one it is about
        if stored.event_id == alert.event_id
        and stored.signal.rule_id in stable
        and _NO_NEWS.isdisjoint(stored.outcome.split(", "))
    ]
    history = _Signalled(store, since)
    evaluation = evaluate_history(
        history,
        (old, new),
        detect=detect_language,
        now=datetime.now(UTC),
        since=None,
        jobs=1,
        advance=lambda *_: None,
    )
    hits = sorted(evaluation.hits, key=lambda hit: hit.number)
    voices = [_voice(hits, rule_set, index) for index, rule_set in enumerate((old, new))]
    losses = find_losses(given, voices[0], voices[1])
    return Verdict(losses, len(alerts), is_partial=history.is_cut or len(alerts) == MOST_ALERTS)


def _voice(hits: Sequence[Hit], rule_set: RuleSet, index: int) -> Voice:
    past: Past = replay(hits, rule_set, index, now_of=lambda article: article.first_seen_at)
    statuses = {rule.rule: rule.status for rule in rule_set.rules}
    alerts = {
        (alert.article.id, rule_id)
        for alert in past.alerts
        if alert.audience is RuleStatus.STABLE
        for rule_id in alert.rule_ids
    }
    quiet = {
        (one.article_id, rule_id): one.reason
        for one in past.quiet
        for rule_id in one.rule_ids
        if statuses[rule_id] is RuleStatus.STABLE
    }
    silent = {(hit.article.id, rule_id): reason for hit in hits for rule_id, reason in hit.silent[index].items()}
    waiting = {(one.article_id, one.rule_ids[0]): one.reason for one in past.waiting}
    return Voice(frozenset(alerts | quiet.keys()), frozenset(alerts), silent | waiting | quiet, statuses)


class _Signalled:
    """The stored articles in which signals were found, the latest first, as many as are compared; read once."""

    def __init__(self, store: Store, since: datetime) -> None:
        self.name = "the store"
        self.size = 0
        self.damage: str | None = None
        self.is_cut = False
        self._store = store
        self._since = since

    def records(self) -> Iterator[Record]:
        chars, until = 0, time.monotonic() + READ_FOR.total_seconds()
        for count, (number, article) in enumerate(self._store.articles.with_signals_since(self._since), 1):
            chars += len(article.text)
            if count > MOST_ARTICLES or chars > MOST_CHARS or time.monotonic() > until:
                self.is_cut = True
                return
            yield Record(number, article)

    def position(self) -> int:
        return 0


class Guard:
    """Compares rule sets over the store of a running daemon, one comparison at a time."""

    def __init__(self, store_path: Path) -> None:
        self._store_path = store_path
        self._process: SpawnProcess | None = None
        self._is_stopped = False

    def compare(self, old: RuleSet, new: RuleSet, since: datetime, within: timedelta = WITHIN) -> Verdict:
        """Which alerts given since then would be lost; waits, so it is called in a thread. Raises GuardError."""
        # A fresh process: a forked copy of one with threads can hang in a lock that nobody holds any more.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), name="guard", daemon=True)
        with ours:
            with theirs:
                process.start()
            self._process = process
            if self._is_stopped:
                process.kill()
            try:
                ours.send((self._store_path, old, new, since))
                if not ours.poll(within.total_seconds()):
                    raise GuardError(f"it was not done within {within.total_seconds():g} seconds")
                answer: Verdict | str = ours.recv()
            except (EOFError, OSError):
                process.join()
                raise GuardError(f"its process ended without an answer ({process.exitcode})") from None
            finally:
                self._process = None
                process.kill()
                process.join()
                process.close()
        if isinstance(answer, str):
            raise GuardError(answer)
        return answer

    def stop(self) -> None:
        """Nothing; ends what is under way, and whatever begins later."""
        self._is_stopped = True
        process = self._process
        if process is not None:
            with suppress(ValueError):  # it has just ended by itself
                process.kill()


def _work(connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the daemon ends us
    threading.Thread(target=end_with_parent, daemon=True).start()
    with suppress(OSError):  # a sandbox may forbid it
        os.nice(10)
    store_path, old, new, since = connection.recv()
    try:
        with Store.open(store_path, exclusive=False) as store:
            connection.send(compare(store, old, new, since))
    except WatcherError as error:
        connection.send(str(error))
