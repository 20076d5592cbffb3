"""The daemon as a process: signals, reload, schedule, back-off, faults inside, a full disk."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from tests.bot_api import TOKEN, BotApi
from tests.daemon_process import PATIENCE, DaemonProcess
from tests.newsroom import Item, Newsroom
from tests.servers import NewsServer
from tests.smtp import MailServer
from watcher.cli.common import load_all
from watcher.daemon import Daemon, Parts, make_notifiers
from watcher.model import DeliveryState
from watcher.store import Store

OPERATOR, CHAT, DESK = "1111", "2222", "desk@example.org"
PROMISED_END = 5  # seconds; a machine that runs other tests meanwhile gets two more
# In the order of their codes, which is the order in which alerts name them.
STATES = "Austria Bulgaria Germany Denmark Spain Finland Greece Hungary Italy Norway Poland".split()


def rule(rule_id: str, phrase: str = "recall~ ..3 ambassador") -> str:
    return f"""
rule: {rule_id}
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {{phrases: ["{phrase}"]}}
  two_states: {{states: {{at_least: 2}}}}
group: {{by: [rule, states], for: 24h}}
"""


@dataclass
class Place:
    """A configured watcher that is not running yet, with everything around it."""

    folder: Path
    room: Newsroom
    api: BotApi
    mail: MailServer
    daemon: DaemonProcess = field(init=False)
    published: int = 0

    def __post_init__(self) -> None:
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        (self.folder / "rules").mkdir()
        self.write_rules(recalled=rule("recalled"))
        self.configure(courier="")
        self.daemon = DaemonProcess(self.config)

    @property
    def config(self) -> Path:
        return self.folder / "watcher.toml"

    @property
    def store_path(self) -> Path:
        return self.folder / "store" / "watcher.db"

    def write_rules(self, **files: str) -> None:
        for old in (self.folder / "rules").iterdir():
            old.unlink()
        for name, text in files.items():
            (self.folder / "rules" / f"{name}.yaml").write_text(text)

    def configure(self, more: str = "", **sources: str) -> None:
        """Nothing; writes the configuration with these sources, each with lines of its own after the usual ones."""
        usual = f"""
            [store]
            path = "store/watcher.db"
            [rules]
            paths = ["rules"]
            [http]
            allow_private_networks = true
            [telegram]
            token_file = "token"
            base_url = "{self.api.base_url}"
            admins = [{OPERATOR}]
            [email]
            host = "127.0.0.1"
            port = {self.mail.port}
            sender = "watcher@example.org"
            [[recipients]]
            id = "chat"
            channel = "telegram"
            to = "{CHAT}"
            [[recipients]]
            id = "desk"
            channel = "email"
            to = "{DESK}"
            """
        for name, lines in sources.items():
            url = "" if "url" in lines else f'url = "{self.room.url(name)}"\n'
            usual += f'[[sources]]\nid = "{name}"\n{url}every = "1s"\nlanguage = "en"\n{lines}\n'
        self.config.write_text(usual + more)

    def publish(self, outlet: str, link: str | None = None) -> str:
        """The states of a new item that opens an event of its own, as the alert names them."""
        one, other = STATES[self.published], STATES[self.published + 1]
        self.published += 1
        text = f"{one} recalled its ambassador from {other} on Monday."
        page = () if link else (text, "A spokesman read the statement to reporters in the capital.")
        item = Item(f"item{self.published}", "Diplomats leave", text, datetime.now(UTC), page, link)
        self.room.publish(outlet, item)
        return f"{one} and {other}"

    async def arrival(self, words: str, chat: str = CHAT, count: int = 1) -> str:
        """The ``count``-th message to the chat with these words."""

        def found() -> list[str]:
            return [message.text for message in self.api.to(chat) if words in message.text]

        await self.daemon.wait_until(lambda: len(found()) >= count, f"{words!r} in chat {chat}")
        return found()[count - 1]

    async def first_alert(self) -> None:
        """Nothing, once the daemon has polled and both channels have a first alert."""
        await self.arrival(self.publish("courier"))
        await self.daemon.wait_for("delivered", 2)

    def store(self) -> Store:
        return Store.open(self.store_path, exclusive=False)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Newsroom() as room, BotApi() as api, MailServer() as mail:
        place = Place(tmp_path, room, api, mail)
        yield place
        await place.daemon.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_signal_ends_it_in_time_whatever_is_under_way(place: Place, number: signal.Signals) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise web.HTTPNotFound

    async with NewsServer() as slow:
        slow_feed, slow_page = slow.publish("/feed", hang), slow.publish("/page", hang)
        place.configure(courier="", slow=f'url = "{slow_feed}"', pages="")
        states = place.publish("courier")
        place.publish("pages", link=slow_page)
        place.api.answer_after = 60
        await place.daemon.start()
        await place.daemon.wait_until(
            lambda: bool(slow.count("/feed") and slow.count("/page") and place.api.accepted and place.mail.accepted),
            "everything under way",
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await place.daemon.end(number) == 0
        assert loop.time() - began < PROMISED_END + 2
    assert not place.daemon.lines("job_failed")
    with place.store() as store:
        (run,) = store.journal.runs()
        assert run.stopped_at is not None
    place.api.answer_after = 0
    place.configure(courier="")
    await place.daemon.start()
    await place.arrival(states, count=2)  # no answer ever said that the first one had arrived
    await place.daemon.wait_for("delivered")
    assert await place.daemon.end() == 0
    assert len(place.mail.accepted) == 1
    with place.store() as store:
        assert store.counts(datetime.now(UTC)).deliveries == {DeliveryState.DELIVERED: 2}


async def test_a_worker_that_cannot_be_stopped_does_not_hold_up_the_end(place: Place) -> None:
    await place.daemon.start()
    await place.daemon.wait_for("started")
    place.config.unlink()
    os.mkfifo(place.config)  # the reload waits for a writer, in a thread that nothing can cancel
    os.kill(place.daemon.process.pid, signal.SIGHUP)
    await asyncio.sleep(0.3)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await place.daemon.end() == 0
    assert loop.time() - began < PROMISED_END + 2


async def test_a_second_daemon_on_the_same_store_is_refused(place: Place) -> None:
    await place.daemon.start()
    await place.daemon.wait_for("started")
    other = DaemonProcess(place.folder / "other.toml")
    other.config.write_text(place.config.read_text())
    await other.start()
    assert await asyncio.wait_for(other.process.wait(), PATIENCE) == 1
    assert (
        other.log()
        == f"watcher: another watcher (process {place.daemon.process.pid}) is running on {place.store_path}\n"
    )
    states = place.publish("courier")
    await place.arrival(states)


async def test_a_reload_takes_new_rules_sources_and_recipients(place: Place) -> None:
    place.write_rules(one=rule("stays"), two=rule("goes"), three=rule("changes"))
    place.configure(courier="", mirror="")
    await place.daemon.start()
    await place.daemon.wait_until(lambda: {"courier", "mirror"} <= set(place.room.requests), "first polls")
    place.write_rules(one=rule("stays"), three=rule("changes", "withdraw~ ..3 ambassador"), four=rule("comes"))
    place.configure(
        '[[recipients]]\nid = "new"\nchannel = "telegram"\nto = "3333"\n[log]\nlevel = "debug"', courier="", radio=""
    )  # fmt: skip
    os.kill(place.daemon.process.pid, signal.SIGHUP)
    notice = await place.arrival("Reloaded: 3 rules, 2 sources", OPERATOR)
    assert "added: comes\nchanged: changes\nremoved: goes\n" in notice
    assert "[log] has changed, which takes a restart to come into force" in notice
    polls_before = place.room.requests.count("mirror")
    states = place.publish("radio")
    assert "Ambassador recalled" in await place.arrival(states, "3333")
    await place.daemon.wait_until(lambda: place.room.requests.count("radio") > 2, "polls of the new source")
    assert place.room.requests.count("mirror") == polls_before
    (reloaded,) = place.daemon.lines("reloaded")
    assert (reloaded["added"], reloaded["changed"], reloaded["removed"]) == (["comes"], ["changes"], ["goes"])


SIX_MISTAKES = """
rule: recalled
titel: Ambassador recalled
status: stabel
family: rupture
severity: loud
look_for:
  break: {phrases: ["recall~ ..3 $nobody"]}
  two_states: {states: {at_least: two}}
