"""A picture of alerts over time, through matplotlib, which is only needed for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from watcher.errors import WatcherError

FORMATS = (".png", ".svg")


def plot_alerts(bars: Mapping[str, Counter[str]], span: str, path: Path) -> None:
    """Nothing; writes a chart of stacked bars, by label, of how many alerts of each rule there were.

    Raises `WatcherError` where matplotlib is not installed or the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise WatcherError(f"{path}: expected a name that ends in {' or '.join(FORMATS)}")
    try:
        from matplotlib import colormaps
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise WatcherError("--plot needs matplotlib, which is not installed: pip install matplotlib") from error
    tab20 = colormaps["tab20"]
    totals: Counter[str] = Counter()
    for count in bars.values():
        totals.update(count)
    figure = Figure(figsize=(max(8.0, min(len(bars) / 6, 24.0)), 4.5), layout="constrained")
    axes = figure.subplots()
    places = range(len(bars))
    bottom = [0] * len(bars)
    for index, (rule_id, _) in enumerate(totals.most_common()):
        heights = [count[rule_id] for count in bars.values()]
        axes.bar(places, heights, bottom=bottom, width=0.9, label=rule_id, color=tab20(index % tab20.N))
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    every = max(1, -(-len(bars) // 12))  # a dozen labels can be read
    axes.set_xticks(places[::every], list(bars)[::every], rotation=30, ha="right")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(f"Alerts per {span}")
    axes.set_ylabel("alerts")
    if totals:
        axes.legend(fontsize="small")
    try:
        # Without a date the same history gives the same file.
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise WatcherError(f"{path}: {(error.strerror or str(error)).lower()}") from error
