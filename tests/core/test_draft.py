"""The rule file that answers become: whatever is typed, it loads and says what was typed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.rule_files import load
from watcher.model import RuleStatus
from watcher.rules.draft import Answers, Heading, clean_answer, looser, rule_id_of, rule_text

HEADING = Heading("new-rule", "en", "warning", RuleStatus.TEST, date(2026, 11, 23))
ANSWERS = Answers(
    title="An ambassador is called home",
    words=("recall~ ..4 ambassador*",),
    states=2,
    deaths=1,
    alert="Norway recalled its ambassador from Hungary.",
    no_alert="Norway may recall its ambassador from Hungary.",
)


def test_the_whole_file() -> None:
    assert (
        rule_text(ANSWERS, HEADING, ["words"])
        == """\
rule: new-rule
title: An ambassador is called home
status: test
family: other
severity: warning
reviewed: 2026-11-23
languages: [en]
look_for:
  words:
    phrases:
      - recall~ ..4 ambassador*
  states_named: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
close_together:
  - {clues: [words, states_named, deaths], within: 2 sentences}
tests:
  - name: must alert
    text: Norway recalled its ambassador from Hungary.
    expect: alert
  - name: must stay silent
    text: Norway may recall its ambassador from Hungary.
    expect: no alert
    missing: [words]
"""
    )


def test_what_is_not_asked_for_is_left_out() -> None:
    text = rule_text(Answers("x", ("a b",), 0, 0, "A b.", "C d."), HEADING)
    assert "close_together" not in text
    assert "states_named" not in text
    assert "missing" not in text


TYPED = st.text(st.characters(codec="utf-8"), max_size=300) | st.sampled_from(
    ["true", "NO", "~", "null", "12", "1_000", "1e3", "- a", "a: b", "a #b", "'", '"x"', "{a}", "[a]", "*a", "&a", "!a",
     "%a", "@a", "`a", "|", ">", "a:", "x\ny", "\t", "2026-11-23", "? a", "...", "---", "a\u2028b", "\ufeffa", "=", "<<"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(TYPED, TYPED)
def test_whatever_is_typed_is_what_the_rule_says(title: str, sentence: str) -> None:
    title, sentence = clean_answer(title) or "x", clean_answer(sentence) or "y"
    rule = load(rule_text(Answers(title, ("exchange fire",), 0, 0, sentence, f"not {sentence}"), HEADING)).rules[0]
    assert rule.title == title
    assert [test.text for test in rule.tests] == [sentence, f"not {sentence}"]


@pytest.mark.parametrize(
    ("title", "taken", "expected"),
    [
        ("An ambassador is called home", (), "ambassador-called-home"),
        ("An ambassador is called home", ("ambassador-called-home", "ambassador-called-home-2"), "ambassador-called-home-3"),
        ("Coup d'État!", (), "coup-d-etat"),
        ("Мобилизация", (), "new-rule"),
        ("the of", (), "new-rule"),
        ("X", (), "new-rule"),
        ("word " * 40, (), "-".join(["word"] * 9)),
        ("x" * 200, (), "new-rule"),
    ],
)  # fmt: skip
def test_ids(title: str, taken: tuple[str, ...], expected: str) -> None:
    assert rule_id_of(title, taken) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("recall ambassador", ["recall~ ambassador~", "recall~ ..4 ambassador~"]),
        ("recall the ambassador", ["recall~ the~ ambassador~", "recall~ ..4 ambassador~"]),
        ("invoke Article 4", ["invoke~ Article 4", "invoke~ ..4 Article ..4 4"]),
        ("recall~ ambassador", []),
        ("CSTO", []),
    ],
)
def test_looser_words(words: str, expected: list[str]) -> None:
    answers = Answers("x", (words,), 0, 0, "a", "b")
    found = [one.words[0] for one in looser(answers, "en")]
    assert [phrase.replace("the~", "the") for phrase in found] == [phrase.replace("the~", "the") for phrase in expected]


def test_without_word_forms_only_the_gap_is_wider() -> None:
    [one] = looser(Answers("x", ("հետ կանչել",), 0, 0, "a", "b"), "hy")
    assert one.words == ("հետ ..4 կանչել",)
