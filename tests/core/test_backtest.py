"""Past alerts: the signals of `watcher match`, the events of the daemon, in order of date, over any history."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOW
from tests.core.rule_files import SHIPPED, load
from watcher.backtest import (
    Evaluation,
    Period,
    count_alerts,
    evaluate_history,
    label_of,
    period_of,
    replay,
    starts_between,
)
from watcher.bulk import match_lines
from watcher.diff import Side, diff_rule_sets
from watcher.errors import WatcherError
from watcher.history import ArchiveHistory, find_article
from watcher.model import RuleStatus
from watcher.rules.load import load_rules
from watcher.rules.schema import RuleSet

CLASH = """\
rule: border-clash
title: Shelling
family: clash
severity: critical
look_for:
  act: {phrases: [shell~ ..3 village*]}
  pair: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
"""
FIRST = "Azerbaijan shelled a village of Armenia. Two soldiers were killed."
AGAIN = "Azerbaijani guns shelled another village in Armenia overnight and killed two soldiers, Yerevan said."
ELSEWHERE = "Pakistan shelled a village in India on Friday. Seven soldiers were killed, officials in Delhi said."
CALM = "The weather in Armenia and Azerbaijan was fine."


def english(text: str) -> str:
    return "en"


def record(key: str, text: str, published: str | None = "2022-09-14", **values: object) -> dict[str, object]:
    return {"id": key, "title": "", "text": text, "published": published, "lang": "en", **values}


def archive(folder: Path, *records: dict[str, object] | str, name: str = "archive.jsonl") -> Path:
    path = folder / name
    lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in records]
    body = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return path


def evaluate(path: Path, *rule_sets: RuleSet, jobs: int = 1, since: datetime | None = None) -> Evaluation:
    return evaluate_history(
        ArchiveHistory(path),
        rule_sets,
        detect=english,
        now=NOW,
        since=since,
        jobs=jobs,
        advance=lambda position, articles: None,
    )


def test_alerts_are_counted_and_not_signals(tmp_path: Path) -> None:
    rules = load(CLASH)
    path = archive(
        tmp_path,
        record("late", ELSEWHERE, "2022-09-20T10:00:00Z"),
        record("copy", FIRST + " (Agency)", "2022-09-14T12:00:00Z", source="reprint"),
        record("first", FIRST, "2022-09-14T10:00:00Z", source="courier"),
        record("calm", CALM),
        record("second", AGAIN, "2022-09-14T14:00:00Z", source="radio"),
        record("much later", AGAIN, "2022-10-14T14:00:00Z", source="radio"),
    )
    evaluation = evaluate(path, rules)
    assert (evaluation.articles, evaluation.undated, len(evaluation.hits)) == (6, 0, 5)
    past = replay(evaluation.hits, rules)
    # The copy confirms nothing; the second newsroom does, which is an update of the same event.
    assert [(alert.article.id, [change.value for change in alert.changes]) for alert in past.alerts] == [
        ("first", ["opened"]),
        ("second", ["confirmed"]),
        ("late", ["opened"]),
        ("much later", ["opened"]),
    ]
    assert [alert.is_update for alert in past.alerts] == [False, True, False, False]
    assert [(quiet.article_id, quiet.reason) for quiet in past.quiet] == [
        ("copy", "copied: the event has this text already")
    ]
    assert past.signals == Counter({"border-clash": 5})
    assert past.events == Counter({"border-clash": 3})
    assert count_alerts(past.alerts, Period.MONTH) == {
        date(2022, 9, 1): Counter({"border-clash": 3}),
        date(2022, 10, 1): Counter({"border-clash": 1}),
    }


def test_drafts_and_tests_have_events_of_their_own(tmp_path: Path) -> None:
    others = [CLASH.replace("border-clash", f"other-{status}") + f"status: {status}\n" for status in ("draft", "test")]
    rules = load("---\n".join([CLASH, *others, CLASH.replace("border-clash", "other-off") + "status: 'off'\n"]))
    past = replay(evaluate(archive(tmp_path, record("first", FIRST)), rules).hits, rules)
    assert sorted((alert.rule_ids, alert.audience) for alert in past.alerts) == [
        (("border-clash",), RuleStatus.STABLE),
        (("other-draft",), RuleStatus.DRAFT),
        (("other-test",), RuleStatus.TEST),
    ]


def test_unusable_lines_and_old_articles_are_left_out(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        record("old", FIRST, "2022-09-01"),
        "[]",
        record("new", FIRST, "2022-09-14"),
        record("undated", FIRST, None),
        name="archive.jsonl.gz",
    )
    evaluation = evaluate(path, load(CLASH), since=datetime(2022, 9, 10, tzinfo=UTC))
    assert [hit.article.id for hit in evaluation.hits] == ["new", "undated"]
    assert (evaluation.articles, evaluation.undated) == (2, 1)
    assert evaluation.unusable == [(2, "expected an object with id, title and text, found []")]


def test_a_damaged_gzip_gives_what_it_has(tmp_path: Path) -> None:
    lines = [record(f"a-{number}", f"{FIRST} {number}") for number in range(2000)]
    path = archive(tmp_path, *lines, name="cut.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-2000])
    history = ArchiveHistory(path)
    assert 0 < len(list(history.records())) < 2000
    assert history.damage is not None
    assert "cut.jsonl.gz: reading ended early: " in history.damage


def test_there_must_be_an_archive(tmp_path: Path) -> None:
    with pytest.raises(WatcherError, match=r"none\.jsonl: no such file or directory$"):
        ArchiveHistory(tmp_path / "none.jsonl")
    with pytest.raises(WatcherError, match=r"is a directory$"):
        list(ArchiveHistory(tmp_path).records())


def test_an_article_is_found_by_its_id(tmp_path: Path) -> None:
    path = archive(
        tmp_path, "{ b", record("a", "b"), record("b", FIRST), record("b", AGAIN), r'{"id": "\u00e9/1", "text": "x"}'
    )
    found = find_article(ArchiveHistory(path), "b", detect=english, now=NOW)
    assert found is not None
    assert found.text == FIRST
    assert find_article(ArchiveHistory(path), "é/1", detect=english, now=NOW) is not None
    assert find_article(ArchiveHistory(path), "c", detect=english, now=NOW) is None


@pytest.mark.parametrize(
    ("first", "last", "period", "labels"),
    [
        ("2022-09-14", "2022-09-14", Period.DAY, ["2022-09-14"]),
        ("2022-09-30", "2022-10-02", Period.DAY, ["2022-09-30", "2022-10-01", "2022-10-02"]),
        ("2022-09-14", "2022-10-31", Period.WEEK, ["2022-09-12", "2022-09-19", "2022-09-26"]),
        ("2022-01-31", "2023-01-01", Period.MONTH, ["2022-01", "2022-02", "2022-03"]),
        ("2002-12-31", "2022-10-14", Period.YEAR, ["2002", "2003", "2004"]),
    ],
)
def test_spans_fit_the_history(first: str, last: str, period: Period, labels: list[str]) -> None:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    assert period_of(start, end) is period
    assert [label_of(one, period) for one in starts_between(start, end, period)][:3] == labels


@given(
    st.lists(
        st.tuples(
            st.sampled_from([FIRST, AGAIN, ELSEWHERE, CALM, FIRST.replace("shelled", "may shell"), ""]),
            st.sampled_from(["2022-09-14", "2022-09-15T10:00:00+04:00", "2021", None]),
            st.sampled_from(["en", "fr", ""]),
        ),
        max_size=8,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_any_articles_give_the_signals_of_match(tmp_path: Path, articles: list[tuple[str, str | None, str]]) -> None:
    records = [record(f"a-{n}", text, at, lang=lang) for n, (text, at, lang) in enumerate(articles)]
    path = archive(tmp_path, *records)
    lines = path.read_text(encoding="utf-8").splitlines()
    rules = load(CLASH)
    matched = list(match_lines(rules, lines, detect=english, now=NOW))
    found = evaluate(path, rules)
    assert sorted(hit.article.id for hit in found.hits) == sorted(
        signal["article"] for result in matched for signal in result.signals
    )
    assert found.unusable == [(one.line, one.problem) for one in matched if one.problem]


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.shared_data
def test_the_signals_are_those_of_match(shared_data: Path, tmp_path: Path, jobs: int) -> None:
    with gzip.open(shared_data / "corpus" / "current_events_en.jsonl.gz", "rt", encoding="utf-8") as file:
        lines = list(file)[::40]
    path = tmp_path / "sample.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    rules = load_rules([SHIPPED])
    expected = Counter(
        (signal["article"], signal["rule"])
        for result in match_lines(rules, lines, detect=english, now=NOW)
        for signal in result.signals
    )
    found = evaluate(path, rules, jobs=jobs)
    assert Counter((hit.article.id, one.rule_id) for hit in found.hits for one in hit.signals[0]) == expected
    assert expected
    assert found.articles == len(lines)


def differences(
    folder: Path, current: str, other: str, *records: dict[str, object]
) -> list[tuple[Side, str, str, str]]:
    sides = load(current), load(other)
    found = diff_rule_sets(evaluate(archive(folder, *records), *sides), *sides)
    return [(one.side, one.alert.article.id, one.rule_id, one.why) for one in found.differences]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("shell~", "(shell~|bomb~)"), []),
        (("shell~", "bomb~"), [(Side.LOST, "first", "border-clash", "missing act")]),
        (("at_least: 1", "at_least: 9"), [(Side.LOST, "first", "border-clash", "missing deaths")]),
        (("severity: critical", "status: draft"), [(Side.LOST, "first", "border-clash", "its status is draft there")]),
        (
            ("severity: critical", "status: test"),
            [
                (Side.GAINED, "first", "border-clash", "its status is stable there"),
                (Side.LOST, "first", "border-clash", "its status is test there"),
            ],
        ),
        (
            ("rule: border-clash", "rule: shelling"),
            [
                (Side.LOST, "first", "border-clash", "there is no such rule, or it is off"),
                (Side.GAINED, "first", "shelling", "there is no such rule, or it is off"),
            ],
        ),
    ],
    ids=["more", "other words", "higher", "draft", "test", "renamed"],
)
def test_gained_and_lost(tmp_path: Path, change: tuple[str, str], expected: list[tuple[Side, str, str, str]]) -> None:
    one = record("first", FIRST)
    assert differences(tmp_path, CLASH, CLASH.replace(*change), one, record("calm", CALM)) == expected


def test_an_alert_can_be_lost_although_the_signal_is_there(tmp_path: Path) -> None:
    records = [
        record("first", FIRST, "2022-09-14T10:00:00Z", source="courier"),
        record("second", AGAIN, "2022-09-14T14:00:00Z", source="radio"),
    ]
    assert differences(tmp_path, CLASH, CLASH + "update_on: [new_state]\n", *records) == [
        (Side.LOST, "second", "border-clash", "repeated: the same states: AM, AZ; the same toll")
    ]


def test_rules_over_several_articles_speak_over_the_past(tmp_path: Path) -> None:
    rules = load(
        "rule: recall-then-fire\nsteps:\n"
        "  recall: {look_for: {a: {phrases: [recall~ ..4 ambassador*]}, pair: {states: {at_least: 2}}}}\n"
        "  fire: {look_for: {a: {phrases: [shell~ ..3 village*]}, pair: {states: {at_least: 2}}}}\n"
        "in_order: {steps: [recall, fire], within: 5d, sharing: states}\n"
    )
    path = archive(
        tmp_path,
        record("fire", FIRST, "2022-09-14"),
        record("calm", CALM, "2022-09-12"),
        record("recall", "Azerbaijan recalled its ambassador from Armenia.", "2022-09-11"),
        record("elsewhere", ELSEWHERE, "2022-09-13"),
    )
    past = replay(evaluate(path, rules).hits, rules)
    assert [(alert.article.id, [one.article_id for one in alert.signals[0].earlier]) for alert in past.alerts] == [
        ("fire", ["recall"])
    ]


COUNT = """\
rule: many-clashes
look_for:
  act: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
