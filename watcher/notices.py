"""Telling operators, once for each change, what the daemon cannot do or can do again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from watcher.model import Recipient, Severity, Source
from watcher.routing import compose_notice, route_notice
from watcher.store import Store
from watcher.store.articles import SourceState
from watcher.store.codec import encode_time

TELL_AFTER = 3  # failures in a row of a kind that may pass by itself


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


def tell_about_source(
    store: Store, recipients: Iterable[Recipient], source: Source, state: SourceState, now: datetime
) -> bool:
    """Whether operators are told that a source cannot be read, or can be again; needs an open transaction.

    What may pass by itself is told only when it has stayed for some polls.
    """
    key = f"source:{source.id}"
    if state.failures:
        if state.reason.may_pass and state.failures < TELL_AFTER:
            return False
        return tell_operators(
            store,
            recipients,
            now,
            key=key,
            state=state.reason.value,
            headline=f"Source {source.id} cannot be read: {state.reason.value}",
            body=f"{state.detail}\n{source.url}\nIt is polled on, with growing pauses.",
        )
    if all(notice.key != key for notice in store.journal.notices(key)):
        return False
    return tell_operators(
        store,
        recipients,
        now,
        key=key,
        state="ok",
        headline=f"Source {source.id} works again",
        severity=Severity.WATCH,
    )
