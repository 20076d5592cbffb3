"""Index pages: the links that a CSS selector finds are the news of a site that has no feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from watcher.errors import FeedError
from watcher.fetch import Fetcher
from watcher.model import Bookmark, FeedEntry, FetchReason, Source
from watcher.sources.base import Harvest
from watcher.sources.feed import fetch_changed, hash_entries
from watcher.web.markup import tidy_line
from watcher.web.pages import compile_selector, parse_page, text_of
from watcher.web.published import believable, parse_date
from watcher.web.urls import absolute_url, canonical_url
from watcher.workers import Workers

_MAX_LINKS = 1_000  # a page of an archive has a hundred
_MAX_TITLE_CHARS = 1_000
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads index pages; one whose links did not change costs no look into the store."""

    fetcher: Fetcher
    workers: Workers
    clock: Callable[[], datetime]

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """The articles that the page links to, or that it has not changed, or why it cannot be read."""
        fetched = await fetch_changed(self.fetcher, source.url, bookmark)
        if isinstance(fetched, Harvest):
            return fetched
        try:
            entries = await self.workers.compute(
                read_links,
                fetched.body,
                url=fetched.final_url,
                content_type=fetched.content_type,
                selector=source.selector,
                source_id=source.id,
                now=self.clock(),
            )
        except FeedError as error:
            return Harvest(error.reason, str(error), bookmark=Bookmark())
        # Of what is listed: most index pages change with every visit, their advertisements, the hour, a token.
        listed = hash_entries(entries)
        is_same = listed == bookmark.body_hash
        return Harvest(
            FetchReason.NOT_MODIFIED if is_same else FetchReason.OK,
            entries=() if is_same else entries,
            is_whole=True,
            bookmark=Bookmark(fetched.etag, fetched.last_modified, listed),
            undated_are_old=True,
            fresh_for=fetched.fresh_for,
        )


def read_links(
    body: bytes, *, url: str, content_type: str | None, selector: str, source_id: str, now: datetime
) -> tuple[FeedEntry, ...]:
    """The links that ``selector`` finds, in the order of the page; several to one address are one.

    ``url`` is where the body came from. Raises FeedError with the reason NOT_A_FEED or NO_LINKS, ValueError for a
    selector that cannot be read.
    """
    root = parse_page(body, content_type)
    if root is None:
        raise FeedError("not an html page", FetchReason.NOT_A_FEED)
    base = absolute_url(url, next((found.get("href") for found in root.iter("base")), None)) or url
    here = canonical_url(url)
    links: dict[str, list[tuple[etree._Element, str]]] = {}  # by canonical address
    for link in _links(compile_selector(selector)(root)):
        address = absolute_url(base, link.get("href"))
        if address is None or (same := canonical_url(address)) == here:
            continue
        if same in links or len(links) < _MAX_LINKS:
            links.setdefault(same, []).append((link, address))
    if not links:
        raise FeedError(f"the selector {selector!r} finds no link", FetchReason.NO_LINKS)
    chosen = {link for of_one in links.values() for link, _ in of_one}
    return tuple(
        FeedEntry(
            source_id=source_id,
            guid=None,
            url=of_one[0][1],
            title=_title([link for link, _ in of_one]),
            summary="",
            is_full_text=False,
            published_at=believable(_date_beside([link for link, _ in of_one], chosen), now),
        )
        for of_one in links.values()
    )


def _links(selected: Sequence[etree._Element]) -> Iterator[etree._Element]:
    """What was selected, where it is a link; else the link around it, else the links in it."""
    given = set()
    for element in selected:
        around = next(element.iterancestors("a"), None)
        for link in [element] if element.tag == "a" else [around] if around is not None else element.iter("a"):
            if link not in given:
                given.add(link)
                yield link


def _title(links: Sequence[etree._Element]) -> str:
    """The longest of what the links to one article say: their heading, else their text, else what their image shows."""
    headings = [text_of(heading) for link in links for heading in link.iter(*_HEADINGS)]
    texts = [text_of(link) for link in links]
    described = [
        element.get(name) or "" for link in links for element in link.iter() for name in ("alt", "title", "aria-label")
    ]
    for candidates in (headings, texts, described):
        title = max(map(tidy_line, candidates), key=len, default="")
        if title:
            return title[:_MAX_TITLE_CHARS].rstrip()
    return ""


def _date_beside(links: Sequence[etree._Element], chosen: AbstractSet[etree._Element]) -> datetime | None:
    """The moment of the only <time> in the largest block around a link that holds no link to another article."""
    for link in links:
        moments: set[str] = set()
        for block in (link, *link.iterancestors()):
            if any(other in chosen and other not in links for other in block.iter("a")):
                break
            moments = {stated for time in block.iter("time") if (stated := time.get("datetime"))}
        if len(moments) == 1:
            return parse_date(moments.pop().strip())
    return None
