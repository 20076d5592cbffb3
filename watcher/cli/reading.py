"""Commands that show how things are read, without a daemon or a store: extract, feed, match."""

from __future__ import annotations

import asyncio
import gzip
import io
import ipaddress
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO, TypeVar
from urllib.parse import urlsplit

import typer

from watcher.cli.common import ConfigOption, RulesOption, find_config, find_rules, settings_of
from watcher.errors import FeedError, WatcherError
from watcher.model import Fetched, FetchFailed, FetchReason, FetchTarget, NotModified
from watcher.rules.load import load_rules

AFetcher = TypeVar("AFetcher")

# Inputs that are worth a process: starting one takes a second, a page 15 ms, a feed 3.
_PAGES_FOR_A_PROCESS = 100
_FEEDS_FOR_A_PROCESS = 400
MAX_FILE_BYTES = 50_000_000  # a page or feed on disk; larger is a mistake in the name

Inputs = Annotated[list[str], typer.Argument(metavar="FILE-or-URL...", help="Files (also gzip) and web addresses.")]


def register(app: typer.Typer) -> None:
    """Nothing; adds the commands."""
    app.command()(extract)
    app.command()(feed)
    app.command()(match)


def extract(inputs: Inputs, config: ConfigOption = None) -> None:
    """Print what we read on each page, one JSON line each. Exit 1 when one has no article text."""
    _print_each(_page_reader, inputs, config, _PAGES_FOR_A_PROCESS)


def feed(inputs: Inputs, config: ConfigOption = None) -> None:
    """Print what we read in each feed, one JSON line for each entry. Exit 1 when one is not a feed."""
    _print_each(_feed_reader, inputs, config, _FEEDS_FOR_A_PROCESS)


@dataclass(frozen=True, slots=True)
class _Input:
    """A page or feed as it was typed."""

    name: str
    body: bytes
    url: str | None
    content_type: str | None


Read = Callable[[_Input], "list[dict[str, str | None]]"]  # raises FeedError
Spec = tuple[datetime, "Path | None"]  # the present, and the configuration that was named


def _page_reader(spec: Spec) -> Callable[[list[str]], list[tuple[str, str]]]:
    from watcher.extract import extract_page, page_to_json

    now, config = spec

    def read(one: _Input) -> list[dict[str, str | None]]:
        page = extract_page(one.body, url=one.url, content_type=one.content_type, now=now)
        if page is None:
            raise FeedError("no article text", FetchReason.NO_ARTICLE)
        return [page_to_json(one.name, page)]

    return lambda names: [_read_one(read, name, config) for name in names]


def _feed_reader(spec: Spec) -> Callable[[list[str]], list[tuple[str, str]]]:
    from watcher.feeds import entry_to_json, parse_feed

    now, config = spec

    def read(one: _Input) -> list[dict[str, str | None]]:
        feed = parse_feed(one.body, url=one.url or "", content_type=one.content_type, source_id=one.name, now=now)
        return [entry_to_json(one.name, entry) for entry in feed.entries]

    return lambda names: [_read_one(read, name, config) for name in names]


