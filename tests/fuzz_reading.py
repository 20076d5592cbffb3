"""Feeds everything that reads what sites send with damaged feeds and pages: from bytes to the message that people get.

    python -m tests.fuzz_reading --inputs 20000 --jobs 2

Each input is a feed or a page of tests/data, or one made of hostile parts, changed a few times. It is read as a feed and as
a page; what comes out becomes an article, the shipped rules run over it, and every signal is rendered for Telegram, mail
and programs. Prints a failing input's number; `--first NUMBER --inputs 1 --show` shows it again. Exit 1 when there is any.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tests.bot_api import MAX_UNITS, parse_html, utf16_units
from tests.fuzzing import change_bytes, main
from watcher.dedup import EventPolicy, decide_article
from watcher.errors import FeedError
from watcher.extract import build_article, extract_page
from watcher.feeds import parse_feed
from watcher.match import match_article
from watcher.model import Article, FeedEntry, Field, PageText, Source
from watcher.render import render_email, render_json, render_telegram
from watcher.routing import compose_alert
from watcher.rulebook import event_policy
from watcher.rules.compile import CompiledRules, compile_rules
from watcher.rules.load import load_rules
from watcher.understand.gazetteer import Gazetteer

CHECKOUT = Path(__file__).resolve().parents[1]
PATIENCE = 20.0  # seconds of the processor; the slowest of 20,000 took less than two on an idle machine
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
URL = "https://outlet.example/feed"
SOURCE = Source("outlet", URL)

STORY = (
    "Armenia invoked Article four of the Collective Security Treaty on Tuesday after clashes with Azerbaijan left dozens "
    "of soldiers dead on both sides, its defence ministry said. "
)
# What readers of XML, HTML, JSON, dates and text treat in a way of their own.
PARTS = [
    *"< > & &amp; &lt;b&gt; &#0; &#x110000; &nbsp; ]]> <![CDATA[ <!-- --> <?xml ?> <!DOCTYPE a [<!ENTITY b 'c'>]> &b;".split(
        " "
    ),
    *"\x00 \x0b \x1b[2J \x85 \u2028 \u202e \u2066 \ufeff \ufffe \U000e0001 \u0301 \U0001f525 \ud7ff".split(" "),
    *"<script>alert(1)</script> <style>*{} <svg/onload=x> <a href='javascript:x'> <base href='//evil.example'>".split(
        " "
    ),
    *"<link>http://[::1</link> <link>file:///etc/passwd</link> <guid/> <pubDate>99999-99-99</pubDate>".split(" "),
    *"<pubDate>Tue, 31 Feb 2026 25:61:61 +9999</pubDate> <updated>2026-11-22T23:59:60Z</updated>".split(" "),
    *'\xff\xfe \xfe\xff \xef\xbb\xbf {} [] {"items":[{"id":1}]} null 1e999 \\ud800 application/json'.split(" "),
    "<div>" * 3000,
    "<item>" * 500,
    "[" * 20000,
    "a" * 50_000,
    "\u0301" * 5000,
    STORY,
    "Article " + "9" * 5000,
    "dozens " * 3000,
    "(" * 3000,
    "“" * 2000,
    " . " * 3000,
]


@cache
def rules() -> tuple[CompiledRules, dict[str, EventPolicy], Mapping[str, str]]:
    """The shipped rules, their policies by id, and the names of states."""
    rule_set, gazetteer = load_rules([CHECKOUT / "rules"]), Gazetteer.load()
    policies = {rule.rule: event_policy(rule) for rule in rule_set.rules}
    return compile_rules(rule_set, gazetteer), policies, gazetteer.names()


@cache
def seeds() -> tuple[bytes, ...]:
    """What inputs are made of."""
    files = [path for name in ("feeds", "pages") for path in sorted((CHECKOUT / "tests" / "data" / name).iterdir())]
    kept = [path.read_bytes() for path in files if path.suffix not in (".json", ".txt")]
    item = f"<item><title>Armenia invokes defence pact</title><link>/a</link><guid>1</guid><description>{STORY}</description></item>"
    return (
        *kept,
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{item * 3}</channel></rss>'.encode(),
        f"<html><head><title>Armenia invokes pact</title></head><body><article><h1>Pact</h1><p>{STORY * 3}</p></article></body></html>".encode(),
        f'{{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[{{"id":"1","title":"t","content_text":"{STORY}"}}]}}'.encode(),
    )


def change_parts(body: bytes, chance: random.Random) -> bytes:
    """One tag or word other, gone, twice, swapped, or with a hostile part beside it."""
    parts = re.findall(rb"<[^>]*>|\w+|\s+|[^\w\s]", body) or [b""]
    at, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    what = chance.randrange(6)
    if what == 0:
        parts[at] = chance.choice(PARTS).encode("utf-8", "surrogatepass")
    elif what == 1:
        parts[at] = b""
    elif what == 2:
        parts[at], parts[other] = parts[other], parts[at]
    elif what == 3:
        parts[at] += chance.choice(PARTS).encode("utf-8", "surrogatepass")
    elif what == 4:
        parts[at] *= chance.choice((2, 3, 50))
    else:
        first, last = sorted((at, other))
        parts[first:last] = parts[first:last] * chance.choice((0, 2, 5))
    return b"".join(parts)


def change_encoding(body: bytes, chance: random.Random) -> bytes:
    """The same text in another encoding than it says."""
    text = body.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-16-le", "utf-32", "cp1251", "shift_jis", "utf-7")), "replace")


def make_input(seed: int, number: int) -> bytes:
    """The same input for the same numbers, always."""
    chance = random.Random(f"{seed} {number}")
    body = chance.choice(seeds())
    for _ in range(chance.choice((1, 1, 2, 2, 3, 9))):
        change = chance.choice((change_bytes, change_parts, change_parts, change_parts, change_parts))
        body = change(body, chance)[:300_000]
    return change_encoding(body, chance) if chance.random() < 0.05 else body


def judge(body: bytes, folder: Path) -> str:
    """How far an input came: "nothing", "read", "alert"; AssertionError where something is not what is promised."""
    articles: list[Article] = []
    try:
        feed = parse_feed(body, url=URL, content_type=None, source_id="outlet", now=NOW)
    except FeedError as error:
        assert str(error), "an error without a word"
    else:
        for entry in feed.entries:
            check_entry(entry)
        articles += [build_article(entry, None, SOURCE, NOW) for entry in feed.entries[:3]]
    page = extract_page(body, url="https://outlet.example/a", content_type=None, now=NOW)
    if page is not None:
        check_page(page)
        entry = FeedEntry("outlet", "g", "https://outlet.example/a", page.title or "Pact", "", False, None)
        articles.append(build_article(entry, page, SOURCE, NOW))
    said = [check_article(article) for article in articles]
    return "alert" if any(said) else "read" if articles else "nothing"


def check_text(text: str) -> None:
    bad = [
        character
        for character in text
        if not character.isprintable() and character not in "\n\t" and ord(character) < 0xA0
    ]
    assert not bad, f"control characters {bad[:5]}"
    text.encode("utf-8")  # no half of a surrogate pair


def check_entry(entry: FeedEntry) -> None:
    check_text(entry.title)
    check_text(entry.summary)
    assert entry.url is None or entry.url.startswith(("http://", "https://")), entry.url
    assert entry.published_at is None or (entry.published_at.tzinfo is UTC and entry.published_at <= NOW), entry


def check_page(page: PageText) -> None:
    check_text(page.title)
    check_text(page.text)
    assert page.published_at is None or page.published_at.tzinfo is UTC, page.published_at


def check_article(article: Article) -> bool:
    """Whether a rule holds; every span quotes what it says, and every message can be sent."""
    compiled, policies, names = rules()
    result = match_article(compiled, article, NOW)
    for signal in result.signals:
        for match in signal.matches:
            text = article.title if match.span.field is Field.TITLE else article.text
            assert text[match.span.start : match.span.end] == match.text, match
    titles = {rule_id: policy.title for rule_id, policy in policies.items()}
    for decision in decide_article(result.signals, article, policies, (), frozenset(), NOW):
        alert = compose_alert(decision, article, names, titles, NOW, None)
        read, _ = parse_html(render_telegram(alert, names))
        assert 0 < utf16_units(read) <= MAX_UNITS
        assert alert.id in read
        json.dumps(render_json(alert, names))
        subject, plain, page = render_email(alert, names)
        assert "\n" not in subject and "\r" not in subject
        assert alert.id in plain and alert.id in page
        assert "<script" not in page.lower()
    return bool(result.signals)


if __name__ == "__main__":
    main("tests.fuzz_reading", "Feeds the readers of feeds and pages with damaged ones.", 20_000)
