"""Reloading: everything is read anew and checked, then comes into force at once; or nothing, and operators know why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

import structlog

from watcher import systemd
from watcher.errors import ProblemsError
from watcher.guard import Guard, GuardError
from watcher.model import Severity
from watcher.rulebook import RuleBook
from watcher.settings import Settings
from watcher.store import Store

log = structlog.get_logger()

LOSSES_SHOWN = 10  # in the message of a refused reload; a telephone shows as many

# Sections of the configuration that a reload brings into force; the others need a restart.
RELOADED = frozenset({"rules", "sources", "recipients", "inhibit", "retention", "drill"})

# Loads the configuration and the rules anew; raises ProblemsError with every mistake.
Load = Callable[[], tuple[Settings, RuleBook]]


class InForce(Protocol):
    """What a reload replaces."""

    settings: Settings
    book: RuleBook


class Reloading:
    """One reload after the other; ``take`` puts what was read into force, ``tell`` lets operators know.

    ``before`` is awaited before the files are read, ``read`` with the settings once they are without a mistake.
    """

    def __init__(
        self,
        in_force: InForce,
        store: Store,
        load: Load,
        clock: Callable[[], datetime],
        *,
        before: Callable[[], Awaitable[object]],
        read: Callable[[Settings], Awaitable[None]],
        take: Callable[[Settings, RuleBook], None],
        tell: Callable[[str, str, Severity], None],
        on_done: Callable[[bool], None],
    ) -> None:
        self._in_force = in_force
        self._store = store
        self._load = load
        self._clock = clock
        self._before = before
        self._read = read
        self._take = take
        self._tell = tell
        self._on_done = on_done  # hears whether what was read is in force
        self._guard = Guard(in_force.settings.store.path)
        self._task: asyncio.Task[None] | None = None
        self._must_go_again = False
        self._refused_version: str | None = None  # by the guard; an operator may accept it

    def start(self) -> None:
        """Nothing; a reload begins, or follows the one that is under way and may have read the files too early."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._until_read())
        else:
            self._must_go_again = True

    def start_if_accepted(self) -> None:
        """Nothing; a reload begins where an operator has accepted meanwhile what the guard had refused."""
        refused, rules = self._refused_version, self._in_force.settings.rules
        if refused and rules.reload_on_change and self._store.journal.are_rules_accepted(refused):
            self._refused_version = None
            self.start()

    def stop(self) -> tuple[asyncio.Task[None], ...]:
        """What is under way, to be cancelled."""
        self._guard.stop()
        return () if self._task is None else (self._task,)

    async def _until_read(self) -> None:
        while True:
            self._must_go_again = False
            systemd.notify("RELOADING=1", systemd.monotonic_usec())
            try:
                self._on_done(await self._reload())
            except Exception:  # whatever it was, the old rules stay in force and the next reload is answered
                log.exception("reload_failed")
            systemd.notify("READY=1")
            if not self._must_go_again:
                return

    async def _reload(self) -> bool:
        """Whether what was read is in force; operators were told in either case."""
        old_settings, old_book = self._in_force.settings, self._in_force.book
        await self._before()
        try:
            settings, book = await asyncio.to_thread(self._load)
        except ProblemsError as error:
            for problem in error.problems:
                log.error("reload_refused", problem=str(problem))
            count = len(error.problems)
            self._tell(
                f"Reload refused: {count} mistake{'s' if count > 1 else ''}; the rules of before stay in force",
                "\n".join(map(str, error.problems)),
                Severity.WARNING,
            )
            return False
        await self._read(settings)
        said_by_guard = await self._ask_guard(settings, old_book, book)
        if said_by_guard is None:
            return False
        self._take(settings, book)
        changes = book.changes_since(old_book)
        log.info("reloaded", rules=len(book.versions), sources=len(settings.sources), **changes)
        lines = [f"{what}: {', '.join(rule_ids)}" for what, rule_ids in changes.items() if rule_ids]
        lines = [*(lines or ["no rule changed"]), *said_by_guard]
        for section in Settings.model_fields:
            if section not in RELOADED and getattr(settings, section) != getattr(old_settings, section):
                lines.append(f"[{section}] has changed, which takes a restart to come into force")
        self._tell(
            f"Reloaded: {len(book.versions)} rules, {len(settings.sources)} sources", "\n".join(lines), Severity.WATCH
        )
        return True

    async def _ask_guard(self, settings: Settings, old: RuleBook, new: RuleBook) -> tuple[str, ...] | None:
        """What to say about rules that may come into force; None for those that may not, and operators know why."""
        self._refused_version = None
        if not settings.rules.guard or new.version == old.version:
            return ()
        if self._store.journal.are_rules_accepted(new.version):
            with self._store.transaction():
                self._store.journal.use_acceptance(new.version)
            log.info("guard_overruled", version=new.version)
            return ("guard: these rules were accepted, whatever alerts they lose",)
        since = self._clock() - settings.rules.guard_over
        try:
            verdict = await asyncio.to_thread(self._guard.compare, old.rule_set, new.rule_set, since)
        except GuardError as error:
            log.error("guard_failed", version=new.version, reason=str(error))
            what, lines = "the rules could not be compared with those of before", [str(error)]
        else:
            log.info("guard_compared", version=new.version, alerts=verdict.alerts, lost=len(verdict.losses))
            if not verdict.losses:
                latest = ", only the latest compared" if verdict.is_partial else ""
                return (f"guard: no alert is lost of those since {since:%d %b} ({verdict.alerts}{latest})",)
            for loss in verdict.losses:
                log.error("alert_would_be_lost", alert_id=loss.given.alert_id, rule_id=loss.given.rule_id, why=loss.why)
            count = len({loss.given.alert_id for loss in verdict.losses})
            what = f"{count} alert{'s' if count > 1 else ''} of the past would be lost"
            lines = [str(loss) for loss in verdict.losses[:LOSSES_SHOWN]]
            if len(verdict.losses) > LOSSES_SHOWN:
                lines.append(f"and {len(verdict.losses) - LOSSES_SHOWN} more, which the log names")
            if verdict.is_partial:
                lines.append("Only the latest alerts were compared.")
        self._refused_version = new.version
        lines += (
            "The rules, sources and recipients of before stay in force.",
            f"To take version {new.version} of the rules all the same: watcher rules accept",
        )
        self._tell(f"Reload refused: {what}", "\n".join(lines), Severity.WARNING)
        return None
