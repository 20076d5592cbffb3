"""A configured watcher for flow tests: real feeds, a strict Bot API, a real store; the clock is moved by hand.

Every step opens the store anew, so whatever a step leaves in memory is gone for the next, as after a restart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bot_api import TOKEN, BotApi
from tests.newsroom import Newsroom
from watcher.cli.common import load_all
from watcher.daemon import Daemon, Parts, make_notifiers
from watcher.ingest import Poll
from watcher.model import SourceState
from watcher.store import Store

OPERATOR, CHAT = "1111", "2222"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Desk:
    """One operator, one chat, and rules of the test's own."""

    folder: Path
    room: Newsroom
    api: BotApi
    now: datetime = datetime(2022, 9, 14, 16, 0, tzinfo=UTC)
    polls: dict[str, Poll] = field(default_factory=dict)  # the last one of each source

    def configure(self, rules: str, more: str = "", *, budget: str = "60/h", **sources: str) -> None:
        """Nothing; writes rules and configuration, each source with lines of its own after the usual ones."""
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        (self.folder / "rules.yaml").write_text(rules)
        text = f"""
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
            [[recipients]]
            id = "chat"
            channel = "telegram"
            to = "{CHAT}"
            budget = "{budget}"
            """
        for name, lines in sources.items():
            url = "" if "url" in lines else f'url = "{self.room.url(name)}"\n'
            language = "" if "language" in lines else 'language = "en"\n'
            text += f'[[sources]]\nid = "{name}"\n{url}{language}{lines}\n'
        self.config.write_text(text + more)

    @property
    def config(self) -> Path:
        return self.folder / "watcher.toml"

    @asynccontextmanager
    async def running(self, after: timedelta = timedelta(0), *, as_service: bool = False) -> AsyncIterator[Parts]:
        """The parts of a daemon that starts so much later; nothing is scheduled."""
        self.now += after
        settings, book = load_all(self.config)
        with Store.open(settings.store.path, exclusive=True) as store:
            daemon = Daemon(
                settings,
                book,
                store,
                lambda: load_all(self.config),
                make_notifiers,
                clock=lambda: self.now,
                steady=lambda: self.now.timestamp(),  # time passes; nobody sets the clock
                on_poll=lambda poll: self.polls.update({poll.source_id: poll}),
            )
            async with AsyncExitStack() as stack:
                yield await Parts.open(daemon, stack, tells_of_outages=as_service)

    async def poll(self, after: timedelta = 10 * MINUTE, *source_ids: str) -> None:
        """Nothing; a start, a poll of these sources or all, what is due is sent, and an end."""
        async with self.running(after) as parts:
            for source_id in source_ids or parts.sources_to_read():
                await parts.poll(source_id)
            await parts.dispatch()

    def store(self) -> Store:
        return Store.open(self.folder / "watcher.db", exclusive=False)

    def state(self, source_id: str) -> SourceState:
        """Where polling of the source stands."""
        with self.store() as store:
            return next(state for state in store.articles.source_states() if state.source_id == source_id)

    def told(self, chat: str = CHAT) -> list[str]:
        """Every message that arrived there so far."""
        return [message.text for message in self.api.to(chat)]


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """A desk with its servers running."""
    async with Newsroom() as room, BotApi() as api:
        yield Desk(folder, room, api)
