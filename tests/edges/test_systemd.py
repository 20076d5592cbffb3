"""What systemd hears, on a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from watcher import systemd


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A bound socket and the environment that names it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@watcher-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0"))
        sock.settimeout(5)
        yield sock, {"NOTIFY_SOCKET": name}


def test_assignments_travel_in_one_message(listener: tuple[socket.socket, dict[str, str]]) -> None:
    sock, environ = listener
    assert systemd.notify("READY=1", "STATUS=3 sources, Ազգ", environ=environ)
    assert sock.recv(1000).decode() == "READY=1\nSTATUS=3 sources, Ազգ"


def test_a_reload_carries_its_time(listener: tuple[socket.socket, dict[str, str]]) -> None:
    sock, environ = listener
    assert systemd.notify("RELOADING=1", systemd.monotonic_usec(), environ=environ)
    first, second = sock.recv(1000).decode().split("\n")
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdecimal()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_nobody_listens(environ: dict[str, str]) -> None:
    assert not systemd.notify("READY=1", environ=environ)


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, timedelta(seconds=60)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=60)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_long_the_watchdog_waits(environ: dict[str, str], interval: timedelta | None) -> None:
    assert systemd.watchdog_interval(environ) == interval