group: {by: [rule, states], for: soon}
"""


async def test_a_reload_with_mistakes_names_them_all_and_changes_nothing(place: Place) -> None:
    await place.daemon.start()
    await place.first_alert()
    place.write_rules(recalled=SIX_MISTAKES)
    os.kill(place.daemon.process.pid, signal.SIGHUP)
    notice = await place.arrival("Reload refused: 6 mistakes; the rules of before stay in force", OPERATOR)
    for word in ("titel", "stabel", "loud", "nobody", "two", "soon"):
        assert word in notice
    assert notice.count("recalled.yaml:") == 6
    await place.arrival(place.publish("courier"))

    good = place.config.read_text()
    place.write_rules(recalled=rule("recalled"))
    place.config.write_text(good.replace('every = "1s"', 'every = "now and then"') + "\n[colour]\n")
    os.kill(place.daemon.process.pid, signal.SIGHUP)
    notice = await place.arrival("Reload refused: 2 mistakes", OPERATOR)
    assert "every" in notice
    assert "colour" in notice
    await place.arrival(place.publish("courier"))

    place.config.unlink()
    os.kill(place.daemon.process.pid, signal.SIGHUP)
    await place.arrival("Reload refused: 1 mistake;", OPERATOR)
    await place.arrival(place.publish("courier"))

    place.config.write_text(good)
    os.kill(place.daemon.process.pid, signal.SIGHUP)
    assert "no rule changed" in await place.arrival("Reloaded: 1 rules, 1 sources", OPERATOR)


async def test_sources_are_polled_on_schedule_and_failing_ones_less_and_less_often(place: Place) -> None:
    clock = asyncio.get_running_loop().time
    polls: dict[str, list[float]] = {"good": [], "bad": []}
    is_broken = True

    async def answer(request: web.Request) -> web.StreamResponse:
        name = request.path.strip("/")
        polls[name].append(clock())
        if name == "bad" and is_broken:
            raise web.HTTPInternalServerError
        raise web.HTTPFound(place.room.url("courier"))

    async with NewsServer() as server:
        good, bad = server.publish("/good", answer), server.publish("/bad", answer)
        place.configure(good=f'url = "{good}"', bad=f'url = "{bad}"')
        place.publish("courier")
        await place.daemon.start()
        notice = await place.arrival("Source bad cannot be read", OPERATOR)
        assert "the server answered 500" in notice
        is_broken = False
        await place.arrival("Source bad works again", OPERATOR)
        first, second, third = gaps(polls["bad"])
        assert first > 0.99
        assert second > 1.99
        assert third > 3.99
        assert all(gap > 0.99 for gap in gaps(polls["good"]))
        assert len(polls["good"]) > len(polls["bad"])
        assert len(place.api.to(OPERATOR)) == 2


async def test_a_start_keeps_the_plan_and_a_reload_changes_it(place: Place) -> None:
    hourly = 'every = "1h"'
    place.configure(courier="", mirror="")
    place.config.write_text(place.config.read_text().replace('every = "1s"', hourly))
    await place.daemon.start()
    await place.daemon.wait_until(lambda: len(place.room.requests) == 2, "first polls")
    await asyncio.sleep(0.5)  # they are committed
    assert await place.daemon.end() == 0
    place.daemon = DaemonProcess(place.config)
    await place.daemon.start()
    await place.daemon.wait_for("started")
    await asyncio.sleep(1.5)
    assert len(place.room.requests) == 2
    place.config.write_text(place.config.read_text().replace(hourly, 'every = "1s"', 1))
    os.kill(place.daemon.process.pid, signal.SIGHUP)
    await place.daemon.wait_until(lambda: place.room.requests.count("courier") > 3, "polls at the new pace")
    assert place.room.requests.count("mirror") == 1


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


async def test_a_poll_that_breaks_is_told_once_and_tried_again(place: Place) -> None:
    await place.daemon.start()
    await place.first_alert()
    set_reason(place.store_path, "no such reason")
    notice = await place.arrival("poll:courier failed and is tried again", OPERATOR)
    assert "ValueError: 'no such reason' is not a valid FetchReason" in notice
    failed = await place.daemon.wait_for("job_failed", 3)
    assert failed["job_id"] == "poll:courier"
    assert "Traceback" in failed["exception"]
    set_reason(place.store_path, "ok")
    await place.arrival("poll:courier works again", OPERATOR)
    await place.arrival(place.publish("courier"))
    assert len(place.api.to(OPERATOR)) == 2
    set_reason(place.store_path, "no such reason")
    await place.arrival("poll:courier failed and is tried again", OPERATOR, count=2)


def set_reason(path: Path, reason: str) -> None:
    with sqlite3.connect(path, timeout=5) as other:
        other.execute("UPDATE sources SET reason = ?", (reason,))
    other.close()


async def test_another_program_that_holds_the_store_for_long_ends_nothing(place: Place) -> None:
    await place.daemon.start()
    await place.first_alert()
    other = sqlite3.connect(place.store_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    states = place.publish("courier")
    await place.daemon.wait_for("job_failed")
    other.execute("ROLLBACK")
    other.close()
    await place.arrival(states)
    await place.daemon.wait_until(lambda: len(place.mail.accepted) == 2, "the mail")
    assert await place.daemon.end() == 0
    assert len(place.api.to(CHAT)) == 2


async def test_silence_is_told_once_and_its_end_once(place: Place) -> None:
    place.configure(courier='expect_every = "2h"', mirror="")
    place.publish("courier")
    now = datetime.now(UTC)
    settings, book = load_all(place.config)
    with Store.open(settings.store.path, exclusive=True) as store:
        daemon = Daemon(settings, book, store, lambda: (settings, book), make_notifiers, clock=lambda: now)
        async with AsyncExitStack() as stack:
            parts = await Parts.open(daemon, stack)

            async def check_after(hours: float) -> list[str]:
                nonlocal now
                now += timedelta(hours=hours)
                await parts.check_silence()
                await parts.dispatch()
                texts = "\n".join(message.text for message in place.api.to(OPERATOR))
                return re.findall("Source courier (has been silent|publishes again)", texts)

            for source_id in parts.sources:
                await parts.poll(source_id)
            assert await check_after(1.9) == []
            assert await check_after(0.2) == ["has been silent"]
            assert await check_after(24) == ["has been silent"]
            place.publish("courier")
            await parts.poll("courier")
            assert await check_after(0.1) == ["has been silent", "publishes again"]
            assert await check_after(0.1) == ["has been silent", "publishes again"]
            assert await check_after(3) == ["has been silent", "publishes again", "has been silent"]


@contextmanager
def small_disk(place: Place) -> Iterator[tuple[Callable[[], None], Callable[[], None], str]]:
    """A file system of its own under the store; it can be filled, and emptied again."""
    folder = place.store_path.parent
    folder.mkdir()
    mounting = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if mounting.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounting.stderr.decode().strip()}")
    ballast = folder / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            for size in (65536, 4096):
                while file.write(bytes(size)):
                    pass

    try:
        yield fill, ballast.unlink, "the disk is full"
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_files(place: Place) -> Iterator[tuple[Callable[[], None], Callable[[], None], str]]:
    """A limit on the size of files, which the daemon has reached, and which is lifted again."""

    def limit(size: int) -> None:
        _, hard = resource.prlimit(place.daemon.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(place.daemon.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def fill() -> None:
        limit(place.store_path.with_name("watcher.db-wal").stat().st_size)

    yield fill, lambda: limit(resource.RLIM_INFINITY), "the disk reports an error"


@pytest.mark.parametrize("trouble", [small_disk, small_files], ids=["full disk", "file too large"])
async def test_a_store_without_room_is_said_and_nothing_is_lost(place: Place, trouble: Callable) -> None:
    with trouble(place) as (fill, empty, words):
        await place.daemon.start()
        await place.first_alert()
        fill()
        states = [place.publish("courier"), place.publish("courier")]
        failed = await place.daemon.wait_for("job_failed", 2)
        assert words in failed["exception"]
        empty()
        for one in states:
            await place.arrival(one)
        await place.daemon.wait_until(lambda: len(place.mail.accepted) == 3, "both mails")
        assert await place.daemon.end() == 0
        assert len(place.api.to(CHAT)) == 3
        with place.store() as store:
            assert store.damage() == ()
