"""The exceptions that people get to read, and the place in a file that they point at."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.model import FetchReason


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text file; ``line`` and ``column`` count from 1, 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.path
        if not self.column:
            return f"{self.path}:{self.line}"
        return f"{self.path}:{self.line}:{self.column}"


class WatcherError(Exception):
    """Root of every error that this program raises on purpose; its text is one lower-case sentence."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a file that a person wrote: where, which key, what was expected."""

    location: Location
    message: str  # "close_together.within: expected a number of sentences, like 2 sentences"
    code: str = "invalid"  # stable, for machines and for lint suppressions

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


class ProblemsError(WatcherError):
    """Every mistake found in one go, in the order of the files."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ConfigError(ProblemsError):
    """The configuration is wrong."""


class RuleError(ProblemsError):
    """One or more rule files are wrong."""


class FeedError(WatcherError):
    """A body is not a feed; ``reason`` is the state that this puts its source in."""

    def __init__(self, message: str, reason: FetchReason = FetchReason.NOT_A_FEED) -> None:
        super().__init__(message)
        self.reason = reason


class StoreError(WatcherError):
    """The store cannot be opened or written."""


class StoreInUseError(StoreError):
    """Another watcher has the store."""


class StoreUnavailableError(StoreError):
    """The store cannot be used for now, whatever is asked of it: a full disk, another program's long write."""


class StoreFullError(StoreUnavailableError):
    """There is no room to write."""


class StoreDamagedError(StoreError):
    """The file is damaged; nothing but a copy of it helps."""


class StoreMovedError(StoreError):
    """The file that is open is not the one that lies in its place any more; that one must be opened."""
