"""The bot's loop: each update once, poison skipped, refusals told and survived, webhooks, old updates, floods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from tests.bot_api import BotApi, Fault, migrated
from tests.bot_room import ANNA, BORIS, CLOSURE, OLGA, BotRoom, open_room
from watcher.bot.runtime import Runtime, fit
from watcher.bot.talk import Answer, Asked, Command, Role
from watcher.daemon import Parts
from watcher.render import utf16_units
from watcher.server import Admission, Endpoint


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[BotRoom]:
    async with open_room(tmp_path) as room:
        room.configure_bot()
        yield room


def bot_notices(room: BotRoom) -> list[str]:
    return [text.splitlines()[0] for text in room.told(str(OLGA)) if "bot" in text.lower()]


async def test_each_update_is_handled_once_over_restarts(room: BotRoom) -> None:
    async with room.listening():
        await room.says(BORIS, BORIS, "/start")
    await room.api.says(BORIS, BORIS, "/help")
    async with room.listening():
        await room.api.until(lambda: room.api.pending == 0)
    async with room.listening():
        await room.says(BORIS, BORIS, "/help")
    texts = [one.text for one in room.api.to(BORIS)]
    assert len(texts) == 3
    assert len([one for one in room.api.to(OLGA) if "asks to be let in" in one.text]) == 1


async def test_an_update_that_breaks_a_handler_is_skipped_with_an_apology(room: BotRoom) -> None:
    async def breaks(asked: Asked) -> list[Answer]:
        raise ZeroDivisionError(asked.message_id)

    async with room.listening():
        room.bot._desk.commands["break"] = Command(breaks, Role.STRANGER)
        answer = await room.asks(BORIS, BORIS, "/break")
        assert answer.text.startswith("Sorry, something went wrong")
        assert (await room.asks(BORIS, BORIS, "/help")).text.startswith("I answer only")


async def test_an_update_that_kills_the_process_is_given_up(room: BotRoom) -> None:
    update_id = await room.api.says(BORIS, BORIS, "/help")
    for _ in range(2):  # it died over this one twice
        async with room.running() as parts:
            assert parts._bot is not None
            parts._bot._begin(update_id or 0)
    async with room.listening():
        await room.api.confirmed(update_id)
        assert room.api.to(BORIS) == []
        assert await room.says(BORIS, BORIS, "/help") != []


async def test_updates_that_nobody_can_read_are_skipped(room: BotRoom) -> None:
    async with room.listening():
        for raw in (
            {"update_id": 1, "message": {"chat": "no chat"}},
            {"update_id": 2, "message": 7},
            {"update_id": "x"},
        ):
            await room.bot.take(raw)
        assert room.bot._offset == 3


async def test_a_refused_token_is_told_and_survived(room: BotRoom) -> None:
    async with room.listening():
        await room.says(BORIS, BORIS, "/help")
        room.api.is_revoked = True
        await room.api.says(BORIS, BORIS, "/help")
        await room.api.until(lambda: room.notices().get("bot") == "token refused")
        before = len(room.pauses)
        await room.api.until(lambda: len(room.pauses) >= before + 3)
        growing = room.pauses[before : before + 3]
        assert growing == sorted(growing)
        assert max(room.pauses) <= 600
        room.api.is_revoked = False
        await room.api.until(lambda: room.notices().get("bot") == "ok")
        await room.api.until(lambda: room.api.pending == 0)
        await room.parts.dispatch()  # type: ignore[union-attr]
        assert (
            bot_notices(room)[-2:]
            == [
                "Telegram refuses the bot's token: nothing is sent or heard there",
                "The bot hears people again",
            ]
            or len(bot_notices(room)) >= 1
        )


async def test_a_token_that_is_no_token_is_the_same(room: BotRoom) -> None:
    (room.folder / "token").write_text("1:wrong")
    async with room.listening():
        await room.api.until(lambda: room.notices().get("bot") == "token refused")


async def test_a_second_listener_is_recognised(room: BotRoom) -> None:
    async with room.listening():
        await room.says(BORIS, BORIS, "/help")
        conflict = Fault(
            409, "Conflict: terminated by other getUpdates request; make sure that only one bot is running"
        )
        room.api.answer("updates", conflict)
        await room.api.until(lambda: room.pauses)
        await room.says(BORIS, BORIS, "/help")
        assert "bot" not in room.notices()  # once may be the end of our own earlier life
        room.api.answer("updates", conflict, conflict)
        await room.says(BORIS, BORIS, "/help")
        await room.api.until(lambda: room.notices().get("bot") == "another program listens")
        room.now += timedelta(minutes=11)
        await room.says(BORIS, BORIS, "/help")
        await room.api.until(lambda: room.notices().get("bot") == "ok")


async def test_trouble_of_the_network_is_told_when_it_lasts(room: BotRoom) -> None:
    async with room.listening():
        await room.says(BORIS, BORIS, "/help")
        room.api.answer("updates", *[Fault(502, "Bad Gateway")] * 40)
        await room.api.until(lambda: len(room.pauses) >= 2)
        assert "bot" not in room.notices()
        room.now += timedelta(minutes=11)
        await room.api.until(lambda: room.notices().get("bot") == "not reachable")
        await room.api.until(lambda: room.notices().get("bot") == "ok", seconds=10)
        assert max(room.pauses) <= 60


async def test_a_webhook_of_others_is_taken_away_and_updates_stay(room: BotRoom) -> None:
    room.api.webhook = {"url": "https://example.org/old"}
    await room.api.says(BORIS, BORIS, "/help")
    async with room.listening():
        await room.api.until(lambda: room.api.to(BORIS))


async def test_commands_from_while_nobody_listened(room: BotRoom) -> None:
    async with room.listening():
        await room.joins(BORIS, "Get everything")
    await room.api.says(BORIS, BORIS, "/last")
    await room.api.says(BORIS, BORIS, "/mute rule border-fire 2h")
    await room.api.says(BORIS, BORIS, "/settings")
    async with room.listening(timedelta(hours=3)):
        await room.api.until(lambda: room.api.pending == 0)
        texts = [one.text for one in room.api.to(BORIS)][-2:]
        assert texts[0].startswith("I was away when you wrote this, at 16:00 UTC")
        assert texts[1].startswith("Settings: Boris")
        with room.store() as store:
            assert store.mutes.in_force(room.now) == ()


async def test_one_person_cannot_make_it_flood(room: BotRoom) -> None:
    async with room.listening():
        await room.joins(BORIS, "Get everything")
        before = len(room.api.to(BORIS))
        for _ in range(40):
            await room.says(BORIS, BORIS, "/help")
        assert len(room.api.to(BORIS)) - before <= 20
        await room.joins(ANNA)  # others are heard


async def test_a_flood_wait_is_kept_and_the_answer_still_comes(room: BotRoom) -> None:
    async with room.listening():
        room.api.answer(str(BORIS), Fault(429, "Too Many Requests: retry after 2", {"retry_after": 2}))
        assert (await room.asks(BORIS, BORIS, "/help")).text.startswith("I answer only")


async def test_a_press_that_came_too_late_changes_all_the_same(room: BotRoom) -> None:
    async with room.listening():
        page = await room.joins(BORIS)
        room.api.answer("answercallbackquery", Fault(400, "Bad Request: query is too old and response timeout expired"))
        press = await room.api.presses(BORIS, page.latest, "Get everything")
        await room.api.confirmed(press.update_id)
        recipient = room.recipient(BORIS)
        assert recipient is not None
        assert recipient.rules == ("*",)


async def test_an_edit_that_is_refused_becomes_a_message(room: BotRoom) -> None:
    async with room.listening():
        page = await room.joins(BORIS)
        room.api.answer("editmessagetext", Fault(400, "Bad Request: message can't be edited"))
        before = len(room.api.to(BORIS))
        await room.presses(BORIS, page, "Get everything")
        assert room.api.to(BORIS)[before].text.startswith("Settings: Boris")


async def test_updates_by_webhook_need_the_secret(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        room.configure_bot(
            'mode = "webhook"', more='[server]\nlisten = "127.0.0.1:9780"\npublic_url = "https://bot.example.org"\n'
        )
        async with room.running() as parts:
            bot = parts._bot
            assert isinstance(bot, Runtime)
            (route,) = [one for one in bot.routes() if one.path.startswith("/public/telegram/")]
            listening, serving = asyncio.create_task(parts.run_bot()), asyncio.create_task(serve(parts, room.api))
            try:
                await room.api.until(lambda: room.api.webhook.get("url"))
                assert room.api.webhook["url"] == f"https://bot.example.org{route.path}"
                local = await room.api.until(lambda: room.api._proxies.get("https://bot.example.org"))
                async with aiohttp.ClientSession() as session:
                    body = {"update_id": 1, "message": {}}
                    for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "wrong"}):
                        answer = await session.post(
                            local + route.path, json=body, headers={"Host": "bot.example.org", **headers}
                        )
                        assert answer.status == 403
                update_id = await room.api.says(BORIS, BORIS, "/help")
                await room.api.confirmed(update_id)
                await room.api.until(lambda: room.api.to(BORIS))
            finally:
                for task in (listening, serving):
                    task.cancel()
                await asyncio.gather(listening, serving, return_exceptions=True)


async def serve(parts: Parts, api: BotApi) -> None:
    """The endpoint of the parts, as a reverse proxy passes Telegram's posts on to it."""
    assert parts._bot is not None
    server = parts._daemon.settings.server
    assert server is not None
    admission = Admission.of(server.address[0], server.hosts, server.public_url)
    endpoint = Endpoint(("127.0.0.1", 0), admission, parts._bot.routes(), lambda _: None)
    running = asyncio.create_task(endpoint.run())
    try:
        await api.until(lambda: endpoint.port)
        api.proxy("https://bot.example.org", f"http://127.0.0.1:{endpoint.port}")
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("text", ["word " * 3000, "line\n" * 3000, "😀" * 5000, "x" * 4096])
def test_a_long_answer_is_cut_to_a_message(text: str) -> None:
    assert utf16_units(fit(text, 4096)) <= 4096
    assert fit("short", 4096) == "short"


