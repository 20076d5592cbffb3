"""The tree of PASS and FAIL, and that it says what the evaluator does."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, article
from tests.core.rule_files import compiled, shipped
from watcher.explain import (
    Node,
    RuleExplanation,
    RuleOutcome,
    came_near,
    explain_article,
    explanation_to_json,
    render_explanation,
)
from watcher.likeness import Likeness
from watcher.match import match_article
from watcher.rules.compile import CompiledRules
from watcher.sequence import RuleMemory

RULES = """\
rule: border-clash
languages: [en]
look_for:
  act: {phrases: [shell~ ..3 village*], not_phrases: [sea shell~]}
  pair: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
close_together:
  - {clues: [deaths, pair], within: 1 sentence}
unless:
  - {name: retrospective, title_has: timeline, because: it retells}
"""
CLASH = (
    "Azerbaijani troops shelled three villages. Elsewhere it might shell a village. "
    "Twelve soldiers of Armenia and Azerbaijan were killed. Belarus watched, as did a Russian-led bloc."
)


def explain(text: str, title: str = "", rules: CompiledRules | None = None, **values: object) -> RuleExplanation:
    [one] = explain_article(rules or compiled(RULES), article(title=title, text=text, **values))
    return one


def node(explanation: RuleExplanation, label: str) -> Node:
    [found] = [one for one in explanation.nodes if one.label == label]
    return found


def test_bystanders_outside_the_clause_that_holds_all_clues_are_told() -> None:
    rules = compiled(
        "rule: ties\nlook_for: {cut: {phrases: recall~}, pair: {states: {at_least: 2}}}\n"
        "close_together: [{clues: [cut, pair], within: 1 sentence}]"
    )
    text = "Senegal recalls its ambassador to Iran after a shipment was seized in Nigeria."
    lines = render_explanation(explain(text, rules=rules))
    assert [line.strip() for line in lines if "Nigeria" in line or "window" in line] == [
        "FAIL match: text:70-77 “Nigeria”, NG, not counted: outside the clause that holds all clues of the window",
        "PASS window: text:0-38 “Senegal recalls its ambassador to Iran”, states IR, SN of the clause that holds all clues",
    ]


def test_the_tree_names_every_match_and_why_it_counts_or_does_not() -> None:
    assert render_explanation(explain(CLASH)) == [
        "border-clash: signal, every condition holds",
        "  PASS languages and sources",
        "  PASS clue act: 1 found",
        "    PASS match: text:19-41 “shelled three villages”, happened",
        "    FAIL match: text:62-77 “shell a village”, possible (“might”), not counted: possible, and only happened counts",
        "  PASS clue pair: AM, AZ, BY",
        "    FAIL match: text:0-11 “Azerbaijani”, AZ, not counted: outside the window of 1 sentence",
        "    PASS match: text:98-105 “Armenia”, AM",
        "    PASS match: text:110-120 “Azerbaijan”, AZ",
        "    FAIL match: text:134-141 “Belarus”, BY, not counted: outside the window of 1 sentence",
        "    FAIL match: text:160-167 “Russian”, RU, not counted: X-led",
        "  PASS clue deaths: at least 12: at least 1 wanted",
        "    PASS match: text:79-132 “Twelve soldiers of Armenia and Azerbaijan were killed”, at least 12, happened",
        "  PASS deaths, pair within 1 sentence: 1 found",
        "    PASS window: text:79-132 “Twelve soldiers of Armenia and Azerbaijan were killed”, states AM, AZ",
        "  PASS alert_when",
        "    PASS all_of: act yes, pair yes, deaths yes",
        "  PASS unless retrospective: nothing of it in the title",
    ]


def test_what_is_missing_is_named() -> None:
    one = explain("Twelve soldiers of Armenia and Azerbaijan were killed.")
    assert (one.outcome, one.reason, one.missing) == (RuleOutcome.NO_MATCH, "missing act", ("act",))
    assert node(one, "clue act") == Node("clue act", False, "0 found")


def test_clues_that_are_apart_are_not_missing() -> None:
    one = explain("He shelled a village of Armenia and Azerbaijan. Twelve soldiers were killed.")
    assert (one.outcome, one.reason, one.missing) == (RuleOutcome.NO_MATCH, "the clues are not close together", ())
    assert node(one, "deaths, pair within 1 sentence") == Node(
        "deaths, pair within 1 sentence", False, "nowhere so close"
    )


def test_an_exception_and_a_gate_are_outcomes_of_their_own() -> None:
    suppressed = explain(CLASH, "Timeline of the clashes")
    assert (suppressed.outcome, suppressed.reason) == (RuleOutcome.SUPPRESSED, "unless retrospective: it retells")
    assert node(suppressed, "unless retrospective") == Node(
        "unless retrospective", False, "title has “Timeline” (it retells)"
    )
    skipped = explain(CLASH, language="ru")
    assert (skipped.outcome, skipped.reason) == (RuleOutcome.SKIPPED, "language: ru is not among en")
    assert [one.label for one in skipped.nodes] == ["languages and sources"]


def test_not_phrases_and_none_of_are_told_apart_from_what_is_missing() -> None:
    rules = compiled(
        "rule: r-1\nlook_for: {a: {phrases: alpha, not_phrases: omega}, b: {phrases: beta}, c: {phrases: gamma}}\n"
        "alert_when: {any_of: [a, c], none_of: [b], at_least: {n: 1, of: [a, c]}}\n"
    )
    forbidden = explain("alpha beta", rules=rules)
    assert (forbidden.reason, forbidden.missing) == ("found b, which none_of forbids", ("b",))
    beside = explain("alpha omega", rules=rules)
    assert beside.missing == ("a", "c")
    assert "not counted: beside “omega”" in node(beside, "clue a").children[0].detail


def test_long_lists_of_what_does_not_count_are_folded_for_the_terminal_only() -> None:
    one = explain(CLASH + " Russia left." * 20)
    assert len(node(one, "clue pair").children) == 25
    assert "    and 17 more that do not count" in render_explanation(one)


def test_one_rule_can_be_asked_for() -> None:
    assert [one.rule_id for one in explain_article(compiled(RULES), article(), rule_id="border-clash")] == [
        "border-clash"
    ]
    assert explain_article(compiled(RULES), article(), rule_id="no-such-rule") == ()


def test_explanations_are_plain_values() -> None:
    record = json.loads(json.dumps(explanation_to_json(explain(CLASH))))
    assert record["outcome"] == "signal"
    assert record["tree"][1]["children"][0]["match"] == {
        "clue": "act",
        "text": "shelled three villages",
        "field": "text",
        "start": 19,
        "end": 41,
        "stance": "happened",
        "cue": None,
        "state": None,
        "toll": None,
    }


WORDS = st.sampled_from(
    "Armenia Azerbaijan Russia invoked could Article four of the Collective Security Treaty 12 soldiers were killed"
    " declared martial law will timeline recalled its ambassador clashes troops . . \n\n".split(" ")
)


@settings(max_examples=100, deadline=None)
@given(text=st.lists(WORDS, max_size=60).map(" ".join), title=st.lists(WORDS, max_size=6).map(" ".join))
def test_explaining_changes_no_outcome(text: str, title: str) -> None:
    one = article(text=text, title=title)
    result = match_article(shipped(), one)
    explanations = explain_article(shipped(), one)
    assert result.signals == tuple(e.signal for e in explanations if e.signal is not None)
    assert [s.rule_id for s in result.suppressed] == [
        e.rule_id for e in explanations if e.outcome is RuleOutcome.SUPPRESSED
    ]
    assert [s.rule_id for s in result.skipped] == [e.rule_id for e in explanations if e.outcome is RuleOutcome.SKIPPED]


OVER_TIME = """\
rule: recall-then-call-up
languages: [en]
steps:
  recall: {look_for: {home: {phrases: [recall~ ..4 ambassador*]}, pair: {states: {at_least: 2}}}}
  call_up: {look_for: {order: {phrases: [order~ ..3 mobilisation]}, a_state: {states: {at_least: 1}}}}
