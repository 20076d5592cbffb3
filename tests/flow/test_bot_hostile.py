"""What people could try on the bot: words of others, names of others, one request after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bot_room import BORIS, CHANNEL, CLOSURE, GROUP, OLGA, BotRoom, open_room
from watcher.bot.runtime import Runtime
from watcher.server import Request


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[BotRoom]:
    async with open_room(tmp_path) as room:
        room.configure_bot()
        yield room


async def hears(room: BotRoom, kind: str = "message", **fields: Any) -> None:
    """Nothing; an update that the stand-in's people do not make themselves, written by Boris in private."""
    chat = {"id": BORIS, "type": "private", "first_name": "Boris"}
    message = {"message_id": 1, "date": int(room.now.timestamp()), "chat": chat, "from": {**chat, "is_bot": False}}
    await room.bot.take({"update_id": room.bot._offset + 1, kind: message | fields})


async def test_who_asks_to_be_forgotten_does_not_ask_anew(room: BotRoom) -> None:
    room.api.person(9000, "Eve")
    async with room.listening():
        for _ in range(4):
            await room.says(9000, 9000, "/start")
            question = await room.asks(9000, 9000, "/forget")
            await room.presses(9000, question, "Delete it all")
            room.bot._asked_lately.clear()
        assert len(room.api.to(OLGA)) == 1


async def test_who_was_declined_is_forgotten_and_still_declined(room: BotRoom) -> None:
    async with room.listening():
        room.api.person(9000, "Eve")
        _, request = sorted(await room.says(9000, 9000, "/start"), key=lambda one: one.chat == str(OLGA))
        await room.presses(OLGA, request, "Decline")
        question = await room.asks(9000, 9000, "/forget")
        await room.presses(9000, question, "Delete it all")
        room.now += timedelta(days=20)
        await room.says(9000, 9000, "/start")
        assert len(room.api.to(OLGA)) == 1
        room.now += timedelta(days=20)
        await room.says(9000, 9000, "/start")
        assert len(room.api.to(OLGA)) == 2


async def test_what_is_forwarded_is_no_command(room: BotRoom) -> None:
    """They are the words of somebody else, who may have wished for the reader to pass them on."""
    async with room.listening():
        await room.joins(BORIS, "Get everything")
        before = len(room.api.to(BORIS))
        origin = {"type": "hidden_user", "sender_user_name": "Eve", "date": int(room.now.timestamp())}
        await hears(room, text="/unsubscribe", forward_origin=origin)
        await hears(room, text="/settings quiet 00:00-23:59 UTC", forward_origin=origin)
        assert len(room.api.to(BORIS)) == before


@pytest.mark.parametrize("kind", ["edited_message", "channel_post", "edited_channel_post", "business_message"])
async def test_only_what_is_written_anew_counts(room: BotRoom, kind: str) -> None:
    async with room.listening():
        await room.joins(BORIS, "Get everything")
        before = len(room.api.to(BORIS))
        await hears(room, kind, text="/unsubscribe")
        assert len(room.api.to(BORIS)) == before


async def test_readers_of_a_channel_acknowledge_nothing(room: BotRoom) -> None:
    """Anybody may join a public channel; an acknowledgement keeps others from being told."""
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        room.api.person(9000, "Eve")
        room.api.channel(CHANNEL, "Wire", members={OLGA: "creator", 9000: "member"})
        answer = await room.asks(OLGA, OLGA, f"/subscribe {CHANNEL}")
        await room.presses(OLGA, answer, "Get everything")
        await room.hears_news(CLOSURE)
        alert = room.api.to(CHANNEL)[-1]
        for button in ("Acknowledge", "Useful", "False alarm"):
            assert await room.presses(9000, alert, button, forged=True) != ""
        with room.store() as store:
            (told,) = store.events.alerts(limit=1)
            assert store.events.acknowledgement_of(told.id) is None
            assert all(not one.useful and not one.false_alarms for one in store.feedback.by_rule())
        await room.presses(OLGA, alert, "Acknowledge")
        with room.store() as store:
            assert store.events.acknowledgement_of(told.id) is not None


async def test_a_group_of_strangers_does_not_keep_the_others_waiting(room: BotRoom) -> None:
    """Each of them may lead a group of their own, in which Telegram takes twenty messages a minute."""
    people = range(9000, 9010)
    for person in people:
        room.api.person(person, f"Eve {person}")
    room.api.group(-100999, "Strangers", members=dict.fromkeys(people, "administrator"))
    async with room.listening():
        for _ in range(5):
            for person in people:
                await room.says(person, -100999, "/subscribe")
        assert len(room.api.to(-100999)) <= 6


async def test_groups_that_greet_the_bot_fill_no_table(room: BotRoom) -> None:
    async with room.listening():
        before = rows(room)
        for number in range(30):
            chat = {"id": -100_000_000 - number, "type": "supergroup", "title": "New"}
            boris = {"id": BORIS, "first_name": "Boris", "is_bot": False}
            me = {"id": int(room.bot._id), "first_name": "Bot", "is_bot": True}
            change = {
                "chat": chat,
                "from": boris,
                "date": int(room.now.timestamp()),
                "old_chat_member": {"status": "left", "user": me},
                "new_chat_member": {"status": "member", "user": me},
            }
            await room.bot.take({"update_id": room.bot._offset + 1, "my_chat_member": change})
        assert rows(room) - before <= 4


def rows(room: BotRoom) -> int:
    with room.store() as store:
        return int(store._db.value("SELECT count(*) FROM kept_values"))


async def test_a_secret_that_is_no_text_is_refused(room: BotRoom) -> None:
    async with room.running() as parts:
        assert isinstance(parts._bot, Runtime)
        for secret in ("\udcff\udcfe", "", "x" * 5000, "é"):
            asked = Request("POST", "/", headers={"x-telegram-bot-api-secret-token": secret}, body=b"{}")
            assert (await parts._bot._posted(asked)).status == 403


async def test_a_group_hears_no_requests(room: BotRoom) -> None:
    async with room.listening():
        assert await room.says(BORIS, GROUP, "/start let:ok:xxxx") is not None
        assert all("let:" not in str(one.buttons) for one in room.api.to(GROUP))
