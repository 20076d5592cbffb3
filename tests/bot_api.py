"""A stand-in for api.telegram.org over real HTTP: checks messages as strictly, refuses in the same words.

In tests: ``async with BotApi() as api``. As a program for acceptance: ``python tests/bot_api.py --port N --log FILE``
writes each accepted message as a JSON line; ``POST /faults`` with ``{"chat": "-100", "faults": [{"status": 403,
"description": "..."}, {"lose": "before"}]}`` queues answers there.

Where nobody was introduced (``api.person``, ``api.group``, ``api.channel``), every chat exists and takes messages;
after the first introduction only those that were introduced exist, and a person must have written first.

The order of checks and the wording are those of https://github.com/tdlib/telegram-bot-api (telegram-bot-api/Client.cpp)
and https://github.com/tdlib/td; limits are those of https://core.telegram.org/bots/api.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import re
import struct
import sys
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

if __package__ in (None, ""):  # run as a program
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.telegram_html import RefusedError, cannot_parse, parse_html, utf16_units
from tests.telegram_person import ANONYMOUS, BOT_ID, BOT_NAME, Accepted, Button, Chat, Keyboard, Person, Press

__all__ = (
    "ALL_FAULTS", "TOKEN", "Accepted", "BotApi", "Button", "Call", "Fault", "Press", "RefusedError",
    "blocked", "flooded", "migrated", "parse_html", "utf16_units",
)  # fmt: skip

TOKEN = "123456:TEST-token_of-the-stand-in"
DATE = 1663167600.0  # Unix time that stands still unless a test gives a clock
MAX_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_ENTITIES = 100  # "a message can have up to 100 entities"; the others are ignored without a word
MAX_DATA_BYTES = 64
MAX_TOAST_CHARS = 200
MAX_COMMANDS = 100
MAX_BUTTONS = 100
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_PHOTO_SIDES = 10_000  # width and height together
MAX_PHOTO_RATIO = 20
LONGEST_POLL = 50.0  # seconds; the server itself cuts it there
ANSWER_WITHIN = 15.0  # seconds after a press; later answers are refused

# Updates that are only sent to who asks for them (https://core.telegram.org/bots/api#getupdates).
_ONLY_ON_REQUEST = frozenset(("chat_member", "message_reaction", "message_reaction_count"))
_SCOPES = frozenset(
    ("default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators",
     "chat_member")
)  # fmt: skip
_SENDING = frozenset(("sendmessage", "sendphoto", "senddocument"))
_EDITING = frozenset(("editmessagetext", "editmessagecaption", "editmessagereplymarkup"))


@dataclass(frozen=True, slots=True)
class Fault:
    """One answer that is not a plain yes."""

    status: int = 0
    description: str = ""
    parameters: dict[str, int] | None = None
    lose: str = ""  # "before": the connection breaks and nothing is accepted; "after": accepted, but no answer
    delay: float = 0.0  # seconds before the answer


def blocked() -> Fault:
    return Fault(403, "Forbidden: bot was blocked by the user")


def flooded(seconds: int) -> Fault:
    return Fault(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def migrated(new_chat: int) -> Fault:
    description = "Bad Request: group chat was upgraded to a supergroup chat"
    return Fault(400, description, {"migrate_to_chat_id": new_chat})


# What can befall any request and pass: nothing of it says that a chat is gone.
ALL_FAULTS = (
    flooded(1),
    Fault(500, "Internal Server Error"),
    Fault(502, "Bad Gateway"),
    Fault(lose="before"),
    Fault(lose="after"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whatever became of it."""

    method: str  # in lower case
    fields: Mapping[str, Any]
    status: int = 0  # 200: accepted
    description: str = ""  # of a refusal


@dataclass(slots=True)
class _Flood:
    """Telegram's own counting (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this)."""

    total: int
    group: int
    burst: int
    moments: list[float] = field(default_factory=list)
    tokens: dict[str, tuple[float, float]] = field(default_factory=dict)  # chat -> (left, at)
    groups: dict[str, list[float]] = field(default_factory=dict)

    def check(self, chat: str, now: float) -> None:
        """Nothing, and the message is counted; raises RefusedError where it is one too many."""
        self.moments = [at for at in self.moments if at > now - 1]
        left, at = self.tokens.get(chat, (float(self.burst), now))
        left = min(float(self.burst), left + now - at)
        group = [at for at in self.groups.get(chat, []) if at > now - 60]
        wait = 0.0
        if len(self.moments) >= self.total:
            wait = self.moments[-self.total] + 1 - now
        if left < 1 - 1e-6:
            wait = max(wait, 1 - left)
        if chat.startswith(("-", "@")) and len(group) >= self.group:
            wait = max(wait, group[-self.group] + 60 - now)
        if wait > 0:
            seconds = max(1, math.ceil(wait))
            words = f"Too Many Requests: retry after {seconds}"
            raise RefusedError(429, words, {"retry_after": seconds})
        self.moments.append(now)
        self.tokens[chat] = (left - 1, now)
        self.groups[chat] = [*group, now]


