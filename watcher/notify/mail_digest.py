"""A digest or a summary as a mail: a table, counts, a chart over time; for the eye, the ear and plain text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from watcher.model import Alert, AlertKind, DigestItem, EventChange, Held, Recipient, Severity, Toll
from watcher.render import clean, isolate, safe_url, shorten
from watcher.wording import Wording

_HEADLINE_CHARS = 300
_NAME_CHARS = 80
_STATES_COUNTED = 12  # more, each with one alert or two, tell a reader nothing
_BARS = 24  # as many as can be told apart on a telephone
_STEPS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 180, 360, 720, 1440, 10080))
_BAR_CHARS = 30  # of the longest bar; a line of text on a telephone holds some forty
_BLOCK = "■"
_WHY = {Held.DIGEST: "why_digest", Held.QUIET: "why_quiet", Held.BUDGET: "why_budget", None: "why_muted"}


@dataclass(frozen=True, slots=True)
class Bar:
    """How many alerts came in one stretch of time."""

    label: str  # when it begins, in local time
    count: int


@dataclass(frozen=True, slots=True)
class DigestParts:
    """What a digest says, in both forms, without greeting and footer."""

    subject: str
    lead: str  # why it is one message
    text: str
    html: str
    bars: tuple[Bar, ...]  # none: a single stretch of time needs no chart


def digest_parts(
    alert: Alert, names: Callable[[str], str], wording: Wording, recipient: Recipient | None, picture: str | None
) -> DigestParts:
    """The digest in words and tables; ``picture`` is the Content-ID of its chart, None where there is no picture."""
    zone = zone_of(recipient)
    bars = bars_of(alert.items, zone)
    counts = _counts(alert.items, names, wording)
    key = "digest_subject" if alert.kind is AlertKind.DIGEST else "summary_subject"
    subject = wording.count(f"mail.{key}", len(alert.items))
    grave = [f"{wording.say(f'common.{severity.label}')} {count}" for severity, count in _severities(alert.items)]
    return DigestParts(
        subject=f"{subject} ({', '.join(grave)})",
        lead=wording.say(f"mail.{_WHY[alert.held_for]}"),
        text=_text(alert.items, counts, bars, names, wording, zone),
        html=_html(alert.items, counts, bars, names, wording, zone, picture),
        bars=bars,
    )


def zone_of(recipient: Recipient | None) -> ZoneInfo:
    """The zone that the recipient lives by, as far as its settings say so; else UTC."""
    named = (recipient.digest or recipient.quiet_hours) if recipient else None
    return ZoneInfo(named.zone if named else "UTC")


def bars_of(items: Sequence[DigestItem], zone: ZoneInfo) -> tuple[Bar, ...]:
    """The alerts over time in at most 24 stretches of one length, empty ones included; none where one holds all."""
    if not items:
        return ()
    moments = sorted(item.at.astimezone(UTC) for item in items)
    step = next((step for step in _STEPS if _slots(moments, step, zone) <= _BARS), _STEPS[-1])
    first = _floor(moments[0], step, zone)
    counts = Counter((moment - first) // step for moment in moments)
    if len(counts) < 2:
        return ()
    form = "%m-%d" if step >= timedelta(days=1) else "%H:%M"
    if step < timedelta(days=1) and moments[-1] - moments[0] >= timedelta(days=1):
        form = "%m-%d %H:%M"
    # Of a longer time than the steps foresee the latest stretches are shown.
    slots = range(max(counts) + 1)[-_BARS:]
    return tuple(Bar(f"{(first + slot * step).astimezone(zone):{form}}", counts[slot]) for slot in slots)


def _slots(moments: Sequence[datetime], step: timedelta, zone: ZoneInfo) -> int:
    return (moments[-1] - _floor(moments[0], step, zone)) // step + 1


def _floor(moment: datetime, step: timedelta, zone: ZoneInfo) -> datetime:
    """The beginning of the stretch, counted from midnight where the reader lives."""
    midnight = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return midnight + (moment - midnight) // step * step


def _severities(items: Iterable[DigestItem]) -> list[tuple[Severity, int]]:
    return sorted(Counter(item.severity for item in items).items(), reverse=True)


def _counts(
    items: Sequence[DigestItem], names: Callable[[str], str], wording: Wording
) -> dict[str, list[tuple[str, int]]]:
    """Each heading with what is counted under it, most first."""
    kinds = Counter(item.family for item in items)
    states = Counter(code for item in items for code in item.states)
    by_state = [(names(code), count) for code, count in _most_first(states)[:_STATES_COUNTED]]
    if more := len(states) - len(by_state):
        rest = sum(states.values()) - sum(count for _, count in by_state)
        by_state.append((wording.count("mail.more_states", more), rest))
    if stateless := sum(not item.states for item in items):
        by_state.append((wording.say("mail.no_states"), stateless))
    return {
        wording.say("mail.by_severity"): [
            (wording.say(f"common.{severity.label}"), count) for severity, count in _severities(items)
        ],
        wording.say("mail.by_kind"): [(_kind(kind, wording), count) for kind, count in _most_first(kinds)],
        wording.say("mail.by_state"): by_state,
    }


def _most_first(counted: Mapping[str, int] | Mapping[str | None, int]) -> list[tuple[str, int]]:
    return sorted(((key or "", count) for key, count in counted.items()), key=lambda one: (-one[1], one[0]))


def _kind(family: str | None, wording: Wording) -> str:
    """What people call the family; the operator's own word where it is theirs."""
    if not family:
        return wording.say("mail.about_watcher")
    usual = f"settings.family_{family.replace('-', '_')}"
    return wording.say(usual) if usual in wording.forms else shorten(clean(family), _NAME_CHARS, len)


