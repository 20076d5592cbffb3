"""Many sources in the same trouble at once: operators get one counted message, and one when they are well again.

Where name resolution or the whole network is gone, each of hundreds of sources would be told by itself, bad and good
again. That so many fail alike is what is worth knowing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.health import HealthChange, Level, kind_of_trouble, level
from watcher.model import FetchReason, Recipient, Severity, Source, SourceState
from watcher.notices import say_at, send_notice, tell_about_source
from watcher.store import Store
from watcher.store.codec import decode_time, encode_time
from watcher.store.journal import Notice

STORM_AT_LEAST = 5  # sources; fewer are told one by one
STORM_SHARE = 0.1  # of all sources; among a thousand there are always some dozens whose servers are down
STORM_WITHIN = timedelta(minutes=30)  # sources that were told to be bad so lately belong to it
GATHER = timedelta(minutes=1)  # without another one, before they are counted and told
GATHER_LONGEST = timedelta(minutes=5)
READ_WITHIN = timedelta(days=1)  # sources not polled for so long are no longer configured
NAMED = 10  # sources or rules in a message; of more, the number

_KEY = "sources:"
_NETWORK = kind_of_trouble(FetchReason.UNREACHABLE)
_SAID = {
    FetchReason.SILENT: "are silent for longer than expected",
    FetchReason.EMPTY: "list nothing any more",
    FetchReason.ALL_UNDATED: "date none of their items",
    FetchReason.BAD_LINES: "have lines that cannot be used",
}


@dataclass(frozen=True, slots=True)
class _Storm:
    kind: str
    since_at: datetime
    count: int  # of sources, as told last; 0: not told yet
    changed_at: datetime

    @classmethod
    def of(cls, notice: Notice) -> _Storm:
        count, _, since = notice.state.partition(" since ")
        return cls(notice.key.removeprefix(_KEY), decode_time(since), int(count), notice.changed_at)

    def has(self, state: SourceState) -> bool:
        """Whether the source is one of those that are told together."""
        told_at = state.health.told_at
        return told_at is not None and told_at >= self.since_at and kind_of_trouble(state.health.told) == self.kind


def tell_about_change(
    store: Store,
    recipients: Iterable[Recipient],
    source: Source,
    before: SourceState,
    state: SourceState,
    change: HealthChange,
    now: datetime,
) -> bool:
    """Whether operators are told how a source does now by itself; else it is one of many. Needs an open transaction.

    ``state`` must be stored already.
    """
    storms = {storm.kind: storm for storm in _storms(store)}
    storm = storms.get(kind_of_trouble((before if change is HealthChange.GOOD_AGAIN else state).health.told))
    if change is HealthChange.GOOD_AGAIN:
        is_one_of_many = storm is not None and storm.has(before)
    else:
        is_one_of_many = storm is not None or _begins(store, kind_of_trouble(state.health.told), now)
    if not is_one_of_many:
        return tell_about_source(store, recipients, source, before, state, change, now)
    store.journal.change_notice(f"source:{source.id}", state.health.told.value, state.detail, now)
    return False


def tell_about_storms(
    store: Store,
    recipients: Sequence[Recipient],
    source_ids: Collection[str],
    blind: Callable[[], Sequence[str]],
    now: datetime,
) -> bool:
    """Whether operators are told of many sources at once, bad or good again; needs an open transaction.

    ``blind`` gives the ids of the rules that no live source feeds.
    """
    storms = _storms(store)
    if not storms:
        return False
    states = [state for state in store.articles.source_states() if state.source_id in source_ids]
    told = [_tell_of_storm(store, recipients, storm, states, blind, now) for storm in storms]
    return any(told)


def is_storm(store: Store, *, since: datetime | None = None) -> bool:
    """Whether many sources are in the same trouble now, and were not before that time."""
    return any(since is None or storm.since_at >= since for storm in _storms(store))


def _storms(store: Store) -> list[_Storm]:
    return [_Storm.of(notice) for notice in store.journal.notices(_KEY)]


def _begins(store: Store, kind: str, now: datetime) -> bool:
    states = [one for one in store.articles.source_states() if one.polled_at and one.polled_at > now - READ_WITHIN]
    count = sum(_is_new_in(one, kind, now) for one in states)
    if count < max(STORM_AT_LEAST, STORM_SHARE * len(states)):
        return False
    store.journal.change_notice(_KEY + kind, f"0 since {encode_time(now)}", "", now)
    return True


def _is_new_in(state: SourceState, kind: str, now: datetime) -> bool:
    """Whether the source is in that trouble, be it told or not, and not for long."""
    health = state.health
    is_known = level(health.told) is not Level.GOOD and health.told_at is not None
    is_old = is_known and health.told_at is not None and health.told_at < now - STORM_WITHIN
    return level(health.state) is not Level.GOOD and kind_of_trouble(health.state) == kind and not is_old


def _tell_of_storm(
    store: Store,
    recipients: Sequence[Recipient],
    storm: _Storm,
    states: Sequence[SourceState],
    blind: Callable[[], Sequence[str]],
    now: datetime,
) -> bool:
    bad = [state for state in states if storm.has(state)]
    good = [one for one in states if _is_good_since(one, storm)]
    if not storm.count:
        last_bad_at = max((one.health.told_at or now for one in bad), default=storm.changed_at)
        if now - last_bad_at < GATHER and now - storm.changed_at < GATHER_LONGEST:
            return False
        also = [one for one in states if one not in bad and _is_new_in(one, storm.kind, now)]
        _tell_bad(store, recipients, storm, [*bad, *also], len(states), blind(), now)
        _keep(store, storm, max(len(bad) + len(also), 1), now)
        return True
    last_good_at = max((one.health.told_at or now for one in good), default=storm.since_at)
    if bad and (2 * len(bad) > storm.count or now - last_good_at < GATHER):
        return False
    _tell_good(store, recipients, storm, bad, now)
    if len(bad) < STORM_AT_LEAST:  # they are told one by one from now on
        store.journal.clear_notice(_KEY + storm.kind)
    else:
        _keep(store, storm, len(bad), now)
    return True


def _keep(store: Store, storm: _Storm, count: int, now: datetime) -> None:
    store.journal.change_notice(_KEY + storm.kind, f"{count} since {encode_time(storm.since_at)}", "", now)


def _is_good_since(state: SourceState, storm: _Storm) -> bool:
    health = state.health
    return level(health.told) is Level.GOOD and health.told_at is not None and health.told_at > storm.since_at


def _tell_bad(
    store: Store,
    recipients: Sequence[Recipient],
    storm: _Storm,
    bad: Sequence[SourceState],
    total: int,
    blind: Sequence[str],
    now: datetime,
) -> None:
    reasons = Counter(state.health.state for state in bad)
    words = _SAID.get(next(iter(reasons)), "")
    if not words:
        words = "cannot be read: " + ", ".join(reason.value for reason, _ in reasons.most_common())
    is_ours = storm.kind == _NETWORK and 2 * len(bad) >= total
    guess = "the network of this machine, or its name resolution" if is_ours else "one cause, since they fail alike"
    details = Counter(state.detail for state in bad if state.detail)
    lines = [
        f"Probably {guess}.",
        *(detail for detail, _ in details.most_common(1)),
        _names([state.source_id for state in bad]),
        *([f"Rules that can see nothing meanwhile: {_names(blind)}"] if blind else []),
        "The sources are polled on, with growing pauses, and at once when one of them can be read again. They are not "
        "told one by one; `watcher sources` lists them.",
    ]
    headline = f"{len(bad)} of {total} sources {words}"
    send_notice(store, recipients, f"storm {storm.kind} {headline}", headline, "\n".join(lines), Severity.WARNING, now)


def _tell_good(
    store: Store, recipients: Sequence[Recipient], storm: _Storm, bad: Sequence[SourceState], now: datetime
) -> None:
    headline = f"{storm.count - len(bad)} of {storm.count} sources work again"
    lines = [f"They were in trouble since {say_at(storm.since_at)}."]
    if bad:
        lines.append(f"Not yet: {_names([state.source_id for state in bad])}")
    send_notice(store, recipients, f"storm {storm.kind} {headline}", headline, "\n".join(lines), Severity.WATCH, now)


def _names(ids: Sequence[str]) -> str:
    named = ", ".join(ids[:NAMED])
    return f"{named} and {len(ids) - NAMED} more." if len(ids) > NAMED else f"{named}."
