"""A picture of an event's reports over time, a row for each voice; matplotlib draws it where it is installed.

No words are in it but names and times: it reads the same in every language. One style, light on dark slate, so that it
glares in no dark chat and stands out in a light one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from watcher.model import Event, Report
from watcher.render import clean, shorten

_ROWS = 9  # that can be read on a telephone; the last stands for all further voices
_NAME_CHARS = 22
_INK, _PAPER, _LINE = "#e6e9ef", "#1f2630", "#4a5565"
# Told apart by people who do not see all colours, too: https://jfly.uni-koeln.de/color/
_CONFIRMS, _OTHER, _COPY = "#56b4e9", "#e69f00", "#8793a5"
# Of years, months, days, hours, minutes and seconds: in figures, which need no language.
_TICKS = ["%Y", "%m", "%d", "%H:%M", "%H:%M", "%H:%M:%S"]
_ROUND_TICKS = ["", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M"]
_OFFSETS = ["", "%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d %H:%M"]
_INCHES, _DPI = (6.0, 4.5), 180  # 1080 x 810: as wide as a telephone


@dataclass(frozen=True, slots=True)
class Lane:
    """The reports of one voice."""

    name: str
    confirms: bool
    own_at: tuple[datetime, ...]  # dates of what it reports itself, sorted
    copies_at: tuple[datetime, ...]


def lanes_of(event: Event) -> tuple[Lane, ...]:
    """The event's reports by voice, the first voice first; the last row stands for those that do not fit."""
    confirming = {voice.name for voice in event.voices if voice.confirms}
    by_voice: dict[str, list[Report]] = {}
    for report in sorted(event.reports, key=_date):
        by_voice.setdefault(report.voice or report.publisher, []).append(report)
    lanes = [_lane(name, name in confirming, reports) for name, reports in by_voice.items()]
    if len(lanes) > _ROWS:
        rest = [report for name in list(by_voice)[_ROWS - 1 :] for report in by_voice[name]]
        lanes = [*lanes[: _ROWS - 1], _lane(f"+{len(lanes) - _ROWS + 1}", False, rest)]
    return tuple(lanes)


def _lane(name: str, confirms: bool, reports: Sequence[Report]) -> Lane:
    own = sorted(_date(report) for report in reports if report.copy_of is None)
    copies = sorted(_date(report) for report in reports if report.copy_of is not None)
    return Lane(name, confirms, tuple(own), tuple(copies))


def _date(report: Report) -> datetime:
    return report.published_at or report.first_seen_at


def can_draw() -> bool:
    """Whether there is what draws pictures."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def draw_chart(lanes: Sequence[Lane]) -> tuple[bytes, tuple[str, ...]]:
    """The picture as PNG, and the names of those rows that it can only number, by number; needs matplotlib.

    Takes a second of computing: not for the event loop. The same lanes give the same picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure

    labels, numbered = _labels(lanes)
    in_days: Any = date2num  # has no types
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained", facecolor=_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_facecolor(_PAPER)
    for row, lane in enumerate(lanes):
        axes.axhline(row, color=_LINE, linewidth=0.8, zorder=1)
        color = _CONFIRMS if lane.confirms else _OTHER
        own, copies = (in_days(dates) for dates in (lane.own_at, lane.copies_at))
        axes.scatter(copies, [row] * len(copies), s=55, facecolors=_PAPER, edgecolors=_COPY, zorder=2)
        axes.scatter(own, [row] * len(own), s=95, color=color, marker="o" if lane.confirms else "D", zorder=3)
    axes.set_yticks(range(len(lanes)), labels)
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    dates = [at for lane in lanes for at in (*lane.own_at, *lane.copies_at)]
    room = max((max(dates) - min(dates)) / 15, timedelta(minutes=10))  # beside the first and the last
    axes.set_xlim(*in_days([min(dates) - room, max(dates) + room]))
    locator = AutoDateLocator(tz=UTC, maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(locator, UTC, _TICKS, _OFFSETS, _ROUND_TICKS)  # type: ignore[no-untyped-call]
    )
    axes.set_xlabel("UTC", color=_INK, fontsize=11, loc="left")
    axes.tick_params(colors=_INK, labelsize=12, length=0)
    axes.xaxis.get_offset_text().set_color(_INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    file = BytesIO()
    figure.savefig(file, format="png", facecolor=_PAPER, metadata={"Software": None})
    return file.getvalue(), numbered


def _labels(lanes: Sequence[Lane]) -> tuple[list[str], tuple[str, ...]]:
    """What stands beside each row; matplotlib neither joins nor turns letters, and its font lacks many."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    labels, numbered = [], []
    for lane in lanes:
        name = shorten(clean(lane.name), _NAME_CHARS, len)
        if all(ord(letter) in known and unicodedata.bidirectional(letter) not in ("R", "AL") for letter in name):
            labels.append(name.replace("$", r"\$"))  # between two of them it would read formulas
        else:
            numbered.append(name)
            labels.append(f"[{len(numbered)}]")
    return labels, tuple(numbered)


def text_chart(lanes: Sequence[Lane]) -> tuple[str, ...]:
    """A line for each voice: a full mark for each report, an empty one for each copy, at most twelve marks."""
    lines = []
    for lane in lanes:
        marks = ("●" if lane.confirms else "◆") * len(lane.own_at) + "○" * len(lane.copies_at)
        first = min((*lane.own_at, *lane.copies_at))
        shown = marks if len(marks) <= 12 else f"{marks[:11]}…"
        lines.append(f"{first.astimezone(UTC):%m-%d %H:%M} {shown} {shorten(clean(lane.name), _NAME_CHARS, len)}")
    return tuple(lines)
