"""HTML fragments, as feeds carry them, to plain text; and text made safe to show."""

from __future__ import annotations

import html
import re

from lxml import etree

_BLOCKS = frozenset(
    "address article aside blockquote dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr "
    "li main nav ol p pre section table tr ul".split()
)
_INVISIBLE = frozenset(
    "script style noscript iframe object embed svg math template head title form button select textarea".split()
)
# Element names that feeds carry; other words in angle brackets are text.
_TAG = re.compile(
    r"</?(?:a|abbr|article|aside|b|big|blockquote|body|br|button|center|cite|code|dd|del|div|dl|dt|em|embed|figcaption|figure|"
    r"font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|li|link|mark|meta|noscript|object|ol|p|picture|pre|q|"
    r"s|script|section|small|source|span|strike|strong|style|sub|sup|svg|table|tbody|td|tfoot|th|thead|time|title|tr|u|ul|video)"
    r"(?:\s[^<>]*|\s*/)?>|<!--|<!\[CDATA\[",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_ESCAPED_LEVELS = 3  # &amp;amp;lt;p&gt; has been seen in the wild; beyond that it is text
# C1 controls are Windows-1252 characters that went through a latin-1 step.
_C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0) if code != 0x85}
# Controls, bidirectional embeddings and overrides, the byte order mark, interlinear marks, lone surrogates,
# noncharacters and tag characters: nothing that a reader sees, all that can make text lie or fail to be stored.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Only what has to change: substituting each single space for itself would be most of the work.
_SPACES = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")
_AROUND_LINE_END = re.compile(r" \n ?|\n ")
_RUN_OF_SPACE = re.compile(r"[^\S ]\s*| \s+")
_C1_CONTROL = re.compile("[\x80-\x9f]")
_BLANK_LINES = re.compile(r"\n{3,}")


def tidy(text: str) -> str:
    """``text`` without control characters, with single spaces and at most one blank line in a row."""
    if text.isprintable() and "  " not in text:
        return text.strip()  # one line, nothing to do: most titles
    text = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))
    if _C1_CONTROL.search(text):
        text = text.translate(_C1)
    text = _SPACES.sub(" ", text)
    text = _AROUND_LINE_END.sub("\n", text)
    return _BLANK_LINES.sub("\n\n", text).strip()


def tidy_line(text: str) -> str:
    """The same on one line: for titles."""
    return " ".join(tidy(text).split())


def plain_text(markup: str) -> str:
    """What a reader sees of ``markup``: paragraphs apart by a blank line, no tags, entities decoded."""
    text = markup
    for _ in range(_ESCAPED_LEVELS):
        if _TAG.search(text):
            text = _without_tags(text)
        elif _ENTITY.search(text):
            text = html.unescape(text)
        else:
            break
    return tidy(text)


def _without_tags(markup: str) -> str:
    """Text of an HTML fragment; lines of the source are white space, blocks and <br> are line ends."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    source = _UNWANTED.sub("", markup).encode("utf-8")
    root = etree.fromstring(b"<div>" + source + b"</div>", parser)
    pieces: list[str] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        name = element.tag
        if event == "start":
            if name in _INVISIBLE:
                walk.skip_subtree()
                continue
            if name == "br":
                pieces.append("\n")
            elif name in _BLOCKS:
                pieces.append("\n\n")
            if element.text:
                pieces.append(_as_run(element.text, name))
        else:
            if name in _BLOCKS:
                pieces.append("\n\n")
            elif name in ("td", "th"):
                pieces.append(" ")
            if element.tail:
                pieces.append(_as_run(element.tail, None))
    return "".join(pieces)


def _as_run(text: str, element: str | None) -> str:
    """Text with its white space as HTML shows it."""
    return text if element == "pre" else _RUN_OF_SPACE.sub(" ", text)
