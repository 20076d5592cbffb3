"""``watcher run`` as a process of its own: started, signalled, killed, and read by its log lines."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # seconds; a start takes two of them on an idle machine, twenty on one that runs other tests


@dataclass
class DaemonProcess:
    """One configured watcher through any number of lives; the log of all of them lies beside the configuration."""

    config: Path
    wrapper: tuple[str, ...] = ()  # a command that runs the daemon, with its arguments
    module: str = "watcher"  # what Python runs
    process: asyncio.subprocess.Process | None = None
    _begins: int = 0  # where this life's part of the log begins
    log_path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log_path = self.config.with_suffix(".log")
        self.log_path.touch()

    async def start(self) -> None:
        """Nothing; a new life begins."""
        self._begins = self.log_path.stat().st_size
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")}
        with self.log_path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.wrapper,
                *(sys.executable, "-m", self.module, "run", "--config", str(self.config)),
                cwd=CHECKOUT,
                env=environ,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

    def log(self) -> str:
        """What this life wrote."""
        return self.log_path.read_bytes()[self._begins :].decode()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log lines of this life about one kind of event."""
        found = [json.loads(line) for line in self.log().splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in found if line.get("event") == event]

    async def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """The log line of the ``count``-th such event of this life."""
        await self.wait_until(lambda: len(self.lines(event)) >= count, f"{event} in the log")
        return self.lines(event)[count - 1]

    async def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Nothing, once it holds; fails with the log where it does not in time or the daemon ended."""
        assert self.process is not None
        for _ in range(int(seconds / 0.02)):
            if holds():
                return
            assert self.process.returncode is None, f"the daemon ended with {self.process.returncode}:\n{self.log()}"
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {what} within {seconds:.0f} s:\n{self.log()}")

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after that signal."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def kill(self) -> None:
        """Nothing; for the end of a test, whether it still runs or not."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
