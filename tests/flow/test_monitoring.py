"""The daemon as a process, asked as monitoring asks it: alive, ready, metrics, signs of life, a port that is taken."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from tests.bot_api import BotApi
from tests.flow.test_daemon import PROMISED_END, Place
from tests.newsroom import Newsroom
from tests.smtp import MailServer

SECRET = "5ecret-uuid"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        room, api = await stack.enter_async_context(Newsroom()), await stack.enter_async_context(BotApi())
        one = Place(tmp_path, room, api, await stack.enter_async_context(MailServer()))
        stack.push_async_callback(one.daemon.kill)
        yield one


async def ask(port: int, path: str, **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def metrics(port: int) -> dict[tuple[str, str], float]:
    _, text = await ask(port, "/metrics")
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_daemon_says_how_it_does(place: Place) -> None:
    port, calls = free_port(), []

    async def receive(request: web.Request) -> web.Response:
        calls.append((request.path, await request.text()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path:.*}", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (place.folder / "ping").write_text(f"http://127.0.0.1:{runner.addresses[0][1]}/{SECRET}")
    (place.folder / "ping").chmod(0o600)
    more = f'[server]\nlisten = "127.0.0.1:{port}"\n[heartbeat]\nurl_file = "ping"\nevery = "10s"\n'
    place.configure(more, courier="")
    try:
        place.publish("courier")
        await place.daemon.start()
        await place.daemon.wait_for("endpoint_listening")
        await place.daemon.wait_for("delivered", 2)
        await place.daemon.wait_until(lambda: bool(calls), "call of the pinger")
        assert await ask(port, "/healthz") == (200, "alive\n")
        status, text = await ask(port, "/readyz")
        assert (status, '"ready": true' in text) == (200, True), text
        assert await ask(port, "/metrics", Host="evil.example") == (
            421,
            "not a host name of this server; see [server] hosts\n",
        )
        seen = await metrics(port)
        assert seen["watcher_alerts_total", "recalled,warning"] == 1
        assert seen["watcher_deliveries_total", "telegram,delivered"] == 1
        assert seen["watcher_publication_to_delivery_seconds_count", "email"] == 1
        assert seen["watcher_polls_total", "ok"] >= 1
        assert seen["watcher_articles_total", "summary"] + seen["watcher_articles_total", "full"] >= 1
        assert seen["watcher_match_duration_seconds_count", ""] >= 1
        assert seen["watcher_ready", ""] == 1
        place.write_rules(recalled="rule: [")
        await place.daemon.wait_for("reload_refused")
        refused: Any = await metrics(port)
        assert refused["watcher_last_reload_successful", ""] == 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await place.daemon.end() == 0
        assert loop.time() - began < PROMISED_END + 2
        assert calls[0] == (f"/{SECRET}", "")
        assert SECRET not in place.daemon.log()
    finally:
        await runner.cleanup()


async def test_a_port_that_is_taken_is_told_and_stops_nothing(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place.configure(f'[server]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n', courier="")
        place.publish("courier")
        await place.daemon.start()
        await place.daemon.wait_for("endpoint_not_listening")
        await place.daemon.wait_for("delivered", 3)  # the alert twice, and the notice to the operator
        assert await place.daemon.end() == 0
