"""Index pages: which links become articles, under which titles and dates, and what a page may not do to us.

The samples have the structure of listings that WordPress themes, Drupal views and government sites write; the words are
our own.
"""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import NewsServer, Page
from watcher.errors import FeedError
from watcher.fetch import Fetcher
from watcher.model import Bookmark, FetchReason, Source, SourceKind
from watcher.sources import Harvest
from watcher.sources.page import PageReader, read_links
from watcher.web.pages import compile_selector, parse_page
from watcher.workers import Workers

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT = "https://ministry.example/press/"
Links = list[tuple[str | None, str, datetime | None]]


def read(body: bytes | str, selector: str, url: str = AT) -> Links:
    raw = body.encode() if isinstance(body, str) else body
    found = read_links(raw, url=url, content_type="text/html; charset=utf-8", selector=selector, source_id="m", now=NOW)
    return [(one.url, one.title, one.published_at) for one in found]


WORDPRESS = """<!doctype html><html><head><title>Press</title></head><body>
<nav><a href="/">Home</a> <a href="/press/">Press</a></nav>
<main id="main">
 <article class="post-12 type-post hentry">
  <div class="post-thumbnail"><a href="https://ministry.example/press/frontier-closed/"><img src="g.jpg" alt="A barrier, lowered"></a></div>
  <header><h2 class="entry-title"><a href="https://ministry.example/press/frontier-closed/" rel="bookmark">Frontier closed<br>until Friday</a></h2>
  <div class="meta"><a href="https://ministry.example/press/frontier-closed/"><time class="entry-date published" datetime="2026-03-02T13:05:00+04:00">2 March</time></a>
   <span class="comments"><a href="https://ministry.example/press/frontier-closed/#comments">3 comments</a></span></div></header>
  <p>The ministry says why. <a class="more" href="https://ministry.example/press/frontier-closed/?utm_source=list">Read more</a></p>
 </article>
 <article class="post-11 type-post hentry">
  <h2 class="entry-title"><a href="../press/envoys-meet">Envoys&nbsp;meet &amp; talk</a></h2>
  <time class="published" datetime="2026-03-01">1 March</time><time class="updated" datetime="2026-03-02T08:00:00Z">2 March</time>
 </article>
 <nav class="pagination"><a href="/press/page/2/">Older</a></nav>
</main><footer><a href="https://elsewhere.example/">Partner</a></footer></body></html>"""

FRONTIER = (
    "https://ministry.example/press/frontier-closed/",
    "Frontier closed until Friday",
    datetime(2026, 3, 2, 9, 5, tzinfo=UTC),
)
ENVOYS = ("https://ministry.example/press/envoys-meet", "Envoys meet & talk", None)

CARDS = """<html><head><base href="https://cdn.example/en/"></head><body><div class="view-content">
 <a class="card" href="news/7"><img alt="x" src="7.jpg"><h3>Convoy halted</h3><p>Eleven lorries wait at the bridge.</p></a>
 <div class="card"><a href="news/6" title="Two villages without water"><img src="6.jpg"></a></div>
 <div class="card"><a href="news/5" aria-label="Talks begin"></a></div>
 <div class="card"><a href="https://other.example/a?x=1&amp;y=2">A guest&#8217;s view</a></div>
</div></body></html>"""