def _toll(toll: Toll | None) -> str:
    """The toll in signs that need no language: "≥12", "105", "90–105"."""
    if toll is None:
        return ""
    if toll.at_most is None:
        return f"≥{toll.at_least}"
    return str(toll.at_least) if toll.at_most <= toll.at_least else f"{toll.at_least}–{toll.at_most}"


def _headline(item: DigestItem) -> str:
    return shorten(clean(item.headline), _HEADLINE_CHARS, len)


def _notes(item: DigestItem, wording: Wording) -> list[str]:
    is_update = bool(item.changes) and EventChange.OPENED not in item.changes
    notes = [wording.say("mail.update")] if is_update else []
    if item.folded:
        notes.append(wording.count("mail.more_updates", item.folded))
    if item.was_sent:
        notes.append(wording.say("mail.sent_already"))
    return notes


def _at(item: DigestItem, zone: ZoneInfo) -> str:
    return f"{item.at.astimezone(zone):%Y-%m-%d %H:%M}"


def _text(
    items: Sequence[DigestItem],
    counts: Mapping[str, Sequence[tuple[str, int]]],
    bars: Sequence[Bar],
    names: Callable[[str], str],
    wording: Wording,
    zone: ZoneInfo,
) -> str:
    """A list, because columns fall apart in the proportional letters that most mail programs show."""
    blocks = [_text_item(number, item, names, wording, zone) for number, item in enumerate(items, start=1)]
    blocks.append(wording.say("mail.times_in", zone=zone.key))
    for heading, counted in counts.items():
        lines = [f"  {wording.say('mail.fact', name=isolate(name), value=count)}" for name, count in counted]
        blocks.append("\n".join([heading, *lines]))
    if bars:
        blocks.append("\n".join([wording.say("mail.over_time"), *map(_text_bar, bars, _widths(bars))]))
    return "\n\n".join(blocks)


