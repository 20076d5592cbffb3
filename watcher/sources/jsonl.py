"""Files of JSON Lines that other programs append to: one, or all in a folder, through rotation and compression.

A file is known by its inode and by a hash of its beginning, so that what was written before a rotation is read to its
end, wherever it went, and what was written over is read from the start. What is read twice is known by its id.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from watcher.bulk import article_from_json, record_from_line
from watcher.model import Bookmark, FeedEntry, FetchReason, Source
from watcher.rules.compile import UNKNOWN_LANGUAGE
from watcher.sources.base import Harvest
from watcher.web.markup import tidy, tidy_line
from watcher.web.published import believable
from watcher.web.urls import absolute_url
from watcher.workers import Workers

log = structlog.get_logger()

_LINES_AT_ONCE = 1_000  # after which the other sources have their turn
_FILES_KEPT = 1_000  # in the bookmark; those that changed last
_SAMPLE_BYTES = 1_024  # files with the same kilobyte at their beginning and before the same offset are one
_PROBLEMS_NAMED = 3
_MAX_TITLE_CHARS = 1_000
_MAX_TEXT_CHARS = 200_000  # as of pages
_MAX_ID_CHARS = 2_000
# news.jsonl, news.ndjson.gz and what logrotate makes of them: news.jsonl.1, news.jsonl-20240914.gz
_NAME = re.compile(r"[^.].*\.(?:jsonl|ndjson)(?:[.-]\d[\d-]*)?(?:\.gz)?", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_LANGUAGE = re.compile(r"[a-z]{2,3}")

_Stream = io.BufferedReader | gzip.GzipFile


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a file was read; offsets are bytes after decompression."""

    inode: int = 0
    offset: int = 0
    line: int = 0  # lines before the offset
    head: str = ""  # hash of the first bytes, at most _SAMPLE_BYTES and none behind the offset
    tail: str = ""  # of the last ones before the offset
    is_inside: bool = False  # of a line of which nothing more is wanted
    size: int = -1  # in bytes on disk when it was read to its end; -1: it was not
    changed: int = 0  # when, nanoseconds


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    inode: int
    size: int
    changed: int

    def is_as_left(self, place: _Place) -> bool:
        """Whether the file was read to its end and nobody has touched it since."""
        return (self.inode, self.size, self.changed) == (place.inode, place.size, place.changed)


@dataclass(slots=True)
class _Reading:
    """What one reading has found, and how much more it may."""

    source: Source
    now: datetime
    max_bytes: int  # of a line, and of the reading
    lines_left: int = _LINES_AT_ONCE
    bytes_read: int = 0
    entries: dict[str, FeedEntry] = field(default_factory=dict)  # by id; the last line of one id counts
    problems: list[str] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return self.lines_left <= 0 or self.bytes_read >= self.max_bytes


@dataclass(frozen=True, slots=True)
class JsonlReader:
    """Reads what was appended since the last reading; the files are read on a worker's thread."""

    workers: Workers
    clock: Callable[[], datetime]
    max_bytes: int  # of one line

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """The articles of the lines that came since; a line that cannot be used is named, the others count."""
        harvest, problems = await self.workers.compute(
            read_files, source, bookmark.cursor, self.clock(), self.max_bytes
        )
        if problems:
            log.warning("lines_not_usable", source_id=source.id, lines=len(problems), first=problems[:_PROBLEMS_NAMED])
        return harvest


def read_files(source: Source, cursor: str | None, now: datetime, max_bytes: int) -> tuple[Harvest, Sequence[str]]:
    """What came since the cursor, at most a bounded part, and what is wrong with which lines."""
    path = Path(source.url)
    places, before = _parse_cursor(cursor)
    try:
        files = _list(path, {place.inode for place in places})
    except OSError as error:
        return _unreachable(path, error), ()
    reading = _Reading(source, now, max_bytes)
    after: list[_Place] = []
    has_more = False
    found, news = _match(files, places, path)
    for file in files:
        place = found.get(file.path) or (_Place() if file.path in news else None)
        if place is None or (place.inode == 0 and (file.changed, file.path.name) <= before):
            continue
        if file.is_as_left(place):
            after.append(place)
            continue
        if reading.is_full:
            has_more = True
            after.append(replace(place, inode=file.inode, size=-1))
            continue
        place = _read_file(file, place, reading)
        has_more = has_more or place.size < 0
        after.append(place)
    if path not in {file.path for file in files} and not path.is_dir() and not reading.entries:
        return _unreachable(path, FileNotFoundError(2, "no such file")), ()
    is_known = bool(files) or not path.is_dir()
    harvest = Harvest(
        _reason(reading, is_known),
        _detail(reading, is_known),
        entries=tuple(reading.entries.values()),
        is_whole=not has_more,
        bookmark=Bookmark(cursor=_spell_cursor(after, files, before)),
        has_more=has_more,
        undated_are_old=True,
    )
    return harvest, reading.problems


