"""The bot's buttons and commands for tests: alerts that were really decided and delivered, people who press and write.

Four places get the alerts of the one rule, two of them only what the other two do not: see ``configure``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.bot_api import TOKEN, Accepted, BotApi, Press
from tests.desk import Desk
from tests.newsroom import Item, Newsroom
from watcher.bot.acting import Acting
from watcher.bot.desk import Desk as BotDesk
from watcher.bot.looking import Looking
from watcher.bot.runtime import Runtime
from watcher.cli.common import load_all
from watcher.daemon import Parts
from watcher.notify.governor import Governor
from watcher.store import Store

OPERATOR, ANNA, BORIS, CLARA, DAVID, EVA = 1111, 2222, 3333, 4444, 5555, 6666
GROUP, OTHERS, FORUM, TOPIC = -100200300, -100200400, -100200500, 17
BOSS = 7001
SMALL = -4242  # no supergroup yet, and told of nothing unless a test wants it

RULES = """\
rule: border-fire
title: Fire across a border
family: clash
severity: warning
languages: [en]
look_for:
  fire: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
escalate: {if_not_acknowledged_in: 30m, to: [boss]}
---
rule: border-closed
title: A border is closed
family: closure
severity: critical
languages: [en]
look_for:
  closed: {phrases: [closed its border]}
  pair: {states: {at_least: 2}}
"""
CLASH = "Armenian and Azerbaijani troops exchanged fire on Wednesday, and at least 3 soldiers were killed."
CONFIRMS = "The armies of Armenia and Azerbaijan exchanged fire for an hour; 3 soldiers were killed, a mayor said."
CLOSURE = "Thailand closed its border with Cambodia on Wednesday."


@dataclass
class Stage(Desk):
    """A desk with people in their chats; ``open_stage`` makes it."""

    published: int = 0

    def publish(self, text: str, outlet: str = "courier") -> None:
        self.published += 1
        item = Item(f"item{self.published}", f"Report {self.published}", text, self.now, (text,))
        self.room.publish(outlet, item)

    def store(self) -> Store:
        return Store.open(self.folder / "watcher.db", exclusive=False)

    def prepare(self, recipients: str) -> None:
        """Nothing; writes rules and configuration."""
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        (self.folder / "rules.yaml").write_text(RULES)
        sources = "".join(
            f'[[sources]]\nid = "{name}"\nurl = "{self.room.url(name)}"\nlanguage = "en"\npublisher = "{publisher}"\n{more}\n'
            for name, publisher, more in (
                ("courier", "The Courier", 'affiliation = "independent"'),
                ("radio", "Radio Nine", ""),
            )
        )
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
            admins = [{OPERATOR}]
            {recipients}
            {sources}
            """)

    @asynccontextmanager
    async def bot(self, after: timedelta = timedelta(0)) -> AsyncIterator[Talk]:
        """The bot, listening; the outbox is sent when the test says so."""
        async with self.running(after) as parts:
            settings, book = load_all(self.config)
            desk = BotDesk(
                store=parts._store,
                clock=lambda: self.now,
                book=lambda: book,
                settings=lambda: settings,
                wake=lambda: None,
                take_subscriptions=lambda: None,
            )
            looking = Looking(desk)
            looking.register()
            Acting(desk).register()

            async def sleep(seconds: float) -> None:
                await asyncio.sleep(seconds / 1000)

            governor = Governor(lambda: time.monotonic() * 1000, sleep)
            runtime = Runtime(desk, TOKEN, self.api.base_url, governor, lambda **_: None, sleep=sleep, poll_seconds=1)
            listening = asyncio.create_task(runtime.run())
            try:
                yield Talk(self, parts, parts._store)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                await runtime.aclose()
                looking.close()


@dataclass
class Talk:
    """What a test does while the bot listens."""

    stage: Stage
    parts: Parts
    store: Store

    async def says(self, person: int, chat: int, text: str, thread: int | None = None) -> list[Accepted]:
        """What the bot answered, in the same chat."""
        api = self.stage.api
        before = len(api.accepted)
        await self._heard(await api.says(person, chat, text, thread))
        return [one for one in api.accepted[before:] if one.chat == str(chat)]

    async def presses(
        self, person: int, message: Accepted, button: str, *, forged: bool = False
    ) -> tuple[str, list[Accepted]]:
        """The toast, and what the bot sent wherever."""
        api = self.stage.api
        before = len(api.accepted)
        press: Press = await api.presses(person, message, button, forged=forged)
        await self._heard(press.update_id)
        return press.toast or "", list(api.accepted[before:])

    async def _heard(self, update_id: int | None) -> None:
        assert update_id is not None
        await self.stage.api.confirmed(update_id)

    async def dispatch(self) -> None:
        """Nothing; what is due is sent and edited."""
        await self.parts.dispatch()

    def alert(self, chat: int, thread: int | None = None) -> Accepted:
        """The last message of an alert there, as it stands now."""
        return next(one for one in reversed(self.stage.api.sees(chat, thread)) if "mute:" in str(one.buttons))

    def labels(self, message: Accepted) -> list[str]:
        return [button.text for button in message.buttons]


def alert_id(message: Accepted) -> str:
    return next(one.data.partition(":")[2] for one in message.buttons if one.data.startswith("ack:"))


@asynccontextmanager
async def open_stage(folder: Path, more: str = "") -> AsyncIterator[Stage]:
    """Two alerts were sent: of fire to Anna, the group and the topic, of a closed border to the other group."""
    async with Newsroom() as room, BotApi() as api:
        stage = Stage(folder, room, api)
        api.clock = lambda: stage.now.timestamp()
        for number, name, language in (
            (OPERATOR, "Olga", "en"),
            (ANNA, "Anna", "fr"),
            (BORIS, "Boris", "en"),
            (CLARA, "Clara", "en"),
            (DAVID, "David", "en"),
            (EVA, "Eva", "en"),
            (BOSS, "Chief", "en"),
        ):
            api.person(number, name, language, has_started=True)
        members = {OPERATOR: "member", ANNA: "member", EVA: "member", BORIS: "administrator"}
        api.group(GROUP, "Desk", members=members)
        api.group(OTHERS, "Others", members={CLARA: "member", DAVID: "administrator", OPERATOR: "member"})
        api.group(FORUM, "Forum", forum=True, members=members)
        api.group(SMALL, "Small", members=members)
        api.topic(FORUM, TOPIC, "Clashes")
        api.topic(FORUM, TOPIC + 1, "Tea")
        recipients = (
            ("anna", ANNA, "border-fire", 'language = "fr"'),
            ("group", GROUP, "border-fire", ""),
            ("others", OTHERS, "border-closed", ""),
            ("topic", f"{FORUM}/{TOPIC}", "border-fire", ""),
        )
        text = "".join(
            f'[[recipients]]\nid = "{name}"\nchannel = "telegram"\nto = "{to}"\nrules = ["{rule}"]\n{lines}\n'
            for name, to, rule, lines in recipients
        )
        text += f'[[recipients]]\nid = "boss"\nchannel = "telegram"\nto = "{BOSS}"\nrules = []\n'
        stage.prepare(text + more)
        stage.publish(CLASH)
        await stage.poll()
        stage.publish(CLOSURE)
        await stage.poll()
        yield stage
