"""What control's rooms know of the other parts and of one another; and who is connected."""

import asyncio
import itertools
from collections.abc import Iterable

from lambent.clock import Clock, iso_seconds
from lambent.config import Settings
from lambent.environment.variables import Circumstances, Credentials
from lambent.errors import Unavailable
from lambent.ids import Ids
from lambent.model.environment import EnvironmentSpec
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.log_stream import new_log_stream
from lambent.model.messages import (
    EnvironmentStatus,
    Expected,
    Invalidate,
    LeaseRequest,
    Move,
    RuntimeStatus,
    SnapshotTaken,
    Start,
    Stop,
)
from lambent.model.rest_api import RestTrial, TrialOutcome
from lambent.placement.api import Standing
from lambent.placement.placement import Placement
from lambent.placement.provisioning import Provisioner
from lambent.sandbox import doctor
from lambent.sandbox.launch import Host, missing
from lambent.services.iam.keys import Keys
from lambent.services.lambda_.data_plane import DataPlane
from lambent.transport.connections import Lasting
from lambent.transport.peer import Peer

EDGES_GRACE_S = 5.0  # how long a control that has just started waits for edges of before


class Edges:
    """The edges that are connected. Implements what placement, the queue and the services ask.

    A control that has just started waits for all edges before it lets a change be acknowledged:
    one that lives on and has not come back yet may still serve old copies.
    """

    def __init__(self, expected: int, clock: Clock) -> None:
        self._expected, self._clock = expected, clock
        self._peers: dict[int, Peer] = {}
        self.pids: dict[int, int] = {}
        self._turn = itertools.count()
        self._leaving: set[int] = set()
        self._grace_until_s = clock.monotonic_s() + EDGES_GRACE_S

    def joined(self, number: int, pid: int, peer: Peer) -> None:
        """An edge has said hello."""
        self._peers[number], self.pids[number] = peer, pid
        self._leaving.discard(number)

    def leaving(self, number: int) -> None:
        """An edge is about to stop: nothing more is begun there."""
        self._leaving.add(number)

    def left(self, number: int, peer: Peer) -> bool:
        """The connection of an edge is gone; whether it was the edge's newest."""
        if self._peers.get(number) is not peer:
            return False
        del self._peers[number], self.pids[number]
        return True

    async def broadcast(self, what: Invalidate) -> None:
        """Return once no edge serves what `what` names; an edge that hangs up serves nothing old,
        because it forgets everything before it serves again."""
        while len(self._peers) < self._expected and self._clock.monotonic_s() < self._grace_until_s:
            await self._clock.sleep(0.01)
        calls = [peer.call("invalidate", what, type(None)) for peer in self._peers.values()]
        for result in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, Unavailable):
                raise result

    async def move_clock(self, shift_s: float) -> None:
        """Return once every edge that is connected has this time."""
        calls = [peer.call("clock", shift_s, type(None)) for peer in self._peers.values()]
        await asyncio.gather(*calls, return_exceptions=True)  # one that hangs up learns it when it comes back

    async def take_back(self, edge: int, environment_id: str) -> bool:
        return await self._peer(edge).call("take_back", environment_id, bool)

    async def give_up(self, edge: int, environment_key: str) -> str:
        return await self._peer(edge).call("give_up", environment_key, str)

    async def release(self, edge: int, environment_id: str) -> None:
        await self._peer(edge).call("release", environment_id, type(None))

    async def held(self, edge: int) -> list[str]:
        """The environments that an edge says it has. Raises Unavailable."""
        answer: list[str] = await self._peer(edge).call("held", None, list[str])
        return answer

    async def connections(self) -> int:
        """How many WebSockets the edges hold."""
        calls = [peer.call("connections", None, int) for peer in self._peers.values()]
        return sum(each for each in await asyncio.gather(*calls, return_exceptions=True) if isinstance(each, int))

    def numbers(self) -> list[int]:
        return list(self._peers)

    def _peer(self, edge: int) -> Peer:
        peer = self._peers.get(edge)
        if peer is None:
            raise Unavailable(f"edge {edge} is not connected")
        return peer

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run `invocation` in one of the edges, each in its turn."""
        return await self._next().call("invoke", invocation, InvocationResult)

    async def try_rest(self, trial: RestTrial) -> TrialOutcome:
        """Run a method of a REST API in one of the edges."""
        return await self._next().call("try_rest", trial, TrialOutcome)

    def _next(self) -> Peer:
        """The edge whose turn it is. Raises Unavailable."""
        peers = [peer for number, peer in self._peers.items() if number not in self._leaving]
        if not peers:
            raise Unavailable("no edge is connected")
        return peers[next(self._turn) % len(peers)]


class Doors:
    """IAM's word to the edges: these keys changed."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges

    async def forget_access_keys(self, access_key_ids: list[str]) -> None:
        """Return once no edge believes them; an empty list means all."""
        await self._edges.broadcast(Invalidate(access_keys=access_key_ids, all_access_keys=not access_key_ids))


