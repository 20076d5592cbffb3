"""What machines do to a program that runs for years, and what comes of it: the table of docs/reliability.md."""

from __future__ import annotations

import heapq
import re
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.bot_api import Fault
from tests.desk import HOUR, MINUTE, OPERATOR, Desk, open_desk
from tests.newsroom import Item
from tests.smtp import MailServer
from watcher.cli.common import load_all
from watcher.daemon import Daemon, Parts, make_notifiers
from watcher.fetch import Fetcher
from watcher.model import DeliveryState
from watcher.store import Store


@pytest.fixture
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are looked up for each fetch: simulated hours take seconds, in which they would be remembered."""
    monkeypatch.setattr("watcher.fetch._DNS_CACHE", 0)
    monkeypatch.setattr("watcher.fetch._KEEP_ALIVE", 0)


RULE = """
rule: recalled
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {phrases: ["recalled ..3 ambassador"]}
"""
SOURCES = 300


@dataclass
class Names(AbstractResolver):
    """Names under ``.test`` lead to this machine, but for those that are gone."""

    gone: set[str] = field(default_factory=set)
    is_gone: bool = False  # the server that would know
    asked: int = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        if self.is_gone or host in self.gone:
            raise OSError(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        return


@dataclass
class Hours:
    """A daemon's parts through simulated hours: each source is polled when it is due, the daemon's own jobs as well."""

    desk: Desk
    parts: Parts
    polls: dict[str, list[datetime]] = field(default_factory=dict)
    due: list[tuple[datetime, str]] = field(default_factory=list)

    async def pass_(self, span: timedelta) -> None:
        until = self.desk.now + span
        while self.desk.now < until:
            self.desk.now += MINUTE
            while self.due and self.due[0][0] <= self.desk.now:
                _, source_id = heapq.heappop(self.due)
                poll = await self.parts.poll(source_id)
                assert poll is not None
                assert poll.next_poll_at is not None
                self.polls.setdefault(source_id, []).append(self.desk.now)
                heapq.heappush(self.due, (poll.next_poll_at, source_id))
            await self.parts.settle()
            await self.parts.heartbeat()
            if self.desk.now.minute % 5 == 0:
                await self.parts.check_silence()
            await self.parts.dispatch()

    def headlines(self) -> list[str]:
        """Of what operators were told, in order."""
        return [text.splitlines()[0].removeprefix("NOTICE: ") for text in self.desk.told(OPERATOR)]


@asynccontextmanager
async def hours(folder: Path, names: Names, sources: Iterable[str], lines: str = "") -> AsyncIterator[Hours]:
    async with open_desk(folder) as desk:
        port = desk.room.base_url.rpartition(":")[2]
        desk.room.publish("courier", Item("old", "Nothing", "Nothing happened.", desk.now))
        for name in sources:
            desk.room.publish(
                name, Item(f"{name}-old", "Nothing", f"Nothing happened in {name}.", desk.now - 48 * HOUR)
            )
        desk.configure(RULE, **{name: f'url = "http://{name}.test:{port}/{name}.xml"\n{lines}' for name in sources})
        settings, book = load_all(desk.config)
        with Store.open(settings.store.path, exclusive=True) as store:
            daemon = Daemon(
                settings,
                book,
                store,
                lambda: (settings, book),
                make_notifiers,
                clock=lambda: desk.now,
                steady=lambda: desk.now.timestamp(),
            )
            async with AsyncExitStack() as stack:
                arguments = settings.http.to_fetcher()
                fetcher = Fetcher(**arguments, clock=daemon.clock, resolver=names)
                await stack.enter_async_context(fetcher)
                parts = await Parts.open(daemon, stack, fetcher)
                spread = 5 * MINUTE / max(len(parts.sources), 1)
                due = [(desk.now + number * spread, source_id) for number, source_id in enumerate(parts.sources)]
                yield Hours(desk, parts, due=due)


@pytest.mark.slow
@pytest.mark.usefixtures("_nothing_kept")
async def test_three_hundred_sources_without_name_resolution_are_one_message_and_one_when_they_are_back(
    tmp_path: Path,
) -> None:
    names = Names()
    sources = [f"s{number:03}" for number in range(SOURCES)]
    async with hours(tmp_path, names, sources) as day:
        await day.pass_(30 * MINUTE)
        assert day.headlines() == []
        names.is_gone = True
        before = {source_id: len(polls) for source_id, polls in day.polls.items()}
        await day.pass_(3 * HOUR)
        assert day.headlines() == ["300 of 300 sources cannot be read: unreachable"]
        (told,) = day.desk.told(OPERATOR)
        assert "Probably the network of this machine, or its name resolution." in told
        assert "name resolution" in told
        assert "s000, s001" in told
        assert "and 290 more" in told
        assert "Rules that can see nothing meanwhile: recalled." in told
        attempts = [len(polls) - before[source_id] for source_id, polls in day.polls.items()]
        assert max(attempts) <= 9  # at five minutes, which double up to an hour: 36 without
        names.is_gone = False
        await day.pass_(90 * MINUTE)
        assert day.headlines()[1:] == ["300 of 300 sources work again"]
        await day.pass_(HOUR / 2)
        assert len(day.headlines()) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("_nothing_kept")
async def test_a_few_sources_are_told_one_by_one_and_those_that_stay_bad_are_named(tmp_path: Path) -> None:
    names = Names()
    sources = [f"s{number:02}" for number in range(40)]
    async with hours(tmp_path, names, sources) as day:
        await day.pass_(20 * MINUTE)
        names.gone = {"s01.test", "s02.test"}
        await day.pass_(HOUR)
        alone = [f"Source {name} cannot be read: unreachable" for name in ("s01", "s02")]
        assert sorted(day.headlines()) == alone
        names.is_gone = True
        await day.pass_(3 * HOUR)
        assert day.headlines()[2:] == ["38 of 40 sources cannot be read: unreachable"]
        names.is_gone = False
        names.gone = {"s02.test", "s03.test"}
        await day.pass_(2 * HOUR)
        again = [line for line in day.headlines()[3:] if line != "Source s01 works again"]
        assert sum(int(line.split()[0]) for line in again) == 37
        assert len(again) <= 3
        assert "Not yet: s03." in "".join(day.desk.told(OPERATOR)[-2:])
        told = len(day.headlines())
        names.gone = set()
        await day.pass_(2 * HOUR)
        assert sorted(day.headlines()[told:]) == [f"Source {name} works again" for name in ("s02", "s03")]


@pytest.mark.slow
@pytest.mark.usefixtures("_nothing_kept")
async def test_what_fails_for_other_reasons_meanwhile_is_told_by_itself(tmp_path: Path) -> None:
    names = Names()
    sources = [f"s{number:02}" for number in range(12)]
    async with hours(tmp_path, names, sources) as day:
        await day.pass_(20 * MINUTE)
        day.desk.room.broken["s00"] = _no_feed()
        names.gone = {f"{name}.test" for name in sources[1:]}
        await day.pass_(3 * HOUR)
        assert sorted(day.headlines()) == [
            "11 of 12 sources cannot be read: unreachable",
            "Source s00 cannot be read: not a feed",
        ]
        # Half of them come back, then most of the others: each time that their number has halved it is told.
        names.gone = {f"{name}.test" for name in sources[7:]}
        await day.pass_(3 * HOUR)
        assert day.headlines()[2:] == ["6 of 11 sources work again"]
        assert re.search(r"Not yet: s07, .*s11\.", day.desk.told(OPERATOR)[-1])
        names.gone = set()
        await day.pass_(3 * HOUR)
        assert day.headlines()[3:] == ["5 of 5 sources work again"]


def _no_feed() -> web.Response:
    return web.Response(text="<html><body>Hello</body></html>", content_type="text/html")


TWO_RULES = """
rule: recalled
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {phrases: ["recalled ..3 ambassador"]}
  two_states: {states: {at_least: 2}}
