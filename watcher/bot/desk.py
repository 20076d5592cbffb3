"""Everything that can be asked of the bot, and what answering needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from watcher.bot.talk import Answer, Asked, Command, Handler, Place, Press
from watcher.rulebook import RuleBook
from watcher.settings import Settings
from watcher.store import Store
from watcher.subscriptions import Subscription


async def _no_channel(_: str) -> Place | None:
    return None


async def _nothing(_: Asked) -> Sequence[Answer]:
    return ()


def _no_welcome(_: Subscription) -> Sequence[Answer]:
    return ()


@dataclass(slots=True)
class Desk:
    """What the handlers share, and the handlers by their names."""

    store: Store
    clock: Callable[[], datetime]
    book: Callable[[], RuleBook]  # in force; its recipients are the configured ones and the active subscriptions
    settings: Callable[[], Settings]
    wake: Callable[[], None]  # there is something new in the outbox
    take_subscriptions: Callable[[], None]  # they have changed: the book's recipients are replaced
    commands: dict[str, Command] = field(default_factory=dict)  # by name, without the stroke
    presses: dict[str, Press] = field(default_factory=dict)  # by the first word of the data
    text: Handler = _nothing  # what is no command, in private
    welcome: Callable[[Subscription], Sequence[Answer]] = _no_welcome  # to people who were let in
    username: str = ""  # of the bot, once Telegram has said it
    find_channel: Callable[[str], Awaitable[Place | None]] = _no_channel  # where the bot may write, by @name or id
