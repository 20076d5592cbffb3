"""Killed at any instant, the daemon loses no alert and repeats only what was in flight: real processes, real servers."""

from __future__ import annotations

import asyncio
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from tests.bot_api import TOKEN, BotApi
from tests.daemon_process import DaemonProcess
from tests.newsroom import Item, Newsroom
from tests.smtp import MailServer
from watcher.model import AlertKind, DeliveryState
from watcher.store import Store

STATES = {
    "AT": "Austria", "BG": "Bulgaria", "DK": "Denmark", "FI": "Finland", "DE": "Germany", "GR": "Greece",
    "HU": "Hungary", "IT": "Italy", "NO": "Norway", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "ES": "Spain",
    "SE": "Sweden",
}  # fmt: skip
OUTLETS = ("courier", "mirror", "radio", "gazette", "herald", "observer")  # each with a chat of its own
DESK = "desk@example.org"
RULE = """
rule: ambassador-recalled
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {phrases: ["recall~ ..3 ambassador"]}
  two_states: {states: {at_least: 2}}
close_together:
  - {clues: [break, two_states], within: 1 sentence}
group: {by: [rule, states], for: 24h}
"""
WORDS = "rain road bridge market school train harvest museum river winter garden library stone paper window".split()


def news(rng: random.Random) -> Iterator[tuple[tuple[str, str], Item]]:
    """Items that each open an event of their own: no two about the same pair of states."""
    pairs = list(combinations(sorted(STATES), 2))
    rng.shuffle(pairs)
    for number, (one, other) in enumerate(pairs):
        filler = [f"The {' '.join(rng.choices(WORDS, k=12))} came up as well, a spokesman said." for _ in range(3)]
        page = (f"{STATES[one]} recalled its ambassador from {STATES[other]} on Monday.", *filler)
        yield (one, other), Item(f"item{number}", f"Diplomats leave ({number})", "A brief.", datetime.now(UTC), page)


def write_config(folder: Path, room: Newsroom, api: BotApi, mail: MailServer) -> Path:
    (folder / "rules.yaml").write_text(RULE)
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    sections = [
        '[store]\npath = "watcher.db"',
        '[rules]\npaths = ["rules.yaml"]',
        "[http]\nallow_private_networks = true",
        f'[telegram]\ntoken_file = "token"\nbase_url = "{api.base_url}"',
        f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "watcher@example.org"',
        f'[[recipients]]\nid = "desk"\nchannel = "email"\nto = "{DESK}"\nbudget = "none"',
    ]
    for chat, outlet in enumerate(OUTLETS, 1):
        sections.append(
            f'[[sources]]\nid = "{outlet}"\nurl = "{room.url(outlet)}"\nevery = "1s"\nlanguage = "en"\ntags = ["{outlet}"]'
        )
        sections.append(
            f'[[recipients]]\nid = "chat{chat}"\nchannel = "telegram"\nto = "{chat}"\nbudget = "none"\ntags = ["{outlet}"]'
        )
    path = folder / "watcher.toml"
    path.write_text("\n".join(sections))
    return path


