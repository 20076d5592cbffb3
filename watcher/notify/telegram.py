"""The Telegram channel: one message, one outcome; its refusals understood, its silences called what they are."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from datetime import timedelta

import httpx
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from watcher.buttons import alert_buttons
from watcher.model import Acknowledgement, Alert, Delivered, GiveUp, Outcome, Recipient, Retry, Uncertain
from watcher.notify.base import MessageEdit, OutgoingMessage, plain_reason
from watcher.notify.governor import Governor, chat_of
from watcher.render import render_discreet, render_headline_edit, render_telegram, render_telegram_text
from watcher.wording import Wording, wording_of

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
)
# The same for a topic of a forum, with what that means.
_TOPIC_GONE = {
    "message thread not found": "the topic was deleted",
    "topic_deleted": "the topic was deleted",
    "topic_closed": "the topic is closed",
}
_GENERAL_TOPIC = "1"  # which Telegram knows by no number when it is written to


class TelegramNotifier:
    """Sends alerts as HTML through the Bot API; the token appears in no log and no reason.

    Who calls keeps to the limits with the help of ``governor``, which is shared by everything that uses the token.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        governor: Governor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
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
        self._shared = governor or Governor(monotonic)

    @property
    def governor(self) -> Governor:
        """Who knows what may leave now."""
        return self._shared

    async def send(self, message: OutgoingMessage) -> Outcome:
        """What Telegram said; HTML first, and once more as plain text where Telegram does not take that."""
        first_in_a_while = self._shared.is_quiet(chat_of(message.delivery.target))
        alert, wording, sent_at = message.alert, _wording(message.recipient), message.delivery.uncertain_at
        is_discreet = message.recipient is not None and message.recipient.is_discreet
        try:
            try:
                html = (
                    render_discreet(alert, wording, sent_at=sent_at)
                    if is_discreet
                    else render_telegram(alert, message.names, wording, sent_at=sent_at)
                )
                return await self._post(message, html, wording, is_html=True)
            except BadRequest as refusal:
                if gone := self._why_gone(refusal):
                    return GiveUp(gone, recipient_is_gone=True)
                if is_discreet:
                    return GiveUp(self._reason(refusal))
                # Whatever it was about, markup, buttons or reply: the words must get through.
                text = render_telegram_text(alert, message.names, wording, sent_at=sent_at)
                return await self._post(message, text, wording, is_html=False)
        except TelegramError as error:
            return self._outcome(error, first_in_a_while)

    async def edit(self, edit: MessageEdit) -> Outcome:
        """What Telegram said; GiveUp where the message is not to be changed any more.

        What a discreet recipient reads says nothing that could change.
        """
        if edit.recipient is None or edit.recipient.is_discreet:
            return GiveUp("the recipient is discreet, or not configured any more")
        target = edit.delivery.target
        first_in_a_while = self._shared.is_quiet(chat_of(target))
        wording = _wording(edit.recipient)
        reference = edit.delivery.reference or ""
        try:
            await self._bot.edit_message_text(
                render_headline_edit(
                    edit.first, edit.latest, edit.names, wording, is_answered=edit.acknowledgement is not None
                ),
                chat_of(target),
                int(reference),
                parse_mode=ParseMode.HTML,
                reply_markup=_keyboard(edit.first, wording, edit.acknowledgement),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except BadRequest as refusal:
            if "message is not modified" in refusal.message.lower():
                return Delivered(reference)
            return GiveUp(self._reason(refusal))
        except ChatMigrated as error:  # it stays behind in the old chat
            return GiveUp(self._reason(error))
        except TelegramError as error:
            return self._outcome(error, first_in_a_while)
        return Delivered(reference)

    async def aclose(self) -> None:
        """Nothing; closes the connections."""
        await self._request.shutdown()

    async def _post(self, message: OutgoingMessage, text: str, wording: Wording, *, is_html: bool) -> Delivered:
        reply = None
        if message.reply_to is not None and is_html:
            reply = ReplyParameters(int(message.reply_to), allow_sending_without_reply=True)
        chat, _, topic = message.delivery.target.partition("/")
        sent = await self._bot.send_message(
            chat,
            text,
            parse_mode=ParseMode.HTML if is_html else None,
            reply_parameters=reply,
            reply_markup=_keyboard(message.alert, wording, None) if is_html else None,
            message_thread_id=int(topic) if topic and topic != _GENERAL_TOPIC else None,
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
                gone = self._why_gone(error)
                return GiveUp(gone or reason, recipient_is_gone=gone is not None)
            case Conflict():
                return Retry(reason)
            case TimedOut() | NetworkError() if _was_not_sent(error):
                return Retry(reason)
            case _:  # no answer, or none that can be read
                return Uncertain(reason)

    def _why_gone(self, error: BadRequest) -> str | None:
        description, reason = error.message.lower(), self._reason(error)
        for words, meaning in _TOPIC_GONE.items():
            if words in description:
                return f"{meaning} ({reason})"
        return reason if any(words in description for words in _GONE) else None

    def _reason(self, error: TelegramError) -> str:
        return plain_reason(error.message, self._token)


def _wording(recipient: Recipient | None) -> Wording:
    return wording_of(recipient.language if recipient else None)


def _keyboard(alert: Alert, wording: Wording, acknowledgement: Acknowledgement | None) -> InlineKeyboardMarkup | None:
    rows = alert_buttons(alert, wording, acknowledgement)
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(one.text, callback_data=one.data) for one in row] for row in rows]
    )


def _was_not_sent(error: NetworkError) -> bool:
    cause = error.__cause__
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return True
    # An answer that says no, like 502 or 429 without a time; a gateway that waited in vain knows nothing.
    return cause is None and "gateway timeout" not in error.message.lower()
