"""The daemon's own jobs: each again and again after its interval, never twice at once, also when the clock is set.

APScheduler plans by the wall clock. Where that is set back by an hour, nothing would run for an hour; where it is set
forward, an hour would seem to have passed. So the clock is compared with one that nobody sets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=10)  # whether the clock was set
# A time service slews small errors, by half a thousandth at most (adjtime(3)); what is more than this was set.
JUMP = timedelta(seconds=5)


class Jobs:
    """Runs jobs by name; ``on_error`` and ``on_done`` hear how each run ended, ``on_clock_set`` by how much."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        steady: Callable[[], float],
        *,
        on_error: Callable[[str, BaseException], None],
        on_done: Callable[[str], None],
        on_clock_set: Callable[[timedelta], None],
    ) -> None:
        self._clock = clock
        self._steady = steady  # seconds that pass for everybody, sleep of the machine included
        self._on_error = on_error
        self._on_done = on_done
        self._on_clock_set = on_clock_set
        self._ahead = self._how_far_ahead()
        self._look: asyncio.TimerHandle | None = None
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            # The defaults skip a run that is a second late, without a word (elastalert2 #187, apscheduler #146).
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(lambda event: on_done(event.job_id), EVENT_JOB_EXECUTED)

    def every(self, interval: timedelta, job: Callable[[], Awaitable[None]], name: str) -> None:
        """Nothing; the job runs after each interval once started."""
        self._scheduler.add_job(job, "interval", seconds=interval.total_seconds(), id=name)

    def start(self) -> None:
        """Nothing; jobs run from now on."""
        self._scheduler.start()
        self._ahead = self._how_far_ahead()
        self._plan_look()

    def stop(self) -> None:
        """Nothing; no job begins from now on, and one that is abandoned is no failed one."""
        self._scheduler.remove_listener(self._failed)
        self._scheduler.shutdown(wait=False)
        if self._look is not None:
            self._look.cancel()

    def look_at_clock(self) -> None:
        """Nothing; where the clock was set since the last look, jobs are planned anew, and ``on_clock_set`` hears."""
        ahead = self._how_far_ahead()
        jump = timedelta(seconds=ahead - self._ahead)
        self._ahead = ahead
        if abs(jump) < JUMP:
            return
        log.warning("clock_was_set", seconds=round(jump.total_seconds(), 1))
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=now + job.trigger.interval)
        self._on_clock_set(jump)

    def _how_far_ahead(self) -> float:
        return self._clock().timestamp() - self._steady()

    def _plan_look(self) -> None:
        self._look = asyncio.get_running_loop().call_later(LOOK_EVERY.total_seconds(), self._look_again)

    def _look_again(self) -> None:
        self._plan_look()
        self.look_at_clock()

    def _failed(self, event: JobExecutionEvent | JobSubmissionEvent) -> None:
        if event.code != EVENT_JOB_ERROR:
            log.warning("job_late", job_id=event.job_id, missed=event.code == EVENT_JOB_MISSED)
            return
        self._on_error(event.job_id, event.exception)
