"""docs/lint.md: every code with its severity, and examples that do what the page says."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from watcher.errors import RuleError
from watcher.model import Source
from watcher.rules.lint import CODES, lint_rules
from watcher.rules.load import load_rules

PAGE = (CHECKOUT / "docs" / "lint.md").read_text(encoding="utf-8")
SECTIONS = {
    found[1]: found[2] for found in re.finditer(r"^### `([a-z-]+)`\n\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
}
TODAY = date(2026, 11, 23)
SOURCE = Source(id="paper", url="https://paper.example/feed", language="en", every=timedelta(minutes=15))


ANOTHER_RULE = "rule: another-rule\nlook_for:\n  fighting: {phrases: [exchange~ ..2 fire]}\n"


def codes(tmp_path: Path, text: str) -> set[str]:
    """The codes of the example's mistakes, or else of its findings; another file holds a rule without either."""
    path, another = tmp_path / "example.yaml", tmp_path / "another.yaml"
    path.write_text(text, encoding="utf-8")
    another.write_text(ANOTHER_RULE, encoding="utf-8")
    try:
        rule_set = load_rules([path, another])
    except RuleError as error:
        return {problem.code for problem in error.problems}
    findings = lint_rules(rule_set, TODAY, sources=[SOURCE], recipients=["desk"])
    return {finding.code for finding in findings if finding.location.path == path.as_posix()}


def test_every_code_has_its_section_and_link() -> None:
    assert set(SECTIONS) == set(CODES)
    assert set(re.findall(r"\]\(#([a-z-]+)\)", PAGE)) == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_severity_is_the_one_of_the_program(code: str) -> None:
    assert SECTIONS[code].partition(".")[0].lower() == CODES[code].value


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_example_gives_the_code_and_the_right_one_does_not(code: str, tmp_path: Path) -> None:
    wrong, right = re.findall(r"^```yaml\n(.*?)^```$", SECTIONS[code], re.DOTALL | re.MULTILINE)
    assert code in codes(tmp_path, wrong)
    assert code not in codes(tmp_path, right)
    assert not {"invalid", "yaml-syntax"} & codes(tmp_path, right)