class Agents:
    """The agent of this node."""

    def __init__(self, link: Lasting) -> None:
        self._link = link
        self.pid = 0

    async def start(self, start: Start) -> None:
        await self._link.peer.call("start", start, type(None))

    async def stop(self, stop: Stop) -> None:
        await self._link.peer.call("stop", stop, type(None))

    async def move(self, move: Move) -> str:
        return await self._link.peer.call("move", move, str)

    async def take_snapshot(self, spec: EnvironmentSpec) -> SnapshotTaken:
        return await self._link.peer.call("take_snapshot", spec, SnapshotTaken)

    async def forget_snapshots(self, environment_keys: list[str]) -> None:
        await self._link.peer.call("forget_snapshots", environment_keys, type(None))

    async def inventory(self) -> list[EnvironmentStatus]:
        answer: list[EnvironmentStatus] = await self._link.peer.call(
            "inventory",
            None,
            list[EnvironmentStatus],
        )
        return answer

    async def runtimes(self) -> list[RuntimeStatus]:
        answer: list[RuntimeStatus] = await self._link.peer.call("runtimes", None, list[RuntimeStatus])
        return answer

    async def expect(self, expected: Expected) -> None:
        await self._link.peer.call("expect", expected, type(None))


class Specs:
    """What an environment is made from: the function's version, and fresh credentials of its role."""

    def __init__(self, functions: DataPlane, keys: Keys, settings: Settings, clock: Clock, ids: Ids) -> None:
        self._functions, self._keys, self._settings = functions, keys, settings
        self._clock, self._ids = clock, ids

    async def log_stream(self, request: LeaseRequest) -> str:
        group = await self._functions.log_group(request)
        return new_log_stream(request.key, request.version, group, self._clock, self._ids)

    async def spec(self, request: LeaseRequest, environment_id: str, log_stream: str) -> EnvironmentSpec:
        role = await self._functions.role(request)
        made = await self._keys.mint_for_function(role, request.key.account, request.key.name)
        network = self._functions.reach(request) or self._settings.network
        # Without walls the function shares the host's loopback; inside them the agent listens on the same port.
        endpoint = f"http://127.0.0.1:{self._settings.port}" if network != "none" else ""
        circumstances = Circumstances(
            log_stream=log_stream,
            credentials=Credentials(made.access_key_id, made.secret, made.session_token, iso_seconds(made.expires_s)),
            endpoint_url=endpoint,
            initialization_type="provisioned-concurrency" if request.provisioned else "on-demand",
        )
        return await self._functions.environment_spec(request, environment_id, circumstances, network)


class Runtimes:
    """The runtimes of this host, for CreateFunction's refusals."""

    def __init__(self, host: Host, architecture: str, *, fallback: bool) -> None:
        self.architecture = architecture
        self._host, self._fallback = host, fallback
        self._egress: list[str | None] = []

    def missing(self, runtime: str) -> str | None:
        return missing(runtime, self._host, fallback=self._fallback)

    def egress_obstacle(self) -> str | None:
        if not self._egress:
            self._egress.append(doctor.egress_obstacle())  # takes a moment, so only who needs it waits, once
        return self._egress[0]


class PlacementLink:
    """Placement and provisioning for the Lambda service, which is built before them."""

    def __init__(self) -> None:
        self._placement: Placement | None = None
        self._provisioner: Provisioner | None = None

    def connect(self, placement: Placement, provisioner: Provisioner) -> None:
        """Called once, before anything is served."""
        self._placement, self._provisioner = placement, provisioner

    async def changed(self, function: FunctionKey) -> None:
        """A function, a limit or a provisioned concurrency of it was changed."""
        if self._placement is not None and self._provisioner is not None:
            await self._placement.limits_changed(function)
            self._provisioner.changed(function)

    def standing(self, function: FunctionKey, qualifier: str, environment_keys: Iterable[str]) -> Standing:
        """How much of a provisioned concurrency is there."""
        if self._provisioner is None:
            return Standing()
        return self._provisioner.standing(function, qualifier, environment_keys)


class Invalidator:
    """Tells the edges and placement that functions changed."""

    def __init__(self, edges: Edges, placement: PlacementLink) -> None:
        self._edges, self._placement = edges, placement

    async def invalidate(self, functions: list[FunctionKey]) -> None:
        await self._edges.broadcast(Invalidate(functions=functions))
        for function in functions:
            await self._placement.changed(function)
