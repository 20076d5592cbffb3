"""Sources over hours and days, a restart between any two steps: when they are polled, how they do, what is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from tests.desk import CHAT, DAY, HOUR, MINUTE, OPERATOR, Desk, open_desk
from tests.newsroom import Item
from tests.servers import NewsServer, Page
from watcher.cli import main
from watcher.model import FetchReason
from watcher.timing import Pace, plan_poll

RULE = """
rule: recalled
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {phrases: ["recalled ..3 ambassador"]}
"""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


def item(number: int, published_at: datetime | None, text: str = "Nothing much happened.") -> Item:
    return Item(f"item{number}", f"News number {number}", text, published_at, page=(text, "More of it."))


async def test_a_server_that_wants_to_be_left_alone_is_over_restarts(desk: Desk) -> None:
    async with NewsServer() as server:
        url = server.publish("/feed", Page(b"busy", status=429, headers={"Retry-After": "7200"}))
        desk.configure(RULE, busy=f'url = "{url}"')
        for after in (MINUTE, 10 * MINUTE, HOUR):
            await desk.poll(after)
            assert server.count("/feed") == 1
        await desk.poll(HOUR)
        assert server.count("/feed") == 2


async def test_a_quiet_source_is_polled_less_and_news_speeds_it_up(desk: Desk) -> None:
    desk.configure(RULE, courier="", pinned='slowest = "5m"')

    def pace(name: str) -> tuple[float, Pace]:
        from watcher.model import Source

        plan = plan_poll(Source(name, "", slowest=5 * MINUTE if name == "pinned" else None), desk.state(name), 0)
        planned_at = desk.state(name).next_poll_at
        assert planned_at is not None
        assert plan.at - 0.25 * MINUTE <= planned_at <= plan.at + 0.5 * MINUTE
        return plan.interval / MINUTE, plan.pace

    for name in ("courier", "pinned"):
        desk.room.publish(name, item(1, desk.now))
    await desk.poll()
    assert pace("courier") == (5, Pace.NORMAL)
    await desk.poll(2 * DAY)
    assert pace("courier") == (10, Pace.QUIET)
    await desk.poll(28 * DAY)
    assert pace("courier") == (20, Pace.QUIET)
    assert pace("pinned") == (5, Pace.NORMAL)
    desk.room.publish("courier", item(2, desk.now))
    await desk.poll()
    assert pace("courier") == (5, Pace.NORMAL)


async def test_caching_headers_and_ttl_count_within_bounds(desk: Desk) -> None:
    async with NewsServer() as server:
        body = (
            '<rss version="2.0"><channel><title>t</title><ttl>720</ttl><item><guid>1</guid><title>News</title>'
            "<description>Words</description></item></channel></rss>"
        )
        page = Page(body.encode(), etag='"1"', headers={"Cache-Control": "max-age=420"})
        url = server.publish("/feed", page)
        desk.configure(RULE, courier=f'url = "{url}"\nfull_text = false')
        await desk.poll()
        state = desk.state("courier")
        assert state.fresh_until_at == desk.now + 7 * MINUTE
        assert state.asked_every == 12 * HOUR
        assert state.next_poll_at is not None
        assert 7 * MINUTE <= state.next_poll_at - desk.now <= 7.5 * MINUTE
        page.headers = {}
        await desk.poll(2 * DAY)  # not modified: what the feed asks for is remembered
        state = desk.state("courier")
        assert state.reason is FetchReason.NOT_MODIFIED
        assert state.asked_every == 12 * HOUR
        assert state.next_poll_at is not None
        assert 20 * MINUTE <= state.next_poll_at - desk.now <= 20.5 * MINUTE


async def test_going_to_and_fro_is_told_no_more_than_twice(desk: Desk) -> None:
    desk.configure(RULE, courier="")
    desk.room.publish("courier", item(1, desk.now))
    moved = web.Response(text="<html><body>We have moved.</body></html>", content_type="text/html")
    for _ in range(10):
        desk.room.broken["courier"] = moved
        await desk.poll(5 * MINUTE)
        del desk.room.broken["courier"]
        await desk.poll(5 * MINUTE)
    headlines = [text.splitlines()[0] for text in desk.told(OPERATOR) if "courier" in text.splitlines()[0]]
    assert headlines == [
        "NOTICE: Source courier cannot be read: not a feed",
        "NOTICE: Source courier works again",
        "NOTICE: Source courier cannot be read: not a feed",
    ]
    for _ in range(3):
        await desk.poll(5 * MINUTE)
    assert any("Source courier works again" in text for text in desk.told(OPERATOR)[-2:])


async def test_a_rule_goes_blind_with_its_sources_and_sees_again(desk: Desk) -> None:
    rules = RULE + "languages: [en]\n---\n" + RULE.replace("rule: recalled", "rule: turkish") + "languages: [tr]\n"
    desk.configure(rules, courier="", mirror="", vestnik='language = "ru"')
    for name in ("courier", "mirror", "vestnik"):
        desk.room.publish(name, item(1, desk.now))

    async def look(after: float = 5) -> list[str]:
        before = len(desk.told(OPERATOR))
        await desk.poll(after * MINUTE)
        async with desk.running() as parts:
            parts.tell_about_blind_rules(at_start=True)
            await parts.dispatch()
        return [text for text in desk.told(OPERATOR)[before:] if "can see" in text.splitlines()[0]]

    (told,) = await look()
    assert "Rule turkish can see nothing" in told
    assert "turkish: no source is in tr" in told
    gone = web.Response(text="<html></html>", content_type="text/html")
    desk.room.broken["courier"] = gone
    assert await look() == []
    desk.room.broken["mirror"] = gone
    (told,) = await look()
    assert "Rule recalled can see nothing" in told
    assert "courier (not a feed), mirror (not a feed)" in told
    assert await look() == []
    del desk.room.broken["mirror"]
    (told,) = await look()
    assert "recalled can see again" in told
    assert desk.told(CHAT) == []


async def test_rules_that_name_nobody_are_told_once_and_again_when_others_are_missing(desk: Desk) -> None:
    async def start() -> list[str]:
        before = len(desk.told(OPERATOR))
        async with desk.running(MINUTE) as parts:
            parts.tell_about_unknown_recipients()
            await parts.dispatch()
        return desk.told(OPERATOR)[before:]

    desk.configure(RULE + "send: {to: [chat, nobody]}\n", courier="")
    (told,) = await start()
    assert "A rule names a recipient not in the configuration, who gets nothing" in told
    assert "recalled: nobody" in told
    assert await start() == []
    desk.configure(RULE + "escalate: {if_not_acknowledged_in: 15m, to: [night-desk]}\n", courier="")
    (told,) = await start()
    assert "recalled: night-desk" in told
    desk.configure(RULE + "send: {to: [chat]}\n", courier="")
    assert await start() == []


async def test_a_feed_whose_dates_are_all_unreadable_is_told_and_read(desk: Desk) -> None:
    desk.configure(RULE, courier="")
    desk.room.publish("courier", item(1, desk.now), item(2, desk.now))
    await desk.poll()
    desk.room.feeds["courier"] = [
        item(3, None, "Austria recalled its ambassador from Bulgaria."),
        item(4, desk.now + 40 * DAY),  # in the future: no date that can be believed
    ]
    for _ in range(3):
        await desk.poll(5 * MINUTE)
        desk.room.feeds["courier"].append(item(5 + len(desk.room.feeds["courier"]), None))
    (told,) = desk.told(OPERATOR)
    assert "Source courier dates none of its items" in told
    (alert,) = desk.told()
    assert "date unknown" in alert
    state = desk.state("courier")
    assert state.health.state is FetchReason.ALL_UNDATED
    assert state.undated_items == 4
    desk.room.publish("courier", item(20, desk.now))
    await desk.poll(5 * MINUTE)
    assert "Source courier works again" in desk.told(OPERATOR)[-1]


async def test_what_was_there_before_the_first_poll_is_counted(desk: Desk) -> None:
    desk.configure(RULE, courier="")
    desk.room.publish("courier", *(item(number, desk.now - number * DAY) for number in range(5)))
    await desk.poll(MINUTE)
    await desk.poll(MINUTE)
    assert desk.state("courier").baseline_items == 4


async def test_what_a_rule_holds_too_old_is_counted_and_shown(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    def show(*options: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["sources", "--config", str(desk.config), *options])
        assert ended.value.code == 0
        return capsys.readouterr().out

    unless = "unless: [{name: stale, older_than: 2h, because: old news}]\n"
    desk.configure(RULE + unless, courier="")
    text = "Austria recalled its ambassador from Bulgaria."
    desk.room.publish("courier", item(1, desk.now - 3 * HOUR, text), item(2, desk.now - 30 * DAY, text))
    await desk.poll()
    assert (desk.polls["courier"].too_old, desk.told()) == (1, [])
    capsys.readouterr()
    (shown,) = json.loads(show("--format", "json"))
    assert (shown["too_old_items"], shown["baseline_items"], shown["undated_items"]) == (1, 1, 0)
    assert (shown["state"], shown["interval_seconds"], shown["interval_because"]) == ("ok", 300, "as configured")
    assert shown["items_a_day"] is not None
    assert "1 too old for a rule that holds" in " ".join(show().split())


async def come_back(desk: Desk, after: timedelta, *source_ids: str) -> list[str]:
    """What operators are told by a service that starts so much later, polls these and looks at the clock."""
    before = len(desk.told(OPERATOR))
    async with desk.running(after, as_service=True) as parts:
        for source_id in source_ids:
            await parts.poll(source_id)
        await parts.check_silence()
        await parts.dispatch()
    return desk.told(OPERATOR)[before:]


async def test_after_an_outage_operators_know_which_sources_may_have_lost_items(desk: Desk) -> None:
    desk.configure(RULE, courier="", mirror="", radio="", daily='every = "1d"', empty="")
    names = ("courier", "mirror", "radio", "daily")
    for name in names:
        desk.room.publish(name, *(item(number, desk.now) for number in range(5)))
    await come_back(desk, MINUTE, *names, "empty")
    assert await come_back(desk, 5 * MINUTE, *names, "empty") == []
    down, up = desk.now, desk.now + 3 * HOUR
    desk.room.feeds["courier"] = [item(100 + number, desk.now) for number in range(5)]  # nothing of before
    desk.room.publish("mirror", *(item(200 + number, desk.now) for number in range(40)))  # all of before
    desk.room.broken["radio"] = web.Response(status=500)
    assert await come_back(desk, 3 * HOUR, "courier") == []  # the others are not read yet, and it stops again
    assert await come_back(desk, MINUTE, "mirror", "empty") == []
    (told,) = await come_back(desk, MINUTE, "radio")
    assert f"Offline from {down:%d %b %H:%M} UTC to {up:%d %b %H:%M} UTC; 1 source may have lost items" in told
    assert "Nothing that they listed before is listed any more: courier." in told
    assert "Not read since, so not known: radio." in told
    assert await come_back(desk, MINUTE, *names) == []  # once
    assert desk.state("courier").lost_at == up
    assert desk.state("mirror").lost_at is None


async def test_an_outage_that_cost_nothing_says_so(desk: Desk) -> None:
    desk.configure(RULE, courier="")
    desk.room.publish("courier", item(1, desk.now))
    await come_back(desk, MINUTE, "courier")
    desk.room.publish("courier", item(2, desk.now))
    (told,) = await come_back(desk, 2 * HOUR, "courier")
    assert "Every source still listed what it had before" in told
    assert "lost" not in told.splitlines()[0]


async def test_an_outage_is_told_in_time_though_a_source_is_never_read(desk: Desk) -> None:
    desk.configure(RULE, courier="")
    desk.room.publish("courier", item(1, desk.now))
    await come_back(desk, MINUTE, "courier")
    assert await come_back(desk, 2 * HOUR) == []
    async with desk.running(5 * MINUTE, as_service=True) as parts:
        desk.now += HOUR
        await parts.check_silence()
        await parts.dispatch()
    (told,) = desk.told(OPERATOR)
    assert "Not read since, so not known: courier." in told


async def test_a_machine_that_slept_was_offline(desk: Desk) -> None:
    desk.configure(RULE, courier="")
    desk.room.publish("courier", item(1, desk.now))
    async with desk.running(as_service=True) as parts:
        await parts.poll("courier")
        await parts.heartbeat()
        desk.now += 5 * HOUR
        await parts.heartbeat()
        await parts.poll("courier")
        await parts.dispatch()
    (told,) = desk.told(OPERATOR)
    assert "Offline from 14 Sep 16:00 UTC to 14 Sep 21:00 UTC" in told


async def test_who_polls_once_now_and_then_is_not_told_of_outages(desk: Desk) -> None:
    desk.configure(RULE, courier="")
    desk.room.publish("courier", item(1, desk.now))
    for _ in range(3):
        await desk.poll(HOUR)
    assert desk.told(OPERATOR) == []


async def test_rules_that_nothing_was_meant_to_feed_are_no_trouble(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.configure(RULE + "languages: [tr]\n", courier="")
    desk.room.publish("courier", item(1, desk.now))
    await desk.poll()
    assert not any("can see nothing" in text for text in desk.told(OPERATOR))  # nothing has changed
    async with desk.running() as parts:
        parts.tell_about_blind_rules(at_start=True)
        await parts.dispatch()
    with pytest.raises(SystemExit) as ended:
        main(["status", "--config", str(desk.config)])
    assert "- rule recalled can see nothing: no source is in tr" in capsys.readouterr().out.splitlines()
    assert not ended.value.code
