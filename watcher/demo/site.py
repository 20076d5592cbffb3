"""The sample outlets, served over real HTTP on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from html import escape
from importlib import resources
from typing import Any

import yaml
from aiohttp import web

# What a page's icon font leaves in front of the text when somebody copies it; the story that the project started from
# came with such a line.
_ICON_LINE = " ".join(
    f"icon {name}"
    for name in ("menu", "bookmark-b", "camera", "chevron left", "chevron right", "close", "mail", "search")
)


@dataclass(frozen=True, slots=True)
class OutletItem:
    """One sample item."""

    id: str
    round: int  # the poll in which it appears, from 1
    published_at: datetime
    title: str
    summary: str
    text: str | None  # the page's paragraphs; None: the feed carries all that there is
    is_glued: bool  # navigation and the headline again stand in front of the page's text
    is_in_feed: bool  # the feed carries the whole text


@dataclass(frozen=True, slots=True)
class Outlet:
    """One sample newsroom."""

    id: str
    publisher: str
    affiliation: str
    format: str  # rss | atom | rdf | json | broken
    language: str
    items: tuple[OutletItem, ...]


def load_outlets() -> tuple[Outlet, ...]:
    """The bundled outlets, in the order of their file."""
    source = resources.files("watcher.demo").joinpath("outlets.yaml").read_text(encoding="utf-8")
    documents: list[dict[str, Any]] = yaml.safe_load(source)
    texts = {item["id"]: item["text"] for outlet in documents for item in outlet["items"] if "text" in item}
    return tuple(
        Outlet(
            **{key: outlet[key] for key in ("id", "publisher", "affiliation", "format", "language")},
            items=tuple(_item(item, texts) for item in outlet["items"]),
        )
        for outlet in documents
    )


def _item(item: dict[str, Any], texts: dict[str, str]) -> OutletItem:
    return OutletItem(
        id=item["id"],
        round=item["round"],
        published_at=item["published"],
        title=item["title"],
        summary=item.get("summary", ""),
        text=texts[item["reprints"]] if "reprints" in item else item.get("text"),
        is_glued=item.get("page") == "glued",
        is_in_feed="page" not in item,
    )


@dataclass(slots=True)
class DemoSite:
    """The web server of the outlets; ``round`` says which items stand in the feeds by now."""

    outlets: tuple[Outlet, ...] = field(default_factory=load_outlets)
    round: int = 1
    page: str = ""  # what is served at "/"
    base_url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1; ``base_url`` is set afterwards."""
        app = web.Application()
        app.router.add_get("/", self._serve_page)
        app.router.add_get("/{outlet}/feed", self._serve_feed)
        app.router.add_get("/{outlet}/{item}", self._serve_item)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening; open connections are closed."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve_page(self, request: web.Request) -> web.Response:
        return web.Response(text=self.page, content_type="text/html", headers={"Content-Security-Policy": _PAGE_POLICY})

    async def _serve_feed(self, request: web.Request) -> web.Response:
        outlet = self._outlet(request)
        items = [item for item in outlet.items if item.round <= self.round]
        body, content_type = _FORMATS[outlet.format](outlet, items, self.base_url)
        response = web.Response(text=body, content_type=content_type, charset="utf-8")
        response.headers["ETag"] = f'"{outlet.id}-{len(items)}"'
        if outlet.format != "broken" and request.headers.get("If-None-Match") == response.headers["ETag"]:
            return web.Response(status=304, headers={"ETag": response.headers["ETag"]})
        return response

    async def _serve_item(self, request: web.Request) -> web.Response:
        outlet = self._outlet(request)
        for item in outlet.items:
            if item.id == request.match_info["item"] and item.round <= self.round:
                return web.Response(text=_item_page(outlet, item), content_type="text/html", charset="utf-8")
        raise web.HTTPNotFound

    def _outlet(self, request: web.Request) -> Outlet:
        for outlet in self.outlets:
            if outlet.id == request.match_info["outlet"]:
                return outlet
        raise web.HTTPNotFound


_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def _url(outlet: Outlet, item: OutletItem, base_url: str) -> str:
    return f"{base_url}/{outlet.id}/{item.id}"