count:
  of: publishers
  at_least: 2
  within: 24h
  and_times_usual: {ratio: 3, measured_over: 10d, needs_history: 5d}
"""
FIRE = (
    "Armenian and Azerbaijani troops exchanged fire.",
    "Soldiers of Armenia exchanged fire with those of Azerbaijan on Sunday, a mayor told us.",
)


def reported(day: int, first: str = "12") -> list[dict[str, object]]:
    """Two newsrooms report fire on that day of September, an hour apart."""
    return [
        record(f"{day}-{name}", text, f"2022-09-{day:02}T{first if name == 'courier' else int(first) + 1}:00:00Z", source=name)
        for name, text in zip(("courier", "radio"), FIRE, strict=True)
    ]  # fmt: skip


CALM_DAYS = [record(f"calm-{day}", CALM, f"2022-09-{day:02}T08:00:00Z") for day in range(1, 20)]


@pytest.mark.parametrize(
    ("records", "alerts", "waiting"),
    [
        pytest.param(reported(9), [], [("9-courier", "counted 1 of 2; history of 0s, 5d needed"), ("9-radio", "counted 2 of 2; history of 0s, 5d needed")], id="the history begins with the hits"),
        pytest.param([*CALM_DAYS, *reported(9)], ["9-radio"], [("9-courier", "counted 1 of 2")], id="quiet days are history, too"),
        pytest.param([*CALM_DAYS, *reported(4)], [], [("4-courier", "counted 1 of 2; history of 76h, 5d needed"), ("4-radio", "counted 2 of 2; history of 76h, 5d needed")], id="quiet days, and too few"),
        pytest.param([*CALM_DAYS, *(one for day in range(8, 16) for one in reported(day))], ["8-radio"], None, id="what is usual meanwhile"),
    ],
)  # fmt: skip
def test_a_comparison_with_what_is_usual_knows_the_whole_history(
    tmp_path: Path, records: list[dict[str, object]], alerts: list[str], waiting: list[tuple[str, str]] | None
) -> None:
    rules = load(COUNT)
    evaluation = evaluate(archive(tmp_path, *records), rules)
    past = replay(evaluation.hits, rules, watched_since=evaluation.begins_at)
    assert [alert.article.id for alert in past.alerts if not alert.is_update] == alerts
    if waiting is not None:
        assert [(one.article_id, one.reason) for one in past.waiting] == waiting


def test_the_history_begins_where_it_is_looked_at(tmp_path: Path) -> None:
    path = archive(tmp_path, *CALM_DAYS, *reported(9))
    rules = load(COUNT)
    assert evaluate(path, rules).begins_at == datetime(2022, 9, 1, 8, tzinfo=UTC)
    late = evaluate(path, rules, since=datetime(2022, 9, 6, tzinfo=UTC))
    assert late.begins_at == datetime(2022, 9, 6, 8, tzinfo=UTC)
    past = replay(late.hits, rules, watched_since=late.begins_at)
    assert past.alerts == ()
    assert past.waiting[-1].reason == "counted 2 of 2; history of 76h, 5d needed"
    assert evaluate(archive(tmp_path), rules).begins_at is None


def test_steps_that_are_not_complete_are_named(tmp_path: Path) -> None:
    rules = load(
        """\
        rule: ties-then-call-up
        steps:
          ties_broken: {look_for: {act: {phrases: [recall~ ..4 ambassador*]}, pair: {states: {at_least: 2}}}}
          call_up: {look_for: {act: {phrases: [order~ ..3 mobili(s|z)ation]}, one: {states: {at_least: 1}}}}
        in_order: {steps: [ties_broken, call_up], within: 10d, sharing: a state}
        """
    )
    path = archive(
        tmp_path,
        record("ties", "Iran recalled its ambassador from Armenia.", "2022-09-01"),
        record("late", "Iran ordered full mobilisation.", "2022-09-20"),
        record("ties again", "Iran has again recalled its ambassador from Armenia, Tehran said.", "2022-09-21"),
        record(
            "in time", "The parliament in Tehran ordered a general mobilisation, a deputy of Iran said.", "2022-09-23"
        ),
    )
    evaluation = evaluate(path, rules)
    past = replay(evaluation.hits, rules, watched_since=evaluation.begins_at)
    assert [alert.article.id for alert in past.alerts] == ["in time"]
    assert [(one.article_id, one.reason) for one in past.waiting] == [
        ("ties", "step ties_broken"),
        ("late", "step call_up"),
        ("ties again", "step ties_broken"),
    ]


def test_a_difference_says_that_a_count_was_not_reached(tmp_path: Path) -> None:
    two = load(COUNT.replace("  and_times_usual: {ratio: 3, measured_over: 10d, needs_history: 5d}\n", ""))
    three = load(COUNT.replace("at_least: 2\n  within", "at_least: 3\n  within").replace("  and_times_usual: {ratio: 3, measured_over: 10d, needs_history: 5d}\n", ""))  # fmt: skip
    found = diff_rule_sets(evaluate(archive(tmp_path, *reported(9)), two, three), two, three)
    assert [(one.side, one.alert.article.id, one.why) for one in found.differences] == [
        (Side.LOST, "9-radio", "counted 2 of 3")
    ]


def test_escalation_changes_nothing_of_what_is_found_and_decided(tmp_path: Path) -> None:
    plain, escalating = load(CLASH), load(CLASH + "escalate: {if_not_acknowledged_in: 15m, to: [boss]}\n")
    path = archive(tmp_path, record("first", FIRST), record("again", AGAIN, source="radio"), record("else", ELSEWHERE))
    evaluation = evaluate(path, plain, escalating)
    assert diff_rule_sets(evaluation, plain, escalating).differences == ()
    pasts = [replay(evaluation.hits, rules, index) for index, rules in enumerate((plain, escalating))]
    assert [len(past.alerts) for past in pasts] == [3, 3]
    lines = path.read_text(encoding="utf-8").splitlines()
    written = [list(match_lines(rules, lines, detect=english, now=NOW)) for rules in (plain, escalating)]
    assert written[0] == written[1]
    assert written[0]
