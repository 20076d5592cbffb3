"""What people do about their own subscription: begin, choose, end, and be forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from watcher.bot.access import configured_in, may_change
from watcher.bot.choosing import Choosing, Face, UnclearZoneError
from watcher.bot.desk import Desk
from watcher.bot.invitations import Invitations, key_of
from watcher.bot.talk import Answer, Asked, Button, Command, Keyboard, PlaceKind, Press, Role
from watcher.render import clean, isolate, shorten
from watcher.subscriptions import (
    LEFT,
    PREFIX,
    Subscription,
    approved,
    ended,
    new_subscription,
)
from watcher.wording import Wording, wording_of

_CHANNEL = re.compile(r"@[A-Za-z]\w{3,31}|-100\d{5,15}", re.ASCII)
_TEXT_CHARS = 60  # of what somebody wrote, when it is repeated; a city or a span of hours is shorter


class Subscribing:
    """The handlers; ``register`` puts them on the desk."""

    def __init__(self, desk: Desk, invitations: Invitations) -> None:
        self._desk = desk
        self._store = desk.store
        self._invitations = invitations

    def register(self) -> None:
        """Nothing; the desk knows the commands and presses from now on."""
        self._desk.commands |= {
            "start": Command(self.start, Role.STRANGER, "bot.menu_start", in_groups=False, is_timeless=True),
            "subscribe": Command(self.subscribe, Role.STRANGER, "bot.menu_subscribe", is_timeless=True),
            "settings": Command(self.settings, Role.MANAGER, "bot.menu_settings", is_timeless=True),
            "unsubscribe": Command(self.unsubscribe, Role.MANAGER, "bot.menu_unsubscribe", is_timeless=True),
            "forget": Command(self.forget, Role.STRANGER, "bot.menu_forget", in_groups=False, is_timeless=True),
            "help": Command(self.help, Role.STRANGER, "bot.menu_help", is_timeless=True),
        }
        self._desk.presses |= {
            "set": Press(self.choose, Role.MANAGER),
            "stop": Press(self.stop, Role.MANAGER),
            "forget": Press(self.delete, Role.STRANGER),
        }
        self._desk.text = self.text
        self._desk.welcome = self.welcome

    # Beginning.

    async def start(self, asked: Asked) -> Sequence[Answer]:
        """What this is, and a tap to subscribe; strangers come in by a code, or ask."""
        if asked.role is Role.STRANGER:
            return self._let_in(asked)
        if asked.role < Role.MANAGER:
            return [Answer(asked.wording.say("bot.about"))]
        mine = self._mine(asked)
        return self._face_of(asked, mine) if mine is not None else self._configured(asked)

    def _let_in(self, asked: Asked) -> Sequence[Answer]:
        if not asked.leads:
            return []  # a member of a group that nobody has let in
        found = self._invitations.let_in(asked)
        if not isinstance(found, Subscription):
            return found
        self._desk.take_subscriptions()
        return self.welcome(found)

    def _mine(self, asked: Asked) -> Subscription | None:
        """The active subscription of the place, begun or begun again where there was none; None: it is configured."""
        place, known = asked.place, self._store.subscriptions.of_target(asked.place.target)
        if configured_in(self._desk, place) is not None:
            return None
        if known is not None and known.is_active:
            return known
        telegram = self._desk.settings().telegram
        how = known.approved_by if known is not None else ""
        mine = known or new_subscription(
            place.target, place.kind, place.title, asked.wording.language, asked.person.name, asked.person.id, asked.now
        )
        mine = approved(mine, how or (telegram.access if telegram else "") + f" ({asked.role.name.lower()})", asked.now)
        self._save(mine)
        return mine

    def _save(self, subscription: Subscription) -> None:
        with self._store.transaction():
            self._store.subscriptions.save(subscription)
            if subscription.is_active:  # it may have been closed when people had thrown the bot out
                self._store.outbox.reopen_recipient(subscription.id)
        self._desk.take_subscriptions()

    def _configured(self, asked: Asked) -> Sequence[Answer]:
        fixed = configured_in(self._desk, asked.place)
        return [Answer(asked.wording.say("bot.configured", id=fixed.id if fixed else "?"))]

    def welcome(self, subscription: Subscription) -> Sequence[Answer]:
        """What people hear who were let in just now."""
        wording = wording_of(subscription.language)
        return [
            Answer(f"{wording.say('bot.about')}\n\n{wording.say('bot.choose')}", self._first(subscription, wording))
        ]

    def _first(self, subscription: Subscription, wording: Wording) -> Keyboard:
        key = key_of(subscription)
        rows = [(Button(wording.say("bot.button_choose"), f"set:{key}"),)]
        if subscription.proposed:
            rows.insert(0, (Button(wording.say("bot.button_proposed"), f"set:{key}:=proposed"),))
        return (*rows, (Button(wording.say("bot.button_everything"), f"set:{key}:=all:menu"),))

    def _face_of(self, asked: Asked, mine: Subscription) -> Sequence[Answer]:
        if mine.is_empty:
            return self.welcome(mine)
        return [
            Answer(
                f"{asked.wording.say('bot.about')}\n\n{asked.wording.say('bot.active')}",
                ((Button(asked.wording.say("bot.button_settings"), f"set:{key_of(mine)}"),),),
            )
        ]

    async def subscribe(self, asked: Asked) -> Sequence[Answer]:
        """The same as /start; an operator may name a channel, which cannot ask for itself."""
        if asked.role is Role.STRANGER:
            return self._let_in(replace(asked, words=()))
        if asked.role < Role.MANAGER:
            return [Answer(asked.wording.say("bot.only_administrators"))]
        if asked.role is Role.OPERATOR and asked.words and _CHANNEL.fullmatch(asked.words[0]):
            return await self._subscribe_channel(asked, asked.words[0])
        mine = self._mine(asked)
        return self._face_of(asked, mine) if mine is not None else self._configured(asked)

    async def _subscribe_channel(self, asked: Asked, name: str) -> Sequence[Answer]:
        place = await self._desk.find_channel(name)
        if place is None:
            return [Answer(asked.wording.say("bot.channel_not", name=name))]
        if configured_in(self._desk, place) is not None:
            return self._configured(replace(asked, place=place))
        mine = self._mine(replace(asked, place=place))
        if mine is None:
            return self._configured(asked)
        return [
            Answer(asked.wording.say("bot.channel_done", title=isolate(place.title)), self._first(mine, asked.wording))
        ]

    # Choosing.

    async def settings(self, asked: Asked) -> Sequence[Answer]:
        """The first page; or a change in words: ``/settings quiet 22:00-07:00 Asia/Yerevan``."""
        mine = self._mine(asked)
        if mine is None:
            return self._configured(asked)
        if not asked.words:
            return [self._answer(self._choosing(mine).open(()))]
        what, text = asked.words[0].lower(), " ".join(asked.words[1:])
        return self._change_by_words(asked, mine, what, text)

    def _change_by_words(self, asked: Asked, mine: Subscription, what: str, text: str) -> Sequence[Answer]:
        choosing = self._choosing(mine)
        changes: dict[str, Callable[[str], Subscription]] = {
            "quiet": choosing.with_quiet,
            "digest": choosing.with_digest,
            "zone": choosing.with_zone,
        }
        say = choosing.wording.say
        try:
            changed = changes[what](text)
        except KeyError:
            return [self._answer(choosing.open(()))]
        except UnclearZoneError as unclear:
            if not unclear.said:
                return [self._answer(choosing.open(("zone", what)))]
            if not unclear.zones:
                return [
                    Answer(say("settings.not_zone", text=_repeated(unclear.said)), choosing.open(("zone",)).keyboard)
                ]
            return [Answer(say("settings.which_zone"), choosing.zones(unclear.zones))]
        except ValueError:
            key = "settings.not_hours" if what == "quiet" else "settings.not_time"
            return [Answer(say(key, text=_repeated(text)))]
        changed = replace(changed, changed_at=asked.now)
        self._save(changed)
        return [self._answer(self._choosing(changed).open(()))]

    async def text(self, asked: Asked) -> Sequence[Answer]:
        """What somebody writes in private that is no command: hours, a city, or something else."""
        if asked.role is Role.STRANGER:
            return [Answer(asked.wording.say("bot.stranger"))]
        text = " ".join(asked.words).strip()
        mine = self._store.subscriptions.of_target(asked.place.target)
        if mine is not None and mine.is_active and 0 < len(text) <= _TEXT_CHARS:
            choosing = self._choosing(mine)
            if re.match(r"\d{1,2}([:.]\d\d)?\s*[-–—]\s*\d", text, re.ASCII):
                return self._change_by_words(asked, mine, "quiet", text)
            try:
                zone = choosing.with_zone(text).zone
            except UnclearZoneError as unclear:
                zones = unclear.zones
            else:
                zones = (zone,)
            if zones:
                return [Answer(choosing.wording.say("settings.which_zone"), choosing.zones(zones))]
        return [Answer(asked.wording.say("bot.hint"))]

    async def choose(self, asked: Asked) -> Sequence[Answer]:
        """Another page of the same message, after what the press changes."""
        mine = self._named(asked)
        if mine is None:
            return [Answer(toast=asked.wording.say("bot.not_yours"))]
        if not mine.is_active:
            return [Answer(toast=asked.wording.say("bot.not_subscribed"))]
        words = asked.words[1:]
        choosing = self._choosing(mine)
        if words[:1] == ("close",):
            return [self._answer(choosing.closed(), edits=True)]
        if not words or not words[0].startswith("="):
            return [self._answer(choosing.open(words), edits=True)]
        found = choosing.change(words)
        if found is None:
            return [Answer(toast=asked.wording.say("bot.unknown_button"))]
        changed, page = replace(found[0], changed_at=asked.now), found[1]
        if words[1:] == ("menu",):  # from the greeting: whatever was chosen before, everything is meant
            changed, page = replace(changed, rules=("*",), families=()), ()
        self._save(changed)
        after = self._choosing(changed)
        return [replace(self._answer(after.open(page), edits=True), toast=after.wording.say("settings.saved"))]

    def _named(self, asked: Asked) -> Subscription | None:
        """The subscription that the press names, where who presses may change it from there."""
        found = self._store.subscriptions.get(PREFIX + asked.words[0]) if asked.words else None
        return found if found is not None and may_change(asked, found) else None

    def _choosing(self, subscription: Subscription) -> Choosing:
        return Choosing(subscription, self._desk.book(), wording_of(subscription.language))

    @staticmethod
    def _answer(face: Face, *, edits: bool = False) -> Answer:
        return Answer(face.text, face.keyboard, edits=edits)

    # Ending.

    async def unsubscribe(self, asked: Asked) -> Sequence[Answer]:
        """A question first: a slip of the finger would be silence."""
        mine = self._store.subscriptions.of_target(asked.place.target)
        if configured_in(self._desk, asked.place) is not None:
            return self._configured(asked)
        if mine is None or not mine.is_active:
            return [Answer(asked.wording.say("bot.not_subscribed"))]
        key = key_of(mine)
        keyboard = (
            (
                Button(asked.wording.say("bot.button_stop"), f"stop:{key}"),
                Button(asked.wording.say("common.cancel"), f"set:{key}:close"),
            ),
        )
        return [Answer(asked.wording.say("bot.unsubscribe_ask"), keyboard)]

    async def stop(self, asked: Asked) -> Sequence[Answer]:
        """Nothing is sent any more, and what waits is withdrawn."""
        mine = self._named(asked)
        if mine is None:
            return [Answer(toast=asked.wording.say("bot.not_yours"))]
        with self._store.transaction():
            self._store.subscriptions.save(ended(mine, LEFT, asked.now))
            self._store.subscriptions.withdraw(mine.id, LEFT, asked.now)
        self._desk.take_subscriptions()
        return [Answer(asked.wording.say("bot.unsubscribed"), edits=True)]

    async def forget(self, asked: Asked) -> Sequence[Answer]:
        """A question first: who is forgotten has to be invited anew."""
        if asked.place.kind is not PlaceKind.PRIVATE:
            return [Answer(asked.wording.say("bot.forget_private"))] if asked.role > Role.STRANGER else []
        keyboard = (
            (
                Button(asked.wording.say("bot.button_forget"), "forget:yes"),
                Button(asked.wording.say("common.cancel"), "forget:no"),
            ),
        )
        return [Answer(asked.wording.say("bot.forget_ask"), keyboard)]

    async def delete(self, asked: Asked) -> Sequence[Answer]:
        """What was deleted of the person."""
        if asked.place.kind is not PlaceKind.PRIVATE:
            return [Answer(toast=asked.wording.say("bot.not_yours"))]
        if asked.words != ("yes",):
            return [Answer(asked.wording.say("bot.forget_kept"), edits=True)]
        with self._store.transaction():
            mine = self._store.subscriptions.of_target(asked.place.target)
            if mine is not None:
                self._store.subscriptions.withdraw(mine.id, LEFT, asked.now)
            done = self._store.subscriptions.forget(asked.person.id, asked.now)
            opinions = self._store.feedback.forget(asked.person.id)
        self._desk.take_subscriptions()
        text = asked.wording.say(
            "bot.forgotten",
            subscriptions=done.subscriptions,
            names=done.acknowledgements + done.mutes,
            opinions=opinions,
        )
        return [Answer(text, edits=True)]

    async def help(self, asked: Asked) -> Sequence[Answer]:
        """What the person can ask here."""
        if asked.role is Role.STRANGER:
            is_private = asked.place.kind is PlaceKind.PRIVATE
            return [Answer(asked.wording.say("bot.stranger"))] if is_private else []
        is_group = asked.place.kind is not PlaceKind.PRIVATE
        lines = [
            f"/{name} – {asked.wording.say(command.summary)}"
            for name, command in self._desk.commands.items()
            if command.summary and command.least <= asked.role and (command.in_groups or not is_group)
        ]
        return [Answer("\n".join((asked.wording.say("bot.help"), "", *lines)))]


def _repeated(text: str) -> str:
    return isolate(shorten(clean(text), _TEXT_CHARS, len))
