"""What the buttons under an alert do, and /mute, /unmute, /held: everything that changes what people are told."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase

from watcher.bot.desk import Desk
from watcher.bot.looking import evidence_of, sources_of
from watcher.bot.seats import latest_alert, recipients_of, seat_of, sees_all, visible_alert, visible_event
from watcher.bot.talk import Answer, Asked, Button, Command, Keyboard, Place, Press, Role
from watcher.buttons import Act, Rows, Span, alert_buttons, mute_buttons, parse_press
from watcher.errors import StoreError
from watcher.hours import next_digest_at
from watcher.model import Acknowledgement, Alert, AlertKind, Digest, Recipient
from watcher.mutes import Mute
from watcher.render import clean, isolate, minute, shorten
from watcher.routing import derived_id
from watcher.settings.values import check_rule_pattern, parse_until
from watcher.store.feedback import Verdict
from watcher.store.told import HeldMessage
from watcher.subscriptions import PlaceKind
from watcher.wording import Wording, wording_of

_HEADLINE_CHARS = 120
_NAME_CHARS = 80  # as acknowledgements keep it
_LONGEST_MUTE = timedelta(days=90)  # more is a subscription that should be narrowed
_ALSO_CRITICAL = ("all", "+")
_OF_MANAGERS = (Act.MUTE, Act.KEEP)
_SHOWN = 30  # of a list; more nobody reads on a telephone


class Acting:
    """The handlers; ``register`` puts them on the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def register(self) -> None:
        """Nothing; the desk knows the commands and presses from now on."""
        for act in Act:
            self._desk.presses[act.value] = Press(self.press)
        self._desk.presses["held"] = Press(self.send_held, Role.MANAGER)
        self._desk.presses["unmute"] = Press(self.end_mute, Role.MANAGER)
        self._desk.commands |= {
            "mute": Command(self.mute, Role.MEMBER, "desk.menu_mute"),
            "unmute": Command(self.end_mute, Role.MANAGER, "desk.menu_unmute"),
            "held": Command(self.held, Role.MEMBER, "desk.menu_held"),
        }

    async def press(self, asked: Asked) -> Sequence[Answer]:
        """What a button under an alert does; where the alert was not told in the place, nothing, and says nothing."""
        try:
            press = parse_press(asked.press)
        except ValueError:
            return [Answer(toast=asked.wording.say("desk.not_here"))]
        alert = visible_alert(self._desk, asked, press.alert_id)
        if alert is None or not _has_button(alert, press.act):
            return [Answer(toast=asked.wording.say("desk.not_here"))]
        if asked.role < Role.MANAGER and (press.act in _OF_MANAGERS or _is_only_read(asked.place, press.act)):
            return [Answer(toast=asked.wording.say("desk.managers_only"))]
        match press.act:
            case Act.ACKNOWLEDGE:
                return self._acknowledge(asked, alert)
            case Act.USEFUL:
                return [self._judge(asked, alert, Verdict.USEFUL)]
            case Act.FALSE_ALARM:
                return [self._judge(asked, alert, Verdict.FALSE_ALARM)]
            case Act.MUTE if press.span is not None:
                return self._mute_alert(asked, alert, press.span, also_critical=press.also_critical)
            case Act.MUTE:
                rows = mute_buttons(alert.id, self._spoken(asked), also_critical=press.also_critical)
                return [Answer(edits=True, keyboard=keyboard(rows))]
            case Act.KEEP:
                return [Answer(edits=True, keyboard=self._keyboard(asked, alert))]
            case Act.SOURCES:
                return sources_of(self._desk, asked, alert)
            case Act.EVIDENCE:
                return evidence_of(self._desk, asked, alert)

    def _keyboard(self, asked: Asked, alert: Alert) -> Keyboard:
        done = self._desk.store.events.acknowledgement_of(alert.id)
        return keyboard(alert_buttons(alert, self._spoken(asked), done))

    def _spoken(self, asked: Asked) -> Wording:
        """The language of what everybody in the place reads: that of the alerts there, not of who pressed."""
        here = recipients_of(self._desk, asked.place)
        return wording_of(here[0].language) if here else asked.wording

    def _acknowledge(self, asked: Asked, alert: Alert) -> Sequence[Answer]:
        """Says who and when, here and wherever the event was told; the second who presses learns of the first."""
        if alert.kind is AlertKind.EXERCISE:
            with self._desk.store.transaction():
                by = shorten(clean(asked.person.name), _NAME_CHARS, len) or "?"
                first = self._desk.store.told.receive(alert.id, asked.place.target, by, asked.person.id, asked.now)
            rows = keyboard(alert_buttons(alert, self._spoken(asked), Acknowledgement("", *first)))
            return [Answer(edits=True, keyboard=rows, toast=asked.wording.say("desk.received"))]
        try:
            person = asked.person
            done_here = self._desk.store.acknowledge(alert.id, by=person.name or "?", now=asked.now, person=person.id)
        except StoreError:
            return [Answer(toast=asked.wording.say("desk.not_here"))]
        done = done_here.acknowledgement
        said = {"name": isolate(shorten(clean(done.by), _NAME_CHARS, len)), "time": f"{done.at:%H:%M}"}
        here = Answer(
            edits=True,
            keyboard=self._keyboard(asked, alert),
            toast=asked.wording.say("desk.ack_done" if done_here.is_new else "desk.ack_already", **said),
        )
        if not done_here.is_new:
            return [here]
        answers = [here]
        if asked.place.kind is not PlaceKind.PRIVATE:
            line = self._spoken(asked).say("desk.ack_line", **said)
            answers.append(Answer(line, reply_to=asked.message_id, is_silent=True))
        # The others who got it, or its escalation, see it on their buttons; no message asks for somebody any more.
        asks = alert.escalates_at or alert.unacknowledged_since_at
        here_already = ("", "") if asks else (asked.place.target, str(asked.message_id))
        with self._desk.store.transaction():
            thread = self._desk.store.events.thread_of(done.event_id)
            self._desk.store.edits.refresh(thread, asked.now, but=here_already)
        self._desk.wake()
        return answers

    def _judge(self, asked: Asked, alert: Alert, verdict: Verdict) -> Answer:
        judged = alert
        if alert.kind is AlertKind.ESCALATION and alert.event_id is not None:  # says the same once more
            same = self._desk.store.events.alerts_of_event(alert.event_id)
            judged = next((one for one in same if derived_id("escalation", one.id) == alert.id), alert)
        with self._desk.store.transaction():
            before = self._desk.store.feedback.judge(judged, asked.person.id, verdict, asked.now)
        key = {None: "desk.feedback_thanks", verdict: "desk.feedback_same"}.get(before, "desk.feedback_changed")
        return Answer(toast=asked.wording.say(key, verdict=asked.wording.say(f"desk.button_{verdict.value}")))

    def _mute_alert(self, asked: Asked, alert: Alert, span: Span, *, also_critical: bool) -> Sequence[Answer]:
        event = self._desk.store.events.get(self._desk.store.events.thread_of(alert.event_id or ""))
        if event is None:
            return [Answer(toast=asked.wording.say("desk.not_here"))]
        until = span.over_at(asked.now, event.last_seen_at + event.group_for)
        wanted = _Wanted(until, also_critical, event_id=event.id, to_the_end=span is Span.TO_THE_END)
        text = self._add_mute(asked, wanted)
        back = Answer(edits=True, keyboard=self._keyboard(asked, alert))
        if text is None:
            return [replace(back, toast=asked.wording.say("desk.not_here"))]
        return [back, Answer(text, is_silent=True)]

    def _add_mute(self, asked: Asked, wanted: _Wanted) -> str | None:
        """What was muted, in words; None where nobody is told in the place."""
        recipients = recipients_of(self._desk, asked.place)
        if not recipients:
            return None
        with self._desk.store.transaction():
            mutes = [
                self._desk.store.mutes.add(wanted.to_mute(recipient, asked), asked.person.id)
                for recipient in recipients
            ]
        passing = "desk.mute_all" if wanted.also_critical else "desk.mute_but_critical"
        what = self._say_mute(asked, mutes[0])
        return f"{asked.wording.say('desk.mute_done', what=what)} {asked.wording.say(passing)}"

    async def mute(self, asked: Asked) -> Sequence[Answer]:
        """Mutes an event, rules or a state for this place; without anything after it, what is muted."""
        if not asked.words:
            return [self._list(asked)]
        if asked.role < Role.MANAGER:
            return [Answer(asked.wording.say("desk.managers_only"))]
        words = list(asked.words)
        also_critical = words[-1].lower() in _ALSO_CRITICAL and bool(words.pop())
        if len(words) > 1 and words[0].lower() in ("event", "rule", "state"):
            words.pop(0)
        what = words.pop(0) if words else ""
        found = self._find(asked, what)
        if found is None:
            named = isolate(shorten(clean(what), 60, len))
            return [Answer(asked.wording.say("desk.mute_unknown", what=named))]
        event = None if found.event_id is None else self._desk.store.events.get(found.event_id)
        if not words and event is not None and (alert := latest_alert(self._desk, asked, event)) is not None:
            rows = mute_buttons(alert.id, asked.wording, also_critical=also_critical)[:3]
            return [
                Answer(
                    asked.wording.say("desk.mute_how_long", what=_say_event(alert.headline, asked.wording)),
                    keyboard(rows),
                )
            ]
        if event is not None and [word.lower() for word in words] == [Span.TO_THE_END.value]:
            until = Span.TO_THE_END.over_at(asked.now, event.last_seen_at + event.group_for)
            wanted = replace(found, until=until, also_critical=also_critical, to_the_end=True)
        else:
            try:
                until = until_when(words, asked.now, self._zone(asked))
            except ValueError:
                text = isolate(shorten(clean(" ".join(words)), 60, len))
                return [Answer(asked.wording.say("desk.mute_when", text=text) if words else self._help(asked))]
            wanted = replace(found, until=until, also_critical=also_critical)
        return [Answer(self._add_mute(asked, wanted) or asked.wording.say("desk.nobody_here"))]

    def _find(self, asked: Asked, what: str) -> _Wanted | None:
        """What a word names, seen from the place."""
        event = visible_event(self._desk, asked, what.lower())
        if event is not None:
            return _Wanted(asked.now, also_critical=False, event_id=event.id)
        book = self._desk.book()
        try:
            pattern = check_rule_pattern(what.lower())
        except ValueError:
            pattern = ""
        if pattern and any(fnmatchcase(rule_id, pattern) for rule_id in book.statuses):
            return _Wanted(asked.now, also_critical=False, rule=pattern)
        for code, name in book.state_names.items():
            if what.casefold() in (code.casefold(), name.casefold(), asked.wording.state(code).casefold()):
                return _Wanted(asked.now, also_critical=False, state=code)
        return None

    def _zone(self, asked: Asked) -> str:
        """The zone that the people of the place have named for their quiet hours or digest."""
        for recipient in recipients_of(self._desk, asked.place):
            if (hours := recipient.quiet_hours or recipient.digest) is not None:
                return hours.zone
        return "UTC"

    def _help(self, asked: Asked) -> str:
        return asked.wording.say("desk.mute_help")

    def _mutes_here(self, asked: Asked) -> list[Mute]:
        ids = {recipient.id for recipient in recipients_of(self._desk, asked.place)}
        return [
            mute
            for mute in self._desk.store.mutes.in_force(asked.now)
            if mute.recipient_id in ids or (mute.recipient_id is None and sees_all(asked))
        ]

    def _say_mute(self, asked: Asked, mute: Mute) -> str:
        event = self._desk.store.events.get(mute.event_id) if mute.event_id else None
        alert = latest_alert(self._desk, asked, event) if event is not None else None
        return say_mute(mute, asked.wording, alert.headline if alert is not None else f"[{mute.event_id}]")

    def _list(self, asked: Asked) -> Answer:
        mutes = self._mutes_here(asked)
        lines = [f"{mute.id}. {self._say_mute(asked, mute)} ({isolate(clean(mute.by))})" for mute in mutes[:_SHOWN]]
        if len(mutes) > _SHOWN:
            lines.append(asked.wording.count("desk.and_more", len(mutes) - _SHOWN))
        title = asked.wording.say("desk.mute_list" if mutes else "desk.mute_list_none")
        rows: Keyboard = ()
        if asked.role >= Role.MANAGER:
            rows = tuple(
                (Button(asked.wording.say("desk.button_unmute", number=mute.id), data=f"unmute:{mute.id}"),)
                for mute in mutes[:8]
            )
        return Answer("\n".join([title, *lines, "", self._help(asked)]), rows)

    async def end_mute(self, asked: Asked) -> Sequence[Answer]:
        """Ends a mute of this place by its number; an operator may end any."""
        number = asked.words[0].strip("#.") if asked.words else ""
        known = {str(mute.id): mute for mute in self._mutes_here(asked)}
        if sees_all(asked):
            known |= {str(mute.id): mute for mute in self._desk.store.mutes.in_force(asked.now)}
        if number not in known:
            if not number:
                return [self._list(asked)]
            text = asked.wording.say("desk.unmute_none", number=isolate(shorten(clean(number), 20, len)))
            return [Answer(toast=text) if asked.press else Answer(text)]
        with self._desk.store.transaction():
            self._desk.store.mutes.end(known[number].id, asked.now)
        text = asked.wording.say("desk.unmute_done", number=number)
        if asked.press:
            return [replace(self._list(asked), edits=True, toast=text)]
        return [Answer(text)]

    async def held(self, asked: Asked) -> Sequence[Answer]:
        """What waits for this place, until when and why."""
        held = self._desk.store.told.held(seat_of(self._desk, asked.place))
        if not held:
            return [Answer(asked.wording.say("desk.held_none"))]
        lines = []
        for one in held[:_SHOWN]:
            headline = isolate(shorten(clean(one.headline), 120, len))
            why = asked.wording.say(f"desk.held_{_why_held(one)}")
            until = "" if one.silenced_by else f" {minute(one.until_at)}"
            lines.append(f"• {headline} [{one.alert_id}]: {why}{until}")
        if len(held) > _SHOWN:
            lines.append(asked.wording.count("desk.and_more", len(held) - _SHOWN))
        rows: Keyboard = ()
        if asked.role >= Role.MANAGER and any(one.silenced_by is None for one in held):
            rows = ((Button(asked.wording.say("desk.button_send_now"), data="held:send"),),)
        return [Answer("\n".join([asked.wording.count("desk.held_title", len(held)), *lines]), rows)]

    async def send_held(self, asked: Asked) -> Sequence[Answer]:
        """Tells at once, in one message for each recipient, what waits for a time or for room in a budget."""
        if asked.words != ("send",):
            return [Answer(toast=asked.wording.say("desk.not_here"))]
        here = recipients_of(self._desk, asked.place)
        told = sum(self._desk.store.release_held(recipient.id, asked.now) for recipient in here)
        if not told:
            return [Answer(edits=True, toast=asked.wording.say("desk.held_none"))]
        self._desk.wake()
        return [Answer(edits=True, toast=asked.wording.count("desk.held_sent", told))]


