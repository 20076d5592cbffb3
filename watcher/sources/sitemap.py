"""Sitemaps, https://www.sitemaps.org/protocol.html: news sitemaps, plain ones, plain text, indexes, compressed or not.

A sitemap lists everything that a site has, over and over. What was listed before is told by short hashes of groups of
its addresses, so that only groups in which something changed are looked up; and of an index only those sitemaps are
fetched that changed since, as the index says.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from lxml import etree

from watcher.errors import FeedError
from watcher.fetch import Fetcher, hash_body
from watcher.model import Bookmark, FeedEntry, Fetched, FetchFailed, FetchReason, FetchTarget, NotModified, Source
from watcher.sources.base import Harvest
from watcher.web.challenges import looks_like_html, recognise_challenge
from watcher.web.encoding import decode
from watcher.web.markup import plain_text, tidy_line
from watcher.web.published import believable, parse_date
from watcher.web.urls import absolute_url, canonical_url
from watcher.workers import Workers

log = structlog.get_logger()

FOLLOWED = 50  # sitemaps of an index, those that changed last; archives go back by the month, for decades
_FETCHED_AT_ONCE = 10  # of them, after which the other sources have their turn
_TRIES = 3  # first readings that wait for one that cannot be read
# Entries of one reading: the first only notes what is there; later ones may have a page to fetch for each.
_FIRST_ENTRIES = 2_500
_LATER_ENTRIES = 500
_GROUPS = 64  # of the addresses of a sitemap: of 50,000, which the protocol allows, one new one has 780 looked up
_GROUP_BYTES = 4  # of a group's hash: one change in four billion goes unnoticed until the next
_REMEMBERED_CHILDREN = 10_000
_GONE = (404, 410)
_MAX_TITLE_CHARS = 1_000
_GZIP = b"\x1f\x8b"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ROOT = re.compile(r"<((?:[\w.-]+:)?(urlset|sitemapindex|rss|rdf|feed))(?=[\s>/])", re.IGNORECASE)
# An ampersand that begins no reference of XML, and whole CDATA sections, in which it is itself.
_AMPERSAND = re.compile(r"(<!\[CDATA\[.*?\]\]>)|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)", re.DOTALL)
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_][a-z]+)?", re.IGNORECASE)  # zh-cn
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Listed:
    """What one sitemap lists."""

    entries: tuple[FeedEntry, ...] = ()  # each address once, in order
    children: Mapping[str, str | None] = field(default_factory=dict)  # of an index: addresses and when they changed
    is_index: bool = False
    is_cut: bool = False  # only what stood before the cut


@dataclass(frozen=True, slots=True)
class _Child:
    """What is remembered of a sitemap of an index."""

    changed: str | None = None  # as the index stated it when it was read last
    etag: str | None = None
    last_modified: str | None = None
    groups: str = ""  # hashes of its groups of addresses
    is_read: bool = False  # to its end
    tries: int = 0  # that failed before it was read for the first time


@dataclass(frozen=True, slots=True)
class _Memory:
    """What a cursor holds."""

    groups: str = ""  # of a sitemap that is no index
    children: Mapping[str, _Child] = field(default_factory=dict)
    passed_over: frozenset[str] = frozenset()  # short hashes of the addresses of those that are not followed
    was_read: bool = False  # all of it, once

    @classmethod
    def parse(cls, cursor: str | None) -> _Memory:
        try:
            stored = json.loads(cursor or "")
            children = {str(url): _Child(*values) for url, values in stored["children"].items()}
            return cls(str(stored["groups"]), children, frozenset(stored["passed_over"]), bool(stored["was_read"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def spell(self) -> str:
        children = {
            url: (one.changed, one.etag, one.last_modified, one.groups, one.is_read, one.tries)
            for url, one in self.children.items()
        }
        stored = {
            "groups": self.groups,
            "children": children,
            "passed_over": sorted(self.passed_over),
            "was_read": self.was_read,
        }
        return json.dumps(stored)


@dataclass(frozen=True, slots=True)
class SitemapReader:
    """Reads sitemaps; one that did not change costs no parse."""

    fetcher: Fetcher
    workers: Workers
    clock: Callable[[], datetime]

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """Addresses that are new or have a new title, or that nothing changed, or why it cannot be read."""
        memory = _Memory.parse(bookmark.cursor)
        outcome = await self.fetcher.fetch(FetchTarget(source.url, bookmark.etag, bookmark.last_modified))
        if isinstance(outcome, FetchFailed):
            return Harvest.failed(outcome)
        if isinstance(outcome, NotModified) or bookmark.body_hash == hash_body(outcome.body):
            # Of sitemaps that the index does not date, it cannot say that they are the same.
            undated = {url: None for url, child in memory.children.items() if child.changed is None}
            if not undated:
                return Harvest(FetchReason.NOT_MODIFIED, fresh_for=outcome.fresh_for)
            return await self._read_children(source, undated, memory, memory.children, bookmark)
        try:
            listed = await self._parse(source, outcome)
        except FeedError as error:
            return Harvest(error.reason, str(error), bookmark=Bookmark(cursor=bookmark.cursor))
        mark = Bookmark(outcome.etag, outcome.last_modified, hash_body(outcome.body))
        if listed.is_cut:
            return self._cut_off(listed, bookmark)
        if not listed.is_index:
            return self._read_whole(source, outcome, listed, memory, mark)
        return await self._read_index(source, listed, memory, mark)

    def _cut_off(self, listed: Listed, bookmark: Bookmark) -> Harvest:
        # Nothing is noted: the whole one has what the part has, and the store knows what was read.
        entries = listed.entries if _Memory.parse(bookmark.cursor).was_read else ()
        detail = "the sitemap ends in the middle; what was complete is read"
        return Harvest(
            FetchReason.TRUNCATED, detail, entries[:_LATER_ENTRIES], bookmark=Bookmark(cursor=bookmark.cursor)
        )

    def _read_whole(self, source: Source, fetched: Fetched, listed: Listed, memory: _Memory, mark: Bookmark) -> Harvest:
        bound = _LATER_ENTRIES if memory.was_read else _FIRST_ENTRIES
        entries, groups, is_whole = _what_changed(listed.entries, memory.groups, bound)
        after = _Memory(groups=groups, was_read=memory.was_read or is_whole)
        reason = FetchReason.OK if entries else FetchReason.NOT_MODIFIED
        return Harvest(
            reason if listed.entries else FetchReason.EMPTY,
            "" if listed.entries else "a sitemap without addresses",
            entries,
            is_whole=is_whole,
            bookmark=replace(mark if is_whole else Bookmark(), cursor=after.spell()),
            has_more=not is_whole,
            undated_are_old=True,
            fresh_for=fetched.fresh_for,
        )

    async def _read_index(self, source: Source, listed: Listed, memory: _Memory, mark: Bookmark) -> Harvest:
        if not listed.children:
            return Harvest(FetchReason.EMPTY, "an index without sitemaps", is_whole=True, bookmark=mark)
        # What was there at the first reading and not among those that are followed is an archive: if one of its old
        # articles were touched, thousands of unknown addresses would look like news.
        ranked = sorted(listed.children, key=lambda url: _rank(url, listed.children[url]), reverse=True)
        candidates = [url for url in ranked if url in memory.children or _short(url) not in memory.passed_over]
        followed = candidates[:FOLLOWED]
        passed_over = frozenset(_short(url) for url in ranked[:_REMEMBERED_CHILDREN] if url not in followed)
        remembered = {url: memory.children.get(url, _Child()) for url in followed}
        due = {
            url: listed.children[url]
            for url in followed
            if listed.children[url] is None
            or not (one := remembered[url]).is_read
            or one.changed != listed.children[url]
        }
        return await self._read_children(source, due, replace(memory, passed_over=passed_over), remembered, mark)

    async def _read_children(
        self,
        source: Source,
        due: Mapping[str, str | None],
        memory: _Memory,
        remembered: Mapping[str, _Child],
        mark: Bookmark,
    ) -> Harvest:
        """What is new in the sitemaps that are due; those that this reading does not come to stay due."""
        children = dict(remembered)
        entries: dict[str, FeedEntry] = {}
        failures: dict[str, FetchFailed] = {}
        passed_over = set(memory.passed_over)
        bound = _LATER_ENTRIES if memory.was_read else _FIRST_ENTRIES
        for_next = list(due)[_FETCHED_AT_ONCE:]
        for url in list(due)[:_FETCHED_AT_ONCE]:
            if len(entries) >= bound:
                for_next.append(url)
                continue
            outcome = await self._read_child(source, url, due[url], children[url], bound - len(entries))
            if isinstance(outcome, FetchFailed):
                log.warning("sitemap_not_read", source_id=source.id, url=url, reason=outcome.reason.value)
                failures[url] = outcome
                tries = children[url].tries + 1
                children[url] = replace(children[url], tries=tries)
                if not memory.was_read and tries >= _TRIES:
                    passed_over.add(_short(url))
                continue
            found, children[url] = outcome
            entries |= {canonical_url(entry.url or ""): entry for entry in found}
            if not children[url].is_read:
                for_next.append(url)
        # Those that failed are tried again at the next poll, for which the index must not count as read.
        is_first_over = all(one.is_read or _short(url) in passed_over for url, one in children.items())
        is_whole = not for_next and (memory.was_read or is_first_over)
        after = replace(
            memory,
            children={url: one for url, one in children.items() if _short(url) not in passed_over},
            passed_over=frozenset(passed_over),
            was_read=memory.was_read or is_whole,
        )
        first = next(iter(failures.values()), None)
        # An index goes on listing sitemaps that are gone; it fails when one fails that could be read before, or all do.
        was_readable = any(children[url].is_read and one.status not in _GONE for url, one in failures.items())
        fails = len(failures) == len(due) and (was_readable or not any(one.is_read for one in children.values()))
        reason = FetchReason.OK if entries else FetchReason.NOT_MODIFIED
        return Harvest(
            first.reason if first and fails else reason,
            f"{len(failures)} of its sitemaps cannot be read: {next(iter(failures))}: {first.detail}" if first else "",
            tuple(entries.values()),
            is_whole=is_whole,
            bookmark=replace(Bookmark() if for_next or failures else mark, cursor=after.spell()),
            has_more=bool(for_next),
            undated_are_old=True,
        )

    async def _read_child(
        self, source: Source, url: str, changed: str | None, child: _Child, bound: int
    ) -> tuple[tuple[FeedEntry, ...], _Child] | FetchFailed:
        """What is new in one sitemap of an index, at most so many entries, and what to remember of it."""
        outcome = await self.fetcher.fetch(FetchTarget(url, child.etag, child.last_modified))
        if isinstance(outcome, FetchFailed):
            return outcome
        if isinstance(outcome, NotModified):
            return (), replace(child, changed=changed, is_read=True)
        try:
            listed = await self._parse(source, outcome)
        except FeedError as error:
            return FetchFailed(error.reason, str(error), outcome.fetched_at)
        if listed.is_index:
            return FetchFailed(FetchReason.NOT_A_FEED, "an index inside an index", outcome.fetched_at)
        if listed.is_cut:
            return FetchFailed(FetchReason.TRUNCATED, "it ends in the middle", outcome.fetched_at)
        entries, groups, is_whole = _what_changed(listed.entries, child.groups, bound)
        if not is_whole:
            return entries, _Child(None, groups=groups)
        return entries, _Child(changed, outcome.etag, outcome.last_modified, groups, is_read=True)

    async def _parse(self, source: Source, fetched: Fetched) -> Listed:
        return await self.workers.compute(
            parse_sitemap,
            fetched.body,
            url=fetched.final_url,
            content_type=fetched.content_type,
            source=source,
            now=self.clock(),
            max_bytes=self.fetcher.max_bytes,
        )


def parse_sitemap(
    body: bytes, *, url: str, content_type: str | None, source: Source, now: datetime, max_bytes: int
) -> Listed:
    """What a sitemap or an index of them lists; ``max_bytes`` bounds it after decompression.

    A publication date is one of the news extension: ``lastmod`` says that anything changed, be it the page's footer.
    Raises FeedError with the reason NOT_A_FEED, BLOCKED, TOO_LARGE or TRUNCATED (cut off before the first entry).
    """
    if body.startswith(_GZIP):
        body = _decompress(body, max_bytes)
    text = decode(body, content_type)
    if looks_like_html(text):
        challenge = recognise_challenge(body)
        if challenge:
            raise FeedError(f"a {challenge} instead of a sitemap", FetchReason.BLOCKED)
        raise FeedError("an html page instead of a sitemap", FetchReason.NOT_A_FEED)
    if not text.lstrip().startswith("<"):
        return _read_list(text, source.id)
    text = _AMPERSAND.sub(lambda found: found[1] or "&amp;", _NOT_IN_XML.sub("", _DECLARATION.sub("", text)))
    root = _ROOT.search(text)
    if root is None:
        raise FeedError("neither a sitemap nor an index of sitemaps", FetchReason.NOT_A_FEED)
    if root[2].lower() in ("rss", "rdf", "feed"):
        raise FeedError('a feed instead of a sitemap: kind = "feed" reads it', FetchReason.NOT_A_FEED)
    if "<!" in re.sub(r"<!--.*?-->", "", text[: root.start()], flags=re.DOTALL):
        raise FeedError("a sitemap with a document type, which may declare entities", FetchReason.NOT_A_FEED)
    is_empty_root = re.match(rf"<{re.escape(root[1])}\b[^>]*/>", text[root.start() :])
    is_cut = not is_empty_root and f"</{root[1]}" not in text[-1_000:]
    listed = _read_xml(text[root.start() :], url, source, now, is_cut=is_cut)
    if is_cut and not listed.entries and not listed.children:
        raise FeedError("the sitemap is cut off before its first entry ends", FetchReason.TRUNCATED)
    return replace(listed, is_index=root[2].lower() == "sitemapindex", is_cut=is_cut)


def _decompress(body: bytes, max_bytes: int) -> bytes:
    whole = bytearray()
    while body.startswith(_GZIP):
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            whole += member.decompress(body, max_bytes + 1 - len(whole))
        except zlib.error as error:
            raise FeedError("the compressed sitemap is damaged", FetchReason.TRUNCATED) from error
        if len(whole) > max_bytes:
            raise FeedError(f"the sitemap is larger than {max_bytes} bytes", FetchReason.TOO_LARGE)
        if not member.eof:
            raise FeedError("the compressed sitemap ends too early", FetchReason.TRUNCATED)
        body = member.unused_data
    return bytes(whole)


def _read_list(text: str, source_id: str) -> Listed:
    """A sitemap in plain text: one address a line."""
    lines = [line.strip() for line in text.splitlines()]
    entries = _each_once(_entry(source_id, url) for line in lines if (url := absolute_url("", line)))
    if not entries:
        raise FeedError("neither a sitemap nor a list of addresses", FetchReason.NOT_A_FEED)
    return Listed(entries)


def _read_xml(document: str, url: str, source: Source, now: datetime, *, is_cut: bool) -> Listed:
    """The entries and sitemaps of a document, with only one of them in memory at a time."""
    events = etree.iterparse(
        io.BytesIO(document.encode("utf-8")),
        events=("end",),
        tag=("{*}url", "{*}sitemap"),
        recover=True,  # one bad entry must not cost the rest
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    entries: list[FeedEntry] = []
    children: dict[str, str | None] = {}
    try:
        for _, element in events:
            parent = element.getparent()
            if parent is None or parent.getparent() is not None:
                continue  # of an extension
            parts = _parts(element)
            address = absolute_url(url, parts.get("loc"))
            if address and _name(element) == "sitemap":
                children.setdefault(address, parts.get("lastmod") or None)
            elif address:
                entries.append(_news_entry(parts, address, source, now))
            element.clear()
            while element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError:
        pass  # so deep or so wrong that even recovery ends; what came before it counts
    if is_cut and entries:
        entries.pop()  # recovery closes what was cut
    return Listed(_each_once(entries), children)


def _parts(element: etree._Element) -> dict[str, str]:
    """The texts of an entry by name, those of the news extension included, of other extensions not."""
    parts: dict[str, str] = {}
    for child in element:
        name = _name(child)
        if name == "news":
            for part in child.iter():
                parts.setdefault(f"news:{_name(part)}", "".join(part.itertext()).strip())
        elif name in ("loc", "lastmod") and _space(child) == _space(element):
            parts.setdefault(name, "".join(child.itertext()).strip())
    return parts


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _space(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[0]


def _news_entry(parts: Mapping[str, str], address: str, source: Source, now: datetime) -> FeedEntry:
    entry = _entry(source.id, address)
    if parts.keys() <= {"loc", "lastmod"}:
        return entry
    stated = _LANGUAGE.fullmatch(parts.get("news:language", ""))
    return replace(
        entry,
        title=tidy_line(plain_text(parts.get("news:title", "")))[:_MAX_TITLE_CHARS].rstrip(),
        published_at=believable(parse_date(parts.get("news:publication_date", "")), now),
        language=stated[1].lower() if stated and source.language is None else None,
    )


def _entry(source_id: str, address: str) -> FeedEntry:
    return FeedEntry(
        source_id=source_id,
        guid=None,
        url=address,
        title="",
        summary="",
        is_full_text=False,
        published_at=None,
    )


def _each_once(entries: Iterable[FeedEntry]) -> tuple[FeedEntry, ...]:
    """One entry for each address, the first with a title where there is one."""
    found: dict[str, FeedEntry] = {}
    for entry in entries:
        same = canonical_url(entry.url or "")
        if same not in found or (entry.title and not found[same].title):
            found[same] = entry
    return tuple(found.values())


def _what_changed(entries: Iterable[FeedEntry], known: str, bound: int) -> tuple[tuple[FeedEntry, ...], str, bool]:
    """The entries of groups that changed since ``known``, what is known with them, and whether these are all.

    Whole groups only, until there are more than ``bound`` entries.
    """
    groups: list[list[FeedEntry]] = [[] for _ in range(_GROUPS)]
    for entry in entries:
        groups[zlib.crc32((entry.url or "").encode("utf-8", "replace")) % _GROUPS].append(entry)
    before = list(_split(known))
    after: list[bytes] = []
    changed: list[FeedEntry] = []
    is_whole = True
    for index, group in enumerate(groups):
        hashed = _hash_group(group)
        if hashed != before[index] and len(changed) >= bound:
            is_whole = False
            hashed = before[index]
        elif hashed != before[index]:
            changed += group
        after.append(hashed)
    return tuple(changed), base64.b64encode(b"".join(after)).decode("ascii"), is_whole


def _split(known: str) -> Iterator[bytes]:
    """The hashes of the groups; of nothing known, those of empty groups."""
    try:
        hashes = base64.b64decode(known, validate=True)
    except ValueError:
        hashes = b""
    if len(hashes) != _GROUPS * _GROUP_BYTES:
        hashes = _hash_group(()) * _GROUPS
    for start in range(0, len(hashes), _GROUP_BYTES):
        yield hashes[start : start + _GROUP_BYTES]


def _hash_group(group: Iterable[FeedEntry]) -> bytes:
    """A hash of what makes an entry news; whatever its order, and not of its ``lastmod``, which may move each day."""
    lines = sorted(f"{entry.url}\0{entry.title}\0{entry.published_at}" for entry in group)
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "replace"), digest_size=_GROUP_BYTES).digest()


def _short(url: str) -> str:
    return hashlib.blake2b(url.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _rank(url: str, changed: str | None) -> tuple[bool, str, tuple[int, ...]]:
    """Of two sitemaps of an index, the one that changed last is the greater.

    One without a date may have changed just now; of several, the one with the highest numbers (2024-05, post-12).
    """
    moment = parse_date(changed) if changed else None
    return moment is None, moment.isoformat() if moment else "", tuple(int(one[:12]) for one in _DIGITS.findall(url))
