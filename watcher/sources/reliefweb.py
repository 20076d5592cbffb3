"""ReliefWeb's reports: what aid organisations and authorities publish, each under the name of its own publisher.

The form of the answer and the limits are those of its documentation (apidoc.reliefweb.int): `fields` chooses what is
sent, `limit` and `offset` page, at most a thousand calls a day, only for names of programs that ReliefWeb approved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from watcher.fetch import Fetcher
from watcher.model import Bookmark, FeedEntry, Fetched, FetchFailed, FetchReason, FetchTarget, Source
from watcher.sources.base import Harvest
from watcher.web.markup import plain_text, tidy_line
from watcher.web.published import believable, parse_date
from watcher.web.urls import absolute_url
from watcher.workers import Workers

_PER_PAGE = 20  # a report may have a hundred kilobytes, and all of a page has to stay within [http] max_bytes
_PAGES = 50  # of one reading: a thousand reports, what ReliefWeb publishes in some days
_FIELDS = ("title", "body-html", "url", "url_alias", "date.created", "date.original", "source", "language.code")
# Editors fill in what belongs to a report after it has been created, and what they publish late is dated back.
_OVERLAP = timedelta(hours=6)
_MAX_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class ReliefWebReader:
    """Reads searches for reports; the address is that of the search, with ``appname`` and what it filters by."""

    fetcher: Fetcher
    workers: Workers
    clock: Callable[[], datetime]

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """The reports that were created since the newest known one; at first, those of the time to catch up with."""
        now = self.clock()
        newest = parse_date(bookmark.cursor) if bookmark.cursor else None
        since = newest - _OVERLAP if newest else now - source.catch_up
        entries: list[FeedEntry] = []
        latest = newest
        detail = ""
        for page in range(_PAGES):
            outcome = await self.fetcher.fetch(FetchTarget(_address(source.url, page * _PER_PAGE)))
            if isinstance(outcome, FetchFailed):
                return _refused(outcome) if outcome.status in (401, 403) else Harvest.failed(outcome)
            if not isinstance(outcome, Fetched):
                return Harvest(FetchReason.NOT_MODIFIED)
            found = await self.workers.compute(read_answer, outcome.body, source_id=source.id, now=now)
            if isinstance(found, str):
                return Harvest(FetchReason.NOT_A_FEED, found)
            created = [one for one, _ in found if one is not None]
            latest = max([*created, *([latest] if latest else [])], default=None)
            entries += [entry for one, entry in found if one is None or one >= since]
            if len(found) < _PER_PAGE or any(one < since for one in created):
                break
        else:
            detail = f"more than {_PER_PAGE * _PAGES} new reports; the oldest are left out"
        return Harvest(
            FetchReason.OK,
            detail,
            entries=tuple(entries),
            is_whole=True,
            bookmark=Bookmark(cursor=latest.isoformat() if latest else None),
        )


def read_answer(body: bytes, *, source_id: str, now: datetime) -> tuple[tuple[datetime | None, FeedEntry], ...] | str:
    """Each report of an answer with the time of its creation, or why it is none."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "the answer is not valid json"
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        error = answer.get("error") if isinstance(answer, dict) else None
        said = error.get("message") if isinstance(error, dict) else error
        return tidy_line(str(said))[:200] if said else "json, but no list of reports"
    found = (_report(item, source_id, now) for item in listed if isinstance(item, dict))
    return tuple(one for one in found if one)


def _report(item: Mapping[str, Any], source_id: str, now: datetime) -> tuple[datetime | None, FeedEntry] | None:
    fields = item.get("fields")
    if not isinstance(fields, dict) or not isinstance(fields.get("title"), str):
        return None
    stated = fields.get("url_alias") or fields.get("url")
    dates = fields.get("date")
    created = _date(dates, "created", now)
    text = plain_text(str(fields.get("body-html") or fields.get("body") or ""))[:_MAX_CHARS]
    number = item.get("id")
    entry = FeedEntry(
        source_id=source_id,
        guid=str(number) if isinstance(number, str | int) else None,
        url=absolute_url(stated, stated) if isinstance(stated, str) else None,
        title=tidy_line(plain_text(fields["title"]))[:1_000],
        summary=text,
        is_full_text=bool(text),
        # A report may have been published elsewhere long before ReliefWeb has it: its own date says how old it is.
        published_at=_date(dates, "original", now) or created,
        publisher=_first(fields.get("source"), "shortname") or _first(fields.get("source"), "name"),
        language=_first(fields.get("language"), "code"),
    )
    return created, entry


def _date(dates: object, key: str, now: datetime) -> datetime | None:
    stated = dates.get(key) if isinstance(dates, dict) else None
    return believable(parse_date(stated), now) if isinstance(stated, str) else None


def _first(listed: object, key: str) -> str | None:
    """What the first of a list of objects has under the key."""
    first = listed[0] if isinstance(listed, list) and listed else None
    value = first.get(key) if isinstance(first, dict) else None
    return tidy_line(value)[:200] or None if isinstance(value, str) else None


def _refused(outcome: FetchFailed) -> Harvest:
    hint = "ReliefWeb answers only names of programs that it approved, see `appname` in apidoc.reliefweb.int"
    return Harvest(outcome.reason, f"{outcome.detail}; {hint}", retry_after=outcome.retry_after)


def _address(url: str, offset: int) -> str:
    """The search with our own fields, order and page."""
    parts = urlsplit(url)
    asked = [
        (key, value)
        for key, value in parse_qsl(parts.query)
        if not key.startswith(("fields[", "sort")) and key not in ("limit", "offset", "preset", "profile")
    ]
    ours = [("fields[include][]", name) for name in _FIELDS]
    ours += [("sort[]", "date.created:desc"), ("limit", str(_PER_PAGE)), ("offset", str(offset))]
    return urlunsplit(parts._replace(query=urlencode([*asked, *ours])))
