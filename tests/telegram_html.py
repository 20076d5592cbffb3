"""Telegram's reading of HTML messages: the text and its entities, refused in the same words.

Order of checks and wording are those of the Bot API server (td/telegram/MessageEntity.cpp of
https://github.com/tdlib/td); tests/edges/test_telegram_parser.py compares it with the library itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ALLOWED_TAGS = frozenset("a b strong i em s strike del u ins tg-spoiler tg-emoji span pre code blockquote".split())
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SPACES = " \t\r\n\0\v"  # to Telegram; the end of the text is a zero


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
    """The text and its entities (tag, its text, href), inner ones first; RefusedError with the words of the Bot API."""
    reader = _Html(source + "\0")
    while reader.at < len(source):
        reader.step()
    if reader.nested:
        raise cannot_parse(f'Can\'t find end tag corresponding to start tag "{reader.nested[-1].tag}"')
    if any("\ud800" <= character <= "\udfff" for character in reader.text):
        raise cannot_parse(
            "Text contains invalid Unicode characters after decoding HTML entities, "
            "check for unmatched surrogate code units"
        )
    return reader.text, tuple(reader.found)


def cannot_parse(detail: str) -> RefusedError:
    return RefusedError(400, f"Bad Request: can't parse entities: {detail}")


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    start: int  # in the text


@dataclass(slots=True)
class _Html:
    source: str  # with a zero at its end
    at: int = 0
    text: str = ""
    found: list[tuple[str, str, str | None]] = field(default_factory=list)
    nested: list[_Open] = field(default_factory=list)

    def step(self) -> None:
        character = self.source[self.at]
        if character == "&" and (decoded := self.entity()):
            self.text += decoded
        elif character != "<":
            self.text += character
            self.at += 1
        elif self.source[self.at + 1] == "/":
            self.end_tag()
        else:
            self.start_tag()

    def entity(self) -> str:
        """The character that is written here as an entity, which is passed; empty where it is none."""
        if match := re.compile(r"&#(?:x([0-9a-fA-F]*)|([0-9]*))").match(self.source, self.at):
            code = int(match[1] or "0", 16) if match[1] is not None else int(match[2] or "0")
            if code == 0 or code >= 0x10FFFF or match.end() - self.at >= 10:
                return ""
            found = chr(code)
        else:
            match = re.compile(r"&([a-zA-Z]*)").match(self.source, self.at)
            assert match is not None
            if match[1] not in _ENTITIES:
                return ""
            found = _ENTITIES[match[1]]
        self.at = match.end() + (self.source[match.end()] == ";")
        return found

    def start_tag(self) -> None:
        begin = self.at
        self.pass_to(_SPACES + ">")
        if self.source[self.at] == "\0":
            raise cannot_parse(f"Unclosed start tag at byte offset {self.offset(begin)}")
        tag = _lower(self.source[begin + 1 : self.at])
        if tag not in ALLOWED_TAGS:
            raise cannot_parse(f'Unsupported start tag "{tag}" at byte offset {self.offset(begin)}')
        argument = ""
        while self.source[self.at] != ">":
            self.pass_spaces()
            if self.source[self.at] == ">":
                break
            name, value = self.attribute(tag, begin)
            if name == {"a": "href", "tg-emoji": "emoji-id", "span": "class"}.get(tag):
                argument = value
        if tag == "span" and argument != "tg-spoiler":
            raise cannot_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {self.offset(begin)}')
        self.at += 1
        self.nested.append(_Open(tag, argument, len(self.text)))

    def attribute(self, tag: str, begin: int) -> tuple[str, str]:
        name_at = self.at
        self.pass_to(_SPACES + "=>/\"'")
        name = _lower(self.source[name_at : self.at])
        if not name:
            raise cannot_parse(f'Empty attribute name in the tag "{tag}" at byte offset {self.offset(begin)}')
        self.pass_spaces()
        unclosed = cannot_parse(f'Unclosed start tag "{tag}" at byte offset {self.offset(begin)}')
        if self.source[self.at] != "=":
            if self.is_over:
                raise unclosed
            return name, ""
        self.at += 1
        self.pass_spaces()
        if self.is_over:
            raise unclosed
        quote = self.source[self.at]
        if quote in "'\"":
            value = self.quoted(quote)
        else:
            token_at = self.at
            match = re.compile(r"[a-zA-Z0-9.-]*").match(self.source, self.at)
            assert match is not None
            self.at, value = match.end(), _lower(match[0])
            if self.source[self.at] not in _SPACES + ">":
                raise cannot_parse(f"Unexpected end of name token at byte offset {self.offset(token_at)}")
        if self.is_over:
            raise cannot_parse(f"Unclosed start tag at byte offset {self.offset(begin)}")
        return name, value

    def quoted(self, quote: str) -> str:
        self.at += 1
        value = ""
        while self.source[self.at] != quote and not self.is_over:
            decoded = self.entity() if self.source[self.at] == "&" else ""
            if not decoded:
                decoded = self.source[self.at]
                self.at += 1
            value += decoded
        self.at += self.source[self.at] == quote
        return value

    def end_tag(self) -> None:
        begin = self.at
        if not self.nested:
            raise cannot_parse(f"Unexpected end tag at byte offset {self.offset(begin)}")
        self.pass_to(_SPACES + ">")
        name = _lower(self.source[begin + 2 : self.at])
        self.pass_spaces()
        if self.source[self.at] != ">":
            raise cannot_parse(f"Unclosed end tag at byte offset {self.offset(begin)}")
        opened = self.nested.pop()
        if name and name != opened.tag:
            where = f"at byte offset {self.offset(begin)}"
            raise cannot_parse(f'Unmatched end tag {where}, expected "</{opened.tag}>", found "</{name}>"')
        self.at += 1
        words = self.text[opened.start :]
        if not words:
            return
        # A link that is none stays as words, without being refused.
        href = (opened.argument or words) if opened.tag == "a" else None
        if href is None or is_link(href):
            self.found.append((opened.tag, words, href))

    @property
    def is_over(self) -> bool:
        return self.at >= len(self.source) - 1

    def pass_to(self, characters: str) -> None:
        while self.source[self.at] not in characters:
            self.at += 1

    def pass_spaces(self) -> None:
        while self.source[self.at] in _SPACES and not self.is_over:
            self.at += 1

    def offset(self, at: int) -> int:
        return len(self.source[:at].encode("utf-8", "surrogatepass"))


def is_link(href: str) -> bool:
    """Whether Telegram makes a link of it: an address of the web, whose host has a dot, or of Telegram itself."""
    if re.match(r"(?:tg|ton|tonsite)://\w", href, re.IGNORECASE):
        return True
    match = re.fullmatch(r"(?:https?://)?([^/?#]+)(?:[/?#].*)?", href, re.IGNORECASE | re.DOTALL)
    if match is None:
        return False
    host, _, port = match[1].rpartition("@")[2].partition(":")
    if port and not (port.isdecimal() and 0 < int(port) <= 65535):
        return False
    return re.fullmatch(r"[^\s\"<>]*[^\s\"<>.]\.[^\s\"<>]+", host) is not None


def _lower(text: str) -> str:
    """ASCII only, as Telegram does it."""
    return re.sub("[A-Z]+", lambda match: match[0].lower(), text)
