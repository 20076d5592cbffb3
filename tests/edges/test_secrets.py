"""Every place that a secret can be configured in, and everything that the program can be made to say or to write.

Each secret is a word of its own that stands nowhere else. A daemon with all of them runs against servers that refuse,
redirect, and say back what they were told; then every command is asked everything. None of the words may turn up.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog import get_logger
from typer.main import get_command

from tests.bot_api import BotApi
from tests.desk import Desk
from tests.newsroom import Item, Newsroom
from watcher.cli import main, make_app
from watcher.cli.common import load_all
from watcher.errors import ConfigError
from watcher.log import configure_logging
from watcher.model import Severity
from watcher.pinger import Pinger
from watcher.routing import compose_notice
from watcher.settings import load_settings
from watcher.store import Store

SECRETS = {
    "token": "987654321:AAcanaryTokenOfTheBot-0123456789abcdefg",
    "email": "canaryPasswordOfMail",
    "bounces": "canaryPasswordOfBounces",
    "imap": "canaryPasswordOfMailbox",
    "heartbeat": "canaryPathOfHeartbeat",
    "webhook": "canaryPathOfWebhook",
    "signature": "canaryKeyOfSignatures",
    "apprise": "canaryTokenOfApprise",
    "env": "canaryFromEnvironment",
}
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r"
RULES = """\
rule: border-closed
title: A border is closed
status: stable
family: closure
severity: critical
languages: [en]
look_for:
  closed: {phrases: [closed its border]}
  pair: {states: {at_least: 2}}
"""
NEWS = "Thailand closed its border with Cambodia on Wednesday."

COMMANDS = """
check
status
status --format json
doctor
doctor --format json
sources
sources list
sources list --format json
sources test courier
sources test private
sources test mailbox
alerts list
alerts list --format json
alerts show ALERT
alerts show ALERT --format json
alerts explain ALERT
events list
events list --format json
events show EVENT
events show EVENT --format json
outbox
outbox list
outbox list --format json
outbox retry
rules list
rules stats
rules explain border-closed
mute list
subscribers
subscribers list
subscribers list --format json
subscribers invite
verify ALERT
export
export --format json
backup out.tar.gz
backup out2.tar.gz --format json
drill --within 1s
nosuchcommand
check --config nosuchfile
"""


class Echo:
    """A server that answers everything with what it was asked, as an error, and redirects to a place that does."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        said = f"{request.method} {request.url} {dict(request.headers)} {await request.text()}"
        self.asked.append(said)
        reason = re.sub(r"[^\x20-\x7e]", " ", said)[:200]
        return web.Response(status=500, reason=reason, text=said)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


