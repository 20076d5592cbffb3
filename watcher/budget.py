"""How loud a recipient's hour may be: what is sent at once, what waits, and what is then told together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watcher.model import Budget

MIN_FOLDED = 2  # one alert that waited is sent as it is


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is due and may be made to wait; the caller leaves out what may not (critical, silent)."""

    delivery_id: str
    was_held: bool  # by this decision, earlier


@dataclass(frozen=True, slots=True)
class Spending:
    """What to do with the messages that are due; in neither list: sent at once."""

    held: tuple[str, ...] = ()  # delivery ids
    until_at: datetime | None = None  # when the first of the held ones may be sent
    folded: tuple[str, ...] = ()  # delivery ids, to be told in one message now


def spend(budget: Budget, loud_at: Sequence[datetime], due: Sequence[Waiting], now: datetime) -> Spending:
    """What comes of the messages that are due for one recipient.

    ``loud_at`` is when its latest messages with a sound were sent, whatever their severity. Once the budget has let
    anything wait, all that is due by then goes out as one message as soon as there is room again.
    """
    within = sorted(at for at in loud_at if at > now - budget.per)
    if len(within) >= budget.count:
        return Spending(tuple(one.delivery_id for one in due), within[len(within) - budget.count] + budget.per)
    if len(due) >= MIN_FOLDED and any(one.was_held for one in due):
        return Spending(folded=tuple(one.delivery_id for one in due))
    return Spending()
