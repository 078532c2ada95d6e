"""The metrics of AWS/Lambda, out of the journal: a consumer of it, beside the logs.

One pass over the records of a batch collects them by minute, function, qualifier and version; the points that follow
are joined with those in the database in one transaction with the journal's checkpoint, so that each record counts
exactly once. The same pass adds to the totals that Prometheus is shown.

Sources: behaviours sheet section 15; Lambda Developer Guide, "Types of metrics for Lambda functions": Errors and
Throttles are given as 0 where there were none, throttled requests count in Throttles and not in Invocations, and the
dimensions are FunctionName, Resource (with the qualifier that was named), ExecutedVersion (behind an alias), or none.
ConcurrentExecutions: the maximum is exact; the average is that of the peaks of passes, a fifth of a second each.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from lambent.journal.follower import Work
from lambent.model.invocation import InvocationRecord
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.concurrency import Busy, Interval, met, shorn
from lambent.services.cloudwatch.model import (
    MINUTE,
    Dimensions,
    MetricKey,
    Point,
    Slot,
    joined,
    point_of,
    point_of_all,
)
from lambent.services.cloudwatch.totals import Totals
from lambent.store.api import Database, Transaction

NAMESPACE = "AWS/Lambda"
MINUTE_MS = 60_000


class Cell(Struct):
    """What happened to one function, under one qualifier and version, in one minute."""

    errors: int = 0
    throttles: int = 0
    cold_starts: int = 0
    durations_us: list[int] = field(default_factory=list)
    extensions_us: list[int] = field(default_factory=list)
    urls_us: list[int] = field(default_factory=list)
    urls_4xx: int = 0
    urls_5xx: int = 0
    busy: list[Interval] = field(default_factory=list)
    busy_unreserved: list[Interval] = field(default_factory=list)
    busy_provisioned: list[Interval] = field(default_factory=list)


CellKey = tuple[int, str, str, str, str, str]
"""Minute, account, Region, function, qualifier, version."""
BusyKey = tuple[str, ...]
"""Metric, account, Region, function; no function for the whole account."""


class LambdaMetrics:
    """Makes metrics of records, for the journal's follower."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._first = ""
        self._before = self._busy = Busy()

    def prepare(self, records: Sequence[InvocationRecord]) -> Work:
        """The points and totals to write for `records`."""
        cells: dict[CellKey, Cell] = {}
        free_ms = self._free_before(records)
        for record in records:
            if not record.init_only and not record.shutdown_only:
                _collect(record, cells, free_ms)
        points: dict[Slot, Point] = {}
        for slot, point in (*_points(cells), *self._peaks(_intervals(cells), free_ms)):
            points[slot] = joined(points[slot], point) if slot in points else point
        changes = _totals(cells).changes()

        def work(tx: Transaction) -> None:
            store.add_points(tx, points)
            store.add_totals(tx, changes)

        return work

    def _free_before(self, records: Sequence[InvocationRecord]) -> dict[str, float]:
        """When each environment was free. A batch that begins as the last one did is the same once more, because it
        could not be written: then we are where we were before it."""
        first = records[0].request_id if records else ""
        if first and first == self._first:
            self._busy = self._before
        self._first, self._before = first, self._busy
        earliest_ms = records[0].start_ms - MINUTE_MS if records else 0
        return {each: free_ms for each, free_ms in self._busy.free_ms.items() if free_ms > earliest_ms}

    def _peaks(
        self, intervals: dict[BusyKey, list[Interval]], free_ms: dict[str, float]
    ) -> Iterator[tuple[Slot, Point]]:
        kept = dict(self._busy.kept)
        for key, seen in intervals.items():
            metric, account, region, function = key
            dimensions = (("FunctionName", function),) if function else ()
            peaks, kept[key] = met(kept.get(key, ()), seen)
            for start_s, peak in peaks.items():
                name = MetricKey(account, region, NAMESPACE, metric, dimensions)
                yield Slot(name, start_s, MINUTE, "Count"), point_of(float(peak))
        self._busy = Busy(kept, free_ms)


