"""What operators type about events and mutes, beside a daemon that has the store open."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.desk import HOUR, MINUTE, Desk, open_desk
from tests.flow.test_storms import FIRE, RECALL, RULES, WAR, alerts, publish
from watcher.cli import main


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        desk.now = datetime.now(UTC).replace(microsecond=0)  # what is typed happens now
        desk.configure(RULES, courier="", herald="")
        await desk.poll(timedelta(0))
        yield desk


@pytest.fixture
def typed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            main([*shlex.split(words), "--config", str(desk.config)])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def read(answer: tuple[int, str, str]) -> Any:
    assert answer[0] == 0, answer
    return json.loads(answer[1])


async def test_events_are_listed_and_shown(desk: Desk, typed: Any) -> None:
    publish(desk, FIRE, "Iran", "Iraq")
    publish(desk, RECALL, "China", "Vietnam")
    await desk.poll(timedelta(0))
    publish(desk, "Shells fell at dawn. " + FIRE, "Iran", "Iraq", source="herald", more="Nobody was hurt, it said.")
    await desk.poll(timedelta(0))
    every = {one["title"]: one for one in read(typed("events --format json"))}
    fire = every["Fire across a border"]
    assert (fire["states"], fire["reports"], sorted(fire["voices"]), fire["state"]) == (
        ["IQ", "IR"],
        2,
        ["courier", "herald"],
        "open",
    )
    assert fire["alerts"] == 2
    assert [one["title"] for one in read(typed("events --state CN --open --since 1d --format json"))] == [
        "Ambassador recalled"
    ]
    assert "Iraq, Iran" in typed("events")[1]
    code, shown, _ = typed(f"events show {fire['id']}")
    assert code == 0
    assert "herald: Shells fell at dawn." in shown
    assert shown.count("confirmed: Fire across a border") == 1
    assert "opened: Fire across a border" in shown
    whole = read(typed(f"events show {fire['id']} --format json"))
    assert sorted(one["publisher"] for one in whole["reports"]) == ["courier", "herald"]
    assert typed("events show nothing")[::2] == (1, "watcher: there is no event nothing\n")
    assert "--since" in typed("events --since yesterday")[2]


async def test_merge_split_and_undo_beside_the_daemon(desk: Desk, typed: Any) -> None:
    publish(desk, FIRE, "Iran", "Iraq")
    publish(desk, FIRE, "Armenia", "Azerbaijan")
    async with desk.running() as parts:
        await parts.poll("courier")
        one, other = (event["id"] for event in read(typed("events --format json")))
        code, out, _ = typed(f"events merge {one} {other} --by Anna --reason 'one war'")
        assert (code, out) == (0, f"event {other}: Fire across a border, 2 reports\n")
        assert [event["id"] for event in read(typed("events --format json"))] == [other]
        assert "was merged into this one" in typed(f"events show {one}")[1]
        assert "belong together, by Anna" in typed(f"events show {other}")[1]
        # The daemon that has run all the time puts the next report there.
        publish(desk, "Once more. " + FIRE, "Iran", "Iraq", source="herald", more="It was loud, they said.")
        await parts.poll("herald")
        assert [event["reports"] for event in read(typed("events --format json"))] == [3]
        (decision,) = read(typed(f"events show {other} --format json"))["decisions"]
        assert (decision["reason"], decision["by"]) == ("one war", "Anna")
        left = read(typed(f"events undo {decision['number']} --by Ben --reason 'two wars' --format json"))
        assert sorted(event["reports"] for event in left) in ([1, 2], [1, 1])
        articles = [one["article"] for one in read(typed(f"events show {other} --format json"))["reports"]]
        if len(articles) > 1:
            left = read(typed(f"events split {other} {articles[-1]} --by Ben --reason 'another hill' --format json"))
            assert len(left) == 2
    assert typed(f"events merge {other} {other} --reason no")[::2] == (
        1,
        "watcher: an event cannot be merged with itself\n",
    )
    assert typed("events undo 99 --reason no")[::2] == (1, "watcher: there is no event or decision 99\n")
    assert typed(f"events merge {other} nothing --reason no")[0] == 1
    assert typed(f"events merge {other} nothing")[0] == 2  # without a reason


async def test_a_mute_is_made_seen_obeyed_and_ended(desk: Desk, typed: Any) -> None:
    code, out, _ = typed("mute add --rule 'fi*' --until 2h --reason 'an exercise near the border' --by Anna")
    assert (code, out.split(" until ")[0]) == (0, "mute 1: rule fi*")
    assert out.endswith("critical alerts pass\n")
    publish(desk, FIRE, "Iran", "Iraq")
    await desk.poll(MINUTE)
    assert desk.told() == []
    (event,) = read(typed("events --format json"))
    assert event["state"] == "muted"
    shown = typed(f"events show {event['id']}")[1]
    assert "muted by Anna until" in shown
    assert "an exercise near the border" in shown
    (alert,) = alerts(desk)
    assert "muted: muted by Anna" in typed(f"alerts show {alert.id}")[1]
    (mute,) = read(typed("mute list --format json"))
    assert (mute["held_back"], mute["in_force"], mute["by"]) == (1, True, "Anna")
    status = typed("status")[1]
    assert "mutes       1 in force: rule fi* until" in status
    (desk.folder / "news.txt").write_text(FIRE.format("China", "Vietnam"))
    explained = typed(f"rules explain --rule fire {desk.folder / 'news.txt'}")
    assert "NO  chat (telegram): muted by Anna until" in explained[1], explained
    assert typed("mute end 1")[:2] == (0, "mute 1 is over\n")
    assert typed("mute end 1")[::2] == (1, "watcher: there is no mute 1 in force\n")
    async with desk.running(MINUTE) as parts:
        await parts.tell_silenced()
        await parts.dispatch()
    assert "1 alert held: 1 clash" in desk.told()[0]
    assert read(typed("mute list --format json")) == []
    assert "over" in typed("mute list --all")[1]


async def test_a_critical_event_that_is_muted_is_silent_and_what_becomes_critical_is_not(
    desk: Desk, typed: Any
) -> None:
    publish(desk, WAR, "Iran", "Iraq")
    publish(desk, FIRE, "China", "Vietnam")
    await desk.poll(timedelta(0))
    ids = {event["title"]: event["id"] for event in read(typed("events --format json"))}
    assert "critical alerts, too" in typed(f"mute add --event {ids['War declared']} --until 2h --reason seen")[1]
    assert (
        "critical alerts pass" in typed(f"mute add --event {ids['Fire across a border']} --until 2h --reason seen")[1]
    )
    before = len(desk.told())
    publish(desk, "At noon " + WAR, "Iran", "Iraq", source="herald", more="It was read out on television.")
    publish(desk, "At noon " + WAR, "China", "Vietnam", source="herald", more="It was printed in a journal.")
    await desk.poll(HOUR)
    (update,) = desk.told()[before:]
    assert "China and Vietnam" in update


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--rule fire --until 2h", "--reason"),
        ("--rule fire --reason x", "--until"),
        ("--rule fire --until 2h --reason ' '", "a mute needs a reason"),
        ("--until 2h --reason x", "name one of"),
        ("--rule fire --state IR --until 2h --reason x", "name one of"),
        ("--rule fires --until 2h --reason x", "did you mean fire?"),
        ("--state Iran --until 2h --reason x", "two-letter code"),
        ("--source courrier --until 2h --reason x", "did you mean courier?"),
        ("--state IR --recipient chta --until 2h --reason x", "did you mean chat?"),
        ("--state IR --until '2036-12-01 08:00' --reason x", "a time zone after the time"),
        ("--state IR --until '2036-12-01 08:00 Yerevan' --reason x", "did you mean Asia/Yerevan?"),
        ("--state IR --until 2001-12-01 --reason x", "is over already"),
        ("--state IR --until 2036-13-01 --reason x", "no such day"),
        ("--state IR --until soon --reason x", "expected a time like"),
    ],
)
async def test_mistakes_are_named(typed: Any, words: str, said: str) -> None:
    code, _, err = typed(f"mute add {words}")
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())
