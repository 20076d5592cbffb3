"""Telling systemd how the service is, over the datagram protocol of man 3 sd_notify; does nothing without systemd."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from datetime import timedelta


def notify(*lines: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether systemd listens; sends the assignments, ``READY=1`` or ``STATUS=...``, in one message.

    A full or vanished socket is no error: what the service does matters more than who hears of it.
    """
    if not is_listening(environ):
        return False
    address = environ["NOTIFY_SOCKET"]
    if address.startswith("@"):  # the abstract namespace
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.sendto("\n".join(lines).encode(), address)
        except OSError:
            return False
    return True


def is_listening(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody wants to hear ``notify``."""
    return environ.get("NOTIFY_SOCKET", "").startswith(("/", "@"))


def monotonic_usec() -> str:
    """The assignment that has to go with ``RELOADING=1``, so that systemd can tell one reload from the next."""
    return f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> timedelta | None:
    """The longest silence that the unit allows between two ``WATCHDOG=1``; None when nobody waits for one."""
    allowed = environ.get("WATCHDOG_USEC", "")
    is_for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if not allowed.isdecimal() or int(allowed) == 0 or not is_for_us:
        return None
    return timedelta(microseconds=int(allowed))
