"""The stand-in for the Bot API is as strict as Telegram: each of its refusals is brought about once."""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.bot_api import TOKEN, BotApi, Button, Fault, RefusedError, blocked, parse_html
from tests.telegram_person import BOT_ID, Accepted

ANNA, BORIS, CLARA = 1111, 2222, 3333
DESK, FORUM, NEWS = -200300, -100200300, -100400500
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
TOPIC = 17


class Bot:
    """Asks as a library would, without one."""

    def __init__(self, api: BotApi, session: aiohttp.ClientSession, token: str = TOKEN) -> None:
        self.api, self.session, self.token = api, session, token

    async def ask(self, method: str, **fields: Any) -> tuple[int, Any]:
        """The status, and the result or the description."""
        given = {key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()}
        async with self.session.post(f"{self.api.base_url}{self.token}/{method}", data=given) as answer:
            said = await answer.json()
        return answer.status, said["result"] if said["ok"] else said["description"]

    async def upload(self, method: str, name: str, content: bytes, **fields: Any) -> tuple[int, Any]:
        form = aiohttp.FormData({key: str(value) for key, value in fields.items()} | {name: "attach://file0"})
        form.add_field("file0", io.BytesIO(content), filename="chart.png")
        async with self.session.post(f"{self.api.base_url}{self.token}/{method}", data=form) as answer:
            said = await answer.json()
        return answer.status, said["result"] if said["ok"] else said["description"]


@asynccontextmanager
async def telegram(**values: Any) -> AsyncIterator[tuple[BotApi, Bot]]:
    async with BotApi(**values) as api, aiohttp.ClientSession() as session:
        yield api, Bot(api, session)


@asynccontextmanager
async def peopled(**values: Any) -> AsyncIterator[tuple[BotApi, Bot]]:
    async with telegram(**values) as (api, bot):
        api.person(ANNA, "Anna", "fr", has_started=True)
        api.person(BORIS, "Борис")
        api.person(CLARA, "Clara")
        api.group(DESK, "Desk", members={ANNA: "creator", BORIS: "member"})
        api.group(FORUM, "Forum", forum=True, members={ANNA: "member", BORIS: "administrator"})
        api.topic(FORUM, TOPIC, "Caucasus")
        api.channel(NEWS, "News", members={BORIS: "creator"})
        yield api, bot


def keyboard(*buttons: dict[str, str]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


ACK = keyboard({"text": "Acknowledge", "callback_data": "ack:x"}, {"text": "Site", "url": "https://a.example/"})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>ж</i>", 'Unmatched end tag at byte offset 5, expected "</b>", found "</i>"'),
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
        ("<a href=x/y>x</a>", "Unexpected end of name token at byte offset 8"),
        ('<a ="x">x</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        (
            "&#xD800;",
            "Text contains invalid Unicode characters after decoding HTML entities, "
            "check for unmatched surrogate code units",
        ),
    ],
)
def test_markup_that_telegram_does_not_take(source: str, words: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        parse_html(source)
    assert refusal.value.description == f"Bad Request: can't parse entities: {words}"


def test_entities_as_telegram_reads_them() -> None:
    text, entities = parse_html('&lt;&amp;&gt;&quot;&#39;&#x41;&copy;&x <a href="a.example/?a=1&amp;b=2">l</a><b></b>')
    assert text == "<&>\"'A&copy;&x l"
    assert entities == (("a", "l", "a.example/?a=1&b=2"),)
    assert parse_html("<a href='https://localhost/'>l</a>") == ("l", ())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "message text is empty"),
        ({"text": "x", "parse_mode": "XML"}, "unsupported parse_mode"),
        (
            {"text": "<b>", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
        ({"text": "x", "chat_id": "-999"}, "chat not found"),
        ({"text": "x", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"text": "x", "message_thread_id": "17"}, "message thread not found"),
        ({"text": "x", "chat_id": str(FORUM), "message_thread_id": "1"}, "message thread not found"),
        ({"text": "x", "chat_id": str(FORUM), "message_thread_id": "18"}, "TOPIC_CLOSED"),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"text": "x", "reply_markup": "[]"}, "object expected as reply markup"),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": {}}},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array',
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [{}]}},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (
            {"text": "x", "reply_markup": keyboard({"text": "x"})},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"text": "x", "reply_markup": keyboard({"callback_data": "x"})},
            "can't parse inline keyboard button: Can't find field \"text\"",
        ),
        ({"text": "x", "reply_markup": keyboard({"text": "x", "callback_data": "ж" * 33})}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "reply_markup": keyboard({"text": "x", "callback_data": ""})}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "reply_markup": keyboard({"text": " ", "callback_data": "x"})}, "BUTTON_TEXT_INVALID"),
        ({"text": "x", "reply_markup": keyboard({"text": "x", "url": "javascript:x"})}, "BUTTON_URL_INVALID"),
        (
            {"text": "x", "reply_markup": keyboard(*[{"text": "x", "callback_data": "x"}] * 101)},
            "reply markup is too long",
        ),
        (
            {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 2}]},
            "can't parse entities: entity is outside the text",
        ),
    ],
)
async def test_messages_that_are_refused(fields: dict[str, Any], words: str) -> None:
    async with peopled() as (api, bot):
        room = api.rooms[FORUM]
        room.topics[18] = "Closed"
        room.closed_topics.add(18)
        assert await bot.ask("sendMessage", **({"chat_id": str(ANNA)} | fields)) == (400, f"Bad Request: {words}")
        assert not api.accepted
        assert [(call.method, call.status) for call in api.refusals] == [("sendmessage", 400)]


