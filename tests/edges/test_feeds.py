"""Feeds: bytes in, entries out. A case of `tests/data/feeds` is a .feed file and the .json of what it says."""

from __future__ import annotations

import calendar
import codecs
import html
import io
import json
import time
import warnings
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher import feeds
from watcher.errors import FeedError
from watcher.feeds import entry_to_json, parse_feed
from watcher.model import FeedEntry, FetchReason, ParsedFeed
from watcher.web.plain_xml import XmlFeed, read_plain_xml

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CASES = sorted((Path(__file__).parent.parent / "data" / "feeds").glob("*.feed"))
URL = "https://feeds.example/dir/feed"


def parse(body: bytes | str, content_type: str | None = None, now: datetime = NOW) -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    return parse_feed(data, url=URL, content_type=content_type, source_id="s", now=now)


def rss(items: str) -> str:
    return f"<rss version='2.0'><channel><title>T</title><link>https://t.example/</link>{items}</channel></rss>"


def only_entry(items: str, **changed: Any) -> FeedEntry:
    (entry,) = parse(rss(items), **changed).entries
    return entry


def as_json(feed: ParsedFeed) -> dict[str, Any]:
    return {
        "title": feed.title,
        "language": feed.language,
        "damage": feed.damage,
        "entries": [
            {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in asdict(entry).items()
                if name not in ("source_id", "publisher", "language")  # feeds say none of these for each item
                and (name != "edited" or value)
            }
            for entry in feed.entries
        ],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_a_feed_says(case: Path) -> None:
    assert as_json(parse(case.read_bytes())) == json.loads(case.with_suffix(".json").read_text("utf-8"))


HTML = "<!DOCTYPE html><html><head><title>Latest news</title></head><body><p>Welcome.</p></body></html>"
CHALLENGE = HTML.replace("Latest news", "Just a moment...")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", FetchReason.EMPTY),
        (b" \n\0\n", FetchReason.EMPTY),
        (HTML, FetchReason.NOT_A_FEED),
        ("\ufeff\n<!-- hi -->\n" + HTML, FetchReason.NOT_A_FEED),
        (CHALLENGE, FetchReason.BLOCKED),
        ("just text", FetchReason.NOT_A_FEED),
        ("/etc/hostname", FetchReason.NOT_A_FEED),
        ("<?xml version='1.0'?><opml version='2.0'><body/></opml>", FetchReason.NOT_A_FEED),
        ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url/></urlset>", FetchReason.NOT_A_FEED),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), FetchReason.NOT_A_FEED),
        ('{"error": "not found"}', FetchReason.NOT_A_FEED),
        ("[1, 2]", FetchReason.NOT_A_FEED),
        ("[" * 100_000, FetchReason.NOT_A_FEED),
        ('{"version": "https://jsonfeed.org/version/2", "items": []}', FetchReason.NOT_A_FEED),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": {}}', FetchReason.NOT_A_FEED),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1', FetchReason.TRUNCATED),
        ("<rss version='2.0'><channel><title>T</title><item><title>On", FetchReason.TRUNCATED),
        ("<rss version='2.0'><channel><title>T</ti", FetchReason.TRUNCATED),
    ],
)
def test_what_is_no_feed(body: bytes | str, reason: FetchReason) -> None:
    with pytest.raises(FeedError) as caught:
        parse(body)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "body",
    [
        rss(""),
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title></feed>',
        '{"version": "https://jsonfeed.org/version/1", "title": "T", "items": []}',
    ],
)
def test_a_feed_without_entries_is_no_error(body: str) -> None:
    assert parse(body) == ParsedFeed(title="T", language=None, entries=(), damage=None)


TEXT = "Überfall – перемирие"


