"""The HTTP endpoint against those who speak the protocol wrongly, open connections without end, or say nothing."""

from __future__ import annotations

import asyncio
import io
from types import SimpleNamespace

import pytest

from tests.edges.test_endpoint import Running, serving
from watcher.log import configure_logging
from watcher.server.endpoint import MOST_CONNECTIONS


async def raw(running: Running, request: bytes) -> bytes:
    """Everything that comes back until the server closes, or for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(request)
    answer = b""
    try:
        async with asyncio.timeout(1):
            while piece := await reader.read(65536):
                answer += piece
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return answer


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://evil.example/private HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://localhost/private HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: [::1]evil.example\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: [127.0.0.1]evil.example\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: localhost:80:80\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: localhost:x\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: loc\xffalhost\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n",
        b"GET /public/../private HTTP/1.1\r\nHost: alerts.example.org\r\n\r\n",
        b"GET /public/%2e%2e/private HTTP/1.1\r\nHost: alerts.example.org\r\n\r\n",
        b"GET //private HTTP/1.1\r\nHost: alerts.example.org\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /private HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
    ],
)
async def test_what_is_no_plain_request_to_us_is_refused(request_: bytes) -> None:
    async with serving() as running:
        answer = await raw(running, request_)
        assert answer.split(b" ", 2)[1][:1] == b"4", answer[:200]
        assert b"GET \n" not in answer


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        b"Content-Length: +0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_no_second_request_hides_in_a_first(framing: bytes) -> None:
    async with serving() as running:
        head = b"POST /public/hook HTTP/1.1\r\nHost: alerts.example.org\r\n"
        answer = await raw(running, head + framing + b"GET /private HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith(b"HTTP/1.0 400"), answer[:200]
        assert answer.count(b"HTTP/1.") == 1


async def test_who_sends_nonsense_fills_no_log() -> None:
    written = io.StringIO()
    configure_logging(SimpleNamespace(format="json", level="info"), stream=written)
    async with serving() as running:
        for _ in range(20):
            await raw(running, b"\x00\x1b[2J nonsense\r\n\r\n")
    assert "Traceback" not in written.getvalue()
    assert "nonsense" not in written.getvalue()


async def test_connections_are_bounded_and_the_others_turned_away() -> None:
    """Else who opens them takes the descriptors that alerts are sent over."""
    async with serving() as running:
        held = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(MOST_CONNECTIONS)]
        await asyncio.sleep(0.1)
        assert await raw(running, b"GET /private HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.1)
        assert b"200 OK" in await raw(running, b"GET /private HTTP/1.1\r\nHost: localhost\r\n\r\n")