async def test_content_is_looked_at_before_the_chat() -> None:
    async with peopled() as (_, bot):
        assert await bot.ask("sendMessage", chat_id="-999", text="") == (400, "Bad Request: message text is empty")
        _, words = await bot.ask("sendMessage", chat_id="-999", text="x" * 5000, reply_markup="[]")
        assert words == "Bad Request: object expected as reply markup"
        assert (await bot.ask("sendMessage", chat_id="-999", text="x" * 5000))[1] == "Bad Request: chat not found"


async def test_a_message_as_its_reader_sees_it() -> None:
    async with peopled() as (api, bot):
        source = f"<b>{'x' * 3000}</b> &lt; " + "<i>y</i>" * 150
        status, sent = await bot.ask(
            "sendMessage", chat_id=str(FORUM), text=source, parse_mode="HTML", message_thread_id=str(TOPIC),
            reply_markup=ACK, disable_notification="true", protect_content="true",
        )  # fmt: skip
        assert (status, sent["message_thread_id"], sent["is_topic_message"]) == (200, TOPIC, True)
        (message,) = api.to(f"{FORUM}/{TOPIC}")
        assert api.to(FORUM, 18) == []
        assert (message.is_silent, message.is_protected, message.thread) == (True, True, TOPIC)
        assert message.text == f"{'x' * 3000} < " + "y" * 150
        assert len(message.entities) == 100  # the others are ignored
        assert message.keyboard == ((Button("Acknowledge", "ack:x"), Button("Site", url="https://a.example/")),)


async def test_who_can_be_written_to() -> None:
    async with peopled() as (api, bot):

        async def sends(chat: int) -> tuple[int, str]:
            status, words = await bot.ask("sendMessage", chat_id=str(chat), text="x")
            return status, "" if status == 200 else words

        assert await sends(BORIS) == (403, "Forbidden: bot can't initiate conversation with a user")
        await api.says(BORIS, BORIS, "/start")
        assert (await sends(BORIS))[0] == 200
        await api.blocks(BORIS)
        assert await sends(BORIS) == (403, "Forbidden: bot was blocked by the user")
        await api.blocks(BORIS, unblocks=True)
        assert (await sends(BORIS))[0] == 200
        await api.removes_bot(ANNA, DESK)
        assert await sends(DESK) == (403, "Forbidden: bot was kicked from the group chat")
        await api.adds_bot(ANNA, DESK)
        assert (await sends(DESK))[0] == 200
        api.rooms[DESK].is_read_only = True
        assert await sends(DESK) == (400, "Bad Request: not enough rights to send text messages to the chat")
        await api.adds_bot(ANNA, DESK, "administrator")
        assert (await sends(DESK))[0] == 200
        api.rooms[NEWS].bot = "member"
        assert await sends(NEWS) == (400, "Bad Request: need administrator rights in the channel chat")
        assert await bot.ask("leaveChat", chat_id=str(NEWS)) == (200, True)
        assert await sends(NEWS) == (403, "Forbidden: bot is not a member of the channel chat")


