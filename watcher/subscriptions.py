"""What people ask for themselves in a chat, and the recipients that this makes. Pure.

The scope is an allow-list: nothing is in it by default, and everything only where somebody said so.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from watcher.model import Budget, Channel, Digest, QuietHours, Recipient, Severity

EVERY = "*"  # in rules: every rule, also those to come; in states: any state, and none
NO_STATE = "--"  # in states: what names no state at all
# Why a subscription is over.
LEFT = "unsubscribed"
THROWN_OUT = "the bot was blocked or removed"
REMOVED = "removed by an operator"
DECLINED = "declined by an operator"

PREFIX = "chat-"
# One message a minute: more often, a sound tells nothing any more.
BUDGET = Budget(60, timedelta(hours=1))


class PlaceKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    CHANNEL = "channel"


class SubscriptionStatus(StrEnum):
    WAITING = "waiting"  # for an operator to approve
    ACTIVE = "active"
    ENDED = "ended"  # by the people themselves, by an operator, or because the bot was thrown out


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one chat, or one topic of a forum, asked for."""

    id: str  # of the recipient; stays when the scope changes or the chat moves
    target: str  # "CHAT" or "CHAT/THREAD"
    kind: PlaceKind
    title: str  # of the chat, as it was last seen
    language: str  # one of ``watcher.wording.LANGUAGES``
    status: SubscriptionStatus
    who: str  # made it: a name
    who_id: int  # their Telegram user id
    made_at: datetime
    changed_at: datetime
    approved_by: str = ""  # an operator, or the invitation that was used; empty: nobody ever did
    ended_because: str = ""
    is_told: bool = True  # whether they know that they were let in
    proposed: tuple[str, ...] = ()  # rule ids of the invitation, until something is chosen
    zone: str = ""  # IANA name of their time zone; empty: not said yet
    rules: tuple[str, ...] = ()  # rule ids, shell wildcards; EVERY: all
    families: tuple[str, ...] = ()  # each with all its rules, also those to come
    states: tuple[str, ...] = (EVERY,)  # ISO codes, NO_STATE
    min_severity: Severity = Severity.WATCH
    quiet_hours: QuietHours | None = None
    digest: Digest | None = None
    is_discreet: bool = False

    @property
    def is_active(self) -> bool:
        return self.status is SubscriptionStatus.ACTIVE

    @property
    def may_return(self) -> bool:
        """Whether they were let in once, and left by themselves."""
        return bool(self.approved_by) and self.ended_because in ("", LEFT, THROWN_OUT)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in its scope, so that nothing will ever be sent."""
        return not (self.rules or self.families) or not self.states

    @property
    def chat(self) -> str:
        """The chat without the topic."""
        return self.target.partition("/")[0]

    def to_recipient(self, families: Mapping[str, str]) -> Recipient:
        """The recipient that it makes; ``families`` are those of the rules in force, by rule id."""
        rules = self.rules
        if EVERY not in rules:
            rules += tuple(sorted(rule for rule, family in families.items() if family in self.families))
        return Recipient(
            id=self.id,
            channel=Channel.TELEGRAM,
            target=self.target,
            rules=(EVERY,) if EVERY in rules else tuple(dict.fromkeys(rules)),
            # Nothing chosen is nothing, never anything; a recipient without states would hear of all.
            states=() if EVERY in self.states else self.states or ("",),
            min_severity=self.min_severity,
            quiet_hours=self.quiet_hours,
            digest=self.digest,
            is_discreet=self.is_discreet,
            language=self.language,
            budget=BUDGET,
        )

    def unknown(self, families: Mapping[str, str]) -> tuple[str, ...]:
        """The rules and families that it names and that no longer exist, sorted."""
        gone = [one for one in self.rules if one != EVERY and not any(fnmatchcase(rule, one) for rule in families)]
        return tuple(sorted({*gone, *self.families} - {*families.values()}))


def subscription_id(target: str) -> str:
    """The id of a new subscription of the place: nobody reads the chat's number from it in a log."""
    return PREFIX + b32encode(hashlib.sha256(target.encode()).digest())[:8].decode().lower()


def new_subscription(
    target: str, kind: PlaceKind, title: str, language: str, who: str, who_id: int, now: datetime
) -> Subscription:
    """One that waits for approval and has nothing in its scope yet."""
    return Subscription(
        subscription_id(target), target, kind, title, language, SubscriptionStatus.WAITING, who, who_id, now, now
    )


def approved(subscription: Subscription, by: str, now: datetime) -> Subscription:
    """The subscription in force; ``by`` is an operator or an invitation."""
    return replace(subscription, status=SubscriptionStatus.ACTIVE, approved_by=by, ended_because="", changed_at=now)


def ended(subscription: Subscription, because: str, now: datetime) -> Subscription:
    """The subscription, over; its scope is kept for a new beginning."""
    return replace(subscription, status=SubscriptionStatus.ENDED, ended_because=because, changed_at=now)


def with_subscriptions(
    configured: Iterable[Recipient], subscriptions: Iterable[Subscription], families: Mapping[str, str]
) -> tuple[Recipient, ...]:
    """Everybody who is told: the configured ones, then the active subscriptions of places that are not configured."""
    recipients = list(configured)
    # An admin's own recipient gets no alerts, only notices: the same person may subscribe as well.
    taken = {one.target for one in recipients if one.channel is Channel.TELEGRAM and one.rules}
    return (
        *recipients,
        *(one.to_recipient(families) for one in subscriptions if one.is_active and one.target not in taken),
    )
