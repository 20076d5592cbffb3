"""One life of the daemon on a clock that skips idling, with what is measured of it; a process of its own.

Everything is the real daemon, put together as ``watcher run`` does it, but for the clock, also APScheduler's, and that
a fetch and a send take some hundred milliseconds more, as on a network.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import resource
import signal
import time
from collections import Counter
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.soak.clock import Clock, SharedSeconds, SkippingLoop

SETTLING = 600.0  # seconds; the first polls, of a thousand sources at once, are counted apart
FETCH_MEDIAN, FETCH_SPREAD, FETCH_MOST = 0.25, 0.7, 10.0  # seconds; of a log-normal distribution
SEND_TAKES = 0.3  # seconds
HANGS_FOR = 60.0  # seconds; longer than the daemon waits
SAMPLE_EVERY = 3600.0
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
BUCKETS = 100  # a second


class Measured:
    """What was counted; bounded, for it lies in the memory that is measured."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.clock = clock
        self.folder = folder
        self.began = clock.seconds()
        self.polls = 0
        self.late: Counter[int] = Counter()  # hundredths of a second after the latest moment that was planned
        self.late_at_first: Counter[int] = Counter()
        self.asked: Counter[int] = Counter()  # hundredths of a second from the planned moment to the request
        self.latest: tuple[float, float, str] = (0.0, 0.0, "")  # by how much, when, who
        self.lag: Counter[int] = Counter()  # hundredths of a second that a timer came late
        self.planned: dict[str, float] = {}  # when polls that wait for their request were planned
        self.fetches = 0
        self.sends = 0

    def poll_began(self, source_id: str, at: float, latest: float) -> None:
        now = self.clock.seconds()
        late = max(now - latest, 0.0)
        self.polls += 1
        is_first = now < self.began + SETTLING
        (self.late_at_first if is_first else self.late)[int(late * BUCKETS)] += 1
        if not is_first:
            self.planned[source_id] = at
            self.latest = max(self.latest, (late, now, source_id))

    async def sample(self) -> None:
        """Never returns: writes a line each hour, and how late timers are each minute into ``lag``."""
        due = self.clock.seconds()
        while True:
            at = self.clock.seconds()
            if at >= due:
                self._write()
                due = (at // SAMPLE_EVERY + 1) * SAMPLE_EVERY
            wait = min(60.0, due - at)
            await asyncio.sleep(wait)
            self.lag[int((self.clock.seconds() - at - wait) * BUCKETS)] += 1

    def _write(self) -> None:
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_SIZE
        store = self.folder / "watcher.db"
        line = {
            "at": self.clock.seconds(),
            "rss": resident,
            "db": store.stat().st_size,
            "wal": wal.stat().st_size if (wal := store.with_name("watcher.db-wal")).exists() else 0,
            "cpu": time.process_time(),
            "real": time.monotonic(),
            "polls": self.polls,
            "sends": self.sends,
        }
        with (self.folder / "samples.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def finish(self) -> None:
        self._write()
        with (self.folder / "lives.jsonl").open("a") as file:
            file.write(
                json.dumps(
                    {
                        "began": self.began,
                        "ended": self.clock.seconds(),
                        "polls": self.polls,
                        "fetches": self.fetches,
                        "sends": self.sends,
                        "late": self.late,
                        "late_at_first": self.late_at_first,
                        "asked": self.asked,
                        "latest": self.latest,
                        "lag": self.lag,
                        "cpu": time.process_time(),
                        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                    }
                )
                + "\n"
            )


def _datetime_on(clock: Clock) -> type[datetime]:
    class Now(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.now().astimezone(tz)

    return Now


async def _stop_at(clock: Clock, at: float) -> None:
    await asyncio.sleep(at - clock.seconds())
    os.kill(os.getpid(), signal.SIGTERM)


async def _live(daemon: Any, measured: Measured, until: float) -> None:
    sampling = asyncio.create_task(measured.sample())
    stopping = asyncio.create_task(_stop_at(measured.clock, until))
    await daemon.run()
    measured.finish()
    for task in (sampling, stopping):
        task.cancel()


def live(folder: Path, begin: float, until: float) -> None:
    """Nothing; the daemon of the folder ran from ``begin`` to ``until``, seconds since START."""
    gc.disable()  # as `watcher run` does until everything is loaded
    from watcher import daemon as composition
    from watcher.agenda import Agenda
    from watcher.cli.common import load_all
    from watcher.cli.service import _allow_open_files
    from watcher.fetch import Fetcher
    from watcher.log import configure_logging
    from watcher.model import Channel
    from watcher.notify.telegram import TelegramNotifier
    from watcher.store import Store

    clock = Clock(SharedSeconds(folder / "seconds"), begin)
    clock.share()
    rng = random.Random(begin)
    hanging: dict[str, tuple[float, float]] = json.loads((folder / "hanging.json").read_text())

    class DistantFetcher(Fetcher):
        async def _follow(self, url: Any, target: Any) -> Any:
            measured.fetches += 1
            source_id = url.path[1:].removesuffix(".xml")
            span = hanging.get(source_id)
            if (planned := measured.planned.pop(source_id, None)) is not None:
                measured.asked[int((clock.seconds() - planned) * BUCKETS)] += 1
            hangs = span is not None and span[0] <= clock.seconds() < span[1]
            takes = min(FETCH_MEDIAN * rng.lognormvariate(0, FETCH_SPREAD), FETCH_MOST)
            await asyncio.sleep(HANGS_FOR if hangs else takes)
            with clock.under_way():
                clock.share()
                return await super()._follow(url, target)

    class DistantTelegram(TelegramNotifier):
        async def send(self, message: Any) -> Any:
            measured.sends += 1
            await asyncio.sleep(SEND_TAKES)
            with clock.under_way():
                return await super().send(message)

        async def edit(self, edit: Any) -> Any:
            await asyncio.sleep(SEND_TAKES)
            with clock.under_way():
                return await super().edit(edit)

    class WatchedAgenda(Agenda):
        def __init__(self, poll: Any, now: Any) -> None:
            async def watched(source_id: str) -> None:
                measured.poll_began(source_id, *self._due.pop(source_id))
                await poll(source_id)

            super().__init__(watched, now)
            self._due: dict[str, tuple[float, float]] = {}

        def plan(self, source_id: str, delay: timedelta) -> None:
            super().plan(source_id, delay)
            plan = self._planned[source_id]
            self._due[source_id] = plan.at, plan.latest

    def make_notifiers(settings: Any, store: Any) -> Any:
        notifiers = composition.make_notifiers(settings, store)
        telegram = settings.telegram
        notifiers[Channel.TELEGRAM] = DistantTelegram(
            telegram.token.get_secret_value(), telegram.base_url, monotonic=clock.seconds
        )
        return notifiers

    config = folder / "watcher.toml"
    _allow_open_files()
    settings, book = load_all(config)
    gc.freeze()
    gc.enable()
    configure_logging(settings.log, secrets=settings.secrets)
    measured = Measured(clock, folder)
    now = _datetime_on(clock)
    with (
        mock.patch("apscheduler.schedulers.base.datetime", now),
        mock.patch("apscheduler.triggers.interval.datetime", now),
        mock.patch("apscheduler.executors.base.datetime", now),
        mock.patch.object(composition, "Agenda", WatchedAgenda),
        mock.patch.object(composition, "Fetcher", DistantFetcher),
        Store.open(settings.store.path, exclusive=True) as store,
        asyncio.Runner(loop_factory=lambda: SkippingLoop(clock)) as runner,
    ):
        daemon = composition.Daemon(
            settings,
            book,
            store,
            lambda: load_all(config),
            make_notifiers,
            clock=clock.now,
            steady=clock.seconds,
            config=config,
        )
        runner.run(_live(daemon, measured, until))
