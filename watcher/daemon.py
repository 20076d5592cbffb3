"""The composition root: builds every part, schedules the polls, answers signals, stops cleanly."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from watcher import __version__, systemd
from watcher.agenda import Agenda, seconds_awake_or_asleep, utc_now
from watcher.bot.choosing import rule_families
from watcher.bot.desk import Desk
from watcher.bot.offer import offer_all
from watcher.bot.runtime import Runtime
from watcher.bounces import Bounces, mailbox_of
from watcher.dispatch import Dispatcher, Settled
from watcher.errors import StoreDamagedError, StoreError, StoreInUseError, StoreMovedError, StoreUnavailableError
from watcher.fetch import Fetcher
from watcher.filewatch import LOOK_EVERY, FileWatch
from watcher.forgetting import Forgetting
from watcher.health import BlindRule, find_blind, is_failure, observe, state_of
from watcher.ingest import Ingest, Poll
from watcher.jobs import Jobs
from watcher.metrics import Metrics, Now
from watcher.model import AlertKind, Channel, Delivered, DeliveryState, GiveUp, Retry, Severity, Source, Uncertain
from watcher.monitoring import monitoring_routes
from watcher.notices import (
    tell_about_blind_rules,
    tell_about_clock,
    tell_about_drill,
    tell_about_lost_rules,
    tell_about_outage,
    tell_about_uncertain,
    tell_about_unknown_recipients,
    tell_operators,
)
from watcher.notify.apprise import AppriseNotifier
from watcher.notify.base import Notifier, OutgoingMessage
from watcher.notify.console import ConsoleNotifier
from watcher.notify.email import EmailNotifier
from watcher.notify.telegram import TelegramNotifier
from watcher.notify.webhook import WebhookNotifier
from watcher.pinger import Pinger
from watcher.progress import Progress
from watcher.readiness import Check, Facts, judge, troubles
from watcher.reload import Load, Reloading
from watcher.retention import cutoffs
from watcher.routing import compose_notice, route_notice
from watcher.rulebook import RuleBook
from watcher.sequence import span_of
from watcher.server import Admission, Endpoint, Route
from watcher.settings import Settings
from watcher.silenced import tell_silenced
from watcher.sources.imap import ImapReader
from watcher.store import Store
from watcher.store.journal import Outage
from watcher.storms import is_storm, tell_about_change, tell_about_storms
from watcher.subscriptions import THROWN_OUT, SubscriptionStatus, ended, with_subscriptions
from watcher.timing import Pace, resume_poll
from watcher.unsubscribing import Unsubscribing, make_leave, unsubscribe_key
from watcher.workers import Workers

log = structlog.get_logger()

STOP_WITHIN = timedelta(seconds=4)  # systemd's stop and the operator's Ctrl-C are promised five
START_SPREAD = timedelta(milliseconds=20)  # between the first polls of two sources
HEARTBEAT_EVERY = timedelta(minutes=1)
SILENCE_CHECK_EVERY = timedelta(minutes=5)
OUTAGE_AFTER = timedelta(minutes=10)  # without a sign of life; a restart or an upgrade takes less
CATCH_UP_WITHIN = timedelta(hours=1)  # of an outage; what was not read again by then is told to be so
PAGE_CHECK_EVERY = timedelta(minutes=1)
PRUNE_EVERY = timedelta(seconds=10)  # some hundred articles at a time: more than a day brings in an hour
UNCERTAIN_EVERY = timedelta(minutes=1)  # an outage leaves many at once, which are told together
SILENCED_EVERY = timedelta(seconds=30)  # after a mute has ended somebody may be waiting for what it held back
PUBLISH_EVERY = timedelta(seconds=10)  # where an event has changed
BOUNCES_EVERY = timedelta(minutes=2)  # a mail that comes back is an alert that somebody does not have
SUBSCRIPTIONS_EVERY = timedelta(seconds=5)  # commands may change them
SETTLE_EVERY = timedelta(seconds=10)  # when a network goes down, thousands of sources change within seconds
# Threads that read and match. One interpreter computes one thing at a time, so more would only hold more memory; a few,
# because a hostile page can keep one busy. Apart from asyncio's own threads, in which names are resolved.
WORKERS = 4
OTHERS_EVERY = timedelta(seconds=2)  # whether a command has written; it costs no reading of files
TELL_TROUBLE_AFTER = timedelta(minutes=1)  # a backup or a repair that writes for some seconds is no news
DIRECT_WITHIN = timedelta(seconds=20)  # one message to each operator
BLIND_AFTER = timedelta(days=1)  # of many sources in the same trouble, rules that see nothing are told like others
TRY_AGAIN_EVERY = timedelta(minutes=1)  # all sources that fail, when the network may be back
STATUS_EVERY = timedelta(seconds=30)  # what `systemctl status` shows
# The watchdog is not fed, and systemd starts the program again, when for so long ...
POLLS_LATE = timedelta(minutes=3)  # ... polls that are due do not begin; timers look at least every minute
POLLS_STUCK = timedelta(hours=1)  # ... none of the polls under way ends; each waits for some answers of 20 s
TURN_WITHIN = timedelta(minutes=10)  # ... a channel's loop does not go round; it does within a minute and a send
HEARTBEAT_WITHIN = timedelta(minutes=5)  # ... no heartbeat came to an end, a good or a bad one
# ... nothing could be written: a restart mends a lost file and no full disk, so there is time to make space.
WRITTEN_WITHIN = timedelta(hours=1)
DISPATCH_PAUSE = timedelta(seconds=10)  # after the store refused to work: a full disk, another program's long write

Clock = Callable[[], datetime]
MakeNotifiers = Callable[[Settings, Store], Mapping[Channel, Notifier]]


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """A time in which the store cannot be used: a full disk, another program's long write."""

    since_at: datetime
    last_at: datetime
    reason: str
    is_told: bool = False
    is_over: bool = False  # it works, but not for long enough to say so


