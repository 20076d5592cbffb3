"""The commands as people type them: what they print, and their exit codes."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from watcher.cli import main

Run = Callable[..., tuple[int, str, str]]

STORY = (
    "Yerevan had invoked Article four of the Collective Security Treaty, its prime minister said. "
    "Clashes between Armenian and Azerbaijani troops left dozens of soldiers dead."
)

SIX_MISTAKES = """\
rule: border-deaths
title: People killed between two states
severty: warning
languages: [en]
status: stabel
look_for:
  fighting: {phrases: [$clash_wrods]}
  deaths: {kiled: {at_least: 1}}
  two_states: {states: {at_least: two}}
close_together:
  - {clues: [figthing, deaths], within: 2 sentences}
---
list: clash_words
kind: phrases
items: [exchange of fire]
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATCHER_CONFIG", raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def articles(*texts: str) -> str:
    lines = [
        json.dumps({"id": f"a{number}", "title": "", "text": text, "published": "2022-09-14", "lang": "en", "more": 1})
        for number, text in enumerate(texts)
    ]
    return "\n".join(lines) + "\n"


def test_match_writes_a_line_for_each_signal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(articles("Nothing happened.", STORY))
    code, out, err = run(
        "match", "--rules", CHECKOUT / "rules" / "treaty.yaml", "--rules", CHECKOUT / "rules" / "lists", "in.jsonl"
    )
    assert (code, err) == (0, "")
    (signal,) = map(json.loads, out.splitlines())
    matches = signal.pop("matches")
    assert signal == {
        "article": "a1",
        "rule": "csto-article-4-invoked",
        "family": "treaty",
        "severity": "critical",
        "states": ["AM", "AZ"],
        "killed": {"at_least": 12, "vague": True},
        "injured": None,
    }
    assert all(STORY[match["start"] : match["end"]] == match["text"] for match in matches)
    assert {match["field"] for match in matches} == {"text"}
    assert {match["clue"] for match in matches} == {"invocation", "two_states", "deaths"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_match_names_unusable_lines_and_does_the_others(run: Run, tmp_path: Path, jobs: int) -> None:
    good = articles(STORY).strip()
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(f"{good}\nnot json\n\n[1]\n{good}\n".encode()))
    code, out, err = run("match", "--rules", CHECKOUT / "rules", "--jobs", jobs, "in.jsonl.gz")
    assert code == 1
    assert sum(json.loads(line)["rule"] == "csto-article-4-invoked" for line in out.splitlines()) == 2
    assert err.splitlines()[0].startswith("in.jsonl.gz:2: not JSON")
    assert err.splitlines()[1].startswith("in.jsonl.gz:4: ")
    assert "2 lines could not be used" in err


