"""`watcher subscribers` beside a daemon whose bot listens, and what other commands know of subscribers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.bot_room import ANNA, BORIS, CHANNEL, CLOSURE, OLGA, BotRoom, open_room
from watcher.cli import make_app
from watcher.errors import WatcherError
from watcher.model import Severity
from watcher.subscriptions import EVERY, NO_STATE


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[BotRoom]:
    async with open_room(tmp_path) as room:
        room.configure_bot()
        yield room


def watcher(room: BotRoom, *words: str) -> Result:
    return CliRunner().invoke(make_app(), [*words, "--config", str(room.config)])


def read(room: BotRoom, *words: str) -> Any:
    result = watcher(room, *words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_an_invitation_of_the_command_proposes_rules(room: BotRoom) -> None:
    async with room.listening():
        await room.says(OLGA, OLGA, "/start")
        room.now = room.now.now(room.now.tzinfo)  # commands live in the present
        made = read(room, "subscribers", "invite", "--uses", "2", "--rules", "border-closed")
        assert made["link"] == f"https://t.me/watcher_bot?start={made['code']}"
        greeting = await room.asks(BORIS, BORIS, f"/start {made['code']}")
        await room.presses(BORIS, greeting, "Get what the invitation proposes")
        recipient = room.recipient(BORIS)
        assert recipient is not None
        assert recipient.rules == ("border-closed",)
        assert [one["uses_left"] for one in read(room, "subscribers", "list")["invitations"]] == [1]
        assert watcher(room, "subscribers", "withdraw", str(made["id"])).exit_code == 0
        assert read(room, "subscribers", "list")["invitations"] == []
        assert "épuisée" in (await room.asks(ANNA, ANNA, f"/start {made['code']}")).text
        assert watcher(room, "subscribers", "invite", "--rules", "border-shut").exit_code == 2
        assert watcher(room, "subscribers", "invite", "--expires", "1000d").exit_code == 2


async def test_approved_and_removed_by_command(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        await room.says(BORIS, BORIS, "/start")
        (asks,) = read(room, "subscribers", "list")["subscribers"]
        assert (asks["status"], asks["title"]) == ("waiting", "Boris")
        assert watcher(room, "subscribers", "approve", asks["id"]).exit_code == 0
        await room.parts.look_at_subscriptions()  # type: ignore[union-attr]
        greeting = await room.api.until(lambda: [one for one in room.api.to(BORIS) if one.buttons])
        await room.presses(BORIS, greeting[0], "Get everything")
        assert read(room, "subscribers", "show", asks["id"])["rules"] == [EVERY]
        assert watcher(room, "mute", "add", "--rule", "border-fire", "--until", "2h", "--reason", "x", "--recipient", asks["id"]).exit_code == 0  # fmt: skip
        assert watcher(room, "subscribers", "remove", asks["id"]).exit_code == 0
        await room.parts.look_at_subscriptions()  # type: ignore[union-attr]
        await room.hears_news(CLOSURE)
        assert room.alerts(BORIS) == []
        assert (await room.asks(BORIS, BORIS, "/settings")).text.startswith("I answer only")
        for words in (
            ("approve", "chat-nobody"),
            ("remove", "chat-nobody"),
            ("show", "chat-nobody"),
            ("withdraw", "9"),
        ):
            assert isinstance(watcher(room, "subscribers", *words).exception, WatcherError)


async def test_a_channel_is_added_by_command(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        assert watcher(room, "subscribers", "add", str(CHANNEL), "--title", "Wire").exit_code == 2  # to what?
        added = watcher(room, "subscribers", "add", str(CHANNEL), "--title", "Wire", "--everything")
        assert added.exit_code == 0, added.output
        await room.parts.look_at_subscriptions()  # type: ignore[union-attr]
        await room.hears_news(CLOSURE)
        assert len(room.alerts(CHANNEL)) == 1
        assert "subscribers 1" in watcher(room, "status").output
        again = watcher(room, "subscribers", "add", str(CHANNEL), "--title", "Wire", "--everything")
        assert "subscribed already" in str(again.exception)


async def test_explain_knows_subscribers(room: BotRoom, tmp_path: Path) -> None:
    async with room.listening():
        await room.joins(BORIS, "Get everything")
        recipient = room.recipient(BORIS)
        assert recipient is not None
        assert recipient.min_severity is Severity.WATCH
    article = tmp_path / "article.txt"
    article.write_text(CLOSURE)
    result = watcher(room, "rules", "explain", str(article), "--rule", "border-closed")
    assert recipient.id in result.output, result.output


async def test_events_without_a_state_are_a_choice_of_their_own(room: BotRoom) -> None:
    rule = """\
rule: RULE-closed
title: A RULE somewhere
status: stable
family: closure
severity: warning
languages: [en]
look_for:
  closed: {phrases: [the RULE is closed]}
"""
    room.configure_bot(rules=rule.replace("RULE", "border") + "---\n" + rule.replace("RULE", "tunnel"))
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        page = await room.joins(BORIS, "Get everything", "States", "Western Asia", "Armenia")
        await room.hears_news("Shepherds say that the border is closed.")
        assert room.alerts(BORIS) == []
        await room.presses(BORIS, page, "‹ Back", "Events that name no state")
        recipient = room.recipient(BORIS)
        assert recipient is not None
        assert recipient.states == (NO_STATE, "AM")
        await room.hears_news("Traders say that the tunnel is closed, too.")
        assert len(room.alerts(BORIS)) == 1
