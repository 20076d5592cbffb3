"""What came back to the sender's mailbox: notifications of failed delivery (RFC 3464), wishes to get no more. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default

from watcher.notify.mail_refusal import Refusal, judge_refusal

_MOST_BYTES = 256_000  # of a mail; the report stands before our mail, of which the headers are enough
_MOST_BLOCKS = 2_000  # the parser makes a message of each, and anybody may write to the mailbox
_WORDS_CHARS = 300
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_WISH = re.compile(r"\bunsubscribe ([A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])")  # the subject that our mailto link gives
# What parsing meets in hostile headers and bodies (the standard library's own modern parser).
_PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Bounce:
    """One mail of ours that did not arrive, for good; a delay is none."""

    message_id: str  # of our mail
    addresses: tuple[str, ...]  # of whom: as we wrote to them, and as it was forwarded
    refusal: Refusal
    words: str  # for people, on one line


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wrote that they want no more."""

    token: str  # of the link; may be nonsense


def read_returned(raw: bytes) -> tuple[Bounce | Wish, ...]:
    """What a message in that mailbox says to us; nothing where it is any other mail, or cannot be read."""
    raw = raw[:_MOST_BYTES].replace(b"\r\n", b"\n")
    if raw.count(b"\n\n") > _MOST_BLOCKS:
        return ()
    try:
        mail = message_from_bytes(raw, policy=default)
        if wish := _WISH.search(" ".join(str(mail.get("Subject", "")).split())):
            return (Wish(wish[1]),)
        return tuple(_bounces(mail))
    except _PARSER_ERRORS:
        return ()


def _bounces(mail: EmailMessage) -> Iterator[Bounce]:
    if mail.get_content_type() != "multipart/report":
        return
    parts = list(mail.iter_parts())
    reports = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    message_id = next(filter(None, map(_returned_id, parts)), "")
    if not reports or not message_id:
        return
    blocks = reports[0].get_payload()
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Message) and _value(block, "Action").lower() == "failed":
            yield _bounce(block, message_id)


def _bounce(block: Message, message_id: str) -> Bounce:
    status = _STATUS.search(_value(block, "Status"))
    # "smtp; 550 5.1.1 no such user": what the last server said, which is more than what ours made of it.
    said = _value(block, "Diagnostic-Code").partition(";")[2].strip()
    code = 400 if status is not None and status[0].startswith("4") else 550
    of_server = _STATUS.search(said)
    words = said if of_server and not of_server[0].endswith(".0.0") else f"{status[0] if status else ''} {said}"
    addresses = (_address(block, "Original-Recipient"), _address(block, "Final-Recipient"))
    return Bounce(
        message_id,
        tuple(filter(None, addresses)),
        # Only a clear word about the address closes it: the notification may be about anything on the way.
        judge_refusal(code, words, is_about_address=False),
        " ".join(words.split())[:_WORDS_CHARS] or "no reason given",
    )


def _returned_id(part: Message) -> str:
    """The Message-ID of our mail, of which the notification holds the whole or the headers."""
    kind, payload = part.get_content_type(), part.get_payload()
    headers = ""
    if kind == "message/rfc822" and isinstance(payload, list) and isinstance(payload[0], Message):
        headers = f"message-id: {payload[0].get('Message-ID', '')}"
    elif kind in ("text/rfc822-headers", "message/rfc822-headers"):
        content = part.get_payload(decode=True)
        headers = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
    named = re.search(r"^message-id:\s*(\S+)", headers, re.IGNORECASE | re.MULTILINE)
    found = _MESSAGE_ID.search(named[1]) if named else None
    return found[0] if found else ""


def _address(block: Message, name: str) -> str:
    """The address of "rfc822;desk@example.net"."""
    return _value(block, name).partition(";")[2].strip().strip("<>")


def _value(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())
