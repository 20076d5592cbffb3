"""A page for a browser that is complete in itself and loads nothing, and untrusted text made fit to stand in it."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

_POLICY = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action {}"

# Also the two marks that turn the words of other people around; right-to-left text needs neither.
_UNPRINTABLE = re.compile("[\u202d\u202e\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # turn the direction of what follows; attributes isolate nothing


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text to mark; half-open offsets."""

    start: int
    end: int
    style: str  # class
    says: str  # shown while the pointer rests on it
    is_counted: bool


def page(
    title: str, style: str, body: str, *, language: str = "en", direction: str = "ltr", form_action: str = "'none'"
) -> str:
    """The whole page; its content security policy allows its own style sheet and nothing else.

    ``title`` is escaped here; ``body`` is markup already. ``form_action`` is where its forms may go: "'self'".
    """
    style_hash = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f'<!doctype html>\n<html lang="{language}" dir="{direction}"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(style_hash, form_action)}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{attribute(title)}</title>\n<style>{style}</style></head><body>\n{body}</body></html>"
    )


def printable(text: str) -> str:
    """The text with what no page may hold replaced, sign by sign, so that offsets stay."""
    return _UNPRINTABLE.sub("\ufffd", text)


def isolated(text: str) -> str:
    """The text escaped, with its direction of writing kept to itself."""
    return f"<bdi>{escape(printable(text))}</bdi>"


def attribute(text: str) -> str:
    """The text escaped for a place that holds no markup, without what would turn around what follows."""
    return escape(_TURNING.sub("", printable(text)))


def marked(full: str, start: int, end: int, marks: Sequence[Mark]) -> Iterator[str]:
    """The stretch of the text escaped, cut where a mark begins or ends; the shortest that counts gives the colour.

    The text must be printable already.
    """
    inside = [mark for mark in marks if mark.start < end and mark.end > start]
    cuts = sorted({start, end, *(min(max(edge, start), end) for mark in inside for edge in (mark.start, mark.end))})
    for first, last in pairwise(cuts):
        here = [mark for mark in inside if mark.start <= first and mark.end >= last]
        text = escape(full[first:last])
        if not here:
            yield text
            continue
        counted = sorted((mark for mark in here if mark.is_counted), key=lambda mark: mark.end - mark.start)
        styles = [counted[0].style] if counted else [mark.style for mark in here if mark.style == "no"][:1]
        styles += ["also"] if len({mark.style for mark in counted}) > 1 else []
        styles += ["cue"] if any(mark.style == "cue" for mark in here) else []
        says = "\n".join(dict.fromkeys(mark.says for mark in here))
        yield f'<mark class="{" ".join(styles)}" title="{attribute(says)}">{text}</mark>'