def repeats_in_flight(alert_ids: Sequence[str], ends: Sequence[int]) -> Counter[str]:
    """How often each alert arrived again at one target; fails unless each was the last before a kill, first after it.

    ``alert_ids`` as accepted; ``ends`` are the numbers of messages that had been accepted when each life ended.
    """
    lives = [[*alert_ids[start:end]] for start, end in zip((0, *ends), (*ends, len(alert_ids)), strict=True)]
    lives = [life for life in lives if life]
    for life in lives:
        assert len(set(life)) == len(life), "sent twice within one life"
    repeated: Counter[str] = Counter()
    for before, after in pairwise(lives):
        if before[-1] == after[0]:
            repeated[before[-1]] += 1
    assert Counter(alert_ids) - repeated == Counter(set(alert_ids)), "repeated what was not in flight"
    return repeated


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kills", "answer_after", "items"),
    [pytest.param(20, 0.0, 60, id="at once"), pytest.param(8, 0.3, 36, id="answers late")],
)
async def test_every_alert_arrives_and_only_what_was_in_flight_arrives_twice(
    tmp_path: Path, kills: int, answer_after: float, items: int
) -> None:
    rng = random.Random(20220914)
    source = news(rng)
    published: set[tuple[str, str]] = set()
    chat_ends: list[Counter[str]] = []
    mail_ends: list[int] = []
    async with (
        Newsroom() as room,
        BotApi(answer_after=answer_after) as api,
        MailServer(answer_after=answer_after) as mail,
    ):
        daemon = DaemonProcess(write_config(tmp_path, room, api, mail))

        async def publish(pause: float) -> None:
            for number in range(items):
                pair, item = next(source)
                published.add(pair)
                room.publish(OUTLETS[number % len(OUTLETS)], item)
                await asyncio.sleep(pause)

        clock = asyncio.get_running_loop().time
        try:
            began = clock()
            await daemon.start()
            await daemon.wait_for("started")
            start_takes = clock() - began
            publishing = asyncio.create_task(publish(kills * 1.3 / items))
            for kill in range(kills):
                if kill:
                    await daemon.start()
                    if kill % 3 == 0:  # while it starts
                        await asyncio.sleep(rng.uniform(0, start_takes))
                    else:  # while it polls and sends
                        await daemon.wait_for("started")
                        await asyncio.sleep(rng.uniform(0, 1.2))
                else:
                    await asyncio.sleep(rng.uniform(0, 1.2))
                assert await daemon.end(signal.SIGKILL) == -signal.SIGKILL, daemon.log()
                await asyncio.sleep(0.05)  # what lay in the socket is still accepted
                chat_ends.append(Counter(message.chat for message in api.accepted))
                mail_ends.append(len(mail.accepted))
            await publishing
            await daemon.start()
            await daemon.wait_for("started")
            with Store.open(tmp_path / "watcher.db", exclusive=False) as store:

                def is_done() -> bool:
                    counts = store.counts(datetime.now(UTC))
                    return counts.alerts == items and counts.deliveries == {DeliveryState.DELIVERED: 2 * items}

                await daemon.wait_until(is_done, "empty outbox", 120)
            assert await daemon.end() == 0
        finally:
            with suppress(ProcessLookupError):
                await daemon.kill()
    with Store.open(tmp_path / "watcher.db", exclusive=False) as store:
        alerts = store.events.alerts(limit=10 * items, since=datetime.now(UTC) - timedelta(hours=1))
        entries = store.outbox.entries(limit=10 * items)
    assert all(alert.kind is AlertKind.EVENT for alert in alerts)
    assert Counter(alert.states for alert in alerts) == Counter(published)
    expected = {alert.id for alert in alerts}
    assert {entry.delivery.alert_id for entry in entries if entry.delivery.channel == "telegram"} == expected

    by_chat = {
        chat: [alert_id(message.text) for message in api.to(chat)] for chat in map(str, range(1, len(OUTLETS) + 1))
    }
    assert {one for ids in by_chat.values() for one in ids} == expected
    for chat, ids in by_chat.items():
        assert repeats_in_flight(ids, [ends[chat] for ends in chat_ends]).total() <= kills

    mailed = [alert_id(accepted.mail.get_body(("plain",)).get_content()) for accepted in mail.accepted]
    assert set(mailed) == expected
    assert repeats_in_flight(mailed, mail_ends).total() <= kills
    names = {(one, str(accepted.mail["Message-ID"])) for one, accepted in zip(mailed, mail.accepted, strict=True)}
    assert len(names) == len(expected), "a mail that is sent again keeps its Message-ID"


def alert_id(text: str) -> str:
    """The id that the reader of a message sees."""
    (found,) = re.findall(r"\bAlert ([a-z0-9]{10})\b", text)
    return str(found)


def test_what_counts_as_in_flight() -> None:
    assert repeats_in_flight("abbc", [2]) == Counter("b")
    assert repeats_in_flight("abbb", [2, 2, 3]) == Counter({"b": 2})
    assert not repeats_in_flight("abc", [0, 1])
    for ids, ends in (("abca", [3]), ("abb", [1]), ("abab", [2])):
        with pytest.raises(AssertionError):
            repeats_in_flight(ids, ends)
