"""Commands for those who write rules: check, test, explain, schema, forms."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.common import (
    ConfigOption,
    Format,
    FormatOption,
    RulesOption,
    compiled_rules,
    find_config,
    find_rules,
    print_json,
    settings_of,
)
from watcher.errors import RuleError, WatcherError
from watcher.model import Article, Extraction
from watcher.rules.compile import compile_rules
from watcher.rules.lint import Finding, LintSeverity, lint_rules
from watcher.rules.load import load_rules
from watcher.rules.phrases import Ending, Word, parse_phrase
from watcher.rules.schema import ListKind, RuleSet, json_schema
from watcher.text.inflect import inflect
from watcher.understand.gazetteer import Gazetteer

app = typer.Typer(help="Check, test and explain rules.", no_args_is_help=True)

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...", help="Files and folders of rules [default: the configured ones, else ./rules]."
    ),
]


class CheckFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def _paths(paths: list[Path] | None, rules: list[Path] | None, config: Path | None) -> tuple[Path, ...]:
    return find_rules([*(paths or ()), *(rules or ())], config)


@app.command()
def check(
    paths: PathsArgument = None,
    rules: RulesOption = None,
    config: ConfigOption = None,
    forms: Annotated[bool, typer.Option("--forms", help="Also print what each inflected word~ stands for.")] = False,
    output: Annotated[
        CheckFormat, typer.Option("--format", help="text for people, json for programs, github for annotations.")
    ] = CheckFormat.TEXT,
) -> None:
    """Find every mistake and everything suspicious. Exit 2 for mistakes, 1 for warnings, 0 otherwise."""
    where = _paths(paths, rules, config)
    try:
        rule_set = load_rules(where)
        compile_rules(rule_set, Gazetteer.load())
    except RuleError as error:
        findings = tuple(
            Finding(problem.location, problem.code, LintSeverity.ERROR, problem.message) for problem in error.problems
        )
        _print_findings(findings, output)
        if output is CheckFormat.TEXT:
            typer.echo(f"{len(findings)} mistake{'s' if len(findings) > 1 else ''}")
        raise typer.Exit(2) from None
    findings = _lint(rule_set, config)
    _print_findings(findings, output)
    if forms:
        _print_forms(rule_set)
    counts = Counter(finding.severity for finding in findings)
    if output is CheckFormat.TEXT:
        found = (
            ", ".join(f"{number} {severity.value}s" for severity, number in counts.items()) or "nothing to complain of"
        )
        typer.echo(f"{len(rule_set.rules)} rules, {len(rule_set.lists)} lists in {len(rule_set.files)} files: {found}")
    if counts[LintSeverity.WARNING]:
        raise typer.Exit(1)


def _lint(rule_set: RuleSet, config: Path | None) -> tuple[Finding, ...]:
    today = datetime.now(UTC).date()
    if find_config(config) is None:
        return lint_rules(rule_set, today)
    settings = settings_of(config)
    recipients = [recipient.id for recipient in settings.recipients]
    return lint_rules(rule_set, today, sources=settings.to_sources(), recipients=recipients)


def _print_findings(findings: Sequence[Finding], output: CheckFormat) -> None:
    if output is CheckFormat.JSON:
        print_json(
            [
                {
                    "path": finding.location.path,
                    "line": finding.location.line,
                    "column": finding.location.column,
                    "code": finding.code,
                    "severity": finding.severity.value,
                    "message": finding.message,
                }
                for finding in findings
            ]
        )
        return
    for finding in findings:
        place = finding.location
        if output is CheckFormat.GITHUB:
            level = "notice" if finding.severity is LintSeverity.HINT else finding.severity.value
            message = finding.message.replace("%", "%25").replace("\n", "%0A")
            typer.echo(
                f"::{level} file={place.path},line={place.line},col={place.column},title={finding.code}::{message}"
            )
        else:
            typer.echo(f"{place}: {finding.severity.value}: {finding.message} [{finding.code}]")


@app.command()
def forms(
    words: Annotated[list[str] | None, typer.Argument(help="Words; without any, those of the rules.")] = None,
    language: Annotated[str, typer.Option(help="Two letters.")] = "en",
    rules: RulesOption = None,
    config: ConfigOption = None,
) -> None:
    """Print every form that an inflected word~ stands for."""
    if not words:
        _print_forms(load_rules(find_rules(rules, config)))
        return
    for word in words:
        _print_word(word.removesuffix("~"), language)


def _print_forms(rule_set: RuleSet) -> None:
    languages = sorted({language for rule in rule_set.rules for language in rule.languages or ("en",)})
    texts = [text for rule in rule_set.rules for clue in rule.clues.values() for text in clue.phrases or ()]
    texts += [text for one in rule_set.lists.values() if one.kind is ListKind.PHRASES for text in one.items]
    words = {
        part.text
        for text in texts
        for part in parse_phrase(text).walk()
        if isinstance(part, Word) and part.ending is Ending.INFLECTED
    }
    for word in sorted(words):
        for language in languages:
            _print_word(word, language)


def _print_word(word: str, language: str) -> None:
    found = inflect(word, language)
    stands_for = ", ".join(sorted(found)) if found else "no forms are known for this language"
    typer.echo(f"{word}~ ({language}): {stands_for}")


@app.command()
def test(
    paths: PathsArgument = None,
    rules: RulesOption = None,
    config: ConfigOption = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only the tests of this rule.")] = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Run the tests that stand in the rules, by the evaluator of the daemon. Exit 1 when one fails."""
    from watcher.cleaning import clean_text
    from watcher.rule_tests import run_rule_tests

    rule_set, compiled, _ = compiled_rules(_paths(paths, rules, config))
    outcomes = [one for one in run_rule_tests(rule_set, compiled, clean_text) if rule in (None, one.rule_id)]
    failed = [one for one in outcomes if not one.passed]
    if output is Format.JSON:
        print_json(
            [
                {
                    "rule": one.rule_id,
                    "test": one.name,
                    "location": str(one.location),
                    "passed": one.passed,
                    "expected": one.expected,
                    "got": one.got,
                }
                for one in outcomes
            ]
        )
    else:
        for one in outcomes:
            typer.echo(f"{'PASS' if one.passed else 'FAIL'} {one.rule_id}: {one.name}")
            if not one.passed:
                typer.echo(f"     {one.location}: expected {one.expected}, got {one.got}")
                for line in one.diff:
                    typer.echo(f"     {line}")
        typer.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command()