@dataclass(slots=True)
class Daemon:
    """One running watcher over an open store."""

    settings: Settings
    book: RuleBook
    store: Store
    load: Load
    make_notifiers: MakeNotifiers
    clock: Clock = utc_now
    steady: Callable[[], float] = seconds_awake_or_asleep  # what nobody sets, to tell when the clock was
    on_poll: Callable[[Poll], None] | None = None  # for the demo, which shows each poll
    config: Path | None = None  # the file that ``load`` reads, to be watched

    async def run(self) -> None:
        """Nothing, after a stop was asked for by SIGTERM or SIGINT; SIGHUP reloads."""
        async with AsyncExitStack() as stack:
            parts = await Parts.open(self, stack, tells_of_outages=True)
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop.set)
            loop.add_signal_handler(signal.SIGHUP, parts.start_reload)
            parts.schedule()
            dispatcher = asyncio.create_task(parts.run_dispatcher())
            watching = asyncio.create_task(parts.run_file_watch())
            serving = asyncio.create_task(parts.run_endpoint())
            talking = asyncio.create_task(parts.run_bot())
            pinging = asyncio.create_task(parts.run_pinger())
            systemd.notify("READY=1", f"STATUS={parts.say_status()}")
            log.info("started", version=__version__, sources=len(parts.sources), rules=len(self.book.versions))
            stopped, lost = asyncio.create_task(stop.wait()), asyncio.create_task(parts.lost.wait())
            await asyncio.wait((stopped, lost, dispatcher), return_when=asyncio.FIRST_COMPLETED)
            lost.cancel()
            systemd.notify("STOPPING=1")
            if parts.store_lost is not None:
                await parts.tell_of_lost_store()
            log.info("stopping")
            _give_up_after(STOP_WITHIN, exit_code=0 if stopped.done() else 1)
            await parts.stop(dispatcher, watching, talking, serving, pinging)
            if parts.store_lost is not None:
                stopped.cancel()
                raise parts.store_lost
            if not stopped.done():
                stopped.cancel()
                dispatcher.result()  # a defect in dispatch: its error ends the program, and systemd restarts it
        log.info("stopped")

    async def run_once(self, fetcher: Fetcher | None = None, settled: Collection[str] = ()) -> None:
        """Nothing, after every source was read once, to its end, and everything due was sent once.

        Those of ``settled`` were read already. A ``fetcher`` of the caller's is not closed.
        """
        async with AsyncExitStack() as stack:
            parts = await Parts.open(self, stack, fetcher)
            waiting = [source_id for source_id in parts.sources_to_read() if source_id not in settled]
            await asyncio.gather(*(parts.poll_to_the_end(source_id) for source_id in waiting))
            await parts.settle()
            await parts.check_pages()
            await parts.tell_silenced()
            await parts.read_bounces()
            await parts.tell_about_uncertain()
            await parts.dispatch()
            await parts.prune()
            await parts.publish()


