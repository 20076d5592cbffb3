"""Trouble with the store while the daemon runs: a full or read-only disk, a lock, damage, files that are removed."""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from tests.bot_api import BotApi
from tests.daemon_process import CHECKOUT, PATIENCE
from tests.flow.test_daemon import CHAT, OPERATOR, Place, small_disk
from tests.newsroom import Newsroom
from tests.servers import NewsServer
from tests.smtp import MailServer
from watcher.errors import StoreError, StoreInUseError, StoreMovedError, StoreUnavailableError
from watcher.model import DeliveryState
from watcher.store import Store
from watcher.store.reserve import RESERVE_BYTES


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Place]:
    async with Newsroom() as room, BotApi() as api, MailServer() as mail:
        place = Place(tmp_path, room, api, mail)
        yield place
        await place.daemon.kill()


async def test_what_was_sent_when_the_disk_filled_is_written_down_and_not_sent_again(post: Place) -> None:
    with small_disk(post) as (fill, empty, _):
        await post.daemon.start()
        await post.first_alert()
        post.api.answer_after = 3
        states = post.publish("courier")
        await post.arrival(states)  # accepted, and not answered yet
        fill()
        await post.daemon.wait_for("delivered", 4)  # by both channels, on the full disk
        empty()
        post.api.answer_after = 0
        await post.arrival(post.publish("courier"))
        await post.daemon.wait_for("delivered", 6)
        assert await post.daemon.end() == 0
        assert len([one for one in post.api.to(CHAT) if states in one.text]) == 1
        assert len(post.mail.accepted) == 3
        with post.store() as store:
            assert store.counts(datetime.now(UTC)).deliveries.keys() == {DeliveryState.DELIVERED}
            assert store.damage() == ()


def _remount(folder: str, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", folder], check=True)


async def test_a_read_only_file_system_is_named_and_a_start_after_it_goes_on(post: Place) -> None:
    with small_disk(post):
        await post.daemon.start()
        await post.first_alert()
        assert await post.daemon.end() == 0
        folder = str(post.store_path.parent)
        _remount(folder, "ro")
        await post.daemon.start()
        assert post.daemon.process is not None
        assert await asyncio.wait_for(post.daemon.process.wait(), PATIENCE) == 1
        assert "read-only file system" in post.daemon.log()
        _remount(folder, "rw")
        await post.daemon.start()
        await post.arrival(post.publish("courier"))
        assert await post.daemon.end() == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [1, 10, pytest.param(75, marks=pytest.mark.slow)])
async def test_another_program_that_holds_the_store_loses_and_repeats_nothing(post: Place, seconds: int) -> None:
    await post.daemon.start()
    await post.first_alert()
    post.api.answer_after = 1
    states = post.publish("courier")
    await post.arrival(states)  # accepted, and not answered yet
    other = sqlite3.connect(post.store_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    later = post.publish("courier")
    await asyncio.sleep(seconds)
    other.execute("ROLLBACK")
    other.close()
    await post.arrival(later)
    await post.daemon.wait_for("delivered", 6)
    if seconds > 60:
        await post.arrival("The store cannot be used, so nothing new is read", OPERATOR)
        await post.daemon.wait_until(
            lambda: any("The store can be used again" in one.text for one in post.api.to(OPERATOR)), "the end", 120
        )
        assert len(post.api.to(OPERATOR)) == 2
    else:
        assert not post.api.to(OPERATOR)
    assert await post.daemon.end() == 0
    assert len([one for one in post.api.to(CHAT) if states in one.text]) == 1
    assert len(post.mail.accepted) == 3


def test_only_the_first_write_waits_for_a_lock_and_the_others_fail_at_once(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True, busy_timeout=timedelta(seconds=1)) as store:
        other = sqlite3.connect(path, isolation_level=None)

        def seconds_to_fail() -> float:
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError, match="another program is writing"), store.transaction():
                pass
            return time.monotonic() - began

        for _ in range(2):
            other.execute("BEGIN IMMEDIATE")
            assert seconds_to_fail() > 0.9
            assert sum(seconds_to_fail() for _ in range(10)) < 0.9
            other.execute("ROLLBACK")
            with store.transaction():
                store.kept.put("a", "b")
        other.close()


def _spoil(path: Path) -> None:
    """Nothing; all but the first page of the file is noise, and the daemon has to read it again."""
    with sqlite3.connect(path, timeout=5, isolation_level=None) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page, size = other.execute("PRAGMA page_size").fetchone()[0], path.stat().st_size
        with path.open("r+b") as file:
            file.seek(page)
            file.write(b"\xa5" * (size - page))
        other.execute("PRAGMA user_version = 7")
    other.close()


