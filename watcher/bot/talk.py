"""What is said to the bot and what it says, free of the library that carries it.

A handler is asked one thing and gives its answers; ``watcher.bot.runtime`` finds out who asks and what they may do,
and sends what is answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from watcher.subscriptions import PlaceKind as PlaceKind
from watcher.wording import Wording


class Role(IntEnum):
    """What a person may do in a place; the order counts."""

    STRANGER = 0  # learns nothing
    MEMBER = 1  # of a chat that is subscribed: looks, acknowledges, judges
    MANAGER = 2  # may change what this chat gets: the person itself in private, administrators in a group
    OPERATOR = 3


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. A group's anonymous administrator, or a channel, has the id of that chat."""

    id: int
    name: str  # as they call themselves; hostile like any text from outside
    language: str | None  # IETF tag of their Telegram


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is asked: a chat, or a topic of a forum."""

    chat: int
    thread: int | None  # of a forum; None: no topic, or the general one
    kind: PlaceKind
    title: str  # of the chat; the person's name in private

    @property
    def target(self) -> str:
        """How recipients and deliveries name the place."""
        return f"{self.chat}/{self.thread}" if self.thread is not None else str(self.chat)


@dataclass(frozen=True, slots=True)
class Button:
    """One button under a message: gives its data back (1 to 64 bytes), or opens an address."""

    text: str
    data: str = ""  # "WORD" or "WORD:...": the word finds the handler
    url: str = ""


Keyboard = tuple[tuple[Button, ...], ...]  # rows


@dataclass(frozen=True, slots=True)
class Asked:
    """One command, press or text, with all that a handler may go by."""

    person: Person
    place: Place
    role: Role  # of the person in the place
    wording: Wording  # that the place has chosen, else of the person's Telegram
    words: tuple[str, ...]  # after the command; the parts of a press after its first; of a text, the whole in one
    press: str  # the data of the button; empty: no press
    message_id: int  # of the message that was written, or that has the button
    now: datetime
    leads: bool = False  # speaks for the chat, let in or not: the person itself in private, administrators in a group


@dataclass(frozen=True, slots=True)
class Document:
    """A file to send."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing to do in answer.

    With text: a new message, or with ``edits`` another face of the message that has the pressed button. Without text,
    ``edits`` replaces only the buttons, and else there is only the toast.
    """

    text: str = ""  # plain; longer than a message is cut by who sends it
    keyboard: Keyboard = ()
    picture: bytes | None = None  # PNG; the text is its caption
    document: Document | None = None
    edits: bool = False
    toast: str = ""  # of a press: shown over the chat for a moment, to the person alone; at most 200 characters
    is_html: bool = False  # only what `watcher.render` has made
    reply_to: int | None = None  # message that it answers; None: what was asked
    to: str = ""  # another place, "CHAT" or "CHAT/THREAD"; empty: where it was asked
    message_id: int | None = None  # that is edited; None: the message that has the pressed button
    is_silent: bool = False  # sent without a sound


Handler = Callable[[Asked], Awaitable[Sequence[Answer]]]


@dataclass(frozen=True, slots=True)
class Command:
    """What ``/NAME`` does, and who may ask it where."""

    handler: Handler
    least: Role = Role.MEMBER
    summary: str = ""  # key of the sentence in Telegram's menu and in /help; empty: in neither
    in_groups: bool = True  # stands in the menu of groups, too
    is_timeless: bool = False  # acted on even if it was written while nobody listened


@dataclass(frozen=True, slots=True)
class Press:
    """What buttons do whose data begin with one word."""

    handler: Handler
    least: Role = Role.MEMBER
