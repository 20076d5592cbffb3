"""Dispatch end to end: what is due goes out, in order, once, whatever the channels do."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bot_api import TOKEN, BotApi, Fault, blocked, flooded, migrated
from tests.builders import NOW, alert, delivery, event, recipient
from tests.smtp import MailServer
from watcher.dispatch import AT_ONCE, EDIT_ATTEMPTS, Dispatcher, Settled
from watcher.errors import StoreError
from watcher.model import (
    AlertKind,
    Channel,
    Delivered,
    Delivery,
    DeliveryState,
    GiveUp,
    Outcome,
    Retry,
    Severity,
    Uncertain,
)
from watcher.notices import tell_about_uncertain
from watcher.notify.base import MessageEdit, Notifier, OutgoingMessage
from watcher.notify.email import EmailNotifier
from watcher.notify.telegram import TelegramNotifier
from watcher.store import Store
from watcher.timing import REPEAT_AFTER, retries_are_over

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class RecordingNotifier:
    """Keeps what it was asked to send; answers as scripted, else accepts."""

    def __init__(self, *outcomes: Outcome | Exception, seconds: float = 0) -> None:
        self.sent: list[OutgoingMessage] = []
        self.finished: list[str] = []
        self.under_way: list[str] = []
        self.most_at_once = 0
        self._outcomes = list(outcomes)
        self._seconds = seconds

    async def send(self, message: OutgoingMessage) -> Outcome:
        target = message.delivery.target
        assert target not in self.under_way
        self.sent.append(message)
        self.under_way.append(target)
        self.most_at_once = max(self.most_at_once, len(self.under_way))
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self.under_way.remove(target)
        self.finished.append(message.alert.id)
        outcome = self._outcomes.pop(0) if self._outcomes else Delivered(f"ref-{message.alert.id}")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        return


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None, exclusive=True) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


def put(
    store: Store, name: str, *, severity: Severity = Severity.WARNING, event_id: str | None = None, **values: Any
) -> None:
    with store.transaction():
        if event_id is not None:
            store.events.save(event(id=event_id))
        store.events.save_alert(alert(id=name, severity=severity, event_id=event_id))
        store.outbox.add([delivery(id=name, alert_id=name, **values)])


def dispatcher(store: Store, clock: Callable[[], datetime], settled: list[Settled], **values: Any) -> Dispatcher:
    notifiers: dict[Channel, Notifier] = {
        channel: values.pop(channel.value) for channel in Channel if channel.value in values
    }
    return Dispatcher(store, notifiers, NAMES, clock, lambda: 0.0, settled.append, **values)


def get(store: Store, name: str) -> Delivery:
    found = store.outbox.get(name)
    assert found is not None
    return found


async def test_a_pass_sends_everything_that_is_due(store: Store, clock: Clock) -> None:
    chat, mail = RecordingNotifier(), RecordingNotifier()
    settled: list[Settled] = []
    put(store, "a")
    put(store, "mail", channel=Channel.EMAIL, target="a@b.example")
    put(store, "later", not_before_at=NOW + timedelta(hours=1))
    await dispatcher(store, clock, settled, telegram=chat, email=mail).dispatch_due()
    assert [m.alert.id for m in chat.sent] == ["a"]
    assert [m.alert.id for m in mail.sent] == ["mail"]
    assert get(store, "a").state is get(store, "mail").state is DeliveryState.DELIVERED
    assert get(store, "a").reference == "ref-a"
    assert get(store, "later").state is DeliveryState.PENDING
    assert {(s.delivery.id, s.outcome) for s in settled} == {
        ("a", Delivered("ref-a")),
        ("mail", Delivered("ref-mail")),
    }
    await dispatcher(store, clock, settled, telegram=chat, email=mail).dispatch_due()
    assert len(settled) == 2


async def test_one_chat_is_served_in_order_one_at_a_time(store: Store, clock: Clock) -> None:
    chat = RecordingNotifier(seconds=0.001)
    for n in range(6):
        put(store, f"n{n}", severity=Severity(1 + n % 3), created_at=NOW + timedelta(seconds=n))
    await dispatcher(store, clock, [], telegram=chat).dispatch_due()
    assert chat.finished == ["n2", "n5", "n1", "n4", "n0", "n3"]


async def test_many_chats_are_served_at_once_but_not_all(store: Store, clock: Clock) -> None:
    chat = RecordingNotifier(seconds=0.005)
    for n in range(40):
        put(store, f"n{n}", target=str(n), recipient_id=str(n))
    await dispatcher(store, clock, [], telegram=chat).dispatch_due()
    assert len(chat.finished) == 40
    assert chat.most_at_once == AT_ONCE


async def test_an_update_replies_to_what_was_sent_in_the_same_pass(store: Store, clock: Clock) -> None:
    chat = RecordingNotifier()
    put(store, "first", event_id="e")
    put(store, "update", event_id="e", severity=Severity.CRITICAL)
    await dispatcher(store, clock, [], telegram=chat).dispatch_due()
    assert [(m.alert.id, m.reply_to) for m in chat.sent] == [("first", None), ("update", "ref-first")]


async def test_trouble_is_tried_again_after_a_growing_delay(store: Store, clock: Clock) -> None:
    chat = RecordingNotifier(Retry("no"), Retry("no"))
    settled: list[Settled] = []
    put(store, "a")
    service = dispatcher(store, clock, settled, telegram=chat)
    await service.dispatch_due()
    assert get(store, "a").not_before_at == NOW + timedelta(seconds=5)
    assert get(store, "a").last_error == "no"
    await service.dispatch_due()
    assert len(chat.sent) == 1
    clock.now += timedelta(seconds=5)
    await service.dispatch_due()
    clock.now += timedelta(seconds=10)
    await service.dispatch_due()
    assert get(store, "a").state is DeliveryState.DELIVERED
    assert [s.next_attempt_at for s in settled] == [
        NOW + timedelta(seconds=5),
        NOW + timedelta(seconds=15),
        None,
    ]


async def test_after_three_days_it_is_given_up_unless_it_is_critical(store: Store, clock: Clock) -> None:
    settled: list[Settled] = []
    put(store, "warning", target="1")
    put(store, "critical", target="2", severity=Severity.CRITICAL)
    chat = RecordingNotifier(*[Retry("down")] * 1000)
    service = dispatcher(store, clock, settled, telegram=chat)
    attempts = 0
    while not retries_are_over(attempts, Severity.WARNING):
        attempts += 1
        await service.dispatch_due()
        clock.now += timedelta(minutes=30)
    assert get(store, "critical").state is DeliveryState.PENDING
    assert get(store, "warning").last_error == f"given up after {attempts} attempts: down"
    assert [s.delivery.id for s in settled if s.given_up] == ["warning"]
    assert clock.now - NOW > timedelta(days=3)


async def test_a_defect_in_a_channel_harms_only_its_message(store: Store, clock: Clock) -> None:
    settled: list[Settled] = []
    fault = KeyError("secret detail")
    chat = RecordingNotifier(fault)
    put(store, "poison", target="1", severity=Severity.CRITICAL)
    put(store, "good", target="2")
    await dispatcher(store, clock, settled, telegram=chat).dispatch_due()
    assert get(store, "good").state is DeliveryState.DELIVERED
    assert get(store, "poison").last_error == "a fault of this program: KeyError"
    assert [s.fault for s in settled] == [fault, None]


async def test_a_send_that_hangs_is_cut_off(store: Store, clock: Clock) -> None:
    chat, mail = RecordingNotifier(seconds=60), RecordingNotifier()
    put(store, "a")
    put(store, "mail", channel=Channel.EMAIL)
    await dispatcher(store, clock, [], telegram=chat, email=mail, send_timeout=timedelta(seconds=0.05)).dispatch_due()
    assert get(store, "a").last_error == "no answer within 0 s; it may have arrived"
    assert get(store, "a").state is DeliveryState.UNCERTAIN
    assert chat.under_way == []
    assert get(store, "mail").state is DeliveryState.DELIVERED


@pytest.mark.parametrize(
    ("channel", "severity", "wait"),
    [
        (Channel.TELEGRAM, Severity.CRITICAL, timedelta(seconds=5)),
        (Channel.TELEGRAM, Severity.WARNING, REPEAT_AFTER),
        (Channel.APPRISE, Severity.WARNING, REPEAT_AFTER),
        (Channel.EMAIL, Severity.WARNING, timedelta(seconds=5)),
        (Channel.WEBHOOK, Severity.WATCH, timedelta(seconds=5)),
    ],
)
async def test_what_may_have_arrived_is_sent_again_when_that_is_due(
    store: Store, clock: Clock, channel: Channel, severity: Severity, wait: timedelta
) -> None:
    notifier = RecordingNotifier(Uncertain("no answer"))
    settled: list[Settled] = []
    put(store, "a", severity=severity, channel=channel)
    service = dispatcher(store, clock, settled, **{channel.value: notifier})
    await service.dispatch_due()
    found = get(store, "a")
    assert (found.state, found.not_before_at) == (DeliveryState.UNCERTAIN, NOW + wait)
    assert found.last_error == "no answer; it may have arrived"
    assert settled[0].next_attempt_at == NOW + wait
    clock.now += wait - timedelta(seconds=1)
    await service.dispatch_due()
    assert len(notifier.sent) == 1
    clock.now += timedelta(seconds=1)
    await service.dispatch_due()
    assert [one.delivery.uncertain_at for one in notifier.sent] == [None, NOW]
    assert [one.alert.id for one in notifier.sent] == ["a", "a"]
    assert get(store, "a").state is DeliveryState.DELIVERED


async def test_a_flood_wait_is_kept_over_a_restart(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "watcher.db"
    async with BotApi() as api:
        for life in range(3):
            chat = TelegramNotifier(TOKEN, api.base_url, monotonic=lambda: 0.0)
            with Store.open(path, exclusive=True) as store:
                if life == 0:
                    api.answer("1", flooded(43_838))
                    put(store, "a", target="1")
                await dispatcher(store, clock, [], telegram=chat).dispatch_due()
                assert chat.governor.wait("1") == (43_838, 43_837, 1)[life]
                assert store.outbox.next_due_at() == (NOW + timedelta(seconds=43_838) if life < 2 else None)
            await chat.aclose()
            assert len(api.requests) == (1 if life < 2 else 2)
            clock.now += timedelta(seconds=1 if life == 0 else 43_837)


class EditingNotifier(RecordingNotifier):
    """Keeps what it was asked to change; answers as scripted, else accepts."""

    def __init__(self, *edits: Outcome) -> None:
        super().__init__()
        self.changes: list[tuple[str, str]] = []
        self._edits = list(edits)

    async def edit(self, edit: MessageEdit) -> Outcome:
        assert not self.under_way, "an alert was waiting"
        self.changes.append((edit.first.id, edit.latest.id))
        return self._edits.pop(0) if self._edits else Delivered(edit.delivery.reference or "")


async def test_the_first_message_is_edited_once_an_update_has_arrived(store: Store, clock: Clock) -> None:
    chat = EditingNotifier()
    service = dispatcher(store, clock, [], telegram=chat)
    put(store, "first", event_id="e")
    put(store, "other", event_id="f")
    await service.dispatch_due()
    assert chat.changes == []
    put(store, "update", event_id="e")
    put(store, "second update", event_id="e")
    await service.dispatch_due()
    assert chat.changes == [("first", "second update")]  # the newest is enough
    await service.dispatch_due()
    assert len(chat.changes) == 1


async def test_an_edit_is_tried_again_for_a_while_and_ends_quietly(store: Store, clock: Clock) -> None:
    settled: list[Settled] = []
    chat = EditingNotifier(Retry("no"), Uncertain("no answer"), GiveUp("message can't be edited"))
    service = dispatcher(store, clock, settled, telegram=chat)
    put(store, "first", event_id="e")
    put(store, "update", event_id="e")
    for _ in range(6):
        await service.dispatch_due()
        clock.now += timedelta(minutes=1)
    assert chat.changes == [("first", "update")] * 3
    assert all(isinstance(one.outcome, Delivered) for one in settled)
    chat._edits = [Retry("no")] * 100
    put(store, "later", event_id="e")
    for _ in range(30):
        await service.dispatch_due()
        clock.now += timedelta(hours=1)
    assert chat.changes.count(("first", "later")) == EDIT_ATTEMPTS


async def test_an_older_update_that_arrives_late_changes_nothing(store: Store, clock: Clock) -> None:
    chat = EditingNotifier()
    service = dispatcher(store, clock, [], telegram=chat)
    put(store, "first", event_id="e")
    put(store, "older", event_id="e", not_before_at=NOW + timedelta(hours=1))
    put(store, "newer", event_id="e")
    await service.dispatch_due()
    clock.now += timedelta(hours=1)
    await service.dispatch_due()
    assert [one.alert.id for one in chat.sent] == ["first", "newer", "older"]
    assert chat.changes == [("first", "newer")]


async def test_an_edit_survives_the_process(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "watcher.db"
    for life in range(2):
        chat = EditingNotifier(*[Retry("no")] * (1 - life))
        with Store.open(path, exclusive=True) as store:
            if life == 0:
                put(store, "first", event_id="e")
                put(store, "update", event_id="e")
            await dispatcher(store, clock, [], telegram=chat).dispatch_due()
        assert chat.changes == [("first", "update")]
        clock.now += timedelta(minutes=1)


async def test_operators_are_told_once_of_what_may_have_arrived(store: Store, clock: Clock) -> None:
    ops = recipient(id="ops", is_operator=True)
    chat = RecordingNotifier(*[Uncertain("no answer")] * 3)
    service = dispatcher(store, clock, [], telegram=chat)
    put(store, "a", target="1", recipient_id="one")
    put(store, "b", target="2", recipient_id="two")
    put(store, "critical", target="3", severity=Severity.CRITICAL)

    def tell() -> bool:
        with store.transaction():
            return tell_about_uncertain(store, [ops], clock.now)

    assert not tell()
    await service.dispatch_due()
    assert [tell(), tell()] == [True, False]
    (notice,) = [one for one in store.events.alerts(limit=9) if one.kind is AlertKind.NOTICE]
    assert notice.headline == "2 messages may not have arrived"
    assert "to one and two" in notice.body
    assert "15:02 UTC" in notice.body
    clock.now += REPEAT_AFTER
    await service.dispatch_due()
    assert not tell()
    put(store, "c", target="1", recipient_id="one")
    chat._outcomes.append(Uncertain("no answer"))
    await service.dispatch_due()
    assert tell()


async def test_a_flood_wait_holds_the_chat_or_the_channel(store: Store, clock: Clock) -> None:
    put(store, "a1", target="1")
    put(store, "a2", target="1")
    put(store, "b", target="2")
    chat = RecordingNotifier(Retry("flood", after=timedelta(minutes=5)))
    service = dispatcher(store, clock, [], telegram=chat)
    await service.dispatch_due()
    assert [m.alert.id for m in chat.sent] == ["a1", "b"]
    chat._outcomes.append(Retry("flood", after=timedelta(minutes=5), whole_channel=True))
    clock.now += timedelta(minutes=5)
    put(store, "c", target="3", created_at=clock.now)
    await service.dispatch_due()
    assert [m.alert.id for m in chat.sent[2:]] == ["a1", "c"]
    put(store, "d", target="4", severity=Severity.CRITICAL)
    await service.dispatch_due()
    assert len(chat.sent) == 4
    clock.now += timedelta(minutes=5)
    await service.dispatch_due()
    assert sorted(m.alert.id for m in chat.sent[4:]) == ["a1", "a2", "d"]


async def test_a_recipient_that_is_gone_is_closed_and_reported(store: Store, clock: Clock) -> None:
    settled: list[Settled] = []
    put(store, "a")
    put(store, "b")
    put(store, "else", recipient_id="else", target="2")
    chat = RecordingNotifier(GiveUp("blocked", recipient_is_gone=True))
    await dispatcher(store, clock, settled, telegram=chat).dispatch_due()
    (gone,) = [s for s in settled if s.recipient_closed]
    assert (gone.delivery.recipient_id, gone.given_up, gone.also_failed) == ("desk", True, 1)
    assert get(store, "b").last_error == "recipient closed: blocked"
    assert get(store, "else").state is DeliveryState.DELIVERED
    assert [closed.recipient_id for closed in store.outbox.closed_recipients()] == ["desk"]


async def test_a_refusal_for_good_fails_and_closes_nobody(store: Store, clock: Clock) -> None:
    settled: list[Settled] = []
    put(store, "a", severity=Severity.CRITICAL)
    put(store, "b")
    await dispatcher(store, clock, settled, telegram=RecordingNotifier(GiveUp("refused"))).dispatch_due()
    assert get(store, "a").state is DeliveryState.FAILED
    assert get(store, "b").state is DeliveryState.DELIVERED
    assert [(s.given_up, s.recipient_closed) for s in settled] == [(True, False), (False, False)]


async def test_a_late_failure_does_not_touch_somebody_elses_claim(store: Store, clock: Clock) -> None:
    settled: list[Settled] = []
    put(store, "a", severity=Severity.CRITICAL)

    class Slow(RecordingNotifier):
        async def send(self, message: OutgoingMessage) -> Outcome:
            clock.now += timedelta(minutes=5)
            with store.transaction():
                store.outbox.claim_due(clock.now, limit=1, lease=timedelta(minutes=2))
            return Retry("late")

    await dispatcher(store, clock, settled, telegram=Slow()).dispatch_due()
    assert settled == []
    assert get(store, "a").state is DeliveryState.SENDING


async def test_what_was_sent_when_the_process_died_arrives_again_with_the_same_id(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "watcher.db"
    async with BotApi() as api:
        chat = TelegramNotifier(TOKEN, api.base_url, monotonic=iter(range(0, 10**6, 100)).__next__)
        with Store.open(path, exclusive=True) as store:
            put(store, "a", severity=Severity.CRITICAL)
            with store.transaction():
                (claimed,) = store.outbox.claim_due(NOW, limit=1, lease=timedelta(minutes=2))
            await chat.send(OutgoingMessage(claimed.alert, claimed.delivery, None, NAMES))
        with Store.open(path, exclusive=True) as store:  # as after a kill: sent, not settled
            await dispatcher(store, clock, [], telegram=chat).dispatch_due()
            assert get(store, "a").state is DeliveryState.DELIVERED
            await dispatcher(store, clock, [], telegram=chat).dispatch_due()
        await chat.aclose()
    assert [m.text.endswith("Alert a") for m in api.accepted] == [True, True]


async def test_the_real_channels_with_every_trouble(store: Store, clock: Clock) -> None:
    ticks = iter(range(0, 10**6, 100))
    settled: list[Settled] = []
    for target in ("good", "blocked", "flooded", "moved", "lost", "-100777"):
        put(store, target, target=target, recipient_id=target, event_id="e")
    put(store, "mail", channel=Channel.EMAIL, target="desk@example.net", event_id="e")
    async with BotApi() as api, MailServer() as server:
        api.answer("blocked", blocked())
        api.answer("flooded", flooded(60))
        api.answer("moved", migrated(-100888))
        api.answer("lost", Fault(lose="before"))
        chat = TelegramNotifier(TOKEN, api.base_url, monotonic=lambda: float(next(ticks)))
        mail = EmailNotifier("127.0.0.1", server.port, sender="watcher@example.org")
        service = dispatcher(store, clock, settled, telegram=chat, email=mail)
        for _ in range(3):
            await service.dispatch_due()
            clock.now += timedelta(minutes=8)
        put(store, "mail-update", channel=Channel.EMAIL, target="desk@example.net", event_id="e")
        put(store, "update", target="good", recipient_id="good", event_id="e")
        await service.dispatch_due()
        await chat.aclose()
    arrived = {m.chat: m.reply_to for m in api.accepted}
    assert arrived.keys() == {"good", "flooded", "-100888", "lost", "-100777"}
    assert len(api.accepted) == 6
    assert api.to("good")[1].reply_to == api.to("good")[0].message_id
    first, update = (accepted.mail for accepted in server.accepted)
    assert update["In-Reply-To"] == first["Message-ID"]
    assert [s.delivery.id for s in settled if s.given_up] == ["blocked"]
    put(store, "moved-2", target="moved", recipient_id="moved")
    assert get(store, "moved-2").target == "-100888"


async def run_for(service: Dispatcher, wake: asyncio.Event, until: Callable[[], bool]) -> None:
    """Run the loop until something holds, then cancel it."""
    task = asyncio.create_task(service.run(wake))
    async with asyncio.timeout(5):
        while not until():
            await asyncio.sleep(0.005)
            if task.done():
                break
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_loop_wakes_for_new_deliveries_and_for_due_ones(store: Store) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    chat = RecordingNotifier()
    service = dispatcher(store, lambda: NOW + timedelta(seconds=loop.time() - began), [], telegram=chat)
    put(store, "due", not_before_at=NOW + timedelta(seconds=0.1))
    wake = asyncio.Event()
    task = asyncio.create_task(run_for(service, wake, lambda: len(chat.finished) == 2))
    await asyncio.sleep(0.03)
    assert chat.sent == []
    put(store, "new")
    wake.set()
    await task
    assert chat.finished == ["new", "due"]


async def test_a_channel_that_hangs_does_not_delay_another(store: Store, clock: Clock) -> None:
    chat, mail = RecordingNotifier(seconds=60), RecordingNotifier()
    for n in range(AT_ONCE + 3):
        put(store, f"chat{n}", target=str(n), recipient_id=str(n))
    put(store, "mail", channel=Channel.EMAIL)
    wake = asyncio.Event()
    service = dispatcher(store, clock, [], telegram=chat, email=mail, grace=timedelta(0))
    task = asyncio.create_task(run_for(service, wake, lambda: len(mail.finished) == 2))
    await asyncio.sleep(0.05)
    put(store, "mail-2", channel=Channel.EMAIL)
    wake.set()
    await task
    assert mail.finished == ["mail", "mail-2"]
    assert len(chat.sent) == AT_ONCE


async def test_stopping_waits_a_little_for_what_is_under_way(store: Store, clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    chat, mail = RecordingNotifier(seconds=0.1), RecordingNotifier(seconds=60)
    put(store, "quick")
    put(store, "slow", channel=Channel.EMAIL)
    service = dispatcher(store, clock, [], telegram=chat, email=mail, grace=timedelta(seconds=0.3))
    began = loop.time()
    await run_for(service, asyncio.Event(), lambda: bool(chat.sent and mail.sent))
    assert loop.time() - began < 2
    assert get(store, "quick").state is DeliveryState.DELIVERED
    assert get(store, "slow").state is DeliveryState.SENDING
    assert mail.under_way == []


async def test_a_store_that_is_busy_for_a_moment_does_not_lose_the_outcome(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True, busy_timeout=timedelta(milliseconds=10)) as store:
        put(store, "a")
        other = sqlite3.connect(path, isolation_level=None)

        class Blocking(RecordingNotifier):
            async def send(self, message: OutgoingMessage) -> Outcome:
                other.execute("BEGIN IMMEDIATE")
                asyncio.get_running_loop().call_later(0.3, other.execute, "ROLLBACK")
                return await super().send(message)

        await dispatcher(store, clock, [], telegram=Blocking()).dispatch_due()
        assert get(store, "a").state is DeliveryState.DELIVERED
        other.close()


async def test_a_broken_store_ends_the_loop_with_its_error(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True, busy_timeout=timedelta(milliseconds=10)) as store:
        put(store, "a")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        service = dispatcher(store, clock, [], telegram=RecordingNotifier())
        with pytest.raises(StoreError, match="another program is writing"):
            await service.run(asyncio.Event())
        other.close()


CHILD = """
    import asyncio
    from pathlib import Path
    from tests.bot_api import TOKEN
    from tests.builders import NOW
    from watcher.dispatch import Dispatcher
    from watcher.model import Channel
    from watcher.notify.telegram import TelegramNotifier
    from watcher.store import Store

    async def main():
        with Store.open(Path({path!r}), exclusive=True) as store:
            chat = TelegramNotifier(TOKEN, {base_url!r})
            await Dispatcher(
                store, {{Channel.TELEGRAM: chat}}, {{}}, lambda: NOW, lambda: 0.0, lambda settled: None
            ).dispatch_due()
            await chat.aclose()

    asyncio.run(main())
"""


async def test_killed_again_and_again_every_alert_arrives(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    count = 60
    with Store.open(path, exclusive=True) as store:
        for n in range(count):
            put(store, f"alert{n:02}", severity=Severity.CRITICAL, target=str(n), recipient_id=str(n))
    async with BotApi() as api:
        for n in range(count):
            api.answer(str(n), Fault(delay=0.01))
        code = textwrap.dedent(CHILD).format(path=str(path), base_url=api.base_url)
        for kill_after in (1, 12, 25, 40, None):
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=CHECKOUT)
            while kill_after is not None and len(api.accepted) < kill_after:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.001)
            if kill_after is not None:
                child.kill()
            assert await child.wait() == (0 if kill_after is None else -9)
    arrived = Counter(message.text.rpartition("Alert ")[2] for message in api.accepted)
    assert arrived.keys() == {f"alert{n:02}" for n in range(count)}
    assert arrived.total() - count <= 4 * AT_ONCE  # only what was under way at a kill arrives twice
    with Store.open(path, exclusive=True) as store:
        assert store.counts(NOW).deliveries == {DeliveryState.DELIVERED: count}
