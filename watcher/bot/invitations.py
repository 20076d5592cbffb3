"""How people are let in: by a code that an operator makes, or by an operator who approves."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from watcher.bot.desk import Desk
from watcher.bot.talk import Answer, Asked, Button, Command, PlaceKind, Press, Role
from watcher.model import Channel
from watcher.notices import tell_operators
from watcher.render import isolate
from watcher.settings.values import parse_duration
from watcher.store.codec import encode_time
from watcher.store.subscriptions import Invitation
from watcher.subscriptions import (
    DECLINED,
    PREFIX,
    Subscription,
    SubscriptionStatus,
    approved,
    ended,
    new_subscription,
)
from watcher.wording import wording_of

CODE_BYTES = 12  # 96 bits; written in 16 of the 64 characters that a deep link may carry
ASK_AGAIN_AFTER = timedelta(days=1)
DECLINED_FOR = timedelta(days=30)
MOST_REQUESTS = 20  # in a day, of all strangers together; operators could not look at more
DEFAULT_SPAN = timedelta(days=7)
LONGEST_SPAN = timedelta(days=90)
MOST_USES = 1000


def new_code() -> str:
    """A code that nobody can guess, fit for a deep link."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_code(code: str) -> str:
    """What is stored of a code; it is random enough to need no salt."""
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()


def link_of(username: str, code: str, *, for_group: bool = False) -> str:
    """The address that opens the bot with the code; ``for_group``: that puts it into a group of one's choice."""
    return f"https://t.me/{username}?{'startgroup' if for_group else 'start'}={code}"


def key_of(subscription: Subscription) -> str:
    """How buttons name the subscription: short, and no chat's number."""
    return subscription.id.removeprefix(PREFIX)


