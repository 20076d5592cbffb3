"""What it costs to poll many feeds: beside other programs, in the running daemon, and ten thousand for an hour.

    python -m benchmarks.polling.run compare [--feeds 1000] [--others DIR]
    python -m benchmarks.polling.run cycle [--feeds 1000] [--every 10] [--cycles 6]
    python -m benchmarks.polling.run hour [--feeds 10000] [--every 15] [--cycles 12]

Run it from the root of a checkout, on Linux (processor time and memory are read from /proc).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from benchmarks.memory.run import Sample, look
from benchmarks.polling.press import FEED_BYTES, Fault, Press
from tests.daemon_process import DaemonProcess
from watcher.daemon import START_SPREAD

CHECKOUT = Path(__file__).resolve().parents[2]
OTHERS = ("reader[cli]", "rss2email", "sgmllib3k")  # reader imports the last one and does not name it
ROUNDS = 3  # of each program in `compare`, in turn; the least time counts
ADD = "import sys, reader; r = reader.make_reader(sys.argv[1]); [r.add_feed(one.strip()) for one in open(sys.argv[2])]"
CHANGED = 0.02  # of the feeds, in each cycle of `hour`
FAULTY = 0.01  # of the feeds, for each kind of fault


def write_config(folder: Path, press: Press, every: int | None = None) -> Path:
    text = """
        [store]
        path = "watcher.db"
        [http]
        allow_private_networks = true
        [[recipients]]
        id = "desk"
        channel = "console"
        to = "-"
        """
    interval = f'every = "{every}s"\nslowest = "{every}s"\n' if every else ""
    for feed in press.feeds:
        text += f'[[sources]]\nid = "{feed.name}"\nurl = "{press.url(feed)}"\nlanguage = "en"\nfull_text = false\n'
        text += interval
    path = folder / "watcher.toml"
    path.write_text(textwrap.dedent(text))
    return path


async def cpu_of(*command: str | Path, folder: Path) -> float:
    """Seconds of processor time, user and system, that a command took; fails with what it wrote where it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=CHECKOUT,
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{said.decode()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def compare(feeds: int, others: Path) -> None:
    bin_ = others / "bin"
    if not (bin_ / "r2e").exists():
        subprocess.run([sys.executable, "-m", "venv", str(others)], check=True)  # noqa: ASYNC221
        subprocess.run([bin_ / "pip", "install", "--quiet", *OTHERS], check=True)  # noqa: ASYNC221
    first: dict[str, float] = {}
    again: dict[str, list[float]] = {}
    async with Press(feeds, one_host=True) as press:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            urls = [press.url(feed) for feed in press.feeds]
            (folder / "feeds.txt").write_text("\n".join(urls))
            outlines = "".join(
                f'<outline type="rss" text="{feed.name}" xmlUrl="{press.url(feed)}"/>' for feed in press.feeds
            )
            (folder / "feeds.opml").write_text(f'<opml version="1.0"><head/><body>{outlines}</body></opml>')
            await cpu_of(bin_ / "python", "-c", ADD, folder / "reader.db", folder / "feeds.txt", folder=folder)
            mail = (bin_ / "r2e", "-c", folder / "r2e.cfg", "-d", folder / "r2e.json")
            await cpu_of(*mail, "new", "desk@example.org", folder=folder)
            await cpu_of(*mail, "opmlimport", folder / "feeds.opml", folder=folder)
            commands = {
                "reader update": (
                    bin_ / "python",
                    "-m",
                    "reader",
                    "--db",
                    folder / "reader.db",
                    "update",
                    "--no-scheduled",
                ),
                "r2e run": (*mail, "run", "--no-send"),
                "watcher run --once": (
                    sys.executable,
                    "-m",
                    "watcher",
                    "run",
                    "--once",
                    "-c",
                    write_config(folder, press),
                ),
            }
            for what, command in commands.items():
                first[what] = await cpu_of(*command, folder=folder)
            for _ in range(ROUNDS):
                for what, command in commands.items():
                    again.setdefault(what, []).append(await cpu_of(*command, folder=folder))
    for what in commands:
        least = min(again[what])
        print(
            f"{what:20} first {first[what]:6.2f} s, unchanged {least:5.2f} s (of {again[what]})".replace(
                "[", ""
            ).replace("]", "")
        )
    ours, theirs = min(again["watcher run --once"]), [min(again[one]) for one in list(commands)[:2]]
    print(f"unchanged: {ours / theirs[0]:.2f} of reader, {ours / theirs[1]:.2f} of rss2email")
    ours, theirs = first["watcher run --once"], [first[one] for one in list(commands)[:2]]
    print(f"first poll: {ours / theirs[0]:.2f} of reader, {ours / theirs[1]:.2f} of rss2email")


BARE = """
import asyncio, sys, time, aiohttp
async def main():
    urls = [line.split() for line in open(sys.argv[1])]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2), auto_decompress=False) as session:
        async def one(url, tag):
            async with session.get(url, headers={"If-None-Match": tag}) as answer:
                assert answer.status == 304
        for _ in range(4):
            began = time.process_time()
            await asyncio.gather(*(one(*each) for each in urls))
        print(time.process_time() - began)
asyncio.run(main())
"""


async def cycle(feeds: int, every: int, cycles: int) -> None:
    async with Press(feeds, one_host=True) as press:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            daemon = DaemonProcess(write_config(folder, press, every))
            await cpu_of(sys.executable, "-m", "watcher", "run", "--once", "-c", daemon.config, folder=folder)
            await daemon.start()
            await daemon.wait_for("started")
            assert daemon.process is not None
            try:
                await asyncio.sleep(2.5 * every)
                began = look(daemon.process.pid, 0, sum(len(feed.polled_at) for feed in press.feeds))
                await asyncio.sleep(cycles * every)
                ended = look(daemon.process.pid, 0, sum(len(feed.polled_at) for feed in press.feeds))
                assert await daemon.end() == 0
            finally:
                await daemon.kill()
            polls = ended.polls - began.polls
            print(f"{polls} polls in {cycles * every} s: {1000 * (ended.cpu - began.cpu) / polls:.3f} s for 1,000")
            lines = "\n".join(f'{press.url(feed)} "{feed.name}-0"' for feed in press.feeds)
            (folder / "bare.txt").write_text(lines)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", BARE, str(folder / "bare.txt"), stdout=subprocess.PIPE
            )
            out, _ = await process.communicate()
            print(f"aiohttp alone, the same requests at once: {float(out) * 1000 / feeds:.3f} s for 1,000")


