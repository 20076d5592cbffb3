"""Alerts of the real pipeline replayed from what was kept with them, and what is said where they do not come out."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shlex
import sqlite3
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from rich.console import Console

from tests.desk import HOUR, MINUTE, Desk, open_desk
from tests.edges.test_publish import check_cap, said
from tests.flow.test_story import arriving, story, tell
from tests.newsroom import Item
from watcher.cli import main
from watcher.demo.run import Show, demo_book, demo_settings
from watcher.demo.site import DemoSite
from watcher.evidence import Evidence
from watcher.model import AlertKind, EventChange
from watcher.rules.load import load_rules
from watcher.store import Store
from watcher.understand.states import Gazetteer
from watcher.verify import Outcome, Verification, Verifier
from watcher.versions import current_versions

RULES = """
rule: clash
title: Soldiers killed
status: stable
family: clash
severity: warning
look_for:
  fight: {phrases: [$fighting]}
  deaths: {killed: {at_least: 3}}
  two_states: {states: {at_least: 2}}
escalate: {if_not_acknowledged_in: 30m, to: [chat]}
---
rule: call-up
title: Reservists called up
status: stable
family: mobilisation
severity: critical
look_for:
  order: {phrases: ["call~ up reservists"]}
  a_state: {states: {at_least: 1}}
---
list: fighting
kind: phrases
items: ["shell~", "fire~ at"]
---
rule: threats
title: Threats in several papers
status: stable
family: ultimatum
severity: warning
look_for:
  threat: {phrases: ["threaten~ war"]}
  a_state: {states: {at_least: 1}}
