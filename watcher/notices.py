"""Telling operators, once for each change, what the daemon cannot do or can do again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from watcher.model import Recipient, Severity
from watcher.routing import compose_notice, route_notice
from watcher.store import Store
from watcher.store.codec import encode_time


def tell_operators(
    store: Store,
    recipients: Iterable[Recipient],
    now: datetime,
    *,
    key: str,
    state: str,
    headline: str,
    body: str = "",
    severity: Severity = Severity.WARNING,
) -> bool:
    """Whether this was a change of state, and so a message; needs an open transaction.

    ``key`` names what the state is of ("source:oc-media"). The message goes through the outbox like any other.
    """
    if not store.journal.change_notice(key, state, body or headline, now):
        return False
    alert = compose_notice(f"{key} {state} {encode_time(now)}", headline, body, severity, now)
    store.events.save_alert(alert)
    store.outbox.add(route_notice(alert, recipients, now))
    return True
