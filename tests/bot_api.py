"""A stand-in for api.telegram.org over real HTTP: checks messages as strictly, refuses in the same words.

In tests: ``async with BotApi() as api``. As a program for acceptance: ``python tests/bot_api.py --port N --log FILE``
writes each accepted message as a JSON line; ``POST /faults`` with ``{"chat": "-100", "faults": [{"status": 403,
"description": "..."}, {"lose": "before"}]}`` queues answers there.

The parser of entities follows the order of checks and the wording of the Bot API server (telegram/MessageEntity.cpp of
https://github.com/tdlib/td); limits are those of https://core.telegram.org/bots/api#sendmessage.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

TOKEN = "123456:TEST-token_of-the-stand-in"
MAX_UNITS = 4096
ALLOWED_TAGS = frozenset("a b strong i em s strike del u ins tg-spoiler tg-emoji span pre code blockquote".split())
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


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


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message as its reader sees it, with what it was made from."""

    message_id: int
    chat: str
    text: str  # after entity parsing
    entities: tuple[tuple[str, str, str | None], ...]  # (tag, its text, href)
    source: str  # as it was posted
    parse_mode: str | None
    reply_to: int | None
    is_silent: bool


class RefusedError(Exception):
    def __init__(self, status: int, description: str, parameters: dict[str, int] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


@dataclass
class BotApi:
    """The server and what it knows; ``chats`` None: every chat exists."""

    token: str = TOKEN
    chats: set[str] | None = None
    port: int = 0
    answer_after: float = 0.0  # seconds between acceptance and answer
    log: Path | None = None
    accepted: list[Accepted] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # chats of all requests, also refused ones
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    _runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bot"

    def answer(self, chat: str, *faults: Fault) -> None:
        """Nothing; the next requests to the chat get these answers, then normal ones follow."""
        self.faults[chat].extend(faults)

    def to(self, chat: str) -> list[Accepted]:
        return [message for message in self.accepted if message.chat == chat]

    async def __aenter__(self) -> BotApi:
        app = web.Application()
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
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take_faults(self, request: web.Request) -> web.Response:
        given = await request.json()
        self.answer(str(given["chat"]), *(Fault(**fault) for fault in given["faults"]))
        return web.json_response({"ok": True})

    async def _call(self, request: web.Request) -> web.StreamResponse:
        try:
            result = await self._result(request)
        except RefusedError as refusal:
            body: dict[str, Any] = {
                "ok": False,
                "error_code": refusal.status,
                "description": refusal.description,
            }
            if refusal.parameters:
                body["parameters"] = refusal.parameters
            return web.json_response(body, status=refusal.status)
        return web.json_response({"ok": True, "result": result})

    async def _result(self, request: web.Request) -> Any:
        token, method = request.match_info["token"], request.match_info["method"].lower()
        if not re.fullmatch(r"\d+:[\w-]+", token):
            raise RefusedError(404, "Not Found")
        if token != self.token:
            raise RefusedError(401, "Unauthorized")
        fields = await _fields(request)
        if method == "getme":
            return {"id": 123456, "is_bot": True, "first_name": "watcher", "username": "watcher_bot"}
        if method == "getupdates":
            await self._meet_fault("updates", request)
            await asyncio.sleep(min(float(fields.get("timeout", 0)), 0.2))
            return []
        if method in ("deletewebhook", "setmycommands"):
            return True
        if method != "sendmessage":
            raise RefusedError(404, "Not Found")
        chat = str(fields.get("chat_id", ""))
        self.requests.append(chat)
        fault = await self._meet_fault(chat, request)
        message = self._read(chat, fields)
        self.accepted.append(message)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(message), ensure_ascii=False) + "\n")
        await asyncio.sleep(self.answer_after)
        if fault is not None:
            _hang_up(request)
        return {
            "message_id": message.message_id,
            "date": 1663167600,
            "chat": {"id": _chat_number(chat), "type": "group" if chat.startswith("-") else "private"},
            "text": message.text,
        }

    async def _meet_fault(self, chat: str, request: web.Request) -> Fault | None:
        """The fault that comes into force after acceptance, if that is the next one."""
        if not self.faults[chat]:
            return None
        fault = self.faults[chat].popleft()
        await asyncio.sleep(fault.delay)
        if fault.lose == "before":
            _hang_up(request)
            raise RefusedError(500, "never read")
        if fault.status:
            raise RefusedError(fault.status, fault.description, fault.parameters)
        return fault if fault.lose == "after" else None

    def _read(self, chat: str, fields: dict[str, Any]) -> Accepted:
        if not chat:
            raise RefusedError(400, "Bad Request: chat_id is empty")
        if self.chats is not None and chat not in self.chats:
            raise RefusedError(400, "Bad Request: chat not found")
        source = str(fields.get("text", ""))
        mode = fields.get("parse_mode")
        if mode not in (None, "", "HTML"):
            raise RefusedError(400, "Bad Request: unsupported parse_mode")
        text, entities = (source, ()) if not mode else parse_html(source)
        if not text.strip():
            raise RefusedError(400, "Bad Request: message text is empty")
        if utf16_units(text.strip()) > MAX_UNITS:
            raise RefusedError(400, "Bad Request: message is too long")
        return Accepted(
            message_id=len(self.accepted) + 1,
            chat=chat,
            text=text.strip(),
            entities=entities,
            source=source,
            parse_mode=mode or None,
            reply_to=self._reply(chat, fields.get("reply_parameters")),
            is_silent=str(fields.get("disable_notification", "")).lower() == "true",
        )

    def _reply(self, chat: str, given: Any) -> int | None:
        if not given:
            return None
        wanted = json.loads(given) if isinstance(given, str) else given
        if any(message.chat == chat and message.message_id == wanted["message_id"] for message in self.accepted):
            return int(wanted["message_id"])
        if not wanted.get("allow_sending_without_reply"):
            raise RefusedError(400, "Bad Request: message to be replied not found")
        return None


