"""`watcher rules explain`: why each rule spoke or stayed silent on an article, and what would come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from watcher.bot.choosing import rule_families
from watcher.cli.common import ConfigOption, RulesOption, find_config, find_rules, settings_of
from watcher.cli.terminal import harmless, printer, verdict_style
from watcher.consequences import (
    Consequence,
    consequence_to_json,
    foresee,
    render_consequence,
    status_in_words,
)
from watcher.dedup import text_to_compare
from watcher.errors import WatcherError
from watcher.explain import (
    RuleExplanation,
    RuleOutcome,
    came_near,
    explain_article,
    explanation_to_json,
    render_explanation,
)
from watcher.likeness import Likeness
from watcher.match import MatchResult, match_article
from watcher.model import Article, Event, Recipient, RuleStatus
from watcher.mutes import NOTHING, Silences
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.rules.schema import RuleSet
from watcher.rules.values import not_among, parse_moment
from watcher.sequence import Judged, one_for_each_rule
from watcher.subscriptions import Subscription, SubscriptionStatus, with_subscriptions
from watcher.text.shingles import sample, shingles
from watcher.understand.gazetteer import Gazetteer

_MOST_NAME_CHARS = 80  # of an article, in the first line; a longer one would push the rest off the screen
_VERDICT = re.compile(r"(\s*)(PASS|FAIL|YES|NO|AFTERWARDS)\b(.*)", re.DOTALL)
_ORDER = (RuleOutcome.SIGNAL, RuleOutcome.WAITING, RuleOutcome.SUPPRESSED, RuleOutcome.NO_MATCH, RuleOutcome.SKIPPED)


class ExplainFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything that is known about an article; what each format prints."""

    article: Article
    as_of: datetime  # the present that it was judged by
    explanations: tuple[RuleExplanation, ...]  # those that fired first
    consequences: dict[str, Consequence]  # of those that fired, by rule id
    statuses: dict[str, RuleStatus]
    has_configuration: bool  # without one nobody knows the recipients and the open events


