"""People subscribe themselves: in private, in a group, in a topic of a forum, and a channel; and leave again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot_room import (
    ANNA,
    BORIS,
    CHANNEL,
    CLARA,
    CLASH,
    CLOSURE,
    FORUM,
    GROUP,
    OLGA,
    RULES,
    TOPIC,
    BotRoom,
    open_room,
)
from watcher.model import Severity
from watcher.subscriptions import LEFT, SubscriptionStatus
from watcher.wording import wording_of


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[BotRoom]:
    async with open_room(tmp_path) as room:
        room.configure_bot()
        yield room


async def test_who_comes_with_a_code_chooses_and_is_told(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        greeting = await room.asks(ANNA, ANNA, f"/start {await room.invites()}")
        assert greeting.text.startswith("Je surveille")  # Anna's Telegram is French
        assert room.recipient(ANNA) is not None
        await room.hears_news(CLOSURE)
        assert room.alerts(ANNA) == []  # nothing is chosen yet
        assert await room.presses(ANNA, greeting, "Choisir ce que je reçois", "Alertes", "Affrontements 0/1") == ""
        assert await room.presses(ANNA, greeting, "Toutes, y compris les futures") == "Enregistré"
        assert "✓ Toutes, y compris les futures" in [one.text for one in greeting.latest.buttons]
        await room.hears_news(CLASH)
        await room.hears_news("Laos closed its border with Vietnam on Wednesday.")
        (alert,) = room.alerts(ANNA)
        assert "Fire across a border" in alert


async def test_everything_is_a_tap_of_its_own(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        greeting = await room.joins(BORIS, "Get everything")
        assert "Alerts: everything" in greeting.latest.text
        await room.hears_news(CLOSURE)
        assert len(room.alerts(BORIS)) == 1
        recipient = room.recipient(BORIS)
        assert recipient is not None
        assert recipient.id.startswith("chat-")
        assert str(BORIS) not in recipient.id


async def test_settings_change_every_part_and_keep_the_recipient(room: BotRoom) -> None:
    async with room.listening():
        page = await room.joins(BORIS, "Get everything")
        first = room.recipient(BORIS)
        assert first is not None
        await room.presses(BORIS, page, "States", "Western Asia", "Armenia", "Azerbaijan", "‹ Back", "‹ Back")
        assert "States: Armenia, Azerbaijan" in page.latest.text
        await room.presses(BORIS, page, "Severity", "Critical only")
        await room.presses(BORIS, page, "Quiet hours", "Yerevan", "22:00–07:00")
        await room.presses(BORIS, page, "How often", "together, daily at 08:00")
        await room.presses(BORIS, page, "Notification", "only that there is an alert")
        await room.presses(BORIS, page, "Language", "Русский", "Готово")
        assert page.latest.text.splitlines()[2:] == [
            "Оповещения: все",
            "Государства: Азербайджан, Армения",
            f"Важность: от уровня «{wording_of('ru').say('common.critical')}»",
            "Как часто: вместе, ежедневно в 08:00 (Ереван)",
            "Тихие часы: 22:00–07:00 (Ереван)",
            "Уведомление: только то, что есть оповещение",
            "Язык: Русский",
        ]
        assert page.latest.buttons == ()
        now = room.recipient(BORIS)
        assert now is not None
        assert now.id == first.id
        assert (now.states, now.min_severity, now.is_discreet, now.language) == (
            ("AM", "AZ"),
            Severity.CRITICAL,
            True,
            "ru",
        )
        assert now.quiet_hours is not None
        assert now.digest is not None
        assert now.quiet_hours.zone == now.digest.zone == "Asia/Yerevan"
    async with room.listening():  # all of it outlives the daemon
        assert room.recipient(BORIS) == now


async def test_one_rule_of_a_family_is_taken_out(room: BotRoom) -> None:
    more = RULES.replace("rule: border-closed", "rule: border-shut").replace("A border is closed", "A border is shut")
    room.configure_bot(rules=RULES + "---\n" + more.split("---\n")[1])
    async with room.listening():
        page = await room.joins(
            BORIS, "Choose what to get", "Alerts", "closure 0/2", "All of it, also what is added later"
        )
        await room.presses(BORIS, page, "✓ A border is shut")
        await room.presses(BORIS, page, "‹ Back")
        recipient = room.recipient(BORIS)
        assert recipient is not None
        assert recipient.rules == ("border-closed",)
        assert "closure 1/2" in [one.text for one in page.latest.buttons]


async def test_hours_and_cities_are_written_in_words(room: BotRoom) -> None:
    async with room.listening():
        await room.joins(BORIS, "Get everything")
        cities = await room.asks(BORIS, BORIS, "Yerevan")
        assert cities.text == "Is this your time zone?"
        await room.presses(BORIS, cities, "Yerevan")
        answer = await room.asks(BORIS, BORIS, "23-7:30")
        assert "Quiet hours: 23:00–07:30 (Yerevan)" in answer.text
        answer = await room.asks(BORIS, BORIS, "/settings quiet 22:00-07:00 Tbilisi")
        assert "Quiet hours: 22:00–07:00 (Tbilisi)" in answer.text
        answer = await room.asks(BORIS, BORIS, "/settings quiet 22:00-22:00")
        assert answer.text.startswith("I cannot read these hours: 22:00-22:00")
        answer = await room.asks(BORIS, BORIS, "/settings digest 06:30")
        assert "How often: together, daily at 06:30 (Tbilisi)" in answer.text
        answer = await room.asks(BORIS, BORIS, "/settings digest 25:00")
        assert answer.text.startswith("I cannot read this time")
        answer = await room.asks(BORIS, BORIS, "/settings zone Nowhere-on-Sea")
        assert answer.text.startswith("I know no time zone")
        answer = await room.asks(BORIS, BORIS, "what a day this is, is it not?")
        assert answer.text == "I understand commands: /help lists them."
        answer = await room.asks(BORIS, BORIS, "/settings quiet off")
        assert "Quiet hours: none" in answer.text


async def test_unsubscribing_asks_first_and_then_nothing_comes(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        await room.joins(BORIS, "Get everything")
        question = await room.asks(BORIS, BORIS, "/unsubscribe")
        await room.presses(BORIS, question, "Cancel")
        assert room.recipient(BORIS) is not None
        question = await room.asks(BORIS, BORIS, "/unsubscribe")
        await room.presses(BORIS, question, "Yes, stop")
        assert question.latest.text.startswith("Done")
        assert room.recipient(BORIS) is None
        await room.hears_news(CLOSURE)
        assert room.alerts(BORIS) == []
        again = await room.asks(BORIS, BORIS, "/start")  # without a new code
        assert "Alerts are sent here" in again.text
        recipient = room.recipient(BORIS)
        assert recipient is not None
        assert recipient.rules == ("*",)


async def test_a_group_is_subscribed_by_its_administrators(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        assert await room.says(ANNA, GROUP, f"/start {await room.invites()}") == []  # a member opens no door
        greeting = await room.asks(BORIS, GROUP, f"/start@watcher_bot {await room.invites()}")
        assert await room.presses(ANNA, greeting, "Get everything") == "This is not for you to change."
        assert room.recipient(GROUP) is not None
        assert room.recipient(GROUP).rules == ()  # type: ignore[union-attr]
        await room.presses(BORIS, greeting, "Get everything")
        await room.hears_news(CLOSURE)
        assert len(room.alerts(GROUP)) == 1
        refusal = await room.asks(ANNA, GROUP, "/settings")
        assert refusal.text == "Only administrators of this group can do that."
        assert (await room.asks(ANNA, GROUP, "/help")).text.startswith("What you can ask me here:")
        assert await room.says(ANNA, GROUP, "/help@other_bot") == []


async def test_an_anonymous_administrator_is_one(room: BotRoom) -> None:
    async with room.listening():
        code = await room.invites()
        before = len(room.api.accepted)
        await room.api.confirmed(await room.api.says(BORIS, GROUP, f"/start {code}", as_chat=True))
        assert [one.chat for one in room.api.accepted[before:]] == [str(GROUP)]
        assert room.recipient(GROUP) is not None


async def test_topics_of_a_forum_are_places_of_their_own(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        greeting = await room.asks(BORIS, FORUM, f"/start {await room.invites()}", TOPIC)
        assert greeting.thread == TOPIC
        await room.presses(BORIS, greeting, "Get everything")
        tea = await room.asks(BORIS, FORUM, "/subscribe", TOPIC + 1)
        assert tea.thread == TOPIC + 1
        assert "Nothing is sent here until you choose" in tea.text
        await room.hears_news(CLOSURE)
        assert len(room.alerts(FORUM, TOPIC)) == 1
        assert room.alerts(FORUM, TOPIC + 1) == []
        forged = greeting.buttons[0].data
        assert await room.presses(BORIS, tea, forged, forged=True) == "This is not for you to change."


async def test_an_operator_subscribes_a_channel(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        answer = await room.asks(OLGA, OLGA, f"/subscribe {CHANNEL}")
        assert answer.text.startswith("Alerts can be sent to Wire now.")
        await room.presses(OLGA, answer, "Get everything")
        await room.hears_news(CLOSURE)
        assert len(room.alerts(CHANNEL)) == 1
        assert (await room.asks(OLGA, OLGA, "/subscribe @nosuchchannel")).text.startswith("I find no channel")


async def test_a_configured_chat_is_told_so(room: BotRoom) -> None:
    more = f'[[recipients]]\nid = "boris"\nchannel = "telegram"\nto = "{BORIS}"\n'
    room.configure_bot(more=more)
    async with room.listening():
        for command in ("/start", "/subscribe", "/settings", "/unsubscribe"):
            answer = await room.asks(BORIS, BORIS, command)
            assert "fixed in the configuration (as boris)" in answer.text
        assert [one.id for one in room.parts._daemon.book.recipients if one.target == str(BORIS)] == ["boris"]  # type: ignore[union-attr]


async def test_forgetting_deletes_and_says_what(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        await room.joins(BORIS, "Get everything")
        await room.hears_news(CLOSURE)
        alert = room.api.to(BORIS)[-1]
        await room.presses(BORIS, alert, "Acknowledge")
        question = await room.asks(BORIS, BORIS, "/forget")
        await room.presses(BORIS, question, "Delete it all")
        assert question.latest.text.startswith("Deleted. Subscriptions: 1; places where your name stood: 1;")
        assert room.recipient(BORIS) is None
        assert (await room.asks(BORIS, BORIS, "/settings")).text.startswith("I answer only people who were invited")
        for table in room.parts._store._db.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):  # type: ignore[union-attr]
            for row in room.parts._store._db.rows(f"SELECT * FROM {table['name']}"):  # type: ignore[union-attr]
                assert "Boris" not in str(tuple(row)), table["name"]


async def test_nobody_forgets_another_of_the_same_name(room: BotRoom) -> None:
    """People call themselves what they like; a stranger, too, may ask to be forgotten."""
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        await room.joins(BORIS, "Get everything")
        await room.hears_news(CLOSURE)
        await room.presses(BORIS, room.api.to(BORIS)[-1], "Acknowledge")
        room.api.person(9000, "Boris")
        question = await room.asks(9000, 9000, "/forget")
        await room.presses(9000, question, "Delete it all")
        assert question.latest.text.startswith("Deleted. Subscriptions: 0; places where your name stood: 0;")
        with room.store() as store:
            (alert,) = store.events.alerts(limit=1)
            done = store.events.acknowledgement_of(alert.id)
            assert done is not None
            assert done.by == "Boris"


async def test_who_blocks_the_bot_is_reported_and_can_come_back(room: BotRoom) -> None:
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        await room.joins(BORIS, "Get everything")
        recipient = room.recipient(BORIS)
        assert recipient is not None
        await room.api.confirmed(await room.api.blocks(BORIS))
        assert room.recipient(BORIS) is None
        with room.store() as store:
            ended = store.subscriptions.get(recipient.id)
        assert ended is not None
        assert ended.status is SubscriptionStatus.ENDED
        assert ended.ended_because != LEFT
        await room.parts.dispatch()  # type: ignore[union-attr]
        assert any("Boris gets nothing more: the bot was blocked or removed" in text for text in room.told(str(OLGA)))
        await room.says(BORIS, BORIS, "/start")
        assert room.recipient(BORIS) == recipient


async def test_a_group_that_moves_is_followed(room: BotRoom) -> None:
    room.api.group(-555, "Old", members={BORIS: "administrator"})
    async with room.listening():
        await room.hears_news("Nothing happens here.")
        greeting = await room.asks(BORIS, -555, f"/start {await room.invites()}")
        await room.presses(BORIS, greeting, "Get everything")
        first = room.recipient(-555)
        assert first is not None
        await room.api.confirmed(await room.api.migrates(-555, -100777))
        moved = room.recipient(-100777)
        assert moved is not None
        assert moved.id == first.id
        await room.hears_news(CLOSURE)
        assert len(room.alerts(-100777)) == 1


async def test_rules_that_are_gone_are_named(room: BotRoom) -> None:
    async with room.listening():
        await room.joins(BORIS, "Choose what to get", "Alerts", "closure 0/1", "A border is closed")
    room.configure_bot(rules=RULES.split("---\n")[0])
    async with room.listening(timedelta(minutes=1)):
        page = await room.asks(BORIS, BORIS, "/settings")
        assert "No longer there: border-closed" in page.text
        assert "Nothing will be sent" not in page.text
        assert "lost-rules" in room.notices()
        await room.presses(BORIS, page, "Remove what is no longer there")
        assert "Nothing will be sent: choose alerts and states." in page.latest.text
        assert "lost-rules" not in room.notices()


async def test_the_language_of_each_person(room: BotRoom) -> None:
    async with room.listening():
        greeting = await room.asks(CLARA, CLARA, f"/start {await room.invites()}")
        assert greeting.text.startswith("Я стежу за новинами")
        menus = {(scope, language) for scope, _, language in room.api.commands}
        assert ("all_private_chats", "ar") in menus
        assert ("all_group_chats", "") in menus
        names = [one["command"] for one in room.api.commands["all_private_chats", "", "fr"]]
        assert names[:2] == ["start", "subscribe"]
        assert "invite" not in names
        operators = [one["command"] for one in room.api.commands["chat", str(OLGA), ""]]
        assert "invite" in operators
