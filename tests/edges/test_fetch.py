"""Fetching against real servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict

from tests.servers import NewsServer, Page, RawServer
from watcher.fetch import Fetcher, PublicResolver, parse_freshness, parse_retry_after
from watcher.model import Fetched, FetchFailed, FetchReason, FetchTarget, NotModified

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FEED = b"<rss version='2.0'><channel><title>News</title></channel></rss>"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: "1"\r\nConnection: close\r\n'


class FixedResolver(AbstractResolver):
    """Gives names the addresses it was told, each look-up the next list."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=one,
                port=port,
                family=socket.AF_INET6 if ":" in one else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for one in addresses
        ]

    async def close(self) -> None:
        pass


def fetcher(**changed: Any) -> Fetcher:
    settings: dict[str, Any] = {
        "user_agent": "watcher test",
        "timeout": timedelta(seconds=5),
        "max_bytes": 100_000,
        "concurrency": 50,
        "per_host": 2,
        "allow_private_networks": True,
        "clock": lambda: NOW,
    }
    return Fetcher(**{**settings, **changed})


async def fetch(url: str, **changed: Any) -> Fetched | NotModified | FetchFailed:
    async with fetcher(**changed) as one:
        return await one.fetch(FetchTarget(url))


async def test_a_body_with_its_validators() -> None:
    async with NewsServer() as server:
        url = server.publish(
            "/feed",
            Page(
                FEED, "application/rss+xml; charset=utf-8", etag='"a1"', last_modified="Fri, 20 Nov 2026 10:00:00 GMT"
            ),
        )
        outcome = await fetch(url)
    assert outcome == Fetched(
        body=FEED,
        final_url=url,
        status=200,
        content_type="application/rss+xml; charset=utf-8",
        etag='"a1"',
        last_modified="Fri, 20 Nov 2026 10:00:00 GMT",
        fetched_at=NOW,
    )
    assert server.requests[0].headers["user-agent"] == "watcher test"


async def test_an_unchanged_feed_on_a_kept_connection() -> None:
    async with NewsServer() as server, fetcher() as one:
        url = server.publish("/feed", Page(FEED, etag='"a1"', last_modified="Fri, 20 Nov 2026 10:00:00 GMT"))
        target = FetchTarget(url, etag='"a1"', last_modified="Fri, 20 Nov 2026 10:00:00 GMT")
        outcomes = [await one.fetch(target) for _ in range(5)]
    assert outcomes == [NotModified(NOW)] * 5
    assert len(server.connections) == 1
    assert server.requests[0].headers["if-modified-since"] == "Fri, 20 Nov 2026 10:00:00 GMT"


async def test_a_304_that_nobody_asked_for_is_an_error() -> None:
    async with RawServer(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n") as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.HTTP_ERROR


def deflate_raw(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(FEED)),
        ("x-gzip", gzip.compress(FEED[:20]) + gzip.compress(FEED[20:])),
        ("gzip", gzip.compress(FEED) + b"\0" * 64),
        ("deflate", zlib.compress(FEED)),
        ("deflate", deflate_raw(FEED)),
        ("identity", FEED),
    ],
    ids=["gzip", "two members", "padded", "zlib", "raw deflate", "identity"],
)
async def test_compressed_bodies(encoding: str, body: bytes) -> None:
    answer = OK + f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    async with RawServer(answer) as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, Fetched)
    assert outcome.body == FEED


CUT_GZIP = gzip.compress(FEED * 10)[:-12]
FLIPPED_GZIP = bytearray(gzip.compress(FEED * 10))
FLIPPED_GZIP[30] ^= 0xFF


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 500\r\n", FEED),
        (b"Transfer-Encoding: chunked\r\n", b"20\r\n" + FEED[:32] + b"\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"40\r\n" + FEED[:32]),
        (b"Content-Encoding: gzip\r\n", CUT_GZIP),
        (b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(CUT_GZIP), CUT_GZIP),
        (b"Content-Encoding: gzip\r\n", bytes(FLIPPED_GZIP)),
        (b"Content-Encoding: gzip\r\n", FEED),
        (b"Content-Encoding: deflate\r\n", zlib.compress(FEED)[:-4]),
    ],
    ids=["length", "chunks", "inside a chunk", "gzip", "gzip of right length", "gzip damaged", "not gzip", "deflate"],
)
async def test_a_damaged_body_is_told_and_gives_no_validators(head: bytes, body: bytes) -> None:
    async with RawServer(OK + head + b"\r\n" + body) as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.TRUNCATED


