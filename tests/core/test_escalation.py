"""Whom a rule tells when nobody acknowledges: who is named, when they hear, what starts the wait, and how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.builders import NOW, alert, article, event, recipient, report, signal
from tests.core.rule_files import gazetteer, load
from watcher.consequences import Consequence, consequence_to_json, foresee, render_consequence
from watcher.explain import explain_article
from watcher.explain_page import render_page
from watcher.match import match_article
from watcher.model import AlertKind, EventChange, EventDecision, QuietHours, Recipient, RuleStatus, Severity
from watcher.render import TELEGRAM_LIMIT, render_email, render_json, render_telegram, render_text, utf16_units
from watcher.routing import EscalatePolicy, SendPolicy, compose_escalation, must_be_acknowledged, route_escalation
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules

RULE = "csto-article-4-invoked"
QUARTER = timedelta(minutes=15)
BOSS = SendPolicy(escalate=EscalatePolicy(QUARTER, ("boss",)))
NIGHT = QuietHours(time(18), time(7), "Asia/Yerevan")  # 15:00 UTC is 19:00 there
SEVEN = datetime(2022, 9, 15, 3, 0, tzinfo=UTC)  # when that night ends


def decision(*changes: EventChange, told: tuple[str, ...] = (), **of_event: Any) -> EventDecision:
    one = event(**of_event)
    return EventDecision(one, changes or (EventChange.OPENED,), "", (signal(),), told)


def due(
    policies: SendPolicy | Mapping[str, SendPolicy],
    *people: Recipient,
    one: EventDecision | None = None,
    told_at: Mapping[str, datetime] | None = None,
    waiting: Mapping[str, datetime] | None = None,
    now: datetime = NOW,
) -> dict[str, datetime]:
    """When each recipient would be told."""
    given = {RULE: policies} if isinstance(policies, SendPolicy) else policies
    deliveries = route_escalation(
        compose_escalation(alert(), NOW), one or decision(), (), people, given, told_at or {}, waiting or {}, now
    )
    return {each.recipient_id: each.not_before_at for each in deliveries}


WHO = [
    ("named", {"id": "boss"}, {}, True),
    ("not named", {"id": "desk"}, {}, False),
    ("named, without a subscription", {"id": "boss", "rules": ()}, {}, True),
    ("named, for other states", {"id": "boss", "states": ("IR",)}, {}, False),
    ("named, for graver things", {"id": "boss", "min_severity": Severity.CRITICAL}, {"severity": Severity.WARNING}, False),
    ("named, by a test rule", {"id": "boss"}, {"is_test": True}, False),
    ("named, by a test rule, and a tester", {"id": "boss", "is_test": True}, {"is_test": True}, True),
]  # fmt: skip


@pytest.mark.parametrize(("who", "what", "told"), [row[1:] for row in WHO], ids=[row[0] for row in WHO])
def test_who_is_told(who: dict[str, Any], what: dict[str, Any], told: bool) -> None:
    assert due(BOSS, recipient(**who), one=decision(**what)) == ({"boss": NOW + QUARTER} if told else {})


STARTS = [
    ("first alert", (EventChange.OPENED,), (), True),
    ("first alert, confirmed", (EventChange.OPENED, EventChange.CONFIRMED), (), True),
    ("more severe", (EventChange.SEVERITY_RAISED,), (RULE,), True),
    ("twice as many killed", (EventChange.CONFIRMED, EventChange.DEATHS_DOUBLED), (RULE,), True),
    ("another state", (EventChange.NEW_STATE,), (RULE,), True),
    ("confirmed", (EventChange.CONFIRMED,), (RULE,), False),
    ("more newsrooms", (EventChange.PUBLISHERS_DOUBLED,), (RULE,), False),
    ("corrected", (EventChange.CORRECTED,), (RULE,), False),
    ("another rule, of those told", (EventChange.RULE_ADDED,), (RULE,), False),
    ("this rule is added", (EventChange.RULE_ADDED,), ("another",), True),
    ("a rule of another family", (EventChange.RULE_ADDED,), (), True),
]


@pytest.mark.parametrize(("changes", "told", "starts"), [row[1:] for row in STARTS], ids=[row[0] for row in STARTS])
def test_what_starts_the_wait(changes: tuple[EventChange, ...], told: tuple[str, ...], starts: bool) -> None:
    one = decision(*changes, told=told)
    assert must_be_acknowledged(one, RULE) is starts
    assert bool(due(BOSS, recipient(id="boss"), one=one)) is starts


def test_a_rule_without_the_key_escalates_nothing() -> None:
    assert due(SendPolicy(), recipient(id="boss")) == {}
    assert due({}, recipient(id="boss")) == {}


def test_several_rules_of_an_event_each_name_their_own_and_the_earliest_counts() -> None:
    one = decision(rule_ids=(RULE, "help-asked"))
    policies = {
        RULE: SendPolicy(escalate=EscalatePolicy(QUARTER, ("boss", "deputy"))),
        "help-asked": SendPolicy(escalate=EscalatePolicy(timedelta(minutes=5), ("deputy", "ministry"))),
    }
    people = [recipient(id=name) for name in ("boss", "deputy", "ministry", "desk")]
    assert due(policies, *people, one=one) == {
        "boss": NOW + QUARTER,
        "deputy": NOW + timedelta(minutes=5),
        "ministry": NOW + timedelta(minutes=5),
    }


def test_who_got_the_alert_is_reminded_only_if_named_and_counted_from_then() -> None:
    held = NOW + timedelta(hours=8)
    people = (recipient(id="boss"), recipient(id="desk"))
    assert due(BOSS, *people, told_at={"boss": held, "desk": NOW}) == {"boss": held + QUARTER}


def test_a_new_escalation_takes_the_place_and_the_time_of_one_that_waits() -> None:
    soon = NOW + timedelta(minutes=3)
    boss = recipient(id="boss")
    assert due(BOSS, boss, waiting={"boss": soon}) == {"boss": soon}
    confirmed = decision(EventChange.CONFIRMED, told=(RULE,))
    assert due(BOSS, boss, recipient(id="desk"), one=confirmed, waiting={"boss": soon, "desk": soon}) == {"boss": soon}
    assert due(BOSS, boss, one=confirmed, waiting={"boss": NOW - timedelta(hours=1)}) == {"boss": NOW}


QUIET = [
    ("hold", SEVEN, False),
    ("send", NOW + QUARTER, False),
    ("silent", NOW + QUARTER, True),
]


@pytest.mark.parametrize(("choice", "at", "silent"), QUIET)
def test_quiet_hours_are_those_of_when_it_is_due(choice: str, at: datetime, silent: bool) -> None:
    policy = SendPolicy(in_quiet_hours=choice, escalate=BOSS.escalate)
    people = [recipient(id="boss", quiet_hours=NIGHT)]
    one = decision()
    escalation = compose_escalation(alert(), NOW)
    [told] = route_escalation(escalation, one, (), people, {RULE: policy}, {}, {}, NOW)
    assert (told.not_before_at, told.is_silent) == (at, silent)
    before = SEVEN - timedelta(minutes=10)  # due when the night is over
    [told] = route_escalation(escalation, one, (), people, {RULE: policy}, {}, {}, before)
    assert (told.not_before_at, told.is_silent) == (before + QUARTER, False)


def test_an_escalation_is_an_alert_of_its_own() -> None:
    first = alert(event_id="event-1")
    one = compose_escalation(first, NOW)
    assert one.kind is AlertKind.ESCALATION
    assert one.id not in (first.id, compose_escalation(alert(id="another"), NOW).id)
    assert one == compose_escalation(first, NOW)
    assert (one.event_id, one.previous_alert_id, one.headline) == ("event-1", first.id, first.headline)
    update = alert(id="update", previous_alert_id="first")
    assert compose_escalation(update, NOW).previous_alert_id == "first"


def test_it_says_so_first_and_how_to_acknowledge() -> None:
    one = compose_escalation(alert(), NOW - QUARTER)
    begins = (
        f"Nobody has acknowledged this since 2022-09-14 14:45 UTC. To acknowledge it: watcher alerts ack {one.id}\n"
        "UNANSWERED · CRITICAL: A CSTO member invokes the mutual-defence clause"
    )
    assert render_text(one, {}).startswith(begins)
    assert render_telegram(one, {}).startswith(
        "<b>Nobody has acknowledged this since 2022-09-14 14:45 UTC.</b> If you look after it: “Acknowledge”."
    )
    subject, text, _ = render_email(one, {})
    assert subject.startswith("[UNANSWERED] [CRITICAL] A CSTO member")
    assert text.startswith(begins)
    assert render_json(one, {})["unacknowledged_since"] == "2022-09-14T14:45:00+00:00"
    assert render_json(alert(), {})["unacknowledged_since"] is None
    assert "acknowledge" not in render_text(alert(), {})


def test_the_alert_itself_says_when_and_how() -> None:
    one = alert(escalates_at=NOW + QUARTER)
    says = "Others are told at 2022-09-14 15:15 UTC unless "
    assert render_text(one, {}).endswith(f"{says}it is acknowledged: watcher alerts ack {one.id}\nAlert {one.id}")
    assert render_telegram(one, {}).endswith(f"{says}somebody presses “Acknowledge”.\nAlert {one.id}")
    assert render_json(one, {})["escalates"] == "2022-09-14T15:15:00+00:00"
    assert render_json(alert(), {})["escalates"] is None
    assert compose_escalation(one, NOW).escalates_at is None


def test_the_longest_one_fits() -> None:
    reports = tuple(
        report(article_id=f"{n}", title="t<" * 500, url="https://x.example/" + "u" * 900) for n in range(20)
    )
    one = compose_escalation(
        alert(headline="h<" * 5000, reports=reports, also=("r<" * 500,) * 30, rule_title="w<" * 500, is_test_rule=True,
              changes=tuple(change for change in EventChange if change is not EventChange.OPENED)), NOW
    )  # fmt: skip
    assert utf16_units(render_telegram(one, {})) <= TELEGRAM_LIMIT


RULES = """\
rule: border-fire
title: Fire across a border
family: clash
severity: warning
languages: [en]
look_for:
  fire: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
