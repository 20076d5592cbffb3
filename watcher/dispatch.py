"""From the outbox to the channels: claim what is due, send, settle. Shares nothing with ingestion but the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.errors import StoreError
from watcher.model import Channel, Delivered, Delivery, GiveUp, Outcome, Recipient, Retry, Severity, Uncertain
from watcher.notify.base import Notifier, OutgoingMessage
from watcher.store import Store
from watcher.store.outbox import Claimed
from watcher.timing import LEASE, SEND_TIMEOUT, retries_are_over, retry_delay

AT_ONCE = 8  # sends under way on one channel
SHUTDOWN_GRACE = timedelta(seconds=3)  # for sends under way; what takes longer is sent again after a restart
LONGEST_SLEEP = timedelta(minutes=1)  # commands of other processes add to the outbox without waking us
_SETTLE_TRIES = 5  # a second apart: what was sent and is not written down would be sent again


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one attempt, as it was written down."""

    delivery: Delivery  # as it was claimed
    severity: Severity
    outcome: Outcome  # the channel's word
    next_attempt_at: datetime | None  # None: delivered or given up
    given_up: bool = False  # operators must know
    recipient_closed: bool = False  # the recipient is gone: operators must know
    also_failed: int = 0  # other messages to that recipient that were waiting
    fault: BaseException | None = None  # a defect of ours in the channel, for the log


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """The loop and what it needs; ``on_settled`` hears of every attempt once it is committed, and must not raise."""

    store: Store
    notifiers: Mapping[Channel, Notifier]
    names: Mapping[str, str]  # English names of states by code
    clock: Callable[[], datetime]
    jitter: Callable[[], float]  # 0 to 1
    on_settled: Callable[[Settled], None]
    recipients: Callable[[], Iterable[Recipient]] = tuple  # as configured now: for their budgets
    send_timeout: timedelta = SEND_TIMEOUT
    grace: timedelta = SHUTDOWN_GRACE
    on_turn: Callable[[Channel], None] = lambda channel: None  # each time that a channel's loop goes round

    async def dispatch_due(self) -> None:
        """Nothing; returns once no delivery is due and none is under way. Raises StoreError."""
        await self._serve_all({channel: asyncio.Event() for channel in self.notifiers}, None)

    async def run(self, wake: asyncio.Event) -> None:
        """Never returns: dispatches at each ``wake`` and whenever something is due, every channel on its own.

        Ends by cancellation within the grace; a send that is still under way then is sent again. Raises StoreError.
        """
        await self._serve_all({channel: asyncio.Event() for channel in self.notifiers}, wake)

    async def _serve_all(self, wakes: Mapping[Channel, asyncio.Event], wake: asyncio.Event | None) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for channel, event in wakes.items():
                    group.create_task(self._serve(channel, event, until_idle=wake is None))
                while wake is not None:
                    await wake.wait()
                    wake.clear()
                    for event in wakes.values():
                        event.set()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    async def _serve(self, channel: Channel, wake: asyncio.Event, *, until_idle: bool) -> None:
        sends: set[asyncio.Task[None]] = set()
        try:
            while True:
                self.on_turn(channel)
                wake.clear()
                sends |= {asyncio.create_task(self._send(claimed)) for claimed in self._claim(channel, len(sends))}
                if until_idle and not sends:
                    return
                await self._wait(channel, wake, sends, until_idle)
                for done in [send for send in sends if send.done()]:
                    sends.remove(done)
                    done.result()
        finally:
            if sends:
                _, late = await asyncio.wait(sends, timeout=self.grace.total_seconds())
                for send in late:
                    send.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    def _claim(self, channel: Channel, under_way: int) -> tuple[Claimed, ...]:
        if under_way >= AT_ONCE or not self._is_due(channel):
            return ()
        now = self.clock()
        with self.store.transaction():
            self.store.together.tell_due(self.recipients(), channel, now)
            self.store.keep_budgets(self.recipients(), channel, now)
            return self.store.outbox.claim_due(now, limit=AT_ONCE - under_way, lease=LEASE, channel=channel)

    def _is_due(self, channel: Channel) -> bool:
        # Looking costs no write: an idle daemon leaves the disk alone.
        due = self.store.outbox.next_due_at(channel)
        return due is not None and due <= self.clock()

    async def _wait(
        self, channel: Channel, wake: asyncio.Event, sends: set[asyncio.Task[None]], until_idle: bool
    ) -> None:
        pause: float | None = None
        if not until_idle and len(sends) < AT_ONCE:
            due = self.store.outbox.next_due_at(channel)
            wait = LONGEST_SLEEP if due is None else min(max(due - self.clock(), timedelta(0)), LONGEST_SLEEP)
            pause = wait.total_seconds()
        woken = asyncio.create_task(wake.wait())
        try:
            await asyncio.wait({woken, *sends}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()

    async def _send(self, claimed: Claimed) -> None:
        delivery = claimed.delivery
        recipient = next((one for one in self.recipients() if one.id == delivery.recipient_id), None)
        message = OutgoingMessage(claimed.alert, delivery, claimed.reply_to, self.names, recipient)
        sending = asyncio.ensure_future(self.notifiers[delivery.channel].send(message))
        try:
            await asyncio.wait({sending}, timeout=self.send_timeout.total_seconds())
        finally:
            if not sending.done():
                sending.cancel()
        fault: BaseException | None = None
        outcome: Outcome
        if sending.cancelled() or not sending.done():
            outcome = Retry(f"no answer within {self.send_timeout.total_seconds():.0f} s; it may have arrived")
        elif fault := sending.exception():
            # One message that a channel stumbles over must not stop the others.
            outcome = Retry(f"a fault of this program: {type(fault).__name__}")
        else:
            outcome = sending.result()
        for tries_left in reversed(range(_SETTLE_TRIES)):
            try:
                settled = self._settle(claimed, outcome, fault)
            except StoreError:
                if not tries_left:
                    raise
                await asyncio.sleep(1)
            else:
                break
        if settled is not None:
            self.on_settled(settled)

    def _settle(self, claimed: Claimed, outcome: Outcome, fault: BaseException | None) -> Settled | None:
        """What was written down; None where the lease had ended and somebody else is at it."""
        delivery, severity = claimed.delivery, claimed.alert.severity
        if isinstance(outcome, Uncertain):
            outcome = Retry(outcome.reason)
        with self.store.transaction():
            match outcome:
                case Delivered():
                    return self._settle_delivered(delivery, severity, outcome)
                case Retry() if not retries_are_over(delivery.attempts, severity):
                    return self._settle_retry(delivery, severity, outcome, fault)
                case _:
                    return self._settle_failed(delivery, severity, outcome, fault)

    def _settle_delivered(self, delivery: Delivery, severity: Severity, outcome: Delivered) -> Settled:
        outbox = self.store.outbox
        if outcome.new_target is not None:
            outbox.move_recipient(delivery.recipient_id, delivery.target, outcome.new_target)
        outbox.settle_delivered(delivery, reference=outcome.reference, now=self.clock())
        return Settled(delivery, severity, outcome, None)

    def _settle_retry(
        self, delivery: Delivery, severity: Severity, outcome: Retry, fault: BaseException | None
    ) -> Settled | None:
        outbox = self.store.outbox
        delay = retry_delay(delivery.attempts, self.jitter()) if outcome.after is None else outcome.after
        next_attempt_at = self.clock() + delay
        if not outbox.settle_retry(delivery, not_before=next_attempt_at, reason=outcome.reason):
            return None
        if outcome.new_target is not None:
            outbox.move_recipient(delivery.recipient_id, delivery.target, outcome.new_target)
        elif outcome.whole_channel or outcome.after is not None:
            target = None if outcome.whole_channel else delivery.target
            outbox.hold_back(delivery.channel, target, next_attempt_at)
        return Settled(delivery, severity, outcome, next_attempt_at, fault=fault)

    def _settle_failed(
        self, delivery: Delivery, severity: Severity, outcome: GiveUp | Retry, fault: BaseException | None
    ) -> Settled | None:
        outbox = self.store.outbox
        tried = f"given up after {delivery.attempts} attempts: " if isinstance(outcome, Retry) else ""
        if not outbox.settle_failed(delivery, reason=tried + outcome.reason, now=self.clock()):
            return None
        is_gone = isinstance(outcome, GiveUp) and outcome.recipient_is_gone
        also_failed = 0
        if is_gone:
            also_failed = outbox.close_recipient(
                delivery.recipient_id, delivery.target, reason=outcome.reason, now=self.clock()
            )
        return Settled(
            delivery,
            severity,
            outcome,
            None,
            given_up=True,
            recipient_closed=is_gone,
            also_failed=also_failed,
            fault=fault,
        )
