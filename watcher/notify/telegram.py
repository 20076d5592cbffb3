"""The Telegram channel: one message, one outcome; limits that Telegram announces are kept, its refusals understood."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from bisect import insort
from collections.abc import Callable
from datetime import timedelta

import httpx
from telegram import Bot, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from watcher.model import Delivered, GiveUp, Outcome, Retry
from watcher.notify.base import OutgoingMessage, plain_reason
from watcher.render import render_telegram, render_telegram_text

# "avoid sending more than one message per second" to a chat, "20 messages per minute" to a group, "30 messages per
# second" in all (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this): (messages, seconds).
_CHAT_LIMIT = (1, 1.0)
_GROUP_LIMIT = (20, 60.0)
_TOTAL_LIMIT = (30, 1.0)
_LONGEST_SLEEP = 2.0  # seconds; a longer wait belongs in the outbox, where other messages can pass

_CONNECT_TIMEOUT = 10.0
_ANSWER_TIMEOUT = 15.0
_MAX_CONNECTIONS = 16

# Descriptions of 400 that mean "nobody here", in lower case, as api.telegram.org words them.
_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "group chat was upgraded",  # without saying to which; with it, it is a migration
    "have no rights to send",
    "not enough rights",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "topic_closed",
)
_UNCERTAIN = "it may have arrived"


class TelegramNotifier:
    """Sends alerts as HTML through the Bot API; the token appears in no log and no reason."""

    def __init__(self, token: str, base_url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        # httpx logs every address, which holds the token; so does the library at its debug level.
        for name in ("httpx", "httpcore", "telegram"):
            logging.getLogger(name).setLevel(logging.WARNING)
        # Otherwise the library warns whenever it builds a RetryAfter (deprecated whole seconds).
        os.environ.setdefault("PTB_TIMEDELTA", "true")
        self._token = token
        self._request = HTTPXRequest(
            connection_pool_size=_MAX_CONNECTIONS,
            connect_timeout=_CONNECT_TIMEOUT,
            read_timeout=_ANSWER_TIMEOUT,
            write_timeout=_ANSWER_TIMEOUT,
            pool_timeout=_CONNECT_TIMEOUT,
        )
        self._bot = Bot(token, base_url=base_url, request=self._request, get_updates_request=self._request)
        self._governor = Governor(monotonic)

    async def send(self, message: OutgoingMessage) -> Outcome:
        """What Telegram said; HTML first, and once more as plain text where Telegram does not take that."""
        chat = message.delivery.target
        first_in_a_while = self._governor.is_quiet(chat)
        wait = self._governor.reserve(chat)
        if wait > _LONGEST_SLEEP:
            return Retry("enough messages to this chat for now", after=timedelta(seconds=wait))
        await asyncio.sleep(wait)
        try:
            try:
                return await self._post(message, render_telegram(message.alert, message.names), ParseMode.HTML)
            except BadRequest as refusal:
                if _says_gone(refusal):
                    return GiveUp(self._reason(refusal), recipient_is_gone=True)
                # Whatever it was about, markup or reply: the words must get through.
                return await self._post(message, render_telegram_text(message.alert, message.names), None)
        except TelegramError as error:
            return self._outcome(error, first_in_a_while)

    async def aclose(self) -> None:
        """Nothing; closes the connections."""
        await self._request.shutdown()

    async def _post(self, message: OutgoingMessage, text: str, parse_mode: ParseMode | None) -> Delivered:
        reply = None
        if message.reply_to is not None and parse_mode is not None:
            reply = ReplyParameters(int(message.reply_to), allow_sending_without_reply=True)
        sent = await self._bot.send_message(
            message.delivery.target,
            text,
            parse_mode=parse_mode,
            reply_parameters=reply,
            disable_notification=message.delivery.is_silent,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        return Delivered(str(sent.message_id))

    def _outcome(self, error: TelegramError, first_in_a_while: bool) -> Outcome:
        reason = self._reason(error)
        match error:
            case RetryAfter():
                after = error.retry_after
                wait = after if isinstance(after, timedelta) else timedelta(seconds=after)
                # A chat that had nothing from us for a minute cannot be the one that is flooded.
                return Retry(reason, after=wait, whole_channel=first_in_a_while)
            case ChatMigrated():
                return Retry(reason, after=timedelta(0), new_target=str(error.new_chat_id))
            case Forbidden():
                return GiveUp(reason, recipient_is_gone=True)
            case InvalidToken():
                return Retry(f"Telegram refuses the token ({reason})", whole_channel=True)
            case BadRequest():
                return GiveUp(reason, recipient_is_gone=_says_gone(error))
            case TimedOut() | NetworkError():
                return Retry(reason if _was_not_sent(error) else f"{reason}; {_UNCERTAIN}")
            case _:
                return Retry(reason)

    def _reason(self, error: TelegramError) -> str:
        return plain_reason(error.message, self._token)


class Governor:
    """Keeps to the announced limits: hands out the earliest moments at which messages may leave.

    Moments are reserved in order of asking, so that concurrent senders spread out instead of colliding.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._total: list[float] = []
        self._chats: dict[str, list[float]] = {}

    def reserve(self, chat: str) -> float:
        """Seconds until a message to the chat may leave; waits over the longest sleep are not reserved."""
        now = self._monotonic()
        self._forget(now)
        moments = self._chats.setdefault(chat, [])
        limits = [(_CHAT_LIMIT, moments), (_TOTAL_LIMIT, self._total)]
        if chat.startswith(("-", "@")):  # groups and channels
            limits.append((_GROUP_LIMIT, moments))
        at = max([now, *(past[-count] + seconds for (count, seconds), past in limits if len(past) >= count)])
        if at - now <= _LONGEST_SLEEP:
            insort(moments, at)
            insort(self._total, at)
        return at - now

    def is_quiet(self, chat: str) -> bool:
        """Whether the chat got nothing for the length of the longest limit."""
        self._forget(self._monotonic())
        return not self._chats.get(chat)

    def _forget(self, now: float) -> None:
        oldest = now - _GROUP_LIMIT[1]
        self._total = [at for at in self._total if at > now - _TOTAL_LIMIT[1]]
        self._chats = {
            chat: recent for chat, past in self._chats.items() if (recent := [at for at in past if at > oldest])
        }


def _says_gone(error: BadRequest) -> bool:
    description = error.message.lower()
    return any(words in description for words in _GONE)


def _was_not_sent(error: NetworkError) -> bool:
    cause = error.__cause__
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return True
    return cause is None  # an answer that says no, like 502 or 429 without a time
