"""Runs a judge over many damaged inputs, in several processes; what fuzz_rules and fuzz_reading share.

A target is a module with `make_input(seed, number) -> bytes`, `judge(body, folder) -> str` and `PATIENCE`, in seconds of the
processor for one input.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

CHUNK = 500


class Target(Protocol):
    """What is fed, and with what."""

    __name__: str
    PATIENCE: float

    def make_input(self, seed: int, number: int) -> bytes:
        """The same input for the same numbers, always."""
        ...

    def judge(self, body: bytes, folder: Path) -> str:
        """What came of an input; raises where it is not what is promised."""
        ...


class TooSlow(BaseException):  # no handler of ours may take it for an answer
    """An input took more of the processor than the target's patience."""


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow


def change_bytes(body: bytes, chance: random.Random) -> bytes:
    """A few bytes other, gone, twice or new."""
    at = chance.randrange(len(body) + 1)
    end = min(len(body), at + chance.choice((1, 1, 1, 2, 8, 64)))
    new = chance.randbytes(chance.choice((0, 1, 1, 2, 4)))
    return chance.choice((body[:at] + new + body[end:], body[:at] + body[at:end] * 2 + body[end:], body[:at]))


@dataclass
class Report:
    """What came of many inputs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)  # number of the input, what happened
    slowest: tuple[float, int] = (0.0, 0)  # seconds of the processor, number of the input

    def add(self, other: Report) -> None:
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)


def fuzz(target: Target, seed: int, numbers: Sequence[int]) -> Report:
    """What came of these inputs."""
    report = Report()
    before = signal.signal(signal.SIGVTALRM, _too_slow)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number in numbers:
                body = target.make_input(seed, number)
                began = time.process_time()
                signal.setitimer(signal.ITIMER_VIRTUAL, target.PATIENCE)
                try:
                    outcome = target.judge(body, Path(folder))
                except (Exception, TooSlow):  # noqa: BLE001  (anything at all is a failure to report)
                    outcome = "failed"
                    report.failures.append((number, traceback.format_exc()))
                finally:
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                report.outcomes[outcome] += 1
                report.slowest = max(report.slowest, (time.process_time() - began, number))
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return report


def _fuzz(task: tuple[str, int, range]) -> Report:
    name, seed, numbers = task
    return fuzz(importlib.import_module(name), seed, numbers)


def main(name: str, description: str, inputs: int) -> None:
    """Run the target of that name as a program; exit 1 when an input failed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--inputs", type=int, default=inputs)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print the first input and do no more")
    typed = parser.parse_args()
    if typed.show:
        sys.stdout.buffer.write(importlib.import_module(name).make_input(typed.seed, typed.first))
        return
    numbers = range(typed.first, typed.first + typed.inputs)
    tasks = [(name, typed.seed, numbers[start : start + CHUNK]) for start in range(0, len(numbers), CHUNK)]
    total, began = Report(), time.monotonic()
    with multiprocessing.get_context("spawn").Pool(typed.jobs) as pool:
        for done, report in enumerate(pool.imap_unordered(_fuzz, tasks), 1):
            total.add(report)
            for number, what in report.failures:
                print(f"input {number}:\n{what}", flush=True)
            if done % 20 == 0 or done == len(tasks):
                print(f"{total.outcomes.total():,} inputs in {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(
        f"{total.outcomes.total():,} inputs: {', '.join(f'{count:,} {what}' for what, count in total.outcomes.most_common())}"
    )
    print(f"slowest: input {total.slowest[1]}, {total.slowest[0]:.2f} s of the processor")
    sys.exit(1 if total.failures else 0)