async def test_a_group_that_becomes_a_supergroup() -> None:
    async with peopled() as (api, bot):
        await api.migrates(DESK, -100777)
        async with bot.session.post(
            f"{api.base_url}{TOKEN}/sendMessage", data={"chat_id": DESK, "text": "x"}
        ) as answer:
            said = await answer.json()
        assert (said["error_code"], said["parameters"]) == (400, {"migrate_to_chat_id": -100777})
        assert (await bot.ask("sendMessage", chat_id="-100777", text="x"))[0] == 200
        _, updates = await bot.ask("getUpdates")
        assert [one["message"].get("migrate_to_chat_id") for one in updates] == [-100777, None]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"message_id": "99"}, "message to edit not found"),
        ({"message_id": "2"}, "message can't be edited"),
        ({"message_id": ""}, "message identifier is not specified"),
        ({"chat_id": "", "message_id": ""}, "message identifier is not specified"),
        ({"chat_id": str(DESK)}, "message to edit not found"),
        ({"reply_markup": keyboard({"text": "x", "callback_data": "y" * 65})}, "BUTTON_DATA_INVALID"),
        (
            {"text": "now", "reply_markup": ACK},
            "message is not modified: specified new message content and reply markup are exactly the same as a current "
            "content and reply markup of the message",
        ),
    ],
)
async def test_edits_that_are_refused(fields: dict[str, Any], words: str) -> None:
    async with peopled() as (api, bot):
        await bot.ask("sendMessage", chat_id=str(ANNA), text="now", reply_markup=ACK)
        await api.says(ANNA, ANNA, "my own")
        given = {"chat_id": str(ANNA), "message_id": "1", "text": "then"} | fields
        assert await bot.ask("editMessageText", **given) == (400, f"Bad Request: {words}")
        assert [message.text for message in api.sees(ANNA)] == ["now"]


async def test_edits() -> None:
    async with peopled() as (api, bot):
        await bot.ask("sendMessage", chat_id=str(ANNA), text="now", reply_markup=ACK)
        where = {"chat_id": str(ANNA), "message_id": "1"}
        assert (await bot.ask("editMessageReplyMarkup", **where, reply_markup=keyboard()))[0] == 200
        assert api.sees(ANNA)[0].keyboard == ()
        assert (await bot.ask("editMessageText", **where, text="<b>then</b>", parse_mode="HTML"))[0] == 200
        assert [state.text for state in api.to(ANNA)[0].edits] == ["now", "then"]
        assert (api.to(ANNA)[0].text, api.sees(ANNA)[0].entities) == ("now", (("b", "then", None),))
        _, words = await bot.ask("editMessageCaption", **where, caption="x")
        assert words == "Bad Request: there is no caption in the message to edit"
        assert await bot.ask("deleteMessage", **where) == (200, True)
        assert api.sees(ANNA) == []
        assert await bot.ask("deleteMessage", **where) == (400, "Bad Request: message to delete not found")


async def test_pictures_and_files() -> None:
    async with peopled() as (api, bot):
        assert (await bot.upload("sendPhoto", "photo", PNG, chat_id=ANNA, caption="chart"))[0] == 200
        assert (await bot.upload("sendDocument", "document", b"{}", chat_id=ANNA))[0] == 200
        picture, file = api.to(ANNA)
        assert (picture.photo, picture.text, file.document, file.file_name) == (PNG, "chart", b"{}", "chart.png")
        where = {"chat_id": str(ANNA), "message_id": "1"}
        _, words = await bot.ask("editMessageText", **where, text="x")
        assert words == "Bad Request: there is no text in the message to edit"
        assert (await bot.ask("editMessageCaption", **where, caption="new"))[0] == 200
        _, words = await bot.ask("editMessageCaption", **where, caption="x" * 1025)
        assert words == "Bad Request: message caption is too long"


