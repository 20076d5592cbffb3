"""Pages to article text, and entries with their pages to articles."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from watcher.cleaning import clean_text, split_plain_article
from watcher.language import UNKNOWN, detect_language
from watcher.model import Article, Extraction, FeedEntry, PageText, Source
from watcher.web.challenges import recognise_challenge
from watcher.web.encoding import decode
from watcher.web.markup import plain_text, tidy, tidy_line
from watcher.web.published import believable, parse_date
from watcher.web.urls import absolute_url, canonical_url

_MAX_PAGE_BYTES = 5_000_000  # as the fetcher's default; for files given on the command line
_MAX_TEXT_CHARS = 200_000  # a long read has 50,000
_MAX_TITLE_CHARS = 1_000
_MIN_TEXT_CHARS = 80  # shorter than any sentence of news: an error message, a paywall's plea
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|div|p|article|section|span|table|h1|br)\b", re.IGNORECASE)
_NOT_IN_TREE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MAX_STRUCTURED_ITEMS = 1_000  # real pages describe a few dozen things
_ARTICLE_TYPES = re.compile(r"Article|BlogPosting|Report|LiveBlog")
_DATE_META = (
    "article:published_time og:article:published_time og:published_time datepublished article.published "
    "article:published date dc.date.issued dc.date dc.date.created dcterms.created dcterms.date dcterms.issued pubdate "
    "publish-date publishdate publish_date publication_date parsely-pub-date sailthru.date "
    "cxenseparse:recs:publishtime article_date_original date.release"
).split()
_URL_DAY = re.compile(r"/((?:19|20)\d\d)[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?=[/_-])")
_LANGUAGE_TAG = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_].*)?\s*")
_TITLE_SEPARATOR = re.compile(r"\s+[|\-–—•·:»]\s+")
# A page is about its item when it is long enough that no teaser or error page is, or shares this much of the title.
_SURELY_ARTICLE_CHARS = 600
_SHARED_TITLE_WORDS = 0.5
_ID_HEX_CHARS = 32  # 128 bits: no two articles of a lifetime share them


def extract_page(html: bytes, *, url: str | None, content_type: str | None, now: datetime) -> PageText | None:
    """What a page or a plain-text article says; None without article text, as on challenge and consent pages.

    Paragraphs are apart by a blank line. ``published_at`` is None rather than guessed.
    """
    html = html[:_MAX_PAGE_BYTES]
    if recognise_challenge(html):
        return None
    document = _NOT_IN_TREE.sub("", decode(html, content_type))
    if not _MARKUP.search(document):
        return _plain_page(document, now)
    tree = _load_tree(document)
    if tree is None:
        return None
    structured = list(_structured_articles(tree))
    title = _page_title(tree, structured, url)
    published_at = _page_date(tree, structured, url, now)
    text = clean_text(_main_text(tree, url), title)[:_MAX_TEXT_CHARS]
    if len(text) < _MIN_TEXT_CHARS:
        return None
    return PageText(
        title=title,
        text=text,
        published_at=published_at,
        language=_declared_language(tree),
        canonical_url=_canonical_link(tree, url),
    )


def build_article(entry: FeedEntry, page: PageText | None, source: Source, first_seen_at: datetime) -> Article:
    """The article of an entry from the best text there is: the feed's or page's whole text, the summary, the title."""
    title = entry.title or (page.title if page else "")
    summary = clean_text(entry.summary, title)
    if entry.is_full_text:
        # A message of one line is its own headline, and no less read for it.
        text, extraction = summary or entry.summary, Extraction.FULL
        if page and len(page.text) > 2 * len(summary) and _is_about(page, entry):
            text = page.text  # a long teaser
    elif page and len(page.text) >= len(summary) and _is_about(page, entry):
        text, extraction = page.text, Extraction.FULL
    elif summary:
        text, extraction = summary, Extraction.SUMMARY
    else:
        text, extraction = "", Extraction.TITLE
    uses_page = page is not None and text is page.text
    language = (
        entry.language
        or source.language
        or (page.language if page and uses_page else None)
        or detect_language(f"{title}\n\n{text}")
    )
    return Article(
        id=_article_id(entry, title, text),
        source_id=source.id,
        url=entry.url,
        title=title,
        text=text,
        language=language,
        extraction=extraction,
        published_at=entry.published_at or (page.published_at if page else None),
        first_seen_at=first_seen_at,
        publisher=entry.publisher or source.publisher or source.id,
        affiliation=source.affiliation,
        state=source.state,
        tags=source.tags,
    )


def page_to_json(input_name: str, page: PageText) -> dict[str, str | None]:
    """What ``watcher extract`` prints for a page."""
    language = page.language or detect_language(f"{page.title}\n\n{page.text}")
    return {
        "input": input_name,
        "title": page.title,
        "text": page.text,
        "published": page.published_at.isoformat() if page.published_at else None,
        "lang": None if language == UNKNOWN else language,
    }


def _article_id(entry: FeedEntry, title: str, text: str) -> str:
    """Hash of what identifies the item: its canonical URL, else source and guid, else what it says."""
    identity: tuple[str, ...]
    if entry.url:
        identity = ("url", canonical_url(entry.url))
    elif entry.guid:
        identity = ("guid", entry.source_id, entry.guid)
    else:
        identity = ("text", title, text)
    return hashlib.sha256("\x00".join(identity).encode("utf-8")).hexdigest()[:_ID_HEX_CHARS]


def _is_about(page: PageText, entry: FeedEntry) -> bool:
    """Whether the page is the entry's article and not a front page, a login or an error."""
    wanted = _words(entry.title) or _words(entry.summary[:300])
    if not wanted:
        return True
    shared = len(wanted & (_words(page.title) | _words(page.text))) / len(wanted)
    return shared >= _SHARED_TITLE_WORDS or (shared > 0 and len(page.text) >= _SURELY_ARTICLE_CHARS)


