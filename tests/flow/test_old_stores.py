"""Stores that earlier versions of the program wrote, opened by this one.

``tests/data/old_stores`` has one for each step of the schema that a version stopped at: what ``watcher demo --once`` of that
version had stored. They are never made anew; a version that adds a step adds its file.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.flow.test_cli import Run, run  # noqa: F401  (a fixture)
from watcher.errors import StoreError
from watcher.render import render_text
from watcher.store import Store
from watcher.store.db import check_file
from watcher.store.migrations import STEPS

OLD = sorted((CHECKOUT / "tests" / "data" / "old_stores").glob("*.db.gz"))
HEADLINE = "A CSTO member invokes the mutual-defence clause (Article 4)"


@pytest.fixture(params=OLD, ids=lambda path: path.name.removesuffix(".db.gz"))
def old_store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "watcher.db"
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


def schema(path: Path) -> dict[str, object]:
    """Columns of each table with type, default and key, and indexes with their columns: what statements rely on."""
    connection = sqlite3.connect(path)
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'sqlite_sequence'"
        )
    ]
    found: dict[str, object] = {}
    for table in tables:
        found[table] = sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({table})"))
        found[f"{table} refers to"] = sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({table})"))
        for index in connection.execute(f"PRAGMA index_list({table})").fetchall():
            columns = [row[2] for row in connection.execute(f"PRAGMA index_info({index[1]})")]
            found[f"{table} by {columns} {index[4]}"] = index[2]
    connection.close()
    return found


def counts(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    numbers = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("articles", "signals", "events", "alerts", "deliveries")
    ]
    connection.close()
    return numbers


def test_there_is_one_of_the_first_version_and_of_later_ones() -> None:
    names = [path.name.removesuffix(".db.gz") for path in OLD]
    assert names[0] == STEPS[0][0]
    assert len(names) >= 7
    assert set(names) <= {name for name, _ in STEPS}


def test_an_old_store_becomes_what_a_new_one_is(old_store: Path, tmp_path: Path) -> None:
    before = counts(old_store)
    Store.open(old_store, exclusive=True).close()
    Store.open(tmp_path / "new.db", exclusive=True).close()
    check_file(old_store)
    assert schema(old_store) == {**schema(old_store), **schema(tmp_path / "new.db")}
    assert schema(old_store).keys() - schema(tmp_path / "new.db").keys() == set()
    assert counts(old_store) == before == [14, *before[1:]]


def test_what_it_holds_can_be_read(old_store: Path) -> None:
    with Store.open(old_store, exclusive=True) as store:
        alerts = [alert for alert in store.events.alerts(limit=10) if alert.event_id is not None]
        assert len(alerts) == 2
        assert all(HEADLINE in render_text(alert, {"AM": "Armenia", "AZ": "Azerbaijan"}) for alert in alerts)
        (event,) = store.events.recent(10)
        assert event.states == ("AM", "AZ")
        assert all(store.articles.get(report.article_id) for report in event.reports)
        assert {one.alert_id for one in store.outbox.of_event(event.id)} == {alert.id for alert in alerts}


def test_commands_work_on_it_once_a_daemon_has_opened_it(run: Run, old_store: Path) -> None:  # noqa: F811
    config = old_store.with_name("config.toml")
    config.write_text("[[recipients]]\nid = 'terminal'\nchannel = 'console'\noperator = true\n")
    code, _, err = run("status", "--config", config)
    assert (code, "start the daemon once" in err) == (1, True)
    Store.open(old_store, exclusive=True).close()
    for command in (("status",), ("alerts",), ("events",), ("outbox",), ("sources",)):
        code, out, err = run(*command, "--config", config, "--format", "json")
        assert code in (0, 1), err
        json.loads(out)
    code, out, _ = run("verify", "--all", "--config", config, "--format", "json")
    outcomes = {one["outcome"] for one in json.loads(out)}
    assert outcomes <= {"no evidence", "changed", "reproduced", "nothing to verify"}  # never damaged


def test_a_step_that_fails_leaves_the_store_as_it_was(old_store: Path) -> None:
    connection = sqlite3.connect(old_store)
    if connection.execute("SELECT 1 FROM _sqlite_migrations WHERE name = '0016_subscriptions'").fetchone():
        pytest.skip("the step is applied already")
    connection.execute("CREATE TABLE subscriptions (made_by_somebody_else)")
    connection.commit()
    connection.close()
    before = counts(old_store)
    with pytest.raises(StoreError, match="subscriptions"):
        Store.open(old_store, exclusive=True)
    assert counts(old_store) == before
    connection = sqlite3.connect(old_store)
    connection.execute("DROP TABLE subscriptions")
    connection.commit()
    connection.close()
    Store.open(old_store, exclusive=True).close()
    check_file(old_store)
