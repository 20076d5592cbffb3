"""What lint finds in rule sets that load, and how a comment silences it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from watcher.model import Source
from watcher.rules.lint import CODES, LintSeverity, lint_rules
from watcher.rules.load import load_rules
from watcher.rules.schema import RuleSet

TODAY = date(2026, 11, 23)
TESTS = "tests:\n  - {text: x, expect: alert}\n  - {text: y, expect: no alert}\n"
RULE = "rule: border-clash\nlook_for:\n  fighting: {phrases: [exchange~ ..2 fire]}\n" + TESTS


def load(tmp_path: Path, text: str) -> RuleSet:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    return load_rules([tmp_path / "x.yaml"])


def found(tmp_path: Path, text: str) -> list[tuple[int, int, str]]:
    findings = lint_rules(load(tmp_path, text), TODAY)
    return [(finding.location.line, finding.location.column, finding.code) for finding in findings]


def clue(text: str) -> str:
    """A rule with one phrase, on line 4."""
    return f"rule: border-clash\nlook_for:\n  fighting:\n    phrases: [{text}]\n" + TESTS


STEPS = """\
rule: rupture-then-clash
steps:
  rupture:
    look_for: {break: {phrases: [recall~ ..4 ambassador*]}, pair: {states: {at_least: 2}}}
  clash:
    look_for: {act: {phrases: [exchange~ ..2 fire]}, pair: {states: {at_least: 2}}}
