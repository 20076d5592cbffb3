"""The sender's mailbox: mails that came back close their recipient or are reported, wishes to leave are granted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from watcher.model import AlertKind, Bookmark, Channel, FetchReason, Recipient, Source, SourceKind
from watcher.notices import tell_operators
from watcher.notify.mail_bounce import Bounce, Wish, read_returned
from watcher.notify.mail_letter import ascii_domain
from watcher.notify.mail_refusal import Refusal
from watcher.sources.imap import ImapReader
from watcher.store import Store
from watcher.unsubscribing import Unsubscribing

log = structlog.get_logger()

_TELL_AFTER = 3  # failures in a row; servers are restarted


def mailbox_of(url: str, password: str) -> Source:
    """The mailbox as its reader takes it."""
    return Source("bounces", url, SourceKind.IMAP, password=password)


@dataclass(slots=True)
class Bounces:
    """Reads the mailbox again and again, each message once."""

    store: Store
    reader: ImapReader
    mailbox: Source
    unsubscribing: Unsubscribing
    recipients: Callable[[], Iterable[Recipient]]  # as configured now
    clock: Callable[[], datetime]
    on_told: Callable[[], None]  # operators have a message waiting
    _failures: int = 0  # in a row

    async def read(self) -> None:
        """Nothing, after everything new in the mailbox was acted on. Raises StoreError."""
        while await self._read_some():
            pass

    async def _read_some(self) -> bool:
        """Whether there is more."""
        # Another mailbox has other numbers; its address may hold what nobody else is to see.
        place = f"bounces {hashlib.blake2b(self.mailbox.url.encode(), digest_size=8).hexdigest()}"
        visit = await self.reader.visit(
            self.mailbox, Bookmark(cursor=self.store.kept.get(place)), lambda _, body: read_returned(body)
        )
        self._note(visit.reason, visit.detail)
        for returned in (one for message in visit.messages for one in message):
            match returned:
                case Bounce():
                    self._settle(returned)
                case Wish():
                    self._grant(returned)
        # What was done is done once, whatever is read again after a crash in between.
        if visit.bookmark is not None and visit.bookmark.cursor is not None:
            with self.store.transaction():
                self.store.kept.put(place, visit.bookmark.cursor)
        if visit.after_commit is not None:
            await visit.after_commit()
        return visit.has_more

    def _settle(self, bounce: Bounce) -> None:
        outbox, now = self.store.outbox, self.clock()
        delivery = outbox.delivered_as(Channel.EMAIL, bounce.message_id)
        if delivery is None:
            log.info("bounce_of_nothing_known", reason=bounce.words)
            return
        bound = log.bind(delivery_id=delivery.id, alert_id=delivery.alert_id, recipient_id=delivery.recipient_id)
        if ascii_domain(delivery.target).lower() not in {ascii_domain(one).lower() for one in bounce.addresses}:
            # One of those to whom somebody forwards: the others have it.
            bound.warning("bounce_of_another_address", reason=bounce.words)
            return
        is_gone = bounce.refusal is Refusal.ADDRESS_IS_GONE
        reason = f"the mail came back: {bounce.words}"
        alert = self.store.events.get_alert(delivery.alert_id)
        with self.store.transaction():
            if not outbox.settle_returned(delivery.id, reason=reason, now=now):
                return
            if is_gone:
                outbox.close_recipient(delivery.recipient_id, delivery.target, reason=reason, now=now)
            if is_gone or (alert is not None and alert.kind is not AlertKind.NOTICE):
                tell_operators(
                    self.store,
                    self.recipients(),
                    now,
                    key=f"recipient:{delivery.recipient_id}" if is_gone else f"delivery:{delivery.id}",
                    state=f"closed {delivery.target}" if is_gone else f"returned {now.isoformat()}",
                    headline=(
                        f"Recipient {delivery.recipient_id} is gone and gets nothing more"
                        if is_gone
                        else f"An alert did not arrive at {delivery.recipient_id}"
                    ),
                    body=f"{reason}\nAlert {delivery.alert_id} was not delivered; see `watcher outbox`.",
                )
        self.on_told()
        bound.error("mail_came_back", reason=bounce.words, recipient_closed=is_gone)

    def _grant(self, wish: Wish) -> None:
        recipient = self.unsubscribing.find(wish.token)
        if recipient is None:
            log.info("unsubscribe_mail_without_recipient")
            return
        self.unsubscribing.unsubscribe(recipient)

    def _note(self, reason: FetchReason, detail: str) -> None:
        self._failures = 0 if reason is FetchReason.OK else self._failures + 1
        if reason is FetchReason.OK:
            if not self.store.journal.notices("bounces"):
                return
            state, headline = "ok", "The mailbox for returned mails can be read again"
        else:
            log.warning("bounces_not_read", reason=reason.value, detail=detail, failures=self._failures)
            if self._failures < _TELL_AFTER:
                return
            state, headline = reason.value, f"The mailbox for returned mails cannot be read: {reason.value}"
            detail += "\nMails that come back go unnoticed meanwhile. It is tried again."
        with self.store.transaction():
            told = tell_operators(
                self.store, self.recipients(), self.clock(), key="bounces", state=state, headline=headline, body=detail
            )
        if told:
            self.on_told()