@pytest.mark.parametrize(
    ("encoding", "mark", "prolog", "content_type"),
    [
        ("utf-8", b"", None, None),
        ("utf-8", codecs.BOM_UTF8, "windows-1251", "application/xml; charset=koi8-r"),
        ("utf-8", b"", "iso-8859-1", "application/rss+xml; charset=iso-8859-1"),
        ("utf-8", b"", None, "text/xml"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16", None),
        ("utf-16-be", b"", None, None),
        ("utf-32-le", codecs.BOM_UTF32_LE, None, None),
        ("windows-1251", b"", "windows-1251", "text/xml"),
        ("windows-1251", b"", None, "text/xml; charset=windows-1251"),
        ("koi8-r", b"", "utf-8", "text/xml; charset='koi8-r'"),
        ("koi8-r", b"", "koi8-r", None),
    ],
)
def test_encodings_that_agree_or_not(encoding: str, mark: bytes, prolog: str | None, content_type: str | None) -> None:
    title = TEXT if encoding.startswith("utf") else "Перемирие на границе"
    declaration = f"<?xml version='1.0' encoding='{prolog}'?>" if prolog else ""
    body = mark + (declaration + rss(f"<item><title>{title}</title></item>")).encode(encoding)
    assert parse(body, content_type).entries[0].title == title


def test_a_latin_1_feed_without_any_declaration() -> None:
    body = rss("<item><title>L’été à Genève</title></item>").encode("windows-1252")
    assert parse(body).entries[0].title == "L’été à Genève"


@pytest.mark.parametrize("charset", ["punycode", "zip", "idna", "unicode_escape", "utf-16", "no-such", "\u00fc"])
def test_a_declared_encoding_that_no_feed_has(charset: str) -> None:
    body = rss("<item><title>Zürich</title></item>").encode("windows-1252")
    assert parse(body, f"text/xml; charset={charset}").entries[0].title == "Zürich"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("Fri, 20 Nov 2026 12:15:00 GMT", NOW + timedelta(minutes=15)),
        ("Fri, 20 Nov 2026 12:15:01 GMT", None),
        ("Fri, 20 Nov 2026 13:00:00 CEST", NOW - timedelta(hours=1)),
        ("Fri, 20 Nov 2026 07:00 EST", NOW),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +0000", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates(stated: str, expected: datetime | None) -> None:
    assert only_entry(f"<item><title>A</title><pubDate>{stated}</pubDate></item>").published_at == expected


BODY = "".join(f"<p>Paragraph {n} of the report says what happened at the border that day.</p>" for n in range(20))


@pytest.mark.parametrize(
    ("content", "is_full"),
    [(BODY, True), (BODY + "<p>Read more</p>", False), (BODY + "<p>The rest […]</p>", False), ("<p>Short.</p>", False)],
)
def test_full_text_is_told_from_a_teaser(content: str, is_full: bool) -> None:
    feed = rss(
        f"<item><title>A</title><description>Teaser.</description><content:encoded><![CDATA[{content}]]></content:encoded></item>"
    )
    (entry,) = parse(feed.replace("<rss ", "<rss xmlns:content='http://purl.org/rss/1.0/modules/content/' ")).entries
    assert entry.is_full_text is is_full
    assert entry.summary.startswith("Paragraph 0" if content.startswith("<p>Par") else "Teaser")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("", None),
        ("<ttl>15</ttl>", timedelta(minutes=15)),
        ("<ttl> 15 </ttl><sy:updatePeriod>daily</sy:updatePeriod>", timedelta(minutes=15)),
        ("<ttl>0</ttl>", None),
        ("<ttl>-5</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>9999999999</ttl>", None),
        (
            "<sy:updatePeriod> hourly\n</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            timedelta(minutes=15),
        ),
        ("<sy:updatePeriod>daily</sy:updatePeriod>", timedelta(days=1)),
        ("<sy:updatePeriod>Weekly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", timedelta(weeks=1)),
        ("<sy:updatePeriod>never</sy:updatePeriod>", None),
        ("<sy:updateFrequency>2</sy:updateFrequency>", None),
    ],
)
def test_how_often_a_feed_asks_to_be_read(stated: str, expected: timedelta | None) -> None:
    feed = rss(stated).replace("<rss ", "<rss xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' ")
    assert parse(feed).every == expected


