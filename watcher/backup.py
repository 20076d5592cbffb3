"""Backups: one archive with store, configuration and rules, made beside a running daemon, and the way back."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from watcher import __version__
from watcher.errors import StoreError
from watcher.store.db import check_file, copy_store, store_lock

FORMAT = 1
STORE = "watcher.db"
MANIFEST = "manifest.json"
README = "README.txt"
_FILES = "files"  # the configuration's folder
_ELSEWHERE = "elsewhere"  # rules that are not in it, by their place in [rules] paths
_PRIVATE = 0o600  # addresses of people are in it
_READABLE = 0o666  # less what the umask takes
_CHUNK = 1 << 20
_LONGEST_READ = 16 << 20  # bytes of a manifest or a header: thousands of rule files
_NAME = re.compile(r"watcher-\d{8}T\d{6}Z\.tar\.gz")

_HOW_TO = """\
A backup of watcher {version}, made {made_at}.

To bring it back on a machine where watcher is installed (a version not older than {version}):

  1. watcher restore {name} --files /etc/watcher
     puts the configuration and the rules there; nothing that is there already is overwritten.
  2. Put the secrets in their places: {secrets}. None of them is in here, unless it stands in the
     configuration itself.
  3. Look through the configuration: paths may be others on this machine.
  4. watcher restore {name} --config /etc/watcher/{config}
     puts the store where the configuration wants it; one that is there already is kept beside it.
  5. watcher check --config /etc/watcher/{config}, then start the daemon.

What was decided after the backup was made may be told once more, with the same alert ids. The archive holds addresses
of people: keep it as carefully as the store itself.
"""


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive that was written and read again."""

    path: Path
    size_bytes: int
    articles: int
    alerts: int
    waiting: int  # deliveries that were not out yet
    removed: tuple[Path, ...] = ()  # older ones beside it


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that is back."""

    path: Path
    made_at: datetime
    program: str  # the version that made the backup
    waiting: int  # deliveries that will be sent when the daemon starts
    kept: Path | None  # where the store is now that was there before


def make_backup(
    store: Path,
    config: Path | None,
    rules: Sequence[Path],
    secrets: Sequence[str],
    out: Path,
    now: datetime,
    keep: int = 0,
) -> Backup:
    """The archive, complete and checked; ``out`` is its file or a folder for it.

    It holds what the store held at one moment. ``rules`` are folders and files to take along, ``secrets`` words for
    what the configuration needs and is not taken. With ``keep``, only so many archives stay in that folder. Raises
    StoreError; no half archive is left then.
    """
    if not store.is_file():
        raise StoreError(f"there is no store at {store} yet; there is nothing to back up")
    path = out / f"watcher-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz" if out.is_dir() else out
    with _plain(path), tempfile.TemporaryDirectory(prefix=".watcher-backup-", dir=path.parent) as folder:
        copy = Path(folder) / STORE
        counts = copy_store(store, copy)
        about = {
            "format": FORMAT,
            "made_at": now.astimezone(UTC).isoformat(),
            "program": __version__,
            "config": config.name if config else None,
            "rules": [str(one) for one in rules],
            **counts,
        }
        archive = Path(folder) / "archive"
        _write(archive, copy, _members(config, rules), about, secrets, path.name)
        _check(archive)
        archive.chmod(_PRIVATE)
        archive.replace(path)
        _sync(path.parent)
    removed = _forget(path, keep) if keep else ()
    return Backup(path, path.stat().st_size, counts["articles"], counts["alerts"], counts["waiting"], removed)


def _members(config: Path | None, rules: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Names in the archive and the files for them, each once."""
    home = config.resolve().parent if config else None
    if config is not None:
        yield f"{_FILES}/{config.name}", config
    taken = set()
    for index, one in enumerate(rules):
        inside = home is not None and one.resolve().is_relative_to(home)
        own = one.resolve() if one.is_dir() else one.resolve().parent
        base = home if inside and home is not None else own
        prefix = _FILES if inside else f"{_ELSEWHERE}/{index}"
        for file in [one] if one.is_file() else sorted(one.rglob("*.y*ml")):
            # By the name that it has there: what is behind a link may lie anywhere.
            place = own / file.relative_to(one if one.is_dir() else one.parent)
            name = f"{prefix}/{place.relative_to(base).as_posix()}"
            if file.is_file() and name not in taken:
                taken.add(name)
                yield name, file


