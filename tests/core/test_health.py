"""What state a source is in, when operators are told of it, and which rules nothing can feed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from watcher.health import (
    GOOD_AFTER_LONGEST,
    BlindRule,
    HealthChange,
    Level,
    find_blind,
    is_failure,
    is_live,
    level,
    observe,
    say_blind,
    state_of,
)
from watcher.model import FetchReason, Health, RuleStatus, Source, SourceState
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.understand.states import Gazetteer

OK, TIMEOUT, BLOCKED, SILENT = FetchReason.OK, FetchReason.TIMEOUT, FetchReason.BLOCKED, FetchReason.SILENT
EMPTY, UNDATED, SAME = FetchReason.EMPTY, FetchReason.ALL_UNDATED, FetchReason.NOT_MODIFIED
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def source(name: str = "courier", **values: Any) -> Source:
    return Source(name, f"https://{name}.example/feed", **values)


def state(**values: Any) -> SourceState:
    return SourceState("courier", "https://courier.example/feed", **({"polled_at": NOW} | values))


@pytest.mark.parametrize(
    ("known", "expect_every", "expected"),
    [
        (state(), None, OK),
        (state(reason=SAME), None, SAME),
        (state(reason=EMPTY, baseline_at=NOW), None, OK),  # a new outlet has nothing yet
        (state(reason=EMPTY), None, EMPTY),  # not even a list
        (state(reason=EMPTY, new_item_at=NOW), None, EMPTY),
        (state(new_item_at=NOW - DAY), None, OK),
        (state(new_item_at=NOW - DAY), DAY, OK),
        (state(new_item_at=NOW - DAY - MINUTE), DAY, SILENT),
        (state(reason=SAME, baseline_at=NOW - 2 * DAY), DAY, SILENT),
        (state(is_undated=True), None, UNDATED),
        (state(is_undated=True, new_item_at=NOW - 2 * DAY), DAY, SILENT),
        (state(reason=TIMEOUT, failures=1, new_item_at=NOW - 2 * DAY), DAY, TIMEOUT),
    ],
)
def test_the_worst_state_is_the_one_that_counts(
    known: SourceState, expect_every: timedelta | None, expected: FetchReason
) -> None:
    assert state_of(source(expect_every=expect_every), known, NOW) is expected


def test_every_reason_has_a_level_and_only_failures_read_nothing() -> None:
    good = {reason for reason in FetchReason if level(reason) is Level.GOOD}
    doubtful = {reason for reason in FetchReason if level(reason) is Level.DOUBTFUL}
    assert good == {OK, SAME}
    assert doubtful == {EMPTY, SILENT, UNDATED, FetchReason.BAD_LINES}
    assert {reason for reason in FetchReason if not is_failure(reason)} == good | doubtful


def told(seen: Iterable[FetchReason], every: timedelta = 5 * MINUTE, health: Health | None = None) -> list[str]:
    """What operators are told as polls go on, each as ``POLL:CHANGE STATE``."""
    health, now, said = health or Health(), NOW, []
    for number, one in enumerate(seen, 1):
        health, change = observe(health, one, now)
        now += every
        if change is not None:
            said.append(f"{number}:{change.value} {health.told.value}")
    return said


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([OK, SAME, OK, SAME], []),
        ([BLOCKED] * 9, ["1:worse blocked"]),
        ([TIMEOUT] * 9, ["3:worse timeout"]),  # may pass by itself
        ([TIMEOUT, OK, TIMEOUT, OK, TIMEOUT, TIMEOUT], []),
        ([TIMEOUT, TIMEOUT, BLOCKED], ["3:worse blocked"]),
        ([TIMEOUT, BLOCKED, TIMEOUT, BLOCKED], ["2:worse blocked"]),  # one trouble after the other is one trouble
        ([BLOCKED, OK, OK], ["1:worse blocked", "2:good again ok"]),
        ([BLOCKED, SAME], ["1:worse blocked", "2:good again ok"]),
        ([SILENT, SILENT, OK], ["1:worse silent", "3:good again ok"]),
        ([SILENT, BLOCKED, SILENT, OK], ["1:worse silent", "2:worse blocked", "3:better silent", "4:good again ok"]),
        ([EMPTY] * 4, ["3:worse empty"]),
        ([UNDATED] * 4, ["3:worse all undated"]),
        ([UNDATED, UNDATED, OK, UNDATED, UNDATED], []),
        ([EMPTY, EMPTY, BLOCKED, EMPTY], ["3:worse blocked", "4:better empty"]),
        ([BLOCKED, EMPTY] * 50, ["1:worse blocked", "2:better empty", "3:worse blocked"]),
        ([BLOCKED, EMPTY, OK, OK, OK], ["1:worse blocked", "2:better empty", "5:good again ok"]),
        # to and fro: each relapse within a day needs more good polls before it is told to be good
        ([BLOCKED, OK] * 50, ["1:worse blocked", "2:good again ok", "3:worse blocked"]),
        ([BLOCKED, OK, BLOCKED, OK, OK, OK], ["1:worse blocked", "2:good again ok", "3:worse blocked", "6:good again ok"]),
    ],
)  # fmt: skip
def test_operators_are_told_once_when_it_goes_bad_and_once_when_it_is_good(
    seen: list[FetchReason], expected: list[str]
) -> None:
    assert told(seen) == expected


def test_a_relapse_after_a_calm_day_is_told_like_the_first_time() -> None:
    calm = [OK] * 300  # polls of five minutes: more than a day
    said = told([BLOCKED, OK, BLOCKED, *calm, BLOCKED, OK])
    assert [one.split(":")[1] for one in said] == ["worse blocked", "good again ok"] * 3


@given(st.lists(st.sampled_from([OK, SAME, TIMEOUT, BLOCKED, EMPTY, UNDATED]), max_size=400))
def test_whatever_happens_messages_stay_few_and_alternate(seen: list[FetchReason]) -> None:
    said = told(seen, every=MINUTE)  # all of it within a day
    bad = [one for one in said if "good again" not in one]
    good = [one for one in said if "good again" in one]
    assert len(good) <= 8  # 1, 3, 6, 12, 24, 48, 48... good polls in a row: 400 do not hold more
    assert len(said) <= 4 * (len(good) + 1)  # empty, blocked, empty again and blocked again are four
    assert not any("worse" not in one for one in said[:1])
    assert len(bad) >= len(good)


def test_what_is_good_for_long_enough_is_told_however_often_it_relapsed() -> None:
    health = Health(BLOCKED, NOW, 1, BLOCKED, NOW, relapses=10**6)
    assert told([OK] * GOOD_AFTER_LONGEST, health=health) == [f"{GOOD_AFTER_LONGEST}:good again ok"]


def test_since_when_it_is_so() -> None:
    later, last = NOW + MINUTE, NOW + 2 * MINUTE
    health, _ = observe(Health(), OK, NOW)
    assert (health.since_at, health.streak) == (NOW, 1)
    health, _ = observe(health, SAME, later)  # both are good
    assert (health.state, health.since_at, health.streak) == (SAME, NOW, 2)
    health, _ = observe(health, TIMEOUT, later)
    assert (health.since_at, health.streak) == (later, 1)
    health, _ = observe(health, BLOCKED, last)
    assert (health.since_at, health.streak) == (last, 2)


def test_a_look_at_the_clock_shows_silence_and_counts_as_no_poll() -> None:
    health, _ = observe(Health(), OK, NOW)
    assert observe(health, OK, NOW + DAY, is_poll=False) == (health, None)
    silent, change = observe(health, SILENT, NOW + DAY, is_poll=False)
    assert (change, silent.told, silent.streak) == (HealthChange.WORSE, SILENT, 0)
    assert observe(silent, SILENT, NOW + 2 * DAY, is_poll=False) == (silent, None)


RULE = """
rule: {id}
title: Ambassador recalled
status: {status}
family: rupture
severity: warning
look_for:
  break: {{phrases: ["recalled its ambassador"]}}
{gate}
---
"""


def rules(tmp_path: Path, **gates: str) -> tuple[Any, dict[str, RuleStatus]]:
    text = "".join(
        RULE.format(id=name.replace("_", "-"), status="draft" if "draft" in name else "stable", gate=gate)
        for name, gate in gates.items()
    )
    (tmp_path / "rules.yaml").write_text(text.removesuffix("---\n"))
    rule_set = load_rules([tmp_path])
    return compile_rules(rule_set, Gazetteer.load()).rules, {rule.rule: rule.status for rule in rule_set.rules}


SOURCES = (
    source("courier", language="en", tags=("caucasus",)),
    source("mirror", language="en", tags=("satire",)),
    source("vestnik", language="ru", tags=("caucasus", "state-media")),
)


def test_rules_that_no_source_can_feed_are_blind_and_say_why(tmp_path: Path) -> None:
    found = find_blind(
        *rules(
            tmp_path,
            any_source="",
            turkish="languages: [tr, az]",
            russian="languages: [ru]",
            tagged="sources: {tags: [balkans]}",
            named="sources: {ids: [vestnik, nobody]}",
            not_satire="sources: {not_tags: [satire]}",
            english_state="languages: [en]\nsources: {tags: [state-media]}",
            a_draft="languages: [tr]",
        ),
        SOURCES,
        {},
    )
    assert found == (
        BlindRule("english-state", "no source with the ids and tags that it asks for is in en", True),
        BlindRule("tagged", "no source has the ids and tags that it asks for", True),
        BlindRule("turkish", "no source is in az or tr", True),
    )
    assert find_blind(*rules(tmp_path, turkish="languages: [tr]"), (source("any"),), {}) == ()


def test_blind_rules_are_said_together_by_reason() -> None:
    blind = [
        BlindRule("a", "no source is in tr", True),
        BlindRule("b", "all fail", False),
        BlindRule("c", "no source is in tr", True),
    ]
    assert say_blind(blind) == {
        "2 rules can see nothing: no source is in tr: a, c": ("a", "c"),
        "rule b can see nothing: all fail": ("b",),
    }


def test_rules_go_blind_with_their_sources_and_see_again(tmp_path: Path) -> None:
    book = rules(tmp_path, russian="languages: [ru]", english="languages: [en]", everything="")
    healths = {"vestnik": Health(TIMEOUT, told=BLOCKED), "courier": Health(told=SILENT)}
    assert find_blind(*book, SOURCES, healths) == (
        BlindRule("russian", "every source that could feed it is in trouble: vestnik (blocked)", False),
    )
    healths["mirror"] = Health(told=EMPTY)
    assert [one.rule_id for one in find_blind(*book, SOURCES, healths)] == ["english", "everything", "russian"]
    healths["vestnik"] = Health(TIMEOUT)  # in trouble for so short that nobody was told
    healths["courier"] = Health(told=UNDATED)  # its news comes all the same
    assert find_blind(*book, SOURCES, healths) == ()
    assert [is_live(Health(told=one)) for one in (OK, UNDATED, SILENT, EMPTY, BLOCKED)] == [True, True, *[False] * 3]
