"""Fetches feeds and pages over HTTP: conditional, bounded in time and size, to public addresses only."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import re
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import MultiMapping
from yarl import URL

from watcher.model import Fetched, FetchFailed, FetchOutcome, FetchReason, FetchTarget, NotModified
from watcher.web.addresses import is_public_address
from watcher.web.challenges import recognise_challenge

_MAX_REDIRECTS = 10  # what aiohttp and most browsers' feed readers allow
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ERROR_BODY_BYTES = 64_000  # enough of an error page to tell a challenge from an error
_KEEP_ALIVE = 15  # seconds; for the pages behind a feed. Ten thousand hosts are 33 connections more each second
_DNS_CACHE = 300  # seconds; one look-up for each poll of a source every five minutes
_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, text/html;q=0.8, */*;q=0.5"
)


_NO_CACHE = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?=$|[\s,])")  # with "=" it names headers, not the answer
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]+)")
_NOT_PUBLIC = "is not on the public internet; [http] allow_private_networks = true would allow it"


class RefusedAddressError(OSError):
    """A name resolves only to addresses that a fetch may not connect to."""


class _BodyError(Exception):
    """A body that cannot be used, and why."""

    def __init__(self, reason: FetchReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class PublicResolver(AbstractResolver):
    """Looks names up and keeps only public addresses; connections go to these, whatever DNS says next."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The public addresses of ``host``; RefusedAddressError where it has others only."""
        found = await self._resolver.resolve(host, port, family)
        public = [address for address in found if is_public_address(address["host"])]
        if found and not public:
            raise RefusedAddressError(f"{host} {_NOT_PUBLIC}")
        return public

    async def close(self) -> None:
        await self._resolver.close()


@dataclass(frozen=True, slots=True)
class _Redirect:
    url: URL
    cookies: Mapping[str, str]


