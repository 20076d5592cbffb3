"""One daemon among servers that misbehave in every way at once, and ten healthy feeds that must not notice."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import ssl
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.bot_api import TOKEN, BotApi
from tests.daemon_process import CHECKOUT, DaemonProcess
from watcher.store import Store

OPERATOR, CHAT = "1111", "2222"
HEALTHY = tuple(f"outlet{number}" for number in range(10))
EVERY = 1.0  # seconds between two polls; a tenth more by jitter, and a quarter to start together with others
LATE = (
    10.0  # seconds between two polls on a machine that is busy with other tests; a list that held up others took thirty
)
TIMEOUT = 4  # seconds, of a whole fetch
MAX_BYTES = 12_000_000

JUST_NOW = datetime.now(UTC) - timedelta(minutes=5)
LONG_AGO = JUST_NOW - timedelta(days=400)

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

RULE = """
rule: recalled
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {phrases: ["recalled ..3 ambassador"]}
"""


def item(name: str, text: str = "Nothing much.", title: str = "News", dated: datetime | None = JUST_NOW) -> str:
    date = f"<pubDate>{format_datetime(dated)}</pubDate>" if dated else ""
    return (
        f"<item><guid isPermaLink='false'>{name}</guid><title>{title}</title><description>{text}</description>"
        f"{date}</item>"
    )


def old_item(number: int) -> str:
    return f"<item><guid>{number}</guid><title>Old</title><pubDate>{format_datetime(LONG_AGO)}</pubDate></item>"


def feed(*items: str, before: str = "") -> bytes:
    return f'{before}<rss version="2.0"><channel><title>t</title>{"".join(items)}</channel></rss>'.encode()


def raw(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/rss+xml") -> bytes:
    """A whole answer; its length is said unless the headers do."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *headers]
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def says(answer: bytes) -> Answer:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return send


def html(title: str, body: str) -> Answer:
    page = f"<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>".encode()
    return says(raw(page, kind="text/html; charset=utf-8"))


def redirect(to: str) -> Answer:
    return says(raw(b"", f"Location: {to}", status="302 Found"))


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(raw(b"", "Transfer-Encoding: chunked"))
    chunk = item("again").encode() * 500
    while True:
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()


