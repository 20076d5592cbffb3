"""Pruning beside the daemon's work: a few milliseconds at a time, then a rest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from watcher.retention import Cutoffs
from watcher.store import Store
from watcher.store.pruning import Slice

AT_ONCE = timedelta(milliseconds=15)  # with the slice that passes it and the commit, below what anybody notices
REST = timedelta(hours=1)  # between two walks: an hour is little of any time that things are kept for


class Forgetting:
    """Walks through the store again and again. One instance for a store; for one thread."""

    def __init__(self, store: Store) -> None:
        self._pruner = store.pruner
        self._store = store
        self._walk: Iterator[tuple[str, Slice]] | None = None
        self._rest_until_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether there may be anything to do."""
        return self._rest_until_at is None or now >= self._rest_until_at

    def go_on(self, at: Cutoffs) -> Counter[str]:
        """What was pruned in about fifteen milliseconds, by its kind; ``at`` counts for a walk that begins now."""
        if self._walk is None:
            self._walk = self._pruner.slices(at)
            self._rest_until_at = None
        pruned: Counter[str] = Counter()
        began = time.perf_counter()
        with self._store.transaction():
            for name, prune in self._walk:
                pruned[name] += prune()
                if time.perf_counter() - began > AT_ONCE.total_seconds():
                    return +pruned
        if not self._pruner.give_back():
            self._walk = None
            self._rest_until_at = at.now + REST
        return +pruned
