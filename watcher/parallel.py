"""Work on a long sequence in several processes, in order and in bounded memory."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Any, TypeVar

BATCH_ITEMS = 32  # per task of a worker: large enough that sending it costs little, small enough to keep all busy
_BATCHES_AHEAD = 4  # per worker, so that memory stays bounded however fast the items come

Spec = TypeVar("Spec")
Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Callable[[list[Item]], Result]


def map_batches(
    start: Callable[[Spec], Work[Item, Result]],
    spec: Spec,
    items: Iterable[Item],
    *,
    jobs: int,
    batch_items: int = BATCH_ITEMS,
) -> Iterator[Result]:
    """What the work makes of each batch of the items, in order, while items are still being read.

    ``start(spec)`` gives the work, once for each process; with ``jobs`` over 1 it is a module's function, and spec,
    items and results can be pickled. What it raises is raised here.
    """
    numbered = iter(items)
    batches = iter(lambda: list(islice(numbered, batch_items)), [])
    if jobs < 2:
        return map(start(spec), batches)
    return _in_processes(start, spec, batches, jobs)


_work: list[Work[Any, Any]] = []  # of a worker process, kept between batches: automata cannot be sent to it


def _start(start: Callable[[Any], Work[Any, Any]], spec: Any) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    _work.append(start(spec))


def end_with_parent() -> None:
    """Never returns; a worker waits for work for ever when the process that would send it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(batch: list[Any]) -> Any:
    return _work[0](batch)


def _in_processes(
    start: Callable[[Spec], Work[Item, Result]], spec: Spec, batches: Iterator[list[Item]], jobs: int
) -> Iterator[Result]:
    # Fresh processes: a forked copy of a process with threads can hang in a lock that nobody holds any more.
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Any]] = deque()
    with ProcessPoolExecutor(jobs, context, _start, (start, spec)) as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(_run, batch))
                if len(waiting) >= jobs * _BATCHES_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
