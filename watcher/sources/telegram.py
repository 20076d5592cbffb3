"""Public Telegram channels, through the preview that t.me/s/NAME shows on the web without a login."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from watcher.fetch import Fetcher
from watcher.model import Bookmark, FeedEntry, Fetched, FetchFailed, FetchReason, FetchTarget, Source
from watcher.sources.base import Harvest
from watcher.sources.feed import fetch_changed, hash_entries
from watcher.text.sentences import split_sentences
from watcher.web.markup import tidy_line
from watcher.web.pages import compile_selector, parse_page, text_of
from watcher.web.published import believable, parse_date
from watcher.workers import Workers

_PAGES_AT_ONCE = 10  # of some twenty messages each, after which the other sources have their turn
_MAX_TITLE_CHARS = 200
_MAX_TEXT_CHARS = 100_000  # twenty times what Telegram allows
_POST = re.compile(r"([A-Za-z]\w{1,31})/(\d{1,15})", re.ASCII)
_CHANNEL_LINK = re.compile(r"https?://t\.me/(?:s/)?([A-Za-z]\w{3,31})(?:[/?].*)?", re.ASCII)
_MESSAGES = ".tgme_widget_message[data-post]"
_TEXTS = ".tgme_widget_message_text:not(.js-message_reply_text)"


@dataclass(frozen=True, slots=True)
class Shown:
    """What one page of a preview shows."""

    numbers: tuple[int, ...] = ()  # of all messages, also those without words of their own
    entries: tuple[FeedEntry, ...] = ()
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far a channel was read: all up to ``known``, and what lies between ``below`` and ``top``."""

    known: int
    top: int = 0
    below: int = 0  # 0: nothing is left between known and top

    @classmethod
    def parse(cls, cursor: str | None) -> _Reach | None:
        try:
            stored = json.loads(cursor or "")
            return cls(*(int(stored[name]) for name in ("known", "top", "below")))
        except (ValueError, TypeError, KeyError):
            return None

    def spell(self) -> str:
        return json.dumps({"known": self.known, "top": self.top, "below": self.below})


@dataclass(frozen=True, slots=True)
class TelegramReader:
    """Reads channels from the newest message back to the last one known, in several readings where that is far."""

    fetcher: Fetcher
    workers: Workers
    clock: Callable[[], datetime]

    async def read(self, source: Source, bookmark: Bookmark) -> Harvest:
        """The messages of the channel with words in them, or that nothing changed, or why it cannot be read."""
        fetched = await fetch_changed(self.fetcher, source.url, bookmark)
        if isinstance(fetched, Harvest):
            return fetched
        shown = await self._parse(source, fetched)
        if not shown.is_preview:
            return Harvest(FetchReason.NO_PREVIEW, "the channel shows no messages on the web, or does not exist")
        if not shown.numbers:
            return Harvest(FetchReason.EMPTY, "a channel without messages", is_whole=True, bookmark=Bookmark())
        reach = _Reach.parse(bookmark.cursor)
        listed = hash_entries(shown.entries)  # of the words: the page itself counts views and changes with each visit
        if listed == bookmark.body_hash and reach and not reach.below:
            return Harvest(FetchReason.NOT_MODIFIED, fresh_for=fetched.fresh_for)
        return await self._read_back(source, shown, listed, reach)

    async def _read_back(self, source: Source, newest: Shown, listed: str, reach: _Reach | None) -> Harvest:
        """The newest page and those before it, back to what is known; at the first reading to what counts as new."""
        entries = list(newest.entries)
        top, lowest = max(newest.numbers), min(newest.numbers)
        failure: FetchFailed | None = None
        for _ in range(_PAGES_AT_ONCE - 1):
            if reach and reach.below and lowest <= reach.top + 1:
                lowest = min(lowest, reach.below)
            if self._is_far_enough(source, entries, lowest, reach):
                break
            outcome = await self.fetcher.fetch(FetchTarget(f"{source.url.partition('?')[0]}?before={lowest}"))
            if not isinstance(outcome, Fetched):
                failure = outcome if isinstance(outcome, FetchFailed) else None
                break
            older = await self._parse(source, outcome)
            if not older.numbers or min(older.numbers) >= lowest:
                lowest = 1
                break
            lowest = min(older.numbers)
            entries += older.entries
        is_done = reach is None or lowest <= reach.known + 1
        after = _Reach(top) if reach is None or is_done else _Reach(reach.known, top, lowest)
        is_missed = failure is not None and reach is None  # a first reading that was not one
        return Harvest(
            failure.reason if failure else FetchReason.OK,
            failure.detail if failure else "",
            entries=tuple({entry.guid: entry for entry in entries}.values()),
            is_whole=failure is None and is_done,
            bookmark=Bookmark() if is_missed else Bookmark(body_hash=listed, cursor=after.spell()),
            has_more=not is_done,
            retry_after=failure.retry_after if failure else None,
        )

    def _is_far_enough(self, source: Source, entries: list[FeedEntry], lowest: int, reach: _Reach | None) -> bool:
        if lowest <= 1:
            return True
        if reach is not None:
            return lowest <= reach.known + 1
        horizon = self.clock() - source.catch_up
        return not entries or any(entry.published_at and entry.published_at < horizon for entry in entries)

    async def _parse(self, source: Source, fetched: Fetched) -> Shown:
        return await self.workers.compute(
            read_preview, fetched.body, content_type=fetched.content_type, source_id=source.id, now=self.clock()
        )


