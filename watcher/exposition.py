"""The text that Prometheus reads, from plain counters; the library's global registry is not used."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import Metric

Labels = str | tuple[str, ...]  # names; empty: none
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """Durations in seconds, counted by upper bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Nothing; one more."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulative counts by bound as Prometheus spells them, and the sum."""
        total, found = 0, []
        for bound, count in zip((*map(float, self._bounds), float("inf")), self._counts, strict=True):
            total += count
            found.append(("+Inf" if bound == float("inf") else repr(bound), float(total)))
        return found, self._sum


def counter(name: str, text: str, labels: Labels, counts: Mapping[Any, float]) -> Metric:
    """A counter, whose name gets ``_total``, with a series for each key: the labels' values."""
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(name, text, labels=_tuple(labels)), counts)


def gauge(name: str, text: str, labels: Labels, values: Mapping[Any, float]) -> Metric:
    """A gauge with a series for each key: the labels' values."""
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(name, text, labels=_tuple(labels)), values)


def histogram(name: str, text: str, labels: Labels, histograms: Mapping[Any, Histogram]) -> Metric:
    """A histogram with a set of series for each key: the labels' values."""
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, text, labels=_tuple(labels))
    for key, one in histograms.items():
        family.add_metric(_values(key), *one.buckets())
    return family


def render(metrics: Sequence[Metric]) -> str:
    """The text of these and of the process itself (memory, processor time, open files)."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Collected(metrics))
    return generate_latest(registry).decode()


class _Collected:
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _filled(family: Any, values: Mapping[Any, float]) -> Metric:
    for key, value in values.items():
        family.add_metric(_values(key), float(value))
    return family  # type: ignore[no-any-return]


def _tuple(labels: Labels) -> tuple[str, ...]:
    if isinstance(labels, tuple):
        return labels
    return (labels,) if labels else ()


def _values(key: Any) -> list[str]:
    """The values of the labels: words of our own in the form of names, "not modified" as "not_modified"."""
    parts = key if isinstance(key, tuple) else (key,) if key != "" else ()
    return [part.value.replace(" ", "_") if isinstance(part, StrEnum) else str(part) for part in parts]
