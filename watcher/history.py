"""The past, to try rules against: articles of a JSON Lines archive or of the store, one by one, and how far we are."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from watcher.bulk import Detect, article_from_line
from watcher.errors import WatcherError
from watcher.model import Article, Extraction
from watcher.store import Store
from watcher.store.articles import ArticleStatus

Advance = Callable[[int, int], None]  # is told the position in a history, and how many articles that were


@dataclass(frozen=True, slots=True)
class Record:
    """One article of a history, perhaps still to be read."""

    number: int  # from 1: the line of an archive, the place in the store
    content: str | Article  # a line of JSON as `watcher match` takes it


class History(Protocol):
    """Articles in no particular order; read once."""

    name: str  # for messages
    size: int  # what ``position`` runs up to
    damage: str | None  # why reading ended early; known once all is read

    def records(self) -> Iterator[Record]:
        """Every article; lines are not checked yet."""

    def position(self) -> int:
        """How far reading has come."""


class ArchiveHistory:
    """A JSON Lines file, plain or gzip, of any size; ``position`` and ``size`` count its bytes on disk."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.damage: str | None = None
        self._path = path
        self._position = 0
        with _named_errors(path):
            self.size = path.stat().st_size

    def records(self) -> Iterator[Record]:
        """Every line that is not blank; bytes that are no UTF-8 become replacement characters."""
        with ExitStack() as stack:
            with _named_errors(self._path):
                raw = stack.enter_context(self._path.open("rb"))
                is_gzip = raw.read(2) == b"\x1f\x8b"
                raw.seek(0)
            body = stack.enter_context(gzip.GzipFile(fileobj=raw)) if is_gzip else raw
            lines = io.TextIOWrapper(cast("BinaryIO", body), encoding="utf-8", errors="replace")
            try:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        self._position = raw.tell()
                        yield Record(number, line)
            except (OSError, EOFError, zlib.error) as error:  # a gzip that is cut off or damaged
                self.damage = f"{self.name}: reading ended early: {str(error).lower()}"

    def position(self) -> int:
        return self._position


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WatcherError(f"{path}: {(error.strerror or str(error)).lower()}") from error


class StoredHistory:
    """What the daemon has read since a moment, articles without their text left out; counts articles."""

    def __init__(self, store: Store, since: datetime) -> None:
        self.name = "the store"
        self.damage: str | None = None
        self._store = store
        self._since = since
        self._read = 0
        self.size = store.articles.count_since(since, ArticleStatus.EVALUATED)

    def records(self) -> Iterator[Record]:
        """Every article that was evaluated, in order of arrival; pruned ones have nothing left to evaluate."""
        for stored in self._store.articles.since(self._since, ArticleStatus.EVALUATED):
            self._read += 1
            article = stored.article
            if article.text or article.extraction is Extraction.TITLE:
                yield Record(self._read, article)

    def position(self) -> int:
        return self._read


def read_record(record: Record, *, detect: Detect, now: datetime) -> Article:
    """The article of a record; raises `ValueError` naming what is wrong with its line.

    ``now`` is when an undated article of an archive is taken to be first seen.
    """
    if isinstance(record.content, Article):
        return record.content
    return article_from_line(record.content, detect=detect, now=now)


def find_article(history: History, article_id: str, *, detect: Detect, now: datetime) -> Article | None:
    """The first article of that id; lines that cannot be read are passed over."""
    # Ids of letters and digits stand in a line as they are; others may be written with escapes.
    stands_as_it_is = article_id.isascii() and article_id.replace("-", "").replace("_", "").isalnum()
    for record in history.records():
        if stands_as_it_is and isinstance(record.content, str) and article_id not in record.content:
            continue
        try:
            article = read_record(record, detect=detect, now=now)
        except ValueError:
            continue
        if article.id == article_id:
            return article
    return None


def date_of(article: Article) -> datetime:
    """When it is news: its own date, else when it was first seen."""
    return article.published_at or article.first_seen_at
