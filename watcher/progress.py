"""Whether what must happen again and again still does: what the watchdog asks before it is fed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta


class Progress:
    """When each of the things that are expected was last made; ``now`` counts seconds and is never set back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._within: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def expect(self, what: str, within: timedelta) -> None:
        """Nothing; from now on it stalls when it is not made for that long."""
        self._within[what] = within.total_seconds()
        self._last[what] = self._now()

    def made(self, what: str) -> None:
        """Nothing; it happened just now."""
        self._last[what] = self._now()

    def stalled(self) -> tuple[str, ...]:
        """What is expected and was not made for too long."""
        now = self._now()
        return tuple(what for what, within in self._within.items() if now - self._last[what] > within)
