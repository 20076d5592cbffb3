"""GDELT and ReliefWeb: their answers as documented and as seen in the wild, over HTTP.

The shape of GDELT's answers (one object with `articles`, times like 20260302T101500Z, languages by their English name,
complaints as plain text with status 200, backslashes that are no JSON) is that of its DOC 2.0 API; ReliefWeb's that of
its documentation of version 2 (`data`, each with `id` and `fields`; refusals as an object `error`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from tests.servers import NewsServer, Page
from watcher.fetch import Fetcher
from watcher.model import Bookmark, FetchReason, Source, SourceKind
from watcher.sources.gdelt import GdeltReader
from watcher.sources.gdelt import read_answer as read_gdelt
from watcher.sources.reliefweb import ReliefWebReader
from watcher.sources.reliefweb import read_answer as read_reliefweb
from watcher.workers import Workers

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """The present, which sleeping moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server() -> AsyncIterator[NewsServer]:
    async with NewsServer() as running:
        yield running


@pytest.fixture
async def fetcher(clock: Clock) -> AsyncIterator[Fetcher]:
    async with Fetcher(
        user_agent="test",
        timeout=timedelta(seconds=10),
        max_bytes=1_000_000,
        concurrency=4,
        per_host=2,
        allow_private_networks=True,
        clock=clock,
    ) as running:
        yield running


@pytest.fixture
def workers() -> Iterator[Workers]:
    running = Workers(1)
    yield running
    running.close()


def gdelt_article(number: int, seen_at: datetime, **values: object) -> dict[str, object]:
    return {
        "url": f"https://www.courier{number % 7}.example/news/{number}",
        "url_mobile": "",
        "title": f"Shots at the border , report {number}",
        "seendate": f"{seen_at:%Y%m%dT%H%M%SZ}",
        "socialimage": "https://courier.example/p.jpg",
        "domain": f"courier{number % 7}.example",
        "language": "Spanish",
        "sourcecountry": "Mexico",
        **values,
    }


