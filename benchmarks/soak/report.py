"""What a soak shows: what was late, lost, told twice, or grew."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression, median, quantiles
from typing import Any

from benchmarks.soak.clock import DAY
from benchmarks.soak.life import BUCKETS
from benchmarks.soak.press import HOUR, Feed, Plan

CHATS = {"desk": ("-1001", ("*",)), "half": ("1111", ("soak-0[0-4]*", "diplomatic-*"))}  # target and rules
OPERATOR = "9999"
DOWN_FOR = 30.0  # seconds between the two lives
LATE = 5.0  # seconds after the latest planned moment; more is a late poll
READ_UNTIL = 0.94  # of the time; what is published later may wait for a poll after the end
WARM_AFTER = 6 * HOUR  # of a life; by then every kind of work was done once

Messages = Sequence[tuple[float, str, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the stories in one chat."""

    expected: int
    lost: tuple[str, ...]
    twice: tuple[str, ...]
    other: int  # messages about no story


@dataclass(frozen=True, slots=True)
class Wait:
    """From publication to acceptance of one report with news; seconds."""

    seconds: float
    interval: float  # between the two polls of its source around the publication
    kind: str
    accepted_at: float
    is_disturbed: bool  # by Telegram's outage or the restart


def check_stories(plan: Plan, messages: Messages) -> dict[str, Told]:
    """What each chat was told, beside what it should have been."""
    told = {}
    for name, (chat, patterns) in CHATS.items():
        texts = [text for _, to, text in messages if to == chat]
        counts = {story.token: sum(story.token in text for text in texts) for story in plan.stories}
        expected = {
            story.token: len(story.at) * any(fnmatchcase(story.rule_id, pattern) for pattern in patterns)
            for story in plan.stories
        }
        told[name] = Told(
            sum(expected.values()),
            tuple(token for token in expected if counts[token] < expected[token]),
            tuple(token for token in expected if counts[token] > expected[token]),
            len(texts) - sum(counts.values()),
        )
    return told


def find_waits(plan: Plan, messages: Messages, polls: Mapping[str, Sequence[float]]) -> list[Wait]:
    """For each message to the desk that tells a story, from a source that was polled before and after."""
    kinds = {feed.name: _kind(feed) for feed in plan.feeds}
    accepted: dict[str, list[float]] = defaultdict(list)
    for at, chat, text in messages:
        if chat == CHATS["desk"][0]:
            for story in plan.stories:
                if story.token in text:
                    accepted[story.token].append(at)
    disturbances = (plan.outage, (plan.restart, plan.restart + DOWN_FOR))
    found = []
    for story in plan.stories:
        for published, source, at in zip(story.at, story.sources, accepted[story.token], strict=False):
            polled = polls[source]
            index = bisect_right(polled, published)
            if 0 < index < len(polled):
                is_disturbed = any(published < until and at > begin for begin, until in disturbances)
                interval = polled[index] - polled[index - 1]
                found.append(Wait(at - published, interval, kinds[source], at, is_disturbed))
    return found


def _kind(feed: Feed) -> str:
    return f"{feed.kind}, slowest = every" if feed.is_steady else feed.kind


