"""``watcher run --once``: every source read once, and rules loaded only where one has something new."""

from __future__ import annotations

import gc
import hashlib
import os
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import watcher
from watcher.agenda import utc_now
from watcher.fetch import Fetcher
from watcher.look import FirstLook
from watcher.model import FetchFailed
from watcher.settings import Settings
from watcher.store import Store

if TYPE_CHECKING:
    from watcher.rulebook import RuleBook


async def run_once(
    settings: Settings, store: Store, load_book: Callable[[], RuleBook], start_log: Callable[[], None]
) -> None:
    """Nothing, after every source was read once, to its end, and everything due was sent once.

    ``load_book`` raises RuleError; so does this wherever a rule is wrong, whether anything is new or not. ``start_log``
    is called before anything is logged. Garbage may not be collected until there is work.
    """
    started_at = utc_now()
    fingerprint = fingerprint_rules(settings.rules.paths)
    book = None
    if not store.journal.are_rules_sound(fingerprint):
        book = load_book()
        with store.transaction():
            store.journal.note_sound_rules(fingerprint)
    sources = settings.to_sources()
    async with Fetcher(**settings.http.to_fetcher(), clock=utc_now) as fetcher:
        jitter = random.Random().random  # noqa: S311  (spreads polls; keeps no secret)
        first = FirstLook(store, fetcher, jitter)
        settled = await first.look(sources)
        if first.failed:
            start_log()
            _log_failures(first.failed)
        reads_mail = settings.email is not None and bool(settings.email.bounces)
        if len(settled) == len(sources) and not reads_mail and not _has_work(store):
            with store.transaction():
                store.articles.save_noted()
                run_id = store.journal.start_run(started_at, watcher.__version__)
                store.journal.stop_run(run_id, utc_now())
            return
        from watcher.daemon import Daemon, make_notifiers

        gc.enable()
        if not first.failed:
            start_log()
        found = book or load_book()
        daemon = Daemon(settings, found, store, lambda: (settings, found), make_notifiers)
        await daemon.run_once(fetcher, settled)


def _log_failures(failed: Iterable[tuple[str, FetchFailed]]) -> None:
    import structlog  # with rich and more, a twentieth of a run that finds nothing new

    log = structlog.get_logger("watcher.look")
    for source_id, failure in failed:
        log.warning("poll_failed", source_id=source_id, reason=failure.reason.value, detail=failure.detail)


def _has_work(store: Store) -> bool:
    """Whether something is to be sent, or a page to be looked at again, or a mute may have ended."""
    now = utc_now()
    due_at = store.outbox.next_due_at()
    is_due = due_at is not None and due_at <= now
    return is_due or bool(store.articles.due_pages(now, limit=1)) or bool(store.outbox.silencers())


def fingerprint_rules(paths: Sequence[Path]) -> str:
    """A hash of everything that decides whether these rules have mistakes: their files, and the program.

    The program's files by size and time of change: one that somebody works on has the same version all along.
    """
    said = hashlib.sha256()
    for path in (one for root in paths for one in _files_below(root)):
        body = path.read_bytes()
        said.update(f"{path}\0{len(body)}\0".encode() + body)
    for path in _files_below(Path(watcher.__file__).parent):
        if path.suffix != ".pyc":
            status = path.stat()
            said.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return said.hexdigest()


def _files_below(root: Path) -> list[Path]:
    """The files of a folder and its folders, sorted; a file is its own."""
    if root.is_file():
        return [root]
    return sorted(Path(folder, name) for folder, _, names in os.walk(root) for name in names)
