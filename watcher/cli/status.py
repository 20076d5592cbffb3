"""The command that shows on one screen how everything is: status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from watcher.cli.common import ConfigOption, Format, FormatOption, print_json
from watcher.cli.looking import ago, open_store
from watcher.health import BlindRule, Level, level, say_blind, state_of
from watcher.model import DeliveryState, FetchReason, SourceState
from watcher.mutes import Mute
from watcher.notices import overdue_since
from watcher.readiness import LATE_AFTER
from watcher.render import minute
from watcher.settings import Settings
from watcher.store import Counts, Size, Store
from watcher.store.articles import ArticleStatus, StoredArticle
from watcher.store.codec import decode_time
from watcher.store.drills import Drill
from watcher.store.journal import Notice, Run
from watcher.store.outbox import ClosedRecipient
from watcher.subscriptions import SubscriptionStatus

ALIVE_WITHIN = timedelta(minutes=3)  # the daemon writes a sign of life every minute


def register(app: typer.Typer) -> None:
    """Nothing; adds the command."""
    app.command()(status)


@dataclass(frozen=True, slots=True)
class Glance:
    """What one screen shows."""

    settings: Settings
    now: datetime
    counts: Counts
    run: Run | None
    states: dict[str, SourceState]
    closed: tuple[ClosedRecipient, ...]
    mutes: tuple[Mute, ...]
    size: Size
    drill: Drill | None
    drill_overdue_at: datetime | None
    bot: Notice | None  # why it hears nobody
    heard: str | None  # when Telegram was heard last
    subscribers: int
    waiting: int  # who asked to be let in
    quarantined: tuple[StoredArticle, ...]
    blind: tuple[BlindRule, ...]

    @classmethod
    def of(cls, settings: Settings, store: Store, now: datetime) -> Glance:
        """What the store says now."""
        every = settings.drill.every
        return cls(
            settings,
            now,
            store.counts(now),
            next(iter(store.journal.runs(1)), None),
            {state.source_id: state for state in store.articles.source_states()},
            store.outbox.closed_recipients(),
            store.mutes.in_force(now),
            store.size(),
            next(iter(store.drills.latest()), None),
            overdue_since(store, every, now) if isinstance(every, timedelta) else None,
            next((one for one in store.journal.notices("bot") if one.key == "bot" and one.state != "ok"), None),
            store.kept.get("bot.heard_at"),
            len(store.subscriptions.all(SubscriptionStatus.ACTIVE)),
            len(store.subscriptions.all(SubscriptionStatus.WAITING)),
            tuple(store.articles.since(now - timedelta(days=1), ArticleStatus.QUARANTINED)),
            tuple(
                BlindRule(notice.key.removeprefix("blind:"), notice.detail, notice.state == "unfed")
                for notice in store.journal.notices("blind:")
                if notice.state in ("blind", "unfed")
            ),
        )

    @property
    def is_alive(self) -> bool:
        """Whether a daemon runs."""
        run = self.run
        return run is not None and run.stopped_at is None and self.now - run.alive_at < ALIVE_WITHIN

    @property
    def failing(self) -> tuple[tuple[SourceState, FetchReason], ...]:
        """The sources that are not good, with how they are."""
        return tuple(
            (state, seen)
            for source in self.settings.to_sources()
            if (state := self.states.get(source.id))
            and state.polled_at
            and level(seen := state_of(source, state, self.now)) is not Level.GOOD
        )

    @property
    def troubles(self) -> list[str]:
        """What is wrong, a line for each."""
        counts = self.counts
        lines = [
            f"source {state.source_id}: {seen.value}" + (f": {state.detail}" if state.detail else "")
            for state, seen in self.failing
        ]
        lines += say_blind(one for one in self.blind if not one.is_so_configured)
        if self.drill and self.drill.missed:
            lines.append(f"the last exercise did not reach {', '.join(self.drill.missed)}; see `watcher drill`")
        if self.bot is not None:
            lines.append(f"the bot hears nobody since {minute(self.bot.changed_at)}: {self.bot.state}")
        lines += [f"recipient {one.recipient_id} is closed: {one.reason}" for one in self.closed]
        lines += [f"article {one.article.id} quarantined: {one.reason}" for one in self.quarantined]
        if failed := counts.deliveries.get(DeliveryState.FAILED):
            lines.append(f"{failed} deliveries failed; see `watcher outbox`")
        if uncertain := counts.deliveries.get(DeliveryState.UNCERTAIN):
            lines.append(f"{uncertain} deliveries may have arrived; see `watcher outbox`")
        if counts.oldest_pending_at is not None and self.now - counts.oldest_pending_at > LATE_AFTER:
            lines.append(f"the oldest undelivered message waits since {ago(counts.oldest_pending_at, self.now)}")
        return lines

    @property
    def notes(self) -> list[str]:
        """What is as it was configured, or only a reminder."""
        overdue = self.drill_overdue_at
        reminder = [f"a drill is overdue since {minute(overdue)}: `watcher drill`"] if overdue else []
        return [*say_blind(one for one in self.blind if one.is_so_configured), *reminder]

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        counts, run, drill = self.counts, self.run, self.drill
        return {
            "running": self.is_alive,
            "last_sign_of_life": run and run.alive_at.isoformat(),
            "sources": len(self.settings.sources),
            "sources_failing": [state.source_id for state, _ in self.failing],
            "rules_blind": [one.rule_id for one in self.blind],
            "articles": counts.articles,
            "quarantined": counts.quarantined,
            "open_events": counts.open_events,
            "alerts": counts.alerts,
            "deliveries": {state.value: number for state, number in counts.deliveries.items()},
            "oldest_undelivered": counts.oldest_pending_at and counts.oldest_pending_at.isoformat(),
            "bot_heard": self.heard,
            "subscribers": self.subscribers,
            "subscribers_waiting": self.waiting,
            "mutes": [str(mute) for mute in self.mutes],
            "store_bytes": self.size.bytes,
            "store_free_bytes": self.size.free_bytes,
            "last_drill": drill and drill.started_at.isoformat(),
            "notes": self.notes,
            "troubles": self.troubles,
        }

    def lines(self) -> Iterator[str]:
        """The screen, from top to bottom."""
        counts, now = self.counts, self.now
        life = f"last sign of life {ago(self.run.alive_at, now)}" if self.run else "has never run"
        yield f"watcher     {'running' if self.is_alive else 'not running'}, {life}"
        yield f"sources     {len(self.settings.sources)}, {len(self.failing)} in trouble"
        yield f"articles    {counts.articles}, {counts.quarantined} quarantined"
        yield f"events      {counts.open_events} open"
        yield f"alerts      {counts.alerts}"
        delivered = ", ".join(f"{number} {state.value}" for state, number in counts.deliveries.items() if number)
        yield f"deliveries  {delivered or 'none'}"
        if self.settings.telegram is not None:
            asks = f", {self.waiting} waiting to be let in" if self.waiting else ""
            since = f"; the bot heard Telegram {ago(decode_time(self.heard), now)}" if self.heard else ""
            yield f"subscribers {self.subscribers}{asks}{since}"
        in_force = [f"{mute} until {minute(mute.until_at)}" for mute in self.mutes]
        yield f"mutes       {len(self.mutes)} in force" + (f": {'; '.join(in_force)}" if in_force else "")
        yield f"store       {self.size.bytes / 1e6:,.1f} MB, {self.size.free_bytes / 1e6:,.1f} of it free"
        held = f"{ago(self.drill.started_at, now)}, {_reached(self.drill)}" if self.drill else "none yet"
        yield f"last drill  {held}"
        yield from (f"- {note}" for note in self.notes)
        yield from (f"! {trouble}" for trouble in self.troubles)


def status(config: ConfigOption = None, output: FormatOption = Format.TEXT) -> None:
    """One screen: is it alive, what does it read, what is undelivered. Exit 1 when something is wrong."""
    settings, store = open_store(config)
    with store:
        glance = Glance.of(settings, store, datetime.now(UTC))
    if output is Format.JSON:
        print_json(glance.to_json())
    else:
        for line in glance.lines():
            typer.echo(line)
    if glance.troubles:
        raise typer.Exit(1)


def _reached(drill: Drill) -> str:
    count = len(drill.recipients)
    return f"{count - len(drill.missed)} of {count} got it"
