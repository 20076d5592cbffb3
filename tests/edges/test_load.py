"""What the loader accepts, what it makes of it, and what it tells the author of a file that is wrong."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.rule_files import gazetteer
from watcher.cleaning import clean_text
from watcher.errors import Location, RuleError
from watcher.model import RuleStatus, Severity, Stance
from watcher.rule_tests import run_rule_tests
from watcher.rules.compile import compile_rules
from watcher.rules.editors import json_schema
from watcher.rules.lint import CODES
from watcher.rules.load import load_rules, load_texts
from watcher.rules.schema import Group, Part, RuleSet, UpdateOn
from watcher.rules.values import Window
from watcher.rules.yaml_nodes import parse_yaml

DATA = Path(__file__).parent.parent / "data" / "bad_rules"
SHIPPED = Path(__file__).parent.parent.parent / "rules"
CASES = sorted(path for path in DATA.iterdir() if path.suffix != ".err")
RULE = "rule: border-clash\nlook_for:\n  fighting: {phrases: [exchange~ ..2 fire]}\n"


def load(tmp_path: Path, text: str) -> RuleSet:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rules([path])


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(RuleError) as caught:
        load(tmp_path, text)
    return [f"{p.location.line}:{p.location.column}: {p.message}" for p in caught.value.problems]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_bad_rules_say_exactly_what_is_wrong(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    with pytest.raises(RuleError) as caught:
        load_rules([path.relative_to(DATA)])
    assert f"{caught.value}\n" == path.with_suffix(".err").read_text(encoding="utf-8")


def test_there_is_a_message_for_every_bad_rule_and_no_other() -> None:
    assert {path.stem for path in DATA.glob("*.err")} == {path.stem for path in CASES}
    assert len(CASES) >= 40


def test_shipped_rules_load() -> None:
    rule_set = load_rules([SHIPPED])
    flagship = next(rule for rule in rule_set.rules if rule.rule == "csto-article-4-invoked")
    assert (flagship.status, flagship.family, flagship.severity) == (RuleStatus.STABLE, "treaty", Severity.CRITICAL)
    assert flagship.close_together[0].within == Window(2)
    assert flagship.unless[1].older_than == timedelta(hours=72)
    assert flagship.reviewed == date(2026, 11, 20)
    assert rule_set.states_of("csto_members") == {"AM", "BY", "KZ", "KG", "RU", "TJ"}
    assert rule_set.warnings == ()
    text = rule_set.test_texts["csto-article-4-invoked", "tests/request-of-2022-09-14.txt"]
    assert "invoked Article four" in text


def test_defaults(tmp_path: Path) -> None:
    rule = load(tmp_path, RULE).rules[0]
    assert (rule.title, rule.status, rule.severity, rule.family) == (
        "border-clash",
        RuleStatus.STABLE,
        Severity.WARNING,
        "other",
    )
    assert rule.clues["fighting"].accept == (Stance.HAPPENED,)
    assert rule.group == Group()
    assert (rule.group.by, rule.group.open_for) == (("rule", "states"), timedelta(hours=24))
    assert UpdateOn.CONFIRMED in rule.update_on


def test_scalars_are_what_the_author_wrote(tmp_path: Path) -> None:
    text = """
