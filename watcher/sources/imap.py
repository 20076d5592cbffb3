"""Newsletters in a mailbox, over IMAP4rev1 (RFC 3501): each message is an article, marked seen once it is stored."""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

import structlog

from watcher.model import Bookmark, FeedEntry, FetchReason, Source
from watcher.sources.base import Harvest
from watcher.web.markup import plain_text, tidy, tidy_line
from watcher.web.published import believable
from watcher.web.urls import absolute_url

T = TypeVar("T")

log = structlog.get_logger()

_AT_ONCE = 50  # messages of one reading
_MAX_CHARS = 100_000
_CURSOR = re.compile(r"(\d+):(\d+)")  # UIDVALIDITY and the last UID that was read
_SIZE = re.compile(rb"UID (\d+).*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*?UID (\d+)")
_SELECTED = re.compile(rb"\d+")
# A message of this date may be in a later day of the server, whose search knows days only (RFC 3501, 6.4.4).
_SEARCH_SLACK = timedelta(days=1)
# What parsing meets in hostile headers and bodies (the standard library's own modern parser).
_PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Mailbox:
    host: str
    port: int
    is_tls_from_the_start: bool
    folder: str
    username: str
    password: str

    @classmethod
    def of(cls, source: Source) -> _Mailbox:
        parts = urlsplit(source.url)
        is_tls = parts.scheme == "imaps"
        return cls(
            parts.hostname or "",
            parts.port or (993 if is_tls else 143),
            is_tls,
            unquote(parts.path.strip("/")) or "INBOX",
            source.username or unquote(parts.username or ""),
            source.password,
        )


@dataclass(frozen=True, slots=True)
class Visit(Generic[T]):
    """What one visit to a mailbox gave; its fields are those of a ``Harvest``."""

    reason: FetchReason
    detail: str = ""
    messages: tuple[T, ...] = ()
    bookmark: Bookmark | None = None
    after_commit: Callable[[], Awaitable[None]] | None = None
    has_more: bool = False


class _RefusedError(Exception):
    """What the server would not do."""


