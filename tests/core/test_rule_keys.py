"""From what stands in a rule to what is told: a table of right and wrong cases for each key, through every stage."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import article
from tests.core.rule_files import compiled, gazetteer, load
from watcher.dedup import COPY_CONTAINMENT, decide_article, text_to_compare
from watcher.explain import RuleOutcome, explain_article
from watcher.match import match_article
from watcher.model import Article, Event, QuietHours, Recipient, RuleStatus
from watcher.routing import compose_alert, route_alert
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.sequence import RuleMemory, one_for_each_rule
from watcher.text.shingles import containment, shingles

START = datetime(2026, 1, 10, 12, tzinfo=UTC)

CLASH = """\
rule: border-clash
family: clash
languages: [en]
look_for:
  act: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
close_together: [{clues: [act, pair], within: 1 sentence}]
"""
FIRE = "Armenian and Azerbaijani troops exchanged fire."
AGAIN = "Soldiers of Armenia exchanged fire with those of Azerbaijan on Sunday, a mayor told us."
THIRD = "Nobody knows why Azerbaijan's guards exchanged fire with Armenian ones near the old mill."
MORE = "On the Aras, Armenian, Azerbaijani and Iranian troops exchanged fire, a shepherd reported."
OTHERS = "Thai and Cambodian troops exchanged fire."
DEAD = "Armenian and Azerbaijani troops exchanged fire and 10 soldiers were killed."
MORE_DEAD = "At the mill Armenian and Azerbaijani troops exchanged fire; 25 soldiers were killed, said a nurse."


def told(rules: str, *reports: tuple[float, str, str]) -> list[str]:
    """What each report, of (hours, publisher, text), does to its events."""
    rule_set = load(rules)
    book = RuleBook.of(rule_set, compile_rules(rule_set, gazetteer()), gazetteer().names(), [])
    memory = RuleMemory(book.over_time)
    events: dict[str, Event] = {}
    texts: dict[str, frozenset[int]] = {}
    outcome = []
    for number, (hours, publisher, text) in enumerate(reports):
        at = START + timedelta(hours=hours)
        one = article(id=str(number), title="", text=text, publisher=publisher, published_at=at, first_seen_at=at)
        result = match_article(book.rules, one, at)
        hashes = shingles(text_to_compare(one))
        same = frozenset(key for key, other in texts.items() if containment(hashes, other) >= COPY_CONTAINMENT)
        texts[one.id] = hashes
        signals = (*result.signals, *one_for_each_rule(memory.judge(one, result.partial)))
        decisions = decide_article(signals, one, book.event_policies, tuple(events.values()), same, at)
        events |= {decision.event.id: decision.event for decision in decisions}
        outcome.append("; ".join(", ".join(decision.changes) for decision in decisions) or "-")
    return outcome


CONFIRM = CLASH + "confirm: {publishers: 2, within: 6h, until_then: send_unconfirmed}\n"
HOLD = CLASH + "confirm: {publishers: 2, within: 6h, until_then: hold}\n"
KILLED = CLASH.replace("  pair:", "  deaths: {killed: {at_least: 1}}\n  pair:")
TREATIES = """\
rule: treaty-invoked
look_for:
  invocation: {phrases: [invoke~ ..6 $treaties]}
group: {by: [rule, $treaties], for: 24h}
---
list: treaties
kind: phrases
items: [Treaty of Rome, $eastern]
---
list: eastern
kind: phrases
items: [Warsaw Pact, Warsaw Pact Protocol]
"""
GUARANTORS = """\
rule: guarantor-acts
look_for:
  act: {phrases: [send~ ..2 troops]}
  who: {states: {at_least: 1}}