def test_lengths_are_capped() -> None:
    entry = only_entry(
        f"<item><title>{'t' * 5_000}</title><guid>{'g' * 5_000}</guid><description>{'d' * 300_000}</description>"
        f"<link>https://e.example/{'l' * 9_000}</link></item>"
    )
    assert (len(entry.title), len(entry.guid or ""), len(entry.summary), entry.url) == (1_000, 2_000, 100_000, None)


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        + "".join(f'<!ENTITY {chr(98 + n)}{n} "{f"&{chr(97 + n)}{n - 1};" * 10}">' for n in range(1, 12))
        + "]>" + rss("<item><title>&m11;&b;</title></item>"),
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + rss("<item><title>[&x;]</title></item>"),
        '<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1:9/evil.dtd"> %x;]>' + rss("<item><title>ok</title></item>"),
        '<!DOCTYPE rss [<!ENTITY x "' + "y" * 50_000 + '">]>' + rss("<item><title>" + "&x;" * 5_000 + "</title></item>"),
        rss("<item><title>" + "<b>" * 50_000 + "deep</title></item>"),
        rss("<item><title>deep</title><description>" + "&lt;div&gt;" * 100_000 + "</description></item>"),
        rss("<item><title>" + "&amp;" * 200_000 + "lt;</title></item>"),
        rss("<item " * 100_000),
        rss("<![CDATA[" * 100_000),
        rss("<item><title>a</title>" + "</item" * 100_000),
        rss("<item><title a=" + "'\"" * 200_000 + "></title></item>"),
        "<rss version='2.0'>" + "<!-- -- " * 100_000,
        "<?xml " * 100_000 + rss(""),
        rss("<item><title>&#99999999999999999999;&#x110000;&#xD800;&#;&#x;</title></item>"),
    ],
    ids=["laughs", "file", "remote dtd", "quadratic", "deep", "deep html", "ampersands", "items", "cdata", "ends", "quotes", "comments", "prologs", "references"],
)  # fmt: skip
def test_hostile_feeds_are_harmless(body: str) -> None:
    started = time.process_time()
    try:
        feed = parse(body)
    except FeedError:
        feed = None
    assert time.process_time() - started < 10
    if feed:
        hostname = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else "never"
        assert all(len(entry.title) <= 1_000 and f"[{hostname}]" not in entry.title for entry in feed.entries)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("&lt;script&gt;alert(1)&lt;/script&gt;Fire", "Fire"),
        ("<![CDATA[<img src=x onerror=alert(1)>Fire <b>out</b>]]>", "Fire out"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Fire", "Fire"),
        ("Ceasefire\u202e.exe\u2066 holds\u2069", "Ceasefire.exe holds"),
        ("A\u0007B&#8;C&#x1b;[31mD\ufeff\U000e0041", "ABC[31mD"),
        ("One\u2028two\u2029three", "One two three"),
        ("x" * 2_000_000, "x" * 1_000),
        ("&lt;b&gt;" * 200 + "deep", "deep"),
        ("&#x202e;&#8238;Fire", "Fire"),
    ],
    ids=["script", "cdata", "escaped twice", "bidi", "controls", "line ends", "megabytes", "nested", "references"],
)
@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_titles_that_mean_harm(kind: str, title: str, expected: str) -> None:
    if kind == "json":
        written = json.dumps(html.unescape(title.removeprefix("<![CDATA[").removesuffix("]]>")))
        body = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"id": "1", "url": "/1", "title": {written}}}]}}'
    elif kind == "atom":
        body = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title type="html">{title}</title></entry></feed>'
    else:
        body = rss(f"<item><title>{title}</title></item>")
    started = time.process_time()
    (entry,) = parse(body).entries
    assert time.process_time() - started < 5
    assert entry.title == expected


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_feed_of_a_hundred_thousand_entries_is_read_in_seconds(is_plain: bool) -> None:
    items = "".join(f"<item><title>Title {n}</title><link>/{n}</link></item>" for n in range(100_000))
    started = time.process_time()
    feed = parse(rss(items if is_plain else items[:2_000_000] + "<item>&oops;</item>"))
    assert time.process_time() - started < 60
    assert len(feed.entries) > 20_000


@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: rss(f"<item><title>{text}</title></item>").encode("utf-8", "replace"))
)
def test_any_bytes_give_a_feed_or_a_feed_error(body: bytes) -> None:
    try:
        feed = parse(body)
    except FeedError:
        return
    for entry in feed.entries:
        (entry.title + entry.summary + (entry.guid or "") + (entry.url or "")).encode("utf-8")
        assert not any(char in entry.title for char in "\x00\n\u202e\x1b")


@given(st.integers(min_value=0, max_value=400))
def test_a_feed_cut_anywhere_gives_whole_entries_only(end: int) -> None:
    whole = rss("".join(f"<item><title>Title {n}</title><link>https://t.example/{n}</link></item>" for n in range(4)))
    try:
        feed = parse(whole[:end])
    except FeedError as error:
        assert error.reason in (FetchReason.TRUNCATED, FetchReason.NOT_A_FEED, FetchReason.EMPTY)
        return
    assert feed.damage is (None if end >= len(whole) else FetchReason.TRUNCATED)
    assert [(entry.title, entry.url) for entry in feed.entries] == [
        (f"Title {n}", f"https://t.example/{n}") for n in range(len(feed.entries))
    ]


