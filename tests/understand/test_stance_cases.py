"""The labelled sentences of ``stance_cases/``, in seven languages."""

import pytest

from tests.understand.stance_cases import LANGUAGES, Case, judge_marked, read_cases

CASES = [case for language in LANGUAGES for case in read_cases(language)]


def _params() -> list[object]:
    wrong = pytest.mark.xfail(strict=True, reason="known and not understood yet")
    return [
        pytest.param(case, id=f"{case.language}-{i}", marks=wrong if case.is_known_wrong else ())
        for i, case in enumerate(CASES)
    ]


@pytest.mark.parametrize("case", _params())
def test_labelled_sentence(case: Case) -> None:
    found, cue = judge_marked(case.marked, case.language)
    assert found in case.stances, (case.marked, cue)


def test_each_language_has_many_and_few_are_wrong() -> None:
    for language in LANGUAGES:
        cases = list(read_cases(language))
        assert len(cases) >= (250 if language == "en" else 20)
        assert sum(case.is_known_wrong for case in cases) <= len(cases) * 0.05


def test_no_sentence_stands_twice() -> None:
    assert len({case.marked for case in CASES}) == len(CASES)