class Gdelt:
    """Answers searches as GDELT does: of what was seen between two times, at most 250, in the order asked for."""

    def __init__(self, articles: list[dict[str, object]]) -> None:
        self.articles = articles
        self.asked: list[dict[str, list[str]]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        query = parse_qs(request.query_string)
        self.asked.append(query)
        start, end = query["startdatetime"][0], query["enddatetime"][0]
        assert query["sort"] == ["dateasc"]
        found = [one for one in self.articles if start <= str(one["seendate"]).replace("T", "").rstrip("Z") <= end]
        found.sort(key=lambda one: str(one["seendate"]))
        return web.json_response({"articles": found[:250]} if found else {})


def search(url: str, kind: SourceKind = SourceKind.GDELT) -> Source:
    return Source("search", url, kind)


async def test_gdelt_articles_are_items_of_their_own_sites(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    api = Gdelt([gdelt_article(1, NOW - timedelta(hours=1)), gdelt_article(2, NOW - timedelta(days=3))])
    url = server.publish("/doc", api) + "?query=%22border%20clash%22%20sourcelang:spanish&timespan=1w&format=html"
    harvest = await GdeltReader(fetcher, workers, clock, clock.sleep).read(search(url), Bookmark())
    assert (harvest.reason, harvest.is_whole, harvest.bookmark) == (
        FetchReason.OK,
        True,
        Bookmark(cursor="20260302110000"),
    )
    (entry,) = harvest.entries
    assert (entry.title, entry.publisher, entry.language) == ("Shots at the border, report 1", "courier1.example", "es")
    assert (entry.url, entry.is_full_text) == ("https://www.courier1.example/news/1", False)
    assert entry.published_at == NOW - timedelta(hours=1)
    (asked,) = api.asked
    assert asked["query"] == ['"border clash" sourcelang:spanish']
    assert (asked["mode"], asked["format"], asked["maxrecords"]) == (["artlist"], ["json"], ["250"])
    assert "timespan" not in asked
    assert asked["startdatetime"] == ["20260301120000"]  # a day: what a first poll catches up with


async def test_gdelt_goes_on_where_the_last_reading_ended(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    api = Gdelt([])
    url = server.publish("/doc", api) + "?query=border"
    harvest = await GdeltReader(fetcher, workers, clock, clock.sleep).read(
        search(url), Bookmark(cursor="20260302060000")
    )
    assert api.asked[0]["startdatetime"] == ["20260302050000"]  # with an hour of overlap
    assert (harvest.reason, harvest.entries, harvest.bookmark) == (
        FetchReason.OK,
        (),
        Bookmark(cursor="20260302060000"),
    )


async def test_gdelt_loses_nothing_of_more_than_an_answer_holds_and_asks_in_its_pace(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    # 3,000 articles of a day: more than eight answers hold, so the second reading goes on at once.
    api = Gdelt([gdelt_article(n, NOW - timedelta(seconds=20 * n)) for n in range(3_000)])
    source = search(server.publish("/doc", api) + "?query=border")
    reader = GdeltReader(fetcher, workers, clock, clock.sleep)
    found: set[str | None] = set()
    bookmark, readings = Bookmark(), 0
    while True:
        harvest = await reader.read(source, bookmark)
        assert harvest.bookmark is not None
        bookmark, readings = harvest.bookmark, readings + 1
        found |= {entry.url for entry in harvest.entries}
        if not harvest.has_more:
            break
    assert len(found) == 3_000
    assert readings == 2
    assert len(clock.slept) == len(api.asked) - 1
    assert all(seconds == pytest.approx(5, abs=0.5) for seconds in clock.slept)


async def test_gdelt_says_where_one_moment_holds_more_than_an_answer(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    slot = NOW - timedelta(hours=2)
    later = gdelt_article(999, NOW - timedelta(hours=1))
    api = Gdelt([*(gdelt_article(n, slot) for n in range(400)), later])
    source = search(server.publish("/doc", api) + "?query=border")
    harvest = await GdeltReader(fetcher, workers, clock, clock.sleep).read(source, Bookmark())
    assert harvest.detail == "more than 250 articles within 0:15:00; narrow the search"
    assert later["url"] in {entry.url for entry in harvest.entries}


GDELT_ANSWERS = {
    "complaint": (b"Your query was too short or too long.\n", "Your query was too short or too long."),
    "html complaint": (b"<html><body><p>Please limit requests</p></body></html>", "Please limit requests"),
    "cut": (b'{"articles": [{"url": "https://a.exa', "the answer is not valid json"),
    "list": (b"[]", "json, but no list of articles"),
    "no list": (b'{"articles": 4}', "json, but no list of articles"),
    "nested": (b'{"a":' * 100_000, "the answer is not valid json"),
}


@pytest.mark.parametrize(("body", "said"), GDELT_ANSWERS.values(), ids=GDELT_ANSWERS)
def test_what_gdelt_says_instead_of_articles_is_told(body: bytes, said: str) -> None:
    assert read_gdelt(body, source_id="search", now=NOW) == said


def test_gdelt_titles_with_backslashes_and_useless_articles() -> None:
    body = rb"""{"articles": [
        {"url": "https://a.example/1", "title": "\"No\" \x27more\x27 : minister\tsays ( again )", "seendate": "soon", "language": "Klingon"},
        {"url": "javascript:alert(1)", "title": "x"}, {"title": "no link"}, 4,
        {"url": "https://b.example/2", "seendate": "20990101T000000Z", "title": null}]}"""
    found = read_gdelt(body, source_id="search", now=NOW)
    assert not isinstance(found, str)
    assert [entry.url for entry in found] == ["https://a.example/1", "https://b.example/2"]
    assert found[0].title == '"No" \\x27more\\x27: minister says (again)'
    assert (found[0].published_at, found[0].language, found[0].publisher) == (None, None, "a.example")
    assert (found[1].published_at, found[1].title) == (None, "")


def report(number: int, created_at: datetime, **fields: object) -> dict[str, object]:
    return {
        "id": str(number),
        "score": 1,
        "href": f"https://api.reliefweb.int/v2/reports/{number}",
        "fields": {
            "title": f"Northland: situation report {number}",
            "body-html": f"<p>Families left the border villages.</p><p>Report {number}.</p>",
            "url": f"https://reliefweb.int/node/{number}",
            "url_alias": f"https://reliefweb.int/report/northland/situation-{number}",
            "date": {"created": created_at.isoformat(), "original": created_at.isoformat()},
            "source": [{"name": "Northland Red Cross", "shortname": "NRC", "id": 7}],
            "language": [{"code": "fr"}],
            **fields,
        },
    }


class ReliefWeb:
    """Answers searches as ReliefWeb does: the newest first, in pages."""

    def __init__(self, reports: list[dict[str, object]]) -> None:
        self.reports = reports
        self.asked: list[dict[str, list[str]]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        query = parse_qs(request.query_string)
        self.asked.append(query)
        if query.get("appname") != ["approved"]:
            error = {"type": "AccessDeniedHttpException", "message": "You are not using an approved appname."}
            return web.json_response({"status": 403, "error": error}, status=403)
        start = int(query["offset"][0])
        data = self.reports[start : start + int(query["limit"][0])]
        return web.json_response({"totalCount": len(self.reports), "count": len(data), "data": data})


async def test_reliefweb_reports_are_items_of_their_own_publishers(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    api = ReliefWeb([report(2, NOW - timedelta(hours=1)), report(1, NOW - timedelta(days=9))])
    url = server.publish("/v2/reports", api) + "?appname=approved&query[value]=Northland&limit=3&preset=latest"
    source = search(url, SourceKind.RELIEFWEB)
    harvest = await ReliefWebReader(fetcher, workers, clock).read(source, Bookmark())
    assert (harvest.reason, harvest.is_whole) == (FetchReason.OK, True)
    (entry,) = harvest.entries
    assert (entry.title, entry.publisher, entry.language) == ("Northland: situation report 2", "NRC", "fr")
    assert entry.summary == "Families left the border villages.\n\nReport 2."
    assert entry.is_full_text
    assert (entry.guid, entry.url) == ("2", "https://reliefweb.int/report/northland/situation-2")
    (asked,) = api.asked
    assert (asked["query[value]"], asked["sort[]"], asked["limit"]) == (["Northland"], ["date.created:desc"], ["20"])
    assert "preset" not in asked
    assert "date.original" in asked["fields[include][]"]


async def test_reliefweb_pages_back_to_what_is_known(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    api = ReliefWeb([report(n, NOW - timedelta(hours=n)) for n in range(100)])
    source = search(server.publish("/v2/reports", api) + "?appname=approved", SourceKind.RELIEFWEB)
    reader = ReliefWebReader(fetcher, workers, clock)
    harvest = await reader.read(source, Bookmark(cursor=(NOW - timedelta(hours=50)).isoformat()))
    assert [entry.guid for entry in harvest.entries] == [str(n) for n in range(57)]  # with six hours of overlap
    assert len(api.asked) == 3
    assert harvest.bookmark == Bookmark(cursor=NOW.isoformat())
    assert len((await reader.read(source, harvest.bookmark)).entries) == 7


async def test_reliefweb_refuses_a_program_that_it_does_not_know(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    source = search(server.publish("/v2/reports", ReliefWeb([])) + "?appname=mine", SourceKind.RELIEFWEB)
    harvest = await ReliefWebReader(fetcher, workers, clock).read(source, Bookmark())
    assert harvest.reason is FetchReason.HTTP_ERROR
    assert harvest.detail == (
        "the server answered 403 (forbidden); ReliefWeb answers only names of programs that it approved, "
        "see `appname` in apidoc.reliefweb.int"
    )


async def test_a_busy_search_is_asked_again_when_the_server_says(
    server: NewsServer, fetcher: Fetcher, workers: Workers, clock: Clock
) -> None:
    url = server.publish("/doc", Page(b"Please limit requests", "text/plain", 429, headers={"Retry-After": "90"}))
    for reader in (GdeltReader(fetcher, workers, clock, clock.sleep), ReliefWebReader(fetcher, workers, clock)):
        harvest = await reader.read(search(url + "?query=a&appname=b"), Bookmark(cursor="20260302060000"))
        assert (harvest.reason, harvest.retry_after) == (FetchReason.HTTP_ERROR, timedelta(seconds=90))
        assert harvest.bookmark is None  # the old one stays


RELIEFWEB_ANSWERS = {
    "refusal": (json.dumps({"error": {"message": "Bad filter\x1b"}}).encode(), "Bad filter"),
    "other": (b"{}", "json, but no list of reports"),
    "cut": (b'{"data": [', "the answer is not valid json"),
    "binary": (b"\xff\xfe\x00", "the answer is not valid json"),
}


@pytest.mark.parametrize(("body", "said"), RELIEFWEB_ANSWERS.values(), ids=RELIEFWEB_ANSWERS)
def test_what_reliefweb_says_instead_of_reports_is_told(body: bytes, said: str) -> None:
    assert read_reliefweb(body, source_id="search", now=NOW) == said


def test_a_report_is_as_old_as_its_own_date_and_odd_fields_harm_nothing() -> None:
    original = {"created": NOW.isoformat(), "original": "2026-01-05T00:00:00+00:00"}
    odd = {
        "title": "<b>x</b>",
        "date": 7,
        "source": "NRC",
        "language": [],
        "url": 4,
        "url_alias": None,
        "body-html": None,
    }
    data = [report(1, NOW, date=original), {"id": 2, "fields": odd}, {"fields": {"title": 4}}, {}, "x"]
    found = read_reliefweb(json.dumps({"data": data}).encode(), source_id="search", now=NOW)
    assert not isinstance(found, str)
    assert found[0][1].published_at == datetime(2026, 1, 5, tzinfo=UTC)
    assert found[0][0] == NOW
    created, entry = found[1]
    assert (created, entry.title, entry.guid, entry.url, entry.publisher, entry.summary) == (
        None,
        "x",
        "2",
        None,
        None,
        "",
    )
    assert len(found) == 2
