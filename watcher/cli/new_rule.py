"""`watcher rules new`: a first rule from the answers to five questions, with tests that hold."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from watcher.cleaning import clean_text
from watcher.cli.answers import ask, ask_deaths, ask_family, ask_sentences, ask_states, ask_words, read_answers
from watcher.cli.common import ConfigOption, RulesOption, find_config, find_rules, settings_of
from watcher.cli.terminal import harmless
from watcher.errors import RuleError, WatcherError
from watcher.explain import RuleExplanation, RuleOutcome, explain_article
from watcher.language import UNKNOWN, detect_language
from watcher.model import Article, Extraction, RuleStatus
from watcher.rule_tests import run_rule_tests
from watcher.rules.compile import compile_rules
from watcher.rules.draft import WORDS, Answers, Heading, looser, rule_id_of, rule_text
from watcher.rules.lint import lint_rules
from watcher.rules.load import load_rules
from watcher.rules.schema import RuleSet
from watcher.rules.values import parse_family, parse_language, parse_rule_id, parse_severity
from watcher.settings import shipped_rules
from watcher.understand.gazetteer import Gazetteer


@dataclass(frozen=True, slots=True)
class Trial:
    """What the rules make of a draft."""

    text: str  # of the rule file
    complaints: tuple[str, ...]  # mistakes and findings in the draft itself
    alert: RuleExplanation | None  # of the sentence that must alert; None: the draft does not load
    no_alert: RuleExplanation | None
    failed: tuple[str, ...] = ()  # what came instead of what a test expects, for each that fails

    @property
    def is_right(self) -> bool:
        return not self.complaints and not self.failed

    @property
    def fails(self) -> tuple[str, ...]:
        """What is wrong with the two tests, in words."""
        wrong: list[str] = []
        if self.alert is not None and self.alert.signal is None:
            wrong.append(f"The sentence that must alert does not: {self.alert.reason}.")
            wrong += _what_was_found(self.alert)
        if self.no_alert is not None and self.no_alert.signal is not None:
            wrong.append("The sentence that must not alert does, because of:")
            wrong += [f"  {match.clue}: “{match.text}”" for match in self.no_alert.signal.matches]
        return tuple(wrong) or self.failed


def new(
    answers: Annotated[
        Path | None, typer.Option("--answers", help="Take the answers from this file instead of asking; - is stdin.")
    ] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="The rule's id.", show_default="made of the title")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write.", show_default="the id, in your folder of rules"),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Two letters.", show_default="that of the sentences")
    ] = None,
    family: Annotated[
        str | None,
        typer.Option("--family", help="The kind of signal, by which people subscribe.", show_default="what you answer"),
    ] = None,
    severity: Annotated[str, typer.Option("--severity", help="watch, warning or critical.")] = "warning",
    draft: Annotated[bool, typer.Option("--draft", help="With --answers: save as a draft if a test fails.")] = False,
    rules: RulesOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a first rule from the answers to five questions, with its tests. Never overwrites a file."""
    _check("--severity", parse_severity, severity)
    for option, parse, value in (
        ("--rule", parse_rule_id, rule),
        ("--language", parse_language, language),
        ("--family", parse_family, family),
    ):
        if value is not None:
            _check(option, parse, value)
    desk = _Desk(rules, config, rule, out, language, severity)
    if answers is not None:
        given = read_answers(answers)
        _from_file(desk, replace(given, family=family or given.family), draft=draft)
    else:
        _interview(desk, family)


def _check(option: str, parse: Callable[[object], object], value: str) -> None:
    try:
        parse(value)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


