"""The contract of the data plane: what an edge gives it to work with.

`DataPlane` (data_plane.py) lives in an edge. It owns the environments that were handed to the edge,
from `granted` to their end, and the tasks of all invocations that run in them.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from msgspec import Struct

from lambent.ids import Ids
from lambent.invocation.streaming import AnswerStream
from lambent.model.function import FunctionSnapshot
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

MIB = 1024 * 1024

Render = Callable[[InvocationRecord], list[tuple[int, str]]]
"""The log events (epoch ms, text) of one invocation, as CloudWatch Logs would show them."""


class Control(Protocol):
    """Control, seen from an edge. The coroutines raise Unavailable while it cannot be reached."""

    async def snapshot(self, request: SnapshotRequest) -> FunctionSnapshot:
        """The function version as it is now. Raises ServiceError (ResourceNotFoundException)."""

    async def lease(self, request: LeaseRequest) -> LeaseGrant | Hosted:
        """One more environment; or who has some, if there can be no more, or control is away and they cannot move.
        Raises ServiceError (TooManyRequestsException)."""

    async def requests(self, query: RateQuery) -> RateGrant:
        """How many more synchronous requests may pass. Raises ServiceError."""

    async def host(self, edge: int, guest: Guest, stream: AnswerStream | None = None) -> InvocationResult | None:
        """Its result, from another edge, after the pieces that went to `stream`; None when that has no environment for
        it any more, and it was not run. Raises ServiceError."""

    def idle(self, change: IdleChange) -> None:
        """A notice: the environment fell idle, or is in use again. Never raises."""

    def retiring(self, environment_id: str) -> None:
        """A notice, sent before `stop`: nobody uses the environment any more. It must reach
        control before any `lease` that is asked for later. Never raises."""

    def initialised(self, what: Initialised) -> None:
        """A notice: the init phase of a provisioned environment is over. Never raises."""


class Agent(Protocol):
    """The agent, seen from an edge."""

    async def stop(self, stop: Stop) -> None:
        """Returns once the environment is gone. Raises Unavailable."""

    async def move(self, move: Move) -> str:
        """Hand an environment that was let go of to another edge; its log stream.

        Raises ServiceError (it has ended, or control is there and decides), Unavailable."""

    def ready(self, environment_id: str, patience_s: float = 0.0, *, failed: bool = False) -> None:
        """A notice: the init phase is over. Never raises."""


class Journal(Protocol):
    """Where facts are written down."""

    def append(self, record: InvocationRecord) -> None:
        """Keep `record`; never waits."""


class Links(NamedTuple):
    """All that the data plane talks to; the composition root fills it in."""

    control: Control
    agent: Agent
    journal: Journal
    render: Render
    ids: Ids


class Limits(Struct, frozen=True):
    """The settings that matter here."""

    keep_alive_s: float = 600.0
    init_timeout_s: float = 10.0
    response_bytes: int = 6_291_556
    life_s: float = 21_600.0
    freeze_after_s: float = 0.2
    paced: bool = False  # control says how many requests a second there may be


class Statistics(Struct, frozen=True):
    """What the data plane holds and has done, for status and metrics."""

    starting: int
    idle: int
    busy: int
    waiting: int
    invocations: int
    cold_starts: int
    throttles: int
