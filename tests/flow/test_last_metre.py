"""Three hundred alerts to forty chats against a Bot API that counts as Telegram does; its clock is moved, nobody waits."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

import pytest

from tests.bot_api import TOKEN, BotApi
from tests.builders import alert, delivery, event, recipient
from watcher.dispatch import Dispatcher, Settled
from watcher.model import Alert, Channel, DeliveryState, EventChange, Outcome, Recipient, Severity, Toll, Uncertain
from watcher.notify import governor as governor_module
from watcher.notify.base import OutgoingMessage
from watcher.notify.governor import Governor, chat_of
from watcher.notify.telegram import TelegramNotifier
from watcher.store import Store

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}
ALERTS = 300
FORUMS = {-1003000: 4, -1004000: 4}  # with so many topics
PEOPLE, GROUPS = 20, 12
BEGIN = datetime(2022, 9, 14, 15, 0, tzinfo=UTC)
CLEARLY = 3.0  # seconds: longer than any rounding between the moments at which the two sides count
TICK = 1 / 64  # seconds; sums of it are exact, as floats and as microseconds


class Time:
    """Seconds that pass when somebody sleeps and when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def pass_to(self, seconds: float) -> None:
        self.seconds = max(self.seconds, ceil(seconds / TICK) * TICK)

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        await asyncio.sleep(0.001)  # what is under way goes on
        self.pass_to(until)


@dataclass
class Sent:
    """One attempt, as our side saw it."""

    delivery_id: str
    chat: str
    severity: Severity
    began: float
    ended: float | None = None
    outcome: Outcome | None = None


class Watched(TelegramNotifier):
    """The real channel, with a protocol of what it was asked to send."""

    def __init__(self, url: str, time: Time, protocol: list[Sent]) -> None:
        super().__init__(TOKEN, url, governor=Governor(time, time.sleep))
        self._time = time
        self._protocol = protocol

    async def send(self, message: OutgoingMessage) -> Outcome:
        target = message.delivery.target
        sent = Sent(message.delivery.id, chat_of(target), message.alert.severity, self._time())
        self._protocol.append(sent)
        try:
            sent.outcome = await super().send(message)
        finally:
            sent.ended = self._time()
        return sent.outcome


