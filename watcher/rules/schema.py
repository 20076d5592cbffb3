"""What rule files may say: the models of every document and key, and the rule set that they load to.

Scalars arrive as the text that stands in the file; each field says what it makes of it, so nothing is coerced by YAML.
Every error message is one lower-case clause for the person who wrote the file: what was expected, and the nearest name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic import Field as Key
from pydantic_core import CoreSchema

from watcher.errors import Location, Problem
from watcher.model import RuleStatus, Severity, Stance
from watcher.rules.values import (
    FAMILIES,
    Window,
    one_of,
    one_or_many,
    parse_day,
    parse_duration,
    parse_family,
    parse_flag,
    parse_group_key,
    parse_language,
    parse_later_by,
    parse_list_name,
    parse_moment,
    parse_name,
    parse_positive,
    parse_ratio,
    parse_rule_id,
    parse_severity,
    parse_text,
    parse_window,
    phrase_text,
    phrases_of,
    split_words,
    wrong,
)


class ListKind(StrEnum):
    PHRASES = "phrases"
    STATES = "states"


class Part(StrEnum):
    """The part of an article that a clue looks at."""

    TITLE = "title"
    LEAD = "lead"  # title and the first three sentences
    BODY = "body"  # all after the lead


class UntilThen(StrEnum):
    SEND_UNCONFIRMED = "send_unconfirmed"
    HOLD = "hold"


class UpdateOn(StrEnum):
    CONFIRMED = "confirmed"
    DEATHS_DOUBLED = "deaths_doubled"
    NEW_STATE = "new_state"
    PUBLISHERS_DOUBLED = "publishers_doubled"
    SEVERITY_RAISED = "severity_raised"
    CORRECTION = "correction"
    DENIED = "denied"


class InQuietHours(StrEnum):
    HOLD = "hold"
    SEND = "send"
    SILENT = "silent"


class Expect(StrEnum):
    ALERT = "alert"
    NO_ALERT = "no alert"


class CountOf(StrEnum):
    PUBLISHERS = "publishers"
    REPORTS = "reports"


class CountPer(StrEnum):
    STATE = "state"


class Sharing(StrEnum):
    A_STATE = "a state"  # one that every step names
    STATES = "states"  # every step names the same


class _OrOne:
    """Tells the JSON Schema of a list that one item may stand alone."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        return {"anyOf": [schema, schema["items"]]}