async def smtp_that_repeats(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A mail server that offers a login and says back what it got, as sent and decoded."""
    writer.write(b"220 hello\r\n")
    while line := await reader.readline():
        words = line.decode("latin-1").strip()
        decoded = ""
        for word in words.split():
            try:
                decoded += " " + base64.b64decode(word, validate=True).decode("latin-1").replace("\0", " ")
            except ValueError:
                continue
        if words.upper().startswith("EHLO"):
            writer.write(b"250-hello\r\n250 AUTH PLAIN LOGIN\r\n")
        else:
            writer.write(f"535 5.7.8 refused: {words}{decoded}\r\n".encode("latin-1", "replace"))
    writer.close()


def configure(desk: Desk, api: BotApi, echo: int, smtp: int) -> dict[str, str]:
    """The environment to run in; every secret stands in a place of its own."""
    folder = desk.folder
    credentials = folder / "credentials"
    credentials.mkdir()
    files = {
        folder / "token": SECRETS["token"],
        folder / "hook": f"http://127.0.0.1:{echo}/hooks/{SECRETS['webhook']}?key={SECRETS['webhook']}",
        credentials / "hook_secret": SECRETS["signature"],
        credentials / "email_bounces_password": SECRETS["bounces"],
        credentials / "heartbeat_url": f"http://127.0.0.1:{echo}/ping/{SECRETS['heartbeat']}",
    }
    for path, content in files.items():
        path.write_text(content + "\n")
        path.chmod(0o600)
    (folder / "rules.yaml").write_text(RULES)
    desk.config.write_text(f"""
        [store]
        path = "watcher.db"
        [rules]
        paths = ["rules.yaml"]
        [http]
        allow_private_networks = true
        timeout = "2s"
        [log]
        level = "debug"
        format = "json"
        [publish]
        folder = "published"
        [server]
        listen = "127.0.0.1:1"
        [heartbeat]
        [telegram]
        token_file = "token"
        base_url = "{api.base_url}"
        admins = [1111]
        [email]
        host = "127.0.0.1"
        port = {smtp}
        username = "mailer"
        sender = "watcher@example.org"
        bounces = "imaps://mailer@127.0.0.1:1/INBOX"
        [[sources]]
        id = "courier"
        url = "{desk.room.url("courier")}"
        language = "en"
        [[sources]]
        id = "private"
        url = "http://127.0.0.1:{echo}/feed"
        [[sources]]
        id = "mailbox"
        kind = "imap"
        url = "imaps://127.0.0.1:1/INBOX"
        username = "reader"
        password = "{SECRETS["imap"]}"
        [[recipients]]
        id = "chat"
        channel = "telegram"
        to = "2222"
        operator = true
        [[recipients]]
        id = "mail"
        channel = "email"
        to = "desk@example.net"
        operator = true
        [[recipients]]
        id = "hook"
        channel = "webhook"
        to_file = "hook"
        operator = true
        [[recipients]]
        id = "chatter"
        channel = "apprise"
        to = "json://user:{SECRETS["apprise"]}@127.0.0.1:{echo}/{SECRETS["apprise"]}"
        operator = true
        """)
    desk.config.chmod(0o600)
    return {
        "CREDENTIALS_DIRECTORY": str(credentials),
        "WATCHER_EMAIL__PASSWORD": SECRETS["email"],
        "WATCHER_HEARTBEAT__URL": f"http://127.0.0.1:{echo}/ping/{SECRETS['env']}",
    }


def found_in(text: str) -> dict[str, str]:
    """Where a secret stands in the text, also encoded as protocols do, by its name."""
    found = {}
    for name, secret in SECRETS.items():
        forms = (secret, base64.b64encode(secret.encode()).decode(), secret.encode().hex(), secret.partition(":")[2])
        for form in filter(None, forms):
            at = text.find(form)
            if at >= 0:
                found[name] = text[max(at - 150, 0) : at + 40]
    return found


def raw_controls(text: str) -> str:
    return "".join(char for char in text if (ord(char) < 32 and char not in "\n\t") or 127 <= ord(char) < 160)


async def test_no_secret_is_said_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    echo, log = Echo(), io.StringIO()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", echo.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    echo.port = runner.addresses[0][1]
    smtp = await asyncio.start_server(smtp_that_repeats, "127.0.0.1", 0)
    said: dict[str, str] = {}
    try:
        async with Newsroom() as room, BotApi(token=SECRETS["token"]) as api:
            desk = Desk(tmp_path, room, api)
            environment = configure(desk, api, echo.port, smtp.sockets[0].getsockname()[1])
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            with umask(0o022):
                await live(desk, echo, log)
                said |= {"the log": log.getvalue()}
                alert_id, event_id = first_alert(desk.config)
                for line in filter(None, COMMANDS.splitlines()):
                    words = line.replace("ALERT", alert_id).replace("EVENT", event_id).split()
                    print(line, flush=True)
                    out = await ask(words)
                    said[line] = out
                    if "--format json" not in line:
                        assert not raw_controls(out), (line, out[:2000])
    finally:
        await runner.cleanup()
        smtp.close()
    assert "its server can be reached" in said["doctor"]
    for words in every_command():
        said[f"help of {words}"] = await ask([*words, "--help"])
        assert "Usage" in said[f"help of {words}"]
    assert {
        name for name in ("webhook", "apprise", "heartbeat") if any(SECRETS[name] in one for one in echo.asked)
    } == {
        "webhook",
        "apprise",
        "heartbeat",
    }  # they were really used
    with Store.open(tmp_path / "watcher.db", exclusive=False) as store:
        dump = [str(tuple(row)) for table in tables(store) for row in store._db.rows(f"SELECT * FROM {table}")]
    said["the store"] = "\n".join(dump)
    said |= {
        f"published {path.name}": path.read_text() for path in (tmp_path / "published").rglob("*") if path.is_file()
    }
    with tarfile.open(tmp_path / "out.tar.gz") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None and not member.name.endswith("watcher.toml"):  # what stands in it is its writer's
                said[f"backup {member.name}"] = content.read().decode("latin-1")
    shown = {where: found for where, text in said.items() if (found := found_in(text))}
    assert not shown, json.dumps(shown, indent=1)
    assert readable_by_others(tmp_path) == ["rules.yaml"]


def readable_by_others(folder: Path) -> list[str]:
    """Files that a usual umask leaves open; what is published is meant to be."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077 and "published" not in path.parts
    ]