@dataclass
class Storm:
    """The alerts, the chats, and the lives of the dispatcher between them."""

    path: Path | None  # None: in memory, for lives that end well
    api: BotApi
    time: Time
    recipients: list[Recipient]
    protocol: list[Sent] = field(default_factory=list)
    added: dict[str, tuple[float, Severity, str, str]] = field(default_factory=dict)  # time, severity, target, alert id
    random: random.Random = field(default_factory=lambda: random.Random(20220914))
    kills: int = 0
    known: Counter[str] = field(default_factory=Counter)  # attempts whose outcome was written down, by delivery

    _kept: Store | None = None

    @contextmanager
    def store(self) -> Iterator[Store]:
        if self.path is None:
            self._kept = self._kept or Store.open(None, exclusive=True)
            yield self._kept
        else:
            with Store.open(self.path, exclusive=True) as store:
                yield store

    @asynccontextmanager
    async def life(self) -> AsyncIterator[tuple[Store, Dispatcher]]:
        """A dispatcher from its start to its end; nothing of it is there in the next life."""
        with self.store() as store:
            channel = Watched(self.api.base_url, self.time, self.protocol)
            dispatcher = Dispatcher(
                store,
                {Channel.TELEGRAM: channel},
                NAMES,
                self.time.now,
                lambda: 0.0,
                self._settled,
                lambda: self.recipients,
                grace=timedelta(0),
                sleep=self.time.sleep,
            )
            try:
                yield store, dispatcher
            finally:
                await channel.aclose()

    def _settled(self, settled: Settled) -> None:
        assert settled.fault is None
        self.known[settled.delivery.id] += not isinstance(settled.outcome, Uncertain)

    def decide(self, store: Store, numbers: range) -> None:
        """Nothing; these alerts stand in the outbox, each for a chat or two, some of which get very many."""
        for number in numbers:
            name = f"al{number:04}"
            severity = self.random.choices((Severity.CRITICAL, Severity.WARNING, Severity.WATCH), (2, 5, 3))[0]
            is_update = number % 5 == 4  # of the event before it
            event_id = f"event{number - is_update}"
            weights = [8 if index % 13 == 0 else 1 for index in range(len(self.recipients))]
            chosen = {
                one.id: one
                for one in self.random.choices(self.recipients, weights, k=self.random.choice((1, 1, 1, 1, 2)))
            }
            if is_update:
                before = next(id_ for id_, entry in self.added.items() if entry[3] == f"al{number - 1:04}")
                last = next(one for one in self.recipients if before.endswith(f"@{one.id}"))
                chosen[last.id] = last
            with store.transaction():
                store.events.save(event(id=event_id))
                store.events.save_alert(self._alert(name, event_id, severity, is_update=is_update))
                store.outbox.add(
                    [
                        delivery(
                            id=f"{name}@{one.id}",
                            alert_id=name,
                            recipient_id=one.id,
                            target=one.target,
                            created_at=self.time.now(),
                            not_before_at=self.time.now(),
                        )
                        for one in chosen.values()
                    ]
                )
            for one in chosen.values():
                self.added[f"{name}@{one.id}"] = (self.time(), severity, one.target, name)

    def _alert(self, name: str, event_id: str, severity: Severity, *, is_update: bool) -> Alert:
        first = alert(id=name, event_id=event_id, severity=severity)
        if not is_update:
            return first
        return replace(first, changes=(EventChange.DEATHS_DOUBLED,), killed=Toll(905), previous_alert_id="first")

    async def run_until_over(self, store: Store, dispatcher: Dispatcher) -> None:
        """Nothing, once everything was delivered and every headline says how things stand."""
        over_at = self.time() + 6 * 3600
        while True:
            await dispatcher.dispatch_due()
            due = [
                at for at in (store.outbox.next_due_at(), store.edits.next_due_at(Channel.TELEGRAM)) if at is not None
            ]
            if not due:
                return
            assert self.time() < over_at, store.counts(self.time.now())
            self.time.pass_to(max((min(due) - BEGIN).total_seconds(), self.time() + 1))

    async def killed(self, messages: int) -> None:
        """Nothing, after a life that ended at some moment while its message of that number was being sent."""
        async with self.life() as (_, dispatcher):
            until = len(self.protocol) + messages
            running = asyncio.create_task(dispatcher.dispatch_due())
            while not running.done() and len(self.protocol) < until:  # noqa: ASYNC110 - any moment will do
                await asyncio.sleep(0)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        self.kills += 1
        await asyncio.sleep(0.05)  # what lay in the socket is still read

    def arrivals(self) -> Counter[tuple[str, str]]:
        """How often each alert arrived at each target."""
        return Counter(
            (message.chat + (f"/{message.thread}" if message.thread else ""), message.text.rpartition("Alert ")[2][:6])
            for message in self.api.accepted
        )

    def floods(self) -> list[str]:
        return [call.description for call in self.api.refusals if call.status == 429]

    def unfair(self) -> list[str]:
        """What left although something graver could have left instead, to the same chat or to one that was open."""
        found = []
        critical = {name: entry for name, entry in self.added.items() if entry[1] is Severity.CRITICAL}
        by_chat: dict[str, list[Sent]] = defaultdict(list)
        done: dict[str, float] = {}
        for sent in self.protocol:
            if sent.severity < Severity.CRITICAL and not self._is_waited_for(sent.delivery_id, critical):
                found += [
                    f"{sent.delivery_id} at {sent.began} before {name}"
                    for name, (added, _, target, _) in critical.items()
                    if added < sent.began - (0 if chat_of(target) == sent.chat else CLEARLY)
                    and (
                        chat_of(target) == sent.chat
                        or self._was_open(by_chat[chat_of(target)], chat_of(target), sent.began)
                    )
                    and not self._waits_for_its_first(name, done, sent.began)
                ]
            critical.pop(sent.delivery_id, None)
            by_chat[sent.chat].append(sent)
            if sent.ended is not None:
                done[sent.delivery_id] = sent.ended
        return found

    def _is_waited_for(self, name: str, critical: Collection[str]) -> bool:
        number, _, recipient_id = name.partition("@")
        return f"al{int(number[2:]) + 1:04}@{recipient_id}" in critical and int(number[2:]) % 5 == 3

    def _was_open(self, before: list[Sent], chat: str, at: float) -> bool:
        ends = [one.ended if one.ended is not None else at for one in before]
        in_minute = sum(end > at - 60 - CLEARLY for end in ends)
        return all(end < at - CLEARLY for end in ends) and (not chat.startswith("-") or in_minute < 10)

    def _waits_for_its_first(self, name: str, done: dict[str, float], at: float) -> bool:
        number, _, recipient_id = name.partition("@")
        first = f"al{int(number[2:]) - 1:04}@{recipient_id}"
        is_update = int(number[2:]) % 5 == 4
        return is_update and first in self.added and done.get(first, at) > at - CLEARLY


