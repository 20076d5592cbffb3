"""Acknowledging events, and what becomes of the escalations that wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import NOW, alert, delivery, event
from watcher.errors import StoreError
from watcher.model import Acknowledgement, AlertKind, Delivery, DeliveryState
from watcher.store import Store
from watcher.store.outbox import ABANDONED, LEASE_EXPIRED, Claimed

LEASE = timedelta(minutes=2)
LATER = NOW + timedelta(minutes=15)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None, exclusive=True) as opened:
        yield opened


def put(store: Store, name: str, event_id: str = "e", kind: AlertKind = AlertKind.EVENT, **values: object) -> None:
    """An alert with a delivery, both of that name."""
    with store.transaction():
        store.events.save(event(id=event_id))
        store.events.save_alert(alert(id=name, event_id=event_id, kind=kind))
        store.outbox.add([delivery(id=name, alert_id=name, **values)])


def escalate(store: Store, name: str, event_id: str = "e", at: datetime = LATER, **values: object) -> None:
    put(store, name, event_id, AlertKind.ESCALATION, recipient_id="boss", target="7", not_before_at=at, **values)


def claim(store: Store, now: datetime) -> list[Claimed]:
    with store.transaction():
        return list(store.outbox.claim_due(now, limit=10, lease=LEASE))


def get(store: Store, name: str) -> Delivery:
    found = store.outbox.get(name)
    assert found is not None
    return found


def test_an_acknowledgement_withdraws_what_waits(store: Store) -> None:
    put(store, "first")
    escalate(store, "later")
    escalate(store, "other event", "f")
    done = store.acknowledge("first", by="Anna", note="calling Yerevan", now=NOW)
    assert done.acknowledgement == Acknowledgement("e", "Anna", NOW, "calling Yerevan")
    assert (done.is_new, done.withdrawn) == (True, 1)
    assert get(store, "later").state is DeliveryState.DROPPED
    assert (get(store, "later").last_error, get(store, "later").settled_at) == ("acknowledged by Anna", NOW)
    assert get(store, "first").state is DeliveryState.PENDING  # what everybody is told is not withdrawn
    assert {each.delivery.id for each in claim(store, LATER)} == {"first", "other event"}


@pytest.mark.parametrize("named", ["first", "later", "e"])
def test_any_alert_of_the_event_or_the_event_itself_may_be_named(store: Store, named: str) -> None:
    put(store, "first")
    escalate(store, "later")
    assert store.acknowledge(named, by="Anna", now=NOW).acknowledgement.event_id == "e"
    assert get(store, "later").state is DeliveryState.DROPPED
    assert store.events.acknowledgement_of("first") == store.events.acknowledgement_of("later")


def test_a_second_time_changes_nothing_and_says_who_was_first(store: Store) -> None:
    put(store, "first")
    first = store.acknowledge("first", by="Anna", now=NOW)
    again = store.acknowledge("first", by="Boris", note="me too", now=LATER)
    assert (again.acknowledgement, again.is_new, again.withdrawn) == (first.acknowledgement, False, 0)
    assert store.events.acknowledgement_of("first") == Acknowledgement("e", "Anna", NOW)


def test_what_is_decided_later_is_not_acknowledged(store: Store) -> None:
    put(store, "first")
    store.acknowledge("first", by="Anna", now=LATER)  # a clock that runs ahead covers no more
    assert store.events.unacknowledged_since("e") is None
    put(store, "update")
    escalate(store, "anew")
    assert store.events.acknowledgement_of("update") is None
    assert store.events.unacknowledged_since("e") == NOW
    assert "anew" in {each.delivery.id for each in claim(store, LATER)}
    second = store.acknowledge("update", by="Boris", now=LATER)
    assert second.is_new
    assert store.events.acknowledgement_of("first") == Acknowledgement("e", "Anna", LATER)
    assert store.events.acknowledgement_of("update") == Acknowledgement("e", "Boris", LATER)


def test_there_must_be_something_to_acknowledge(store: Store) -> None:
    with store.transaction():
        store.events.save(event(id="held"))
        store.events.save_alert(alert(id="notice", kind=AlertKind.NOTICE, event_id=None))
    for named, by, message in (
        ("nowhere", "Anna", "there is no alert or event nowhere"),
        ("notice", "Anna", "notice is about watcher itself"),
        ("held", "Anna", "nobody was told of event held yet"),
        ("held", " \x1b ", "needs the name of somebody"),
    ):
        with pytest.raises(StoreError, match=message):
            store.acknowledge(named, by=by, now=NOW)


def test_hostile_names_are_cleaned(store: Store) -> None:
    put(store, "first")
    escalate(store, "later")
    one = store.acknowledge("first", by="A\x1b[2J\n" + "x" * 500, note="n\u202e\ud800" * 900, now=NOW).acknowledgement
    assert one.by.startswith("A[2J xxx")
    assert len(one.by) <= 80
    assert len(one.note) <= 500
    assert "\u202e" not in one.note
    assert store.events.acknowledgement_of("first") == one


def test_while_it_is_being_sent_it_may_arrive(store: Store) -> None:
    put(store, "first", state=DeliveryState.DELIVERED)
    escalate(store, "later")
    [sending] = claim(store, LATER)
    assert store.acknowledge("first", by="Anna", now=LATER).withdrawn == 0
    assert get(store, "later").state is DeliveryState.SENDING
    with store.transaction():
        assert store.outbox.settle_delivered(sending.delivery, reference="41", now=LATER)
    assert get(store, "later").state is DeliveryState.DELIVERED
    assert claim(store, LATER + LEASE) == []


def test_what_did_not_arrive_while_it_was_acknowledged_is_not_tried_again(store: Store) -> None:
    put(store, "first", state=DeliveryState.DELIVERED)
    escalate(store, "later")
    [sending] = claim(store, LATER)
    store.acknowledge("first", by="Anna", now=LATER)
    again_at = LATER + timedelta(seconds=5)
    with store.transaction():
        assert store.outbox.settle_retry(sending.delivery, not_before=again_at, reason="502")
    assert claim(store, again_at) == []
    assert get(store, "later").state is DeliveryState.DROPPED
    assert get(store, "later").last_error == "acknowledged by Anna; before that: 502"
    assert store.outbox.next_due_at() is None


def test_a_lease_that_ends_after_the_acknowledgement_is_not_claimed_again(store: Store) -> None:
    put(store, "first", state=DeliveryState.DELIVERED)
    escalate(store, "later")
    [sending] = claim(store, LATER)
    store.acknowledge("first", by="Anna", now=LATER)
    assert claim(store, LATER + LEASE) == []
    assert get(store, "later").last_error == f"acknowledged by Anna; before that: {LEASE_EXPIRED}"
    with store.transaction():  # the answer comes after all: it did arrive
        assert store.outbox.settle_delivered(sending.delivery, reference="41", now=LATER)
    assert get(store, "later").state is DeliveryState.DELIVERED


def test_acknowledged_by_another_process_while_the_daemon_was_dead(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True) as store:
        put(store, "first", state=DeliveryState.DELIVERED)
        escalate(store, "later")
        escalate(store, "under way", "f")
        assert [each.delivery.id for each in claim(store, LATER)] == ["later"]  # one at a time to a chat
    with Store.open(path, exclusive=False) as other:
        assert other.acknowledge("first", by="Anna", now=LATER).withdrawn == 0
        assert other.acknowledge("under way", by="Anna", now=LATER).withdrawn == 1
    with Store.open(path, exclusive=True) as store:
        assert claim(store, LATER) == []
        assert get(store, "later").last_error == f"acknowledged by Anna; before that: {ABANDONED}"


def test_a_locked_store_acknowledges_nothing_by_half(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True) as store:
        put(store, "first")
        escalate(store, "later")
        with Store.open(path, exclusive=False, busy_timeout=timedelta(0)) as other:
            with store.transaction(), pytest.raises(StoreError, match="another program is writing"):
                other.acknowledge("first", by="Anna", now=NOW)
            assert other.events.acknowledgement_of("first") is None
            assert get(other, "later").state is DeliveryState.PENDING
            assert other.acknowledge("first", by="Anna", now=NOW).withdrawn == 1


def test_escalations_of_an_event(store: Store) -> None:
    put(store, "first")
    assert store.outbox.escalations("e") == ()
    escalate(store, "later")
    escalate(store, "other event", "f")
    assert store.outbox.escalations("e") == (get(store, "later"),)


def test_escalations_are_no_alerts_of_their_own_in_lists_and_counts(store: Store) -> None:
    put(store, "first")
    escalate(store, "later")
    assert [one.id for one in store.events.alerts(limit=9)] == ["first"]
    assert [one.id for one in store.events.alerts(limit=9, kind=AlertKind.ESCALATION)] == ["later"]
    assert store.counts(NOW).alerts == 1


def test_what_waits_for_its_time_is_not_undelivered(store: Store) -> None:
    put(store, "first", state=DeliveryState.DELIVERED)
    escalate(store, "later")
    assert store.counts(NOW + timedelta(minutes=14)).oldest_pending_at is None
    assert store.counts(NOW + timedelta(hours=1)).oldest_pending_at == LATER
    [sending] = claim(store, LATER)
    with store.transaction():
        store.outbox.settle_retry(sending.delivery, not_before=LATER + timedelta(hours=9), reason="502")
    assert store.counts(LATER).oldest_pending_at == NOW
