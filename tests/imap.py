"""A real IMAP server on loopback (pymap, in memory), with a client to put newsletters into it."""

from __future__ import annotations

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

USER, PASSWORD = "demouser", "demopass"  # what the server's in-memory backend is born with


class MailboxServer:
    """Use as a context manager; ``url(folder)`` is what a source is configured with."""

    def __init__(self) -> None:
        self._folders = 0

    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        program = Path(sys.executable).with_name("pymap")
        services = ["--no-service", "managesieve", "--no-service", "admin"]
        self._process = subprocess.Popen(
            [program, "--host", "127.0.0.1", "--port", str(self.port), "--no-tls", *services, "dict", "--demo-data"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                with self._client():
                    return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the mail server did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    @contextmanager
    def _client(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=10) as client:
            client.login(USER, PASSWORD)
            yield client

    def url(self, folder: str) -> str:
        return f"imap://127.0.0.1:{self.port}/{folder}"

    def create(self) -> str:
        """The name of a new folder."""
        self._folders += 1
        folder = f"Letters {self._folders}"
        with self._client() as client:
            client.create(f'"{folder}"')
        return folder

    def put(self, folder: str, arrived_at: datetime, *messages: bytes) -> None:
        """Nothing; the messages are in the folder, as unread."""
        with self._client() as client:
            for message in messages:
                client.append(f'"{folder}"', "", imaplib.Time2Internaldate(arrived_at), message)

    def seen(self, folder: str) -> int:
        """How many messages of the folder are marked as seen."""
        with self._client() as client:
            client.select(f'"{folder}"', readonly=True)
            _, answers = client.uid("SEARCH", "SEEN")
        return len(answers[0].split())
