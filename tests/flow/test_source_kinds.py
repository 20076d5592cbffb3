"""Sitemaps, index pages, Telegram channels and files of JSON Lines through `run --once`, from the source to the alert.

Each step starts a new daemon over the same store. Between two steps a kill after the commit of the items and before
that of the bookmark may come: nothing is lost or told twice.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest

from tests.desk import DAY, HOUR, MINUTE, OPERATOR, Desk, open_desk
from tests.servers import NewsServer, Page
from watcher.cli.common import load_all
from watcher.daemon import Daemon, make_notifiers
from watcher.ingest import Ingest
from watcher.store import Store

RULE = """
rule: recalled
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {phrases: ["recalled ..3 ambassador"]}
  state:
    states: {at_least: 1}
"""
STATES = ("Norway", "Peru", "Kenya", "Vietnam", "Portugal", "Canada")


def story(number: int) -> str:
    return (
        f"The government of {STATES[number % 6]} recalled its ambassador on day {number} of the crisis, a spokeswoman in the "
        f"capital said. She gave {number} reasons, the last of which concerned the frontier and its {number + 3} crossings."
    )


class DiedError(Exception):
    """The process ended there."""


class Site:
    """Serves the articles by number, and what lists them."""

    def __init__(self, desk: Desk, server: NewsServer) -> None:
        self.desk = desk
        self.server = server

    def article(self, number: int) -> str:
        body = f"<html><head><title>News {number}</title></head><body><article><h1>News {number}</h1><p>{story(number)}</p></article></body></html>"
        return self.server.publish(f"/a/{number}", Page(body.encode(), "text/html"))

    async def once(self, after: timedelta = 10 * MINUTE) -> None:
        """Nothing; what ``watcher run --once`` does."""
        self.desk.now += after
        settings, book = load_all(self.desk.config)
        with Store.open(settings.store.path, exclusive=True) as store:
            await Daemon(
                settings, book, store, lambda: load_all(self.desk.config), make_notifiers, clock=lambda: self.desk.now,
                on_poll=lambda poll: self.desk.polls.update({poll.source_id: poll}),
            ).run_once()  # fmt: skip


Publish = Callable[[Site, range], str]  # makes these articles, the newest last, be what the source shows; its settings


def publish_sitemap(site: Site, numbers: range) -> str:
    urls = "".join(f"<url><loc>{site.article(n)}</loc><lastmod>2022-09-14</lastmod></url>" for n in reversed(numbers))
    site.server.publish("/posts.xml", Page(f"<urlset>{urls}</urlset>".encode(), "text/xml"))
    site.server.publish(
        "/index.xml",
        Page(
            f"<sitemapindex><sitemap><loc>/posts.xml</loc><lastmod>{numbers.stop}</lastmod></sitemap></sitemapindex>".encode()
        ),
    )
    return f'kind = "sitemap"\nurl = "{site.server.url("/index.xml")}"'


def publish_page(site: Site, numbers: range) -> str:
    links = "".join(f'<li><h3><a href="{site.article(n)}">News {n}</a></h3></li>' for n in reversed(numbers))
    url = site.server.publish(
        "/press", Page(f"<html><body><main><ul>{links}</ul></main></body></html>".encode(), "text/html")
    )
    return f'kind = "page"\nurl = "{url}"\nselector = "main h3 a"'


def publish_telegram(site: Site, numbers: range) -> str:
    at = (site.desk.now - (HOUR if numbers.start else 3 * DAY)).isoformat()
    messages = "".join(
        f'<div class="tgme_widget_message js-widget_message" data-post="desk_channel/{n + 1}"><div class="tgme_widget_message_text '
        f'js-message_text" dir="auto"><b>News {n}</b><br/>{escape(story(n))}</div><a class="tgme_widget_message_date" '
        f'href="https://t.me/desk_channel/{n + 1}"><time datetime="{at}" class="time">1</time></a></div>'
        for n in numbers
    )
    page = f'<html><body><section class="tgme_channel_history">{messages}</section></body></html>'
    return f'kind = "telegram"\nurl = "{site.server.publish("/s/desk_channel", Page(page.encode(), "text/html"))}"'


def publish_jsonl(site: Site, numbers: range) -> str:
    path = site.desk.folder / "in" / "news.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        for n in numbers:
            file.write(json.dumps({"id": n, "title": f"News {n}", "text": story(n), "url": site.article(n)}) + "\n")
    return 'kind = "jsonl"\nurl = "in/news.jsonl"'


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_desk(tmp_path) as desk, NewsServer() as server:
        yield Site(desk, server)


KINDS = pytest.mark.parametrize("publish", [publish_sitemap, publish_page, publish_telegram, publish_jsonl])


@KINDS
async def test_what_was_there_is_old_and_what_comes_is_told_once(site: Site, publish: Publish) -> None:
    site.desk.configure(RULE, src=publish(site, range(3)))
    await site.once()
    assert site.desk.told() == []
    assert site.desk.polls["src"].baseline == 3
    publish(site, range(3, 5))
    await site.once()
    assert sorted(state for message in site.desk.told() for state in STATES if state in message) == [
        "Portugal",
        "Vietnam",
    ]
    for _ in range(3):
        await site.once()
    assert len(site.desk.told()) == 2
    assert site.desk.told(OPERATOR) == []


@KINDS
async def test_a_kill_between_commit_and_bookmark_loses_and_repeats_nothing(
    site: Site, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.desk.configure(RULE, src=publish(site, range(2)))
    await site.once()

    def die(*_args: object, **_values: object) -> None:
        raise DiedError

    for start in range(2, 6, 2):
        publish(site, range(start, start + 2))
        with monkeypatch.context() as patch:
            patch.setattr(Ingest, "_finish", die)
            with pytest.raises(DiedError):
                await site.once()
        await site.once()
        assert len(site.desk.told()) == start
    with site.desk.store() as store:
        assert len(list(store.articles.since(site.desk.now - 9 * DAY))) == 6


async def test_a_long_file_is_read_to_its_end_in_one_run(site: Site) -> None:
    site.desk.configure(RULE, src=publish_jsonl(site, range(1)))
    await site.once()
    path = site.desk.folder / "in" / "news.jsonl"
    with path.open("a") as file:
        for n in range(1, 1_100):
            file.write(json.dumps({"id": n, "title": f"News {n}", "text": f"Nothing happened on day {n}."}) + "\n")
    await site.once()
    with site.desk.store() as store:
        assert len(list(store.articles.since(site.desk.now - DAY))) == 1_100


async def test_an_unusable_line_is_told_to_operators_once_and_the_others_are_read(site: Site) -> None:
    site.desk.configure(RULE, src=publish_jsonl(site, range(1)))
    await site.once()
    with (site.desk.folder / "in" / "news.jsonl").open("a") as file:
        file.write('{"id": 7, "title": 8}\n')
    publish_jsonl(site, range(2, 3))
    await site.once()
    assert len(site.desk.told()) == 1
    (notice,) = site.desk.told(OPERATOR)
    assert "Source src has lines that cannot be used" in notice
    assert "news.jsonl:2: title: expected a text, found 8" in notice
    await site.once()
    assert "works again" in site.desk.told(OPERATOR)[1]
    await site.once()
    assert len(site.desk.told(OPERATOR)) == 2


async def test_a_selector_that_finds_nothing_any_more_is_told_to_operators_once(site: Site) -> None:
    site.desk.configure(RULE, src=publish_page(site, range(2)))
    await site.once()
    site.server.publish("/press", Page(b"<html><body><h2>We have a new site</h2></body></html>", "text/html"))
    await site.once()
    await site.once()
    (notice,) = (one for one in site.desk.told(OPERATOR) if "Source src" in one)
    assert "Source src cannot be read: no links" in notice
    assert "the selector 'main h3 a' finds no link" in notice
