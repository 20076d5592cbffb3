"""Mailboxes: what becomes of their messages, and when they are marked, against a real IMAP server."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.imap import PASSWORD, USER, MailboxServer
from watcher.model import Bookmark, FetchReason, Source, SourceKind
from watcher.sources.imap import ImapReader

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

LETTER = """\
From: Border Bulletin <desk@bulletin.example>
Subject: =?utf-8?q?Frontier_closed_after_shelling_=E2=80=93_morning_edition?=
Message-ID: <{number}@bulletin.example>
Date: Mon, 02 Mar 2026 10:00:00 +0400
Archived-At: <https://bulletin.example/archive/{number}>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=cut

--cut
Content-Type: text/plain; charset=us-ascii

See the HTML part.
--cut
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<html><head><title>x</title><style>p {{color: red}}</style></head><body><p>The crossing is shut, the ministry said.</p>
<p>Letter {number} – two lorries wait.</p><script>alert(1)</script></body></html>
--cut--
"""


def letter(number: int) -> bytes:
    return LETTER.format(number=number).replace("\n", "\r\n").encode()


@pytest.fixture(scope="module")
def server() -> Iterator[MailboxServer]:
    with MailboxServer() as running:
        yield running


@pytest.fixture
def folder(server: MailboxServer) -> str:
    return server.create()


def reader(seconds: float = 10, max_bytes: int = 100_000) -> ImapReader:
    return ImapReader(timedelta(seconds=seconds), max_bytes, lambda: NOW, ssl.create_default_context())


def source(url: str, **values: object) -> Source:
    return replace(Source("letters", url, SourceKind.IMAP, username=USER, password=PASSWORD), **values)


async def test_a_message_is_an_item_with_its_whole_text(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW, letter(1))
    harvest = await reader().read(source(server.url(folder)), Bookmark())
    assert (harvest.reason, harvest.is_whole, harvest.has_more) == (FetchReason.OK, True, False)
    (entry,) = harvest.entries
    assert entry.title == "Frontier closed after shelling – morning edition"
    assert entry.summary == "The crossing is shut, the ministry said.\n\nLetter 1 – two lorries wait."
    assert entry.is_full_text
    assert entry.guid == "<1@bulletin.example>"
    assert entry.url == "https://bulletin.example/archive/1"
    assert entry.published_at == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


async def test_it_is_marked_as_seen_once_it_is_stored_and_not_before(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW, letter(1))
    harvest = await reader().read(source(server.url(folder)), Bookmark())
    assert server.seen(folder) == 0
    assert harvest.after_commit is not None
    await harvest.after_commit()
    assert server.seen(folder) == 1


async def test_the_next_reading_starts_behind_the_last_message(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW, letter(1))
    box = source(server.url(folder))
    first = await reader().read(box, Bookmark())
    assert first.bookmark is not None
    nothing = await reader().read(box, first.bookmark)
    assert (nothing.entries, nothing.bookmark, nothing.after_commit) == ((), first.bookmark, None)
    server.put(folder, NOW, letter(2))
    second = await reader().read(box, first.bookmark)
    assert [entry.guid for entry in second.entries] == ["<2@bulletin.example>"]


async def test_a_message_that_somebody_has_read_is_read_all_the_same(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW, letter(1))
    box = source(server.url(folder))
    first = await reader().read(box, Bookmark())
    assert first.after_commit is not None
    await first.after_commit()
    again = await reader().read(box, Bookmark())  # a new start of watcher with an empty store
    assert len(again.entries) == 1


async def test_old_messages_of_a_full_mailbox_are_not_fetched_at_first(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW - timedelta(days=9), letter(1))
    server.put(folder, NOW, letter(2))
    harvest = await reader().read(source(server.url(folder)), Bookmark())
    assert [entry.guid for entry in harvest.entries] == ["<2@bulletin.example>"]


async def test_many_messages_are_read_in_turns(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW, *map(letter, range(1, 61)))
    box, bookmark, found = source(server.url(folder)), Bookmark(), []
    for has_more in (True, False):
        harvest = await reader().read(box, bookmark)
        assert harvest.has_more is has_more
        assert harvest.bookmark is not None
        bookmark = harvest.bookmark
        found += [entry.guid for entry in harvest.entries]
    assert found == [f"<{number}@bulletin.example>" for number in range(1, 61)]


async def test_a_folder_that_was_made_anew_is_read_from_its_start(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW, letter(1))
    box = source(server.url(folder))
    first = await reader().read(box, Bookmark())
    assert first.bookmark is not None
    assert first.bookmark.cursor is not None
    other = Bookmark(cursor="1:" + first.bookmark.cursor.split(":")[1])
    assert len((await reader().read(box, other)).entries) == 1


async def test_a_message_that_is_too_large_is_left_out(server: MailboxServer, folder: str) -> None:
    server.put(folder, NOW, letter(1) + b"x" * 5_000)
    server.put(folder, NOW, letter(2))
    harvest = await reader(max_bytes=3_000).read(source(server.url(folder)), Bookmark())
    assert [entry.guid for entry in harvest.entries] == ["<2@bulletin.example>"]


HOSTILE = {
    "nothing": b"\r\n",
    "no headers": b"\r\njust words\r\n",
    "unknown charset": b"Subject: a\r\nContent-Type: text/plain; charset=klingon\r\n\r\nwords\r\n",
    "bad base64": b"Subject: a\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%\r\n",
    "bad header": b"Subject: =?utf-8?b?////?=\r\nMessage-ID: <<a\r\nDate: tomorrow\r\n\r\nwords\r\n",
    "endless parts": b"Subject: a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 2_000,
    "control characters": b"Subject: a\x07b\r\n\r\n\x00\x1bwords\r\n",
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_message_stops_no_other(server: MailboxServer, folder: str, message: bytes) -> None:
    server.put(folder, NOW, message)
    server.put(folder, NOW, letter(2))
    harvest = await reader().read(source(server.url(folder)), Bookmark())
    assert harvest.reason is FetchReason.OK
    assert harvest.entries[-1].guid == "<2@bulletin.example>"
    assert all("\x07" not in entry.title and "\x00" not in entry.summary for entry in harvest.entries)


async def test_what_the_server_refuses_is_named(server: MailboxServer, folder: str) -> None:
    wrong = source(server.url(folder), password="wrong")
    harvest = await reader().read(wrong, Bookmark())
    assert (harvest.reason, harvest.detail) == (FetchReason.REFUSED, "the server refuses the login of demouser")
    missing = await reader().read(source(server.url("Nowhere")), Bookmark())
    assert missing.reason is FetchReason.REFUSED
    assert missing.detail.startswith("the server refuses to open the folder Nowhere")


async def test_no_server_no_imap_and_no_answer_are_told_apart() -> None:
    gone = await reader().read(source("imap://127.0.0.1:9/INBOX"), Bookmark())
    assert gone.reason is FetchReason.UNREACHABLE
    with greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n", 0) as port:
        other = await reader().read(source(f"imap://127.0.0.1:{port}/INBOX"), Bookmark())
    assert other.reason is FetchReason.NOT_A_FEED
    with greeting(b"* OK hello" + b"." * 10_000, 0.05) as port:
        late = await reader(seconds=0.5).read(source(f"imap://127.0.0.1:{port}/INBOX"), Bookmark())
    assert (late.reason, late.detail) == (FetchReason.TIMEOUT, "no complete answer within 0.5 seconds")


@contextmanager
def greeting(words: bytes, pause: float) -> Iterator[int]:
    """The port of a server that says these words, a byte at a time where there is a pause."""

    def speak() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            for index in range(len(words) if pause else 1):
                connection.sendall(words[index : index + 1] if pause else words)
                time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = threading.Thread(target=speak)
        speaker.start()
        yield listener.getsockname()[1]
        speaker.join()
