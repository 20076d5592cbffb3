"""The webhook against a real HTTP server, and the terminal."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.builders import alert, delivery
from tests.conftest import CHECKOUT
from watcher.model import Channel, Delivered, GiveUp, Outcome, Recipient, Retry, Uncertain
from watcher.notify.base import OutgoingMessage, plain_reason
from watcher.notify.console import ConsoleNotifier
from watcher.notify.webhook import WebhookNotifier
from watcher.render import render_json, render_text

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}


def message(target: str, headline: str = "Clash") -> OutgoingMessage:
    return OutgoingMessage(alert(headline=headline), delivery(channel=Channel.WEBHOOK, target=target), None, NAMES)


async def post(answer: web.StreamResponse | None) -> tuple[Outcome, list[tuple[Any, Any]]]:
    """The outcome, and the (headers, document) that the receiver got; ``None`` breaks the connection."""
    received = []

    async def receive(request: web.Request) -> web.StreamResponse:
        received.append((request.headers, await request.json()))
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    notifier = WebhookNotifier("watcher (contact@example.org)")
    try:
        outcome = await notifier.send(message(f"http://127.0.0.1:{runner.addresses[0][1]}/hook?key=s3cret"))
    finally:
        await notifier.aclose()
        await runner.cleanup()
    return outcome, received


async def test_the_receiver_gets_the_whole_alert() -> None:
    outcome, [(headers, document)] = await post(web.Response(status=204))
    assert outcome == Delivered("delivery-1")
    assert headers["Idempotency-Key"] == "delivery-1"
    assert headers["User-Agent"] == "watcher (contact@example.org)"
    assert document == render_json(alert(headline="Clash"), NAMES)


DOCS = (CHECKOUT / "docs" / "webhook.md").read_text(encoding="utf-8")


def documented_check() -> Callable[..., bool]:
    """The function that receivers are told to use."""
    (code,) = re.findall(r"^```python\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["is_from_watcher"]  # type: ignore[no-any-return]


async def test_the_documented_check_holds_for_what_is_sent_and_for_nothing_else() -> None:
    received: list[tuple[str, bytes]] = []

    async def receive(request: web.Request) -> web.Response:
        received.append((request.headers["X-Watcher-Signature"], await request.read()))
        assert request.path_qs == "/hook?key=s3cret"
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?key=s3cret"
    recipient = Recipient("archive", Channel.WEBHOOK, "https://***#12345678", address=url, secret="ключ")
    notifier = WebhookNotifier("watcher", unix_time=lambda: 1_767_225_600.9)
    try:
        one = replace(message("https://***#12345678", "Clash “ж”"), recipient=recipient)
        assert isinstance(await notifier.send(one), Delivered)
    finally:
        await notifier.aclose()
        await runner.cleanup()
    ((header, body),) = received
    holds = documented_check()
    assert header.startswith("t=1767225600,v1=")
    assert holds(header, body, "ключ", 1_767_225_700)
    assert not holds(header, body, "other", 1_767_225_700)
    assert not holds(header, body + b" ", "ключ", 1_767_225_700)
    assert not holds(header.replace("t=1767225600", "t=1767225601"), body, "ключ", 1_767_225_700)
    assert not holds(header, body, "ключ", 1_767_226_000)
    assert not holds(header, body, "ключ")  # now
    assert not any(holds(text, body, "ключ", 1_767_225_700) for text in ("", "t=,v1=", "v1=x", "t=1767225600"))


async def test_without_a_key_nothing_is_signed() -> None:
    _, [(headers, _)] = await post(web.Response())
    assert "X-Watcher-Signature" not in headers
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.Response(status=410), GiveUp("the receiver answered 410 Gone", recipient_is_gone=True)),
        (web.Response(status=422), GiveUp("the receiver answered 422 Unprocessable Entity")),
        (web.Response(status=404), Retry("the receiver answered 404 Not Found")),
        (web.Response(status=401), Retry("the receiver answered 401 Unauthorized")),
        (web.Response(status=500), Retry("the receiver answered 500 Internal Server Error")),
        (web.Response(status=302, headers={"Location": "/"}), Retry("the receiver answered 302 Found")),
        (
            web.Response(status=429, headers={"Retry-After": "120"}),
            Retry("the receiver answered 429 Too Many Requests", after=timedelta(minutes=2)),
        ),
        (
            web.Response(status=503, headers={"Retry-After": "9" * 50}),
            Retry("the receiver answered 503 Service Unavailable", after=timedelta(days=1)),
        ),
        (
            web.Response(status=503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
            Retry("the receiver answered 503 Service Unavailable"),
        ),
        (None, Uncertain("the connection broke (ServerDisconnectedError)")),
    ],
)
async def test_answers(answer: web.StreamResponse | None, expected: Outcome) -> None:
    outcome, _ = await post(answer)
    assert outcome == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://127.0.0.1:9/?key=s3cret", Retry("cannot connect: Connection refused")),
        ("http://nowhere.invalid/?key=s3cret", Retry("cannot connect: Name or service not known")),
        ("no address s3cret", GiveUp("the address is not a valid URL")),
    ],
)
async def test_addresses_that_lead_nowhere(target: str, expected: Outcome) -> None:
    notifier = WebhookNotifier("watcher")
    outcome = await notifier.send(message(target))
    await notifier.aclose()
    assert type(outcome) is type(expected)
    assert isinstance(outcome, Retry | GiveUp)
    assert "s3cret" not in outcome.reason


async def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        closed.set()

    closed = asyncio.Event()
    monkeypatch.setattr("watcher.notify.webhook._TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    notifier = WebhookNotifier("watcher")
    outcome = await notifier.send(message(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    await notifier.aclose()
    await closed.wait()
    server.close()
    await server.wait_closed()
    assert outcome == Uncertain("no answer in time")


async def test_the_terminal_gets_the_text_and_no_control_sequence() -> None:
    stream = io.StringIO()
    notifier = ConsoleNotifier(stream)
    outgoing = message("-", headline="Clash \x1b[2J\u202e")
    assert await notifier.send(outgoing) == Delivered("hk4mbv7q2c")
    await notifier.aclose()
    assert stream.getvalue() == "─" * 72 + "\n" + render_text(outgoing.alert, NAMES) + "\n"
    assert "\x1b" not in stream.getvalue()


async def test_a_terminal_that_knows_few_letters() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    await ConsoleNotifier(stream).send(message("-", headline="Ереван"))
    assert b"CRITICAL: ??????" in raw.getvalue()


async def test_a_terminal_that_is_gone() -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError(32, "Broken pipe")

    assert await ConsoleNotifier(Gone()).send(message("-")) == Retry("the terminal does not take it: Broken pipe")


def test_reasons_are_short_one_line_and_without_secrets() -> None:
    assert plain_reason("a\r\n\x1bb  s3cret", "s3cret", "") == "a b ***"
    assert len(plain_reason("x" * 5000)) == 300
