"""The first half of a drill: an article of our own through fetch, feed, page, rule and event, by the real code.

It happens in a store in memory that is thrown away, so that the exercise is no event among the real ones, in no file
for other systems, and the past of no rule. What comes out is the alert that the second half sends.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from watcher.errors import WatcherError
from watcher.fetch import Fetcher
from watcher.health import is_failure
from watcher.ingest import Ingest
from watcher.model import Alert, AlertKind, Extraction, Severity, Source
from watcher.routing import derived_id
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.store import Store
from watcher.understand.gazetteer import Gazetteer
from watcher.workers import Workers

RULE = Path(__file__).with_name("rule.yaml")
_TEXT = (
    "This is an exercise of watcher, number {number}. Nothing of it has happened, and nobody has to do anything but to "
    "see that it arrived.",
    "It was read from a feed on the machine that watches the news, like any other article: the feed was fetched, the "
    "page behind its link was read, a rule held on its words, and an event was opened.",
    "Who gets this message gets real alerts, too, over the same way.",
)


class DrillError(WatcherError):
    """A stage did not do what it must; the text names it."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the stages made of the exercise."""

    alert: Alert  # of kind exercise
    seconds: float  # wall time from the first request to the alert


async def rehearse(fetcher_settings: dict[str, Any], clock: Callable[[], datetime]) -> Rehearsal:
    """The exercise alert, from a feed that this process serves on loopback; raises DrillError.

    ``fetcher_settings`` are those that real sources are fetched with; that private addresses may be is added to them.
    """
    now = clock()
    number = derived_id("exercise", now.isoformat(), str(random.getrandbits(64)))[:4]
    rule_set = load_rules([RULE])
    gazetteer = Gazetteer.load()
    book = RuleBook.of(rule_set, compile_rules(rule_set, gazetteer), gazetteer.names(), ())
    workers = Workers(1)
    try:
        with Store.open(None, exclusive=True) as store:
            async with (
                _feed(number, now) as url,
                Fetcher(**{**fetcher_settings, "allow_private_networks": True}, clock=clock) as fetcher,
            ):
                source = Source("exercise", url, publisher="watcher", language="en")
                began = time.monotonic()
                ingest = Ingest(store, fetcher, workers, clock, lambda: None, lambda: 0.0)
                poll = await ingest.poll(source, book)
                seconds = time.monotonic() - began
            if is_failure(poll.reason):
                raise DrillError(f"the exercise's feed could not be read: {poll.reason.value}: {poll.detail}")
            if poll.new != 1:
                raise DrillError(f"the exercise's article was not read ({poll.quarantined} quarantined)")
            if not poll.alerts:
                raise DrillError("the exercise's rule did not hold on its article")
            if poll.alerts[0].extraction is not Extraction.FULL:
                raise DrillError("the page of the exercise could not be read")
            return Rehearsal(_as_exercise(poll.alerts[0], number, now), seconds)
    finally:
        workers.close()


def _as_exercise(alert: Alert, number: str, now: datetime) -> Alert:
    """The alert as people get it: marked, about no event, with no links to a feed that is gone."""
    return replace(
        alert,
        id=derived_id("exercise", number, now.isoformat()),
        kind=AlertKind.EXERCISE,
        event_id=None,
        severity=Severity.WATCH,
        headline=f"Exercise {number}: nothing has happened",
        rule_id=None,
        reports=tuple(replace(report, url=None) for report in alert.reports),
    )


@asynccontextmanager
async def _feed(number: str, now: datetime) -> AsyncIterator[str]:
    """The address of a feed on loopback with one item, whose page has the text."""
    title = f"This is an exercise of watcher, number {number}"
    paragraphs = "".join(f"<p>{text.format(number=number)}</p>" for text in _TEXT)

    async def feed(request: web.Request) -> web.Response:
        link = f"http://{request.host}/exercise/{number}"
        return web.Response(
            text=f'<?xml version="1.0"?><rss version="2.0"><channel><title>Exercise</title><link>{link}</link><item>'
            f'<title>{title}</title><link>{link}</link><guid isPermaLink="false">exercise-{number}</guid>'
            f"<description>Nothing has happened.</description><pubDate>{format_datetime(now)}</pubDate></item>"
            "</channel></rss>",
            content_type="application/rss+xml",
        )

    async def page(_request: web.Request) -> web.Response:
        return web.Response(
            text=f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{paragraphs}</article></body></html>",
            content_type="text/html",
        )

    app = web.Application()
    app.router.add_get("/feed.xml", feed)
    app.router.add_get("/exercise/{number}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/feed.xml"
    finally:
        await runner.cleanup()