async def test_a_body_ended_by_the_connection_is_whole() -> None:
    async with RawServer(OK + b"\r\n" + FEED) as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, Fetched)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 999999999\r\n", b""),
        (b"", b"x" * 200_000),
        (b"Content-Encoding: gzip\r\n", gzip.compress(b"\0" * 50_000_000)),
        (b"Content-Encoding: deflate\r\n", zlib.compress(b"\0" * 50_000_000)),
        (b"Content-Encoding: gzip\r\n", gzip.compress(b"\0" * 90_000) * 2),
    ],
    ids=["announced", "streamed", "gzip bomb", "deflate bomb", "bomb in two members"],
)
async def test_a_body_over_the_limit_is_left(head: bytes, body: bytes) -> None:
    async with RawServer(OK + head + b"\r\n" + body) as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.TOO_LARGE


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    async with NewsServer() as server:
        outcome = await fetch(server.publish("/", Page(b"x" * 1_000)), max_bytes=1_000)
    assert isinstance(outcome, Fetched)


async def test_a_compression_that_was_not_asked_for() -> None:
    async with RawServer(OK + b"Content-Encoding: br\r\n\r\n\x8b\x02\x80abc\x03") as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.HTTP_ERROR


@pytest.mark.parametrize("answer", [OK + b"\r\n" + FEED, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 500])
async def test_a_slow_drip_ends_with_the_deadline(answer: bytes) -> None:
    async with RawServer(answer, seconds_between_bytes=0.02) as server:
        started = time.monotonic()
        outcome = await fetch(server.url, timeout=timedelta(seconds=0.3))
        took = time.monotonic() - started
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.TIMEOUT
    assert took < 3


async def test_the_deadline_covers_all_redirects_together() -> None:
    async def slow(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        await asyncio.sleep(0.2)
        raise aiohttp.web.HTTPFound(request.path + "x")

    async with NewsServer() as server:
        for length in range(1, 9):
            server.publish("/" + "x" * length, slow)
        outcome = await fetch(server.url("/x"), timeout=timedelta(seconds=0.5))
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.TIMEOUT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(status: int) -> None:
    async with NewsServer() as server:
        final = server.publish("/new", Page(FEED))
        outcome = await fetch(server.redirect("/old", "/new", status))
    assert isinstance(outcome, Fetched)
    assert outcome.final_url == final


async def test_a_redirect_that_only_sets_a_cookie() -> None:
    async def consent(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        if request.cookies.get("seen") == "1":
            return aiohttp.web.Response(body=FEED)
        answer = aiohttp.web.Response(status=302, headers={"Location": "/feed"})
        answer.set_cookie("seen", "1")
        return answer

    async with NewsServer() as server, fetcher() as one:
        url = server.publish("/feed", consent)
        assert isinstance(await one.fetch(FetchTarget(url)), Fetched)
        await one.fetch(FetchTarget(url))
    assert ["cookie" in seen.headers for seen in server.requests] == [False, True, False, True]


async def test_a_redirect_loop_ends() -> None:
    async with NewsServer() as server:
        outcome = await fetch(server.redirect("/a", "/a"))
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.TOO_MANY_REDIRECTS
    assert server.count("/a") == 11


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("file:///etc/passwd", FetchReason.BAD_URL),
        ("ftp://example.org/", FetchReason.BAD_URL),
        ("http://[::1", FetchReason.BAD_URL),
    ],
)
async def test_a_redirect_to_no_web_address(to: str, reason: FetchReason) -> None:
    async with NewsServer() as server:
        outcome = await fetch(server.redirect("/a", to))
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    "url", ["", "example.org/feed", "file:///etc/passwd", "http://", "http://[::1", "javascript:x"]
)
async def test_what_is_no_web_address(url: str) -> None:
    outcome = await fetch(url, allow_private_networks=False)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason in (FetchReason.BAD_URL, FetchReason.UNREACHABLE)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
async def test_addresses_inside_networks_are_refused(host: str) -> None:
    outcome = await fetch(f"http://{host}:9/", allow_private_networks=False)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.REFUSED_ADDRESS


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "::1", "169.254.169.254", "100.100.100.200", "::ffff:10.0.0.1"]
)
async def test_names_of_addresses_inside_networks_are_refused(address: str) -> None:
    async with NewsServer() as server:
        url = server.url("/feed", host="innocent.test")
        outcome = await fetch(url, allow_private_networks=False, resolver=FixedResolver([address]))
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.REFUSED_ADDRESS
    assert server.requests == []


async def test_localhost_is_refused_by_its_address() -> None:
    outcome = await fetch("http://localhost:9/", allow_private_networks=False)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.REFUSED_ADDRESS


