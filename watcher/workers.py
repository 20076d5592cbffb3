"""Threads for what computes: reading feeds and pages, matching."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


# While a thread computes, the event loop gets its turn only when the interpreter switches, at each of its many short
# steps. The usual 5 ms, with four threads at work, made a fetch of eleven redirects take longer than its deadline.
SWITCH_EVERY = timedelta(milliseconds=0.5)


class Workers:
    """A few threads beside the event loop; apart from asyncio's own, in which names are resolved."""

    def __init__(self, threads: int) -> None:
        sys.setswitchinterval(SWITCH_EVERY.total_seconds())
        self._threads = ThreadPoolExecutor(threads, "reader")

    async def compute(self, function: Callable[P, T], *args: P.args, **values: P.kwargs) -> T:
        """What the function returns, worked out on one of the threads; its log lines keep their context."""
        call = functools.partial(contextvars.copy_context().run, function, *args, **values)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close(self) -> None:
        """Nothing; what has not begun is dropped, and what runs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
