"""The HTTP endpoint over real sockets: who is answered, who is refused, and what a fault leads to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest

from watcher.server import Endpoint, Reply, Request, Route
from watcher.server import endpoint as endpoint_module
from watcher.server.admission import Admission, host_of

PUBLIC = "https://alerts.example.org"


async def hello(asked: Request) -> Reply:
    return Reply(f"{asked.method} {asked.parts.get('name', '')}{asked.body.decode()}")


async def broken(_asked: Request) -> Reply:
    raise RuntimeError("the token is 123456:secret")


async def slow(_asked: Request) -> Reply:
    await asyncio.sleep(60)
    return Reply("too late")


ROUTES = (
    Route("GET", "/private", hello),
    Route("POST", "/private", hello),
    Route("GET", "/broken", broken),
    Route("GET", "/slow", slow),
    Route("GET", "/public/hello/{name}", hello, is_public=True),
    Route("POST", "/public/hook", hello, is_public=True, is_for_programs=True),
    Route("POST", "/public/form", hello, is_public=True),
)


class Running:
    def __init__(self) -> None:
        self.troubles: list[str | None] = []
        self.changed = asyncio.Event()
        self.port = 0

    async def ask(
        self, path: str, method: str = "GET", *, body: bytes | None = None, **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{self.port}{path}", data=body, headers=sent) as answer,
        ):
            return answer.status, await answer.text(), dict(answer.headers)


@asynccontextmanager
async def serving(routes: Sequence[Route] = ROUTES, hosts: Sequence[str] = (), port: int = 0) -> AsyncIterator[Running]:
    running = Running()

    def on_trouble(trouble: str | None) -> None:
        running.troubles.append(trouble)
        running.changed.set()

    admission = Admission.of("127.0.0.1", hosts, PUBLIC)
    endpoint = Endpoint(("127.0.0.1", port), admission, routes, on_trouble, timedelta(seconds=0.3))
    task = asyncio.create_task(endpoint.run())
    try:
        await running.changed.wait()
        running.port = endpoint.port
        yield running
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_an_answer_carries_the_headers_that_keep_browsers_from_harm() -> None:
    async with serving() as running:
        status, text, headers = await running.ask("/private")
    assert (status, text, running.troubles) == (200, "GET ", [None])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "watcher"
    assert not any(name.startswith("Access-Control") for name in headers)


CASES = [
    # path, method, headers, status
    ("/private", "GET", {"Host": "localhost:9780"}, 200),
    ("/private", "GET", {"Host": "[::1]:9780"}, 200),
    ("/private", "GET", {"Host": "192.0.2.7"}, 200),  # an address cannot be pointed elsewhere
    ("/private", "GET", {"Host": "Monitor"}, 200),
    ("/private", "GET", {"Host": "evil.example"}, 421),  # DNS rebinding
    ("/private", "GET", {"Host": "localhost.evil.example"}, 421),
    ("/private", "GET", {"Host": "localhost@evil.example"}, 421),
    ("/private", "GET", {"Host": "evil.example/localhost"}, 421),
    ("/private", "GET", {"Host": "[::1"}, 421),
    ("/private", "GET", {"Host": "localhost:x"}, 421),
    ("/nowhere", "GET", {"Host": "evil.example"}, 421),
    ("/private", "GET", {"Host": "alerts.example.org"}, 403),
    ("/nowhere", "GET", {"Host": "alerts.example.org"}, 403),
    ("/private", "GET", {"X-Forwarded-For": "198.51.100.1"}, 403),
    ("/private", "GET", {"Forwarded": "for=198.51.100.1"}, 403),
    ("/public/hello/anna", "GET", {"Host": "alerts.example.org", "X-Forwarded-For": "198.51.100.1"}, 200),
    ("/public/hello/anna", "GET", {"Host": "localhost"}, 200),
    ("/public/hello/anna", "GET", {"Host": "alerts.example.org.evil.example"}, 421),
    ("/private", "GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
    (
        "/private",
        "GET",
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        403,
    ),
    (
        "/private",
        "GET",
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        200,
    ),
    ("/private", "POST", {}, 200),
    ("/private", "POST", {"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
    ("/private", "POST", {"Host": "localhost:1", "Origin": "http://localhost:2"}, 403),
    ("/private", "POST", {"Origin": "https://evil.example"}, 403),
    ("/private", "POST", {"Origin": "null"}, 403),
    ("/private", "POST", {"Sec-Fetch-Site": "same-site"}, 403),
    ("/public/form", "POST", {"Host": "alerts.example.org", "Origin": "https://evil.example"}, 403),
    ("/public/form", "POST", {"Host": "alerts.example.org", "Origin": "https://alerts.example.org"}, 200),
    ("/public/hook", "POST", {"Host": "alerts.example.org", "Origin": "https://mail.example"}, 200),
    ("/public/hook", "POST", {"Host": "evil.example"}, 421),
    ("/nowhere", "GET", {}, 404),
    ("/private", "DELETE", {}, 405),
    ("/private", "HEAD", {}, 200),
]


async def test_who_is_answered_and_who_is_not() -> None:
    async with serving(hosts=["monitor"]) as running:
        seen = [(await running.ask(path, method, **headers))[0] for path, method, headers, _ in CASES]
    assert [(*case[:3], status) for case, status in zip(CASES, seen, strict=True)] == CASES


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/broken", None, 500), ("/slow", None, 503), ("/private", b"x" * 1_000_001, 413)],
)
async def test_a_fault_is_told_without_our_words(path: str, body: bytes | None, status: int) -> None:
    async with serving() as running:
        answer, text, headers = await running.ask(path, "POST" if body else "GET", body=body)
        assert (await running.ask("/private"))[0] == 200
    assert answer == status
    assert "secret" not in text and "Error" not in text
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_two_host_headers_are_refused() -> None:
    async with serving() as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /private HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert b" 400 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_request_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "IDLE_FOR", timedelta(seconds=0.2))
    async with serving() as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /private HTTP/1.1\r\nHost: local")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await writer.wait_closed()


async def test_a_port_that_is_taken_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "LISTEN_AGAIN_AFTER", timedelta(seconds=0.05))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with serving(port=port) as running:
            assert running.troubles[0] == "address already in use"
            running.changed.clear()
            taken.close()
            async with asyncio.timeout(5):
                await running.changed.wait()
            assert running.troubles[-1] is None
            running.port = port
            assert (await running.ask("/private"))[0] == 200


@pytest.mark.parametrize(
    ("header", "host"),
    [("A.Example:80", "a.example"), ("a.example.", "a.example"), ("[::1]:80", "::1"), ("", ""), ("a b", "")],
)
def test_the_host_of_a_header(header: str, host: str) -> None:
    assert host_of(header) == host


def test_only_public_routes_lie_where_a_proxy_passes_on() -> None:
    with pytest.raises(ValueError, match="/public/"):
        Route("GET", "/public/metrics", hello)
    with pytest.raises(ValueError, match="/public/"):
        Route("GET", "/unsubscribe", hello, is_public=True)