class Parts:
    """What lives as long as the daemon runs."""

    def __init__(self, daemon: Daemon, fetcher: Fetcher, notifiers: Mapping[Channel, Notifier], run_id: int) -> None:
        self._daemon = daemon
        self._store = daemon.store
        self._clock = daemon.clock
        self._notifiers = notifiers
        self._run_id = run_id
        self._random = random.Random()  # noqa: S311  (spreads polls; keeps no secret)
        self._wake = asyncio.Event()
        self._dispatcher = Dispatcher(
            self._store,
            notifiers,
            daemon.book.state_names,
            self._clock,
            self._random.random,
            self._settled,
            lambda: daemon.book.recipients,
            on_turn=lambda channel: self._progress.made(f"dispatch:{channel}"),
        )
        self._progress = Progress(daemon.steady)
        self._workers = Workers(WORKERS)
        self._metrics = Metrics(self._store, notifiers)
        self._written_at = self._clock()
        self._trouble: StoreTrouble | None = None
        self.store_lost: StoreDamagedError | StoreMovedError | StoreInUseError | None = None
        self.lost = asyncio.Event()  # the store, so that this life must end
        self._ingest = Ingest(
            self._store,
            fetcher,
            self._workers,
            self._clock,
            self._wake.set,
            self._random.random,
            self._metrics.matched,
        )
        self._unsubscribing = Unsubscribing(
            self._store,
            unsubscribe_key(self._store),
            lambda: daemon.book.recipients,
            self._clock,
            on_told=self._wake.set,
        )
        self._bounces = self._make_bounces(fetcher)
        self._bot = self._make_bot()
        self._others = self._store.version_of_others()
        self._subscriptions = ""  # stamp of those that the recipients were made from
        self._file_watch = FileWatch(self.start_reload, self._file_watch_trouble)
        self._reloading = Reloading(
            daemon,
            self._store,
            daemon.load,
            self._clock,
            before=self._file_watch.look,  # what changes from then on is another change
            read=self._watch_files,
            take=self._take,
            tell=self._tell_reload,
            on_done=lambda is_taken: self._metrics.reloaded(self._clock(), is_taken=is_taken),
        )
        self._jobs = Jobs(
            self._clock,
            daemon.steady,
            on_error=self._broke,
            on_done=self._job_done,
            on_clock_set=self._clock_was_set,
        )
        self._agenda = Agenda(self._poll_and_plan, daemon.steady)
        self._forgetting = Forgetting(self._store)
        self._has_health_changed = False
        self._tried_again_at = datetime.min.replace(tzinfo=UTC)
        self._failing = {state.source_id for state in self._store.articles.source_states() if state.failures}
        self._published = ""  # digest of the events that the files tell of
        notices = self._store.journal.notices("job:")
        self._failed_jobs = {notice.key.removeprefix("job:") for notice in notices if notice.state != "ok"}
        self._outages: tuple[Outage, ...] = ()  # that operators were not told of yet
        self._to_catch_up: set[str] = set()  # sources that missed a poll in them and were not read since
        self.sources: dict[str, Source] = {source.id: source for source in daemon.settings.to_sources()}

    @classmethod
    async def open(
        cls, daemon: Daemon, stack: AsyncExitStack, fetcher: Fetcher | None = None, *, tells_of_outages: bool = False
    ) -> Parts:
        """The parts, connected; ``stack`` closes them. Who runs once now and then is not out of order in between."""
        if fetcher is None:
            fetcher = await stack.enter_async_context(Fetcher(**daemon.settings.http.to_fetcher(), clock=daemon.clock))
        notifiers = daemon.make_notifiers(daemon.settings, daemon.store)
        for notifier in notifiers.values():
            stack.push_async_callback(notifier.aclose)
        now, journal = daemon.clock(), daemon.store.journal
        with daemon.store.transaction():
            for last in journal.runs(1) if tells_of_outages else ():
                if now - last.alive_at > OUTAGE_AFTER:
                    journal.add_outage(Outage(last.alive_at, now))
            run_id = journal.start_run(now, __version__)
        parts = cls(daemon, fetcher, notifiers, run_id)
        parts._find_outages()
        parts.take_subscriptions()
        if parts._bot is not None:
            stack.push_async_callback(parts._bot.aclose)
        stack.callback(parts._end_run)
        return parts

    def _retarget(self) -> None:
        """Nothing; what still waits goes to the addresses, and at the times, that the configuration has now."""
        with self._store.transaction():
            for recipient in self._daemon.book.recipients:
                self._store.outbox.retarget(recipient.id, recipient.channel, recipient.target)
            self._store.together.retime(self._daemon.book.recipients, self._clock())

    def _end_run(self) -> None:
        self._workers.close()
        if self.store_lost is not None:
            return
        with self._store.transaction():
            self._store.articles.save_noted()
            self._store.journal.stop_run(self._run_id, self._clock())

    def schedule(self) -> None:
        """Nothing; the polls and the daemon's own jobs run from now on."""
        self._resume(self.sources.values())
        self.tell_about_blind_rules(at_start=True)
        self.tell_about_unknown_recipients()
        self._jobs.every(HEARTBEAT_EVERY, self.heartbeat, "heartbeat")
        self._jobs.every(SILENCE_CHECK_EVERY, self.check_silence, "silence")
        self._jobs.every(PAGE_CHECK_EVERY, self.check_pages, "pages")
        self._jobs.every(SILENCED_EVERY, self.tell_silenced, "silenced")
        self._jobs.every(UNCERTAIN_EVERY, self.tell_about_uncertain, "uncertain")
        self._jobs.every(PRUNE_EVERY, self.prune, "prune")
        if self._bounces is not None:
            self._jobs.every(BOUNCES_EVERY, self.read_bounces, "bounces")
        if systemd.is_listening():
            self._jobs.every(STATUS_EVERY, self.tell_status, "status")
        self._expect_progress()
        if interval := systemd.watchdog_interval():
            self._jobs.every(interval / 4, self.feed_watchdog, "watchdog")  # one that is left out is not yet the end
        self._jobs.every(SETTLE_EVERY, self.settle, "settle")
        self._jobs.every(OTHERS_EVERY, self.look_at_others, "others")
        self._jobs.every(SUBSCRIPTIONS_EVERY, self.look_at_subscriptions, "subscriptions")
        if self._daemon.settings.publish.folder:
            self._jobs.every(PUBLISH_EVERY, self.publish, "publish")
        self._jobs.start()
        self._agenda.start()

    def _make_bot(self) -> Runtime | None:
        """Who hears people on Telegram; None where nobody does."""
        telegram = self._daemon.settings.telegram
        notifier = self._notifiers.get(Channel.TELEGRAM)
        if telegram is None or telegram.mode == "off" or not isinstance(notifier, TelegramNotifier):
            return None
        desk = Desk(
            self._store,
            self._clock,
            lambda: self._daemon.book,
            lambda: self._daemon.settings,
            self._wake.set,
            self.take_subscriptions,
        )
        close = offer_all(desk)
        token = telegram.token.get_secret_value()
        return Runtime(desk, token, telegram.base_url, notifier.governor, self._tell, on_close=close)

    async def run_bot(self) -> None:
        """Never returns where people are heard on Telegram, until it is cancelled; else at once."""
        if self._bot is not None:
            await self._bot.run()

    def take_subscriptions(self) -> None:
        """Nothing; the recipients are those of the configuration and the subscriptions as they are now."""
        book, subscriptions = self._daemon.book, self._store.subscriptions
        active = subscriptions.all(SubscriptionStatus.ACTIVE)
        families = rule_families(book)
        recipients = with_subscriptions(self._daemon.settings.to_recipients(), active, families)
        self._daemon.book = replace(book, recipients=recipients)
        self._subscriptions = subscriptions.stamp()
        lost = {one.id: one.unknown(families) for one in active if one.unknown(families)}
        with self._store.transaction():
            if not lost:
                self._store.journal.clear_notice("lost-rules")
            elif tell_about_lost_rules(self._store, recipients, lost, self._clock()):
                self._wake.set()
        self._retarget()

    async def look_at_subscriptions(self) -> None:
        """Nothing; what commands have changed in subscriptions is in force."""
        if self._store.subscriptions.stamp() != self._subscriptions:
            self.take_subscriptions()

    def _follow_chat(self, settled: Settled) -> None:
        """Nothing; the subscription goes where its chat has gone, or ends with it."""
        delivery, outcome, now = settled.delivery, settled.outcome, self._clock()
        subscription = self._store.subscriptions.get(delivery.recipient_id)
        if subscription is None:
            return
        new_target = outcome.new_target if isinstance(outcome, (Delivered, Retry)) else None
        if new_target is None and not settled.recipient_closed:
            return
        with self._store.transaction():
            if new_target is not None:
                self._store.subscriptions.move(subscription.chat, new_target.partition("/")[0], now)
            else:
                self._store.subscriptions.save(ended(subscription, THROWN_OUT, now))
        self.take_subscriptions()

    def _make_bounces(self, fetcher: Fetcher) -> Bounces | None:
        """Who reads the sender's mailbox; None where the settings name none."""
        email = self._daemon.settings.email
        if email is None or not email.bounces:
            return None
        return Bounces(
            self._store,
            ImapReader(fetcher.timeout, fetcher.max_bytes, self._clock, fetcher.ssl_context),
            mailbox_of(email.bounces, email.bounces_password.get_secret_value()),
            self._unsubscribing,
            lambda: self._daemon.book.recipients,
            self._clock,
            on_told=self._wake.set,
        )

    async def read_bounces(self) -> None:
        """Nothing; mails that came back are noted, where the settings name the mailbox."""
        if self._bounces is not None:
            await self._bounces.read()

    def _expect_progress(self) -> None:
        self._progress.expect("heartbeat", HEARTBEAT_WITHIN)
        self._progress.expect("store", WRITTEN_WITHIN)
        for channel in self._notifiers:
            self._progress.expect(f"dispatch:{channel}", TURN_WITHIN)

    def stalled(self) -> tuple[str, ...]:
        """What should move and does not, although nothing keeps this process from going on."""
        late, stuck = timedelta(seconds=self._agenda.late_by()), timedelta(seconds=self._agenda.stuck_for())
        polls = {"polls do not begin": late > POLLS_LATE, "polls do not end": stuck > POLLS_STUCK}
        return (*(what for what, is_so in polls.items() if is_so), *self._progress.stalled())

    async def feed_watchdog(self) -> None:
        """Nothing; systemd knows that the work goes on, and hears nothing where it does not."""
        if stalled := self.stalled():
            log.error("stalled", what=stalled)
        else:
            systemd.notify("WATCHDOG=1")

    async def tell_status(self) -> None:
        """Nothing; `systemctl status` shows how it is."""
        systemd.notify(f"STATUS={self.say_status()}")

    def say_status(self) -> str:
        """One line: sources, rules, events, alerts, and what is undelivered."""
        failing = len(self._failing & self.sources.keys())
        counts = self._store.counts(self._clock())
        waiting = counts.deliveries.get(DeliveryState.PENDING, 0) + counts.deliveries.get(DeliveryState.SENDING, 0)
        since = counts.oldest_pending_at
        return "; ".join(
            (
                f"sources: {len(self.sources)}" + (f", {failing} failing" if failing else ""),
                f"rules: {len(self._daemon.book.versions)}",
                f"open events: {counts.open_events}",
                f"alerts: {counts.alerts}",
                f"undelivered: {waiting}" + (f", the oldest since {since:%d %b %H:%M} UTC" if since else ""),
            )
        )

    def _find_outages(self) -> None:
        """Nothing; those that operators were not told of yet, and the sources that missed a poll in them, are known."""
        self._outages = self._store.journal.outages()
        until = max((outage.until_at for outage in self._outages), default=None)
        self._to_catch_up = {
            state.source_id
            for state in (self._store.articles.source_states() if until else ())
            if until and state.polled_at and state.polled_at < until and (state.next_poll_at or until) <= until
        }
        self._to_catch_up &= self.sources.keys()

    def tell_about_outages(self) -> None:
        """Nothing; operators know of times in which nothing was read, once it is known what they may have cost."""
        now = self._clock()
        for outage in self._outages:
            if self._to_catch_up and now - outage.until_at < CATCH_UP_WITHIN:
                return
            states = [state for state in self._store.articles.source_states() if state.source_id in self.sources]
            lost = [state.source_id for state in states if state.lost_at and state.lost_at >= outage.until_at]
            unread = [one.source_id for one in states if one.failures or one.source_id in self._to_catch_up]
            with self._store.transaction():
                tell_about_outage(self._store, self._daemon.book.recipients, outage, lost, unread, now)
            log.info("outage_told", since=str(outage.from_at), until=str(outage.until_at), lost=lost, unread=unread)
            self._wake.set()
        self._outages = ()

    def sources_to_read(self) -> list[str]:
        """The ids of the sources to poll once: all but those whose server wants to be left alone still."""
        now = self._clock()
        states = {state.source_id: state for state in self._store.articles.source_states()}
        wait = {
            source_id
            for source_id in self.sources
            if (state := states.get(source_id)) and state.retry_at is not None and state.retry_at > now
        }
        for source_id in sorted(wait):
            log.info("not_polled", source_id=source_id, reason=Pace.TOLD_TO_WAIT.value)
        return [source_id for source_id in self.sources if source_id not in wait]

    def _resume(self, sources: Iterable[Source], at_once: Collection[str] = ()) -> None:
        """Nothing; each is polled when it was planned to be, and what is overdue one after the other.

        Sources ``at_once`` have other settings than those that their last poll went by.
        """
        now = self._clock()
        overdue = 0
        for source in sources:
            state = self._store.articles.source_state(source.id, source.url)
            at = (state.retry_at or now) if source.id in at_once else resume_poll(source, state, now)
            delay = at - now
            if delay <= timedelta(0):
                delay = START_SPREAD * overdue
                overdue += 1
            self._agenda.plan(source.id, delay)

    async def settle(self) -> None:
        """Nothing; what uneventful polls had to say is stored, and what changes of health lead to is told."""
        await self._look_after_store()
        with self._store.transaction():
            self._store.articles.save_noted()
            told = tell_about_storms(
                self._store,
                self._daemon.book.recipients,
                self.sources,
                lambda: [one.rule_id for one in self._find_blind() if not one.is_so_configured],
                now := self._clock(),
            )
        if told:
            self._wake.set()
        # What rules see nothing while many sources fail alike is told with these.
        if self._has_health_changed and not is_storm(self._store, since=now - BLIND_AFTER):
            self._has_health_changed = False
            self.tell_about_blind_rules(at_start=False)

    def _find_blind(self) -> tuple[BlindRule, ...]:
        book = self._daemon.book
        healths = {state.source_id: state.health for state in self._store.articles.source_states()}
        return find_blind(book.rules.rules, book.statuses, tuple(self.sources.values()), healths)

    def tell_about_blind_rules(self, *, at_start: bool) -> None:
        """Nothing; operators know which rules no live source can feed."""
        book, blind = self._daemon.book, self._find_blind()
        with self._store.transaction():
            told = tell_about_blind_rules(
                self._store, book.recipients, blind, book.statuses, self._clock(), at_start=at_start
            )
        if told:
            self._wake.set()

    def tell_about_unknown_recipients(self) -> None:
        """Nothing; operators know which rules name recipients that do not exist."""
        book = self._daemon.book
        wanted = {
            rule_id: (*(policy.to or ()), *(policy.escalate.to if policy.escalate else ()))
            for rule_id, policy in book.send_policies.items()
        }
        with self._store.transaction():
            told = tell_about_unknown_recipients(self._store, book.recipients, wanted, self._clock())
        if told:
            self._wake.set()

    async def _poll_and_plan(self, source_id: str) -> None:
        if self._trouble is not None and not self._trouble.is_over:  # what cannot be stored would be read in vain
            self._agenda.plan(source_id, SETTLE_EVERY)
            return
        next_poll_at: datetime | None = None
        job_id = f"poll:{source_id}"
        try:
            poll = await self.poll(source_id)
        except Exception as error:  # noqa: BLE001  (logged there; a source is never given up, whatever its poll broke on)
            self._broke(job_id, error)
            if isinstance(error, StoreUnavailableError):
                next_poll_at = self._clock() + SETTLE_EVERY
        else:
            next_poll_at = poll.next_poll_at if poll else None
            self._worked(job_id)
        if source := self.sources.get(source_id):
            self._agenda.plan(source_id, next_poll_at - self._clock() if next_poll_at else source.every)

    async def poll_to_the_end(self, source_id: str) -> None:
        """Nothing; a source that is read in parts was polled until there were no more."""
        while (poll := await self.poll(source_id)) is not None and poll.has_more:
            pass

    async def poll(self, source_id: str) -> Poll | None:
        """What one poll found; None for a source that is no longer configured."""
        source = self.sources.get(source_id)
        if source is None:
            return None
        with structlog.contextvars.bound_contextvars(source_id=source_id):
            began = time.monotonic()
            poll = await self._ingest.poll(source, self._daemon.book)
            self._metrics.polled(poll, time.monotonic() - began, self._clock())
            was_failing = source_id in self._failing
            self._failing.discard(source_id)
            if was_failing and not is_failure(poll.reason):
                self._try_others_again()
            if is_failure(poll.reason):
                self._failing.add(source_id)
                log.warning("poll_failed", reason=poll.reason.value, detail=poll.detail)
            elif poll.new or poll.baseline or poll.waiting:
                log.info("polled", new=poll.new, baseline=poll.baseline, waiting=poll.waiting, alerts=len(poll.alerts))
            self._has_health_changed |= poll.change is not None
            if self._outages:
                self._to_catch_up.discard(source_id)
                self.tell_about_outages()
        if self._daemon.on_poll is not None:
            self._daemon.on_poll(poll)
        return poll

    def _try_others_again(self) -> None:
        """Nothing; where many sources failed and one of them does not any more, the others are polled soon."""
        now = self._clock()
        if now - self._tried_again_at < TRY_AGAIN_EVERY or not is_storm(self._store):
            return
        self._tried_again_at = now
        for number, source_id in enumerate(sorted(self._failing & self.sources.keys())):
            state = self._store.articles.source_state(source_id, self.sources[source_id].url)
            if state.retry_at is None or state.retry_at <= now:
                self._agenda.plan(source_id, START_SPREAD * number)

    async def check_pages(self) -> None:
        """Nothing; pages that were quoted from and are due to be looked at again were."""
        if count := await self._ingest.check_pages(self.sources, self._daemon.book):
            log.info("pages_checked", count=count)

    async def prune(self) -> None:
        """Nothing; a little of what is too old is forgotten."""
        if self._forgetting.is_due(now := self._clock()):
            spans = {rule_id: span_of(one) for rule_id, one in self._daemon.book.over_time.items()}
            if pruned := self._forgetting.go_on(cutoffs(self._daemon.settings.to_keep(), spans, now)):
                log.info("pruned", **{name.replace(" ", "_"): count for name, count in pruned.items()})

    async def tell_about_uncertain(self) -> None:
        """Nothing; operators know that messages may not have arrived."""
        with self._store.transaction():
            told = tell_about_uncertain(self._store, self._daemon.book.recipients, self._clock())
        if told:
            self._wake.set()

    async def tell_silenced(self) -> None:
        """Nothing; what was muted, or silenced by a graver event, is told once that is over."""
        if count := tell_silenced(self._store, self._daemon.book.recipients, self._clock()):
            log.info("silenced_told", summaries=count)
        self._wake.set()

    async def publish(self) -> None:
        """Nothing; the files for other systems say what the store says."""
        settings = self._daemon.settings.publish
        if not settings.folder or (digest := self._store.events.digest(settings.events)) == self._published:
            return
        from watcher.publish.files import publish  # not needed where nothing is published

        names = self._daemon.book.state_names
        if publish(self._store, Path(settings.folder), names, sender=settings.sender, limit=settings.events):
            log.info("events_published", folder=settings.folder)
        self._published = digest

    async def dispatch(self) -> None:
        """Nothing; everything that is due was tried once."""
        await self._dispatcher.dispatch_due()

    async def run_dispatcher(self) -> None:
        """Never returns: sends whatever becomes due until it is cancelled, also after trouble with the store."""
        while True:
            try:
                await self._dispatcher.run(self._wake)
            except StoreError as error:
                log.error("dispatch_failed", reason=str(error), next_attempt_in=str(DISPATCH_PAUSE))
                self._note_trouble(error)
                await asyncio.sleep(DISPATCH_PAUSE.total_seconds())

    def _settled(self, settled: Settled) -> None:
        delivery = settled.delivery
        bound = log.bind(delivery_id=delivery.id, alert_id=delivery.alert_id, recipient_id=delivery.recipient_id)
        if settled.fault is not None:
            bound.error("channel_failed", exc_info=settled.fault)
        match settled.outcome:
            case Delivered():
                bound.info("delivered", attempts=delivery.attempts)
            case Uncertain(reason=reason) if not settled.given_up:
                bound.warning("delivery_uncertain", reason=reason, next_attempt_at=str(settled.next_attempt_at))
            case Retry(reason=reason) if not settled.given_up:
                bound.warning("delivery_delayed", reason=reason, next_attempt_at=str(settled.next_attempt_at))
            case GiveUp(reason=reason) | Retry(reason=reason) | Uncertain(reason=reason):
                bound.error("delivery_failed", reason=reason)
        self._follow_chat(settled)
        alert = self._store.events.get_alert(delivery.alert_id)
        self._metrics.settled(settled, alert, self._clock())
        if not settled.given_up or alert is None or alert.kind is AlertKind.NOTICE:
            return  # a notice about a notice would chase its own tail
        reason = settled.outcome.reason if not isinstance(settled.outcome, Delivered) else ""
        gone = f" and {settled.also_failed} more that were waiting" if settled.also_failed else ""
        headline = (
            f"Recipient {delivery.recipient_id} is gone and gets nothing more"
            if settled.recipient_closed
            else f"An alert could not be delivered to {delivery.recipient_id}"
        )
        self._tell(
            key=f"recipient:{delivery.recipient_id}" if settled.recipient_closed else f"delivery:{delivery.id}",
            state=f"closed {delivery.target}" if settled.recipient_closed else "failed",
            headline=headline,
            body=f"{reason}\nAlert {delivery.alert_id}{gone} was not delivered; see `watcher outbox`.",
        )

    def _tell(self, *, key: str, state: str, headline: str, body: str, severity: Severity = Severity.WARNING) -> None:
        with self._store.transaction():
            told = tell_operators(
                self._store,
                self._daemon.book.recipients,
                self._clock(),
                key=key,
                state=state,
                headline=headline,
                body=body,
                severity=severity,
            )
        if told:
            self._wake.set()

    async def stop(self, *tasks: asyncio.Task[None]) -> None:
        """Nothing; polls and a reload are abandoned (what they decided is stored), sends get a short grace."""
        self._jobs.stop()
        self._agenda.stop()
        tasks = (*tasks, *self._reloading.stop())
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=STOP_WITHIN.total_seconds())

    async def run_file_watch(self) -> None:
        """Never returns: starts a reload after each change of rules or configuration, until it is cancelled."""
        await self._watch_files(self._daemon.settings)
        while True:
            try:
                await self._file_watch.run()
            except Exception:  # SIGHUP still works, and a defect here must not end the reading of news
                log.exception("file_watch_failed")
                await asyncio.sleep(LOOK_EVERY.total_seconds())

    def routes(self) -> tuple[Route, ...]:
        """What the HTTP endpoint answers."""
        return (
            *monitoring_routes(self._metrics, self.checks, self._now),
            *self._unsubscribing.routes(),
            *(self._bot.routes() if self._bot is not None else ()),
        )

    def checks(self) -> tuple[Check, ...]:
        """Whether everything works, as /readyz says it and the outside pinger goes by it."""
        now = self._clock()
        bot = next((one for one in self._store.journal.notices("bot") if one.key == "bot"), None)
        return judge(
            Facts(
                now=now,
                written_at=self._written_at,
                rules=len(self._daemon.book.versions),
                sources=len(self.sources),
                polled_at=self._metrics.polled_at,
                polls_late_by=timedelta(seconds=self._agenda.late_by()),
                polls_stuck_for=timedelta(seconds=self._agenda.stuck_for()),
                stalled=[what for what in self._progress.stalled() if what.startswith("dispatch:")],
                undelivered_since=self._store.gauges.undelivered_since(now),
                telegram_trouble=bot.state if bot and bot.state != "ok" else None,
                failing_jobs=self._failed_jobs,
                store_trouble=self._trouble.reason if self._trouble and not self._trouble.is_over else None,
            )
        )

    def _now(self) -> Now:
        """How everything stands, for the metrics."""
        book = self._daemon.book
        return Now(
            at=self._clock(),
            checks=self.checks(),
            source_ids=self.sources,
            statuses=Counter(book.statuses.values()),
            recipients=Counter(recipient.channel for recipient in book.recipients),
            polls_late_by=timedelta(seconds=self._agenda.late_by()),
            failing_jobs=len(self._failed_jobs),
            blind_rules=sum(one.state in ("blind", "unfed") for one in self._store.journal.notices("blind:")),
        )

    async def run_pinger(self) -> None:
        """Calls the outside pinger until it is cancelled; returns at once where the settings have none."""
        settings = self._daemon.settings
        if settings.heartbeat is None:
            return
        url, every = settings.heartbeat.url.get_secret_value(), settings.heartbeat.every
        pinger = Pinger(
            url, every, settings.http.user_agent, lambda: troubles(self.checks()), self._metrics.called_outside
        )
        while True:
            try:
                await pinger.run()
            except Exception:  # a check that breaks is no sign of life, and must not end the calls for good
                log.exception("heartbeat_failed")
                await asyncio.sleep(every.total_seconds())

    async def run_endpoint(self) -> None:
        """Serves until it is cancelled; returns at once where the settings have no endpoint."""
        server = self._daemon.settings.server
        if server is None:
            return
        bots = self._bot.routes() if self._bot is not None else ()
        admission = Admission.of(server.address[0], server.hosts, server.public_url)
        try:
            await Endpoint(server.address, admission, (*self.routes(), *bots), self._endpoint_trouble).run()
        except Exception:  # without it there are no metrics, but a defect there must not end the reading of news
            log.exception("endpoint_failed")

    def _endpoint_trouble(self, trouble: str | None) -> None:
        if trouble is None and not self._store.journal.notices("endpoint"):
            return
        address = self._daemon.settings.server.listen if self._daemon.settings.server else ""
        headline = f"Health and metrics cannot be asked for at {address}" if trouble else "Health and metrics are back"
        body = f"{trouble}\nIt is tried again each minute. Everything else works." if trouble else ""
        self._tell(key="endpoint", state=trouble or "ok", headline=headline, body=body)

    async def _watch_files(self, settings: Settings) -> None:
        rules = settings.rules
        await self._file_watch.watch(self._daemon.config, rules.paths, is_on=rules.reload_on_change)

    def _file_watch_trouble(self, trouble: str | None) -> None:
        key = "file-watch"
        if trouble is None and not self._store.journal.notices(key):
            return
        headline = "The system does not tell of changed rules" if trouble else "Changed rules are noticed at once again"
        body = f"{trouble}\nThey are looked at every minute instead. SIGHUP reloads them at once." if trouble else ""
        if trouble:
            log.warning("file_watch_refused", reason=trouble)
        self._tell(key=key, state="refused" if trouble else "ok", headline=headline, body=body)

    def start_reload(self) -> None:
        """Nothing; a reload begins, or follows the one that is under way."""
        self._reloading.start()

    def _take(self, settings: Settings, book: RuleBook) -> None:
        self._daemon.settings, self._daemon.book = settings, book
        self._take_sources(settings)
        self.take_subscriptions()
        self.tell_about_unknown_recipients()

    def _tell_reload(self, headline: str, body: str, severity: Severity) -> None:
        # Each reload is answered, also one that fails just like the last.
        state = f"{headline} {self._clock().isoformat()}"
        self._tell(key="reload", state=state, headline=headline, body=body, severity=severity)

    def _take_sources(self, settings: Settings) -> None:
        old, new = self.sources, {source.id: source for source in settings.to_sources()}
        self.sources = new
        for source_id in old.keys() - new.keys():
            self._agenda.drop(source_id)
        changed = [source for source in new.values() if old.get(source.id) != source]
        self._resume(
            changed, at_once={one.id for one in changed if one.id in old and not _same_place(old[one.id], one)}
        )
        self.tell_about_blind_rules(at_start=True)

    async def heartbeat(self) -> None:
        """Nothing; a sign of life is written down, and what an operator has accepted meanwhile comes into force."""
        self._jobs.look_at_clock()
        self._store.keep_place()
        now, journal = self._clock(), self._store.journal
        (run,) = journal.runs(1)
        slept = now - run.alive_at > OUTAGE_AFTER  # the machine did, or it was too busy to do anything
        with self._store.transaction():
            if slept:
                journal.add_outage(Outage(run.alive_at, now))
            journal.mark_alive(self._run_id, now)
        self._written_at = now
        if slept:
            self._find_outages()
        self._reloading.start_if_accepted()

    async def check_silence(self) -> None:
        """Nothing; operators know which sources publish nothing for longer than expected."""
        now = self._clock()
        changes = []
        for before in self._store.articles.source_states():
            source = self.sources.get(before.source_id)
            if source is None or before.polled_at is None or before.url != source.url:
                continue
            health, change = observe(before.health, state_of(source, before, now), now, is_poll=False)
            if health == before.health:
                continue
            changes.append((source, before, replace(before, health=health), change))
        with self._store.transaction():
            for _, _, state, _ in changes:
                self._store.articles.save_source_state(state)
            for source, before, state, change in changes:
                if change is not None:
                    recipients = self._daemon.book.recipients
                    tell_about_change(self._store, recipients, source, before, state, change, now)
                    self._has_health_changed = True
        if self._has_health_changed:
            self._wake.set()
            await self.settle()
        self.tell_about_outages()
        if isinstance(every := self._daemon.settings.drill.every, timedelta):
            with self._store.transaction():
                told = tell_about_drill(self._store, self._daemon.book.recipients, every, now)
            if told:
                self._wake.set()

    async def look_at_others(self) -> None:
        """Nothing; what a command has put into the outbox, an exercise for example, is sent at once."""
        if (version := self._store.version_of_others()) != self._others:
            self._others = version
            self._wake.set()

    def _clock_was_set(self, by: timedelta) -> None:
        """Nothing; what waits goes on waiting for as long as it would have, and operators know."""
        now = self._clock()
        with self._store.transaction():
            self._store.outbox.shift_waits(by)
            self._store.journal.mark_alive(self._run_id, now)  # nothing was offline in a time that never was
            tell_about_clock(self._store, self._daemon.book.recipients, by, now)
        self._wake.set()

    def _job_done(self, job_id: str) -> None:
        self._progress.made(job_id)
        if job_id == "heartbeat":
            self._progress.made("store")
        self._worked(job_id)

    def _broke(self, job_id: str, error: BaseException) -> None:
        if isinstance(error, StoreError):  # the job ran; what keeps it from writing may pass
            self._progress.made(job_id)
        log.error("job_failed", job_id=job_id, exc_info=error)
        if self._note_trouble(error):
            return
        self._failed_jobs.add(job_id)
        self._tell_about_job(
            job_id,
            state=type(error).__name__,
            headline=f"{job_id} failed and is tried again",
            body=f"{type(error).__name__}: {error}"[:1000],
        )

    def _note_trouble(self, error: BaseException) -> bool:
        """Whether it is trouble of the whole store, which is told once and not for each job and source."""
        if isinstance(error, (StoreDamagedError, StoreMovedError, StoreInUseError)):
            self.store_lost = self.store_lost or error
            self.lost.set()
            return True
        if not isinstance(error, StoreUnavailableError):
            return False
        now = self._clock()
        before = self._trouble or StoreTrouble(now, now, str(error))
        self._trouble = replace(before, last_at=now, reason=str(error), is_over=False)
        return True

    async def _look_after_store(self) -> None:
        """Nothing; room is kept for results, and trouble with the store is told, where it lasts, and its end.

        Raises StoreError where it goes on.
        """
        trouble, now = self._trouble, self._clock()
        if trouble is None:
            self._store.refill()
            return
        if now - trouble.since_at >= TELL_TROUBLE_AFTER and not trouble.is_told:
            self._trouble = trouble = replace(trouble, is_told=True)
            await self.tell_directly(
                "The store cannot be used, so nothing new is read",
                f"{trouble.reason}\nThis is so since {trouble.since_at:%d %b %H:%M} UTC. Nothing that was stored is "
                "lost; all goes on by itself when the cause is gone.",
            )
        with self._store.transaction():
            self._store.journal.mark_alive(self._run_id, now)
        if not trouble.is_over:
            log.info("store_works_again", reason=trouble.reason, since=str(trouble.since_at))
            self._trouble = trouble = replace(trouble, is_over=True)
        if now - trouble.last_at >= TELL_TROUBLE_AFTER:
            self._trouble = None
            if trouble.is_told:
                self._tell(
                    key="store",
                    state=f"ok since {now.isoformat()}",
                    headline="The store can be used again",
                    body=f"It could not since {trouble.since_at:%d %b %H:%M} UTC: {trouble.reason}",
                    severity=Severity.WATCH,
                )

    async def tell_of_lost_store(self) -> None:
        """Nothing; operators know why this life ends, and the next start knows what to look at."""
        log.critical("store_lost", reason=str(self.store_lost))
        if isinstance(self.store_lost, StoreDamagedError):
            self._store.mark_damaged()
            headline, then = (
                "The store is damaged; watcher has stopped",
                "It does not start before the file is sound: bring a backup back with `watcher restore`, or move the "
                "file away to start afresh. What was stored before may still be readable: keep the damaged file.",
            )
        else:
            headline, then = (
                "The store was taken from the running program",
                "It ends; a supervisor starts it again.",
            )
        await self.tell_directly(headline, f"{self.store_lost}\n{then}")

    async def tell_directly(self, headline: str, body: str) -> None:
        """Nothing; operators are told at once, once, without the store: for when there is none that works."""
        now = self._clock()
        alert = compose_notice(f"direct {headline} {now.isoformat()}", headline, body, Severity.WARNING, now)
        operators = {recipient.id: recipient for recipient in self._daemon.book.recipients}
        sends = [
            self._notifiers[one.channel].send(
                OutgoingMessage(alert, one, None, self._daemon.book.state_names, operators[one.recipient_id])
            )
            for one in route_notice(alert, operators.values(), now)
            if one.channel in self._notifiers
        ]
        waiting = [asyncio.ensure_future(send) for send in sends]
        if not waiting:
            return
        done, late = await asyncio.wait(waiting, timeout=DIRECT_WITHIN.total_seconds())
        for one in late:
            one.cancel()
        for one in done:
            result: object = one.exception() or one.result()
            log.info("operators_told_directly", headline=headline, outcome=str(result))

    def _worked(self, job_id: str) -> None:
        if job_id in self._failed_jobs:
            self._failed_jobs.remove(job_id)
            self._tell_about_job(job_id, state="ok", headline=f"{job_id} works again", body="")

    def _tell_about_job(self, job_id: str, *, state: str, headline: str, body: str) -> None:
        try:
            self._tell(key=f"job:{job_id}", state=state, headline=headline, body=body)
        except StoreError as error:  # often what made the job fail, too
            log.error("operators_not_told", headline=headline, reason=str(error))


