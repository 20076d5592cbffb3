"""`watcher sources discover, import, export, test` as an operator types them, against a site on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.servers import NewsServer, Page
from watcher.cli import main
from watcher.settings import load_settings

CONFIG = """\
[http]
allow_private_networks = true

[[sources]]
id = "courier"
url = "{url}"
publisher = "The Courier & Co"
language = "ru"
tags = ["caucasus", "daily"]

[[recipients]]
id = "terminal"
channel = "console"
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Watcher = Callable[..., Awaitable[Result]]


@pytest.fixture
async def site() -> AsyncIterator[NewsServer]:
    async with NewsServer() as running:
        yield running


@pytest.fixture
def watcher(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    """Runs a command on a thread of its own, as it has an event loop of its own; in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(arguments: list[str]) -> int:
        try:
            main(arguments)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    async def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = await asyncio.to_thread(call, [str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rss(title: str, days: list[float], extra: str = "") -> Page:
    now = datetime.now(UTC)
    items = "".join(
        f"<item><title>Item {n}</title><link>/item/{n}</link><description>About {n}.</description>"
        f"<pubDate>{format_datetime(now - timedelta(days=day))}</pubDate></item>"
        for n, day in enumerate(days)
    )
    body = f"<rss version='2.0'><channel><title>{title}</title><language>en-gb</language>{items}{extra}</channel></rss>"
    return Page(body.encode())


async def test_discover_finds_what_the_page_names_and_writes_a_block(site: NewsServer, watcher: Watcher) -> None:
    page = b"""<html><head><title>Northland Mail</title>
        <link rel="alternate" type="application/rss+xml" title="News" href="/news.xml">
        <link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed">
        <link rel="alternate" type="application/atom+xml" href="/gone.xml">
        <link rel="stylesheet" type="text/css" href="/feed.css"></head>
        <body><a href="/sport/rss">RSS sport</a><a href="https://elsewhere.example/rss">x</a></body></html>"""
    site.publish("/", Page(page, "text/html"))
    site.publish("/news.xml", rss("Northland Mail", [0, 1, 2, 3, 6]))
    site.publish("/rss.xml", rss("Northland Mail", [0, 1, 2, 3, 6]))  # the same under a second name
    site.publish("/sport/rss", rss("Northland Mail - Sport", [1]))
    site.publish("/comments/feed", rss("Comments", [0] * 9))
    site.publish("/robots.txt", Page(b"User-agent: *\nSitemap: " + site.url("/maps/news.gz").encode(), "text/plain"))
    news = b'<urlset xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>x</loc></url></urlset>'
    site.publish("/maps/news.gz", Page(gzip.compress(news), "application/gzip"))
    result = await watcher("sources", "discover", site.url("/"))
    assert result.code == 0, result.err
    table, block = result.out.split("\n\n")
    kinds = [line.split()[0] for line in table.splitlines()[2:]]
    assert kinds == ["feed", "feed", "sitemap"]
    assert "Comments" not in table
    assert tomllib.loads(block)["sources"] == [
        {
            "id": "northland-mail",
            "url": site.url("/news.xml"),
            "kind": "feed",
            "expect_every": "10d",  # ten times the usual pause of a day
            "language": "en",
            "publisher": "Northland Mail",
        }
    ]


async def test_discover_takes_a_feed_for_what_it_is_and_adds_it(
    site: NewsServer, watcher: Watcher, tmp_path: Path
) -> None:
    feed = site.publish("/feed", rss("Courier", [0, 0.1]))
    config = tmp_path / "w.toml"
    config.write_text(CONFIG.format(url=site.url("/other")))
    config.chmod(0o640)
    result = await watcher("sources", "discover", feed, "--config", config, "--add")
    assert result.code == 0, result.err
    added = load_settings(config, {}).sources[1]
    assert (added.id, added.url, added.publisher, added.expect_every) == ("courier-2", feed, "Courier", None)
    assert config.stat().st_mode & 0o777 == 0o640
    assert files(tmp_path) == ["w.toml"]


async def test_a_fresh_folder_gets_its_configuration_from_the_first_site(
    site: NewsServer, watcher: Watcher, tmp_path: Path
) -> None:
    for command in (("sources",), ("sources", "export"), ("sources", "test", "courier"), ("check",), ("run", "--once")):
        result = await watcher(*command)
        assert result.code == 2
        assert "config.toml: is not here" in result.err
        assert "watcher sources discover URL --add" in result.err
    feed = site.publish("/feed", rss("Courier", [0, 0.1]))
    result = await watcher("sources", "discover", feed, "--add")
    assert (result.code, result.err.splitlines()[0]) == (0, "added 1 to config.toml")
    assert "nobody who is told yet" in result.err
    assert [source.id for source in load_settings(tmp_path / "config.toml", {}).sources] == ["courier"]
    assert (await watcher("check")).code == 0
    assert files(tmp_path) == ["config.toml"]


async def test_discover_says_that_there_is_nothing(site: NewsServer, watcher: Watcher) -> None:
    result = await watcher("sources", "discover", site.url("/nowhere"))
    assert result.code == 1
    assert result.err.splitlines() == [
        f"{site.url('/nowhere')}: http error: the server answered 404 (not found)",
        f"{site.url('/nowhere')}: no feed and no sitemap is named there, or lies where they usually are",
    ]


async def test_discover_prints_json(site: NewsServer, watcher: Watcher) -> None:
    feed = site.publish("/feed", rss("Courier", [3]))
    found = json.loads((await watcher("sources", "discover", feed, "--format", "json")).out)
    assert [(one["kind"], one["url"], one["items"]) for one in found] == [("feed", feed, 1)]


OPML = """<?xml version="1.0"?><opml version="1.0"><head><title>My feeds</title></head><body>
<outline text="Caucasus"><outline text="Daily">
  <outline type="rss" text="The Courier &amp; Co" xmlUrl="https://courier.example/feed?utm_source=x" language="ru-RU"/>
  <outline type="rss" title="Вестник" xmlURL="https://vestnik.example/rss"/>
</outline></outline>
<outline text="Twice" xmlUrl="https://vestnik.example/rss"/>
<outline text="Bad" xmlUrl="javascript:alert(1)"/>
<outline text='Quote " \\ and &#127; tab' xmlUrl="https://odd.example/rss" category="/World/Asia,alerts"/>
</body></opml>"""


async def test_import_makes_blocks_of_the_feeds_that_are_new(watcher: Watcher, tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(CONFIG.format(url="https://courier.example/feed"))
    (tmp_path / "feeds.opml").write_text(OPML)
    result = await watcher("sources", "import", "feeds.opml", "--config", "w.toml")
    assert (result.code, result.err) == (0, "2 new of 3 feeds\n")
    assert tomllib.loads(result.out)["sources"] == [
        {
            "id": "vestnik-example",
            "url": "https://vestnik.example/rss",
            "publisher": "Вестник",
            "tags": ["Caucasus", "Daily"],
        },
        {
            "id": "quote-and-tab",
            "url": "https://odd.example/rss",
            "publisher": 'Quote " \\ and tab',
            "tags": ["Asia", "alerts"],
        },
    ]


async def test_import_adds_all_or_nothing(watcher: Watcher, tmp_path: Path) -> None:
    config = tmp_path / "w.toml"
    config.write_text(CONFIG.format(url="https://courier.example/feed"))
    (tmp_path / "feeds.opml").write_text(OPML)
    result = await watcher("sources", "import", "feeds.opml", "--config", config, "--add")
    assert result.code == 0, result.err
    assert [source.id for source in load_settings(config, {}).sources] == [
        "courier",
        "vestnik-example",
        "quote-and-tab",
    ]
    again = await watcher("sources", "import", "feeds.opml", "--config", config, "--add")
    assert again.err == f"added 0 to {config}\n0 new of 3 feeds\n"
    broken = config.read_text() + "\n[http\n"
    config.write_text(broken)
    refused = await watcher("sources", "import", "feeds.opml", "--config", config, "--add")
    assert refused.code == 2
    assert config.read_text() == broken


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"\xff\xfe", b"<opml/>", b"{}"])
async def test_import_refuses_what_is_no_list(watcher: Watcher, tmp_path: Path, body: bytes) -> None:
    (tmp_path / "feeds.opml").write_bytes(body)
    result = await watcher("sources", "import", "feeds.opml")
    assert result.code == 1
    assert "watcher: " in result.err


async def test_what_is_exported_can_be_imported(watcher: Watcher, tmp_path: Path) -> None:
    mailbox = "[[sources]]\nid='m'\nkind='imap'\nurl='imaps://m.example'\nusername='a'\npassword='b'\n"
    (tmp_path / "w.toml").write_text(CONFIG.format(url="https://courier.example/feed") + mailbox)
    exported = await watcher("sources", "export", "--config", "w.toml")
    assert (exported.code, exported.err) == (0, "1 of other kinds left out: the format knows only feeds\n")
    (tmp_path / "list.opml").write_text(exported.out)
    imported = await watcher("sources", "import", "list.opml")
    assert tomllib.loads(imported.out)["sources"] == [
        {
            "id": "the-courier-co",
            "url": "https://courier.example/feed",
            "language": "ru",
            "publisher": "The Courier & Co",
            "tags": ["caucasus", "daily"],
        }
    ]


STORY = b"""<html><head><title>Item 0</title></head><body><article><h1>Item 0</h1>
<p>Armenia recalled its ambassador from Azerbaijan on Monday, the foreign ministry in Yerevan said in a statement.</p>
<p>The step follows a week of talks that ended without a result, according to diplomats who took part in them.</p>
</article></body></html>"""


async def test_a_source_is_tried_step_by_step_and_nothing_is_kept(
    site: NewsServer, watcher: Watcher, tmp_path: Path
) -> None:
    url = site.publish("/feed", rss("Courier", [0.1, 0.2, 9], "<item><title>Undated</title></item>"))
    site.publish("/item/0", Page(STORY, "text/html"))
    (tmp_path / "config.toml").write_text(CONFIG.format(url=url).replace('language = "ru"\n', ""))
    result = await watcher("sources", "test", "courier", "--items", "2")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == f"source      courier, feed, {url}"
    assert f"request     {url}" in lines
    assert "answer      ok, 4 items" in lines
    assert "first poll  reads 3, only notes 1 from before (catch_up)" in lines
    assert "item        Item 0" in lines
    assert any("full text" in line and ", en" in line for line in lines)
    assert any("signals: " in line and "AM, AZ" in line for line in lines)
    assert any("its page: http error" in line for line in lines)
    assert files(tmp_path) == ["config.toml"]
    as_json = json.loads((await watcher("sources", "test", "courier", "--items", "1", "--format", "json")).out)
    assert (as_json["state"], as_json["items"], as_json["undated"], as_json["old"]) == ("ok", 4, 1, 1)
    assert as_json["articles"][0]["extraction"] == "full"


async def test_an_address_is_tried_without_a_configuration(site: NewsServer, watcher: Watcher) -> None:
    url = site.publish("/feed", Page(b"<html><body>Hello</body></html>", "text/html"))
    result = await watcher("sources", "test", url)
    assert result.code == 1
    assert "answer      not a feed: an html page instead of a feed, 0 items" in result.out


async def test_a_source_that_is_not_there_has_a_neighbour(watcher: Watcher, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(url="https://courier.example/feed"))
    result = await watcher("sources", "test", "curier")
    assert (result.code, result.err) == (
        1,
        "watcher: there is no source 'curier' in the configuration; did you mean courier?\n",
    )
    misplaced = await watcher("sources", "--config", "config.toml", "export")
    assert misplaced.code == 2
    assert "belongs behind export" in misplaced.err