@dataclass(frozen=True, slots=True)
class ImapReader:
    """Reads mailboxes: ``imaps://host/Folder``; with ``imap://`` the connection is encrypted where the server can."""

    timeout: timedelta  # for one visit, wall clock
    max_bytes: int  # larger messages are left out
    clock: Callable[[], datetime]
    ssl_context: ssl.SSLContext

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """The messages that came since the last one known, whether somebody has read them or not."""
        now = self.clock()
        visit = await self.visit(source, bookmark, lambda uid, body: _entry(uid, body, source, now))
        return Harvest(
            visit.reason,
            visit.detail,
            entries=tuple(entry for entry in visit.messages if entry),
            is_whole=visit.reason is FetchReason.OK,
            bookmark=visit.bookmark,
            after_commit=visit.after_commit,
            has_more=visit.has_more,
        )

    async def visit(self, source: Source, bookmark: Bookmark, convert: Callable[[int, bytes], T]) -> Visit[T]:
        """What ``convert`` makes of each message since the last one known, by its number and as it was sent.

        It is called on a thread of its own; of large messages only what it gives is kept.
        """
        now = self.clock()
        box = _Mailbox.of(source)
        try:
            # On asyncio's threads: it waits, and must not hold up those that compute.
            return await asyncio.to_thread(self._visit, box, source, bookmark, now, convert)
        except _RefusedError as error:
            return Visit(FetchReason.REFUSED, str(error))
        except ssl.SSLCertVerificationError as error:
            return Visit(FetchReason.BAD_CERTIFICATE, f"the server's certificate is not valid: {error.verify_message}")
        except TimeoutError:
            return Visit(FetchReason.TIMEOUT, f"no complete answer within {self.timeout.total_seconds():g} seconds")
        except imaplib.IMAP4.error as error:
            return Visit(FetchReason.NOT_A_FEED, tidy_line(f"the server speaks no imap: {error}")[:200])
        except OSError as error:
            return Visit(FetchReason.UNREACHABLE, f"no connection: {(error.strerror or str(error)).lower()}")

    def _visit(
        self, box: _Mailbox, source: Source, bookmark: Bookmark, now: datetime, convert: Callable[[int, bytes], T]
    ) -> Visit[T]:
        with self._connected(box) as server:
            validity = _open_folder(server, box.folder, readonly=True)
            found = _CURSOR.fullmatch(bookmark.cursor or "")
            last = int(found[2]) if found and int(found[1]) == validity else 0
            since = f"{now - source.catch_up - _SEARCH_SLACK:%d-%b-%Y}"
            wanted = f"UID {last + 1}:*" if last else f"SINCE {since}"
            # `n:*` always holds the last message, also when it is older than n.
            uids = sorted(uid for uid in _search(server, wanted) if uid > last)
            turn = uids[:_AT_ONCE]
            messages = tuple(convert(uid, body) for uid, body in _fetch(server, _small(server, turn, self.max_bytes)))
        done = max(turn, default=last)
        return Visit(
            FetchReason.OK,
            messages=messages,
            bookmark=Bookmark(cursor=f"{validity}:{done}") if done else None,
            after_commit=(lambda: self._mark_seen(source, box, turn)) if turn else None,
            has_more=len(uids) > len(turn),
        )

    async def _mark_seen(self, source: Source, box: _Mailbox, uids: Sequence[int]) -> None:
        try:
            await asyncio.to_thread(self._store_seen, box, uids)
        except (_RefusedError, imaplib.IMAP4.error, OSError) as error:
            # They are stored, and the bookmark is behind them: this is only how the mailbox looks to people.
            log.warning("mail_not_marked_seen", source_id=source.id, reason=str(error), messages=len(uids))

    def _store_seen(self, box: _Mailbox, uids: Sequence[int]) -> None:
        with self._connected(box) as server:
            _open_folder(server, box.folder, readonly=False)
            _expect_ok(server.uid("STORE", _as_set(uids), "+FLAGS.SILENT", r"(\Seen)"), "to mark messages as seen")

    @contextmanager
    def _connected(self, box: _Mailbox) -> Iterator[imaplib.IMAP4]:
        deadline = _Deadline(self.timeout)
        try:
            with deadline.connect(box, self.ssl_context) as server:
                if not box.is_tls_from_the_start and "STARTTLS" in server.capabilities:
                    server.starttls(self.ssl_context)
                try:
                    server.login(box.username, box.password)
                except imaplib.IMAP4.abort:
                    raise
                except imaplib.IMAP4.error as error:
                    raise _RefusedError(f"the server refuses the login of {box.username or 'nobody'}") from error
                yield server
        except (imaplib.IMAP4.error, OSError) as error:
            if deadline.is_over:
                raise TimeoutError from error
            raise
        finally:
            deadline.cancel()


class _Deadline:
    """Cuts a connection after a time, from its first byte on.

    The library's own limit is for each read: a server that drips would hold its thread for ever.
    """

    def __init__(self, timeout: timedelta) -> None:
        self.seconds = timeout.total_seconds()
        self.is_over = False
        self._timer: Timer | None = None

    def connect(self, box: _Mailbox, ssl_context: ssl.SSLContext) -> imaplib.IMAP4:
        """The connection after the server's greeting."""
        if box.is_tls_from_the_start:
            return _TimedTls(self, box.host, box.port, ssl_context=ssl_context, timeout=self.seconds)
        return _Timed(self, box.host, box.port, timeout=self.seconds)

    def start(self, sock: socket.socket) -> None:
        self._timer = Timer(self.seconds, self._cut, (sock,))
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self, sock: socket.socket) -> None:
        self.is_over = True
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


class _Timed(imaplib.IMAP4):
    def __init__(self, deadline: _Deadline, *args: Any, **values: Any) -> None:
        self._deadline = deadline
        super().__init__(*args, **values)

    def open(self, *args: Any, **values: Any) -> None:
        super().open(*args, **values)
        self._deadline.start(self.sock)


