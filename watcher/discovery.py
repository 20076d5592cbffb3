"""Which feeds and sitemaps a site has: what its pages and robots.txt name, and where such things usually are."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from urllib.parse import urlsplit

from lxml import etree

from watcher.errors import FeedError
from watcher.feeds import parse_feed
from watcher.fetch import Fetcher
from watcher.model import Fetched, FetchFailed, FetchOutcome, FetchTarget
from watcher.web.urls import absolute_url, canonical_url

_FEED_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json", "application/json"}
)
_FEED_WORDS = re.compile(r"(?:^|[/._?=&-])(?:rss|feeds?|atom|rdf)(?:$|[/._?=&-])", re.IGNORECASE)
# Where the systems that most news sites run on publish them (WordPress, Drupal, Ghost, Jekyll, Hugo, Google's guide
# for news sitemaps).
_USUAL_FEEDS = ("/feed/", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feeds/posts/default")
_USUAL_SITEMAPS = ("/news-sitemap.xml", "/sitemap-news.xml", "/sitemap_news.xml", "/sitemap.xml")
_ROBOTS_SITEMAP = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_SITEMAP_ROOT = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]")
_NEWS_SITEMAP = b"schemas/sitemap-news/"
_HEAD_BYTES = 4_000
_CANDIDATES = 40  # fetched at most, named ones first
_NOT_COMMENTS = re.compile(r"/comments?/|comments?[/.]", re.IGNORECASE)
_EXPECT_LEAST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """A feed or sitemap that is there, and how it looks."""

    kind: str  # of the source that it would be
    url: str  # after redirects
    title: str
    language: str  # two letters, or empty
    items: int | None  # of a feed
    newest_at: datetime | None
    expect_every: timedelta | None  # silence that would be unusual, judged by the items' dates; None: too few


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found at an address, the most useful first, and why the address itself could not be read, if so."""

    found: tuple[Found, ...]
    failure: FetchFailed | None = None


async def discover(fetcher: Fetcher, url: str, clock: Callable[[], datetime]) -> Discovery:
    """The feeds and sitemaps of the site at ``url``, which may be a feed itself; each was fetched and read."""
    outcome = await fetcher.fetch(FetchTarget(url))
    if isinstance(outcome, Fetched) and (here := _judge(outcome, clock())):
        return Discovery((here,))
    base = outcome.final_url if isinstance(outcome, Fetched) else url
    named = list(_named_in_page(outcome.body, base)) if isinstance(outcome, Fetched) else []
    robots = await fetcher.fetch(FetchTarget(absolute_url(base, "/robots.txt") or base))
    if isinstance(robots, Fetched):
        named += _ROBOTS_SITEMAP.findall(robots.body.decode("utf-8", "replace"))
    usual = (absolute_url(base, path) for path in (*_USUAL_FEEDS, *_USUAL_SITEMAPS))
    candidates = list(dict.fromkeys(one for one in (*named, *usual) if one))[:_CANDIDATES]
    answers = await asyncio.gather(*(fetcher.fetch(FetchTarget(one)) for one in candidates))
    return Discovery(_distinct(answers, clock()), outcome if isinstance(outcome, FetchFailed) else None)


def _named_in_page(page: bytes, base: str) -> Iterable[str]:
    """The addresses that a page offers as feeds: its head first, then links that look like one."""
    root = etree.HTML(page, etree.HTMLParser(recover=True, huge_tree=False))
    if root is None:
        return
    for link in root.iterfind(".//link[@href]"):
        rel, media = str(link.get("rel") or "").lower().split(), str(link.get("type") or "").lower()
        if "alternate" in rel and media.partition(";")[0].strip() in _FEED_TYPES:
            url = absolute_url(base, link.get("href"))
            if url and not _NOT_COMMENTS.search(url):
                yield url
    host = urlsplit(base).hostname
    for link in root.iterfind(".//a[@href]"):
        url = absolute_url(base, link.get("href"))
        if url and _FEED_WORDS.search(urlsplit(url).path) and urlsplit(url).hostname == host:
            yield url


def _distinct(answers: Iterable[FetchOutcome], now: datetime) -> tuple[Found, ...]:
    """What is a feed or a sitemap; feeds with the most news first, then news sitemaps, then other sitemaps."""
    found: dict[str, Found] = {}
    for answer in answers:
        one = _judge(answer, now) if isinstance(answer, Fetched) else None
        if one and not any(_is_same(one, other) for other in found.values()):
            found.setdefault(canonical_url(one.url), one)
    return tuple(sorted(found.values(), key=lambda one: (one.kind != "feed", one.items is None, -(one.items or 0))))


def _is_same(one: Found, other: Found) -> bool:
    """Whether two addresses give the same feed: sites offer one under several names."""
    return one.kind == other.kind == "feed" and (one.title, one.items, one.newest_at) == (
        other.title,
        other.items,
        other.newest_at,
    )


def _judge(fetched: Fetched, now: datetime) -> Found | None:
    """What an answer is; None for neither a feed nor a sitemap."""
    head = _head(fetched.body)
    if _SITEMAP_ROOT.search(head):
        is_news = _NEWS_SITEMAP in head
        return Found("sitemap", fetched.final_url, "news sitemap" if is_news else "sitemap", "", None, None, None)
    try:
        feed = parse_feed(fetched.body, url=fetched.final_url, content_type=fetched.content_type, source_id="", now=now)
    except FeedError:
        return None
    dates = sorted((entry.published_at for entry in feed.entries if entry.published_at), reverse=True)
    return Found(
        "feed",
        fetched.final_url,
        feed.title,
        feed.language if feed.language and len(feed.language) == 2 else "",
        len(feed.entries),
        dates[0] if dates else None,
        _unusual_silence(dates),
    )


def _head(body: bytes) -> bytes:
    """The first bytes; of a file that is compressed as such, those inside."""
    if body.startswith(b"\x1f\x8b"):
        try:
            return zlib.decompressobj(wbits=31).decompress(body, _HEAD_BYTES)
        except zlib.error:
            return b""
    return body[:_HEAD_BYTES]


def _unusual_silence(dates: list[datetime]) -> timedelta | None:
    """Twice the longest pause between two of the items, or ten times the usual one, whichever is longer, in days.

    A rule of thumb for a first value that does not cry wolf: a weekend or a holiday is as long as one pause.
    """
    pauses = [(later - earlier).total_seconds() for later, earlier in pairwise(dates)]
    if len(pauses) < 4:
        return None
    seconds = max(2 * max(pauses), 10 * median(pauses))
    return max(timedelta(days=round(seconds / 86_400)), _EXPECT_LEAST)