class Fetcher:
    """Fetches over one session: kept connections, one TLS context, a limit for each host and one for all.

    Use as an async context manager. ``fetch`` may run many times at once.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: timedelta,
        max_bytes: int,
        concurrency: int,
        per_host: int,
        allow_private_networks: bool,
        clock: Callable[[], datetime],
        ssl_context: ssl.SSLContext | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """``timeout`` is wall clock for a whole fetch, redirects included; ``max_bytes`` counts after decompression.

        Waiting for a free place among the ``concurrency`` and ``per_host`` fetches is not part of the timeout.
        """
        self._user_agent = user_agent
        self.timeout = timeout
        self.max_bytes = max_bytes
        self._per_host = per_host
        self._allow_private_networks = allow_private_networks
        self._clock = clock
        self._given_ssl_context = ssl_context
        self._resolver = resolver
        self._places = asyncio.Semaphore(concurrency)
        self._host_places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._session: aiohttp.ClientSession | None = None
        self._kept: dict[FetchTarget, FetchOutcome] = {}

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """What certificates are checked with; for connections that are no fetches."""
        return self._given_ssl_context or ssl.create_default_context()

    async def __aenter__(self) -> Self:
        resolver = self._resolver = self._resolver or aiohttp.resolver.DefaultResolver()
        connector = aiohttp.TCPConnector(
            ssl=self._given_ssl_context or True,  # True: the one that aiohttp makes in any case, for all
            limit=0,  # the semaphores bound the connections, before the clock of a fetch starts
            limit_per_host=self._per_host,  # for hosts that are reached by a redirect
            resolver=resolver if self._allow_private_networks else PublicResolver(resolver),
            ttl_dns_cache=_DNS_CACHE,
            keepalive_timeout=_KEEP_ALIVE,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,  # bounded and checked here
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(total=None),  # one deadline over all hops, in `fetch`
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._resolver is not None:
            await self._resolver.close()  # a connector closes only a resolver that it made itself

    def keep(self, target: FetchTarget, outcome: FetchOutcome) -> None:
        """Nothing; the next fetch of the same gives this outcome, without asking the server again."""
        self._kept[target] = outcome

    async def fetch(self, target: FetchTarget) -> FetchOutcome:
        """The body, "not modified", or why there is none; raises nothing but cancellation."""
        if kept := self._kept.pop(target, None):
            return kept
        try:
            url = URL(target.url)
            host = url.host
        except ValueError:
            host = None
        if host is None:
            return self._failed(FetchReason.BAD_URL, "the address is not a url with a host")
        host_places = self._host_places.setdefault(host, asyncio.Semaphore(self._per_host))
        async with host_places, self._places:
            try:
                async with asyncio.timeout(self.timeout.total_seconds()):
                    return await self._follow(url, target)
            except TimeoutError:
                seconds = f"{self.timeout.total_seconds():g}"
                return self._failed(FetchReason.TIMEOUT, f"no complete answer within {seconds} seconds")
            except (aiohttp.ClientError, OSError, ValueError) as error:
                return self._network_failure(error)

    async def _follow(self, url: URL, target: FetchTarget) -> FetchOutcome:
        """The answer after at most ``_MAX_REDIRECTS`` redirects, each checked like the first address."""
        headers = {}
        if target.etag:
            headers["If-None-Match"] = target.etag
        if target.last_modified:
            headers["If-Modified-Since"] = target.last_modified
        cookies: Mapping[str, str] = {}
        for _ in range(_MAX_REDIRECTS + 1):
            refusal = self._refusal(url)
            if refusal:
                return refusal
            answer = await self._request(url, headers, cookies)
            if not isinstance(answer, _Redirect):
                return answer
            # Some publishers set a cookie and send the reader back; no cookie outlives the fetch or leaves its host.
            cookies = {**cookies, **answer.cookies} if answer.url.host == url.host else {}
            url = answer.url
        return self._failed(FetchReason.TOO_MANY_REDIRECTS, f"more than {_MAX_REDIRECTS} redirects")

    def _refusal(self, url: URL) -> FetchFailed | None:
        """Why ``url`` may not be asked at all; names are checked when they are resolved."""
        if url.scheme not in ("http", "https") or not url.host:
            return self._failed(FetchReason.BAD_URL, f"only http and https are fetched, not {url.scheme or 'this'}")
        is_literal = ":" in url.host or url.host.replace(".", "").isdigit()
        if is_literal and not self._allow_private_networks and not is_public_address(url.host):
            return self._failed(FetchReason.REFUSED_ADDRESS, f"{url.host} {_NOT_PUBLIC}")
        return None

    async def _request(
        self, url: URL, headers: Mapping[str, str], cookies: Mapping[str, str]
    ) -> FetchOutcome | _Redirect:
        assert self._session is not None, "use the fetcher as a context manager"  # noqa: S101
        async with self._session.get(url, headers=headers, cookies=cookies, allow_redirects=False) as response:
            status = response.status
            if status in _REDIRECTS and "Location" in response.headers:
                location = response.headers["Location"]
                return _Redirect(
                    url.join(URL(location)), {name: morsel.value for name, morsel in response.cookies.items()}
                )
            if status == HTTPStatus.NOT_MODIFIED and headers:
                now = self._clock()
                return NotModified(checked_at=now, fresh_for=parse_freshness(response.headers, now))
            if not 200 <= status < 300:
                return await self._refused_by_server(response)
            try:
                body = await self._read_body(response, self.max_bytes)
            except _BodyError as error:
                return self._failed(error.reason, error.detail, status=status)
            challenge = recognise_challenge(body, response.headers)
            if challenge:
                return self._failed(FetchReason.BLOCKED, f"a {challenge} instead of the content", status=status)
            if not body.strip():
                return self._failed(FetchReason.EMPTY, "the body is empty", status=status)
            now = self._clock()
            return Fetched(
                body=body,
                final_url=str(url),
                status=status,
                content_type=response.headers.get("Content-Type"),
                etag=response.headers.get("ETag"),
                last_modified=response.headers.get("Last-Modified"),
                fetched_at=now,
                fresh_for=parse_freshness(response.headers, now),
            )

    async def _refused_by_server(self, response: aiohttp.ClientResponse) -> FetchFailed:
        """An error status, told apart from a challenge that hides behind one."""
        try:
            body = await self._read_body(response, _ERROR_BODY_BYTES)
        except (_BodyError, aiohttp.ClientError):
            body = b""  # what the error page says matters less than the status
        status = response.status
        retry_after = parse_retry_after(response.headers.get("Retry-After"), self._clock())
        challenge = recognise_challenge(body, response.headers)
        if challenge:
            detail = f"a {challenge} with status {status}"
            return self._failed(FetchReason.BLOCKED, detail, status=status, retry_after=retry_after)
        try:
            phrase = HTTPStatus(status).phrase.lower()
        except ValueError:
            phrase = "not a registered status"
        detail = f"the server answered {status} ({phrase})"
        return self._failed(FetchReason.HTTP_ERROR, detail, status=status, retry_after=retry_after)

    async def _read_body(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        """The decompressed body; _BodyError where it is larger than ``max_bytes``, cut off or not readable."""
        declared = response.content_length
        if declared is not None and declared > max_bytes:
            raise _BodyError(FetchReason.TOO_LARGE, f"the server announces {declared} bytes, the limit is {max_bytes}")
        decoder = _decoder(response.headers.get("Content-Encoding", ""))
        body = bytearray()
        try:
            async for chunk in response.content.iter_any():
                decoder.feed(chunk, body, max_bytes)
                if len(body) > max_bytes:
                    raise _BodyError(FetchReason.TOO_LARGE, f"the body is larger than {max_bytes} bytes")
        except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _BodyError(FetchReason.TRUNCATED, "the connection ended before the body did") from error
        except zlib.error as error:
            raise _BodyError(FetchReason.TRUNCATED, "the compressed body is damaged") from error
        if not decoder.is_complete:
            raise _BodyError(FetchReason.TRUNCATED, "the compressed body ends too early")
        return bytes(body)

    def _network_failure(self, error: Exception) -> FetchFailed:
        """What a failed connection means, in words that do not depend on the library's."""
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        match error:
            case _ if isinstance(cause, RefusedAddressError):
                return self._failed(FetchReason.REFUSED_ADDRESS, str(cause))
            case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
                return self._failed(FetchReason.BAD_CERTIFICATE, _certificate_detail(error))
            case aiohttp.ClientConnectorDNSError() | socket.gaierror():
                return self._failed(FetchReason.UNREACHABLE, "the name of the server cannot be resolved")
            case aiohttp.ClientSSLError() | ssl.SSLError():
                return self._failed(FetchReason.UNREACHABLE, "the tls handshake failed")
            case aiohttp.ClientResponseError():
                return self._failed(FetchReason.HTTP_ERROR, "the answer is not valid http, or its headers are too long")
            case aiohttp.ServerDisconnectedError():
                return self._failed(FetchReason.UNREACHABLE, "the server closed the connection without an answer")
            case aiohttp.ClientConnectorError(errno=errno.EMFILE | errno.ENFILE):
                return self._failed(FetchReason.UNREACHABLE, "this machine has too many open files (see LimitNOFILE=)")
            case aiohttp.ClientConnectorError():
                return self._failed(FetchReason.UNREACHABLE, "no connection to the server")
            case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | ValueError():
                return self._failed(FetchReason.BAD_URL, "the address, or one that it redirects to, is not a valid url")
        return self._failed(FetchReason.UNREACHABLE, "the connection broke")

    def _failed(
        self, reason: FetchReason, detail: str, *, status: int | None = None, retry_after: timedelta | None = None
    ) -> FetchFailed:
        return FetchFailed(
            reason=reason, detail=detail, checked_at=self._clock(), status=status, retry_after=retry_after
        )