@pytest.mark.parametrize(
    ("method", "name", "content", "words"),
    [
        ("sendPhoto", "photo", b"", "file must be non-empty"),
        ("sendPhoto", "photo", b"<svg/>", "IMAGE_PROCESS_FAILED"),
        ("sendPhoto", "photo", PNG[:16] + struct.pack(">II", 9000, 2000), "PHOTO_INVALID_DIMENSIONS"),
        ("sendPhoto", "photo", PNG[:16] + struct.pack(">II", 2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        ("sendPhoto", "picture", PNG, "there is no photo in the request"),
        ("sendDocument", "document", b"", "file must be non-empty"),
        ("sendDocument", "file", b"x", "there is no document in the request"),
        ("sendDocument", "document", b"x", "message caption is too long"),
    ],
)
async def test_pictures_and_files_that_are_refused(method: str, name: str, content: bytes, words: str) -> None:
    async with peopled() as (_, bot):
        caption = "x" * 1025 if "caption" in words else "x"
        answer = await bot.upload(method, name, content, chat_id=ANNA, caption=caption)
        assert answer == (400, f"Bad Request: {words}")


async def test_a_picture_that_is_too_heavy() -> None:
    async with peopled() as (_, bot):
        answer = await bot.upload("sendPhoto", "photo", PNG + bytes(10 * 1024 * 1024), chat_id=ANNA)
        assert answer == (413, "Request Entity Too Large")


async def pressed(api: BotApi, bot: Bot) -> Accepted:
    await bot.ask("sendMessage", chat_id=str(FORUM), text="x", reply_markup=ACK, message_thread_id=str(TOPIC))
    return api.to(FORUM)[-1]


async def test_presses() -> None:
    async with peopled() as (api, bot):
        message = await pressed(api, bot)
        press = await api.presses(BORIS, message, "Acknowledge")
        _, (update,) = await bot.ask("getUpdates")
        query = update["callback_query"]
        assert (query["id"], query["data"], query["from"]["id"]) == (press.id, "ack:x", BORIS)
        assert query["message"]["message_thread_id"] == TOPIC
        assert await bot.ask("answerCallbackQuery", callback_query_id=press.id, text="done") == (200, True)
        assert (press.is_answered, press.toast) == (True, "done")
        forged = await api.presses(ANNA, message, "mute:other", forged=True)
        old = await api.presses(ANNA, message, "ack:x", is_old=True)
        _, updates = await bot.ask("getUpdates", offset=str(press.update_id + 1))
        assert [one["callback_query"]["data"] for one in updates] == ["mute:other", "ack:x"]
        assert [one["callback_query"]["message"]["date"] == 0 for one in updates] == [False, True]
        assert not forged.is_answered
        assert old.update_id == updates[-1]["update_id"]


async def test_answers_to_presses_that_are_refused() -> None:
    now = [1000.0]
    old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    async with peopled(clock=lambda: now[0]) as (api, bot):
        message = await pressed(api, bot)
        press = await api.presses(BORIS, message, "Acknowledge")
        _, words = await bot.ask("answerCallbackQuery", callback_query_id=press.id, text="x" * 201)
        assert words == "Bad Request: MESSAGE_TOO_LONG"
        assert await bot.ask("answerCallbackQuery", callback_query_id="1") == (400, old)
        assert (await bot.ask("answerCallbackQuery", callback_query_id=press.id))[0] == 200
        assert await bot.ask("answerCallbackQuery", callback_query_id=press.id) == (400, old)
        late = await api.presses(BORIS, message, "Acknowledge")
        now[0] += 16
        assert await bot.ask("answerCallbackQuery", callback_query_id=late.id) == (400, old)


async def test_what_people_cannot_do() -> None:
    async with peopled() as (api, bot):
        message = await pressed(api, bot)
        for what in (
            api.presses(CLARA, message, "Acknowledge"),
            api.presses(BORIS, message, "Mute"),
            api.presses(BORIS, message, "Site"),
            api.presses(BORIS, 99, "Acknowledge", chat=FORUM),
            api.says(CLARA, FORUM, "/start"),
            api.says(CLARA, ANNA, "/start"),
            api.says(ANNA, FORUM, "/start", thread=99),
            api.says(ANNA, NEWS, "/start"),
        ):
            with pytest.raises(AssertionError):
                await what


async def test_what_the_bot_hears() -> None:
    async with peopled() as (api, bot):
        await bot.ask("sendMessage", chat_id=str(DESK), text="x")
        heard = [
            await api.says(ANNA, ANNA, "hello"),
            await api.says(BORIS, DESK, "hello"),
            await api.says(BORIS, DESK, "/last@other_bot"),
            await api.says(BORIS, DESK, "/last@watcher_bot 3"),
            await api.says(BORIS, DESK, "an answer", reply_to=api.to(DESK)[0]),
            await api.says(BORIS, FORUM, "/last", thread=TOPIC, as_chat=True),
            await api.says(BORIS, NEWS, "/start"),
        ]
        assert [update is not None for update in heard] == [True, False, False, True, True, True, True]
        _, updates = await bot.ask("getUpdates")
        first, command, answer, anonymous = (one["message"] for one in updates[:4])
        assert first["from"] == {"id": ANNA, "is_bot": False, "first_name": "Anna", "language_code": "fr"}
        assert command["entities"] == [{"type": "bot_command", "offset": 0, "length": 17}]
        assert answer["reply_to_message"]["from"]["id"] == BOT_ID
        assert (anonymous["from"]["username"], anonymous["sender_chat"]["id"]) == ("GroupAnonymousBot", FORUM)
        assert (anonymous["message_thread_id"], anonymous["is_topic_message"]) == (TOPIC, True)
        post = updates[4]["channel_post"]
        assert "from" not in post
        await api.leaves(BORIS, DESK)
        _, updates = await bot.ask("getUpdates", offset="6")
        assert "left_chat_member" in updates[0]["message"]


async def test_polling() -> None:
    async with peopled() as (api, bot):
        waiting = asyncio.create_task(bot.ask("getUpdates", timeout="30"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        first = await api.says(ANNA, ANNA, "one")
        assert (await waiting)[1][0]["update_id"] == first
        second = await api.says(ANNA, ANNA, "two")
        _, both = await bot.ask("getUpdates")
        assert [one["update_id"] for one in both] == [first, second]  # nothing is confirmed yet
        assert (await bot.ask("getUpdates", limit="1"))[1] == both[:1]
        assert (await bot.ask("getUpdates", offset="-1"))[1] == both[1:]
        assert api.pending == 1
        await bot.ask("getUpdates", offset=str(int(second or 0) + 1))
        await api.confirmed(second)
        await bot.ask("getUpdates", allowed_updates=["callback_query"])
        assert await api.says(ANNA, ANNA, "three") is None
        await bot.ask("getUpdates")  # what is wanted is remembered
        assert await api.says(ANNA, ANNA, "four") is None


async def test_two_that_poll_with_one_token() -> None:
    async with peopled() as (_, bot):
        first = asyncio.create_task(bot.ask("getUpdates", timeout="30"))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(bot.ask("getUpdates", timeout="0.1"))
        assert await first == (
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        )
        assert await second == (200, [])


async def test_a_webhook() -> None:
    taken: list[tuple[str | None, dict[str, Any]]] = []
    answers = [500, 200]

    async def take(request: web.Request) -> web.Response:
        taken.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json()))
        return web.Response(status=answers.pop(0))

    app = web.Application()
    app.router.add_post("/telegram", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with peopled() as (api, bot):
        api.proxy("https://watcher.example", f"http://127.0.0.1:{runner.addresses[0][1]}")
        url = "https://watcher.example/telegram"
        polling = asyncio.create_task(bot.ask("getUpdates", timeout="30"))
        await asyncio.sleep(0.05)
        assert (await bot.ask("setWebhook", url=url, secret_token="s3cret"))[0] == 200
        assert await polling == (409, "Conflict: terminated by setWebhook request")
        assert (await bot.ask("getUpdates"))[1].startswith("Conflict: can't use getUpdates method while webhook is act")
        update = await api.says(ANNA, ANNA, "hello")
        await api.confirmed(update)
        assert [(secret, one["update_id"]) for secret, one in taken] == [("s3cret", update)] * 2  # refused once
        assert (await bot.ask("getWebhookInfo"))[1]["url"] == url
        assert (await bot.ask("deleteWebhook"))[0] == 200
        await api.says(ANNA, ANNA, "again")
        assert len((await bot.ask("getUpdates"))[1]) == 1
    await runner.cleanup()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://watcher.example/x"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        (
            {"url": "https://watcher.example:9000/"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ({"url": "https://other.example/"}, "bad webhook: Failed to resolve host: Name or service not known"),
        ({"secret_token": "x" * 257}, "secret token is too long"),
        ({"secret_token": "pass word"}, "secret token contains unallowed characters"),
    ],
)
async def test_webhooks_that_are_refused(fields: dict[str, str], words: str) -> None:
    async with peopled() as (api, bot):
        api.proxy("https://watcher.example", "http://127.0.0.1:1")
        given = {"url": "https://watcher.example/x"} | fields
        assert await bot.ask("setWebhook", **given) == (400, f"Bad Request: {words}")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"commands": [{"command": "", "description": "x"}]}, "command must be non-empty"),
        ({"commands": [{"command": "x" * 33, "description": "x"}]}, "command length must not exceed 32"),
        ({"commands": [{"command": "Last", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "last", "description": " "}]}, "command description must be non-empty"),
        (
            {"commands": [{"command": "last", "description": "x" * 257}]},
            "command description length must not exceed 256",
        ),
        ({"commands": [{"command": "x", "description": "x"}] * 101}, "BOT_COMMANDS_TOO_MUCH"),
        ({"language_code": "eng"}, "invalid language code specified"),
        ({"scope": {"type": "world"}}, "can't parse BotCommandScope: unsupported type specified"),
        ({"scope": {"type": "chat", "chat_id": -5}}, "chat not found"),
    ],
)
async def test_commands_that_are_refused(fields: dict[str, Any], words: str) -> None:
    async with peopled() as (api, bot):
        given: dict[str, Any] = {"commands": [{"command": "last", "description": "The last alerts"}]}
        assert await bot.ask("setMyCommands", **(given | fields)) == (400, f"Bad Request: {words}")
        assert not api.commands


