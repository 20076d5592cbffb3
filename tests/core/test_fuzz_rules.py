"""A few hundred damaged rule files, always the same ones; `python -m tests.fuzz_rules` tries 100,000."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fuzz_rules
from tests.fuzz_rules import judge, make_input
from tests.fuzzing import fuzz


def test_damaged_rule_files_are_answered_with_mistakes_that_have_a_place() -> None:
    report = fuzz(fuzz_rules, seed=7, numbers=range(400))
    assert report.failures == []
    assert set(report.outcomes) >= {"refused by the loader", "loaded"}


def test_the_same_numbers_give_the_same_input() -> None:
    assert make_input(7, 3) == make_input(7, 3) != make_input(7, 4)


def test_what_escapes_the_loader_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(paths: object) -> None:
        raise KeyError(paths)

    monkeypatch.setattr("tests.fuzz_rules.load_rules", break_down)
    with pytest.raises(KeyError):
        judge(b"", tmp_path)
    ((number, what),) = fuzz(fuzz_rules, seed=7, numbers=[12]).failures
    assert number == 12
    assert "KeyError" in what
