"""One reader for each kind of source: what is there now, as entries, and where the next reading starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from watcher.fetch import Fetcher
from watcher.model import SourceKind
from watcher.sources.base import Harvest, SourceReader
from watcher.sources.feed import FeedReader
from watcher.sources.gdelt import GdeltReader
from watcher.sources.imap import ImapReader
from watcher.sources.jsonl import JsonlReader
from watcher.sources.page import PageReader
from watcher.sources.reliefweb import ReliefWebReader
from watcher.sources.sitemap import SitemapReader
from watcher.sources.telegram import TelegramReader
from watcher.workers import Workers

__all__ = ["Harvest", "SourceReader", "make_readers"]


def make_readers(
    fetcher: Fetcher, workers: Workers, clock: Callable[[], datetime]
) -> Mapping[SourceKind, SourceReader]:
    """The reader of each kind of source."""
    return {
        SourceKind.FEED: FeedReader(fetcher, workers, clock),
        SourceKind.SITEMAP: SitemapReader(fetcher, workers, clock),
        SourceKind.PAGE: PageReader(fetcher, workers, clock),
        SourceKind.TELEGRAM: TelegramReader(fetcher, workers, clock),
        SourceKind.JSONL: JsonlReader(workers, clock, fetcher.max_bytes),
        SourceKind.RELIEFWEB: ReliefWebReader(fetcher, workers, clock),
        SourceKind.GDELT: GdeltReader(fetcher, workers, clock),
        SourceKind.IMAP: ImapReader(fetcher.timeout, fetcher.max_bytes, clock, fetcher.ssl_context),
    }
