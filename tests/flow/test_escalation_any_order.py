"""Whatever happens in whatever order, an escalation goes out exactly when a simple model of a duty desk says so."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders import NOW, article, recipient
from tests.core.rule_files import gazetteer, load
from watcher.dispatch import Dispatcher
from watcher.match import match_article
from watcher.model import Channel, Delivered, Outcome, Source
from watcher.notify.base import OutgoingMessage
from watcher.recording import Reading, Recorder
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.store import Store
from watcher.store.articles import ArticleKeys
from watcher.text.shingles import shingles

RULE = load("""\
rule: border-deaths
severity: critical
languages: [en]
look_for:
  deaths: {killed: {at_least: 1}}
  pair: {states: {at_least: 2}}
group: {by: [rule, states], for: 30d}
escalate: {if_not_acknowledged_in: 15m, to: [boss]}
""")
BOOK = RuleBook.of(
    RULE, compile_rules(RULE, gazetteer()), gazetteer().names(), [recipient(), recipient(id="boss", rules=())]
)
SOURCE = Source(id="courier", url="https://courier.example/feed")
WORDS = "rain road bridge market school train harvest museum river winter garden library stone paper window".split()
WAIT = timedelta(minutes=15)


class Post:
    """Keeps what was sent, of one life of the program."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> Outcome:
        self.sent.append(message)
        return Delivered(message.alert.id)

    async def aclose(self) -> None:
        return


class World:
    """One event, told by ever more articles; every step opens the store anew, as a restart does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.now = NOW
        self.killed = 2
        self._published = 0

    def publish(self) -> None:
        self._published += 1
        filler = " ".join(WORDS[(self._published * 7 + n * n) % len(WORDS)] for n in range(12))
        text = f"In {filler}, at least {self.killed} Armenian and Azerbaijani soldiers were killed."
        one = article(
            id=f"a{self._published}",
            url=f"https://courier.example/{self._published}",
            title=f"Report {self._published}",
            text=text,
            published_at=self.now,
            first_seen_at=self.now,
            publisher=f"Outlet {self._published % 3}",
        )
        keys = ArticleKeys(source_id="courier", url=one.url, guid=one.id)
        reading = Reading(one, keys, match_article(BOOK.rules, one, self.now), shingles(text), None)
        with Store.open(self._path, exclusive=True) as store:
            Recorder(store).record(SOURCE, BOOK, [reading], self.now)

    def acknowledge(self) -> None:
        with Store.open(self._path, exclusive=False) as store:
            [latest] = store.events.alerts(limit=1)
            store.acknowledge(latest.id, by="anna", now=self.now)

    def dispatch(self) -> list[str]:
        """Who is told of the escalations that are sent now."""
        post = Post()
        with Store.open(self._path, exclusive=True) as store:
            console = Dispatcher(
                store, {Channel.CONSOLE: post}, BOOK.state_names, lambda: self.now, lambda: 0.0, lambda settled: None
            )
            asyncio.run(console.dispatch_due())
        return [one.delivery.recipient_id for one in post.sent if one.alert.unacknowledged_since_at is not None]


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["graver", "same", "acknowledge"]), st.integers(min_value=1, max_value=20).map(lambda n: f"{n}")
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
@example(["10", "graver", "5", "20"])
@example(["10", "same", "acknowledge", "same", "20", "graver", "acknowledge", "20"])
@example(["15", "10", "graver", "10", "5", "20"])
def test_an_escalation_goes_out_when_and_only_when_it_is_due(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "watcher.db")
        world.publish()
        due: datetime | None = world.now + WAIT
        for step in steps:
            if step == "graver":
                world.killed *= 2
                world.publish()
                due = due or world.now + WAIT
            elif step == "same":
                world.publish()
            elif step == "acknowledge":
                world.acknowledge()
                due = None
            else:
                world.now += timedelta(minutes=int(step))
            is_due = due is not None and due <= world.now
            assert world.dispatch() == (["boss"] if is_due else [])
            due = None if is_due else due