class _TimedTls(imaplib.IMAP4_SSL):
    def __init__(self, deadline: _Deadline, *args: Any, **values: Any) -> None:
        self._deadline = deadline
        super().__init__(*args, **values)

    def open(self, *args: Any, **values: Any) -> None:
        super().open(*args, **values)
        self._deadline.start(self.sock)


def _open_folder(server: imaplib.IMAP4, folder: str, *, readonly: bool) -> int:
    """The folder's UIDVALIDITY: while it stays, its numbers name the same messages."""
    quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
    _expect_ok(server.select(quoted, readonly=readonly), f"to open the folder {folder}")
    _, answers = server.response("UIDVALIDITY")
    found = _SELECTED.search(answers[0]) if answers and isinstance(answers[0], bytes) else None
    return int(found[0]) if found else 0


def _search(server: imaplib.IMAP4, what: str) -> list[int]:
    answers = _expect_ok(server.uid("SEARCH", what), "to search")
    return [int(uid) for answer in answers if isinstance(answer, bytes) for uid in answer.split() if uid.isdigit()]


def _small(server: imaplib.IMAP4, uids: Sequence[int], max_bytes: int) -> list[int]:
    """Those messages that are no larger than that."""
    if not uids:
        return []
    small = []
    for answer in _expect_ok(server.uid("FETCH", _as_set(uids), "(UID RFC822.SIZE)"), "to tell sizes"):
        line = answer[0] if isinstance(answer, tuple) else answer
        found = _SIZE.search(line) if isinstance(line, bytes) else None
        if found is None:
            continue
        uid, size = (found[1], found[2]) if found[1] else (found[4], found[3])
        if int(size) <= max_bytes:
            small.append(int(uid))
        else:
            log.warning("mail_too_large", uid=int(uid), size_bytes=int(size))
    return sorted(small)


def _fetch(server: imaplib.IMAP4, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Each message as it was sent; looking does not mark it."""
    for uid in uids:
        for answer in _expect_ok(server.uid("FETCH", str(uid), "(BODY.PEEK[])"), "to give a message"):
            if isinstance(answer, tuple):
                yield uid, answer[1]


def _expect_ok(answer: tuple[str, Sequence[object]], what: str) -> Sequence[object]:
    status, lines = answer
    if status != "OK":
        said = lines[0].decode("utf-8", "replace") if lines and isinstance(lines[0], bytes) else ""
        raise _RefusedError(tidy_line(f"the server refuses {what}: {said}")[:300])
    return lines


def _as_set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _entry(uid: int, message: bytes, source: Source, now: datetime) -> FeedEntry | None:
    """The message as an item that carries its whole text; None for one that says nothing that can be read."""
    try:
        mail = message_from_bytes(message, policy=policy.default)
        subject = _header(mail, "Subject")
        text = _text(mail)
        identity = _header(mail, "Message-ID")
        archived_at = _header(mail, "Archived-At").strip("<>")  # RFC 5064
        published_at = _date(mail, now)
    except _PARSER_ERRORS as error:
        log.warning("mail_not_readable", source_id=source.id, uid=uid, reason=str(error))
        return None
    if not subject and not text:
        return None
    return FeedEntry(
        source_id=source.id,
        guid=identity or None,
        url=absolute_url(archived_at, archived_at),
        title=subject[:1_000],
        summary=text[:_MAX_CHARS],
        is_full_text=bool(text),
        published_at=published_at,
    )


def _header(mail: EmailMessage, name: str) -> str:
    return tidy_line(str(mail.get(name) or ""))


def _text(mail: EmailMessage) -> str:
    """The body for people; of a mail in both forms the HTML one, whose paragraphs are whole."""
    part = mail.get_body(("html", "plain"))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        text = raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    return plain_text(text) if part.get_content_type() == "text/html" else tidy(text)


def _date(mail: EmailMessage, now: datetime) -> datetime | None:
    stated = _header(mail, "Date")
    try:
        moment = parsedate_to_datetime(stated)
    except (ValueError, TypeError):
        return None
    return believable(moment.astimezone(now.tzinfo) if moment.tzinfo else moment.replace(tzinfo=now.tzinfo), now)
