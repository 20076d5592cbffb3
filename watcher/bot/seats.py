"""What the people of a place may see: what was told there; operators see everything, where they are alone."""

from __future__ import annotations

from watcher.bot.desk import Desk
from watcher.bot.talk import Asked, Place, PlaceKind, Role
from watcher.model import Alert, Channel, Event, Recipient
from watcher.store.told import Seat


def recipients_of(desk: Desk, place: Place) -> tuple[Recipient, ...]:
    """Who is told in that place, as configured and as subscribed; a chat that moved is followed."""
    moved = desk.store.told.moved_to(place.target)
    return tuple(
        recipient
        for recipient in desk.book().recipients
        if recipient.channel is Channel.TELEGRAM and (recipient.target == place.target or recipient.id in moved)
    )


def seat_of(desk: Desk, place: Place) -> Seat:
    """The place as the store knows it."""
    return Seat(place.target, frozenset(recipient.id for recipient in recipients_of(desk, place)))


def sees_all(asked: Asked) -> bool:
    """Whether the answer may tell of everything: to an operator in private; in a group, the whole group reads it."""
    return asked.role is Role.OPERATOR and asked.place.kind is PlaceKind.PRIVATE


def visible_alert(desk: Desk, asked: Asked, alert_id: str) -> Alert | None:
    """The alert, where it or its event was told in the place; None: there is none, as far as these people know."""
    alert = desk.store.events.get_alert(alert_id)
    if alert is None or sees_all(asked):
        return alert
    seat = seat_of(desk, asked.place)
    if alert.event_id is None:
        return alert if desk.store.told.knows_alert(seat, alert.id) else None
    return alert if desk.store.told.knows_event(seat, desk.store.events.thread_of(alert.event_id)) else None


def visible_event(desk: Desk, asked: Asked, named: str) -> Event | None:
    """The event with that id, or with that alert, as it stands now; None: none that these people know of."""
    alert = desk.store.events.get_alert(named)
    event_id = desk.store.events.thread_of(alert.event_id if alert and alert.event_id else named)
    event = desk.store.events.get(event_id)
    if event is None or sees_all(asked):
        return event
    return event if desk.store.told.knows_event(seat_of(desk, asked.place), event_id) else None


def latest_alert(desk: Desk, asked: Asked, event: Event) -> Alert | None:
    """The last alert about the event that these people may see; None: they were told nothing."""
    alerts = desk.store.events.alerts_of_event(event.id)
    if not sees_all(asked):
        seat = seat_of(desk, asked.place)
        alerts = tuple(alert for alert in alerts if desk.store.told.knows_alert(seat, alert.id))
    return alerts[-1] if alerts else None
