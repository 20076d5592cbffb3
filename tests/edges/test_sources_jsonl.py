"""Files of JSON Lines: what one line gives, and that nothing is lost or read twice whatever happens to the files."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.model import Bookmark, FeedEntry, FetchReason, Source, SourceKind
from watcher.sources import Harvest
from watcher.sources.jsonl import JsonlReader, read_files
from watcher.workers import Workers

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SOURCE = Source("lines", "", SourceKind.JSONL)


def line(name: object, **values: object) -> str:
    record = {"id": name, "title": f"Title {name}", "text": f"Text {name}."} | values
    return json.dumps(record, ensure_ascii=False).replace("\ud800", "\\ud800") + "\n"


def lines(*names: object) -> str:
    return "".join(map(line, names))


class Tail:
    """Reads a file or folder again and again, as ingest does; each file it writes changed later than those before."""

    def __init__(self, path: Path, max_bytes: int = 5_000_000) -> None:
        self.source = replace(SOURCE, url=str(path))
        self.path = path
        self.max_bytes = max_bytes
        self.bookmark = Bookmark()
        self.moment = 1_700_000_000

    def write(self, text: str | bytes, path: Path | None = None, mode: str = "a") -> None:
        raw = text.encode() if isinstance(text, str) else text
        path = path or self.path
        with path.open(f"{mode}b") as file:
            file.write(raw)
        self.touch(path)

    def touch(self, path: Path) -> None:
        self.moment += 1
        os.utime(path, (self.moment, self.moment))

    def poll(self) -> Harvest:
        harvest, _ = read_files(self.source, self.bookmark.cursor, NOW, self.max_bytes)
        self.bookmark = harvest.bookmark or self.bookmark
        return harvest

    def ids(self) -> list[str | None]:
        return [one.guid for one in self.poll().entries]


@pytest.fixture
def tail(tmp_path: Path) -> Tail:
    return Tail(tmp_path / "news.jsonl")


def test_a_line_is_an_item_as_watcher_match_reads_it(tail: Tail) -> None:
    tail.write(
        line(7, url="https://x.example/7", published="2026-03-02T14:00:00+04:00", lang="ru-RU", source="Wire", note=1)
        + line("b", text="", publisher="Desk", source="Wire", url="javascript:alert(1)")
        + line("c", title="A \u202ebad\x07 <b>title</b>", text="One\r\n\r\n\r\ntwo \ud800", published="2027", url="https://x.example/\ud800")
    )  # fmt: skip
    harvest = tail.poll()
    assert harvest.entries == (
        FeedEntry("lines", "7", "https://x.example/7", "Title 7", "Text 7.", True, datetime(2026, 3, 2, 10, tzinfo=UTC), "Wire", "ru"),
        FeedEntry("lines", "b", None, "Title b", "", False, None, "Desk"),
        FeedEntry("lines", "c", "https://x.example/", "A bad <b>title</b>", "One\n\ntwo", True, None),
    )  # fmt: skip
    assert (harvest.reason, harvest.is_whole, harvest.undated_are_old) == (FetchReason.OK, True, True)


def test_only_what_was_appended_is_read(tail: Tail) -> None:
    tail.write("\ufeff" + lines("a", "b"))
    assert tail.ids() == ["a", "b"]
    assert tail.poll().reason is FetchReason.NOT_MODIFIED
    tail.write("\n  \n" + lines("c"))
    assert tail.ids() == ["c"]
    kept = tail.bookmark
    tail.write(lines("d"))
    assert tail.ids() == ["d"]
    tail.bookmark = kept  # killed before the bookmark was stored
    assert tail.ids() == ["d"]


def test_the_last_line_waits_until_it_is_whole(tail: Tail) -> None:
    whole = line("b", text="наступление")
    cut = whole.encode()[:40]
    tail.write(lines("a").encode() + cut)
    assert tail.ids() == ["a"]
    assert tail.ids() == []
    tail.write(whole.encode()[40:])
    assert tail.ids() == ["b"]
    tail.write(line("c").rstrip("\n"))  # an object needs no line end to be whole
    assert tail.ids() == ["c"]
    tail.write("\n" + line("d"))
    assert tail.ids() == ["d"]


def test_the_last_line_of_an_id_counts(tail: Tail) -> None:
    tail.write(lines("a", "b") + line("a", title="Corrected"))
    assert [(one.guid, one.title) for one in tail.poll().entries] == [("a", "Corrected"), ("b", "Title b")]


def test_lines_that_cannot_be_used_are_named_and_the_others_read(tail: Tail) -> None:
    tail.write(lines("a").encode() + b'not json\n\n[1]\n{"id": 1}\n\xff\xfe\n' + lines("b").encode())
    harvest = tail.poll()
    assert [one.guid for one in harvest.entries] == ["a", "b"]
    assert harvest.reason is FetchReason.BAD_LINES
    assert harvest.detail == (
        "news.jsonl:2: not JSON: Expecting value at column 1; "
        "news.jsonl:4: expected an object with id, title and text, found [1]; "
        "news.jsonl:5: title and text are empty: expected at least one of them; and 1 more"
    )
    assert tail.poll().reason is FetchReason.NOT_MODIFIED
    tail.write(line("c", publisher=3))
    assert tail.poll().detail == "news.jsonl:8: publisher: expected a text"


def test_a_line_longer_than_any_article_is_named_and_passed_over(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "news.jsonl", max_bytes=1_000)
    tail.write(lines("a") + "x" * 5_500)
    seen: list[str | None] = []
    problems: list[str] = []

    def drain() -> None:
        has_more = True
        while has_more:
            harvest = tail.poll()
            has_more = harvest.has_more
            seen.extend(one.guid for one in harvest.entries)
            problems.append(harvest.detail)

    drain()
    tail.write("x" * 3_000 + "\n" + lines("b"))
    drain()
    assert seen == ["a", "b"]
    assert [one for one in problems if one] == ["news.jsonl:2: longer than 1000 bytes"]


def test_a_reading_is_bounded(tail: Tail) -> None:
    tail.write(lines(*range(2_500)))
    readings = [tail.poll() for _ in range(3)]
    assert [(len(one.entries), one.has_more, one.is_whole) for one in readings] == [
        (1_000, True, False),
        (1_000, True, False),
        (500, False, True),
    ]
    assert tail.poll().reason is FetchReason.NOT_MODIFIED


def rename(tail: Tail) -> None:
    tail.path.rename(f"{tail.path}.1")


def rename_and_compress(tail: Tail) -> None:
    Path(f"{tail.path}.1.gz").write_bytes(gzip.compress(tail.path.read_bytes()))
    tail.touch(Path(f"{tail.path}.1.gz"))
    tail.path.unlink()


def copy_and_empty(tail: Tail) -> None:
    shutil.copy2(tail.path, f"{tail.path}.1")
    os.truncate(tail.path, 0)


@pytest.mark.parametrize("rotate", [rename, rename_and_compress, copy_and_empty])
@pytest.mark.parametrize("is_folder", [False, True])
def test_what_was_written_before_a_rotation_is_read_to_its_end(tail: Tail, rotate, is_folder: bool) -> None:
    if is_folder:
        tail.source = replace(tail.source, url=str(tail.path.parent))
    tail.write(lines(*range(100)))
    assert len(tail.ids()) == 100
    tail.write(lines("last"))
    rotate(tail)
    tail.write(lines("first", "second"))
    assert tail.ids() == ["last", "first", "second"]
    assert tail.ids() == []
    tail.write(lines("third"))
    assert tail.ids() == ["third"]


def test_a_slow_writer_may_go_on_in_the_old_file(tail: Tail) -> None:
    tail.write(lines("a"))
    tail.ids()
    old = Path(f"{tail.path}.1")
    tail.path.rename(old)
    tail.write(lines("b"))
    assert tail.ids() == ["b"]
    tail.write(lines("late"), old)
    assert tail.ids() == ["late"]


def test_a_file_written_anew_is_read_from_its_start(tail: Tail) -> None:
    tail.write(lines("a", "b", "c"))
    tail.ids()
    tail.write(lines("x"), mode="w")
    assert tail.ids() == ["x"]
    tail.write(lines("y", "z", "b", "c"), mode="w")  # longer than before
    assert tail.ids() == ["y", "z", "b", "c"]
    tail.write(lines("y", "new", "z", "b", "c"), mode="w")  # begins as before
    assert "new" in tail.ids()


def test_a_file_emptied_under_its_writer_begins_with_zeros(tail: Tail) -> None:
    with tail.path.open("wb") as file:
        file.write(lines("a", "b").encode())
        file.flush()
        tail.ids()
        os.truncate(tail.path, 0)
        file.write(lines("c").encode())
    assert tail.ids() == ["c"]


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    assert (tail.poll().reason, tail.poll().is_whole) == (FetchReason.EMPTY, True)
    tail.write(lines("b"), tmp_path / "b.jsonl")
    tail.write(gzip.compress(lines("a").encode().rstrip()), tmp_path / "a.ndjson.gz")
    tail.write(gzip.compress(lines("z").encode()), tmp_path / "compressed-too.jsonl")
    for name in ("notes.txt", ".hidden.jsonl", "b.jsonl~", "c.jsonl.tmp", "d.jsonl.swp"):
        tail.write(lines("no"), tmp_path / name)
    (tmp_path / "sub.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert tail.ids() == ["b", "a", "z"]
    tail.write(lines("c"), tmp_path / "c.jsonl.part")
    assert tail.ids() == []
    (tmp_path / "c.jsonl.part").rename(tmp_path / "c.jsonl")
    (tmp_path / "b.jsonl").unlink()
    assert tail.ids() == ["c"]
    tail.write(lines("b2"), tmp_path / "b.jsonl")
    assert tail.ids() == ["b2"]


def test_of_thousands_of_files_only_the_last_are_remembered_and_none_is_read_twice(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    for number in range(1_200):
        tail.write(line(number), tmp_path / f"{number}.jsonl")
    seen = tail.ids() + tail.ids()
    assert seen == [str(number) for number in range(1_200)]
    assert tail.ids() == []
    assert len(tail.bookmark.cursor or "") < 150_000
    tail.write(line("more"), tmp_path / "3.jsonl")
    assert "more" in tail.ids()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda raw: raw[:-12], "the compressed file ends too early"),
        (lambda raw: raw[:-8] + b"x" * 8, "the compressed file is damaged"),
    ],
)
def test_of_a_damaged_compressed_file_what_comes_first_is_read(tmp_path: Path, damage, problem: str) -> None:
    tail = Tail(tmp_path)
    raw = gzip.compress("".join(line(n, text=os.urandom(200).hex()) for n in range(50)).encode())
    tail.write(damage(raw), tmp_path / "a.jsonl.gz")
    harvest = tail.poll()
    assert len(harvest.entries) >= 49
    assert harvest.reason is FetchReason.BAD_LINES
    assert harvest.detail.endswith(f"cannot be read further: {problem}")
    assert tail.poll().reason is FetchReason.NOT_MODIFIED


def test_a_file_that_is_not_there_is_waited_for(tail: Tail) -> None:
    harvest = tail.poll()
    assert (harvest.reason, harvest.detail) == (FetchReason.UNREACHABLE, f"{tail.path} cannot be read: no such file")
    tail.write(lines("a"))
    assert tail.ids() == ["a"]
    tail.path.rename(f"{tail.path}.1")
    assert tail.poll().reason is FetchReason.UNREACHABLE
    tail.write(lines("b"))
    assert tail.ids() == ["b"]
    assert Tail(tail.path / "no" / "folder").poll().reason is FetchReason.UNREACHABLE


def test_a_bookmark_of_another_making_is_none(tail: Tail) -> None:
    tail.write(lines("a"))
    for cursor in ("", "7", "[]", '{"files": [[1]], "before": [0, ""]}', '{"files": 3}'):
        tail.bookmark = Bookmark(cursor=cursor)
        assert tail.ids() == ["a"]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("scratch") / "news.jsonl"


@given(st.lists(st.binary(max_size=200), max_size=4))
@settings(max_examples=200)
def test_whatever_the_bytes_are_nothing_is_raised(scratch: Path, parts: list[bytes]) -> None:
    scratch.unlink(missing_ok=True)
    tail = Tail(scratch, max_bytes=100)
    for part in parts:
        tail.write(part)
        tail.poll()


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 30), st.booleans()), max_size=8))
def test_however_it_is_written_and_polled_each_line_is_read_once(
    scratch: Path, writes: list[tuple[int, int, bool]]
) -> None:
    scratch.unlink(missing_ok=True)
    tail = Tail(scratch)
    seen: list[str | None] = []
    waiting, number = b"", 0
    for count, cut, polls in writes:
        waiting += lines(*range(number, number + count)).encode()
        number += count
        tail.write(waiting[:-cut])
        waiting = waiting[-cut:]
        if polls:
            seen += tail.ids()
    tail.write(waiting)
    seen += tail.ids()
    assert seen == [str(one) for one in range(number)]


async def test_files_are_read_on_a_thread_of_the_workers(tail: Tail) -> None:
    tail.write(lines("a"))
    workers = Workers(1)
    harvest = await JsonlReader(workers, lambda: NOW, 1_000).read(tail.source, Bookmark())
    workers.close()
    assert [one.guid for one in harvest.entries] == ["a"]
