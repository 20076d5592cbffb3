"""Commands that try rules against the past: rules backtest, diff, nearmiss, score."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import PydanticCustomError

from watcher.cli.common import (
    ConfigOption,
    Format,
    FormatOption,
    RulesOption,
    compiled_rules,
    find_rules,
    print_json,
    settings_of,
)
from watcher.cli.terminal import harmless, printer
from watcher.errors import WatcherError
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.rules.schema import Expect, RuleSet
from watcher.rules.values import not_among, parse_duration, parse_moment
from watcher.understand.gazetteer import Gazetteer

if TYPE_CHECKING:
    from watcher.backtest import Past
    from watcher.history import Advance, History

DEFAULT_SINCE = timedelta(days=30)  # of the store; an archive is read as a whole
_MOST_NAMED = 20  # unusable lines that are named one by one
_MOST_DAYS_DRAWN = timedelta(days=400)  # beyond, a day is too thin to be seen

ArchiveArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[ARCHIVE.jsonl]",
        help="Articles as watcher match reads them, also gzip.",
        show_default="what the daemon has stored",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="30d|2026-01-31",
        help="Only articles dated since then.",
        show_default="30d of the store, all of an archive",
    ),
]
JobsOption = Annotated[int, typer.Option(help="Processes; 0: one for each processor.", min=0)]


def register(app: typer.Typer) -> None:
    """Nothing; adds the commands."""
    app.command()(backtest)
    app.command()(diff)
    app.command()(nearmiss)
    app.command()(score)


def backtest(
    archive: ArchiveArgument = None,
    rules: RulesOption = None,
    since: SinceOption = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(help="How many alerts a rule must give, like 'border-clash>=3' or '*<=5'; may be given again."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write what came of --expect as JUnit XML.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png|svg", help="Draw the alerts over time.")] = None,
    jobs: JobsOption = 0,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Count the alerts that the rules would have given in the past. Exit 1 when an expectation is not met."""
    from watcher.backtest import evaluate_history, replay
    from watcher.cli.workbench_views import count_of, past_to_json, print_past
    from watcher.expectations import check_expectations, parse_expectation, to_junit
    from watcher.language import detect_language

    rule_set = _checked(load_rules(find_rules(rules, config)))
    try:
        expectations = [parse_expectation(text) for text in expect or ()]
        check_expectations(expectations, [rule.rule for rule in rule_set.rules], {})
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--expect") from error
    now = datetime.now(UTC)
    start = _start(since, archive, now)
    with _history(archive, config, start, now) as history, _progress(history.size) as advance:
        evaluation = evaluate_history(
            history, [rule_set], detect=detect_language, now=now, since=start, jobs=_jobs(jobs), advance=advance
        )
    past = replay(evaluation.hits, rule_set, watched_since=evaluation.begins_at)
    totals: Counter[str] = Counter(rule_id for alert in past.alerts for rule_id in alert.rule_ids)
    checked = check_expectations(expectations, [rule.rule for rule in rule_set.rules], totals)
    if junit is not None:
        _write(junit, to_junit(checked))
    if plot is not None:
        _plot(past, plot)
    if output is Format.JSON:
        print_json(
            {
                "articles": evaluation.articles,
                "undated": evaluation.undated,
                "unusable": [{"line": line, "problem": problem} for line, problem in evaluation.unusable],
                **past_to_json(past, rule_set, totals),
                "expectations": [
                    {"rule": one.rule_id, "expected": str(one.expectation), "alerts": one.alerts, "met": one.is_met}
                    for one in checked
                ],
            }
        )
    else:
        print_past(past, rule_set, totals)
        undated = f", {evaluation.undated} of them without a date, read as if published now"
        typer.echo(
            f"{count_of(evaluation.articles, 'article')}{undated if evaluation.undated else ''}: "
            f"{count_of(past.signals.total(), 'signal')}, {count_of(past.events.total(), 'event')}, "
            f"{count_of(len(past.alerts), 'alert')}"
        )
        for one in checked:
            typer.echo(f"{'PASS' if one.is_met else 'FAIL'} {one}")
    complete = _complain(history, evaluation.unusable)
    if not complete or not all(one.is_met for one in checked):
        raise typer.Exit(1)


