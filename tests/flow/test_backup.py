"""A backup made beside a writer, and the way back from it: on another machine, over a store, from a damaged file."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import stat
import tarfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.flow.test_cli import Run, run  # noqa: F401  (a fixture)
from watcher.model import Severity
from watcher.routing import compose_notice
from watcher.store import Store
from watcher.store.db import store_lock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = """\
[store]
path = "state/watcher.db"
[rules]
paths = ["rules", "{elsewhere}"]
[telegram]
token_file = "telegram_token"
[[sources]]
id = "courier"
url = "https://courier.example/feed"
[[recipients]]
id = "terminal"
channel = "console"
"""
RULE = """\
rule: {name}
title: {name}
family: clash
severity: warning
languages: [en]
look_for:
  fighting: {{phrases: [clashes]}}
"""


def save(store: Store, number: int) -> None:
    with store.transaction():
        alert = compose_notice(f"notice {number}", f"Notice {number}", "", Severity.WATCH, NOW)
        store.events.save_alert(alert)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a configuration, rules in it and outside it, and a store with three alerts."""
    etc, elsewhere = tmp_path / "etc", tmp_path / "elsewhere"
    (etc / "rules" / "lists").mkdir(parents=True)
    elsewhere.mkdir()
    (etc / "rules" / "own.yaml").write_text(RULE.format(name="own"))
    (etc / "rules" / "notes.txt").write_text("no rule")
    (elsewhere / "shared.yaml").write_text(RULE.format(name="shared"))
    (etc / "config.toml").write_text(CONFIG.format(elsewhere=elsewhere))
    (etc / "telegram_token").write_text("123456:secret-token\n")
    with Store.open(etc / "state" / "watcher.db", exclusive=True) as store:
        for number in range(3):
            save(store, number)
    return etc


def alerts(path: Path) -> int:
    with Store.open(path, exclusive=False) as store:
        return store.counts(NOW).alerts


def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return {member.name for member in tar}


