"""The outside pinger against a real receiver: good calls, /fail with what is wrong, and what the log may say."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from watcher.log import configure_logging
from watcher.pinger import Pinger, fail_address
from watcher.settings import LogSettings

SECRET = "0d5c0ffe"


class Receiver:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.status = 200
        self.port = 0

    async def receive(self, request: web.Request) -> web.Response:
        self.calls.append((request.path_qs, await request.text()))
        return web.Response(status=self.status)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def call(url: str, times: int, troubles: list[list[str]]) -> list[bool]:
    """Whether each of the first calls was answered; before each, the next of ``troubles`` holds."""
    answered: list[bool] = []
    enough = asyncio.Event()

    def on_called(is_answered: bool) -> None:
        answered.append(is_answered)
        if len(answered) == times:
            enough.set()

    pinger = Pinger(url, timedelta(seconds=0.01), "watcher", lambda: troubles[len(answered)], on_called)
    task = asyncio.create_task(pinger.run())
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    await asyncio.wait({task})
    return answered[:times]


async def test_trouble_is_told_at_the_address_for_it() -> None:
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/ping/{SECRET}?create=1"
        assert await call(url, 3, [[], ["store: full", "polls: late"], [], []]) == [True, True, True]
    assert receiver.calls[:3] == [
        (f"/ping/{SECRET}?create=1", ""),
        (f"/ping/{SECRET}/fail?create=1", "store: full\npolls: late"),
        (f"/ping/{SECRET}?create=1", ""),
    ]


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_a_pinger_that_does_not_answer_is_logged_once_without_its_address(status: int) -> None:
    log = io.StringIO()
    configure_logging(LogSettings(level="debug"), stream=log, environ={})
    async with receiving() as receiver:
        receiver.status = status
        url = f"http://127.0.0.1:{receiver.port}/ping/{SECRET}"
        assert await call(url, 3, [[]] * 4) == [False, False, False]
    assert await call(f"http://127.0.0.1:9/ping/{SECRET}", 2, [[]] * 3) == [False, False]
    assert log.getvalue().count("heartbeat_not_answered") == 2
    assert SECRET not in log.getvalue()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hc.example/ping/1", "https://hc.example/ping/1/fail"),
        ("https://hc.example/ping/1/", "https://hc.example/ping/1/fail"),
        ("https://hc.example/ping?id=1", "https://hc.example/ping/fail?id=1"),
    ],
)
def test_the_address_for_trouble(url: str, expected: str) -> None:
    assert fail_address(url) == expected
