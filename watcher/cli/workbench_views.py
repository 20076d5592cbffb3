"""How the workbench shows what it found: as text for people, as plain values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import typer

from watcher.backtest import Past, PastAlert, Period, Quiet, count_alerts, label_of, period_of, start_of
from watcher.cli.common import print_table
from watcher.cli.terminal import harmless, printer
from watcher.diff import Difference
from watcher.history import date_of
from watcher.model import Article
from watcher.nearmiss import NearMiss
from watcher.rules.schema import RuleSet
from watcher.score import Score, Scores, Tally

_MOST_COLUMNS = 8  # rules that a table has room for


def count_of(number: int, noun: str, plural: str = "s") -> str:
    """The number with its noun: 1 alert, 2 alerts."""
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def headline(article: Article) -> str:
    """Date, id and title of an article, harmless for a terminal."""
    return harmless(f"{date_of(article):%Y-%m-%d}  {article.id}  {' '.join(article.title.split())}").rstrip()


def print_past(past: Past, rule_set: RuleSet, totals: Counter[str]) -> None:
    """Nothing; prints what a rule set makes of a history."""
    rows: list[Sequence[object]] = [
        (
            rule.rule,
            rule.status.value,
            past.signals[rule.rule],
            past.events[rule.rule],
            totals[rule.rule],
            sum(alert.is_update for alert in past.alerts if rule.rule in alert.rule_ids),
        )
        for rule in sorted(rule_set.rules, key=lambda rule: (-totals[rule.rule], rule.rule))
    ]
    print_table("Rules", ("rule", "status", "signals", "events", "alerts", "of them updates"), rows)
    waiting: dict[str, list[Quiet]] = {}
    for one in past.waiting:
        waiting.setdefault(one.rule_ids[0], []).append(one)
    out = printer()
    for rule_id, those in sorted(waiting.items()):
        latest = f"the latest: {those[-1].article_id}, {those[-1].reason}"
        out.print(harmless(f"{rule_id}: {count_of(len(those), 'article')} on which it does not speak yet; {latest}"))
    if not past.alerts:
        return
    first, last = past.alerts[0].at.date(), past.alerts[-1].at.date()
    period = period_of(first, last)
    counts = count_alerts(past.alerts, period)
    named = [rule_id for rule_id, _ in totals.most_common(_MOST_COLUMNS)]
    has_others = len(totals) > len(named)
    messages = Counter(start_of(alert.at.date(), period) for alert in past.alerts)
    print_table(
        f"Alerts per {period}",
        (period.value, *named, *(["others"] if has_others else []), "messages"),
        [
            (
                label_of(start, period),
                *(count[rule_id] or "" for rule_id in named),
                *([sum(number for rule_id, number in count.items() if rule_id not in named)] if has_others else []),
                messages[start],
            )
            for start, count in sorted(counts.items())
        ],
    )


def past_to_json(past: Past, rule_set: RuleSet, totals: Counter[str]) -> dict[str, Any]:
    """What a rule set makes of a history, as plain values."""
    return {
        "rules": [
            {
                "rule": rule.rule,
                "status": rule.status.value,
                "signals": past.signals[rule.rule],
                "events": past.events[rule.rule],
                "alerts": totals[rule.rule],
            }
            for rule in rule_set.rules
        ],
        "days": [
            {"day": day.isoformat(), "alerts": dict(sorted(count.items()))}
            for day, count in sorted(count_alerts(past.alerts, Period.DAY).items())
        ],
        "alerts": [_alert_to_json(alert) for alert in past.alerts],
        "waiting": [{"article": one.article_id, "rule": one.rule_ids[0], "reason": one.reason} for one in past.waiting],
    }


def _alert_to_json(alert: PastAlert) -> dict[str, Any]:
    return {
        "at": alert.at.isoformat(),
        "article": alert.article.id,
        "title": alert.article.title,
        "url": alert.article.url,
        "rules": list(alert.rule_ids),
        "status": alert.audience.value,
        "event": alert.event_id,
        "changes": [change.value for change in alert.changes],
        "reason": alert.reason,
    }


def difference_to_json(difference: Difference) -> dict[str, Any]:
    """A gained or lost alert, as plain values."""
    return {
        "side": difference.side.value,
        "rule": difference.rule_id,
        "article": difference.alert.article.id,
        "title": difference.alert.article.title,
        "at": difference.alert.at.isoformat(),
        "url": difference.alert.article.url,
        "why": difference.why,
    }


def print_near_misses(misses: Sequence[NearMiss]) -> None:
    """Nothing; prints near misses in the order given."""
    out = printer()
    for miss in misses:
        out.print(headline(miss.article), style="bold")
        out.print(harmless(f"    {miss.part}: {miss.kind} {', '.join(miss.names)}: {miss.detail}"))
        for nearest in miss.nearest:
            out.print(harmless(f"        {nearest.why}"))
            out.print(harmless(f"        {nearest.text}"), style="dim")


def near_miss_to_json(miss: NearMiss) -> dict[str, Any]:
    """A near miss, as plain values."""
    return {
        "article": miss.article.id,
        "title": miss.article.title,
        "at": date_of(miss.article).isoformat(),
        "url": miss.article.url,
        "rule": miss.rule_id,
        "step": miss.step,
        "kind": miss.kind.value,
        "names": list(miss.names),
        "detail": miss.detail,
        "nearest": [{"text": one.text, "why": one.why} for one in miss.nearest],
    }


def print_scores(scores: Scores) -> None:
    """Nothing; prints scores, mistakes and wrong details."""
    for title, one in (("All records", scores.everything), ("Without ambiguous ones", scores.without_ambiguous)):
        rows: list[Sequence[object]] = [(name, *_tally_cells(tally)) for name, tally in one.families.items()]
        rows.append(("all families", *_tally_cells(one.micro)))
        rows.extend((f"language {name}", *_tally_cells(tally)) for name, tally in one.languages.items())
        columns = ("", "hits", "false alarms", "misses", "precision", "recall", "F1")
        print_table(f"{title}: {one.records}", columns, rows)
        for name, exact in (("parties", one.parties), ("killed", one.killed), ("injured", one.injured)):
            typer.echo(f"{name} exactly right on hits: {exact.right} of {exact.judged}, {_percent(exact.share)}")
        typer.echo()
    for mistake in scores.mistakes:
        kind = "MISS" if mistake.is_miss else "FALSE ALARM"
        unsure = ", ambiguous" if mistake.is_ambiguous else ""
        title = " ".join(mistake.title.split())
        typer.echo(harmless(f"{kind} {mistake.family} {mistake.article_id} ({mistake.language}{unsure}) {title}"))
        typer.echo(harmless(f"    {mistake.reason}"))
    for detail in scores.wrong_details:
        typer.echo(harmless(f"WRONG DETAIL {detail}"))


def _tally_cells(tally: Tally) -> tuple[object, ...]:
    shares = (tally.precision, tally.recall, tally.f1)
    return tally.hits, tally.false_alarms, tally.misses, *("" if one is None else f"{one:.2f}" for one in shares)


def _percent(share: float | None) -> str:
    return "nothing to judge" if share is None else f"{share:.0%}"


def scores_to_json(scores: Scores) -> dict[str, Any]:
    """Scores, as plain values."""
    return {
        "all": _score_to_json(scores.everything),
        "without_ambiguous": _score_to_json(scores.without_ambiguous),
        "mistakes": [
            {
                "article": one.article_id,
                "title": one.title,
                "language": one.language,
                "family": one.family,
                "kind": "miss" if one.is_miss else "false alarm",
                "ambiguous": one.is_ambiguous,
                "reason": one.reason,
            }
            for one in scores.mistakes
        ],
        "wrong_details": list(scores.wrong_details),
        "unusable": [{"line": line, "problem": problem} for line, problem in scores.unusable],
    }


def _score_to_json(score: Score) -> dict[str, Any]:
    return {
        "records": score.records,
        "families": {name: _tally_to_json(tally) for name, tally in score.families.items()},
        "micro": _tally_to_json(score.micro),
        "languages": {name: _tally_to_json(tally) for name, tally in score.languages.items()},
        **{
            name: {"right": one.right, "judged": one.judged, "share": one.share}
            for name, one in (("parties", score.parties), ("killed", score.killed), ("injured", score.injured))
        },
    }


def _tally_to_json(tally: Tally) -> dict[str, Any]:
    return {
        "hits": tally.hits,
        "false_alarms": tally.false_alarms,
        "misses": tally.misses,
        "precision": tally.precision,
        "recall": tally.recall,
        "f1": tally.f1,
    }
