"""Everything that can be asked of the bot, put together by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from watcher.bot.talk import Command, Press
from watcher.rulebook import RuleBook
from watcher.settings import Settings
from watcher.store import Store


@dataclass(slots=True)
class Desk:
    """What the handlers share, and the handlers by their names; nothing here awaits."""

    store: Store
    clock: Callable[[], datetime]
    book: Callable[[], RuleBook]  # in force; its recipients are the configured ones and the active subscriptions
    settings: Callable[[], Settings]
    wake: Callable[[], None]  # there is something new in the outbox
    take_subscriptions: Callable[[], None]  # they have changed: the book's recipients are replaced
    commands: dict[str, Command] = field(default_factory=dict)  # by name, without the stroke
    presses: dict[str, Press] = field(default_factory=dict)  # by the first word of the data
