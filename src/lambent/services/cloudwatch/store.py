"""The tables of CloudWatch, over a Transaction; the only module that knows its SQL."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import json

from lambent.services.cloudwatch import sketch
from lambent.services.cloudwatch.model import Dimensions, MetricKey, Point, Slot, joined
from lambent.services.operation import RequestContext
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.services.cloudwatch"
SQL = load_queries(PACKAGE)
PAGE = 500

Place = tuple[str, str]
"""Account and Region."""


def place_of(ctx: RequestContext) -> Place:
    return ctx.account, ctx.region


def add_points(tx: Transaction, points: Mapping[Slot, Point]) -> None:
    """Join `points` with what is there."""
    newest: dict[MetricKey, int] = {}
    for slot in points:
        newest[slot.metric] = max(slot.start_s, newest.get(slot.metric, 0))
    ids = {key: _touch(tx, key, last_s) for key, last_s in newest.items()}
    for slot, point in points.items():
        add_point(tx, ids[slot.metric], (slot.start_s, slot.span_s, slot.unit), point)


def add_point(tx: Transaction, metric_id: int, where: tuple[int, int, str], point: Point) -> None:
    """Join `point` with the one that is there: `where` is its start, its span and its unit."""
    place = {"metric_id": metric_id, "start_s": where[0], "span_s": where[1], "unit": where[2]}
    row = tx.one(SQL.point, **place)
    whole = point if row is None else joined(point_in(row), point)
    tx.run(
        SQL.set_point,
        **place,
        sample_count=whole.sample_count,
        total=whole.total,
        minimum=whole.minimum,
        maximum=whole.maximum,
        sketch=sketch.pack(whole.sketch),
    )


def points(tx: Transaction, key: MetricKey, range_s: tuple[int, int], period_s: int) -> list[Row]:
    """The points of a metric that start in the range and whose spans are not longer than the period."""
    row = tx.one(SQL.metric, **_names(key))
    if row is None:
        return []
    return tx.all(SQL.points, metric_id=row["id"], from_s=range_s[0], until_s=range_s[1], longest_s=period_s)


def metrics(
    tx: Transaction, place: Place, namespace: str, name: str, since_s: int, after: int
) -> Iterator[tuple[int, MetricKey]]:
    """The metrics that had a point since then, with their numbers, in the order of these."""
    account, region = place
    while True:
        rows = tx.all(
            SQL.metrics,
            account=account,
            region=region,
            namespace=namespace,
            name=name,
            since_s=since_s,
            after=after,
            limit=PAGE,
        )
        for row in rows:
            yield row["id"], MetricKey(*place, row["namespace"], row["name"], _dimensions(row["dimensions"]))
        if len(rows) < PAGE:
            return
        after = rows[-1]["id"]


def point_in(row: Row) -> Point:
    """The point of a row."""
    return Point(row["sample_count"], row["total"], row["minimum"], row["maximum"], sketch.unpack(row["sketch"]))


def _touch(tx: Transaction, key: MetricKey, last_s: int) -> int:
    row = tx.one(SQL.touch_metric, **_names(key), last_s=last_s)
    assert row is not None
    return int(row["id"])


def _names(key: MetricKey) -> dict[str, Any]:
    return {
        "account": key.account,
        "region": key.region,
        "namespace": key.namespace,
        "name": key.name,
        "dimensions": json.encode(key.dimensions).decode(),
    }


def _dimensions(text: str) -> Dimensions:
    return json.decode(text, type=Dimensions)


def add_totals(tx: Transaction, changes: Sequence[Mapping[str, Any]]) -> None:
    """Let the totals of functions grow."""
    tx.run_many(SQL.add_total, changes)


def totals(tx: Transaction) -> dict[tuple[str, str, str], dict[str, float]]:
    """The totals of every function."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in tx.all(SQL.totals):
        found.setdefault((row["account"], row["region"], row["function"]), {})[row["what"]] = row["value"]
    return found