def report(folder: Path, plan: Plan) -> bool:
    """Whether all is well; what was found is printed."""
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    lives = [json.loads(line) for line in (folder / "lives.jsonl").read_text().splitlines()]
    press = json.loads((folder / "press.json").read_text())
    messages = press["messages"]
    well = _report_polls(lives)
    _report_sizes(plan, samples, lives)
    well &= _report_articles(folder, plan, samples)
    for name, told in check_stories(plan, messages).items():
        print(f"{name}: {told.expected} messages expected; {told.other} about no story")
        print(f"  stories not told in full: {told.lost or 'none'}; told too often: {told.twice or 'none'}")
        well &= not told.lost and not told.twice
    print(f"operator: {sum(chat == OPERATOR for _, chat, _ in messages)} messages")
    print(f"refused by Telegram, by status: {dict(Counter(press['refused']))}")
    _report_waits(plan, find_waits(plan, messages, press["polls"]))
    with closing(sqlite3.connect(folder / "watcher.db")) as store:
        states = dict(store.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    print(f"deliveries by state: {states}")
    print("all is well" if well else "NOT ALL IS WELL")
    return well


def _report_polls(lives: Sequence[Mapping[str, Any]]) -> bool:
    well = True
    cpu, polls = sum(life["cpu"] for life in lives), sum(life["polls"] for life in lives)
    print(
        f"{polls} polls, {sum(life['fetches'] for life in lives)} fetches, {cpu:.0f} s of processor time in the daemon"
    )
    for life in lives:
        buckets = {name: {int(at): count for at, count in life[name].items()} for name in _SAID}
        most, at, who = life["latest"]
        print(f"life from day {life['began'] / DAY:.2f} to {life['ended'] / DAY:.2f}, {life['polls']} polls; seconds:")
        for name, what in _SAID.items():
            half, nearly_all, longest = (_part(buckets[name], part) for part in (0.5, 0.999, 1))
            print(f"  {what}: median {half:.2f}, 99.9 % {nearly_all:.2f}, most {longest:.2f}")
        if most >= LATE:
            print(f"  LATE by {most:.1f} s: {who} on day {at / DAY:.3f}")
            well = False
    return well


_SAID = {
    "late_at_first": "polls of the first ten minutes after the latest moment planned",
    "late": "later polls after it",
    "asked": "from the moment planned to the request",
    "lag": "timers late",
}


def _report_sizes(plan: Plan, samples: Sequence[Mapping[str, float]], lives: Sequence[Mapping[str, Any]]) -> None:
    print("day  resident MB    db MB   wal MB   cpu s   real s   polls")
    for day in range(1, int(plan.end // DAY) + 1):
        of_day = [one for one in samples if (day - 1) * DAY <= one["at"] <= day * DAY + 60]
        last = of_day[-1]
        grown = {what: _grown(of_day, what) for what in ("cpu", "real", "polls")}
        print(
            f"{day:3}  {last['rss'] / 1e6:11.1f} {last['db'] / 1e6:8.2f} {last['wal'] / 1e6:8.2f} {grown['cpu']:7.1f} "
            f"{grown['real']:8.1f} {grown['polls']:7.0f}"
        )
    for life in lives:
        warm = [one for one in samples if life["began"] + WARM_AFTER < one["at"] <= life["ended"]]
        if len(warm) > 12:
            slope = linear_regression([one["at"] / DAY for one in warm], [one["rss"] / 1e6 for one in warm]).slope
            print(f"resident from the sixth hour of a life on: {slope:+.2f} MB a day; most {life['peak'] / 1e6:.1f} MB")


def _report_articles(folder: Path, plan: Plan, samples: Sequence[Mapping[str, float]]) -> bool:
    could = {
        f"{feed.name}/{number}"
        for feed in plan.feeds
        for number, item in enumerate(feed.items)
        if 0 <= item.at < READ_UNTIL * plan.end
    }
    kinds = {feed.name: _kind(feed) if feed.fails is None else "failed for hours" for feed in plan.feeds}
    seconds: dict[str, list[float]] = defaultdict(list)
    with closing(sqlite3.connect(folder / "watcher.db")) as store:
        rows = store.execute(
            "SELECT url, published_at, first_seen_at FROM articles WHERE status <> 'baseline'"
        ).fetchall()
    stored = Counter(url.split("/", 3)[3] for url, _, _ in rows)
    for url, published_at, seen_at in rows:
        took = datetime.fromisoformat(seen_at) - datetime.fromisoformat(published_at)
        seconds[kinds[url.split("/")[3]]].append(took.total_seconds())
    twice = sum(count > 1 for count in stored.values())
    missing = len(could - stored.keys())
    print(f"articles: {len(rows)} stored; {missing} of {len(could)} missing, {twice} stored more than once")
    first = next(one for one in samples if one["at"] > min(HOUR, plan.end / 10))
    grown = samples[-1]["db"] - first["db"]
    print(
        f"store: {grown / 1e6:.1f} MB more since the first hour, {grown / max(len(rows), 1) / 1000:.2f} KB an article"
    )
    for kind, found in sorted(seconds.items()):
        print(f"published to stored, {kind}: {len(found)}, {_spread(found)}")
    return not missing and not twice


def _report_waits(plan: Plan, found: Sequence[Wait]) -> None:
    for kind in ("all", *sorted({wait.kind for wait in found})):
        of_kind = [wait for wait in found if not wait.is_disturbed and kind in ("all", wait.kind)]
        if len(of_kind) > 1:
            half = median(wait.interval for wait in of_kind) / 2
            own = median(wait.seconds - wait.interval / 2 for wait in of_kind)
            print(
                f"published to accepted, {kind}: {len(of_kind)}, {_spread([wait.seconds for wait in of_kind])}; "
                f"half of the median interval {half:.1f} s; over half of its own interval: median {own:+.1f} s"
            )
    begin, until = plan.outage
    held = [wait for wait in found if wait.accepted_at >= until and wait.accepted_at - wait.seconds < until]
    if held:
        last = max(wait.accepted_at for wait in held) - until
        print(
            f"held up by the outage of {(until - begin) / HOUR:.1f} h: {len(held)}; the last {last / 60:.1f} min after"
        )


def _part(buckets: Mapping[int, int], part: float) -> float:
    """Seconds within which that part of them lie."""
    wanted = part * sum(buckets.values())
    for bucket in sorted(buckets):
        wanted -= buckets[bucket]
        if wanted <= 0:
            return bucket / BUCKETS
    return 0.0


def _grown(samples: Sequence[Mapping[str, float]], what: str) -> float:
    """By how much; what counts anew in a new life began at nothing."""
    return sum(
        after[what] - before[what] if after[what] >= before[what] else after[what]
        for before, after in pairwise(samples)
    )


def _spread(seconds: Iterable[float]) -> str:
    found = sorted(seconds)
    if len(found) < 2:
        return f"{found}"
    return f"median {median(found):.1f} s, 95 % {quantiles(found, n=20)[-1]:.1f} s, most {found[-1]:.1f} s"