def _write(
    archive: Path,
    copy: Path,
    members: Iterator[tuple[str, Path]],
    about: dict[str, Any],
    secrets: Sequence[str],
    name: str,
) -> None:
    hashes: dict[str, str] = {}
    with ExitStack() as stack:
        raw = stack.enter_context(archive.open("wb"))
        # The store first compresses badly enough with little effort; more takes minutes and saves a tenth.
        packed = stack.enter_context(gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=3, mtime=0))
        tar = stack.enter_context(tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, dereference=True))
        told = _HOW_TO.format(
            version=about["program"],
            made_at=about["made_at"],
            name=name,
            secrets=", ".join(secrets) or "there are none",
            config=about["config"] or "config.toml",
        )
        _add_bytes(tar, README, told.encode())
        for member, file in (*members, (STORE, copy)):
            hashes[member] = _hash_file(file)
            tar.add(file, member, filter=_anonymous)
        _add_bytes(tar, MANIFEST, json.dumps({**about, "files": hashes}, indent=1).encode())
    with archive.open("rb") as written:
        os.fsync(written.fileno())


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = _PRIVATE
    return member


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), _PRIVATE
    tar.addfile(member, io.BytesIO(content))


def _check(archive: Path) -> dict[str, Any]:
    """What the archive says of itself, after every file in it was read and compared; raises StoreError."""
    found: dict[str, str] = {}
    about: dict[str, Any] | None = None
    with _readable(archive) as tar:
        for member, content in _contents(tar):
            if member == MANIFEST:
                about = json.loads(content.read(_LONGEST_READ))
            elif member != README:
                found[member] = _hash(content)
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise StoreError(f"{archive} is no backup that this version can read")
    put_in = about.get("files")
    if not isinstance(put_in, dict) or not _is_manifest(about):
        raise StoreError(f"{archive} is no whole backup: its {MANIFEST} is not as `watcher backup` writes it")
    if wrong := sorted(name for name in {*put_in, *found} if put_in.get(name) != found.get(name)):
        raise StoreError(f"{archive} is damaged: not what was put in: {', '.join(wrong)}")
    return about


def _is_manifest(about: dict[str, Any]) -> bool:
    """Whether everything that is used of it is of its kind; the archive may come from anybody."""
    try:
        is_dated = datetime.fromisoformat(about["made_at"]).tzinfo is not None
        words = (about["program"], about["config"] or "", *about["rules"], *about["files"])
    except (KeyError, TypeError, ValueError):
        return False
    is_listed = isinstance(about["rules"], list) and isinstance(about["waiting"], int)
    return is_dated and is_listed and all(isinstance(one, str) and one.isprintable() for one in words)


class _Sips:
    """A file of which nobody reads much at once: headers of an archive say how long they are, and tarfile believes it.

    What is read at all is either small or goes to the disk piece by piece.
    """

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int) -> bytes:
        if size > _LONGEST_READ:
            raise tarfile.ReadError("a header is too long")
        return self._file.read(size)


