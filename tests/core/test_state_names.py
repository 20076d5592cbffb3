"""Names of states that a desk adds, from the file to the signal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders import article
from watcher.match import match_article
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.understand.gazetteer import AddedNames, Gazetteer

RULE = """
rule: border-clash
look_for:
  clash: {phrases: [clash~, столкн*]}
  who: {states: {at_least: 2}}
"""
NAMES = """
states: what our desk calls them
names:
  AM: [Hayastan, Хаястан]
forces:
  AZ: Blue Berets
leaders:
  AM: [Aram Testyan! 2021-2022, Jane Doe 2020-]
no_states:
  newspaper: [Hayastan Weekly]
---
states: for English alone
languages: en
demonyms:
  IR: [Ariyan]
"""


def signals(folder, text, *, language="en", year=2022):
    compiled = compile_rules(load_rules([folder]), Gazetteer.load())
    published_at = datetime(year, 6, 1, tzinfo=UTC)
    found = match_article(compiled, article(text=text, title="", language=language, published_at=published_at))
    return [" ".join(signal.states) for signal in found.signals]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rule.yaml").write_text(RULE, encoding="utf-8")
    (tmp_path / "names.yaml").write_text(NAMES, encoding="utf-8")
    return tmp_path


CASES = [
    ("a name", "Hayastan and Turkey's army clashed.", "en", 2022, ["AM TR"]),
    ("with the endings of its language", "Силы Хаястана столкнулись с Ираном.", "ru", 2022, ["AM IR"]),
    ("forces", "Yerevan said its men clashed with the Blue Berets.", "en", 2022, ["AM AZ"]),
    ("a leader", "Testyan's guards clashed with Iran.", "en", 2022, ["AM IR"]),
    ("a leader out of office", "Testyan's guards clashed with Iran.", "en", 2024, []),
    ("a surname that is not sure", "Doe's guards clashed with Iran.", "en", 2022, []),
    ("the full name", "Jane Doe's guards clashed with Iran.", "en", 2022, ["AM IR"]),
    ("a longer name that holds none", "The Hayastan Weekly said that Iran clashed with rebels.", "en", 2022, []),
    ("its language", "Ariyan troops clashed with Iraq.", "en", 2022, ["IQ IR"]),
    ("another language", "Ariyan troops clashed with Irak.", "tr", 2022, []),
]


@pytest.mark.parametrize(
    ("text", "language", "year", "expected"), [row[1:] for row in CASES], ids=[c[0] for c in CASES]
)
def test_added_names_are_read(folder, text, language, year, expected):
    assert signals(folder, text, language=language, year=year) == expected


def test_added_names_are_in_the_versions_of_the_rules_and_of_the_gazetteer(folder):
    with_names = load_rules([folder])
    (folder / "names.yaml").unlink()
    without = load_rules([folder])
    assert with_names.rule_versions != without.rule_versions
    assert with_names.version != without.version
    shipped = Gazetteer.load()
    assert compile_rules(without, shipped).gazetteer is shipped
    assert compile_rules(with_names, shipped).gazetteer.version != shipped.version
    assert compile_rules(with_names, shipped).gazetteer.version == compile_rules(with_names, shipped).gazetteer.version


def test_the_shipped_gazetteer_is_left_as_it_is():
    shipped = Gazetteer.load()
    before = dict(shipped.meanings)
    extended = shipped.extended([AddedNames(frozenset({"en"}), {"names": {"AM": ["Hayastan"]}})])
    assert "hayastan" in extended.meanings
    assert shipped.meanings == before
    assert shipped.extended([]) is shipped


def test_organisations_count_for_lists_that_name_them_and_for_no_other(tmp_path):
    (tmp_path / "rule.yaml").write_text(
        "list: blocs\nkind: states\nitems: [NATO, CSTO]\n---\n"
        "rule: bloc-clash\nlook_for:\n  clash: {phrases: [clash~]}\n  who: {states: {at_least: 2, one_from: blocs}}\n---\n"
        "rule: any-clash\nlook_for:\n  clash: {phrases: [clash~]}\n  who: {states: {at_least: 2}}\n",
        encoding="utf-8",
    )
    assert signals(tmp_path, "NATO troops clashed with Serbia.") == ["NATO RS"]
    assert signals(tmp_path, "The NATO-led force clashed with Serbia.") == []
    assert signals(tmp_path, "EU officials clashed with Serbia.") == []
    assert signals(tmp_path, "Collective Security Treaty Organization and Serbia clashed.") == ["CSTO RS"]