def test_the_line_of_an_entry() -> None:
    entry = FeedEntry("s", "g", "https://e.example/1", "T", "S", False, datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert entry_to_json("feed.xml", entry) == {
        "input": "feed.xml",
        "id": "g",
        "url": "https://e.example/1",
        "title": "T",
        "published": "2026-11-20T09:00:00+00:00",
        "summary": "S",
    }


def reference(body: bytes) -> list[tuple[str, datetime | None]]:
    """What feedparser itself reads: link and date of each entry."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it warns about its own aliases
        found = feedparser.parse(io.BytesIO(body), response_headers={"content-location": URL})
        stated = [(one.get("link"), one.get("published_parsed") or one.get("updated_parsed")) for one in found.entries]
    return [(link, datetime.fromtimestamp(calendar.timegm(date), UTC) if date else None) for link, date in stated]


@pytest.mark.shared_data
def test_real_feeds_are_read_as_feedparser_reads_them(shared_data: Path) -> None:
    files = [path for path in (shared_data / "feeds" / "real").iterdir() if path.is_file()]
    files += (shared_data / "feeds" / "miniflux" / "internal" / "reader" / "parser" / "testdata").glob("*.xml")
    same = total = 0
    for path in files:
        expected = reference(path.read_bytes())
        feed = parse(path.read_bytes(), now=datetime(2027, 1, 1, tzinfo=UTC))
        total += max(len(expected), len(feed.entries))
        same += sum(
            ours.url == link and ours.published_at == (date if date and date.year > 1990 else None)
            for ours, (link, date) in zip(feed.entries, expected, strict=False)
        )
    assert total > 2_000
    assert same / total >= 0.99


def parse_both_ways(body: bytes) -> tuple[ParsedFeed | str, ParsedFeed | str, bool]:
    """What is read, what feedparser alone reads, and whether the former did without feedparser."""
    is_plain = False

    def read_plain(document: bytes) -> XmlFeed | None:
        nonlocal is_plain
        found = read_plain_xml(document)
        is_plain = found is not None
        return found

    results: list[ParsedFeed | str] = []
    for read in (read_plain, lambda document: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feeds, "read_plain_xml", read)
            try:
                results.append(parse(body))
            except FeedError as error:
                results.append(error.reason)
    return results[0], results[1], is_plain


NAMESPACES = (
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:x="urn:x" xmlns:y="http://y.example/ns"'
)
TEXTS = st.sampled_from(
    [
        "", " ", "One", "Two &amp; three", "<![CDATA[<p>Four</p><br/>five]]>", "&lt;b&gt;six&lt;/b&gt;", "\n seven \n",
        "https://t.example/8?a=1&amp;b=2", "https:///t.example/9", "/10", "urn:11", "Ã¼ber", "\x93quoted\x94", "été",
        "Fri, 20 Nov 2026 10:00:00 GMT", "2026-11-19T08:00:00+04:00", "soon", "2026-W47-5", "<!-- no -->yes",
    ]
)  # fmt: skip
ATTRIBUTES = st.sampled_from(
    [
        "", "", "", ' type="html"', ' type="text"', ' type="xhtml"', ' type="TEXT/HTML"', ' type="image/png"', ' mode="base64"',
        ' href="https://t.example/12"', ' href="" rel="self"', ' rel="related" href="/13"', ' REL="Self" href="/14"',
        ' rel="enclosure" type="audio/mpeg" url="https://t.example/15.mp3"', ' isPermaLink="false"', ' xml:base="/dir/"',
        ' isPermaLink="true"', ' x:href="/16"', ' url="https://t.example/17"', ' xml:lang="fr"',
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    "title link guid id description summary content pubDate published updated created author category comments source "
    "enclosure image ttl language date body item info name x:title y:name dc:title dc:date dc:creator dc:description "
    "dcterms:issued dcterms:modified content:encoded atom:link atom:updated itunes:summary itunes:image media:group media:content "
    "media:title media:description media:thumbnail sy:updatePeriod div p".split()
)


ORDINARY = st.sampled_from(
    [
        "<title>One</title>", "<title/>", "<title>&lt;b&gt;Two</title>", "<link>https://t.example/1?a=1&amp;b=2</link>",
        "<link>https:///t.example/2</link>", '<link href="/3" rel="alternate"/>', '<link href="/4"/>',
        '<link rel="related" type="text/plain" href="/5"/>', '<atom:link rel="self" href="/6"/>', "<guid>/7</guid>",
        '<guid isPermaLink="false">8</guid>', "<id>urn:9</id>", "<description>Ten</description>", "<summary>Eleven</summary>",
        "<description/>", "<content:encoded><![CDATA[<p>Twelve</p>]]></content:encoded>", '<content type="html">&lt;p&gt;13</content>',
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">14<br/><b>15</b></div></content>',
        "<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>", "<updated>2026-11-19T08:00:00+04:00</updated>",
        "<dc:date>2026-11-18</dc:date>", "<dcterms:created>2026-11-17</dcterms:created>", "<published/>",
        "<dc:title>Sixteen</dc:title>", "<media:title>Seventeen</media:title>", '<media:content url="/18" medium="image"/>',
        "<media:group><media:title>19</media:title><media:description>20</media:description></media:group>",
        '<media:content url="/21"><media:description>22</media:description><media:credit>23</media:credit></media:content>',
        "<itunes:summary>24</itunes:summary>", '<enclosure url="https://t.example/25.mp3" type="audio/mpeg"/>',
        "<author><name>26</name><uri>/27</uri></author>", '<source url="https://t.example/28">29</source>',
        "<category>30</category>", "<x:title>31</x:title>", '<y:link x="32"/>', "<ttl>33</ttl>", "<language>fr-FR</language>",
        "<image><url>/34</url><title>35</title><link>/36</link></image>", "<sy:updatePeriod>hourly</sy:updatePeriod>",
    ]
)  # fmt: skip


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    if draw(st.integers(0, 7)):
        return draw(ORDINARY)
    name = draw(NAMES)
    inner = draw(TEXTS)
    if depth < 2 and draw(st.integers(0, 3)) == 0:
        inner += "".join(draw(st.lists(elements(depth=depth + 1), max_size=3)))
    return f"<{name}{draw(ATTRIBUTES)}>{inner}</{name}>"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Feeds of every format whose elements stand anywhere and say anything."""
    about = "".join(draw(st.lists(elements(), max_size=4)))
    items = ["".join(draw(st.lists(elements(), max_size=7))) for _ in range(draw(st.integers(0, 3)))]
    kind = draw(st.sampled_from(["rss", "rss", "feed", "atom", "rdf"]))
    if kind == "rss":
        inner = "".join(f"<item>{item}</item>" for item in items)
        return f'<rss version="2.0" {NAMESPACES}><channel>{about}{inner}</channel></rss>'
    if kind == "rdf":
        inner = "".join(f'<item rdf:about="urn:{n}">{item}</item>' for n, item in enumerate(items))
        return (
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
            f"{NAMESPACES}><channel>{about}</channel>{inner}</rdf:RDF>"
        )
    inner = "".join(f"<entry>{item}</entry>" for item in items)
    default = ' xmlns="http://www.w3.org/2005/Atom"' if kind == "atom" else ""
    return f"<feed{default} {NAMESPACES}>{about}{inner}</feed>"


@given(documents())
@settings(max_examples=300, deadline=None)
def test_the_quick_reader_reads_what_feedparser_reads(document: str) -> None:
    ours, theirs, _ = parse_both_ways(document.encode())
    assert ours == theirs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_quick_reader_agrees_on_what_a_feed_says(case: Path) -> None:
    ours, theirs, _ = parse_both_ways(case.read_bytes())
    assert ours == theirs


@pytest.mark.shared_data
def test_the_quick_reader_agrees_on_real_feeds_and_reads_most(shared_data: Path) -> None:
    files = [path for path in (shared_data / "feeds" / "real").iterdir() if path.is_file()]
    files += (shared_data / "feeds" / "miniflux").rglob("*.xml")
    plain = 0
    for path in files:
        ours, theirs, is_plain = parse_both_ways(path.read_bytes())
        assert ours == theirs, path.name
        assert isinstance(ours, ParsedFeed) or b"<note>" in path.read_bytes(), path.name
        plain += is_plain
    assert plain >= 0.8 * len(files)