class _OrCommas(_OrOne):
    """The same of a list of words, which may also be separated by commas."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        return {"anyOf": [*schema["anyOf"], {"type": "string", "pattern": "[^,], *[^,]"}]}


Text = Annotated[str, BeforeValidator(parse_text)]
RuleId = Annotated[
    str, BeforeValidator(parse_rule_id), WithJsonSchema({"type": "string", "pattern": "^[a-z0-9-]{3,64}$"})
]
Name = Annotated[
    str, BeforeValidator(parse_name), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"})
]
ListName = Annotated[Name, BeforeValidator(parse_list_name)]
PhraseText = Annotated[str, BeforeValidator(phrase_text)]
Phrases = Annotated[tuple[PhraseText, ...], BeforeValidator(phrases_of), Key(min_length=1), _OrOne()]
Positive = Annotated[int, BeforeValidator(parse_positive), WithJsonSchema({"type": "integer", "minimum": 1})]
Flag = Annotated[bool, BeforeValidator(parse_flag), WithJsonSchema({"type": "boolean"})]
Ratio = Annotated[float, BeforeValidator(parse_ratio), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]*[smhd]$", "examples": ["30m", "72h", "10d"]}),
]
LaterBy = Annotated[
    timedelta, BeforeValidator(parse_later_by), WithJsonSchema({"type": "string", "pattern": r"^\+[0-9]+[smhd]$"})
]
Day = Annotated[
    date,
    BeforeValidator(parse_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
Moment = Annotated[
    datetime, BeforeValidator(parse_moment), WithJsonSchema({"type": "string", "examples": ["2026-11-20"]})
]
Within = Annotated[
    Window,
    BeforeValidator(parse_window),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(paragraph|[1-9][0-9]* +sentences?)$",
            "examples": ["1 sentence", "2 sentences", "paragraph"],
        }
    ),
]
SeverityName = Annotated[
    Severity,
    BeforeValidator(parse_severity),
    WithJsonSchema({"type": "string", "enum": [severity.label for severity in Severity]}),
]
Names = Annotated[tuple[Name, ...], BeforeValidator(split_words), Key(min_length=1), _OrCommas()]
Words = Annotated[tuple[Text, ...], BeforeValidator(split_words), Key(min_length=1), _OrCommas()]
WordsOrNone = Annotated[tuple[Text, ...], BeforeValidator(split_words), _OrCommas()]
Stances = Annotated[
    tuple[Annotated[Stance, one_of(Stance, "stance")], ...],
    BeforeValidator(split_words),
    Key(min_length=1),
    _OrCommas(),
]
Parts = Annotated[
    tuple[Annotated[Part, one_of(Part, "part of an article")], ...],
    BeforeValidator(split_words),
    Key(min_length=1),
    _OrCommas(),
]
Languages = Annotated[
    tuple[
        Annotated[str, BeforeValidator(parse_language), WithJsonSchema({"type": "string", "pattern": "^[a-z]{2}$"})],
        ...,
    ],
    BeforeValidator(split_words),
    Key(min_length=1),
    _OrCommas(),
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, validate_default=False)


class States(_Model):
    """Distinct states that the text names as parties: by name, people, capital, government, leader or forces."""

    at_least: Positive = Key(default=1, description="how many different states", examples=[2])
    one_from: ListName | None = Key(
        default=None, description="at least one of them is on this list of kind states", examples=["csto_members"]
    )
    all_from: ListName | None = Key(
        default=None, description="all that count are on this list of kind states", examples=["csto_members"]
    )


class Casualties(_Model):
    """People killed, or injured, read in the most conservative way."""

    at_least: Positive = Key(
        default=1, description="how many people at the lowest reading: dozens is 12", examples=[1, 10]
    )


class Clue(_Model):
    """One thing to find: phrases, states, killed, injured or regex."""

    phrases: Phrases | None = Key(default=None, description="any of these", examples=[["invoke~ ..4 Article 4"]])
    not_phrases: Phrases | None = Key(
        default=None,
        description="a match that overlaps one of these, or shares its clause, does not count",
        examples=[["military exercise~"]],
    )
    states: States | None = Key(default=None, description="states named as parties", examples=[{"at_least": 2}])
    killed: Casualties | None = Key(default=None, description="people killed", examples=[{"at_least": 1}])
    injured: Casualties | None = Key(default=None, description="people injured", examples=[{"at_least": 10}])
    regex: Text | None = Key(
        default=None, description="a regular expression; only where no phrase can say it", examples=["Article (4|5)"]
    )
    parts: Parts | None = Key(
        default=None,
        alias="in",
        description="where to look: title, lead (title and first three sentences), body (all after the lead); "
        "without it everywhere",
        examples=["lead"],
    )
    accept: Stances = Key(
        default=(Stance.HAPPENED,), description="the stances that count", examples=[["happened", "planned"]]
    )

    @property
    def kind(self) -> Literal["phrases", "states", "killed", "injured", "regex"]:
        """Which of the five it is."""
        if self.phrases is not None:
            return "phrases"
        if self.states is not None:
            return "states"
        if self.killed is not None:
            return "killed"
        return "injured" if self.injured is not None else "regex"

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        kinds = [key for key in ("phrases", "states", "killed", "injured", "regex") if getattr(self, key) is not None]
        if len(kinds) != 1:
            found = f"found {' and '.join(kinds)}: make each a clue of its own" if kinds else "found none"
            raise wrong(f"expected exactly one of phrases, states, killed, injured, regex, {found}")
        if self.not_phrases is not None and kinds != ["phrases"]:
            raise wrong(f"not_phrases goes with phrases, not with {kinds[0]}")
        if kinds == ["states"] and "accept" in self.model_fields_set:
            raise wrong("accept does not go with states: a name has no stance, only what is said of it")
        return self


LookFor = Annotated[Mapping[Name, Clue], Key(min_length=1)]


class AtLeast(_Model):
    """So many of these clues."""

    n: Positive = Key(description="how many", examples=[2])
    of: Names = Key(description="of which clues", examples=[["troops", "shelling", "airspace"]])

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.n > len(set(self.of)):
            raise wrong(f"expected at most {len(set(self.of))}, as many as clues, found {self.n}")
        return self


class AlertWhen(_Model):
    """Which clues must be found; every key given must hold."""

    all_of: Names | None = Key(
        default=None, description="every one of these clues", examples=[["invocation", "two_states"]]
    )
    any_of: Names | None = Key(
        default=None, description="at least one of these clues", examples=[["deaths", "injuries"]]
    )
    none_of: Names | None = Key(default=None, description="not one of these clues", examples=[["drill"]])
    at_least: AtLeast | None = Key(
        default=None, description="so many of these clues", examples=[{"n": 2, "of": ["a", "b", "c"]}]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.all_of or self.any_of or self.none_of or self.at_least):
            raise wrong("expected one of all_of, any_of, none_of, at_least, found nothing")
        return self


class CloseTogether(_Model):
    """One window must by itself hold all these clues, each with its own threshold."""

    clues: Names = Key(description="names from look_for", examples=[["deaths", "two_states"]])
    within: Within = Key(description="so many sentences in a row, or paragraph")


class Unless(_Model):
    """One exception. Where it has several conditions, all of them must hold for it to stop the signal."""

    name: Text = Key(description="how explain calls it", examples=["old news"])
    because: Text | None = Key(default=None, description="why, for people", examples=["anniversaries retell old wars"])
    until: Day | None = Key(default=None, description="the last day on which it applies", examples=["2027-03-31"])
    phrases: Phrases | None = Key(default=None, description="any of these is found", examples=[["military exercise~"]])
    accept: Stances = Key(
        default=(Stance.HAPPENED,),
        description="the stances in which its phrases count",
        examples=[["happened", "planned"]],
    )
    within: Within | None = Key(default=None, description="only this close to the clue named by of")
    of: Name | None = Key(default=None, description="a clue from look_for", examples=["deaths"])
    title_has: Phrases | None = Key(
        default=None, description="any of these is in the title", examples=["$retrospective_formats"]
    )
    older_than: Duration | None = Key(default=None, description="the article was published longer ago than this")
    event_older_than: Duration | None = Key(
        default=None, description="the text itself dates what it tells longer ago than this"
    )
    source_tags: Words | None = Key(default=None, description="the source has one of these tags", examples=[["satire"]])

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        conditions = (self.phrases, self.title_has, self.older_than, self.event_older_than, self.source_tags)
        if all(condition is None for condition in conditions):
            raise wrong("expected one of phrases, title_has, older_than, event_older_than, source_tags, found none")
        if (self.within is None) != (self.of is None):
            raise wrong("within and of go together, like within: 1 sentence and of: deaths")
        if self.phrases is None and (self.of is not None or "accept" in self.model_fields_set):
            raise wrong("within, of and accept say more about phrases: expected phrases too")
        return self


class SourceGate(_Model):
    """Which sources a rule reads; an article from another is skipped."""

    tags: Words | None = Key(default=None, description="sources that have one of these tags", examples=[["caucasus"]])
    not_tags: Words | None = Key(
        default=None, description="no source that has one of these tags", examples=[["satire"]]
    )
    ids: Words | None = Key(default=None, description="sources with these ids", examples=[["oc-media"]])


class AndTimesUsual(_Model):
    """Compared with this rule's own past."""

    ratio: Ratio = Key(description="so many times the usual number", examples=[3])
    measured_over: Duration = Key(description="how far back the usual number is measured")
    needs_history: Duration = Key(description="with less history than this it says so instead of guessing")