async def test_commands_and_menus() -> None:
    async with peopled() as (api, bot):
        commands = [{"command": "last", "description": "Les dernières alertes"}]
        scope = {"scope": {"type": "all_group_chats"}, "language_code": "fr"}
        assert (await bot.ask("setMyCommands", commands=commands, **scope))[0] == 200
        assert api.commands == {("all_group_chats", "", "fr"): commands}
        assert (await bot.ask("getMyCommands", **scope))[1] == commands
        assert (await bot.ask("getMyCommands"))[1] == []
        assert (await bot.ask("deleteMyCommands", **scope))[0] == 200
        assert not api.commands
        assert (await bot.ask("setChatMenuButton", menu_button={"type": "commands"}))[0] == 200
        assert (await bot.ask("setChatMenuButton", menu_button={"type": "x"}))[0] == 400
        assert api.menu_buttons == {"": "commands"}


async def test_members() -> None:
    async with peopled() as (api, bot):

        async def status(chat: int, person: int) -> Any:
            code, member = await bot.ask("getChatMember", chat_id=str(chat), user_id=str(person))
            return member["status"] if code == 200 else member

        assert [await status(FORUM, one) for one in (ANNA, BORIS, CLARA, BOT_ID)] == [
            "member", "administrator", "left", "member",
        ]  # fmt: skip
        assert await status(ANNA, ANNA) == "member"
        assert await status(FORUM, 99) == "Bad Request: user not found"
        assert await status(FORUM, 0) == "Bad Request: invalid user_id specified"
        api.rooms[NEWS].bot = "member"
        assert await status(NEWS, BORIS) == "Bad Request: member list is inaccessible"
        _, administrators = await bot.ask("getChatAdministrators", chat_id=str(FORUM))
        assert [one["user"]["id"] for one in administrators] == [BORIS]
        assert (await bot.ask("getChatAdministrators", chat_id=str(ANNA)))[0] == 400
        assert (await bot.ask("getChat", chat_id=str(FORUM)))[1]["is_forum"] is True
        await api.removes_bot(ANNA, DESK)
        assert (await bot.ask("getChat", chat_id=str(DESK)))[0] == 403
        assert (await bot.ask("leaveChat", chat_id=str(ANNA)))[0] == 400


