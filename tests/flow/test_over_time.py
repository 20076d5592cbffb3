"""Rules over several articles through the whole daemon: polls, restarts, late articles, copies, what the alert quotes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.core.rule_files import gazetteer
from tests.newsroom import Item, Newsroom
from watcher.daemon import Daemon, make_notifiers
from watcher.model import Alert
from watcher.render import render_text
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.settings import Settings, load_settings
from watcher.store import Store

RULES = """\
rule: ties-then-call-up
title: Ties broken, then mobilisation
family: mobilisation
severity: critical
languages: [en]
steps:
  ties_broken:
    look_for:
      break: {phrases: [recall~ ..4 ambassador*]}
      two_states: {states: {at_least: 2}}
    close_together: [{clues: [break, two_states], within: 1 sentence}]
  call_up:
    look_for:
      order: {phrases: [order~ ..3 partial mobilisation]}
      a_state: {states: {at_least: 1}}
    close_together: [{clues: [order, a_state], within: 1 sentence}]
in_order: {steps: [ties_broken, call_up], within: 10d, sharing: a state}
---
rule: nuclear-threats
title: Nuclear threats in many papers
languages: [en]
look_for:
  threat: {phrases: [threaten~ ..6 nuclear]}
  a_state: {states: {at_least: 1}}
count: {of: publishers, at_least: 3, within: 6h, per: state}
"""
RECALL = "Azerbaijan recalled its ambassador from Iran, the ministry said after a long night of talks in the capital."
CALL_UP = "Iran ordered partial mobilisation in its north, state television said before the evening bulletin began."
AGAIN = "Reservists were to report to barracks at once after Iran ordered partial mobilisation, a general announced."
THREATS = (
    "Russia threatened its neighbours with nuclear weapons, a newspaper of the region wrote in its morning edition.",
    "In a speech Moscow threatened a nuclear answer to the sanctions, two diplomats told this paper after the meeting.",
    "Officials in Russia threatened to use nuclear arms if the convoy crossed the river, radio listeners heard today.",
)


@dataclass
class Scene:
    """A watcher whose only recipient is the store's own list of alerts."""

    room: Newsroom
    settings: Settings
    book: RuleBook
    now: datetime = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)

    async def poll(self) -> list[Alert]:
        """The alerts of one poll by a new process, oldest first."""
        self.now += timedelta(minutes=10)
        with Store.open(self.settings.store.path, exclusive=True) as store:
            known = {alert.id for alert in store.events.alerts(limit=100)}
            daemon = Daemon(
                self.settings,
                self.book,
                store,
                lambda: (self.settings, self.book),
                make_notifiers,
                clock=lambda: self.now,
            )
            await daemon.run_once()
            return [alert for alert in reversed(store.events.alerts(limit=100)) if alert.id not in known]

    def publish(self, name: str, item_id: str, text: str, *, hours: float) -> None:
        at = self.now - timedelta(hours=hours)
        self.room.publish(name, Item(item_id, f"News of the hour {item_id}", text[:40], at, (text,)))

    def outcomes(self) -> list[str]:
        with Store.open(self.settings.store.path, exclusive=False) as store:
            return [one.outcome for one in store.events.signals_since(datetime(2020, 1, 1, tzinfo=UTC))]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "rules.yaml").write_text(RULES)
    rule_set = load_rules([tmp_path / "rules.yaml"])
    async with Newsroom() as room:
        sources = "\n".join(
            f'[[sources]]\nid = "{name}"\nurl = "{room.url(name)}"\npublisher = "{name.title()}"\nlanguage = "en"\n'
            'catch_up = "20d"\n'
            for name in ("courier", "mirror", "radio")
        )
        config = tmp_path / "config.toml"
        config.write_text(f'[store]\npath = "watcher.db"\n[http]\nallow_private_networks = true\n{sources}')
        book = RuleBook.of(rule_set, compile_rules(rule_set, gazetteer()), gazetteer().names(), [])
        yield Scene(room, load_settings(config, {}), book)


