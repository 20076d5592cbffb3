"""A clock that is set while the daemon runs: a real process under libfaketime, which changes the wall clock only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.bot_api import TOKEN, BotApi, flooded
from tests.builders import delivery
from tests.daemon_process import DaemonProcess
from tests.newsroom import Item, Newsroom
from watcher.model import Channel, Held, Severity
from watcher.routing import compose_notice
from watcher.store import Store

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
RULE = """\
rule: fighting
title: Fighting
family: clash
severity: warning
languages: [en]
look_for:
  fighting: {phrases: [clashes]}
"""
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.skipif(LIBRARY is None, reason="needs libfaketime (Debian: apt install faketime)")
@pytest.mark.parametrize("hours", [-1, 1], ids=["back", "forward"])
async def test_an_hour_back_or_forward_delays_nothing(tmp_path: Path, hours: int) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    async with Newsroom() as room, BotApi() as api:
        room.publish("courier", Item("old", "Nothing", "Nothing happened.", datetime.now(UTC)))
        (tmp_path / "rules.yaml").write_text(RULE)
        (tmp_path / "token").write_text(TOKEN)
        config = tmp_path / "config.toml"
        config.write_text(
            '[store]\npath = "watcher.db"\n[rules]\npaths = ["rules.yaml"]\n[http]\nallow_private_networks = true\n'
            f'[log]\nformat = "json"\n[telegram]\ntoken_file = "token"\nbase_url = "{api.base_url}"\nadmins = [1111]\n'
            'mode = "off"\n'
            '[[recipients]]\nid = "desk"\nchannel = "telegram"\nto = "-100200300"\n'
            f'[[sources]]\nid = "courier"\nurl = "{room.url("courier")}"\nevery = "1s"\nslowest = "1s"\nlanguage = "en"\n'
            "full_text = false\n"
        )
        daemon = DaemonProcess(
            config,
            wrapper=(
                "env",
                f"LD_PRELOAD={LIBRARY}",
                f"FAKETIME_TIMESTAMP_FILE={offset}",
                "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
            ),
        )
        await daemon.start()
        try:
            await daemon.wait_for("started")
            await daemon.wait_until(lambda: len(room.requests) >= 2, "two polls")
            # A message that Telegram wants to have a little later, when the clock is set in between.
            api.answer("-100200300", flooded(12))
            room.publish("courier", Item("new", "Clashes", "Heavy clashes broke out.", datetime.now(UTC)))
            await daemon.wait_for("delivery_delayed")
            offset.write_text(f"{hours:+d}h\n")
            seen = await daemon.wait_for("clock_was_set")
            assert abs(seen["seconds"] - hours * 3600) < 5
            polls = len(room.requests)
            await daemon.wait_until(lambda: len(room.requests) >= polls + 3, "polls after it", 20)
            await daemon.wait_until(lambda: len(api.to("-100200300")) == 1, "the message", 40)
        finally:
            code = await daemon.end()
        assert code == 0
        notices = [message.text for message in api.to("1111")]
    way = "forward" if hours > 0 else "back"
    assert any(f"The clock of this machine was set {way} by 60 minutes" in text for text in notices)
    assert not any("Offline" in text for text in notices)


def test_who_waits_for_a_while_waits_as_long_as_before(tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    with Store.open(None, exclusive=True) as store:
        with store.transaction():
            alert = compose_notice("n", "N", "", Severity.WATCH, NOW)
            store.events.save_alert(alert)
            for name, values in {
                "retry": {"attempts": 1},
                "budget": {"held_for": Held.BUDGET},
                "quiet": {"held_for": Held.QUIET},
            }.items():
                store.outbox.add(
                    [delivery(id=name, alert_id=alert.id, recipient_id=name, not_before_at=NOW + hour / 2, **values)]
                )
            store.outbox.hold_back(Channel.TELEGRAM, "-100", NOW + hour / 4)
            store.outbox.shift_waits(-hour)
        times = {one: store.outbox.get(one).not_before_at - NOW for one in ("retry", "budget", "quiet")}
        waits = store.outbox.waits(NOW - hour)
    assert times == {"retry": -hour / 2, "budget": -hour / 2, "quiet": hour / 2}
    assert waits == {(Channel.TELEGRAM, "-100"): NOW - hour * 3 / 4}
