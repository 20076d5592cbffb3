"""What an alert was decided from, kept with it, so that anybody can work it out again later and compare.

Articles are revised and pruned, rules and lists change, events grow. What is kept here stays as it was at the moment
of the decision: the text that was matched, the rules as they were written, the event as it stood. `watcher.verify`
replays it.

"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from watcher.model import Article, Denial, Event, EventDecision, EventLink, Excerpt, Signal
from watcher.rules.schema import RuleText
from watcher.sequence import PastSignal


@dataclass(frozen=True, slots=True)
class Versions:
    """What the program was made of when it decided; hashes are the first 16 digits of SHA-256."""

    program: str
    code: str  # hash of its source
    gazetteer: str  # names of states as shipped; what a desk adds is among the rule texts
    data: str  # hash of everything else it knows by data: cues, words of casualties, wires


@dataclass(frozen=True, slots=True)
class RulePast:
    """What a rule over several articles remembered."""

    rule_id: str
    watched_since: datetime | None
    signals: tuple[PastSignal, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """How an article read before it was edited, and what of it people were told."""

    old: Article
    signals: tuple[Signal, ...]  # in the old text
    quoted: tuple[Excerpt, ...] | None = None  # in earlier alerts about the event; None: the alert corrects none


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is known about an article at the moment in which it is decided about."""

    article: Article
    raw_hash: str | None  # SHA-256 of the bytes that it was read from; None: they came with the list of items
    signals: tuple[Signal, ...]  # as matched; of rules over several articles what this one adds
    matched_at: datetime | None  # the present that ages were measured against; None: the article's own date
    same_text: tuple[str, ...] = ()  # ids of the articles whose text it repeats, sorted
    past: tuple[RulePast, ...] = ()
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of the events that an article could belong to."""

    events: tuple[Event, ...]  # as they stood: what was reported and told
    links: tuple[EventLink, ...] = ()  # what operators decided about their articles
    copies: tuple[Article, ...] = ()  # of the same text, in which no rule found anything
    denials: tuple[tuple[Article, Denial], ...] = ()  # by parties, in articles that came before
    denial: Denial | None = None  # what the alert itself is about

    def of(self, decision: EventDecision) -> Known:
        """The part of it that led to this decision: of the events those that it went into."""
        chosen = {decision.event.id, *decision.absorbed}
        return replace(self, events=tuple(event for event in self.events if event.id in chosen))


@dataclass(frozen=True, slots=True)
class Quoted:
    """An earlier article that the alert rests on."""

    article: Article
    raw_hash: str | None
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that an alert was decided from, recipients aside."""

    alert_id: str
    decided_at: datetime
    grounds: Grounds
    known: Known  # no events: the alert opened its own
    quoted: tuple[Quoted, ...]
    previous_alert_id: str | None
    rules: tuple[RuleText, ...]
    versions: Versions

    @property
    def articles(self) -> tuple[tuple[Article, str | None], ...]:
        """Each article whose text is kept, with the hash of its bytes, the decisive one first."""
        edit = self.grounds.edit
        return (
            (self.grounds.article, self.grounds.raw_hash),
            *(((edit.old, None),) if edit else ()),
            *((one.article, one.raw_hash) for one in self.quoted),
        )


def rules_behind(decision: EventDecision, known: Known) -> tuple[str, ...]:
    """The ids of the rules that the alert rests on, sorted."""
    denials = [one.rule_id for _, one in known.denials] + ([known.denial.rule_id] if known.denial else [])
    return tuple(sorted({*decision.event.rule_ids, *(one.rule_id for one in decision.signals), *denials}))
