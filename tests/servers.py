"""HTTP servers on loopback that real fetches talk to: one that publishes, one that misbehaves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]  # names in lower case


@dataclass
class Page:
    """What a path answers; with validators it answers 304 to a request that holds them."""

    body: bytes
    content_type: str = "application/rss+xml"
    status: int = 200
    etag: str | None = None
    last_modified: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class NewsServer:
    """Publishes pages and feeds on 127.0.0.1; what it serves may change while it runs. Use as an async context manager."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Seen] = []
        self.connections: set[int] = set()  # ids of the transports seen
        self.most_at_once = 0
        self._at_once = 0
        self._pages: dict[str, Page | Handler] = {}
        self._ssl_context = ssl_context
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._ssl_context)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._ssl_context else 'http'}://{host}:{self.port}{path}"

    def publish(self, path: str, page: Page | Handler) -> str:
        """Serve ``page`` under ``path``; the URL to fetch it from."""
        self._pages[path] = page
        return self.url(path)

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        return self.publish(path, Page(b"", status=status, headers={"Location": to}))

    def count(self, path: str) -> int:
        """How often ``path`` was asked for."""
        return sum(1 for seen in self.requests if seen.path == path)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(Seen(request.path_qs, {name.lower(): value for name, value in request.headers.items()}))
        self.connections.add(id(request.transport))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            page = self._pages.get(request.path, Page(b"not here", "text/plain", 404))
            return await page(request) if callable(page) else self._page(request, page)
        finally:
            self._at_once -= 1

    def _page(self, request: web.Request, page: Page) -> web.Response:
        headers = {**page.headers, "Content-Type": page.content_type}
        if page.etag:
            headers["ETag"] = page.etag
        if page.last_modified:
            headers["Last-Modified"] = page.last_modified
        holds_etag = page.etag and request.headers.get("If-None-Match") == page.etag
        holds_date = page.last_modified and request.headers.get("If-Modified-Since") == page.last_modified
        if holds_etag or (holds_date and not page.etag):
            return web.Response(status=304, headers=headers)
        return web.Response(body=page.body, status=page.status, headers=headers)


class RawServer:
    """Answers every request with the same bytes, right or wrong, and closes; optionally a byte at a time."""

    def __init__(self, answer: bytes, *, seconds_between_bytes: float = 0) -> None:
        self._answer = answer
        self._pause = seconds_between_bytes
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.open_connections = 0
        self.connected = asyncio.Event()  # set by the first connection
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open_connections += 1
        self.connected.set()
        try:
            await reader.readuntil(b"\r\n\r\n")
            if self._pause:
                for byte in self._answer:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(self._pause)
            else:
                writer.write(self._answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            self._tasks.discard(task)
            writer.close()


class StreamServer:
    """Answers every request, or connection, with what a generator yields, for as long as anybody listens."""

    def __init__(self, stream: Callable[[], AsyncIterator[bytes]]) -> None:
        self._stream = stream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def until_left(self) -> None:
        """Nothing, once nobody listens any more; fails where somebody still does after ten seconds."""
        for _ in range(1000):
            if not self._tasks:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the connection is still open")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        stream = self._stream()
        try:
            await reader.readuntil(b"\r\n\r\n")
            async for piece in stream:
                writer.write(piece)
                await writer.drain()
                if reader.at_eof() or writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
