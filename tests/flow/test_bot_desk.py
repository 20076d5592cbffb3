"""Buttons under alerts, pressed as people press them: in private, in a group, in a topic; who may, and who may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot_api import Fault
from tests.bot_desk import (
    ANNA,
    BORIS,
    BOSS,
    CLARA,
    CLASH,
    CONFIRMS,
    DAVID,
    EVA,
    FORUM,
    GROUP,
    OPERATOR,
    OTHERS,
    SMALL,
    TOPIC,
    Stage,
    alert_id,
    open_stage,
)
from tests.builders import delivery
from watcher.model import AlertKind, DeliveryState, Severity
from watcher.routing import compose_notice
from watcher.store.feedback import Verdict

NOTHING_HERE = "Nothing to do here."


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as place:
        yield place


async def test_who_acknowledges_is_shown_wherever_the_event_was_told_and_nobody_is_escalated_to(stage: Stage) -> None:
    async with stage.bot() as talk:
        toast, sent = await talk.presses(BORIS, talk.alert(GROUP), "Acknowledge")
        assert toast == "Noted: you look after it."
        assert [(one.chat, one.text, one.is_silent) for one in sent] == [
            (str(GROUP), "✓ Boris looks after it, since 16:20 UTC.", True)
        ]
        assert talk.labels(talk.alert(GROUP))[0] == "✓ Boris, 16:20 UTC"
        await talk.dispatch()
        shown = [talk.labels(talk.alert(chat))[:2] for chat in (ANNA, GROUP, FORUM)]
        assert shown == [["✓ Boris, 16:20 UTC", "Utile"], *[["✓ Boris, 16:20 UTC", "Useful"]] * 2]
        sent_before = len(stage.api.accepted)
        toast, sent = await talk.presses(ANNA, talk.alert(ANNA), "✓ Boris, 16:20 UTC")
        assert (toast, sent) == ("Boris s’en occupe déjà, depuis 16:20 UTC.", [])
        stage.now += timedelta(hours=1)
        await talk.dispatch()
        assert stage.api.to(BOSS) == []
        assert len(stage.api.accepted) == sent_before  # nobody heard a sound for it


async def test_the_escalation_is_acknowledged_by_whom_it_reached(stage: Stage) -> None:
    async with stage.bot(timedelta(minutes=30)) as talk:
        await talk.dispatch()
        toast, sent = await talk.presses(BOSS, talk.alert(BOSS), "Acknowledge")
        assert (toast, sent) == ("Noted: you look after it.", [])  # in private the button is enough
        await talk.dispatch()
        assert talk.labels(talk.alert(GROUP))[0] == talk.labels(talk.alert(BOSS))[0] == "✓ Chief, 16:50 UTC"
        await talk.presses(BOSS, talk.alert(BOSS), "False alarm")
        toast, _ = await talk.presses(BOSS, talk.alert(BOSS), "Useful")
        assert toast == "Changed. Noted now: Useful."
        [clash] = [one for one in talk.store.feedback.by_rule() if one.rule_id == "border-fire"]
        assert (clash.alerts, clash.useful, clash.false_alarms) == (1, 1, 0)  # the alert itself, not its repetition


async def test_an_acknowledgement_in_a_topic_does_not_cover_what_comes_later(stage: Stage) -> None:
    async with stage.bot() as talk:
        _, sent = await talk.presses(EVA, talk.alert(FORUM, TOPIC), "Acknowledge")
        assert [(one.chat, one.thread) for one in sent] == [(str(FORUM), TOPIC)]
        await talk.dispatch()
    stage.publish(CONFIRMS, "radio")
    await stage.poll()
    async with stage.bot() as talk:
        first, update = stage.api.sees(FORUM, TOPIC)[0], talk.alert(FORUM, TOPIC)
        assert talk.labels(first)[0] == "✓ Eva, 16:20 UTC"
        assert talk.labels(update)[0] == "Acknowledge"


async def test_a_verdict_is_kept_for_the_rule_and_may_be_changed(stage: Stage) -> None:
    async with stage.bot() as talk:
        message = talk.alert(GROUP)
        said = [
            (await talk.presses(person, message, button))[0]
            for person, button in ((EVA, "Useful"), (EVA, "Useful"), (EVA, "False alarm"), (BORIS, "Useful"))
        ]
        assert said == [
            "Thank you. Noted: Useful.",
            "You said so already: Useful.",
            "Changed. Noted now: False alarm.",
            "Thank you. Noted: Useful.",
        ]
        [closed, fire] = talk.store.feedback.by_rule()
        assert (fire.rule_id, fire.alerts, fire.useful, fire.false_alarms, fire.disputed) == ("border-fire", 1, 0, 0, 1)
        assert (closed.rule_id, closed.alerts, closed.useful, closed.false_alarms) == ("border-closed", 1, 0, 0)
        with talk.store.transaction():
            assert talk.store.feedback.forget(EVA) == 1
            assert talk.store.feedback.forget(EVA) == 0
        assert talk.store.feedback.verdict_of(alert_id(message), EVA) is None
        assert talk.store.feedback.verdict_of(alert_id(message), BORIS) is Verdict.USEFUL


async def test_a_mute_is_of_the_chat_alone_and_is_told_when_it_is_over(stage: Stage) -> None:
    async with stage.bot() as talk:
        toast, sent = await talk.presses(EVA, talk.alert(GROUP), "Mute")
        assert (toast, sent) == ("Only administrators of this chat can do that.", [])
        assert "8 h" not in talk.labels(talk.alert(GROUP))
        await talk.presses(BORIS, talk.alert(GROUP), "Mute")
        assert talk.labels(talk.alert(GROUP)) == [
            *("1 h", "8 h", "24 h", "Until the event closes", "Critical alerts: still sent", "Back")
        ]
        toast, _ = await talk.presses(EVA, talk.alert(GROUP), "8 h")
        assert toast == "Only administrators of this chat can do that."
        _, [line] = await talk.presses(BORIS, talk.alert(GROUP), "8 h")
        assert line.text.startswith("Muted here: “Fire across a border: Armenia and Azerbaijan")
        assert line.text.endswith(", until 2022-09-15 00:20 UTC. Critical alerts are still sent.")
        assert talk.labels(talk.alert(GROUP))[0] == "Acknowledge"
        [mute] = talk.store.mutes.in_force(stage.now)
        assert (mute.recipient_id, mute.by, mute.also_critical) == ("group", "Boris", False)
    stage.publish(CONFIRMS, "radio")
    await stage.poll()
    assert [len(stage.api.to(chat)) for chat in (ANNA, GROUP)] == [2, 2]  # the group's second is the bot's own line
    stage.now += timedelta(hours=8)
    async with stage.bot() as talk:
        await talk.parts.tell_silenced()
        await talk.dispatch()
        assert "Fire across a border" in stage.api.to(GROUP)[-1].text


async def test_a_mute_with_critical_alerts_to_the_end_of_the_event(stage: Stage) -> None:
    async with stage.bot() as talk:
        for button in ("Sourdine", "Alertes critiques : envoyées quand même", "Jusqu’à la fin de l’événement"):
            await talk.presses(ANNA, talk.alert(ANNA), button)
        [mute] = talk.store.mutes.in_force(stage.now)
        assert (mute.recipient_id, mute.also_critical, mute.to_the_end) == ("anna", True, True)
        event = talk.store.events.get(mute.event_id or "")
        assert event is not None
        assert mute.until_at == event.last_seen_at + event.group_for
    stage.publish(CONFIRMS, "radio")
    await stage.poll(timedelta(hours=1))
    with stage.store() as store:
        [moved] = store.mutes.in_force(stage.now)
        assert moved.until_at - mute.until_at == timedelta(minutes=20)  # with the new report
        silenced = [one.delivery.recipient_id for one in store.outbox.entries(states=[DeliveryState.MUTED])]
        assert silenced == ["anna"]
        with store.transaction():
            assert store.mutes.end(moved.id, moved.until_at - timedelta(seconds=1))
        assert store.mutes.in_force(stage.now) == ()


async def test_sources_and_evidence_answer_the_alert_without_a_sound(stage: Stage) -> None:
    stage.publish(CONFIRMS, "radio")
    await stage.poll()
    async with stage.bot() as talk:
        message = talk.alert(GROUP)
        _, [sources] = await talk.presses(EVA, message, "Sources")
        assert (sources.reply_to, sources.is_silent) == (message.message_id, True)
        assert "✓ The Courier — independent\n2022-09-14 16:00 UTC http://127.0.0.1:" in sources.text
        assert "✓ Radio Nine — newsroom" in sources.text
        _, [evidence, page] = await talk.presses(EVA, message, "Evidence")
        assert "Rule: Fire across a border (border-fire)" in evidence.text
        assert "“exchanged fire”" in evidence.text
        assert "SHA-256 " in evidence.text
        assert f"watcher verify {alert_id(message)}" in evidence.text
        assert (page.file_name, page.is_silent) == (f"alert-{alert_id(message)}.html", True)
        assert page.document.startswith(b"<!doctype html>") or page.document.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("act", ["ack:{id}", "useful:{id}", "false:{id}", "mute:{id}", "mute:{id}:8h:all", "keep:{id}",
                                 "sources:{id}", "evidence:{id}"])  # fmt: skip
async def test_nobody_acts_on_the_alert_of_another_chat(stage: Stage, act: str) -> None:
    """A changed app sends any data; the answer is that of an id which nobody has."""
    async with stage.bot() as talk:
        clash, closure = alert_id(talk.alert(GROUP)), alert_id(talk.alert(OTHERS))
        requests = len(stage.api.calls)
        foreign = [
            await talk.presses(DAVID, talk.alert(OTHERS), act.format(id=clash), forged=True),  # an administrator there
            await talk.presses(OPERATOR, talk.alert(OTHERS), act.format(id=clash), forged=True),
            await talk.presses(BORIS, talk.alert(GROUP), act.format(id=closure), forged=True),
            await talk.presses(EVA, talk.alert(FORUM, TOPIC), act.format(id=closure), forged=True),
        ]
        unknown = await talk.presses(DAVID, talk.alert(OTHERS), act.format(id="nosuchid23"), forged=True)
        assert [*foreign, unknown] == [(NOTHING_HERE, [])] * 5
        methods = {call.method for call in stage.api.calls[requests:]}
        assert not {method for method in methods if method.startswith(("send", "edit"))}
        assert talk.store.events.acknowledgement_of(clash) is None
        assert talk.store.events.acknowledgement_of(closure) is None
        assert talk.store.mutes.recent(10) == ()
        assert all(not one.useful + one.false_alarms for one in talk.store.feedback.by_rule())


@pytest.mark.parametrize("data", ["ack", "ack:", "ack:a b", "mute:{id}:9h", "useful:{id}:all", "held:all", "held",
                                  "unmute:x", "unmute:1", "ack:{id}:{id}"])  # fmt: skip
async def test_what_no_button_carries_does_nothing(stage: Stage, data: str) -> None:
    async with stage.bot() as talk:
        message = talk.alert(GROUP)
        toast, sent = await talk.presses(BORIS, message, data.format(id=alert_id(message)), forged=True)
        assert toast in (NOTHING_HERE, "There is no mute x here.", "There is no mute 1 here.")
        assert sent == []
        assert stage.api.refusals == []


async def test_an_alert_of_many_rules_is_one_judgement_for_each(stage: Stage) -> None:
    stage.publish(f"{CLASH} Armenia closed its border with Azerbaijan.")
    await stage.poll()
    async with stage.bot() as talk:
        await talk.presses(CLARA, talk.alert(OTHERS), "Useful")
        found = {one.rule_id: (one.useful, one.false_alarms) for one in talk.store.feedback.by_rule()}
        assert found["border-closed"] == (1, 0)


async def test_an_exercise_is_received_in_each_place_by_who_is_first(stage: Stage) -> None:
    exercise = replace(
        compose_notice("drill", "Exercise", "Nothing happened.", Severity.CRITICAL, stage.now), kind=AlertKind.EXERCISE
    )
    async with stage.bot() as talk:
        with talk.store.transaction():
            talk.store.events.save_alert(exercise)
            talk.store.outbox.add(
                delivery(id=name, alert_id=exercise.id, recipient_id=name, target=target, not_before_at=stage.now)
                for name, target in (("group", str(GROUP)), ("topic", f"{FORUM}/{TOPIC}"))
            )
        await talk.dispatch()
        in_group, in_topic = stage.api.sees(GROUP)[-1], stage.api.sees(FORUM, TOPIC)[-1]
        assert talk.labels(in_group) == talk.labels(in_topic) == ["Received"]
        assert await talk.presses(EVA, in_group, "Received") == ("Thank you. The exercise arrived.", [])
        stage.now += timedelta(minutes=1)
        await talk.presses(BORIS, in_group, "✓ Eva, 16:20 UTC")
        assert talk.labels(in_group) == ["✓ Eva, 16:20 UTC"]
        assert talk.labels(in_topic) == ["Received"]
        assert [who for who, _ in talk.store.told.receipts(exercise.id).values()] == ["Eva"]
        with talk.store.transaction():
            talk.store.subscriptions.forget(EVA, stage.now)
        assert "Eva" not in str(talk.store.told.receipts(exercise.id))
        for act in ("useful", "mute", "sources", "evidence"):
            answer = await talk.presses(BORIS, in_group, f"{act}:{exercise.id}", forged=True)
            assert answer == (NOTHING_HERE, [])
        answer = await talk.presses(DAVID, talk.alert(OTHERS), f"ack:{exercise.id}", forged=True)
        assert answer == (NOTHING_HERE, [])


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_lost_answer_of_telegram_costs_no_acknowledgement(stage: Stage, fault: str) -> None:
    async with stage.bot() as talk:
        stage.api.answer("editmessagereplymarkup", Fault(lose=fault))
        toast, _ = await talk.presses(BORIS, talk.alert(GROUP), "Acknowledge")
        assert toast == "Noted: you look after it."
        assert talk.store.events.acknowledgement_of(alert_id(talk.alert(GROUP))) is not None
        await talk.dispatch()
        assert talk.labels(talk.alert(ANNA))[0] == "✓ Boris, 16:20 UTC"


NEW = -100424242
MIGRATING = f"""
[[recipients]]
id = "small"
channel = "telegram"
to = "{SMALL}"
rules = ["border-fire"]
"""


async def test_a_group_that_moved_acts_on_what_it_was_told_before_and_after(tmp_path: Path) -> None:
    async with open_stage(tmp_path, MIGRATING) as stage:
        await stage.api.migrates(SMALL, NEW)
        stage.publish(CONFIRMS, "radio")
        await stage.poll()
        async with stage.bot() as talk:
            message = talk.alert(NEW)
            assert (await talk.presses(EVA, message, "Acknowledge"))[0] == "Noted: you look after it."
            await talk.presses(BORIS, message, "Mute")
            await talk.presses(BORIS, message, "1 h")
            assert [mute.recipient_id for mute in talk.store.mutes.in_force(stage.now)] == ["small"]
            [last] = await talk.says(EVA, NEW, "/last 1")
            assert alert_id(message) in last.text
