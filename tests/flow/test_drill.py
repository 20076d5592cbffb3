"""A drill as an operator holds it: beside a running daemon and without one, over every channel, and who did not get it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.bot_api import BotApi
from tests.builders import NOW
from tests.daemon_process import CHECKOUT
from tests.flow.test_daemon import CHAT, DESK, Place
from tests.newsroom import Newsroom
from tests.smtp import MailFault, MailServer
from watcher.drill import hold, rehearse
from watcher.drill.pipeline import DrillError
from watcher.model import AlertKind, Budget, Channel, Digest, Recipient
from watcher.notices import overdue_since, tell_about_drill
from watcher.rule_tests import run_rule_tests
from watcher.settings.schema import HttpSettings
from watcher.store import Store


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        room, api = await stack.enter_async_context(Newsroom()), await stack.enter_async_context(BotApi())
        one = Place(tmp_path, room, api, await stack.enter_async_context(MailServer()))
        stack.push_async_callback(one.daemon.kill)
        yield one


async def command(place: Place, *words: str) -> tuple[int, str, str]:
    """The exit code, what it printed and what it said of mistakes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "watcher", *words, "--config", str(place.config)),
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, mistakes = await process.communicate()
    return process.returncode or 0, out.decode(), mistakes.decode()


QUIET = """
[[recipients]]
id = "resting"
channel = "email"
to = "rest@example.org"
quiet_hours = "{hours} UTC"
digest = "daily 08:00 Asia/Yerevan"
budget = "1/1d"
"""


def hours_around(now: datetime) -> str:
    """Quiet hours in which the present lies."""
    return f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M}"


async def test_beside_a_daemon_everybody_gets_it(place: Place) -> None:
    received: list[dict[str, Any]] = []

    async def receive(request: web.Request) -> web.Response:
        received.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    more = QUIET.format(hours=hours_around(datetime.now(UTC)))
    more += f'[[recipients]]\nid = "hook"\nchannel = "webhook"\nto = "{hook}"\n'
    place.configure(more, courier="")
    try:
        await place.daemon.start()
        await place.daemon.wait_for("started")
        code, out, mistakes = await command(place, "drill", "--yes", "--format", "json", "--timeout", "1m")
        assert code == 0, out + mistakes + place.daemon.log()
        done = json.loads(out)
        assert done["sent_by"] == "daemon"
        assert done["missed"] == []
        got = {one["recipient"]: one["seconds"] for one in done["recipients"]}
        assert set(got) == {"chat", "desk", "resting", "hook", "admin-1111"}
        assert all(0 <= seconds < 30 for seconds in got.values())
        assert received[0]["kind"] == "exercise"
        texts = [message.text for message in place.api.to(int(CHAT))]
        assert any("EXERCISE" in text for text in texts), texts
        mails = {mail.recipient: str(mail.mail["Subject"]) for mail in place.mail.accepted}
        assert set(mails) == {DESK, "rest@example.org"}
        assert all("EXERCISE" in subject for subject in mails.values())
        code, out, _ = await command(place, "status", "--format", "json")
        status = json.loads(out)
        assert status["last_drill"] is not None
        assert not [trouble for trouble in status["troubles"] if "exercise" in trouble]
        code, out, _ = await command(place, "events", "--format", "json")
        assert json.loads(out) == []  # the exercise is no event
    finally:
        await runner.cleanup()


async def test_without_a_daemon_the_command_sends_it_and_names_who_did_not_get_it(place: Place) -> None:
    place.configure(QUIET.format(hours="01:00-02:00").replace("rest@example.org", "gone@example.org"), courier="")
    place.mail.answer("gone@example.org", *[MailFault("RCPT", "550 5.1.1 User unknown")] * 5)
    code, out, mistakes = await command(place, "drill", "--yes", "--recipient", "desk", "--recipient", "resting")
    assert code == 1, out + mistakes
    assert "did not get it: resting" in out
    assert "550" in out
    assert [mail.recipient for mail in place.mail.accepted] == [DESK]
    code, out, _ = await command(place, "status")
    assert code == 1
    assert "the last exercise did not reach resting" in out
    assert "1 of 2 got it" in out


