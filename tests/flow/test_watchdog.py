"""What systemd hears of a daemon that works, of one that hangs, and of one whose loops stand still."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.daemon_process import DaemonProcess
from tests.newsroom import Newsroom
from watcher import daemon as composition
from watcher.cli.common import load_all
from watcher.daemon import Daemon, Parts, make_notifiers
from watcher.errors import StoreError
from watcher.store import Store

WATCHDOG = timedelta(seconds=2)
STALLS = timedelta(minutes=1)


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where systemd listens; it does not wait."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG // timedelta(microseconds=1)))
        yield sock


def take(sock: socket.socket) -> list[str]:
    """What was said since."""
    found = []
    while True:
        try:
            found += sock.recv(10_000).decode().splitlines()
        except BlockingIOError:
            return found


@pytest.fixture
async def config(tmp_path: Path) -> AsyncIterator[Path]:
    """One outlet that publishes nothing, told about in the terminal."""
    async with Newsroom() as room:
        path = tmp_path / "config.toml"
        path.write_text(
            f"""
            [http]
            allow_private_networks = true
            [[sources]]
            id = "courier"
            url = "{room.url("courier")}"
            every = "1s"
            [[recipients]]
            id = "terminal"
            channel = "console"
            """
        )
        yield path


async def test_a_working_daemon_is_heard_and_a_stopped_one_is_not(config: Path, heard: socket.socket) -> None:
    process = DaemonProcess(config)
    try:
        await process.start()
        await process.wait_for("started")
        said: list[str] = []
        while said.count("WATCHDOG=1") < 2:
            said += take(heard)
            await asyncio.sleep(0.05)
        assert said[0] == "READY=1"
        status = next(line for line in said if line.startswith("STATUS="))
        assert re.fullmatch(
            r"STATUS=sources: 1(, 1 failing)?; rules: \d+; open events: 0; alerts: 0; undelivered: 0", status
        )
        assert process.process is not None
        process.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.2)
        take(heard)
        await asyncio.sleep(WATCHDOG.total_seconds())
        assert take(heard) == []
        process.process.send_signal(signal.SIGCONT)
        assert await process.end() == 0
        assert "STOPPING=1" in take(heard)
    finally:
        await process.kill()


class Hand:
    """A clock that stands until it is moved."""

    seconds = 0.0

    def move(self, by: timedelta) -> None:
        self.seconds += by.total_seconds()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@asynccontextmanager
async def parts_of(config: Path, hand: Hand) -> AsyncIterator[Parts]:
    """The parts of a daemon, scheduled, on that clock; who enters runs the dispatcher."""
    begin = datetime.now(UTC)
    settings, book = load_all(config)
    with Store.open(settings.store.path, exclusive=True) as store:
        async with AsyncExitStack() as stack:
            daemon = Daemon(
                settings,
                book,
                store,
                lambda: (settings, book),
                make_notifiers,
                clock=lambda: begin + timedelta(seconds=hand.seconds),
                steady=lambda: hand.seconds,
            )
            parts = await Parts.open(daemon, stack)
            parts.schedule()
            try:
                yield parts
            finally:
                await parts.stop(asyncio.create_task(asyncio.sleep(0)))


async def fed(parts: Parts, heard: socket.socket) -> bool:
    take(heard)
    await parts.feed_watchdog()
    return "WATCHDOG=1" in take(heard)


async def test_a_dispatcher_that_stands_still_starves_the_watchdog(
    config: Path, heard: socket.socket, monkeypatch: pytest.MonkeyPatch, hand: Hand
) -> None:
    monkeypatch.setattr(composition, "TURN_WITHIN", STALLS)
    async with parts_of(config, hand) as parts:
        dispatcher = asyncio.create_task(parts.run_dispatcher())
        await asyncio.sleep(0)
        assert await fed(parts, heard)
        dispatcher.cancel()
        await asyncio.wait({dispatcher})
        hand.move(2 * STALLS)
        assert not await fed(parts, heard)
        assert set(parts.stalled()) == {"dispatch:console", "dispatch:webhook", "dispatch:apprise"}


async def test_polls_that_do_not_begin_starve_the_watchdog(
    config: Path, heard: socket.socket, monkeypatch: pytest.MonkeyPatch, hand: Hand
) -> None:
    monkeypatch.setattr(composition, "POLLS_LATE", STALLS)
    async with parts_of(config, hand) as parts:
        assert await fed(parts, heard)
        parts._agenda.stop()
        parts._agenda.plan("courier", timedelta(0))
        hand.move(2 * STALLS)
        assert not await fed(parts, heard)
        assert parts.stalled() == ("polls do not begin",)


async def test_a_store_that_refuses_is_waited_for_and_jobs_that_do_not_run_are_not(
    config: Path, heard: socket.socket, monkeypatch: pytest.MonkeyPatch, hand: Hand
) -> None:
    monkeypatch.setattr(composition, "HEARTBEAT_WITHIN", STALLS)
    monkeypatch.setattr(composition, "POLLS_LATE", timedelta(hours=1))  # they wait for real seconds
    async with parts_of(config, hand) as parts:
        hand.move(2 * STALLS)
        assert parts.stalled() == ("heartbeat",)
        parts._broke("heartbeat", StoreError("watcher.db: the disk is full"))
        assert await fed(parts, heard)
        hand.move(2 * STALLS)
        parts._broke("heartbeat", RuntimeError("a transaction is open already"))
        assert not await fed(parts, heard)
        monkeypatch.setattr(composition, "HEARTBEAT_WITHIN", timedelta(hours=1))
        monkeypatch.setattr(composition, "WRITTEN_WITHIN", STALLS)
        parts._expect_progress()
        hand.move(2 * STALLS)
        parts._broke("heartbeat", StoreError("watcher.db: the disk is full"))
        assert parts.stalled() == ("store",)
        parts._job_done("heartbeat")
        assert await fed(parts, heard)