async def live(desk: Desk, echo: Echo, log: io.StringIO) -> None:
    """Nothing; a day of a daemon in which everything fails that can, with hostile titles."""
    text = f"{ESCAPES}{NEWS}"
    settings, _ = load_all(desk.config)
    configure_logging(settings.log, secrets=settings.secrets, stream=log)
    async with desk.running() as parts:
        with parts._store.transaction():
            parts._store.events.save_alert(compose_notice("n", "Trouble", "", Severity.WATCH, desk.now))
        for name in ("courier", "private", "mailbox"):
            desk.room.publish("courier", Item("first", "Nothing", "Nothing happens.", desk.now, ("Nothing.",)))
            await parts.poll(name)
        desk.now += timedelta(minutes=10)
        desk.room.publish("courier", Item(f"item{ESCAPES}", text, text, desk.now, (text,)))
        for _ in range(4):
            await parts.poll("courier")
            await parts.poll("private")
            await parts.poll("mailbox")
            await parts.dispatch()
            desk.now += timedelta(hours=1)
        try:
            raise RuntimeError(f"a defect that holds {settings.secrets}")
        except RuntimeError:
            get_logger().exception("defect", settings=settings, recipients=parts._daemon.book.recipients)
            get_logger().debug("defect", sources=settings.to_sources(), telegram=settings.telegram)
        assert settings.heartbeat is not None
        url = settings.heartbeat.url.get_secret_value()
        pinging = asyncio.create_task(
            Pinger(url, timedelta(hours=1), "test", lambda: ["trouble"], lambda _: None).run()
        )
        await asyncio.sleep(0.3)
        pinging.cancel()
        await asyncio.gather(pinging, return_exceptions=True)


def tables(store: Store) -> list[str]:
    return [row[0] for row in store._db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]


def first_alert(config: Path) -> tuple[str, str]:
    settings, _ = load_all(config)
    with Store.open(settings.store.path, exclusive=False) as store:
        alert = next(one for one in store.events.alerts(limit=100) if one.event_id)
        return alert.id, alert.event_id or ""


async def ask(words: list[str]) -> str:
    """Everything that the command prints; in a thread, because commands have loops of their own."""
    out = io.StringIO()

    def call() -> None:
        config = () if "--config" in words or "--help" in words else ("--config", "watcher.toml")
        with redirect_stdout(out), redirect_stderr(out), suppress(SystemExit):
            main([*words, *config])

    await asyncio.to_thread(call)
    return out.getvalue()


def every_command() -> Iterator[list[str]]:
    """The words of each command and of each group of them."""

    def walk(command: Any, words: list[str]) -> Iterator[list[str]]:
        yield words
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, [*words, name])

    yield from walk(get_command(make_app()), [])


@pytest.mark.parametrize("kind", ["feed", "sitemap", "page"])
def test_an_address_with_a_password_is_no_source(tmp_path: Path, kind: str) -> None:
    """What it links to would be sent to everybody with the password in it."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'[[sources]]\nid = "a"\nkind = "{kind}"\nurl = "https://me:canaryInUrl@example.org/"\nselector = "a"\n'
    )
    with pytest.raises(ConfigError, match="without a name and a password") as refused:
        load_settings(config, {})
    assert "canary" not in str(refused.value)


def test_parts_of_secret_addresses_are_hidden_too(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[heartbeat]\nurl = "https://hc.example/ping/canaryPathOfHeartbeat"\n')
    settings, log = load_settings(config, {}), io.StringIO()
    configure_logging(settings.log, secrets=settings.secrets, stream=log)
    get_logger().warning("of a library: POST /ping/canaryPathOfHeartbeat/fail")
    assert "canary" not in log.getvalue()
