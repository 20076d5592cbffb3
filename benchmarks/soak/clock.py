"""Time in which idling takes none: it passes as it does while anything is under way, and jumps to the next timer else.

So a week takes as long as its work, and what work costs in time (a poll that begins late because a page is being read)
is in it one to one.
"""

from __future__ import annotations

import asyncio
import mmap
import selectors
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
DAY = 86_400.0


class SharedSeconds:
    """Seconds since START that one process writes and others read; a file of eight bytes."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8)

    def read(self) -> float:
        return struct.unpack("d", self._memory[:8])[0]

    def write(self, seconds: float) -> None:
        self._memory[:8] = struct.pack("d", seconds)


class Clock:
    """Seconds since START: real ones, and those that were skipped."""

    def __init__(self, shared: SharedSeconds, begin: float) -> None:
        self._shared = shared
        self._offset = begin - time.monotonic()
        self.in_flight = 0  # jobs of threads, requests on loopback: what may end at any moment

    def seconds(self) -> float:
        return time.monotonic() + self._offset

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds())

    def skip(self, seconds: float) -> None:
        self._offset += seconds

    def share(self) -> None:
        """Nothing; the other processes know the time."""
        self._shared.write(self.seconds())

    @contextmanager
    def under_way(self) -> Iterator[None]:
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1


class _SkippingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    clock: Clock

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events and (timeout is None or timeout > 0):
            if self.clock.in_flight or timeout is None:
                events = super().select(timeout)
            else:
                self.clock.skip(timeout)
        self.clock.share()
        return events


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop on a Clock."""

    def __init__(self, clock: Clock) -> None:
        selector = _SkippingSelector()
        selector.clock = clock
        self._soak_clock = clock
        super().__init__(selector)

    def time(self) -> float:
        return self._soak_clock.seconds()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._soak_clock.in_flight += 1
        future.add_done_callback(self._has_landed)
        return future

    def _has_landed(self, _: Any) -> None:
        self._soak_clock.in_flight -= 1
