"""The mail channel against a real mail server, exim4 as Debian packages it; and what comes back from there."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from tests.builders import NOW, alert, delivery, excerpt, report
from tests.edges.test_email_letters import LEAVE, digest
from tests.exim import Exim, find_exim
from watcher.model import Alert, Channel, Delivered, GiveUp, Outcome, Retry
from watcher.notify.base import OutgoingMessage
from watcher.notify.email import GREYLISTED_FOR, EmailNotifier
from watcher.notify.mail_bounce import Bounce, read_returned
from watcher.notify.mail_letter import build_mail, message_id
from watcher.notify.mail_refusal import Refusal

pytestmark = pytest.mark.skipif(find_exim() is None, reason="exim4 is not installed: apt install exim4-daemon-light")

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}
SENDER = "watcher@example.org"
LONG = alert(
    headline="Überfall – удар 漢字 " + "х" * 400,
    excerpts=(excerpt("слово " * 400 + "x" * 3000),),
    reports=(report(url=f"https://courier.example/{'y' * 900}"),),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Exim]:
    with Exim() as running:
        yield running


async def send(server: Exim, about: Alert, to: str, recipient_id: str = "desk") -> Outcome:
    notifier = EmailNotifier("127.0.0.1", server.port, sender=SENDER, leave=LEAVE)
    return await notifier.send(message(about, to, recipient_id))


def message(about: Alert, to: str, recipient_id: str = "desk") -> OutgoingMessage:
    given = delivery(channel=Channel.EMAIL, target=to, recipient_id=recipient_id)
    return OutgoingMessage(about, given, None, NAMES)


@pytest.mark.parametrize(
    ("to", "about"),
    [
        ("plain@example.net", alert()),
        ("long@example.net", LONG),
        ("digest@example.net", digest()),
        ("штаб@example.net", LONG),
        ("o'hara+alerts@example.net", alert()),
    ],
    ids=["plain", "long", "digest", "utf-8 address", "signs"],
)
async def test_what_is_delivered_is_what_was_written(server: Exim, to: str, about: Alert) -> None:
    proof = LEAVE.token("desk", to)
    assert await send(server, about, to) == Delivered(message_id(about.id, "desk", "example.org", proof))
    raw = server.delivered(to)
    assert max(map(len, raw.split(b"\n"))) <= 998
    arrived = message_from_bytes(raw, policy=policy.SMTPUTF8)
    assert isinstance(arrived, EmailMessage)
    assert [defect for part in arrived.walk() for defect in part.defects] == []
    written = build_mail(message(about, to), SENDER, leave=LEAVE)
    for name, value in written.items():
        assert arrived[name] == value, name
    assert [part.get_content_type() for part in arrived.walk()] == [part.get_content_type() for part in written.walk()]
    for kind in ("plain", "html"):
        there, here = arrived.get_body((kind,)), written.get_body((kind,))
        assert there is not None
        assert here is not None
        assert there.get_content().replace("\r\n", "\n") == here.get_content().replace("\r\n", "\n")


async def test_what_the_server_refuses(server: Exim) -> None:
    refused = "the mail server refuses the recipient: "
    assert await send(server, alert(), "nobody-here@example.net") == GiveUp(
        f"{refused}550 5.1.1 no such user", recipient_is_gone=True
    )
    # A relay that does not know us says nothing about the address.
    assert await send(server, alert(), "desk@elsewhere.example") == GiveUp(f"{refused}550 relay not permitted")
    assert await send(server, alert(), "slow@example.net") == Retry(
        f"{refused}451 greylisted, please try again later", after=GREYLISTED_FOR
    )


async def test_a_mail_that_comes_back_names_itself(server: Exim) -> None:
    about = alert(id="comesback1", created_at=NOW)
    outcome = await send(server, about, "gone@late.example.net")
    assert isinstance(outcome, Delivered)
    (bounce,) = read_returned(server.delivered(SENDER))
    assert isinstance(bounce, Bounce)
    assert (bounce.message_id, bounce.addresses) == (outcome.reference, ("gone@late.example.net",))
    assert bounce.refusal is Refusal.LASTS  # exim gives 5.0.0, which says nothing about the address