class Invitations:
    """The handlers; ``register`` puts them on the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.store

    def register(self) -> None:
        """Nothing; the desk knows the command and the presses from now on."""
        self._desk.commands["invite"] = Command(self.invite, Role.OPERATOR, "bot.menu_invite", in_groups=False)
        self._desk.presses["let"] = Press(self.decide, Role.OPERATOR)

    async def invite(self, asked: Asked) -> Sequence[Answer]:
        """A link with a code: ``/invite 10 7d`` for ten people within a week; for one where nothing is said."""
        try:
            uses, span = parse_terms(asked.words)
        except ValueError:
            return [Answer(asked.wording.say("bot.invite_how"))]
        code = new_code()
        invitation = Invitation(0, asked.person.name, asked.now, asked.now + span, uses)
        with self._store.transaction():
            self._store.subscriptions.invite(invitation, hash_code(code))
        text = asked.wording.say(
            "bot.invite_done",
            uses=uses,
            until=f"{invitation.expires_at:%Y-%m-%d %H:%M}",
            link=link_of(self._desk.username, code),
            group_link=link_of(self._desk.username, code, for_group=True),
        )
        # In private even if asked in a group, whose members should not all be let in by it.
        return [Answer(text, to=str(asked.person.id) if asked.place.kind is not PlaceKind.PRIVATE else "")]

    def let_in(self, asked: Asked) -> Sequence[Answer] | Subscription:
        """The subscription of a stranger's chat that is let in now, else what the stranger is told."""
        telegram = self._desk.settings().telegram
        if telegram is None or telegram.access == "listed":
            return [Answer(asked.wording.say("bot.listed_only"))]
        known = self._store.subscriptions.of_target(asked.place.target)
        mine = self._mine(asked, known)
        if asked.words:
            with self._store.transaction():
                invitation = self._store.subscriptions.use_invitation(hash_code(asked.words[0]), asked.now)
                if invitation is not None:
                    mine = replace(approved(mine, f"invitation {invitation.id}", asked.now), proposed=invitation.rules)
                    self._store.subscriptions.save(mine)
            return [Answer(asked.wording.say("bot.bad_code"))] if invitation is None else mine
        has_to_wait = known is not None and asked.now - known.changed_at < (
            DECLINED_FOR if known.ended_because == DECLINED else ASK_AGAIN_AFTER
        )
        if has_to_wait or self._store.subscriptions.has_asked(asked.place.target, asked.now):
            return [Answer(asked.wording.say("bot.asked"))]
        return self._ask(asked, mine)

    def _mine(self, asked: Asked, known: Subscription | None) -> Subscription:
        place, person = asked.place, asked.person
        return known or new_subscription(
            place.target, place.kind, place.title, asked.wording.language, person.name, person.id, asked.now
        )

    def _ask(self, asked: Asked, mine: Subscription) -> Sequence[Answer]:
        """The request that operators see, and what the stranger is told."""
        answers = [Answer(asked.wording.say("bot.asked"))]
        if self._store.subscriptions.requests_since(asked.now - ASK_AGAIN_AFTER) >= MOST_REQUESTS:
            return answers
        mine = replace(mine, status=SubscriptionStatus.WAITING, changed_at=asked.now, who=asked.person.name)
        operators = [
            one
            for one in self._desk.book().recipients
            if one.is_operator and one.channel is Channel.TELEGRAM and one.target != asked.place.target
        ]
        with self._store.transaction():
            self._store.subscriptions.save(mine)
            self._store.subscriptions.note_request(mine.target, asked.now, asked.now + ASK_AGAIN_AFTER)
            if not operators:
                tell_operators(
                    self._store,
                    self._desk.book().recipients,
                    asked.now,
                    key=f"subscription:{mine.id}",
                    state=f"asks {encode_time(asked.now)}",
                    headline=f"{asked.person.name} asks to be let in",
                    body=f"watcher subscribers approve {mine.id}\nwatcher subscribers remove {mine.id}",
                )
                self._desk.wake()
        for operator in operators:
            wording = wording_of(operator.language)
            place = "bot.place_private" if mine.kind is PlaceKind.PRIVATE else "bot.place_group"
            text = wording.say(
                "bot.request",
                name=isolate(asked.person.name),
                place=wording.say(place, title=isolate(mine.title)),
            )
            keyboard = (
                (
                    Button(wording.say("bot.button_approve"), f"let:ok:{key_of(mine)}"),
                    Button(wording.say("bot.button_decline"), f"let:no:{key_of(mine)}"),
                ),
            )
            answers.append(Answer(text, keyboard, to=operator.target))
        return answers

    async def decide(self, asked: Asked) -> Sequence[Answer]:
        """An operator's Approve or Decline; the first one counts."""
        if len(asked.words) != 2:
            return [Answer(toast=asked.wording.say("bot.unknown_button"))]
        verdict, key = asked.words
        known = self._store.subscriptions.get(PREFIX + key)
        if known is None or known.status is not SubscriptionStatus.WAITING:
            return [Answer(toast=asked.wording.say("bot.decided"))]
        is_in = verdict == "ok"
        done = approved(known, asked.person.name, asked.now) if is_in else ended(known, DECLINED, asked.now)
        with self._store.transaction():
            self._store.subscriptions.save(done)
            if not is_in:
                self._store.subscriptions.note_request(known.target, asked.now, asked.now + DECLINED_FOR)
        self._desk.take_subscriptions()
        said = asked.wording.say(
            "bot.request_approved" if is_in else "bot.request_declined",
            name=isolate(known.who),
            operator=isolate(asked.person.name),
        )
        theirs = wording_of(known.language)
        told = self._desk.welcome(done) if is_in else [Answer(theirs.say("bot.declined"))]
        return [Answer(said, edits=True), *(replace(one, to=known.target) for one in told)]


def parse_terms(words: Sequence[str]) -> tuple[int, timedelta]:
    """How many may use an invitation, and for how long, from words like ``10 7d`` in any order; raises ValueError."""
    uses, span = 1, DEFAULT_SPAN
    for word in words:
        if word.isascii() and word.isdecimal():
            uses = int(word)
        else:
            span = parse_duration(word)
    if not 1 <= uses <= MOST_USES:
        raise ValueError(f"expected 1 to {MOST_USES} uses, found {uses}")
    if not timedelta(0) < span <= LONGEST_SPAN:
        raise ValueError(f"expected at most {LONGEST_SPAN.days}d, found {span}")
    return uses, span
