"""When sources are polled: the heap behind the daemon's polls, on a real event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from watcher.agenda import Agenda

SOON = timedelta(milliseconds=1)
LATER = timedelta(hours=1)


class Polls:
    """Notes which sources are polled; each poll takes as long as ``hold`` is not set."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def poll(self, source_id: str) -> None:
        self.begun.append(source_id)
        await self.hold.wait()
        self.ended.append(source_id)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never did")


async def test_sources_run_when_they_are_due_and_no_earlier() -> None:
    polls = Polls()
    agenda = Agenda(polls.poll)
    for number in range(50):
        agenda.plan(f"soon-{number}", SOON * (50 - number))
        agenda.plan(f"later-{number}", LATER)
    agenda.plan("overdue", -LATER)
    agenda.start()
    await until(lambda: len(polls.ended) >= 51)
    agenda.stop()
    assert polls.begun == ["overdue", *(f"soon-{number}" for number in reversed(range(50)))]


async def test_polls_wait_a_tenth_of_their_delay_for_others() -> None:
    """Nobody waits longer than that, least of all those that come often for those that come rarely."""
    now = 0.0
    polls = Polls()
    agenda = Agenda(polls.poll, now=lambda: now)
    for number in range(10):
        agenda.plan(f"minutely-{number}", timedelta(seconds=60 + number))
    agenda.plan("often", timedelta(seconds=10))
    for now, begun in ((10.0, 0), (10.9, 0), (11.0, 1), (60.0, 1), (64.9, 1), (65.0, 7), (70.0, 7), (71.5, 11)):
        if now >= agenda_latest(agenda):
            agenda._run_due()
        await asyncio.sleep(0)
        assert len(polls.begun) == begun, now
    agenda.stop()


def agenda_latest(agenda: Agenda) -> float:
    """When the agenda's timer goes off."""
    agenda._set_timer()
    return agenda._timer_at


async def test_what_is_planned_anew_or_dropped_does_not_run_as_planned_before() -> None:
    polls = Polls()
    agenda = Agenda(polls.poll)
    agenda.plan("put off", SOON)
    agenda.plan("dropped", SOON)
    agenda.plan("put off", LATER)
    agenda.drop("dropped")
    agenda.drop("never planned")
    agenda.start()
    await asyncio.sleep(0.2)
    assert polls.begun == []
    agenda.plan("put off", SOON)  # earlier than what the timer waits for
    await until(lambda: polls.ended == ["put off"])
    agenda.stop()


async def test_a_source_that_is_due_while_it_runs_runs_again_afterwards() -> None:
    polls = Polls()
    agenda: Agenda

    async def poll(source_id: str) -> None:
        await polls.poll(source_id)
        agenda.plan(source_id, LATER)

    agenda = Agenda(poll)
    polls.hold.clear()
    agenda.plan("one", SOON)
    agenda.start()
    await until(lambda: polls.begun == ["one"])
    agenda.plan("one", SOON)  # other settings
    await asyncio.sleep(0.2)
    assert polls.begun == ["one"]
    polls.hold.set()
    await until(lambda: polls.ended == ["one", "one"])
    await asyncio.sleep(0.2)
    agenda.stop()
    assert polls.begun == ["one", "one"]


async def test_a_source_that_was_dropped_while_it_ran_does_not_run_again() -> None:
    polls = Polls()
    agenda = Agenda(polls.poll)
    polls.hold.clear()
    agenda.plan("one", SOON)
    agenda.start()
    await until(lambda: polls.begun == ["one"])
    agenda.plan("one", SOON)
    agenda.drop("one")
    polls.hold.set()
    await asyncio.sleep(0.2)
    agenda.stop()
    assert polls.begun == ["one"]


async def test_a_machine_that_slept_notices_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers stand still during sleep; the longest wait bounds what that can cost."""
    monkeypatch.setattr("watcher.agenda.LONGEST_WAIT", timedelta(milliseconds=50))
    asleep = 0.0
    polls = Polls()
    agenda = Agenda(polls.poll, now=lambda: asyncio.get_running_loop().time() + asleep)
    agenda.plan("one", LATER)
    agenda.start()
    asleep = 2 * LATER.total_seconds()
    await until(lambda: polls.ended == ["one"])
    agenda.stop()


async def test_stopping_abandons_what_runs() -> None:
    polls = Polls()
    agenda = Agenda(polls.poll)
    polls.hold.clear()
    agenda.plan("one", SOON)
    agenda.start()
    await until(lambda: polls.begun == ["one"])
    agenda.stop()
    await asyncio.sleep(0.05)
    polls.hold.set()
    await asyncio.sleep(0.05)
    assert polls.ended == []
    assert len(asyncio.all_tasks()) == 1


async def test_a_poll_that_should_have_begun_is_late() -> None:
    now = 0.0
    agenda = Agenda(Polls().poll, now=lambda: now)
    assert agenda.late_by() == 0
    agenda.plan("soon", timedelta(seconds=10))
    agenda.plan("later", timedelta(seconds=100))
    now = 10.5
    assert agenda.late_by() == 0  # it may wait a tenth of its delay for others
    now = 31
    assert agenda.late_by() == 20
    agenda.drop("soon")
    assert agenda.late_by() == 0


async def test_polls_under_way_of_which_none_ends_are_stuck() -> None:
    now = 0.0
    polls = Polls()
    agenda = Agenda(polls.poll, now=lambda: now)
    agenda.plan("quick", timedelta(0))
    agenda.start()
    await until(lambda: polls.ended == ["quick"])
    now = 1000.0
    assert agenda.stuck_for() == 0  # nothing is under way
    polls.hold.clear()
    agenda.plan("one", timedelta(0))
    agenda.start()  # the hands of its clock were moved, which its timer cannot know
    await until(lambda: "one" in polls.begun)
    now = 1300.0
    assert agenda.stuck_for() == 300
    polls.hold.set()
    await until(lambda: "one" in polls.ended)
    assert agenda.stuck_for() == 0
    agenda.stop()
