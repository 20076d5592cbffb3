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
from typing import NamedTuple

# A poll may wait for others for this part of its delay, at most so long: hundreds that begin together share the
# wake-ups of the loop and what the processor remembers, and take half the time of one by one (benchmarks/polling).
LATE_SHARE = 0.1
LATEST = timedelta(seconds=5)
# A machine that was asleep notices within this; its timers stand still while it sleeps.
LONGEST_WAIT = timedelta(minutes=1)


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


def seconds_awake_or_asleep() -> float:
    """Seconds since some moment, sleep of the machine included where the system counts it; never set back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class _Plan(NamedTuple):
    """A poll to come; seconds as ``now`` of the agenda counts them."""

    latest: float
    at: float
    source_id: str


class Agenda:
    """Runs ``poll`` for each source when it is due; never twice at once for the same source.

    ``poll`` plans the source's next poll, and raises nothing.
    """

    def __init__(
        self, poll: Callable[[str], Awaitable[None]], now: Callable[[], float] = seconds_awake_or_asleep
    ) -> None:
        self._poll = poll
        self._now = now
        self._planned: dict[str, _Plan] = {}
        self._heap: list[_Plan] = []  # also what was planned anew or dropped since
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()  # came due while they ran: their settings have changed
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._ended_at = 0.0  # when a poll last ended, or the first of those that run began

    def plan(self, source_id: str, delay: timedelta) -> None:
        """Nothing; the source is polled after that delay, or a little later, whatever was planned before."""
        seconds = max(delay.total_seconds(), 0)
        at = self._now() + seconds
        plan = _Plan(at + min(LATE_SHARE * seconds, LATEST.total_seconds()), at, source_id)
        self._planned[source_id] = plan
        heapq.heappush(self._heap, plan)
        if self._timer is not None and plan.latest < self._timer_at:
            self._set_timer()

    def drop(self, source_id: str) -> None:
        """Nothing; the source is polled no more. A poll that runs is not disturbed."""
        self._planned.pop(source_id, None)

    def late_by(self) -> float:
        """Seconds since the first poll that should have begun, and did not, should have; 0 where none should."""
        if not self._planned:
            return 0.0
        return max(self._now() - min(plan.latest for plan in self._planned.values()), 0.0)

    def stuck_for(self) -> float:
        """Seconds since a poll ended, where polls are under way; 0 where none is."""
        return self._now() - self._ended_at if self._running else 0.0

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
        while self._heap and self._planned.get(self._heap[0].source_id) is not self._heap[0]:
            heapq.heappop(self._heap)
        now, longest = self._now(), LONGEST_WAIT.total_seconds()
        wait = min(max(self._heap[0].latest - now, 0), longest) if self._heap else longest
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = now + wait
        self._timer = asyncio.get_running_loop().call_later(wait, self._run_due)

    def _run_due(self) -> None:
        now = self._now()
        not_yet = []
        while self._heap and self._heap[0].latest <= now + LATEST.total_seconds():
            plan = heapq.heappop(self._heap)
            if self._planned.get(plan.source_id) is not plan:
                continue
            if plan.at > now:
                not_yet.append(plan)
                continue
            del self._planned[plan.source_id]
            if plan.source_id in self._running:
                self._again.add(plan.source_id)
            else:
                if not self._running:
                    self._ended_at = now
                self._running[plan.source_id] = asyncio.create_task(self._run(plan.source_id))
        for plan in not_yet:
            heapq.heappush(self._heap, plan)
        self._set_timer()

    async def _run(self, source_id: str) -> None:
        try:
            await self._poll(source_id)
        finally:
            del self._running[source_id]
            self._ended_at = self._now()
        if source_id in self._again:
            self._again.remove(source_id)
            if source_id in self._planned:
                self.plan(source_id, timedelta(0))
