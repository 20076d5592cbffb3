"""Room on the disk that is kept for what must be written down even where the disk is full: that a message was sent."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 2 << 20  # a result of a send takes some dozens of kilobytes of the log
_STEP = 64 << 10


class Reserve:
    """A file beside the store that takes up room until it is needed."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._bytes = 0
        self.fill()

    def fill(self) -> None:
        """Nothing; as much is kept free as there is room for, up to the whole."""
        for size in range(RESERVE_BYTES, self._bytes, -_STEP):
            try:
                os.posix_fallocate(self._file, 0, size)
            except OSError:  # no room, or a file system that keeps none
                with suppress(OSError):
                    os.ftruncate(self._file, self._bytes)
            else:
                self._bytes = size
                return

    def release(self, keep: float = 0.0) -> bool:
        """Whether there was something to give up; that share of the whole is kept in any case."""
        kept = int(RESERVE_BYTES * keep)
        if self._bytes <= kept:
            return False
        os.ftruncate(self._file, kept)
        self._bytes = kept
        return True

    def close(self) -> None:
        """Nothing; the file stays for the next time."""
        os.close(self._file)