def diff(
    other: Annotated[Path, typer.Argument(metavar="OTHER_RULES", help="A file or folder of rules to compare with.")],
    archive: ArchiveArgument = None,
    rules: RulesOption = None,
    since: SinceOption = None,
    jobs: JobsOption = 0,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Show the alerts that OTHER_RULES would gain and lose. Exit 1 when there are any, as diff does."""
    from watcher.backtest import evaluate_history
    from watcher.cli.workbench_views import count_of, difference_to_json, headline
    from watcher.diff import Side, diff_rule_sets
    from watcher.language import detect_language

    current, others = _checked(load_rules(find_rules(rules, config))), _checked(load_rules([other]))
    now = datetime.now(UTC)
    start = _start(since, archive, now)
    with _history(archive, config, start, now) as history, _progress(history.size) as advance:
        evaluation = evaluate_history(
            history, [current, others], detect=detect_language, now=now, since=start, jobs=_jobs(jobs), advance=advance
        )
    found = diff_rule_sets(evaluation, current, others)
    gained = sum(one.side is Side.GAINED for one in found.differences)
    if output is Format.JSON:
        print_json(
            {
                "articles": evaluation.articles,
                "gained": gained,
                "lost": len(found.differences) - gained,
                "differences": [difference_to_json(one) for one in found.differences],
            }
        )
    else:
        out = printer()
        for one in found.differences:
            sign, style, silent = ("+", "green", "now") if one.side is Side.GAINED else ("-", "red", "there")
            out.print(f"{sign} {one.rule_id}  {headline(one.alert.article)}", style=style)
            out.print(f"    silent {silent}: {harmless(one.why)}")
        out.print(
            f"{count_of(evaluation.articles, 'article')}: {count_of(gained, 'alert')} gained, "
            f"{len(found.differences) - gained} lost"
        )
    complete = _complain(history, evaluation.unusable)
    if found.differences or not complete:
        raise typer.Exit(1)


def nearmiss(
    archive: ArchiveArgument = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    rules: RulesOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(help="How many to print, the latest; 0: all.", min=0)] = 50,
    save_test: Annotated[
        str | None,
        typer.Option(metavar="ARTICLE", help="Add this article to the tests of --rule, in the rule's file."),
    ] = None,
    expect: Annotated[Expect, typer.Option(help="What the saved test expects.")] = Expect.NO_ALERT,
    jobs: JobsOption = 0,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Show articles on which a rule lacks just one thing: which one, and the nearest text."""
    from watcher.cli.workbench_views import count_of, near_miss_to_json, print_near_misses
    from watcher.language import detect_language
    from watcher.nearmiss import find_near_misses

    paths = find_rules(rules, config)
    rule_set = _checked(load_rules(paths))
    if rule is not None and rule not in [one.rule for one in rule_set.rules]:
        raise WatcherError(not_among("rule", rule, [one.rule for one in rule_set.rules]))
    now = datetime.now(UTC)
    start = _start(since, archive, now)
    if save_test is not None:
        if rule is None:
            raise typer.BadParameter("name the rule that gets the test with --rule", param_hint="--save-test")
        with _history(archive, config, start, now) as history:
            _save_test(history, paths, rule_set, rule, save_test, expect)
        return
    with _history(archive, config, start, now) as history, _progress(history.size) as advance:
        misses = find_near_misses(
            history, rule_set, rule, detect=detect_language, now=now, since=start, jobs=_jobs(jobs), advance=advance
        )
    shown = misses.found[-limit:] if limit else misses.found
    if output is Format.JSON:
        print_json(
            {
                "articles": misses.articles,
                "found": len(misses.found),
                "near_misses": [near_miss_to_json(one) for one in shown],
            }
        )
    else:
        print_near_misses(shown)
        hidden = len(misses.found) - len(shown)
        earlier = f"; the latest {len(shown)} are shown, --limit 0 shows all" if hidden else ""
        typer.echo(f"{count_of(misses.articles, 'article')}: {count_of(len(misses.found), 'near miss', 'es')}{earlier}")
        reasons = Counter((one.part, one.kind.value, ", ".join(one.names)) for one in misses.found)
        for (part, kind, names), number in sorted(reasons.items(), key=lambda one: (-one[1], one[0])):
            typer.echo(f"  {number} {part}: {kind} {names}")
    if not _complain(history, misses.unusable):
        raise typer.Exit(1)


def score(
    labelled: Annotated[Path, typer.Argument(metavar="LABELLED.jsonl", help="Labelled articles, also gzip.")],
    rules: RulesOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Measure the rules against labelled articles: precision, recall, F1, every miss and false alarm."""
    from watcher.cli.workbench_views import print_scores, scores_to_json
    from watcher.history import ArchiveHistory
    from watcher.language import detect_language
    from watcher.score import score_records

    _, compiled, _ = compiled_rules(find_rules(rules, config))
    history = ArchiveHistory(labelled)
    scores = score_records(compiled, history.records(), detect=detect_language, now=datetime.now(UTC))
    if output is Format.JSON:
        print_json(scores_to_json(scores))
    else:
        print_scores(scores)
    _complain(history, scores.unusable)


def _checked(rule_set: RuleSet) -> RuleSet:
    """The same rules; raises RuleError here, and not in every worker, where they cannot be compiled."""
    compile_rules(rule_set, Gazetteer.load())
    return rule_set


def _jobs(jobs: int) -> int:
    return jobs or os.cpu_count() or 1


def _start(since: str | None, archive: Path | None, now: datetime) -> datetime | None:
    """The moment that ``--since`` means."""
    if since is None:
        return None if archive is not None else now - DEFAULT_SINCE
    try:
        return parse_moment(since) if since[4:5] == "-" else now - parse_duration(since)
    except (PydanticCustomError, OverflowError) as error:
        raise typer.BadParameter(
            f"expected a duration like 30d or a date like 2026-01-31, found {since}", param_hint="--since"
        ) from error


@contextmanager
def _history(archive: Path | None, config: Path | None, since: datetime | None, now: datetime) -> Iterator[History]:
    from watcher.history import ArchiveHistory, StoredHistory
    from watcher.store import Store

    if archive is not None:
        yield ArchiveHistory(archive)
        return
    with Store.open(settings_of(config).store.path, exclusive=False) as store:
        yield StoredHistory(store, since or now - DEFAULT_SINCE)


@contextmanager
def _progress(size: int) -> Iterator[Advance]:
    """A bar with the rate and the time left, where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda position, articles: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=size, rate="")

        def advance(position: int, articles: int) -> None:
            rate = articles / max(time.monotonic() - began, 0.001)
            progress.update(task, completed=position, rate=f"{articles:,} articles, {rate:,.0f}/s")

        yield advance


def _complain(history: History, unusable: Sequence[tuple[int, str]]) -> bool:
    """Whether all of the history was read; says on standard error what was not."""
    from watcher.cli.workbench_views import count_of

    for line, problem in unusable[:_MOST_NAMED]:
        typer.echo(harmless(f"{history.name}:{line}: {problem}"), err=True)
    if unusable:
        more = f", the first {_MOST_NAMED} are named" if len(unusable) > _MOST_NAMED else ""
        typer.echo(f"{count_of(len(unusable), 'line')} could not be used{more}; all others were", err=True)
    if history.damage is not None:
        typer.echo(history.damage, err=True)
    return not unusable and history.damage is None


def _write(path: Path, body: bytes) -> None:
    try:
        path.write_bytes(body)
    except OSError as error:
        raise WatcherError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def _plot(past: Past, path: Path) -> None:
    from watcher.backtest import Period, count_alerts, label_of, period_of, starts_between
    from watcher.plot import plot_alerts

    today = datetime.now(UTC).date()
    first = past.alerts[0].at.date() if past.alerts else today
    last = past.alerts[-1].at.date() if past.alerts else today
    period = Period.DAY if last - first <= _MOST_DAYS_DRAWN else period_of(first, last)
    counts = count_alerts(past.alerts, period)
    bars = {label_of(start, period): counts.get(start, Counter()) for start in starts_between(first, last, period)}
    plot_alerts(bars, period.value, path)


def _save_test(
    history: History, paths: Sequence[Path], rule_set: RuleSet, rule_id: str, article_id: str, expect: Expect
) -> None:
    from watcher.add_test import add_test, as_test
    from watcher.cleaning import clean_text
    from watcher.explain import explain_article
    from watcher.history import find_article
    from watcher.language import detect_language
    from watcher.rule_tests import run_rule_tests

    article = find_article(history, article_id, detect=detect_language, now=datetime.now(UTC))
    if article is None:
        raise WatcherError(f"there is no article {article_id} in {history.name}")
    explained = explain_article(compile_rules(rule_set, Gazetteer.load()), article, rule_id=rule_id)
    rule = next(rule for rule in rule_set.rules if rule.rule == rule_id)
    if expect is Expect.ALERT and (rule.steps or (rule.count and rule.count.at_least > 1)):
        raise WatcherError(f"no single article makes {rule_id} alert: write a test with stream, of several")
    test = as_test(article, rule, expect, explained[0].missing if explained else ())
    location = add_test(paths, rule_set, rule_id, test)
    typer.echo(f"{location}: added the test “{harmless(test.name)}”, which expects {expect}")
    changed = load_rules(paths)
    outcomes = run_rule_tests(changed, compile_rules(changed, Gazetteer.load()), clean_text)
    for outcome in outcomes:
        if outcome.rule_id == rule_id and outcome.name == test.name:
            typer.echo("it passes" if outcome.passed else f"it fails for now: got {harmless(outcome.got)}")
