"""Well-formed XML of untrusted text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

# What XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets), and what turns other people's words around.
_ILLEGAL = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u202a-\u202e]")


def xml_text(text: str) -> str:
    """The text as XML can hold it; what it cannot is left out."""
    return _ILLEGAL.sub("", text)


def add(parent: Element, name: str, text: str, **attributes: str) -> Element:
    """A new last child of the element, with this text."""
    child = SubElement(parent, name, {key: xml_text(value) for key, value in attributes.items()})
    child.text = xml_text(text)
    return child


def document(root: Element) -> str:
    """The whole document as text, to be written as UTF-8."""
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def to_the_second(at: datetime) -> datetime:
    """The time in UTC without fractions of a second."""
    return at.astimezone(UTC).replace(microsecond=0)