class _Desk:
    """Where the new rule goes, and what it is tried with."""

    def __init__(
        self,
        rules: list[Path] | None,
        config: Path | None,
        rule_id: str | None,
        out: Path | None,
        language: str | None,
        severity: str,
    ) -> None:
        self._rule_id, self._out, self._language = rule_id, out, language
        self._severity = severity
        self._gazetteer = Gazetteer.load()
        self._others = find_rules(rules, config)
        try:
            self._taken = {one.rule for one in load_rules(self._others).rules}
        except RuleError:  # its mistakes are no concern of the new rule; `rules check` tells them
            self._others, self._taken = (), set()
        self.folder = out.parent if out else _folder(self._others)
        self.is_configured = find_config(config) is not None
        self.is_read_by_daemon = not self.is_configured or any(
            self.folder.resolve().is_relative_to(path.resolve()) for path in settings_of(config).rules.paths
        )
        if rule_id is not None and rule_id in self._taken:
            raise WatcherError(f"there is a rule {rule_id} already; choose another id")
        if out is not None and out.exists():
            raise WatcherError(f"{out} is there already, and nothing is overwritten")

    def heading(self, answers: Answers, status: RuleStatus = RuleStatus.TEST) -> Heading:
        """What the rule gets beside the answers."""
        taken = self._taken | {path.stem for path in self.folder.glob("*.yaml")}
        found = detect_language(f"{answers.alert} {answers.no_alert}")
        return Heading(
            rule_id=self._rule_id or rule_id_of(answers.title, taken),
            language=self._language or ("en" if found == UNKNOWN else found),
            severity=self._severity,
            status=status,
            reviewed=datetime.now(UTC).date(),
        )

    def try_out(self, answers: Answers, status: RuleStatus = RuleStatus.TEST) -> Trial:
        """What the evaluator of the daemon makes of the answers."""
        heading = self.heading(answers, status)
        text = rule_text(answers, heading)
        # The other files are only needed for the lists that they define.
        others = self._others if any("$" in phrase for phrase in answers.words) else ()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{heading.rule_id}.yaml"
            path.write_text(text, encoding="utf-8")
            try:
                rule_set = _alone(load_rules([*others, path]), heading.rule_id)
                compiled = compile_rules(rule_set, self._gazetteer)
            except RuleError as error:
                return Trial(text, tuple(dict.fromkeys(one.message for one in error.problems)), None, None)
            findings = [
                finding
                for finding in lint_rules(rule_set, heading.reviewed)
                if Path(finding.location.path) == path and status is not RuleStatus.DRAFT
            ]
            alert, no_alert = (
                explain_article(compiled, _article(sentence, heading), None, heading.rule_id)[0]
                for sentence in (answers.alert, answers.no_alert)
            )
            if no_alert.outcome is RuleOutcome.NO_MATCH and no_alert.missing:
                text = rule_text(answers, heading, no_alert.missing)
                path.write_text(text, encoding="utf-8")
                rule_set = _alone(load_rules([*others, path]), heading.rule_id)
            outcomes = run_rule_tests(rule_set, compiled, clean_text)
        return Trial(
            text,
            complaints=tuple(finding.message for finding in findings),
            alert=alert,
            no_alert=no_alert,
            failed=tuple(f"{one.name}: {one.got}" for one in outcomes if not one.passed),
        )

    def wider(self, answers: Answers) -> Answers | None:
        """The answers with their words read more widely, where that makes the sentence alert; None: no use."""
        for one in looser(answers, self.heading(answers).language):
            if self.try_out(one).is_right:
                return one
        return None

    def save(self, answers: Answers, status: RuleStatus) -> None:
        """Nothing; writes the rule and says what comes next."""
        trial, heading = self.try_out(answers, status), self.heading(answers, status)
        path = self._out or self.folder / f"{heading.rule_id}.yaml"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(trial.text)
        except FileExistsError:
            raise WatcherError(f"{path} is there already, and nothing is overwritten") from None
        except OSError as error:
            raise WatcherError(f"{path} cannot be written: {error.strerror}") from error
        typer.echo(f"{path} written: rule {heading.rule_id}, status {heading.status.value}.")
        if status is RuleStatus.DRAFT:
            typer.echo("A draft is recorded and never sent. Mend what is said above, then change its status to test.")
        else:
            typer.echo("Both tests hold. It is sent to test recipients only, until you change its status to stable.")
        if not self.is_read_by_daemon:
            typer.echo(f'The daemon does not read this folder: add "{self.folder}" to paths under [rules].')
        named = f" --rules {self.folder}" if not self.is_configured and self.folder != Path("rules") else ""
        typer.echo("Next:")
        typer.echo(f"  watcher rules check{named}")
        typer.echo(f"  watcher rules test{named} --rule {heading.rule_id}")
        typer.echo(f"  watcher rules explain ARTICLE{named} --rule {heading.rule_id}")