async def test_tokens_and_methods_that_are_none() -> None:
    async with telegram() as (api, bot):
        assert (await Bot(api, bot.session, "123:other").ask("getMe")) == (401, "Unauthorized")
        assert (await Bot(api, bot.session, "nonsense").ask("getMe")) == (404, "Not Found")
        assert await bot.ask("sendGift") == (404, "Not Found: method not found")
        assert (await bot.ask("getMe"))[1]["username"] == "watcher_bot"
        api.is_revoked = True
        assert await bot.ask("getMe") == (401, "Unauthorized")


async def test_floods_are_refused() -> None:
    now = [0.0]
    async with telegram() as (api, bot):
        api.enforce_limits(lambda: now[0])

        async def sends(chat: str) -> str:
            status, words = await bot.ask("sendMessage", chat_id=chat, text="x")
            return "ok" if status == 200 else str(words)

        assert [await sends("1") for _ in range(4)] == ["ok"] * 3 + ["Too Many Requests: retry after 1"]
        now[0] += 1
        assert [await sends("1") for _ in range(2)] == ["ok", "Too Many Requests: retry after 1"]
        now[0] += 1  # 30 in one second, to whomever
        assert [await sends(str(chat)) for chat in range(100, 131)] == ["ok"] * 30 + [
            "Too Many Requests: retry after 1"
        ]
        told = []
        for _ in range(21):
            now[0] += 1.5
            told.append(await sends("-5"))
        assert told == ["ok"] * 20 + ["Too Many Requests: retry after 30"]
        assert [fault.status for fault in api.refusals] == [429] * 4


