"""Placement at work: carries out what the ledger decides.

Knows: how to start, stop and take back environments, and how long a claim may wait. Does not know
why: every decision is the ledger's. Lives in control; one object for the node.

A claim that has to wait is answered by the first of: an environment that ends, the deadline, the
loss of the agent. Placement is closed until `recover` has told it what the agent holds, and again
from `agent_lost` to the next `recover`: requests wait meanwhile, for the same bounded time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable
from typing import Any

import msgspec
import structlog

from lambent.clock import Clock
from lambent.errors import ServiceError, Unavailable
from lambent.ids import Ids
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionKey
from lambent.model.messages import (
    EnvironmentStatus,
    Hosted,
    IdleChange,
    Initialised,
    LeaseGrant,
    LeaseRequest,
    Start,
    Stop,
)
from lambent.placement.api import Allowance, Links
from lambent.placement.claims import Claims
from lambent.placement.holdings import (
    Claim,
    Effect,
    EndWhenDone,
    Granted,
    Guided,
    Holding,
    Refused,
    State,
    StopEnvironment,
    TakeBack,
    Usage,
)
from lambent.placement.ledger import Ledger
from lambent.placement.moves import Moves
from lambent.placement.pace import Pace
from lambent.placement.throttle import NoMemory, PlacementFailed, Reason, Throttled

NO_EDGE = -1  # holds what no edge does
LONGEST_WAIT_S = 5.0  # for the agent, and for memory unless configured; our own choice: SDKs wait for longer

log = structlog.get_logger()


class Placement:
    """Who may have one more environment.

    Args:
        capacity_mb: memory for all environments of the node together.
        wait_s: how long a claim may wait for memory.
        scaling_pace: environments that a function may add in each ten seconds; 0 is no limit.
    """

    def __init__(
        self,
        capacity_mb: int,
        clock: Clock,
        ids: Ids,
        links: Links,
        *,
        wait_s: float = LONGEST_WAIT_S,
        scaling_pace: int = 0,
    ) -> None:
        self._ledger = Ledger(capacity_mb)
        self._pace = Pace(scaling_pace)
        self._clock, self._ids = clock, ids
        self._agents, self._edges, self._limits, self._specs = links
        self._moves = Moves(self._ledger, self._agents, self._edges, clock, self._not_moved)
        self._claims = Claims(self._ledger, clock, wait_s, self._carry_out)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._open = asyncio.Event()
        self._ended: set[str] = set()  # while closed: what the agent says meanwhile is newer than its inventory
        self._limit_changes = 0

    # what edges ask

    async def lease(self, edge: int, request: LeaseRequest) -> LeaseGrant | Hosted:
        """One more environment, on its way to `edge`; or where there are some, when there can be no more.

        Raises:
            Throttled: a limit, or the node's memory, is used up.
            ServiceError: it could not be made.
        """
        asked_s = self._clock.monotonic_s()
        await self._wait_open()
        moved = await self._moved(self._moves.givers(edge, request), edge, request, asked_s)
        if moved is not None:
            return moved
        environment_id, log_stream = self._ids.hex(32), await self._specs.log_stream(request)
        guided = await self._claim_in_pace(environment_id, edge, request)
        if guided is not None:
            moved = await self._moved([guided.edge] if guided.ask else [], edge, request, asked_s)
            return moved or Hosted(guided.edge)
        placement_us = round((self._clock.monotonic_s() - asked_s) * 1e6)
        start = asyncio.ensure_future(self._start(environment_id, edge, request, log_stream))
        self._keep(start)
        await asyncio.shield(start)  # an edge that hangs up must not hide an environment that gets made
        return LeaseGrant(environment_id, log_stream, placement_us)

    def idle(self, change: IdleChange) -> None:
        """An edge's notice that an environment fell idle, or is in use again."""
        note = self._ledger.idle if change.since_ms else self._ledger.leased
        self._carry_out(note(change.environment_id))

    def retiring(self, environment_id: str) -> None:
        """An edge's notice that it is having an environment stopped: its slot is as good as free."""
        self._carry_out(self._ledger.retiring(environment_id))

    def edge_lost(self, edge: int) -> None:
        """The edge has died: stop what it held."""
        self._carry_out(self._ledger.edge_lost(edge))

    # what the agent says

    def exited(self, notice: EnvironmentExit) -> None:
        """An environment is gone."""
        if not self._open.is_set():
            self._ended.add(notice.environment_id)
        self._carry_out(self._ledger.exited(notice.environment_id))

    def agent_lost(self) -> None:
        """The agent is gone, and its environments with it; closed until the next `recover`."""
        self._open.clear()
        self._carry_out(self._ledger.agent_lost())

    async def recover(self, inventory: Iterable[EnvironmentStatus]) -> None:
        """What the agent holds, told before anything else on each new connection to it."""
        for status in inventory:
            allowance = await self._limits.allowance(status.function)
            if status.environment_id not in self._ended:
                self._carry_out(self._ledger.recover(self._recovered(status), allowance))
        self._ended.clear()
        self._open.set()

    def _recovered(self, status: EnvironmentStatus) -> Holding:
        place = status.edge, status.function, status.environment_key, status.memory_mb
        age_s = self._clock.machine_s() - status.started_ms / 1000
        return Holding(
            status.environment_id,
            Claim(*place, status.provisioned_for),
            State.HELD,
            born_s=self._clock.monotonic_s() - max(0.0, age_s),
            ready=status.initialised,
            recovered=True,
        )

    # provisioned concurrency

    @property
    def is_open(self) -> bool:
        """Whether the agent is there and what it holds is known."""
        return self._open.is_set()

    def pinned(self, function: FunctionKey) -> list[Holding]:
        """The environments of `function`'s provisioned concurrency."""
        return self._ledger.pinned(function)

    def cramped(self, function: FunctionKey) -> set[str]:
        """The versions and aliases whose provisioned concurrency waits for memory."""
        return self._ledger.cramped(function)

    def holds(self, environment_id: str) -> bool:
        """Whether it still counts."""
        return self._ledger.holds(environment_id)

    def initialised(self, what: Initialised) -> Holding | None:
        """A provisioned environment is ready for traffic, or has failed; None for one that is wanted no longer."""
        return self._ledger.initialised(what.environment_id, ready=not what.failure)

    def confirm(self, edge: int, held: Collection[str]) -> None:
        """`edge` has come back to a control that has restarted, and this is what it holds."""
        self._carry_out(self._ledger.confirm(edge, held))

    def release(self, holding: Holding) -> None:
        """It is provisioned no longer."""
        self._carry_out(self._ledger.unpin(holding.environment_id))
        if holding.ready:
            self._spawn(self._release(holding.claim.edge, holding.environment_id))

    # what operators and services ask

    async def limits_changed(self, function: FunctionKey) -> None:
        """A limit of `function` has changed. Idle environments above it are sent away."""
        self._limit_changes += 1
        self._carry_out(self._ledger.limits_changed(function, await self._allowance(function)))

    def usage(self) -> Usage:
        """What is in use now."""
        return self._ledger.usage()

    def count(self, function: FunctionKey) -> int:
        """How many environments `function` has."""
        return self._ledger.count(function)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def room(self, request: LeaseRequest) -> AsyncIterator[None]:
        """Memory for an init phase that no invocation waits for (SnapStart's, at PublishVersion).

        It counts against no concurrency, so it is a function of its own here, under a name that none can have.

        Raises:
            Throttled: the node has no memory now.
            ServiceError: it never has as much, there is no such version, or the agent is gone.
        """
        await self._wait_open()
        memory_mb = await self._limits.memory_mb(request)
        try:
            self._claims.check_size(memory_mb)
        except NoMemory as too_large:
            raise PlacementFailed(too_large.why) from None
        function = msgspec.structs.replace(request.key, name=f"{request.key.name}:{request.version}")
        init_id = self._ids.hex(32)
        claim = Claim(NO_EDGE, function, request.environment_key, memory_mb, provisioned_for=request.version)
        try:
            await self._claims.granted(init_id, claim, (await self._allowance(request.key)).of_another(1))
            yield
        finally:
            self._carry_out(self._ledger.exited(init_id))
            self._ledger.forgotten(function)

    # moving what is idle elsewhere

    async def _moved(self, givers: list[int], edge: int, request: LeaseRequest, asked_s: float) -> LeaseGrant | None:
        if not givers:
            return None
        move = asyncio.ensure_future(self._moves.move(givers, edge, request.environment_key))
        self._keep(move)
        grant = await asyncio.shield(move)  # an edge that hangs up must not hide what was given up
        if grant is None:
            return None
        placement_us = round((self._clock.monotonic_s() - asked_s) * 1e6)
        return msgspec.structs.replace(grant, placement_us=placement_us)

    def _not_moved(self, environment_id: str) -> None:
        self._carry_out(self._ledger.retiring(environment_id))
        self._spawn(self._stop(environment_id, "it could not be moved"))

    async def _release(self, edge: int, environment_id: str) -> None:
        try:
            await self._edges.release(edge, environment_id)
        except Unavailable:
            return  # an edge that is lost takes it along

    # the claim

    async def _wait_open(self) -> None:
        if self._open.is_set():
            return
        opened = asyncio.ensure_future(self._open.wait())
        deadline = asyncio.ensure_future(self._clock.sleep(LONGEST_WAIT_S))
        try:
            await asyncio.wait((opened, deadline), return_when=asyncio.FIRST_COMPLETED)
        finally:
            opened.cancel()
            deadline.cancel()
        if not self._open.is_set():
            raise PlacementFailed("No environment could be made: the agent cannot be reached now.")

    async def _claim_in_pace(self, environment_id: str, edge: int, request: LeaseRequest) -> Guided | None:
        """A claim that the limits allow. Provisioned environments have a pace of their own (provisioning.py)."""
        guided = await self._claim(environment_id, edge, request)
        paced = guided is None and not request.provisioned
        if paced and not self._pace.take(request.key, self._clock.monotonic_s()):
            self._carry_out(self._ledger.exited(environment_id))
            raise Throttled(Reason.ACCOUNT)
        return guided

    async def _claim(self, environment_id: str, edge: int, request: LeaseRequest) -> Guided | None:
        memory_mb = await self._limits.memory_mb(request)
        provisioned_for = request.qualifier if request.provisioned else ""
        place = edge, request.key, request.environment_key
        self._claims.check_size(memory_mb)
        claim = Claim(*place, memory_mb, provisioned_for, request.here)
        return await self._claims.granted(environment_id, claim, await self._allowance(request.key))

    async def _allowance(self, function: FunctionKey) -> Allowance:
        """The limits as they are when this returns, not as they were when it began."""
        while True:
            changes = self._limit_changes
            allowance = await self._limits.allowance(function)
            if changes == self._limit_changes:
                return allowance

    async def _start(self, environment_id: str, edge: int, request: LeaseRequest, log_stream: str) -> None:
        try:
            spec = await self._specs.spec(request, environment_id, log_stream)
            if not self._ledger.holds(environment_id):
                raise Unavailable("the agent or the edge went away while the environment was prepared")
            await self._agents.start(Start(spec, edge))
        except Unavailable as error:
            self._carry_out(self._ledger.exited(environment_id))
            raise PlacementFailed(f"No environment could be made: {error}.") from error
        except BaseException:
            self._carry_out(self._ledger.exited(environment_id))
            raise
        self._carry_out(self._ledger.started(environment_id))

    # carrying out

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Granted(environment_id):
                    self._claims.settle(environment_id)
                case Guided() as guided:
                    self._claims.settle(guided.environment_id, guided)
                case Refused() as refused:
                    self._claims.refuse(refused)
                case TakeBack(edge, environment_id):
                    self._spawn(self._take_back(edge, environment_id))
                case EndWhenDone(edge, environment_id):
                    self._spawn(self._release(edge, environment_id))
                case StopEnvironment(environment_id, reason):
                    self._spawn(self._stop(environment_id, reason))

    async def _take_back(self, edge: int, environment_id: str) -> None:
        try:
            given = await self._edges.take_back(edge, environment_id)
        except (Unavailable, ServiceError):
            given = False
        self._carry_out(self._ledger.took_back(environment_id, given))

    async def _stop(self, environment_id: str, reason: str) -> None:
        try:
            await self._agents.stop(Stop(environment_id, reason))
        except Unavailable:
            log.warning("not stopped: no agent", action="placement.stop", environment=environment_id)
            return  # `agent_lost` or `recover` settles it
        self._carry_out(self._ledger.exited(environment_id))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._keep(asyncio.ensure_future(work))

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ServiceError):  # those reach whoever asked
            log.error("placement failed", action="placement.carry_out", exc_info=error)