def _alone(rule_set: RuleSet, rule_id: str) -> RuleSet:
    """The one rule with all lists."""
    return replace(rule_set, rules=tuple(rule for rule in rule_set.rules if rule.rule == rule_id))


def _folder(paths: Sequence[Path]) -> Path:
    """Where rules of one's own go: the first folder of rules that is not the one that comes with watcher."""
    shipped = shipped_rules().resolve()
    return next((path for path in paths if path.is_dir() and path.resolve() != shipped), Path("rules"))


def _article(text: str, heading: Heading) -> Article:
    """The sentence as `watcher rules test` reads it, on the day of the rule's review."""
    day = datetime.combine(heading.reviewed, time(12), UTC)
    return Article(
        id="sentence",
        source_id="test",
        url=None,
        title="",
        text=text,
        language=heading.language,
        extraction=Extraction.FULL,
        published_at=day,
        first_seen_at=day,
    )


def _what_was_found(explanation: RuleExplanation) -> Iterator[str]:
    """For each clue that is missing, what was found of it and why it does not count."""
    for node in explanation.nodes:
        name = node.label.removeprefix("clue ")
        if node.passed or name not in explanation.missing:
            continue
        rejected = [child for child in node.children if child.match is not None and child.rejected]
        for child in rejected:
            match = child.match
            cue = f" (“{match.cue.text}”)" if match and match.cue else ""
            yield f"  {name}: “{match.text if match else ''}” does not count: {child.rejected}{cue}"
        if not rejected:
            yield f"  {name}: nothing of it is in the sentence" if name == WORDS else f"  {name}: {node.detail}"


def _from_file(desk: _Desk, answers: Answers, *, draft: bool) -> None:
    trial = desk.try_out(answers)
    if trial.is_right:
        desk.save(answers, RuleStatus.TEST)
        return
    _print_trouble(trial)
    wider = desk.wider(answers)
    if wider is not None:
        typer.echo(f"These words would do: {'; '.join(wider.words)}")
    if draft and trial.alert is not None:
        desk.save(answers, RuleStatus.DRAFT)
    else:
        typer.echo("Nothing was saved." + (" --draft saves it all the same." if trial.alert is not None else ""))
    raise typer.Exit(1)


def _print_trouble(trial: Trial) -> None:
    for line in (*trial.complaints, *trial.fails):
        typer.echo(harmless(line))


def _interview(desk: _Desk, family: str | None) -> None:
    with contextlib.suppress(ImportError):  # lets people move within the line that they type
        import readline  # noqa: F401
    typer.echo("A new rule in five questions. Ctrl-C ends without saving anything.")
    title = ask("\n1. What is it about? It will head the alert, like: An ambassador is recalled")
    family = family or ask_family()
    words = ask_words()
    states, deaths = ask_states(), ask_deaths()
    alert, no_alert = ask_sentences()
    answers = Answers(title, words, states, deaths, alert, no_alert, family)
    while True:
        typer.echo("")
        trial = desk.try_out(answers)
        if trial.is_right:
            desk.save(answers, RuleStatus.TEST)
            return
        _print_trouble(trial)
        wider = desk.wider(answers)
        if wider is not None:
            typer.echo("With these words it would: " + "; ".join(wider.words))
            if typer.confirm("Take them?", default=True):
                answers = wider
                continue
        answers = _mend(desk, answers, trial)


def _mend(desk: _Desk, answers: Answers, trial: Trial) -> Answers:
    """The answers after one of them was given anew; saves a draft and ends where that is wished."""
    loads = trial.alert is not None
    choices = "words (w), states and deaths (n), sentences (s)" + (", save as a draft (d)" if loads else "")
    while True:
        choice = ask(f"\nWhat do you want to change? {choices}, give up (q)").lower()[:1]
        if choice == "w":
            return replace(answers, words=ask_words())
        if choice == "n":
            return replace(answers, states=ask_states(), deaths=ask_deaths())
        if choice == "s":
            alert, no_alert = ask_sentences()
            return replace(answers, alert=alert, no_alert=no_alert)
        if choice == "d" and loads:
            desk.save(answers, RuleStatus.DRAFT)
            raise typer.Exit(1)
        if choice == "q":
            typer.echo("Nothing was saved.")
            raise typer.Exit(1)
