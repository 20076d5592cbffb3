"""Expected numbers of alerts, and how they are told to JUnit readers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from watcher.expectations import check_expectations, parse_expectation, to_junit

RULES = ["border-clash", "border-fire", "rupture"]
ALERTS = {"border-clash": 3, "rupture": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("border-clash>=3", [("border-clash", 3, True)]),
        ("border-clash > 3", [("border-clash", 3, False)]),
        ("border-fire==0", [("border-fire", 0, True)]),
        ("rupture<1", [("rupture", 1, False)]),
        ("border-*<=2", [("border-clash", 3, False), ("border-fire", 0, True)]),
        ("*<=5", [("border-clash", 3, True), ("border-fire", 0, True), ("rupture", 1, True)]),
    ],
)
def test_expectations_hold_for_each_rule(text: str, expected: list[tuple[str, int, bool]]) -> None:
    found = check_expectations([parse_expectation(text)], RULES, ALERTS)
    assert [(one.rule_id, one.alerts, one.is_met) for one in found] == expected


@pytest.mark.parametrize(
    "text", ["", "border-clash", "border-clash=3", "border-clash>=", ">=3", "a>=-1", "a>=1.5", "A>=1"]
)
def test_what_is_no_expectation(text: str) -> None:
    with pytest.raises(ValueError, match="expected a rule, a comparison and a number, like border-clash>=3"):
        parse_expectation(text)


def test_an_expectation_names_a_rule() -> None:
    with pytest.raises(ValueError, match=r"^boarder>=3: no rule is called boarder$"):
        check_expectations([parse_expectation("boarder>=3")], RULES, ALERTS)


def test_junit() -> None:
    root = ElementTree.fromstring(to_junit(check_expectations([parse_expectation("border-*>=1")], RULES, ALERTS)))
    [suite] = root
    assert (root.tag, suite.get("tests"), suite.get("failures")) == ("testsuites", "2", "1")
    assert [(case.get("classname"), case.get("name"), len(case)) for case in suite] == [
        ("border-clash", "border-clash>=1", 0),
        ("border-fire", "border-fire>=1", 1),
    ]
    assert suite[1][0].get("message") == "border-fire: expected >= 1 alerts, found 0"