class Count(_Model):
    """So many reports over a sliding window."""

    of: Annotated[CountOf, one_of(CountOf, "thing to count")] = Key(
        description="publishers (families, copies removed) or reports"
    )
    at_least: Positive = Key(description="how many", examples=[3])
    within: Duration = Key(description="over so long a time")
    per: Annotated[CountPer, one_of(CountPer, "way to count")] | None = Key(
        default=None, description="state: counted for each state by itself"
    )
    and_times_usual: AndTimesUsual | None = Key(default=None, description="and so many times as usual")

    @model_validator(mode="after")
    def _can_be_compared(self) -> Self:
        if self.and_times_usual and self.and_times_usual.measured_over < 2 * self.within:
            raise wrong("expected and_times_usual.measured_over to be twice as long as within, or longer")
        return self


class Step(_Model):
    """One step of several: a small rule."""

    look_for: LookFor = Key(description="the clues, each with a name of your own")
    alert_when: AlertWhen | None = Key(default=None, description="which clues must be found; without it all")
    close_together: tuple[CloseTogether, ...] = Key(default=(), description="clues that must be near each other")


class InOrder(_Model):
    """The steps must happen in this order."""

    steps: Names = Key(description="their names, first to last", examples=[["ties_broken", "mobilisation"]])
    within: Duration = Key(description="from the first to the last")
    sharing: Annotated[Sharing, one_of(Sharing, "thing to share")] | None = Key(
        default=None, description="what they have in common: a state (one that all name), or states (all the same)"
    )

    @model_validator(mode="after")
    def _is_an_order(self) -> Self:
        if len(self.steps) < 2:
            raise wrong("expected two steps or more, first to last, found one")
        return self


