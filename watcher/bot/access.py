"""Who may do what where. The chat counts, not what a button or a message says of itself."""

from __future__ import annotations

from watcher.bot.desk import Desk
from watcher.bot.talk import Asked, Person, Place, PlaceKind, Role
from watcher.model import Channel, Recipient
from watcher.subscriptions import Subscription, SubscriptionStatus
from watcher.wording import Wording, wording_of


def role_of(desk: Desk, person: Person, place: Place, *, is_administrator: bool) -> Role:
    """What the person may do in the place; ``is_administrator`` of the group, as Telegram says."""
    telegram = desk.settings().telegram
    if telegram is not None and person.id in telegram.admins:
        return Role.OPERATOR
    if not is_let_in(desk, place):
        return Role.STRANGER
    return Role.MANAGER if place.kind is PlaceKind.PRIVATE or is_administrator else Role.MEMBER


def is_let_in(desk: Desk, place: Place) -> bool:
    """Whether the chat, with all its topics, is one of those that the bot answers."""
    telegram = desk.settings().telegram
    if telegram is None:
        return False
    return (
        telegram.access == "open"
        or place.chat in telegram.allowed
        or configured_in(desk, place, whole_chat=True) is not None
        or any(_was_let_in(one) for one in desk.store.subscriptions.of_chat(str(place.chat)))
    )


def _was_let_in(subscription: Subscription) -> bool:
    return subscription.is_active or (subscription.status is SubscriptionStatus.ENDED and subscription.may_return)


def configured_in(desk: Desk, place: Place, *, whole_chat: bool = False) -> Recipient | None:
    """The recipient of the configuration that gets its alerts in the place, or anywhere in the chat."""
    moved = desk.store.told.moved_to(place.target)  # groups get another id when they become supergroups
    for one in desk.settings().to_recipients():
        if one.channel is Channel.TELEGRAM:  # also without rules of its own: told by `escalate` and `send`
            is_here = one.target.partition("/")[0] == str(place.chat) if whole_chat else one.target == place.target
            is_here |= one.id in moved
            if is_here and (one.rules or whole_chat):
                return one
    return None


def may_change(asked: Asked, subscription: Subscription) -> bool:
    """Whether who asks may change that subscription from where they ask: only what the place itself gets."""
    if asked.role is Role.OPERATOR:
        return True
    return asked.role is Role.MANAGER and subscription.target == asked.place.target


def wording_for(desk: Desk, person: Person, place: Place) -> Wording:
    """The language that the place has chosen, else the one of the person's Telegram."""
    known = desk.store.subscriptions.of_target(place.target)
    return wording_of(known.language if known is not None else person.language)