close_together: [{clues: [act, who], within: 1 sentence}]
group: {by: [rule, $guarantors], for: 24h}
---
list: guarantors
kind: states
items: [FR, GB]
"""


@pytest.mark.parametrize(
    ("name", "rules", "reports", "changes"),
    [
        ("group: the same states", CLASH, [(0, "A", FIRE), (1, "B", AGAIN)], ["opened", "confirmed"]),
        ("group: other states", CLASH, [(0, "A", FIRE), (1, "B", OTHERS)], ["opened", "opened"]),
        (
            "group: rule alone",
            CLASH + "group: {by: [rule]}\n",
            [(0, "A", FIRE), (1, "A", OTHERS)],
            ["opened", "new_state"],
        ),
        (
            "group: still open",
            CLASH + "group: {for: 6h}\n",
            [(0, "A", FIRE), (5, "A", AGAIN), (10, "A", THIRD)],
            ["opened", "repeated", "repeated"],
        ),
        ("group: closed", CLASH + "group: {for: 6h}\n", [(0, "A", FIRE), (7, "A", AGAIN)], ["opened", "opened"]),
        (
            "group: rules of a family",
            CLASH
            + "group: {by: [rules, states]}\n---\nrule: shots\nfamily: clash\nlook_for:\n  a: {phrases: [shots fell]}\n"
            "  pair: {states: {at_least: 2}}\ngroup: {by: [rules, states]}\n",
            [(0, "A", FIRE), (1, "A", "Shots fell between Armenia and Azerbaijan.")],
            ["opened", "rule_added"],
        ),
        (
            "group: an item of a list",
            TREATIES,
            [
                (0, "A", "Poland invoked the Treaty of Rome."),
                (1, "A", "Warsaw has invoked a clause in the Treaty of Rome, it said."),
                (2, "A", "Hungary invoked the Warsaw Pact."),
                (3, "A", "Hungary invoked the old Warsaw Pact Protocol."),
            ],
            ["opened", "repeated", "opened", "opened"],
        ),
        (
            "group: an item that the clue did not find",
            TREATIES,
            [
                (0, "A", "Poland invoked the Treaty of Rome."),
                (1, "A", "Poland, of the Warsaw Pact once, invoked a part of the Treaty of Rome."),
            ],
            ["opened", "repeated"],
        ),
        (
            "group: a state of a list",
            GUARANTORS,
            [
                (0, "A", "France sent troops."),
                (1, "A", "Britain sent its troops to Mali."),
                (2, "A", "France sent more troops."),
            ],
            ["opened", "opened", "repeated"],
        ),
        ("confirm: a second newsroom", CONFIRM, [(0, "A", FIRE), (1, "B", AGAIN)], ["opened", "confirmed"]),
        ("confirm: a copy", CONFIRM, [(0, "A", FIRE), (1, "B", FIRE)], ["opened", "copied"]),
        ("confirm: the same newsroom", CONFIRM, [(0, "A", FIRE), (1, "A", AGAIN)], ["opened", "repeated"]),
        ("confirm: too late", CONFIRM, [(0, "A", FIRE), (7, "B", AGAIN)], ["opened", "repeated"]),
        ("confirm: held", HOLD, [(0, "A", FIRE), (1, "B", AGAIN)], ["held", "opened, confirmed"]),
        (
            "confirm: held, then nobody",
            HOLD,
            [(0, "A", FIRE), (1, "B", FIRE), (2, "A", AGAIN)],
            ["held", "held", "held"],
        ),
        ("update_on: a new state", CLASH, [(0, "A", FIRE), (1, "A", MORE)], ["opened", "new_state"]),
        (
            "update_on: not that",
            CLASH + "update_on: [confirmed]\n",
            [(0, "A", FIRE), (1, "A", MORE)],
            ["opened", "repeated"],
        ),
        ("update_on: nothing", CLASH + "update_on: []\n", [(0, "A", FIRE), (1, "B", MORE)], ["opened", "repeated"]),
        ("update_on: deaths doubled", KILLED, [(0, "A", DEAD), (1, "A", MORE_DEAD)], ["opened", "deaths_doubled"]),
        (
            "update_on: the same deaths",
            KILLED,
            [
                (0, "A", DEAD),
                (
                    1,
                    "A",
                    "In the hills 12 soldiers were killed as Armenian and Azerbaijani troops exchanged fire, said a priest",
                ),
            ],
            ["opened", "repeated"],
        ),
        (
            "update_on: publishers doubled",
            CLASH + "update_on: [publishers_doubled]\n",
            [(0, "A", FIRE), (1, "B", AGAIN), (2, "C", THIRD)],
            ["opened", "publishers_doubled", "repeated"],
        ),
        (
            "update_on: a severer rule of the family",
            CLASH
            + "severity: watch\ngroup: {by: [rules, states]}\n---\nrule: war\nfamily: clash\nseverity: critical\n"
            + "update_on: [severity_raised]\ngroup: {by: [rules, states]}\nlook_for:\n"
            + "  a: {phrases: [declare~ war]}\n  pair: {states: {at_least: 2}}\n",
            [(0, "A", FIRE), (1, "A", "Armenia declared war on Azerbaijan."), (2, "A", AGAIN)],
            ["opened", "severity_raised, rule_added", "repeated"],
        ),
        (
            "alert_when: at_least",
            "rule: two-of-three\nlook_for:\n  a: {phrases: [troops massed]}\n  b: {phrases: [airspace closed]}\n"
            "  c: {phrases: [shells fell]}\nalert_when: {at_least: {n: 2, of: [a, b, c]}}\n",
            [
                (0, "A", "Troops massed."),
                (1, "A", "Troops massed; shells fell."),
                (2, "A", "Airspace closed as shells fell."),
            ],
            ["-", "opened", "repeated"],
        ),
        (
            "not_phrases: the match beside it, not the whole clue",
            "rule: shelling\nlook_for:\n  a: {phrases: [shells fell], not_phrases: [on the range]}\n",
            [(0, "A", "Shells fell on the range."), (1, "A", "Shells fell on the range. Later shells fell on a mill.")],
            ["-", "opened"],
        ),
        (
            "count: then the event goes on",
            CLASH + "count: {of: publishers, at_least: 2, within: 6h}\n",
            [(0, "A", FIRE), (1, "B", AGAIN), (2, "C", THIRD), (3, "D", FIRE), (20, "E", OTHERS)],
            ["-", "opened", "repeated", "-", "-"],
        ),
        (
            "unless of a step",
            "rule: two-steps\nsteps:\n  one: {look_for: {a: {phrases: [first shot~]}}}\n  two: {look_for: {b: {phrases: [second shot~]}}}\n"
            "in_order: {steps: [one, two], within: 1d}\nunless:\n  - {name: range, phrases: [the range], within: 1 sentence, of: b}\n",
            [
                (0, "A", "A first shot fell at the range."),
                (1, "A", "The second shot fell at the range."),
                (2, "A", "The second shot fell."),
            ],
            ["-", "-", "opened"],
        ),
        (
            "append: an exception for every step",
            "rule: two-steps\nsteps:\n  one: {look_for: {a: {phrases: [first shot~]}}}\n  two: {look_for: {b: {phrases: [$seconds]}}}\n"
            "in_order: {steps: [one, two], within: 1d}\n---\nlist: seconds\nkind: phrases\nitems: [second shot~]\n---\n"
            "append: two-steps\nunless:\n  - {name: drill, phrases: [drill~]}\n---\nappend: seconds\nitems: [next shot~]\n",
            [
                (0, "A", "A first shot in the drill."),
                (1, "A", "The next shot fell."),
                (2, "A", "A first shot."),
                (3, "A", "The next shot hit a mill."),
            ],
            ["-", "-", "-", "opened"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_what_is_told(name: str, rules: str, reports: list[tuple[float, str, str]], changes: list[str]) -> None:
    assert told(rules, *reports) == changes


def routed(keys: str, at: datetime, **values: object) -> dict[str, str]:
    """By recipient, how the alert about a clash goes out."""
    rule_set = load(CLASH + keys)
    recipients = [
        Recipient("desk", "console", "-"),
        Recipient("tester", "console", "-", is_test=True),
        Recipient("sleeper", "console", "-", quiet_hours=QuietHours(time(22), time(7), "UTC")),
    ]
    book = RuleBook.of(rule_set, compile_rules(rule_set, gazetteer()), gazetteer().names(), recipients)
    one = article(title="", text=FIRE, published_at=at, first_seen_at=at)
    signals = match_article(book.rules, one, at).signals
    [decision] = decide_article(signals, one, book.event_policies, (), frozenset(), at)
    alert = compose_alert(decision, one, book.state_names, {}, at, None)
    deliveries = route_alert(alert, decision, (), recipients, book.send_policies, at)
    return {
        one.recipient_id: "silent" if one.is_silent else "later" if one.not_before_at > at else "now"
        for one in deliveries
    }


NIGHT = START + timedelta(hours=11)


@pytest.mark.parametrize(
    ("keys", "at", "expected"),
    [
        ("", START, {"desk": "now", "tester": "now", "sleeper": "now"}),
        ("status: stable\n", START, {"desk": "now", "tester": "now", "sleeper": "now"}),
        ("status: test\n", START, {"tester": "now"}),
        ("send: {to: desk}\n", START, {"desk": "now"}),
        ("send: {to: [nobody]}\n", START, {}),
        ("", NIGHT, {"desk": "now", "tester": "now", "sleeper": "later"}),
        ("send: {in_quiet_hours: hold}\n", NIGHT, {"desk": "now", "tester": "now", "sleeper": "later"}),
        ("send: {in_quiet_hours: send}\n", NIGHT, {"desk": "now", "tester": "now", "sleeper": "now"}),
        ("send: {in_quiet_hours: silent}\n", NIGHT, {"desk": "now", "tester": "now", "sleeper": "silent"}),
        ("send: {in_quiet_hours: silent}\n", START, {"desk": "now", "tester": "now", "sleeper": "now"}),
    ],
)
def test_who_is_told_and_when(keys: str, at: datetime, expected: dict[str, str]) -> None:
    assert routed(keys, at) == expected


def test_what_is_off_does_not_run_and_a_draft_does() -> None:
    assert (
        compiled(CLASH + "status: off\n---\nrule: other\nlook_for: {a: {phrases: [a b]}}\n").rule("border-clash")
        is None
    )
    rule_set = load(CLASH + "status: draft\n")
    assert rule_set.rules[0].status is RuleStatus.DRAFT
    assert match_article(compile_rules(rule_set, gazetteer()), article(title="", text=FIRE)).signals


REGEX = "rule: tanks\nlanguages: [en]\nlook_for:\n  a: {CLUE}\n"


@pytest.mark.parametrize(
    ("clue", "text", "found"),
    [
        ("regex: 'T-(72|90)s?'", "Two T-72s and a T-90 crossed.", ["T-72s", "T-90"]),
        ("regex: 'tanks'", "Tanks crossed.", None),
        ("regex: '(?i)tanks'", "TANKS crossed.", ["TANKS"]),
        (
            "regex: '[Tt]anks? crossed'",
            "Ein Überblick: tanks crossed 😀 and tanks crossed.",
            ["tanks crossed", "tanks crossed"],
        ),
        ("regex: 'crossed the Ara[sz]'", "Troops crossed the Aras.", ["crossed the Aras"]),
        ("regex: 'crossed the Ara[sz]'", "Troops could have crossed the Aras.", None),
        ("regex: 'crossed the Ara[sz]', accept: [possible]", "Troops may have crossed the Aras.", ["crossed the Aras"]),
        ("regex: 'crossed the Ara[sz]'", "Troops have not crossed the Aras.", None),
        ("regex: 'tanks', in: title", "Rain. Then tanks.", None),
        ("regex: 'mobilis|mobiliz'", "They mobilized.", ["mobiliz"]),
        ("regex: '[0-9]{3,} troops'", "It sent 4000 troops.", ["4000 troops"]),
        ("regex: 'войск(а|о)'", "Войска и войско.", ["войско"]),
    ],
)
def test_regular_expressions(clue: str, text: str, found: list[str] | None) -> None:
    [explanation] = explain_article(compiled(REGEX.replace("CLUE", clue)), article(title="", text=text))
    signals = match_article(compiled(REGEX.replace("CLUE", clue)), article(title="", text=text)).signals
    assert [[match.text for match in one.matches] for one in signals] == ([] if found is None else [found])
    assert (explanation.outcome is RuleOutcome.SIGNAL) == bool(signals)
    for one in signals:
        assert all(text[match.span.start : match.span.end] == match.text for match in one.matches)


def test_a_regular_expression_reads_title_and_text_each_by_itself() -> None:
    rules = compiled(REGEX.replace("CLUE", r"regex: '(?s)tanks.+tanks|mill'"))
    assert not match_article(rules, article(title="The tanks", text="Other tanks.")).signals
    [signal] = match_article(rules, article(title="The mill", text="The mill\n\nThe mill burns.")).signals
    assert [(match.span.field, match.span.start) for match in signal.matches] == [("title", 4), ("text", 14)]


def test_a_regular_expression_makes_others_no_dearer() -> None:
    rules = compiled(
        REGEX.replace("CLUE", "regex: 'tanks? (crossed|rolled)'")
        + "---\nrule: any\nlook_for: {a: {regex: '[a-z]{30,}'}}\n"
    )
    assert [rules.rules[index].id for index in rules.other_rules] == ["any"]
    assert [[rules.rules[index].id for index in found] for found in rules.regex_rules.values()] == [["tanks"]]


EVERYTHING = compiled(
    TREATIES
    + "---\n"
    + CLASH
    + "count: {of: publishers, at_least: 2, within: 6h, per: state}\n---\n"
    + "rule: steps\nsteps:\n  one: {look_for: {a: {regex: '(?i)first.{0,9}shots?'}, s: {states: {at_least: 1}}}}\n"
    "  two: {look_for: {a: {phrases: [second shot~]}, s: {states: {at_least: 1}}}}\n"
    "in_order: {steps: [one, two], within: 1d, sharing: a state}\n"
)
WORDS = st.sampled_from(
    [
        *"Armenia Azerbaijan exchanged fire first second shot shots invoked the Treaty of Rome Warsaw Pact Protocol".split(),
        "\n\n",
        ". ",
        "FIRST",
        "\ud800",
        "é",
        "😀",
        "’",
    ]
)
TEXTS = st.lists(WORDS | st.text(max_size=5), max_size=25).map(" ".join)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 40)), max_size=6))
def test_evaluating_never_raises_and_spans_slice_back(drawn: list[tuple[str, str, int]]) -> None:
    memory = RuleMemory(EVERYTHING.over_time)
    for number, (title, text, hours) in enumerate(drawn):
        at = START + timedelta(hours=hours)
        one: Article = article(id=str(number), title=title, text=text, published_at=at, publisher=str(number % 3))
        result = match_article(EVERYTHING, one)
        judged = memory.judge(one, result.partial)
        explained = explain_article(EVERYTHING, one, judged=judged)
        speaking = {signal.rule_id for signal in (*result.signals, *one_for_each_rule(judged))}
        assert {one.rule_id for one in explained if one.outcome is RuleOutcome.SIGNAL} == speaking
        for signal in (*result.signals, *result.partial):
            for match in signal.matches:
                field = title if match.span.field == "title" else text
                assert field[match.span.start : match.span.end] == match.text