def _same_place(one: Source, other: Source) -> bool:
    """Whether two settings of a source differ at most in when it is read."""
    return replace(one, every=other.every, slowest=other.slowest, expect_every=other.expect_every) == other


def make_notifiers(settings: Settings, store: Store) -> dict[Channel, Notifier]:
    """A notifier for each channel that the settings make possible; in ``store`` they look things up."""
    notifiers: dict[Channel, Notifier] = {
        Channel.CONSOLE: ConsoleNotifier(sys.stdout),
        Channel.WEBHOOK: WebhookNotifier(settings.http.user_agent),
        Channel.APPRISE: AppriseNotifier(),
    }
    if telegram := settings.telegram:
        notifiers[Channel.TELEGRAM] = TelegramNotifier(telegram.token.get_secret_value(), telegram.base_url)
    if email := settings.email:
        notifiers[Channel.EMAIL] = EmailNotifier(
            email.host,
            email.port,
            sender=email.sender,
            security=email.security,
            username=email.username,
            password=email.password.get_secret_value(),
            leave=make_leave(
                unsubscribe_key(store),
                email.unsubscribe_to or email.sender,
                settings.server.public_url if settings.server else "",
            ),
            first_alert=store.events.get_alert,
        )
    return notifiers


def _give_up_after(delay: timedelta, exit_code: int) -> None:
    """Nothing; ends the process if it is still there by then.

    A worker thread deep in a hostile page cannot be cancelled. What was decided is committed, so nothing is lost.
    """
    timer = threading.Timer(delay.total_seconds(), os._exit, (exit_code,))
    timer.daemon = True
    timer.start()
