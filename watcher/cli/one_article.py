"""The one article that a command is about, however it is named."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from watcher.bulk import article_from_json
from watcher.cli.common import find_config, settings_of
from watcher.cli.reading import fetch_typed, read_bytes
from watcher.errors import WatcherError
from watcher.extract import extract_page
from watcher.language import detect_language
from watcher.model import Article, Extraction
from watcher.store import Store


def read_article(name: str, config: Path | None) -> Article:
    """The article that is meant: a file (text, HTML, JSON as `watcher match` reads it), an address, a stored id, -."""
    url = content_type = None
    if name.startswith(("http://", "https://")):
        fetched = asyncio.run(fetch_typed(name, config))
        if fetched is None:
            raise WatcherError(f"{name} could not be fetched")
        body, url, content_type = fetched.body, fetched.final_url, fetched.content_type
    elif name == "-" or Path(name).is_file():
        try:
            body = read_bytes(name)
        except OSError as error:
            raise WatcherError(f"{name} cannot be read: {error.strerror or error}") from error
    elif find_config(config) is not None:
        with Store.open(settings_of(config).store.path, exclusive=False) as store:
            stored = store.articles.get(name)
        if stored is None:
            raise WatcherError(f"{name} is no file and no stored article")
        return stored
    else:
        raise WatcherError(f"{name} is no file here; for a stored article name the configuration with --config")
    now = datetime.now(UTC)
    if body.lstrip().startswith(b"{"):
        try:
            return article_from_json(_first_object(body), detect=detect_language, now=now)
        except ValueError as error:
            raise WatcherError(f"{name}: {error}") from error
    page = extract_page(body, url=url, content_type=content_type, now=now)
    title, text = (page.title, page.text) if page else ("", body.decode("utf-8", "replace"))
    if not f"{title}{text}".strip():
        raise WatcherError(f"{name} holds no text")
    return Article(
        id=Path(name).name,
        source_id="",
        url=url,
        title=title,
        text=text,
        language=(page.language if page else None) or detect_language(f"{title}\n\n{text}"),
        extraction=Extraction.FULL,
        published_at=page.published_at if page else None,
        first_seen_at=now,
    )


def _first_object(body: bytes) -> Any:
    """The JSON object of the whole file, or of its first line where each line has one."""
    try:
        return json.loads(body)
    except ValueError:
        return json.loads(body.lstrip().splitlines()[0])
