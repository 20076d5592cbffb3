"""Who may send to a chat, and when: the limits that Telegram announces, kept by everything that shares one token."""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from enum import IntEnum
from itertools import count
from math import inf

# "avoid sending more than one message per second" to a chat, "20 messages per minute" to a group, "30 messages per
# second" in all (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this): (messages, seconds).
_CHAT_LIMIT = (1, 1.0)
_GROUP_LIMIT = (20, 60.0)
_TOTAL_LIMIT = (30, 1.0)

_PATIENCE = 5.0  # seconds for which a reply lets alerts go first; who types /mute in a storm must be heard
_LOOK_AGAIN = 0.1  # seconds; somebody else may have gone first
_LONGEST_WAIT = 60.0  # seconds; after the longest limit nobody waits for a reply any more


class Urgency(IntEnum):
    """What goes first where several want to send."""

    EDIT = 1
    REPLY = 2
    ALERT = 3
    CRITICAL = 4


def chat_of(target: str) -> str:
    """The chat that a target lies in, for which the limits hold: "-100" of "-100/17", a topic of a forum."""
    return target.partition("/")[0]


class Governor:
    """Knows what was sent lately and what waits; one for each token. Times are seconds of a clock that never goes back.

    The outbox asks before it claims (``room``, ``busy``), so that what waits stays where the gravest is claimed first;
    all others ``reserve``. Chats are given as such, without topics.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._total: list[float] = []
        self._chats: dict[str, list[float]] = {}
        self._held: dict[str, float] = {}  # until when, by chat; "" is all of them
        self._expected: frozenset[str] = frozenset()
        self._queue: dict[int, tuple[str, Urgency]] = {}
        self._numbers = count()

    async def reserve(self, chat: str, urgency: Urgency, *, longest: float = _LONGEST_WAIT) -> bool:
        """Whether a message to the chat may leave, after a wait of at most that many seconds; if so it counts as sent.

        Of several that wait for one chat the most urgent goes first, then the one that asked first. Replies and edits
        let alerts go first, replies for a few seconds.
        """
        asked_at = self._monotonic()
        mine = next(self._numbers)
        self._queue[mine] = (chat, urgency)
        try:
            while (wait := self._wait_of(mine, asked_at)) > 0:
                left = longest - (self._monotonic() - asked_at)
                if left <= 0 or (self._wait(chat) > left):
                    return False
                await self._sleep(min(wait, left))
            self.take(chat)
            return True
        finally:
            del self._queue[mine]

    def take(self, chat: str, ago: float = 0.0) -> None:
        """Nothing; a message to the chat counts as sent now, or so many seconds ago."""
        self._add(chat, self._monotonic() - ago)

    @contextmanager
    def sending(self, chat: str) -> Iterator[None]:
        """A block that sends a message to the chat, now.

        Telegram counts it at some moment of the block, so it counts here from beginning to end.
        """
        self._add(chat, inf)
        try:
            yield
        finally:
            self._total.remove(inf)
            self._chats[chat].remove(inf)
            self.take(chat)

    def hold(self, chat: str | None, seconds: float) -> None:
        """Nothing; nothing is sent to the chat (None: to any) for so long, because Telegram said so."""
        name, until = chat or "", self._monotonic() + seconds
        self._held[name] = max(until, self._held.get(name, until))

    def expect(self, chats: Collection[str]) -> None:
        """Nothing; these are the chats for which alerts are due that cannot leave yet: lesser messages wait."""
        self._expected = frozenset(chats)

    def room(self) -> int:
        """How many messages may leave now, to whatever chats."""
        now = self._forget()
        return 0 if self._held.get("", now) > now else max(_TOTAL_LIMIT[0] - len(self._total), 0)

    def busy(self) -> dict[str, float]:
        """The chats that may get nothing now, each with the seconds until they may."""
        self._forget()
        waits = {chat: self._wait_for_chat(chat) for chat in {*self._chats, *self._held} if chat}
        return {chat: wait for chat, wait in waits.items() if wait > 0}

    def opens_in(self) -> float:
        """Seconds until there is room again for a message to some chat; 0: there is."""
        now = self._forget()
        count_, seconds = _TOTAL_LIMIT
        at = min(self._total[-count_], now) + seconds if len(self._total) >= count_ else now
        return max(at, self._held.get("", now), now) - now

    def wait(self, chat: str) -> float:
        """Seconds until a message to the chat may leave, as far as is known now."""
        self._forget()
        return self._wait(chat)

    def has_spare(self, chat: str) -> bool:
        """Whether something may leave to the chat now that nobody waits for, without keeping an alert waiting."""
        is_open = self._wait(chat) == 0 and not self._expected
        half_free = 2 * len(self._chats.get(chat, ())) <= _GROUP_LIMIT[0] and 2 * self.room() >= _TOTAL_LIMIT[0]
        return is_open and half_free

    def is_quiet(self, chat: str) -> bool:
        """Whether the chat got at most one message, the one under way, for the length of the longest limit."""
        self._forget()
        return len(self._chats.get(chat, ())) <= 1

    def _wait_of(self, mine: int, asked_at: float) -> float:
        chat, urgency = self._queue[mine]
        wait = self._wait(chat)
        if wait > 0:
            return wait
        if any(other == chat and (-level, number) < (-urgency, mine) for number, (other, level) in self._queue.items()):
            return _LOOK_AGAIN
        may_yield = urgency < Urgency.REPLY or self._monotonic() - asked_at < _PATIENCE
        alerts_wait = chat in self._expected or (self._expected and self.room() <= len(self._expected))
        return _LOOK_AGAIN if urgency < Urgency.ALERT and may_yield and alerts_wait else 0

    def _wait(self, chat: str) -> float:
        return max(self._wait_for_chat(chat), self.opens_in())

    def _wait_for_chat(self, chat: str) -> float:
        now = self._monotonic()
        moments = self._chats.get(chat, ())
        limits = [_CHAT_LIMIT]
        if chat.startswith(("-", "@")):  # groups and channels
            limits.append(_GROUP_LIMIT)
        free_at = [min(moments[-number], now) + seconds for number, seconds in limits if len(moments) >= number]
        return max([now, self._held.get(chat, now), *free_at]) - now

    def _add(self, chat: str, at: float) -> None:
        insort(self._chats.setdefault(chat, []), at)
        insort(self._total, at)

    def _forget(self) -> float:
        now = self._monotonic()
        oldest = now - _GROUP_LIMIT[1]
        self._total = [at for at in self._total if at > now - _TOTAL_LIMIT[1]]
        self._chats = {
            chat: recent for chat, past in self._chats.items() if (recent := [at for at in past if at > oldest])
        }
        self._held = {chat: until for chat, until in self._held.items() if until > now}
        return now