class Group(_Model):
    """What makes two signals one event, and how long an event stays open without news."""

    by: Annotated[
        tuple[Annotated[str, BeforeValidator(parse_group_key)], ...],
        BeforeValidator(split_words),
        Key(min_length=1),
        _OrCommas(),
    ] = Key(
        default=("rule", "states"),
        description="rule, rules (of one family), states, a list like $treaties",
        examples=[["rule", "states"], ["rules", "states"]],
    )
    open_for: Duration = Key(
        default=timedelta(hours=24),
        alias="for",
        description="open for so long after the last report; without it 24h",
        examples=["24h", "48h"],
    )


class Confirm(_Model):
    """How many independent newsrooms make it confirmed."""

    publishers: Positive = Key(description="independent newsrooms", examples=[2])
    within: Duration = Key(description="of the first report")
    until_then: Annotated[UntilThen, one_of(UntilThen, "way to wait")] = Key(
        default=UntilThen.SEND_UNCONFIRMED, description="send_unconfirmed (marked so) or hold"
    )

    @model_validator(mode="after")
    def _is_more_than_one(self) -> Self:
        if self.publishers < 2:
            raise wrong("expected 2 publishers or more: one is the first report itself")
        return self


class Send(_Model):
    """Who is told, and when."""

    to: Words | None = Key(
        default=None, description="recipients or audiences; without it whoever subscribed", examples=[["caucasus-desk"]]
    )
    in_quiet_hours: Annotated[InQuietHours, one_of(InQuietHours, "choice")] = Key(
        default=InQuietHours.HOLD, description="hold, send or silent"
    )


class Escalate(_Model):
    """Whom to tell when nobody acknowledges."""

    if_not_acknowledged_in: Duration = Key(
        description="so long after the alert, unless somebody runs watcher alerts ack", examples=["15m", "1h"]
    )
    to: Words = Key(description="recipients; one who got the alert already is reminded", examples=[["head-of-desk"]])


class Extracts(_Model):
    """What the alert must say."""

    states: WordsOrNone | None = Key(
        default=None, description="exactly these states, in any order; [] for none", examples=[["AM", "AZ"]]
    )
    killed: Positive | None = Key(default=None, description="the lowest reading of the killed", examples=[12])
    injured: Positive | None = Key(default=None, description="the lowest reading of the injured", examples=[30])


class StreamItem(_Model):
    """One article of a stream."""

    at: LaterBy = Key(description="time after the start", examples=["+3d"])
    title: Text | None = Key(default=None, description="the headline", examples=["Ambassador recalled"])
    text: Text | None = Key(
        default=None, description="the article", examples=["Azerbaijan recalled its ambassador from Iran on Friday."]
    )
    file: Text | None = Key(
        default=None, description="a text file beside the rule file", examples=["tests/first-report.txt"]
    )
    copy_of: Positive | None = Key(
        default=None, description="repeats the text of an earlier article of the stream, counted from 1", examples=[1]
    )
    publisher: Text | None = Key(
        default=None, description="the newsroom; without it one of its own", examples=["OC Media"]
    )

    @model_validator(mode="after")
    def _is_one_article(self) -> Self:
        given = [key for key in ("text", "file", "copy_of") if getattr(self, key) is not None]
        if len(given) > 1:
            raise wrong(f"expected one of text, file, copy_of, found {' and '.join(given)}")
        if not given and self.title is None:
            raise wrong("expected an article: text, title and text, file or copy_of, found none")
        return self


