"""A few hundred damaged feeds and pages, always the same ones; `python -m tests.fuzz_reading` tries 20,000."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fuzz_reading
from tests.fuzz_reading import judge, make_input, seeds
from tests.fuzzing import fuzz


def test_damaged_feeds_and_pages_are_read_or_refused() -> None:
    report = fuzz(fuzz_reading, seed=7, numbers=range(300))
    assert report.failures == []
    assert set(report.outcomes) == {"nothing", "read", "alert"}


def test_what_is_undamaged_is_read(tmp_path: Path) -> None:
    assert [judge(body, tmp_path) for body in seeds()[-3:]] == ["alert"] * 3


def test_the_same_numbers_give_the_same_input() -> None:
    assert make_input(7, 3) == make_input(7, 3) != make_input(7, 4)


def test_what_escapes_the_reader_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*arguments: object, **values: object) -> None:
        raise KeyError(arguments)

    monkeypatch.setattr("tests.fuzz_reading.parse_feed", break_down)
    ((number, what),) = fuzz(fuzz_reading, seed=7, numbers=[12]).failures
    assert number == 12
    assert "KeyError" in what