@asynccontextmanager
async def storm(path: Path | None = None, *, total: int = 30) -> AsyncIterator[Storm]:
    time = Time()
    targets = [str(1000 + number) for number in range(PEOPLE)]
    async with BotApi() as api:
        api.enforce_limits(time, burst=1, total=total)
        for number in range(PEOPLE):
            api.person(1000 + number, f"Person {number}", has_started=True)
        targets += [str(api.group(-1002000 - number, f"Group {number}").id) for number in range(GROUPS)]
        for forum, topics in FORUMS.items():
            api.group(forum, "Forum", forum=True)
            targets += [api.topic(forum, 10 + topic, f"Topic {topic}") for topic in range(topics)]
        recipients = [recipient(id=f"r{n:02}", channel=Channel.TELEGRAM, target=to) for n, to in enumerate(targets)]
        assert len(recipients) == 40
        made = Storm(path, api, time, recipients)
        yield made
        if made._kept is not None:
            made._kept.close()


async def run_whole(storm: Storm, kill_after: tuple[int, ...] = (), alerts: int = ALERTS) -> None:
    """Nothing, after the storm: half of it at once, the rest while the first half waits."""
    with storm.store() as store:
        storm.decide(store, range(alerts // 2))
    for messages in kill_after[::2]:
        await storm.killed(messages)
    async with storm.life() as (store, dispatcher):
        await dispatcher.dispatch_due()
        storm.time.pass_to(storm.time() + 10)
        storm.decide(store, range(alerts // 2, alerts))
    for messages in kill_after[1::2]:
        await storm.killed(messages)
    async with storm.life() as (store, dispatcher):
        await storm.run_until_over(store, dispatcher)
        counts = store.counts(storm.time.now()).deliveries
    assert counts == {DeliveryState.DELIVERED: len(storm.added)}


def assert_in_order(storm: Storm) -> None:
    """Within each chat and gravity, messages arrived in the order in which they were decided.

    What an update waits for is as grave as the update.
    """
    arrived: dict[tuple[str, Severity], list[str]] = defaultdict(list)
    gravity = {(target, name): severity for _, severity, target, name in storm.added.values()}
    for (target, name), severity in list(gravity.items()):
        first = (target, f"al{int(name[2:]) - 1:04}")
        if int(name[2:]) % 5 == 4 and first in gravity:
            gravity[first] = max(gravity[first], severity)
    for message in storm.api.accepted:
        target = message.chat + (f"/{message.thread}" if message.thread else "")
        name = message.text.rpartition("Alert ")[2][:6]
        arrived[message.chat, gravity[target, name]].append(name)
    for place, names in arrived.items():
        assert names == sorted(names), place


def assert_headlines(storm: Storm) -> None:
    """The first message about an event says how things stand since an update of it has arrived in the same place."""
    places = {(target, name) for _, _, target, name in storm.added.values()}
    for message in storm.api.accepted:
        target = message.chat + (f"/{message.thread}" if message.thread else "")
        name = message.text.rpartition("Alert ")[2][:6]
        number = int(name[2:])
        has_update = number % 5 == 3 and (target, f"al{number + 1:04}") in places
        assert ("905" in message.latest.text) == (has_update or number % 5 == 4), (target, name)


@pytest.mark.timeout(300)
async def test_no_flood_the_critical_first_all_delivered_in_order() -> None:
    async with storm() as one:
        await run_whole(one)
        assert one.floods() == []
        assert one.arrivals() == Counter({(target, name): 1 for _, _, target, name in one.added.values()})
        assert_in_order(one)
        assert one.unfair() == []
        assert_headlines(one)
        assert one.time() < 3600


@pytest.mark.timeout(300)
async def test_killed_in_between_the_next_life_keeps_to_the_limits(tmp_path: Path) -> None:
    async with storm(tmp_path / "watcher.db") as one:
        await run_whole(one, kill_after=(25, 40, 3, 60, 31, 1))
        assert one.kills == 6
        assert one.floods() == []
        assert_repeats_only_where_nobody_knew(one)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("seed", "kill_after"), [(1, ()), (2, (40, 25))])
async def test_with_every_fault_nothing_is_lost_and_repeats_only_where_nobody_knew(
    tmp_path: Path, seed: int, kill_after: tuple[int, ...]
) -> None:
    async with storm(tmp_path / "watcher.db" if kill_after else None) as one:
        one.api.fault_rate(0.05, seed)
        await run_whole(one, kill_after)
        outcomes = [sent for sent in one.protocol if isinstance(sent.outcome, Uncertain)]
        assert outcomes, "no outcome was unknown: nothing was tried"
        assert_repeats_only_where_nobody_knew(one)


def assert_repeats_only_where_nobody_knew(storm: Storm) -> None:
    arrivals = storm.arrivals()
    places = {(target, name): id_ for id_, (_, _, target, name) in storm.added.items()}
    assert arrivals.keys() == places.keys(), "lost, or sent under another id"
    unknown = Counter(sent.delivery_id for sent in storm.protocol) - storm.known
    for place, times in arrivals.items():
        assert times <= 1 + unknown[places[place]], place
    again = [message for message in storm.api.accepted if "May repeat the message of" in message.text]
    assert len(again) <= unknown.total()
    repeated = Counter({place: times - 1 for place, times in arrivals.items() if times > 1})
    marked = Counter(
        (message.chat + (f"/{message.thread}" if message.thread else ""), message.text.rpartition("Alert ")[2][:6])
        for message in again
    )
    assert repeated <= marked, "a repetition that does not say so"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("limit", "value"), [("_CHAT_LIMIT", (2, 1.0)), ("_GROUP_LIMIT", (21, 60.0)), ("_GROUP_LIMIT", (20, 50.0))]
)
async def test_a_governor_that_counts_wrongly_is_noticed(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: tuple[int, float]
) -> None:
    monkeypatch.setattr(governor_module, limit, value)
    async with storm() as one:
        await run_whole(one, alerts=200)
        assert one.floods() != []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("ours", "is_flood"), [(5, False), (6, True)])
async def test_the_limit_of_all_chats_together(monkeypatch: pytest.MonkeyPatch, ours: int, is_flood: bool) -> None:
    monkeypatch.setattr(governor_module, "_TOTAL_LIMIT", (ours, 1.0))
    async with storm(total=5) as one:
        await run_whole(one, alerts=100)
        assert bool(one.floods()) == is_flood
