"""Edits of articles, a restart between any two steps: what they add is told, what they take back, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from tests.desk import HOUR, MINUTE, OPERATOR, Desk, open_desk
from tests.newsroom import Item
from tests.servers import NewsServer, Page

RULE = """
rule: clash
title: Soldiers killed
status: stable
family: clash
severity: warning
look_for:
  fight: {phrases: ["shell~", "fire~"]}
  deaths: {killed: {at_least: 3}}
  two_states: {states: {at_least: 2}}
"""
START = "Reports from the border reached the capital on Wednesday morning."
SHELLING = "Armenian and Azerbaijani troops shelled each other across the river."
TWELVE = "The defence ministry said that 12 soldiers were killed in the shelling on Tuesday night."
END = "Schools in the region stay closed until the end of the week, officials announced."


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        desk.configure(RULE, courier="")
        yield desk


def story(desk: Desk, *page: str, **values: object) -> Item:
    first = Item("story", "Shelling on the border", "Troops shelled each other.", desk.now, page)
    return replace(first, **values)


def edit(desk: Desk, *page: str, **values: object) -> None:
    """Nothing; the page says this now, and the feed what it said before unless it is given."""
    (item,) = desk.room.feeds["courier"]
    desk.room.feeds["courier"] = [replace(item, page=page or item.page, **values)]


async def look_again(desk: Desk, after: object = HOUR + MINUTE) -> None:
    """Nothing; the pages that are due are looked at, after a start."""
    async with desk.running(after) as parts:  # type: ignore[arg-type]
        await parts.check_pages()
        await parts.dispatch()


async def test_an_edit_that_doubles_the_toll_is_one_update_and_never_a_second_alert(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, TWELVE, END))
    await desk.poll()
    assert len(desk.told()) == 1
    edit(desk, START, SHELLING, TWELVE.replace("12", "49"), END, summary="Troops shelled each other. 49 are dead.")
    await desk.poll()
    _, update = desk.told()
    assert "UPDATE: now at least 49 killed" in update
    await desk.poll()
    edit(desk, START, SHELLING, TWELVE.replace("12", "120"), END, summary="Troops shelled each other. 120 are dead.")
    await desk.poll(30 * MINUTE)
    _, _, update = desk.told()
    assert "UPDATE: now at least 120 killed" in update
    with desk.store() as store:
        (event,) = store.events.recent(10)
        assert [report.killed and report.killed.at_least for report in event.reports] == [120]
        (article_id,) = {report.article_id for report in event.reports}
        revisions = store.articles.revisions(article_id)
        assert ["12 soldiers" in one.text for one in revisions] == [True, False]
        assert ["49 soldiers" in one.text for one in revisions] == [False, True]


async def test_an_article_that_gave_no_signal_alerts_once_it_says_so(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, END))
    await desk.poll()
    assert desk.told() == []
    edit(desk, START, SHELLING, TWELVE, END, title="Soldiers killed on the border")
    await desk.poll()
    (alert,) = desk.told()
    assert "12 soldiers were killed" in alert
    assert "UPDATE" not in alert


async def test_an_edit_of_a_closed_event_opens_no_other(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, TWELVE, END))
    await desk.poll()
    edit(desk, START, SHELLING, TWELVE, END, "Volunteers brought food.", title="Shelling on the border: what we know")
    await desk.poll(40 * HOUR)  # the event takes reports for a day
    assert len(desk.told()) == 1
    with desk.store() as store:
        assert len(store.events.recent(10)) == 1
        assert store.events.open_events(desk.now) == ()


@pytest.mark.parametrize("full_text", ["true", "false"])
async def test_a_site_that_rewrites_every_line_at_every_poll_costs_nothing_visible(desk: Desk, full_text: str) -> None:
    desk.configure(RULE, courier=f"full_text = {full_text}")
    said = f"{SHELLING} 12 soldiers were killed."
    items = [story(desk, START, said, END, id=f"story{number}", title=f"Day {number} of it") for number in range(10)]
    for minutes in range(5, 600, 25):
        desk.room.feeds["courier"] = [
            replace(item, summary=f"Updated {minutes} minutes ago, at {minutes % 24}:{minutes % 60:02}. {said}")
            for item in items
        ]
        await desk.poll(25 * MINUTE)
        assert desk.polls["courier"].postponed == 0
    pages = [path for path in desk.room.requests if path != "courier"]
    assert len(pages) <= 20
    assert len(desk.told()) == 1
    with desk.store() as store:
        assert not any(store.articles.revisions(one.article.id) for one in store.articles.since(desk.now - 30 * HOUR))


async def test_what_is_counted_up_at_every_poll_is_read_a_few_times_only(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, END))
    for views in range(100):
        edit(desk, summary=f"Troops shelled each other. Seen by {views * 37} readers.")
        await desk.poll(10 * MINUTE)
    assert len([path for path in desk.room.requests if path != "courier"]) <= 16
    assert desk.told() == []


async def test_a_newer_edition_is_read_though_it_is_listed_in_the_same_words(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, END, edited="2022-09-14T16:00:00Z"))
    await desk.poll()
    edit(desk, START, SHELLING, TWELVE, END, edited="2022-09-14T16:12:00Z")
    await desk.poll()
    assert len(desk.told()) == 1


async def test_an_edit_right_after_another_is_read_later(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, END))
    await desk.poll()
    edit(desk, START, SHELLING, END, END, title="More from the border")
    await desk.poll(HOUR)
    edit(desk, START, SHELLING, TWELVE, END, title="Soldiers killed on the border")
    await desk.poll(MINUTE)
    assert (desk.polls["courier"].postponed, desk.told()) == (1, [])
    for _ in range(4):  # the feed does not change any more
        await desk.poll(10 * MINUTE)
    assert len(desk.told()) == 1


GONE = "The source no longer holds the sentence that we quoted."
SAYS_NOW = "The source has changed the sentence that we quoted: it now says"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        pytest.param((START, SHELLING, END), GONE, id="the sentence is gone"),
        pytest.param(
            (START, SHELLING, TWELVE.replace("12", "5"), END),
            f"{SAYS_NOW} “{TWELVE.replace('12', '5')}”",
            id="a lower figure",
        ),
        pytest.param(
            (START, SHELLING, TWELVE.replace("12", "15"), END),
            f"{SAYS_NOW} “{TWELVE.replace('12', '15')}”",
            id="a higher figure, not doubled",
        ),
        pytest.param(
            (START, SHELLING, TWELVE.replace("killed", "wounded"), END),
            f"{SAYS_NOW} “{TWELVE.replace('killed', 'wounded')}”",
            id="other words",
        ),
        pytest.param((START, SHELLING, TWELVE.replace("said that ", "said, "), END), None, id="punctuation"),
        pytest.param((START, SHELLING, TWELVE, END, "Follow us on our channels for more."), None, id="boilerplate"),
        pytest.param((END, TWELVE, SHELLING, START), None, id="another order"),
        pytest.param(
            (START, SHELLING, "Officials put the number of soldiers killed at 12 by Wednesday.", END),
            None,
            id="the same in other words",
        ),
        pytest.param((START, SHELLING), None, id="cut off by a paywall"),
        pytest.param(("Log in to go on reading, or take out a subscription that suits you, here and now.",), None, id="a plea"),
    ],
)  # fmt: skip
async def test_quoted_pages_are_looked_at_again(desk: Desk, page: tuple[str, ...], said: str | None) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, TWELVE, END))
    await desk.poll()
    assert "12 soldiers were killed" in desk.told()[0]
    await look_again(desk, 50 * MINUTE)
    assert len([path for path in desk.room.requests if path != "courier"]) == 1  # not due yet
    edit(desk, *page)
    await look_again(desk, 20 * MINUTE)
    assert len([path for path in desk.room.requests if path != "courier"]) == 2
    await look_again(desk, 5 * HOUR)
    await look_again(desk, 20 * HOUR)
    await look_again(desk, 20 * HOUR)
    assert len([path for path in desk.room.requests if path != "courier"]) == 4
    if said is None:
        assert len(desk.told()) == 1
        return
    _, correction = desk.told()
    assert "CORRECTION: a report was corrected" in correction
    assert said in correction
    first, second = desk.api.to("2222")
    assert second.reply_to == first.message_id
    assert desk.told(OPERATOR) == []


async def test_a_figure_that_changes_again_is_told_again(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, TWELVE, END))
    await desk.poll()
    edit(desk, START, SHELLING, TWELVE.replace("12", "8"), END)
    await look_again(desk)
    edit(desk, START, SHELLING, TWELVE.replace("12", "7"), END)
    await look_again(desk, 6 * HOUR)
    _, first, second = desk.told()
    assert "that 8 soldiers" in first
    assert "that 7 soldiers" in second
    with desk.store() as store:
        (event,) = store.events.recent(10)
        assert event.killed is not None
        assert event.killed.at_least == 7


async def test_a_page_out_of_reach_takes_nothing_back(desk: Desk) -> None:
    async with NewsServer() as server:
        body = "".join(f"<p>{one}</p>" for one in (START, SHELLING, TWELVE, END))
        page = Page(f"<html><body><article>{body}</article></body></html>".encode(), "text/html")
        desk.room.publish("courier", story(desk, link=server.publish("/page", page)))
        await desk.poll()
        assert len(desk.told()) == 1
        server.publish("/page", Page(b"busy", status=503))
        await look_again(desk)
        await look_again(desk, 31 * MINUTE)
        assert server.count("/page") == 3
        challenge = b"<html><head><title>Just a moment...</title></head><body>cf-chl</body></html>"
        server.publish("/page", Page(challenge, "text/html", status=403, headers={"cf-mitigated": "challenge"}))
        await look_again(desk, 31 * MINUTE)
        await look_again(desk, 31 * MINUTE)
        assert server.count("/page") == 4  # three times, then not before the next time planned
        server.publish("/page", Page(page.body.replace(TWELVE.encode(), b""), "text/html"))
        await look_again(desk, 4 * HOUR)
        assert GONE in desk.told()[-1]


async def test_a_rule_that_wants_no_corrections_sends_none(desk: Desk) -> None:
    desk.configure(RULE + "update_on: [deaths_doubled]\n", courier="")
    desk.room.publish("courier", story(desk, START, SHELLING, TWELVE, END))
    await desk.poll()
    edit(desk, START, SHELLING, END)
    await look_again(desk)
    assert len(desk.told()) == 1


async def test_an_edit_in_the_feed_can_be_a_correction_too(desk: Desk) -> None:
    desk.room.publish("courier", story(desk, START, SHELLING, TWELVE, END))
    await desk.poll()
    edit(desk, START, SHELLING, TWELVE.replace("12", "4"), END, title="Shelling on the border: fewer dead")
    await desk.poll()
    assert f"{SAYS_NOW} “{TWELVE.replace('12', '4')}”" in desk.told()[-1]
    await look_again(desk)
    assert len(desk.told()) == 2


async def test_one_page_under_several_addresses_is_one_item(desk: Desk) -> None:
    """The link of a feed service leads to the page; a later link has another slug, and the page names its own address."""
    async with NewsServer() as server:

        async def page(request: web.Request) -> web.StreamResponse:
            body = "".join(f"<p>{one}</p>" for one in (START, SHELLING, TWELVE, END))
            head = '<link rel="canonical" href="/news/17">'
            text = f"<html><head>{head}</head><body><article>{body}</article></body></html>"
            return web.Response(text=text, content_type="text/html")

        for path in ("/news/17", "/news/17/shelling", "/news/17/soldiers-killed"):
            server.publish(path, page)
        first = server.redirect("/out?id=1".partition("?")[0], "/news/17/shelling")
        desk.room.publish("courier", story(desk, link=first))
        await desk.poll()
        for number, link in enumerate((server.url("/news/17/soldiers-killed"), server.url("/news/17"))):
            desk.room.feeds["courier"] = [story(desk, link=link, id=f"guid{number}")]
            await desk.poll(HOUR)
            assert desk.polls["courier"].new == 0
        with desk.store() as store:
            assert len(list(store.articles.since(desk.now - 30 * HOUR))) == 1
    assert len(desk.told()) == 1


async def test_pages_that_all_name_one_address_are_items_of_their_own(desk: Desk) -> None:
    async with NewsServer() as server:
        texts = {"/a": (START, SHELLING, TWELVE, END), "/b": ("Quite another story altogether, about the harvest of apricots.", "It is a good year for apricots, farmers in the Ararat plain say.")}  # fmt: skip
        for path, text in texts.items():
            body = "".join(f"<p>{one}</p>" for one in text)
            html = (
                f'<html><head><link rel="canonical" href="/news"></head><body><article>{body}</article></body></html>'
            )
            desk.room.publish(
                "courier", story(desk, id=path, link=server.publish(path, Page(html.encode(), "text/html")))
            )
        await desk.poll()
        assert desk.polls["courier"].new == 2
