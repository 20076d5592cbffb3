"""From the outbox to the channels: claim what is due, send, settle. Shares nothing with ingestion but the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from watcher.errors import StoreError, StoreUnavailableError
from watcher.model import Channel, Delivered, Delivery, GiveUp, Outcome, Recipient, Retry, Severity, Uncertain
from watcher.notify.base import Editor, MessageEdit, Notifier, OutgoingMessage, Paced
from watcher.notify.governor import Governor, chat_of
from watcher.store import Store
from watcher.store.edits import HeadlineEdit
from watcher.store.outbox import Claimed
from watcher.timing import (
    LEASE,
    SEND_TIMEOUT,
    longest_retry,
    repeats_soon,
    retries_are_over,
    retry_delay,
    uncertain_until,
)

T = TypeVar("T")

AT_ONCE = 8  # sends under way on one channel
SHUTDOWN_GRACE = timedelta(seconds=3)  # for sends under way; what takes longer is sent again after a restart
LONGEST_SLEEP = timedelta(minutes=1)  # commands of other processes add to the outbox without waking us
LONGEST_HOLD_UP = timedelta(seconds=2)  # for a limit, where nobody waits for the rest of what is due
LIMITS_LOOK_BACK = timedelta(minutes=1)  # as far as any limit counts
EDIT_LOOK = timedelta(seconds=1)  # a chat that got something just now has room again by then
EDIT_ATTEMPTS = 8  # 20 minutes of back-off; the update itself has arrived
KEPT_FOR_RESULTS = 0.5  # of the room that is kept on a full disk; what is sent must be written down
_SETTLE_TRIES = 300  # a second apart: what was sent and is not written down would be sent again


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one attempt, as it was written down."""

    delivery: Delivery  # as it was claimed
    severity: Severity
    outcome: Outcome  # the channel's word
    next_attempt_at: datetime | None  # None: delivered or given up; unless somebody says something, if Uncertain
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
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _unwritten: set[object] = field(default_factory=set)  # results that the store could not take yet
    _remembered: set[Channel] = field(default_factory=set)  # channels whose governor knows what an earlier life sent

    async def dispatch_due(self) -> None:
        """Nothing; returns once no delivery is due and none is under way, or the rest must wait for a channel's limits.

        Raises StoreError.
        """
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
        self._remember(channel)
        sends: set[asyncio.Task[None]] = set()
        edits: dict[asyncio.Task[None], str] = {}  # under way, with the id of the delivery
        try:
            while True:
                self.on_turn(channel)
                wake.clear()
                waiting = self.store.outbox.due_by_chat(channel)
                if claimed := self._claim(channel, len(sends), waiting):
                    sends |= {self._start(channel, one) for one in claimed}
                    waiting = self.store.outbox.due_by_chat(channel)
                self._expect(channel, waiting)
                if not edits and len(sends) < AT_ONCE and (edit := self._next_edit(channel, waiting)) is not None:
                    edits[self._start_edit(edit)] = edit.delivery.id
                pause = self._pause(channel, len(sends), waiting, edits.values(), until_idle=until_idle)
                if until_idle and not sends and not edits and pause is None:
                    return
                await self._wait(wake, {*sends, *edits}, pause)
                for done in [task for task in (*sends, *edits) if task.done()]:
                    sends.discard(done)
                    edits.pop(done, None)
                    done.result()
        finally:
            if under_way := {*sends, *edits}:
                _, late = await asyncio.wait(under_way, timeout=self.grace.total_seconds())
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    def _governor(self, channel: Channel) -> Governor | None:
        notifier = self.notifiers[channel]
        return notifier.governor if isinstance(notifier, Paced) else None

    def _remember(self, channel: Channel) -> None:
        """Nothing; the channel's governor knows what was sent and what we were told before this life began."""
        governor = self._governor(channel)
        if governor is None or channel in self._remembered:
            return
        self._remembered.add(channel)
        now = self.clock()
        for chat, at in self.store.outbox.sent_since(channel, now - LIMITS_LOOK_BACK):
            governor.take(chat, ago=max((now - at).total_seconds(), 0.0))
        for (of_channel, chat), until in self.store.outbox.waits(now).items():
            if of_channel is channel:
                governor.hold(chat or None, (until - now).total_seconds())

    def _claim(self, channel: Channel, under_way: int, waiting: Mapping[str, datetime]) -> tuple[Claimed, ...]:
        governor = self._governor(channel)
        busy = governor.busy() if governor else {}
        free = AT_ONCE - under_way if governor is None else min(AT_ONCE - under_way, governor.room())
        now = self.clock()
        is_due = any(at <= now and chat not in busy for chat, at in waiting.items())
        # Looking costs no write: an idle daemon leaves the disk alone.
        if self._unwritten or free <= 0 or not (is_due or _is_past(self.store.outbox.next_lease_end(channel), now)):
            return ()
        with self.store.transaction():
            self.store.together.tell_due(self.recipients(), channel, now)
            self.store.keep_budgets(self.recipients(), channel, now)
            return self.store.outbox.claim_due(now, limit=free, lease=LEASE, channel=channel, busy=busy)

    def _expect(self, channel: Channel, waiting: Mapping[str, datetime]) -> None:
        governor = self._governor(channel)
        if governor is not None:
            now = self.clock()
            governor.expect([chat for chat, at in waiting.items() if at <= now])

    def _start(self, channel: Channel, claimed: Claimed) -> asyncio.Task[None]:
        under_way = ExitStack()
        governor = self._governor(channel)
        if governor is not None:  # before anybody else can ask
            under_way.enter_context(governor.sending(chat_of(claimed.delivery.target)))
        task = asyncio.create_task(self._send(claimed))
        task.add_done_callback(lambda _: under_way.close())
        return task

    def _next_edit(self, channel: Channel, waiting: Mapping[str, datetime]) -> HeadlineEdit | None:
        """The edit to make now; None where there is none, or an alert could have to wait for it."""
        governor = self._governor(channel)
        now = self.clock()
        if not isinstance(self.notifiers[channel], Editor) or any(at <= now for at in waiting.values()):
            return None
        return self.store.edits.first_due(channel, now, governor.has_spare if governor else lambda chat: True)

    def _start_edit(self, edit: HeadlineEdit) -> asyncio.Task[None]:
        under_way = ExitStack()
        governor = self._governor(edit.delivery.channel)
        if governor is not None:
            under_way.enter_context(governor.sending(chat_of(edit.delivery.target)))
        task = asyncio.create_task(self._edit(edit))
        task.add_done_callback(lambda _: under_way.close())
        return task

    def _pause(
        self,
        channel: Channel,
        under_way: int,
        waiting: Mapping[str, datetime],
        editing: Collection[str],
        *,
        until_idle: bool,
    ) -> float | None:
        """Seconds until there may be something to do; None: not before something that is under way has ended."""
        if under_way >= AT_ONCE:
            return None
        now = self.clock()
        # What is due and still here waits for a limit.
        waits = [self._limited_for(channel, chat) for chat, at in waiting.items() if at <= now]
        later = [at for at in waiting.values() if at > now]
        if isinstance(self.notifiers[channel], Editor):
            edit_at = self.store.edits.next_due_at(channel, but=editing)
            if edit_at is not None and edit_at <= now:
                waits.append(EDIT_LOOK)
            elif edit_at is not None:
                later.append(edit_at)
        if not until_idle:
            lease_end = self.store.outbox.next_lease_end(channel)
            later += [] if lease_end is None else [lease_end]
            waits += [LONGEST_SLEEP, *(max(at - now, timedelta(0)) for at in later)]
        wait = min(waits, default=None)
        if wait is None or (until_idle and wait > LONGEST_HOLD_UP):
            return None
        return wait.total_seconds()

    def _limited_for(self, channel: Channel, chat: str) -> timedelta:
        governor = self._governor(channel)
        return timedelta(0) if governor is None else timedelta(seconds=governor.wait(chat))

    async def _wait(self, wake: asyncio.Event, tasks: set[asyncio.Task[None]], pause: float | None) -> None:
        ends = {asyncio.ensure_future(wake.wait())}
        if pause is not None:
            ends.add(asyncio.ensure_future(self.sleep(pause)))  # type: ignore[arg-type]
        try:
            await asyncio.wait({*ends, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    async def _send(self, claimed: Claimed) -> None:
        delivery = claimed.delivery
        recipient = self._recipient(delivery)
        message = OutgoingMessage(claimed.alert, delivery, claimed.reply_to, self.names, recipient)
        outcome, fault = await self._attempt(self.notifiers[delivery.channel].send(message))
        settled = await self._written_down(lambda: self._settle(claimed, outcome, fault))
        if settled is not None:
            self.on_settled(settled)

    def _recipient(self, delivery: Delivery) -> Recipient | None:
        return next((one for one in self.recipients() if one.id == delivery.recipient_id), None)

    async def _attempt(self, attempt: Coroutine[Any, Any, Outcome]) -> tuple[Outcome, BaseException | None]:
        """What came of it in time, and a defect of ours if there was one."""
        sending = asyncio.ensure_future(attempt)
        try:
            await asyncio.wait({sending}, timeout=self.send_timeout.total_seconds())
        finally:
            if not sending.done():
                sending.cancel()
        if sending.cancelled() or not sending.done():
            return Uncertain(f"no answer within {self.send_timeout.total_seconds():.0f} s"), None
        if fault := sending.exception():
            # One message that a channel stumbles over must not stop the others.
            return Retry(f"a fault of this program: {type(fault).__name__}"), fault
        return sending.result(), None

    async def _written_down(self, settle: Callable[[], T]) -> T:
        """What ``settle`` gives, in a transaction; tried again for a while where the store is busy or full.

        Meanwhile nothing else is claimed: neither what this settles, whose lease may end, nor more of its kind.
        """
        token = object()
        try:
            for tries_left in reversed(range(_SETTLE_TRIES)):
                try:
                    return self.store.write_down(settle)
                except StoreError as error:
                    if not tries_left or not isinstance(error, StoreUnavailableError):
                        raise
                    self._unwritten.add(token)
                    await asyncio.sleep(1)
            raise AssertionError("unreachable")
        finally:
            self._unwritten.discard(token)

    async def _edit(self, edit: HeadlineEdit) -> None:
        channel = self.notifiers[edit.delivery.channel]
        if not isinstance(channel, Editor):
            raise TypeError(f"{edit.delivery.channel} has no messages that can be changed")
        change = MessageEdit(
            edit.first,
            edit.latest,
            edit.delivery,
            self.names,
            self._recipient(edit.delivery),
            self.store.events.acknowledgement_of(edit.first.id),
        )
        outcome, _ = await self._attempt(channel.edit(change))
        await self._written_down(lambda: self._settle_edit(edit, outcome))

    def _settle_edit(self, edit: HeadlineEdit, outcome: Outcome) -> None:
        match outcome:
            case Delivered():
                self.store.edits.settle(edit, self.clock())
            case Retry(reason=reason) | Uncertain(reason=reason) if edit.attempts + 1 < EDIT_ATTEMPTS:
                after = outcome.after if isinstance(outcome, Retry) else None
                not_before = self.clock() + (after or retry_delay(edit.attempts + 1, self.jitter()))
                self.store.edits.settle(edit, self.clock(), reason=reason, not_before=not_before)
                if isinstance(outcome, Retry) and after is not None:
                    self._hold_back(edit.delivery, outcome, after)
            case _:
                self.store.edits.settle(edit, self.clock(), reason=outcome.reason)

    def _settle(self, claimed: Claimed, outcome: Outcome, fault: BaseException | None) -> Settled | None:
        """What was written down; None where the lease had ended and somebody else is at it."""
        delivery, severity = claimed.delivery, claimed.alert.severity
        match outcome:
            case Delivered():
                return self._settle_delivered(delivery, severity, outcome)
            case Uncertain() if not retries_are_over(delivery.attempts, severity):
                return self._settle_uncertain(delivery, severity, outcome)
            case Retry() if not retries_are_over(delivery.attempts, severity):
                return self._settle_retry(delivery, severity, outcome, fault)
            case _:
                return self._settle_failed(delivery, severity, outcome, fault)

    def _settle_delivered(self, delivery: Delivery, severity: Severity, outcome: Delivered) -> Settled:
        outbox = self.store.outbox
        if outcome.new_target is not None:
            outbox.move_recipient(delivery.recipient_id, delivery.target, outcome.new_target)
        outbox.settle_delivered(delivery, reference=outcome.reference, now=self.clock())
        if isinstance(self.notifiers[delivery.channel], Editor):
            self.store.edits.note(delivery, self.clock())
        return Settled(delivery, severity, outcome, None)

    def _settle_uncertain(self, delivery: Delivery, severity: Severity, outcome: Uncertain) -> Settled | None:
        now = self.clock()
        is_soon = repeats_soon(delivery.channel, severity)
        not_before = now + retry_delay(delivery.attempts, self.jitter()) if is_soon else uncertain_until(now)
        reason = f"{outcome.reason}; it may have arrived"
        if not self.store.outbox.settle_uncertain(delivery, not_before=not_before, reason=reason):
            return None
        return Settled(delivery, severity, outcome, not_before)

    def _settle_retry(
        self, delivery: Delivery, severity: Severity, outcome: Retry, fault: BaseException | None
    ) -> Settled | None:
        outbox = self.store.outbox
        backed_off = retry_delay(delivery.attempts, self.jitter(), longest_retry(severity))
        delay = backed_off if outcome.after is None else outcome.after
        next_attempt_at = self.clock() + delay
        if not outbox.settle_retry(delivery, not_before=next_attempt_at, reason=outcome.reason):
            return None
        if outcome.new_target is not None:
            outbox.move_recipient(delivery.recipient_id, delivery.target, outcome.new_target)
        elif outcome.whole_channel or outcome.after is not None:
            self._hold_back(delivery, outcome, delay)
        return Settled(delivery, severity, outcome, next_attempt_at, fault=fault)

    def _hold_back(self, delivery: Delivery, outcome: Retry, wait: timedelta) -> None:
        governor = self._governor(delivery.channel)
        place = delivery.target if governor is None else chat_of(delivery.target)
        chat = None if outcome.whole_channel else place
        self.store.outbox.hold_back(delivery.channel, chat, self.clock() + wait)
        if governor is not None:
            governor.hold(chat, wait.total_seconds())

    def _settle_failed(
        self,
        delivery: Delivery,
        severity: Severity,
        outcome: GiveUp | Retry | Uncertain,
        fault: BaseException | None,
    ) -> Settled | None:
        outbox = self.store.outbox
        tried = "" if isinstance(outcome, GiveUp) else f"given up after {delivery.attempts} attempts: "
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


def _is_past(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now
