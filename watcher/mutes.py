"""Why somebody is not told of an alert that they asked for: mutes that people made, and graver events. Pure.

Whoever is silenced still has a delivery of the alert, with the reason, and hears of it in a summary afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from watcher.model import Event, Severity


@dataclass(frozen=True, slots=True)
class Mute:
    """Somebody wants no messages about one thing until some time; exactly one of the four is not None."""

    id: int  # 0 until it is stored
    event_id: str | None
    rule: str | None  # rule id, shell wildcards
    state: str | None  # ISO code: every event that names it
    source_id: str | None
    recipient_id: str | None  # None: for everybody
    also_critical: bool  # False: critical alerts are sent all the same
    reason: str
    by: str
    made_at: datetime
    until_at: datetime
    ended_at: datetime | None = None  # by hand, earlier
    to_the_end: bool = False  # of an event: holds as long as it takes reports; the store moves `until_at` with it

    @property
    def over_at(self) -> datetime:
        """When it ends or has ended."""
        return self.until_at if self.ended_at is None else min(self.ended_at, self.until_at)

    def __str__(self) -> str:
        """What is muted, in words."""
        what = (
            (self.event_id and f"event {self.event_id}")
            or (self.rule and f"rule {self.rule}")
            or (self.state and f"state {self.state}")
            or f"source {self.source_id}"
        )
        return f"{what} for {self.recipient_id}" if self.recipient_id else str(what)


@dataclass(frozen=True, slots=True)
class Inhibit:
    """Events of one severity and above silence alerts of another and below, about the very same parties."""

    by: Severity
    silences: Severity
    families: tuple[str, ...] = ()  # only events of these families silence; empty: any


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """An open event that silences another."""

    event_id: str
    told: frozenset[str]  # ids of the recipients who know of it; nobody else is silenced


@dataclass(frozen=True, slots=True)
class Silences:
    """Everything that may silence an alert at this moment."""

    mutes: tuple[Mute, ...] = ()  # in force
    inhibitors: tuple[Inhibitor, ...] = ()  # of the event that the alert is about


@dataclass(frozen=True, slots=True)
class Silenced:
    """Why one recipient is not told now."""

    by: str  # "mute:3", "event:ID"
    reason: str


NOTHING = Silences()


def find_silence(
    silences: Silences,
    event: Event,
    severity: Severity,
    rule_ids: Collection[str],
    source_id: str,
    recipient_id: str,
) -> Silenced | None:
    """Why the recipient, who hears of the event by these rules, is not told now; None: it is told.

    A mute of a rule silences only those who hear of the event by no other rule. Where several mutes do, the one that
    ends last is named, so that the summary comes when all are over.
    """
    muting = [
        mute
        for mute in silences.mutes
        if mute.recipient_id in (None, recipient_id)
        and (severity < Severity.CRITICAL or mute.also_critical)
        and _is_about(mute, event, rule_ids, source_id)
    ]
    if muting:
        last = max(muting, key=lambda mute: (mute.over_at, mute.id))
        return Silenced(f"mute:{last.id}", muted_in_words(last))
    for inhibitor in silences.inhibitors:
        if recipient_id in inhibitor.told:
            return Silenced(f"event:{inhibitor.event_id}", f"inhibited by event {inhibitor.event_id}")
    return None


def muted_in_words(mute: Mute) -> str:
    """By whom, until when and why."""
    return f"muted by {mute.by} until {mute.over_at:%Y-%m-%d %H:%M} UTC: {mute.reason}"


def _is_about(mute: Mute, event: Event, rule_ids: Collection[str], source_id: str) -> bool:
    if mute.event_id is not None:
        return mute.event_id == event.id
    if mute.rule is not None:
        return all(fnmatchcase(rule_id, mute.rule) for rule_id in rule_ids)
    if mute.state is not None:
        return mute.state in event.states
    return mute.source_id == source_id


def _told_at(event: Event) -> datetime:
    return event.announced_at or event.opened_at


def inhibits(settings: Sequence[Inhibit], graver: Event, quieter: Event, now: datetime) -> bool:
    """Whether the first event silences the second: open and told, graver, of the same parties, and there before it.

    What people have heard of before the graver event stays told, and goes on being told.
    """
    return (
        graver.id != quieter.id
        and graver.is_announced
        and graver.is_test == quieter.is_test
        and bool(graver.states)
        and graver.states == quieter.states
        and graver.merged_into is None
        and _told_at(graver) <= _told_at(quieter)
        and now - graver.last_seen_at <= graver.group_for
        and any(
            graver.severity >= one.by
            and quieter.severity <= one.silences
            and (not one.families or graver.family in one.families)
            for one in settings
        )
    )
