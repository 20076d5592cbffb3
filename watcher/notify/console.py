"""The channel that prints: for trying out, and for a terminal on the wall."""

from __future__ import annotations

from typing import TextIO

from watcher.model import Delivered, Outcome, Retry
from watcher.notify.base import OutgoingMessage
from watcher.render import render_text

_RULE = "─" * 72


class ConsoleNotifier:
    """Prints each alert as plain text; nothing of a source reaches the terminal as a control sequence."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, message: OutgoingMessage) -> Outcome:
        """Delivered as soon as the stream has taken it; its reference is the alert's id."""
        text = f"{_RULE}\n{render_text(message.alert, message.names)}\n"
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except OSError as error:
            return Retry(f"the terminal does not take it: {error.strerror}")
        return Delivered(message.alert.id)

    async def aclose(self) -> None:
        """Nothing; the stream belongs to the caller."""
