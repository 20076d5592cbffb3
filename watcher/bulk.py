"""Articles as JSON Lines in, signals as JSON Lines out, without a daemon or a store: what `watcher match` does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from watcher.dedup import text_to_compare
from watcher.match import match_article
from watcher.model import Article, Extraction, Match, Signal, Toll
from watcher.parallel import BATCH_ITEMS, map_batches
from watcher.rules.compile import UNKNOWN_LANGUAGE, compile_rules, over_time_of
from watcher.rules.schema import RuleSet
from watcher.sequence import RuleMemory, one_for_each_rule
from watcher.text.shingles import shingles
from watcher.understand.gazetteer import Gazetteer

# Archives often know only the year, or the month. The middle is nobody's anniversary: neither the year before nor the
# one after lies within the month in which a date still counts as news.
_YEAR = re.compile(r"[0-9]{4}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")

Detect = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class LineResult:
    """What came of one line."""

    line: int  # counts from 1
    signals: tuple[dict[str, Any], ...] = ()
    problem: str | None = None  # why the line was not usable


def match_lines(
    rule_set: RuleSet, lines: Iterable[str], *, detect: Detect, now: datetime, jobs: int = 1
) -> Iterator[LineResult]:
    """One result for each line that is not blank, in order, while lines are still being read.

    ``detect`` tells the language of articles that do not say it; with ``jobs`` over 1 it must be a module's function.
    ``now`` is when undated articles are taken to be first seen. Raises `RuleError` before the first line where the
    rules cannot be compiled.
    """
    over_time = over_time_of(rule_set)
    if jobs > 1:
        compile_rules(rule_set, Gazetteer.load())
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    # Line by line where there is one process: who types articles sees their signals at once.
    batches = map_batches(
        _start_evaluator, (rule_set, detect, now), numbered, jobs=jobs, batch_items=BATCH_ITEMS if jobs > 1 else 1
    )
    evaluated = chain.from_iterable(batches)
    return _complete(evaluated, RuleMemory(over_time)) if over_time else (one.result for one in evaluated)


def _complete(evaluated: Iterable[_Evaluated], memory: RuleMemory) -> Iterator[LineResult]:
    """The results with what rules over several articles say, whose past is the input so far."""
    for one in evaluated:
        if one.article is None:
            yield one.result
            continue
        whole = one_for_each_rule(memory.judge(one.article, one.partial, one.hashes))
        by_rule = [*one.result.signals, *(signal_to_json(signal) for signal in whole)]
        yield replace(one.result, signals=tuple(sorted(by_rule, key=lambda signal: signal["rule"])))


def article_from_line(line: str, *, detect: Detect, now: datetime) -> Article:
    """The article of one line of JSON, as `article_from_json` reads it; raises `ValueError` naming what is wrong."""
    return article_from_json(record_from_line(line), detect=detect, now=now)


def record_from_line(line: str) -> dict[str, Any]:
    """The object of one line of JSON; raises `ValueError` naming what is wrong."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        raise ValueError("not JSON that can be read") from None
    if not isinstance(record, dict):
        raise ValueError(f"expected an object with id, title and text, found {_describe(record)}")
    return record


def article_from_json(record: Mapping[str, Any], *, detect: Detect, now: datetime) -> Article:
    """The article that an input record describes; raises `ValueError` naming what is wrong with it.

    Keys: id, title and text; url, published (ISO 8601), lang and source are optional, others are ignored. ``now`` is
    when an undated article is taken to be first seen.
    """
    title, text = _text(record, "title"), _text(record, "text")
    if not title.strip() and not text.strip():
        raise ValueError("title and text are empty: expected at least one of them")
    published_at = _moment(record.get("published"))
    language = (_text(record, "lang") or detect(f"{title}\n\n{text}") or UNKNOWN_LANGUAGE).lower()
    return Article(
        id=_id(record),
        source_id=_text(record, "source"),
        url=_text(record, "url") or None,
        title=title,
        text=text,
        language=language.replace("_", "-").partition("-")[0],
        extraction=Extraction.FULL if text.strip() else Extraction.TITLE,
        published_at=published_at,
        first_seen_at=published_at or now,
    )


def signal_to_json(signal: Signal) -> dict[str, Any]:
    """The output record of a signal; offsets count code points of the field as given.

    A signal of several articles is one of the last to come, and names the others as ``earlier``, by date.
    """
    record: dict[str, Any] = {
        "article": signal.article_id,
        "rule": signal.rule_id,
        "family": signal.family,
        "severity": signal.severity.label,
        "states": list(signal.states),
        "killed": _toll_to_json(signal.killed),
        "injured": _toll_to_json(signal.injured),
        "matches": [_match_to_json(match) for match in signal.matches],
    }
    if signal.earlier:
        record["earlier"] = [report.article_id for report in signal.earlier]
    return record


def _match_to_json(match: Match) -> dict[str, Any]:
    record: dict[str, Any] = {
        "clue": match.clue,
        "text": match.text,
        "start": match.span.start,
        "end": match.span.end,
        "field": str(match.span.field),
        "stance": None if match.stance is None else str(match.stance),
    }
    if match.cue is not None:
        record["cue"] = match.cue.text
    return record


def _toll_to_json(toll: Toll | None) -> dict[str, Any] | None:
    if toll is None:
        return None
    record: dict[str, Any] = {"at_least": toll.at_least, "vague": toll.vague}
    if toll.at_most is not None:
        record["at_most"] = toll.at_most
    return record


def _id(record: Mapping[str, Any]) -> str:
    value = record.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ValueError(f"id: expected a text, found {_describe(value)}")
    return value


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{key}: expected a text, found {_describe(value)}")
    return value


def _moment(value: object) -> datetime | None:
    if value is None or value == "":
        return None
    expected = f"published: expected a date and time like 2022-09-14T14:39:00Z, found {_describe(value)}"
    if not isinstance(value, str):
        raise ValueError(expected)
    text = value.strip()
    if _YEAR.fullmatch(text):
        text += "-07-01"
    elif _MONTH.fullmatch(text):
        text += "-15"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(expected) from None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(expected) from None


def _describe(value: object) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """What came of one line by itself, small enough to be sent between processes."""

    result: LineResult
    article: Article | None = None  # without its text; None: no rule speaks over several articles
    partial: tuple[Signal, ...] = ()
    hashes: frozenset[int] = frozenset()  # shingles of its text, where there are partial signals


class _Evaluator:
    """Lines to results, with rules compiled once."""

    def __init__(self, rule_set: RuleSet, detect: Detect, now: datetime) -> None:
        self._rules = compile_rules(rule_set, Gazetteer.load())
        self._detect = detect
        self._now = now

    def evaluate(self, batch: list[tuple[int, str]]) -> list[_Evaluated]:
        return [self._evaluate(number, line) for number, line in batch]

    def _evaluate(self, number: int, line: str) -> _Evaluated:
        try:
            article = article_from_line(line, detect=self._detect, now=self._now)
        except ValueError as error:
            return _Evaluated(LineResult(number, problem=str(error)))
        found = match_article(self._rules, article)
        result = LineResult(number, tuple(signal_to_json(signal) for signal in found.signals))
        if not self._rules.over_time:
            return _Evaluated(result)
        hashes = shingles(text_to_compare(article)) if found.partial else frozenset()
        return _Evaluated(result, replace(article, text=""), found.partial, hashes)


def _start_evaluator(start: tuple[RuleSet, Detect, datetime]) -> Callable[[list[tuple[int, str]]], list[_Evaluated]]:
    return _Evaluator(*start).evaluate
