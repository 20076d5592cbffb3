"""How many alerts a rule is expected to give over a history, and what came of it, for people and for JUnit readers."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from xml.etree import ElementTree

_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_EXPECTATION = re.compile(r"\s*([a-z0-9*?-]+)\s*(>=|<=|==|>|<)\s*([0-9]{1,9})\s*")


@dataclass(frozen=True, slots=True)
class Expectation:
    """A number of alerts, for each rule that a pattern names."""

    rules: str  # an id, or a pattern with shell wildcards
    comparison: str
    number: int

    def __str__(self) -> str:
        return f"{self.rules}{self.comparison}{self.number}"


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation of one rule, and whether it is met."""

    rule_id: str
    expectation: Expectation
    alerts: int
    is_met: bool

    def __str__(self) -> str:
        wanted = f"{self.expectation.comparison} {self.expectation.number}"
        return f"{self.rule_id}: expected {wanted} alerts, found {self.alerts}"


def parse_expectation(text: str) -> Expectation:
    """The expectation that is written ``RULE>=3``; raises `ValueError` saying what was expected."""
    found = _EXPECTATION.fullmatch(text)
    if not found:
        raise ValueError(f"expected a rule, a comparison and a number, like border-clash>=3 or *<=5, found {text}")
    return Expectation(found[1], found[2], int(found[3]))


def check_expectations(
    expectations: Sequence[Expectation], rule_ids: Sequence[str], alerts: Mapping[str, int]
) -> tuple[Expected, ...]:
    """Every expectation for every rule that it names; raises `ValueError` for one that names none."""
    checked = []
    for expectation in expectations:
        named = [rule_id for rule_id in rule_ids if fnmatchcase(rule_id, expectation.rules)]
        if not named:
            raise ValueError(f"{expectation}: no rule is called {expectation.rules}")
        compare = _COMPARISONS[expectation.comparison]
        for rule_id in named:
            found = alerts.get(rule_id, 0)
            checked.append(Expected(rule_id, expectation, found, compare(found, expectation.number)))
    return tuple(checked)


def to_junit(checked: Sequence[Expected]) -> bytes:
    """The outcome as a JUnit XML document, one test case for each rule and expectation."""
    failed = sum(not one.is_met for one in checked)
    suite = ElementTree.Element(
        "testsuite", name="watcher rules backtest", tests=str(len(checked)), failures=str(failed), errors="0"
    )
    for one in checked:
        name = f"{one.rule_id}{one.expectation.comparison}{one.expectation.number}"
        case = ElementTree.SubElement(suite, "testcase", classname=one.rule_id, name=name)
        if not one.is_met:
            ElementTree.SubElement(case, "failure", message=str(one))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"
