"""Telling what was silenced, in one counted message to each who would have heard it, once that is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from watcher.model import Delivery, Recipient
from watcher.mutes import Mute, muted_in_words
from watcher.store import Store


def tell_silenced(store: Store, recipients: Iterable[Recipient], now: datetime) -> int:
    """How many summaries are on their way: of mutes that have ended, and of events that are open no longer.

    What a mute of one source silences is told at once when another source reports it, too. Opens a transaction of its
    own where there is anything to do; a second call finds nothing.
    """
    if not (silencers := store.outbox.silencers()):
        return 0
    known = {recipient.id: recipient for recipient in recipients}
    told = 0
    with store.transaction():
        for silencer in silencers:
            deliveries = store.outbox.muted(silencer)
            why = _why_over(store, silencer, now)
            if why is None:
                _release(store, silencer, deliveries, known, now)
                continue
            for recipient_id in dict.fromkeys(delivery.recipient_id for delivery in deliveries):
                theirs = [delivery for delivery in deliveries if delivery.recipient_id == recipient_id]
                store.summarise(theirs, known.get(recipient_id), why, now)
                told += 1
    return told


def _mute_of(store: Store, silencer: str) -> Mute | None:
    kind, _, name = silencer.partition(":")
    return store.mutes.get(int(name)) if kind == "mute" else None


def _why_over(store: Store, silencer: str, now: datetime) -> str | None:
    """Why alerts were silenced, in words; None while they still are."""
    if (mute := _mute_of(store, silencer)) is not None:
        return f"{mute} was {muted_in_words(mute)}" if mute.over_at <= now else None
    event_id = silencer.partition(":")[2]
    event = store.events.get(event_id)
    if event is None:
        return f"Silenced by event {event_id}"
    is_open = event.merged_into is None and now - event.last_seen_at <= event.group_for
    return None if is_open else f"Silenced while event {event_id} of the same states was open: {event.title}"


def _release(
    store: Store, silencer: str, deliveries: Sequence[Delivery], known: Mapping[str, Recipient], now: datetime
) -> None:
    """Nothing; of a mute of a source, what somebody else has reported since is due as if it were decided now."""
    mute = _mute_of(store, silencer)
    if mute is None or mute.source_id is None:
        return
    for delivery in deliveries:
        alert = store.events.get_alert(delivery.alert_id)
        event = store.events.get(alert.event_id) if alert and alert.event_id else None
        if event and any(one.source_id != mute.source_id and one.copy_of is None for one in event.reports):
            store.together.unmute(delivery, known.get(delivery.recipient_id), now)