async def test_a_store_that_is_damaged_ends_it_with_a_word_to_operators_until_it_is_sound(post: Place) -> None:
    await post.daemon.start()
    await post.first_alert()
    process = post.daemon.process
    assert process is not None
    _spoil(post.store_path)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 4
    (told,) = post.api.to(OPERATOR)
    assert "The store is damaged; watcher has stopped" in told.text
    assert "watcher restore" in told.text
    (line,) = post.daemon.lines("store_lost")
    assert line["level"] == "critical"
    assert "the file is damaged" in line["reason"]

    await post.daemon.start()  # as a supervisor does that knows no exit codes
    assert await asyncio.wait_for(post.daemon.process.wait(), PATIENCE) == 4
    assert "damaged" in post.daemon.log()
    assert len(post.api.to(OPERATOR)) == 1

    for file in post.store_path.parent.glob("watcher.db*"):
        if not file.name.endswith(".damaged"):
            file.unlink()
    await post.daemon.start()
    await post.arrival(post.publish("courier"))
    assert await post.daemon.end() == 0


def test_a_file_that_is_removed_is_written_again_with_all_that_was_in_it(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True) as store:
        store.keep_place()
        with store.transaction():
            store.kept.put("before", "1")
        for file in tmp_path.glob("watcher.db*"):
            file.unlink()
        with store.transaction():
            store.kept.put("after", "2")
        with pytest.raises(StoreMovedError, match="removed while it was open"):
            store.keep_place()
    assert path.stat().st_mode & 0o777 == 0o600
    with Store.open(path, exclusive=True) as store:
        assert (store.kept.get("before"), store.kept.get("after")) == ("1", "2")
        assert store.damage() == ()


def test_a_file_that_was_replaced_is_left_alone(tmp_path: Path) -> None:
    path, other = tmp_path / "watcher.db", tmp_path / "other.db"
    with Store.open(other, exclusive=True) as store, store.transaction():
        store.kept.put("whose", "the other's")
    with Store.open(path, exclusive=True) as store:
        with store.transaction():
            store.kept.put("whose", "ours")
        store.keep_place()
        other.rename(path)
        with pytest.raises(StoreMovedError, match="replaced by another file"):
            store.keep_place()
    with Store.open(path, exclusive=False) as store:
        assert store.kept.get("whose") == "the other's"


def test_a_lock_that_is_removed_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True) as store:
        (tmp_path / "watcher.db.lock").unlink()
        store.keep_place()
        with pytest.raises(StoreInUseError):
            Store.open(path, exclusive=True)
    with Store.open(path, exclusive=True):
        pass


def test_room_is_kept_and_given_up_only_for_what_must_be_written_down(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if mounting.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounting.stderr.decode().strip()}")
    try:
        with Store.open(folder / "watcher.db", exclusive=True) as store:
            reserve, ballast = folder / "watcher.db-reserve", folder / "ballast"
            assert reserve.stat().st_blocks * 512 == RESERVE_BYTES
            with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
                for size in (65536, 4096):
                    while file.write(bytes(size)):
                        pass
            written = 0
            with pytest.raises(StoreError, match="the disk is full"):
                while True:
                    with store.transaction():
                        store.kept.put(f"news {written}", "x" * 4000)
                    written += 1
            with pytest.raises(StoreError, match="the disk is full"):
                while True:
                    store.write_down(lambda name=written: store.kept.put(f"claim {name}", "x" * 30_000), keep=0.5)
                    written += 1
            assert reserve.stat().st_size >= RESERVE_BYTES // 2
            for number in range(8):  # what may be under way on one channel
                store.write_down(lambda name=number: store.kept.put(f"result {name}", "x" * 30_000))
            ballast.unlink()
            store.refill()
            assert reserve.stat().st_blocks * 512 == RESERVE_BYTES
            assert all(store.kept.get(f"result {number}") for number in range(8))
            assert store.damage() == ()
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_without_free_file_descriptors_it_waits_for_some(post: Place) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        found = web.Response(status=302, headers={"Location": post.room.url("courier")})
        found.force_close()
        return found

    async with NewsServer() as server:
        post.configure(courier=f'url = "{server.publish("/feed", answer)}"')
        await post.daemon.start()
        await post.first_alert()
        assert post.daemon.process is not None
        pid = post.daemon.process.pid
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, usual[1]))
        failed = await post.daemon.wait_for("poll_failed")
        assert "too many open files" in failed["detail"]
        states = post.publish("courier")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        await post.arrival(states)
        await post.daemon.wait_until(lambda: len(post.mail.accepted) == 2, "the mail")
        assert await post.daemon.end() == 0


async def test_a_full_disk_refuses_a_reload_and_a_backup_and_breaks_neither(post: Place) -> None:
    with small_disk(post) as (fill, empty, _):
        await post.daemon.start()
        await post.first_alert()
        fill()
        assert post.daemon.process is not None
        post.daemon.process.send_signal(signal.SIGHUP)
        command = (sys.executable, "-m", "watcher", "backup", str(post.store_path.parent), "--config", str(post.config))
        backup = await asyncio.to_thread(subprocess.run, command, cwd=CHECKOUT, capture_output=True, text=True)
        assert backup.returncode == 1
        assert "the disk is full" in backup.stderr or "no space left" in backup.stderr.lower()
        assert not list(post.store_path.parent.glob("*.tar*"))
        await asyncio.sleep(2)
        empty()
        await post.arrival(post.publish("courier"))
        assert await post.daemon.end() == 0
