"""Words of an operator's own by which texts say whether something happened, from the file to the signal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import article
from watcher.match import match_article
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.understand.gazetteer import Gazetteer

RULE = """
rule: ties-cut
look_for:
  ties: {phrases: [(cut~|cutting) ties, "khatsel kaper"]}
"""
CUES = """
cues: how our agency hedges
languages: [en]
stance: possible
words: [toy* with, (bruited|mooted)]
---
cues: what it calls off
languages: en
stance: denied
governs: preceding
within: 4
words: came to naught
---
cues: a phrase that only looks like a denial
languages: en
governs: nothing
words: [never again was peace possible and]
---
cues: the play everybody reviews
languages: en
stance: possible
governs: setting
unreal: true
words: [the glass embassy]
---
cues: Armenian
languages: hy
stance: denied
words: [chi]
"""


def fires(folder: Path, text: str, language: str = "en") -> bool:
    compiled = compile_rules(load_rules([folder]), Gazetteer.load())
    return bool(match_article(compiled, article(text=text, title="", language=language)).signals)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rule.yaml").write_text(RULE, encoding="utf-8")
    (tmp_path / "cues.yaml").write_text(CUES, encoding="utf-8")
    return tmp_path


CASES = [
    ("none", "Peru cut ties with Chile.", "en", True),
    ("shipped ones stay", "Peru has not cut ties with Chile.", "en", False),
    ("following", "Peru is toying with cutting ties with Chile.", "en", False),
    ("a form that stands alone", "Lima has mooted cutting ties with Chile.", "en", False),
    ("preceding", "The plan for cutting ties came to naught.", "en", False),
    ("too far away", "Cutting ties with Chile was what he wanted, and it came to naught.", "en", True),
    ("setting", "In The Glass Embassy, Peru cut ties with Chile.", "en", False),
    ("an exception", "Never again was peace possible and they cut ties.", "en", True),
    ("a language without shipped cues", "Peru chi khatsel kaper.", "hy", False),
    ("the same without the cue", "Peru khatsel kaper.", "hy", True),
    ("another language", "Peru chi khatsel kaper.", "tr", True),
]


@pytest.mark.parametrize(("text", "language", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_added_cues_count(folder: Path, text: str, language: str, expected: bool) -> None:
    assert fires(folder, text, language) is expected


def test_without_the_file_all_is_as_shipped(folder: Path) -> None:
    (folder / "cues.yaml").unlink()
    assert fires(folder, "Peru is toying with cutting ties with Chile.")


def test_added_cues_are_in_the_versions_of_the_rules(folder: Path) -> None:
    with_cues = load_rules([folder])
    (folder / "cues.yaml").unlink()
    without = load_rules([folder])
    assert with_cues.rule_versions != without.rule_versions
    assert with_cues.version != without.version
