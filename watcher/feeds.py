"""Feeds to entries: RSS 0.9x to 2.0, RDF, Atom, JSON Feed; bytes in, nothing fetched."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from watcher.errors import FeedError
from watcher.model import FeedEntry, FetchReason, ParsedFeed
from watcher.web.challenges import looks_like_html, recognise_challenge
from watcher.web.encoding import decode
from watcher.web.markup import plain_text, tidy, tidy_line
from watcher.web.plain_xml import XmlEntry, XmlFeed, read_plain_xml
from watcher.web.published import believable, parse_date
from watcher.web.urls import absolute_url

_MAX_TITLE_CHARS = 1_000
_MAX_SUMMARY_CHARS = 100_000
_MAX_GUID_CHARS = 2_000
# A body of this length is an article and no teaser: 150 words, the shortest agency reports.
_FULL_TEXT_CHARS = 900
_CUT_OFF = re.compile(
    r"(?:\.\.\.|…|\[…\]|\[\.\.\.\]|\(more\)|read more|continue reading|read the full\b[^\n]{0,60})[\s.:»›>→]*$",
    re.IGNORECASE,
)
# What WordPress appends to each item, in the languages that it speaks most; it repeats title and site name.
_APPENDED = re.compile(
    r"\n[^\n]{0,40}\b(?:appeared first on|first appeared on|est apparu en premier sur|se publicó primero en|"
    r"erschien zuerst auf|è apparso per primo su|apareceu primeiro em|впервые появилась на)\b[^\n]{0,300}$"
    r"|\nThe post [^\n]{0,600} (?:appeared first on|first appeared on)\b[^\n]{0,300}$",
    re.IGNORECASE,
)
_ROOT = re.compile(r"<((?:[\w.-]+:)?(?:rss|rdf|feed|channel))(?=[\s>/])", re.IGNORECASE)
_ITEM_END = re.compile(r"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,16})|([0-9]{1,16}));?")
_JSON_FEED = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/1(?:\.\d+)?/?")
_LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")
_NUMBER = re.compile(r"\s*([0-9]{1,6})\s*")
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
# feedparser meets hostile input with whatever its string and date arithmetic raises.
_PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, RecursionError)


def parse_feed(body: bytes, *, url: str, content_type: str | None, source_id: str, now: datetime) -> ParsedFeed:
    """The entries of a feed, in its order; none for an empty feed.

    ``url`` is where the body came from, relative links are resolved against it; "" where nobody knows. Raises
    FeedError, with the reason NOT_A_FEED, BLOCKED, EMPTY (no bytes at all) or TRUNCATED (cut before the first entry
    ended).
    """
    if not body.strip(b"\x00\t\r\n "):
        raise FeedError("the body is empty", FetchReason.EMPTY)
    text = decode(body, content_type)
    if looks_like_html(text):
        challenge = recognise_challenge(body)
        if challenge:
            raise FeedError(f"a {challenge} instead of a feed", FetchReason.BLOCKED)
        raise FeedError("an html page instead of a feed", FetchReason.NOT_A_FEED)
    if text.lstrip().startswith(("{", "[")):
        return _parse_json_feed(text, url=url, source_id=source_id, now=now)
    return _parse_xml_feed(text, url=url, source_id=source_id, now=now)


def entry_to_json(input_name: str, entry: FeedEntry) -> dict[str, str | None]:
    """What ``watcher feed`` prints for an entry."""
    return {
        "input": input_name,
        "id": entry.guid,
        "url": entry.url,
        "title": entry.title,
        "published": entry.published_at.isoformat() if entry.published_at else None,
        "summary": entry.summary,
    }


def _parse_xml_feed(text: str, *, url: str, source_id: str, now: datetime) -> ParsedFeed:
    root = _ROOT.search(text)
    if root is None:
        raise FeedError("neither rss nor atom nor json feed", FetchReason.NOT_A_FEED)
    whole, is_cut = _without_cut_entry(text, root[1])
    if is_cut and not whole:
        raise FeedError("the feed is cut off before its first entry ends", FetchReason.TRUNCATED)
    # One encoding, whatever prolog and header claim.
    whole = _NOT_IN_XML.sub("", _XML_DECLARATION.sub("", whole, count=1))
    document = (_REFERENCE.sub(_possible_reference, whole) if "&#" in whole else whole).encode("utf-8")
    found = read_plain_xml(document) or _read_any_xml(document)
    # RSS has no rule for relative links; they are written for the site, which may have its feed served by another host.
    base = url if url and found.is_atom else absolute_url(url, found.link) or url
    return ParsedFeed(
        title=_title(plain_text(found.title)),
        language=_language(found.language),
        entries=_only_with_content(_xml_entry(entry, base, source_id, now) for entry in found.entries),
        damage=FetchReason.TRUNCATED if is_cut else None,
        every=_asked_interval(found.ttl, found.update_period, found.update_frequency),
    )


def _read_any_xml(document: bytes) -> XmlFeed:
    """What feedparser makes of the document, well-formed or not."""
    import feedparser

    try:
        found = feedparser.parse(
            io.BytesIO(document),  # a stream, because bytes could be a file name
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except _PARSER_ERRORS as error:
        raise FeedError("the feed cannot be read", FetchReason.NOT_A_FEED) from error
    if not found.version and not found.entries:
        raise FeedError("neither rss nor atom nor json feed", FetchReason.NOT_A_FEED)
    return XmlFeed(
        is_atom=found.version.startswith("atom"),
        title=str(found.feed.get("title") or ""),
        link=found.feed.get("link"),
        language=found.feed.get("language"),
        ttl=found.feed.get("ttl"),
        update_period=found.feed.get("sy_updateperiod"),
        update_frequency=found.feed.get("sy_updatefrequency"),
        entries=[_any_xml_entry(dict(entry)) for entry in found.entries],  # dict: without its aliases
    )


def _any_xml_entry(entry: Mapping[str, Any]) -> XmlEntry:
    return XmlEntry(
        id=str(entry.get("id") or ""),
        link=entry.get("feedburner_origlink") or entry.get("link") or _alternate_link(entry),
        title=str(entry.get("title") or ""),
        summary=str(entry.get("summary") or ""),
        contents=[str(part.get("value") or "") for part in entry.get("content") or ()],
        published_at=_stated_date(entry),
        edited=str(entry.get("updated") or "").strip(),
    )


def _without_cut_entry(text: str, root: str) -> tuple[str, bool]:
    """The document and whether it is cut off; one that is ends with its last whole entry, or is "" without one."""
    last_end = 0
    for found in _ITEM_END.finditer(text):
        last_end = found.end()
    if re.search(rf"</{re.escape(root)}\s*>", text[last_end:], re.IGNORECASE):
        return text, False
    if not last_end and re.search(rf"<{re.escape(root)}\b[^>]*/>", text, re.IGNORECASE):
        return text, False
    return text[:last_end], True


def _possible_reference(found: re.Match[str]) -> str:
    """A character reference, or nothing where XML has no such character: one of these would cost the whole feed."""
    code = int(found[1], 16) if found[1] else int(found[2])
    return "" if code > 0x10FFFF or _NOT_IN_XML.match(chr(code)) else found[0]


def _xml_entry(entry: XmlEntry, base: str, source_id: str, now: datetime) -> FeedEntry:
    return _entry(
        source_id=source_id,
        guid=entry.id,
        url=_link(base, entry.link),
        title=plain_text(entry.title),
        summary=plain_text(entry.summary),
        content=max((plain_text(content) for content in entry.contents), key=len, default=""),
        published_at=believable(entry.published_at, now),
        edited=entry.edited,
    )


def _alternate_link(entry: Mapping[str, Any]) -> str | None:
    """The first link that is no attachment, for entries without an ordinary one."""
    for link in entry.get("links") or ():
        if link.get("rel", "alternate") in ("alternate", "related", "via") and link.get("href"):
            return str(link["href"])
    return None


def _stated_date(entry: Mapping[str, Any]) -> datetime | None:
    """When the entry was published, else created, else updated."""
    for key in ("published", "created", "updated"):
        stated = entry.get(key)
        if stated:
            moment = parse_date(str(stated).strip())
            if moment is None and (parsed := entry.get(f"{key}_parsed")):
                moment = _from_struct(parsed)
            return moment
    return None


def _from_struct(parsed: Any) -> datetime | None:
    """feedparser's reading of a rarer format, which is in UTC already."""
    try:
        year, month, day, hour, minute, second = parsed[:6]
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, TypeError):
        return None


