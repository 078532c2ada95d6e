"""Totals of each function since its first invocation, for Prometheus: invocations, errors, throttles, cold starts
and how long they took. Kept in the database, in one transaction with the metrics, so a restart does not set them back.

A cold start is an invocation that answered for an init phase or for a restore from a snapshot.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

LABELS = ("account", "region", "function")
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
COUNTERS = {
    "invocations": "Invocations that reached the function.",
    "errors": "Invocations that failed in the function, by timeout, or by the loss of its environment.",
    "throttles": "Invocations that were turned away.",
    "cold_starts": "Invocations that waited for an init phase or a restore.",
}
SUM = "duration_us"
Key = tuple[str, str, str]
"""Account, Region, function."""
Totalled = Mapping[Key, Mapping[str, float]]


class Totals:
    """What a batch of records adds."""

    def __init__(self) -> None:
        self._counts: dict[Key, dict[str, float]] = {}
        self._durations_us: dict[Key, list[int]] = {}

    def add(self, key: Key, counts: Mapping[str, int], durations_us: Sequence[int]) -> None:
        """Count some invocations of a function."""
        known = self._counts.setdefault(key, {})
        for what, count in counts.items():
            known[what] = known.get(what, 0) + count
        self._durations_us.setdefault(key, []).extend(durations_us)

    def changes(self) -> list[dict[str, Any]]:
        """What grows by how much: one row for each number."""
        rows = []
        for (account, region, function), counts in self._counts.items():
            durations_us = sorted(self._durations_us[account, region, function])
            counts |= {"invocations": len(durations_us), SUM: sum(durations_us)}
            below = 0
            for bound_s in BOUNDS_S:
                upto = bisect_right(durations_us, bound_s * 1e6)
                counts[f"le {bound_s}"] = upto - below
                below = upto
            place = {"account": account, "region": region, "function": function}
            rows += [{**place, "what": what, "value": float(value)} for what, value in counts.items() if value]
        return rows


def prometheus(totals: Totalled) -> str:
    """The totals as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Totals(totals))
    return generate_latest(registry).decode()


class _Totals(Collector):
    def __init__(self, totals: Totalled) -> None:
        self._totals = totals

    def collect(self) -> Iterable[Metric]:
        yield from self._counters()
        yield self._histogram()

    def _counters(self) -> Iterator[Metric]:
        for name, text in COUNTERS.items():
            family = CounterMetricFamily(f"lambent_function_{name}", text, labels=LABELS)
            for key, counts in self._totals.items():
                family.add_metric(list(key), counts.get(name, 0.0))
            yield family

    def _histogram(self) -> Metric:
        text = "How long invocations took, without the init phase."
        family = HistogramMetricFamily("lambent_function_duration_seconds", text, labels=LABELS)
        for key, counts in self._totals.items():
            below, buckets = 0.0, []
            for bound_s in BOUNDS_S:
                below += counts.get(f"le {bound_s}", 0.0)
                buckets.append((str(bound_s), below))
            buckets.append(("+Inf", counts.get("invocations", 0.0)))
            family.add_metric(list(key), buckets, counts.get(SUM, 0.0) / 1e6)
        return family
