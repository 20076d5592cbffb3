"""The whole bot of a real daemon for tests: people write and press, the daemon's outbox is sent when the test says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.bot_api import TOKEN, Accepted, BotApi
from tests.desk import Desk
from tests.newsroom import Item, Newsroom
from watcher.bot.runtime import Runtime
from watcher.daemon import Parts
from watcher.model import Recipient
from watcher.notify.governor import Governor

OLGA, ANNA, BORIS, CLARA = 1111, 2222, 3333, 4444  # Olga is the operator
GROUP, FORUM, CHANNEL = -100200300, -100200500, -100200700
TOPIC = 17
FASTER = 1000  # what takes a second takes a millisecond

RULES = """\
rule: border-fire
title: Fire across a border
status: stable
family: clash
severity: warning
languages: [en]
look_for:
  fire: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
---
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
CLASH = "Armenian and Azerbaijani troops exchanged fire on Wednesday."
CLOSURE = "Thailand closed its border with Cambodia on Wednesday."


@dataclass
class BotRoom(Desk):
    """A configured watcher whose bot people know."""

    published: int = 0
    parts: Parts | None = None
    pauses: list[float] = field(default_factory=list)  # that the bot made between attempts, in seconds

    def configure_bot(self, telegram: str = "", more: str = "", rules: str = RULES) -> None:
        """Nothing; writes rules and configuration: Olga is the operator, nobody else is in it."""
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        (self.folder / "rules.yaml").write_text(rules)
        self.config.write_text(f"""
            [store]
            path = "watcher.db"
            [rules]
            paths = ["rules.yaml"]
            [http]
            allow_private_networks = true
            [telegram]
            token_file = "token"
            base_url = "{self.api.base_url}"
            admins = [{OLGA}]
            {telegram}
            [[sources]]
            id = "courier"
            url = "{self.room.url("courier")}"
            language = "en"
            {more}
            """)

    @asynccontextmanager
    async def listening(self, after: timedelta = timedelta(0)) -> AsyncIterator[BotRoom]:
        """The daemon with its bot, which hears people; a new life each time."""
        async with self.running(after) as parts:
            self.parts = parts
            bot = self.bot
            bot._sleep = self._sleep
            bot._poll_seconds = 1
            bot._governor = Governor(lambda: time.monotonic() * FASTER, lambda seconds: asyncio.sleep(seconds / FASTER))
            task = asyncio.create_task(parts.run_bot())
            try:
                yield self
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                self.parts = None

    @property
    def bot(self) -> Runtime:
        assert self.parts is not None
        assert self.parts._bot is not None
        return self.parts._bot

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(seconds / FASTER)

    async def says(self, person: int, chat: int, text: str, thread: int | None = None) -> list[Accepted]:
        """What the bot answered, wherever."""
        before = len(self.api.accepted)
        await self.api.confirmed(await self.api.says(person, chat, text, thread))
        return list(self.api.accepted[before:])

    async def asks(self, person: int, chat: int, text: str, thread: int | None = None) -> Accepted:
        """The one answer in the same chat, as it stands after later edits."""
        answers = [one for one in await self.says(person, chat, text, thread) if one.chat == str(chat)]
        assert len(answers) == 1, [one.text for one in answers]
        return answers[0]

    async def presses(self, person: int, message: Accepted, *buttons: str, forged: bool = False) -> str:
        """The toast of the last of these buttons."""
        toast = ""
        for button in buttons:
            press = await self.api.presses(person, message.latest, button, forged=forged)
            await self.api.confirmed(press.update_id)
            toast = press.toast or ""
        return toast

    async def invites(self) -> str:
        """A fresh code of Olga's."""
        answer = await self.asks(OLGA, OLGA, "/invite")
        return answer.text.split("?start=")[1].split()[0]

    async def joins(self, person: int, *buttons: str) -> Accepted:
        """The greeting, with its later faces, of somebody whom Olga has invited and who pressed these buttons."""
        greeting = await self.asks(person, person, f"/start {await self.invites()}")
        await self.presses(person, greeting, *buttons)
        return greeting

    async def hears_news(self, text: str) -> None:
        """Nothing; the source publishes it, the daemon reads it and sends what is due."""
        assert self.parts is not None
        self.published += 1
        item = Item(f"item{self.published}", f"Report {self.published}", text, self.now, (text,))
        self.room.publish("courier", item)
        self.now += timedelta(minutes=10)
        await self.parts.poll("courier")
        await self.parts.dispatch()

    def recipient(self, target: int | str) -> Recipient | None:
        """Who is told there now."""
        assert self.parts is not None
        found = [one for one in self.parts._daemon.book.recipients if one.target == str(target) and not one.is_operator]
        return found[0] if found else None

    def alerts(self, chat: int, thread: int | None = None) -> list[str]:
        """The first lines of the alerts that stand there."""
        return [one.text.partition("\n")[0] for one in self.api.to(chat, thread) if "ack:" in str(one.buttons)]

    def notices(self) -> dict[str, str]:
        """The state of each notice by its key."""
        with self.store() as store:
            return {one.key: one.state for one in store.journal.notices()}


@asynccontextmanager
async def open_room(folder: Path) -> AsyncIterator[BotRoom]:
    """A room with people, a group, a forum and a channel, and its servers running; to be configured."""
    async with Newsroom() as room, BotApi() as api:
        made = BotRoom(folder, room, api)
        api.clock = lambda: made.now.timestamp()
        api.person(OLGA, "Olga", "en", has_started=True)
        api.person(ANNA, "Anna", "fr")
        api.person(BORIS, "Boris", "en")
        api.person(CLARA, "Clara", "uk")
        api.group(GROUP, "Desk", members={ANNA: "member", BORIS: "administrator", OLGA: "member"})
        api.group(FORUM, "Forum", forum=True, members={ANNA: "member", BORIS: "administrator"})
        api.topic(FORUM, TOPIC, "Clashes")
        api.topic(FORUM, TOPIC + 1, "Tea")
        api.channel(CHANNEL, "Wire", members={OLGA: "creator"})
        yield made
