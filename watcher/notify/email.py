"""The mail channel: one message over SMTP, one outcome; refusals of the address are told from those of the moment."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, Literal

import aiosmtplib

from watcher.model import Alert, Delivered, GiveUp, Outcome, Retry, Uncertain
from watcher.notify.base import OutgoingMessage, plain_reason
from watcher.notify.mail_letter import Leave, alert_id_of, ascii_domain, build_mail
from watcher.notify.mail_refusal import Refusal, judge_refusal

Security = Literal["none", "starttls", "tls"]

TIMEOUT = timedelta(seconds=20)  # for each step of the conversation
# Greylisting wants a first retry after "a few minutes" (RFC 6647, section 5); the usual software after five (postgrey).
GREYLISTED_FOR = timedelta(minutes=5, seconds=10)
GREYLISTED_TIMES = 6  # half an hour; then it is some other trouble, and waits grow as they do
_GOODBYE_TIMEOUT = 1.0
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]+")
_CLOSING = 421  # the whole service is not available (RFC 5321, section 3.8)
_GREYLISTS = (450, 451)


class EmailNotifier:
    """Sends alerts as text and HTML over SMTP; a new connection for each message, because alerts are rare."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        security: Security = "none",
        username: str = "",
        password: str = "",
        tls: ssl.SSLContext | None = None,
        leave: Leave | None = None,
        first_alert: Callable[[str], Alert | None] = lambda alert_id: None,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = ascii_domain(sender)
        self._security = security
        self._username = username
        self._password = password
        # One for all messages: reading the system's certificates takes longer than a message does.
        self._tls = tls or (ssl.create_default_context() if security != "none" else None)
        self._leave = leave
        self._first_alert = first_alert  # by id: what an earlier mail told
        self._timeout = timeout.total_seconds()

    async def send(self, message: OutgoingMessage) -> Outcome:
        """What the mail server said; its reference is the Message-ID, the same for every attempt."""
        if not _ADDRESS.fullmatch(message.delivery.target):
            return GiveUp("not a mail address", recipient_is_gone=True)
        mail = await self._write(message)
        client = _Conversation(
            hostname=self._host,
            port=self._port,
            username=self._username or None,
            password=self._password or None,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",  # never tried silently, never fallen back from
            tls_context=self._tls,
            timeout=self._timeout,
        )
        try:
            return await self._converse(client, mail, message.delivery.attempts)
        finally:
            client.close()

    async def aclose(self) -> None:
        """Nothing; no connection outlives its message."""

    async def _write(self, message: OutgoingMessage) -> EmailMessage:
        first = self._first_alert(alert_id_of(message.reply_to)) if message.reply_to else None

        def build() -> EmailMessage:
            return build_mail(message, self._sender, leave=self._leave, first=first)

        # With items comes a chart, which takes longer than the loop may be held up.
        return await asyncio.to_thread(build) if message.alert.items else build()

    async def _converse(self, client: _Conversation, mail: EmailMessage, attempts: int) -> Outcome:
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            return Retry(self._reason("the mail server refuses the login", error), whole_channel=True)
        except aiosmtplib.SMTPResponseException as error:
            reason = self._reason("cannot connect to the mail server", error)
            return Retry(reason, whole_channel=error.code == _CLOSING)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(self._reason("cannot connect to the mail server", error))
        try:
            await client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            return self._refused("recipient", refusal.recipients[0], attempts)
        except aiosmtplib.SMTPSenderRefused as error:
            reason = self._reason("the mail server refuses the sender", error)
            return Retry(reason, whole_channel=error.code == _CLOSING)
        except aiosmtplib.SMTPNotSupported as error:
            return GiveUp(self._reason("the mail server cannot reach such an address", error))
        except aiosmtplib.SMTPResponseException as error:
            return self._refused("message", error, attempts)
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = self._reason("the connection to the mail server broke", error)
            return Uncertain(reason) if client.has_begun_data else Retry(reason)
        with suppress(aiosmtplib.SMTPException, OSError):  # the mail is accepted, whatever becomes of the goodbye
            await client.quit(timeout=_GOODBYE_TIMEOUT)
        return Delivered(str(mail["Message-ID"]))

    def _refused(self, what: str, error: aiosmtplib.SMTPResponseException, attempts: int) -> Outcome:
        reason = self._reason(f"the mail server refuses the {what}", error)
        if error.code == _CLOSING:
            return Retry(reason, whole_channel=True)
        if error.code in _GREYLISTS and attempts <= GREYLISTED_TIMES:
            return Retry(reason, after=GREYLISTED_FOR)
        match judge_refusal(error.code, error.message, is_about_address=what == "recipient"):
            case Refusal.PASSES:
                return Retry(reason)
            case Refusal.ADDRESS_IS_GONE:
                return GiveUp(reason, recipient_is_gone=True)
            case Refusal.LASTS:
                return GiveUp(reason)

    def _reason(self, what: str, error: Exception) -> str:
        if isinstance(error, aiosmtplib.SMTPResponseException):
            words = f"{error.code} {error.message}"
        else:
            words = str(error) or type(error).__name__
        return plain_reason(f"{what}: {words}", self._password)


class _Conversation(aiosmtplib.SMTP):
    """Knows whether the mail itself was begun to be sent: until then a lost connection has lost nothing else."""

    has_begun_data = False

    async def data(self, *args: Any, **values: Any) -> aiosmtplib.SMTPResponse:
        self.has_begun_data = True
        return await super().data(*args, **values)
