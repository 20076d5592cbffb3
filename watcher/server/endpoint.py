"""The endpoint itself: listens, checks, calls the handler, and never takes the daemon down with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler as WebHandler

from watcher.server.admission import Admission
from watcher.server.routes import Request, Route

log = structlog.get_logger()

MAX_BODY_BYTES = 1_000_000  # an update of Telegram's, the largest thing that anybody sends here, is some 100 KB
ANSWER_WITHIN = timedelta(seconds=10)  # Prometheus waits as long by default (scrape_timeout)
IDLE_FOR = timedelta(seconds=15)  # a connection on which no request, or not all of one, arrives
MOST_CONNECTIONS = 100  # more are closed at once: alerts need descriptors, too
LISTEN_AGAIN_AFTER = timedelta(minutes=1)
_STOP_WITHIN = timedelta(seconds=1)  # for requests under way; the daemon as a whole has five

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "watcher",
}


class Endpoint:
    """Answers the routes on one address; ``on_trouble`` hears why it cannot listen, and None when it does."""

    def __init__(
        self,
        listen: tuple[str, int],
        admission: Admission,
        routes: Sequence[Route],
        on_trouble: Callable[[str | None], None],
        answer_within: timedelta = ANSWER_WITHIN,
    ) -> None:
        self._listen = listen
        self._admission = admission
        self._routes = routes
        self._by_handler: dict[WebHandler, Route] = {}
        self._on_trouble = on_trouble
        self._answer_within = answer_within.total_seconds()
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self.port = 0  # where it really listens, once it does

    async def run(self) -> None:
        """Never returns: serves until it is cancelled, and tries again each minute where the address is taken."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._protected])
        for route in self._routes:
            handler = self._handler(route)
            self._by_handler[handler] = route
            app.router.add_route(route.method, route.path, handler)
            if route.method == "GET":
                app.router.add_route("HEAD", route.path, handler)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=IDLE_FOR.total_seconds(),
            lingering_time=_STOP_WITHIN.total_seconds(),
            shutdown_timeout=_STOP_WITHIN.total_seconds(),
        )
        await self._runner.setup()
        try:
            while (trouble := await self._start_listening(self._runner)) is not None:
                log.error("endpoint_not_listening", address=self._address, reason=trouble)
                self._on_trouble(trouble)
                await asyncio.sleep(LISTEN_AGAIN_AFTER.total_seconds())
            log.info("endpoint_listening", address=self._address)
            self._on_trouble(None)
            await asyncio.Event().wait()
        finally:
            self.port = 0
            if self._listener is not None:
                self._listener.close()
            await self._runner.cleanup()

    @property
    def _address(self) -> str:
        host, port = self._listen
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def _start_listening(self, runner: web.AppRunner) -> str | None:
        """None; else why it cannot listen, in words."""
        server = cast("web.Server", runner.server)  # there is one after its setup

        def connect() -> asyncio.Protocol:
            return server() if len(server.connections) < MOST_CONNECTIONS else _TurnedAway()

        try:
            self._listener = await asyncio.get_running_loop().create_server(connect, *self._listen, reuse_address=True)
        except OSError as error:
            return os.strerror(error.errno).lower() if error.errno else type(error).__name__
        self.port = self._listener.sockets[0].getsockname()[1]
        return None

    @web.middleware
    async def _protected(self, request: web.Request, handler: WebHandler) -> web.StreamResponse:
        response = await self._answer(request, handler)
        response.headers.update(_HEADERS)
        return response

    async def _answer(self, request: web.Request, handler: WebHandler) -> web.StreamResponse:
        """The answer, whatever happens: a fault gives 500 and a line in the log, none of our text goes out."""
        route = self._by_handler.get(request.match_info.handler)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if len(headers.get("host", "").split()) != 1 or len(request.headers.getall("Host", ())) != 1:
            return _plain(400)
        if not request.raw_path.startswith("/"):  # to a proxy, and with a host of its own (RFC 9112 section 3.2.2)
            return _plain(400)
        if refusal := self._admission.refuse(route, request.method, headers):
            log.warning("request_refused", status=refusal.status, reason=refusal.reason)
            return _plain(refusal.status, refusal.reason)
        try:
            async with asyncio.timeout(self._answer_within):
                return await handler(request)
        except web.HTTPException as error:  # no such path, no such method, too large a body
            return _plain(error.status)
        except TimeoutError:
            log.warning("request_too_slow", path=route.path if route else "")
            return _plain(503)
        except Exception:  # one handler's fault must not end the others
            log.exception("request_failed", path=route.path if route else "")
            return _plain(500)

    def _handler(self, route: Route) -> WebHandler:
        async def answer(request: web.Request) -> web.StreamResponse:
            asked = Request(
                method=request.method,
                path=request.path,
                parts=dict(request.match_info),
                query=dict(request.query),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
            )
            reply = await route.handler(asked)
            return web.Response(
                body=reply.text.encode(),
                status=reply.status,
                headers={**reply.headers, "Content-Type": reply.content_type},
            )

        return answer


class _TurnedAway(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _plain(status: int, reason: str = "") -> web.Response:
    return web.Response(text=f"{reason or HTTPStatus(status).phrase}\n".lower(), status=status)
