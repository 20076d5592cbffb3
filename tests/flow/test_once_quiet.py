"""``watcher run --once`` where little or nothing is new: what it asks for, stores, loads and says."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from tests.conftest import CHECKOUT
from tests.newsroom import Item, Newsroom
from watcher.model import FetchReason, SourceState
from watcher.store import Store

RULE = """\
rule: ferry-stopped
title: A ferry stopped
owner: desk
family: other
severity: watch
status: stable
languages: [en]
look_for:
  ferry: {phrases: [ferry stopped]}
tests:
  - text: The ferry stopped on Friday.
    expect: alert
  - text: The ferry sailed on Friday.
    expect: no alert
"""
# Prints what is loaded when the command ends.
PROBE = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from watcher.cli import main
main(sys.argv[1:])
"""
HEAVY = {
    "apscheduler",
    "numpy",
    "telegram",
    "trafilatura",
    "babel",
    "ahocorasick_rs",
    "watcher.rules.compile",
    "structlog",
}


class Place:
    """A configuration over a newsroom, and the command run on it as a process of its own."""

    def __init__(self, folder: Path, room: Newsroom, names: tuple[str, ...]) -> None:
        self.folder = folder
        self.room = room
        (folder / "rules").mkdir()
        (folder / "rules" / "ferry.yaml").write_text(RULE)
        sources = "".join(f'[[sources]]\nid = "{name}"\nurl = "{room.url(name)}"\nlanguage = "en"\n' for name in names)
        (folder / "config.toml").write_text(
            '[store]\npath = "watcher.db"\n[rules]\npaths = ["rules"]\n[http]\nallow_private_networks = true\n'
            '[[recipients]]\nid = "desk"\nchannel = "console"\nto = "-"\noperator = true\n' + sources
        )

    async def run(self) -> tuple[int, str, set[str], list[str]]:
        """Exit code, standard output, the modules that were loaded, and the other lines of standard error."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROBE, "run", "--once", "--config", str(self.folder / "config.toml")),
            cwd=CHECKOUT,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        *lines, modules = err.decode().splitlines()
        assert process.returncode is not None
        return process.returncode, out.decode(), set(json.loads(modules)), lines

    def states(self) -> dict[str, SourceState]:
        with Store.open(self.folder / "watcher.db", exclusive=False) as store:
            return {state.source_id: state for state in store.articles.source_states()}


def item(number: int, text: str = "The ferry sailed on time.", *, age: timedelta = timedelta(hours=1)) -> Item:
    return Item(f"n{number}", f"Notice {number}", text, datetime.now(UTC) - age)


async def test_a_run_without_news_loads_neither_rules_nor_what_reads(tmp_path: Path) -> None:
    async with Newsroom() as room:
        for name in ("one", "two"):
            room.publish(name, item(1, age=timedelta(days=3)))
        place = Place(tmp_path, room, ("one", "two"))
        code, _, modules, _ = await place.run()
        assert code == 0
        assert "watcher.rules.compile" in modules
        before = place.states()
        room.requests.clear()
        code, out, modules, lines = await place.run()
        assert (code, out, lines) == (0, "", [])
        assert HEAVY & modules == set()
        assert sorted(room.requests) == ["one", "two"]
        after = place.states()
        for name in ("one", "two"):
            was, now = before[name].polled_at, after[name].polled_at
            assert was is not None
            assert now is not None
            assert now > was
            assert after[name].reason is FetchReason.NOT_MODIFIED
            assert after[name].bookmark == before[name].bookmark
        with Store.open(tmp_path / "watcher.db", exclusive=False) as store:
            assert [run.stopped_at is not None for run in store.journal.runs(9)] == [True, True]


async def test_news_of_one_source_is_read_with_one_request_for_each(tmp_path: Path) -> None:
    async with Newsroom() as room:
        names = tuple(f"feed{number}" for number in range(5))
        for name in names:
            room.publish(name, item(1, age=timedelta(days=3)))
        place = Place(tmp_path, room, names)
        await place.run()
        await place.run()
        room.publish("feed3", item(2, "The ferry stopped on Friday, the harbour office said."))
        room.requests.clear()
        code, out, modules, _ = await place.run()
        assert code == 0
        assert "ferry stopped" in out
        assert "watcher.rules.compile" in modules
        assert sorted(one for one in room.requests if "/" not in one) == sorted(names)
        code, out, modules, _ = await place.run()
        assert (code, out) == (0, "")
        assert "watcher.rules.compile" not in modules


async def test_a_wrong_rule_is_found_though_nothing_is_new(tmp_path: Path) -> None:
    async with Newsroom() as room:
        room.publish("one", item(1, age=timedelta(days=3)))
        place = Place(tmp_path, room, ("one",))
        await place.run()
        path = tmp_path / "rules" / "ferry.yaml"
        path.write_text(RULE.replace("phrases", "phrase"))
        room.requests.clear()
        for _ in range(2):
            code, _, _, lines = await place.run()
            assert code == 2
            assert any("ferry.yaml:9" in line for line in lines)
        assert room.requests == []
        path.write_text(RULE)
        assert (await place.run())[0] == 0


async def test_a_source_that_goes_on_failing_is_no_news(tmp_path: Path) -> None:
    async with Newsroom() as room:
        for name in ("good", "bad"):
            room.publish(name, item(1, age=timedelta(days=3)))
        place = Place(tmp_path, room, ("good", "bad"))
        await place.run()
        room.broken["bad"] = web.Response(status=500)
        outputs = []
        for _ in range(5):
            code, out, modules, lines = await place.run()
            assert code == 0
            assert any('"poll_failed"' in line and '"bad"' in line for line in lines)
            outputs.append("Source bad cannot be read" in out)
        assert outputs == [False, False, True, False, False]
        assert "watcher.rules.compile" not in modules
        assert place.states()["bad"].failures == 5
        del room.broken["bad"]
        code, out, _, _ = await place.run()
        assert (code, "Source bad works again" in out) == (0, True)
        assert place.states()["bad"].failures == 0
