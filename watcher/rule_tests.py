"""The tests that stand in the rule files, run by the evaluator of production."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from watcher.errors import Location
from watcher.explain import RuleExplanation, explain_article, render_explanation
from watcher.match import match_article
from watcher.model import Article, Extraction, Signal
from watcher.rules.compile import UNKNOWN_LANGUAGE, CompiledRules
from watcher.rules.schema import Expect, Extracts, Rule, RuleSet, RuleTest, StreamItem
from watcher.sequence import RuleMemory, one_for_each_rule

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
    articles = [*_articles(rule_set, rule, test, clean)]
    signal, explanations = _play(rules, rule, articles, test.now if test.stream is None else None)
    wrong = _wrong(test, signal, explanations)
    lines = [line for one in explanations for line in render_explanation(one)]
    return TestOutcome(
        rule_id=rule.rule,
        name=test.name or f"test {index + 1}",
        location=rule_set.location(rule.rule, "tests", str(index)),
        passed=not wrong,
        expected=_expected(test),
        got=wrong or _expected(test),
        diff=tuple(lines) if wrong else (),
    )


def _play(
    rules: CompiledRules, rule: Rule, articles: Sequence[Article], now: datetime | None
) -> tuple[Signal | None, list[RuleExplanation]]:
    """The last signal of the rule, if it gave any, and how it came to its outcome on each article, in order."""
    memory = RuleMemory(rules.over_time)
    signal: Signal | None = None
    explanations: list[RuleExplanation] = []
    for article in articles:
        result = match_article(rules, article, now)
        judged = memory.judge(article, [one for one in result.partial if one.rule_id == rule.rule])
        whole = [one for one in (*result.signals, *one_for_each_rule(judged)) if one.rule_id == rule.rule]
        signal = whole[0] if whole else signal
        explanations += explain_article(rules, article, now, rule.rule, judged)
    return signal, explanations


def _articles(rule_set: RuleSet, rule: Rule, test: RuleTest, clean: Clean) -> Iterator[Article]:
    """The test's articles, from its own date on, else from the present that it names, else the rule's last review."""
    start = test.published or test.now or _reviewed_at(rule)
    language = test.language or (rule.languages[0] if rule.languages else UNKNOWN_LANGUAGE)
    texts: list[str] = []
    items: tuple[StreamItem | RuleTest, ...] = test.stream or (test,)
    for number, item in enumerate(items, 1):
        title, text = item.title or "", item.text or ""
        if item.file is not None:
            text = clean(rule_set.test_texts[rule.rule, item.file], title)
        at, publisher = start, ""
        if isinstance(item, StreamItem):
            at = start + item.at
            publisher = item.publisher or f"newsroom {number}"
            text = texts[item.copy_of - 1] if item.copy_of is not None else text
        texts.append(text)
        identity = _SOURCE_ID if test.stream is None else f"article {number}"
        yield Article(
            id=identity,
            source_id=identity,
            url=None,
            title=title,
            text=text,
            language=language,
            extraction=Extraction.FULL if text else Extraction.TITLE,
            published_at=at,
            first_seen_at=at,
            publisher=publisher,
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


def _wrong(test: RuleTest, signal: Signal | None, explanations: Sequence[RuleExplanation]) -> str:
    """What came instead of what the test expects; empty: it holds."""
    last = explanations[-1]
    if test.expect is Expect.ALERT:
        if signal is None:
            return f"no alert ({last.reason})"
        return "; ".join(_wrong_extracts(test.extracts, signal)) if test.extracts else ""
    if signal is not None:
        return "alert"
    if test.missing and not set(test.missing) <= set(last.missing):
        return f"no alert, for another reason ({last.outcome}, {last.reason})"
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
