"""The apprise channel against real receivers: its JSON service over HTTP, its mail service over SMTP."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from tests.builders import alert, delivery
from tests.smtp import MailServer
from watcher.log import configure_logging
from watcher.model import Channel, Delivered, GiveUp, Outcome, Recipient, Retry, Uncertain
from watcher.notify.apprise import AppriseNotifier
from watcher.notify.base import OutgoingMessage
from watcher.settings import LogSettings

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}
PASSWORD = "s3cret-pass"
pytest.importorskip("apprise", reason="the extra apprise is not installed")


def message(url: str) -> OutgoingMessage:
    recipient = Recipient("team", Channel.APPRISE, "json://***#12345678", address=url)
    one = delivery(channel=Channel.APPRISE, target=recipient.target)
    return OutgoingMessage(alert(headline="Clash <b>&"), one, None, NAMES, recipient)


@dataclass
class Receiver:
    status: int = 200
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    got: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def url(self) -> str:
        return f"json://user:{PASSWORD}@127.0.0.1:{self.port}/hook"

    async def receive(self, request: web.Request) -> web.Response:
        self.got.append(await request.json())
        await self.hold.wait()
        return web.Response(status=self.status, text=f"no: {PASSWORD}")


@asynccontextmanager
async def receiving(status: int = 200, *, holds: bool = False) -> AsyncIterator[Receiver]:
    receiver = Receiver(status)
    if not holds:
        receiver.hold.set()
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        receiver.hold.set()
        await runner.cleanup()


async def send(url: str, answer_within: float = 20) -> Outcome:
    notifier = AppriseNotifier(answer_within)
    try:
        return await notifier.send(message(url))
    finally:
        await notifier.aclose()


async def test_a_service_over_http_gets_the_alert() -> None:
    async with receiving() as receiver:
        assert await send(receiver.url()) == Delivered("delivery-1")
    (got,) = receiver.got
    assert "Clash <b>&" in got["title"]
    assert f"Alert {alert().id}" in got["message"]


async def test_a_discreet_recipient_reads_that_there_is_an_alert_in_its_language() -> None:
    notifier = AppriseNotifier()
    async with receiving() as receiver:
        one = message(receiver.url())
        assert one.recipient is not None
        for recipient in (
            replace(one.recipient, is_discreet=True),
            replace(one.recipient, is_discreet=True, language="fr"),
        ):
            assert await notifier.send(replace(one, recipient=recipient)) == Delivered("delivery-1")
    await notifier.aclose()
    shown = [f"{got['title']} {got['message']}" for got in receiver.got]
    assert shown[0] == f"New alert To read it: watcher alerts show {alert().id}"
    assert shown[1] != shown[0]
    assert not [text for text in shown if "Clash" in text]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Retry("json://*** answered 401")),
        (503, Retry("json://*** answered 503")),
        (400, GiveUp("json://*** answered 400")),
        (410, GiveUp("json://*** answered 410", recipient_is_gone=True)),
    ],
)
async def test_refusals_are_told_apart_and_give_nothing_away(status: int, outcome: Outcome) -> None:
    log = io.StringIO()
    configure_logging(LogSettings(level="debug"), stream=log, environ={})
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    async with receiving(status) as receiver:
        assert await send(receiver.url()) == outcome
    assert PASSWORD not in log.getvalue()
    assert "/hook" not in log.getvalue()


async def test_nobody_there() -> None:
    assert await send(f"json://user:{PASSWORD}@127.0.0.1:9/hook") == Retry(
        "apprise could not send to json://*** and says no more"
    )


async def test_no_answer_in_time_is_not_known_to_have_arrived() -> None:
    async with receiving(holds=True) as receiver:
        outcome = await send(receiver.url(), answer_within=0.3)
        assert outcome == Uncertain("no answer in time from json://***")


@pytest.mark.parametrize("url", [f"nosuch://{PASSWORD}", f"slack://{PASSWORD}"])
async def test_what_apprise_does_not_take_is_given_up(url: str) -> None:
    outcome = await send(url)
    assert isinstance(outcome, GiveUp)
    assert PASSWORD not in outcome.reason


async def test_a_recipient_that_left_the_configuration() -> None:
    one = OutgoingMessage(alert(), delivery(channel=Channel.APPRISE, target="json://***"), None, NAMES)
    assert await AppriseNotifier().send(one) == GiveUp("the recipient is no longer configured")


async def test_mail_through_apprise() -> None:
    async with MailServer() as server:
        url = f"mailto://127.0.0.1:{server.port}?from=watcher@example.org&to=desk@example.org&mode=insecure"
        assert await send(url) == Delivered("delivery-1")
    (mail,) = server.accepted
    assert "Clash" in str(mail.mail["Subject"])
