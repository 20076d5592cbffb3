"""Storms, mutes and inhibition through the real parts, a restart between any two steps; the clock is moved by hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from tests.desk import CHAT, HOUR, MINUTE, Desk, open_desk
from tests.newsroom import Item
from watcher.model import Alert, AlertKind, DeliveryState
from watcher.mutes import Mute

RULES = """
rule: fire
title: Fire across a border
status: stable
family: clash
severity: warning
look_for:
  attack: {phrases: ["shelled ..3 positions"]}
  parties: {states: {at_least: 2}}
---
rule: recall
title: Ambassador recalled
status: stable
family: rupture
severity: watch
look_for:
  break: {phrases: ["recalled ..3 ambassador"]}
  parties: {states: {at_least: 2}}
---
rule: war
title: War declared
status: stable
family: war
severity: critical
look_for:
  war: {phrases: ["declared war"]}
  parties: {states: {at_least: 2}}
"""
STATES = "Armenia Azerbaijan Iran Iraq Russia Ukraine China Vietnam Pakistan Afghanistan".split()
FIRE = "{} said on Wednesday that the army of {} shelled its positions."
RECALL = "{} recalled its ambassador from {} on Wednesday."
WAR = "{} declared war on {} on Wednesday."


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        desk.configure(RULES, budget="12/h", courier="", herald="")
        await desk.poll()
        yield desk


def publish(desk: Desk, words: str, *parties: str, source: str = "courier", more: str = "") -> None:
    text = words.format(*parties)
    number = sum(map(len, desk.room.feeds.values()))
    letters = Random(number)  # words that no other article has, so that none seems to be a copy
    filler = " ".join("".join(letters.choices("abdegiklmnorstu", k=7)) for _ in range(40))
    desk.room.publish(source, Item(f"n{number}", text, text, desk.now, page=(text, more, filler)))


def alerts(desk: Desk) -> list[Alert]:
    with desk.store() as store:
        return [one for one in store.events.alerts(limit=1000) if one.kind is AlertKind.EVENT]


def states_of(desk: Desk, alert: Alert) -> list[DeliveryState]:
    with desk.store() as store:
        return [entry.delivery.state for entry in store.outbox.entries(alert_id=alert.id)]


def mute(desk: Desk, until: datetime, **what: str | bool) -> Mute:
    values = {"event_id": None, "rule": None, "state": None, "source_id": None, "recipient_id": None} | what
    with desk.store() as store, store.transaction():
        return store.mutes.add(
            Mute(
                0,
                also_critical=bool(values.pop("also_critical", False)),
                reason="an exercise",
                by="Anna",
                made_at=desk.now,
                until_at=until,
                **values,
            )  # type: ignore[arg-type]
        )


async def test_forty_alerts_in_ten_minutes(desk: Desk) -> None:
    pairs = list(combinations(STATES, 2))[:40]
    began = desk.now
    for minute in range(10):
        for pair in pairs[4 * minute : 4 * minute + 4]:
            publish(desk, WAR if pair == pairs[30] else RECALL if minute % 2 else FIRE, *pair)
        await desk.poll(MINUTE)
    within_hour = desk.told()
    assert len(within_hour) == 12 + 1  # the critical one came at once, over the budget
    assert next(text for text in within_hour if "War declared" in text).startswith("CRITICAL")
    assert len(alerts(desk)) == 40
    await desk.poll(began + HOUR - desk.now)
    assert desk.told() == within_hour
    await desk.poll(2 * MINUTE)
    (summary,) = desk.told()[13:]
    assert "27 alerts held: 15 rupture, 12 clash" in summary
    assert "more than 12 messages in 1h" in summary
    outcomes = [states_of(desk, alert) for alert in alerts(desk)]
    assert outcomes == [[DeliveryState.DELIVERED]] * 40
    with desk.store() as store:
        folded = [entry.delivery for entry in store.outbox.entries(limit=1000) if entry.delivery.folded_into]
        (carrier,) = {delivery.folded_into for delivery in folded}
        assert len(folded) == 27
        assert {delivery.reference for delivery in folded} == {store.outbox.get(carrier or "").reference}  # type: ignore[union-attr]
    for alert in alerts(desk)[-3:]:
        assert any(alert.id in text for text in desk.told())
    for _ in range(20):
        await desk.poll(HOUR)
    assert len(desk.told()) == 14


async def test_an_update_of_what_was_held_replies_to_the_summary(desk: Desk) -> None:
    for pair in list(combinations(STATES, 2))[:14]:
        publish(desk, FIRE, *pair)
    await desk.poll(MINUTE)
    assert len(desk.told()) == 12
    await desk.poll(HOUR + MINUTE)
    summary = desk.api.to(CHAT)[-1]
    assert "2 alerts held: 2 clash" in summary.text
    held = next(one for one in alerts(desk) if one.id in summary.text)
    names = [name for name in STATES if name in held.headline]
    publish(desk, FIRE, *names, source="herald", more="Another newsroom has its own people there and wrote this.")
    await desk.poll(10 * MINUTE)
    update = desk.api.to(CHAT)[-1]
    assert "UPDATE" in update.text
    assert update.reply_to == summary.message_id


async def test_one_that_waited_alone_is_sent_as_it_is(desk: Desk) -> None:
    for pair in list(combinations(STATES, 2))[:13]:
        publish(desk, FIRE, *pair)
    await desk.poll(MINUTE)
    await desk.poll(HOUR + MINUTE)
    assert len(desk.told()) == 13
    assert not any("held" in text for text in desk.told())


async def test_a_muted_rule_is_told_of_when_the_mute_ends(desk: Desk) -> None:
    mute(desk, desk.now + 2 * HOUR, rule="fi*")
    publish(desk, FIRE, "Armenia", "Azerbaijan")
    publish(desk, FIRE, "Iran", "Iraq")
    publish(desk, RECALL, "China", "Vietnam")
    await desk.poll(10 * MINUTE)
    assert ["recalled" in text for text in desk.told()] == [True]
    muted = [one for one in alerts(desk) if one.rule_id == "fire"]
    assert [states_of(desk, one) for one in muted] == [[DeliveryState.MUTED]] * 2
    with desk.store() as store:
        reasons = {entry.delivery.last_error for entry in store.outbox.entries(states=(DeliveryState.MUTED,))}
    assert reasons == {f"muted by Anna until {desk.now - 10 * MINUTE + 2 * HOUR:%Y-%m-%d %H:%M} UTC: an exercise"}
    await tell(desk, HOUR)
    assert len(desk.told()) == 1
    await tell(desk, HOUR)
    assert "2 alerts held: 2 clash" in desk.told()[1]
    assert "rule fi* was muted by Anna" in desk.told()[1]
    await tell(desk, HOUR)
    assert len(desk.told()) == 2
    assert [states_of(desk, one) for one in muted] == [[DeliveryState.DELIVERED]] * 2


async def tell(desk: Desk, after: timedelta) -> None:
    async with desk.running(after) as parts:
        await parts.tell_silenced()
        await parts.dispatch()


async def test_critical_alerts_pass_a_mute_of_their_state(desk: Desk) -> None:
    mute(desk, desk.now + 2 * HOUR, state="IR")
    publish(desk, WAR, "Iran", "Iraq")
    publish(desk, FIRE, "Iran", "Russia")
    await desk.poll()
    assert [re.sub(":.*", "", text.split("\n")[0]) for text in desk.told()] == ["CRITICAL"]


async def test_a_mute_ended_by_hand_is_told_of_at_once(desk: Desk) -> None:
    one = mute(desk, desk.now + 200 * HOUR, source_id="courier")
    publish(desk, FIRE, "Iran", "Iraq")
    await desk.poll()
    assert desk.told() == []
    with desk.store() as store, store.transaction():
        assert store.mutes.end(one.id, desk.now)
    await tell(desk, MINUTE)
    assert "1 alert held: 1 clash" in desk.told()[0]


async def test_what_a_muted_source_said_is_told_when_another_says_so(desk: Desk) -> None:
    mute(desk, desk.now + 200 * HOUR, source_id="courier")
    publish(desk, FIRE, "Iran", "Iraq")
    await desk.poll()
    assert desk.told() == []
    publish(desk, "Shells fell at dawn. " + FIRE, "Iran", "Iraq", source="herald", more="Nobody was hurt, it said.")
    await desk.poll()
    await tell(desk, MINUTE)
    assert any("Iraq and Iran" in text for text in desk.told())


async def test_a_graver_event_silences_its_companions_and_says_so(desk: Desk) -> None:
    publish(desk, WAR, "Iran", "Iraq")
    await desk.poll()
    publish(desk, RECALL, "Iran", "Iraq")
    publish(desk, RECALL, "Iran", "Russia")  # others are at it
    publish(desk, FIRE, "Iran", "Iraq")  # not so quiet
    await desk.poll(HOUR)
    told = desk.told()[1:]
    assert len(told) == 2
    assert not any("Ambassador" in text and "Iraq" in text for text in told)
    recall = next(one for one in alerts(desk) if one.rule_id == "recall" and "Iraq" in one.headline)
    assert states_of(desk, recall) == [DeliveryState.MUTED]
    publish(desk, "Reports agree. " + WAR, "Iran", "Iraq", source="herald", more="It was read out on television.")
    await desk.poll(HOUR)
    update = desk.told()[-1]
    assert "UPDATE" in update
    assert "Held back meanwhile: Ambassador recalled: Iraq and Iran" in update
    assert states_of(desk, recall) == [DeliveryState.DELIVERED]
    await tell(desk, 100 * HOUR)
    assert desk.told()[-1] == update


async def test_without_an_update_it_is_told_when_the_graver_event_closes(desk: Desk) -> None:
    publish(desk, WAR, "Iran", "Iraq")
    await desk.poll()
    publish(desk, RECALL, "Iran", "Iraq")
    await desk.poll(HOUR)
    await tell(desk, 20 * HOUR)
    assert len(desk.told()) == 1
    await tell(desk, 5 * HOUR)
    assert "1 alert held: 1 rupture" in desk.told()[1]
    assert "of the same states was open: War declared" in desk.told()[1]


async def test_what_was_told_before_the_graver_event_goes_on_being_told(desk: Desk) -> None:
    publish(desk, RECALL, "Iran", "Iraq")
    await desk.poll()
    publish(desk, WAR, "Iran", "Iraq")
    await desk.poll(HOUR)
    before = len(desk.told())
    publish(desk, "Sources say so. " + RECALL, "Iran", "Iraq", source="herald", more="It left by a morning train.")
    await desk.poll(HOUR)
    assert len(desk.told()) in (before, before + 1)
    assert all(DeliveryState.MUTED not in states_of(desk, one) for one in alerts(desk))
