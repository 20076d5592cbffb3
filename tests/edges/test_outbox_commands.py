"""`watcher outbox`: what operators see of undelivered messages, and what they decide about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOW, alert, delivery
from watcher.cli import main
from watcher.model import Delivery, DeliveryState, Severity
from watcher.store import Store
from watcher.timing import LEASE, REPEAT_AFTER

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command with its exit code and what it says; the store has one delivery of each state, named after it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("")
    with Store.open(tmp_path / "watcher.db", exclusive=True) as store, store.transaction():
        for name in ("delivered", "failed", "failed-2", "uncertain", "pending"):
            store.events.save_alert(alert(id=name, severity=Severity.WARNING))
            recipient_id = "gone" if name.startswith("failed") else "desk"
            store.outbox.add([delivery(id=name, alert_id=name, target=name, recipient_id=recipient_id)])
        for claimed in store.outbox.claim_due(NOW, limit=4, lease=LEASE):
            one = claimed.delivery
            if one.id == "delivered":
                store.outbox.settle_delivered(one, reference="1", now=NOW)
            elif one.id == "uncertain":
                store.outbox.settle_uncertain(one, not_before=NOW + REPEAT_AFTER, reason="no answer")
            else:
                store.outbox.settle_failed(one, reason="blocked", now=NOW)
        store.outbox.close_recipient("gone", "failed", reason="blocked", now=NOW)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(["outbox", *arguments])
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def get(name: str) -> Delivery:
    with Store.open(Path("watcher.db"), exclusive=False) as store:
        found = store.outbox.get(name)
    assert found is not None
    return found


def test_everything_undelivered_is_listed_with_its_reason(run: Run) -> None:
    code, out, _ = run("--format", "json")
    assert code == 1
    listed: dict[str, dict[str, Any]] = {one["id"]: one for one in json.loads(out)}
    assert {name: (one["state"], one["reason"]) for name, one in listed.items()} == {
        "pending": ("pending", None),
        "uncertain": ("uncertain", "no answer"),
        "failed": ("failed", "blocked"),
        "failed-2": ("failed", "blocked"),
    }
    assert listed["uncertain"]["may_have_arrived_at"] == NOW.isoformat()
    assert listed["uncertain"]["not_before"] == (NOW + REPEAT_AFTER).isoformat()
    code, out, _ = run()
    assert code == 1
    assert "uncertain" in out


def test_what_arrived_is_settled_and_keeps_who_said_so(run: Run) -> None:
    assert run("settle", "uncertain", "--by", "Anna\x1b[2J")[:2] == (0, "uncertain has arrived\n")
    settled = get("uncertain")
    assert (settled.state, settled.last_error) == (DeliveryState.DELIVERED, "Anna[2J says that it arrived")
    code, _, err = run("settle", "uncertain", "--by", "Anna")
    assert (code, err) == (1, "watcher: delivery uncertain is delivered; only what may have arrived can be settled\n")
    assert run("settle", "nowhere", "--by", "Anna")[2] == "watcher: there is no delivery nowhere\n"


def test_all_or_nothing_is_settled(run: Run) -> None:
    assert run("settle", "uncertain", "failed", "--by", "Anna")[0] == 1
    assert get("uncertain").state is DeliveryState.UNCERTAIN


@pytest.mark.parametrize(("name", "state"), [("failed", DeliveryState.PENDING), ("uncertain", DeliveryState.UNCERTAIN)])
def test_one_is_tried_again(run: Run, name: str, state: DeliveryState) -> None:
    assert run("retry", name)[:2] == (0, f"{name} is due again\n")
    again = get(name)
    assert (again.state, again.attempts) == (state, 0)
    assert again.not_before_at - NOW > timedelta(days=1)  # now, by the clock of who typed it


def test_everything_of_a_recipient_is_tried_again(run: Run) -> None:
    assert run("retry", "--recipient", "gone")[:2] == (0, "failed is due again\nfailed-2 is due again\n")
    with Store.open(Path("watcher.db"), exclusive=False) as store:
        assert store.outbox.closed_recipients() == ()
    assert run("retry", "--recipient", "gone")[2] == "watcher: nothing failed for recipient gone\n"


@pytest.mark.parametrize(
    "arguments", [("retry",), ("retry", "failed", "--recipient", "gone"), ("settle",), ("drop", "failed")]
)
def test_what_is_not_said_clearly_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2
    assert get("failed").state is DeliveryState.FAILED


def test_what_is_dropped_keeps_the_reason(run: Run) -> None:
    assert run("drop", "failed", "uncertain", "--reason", "false alarm")[0] == 0
    assert {get(name).state for name in ("failed", "uncertain")} == {DeliveryState.DROPPED}
    assert get("uncertain").last_error == "false alarm"
    assert run("drop", "delivered", "--reason", "x")[0] == 1
    assert run("drop", "pending", "--reason", "  ")[0] == 2
    assert run("retry", "failed")[0] == 0