async def test_it_asks_before_it_begins_and_knows_its_recipients(place: Place) -> None:
    code, out, mistakes = await command(place, "drill")
    assert (code, out) == (1, "")
    assert "An exercise goes to 3 now, also in their quiet hours: chat, desk, admin-1111." in mistakes
    assert "whatever else is due is sent, too" in mistakes
    code, _, mistakes = await command(place, "drill", "--yes", "--recipient", "nobody")
    assert code == 1
    assert "there is no recipient nobody; there are chat, desk, admin-1111" in mistakes
    assert place.mail.accepted == []


async def test_what_nobody_takes_in_time_is_dropped_and_arrives_no_more() -> None:
    now = NOW
    rehearsal = await rehearse(HttpSettings().to_fetcher(), lambda: NOW)
    everybody = (
        Recipient("desk", Channel.EMAIL, DESK, budget=Budget(1, timedelta(days=1)), digest=Digest(None, "UTC")),
        Recipient("closed", Channel.TELEGRAM, "2222"),
    )

    async def dispatch() -> None:
        nonlocal now
        with store.transaction():
            store.keep_budgets(everybody, Channel.EMAIL, now)
            claimed = store.outbox.claim_due(now, limit=5, lease=timedelta(minutes=2), channel=Channel.EMAIL)
            for one in claimed:
                store.outbox.settle_retry(one.delivery, not_before=now + timedelta(hours=1), reason="greylisted")
        now += timedelta(minutes=1)

    with Store.open(None, exclusive=True) as store:
        with store.transaction():
            store.outbox.close_recipient("closed", "2222", reason="blocked by the user", now=now)
        held = await hold(store, rehearsal.alert, everybody, lambda: now, timedelta(minutes=2), dispatch)
        assert held.missed == ("desk", "closed")
        assert [one.detail for one in held.got] == ["greylisted", "recipient closed: blocked by the user"]
        states = {one.delivery.recipient_id: one.delivery for one in store.outbox.entries()}
        assert states["desk"].last_error == "the drill was over before it was delivered; greylisted"
        assert (states["desk"].state.value, states["closed"].state.value) == ("dropped", "failed")
        assert store.drills.latest()[0].missed == ("closed", "desk")


async def test_the_alert_comes_from_the_real_stages_and_is_marked() -> None:
    one = await rehearse(HttpSettings().to_fetcher(), lambda: NOW)
    other = await rehearse(HttpSettings().to_fetcher(), lambda: NOW)
    assert one.alert.kind is AlertKind.EXERCISE
    assert one.alert.event_id is None
    assert one.alert.id != other.alert.id
    assert [excerpt.text.startswith("This is an exercise of watcher") for excerpt in one.alert.excerpts] == [True]
    assert all(report.url is None for report in one.alert.reports)
    assert 0 < one.seconds < 60


async def test_a_stage_that_fails_is_named() -> None:
    with pytest.raises(DrillError, match="the exercise's feed could not be read: too large"):
        await rehearse(HttpSettings().to_fetcher() | {"max_bytes": 100}, lambda: NOW)


def test_the_rule_of_the_exercise_passes_its_own_tests() -> None:
    from watcher.cleaning import clean_text
    from watcher.drill.pipeline import RULE
    from watcher.rules.compile import compile_rules
    from watcher.rules.load import load_rules
    from watcher.understand.gazetteer import Gazetteer

    rule_set = load_rules([RULE])
    outcomes = run_rule_tests(rule_set, compile_rules(rule_set, Gazetteer.load()), clean_text)
    assert outcomes and all(one.passed for one in outcomes)


def test_an_overdue_drill_is_told_once_and_again_after_the_next() -> None:
    every, operator = timedelta(days=30), Recipient("ops", Channel.EMAIL, DESK, is_operator=True)
    with Store.open(None, exclusive=True) as store:
        with store.transaction():
            store.journal.start_run(NOW, "1")

        def told(after: timedelta) -> bool:
            with store.transaction():
                return tell_about_drill(store, [operator], every, NOW + after)

        assert overdue_since(store, every, NOW + timedelta(days=29)) is None
        assert [told(timedelta(days=days)) for days in (29, 31, 32, 60)] == [False, True, False, False]
        assert overdue_since(store, every, NOW + timedelta(days=31)) == NOW + every
        with store.transaction():
            store.drills.begin("a", NOW + timedelta(days=61), ["desk"])
            store.drills.end("a", NOW + timedelta(days=61), [])
            store.drills.begin("interrupted", NOW + timedelta(days=70), ["desk"])
        assert [told(timedelta(days=days)) for days in (61, 90, 92, 93)] == [False, False, True, False]