async def drip(writer: asyncio.StreamWriter) -> None:
    for byte in raw(feed(item("slow"))):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def laughs() -> str:
    """Billion laughs: ten levels of ten."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">{levels}]>'


@dataclass(frozen=True)
class Fault:
    """What a server does for a while, and what is said of it."""

    answer: Answer
    state: str | None  # the source's, while it lasts; None: a nuisance that is read like any other feed
    says: str = ""  # in the notice, beside the state
    headline: str = "cannot be read: {state}"


def prolog(encoding: str) -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>'.encode()


def faults(port: int, canary: Path) -> dict[str, Fault]:
    """Every fault by the name of its source."""
    bomb = gzip.compress(b"<rss>" + b" " * 200_000_000, 6)
    whole = feed(item("whole"))
    squeezed = gzip.compress(whole)
    now = datetime.now(UTC)
    flood = [f"X-Flood-{number}: {'x' * 4_000}" for number in range(2_000)]
    external = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "{canary.as_uri()}">]>'
    undated, empty = "dates none of its items", "lists nothing any more"
    return {
        "gzip-bomb": Fault(says(raw(bomb, "Content-Encoding: gzip")), "too large"),
        "endless-stream": Fault(endless, "too large"),
        "slow-drip": Fault(drip, "timeout"),
        "hanging-up": Fault(hang_up, "unreachable"),
        "redirect-loop": Fault(redirect(f"http://redirect-loop.test:{port}/feed"), "too many redirects"),
        "redirect-inside": Fault(redirect(f"http://127.0.0.2:{port}/secret"), "refused address"),
        "redirect-to-name-inside": Fault(redirect(f"http://intranet.test:{port}/secret"), "refused address"),
        "cut-gzip": Fault(says(raw(squeezed[:-20], "Content-Encoding: gzip")), "truncated"),
        "wrong-length": Fault(says(raw(whole, f"Content-Length: {len(whole) + 500}")), "truncated"),
        "cut-feed": Fault(says(raw(whole[:60])), "truncated"),
        "header-flood": Fault(says(raw(whole, *flood)), "http error"),
        "too-many-requests": Fault(
            says(raw(b"", "Retry-After: 2", status="429 Too Many Requests")), "http error", "429"
        ),
        "unavailable": Fault(says(raw(b"", "Retry-After: 2", status="503 Unavailable")), "http error", "503"),
        "challenge": Fault(html("Just a moment...", "<div class='cf-chl-widget'></div>"), "blocked"),
        "consent": Fault(html("Before you continue", "<p>Accept all cookies?</p>"), "blocked"),
        "login": Fault(html("Log in", "<form method='post'><input name='user'></form>"), "not a feed"),
        "empty-body": Fault(says(raw(b"")), "empty", headline=empty),
        "empty-feed": Fault(says(raw(feed())), "empty", headline=empty),
        "undated": Fault(says(raw(feed(item("undated", dated=None)))), "all undated", headline=undated),
        "future": Fault(says(raw(feed(item("ahead", dated=now + timedelta(days=40))))), "all undated", headline=undated),
        "xml-bomb": Fault(says(raw(feed(item("lol", "&l9;"), before=laughs()))), None),
        "external-entity": Fault(says(raw(feed(item("outside", "&x;"), before=external))), None),
        "long-title": Fault(says(raw(feed(item("long", title="Long " * 200_000)))), None),
        "controls": Fault(says(raw(feed(item("c", title="Ev\x00il\x1b[31m \u202egnp.exe\u2066 &#7;&#x202e;x&#xd800;")))), None),
        "markup": Fault(
            says(raw(feed(item("m", title="&lt;script>alert(1)&lt;/script>&lt;b onload=x>Bold&lt;/b> <i>&amp;amp;</i>")))), None
        ),
        "bad-bytes": Fault(says(raw(prolog("utf-8") + feed(item("byte", "AAA")).replace(b"AAA", b"\xff\xc3("))), None),
        "unknown-encoding": Fault(says(raw(prolog("klingon") + feed(item("k")))), None),
        "same-entries": Fault(says(raw(feed(old_item(0).replace("<guid>0</guid>", "") * 100_000))), None),
        "many-entries": Fault(says(raw(feed(*(old_item(number) for number in range(20_000))))), None),
    }  # fmt: skip


@dataclass
class Internet:
    """All the servers on one port, told apart by name; ``faulty`` ones do what their fault is."""

    faults: dict[str, Fault] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)
    items: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    polled: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    secrets_asked: int = 0

    async def serve(self, head: str, writer: asyncio.StreamWriter) -> None:
        host = re.search(r"^host: ([\w.-]+)", head, re.IGNORECASE | re.MULTILINE)
        name = host[1].removesuffix(".test") if host else ""
        self.secrets_asked += head.startswith("GET /secret")
        self.polled[name].append(asyncio.get_running_loop().time())
        if name in self.faulty and name in self.faults:
            await self.faults[name].answer(writer)
        else:
            await says(raw(feed(*self.items[name])))(writer)

    def publish(self, name: str, text: str = "Nothing much happened.") -> None:
        number = len(self.items[name])
        self.items[name].insert(0, item(f"{name}-{number}", text, f"News {number} of {name}", datetime.now(UTC)))


@dataclass
class World:
    """A configured daemon, all of its sources, and what was said to operators."""

    internet: Internet
    api: BotApi
    daemon: DaemonProcess
    names: Path
    certificates: ssl.SSLContext
    trusted: trustme.CA

    def notices(self) -> Counter[str]:
        """The headlines that operators were told, each with how often."""
        return Counter(message.text.splitlines()[0].removeprefix("NOTICE: ") for message in self.api.to(OPERATOR))

    def sources(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code of `watcher sources`, and what it says of each."""
        command = (sys.executable, "-m", "watcher", "sources", "--config", str(self.daemon.config), "--format", "json")
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        return done.returncode, {one["id"]: one for one in json.loads(done.stdout)}

    async def wait_for_notices(self, wanted: Counter[str]) -> None:
        await self.daemon.wait_until(lambda: self.notices() >= wanted, "notices to operators", 40)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    certificates = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    stranger.issue_cert("bad-certificate.test").configure_cert(certificates)
    canary = tmp_path / "canary.txt"
    canary.write_text("CANARY")
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"intranet.test": ["127.0.0.2"], "dns-inside.test": ["127.0.0.2"]}))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("PRETENDED_NAMES", str(names))
    internet = Internet()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await internet.serve((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"), writer)
        writer.close()
        tasks.discard(task)

    public = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = public.sockets[0].getsockname()[1]
    secure = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=certificates)
    inside = await asyncio.start_server(handle, "127.0.0.2", port)
    internet.faults = faults(port, canary)
    async with BotApi() as api:
        config = tmp_path / "watcher.toml"
        config.write_text(configuration(internet, api, port, secure.sockets[0].getsockname()[1]))
        (tmp_path / "rules.yaml").write_text(RULE)
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "token").chmod(0o600)
        daemon = DaemonProcess(config, module="tests.pretended_internet")
        yield World(internet, api, daemon, names, certificates, authority)
        await daemon.kill()
    for server in (public, secure, inside):
        server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def configuration(internet: Internet, api: BotApi, port: int, secure_port: int) -> str:
    text = f"""
        [store]
        path = "watcher.db"
        [rules]
        paths = ["rules.yaml"]
        [http]
        timeout = "{TIMEOUT}s"
        max_bytes = "{MAX_BYTES // 1_000_000}MB"
        [telegram]
        token_file = "token"
        base_url = "{api.base_url}"
        [[recipients]]
        id = "operators"
        channel = "telegram"
        to = "{OPERATOR}"
        operator = true
        rules = []
        budget = "none"
        [[recipients]]
        id = "chat"
        channel = "telegram"
        to = "{CHAT}"
        """
    for name in (*HEALTHY, *internet.faults, "dns-inside", "bad-certificate"):
        site = f"http://{name}.test:{port}" if name != "bad-certificate" else f"https://{name}.test:{secure_port}"
        text += f'[[sources]]\nid = "{name}"\nurl = "{site}/feed"\nevery = "1s"\nlanguage = "en"\nfull_text = false\n'
    return text


