"""The explanation as a page: complete in itself, harmless whatever the article holds, and every match on it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, article
from tests.core.rule_files import compiled
from watcher.explain import explain_article
from watcher.explain_page import render_page
from watcher.model import Article, RuleStatus

RULES = """\
rule: border-clash
title: A <clash> & more
languages: [en]
look_for:
  act: {phrases: [shell~ ..3 village*, قصف]}
  pair: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
close_together:
  - {clues: [deaths, pair], within: 2 sentences}
---
rule: far-away
languages: [en]
look_for: {a: {phrases: [never in it]}, b: {phrases: [nor this]}}
"""
TEXT = (
    "Azerbaijani troops shelled three villages. Elsewhere it might shell a village.\n\n"
    "Twelve soldiers of Armenia and Azerbaijan were killed. A Russian-led bloc watched."
)


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.marks: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "mark":
            self.marks.append(("", values.get("class") or "", values.get("title") or ""))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] == "mark":
            text, style, says = self.marks[-1]
            self.marks[-1] = (text + data, style, says)


def page_of(one: Article) -> str:
    explanations = explain_article(compiled(RULES), one)
    statuses = {"border-clash": RuleStatus.STABLE, "far-away": RuleStatus.DRAFT}
    return render_page(one, explanations, {}, statuses, NOW, has_configuration=False)


def page(text: str = TEXT, title: str = "Headline", **values: Any) -> Page:
    return Page(page_of(article(title=title, text=text, **values)))


def test_loads_nothing_and_says_so() -> None:
    source = page_of(article(title="Headline", text=TEXT))
    found = Page(source)
    [policy] = [
        values["content"] for tag, values in found.tags if values.get("http-equiv") == "Content-Security-Policy"
    ]
    [style] = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in found.tags}
    assert not [values for _, values in found.tags if "style" in values or "src" in values]
    assert "url(" not in style
    assert "@import" not in style
    assert not found.open


def test_every_match_is_marked_and_the_rejected_ones_are_listed() -> None:
    found = page()
    marks = {text: (style, says) for text, style, says in found.marks}
    assert marks["shelled three villages"] == ("c0", "act: happened")
    assert marks["shell a village"][0] == "no"
    assert "not counted: possible, and only happened counts" in marks["shell a village"][1]
    assert marks["might"][0] == "cue"
    # The toll spans both states; the shortest mark gives the colour.
    assert marks["Armenia"] == ("c1 also", "pair: AM\ndeaths: at least 12, happened")
    assert marks["Russian"][0] == "no"
    after = found.text.split("Found, but not counted")[1]
    assert "possible, and only happened counts" in after.split("How it was decided")[0]
    assert "X-led" in after.split("How it was decided")[0]


def test_sentences_have_their_numbers_and_windows_are_visible() -> None:
    source = page_of(article(title="Headline", text=TEXT))
    assert re.findall(r"<span class=n>(\d+)</span>", source) == ["0", "1", "2", "3", "4"]
    [window] = re.findall(r"<span class=n>(\d+)</span><span class=window>", source)
    assert window == "3"
    assert source.count('<p dir="auto"') == 3


def test_rules_that_did_not_come_near_are_a_line() -> None:
    found = page()
    assert "far-away" in found.text.split("Rules that did not come near")[1]
    assert "border-clash (stable): every condition holds" in found.text
    assert "A <clash> & more" in found.text


def test_nothing_of_an_article_becomes_markup() -> None:
    evil = "</p></details><script>alert(1)</script><img src=x onerror=alert(1)> \"' onmouseover=x &lt;"
    found = page(
        text=f"{evil} shelled three villages. Armenia and Azerbaijan: twelve soldiers were killed {evil}.",
        title=f"</title>{evil}",
        url="javascript:alert(1)",
        publisher=evil,
        language="en",
    )
    assert not {"script", "img", "a"} & {tag for tag, _ in found.tags}
    assert not [key for _, values in found.tags for key in values if key.startswith("on")]
    assert found.text.count("<script>alert(1)</script>") >= 4


def test_links_to_the_article_tell_it_nothing() -> None:
    [link] = [values for tag, values in page(url='https://a.example/?"x').tags if tag == "a"]
    assert link == {"href": 'https://a.example/?"x', "rel": "noopener noreferrer"}


def test_characters_that_are_no_text_are_shown_as_such() -> None:
    source = page_of(article(title="a\x00b\x1b[31m", text=f"\ud800\u202e x {TEXT}"))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff]", source)
    assert "shelled three villages" in {text for text, _, _ in Page(source).marks}


def test_right_to_left_text_keeps_its_order_and_its_marks() -> None:
    text = "قصف الجيش القرية أمس. Twelve soldiers of Armenia and Azerbaijan were killed."
    found = page(text=text, title="عنوان")
    assert ("قصف", "c0", "act: happened") in found.marks
    assert text.split(".")[0] in found.text


PIECES = st.sampled_from(
    ["shelled three villages", "Armenia", "Azerbaijan", "twelve soldiers were killed", "<b>", "&amp;", '"', "\n\n",
     ". ", " ", "\u202e", "\x00", "قصف", "😀", "might", "e\u0301"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join), st.lists(PIECES, max_size=5).map("".join))
def test_the_text_of_the_page_is_that_of_the_article(text: str, title: str) -> None:
    source = page_of(article(title=title, text=text))
    found = Page(source)
    assert not found.open
    for block in re.findall(r"<div class=article>(.*?)</div>", source, re.DOTALL):
        shown = re.sub(r"<span class=n>\d+</span>", "", block)
        words = Page(f"<div>{shown}</div>").text.replace("\ufffd", "")
        original = re.sub("[\x00\u202e]", "", f"{title}\n{text}")
        assert "".join(words.split()) == "".join(original.split())