class _Plain:
    """No compression."""

    is_complete = True

    def feed(self, chunk: bytes, body: bytearray, max_bytes: int) -> None:
        body += chunk


class _Inflating:
    """gzip and deflate, never growing a body more than one byte past its limit."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._decompressor = zlib.decompressobj(wbits)
        self._has_input = False

    @property
    def is_complete(self) -> bool:
        """Whether the end marker was seen; a body of no bytes at all is complete."""
        return self._decompressor.eof or not self._has_input

    def feed(self, chunk: bytes, body: bytearray, max_bytes: int) -> None:
        """Append what ``chunk`` decompresses to, until ``body`` is one byte longer than ``max_bytes``."""
        while chunk and len(body) <= max_bytes:
            if self._decompressor.eof:
                if not chunk.startswith(b"\x1f\x8b"):
                    return  # padding after the last member
                self._decompressor = zlib.decompressobj(self._wbits)
            elif not self._has_input and self._wbits == zlib.MAX_WBITS and not _has_zlib_header(chunk):
                self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)  # servers call both forms "deflate"
            self._has_input = True
            body += self._decompressor.decompress(chunk, max_bytes + 1 - len(body))
            chunk = self._decompressor.unused_data if self._decompressor.eof else self._decompressor.unconsumed_tail


def _has_zlib_header(chunk: bytes) -> bool:
    """RFC 1950, 2.2: method 8, and for two bytes a multiple of 31."""
    return chunk[0] & 0x0F == 8 and (len(chunk) < 2 or (chunk[0] * 256 + chunk[1]) % 31 == 0)


def _decoder(content_encoding: str) -> _Plain | _Inflating:
    """What undoes ``content_encoding``; _BodyError for one that was not asked for."""
    match content_encoding.strip().lower():
        case "" | "identity" | "utf-8" | "none":  # the last two are seen in the wild and mean nothing
            return _Plain()
        case "gzip" | "x-gzip":
            return _Inflating(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Inflating(zlib.MAX_WBITS)
    raise _BodyError(FetchReason.HTTP_ERROR, "the server used a compression that was not asked for")


def hash_body(body: bytes) -> str:
    """A hash by which an unchanged body is known again."""
    return hashlib.sha256(body).hexdigest()


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long the server asks to wait, from seconds or an HTTP date, never negative; None where it does not say."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return _seconds(value)
    moment = _http_date(value)
    return None if moment is None else max(moment - now, timedelta(0))


def parse_freshness(headers: MultiMapping[str], now: datetime) -> timedelta | None:
    """How long the answer stays fresh by its own headers, never negative; None where they do not say.

    As RFC 9111, 4.2 has it for a private cache: max-age before Expires, the time spent in other caches taken off; an
    Expires that is no date lies in the past.
    """
    directives = ",".join(headers.getall("Cache-Control", ())).lower()
    if _NO_CACHE.search(directives):
        return timedelta(0)
    if stated := _MAX_AGE.search(directives):
        lifetime = _seconds(stated[1])
    elif "Expires" in headers:
        # By the server's own clock where it shows it: theirs and ours may differ by hours.
        date = _http_date(headers.get("Date", "")) or now
        lifetime = (_http_date(headers["Expires"]) or date) - date
    else:
        return None
    age = headers.get("Age", "").strip()
    spent = _seconds(age) if age.isascii() and age.isdigit() else timedelta(0)
    return max(lifetime - spent, timedelta(0))


def _seconds(digits: str) -> timedelta:
    return timedelta(seconds=int(digits[:9]))  # more than thirty years mean the same as thirty


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _certificate_detail(error: Exception) -> str:
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    message = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else ""
    return (
        f"the server's certificate is not valid: {message.lower()}"
        if message
        else "the server's certificate is not valid"
    )