def _words(text: str) -> set[str]:
    """The words that carry meaning: four letters and more, and every character of scripts without spaces."""
    return set(re.findall(r"[\u3040-\u30ff\u3400-\u9fff]|\w{4,}", text.casefold()))


def _plain_page(document: str, now: datetime) -> PageText | None:
    title, text, published_at = split_plain_article(document)
    if len(text) < _MIN_TEXT_CHARS:
        return None
    return PageText(
        title=title[:_MAX_TITLE_CHARS],
        text=text[:_MAX_TEXT_CHARS],
        published_at=believable(published_at, now),
        language=None,
    )


@lru_cache(maxsize=1)
def _trafilatura() -> Any:
    """The library, imported when the first page comes: the command line mostly does without."""
    import trafilatura

    for name in ("trafilatura", "htmldate"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a page without text is a value here, not an error
    return trafilatura


def _load_tree(document: str) -> Any | None:
    """The lxml tree; None for a document without elements. libxml2 stops at a depth of 256."""
    return _trafilatura().load_html(document)


def _main_text(tree: Any, url: str | None) -> str:
    """The article's paragraphs, apart by blank lines; "" where there is none."""
    found = _trafilatura().bare_extraction(
        tree, url=url, include_comments=False, include_tables=False, with_metadata=False
    )
    if found is None or not found.text:
        return ""
    return "\n\n".join(line for line in tidy(found.text).split("\n") if line)


def _structured_articles(tree: Any) -> Iterator[dict[str, Any]]:
    """The schema.org descriptions of articles on the page, in order."""
    for script in tree.iterfind('.//script[@type="application/ld+json"]'):
        try:
            data = json.loads(script.text or "", strict=False)
        except (ValueError, RecursionError):
            continue
        waiting = [data]
        for _ in range(_MAX_STRUCTURED_ITEMS):
            if not waiting:
                break
            item = waiting.pop()
            if isinstance(item, list):
                waiting.extend(reversed(item))
            elif isinstance(item, dict):
                if _ARTICLE_TYPES.search(str(item.get("@type", ""))):
                    yield item
                waiting.extend(item[key] for key in ("mainEntityOfPage", "mainEntity", "@graph") if key in item)


def _metadata(tree: Any) -> dict[str, str]:
    """The meta elements by name, lower case; the first of each name counts."""
    found: dict[str, str] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop")
        content = element.get("content")
        if name and content:
            found.setdefault(name.lower(), content)
    return found


def _page_title(tree: Any, structured: list[dict[str, Any]], url: str | None) -> str:
    """The headline, without the site's name."""
    metadata = _metadata(tree)
    headings = [tidy_line(" ".join(element.itertext())) for element in tree.iter("h1")]
    stated = [
        *(item["headline"] for item in structured if isinstance(item.get("headline"), str)),
        metadata.get("og:title", ""),
        metadata.get("twitter:title", ""),
        *(element.text or "" for element in tree.iter("title")),
    ]
    candidates = [candidate for candidate in (" ".join(plain_text(text).split()) for text in stated) if candidate]
    if not candidates:
        return next((heading for heading in headings if heading), "")[:_MAX_TITLE_CHARS]
    best = candidates[0]
    for heading in headings:
        if len(heading) >= 15 and heading.casefold() in best.casefold():
            return heading[:_MAX_TITLE_CHARS]
    site = f"{metadata.get('og:site_name', '')} {metadata.get('og:url', '')} {url or ''}".casefold()
    parts = _TITLE_SEPARATOR.split(best)
    if len(parts) > 1 and parts[-1].casefold() in site:
        best = best[: best.rindex(parts[-1])].rstrip(" |-–—•·:»")
    return best[:_MAX_TITLE_CHARS]


def _page_date(tree: Any, structured: list[dict[str, Any]], url: str | None, now: datetime) -> datetime | None:
    """When the page says it was published: schema.org, meta elements, <time>, its URL, other marked-up places."""
    metadata = _metadata(tree)
    stated = [
        *(item["datePublished"] for item in structured if isinstance(item.get("datePublished"), str)),
        *(metadata[name] for name in _DATE_META if name in metadata),
        *(element.get("datetime", "") for element in tree.iterfind('.//time[@itemprop="datePublished"]')),
        *(element.get("datetime", "") for element in tree.iterfind(".//time[@pubdate]")),
        *(element.get("datetime", "") for element in tree.iterfind(".//article//time[@datetime]")),
    ]
    for text in stated:
        moment = believable(parse_date(text.strip()), now)
        if moment:
            return moment
    in_url = _URL_DAY.search(url or "")
    if in_url:
        return believable(parse_date("-".join(in_url.groups())), now)
    return _guessed_date(tree, now)


def _guessed_date(tree: Any, now: datetime) -> datetime | None:
    """What htmldate finds in marked-up places; not its search through all text, which takes any date for the page's."""
    from htmldate import find_date

    try:
        found = find_date(tree, extensive_search=False, original_date=True, max_date=now.replace(tzinfo=None))
    except (ValueError, TypeError):
        return None
    return believable(parse_date(found), now) if found else None


def _canonical_link(tree: Any, url: str | None) -> str | None:
    """The address that the page names for itself, canonical; only one of its own site, and not the front page."""
    for element in tree.iterfind(".//link[@rel='canonical'][@href]"):
        stated = absolute_url(url or "", element.get("href"))
        if stated is None or url is None:
            return None
        address = canonical_url(stated)
        here, there = (urlsplit(canonical_url(one)) for one in (url, address))
        is_same_site = f".{here.netloc}".endswith(f".{there.netloc}") or f".{there.netloc}".endswith(f".{here.netloc}")
        return address if is_same_site and (there.path.strip("/") or there.query) else None
    return None


def _declared_language(tree: Any) -> str | None:
    """The language that the page declares for itself."""
    found = _LANGUAGE_TAG.fullmatch(tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or "")
    return found[1].lower() if found else None
