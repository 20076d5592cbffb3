"""The governor: what Telegram announces is kept, the urgent goes first, and nobody waits for ever. Time is moved by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from watcher.notify.governor import Governor, Urgency, chat_of


@dataclass
class Time:
    """Seconds that pass only while somebody sleeps, or when a test says so."""

    now: float = 0.0
    order: list[str] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)  # whoever else is ready goes first
        self.now = max(self.now, until)

    async def reserve(self, governor: Governor, name: str, chat: str, urgency: Urgency) -> None:
        if await governor.reserve(chat, urgency):
            self.order.append(name)


def a_governor() -> tuple[Time, Governor]:
    time = Time()
    return time, Governor(time, time.sleep)


def send(governor: Governor, *chats: str) -> None:
    for chat in chats:
        with governor.sending(chat):
            pass


def test_a_chat_gets_one_message_a_second() -> None:
    time, governor = a_governor()
    send(governor, "1")
    assert governor.busy() == {"1": 1.0}
    time.now = 0.9
    assert governor.busy().keys() == {"1"}
    time.now = 1.0
    assert governor.busy() == {}


def test_a_group_gets_twenty_messages_a_minute() -> None:
    time, governor = a_governor()
    for second in range(20):
        time.now = float(second)
        assert governor.busy() == {}
        send(governor, "-1")
    time.now = 20.0
    send(governor, "7")
    assert governor.busy() == {"-1": 40.0, "7": 1.0}
    time.now = 60.0
    assert governor.busy() == {}


def test_all_chats_together_get_thirty_messages_a_second() -> None:
    time, governor = a_governor()
    send(governor, *map(str, range(29)))
    assert (governor.room(), governor.opens_in()) == (1, 0)
    send(governor, "29")
    assert (governor.room(), governor.opens_in()) == (0, 1.0)
    time.now = 1.0
    assert governor.room() == 30


def test_what_is_under_way_counts_until_it_was_answered() -> None:
    time, governor = a_governor()
    with governor.sending("1"):
        time.now = 5.0
        assert governor.busy() == {"1": 1.0}
        assert governor.room() == 29
    assert governor.busy() == {"1": 1.0}
    time.now = 6.0
    assert governor.busy() == {}


def test_a_chat_is_quiet_after_a_minute() -> None:
    time, governor = a_governor()
    assert governor.is_quiet("1")
    send(governor, "1")
    with governor.sending("1"):
        assert not governor.is_quiet("1")
    time.now = 60.5
    with governor.sending("1"):
        assert governor.is_quiet("1")


def test_a_flood_wait_holds_one_chat_or_all() -> None:
    time, governor = a_governor()
    governor.hold("1", 30)
    governor.hold("1", 10)  # a shorter one takes nothing back
    assert (governor.busy(), governor.room()) == ({"1": 30.0}, 30)
    governor.hold(None, 40)
    assert (governor.room(), governor.opens_in()) == (0, 40)
    time.now = 40.0
    assert (governor.busy(), governor.room()) == ({}, 30)


async def test_the_most_urgent_of_those_that_wait_goes_first_then_who_asked_first() -> None:
    time, governor = a_governor()
    send(governor, "1")
    wishes = [
        ("edit", Urgency.EDIT), ("reply", Urgency.REPLY), ("alert", Urgency.ALERT), ("critical", Urgency.CRITICAL),
        ("reply 2", Urgency.REPLY),
    ]  # fmt: skip
    await asyncio.gather(*(time.reserve(governor, name, "1", urgency) for name, urgency in wishes))
    assert time.order == ["critical", "alert", "reply", "reply 2", "edit"]
    assert time.now >= 5


async def test_a_reply_lets_alerts_go_first_but_not_for_ever() -> None:
    time, governor = a_governor()
    governor.expect({"1"})
    assert await governor.reserve("1", Urgency.REPLY)
    assert 4.9 < time.now < 5.3
    governor.expect(())
    before = time.now
    assert await governor.reserve("2", Urgency.REPLY)
    assert time.now == before


async def test_nobody_waits_longer_than_is_of_use() -> None:
    time, governor = a_governor()
    governor.hold("1", 3600)
    assert not await governor.reserve("1", Urgency.REPLY)
    assert time.now == 0
    governor.expect({"2"})
    assert not await governor.reserve("2", Urgency.EDIT, longest=2)
    assert time.now >= 2
    assert await governor.reserve("3", Urgency.REPLY)


def test_an_edit_leaves_room_for_alerts() -> None:
    time, governor = a_governor()
    assert governor.has_spare("-1")
    for second in range(11):
        time.now = float(second)
        send(governor, "-1")
    time.now = 20.0
    assert not governor.has_spare("-1")
    assert governor.has_spare("5")
    governor.expect({"9"})
    assert not governor.has_spare("5")


def test_a_new_life_knows_what_the_last_one_sent() -> None:
    _, governor = a_governor()
    for ago in range(20):
        governor.take("-1", ago=ago * 3.0)
    assert 2.9 < governor.busy()["-1"] < 3.1


def test_the_chat_of_a_topic() -> None:
    assert [chat_of(target) for target in ("1111", "-100/17", "@news")] == ["1111", "-100", "@news"]