async def test_the_second_step_alerts_and_quotes_both(scene: Scene) -> None:
    scene.publish("courier", "recall", RECALL, hours=70)
    assert await scene.poll() == []
    assert scene.outcomes() == ["step ties_broken"]
    scene.publish("mirror", "order", CALL_UP, hours=1)
    [alert] = await scene.poll()
    assert (alert.rule_id, alert.states, alert.publishers) == ("ties-then-call-up", ("AZ", "IR"), ("Courier",))
    assert [(report.publisher, report.step) for report in alert.reports] == [
        ("Mirror", "call_up"),
        ("Courier", "ties_broken"),
    ]
    assert [excerpt.text[:26] for excerpt in alert.excerpts] == [
        "Iran ordered partial mobil",
        "Azerbaijan recalled its am",
    ]
    assert [len(excerpt.highlights) > 0 for excerpt in alert.excerpts] == [True, True]
    assert scene.outcomes() == ["step ties_broken", "opened"]
    quotes = [line for line in render_text(alert, gazetteer().names()).split("\n") if "“" in line]
    assert [line.replace("*", "")[:45] for line in quotes] == [
        "“Iran ordered partial mobilisation in its nor",
        "Courier, 2026-01-07 14:00 UTC: “Azerbaijan re",
    ]
    assert await scene.poll() == []


async def test_each_step_must_be_confirmed(scene: Scene) -> None:
    scene.publish("courier", "recall", RECALL, hours=70)
    scene.publish("mirror", "order", CALL_UP, hours=3)
    [opened] = await scene.poll()
    scene.publish("radio", "again", AGAIN, hours=2)
    assert await scene.poll() == []
    scene.publish(
        "mirror",
        "theirs",
        "The embassy closed its gates when Azerbaijan recalled its ambassador from Iran, a guard told us.",
        hours=60,
    )
    [confirmed] = await scene.poll()
    assert (opened.changes, confirmed.changes) == (("opened",), ("confirmed",))
    assert set(confirmed.publishers) in ({"Courier", "Mirror"}, {"Mirror", "Radio"})


async def test_the_first_step_may_be_read_last(scene: Scene) -> None:
    scene.publish("courier", "order", CALL_UP, hours=1)
    assert await scene.poll() == []
    scene.publish("mirror", "recall", RECALL, hours=70)
    [alert] = await scene.poll()
    assert (alert.states, {report.step for report in alert.reports}) == (("AZ", "IR"), {"ties_broken", "call_up"})


async def test_wrong_order_and_reprints_stay_silent(scene: Scene) -> None:
    scene.publish("courier", "order", CALL_UP, hours=70)
    scene.publish("courier", "recall", RECALL, hours=30)
    assert await scene.poll() == []
    scene.publish("mirror", "reprint", CALL_UP, hours=1)
    assert await scene.poll() == []
    assert scene.outcomes() == ["step call_up", "step ties_broken", "step call_up, a copy"]


async def test_three_newsrooms_count_and_a_reprint_does_not(scene: Scene) -> None:
    scene.publish("courier", "one", THREATS[0], hours=5)
    scene.publish("mirror", "two", THREATS[1], hours=4)
    scene.publish("radio", "reprint", THREATS[0], hours=3)
    assert await scene.poll() == []
    scene.publish("radio", "three", THREATS[2], hours=2)
    [alert] = await scene.poll()
    assert (alert.rule_id, alert.states) == ("nuclear-threats", ("RU",))
    assert set(alert.publishers) == {"Courier", "Mirror", "Radio"}
    assert len(alert.excerpts) == 3
    assert scene.outcomes()[-1] == "opened"


async def test_a_rule_knows_since_when_it_looks(scene: Scene) -> None:
    scene.publish("courier", "one", "Rain fell in the valley all day long and the river rose slowly.", hours=5)
    await scene.poll()
    first = scene.now
    scene.publish("courier", "two", "The river fell again, and schools in the valley opened their doors.", hours=1)
    await scene.poll()
    with Store.open(scene.settings.store.path, exclusive=False) as store:
        assert store.events.watched_since("nuclear-threats") == first
        assert store.events.watched_since("another") is None
