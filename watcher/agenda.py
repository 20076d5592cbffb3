"""When each source is polled next: one heap and one timer for all of them.

APScheduler runs the daemon's few jobs; as a job of its own each poll costs it more processor time than the fetch of an
unchanged feed does (benchmarks/polling).
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

# Polls wait this long for others, which then share the wake-ups of the loop: a third less processor time.
TOGETHER = timedelta(milliseconds=250)
# A machine that was asleep notices within this; its timers stand still while it sleeps.
LONGEST_WAIT = timedelta(minutes=1)


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


def seconds_awake_or_asleep() -> float:
    """Seconds since some moment, sleep of the machine included where the system counts it; never set back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Agenda:
    """Runs ``poll`` for each source when it is due; never twice at once for the same source.

    ``poll`` plans the source's next poll, and raises nothing.
    """

    def __init__(
        self, poll: Callable[[str], Awaitable[None]], now: Callable[[], float] = seconds_awake_or_asleep
    ) -> None:
        self._poll = poll
        self._now = now
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []  # also what was planned anew or dropped since
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()  # came due while they ran: their settings have changed
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def plan(self, source_id: str, delay: timedelta) -> None:
        """Nothing; the source is polled after that delay, whatever was planned before."""
        at = self._now() + max(delay.total_seconds(), 0)
        self._due[source_id] = at
        heapq.heappush(self._heap, (at, source_id))
        if self._timer is not None and at + TOGETHER.total_seconds() < self._timer_at:
            self._set_timer()

    def drop(self, source_id: str) -> None:
        """Nothing; the source is polled no more. A poll that runs is not disturbed."""
        self._due.pop(source_id, None)

    def start(self) -> None:
        """Nothing; what is due runs from now on."""
        self._set_timer()

    def stop(self) -> None:
        """Nothing; nothing runs from now on, and polls that do are abandoned."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self._running.values():
            task.cancel()

    def _set_timer(self) -> None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        now, longest = self._now(), LONGEST_WAIT.total_seconds()
        wait = min(max(self._heap[0][0] - now, 0) + TOGETHER.total_seconds(), longest) if self._heap else longest
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = now + wait
        self._timer = asyncio.get_running_loop().call_later(wait, self._run_due)

    def _run_due(self) -> None:
        now = self._now()
        while self._heap and self._heap[0][0] <= now:
            at, source_id = heapq.heappop(self._heap)
            if self._due.get(source_id) != at:
                continue
            del self._due[source_id]
            if source_id in self._running:
                self._again.add(source_id)
            else:
                self._running[source_id] = asyncio.create_task(self._run(source_id))
        self._set_timer()

    async def _run(self, source_id: str) -> None:
        try:
            await self._poll(source_id)
        finally:
            del self._running[source_id]
        if source_id in self._again:
            self._again.remove(source_id)
            if source_id in self._due:
                self.plan(source_id, timedelta(0))