def _reason(reading: _Reading, is_known: bool) -> FetchReason:
    if reading.problems:
        return FetchReason.BAD_LINES
    if reading.entries:
        return FetchReason.OK
    return FetchReason.NOT_MODIFIED if is_known else FetchReason.EMPTY


def _detail(reading: _Reading, is_known: bool) -> str:
    if reading.problems:
        more = len(reading.problems) - _PROBLEMS_NAMED
        return "; ".join(reading.problems[:_PROBLEMS_NAMED]) + (f"; and {more} more" if more > 0 else "")
    return "" if is_known else "no file in it has a name like news.jsonl, news.ndjson or news.jsonl.gz"


def _unreachable(path: Path, error: OSError) -> Harvest:
    return Harvest(FetchReason.UNREACHABLE, f"{path} cannot be read: {(error.strerror or 'error').lower()}")


def _list(path: Path, inodes: Iterable[int]) -> list[_File]:
    """The files to read, the one that changed first first: by their names, or known under another name.

    Beside a single file these are also those whose names begin with its name: what a rotation makes of it.
    """
    known = set(inodes)
    is_folder = path.is_dir()
    files = []
    try:
        with os.scandir(path if is_folder else path.parent) as entries:
            wanted = [
                Path(entry.path)
                for entry in entries
                if entry.inode() in known
                or (_NAME.fullmatch(entry.name) if is_folder else entry.name.startswith(path.name))
            ]
    except OSError:
        if is_folder:
            raise
        wanted = [path]  # a folder that is not ours to list
    for one in wanted:
        try:
            status = one.stat()
        except OSError:
            continue  # gone since
        if stat.S_ISREG(status.st_mode):
            files.append(_File(one, status.st_ino, status.st_size, status.st_mtime_ns))
    return sorted(files, key=lambda file: (file.changed, file.path.name))


def _match(files: Sequence[_File], places: Sequence[_Place], path: Path) -> tuple[dict[Path, _Place], set[Path]]:
    """Where each known file was left, and the files that are new.

    First by inode; then by what a file begins with, which finds the copy of a file that was emptied or compressed.
    """
    by_inode = {place.inode: place for place in places}
    found = {
        file.path: place
        for file in files
        if (place := by_inode.get(file.inode)) and (file.is_as_left(place) or _continues(file, place))
    }
    kept = {place.inode for place in found.values()}
    lost = {(place.head, place.tail): place for place in places if place.offset and place.inode not in kept}
    news = [file for file in files if file.path not in found]
    for file in news if lost else ():
        place = next((place for place in lost.values() if _continues(file, place)), None)
        if place is not None:
            found[file.path] = replace(lost.pop((place.head, place.tail)), size=-1)
    is_folder = path.is_dir()
    return found, {file.path for file in news if file.path not in found and (is_folder or file.path == path)}


def _continues(file: _File, place: _Place) -> bool:
    """Whether what was read of a file still stands in this one, at its place."""
    if not place.offset:
        return True
    try:
        with _opened(file.path) as stream:
            if not isinstance(stream, gzip.GzipFile) and file.size < place.offset:
                return False
            if _hash(stream.read(min(_SAMPLE_BYTES, place.offset))) != place.head:
                return False
            return _hash(_before(stream, place.offset)) == place.tail
    except (OSError, EOFError, zlib.error):
        return False


def _before(stream: _Stream, offset: int) -> bytes:
    """The last bytes before the offset, where the stream stands afterwards."""
    start = max(0, offset - _SAMPLE_BYTES)
    stream.seek(start)
    return stream.read(offset - start)


@contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    """The bytes of a file, decompressed where it is compressed, whatever its name."""
    with path.open("rb") as stream:
        if stream.peek(2)[:2] == _GZIP:
            with gzip.GzipFile(fileobj=stream) as inside:
                yield inside
        else:
            yield stream


def _hash(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=8).hexdigest()


