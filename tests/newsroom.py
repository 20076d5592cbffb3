"""A newsroom for flow tests: RSS feeds and pages over real HTTP on loopback, whose items a test publishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from html import escape
from types import TracebackType
from typing import Self

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a feed; ``page`` paragraphs stand behind its link, else the link leads nowhere."""

    id: str
    title: str
    summary: str
    published_at: datetime | None
    page: tuple[str, ...] = ()
    link: str | None = None  # instead of the page's own
    edited: str = ""


@dataclass(slots=True)
class Newsroom:
    """Feeds by name at ``/NAME.xml``; as an async context manager it listens on a free port of 127.0.0.1."""

    feeds: dict[str, list[Item]] = field(default_factory=dict)
    broken: dict[str, web.Response] = field(default_factory=dict)  # answers instead of a feed
    requests: list[str] = field(default_factory=list)
    base_url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{name}.xml", self._feed)
        app.router.add_get("/{name}/{item}", self._page)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def publish(self, name: str, *items: Item) -> None:
        """Put items at the top of a feed."""
        self.feeds[name] = [*items, *self.feeds.get(name, [])]

    def url(self, name: str) -> str:
        return f"{self.base_url}/{name}.xml"

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.requests.append(name)
        if name in self.broken:
            answer = self.broken[name]
            return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)
        items = self.feeds.get(name, [])
        etag = f'"{name}-{len(items)}-{hash(tuple(items))}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        entries = "".join(
            f"<item><title>{escape(item.title)}</title><link>{escape(item.link or f'{self.base_url}/{name}/{item.id}')}"
            f'</link><guid isPermaLink="false">{item.id}</guid><description>{escape(item.summary)}</description>'
            + (f"<pubDate>{format_datetime(item.published_at)}</pubDate>" if item.published_at else "")
            + (f"<atom:updated>{escape(item.edited)}</atom:updated>" if item.edited else "")
            + "</item>"
            for item in items
        )
        body = f'<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>{name}</title><link>/</link>{entries}</channel></rss>'
        return web.Response(text=body, content_type="application/rss+xml", headers={"ETag": etag})

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path)
        for item in self.feeds.get(request.match_info["name"], []):
            if item.id == request.match_info["item"] and item.page:
                paragraphs = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in item.page)
                return web.Response(
                    text=f"<html><head><title>{escape(item.title)}</title></head><body><article><h1>{escape(item.title)}"
                    f"</h1>{paragraphs}</article></body></html>",
                    content_type="text/html",
                )
        raise web.HTTPNotFound
