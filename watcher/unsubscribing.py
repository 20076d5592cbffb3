"""Leaving by a link in a mail: the page that asks, the one click that needs none (RFC 8058), and what either does.

A recipient of the configuration file cannot be deleted from there; it is closed, as one is whose address the mail
server refuses, operators are told, and `watcher outbox retry` opens it again.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import escape
from urllib.parse import parse_qsl

import structlog

from watcher.html_page import attribute, page
from watcher.model import Channel, Recipient
from watcher.notices import tell_operators
from watcher.notify.mail_letter import Leave
from watcher.server import PUBLIC_PREFIX, Reply, Request, Route
from watcher.store import Store
from watcher.wording import Wording, wording_of

log = structlog.get_logger()

UNSUBSCRIBED = "unsubscribed by link"  # the reason of a closed recipient
ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058, section 3.1: the body of the request, and of our own form
_KEY = "unsubscribe"  # its name in the store
_PATH = f"{PUBLIC_PREFIX}unsubscribe/"
_STYLE = (
    ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;"
    "padding:0 1rem}button{font:inherit;padding:.6rem 1.2rem}"
)
# What anybody is told who has no valid link, whatever is wrong with it.
_NOT_FOUND = Reply("not found\n", 404)


def token_of(key: bytes, recipient_id: str, address: str) -> str:
    """What stands in the link: proves that it was made here for this recipient at this address, and says no more."""
    message = f"{recipient_id}\n{address}".encode()
    return urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).rstrip(b"=").decode()


def link_of(public_url: str, token: str) -> str:
    """The address for the one click; ``public_url`` is that of the configuration."""
    return f"{public_url.rstrip('/')}{_PATH}{token}"


def unsubscribe_key(store: Store) -> bytes:
    """The key that links are made with; the first call makes it, in a transaction of its own."""
    if store.kept.get(_KEY) is not None:
        return store.kept.key(_KEY)
    with store.transaction():
        return store.kept.key(_KEY)


def make_leave(key: bytes, address: str, public_url: str = "") -> Leave:
    """How mails offer to leave: by a mail to that address, and by the link where there is a public URL."""
    return Leave(partial(token_of, key), address, partial(link_of, public_url) if public_url else None)


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """Finds whom a link is for, and closes them."""

    store: Store
    key: bytes = field(repr=False)  # that the links were made with
    recipients: Callable[[], Iterable[Recipient]]  # as configured now
    clock: Callable[[], datetime]
    on_told: Callable[[], None] = lambda: None  # operators have a message waiting

    def routes(self) -> tuple[Route, ...]:
        """What the endpoint has to answer: looking asks, only a POST does it (link scanners look at every link)."""
        path = f"{_PATH}{{token}}"
        return (
            Route("GET", path, self._ask, is_public=True),
            Route("POST", path, self._do, is_public=True, is_for_programs=True),
        )

    def find(self, token: str) -> Recipient | None:
        """The recipient that the token was made for; takes as long whether there is one or not."""
        found = None
        for recipient in self.recipients():
            if recipient.channel is Channel.EMAIL:
                made = token_of(self.key, recipient.id, recipient.target)
                if hmac.compare_digest(made.encode(), token.encode("utf-8", "surrogatepass")):
                    found = recipient
        return found

    def unsubscribe(self, recipient: Recipient) -> bool:
        """Whether this was news: from then on nothing is sent to that address, and operators know."""
        if self._is_closed(recipient):
            return False
        now = self.clock()
        with self.store.transaction():
            left = self.store.outbox.close_recipient(recipient.id, recipient.target, reason=UNSUBSCRIBED, now=now)
            waiting = f"{left} {'message' if left == 1 else 'messages'} that waited will not be sent.\n" if left else ""
            tell_operators(
                self.store,
                self.recipients(),
                now,
                key=f"recipient:{recipient.id}",
                state=f"unsubscribed {now.isoformat()}",  # each time is news
                headline=f"Recipient {recipient.id} has unsubscribed and gets nothing more, critical alerts included",
                body=f"Somebody used the link in a mail to it.\n{waiting}"
                f"To open it again: watcher outbox retry --recipient {recipient.id}",
            )
        self.on_told()
        log.warning("recipient_unsubscribed", recipient_id=recipient.id)
        return True

    def _is_closed(self, recipient: Recipient) -> bool:
        return any(
            (closed.recipient_id, closed.target) == (recipient.id, recipient.target)
            for closed in self.store.outbox.closed_recipients()
        )

    async def _ask(self, request: Request) -> Reply:
        recipient = self.find(request.parts["token"])
        if recipient is None:
            return _NOT_FOUND
        return _page(recipient, is_done=self._is_closed(recipient))

    async def _do(self, request: Request) -> Reply:
        recipient = self.find(request.parts["token"])
        if recipient is None:
            return _NOT_FOUND
        if not _is_one_click(request):
            return Reply("the body must say List-Unsubscribe=One-Click\n", 400)
        self.unsubscribe(recipient)
        return _page(recipient, is_done=True)


def _is_one_click(request: Request) -> bool:
    """Whether the body says so, as a form of either kind (RFC 8058, section 3.2)."""
    body = request.body.decode("utf-8", "replace")
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        name, value = ONE_CLICK
        lines = [line.strip() for line in body.splitlines()]
        return any(f'name="{name}"' in line for line in lines) and value in lines
    return ONE_CLICK in parse_qsl(body)


def _page(recipient: Recipient, *, is_done: bool) -> Reply:
    say = wording_of(recipient.language)
    address = _masked(recipient.target)
    if is_done:
        title = say.say("mail.left_title")
        body = f"<p>{_said(say, 'left', address)}</p>\n<p>{_said(say, 'left_return')}</p>\n"
    else:
        title = say.say("mail.leave_title")
        name, value = ONE_CLICK
        body = (
            f"<p>{_said(say, 'leave_ask', address)}</p>\n<p><strong>{_said(say, 'leave_critical')}</strong></p>\n"
            f'<form method="post"><button name="{name}" value="{value}">{_said(say, "leave_button")}</button></form>\n'
        )
    html = page(
        title,
        _STYLE,
        f"<h1>{escape(title)}</h1>\n{body}",
        language=say.language,
        direction="rtl" if say.is_right_to_left else "ltr",
        form_action="'self'",
    )
    return Reply(html, content_type="text/html; charset=utf-8")


def _said(say: Wording, key: str, address: str = "") -> str:
    words = say.say(f"mail.{key}", address="\0") if address else say.say(f"mail.{key}")
    return escape(words).replace("\0", f'<bdi dir="ltr">{attribute(address)}</bdi>')


def _masked(address: str) -> str:
    """The address so that its owner knows it, and whoever else was sent the link does not learn it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
