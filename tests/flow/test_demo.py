"""The demo as a newcomer runs it; the README shows what it prints."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.conftest import CHECKOUT
from watcher.demo.page import render_page
from watcher.demo.run import Show, demo_book, demo_settings
from watcher.demo.site import DemoSite, load_outlets
from watcher.store import Store


@pytest.fixture(scope="module")
def output() -> str:
    """What `watcher demo --once` prints; it ends by itself, with exit 0."""
    done = subprocess.run(
        [sys.executable, "-m", "watcher", "demo", "--once"], capture_output=True, text=True, timeout=60, cwd=CHECKOUT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def messages(output: str) -> list[str]:
    """The messages that were sent to the duty desk, without the tables between them."""
    blocks = re.split(r"^─{72}$\n", output, flags=re.MULTILINE)[1:]
    return [re.split(r"\n\n(?=Polled|─)", block)[0].strip() for block in blocks]


def test_one_alert_one_update_and_one_notice(output: str) -> None:
    alert, notice, update = messages(output)
    assert alert.startswith(
        "CRITICAL: A CSTO member invokes the mutual-defence clause (Article 4): Armenia and Azerbaijan, at least 12 killed"
    )
    assert "*invoked Article four of the Collective Security Treaty*" in alert
    assert "*dozens of deaths*" in alert
    assert "1 newsroom, not yet confirmed" in alert
    assert "valley-broadcaster cannot be read: not a feed" in notice
    assert "UPDATE: confirmed by a second newsroom; now at least 99 killed" in update
    assert "2 independent newsrooms (Highland Courier with 1 copy; Open Frontier Radio)" in update
    for message in (alert, update):
        headline = message.splitlines()[0]
        assert "Russia" not in headline
        assert "Belarus" not in headline


def rows(output: str) -> dict[str, tuple[str, str]]:
    """Title to outcome and reason, from the tables of items, whose cells are broken over lines."""
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        cells = [cell.strip() for cell in line.split("│")]
        if len(cells) != 3:
            continue
        if cells[1]:
            key = cells[0]
            found[key] = [cells[0], cells[1], cells[2]]
            current = found[key]
        elif found:
            current[0] += f" {cells[0]}"
            current[2] += f" {cells[2]}"
    return {title.strip(): (outcome, why.strip()) for title, outcome, why in found.values()}


def test_says_why_each_hard_negative_stayed_silent(output: str) -> None:
    said = rows(output)
    items = {item.id: item for outlet in load_outlets() for item in outlet.items}
    reasons = {
        "league": "missing invocation",
        "drill": "is possible",
        "explainer": "is possible",
        "could": "is possible",
        "denial": "is denied (“has not”)",
        "other-treaty": "missing invocation",
        "anniversary": "is past",
        "no-deaths": "is denied",
        "russian": "language: ru is not among en",
    }
    for item_id, reason in reasons.items():
        outcome, why = said[items[item_id].title]
        assert outcome == "silent"
        assert reason in why, (item_id, why)
    assert said[items["reprint"].title][0] == "a copy, no message"
    assert "1 event with 3 reports, 1 of them a copy; 1 alert and 1 update" in " ".join(output.split())


def test_has_the_traps_that_it_promises() -> None:
    items = {item.id: item for outlet in load_outlets() for item in outlet.items}
    story = items["aid-request"]
    for trap in ("Article four", "dozens of deaths", "2020", "1990s", "Moscow-brokered", "Belarus"):
        assert trap in (story.text or "")
    assert "Russian-led" in story.title
    assert story.is_glued
    assert items["reprint"].text == story.text
    assert items["reprint"].title != story.title
    assert {outlet.format for outlet in load_outlets()} == {"rss", "atom", "rdf", "json", "broken"}


@pytest.mark.parametrize(("marker", "number"), [("demo-alert", 0), ("demo-update", 2)])
def test_the_readme_shows_what_the_demo_sends(output: str, marker: str, number: int) -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    shown = re.search(rf"<!-- {marker} -->\n```text\n(.*?)\n```\n", readme, re.DOTALL)
    assert shown is not None
    assert shown[1] == for_readme(messages(output)[number])


def for_readme(message: str) -> str:
    """The message with the parts that differ from run to run written as an example."""
    message = re.sub(r"http://127\.0\.0\.1:\d+/", "http://127.0.0.1:8080/", message)
    return re.sub(r"^Alert \w{10}$", "Alert a7k3m9qx2f", message, flags=re.MULTILINE)


async def test_the_page_in_a_real_browser(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    site = DemoSite()
    await site.start()
    try:
        settings = demo_settings(site, tmp_path)
        with Store.open(settings.store.path, exclusive=True) as store:
            show = Show(site, store, demo_book(settings), Console())
            await show.tell_once(show.daemon(settings))
        process = await asyncio.create_subprocess_exec(
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            f"{site.base_url}/",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            dom, _ = await process.communicate()
    finally:
        await site.stop()
    page = dom.decode()
    assert page.count("<article") == 2
    assert "at least 99 killed" in page
    assert "Ереван обратился за помощью к ОДКБ" in page
    assert "<b>invoked Article four of the Collective Security Treaty</b>" in page


def test_nothing_of_a_source_becomes_markup() -> None:
    from watcher.demo.page import ItemLine

    page = render_page((), [ItemLine("<b>", "<script>alert(1)</script>", "silent", '"><img src=x>')], {})
    assert "<script>" not in page
    assert "<img" not in page
