"""A test added to a rule file: the file keeps every other character, and loads with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders import article
from watcher.add_test import NewTest, add_test, as_test
from watcher.errors import WatcherError
from watcher.rules.load import load_rules
from watcher.rules.schema import Expect, Rule

RULE = "rule: r-1\nlanguages: [en]\nlook_for:\n  a: {phrases: [apple]}  # fruit\n"
NEW = """\
  - name: "new"
    text: |-
      An apple.

      A pear: # no comment
    expect: no alert
    missing: [a]
"""
TEST = NewTest("new", "", "An apple.\n\nA pear: # no comment", None, None, Expect.NO_ALERT, ("a",))

CASES = [
    ("no tests", RULE, f"{RULE}tests:\n{NEW}"),
    ("no line end", RULE.rstrip("\n") + "\nwhy: because", f"{RULE}why: because\ntests:\n{NEW}"),
    ("comments after", f"{RULE}\n# the end\n", f"{RULE}tests:\n{NEW}\n# the end\n"),
    (
        "a flow test",
        f"{RULE}tests:\n  - {{text: A plum., expect: no alert}}  # one\n\n# two\n---\nlist: b\nkind: phrases\nitems: c\n",
        f"{RULE}tests:\n  - {{text: A plum., expect: no alert}}  # one\n{NEW}\n# two\n---\nlist: b\nkind: phrases\nitems: c\n",
    ),
    (
        "a flow test of several lines",
        f"{RULE}tests:\n  - {{text: A plum.,\n     missing: [a\n     ], expect: no alert\n    }}\nwhy: because\n",
        f"{RULE}tests:\n  - {{text: A plum.,\n     missing: [a\n     ], expect: no alert\n    }}\n{NEW}why: because\n",
    ),
    (
        "a block at the end",
        f"{RULE}tests:\n  - expect: no alert\n    text: |\n      A plum.\n\n      # no comment\n\n# comment\nwhy: because\n",
        f"{RULE}tests:\n  - expect: no alert\n    text: |\n      A plum.\n\n      # no comment\n{NEW}\n# comment\nwhy: because\n",
    ),
    (
        "no indent, a text of several lines",
        f"{RULE}tests:\n- expect: no alert\n  text: A plum\n    and a pear.\nwhy: because\n",
        f"{RULE}tests:\n- expect: no alert\n  text: A plum\n    and a pear.\n"
        + "".join(line[2:] if line.strip() else line for line in NEW.splitlines(keepends=True))
        + "why: because\n",
    ),
]


def folder_with(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_it_stands_after_the_last_one(tmp_path: Path, before: str, after: str, newline: str, mark: str) -> None:
    path = folder_with(tmp_path, mark + before.replace("\n", newline))
    location = add_test([path], load_rules([path]), "r-1", TEST)
    assert path.read_bytes().decode() == mark + after.replace("\n", newline)
    assert after.splitlines()[location.line - 1].strip() == '- name: "new"'
    assert not list(tmp_path.glob(".*"))


def test_the_right_rule_gets_it(tmp_path: Path) -> None:
    path = folder_with(tmp_path, f"{RULE}---\n{RULE.replace('r-1', 'r-2')}---\n{RULE.replace('r-1', 'r-3')}")
    add_test([path], load_rules([path]), "r-2", TEST)
    assert [(rule.rule, len(rule.tests)) for rule in load_rules([path]).rules] == [("r-1", 0), ("r-2", 1), ("r-3", 0)]


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("tests: [{text: A plum., expect: no alert}]\n", "rules.yaml:5:8: these tests are written in brackets"),
        ("tests:\n  -\n    text: A plum.\n    expect: no alert\n", "does not begin beside its -"),
        ("tests:\n  - {name: new, text: A plum., expect: no alert}\n", "r-1 has that test already: new"),
        (
            "tests:\n  - {name: old, text: 'An apple. A pear: # no comment', expect: no alert}\n",
            "r-1 has that test already: old",
        ),
    ],
)
def test_refused_and_left_as_it_was(tmp_path: Path, tests: str, message: str) -> None:
    path = folder_with(tmp_path, RULE + tests)
    with pytest.raises(WatcherError, match=message):
        add_test([path], load_rules([path]), "r-1", TEST)
    assert path.read_text(encoding="utf-8") == RULE + tests


def test_a_file_that_has_changed_is_left_alone(tmp_path: Path) -> None:
    path = folder_with(tmp_path, RULE)
    rule_set = load_rules([path])
    path.write_text(RULE + "why: because\n", encoding="utf-8")
    with pytest.raises(WatcherError, match="has changed since it was loaded: try again"):
        add_test([path], rule_set, "r-1", TEST)
    assert path.read_text(encoding="utf-8") == RULE + "why: because\n"


def test_a_file_that_would_be_wrong_is_put_back(tmp_path: Path) -> None:
    path = folder_with(tmp_path, RULE)
    wrong = NewTest("new", "", "", None, None, Expect.ALERT)
    with pytest.raises(WatcherError, match="the test was not written, the file would be wrong with it"):
        add_test([path], load_rules([path]), "r-1", wrong)
    assert path.read_text(encoding="utf-8") == RULE


@pytest.mark.parametrize(
    "text",
    [
        "Plain.",
        "  Indented.\n    - more",
        "Quotes \" and \\ and ' and : #",
        "Special \u2028 break \x85 and \ufeff mark",
        "Wide 😀 and Հայերեն\ttab",
        "--- \n...\n# hash",
        "Bell \x07 and half \ud83d",
    ],
)
def test_any_text_comes_back(tmp_path: Path, text: str) -> None:
    path = folder_with(tmp_path, RULE)
    rule_set = load_rules([path])
    at = datetime(2022, 9, 14, 14, 39, tzinfo=UTC)
    one = article(id="a: 1", title=f"Title {text}", text=f"{text} end", language="fr", published_at=at)
    rule = rule_set.rules[0]
    add_test([path], rule_set, "r-1", as_test(one, rule, Expect.NO_ALERT, ["a"]))
    [found] = load_rules([path]).rules[0].tests
    plain = text.replace("\x07", " ").replace("\ud83d", " ")
    assert found.text is not None
    assert found.text.split() == f"{plain} end".split()
    assert (found.title or "").split() == f"Title {plain}".split()
    assert (found.name, found.published, found.language) == ("article a: 1 of 2022-09-14", at, "fr")
    assert (found.expect, found.missing) == (Expect.NO_ALERT, ("a",))


def test_what_the_rule_says_already_is_not_repeated() -> None:
    rule = Rule.model_validate({"rule": "r-1", "languages": "en", "look_for": {"a": {"phrases": "apple"}}})
    made = as_test(article(published_at=None, language="en"), rule, Expect.ALERT, ["a"])
    assert (made.name, made.language, made.published_at, made.missing) == ("article article-1", None, None, ())
