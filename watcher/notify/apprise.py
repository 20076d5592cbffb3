"""The channel for everything else: any service of the apprise library, by its URL, which nobody gets to see."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from watcher.model import Delivered, GiveUp, Outcome, Retry, Uncertain
from watcher.notify.base import OutgoingMessage
from watcher.render import render_email
from watcher.web.services import NoAppriseError, kind_of, open_service
from watcher.wording import wording_of

if TYPE_CHECKING:
    from apprise import NotifyBase

_SENDERS = 4  # threads; a service that hangs holds one of them
_CONNECT_WITHIN = 8.0  # seconds; apprise's own four are short for a chat server under load
_READ_WITHIN = 12.0
_ANSWER_WITHIN = 25.0  # seconds in all, within the outbox's own patience (watcher.timing.SEND_TIMEOUT)
_GONE = 410
_REFUSED = frozenset({400, 405, 413, 415, 422})  # as the webhook has it: the same message would be refused again


class AppriseNotifier:
    """Sends alerts through apprise, in threads: it waits for answers as ordinary programs do."""

    def __init__(self, answer_within: float = _ANSWER_WITHIN) -> None:
        self._answer_within = answer_within
        self._threads = ThreadPoolExecutor(_SENDERS, thread_name_prefix="apprise")
        self._errors = _StatusCodes()
        logging.getLogger("apprise").addHandler(self._errors)

    async def send(self, message: OutgoingMessage) -> Outcome:
        """What came of one attempt; apprise says only yes or no, and the status code where a server gave one."""
        if message.recipient is None or not message.recipient.address:
            return GiveUp("the recipient is no longer configured")
        url = message.recipient.address
        kind = f"{kind_of(url)}://***"
        try:
            service = open_service(url)
        except NoAppriseError as error:
            return Retry(str(error), whole_channel=True)
        if service is None:
            return GiveUp(f"apprise does not take the address {kind}")
        service.socket_connect_timeout, service.socket_read_timeout = _CONNECT_WITHIN, _READ_WITHIN
        subject, text = _render(message)
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._threads, self._notify, service, subject, text)
        try:
            async with asyncio.timeout(self._answer_within):
                is_accepted, codes = await sending
        except TimeoutError:
            return Uncertain(f"no answer in time from {kind}")
        except Exception as error:  # noqa: BLE001  (a hundred services of others; their words may hold the address)
            return Retry(f"apprise failed on {kind}: {type(error).__name__}")
        if is_accepted:
            return Delivered(message.delivery.id)
        reason = f"{kind} answered {codes[-1]}" if codes else f"apprise could not send to {kind} and says no more"
        if codes and codes[-1] == _GONE:
            return GiveUp(reason, recipient_is_gone=True)
        return GiveUp(reason) if codes and codes[-1] in _REFUSED else Retry(reason)

    def _notify(self, service: NotifyBase, subject: str, text: str) -> tuple[bool, tuple[int, ...]]:
        """Whether the service took it, and the codes that servers answered with; on a thread of ours."""
        from apprise import NotifyFormat, OverflowMode

        service.overflow_mode = OverflowMode.SPLIT  # else what is too long for the service is cut off or refused
        with self._errors.watch() as codes:
            is_accepted = service.notify(body=text, title=subject, body_format=NotifyFormat.TEXT)
        return bool(is_accepted), tuple(codes)

    async def aclose(self) -> None:
        """Nothing; what hangs in a thread is left behind."""
        logging.getLogger("apprise").removeHandler(self._errors)
        self._threads.shutdown(wait=False, cancel_futures=True)


def _render(message: OutgoingMessage) -> tuple[str, str]:
    """Title and text; to who wants to be discreet nothing of the alert but its id, as both show in a notification."""
    wording = wording_of(message.recipient.language if message.recipient else None)
    if message.recipient and message.recipient.is_discreet:
        command = f"watcher alerts show {message.alert.id}"
        return wording.say("alert.discreet"), wording.say("alert.discreet_open", command=command)
    subject, text, _ = render_email(message.alert, message.names, wording)
    return subject, text


class _StatusCodes(logging.Handler):
    """Takes from apprise's log the status codes of refusals, thread by thread.

    Its lines hold addresses and what servers said, so nothing but the digits is read, and no line goes any further.
    """

    _CODE = re.compile(r"error=(\d{3})\b")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._codes: dict[int, list[int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        codes = self._codes.get(threading.get_ident())
        if codes is not None:
            codes += map(int, self._CODE.findall(record.getMessage()))

    @contextmanager
    def watch(self) -> Iterator[list[int]]:
        """The codes that turn up on this thread within the block."""
        codes: list[int] = []
        self._codes[threading.get_ident()] = codes
        try:
            yield codes
        finally:
            del self._codes[threading.get_ident()]
