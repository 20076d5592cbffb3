"""The mail channel: one message over SMTP, one outcome; refusals of the address are told from those of the moment."""

from __future__ import annotations

import hashlib
import re
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime
from typing import Literal

import aiosmtplib

from watcher.model import Delivered, GiveUp, Outcome, Retry
from watcher.notify.base import OutgoingMessage, plain_reason
from watcher.render import render_email

Security = Literal["none", "starttls", "tls"]

_TIMEOUT = 20.0  # seconds for each step of the conversation
_GOODBYE_TIMEOUT = 1.0
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f]+")
_ENHANCED = re.compile(r"\b5\.(\d{1,3})\.\d{1,3}\b")  # RFC 3463: 5.subject.detail
_MAILBOX_TROUBLE = "2"  # full, disabled for now
_POLICY = "7"  # relaying, spam lists: about us and not about the address
_UNCERTAIN = "it may have arrived"


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
    ) -> None:
        self._host = host
        self._port = port
        self._sender = _ascii_domain(sender)
        self._security = security
        self._username = username
        self._password = password
        # One for all messages: reading the system's certificates takes longer than a message does.
        self._tls = tls or (ssl.create_default_context() if security != "none" else None)

    async def send(self, message: OutgoingMessage) -> Outcome:
        """What the mail server said; its reference is the Message-ID, the same for every attempt."""
        if not _ADDRESS.fullmatch(message.delivery.target):
            return GiveUp("not a mail address", recipient_is_gone=True)
        mail = build_mail(message, self._sender)
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username or None,
            password=self._password or None,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",  # never tried silently, never fallen back from
            tls_context=self._tls,
            timeout=_TIMEOUT,
        )
        try:
            return await self._converse(client, mail)
        finally:
            client.close()

    async def aclose(self) -> None:
        """Nothing; no connection outlives its message."""

    async def _converse(self, client: aiosmtplib.SMTP, mail: EmailMessage) -> Outcome:
        try:
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            return Retry(self._reason("the mail server refuses the login", error), whole_channel=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(self._reason("cannot connect to the mail server", error))
        try:
            await client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            return self._refused_recipient(refusal.recipients[0])
        except aiosmtplib.SMTPSenderRefused as error:
            return Retry(self._reason("the mail server refuses the sender", error))
        except aiosmtplib.SMTPNotSupported as error:
            return GiveUp(self._reason("the mail server cannot reach such an address", error))
        except aiosmtplib.SMTPResponseException as error:
            reason = self._reason("the mail server refuses the message", error)
            return GiveUp(reason) if error.code >= 500 else Retry(reason)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(f"{self._reason('the connection to the mail server broke', error)}; {_UNCERTAIN}")
        with suppress(aiosmtplib.SMTPException, OSError):  # the mail is accepted, whatever becomes of the goodbye
            await client.quit(timeout=_GOODBYE_TIMEOUT)
        return Delivered(str(mail["Message-ID"]))

    def _refused_recipient(self, error: aiosmtplib.SMTPRecipientRefused) -> Outcome:
        reason = self._reason("the mail server refuses the recipient", error)
        enhanced = _ENHANCED.search(error.message)
        subject = enhanced[1] if enhanced else ""
        if error.code < 500 or subject == _MAILBOX_TROUBLE:
            return Retry(reason)
        return GiveUp(reason, recipient_is_gone=subject != _POLICY)

    def _reason(self, what: str, error: Exception) -> str:
        if isinstance(error, aiosmtplib.SMTPResponseException):
            words = f"{error.code} {error.message}"
        else:
            words = str(error) or type(error).__name__
        return plain_reason(f"{what}: {words}", self._password)


def build_mail(message: OutgoingMessage, sender: str) -> EmailMessage:
    """The mail for one recipient: text and HTML; the same bytes but for MIME boundaries whenever it is built."""
    alert, delivery = message.alert, message.delivery
    subject, text, html = render_email(alert, message.names)
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTPUTF8)
    mail["From"] = sender
    mail["To"] = _ascii_domain(delivery.target)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(alert.created_at)
    mail["Message-ID"] = message_id(alert.id, delivery.recipient_id, domain)
    if message.reply_to is not None:
        mail["In-Reply-To"] = message.reply_to
        mail["References"] = message.reply_to
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
    mail["List-Id"] = f"watcher alerts <alerts.{domain}>"
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    return mail


def message_id(alert_id: str, recipient_id: str, domain: str) -> str:
    """The Message-ID, which derives from alert and recipient: a mail sent twice is one mail to mail programs."""
    who = hashlib.blake2b(recipient_id.encode(), digest_size=6).hexdigest()
    return f"<{alert_id}.{who}@{domain}>"


def _ascii_domain(address: str) -> str:
    """The address with its domain in the form that every server understands."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address
