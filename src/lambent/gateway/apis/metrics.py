"""CloudWatch metrics of APIs: what happens to stages and routes, counted here and told to control each second.

Things that happen alike in one minute are one entry with a count, so that a request costs one addition, and what is
told grows with what was different and not with what was asked. While control is away, all is kept. A killed edge takes
what it counted in its last second with it: like what other services count, it is no book-keeping.

Sources: API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics", "Monitor CloudWatch metrics for HTTP
APIs" and "Monitor WebSocket API execution with CloudWatch metrics": names, units and dimensions; that errors are given
as 0 where there were none, so that their average is their rate.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.model.apis import CompiledApi
from lambent.model.meter import Collected, Dimensions

NAMESPACE = "AWS/ApiGateway"
EVERY_S, MINUTE_MS = 1.0, 60_000
UNITS = {"Latency": "Milliseconds", "IntegrationLatency": "Milliseconds", "DataProcessed": "Bytes"}
T = TypeVar("T", bound=Hashable)
Values = Mapping[str, int]
"""By the names of metrics."""


class Happened(NamedTuple):
    """One request and its answer, as metrics see it; None where nothing else was asked."""

    status: int
    latency_ms: int
    integration_ms: int | None
    data_bytes: int = 0


class Gauge(Generic[T]):
    """One stage, or one method of it: its metrics are those of all its sets of dimensions.

    Args:
        values_of: the metrics of what it sees; asked when control is told, once for all that was alike.
    """

    def __init__(
        self,
        place: tuple[str, str],
        dimensions: tuple[Dimensions, ...],
        values_of: Callable[[T], Values],
        waiting: "set[Gauge[Any]]",
    ) -> None:
        self._place, self._dimensions, self._values_of, self._waiting = place, dimensions, values_of, waiting
        self._minutes: dict[int, dict[T, int]] = {}

    def see(self, at_ms: int, what: T) -> None:
        """This happened then."""
        minute = at_ms // MINUTE_MS
        seen = self._minutes.get(minute)
        if seen is None:
            seen = self._minutes[minute] = {}
            self._waiting.add(self)
        seen[what] = seen.get(what, 0) + 1

    def taken(self) -> Iterator[Collected]:
        """What was seen and not taken yet."""
        minutes, self._minutes = self._minutes, {}
        for minute, seen in minutes.items():
            for name, counts in self._by_metric(seen).items():
                unit = UNITS.get(name, "Count")
                yield Collected(self._place, NAMESPACE, name, unit, minute * 60, self._dimensions, counts)

    def _by_metric(self, seen: Mapping[T, int]) -> dict[str, dict[int, int]]:
        found: dict[str, dict[int, int]] = {}
        for what, count in seen.items():
            for name, value in self._values_of(what).items():
                counts = found.setdefault(name, {})
                counts[value] = counts.get(value, 0) + count
        return found


class ApiMetrics:
    """Of all APIs of an edge. Its owner runs and closes it.

    Args:
        send: control's `measured`.
    """

    def __init__(self, send: Callable[[list[Collected]], Awaitable[None]], clock: Clock) -> None:
        self._send, self._clock = send, clock
        self._waiting: set[Gauge[Any]] = set()
        self._unsent: list[Collected] = []

    def gauge(self, api: CompiledApi, values_of: Callable[[T], Values], *dimensions: Dimensions) -> Gauge[T]:
        """For a stage or a method of an API."""
        return Gauge((api.account, api.region), dimensions, values_of, self._waiting)

    async def run(self) -> None:
        """Tell control each second until cancelled."""
        while True:
            await self._clock.sleep(EVERY_S)
            await self.send()

    async def send(self) -> None:
        """Tell it what was seen; while control is away, that waits."""
        if not self._unsent:
            waiting = list(self._waiting)
            self._waiting.clear()
            self._unsent = [each for gauge in waiting for each in gauge.taken()]
        if self._unsent:
            try:
                await self._send(self._unsent)
            except Unavailable:
                return
            self._unsent = []


def of_http(what: Happened) -> Values:
    """What an HTTP API tells of a request."""
    return {**_of_request(what, "4xx", "5xx"), "DataProcessed": what.data_bytes}


def of_rest(what: Happened) -> Values:
    """What a REST API does."""
    return _of_request(what, "4XXError", "5XXError")


def _of_request(what: Happened, clients_error: str, servers_error: str) -> dict[str, int]:
    status = what.status
    values = {
        "Count": 1,
        clients_error: int(400 <= status < 500),
        servers_error: int(status >= 500),
        "Latency": what.latency_ms,
    }
    if what.integration_ms is not None:
        values["IntegrationLatency"] = what.integration_ms
    return values


def of_stage(name: str, value: str, stage: str) -> tuple[Dimensions, Dimensions]:
    """An API by its id or its name, and a stage of it."""
    return ((name, value),), ((name, value), ("Stage", stage))


def of_method(name: str, value: str, stage: str, method: str, resource: str) -> Dimensions:
    """One method of one resource, for detailed metrics."""
    return ((name, value), ("Method", method), ("Resource", resource), ("Stage", stage))
