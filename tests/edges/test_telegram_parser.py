"""The stand-in reads HTML as Telegram's own parser does, which is TDLib's."""

from __future__ import annotations

import html

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import telegram_parser
from tests.telegram_html import RefusedError, parse_html

pytestmark = pytest.mark.skipif(
    telegram_parser.library() is None, reason="TDLib is not installed (.ci/run does it where there is npm)"
)

# What TDLib calls the entities of the tags that we write.
_TAGS = {"textEntityTypeBold": "b", "textEntityTypeTextUrl": "a", "textEntityTypeCode": "code"}


def by_telegram(source: str) -> tuple[str, str | list[tuple[str, int, int]]]:
    """The text and the places of its entities, or the refusal."""
    try:
        text, entities = telegram_parser.parse(source)
    except telegram_parser.ParserRefusedError as error:
        return "", str(error).lower()
    known = [(_TAGS.get(one["type"]["@type"], "?"), one["offset"], one["length"]) for one in entities]
    return text, sorted(known, key=lambda entity: entity[1:])


def by_stand_in(source: str) -> tuple[str, str | None]:
    try:
        return parse_html(source)[0], None
    except RefusedError as refusal:
        return "", refusal.description.removeprefix("Bad Request: ").lower()


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["<b>", "</b>", "<i>", "</i>", "</>", "<a href='https://a.example/'>", '<a href="https://a.example/?b=1&amp;c">',
             "</a>", "<code>", "</code>", "<", ">", "&", "&amp;", "&lt;", "&gt;", "&quot;", "&nbsp;", "&#39;", "&#x41;",
             "&#x110000;", "&#0;", "&#xD800;", "&#", "&#x", "&am", "<B>", "</B >", "<b >", "<b x>", "<b x=y>", "<foo>",
             "<b", "</b", "<a href=x>", "<a href>", "<a href=>", "<a =x>", '<a href="x', " ", "\n", "é", "😀", "א",
             "</ b>", "<tg-spoiler>", "</tg-spoiler>", "<pre>", "</pre>", "<blockquote expandable>", "</blockquote>",
             "&amp", "&lt;b&gt;", "\u202e", "\u0301", "\u00a0", "<b\u00a0>", "<span>", "</span>", "<u>", "</u>"]
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(PIECES)
@example("<b>&#x41;&#0;</b>")
def test_the_stand_in_reads_and_refuses_as_telegram_does(source: str) -> None:
    text, entities = by_telegram(source)
    assert by_stand_in(source) == (text, entities if isinstance(entities, str) else None)


ADDRESSES = st.one_of(
    st.sampled_from(
        ["a.example", "u?a=1", "https://", "https://a", "https://a.example", "https://a.example:8443/", "https://[x]/",
         "https://a.example:99999/", "https://user:pw@a.example/x", "https://пример.рф/ю", "HTTPS://A.example/?x=1#y",
         "https://localhost/", "http://127.0.0.1:9000/a", "javascript:alert(1)", "tg://user?id=1", "//a.example/",
         "https://a.example/\"<b>'", "https://a b.example/", "https://a\"b.example/", "https://a.example?x", "/x", "#"]
    ),
    st.from_regex(r"https?://[a-z0-9-]{1,8}(\.[a-z0-9-]{1,8}){0,2}(:[0-9]{1,5})?(/[a-z0-9&%?=#.-]{0,9})?", fullmatch=True),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(ADDRESSES)
def test_the_stand_in_makes_links_of_what_telegram_does(address: str) -> None:
    source = f'<a href="{html.escape(address)}">here</a>'
    _, entities = by_telegram(source)
    assert bool(entities) == bool(parse_html(source)[1])
