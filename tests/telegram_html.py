"""Telegram's reading of HTML messages: the text and its entities, refused in the same words.

Order of checks and wording are those of the Bot API server (td/telegram/MessageEntity.cpp of
https://github.com/tdlib/td); tests/edges/test_telegram_parser.py compares it with the library itself.
"""

from __future__ import annotations

import re

ALLOWED_TAGS = frozenset("a b strong i em s strike del u ins tg-spoiler tg-emoji span pre code blockquote".split())
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


class RefusedError(Exception):
    """An answer of the Bot API that is no."""

    def __init__(self, status: int, description: str, parameters: dict[str, int] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


def utf16_units(text: str) -> int:
    """The length that Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> tuple[str, tuple[tuple[str, str, str | None], ...]]:
    """The text and its entities; raises RefusedError with the words of the Bot API."""
    out: list[str] = []
    found: list[tuple[str, str, str | None]] = []
    nested: list[tuple[str, str | None, int]] = []  # tag, href, length of the text at its start
    i = 0
    while i < len(source):
        if source[i] == "&":
            character, i = _entity(source, i)
            out.append(character)
        elif source[i] != "<":
            out.append(source[i])
            i += 1
        elif source[i + 1 : i + 2] == "/":
            i = _end_tag(source, i, nested, out, found)
        else:
            tag, href, i = _start_tag(source, i)
            nested.append((tag, href, len("".join(out))))
    if nested:
        raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{nested[-1][0]}"')
    return "".join(out), tuple(found)


def _entity(source: str, i: int) -> tuple[str, int]:
    if match := re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));?").match(source, i):
        code = int(match[1], 16) if match[1] else int(match[2])
        if 0 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000:
            return chr(code), match.end()
    if (match := re.compile(r"&(\w+);?").match(source, i)) and match[1] in _ENTITIES:
        return _ENTITIES[match[1]], match.end()
    return "&", i + 1


def _start_tag(source: str, begin: int) -> tuple[str, str | None, int]:
    match = re.compile(r"[^\s>]*").match(source, begin + 1)
    assert match is not None
    i = match.end()
    if i >= len(source):
        raise cannot_parse(f"Unclosed start tag at byte offset {_byte_offset(source, begin)}")
    tag = match[0].lower()
    if tag not in ALLOWED_TAGS:
        raise cannot_parse(f'Unsupported start tag "{tag}" at byte offset {_byte_offset(source, begin)}')
    href = None
    attribute = re.compile(r"\s*([^\s=>]*)\s*(=?)\s*(?:\"([^\"]*)\"|'([^']*)'|([\w.-]*))")
    while True:
        while source[i : i + 1].isspace():
            i += 1
        if source[i : i + 1] == ">":
            return tag, href, i + 1
        match = attribute.match(source, i)
        assert match is not None
        where = f'in the tag "{tag}" at byte offset {_byte_offset(source, begin)}'
        if not match[1]:
            raise cannot_parse(f"Empty attribute name {where}")
        if not match[2]:
            raise cannot_parse(f'Expected equal sign in declaration of an attribute of the tag "{tag}"')
        i = match.end()
        if i >= len(source) or (match[5] is not None and not re.match(r"[\s>]", source[i])):
            raise cannot_parse(f"Unclosed start tag at byte offset {_byte_offset(source, begin)}")
        if match[1].lower() == "href":
            value = next(group for group in match.groups()[2:] if group is not None)
            href = parse_html(value.replace("<", "&lt;"))[0]


def _end_tag(
    source: str,
    begin: int,
    nested: list[tuple[str, str | None, int]],
    out: list[str],
    found: list[tuple[str, str, str | None]],
) -> int:
    offset = _byte_offset(source, begin)
    if not nested:
        raise cannot_parse(f"Unexpected end tag at byte offset {offset}")
    match = re.compile(r"([^\s>]*)\s*").match(source, begin + 2)
    assert match is not None
    if source[match.end() : match.end() + 1] != ">":
        raise cannot_parse(f"Unclosed end tag at byte offset {offset}")
    tag, href, start = nested.pop()
    name = match[1].lower()
    if name and name != tag:
        raise cannot_parse(f'Unmatched end tag at byte offset {offset}, expected "</{tag}>", found "</{name}>"')
    found.append((tag, "".join(out)[start:], href))
    return match.end() + 1


def _byte_offset(source: str, offset: int) -> int:
    return len(source[:offset].encode("utf-8", "surrogatepass"))


def cannot_parse(detail: str) -> RefusedError:
    return RefusedError(400, f"Bad Request: can't parse entities: {detail}")
