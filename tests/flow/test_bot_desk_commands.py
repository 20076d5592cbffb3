"""Commands that look and mute, written as people write them; each place sees its own, and no id of anybody else's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.bot_desk import (
    ANNA,
    BORIS,
    BOSS,
    CLARA,
    CONFIRMS,
    DAVID,
    EVA,
    FORUM,
    GROUP,
    OPERATOR,
    OTHERS,
    TOPIC,
    Stage,
    alert_id,
    open_stage,
)
from watcher.bot import looking as looking_module
from watcher.bot.acting import until_when
from watcher.model import DeliveryState, Severity
from watcher.routing import compose_notice


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as place:
        yield place


async def test_last_is_of_the_place(stage: Stage) -> None:
    async with stage.bot() as talk:
        clash, closure = alert_id(talk.alert(GROUP)), alert_id(talk.alert(OTHERS))
        [here] = await talk.says(EVA, GROUP, "/last")
        assert here.text == f"2022-09-14 16:10 UTC · warning\nFire across a border: Armenia and Azerbaijan [{clash}]"
        [there] = await talk.says(CLARA, OTHERS, "/last@watcher_bot 3")
        assert f"[{closure}]" in there.text
        assert clash not in there.text
        [topic] = await talk.says(EVA, FORUM, "/last", TOPIC)
        assert (topic.thread, f"[{clash}]" in topic.text) == (TOPIC, True)
        [elsewhere] = await talk.says(EVA, FORUM, "/last", TOPIC + 1)  # another topic of the same forum
        assert elsewhere.text == "No alert has come here yet."
        [every] = await talk.says(OPERATOR, OPERATOR, "/last 99999999999")
        assert clash in every.text
        assert closure in every.text
        [in_group] = await talk.says(OPERATOR, OTHERS, "/last")
        assert clash not in in_group.text  # everybody in the group would read it


@pytest.mark.parametrize("command", ["event", "why"])
async def test_an_id_of_another_chat_is_an_unknown_id(stage: Stage, command: str) -> None:
    async with stage.bot() as talk:
        clash, closure = alert_id(talk.alert(GROUP)), alert_id(talk.alert(OTHERS))
        clash_alert = talk.store.events.get_alert(clash)
        assert clash_alert is not None
        asked = [
            (DAVID, OTHERS, None, clash),
            (DAVID, OTHERS, None, clash_alert.event_id),
            (OPERATOR, OTHERS, None, clash),
            (BORIS, GROUP, None, closure),
            (EVA, FORUM, TOPIC + 1, clash),
            (EVA, FORUM, TOPIC, closure),
            (DAVID, OTHERS, None, "nosuchid23"),
        ]
        for person, chat, thread, name in asked:
            [answer] = await talk.says(person, chat, f"/{command} {name}", thread)
            assert (answer.text, answer.photo) == (f"There is no {name} here.", b"")
        [answer] = await talk.says(CLARA, OTHERS, f"/{command}")
        assert answer.text.startswith(f"Which one? Write /{command} and the id")
        own = await talk.says(DAVID, OTHERS, f"/{command} {closure}")
        assert "A border is closed" in own[0].text


async def test_nobody_outside_learns_anything(stage: Stage) -> None:
    """Who is in no chat that gets alerts, in private and with any command."""
    async with stage.bot() as talk:
        clash = alert_id(talk.alert(GROUP))
        for text in ("/last", f"/event {clash}", f"/why {clash}", "/sources", "/status", "/held", f"/mute {clash} 8h"):
            for answer in await talk.says(DAVID, DAVID, text):
                assert not any(word in answer.text for word in (clash, "order", "Courier", "16:"))
        assert talk.store.mutes.recent(5) == ()


async def test_an_event_with_its_reports_and_a_picture_of_them(stage: Stage) -> None:
    stage.publish(CONFIRMS, "radio")
    await stage.poll()
    async with stage.bot() as talk:
        text, picture = await talk.says(EVA, GROUP, f"/event [{alert_id(talk.alert(GROUP)).upper()}].")
        lines = text.text.splitlines()
        assert lines[0] == "warning · Fire across a border: Armenia and Azerbaijan"
        assert "2 independent newsrooms say so" in lines
        assert "Armenia, Azerbaijan" in lines
        assert [line for line in lines if line.startswith("● ")] == [
            "● 2022-09-14 16:00 UTC The Courier: Report 1",
            "● 2022-09-14 16:20 UTC Radio Nine: Report 3",
        ]
        assert picture.photo.startswith(b"\x89PNG")
        assert picture.text.startswith("Reports over time")
        await talk.presses(BORIS, talk.alert(GROUP), "Acknowledge")
        again = await talk.says(EVA, GROUP, f"/event {alert_id(talk.alert(GROUP))}")
        assert "✓ Boris looks after it, since 16:30 UTC." in again[0].text


async def test_without_matplotlib_the_chart_is_text(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_module, "can_draw", lambda: False)
    async with stage.bot() as talk:
        [answer] = await talk.says(EVA, GROUP, f"/event {alert_id(talk.alert(GROUP))}")
        assert answer.text.splitlines()[-1] == "09-14 16:00 ● The Courier"
        assert answer.photo == b""


async def test_why_in_plain_words(stage: Stage) -> None:
    async with stage.bot() as talk:
        [answer] = await talk.says(ANNA, ANNA, f"/why {alert_id(talk.alert(ANNA))}")
        assert "Règle : Fire across a border (border-fire)" in answer.text
        assert "• “exchanged fire” — donné pour arrivé" in answer.text
        assert "• “Armenian” — Arménie" in answer.text
        assert "“Armenian and Azerbaijani troops exchanged fire on Wednesday" in answer.text
        assert answer.text.endswith("— The Courier")


async def test_sources_and_status(stage: Stage) -> None:
    async with stage.bot() as talk:
        [sources] = await talk.says(EVA, GROUP, "/sources")
        assert sources.text == "2 sources are read:\n● Radio Nine: works\n● The Courier — independent: works"
        [one] = await talk.says(EVA, GROUP, "/sources courier")
        assert one.text == "1 source is read:\n● The Courier — independent: works"
        [status] = await talk.says(EVA, GROUP, "/status")
        assert status.text.splitlines() == [
            "The news was read last at 2022-09-14 16:20 UTC.",
            "2 sources, and all of them work.",
            "No message waits to be sent.",
        ]
        [figures] = await talk.says(OPERATOR, OPERATOR, "/status")
        assert "2 articles · 2 open events · 2 alerts" in figures.text
        [in_group] = await talk.says(OPERATOR, GROUP, "/status")
        assert in_group.text == status.text


async def test_mute_and_unmute_by_command(stage: Stage) -> None:
    async with stage.bot() as talk:
        clash = alert_id(talk.alert(GROUP))
        [refused] = await talk.says(EVA, GROUP, f"/mute {clash} 8h")
        assert refused.text == "Only administrators of this chat can do that."
        [event] = await talk.says(BORIS, GROUP, f"/mute {clash} 8h")
        assert event.text.startswith("Muted here: “Fire across a border: Armenia and Azerbaijan")
        [rule] = await talk.says(BORIS, GROUP, "/mute border-* until 07:00 all")
        assert rule.text == ("Muted here: rule border-*, until 2022-09-15 07:00 UTC. Critical alerts are muted, too.")
        [state] = await talk.says(BORIS, GROUP, "/mute state armenia 2d")
        assert state.text == (
            "Muted here: everything about Armenia, until 2022-09-16 16:20 UTC. Critical alerts are still sent."
        )
        [listed] = await talk.says(EVA, GROUP, "/mute")
        assert [line[:24] for line in listed.text.splitlines()[1:4]] == [
            "1. “Fire across a border",
            "2. rule border-*, until ",
            "3. everything about Arme",
        ]
        assert listed.buttons == ()
        [of_manager] = await talk.says(BORIS, GROUP, "/mute")
        toast, _ = await talk.presses(BORIS, of_manager, "End mute 2")
        assert toast == "Mute 2 is over. What it held back, if anything, follows in one message."
        assert "border-*" not in talk.stage.api.sees(GROUP)[-1].text
        [foreign] = await talk.says(DAVID, OTHERS, "/unmute 1")
        assert foreign.text == "There is no mute 1 here."
        [member] = await talk.says(EVA, GROUP, "/unmute 1")
        assert "administrator" in member.text.lower()
        [done] = await talk.says(BORIS, GROUP, "/unmute 1")
        assert done.text.startswith("Mute 1 is over.")
        assert [mute.id for mute in talk.store.mutes.in_force(stage.now)] == [3]
        assert {mute.recipient_id for mute in talk.store.mutes.recent(9)} == {"group"}


async def test_a_mute_without_a_time_is_asked_for_it(stage: Stage) -> None:
    async with stage.bot() as talk:
        [asked] = await talk.says(BORIS, GROUP, f"/mute {alert_id(talk.alert(GROUP))}")
        assert asked.text.startswith("Mute “Fire across a border: Armenia and Azerbaijan")
        await talk.presses(BORIS, asked, "24 h")
        [mute] = talk.store.mutes.in_force(stage.now)
        assert mute.until_at == stage.now + timedelta(hours=24)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/mute nothing-such 8h", "There is no event, rule or state “nothing-such” here."),
        ("/mute border-fire soon", "“soon” is no time that I understand."),
        ("/mute border-fire 91d", "“91d” is no time that I understand."),
        ("/mute border-fire 9999999999d", "“9999999999d” is no time that I understand."),
        ("/mute border-fire 25:00", "“25:00” is no time that I understand."),
        ("/mute border-fire 2021-01-01", "“2021-01-01” is no time that I understand."),
        ("/mute border-fire", "To mute: /mute ID 8h"),
        ("/mute event", "There is no event, rule or state “event” here."),
        ("/mute all", "There is no event, rule or state “” here."),
        ("/unmute", "Nothing is muted here."),
        ("/unmute 99", "There is no mute 99 here."),
    ],
)
async def test_what_is_no_mute_is_explained(stage: Stage, typed: str, expected: str) -> None:
    async with stage.bot() as talk:
        [answer] = await talk.says(BORIS, GROUP, typed)
        assert answer.text.startswith(expected)
        assert talk.store.mutes.recent(5) == ()
        [foreign] = await talk.says(DAVID, OTHERS, f"/mute {alert_id(talk.alert(GROUP))} 8h")
        assert foreign.text.startswith("There is no event, rule or state “")


NOW = datetime(2022, 9, 14, 16, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "zone", "expected"),
    [
        ("8h", "UTC", "2022-09-15T00:20"),
        ("для 2d", "UTC", "2022-09-16T16:20"),
        ("until 07:00", "UTC", "2022-09-15T07:00"),
        ("7:00", "Asia/Yerevan", "2022-09-15T03:00"),
        ("bis 23:00 Asia/Yerevan", "UTC", "2022-09-14T19:00"),
        ("20:20", "Asia/Yerevan", "2022-09-15T16:20"),  # just now: tomorrow's
        ("2022-10-01", "Asia/Yerevan", "2022-10-01T00:00"),
        ("until 2022-10-01 08:00", "Asia/Yerevan", "2022-10-01T04:00"),
        ("2022-10-01 08:00 Europe/Paris", "UTC", "2022-10-01T06:00"),
    ],
)
def test_until_when(words: str, zone: str, expected: str) -> None:
    assert until_when(words.split(), NOW, zone).strftime("%Y-%m-%dT%H:%M") == expected


@pytest.mark.parametrize(
    "words", ["", "until", "07:00 Nowhere/Town", "24:00", "0h", "-3h", "99999d", "2022-09-14", "a b c"]
)
def test_no_time(words: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        until_when(words.split(), NOW, "UTC")


QUIET = f"""
[[recipients]]
id = "night"
channel = "telegram"
to = "{CLARA}"
rules = ["border-fire"]
quiet_hours = "16:00-23:00 UTC"
"""


async def test_what_is_held_is_shown_and_sent_at_once(tmp_path: Path) -> None:
    async with open_stage(tmp_path, QUIET) as stage, stage.bot() as talk:
        assert stage.api.to(CLARA) == []
        [held] = await talk.says(CLARA, CLARA, "/held")
        assert held.text.startswith("1 alert is held here:\n• Fire across a border: Armenia and Azerbaijan [")
        assert held.text.endswith("]: quiet hours, until 2022-09-14 23:00 UTC")
        toast, _ = await talk.presses(CLARA, held, "Send now")
        assert toast == "1 alert is on its way."
        await talk.dispatch()
        assert "Fire across a border" in stage.api.to(CLARA)[-1].text
        assert [one.delivery.state for one in talk.store.outbox.entries(recipient_id="night")] == [
            DeliveryState.DELIVERED
        ]
        [after] = await talk.says(CLARA, CLARA, "/held")
        assert after.text == "Nothing is held back here."
        toast, _ = await talk.presses(CLARA, held, "held:send", forged=True)
        assert toast == "Nothing is held back here."


async def test_what_is_muted_is_held_and_is_not_sent_by_asking(stage: Stage) -> None:
    async with stage.bot() as talk:
        await talk.says(BORIS, GROUP, "/mute border-fire 8h")
    stage.publish(CONFIRMS, "radio")
    await stage.poll()
    async with stage.bot() as talk:
        [held] = await talk.says(EVA, GROUP, "/held")
        assert held.text.endswith("]: muted")
        assert held.buttons == ()
        [other] = await talk.says(DAVID, OTHERS, "/held")
        assert other.text == "Nothing is held back here."
        toast, _ = await talk.presses(EVA, talk.alert(GROUP), "held:send", forged=True)
        assert toast == "This is not for you to change."


async def test_an_escalation_that_waits_is_nobodys_news_yet(stage: Stage) -> None:
    async with stage.bot() as talk:
        clash = alert_id(talk.alert(GROUP))
        [escalation] = [one for one in talk.store.outbox.entries() if one.delivery.recipient_id == "boss"]
        assert escalation.delivery.state is DeliveryState.PENDING
        for text in ("/last", "/held"):
            [answer] = await talk.says(BOSS, BOSS, text)
            assert clash not in answer.text
        for name in (clash, escalation.delivery.alert_id):
            [answer] = await talk.says(BOSS, BOSS, f"/event {name}")
            assert answer.text == f"There is no {name} here."


async def test_a_message_without_an_event_is_read_whole_where_it_was_told(stage: Stage) -> None:
    async with stage.bot() as talk:
        told = next(one.delivery for one in talk.store.outbox.entries() if one.delivery.target == str(GROUP))
        notice = compose_notice("disk", "The <disk> is full", "Nothing more fits.", Severity.WARNING, stage.now)
        with talk.store.transaction():
            talk.store.events.save_alert(notice)
            talk.store.outbox.add((replace(told, id="d1", alert_id=notice.id),))
        [answer] = await talk.says(EVA, GROUP, f"/event {notice.id}")
        assert answer.text == f"NOTICE: The <disk> is full\n\nNothing more fits.\n\nAlert {notice.id}"
        [elsewhere] = await talk.says(CLARA, OTHERS, f"/event {notice.id}")
        assert elsewhere.text == f"There is no {notice.id} here."


@pytest.mark.parametrize("form", ["text", "json"])
async def test_rules_by_what_people_say(stage: Stage, form: str) -> None:
    async with stage.bot() as talk:
        for person in (EVA, BORIS):
            await talk.presses(person, talk.alert(GROUP), "Useful")
        await talk.presses(CLARA, talk.alert(OTHERS), "False alarm")
    command = ("-m", "watcher", "rules", "stats", "--config", str(stage.config), "--format", form)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 0
    if form == "json":
        by_rule = {one["rule"]: one for one in json.loads(printed)}
        assert by_rule["border-fire"] == {
            "rule": "border-fire",
            "alerts": 1,
            "useful": 1,
            "false_alarms": 0,
            "disputed": 0,
            "precision": 1.0,
            "precision_low": 0.2065,
            "precision_high": 1.0,
            "last_alert": "2022-09-14T16:10:00+00:00",
        }
        assert by_rule["border-closed"]["precision"] == 0.0
    else:
        assert "21% and 100%" in printed
        assert "0% and 79%" in printed
