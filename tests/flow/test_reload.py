"""Reload by itself when files change, and the guard that refuses rules which would lose alerts, in a real daemon."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot_api import BotApi
from tests.flow.test_daemon import OPERATOR, Place, rule
from tests.newsroom import Newsroom
from tests.smtp import MailServer

OTHER_PHRASE = "withdraw~ ..3 ambassador"
QUIET = 4.0  # seconds; a change is taken up within three


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Place]:
    async with Newsroom() as room, BotApi() as api, MailServer() as mail:
        desk = Place(tmp_path, room, api, mail)
        yield desk
        await desk.daemon.kill()


def set_rules(desk: Place, *lines: str) -> None:
    """Nothing; the section [rules] has these lines beside its paths."""
    text = re.sub(
        r"paths = \[\"rules\"\]\n(?: *(?:guard|reload_on).*\n)*", 'paths = ["rules"]\n', desk.config.read_text()
    )
    desk.config.write_text(text.replace('paths = ["rules"]\n', "\n".join(['paths = ["rules"]', *lines, ""])))


async def reloads(desk: Place, count: int) -> dict:
    return await desk.daemon.wait_for("reloaded", count)


async def nothing_happens(desk: Place) -> None:
    before = (len(desk.daemon.lines("reloaded")), len(desk.daemon.lines("reload_refused")))
    await asyncio.sleep(QUIET)
    assert (len(desk.daemon.lines("reloaded")), len(desk.daemon.lines("reload_refused"))) == before


async def test_changes_on_disk_are_taken_up_once_each(desk: Place) -> None:
    await desk.daemon.start()
    await desk.daemon.wait_for("started")
    await desk.first_alert()
    file = desk.folder / "rules" / "recalled.yaml"

    for end in ("", "\nrule: hal", rule("second")):  # an editor that writes several times
        file.write_text(rule("recalled") + "---" + end)
        await asyncio.sleep(0.3)
    assert (await reloads(desk, 1))["added"] == ["second"]
    await desk.arrival("Reloaded: 2 rules", OPERATOR)

    file.with_suffix(".tmp").write_text(rule("recalled", OTHER_PHRASE))  # an editor that replaces the file
    file.with_suffix(".tmp").rename(file)
    found = await reloads(desk, 2)
    assert (found["changed"], found["removed"]) == (["recalled"], ["second"])

    (desk.folder / "rules" / "more").mkdir()
    (desk.folder / "rules" / "more" / "third.yaml").write_text(rule("third"))
    assert (await reloads(desk, 3))["added"] == ["third"]
    (desk.folder / "rules" / "more" / "third.yaml").write_text(rule("fourth"))
    assert (await reloads(desk, 4))["added"] == ["fourth"]

    file.write_text("rule: recalled\n")
    await desk.arrival("Reload refused", OPERATOR)
    file.write_text(rule("recalled"))
    assert (await reloads(desk, 5))["changed"] == ["recalled"]

    desk.configure(courier="", mirror="")
    await reloads(desk, 6)
    await desk.daemon.wait_until(lambda: "mirror" in desk.room.requests, "a poll of the new source")

    file.touch()  # nothing new in it
    (desk.folder / "rules" / "notes.txt").write_text("not a rule")
    os.kill(desk.daemon.process.pid, signal.SIGHUP)
    assert len((await reloads(desk, 7))["changed"]) == 0
    await nothing_happens(desk)
    assert await desk.daemon.end() == 0


async def test_a_folder_of_rules_that_goes_and_comes_back(desk: Place) -> None:
    rules, away = desk.folder / "rules", desk.folder / "away"
    await desk.daemon.start()
    await desk.daemon.wait_for("started")
    await desk.daemon.wait_until(lambda: "courier" in desk.room.requests, "a poll")
    rules.rename(away)
    await desk.arrival("Reload refused: 1 mistake", OPERATOR)
    (away / "recalled.yaml").write_text(rule("recalled", OTHER_PHRASE))
    away.rename(rules)
    assert (await reloads(desk, 1))["changed"] == ["recalled"]
    (rules / "recalled.yaml").write_text(rule("recalled"))
    assert (await reloads(desk, 2))["changed"] == ["recalled"]
    new = desk.folder / "new"
    shutil.copytree(rules, new)
    (new / "more.yaml").write_text(rule("more"))
    rules.rename(away)
    new.rename(rules)  # swapped as a whole, as some deployments do
    assert (await reloads(desk, 3))["added"] == ["more"]
    (rules / "more.yaml").write_text(rule("most"))
    assert (await reloads(desk, 4))["added"] == ["most"]
    assert await desk.daemon.end() == 0


async def test_without_reload_on_change_only_a_signal_reloads(desk: Place) -> None:
    set_rules(desk, "reload_on_change = false")
    await desk.daemon.start()
    await desk.daemon.wait_for("started")
    desk.write_rules(recalled=rule("recalled", OTHER_PHRASE))
    await nothing_happens(desk)
    set_rules(desk)
    os.kill(desk.daemon.process.pid, signal.SIGHUP)
    assert (await reloads(desk, 1))["changed"] == ["recalled"]
    desk.write_rules(recalled=rule("recalled"))  # from now on it is on
    assert (await reloads(desk, 2))["changed"] == ["recalled"]


WITHOUT_INOTIFY = (
    "unshare",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 >/proc/sys/user/max_inotify_watches && exec "$@"',
    "sh",
)


@pytest.mark.skipif(
    subprocess.run((*WITHOUT_INOTIFY, "true"), capture_output=True).returncode != 0,
    reason="this system lets nobody lower its limit of watches",
)
async def test_a_system_that_cannot_watch_is_told_once_and_nothing_else_suffers(desk: Place) -> None:
    desk.daemon.wrapper = WITHOUT_INOTIFY
    await desk.daemon.start()
    assert "watch limit reached" in (await desk.daemon.wait_for("file_watch_refused"))["reason"]
    notice = await desk.arrival("The system does not tell of changed rules", OPERATOR)
    assert "SIGHUP" in notice
    await desk.first_alert()
    desk.write_rules(recalled=rule("recalled", OTHER_PHRASE))
    os.kill(desk.daemon.process.pid, signal.SIGHUP)
    assert (await reloads(desk, 1))["changed"] == ["recalled"]
    assert await desk.daemon.end() == 0
    desk.daemon.wrapper = ()
    await desk.daemon.start()
    await desk.arrival("Changed rules are noticed at once again", OPERATOR)
    assert sum("does not tell of" in message.text for message in desk.api.to(OPERATOR)) == 1


async def accept(desk: Place) -> str:
    """What the command said."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")}
    command = (sys.executable, "-m", "watcher", "rules", "accept", "--config", str(desk.config))
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_the_guard_refuses_what_loses_alerts_until_it_is_accepted(desk: Place) -> None:
    desk.write_rules(recalled=rule("recalled"), never=rule("never", "declare~ war"))
    set_rules(desk, "guard = true")
    await desk.daemon.start()
    await desk.first_alert()
    (alert,) = [message.text for message in desk.api.to("2222")]

    desk.write_rules(recalled=rule("recalled", "recall~ ..4 ambassador"))  # says the same; a rule that never spoke goes
    found = await reloads(desk, 1)
    assert (found["changed"], found["removed"]) == (["recalled"], ["never"])
    await desk.arrival("guard: no alert is lost of those since", OPERATOR)

    desk.write_rules(recalled=rule("recalled", OTHER_PHRASE))
    notice = await desk.arrival("Reload refused: 1 alert of the past would be lost", OPERATOR)
    assert "(recalled): missing break" in notice
    (lost,) = desk.daemon.lines("alert_would_be_lost")
    assert lost["alert_id"] in notice
    assert lost["alert_id"] in alert
    await desk.arrival(desk.publish("courier"))  # the old rules are in force

    version = re.search("version ([0-9a-f]{16})", notice)[1]
    said = await accept(desk)
    assert said.startswith(f"accepted version {version} of the rules, 1 of them, for one reload\n")
    os.kill(desk.daemon.process.pid, signal.SIGHUP)
    assert (await reloads(desk, 2))["changed"] == ["recalled"]
    with desk.store() as store:
        assert not store.journal.are_rules_accepted(version)

    (desk.folder / "rules" / "recalled.yaml").write_text(rule("other"))  # the lost alerts do not count again
    assert (await reloads(desk, 3))["removed"] == ["recalled"]


def comparing(desk: Place) -> list[int]:
    """The processes of comparisons, which threads of the daemon have started."""
    threads = Path(f"/proc/{desk.daemon.process.pid}/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


async def test_polls_go_on_while_the_guard_compares_and_a_stop_ends_it(desk: Place) -> None:
    set_rules(desk, "guard = true")
    await desk.daemon.start()
    await desk.first_alert()
    desk.write_rules(recalled=rule("recalled", OTHER_PHRASE))
    os.kill(desk.daemon.process.pid, signal.SIGHUP)
    await desk.daemon.wait_until(lambda: bool(comparing(desk)), "a process that compares")
    (process,) = comparing(desk)
    os.kill(process, signal.SIGSTOP)  # takes for ever
    states = desk.publish("courier")
    await desk.arrival(states)
    assert await desk.daemon.end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert not desk.daemon.lines("guard_failed")
    assert not any("Reload" in message.text for message in desk.api.to(OPERATOR))
