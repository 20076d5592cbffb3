"""What a week brings: a thousand feeds with their items by day and night, stories among them, and Telegram.

Runs as a process of its own; what it shows depends on the time that the daemon's process shares.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import signal
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks.soak.clock import DAY, START, SharedSeconds
from tests.bot_api import BotApi, Call, Fault, RefusedError

ITEMS_IN_FEED = 20
OLD_ITEMS = 10  # in each feed before the week begins
TEXT_CHARS = 2000  # of an article on average, as in docs/events.md
QUIET_END = 0.9  # of the time: what is published later may not be read before the end
HOUR = 3600.0
STATES = (
    "Austria Belgium Bulgaria Croatia Denmark Estonia Finland France Germany Greece Hungary Iceland Ireland Italy "
    "Latvia Lithuania Norway Poland Portugal Romania Slovakia Slovenia Spain Sweden Switzerland Japan Brazil Chile "
    "Peru Vietnam"
).split()
# Day-to-day news, in words that rules look for but about nothing that they mean.
FRAMES = (
    "The finance minister of {state} said on {day} that prices rose by {n} percent in a year.",
    "{state} and {other} agreed to extend their trade deal by {n} years.",
    "Officials from {state} met a delegation from {other} to talk about rail freight and border paperwork.",
    "Voters in {state} go to the polls in {n} weeks, and no party leads clearly.",
    "The army of {state} opened its barracks to visitors, of whom {n} thousand came.",
    "At least {n} people were hurt when a bus left the road in the north of {state}.",
    "The ambassador of {state} opened an exhibition of photographs from {other}.",
    "A storm cut power to {n} thousand homes in {state} and closed two airports.",
    "The national team of {state} beat {other} by {n} points after a hard fight.",
    "Troops helped to fill sandbags as rivers rose in the south of {state}.",
    "The central bank of {state} left its rate unchanged for the {n}th month.",
    "A court in {state} sentenced a former director to {n} months over missing funds.",
)


@dataclass(frozen=True, slots=True)
class Publication:
    """One item of one feed."""

    at: float  # seconds since START
    title: str
    text: str
    story: str = ""  # the story that it tells


@dataclass(frozen=True, slots=True)
class Story:
    """Something that a rule looks for, and the messages that it shall lead to."""

    token: str
    rule_id: str
    at: tuple[float, ...]  # when each report with news of it was published
    sources: tuple[str, ...]  # of these


@dataclass(slots=True)
class Feed:
    """A source, and all that it will publish, in order of time."""

    name: str
    number: int
    kind: str  # wire, paper or small
    is_steady: bool  # polled at `every`, however quiet
    has_pages: bool
    fails: tuple[float, float] | None = None  # from, until
    hangs: bool = False  # answers nothing while it fails, instead of 500
    items: list[Publication] = field(default_factory=list)
    body: tuple[int, bytes] = (-1, b"")
    polls: list[float] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.1.{self.number // 250}.{self.number % 250 + 1}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole time, decided before it begins; the same for the same arguments."""

    feeds: tuple[Feed, ...]
    stories: tuple[Story, ...]
    outage: tuple[float, float]  # of Telegram
    restart: float
    end: float


def soak_rules(count: int) -> dict[str, str]:
    """The YAML of so many rules of our own, by id; each looks for two made-up words and two states."""
    rng = random.Random(7)
    rules = {}
    for number in range(count):
        rule_id = f"soak-{number:03}"
        one, other = _words_of_rule(rule_id)
        more = ", ".join(f'"{_word(rng)} ..3 {_word(rng)}"' for _ in range(4))
        severity = ("watch", "warning", "critical")[number % 3]
        rules[rule_id] = (
            f"rule: {rule_id}\ntitle: Soak {number}\nstatus: stable\nfamily: {rule_id}\nseverity: {severity}\n"
            f'look_for:\n  sign: {{phrases: ["{one} ..3 {other}", {more}]}}\n'
            "  two_states: {states: {at_least: 2}}\n"
            "close_together:\n  - {clues: [sign, two_states], within: 1 sentence}\n"
            "group: {by: [rule, states], for: 24h}\n"
        )
    return rules


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(rng.randint(2, 4)))


def _words_of_rule(rule_id: str) -> tuple[str, str]:
    rng = random.Random(rule_id)
    return _word(rng) + "quen", _word(rng) + "zor"


