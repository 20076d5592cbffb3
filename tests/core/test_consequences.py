"""What would come of a signal: the event, the words, and who hears it, by the functions that decide for the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.builders import article, event, recipient, report
from tests.core.rule_files import gazetteer, load
from watcher.consequences import Consequence, consequence_to_json, foresee, render_consequence
from watcher.match import match_article
from watcher.model import Channel, Digest, Event, EventChange, QuietHours, Recipient, RuleStatus, Severity
from watcher.routing import route_alert
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules

NOW = datetime(2022, 9, 14, 15, 0, tzinfo=UTC)
TEXT = "Armenia and Azerbaijan exchanged fire on Wednesday. Armenia recalled its ambassador from Azerbaijan."
RULES = """\
rule: border-fire
title: Fire across a border
family: clash
severity: warning
languages: [en]
look_for:
  fire: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
"""
SECOND = """\
---
rule: ambassador-recalled
title: An ambassador is recalled
family: rupture
severity: watch
languages: [en]
look_for:
  recall: {phrases: [recall~ ..4 ambassador*]}
  pair: {states: {at_least: 2}}
"""


def foreseen(
    rules: str = RULES,
    *recipients: Recipient,
    open_events: tuple[Event, ...] = (),
    same_text: frozenset[str] = frozenset(),
    closed: Mapping[str, str] | None = None,
    **values: Any,
) -> Mapping[str, Consequence]:
    rule_set = load(rules)
    compiled = compile_rules(rule_set, gazetteer())
    one = article(**({"id": "new", "title": "", "text": TEXT} | values))
    book = RuleBook.of(rule_set, compiled, gazetteer().names(), recipients)
    return foresee(book, one, match_article(compiled, one).signals, open_events, same_text, NOW, closed or {})


def hearing(rules: str, one: Recipient, **values: Any) -> tuple[bool, str]:
    [found] = foreseen(rules, one, **values)["border-fire"].hearings
    assert (found.at is not None) == found.hears
    return found.hears, found.reason


NIGHT = QuietHours(time(18), time(7), "Asia/Yerevan")  # 15:00 UTC is 19:00 there

WHO_HEARS = [
    ("everything", RULES, {}, True, "at once"),
    ("this rule", RULES, {"rules": ("border-*",)}, True, "at once"),
    ("other rules", RULES, {"rules": ("csto-*", "nato-*")}, False, "it follows only the rules csto-* and nato-*"),
    ("no rules", RULES, {"rules": ()}, False, "it follows no rules"),
    ("one of the states", RULES, {"states": ("AM", "GE")}, True, "at once"),
    ("other states", RULES, {"states": ("SD",)}, False, "it follows only the states SD, and this names AM and AZ"),
    ("another tag", RULES, {"tags": ("treaty",)}, False, "it follows only the tags treaty, and this has clash and europe"),
    ("the family as a tag", RULES, {"tags": ("clash",)}, True, "at once"),
    ("the source's tag", RULES, {"tags": ("europe",)}, True, "at once"),
    ("too low", RULES, {"min_severity": Severity.CRITICAL}, False, "it follows only critical and above, and this is warning"),
    ("quiet hours", RULES, {"quiet_hours": NIGHT}, True, "held until 2022-09-15 07:00 Asia/Yerevan, when the quiet hours end"),
    ("a digest", RULES, {"digest": Digest(time(8), "Asia/Yerevan")}, True, "in the digest of 2022-09-15 08:00 Asia/Yerevan"),
    ("critical despite a digest", RULES.replace("warning", "critical"), {"digest": Digest(time(8), "Asia/Yerevan")}, True, "at once"),
    ("quiet, but sent", RULES + "send: {in_quiet_hours: send}\n", {"quiet_hours": NIGHT}, True, "at once"),
    ("quiet, silently", RULES + "send: {in_quiet_hours: silent}\n", {"quiet_hours": NIGHT}, True, "at once, without a sound: these are quiet hours"),
    ("not addressed", RULES + "send: {to: [other]}\n", {}, False, "the rule sends only to other"),
    ("addressed", RULES + "send: {to: [desk]}\n", {"rules": ()}, True, "at once"),
    ("a test rule", RULES + "status: test\n", {}, False, "the rule has the status test, and this is no test recipient"),
    ("a test rule, a tester", RULES + "status: test\n", {"is_test": True}, True, "at once"),
    ("a draft", RULES + "status: draft\n", {}, False, "would hear it if the rule were stable; it is draft"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "values", "hears", "reason"), [case[1:] for case in WHO_HEARS], ids=[case[0] for case in WHO_HEARS])  # fmt: skip
def test_who_hears_it_and_why_not(rules: str, values: dict[str, Any], hears: bool, reason: str) -> None:
    assert hearing(rules, recipient(**values), tags=("europe",)) == (hears, reason)


def test_a_closed_recipient_is_named() -> None:
    assert hearing(RULES, recipient(), closed={"desk": "blocked the bot"}) == (
        False,
        "cannot be reached any more: blocked the bot",
    )


def test_opens_an_event() -> None:
    found = foreseen()["border-fire"]
    assert (found.status, found.event_id, found.changes) == (RuleStatus.STABLE, None, (EventChange.OPENED,))
    assert found.event == "opens a new event: no open event is about these states"
    assert (
        found.group
        == "signals of this rule about the same states are one event, while a report comes at least every 1d"
    )
    assert found.headline == "WARNING: Fire across a border: Armenia and Azerbaijan"


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("{by: rules, states, for: 90m}", "signals of every rule of the family clash about any states are one event, while a report comes at least every 90m"),
        ("{by: rule, for: 1h}", "signals of this rule about any states are one event, while a report comes at least every 1h"),
        ("{by: [rule, states], for: 10d}", "signals of this rule about the same states are one event, while a report comes at least every 10d"),
    ],
)  # fmt: skip
def test_the_group_in_words(group: str, words: str) -> None:
    group = group.replace("by: rules, states", "by: [rules]")
    assert foreseen(f"{RULES}group: {group}\n")["border-fire"].group == words


def test_joins_an_open_event_and_says_what_is_new() -> None:
    known = event(
        id="e1", rule_id="border-fire", rule_ids=("border-fire",), family="clash", severity=Severity.WARNING,
        reports=(report(article_id="old", publisher="Other"),),
    )  # fmt: skip
    found = foreseen(RULES + "confirm: {publishers: 2, within: 6h}\n", recipient(), open_events=(known,))["border-fire"]
    assert (found.event_id, found.event) == ("e1", "joins an open event: the same states: AM, AZ")
    assert found.told == "an update: confirmed"
    assert [one.hears for one in found.hearings] == [True]


def test_a_copy_tells_nobody_anything() -> None:
    known = event(
        id="e1", rule_id="border-fire", rule_ids=("border-fire",), family="clash", severity=Severity.WARNING,
        reports=(report(article_id="old"),),
    )  # fmt: skip
    found = foreseen(RULES, recipient(), open_events=(known,), same_text=frozenset({"old"}))["border-fire"]
    assert found.told == "nothing: it is a copy of a report that the event has"
    assert found.headline is None
    assert [(one.hears, one.reason) for one in found.hearings] == [(False, "nothing is told")]


def test_held_until_confirmed() -> None:
    found = foreseen(RULES + "confirm: {publishers: 3, within: 6h, until_then: hold}\n", recipient())["border-fire"]
    assert found.told == "nothing yet: held until 3 independent newsrooms report it"
    assert [one.hears for one in found.hearings] == [False]


def test_rules_of_one_article_share_a_message_and_drafts_stand_alone() -> None:
    found = foreseen(RULES + SECOND)
    assert found["border-fire"].together == ("ambassador-recalled",)
    assert found["border-fire"].headline == found["ambassador-recalled"].headline
    found = foreseen(RULES + SECOND + "status: draft\n")
    assert found["border-fire"].together == found["ambassador-recalled"].together == ()
    assert found["ambassador-recalled"].headline == "WATCH: An ambassador is recalled: Armenia and Azerbaijan"


def test_says_what_routing_decides() -> None:
    """The hearings are the deliveries of production, one by one."""
    people = tuple(
        recipient(id=f"{number}", **values)
        for number, (_, rules, values, _, _) in enumerate(WHO_HEARS)
        if rules == RULES
    )
    rule_set = load(RULES)
    compiled = compile_rules(rule_set, gazetteer())
    one = article(id="new", title="", text=TEXT, tags=("europe",))
    book = RuleBook.of(rule_set, compiled, gazetteer().names(), people)
    from watcher.dedup import decide_article
    from watcher.routing import compose_alert

    signals = match_article(compiled, one).signals
    [decision] = decide_article(signals, one, book.event_policies, (), frozenset(), NOW)
    alert = compose_alert(decision, one, book.state_names, {}, NOW, None)
    delivered = route_alert(alert, decision, one.tags, people, book.send_policies, NOW)
    found = foresee(book, one, signals, (), frozenset(), NOW, {})["border-fire"]
    assert {(d.recipient_id, d.not_before_at, d.is_silent) for d in delivered} == {
        (h.recipient_id, h.at, h.is_silent) for h in found.hearings if h.hears
    }


def test_as_lines_and_as_json() -> None:
    found = foreseen(RULES + "status: test\n", recipient(), recipient(id="lab", channel=Channel.EMAIL, is_test=True))
    assert list(render_consequence(found["border-fire"], has_configuration=True)) == [
        "  AFTERWARDS",
        "    status: test: sent to test recipients only",
        "    event: opens a new event: no open event is about these states",
        "    group: signals of this rule about the same states are one event, while a report comes at least every 1d",
        "    told: the first alert",
        "      WARNING: Fire across a border: Armenia and Azerbaijan",
        "    recipients:",
        "      NO  desk (console): the rule has the status test, and this is no test recipient",
        "      YES lab (email): at once",
    ]
    [*_, last] = render_consequence(foreseen()["border-fire"], has_configuration=False)
    assert last == "    recipients: not known without a configuration; name it with --config"
    [*_, last] = render_consequence(foreseen()["border-fire"], has_configuration=True)
    assert last == "    recipients: none is configured"
    record = consequence_to_json(found["border-fire"], has_configuration=True)
    assert record["recipients"][1] == {
        "id": "lab",
        "channel": "email",
        "hears": True,
        "reason": "at once",
        "at": NOW.isoformat(),
        "silent": False,
    }
    assert consequence_to_json(found["border-fire"], has_configuration=False)["recipients"] is None


def test_an_event_that_is_over_is_not_joined() -> None:
    old = report(article_id="old", published_at=NOW - timedelta(hours=25))
    known = event(rule_id="border-fire", rule_ids=("border-fire",), reports=(old,), family="clash")
    assert foreseen(RULES, open_events=(known,))["border-fire"].event_id is None
