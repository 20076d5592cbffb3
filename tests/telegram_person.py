"""Who and what is in Telegram, as the stand-in for the Bot API knows it: people, chats, what is written and pressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.telegram_html import RefusedError

BOT_ID = 123456
BOT_NAME = "watcher_bot"
# Whoever writes in the name of a group comes as this user (https://core.telegram.org/bots/api#message, sender_chat).
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


@dataclass(slots=True)
class Person:
    """A user of Telegram."""

    id: int
    name: str
    language: str | None = None  # IETF tag of their app
    has_started: bool = False  # has written to the bot; before, it may not write to them
    has_blocked: bool = False

    def as_json(self) -> dict[str, Any]:
        shown = {"id": self.id, "is_bot": False, "first_name": self.name}
        return shown | ({"language_code": self.language} if self.language else {})


@dataclass(slots=True)
class Chat:
    """A group, supergroup or channel."""

    id: int
    type: str
    title: str
    is_forum: bool
    members: dict[int, str]  # person -> creator, administrator, member, restricted, left, kicked
    bot: str  # status of the bot, of the same words
    topics: dict[int, str] = field(default_factory=dict)  # thread -> name
    closed_topics: set[int] = field(default_factory=set)
    is_read_only: bool = False  # members may not write, and the bot is one
    migrated_to: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "type": self.type, "title": self.title} | ({"is_forum": True} if self.is_forum else {})

    def is_member(self, person: int) -> bool:
        return self.members.get(person, "left") in ("creator", "administrator", "member", "restricted")

    def is_manager(self, person: int) -> bool:
        return self.members.get(person) in ("creator", "administrator")

    def check_writable(self, thread: int | None) -> None:
        """Nothing; raises RefusedError where the bot may not write there."""
        self.check_access()
        if self.type == "channel" and self.bot != "administrator":
            raise RefusedError(400, "Bad Request: need administrator rights in the channel chat")
        if self.is_read_only and self.bot != "administrator":
            raise RefusedError(400, "Bad Request: not enough rights to send text messages to the chat")
        # The general topic of a forum is written to without a number, not even its own (1).
        if thread is not None and thread not in self.topics:
            raise RefusedError(400, "Bad Request: message thread not found")
        if thread in self.closed_topics and self.bot != "administrator":
            raise RefusedError(400, "Bad Request: TOPIC_CLOSED")

    def check_access(self) -> None:
        """Nothing; raises RefusedError where the bot is not in the chat."""
        if self.migrated_to is not None:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise RefusedError(400, words, {"migrate_to_chat_id": self.migrated_to})
        if self.bot == "kicked":
            raise RefusedError(403, f"Forbidden: bot was kicked from the {self.type} chat")
        if self.bot == "left":
            raise RefusedError(403, f"Forbidden: bot is not a member of the {self.type} chat")


@dataclass(frozen=True, slots=True)
class Button:
    """One button under a message."""

    text: str
    data: str = ""
    url: str = ""


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message of the bot as its reader sees it, with what it was made from."""

    message_id: int
    chat: str
    text: str  # after entity parsing; of a picture or a file: its caption
    entities: tuple[tuple[str, str, str | None], ...]  # (tag, its text, href)
    source: str  # as it was posted
    parse_mode: str | None
    reply_to: int | None
    is_silent: bool
    thread: int | None = None
    keyboard: Keyboard = ()
    photo: bytes = field(default=b"", repr=False)
    document: bytes = field(default=b"", repr=False)
    file_name: str = ""
    is_protected: bool = False  # cannot be forwarded or saved
    edits: list[Accepted] = field(default_factory=list, compare=False, repr=False)  # its later states, in order

    @property
    def latest(self) -> Accepted:
        """The message as it stands there now."""
        return self.edits[-1] if self.edits else self

    @property
    def buttons(self) -> tuple[Button, ...]:
        """All buttons that are under it now, row by row."""
        return tuple(button for row in self.latest.keyboard for button in row)

    def logged(self) -> dict[str, Any]:
        """The message for a file; of pictures and files only their size."""
        return {
            "message_id": self.message_id,
            "chat": self.chat,
            "text": self.text,
            "entities": self.entities,
            "source": self.source,
            "parse_mode": self.parse_mode,
            "reply_to": self.reply_to,
            "is_silent": self.is_silent,
            "thread": self.thread,
            "keyboard": [[[button.text, button.data or button.url] for button in row] for row in self.keyboard],
            "photo_bytes": len(self.photo),
            "document_bytes": len(self.document),
        }


@dataclass(slots=True)
class Press:
    """A button that was pressed, and what the bot answered."""

    id: str
    update_id: int
    at: float
    toast: str | None = None  # None: not answered; empty: answered without words
    is_alert: bool = False
    is_answered: bool = False
