"""Who may see and change what: strangers nothing, people of one place nothing of another's, whatever they send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot_room import ANNA, BORIS, CLARA, CLOSURE, FORUM, GROUP, OLGA, TOPIC, BotRoom, open_room
from watcher.bot.invitations import hash_code

DAY = timedelta(days=1)
EVERYTHING = (
    "/last",
    "/event x",
    "/sources",
    "/status",
    "/why x",
    "/held",
    "/mute rule border-fire 2h",
    "/unmute 1",
    "/settings",
    "/settings quiet 22:00-07:00 UTC",
    "/unsubscribe",
    "/invite",
    "/subscribe @somebody",
    "/help",
    "/nosuchcommand",
    "hello there",
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[BotRoom]:
    async with open_room(tmp_path) as room:
        room.configure_bot()
        yield room


def says_nothing(text: str) -> bool:
    """Whether it tells a stranger nothing of rules, states, events or people."""
    told = text.lower()
    return not any(word in told for word in ("border", "armenia", "closure", "clash", "thailand", "olga", "courier"))


async def test_strangers_learn_nothing(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        await room.joins(BORIS, "Get everything")
        await room.hears_news(CLOSURE)
        for number, text in enumerate(EVERYTHING):
            room.api.person(9000 + number, "Eve")
            answers = [one for one in await room.says(9000 + number, 9000 + number, text) if one.chat != str(OLGA)]
            assert all(says_nothing(one.text) and not one.buttons for one in answers), text
            assert {one.chat for one in answers} <= {str(9000 + number)}, text
            assert room.recipient(9000 + number) is None


async def test_a_stranger_asks_and_an_operator_decides(room: BotRoom) -> None:
    async with room.listening():
        answers = await room.says(BORIS, BORIS, "/start")
        mine, request = sorted(answers, key=lambda one: one.chat == str(OLGA))
        assert mine.text == "Thank you. Somebody will look at it; you will hear from me here."
        assert (request.chat, request.text) == (str(OLGA), "Boris asks to be let in, from a private chat.")
        assert [one.chat for one in await room.says(BORIS, BORIS, "/start")] == [str(BORIS)]  # once a day
        before = len(room.api.accepted)
        await room.presses(OLGA, request, "Let in")
        assert request.latest.text == "Olga has let in Boris."
        (welcome,) = room.api.accepted[before:]
        assert welcome.chat == str(BORIS)
        assert await room.presses(OLGA, request, "let:no:" + "x" * 8, forged=True) == "This has been decided already."
        await room.presses(BORIS, welcome, "Get everything")
        assert room.recipient(BORIS) is not None


async def test_who_was_declined_does_not_come_in(room: BotRoom) -> None:
    async with room.listening():
        _, request = sorted(await room.says(BORIS, BORIS, "/start"), key=lambda one: one.chat == str(OLGA))
        await room.presses(OLGA, request, "Decline")
        assert room.api.to(BORIS)[-1].text == "You were not let in."
        room.now += 2 * DAY
        assert [one.chat for one in await room.says(BORIS, BORIS, "/start")] == [str(BORIS)]
        assert room.recipient(BORIS) is None
        room.now += 30 * DAY
        assert len(await room.says(BORIS, BORIS, "/start")) == 2


async def test_many_strangers_do_not_flood_the_operators(room: BotRoom) -> None:
    async with room.listening():
        for number in range(30):
            room.api.person(9000 + number, f"Eve {number}")
            await room.says(9000 + number, 9000 + number, "/start")
        assert len(room.api.to(OLGA)) == 20
        for _ in range(30):
            await room.says(9000, 9000, "/start")
        assert len(room.api.to(9000)) <= 6


async def test_nobody_but_operators_decides(room: BotRoom) -> None:
    async with room.listening():
        page = await room.joins(BORIS, "Get everything")
        await room.says(CLARA, CLARA, "/start")
        with room.store() as store:
            (waiting,) = [one for one in store.subscriptions.all() if one.target == str(CLARA)]
        press = f"let:ok:{waiting.id.removeprefix('chat-')}"
        assert await room.presses(BORIS, page, press, forged=True) == "This is not for you to change."
        assert room.recipient(CLARA) is None
        assert (await room.asks(BORIS, BORIS, "/invite")).text == "Only operators can do that."


async def test_a_code_is_counted_expires_and_is_kept_as_a_hash(room: BotRoom) -> None:
    async with room.listening():
        code = await room.invites()
        await room.says(BORIS, BORIS, f"/start {code}")
        answer = await room.asks(ANNA, ANNA, f"/start {code}")
        assert answer.text == "Cette invitation est épuisée ou périmée. Demandez-en une nouvelle."
        late = await room.invites()
        room.now += 8 * DAY
        assert "périmée" in (await room.asks(ANNA, ANNA, f"/start {late}")).text
        many = (await room.asks(OLGA, OLGA, "/invite 2 1d")).text.split("?start=")[1].split()[0]
        await room.says(ANNA, ANNA, f"/start {many}")
        await room.says(CLARA, CLARA, f"/start {many}")
        assert room.recipient(ANNA) is not None
        assert room.recipient(CLARA) is not None
        assert (await room.asks(OLGA, OLGA, "/invite a lot")).text.startswith("Write how many people")
        assert parts_hold(room, hash_code(many))
        assert not parts_hold(room, many)


def parts_hold(room: BotRoom, text: str) -> bool:
    assert room.parts is not None
    return any(text in str(tuple(row)) for row in room.parts._store._db.rows("SELECT * FROM invitations"))


async def test_places_cannot_touch_each_other(room: BotRoom) -> None:
    async with room.listening():
        mine = await room.joins(BORIS, "Get everything")
        group = await room.asks(BORIS, GROUP, f"/start {await room.invites()}")
        await room.presses(BORIS, group, "Get everything")
        hers = await room.joins(ANNA, "Tout recevoir")
        for page in (hers, group):
            stop = page.latest.buttons[0].data.split(":")[1]
            for data in (f"stop:{stop}", f"set:{stop}:=all", f"set:{stop}:=severity:critical", f"set:{stop}"):
                before = len(room.api.accepted)
                assert await room.presses(BORIS, mine, data, forged=True) == "This is not for you to change."
                assert len(room.api.accepted) == before
        assert room.recipient(ANNA) is not None
        recipient = room.recipient(GROUP)
        assert recipient is not None
        assert recipient.rules == ("*",)


@pytest.mark.parametrize(
    "data", ["set", "set:", "set:x:y:z", "stop", "forget:maybe:", "let", "let:ok", "nothing:1", ":", "x" * 64]
)
async def test_forged_presses_of_any_kind_do_nothing(
    room: BotRoom, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with room.listening():
        page = await room.joins(BORIS, "Get everything")
        before = room.recipient(BORIS)
        await room.presses(BORIS, page, data, forged=True)
        assert room.recipient(BORIS) == before
    assert "update_failed" not in capsys.readouterr().out


async def test_members_of_a_group_that_nobody_let_in_hear_nothing(room: BotRoom) -> None:
    async with room.listening():
        for text in ("/start", "/subscribe", "/last", "/help", "/status"):
            assert await room.says(ANNA, GROUP, text) == []
        answers = await room.says(BORIS, GROUP, "/subscribe")  # an administrator asks
        assert {one.chat for one in answers} == {str(GROUP), str(OLGA)}
        assert "Boris asks to be let in, from the group Desk." in [one.text for one in answers]
        assert room.recipient(GROUP) is None


async def test_listed_and_open(room: BotRoom) -> None:
    room.configure_bot(f'access = "listed"\nallowed = [{ANNA}, {GROUP}]')
    async with room.listening():
        code = await room.invites()
        assert (await room.asks(BORIS, BORIS, f"/start {code}")).text == "I answer only people who are on my list."
        await room.presses(ANNA, await room.asks(ANNA, ANNA, "/start"), "Tout recevoir")
        await room.presses(BORIS, await room.asks(BORIS, GROUP, "/subscribe"), "Get everything")
        assert [room.recipient(one) is not None for one in (ANNA, BORIS, GROUP)] == [True, False, True]
    room.configure_bot('access = "open"')
    async with room.listening():
        await room.presses(CLARA, await room.asks(CLARA, CLARA, "/start"), "Отримувати все")
        assert room.recipient(CLARA) is not None
        assert await room.says(ANNA, FORUM, "/subscribe", TOPIC) != []
        assert room.recipient(f"{FORUM}/{TOPIC}") is None


async def test_being_added_to_a_group_is_answered_once(room: BotRoom) -> None:
    room.api.group(-100999, "New", members={BORIS: "administrator"}, bot="left")
    async with room.listening():
        await room.api.confirmed(await room.api.adds_bot(BORIS, -100999))
        (hello,) = room.api.to(-100999)
        assert "/subscribe" in hello.text
        await room.api.confirmed(await room.api.removes_bot(BORIS, -100999))
        await room.api.confirmed(await room.api.adds_bot(BORIS, -100999))
        assert len(room.api.to(-100999)) == 1
