"""Commands about sources: what they are doing, finding new ones, trying one, lists of other feed readers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from watcher.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    Format,
    FormatOption,
    compiled_rules,
    find_config,
    find_rules,
    print_json,
    print_table,
    settings_of,
)
from watcher.cli.looking import sources as show_sources
from watcher.cli.reading import read_bytes
from watcher.errors import WatcherError
from watcher.model import Fetched, FetchFailed, FetchReason, Source, SourceKind

if TYPE_CHECKING:  # the modules behind are loaded by the commands that need them
    from watcher.discovery import Discovery, Found
    from watcher.trial import Trial, TriedItem

app = typer.Typer(
    help="Every source: its state, its last new item, its failures, its next poll.", invoke_without_command=True
)

AddOption = Annotated[
    bool,
    typer.Option(
        "--add", help="Put the blocks at the end of the configuration, or begin one, instead of printing them."
    ),
]


@app.callback()
def _sources(context: typer.Context, config: ConfigOption = None, output: FormatOption = Format.TEXT) -> None:
    """Every source: its state, its last new item, its failures, its next poll. Exit 1 when one fails."""
    if context.invoked_subcommand is None:
        show_sources(config, output)
    elif config is not None:
        raise typer.BadParameter(f"belongs behind {context.invoked_subcommand}", param_hint="--config")


@app.command()
def discover(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of a site, or of a feed.")],
    config: ConfigOption = None,
    add: AddOption = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Find a site's feeds and sitemaps, and write the block that makes the best of them a source.

    Each one was fetched and read. Exit 1 when there is none.
    """
    address = url if "://" in url else f"https://{url}"
    result = asyncio.run(_discover(address, config))
    if result.failure is not None:
        typer.echo(f"{address}: {result.failure.reason.value}: {result.failure.detail}", err=True)
    if not result.found:
        typer.echo(f"{address}: no feed and no sitemap is named there, or lies where they usually are", err=True)
        raise typer.Exit(1)
    blocks = _blocks([_block_values(one) for one in result.found[:1]], config)
    if output is Format.JSON:
        print_json([_found_to_json(one) for one in result.found])
    else:
        print_table(
            "",
            ("kind", "items", "newest", "title", "address"),
            [
                (one.kind, one.items, one.newest_at and f"{one.newest_at:%Y-%m-%d %H:%M} UTC", one.title, one.url)
                for one in result.found
            ],
        )
        typer.echo("")
    _print_or_add(blocks, config, is_adding=add, is_quiet=output is Format.JSON)


async def _discover(url: str, config: Path | None) -> Discovery:
    from watcher.agenda import utc_now
    from watcher.cli.reading import typed_fetcher
    from watcher.discovery import discover as find
    from watcher.fetch import Fetcher

    async with typed_fetcher(url, config, Fetcher) as fetcher:
        return await find(fetcher, url, utc_now)


def _block_values(found: Found) -> dict[str, Any]:
    host = (urlsplit(found.url).hostname or "").removeprefix("www.")
    silence = found.expect_every
    return {
        "name": found.title if found.kind == "feed" else host,
        "url": found.url,
        "kind": found.kind,
        "expect_every": f"{silence.days}d" if silence else "",
        "language": found.language,
        "publisher": found.title if found.kind == "feed" else "",
    }


def _found_to_json(found: Found) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "url": found.url,
        "title": found.title,
        "language": found.language or None,
        "items": found.items,
        "newest": found.newest_at and found.newest_at.isoformat(),
        "expect_every": f"{found.expect_every.days}d" if found.expect_every else None,
    }


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An OPML file of another feed reader; - for its input.")],
    config: ConfigOption = None,
    add: AddOption = False,
) -> None:
    """Turn the feeds of an OPML list into blocks of the configuration; those that it has already are left out."""
    from watcher.opml import parse_opml
    from watcher.web.urls import canonical_url

    try:
        outlines = parse_opml(read_bytes(file))
    except OSError as error:
        raise WatcherError(f"{file}: {(error.strerror or str(error)).lower()}") from error
    known = {canonical_url(source.url) for source in _configured(config) if source.kind is SourceKind.FEED}
    new = [outline for outline in outlines if canonical_url(outline.url) not in known]
    values = [
        {
            "name": outline.title,
            "url": outline.url,
            "language": outline.language,
            "publisher": outline.title,
            "tags": outline.tags,
        }
        for outline in new
    ]
    _print_or_add(_blocks(values, config), config, is_adding=add)
    typer.echo(f"{len(new)} new of {len(outlines)} feeds", err=True)


@app.command()
def export(config: ConfigOption = None) -> None:
    """Print the configured feeds as an OPML list for other feed readers. Sources of other kinds are left out."""
    from watcher.opml import write_opml

    sources = settings_of(config).to_sources()
    feeds = [source for source in sources if source.kind is SourceKind.FEED]
    typer.echo(write_opml(feeds, "Sources of watcher"), nl=False)
    if others := len(sources) - len(feeds):
        typer.echo(f"{others} of other kinds left out: the format knows only feeds", err=True)


@app.command("test")
def try_one(
    wanted: Annotated[str, typer.Argument(metavar="ID-or-URL", help="A configured source, or the address of a feed.")],
    config: ConfigOption = None,
    items: Annotated[int, typer.Option(min=0, max=50, help="How many of the newest items to read.")] = 3,
    output: FormatOption = Format.TEXT,
) -> None:
    """Poll a source once and show each step; nothing is stored, nobody is told. Exit 1 when it cannot be read."""
    trial = asyncio.run(_try(wanted, config, items))
    if output is Format.JSON:
        print_json(_trial_to_json(trial))
    else:
        _print_trial(trial)
    if trial.harvest.reason not in (FetchReason.OK, FetchReason.EMPTY):
        raise typer.Exit(1)


