"""The second half of a drill: the exercise through the real outbox to every recipient, and the time that each took."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.model import Alert, Channel, DeliveryState, Recipient
from watcher.routing import route_exercise
from watcher.store import Store

LOOK_EVERY = timedelta(milliseconds=200)
_ON_THEIR_WAY = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN)
TOO_LATE = "the drill was over before it was delivered"


@dataclass(frozen=True, slots=True)
class Got:
    """What came of the exercise for one recipient."""

    recipient_id: str
    channel: Channel
    state: DeliveryState
    took: timedelta | None  # from the decision to acceptance by the channel; None: not accepted
    attempts: int
    detail: str  # why not, in the channel's words

    @property
    def is_there(self) -> bool:
        return self.state is DeliveryState.DELIVERED


@dataclass(frozen=True, slots=True)
class Held:
    """What came of a drill."""

    alert: Alert
    got: tuple[Got, ...]  # in the order of the recipients

    @property
    def missed(self) -> tuple[str, ...]:
        """Ids of the recipients whose channel did not accept it in time."""
        return tuple(one.recipient_id for one in self.got if not one.is_there)


async def hold(
    store: Store,
    alert: Alert,
    recipients: Sequence[Recipient],
    clock: Callable[[], datetime],
    patience: timedelta,
    dispatch: Callable[[], Awaitable[None]] | None = None,
) -> Held:
    """What came of the exercise within the time; ``dispatch`` sends what is due where no daemon does.

    Quiet hours, digests, budgets and mutes hold nothing of it back; a recipient that is closed stays closed. What was
    not delivered by then is dropped, so that no exercise arrives hours later; what failed stays in the outbox.
    """
    decided_at = clock()
    with store.transaction():
        store.events.save_alert(alert)
        store.drills.begin(alert.id, decided_at, [one.id for one in recipients])
        store.outbox.add(route_exercise(alert, recipients, decided_at))
    until = decided_at + patience
    while True:
        if dispatch is not None:
            await dispatch()
        waiting = [one for one in _got(store, alert, recipients) if one.state in _ON_THEIR_WAY]
        if not waiting or clock() >= until:
            break
        await asyncio.sleep(LOOK_EVERY.total_seconds())
    got = _got(store, alert, recipients)
    held = Held(alert, got)
    with store.transaction():
        for entry in store.outbox.entries(states=_ON_THEIR_WAY, alert_id=alert.id, limit=len(got) + 1):
            reason = "; ".join(filter(None, (TOO_LATE, entry.delivery.last_error)))
            store.outbox.drop(entry.delivery.id, reason=reason, now=clock())
        store.drills.end(alert.id, clock(), held.missed)
    return held


def _got(store: Store, alert: Alert, recipients: Sequence[Recipient]) -> tuple[Got, ...]:
    entries = store.outbox.entries(alert_id=alert.id, limit=len(recipients) + 1)
    deliveries = {entry.delivery.recipient_id: entry.delivery for entry in entries}
    return tuple(
        Got(
            recipient.id,
            delivery.channel,
            delivery.state,
            delivery.settled_at - delivery.created_at
            if delivery.state is DeliveryState.DELIVERED and delivery.settled_at
            else None,
            delivery.attempts,
            delivery.last_error or "",
        )
        for recipient in recipients
        for delivery in [deliveries[recipient.id]]
    )