def make_plan(*, days: float, sources: int, articles: int, stories: int, rules: int) -> Plan:
    """What is published when; ``stories`` of ``articles`` are what rules look for, ``rules`` of our own among them."""
    rng = random.Random(8)
    end = days * DAY
    feeds = []
    for number in range(sources):
        part = number / sources
        kind = "wire" if part < 0.1 else "paper" if part < 0.5 else "small"
        feeds.append(
            Feed(f"{kind}{number:04}", number, kind, is_steady=number % 10 == 9, has_pages=number % 10 in (2, 5, 8))
        )
    writer = _Writer(rng)
    share = {"wire": 0.5, "paper": 0.4, "small": 0.1}
    by_kind = {kind: [feed for feed in feeds if feed.kind == kind] for kind in share}

    def some_feed(but: Feed | None = None) -> Feed:
        while True:
            feed = rng.choice(by_kind[rng.choices(list(share), list(share.values()))[0]])
            if feed is not but and feed.fails is None:
                return feed

    # Two in a hundred fail for hours; no story is told there, so that latency is that of sources that can be read.
    for index, feed in enumerate(rng.sample(feeds, max(2, sources // 50))):
        begin = rng.uniform(0.15, 0.7) * end
        feed.fails, feed.hangs = (begin, begin + rng.uniform(2, 8) * HOUR * min(days, 1)), index % 2 == 0
    told = [_plan_story(number, rng, rules, end, writer, some_feed) for number in range(stories)]
    for _, reports in told:
        for feed, report in reports:
            feed.items.append(report)
    count = articles - sum(len(feed.items) for feed in feeds)
    for _ in range(max(count, 0)):
        kind = rng.choices(list(share), list(share.values()))[0]
        feed = rng.choice(by_kind[kind])
        feed.items.append(Publication(_moment(rng, end), writer.title(), writer.daily()))
    for feed in feeds:
        old = [Publication(-(40 + index) * DAY, writer.title(), writer.daily()) for index in range(OLD_ITEMS)]
        feed.items = sorted((*old, *feed.items), key=lambda item: item.at)
    outage = 0.3 * end
    return Plan(
        tuple(feeds),
        tuple(story for story, _ in told),
        (outage, outage + 6 * HOUR * min(days, 1)),
        (3 + 0.6) / 7 * end,
        end,
    )


def _plan_story(
    number: int, rng: random.Random, rules: int, end: float, writer: _Writer, some_feed: Any
) -> tuple[Story, list[tuple[Feed, Publication]]]:
    pairs = list(combinations(STATES, 2))
    random.Random(9).shuffle(pairs)
    one, other = pairs[number]  # no two stories about the same states, so that each is an event of its own
    token = f"S{number:04}"
    feed, at = some_feed(), min(_moment(rng, end), QUIET_END * end)
    if number % 4 == 0:
        lead = f"{one} recalled its ambassador from {other}, its government said."
        report = Publication(at, f"{one} recalls its ambassador from {other} {token}", writer.story(lead), token)
        return Story(token, "diplomatic-rupture", (at,), (feed.name,)), [(feed, report)]
    rule_id = f"soak-{number % rules:03}"
    sign = " ".join(_words_of_rule(rule_id))
    title = f"{sign.capitalize()} between {one} and {other} {token}"
    if number % 4 == 1:
        killed = rng.randint(5, 20)
        leads = [
            f"{sign.capitalize()} between {one} and {other} killed {toll} soldiers." for toll in (killed, 3 * killed)
        ]
        later, then = some_feed(feed), min(at + rng.uniform(2, 5) * HOUR, (QUIET_END + 0.02) * end)
        reports = [
            (feed, Publication(at, title, writer.story(leads[0]), token)),
            (later, Publication(then, f"{title} grows", writer.story(leads[1]), token)),
        ]
        return Story(token, rule_id, (at, then), (feed.name, later.name)), reports
    first = Publication(at, title, writer.story(f"{sign.capitalize()} was reported between {one} and {other}."), token)
    reports = [(feed, first)]
    for _ in range(3 if number % 4 == 2 else 0):  # reprints, which say nothing new
        again = at + rng.uniform(0.4, 2) * HOUR
        reports.append((some_feed(feed), Publication(again, first.title, first.text, token)))
    return Story(token, rule_id, (at,), (feed.name,)), reports


def _moment(rng: random.Random, end: float) -> float:
    """A moment of the time, seven times likelier at noon than at midnight."""
    while True:
        at = rng.uniform(0.01, 0.99) * end
        if rng.random() < 0.57 - 0.43 * math.cos(2 * math.pi * (at % DAY) / DAY):
            return at


class _Writer:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        words = random.Random(10)
        self._words = [_word(words) for _ in range(6000)]

    def _sentence(self) -> str:
        return " ".join(self._rng.choices(self._words, k=self._rng.randint(8, 18))).capitalize() + "."

    def title(self) -> str:
        return " ".join(self._rng.choices(self._words, k=8)).capitalize()

    def daily(self) -> str:
        frames = [
            frame.format(
                state=self._rng.choice(STATES),
                other=self._rng.choice(STATES),
                day=self._rng.choice(("Monday", "Wednesday", "Friday")),
                n=self._rng.randint(2, 90),
            )
            for frame in self._rng.sample(FRAMES, 4)
        ]
        return self._filled(frames)

    def story(self, lead: str) -> str:
        return self._filled([lead])

    def _filled(self, parts: list[str]) -> str:
        while sum(map(len, parts)) < self._rng.gauss(TEXT_CHARS, 500):
            parts.append(self._sentence())
        return " ".join(parts)


class Press(asyncio.Protocol):
    """One connection to the feeds and pages. As plain as it can be, for it takes time from what is measured."""

    def __init__(self, feeds: Mapping[str, Feed], port: int, seconds: SharedSeconds) -> None:
        self._feeds = feeds
        self._port = port
        self._seconds = seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            line, *headers = head.decode("latin-1").split("\r\n")
            tag = next((one[15:] for one in headers if one.lower().startswith("if-none-match: ")), "")
            self._transport.write(self._answer(line.split(" ")[1], tag))

    def _answer(self, path: str, tag: str) -> bytes:
        name, _, number = path.removeprefix("/").partition("/")
        feed, now = self._feeds[name.removesuffix(".xml")], self._seconds.read()
        if number:
            item = feed.items[int(number)]
            return _whole("200 OK", _page(item), "text/html")
        feed.polls.append(now)
        if feed.fails and feed.fails[0] <= now < feed.fails[1]:
            return _whole("500 Internal Server Error", b"out of order", "text/plain")
        count = bisect_right(feed.items, now, key=lambda item: item.at)
        etag = f'"{count}"'
        if tag == etag:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        if feed.body[0] != count:
            feed.body = count, _feed_body(feed, count, self._port)
        return _whole("200 OK", feed.body[1], "application/rss+xml", f"ETag: {etag}\r\n")


def _whole(status: str, body: bytes, content_type: str, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode()
        + body
    )


def _feed_body(feed: Feed, count: int, port: int) -> bytes:
    items = ""
    for number in range(count - 1, max(count - 1 - ITEMS_IN_FEED, -1), -1):
        item = feed.items[number]
        text = item.text[:200] if feed.has_pages else item.text
        items += (
            f"<item><title>{item.title}</title><link>http://{feed.host}:{port}/{feed.name}/{number}</link>"
            f'<guid isPermaLink="false">{feed.name}-{number}</guid>'
            f"<pubDate>{format_datetime(START + timedelta(seconds=item.at))}</pubDate>"
            f"<description>{text}</description></item>"
        )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{feed.name}</title>'
        f"<link>http://{feed.host}/</link><description>A feed.</description>{items}</channel></rss>"
    ).encode()


def _page(item: Publication) -> bytes:
    sentences = item.text.split(". ")
    paragraphs = "".join(f"<p>{'. '.join(sentences[at : at + 4])}.</p>" for at in range(0, len(sentences), 4))
    furniture = "".join(f'<li><a href="/section/{number}">Section {number}</a></li>' for number in range(100))
    return (
        f"<html><head><title>{item.title}</title></head><body><nav><ul>{furniture}</ul></nav><article>"
        f"<h1>{item.title}</h1>{paragraphs}</article></body></html>"
    ).encode()


@dataclass
class Telegram(BotApi):
    """The stand-in, with its outage, and when it accepted what."""

    outage: tuple[float, float] = (0.0, 0.0)
    seconds: SharedSeconds | None = None
    messages: list[tuple[float, str, str]] = field(default_factory=list)  # seconds, chat, text as posted

    async def _meet_fault(self, request: web.Request, *keys: str) -> Fault | None:
        assert self.seconds is not None
        if self.outage[0] <= self.seconds.read() < self.outage[1]:
            raise RefusedError(502, "Bad Gateway")
        return await super()._meet_fault(request, *keys)

    def _note(self, call: Call) -> None:
        super()._note(call)
        if call.method == "sendmessage" and call.status == 200:
            assert self.seconds is not None
            self.messages.append((self.seconds.read(), str(call.fields["chat_id"]), str(call.fields["text"])))


async def serve(folder: Path) -> None:
    """Nothing, at SIGTERM; ``ports.json`` was there from the start, ``press.json`` is at the end."""
    plan = make_plan(**json.loads((folder / "plan.json").read_text()))
    seconds = SharedSeconds(folder / "seconds")
    loop = asyncio.get_running_loop()
    feeds = {feed.name: feed for feed in plan.feeds}
    port = 0
    server = await loop.create_server(lambda: Press(feeds, port, seconds), "0.0.0.0", 0, backlog=2000)
    port = server.sockets[0].getsockname()[1]
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    api = Telegram(clock=lambda: START.timestamp() + seconds.read(), outage=plan.outage, seconds=seconds)
    api.enforce_limits()
    async with api:
        ports = folder / "ports.new"
        ports.write_text(json.dumps({"feeds": port, "telegram": api.base_url}))
        ports.rename(folder / "ports.json")
        await stop.wait()
    server.close()
    (folder / "press.json").write_text(
        json.dumps(
            {
                "messages": api.messages,
                "refused": [call.status for call in api.refusals],
                "polls": {feed.name: feed.polls for feed in plan.feeds},
            }
        )
    )
