"""Two edges and one placement, all real, over agents in memory: limits are exact, nothing is lost.

The random walk stands for what issue 3 asks of concurrency: exact under many edges.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.fake import FakeEnvironment
from lambent.errors import ServiceError, Unavailable
from lambent.ids import FakeIds
from lambent.invocation.api import Limits, Links
from lambent.invocation.data_plane import DataPlane
from lambent.invocation.estate import Estate
from lambent.invocation.fakes import NoSuchFunction, render
from lambent.invocation.snapshots import Snapshots
from lambent.invocation.streaming import AnswerStream
from lambent.model.environment import EnvironmentExit, Provisioned
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationRecord, InvocationResult
from lambent.model.messages import (
    EnvironmentStatus,
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
    Start,
    Stop,
)
from lambent.placement import api as placement_api
from lambent.placement.fakes import FakeLimits, FakeSpecs
from lambent.placement.placement import Placement


def key(name: str) -> FunctionKey:
    return FunctionKey("000000000000", "us-east-1", name)


class Town:
    """The agent and the truth about functions; `Edge` objects connect to it."""

    def __init__(self, account_limit: int = 1_000, capacity_mb: int = 100_000) -> None:
        self.clock = FakeClock()
        self.limits = FakeLimits(account_limit)
        self.edges: dict[int, Edge] = {}
        self.alive: dict[str, FakeEnvironment] = {}
        self.at: dict[str, int] = {}
        self.key_of: dict[str, str] = {}
        self.code: Counter[str] = Counter()
        self.running: dict[str, asyncio.Future[Outcome]] = {}  # by request id
        self.most = self.moves = self.guests = 0
        self.initialised: list[Initialised] = []
        self.ids, self.capacity_mb = FakeIds(), capacity_mb
        self.leases: set[asyncio.Future[LeaseGrant | Hosted]] = set()
        self.away = False  # control
        self.placement = self.new_placement()

    def new_placement(self) -> Placement:
        links = placement_api.Links(self, self, self.limits, FakeSpecs())
        return Placement(self.capacity_mb, self.clock, self.ids, links)

    async def kill_control(self) -> None:
        self.away = True
        for lease in self.leases:
            lease.cancel()
        await self.placement.close()

    async def restart_control(self) -> None:
        """As control does: what the agent holds first, then what each edge says."""
        self.placement, self.away = self.new_placement(), False
        await self.placement.recover([self.status_of(environment_id) for environment_id in self.alive])
        for number, edge in self.edges.items():
            edge.estate.invalidate_all()
            self.placement.confirm(number, edge.estate.held())

    def status_of(self, environment_id: str) -> EnvironmentStatus:
        environment_key = self.key_of[environment_id]
        place = environment_key, key(environment_key.rpartition("-")[0]), "$LATEST", self.at[environment_id]
        return EnvironmentStatus(environment_id, *place, memory_mb=128, started_ms=0, pid=1)

    async def open(self, edges: int) -> Town:
        await self.placement.recover([])
        self.edges = {number: Edge(self, number) for number in range(edges)}
        return self

    async def start(self, start: Start) -> None:
        spec = start.spec
        environment = FakeEnvironment(spec.environment_id, spec.environment_key, self.clock, answers=[self.answer] * 99)
        self.alive[spec.environment_id], self.at[spec.environment_id] = environment, start.edge
        self.key_of[spec.environment_id] = spec.environment_key
        self.most = max(self.most, len(self.alive))
        if spec.provisioned_for:
            what = Provisioned(spec.function, spec.version, spec.log_stream, 130.0)
            self.edges[start.edge].estate.provisioned(environment, what)
        else:
            self.edges[start.edge].estate.granted(environment)

    async def provision(self, name: str, edge: int, qualifier: str = "live") -> None:
        """What the provisioner does, for one environment."""
        request = LeaseRequest(key(name), "$LATEST", qualifier, f"{name}-0", provisioned=True)
        await self.placement.lease(edge, request)
        await self.settle()
        for what in self.initialised:
            self.placement.initialised(what)

    async def stop(self, stop: Stop) -> None:
        await asyncio.sleep(0)
        notice = EnvironmentExit(stop.environment_id, reason=stop.reason)
        if self.alive.pop(stop.environment_id, None) is not None:
            self.edges[self.at[stop.environment_id]].estate.exited(notice)
        self.placement.exited(notice)

    async def take_back(self, edge: int, environment_id: str) -> bool:
        await asyncio.sleep(0)
        return self.edges[edge].estate.take_back(environment_id)

    async def give_up(self, edge: int, environment_key: str) -> str:
        await asyncio.sleep(0)
        return self.edges[edge].estate.give_up(environment_key)

    async def release(self, edge: int, environment_id: str) -> None:
        self.edges[edge].estate.release(environment_id)

    def numbers(self) -> list[int]:
        return list(self.edges)

    async def move(self, move: Move) -> str:
        """The same process behind new descriptors."""
        await asyncio.sleep(0)
        old = self.alive.get(move.environment_id)
        if old is None:
            raise Unavailable("the environment has ended")  # as the agent says it
        environment = FakeEnvironment(old.id, old.key, self.clock, answers=[self.answer] * 99)
        self.alive[old.id], self.at[old.id] = environment, move.edge
        self.moves += 1
        self.edges[move.edge].estate.granted(environment)
        return "stream"

    async def answer(self, invocation: Invocation) -> Outcome:
        self.running[invocation.request_id] = asyncio.get_running_loop().create_future()
        try:
            return await self.running[invocation.request_id]
        finally:
            self.running.pop(invocation.request_id, None)

    def finish(self, request_id: str, kind: OutcomeKind = OutcomeKind.RESPONSE) -> None:
        future = self.running.get(request_id)
        if future is not None and not future.done():
            future.set_result(Outcome(kind, 1_000, b"1"))

    def update(self, name: str) -> None:
        self.code[name] += 1
        for edge in self.edges.values():
            edge.estate.invalidate([key(name)])

    async def settle(self) -> None:
        for _ in range(40):
            await asyncio.sleep(0)

    async def close(self) -> None:
        for edge in self.edges.values():
            await edge.data_plane.close()
        await self.placement.close()


class Edge:
    """One edge: `Control`, `Agent` and `Journal` for its data plane."""

    def __init__(self, town: Town, number: int) -> None:
        self.town, self.number = town, number
        self.records: list[InvocationRecord] = []
        links, limits = Links(self, self, self, render, FakeIds()), Limits()
        self.snapshots = Snapshots(self.snapshot)
        self.estate = Estate(links, self.snapshots, town.clock, limits)
        self.data_plane = DataPlane(links, self.snapshots, self.estate, town.clock, limits)

    async def snapshot(self, request: SnapshotRequest) -> FunctionSnapshot:
        if self.town.away:
            raise Unavailable("no control")
        name, version = request.key.name, self.town.code[request.key.name]
        await asyncio.sleep(0)
        if name == "nobody":
            raise NoSuchFunction("Function not found")
        return FunctionSnapshot(
            key=request.key,
            version="$LATEST",
            invoked_arn=name,
            environment_key=f"{name}-{version}",
            runtime="python3.12",
            handler="app.handler",
            timeout_s=3,
            memory_mb=128,
            ephemeral_mb=512,
            role="",
            log_group="",
            revision_id=str(version),
        )

    async def lease(self, request: LeaseRequest) -> LeaseGrant | Hosted:
        if self.town.away:
            return await self.neighbours_lease(request)
        placement = self.town.placement
        lease = asyncio.ensure_future(placement.lease(self.number, request))
        self.town.leases.add(lease)
        lease.add_done_callback(self.town.leases.discard)
        try:
            return await lease
        except asyncio.CancelledError:
            if self.town.away or placement is not self.town.placement:
                raise Unavailable("control hung up") from None
            raise

    async def move(self, move: Move) -> str:
        await asyncio.sleep(0)
        if not self.town.away or self.town.at[move.environment_id] != self.number:
            raise Unavailable("not now")  # as the agent says it
        return await self.town.move(move)

    async def neighbours_lease(self, request: LeaseRequest) -> LeaseGrant | Hosted:
        """As the edges have it among themselves."""
        for edge in self.town.edges.values():
            if edge is not self:
                await asyncio.sleep(0)
                grant = await edge.estate.hand_on(request.environment_key, self.number)
                if grant is not None:
                    return grant
                if not (request.here or request.served) and edge.estate.has(request.environment_key):
                    return Hosted(edge.number)
        raise Unavailable("no control")

    async def host(self, edge: int, guest: Guest, stream: AnswerStream | None = None) -> InvocationResult | None:
        """As the line between two edges has it."""
        await asyncio.sleep(0)
        self.town.guests += 1
        answer = await self.town.edges[edge].data_plane.host(guest, stream)
        await asyncio.sleep(0)
        return answer

    async def requests(self, query: RateQuery) -> RateGrant:
        return RateGrant(query.wanted)

    def idle(self, change: IdleChange) -> None:
        if not self.town.away:
            self.town.placement.idle(change)

    def retiring(self, environment_id: str) -> None:
        if not self.town.away:
            self.town.placement.retiring(environment_id)

    async def stop(self, stop: Stop) -> None:
        await self.town.stop(stop)

    def ready(self, environment_id: str, patience_s: float = 0.0, *, failed: bool = False) -> None:
        pass

    def initialised(self, what: Initialised) -> None:
        self.town.initialised.append(what)

    def append(self, record: InvocationRecord) -> None:
        self.records.append(record)

    def begin(self, request_id: str, name: str, *, pieces: bool = False) -> asyncio.Task[InvocationResult]:
        """`pieces`: its answer may come so."""
        invocation = Invocation(request_id, key(name), "", b"{}")
        return asyncio.ensure_future(self.stream(invocation) if pieces else self.data_plane.invoke(invocation))

    async def stream(self, invocation: Invocation) -> InvocationResult:
        answer: asyncio.Future[InvocationResult | Exception] = asyncio.get_running_loop().create_future()
        self.data_plane.begin(invocation, answer.set_result, AnswerStream(1_000_000, lambda: None))
        result = await answer
        if isinstance(result, Exception):
            raise result
        return result


async def test_a_reservation_holds_over_both_edges_together() -> None:
    town = await Town().open(edges=2)
    town.limits.reserved["f"] = 5
    calls = [town.edges[number % 2].begin(f"r{number}", "f") for number in range(20)]
    await town.settle()
    assert (sum(call.done() for call in calls), len(town.running)) == (15, 5)
    for request_id in list(town.running):
        town.finish(request_id)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, InvocationResult) for answer in answers) == 5
    await town.close()


async def test_one_place_wanders_from_edge_to_edge_without_a_throttle() -> None:
    town = await Town().open(edges=2)
    town.limits.reserved["f"] = 1
    for number in range(6):
        call = town.edges[number % 2].begin(f"r{number}", "f")
        await town.settle()
        town.finish(f"r{number}")
        await call
    assert town.most == 1
    await town.close()


async def test_while_one_edge_keeps_the_only_place_busy_the_other_edges_requests_have_their_turn() -> None:
    town = await Town().open(edges=2)
    town.limits.reserved["f"] = 1
    order, names = list[str](), [f"r{number}" for number in range(60)]

    async def ask(name: str) -> None:
        town.edges[int(name[1:]) % 2].begin(name, "f").add_done_callback(lambda _: order.append(name))
        await town.settle()

    async def finish() -> None:
        (running,) = town.running
        town.finish(running)
        await town.settle()
        await town.clock.advance(0.01)

    for name in names[:2]:  # both edges know how long it takes
        await ask(name)
        await finish()
    for edge in town.edges.values():
        for pool in edge.estate._pools.values():
            pool.start_s = 10.0  # so dear that nobody asks for another environment
    for name in names[2:8]:
        await ask(name)
    for name in names[8:]:
        await finish()
        await ask(name)
    assert town.most == 1
    assert order == names[:-6], "in the order of arrival, whichever edge they came to"
    assert town.guests > 20
    await town.close()


async def test_what_runs_for_long_throttles_at_once_whichever_edge_a_request_comes_to() -> None:
    town = await Town().open(edges=2)
    town.limits.reserved["f"] = 1
    call = town.edges[0].begin("first", "f")
    await town.settle()
    town.finish("first")
    await call
    busy = town.edges[0].begin("busy", "f")
    await town.settle()
    await town.clock.advance(1)
    guest = town.edges[1].begin("guest", "f")
    await town.settle()
    assert (town.guests, town.moves, guest.done()) == (1, 0, True)
    with pytest.raises(ServiceError) as refused:
        await guest
    assert refused.value.members["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    counted = [edge.data_plane.statistics().throttles for edge in town.edges.values()]
    assert counted == [1, 0], "once, where it waited"
    town.finish("busy")
    await busy
    await town.close()


async def test_with_control_away_one_place_wanders_all_the_same_and_counts_where_it_is_when_control_is_back() -> None:
    town = await Town().open(edges=2)
    town.limits.reserved["f"] = 1
    for number in range(6):
        if number == 2:
            await town.kill_control()
        call = town.edges[number % 2].begin(f"r{number}", "f")
        await town.settle()
        town.finish(f"r{number}")
        await call
    assert (town.most, len(town.alive), town.moves) == (1, 1, 5)
    await town.restart_control()
    await town.settle()
    assert town.placement.usage().environments == len(town.alive) == 1
    await town.close()


async def test_with_control_away_a_request_waits_for_what_is_busy_next_door() -> None:
    town = await Town().open(edges=2)
    town.limits.reserved["f"] = 1
    for number in range(2):  # both edges know the function
        call = town.edges[number].begin(f"r{number}", "f")
        await town.settle()
        town.finish(f"r{number}")
        await call
    busy = town.edges[1].begin("busy", "f")
    await town.settle()
    await town.kill_control()
    waiting = town.edges[0].begin("waiting", "f")
    await town.settle()
    assert not waiting.done()
    town.finish("busy")
    await busy
    await town.clock.advance(0.5)
    await town.settle()
    town.finish("waiting")
    assert (await waiting).status == "success"
    assert town.most == 1
    await town.close()


async def test_after_a_timeout_the_next_request_is_not_throttled() -> None:
    town = await Town().open(edges=1)
    town.limits.reserved["f"] = 1
    call = town.edges[0].begin("r1", "f")
    await town.settle()
    await town.clock.advance(3)
    assert (await call).status == "timeout"
    call = town.edges[0].begin("r2", "f")
    await town.settle()
    town.finish("r2")
    assert (await call).status == "success"
    await town.close()


async def test_a_full_node_serves_a_new_function_from_what_others_do_not_use() -> None:
    town = await Town(capacity_mb=256).open(edges=1)
    for number, name in enumerate("aabc"):
        call = town.edges[0].begin(f"r{number}", name)
        await town.settle()
        town.finish(f"r{number}")
        await call
        await town.clock.advance(0.2)
        town.edges[0].estate.sweep()
    assert town.most == 2
    await town.close()


async def test_the_storm_of_one_function_does_not_starve_another_with_a_reservation() -> None:
    town = await Town(account_limit=20).open(edges=2)
    town.limits.reserved["calm"] = 5
    storm = [town.edges[number % 2].begin(f"s{number}", "storm") for number in range(100)]
    await town.settle()
    calm = town.edges[0].begin("calm", "calm")
    await town.settle()
    town.finish("calm")
    assert (await calm).status == "success"
    for request_id in list(town.running):
        town.finish(request_id)
    answers = await asyncio.gather(*storm, return_exceptions=True)
    assert sum(isinstance(answer, InvocationResult) for answer in answers) == 15
    await town.close()


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_in_any_order_of_events_limits_hold_and_every_call_is_answered(seed: int) -> None:
    asyncio.run(asyncio.wait_for(walk(random.Random(seed)), 60))


async def walk(chance: random.Random) -> None:
    town = await Town(account_limit=6, capacity_mb=5 * 128).open(edges=2)
    town.limits.reserved["a"] = 2
    calls: dict[str, tuple[int, str, asyncio.Task[InvocationResult]]] = {}
    for number in range(60):
        match chance.randrange(9):
            case 0 | 1 | 2:
                request_id, name = f"r{number}", chance.choice("abc")
                edge, pieces = chance.choice(list(town.edges.values())), chance.random() < 0.2
                calls[request_id] = town.code[name], name, edge.begin(request_id, name, pieces=pieces)
            case 3 | 4 if town.running:
                kinds = (OutcomeKind.RESPONSE, OutcomeKind.ERROR, OutcomeKind.GARBAGE)
                town.finish(chance.choice(list(town.running)), chance.choice(kinds))
            case 5 if town.alive:
                environment_id = chance.choice(list(town.alive))
                town.alive.pop(environment_id)
                notice = EnvironmentExit(environment_id, signal=9)
                town.placement.exited(notice)
                town.edges[town.at[environment_id]].estate.exited(notice)
            case 6:
                if not town.away:
                    town.update(chance.choice("abc"))
            case 8:
                await (town.restart_control() if town.away else town.kill_control())
            case 7:
                await town.clock.advance(chance.choice([0.1, 1.0]))
                for edge in town.edges.values():
                    edge.estate.sweep()
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
    if town.away:
        await town.restart_control()
    await check(town, calls)
    await town.close()


async def check(town: Town, calls: dict[str, tuple[int, str, asyncio.Task[InvocationResult]]]) -> None:
    for _ in range(200):
        for request_id in list(town.running):
            town.finish(request_id)
        await town.settle()
        await town.clock.advance(0.1)
        for edge in town.edges.values():
            edge.estate.sweep()
        seen = [edge.data_plane.statistics() for edge in town.edges.values()]
        unclaimed = len(town.alive) - sum(each.idle for each in seen)  # the grant was lost with control
        starting = sum(each.starting for each in seen)
        if not starting and not unclaimed and all(task.done() for *_, task in calls.values()):
            break
    for _, _, task in calls.values():
        assert task.done()
        error = task.exception()
        assert error is None or isinstance(error, ServiceError)
    assert town.most <= 5
    for edge in town.edges.values():
        statistics = edge.data_plane.statistics()
        assert (statistics.busy, statistics.waiting, statistics.starting) == (0, 0, 0)
        for record in edge.records:
            if record.environment_id:
                code, name, _ = calls[record.request_id]
                made_for, _, made_of = town.key_of[record.environment_id].rpartition("-")
                assert (made_for, int(made_of) >= code) == (name, True)
    idle = sum(edge.data_plane.statistics().idle for edge in town.edges.values())
    assert town.placement.usage().environments == len(town.alive) == idle
