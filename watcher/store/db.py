"""The SQLite file: opening, durability, migrations, the single-instance lock, transactions, errors in plain words."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from watcher.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreInUseError,
    StoreMovedError,
    StoreUnavailableError,
)
from watcher.store.migrations import MIGRATION_SET, STEPS, migrations
from watcher.store.reserve import Reserve

T = TypeVar("T")
Params = Sequence[object] | Mapping[str, object]

BUSY_TIMEOUT = timedelta(seconds=5)  # how long a write waits for a command that is writing at the same time

# By primary result code (https://www.sqlite.org/rescode.html); an extended code keeps the primary one in its low byte.
_SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file or its directory is read-only",
    sqlite3.SQLITE_BUSY: "another program is writing to it and did not finish in time",
    sqlite3.SQLITE_LOCKED: "another program is writing to it and did not finish in time",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy, or move it away to start afresh",
    sqlite3.SQLITE_NOTADB: "the file is not a database of this program",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check the directory and its permissions",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_PERM: "permission is denied",
    sqlite3.SQLITE_CONSTRAINT: "a row contradicts what is stored",
}
# What is so for every table and every row; a row that contradicts another is not.
_ERRORS: Mapping[int, type[StoreError]] = {
    sqlite3.SQLITE_FULL: StoreFullError,
    sqlite3.SQLITE_CORRUPT: StoreDamagedError,
    sqlite3.SQLITE_NOTADB: StoreDamagedError,
} | dict.fromkeys(
    (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
    ),
    StoreUnavailableError,
)
# How long a write waits where the one before it has waited in vain: the daemon's loop must not stand still for long
# each time that one of hundreds of polls wants to write.
BUSY_AGAIN = timedelta(milliseconds=50)


class Db:
    """One connection for one thread; reads at any time, writes only inside ``transaction()``.

    Every sqlite3 error leaves as StoreError.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, lock: int | None) -> None:
        self.name = name  # for messages
        self._connection = connection
        self._lock = lock
        self._busy_timeout_ms = int(connection.execute("PRAGMA busy_timeout").fetchone()[0])
        self._has_waited = False  # in vain, when it wanted to write last
        self._reserve: Reserve | None = None
        self._inode = 0  # of the file that is open
        self._log_inode = 0  # of the log beside it, when it was looked at last

    @classmethod
    def open(cls, path: Path | None, *, exclusive: bool, busy_timeout: timedelta = BUSY_TIMEOUT) -> Db:
        """The open database, brought up to this program's schema when ``exclusive``; ``None`` is a new one in memory.

        Exclusive is for the daemon: it holds the lock beside the file until ``close``. Others open a file that exists
        already. Raises StoreError.
        """
        if path is None:
            database = cls(_connect(":memory:", busy_timeout), "the store in memory", None)
            database._migrate()
            return database
        path = path.expanduser().resolve()  # two names of one file share one lock
        lock = None
        if exclusive:
            lock = _take_lock(path)
        elif not path.is_file():
            raise StoreError(f"there is no store at {path} yet; the daemon makes it when it first runs")
        try:
            return cls._open_file(path, lock, exclusive, busy_timeout)
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise

    @classmethod
    def _open_file(cls, path: Path, lock: int | None, exclusive: bool, busy_timeout: timedelta) -> Db:
        with plain_errors(str(path)):
            if exclusive:
                # Chat ids and what people watch are nobody else's business; SQLite gives its -wal file the same mode.
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = _connect(str(path), busy_timeout)
        try:
            database = cls(connection, str(path), lock)
            if exclusive and (marker := _marker(path)).exists():
                if path.stat().st_size:  # a new one, where the damaged one was moved away, is sound
                    check_file(path)
                marker.unlink()
            database._prepare(exclusive)
            database._inode = path.stat().st_ino
            if exclusive:
                with plain_errors(str(path)):
                    database._reserve = Reserve(path.with_name(path.name + "-reserve"))
        except BaseException:
            connection.close()
            raise
        return database

    def _prepare(self, exclusive: bool) -> None:
        with plain_errors(self.name):
            if exclusive:
                # Counts only where the file is new; others need a VACUUM to give free space back to the system.
                self._connection.execute("PRAGMA auto_vacuum = incremental")
                self._connection.execute("PRAGMA journal_mode = wal")
            applied = self._applied()
        self._refuse_newer(applied)
        if exclusive and len(applied) < len(STEPS):
            self._migrate()
        elif len(applied) < len(STEPS):
            raise StoreError(f"{self.name} is of an older version; start the daemon once to bring it up to date")

    def _refuse_newer(self, applied: set[str]) -> None:
        if newer := sorted(applied - {name for name, _ in STEPS}):
            raise StoreError(f"{self.name} was written by a newer version of this program (it has {newer[0]})")

    def _applied(self) -> set[str]:
        """The names of the steps that the file has, as sqlite-utils writes them down."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
            return set()
        sql = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
        return {name for (name,) in self._connection.execute(sql, (MIGRATION_SET,))}

    def _migrate(self) -> None:
        import sqlite_utils  # with numpy and more: half the time in which a run without news opens the store

        with plain_errors(self.name):
            migrations().apply(sqlite_utils.Database(self._connection, execute_plugins=False))

    def version_of_others(self) -> int:
        """A number that changes when another connection has written; asking for it reads no file."""
        return int(self.value("PRAGMA data_version"))

    def close(self) -> None:
        """Nothing; releases the file and the lock. A second call does nothing."""
        with plain_errors(self.name):
            self._connection.close()
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A write transaction: all of the block or nothing of it is kept, and after the block it survives a power cut.

        Never ``await`` inside. A transaction inside a transaction is a programming error (RuntimeError).
        """
        if self._in_transaction():
            raise RuntimeError("a transaction is open already")
        with plain_errors(self.name):
            self._begin()
        try:
            yield
            with plain_errors(self.name):
                self._connection.execute("COMMIT")
        except BaseException:
            # Some errors (disk full) have rolled back already; an error of the clean-up must not hide the first.
            with suppress(sqlite3.Error):
                if self._in_transaction():
                    self._connection.execute("ROLLBACK")
            raise

    def write_down(self, write: Callable[[], T], *, keep: float = 0.0) -> T:
        """What ``write`` gives, in a transaction of its own; on a full disk in room that was kept for that.

        It may run twice. That share of the room is left to others. Raises StoreError.
        """
        try:
            with self.transaction():
                return write()
        except StoreFullError:
            if self._reserve is None or not self._reserve.release(keep):
                raise
            try:
                with self.transaction():
                    return write()
            finally:
                self._reserve.fill()

    def refill(self) -> None:
        """Nothing; room is kept again for ``write_down``, as far as there is any."""
        if self._reserve is not None:
            self._reserve.fill()

    def keep_place(self) -> None:
        """Nothing where file and lock are where they were; a lock that is gone is taken anew.

        A file that is gone is written anew, from the open one, which still has everything. Raises StoreMovedError then,
        and where another file has taken its place: either must be opened.
        """
        path = Path(self.name)
        if self._lock is None:
            return
        with plain_errors(self.name):
            if not _is_same(_lock_path(path), os.fstat(self._lock).st_ino):
                lock = _take_lock(path)
                os.close(self._lock)
                self._lock = lock
            log = path.with_name(path.name + "-wal")
            if _is_same(path, self._inode):
                self._log_inode = log.stat().st_ino if log.exists() else 0
                return
            if path.exists():
                if _is_same(log, self._log_inode):  # with the other file it would be taken for its own
                    log.unlink()
                raise StoreMovedError(f"{path} was replaced by another file while it was open")
            for beside in ("-wal", "-shm"):
                path.with_name(path.name + beside).unlink(missing_ok=True)  # of the file that is gone
            self._connection.execute("VACUUM INTO ?", (str(path),))
            path.chmod(0o600)
        raise StoreMovedError(f"{path} was removed while it was open, and is there again with all that was in it")

    def mark_damaged(self) -> None:
        """Nothing; the next start checks the whole file before it is used."""
        with suppress(OSError):
            _marker(Path(self.name)).touch(mode=0o600)

    def _begin(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if _primary_code(error) == sqlite3.SQLITE_BUSY and not self._has_waited:
                self._has_waited = True
                self._connection.execute(f"PRAGMA busy_timeout = {BUSY_AGAIN // timedelta(milliseconds=1)}")
            raise
        if self._has_waited:
            self._has_waited = False
            self._connection.execute(f"PRAGMA busy_timeout = {self._busy_timeout_ms}")

    def rows(self, sql: str, params: Params = ()) -> list[sqlite3.Row]:
        """Every row of a query."""
        with plain_errors(self.name):
            return self._connection.execute(sql, params).fetchall()

    def row(self, sql: str, params: Params = ()) -> sqlite3.Row | None:
        """The first row of a query."""
        with plain_errors(self.name):
            found: sqlite3.Row | None = self._connection.execute(sql, params).fetchone()
            return found

    def value(self, sql: str, params: Params = ()) -> Any:
        """The first column of the first row; None where there is none."""
        found = self.row(sql, params)
        return None if found is None else found[0]

    def write(self, sql: str, params: Params = ()) -> int:
        """The number of rows that a statement changed."""
        self._expect_transaction()
        with plain_errors(self.name):
            return self._connection.execute(sql, params).rowcount

    def write_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Nothing; runs one statement for every row."""
        self._expect_transaction()
        with plain_errors(self.name):
            self._connection.executemany(sql, rows)

    def insert(self, table: str, row: Mapping[str, object]) -> bool:
        """Whether the row is new: one with the same key stays as it was."""
        return self.insert_numbered(table, row) is not None

    def insert_numbered(self, table: str, row: Mapping[str, object]) -> int | None:
        """The number of the new row; None where one with the same key stays as it was."""
        self._expect_transaction()
        with plain_errors(self.name):
            done = self._connection.execute(_insert_sql(table, tuple(row)), tuple(row.values()))
        return done.lastrowid if done.rowcount == 1 else None

    def upsert(self, table: str, row: Mapping[str, object], key: tuple[str, ...]) -> None:
        """Nothing; writes the row, over the one with the same key if there is one and it differs."""
        self.write(_upsert_sql(table, tuple(row), key), tuple(row.values()))

    def give_back(self, pages: int) -> None:
        """Nothing; up to so many free pages go back to the system, where the file was made for that."""
        with plain_errors(self.name):
            # Each page is a step of the statement, and `execute` takes only the first.
            self._connection.executescript(f"PRAGMA incremental_vacuum({int(pages)})")

    def _expect_transaction(self) -> None:
        if not self._in_transaction():
            raise RuntimeError("a write needs an open transaction")

    def _in_transaction(self) -> bool:
        return self._connection.in_transaction


@cache
def _insert_sql(table: str, columns: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    # Conflicts on keys only: a missing value or a broken reference is still an error.
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"


@cache
def _upsert_sql(table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    others = [column for column in columns if column not in key]
    updates = ", ".join(f"{column} = excluded.{column}" for column in others)
    differs = " OR ".join(f"{table}.{column} IS NOT excluded.{column}" for column in others)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates} WHERE {differs}"
    )


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """Nothing; sqlite3 and file errors of the block leave as StoreError with a sentence for people."""
    try:
        yield
    except sqlite3.Error as error:
        code = _primary_code(error)
        raise _ERRORS.get(code, StoreError)(f"{name}: {_SENTENCES.get(code, str(error))}") from error
    except OSError as error:
        raise StoreError(f"{name}: {(error.strerror or str(error)).lower()}") from error


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def copy_store(path: Path, copy: Path) -> dict[str, int]:
    """How many ``articles``, ``alerts`` and ``waiting`` deliveries the copy has, which is the store at one moment.

    A daemon may write meanwhile. Raises StoreError; the copy is checked.
    """
    with plain_errors(str(path)):
        connection = _connect(path.resolve().as_uri() + "?mode=ro", BUSY_TIMEOUT)
        try:
            connection.execute("VACUUM INTO ?", (str(copy),))
        finally:
            connection.close()
    check_file(copy)
    with plain_errors(str(copy)):
        copied = _connect(str(copy), BUSY_TIMEOUT)
        try:
            return {
                what: int(copied.execute(sql).fetchone()[0])
                for what, sql in (
                    ("articles", "SELECT count(*) FROM articles"),
                    ("alerts", "SELECT count(*) FROM alerts"),
                    ("waiting", "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending')"),
                )
            }
        finally:
            copied.close()


def check_file(path: Path) -> None:
    """Nothing; raises StoreError where the file is damaged, none of ours, or of a newer version."""
    with plain_errors(str(path)):
        connection = _connect(str(path), BUSY_TIMEOUT)
        try:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise StoreDamagedError(f"{path} is damaged: {found}")
            if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
                raise StoreDamagedError(f"{path} is damaged: a row of {broken[0]} points to nothing")
            database = Db(connection, str(path), None)
            if not (applied := database._applied()):
                raise StoreError(f"{path} is not a database of this program")
            database._refuse_newer(applied)
        finally:
            connection.close()


@contextmanager
def store_lock(path: Path) -> Iterator[None]:
    """Nothing; no daemon runs on the store within the block. Raises StoreError where one does."""
    lock = _take_lock(path.expanduser().resolve())
    try:
        yield
    finally:
        os.close(lock)


def _connect(path: str, busy_timeout: timedelta) -> sqlite3.Connection:
    is_uri = path.startswith("file:")
    connection = sqlite3.connect(path, timeout=busy_timeout.total_seconds(), isolation_level=None, uri=is_uri)
    connection.row_factory = sqlite3.Row
    # FULL also syncs the log at each commit: a committed transaction survives a power cut. It costs 0.2 ms a commit
    # here (NORMAL 0.02), and a poll commits a handful of times, so nothing is worth less durability.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _is_same(path: Path, inode: int) -> bool:
    try:
        return path.stat().st_ino == inode
    except FileNotFoundError:
        return False


def _take_lock(path: Path) -> int:
    """A descriptor that holds the lock beside the file for as long as it is open, whatever happens to the process."""
    lock_path = _lock_path(path)
    with plain_errors(str(lock_path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        who = f" (process {holder})" if holder else ""
        raise StoreInUseError(f"another watcher{who} is running on {path}") from None
    except OSError as error:  # a file system without locks
        os.close(descriptor)
        raise StoreError(f"{lock_path} cannot be locked: {error.strerror}") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return descriptor