async def test_a_name_that_changes_its_address_gains_nothing() -> None:
    """DNS rebinding: the address that was checked is the one connected to, and each new look-up is checked anew."""
    resolver = FixedResolver(["192.0.2.1"], ["127.0.0.1"])
    async with NewsServer() as server:
        url = server.url("/feed", host="rebinding.test")
        outcomes = [await fetch(url, allow_private_networks=False, resolver=resolver) for _ in range(2)]
    assert [one.reason for one in outcomes if isinstance(one, FetchFailed)] == [FetchReason.REFUSED_ADDRESS] * 2
    assert server.requests == []


async def test_only_the_public_ones_of_several_addresses_are_used() -> None:
    resolver = PublicResolver(FixedResolver(["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111"]))
    found = await resolver.resolve("mixed.test", 80)
    await resolver.close()
    assert [one["host"] for one in found] == ["1.1.1.1", "2606:4700::1111"]


async def test_a_redirect_into_the_network_is_refused() -> None:
    """Only the first hop is public; its name is mapped to loopback by the test, as the public internet is out of reach."""

    class HalfPublic(Fetcher):
        def _refusal(self, url: Any) -> FetchFailed | None:
            return super()._refusal(url) if url.path == "/secret" else None

    async with NewsServer() as server:
        server.publish("/secret", Page(b"secret"))
        url = server.redirect("/a", server.url("/secret"))
        async with HalfPublic(
            user_agent="t", timeout=timedelta(seconds=5), max_bytes=1_000, concurrency=1, per_host=1,
            allow_private_networks=False, clock=lambda: NOW,
        ) as one:  # fmt: skip
            outcome = await one.fetch(FetchTarget(url))
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.REFUSED_ADDRESS
    assert server.count("/secret") == 0


async def test_errors_of_the_server() -> None:
    async with NewsServer() as server:
        gone = await fetch(server.publish("/gone", Page(b"gone", "text/plain", 410)))
        busy = await fetch(server.publish("/busy", Page(b"", "text/plain", 429, headers={"Retry-After": "120"})))
        odd = await fetch(server.publish("/odd", Page(b"", "text/plain", 599)))
    assert gone == FetchFailed(FetchReason.HTTP_ERROR, "the server answered 410 (gone)", NOW, status=410)
    assert busy == FetchFailed(
        FetchReason.HTTP_ERROR, "the server answered 429 (too many requests)", NOW, 429, timedelta(seconds=120)
    )
    assert isinstance(odd, FetchFailed)
    assert odd.detail == "the server answered 599 (not a registered status)"


async def test_an_error_page_that_is_cut_off_is_still_that_error() -> None:
    answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 999\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\nxx"
    async with RawServer(answer) as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, FetchFailed)
    assert (outcome.reason, outcome.status) == (FetchReason.HTTP_ERROR, 500)


CHALLENGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Enable JavaScript</body></html>"


@pytest.mark.parametrize("status", [200, 403, 429, 503])
async def test_a_challenge_page_is_blocked_whatever_its_status(status: int) -> None:
    async with NewsServer() as server:
        url = server.publish("/feed", Page(CHALLENGE, "text/html", status, etag='"x"', headers={"Retry-After": "60"}))
        outcome = await fetch(url)
    assert isinstance(outcome, FetchFailed)
    assert (outcome.reason, outcome.status) == (FetchReason.BLOCKED, status)


async def test_a_challenge_told_by_a_header() -> None:
    async with NewsServer() as server:
        url = server.publish("/feed", Page(b"<html></html>", "text/html", 403, headers={"CF-Mitigated": "challenge"}))
        outcome = await fetch(url)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.BLOCKED


async def test_an_empty_body() -> None:
    async with NewsServer() as server:
        outcome = await fetch(server.publish("/feed", Page(b" \n", etag='"x"')))
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.EMPTY


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = await fetch(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.UNREACHABLE


async def test_a_name_that_does_not_exist() -> None:
    outcome = await fetch("http://nothing.invalid/")
    assert isinstance(outcome, FetchFailed)
    assert (outcome.reason, outcome.detail) == (
        FetchReason.UNREACHABLE,
        "the name of the server cannot be resolved",
    )


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", OK + b"X-Long: " + b"y" * 70_000 + b"\r\n\r\n" + FEED]
)
async def test_what_is_no_http(answer: bytes) -> None:
    async with RawServer(answer) as server:
        outcome = await fetch(server.url)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason in (FetchReason.HTTP_ERROR, FetchReason.UNREACHABLE)