count: {of: publishers, at_least: 2, within: 6h, per: state}
"""
START = "Reports from the border reached the capital on Wednesday morning."
SHELLING = "Armenian and Azerbaijani troops shelled each other across the river."
TWELVE = "The defence ministry said that 12 soldiers were killed in the shelling on Tuesday night."
END = "Schools in the region stay closed until the end of the week, officials announced."


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        desk.configure(RULES, courier='publisher = "Courier"', radio='publisher = "Radio"', mirror="")
        yield desk


def item(desk: Desk, name: str, title: str, *page: str) -> Item:
    return Item(name, title, "", desk.now, page)


async def tell_story(desk: Desk) -> None:
    """Nothing; an alert, an update, one in another family, one of a count, an edit that adds, a correction."""
    desk.room.publish("courier", item(desk, "one", "Shelling on the border", START, SHELLING, TWELVE, END))
    await desk.poll()
    told = SHELLING.replace("shelled each other", "fired at one another")
    desk.room.publish(
        "radio",
        item(desk, "two", "Deaths on the border", told, "At least 30 soldiers were killed on both sides, doctors say."),
    )
    await desk.poll(30 * MINUTE)
    desk.room.publish(
        "mirror",
        item(
            desk,
            "three",
            "War feared",
            SHELLING,
            "Some 31 soldiers were killed there, relatives count.",
            "Azerbaijan called up reservists on Thursday afternoon, its president announced on television.",
        ),
    )
    await desk.poll()
    for name, text in (
        ("courier", "Iran threatened war over the dam. Its envoy spoke of consequences for trade with the neighbours."),
        ("radio", "In a speech to parliament the president of Iran threatens war, listeners of this station heard."),
    ):
        desk.room.publish(name, item(desk, f"threat-{name}", f"Iran speaks, {name} listens", text))
    await desk.poll()
    desk.room.feeds["courier"] = [
        replace(one, page=(START, SHELLING, TWELVE.replace("12", "90"), END)) if one.id == "one" else one
        for one in desk.room.feeds["courier"]
    ]
    async with desk.running(HOUR + MINUTE) as parts:
        await parts.check_pages()
        await parts.dispatch()
    desk.room.feeds["radio"] = [
        replace(one, page=(told, "Officials spoke of a quiet night after all, and of talks to come.", END))
        if one.id == "two"
        else one
        for one in desk.room.feeds["radio"]
    ]
    async with desk.running(6 * HOUR) as parts:
        await parts.check_pages()
        await parts.dispatch()


def verify_all(store: Store, **versions: str) -> list[Verification]:
    verifier = Verifier(store, Gazetteer.load(), replace(current_versions(), **versions), None)
    alerts = [*store.events.alerts(limit=100), *store.events.alerts(limit=100, kind=AlertKind.ESCALATION)]
    return [verifier.verify(alert) for alert in alerts]


async def test_every_alert_of_the_demo_comes_out_again(tmp_path: Path) -> None:
    site = DemoSite()
    await site.start()
    try:
        settings = demo_settings(site, tmp_path)
        with Store.open(settings.store.path, exclusive=True) as store:
            show = Show(site, store, demo_book(settings), Console(file=io.StringIO()))
            await show.tell_once(show.daemon(settings))
            found = [one.outcome for one in verify_all(store)]
    finally:
        await site.stop()
    assert sorted(found) == [Outcome.NOTHING_TO_VERIFY, Outcome.REPRODUCED, Outcome.REPRODUCED]


async def test_every_alert_of_a_story_comes_out_again_whatever_has_changed_since(desk: Desk) -> None:
    await tell_story(desk)
    with desk.store() as store:
        alerts = store.events.alerts(limit=100)
        changes = {change for alert in alerts for change in alert.changes}
        assert {
            EventChange.OPENED,
            EventChange.CONFIRMED,
            EventChange.DEATHS_DOUBLED,
            EventChange.CORRECTED,
            EventChange.RULE_ADDED,
        } <= changes
        assert {"clash", "threats"} <= {alert.rule_id for alert in alerts}
        escalations = store.events.alerts(limit=100, kind=AlertKind.ESCALATION)
        assert escalations
        for one in verify_all(store, code="another", gazetteer="another"):
            assert one.outcome is Outcome.REPRODUCED, one
    # The rules and the articles of today make no difference; what of them has changed is told.
    (desk.folder / "rules.yaml").write_text(
        RULES.replace("at_least: 3", "at_least: 300").replace('"fire~ at"', '"fire~ on"'), encoding="utf-8"
    )
    with desk.store() as store:
        verifier = Verifier(store, Gazetteer.load(), current_versions(), load_rules([desk.folder / "rules.yaml"]))
        first = verifier.verify(alerts[-1])
    assert first.outcome is Outcome.REPRODUCED
    assert first.since[:2] == ("rule clash reads otherwise today", "list fighting reads otherwise today")
    assert first.since[2].endswith("reads otherwise today")
    assert len(first.since) == 3


@pytest.mark.parametrize("seed", [None, 3, 4])
def test_every_alert_of_sixty_articles_comes_out_again(seed: int | None) -> None:
    articles = sorted(story(), key=lambda one: one.first_seen_at)
    if seed is not None:
        random.Random(seed).shuffle(articles)
        articles = arriving(articles)
    with Store.open(None, exclusive=True) as store:
        told = tell(store, articles)
        assert len(told) > 15
        assert [one for one in verify_all(store) if one.outcome is not Outcome.REPRODUCED] == []
    if seed is None:
        changes = {change for _, alert in told for change in alert.changes}
        assert {EventChange.DENIED, EventChange.CORRECTED, EventChange.DEATHS_DOUBLED} <= changes


async def tell_one(desk: Desk) -> str:
    """The id of one alert."""
    desk.room.publish("courier", item(desk, "one", "Shelling on the border", START, SHELLING, TWELVE, END))
    await desk.poll()
    with desk.store() as store:
        (alert,) = store.events.alerts(limit=10)
    return alert.id


def tamper(desk: Desk, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(desk.folder / "watcher.db")) as connection, connection:
        assert connection.execute(sql, values).rowcount == 1


def texts(desk: Desk) -> dict[str, str]:
    """The kept texts, decompressed, by hash."""
    with closing(sqlite3.connect(desk.folder / "watcher.db")) as connection:
        rows = connection.execute("SELECT hash, body FROM evidence_texts").fetchall()
    return {digest: zlib.decompress(body).decode() for digest, body in rows}


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ("12 soldiers", "19 soldiers", "the text of article"),
        ("at_least: 3", "at_least: 2", "the text of rule clash"),
        ('"shell~"', '"shelled"', "the text of list fighting"),
    ],
    ids=["text", "rule", "list"],
)
async def test_a_kept_text_that_was_altered_is_named(desk: Desk, was: str, becomes: str, named: str) -> None:
    await tell_one(desk)
    ((digest, text),) = [(digest, text) for digest, text in texts(desk).items() if was in text]
    altered = zlib.compress(text.replace(was, becomes).encode())
    tamper(desk, "UPDATE evidence_texts SET body = ? WHERE hash = ?", altered, digest)
    with desk.store() as store:
        (found,) = [one for one in verify_all(store) if one.outcome is not Outcome.NO_EVIDENCE][:1]
    assert found.outcome is Outcome.DAMAGED
    assert found.differences[0].startswith(named)
    assert "is not what it was when the alert was decided: its hash was" in found.differences[0]
    tamper(desk, "DELETE FROM evidence_texts WHERE hash = ?", digest)
    with desk.store() as store:
        assert "is missing from the evidence" in verify_all(store)[0].differences[0]


async def test_an_altered_alert_is_named(desk: Desk) -> None:
    alert_id = await tell_one(desk)
    tamper(desk, "UPDATE alerts SET body = replace(body, '12 killed', '13 killed') WHERE id = ?", alert_id)
    with desk.store() as store:
        found = verify_all(store)[0]
    assert found.outcome is Outcome.CHANGED
    assert found.differences == (
        "headline: Soldiers killed: Armenia and Azerbaijan, at least 12 killed instead of "
        "Soldiers killed: Armenia and Azerbaijan, at least 13 killed",
    )
    assert found.reasons[-1] == "nothing that it rests on has changed: the stored alert or its evidence was altered"


async def test_another_gazetteer_is_named_with_what_it_finds(desk: Desk) -> None:
    await tell_one(desk)
    shipped = Gazetteer.load()
    (azerbaijan,) = set(shipped.meanings["azerbaijani"])
    other = replace(
        shipped,
        version="0123456789abcdef",
        meanings={**shipped.meanings, "azerbaijani": (replace(azerbaijan, code="RU"),)},
        _tables={},
    )
    with desk.store() as store:
        versions = replace(current_versions(), gazetteer=other.version)
        (alert,) = store.events.alerts(limit=10)
        found = Verifier(store, other, versions, None).verify(alert)
    assert found.outcome is Outcome.CHANGED
    assert found.differences[0] == "rule clash: the clue two_states found AM, RU instead of AM, AZ"
    assert f"the gazetteer has changed ({shipped.version} -> 0123456789abcdef)" in found.reasons


async def test_alerts_without_evidence_and_notices_say_so(desk: Desk) -> None:
    alert_id = await tell_one(desk)
    tamper(desk, "DELETE FROM evidence WHERE alert_id = ?", alert_id)
    desk.room.broken["radio"] = web.Response(text="no feed")
    for _ in range(4):
        await desk.poll(timedelta(hours=1), "radio")
    with desk.store() as store:
        outcomes = {one.outcome for one in verify_all(store)}
    assert outcomes == {Outcome.NO_EVIDENCE, Outcome.NOTHING_TO_VERIFY}


async def test_the_evidence_is_committed_with_the_alert_and_survives_the_article(desk: Desk) -> None:
    alert_id = await tell_one(desk)
    with closing(sqlite3.connect(desk.folder / "watcher.db")) as connection, connection:
        connection.execute("UPDATE articles SET title = '', text = '', raw_hash = NULL")
    with desk.store() as store:
        evidence = store.evidence.get(alert_id)
        assert evidence is not None
        assert evidence.grounds.article.text == "\n\n".join((START, SHELLING, TWELVE, END))
        assert len(evidence.grounds.raw_hash or "") == 64
        assert [(one.kind, one.name) for one in evidence.rules] == [("rule", "clash"), ("list", "fighting")]
        assert evidence.versions == current_versions()
        assert verify_all(store)[0].outcome is Outcome.REPRODUCED


async def test_a_text_is_kept_once(desk: Desk) -> None:
    await tell_story(desk)
    kept = texts(desk)
    assert len(set(kept.values())) == len(kept)
    with desk.store() as store:
        assert len(kept) < sum(len(one.articles) + len(one.rules) for one in evidence_of(store))


def evidence_of(store: Store) -> list[Evidence]:
    return [one for alert in store.events.alerts(limit=100) if (one := store.evidence.get(alert.id)) is not None]


@pytest.fixture
def typed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[int, str, str]]:
    """What a command that is typed gives: its exit code, what it prints and what it complains about."""

    def run(words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            main([*shlex.split(words), "--config", str(desk.config)])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


async def test_verify_as_it_is_typed_beside_a_running_daemon(
    desk: Desk, typed: Callable[[str], tuple[int, str, str]]
) -> None:
    alert_id = await tell_one(desk)
    async with desk.running():
        assert typed(f"verify {alert_id}") == (0, f"{alert_id}: reproduced byte for byte\n", "")
        code, out, _ = typed(f"verify {alert_id} --format json")
        assert (code, json.loads(out)["outcome"]) == (0, "reproduced")
        assert typed("verify --all")[:2] == (0, "2 alerts: 2 reproduced\n")  # and its escalation
        assert typed("verify --all --since 1h")[:2] == (0, "0 alerts: none\n")
    (desk.folder / "rules.yaml").write_text("rule: [", encoding="utf-8")  # the rules of today are no part of it
    assert typed(f"verify {alert_id}")[0] == 0
    assert typed("verify nothing")[::2] == (1, "watcher: there is no alert nothing\n")
    assert typed("verify")[0] == typed(f"verify {alert_id} --all")[0] == 1
    assert typed("verify --all --since yesterday")[0] == 2
    tamper(desk, "UPDATE alerts SET body = replace(body, '12', '13') WHERE id = ?", alert_id)
    code, out, _ = typed(f"verify {alert_id}")
    assert code == 1
    assert out.startswith(f"{alert_id}: does not come out as it was stored\n  ")
    assert typed("verify --all")[0] == 1
    tamper(desk, "DELETE FROM evidence WHERE alert_id = ?", alert_id)
    code, out, _ = typed(f"verify {alert_id}")
    assert (code, "no evidence was kept" in out) == (1, True)
    code, out, _ = typed("verify --all")
    assert (code, out.splitlines()[-1]) == (0, "2 alerts: 2 no evidence")


async def test_the_forms_of_an_alert(desk: Desk, typed: Callable[[str], tuple[int, str, str]]) -> None:
    alert_id = await tell_one(desk)
    shown = json.loads(typed(f"alerts show {alert_id} --format json")[1])
    kept = shown["evidence"]
    assert kept["articles"][0]["text"] == "\n\n".join((START, SHELLING, TWELVE, END))
    assert len(kept["articles"][0]["raw_sha256"]) == 64
    assert [one["name"] for one in kept["rules"]] == ["clash", "fighting"]
    for one in kept["rules"]:
        assert hashlib.sha256(one["text"].encode()).hexdigest() == one["sha256"]
    (found,) = kept["signals"]
    for span in found["matches"]:
        whole = kept["articles"][0]["text" if span["field"] == "text" else "title"]
        assert whole[span["start"] : span["end"]] == span["text"]
    code, page, _ = typed(f"alerts show {alert_id} --format html")
    assert (code, page.startswith("<!doctype html>")) == (0, True)
    assert '<mark class="found" title="clash: fight, happened">shelled</mark>' in page
    message = check_cap(typed(f"alerts show {alert_id} --format cap")[1])
    assert (said(message, "status"), said(message, "certainty")) == ("Actual", "Likely")
    assert "Soldiers killed" in typed(f"alerts show {alert_id}")[1]


async def test_files_and_an_export_for_others(desk: Desk, typed: Callable[[str], tuple[int, str, str]]) -> None:
    desk.configure(
        RULES, '[publish]\nfolder = "public"\nsender = "desk@example.org"\n', courier="", radio="", mirror=""
    )
    await tell_story(desk)
    async with desk.running() as parts:
        await parts.publish()
    published = json.loads((desk.folder / "public" / "events.json").read_text(encoding="utf-8"))
    feed = (desk.folder / "public" / "events.atom").read_text(encoding="utf-8")
    assert len(published["events"]) > 1
    for one in published["events"]:
        assert f"tag:desk@example.org,2026:event/{one['id']}" in feed
    lines = [json.loads(line) for line in typed("export")[1].splitlines()]
    assert {one["id"] for one in published["events"]} <= {line["id"] for line in lines}
    assert all(line["signals"] for line in lines)
    out = desk.folder / "events.jsonl"
    assert typed(f"export --out {out}")[::2] == (0, f"{out}: {len(lines)} events\n")
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == lines
    assert typed("export --since 1d")[1] == ""  # the story is years old