def _is_only_read(place: Place, act: Act) -> bool:
    """Whether that is not for those who only read there: anybody may join a public channel."""
    return place.kind is PlaceKind.CHANNEL and act not in (Act.SOURCES, Act.EVIDENCE)


def _has_button(alert: Alert, act: Act) -> bool:
    if alert.kind is AlertKind.EXERCISE:
        return act is Act.ACKNOWLEDGE
    return alert.kind in (AlertKind.EVENT, AlertKind.ESCALATION)


def _why_held(one: HeldMessage) -> str:
    if one.held_for is not None:
        return one.held_for.value
    return "muted" if (one.silenced_by or "").startswith("mute:") else "graver"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A mute that is asked for, of one of the three."""

    until: datetime
    also_critical: bool
    event_id: str | None = None
    rule: str | None = None
    state: str | None = None
    to_the_end: bool = False

    def to_mute(self, recipient: Recipient, asked: Asked) -> Mute:
        """For that recipient alone."""
        return Mute(
            id=0,
            event_id=self.event_id,
            rule=self.rule,
            state=self.state,
            source_id=None,
            recipient_id=recipient.id,
            also_critical=self.also_critical,
            reason="asked for in the chat",
            by=shorten(clean(asked.person.name), _NAME_CHARS, len),
            made_at=asked.now,
            until_at=self.until,
            to_the_end=self.to_the_end,
        )


def keyboard(rows: Rows) -> Keyboard:
    """The rows as the bot sends them."""
    return tuple(tuple(Button(button.text, data=button.data) for button in row) for row in rows)


def _say_event(headline: str, wording: Wording) -> str:
    return wording.say("desk.mute_event", title=isolate(shorten(clean(headline), _HEADLINE_CHARS, len)))


def say_mute(mute: Mute, wording: Wording, headline: str) -> str:
    """What is muted and until when, in the language of who reads it; ``headline`` is that of an event that is muted."""
    if mute.event_id is not None:
        what = _say_event(headline, wording)
    elif mute.rule is not None:
        what = wording.say("desk.mute_rule", id=mute.rule)
    elif mute.state is not None:
        what = wording.say("desk.mute_state", name=wording.state(mute.state))
    else:
        what = wording.say("desk.mute_source", id=mute.source_id)
    until = "desk.mute_until_end" if mute.to_the_end else "desk.mute_until"
    return wording.say(until, what=what, time=minute(mute.over_at))


def until_when(words: Sequence[str], now: datetime, zone: str) -> datetime:
    """The time, as UTC, that people name: ``8h``, ``2d``, ``07:00``, ``2026-12-01 08:00``, also after an "until".

    A time of day is the next one on the clocks of the zone. Raises ValueError for what is no time, is over, or is
    further away than a mute may last.
    """
    for spoken in (words, words[1:]):  # the word for "until" is another in each language
        if not spoken:
            continue
        try:
            until = _one_time(" ".join(spoken), now, zone)
        except (ValueError, OverflowError):
            continue
        if now < until <= now + _LONGEST_MUTE:
            return until
    raise ValueError("no time that a mute can last until")


def _one_time(text: str, now: datetime, zone: str) -> datetime:
    clock = re.fullmatch(r"(\d{1,2}):(\d\d)(?: +(\S+))?", text, re.ASCII)
    if clock is not None:
        named = clock[3] or zone
        if named not in zoneinfo.available_timezones():
            raise ValueError("no such time zone")
        return next_digest_at(Digest(time(int(clock[1]), int(clock[2])), named), now)
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d", text, re.ASCII):
        text = f"{text} {zone}"
    return parse_until(text.lower() if text[0].isdigit() and "/" not in text else text, now)