FROM_THE_START = {"dns-inside": "refused address", "bad-certificate": "bad certificate"}
# From the start, too, so that all of it is noted as old; nobody waits for that.
LONG_LIST = "many-entries"


@pytest.mark.slow  # Telegram takes one message a second to a chat, and there are forty-four
async def test_every_fault_is_told_once_and_no_other_source_notices(world: World) -> None:
    internet, daemon = world.internet, world.daemon
    told = {name: fault for name, fault in internet.faults.items() if fault.state is not None}
    nuisances = internet.faults.keys() - told.keys()
    everyone = (*HEALTHY, *internet.faults, *FROM_THE_START)
    for name in everyone:
        internet.publish(name)
    internet.faulty.add(LONG_LIST)
    await daemon.start()
    await daemon.wait_until(lambda: internet.polled.keys() >= {*HEALTHY, *internet.faults}, "first polls")
    await asyncio.sleep(EVERY)

    async def publish() -> None:
        while True:
            for name in HEALTHY:
                internet.publish(name)
            await asyncio.sleep(EVERY)

    publishing = asyncio.create_task(publish())
    internet.faulty |= internet.faults.keys()
    wanted = Counter(f"Source {name} cannot be read: {state}" for name, state in FROM_THE_START.items())
    wanted += Counter(f"Source {name} {fault.headline.format(state=fault.state)}" for name, fault in told.items())
    await world.wait_for_notices(wanted)
    code, sources = world.sources()
    assert code == 1
    states = {name: one["state"] for name, one in sources.items()}
    expected = {name: fault.state for name, fault in told.items()} | FROM_THE_START
    assert {name: states[name] for name in expected} == expected
    assert {states[name] for name in (*HEALTHY, *nuisances - {LONG_LIST})} <= {"ok", "not modified"}
    for name, fault in told.items():
        assert fault.says in sources[name]["detail"]

    internet.faulty.clear()
    world.names.write_text("{}")
    world.trusted.issue_cert("bad-certificate.test").configure_cert(world.certificates)
    for name in internet.faults:
        internet.publish(name)
    wanted += Counter(f"Source {name} works again" for name in expected)
    await world.wait_for_notices(wanted)
    publishing.cancel()
    internet.publish(HEALTHY[0], "Austria recalled its ambassador from Bulgaria.")
    await daemon.wait_until(lambda: len(world.api.to(CHAT)) == 1, "the alert")
    await asyncio.sleep(2 * EVERY)

    assert world.notices() == wanted
    assert internet.secrets_asked == 0
    for name in HEALTHY:
        gaps = [later - earlier for earlier, later in pairwise(internet.polled[name])]
        assert max(gaps) < LATE, (name, gaps)
    assert await daemon.end() == 0
    code, sources = world.sources()
    assert code == 0, {name: one["state"] for name, one in sources.items() if one["is_faulty"]}
    assert not daemon.lines("job_failed")
    with Store.open(daemon.config.parent / "watcher.db", exclusive=False) as store:
        seen = [one.article for one in store.articles.since(LONG_AGO)]
    for name in HEALTHY:
        titles = Counter(one.title for one in seen if one.source_id == name)
        assert titles == Counter(f"News {number} of {name}" for number in range(len(internet.items[name])))
    assert not any("CANARY" in one.title + one.text for one in seen)
    titles = {one.title for one in seen}
    assert max(map(len, titles)) <= 1_000
    assert not {character for title in titles for character in title if not character.isprintable()}
