"""The chart of a digest as a picture, through matplotlib where that is installed (the optional extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from io import BytesIO

from watcher.notify.mail_digest import Bar

# Read as well on white as on black: 4.5:1 on either, what WCAG 2 asks of small letters.
_INK = "#767676"
_BAR = "#c8553d"
_LABELS = 8  # along the axis
_DPI = 110


def can_draw() -> bool:
    """Whether pictures can be drawn here; costs no import."""
    return find_spec("matplotlib") is not None


def draw_bars(bars: Sequence[Bar]) -> bytes:
    """The bars as a PNG without background; no words in it, because words are translated and read aloud beside it."""
    from matplotlib.figure import Figure  # takes half a second: only where a digest is drawn
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.subplots()
    places = range(len(bars))
    axes.bar(places, [bar.count for bar in bars], width=0.8, color=_BAR)
    every = -(-len(bars) // _LABELS)
    axes.set_xticks(places[::every], [bar.label for bar in bars][::every])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(colors=_INK, labelsize=9)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_INK)
    picture = BytesIO()
    # Without the program's name in it the same digest is the same file.
    figure.savefig(picture, format="png", dpi=_DPI, transparent=True, metadata={"Software": None})
    return picture.getvalue()
