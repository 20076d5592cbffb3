"""`run --once` end to end: real feeds and pages over HTTP, a strict Bot API, a real mail server, a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.bot_api import TOKEN, BotApi
from tests.newsroom import Item, Newsroom
from tests.smtp import MailServer
from watcher.daemon import Daemon, make_notifiers
from watcher.model import AlertKind, DeliveryState
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.settings import Settings, load_settings, shipped_rules
from watcher.store import Store
from watcher.understand.states import Gazetteer

STORY = (
    "Armenia asked its allies in the Collective Security Treaty Organization for military help on Wednesday, after a "
    "second night of shelling along the frontier.",
    "The prime minister told parliament that Yerevan had invoked Article four of the Collective Security Treaty.",
    "Fighting between Azerbaijani and Armenian troops left dozens of soldiers dead on both sides, officials said, and "
    "several villages near the border were evacuated during the night.",
    "Schools in the region stay closed until the end of the week, the education ministry announced.",
)
SECOND = (
    "The government in Yerevan activated Article 4 of the Collective Security Treaty, its spokeswoman said in the evening.",
    "At least 49 Armenian and 50 Azerbaijani soldiers were killed in two days, according to both defence ministries.",
    "Volunteers brought food and blankets to a school gym where families from the border villages spend the night.",
)


@dataclass
class Scene:
    """A configured watcher with everything around it."""

    room: Newsroom
    api: BotApi
    mail: MailServer
    settings: Settings
    book: RuleBook
    now: datetime = datetime(2022, 9, 14, 16, 0, tzinfo=UTC)
    extra: dict[str, object] = field(default_factory=dict)

    async def run(self, after: timedelta = timedelta(minutes=10)) -> None:
        self.now += after
        with Store.open(self.settings.store.path, exclusive=True) as store:
            daemon = Daemon(
                self.settings,
                self.book,
                store,
                lambda: (self.settings, self.book),
                make_notifiers,
                clock=lambda: self.now,
            )
            await daemon.run_once()

    def story(self, item_id: str = "story", hours: float = 1, **values: object) -> Item:
        item = Item(
            item_id,
            "Armenia asks allies for help",
            "Yerevan turns to its allies after fighting on the border.",
            self.now - timedelta(hours=hours),
            STORY,
        )
        return replace(item, **values)

    def store(self) -> Store:
        return Store.open(self.settings.store.path, exclusive=False)


@pytest.fixture(scope="module")
def compiled() -> tuple[object, object, Gazetteer]:
    gazetteer = Gazetteer.load()
    rule_set = load_rules([shipped_rules() / "treaty.yaml", shipped_rules() / "lists"])
    return rule_set, compile_rules(rule_set, gazetteer), gazetteer


@pytest.fixture
async def scene(tmp_path: Path, compiled: tuple) -> AsyncIterator[Scene]:
    async with Newsroom() as room, BotApi() as api, MailServer() as mail:
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "token").chmod(0o600)
        sources = "\n".join(
            f'[[sources]]\nid = "{name}"\nurl = "{room.url(name)}"\npublisher = "{name.title()}"\nlanguage = "en"\n'
            for name in ("courier", "mirror", "radio")
        )
        config = tmp_path / "config.toml"
        config.write_text(
            f"""
            [store]
            path = "watcher.db"
            [http]
            allow_private_networks = true
            [telegram]
            token_file = "token"
            base_url = "{api.base_url}"
            admins = [1111]
            [email]
            host = "127.0.0.1"
            port = {mail.port}
            sender = "watcher@example.org"
            [[recipients]]
            id = "chat"
            channel = "telegram"
            to = "-100200300"
            [[recipients]]
            id = "desk"
            channel = "email"
            to = "desk@example.org"
            {sources}
            """
        )
        settings = load_settings(config, {})
        rule_set, rules, gazetteer = compiled
        book = RuleBook.of(rule_set, rules, gazetteer.names(), settings.to_recipients())
        yield Scene(room, api, mail, settings, book)


async def test_one_message_one_mail_then_silence_then_one_update_that_replies(scene: Scene) -> None:
    scene.room.publish("courier", scene.story())
    await scene.run()
    (message,) = scene.api.to("-100200300")
    (letter,) = scene.mail.accepted
    assert "Armenia and Azerbaijan" in message.text
    assert "at least 12 killed" in message.text
    assert "invoked Article four of the Collective Security Treaty" in message.text
    assert "1 newsroom, not yet confirmed" in message.text
    assert scene.room.url("courier").removesuffix(".xml") + "/story" in message.source

    await scene.run()
    assert len(scene.api.to("-100200300")) == 1
    assert len(scene.mail.accepted) == 1

    scene.room.publish("radio", Item("second", "Losses rise on the border", "More dead.", scene.now, SECOND))
    await scene.run()
    _, update = scene.api.to("-100200300")
    _, second_letter = scene.mail.accepted
    assert update.reply_to == message.message_id
    assert "UPDATE" in update.text
    assert "at least 99 killed" in update.text
    assert "2 independent newsrooms (Courier; Radio" in update.text
    assert second_letter.mail["In-Reply-To"] == letter.mail["Message-ID"]
    assert scene.api.to("1111") == []


REPEATS: list[tuple[str, str, Callable[[Scene], Item]]] = [
    ("a changed guid", "courier", lambda scene: scene.story("other", link=f"{scene.room.base_url}/courier/story")),
    ("a changed title", "courier", lambda scene: scene.story(title="Yerevan calls for help, many dead")),
    ("a changed address", "courier", lambda scene: scene.story(link=f"{scene.room.base_url}/courier/moved")),
    ("a tracking parameter", "courier", lambda scene: scene.story("x", link=f"{scene.room.base_url}/courier/story?utm_source=rss")),
    ("another outlet's reprint", "mirror", lambda scene: scene.story("reprint", title="Allies asked for troops")),
    ("a shortened reprint", "mirror", lambda scene: scene.story("short", title="Allies asked", page=STORY[:3])),
    ("the same article through another feed", "mirror", lambda scene: scene.story(link=f"{scene.room.base_url}/courier/story")),
]  # fmt: skip


@pytest.mark.parametrize(("source", "make"), [row[1:] for row in REPEATS], ids=[row[0] for row in REPEATS])
async def test_what_was_told_is_not_told_again(scene: Scene, source: str, make: Callable[[Scene], Item]) -> None:
    scene.room.publish("courier", scene.story())
    await scene.run()
    if source == "courier":
        scene.room.feeds["courier"].clear()
    scene.room.publish(source, make(scene))
    await scene.run()
    assert len(scene.api.to("-100200300")) == 1
    assert len(scene.mail.accepted) == 1
    with scene.store() as store:
        (event,) = store.events.recent(10)
        assert event.publishers == ("Courier",)
        if source == "mirror":
            assert [report.publisher for report in event.reports] == ["Courier", "Mirror"]
            assert event.reports[1].copy_of == event.reports[0].article_id


async def test_the_first_poll_alerts_only_on_the_last_day(scene: Scene) -> None:
    scene.room.publish("courier", scene.story(hours=30))
    await scene.run()
    assert scene.api.accepted == []
    assert not any(path.startswith("/courier/") for path in scene.room.requests)
    scene.room.publish("courier", scene.story("new", hours=0.5))
    await scene.run()
    assert len(scene.api.to("-100200300")) == 1


async def test_an_item_without_a_date_is_read_and_said_to_have_none(scene: Scene) -> None:
    scene.room.publish("courier", scene.story(published_at=None))
    await scene.run()
    (message,) = scene.api.to("-100200300")
    assert "date unknown" in message.text


async def test_a_page_in_trouble_leaves_the_summary_and_says_so(scene: Scene) -> None:
    scene.room.publish("courier", scene.story(summary=" ".join(STORY[1:3]), page=()))
    await scene.run()
    (message,) = scene.api.to("-100200300")
    assert "summary only" in message.text


async def test_a_broken_feed_is_told_to_operators_once_and_its_recovery_once(scene: Scene) -> None:
    from aiohttp import web

    scene.room.broken["mirror"] = web.Response(
        text="<html><body>We have moved.</body></html>", content_type="text/html"
    )
    scene.room.publish("courier", scene.story())
    await scene.run()
    await scene.run()
    (notice,) = scene.api.to("1111")
    assert "mirror" in notice.text
    assert len(scene.api.to("-100200300")) == 1
    del scene.room.broken["mirror"]
    await scene.run()
    _, recovered = scene.api.to("1111")
    assert "works again" in recovered.text


async def test_one_channel_in_trouble_does_not_hold_up_the_other(scene: Scene) -> None:
    from tests.bot_api import flooded

    scene.api.answer("-100200300", flooded(600))
    scene.room.publish("courier", scene.story())
    await scene.run()
    assert scene.api.accepted == []
    assert len(scene.mail.accepted) == 1
    await scene.run(after=timedelta(minutes=5))
    assert scene.api.accepted == []
    await scene.run(after=timedelta(minutes=6))
    assert len(scene.api.to("-100200300")) == 1
    assert len(scene.mail.accepted) == 1


async def test_a_blocked_chat_is_closed_and_reported(scene: Scene) -> None:
    from tests.bot_api import blocked

    scene.api.answer("-100200300", blocked())
    scene.room.publish("courier", scene.story())
    await scene.run()
    await scene.run()
    (notice,) = scene.api.to("1111")
    assert "chat" in notice.text
    assert "gone" in notice.text
    with scene.store() as store:
        failed = store.outbox.entries(states=(DeliveryState.FAILED,))
        assert [entry.delivery.recipient_id for entry in failed] == ["chat"]
        assert [alert.kind for alert in store.events.alerts(limit=5)] == [AlertKind.NOTICE, AlertKind.EVENT]


async def test_an_article_that_breaks_the_reader_is_quarantined(scene: Scene) -> None:
    scene.book = replace(scene.book, rules=None)  # every evaluation fails
    scene.room.publish("courier", scene.story())
    await scene.run()
    with scene.store() as store:
        assert store.counts(scene.now).quarantined == 1


@pytest.mark.shared_data
async def test_the_seed_article_as_a_page(scene: Scene, shared_data: Path) -> None:
    paragraphs = (shared_data / "seed-article.txt").read_text(encoding="utf-8").split("\n")
    title = "Armenia asks Russian-led alliance for military assistance"
    page = tuple(line for line in paragraphs if line.strip())
    scene.now = datetime(2022, 9, 14, 15, 0, tzinfo=UTC)
    scene.room.publish("courier", Item("seed", title, "Yerevan asks for help.", scene.now, page))
    await scene.run()
    (message,) = scene.api.to("-100200300")
    headline = message.text.splitlines()[0]
    assert headline.endswith(": Armenia and Azerbaijan, at least 12 killed")
    assert "invoked Article four of the Collective Security Treaty" in message.text
    assert "icon" not in message.text