def rewritten(archive: Path, name: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> None:
    """The same archive with one member that says something else."""
    old = tarfile.open(archive)  # noqa: SIM115
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for member in old:
            inside = old.extractfile(member)
            body = inside.read() if inside else b""
            if member.name == name:
                continue
            tar.addfile(member, io.BytesIO(body))
        added = tarfile.TarInfo(name)
        added.type, added.size = kind, len(content)
        tar.addfile(added, io.BytesIO(content))
    old.close()
    archive.write_bytes(out.getvalue())


def test_a_backup_brings_everything_back_on_another_machine(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    archive = tmp_path / "b.tar.gz"
    code, out, _ = run("backup", archive, "--config", desk / "config.toml")
    assert (code, out.split(": ", 1)[0]) == (0, str(archive))
    assert "3 alerts" in out
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert names(archive) == {
        "README.txt",
        "manifest.json",
        "watcher.db",
        "files/config.toml",
        "files/rules/own.yaml",
        "elsewhere/1/shared.yaml",
    }
    assert b"secret-token" not in gzip.decompress(archive.read_bytes())
    with tarfile.open(archive) as tar:
        told = tar.extractfile("README.txt").read().decode()
    assert "the bot's token (telegram_token)" in told
    assert f"watcher restore {archive.name} --files" in told

    new = tmp_path / "new"
    code, out, _ = run("restore", archive, "--files", new)
    assert code == 0
    assert f"{tmp_path / 'elsewhere'} is now {new / 'rules-1'}" in out
    assert (new / "rules" / "own.yaml").read_text() == RULE.format(name="own")
    assert (new / "rules-1" / "shared.yaml").read_text() == RULE.format(name="shared")
    (new / "telegram_token").write_text("123456:secret-token\n")
    code, out, _ = run("restore", archive, "--config", new / "config.toml")
    assert code == 0
    assert "may be told once more" in out
    assert alerts(new / "state" / "watcher.db") == 3
    assert run("check", "--config", new / "config.toml")[0] == 0


def test_nothing_that_is_there_is_overwritten(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    archive = tmp_path / "b.tar.gz"
    run("backup", archive, "--config", desk / "config.toml")
    code, _, err = run("restore", archive, "--files", desk)
    assert (code, "nothing was written" in err) == (1, True)
    store = desk / "state" / "watcher.db"
    with Store.open(store, exclusive=True) as opened:
        save(opened, 3)
    code, out, _ = run("restore", archive, "--config", desk / "config.toml", "--format", "json")
    assert code == 0
    kept = Path(json.loads(out)["kept"])
    assert (alerts(store), alerts(kept)) == (3, 4)


def test_a_running_daemon_keeps_its_store(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    archive, store = tmp_path / "b.tar.gz", desk / "state" / "watcher.db"
    with store_lock(store):
        assert run("backup", archive, "--config", desk / "config.toml")[0] == 0
        code, _, err = run("restore", archive, "--config", desk / "config.toml")
    assert (code, "another watcher" in err) == (1, True)
    assert alerts(store) == 3


def test_a_backup_is_one_moment_of_a_store_that_is_written_to(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    """Each transaction of the writer adds two alerts: a copy with an odd number of new ones would be torn."""
    store, stop, written = desk / "state" / "watcher.db", threading.Event(), threading.Event()

    def write() -> None:
        with Store.open(store, exclusive=True) as opened:
            number = 10
            while not stop.is_set():
                with opened.transaction():
                    for one in (number, number + 1):
                        opened.events.save_alert(compose_notice(f"n {one}", "N", "x" * 2000, Severity.WATCH, NOW))
                number += 2
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        counts = []
        for number in range(5):
            code, out, _ = run(
                "backup", tmp_path / f"{number}.tar.gz", "--config", desk / "config.toml", "--format", "json"
            )
            assert code == 0
            counts.append(json.loads(out)["alerts"])
    finally:
        stop.set()
        writer.join()
    assert [count % 2 for count in counts] == [1] * 5  # the three of before, and pairs
    assert counts == sorted(counts)


def test_old_backups_go_and_other_files_stay(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    folder = tmp_path / "backups"
    folder.mkdir()
    other = folder / "watcher-notes.tar.gz"
    other.write_text("mine")
    for day in range(1, 5):
        (folder / f"watcher-2026010{day}T000000Z.tar.gz").write_text("old")
    code, out, _ = run("backup", folder, "--keep", 3, "--config", desk / "config.toml", "--format", "json")
    assert code == 0
    assert len(json.loads(out)["removed"]) == 2
    left = sorted(path.name for path in folder.iterdir())
    assert left[:2] == ["watcher-20260103T000000Z.tar.gz", "watcher-20260104T000000Z.tar.gz"]
    assert (len(left), other.name in left) == (4, True)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "no whole backup"),
        (lambda path: path.write_bytes(b"nothing of the kind"), "no whole backup"),
        (
            lambda path: rewritten(path, "watcher.db", b"SQLite format 3\0"),
            "is damaged: not what was put in: watcher.db",
        ),
        (lambda path: rewritten(path, "../../escape", b"x"), "does not belong"),
        (lambda path: rewritten(path, "link", b"", tarfile.SYMTYPE), "does not belong"),
        (lambda path: rewritten(path, "manifest.json", b'{"format": 99}'), "no backup that this version can read"),
        (lambda path: path.unlink(), "no such file"),
    ],
    ids=["cut off", "something else", "other bytes", "path out of it", "link", "newer format", "not there"],
)
def test_a_damaged_backup_changes_nothing(run: Run, desk: Path, tmp_path: Path, damage, words: str) -> None:  # noqa: F811
    archive, store = tmp_path / "b.tar.gz", desk / "state" / "watcher.db"
    run("backup", archive, "--config", desk / "config.toml")
    before = sorted(path.name for path in store.parent.iterdir())
    damage(archive)
    for more in (("--config", desk / "config.toml"), ("--files", tmp_path / "new")):
        code, _, err = run("restore", archive, *more)
        assert code == 1
        assert words in err
    assert not (tmp_path / "new").exists()
    assert alerts(store) == 3
    assert sorted(path.name for path in store.parent.iterdir() if not path.name.endswith(("-wal", "-shm"))) == [
        name for name in before if not name.endswith(("-wal", "-shm"))
    ]


def test_a_damaged_store_gives_no_backup(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    store = desk / "state" / "watcher.db"
    body = bytearray(store.read_bytes())
    body[4096 * 3 : 4096 * 9] = os.urandom(4096 * 6)
    store.write_bytes(bytes(body))
    code, _, err = run("backup", tmp_path / "b.tar.gz", "--config", desk / "config.toml")
    assert (code, "damaged" in err) == (1, True)
    assert list(tmp_path.glob("*.tar.gz")) == []
    assert list(tmp_path.glob(".watcher-backup-*")) == []


def test_a_backup_of_a_newer_version_is_refused(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    store = desk / "state" / "watcher.db"
    connection = sqlite3.connect(store)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('watcher', '9999_future', '')"
    )
    connection.commit()
    connection.close()
    code, _, err = run("backup", tmp_path / "b.tar.gz", "--config", desk / "config.toml")
    assert (code, "newer version" in err) == (1, True)


def test_a_store_that_is_not_there_yet(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    for path in (desk / "state").iterdir():
        path.unlink()
    code, _, err = run("backup", tmp_path, "--config", desk / "config.toml")
    assert (code, "nothing to back up" in err) == (1, True)


def test_the_outage_since_the_backup_is_told(run: Run, desk: Path, tmp_path: Path) -> None:  # noqa: F811
    """The run that the store remembers ended when the backup was made, so the daemon tells of the time in between."""
    store = desk / "state" / "watcher.db"
    with Store.open(store, exclusive=True) as opened, opened.transaction():
        opened.journal.start_run(NOW - timedelta(days=1), "1")
    run("backup", tmp_path / "b.tar.gz", "--config", desk / "config.toml")
    run("restore", tmp_path / "b.tar.gz", "--config", desk / "config.toml")
    with Store.open(store, exclusive=True) as opened:
        (last,) = opened.journal.runs(1)
    assert (last.alive_at, last.stopped_at) == (NOW - timedelta(days=1), None)
