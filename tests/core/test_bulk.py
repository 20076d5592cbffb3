"""JSON Lines in, JSON Lines out."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from tests.builders import NOW
from tests.core.rule_files import load
from watcher.bulk import article_from_json, match_lines
from watcher.model import Extraction

RULES = load(
    """\
    rule: border-clash
    family: clash
    severity: critical
    look_for:
      act: {phrases: [shell~ ..3 village*], accept: [happened, planned]}
      pair: {states: {at_least: 2}}
      deaths: {killed: {at_least: 1}}
    """
)
CLASH = "Azerbaijan will shell a village of Armenia. Dozens of soldiers were killed."


def english(text: str) -> str:
    return "en"


def line(number: int = 1, text: str = CLASH, **values: object) -> str:
    return json.dumps({"id": f"a-{number}", "title": "", "text": text, **values}, ensure_ascii=False)


def results(*lines: str, jobs: int = 1) -> list[tuple[int, int, str | None]]:
    found = match_lines(RULES, lines, detect=english, now=NOW, jobs=jobs)
    return [(one.line, len(one.signals), one.problem) for one in found]


def test_a_signal_is_one_record() -> None:
    [result] = match_lines(RULES, [line(lang="en")], detect=english, now=NOW)
    assert result.signals == (
        {
            "article": "a-1",
            "rule": "border-clash",
            "family": "clash",
            "severity": "critical",
            "states": ["AM", "AZ"],
            "killed": {"at_least": 12, "vague": True},
            "injured": None,
            "matches": [
                {"clue": "pair", "text": "Azerbaijan", "start": 0, "end": 10, "field": "text", "stance": None},
                {
                    "clue": "act",
                    "text": "shell a village",
                    "start": 16,
                    "end": 31,
                    "field": "text",
                    "stance": "planned",
                    "cue": "will",
                },
                {"clue": "pair", "text": "Armenia", "start": 35, "end": 42, "field": "text", "stance": None},
                {
                    "clue": "deaths",
                    "text": "Dozens of soldiers were killed",
                    "start": 44,
                    "end": 74,
                    "field": "text",
                    "stance": "happened",
                },
            ],
        },
    )


def test_unusable_lines_are_named_and_the_rest_is_done() -> None:
    deep = "[" * 100_000
    assert results(line(), "", "{", "[]", deep, line(text="Rain."), '{"id": "x"}', line()) == [
        (1, 1, None),
        (3, 0, "not JSON: Expecting property name enclosed in double quotes at column 2"),
        (4, 0, "expected an object with id, title and text, found []"),
        (5, 0, "not JSON that can be read"),
        (6, 0, None),
        (7, 0, "title and text are empty: expected at least one of them"),
        (8, 1, None),
    ]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"title": "t", "text": "x"}, "id: expected a text, found nothing"),
        ({"id": "", "title": "t"}, 'id: expected a text, found ""'),
        ({"id": True, "title": "t"}, "id: expected a text, found true"),
        ({"id": "1", "title": 4}, "title: expected a text, found 4"),
        ({"id": "1", "text": ["x"]}, 'text: expected a text, found ["x"]'),
        ({"id": "1", "text": "x", "lang": 1}, "lang: expected a text, found 1"),
        (
            {"id": "1", "text": "x", "published": "yesterday"},
            'published: expected a date and time like 2022-09-14T14:39:00Z, found "yesterday"',
        ),
        (
            {"id": "1", "text": "x", "published": 5},
            "published: expected a date and time like 2022-09-14T14:39:00Z, found 5",
        ),
        (
            {"id": "1", "text": "x", "published": "0001-01-01T00:00:00+10:00"},
            'published: expected a date and time like 2022-09-14T14:39:00Z, found "0001-01-01T00:00:00+10:00"',
        ),
    ],
)
def test_bad_records_say_what_is_wrong(record: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        article_from_json(record, detect=english, now=NOW)


def test_records_become_articles() -> None:
    record = {
        "id": 7,
        "title": "A title",
        "published": "2022-09-14T16:39:00+02:00",
        "lang": "EN-us",
        "source": "courier",
        "other": 1,
    }
    one = article_from_json(record, detect=english, now=NOW)
    assert (one.id, one.title, one.text, one.language, one.source_id) == ("7", "A title", "", "en", "courier")
    assert (one.published_at, one.extraction) == (datetime(2022, 9, 14, 14, 39, tzinfo=UTC), Extraction.TITLE)
    undated = article_from_json({"id": "1", "text": "x"}, detect=lambda text: "", now=NOW)
    assert (undated.published_at, undated.first_seen_at, undated.language) == (None, NOW, "und")


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("2004", datetime(2004, 7, 1, tzinfo=UTC)),
        ("2004-02", datetime(2004, 2, 15, tzinfo=UTC)),
        ("2004-02-03", datetime(2004, 2, 3, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_year_or_a_month_is_its_middle(published: str, expected: datetime | None) -> None:
    one = article_from_json({"id": "1", "text": "x", "published": published}, detect=english, now=NOW)
    assert one.published_at == expected


def test_several_processes_give_the_same_in_the_same_order() -> None:
    lines = [line(n) if n % 3 else "{" for n in range(150)]
    assert results(*lines, jobs=2) == results(*lines)


def test_lines_are_read_as_they_are_needed() -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield line(taken)

    stream = match_lines(RULES, endless(), detect=english, now=NOW)  # type: ignore[arg-type]
    assert [next(stream).line for _ in range(3)] == [1, 2, 3]
    assert taken == 3


SEQUENCE = load(
    """\
    rule: shelled-twice
    steps:
      first: {look_for: {a: {phrases: [shell~ ..3 village*]}, pair: {states: {at_least: 2}}}}
      second: {look_for: {a: {phrases: [bomb~ ..3 town*]}, pair: {states: {at_least: 2}}}}
    in_order: {steps: [first, second], within: 3d, sharing: states}
    ---
    rule: three-papers
    look_for: {a: {phrases: [heavy fighting]}}
    count: {of: publishers, at_least: 3, within: 1d}
    """
)


def test_rules_over_several_articles_have_the_input_so_far_as_their_past() -> None:
    def dated(number: int, day: int, text: str, source: str = "s") -> str:
        return line(number, text, published=f"2026-01-{day:02}T0{number}:00:00Z", source=source, lang="en")

    lines = [
        dated(1, 3, "Azerbaijan bombed a town in Armenia."),
        dated(2, 1, "Azerbaijan shelled a village in Armenia."),
        dated(3, 4, "Heavy fighting was heard by a shepherd in the hills.", "one"),
        dated(4, 4, "A teacher says that there was heavy fighting again.", "two"),
        dated(5, 4, "Heavy fighting was heard by a shepherd in the hills.", "three"),
        dated(6, 4, "All night the heavy fighting went on until dawn.", "four"),
        "{",
    ]
    for jobs in (1, 2):
        found = list(match_lines(SEQUENCE, lines, detect=english, now=NOW, jobs=jobs))
        said = [(one.line, signal["rule"], signal["earlier"]) for one in found for signal in one.signals]
        assert said == [(2, "shelled-twice", ["a-1"]), (6, "three-papers", ["a-3", "a-4"])]
        assert [one.line for one in found if one.problem] == [7]
