"""Servers that mean harm: each is told for what it is, in bounded time and memory, and the fetcher works on."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from tests.edges.test_fetch import FEED, FixedResolver, fetcher
from tests.servers import NewsServer, Page, StreamServer
from watcher.model import Fetched, FetchFailed, FetchReason, FetchTarget

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
MAX_BYTES = 1_000_000
DEADLINE = timedelta(seconds=2)


def once(answer: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def stream() -> AsyncIterator[bytes]:
        yield answer

    return stream


def endless(head: bytes, piece: bytes, seconds: float = 0) -> Callable[[], AsyncIterator[bytes]]:
    async def stream() -> AsyncIterator[bytes]:
        yield head
        while True:
            yield piece
            await asyncio.sleep(seconds)

    return stream


def endless_gzip() -> AsyncIterator[bytes]:
    """A body whose every kilobyte becomes a megabyte, without end."""

    async def stream() -> AsyncIterator[bytes]:
        squeeze = zlib.compressobj(wbits=31)
        yield OK + b"Content-Encoding: gzip\r\n\r\n"
        while True:
            yield squeeze.compress(b"\0" * 1_000_000)
            await asyncio.sleep(0)

    return stream()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


HTTP = FetchReason.HTTP_ERROR
TIMEOUT = FetchReason.TIMEOUT
LARGE = FetchReason.TOO_LARGE
CUT = FetchReason.TRUNCATED
GONE = FetchReason.UNREACHABLE


@pytest.mark.parametrize(
    ("stream", "reasons"),
    [
        pytest.param(endless(OK + b"\r\n", b"x" * 65_536), {LARGE}, id="endless body"),
        pytest.param(endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"x" * 9_999)), {LARGE}, id="endless chunks"),
        pytest.param(endless_gzip, {LARGE}, id="endless gzip"),
        pytest.param(once(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(gzip.compress(b"\0" * 9_000_000))), None, id="gzip in gzip"),
        pytest.param(once(OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(FEED))), {HTTP}, id="two encodings"),
        pytest.param(once(OK + b"Content-Encoding: br\r\n\r\n\x0b\x02\x80hello\x03"), {HTTP}, id="brotli"),
        pytest.param(once(OK + b"Content-Encoding: zstd\r\n\r\n\x28\xb5\x2f\xfd"), {HTTP}, id="zstd"),
        pytest.param(endless(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(FEED), gzip.compress(b"")), {TIMEOUT, LARGE}, id="endless empty members"),
        pytest.param(endless(OK, b"X-More: and more\r\n"), {HTTP, TIMEOUT}, id="endless headers"),
        pytest.param(endless(OK + b"X-Long: ", b"y" * 4_096), {HTTP, TIMEOUT}, id="endless header"),
        pytest.param(once(OK + b"X-One: 1\r\n" * 200_000 + b"\r\n" + FEED), {HTTP, TIMEOUT}, id="flood of headers"),
        pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {HTTP, TIMEOUT}, id="endless 100"),
        pytest.param(endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), {HTTP, TIMEOUT}, id="endless 103"),
        pytest.param(endless(OK + b"\r\n<rss>", b" ", 0.05), {TIMEOUT}, id="drip of a body"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\nX: ", b"y", 0.05), {TIMEOUT}, id="drip of a header"),
        pytest.param(endless(b"", b"", 0.05), {TIMEOUT}, id="silence"),
        pytest.param(endless(b"HTTP/1.1 503 Busy\r\n\r\n", b"z", 0.05), {TIMEOUT, HTTP}, id="drip of an error page"),
        pytest.param(endless(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b"z", 0.05), {FetchReason.TOO_MANY_REDIRECTS, TIMEOUT}, id="loop of redirects with bodies"),
        pytest.param(once(b"HTTP/1.1 302 Found\r\nLocation: //[::1\r\nConnection: close\r\n\r\n"), {FetchReason.BAD_URL}, id="redirect to no address"),
        pytest.param(once(b"HTTP/1.1 302 Found\r\nLocation: " + b"/x" * 3_000 + b"\r\nConnection: close\r\n\r\n"), None, id="redirect to a long address"),
        pytest.param(once(b"<rss version='2.0'><channel><title>0.9</title></channel></rss>"), {HTTP, GONE}, id="http/0.9"),
        pytest.param(once(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1"), {HTTP, GONE}, id="tls on the plain port"),
        pytest.param(once(b"\0" * 100_000), {HTTP, GONE}, id="zeros"),
        pytest.param(once(b"HTTP/9.9 200 OK\r\n\r\n" + FEED), None, id="unknown version"),
        pytest.param(once(b"HTTP/1.1 99999 OK\r\n\r\n" + FEED), {HTTP, GONE}, id="no status"),
        pytest.param(once(OK + b"Content-Length: -5\r\n\r\n" + FEED), {HTTP, GONE, CUT}, id="negative length"),
        pytest.param(once(OK + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\n" + FEED), {HTTP, GONE, CUT}, id="two lengths"),
        pytest.param(once(OK + b"Content-Length: 999\r\n\r\n" + FEED), {CUT}, id="length too long"),
        pytest.param(once(OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"), {HTTP, GONE, CUT}, id="huge chunk"),
        pytest.param(once(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n"), {HTTP, GONE, CUT}, id="no chunk size"),
        pytest.param(endless(OK + b"Transfer-Encoding: chunked\r\n\r\n5;", b"e" * 4_096), {HTTP, GONE, CUT, TIMEOUT}, id="endless extension of a chunk"),
        pytest.param(endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-T: t\r\n"), {HTTP, GONE, CUT, TIMEOUT}, id="endless trailers"),
        pytest.param(once(OK + b"Content-Length: 7\r\n\r\n<rss/>\nHTTP/1.1 200 OK\r\n\r\n"), None, id="a second answer behind the first"),
    ],
)  # fmt: skip
async def test_a_server_that_means_harm(
    stream: Callable[[], AsyncIterator[bytes]], reasons: set[FetchReason] | None
) -> None:
    """``reasons`` None: the body is no harm yet, and taken for what it is."""
    loop = asyncio.get_running_loop()
    async with (
        StreamServer(stream) as bad,
        NewsServer() as good,
        fetcher(timeout=DEADLINE, max_bytes=MAX_BYTES, concurrency=1, per_host=1) as one,
    ):
        healthy = good.publish("/feed", Page(FEED))
        tracemalloc.start()
        try:
            started = loop.time()
            outcome = await one.fetch(FetchTarget(bad.url))
            took = loop.time() - started
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # The one place there is is free again, and the connection to the bad server is none that anybody keeps.
        assert isinstance(await one.fetch(FetchTarget(healthy)), Fetched)
        if isinstance(outcome, FetchFailed):
            await bad.until_left()
    assert took < DEADLINE.total_seconds() + 2
    assert most < 20 * MAX_BYTES
    if reasons is None:
        assert not isinstance(outcome, FetchFailed) or outcome.reason in (FetchReason.TOO_MANY_REDIRECTS, HTTP, TIMEOUT)
    else:
        assert isinstance(outcome, FetchFailed)
        assert outcome.reason in reasons
        assert outcome.detail
        assert outcome.detail.isascii()


async def test_many_bombs_at_once_stay_within_their_limits() -> None:
    bomb = OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 100_000_000)
    async with StreamServer(once(bomb)) as bad, fetcher(max_bytes=200_000, per_host=50) as one:
        tracemalloc.start()
        try:
            outcomes = await asyncio.gather(*(one.fetch(FetchTarget(f"{bad.url}{n}")) for n in range(50)))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert {one.reason for one in outcomes if isinstance(one, FetchFailed)} == {LARGE}
    assert most < 60_000_000


@pytest.mark.parametrize(
    "resolutions",
    [[["93.184.216.34"], ["127.0.0.1"]], [["10.0.0.1"]], [["127.0.0.1", "169.254.169.254"]], [["::ffff:127.0.0.1"]]],
    ids=["rebinding", "private", "loopback and metadata", "mapped"],
)
async def test_a_redirect_to_a_name_inside_the_network(resolutions: list[list[str]]) -> None:
    """The name is public when it is first looked up, or never; no connection is made to where it leads."""
    async with NewsServer() as server:
        server.publish("/secret", Page(b"secret"))
        inside = server.url("/secret", host="inside.test")
        resolver = FixedResolver(*resolutions)
        async with fetcher(allow_private_networks=False, resolver=resolver, timeout=DEADLINE) as one:
            if len(resolutions) > 1:
                await resolver.resolve("inside.test")  # what a first check would have seen
            outcome = await one.fetch(FetchTarget(inside))
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.REFUSED_ADDRESS
    assert server.requests == []
