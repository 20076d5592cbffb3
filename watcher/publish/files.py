"""The latest events as files that other systems read: ``events.json`` and ``events.atom``, each replaced as a whole."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from watcher.errors import StoreError
from watcher.model import AlertKind, Event
from watcher.publish.events import FORMAT, Dossier, event_json, render_atom
from watcher.store import Store

ATOM = "events.atom"
JSON = "events.json"
_WORLD_READABLE = 0o644  # a web server reads them as another user


def publish(store: Store, folder: Path, names: Mapping[str, str], *, sender: str, limit: int) -> bool:
    """Whether anything changed; the folder has the latest ``limit`` events that people were told of.

    The same events give the same bytes. Raises StoreError where a file cannot be written.
    """
    dossiers = [dossier_of(store, event, with_signals=False) for event in store.events.recent(limit)]
    told = [one for one in dossiers if one.alerts and not one.event.is_test and one.event.merged_into is None]
    document: dict[str, Any] = {"format": FORMAT, "events": [event_json(one, names) for one in told]}
    changed = _replace(folder / JSON, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    return _replace(folder / ATOM, render_atom(told, names, sender=sender)) or changed


def dossier_of(store: Store, event: Event, *, with_signals: bool) -> Dossier:
    """The event with its alerts, and with the signals of its reports if they are wanted."""
    alerts = tuple(one for one in store.events.alerts_of_event(event.id) if one.kind is not AlertKind.ESCALATION)
    if not with_signals:
        return Dossier(event, alerts)
    signals = (
        stored.signal
        for article_id in dict.fromkeys(report.article_id for report in event.reports)
        for stored in store.events.signals_of(article_id)
        if stored.event_id == event.id
    )
    return Dossier(event, alerts, tuple(signals))


def export(store: Store, since: datetime | None, names: Mapping[str, str]) -> Iterator[str]:
    """A line of JSON for each event that had a report at that time or later, by last report; read one by one."""
    for event_id in store.events.ids_since(since):
        event = store.events.get(event_id)
        if event is not None:
            yield json.dumps(event_json(dossier_of(store, event, with_signals=True), names), ensure_ascii=False) + "\n"


def _replace(path: Path, text: str) -> bool:
    """Whether the file said something else; a reader sees the old or the new one, never a part."""
    body = text.encode("utf-8", "replace")
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_bytes() == body:
            return False
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_WORLD_READABLE)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        raise StoreError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return True
