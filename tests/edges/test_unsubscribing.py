"""Leaving by the link in a mail, over real HTTP: who may, what it does, and what scanners and guessers get."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import structlog

from tests.builders import NOW, alert, delivery, event, recipient
from watcher.model import AlertKind, Channel, DeliveryState, Recipient
from watcher.server import Admission, Endpoint
from watcher.store import Store
from watcher.unsubscribing import UNSUBSCRIBED, Unsubscribing, link_of, token_of, unsubscribe_key
from watcher.wording import LANGUAGES, wording_of

DESK = recipient(id="desk", channel=Channel.EMAIL, target="desk@example.net")
OTHER = recipient(id="other", channel=Channel.EMAIL, target="desk@example.net")
CHAT = recipient(id="chat", channel=Channel.TELEGRAM, target="-100", is_operator=True)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None, exclusive=True) as opened:
        yield opened


class Web:
    def __init__(self, store: Store, recipients: tuple[Recipient, ...]) -> None:
        self.told = 0
        self.key = unsubscribe_key(store)
        self.recipients = recipients
        self.leaving = Unsubscribing(store, self.key, lambda: self.recipients, lambda: NOW, on_told=self._tell)
        self.port = 0

    def _tell(self) -> None:
        self.told += 1

    def link(self, of: Recipient) -> str:
        return link_of(f"http://127.0.0.1:{self.port}/", token_of(self.key, of.id, of.target))

    async def ask(self, url: str, method: str = "GET", **values: object) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.request(method, url, **values) as answer:  # type: ignore[arg-type]
            return answer.status, await answer.text()


@asynccontextmanager
async def serving(store: Store, *recipients: Recipient) -> AsyncIterator[Web]:
    web = Web(store, recipients)
    listening = asyncio.Event()
    admission = Admission.of("127.0.0.1", (), "https://alerts.example.org")
    endpoint = Endpoint(("127.0.0.1", 0), admission, web.leaving.routes(), lambda _: listening.set())
    task = asyncio.create_task(endpoint.run())
    try:
        await listening.wait()
        web.port = endpoint.port
        yield web
    finally:
        task.cancel()
        await asyncio.wait({task})


def closed(store: Store) -> list[tuple[str, str]]:
    return [(one.recipient_id, one.reason) for one in store.outbox.closed_recipients()]


def notices(store: Store) -> list[str]:
    entries = store.outbox.entries(recipient_id="chat")
    return [entry.headline for entry in entries]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_who_looks_stops_nothing(store: Store, method: str) -> None:
    async with serving(store, DESK) as web:
        for _ in range(3):
            status, page = await web.ask(web.link(DESK), method)
            assert status == 200
    assert closed(store) == []
    if method == "GET":
        assert "not even critical alerts" in page
        assert '<form method="post">' in page
        assert "d…@example.net" in page
        assert "desk@example.net" not in page


@pytest.mark.parametrize("is_multipart", [False, True])
async def test_one_click_closes_the_recipient_once(store: Store, is_multipart: bool) -> None:
    with store.transaction():
        store.events.save(event())
        store.events.save_alert(alert())
        waiting = delivery(recipient_id="desk", channel=Channel.EMAIL, target=DESK.target)
        store.outbox.add([waiting])
    async with serving(store, DESK, OTHER, CHAT) as web:
        form = aiohttp.FormData(default_to_multipart=is_multipart)
        form.add_field(*next(iter(ONE_CLICK.items())))
        # A mail provider's server: no Origin, no cookies, no redirect followed (RFC 8058, section 3.2).
        status, page = await web.ask(web.link(DESK), "POST", data=form, allow_redirects=False)
        again, _ = await web.ask(web.link(DESK), "POST", data=ONE_CLICK)
        _, looked = await web.ask(web.link(DESK))
        assert (status, again) == (200, 200)
        assert web.told == 1
    assert "Nothing more is sent to" in page
    assert "<form" not in looked
    assert closed(store) == [("desk", UNSUBSCRIBED)]
    assert [entry.delivery.state for entry in store.outbox.entries(recipient_id="desk")] == [DeliveryState.FAILED]
    assert notices(store) == ["Recipient desk has unsubscribed and gets nothing more, critical alerts included"]
    (told,) = [one for one in store.events.alerts(limit=9) if one.kind is AlertKind.NOTICE]
    assert "1 message that waited will not be sent." in told.body


async def test_who_came_back_can_leave_again_and_that_is_told_again(store: Store) -> None:
    moments = iter([NOW, NOW.replace(hour=16)])
    async with serving(store, DESK, CHAT) as web:
        leaving = Unsubscribing(store, web.key, lambda: (DESK, CHAT), lambda: next(moments))
        assert leaving.unsubscribe(DESK)
        assert not leaving.unsubscribe(DESK)
        with store.transaction():
            store.outbox.reopen_recipient("desk")
        assert leaving.unsubscribe(DESK)
    assert len(notices(store)) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("token", ["x", "A" * 43, "%F0%9F%92%A3", "..%2f..", "%ED%A0%80", "a" * 5000])
async def test_a_wrong_token_finds_nothing(store: Store, method: str, token: str) -> None:
    async with serving(store, DESK) as web:
        status, text = await web.ask(f"http://127.0.0.1:{web.port}/public/unsubscribe/{token}", method, data=ONE_CLICK)
    assert status == 404
    assert text == "not found\n"
    assert closed(store) == []


async def test_a_link_is_for_one_recipient_at_one_address(store: Store) -> None:
    moved = recipient(id="desk", channel=Channel.EMAIL, target="new@example.net")
    async with serving(store, moved, OTHER) as web:
        assert (await web.ask(web.link(DESK), "POST", data=ONE_CLICK))[0] == 404
        assert (await web.ask(web.link(OTHER), "POST", data=ONE_CLICK))[0] == 200
    assert closed(store) == [("other", UNSUBSCRIBED)]


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "yes"}, {"x": "One-Click"}])
async def test_a_post_that_does_not_say_so_does_nothing(store: Store, body: dict[str, str]) -> None:
    async with serving(store, DESK) as web:
        assert (await web.ask(web.link(DESK), "POST", data=body))[0] == 400
    assert closed(store) == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_speaks_the_language_of_the_recipient(store: Store, language: str) -> None:
    one = recipient(id="one", channel=Channel.EMAIL, target="Вера<b>@example.net", language=language)
    async with serving(store, one) as web:
        _, page = await web.ask(web.link(one))
    say = wording_of(language)
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page
    assert say.say("mail.leave_title") in page
    assert re.search(r'<bdi dir="ltr">.…@example.net</bdi>', page)


def test_the_key_is_made_once_and_never_shown(store: Store) -> None:
    with structlog.testing.capture_logs() as logs:
        key = unsubscribe_key(store)
        leaving = Unsubscribing(store, key, lambda: (DESK, CHAT), lambda: NOW)
        leaving.unsubscribe(DESK)
    assert unsubscribe_key(store) == key
    assert len(key) == 32
    token = token_of(key, DESK.id, DESK.target)
    for shown in (repr(leaving), repr(logs)):
        assert key.hex() not in shown
        assert repr(key) not in shown
        assert token not in shown
        assert DESK.target not in shown
    assert token_of(b"another key", DESK.id, DESK.target) != token
