"""Mails that come back, and mails of people who want no more, in a real mailbox."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import alert, delivery, event, recipient
from tests.imap import PASSWORD, USER, MailboxServer
from watcher.bounces import Bounces, mailbox_of
from watcher.errors import ConfigError
from watcher.model import Alert, AlertKind, Channel, DeliveryState
from watcher.notify.mail_bounce import Bounce, Wish, read_returned
from watcher.notify.mail_letter import message_id
from watcher.notify.mail_refusal import Refusal, judge_refusal
from watcher.settings import Settings, load_settings
from watcher.sources.imap import ImapReader
from watcher.store import Store
from watcher.unsubscribing import UNSUBSCRIBED, Unsubscribing, token_of

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = b"k" * 32
DESK = recipient(id="desk", channel=Channel.EMAIL, target="desk@example.net")
OPERATOR = recipient(id="operator", is_operator=True)
REFERENCE = message_id("hk4mbv7q2c", "desk", "example.org")

REPORT = """\
From: Mail Delivery System <Mailer-Daemon@mail.example.org>
To: watcher@example.org
Subject: Mail delivery failed
Date: Mon, 02 Mar 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=cut

--cut
Content-Type: text/plain

Your message could not be delivered.
--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

{block}
--cut
Content-Type: {kind}

From: watcher@example.org
To: desk@example.net
Message-ID: {reference}
Subject: [CRITICAL] Clash