in_order: {steps: [rupture, clash], within: 10d, sharing: a state}
"""

CASES: list[tuple[str, str, list[tuple[int, int, str]]]] = [
    ("steps", STEPS + TESTS, []),
    ("phrases of steps", STEPS.replace("recall~ ..4", "recall~ ..14") + TESTS, [(4, 42, "gap-too-wide")]),
    ("a step that nothing asks for", STEPS.replace("in_order", "  talk:\n    look_for: {a: {phrases: [hold~ talks]}}\nin_order") + TESTS, [(7, 3, "unused-step")]),
    ("a step without states to share", STEPS.replace("ambassador*]}, pair: {states: {at_least: 2}}}", "ambassador*]}}") + TESTS, [(3, 3, "can-never-match")]),
    ("a step that contradicts itself", STEPS.replace("in_order", "    alert_when: {all_of: [act, pair], none_of: [act]}\nin_order") + TESTS, [(7, 5, "can-never-match")]),
    ("a clue of a step that nothing asks for", STEPS.replace("in_order", "    alert_when: {all_of: [pair]}\nin_order") + TESTS, [(6, 16, "unused-clue")]),
    ("a regular expression", clue("war").replace("phrases: [war]", "regex: 'shell(ed|ing)'"), [(4, 5, "regex-used")]),
    ("nothing to say", RULE, []),
    ("short word", clue("war"), [(4, 15, "phrase-too-short")]),
    ("short word in a choice", clue("(war|long war)"), [(4, 16, "phrase-too-short")]),
    ("short capitals are exact", clue("CIS"), []),
    ("short words in company", clue("at war"), []),
    ("short words of scripts without capitals", clue("حرب"), []),
    ("broad stem", clue("the min*"), [(4, 19, "wildcard-too-broad")]),
    ("narrow stem", clue("the mine*"), []),
    ("wide gap", clue("open~ ..13 fire"), [(4, 21, "gap-too-wide")]),
    ("widest sensible gap", clue("open~ ..12 fire"), []),
    ("quoted phrase", clue("'open~ ..13 fire'"), [(4, 22, "gap-too-wide")]),
    ("ambiguous state", clue("Georgia"), [(4, 15, "ambiguous-state-alone")]),
    ("ambiguous state in company", clue("army of Georgia"), []),
    ("swallowed comment", clue("border clash").replace("[border clash]", "border clash #4"), [(4, 14, "yaml-comment-in-phrase")]),
    ("no test", RULE.replace(TESTS, ""), [(1, 1, "no-test")]),
    ("no test for an alert", RULE.replace("{text: x, expect: alert}", "{text: x, expect: no alert}"), [(1, 1, "no-test")]),
    ("no negative test", RULE.replace("expect: no alert", "expect: alert"), [(1, 1, "no-negative-test")]),
    ("rules that are off need no test", RULE.replace(TESTS, "status: off\n"), []),
    ("stale review", RULE + "reviewed: 2025-11-22\n", [(7, 1, "stale-review")]),
    ("fresh review", RULE + "reviewed: 2025-11-23\n", []),
    ("expired exception", RULE + "unless:\n  - {name: talks, older_than: 72h, until: 2026-11-22}\n", [(8, 36, "expired-until")]),
    ("last day of an exception", RULE + "unless:\n  - {name: talks, older_than: 72h, until: 2026-11-23}\n", []),
    ("unused list", RULE + "---\nlist: pacts\nkind: phrases\nitems: [the pact]\n", [(8, 1, "unused-list")]),
    (
        "list used by an unused list",
        RULE + "---\nlist: a\nkind: phrases\nitems: [$b]\n---\nlist: b\nkind: phrases\nitems: [b b]\n",
        [(8, 1, "unused-list"), (12, 1, "unused-list")],
    ),
    (
        "unused clue",
        "rule: border-clash\nlook_for:\n  a: {phrases: [one two]}\n  b: {phrases: [two one]}\nalert_when: {all_of: [a]}\n" + TESTS,
        [(4, 3, "unused-clue")],
    ),
    (
        "clue used by an exception",
        "rule: border-clash\nlook_for:\n  a: {phrases: [one two]}\n  b: {phrases: [two one]}\nalert_when: {all_of: [a]}\n"
        "unless:\n  - {name: drill, phrases: [a drill], within: 1 sentence, of: b}\n" + TESTS,
        [],
    ),
    (
        "wanted and not wanted",
        RULE + "alert_when: {all_of: [fighting], none_of: [fighting]}\n",
        [(7, 1, "can-never-match")],
    ),
    ("any of what is not wanted", RULE + "alert_when: {any_of: [fighting], none_of: [fighting]}\n", [(7, 1, "can-never-match")]),
    (
        "too few remain",
        RULE + "alert_when: {at_least: {n: 1, of: [fighting]}, none_of: [fighting]}\n",
        [(7, 1, "can-never-match")],
    ),
    ("nothing wanted", RULE + "alert_when: {none_of: [fighting]}\n", [(7, 1, "always-matches")]),
    (
        "more states than the list has",
        "list: two\nkind: states\nitems: [AM, AZ]\n---\nrule: border-clash\nlook_for:\n"
        "  s: {states: {at_least: 3, all_from: two}}\n" + TESTS,
        [(7, 7, "can-never-match")],
    ),
    (
        "lists without a common state",
        "list: a\nkind: states\nitems: [AM]\n---\nlist: b\nkind: states\nitems: [AZ]\n---\nrule: border-clash\nlook_for:\n"
        "  s: {states: {one_from: a, all_from: b}}\n" + TESTS,
        [(11, 7, "can-never-match")],
    ),
    (
        "phrase that is its own exception",
        RULE + "unless:\n  - {name: fire, phrases: ['exchange~  ..2 fire', other words]}\n",
        [(3, 24, "shadowed-by-unless")],
    ),
    (
        "exception for other stances",
        RULE + "unless:\n  - {name: fire, phrases: [exchange~ ..2 fire], accept: planned}\n",
        [],
    ),
    (
        "exception that needs more",
        RULE + "unless:\n  - {name: fire, phrases: [exchange~ ..2 fire], older_than: 72h}\n",
        [],
    ),
    ("language without forms", RULE + "languages: [en, hy]\n", [(7, 1, "language-without-inflector")]),
    ("silenced on the line", clue("war]  # lint-ok: phrase-too-short the desk wants it").replace("it]", "it"), []),
    (
        "silenced on the line above",
        RULE.replace("  fighting: {phrases: [exchange~ ..2 fire]}", "  # lint-ok: phrase-too-short we know\n  fighting: {phrases: [war]}"),
        [],
    ),
    ("silenced for another code", "# lint-ok: no-test none yet\n" + RULE.replace(TESTS, "reviewed: 2020-01-01\n"), [(5, 1, "stale-review")]),
    ("silenced without a reason", "# lint-ok: no-test\n" + RULE.replace(TESTS, ""), [(1, 1, "bad-suppression"), (2, 1, "no-test")]),
    ("silenced with a wrong code", "# lint-ok: no-tests yet\n" + RULE, [(1, 1, "bad-suppression")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_findings(tmp_path: Path, text: str, expected: list[tuple[int, int, str]]) -> None:
    assert found(tmp_path, text) == expected


def test_an_empty_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(RULE)
    (tmp_path / "y.yaml").write_text("\n")
    findings = lint_rules(load_rules([tmp_path]), TODAY)
    assert [(Path(finding.location.path).name, finding.code) for finding in findings] == [("y.yaml", "empty-file")]


def test_findings_read_well(tmp_path: Path) -> None:
    findings = lint_rules(load(tmp_path, clue("war")), TODAY)
    path = (tmp_path / "x.yaml").as_posix()
    assert [str(finding) for finding in findings] == [
        f"{path}:4:15: warning: war alone is in very many articles: add a word beside it [phrase-too-short]"
    ]


def source(name: str, **changes: object) -> Source:
    return Source(**{"id": name, "url": f"https://{name}.example/feed", **changes})  # type: ignore[arg-type]


def test_configuration(tmp_path: Path) -> None:
    rule_set = load(
        tmp_path,
        RULE.replace("exchange~", "exchange")
        + "languages: [en, tr]\nsources: {tags: [caucasus], not_tags: [sport]}\nsend: {to: [desk, caucasus-desc]}\n"
        "confirm: {publishers: 2, within: 10m}\nunless:\n  - {name: old, older_than: 20m}\n"
        "escalate: {if_not_acknowledged_in: 15m, to: [desk, bos]}\n",
    )
    sources = (
        source("a", language="en", tags=("caucasus",), every=timedelta(minutes=15)),
        source("b", language="tr", tags=("caucasus", "sport"), every=timedelta(minutes=1)),
        source("c", language="tr", every=timedelta(minutes=1)),
    )
    assert lint_rules(rule_set, TODAY) == ()
    findings = lint_rules(rule_set, TODAY, sources=sources, recipients=("desk", "caucasus-desk"))
    assert [(finding.location.line, finding.code, finding.message) for finding in findings] == [
        (7, "language-without-source", "no source that this rule reads is in the language tr"),
        (9, "unknown-recipient", "caucasus-desc is no recipient: did you mean caucasus-desk?"),
        (
            10,
            "window-shorter-than-poll",
            "confirm.within is shorter than the time between two polls of any source",
        ),
        (13, "unknown-recipient", "bos is no recipient: expected one of desk, caucasus-desk"),
    ]
    over_time = "  two: {look_for: {b: {phrases: [open~ fire]}}}\nin_order: {steps: [one, two], within: 10m}\n"
    for keys in (
        "rule: a-1\nsteps:\n  one: {look_for: {a: {phrases: [exchange~ fire]}}}\n" + over_time,
        "rule: a-1\nlook_for: {a: {phrases: [exchange~ fire]}}\ncount: {of: reports, at_least: 2, within: 10m}\n",
    ):
        found_codes = {one.code for one in lint_rules(load(tmp_path, keys + TESTS), TODAY, sources=sources[:1])}
        assert found_codes == {"window-shorter-than-poll"}
    undetermined = (source("d", tags=("caucasus",)),)
    codes = [finding.code for finding in lint_rules(rule_set, TODAY, sources=undetermined)]
    assert codes == []


def test_shipped_rules_lint_clean() -> None:
    rules = Path(__file__).parent.parent.parent / "rules"
    assert lint_rules(load_rules([rules]), TODAY) == ()


def test_every_code_has_a_severity() -> None:
    assert set(CODES.values()) == set(LintSeverity)