async def test_tls_with_a_certificate_of_a_known_authority_and_without() -> None:
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with NewsServer(server_context) as server:
        url = server.publish("/feed", Page(FEED))
        assert isinstance(await fetch(url, ssl_context=trusting), Fetched)
        outcome = await fetch(url)
    assert isinstance(outcome, FetchFailed)
    assert outcome.reason is FetchReason.BAD_CERTIFICATE


async def test_limits_of_concurrency() -> None:
    async def slow(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        await asyncio.sleep(0.02)
        return aiohttp.web.Response(body=FEED)

    async with NewsServer() as server:
        url = server.publish("/feed", slow)
        # Waiting for a free place does not count: ten fetches of 20 ms, two at a time, with a deadline of 90 ms.
        async with fetcher(per_host=2, timeout=timedelta(seconds=0.09)) as one:
            outcomes = await asyncio.gather(*(one.fetch(FetchTarget(url)) for _ in range(10)))
        assert all(isinstance(outcome, Fetched) for outcome in outcomes)
        assert server.most_at_once == 2
        server.most_at_once = 0
        async with fetcher(per_host=5, concurrency=3) as one:
            await asyncio.gather(*(one.fetch(FetchTarget(url)) for _ in range(10)))
        assert server.most_at_once == 3


async def test_cancellation_leaves_nothing_open() -> None:
    async with RawServer(OK + b"\r\n" + FEED, seconds_between_bytes=0.05) as server, fetcher(per_host=1) as one:
        task = asyncio.create_task(one.fetch(FetchTarget(server.url)))
        await server.connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(100):
            if not server.open_connections:
                break
            await asyncio.sleep(0.02)
        assert server.open_connections == 0
        # The place is free again.
        async with NewsServer() as other:
            assert isinstance(await one.fetch(FetchTarget(other.publish("/", Page(FEED)))), Fetched)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("-5", None),
        ("soon", None),
        ("9" * 400, timedelta(seconds=999_999_999)),
        ("Fri, 20 Nov 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Fri, 20 Nov 2026 12:05:00", timedelta(minutes=5)),
        ("Fri, 20 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Fri, 99 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, expected: timedelta | None) -> None:
    assert parse_retry_after(value, NOW) == expected


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([("Cache-Control", "public")], None),
        ([("Cache-Control", "public, max-age=300")], 300),
        ([("cache-control", 'Max-Age = "60", must-revalidate')], 60),
        ([("Cache-Control", "s-maxage=9")], None),
        ([("Cache-Control", "public"), ("Cache-Control", "max-age=120")], 120),
        ([("Cache-Control", "max-age=300"), ("Age", "100")], 200),
        ([("Cache-Control", "max-age=300"), ("Age", "1000")], 0),
        ([("Cache-Control", "max-age=300"), ("Age", "soon")], 300),
        ([("Cache-Control", "max-age=-1")], None),
        ([("Cache-Control", "max-age=" + "9" * 400)], 999_999_999),
        ([("Cache-Control", "no-cache, max-age=300")], 0),
        ([("Cache-Control", "max-age=300, no-store")], 0),
        ([("Cache-Control", 'max-age=300, no-cache="Set-Cookie"')], 300),
        ([("Expires", "Fri, 20 Nov 2026 12:05:00 GMT")], 300),
        ([("Expires", "Fri, 20 Nov 2026 10:05:00 GMT"), ("Date", "Fri, 20 Nov 2026 10:00:00 GMT")], 300),
        ([("Expires", "Fri, 20 Nov 2026 12:05:00 GMT"), ("Age", "60")], 240),
        ([("Expires", "Fri, 20 Nov 2026 11:00:00 GMT")], 0),
        ([("Expires", "0")], 0),
        ([("Expires", "0"), ("Cache-Control", "max-age=60")], 60),
    ],
)
def test_how_long_an_answer_is_fresh(headers: list[tuple[str, str]], seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert parse_freshness(CIMultiDict(headers), NOW) == expected


async def test_freshness_of_a_body_and_of_an_unchanged_one() -> None:
    async with NewsServer() as server, fetcher() as one:
        page = Page(FEED, etag='"a1"', headers={"Cache-Control": "max-age=600"})
        url = server.publish("/feed", page)
        first = await one.fetch(FetchTarget(url))
        second = await one.fetch(FetchTarget(url, etag='"a1"'))
    assert isinstance(first, Fetched)
    assert first.fresh_for == timedelta(minutes=10)
    assert second == NotModified(NOW, timedelta(minutes=10))
