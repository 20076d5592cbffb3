"""The workbench as it is typed: backtest, diff, nearmiss and score over archives and over a store."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.builders import article
from watcher.cli import main
from watcher.model import Extraction
from watcher.store import Store
from watcher.store.articles import ArticleKeys, ArticleStatus

RULE = """\
rule: border-clash
title: Shelling
family: clash
severity: critical
languages: [en]
look_for:
  act: {phrases: [shell~ ..3 village*]}
  pair: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
tests:
  # The first one.
  - {name: a clash, text: Azerbaijan shelled a village of Armenia. Two soldiers were killed., expect: alert}
"""
CLASH = "Azerbaijan shelled a village of Armenia. Two soldiers were killed."
NEAR = "Azerbaijan may shell a village of Armenia. Two soldiers were killed on Monday."


def line(key: str, text: str, **values: object) -> str:
    record = {"id": key, "title": f"About {key}", "text": text, "published": "2022-09-14", "lang": "en", **values}
    return json.dumps(record, ensure_ascii=False) + "\n"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one rule and a small archive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATCHER_CONFIG", raising=False)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "clash.yaml").write_text(RULE, encoding="utf-8")
    lines = [line("clash", CLASH), line("near", NEAR), line("calm", "The weather was fine.", published="2022-09-20")]
    (tmp_path / "old.jsonl").write_text("".join(lines), encoding="utf-8")
    return tmp_path


def run(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    try:
        main(["rules", *words])
        code: int | str | None = 0
    except SystemExit as error:
        code = error.code
    said = capsys.readouterr()
    return int(code or 0), said.out, said.err


def run_json(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    code, out, _ = run(*words, "--format", "json", "--jobs", "1", capsys=capsys)
    return code, json.loads(out)


def test_backtest(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("backtest", "old.jsonl", "--jobs", "2", capsys=capsys)
    assert (code, err) == (0, "")
    assert "Alerts per day" in out
    assert "2022-09-14" in out
    assert out.endswith("3 articles: 1 signal, 1 event, 1 alert\n")


def test_backtest_as_json(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run_json("backtest", "old.jsonl", "--expect", "border-clash==1", capsys=capsys)
    [alert] = found.pop("alerts")
    assert (code, alert["article"], alert["rules"], alert["changes"]) == (0, "clash", ["border-clash"], ["opened"])
    assert found == {
        "articles": 3,
        "undated": 0,
        "unusable": [],
        "rules": [{"rule": "border-clash", "status": "stable", "signals": 1, "events": 1, "alerts": 1}],
        "days": [{"day": "2022-09-14", "alerts": {"border-clash": 1}}],
        "waiting": [],
        "expectations": [{"rule": "border-clash", "expected": "border-clash==1", "alerts": 1, "met": True}],
    }


def test_expectations_decide_how_it_ends(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("backtest", "old.jsonl", "--jobs", "1", "--expect", "border-clash>=1", "--expect", "*>1")
    code, out, _ = run(*words, "--junit", "out.xml", capsys=capsys)
    assert code == 1
    assert "PASS border-clash: expected >= 1 alerts, found 1\nFAIL border-clash: expected > 1 alerts, found 1\n" in out
    assert ElementTree.parse(desk / "out.xml").getroot()[0].get("failures") == "1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--expect", "border>=1"), "no rule is called border"),
        (("--expect", "border"), "expected a rule, a comparison and a number"),
        (("--since", "yesterday"), "expected a duration like 30d or a date like"),
    ],
)
def test_what_is_typed_wrong_is_said(
    desk: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    code, _, err = run("backtest", "old.jsonl", *words, capsys=capsys)
    assert code == 2
    assert message in " ".join(err.replace("│", " ").split())


def test_unusable_lines_are_named(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "old.jsonl").write_text("[]\n" * 30 + line("clash", CLASH), encoding="utf-8")
    code, out, err = run("backtest", "old.jsonl", "--jobs", "1", capsys=capsys)
    assert code == 1
    assert out.endswith("1 article: 1 signal, 1 event, 1 alert\n")
    assert err.splitlines()[0] == "old.jsonl:1: expected an object with id, title and text, found []"
    assert err.splitlines()[20:] == ["30 lines could not be used, the first 20 are named; all others were"]


@pytest.mark.parametrize("name", ["alerts.png", "alerts.svg"])
def test_plot(desk: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    pytest.importorskip("matplotlib")
    assert run("backtest", "old.jsonl", "--jobs", "1", "--plot", name, capsys=capsys)[0] == 0
    body = (desk / name).read_bytes()
    assert body.startswith(b"\x89PNG") if name.endswith("png") else b"<svg" in body
    nothing = ("backtest", "old.jsonl", "--jobs", "1", "--since", "2022-09-15", "--plot", name)
    assert run(*nothing, capsys=capsys)[0] == 0


def test_a_plot_has_a_format(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("backtest", "old.jsonl", "--jobs", "1", "--plot", "alerts.doc", capsys=capsys)
    assert (code, err) == (1, "watcher: alerts.doc: expected a name that ends in .png or .svg\n")


def test_diff(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wider = RULE.replace("shell~ ..3 village*]", "shell~ ..3 village*], accept: [happened, possible]")
    (desk / "wider.yaml").write_text(wider, encoding="utf-8")
    code, out, _ = run("diff", "wider.yaml", "old.jsonl", "--jobs", "1", capsys=capsys)
    # One event of one newsroom: the second article is a repetition and no alert.
    assert (code, out) == (0, "3 articles: 0 alerts gained, 0 lost\n")
    (desk / "old.jsonl").write_text(line("near", NEAR), encoding="utf-8")
    code, out, _ = run("diff", "wider.yaml", "old.jsonl", "--jobs", "1", capsys=capsys)
    assert code == 1
    assert out == (
        "+ border-clash  2022-09-14  near  About near\n    silent now: missing act\n1 article: 1 alert gained, 0 lost\n"
    )
    code, found = run_json("diff", "rules", "old.jsonl", "--rules", "wider.yaml", capsys=capsys)
    assert (code, found["gained"], found["lost"]) == (1, 0, 1)
    assert (found["differences"][0]["side"], found["differences"][0]["why"]) == ("lost", "missing act")


def test_nearmiss(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("nearmiss", "old.jsonl", "--rule", "border-clash", "--jobs", "1", capsys=capsys)
    assert code == 0
    assert out == (
        "2022-09-14  near  About near\n"
        "    border-clash: clue act: 0 found\n"
        "        “shell a village”: possible, and only happened counts (cue “may”)\n"
        "        Azerbaijan may shell a village of Armenia.\n"
        "3 articles: 1 near miss\n"
        "  1 border-clash: clue act\n"
    )
    code, found = run_json("nearmiss", "old.jsonl", capsys=capsys)
    assert (code, found["articles"], found["found"]) == (0, 3, 1)
    assert found["near_misses"][0]["names"] == ["act"]


OVER_TIME = """\
rule: ties-then-call-up
languages: [en]
steps:
  ties_broken:
    look_for:
      act: {phrases: [recall~ ..4 ambassador*]}
      pair: {states: {at_least: 2}}
  call_up:
    look_for:
      act: {phrases: [order~ ..3 mobili(s|z)ation]}
      pair: {states: {at_least: 1}}
