"""The tests that stand in the rule files, run by the evaluator of production."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time

from watcher.errors import Location
from watcher.explain import RuleExplanation, explain_article, render_explanation
from watcher.match import match_article
from watcher.model import Article, Extraction, Signal
from watcher.rules.compile import UNKNOWN_LANGUAGE, CompiledRules
from watcher.rules.schema import Expect, Extracts, Rule, RuleSet, RuleTest

# A test without any date is read as if published here; a fixed day, so that it gives the same every day.
DEFAULT_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SOURCE_ID = "test"

Clean = Callable[[str, str], str]  # (text, title) to the text as articles have it


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """How one test went."""

    __test__ = False  # its name misleads pytest

    rule_id: str
    name: str
    location: Location
    passed: bool
    expected: str  # "no alert, missing invocation"
    got: str
    diff: tuple[str, ...]  # the explanation as lines where it failed


def run_rule_tests(rule_set: RuleSet, rules: CompiledRules, clean: Clean) -> tuple[TestOutcome, ...]:
    """The outcome of every test of every rule that is not off, in file order.

    ``clean`` takes what articles are rid of (furniture, a repeated headline) out of the texts of test files.
    """
    compiled = {rule.id for rule in rules.rules}
    return tuple(
        _run(rule_set, rules, rule, index, test, clean)
        for rule in rule_set.rules
        if rule.rule in compiled
        for index, test in enumerate(rule.tests)
    )


def _run(rule_set: RuleSet, rules: CompiledRules, rule: Rule, index: int, test: RuleTest, clean: Clean) -> TestOutcome:
    article = _article(rule_set, rule, test, clean)
    found = [one for one in match_article(rules, article, test.now).signals if one.rule_id == rule.rule]
    [explanation] = explain_article(rules, article, test.now, rule.rule)
    wrong = _wrong(test, found[0] if found else None, explanation)
    return TestOutcome(
        rule_id=rule.rule,
        name=test.name or f"test {index + 1}",
        location=rule_set.location(rule.rule, "tests", str(index)),
        passed=not wrong,
        expected=_expected(test),
        got=wrong or _expected(test),
        diff=tuple(render_explanation(explanation)) if wrong else (),
    )


def _article(rule_set: RuleSet, rule: Rule, test: RuleTest, clean: Clean) -> Article:
    """The test's article, of its own date, else of the present that it names, else of the rule's last review."""
    at = test.published or test.now or _reviewed_at(rule)
    title = test.title or ""
    text = test.text or ""
    if test.file is not None:
        text = clean(rule_set.test_texts[rule.rule, test.file], title)
    return Article(
        id=_SOURCE_ID,
        source_id=_SOURCE_ID,
        url=None,
        title=title,
        text=text,
        language=test.language or (rule.languages[0] if rule.languages else UNKNOWN_LANGUAGE),
        extraction=Extraction.FULL,
        published_at=at,
        first_seen_at=at,
    )


def _reviewed_at(rule: Rule) -> datetime:
    return datetime.combine(rule.reviewed, time(12), UTC) if rule.reviewed else DEFAULT_NOW


def _expected(test: RuleTest) -> str:
    parts = [str(test.expect)]
    if test.missing:
        parts.append(f"missing {', '.join(test.missing)}")
    if test.extracts:
        parts.extend(_wanted(test.extracts))
    return ", ".join(parts)


def _wanted(extracts: Extracts) -> list[str]:
    wanted = [f"states {', '.join(sorted(extracts.states))}"] if extracts.states is not None else []
    wanted += [f"killed {extracts.killed}"] if extracts.killed is not None else []
    wanted += [f"injured {extracts.injured}"] if extracts.injured is not None else []
    return wanted


def _wrong(test: RuleTest, signal: Signal | None, explanation: RuleExplanation) -> str:
    """What came instead of what the test expects; empty: it holds."""
    if test.expect is Expect.ALERT:
        if signal is None:
            return f"no alert ({explanation.reason})"
        return "; ".join(_wrong_extracts(test.extracts, signal)) if test.extracts else ""
    if signal is not None:
        return "alert"
    if test.missing and not set(test.missing) <= set(explanation.missing):
        return f"no alert, for another reason ({explanation.outcome}, {explanation.reason})"
    return ""


def _wrong_extracts(extracts: Extracts, signal: Signal) -> list[str]:
    problems = []
    if extracts.states is not None and set(extracts.states) != set(signal.states):
        problems.append(f"states {', '.join(signal.states) or 'none'}")
    for kind, wanted, toll in (
        ("killed", extracts.killed, signal.killed),
        ("injured", extracts.injured, signal.injured),
    ):
        if wanted is not None and (toll is None or toll.at_least != wanted):
            problems.append(f"{kind} {'none' if toll is None else toll.at_least}")
    return problems
