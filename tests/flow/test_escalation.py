"""Escalation end to end: real feeds over HTTP, a strict Bot API, a real mail server, a new process for every step."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.bot_api import TOKEN, BotApi, Fault
from tests.daemon_process import DaemonProcess
from tests.newsroom import Item, Newsroom
from tests.smtp import MailServer
from watcher.cli import main
from watcher.cli.common import load_all
from watcher.daemon import Daemon, Parts, make_notifiers
from watcher.model import DeliveryState
from watcher.store import Store

CHAT, BOSS, DEPUTY = "-100200300", "7001", "7002"
RULE = """\
rule: border-fire
title: Fire across a border
family: clash
severity: critical
languages: [en]
look_for:
  fire: {phrases: [exchange~ ..2 fire]}
  deaths: {killed: {at_least: 1}}
  pair: {states: {at_least: 2}}
escalate: {if_not_acknowledged_in: 15m, to: [boss]}
"""
FIRST = "Armenian and Azerbaijani troops exchanged fire on Wednesday, and at least 3 soldiers were killed."
CONFIRMS = "The armies of Armenia and Azerbaijan exchanged fire for an hour; 3 soldiers were killed, a mayor said."
GRAVER = "Azerbaijani and Armenian units exchanged fire again; at least 20 soldiers were killed, doctors said."
UNHEEDED = "Nobody has acknowledged this since 2022-09-14 03:12 UTC."


@dataclass
class Desk:
    """A configured watcher; every step of it is a new process, as after a restart."""

    folder: Path
    room: Newsroom
    api: BotApi
    mail: MailServer
    now: datetime = datetime(2022, 9, 14, 3, 12, tzinfo=UTC)
    published: int = 0

    def configure(self, rule: str = RULE, boss: str = "", every: str = "5m") -> None:
        """Nothing; ``boss`` are more lines about the one to escalate to."""
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        (self.folder / "rules").mkdir(exist_ok=True)
        (self.folder / "rules" / "desk.yaml").write_text(rule)
        sources = "".join(
            f'[[sources]]\nid = "{name}"\nurl = "{self.room.url(name)}"\npublisher = "{name.title()}"\n'
            f'language = "en"\nevery = "{every}"\n'
            for name in ("courier", "radio", "wire")
        )
        self.config.write_text(f"""
            [store]
            path = "watcher.db"
            [rules]
            paths = ["rules"]
            [http]
            allow_private_networks = true
            [telegram]
            token_file = "token"
            base_url = "{self.api.base_url}"
            [email]
            host = "127.0.0.1"
            port = {self.mail.port}
            sender = "watcher@example.org"
            [[recipients]]
            id = "desk"
            channel = "telegram"
            to = "{CHAT}"
            [[recipients]]
            id = "boss"
            channel = "telegram"
            to = "{BOSS}"
            rules = []
            {boss}
            [[recipients]]
            id = "deputy"
            channel = "email"
            to = "deputy@example.org"
            rules = []
            {sources}
            """)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def publish(self, outlet: str, text: str, at: datetime | None = None) -> None:
        self.published += 1
        item = Item(f"item{self.published}", f"Report {self.published}", text, at or self.now, (text,))
        self.room.publish(outlet, item)

    async def run(self, after: float = 0) -> None:
        """Nothing; so many minutes later everything is polled and what is due is sent, by a new process."""
        self.now += timedelta(minutes=after)
        settings, book = load_all(self.config)
        with Store.open(settings.store.path, exclusive=True) as store:
            daemon = Daemon(settings, book, store, lambda: (settings, book), make_notifiers, clock=lambda: self.now)
            await daemon.run_once()

    def texts(self, chat: str) -> list[str]:
        return [message.text for message in self.api.to(chat)]

    def store(self) -> Store:
        return Store.open(self.folder / "watcher.db", exclusive=False)

    def acknowledge(self, by: str = "anna") -> None:
        with self.store() as store:
            [alert, *_] = store.events.alerts(limit=1)
            store.acknowledge(alert.id, by=by, now=self.now)

    def command(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--config", str(self.config)])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Newsroom() as room, BotApi() as api, MailServer() as mail:
        place = Desk(tmp_path, room, api, mail)
        place.configure()
        yield place


async def test_when_nobody_acknowledges_one_message_goes_to_the_others_in_time(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    [first] = desk.texts(CHAT)
    assert "\n\nOthers are told at 2022-09-14 03:27 UTC unless somebody presses “Acknowledge”.\n" in first
    assert desk.texts(BOSS) == []
    await desk.run(14)
    assert desk.texts(BOSS) == []
    await desk.run(1)
    [message] = desk.texts(BOSS)
    assert message.startswith(UNHEEDED + " If you look after it: “Acknowledge”.\n")
    assert "UNANSWERED · CRITICAL: Fire across a border: Armenia and Azerbaijan, at least 3 killed" in message
    assert "exchanged fire" in message
    assert "Others are told at" not in message
    for _ in range(3):
        await desk.run(60)
    assert (len(desk.texts(BOSS)), len(desk.texts(CHAT))) == (1, 1)
    with desk.store() as store:
        [alert] = store.events.alerts(limit=9)
        [told] = store.outbox.escalations(alert.event_id)
        assert (told.state, told.settled_at) == (DeliveryState.DELIVERED, alert.created_at + timedelta(minutes=15))


async def test_an_acknowledgement_in_time_stops_it(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    desk.now += timedelta(minutes=14)
    desk.acknowledge()
    for _ in range(3):
        await desk.run(30)
    assert desk.texts(BOSS) == []


async def test_an_update_that_is_no_graver_does_not_call_again_and_a_graver_one_does(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    desk.acknowledge()
    desk.publish("radio", CONFIRMS, desk.now + timedelta(minutes=5))
    await desk.run(10)
    assert "confirmed by a second newsroom" in desk.texts(CHAT)[1]
    assert "Others are told at" not in desk.texts(CHAT)[1]
    await desk.run(60)
    assert desk.texts(BOSS) == []
    desk.publish("wire", GRAVER, desk.now)
    await desk.run(8)
    assert "now at least 20 killed" in desk.texts(CHAT)[2]
    await desk.run(15)
    [message] = desk.texts(BOSS)
    assert message.startswith("Nobody has acknowledged this since 2022-09-14 03:22 UTC.")  # the confirmation
    assert "at least 20 killed" in message


async def test_news_before_the_time_is_in_the_one_escalation_at_the_first_ones_time(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    desk.publish("wire", GRAVER, desk.now + timedelta(minutes=5))
    await desk.run(10)
    assert "Others are told at 2022-09-14 03:27 UTC" in desk.texts(CHAT)[1]
    await desk.run(5)
    [message] = desk.texts(BOSS)
    assert message.startswith(UNHEEDED)
    assert "at least 20 killed" in message
    await desk.run(60)
    assert len(desk.texts(BOSS)) == 1
    with desk.store() as store:
        [update, first] = store.events.alerts(limit=9)
        replaced, told = store.outbox.escalations(first.event_id)
        assert (replaced.state, replaced.last_error) == (DeliveryState.DROPPED, f"{told.alert_id} says more")
        assert told.created_at == update.created_at
        store.acknowledge(first.id, by="anna", now=desk.now)
        assert store.events.acknowledgement_of(update.id) == store.events.acknowledgement_of(first.id)


async def test_what_a_newsroom_takes_back_before_the_time_is_not_escalated_as_it_was(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    [item] = desk.room.feeds["courier"]
    edited = FIRST.replace("at least 3 soldiers were killed", "nobody was hurt, the newspaper says now")
    desk.room.feeds["courier"] = [replace(item, summary=edited, page=(edited,))]
    await desk.run(10)
    assert "CORRECTION: " in desk.texts(CHAT)[1]
    assert desk.texts(BOSS) == []  # who was told nothing needs no correction
    await desk.run(5)
    [message] = desk.texts(BOSS)
    assert message.startswith(UNHEEDED)
    assert "CORRECTION: " in message


async def test_a_graver_turn_after_an_escalation_nobody_heeded_is_escalated_again(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    await desk.run(15)
    desk.publish("wire", GRAVER, desk.now)
    await desk.run(15)
    assert len(desk.texts(BOSS)) == 1
    await desk.run(15)
    first, second = desk.api.to(BOSS)
    assert second.text.startswith(UNHEEDED)
    assert "UPDATE: " in second.text
    assert "at least 20 killed" in second.text
    assert second.reply_to == first.message_id


async def test_who_got_the_alert_and_is_named_is_reminded(desk: Desk) -> None:
    desk.configure(RULE.replace("to: [boss]", "to: [desk, deputy]"))
    desk.publish("courier", FIRST)
    await desk.run()
    await desk.run(15)
    alert, reminder = desk.api.to(CHAT)
    assert reminder.text.startswith(UNHEEDED)
    assert reminder.reply_to == alert.message_id
    [letter] = desk.mail.accepted
    assert letter.mail["Subject"].startswith("[UNANSWERED] [CRITICAL] Fire across a border")
    assert desk.texts(BOSS) == []
    await desk.run(600)
    assert (len(desk.texts(CHAT)), len(desk.mail.accepted)) == (2, 1)


@pytest.mark.parametrize(
    ("choice", "at", "silent"),
    [("hold", "07:00", False), ("send", "03:27", False), ("silent", "03:27", True)],
)
async def test_quiet_hours_are_kept_as_the_rule_says(desk: Desk, choice: str, at: str, silent: bool) -> None:
    desk.configure(f"{RULE}send: {{in_quiet_hours: {choice}}}\n", 'quiet_hours = "23:00-07:00 UTC"')
    desk.publish("courier", FIRST)
    await desk.run()
    arrived = []
    for minutes in (14, 1, 212, 1, 1):  # 03:26, 03:27, 06:59, 07:00, 07:01
        await desk.run(minutes)
        arrived += [f"{desk.now:%H:%M}"] * (len(desk.texts(BOSS)) - len(arrived))
    assert arrived == [at]
    [message] = desk.api.to(BOSS)
    assert message.is_silent is silent
    assert message.text.startswith(UNHEEDED)


async def test_trouble_with_the_channel_delays_it_until_it_is_acknowledged(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    desk.api.answer(BOSS, Fault(status=500, description="Internal Server Error"))
    await desk.run(15)
    assert desk.texts(BOSS) == []
    desk.acknowledge("boris")
    await desk.run(30)
    assert desk.texts(BOSS) == []
    with desk.store() as store:
        [alert] = store.events.alerts(limit=9)
        [withdrawn] = store.outbox.escalations(alert.event_id)
        assert withdrawn.state is DeliveryState.DROPPED
        assert withdrawn.last_error.startswith("acknowledged by boris; before that: ")


async def test_a_test_rule_escalates_only_to_those_who_test(desk: Desk) -> None:
    desk.configure(RULE + "status: test\n")
    desk.publish("courier", FIRST)
    await desk.run()
    await desk.run(30)
    assert desk.api.accepted == []
    desk.configure(RULE + "status: test\n", "test = true")
    desk.publish("radio", GRAVER)
    await desk.run()
    await desk.run(30)
    assert "TEST RULE · UNANSWERED · CRITICAL" in desk.texts(BOSS)[-1]
    assert desk.texts(CHAT) == []


async def test_the_daemon_wakes_when_it_is_due_and_survives_being_killed(desk: Desk) -> None:
    desk.configure(RULE.replace("15m", "8s"), every="30m")
    desk.publish("courier", FIRST, datetime.now(UTC))
    daemon = DaemonProcess(desk.config)
    try:
        await daemon.start()
        await daemon.wait_until(lambda: bool(desk.texts(CHAT)), "first alert")
        await daemon.wait_for("delivered")
        assert await daemon.end(signal.SIGKILL) == -signal.SIGKILL
        assert desk.texts(BOSS) == []
        await daemon.start()
        await daemon.wait_until(lambda: bool(desk.texts(BOSS)), "escalation")
        await daemon.wait_for("delivered")
        with desk.store() as store:
            [alert] = store.events.alerts(limit=9)
            [told] = store.outbox.escalations(alert.event_id)
        due = alert.created_at + timedelta(seconds=8)
        assert told.not_before_at == due
        assert told.settled_at is not None
        # It waits for the moment itself, and not for the next poll or the minute after which it looks anyway.
        assert due <= told.settled_at < due + timedelta(seconds=25)
        await asyncio.sleep(0.5)
        assert (len(desk.texts(BOSS)), len(desk.texts(CHAT))) == (1, 1)
    finally:
        await daemon.kill()


async def test_the_dispatcher_sleeps_until_the_escalation_is_due(desk: Desk) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    settings, book = load_all(desk.config)
    loop = asyncio.get_running_loop()
    began, woke_at = loop.time(), desk.now + timedelta(minutes=14, seconds=59.7)
    with Store.open(settings.store.path, exclusive=True) as store:

        def clock() -> datetime:
            return woke_at + timedelta(seconds=loop.time() - began)

        daemon = Daemon(settings, book, store, lambda: (settings, book), make_notifiers, clock=clock)
        async with AsyncExitStack() as stack:
            parts = await Parts.open(daemon, stack)
            dispatching = asyncio.create_task(parts.run_dispatcher())
            for _ in range(1000):
                if desk.texts(BOSS):
                    break
                await asyncio.sleep(0.01)
            assert clock() >= desk.now + timedelta(minutes=15)
            dispatching.cancel()
            await asyncio.wait([dispatching])


async def test_commands(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.now = datetime.now(UTC)  # commands know no other present
    desk.publish("courier", FIRST)
    await desk.run()
    with desk.store() as store:
        [alert] = store.events.alerts(limit=9)
    code, out, _ = desk.command(capsys, "alerts")
    assert code == 0
    assert "no, escalation due in 14 min" in out or "no, escalation due in 15 min" in out
    code, out, _ = desk.command(capsys, "alerts", "show", alert.id)
    assert "boss (telegram): pending\n" in out
    assert out.endswith(f"not acknowledged; `watcher alerts ack {alert.id}` does so\n")
    [listed] = json.loads(desk.command(capsys, "alerts", "--format", "json")[1])
    assert listed["acknowledged"] is None
    [escalation] = listed["escalations"]
    assert (escalation["recipient"], escalation["state"], escalation["reason"]) == ("boss", "pending", None)
    code, out, _ = desk.command(capsys, "status")
    assert (code, "waits" in out) == (0, False)

    code, out, _ = desk.command(capsys, "alerts", "ack", alert.id, "--by", "Anna", "--note", "calling Yerevan")
    assert code == 0
    assert out.startswith(f"event {alert.event_id} is acknowledged by Anna, ")
    assert out.endswith(": calling Yerevan; 1 escalation withdrawn\n")
    code, out, _ = desk.command(capsys, "alerts", "ack", escalation["alert"], "--by", "Boris")
    assert (code, out.startswith(f"event {alert.event_id} is already acknowledged by Anna, ")) == (0, True)
    code, out, _ = desk.command(capsys, "alerts", "ack", alert.event_id, "--by", "Boris", "--format", "json")
    answer = json.loads(out)
    assert (answer["by"], answer["new"], answer["escalations_withdrawn"]) == ("Anna", False, 0)
    assert (answer["event"], answer["note"]) == (alert.event_id, "calling Yerevan")

    assert "Anna, 20" in desk.command(capsys, "alerts")[1]
    shown = desk.command(capsys, "alerts", "show", alert.id)[1]
    assert "boss (telegram): dropped: acknowledged by Anna\n" in shown
    assert "acknowledged by Anna, 20" in shown.splitlines()[-1]
    record = json.loads(desk.command(capsys, "alerts", "show", alert.id, "--format", "json")[1])
    assert record["acknowledged"]["by"] == "Anna"
    shown = desk.command(capsys, "alerts", "show", escalation["alert"])[1]
    assert shown.startswith("Nobody has acknowledged this since ")

    assert desk.command(capsys, "alerts", "ack", "nothing") == (1, "", "watcher: there is no alert or event nothing\n")
    code, out, _ = desk.command(capsys, "outbox")
    assert (code, "boss" in out) == (0, False)


async def test_by_itself_it_is_whoever_is_logged_in(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.publish("courier", FIRST)
    await desk.run()
    with desk.store() as store:
        [alert] = store.events.alerts(limit=9)
    monkeypatch.setenv("LOGNAME", "night-desk")
    assert "acknowledged by night-desk, " in desk.command(capsys, "alerts", "ack", alert.id)[1]


async def test_who_is_told_when_is_seen_after_it_was_escalated(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.now = datetime.now(UTC) - timedelta(hours=3)
    desk.publish("courier", FIRST)
    await desk.run()
    await desk.run(15)
    assert "no, escalated 2 h ago" in desk.command(capsys, "alerts")[1]