@pytest.mark.parametrize(
    ("body", "selector", "expected"),
    [
        (WORDPRESS, "h2.entry-title a", [FRONTIER, ENVOYS]),
        (WORDPRESS, "article a", [FRONTIER, ENVOYS]),  # image, heading, date, comments and "read more" are one article
        (WORDPRESS, "article", [FRONTIER, ENVOYS]),  # the links in what is selected
        (WORDPRESS, "#main h2", [FRONTIER, ENVOYS]),
        (WORDPRESS, "footer a", [("https://elsewhere.example/", "Partner", None)]),  # another host, since it is selected
        (WORDPRESS, "a[href$='page/2/'], h2 > a[rel~=bookmark]", [FRONTIER, ("https://ministry.example/press/page/2/", "Older", None)]),
        (CARDS, ".card, .card h3", [
            ("https://cdn.example/en/news/7", "Convoy halted", None),
            ("https://cdn.example/en/news/6", "Two villages without water", None),
            ("https://cdn.example/en/news/5", "Talks begin", None),
            ("https://other.example/a?x=1&y=2", "A guest’s view", None),
        ]),
        (CARDS, ".card h3", [("https://cdn.example/en/news/7", "Convoy halted", None)]),  # the link around it
        ("<p><a href='a'>A</a><a href='mailto:x@y.example'>B</a><a href='javascript:alert(1)'>C</a><a href='#top'>D</a>"
         "<a href='tel:1'>E</a><a href='data:text/html,x'>F</a><a name='g'>G</a><a href=''>H</a><a href='http://['>I</a>",
         "a", [(f"{AT}a", "A", None)]),
        ("<ul><li><a href='a'>A \x07\u202eb</a><li><a href='b&#xD800;'>&#xD83D;&#0;\x00B &lt;script&gt;x</a>", "li a",
         [(f"{AT}a", "A b", None), (f"{AT}b�", "��B", None)]),
        ("<p><a href='a'>A</a> <time datetime='2026-09-09'>later</time>", "a", [(f"{AT}a", "A", None)]),
        ("<a href='a'>Ärger</a>".encode("cp1252"), "a", [(f"{AT}a", "Ärger", None)]),
        ("<div>" * 5_000 + "<a href='deep'>Deep</a>", "p", []),
    ],
)  # fmt: skip
def test_links_become_articles(body: bytes | str, selector: str, expected: Links) -> None:
    try:
        found = read(body, selector)
    except FeedError as error:
        assert error.reason is FetchReason.NO_LINKS
        found = []
    assert found == expected


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        ("<html><body><p>Nothing today</p></body></html>", FetchReason.NO_LINKS, "the selector 'h2 a' finds no link"),
        ("<h2><a href='#x'>Up</a></h2>", FetchReason.NO_LINKS, "finds no link"),
        ('{"items": []}', FetchReason.NOT_A_FEED, "not an html page"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", FetchReason.NOT_A_FEED, "not an html page"),
    ],
)
def test_a_page_without_the_links_is_told_by_name(body: bytes | str, reason: FetchReason, words: str) -> None:
    with pytest.raises(FeedError, match=words) as caught:
        read(body, "h2 a")
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "selector", ["", "a[", "h2 >", "a::attr(href)", "a:unknown", "ns|a", "a" * 100_000, "(" * 5_000]
)
def test_what_is_no_selector_is_told(selector: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compile_selector(selector)


@pytest.mark.parametrize("selector", ["li ~ li a", "li:nth-child(2n+1) a", "li + li a", "ul:has(a) li:last-child a"])
@pytest.mark.parametrize(
    "page", ["<li><a href=x>y</a>" * 100_000, ("<ul>" + "<li><a href=x>y</a>" * 300 + "</ul>") * 300]
)
def test_no_page_makes_a_selector_search_for_long(selector: str, page: str) -> None:
    root = parse_page(page.encode(), None)
    assert root is not None
    started = time.process_time()
    compile_selector(selector)(root)
    assert time.process_time() - started < 30  # without bounds: hours


def test_long_lists_are_cut_at_their_end() -> None:
    found = read("<ul>" + "".join(f"<li><a href='{n}'>N</a>" for n in range(5_000)), "li a")
    assert [url for url, _, _ in found] == [f"{AT}{n}" for n in range(300)]


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"<html><a href=", b"<a href='x'><time datetime='", b"<base href='"])
)
def test_whatever_the_bytes_are_nothing_but_a_feed_error_comes(body: bytes, start: bytes) -> None:
    with contextlib.suppress(FeedError):
        read(start + body, "a")


class Reading:
    """Polls one page again and again, as ingest does."""

    def __init__(self, url: str, selector: str) -> None:
        self.source = Source("m", url, SourceKind.PAGE, selector=selector)
        self.bookmark = Bookmark()

    async def poll(self) -> Harvest:
        workers = Workers(1)
        async with Fetcher(
            user_agent="test", timeout=timedelta(seconds=10), max_bytes=5_000_000, concurrency=9, per_host=9,
            allow_private_networks=True, clock=lambda: NOW,
        ) as fetcher:  # fmt: skip
            harvest = await PageReader(fetcher, workers, lambda: NOW).read(self.source, self.bookmark)
        workers.close()
        self.bookmark = harvest.bookmark or self.bookmark
        return harvest


async def test_a_page_that_lists_the_same_is_not_modified_whatever_else_changed_on_it() -> None:
    async with NewsServer() as server:
        reading = Reading(server.publish("/press/", Page(WORDPRESS.encode(), "text/html")), "h2 a")
        first = await reading.poll()
        assert (first.reason, len(first.entries), first.is_whole, first.undated_are_old) == (
            FetchReason.OK,
            2,
            True,
            True,
        )
        server.publish("/press/", Page(WORDPRESS.replace("The ministry says", "It is noon:").encode(), "text/html"))
        assert (await reading.poll()).reason is FetchReason.NOT_MODIFIED
        changed = WORDPRESS.replace('href="../press/envoys-meet"', 'href="/press/third"')
        server.publish("/press/", Page(changed.encode(), "text/html", etag='"3"'))
        again = await reading.poll()
        assert [one.url for one in again.entries] == [FRONTIER[0], server.url("/press/third")]
        assert (await reading.poll()).reason is FetchReason.NOT_MODIFIED
        server.publish("/press/", Page(b"<html><title>Just a moment...</title></html>", "text/html"))
        assert (await reading.poll()).reason is FetchReason.BLOCKED
        server.publish("/press/", Page(b"<html><p>We have moved.</html>", "text/html"))
        assert (await reading.poll()).reason is FetchReason.NO_LINKS
        server.publish("/press/", Page(changed.encode(), "text/html", etag='"3"'))
        assert len((await reading.poll()).entries) == 2