async def test_faults_that_are_arranged() -> None:
    async with telegram() as (api, bot):
        api.answer("5", blocked(), Fault(lose="before"), Fault(lose="after"))
        api.answer("getme", Fault(502, "Bad Gateway"))
        assert await bot.ask("getMe") == (502, "Bad Gateway")
        assert await bot.ask("sendMessage", chat_id="5", text="x") == (403, "Forbidden: bot was blocked by the user")
        for accepted in (0, 1):
            with pytest.raises(aiohttp.ClientError):
                await bot.ask("sendMessage", chat_id="5", text="x")
            assert len(api.accepted) == accepted
        assert api.requests == ["5"] * 3


async def test_faults_by_chance_are_the_same_each_time() -> None:
    async def outcomes(seed: int) -> list[int]:
        async with telegram() as (api, bot):
            api.fault_rate(0.3, seed, (Fault(500, "Internal Server Error"),))
            told = [(await bot.ask("sendMessage", chat_id="5", text="x"))[0] for _ in range(40)]
            api.fault_rate(0)
            assert (await bot.ask("getMe"))[0] == 200
            return told

    first = await outcomes(1)
    assert first == await outcomes(1) != await outcomes(2)
    assert 4 < first.count(500) < 20


async def test_waiting_for_what_does_not_come_says_what_was_asked() -> None:
    async with telegram() as (api, bot):
        await bot.ask("getMe")
        with pytest.raises(AssertionError, match=r"the last requests: \[\('getme', 200, ''\)\]"):
            await api.until(lambda: api.accepted, 0.02)