async def hour(feeds: int, every: int, cycles: int) -> None:
    async with Press(feeds, faults=FAULTY) as press:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            daemon = DaemonProcess(write_config(folder, press, every))
            began = time.monotonic()
            await cpu_of(sys.executable, "-m", "watcher", "run", "--once", "-c", daemon.config, folder=folder)
            print(f"first poll of {feeds} feeds: {time.monotonic() - began:.0f} s")
            await daemon.start()
            await daemon.wait_for("started")
            assert daemon.process is not None
            samples: list[Sample] = []
            try:
                await asyncio.sleep(START_SPREAD.total_seconds() * feeds + every)  # until every feed was polled once
                for feed in press.feeds:
                    feed.polled_at.clear()
                    feed.unchanged = 0
                for _ in range(cycles):
                    press.publish(round(CHANGED * feeds))
                    for _ in range(every):
                        await asyncio.sleep(1)
                        samples.append(look(daemon.process.pid, began, 0))
                await asyncio.sleep(2 * every)  # for what was published last
                assert await daemon.end() == 0
            finally:
                await daemon.kill()
            report_hour(press, samples, every, daemon.config.with_name("watcher.db"))


def report_hour(press: Press, samples: Sequence[Sample], every: int, store: Path) -> None:
    gaps = {
        fault: sorted(b - a for feed in group for a, b in pairwise(feed.polled_at))
        for fault, group in press.by_fault.items()
    }
    for fault, group in gaps.items():
        if group:
            print(
                f"{fault}: {len(press.by_fault[fault])} feeds, {len(group)} times between two polls of one: "
                f"half within {median(group) / every:.2f} intervals, 99 % within "
                f"{group[len(group) * 99 // 100] / every:.2f}, longest {group[-1] / every:.2f}"
            )
    healthy = press.by_fault[Fault.NONE]
    late = max((b - a) / every - 1.1 for feed in healthy for a, b in pairwise(feed.polled_at))
    print(f"latest poll of a healthy feed: {max(late, 0):.2f} intervals after it was due (jitter of a tenth left out)")
    polls = sum(len(feed.polled_at) for feed in press.feeds)
    unchanged = sum(feed.unchanged for feed in press.feeds)
    quarter = len(samples) // 4
    means = [fmean(sample.resident for sample in samples[part * quarter : (part + 1) * quarter]) for part in range(4)]
    most = max(sample.resident for sample in samples)
    print(f"resident MB by quarter: {', '.join(f'{mean:.1f}' for mean in means)}; most {most:.1f}")
    cpu = samples[-1].cpu - samples[0].cpu
    print(
        f"CPU {cpu:.1f} s over {samples[-1].seconds - samples[0].seconds:.0f} s, {polls} polls, {unchanged} of them 304"
    )
    with sqlite3.connect(store) as connection:
        rows = connection.execute("SELECT source_id, title FROM articles WHERE status = 'evaluated'").fetchall()
    seen = Counter((source_id, int(title.split()[-1])) for source_id, title in rows)
    published = {(feed.name, int(guid.rpartition("-")[2])) for feed in healthy for guid in feed.guids()}
    print(
        f"items published by healthy feeds: {len(published)}; seen exactly once: "
        f"{sum(seen[one] == 1 for one in published)}, more than once: {sum(seen[one] > 1 for one in published)}, "
        f"never: {sum(seen[one] == 0 for one in published)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("compare", "cycle", "hour"))
    parser.add_argument("--feeds", type=int)
    parser.add_argument("--every", type=int, help="seconds between two polls of a feed")
    parser.add_argument("--cycles", type=int)
    parser.add_argument("--others", type=Path, default=Path(tempfile.gettempdir()) / "polling-others")
    given = parser.parse_args()
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}, feeds of {FEED_BYTES} bytes"
    )
    match given.what:
        case "compare":
            asyncio.run(compare(given.feeds or 1000, given.others))
        case "cycle":
            asyncio.run(cycle(given.feeds or 1000, given.every or 10, given.cycles or 6))
        case "hour":
            asyncio.run(hour(given.feeds or 10_000, given.every or 15, given.cycles or 12))


if __name__ == "__main__":
    main()
