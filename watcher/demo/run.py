"""The demo: the real daemon over the sample outlets, shown in the terminal and on a local page."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from watcher.agenda import utc_now
from watcher.daemon import Clock, Daemon
from watcher.demo.page import ItemLine, render_page
from watcher.demo.site import DemoSite
from watcher.explain import explain_article
from watcher.ingest import Poll
from watcher.log import configure_logging
from watcher.model import Article, Channel, FetchReason
from watcher.notify.console import ConsoleNotifier
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.settings import Settings, shipped_rules
from watcher.settings.schema import (
    HttpSettings,
    LogSettings,
    RecipientSettings,
    RulesSettings,
    SourceSettings,
    StoreSettings,
)
from watcher.store import Store
from watcher.understand.states import Gazetteer

STARTS_AT = datetime(2022, 9, 14, 17, 0, tzinfo=UTC)  # the evening of the story's day
ROUNDS = 3  # the story, its reprint, an independent report
ROUND_EVERY = timedelta(seconds=8)  # without --once: time to read
RULES = ("treaty.yaml", "lists")  # one family, so that every message has one reason to point at


async def run_demo(*, once: bool) -> None:
    """Nothing; the story is told in the terminal. With ``once`` it ends by itself, else at Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="watcher-demo-") as folder:
        site = DemoSite()
        await site.start()
        try:
            settings = demo_settings(site, Path(folder))
            configure_logging(LogSettings(level="error"))
            with Store.open(settings.store.path, exclusive=True) as store:
                show = Show(site, store, demo_book(settings), Console(highlight=False))
                daemon = show.daemon(settings)
                await (show.tell_once(daemon) if once else show.tell_live(daemon))
        finally:
            await site.stop()


def demo_settings(site: DemoSite, folder: Path) -> Settings:
    """The configuration that the demo runs with: the sample outlets, one recipient on the console."""
    return Settings(
        store=StoreSettings(path=folder / "demo.db"),
        rules=RulesSettings(paths=tuple(shipped_rules() / name for name in RULES)),
        http=HttpSettings(allow_private_networks=True),
        sources=tuple(
            SourceSettings(
                id=outlet.id,
                url=f"{site.base_url}/{outlet.id}/feed",
                language=outlet.language,
                publisher=outlet.publisher,
                affiliation=outlet.affiliation,
                every=timedelta(seconds=2),
            )
            for outlet in site.outlets
        ),
        recipients=(RecipientSettings(id="duty-desk", channel=Channel.CONSOLE, operator=True),),
    )


def demo_book(settings: Settings) -> RuleBook:
    """The rules that the demo shows, ready to run."""
    rule_set = load_rules(settings.rules.paths)
    gazetteer = Gazetteer.load()
    return RuleBook.of(
        rule_set,
        compile_rules(rule_set, gazetteer),
        gazetteer.names(),
        settings.to_recipients(),
        settings.to_inhibits(),
    )


def demo_clock() -> Clock:
    """A clock that starts on the evening of the story and runs on from there."""
    offset = utc_now() - STARTS_AT
    return lambda: utc_now() - offset