def read_preview(body: bytes, *, content_type: str | None, source_id: str, now: datetime) -> Shown:
    """The messages of a preview page in its order; service messages, polls and media without words give no entry."""
    root = parse_page(body, content_type)
    if root is None:
        return Shown()
    numbers: list[int] = []
    entries: dict[str, FeedEntry] = {}
    for message in compile_selector(_MESSAGES)(root):
        post = _POST.fullmatch(message.get("data-post") or "")
        if post is None:
            continue
        numbers.append(int(post[2]))
        if "service_message" in (message.get("class") or "").split():
            continue
        text = _text(message)
        if text:
            entries[post[0]] = FeedEntry(
                source_id=source_id,
                guid=post[0],
                url=f"https://t.me/{post[0]}",
                title=_title(text),
                summary=text,
                is_full_text=True,
                published_at=believable(_date(message), now),
                publisher=_forwarded_from(message),
            )
    is_preview = bool(numbers) or bool(compile_selector(".tgme_channel_history, .tgme_channel_info")(root))
    return Shown(tuple(numbers), tuple(entries.values()), is_preview)


def _text(message: etree._Element) -> str:
    """The message's own words; a reply quotes others in an element of the same class."""
    texts = []
    for element in compile_selector(_TEXTS)(message):
        around = {name for outer in element.iterancestors() for name in (outer.get("class") or "").split()}
        if not around & {"tgme_widget_message_reply", "tgme_widget_message_text"}:
            texts.append(text_of(element))
    return "\n\n".join(filter(None, texts))[:_MAX_TEXT_CHARS].rstrip()


def _title(text: str) -> str:
    """The first line; where that is a paragraph, its first sentence, cut where it is long."""
    line = tidy_line(text.partition("\n")[0])
    if len(line) > _MAX_TITLE_CHARS:
        first = split_sentences(line, 0)[0]
        line = line[first.start : first.end]
    if len(line) > _MAX_TITLE_CHARS:
        line = line[: _MAX_TITLE_CHARS - 1].rpartition(" ")[0] or line[: _MAX_TITLE_CHARS - 1]
        line = line.rstrip(" ,;:") + "…"
    return line


def _date(message: etree._Element) -> datetime | None:
    for stamp in compile_selector(".tgme_widget_message_date time[datetime], time.time[datetime]")(message):
        return parse_date((stamp.get("datetime") or "").strip())
    return None


def _forwarded_from(message: etree._Element) -> str | None:
    """The channel whose message this is; its words are no second voice. None for the channel's own."""
    for link in compile_selector("a.tgme_widget_message_forwarded_from_name[href]")(message):
        found = _CHANNEL_LINK.fullmatch(link.get("href") or "")
        if found:
            return f"@{found[1]}"
    return None
