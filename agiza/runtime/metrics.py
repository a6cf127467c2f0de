"""Metrics by name. The name is a type: a typo, or an observation of a counter, does not pass the type checker.

    metrics = Metrics()
    metrics.add("voice_calls_total", outcome="placed")
    with metrics.timed("webhook_answer_seconds", callback="voice"): ...
    metrics.render()                       # Prometheus text

The names with their meaning stand in :mod:`agiza.runtime.metric_names`. Labels never hold a call id or a number.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from agiza.runtime.metric_names import COUNTERS, GAUGES, HISTOGRAMS, CounterName, GaugeName, HistogramName

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """All metrics of one process. A metric appears in the output once it has been used.

    Exactly the labels of the table must be given; others raise ValueError. In a hot path, keep what
    :meth:`counter`, :meth:`gauge` or :meth:`histogram` returns.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._counters: dict[CounterName, Counter] = {}
        self._gauges: dict[GaugeName, Gauge] = {}
        self._histograms: dict[HistogramName, Histogram] = {}

    def counter(self, name: CounterName, **labels: str) -> Counter:
        """The counter with these labels; ``.inc()`` it."""
        metric = self._counters.get(name)
        if metric is None:
            spec = COUNTERS[name]
            metric = self._counters[name] = Counter(name, spec.meaning, spec.labels, registry=self._registry)
        return metric.labels(**labels) if COUNTERS[name].labels or labels else metric

    def gauge(self, name: GaugeName, **labels: str) -> Gauge:
        """The gauge with these labels; ``.set()``, ``.inc()`` or ``.dec()`` it."""
        metric = self._gauges.get(name)
        if metric is None:
            spec = GAUGES[name]
            metric = self._gauges[name] = Gauge(name, spec.meaning, spec.labels, registry=self._registry)
        return metric.labels(**labels) if GAUGES[name].labels or labels else metric

    def histogram(self, name: HistogramName, **labels: str) -> Histogram:
        """The histogram with these labels; ``.observe()`` it."""
        metric = self._histograms.get(name)
        if metric is None:
            spec = HISTOGRAMS[name]
            metric = self._histograms[name] = Histogram(
                name, spec.meaning, spec.labels, buckets=spec.buckets, registry=self._registry
            )
        return metric.labels(**labels) if HISTOGRAMS[name].labels or labels else metric

    def add(self, name: CounterName, amount: float = 1, **labels: str) -> None:
        """Something happened, ``amount`` times."""
        self.counter(name, **labels).inc(amount)

    def set(self, name: GaugeName, value: float, **labels: str) -> None:
        """Something now has this value."""
        self.gauge(name, **labels).set(value)

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """Something measured this much, in the unit of the name."""
        self.histogram(name, **labels).observe(value)

    @contextlib.contextmanager
    def timed(self, name: HistogramName, **labels: str) -> Iterator[None]:
        """Observe how long the block took, also when it raised."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.observe(name, time.perf_counter() - began, **labels)

    def value(self, name: CounterName | GaugeName, **labels: str) -> float:
        """What a counter or gauge shows now; 0 if never used. For readiness and tests."""
        return self._registry.get_sample_value(name, labels) or 0.0

    def observations(self, name: HistogramName, **labels: str) -> int:
        """How often a histogram was observed. For tests."""
        return int(self._registry.get_sample_value(f"{name}_count", labels) or 0)

    def render(self) -> bytes:
        """Everything in Prometheus' text format (:data:`CONTENT_TYPE`)."""
        return generate_latest(self._registry)