--cut--
"""
GONE = (
    "Final-Recipient: rfc822; Desk@Example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown"
)


def report(block: str = GONE, *, kind: str = "text/rfc822-headers", reference: str = REFERENCE) -> bytes:
    return REPORT.format(block=block, kind=kind, reference=reference).replace("\n", "\r\n").encode()


def failed(status: str, said: str = "") -> str:
    diagnostic = f"\nDiagnostic-Code: smtp; {said}" if said else ""
    return f"Final-Recipient: rfc822; desk@example.net\nAction: failed\nStatus: {status}{diagnostic}"


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_a_notification(kind: str) -> None:
    assert read_returned(report(kind=kind)) == (
        Bounce(REFERENCE, ("Desk@Example.net",), Refusal.ADDRESS_IS_GONE, "550 5.1.1 unknown"),
    )


@pytest.mark.parametrize(
    ("status", "said", "refusal"),
    [
        ("5.1.1", "", Refusal.ADDRESS_IS_GONE),
        ("5.1.10", "", Refusal.ADDRESS_IS_GONE),
        ("5.0.0", "550 5.1.1 <desk@example.net>: user unknown", Refusal.ADDRESS_IS_GONE),
        ("5.0.0", "550 No such user", Refusal.LASTS),
        ("5.0.0", "", Refusal.LASTS),
        ("5.2.2", "552 5.2.2 mailbox full", Refusal.PASSES),
        ("5.7.1", "550 5.7.1 spam", Refusal.LASTS),
        ("4.4.7", "", Refusal.PASSES),
        ("nonsense", "", Refusal.LASTS),
    ],
)
def test_what_a_status_means(status: str, said: str, refusal: Refusal) -> None:
    (bounce,) = read_returned(report(failed(status, said)))
    assert isinstance(bounce, Bounce)
    assert bounce.refusal is refusal


@pytest.mark.parametrize(
    "raw",
    [
        report("Final-Recipient: rfc822; desk@example.net\nAction: delayed\nStatus: 4.4.1"),
        report("Final-Recipient: rfc822; desk@example.net\nAction: delivered\nStatus: 2.0.0"),
        report(reference="none"),
        b"Subject: Out of office\r\n\r\nI am away.",
        b"Content-Type: multipart/report\r\n\r\nnothing",
        b"\xff\x00\r\n",
        b"",
        b"Subject: unsubscribe me\r\n\r\n",
    ],
)
def test_what_is_none(raw: bytes) -> None:
    assert read_returned(raw) == ()


def test_an_address_as_we_wrote_it_counts_as_well() -> None:
    (bounce,) = read_returned(
        report(
            f"Original-Recipient: rfc822;desk@example.net\n{GONE.replace('Desk@Example.net', 'new@elsewhere.example')}"
        )
    )
    assert isinstance(bounce, Bounce)
    assert bounce.addresses == ("desk@example.net", "new@elsewhere.example")


@pytest.mark.parametrize("subject", ["unsubscribe {}", "Re: unsubscribe {}", "=?utf-8?q?unsubscribe_{}?="])
def test_a_wish(subject: str) -> None:
    token = token_of(KEY, "desk", DESK.target)
    token_in = token.replace("_", "=5F") if subject.startswith("=?") else token
    assert read_returned(f"Subject: {subject.format(token_in)}\r\n\r\n".encode()) == (Wish(token),)


@pytest.mark.parametrize(
    ("code", "words", "is_about_address", "refusal"),
    [
        (450, "later", True, Refusal.PASSES),
        (550, "No such user here", True, Refusal.ADDRESS_IS_GONE),
        (550, "Unrouteable address", True, Refusal.ADDRESS_IS_GONE),
        (550, "sender verify failed", True, Refusal.LASTS),
        (550, "relay not permitted", True, Refusal.LASTS),
        (554, "Client host blocked using zen.example", True, Refusal.LASTS),
        (550, "message looks like spam", False, Refusal.LASTS),
        (550, "5.1.1 unknown", False, Refusal.ADDRESS_IS_GONE),
    ],
)
def test_refusals(code: int, words: str, is_about_address: bool, refusal: Refusal) -> None:
    assert judge_refusal(code, words, is_about_address=is_about_address) is refusal


@pytest.fixture(scope="module")
def server() -> Iterator[MailboxServer]:
    with MailboxServer() as running:
        yield running


@dataclass
class Desk:
    server: MailboxServer
    store: Store
    folder: str
    told: int = 0

    def __post_init__(self) -> None:
        with self.store.transaction():
            self.store.events.save(event())
            self.send(alert())
        self.bounces = self.make(self.server.url(self.folder).replace("imap://", f"imap://{USER}@"))

    def send(self, about: Alert) -> None:
        """Nothing; the alert counts as delivered to the desk."""
        self.store.events.save_alert(about)
        sent = delivery(id=f"to-{about.id}", alert_id=about.id, channel=Channel.EMAIL, target=DESK.target)
        self.store.outbox.add([sent])
        self.store.outbox.settle_delivered(sent, reference=message_id(about.id, "desk", "example.org"), now=NOW)

    def make(self, url: str) -> Bounces:
        recipients = (DESK, OPERATOR)
        return Bounces(
            self.store,
            ImapReader(timedelta(seconds=10), 100_000, lambda: NOW, ssl.create_default_context()),
            mailbox_of(url, PASSWORD),
            Unsubscribing(self.store, KEY, lambda: recipients, lambda: NOW),
            lambda: recipients,
            lambda: NOW,
            self._tell,
        )

    def _tell(self) -> None:
        self.told += 1

    async def receives(self, *messages: bytes) -> None:
        self.server.put(self.folder, NOW, *messages)
        await self.bounces.read()

    @property
    def closed(self) -> list[tuple[str, str]]:
        return [(one.recipient_id, one.reason) for one in self.store.outbox.closed_recipients()]

    @property
    def notices(self) -> list[str]:
        return [entry.headline for entry in self.store.outbox.entries(recipient_id="operator")]

    def state(self, alert_id: str = "hk4mbv7q2c") -> DeliveryState:
        (entry,) = self.store.outbox.entries(alert_id=alert_id, recipient_id="desk")
        return entry.delivery.state


@pytest.fixture
def desk(server: MailboxServer) -> Iterator[Desk]:
    with Store.open(None, exclusive=True) as store:
        yield Desk(server, store, server.create())


async def test_an_address_that_is_gone_is_closed_and_told_once(desk: Desk) -> None:
    await desk.receives(b"Subject: hello\r\n\r\nWorld", report(), report())
    await desk.bounces.read()
    assert desk.closed == [("desk", "the mail came back: 550 5.1.1 unknown")]
    assert desk.state() is DeliveryState.FAILED
    assert desk.notices == ["Recipient desk is gone and gets nothing more"]
    assert desk.told == 1
    assert desk.server.seen(desk.folder) == 3


async def test_a_mail_that_failed_for_another_reason_is_told_and_can_be_sent_again(desk: Desk) -> None:
    await desk.receives(report(failed("5.7.1", "550 5.7.1 looks like spam")))
    assert desk.closed == []
    assert desk.state() is DeliveryState.FAILED
    assert desk.notices == ["An alert did not arrive at desk"]
    with desk.store.transaction():
        assert desk.store.outbox.requeue("to-hk4mbv7q2c", NOW)


async def test_a_notice_that_comes_back_is_not_told(desk: Desk) -> None:
    with desk.store.transaction():
        desk.send(alert(id="notice1234", kind=AlertKind.NOTICE, event_id=None))
    await desk.receives(report(failed("5.7.1"), reference=message_id("notice1234", "desk", "example.org")))
    assert desk.state("notice1234") is DeliveryState.FAILED
    assert desk.notices == []


@pytest.mark.parametrize(
    "raw",
    [
        report(reference="<hk4mbv7q2c.made-up@example.org>"),
        report(GONE.replace("Desk@Example.net", "someone@elsewhere.example")),
        report(GONE.replace("failed", "delayed")),
    ],
)
async def test_what_is_not_ours_or_not_final_changes_nothing(desk: Desk, raw: bytes) -> None:
    await desk.receives(raw)
    assert desk.closed == []
    assert desk.state() is DeliveryState.DELIVERED
    assert desk.notices == []


async def test_a_mail_that_asks_to_leave(desk: Desk) -> None:
    await desk.receives(b"Subject: unsubscribe " + b"x" * 43 + b"\r\n\r\n")
    assert desk.closed == []
    await desk.receives(f"Subject: unsubscribe {token_of(KEY, 'desk', DESK.target)}\r\n\r\n".encode())
    assert desk.closed == [("desk", UNSUBSCRIBED)]
    assert desk.notices == ["Recipient desk has unsubscribed and gets nothing more, critical alerts included"]


async def test_a_mailbox_that_cannot_be_read_is_told_after_a_while_and_when_it_is_back(desk: Desk) -> None:
    good = desk.bounces.mailbox
    desk.bounces.mailbox = mailbox_of(desk.server.url("No such folder").replace("imap://", f"imap://{USER}@"), PASSWORD)
    for _ in range(2):
        await desk.bounces.read()
    assert desk.notices == []
    for _ in range(2):
        await desk.bounces.read()
    assert desk.notices == ["The mailbox for returned mails cannot be read: refused"]
    desk.bounces.mailbox = good
    await desk.bounces.read()
    assert sorted(desk.notices)[1:] == ["The mailbox for returned mails cannot be read: refused"]
    assert len(desk.notices) == 2


CONFIGURATION = '[email]\nsender = "watcher@example.org"\nbounces = "{}"\n{}'


def load(folder: Path, mailbox: str, more: str = "") -> Settings:
    path = folder / "config.toml"
    path.write_text(CONFIGURATION.format(mailbox, more), encoding="utf-8")
    path.chmod(0o600)
    return load_settings(path, {})


def test_the_mailbox_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "password").chmod(0o600)
    settings = load(tmp_path, "imaps://watcher@imap.example.org/INBOX", 'bounces_password_file = "password"\n')
    assert settings.email is not None
    assert settings.email.bounces_password.get_secret_value() == "s3cret"
    assert "s3cret" in settings.secrets


@pytest.mark.parametrize(
    ("mailbox", "more", "problem"),
    [
        ("imaps://w@imap.example.org/", "", "a mailbox needs a password: set bounces_password_file"),
        ("imaps://imap.example.org/", 'bounces_password = "x"\n', "a mailbox needs a username"),
        ("https://w@imap.example.org/", 'bounces_password = "x"\n', "expected a mailbox like imaps://"),
        ("imaps://w:x@imap.example.org/", 'bounces_password = "x"\n', "the password does not belong into the address"),
        ("", 'unsubscribe_to = "nobody"\n', "unsubscribe_to"),
    ],
)
def test_what_is_wrong_with_the_mailbox_is_said(tmp_path: Path, mailbox: str, more: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(tmp_path, mailbox, more)
