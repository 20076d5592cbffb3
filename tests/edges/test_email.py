"""The mail channel against a real SMTP server with real certificates."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
import trustme

from tests.builders import NOW, alert, delivery
from tests.smtp import AcceptedMail, MailFault, MailServer
from watcher.model import Alert, Channel, Delivered, GiveUp, Outcome, Retry, Uncertain
from watcher.notify.base import OutgoingMessage
from watcher.notify.email import GREYLISTED_FOR, GREYLISTED_TIMES, EmailNotifier
from watcher.notify.mail_letter import message_id
from watcher.render import render_email
from watcher.timing import retry_delay

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}
SENDER = "watcher@example.org"
DESK = "desk@example.net"
ID = message_id("hk4mbv7q2c", "desk", "example.org")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def message(about: Alert | None = None, *, to: str = DESK, reply_to: str | None = None) -> OutgoingMessage:
    return OutgoingMessage(about or alert(), delivery(channel=Channel.EMAIL, target=to), reply_to, NAMES)


async def outcome_of(*faults: MailFault, to: str = DESK) -> tuple[Outcome, list[AcceptedMail]]:
    async with MailServer() as server:
        server.answer(to, *faults)
        notifier = EmailNotifier("127.0.0.1", server.port, sender=SENDER)
        outcome = await notifier.send(message(to=to))
        await notifier.aclose()
    return outcome, server.accepted


async def test_a_mail_can_be_read_as_text_and_as_html() -> None:
    outcome, (accepted,) = await outcome_of()
    assert outcome == Delivered(ID)
    assert (accepted.sender, accepted.recipient) == (SENDER, DESK)
    mail = accepted.mail
    subject, text, html = render_email(alert(), NAMES)
    assert (mail["From"], mail["To"], mail["Subject"], mail["Message-ID"]) == (SENDER, DESK, subject, ID)
    assert parsedate_to_datetime(str(mail["Date"])) == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "watcher alerts <alerts.example.org>"
    assert mail["In-Reply-To"] is None
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().replace("\r\n", "\n") == f"{text}\nSent to {DESK} by watcher.\n"
    assert html in rich.get_content().replace("\r\n", "\n")


async def test_an_update_joins_the_thread_of_the_first_mail() -> None:
    async with MailServer() as server:
        notifier = EmailNotifier("127.0.0.1", server.port, sender=SENDER)
        assert await notifier.send(message(alert(id="update"), reply_to=ID)) != Delivered(ID)
    assert server.accepted[0].mail["In-Reply-To"] == server.accepted[0].mail["References"] == ID


async def test_a_mail_sent_again_has_the_same_id() -> None:
    _, (first,) = await outcome_of()
    _, (second,) = await outcome_of()
    assert first.mail["Message-ID"] == second.mail["Message-ID"] == ID
    assert message_id("hk4mbv7q2c", "other", "example.org") != ID


async def test_titles_cannot_add_headers() -> None:
    async with MailServer() as server:
        notifier = EmailNotifier("127.0.0.1", server.port, sender=SENDER)
        await notifier.send(message(alert(headline="Clash\r\nBcc: spy@example.com\r\n\r\n<html>")))
    (accepted,) = server.accepted
    assert accepted.mail["Bcc"] is None
    assert accepted.mail["Subject"] == "[CRITICAL] Clash Bcc: spy@example.com <html>"


@pytest.mark.parametrize("to", ["no address", "a@b\r\nRCPT TO:<spy@example.com>", "a@b,c@d", "Desk <a@b>", "a@", ""])
async def test_what_is_no_address_is_never_tried(to: str) -> None:
    notifier = EmailNotifier("127.0.0.1", 1, sender=SENDER)
    assert await notifier.send(message(to=to)) == GiveUp("not a mail address", recipient_is_gone=True)


@pytest.mark.parametrize(
    ("to", "header"), [("stab@пример.example", "stab@xn--e1afmkfd.example"), ("штаб@example.net", "штаб@example.net")]
)
async def test_addresses_in_other_scripts(to: str, header: str) -> None:
    async with MailServer() as server:
        outcome = await EmailNotifier("127.0.0.1", server.port, sender=SENDER).send(message(to=to))
    assert outcome == Delivered(ID)
    assert server.accepted[0].recipient == header


async def test_a_server_without_smtputf8_cannot_reach_such_an_address() -> None:
    async with MailServer(with_smtputf8=False) as server:
        outcome = await EmailNotifier("127.0.0.1", server.port, sender=SENDER).send(message(to="штаб@example.net"))
    assert isinstance(outcome, GiveUp)
    assert outcome.reason.startswith("the mail server cannot reach such an address")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            MailFault("RCPT", "451 4.7.1 Greylisted, try again in 5 minutes"),
            Retry(
                "the mail server refuses the recipient: 451 4.7.1 Greylisted, try again in 5 minutes",
                after=GREYLISTED_FOR,
            ),
        ),
        (
            MailFault("RCPT", "550 5.1.1 User unknown"),
            GiveUp("the mail server refuses the recipient: 550 5.1.1 User unknown", recipient_is_gone=True),
        ),
        (
            MailFault("RCPT", "550 No such user here"),
            GiveUp("the mail server refuses the recipient: 550 No such user here", recipient_is_gone=True),
        ),
        (
            MailFault("RCPT", "552 5.2.2 Mailbox full"),
            Retry("the mail server refuses the recipient: 552 5.2.2 Mailbox full"),
        ),
        (
            MailFault("RCPT", "552 too many recipients"),
            Retry("the mail server refuses the recipient: 552 too many recipients"),
        ),
        (
            MailFault("RCPT", "550 relay not permitted"),
            GiveUp("the mail server refuses the recipient: 550 relay not permitted"),
        ),
        (
            MailFault("RCPT", "550 rejected because 192.0.2.1 is in a black list at zen.example"),
            GiveUp(
                "the mail server refuses the recipient: 550 rejected because 192.0.2.1 is in a black list at zen.example"
            ),
        ),
        (
            MailFault("DATA", "550 5.1.1 no such user after all"),
            GiveUp("the mail server refuses the message: 550 5.1.1 no such user after all", recipient_is_gone=True),
        ),
        (
            MailFault("DATA", "552 5.2.2 Over quota"),
            Retry("the mail server refuses the message: 552 5.2.2 Over quota"),
        ),
        (
            MailFault("DATA", "552 5.3.4 Message too big"),
            GiveUp("the mail server refuses the message: 552 5.3.4 Message too big"),
        ),
        (
            MailFault("RCPT", "554 5.7.1 Relay access denied"),
            GiveUp("the mail server refuses the recipient: 554 5.7.1 Relay access denied"),
        ),
        (
            MailFault("DATA", "554 5.6.0 Content refused"),
            GiveUp("the mail server refuses the message: 554 5.6.0 Content refused"),
        ),
        (
            MailFault("DATA", "452 4.3.1 Insufficient storage"),
            Retry("the mail server refuses the message: 452 4.3.1 Insufficient storage"),
        ),
    ],
)
async def test_refusals(fault: MailFault, expected: Outcome) -> None:
    assert await outcome_of(fault) == (expected, [])


@pytest.mark.parametrize(("lose", "arrived"), [("before", 0), ("after", 1)])
async def test_a_connection_that_breaks_after_the_words_are_sent_is_uncertain(lose: str, arrived: int) -> None:
    outcome, accepted = await outcome_of(MailFault("DATA", lose=lose))
    assert isinstance(outcome, Uncertain)
    assert len(accepted) == arrived


async def test_a_connection_that_breaks_before_the_words_has_lost_nothing() -> None:
    outcome, accepted = await outcome_of(MailFault("RCPT", lose="before"))
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("the connection to the mail server broke")
    assert not outcome.whole_channel
    assert accepted == []


async def test_a_server_that_answers_too_late_may_have_the_mail() -> None:
    async with MailServer(answer_after=5) as server:
        notifier = EmailNotifier("127.0.0.1", server.port, sender=SENDER, timeout=timedelta(seconds=0.3))
        outcome = await notifier.send(message())
    assert isinstance(outcome, Uncertain)
    assert len(server.accepted) == 1


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
async def test_a_server_that_closes_holds_everything_back(at: str) -> None:
    outcome, _ = await outcome_of(MailFault(at, "421 4.3.2 System shutting down"))
    assert isinstance(outcome, Retry)
    assert outcome.whole_channel


async def test_greylisting_is_waited_out_and_no_trouble_of_the_channel() -> None:
    async with MailServer() as server:
        server.answer(DESK, *[MailFault("RCPT", "450 4.2.0 Greylisted, see you later")] * (GREYLISTED_TIMES + 1))
        notifier = EmailNotifier("127.0.0.1", server.port, sender=SENDER)
        waits = []
        for attempts in range(1, GREYLISTED_TIMES + 2):
            one = message()
            outcome = await notifier.send(replace(one, delivery=replace(one.delivery, attempts=attempts)))
            assert isinstance(outcome, Retry)
            assert not outcome.whole_channel
            waits.append(outcome.after)
        # From then on the waits of any trouble, which have grown beyond that by then.
        assert waits == [GREYLISTED_FOR] * GREYLISTED_TIMES + [None]
        assert retry_delay(GREYLISTED_TIMES + 2, 0) >= GREYLISTED_FOR
        assert await notifier.send(message()) == Delivered(ID)


async def test_nobody_listens() -> None:
    async with MailServer() as server:
        port = server.port
    outcome = await EmailNotifier("127.0.0.1", port, sender=SENDER).send(message())
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("cannot connect to the mail server")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_encryption_and_login(security: str, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    values = {"starttls": server_tls} if security == "starttls" else {"tls": server_tls}
    async with MailServer(login=("watcher", "s3cret"), **values) as server:
        notifier = EmailNotifier(
            "localhost", server.port, sender=SENDER, security=security,
            username="watcher", password="s3cret", tls=client_tls,
        )  # fmt: skip
        assert await notifier.send(message()) == Delivered(ID)
    assert (server.accepted[0].was_encrypted, server.accepted[0].login) == (True, "watcher")


async def test_a_wrong_password_holds_the_channel_and_is_not_shown(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with MailServer(login=("watcher", "s3cret"), starttls=server_tls) as server:
        notifier = EmailNotifier(
            "localhost", server.port, sender=SENDER, security="starttls",
            username="watcher", password="wr0ng", tls=client_tls,
        )  # fmt: skip
        outcome = await notifier.send(message())
    assert isinstance(outcome, Retry)
    assert outcome.whole_channel
    assert outcome.reason.startswith("the mail server refuses the login: 535")
    assert "wr0ng" not in outcome.reason


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for(security: str, server_tls: ssl.SSLContext) -> None:
    values = {"starttls": server_tls} if security == "starttls" else {"tls": server_tls}
    async with MailServer(**values) as server:
        outcome = await EmailNotifier("localhost", server.port, sender=SENDER, security=security).send(message())
    assert isinstance(outcome, Retry)
    assert "certificate verify failed" in outcome.reason.lower()
    assert server.accepted == []


async def test_a_certificate_for_another_name(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with MailServer(tls=server_tls) as server:
        notifier = EmailNotifier("127.0.0.1", server.port, sender=SENDER, security="tls", tls=client_tls)
        outcome = await notifier.send(message())
    assert isinstance(outcome, Retry)
    assert server.accepted == []


async def test_starttls_is_never_fallen_back_from(client_tls: ssl.SSLContext) -> None:
    async with MailServer() as server:
        notifier = EmailNotifier("localhost", server.port, sender=SENDER, security="starttls", tls=client_tls)
        outcome = await notifier.send(message())
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("cannot connect to the mail server")
    assert server.accepted == []
