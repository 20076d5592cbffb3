"""The doctor against real servers: what it finds, what it advises, and that it changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bot_api import TOKEN, BotApi
from tests.newsroom import Item, Newsroom
from tests.smtp import MailServer
from watcher.cli import main
from watcher.doctor import Grade, examine_clock, examine_disk, examine_limits, examine_store, examine_zones
from watcher.model import Channel, QuietHours, Recipient
from watcher.store import Store

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
Configure = Callable[..., Path]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Writes a configuration: texts of sections, with a store of its own and one rule."""

    def write(*sections: str) -> Path:
        (tmp_path / "rules.yaml").write_text(
            "rule: own\ntitle: own\nfamily: clash\nseverity: warning\nlanguages: [en]\n"
            "look_for:\n  fighting: {phrases: [clashes]}\n"
        )
        path = tmp_path / "config.toml"
        head = '[store]\npath = "watcher.db"\n[rules]\npaths = ["rules.yaml"]\n[http]\nallow_private_networks = true\n'
        path.write_text("\n".join((head, *sections)))
        path.chmod(0o600)
        return path

    return write


async def diagnose(capsys: pytest.CaptureFixture[str], config: Path) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code, and the findings by area."""
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, ["doctor", "--config", str(config), "--format", "json"])
    findings: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(capsys.readouterr().out):
        assert bool(finding["do"]) is (finding["grade"] != "good"), finding
        findings.setdefault(finding["area"], []).append(finding)
    return int(ended.value.code or 0), findings


def only(findings: dict[str, list[dict[str, Any]]], area: str) -> tuple[str, str]:
    (finding,) = findings[area]
    return finding["grade"], finding["says"]


def source(name: str, url: str) -> str:
    return f'[[sources]]\nid = "{name}"\nurl = "{url}"\nlanguage = "en"\n'


def recipient(name: str, channel: str, to: str, more: str = "") -> str:
    return f'[[recipients]]\nid = "{name}"\nchannel = "{channel}"\nto = "{to}"\n{more}\n'


async def test_everything_is_good(capsys: pytest.CaptureFixture[str], configure: Configure) -> None:
    async with Newsroom() as room, BotApi() as api, MailServer(login=("desk", "s3cret")) as mail:
        room.publish("courier", Item("a", "Nothing much", "Nothing much happened.", datetime.now(UTC)))
        api.person(1111, "Anna")
        await api.says(1111, 1111, "/start")
        api.group(-100200300, "Desk", members={1111: "administrator"})
        config = configure(
            source("courier", room.url("courier")),
            f'[telegram]\ntoken = "{TOKEN}"\nbase_url = "{api.base_url}"\nadmins = [1111]',
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "w@example.org"\n'
            'username = "desk"\npassword = "s3cret"',
            recipient("desk", "telegram", "-100200300"),
            recipient("lawyer", "email", "lawyer@example.org"),
            recipient("hook", "webhook", room.url("courier")),
        )
        code, findings = await diagnose(capsys, config)
        assert code == 0
        assert only(findings, "telegram") == ("good", "the bot is @watcher_bot")
        assert only(findings, "recipient desk") == ("good", "the bot may speak there")
        assert only(findings, "recipient admin-1111") == ("good", "the bot may speak there")
        assert only(findings, "mail") == ("good", f"127.0.0.1:{mail.port} takes the sender w@example.org and the login")
        assert only(findings, "recipient hook")[0] == "good"
        assert only(findings, "source courier")[1].startswith("1 items, the newest of ")
        assert only(findings, "rules") == ("good", "1 rules")
        assert (api.accepted, mail.accepted) == ([], [])
    assert not config.with_name("watcher.db").exists()


async def test_each_trouble_is_named_with_what_to_do(capsys: pytest.CaptureFixture[str], configure: Configure) -> None:
    async with Newsroom() as room, BotApi() as api, MailServer(login=("desk", "s3cret")) as mail:
        api.person(1111, "Anna")
        api.person(2222, "Boris")
        await api.says(2222, 2222, "/start")
        await api.blocks(2222)
        api.group(-100200300, "Desk", members={1111: "administrator"})
        config = configure(
            source("gone", room.url("nobody") + "/no-such-path"),
            source("lost", "https://no-such-host.invalid/feed"),
            f'[telegram]\ntoken = "{TOKEN}"\nbase_url = "{api.base_url}"',
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "w@example.org"\n'
            'username = "desk"\npassword = "wrong-one"',
            recipient("anna", "telegram", "1111"),
            recipient("boris", "telegram", "2222"),
            recipient("nowhere", "telegram", "-100999"),
            recipient("hook", "webhook", "http://127.0.0.1:1/hook"),
        )
        code, findings = await diagnose(capsys, config)
    assert code == 1
    assert only(findings, "source gone")[0] == "problem"
    assert only(findings, "source lost")[0] == "problem"
    assert only(findings, "names")[0] == "problem"
    assert "no-such-host.invalid" in only(findings, "names")[1]
    assert only(findings, "recipient anna") == ("problem", "Forbidden: bot can't initiate conversation with a user")
    assert only(findings, "recipient boris") == ("problem", "Forbidden: bot was blocked by the user")
    assert only(findings, "recipient nowhere") == ("problem", "Chat not found")
    assert only(findings, "recipient hook")[0] == "problem"
    assert only(findings, "mail")[0] == "problem"
    assert only(findings, "recipients")[0] == "warning"  # no operator
    assert "wrong-one" not in json.dumps(findings)


async def test_a_refused_token(capsys: pytest.CaptureFixture[str], configure: Configure) -> None:
    async with BotApi() as api:
        config = configure(f'[telegram]\ntoken = "123456:wrong"\nbase_url = "{api.base_url}"\nadmins = [1]')
        code, findings = await diagnose(capsys, config)
        assert code == 1
        assert only(findings, "telegram")[1].startswith("the token is refused")
        assert "wrong" not in json.dumps(findings)


@pytest.mark.parametrize(
    ("text", "area"), [("[rules]\npaths = 3\n", "configuration"), ("[rules]\npaths = ['nowhere']\n", "rules")]
)
async def test_mistakes_in_files(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, area: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text)
    code, findings = await diagnose(capsys, config)
    assert code == 1
    assert any(one["grade"] == "problem" for one in findings[area])


def test_the_text_for_people_ends_with_a_count(capsys: pytest.CaptureFixture[str], configure: Configure) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--config", str(configure())])
    out = capsys.readouterr().out
    assert ended.value.code == 1
    assert "! sources                  problem: there is none, so nothing will ever be read\n" in out
    assert "-> watcher sources discover URL --add\n" in out
    assert out.splitlines()[-1].split()[1] in ("problem,", "problems,")


def test_clock() -> None:
    assert [one.grade for one in examine_clock(NOW, True)] == [Grade.GOOD]
    assert [one.grade for one in examine_clock(NOW, False)] == [Grade.DOUBTFUL]
    assert [one.grade for one in examine_clock(datetime(1970, 1, 1, tzinfo=UTC), True)] == [Grade.BAD]


def test_zones() -> None:
    def sleeper(zone: str) -> Recipient:
        hours = QuietHours(datetime.min.time(), datetime.max.time(), zone)
        return Recipient("a", Channel.CONSOLE, "-", quiet_hours=hours)

    assert [one.grade for one in examine_zones([sleeper("Asia/Yerevan")])] == [Grade.GOOD]
    assert "Asia/Yerewan of a" in examine_zones([sleeper("Asia/Yerewan")])[0].says


def test_open_files() -> None:
    assert examine_limits(100, 1024)[0].grade is Grade.GOOD
    assert examine_limits(1000, 1024)[0].grade is Grade.DOUBTFUL


def test_a_store_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    Store.open(path, exclusive=True).close()
    assert [one.grade for one in examine_disk(path) if one.area == "permissions"] == [Grade.GOOD]
    path.chmod(0o644)
    (finding,) = [one for one in examine_disk(path) if one.area == "permissions"]
    assert (finding.grade, "-rw-r--r--" in finding.says) == (Grade.DOUBTFUL, True)


@pytest.mark.parametrize(
    ("alive", "stopped", "area", "grade", "words"),
    [
        (timedelta(0), None, "daemon", Grade.GOOD, "running since"),
        (timedelta(hours=2), None, "daemon", Grade.DOUBTFUL, "not running since"),
        (timedelta(0), timedelta(0), "daemon", Grade.DOUBTFUL, "not running since"),
        (timedelta(hours=-2), None, "clock", Grade.BAD, "which is to come"),
    ],
)
def test_the_daemon(
    tmp_path: Path, alive: timedelta, stopped: timedelta | None, area: str, grade: Grade, words: str
) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True) as store, store.transaction():
        run_id = store.journal.start_run(NOW - alive, "1")
        if stopped is not None:
            store.journal.stop_run(run_id, NOW - stopped)
    finding = examine_store(path, NOW)[1]
    assert (finding.area, finding.grade) == (area, grade)
    assert words in finding.says


def test_a_damaged_store(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    path.write_bytes(b"no database" * 1000)
    (finding,) = examine_store(path, NOW)
    assert (finding.grade, "backup" in finding.do) == (Grade.BAD, True)