escalate: {if_not_acknowledged_in: 90m, to: [boss, deputy]}
"""
TEXT = "Armenia and Azerbaijan exchanged fire on Wednesday."


def foreseen(rules: str, *people: Recipient, **values: Any) -> Consequence:
    rule_set = load(rules)
    compiled = compile_rules(rule_set, gazetteer())
    book = RuleBook.of(rule_set, compiled, gazetteer().names(), people)
    one = article(id="new", title="", text=TEXT)
    signals = match_article(compiled, one).signals
    return foresee(book, one, signals, values.get("known", ()), frozenset(), NOW, values.get("closed", {}))[
        "border-fire"
    ]


def lines(rules: str, *people: Recipient, **values: Any) -> list[str]:
    """The end of what is printed, from where it speaks of acknowledging."""
    printed = list(render_consequence(foreseen(rules, *people, **values), has_configuration=bool(people)))
    start = next((n for n, line in enumerate(printed) if "acknowledges" in line), len(printed))
    return [line.strip() for line in printed[start:]]


def test_explain_says_who_would_be_told_and_when() -> None:
    assert lines(RULES) == ["if nobody acknowledges within 90m: escalates to boss and deputy"]
    assert lines(RULES, recipient(id="boss", rules=()), recipient(id="desk")) == [
        "if nobody acknowledges within 90m: escalates to boss and deputy (not configured: deputy)",
        "YES boss (console): at 2022-09-14 16:30 UTC",
    ]
    assert lines(RULES.replace("escalate:", "tests: []\n#"), recipient()) == []


EXPLAINED = [
    ("quiet hours", RULES, {"quiet_hours": NIGHT, "rules": ()}, {}, "YES boss (console): at 2022-09-15 07:00 Asia/Yerevan"),
    ("reminded after the quiet hours", RULES, {"quiet_hours": NIGHT}, {}, "YES boss (console): at 2022-09-15 08:30 Asia/Yerevan"),
    ("quiet, silently", RULES + "send: {in_quiet_hours: silent}\n", {"quiet_hours": NIGHT}, {}, "YES boss (console): at 2022-09-14 20:30 Asia/Yerevan, without a sound"),
    ("a draft", RULES + "status: draft\n", {}, {}, "NO  boss (console): would hear it if the rule were stable; it is draft"),
    ("a test rule", RULES + "status: test\n", {}, {}, "NO  boss (console): the rule has the status test, and this is no test recipient"),
    ("other states", RULES, {"states": ("SD",)}, {}, "NO  boss (console): it follows only the states SD, and this names AM and AZ"),
    ("gone", RULES, {}, {"boss": "blocked the bot"}, "NO  boss (console): cannot be reached any more: blocked the bot"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "who", "closed", "said"), [row[1:] for row in EXPLAINED], ids=[row[0] for row in EXPLAINED])  # fmt: skip
def test_explain_says_why_not(rules: str, who: dict[str, Any], closed: dict[str, str], said: str) -> None:
    people = (recipient(**({"id": "boss"} | who)), recipient(id="deputy", quiet_hours=None))
    assert lines(rules, *people, closed=closed)[1] == said


def test_explain_tells_of_updates_that_start_no_wait() -> None:
    known = event(
        id="e1", rule_id="border-fire", rule_ids=("border-fire",), family="clash", severity=Severity.WARNING,
        reports=(report(article_id="old", publisher="Other"),),
    )  # fmt: skip
    boss = recipient(id="boss")
    said = "if nobody acknowledges within 90m: escalates to boss and deputy (not configured: deputy); not for this"
    confirm = RULES + "confirm: {publishers: 2, within: 6h}\n"
    assert lines(confirm, boss, known=(known,)) == [
        f"{said} update, which makes the event no graver",
        "NO  boss (console): nothing is escalated",
    ]
    same = replace(known, reports=(report(article_id="old", publisher="Courier"),))
    assert lines(RULES, boss, known=(same,)) == [
        f"{said}, of which nothing is told",
        "NO  boss (console): nothing is escalated",
    ]


def test_explain_as_json_and_as_a_page() -> None:
    found = foreseen(RULES, recipient(id="boss"))
    record = consequence_to_json(found, has_configuration=True)
    assert record["escalation"] == {
        "told": "if nobody acknowledges within 90m: escalates to boss and deputy (not configured: deputy)",
        "recipients": [
            {
                "id": "boss",
                "channel": "console",
                "hears": True,
                "reason": "at 2022-09-14 16:30 UTC",
                "at": "2022-09-14T16:30:00+00:00",
                "silent": False,
            }
        ],
    }
    assert consequence_to_json(found, has_configuration=False)["escalation"]["recipients"] is None
    compiled = compile_rules(load(RULES), gazetteer())
    one = article(id="new", title="", text=TEXT)
    page = render_page(
        one,
        explain_article(compiled, one),
        {"border-fire": found},
        {"border-fire": RuleStatus.STABLE},
        NOW,
        has_configuration=True,
    )
    assert "<bdi>if nobody acknowledges within 90m: escalates to boss and deputy" in page
    assert "<bdi>at 2022-09-14 16:30 UTC</bdi>" in page
