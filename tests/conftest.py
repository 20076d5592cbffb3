"""What every test gets: no network but this machine's own, and a reason where the development data is missing."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED_DATA = CHECKOUT.parent / "shared" / "data"


class NetworkUsed(BaseException):
    """A test reached for another machine; not an Exception, so that no handler in the code under test can hide it."""


def parse_address(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that ``host`` spells, without a look-up; None for a name."""
    try:
        return ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return None


def refuse_unless_local(address: object) -> None:
    """Pass unix sockets (paths) and loopback addresses, raise NetworkUsed for the rest."""
    if not isinstance(address, tuple):
        return
    parsed = parse_address(address[0])
    if address[0] not in ("", "localhost") and not (parsed and parsed.is_loopback):
        raise NetworkUsed(f"a test tried to reach {address[0]!r}; tests talk to this machine only")


@pytest.fixture(autouse=True, scope="session")
def _network_blocked() -> Iterator[None]:
    """Whatever would connect, send or look up a name beyond this machine fails its test."""

    def guarded(method: str, address_index: int) -> Any:
        original = getattr(socket.socket, method)

        def call(self: socket.socket, *args: Any) -> Any:
            refuse_unless_local(args[address_index])
            return original(self, *args)

        return call

    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if str(name).rstrip(".").endswith(".invalid"):  # RFC 6761: never resolves, so nobody has to be asked
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name is not None and parse_address(name) is None:
            refuse_unless_local((name,))
        return resolve(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded("connect", 0))
        patch.setattr(socket.socket, "connect_ex", guarded("connect_ex", 0))
        patch.setattr(socket.socket, "sendto", guarded("sendto", -1))
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """A command that a test runs in this process sets up logging, onto a stream that is gone when the test is."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "telegram", "asyncio")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data beside the checkout; the test is skipped where it is not there."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no development data at {SHARED_DATA}")
    return SHARED_DATA


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that is marked as reading the development data, with or without the fixture."""
    if item.get_closest_marker("shared_data") and not SHARED_DATA.is_dir():
        pytest.skip(f"no development data at {SHARED_DATA}")