def _read_file(file: _File, place: _Place, reading: _Reading) -> _Place:
    """Where the reading stopped; what it found is in ``reading``. A damaged end counts as the end."""
    offset, line, is_inside = place.offset, place.line, place.is_inside
    head = tail = b""
    is_at_end = False
    try:
        with _opened(file.path) as stream:
            is_gzip = isinstance(stream, gzip.GzipFile)
            head = stream.read(_SAMPLE_BYTES)
            tail = _before(stream, offset)
            while not reading.is_full:
                raw = stream.readline(reading.max_bytes + 1)
                is_line = raw.endswith(b"\n")
                if not raw:
                    is_at_end = True
                    break
                is_last = not is_inside and not is_line and len(raw) <= reading.max_bytes
                # It is still being written, unless it is an object already: no beginning of one is one.
                if is_last and not is_gzip and not _is_object(raw):
                    is_at_end = True
                    break
                if is_inside:
                    pass
                elif len(raw) > reading.max_bytes:
                    reading.problems.append(f"{file.path.name}:{line + 1}: longer than {reading.max_bytes} bytes")
                else:
                    _read_line(raw, f"{file.path.name}:{line + 1}", reading)
                offset += len(raw)
                tail = (tail + raw[-_SAMPLE_BYTES:])[-_SAMPLE_BYTES:]
                line += is_line
                is_inside = not is_line
                reading.bytes_read += len(raw)
    except (OSError, EOFError, zlib.error) as error:
        is_at_end = True
        reading.problems.append(f"{file.path.name}:{line + 1}: cannot be read further: {_why(error)}")
    return _Place(
        inode=file.inode,
        offset=offset,
        line=line,
        head=_hash(head[:offset]),
        tail=_hash(tail),
        is_inside=is_inside,
        size=file.size if is_at_end else -1,
        changed=file.changed,
    )


def _why(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the compressed file ends too early"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return "the compressed file is damaged"
    return (getattr(error, "strerror", None) or "error").lower()


def _is_object(raw: bytes) -> bool:
    if not raw.rstrip().endswith(b"}"):
        return False
    try:
        return bool(record_from_line(raw.decode("utf-8-sig")))
    except ValueError:
        return False


def _read_line(raw: bytes, name: str, reading: _Reading) -> None:
    """Nothing; the article of the line, or what is wrong with it, is in ``reading``."""
    text = raw.strip(b"\x00\t\r\n ")  # a file that was emptied under its writer begins with zeros
    if not text or text == b"\xef\xbb\xbf":
        return
    reading.lines_left -= 1
    try:
        entry = _entry(record_from_line(text.decode("utf-8-sig")), reading.source, reading.now)
    except UnicodeDecodeError:
        reading.problems.append(f"{name}: not utf-8 text")
    except ValueError as error:
        reading.problems.append(f"{name}: {error}")
    else:
        reading.entries[str(entry.guid)] = entry


def _entry(record: Mapping[str, Any], source: Source, now: datetime) -> FeedEntry:
    """The entry that a record describes, as ``watcher match`` reads it; raises ValueError naming what is wrong."""
    article = article_from_json(record, detect=lambda _: "", now=now)
    publisher = record.get("publisher") or ""
    if not isinstance(publisher, str):
        raise ValueError("publisher: expected a text")
    guid = tidy_line(article.id)[:_MAX_ID_CHARS]
    if not guid:
        raise ValueError("id: expected a text, found nothing readable")
    text = tidy(article.text)[:_MAX_TEXT_CHARS].rstrip()
    language = article.language if _LANGUAGE.fullmatch(article.language) else UNKNOWN_LANGUAGE
    return FeedEntry(
        source_id=source.id,
        guid=guid,
        url=absolute_url("", tidy_line(article.url or "")),
        title=tidy_line(article.title)[:_MAX_TITLE_CHARS].rstrip(),
        summary=text,
        is_full_text=bool(text),
        published_at=believable(article.published_at, now),
        publisher=tidy_line(publisher or article.source_id) or None,
        language=None if language == UNKNOWN_LANGUAGE else language,
    )


def _parse_cursor(cursor: str | None) -> tuple[list[_Place], tuple[int, str]]:
    """The known files, and the last of those that were read and are not kept: changed when, called what."""
    try:
        stored = json.loads(cursor or "")
        places = [
            _Place(int(inode), int(offset), int(line), str(head), str(tail), bool(is_inside), int(size), int(changed))
            for inode, offset, line, head, tail, is_inside, size, changed in stored["files"]
        ]
        changed, name = stored["before"]
        return places, (int(changed), str(name))
    except (ValueError, TypeError, KeyError):
        return [], (0, "")


def _spell_cursor(places: Sequence[_Place], files: Sequence[_File], before: tuple[int, str]) -> str:
    """The places that changed last, those read to their end left out first; in the order of ``places``."""
    surplus = len(places) - _FILES_KEPT
    names = {file.inode: file.path.name for file in files}
    kept = []
    for place in places:
        if surplus > 0 and place.size >= 0:
            surplus -= 1
            before = max(before, (place.changed, names[place.inode]))
        else:
            kept.append(place)
    rows = [(one.inode, one.offset, one.line, one.head, one.tail, one.is_inside, one.size, one.changed) for one in kept]
    return json.dumps({"files": rows, "before": before})