@dataclass
class BotApi:
    """The server and what it knows; ``chats`` None: every chat exists until somebody is introduced."""

    token: str = TOKEN
    chats: set[str] | None = None
    port: int = 0
    answer_after: float = 0.0  # seconds between acceptance and answer
    log: Path | None = None
    clock: Callable[[], float] = lambda: DATE  # Unix time: dates of messages, limits, the age of presses
    accepted: list[Accepted] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # chats of all requests to send, also refused ones
    calls: list[Call] = field(default_factory=list)  # all requests but the polling, also refused ones
    refusals: list[Call] = field(default_factory=list)  # those that were refused
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    people: dict[int, Person] = field(default_factory=dict)
    rooms: dict[int, Chat] = field(default_factory=dict)
    commands: dict[tuple[str, str, str], list[dict[str, str]]] = field(default_factory=dict)  # scope, chat, language
    menu_buttons: dict[str, str] = field(default_factory=dict)  # chat, or "" for all -> type
    deleted: set[tuple[str, int]] = field(default_factory=set)
    is_revoked: bool = False  # the token is not valid any more
    webhook: dict[str, Any] = field(default_factory=dict)
    webhook_answers: list[int] = field(default_factory=list)  # status codes that the bot gave
    _proxies: dict[str, str] = field(default_factory=dict)
    _chance: tuple[float, random.Random, Sequence[Fault]] | None = None
    _flood: _Flood | None = None
    _allowed: frozenset[str] | None = None
    _updates: deque[dict[str, Any]] = field(default_factory=deque)
    _next_update: int = 1
    _next_message: int = 1
    _written: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)  # by people
    _presses: dict[str, Press] = field(default_factory=dict)
    _poll: asyncio.Future[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _posting: asyncio.Task[None] | None = None
    _runner: web.AppRunner | None = None

    # What a test arranges.

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bot"

    def answer(self, chat: str, *faults: Fault) -> None:
        """Nothing; the next requests to the chat (or of the method, in lower case) get these answers first."""
        self.faults[str(chat)].extend(faults)

    def fault_rate(self, rate: float, seed: int = 0, faults: Sequence[Fault] = ALL_FAULTS) -> None:
        """Nothing; from now on that part of all requests gets one of the faults, by chance; 0 ends it."""
        self._chance = (rate, random.Random(seed), faults) if rate else None

    def enforce_limits(
        self, clock: Callable[[], float] | None = None, *, total: int = 30, group: int = 20, burst: int = 3
    ) -> None:
        """Nothing; from now on floods are refused: ``total`` in a second, ``group`` in a minute to a group, one in a
        second to a chat after ``burst`` at once."""
        self.clock = clock or (self.clock if self.clock() != DATE else time.time)
        self._flood = _Flood(total, group, burst)

    def proxy(self, public_url: str, local_url: str) -> None:
        """Nothing; updates for webhooks below the public HTTPS address are posted to the local one."""
        self._proxies[public_url.rstrip("/")] = local_url.rstrip("/")

    def person(self, number: int, name: str, language: str | None = None, *, has_started: bool = False) -> Person:
        """The person, who can now write to the bot; the bot to them only once they did."""
        self.people[number] = Person(number, name, language, has_started)
        return self.people[number]

    def group(
        self,
        number: int,
        title: str,
        *,
        forum: bool = False,
        members: Mapping[int, str] | None = None,
        bot: str = "member",
    ) -> Chat:
        """The group, a supergroup where its number begins with -100; ``members`` by person: "member", "administrator"..."""
        kind = "supergroup" if str(number).startswith("-100") else "group"
        assert kind == "supergroup" or not forum, "only supergroups have topics"
        self.rooms[number] = Chat(number, kind, title, forum, dict(members or {}), bot)
        return self.rooms[number]

    def channel(
        self, number: int, title: str, *, members: Mapping[int, str] | None = None, bot: str = "administrator"
    ) -> Chat:
        """The channel."""
        self.rooms[number] = Chat(number, "channel", title, False, dict(members or {}), bot)
        return self.rooms[number]

    def topic(self, chat: int | Chat, thread: int, name: str) -> str:
        """The target "CHAT/THREAD" of a topic that is there from now on."""
        room = self._room(chat)
        assert room.is_forum, "only forums have topics"
        assert thread > 1, "1 is the general topic"
        room.topics[thread] = name
        return f"{room.id}/{thread}"

    # What people do. Each awaits only that Telegram knows of it.

    async def says(
        self,
        person: int | Person,
        chat: int | Person | Chat,
        text: str,
        thread: int | None = None,
        *,
        reply_to: int | Accepted | None = None,
        as_chat: bool = False,
    ) -> int | None:
        """The update's id; None where the bot does not hear it: a bot in a group hears commands and answers only."""
        who = self._who(person)
        where = self._where(chat)
        if isinstance(where, Person):
            assert where is who, "in private people write to the bot themselves"
            who.has_started, who.has_blocked = True, False
        else:
            assert where.is_member(who.id), f"{who.name} is no member of {where.title}"
            assert not (where.is_read_only or as_chat or where.type == "channel") or where.is_manager(who.id)
            assert thread is None or thread in where.topics, "no such topic"
        replied = reply_to.message_id if isinstance(reply_to, Accepted) else reply_to
        message = self._message(where, text, thread, replied)
        if isinstance(where, Chat) and (as_chat or where.type == "channel"):
            message["sender_chat"] = where.as_json()
            if where.type != "channel":
                message["from"] = ANONYMOUS
        else:
            message["from"] = who.as_json()
        self._written[str(_id_of(where)), message["message_id"]] = message
        if isinstance(where, Chat) and not self._hears(where, text, message):
            return None
        return self._tell("channel_post" if _type_of(where) == "channel" else "message", message)

    async def presses(
        self,
        person: int | Person,
        message: int | Accepted,
        button: str,
        *,
        chat: int | Person | Chat | None = None,
        forged: bool = False,
        is_old: bool = False,
    ) -> Press:
        """The press of the button with that label or data; ``chat`` where ``message`` is only an id.

        ``forged``: a changed app sends any data for any message of a chat that its user is in. ``is_old``: Telegram
        does not give the message along any more.
        """
        who = self._who(person)
        chat_id = message.chat if isinstance(message, Accepted) else str(_id_of(self._where(chat)) if chat else who.id)
        number = message.message_id if isinstance(message, Accepted) else message
        shown = self._bot_message(chat_id, number)
        assert shown is not None, "no such message of the bot"
        room = self.rooms.get(int(chat_id))
        assert room is None or room.is_member(who.id), f"{who.name} is no member of {chat_id}"
        assert room is not None or int(chat_id) == who.id, "that is another person's chat"
        found = [each for each in shown.buttons if button in (each.text, each.data)]
        data = found[0].data if found and not forged else button
        if not forged:
            assert found, f"no button {button!r} there, only {[each.text for each in shown.buttons]}"
            assert data, f"{button!r} only opens {found[0].url}"
        original = {"chat": self._chat_json(chat_id), "message_id": number, "date": 0}
        query: dict[str, Any] = {
            "id": str(10_000 + self._next_update),
            "from": who.as_json(),
            "message": original if is_old else self._as_json(shown.latest),
            "chat_instance": str(abs(int(chat_id))),
            "data": data,
        }
        press = Press(query["id"], self._next_update, self.clock())
        self._presses[press.id] = press
        press.update_id = self._tell("callback_query", query) or 0
        return press

    async def adds_bot(self, person: int | Person, chat: int | Chat, status: str = "member") -> int | None:
        """The update's id; the bot is in the chat from now on, or has another status there."""
        who, room = self._who(person), self._room(chat)
        return self._bot_becomes(who, room, status)

    async def removes_bot(self, person: int | Person, chat: int | Chat) -> int | None:
        """The update's id; the bot was thrown out."""
        return self._bot_becomes(self._who(person), self._room(chat), "kicked")

    async def blocks(self, person: int | Person, *, unblocks: bool = False) -> int | None:
        """The update's id; the person does not want the bot any more, or again."""
        who = self._who(person)
        old, new = ("kicked", "member") if unblocks else ("member", "kicked")
        who.has_blocked = not unblocks
        return self._tell("my_chat_member", self._change(who, who, BOT_ID, old, new))

    async def leaves(self, person: int | Person, chat: int | Chat) -> int | None:
        """The update's id, None where the bot is not told; the person is no member any more."""
        who, room = self._who(person), self._room(chat)
        old = room.members.get(who.id, "left")
        room.members[who.id] = "left"
        if room.type in ("group", "supergroup") and room.bot in ("member", "administrator"):
            self._tell("message", self._message(room, None, None) | {
                "from": who.as_json(), "left_chat_member": who.as_json()
            })  # fmt: skip
        if room.bot != "administrator":
            return None
        return self._tell("chat_member", self._change(who, room, who.id, old, "left"))

    async def migrates(self, chat: int | Chat, new_id: int) -> int | None:
        """The update's id; the group is a supergroup with another id from now on."""
        old = self._room(chat)
        assert old.type == "group"
        new = replace(old, id=new_id, type="supergroup", members=dict(old.members))
        self.rooms[new_id] = new
        old.migrated_to = new_id
        self._tell("message", self._message(old, None, None) | {"migrate_to_chat_id": new_id})
        return self._tell("message", self._message(new, None, None) | {"migrate_from_chat_id": old.id})

    # What a test looks at.

    def to(self, chat: int | str | Person | Chat, thread: int | None = None) -> list[Accepted]:
        """The messages to the chat, or to one topic of it, as they were sent; a target "CHAT/THREAD" is also good."""
        wanted, topic = _target(chat, thread)
        return [m for m in self.accepted if m.chat == wanted and (topic is None or m.thread == topic)]

    def sees(self, chat: int | str | Person | Chat, thread: int | None = None) -> list[Accepted]:
        """The messages that stand there now, each as it was edited last."""
        return [m.latest for m in self.to(chat, thread) if (m.chat, m.message_id) not in self.deleted]

    async def until(self, holds: Callable[[], Any], seconds: float = 5.0) -> Any:
        """What the function gives, once that is true; AssertionError after so many seconds."""
        loop = asyncio.get_running_loop()
        over_at = loop.time() + seconds
        while not (result := holds()):
            if loop.time() > over_at:
                recent = [(call.method, call.status, call.description) for call in self.calls[-5:]]
                raise AssertionError(f"it did not come to that within {seconds} s; the last requests: {recent}")
            await asyncio.sleep(0.005)
        return result

    async def confirmed(self, update_id: int | None, seconds: float = 5.0) -> None:
        """Nothing, once the bot has taken the update: polled past it, or accepted it at its webhook."""
        await self.until(lambda: all(update["update_id"] != update_id for update in self._updates), seconds)

    @property
    def pending(self) -> int:
        """How many updates the bot has not taken yet."""
        return len(self._updates)

    # The server.

    async def __aenter__(self) -> BotApi:
        app = web.Application(client_max_size=MAX_PHOTO_BYTES * 6)
        app.router.add_route("POST", "/faults", self._take_faults)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_poll(RefusedError(502, "Bad Gateway"))
        await self._end_posting()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take_faults(self, request: web.Request) -> web.Response:
        given = await request.json()
        self.answer(str(given["chat"]), *(Fault(**fault) for fault in given["faults"]))
        return web.json_response({"ok": True})

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"].lower()
        fields: dict[str, Any] = {}
        try:
            result = await self._result(request, method, fields)
        except RefusedError as refusal:
            self._note(Call(method, fields, refusal.status, refusal.description))
            body: dict[str, Any] = {
                "ok": False,
                "error_code": refusal.status,
                "description": refusal.description,
            }
            if refusal.parameters:
                body["parameters"] = refusal.parameters
            return web.json_response(body, status=refusal.status)
        self._note(Call(method, fields, 200))
        return web.json_response({"ok": True, "result": result})

    def _note(self, call: Call) -> None:
        if call.method != "getupdates":
            self.calls.append(call)
        if call.status != 200:
            self.refusals.append(call)

    async def _result(self, request: web.Request, method: str, fields: dict[str, Any]) -> Any:
        token = request.match_info["token"]
        if not re.fullmatch(r"\d+:[\w-]+", token):
            raise RefusedError(404, "Not Found")
        if token != self.token or self.is_revoked:
            raise RefusedError(401, "Unauthorized")
        fields.update(await _fields(request))
        answers: dict[str, Callable[[dict[str, Any]], Any | Awaitable[Any]]] = {
            "getme": self._get_me,
            "getupdates": self._get_updates,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "sendmessage": self._send_message,
            "sendphoto": self._send_photo,
            "senddocument": self._send_document,
            "sendchataction": self._send_chat_action,
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_caption,
            "editmessagereplymarkup": self._edit_keyboard,
            "deletemessage": self._delete_message,
            "answercallbackquery": self._answer_press,
            "setmycommands": self._set_commands,
            "deletemycommands": self._set_commands,
            "getmycommands": self._get_commands,
            "setmydescription": _yes,
            "setmyshortdescription": _yes,
            "setchatmenubutton": self._set_menu_button,
            "getchat": self._get_chat,
            "getchatmember": self._get_chat_member,
            "getchatadministrators": self._get_chat_administrators,
            "leavechat": self._leave_chat,
        }
        if method not in answers:
            raise RefusedError(404, "Not Found: method not found")
        chat = str(fields.get("chat_id", ""))
        if method in _SENDING:
            self.requests.append(chat)
        fault = await self._meet_fault(request, "updates" if method == "getupdates" else method, chat)
        if self._flood is not None and method in _SENDING | _EDITING:
            self._flood.check(chat, self.clock())
        result = answers[method](fields)
        if isinstance(result, Awaitable):
            result = await result
        if method in _SENDING:
            await asyncio.sleep(self.answer_after)
        if fault is not None:
            _hang_up(request)
        return result

    async def _meet_fault(self, request: web.Request, *keys: str) -> Fault | None:
        """The fault that comes into force after acceptance, if that is the next one."""
        fault: Fault | None = None
        for key in keys:
            if key and self.faults[key]:
                fault = self.faults[key].popleft()
                break
        else:
            if self._chance is not None and self._chance[1].random() < self._chance[0]:
                fault = self._chance[1].choice(self._chance[2])
        if fault is None:
            return None
        await asyncio.sleep(fault.delay)
        if fault.lose == "before":
            _hang_up(request)
            raise RefusedError(500, "never read")
        if fault.status:
            raise RefusedError(fault.status, fault.description, fault.parameters)
        return fault if fault.lose == "after" else None

    # Updates.

    def _tell(self, kind: str, content: dict[str, Any]) -> int | None:
        wanted = self._allowed
        if kind not in wanted if wanted is not None else kind in _ONLY_ON_REQUEST:
            return None
        number = self._next_update
        self._next_update += 1
        self._updates.append({"update_id": number, kind: content})
        self._news.set()
        return number

    async def _get_updates(self, fields: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            raise RefusedError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._end_poll(
            RefusedError(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        )
        self._allow(fields)
        offset = int(fields.get("offset") or 0)
        if offset < 0:
            offset = self._next_update + offset
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()
        limit = min(max(int(fields.get("limit") or 100), 1), 100)
        if not self._updates:
            await self._wait_for_news(min(float(fields.get("timeout") or 0), LONGEST_POLL))
        return list(self._updates)[:limit]

    async def _wait_for_news(self, seconds: float) -> None:
        """Nothing, when there is an update or the time is over; raises RefusedError where another request ends it."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poll = mine
        self._news.clear()
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait((mine, news), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            if self._poll is mine:
                self._poll = None
        if mine.done():
            mine.result()

    def _end_poll(self, refusal: RefusedError) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(refusal)

    def _allow(self, fields: dict[str, Any]) -> None:
        """Nothing; which updates are kept from now on, where the request says so."""
        if (given := _decoded(fields.get("allowed_updates"))) is not None:
            self._allowed = frozenset(given) or None

    async def _set_webhook(self, fields: dict[str, Any]) -> bool:
        url = str(fields.get("url") or "")
        if not url:
            return await self._delete_webhook(fields)
        parts = urlsplit(url)
        if parts.scheme != "https":
            raise RefusedError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if (parts.port or 443) not in (80, 88, 443, 8443):
            words = "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"
            raise RefusedError(400, words)
        secret = str(fields.get("secret_token") or "")
        if len(secret) > 256:
            raise RefusedError(400, "Bad Request: secret token is too long")
        if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
            raise RefusedError(400, "Bad Request: secret token contains unallowed characters")
        local = next((url.replace(public, to, 1) for public, to in self._proxies.items() if url.startswith(public)), "")
        if not local:
            raise RefusedError(400, "Bad Request: bad webhook: Failed to resolve host: Name or service not known")
        self._allow(fields)
        if _is_true(fields.get("drop_pending_updates")):
            self._updates.clear()
        self._end_poll(RefusedError(409, "Conflict: terminated by setWebhook request"))
        await self._end_posting()
        self.webhook = {"url": url, "secret": secret, "local": local}
        self._posting = asyncio.create_task(self._post_updates())
        return True

    async def _delete_webhook(self, fields: dict[str, Any]) -> bool:
        if _is_true(fields.get("drop_pending_updates")):
            self._updates.clear()
        self.webhook = {}
        await self._end_posting()
        return True

    def _get_webhook_info(self, fields: dict[str, Any]) -> dict[str, Any]:
        url = self.webhook.get("url", "")
        return {"url": url, "has_custom_certificate": False, "pending_update_count": len(self._updates)}

    async def _end_posting(self) -> None:
        if self._posting is not None:
            self._posting.cancel()
            await asyncio.gather(self._posting, return_exceptions=True)
            self._posting = None

    async def _post_updates(self) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret"]} if self.webhook["secret"] else {}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                self._news.clear()
                while self._updates:
                    try:
                        async with session.post(self.webhook["local"], json=self._updates[0]) as answer:
                            self.webhook_answers.append(answer.status)
                            is_taken = answer.status < 300
                    except aiohttp.ClientError:
                        is_taken = False
                    if not is_taken:
                        await asyncio.sleep(0.05)
                        continue
                    self._updates.popleft()
                await self._news.wait()

    # Messages.

    async def _send_message(self, fields: dict[str, Any]) -> dict[str, Any]:
        text, entities, mode = _read_text(fields, "text", "entities")
        if not text:
            raise RefusedError(400, "Bad Request: message text is empty")
        return self._accept(fields, text, entities, mode, str(fields.get("text", "")), MAX_UNITS, "message is too long")

    async def _send_photo(self, fields: dict[str, Any]) -> dict[str, Any]:
        photo, name = _file(fields, "photo")
        if photo is None:
            raise RefusedError(400, "Bad Request: there is no photo in the request")
        text, entities, mode = _read_text(fields, "caption", "caption_entities")
        _check_photo(photo)
        return self._accept(
            fields, text, entities, mode, str(fields.get("caption", "")), MAX_CAPTION_UNITS,
            "message caption is too long", photo=photo, file_name=name,
        )  # fmt: skip

    async def _send_document(self, fields: dict[str, Any]) -> dict[str, Any]:
        document, name = _file(fields, "document")
        if document is None:
            raise RefusedError(400, "Bad Request: there is no document in the request")
        text, entities, mode = _read_text(fields, "caption", "caption_entities")
        if not document:
            raise RefusedError(400, "Bad Request: file must be non-empty")
        return self._accept(
            fields, text, entities, mode, str(fields.get("caption", "")), MAX_CAPTION_UNITS,
            "message caption is too long", document=document, file_name=name,
        )  # fmt: skip

    def _accept(
        self,
        fields: dict[str, Any],
        text: str,
        entities: tuple[tuple[str, str, str | None], ...],
        mode: str | None,
        source: str,
        most: int,
        too_long: str,
        **files: Any,
    ) -> dict[str, Any]:
        """The sent message as JSON; the checks that follow its content."""
        keyboard = _read_keyboard(fields)
        chat = self._check_chat(fields)
        thread = int(fields["message_thread_id"]) if fields.get("message_thread_id") else None
        self._check_writable(chat, thread)
        reply_to = self._reply(chat, fields.get("reply_parameters"))
        if utf16_units(text) > most:
            raise RefusedError(400, f"Bad Request: {too_long}")
        _check_keyboard(keyboard)
        message = Accepted(
            message_id=self._take_message_id(),
            chat=chat,
            text=text,
            entities=entities,
            source=source,
            parse_mode=mode,
            reply_to=reply_to,
            is_silent=_is_true(fields.get("disable_notification")),
            thread=thread,
            keyboard=keyboard,
            is_protected=_is_true(fields.get("protect_content")),
            **files,
        )
        self.accepted.append(message)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message.logged(), ensure_ascii=False) + "\n")
        return self._as_json(message)

    def _check_chat(self, fields: dict[str, Any]) -> str:
        chat = str(fields.get("chat_id", ""))
        if not chat:
            raise RefusedError(400, "Bad Request: chat_id is empty")
        known = {str(number) for number in (*self.people, *self.rooms)} | (self.chats or set())
        if (known or self.chats is not None) and chat not in known:
            raise RefusedError(400, "Bad Request: chat not found")
        return chat

    def _check_writable(self, chat: str, thread: int | None) -> None:
        room = self.rooms.get(_chat_number(chat))
        if room is not None:
            room.check_writable(thread)
        elif (person := self.people.get(_chat_number(chat))) is not None:
            if not person.has_started:
                raise RefusedError(403, "Forbidden: bot can't initiate conversation with a user")
            if person.has_blocked:
                raise RefusedError(403, "Forbidden: bot was blocked by the user")
            if thread is not None:
                raise RefusedError(400, "Bad Request: message thread not found")

    def _reply(self, chat: str, given: Any) -> int | None:
        if not given:
            return None
        wanted = _decoded(given)
        number = int(wanted["message_id"])
        if self._bot_message(chat, number) is not None or (chat, number) in self._written:
            return number
        if not wanted.get("allow_sending_without_reply"):
            raise RefusedError(400, "Bad Request: message to be replied not found")
        return None

    def _send_chat_action(self, fields: dict[str, Any]) -> bool:
        self._check_writable(self._check_chat(fields), None)
        return True

    def _edit_text(self, fields: dict[str, Any]) -> dict[str, Any]:
        text, entities, mode = _read_text(fields, "text", "entities")
        if not text:
            raise RefusedError(400, "Bad Request: message text is empty")
        keyboard = _read_keyboard(fields)
        message = self._to_edit(fields)
        if message.photo or message.document:
            raise RefusedError(400, "Bad Request: there is no text in the message to edit")
        if utf16_units(text) > MAX_UNITS:
            raise RefusedError(400, "Bad Request: message is too long")
        source = str(fields.get("text", ""))
        return self._edit(message, text=text, entities=entities, parse_mode=mode, source=source, keyboard=keyboard)

    def _edit_caption(self, fields: dict[str, Any]) -> dict[str, Any]:
        keyboard = _read_keyboard(fields)
        text, entities, mode = _read_text(fields, "caption", "caption_entities")
        message = self._to_edit(fields)
        if not (message.photo or message.document):
            raise RefusedError(400, "Bad Request: there is no caption in the message to edit")
        if utf16_units(text) > MAX_CAPTION_UNITS:
            raise RefusedError(400, "Bad Request: message caption is too long")
        source = str(fields.get("caption", ""))
        return self._edit(message, text=text, entities=entities, parse_mode=mode, source=source, keyboard=keyboard)

    def _edit_keyboard(self, fields: dict[str, Any]) -> dict[str, Any]:
        keyboard = _read_keyboard(fields)
        return self._edit(self._to_edit(fields), keyboard=keyboard)

    def _to_edit(self, fields: dict[str, Any]) -> Accepted:
        """The message as it was sent."""
        if not fields.get("chat_id") and not fields.get("message_id"):
            raise RefusedError(400, "Bad Request: message identifier is not specified")
        chat = self._check_chat(fields)
        number = int(fields.get("message_id") or 0)
        room = self.rooms.get(_chat_number(chat))
        if room is not None:
            room.check_access()
        if not number:
            raise RefusedError(400, "Bad Request: message identifier is not specified")
        if (chat, number) in self._written:
            raise RefusedError(400, "Bad Request: message can't be edited")
        message = self._bot_message(chat, number)
        if message is None:
            raise RefusedError(400, "Bad Request: message to edit not found")
        return message

    def _edit(self, message: Accepted, **values: Any) -> dict[str, Any]:
        _check_keyboard(values["keyboard"])
        before = message.latest
        after = replace(before, **values, edits=[])
        if (after.text, after.entities, after.keyboard) == (before.text, before.entities, before.keyboard):
            raise RefusedError(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        message.edits.append(after)
        return self._as_json(after)

    def _delete_message(self, fields: dict[str, Any]) -> bool:
        chat, number = self._check_chat(fields), int(fields.get("message_id") or 0)
        if self._bot_message(chat, number) is None:
            raise RefusedError(400, "Bad Request: message to delete not found")
        self.deleted.add((chat, number))
        return True

    def _answer_press(self, fields: dict[str, Any]) -> bool:
        text = str(fields.get("text") or "")
        press = self._presses.get(str(fields.get("callback_query_id", "")))
        if press is None or press.is_answered or self.clock() - press.at > ANSWER_WITHIN:
            raise RefusedError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(text) > MAX_TOAST_CHARS:
            raise RefusedError(400, "Bad Request: MESSAGE_TOO_LONG")
        press.toast, press.is_answered, press.is_alert = text, True, _is_true(fields.get("show_alert"))
        return True

    def _bot_message(self, chat: str, number: int) -> Accepted | None:
        if (chat, number) in self.deleted:
            return None
        return next((m for m in self.accepted if m.chat == chat and m.message_id == number), None)

    # Commands, chats and their members.

    def _get_me(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"id": BOT_ID, "is_bot": True, "first_name": "watcher", "username": BOT_NAME, "can_join_groups": True}

    def _scope(self, fields: dict[str, Any]) -> tuple[str, str, str]:
        scope = _decoded(fields.get("scope")) or {"type": "default"}
        if scope.get("type") not in _SCOPES:
            raise RefusedError(400, "Bad Request: can't parse BotCommandScope: unsupported type specified")
        language = str(fields.get("language_code") or "")
        if not re.fullmatch(r"(?:[a-z]{2})?", language):
            raise RefusedError(400, "Bad Request: invalid language code specified")
        chat = str(scope.get("chat_id", ""))
        if scope["type"] in ("chat", "chat_administrators", "chat_member"):
            self._check_chat({"chat_id": chat})
        return scope["type"], chat, language

    def _set_commands(self, fields: dict[str, Any]) -> bool:
        scope = self._scope(fields)
        given = _decoded(fields.get("commands"))
        if given is None:
            self.commands.pop(scope, None)
            return True
        for command in given:
            name = str(command.get("command", "")).strip().removeprefix("/")
            description = str(command.get("description", "")).strip()
            if not name:
                raise RefusedError(400, "Bad Request: command must be non-empty")
            if len(name) > 32:
                raise RefusedError(400, "Bad Request: command length must not exceed 32")
            if not description:
                raise RefusedError(400, "Bad Request: command description must be non-empty")
            if len(description) > 256:
                raise RefusedError(400, "Bad Request: command description length must not exceed 256")
            if not re.fullmatch(r"[a-z0-9_]+", name):
                raise RefusedError(400, "Bad Request: BOT_COMMAND_INVALID")
        if len(given) > MAX_COMMANDS:
            raise RefusedError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        self.commands[scope] = given
        return True

    def _get_commands(self, fields: dict[str, Any]) -> list[dict[str, str]]:
        return self.commands.get(self._scope(fields), [])

    def _set_menu_button(self, fields: dict[str, Any]) -> bool:
        button = _decoded(fields.get("menu_button")) or {"type": "default"}
        if button.get("type") not in ("commands", "web_app", "default"):
            raise RefusedError(400, "Bad Request: can't parse MenuButton: unsupported type specified")
        self.menu_buttons[str(fields.get("chat_id") or "")] = button["type"]
        return True

    def _get_chat(self, fields: dict[str, Any]) -> dict[str, Any]:
        chat = self._readable(fields)
        return self._chat_json(chat) | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": {
            "unlimited_gifts": False, "limited_gifts": False, "unique_gifts": False, "premium_subscription": False,
            "gifts_from_channels": False,
        }}  # fmt: skip

    def _readable(self, fields: dict[str, Any]) -> str:
        chat = self._check_chat(fields)
        room = self.rooms.get(_chat_number(chat))
        if room is not None:
            room.check_access()
        return chat

    def _get_chat_member(self, fields: dict[str, Any]) -> dict[str, Any]:
        number = int(fields.get("user_id") or 0)
        if not number:
            raise RefusedError(400, "Bad Request: invalid user_id specified")
        chat = self._readable(fields)
        room = self.rooms.get(_chat_number(chat))
        if room is not None and room.type == "channel" and room.bot != "administrator":
            raise RefusedError(400, "Bad Request: member list is inaccessible")
        if number == BOT_ID:
            return _member({"id": BOT_ID, "is_bot": True, "first_name": "watcher"}, room.bot if room else "member")
        if number not in self.people:
            raise RefusedError(400, "Bad Request: user not found")
        status = room.members.get(number, "left") if room is not None else "member"
        return _member(self.people[number].as_json(), status)

    def _get_chat_administrators(self, fields: dict[str, Any]) -> list[dict[str, Any]]:
        room = self.rooms.get(_chat_number(self._readable(fields)))
        if room is None:
            raise RefusedError(400, "Bad Request: there are no administrators in the private chat")
        people = [self.people[number] for number in room.members if room.is_manager(number)]
        return [_member(person.as_json(), room.members[person.id]) for person in people]

    def _leave_chat(self, fields: dict[str, Any]) -> bool:
        room = self.rooms.get(_chat_number(self._readable(fields)))
        if room is None:
            raise RefusedError(400, "Bad Request: chat member status can't be changed in private chats")
        room.bot = "left"
        return True

    # What both sides share.

    def _who(self, person: int | Person) -> Person:
        return person if isinstance(person, Person) else self.people[person]

    def _room(self, chat: int | Chat) -> Chat:
        return chat if isinstance(chat, Chat) else self.rooms[chat]

    def _where(self, chat: int | Person | Chat) -> Person | Chat:
        if not isinstance(chat, int):
            return chat
        return self.people[chat] if chat in self.people else self.rooms[chat]

    def _hears(self, room: Chat, text: str, message: dict[str, Any]) -> bool:
        """Whether the bot is told of what is written in the group (https://core.telegram.org/bots/features#privacy-mode)."""
        if room.bot not in ("member", "administrator"):
            return False
        if room.bot == "administrator" or room.type == "channel":
            return True
        if (replied := message.get("reply_to_message")) is not None and replied["from"]["id"] == BOT_ID:
            return True
        command = re.match(r"/\w+(?:@(\w+))?", text)
        return command is not None and command[1] in (None, BOT_NAME)

    def _message(
        self, where: Person | Chat, text: str | None, thread: int | None, reply_to: int | None = None
    ) -> dict[str, Any]:
        """A message that somebody else than the bot writes, still without its author."""
        message: dict[str, Any] = {
            "message_id": self._take_message_id(),
            "date": int(self.clock()),
            "chat": self._chat_json(str(_id_of(where))),
        }
        if text is not None:
            message["text"] = text
            if command := re.match(r"/\w{1,64}(?:@\w+)?", text):
                message["entities"] = [{"type": "bot_command", "offset": 0, "length": utf16_units(command[0])}]
        if thread is not None:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        if reply_to is not None:
            replied = self._bot_message(str(_id_of(where)), reply_to)
            mine = self._written.get((str(_id_of(where)), reply_to))
            assert replied or mine, "no such message to answer"
            message["reply_to_message"] = self._as_json(replied.latest) if replied else mine
        return message

    def _as_json(self, message: Accepted) -> dict[str, Any]:
        """A message of the bot."""
        shown: dict[str, Any] = {
            "message_id": message.message_id,
            "date": int(self.clock()),
            "chat": self._chat_json(message.chat),
            "from": {"id": BOT_ID, "is_bot": True, "first_name": "watcher", "username": BOT_NAME},
        }
        if message.photo:
            shown["photo"] = [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]
        if message.document:
            shown["document"] = {"file_id": "d", "file_unique_id": "d", "file_name": message.file_name}
        if message.text:
            shown["caption" if message.photo or message.document else "text"] = message.text
        if message.thread is not None:
            shown |= {"message_thread_id": message.thread, "is_topic_message": True}
        if message.keyboard:
            rows = [[_button_json(button) for button in row] for row in message.keyboard]
            shown["reply_markup"] = {"inline_keyboard": rows}
        return shown

    def _chat_json(self, chat: str) -> dict[str, Any]:
        number = _chat_number(chat)
        if number in self.rooms:
            return self.rooms[number].as_json()
        if number in self.people:
            return {"id": number, "type": "private", "first_name": self.people[number].name}
        return {"id": number, "type": "group" if chat.startswith("-") else "private"}

    def _take_message_id(self) -> int:
        self._next_message += 1
        return self._next_message - 1

    def _bot_becomes(self, who: Person, room: Chat, status: str) -> int | None:
        old, room.bot = room.bot, status
        if old in ("left", "kicked") and status != "kicked" and room.type != "channel":
            me = {"id": BOT_ID, "is_bot": True, "first_name": "watcher", "username": BOT_NAME}
            joined = self._message(room, None, None) | {"from": who.as_json(), "new_chat_members": [me]}
            self._tell("message", joined)
        return self._tell("my_chat_member", self._change(who, room, BOT_ID, old, status))

    def _change(self, who: Person, where: Person | Chat, member: int, old: str, new: str) -> dict[str, Any]:
        user = self.people[member].as_json() if member != BOT_ID else {
            "id": BOT_ID, "is_bot": True, "first_name": "watcher", "username": BOT_NAME
        }  # fmt: skip
        return {
            "chat": self._chat_json(str(_id_of(where))),
            "from": who.as_json(),
            "date": int(self.clock()),
            "old_chat_member": _member(user, old),
            "new_chat_member": _member(user, new),
        }


# Fields of a request.


async def _fields(request: web.Request) -> dict[str, Any]:
    try:
        if request.content_type == "application/json":
            return dict(await request.json())
        return dict(request.query) | dict(await request.post())
    except UnicodeDecodeError:
        raise RefusedError(400, "Bad Request: strings must be encoded in UTF-8") from None


def _decoded(given: Any) -> Any:
    """The value of a field that may be JSON in a string; None where there is none."""
    if given is None or given == "":
        return None
    return json.loads(given) if isinstance(given, str) else given


def _is_true(given: Any) -> bool:
    return str(given).lower() in ("true", "yes", "1")


def _file(fields: dict[str, Any], name: str) -> tuple[bytes | None, str]:
    """Content and name of an uploaded file."""
    given = fields.get(name)
    if isinstance(given, str) and given.startswith("attach://"):
        given = fields.get(given.removeprefix("attach://"))
    if isinstance(given, web.FileField):
        return given.file.read(), given.filename
    return None, ""


def _check_photo(photo: bytes) -> None:
    if not photo:
        raise RefusedError(400, "Bad Request: file must be non-empty")
    if len(photo) > MAX_PHOTO_BYTES:
        raise RefusedError(413, "Request Entity Too Large")
    if photo.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack(">II", photo[16:24])
        if width + height > MAX_PHOTO_SIDES or max(width, height) > MAX_PHOTO_RATIO * min(width, height):
            raise RefusedError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    elif not photo.startswith(b"\xff\xd8\xff"):
        raise RefusedError(400, "Bad Request: IMAGE_PROCESS_FAILED")


def _read_text(
    fields: dict[str, Any], name: str, entities_name: str
) -> tuple[str, tuple[tuple[str, str, str | None], ...], str | None]:
    """Text, entities and parse mode of a field, as a reader will see them."""
    source = str(fields.get(name, ""))
    mode = fields.get("parse_mode") or None
    if mode is not None and str(mode).lower() != "html":
        raise RefusedError(400, "Bad Request: unsupported parse_mode")
    if mode is not None:
        text, entities = parse_html(source)
    else:
        text, entities = source, _given_entities(source, _decoded(fields.get(entities_name)) or [])
    return text.strip(), entities[:MAX_ENTITIES], mode


def _given_entities(text: str, given: list[dict[str, Any]]) -> tuple[tuple[str, str, str | None], ...]:
    units = text.encode("utf-16-le", "surrogatepass")
    found = []
    for entity in given:
        start, length = int(entity["offset"]), int(entity["length"])
        if start < 0 or length <= 0 or (start + length) * 2 > len(units):
            raise cannot_parse("entity is outside the text")
        words = units[start * 2 : (start + length) * 2].decode("utf-16-le", "surrogatepass")
        found.append((str(entity["type"]), words, entity.get("url")))
    return tuple(found)


def _read_keyboard(fields: dict[str, Any]) -> Keyboard:
    given = fields.get("reply_markup")
    if given in (None, ""):
        return ()
    try:
        markup = _decoded(given)
    except ValueError:
        raise RefusedError(400, "Bad Request: can't parse reply keyboard markup JSON object") from None
    if not isinstance(markup, dict):
        raise RefusedError(400, "Bad Request: object expected as reply markup")
    rows = markup.get("inline_keyboard", [])
    if not isinstance(rows, list):
        raise RefusedError(400, 'Bad Request: field "inline_keyboard" of the InlineKeyboardMarkup must be an Array')
    if any(not isinstance(row, list) for row in rows):
        words = 'Bad Request: field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'
        raise RefusedError(400, words)
    return tuple(tuple(_read_button(button) for button in row) for row in rows if row)


def _read_button(button: dict[str, Any]) -> Button:
    where = "Bad Request: can't parse inline keyboard button"
    if not isinstance(button.get("text"), str):
        raise RefusedError(400, f'{where}: Can\'t find field "text"')
    if "url" in button:
        return Button(button["text"], url=str(button["url"]))
    if "callback_data" in button:
        return Button(button["text"], data=str(button["callback_data"]))
    raise RefusedError(400, f"{where}: Text buttons are unallowed in the inline keyboard")


def _check_keyboard(keyboard: Keyboard) -> None:
    """Nothing; what only Telegram's own servers check."""
    buttons = [button for row in keyboard for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise RefusedError(400, "Bad Request: reply markup is too long")
    for button in buttons:
        if not button.text.strip():
            raise RefusedError(400, "Bad Request: BUTTON_TEXT_INVALID")
        if button.url:
            if not re.match(r"(?:https?|tg)://\S+\Z", button.url):
                raise RefusedError(400, "Bad Request: BUTTON_URL_INVALID")
        elif not 1 <= len(button.data.encode()) <= MAX_DATA_BYTES:
            raise RefusedError(400, "Bad Request: BUTTON_DATA_INVALID")


def _button_json(button: Button) -> dict[str, str]:
    return {"text": button.text} | ({"url": button.url} if button.url else {"callback_data": button.data})


def _member(user: dict[str, Any], status: str) -> dict[str, Any]:
    """A ChatMember, with the fields that python-telegram-bot wants of each kind."""
    shown: dict[str, Any] = {"user": user, "status": status}
    rights = (
        "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members",
        "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories",
        "can_delete_stories",
    )  # fmt: skip
    permissions = (
        "is_member", "can_change_info", "can_invite_users", "can_pin_messages", "can_send_messages", "can_send_polls",
        "can_send_other_messages", "can_add_web_page_previews", "can_manage_topics", "can_send_audios",
        "can_send_documents", "can_send_photos", "can_send_videos", "can_send_video_notes", "can_send_voice_notes",
    )  # fmt: skip
    if status == "creator":
        shown["is_anonymous"] = False
    elif status == "administrator":
        shown |= dict.fromkeys(rights, True) | {"can_be_edited": False, "is_anonymous": False}
    elif status == "restricted":
        shown |= dict.fromkeys(permissions, True) | {"until_date": 0}
    elif status == "kicked":
        shown["until_date"] = 0
    return shown


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _yes(fields: dict[str, Any]) -> bool:
    return True


def _chat_number(chat: str) -> int:
    return int(chat) if re.fullmatch(r"-?\d+", chat) else -1001


def _id_of(where: Person | Chat) -> int:
    return where.id


def _type_of(where: Person | Chat) -> str:
    return where.type if isinstance(where, Chat) else "private"


def _target(chat: int | str | Person | Chat, thread: int | None) -> tuple[str, int | None]:
    if isinstance(chat, Person | Chat):
        chat = chat.id
    wanted, _, topic = str(chat).partition("/")
    return wanted, int(topic) if topic else thread


async def serve(port: int, log: Path, token: str) -> None:
    async with BotApi(token=token, port=port, log=log) as api:
        print(f"Bot API stand-in: {api.base_url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for the Telegram Bot API; accepts messages to any chat.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="accepted messages, one JSON line each")
    parser.add_argument("--token", default=TOKEN)
    given = parser.parse_args()
    try:
        asyncio.run(serve(given.port, given.log, given.token))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
