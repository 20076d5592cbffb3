"""Telegram channels on the web: what of a preview is a message, and how far back one reading goes.

The samples have the structure of pages that t.me serves, as RSSHub's Telegram route and the test fixtures of other public
scrapers have it: wrappers, doubled texts, replies, forwards, media, polls; the words are our own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import NewsServer, Page
from watcher.fetch import Fetcher
from watcher.model import Bookmark, FeedEntry, FetchReason, Source, SourceKind
from watcher.sources import Harvest
from watcher.sources.telegram import Shown, TelegramReader, read_preview
from watcher.workers import Workers

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EMOJI = '<i class="emoji" style="background-image:url(\'//telegram.org/img/emoji/40/E29AA1.png\')"><b>⚡️</b></i>'


def message(number: int, inner: str, at: datetime | None = None, classes: str = "", channel: str = "frontier") -> str:
    stamp = (at or NOW - timedelta(hours=1)).isoformat()
    return f"""
<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message text_not_supported_wrap
 {classes} js-widget_message" data-post="{channel}/{number}" data-view="eyJj" data-peer="c1_-1">
 <div class="tgme_widget_message_user"><a href="https://t.me/{channel}"><i class="tgme_widget_message_user_photo bgcolor1"></i></a></div>
 <div class="tgme_widget_message_bubble"><i class="tgme_widget_message_bubble_tail"></i>
  <div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name" href="https://t.me/{channel}"><span dir="auto">Frontier</span></a></div>
  {inner}
  <div class="tgme_widget_message_footer compact js-message_footer"><div class="tgme_widget_message_info short js-message_info">
   <span class="tgme_widget_message_views">1.2K</span><span class="copyonly"> views</span><span class="tgme_widget_message_meta">edited &nbsp;<a
   class="tgme_widget_message_date" href="https://t.me/{channel}/{number}"><time datetime="{stamp}" class="time">11:00</time></a></span>
  </div></div>
 </div></div></div>"""


def text(html: str) -> str:
    return f'<div class="tgme_widget_message_text js-message_text" dir="auto">{html}</div>'


def preview(messages: Iterable[str]) -> bytes:
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><title>Frontier – Telegram</title></head><body><header>'
        '<div class="tgme_channel_info"><div class="tgme_channel_info_header_title">Frontier</div></div></header><main>'
        f'<section class="tgme_channel_history js-message_history">{"".join(messages)}</section></main></body></html>'
    ).encode()


def read(*messages: str) -> Shown:
    return read_preview(preview(messages), content_type="text/html; charset=utf-8", source_id="tg", now=NOW)


def entry(number: int, title: str, words: str, publisher: str | None = None) -> FeedEntry:
    post = f"frontier/{number}"
    return FeedEntry("tg", post, f"https://t.me/{post}", title, words, True, NOW - timedelta(hours=1), publisher)


REPLY = """<a class="tgme_widget_message_reply user-color-default" href="https://t.me/frontier/4">
 <i class="tgme_widget_message_reply_thumb"></i><div class="tgme_widget_message_author accent_color">
 <span class="tgme_widget_message_author_name" dir="auto">Frontier</span></div>
 <div class="tgme_widget_message_metatext js-message_reply_text" dir="auto">Photo</div>
 <div class="tgme_widget_message_text js-message_reply_text" dir="auto">Forty killed, said the quoted one</div></a>"""
FORWARDED = """<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from&nbsp;<a
 class="tgme_widget_message_forwarded_from_name" href="{link}"><span dir="auto">Other Desk</span></a></div>"""
POLL = """<div class="tgme_widget_message_poll js-poll"><div class="tgme_widget_message_poll_question">Is it war?</div>
 <div class="tgme_widget_message_poll_options"><div class="tgme_widget_message_poll_option_value">Yes</div></div></div>"""
PHOTO = """<a class="tgme_widget_message_photo_wrap" href="https://t.me/frontier/7?single" style="width:600px"></a>"""
VIDEO = """<a class="tgme_widget_message_video_player" href="https://t.me/frontier/8"><i class="tgme_widget_message_video_thumb"></i>
 <time class="message_video_duration js-message_video_duration">0:41</time></a>"""
LINK = """<a class="tgme_widget_message_link_preview" href="https://x.example/"><div class="link_preview_title" dir="auto">
 A page</div><div class="link_preview_description" dir="auto">that is linked</div></a>"""


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            message(1, text(f"{EMOJI}<b>Frontier closed</b><br/><br/>Two posts were shelled.<br/>Source: "
                            '<a href="https://x.example/" target="_blank" rel="noopener">ministry</a> &amp; others')),
            [entry(1, "⚡️Frontier closed", "⚡️Frontier closed\n\nTwo posts were shelled.\nSource: ministry & others")],
        ),
        (message(2, REPLY + text("That was wrong.")), [entry(2, "That was wrong.", "That was wrong.")]),
        (message(3, FORWARDED.format(link="https://t.me/otherdesk/77") + text("As they say.")),
         [entry(3, "As they say.", "As they say.", "@otherdesk")]),
        (message(3, FORWARDED.format(link="tg://user?id=1") + text("As they say.")), [entry(3, "As they say.", "As they say.")]),
        (message(4, POLL), []),
        (message(5, text("Frontier pinned «Two posts»"), classes="service_message"), []),
        (message(6, PHOTO), []),
        (message(7, PHOTO + VIDEO + text("A caption") + LINK), [entry(7, "A caption", "A caption")]),
        (message(8, f'<div class="tgme_widget_message_text js-message_text">{text("Nested once")}</div>'), [entry(8, "Nested once", "Nested once")]),
        (message(9, text('<tg-spoiler>Hidden</tg-spoiler> <tg-emoji emoji-id="5"><i class="emoji"><b>🔥</b></i></tg-emoji>'
                         "<pre>code  here</pre><blockquote expandable>said she</blockquote>")),
         [entry(9, "Hidden 🔥", "Hidden 🔥\n\ncode here\n\nsaid she")]),
        (message(10, text("<script>alert(1)</script>A \u202ebad\x07 &lt;b&gt;line")), [entry(10, "A bad line", "A bad line")]),
        (message(11, text("")), []),
    ],
)  # fmt: skip
def test_what_of_a_preview_is_a_message(shown: str, expected: list[FeedEntry]) -> None:
    found = read(shown)
    assert (list(found.entries), len(found.numbers), found.is_preview) == (expected, 1, True)


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("One line", "One line"),
        ("A headline<br/>and more", "A headline"),
        ("The first sentence is here. " + "And on it goes with many a word. " * 20, "The first sentence is here."),
        ("word " * 100, "word " * 38 + "word…"),
        ("x" * 500, "x" * 199 + "…"),
    ],
)
def test_the_first_line_or_sentence_is_the_title(words: str, title: str) -> None:
    (found,) = read(message(1, text(words))).entries
    assert found.title == title


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-03-09T00:00:00+00:00"])
def test_a_date_that_cannot_be_believed_is_none(stamp: str) -> None:
    page = preview([message(1, text("A"))]).replace((NOW - timedelta(hours=1)).isoformat().encode(), stamp.encode())
    (found,) = read_preview(page, content_type=None, source_id="tg", now=NOW).entries
    assert found.published_at is None


@given(st.binary(max_size=300), st.sampled_from([b"", b'<div class="tgme_widget_message" data-post="', preview([message(1, text("A"))])]))  # fmt: skip
def test_whatever_the_bytes_are_nothing_is_raised(body: bytes, start: bytes) -> None:
    read_preview(start + body, content_type=None, source_id="tg", now=NOW)


class Channel:
    """A channel on a loopback server, twenty messages a page as t.me has them, and one who follows it."""

    def __init__(self, server: NewsServer) -> None:
        self.messages: dict[int, str] = {}
        self.asked: list[str] = []
        self.fails_before: int | None = None
        self.bookmark = Bookmark()
        self.source = Source("tg", server.publish("/s/frontier", self.answer), SourceKind.TELEGRAM)

    def post(self, *numbers: int, hours: float = 1) -> None:
        at = NOW - timedelta(hours=hours)
        self.messages |= {number: message(number, text(f"Message {number}"), at) for number in numbers}

    async def answer(self, request: web.Request) -> web.Response:
        before = int(request.query.get("before", 10**9))
        self.asked.append(request.query_string)
        if before == self.fails_before:
            return web.Response(status=503)
        shown = sorted(number for number in self.messages if number < before)[-20:]
        return web.Response(body=preview(self.messages[number] for number in shown), content_type="text/html")

    async def poll(self) -> Harvest:
        workers = Workers(1)
        async with Fetcher(
            user_agent="test", timeout=timedelta(seconds=10), max_bytes=5_000_000, concurrency=9, per_host=9,
            allow_private_networks=True, clock=lambda: NOW,
        ) as fetcher:  # fmt: skip
            harvest = await TelegramReader(fetcher, workers, lambda: NOW).read(self.source, self.bookmark)
        workers.close()
        self.bookmark = harvest.bookmark or self.bookmark
        return harvest

    async def numbers(self) -> set[int]:
        return {int((one.guid or "").rpartition("/")[2]) for one in (await self.poll()).entries}


async def test_the_first_reading_goes_back_as_far_as_counts_as_new() -> None:
    async with NewsServer() as server:
        channel = Channel(server)
        channel.post(*range(1, 81), hours=30)
        channel.post(*range(81, 121), hours=2)
        first = await channel.poll()
        assert (len(first.entries), first.is_whole, first.has_more) == (60, True, False)
        assert channel.asked == ["", "before=101", "before=81"]


async def test_what_was_posted_meanwhile_is_read_back_to_the_last_one_known() -> None:
    async with NewsServer() as server:
        channel = Channel(server)
        channel.post(*range(1, 31), hours=30)
        await channel.poll()
        assert (await channel.poll()).reason is FetchReason.NOT_MODIFIED
        channel.asked.clear()
        channel.post(31)
        assert 31 in await channel.numbers()
        assert channel.asked == [""]
        channel.post(*range(32, 102))
        assert await channel.numbers() >= set(range(32, 102))
        assert (await channel.poll()).reason is FetchReason.NOT_MODIFIED


async def test_weeks_of_messages_are_read_in_several_readings_without_a_gap() -> None:
    async with NewsServer() as server:
        channel = Channel(server)
        channel.post(1)
        await channel.poll()
        channel.post(*range(2, 902))
        seen: set[int] = set()
        for reading in range(9):
            harvest = await channel.poll()
            seen |= {int((one.guid or "").rpartition("/")[2]) for one in harvest.entries}
            if reading == 1:
                channel.post(*range(902, 951))  # it goes on meanwhile
            if not harvest.has_more:
                break
        assert seen >= set(range(2, 951))
        assert harvest.is_whole
        assert reading < 8


async def test_a_page_that_fails_is_asked_for_again() -> None:
    async with NewsServer() as server:
        channel = Channel(server)
        channel.fails_before = 81
        channel.post(*range(1, 101))
        missed = await channel.poll()
        assert (missed.reason, missed.is_whole, channel.bookmark) == (FetchReason.HTTP_ERROR, False, Bookmark())
        channel.fails_before = None
        await channel.poll()
        channel.post(*range(101, 201))
        channel.fails_before = 141
        part = await channel.poll()
        assert (part.reason, part.has_more) == (FetchReason.HTTP_ERROR, True)
        channel.fails_before = None
        assert await channel.numbers() >= set(range(101, 141))


async def test_an_edited_message_is_shown_again() -> None:
    async with NewsServer() as server:
        channel = Channel(server)
        channel.post(1, 2)
        await channel.poll()
        channel.messages[1] = channel.messages[1].replace("1.2K", "3.4K")  # views
        assert (await channel.poll()).reason is FetchReason.NOT_MODIFIED
        channel.messages[1] = message(1, text("Message 1, corrected"))
        assert [one.title for one in (await channel.poll()).entries] == ["Message 1, corrected", "Message 2"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'<html><body><div class="tgme_page"><div class="tgme_page_title">Frontier</div></div></body></html>', FetchReason.NO_PREVIEW),
        (b"<html><body>Hello</body></html>", FetchReason.NO_PREVIEW),
        (b"no page", FetchReason.NO_PREVIEW),
        (preview([]), FetchReason.EMPTY),
        (b"<html><title>Just a moment...</title></html>", FetchReason.BLOCKED),
    ],
)  # fmt: skip
async def test_a_channel_that_shows_nothing_is_told_by_name(body: bytes, reason: FetchReason) -> None:
    async with NewsServer() as server:
        channel = Channel(server)
        server.publish("/s/frontier", Page(body, "text/html"))
        harvest = await channel.poll()
        assert (harvest.reason, harvest.entries) == (reason, ())


async def test_a_bookmark_of_another_making_is_none() -> None:
    async with NewsServer() as server:
        channel = Channel(server)
        channel.post(1, 2)
        for cursor in ("", "7", '{"known": "x", "top": 0, "below": 0}', "[]"):
            channel.bookmark = Bookmark(cursor=cursor)
            assert len((await channel.poll()).entries) == 2
