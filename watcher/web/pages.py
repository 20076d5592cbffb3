"""Pages as trees: parsed whatever they hold, searched by CSS selector, within bounds that no page can stretch."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import islice

from cssselect import HTMLTranslator, SelectorError
from lxml import etree

from watcher.web.encoding import decode
from watcher.web.markup import plain_text

# `li ~ li` costs the square of the children of one element: with these bounds 20,000 elements take 5 seconds at worst,
# 0.1 as a rule. Lists of news have the newest first, and a large front page has 8,000 elements.
_MAX_ELEMENTS = 20_000
_MAX_SIBLINGS = 300
_NOT_IN_TREE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Find = Callable[[etree._Element], list[etree._Element]]


def parse_page(body: bytes, content_type: str | None) -> etree._Element | None:
    """The root element of an HTML page, cut to what may be searched; None where nothing is marked up."""
    document = _NOT_IN_TREE.sub("", decode(body, content_type))
    if "<" not in document:
        return None
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(document.encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return None
    if root is not None:
        _cut(root)
    return root


@lru_cache(maxsize=1_000)
def compile_selector(selector: str) -> Find:
    """What finds the elements that a CSS selector selects, in the order of the page; raises ValueError."""
    try:
        search = etree.XPath(HTMLTranslator().css_to_xpath(selector))
        search(etree.Element("html"))  # what is wrong with a name shows only now
    except (SelectorError, etree.XPathError, ValueError, RecursionError) as error:
        raise ValueError(str(error) or "it cannot be read") from error

    def find(element: etree._Element) -> list[etree._Element]:
        found = search(element)
        return found if isinstance(found, list) else []

    return find


def text_of(element: etree._Element) -> str:
    """What a reader sees of an element: paragraphs apart by a blank line."""
    return plain_text(etree.tostring(element, encoding="unicode", method="html", with_tail=False))


def _cut(root: etree._Element) -> None:
    """Nothing; takes out of the tree what goes beyond the bounds, the end of it first."""
    for element in root.iter():
        if len(element) > _MAX_SIBLINGS:
            del element[_MAX_SIBLINGS:]
    last = next(islice(root.iter(), _MAX_ELEMENTS, None), None)
    while last is not None:
        parent = last.getparent()
        if parent is not None:
            del parent[parent.index(last) + 1 :]
        last = parent
