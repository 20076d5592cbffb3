"""What a mail server's refusal means for the address: it passes, it lasts, or there is no such address. Pure.

The same for an answer to us (RFC 5321) and for a notification that comes later (RFC 3464).
"""

from __future__ import annotations

import re
from enum import Enum, auto

_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.\d{1,3}\b")  # RFC 3463: 5.subject.detail
_ADDRESS = "1"
_MAILBOX = "2"
_POLICY = "7"  # relaying, spam lists: about us and not about the address
# Many servers, exim as it is shipped among them, give no enhanced code; then only their words tell a refusal of us from
# one of the address ("relay not permitted", "rejected because 192.0.2.1 is in a black list at zen.example").
_POLICY_WORDS = re.compile(
    r"\b(relay\w*|spam\w*|(black|block|deny) ?list\w*|blocked|banned|polic\w+|reputation|dnsbl|rbl|authenticat\w+"
    r"|not permitted|not authori[sz]ed|access denied|helo|ehlo|spf|dkim|dmarc|reverse dns|ptr"
    r"|sender verify failed|rate|too many)\b",
    re.IGNORECASE,
)
_TOO_MUCH = 552  # over a limit: of the mailbox, or of recipients, which RFC 5321 (4.5.3.1.10) says to read as 452


class Refusal(Enum):
    """What becomes of the mail, and of the address."""

    PASSES = auto()  # may be accepted later
    LASTS = auto()  # this mail will not be; says nothing about the address
    ADDRESS_IS_GONE = auto()  # nothing will be accepted there


def judge_refusal(code: int, words: str, *, is_about_address: bool) -> Refusal:
    """What an answer of the class 4 or 5 means; ``is_about_address``: it was given where the recipient was named."""
    if code < 500:
        return Refusal.PASSES
    enhanced = _ENHANCED.search(words)
    if enhanced is None:
        if code == _TOO_MUCH and is_about_address:
            return Refusal.PASSES
        is_gone = is_about_address and not _POLICY_WORDS.search(words)
        return Refusal.ADDRESS_IS_GONE if is_gone else Refusal.LASTS
    subject = enhanced[1]
    if subject == _MAILBOX:  # full, or disabled for now
        return Refusal.PASSES
    if subject == _ADDRESS or (is_about_address and subject != _POLICY):
        return Refusal.ADDRESS_IS_GONE
    return Refusal.LASTS
