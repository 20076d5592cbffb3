"""What waits for a digest or the end of quiet hours: how it is held in the store, told together, re-timed and released."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.builders import alert, delivery, event, recipient, report
from watcher.model import (
    Alert,
    AlertKind,
    Channel,
    Delivery,
    DeliveryState,
    Digest,
    EventChange,
    Held,
    QuietHours,
    Recipient,
    Severity,
    Toll,
)
from watcher.routing import held
from watcher.store import Store
from watcher.store.outbox import Claimed

NOW = datetime(2026, 1, 10, 12, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = recipient(digest=Digest(None, "UTC"))
NIGHT = recipient(quiet_hours=QuietHours(time(12), time(14), "UTC"))


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None, exclusive=True) as opened:
        yield opened


def put(store: Store, name: str, who: Recipient | None, at: datetime = NOW, **values: Any) -> None:
    """An alert, and its delivery of the same name; held for what the recipient wants, None: due at once."""
    what = {
        "id": name,
        "event_id": f"event of {name}",
        "severity": Severity.WARNING,
        "created_at": at,
        "family": "clash",
    }
    one = alert(**(what | values))
    made = delivery(id=name, alert_id=name, channel=Channel.CONSOLE, target="-", not_before_at=at, created_at=at)
    if who is not None:
        made = held(made, who, Held.DIGEST if who.digest else Held.QUIET, at)
    with store.transaction():
        if one.event_id is not None:
            store.events.save(event(id=one.event_id))
        store.events.save_alert(one)
        store.outbox.add([made])


def send(store: Store, who: Recipient | None, now: datetime) -> list[Alert]:
    """What is sent now, in order."""
    sent = []
    while claimed := claim(store, who, now):
        for one in claimed:
            sent.append(one.alert)
            with store.transaction():
                store.outbox.settle_delivered(one.delivery, reference=f"ref {one.alert.id}", now=now)
    return sent


def claim(store: Store, who: Recipient | None, now: datetime) -> tuple[Claimed, ...]:
    with store.transaction():
        store.together.tell_due([who] if who else [], Channel.CONSOLE, now)
        return store.outbox.claim_due(now, limit=9, lease=timedelta(minutes=2))


def get(store: Store, name: str) -> Delivery:
    found = store.outbox.get(name)
    assert found is not None
    return found


def test_a_digest_tells_each_event_once_as_it_stands(store: Store) -> None:
    put(store, "a1", HOURLY, event_id="a", headline="Fire: at least 3 killed", killed=Toll(3))
    put(
        store, "b", HOURLY, severity=Severity.WATCH, reports=(report(url="https://radio.example/b", publisher="Radio"),)
    )
    a2 = {"event_id": "a", "killed": Toll(9), "changes": (EventChange.DEATHS_DOUBLED,), "headline": "Fire: 9 killed"}
    put(store, "a2", HOURLY, NOW + timedelta(minutes=5), **a2)
    a3 = a2 | {"killed": Toll(5), "changes": (EventChange.CORRECTED,), "headline": "Fire: 5 killed"}
    put(store, "a3", HOURLY, NOW + timedelta(minutes=6), **a3)
    put(store, "later", HOURLY, NOW + HOUR)
    assert send(store, HOURLY, NOW + timedelta(minutes=49)) == []
    [digest] = send(store, HOURLY, NOW + timedelta(minutes=50))
    assert (digest.kind, digest.held_for, digest.severity) == (AlertKind.DIGEST, Held.DIGEST, Severity.WARNING)
    first, second = digest.items
    assert (first.alert_id, first.killed, first.folded) == ("a3", Toll(5), 2)
    assert first.changes == (EventChange.OPENED, EventChange.DEATHS_DOUBLED, EventChange.CORRECTED)
    assert (second.alert_id, second.publisher, second.url) == ("b", "Radio", "https://radio.example/b")
    assert "Fire: 5 killed (a3, correction)" in digest.body
    assert {get(store, name).state for name in ("a1", "a2", "a3", "b")} == {DeliveryState.DELIVERED}
    assert send(store, HOURLY, NOW + timedelta(minutes=51)) == []
    assert [item.alert_id for item in send(store, HOURLY, NOW + 2 * HOUR)[0].items] == ["later"]
    assert send(store, HOURLY, NOW + 99 * HOUR) == []


def test_critical_alerts_are_listed_as_sent_in_one_digest_only(store: Store) -> None:
    put(store, "war", None, severity=Severity.CRITICAL)
    assert [one.id for one in send(store, HOURLY, NOW)] == ["war"]
    put(store, "a", HOURLY)
    [digest] = send(store, HOURLY, NOW + timedelta(minutes=50))
    assert [(item.alert_id, item.was_sent) for item in digest.items] == [("war", True), ("a", False)]
    assert digest.severity is Severity.WARNING
    put(store, "b", HOURLY, NOW + HOUR)
    [digest] = send(store, HOURLY, NOW + 2 * HOUR)
    assert [item.alert_id for item in digest.items] == ["b"]


def test_only_what_was_sent_makes_no_digest(store: Store) -> None:
    put(store, "war", None, severity=Severity.CRITICAL)
    assert [one.id for one in send(store, HOURLY, NOW)] == ["war"]
    assert send(store, HOURLY, NOW + 5 * HOUR) == []


def test_one_event_that_was_held_is_told_as_its_latest_alert(store: Store) -> None:
    put(store, "first", NIGHT, event_id="a")
    put(store, "second", NIGHT, NOW + HOUR, event_id="a", changes=(EventChange.CONFIRMED,))
    assert [one.id for one in send(store, NIGHT, NOW + 2 * HOUR)] == ["second"]
    assert get(store, "first").folded_into == "second"
    assert get(store, "first").state is DeliveryState.DELIVERED


def test_several_events_are_one_summary(store: Store) -> None:
    put(store, "a1", NIGHT, event_id="a")
    put(store, "b", NIGHT)
    put(store, "a2", NIGHT, NOW + HOUR, event_id="a", changes=(EventChange.CONFIRMED,))
    assert send(store, NIGHT, NOW + timedelta(minutes=109)) == []
    [summary] = send(store, NIGHT, NOW + timedelta(minutes=110))
    assert (summary.kind, summary.held_for) == (AlertKind.SUMMARY, Held.QUIET)
    assert sorted(item.alert_id for item in summary.items) == ["a2", "b"]
    assert summary.headline == "2 alerts held: 2 clash"


def test_what_a_later_message_has_told_is_not_told_again(store: Store) -> None:
    put(store, "first", NIGHT, event_id="a")
    put(store, "urgent", None, NOW + HOUR, event_id="a", severity=Severity.CRITICAL)
    assert [one.id for one in send(store, NIGHT, NOW + HOUR)] == ["urgent"]
    assert send(store, NIGHT, NOW + 2 * HOUR) == []
    assert (get(store, "first").state, get(store, "first").folded_into) == (DeliveryState.DELIVERED, "urgent")


def test_a_digest_leaves_out_what_became_critical_and_was_sent(store: Store) -> None:
    for name in "ab":
        put(store, name, HOURLY)
        put(store, f"{name} grave", None, event_id=f"event of {name}", severity=Severity.CRITICAL)
    assert len(send(store, HOURLY, NOW)) == 2
    assert send(store, HOURLY, NOW + HOUR) == []
    assert (get(store, "a").state, get(store, "a").folded_into) == (DeliveryState.DELIVERED, "a grave")


def test_a_digest_of_what_is_being_sent_already_is_as_grave_as_that(store: Store) -> None:
    for name in "ab":
        put(store, name, HOURLY)
        put(store, f"{name} grave", None, event_id=f"event of {name}", severity=Severity.CRITICAL)
    assert [one.alert.id for one in claim(store, HOURLY, NOW)] == ["a grave"]  # and no answer yet
    with store.transaction():
        store.together.tell_due([HOURLY], Channel.CONSOLE, NOW + HOUR)
    [digest] = store.events.alerts(limit=1)
    assert (digest.kind, digest.severity) == (AlertKind.DIGEST, Severity.CRITICAL)
    assert [item.was_sent for item in digest.items] == [True, True]


def test_an_escalation_waits_and_is_told_by_itself(store: Store) -> None:
    put(store, "a", NIGHT)
    put(store, "b", NIGHT)
    put(store, "escalated", NIGHT, kind=AlertKind.ESCALATION, severity=Severity.CRITICAL)
    told = send(store, NIGHT, NOW + 2 * HOUR)
    assert [(one.kind, one.id == "escalated") for one in told] == [
        (AlertKind.ESCALATION, True),
        (AlertKind.SUMMARY, False),
    ]


def test_what_was_folded_into_a_held_message_is_told_with_it(store: Store) -> None:
    put(store, "graver", HOURLY)
    put(store, "companion", None)
    with store.transaction():
        store.outbox.fold(["companion"], into="graver")
    [digest] = send(store, HOURLY, NOW + HOUR)
    assert sorted(item.alert_id for item in digest.items) == ["companion", "graver"]
    assert get(store, "companion").state is DeliveryState.DELIVERED


def test_a_summary_in_a_digest_is_what_it_tells(store: Store) -> None:
    put(store, "a", None)
    put(store, "b", None)
    with store.transaction():
        store.summarise([get(store, "a"), get(store, "b")], HOURLY, "muted", NOW)
    put(store, "c", HOURLY)
    [digest] = send(store, HOURLY, NOW + HOUR)
    assert sorted(item.alert_id for item in digest.items) == ["a", "b", "c"]
    assert {get(store, name).state for name in "abc"} == {DeliveryState.DELIVERED}


@pytest.mark.parametrize(
    ("before", "after", "told_at"),
    [
        (HOURLY, replace(HOURLY, digest=Digest(time(18), "UTC")), NOW.replace(hour=18, minute=0)),
        (replace(HOURLY, digest=Digest(time(18), "UTC")), HOURLY, NOW + timedelta(minutes=50)),
        (HOURLY, recipient(), NOW + timedelta(minutes=30)),
        (NIGHT, replace(NIGHT, quiet_hours=QuietHours(time(12), time(17), "UTC")), NOW.replace(hour=17, minute=0)),
        (NIGHT, recipient(), NOW + timedelta(minutes=30)),
        (HOURLY, NIGHT, NOW.replace(hour=14, minute=0)),
        (NIGHT, HOURLY, NOW + timedelta(minutes=50)),
    ],
)
def test_other_settings_make_it_due_at_another_time(
    store: Store, before: Recipient, after: Recipient, told_at: datetime
) -> None:
    put(store, "a", before)
    put(store, "b", before)
    now = NOW + timedelta(minutes=30)
    with store.transaction():
        assert store.together.retime([after], now) == 2
        assert store.together.retime([after], now) == 0
    if told_at > now:
        assert send(store, after, told_at - timedelta(seconds=1)) == []
    [told] = send(store, after, told_at)
    assert sorted(item.alert_id for item in told.items) == ["a", "b"]
    assert told.kind is (AlertKind.DIGEST if after.digest else AlertKind.SUMMARY)


def test_after_the_program_was_off_it_is_told_once_and_not_at_night(store: Store) -> None:
    rests = replace(HOURLY, quiet_hours=QuietHours(time(22), time(7), "UTC"))
    put(store, "a", rests)
    put(store, "b", rests, NOW + HOUR)
    assert send(store, rests, NOW.replace(hour=23)) == []
    [digest] = send(store, rests, NOW.replace(hour=23) + 8 * HOUR)
    assert sorted(item.alert_id for item in digest.items) == ["a", "b"]


def test_somebody_asks_for_it_now(store: Store) -> None:
    put(store, "a", HOURLY)
    put(store, "b", HOURLY)
    assert store.release_held("nobody", NOW) == 0
    assert store.release_held("desk", NOW) == 2
    [digest] = send(store, HOURLY, NOW)
    assert len(digest.items) == 2
    assert store.release_held("desk", NOW) == 0
    assert send(store, HOURLY, NOW + 5 * HOUR) == []


def test_what_is_asked_for_in_quiet_hours_is_sent_in_them(store: Store) -> None:
    put(store, "a", NIGHT)
    assert store.release_held("desk", NOW) == 1
    assert [one.id for one in send(store, NIGHT, NOW)] == ["a"]


def test_a_recipient_that_is_not_configured_any_more_is_told_together(store: Store) -> None:
    put(store, "a", HOURLY)
    put(store, "b", HOURLY)
    [digest] = send(store, None, NOW + HOUR)
    assert len(digest.items) == 2


def test_a_closed_recipient_gets_it_when_it_is_open_again(store: Store) -> None:
    put(store, "a", HOURLY)
    put(store, "b", HOURLY)
    with store.transaction():
        assert store.outbox.close_recipient("desk", "-", reason="blocked", now=NOW) == 2
    assert send(store, HOURLY, NOW + HOUR) == []
    with store.transaction():
        store.outbox.reopen_recipient("desk")
        assert store.outbox.requeue("a", NOW + 3 * HOUR)
        assert store.outbox.requeue("b", NOW + 3 * HOUR)
    [digest] = send(store, HOURLY, NOW + 3 * HOUR)
    assert len(digest.items) == 2


def test_what_a_muted_source_said_waits_for_the_digest_when_others_say_so(store: Store) -> None:
    put(store, "a", None)
    muted = replace(get(store, "a"), id="m", recipient_id="other", state=DeliveryState.MUTED, silenced_by="mute:1")
    other = replace(HOURLY, id="other")
    with store.transaction():
        store.outbox.add([muted])
        store.together.unmute(muted, other, NOW)
    assert (get(store, "m").state, get(store, "m").held_for) == (DeliveryState.PENDING, Held.DIGEST)
    assert get(store, "m").not_before_at == NOW + timedelta(minutes=50)


def test_what_waited_for_the_budget_rests_with_its_recipient(store: Store) -> None:
    rests = replace(NIGHT, quiet_hours=QuietHours(time(13), time(15), "UTC"))
    put(store, "a", None)
    with store.transaction():
        store._db.write("UPDATE deliveries SET held_for = 'budget', not_before_at = '2026-01-10T13:20:00.000000+00:00'")
    assert send(store, rests, NOW + timedelta(minutes=70)) == []
    assert [one.id for one in send(store, rests, NOW.replace(hour=15, minute=0))] == ["a"]
