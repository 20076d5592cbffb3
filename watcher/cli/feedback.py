"""`watcher rules stats`: how rules do by what people said of their alerts, pressing Useful or False alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from typing import Annotated, Any

import typer

from watcher.cli.common import ConfigOption, Format, FormatOption, print_json, print_table, settings_of
from watcher.cli.events import typed
from watcher.settings.values import parse_duration
from watcher.store import Store
from watcher.store.feedback import RuleFeedback

_Z = 1.959964  # of the normal distribution: between -z and z lie 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a small number, and between which two it may well be in the long run."""

    part: float
    low: float
    high: float


def wilson_share(yes: int, number: int) -> Share | None:
    """What part yes is of the number, with its 95 % interval; None where there is nothing to divide.

    The score interval of E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal
    of the American Statistical Association 22 (1927), 209-212: honest for few verdicts, never outside 0 to 1.
    """
    if not number:
        return None
    part, square = yes / number, _Z * _Z
    middle = (part + square / (2 * number)) / (1 + square / number)
    half = _Z * sqrt(part * (1 - part) / number + square / (4 * number * number)) / (1 + square / number)
    return Share(part, max(0.0, middle - half), min(1.0, middle + half))


def stats(
    since: Annotated[str | None, typer.Option(help="Alerts not older than this, like 30d.")] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """How each rule does: its alerts, how many people found useful or false, what part that is, when it spoke last."""
    at = None if since is None else datetime.now(UTC) - typed(parse_duration, since, "--since")
    with Store.open(settings_of(config).store.path, exclusive=False) as store:
        found = store.feedback.by_rule(at)
    if output is Format.JSON:
        print_json([_to_json(one) for one in found])
        return
    print_table(
        "",
        ("rule", "alerts", "useful", "false alarm", "disputed", "precision", "95 % between", "last alert (UTC)"),
        [
            (
                one.rule_id,
                one.alerts,
                one.useful,
                one.false_alarms,
                one.disputed,
                f"{share.part:.0%}" if share else "",
                f"{share.low:.0%} and {share.high:.0%}" if share else "not judged yet",
                f"{one.last_alert_at:%Y-%m-%d %H:%M}",
            )
            for one in found
            for share in [_precision(one)]
        ],
    )


def _precision(one: RuleFeedback) -> Share | None:
    return wilson_share(one.useful, one.useful + one.false_alarms)


def _to_json(one: RuleFeedback) -> dict[str, Any]:
    share = _precision(one)
    return {
        "rule": one.rule_id,
        "alerts": one.alerts,
        "useful": one.useful,
        "false_alarms": one.false_alarms,
        "disputed": one.disputed,
        "precision": share and round(share.part, 4),
        "precision_low": share and round(share.low, 4),
        "precision_high": share and round(share.high, 4),
        "last_alert": one.last_alert_at.isoformat(),
    }