in_order: {steps: [recall, call_up], within: 10d, sharing: a state}
unless: [{name: old, older_than: 72h}]
---
rule: wave
languages: [en]
look_for: {a: {phrases: [heavy fighting]}}
count: {of: reports, at_least: 2, within: 6h}
"""
RECALL = "Azerbaijan recalled its ambassador from Iran."
CALL_UP = "Iran ordered mobilisation on Monday."


def over_time(*texts: str, language: str = "en") -> list[list[str]]:
    """For each article in turn, a day apart: how each rule explains itself, in short."""
    rules = compiled(OVER_TIME)
    memory = RuleMemory(rules.over_time)
    lines = []
    for number, text in enumerate(texts):
        at = NOW + timedelta(hours=number)
        one = article(id=str(number), title="", text=text, published_at=at, language=language)
        judged = memory.judge(one, match_article(rules, one).partial)
        explained = explain_article(rules, one, judged=judged)
        lines.append([f"{each.rule_id}: {each.outcome}, {each.reason}" for each in explained])
    return lines


def test_rules_over_several_articles_say_what_is_there_and_what_is_missing() -> None:
    assert over_time(RECALL, CALL_UP, "Rain.", "Heavy fighting.", "There was heavy fighting in the hills.") == [
        ["recall-then-call-up: waiting, step recall, missing call_up", "wave: no match, missing a"],
        [
            "recall-then-call-up: signal, every step happened, in order: recall, call_up",
            "wave: no match, missing a",
        ],
        ["recall-then-call-up: no match, no step of it is reported", "wave: no match, missing a"],
        ["recall-then-call-up: no match, no step of it is reported", "wave: waiting, counted 1 of 2"],
        [
            "recall-then-call-up: no match, no step of it is reported",
            "wave: signal, every condition holds, counted 2 of 2",
        ],
    ]
    assert over_time(RECALL, language="ru") == [
        [
            "recall-then-call-up: skipped, language: ru is not among en",
            "wave: skipped, language: ru is not among en",
        ]
    ]


def test_the_tree_shows_each_step_with_its_date() -> None:
    rules = compiled(OVER_TIME)
    memory = RuleMemory(rules.over_time)
    first, second = (
        article(id=str(day), title="", text=text, publisher="Courier", published_at=NOW + timedelta(days=day))
        for day, text in enumerate((RECALL, CALL_UP))
    )
    memory.judge(first, match_article(rules, first).partial)
    judged = memory.judge(second, match_article(rules, second).partial)
    [explanation] = explain_article(rules, second, None, "recall-then-call-up", judged)
    assert render_explanation(explanation)[-3:] == [
        "  PASS in order within 10d, sharing a state: in order: recall, call_up",
        "    PASS step recall: 2022-09-14 15:00, AZ, IR, Courier, 0",
        "    PASS step call_up: 2022-09-15 15:00, IR, this article",
    ]


def test_without_a_past_such_a_rule_waits_and_an_exception_still_stops_it() -> None:
    rules = compiled(OVER_TIME)
    old = article(title="", text=RECALL, published_at=NOW - timedelta(days=9))
    [waiting] = explain_article(rules, article(title="", text=RECALL), NOW, "recall-then-call-up")
    [stopped] = explain_article(rules, old, NOW, "recall-then-call-up")
    [counted] = explain_article(rules, article(title="", text="Heavy fighting."), NOW, "wave")
    assert (waiting.outcome, waiting.missing) == (RuleOutcome.WAITING, ("call_up",))
    assert waiting.nodes[-1].detail == "depends on other articles, which are not known here"
    assert (stopped.outcome, stopped.reason) == (RuleOutcome.SUPPRESSED, "unless old")
    assert (counted.outcome, counted.reason) == (
        RuleOutcome.WAITING,
        "it holds, and counts together with other articles",
    )
    assert came_near(counted)


def test_a_phrase_that_is_nowhere_has_the_sentence_that_comes_nearest_to_it() -> None:
    rules = compiled(
        "rule: r-1\nlanguages: [en]\nlook_for:\n  a: {phrases: [invoke~ ..3 Article 4 ..3 Bergen Pact]}\n"
        "  b: {phrases: [open~ fire]}\n"
    )

    def nearest(text: str) -> list[str]:
        one = article(title="", text=text)
        [explanation] = explain_article(rules, one, NOW, likeness=Likeness(rules))
        return [child.detail for node in explanation.nodes for child in node.children if child.label == "nearest"]

    for text, lacking in (
        ("Oslo invoked Article five of the Bergen Pact.", "art 4"),
        ("Oslo invoked Article VI of the Bergen Pact.", "art 4"),
        ("Oslo invoked Article four of the Bergen Charter.", "bergen pact"),
        ("Oslo cited Article four of the Bergen Pact.", "invoke"),
    ):
        assert nearest(f"Rain fell. {text} Troops opened fire.") == [f"lacks “{lacking}”: “{text}”"]
    assert nearest("Oslo may invoke Article 4 of the Bergen Pact. Troops opened fire.") == []
    assert nearest("Rain fell. Troops opened fire.") == []
