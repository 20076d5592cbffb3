"""The channel for other programs: one JSON document posted to the recipient's address, signed where a key is set."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import aiohttp

from watcher.model import Delivered, GiveUp, Outcome, Retry, Uncertain
from watcher.notify.base import OutgoingMessage, plain_reason
from watcher.render import render_json

SIGNATURE_HEADER = "X-Watcher-Signature"
_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=10)
_GONE = 410
_REFUSED = frozenset({400, 405, 413, 415, 422})  # the same document would be refused again
_PHRASES = {one.value: one.phrase for one in HTTPStatus}
_LONGEST_WAIT = timedelta(days=1)  # a server's Retry-After is believed up to this


class WebhookNotifier:
    """Posts alerts as JSON with the delivery's id as `Idempotency-Key`, so that a receiver can drop a repetition."""

    def __init__(self, user_agent: str, unix_time: Callable[[], float] = time.time) -> None:
        self._user_agent = user_agent
        self._unix_time = unix_time
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: OutgoingMessage) -> Outcome:
        """Delivered on any 2xx; 410 closes the recipient; what may pass (also 401, 403, 404) is tried again."""
        if self._session is None:  # a session needs a running loop
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers={"User-Agent": self._user_agent})
        delivery, recipient = message.delivery, message.recipient
        body = json.dumps(render_json(message.alert, message.names), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": delivery.id}
        if recipient is not None and recipient.secret:
            headers[SIGNATURE_HEADER] = sign(body, recipient.secret, int(self._unix_time()))
        try:
            async with self._session.post(
                recipient.address if recipient and recipient.address else delivery.target,
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return _outcome(response, message)
        except aiohttp.InvalidURL:
            return GiveUp("the address is not a valid URL")
        except aiohttp.ClientConnectorError as error:
            return Retry(plain_reason(f"cannot connect: {error.os_error.strerror or type(error).__name__}"))
        except aiohttp.ConnectionTimeoutError:
            return Retry("cannot connect in time")
        except TimeoutError:
            return Uncertain("no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            # Only the kind: the text of these errors can carry the address, and that can carry a secret.
            return Uncertain(f"the connection broke ({type(error).__name__})")

    async def aclose(self) -> None:
        """Nothing; closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def sign(body: bytes, secret: str, at: int) -> str:
    """The value of the signature header: ``t=TIME,v1=HEX``, HMAC-SHA-256 over the time, a full stop and the body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _outcome(response: aiohttp.ClientResponse, message: OutgoingMessage) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Delivered(message.delivery.id)
    # Our own words for it: a server may say back what it was asked, and the address is a secret.
    reason = f"the receiver answered {status} {_PHRASES.get(status, '')}".rstrip()
    if status == _GONE:
        return GiveUp(reason, recipient_is_gone=True)
    if status in _REFUSED:
        return GiveUp(reason)
    return Retry(reason, after=_retry_after(response.headers.get("Retry-After")))


def _retry_after(header: str | None) -> timedelta | None:
    # The form with a date needs the server's clock to agree with ours; our own back-off does as well.
    if header is None or not header.isascii() or not header.isdigit():
        return None
    return min(timedelta(seconds=min(int(header[:9]), 10**8)), _LONGEST_WAIT)