def test_match_refuses_wrong_rules_before_it_reads(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(SIX_MISTAKES)
    code, out, err = run("match", "--rules", "bad.yaml", "no-such-file")
    assert (code, out) == (2, "")
    assert err.count("bad.yaml:") == 6


def test_six_mistakes_are_six_errors_with_place_and_nearest_word(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(SIX_MISTAKES)
    code, out, _ = run("rules", "check", "bad.yaml")
    assert code == 2
    errors = [line for line in out.splitlines() if re.match(r"bad\.yaml:\d+:\d+: error: ", line)]
    assert [tuple(map(int, line.split(":")[1:3])) for line in errors] == [
        (3, 1), (5, 9), (7, 24), (8, 12), (9, 35), (11, 14),
    ]  # fmt: skip
    for line, word in zip(errors, ("severity", "stable", "clash_words", "killed", "2", "fighting"), strict=True):
        assert word in line.split("error: ")[1]


@pytest.mark.parametrize("command", ["run", "check"])
def test_wrong_rules_stop_the_start_with_every_mistake(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "bad.yaml").write_text(SIX_MISTAKES)
    (tmp_path / "config.toml").write_text('[rules]\npaths = ["rules"]\n')
    code, _, err = run(command, "--config", "config.toml")
    assert code == 2
    assert sum(bool(re.match(r".*bad\.yaml:\d+:\d+: ", line)) for line in err.splitlines()) == 6


def test_wrong_configuration_stops_the_start_with_every_mistake(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[htpp]\ntimeout = "20s"\n[store]\npth = "x"\n')
    code, _, err = run("run", "--once", "--config", "config.toml")
    assert code == 2
    assert "config.toml:1:" in err
    assert "did you mean http?" in err
    assert "did you mean path?" in err


def test_check_as_json_and_for_github(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(SIX_MISTAKES)
    code, out, _ = run("rules", "check", "bad.yaml", "--format", "json")
    assert code == 2
    assert json.loads(out)[0]["line"] == 3
    code, out, _ = run("rules", "check", "bad.yaml", "--format", "github")
    assert code == 2
    assert out.startswith("::error file=bad.yaml,line=3,col=1,")


def test_lint_findings_are_exit_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thin.yaml").write_text("rule: thin-rule\nlook_for:\n  a: {phrases: [exchange of fire]}\n")
    code, out, _ = run("rules", "check", "--rules", "thin.yaml")
    assert code == 1
    assert "no-test" in out


def test_rules_test_says_which_clue_failed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "rule: fire-exchanged\nlanguages: [en]\nlook_for:\n  fire: {phrases: [exchange~ fire]}\ntests:\n"
        "  - {text: Troops exchanged fire., expect: alert}\n  - {name: wrong, text: Troops may exchange fire., expect: alert}\n"
    )
    code, out, _ = run("rules", "test", "r.yaml")
    assert code == 1
    assert "PASS fire-exchanged: test 1" in out
    assert "FAIL fire-exchanged: wrong" in out
    assert "r.yaml:7:" in out
    assert "possible" in out
    assert "1 passed, 1 failed" in out


def test_the_shipped_rules_hold_and_are_clean(run: Run) -> None:
    code, out, _ = run("rules", "test", CHECKOUT / "rules")
    assert (code, "0 failed" in out) == (0, True)
    code, out, _ = run("rules", "check", CHECKOUT / "rules")
    assert code == 0, out


def test_explain_shows_the_tree(run: Run, tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text(STORY.replace("had invoked", "had not invoked"))
    code, out, _ = run(
        "rules", "explain", "story.txt", "--rules", CHECKOUT / "rules", "--rule", "csto-article-4-invoked"
    )
    assert code == 0
    assert "FAIL clue invocation" in out
    assert "denied" in out
    assert "PASS clue deaths" in out
    code, _, err = run("rules", "explain", "story.txt", "--rules", CHECKOUT / "rules", "--rule", "csto-article-4")
    assert code == 1
    assert "csto-article-4-invoked" in err


def test_schema_is_json(run: Run) -> None:
    code, out, _ = run("rules", "schema")
    assert code == 0
    assert json.loads(out)["title"]


def test_forms(run: Run) -> None:
    _, out, _ = run("rules", "forms", "invoke", "recall~")
    assert out.splitlines() == [
        "invoke~ (en): invoke, invoked, invokes, invoking",
        "recall~ (en): recall, recalled, recalling, recalls",
    ]


def test_extract_and_feed_exit_codes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        f"<html lang='en'><head><title>Help</title></head><body><article><h1>Help</h1><p>{STORY}</p><p>{STORY}</p></article></body></html>"
    )
    (tmp_path / "feed.xml").write_text(
        "<rss version='2.0'><channel><title>x</title><item><title>One</title><link>https://a.example/1</link>"
        "<guid>g1</guid><pubDate>Wed, 14 Sep 2022 14:39:00 GMT</pubDate><description>&lt;b&gt;Two&lt;/b&gt;</description>"
        "</item></channel></rss>"
    )
    code, out, _ = run("extract", "page.html")
    assert code == 0
    assert json.loads(out).keys() == {"input", "title", "text", "published", "lang"}
    code, out, _ = run("feed", "feed.xml")
    assert code == 0
    assert json.loads(out) == {
        "input": "feed.xml",
        "id": "g1",
        "url": "https://a.example/1",
        "title": "One",
        "published": "2022-09-14T14:39:00+00:00",
        "summary": "Two",
    }
    code, _, err = run("feed", "page.html", "feed.xml", "missing.xml")
    assert code == 1
    assert "page.html" in err
    assert "missing.xml" in err
    (tmp_path / "empty.html").write_text("<html><body><nav>Home</nav></body></html>")
    assert run("extract", "empty.html")[0] == 1


def test_many_feeds_in_several_processes_keep_their_order(run: Run, tmp_path: Path) -> None:
    names = [f"{number}.xml" for number in range(900)]
    for number, name in enumerate(names):
        item = f"<item><title>Item {number}</title><link>/{number}</link></item>"
        (tmp_path / name).write_text("no feed" if number == 450 else f"<rss><channel>{item}</channel></rss>")
    code, out, err = run("feed", *names)
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (1, "450.xml: neither rss nor atom nor json feed\n")
    assert [line["input"] for line in lines] == names[:450] + names[451:]
    assert [line["url"] for line in lines[:2]] == ["/0", "/1"]  # nobody knows of which site


def test_commands_that_need_a_configuration_say_so(run: Run) -> None:
    code, _, err = run("status")
    assert code == 2
    assert "--config" in err


def test_a_store_that_is_not_there_yet(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    code, _, err = run("status")
    assert code == 1
    assert "no store" in err


def test_status_alerts_sources_and_outbox_after_a_run(run: Run, tmp_path: Path) -> None:
    feed = tmp_path / "unreachable"
    (tmp_path / "config.toml").write_text(
        f'[[sources]]\nid = "gone"\nurl = "http://{feed.name}.invalid/feed"\n[[recipients]]\nid = "me"\nchannel = "console"\n'
    )
    assert run("run", "--once")[0] == 0
    code, out, _ = run("status")
    assert code == 1
    assert "1 in trouble" in out
    code, out, _ = run("status", "--format", "json")
    assert json.loads(out)["sources_failing"] == ["gone"]
    code, out, _ = run("sources", "--format", "json")
    assert code == 1
    assert json.loads(out)[0]["state"] == "unreachable"
    assert run("alerts", "--format", "json")[:2] == (0, "[]\n")
    assert run("outbox", "--format", "json")[:2] == (0, "[]\n")
    code, _, err = run("alerts", "show", "nothing")
    assert (code, err) == (1, "watcher: there is no alert nothing\n")


@pytest.mark.shared_data
def test_the_seed_article(run: Run, shared_data: Path, tmp_path: Path) -> None:
    text = (shared_data / "seed-article.txt").read_text(encoding="utf-8")
    line = {"id": "seed", "title": "", "text": text, "published": "2022-09-14T14:39:00Z", "lang": "en"}
    (tmp_path / "seed.jsonl").write_text(json.dumps(line))
    code, out, _ = run("match", "--rules", CHECKOUT / "rules", "seed.jsonl")
    assert code == 0
    by_rule = {signal["rule"]: signal for signal in map(json.loads, out.splitlines())}
    signal = by_rule["csto-article-4-invoked"]
    assert signal["states"] == ["AM", "AZ"]
    assert signal["killed"] == {"at_least": 12, "vague": True}
    assert any("Article four" in match["text"] for match in signal["matches"])
    assert all(text[match["start"] : match["end"]] == match["text"] for match in signal["matches"])