list: nordic
kind: states
items: [NO, SE, on]
"""
    assert problems(tmp_path, text + "---\n" + RULE) == [
        "4:17: items: on is no code of a state: expected ISO 3166 codes, like AM or AZ"
    ]
    rule = load(
        tmp_path,
        "rule: quiet\ntitle: yes\nwhy: 2026-11-20\nowner: null\nfalse_alarms: [1:30, 010, 0x1F, true, ~]\n"
        "look_for: {a: {phrases: [2022, 'no', 22:00]}}\n".replace(", 22:00", ""),
    ).rules[0]
    assert (rule.title, rule.why, rule.owner) == ("yes", "2026-11-20", "null")
    assert rule.false_alarms == ("1:30", "010", "0x1F", "true", "~")
    assert rule.clues["a"].phrases == ("2022", "no")


def test_one_word_may_stand_for_a_list(tmp_path: Path) -> None:
    rule = load(
        tmp_path,
        "rule: border-clash\nlanguages: en, ru\nlook_for:\n"
        "  fighting: {phrases: clash~, in: 'title, lead', accept: planned}\nalert_when: {all_of: fighting}\n",
    ).rules[0]
    assert rule.languages == ("en", "ru")
    assert rule.clues["fighting"].phrases == ("clash~",)
    assert rule.clues["fighting"].parts == (Part.TITLE, Part.LEAD)
    assert rule.clues["fighting"].accept == (Stance.PLANNED,)


def test_locations_point_at_keys_and_items(tmp_path: Path) -> None:
    rule_set = load(tmp_path, RULE + "unless:\n  - {name: old, older_than: 72h}\n")
    path = (tmp_path / "x.yaml").as_posix()
    assert rule_set.location("border-clash") == Location(path, 1, 1)
    assert rule_set.location("border-clash", "look_for", "fighting", "phrases", "0") == Location(path, 3, 24)
    assert rule_set.location("border-clash", "unless", "0", "older_than") == Location(path, 5, 17)
    assert rule_set.location("border-clash", "unless", "0", "nothing") == Location(path, 5, 5)


def test_files_are_read_in_order_and_tests_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a/tests/c.yaml", ".git/d.yaml", ".e.yaml", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RULE.replace("border-clash", re.sub(r"\W", "-", "rule-" + name)), encoding="utf-8")
    rule_set = load_rules([tmp_path, tmp_path / "b.yaml"])
    assert [rule.rule for rule in rule_set.rules] == ["rule-a-z-yml", "rule-b-yaml"]
    assert rule_set.files == (tmp_path / "a/z.yml", tmp_path / "b.yaml")


def test_append_extends_a_list_and_a_rule(tmp_path: Path) -> None:
    (tmp_path / "a_site.yaml").write_text(
        "append: formats\nitems: [look back]\n---\nappend: border-clash\nunless:\n  - {name: old, older_than: 72h}\n"
    )
    (tmp_path / "rules.yaml").write_text(
        "list: formats\nkind: phrases\nitems: [timeline]\n---\n"
        + RULE
        + "unless:\n  - {name: retold, title_has: $formats}\n"
    )
    rule_set = load_rules([tmp_path])
    assert rule_set.lists["formats"].items == ("timeline", "look back")
    assert [exception.name for exception in rule_set.rules[0].unless] == ["retold", "old"]
    site = (tmp_path / "a_site.yaml").as_posix()
    assert rule_set.location("$formats", "items", "1") == Location(site, 2, 9)
    assert rule_set.location("border-clash", "unless", "1", "older_than") == Location(site, 6, 17)


def test_version_follows_what_decides_and_not_where_it_stands(tmp_path: Path) -> None:
    lists = "list: formats\nkind: phrases\nitems: [timeline]\n---\n"
    used = RULE + "unless:\n  - {name: retold, title_has: $formats}\n"
    first = load(tmp_path, lists + used)
    moved = load(tmp_path, "# a comment\n" + lists + used + "tests:\n  - {text: x, expect: no alert}\n")
    other_list = load(tmp_path, lists.replace("timeline", "explainer") + used)
    other_rule = load(tmp_path, lists + used.replace("..2", "..3"))
    assert first.rule_versions == moved.rule_versions
    assert first.version == moved.version
    versions = {rule_set.rule_versions["border-clash"] for rule_set in (first, other_list, other_rule)}
    assert len(versions) == 3


def test_lists_used_reach_through_lists(tmp_path: Path) -> None:
    text = (
        "list: a\nkind: phrases\nitems: [(one thing|$b)]\n---\nlist: b\nkind: phrases\nitems: [two things]\n---\n"
        "list: c\nkind: states\nitems: [AM, $d]\n---\nlist: d\nkind: states\nitems: [AZ]\n---\n"
        "rule: border-clash\nlook_for:\n  x: {phrases: [$a]}\n  y: {states: {one_from: c}}\n"
    )
    rule_set = load(tmp_path, text)
    assert rule_set.lists_used == {"border-clash": ("a", "b", "c", "d")}
    assert rule_set.states_of("c") == {"AM", "AZ"}


def test_a_comment_that_swallows_a_phrase_is_noticed(tmp_path: Path) -> None:
    rule_set = load(
        tmp_path, "rule: treaty\nlook_for:\n  a:\n    phrases:\n      - Article #4\n      - pact  # a pact\n"
    )
    assert [(warning.location.line, warning.code) for warning in rule_set.warnings] == [(5, "yaml-comment-in-phrase")]


def test_folder_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuleError) as caught:
        load_rules([tmp_path / "nowhere", tmp_path])
    assert [problem.message for problem in caught.value.problems] == [
        "there are no rule files (*.yaml) in this folder",
        "there is no such file or folder",
    ]


def test_a_test_file_cannot_leave_the_rules_folder_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "link.txt").symlink_to(tmp_path / "secret.txt")
    (rules / "near.txt").write_text("near")
    (rules / "x.yaml").write_text(
        RULE + "tests:\n  - {file: link.txt, expect: alert}\n  - {file: neer.txt, expect: alert}\n"
    )
    with pytest.raises(RuleError) as caught:
        load_rules([rules])
    assert [problem.message for problem in caught.value.problems] == [
        "tests.file: expected a file below the rules folder, found link.txt",
        "tests.file: there is no file neer.txt: did you mean near.txt?",
    ]


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (RULE + "severty: watch\n").replace("\n", "\r\n").encode())
    with pytest.raises(RuleError) as caught:
        load_rules([path])
    assert str(caught.value) == f"{path}:4:1: unknown key severty: did you mean severity?"


def test_a_long_chain_of_lists_is_no_trouble(tmp_path: Path) -> None:
    chain = "".join(f"list: l{n}\nkind: phrases\nitems: [$l{n + 1}]\n---\n" for n in range(3000))
    text = chain + "list: l3000\nkind: phrases\nitems: [the end]\n---\n"
    rule_set = load(tmp_path, text + "rule: chain\nlook_for: {a: {phrases: [$l0]}}\n")
    assert len(rule_set.lists_used["chain"]) == 3001


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 4000),
        st.integers(0, 12),
        st.one_of(
            st.sampled_from(
                ["\t", "'", '"', "[", "{", "]", "}", ": ", ":", "- ", "\n", "\n---\n", "#", "*", "&a ", "!", "|"]
            ),
            st.text(max_size=5),
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=80, deadline=None)
@given(mutations=MUTATIONS, name=st.sampled_from(["treaty.yaml", "clash.yaml", "lists/formats.yaml"]))
def test_a_damaged_file_gives_located_errors_and_never_a_traceback(
    mutations: list[tuple[int, int, str]], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = (SHIPPED / name).read_text(encoding="utf-8")
    for at, cut, new in mutations:
        place = at % (len(text) + 1)
        text = text[:place] + new + text[place + cut :]
    path = tmp_path_factory.mktemp("mutated") / "x.yaml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    try:
        load_rules([path, SHIPPED / "lists"])
    except RuleError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message
            lines = len(parse_lines(text)) if problem.location.path == path.as_posix() else 10_000
            assert problem.location.line <= lines


def parse_lines(text: str) -> list[str]:
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-[]{}'\"\n \t#&*!|>%@`,?~\x85\u2028\x00é", max_size=60))
def test_any_text_is_parsed_or_refused_at_a_place_in_it(text: str) -> None:
    parsed = parse_yaml(text, "x.yaml")
    lines = parse_lines(text)
    for problem in parsed.problems:
        assert 1 <= problem.location.line <= len(lines)
        assert problem.location.column >= 1


def test_the_examples_of_the_reference_load(tmp_path: Path) -> None:
    reference = (SHIPPED.parent / "docs" / "rules.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", reference, re.MULTILINE | re.DOTALL)
    rule_set = load(tmp_path, "---\n".join(examples))
    assert [rule.rule for rule in rule_set.rules] == [
        "ambassador-recalled",
        "recall-then-call-up",
        "nuclear-threats-everywhere",
        "border-fire",
        "border-deaths",
    ]
    assert rule_set.states_of("guarantors") == {"FR", "US", "RU", "CN"}
    outcomes = run_rule_tests(rule_set, compile_rules(rule_set, gazetteer()), clean_text)
    assert len(outcomes) == 10
    assert [(one.rule_id, one.name, one.got) for one in outcomes if not one.passed] == []


def test_the_reference_names_every_key_and_code() -> None:
    reference = (SHIPPED.parent / "docs" / "rules.md").read_text(encoding="utf-8")
    keys = {key for model in json_schema()["$defs"].values() for key in model.get("properties", ())}
    assert {key for key in keys if f"`{key}`" not in reference} == set()
    assert {code for code in CODES if f"`{code}`" not in reference} == set()


def test_the_json_schema_describes_what_is_written() -> None:
    schema = json_schema()
    rule = schema["$defs"]["Rule"]["properties"]
    assert rule["severity"]["enum"] == ["watch", "warning", "critical"]
    assert schema["$defs"]["Clue"]["properties"]["phrases"]["anyOf"] == [
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"type": "string"},
    ]
    assert {"in", "accept", "not_phrases"} <= set(schema["$defs"]["Clue"]["properties"])
    assert '"null"' not in json.dumps(schema)
    for model in schema["$defs"].values():
        assert all("description" in value for value in model.get("properties", {}).values())


def test_the_texts_behind_a_rule_make_the_same_rule(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "# of the desk\nlist: forces\nkind: phrases\nitems: [troops, $units]\n---\nlist: units\nkind: phrases\n"
        "items: [brigade]\n--- # apart\n  list: unused\n  kind: phrases\n  items: [nothing]\n",
        encoding="utf-8",
    )
    (tmp_path / "b.yaml").write_text(
        "rule: moved\ntitle: Troops moved\nfamily: mobilisation\nseverity: watch\nlook_for:\n"
        "  who: {phrases: [$forces]}\ntests:\n  - {file: moved.txt, expect: alert}\n"
        "---\nrule: other\ntitle: Other\nfamily: clash\nseverity: watch\nlook_for:\n  what: {phrases: [clash]}\n",
        encoding="utf-8",
    )
    (tmp_path / "c.yaml").write_text(
        "append: units\nitems: [regiment]\n---\nappend: moved\nunless:\n  - {name: drills, phrases: [drill]}\n",
        encoding="utf-8",
    )
    (tmp_path / "moved.txt").write_text("Troops moved", encoding="utf-8")
    whole = load_rules([tmp_path])
    texts = whole.texts_behind(["moved"])
    assert [(one.kind, one.name) for one in texts] == [
        ("list", "forces"),
        ("list", "units"),
        ("rule", "moved"),
        ("append", "units"),
        ("append", "moved"),
    ]
    (tmp_path / "moved.txt").unlink()
    again = load_texts(texts)
    assert again.rule_versions == {"moved": whole.rule_versions["moved"]}
    assert again.texts_behind(["moved"]) == texts
