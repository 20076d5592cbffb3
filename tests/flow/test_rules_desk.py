"""The commands for those who write rules, as they type them: check, explain, schema, new."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from tests.conftest import CHECKOUT
from watcher.cli import main
from watcher.cli.explaining import styled_line
from watcher.store import Store
from watcher.store.articles import ArticleKeys

Run = Callable[..., tuple[int, str, str]]

RULE = """\
rule: fire-exchanged
title: Fire across a border
languages: [en]
look_for:
  fire: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
tests:
  - {text: Thai and Cambodian troops exchanged fire., expect: alert}
  - {text: Thai and Cambodian troops have not exchanged fire., expect: no alert}
"""
STORY = "Thai and Cambodian troops exchanged fire on Friday."


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in an empty folder, with what is typed at it: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATCHER_CONFIG", raising=False)

    def call(*arguments: object, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8"))
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# check


def test_check_underlines_the_word(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path, "x.yaml", RULE.replace("[exchange~ ..2 fire]", '["日本 ..x fire", $lsit]').replace("title", "titel")
    )
    code, out, _ = run("rules", "check", "x.yaml")
    assert code == 2
    assert out.splitlines() == [
        "x.yaml:2:1: error: unknown key titel: did you mean title? [unknown-key]",
        "    2 | titel: Fire across a border",
        "      | ^^^^^",
        "x.yaml:5:24: error: look_for.fire.phrases: expected a number of words after .. , like ..4 [phrase-syntax]",
        '    5 |   fire: {phrases: ["日本 ..x fire", $lsit]}',
        "      |                          ^^^",
        "x.yaml:5:35: error: look_for.fire.phrases: lsit is no list, and none is defined [unknown-list]",
        '    5 |   fire: {phrases: ["日本 ..x fire", $lsit]}',
        "      |                                     ^^^^^",
        "3 errors",
    ]


def test_check_shows_a_part_of_a_long_line(run: Run, tmp_path: Path) -> None:
    phrases = ", ".join(f"exchange of fire number {number} in the north" for number in range(20))
    write(tmp_path, "x.yaml", RULE.replace("exchange~ ..2 fire", f"{phrases}, open ..13 fire, {phrases}"))
    _, out, _ = run("rules", "check", "x.yaml")
    _, line, underline, _ = out.splitlines()
    assert len(line) < 130
    assert line[8] == line[-1] == "…"
    assert line[underline.index("^") : underline.rindex("^") + 1] == "..13"


def test_check_without_findings_and_with_hints_only(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "x.yaml", RULE)
    assert run("rules", "check", "x.yaml") == (0, "1 rule, 0 lists, 1 file: nothing to complain of\n", "")
    assert run("rules", "check", "x.yaml", "--format", "json") == (0, "[]\n", "")
    assert run("rules", "check", "x.yaml", "--format", "github") == (0, "", "")
    write(tmp_path, "x.yaml", RULE + "---\nlist: a\nkind: phrases\nitems: [b c]\n")
    code, out, _ = run("rules", "check", "x.yaml")
    assert code == 0
    assert out.endswith("1 rule, 1 list, 1 file: 1 hint\n")


def test_check_as_json(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "x.yaml", RULE.replace("exchange~ ..2 fire", "war"))
    code, out, _ = run("rules", "check", "x.yaml", "--format", "json")
    assert code == 1
    assert json.loads(out) == [
        {
            "path": "x.yaml",
            "line": 5,
            "column": 20,
            "end_column": 23,
            "code": "phrase-too-short",
            "severity": "warning",
            "message": "war alone is in very many articles: add a word beside it",
        }
    ]


def test_check_for_github_is_escaped(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path,
        "a,b:c.yaml",
        RULE.replace("severity", "x") + "status: 100%\n---\nlist: a\nkind: phrases\nitems: [b c]\n",
    )
    code, out, _ = run("rules", "check", "a,b:c.yaml", "--format", "github")
    assert code == 2
    assert out.startswith(
        "::error file=a%2Cb%3Ac.yaml,line=10,col=9,endColumn=13,title=invalid::status: 100%25 is no status"
    )
    write(tmp_path, "a,b:c.yaml", RULE + "---\nlist: a\nkind: phrases\nitems: [b c]\n")
    assert run("rules", "check", "a,b:c.yaml", "--format", "github")[1].startswith(
        "::notice file=a%2Cb%3Ac.yaml,line=11,"
    )


def test_check_forms_go_with_text_only(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "x.yaml", RULE)
    assert "exchange~ (en): exchange, exchanged" in run("rules", "check", "x.yaml", "--forms")[1]
    code, _, err = run("rules", "check", "x.yaml", "--forms", "--format", "json")
    assert code == 2
    assert "rules forms" in err


def test_check_prints_nothing_that_a_terminal_obeys(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "x.yaml", RULE.replace("title: Fire", "titel: \x1b[31mFire\u202e"))
    code, out, _ = run("rules", "check", "x.yaml")
    assert code == 2
    assert not re.search("[\x1b\u202e]", out)


def test_check_needs_no_source_where_none_is_configured(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "rules/x.yaml", RULE)
    write(tmp_path, "config.toml", '[rules]\npaths = ["rules"]\n')
    assert run("rules", "check")[0] == 0
    write(
        tmp_path,
        "config.toml",
        '[rules]\npaths = ["rules"]\n[[sources]]\nid = "a"\nurl = "https://a.example/"\nlanguage = "fr"\n',
    )
    code, out, _ = run("rules", "check")
    assert code == 1
    assert "[language-without-source]" in out
    code, out, _ = run("check")
    assert code == 0
    (said,) = [line for line in out.splitlines() if "can see nothing" in line or "source is in" in line]
    assert re.search(r"x\.yaml:\d+:\d+: warning: rule \S+ can see nothing: no source is in en$", said), out


# explain

CONFIG = """\
[rules]
paths = ["rules"]
[[recipients]]
id = "asia"
channel = "console"
states = ["TH"]
[[recipients]]
id = "africa"
channel = "console"
states = ["SD"]
"""


def test_explain_says_what_comes_after(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "rules/x.yaml", RULE)
    write(tmp_path, "story.txt", STORY)
    code, out, _ = run("rules", "explain", "story.txt", "--now", "2026-11-20")
    assert code == 0
    assert out.splitlines()[0].endswith("language en, without a date; judged as of 2026-11-20 00:00 UTC")
    assert out.endswith("    recipients: not known without a configuration; name it with --config\n")
    write(tmp_path, "config.toml", CONFIG)
    _, out, _ = run("rules", "explain", "story.txt", "--now", "2026-11-20")
    assert "      YES asia (console): at once\n" in out
    assert "      NO  africa (console): it follows only the states SD, and this names KH and TH\n" in out


def test_explain_knows_the_open_events_of_the_store(run: Run, tmp_path: Path) -> None:
    from tests.builders import event, report

    write(tmp_path, "rules/x.yaml", RULE)
    write(tmp_path, "config.toml", CONFIG)
    write(tmp_path, "story.txt", STORY)
    now = datetime(2026, 11, 20, tzinfo=UTC)
    known = event(id="e1", rule_id="fire-exchanged", rule_ids=("fire-exchanged",), states=("KH", "TH"),
                  opened_at=now, last_seen_at=now, reports=(report(published_at=now),))  # fmt: skip
    with Store.open(tmp_path / "watcher.db", exclusive=True) as store, store.transaction():
        store.events.save(known)
    _, out, _ = run("rules", "explain", "story.txt", "--now", "2026-11-20T06:00Z", "--format", "json")
    [rule] = json.loads(out)["rules"]
    assert rule["afterwards"]["event"]["id"] == "e1"
    assert rule["afterwards"]["event"]["reason"] == "joins an open event: the same states: KH, TH"
    _, out, _ = run("rules", "explain", "story.txt", "--now", "2026-11-22", "--format", "json")
    assert json.loads(out)["rules"][0]["afterwards"]["event"]["joins"] is False


STEPS = """\
rule: recalled-then-mobilised
title: Ambassador recalled, then mobilisation
languages: [en]
steps:
  recalled:
    look_for: {recall: {phrases: [recall~ ..4 ambassador*]}, pair: {states: {at_least: 2}}}
  mobilised:
    look_for: {call_up: {phrases: [order~ ..3 mobili(s|z)ation]}, one: {states: {at_least: 1}}}
