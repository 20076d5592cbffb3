"""Articles as JSON Lines in, signals as JSON Lines out, without a daemon or a store: what `watcher match` does."""

from __future__ import annotations

import json
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from watcher.match import match_article
from watcher.model import Article, Extraction, Match, Signal, Toll
from watcher.rules.compile import UNKNOWN_LANGUAGE, compile_rules
from watcher.rules.schema import RuleSet
from watcher.understand.gazetteer import Gazetteer

_BATCH_LINES = 32  # per task of a worker: large enough that sending it costs little, small enough to keep all busy
_BATCHES_AHEAD = 4  # per worker, so that memory stays bounded however fast the lines come

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
    evaluator = _Evaluator(rule_set, detect, now)
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    if jobs < 2:
        return (evaluator.evaluate(number, line) for number, line in numbered)
    return _match_in_processes(numbered, (rule_set, detect, now), jobs)


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
    """The output record of a signal; offsets count code points of the field as given."""
    return {
        "article": signal.article_id,
        "rule": signal.rule_id,
        "family": signal.family,
        "severity": signal.severity.label,
        "states": list(signal.states),
        "killed": _toll_to_json(signal.killed),
        "injured": _toll_to_json(signal.injured),
        "matches": [_match_to_json(match) for match in signal.matches],
    }


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
    try:
        moment = datetime.fromisoformat(value.strip())
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


class _Evaluator:
    """Lines to results, with rules compiled once."""

    def __init__(self, rule_set: RuleSet, detect: Detect, now: datetime) -> None:
        self._rules = compile_rules(rule_set, Gazetteer.load())
        self._detect = detect
        self._now = now

    def evaluate(self, number: int, line: str) -> LineResult:
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            return LineResult(number, problem=f"not JSON: {error.msg} at column {error.colno}")
        except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
            return LineResult(number, problem="not JSON that can be read")
        if not isinstance(record, dict):
            return LineResult(number, problem=f"expected an object with id, title and text, found {_describe(record)}")
        try:
            article = article_from_json(record, detect=self._detect, now=self._now)
        except ValueError as error:
            return LineResult(number, problem=str(error))
        signals = match_article(self._rules, article).signals
        return LineResult(number, tuple(signal_to_json(signal) for signal in signals))


_worker: list[_Evaluator] = []  # of a worker process, kept between batches: automata cannot be sent to it


def _start_worker(rule_set: RuleSet, detect: Detect, now: datetime) -> None:
    _worker.append(_Evaluator(rule_set, detect, now))


def _match_batch(batch: list[tuple[int, str]]) -> list[LineResult]:
    return [_worker[0].evaluate(number, line) for number, line in batch]


def _match_in_processes(
    numbered: Iterator[tuple[int, str]], start: tuple[RuleSet, Detect, datetime], jobs: int
) -> Iterator[LineResult]:
    # Fresh processes: a forked copy of a process with threads can hang in a lock that nobody holds any more.
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[list[LineResult]]] = deque()
    with ProcessPoolExecutor(jobs, context, _start_worker, start) as pool:
        try:
            while batch := list(islice(numbered, _BATCH_LINES)):
                waiting.append(pool.submit(_match_batch, batch))
                if len(waiting) >= jobs * _BATCHES_AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
