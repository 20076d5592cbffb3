"""Notices when the configuration or the rules on disk say something new.

The system tells of changes in folders, and is asked anew after each: a folder that was replaced as a whole, a new
subfolder, a link that leads elsewhere are all seen. What stands in the files counts, not when they were touched.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from watchfiles import Change, awatch

from watcher.rules.load import SUFFIXES, find_rule_files

SETTLED_AFTER = timedelta(seconds=1)  # editors write several times, and copying a folder takes a while
LOOK_EVERY = timedelta(minutes=1)  # where the system cannot tell of changes
_STEP_MS = 200  # how often the library asks the system; a change is heard within two of them
_REFUSED = (OSError, RuntimeError)  # the library's own error, for a system that refuses to watch, is a RuntimeError
_GONE = "(os error 2)"  # ENOENT, as the library spells it in its own error


class FileWatch:
    """Watches for one daemon. All methods belong to the event loop's thread."""

    def __init__(self, on_change: Callable[[], None], on_trouble: Callable[[str | None], None]) -> None:
        """``on_trouble`` gets why changes are not told of, again at each attempt, and None when they are."""
        self._on_change = on_change
        self._on_trouble = on_trouble
        self._config: Path | None = None
        self._paths: tuple[Path, ...] = ()
        self._is_on = False
        self._targeted = asyncio.Event()
        self._known = b""  # what the files said when they were last looked at

    async def watch(self, config: Path | None, paths: Sequence[Path], *, is_on: bool) -> None:
        """Nothing; from now on these are watched, and what they say now is known."""
        if (self._config, self._paths) != (config, tuple(paths)):
            self._config, self._paths = config, tuple(paths)
            await self.look()
        self._is_on = is_on
        self._targeted.set()

    async def look(self) -> bool:
        """Whether the files say something else than at the last look."""
        before, self._known = self._known, await self._read()
        return self._known != before

    async def _read(self) -> bytes:
        return await asyncio.to_thread(_fingerprint, self._config, self._paths)

    async def run(self) -> None:
        """Never returns; tells of each change once it has settled, until it is cancelled."""
        while True:
            self._targeted.clear()
            if not self._is_on:
                await self._targeted.wait()
                continue
            try:
                await self._wait_for_change()
            except _REFUSED as error:
                if isinstance(error, FileNotFoundError) or _GONE in str(error):
                    await _within(SETTLED_AFTER, self._targeted.wait())  # a folder went before it could be watched
                else:
                    self._on_trouble(str(error).partition(" about ")[0])
                    await _within(LOOK_EVERY, self._targeted.wait())
            if self._is_on and await self.look():
                self._on_change()

    async def _wait_for_change(self) -> None:
        """Nothing, once something has changed and rested, or other files are to be watched.

        Raises what is in ``_REFUSED`` where the system cannot tell of changes.
        """
        folders = await asyncio.to_thread(_folders, self._config, self._paths)
        stirred = asyncio.Event()
        listening = asyncio.create_task(self._listen(folders, stirred))
        waiting = [asyncio.create_task(stirred.wait()), asyncio.create_task(self._targeted.wait())]
        try:
            await asyncio.sleep(0)  # by now the system watches, or has refused
            if not listening.done():
                self._on_trouble(None)
                if await self._read() != self._known:  # changed while nobody watched
                    stirred.set()
            await asyncio.wait((listening, *waiting), return_when=asyncio.FIRST_COMPLETED)
            while stirred.is_set() and not listening.done():
                stirred.clear()
                await _within(SETTLED_AFTER, stirred.wait())
            if listening.done():
                listening.result()
        finally:
            for task in (listening, *waiting):
                task.cancel()
            await asyncio.gather(listening, *waiting, return_exceptions=True)

    async def _listen(self, folders: Sequence[Path], stirred: asyncio.Event) -> None:
        changes = awatch(
            *folders,
            watch_filter=self._matters,
            debounce=5 * _STEP_MS,
            step=_STEP_MS,
            recursive=False,
        )
        async for _ in changes:
            stirred.set()

    def _matters(self, _: Change, name: str) -> bool:
        """Whether what changed can be part of rules or configuration: not the store, which may lie beside them."""
        path = Path(name)
        named = (self._config, *self._paths)
        return (
            path.suffix in SUFFIXES
            or any(one is not None and path.name in (one.name, one.resolve().name) for one in named)
            or not path.is_file()  # a folder or a link came, went or was renamed
        )


async def _within(time: timedelta, awaitable: Awaitable[object]) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(awaitable, time.total_seconds())


def _folders(config: Path | None, paths: Sequence[Path]) -> list[Path]:
    """Every folder in which a change can concern us; of what is not there, the nearest folder that is."""
    found: set[Path] = set()
    for path in (*([config] if config else []), *paths):
        found.update(_nearest_folder(one.parent) for one in (path.absolute(), path.resolve()))
    for path in paths:
        for folder, inner, _ in os.walk(path):
            inner[:] = [name for name in inner if not name.startswith(".")]
            found.add(Path(folder))
    # A folder around ours need not be ours to read. (The library's own way to pass over those hides other errors, too.)
    return sorted(folder for folder in found if os.access(folder, os.R_OK))


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _fingerprint(config: Path | None, paths: Sequence[Path]) -> bytes:
    """A hash of the names and contents of all files; one that cannot be read counts as one that is not there."""
    whole = hashlib.sha256()
    files = [config] if config else []
    with suppress(OSError):
        files += find_rule_files(paths)
    for path in files:
        whole.update(str(path).encode("utf-8", "surrogateescape") + b"\0")
        with suppress(OSError):
            if path.is_file():  # a pipe would be waited for
                with path.open("rb") as file:
                    whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.digest()
