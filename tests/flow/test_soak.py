"""The soak of benchmarks/soak, small: the real daemon through some simulated hours with an outage and a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.soak.clock import DAY
from benchmarks.soak.press import HOUR, make_plan, soak_rules
from benchmarks.soak.report import check_stories, report
from benchmarks.soak.run import soak

SMALL = {"days": 0.12, "sources": 12, "articles": 40, "stories": 9}


def test_hours_with_an_outage_and_a_restart_lose_nothing_and_repeat_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = soak(tmp_path, SMALL, rules=90)

    assert report(tmp_path, plan), capsys.readouterr().out
    lives = [json.loads(line) for line in (tmp_path / "lives.jsonl").read_text().splitlines()]
    assert [round(life["ended"]) for life in lives] == [round(plan.restart), round(plan.end)]
    intervals = SMALL["days"] * DAY / 330  # five minutes, a tenth by chance, a little lateness
    assert sum(life["polls"] for life in lives) >= 0.9 * SMALL["sources"] * intervals


def test_what_was_not_told_or_told_twice_is_seen() -> None:
    plan = make_plan(**SMALL, rules=10)
    whole = [(0.0, "-1001", story.token) for story in plan.stories for _ in story.at]

    assert check_stories(plan, whole)["desk"].lost == ()
    assert check_stories(plan, whole[1:])["desk"].lost == (plan.stories[0].token,)
    assert check_stories(plan, [*whole, whole[-1]])["desk"].twice == (plan.stories[-1].token,)
    assert check_stories(plan, [*whole, (0.0, "-1001", "something else")])["desk"].other == 1


def test_the_plan_of_a_week_is_what_the_soak_promises() -> None:
    plan = make_plan(days=7, sources=200, articles=3_000, stories=300, rules=120)
    published = [item for feed in plan.feeds for item in feed.items if item.at >= 0]
    by_night = sum(item.at % DAY < 4 * HOUR for item in published)
    by_day = sum(10 * HOUR <= item.at % DAY < 14 * HOUR for item in published)

    assert len(published) == 3_000
    assert by_day > 4 * by_night
    assert plan.outage[1] - plan.outage[0] == 6 * HOUR
    assert 3 * DAY < plan.restart < 4 * DAY
    assert len({story.token for story in plan.stories}) == 300
    assert len(soak_rules(120)) == 120
