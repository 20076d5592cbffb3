"""Work in several processes: in order, lazily, and no process outlives the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from watcher.parallel import map_batches


def adding(number: int) -> Callable[[list[int]], list[int]]:
    return lambda batch: [one + number for one in batch]


def failing(number: int) -> Callable[[list[int]], list[int]]:
    def fail(batch: list[int]) -> list[int]:
        raise ValueError(f"{number}: {batch[0]}")

    return fail


def pids(_: int) -> Callable[[list[int]], int]:
    return lambda batch: os.getpid()


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs: int) -> None:
    assert list(map_batches(adding, 10, range(7), jobs=jobs, batch_items=3)) == [[10, 11, 12], [13, 14, 15], [16]]
    assert list(map_batches(adding, 10, [], jobs=jobs)) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_the_work_raises_is_raised(jobs: int) -> None:
    with pytest.raises(ValueError, match=r"^3: 5$"):
        list(map_batches(failing, 3, [5], jobs=jobs))


@pytest.mark.parametrize("jobs", [1, 2])
def test_items_are_read_as_they_are_needed(jobs: int) -> None:
    numbers = count()
    results = map_batches(adding, 0, numbers, jobs=jobs, batch_items=2)
    assert next(results) == [0, 1]
    assert next(numbers) < 50
    if isinstance(results, Iterator) and hasattr(results, "close"):
        results.close()


def test_workers_end_with_the_process_that_started_them() -> None:
    code = (
        "from itertools import count; from tests.core.test_parallel import pids; from watcher.parallel import map_batches\n"
        "if __name__ == '__main__':\n"
        "    for pid in map_batches(pids, 0, count(), jobs=2): print(pid, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        assert process.stdout is not None
        workers = {int(process.stdout.readline()) for _ in range(50)}
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
    deadline = time.monotonic() + 20
    while (alive := [pid for pid in workers if _is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with Path(f"/proc/{pid}/stat").open(encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
