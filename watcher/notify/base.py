"""What every channel offers: send one message, and say what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from watcher.model import Alert, Delivery, Outcome, Recipient

_REASON_CHARS = 300  # of a server's own words; enough to search for


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One alert for one recipient, with all that sending needs."""

    alert: Alert
    delivery: Delivery
    reply_to: str | None  # the channel's reference of the first message of this event to this recipient
    names: Mapping[str, str]  # English names of states by code
    recipient: Recipient | None = None  # as it is now, with its language and how discreet it wants to be; None: gone


class Notifier(Protocol):
    """A channel. No retries inside: the outbox decides about those."""

    async def send(self, message: OutgoingMessage) -> Outcome:
        """What came of one attempt; trouble of any expected kind is an outcome and no exception."""
        ...

    async def aclose(self) -> None:
        """Nothing; releases connections."""
        ...


def plain_reason(text: str, *secrets: str) -> str:
    """A server's words on one short line, with every secret blotted out."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _REASON_CHARS]).split())[:_REASON_CHARS]