def explain(
    article: Annotated[str, typer.Argument(help="A file, a web address, the id of a stored article, or - .")],
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    rules: RulesOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Show clue by clue why each rule fired on an article or stayed silent, by the evaluator of the daemon."""
    from watcher.explain import explain_article, explanation_to_json, render_explanation

    rule_set, compiled, _ = compiled_rules(find_rules(rules, config))
    if rule is not None and compiled.rule(rule) is None:
        from watcher.rules.values import not_among

        raise WatcherError(not_among("rule", rule, [one.rule for one in rule_set.rules]))
    explanations = explain_article(compiled, read_article(article, config), None, rule)
    if output is Format.JSON:
        print_json([explanation_to_json(one) for one in explanations])
        return
    for one in explanations:
        for line in render_explanation(one):
            typer.echo(line)


def read_article(name: str, config: Path | None) -> Article:
    """The article that is meant: a file (text, HTML, JSON as `watcher match` reads it), an address, a stored id, -."""
    from watcher.bulk import article_from_json
    from watcher.cli.reading import fetch_typed, read_bytes
    from watcher.extract import extract_page
    from watcher.language import detect_language
    from watcher.store import Store

    url = content_type = None
    if name.startswith(("http://", "https://")):
        fetched = asyncio.run(fetch_typed(name, config))
        if fetched is None:
            raise WatcherError(f"{name} could not be fetched")
        body, url, content_type = fetched.body, fetched.final_url, fetched.content_type
    elif name == "-" or Path(name).is_file():
        body = read_bytes(name)
    elif find_config(config) is not None:
        with Store.open(settings_of(config).store.path, exclusive=False) as store:
            stored = store.articles.get(name)
        if stored is None:
            raise WatcherError(f"{name} is no file and no stored article")
        return stored
    else:
        raise WatcherError(f"{name} is no file here; for a stored article name the configuration with --config")
    now = datetime.now(UTC)
    if body.lstrip().startswith(b"{"):
        try:
            return article_from_json(json.loads(body.splitlines()[0]), detect=detect_language, now=now)
        except ValueError as error:
            raise WatcherError(f"{name}: {error}") from error
    page = extract_page(body, url=url, content_type=content_type, now=now)
    title, text = (page.title, page.text) if page else ("", body.decode("utf-8", "replace"))
    return Article(
        id=Path(name).name,
        source_id="",
        url=url,
        title=title,
        text=text,
        language=(page.language if page else None) or detect_language(f"{title}\n\n{text}"),
        extraction=Extraction.FULL,
        published_at=page.published_at if page else None,
        first_seen_at=now,
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of the rule files, for editors that complete and check."""
    print_json(json_schema())
