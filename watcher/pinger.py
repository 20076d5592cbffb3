"""A sign of life to the outside, healthchecks style: the address while all is well, the same with /fail in trouble.

Whoever listens there notices silence; so a daemon that is gone, or whose loop hangs, is told of by somebody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import structlog

log = structlog.get_logger()

_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Pinger:
    """Calls every so often; the address is a secret, so it stands in no line of the log."""

    def __init__(
        self,
        url: str,
        every: timedelta,
        user_agent: str,
        troubles: Callable[[], Sequence[str]],
        on_called: Callable[[bool], None],
    ) -> None:
        self._url = url
        self._every = every.total_seconds()
        self._user_agent = user_agent
        self._troubles = troubles
        self._on_called = on_called  # with whether it was answered
        self._was_answered = True

    async def run(self) -> None:
        """Never returns: calls until it is cancelled. A call that hangs delays nothing but the next call."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT, headers={"User-Agent": self._user_agent}) as session:
            while True:
                reason = await self._call(session)
                if reason and self._was_answered:
                    log.warning("heartbeat_not_answered", reason=reason)
                elif not reason and not self._was_answered:
                    log.info("heartbeat_answered_again")
                self._was_answered = not reason
                self._on_called(self._was_answered)
                await asyncio.sleep(self._every)

    async def _call(self, session: aiohttp.ClientSession) -> str:
        """Why it was not answered; empty where it was."""
        troubles = self._troubles()
        url = fail_address(self._url) if troubles else self._url
        try:
            async with session.post(url, data="\n".join(troubles).encode(), allow_redirects=False) as answer:
                return "" if answer.status < 300 else f"status {answer.status}"
        except (aiohttp.ClientError, OSError, ValueError) as error:  # their words hold the address
            return type(error).__name__


def fail_address(url: str) -> str:
    """The address that says that something is wrong: /fail after the path, before the query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))
