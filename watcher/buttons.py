"""What can be pressed under an alert, and what a press says; pure.

What a button carries is ``ACT:ALERT``, for mutes also ``:SPAN`` and ``:all``, in at most 64 bytes
(https://core.telegram.org/bots/api#inlinekeyboardbutton). Who may press is not decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.model import Acknowledgement, Alert, AlertKind
from watcher.render import clean, isolate, shorten
from watcher.wording import Wording

MAX_DATA_BYTES = 64
_NAME_CHARS = 24  # beside a time; more is cut off by telephones, in the middle


class Act(StrEnum):
    """What a button under an alert does."""

    ACKNOWLEDGE = "ack"
    USEFUL = "useful"
    FALSE_ALARM = "false"
    MUTE = "mute"  # without a span: offers the spans
    KEEP = "keep"  # out of the menu of spans, nothing is muted
    SOURCES = "sources"
    EVIDENCE = "evidence"


class Span(StrEnum):
    """How long a mute that is made by a button holds."""

    HOUR = "1h"
    EIGHT_HOURS = "8h"
    DAY = "24h"
    TO_THE_END = "end"  # until the event takes no more reports

    def over_at(self, now: datetime, closes_at: datetime) -> datetime:
        """When it ends; at least an hour from now where the event is closed already."""
        if self is Span.TO_THE_END:
            return max(closes_at, now + timedelta(hours=1))
        return now + timedelta(hours=int(self.value.removesuffix("h")))


@dataclass(frozen=True, slots=True)
class AlertButton:
    """One button: what stands on it, and what a press of it carries."""

    text: str
    data: str


Rows = tuple[tuple[AlertButton, ...], ...]


@dataclass(frozen=True, slots=True)
class Press:
    """What somebody wants by a press."""

    act: Act
    alert_id: str
    span: Span | None = None
    also_critical: bool = False  # only of mutes

    @property
    def data(self) -> str:
        """What the button carries."""
        parts = [self.act.value, self.alert_id]
        return ":".join(parts + ([self.span.value] if self.span else []) + (["all"] if self.also_critical else []))


_PRESS = re.compile(
    rf"(?P<act>{'|'.join(Act)}):(?P<alert>[A-Za-z0-9_-]{{1,32}})(?::(?P<span>{'|'.join(Span)}))?(?P<all>:all)?",
    re.ASCII,
)


def parse_press(data: str) -> Press:
    """What a press says; raises ValueError, with a sentence for the log, for what none of our buttons carries."""
    if len(data.encode(errors="replace")) > MAX_DATA_BYTES:
        raise ValueError(f"a button carries at most {MAX_DATA_BYTES} bytes")
    found = _PRESS.fullmatch(data)
    if found is None:
        raise ValueError("none of the buttons under an alert carries this")
    act = Act(found["act"])
    span = Span(found["span"]) if found["span"] else None
    if act is not Act.MUTE and (span or found["all"]):
        raise ValueError(f"the button {act.value} carries an alert and nothing else")
    return Press(act, found["alert"], span, also_critical=bool(found["all"]))


def alert_buttons(alert: Alert, wording: Wording, acknowledgement: Acknowledgement | None = None) -> Rows:
    """The rows of buttons under a message of the alert; none under what nobody can act upon."""
    match alert.kind:
        case AlertKind.EVENT | AlertKind.ESCALATION:
            acts = (Act.USEFUL, Act.FALSE_ALARM), (Act.MUTE, Act.SOURCES, Act.EVIDENCE)
            rows = tuple(tuple(_button(act, alert.id, wording) for act in row) for row in acts)
            return ((_acknowledge(alert.id, "ack", acknowledgement, wording),), *rows)
        case AlertKind.EXERCISE:
            return ((_acknowledge(alert.id, "received", acknowledgement, wording),),)
        case _:
            return ()


def mute_buttons(alert_id: str, wording: Wording, *, also_critical: bool) -> Rows:
    """The rows that stand there while somebody chooses how long to mute, and whether critical alerts, too."""

    def button(label: str, span: Span | None, *, critical: bool = also_critical) -> AlertButton:
        return AlertButton(wording.say(label), Press(Act.MUTE, alert_id, span, critical).data)

    return (
        tuple(button(f"desk.mute_{span.value}", span) for span in (Span.HOUR, Span.EIGHT_HOURS, Span.DAY)),
        (button("desk.mute_end", Span.TO_THE_END),),
        (
            button(
                "desk.mute_critical_too" if also_critical else "desk.mute_critical_pass",
                None,
                critical=not also_critical,
            ),
        ),
        (AlertButton(wording.say("common.back"), Press(Act.KEEP, alert_id).data),),
    )


def acknowledged_by(acknowledgement: Acknowledgement, wording: Wording) -> str:
    """Who and when, in a few words."""
    name = isolate(shorten(clean(acknowledgement.by), _NAME_CHARS, len))
    return wording.say("desk.button_acknowledged", name=name, time=f"{acknowledgement.at:%H:%M}")


def _button(act: Act, alert_id: str, wording: Wording) -> AlertButton:
    return AlertButton(wording.say(f"desk.button_{act.value}"), Press(act, alert_id).data)


def _acknowledge(alert_id: str, label: str, done: Acknowledgement | None, wording: Wording) -> AlertButton:
    text = wording.say(f"desk.button_{label}") if done is None else acknowledged_by(done, wording)
    return AlertButton(text, Press(Act.ACKNOWLEDGE, alert_id).data)
