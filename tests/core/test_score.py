"""Scores against labels, worked out by hand."""

from __future__ import annotations

import json

import pytest

from tests.builders import NOW
from tests.core.rule_files import compiled
from watcher.history import Record
from watcher.score import Exact, Scores, Tally, read_labelled, score_records

RULES = compiled(
    """\
    rule: border-clash
    family: clash
    languages: [en]
    look_for:
      act: {phrases: [shell~]}
      pair: {states: {at_least: 2}}
      deaths: {killed: {at_least: 1}}
    ---
    rule: truce
    family: ceasefire
    look_for: {truce: {phrases: [truce]}}
    ---
    rule: own
    family: harvest
    look_for: {shelling: {phrases: [shelled]}}
    """
)
CLASH = "Azerbaijan shelled Armenia. Two soldiers were killed."


def english(text: str) -> str:
    return "en"


def line(key: str, text: str, *labels: str, **values: object) -> str:
    return json.dumps({"id": key, "title": f"About {key}", "text": text, "lang": "en", "labels": labels, **values})


def score(*lines: str) -> Scores:
    records = [Record(number, one) for number, one in enumerate(lines, 1)]
    return score_records(RULES, records, detect=english, now=NOW)


def test_hits_misses_and_false_alarms() -> None:
    scores = score(
        line("hit", CLASH, "C", states=["AM", "AZ"], casualties={"killed": 2, "injured": None}),
        line("wrong details", CLASH, "clash", states=["AZ"], casualties={"killed": 3, "injured": 4}),
        line("alarm", CLASH),
        line("forgiven", CLASH, near=["C"]),
        line("miss", "Azerbaijan shelled Armenia.", "C"),
        line("denied", "Azerbaijan did not shell Armenia. Two soldiers were killed.", "C", ambiguous=True),
        line("no rule", "Armenia cut ties.", "D"),
        line("truce", "A truce holds.", "F", states=["YE"], casualties={"killed": 5}),
        line("other language", "Azerbaïdjan", "C", lang="fr"),
        line("calm", "The weather was fine."),
        "[]",
    )
    families = scores.everything.families
    assert list(families) == ["treaty", "clash", "mobilisation", "rupture", "ultimatum", "ceasefire"]
    assert families["clash"] == Tally(hits=2, false_alarms=1, misses=3)
    assert families["ceasefire"] == Tally(hits=1)
    assert families["rupture"] == Tally(misses=1)
    assert families["treaty"] == Tally()
    assert scores.everything.micro == Tally(hits=3, false_alarms=1, misses=4)
    assert scores.everything.languages == {"en": Tally(3, 1, 3), "fr": Tally(0, 0, 1)}
    # The truce rule looks for neither states nor figures, so it cannot have them wrong.
    assert scores.everything.parties == Exact(1, 2)
    assert scores.everything.killed == Exact(1, 2)
    assert scores.everything.injured == Exact(0, 0)
    assert (scores.everything.records, scores.without_ambiguous.records) == (10, 9)
    assert scores.without_ambiguous.families["clash"] == Tally(2, 1, 2)
    assert [(one.article_id, one.family, one.is_miss, one.reason) for one in scores.mistakes] == [
        ("alarm", "clash", False, "border-clash: pair “Azerbaijan”, act “shelled”, deaths “Two soldiers were killed”"),
        ("miss", "clash", True, "border-clash: missing deaths"),
        (
            "denied",
            "clash",
            True,
            "border-clash: missing act; clue act: text:19-24 “shell”, denied (“did not”), "
            "not counted: denied, and only happened counts",
        ),
        ("no rule", "rupture", True, "no rule has the family rupture"),
        ("other language", "clash", True, "border-clash: language: fr is not among en"),
    ]
    assert scores.wrong_details == (
        "wrong details border-clash: states AM, AZ, not AZ",
        "wrong details border-clash: killed at least 2, not 3",
    )
    assert scores.unusable == ((11, "expected an object with id, title and text, found []"),)


@pytest.mark.parametrize(
    ("tally", "expected"),
    [
        (Tally(3, 1, 4), (0.75, 3 / 7, 6 / 11)),
        (Tally(0, 2, 0), (0.0, None, 0.0)),
        (Tally(0, 0, 2), (None, 0.0, 0.0)),
        (Tally(), (None, None, None)),
    ],
)
def test_shares(tally: Tally, expected: tuple[float | None, ...]) -> None:
    assert (tally.precision, tally.recall, tally.f1) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"labels": None}, None),
        ({"labels": "C"}, "labels: expected a list of words"),
        ({"near": [1]}, "near: expected a list of words"),
        ({"casualties": [1]}, "casualties: expected an object"),
        ({"casualties": {"killed": "2"}}, "casualties.killed: expected a number or null"),
        ({"casualties": {"injured": True}}, "casualties.injured: expected a number or null"),
    ],
)
def test_bad_labels_are_named(values: dict[str, object], message: str | None) -> None:
    text = json.dumps({"id": "1", "text": "x", "labels": [], **values})
    if message is None:
        assert read_labelled(text, detect=english, now=NOW).families == frozenset()
        return
    with pytest.raises(ValueError, match=message):
        read_labelled(text, detect=english, now=NOW)


def test_a_record_without_labels_is_unusable() -> None:
    assert score('{"id": "1", "text": "x"}').unusable == ((1, "labels: expected a list of families, found none"),)