@contextmanager
def _readable(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with gzip.open(archive) as packed, tarfile.open(fileobj=cast("Any", _Sips(packed)), mode="r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, ValueError, KeyError, RecursionError, zlib.error) as error:
        raise StoreError(f"{archive} is no whole backup: {str(error).lower() or 'it ends too early'}") from error
    except OSError as error:
        raise StoreError(f"{archive} cannot be read: {(error.strerror or str(error)).lower()}") from error


def _contents(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    """Every file by its name; raises StoreError for a name that leads out of the folder, and for anything but files."""
    for member in tar:
        path = PurePosixPath(member.name)
        content = tar.extractfile(member) if member.isreg() else None
        # Spelt in the one way, or a part of it may mean another place than the whole: "files//etc/x".
        is_plain = member.name == str(path) and member.name.isprintable()
        if content is None or path.is_absolute() or ".." in path.parts or not is_plain:
            raise StoreError(f"the backup holds {member.name!a}, which does not belong in one")
        yield member.name, content


def restore_store(archive: Path, store: Path, now: datetime) -> Restored:
    """The store of the backup, in place and checked; the one that was there is kept beside it.

    Raises StoreError, with nothing changed, for a damaged backup, for one of a newer version, and while a daemon runs.
    """
    about = _check(archive)
    with _plain(store):
        store.parent.mkdir(parents=True, exist_ok=True)
    with store_lock(store), _plain(store), tempfile.TemporaryDirectory(prefix=".restore-", dir=store.parent) as folder:
        fresh = Path(folder) / STORE
        with _readable(archive) as tar:
            for member, content in _contents(tar):
                if member == STORE:
                    _expect_room(content, folder)
                    with fresh.open("wb") as file:
                        shutil.copyfileobj(content, file, _CHUNK)
                        file.flush()
                        os.fsync(file.fileno())
        check_file(fresh)
        fresh.chmod(_PRIVATE)
        _own_like(fresh, store.parent)
        kept = _move_aside(store, now)
        fresh.replace(store)
        _own_like(store.with_name(f"{store.name}.lock"), store.parent)
        _sync(store.parent)
    return Restored(store, datetime.fromisoformat(about["made_at"]), str(about["program"]), int(about["waiting"]), kept)


def restore_files(archive: Path, folder: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The configuration and the rules of the backup, written below the folder, and where rules were that lay elsewhere.

    Overwrites nothing: raises StoreError, with nothing written, where one of the files is there already.
    """
    about = _check(archive)
    targets: dict[str, Path] = {}
    for name in about["files"]:
        top, _, rest = name.partition("/")
        if top == _FILES:
            targets[name] = folder / rest
        elif top == _ELSEWHERE:
            index, separator, _ = rest.partition("/")
            if not separator or index not in map(str, range(len(about["rules"]))):
                raise StoreError(f"the backup holds {name!a}, which does not belong in one")
            targets[name] = folder / f"rules-{rest}"
    if there := [str(path) for path in targets.values() if path.exists()]:
        raise StoreError(f"{', '.join(sorted(there))}: there already; nothing was written")
    with _readable(archive) as tar, _plain(folder):
        for name, content in _contents(tar):
            if target := targets.get(name):
                target.parent.mkdir(parents=True, exist_ok=True)
                _expect_room(content, target.parent)
                may_hold_password = name == f"{_FILES}/{about['config']}"
                mode = _PRIVATE if may_hold_password else _READABLE
                with open(target, "xb", opener=partial(os.open, mode=mode)) as file:
                    shutil.copyfileobj(content, file, _CHUNK)
    indexes = sorted({int(name.split("/")[1]) for name in targets if name.startswith(f"{_ELSEWHERE}/")})
    moved = tuple(f"{about['rules'][index]} is now {folder / f'rules-{index}'}" for index in indexes)
    return tuple(sorted(targets.values())), moved


def _expect_room(content: IO[bytes], folder: str | Path) -> None:
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    if size > shutil.disk_usage(folder).free:
        raise StoreError(f"there is no room for {size / 1e6:,.0f} MB in {folder}")


def _own_like(path: Path, other: Path) -> None:
    """Nothing; who restores as root leaves the file to whom the folder belongs, a service's own user for example."""
    if os.geteuid() == 0 and path.exists():
        owner = other.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _move_aside(store: Path, now: datetime) -> Path | None:
    if not store.exists():
        return None
    kept = store.with_name(f"{store.name}.before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    for suffix in ("-wal", "-shm", ""):  # the log before the store: killed in between, the store still stands
        if (part := store.with_name(store.name + suffix)).exists():
            part.replace(kept.with_name(kept.name + suffix))
    return kept


def _forget(newest: Path, keep: int) -> tuple[Path, ...]:
    others = sorted(path for path in newest.parent.iterdir() if _NAME.fullmatch(path.name) and path != newest)
    old = others[: max(len(others) - keep + 1, 0)]
    for path in old:
        path.unlink()
    return tuple(old)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return _hash(file)


def _hash(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _plain(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {(error.strerror or str(error)).lower()}") from error