class RuleTest(_Model):
    """An article, and whether the rule must alert on it."""

    name: Text | None = Key(default=None, description="what this test is about", examples=["only a threat"])
    title: Text | None = Key(default=None, description="the headline", examples=["Ambassador recalled"])
    text: Text | None = Key(
        default=None, description="the article", examples=["Norway recalled its ambassador from Hungary on Monday."]
    )
    file: Text | None = Key(
        default=None, description="a text file beside the rule file", examples=["tests/long-article.txt"]
    )
    stream: Annotated[tuple[StreamItem, ...], Key(min_length=1)] | None = Key(
        default=None, description="several articles over time"
    )
    expect: Annotated[Expect, one_of(Expect, "expectation")] = Key(description="alert or no alert")
    missing: Names | None = Key(
        default=None, description="the clues that must be what is missing", examples=[["recall"]]
    )
    extracts: Extracts | None = Key(
        default=None, description="what the alert must say", examples=[{"states": ["AM", "AZ"], "killed": 12}]
    )
    now: Moment | None = Key(default=None, description="the present; without it the article's own date")
    published: Moment | None = Key(default=None, description="the article's date; without it the present")
    language: Annotated[str, BeforeValidator(parse_language)] | None = Key(
        default=None, description="the article's language; without it the rule's first", examples=["en"]
    )

    @model_validator(mode="after")
    def _is_one_article(self) -> Self:
        given = [key for key in ("text", "file", "stream") if getattr(self, key) is not None]
        if len(given) > 1:
            raise wrong(f"expected one of text, file, stream, found {' and '.join(given)}")
        if not given and self.title is None:
            raise wrong("expected an article: text, title and text, file or stream, found none")
        if self.missing and self.expect is Expect.ALERT:
            raise wrong("missing goes with expect: no alert")
        if self.extracts and self.expect is Expect.NO_ALERT:
            raise wrong("extracts goes with expect: alert")
        return self


class RuleList(_Model):
    """A document that names a reusable list."""

    list: Name = Key(description="the name, used as $name", examples=["csto_members"])
    kind: Annotated[ListKind, one_of(ListKind, "kind of list")] = Key(description="phrases or states")
    items: Phrases = Key(
        description="phrases, or ISO 3166 codes of states; $other_list takes in another list",
        examples=[["withdraw~", "go~ home"], ["FR", "US", "$nuclear_neighbours"]],
    )
    title: Text | None = Key(default=None, description="what it is, for people", examples=["Words for leaving"])
    why: Text | None = Key(
        default=None, description="why it is needed, for people", examples=["several rules need them"]
    )
    reviewed: Day | None = Key(default=None, description="when someone last read it with care", examples=["2026-11-20"])