in_order: {steps: [ties_broken, call_up], within: 10d, sharing: a state}
tests:
  - name: in order
    stream:
      - {at: +0d, text: Iran recalled its ambassador from Armenia.}
      - {at: +3d, text: Iran ordered full mobilisation.}
    expect: alert
"""


def test_near_misses_of_rules_over_several_articles(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "rules" / "over.yaml").write_text(OVER_TIME)
    lines = [
        line("ties", "Iran may recall its ambassador from Armenia."),
        line("whole", "Iran recalled its ambassador from Armenia."),
        line("call", "The general ordered a mobilisation."),
    ]
    (desk / "over.jsonl").write_text("".join(lines))
    words = ("nearmiss", "over.jsonl", "--rule", "ties-then-call-up")
    code, out, _ = run(*words, "--jobs", "1", capsys=capsys)
    assert code == 0
    assert "    ties-then-call-up, step ties_broken: clue act: 0 found\n" in out
    assert out.endswith(
        "3 articles: 2 near misses\n"
        "  1 ties-then-call-up, step call_up: clue pair\n"
        "  1 ties-then-call-up, step ties_broken: clue act\n"
    )
    _, found = run_json(*words, capsys=capsys)
    assert [(one["rule"], one["step"]) for one in found["near_misses"]] == [
        ("ties-then-call-up", "ties_broken"),
        ("ties-then-call-up", "call_up"),
    ]
    code, _, err = run(*words, "--save-test", "whole", "--expect", "alert", capsys=capsys)
    assert (code, "write a test with stream" in err) == (1, True)
    assert (desk / "rules" / "over.yaml").read_text() == OVER_TIME
    code, out, _ = run(*words, "--save-test", "whole", capsys=capsys)
    assert (code, out.endswith("it passes\n")) == (0, True)
    assert "    missing: [call_up]\n" in (desk / "rules" / "over.yaml").read_text()


def test_nearmiss_of_no_rule(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("nearmiss", "old.jsonl", "--rule", "border-clashes", capsys=capsys)
    assert code == 1
    assert "did you mean border-clash?" in err


def test_a_near_miss_becomes_a_test(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("nearmiss", "old.jsonl", "--rule", "border-clash", "--save-test", "near")
    code, out, _ = run(*words, "--expect", "alert", capsys=capsys)
    assert code == 0
    assert out == (
        "rules/clash.yaml:13:5: added the test “article near of 2022-09-14”, which expects alert\n"
        "it fails for now: got no alert (missing act)\n"
    )
    assert (desk / "rules" / "clash.yaml").read_text(encoding="utf-8") == RULE + (
        '  - name: "article near of 2022-09-14"\n'
        '    title: "About near"\n'
        "    text: |-\n"
        f"      {NEAR}\n"
        "    published: 2022-09-14T00:00:00Z\n"
        "    expect: alert\n"
    )
    assert run("test", capsys=capsys)[0] == 1
    code, _, err = run(*words, capsys=capsys)
    assert (code, err) == (1, "watcher: border-clash has that test already: article near of 2022-09-14\n")
    (desk / "rules" / "clash.yaml").write_text(RULE, encoding="utf-8")
    assert run(*words, capsys=capsys)[1].endswith("which expects no alert\nit passes\n")
    assert run("test", capsys=capsys)[0] == 0
    code, _, err = run(*words[:-1], "nowhere", capsys=capsys)
    assert (code, err) == (1, "watcher: there is no article nowhere in old.jsonl\n")


def test_score(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labelled = [line("clash", CLASH, labels=["C"], states=["AM", "AZ"]), line("near", NEAR, labels=["C"]), "[]\n"]
    (desk / "labelled.jsonl").write_text("".join(labelled), encoding="utf-8")
    code, out, err = run("score", "labelled.jsonl", capsys=capsys)
    assert code == 0
    assert "parties exactly right on hits: 1 of 1, 100%" in out
    assert "MISS clash near (en) About near\n    border-clash: missing act" in out
    assert "labelled.jsonl:3: expected an object" in err
    code, out, _ = run("score", "labelled.jsonl", "--format", "json", capsys=capsys)
    found = json.loads(out)
    assert code == 0
    assert found["all"]["micro"] == {
        "hits": 1, "false_alarms": 0, "misses": 1, "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3),
    }  # fmt: skip
    assert [one["article"] for one in found["mistakes"]] == ["near"]


def test_the_store_is_a_history(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    with Store.open(desk / "watcher.db", exclusive=True) as store, store.transaction():
        for number, (text, extraction, status, age) in enumerate(
            [
                (CLASH, Extraction.FULL, ArticleStatus.EVALUATED, 1),
                (CLASH, Extraction.FULL, ArticleStatus.BASELINE, 1),
                (CLASH, Extraction.FULL, ArticleStatus.EVALUATED, 90),
                ("", Extraction.FULL, ArticleStatus.EVALUATED, 1),  # pruned
                ("", Extraction.TITLE, ArticleStatus.EVALUATED, 1),
            ]
        ):
            at = now - timedelta(days=age)
            one = article(id=f"a-{number}", text=text, extraction=extraction, published_at=at, first_seen_at=at)
            store.articles.insert(one, ArticleKeys("courier", guid=str(number)), status=status)
    (desk / "config.toml").write_text('[store]\npath = "watcher.db"\n[rules]\npaths = ["rules"]\n', encoding="utf-8")
    code, found = run_json("backtest", capsys=capsys)
    assert (code, found["articles"], [one["article"] for one in found["alerts"]]) == (0, 2, ["a-0"])
    code, found = run_json("backtest", "--since", "120d", capsys=capsys)
    assert (code, found["articles"], [one["article"] for one in found["alerts"]]) == (0, 3, ["a-2", "a-0"])


def test_a_reader_that_goes_away_is_no_fault(desk: Path) -> None:
    lines = "".join(line(f"near-{number}", f"{NEAR} {number}") for number in range(3000))
    (desk / "old.jsonl").write_text(lines, encoding="utf-8")
    command = [sys.executable, "-m", "watcher", "rules", "nearmiss", "old.jsonl", "--limit", "0", "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=desk) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(60)
        assert process.stderr.read() == b""
