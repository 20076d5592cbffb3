"""The tests that stand in the rule files, run by the evaluator of production."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time

from watcher.errors import Location
from watcher.explain import RuleExplanation, RuleOutcome, explain_article, render_explanation
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
    articles = _articles(rule_set, rule, test, clean)
    found: list[Signal] = []
    explanations: list[RuleExplanation] = []
    for article in articles:
        present = test.now if test.stream is None else None
        result = match_article(rules, article, present)
        found.extend(signal for signal in result.signals if signal.rule_id == rule.rule)
        explanations.extend(explain_article(rules, article, present, rule.rule))
    wrong = _wrong(test, found, explanations)
    return TestOutcome(
        rule_id=rule.rule,
        name=test.name or f"test {index + 1}",
        location=rule_set.location(rule.rule, "tests", str(index)),
        passed=not wrong,
        expected=_expected(test),
        got="; ".join(wrong) or _expected(test),
        diff=tuple(line for one in explanations for line in render_explanation(one)) if wrong else (),
    )


def _articles(rule_set: RuleSet, rule: Rule, test: RuleTest, clean: Clean) -> list[Article]:
    """The test's article, or those of its stream in order of time."""
    start = test.published or test.now or _reviewed_at(rule)
    language = test.language or (rule.languages[0] if rule.languages else UNKNOWN_LANGUAGE)

    def article(number: int, title: str, text: str | None, file: str | None, at: datetime) -> Article:
        if file is not None:
            text = clean(rule_set.test_texts[rule.rule, file], title)
        return Article(
            id=f"{_SOURCE_ID}-{number}",
            source_id=_SOURCE_ID,
            url=None,
            title=title,
            text=text or "",
            language=language,
            extraction=Extraction.FULL,
            published_at=at,
            first_seen_at=at,
        )

    if test.stream is None:
        return [article(0, test.title or "", test.text, test.file, start)]
    ordered = sorted(test.stream, key=lambda item: item.at)
    return [article(n, item.title or "", item.text, item.file, start + item.at) for n, item in enumerate(ordered)]


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


def _wrong(test: RuleTest, found: list[Signal], explanations: list[RuleExplanation]) -> list[str]:
    """What came instead of what the test expects; empty: it holds."""
    if test.expect is Expect.ALERT:
        if not found:
            return [f"no alert ({'; '.join(one.reason for one in explanations)})"]
        return _wrong_extracts(test.extracts, found[-1]) if test.extracts else []
    if found:
        return ["alert"]
    if test.missing is None:
        return []
    return [
        f"no alert, for another reason ({one.outcome}, {one.reason})"
        for one in explanations
        if one.outcome is not RuleOutcome.NO_MATCH or not set(test.missing) <= set(one.missing)
    ]


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