class Rule(_Model):
    """A document that says when to alert."""

    rule: RuleId = Key(description="permanent id: events, mutes and history bind to it", examples=["border-clash"])
    title: Text = Key(
        default="",
        description="what the alert is headed with; without it the id",
        examples=["An ambassador is recalled"],
    )
    why: Text | None = Key(
        default=None,
        description="why the desk wants to know",
        examples=["States that stop talking have fewer ways to step back."],
    )
    owner: Text | None = Key(default=None, description="who answers for it", examples=["caucasus-desk"])
    reviewed: Day | None = Key(default=None, description="when someone last read it with care", examples=["2026-11-20"])
    false_alarms: Annotated[tuple[Text, ...], BeforeValidator(one_or_many), _OrOne()] = Key(
        default=(),
        description="what is known to set it off wrongly",
        examples=[["legal explainers", "anniversary pieces"]],
    )
    status: Annotated[RuleStatus, one_of(RuleStatus, "status")] = Key(
        default=RuleStatus.STABLE, description="draft: recorded, never sent; test: to test recipients; stable; off"
    )
    family: Annotated[str, BeforeValidator(parse_family)] = Key(
        default="other", description="the kind of signal; people subscribe by it", examples=list(FAMILIES)
    )
    severity: SeverityName = Key(default=Severity.WARNING, description="watch, warning or critical")
    languages: Languages | None = Key(default=None, description="only articles in these languages", examples=[["en"]])
    sources: SourceGate | None = Key(
        default=None, description="only articles from these sources", examples=[{"not_tags": ["satire"]}]
    )
    look_for: LookFor | None = Key(
        default=None,
        description="the clues, each with a name of your own",
        examples=[{"recall": {"phrases": ["recall~ ..4 ambassador*"]}, "two_states": {"states": {"at_least": 2}}}],
    )
    alert_when: AlertWhen | None = Key(
        default=None,
        description="which clues must be found; without it all",
        examples=[{"all_of": ["invocation", "two_states"]}],
    )
    close_together: tuple[CloseTogether, ...] = Key(
        default=(),
        description="clues that must be near each other",
        examples=[[{"clues": ["recall", "two_states"], "within": "1 sentence"}]],
    )
    unless: tuple[Unless, ...] = Key(
        default=(),
        description="exceptions: any that holds stops the signal",
        examples=[[{"name": "old news", "older_than": "72h"}]],
    )
    count: Count | None = Key(default=None, description="alert only on so many reports")
    steps: Mapping[Name, Step] | None = Key(default=None, description="small rules that must happen in order")
    in_order: InOrder | None = Key(default=None, description="the order of the steps")
    group: Group = Key(
        default=Group(),
        description="what makes two signals one event",
        examples=[{"by": ["rule", "states"], "for": "24h"}],
    )
    confirm: Confirm | None = Key(
        default=None,
        description="what makes it confirmed",
        examples=[{"publishers": 2, "within": "6h", "until_then": "send_unconfirmed"}],
    )
    update_on: Annotated[
        tuple[Annotated[UpdateOn, one_of(UpdateOn, "reason for an update")], ...],
        BeforeValidator(split_words),
        _OrCommas(),
    ] = Key(
        default=(
            UpdateOn.CONFIRMED,
            UpdateOn.DEATHS_DOUBLED,
            UpdateOn.NEW_STATE,
            UpdateOn.CORRECTION,
            UpdateOn.DENIED,
        ),
        description="what is told again after the first alert",
    )
    send: Send = Key(default=Send(), description="who is told, and when", examples=[{"to": ["caucasus-desk"]}])
    escalate: Escalate | None = Key(
        default=None,
        description="whom to tell when nobody acknowledges in time",
        examples=[{"if_not_acknowledged_in": "15m", "to": ["head-of-desk"]}],
    )
    tests: tuple[RuleTest, ...] = Key(
        default=(),
        description="articles that must alert, and articles that must not",
        examples=[[{"text": "Norway recalled its ambassador from Hungary on Monday.", "expect": "alert"}]],
    )

    @model_validator(mode="before")
    @classmethod
    def _id_as_title(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "title" not in data and isinstance(data.get("rule"), str):
            return {**data, "title": data["rule"]}
        return data

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if self.look_for is None and self.steps is None:
            raise wrong("expected look_for, with at least one clue, found none")
        if self.look_for is not None and self.steps is not None:
            raise wrong("expected look_for or steps, found both")
        if (self.steps is None) != (self.in_order is None):
            raise wrong("steps and in_order go together")
        if self.steps is not None and self.count is not None:
            raise wrong("expected steps or count, found both")
        if self.steps is not None and (self.alert_when is not None or self.close_together):
            raise wrong("alert_when and close_together go into the step that has the clues")
        return self

    @property
    def clues(self) -> Mapping[str, Clue]:
        """The clues of ``look_for`` by name; empty for a rule of steps."""
        return self.look_for or {}

    @property
    def parts(self) -> tuple[RulePart, ...]:
        """The small rules that it is made of: its steps in the order written, or the one that is all of it."""
        if self.steps is None:
            return (RulePart(None, (self.rule,), self.clues, self.alert_when, self.close_together),)
        return tuple(
            RulePart(name, (self.rule, "steps", name), step.look_for, step.alert_when, step.close_together)
            for name, step in self.steps.items()
        )


@dataclass(frozen=True)
class RulePart:
    """Clues and how they belong together: a rule, or a step of one."""

    step: str | None
    path: tuple[str, ...]  # to its keys, as in ``RuleSet.locations``
    clues: Mapping[str, Clue]
    alert_when: AlertWhen | None
    close_together: tuple[CloseTogether, ...]


class Append(_Model):
    """A document that adds to a list, or to the exceptions of a rule, that stands elsewhere."""

    append: Text = Key(description="the name of a list, or the id of a rule", examples=["retrospective_formats"])
    items: Phrases | None = Key(default=None, description="what to add to the list", examples=[["evacuate~"]])
    unless: tuple[Unless, ...] | None = Key(
        default=None,
        description="exceptions to add to the rule",
        examples=[[{"name": "our own exercise", "phrases": ["Steppe Shield"]}]],
    )

    @model_validator(mode="after")
    def _is_one_addition(self) -> Self:
        if (self.items is None) == (self.unless is None):
            found = "found none" if self.items is None else "found both"
            raise wrong(f"expected items (for a list) or unless (for a rule), {found}")
        return self


# Names by the code of the state, as in the shipped files of names.
NamesByCode = Annotated[
    Mapping[Text, Annotated[tuple[Text, ...], BeforeValidator(one_or_many), Key(min_length=1), _OrOne()]],
    Key(min_length=1),
]


class StateNames(_Model):
    """A document that adds names by which texts speak of states."""

    states: Text = Key(description="what these names are, for people", examples=["what our desk calls them"])
    languages: Languages | None = Key(
        default=None, description="only in texts in these languages; without it in all", examples=[["en", "fr"]]
    )
    names: NamesByCode | None = Key(default=None, description="of the state", examples=[{"AM": ["Hayastan"]}])
    demonyms: NamesByCode | None = Key(default=None, description="of its people", examples=[{"AM": ["Hayastani"]}])
    capitals: NamesByCode | None = Key(
        default=None, description="its seat, which stands for its government", examples=[{"AM": ["Erebuni"]}]
    )
    government: NamesByCode | None = Key(
        default=None, description="of its government and agencies", examples=[{"AM": ["Baghramyan 26"]}]
    )
    forces: NamesByCode | None = Key(default=None, description="of its forces", examples=[{"AM": ["Yerkrapah"]}])
    leaders: NamesByCode | None = Key(
        default=None,
        description="who leads it, with the years in office; ! where the surname alone will do",
        examples=[{"AM": ["Nikol Pashinyan! 2018-"]}],
    )
    no_states: Mapping[Text, Annotated[tuple[Text, ...], BeforeValidator(one_or_many), _OrOne()]] | None = Key(
        default=None,
        description="longer names that hold no state, by what they are",
        examples=[{"newspaper": ["Armenian Weekly"]}],
    )

    @model_validator(mode="after")
    def _adds_something(self) -> Self:
        if not self.sections:
            raise wrong(f"expected at least one of {', '.join(SECTIONS)}, found none")
        return self

    @property
    def sections(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """What it adds, by the key."""
        found = ((key, getattr(self, key)) for key in SECTIONS)
        return {key: rows for key, rows in found if rows}


class Governs(StrEnum):
    """What a cue has power over."""

    FOLLOWING = "following"
    SUBJECT = "subject"
    STATEMENT = "statement"
    PRECEDING = "preceding"
    SETTING = "setting"
    CONDITION = "condition"
    NOTHING = "nothing"


class CueGroup(_Model):
    """A document that adds words by which texts say whether something happened."""

    cues: Text = Key(description="what these words are, for people", examples=["how our press agency hedges"])
    languages: Languages = Key(description="of the texts that they count in", examples=[["en"]])
    stance: Annotated[Stance, one_of(Stance, "stance")] | None = Key(
        default=None, description="what they make of a match; with governs: nothing none", examples=["denied"]
    )
    governs: Annotated[Governs, one_of(Governs, "reach")] = Key(
        default=Governs.FOLLOWING, description="what they have power over", examples=["statement"]
    )
    words: Annotated[tuple[Text, ...], BeforeValidator(one_or_many), Key(min_length=1), _OrOne()] = Key(
        description="phrases: (a|b), stem*, *ending, ..4, # for a numeral",
        examples=[["walk* back ..4 (plan|plans) to"]],
    )
    within: Positive | None = Key(default=None, description="at most so many words from the match", examples=[3])
    attached: Flag = Key(default=False, description="only right before the match or its verb", examples=[True])
    auxiliary: Flag = Key(default=False, description="also inside the words that a rule matched", examples=[True])
    only_first: Flag = Key(default=False, description="only at the beginning of a sentence", examples=[True])
    not_past: Flag = Key(
        default=False, description="not where the verb of the match says that it has happened", examples=[True]
    )
    unreal: Flag = Key(default=False, description="wins over every other cue", examples=[True])
    spares: Words | None = Key(
        default=None, description="words of matches that it says nothing against from behind", examples=[["killed"]]
    )
    opened_by: Words | None = Key(
        default=None, description="a setting only after one of these words", examples=[["in", "during"]]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.stance is Stance.HAPPENED:
            raise wrong("stance: expected planned, possible, denied or past: without a cue it has happened")
        if (self.stance is None) != (self.governs is Governs.NOTHING):
            raise wrong("expected a stance, or governs: nothing for what only looks like a cue")
        return self


SECTIONS = ("names", "demonyms", "capitals", "government", "forces", "leaders", "no_states")

DOCUMENTS: Mapping[str, type[_Model]] = MappingProxyType(
    {"list": RuleList, "rule": Rule, "append": Append, "states": StateNames, "cues": CueGroup}
)


@dataclass(frozen=True, slots=True)
class RuleText:
    """One document as it is written in its file."""

    kind: str  # rule, list, append, states, cues
    name: str  # of the rule or list, also where something is appended to it; the first value of the others
    text: str

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class RuleSet:
    """Every rule and list of the files, checked; appended items and exceptions are merged in."""

    rules: tuple[Rule, ...]  # in file order
    lists: Mapping[str, RuleList]
    # (rule id, key, ...) or ($list name, key, ...) to where the value starts; items of lists are "0", "1", ...
    locations: Mapping[tuple[str, ...], Location]
    files: tuple[Path, ...]
    version: str  # hash of all rule versions
    rule_versions: Mapping[
        str, str
    ]  # by rule id: hash of the rule as loaded, its tests aside, and of the lists it uses
    lists_used: Mapping[str, tuple[str, ...]]  # by rule id: names, also those reached through other lists
    test_texts: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (rule id, `file`) to what the file says
    source_texts: Mapping[str, str] = field(default_factory=dict)  # by path as in locations, for the comments in it
    warnings: tuple[Problem, ...] = ()  # what the loader saw that is legal but suspicious
    state_names: tuple[StateNames, ...] = ()  # in file order
    cue_groups: tuple[CueGroup, ...] = ()  # in file order
    documents: tuple[RuleText, ...] = ()  # in file order

    def texts_behind(self, rule_ids: Collection[str]) -> tuple[RuleText, ...]:
        """The documents that decide what these rules find, in file order: by themselves they make a rule set."""
        lists = {name for rule_id in rule_ids for name in self.lists_used.get(rule_id, ())}
        wanted = {"rule": rule_ids, "list": lists, "append": {*rule_ids, *lists}}
        return tuple(one for one in self.documents if one.kind not in wanted or one.name in wanted[one.kind])

    def location(self, *path: str) -> Location:
        """Where the value at this path stands, or else the nearest thing around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.locations:
                return self.locations[path[:end]]
        return Location("rules")

    def states_of(self, name: str) -> frozenset[str]:
        """The codes on a list of kind states, with the lists that it takes in."""
        return frozenset(
            item for one in self.lists_in(name) for item in self.lists[one].items if not item.startswith("$")
        )

    def lists_in(self, name: str) -> tuple[str, ...]:
        """The list, and those that items of it, or of them, take in as a whole."""
        names = [name]
        for one in names:
            taken = (item.strip()[1:] for item in self.lists[one].items if item.strip().startswith("$"))
            names.extend(inner for inner in dict.fromkeys(taken) if inner in self.lists and inner not in names)
        return tuple(names)
