"""The inline tests of rule files: what they prove, and what they say when they fail."""

from __future__ import annotations

import pytest

from tests.core.rule_files import SHIPPED, gazetteer, load
from watcher.cleaning import clean_text
from watcher.rule_tests import TestOutcome, run_rule_tests
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules

RULE = """\
rule: border-clash
languages: [en]
look_for:
  act: {phrases: [shell~ ..3 village*]}
  pair: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
unless:
  - {name: old, older_than: 72h}
tests:
  - {name: t, TEST}
"""
CLASH = "Azerbaijan shelled a village of Armenia. 12 soldiers were killed and three soldiers were wounded."


def run(test: str) -> TestOutcome:
    rule_set = load(RULE.replace("TEST", test))
    [outcome] = run_rule_tests(rule_set, compile_rules(rule_set, gazetteer()), clean_text)
    return outcome


@pytest.mark.parametrize(
    ("test", "got"),
    [
        (f'text: "{CLASH}", expect: alert', None),
        (f'title: "{CLASH}", expect: alert', None),
        (f'text: "{CLASH}", expect: no alert', "alert"),
        (f'text: "{CLASH}", expect: alert, extracts: {{states: [AZ, AM], killed: 12}}', None),
        (f'text: "{CLASH}", expect: alert, extracts: {{states: [AM], killed: 13}}', "states AM, AZ; killed 12"),
        (f'text: "{CLASH}", expect: alert, extracts: {{injured: 3}}', "injured none"),
        ('text: "Rain.", expect: alert', "no alert (missing act, pair, deaths)"),
        ('text: "Rain.", expect: no alert', None),
        ('text: "Rain.", expect: no alert, missing: [act, deaths]', None),
        (
            'text: "Azerbaijan shelled a village of Armenia.", expect: no alert, missing: [act]',
            "no alert, for another reason (no match, missing deaths)",
        ),
        (
            f'text: "{CLASH}", published: 2026-01-01, now: 2026-01-09, expect: no alert, missing: [act]',
            "no alert, for another reason (suppressed, unless old)",
        ),
        (f'text: "{CLASH}", published: 2026-01-01, now: 2026-01-02, expect: alert', None),
        (f'text: "{CLASH}", language: ru, expect: no alert', None),
    ],
)
def test_tests_hold_or_say_what_came_instead(test: str, got: str | None) -> None:
    outcome = run(test)
    assert (outcome.passed, outcome.got) == (got is None, outcome.expected if got is None else got)
    assert (outcome.rule_id, outcome.name, outcome.location.line) == ("border-clash", "t", 10)
    assert bool(outcome.diff) == (got is not None)


def test_a_failure_shows_which_clue_failed() -> None:
    outcome = run('text: "Azerbaijan shelled a village of Armenia.", expect: alert')
    assert "  FAIL clue deaths: no figure that counts: at least 1 wanted" in outcome.diff


def test_every_test_of_the_shipped_rules_holds() -> None:
    rule_set = load_rules([SHIPPED])
    outcomes = run_rule_tests(rule_set, compile_rules(rule_set, gazetteer()), clean_text)
    assert outcomes
    assert [(one.rule_id, one.name, one.got) for one in outcomes if not one.passed] == []
