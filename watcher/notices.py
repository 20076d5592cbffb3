"""Telling operators, once for each change, what the daemon cannot do or can do again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from watcher.health import BlindRule, HealthChange
from watcher.model import AlertKind, DeliveryState, FetchReason, Recipient, Severity, Source, SourceState
from watcher.routing import compose_notice, join_words, route_notice
from watcher.sequence import show_span
from watcher.store import Store
from watcher.store.codec import encode_time
from watcher.store.journal import Outage
from watcher.timing import repeats_soon

UNCERTAIN_COUNTED = 1000  # more is all the same
NAMED_RULES = 3  # in a headline; of more, the number


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
    send_notice(store, recipients, f"{key} {state}", headline, body, severity, now)
    return True


def send_notice(
    store: Store,
    recipients: Iterable[Recipient],
    key: str,
    headline: str,
    body: str,
    severity: Severity,
    now: datetime,
) -> None:
    """Nothing; operators get that message, whatever they were told before; needs an open transaction."""
    alert = compose_notice(f"{key} {encode_time(now)}", headline, body, severity, now)
    store.events.save_alert(alert)
    store.outbox.add(route_notice(alert, recipients, now))


def tell_about_source(
    store: Store,
    recipients: Iterable[Recipient],
    source: Source,
    before: SourceState,
    state: SourceState,
    change: HealthChange,
    now: datetime,
) -> bool:
    """Whether operators are told how a source does now, and did ``before``; needs an open transaction."""
    good = change is HealthChange.GOOD_AGAIN
    lines = [] if good else [_explained(source, state), source.url]
    if state.lost_at == now and before.ok_at is not None:
        since = say_at(before.ok_at)
        lines.insert(0, f"Items may have gone by unseen: it lists nothing any more that was there on {since}.")
    return tell_operators(
        store,
        recipients,
        now,
        key=f"source:{source.id}",
        state=state.health.told.value,
        headline=f"Source {source.id} {_said_of(before, state, change)}",
        body="\n".join(line for line in lines if line),
        severity=Severity.WATCH if good else Severity.WARNING,
    )


def _said_of(before: SourceState, state: SourceState, change: HealthChange) -> str:
    if change is HealthChange.GOOD_AGAIN:
        return "publishes again" if before.health.told is FetchReason.SILENT else "works again"
    again = "can be read again, but " if change is HealthChange.BETTER else ""
    match state.health.told:
        case FetchReason.SILENT:
            last = state.new_item_at or state.baseline_at
            return f"{again}has been silent since {say_at(last) if last else 'its first poll'}"
        case FetchReason.EMPTY:
            return f"{again}lists nothing any more" if state.new_item_at else "answers with nothing"
        case FetchReason.ALL_UNDATED:
            return f"{again}dates none of its items"
        case FetchReason.BAD_LINES:
            return f"{again}has lines that cannot be used"
    return f"cannot be read: {state.health.told.value}"


def _explained(source: Source, state: SourceState) -> str:
    match state.health.told:
        case FetchReason.SILENT:
            return f"Something new is expected every {show_span(source.expect_every)}." if source.expect_every else ""
        case FetchReason.EMPTY:
            return "It had items before, so this may be a page that hides them." if state.new_item_at else state.detail
        case FetchReason.ALL_UNDATED:
            return "Its items are read all the same; alerts say that their date is unknown."
        case FetchReason.BAD_LINES:
            return f"{state.detail}\nThe other lines are read."
    return f"{state.detail}\nIt is polled on, with growing pauses."


def say_at(at: datetime) -> str:
    """The time for people."""
    return f"{at:%d %b %H:%M} UTC"


def tell_about_outage(
    store: Store,
    recipients: Iterable[Recipient],
    outage: Outage,
    lost: Sequence[str],
    unread: Sequence[str],
    now: datetime,
) -> None:
    """Nothing; operators know when nothing was read, and what may be missing for good; needs an open transaction.

    ``lost`` are the ids of sources that list nothing any more of what they listed before, ``unread`` of those that
    could not be read since.
    """
    span = f"{say_at(outage.from_at)} to {say_at(outage.until_at)}"
    lines = []
    if lost:
        lines.append(f"Nothing that they listed before is listed any more: {', '.join(lost)}.")
    if unread:
        lines.append(f"Not read since, so not known: {', '.join(unread)}.")
    if not lines:
        lines.append("Every source still listed what it had before, so nothing of it was missed.")
    count = f"{len(lost)} source{'s' if len(lost) > 1 else ''} may have lost items"
    headline = f"Offline from {span}" + (f"; {count}" if lost else "")
    severity = Severity.WARNING if lost or unread else Severity.WATCH
    send_notice(store, recipients, f"outage {encode_time(outage.from_at)}", headline, "\n".join(lines), severity, now)
    store.journal.settle_outage(outage)


def overdue_since(store: Store, every: timedelta, now: datetime) -> datetime | None:
    """When the next drill was due; None where it is not yet. Before the first one it counts from the first run."""
    last = [drill.started_at for drill in store.drills.latest()]
    began = last[0] if last else store.journal.first_run_at()
    due = None if began is None else began + every
    return due if due is not None and due < now else None


def tell_about_drill(store: Store, recipients: Iterable[Recipient], every: timedelta, now: datetime) -> bool:
    """Whether operators are reminded of a drill, once each time that one is overdue; needs an open transaction."""
    due = overdue_since(store, every, now)
    if due is None:
        store.journal.clear_notice("drill")
        return False
    last = [f"The last one was on {say_at(drill.started_at)}." for drill in store.drills.latest()]
    return tell_operators(
        store,
        recipients,
        now,
        key="drill",
        state=f"overdue since {encode_time(due)}",
        headline="A drill is overdue",
        body=" ".join([*(last or ["There was none yet."]), "watcher drill sends an exercise to everybody."]),
        severity=Severity.WATCH,
    )


def tell_about_clock(store: Store, recipients: Iterable[Recipient], by: timedelta, now: datetime) -> None:
    """Nothing; operators know that the clock was set, and by how much; needs an open transaction."""
    way = "forward" if by > timedelta(0) else "back"
    body = "Polls and messages go on as planned. Times of reports and alerts before and after differ by so much."
    headline = f"The clock of this machine was set {way} by {_span(abs(by))}"
    send_notice(store, recipients, f"clock {by.total_seconds()}", headline, body, Severity.WATCH, now)


def _span(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"


def tell_about_unknown_recipients(
    store: Store, recipients: Sequence[Recipient], wanted: Mapping[str, Iterable[str]], now: datetime
) -> bool:
    """Whether operators are told which rules name recipients that do not exist; needs an open transaction.

    ``wanted`` are the names by rule id. Told again only when they change.
    """
    known = {recipient.id for recipient in recipients}
    lines = [
        f"{rule_id}: {', '.join(missing)}"
        for rule_id in sorted(wanted)
        if (missing := sorted({*wanted[rule_id]} - known))
    ]
    if not lines:
        store.journal.clear_notice("unknown-recipients")
        return False
    count = f"{len(lines)} rules name recipients" if len(lines) > 1 else "A rule names a recipient"
    return tell_operators(
        store,
        recipients,
        now,
        key="unknown-recipients",
        state="; ".join(lines),
        headline=f"{count} not in the configuration, who get{'' if len(lines) > 1 else 's'} nothing",
        body="\n".join(lines),
    )


def tell_about_uncertain(store: Store, recipients: Iterable[Recipient], now: datetime) -> bool:
    """Whether operators are told, in one message, that messages may not have arrived; needs an open transaction.

    Told once for all that become so until the last of them is settled. Notices do not count, nor what is sent again
    at once.
    """
    waiting = [
        one
        for one in store.outbox.entries(states=(DeliveryState.UNCERTAIN,), limit=UNCERTAIN_COUNTED)
        if one.kind is not AlertKind.NOTICE and not repeats_soon(one.delivery.channel, one.severity)
    ]
    if not waiting:
        store.journal.clear_notice("uncertain")
        return False
    count = len(waiting)
    recipient_ids = sorted({one.delivery.recipient_id for one in waiting})
    again_at = min(one.delivery.not_before_at for one in waiting)
    return tell_operators(
        store,
        recipients,
        now,
        key="uncertain",
        state="some",
        headline=f"{count} messages may not have arrived" if count > 1 else "A message may not have arrived",
        body=f"No answer came from the server: to {join_words(recipient_ids)}.\n"
        f"Sent again from {again_at:%H:%M} UTC on, marked as a possible repetition, unless somebody says that it "
        "arrived: `watcher outbox` lists it, `watcher outbox settle ID` settles it.",
    )


def tell_about_lost_rules(
    store: Store, recipients: Sequence[Recipient], lost: Mapping[str, Sequence[str]], now: datetime
) -> bool:
    """Whether operators are told which subscriptions name rules that do not exist; needs an open transaction.

    ``lost`` are the names by subscription. Told again only when they change.
    """
    lines = [f"{recipient_id}: {', '.join(names)}" for recipient_id, names in sorted(lost.items())]
    return tell_operators(
        store,
        recipients,
        now,
        key="lost-rules",
        state="; ".join(lines),
        headline=f"{len(lines)} subscription{'s name' if len(lines) > 1 else ' names'} rules that exist no longer",
        body="\n".join((*lines, "Nothing is sent for these names; /settings in the chat shows and removes them.")),
    )


def _rules(rule_ids: Sequence[str]) -> str:
    if len(rule_ids) > NAMED_RULES:
        return f"{len(rule_ids)} rules"
    return f"{'Rule' if len(rule_ids) == 1 else 'Rules'} {join_words(rule_ids)}"


def tell_about_blind_rules(
    store: Store,
    recipients: Iterable[Recipient],
    blind: Sequence[BlindRule],
    rule_ids: Iterable[str],
    now: datetime,
    *,
    at_start: bool,
) -> bool:
    """Whether operators are told, in one message, which rules went blind or see again; needs an open transaction.

    ``rule_ids`` are those of every rule: what is gone is forgotten without a word. Rules that no source was meant to
    feed are told ``at_start`` only, and after a reload.
    """
    known = {notice.key.removeprefix("blind:") for notice in store.journal.notices("blind:")}
    still = {one.rule_id for one in blind}
    for rule_id in known - still:
        store.journal.clear_notice(f"blind:{rule_id}")
    new = [
        one
        for one in blind
        if (at_start or not one.is_so_configured)
        and store.journal.change_notice(
            f"blind:{one.rule_id}", "unfed" if one.is_so_configured else "blind", one.why, now
        )
    ]
    seeing = sorted((known - still) & set(rule_ids))
    if not new and not seeing:
        return False
    said = [_rules([one.rule_id for one in new]) + " can see nothing"] if new else []
    said += [_rules(seeing) + " can see again"] if seeing else []
    severity = Severity.WATCH if all(one.is_so_configured for one in new) else Severity.WARNING
    headline = "; ".join(said)
    reasons = dict.fromkeys(one.why for one in new)
    body = "\n".join(f"{', '.join(one.rule_id for one in new if one.why == why)}: {why}" for why in reasons)
    send_notice(store, recipients, f"blind {headline}", headline, body, severity, now)
    return True
