"""What surrounds the data plane, in memory: for the tests of this room and of those above it.

`FakeHouse` is control, agent and journal in one: it grants environments that a factory makes and
hands them to the estate at once, as an agent would.
"""

from collections.abc import Callable

from lambent.clock import Clock
from lambent.environment.api import Environment
from lambent.errors import ServiceError, Unavailable
from lambent.ids import FakeIds
from lambent.invocation.api import Limits, Links
from lambent.invocation.data_plane import DataPlane
from lambent.invocation.estate import Estate
from lambent.invocation.snapshots import Snapshots
from lambent.invocation.streaming import AnswerStream
from lambent.model.environment import StartTimes
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import InvocationRecord, InvocationResult
from lambent.model.messages import (
    Guest,
    Hosted,
    IdleChange,
    Initialised,
    LeaseGrant,
    LeaseRequest,
    Move,
    RateGrant,
    RateQuery,
    SnapshotRequest,
    Stop,
)
from lambent.placement.throttle import Reason, Throttled

Make = Callable[[str, LeaseRequest], Environment]


class NoSuchFunction(ServiceError):
    """As the Lambda service answers."""

    code, status = "ResourceNotFoundException", 404


def render(record: InvocationRecord) -> list[tuple[int, str]]:
    """START, the function's lines, END: enough of a log for tests."""
    middle = [(line.time_ms, line.text) for line in record.lines]
    return [(record.start_ms, f"START {record.request_id}"), *middle, (record.start_ms, f"END {record.request_id}")]


class FakeHouse:
    """Implements `Control`, `Agent` and `Journal` around a DataPlane of its own.

    Args:
        make: makes the environment for a granted lease.
        limit: how many environments may exist at once.
    """

    def __init__(self, clock: Clock, make: Make, *, limit: int = 1_000, limits: Limits = Limits()) -> None:  # noqa: B008
        self.clock, self.make, self.limit = clock, make, limit
        self.reachable = True  # control
        self.rate = RateGrant(1_000_000)
        self.rate_queries: list[RateQuery] = []
        self.functions: dict[tuple[FunctionKey, str], FunctionSnapshot] = {}
        self.leases: list[LeaseRequest] = []
        self.alive: dict[str, Environment] = {}
        self.stopped: list[Stop] = []
        self.moves: list[Move] = []
        self.other_edge: Hosted | None = None  # which has environments, when the limit is reached
        self.guests: list[tuple[int, Guest]] = []
        self.told_by_host: InvocationResult | None = None
        self.retired: list[str] = []
        self.idle_changes: list[IdleChange] = []
        self.told_ready: list[str] = []
        self.provisioned: list[Initialised] = []
        self.records: list[InvocationRecord] = []
        links = Links(self, self, self, render, FakeIds())
        self.snapshots = Snapshots(self.snapshot)
        self.estate = Estate(links, self.snapshots, clock, limits)
        self.data_plane = DataPlane(links, self.snapshots, self.estate, clock, limits)

    async def snapshot(self, request: SnapshotRequest) -> FunctionSnapshot:
        """See `Control`."""
        if not self.reachable:
            raise Unavailable("no control")
        try:
            return self.functions[request.key, request.qualifier]
        except KeyError:
            raise NoSuchFunction(f"Function not found: {request.key.name}", Type="User") from None

    async def lease(self, request: LeaseRequest) -> LeaseGrant | Hosted:
        """See `Control`."""
        if not self.reachable:
            raise Unavailable("no control")
        self.leases.append(request)
        if len(self.alive) >= self.limit:
            if self.other_edge and not request.here:
                return self.other_edge
            raise Throttled(Reason.ACCOUNT)
        name = f"e{len(self.leases)}"
        environment = self.alive[name] = self.make(name, request)
        self.estate.granted(environment, StartTimes())
        return LeaseGrant(name, f"stream of {name}", 7)

    async def host(self, edge: int, guest: Guest, stream: AnswerStream | None = None) -> InvocationResult | None:
        """See `Control`."""
        self.guests.append((edge, guest))
        return self.told_by_host

    async def requests(self, query: RateQuery) -> RateGrant:
        """See `Control`."""
        self.rate_queries.append(query)
        if not self.reachable:
            raise Unavailable("no control")
        return self.rate

    def idle(self, change: IdleChange) -> None:
        """See `Control`."""
        self.idle_changes.append(change)

    def retiring(self, environment_id: str) -> None:
        """See `Control`."""
        self.retired.append(environment_id)

    def initialised(self, what: Initialised) -> None:
        """See `Control`."""
        self.provisioned.append(what)

    async def stop(self, stop: Stop) -> None:
        """See `Agent`."""
        self.stopped.append(stop)
        self.alive.pop(stop.environment_id, None)

    async def move(self, move: Move) -> str:
        """See `Agent`."""
        if self.alive.pop(move.environment_id, None) is None:
            raise NoSuchFunction("the environment has ended")
        self.moves.append(move)
        return f"stream of {move.environment_id}"

    def ready(self, environment_id: str, patience_s: float = 0.0, *, failed: bool = False) -> None:
        """See `Agent`."""
        self.told_ready.append(environment_id)

    def append(self, record: InvocationRecord) -> None:
        """See `Journal`."""
        self.records.append(record)
