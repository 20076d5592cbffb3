"""Mail from the outbox to the reader and back: a thread, a click that ends it, and what operators hear."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.builders import NOW, alert, delivery, event
from tests.edges.test_email_letters import digest
from tests.smtp import MailFault, MailServer
from watcher.daemon import make_notifiers
from watcher.dispatch import Dispatcher, Settled
from watcher.model import Channel, DeliveryState, EventChange, Severity
from watcher.server import Request
from watcher.settings import Settings
from watcher.settings.schema import EmailSettings, RecipientSettings, ServerSettings
from watcher.store import Store
from watcher.unsubscribing import UNSUBSCRIBED, Unsubscribing, unsubscribe_key

DESK = "desk@example.net"


class Post:
    """A store, a mail server, and the channel between them as the daemon makes it."""

    def __init__(self, store: Store, server: MailServer, **recipient: Any) -> None:
        self.store = store
        self.now = NOW
        settings = Settings(
            email=EmailSettings(host="127.0.0.1", port=server.port, sender="watcher@example.org"),
            server=ServerSettings(public_url="https://alerts.example.org"),
            recipients=(RecipientSettings(id="desk", channel=Channel.EMAIL, to=DESK, **recipient),),
        )
        self.recipients = settings.to_recipients()
        self.settled: list[Settled] = []
        self.dispatcher = Dispatcher(
            store,
            {Channel.EMAIL: make_notifiers(settings, store)[Channel.EMAIL]},
            {},
            lambda: self.now,
            lambda: 0.0,
            self.settled.append,
            lambda: self.recipients,
        )
        self.leaving = Unsubscribing(store, unsubscribe_key(store), lambda: self.recipients, lambda: self.now)

    async def tell(self, name: str, **values: Any) -> None:
        """Nothing, after the alert about the one event was put into the outbox and what is due was sent."""
        with self.store.transaction():
            self.store.events.save(event())
            self.store.events.save_alert(alert(id=name, event_id="event-1", **values))
            self.store.outbox.add([delivery(id=name, alert_id=name, channel=Channel.EMAIL, target=DESK)])
        await self.dispatcher.dispatch_due()

    def state(self, name: str) -> DeliveryState:
        found = self.store.outbox.get(name)
        assert found is not None
        return found.state


async def test_updates_are_one_thread_and_a_click_ends_it() -> None:
    with Store.open(None, exclusive=True) as store:
        async with MailServer() as server:
            post = Post(store, server, language="fr")
            await post.tell("first00000", severity=Severity.WARNING)
            update = {"changes": (EventChange.CONFIRMED,), "headline": "Another headline"}
            await post.tell("second0000", severity=Severity.WARNING, **update)
            await post.tell("third00000", severity=Severity.CRITICAL, **update)
            first, second, third = [accepted.mail for accepted in server.accepted]
            assert second["References"] == third["References"] == first["Message-ID"]
            assert second["Subject"] == f"Re: {first['Subject']}"
            assert (
                third["Subject"] == str(second["Subject"]).replace("[AVERTISSEMENT]", "[CRITIQUE]") != second["Subject"]
            )
            token = str(third["List-Unsubscribe"]).partition(">")[0].rpartition("/")[2]
            (_, click) = post.leaving.routes()
            asked = Request("POST", "", {"token": token}, body=b"List-Unsubscribe=One-Click")
            assert (await click.handler(asked)).status == 200
            await post.tell("fourth0000", severity=Severity.CRITICAL)
            assert len(server.accepted) == 3
        assert post.state("fourth0000") is DeliveryState.FAILED
        assert [one.reason for one in store.outbox.closed_recipients()] == [UNSUBSCRIBED]


async def test_a_digest_over_the_wire_in_a_thread_of_the_pool() -> None:
    with Store.open(None, exclusive=True) as store:
        async with MailServer() as server:
            post = Post(store, server)
            with store.transaction():
                store.events.save_alert(replace(digest(), id="digest0000"))
                store.outbox.add([delivery(id="d", alert_id="digest0000", channel=Channel.EMAIL, target=DESK)])
            await post.dispatcher.dispatch_due()
        (accepted,) = server.accepted
        assert post.state("d") is DeliveryState.DELIVERED
        assert "image/png" in [part.get_content_type() for part in accepted.mail.walk()]


async def test_greylisting_costs_minutes_and_nothing_else() -> None:
    with Store.open(None, exclusive=True) as store:
        async with MailServer() as server:
            post = Post(store, server)
            server.answer(DESK, MailFault("RCPT", "450 4.2.0 Greylisted"))
            await post.tell("first00000")
            assert post.state("first00000") is DeliveryState.PENDING
            # Only this address waits.
            assert [target for _, target in store.outbox.waits(post.now)] == [DESK]
            post.now += timedelta(minutes=5)
            await post.dispatcher.dispatch_due()
            assert server.accepted == []
            post.now += timedelta(seconds=10)
            await post.dispatcher.dispatch_due()
            assert len(server.accepted) == 1


async def test_what_broke_off_without_an_answer_is_sent_again_as_the_same_mail() -> None:
    with Store.open(None, exclusive=True) as store:
        async with MailServer() as server:
            post = Post(store, server)
            server.answer(DESK, MailFault("DATA", lose="after"))
            await post.tell("first00000")
            post.now += timedelta(minutes=1)
            await post.dispatcher.dispatch_due()
            assert post.state("first00000") is DeliveryState.DELIVERED
            once, again = server.accepted
            assert once.raw == again.raw


async def test_a_server_that_closes_keeps_everybody_waiting() -> None:
    with Store.open(None, exclusive=True) as store:
        async with MailServer() as server:
            post = Post(store, server)
            server.answer(DESK, MailFault("RCPT", "421 4.3.2 shutting down"))
            await post.tell("first00000")
            assert [target for _, target in store.outbox.waits(post.now)] == [""]
            post.now += timedelta(minutes=1)
            await post.dispatcher.dispatch_due()
            assert post.state("first00000") is DeliveryState.DELIVERED