def _print_each(
    start: Callable[[Spec], Callable[[list[str]], list[tuple[str, str]]]],
    inputs: Sequence[str],
    config: Path | None,
    for_a_process: int,
) -> None:
    """Nothing; prints what is read in each input, in order, and what is wrong with it, which then ends with exit 1."""
    from watcher.parallel import map_batches

    jobs = 1 if "-" in inputs else max(1, min(os.cpu_count() or 1, len(inputs) // for_a_process))
    failed = False
    for batch in map_batches(start, (datetime.now(UTC), config), inputs, jobs=jobs):
        for lines, problem in batch:
            sys.stdout.write(lines)
            if problem:
                sys.stdout.flush()
                typer.echo(problem, err=True)
                failed = True
    sys.stdout.flush()
    if failed:
        raise typer.Exit(1)


def _read_one(read: Read, name: str, config: Path | None) -> tuple[str, str]:
    """The lines of an input, and what is wrong with it, "" where nothing is."""
    try:
        one = _open(name, config)
        lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in read(one)]
    except OSError as error:
        return "", f"{name}: {(error.strerror or str(error)).lower()}"
    except FeedError as error:
        return "", f"{name}: {error}"
    except Exception as error:  # noqa: BLE001  (one input is a job: what breaks on it must not stop thousands of others)
        return "", f"{name}: cannot be read ({type(error).__name__}: {error})"
    return "".join(lines), ""


def _open(name: str, config: Path | None) -> _Input:
    if not name.startswith(("http://", "https://")):
        return _Input(name, read_bytes(name), None, None)
    outcome = asyncio.run(_fetch_outcome(name, config))
    if isinstance(outcome, FetchFailed):
        raise FeedError(f"{outcome.reason.value}: {outcome.detail}", outcome.reason)
    return _Input(name, outcome.body, outcome.final_url, outcome.content_type)


def read_bytes(name: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``; gzip is unpacked. Raises OSError."""
    body = sys.stdin.buffer.read(MAX_FILE_BYTES) if name == "-" else _read_file(Path(name))
    if body.startswith(b"\x1f\x8b"):
        try:
            return zlib.decompressobj(wbits=31).decompress(body, MAX_FILE_BYTES)
        except zlib.error as error:
            raise OSError(f"damaged gzip: {error}") from error
    return body


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES)


async def fetch_typed(url: str, config: Path | None) -> Fetched | None:
    """The page at an address that a person typed; None, with the reason on standard error, where there is none."""
    outcome = await _fetch_outcome(url, config)
    if isinstance(outcome, FetchFailed):
        typer.echo(f"{url}: {outcome.reason.value}: {outcome.detail}", err=True)
        return None
    return outcome


async def _fetch_outcome(url: str, config: Path | None) -> Fetched | FetchFailed:
    from watcher.fetch import Fetcher

    async with typed_fetcher(url, config, Fetcher) as fetcher:
        outcome = await fetcher.fetch(FetchTarget(url))
    assert not isinstance(outcome, NotModified), "no validators were sent"  # noqa: S101
    return outcome


def typed_fetcher(url: str, config: Path | None, kind: Callable[..., AFetcher]) -> AFetcher:
    """The fetcher, not yet entered, for an address that a person typed.

    Somebody who types a private address means it; one that a site redirects to is refused unless the configuration
    allows it.
    """
    from watcher.agenda import utc_now
    from watcher.settings.schema import HttpSettings
    from watcher.web.addresses import is_public_address

    http = settings_of(config).http if find_config(config) else HttpSettings()
    host = urlsplit(url).hostname or ""
    if host == "localhost" or (host and _is_address(host) and not is_public_address(host)):
        http = http.model_copy(update={"allow_private_networks": True})
    return kind(**http.to_fetcher(), clock=utc_now)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def match(
    file: Annotated[str, typer.Argument(metavar="[FILE or -]", help="JSON Lines of articles; - reads them.")] = "-",
    rules: RulesOption = None,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one for each processor.", min=0)] = 1,
    config: ConfigOption = None,
) -> None:
    """Run the rules over articles in bulk: JSON Lines in, one JSON line for each signal out.

    Exit 1 when input lines were unusable (each is named; the others are still done), 2 when a rule is wrong.
    """
    from watcher.bulk import match_lines
    from watcher.language import detect_language

    rule_set = load_rules(find_rules(rules, config))
    stream, size = _open_lines(file)
    read = unusable = 0
    with stream, _progress(size) as advance:
        counted = _counting(stream, advance)
        results = match_lines(
            rule_set, counted, detect=detect_language, now=datetime.now(UTC), jobs=jobs or os.cpu_count() or 1
        )
        for result in results:
            read += 1
            if result.problem is not None:
                unusable += 1
                typer.echo(f"{file}:{result.line}: {result.problem}", err=True)
            for signal in result.signals:
                sys.stdout.write(json.dumps(signal, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    if unusable:
        typer.echo(
            f"{unusable} line{'s' if unusable > 1 else ''} could not be used; all others were evaluated", err=True
        )
        if unusable == read and file != "-":
            typer.echo(f"For an article as plain text or HTML: watcher rules explain {file}", err=True)
        raise typer.Exit(1)


def _open_lines(name: str) -> tuple[TextIO, int | None]:
    """The lines of a file (also gzip) or of standard input, and the size in bytes that progress is measured against.

    Bytes that are no UTF-8 become replacement characters: one damaged line must not stop the others.
    """
    if name == "-":
        return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"), None
    path = Path(name)
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
        if is_gzip:
            return gzip.open(path, "rt", encoding="utf-8", errors="replace"), None
        return path.open(encoding="utf-8", errors="replace"), path.stat().st_size
    except OSError as error:
        raise WatcherError(f"{name}: {(error.strerror or str(error)).lower()}") from error


def _counting(lines: Iterable[str], advance: Callable[[int], None]) -> Iterator[str]:
    for line in lines:
        advance(len(line.encode("utf-8", "replace")))
        yield line


@contextmanager
def _progress(size: int | None) -> Iterator[Callable[[int], None]]:
    """A function that takes the bytes read; shows a bar with rate and time left where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=size)
        yield lambda count: progress.advance(task, count)