async def _fields(request: web.Request) -> dict[str, Any]:
    try:
        if request.content_type == "application/json":
            return dict(await request.json())
        return dict(await request.post())
    except UnicodeDecodeError:
        raise RefusedError(400, "Bad Request: strings must be encoded in UTF-8") from None


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _chat_number(chat: str) -> int:
    return int(chat) if re.fullmatch(r"-?\d+", chat) else -1001


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> tuple[str, tuple[tuple[str, str, str | None], ...]]:
    """The text and its entities; raises RefusedError with the words of the Bot API."""
    out: list[str] = []
    found: list[tuple[str, str, str | None]] = []
    nested: list[tuple[str, str | None, int]] = []  # tag, href, length of the text at its start
    i = 0
    while i < len(source):
        if source[i] == "&":
            character, i = _entity(source, i)
            out.append(character)
        elif source[i] != "<":
            out.append(source[i])
            i += 1
        elif source[i + 1 : i + 2] == "/":
            i = _end_tag(source, i, nested, out, found)
        else:
            tag, href, i = _start_tag(source, i)
            nested.append((tag, href, len("".join(out))))
    if nested:
        raise _cannot_parse(f'Can\'t find end tag corresponding to start tag "{nested[-1][0]}"')
    return "".join(out), tuple(found)


def _entity(source: str, i: int) -> tuple[str, int]:
    if match := re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));?").match(source, i):
        code = int(match[1], 16) if match[1] else int(match[2])
        if 0 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000:
            return chr(code), match.end()
    if (match := re.compile(r"&(\w+);?").match(source, i)) and match[1] in _ENTITIES:
        return _ENTITIES[match[1]], match.end()
    return "&", i + 1


def _start_tag(source: str, begin: int) -> tuple[str, str | None, int]:
    match = re.compile(r"[^\s>]*").match(source, begin + 1)
    assert match is not None
    i = match.end()
    if i >= len(source):
        raise _cannot_parse(f"Unclosed start tag at byte offset {_bytes(source, begin)}")
    tag = match[0].lower()
    if tag not in ALLOWED_TAGS:
        raise _cannot_parse(f'Unsupported start tag "{tag}" at byte offset {_bytes(source, begin)}')
    href = None
    attribute = re.compile(r"\s*([^\s=>]*)\s*(=?)\s*(?:\"([^\"]*)\"|'([^']*)'|([\w.-]*))")
    while True:
        while source[i : i + 1].isspace():
            i += 1
        if source[i : i + 1] == ">":
            return tag, href, i + 1
        match = attribute.match(source, i)
        assert match is not None
        where = f'in the tag "{tag}" at byte offset {_bytes(source, begin)}'
        if not match[1]:
            raise _cannot_parse(f"Empty attribute name {where}")
        if not match[2]:
            raise _cannot_parse(f'Expected equal sign in declaration of an attribute of the tag "{tag}"')
        i = match.end()
        if i >= len(source) or (match[5] is not None and not re.match(r"[\s>]", source[i])):
            raise _cannot_parse(f"Unclosed start tag at byte offset {_bytes(source, begin)}")
        if match[1].lower() == "href":
            value = next(group for group in match.groups()[2:] if group is not None)
            href = parse_html(value.replace("<", "&lt;"))[0]


def _end_tag(
    source: str,
    begin: int,
    nested: list[tuple[str, str | None, int]],
    out: list[str],
    found: list[tuple[str, str, str | None]],
) -> int:
    offset = _bytes(source, begin)
    if not nested:
        raise _cannot_parse(f"Unexpected end tag at byte offset {offset}")
    match = re.compile(r"([^\s>]*)\s*").match(source, begin + 2)
    assert match is not None
    if source[match.end() : match.end() + 1] != ">":
        raise _cannot_parse(f"Unclosed end tag at byte offset {offset}")
    tag, href, start = nested.pop()
    name = match[1].lower()
    if name and name != tag:
        raise _cannot_parse(f'Unmatched end tag at byte offset {offset}, expected "</{tag}>", found "</{name}>"')
    found.append((tag, "".join(out)[start:], href))
    return match.end() + 1


def _bytes(source: str, offset: int) -> int:
    return len(source[:offset].encode("utf-8", "surrogatepass"))


def _cannot_parse(detail: str) -> RefusedError:
    return RefusedError(400, f"Bad Request: can't parse entities: {detail}")


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
