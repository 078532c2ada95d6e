"""GetMetricData: many metrics and expressions at once, in pages.

Points stand at the start of their periods, which are counted from the epoch. A page ends after MaxDatapoints
points; its token names the query and the moment to go on behind, so that what arrives meanwhile moves nothing.

Source: API reference, GetMetricData (100,800 points, newest first unless ScanBy says otherwise, PartialData for a
query that goes on in the next page). LabelOptions matters only for labels with dynamic parts (`${...}`), which are
refused by name.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from lambent.protocol.timestamps import from_epoch
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.errors import InvalidNextToken, InvalidQuery
from lambent.services.cloudwatch.expressions.values import Series, Value
from lambent.services.cloudwatch.model import MetricKey, start_of
from lambent.services.cloudwatch.queries import MetricQuery, Query, queries_of, results_of
from lambent.services.cloudwatch.statistics import by_period
from lambent.services.cloudwatch.store import Place
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Database, Transaction

MOST_POINTS = 100_800
MOST_PERIODS = 1_000_000  # our own guard: of one query
Position = tuple[int, int | None]
"""The number of a result, and the last moment of it that was shown."""


class GetMetricData:
    """Answers with series."""

    def __init__(self, database: Database, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._database, self._catch_up = database, catch_up

    @operation("GetMetricData")
    async def get_metric_data(self, ctx: RequestContext, request: Request) -> Answer:
        """A page of the results, in the order of the queries."""
        queries = queries_of(request, ctx.account)
        range_s = _range(request, queries)
        most, after = request.get("MaxDatapoints", MOST_POINTS), _after(request)
        if not 1 <= most <= MOST_POINTS:
            raise InvalidQuery(f"MaxDatapoints must be from 1 to {MOST_POINTS}.")
        await self._catch_up()
        place = store.place_of(ctx)
        metrics = await self._database.read(
            lambda tx: {each.id: read(tx, place, each, range_s) for each in queries if isinstance(each, MetricQuery)}
        )
        shown = list(_shown(queries, results_of(queries, metrics, range_s)))
        backward = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        return page(shown, after, most, backward=backward)


def read(tx: Transaction, place: Place, query: MetricQuery, range_s: tuple[int, int]) -> Series:
    """The series of a metric."""
    key = MetricKey(*place, query.namespace, query.name, query.dimensions)
    from_s = start_of(range_s[0], query.period_s)
    rows = store.points(tx, key, (from_s, range_s[1]), query.period_s)
    points = ((row["start_s"], store.point_in(row)) for row in rows if query.unit in (None, row["unit"]))
    joined = by_period(points, query.period_s)
    values = {at_s: value for at_s, point in joined.items() if (value := query.statistic(point)) is not None}
    return Series(values, query.period_s, query.label)


def page(shown: Sequence[tuple[str, Series]], after: Position, most: int, *, backward: bool) -> Answer:
    """The results from a position on, at most so many points of them."""
    answers: list[dict[str, Any]] = []
    number, last_s = after
    for at, (query_id, series) in enumerate(shown[number:], start=number):
        moments = sorted(series.values, reverse=backward)
        if at == number and last_s is not None:
            moments = [each for each in moments if (each < last_s if backward else each > last_s)]
        taken, most = moments[:most], most - len(moments)
        answers.append(_result(query_id, series, taken, whole=most >= 0))
        if most < 0 or (most == 0 and at + 1 < len(shown)):
            token = f"{at}:{taken[-1]}" if most < 0 else f"{at + 1}:"
            return {"MetricDataResults": answers, "NextToken": token, "Messages": []}
    return {"MetricDataResults": answers, "Messages": []}


def _result(query_id: str, series: Series, moments: Sequence[int], *, whole: bool) -> dict[str, Any]:
    return {
        "Id": query_id,
        "Label": series.label,
        "Timestamps": [from_epoch(at_s) for at_s in moments],
        "Values": [series.values[at_s] for at_s in moments],
        "StatusCode": "Complete" if whole else "PartialData",
    }


def _shown(queries: Sequence[Query], results: Mapping[str, Value]) -> Iterator[tuple[str, Series]]:
    for query in queries:
        if not query.shown:
            continue
        value = results[query.id]
        if isinstance(value, list):
            for each in value:
                yield query.id, Series(each.values, each.period_s, each.label or query.label)
        elif isinstance(value, Series):
            yield query.id, Series(value.values, value.period_s, query.label)
        else:
            raise InvalidQuery(f"Error in expression {query.id}: it must come to a time series, not to a number.")


def _range(request: Request, queries: Sequence[Query]) -> tuple[int, int]:
    from_s, until_s = request["StartTime"].timestamp(), request["EndTime"].timestamp()
    if from_s >= until_s:
        raise InvalidQuery("The parameter EndTime must be greater than StartTime.")
    shortest_s = min(each.period_s or 60 for each in queries)
    if (until_s - from_s) / shortest_s > MOST_PERIODS:
        raise InvalidQuery(f"The range has more than {MOST_PERIODS} periods; choose longer periods or a shorter range.")
    if any("${" in each.label for each in queries):
        raise InvalidQuery("Dynamic labels (${...}) are not implemented by this version of Lambent.")
    return int(from_s // 1), -int(-until_s // 1)


def _after(request: Request) -> Position:
    number, colon, moment = request.get("NextToken", "0:").partition(":")
    digits = all(each.isascii() and each.isdecimal() and len(each) < 16 for each in (number, moment or "0"))
    if not colon or not digits:
        raise InvalidNextToken("The value of parameter NextToken is invalid.")
    return int(number), int(moment) if moment else None
