"""A press of thousands of feeds on loopback, each on a host of its own, that also fail in the ways that feeds fail."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from types import TracebackType
from typing import Self

from aiohttp import web

FEED_BYTES = 20_000
ITEMS = 22
SLOW_ANSWER = 5.0  # seconds; a quarter of what the daemon waits
LONG_AGO = datetime.now(UTC) - timedelta(days=30)  # before the catch-up of a first poll: known, never read


class Fault(StrEnum):
    """How a feed misbehaves."""

    NONE = "healthy"
    SLOW = "slow"
    FAILING = "failing"  # answers 500
    MALFORMED = "malformed"  # a page instead of a feed
    TRUNCATED = "truncated"  # the connection ends before the body


@dataclass(slots=True)
class Feed:
    """One feed; its items are numbered from its first day on."""

    number: int
    fault: Fault = Fault.NONE
    published: int = 0  # items since the press opened
    polled_at: list[float] = field(default_factory=list)
    unchanged: int = 0  # answers 304

    @property
    def name(self) -> str:
        return f"feed{self.number:05}"

    @property
    def host(self) -> str:
        return f"127.1.{self.number // 250}.{self.number % 250 + 1}"

    def guids(self) -> set[str]:
        """Of everything that it published since the press opened."""
        return {f"{self.name}-{ITEMS + number}" for number in range(self.published)}


class Press:
    """Serves ``feeds`` feeds on every address of 127.0.0.0/8; as an async context manager."""

    def __init__(self, feeds: int, *, one_host: bool = False, faults: float = 0) -> None:
        """A share of ``faults`` of the feeds has each of the faults. ``one_host``: all of them on 127.0.0.1."""
        self._rng = random.Random(5)
        self._one_host = one_host
        letters = "aeioubcdfglmnprstv"
        words = ["".join(self._rng.choices(letters, k=self._rng.randint(3, 9))) for _ in range(4000)]
        self._texts = [" ".join(self._sentence(words) for _ in range(8)) for _ in range(500)]
        self.feeds = [Feed(number) for number in range(feeds)]
        ill = self._rng.sample(self.feeds, round(faults * feeds) * 4)
        for index, feed in enumerate(ill):
            feed.fault = list(Fault)[1 + index % 4]
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.by_fault = defaultdict(list)
        for feed in self.feeds:
            self.by_fault[feed.fault].append(feed)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{name}.xml", self._answer)
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=600)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1" if self._one_host else "0.0.0.0", 0, backlog=2000).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def _sentence(self, words: list[str]) -> str:
        return " ".join(self._rng.choices(words, k=self._rng.randint(8, 18))).capitalize() + "."

    def url(self, feed: Feed) -> str:
        return f"http://{'127.0.0.1' if self._one_host else feed.host}:{self.port}/{feed.name}.xml"

    def publish(self, count: int) -> None:
        """Nothing; so many healthy feeds have one item more."""
        for feed in self._rng.sample(self.by_fault[Fault.NONE], count):
            feed.published += 1

    def body(self, feed: Feed) -> bytes:
        """An RSS feed of about FEED_BYTES with its newest items."""
        newest = ITEMS + feed.published
        items = "".join(self._item(feed, number) for number in range(newest - 1, newest - 1 - ITEMS, -1))
        return (
            f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{feed.name}</title>'
            f"<link>http://127.0.0.1/</link><description>A feed.</description>{items}</channel></rss>"
        ).encode()

    def _item(self, feed: Feed, number: int) -> str:
        text = self._texts[(feed.number * 31 + number) % len(self._texts)]
        at = LONG_AGO + timedelta(minutes=number) if number < ITEMS else datetime.now(UTC) - timedelta(minutes=1)
        return (
            f"<item><title>{text[:60].strip()} {feed.number} {number}</title>"
            f"<link>http://{feed.host}/{feed.name}/{number}</link>"
            f'<guid isPermaLink="false">{feed.name}-{number}</guid><pubDate>{format_datetime(at)}</pubDate>'
            f"<description>{text}</description></item>"
        )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        feed = self.feeds[int(request.match_info["name"].removeprefix("feed"))]
        feed.polled_at.append(time.monotonic())
        match feed.fault:
            case Fault.SLOW:
                await asyncio.sleep(SLOW_ANSWER)
            case Fault.FAILING:
                return web.Response(status=500)
            case Fault.MALFORMED:
                return web.Response(text="<html><head><title>Oops</title></head></html>", content_type="text/html")
            case Fault.TRUNCATED:
                whole = web.StreamResponse(headers={"Content-Length": str(FEED_BYTES)})
                await whole.prepare(request)
                await whole.write(self.body(feed)[: FEED_BYTES // 2])
                assert request.transport is not None
                request.transport.close()
                return whole
        tag = f'"{feed.name}-{feed.published}"'
        if request.headers.get("If-None-Match") == tag:
            feed.unchanged += 1
            return web.Response(status=304, headers={"ETag": tag})
        headers = {"ETag": tag, "Last-Modified": format_datetime(LONG_AGO, usegmt=True)}
        return web.Response(body=self.body(feed), content_type="application/rss+xml", headers=headers)
