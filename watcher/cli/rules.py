"""Commands for those who write rules: check, test, accept, explain, new, schema, forms."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watcher.cli import explaining, feedback, new_rule
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
from watcher.cli.findings import CheckFormat, as_findings, count_findings, print_findings
from watcher.cli.terminal import harmless, printer, verdict_style
from watcher.errors import RuleError, WatcherError
from watcher.rules.compile import compile_rules
from watcher.rules.editors import json_schema
from watcher.rules.lint import Finding, LintSeverity, lint_rules
from watcher.rules.load import load_rules
from watcher.rules.phrases import Ending, Word, parse_phrase
from watcher.rules.schema import ListKind, RuleSet
from watcher.rules.values import not_among
from watcher.text.inflect import inflect
from watcher.understand.gazetteer import Gazetteer

app = typer.Typer(help="Write, check, test and explain rules.", no_args_is_help=True)

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Files and folders of rules.",
        show_default="the configured ones, else ./rules",
    ),
]


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
    if forms and output is not CheckFormat.TEXT:
        message = "goes with --format text; `watcher rules forms` prints them alone"
        raise typer.BadParameter(message, param_hint="--forms")
    where = _paths(paths, rules, config)
    try:
        rule_set = load_rules(where)
        compile_rules(rule_set, Gazetteer.load())
    except RuleError as error:
        findings = as_findings(error)
        print_findings(findings, output)
        if output is CheckFormat.TEXT:
            typer.echo(count_findings(findings))
        raise typer.Exit(2) from None
    findings = _lint(rule_set, config)
    print_findings(findings, output)
    if forms:
        _print_forms(rule_set)
    if output is CheckFormat.TEXT:
        sizes = [(rule_set.rules, "rule"), (rule_set.lists, "list"), (rule_set.files, "file")]
        counted = ", ".join(f"{len(items)} {name}{'' if len(items) == 1 else 's'}" for items, name in sizes)
        typer.echo(f"{counted}: {count_findings(findings)}")
    if any(finding.severity is LintSeverity.WARNING for finding in findings):
        raise typer.Exit(1)


def _lint(rule_set: RuleSet, config: Path | None) -> tuple[Finding, ...]:
    today = datetime.now(UTC).date()
    if find_config(config) is None:
        return lint_rules(rule_set, today)
    settings = settings_of(config)
    recipients = [recipient.id for recipient in settings.recipients]
    # Without any source `watcher check` says so once; every rule would only say it again.
    return lint_rules(rule_set, today, sources=settings.to_sources() or None, recipients=recipients)


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
    texts = [
        text
        for rule in rule_set.rules
        for part in rule.parts
        for clue in part.clues.values()
        for text in clue.phrases or ()
    ]
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
    if rule is not None and rule not in {one.rule for one in rule_set.rules}:
        raise WatcherError(not_among("rule", rule, [one.rule for one in rule_set.rules]))
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
        console = printer()
        for one in outcomes:
            word = "PASS" if one.passed else "FAIL"
            console.print(Text.assemble((word, verdict_style(one.passed)), harmless(f" {one.rule_id}: {one.name}")))
            if not one.passed:
                console.print(harmless(f"     {one.location}: expected {one.expected}, got {one.got}"))
                for line in one.diff:
                    console.print(explaining.styled_line(f"     {line}"))
        console.print(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command()
def accept(config: ConfigOption = None) -> None:
    """Let the configured rules come into force although the guard refused them: exactly as they are now, and once."""
    from watcher.store import Store

    settings = settings_of(config)
    rule_set, _, _ = compiled_rules(settings.rules.paths)
    with Store.open(settings.store.path, exclusive=False) as store, store.transaction():
        store.journal.accept_rules(rule_set.version, datetime.now(UTC))
    typer.echo(f"accepted version {rule_set.version} of the rules, {len(rule_set.rules)} of them, for one reload")
    if not settings.rules.guard:
        typer.echo("[rules] guard is off: a reload takes any rules without mistakes")
    by_itself = ", which comes by itself within a minute" if settings.rules.reload_on_change else ""
    typer.echo(f"they come into force with the next reload{by_itself}; SIGHUP reloads at once")


app.command()(explaining.explain)
app.command("new")(new_rule.new)
app.command()(feedback.stats)


@app.command()
def schema(
    out: Annotated[
        Path | None, typer.Option("--out", help="Write it to this file instead; one of that name is replaced.")
    ] = None,
) -> None:
    """Print the JSON Schema of the rule files, for editors that complete and check."""
    if out is None:
        print_json(json_schema())
        return
    try:
        out.write_text(json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise WatcherError(f"{out} cannot be written: {error.strerror}") from error
    typer.echo(f"{out} written. In the first line of a rule file beside it, your editor finds it by:", err=True)
    typer.echo(f"# yaml-language-server: $schema={out.name}", err=True)
