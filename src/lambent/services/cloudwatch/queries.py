"""The queries of GetMetricData: checked, put into an order in which each finds what it needs, and carried out.

Source: API reference, MetricDataQuery and GetMetricData (500 queries, ids that begin with a small letter and occur
once, MetricStat or Expression, ReturnData of at least one).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lambent.services.cloudwatch.errors import InvalidQuery
from lambent.services.cloudwatch.expressions.evaluate import METRICS, Scope, evaluate
from lambent.services.cloudwatch.expressions.syntax import Tree, calls_in, names_in, parse
from lambent.services.cloudwatch.expressions.values import Series, Value
from lambent.services.cloudwatch.model import Dimensions, start_of
from lambent.services.cloudwatch.put import dimensions_of
from lambent.services.cloudwatch.statistics import Statistic, check_period, statistic

MOST, MOST_METRICS = 500, 500
ID = re.compile(r"[a-z][a-zA-Z0-9_]*", re.ASCII)


class MetricQuery(Struct, frozen=True):
    """A metric that is asked for."""

    id: str
    namespace: str
    name: str
    dimensions: Dimensions
    period_s: int
    statistic: Statistic
    unit: str | None
    label: str
    shown: bool


class MathQuery(Struct, frozen=True):
    """An expression over other queries."""

    id: str
    tree: Tree
    period_s: int | None
    label: str
    shown: bool


Query = MetricQuery | MathQuery


def queries_of(request: Mapping[str, Any], account: str) -> list[Query]:
    """The queries of a request. Raises InvalidQuery."""
    asked = request["MetricDataQueries"]
    if not asked or len(asked) > MOST:
        raise InvalidQuery(f"MetricDataQueries must have 1 to {MOST} queries.")
    queries = [_query(each, account) for each in asked]
    ids = [each.id for each in queries]
    if len(set(ids)) < len(ids):
        raise InvalidQuery("The values for parameter id in the request are not unique.")
    if not any(each.shown for each in queries):
        raise InvalidQuery("At least one query must have ReturnData true.")
    return queries


def results_of(queries: Sequence[Query], metrics: Mapping[str, Series], range_s: tuple[int, int]) -> dict[str, Value]:
    """The value of each query by its id, given those of the metrics. Raises InvalidQuery."""
    results: dict[str, Value] = dict(metrics)
    ids = [each.id for each in queries if isinstance(each, MetricQuery)]
    waiting = {each.id: each for each in queries if isinstance(each, MathQuery)}
    while waiting:
        ready = [each for each in waiting.values() if not names_in(each.tree) & waiting.keys()]
        if not ready:
            raise InvalidQuery(f"Error in expression: {', '.join(sorted(waiting))} use one another")
        for each in ready:
            period_s = each.period_s or _period_s(each, metrics)
            moments = range(start_of(range_s[0], period_s), range_s[1], period_s)
            try:
                results[each.id] = evaluate(each.tree, Scope(results, ids, moments))
            except OverflowError:
                raise InvalidQuery(f"Error in expression {each.id}: a number is too large") from None
            del waiting[each.id]
    return results


def _query(asked: Mapping[str, Any], account: str) -> Query:
    name, expression, metric = asked["Id"], asked.get("Expression"), asked.get("MetricStat")
    if not ID.fullmatch(name):
        raise InvalidQuery(f"The value {name} for parameter Id is invalid: it must begin with a small letter.")
    if (expression is None) == (metric is None):
        raise InvalidQuery(f"The query {name} must have either an Expression or a MetricStat.")
    if asked.get("AccountId", account) != account:
        raise InvalidQuery("The value of parameter AccountId is not this account; none is linked.")
    shown = asked.get("ReturnData", True)
    if metric is not None:
        return _metric(name, asked, metric, shown)
    assert expression is not None
    tree, period_s = parse(expression), asked.get("Period")
    if period_s is not None:
        check_period(period_s)
    if METRICS in calls_in(tree) and METRICS in names_in(tree):
        raise InvalidQuery("METRICS is the name of a function.")
    return MathQuery(name, tree, period_s, asked.get("Label") or expression, shown)


def _metric(name: str, asked: Mapping[str, Any], metric: Mapping[str, Any], shown: bool) -> MetricQuery:
    which = metric["Metric"]
    if not which.get("Namespace") or not which.get("MetricName"):
        raise InvalidQuery(f"The metric of {name} needs a Namespace and a MetricName.")
    check_period(metric["Period"])
    return MetricQuery(
        name,
        which["Namespace"],
        which["MetricName"],
        dimensions_of(which),
        metric["Period"],
        statistic(metric["Stat"]),
        metric.get("Unit"),
        asked.get("Label") or which["MetricName"],
        shown,
    )


def _period_s(query: MathQuery, metrics: Mapping[str, Series]) -> int:
    """The longest period of what an expression names; of all metrics when it names none."""
    named = [metrics[name].period_s for name in names_in(query.tree) if name in metrics]
    return max(named or [each.period_s for each in metrics.values()] or [60])
