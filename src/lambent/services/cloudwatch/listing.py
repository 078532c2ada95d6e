"""ListMetrics: which metrics there are.

Source: API reference, ListMetrics: metrics with points of the last two weeks, 500 at a time; a filter of a
dimension without a value takes any; PT3H shows metrics with points of the last three hours.
"""

from collections.abc import Awaitable, Callable, Iterator

from lambent.clock import Clock
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.errors import InvalidNextToken, InvalidParameterValue
from lambent.services.cloudwatch.model import MetricKey
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Database, Transaction

PAGE = 500
LISTED_S, RECENT_S = 14 * 86_400, 3 * 3_600


class ListMetrics:
    """Lists metrics."""

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up

    @operation("ListMetrics")
    async def list_metrics(self, ctx: RequestContext, request: Request) -> Answer:
        """A page of the metrics that fit."""
        if request.get("OwningAccount", ctx.account) != ctx.account:
            raise InvalidParameterValue("The value of parameter OwningAccount is not this account; none is linked.")
        since_s = int(self._clock.now_s()) - (RECENT_S if request.get("RecentlyActive") else LISTED_S)
        after = _after(request)
        await self._catch_up()

        def page(tx: Transaction) -> list[tuple[int, MetricKey]]:
            found = store.metrics(
                tx,
                store.place_of(ctx),
                request.get("Namespace", ""),
                request.get("MetricName", ""),
                since_s,
                after,
            )
            return list(_first(found, request))

        keys = await self._database.read(page)
        answer: Answer = {"Metrics": [metric_shape(key) for _, key in keys[:PAGE]]}
        if request.get("IncludeLinkedAccounts"):
            answer["OwningAccounts"] = [ctx.account] * len(answer["Metrics"])
        if len(keys) > PAGE:
            answer["NextToken"] = str(keys[PAGE - 1][0])
        return answer


def metric_shape(key: MetricKey) -> Answer:
    """A metric as answers show it."""
    dimensions = [{"Name": name, "Value": value} for name, value in key.dimensions]
    return {"Namespace": key.namespace, "MetricName": key.name, "Dimensions": dimensions}


def _after(request: Request) -> int:
    token = request.get("NextToken", "0")
    if not (token.isascii() and token.isdecimal() and len(token) < 19):
        raise InvalidNextToken("The value of parameter NextToken is invalid.")
    return int(token)


def _first(found: Iterator[tuple[int, MetricKey]], request: Request) -> Iterator[tuple[int, MetricKey]]:
    """One more than a page of those whose dimensions fit."""
    wanted = [(each["Name"], each.get("Value")) for each in request.get("Dimensions") or ()]
    count = 0
    for number, key in found:
        has = dict(key.dimensions)
        if all(name in has and value in (None, has[name]) for name, value in wanted):
            yield number, key
            count += 1
            if count > PAGE:
                return