def _entry(
    *,
    source_id: str,
    guid: Any,
    url: str | None,
    title: str,
    summary: str,
    content: str,
    published_at: datetime | None,
    edited: str,
) -> FeedEntry:
    """An entry from plain texts, within the limits of length."""
    summary, content = _without_appendix(summary), _without_appendix(content)
    is_full_text = len(content) >= _FULL_TEXT_CHARS and not _CUT_OFF.search(content[-200:])
    longest = content if is_full_text or len(content) > len(summary) else summary
    guid = tidy_line(str(guid)) if guid is not None else ""
    return FeedEntry(
        source_id=source_id,
        guid=guid[:_MAX_GUID_CHARS] or None,
        url=url,
        title=_title(title),
        summary=longest[:_MAX_SUMMARY_CHARS].rstrip(),
        is_full_text=is_full_text,
        published_at=published_at,
        edited=edited[:_MAX_GUID_CHARS],
    )


def _link(base: str, reference: str | None) -> str | None:
    """The absolute address; a relative one as it is written where nothing says what it is relative to."""
    if base or not reference or ":" in reference:
        return absolute_url(base, reference)
    return tidy_line(reference)[:_MAX_GUID_CHARS] or None


def _without_appendix(text: str) -> str:
    return _APPENDED.sub("", text).rstrip() if "\n" in text else text


