"""How much memory the daemon holds over many polls: 100 feeds on loopback, new items, pages and alerts all along.

    python -m benchmarks.memory.run [--rounds 1000] [--feeds 100] [--every 1] [--new 3] [--samples FILE.csv]

Run it from the root of a checkout. A round polls every feed once; in each, ``--new`` feeds have a new item with a page
of 90 KB, and one new item in ten leads to an alert over Telegram and mail (stand-ins). Two feeds answer 500. The
resident memory of the daemon's process is read once a second from /proc (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import fmean, linear_regression

from aiohttp import web

from tests.bot_api import TOKEN, BotApi
from tests.daemon_process import DaemonProcess
from tests.newsroom import Item, Newsroom
from tests.smtp import MailServer

ITEMS_IN_FEED = 20
PARAGRAPHS = 10
FURNITURE = "".join(f'<li><a class="more" href="/section/{n}">Section {n} of the site</a></li>' for n in range(1200))
STATES = (
    "Austria Bulgaria Denmark Finland Germany Greece Hungary Italy Norway Poland Portugal Romania Spain Sweden".split()
)
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look at the process found."""

    seconds: float
    polls: int
    resident: float  # MB
    cpu: float  # seconds, since its start


class FurnishedNewsroom(Newsroom):
    """Pages as they are: an article of 700 words in 90 KB of navigation."""

    async def _page(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._page(request)
        assert isinstance(answer, web.Response) and answer.text is not None
        answer.text = answer.text.replace("<article>", f"<nav><ul>{FURNITURE}</ul></nav><article>")
        return answer


class Press:
    """Feeds whose items never end; texts are random words of a fixed vocabulary."""

    def __init__(self, room: Newsroom, feeds: int) -> None:
        self._room = room
        self._rng = random.Random(4)
        letters = "aeioubcdfglmnprstv"
        self._words = ["".join(self._rng.choices(letters, k=self._rng.randint(3, 9))) for _ in range(8000)]
        self._numbers = count()
        self.names = [f"feed{number:03}" for number in range(feeds)]
        for name in self.names:
            room.publish(name, *(self._item() for _ in range(ITEMS_IN_FEED)))

    def publish(self, new: int) -> None:
        """Nothing; so many feeds have one item more."""
        for name in self._rng.sample(self.names, new):
            self._room.publish(name, self._item())
            del self._room.feeds[name][ITEMS_IN_FEED:]

    def _item(self) -> Item:
        number = next(self._numbers)
        page = [self._prose(70) for _ in range(PARAGRAPHS)]
        if number % 10 == 0:
            one, other = self._rng.sample(STATES, 2)
            page[0] = f"{one} recalled its ambassador from {other} on Monday. {page[0]}"
        return Item(f"item{number}", self._prose(9), self._prose(40), datetime.now(UTC), tuple(page))

    def _prose(self, words: int) -> str:
        return " ".join(self._rng.choices(self._words, k=words)).capitalize() + "."


def write_config(folder: Path, press: Press, room: Newsroom, api: BotApi, mail: MailServer, every: int) -> Path:
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    text = f"""
        [store]
        path = "watcher.db"
        [http]
        allow_private_networks = true
        [telegram]
        token_file = "token"
        base_url = "{api.base_url}"
        [email]
        host = "127.0.0.1"
        port = {mail.port}
        sender = "watcher@example.org"
        [[recipients]]
        id = "chat"
        channel = "telegram"
        to = "1"
        [[recipients]]
        id = "desk"
        channel = "email"
        to = "desk@example.org"
        """
    for name in press.names:
        text += f'[[sources]]\nid = "{name}"\nurl = "{room.url(name)}"\nevery = "{every}s"\nlanguage = "en"\n'
    path = folder / "watcher.toml"
    path.write_text(text)
    return path


def look(pid: int, began: float, polls: int) -> Sample:
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_SIZE / 1e6
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Sample(time.monotonic() - began, polls, resident, (int(fields[11]) + int(fields[12])) / TICKS)


async def measure(rounds: int, feeds: int, every: int, new: int) -> tuple[list[Sample], int, int]:
    """The samples, and how many messages and mails arrived."""
    with tempfile.TemporaryDirectory() as folder:
        async with FurnishedNewsroom() as room, BotApi() as api, MailServer() as mail:
            press = Press(room, feeds)
            for name in press.names[:2]:
                room.broken[name] = web.Response(status=500)
            daemon = DaemonProcess(write_config(Path(folder), press, room, api, mail, every))
            await daemon.start()
            assert daemon.process is not None
            began, polls, samples = time.monotonic(), 0, []
            try:
                while polls < rounds * feeds:
                    await asyncio.sleep(1)
                    polls += sum(not path.startswith("/") for path in room.requests)
                    room.requests.clear()
                    samples.append(look(daemon.process.pid, began, polls))
                    if len(samples) % every == 0:
                        press.publish(new)
                assert await daemon.end() == 0
            finally:
                await daemon.kill()
            return samples, len(api.accepted), len(mail.accepted)


def report(samples: list[Sample], messages: int, mails: int) -> None:
    quarter = len(samples) // 4
    means = [fmean(sample.resident for sample in samples[part * quarter : (part + 1) * quarter]) for part in range(4)]
    half = samples[2 * quarter :]
    slope = linear_regression([sample.polls / 1000 for sample in half], [sample.resident for sample in half]).slope
    last = samples[-1]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    print(f"{last.polls} polls in {last.seconds:.0f} s; {messages} messages, {mails} mails")
    most = max(sample.resident for sample in samples)
    print(f"resident MB by quarter: {', '.join(f'{mean:.1f}' for mean in means)}; most {most:.1f}")
    print(f"slope over the last half: {slope:+.3f} MB for 1,000 polls")
    print(f"CPU: {last.cpu:.1f} s, {1000 * last.cpu / last.polls:.2f} ms a poll")


def main() -> None:
    parser = argparse.ArgumentParser(description="Resident memory of the daemon over many polls.")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--feeds", type=int, default=100)
    parser.add_argument("--every", type=int, default=1, help="seconds between two polls of a feed")
    parser.add_argument("--new", type=int, default=3, help="new items in each round")
    parser.add_argument("--samples", type=Path, help="where to write every sample as CSV")
    given = parser.parse_args()
    samples, messages, mails = asyncio.run(measure(given.rounds, given.feeds, given.every, given.new))
    if given.samples is not None:
        lines = [f"{s.seconds:.0f},{s.polls},{s.resident:.1f},{s.cpu:.2f}" for s in samples]
        given.samples.write_text("\n".join(["seconds,polls,resident_mb,cpu_s", *lines]) + "\n")
    report(samples, messages, mails)


if __name__ == "__main__":
    main()