def explain(
    article: Annotated[str, typer.Argument(help="A file, a web address, the id of a stored article, or - .")],
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    rules: RulesOption = None,
    config: ConfigOption = None,
    now: Annotated[
        str | None,
        typer.Option("--now", help="Judge as of this moment, like 2026-11-20.", show_default="the article's own date"),
    ] = None,
    output: Annotated[
        ExplainFormat, typer.Option("--format", help="text for people, json for programs, html for a browser.")
    ] = ExplainFormat.TEXT,
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the terminal.")] = None,
) -> None:
    """Show clue by clue why each rule fired on an article or stayed silent, and who would hear of it."""
    from watcher.cli.one_article import read_article

    rule_set = load_rules(find_rules(rules, config))
    if rule is not None and rule not in {one.rule for one in rule_set.rules}:
        raise WatcherError(not_among("rule", rule, [one.rule for one in rule_set.rules]))
    found = _explain(rule_set, read_article(article, config), rule, config, _moment(now))
    if output is ExplainFormat.TEXT and out is None:
        console = printer()
        for line in _lines(found, is_whole=rule is not None):
            console.print(styled_line(line))
        return
    text = _document(found, output, is_whole=rule is not None)
    if out is None:
        typer.echo(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise WatcherError(f"{out} cannot be written: {error.strerror}") from error
    typer.echo(f"{out} written", err=True)


def _document(found: Explained, output: ExplainFormat, *, is_whole: bool) -> str:
    if output is ExplainFormat.TEXT:
        return harmless("\n".join(_lines(found, is_whole=is_whole)))
    if output is ExplainFormat.JSON:
        # Half a surrogate pair, which JSON can carry and UTF-8 cannot, would break the output.
        return re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(_to_json(found), ensure_ascii=False, indent=2))
    from watcher.explain_page import render_page

    return render_page(
        found.article,
        found.explanations,
        found.consequences,
        found.statuses,
        found.as_of,
        has_configuration=found.has_configuration,
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--now") from error


def _explain(
    rule_set: RuleSet, article: Article, rule: str | None, config: Path | None, now: datetime | None
) -> Explained:
    gazetteer = Gazetteer.load()
    compiled = compile_rules(_switched_on(rule_set, rule), gazetteer)
    as_of = now or article.published_at or article.first_seen_at
    if article.published_at is None:
        article = replace(article, first_seen_at=as_of)  # read at the present that is asked about
    settings = settings_of(config) if find_config(config) is not None else None
    recipients: tuple[Recipient, ...] = settings.to_recipients() if settings else ()
    inhibits = settings.to_inhibits() if settings else ()
    book = RuleBook.of(rule_set, compiled, gazetteer.names(), recipients, inhibits)
    if settings is not None:
        everybody = with_subscriptions(recipients, _subscriptions(settings.store.path), rule_families(book))
        book = replace(book, recipients=everybody)
    result = match_article(compiled, article, as_of)
    known = _Known() if settings is None else _look_up(settings.store.path, book, article, result, as_of)
    signals = (*result.signals, *one_for_each_rule(known.judged))
    explanations = explain_article(compiled, article, as_of, rule, known.judged, Likeness(compiled))
    return Explained(
        article=article,
        as_of=as_of,
        explanations=tuple(sorted(explanations, key=lambda one: _ORDER.index(one.outcome))),
        # From all its signals, because what one rule opens another joins.
        consequences=dict(
            foresee(
                book,
                article,
                signals,
                known.open_events,
                known.same_text,
                as_of,
                known.closed,
                known.silences,
            )
        ),
        statuses=dict(book.statuses),
        has_configuration=settings is not None,
    )


def _subscriptions(path: Path) -> tuple[Subscription, ...]:
    from watcher.store import Store

    if not path.is_file():
        return ()
    with Store.open(path, exclusive=False) as store:
        return store.subscriptions.all(SubscriptionStatus.ACTIVE)


def _switched_on(rule_set: RuleSet, rule: str | None) -> RuleSet:
    """The rules, with the one that is asked for evaluated even if it is off."""
    return replace(
        rule_set,
        rules=tuple(
            one.model_copy(update={"status": RuleStatus.DRAFT})
            if one.rule == rule and one.status is RuleStatus.OFF
            else one
            for one in rule_set.rules
        ),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows that matters to an article; nothing where there is none."""

    open_events: tuple[Event, ...] = ()
    same_text: frozenset[str] = frozenset()  # ids of the articles that it repeats
    closed: Mapping[str, str] = field(default_factory=dict)  # recipients who cannot be reached, with the reason
    silences: Silences = NOTHING  # the mutes in force
    judged: tuple[Judged, ...] = ()  # what came of its signals of rules that speak over several articles


def _look_up(path: Path, book: RuleBook, article: Article, result: MatchResult, as_of: datetime) -> _Known:
    """What the store knows, asked for as the daemon asks; the store is only read."""
    from watcher.recording import find_same_text, judge_partial, may_be_copied, meant_events, past_of_rules
    from watcher.store import Store

    if not path.is_file():
        return _Known()
    hashes = shingles(text_to_compare(article))
    targets = {recipient.id: recipient.target for recipient in book.recipients}
    with Store.open(path, exclusive=False) as store:
        past = past_of_rules(store, book.over_time, article, result.partial)
        same_text = find_same_text(
            store,
            article.id,
            hashes,
            sample(text_to_compare(article)),
            as_of,
            also=may_be_copied(book.over_time, article, past),
        )
        return _Known(
            open_events=meant_events(
                store, book.event_policies, article, (*result.signals, *result.partial), same_text
            ).events,
            same_text=same_text,
            closed={
                one.recipient_id: one.reason
                for one in store.outbox.closed_recipients()
                if targets.get(one.recipient_id) == one.target
            },
            silences=Silences(store.mutes.in_force(as_of)),
            judged=judge_partial(store, book.over_time, article, result.partial, past, same_text),
        )


def _lines(found: Explained, *, is_whole: bool) -> Iterator[str]:
    article = found.article
    date = f"published {article.published_at:%Y-%m-%d %H:%M} UTC" if article.published_at else "without a date"
    name = article.title or article.text
    title = f"“{name[:_MOST_NAME_CHARS].strip()}{'…' if len(name) > _MOST_NAME_CHARS else ''}”"
    as_of = f"judged as of {found.as_of:%Y-%m-%d %H:%M} UTC"
    yield " ".join(f"{title}, language {article.language}, {date}; {as_of}".split())
    was_near = True
    for one in found.explanations:
        is_near = is_whole or came_near(one)
        if is_near or was_near:
            yield ""
        was_near = is_near
        lines = render_explanation(one)
        # Of the rules that nobody asked for by name, only those that came near are worth a tree.
        yield from lines if is_near else lines[:1]
        yield from _consequence_lines(found, one.rule_id)
        status = found.statuses[one.rule_id]
        if one.rule_id not in found.consequences and status is not RuleStatus.STABLE:
            yield f"  status: {status_in_words(status)}"
    if not was_near:
        yield ""
        yield "--rule ID shows one of these in full; --format html --out FILE draws a page."


def _consequence_lines(found: Explained, rule_id: str) -> Iterator[str]:
    consequence = found.consequences.get(rule_id)
    if consequence is not None:
        yield from render_consequence(consequence, has_configuration=found.has_configuration)


def styled_line(line: str) -> Text:
    """A line of an explanation, its verdict coloured; a heading bold."""
    line = harmless(line)
    verdict = _VERDICT.fullmatch(line)
    if verdict is None:
        return Text(line, style="" if line.startswith(" ") else "bold")
    indent, word, rest = verdict.groups()
    style = "bold" if word == "AFTERWARDS" else verdict_style(word in ("PASS", "YES"))
    return Text.assemble(indent, (word, style), rest)


def _to_json(found: Explained) -> dict[str, Any]:
    article = found.article
    rules = []
    for one in found.explanations:
        consequence = found.consequences.get(one.rule_id)
        afterwards = consequence and consequence_to_json(consequence, has_configuration=found.has_configuration)
        rules.append(
            {**explanation_to_json(one), "status": found.statuses[one.rule_id].value, "afterwards": afterwards}
        )
    return {
        "article": {
            "id": article.id,
            "title": article.title,
            "language": article.language,
            "published": article.published_at and article.published_at.isoformat(),
        },
        "as_of": found.as_of.isoformat(),
        "rules": rules,
    }