def _title(text: str) -> str:
    return " ".join(text.split())[:_MAX_TITLE_CHARS].rstrip()


def _only_with_content(entries: Iterable[FeedEntry]) -> tuple[FeedEntry, ...]:
    """Entries that say or point at anything."""
    return tuple(entry for entry in entries if entry.title or entry.summary or entry.url)


def _language(tag: Any) -> str | None:
    """The language of a tag like en-GB."""
    found = _LANGUAGE_TAG.fullmatch(str(tag).strip()) if tag else None
    return found[1].lower() if found else None


def _asked_interval(ttl: Any, period: Any, frequency: Any) -> timedelta | None:
    """How long a feed asks its readers to wait: RSS ``ttl`` in minutes, else the syndication module's period.

    https://web.resource.org/rss/1.0/modules/syndication/: so many times in each period, once where it does not say.
    """
    minutes = _positive(ttl)
    if minutes is not None:
        return timedelta(minutes=minutes)
    length = _PERIODS.get(str(period).strip().lower())
    return length / (_positive(frequency) or 1) if length else None


def _positive(value: Any) -> int | None:
    """A whole number over zero of at most six digits, which is two years in minutes."""
    found = _NUMBER.fullmatch(str(value)) if value is not None else None
    return int(found[1]) or None if found else None


def _parse_json_feed(text: str, *, url: str, source_id: str, now: datetime) -> ParsedFeed:
    """JSON Feed 1.0 and 1.1, https://www.jsonfeed.org/version/1.1/; wrong types of optional fields are left out."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        is_cut = _JSON_FEED.search(text[:2_000]) and not text.rstrip().endswith("}")
        if is_cut:
            raise FeedError("the json feed is cut off", FetchReason.TRUNCATED) from error
        raise FeedError("not valid json", FetchReason.NOT_A_FEED) from error
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(version, str) or not _JSON_FEED.fullmatch(version.strip()):
        raise FeedError("json, but no json feed of version 1", FetchReason.NOT_A_FEED)
    items = feed.get("items")
    if not isinstance(items, list):
        raise FeedError("a json feed without a list of items", FetchReason.NOT_A_FEED)
    base = absolute_url(url, _string(feed, "home_page_url")) or url
    return ParsedFeed(
        title=_title(tidy_line(_string(feed, "title"))),
        language=_language(_string(feed, "language")),
        entries=_only_with_content(_json_entry(item, base, source_id, now) for item in items if isinstance(item, dict)),
    )


def _json_entry(item: Mapping[str, Any], base: str, source_id: str, now: datetime) -> FeedEntry:
    guid = item.get("id")
    stated = _string(item, "date_published") or _string(item, "date_modified")
    return _entry(
        source_id=source_id,
        guid=guid if isinstance(guid, str | int | float) else None,  # 1.0 feeds carry numbers
        url=_link(base, _string(item, "url") or _string(item, "external_url") or _permalink(guid)),
        title=plain_text(_string(item, "title")),
        summary=plain_text(_string(item, "summary")),
        content=plain_text(_string(item, "content_html")) or tidy(_string(item, "content_text")),
        published_at=believable(parse_date(stated), now),
        edited=_string(item, "date_modified"),
    )


def _permalink(guid: Any) -> str | None:
    """An id that is a link, which the specification recommends."""
    return guid if isinstance(guid, str) and guid.startswith(("http://", "https://")) else None


def _string(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""