def _collect(record: InvocationRecord, cells: dict[CellKey, Cell], free_ms: dict[str, float]) -> None:
    key, start_ms = record.key, record.start_ms
    where = (start_ms // MINUTE_MS, key.account, key.region, key.name, record.qualifier, record.version)
    cell = cells.get(where)
    if cell is None:
        cell = cells[where] = Cell()
    if record.url_status:
        _collect_url(record, cell)
        return
    if record.throttled:
        cell.throttles += 1
        return
    duration_us = record.duration_us
    cell.durations_us.append(duration_us)
    interval = shorn(free_ms, record.environment_id, start_ms, start_ms + duration_us / 1000)
    cell.busy.append(interval)
    if record.status != "success":
        cell.errors += 1
    if record.provisioned:
        cell.busy_provisioned.append(interval)
    if not record.reserved:
        cell.busy_unreserved.append(interval)
    if record.extensions_us:
        cell.extensions_us.append(record.extensions_us)
    if record.init_us or record.restore_us:
        cell.cold_starts += 1


def _collect_url(record: InvocationRecord, cell: Cell) -> None:
    cell.urls_us.append(record.duration_us)
    cell.urls_4xx += record.url_status // 100 == 4
    cell.urls_5xx += record.url_status // 100 == 5


def _intervals(cells: dict[CellKey, Cell]) -> dict[BusyKey, list[Interval]]:
    """What was busy when, for each metric of it."""
    found: dict[BusyKey, list[Interval]] = {}
    for (_, account, region, function, _, _), cell in cells.items():
        for metric, of, intervals in (
            ("ConcurrentExecutions", function, cell.busy),
            ("ConcurrentExecutions", "", cell.busy),
            ("UnreservedConcurrentExecutions", "", cell.busy_unreserved),
            ("ProvisionedConcurrentExecutions", function, cell.busy_provisioned),
        ):
            if intervals:
                found.setdefault((metric, account, region, of), []).extend(intervals)
    return found


def _totals(cells: dict[CellKey, Cell]) -> Totals:
    totals = Totals()
    for (_, account, region, function, _, _), cell in cells.items():
        counts = {"errors": cell.errors, "throttles": cell.throttles, "cold_starts": cell.cold_starts}
        totals.add((account, region, function), counts, cell.durations_us)
    return totals


def _points(cells: dict[CellKey, Cell]) -> Iterator[tuple[Slot, Point]]:
    for (minute, account, region, function, qualifier, version), cell in cells.items():
        points = list(_points_of(cell))
        for dimensions in _dimensions(function, qualifier, version):
            for name, unit, point in points:
                yield Slot(MetricKey(account, region, NAMESPACE, name, dimensions), minute * 60, MINUTE, unit), point


def _points_of(cell: Cell) -> Iterator[tuple[str, str, Point]]:
    invocations = len(cell.durations_us)
    if invocations:
        yield "Invocations", "Count", point_of(1.0, invocations)
        yield "Errors", "Count", _share(cell.errors, invocations)
        yield "Duration", "Milliseconds", _milliseconds(cell.durations_us)
    if cell.extensions_us:
        yield "PostRuntimeExtensionsDuration", "Milliseconds", _milliseconds(cell.extensions_us)
    if invocations or cell.throttles:
        yield "Throttles", "Count", _share(cell.throttles, invocations + cell.throttles)
    if requests := len(cell.urls_us):
        yield "UrlRequestCount", "Count", point_of(1.0, requests)
        yield "UrlRequestLatency", "Milliseconds", _milliseconds(cell.urls_us)
        yield "Url4xxCount", "Count", _share(cell.urls_4xx, requests)
        yield "Url5xxCount", "Count", _share(cell.urls_5xx, requests)
    if cell.busy_provisioned:
        yield "ProvisionedConcurrencyInvocations", "Count", point_of(1.0, len(cell.busy_provisioned))


def _milliseconds(durations_us: list[int]) -> Point:
    return point_of_all([each / 1000 for each in durations_us])


def _share(part: int, whole: int) -> Point:
    """So many ones, and zeros for the rest."""
    if not part or part == whole:
        return point_of(1.0 if part else 0.0, whole)
    return joined(point_of(1.0, part), point_of(0.0, whole - part))


def _dimensions(function: str, qualifier: str, version: str) -> Iterator[Dimensions]:
    name = ("FunctionName", function)
    resource = ("Resource", f"{function}:{qualifier}" if qualifier else function)
    yield ()
    yield (name,)
    yield (name, resource)
    if version and qualifier and qualifier != version:
        yield (("ExecutedVersion", version), name, resource)