def _text_item(number: int, item: DigestItem, names: Callable[[str], str], wording: Wording, zone: ZoneInfo) -> str:
    facts = [", ".join(map(names, item.states))]
    if toll := _toll(item.killed):
        facts.append(wording.say("mail.fact", name=wording.say("mail.killed"), value=toll))
    if item.publisher:
        source = isolate(shorten(clean(item.publisher), _NAME_CHARS, len))
        facts.append(wording.say("mail.fact", name=wording.say("mail.source"), value=source))
    facts += _notes(item, wording)
    severity = wording.say(f"common.{item.severity.label}").upper()
    lines = [
        f"{number}. {severity} · {_at(item, zone)}",
        f"   {isolate(_headline(item))}",
        f"   {' · '.join(fact for fact in facts if fact)}",
        f"   {safe_url(item.url) or ''}",
        f"   {wording.say('mail.alert')} {item.alert_id}",
    ]
    return "\n".join(line for line in lines if line.strip())


def _widths(bars: Sequence[Bar]) -> list[int]:
    most = max(bar.count for bar in bars)
    # Nothing has no bar, and whatever there is has one, however little.
    return [-(-bar.count * min(most, _BAR_CHARS) // most) for bar in bars]


def _text_bar(bar: Bar, width: int) -> str:
    return f"  {bar.label}  {bar.count}  {_BLOCK * width}".rstrip()


def _html(
    items: Sequence[DigestItem],
    counts: Mapping[str, Sequence[tuple[str, int]]],
    bars: Sequence[Bar],
    names: Callable[[str], str],
    wording: Wording,
    zone: ZoneInfo,
    picture: str | None,
) -> str:
    columns = ("time", "severity", "what", "states", "killed", "source", "alert")
    rows = [_row(item, names, wording, zone) for item in items]
    blocks = [
        _table([wording.say(f"mail.{column}") for column in columns], rows),
        f"<p>{escape(wording.say('mail.times_in', zone=zone.key))}</p>",
    ]
    for heading, counted in counts.items():
        rows = [[f'<th scope="row">{_own(name)}</th>', _cell(str(count))] for name, count in counted]
        blocks.append(f"<h2>{escape(heading)}</h2>\n{_table((), rows)}")
    if bars:
        blocks.append(f"<h2>{escape(wording.say('mail.over_time'))}</h2>\n{_chart(bars, wording, picture)}")
    return "\n".join(blocks)


def _row(item: DigestItem, names: Callable[[str], str], wording: Wording, zone: ZoneInfo) -> list[str]:
    headline = _own(_headline(item))
    if url := safe_url(item.url):
        headline = f'<a href="{escape(url)}">{headline}</a>'
    if notes := _notes(item, wording):
        headline += f"<br>({escape(', '.join(notes))})"
    return [
        _cell(_at(item, zone)),
        _cell(wording.say(f"common.{item.severity.label}")),
        f"<td>{headline}</td>",
        _cell(", ".join(map(names, item.states))),
        _cell(_toll(item.killed)),
        f"<td>{_own(shorten(clean(item.publisher), _NAME_CHARS, len))}</td>",
        _cell(item.alert_id),
    ]


def _chart(bars: Sequence[Bar], wording: Wording, picture: str | None) -> str:
    if picture is None:
        rows = [
            [f'<th scope="row">{escape(bar.label)}</th>', _cell(str(bar.count)), _cell(_BLOCK * width)]
            for bar, width in zip(bars, _widths(bars), strict=True)
        ]
        return _table((), rows)
    told = ", ".join(f"{bar.label}: {bar.count}" for bar in bars if bar.count)
    return f'<img src="cid:{escape(picture)}" alt="{escape(wording.say("mail.chart_alt", bars=told))}">'


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose lines have the colour of the letters; the attributes are for programs that drop style sheets."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    thead = f"<thead><tr>{head}</tr></thead>\n" if head else ""
    return f'<table border="1" cellpadding="5" cellspacing="0">\n{thead}<tbody>\n{body}\n</tbody></table>'


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _own(text: str) -> str:
    """Words of somebody else, whose direction stays with them."""
    return f"<bdi>{escape(text)}</bdi>"
