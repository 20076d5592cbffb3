"""The Telegram channel against a Bot API that is as strict as the real one, over real HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bot_api import TOKEN, BotApi, Fault, blocked, flooded, migrated
from tests.builders import alert, delivery, recipient, report
from watcher.model import (
    Alert,
    AlertKind,
    Channel,
    Delivered,
    EventChange,
    GiveUp,
    Outcome,
    Retry,
    Toll,
    Uncertain,
)
from watcher.notify.base import MessageEdit, OutgoingMessage
from watcher.notify.telegram import TelegramNotifier

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}


@asynccontextmanager
async def channel(token: str = TOKEN, **values: Any) -> AsyncIterator[tuple[BotApi, TelegramNotifier]]:
    ticks = iter(range(0, 10**9, 100))  # the limits have passed between any two messages
    async with BotApi(**values) as api:
        notifier = TelegramNotifier(token, api.base_url, monotonic=lambda: float(next(ticks)))
        try:
            yield api, notifier
        finally:
            await notifier.aclose()


def message(about: Alert | None = None, *, reply_to: str | None = None, **values: Any) -> OutgoingMessage:
    return OutgoingMessage(about or alert(), delivery(**values), reply_to, NAMES)


async def outcome_of(*faults: Fault) -> tuple[Outcome, BotApi]:
    async with channel() as (api, notifier):
        api.answer("-100", *faults)
        return await notifier.send(message()), api


async def test_a_message_arrives_as_html() -> None:
    async with channel() as (api, notifier):
        assert await notifier.send(message()) == Delivered("1")
    (accepted,) = api.accepted
    assert accepted.text.startswith("CRITICAL: A CSTO member invokes the mutual-defence clause")
    assert ("b", "invoked Article four", None) in accepted.entities
    assert ("a", "Yerevan asks its allies for help", "https://courier.example/1") in accepted.entities
    assert (accepted.chat, accepted.parse_mode, accepted.reply_to, accepted.is_silent) == ("-100", "HTML", None, False)


async def test_an_update_replies_and_can_be_silent() -> None:
    async with channel() as (api, notifier):
        await notifier.send(message())
        await notifier.send(message(reply_to="1", is_silent=True))
        await notifier.send(message(reply_to="999"))
    assert [(m.reply_to, m.is_silent) for m in api.accepted] == [(None, False), (1, True), (None, False)]


@pytest.mark.parametrize(
    "description",
    ["Bad Request: can't parse entities: Unsupported start tag", "Bad Request: message is too long", "Bad Request: ?"],
)
async def test_what_telegram_does_not_take_as_html_goes_out_as_text(description: str) -> None:
    outcome, api = await outcome_of(Fault(400, description))
    assert outcome == Delivered("1")
    assert api.accepted[0].parse_mode is None
    assert "*invoked Article four*" in api.accepted[0].text
    assert len(api.requests) == 2


async def test_what_it_does_not_take_as_text_either_is_given_up() -> None:
    outcome, api = await outcome_of(Fault(400, "Bad Request: no"), Fault(400, "Bad Request: still no"))
    assert isinstance(outcome, GiveUp)
    assert not outcome.recipient_is_gone
    assert outcome.reason.lower().endswith("still no")
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (blocked(), "Forbidden: bot was blocked by the user"),
        (Fault(403, "Forbidden: bot was kicked from the supergroup chat"), "bot was kicked from the supergroup chat"),
        (Fault(403, "Forbidden: user is deactivated"), "user is deactivated"),
        (Fault(403, "Forbidden: bot can't initiate conversation with a user"), "can't initiate conversation"),
        (Fault(403, "Forbidden: bot is not a member of the channel chat"), "not a member of the channel"),
        (Fault(400, "Bad Request: chat not found"), "hat not found"),
        (Fault(400, "Bad Request: not enough rights to send text messages to the chat"), "ot enough rights"),
        (Fault(400, "Bad Request: need administrator rights in the channel chat"), "eed administrator rights"),
        (Fault(400, "Bad Request: PEER_ID_INVALID"), "eer_id_invalid"),
    ],
)
async def test_a_recipient_that_is_gone(fault: Fault, reason: str) -> None:
    outcome, api = await outcome_of(fault)
    assert isinstance(outcome, GiveUp)
    assert outcome.recipient_is_gone
    assert reason.lower() in outcome.reason.lower()
    assert len(api.requests) == 1


async def test_an_unknown_chat() -> None:
    async with channel(chats={"-100"}) as (_, notifier):
        outcome = await notifier.send(message(target="-55"))
    assert isinstance(outcome, GiveUp)
    assert outcome.recipient_is_gone


async def test_flood_control_of_a_quiet_chat_holds_the_whole_channel() -> None:
    outcome, _ = await outcome_of(flooded(43_838))
    assert outcome == Retry(
        "Flood control exceeded. Retry in 12:10:38", after=timedelta(seconds=43_838), whole_channel=True
    )


async def test_flood_control_of_a_busy_chat_is_its_own() -> None:
    async with BotApi() as api:
        notifier = TelegramNotifier(TOKEN, api.base_url, monotonic=lambda: 0.0)
        notifier.governor.take("-100")
        api.answer("-100", flooded(30))
        with notifier.governor.sending("-100"):
            outcome = await notifier.send(message())
        await notifier.aclose()
    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.whole_channel) == (timedelta(seconds=30), False)


async def test_a_migrated_chat_is_tried_at_its_new_id() -> None:
    outcome, _ = await outcome_of(migrated(-1001234567890))
    assert isinstance(outcome, Retry)
    assert (outcome.new_target, outcome.after) == ("-1001234567890", timedelta(0))


@pytest.mark.parametrize("token", ["1:wrong", "no token at all"])
async def test_a_wrong_token_is_tried_again_and_never_shown(token: str) -> None:
    async with channel(token) as (_, notifier):
        outcome = await notifier.send(message())
    assert isinstance(outcome, Retry)
    assert outcome.whole_channel
    assert outcome.reason.startswith("Telegram refuses the token")
    assert token not in outcome.reason


@pytest.mark.parametrize(
    ("fault", "is_uncertain"),
    [
        (Fault(500, "Internal Server Error"), False),
        (Fault(502, "Bad Gateway"), False),
        (Fault(429, "Too Many Requests"), False),
        (Fault(409, "Conflict: terminated by other getUpdates request"), False),
        (Fault(504, "Gateway Timeout"), True),
        (Fault(lose="before"), True),
        (Fault(lose="after"), True),
    ],
)
async def test_trouble_that_passes_is_tried_again(fault: Fault, is_uncertain: bool) -> None:
    outcome, api = await outcome_of(fault)
    assert isinstance(outcome, Uncertain if is_uncertain else Retry)
    assert isinstance(outcome, Uncertain) or outcome.after is None
    assert len(api.accepted) == (fault.lose == "after")


async def test_no_answer_may_mean_that_it_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.notify.telegram._ANSWER_TIMEOUT", 0.1)
    outcome, _ = await outcome_of(Fault(lose="after", delay=0.3))
    assert outcome == Uncertain("Timed out")


async def test_no_connection_means_that_it_did_not_arrive() -> None:
    async with channel() as (api, notifier):
        await api.__aexit__(None, None, None)
        outcome = await notifier.send(message())
    assert isinstance(outcome, Retry)
    assert "ConnectError" in outcome.reason


async def test_the_token_is_in_no_log_and_no_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with channel() as (api, notifier):
        api.answer("-100", Fault(400, f"Bad Request: {TOKEN}"), Fault(400, f"Bad Request: {TOKEN}"))
        outcome = await notifier.send(message())
        await notifier.send(message())
    assert isinstance(outcome, GiveUp)
    assert TOKEN not in outcome.reason
    assert TOKEN not in caplog.text


TITLES = st.text(max_size=120) | st.sampled_from(["<b>", "</a>", "&amp;", "<" * 9000, "😀" * 9000, "\u202e\x00"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TITLES, min_size=1, max_size=5))
async def test_any_title_is_taken_as_html_at_once(titles: list[str]) -> None:
    reports = tuple(report(title=title, publisher=title) for title in titles)
    async with channel() as (api, notifier):
        assert await notifier.send(message(alert(reports=reports, headline=titles[0]))) == Delivered("1")
    assert len(api.requests) == 1
    assert api.accepted[0].text.endswith("Alert hk4mbv7q2c")


async def test_buttons_stand_under_what_can_be_acted_upon() -> None:
    async with channel() as (api, notifier):
        await notifier.send(message())
        await notifier.send(message(alert(kind=AlertKind.NOTICE)))
        speaks_french = recipient(channel=Channel.TELEGRAM, target="-100", language="fr")
        await notifier.send(OutgoingMessage(alert(), delivery(), None, NAMES, speaks_french))
    english, notice, french = api.accepted
    assert [each.data for each in english.buttons][:2] == ["ack:hk4mbv7q2c", "useful:hk4mbv7q2c"]
    assert notice.buttons == ()
    assert french.buttons[0].text != english.buttons[0].text


async def test_what_may_repeat_an_earlier_message_says_so() -> None:
    earlier = datetime(2022, 9, 14, 14, 2, tzinfo=UTC)
    discreet = recipient(channel=Channel.TELEGRAM, target="-100", is_discreet=True, language="fr")
    async with channel() as (api, notifier):
        await notifier.send(message(uncertain_at=earlier))
        api.answer("-100", Fault(400, "Bad Request: can't parse entities"))
        await notifier.send(message(uncertain_at=earlier))
        await notifier.send(OutgoingMessage(alert(), delivery(uncertain_at=earlier), None, NAMES, discreet))
        await notifier.send(message())
    html, text, short, first = [each.text for each in api.accepted]
    assert "May repeat the message of 14:02 UTC" in html
    assert "May repeat the message of 14:02 UTC" in text
    assert "Répète peut-être le message de 14:02 UTC" in short
    assert "May repeat" not in first


async def test_a_discreet_recipient_reads_only_that_there_is_something() -> None:
    discreet = recipient(channel=Channel.TELEGRAM, target="-100", is_discreet=True)
    about = OutgoingMessage(alert(), delivery(), None, NAMES, discreet)
    async with channel() as (api, notifier):
        await notifier.send(about)
        assert isinstance(await notifier.edit(replace(change(), recipient=discreet)), GiveUp)
        api.answer("-100", Fault(400, "Bad Request: can't parse entities"))
        assert isinstance(await notifier.send(about), GiveUp)  # never in full instead
    (accepted,) = api.accepted
    assert "Armenia" not in accepted.text
    assert alert().id in accepted.text


async def test_a_topic_of_a_forum() -> None:
    async with channel() as (api, notifier):
        api.group(-100200300, "Desk", forum=True)
        target = api.topic(-100200300, 17, "Caucasus")
        assert isinstance(await notifier.send(message(target=target)), Delivered)
        assert isinstance(await notifier.send(message(target="-100200300/1")), Delivered)  # the general one
        gone = await notifier.send(message(target="-100200300/18"))
    assert [each.thread for each in api.accepted] == [17, None]
    assert isinstance(gone, GiveUp)
    assert gone.recipient_is_gone
    assert gone.reason.startswith("the topic was deleted (")


async def test_a_closed_topic_closes_the_recipient() -> None:
    outcome, _ = await outcome_of(Fault(400, "Bad Request: TOPIC_CLOSED"))
    assert isinstance(outcome, GiveUp)
    assert outcome.recipient_is_gone
    assert outcome.reason.startswith("the topic is closed (")


def change(reference: str = "1", **values: Any) -> MessageEdit:
    update = alert(id="update0001", changes=(EventChange.DEATHS_DOUBLED,), killed=Toll(105), previous_alert_id="x")
    desk = recipient(channel=Channel.TELEGRAM, target="-100")
    return MessageEdit(alert(), update, delivery(reference=reference, **values), NAMES, desk)


async def test_a_headline_is_edited_and_its_buttons_stay() -> None:
    async with channel() as (api, notifier):
        await notifier.send(message())
        assert await notifier.edit(change()) == Delivered("1")
        (now,) = api.sees("-100")
        (before,) = api.to("-100")
        assert now.text != before.text
        assert "105" in now.text
        assert now.buttons == before.buttons
        assert await notifier.edit(change()) == Delivered("1")  # it says so already
    assert [call.description for call in api.refusals if "not modified" in call.description]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(400, "Bad Request: message can't be edited"), GiveUp),
        (Fault(400, "Bad Request: message to edit not found"), GiveUp),
        (Fault(403, "Forbidden: bot was blocked by the user"), GiveUp),
        (migrated(-1001), GiveUp),
        (flooded(30), Retry),
        (Fault(502, "Bad Gateway"), Retry),
        (Fault(lose="after"), Uncertain),
    ],
)
async def test_what_comes_of_an_edit(fault: Fault, expected: type[Outcome]) -> None:
    async with channel() as (api, notifier):
        await notifier.send(message())
        api.answer("-100", fault)
        assert isinstance(await notifier.edit(change()), expected)
