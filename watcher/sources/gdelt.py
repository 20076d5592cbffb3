"""GDELT's document search: links of the world's news sites, each of a newsroom of its own.

The answer and its limits are as in GDELT's announcement of the DOC 2.0 API (blog.gdeltproject.org): a list of at most
250 articles without paging, so that the rest is asked for by time; one request in five seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from babel import Locale

from watcher.fetch import Fetcher
from watcher.model import Bookmark, FeedEntry, Fetched, FetchFailed, FetchReason, FetchTarget, Source
from watcher.sources.base import Harvest
from watcher.web.markup import plain_text, tidy_line
from watcher.web.published import believable
from watcher.web.urls import absolute_url
from watcher.workers import Workers

_MOST = 250  # articles in one answer
_PAGES = 8  # of one reading; what is newer waits for the next one
_BETWEEN_REQUESTS = timedelta(seconds=5)
# GDELT goes through the world's news every fifteen minutes, and not in the order in which it dates what it finds.
_SLOT = timedelta(minutes=15)
_OVERLAP = 4 * _SLOT
_TIME = "%Y%m%d%H%M%S"
_SEEN = re.compile(r"(\d{8})T?(\d{6})Z?")
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')  # titles come with the backslashes of their page
_SPACE_BEFORE = re.compile(r"\s+([,;:.!?%)\]»”’])")  # the titles are taken apart into words
_SPACE_AFTER = re.compile(r"([(\[«“])\s+")


@dataclass(slots=True)
class Pace:
    """One request in a while, whoever asks."""

    interval: timedelta
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next_at: datetime | None = None

    async def wait(self) -> None:
        """Nothing, when it is the caller's turn."""
        now = self.clock()
        turn = max(now, self._next_at or now)
        self._next_at = turn + self.interval
        if turn > now:
            await self.sleep((turn - now).total_seconds())


@dataclass(slots=True)
class GdeltReader:
    """Reads searches; the address is that of the search, of which only ``query`` has to be there."""

    fetcher: Fetcher
    workers: Workers
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(_BETWEEN_REQUESTS, self.clock, self.sleep)

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """The articles that GDELT saw since the newest known one; at first, those of the time to catch up with."""
        now = self.clock()
        newest = _read_time(bookmark.cursor)
        since = newest - _OVERLAP if newest else now - source.catch_up
        entries: dict[str, FeedEntry] = {}
        detail = ""
        has_more = False
        for page in range(_PAGES):
            await self._pace.wait()
            outcome = await self.fetcher.fetch(FetchTarget(_address(source.url, since, now)))
            if isinstance(outcome, FetchFailed):
                return Harvest.failed(outcome)
            if not isinstance(outcome, Fetched):
                return Harvest(FetchReason.NOT_MODIFIED)
            found = await self.workers.compute(read_answer, outcome.body, source_id=source.id, now=now)
            if isinstance(found, str):
                return Harvest(FetchReason.NOT_A_FEED, found)
            entries |= {entry.url: entry for entry in found if entry.url}
            times = [entry.published_at for entry in found if entry.published_at]
            newest = max([*times, *([newest] if newest else [])], default=None)
            if len(found) < _MOST or not times:
                break
            if max(times) <= since:  # more at one moment than an answer holds
                detail = f"more than {_MOST} articles within {_SLOT}; narrow the search"
                since += _SLOT
            else:
                since = max(times)
            has_more = page == _PAGES - 1
        return Harvest(
            FetchReason.OK,
            detail,
            entries=tuple(entries.values()),
            is_whole=True,
            bookmark=Bookmark(cursor=newest.strftime(_TIME) if newest else None),
            has_more=has_more,
        )


def read_answer(body: bytes, *, source_id: str, now: datetime) -> tuple[FeedEntry, ...] | str:
    """The articles of an answer, or what GDELT says instead, in its own words."""
    text = body.decode("utf-8", "replace").strip().lstrip("\ufeff")
    if not text.startswith(("{", "[")):
        # Its complaints ("Your query was too short or too long.") come as plain text with status 200.
        return tidy_line(plain_text(text))[:200] or "no answer"
    try:
        answer = json.loads(_BAD_ESCAPE.sub(r"\\\\", text), strict=False)
    except (ValueError, RecursionError):
        return "the answer is not valid json"
    # An answer without any article is an empty object.
    listed = answer.get("articles", []) if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return "json, but no list of articles"
    entries = (_entry(article, source_id, now) for article in listed if isinstance(article, dict))
    return tuple(entry for entry in entries if entry)


def _entry(article: Mapping[str, Any], source_id: str, now: datetime) -> FeedEntry | None:
    stated = article.get("url")
    url = absolute_url(stated, stated) if isinstance(stated, str) else None
    if url is None:
        return None
    domain = str(article.get("domain") or urlsplit(url).hostname or "").lower()
    return FeedEntry(
        source_id=source_id,
        guid=None,
        url=url,
        title=_title(str(article.get("title") or "")),
        summary="",
        is_full_text=False,
        published_at=believable(_read_time(article.get("seendate")), now),
        publisher=domain.removeprefix("www.") or None,
        language=_languages().get(str(article.get("language") or "").lower()),
    )


def _title(title: str) -> str:
    return _SPACE_AFTER.sub(r"\1", _SPACE_BEFORE.sub(r"\1", tidy_line(plain_text(title))))[:1_000]


def _address(url: str, since: datetime, until: datetime) -> str:
    """The search for articles seen between the two times, the oldest first: the next request goes on from the last."""
    parts = urlsplit(url)
    ours = {
        "mode": "artlist",
        "format": "json",
        "sort": "dateasc",
        "maxrecords": str(_MOST),
        "startdatetime": since.strftime(_TIME),
        "enddatetime": until.strftime(_TIME),
    }
    asked = [(key, value) for key, value in parse_qsl(parts.query) if key.lower() not in {*ours, "timespan"}]
    return urlunsplit(parts._replace(query=urlencode([*asked, *ours.items()])))


def _read_time(text: object) -> datetime | None:
    found = _SEEN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        return datetime.strptime(found[1] + found[2], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


@cache
def _languages() -> Mapping[str, str]:
    """The two-letter code of a language by its English name, lower case."""
    return {name.lower(): code for code, name in Locale("en").languages.items() if len(code) == 2}