async def _try(wanted: str, config: Path | None, items: int) -> Trial:
    from watcher.agenda import utc_now
    from watcher.cli.reading import typed_fetcher
    from watcher.trial import TracingFetcher, try_source
    from watcher.workers import Workers

    is_address = wanted.startswith(("http://", "https://"))
    by_id = {} if is_address else {source.id: source for source in settings_of(config).to_sources()}
    if not is_address and wanted not in by_id:
        from watcher.settings.values import suggest

        raise WatcherError(f"there is no source {wanted!r} in the configuration{suggest(wanted, by_id)}")
    source = Source("test", wanted) if is_address else by_id[wanted]
    _, rules, _ = compiled_rules(find_rules(None, config))
    workers = Workers(1)
    try:
        async with typed_fetcher(source.url if is_address else "", config, TracingFetcher) as fetcher:
            return await try_source(fetcher, workers, source, rules, utc_now, items)
    finally:
        workers.close()


def _print_trial(trial: Trial) -> None:
    source, harvest = trial.source, trial.harvest
    typer.echo(f"source      {source.id}, {source.kind.value}, {source.url}")
    for request in trial.requests:
        typer.echo(f"request     {request.url}\n            {_outcome(request.outcome)}, {request.seconds:.1f} s")
    detail = f": {harvest.detail}" if harvest.detail else ""
    typer.echo(f"answer      {harvest.reason.value}{detail}, {len(harvest.entries)} items")
    dates = sorted(entry.published_at for entry in harvest.entries if entry.published_at)
    if harvest.entries:
        span = f"{dates[0]:%Y-%m-%d %H:%M} to {dates[-1]:%Y-%m-%d %H:%M} UTC" if dates else "none"
        typer.echo(f"dates       {span}; {len(harvest.entries) - len(dates)} items without a date")
        fresh = len(harvest.entries) - trial.old
        typer.echo(f"first poll  reads {fresh}, only notes {trial.old} from before (catch_up)")
    for item in trial.items:
        _print_item(item)


def _outcome(outcome: object) -> str:
    match outcome:
        case Fetched():
            return f"{outcome.status}, {len(outcome.body):,} bytes, {outcome.content_type or 'no content type'}"
        case FetchFailed():
            return f"{outcome.reason.value}: {outcome.detail}"
    return "not modified"


def _print_item(item: TriedItem) -> None:
    article = item.article
    stated = f"{article.published_at:%Y-%m-%d %H:%M} UTC" if article.published_at else "date unknown"
    typer.echo(f"item        {article.title or '(no title)'}")
    typer.echo(f"            {stated}, {article.publisher}, {article.url or 'no link'}")
    trouble = f"; its page: {item.page_trouble.value}" if item.page_trouble else ""
    typer.echo(
        f"            {article.extraction.value} text, {len(article.text):,} characters, {article.language}{trouble}"
    )
    fired = [f"{one.rule_id} ({one.severity.label}; {', '.join(one.states)})" for one in item.result.signals]
    typer.echo(f"            signals: {', '.join(fired) or 'none'}")


def _trial_to_json(trial: Trial) -> dict[str, Any]:
    return {
        "source": trial.source.id,
        "kind": trial.source.kind.value,
        "url": trial.source.url,
        "requests": [
            {"url": one.url, "outcome": _outcome(one.outcome), "seconds": one.seconds} for one in trial.requests
        ],
        "state": trial.harvest.reason.value,
        "detail": trial.harvest.detail,
        "items": len(trial.harvest.entries),
        "undated": sum(entry.published_at is None for entry in trial.harvest.entries),
        "old": trial.old,
        "articles": [
            {
                "title": item.article.title,
                "url": item.article.url,
                "published": item.article.published_at and item.article.published_at.isoformat(),
                "publisher": item.article.publisher,
                "language": item.article.language,
                "extraction": item.article.extraction.value,
                "characters": len(item.article.text),
                "page": item.page_trouble and item.page_trouble.value,
                "signals": [signal.rule_id for signal in item.result.signals],
            }
            for item in trial.items
        ],
    }


def _configured(config: Path | None) -> tuple[Source, ...]:
    return settings_of(config).to_sources() if find_config(config) else ()


def _blocks(values: Sequence[dict[str, Any]], config: Path | None) -> list[str]:
    """The blocks of these sources, each with an id that nobody has yet."""
    from watcher.settings.blocks import new_id, source_block

    taken = {source.id for source in _configured(config)}
    blocks = []
    for one in values:
        source_id = new_id(one["name"], one["url"], taken)
        taken.add(source_id)
        blocks.append(source_block({"id": source_id, **{key: value for key, value in one.items() if key != "name"}}))
    return blocks


def _print_or_add(blocks: Sequence[str], config: Path | None, *, is_adding: bool, is_quiet: bool = False) -> None:
    from watcher.settings.blocks import append_sources

    if not is_adding:
        if not is_quiet:
            typer.echo("\n".join(blocks), nl=False)
        return
    path = find_config(config) or DEFAULT_CONFIG
    is_new = not path.exists()
    append_sources(path, blocks, os.environ)
    typer.echo(f"added {len(blocks)} to {path}", err=True)
    if is_new:
        typer.echo("a new file: it names nobody who is told yet, see [[recipients]] in config.example.toml", err=True)