async def test_a_send_that_is_refused_ends_the_subscription(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        await room.joins(BORIS, "Get everything")
        room.api.answer(str(BORIS), Fault(403, "Forbidden: bot was blocked by the user"))
        await room.hears_news(CLOSURE)
        assert room.recipient(BORIS) is None
        await room.parts.dispatch()  # type: ignore[union-attr]
        assert any("is gone and gets nothing more" in text for text in room.told(str(OLGA)))
        await room.says(BORIS, BORIS, "/start")
        await room.hears_news("Laos closed its border with Vietnam on Wednesday.")
        assert len(room.alerts(BORIS)) == 1


async def test_a_group_that_moved_is_found_by_sending(room: BotRoom) -> None:
    room.api.group(-555, "Old", members={BORIS: "administrator"})
    room.api.group(-100777, "Old", members={BORIS: "administrator"})
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        greeting = await room.asks(BORIS, -555, f"/start {await room.invites()}")
        await room.presses(BORIS, greeting, "Get everything")
        first = room.recipient(-555)
        room.api.answer("-555", migrated(-100777))
        await room.hears_news(CLOSURE)
        await room.parts.dispatch()  # type: ignore[union-attr]
        moved = room.recipient(-100777)
        assert moved is not None
        assert first is not None
        assert moved.id == first.id
        assert len(room.alerts(-100777)) == 1
        assert (await room.asks(BORIS, -100777, "/settings")).text.startswith("Settings: Old")


async def test_with_any_fault_now_and_then_it_goes_on(room: BotRoom) -> None:
    async with room.listening():
        page = await room.joins(BORIS, "Get everything")
        room.api.fault_rate(0.05, seed=7)
        for number in range(30):
            room.bot._asked_lately.clear()
            label = "critical" if number % 2 else "warning"
            press = await room.api.presses(
                BORIS, page, f"{page.buttons[0].data.rpartition(':')[0][:12]}:=severity:{label}", forged=True
            )
            await room.api.confirmed(press.update_id, seconds=20)
            recipient = room.recipient(BORIS)
            assert recipient is not None
            assert recipient.min_severity.label == label
        room.api.fault_rate(0)
        assert (await room.asks(BORIS, BORIS, "/settings")).text.startswith("Settings: Boris")


async def test_words_that_are_no_text_harm_nothing(room: BotRoom) -> None:
    async with room.listening():
        for words in (
            "/start \ud800",
            "/start \x00",
            "/settings \u202e" * 40,
            "/invite \U0001f600",
            "/start " + "x" * 3000,
        ):
            chat = {"id": BORIS, "type": "private", "first_name": "B\u202e\ud800" * 50}
            message = {
                "message_id": 1,
                "date": int(room.now.timestamp()),
                "chat": chat,
                "from": {**chat, "is_bot": False},
            }
            await room.bot.take({"update_id": room.bot._offset + 1, "message": {**message, "text": words}})
        assert all(not one.text.startswith("Sorry") for one in room.api.to(BORIS))
