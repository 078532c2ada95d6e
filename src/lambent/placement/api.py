"""The contract of placement: what it needs from the rooms that surround it.

`Placement` (placement.py) lives in control. Edges ask it for leases; the agent tells it which
environments have ended. An environment counts against every limit from the moment it is granted
until its end is known: concurrency is the number of environments, so limits hold under any number
of edges without a shared counter.
"""

from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct

from lambent.model.environment import EnvironmentSpec
from lambent.model.function import FunctionKey
from lambent.model.messages import LeaseRequest, Move, Start, Stop


class Allowance(Struct, frozen=True):
    """The concurrency limits that hold for one function now.

    `reserved` is the function's own ReservedConcurrentExecutions, None when it has none;
    `reserved_total` the sum of all reservations in the function's account and Region.
    """

    account_limit: int
    reserved: int | None = None
    reserved_total: int = 0

    @property
    def unreserved_limit(self) -> int:
        """What all functions without a reservation may use together."""
        return self.account_limit - self.reserved_total

    def of_another(self, reserved: int | None) -> "Allowance":
        """That of another function of the account and Region, which has `reserved` of its own."""
        return msgspec.structs.replace(self, reserved=reserved)


class Limits(Protocol):
    """The configured limits; the owner calls `Placement.limits_changed` after it changed one."""

    async def allowance(self, function: FunctionKey) -> Allowance:
        """The limits for `function`, fresh: never older than the last acknowledged change."""

    async def memory_mb(self, request: LeaseRequest) -> int:
        """What one environment for `request` may use. Raises ServiceError when there is no such version."""


class Specs(Protocol):
    """Turns a granted request into everything that the agent needs."""

    async def log_stream(self, request: LeaseRequest) -> str:
        """A new name for the log stream of the environment to make. Raises ServiceError."""

    async def spec(self, request: LeaseRequest, environment_id: str, log_stream: str) -> EnvironmentSpec:
        """The environment to make, with credentials minted for it alone. Raises ServiceError."""


class Agents(Protocol):
    """The agents, seen from control. Both calls raise Unavailable when none is reached."""

    async def start(self, start: Start) -> None:
        """Returns once the environment's processes exist. Raises ServiceError when they cannot be made."""

    async def stop(self, stop: Stop) -> None:
        """Returns once the environment is gone; at once for one that is not known."""

    async def move(self, move: Move) -> str:
        """Hand an environment that its edge gave up to another edge; its log stream. Raises ServiceError."""


class Edges(Protocol):
    """The edges, seen from control."""

    async def take_back(self, edge: int, environment_id: str) -> bool:
        """Whether `environment_id` was idle and the edge gave it up. Raises Unavailable."""

    async def give_up(self, edge: int, environment_key: str) -> str:
        """An idle environment of this key that the edge let go of, to be moved; "" for none. Raises Unavailable."""

    async def release(self, edge: int, environment_id: str) -> None:
        """Have the edge end an environment: now, or when it is done. Raises Unavailable."""

    def numbers(self) -> list[int]:
        """The edges that are connected."""


class Target(Struct, frozen=True):
    """So many environments of one version."""

    version: str
    environment_key: str
    count: int


class Wanted(Struct, frozen=True):
    """The provisioned concurrency on one version or alias: of one version, or of an alias's two."""

    qualifier: str
    targets: tuple[Target, ...]


class Standing(Struct, frozen=True):
    """How much of a provisioned concurrency is there; `failure` says why no more comes."""

    available: int = 0
    failure: str = ""


class Configurations(Protocol):
    """The provisioned concurrency that callers have configured."""

    async def provisioned_functions(self) -> list[FunctionKey]:
        """The functions that have any."""

    async def provisioned(self, function: FunctionKey) -> list[Wanted]:
        """What is configured for `function` now."""


class Links(NamedTuple):
    """All that placement talks to; the composition root fills it in."""

    agents: Agents
    edges: Edges
    limits: Limits
    specs: Specs