@dataclass(slots=True)
class Show:
    """What the demo prints and serves while the daemon works."""

    site: DemoSite
    store: Store
    book: RuleBook
    console: Console
    clock: Clock = field(default_factory=demo_clock)
    lines: list[ItemLine] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    is_live: bool = False

    def daemon(self, settings: Settings) -> Daemon:
        """The real daemon, whose only channel is this terminal."""
        return Daemon(
            settings=settings,
            book=self.book,
            store=self.store,
            load=lambda: (settings, self.book),
            make_notifiers=lambda *_: {Channel.CONSOLE: ConsoleNotifier(sys.stdout)},
            clock=self.clock,
            on_poll=self.note,
        )

    async def tell_once(self, daemon: Daemon) -> None:
        """Nothing; every round of the story was polled, sent and explained."""
        self.greet()
        for number in range(1, ROUNDS + 1):
            self.site.round = number
            self.console.rule(f"Round {number} of {ROUNDS}: every outlet is polled", align="left")
            self.polls.clear()
            await daemon.run_once()
            self.console.print()
            self.summarise()
        self.say_goodbye()

    async def tell_live(self, daemon: Daemon) -> None:
        """Nothing, after Ctrl-C; the rounds follow each other while the daemon polls on its schedule."""
        self.is_live = True
        self.greet()
        self.console.print(f"The page: {self.site.base_url}/   Ctrl-C ends.\n")
        rounds = asyncio.create_task(self._advance())
        try:
            await daemon.run()
        finally:
            rounds.cancel()
            with suppress(asyncio.CancelledError):
                await rounds

    async def _advance(self) -> None:
        for number in range(2, ROUNDS + 1):
            await asyncio.sleep(ROUND_EVERY.total_seconds())
            self.site.round = number
            self.console.rule(f"Round {number} of {ROUNDS}", align="left")
        await asyncio.sleep(ROUND_EVERY.total_seconds())
        self.console.print()
        self.say_goodbye()
        self.console.print(f"The page stays: {self.site.base_url}/   Ctrl-C ends.")

    def note(self, poll: Poll) -> None:
        """Nothing; remembers what a poll found, and refreshes the page."""
        self.polls.append(poll)
        publishers = {outlet.id: outlet.publisher for outlet in self.site.outlets}
        for article in filter(None, map(self.store.articles.get, poll.evaluated)):
            outcome, why = self.outcome(article)
            self.lines.append(ItemLine(publishers[poll.source_id], article.title, outcome, why))
            if self.is_live:
                self.console.print(f"{outcome}: {article.title}\n    {why}", markup=False)
        alerts = self.store.events.alerts(limit=20)
        events = [alert for alert in alerts if alert.event_id is not None]
        self.site.page = render_page(events, self.lines, self.book.state_names)

    def outcome(self, article: Article) -> tuple[str, str]:
        """What became of an article, and why, in a few words."""
        for stored in self.store.events.signals_of(article.id):
            words = ", ".join(dict.fromkeys(match.text for match in stored.signal.matches if match.state is None))
            said = {"opened": "new event, alert sent", "copied": "a copy, no message"}
            return said.get(stored.outcome, f"update sent: {stored.outcome}"), f"“{words}”"
        return "silent", self.why_silent(article)

    def why_silent(self, article: Article) -> str:
        """The nearest miss: of each rule, what was lacking, with the words that came closest and what decided."""
        reasons = []
        for explanation in explain_article(self.book.rules, article):
            near = [
                f"“{' '.join(child.match.text.split())}” is {child.match.stance.value}"
                + (f" (“{child.match.cue.text}”)" if child.match.cue else "")
                for node in explanation.nodes
                if any(node.label == f"clue {name}" for name in explanation.missing)
                for child in node.children
                if child.match is not None and child.match.stance is not None
            ]
            reasons.append(explanation.reason + (f": {near[0]}" if near else ""))
        return "; ".join(reasons)

    def greet(self) -> None:
        """Nothing; says what is to be seen."""
        self.console.print(
            f"watcher demo: {len(self.site.outlets)} sample outlets on {self.site.base_url}\n"
            f"The daemon is the real one; the texts are samples, of {STARTS_AT:%d %B %Y, %H:%M} UTC.\n"
            f"Rule in force: {', '.join(self.book.versions)}\n"
        )

    def summarise(self) -> None:
        """Nothing; prints what was polled in this round, and why each new item fired or stayed silent."""
        order = [outlet.id for outlet in self.site.outlets]
        polls = sorted(self.polls, key=lambda poll: order.index(poll.source_id))
        table = Table("outlet", "answer", "new", "alerts", title="Polled", title_justify="left", show_edge=False)
        for poll in polls:
            answer = poll.reason.value + (f": {poll.detail}" if poll.detail else "")
            style = "" if poll.reason in (FetchReason.OK, FetchReason.NOT_MODIFIED) else "red"
            table.add_row(poll.source_id, Text(answer, style), str(poll.new), str(len(poll.alerts)))
        self.console.print(table)
        new = sum(poll.new for poll in polls)
        if new:
            items = Table("item", "outcome", "why", title="Read", title_justify="left", show_edge=False)
            order_of_item = [item.title for outlet in self.site.outlets for item in outlet.items]
            latest = sorted(self.lines[-new:], key=lambda line: order_of_item.index(line.title))
            for line in sorted(latest, key=lambda line: line.outcome == "silent"):
                items.add_row(
                    Text(line.title), Text(line.outcome, "" if line.outcome == "silent" else "bold"), Text(line.why)
                )
            self.console.print(items)
        self.console.print()

    def say_goodbye(self) -> None:
        """Nothing; says what there was."""
        alerts = [alert for alert in self.store.events.alerts(limit=20) if alert.event_id is not None]
        events = self.store.events.recent(20)
        reports = sum(len(event.reports) for event in events)
        copies = sum(report.copy_of is not None for event in events for report in event.reports)
        silent = sum(line.outcome == "silent" for line in self.lines)
        updates = len(alerts) - len(events)
        self.console.print(
            f"{len(self.lines)} items read: {len(events)} event with {reports} reports, {copies} of them a copy; "
            f"{len(events)} alert and {updates} update sent; {silent} items stayed silent."
        )
