"""Lists of feeds as other feed readers keep them: OPML 2.0 (opml.org/spec2.opml), in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from watcher.errors import FeedError
from watcher.model import FetchReason, Source
from watcher.web.markup import tidy_line
from watcher.web.urls import absolute_url

_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed in such a list."""

    title: str
    url: str
    language: str  # two letters, or empty
    tags: tuple[str, ...]  # the folders that it lies in, and its categories


def parse_opml(body: bytes) -> tuple[Outline, ...]:
    """The feeds of a list, each address once, in its order. Raises FeedError (NOT_A_FEED)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedError("the list is no xml", FetchReason.NOT_A_FEED) from error
    outlines = None if root is None or not _is(root, "opml") else root.find("body")
    if outlines is None:
        raise FeedError("not an opml list", FetchReason.NOT_A_FEED)
    found: dict[str, Outline] = {}
    _gather(outlines, (), found)
    return tuple(found.values())


def _gather(parent: etree._Element, folders: tuple[str, ...], found: dict[str, Outline]) -> None:
    for element in parent.iterchildren("outline"):
        # Names of attributes come in any case in the wild.
        values = {str(name).lower(): tidy_line(str(value)) for name, value in element.attrib.items()}
        title = values.get("title") or values.get("text") or ""
        stated = values.get("xmlurl", "")
        url = absolute_url(stated, stated)
        if url and url not in found:
            categories = (part.strip("/ ").split("/")[-1] for part in values.get("category", "").split(","))
            tags = dict.fromkeys(tag for tag in (*folders, *categories) if tag)
            language = re.match(r"[a-z]{2}(?![a-z])", values.get("language", "").lower())
            found[url] = Outline(title, url, language[0] if language else "", tuple(tags))
        elif not stated and len(folders) < _MAX_DEPTH:
            _gather(element, (*folders, title) if title else folders, found)


def write_opml(sources: Iterable[Source], title: str) -> str:
    """The list of these feeds, as a document."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for source in sources:
        name = source.publisher or source.id
        values = {"type": "rss", "text": name, "title": name, "xmlUrl": source.url}
        if source.language:
            values["language"] = source.language
        if source.tags:
            values["category"] = ",".join(source.tags)
        etree.SubElement(body, "outline", values)
    document: bytes = etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")
    return document.decode("utf-8")


def _is(element: etree._Element, name: str) -> bool:
    return isinstance(element.tag, str) and etree.QName(element).localname.lower() == name