group: {by: [rule, states], for: 24h}
---
rule: struck
title: Struck
status: stable
family: clash
severity: critical
look_for:
  strike: {phrases: ["struck"]}
  two_states: {states: {at_least: 2}}
group: {by: [rule, states], for: 24h}
"""
# No two pairs share a state, so that each is an event of its own.
PAIRS = (
    "Austria Bulgaria Germany Denmark Spain Finland Greece Hungary Italy Norway Poland Portugal Romania Sweden".split()
)


@pytest.mark.slow
async def test_telegram_gone_for_six_hours_loses_nothing_and_hides_nothing_critical(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        desk.configure(TWO_RULES, courier="full_text = false", budget="5/h")
        desk.room.publish("courier", Item("old", "Nothing", "Nothing happened.", desk.now - 48 * HOUR))
        await desk.poll()
        desk.api.fault_rate(1.0, faults=[Fault(502, "Bad Gateway")])
        for number in range(7):
            one, other = PAIRS[2 * number : 2 * number + 2]
            text = (
                f"{one} struck {other} on Monday."
                if number in (2, 5)
                else f"{one} recalled its ambassador from {other}."
            )
            desk.room.publish("courier", Item(f"i{number}", f"News {number}", text, desk.now))
            for _ in range(5):
                await desk.poll()
        assert not desk.told()
        desk.api.fault_rate(0.0)
        for _ in range(5):
            await desk.poll()
        arrived = desk.told()
        strikes = [f"{PAIRS[4]} and {PAIRS[5]}", f"{PAIRS[10]} and {PAIRS[11]}"]
        for strike in strikes:
            assert sum(strike in text and "held" not in text for text in arrived) == 1
        everything = "\n".join(arrived)
        for number in range(7):
            assert PAIRS[2 * number] in everything
        assert arrived[0].startswith("CRITICAL")  # of what is due then; each waits for its own next attempt
        with desk.store() as store:
            assert store.counts(desk.now).deliveries.keys() == {DeliveryState.DELIVERED}


@pytest.mark.slow
async def test_a_mail_server_gone_for_six_hours_loses_and_repeats_nothing(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mail_too = (
        f'[email]\nhost = "127.0.0.1"\nport = {port}\nsender = "watcher@example.org"\n'
        '[[recipients]]\nid = "lawyer"\nchannel = "email"\nto = "lawyer@example.org"\nbudget = "none"\n'
    )
    async with open_desk(tmp_path) as desk:
        desk.configure(TWO_RULES, mail_too, courier="full_text = false")
        desk.room.publish("courier", Item("old", "Nothing", "Nothing happened.", desk.now - 48 * HOUR))
        await desk.poll()
        for number in range(7):
            one, other = PAIRS[2 * number : 2 * number + 2]
            text = f"{one} recalled its ambassador from {other}."
            desk.room.publish("courier", Item(f"i{number}", f"News {number}", text, desk.now))
            for _ in range(5):
                await desk.poll()
        assert len(desk.told()) == 7  # the chats do not wait for the mail
        async with MailServer(port=port) as server:
            for _ in range(8):
                await desk.poll()
            subjects = [str(one.mail["Subject"]) for one in server.accepted]
        assert len(subjects) == 7
        for number in range(7):
            assert sum(PAIRS[2 * number] in subject for subject in subjects) == 1
        with desk.store() as store:
            assert store.counts(desk.now).deliveries.keys() == {DeliveryState.DELIVERED}
