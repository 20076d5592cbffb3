"""Bytes to text, for feeds and pages whose header, prolog and bytes disagree."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How https://encoding.spec.whatwg.org/#names-and-labels reads labels: publishers who write the left mean the right.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# Text codecs of Python that no web page is written in; punycode is quadratic on hostile input.
_NOT_FOR_WEB = frozenset(
    {"idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined", "utf-7", "mbcs", "oem"}
)
_DECLARATION_BYTES = 4_096  # browsers look for the charset in the first 1,024; real pages put it later
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_PROLOG = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)


def decode(body: bytes, content_type: str | None) -> str:
    """``body`` as text, without a byte order mark; never fails, undecodable bytes become U+FFFD.

    The bytes themselves are believed first (byte order mark, well-formed UTF-8), then the ``Content-Type`` header,
    then what the document says of itself.
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    if body[:4].count(0) == 2:  # UTF-16 without a mark: every other byte of the first two characters is zero
        return body.decode("utf-16-le" if body[1] == 0 else "utf-16-be", "replace")
    declared = _declared_encodings(body, content_type)
    is_seven_bit = body.isascii()
    if is_seven_bit and not any(name.startswith(("iso2022", "hz")) for name in declared):
        return body.decode("ascii")
    if not is_seven_bit:
        declared.insert(0, "utf-8")
    for encoding in declared:
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):  # LookupError: a codec of Python that makes no text, "zip"
            continue
    # Nothing fits: the first claim that is not UTF-8, with its few bad bytes replaced; else UTF-8 that was cut.
    try:
        return body.decode(next((name for name in declared if name != "utf-8"), _fallback(body)), "replace")
    except LookupError:
        return body.decode(_fallback(body), "replace")


def _declared_encodings(body: bytes, content_type: str | None) -> list[str]:
    labels = _HEADER_CHARSET.findall(content_type or "")
    beginning = body[:_DECLARATION_BYTES]
    labels += [found.decode("ascii") for pattern in (_PROLOG, _META) for found in pattern.findall(beginning)[:1]]
    names = [_known_encoding(label) for label in labels]
    return list(dict.fromkeys(name for name in names if name))


def _known_encoding(label: str) -> str | None:
    """The codec to read ``label`` with; None for one that no web page uses."""
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    if codec.name in _NOT_FOR_WEB or codec.name.startswith(("utf-16", "utf-32")):
        return None  # the document could not have said so in ASCII bytes
    return _SUPERSETS.get(codec.name, codec.name)


def _fallback(body: bytes) -> str:
    """UTF-8 where most of the non-ASCII bytes make sense as such, else the usual single-byte guess."""
    patched = body.decode("utf-8", "replace")
    replaced = patched.count("\ufffd")
    meaningful = sum(1 for char in patched if char > "\x7f") - replaced
    return "utf-8" if meaningful > replaced else "cp1252"