def _paragraphs(item: OutletItem) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in (item.text or item.summary).strip().split("\n\n"))


def _item_page(outlet: Outlet, item: OutletItem) -> str:
    glued = ""
    if item.is_glued:
        date_line = f"{item.published_at:%d %b, %Y %H:%M}"
        glued = f"<p>{_ICON_LINE}</p>\n<p>{date_line}</p>\n<p>{escape(item.title)}</p>\n<p>{escape(item.title)}</p>\n"
    return (
        f'<!doctype html>\n<html lang="{outlet.language}"><head><meta charset="utf-8"><title>{escape(item.title)} - '
        f"{escape(outlet.publisher)}</title></head><body>\n"
        '<nav><a href="/">Home</a> <a href="/world">World</a> <a href="/sport">Sport</a></nav>\n'
        f"<article><h1>{escape(item.title)}</h1>\n{glued}{_paragraphs(item)}</article>\n"
        "<footer>Subscribe to our newsletter. All rights reserved.</footer></body></html>\n"
    )


def _rss(outlet: Outlet, items: list[OutletItem], base_url: str) -> tuple[str, str]:
    entries = "".join(
        f"<item><title>{escape(item.title)}</title><link>{_url(outlet, item, base_url)}</link>"
        f'<guid isPermaLink="false">{outlet.id}:{item.id}</guid><pubDate>{format_datetime(item.published_at)}</pubDate>'
        f"<description>{escape(item.summary)}</description>"
        + (f"<content:encoded>{escape(_paragraphs(item))}</content:encoded>" if item.is_in_feed and item.text else "")
        + "</item>\n"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>{escape(outlet.publisher)}</title><link>{base_url}/{outlet.id}/</link>"
        f"<description>Sample outlet</description><language>{outlet.language}</language>\n{entries}</channel></rss>\n",
        "application/rss+xml",
    )


def _atom(outlet: Outlet, items: list[OutletItem], base_url: str) -> tuple[str, str]:
    entries = "".join(
        f"<entry><title>{escape(item.title)}</title><id>tag:{outlet.id},2022:{item.id}</id>"
        f'<link href="{_url(outlet, item, base_url)}"/><published>{item.published_at.isoformat()}</published>'
        f"<updated>{item.published_at.isoformat()}</updated><summary>{escape(item.summary)}</summary></entry>\n"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}">'
        f"<title>{escape(outlet.publisher)}</title><id>tag:{outlet.id},2022:feed</id>"
        f"<updated>2022-09-14T00:00:00+00:00</updated>\n{entries}</feed>\n",
        "application/atom+xml",
    )


def _rdf(outlet: Outlet, items: list[OutletItem], base_url: str) -> tuple[str, str]:
    entries = "".join(
        f'<item rdf:about="{_url(outlet, item, base_url)}"><title>{escape(item.title)}</title>'
        f"<link>{_url(outlet, item, base_url)}</link><dc:date>{item.published_at.isoformat()}</dc:date>"
        f"<description>{escape(item.summary)}</description></item>\n"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="{base_url}/{outlet.id}/"><title>{escape(outlet.publisher)}</title>'
        f"<link>{base_url}/{outlet.id}/</link><description>Sample outlet</description></channel>\n"
        f"{entries}</rdf:RDF>\n",
        "application/rdf+xml",
    )


def _json_feed(outlet: Outlet, items: list[OutletItem], base_url: str) -> tuple[str, str]:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.publisher,
        "language": outlet.language,
        "items": [
            {
                "id": f"{outlet.id}:{item.id}",
                "url": _url(outlet, item, base_url),
                "title": item.title,
                "content_text": item.summary,
                "date_published": item.published_at.isoformat(),
            }
            for item in items
        ],
    }
    return json.dumps(feed, ensure_ascii=False), "application/feed+json"


def _broken(outlet: Outlet, items: list[OutletItem], base_url: str) -> tuple[str, str]:
    return (
        f"<!doctype html><title>{escape(outlet.publisher)}</title><p>Our feed has moved. See the new site.",
        "text/html",
    )


_FORMATS = {"rss": _rss, "atom": _atom, "rdf": _rdf, "json": _json_feed, "broken": _broken}