in_order: {steps: [recalled, mobilised], within: 10d, sharing: a state}
"""


def test_explain_knows_the_steps_that_came_before(run: Run, tmp_path: Path) -> None:
    from tests.builders import article
    from tests.core.rule_files import compiled
    from watcher.match import match_article
    from watcher.sequence import past_of

    write(tmp_path, "rules/x.yaml", STEPS)
    write(tmp_path, "second.txt", "Thailand ordered partial mobilisation on Monday.")
    code, out, _ = run("rules", "explain", "second.txt", "--now", "2026-11-20")
    assert code == 0
    assert "\nrecalled-then-mobilised: waiting, " in out
    assert "AFTERWARDS" not in out
    at = datetime.now(UTC) - timedelta(days=2)
    first = article(
        id="first", title="", text="Thailand recalled its ambassador from Cambodia.", published_at=at, first_seen_at=at
    )
    rules = compiled(STEPS)
    [partial] = match_article(rules, first).partial
    write(tmp_path, "config.toml", CONFIG)
    with Store.open(tmp_path / "watcher.db", exclusive=True) as store, store.transaction():
        store.articles.insert(first, ArticleKeys(source_id="courier", url=first.url, guid=None))
        store.events.watch(rules.over_time, at)
        store.events.remember(past_of(partial, first, ()))
    _, out, _ = run("rules", "explain", "second.txt")
    assert "\nrecalled-then-mobilised: signal, " in out
    assert "      YES asia (console): at once\n" in out
    _, out, _ = run("rules", "explain", "second.txt", "--format", "html")
    assert re.search(r'<mark class="c\d" title="call_up: happened">ordered partial mobilisation</mark>', out)


def test_the_json_is_the_documented_one(run: Run, tmp_path: Path) -> None:
    """Every key of docs/commands.md is there and no other."""
    write(tmp_path, "rules/x.yaml", RULE + "escalate: {if_not_acknowledged_in: 15m, to: asia}\n")
    write(tmp_path, "config.toml", CONFIG)
    write(tmp_path, "story.txt", STORY)
    _, out, _ = run("rules", "explain", "story.txt", "--now", "2026-11-20", "--format", "json")
    page = (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8")
    [documented] = re.findall(r"^```json\n(\{\n  \"article\".*?)^```$", page, re.DOTALL | re.MULTILINE)

    def keys(value: object, path: str = "") -> set[str]:
        if isinstance(value, list):
            return {key for item in value for key in keys(item, path)}
        if not isinstance(value, dict):
            return set()
        found = {f"{path}.{key}" for key in value}
        for key, inner in value.items():
            # The tree repeats itself below its children.
            found |= keys(inner, path if key == "children" else f"{path}.{key}")
        return found

    optional = {key for key in keys(json.loads(documented)) if ".toll." in key}  # this rule counts nobody
    assert keys(json.loads(out)) | optional == keys(json.loads(documented))


def test_explain_a_rule_that_is_off_and_one_that_is_not_there(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "rules/x.yaml", RULE + "status: off\n")
    write(tmp_path, "config.toml", CONFIG)
    write(tmp_path, "story.txt", STORY)
    code, out, _ = run("rules", "explain", "story.txt", "--rule", "fire-exchanged")
    assert code == 0
    assert "    status: off: the daemon does not look at this rule\n" in out
    assert "      NO  asia (console): would hear it if the rule were stable; it is off\n" in out
    code, _, err = run("rules", "explain", "story.txt", "--rule", "fire-exchange")
    assert code == 1
    assert "did you mean fire-exchanged?" in err


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("gone.txt", None, "gone.txt is no file here"),
        ("empty.txt", "\n", "empty.txt holds no text"),
        ("a.json", "{}", "a.json: "),
        ("bad.json", "{nothing", "bad.json: "),
    ],
)
def test_explain_says_what_cannot_be_read(run: Run, tmp_path: Path, name: str, body: str | None, says: str) -> None:
    write(tmp_path, "rules/x.yaml", RULE)
    if body is not None:
        write(tmp_path, name, body)
    code, out, err = run("rules", "explain", name)
    assert (code, out) == (1, "")
    assert says in err


def test_explain_takes_json_over_several_lines_and_half_characters(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "rules/x.yaml", RULE)
    text = json.dumps({"id": "a", "title": "\ud800 \x1b[31m", "text": STORY, "lang": "en"}, indent=2)
    write(tmp_path, "a.json", text)
    for output in ("text", "json", "html"):
        code, out, _ = run("rules", "explain", "a.json", "--format", output)
        assert code == 0
        assert not re.search("[\x1b\ud800]", out)
    assert run("rules", "explain", "a.json", "--now", "yesterday")[0] == 2


def test_explain_writes_to_a_file(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "rules/x.yaml", RULE)
    write(tmp_path, "story.txt", STORY)
    for output, start in (("text", "“Thai"), ("json", "{"), ("html", "<!doctype html>")):
        assert run("rules", "explain", "story.txt", "--format", output, "--out", "out")[:2] == (0, "")
        assert (tmp_path / "out").read_text(encoding="utf-8").startswith(start)
    assert run("rules", "explain", "story.txt", "--out", "no/such/folder")[0] == 1


def test_colours_stand_on_a_terminal_only() -> None:
    for is_terminal in (True, False):
        out = io.StringIO()
        Console(file=out, force_terminal=is_terminal, color_system="standard" if is_terminal else None).print(
            styled_line("  FAIL clue x: \x1b[31m[bold]")
        )
        assert ("\x1b[" in out.getvalue()) == is_terminal
        assert "\ufffd[31m[bold]" in out.getvalue()


def test_the_page_in_a_real_browser(run: Run, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    write(tmp_path, "rules/x.yaml", RULE)
    write(tmp_path, "config.toml", CONFIG)
    hostile = '</style></p><script>document.title="taken"</script><img src=x onerror=document.title="taken">'
    text = f"{STORY} قال الجيش إن الهدوء عاد. {hostile} They might exchange fire."
    record = {"id": "a", "title": f"Fire {hostile}", "text": text, "lang": "en", "published": "2026-11-20"}
    write(tmp_path, "a.json", json.dumps(record))
    assert run("rules", "explain", "a.json", "--format", "html", "--out", "page.html")[0] == 0
    done = subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            (tmp_path / "page.html").as_uri(),
        ],
        capture_output=True,
        timeout=90,
    )
    dom = done.stdout.decode()
    assert "<script" not in dom
    assert "<img" not in dom
    assert "<title>Fire &lt;/style&gt;" in dom
    assert re.search(r'<mark class="c0" title="fire: happened">exchanged fire</mark>', dom)
    assert re.search(r'<mark class="no" title="fire: possible; not counted[^"]*">exchange fire</mark>', dom)
    assert "قال الجيش" in dom
    assert "it follows only the states SD" in dom


# schema


def test_schema_as_a_file(run: Run, tmp_path: Path) -> None:
    code, out, err = run("rules", "schema", "--out", "rules.schema.json")
    assert (code, out) == (0, "")
    assert "# yaml-language-server: $schema=rules.schema.json" in err
    assert json.loads((tmp_path / "rules.schema.json").read_text(encoding="utf-8")) == json.loads(
        run("rules", "schema")[1]
    )
    assert run("rules", "schema", "--out", "no/such/folder/x")[0] == 1
    write(tmp_path, "x.yaml", f"# yaml-language-server: $schema=rules.schema.json\n{RULE}")
    assert run("rules", "check", "x.yaml")[0] == 0


# new

ANSWERS = """\
title: 'Fire: across a border'
words: [exchange~ ..2 fire]
states: 2
alert: Thai and Cambodian troops exchanged fire on Friday.
no alert: Thai and Cambodian troops have not exchanged fire.
"""


def typed(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_new_from_answers_is_clean_and_holds(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "answers.yaml", ANSWERS)
    code, out, _ = run("rules", "new", "--answers", "answers.yaml", "--family", "clash", "--severity", "critical")
    assert code == 0
    assert out.startswith("rules/fire-across-border.yaml written: rule fire-across-border, status test.\n")
    assert run("rules", "check") == (0, "1 rule, 0 lists, 1 file: nothing to complain of\n", "")
    assert run("rules", "test")[1].endswith("2 passed, 0 failed\n")
    text = (tmp_path / "rules" / "fire-across-border.yaml").read_text(encoding="utf-8")
    assert "family: clash\nseverity: critical\n" in text
    assert "    missing: [words]\n" in text


def test_new_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "answers.yaml", ANSWERS)
    write(tmp_path, "mine.yaml", "mine")
    code, _, err = run("rules", "new", "--answers", "answers.yaml", "--out", "mine.yaml")
    assert code == 1
    assert "nothing is overwritten" in err
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    assert run("rules", "new", "--answers", "answers.yaml")[0] == 0
    assert "fire-across-border-2.yaml written" in run("rules", "new", "--answers", "answers.yaml")[1]
    code, _, err = run("rules", "new", "--answers", "answers.yaml", "--rule", "fire-across-border")
    assert code == 1
    assert "there is a rule fire-across-border already" in err


def test_new_says_which_clue_fails_and_what_would_do(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "answers.yaml", ANSWERS.replace("exchange~ ..2 fire", "exchange fire"))
    code, out, _ = run("rules", "new", "--answers", "answers.yaml")
    assert code == 1
    assert out.splitlines() == [
        "The sentence that must alert does not: missing words.",
        "  words: nothing of it is in the sentence",
        "These words would do: exchange~ fire~",
        "Nothing was saved. --draft saves it all the same.",
    ]
    assert not (tmp_path / "rules").exists()
    code, out, _ = run("rules", "new", "--answers", "answers.yaml", "--draft")
    assert code == 1
    assert "status draft" in out
    assert run("rules", "test")[0] == 1


def test_new_names_every_wrong_answer(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "answers.yaml", "titel: x\nwords: []\nstates: two\nalert: A b.\n")
    code, _, err = run("rules", "new", "--answers", "answers.yaml")
    assert code == 2
    assert err.splitlines() == [
        "answers.yaml:1:1: titel is no answer: did you mean title?",
        "answers.yaml:1:1: expected an answer to title",
        "answers.yaml:2:8: expected an answer to words",
        "answers.yaml:3:9: states: expected a number from 0 to 20",
        "answers.yaml:1:1: expected an answer to no alert",
        "5 mistakes; nothing was started",
    ]
    assert run("rules", "new", "--answers", "gone.yaml")[0] == 1
    write(tmp_path, "answers.yaml", "- a\n")
    assert run("rules", "new", "--answers", "answers.yaml")[0] == 2
    for option, value in (("--severity", "high"), ("--language", "english"), ("--rule", "X"), ("--family", "!")):
        assert run("rules", "new", option, value)[0] == 2


def test_new_uses_the_lists_that_are_there(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path,
        "rules/lists.yaml",
        RULE + "---\nlist: shots\nkind: phrases\nitems: [exchange~ ..2 fire, open~ fire]\n",
    )
    write(tmp_path, "answers.yaml", ANSWERS.replace("exchange~ ..2 fire", "$shots"))
    assert run("rules", "new", "--answers", "answers.yaml")[0] == 0
    assert run("rules", "check")[0] == 0
    write(tmp_path, "answers.yaml", ANSWERS.replace("exchange~ ..2 fire", "$shorts"))
    code, out, _ = run("rules", "new", "--answers", "answers.yaml")
    assert code == 1
    assert "did you mean shots?" in out


def test_new_in_another_language(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path,
        "answers.yaml",
        "title: Отзыв посла\nwords: [отозвал* ..4 посл*]\nstates: 2\n"
        "alert: Норвегия отозвала своего посла из Венгрии в понедельник.\nno alert: Норвегия и Венгрия обсудили торговлю.\n",
    )
    code, out, _ = run("rules", "new", "--answers", "answers.yaml", "--rule", "posol")
    assert code == 0, out
    assert "languages: [ru]" in (tmp_path / "rules" / "posol.yaml").read_text(encoding="utf-8")


def test_new_reads_dates_as_of_today(run: Run, tmp_path: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    written = f"{yesterday:%B} {yesterday.day}, {yesterday.year}"
    dated = ANSWERS.replace("on Friday", f"on {written}").replace(
        "have not exchanged fire", "exchanged fire on May 4, 2019"
    )
    write(tmp_path, "answers.yaml", dated)
    code, out, _ = run("rules", "new", "--answers", "answers.yaml")
    assert code == 0, out
    assert run("rules", "test")[0] == 0


def test_new_interview_with_second_thoughts(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(
        "rules",
        "new",
        typed=typed(
            "", "War reported", "", "war", "", "many", "2", "0", "Iran and Iraq are at war.", "Iranian and Iraqi teams: war of words.",
            "w", "at war", "", "", "q",
        ),
    )  # fmt: skip
    assert code == 0
    assert "war alone is in very many articles: add a word beside it" in out
    assert "The sentence that must not alert does, because of:\n  pair" not in out
    assert "  words: “war”" in out
    assert "A number from 0 to 20, please." in out
    assert "rules/war-reported.yaml written" in out
    assert run("rules", "check")[0] == 0


@pytest.mark.parametrize(
    ("typed_in", "family"),
    [
        pytest.param([""], "other", id="Enter alone"),
        pytest.param(["rupture"], "rupture", id="one of them"),
        pytest.param(["mobilization", ""], "mobilisation", id="misspelt"),
        pytest.param(["truce"], "truce", id="a word of one's own"),
        pytest.param(["clashes", "n"], "clashes", id="a word of one's own that is near"),
        pytest.param(["Grain Deal", "grain-deal"], "grain-deal", id="no word, then one"),
    ],
)
def test_new_asks_for_the_kind_of_signal(run: Run, tmp_path: Path, typed_in: list[str], family: str) -> None:
    code, out, err = run(
        "rules",
        "new",
        typed=typed("War reported", *typed_in, "at war", "", "", "", "Iran and Iraq are at war.", "Peace."),
    )
    assert code == 0, out + err
    assert f"\nfamily: {family}\n" in (tmp_path / "rules" / "war-reported.yaml").read_text(encoding="utf-8")


def test_new_takes_the_kind_of_signal_from_the_option_before_the_file(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "answers.yaml", ANSWERS + "family: rupture\n")
    assert run("rules", "new", "--answers", "answers.yaml", "--rule", "from-file")[0] == 0
    assert run("rules", "new", "--answers", "answers.yaml", "--rule", "from-option", "--family", "clash")[0] == 0
    assert "\nfamily: rupture\n" in (tmp_path / "rules" / "from-file.yaml").read_text(encoding="utf-8")
    assert "\nfamily: clash\n" in (tmp_path / "rules" / "from-option.yaml").read_text(encoding="utf-8")
    write(tmp_path, "answers.yaml", ANSWERS + "family: Grain Deal\n")
    code, _, err = run("rules", "new", "--answers", "answers.yaml", "--rule", "wrong")
    assert (code, err.splitlines()[0]) == (
        2,
        "answers.yaml:6:9: family: expected one word of small letters: like treaty, clash, mobilisation, rupture, "
        "ultimatum, ceasefire",
    )
    code, out, _ = run(
        "rules",
        "new",
        "--family",
        "clash",
        typed=typed("War", "at war", "", "", "", "Iran and Iraq are at war.", "Peace."),
    )
    assert (code, "What kind of signal" in out) == (0, False)


def test_new_interview_ends_in_a_draft_or_in_nothing(run: Run, tmp_path: Path) -> None:
    start = ("War", "other", "at war", "", "0", "0", "Iran might be at war.", "Peace.")
    code, out, _ = run("rules", "new", typed=typed(*start, "x", "q"))
    assert code == 1
    assert "  words: “at war” does not count: possible, and only happened counts (“might”)" in out
    assert out.endswith("Nothing was saved.\n")
    code, out, _ = run("rules", "new", typed=typed(*start, "s", "Iran may be at war.", "Peace.", "n", "0", "0", "d"))
    assert code == 1
    assert "status draft" in out
    code, _, err = run("rules", "new", typed=typed("War"))
    assert code == 1
    assert "Aborted" in err


def test_check_warns_of_rules_that_the_daemon_does_not_read(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "config.toml", "")
    unread = 'config.toml: warning: the rules in rules are not read: write paths = ["rules"] under [rules]\n'
    assert unread not in run("check")[1]
    write(tmp_path, "rules/x.yaml", RULE)
    assert unread in run("check")[1]
    write(tmp_path, "config.toml", '[rules]\npaths = ["rules"]\n')
    code, out, _ = run("check")
    assert (code, "are not read" in out, "1 rules" in out) == (0, False, True)


def test_new_goes_where_the_daemon_reads_or_says_that_it_does_not(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "answers.yaml", ANSWERS)
    write(tmp_path, "config.toml", "")
    code, out, _ = run("rules", "new", "--answers", "answers.yaml", "--rule", "mine")
    assert code == 0
    assert 'add "rules" to paths under [rules]' in out
    write(tmp_path, "desk/x.yaml", RULE)
    write(tmp_path, "config.toml", '[rules]\npaths = ["desk"]\n')
    code, out, _ = run("rules", "new", "--answers", "answers.yaml", "--rule", "mine")
    assert (tmp_path / "desk" / "mine.yaml").is_file()
    assert "to paths" not in out
