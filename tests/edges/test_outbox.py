"""The outbox: order, leases, waits, and what becomes of a delivery when things go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOW, alert, delivery, event, recipient
from watcher.errors import StoreError
from watcher.model import Budget, Channel, Delivery, DeliveryState, Severity
from watcher.store import Store
from watcher.store.outbox import _READY, ABANDONED, BLOCKING_ATTEMPTS, LEASE_EXPIRED, Claimed
from watcher.timing import REPEAT_AFTER

LEASE = timedelta(minutes=2)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None, exclusive=True) as opened:
        yield opened


def put(
    store: Store, name: str, *, severity: Severity = Severity.WARNING, event_id: str | None = None, **values: Any
) -> None:
    """One alert with one delivery, both named ``name``."""
    with store.transaction():
        if event_id is not None:
            store.events.save(event(id=event_id))
        store.events.save_alert(alert(id=name, severity=severity, event_id=event_id))
        store.outbox.add([delivery(id=name, alert_id=name, **values)])


def claim(store: Store, now: datetime = NOW, **values: Any) -> list[Claimed]:
    with store.transaction():
        return list(store.outbox.claim_due(now, **({"limit": 10, "lease": LEASE} | values)))


def names(claimed: list[Claimed]) -> list[str]:
    return [each.delivery.id for each in claimed]


def delivered(store: Store, each: Claimed, reference: str = "ref") -> None:
    with store.transaction():
        assert store.outbox.settle_delivered(each.delivery, reference=reference, now=NOW)


def get(store: Store, name: str) -> Delivery:
    found = store.outbox.get(name)
    assert found is not None
    return found


def test_a_delivery_is_added_once(store: Store) -> None:
    put(store, "a", is_silent=True)
    with store.transaction():
        assert store.outbox.add([delivery(id="a", alert_id="a", target="other")]) == 0
    assert get(store, "a") == delivery(id="a", alert_id="a", is_silent=True)
    assert store.outbox.get("nowhere") is None


def test_a_delivery_needs_its_alert(store: Store) -> None:
    with pytest.raises(StoreError, match="belongs to an alert that is not stored"), store.transaction():
        store.outbox.add([delivery()])


def test_a_claim_takes_the_delivery_and_brings_the_alert(store: Store) -> None:
    put(store, "a")
    (claimed,) = claim(store)
    assert claimed.alert == alert(id="a", severity=Severity.WARNING)
    assert claimed.reply_to is None
    assert claimed.delivery == replace(
        delivery(id="a", alert_id="a"), state=DeliveryState.SENDING, attempts=1, lease_until_at=NOW + LEASE
    )
    assert claim(store) == []


def test_the_severest_goes_first_then_the_oldest(store: Store) -> None:
    put(store, "young", target="1", created_at=NOW)
    put(store, "old", target="2", created_at=NOW - timedelta(hours=1))
    put(store, "critical", target="3", severity=Severity.CRITICAL)
    put(store, "mild", target="4", severity=Severity.WATCH, created_at=NOW - timedelta(days=1))
    assert names(claim(store, limit=3)) == ["critical", "old", "young"]
    assert names(claim(store)) == ["mild"]


def test_a_target_has_one_message_under_way(store: Store) -> None:
    put(store, "first")
    put(store, "second", severity=Severity.CRITICAL)
    put(store, "mail", channel=Channel.EMAIL)
    one, mail = claim(store)
    assert (one.delivery.id, mail.delivery.id) == ("second", "mail")
    assert claim(store) == []
    delivered(store, one)
    assert names(claim(store)) == ["first"]


def test_channels_are_claimed_apart(store: Store) -> None:
    put(store, "chat")
    put(store, "mail", channel=Channel.EMAIL, target="a@b.example")
    assert names(claim(store, channel=Channel.EMAIL)) == ["mail"]
    assert store.outbox.next_due_at(Channel.WEBHOOK) is None
    assert store.outbox.next_due_at(Channel.TELEGRAM) == NOW
    assert store.outbox.next_due_at(Channel.EMAIL) == NOW + LEASE


def test_nothing_is_claimed_before_its_time(store: Store) -> None:
    later = NOW + timedelta(hours=8)
    put(store, "held", not_before_at=later)
    assert claim(store) == []
    assert store.outbox.next_due_at() == later
    assert names(claim(store, later)) == ["held"]


def test_an_update_waits_for_the_first_message(store: Store) -> None:
    again_at = NOW + timedelta(minutes=1)
    put(store, "first", event_id="e")
    (first,) = claim(store)
    with store.transaction():
        store.outbox.settle_retry(first.delivery, not_before=again_at, reason="no")
    put(store, "update", event_id="e", severity=Severity.CRITICAL)
    assert claim(store) == []
    assert store.outbox.next_due_at() == again_at
    put(store, "other event", event_id="f")
    put(store, "other recipient", event_id="e", recipient_id="else", target="5")
    assert names(claim(store)) == ["other event", "other recipient"]


def test_an_urgent_update_does_not_wait_for_a_message_held_for_quiet_hours(store: Store) -> None:
    put(store, "held", event_id="e", not_before_at=NOW + timedelta(hours=8))
    put(store, "urgent", event_id="e", severity=Severity.CRITICAL)
    assert names(claim(store)) == ["urgent"]


def test_an_update_replies_to_the_first_message_of_its_event(store: Store) -> None:
    for name in ("first", "second", "third"):
        put(store, name, event_id="e")
    (first,) = claim(store)
    assert claim(store) == []
    delivered(store, first, "41")
    (second,) = claim(store)
    assert second.reply_to == "41"
    delivered(store, second, "42")
    (third,) = claim(store)
    assert third.reply_to == "41"


def test_a_first_message_that_keeps_failing_does_not_hold_up_updates_for_ever(store: Store) -> None:
    put(store, "first", event_id="e")
    put(store, "update", event_id="e")
    for attempt in range(BLOCKING_ATTEMPTS):
        at = NOW + attempt * timedelta(hours=1)
        (first,) = claim(store, at)
        assert first.delivery.id == "first"
        with store.transaction():
            store.outbox.settle_retry(first.delivery, not_before=at + timedelta(hours=1), reason="no")
    (update,) = claim(store, at)
    assert (update.delivery.id, update.reply_to) == ("update", None)


def test_what_has_lost_its_lease_is_sent_again_and_still_may_settle_as_delivered(store: Store) -> None:
    put(store, "a", severity=Severity.CRITICAL)
    (first,) = claim(store)
    later = NOW + LEASE
    assert store.outbox.next_due_at() == later
    (second,) = claim(store, later)
    assert (second.delivery.attempts, second.delivery.last_error) == (2, LEASE_EXPIRED)
    with store.transaction():
        assert not store.outbox.settle_retry(first.delivery, not_before=NOW, reason="late")
        assert not store.outbox.settle_failed(first.delivery, reason="late", now=NOW)
        assert store.outbox.settle_delivered(first.delivery, reference="1", now=later)
        assert not store.outbox.settle_delivered(second.delivery, reference="2", now=later)
    assert get(store, "a").reference == "1"
    assert claim(store, later + LEASE) == []


def test_what_a_dead_process_was_sending_may_have_arrived(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    with Store.open(path, exclusive=True) as store:
        put(store, "critical", severity=Severity.CRITICAL, target="1")
        put(store, "warning", target="2")
        put(store, "mail", channel=Channel.EMAIL, target="a@b.example")
        claim(store)
    with Store.open(path, exclusive=False) as store:
        assert get(store, "warning").state is DeliveryState.SENDING
    with Store.open(path, exclusive=True) as store:
        for name in ("critical", "warning", "mail"):
            found = get(store, name)
            assert (found.state, found.last_error) == (DeliveryState.UNCERTAIN, ABANDONED)
            assert found.uncertain_at == NOW
        again = claim(store, NOW)
        assert names(again) == ["critical", "warning", "mail"]
        assert [one.delivery.attempts for one in again] == [2, 2, 2]


def uncertain(store: Store, name: str, until: datetime, **values: Any) -> None:
    """An alert that was sent, and nobody knows whether it arrived."""
    put(store, name, **values)
    (claimed,) = [one for one in claim(store) if one.delivery.id == name]
    with store.transaction():
        assert store.outbox.settle_uncertain(claimed.delivery, not_before=until, reason="no answer")


def test_what_may_have_arrived_waits_and_holds_up_nothing(store: Store) -> None:
    later = NOW + REPEAT_AFTER
    uncertain(store, "first", later, event_id="e")
    put(store, "update", event_id="e")
    (update,) = claim(store)
    assert (update.delivery.id, update.reply_to) == ("update", None)
    delivered(store, update)
    assert store.outbox.next_due_at() == later
    (again,) = claim(store, later)
    assert (again.delivery.id, again.delivery.uncertain_at) == ("first", NOW)


def test_what_is_about_to_be_sent_again_comes_before_the_update(store: Store) -> None:
    soon = NOW + timedelta(seconds=5)
    uncertain(store, "first", soon, event_id="e", severity=Severity.CRITICAL)
    put(store, "update", event_id="e", severity=Severity.CRITICAL)
    assert claim(store) == []
    assert names(claim(store, soon)) == ["first"]


def test_what_may_have_arrived_stays_so_until_somebody_knows(store: Store) -> None:
    uncertain(store, "a", NOW)
    (again,) = claim(store)
    with store.transaction():
        assert store.outbox.settle_retry(again.delivery, not_before=NOW, reason="no connection")
    assert (get(store, "a").state, get(store, "a").uncertain_at) == (DeliveryState.UNCERTAIN, NOW)
    (again,) = claim(store)
    with store.transaction():
        assert store.outbox.settle_failed(again.delivery, reason="never", now=NOW)
        assert store.outbox.requeue("a", NOW)
    assert get(store, "a").state is DeliveryState.UNCERTAIN
    with store.transaction():
        assert store.outbox.confirm("a", reason="they saw it", now=NOW)
        assert not store.outbox.confirm("a", reason="they saw it", now=NOW)
    found = get(store, "a")
    assert (found.state, found.last_error, found.reference) == (DeliveryState.DELIVERED, "they saw it", None)


def test_only_what_may_have_arrived_can_be_said_to_have(store: Store) -> None:
    put(store, "a")
    with store.transaction():
        assert not store.outbox.confirm("a", reason="x", now=NOW)
    (one,) = claim(store)
    with store.transaction():
        store.outbox.settle_failed(one.delivery, reason="blocked", now=NOW)
        assert not store.outbox.confirm("a", reason="x", now=NOW)


def test_what_may_have_arrived_can_be_dropped_moves_along_and_fails_with_its_recipient(store: Store) -> None:
    for name in ("dropped", "moved", "closed"):
        uncertain(store, name, NOW + REPEAT_AFTER, target=name, recipient_id=name)
    with store.transaction():
        assert store.outbox.drop("dropped", reason="old", now=NOW)
        store.outbox.move_recipient("moved", "moved", "there")
        assert store.outbox.close_recipient("closed", "closed", reason="blocked", now=NOW) == 1
    assert get(store, "dropped").state is DeliveryState.DROPPED
    assert (get(store, "moved").state, get(store, "moved").target) == (DeliveryState.UNCERTAIN, "there")
    assert get(store, "closed").state is DeliveryState.FAILED


def test_what_may_have_arrived_counts_as_heard_in_a_budget(store: Store) -> None:
    uncertain(store, "a", NOW + REPEAT_AFTER)
    put(store, "b")
    desk = recipient(id="desk", channel=Channel.TELEGRAM, target="-100", budget=Budget(1, timedelta(hours=1)))
    with store.transaction():
        store.keep_budgets([desk], Channel.TELEGRAM, NOW)
    assert get(store, "b").not_before_at == NOW + timedelta(hours=1)


def test_an_update_replies_to_the_first_message_whose_name_is_known(store: Store) -> None:
    uncertain(store, "first", NOW + REPEAT_AFTER, event_id="e")
    with store.transaction():
        store.outbox.confirm("first", reason="they saw it", now=NOW)
    put(store, "second", event_id="e")
    (second,) = claim(store)
    delivered(store, second, "42")
    put(store, "third", event_id="e")
    (third,) = claim(store)
    assert third.reply_to == "42"


def test_topics_of_a_forum_are_one_place(store: Store) -> None:
    put(store, "general", target="-100")
    put(store, "topic", target="-100/17", recipient_id="topic")
    put(store, "mail", channel=Channel.EMAIL, target="a/b@c.example", recipient_id="mail")
    assert names(claim(store)) == ["general", "mail"]
    with store.transaction():
        store.outbox.hold_back(Channel.TELEGRAM, "-100", NOW + timedelta(hours=1))
        store.outbox.settle_failed(get(store, "general"), reason="x", now=NOW)
    assert claim(store) == []
    assert names(claim(store, NOW + timedelta(hours=1), channel=Channel.TELEGRAM)) == ["topic"]


def test_what_a_critical_update_waits_for_goes_first(store: Store) -> None:
    put(store, "warning", created_at=NOW - timedelta(hours=1))
    put(store, "mild", event_id="e", severity=Severity.WATCH)
    put(store, "critical update", event_id="e", severity=Severity.CRITICAL)
    for name in ("mild", "critical update", "warning"):
        (claimed,) = claim(store)
        assert claimed.delivery.id == name
        delivered(store, claimed)


def test_busy_chats_are_passed_over(store: Store) -> None:
    put(store, "a", target="1", severity=Severity.CRITICAL)
    put(store, "b", target="2")
    assert store.outbox.due_by_chat(Channel.TELEGRAM) == {"1": NOW, "2": NOW}
    assert store.outbox.next_lease_end(Channel.TELEGRAM) is None
    assert names(claim(store, busy={"1"})) == ["b"]
    assert store.outbox.due_by_chat(Channel.TELEGRAM) == {"1": NOW}
    assert store.outbox.next_lease_end(Channel.TELEGRAM) == NOW + LEASE


def test_settling(store: Store) -> None:
    put(store, "a")
    (one,) = claim(store)
    retry_at = NOW + timedelta(minutes=5)
    with store.transaction():
        assert store.outbox.settle_retry(one.delivery, not_before=retry_at, reason="no\ud800")
    assert get(store, "a") == replace(
        delivery(id="a", alert_id="a"), attempts=1, not_before_at=retry_at, last_error="no?"
    )
    (two,) = claim(store, retry_at)
    with store.transaction():
        assert store.outbox.settle_failed(two.delivery, reason="never", now=retry_at)
    failed = get(store, "a")
    assert (failed.state, failed.last_error, failed.settled_at) == (DeliveryState.FAILED, "never", retry_at)
    with store.transaction():
        assert store.outbox.requeue("a", retry_at)
        assert not store.outbox.requeue("a", retry_at)
    (three,) = claim(store, retry_at)
    assert three.delivery.attempts == 1
    delivered(store, three, "77")
    done = get(store, "a")
    assert (done.state, done.reference, done.last_error) == (DeliveryState.DELIVERED, "77", None)
    with store.transaction():
        assert not store.outbox.drop("a", reason="x", now=NOW)
        assert not store.outbox.requeue("a", NOW)


def test_a_dropped_delivery_keeps_the_reason_and_can_come_back(store: Store) -> None:
    put(store, "a")
    with store.transaction():
        assert store.outbox.drop("a", reason="false alarm", now=NOW)
    assert claim(store) == []
    (entry,) = store.outbox.entries(states=[DeliveryState.DROPPED])
    assert entry.delivery.last_error == "false alarm"
    with store.transaction():
        assert store.outbox.requeue("a", NOW)
    assert names(claim(store)) == ["a"]


def test_flood_waits_hold_one_target_or_the_whole_channel(store: Store) -> None:
    soon, late = NOW + timedelta(minutes=1), NOW + timedelta(minutes=9)
    put(store, "a", target="1")
    put(store, "b", target="2")
    put(store, "mail", channel=Channel.EMAIL)
    with store.transaction():
        store.outbox.hold_back(Channel.TELEGRAM, "1", late)
        store.outbox.hold_back(Channel.TELEGRAM, "1", soon)  # a shorter one takes nothing back
        store.outbox.hold_back(Channel.TELEGRAM, None, soon)
    assert store.outbox.waits(NOW) == {(Channel.TELEGRAM, ""): soon, (Channel.TELEGRAM, "1"): late}
    assert names(claim(store)) == ["mail"]
    assert store.outbox.next_due_at(Channel.TELEGRAM) == soon
    assert names(claim(store, soon)) == ["b"]
    assert names(claim(store, late, channel=Channel.TELEGRAM))[0] == "a"
    assert store.outbox.waits(late) == {}


def test_a_moved_chat_takes_its_messages_along(store: Store) -> None:
    put(store, "before")
    with store.transaction():
        store.outbox.move_recipient("desk", "-100", "-200")
        store.outbox.move_recipient("desk", "-200", "-300")
    put(store, "after")
    put(store, "else", recipient_id="else", target="-100")
    assert {name: get(store, name).target for name in ("before", "after", "else")} == {
        "before": "-300",
        "after": "-300",
        "else": "-100",
    }
    with store.transaction():
        store.outbox.move_recipient("desk", "-300", "-100")  # a circle ends
    put(store, "circle")
    assert get(store, "circle").target in {"-100", "-200", "-300"}


def test_a_reply_is_not_tried_across_chats(store: Store) -> None:
    put(store, "first", event_id="e")
    (first,) = claim(store)
    delivered(store, first, "41")
    with store.transaction():
        store.outbox.move_recipient("desk", "-100", "-200")
    put(store, "update", event_id="e")
    (update,) = claim(store)
    assert (update.delivery.target, update.reply_to) == ("-200", None)


def test_a_corrected_address_applies_to_what_is_pending(store: Store) -> None:
    put(store, "a", channel=Channel.EMAIL, target="typo@example.org")
    with store.transaction():
        assert store.outbox.retarget("desk", Channel.EMAIL, "right@example.org") == 1
        assert store.outbox.retarget("desk", Channel.EMAIL, "right@example.org") == 0
        assert store.outbox.retarget("desk", Channel.TELEGRAM, "1") == 0
    assert get(store, "a").target == "right@example.org"


def test_a_closed_recipient_gets_nothing_and_what_it_misses_stays_visible(store: Store) -> None:
    put(store, "pending")
    put(store, "else", recipient_id="else", target="5")
    with store.transaction():
        assert store.outbox.close_recipient("desk", "-100", reason="blocked", now=NOW) == 1
    put(store, "later")
    put(store, "new-address", target="-999")
    assert names(claim(store)) == ["else", "new-address"]
    failed = store.outbox.entries(states=[DeliveryState.FAILED])
    assert [(e.delivery.id, e.delivery.last_error) for e in failed] == [
        ("later", "recipient closed: blocked"),
        ("pending", "recipient closed: blocked"),
    ]
    (closed,) = store.outbox.closed_recipients()
    assert (closed.recipient_id, closed.target, closed.reason, closed.closed_at) == ("desk", "-100", "blocked", NOW)
    with store.transaction():
        assert store.outbox.reopen_recipient("desk")
        assert not store.outbox.reopen_recipient("desk")
        store.outbox.requeue("later", NOW)
    assert names(claim(store)) == ["later"]


def test_entries(store: Store) -> None:
    put(store, "a", severity=Severity.CRITICAL)
    put(store, "b", recipient_id="else", target="2")
    assert [e.delivery.id for e in store.outbox.entries()] == ["b", "a"]
    (entry,) = store.outbox.entries(recipient_id="desk")
    assert (entry.severity, entry.headline) == (Severity.CRITICAL, alert().headline)
    assert [e.delivery.id for e in store.outbox.entries(alert_id="b")] == ["b"]
    assert [e.delivery.id for e in store.outbox.entries(limit=1)] == ["b"]


def test_looking_for_work_does_not_read_the_whole_history(store: Store) -> None:
    plan = [row[3] for row in store._db.rows("EXPLAIN QUERY PLAN " + _READY)]
    assert [step for step in plan if step.startswith("SCAN")] == ["SCAN d USING INDEX deliveries_waiting"]


def test_a_summary_that_fails_keeps_what_it_tells_on_record_and_tells_it_when_it_is_tried_again(store: Store) -> None:
    desk = recipient(id="desk", channel=Channel.TELEGRAM, target="-100", budget=Budget(1, timedelta(hours=1)))
    with store.transaction():
        for number in range(4):
            store.events.save_alert(alert(id=f"l{number}", severity=Severity.WARNING, event_id=None))
            store.outbox.add([delivery(id=f"d{number}", alert_id=f"l{number}")])

    def claim(now: datetime) -> list[Delivery]:
        with store.transaction():
            store.keep_budgets([desk], Channel.TELEGRAM, now)
            claimed = store.outbox.claim_due(now, limit=9, lease=timedelta(minutes=2))
        return [one.delivery for one in claimed]

    (first,) = claim(NOW)
    with store.transaction():
        store.outbox.settle_delivered(first, reference="1", now=NOW)
    assert claim(NOW) == []
    assert store.outbox.next_due_at() == NOW + timedelta(hours=1)
    (summary,) = claim(NOW + timedelta(hours=1))
    with store.transaction():
        assert store.outbox.settle_failed(summary, reason="blocked", now=NOW)
    folded = store.outbox.entries(states=(DeliveryState.FOLDED,))
    assert {(one.delivery.alert_id, one.delivery.folded_into) for one in folded} == {
        (f"l{number}", summary.id) for number in (1, 2, 3)
    }
    with store.transaction():
        assert store.outbox.requeue(summary.id, NOW + timedelta(hours=1))
    (again,) = claim(NOW + timedelta(hours=1))
    assert again.id == summary.id
    with store.transaction():
        store.outbox.settle_delivered(again, reference="2", now=NOW)
    assert store.outbox.entries(states=(DeliveryState.FOLDED,)) == ()
    assert {one.delivery.reference for one in store.outbox.entries() if one.delivery.folded_into} == {"2"}
