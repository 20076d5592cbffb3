"""What every channel offers: send one message, and say what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from watcher.model import Acknowledgement, Alert, Delivery, Outcome, Recipient
from watcher.notify.governor import Governor

_REASON_CHARS = 300  # of a server's own words; enough to search for


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One alert for one recipient, with all that sending needs."""

    alert: Alert
    delivery: Delivery
    reply_to: str | None  # the channel's reference of the first message of this event to this recipient
    names: Mapping[str, str]  # English names of states by code
    recipient: Recipient | None = None  # as it is now, with its language and how discreet it wants to be; None: gone


@dataclass(frozen=True, slots=True)
class MessageEdit:
    """The first message about an event, whose headline shall say what has become of it."""

    first: Alert  # what the message tells
    latest: Alert  # the newest update of it that arrived there
    delivery: Delivery  # of the message; its reference is the channel's name for it
    names: Mapping[str, str]  # English names of states by code
    recipient: Recipient | None = None  # as it is now
    acknowledgement: Acknowledgement | None = None  # of what the message tells


class Notifier(Protocol):
    """A channel. No retries inside: the outbox decides about those."""

    async def send(self, message: OutgoingMessage) -> Outcome:
        """What came of one attempt; trouble of any expected kind is an outcome and no exception."""
        ...

    async def aclose(self) -> None:
        """Nothing; releases connections."""
        ...


@runtime_checkable
class Editor(Protocol):
    """A channel whose messages can be changed after they were sent."""

    async def edit(self, edit: MessageEdit) -> Outcome:
        """What came of one attempt; also Delivered where the message says so already."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A channel with limits of its own: its governor is asked before anything is claimed for it."""

    @property
    def governor(self) -> Governor:
        """Who knows what may leave now."""
        ...


def plain_reason(text: str, *secrets: str) -> str:
    """A server's words on one short line, with every secret blotted out."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _REASON_CHARS]).split())[:_REASON_CHARS]
