"""An edge: answers HTTP, and runs the invoke data path with the environments it holds."""

import asyncio
import mmap
import os
import signal
import socket

import structlog

from lambent.clock import ShiftedClock
from lambent.config import MIB, Quotas, Settings
from lambent.environment.live import LiveEnvironment
from lambent.gateway.authentication import Authentication, KeyCache
from lambent.gateway.buckets import comes_in_pieces
from lambent.gateway.front import Front
from lambent.gateway.http.least_connections import LeastConnections
from lambent.gateway.http.room import Rooms
from lambent.gateway.http.rules import Limits as HttpLimits
from lambent.gateway.http.server import HttpServer
from lambent.gateway.urls.cache import UrlCache
from lambent.ids import SystemIds
from lambent.invocation.api import Limits, Links
from lambent.invocation.data_plane import DataPlane
from lambent.invocation.estate import Estate
from lambent.invocation.snapshots import Snapshots
from lambent.journal.lines import events_of
from lambent.journal.writer import JournalWriter
from lambent.loops import Loops
from lambent.model.environment import EnvironmentExit, EnvironmentGrant
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import Hello, Hosted, Invalidate, LeaseGrant, LeaseRequest, Welcome
from lambent.model.rest_api import RestTrial, TrialOutcome
from lambent.roles.edge_apis import EdgeApis
from lambent.roles.edge_bridges import Bridges
from lambent.roles.edge_links import AgentLink
from lambent.roles.edge_stages import Serving, stages_of
from lambent.roles.edge_websockets import Whereabouts
from lambent.roles.guests import Guests
from lambent.roles.handoff_line import HandoffLine
from lambent.roles.neighbours import Caches, Environments, NeighbourDoor, Neighbours, SteadyControl, address_of
from lambent.roles.tls import TlsKeeper
from lambent.transport.address import Address
from lambent.transport.connections import Lasting
from lambent.transport.peer import MAX_FRAME_BYTES, Method, Methods, Peer

BODY_SLACK_BYTES = 1024 * 1024

log = structlog.get_logger()


class Edge:
    """The rooms of one edge, connected."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings, self._number = settings, number
        self._clock = ShiftedClock()
        self._loops = Loops(self._clock)
        self._ids = ids = SystemIds()
        self._hello = Hello(number, os.getpid(), ids.hex(16))
        self._control = Lasting(
            Address(path=str(settings.run / "control.sock")),
            self._methods_for_control(),
            self._clock,
            name="control",
            on_connect=self._greet_control,
        )
        self._agent = Lasting(
            Address(path=str(settings.run / "agent.sock")),
            {"exited": Method(EnvironmentExit, self._exited)},
            self._clock,
            name="agent",
            on_connect=self._greet_agent,
        )
        self._neighbours = Neighbours(settings, self._hello, self._clock)
        control, agent = SteadyControl(self._control, self._neighbours), AgentLink(self._agent)
        self._to_control = control
        self._journal = JournalWriter(settings.data / "journal", f"edge{number}-{self._hello.generation}")
        self._snapshots = Snapshots(fetch=control.snapshot)
        links, limits = Links(control, agent, self._journal, events_of, ids), _limits_of(settings)
        self._estate = Estate(links, self._snapshots, self._clock, limits)
        self._data_plane = DataPlane(links, self._snapshots, self._estate, self._clock, limits)
        self._handoff = HandoffLine(
            settings.run / "handoff.sock", self._hello, self._clock, self._granted, self._estate.agent_lost
        )
        self._keys = KeyCache(control.access_key)
        self._urls = UrlCache(control.function_url)
        authentication = Authentication(self._keys, self._clock, settings.clock_skew_s)
        where = Whereabouts(number, authentication, self._neighbours.connection, ids)
        self._apis = EdgeApis(control, self._data_plane.begin, self._clock, settings, where)
        caches = Caches(self._keys, self._urls, self._snapshots, self._apis)
        environments = Environments(self._hand_on, Guests(self._data_plane.host).serve)
        self._door = NeighbourDoor(self._control, caches, environments, self._apis.sockets.serve)
        serving = Serving(control, self._data_plane, self._journal, caches, authentication, self._missing)
        stages = stages_of(serving, settings, self._clock, ids)
        self._tls = TlsKeeper(settings, self._clock)
        rules = HttpLimits(head_bytes=settings.quotas.header_bytes, body_bytes=_longest_body_bytes(settings.quotas))
        longest_bytes = (rules.body_bytes + rules.head_bytes) * 9 // 8  # with what its pieces cost
        rooms = Rooms(settings.request_memory_mb * MIB, longest_bytes, settings.quotas.environment_connections)
        self._http = HttpServer(Front(stages, ids, self._clock), self._clock, rules, comes_in_pieces, rooms.all)
        self._bridges = Bridges(self._http, rooms, self._clock, ids)

    async def run(self, listener: socket.socket, counts: mmap.mmap) -> None:
        """Serve until SIGTERM, which before that ends us at once; then let running invocations finish.

        `listener` and `counts` are all edges'.
        """
        lines = (self._control, self._agent, self._neighbours, self._handoff)
        parts = (*lines, self._estate, self._http, self._tls, self._apis.sockets, self._apis.metrics)
        for part in parts:
            self._loops.begin(type(part).__name__, part.run)
        door = await self._door.open(address_of(self._settings, self._number))
        await self._control.wait_connected()
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        sockets = self._apis.sockets
        sharing = LeastConnections(counts, self._number, besides=lambda: len(sockets))
        self._http.accept(listener, self._tls.tls, sharing)
        while self._missing() and not stopping.is_set():
            await self._clock.sleep(0.01)
        if not stopping.is_set():
            self._tell_ready()
        await stopping.wait()
        self._to_control.leaving()
        patience_s = self._settings.drain_s - 1.0
        await asyncio.gather(self._http.stop(patience_s), self._apis.sockets.stop(patience_s))
        await self._data_plane.drain(0.5)
        await self._data_plane.close()
        await self._apis.close()
        self._journal.close()
        door.close()
        await self._loops.close()

    def _tell_ready(self) -> None:
        if self._number == 0:
            self._tls.tell_endpoint()
        log.info("edge ready", action="edge.ready", pid=os.getpid())

    def _missing(self) -> list[str]:
        """The parts that this edge cannot reach now."""
        there = {
            "control": self._control.connected,
            "agent": self._agent.connected and self._handoff.connected,
        }
        return [name for name, connected in there.items() if not connected]

    # --- what the other parts say ---------------------------------------------------------

    def _methods_for_control(self) -> Methods:
        return {
            "invalidate": Method(Invalidate, self._invalidate),
            "invoke": Method(Invocation, self._invoke),
            "try_rest": Method(RestTrial, self._try_rest),
            "take_back": Method(str, self._take_back),
            "give_up": Method(str, self._give_up),
            "release": Method(str, self._release),
            "held": Method(None, self._held),
            "connections": Method(None, self._connections),
            "clock": Method(float, self._move_clock),
        }

    async def _greet_agent(self, peer: Peer) -> None:
        await self._greet(peer)

    async def _greet(self, peer: Peer) -> Welcome:
        return await peer.call("hello", self._hello, Welcome)

    async def _move_clock(self, _: Peer, shift_s: float) -> None:
        self._clock.move_to(shift_s)

    async def _greet_control(self, peer: Peer) -> None:
        """What changed while control was away cannot be known: forget all copies first."""
        self._clock.move_to((await self._greet(peer)).clock_shift_s)
        self._keys.forget_all()
        self._urls.forget_all()
        self._apis.forget_all()
        self._estate.invalidate_all()

    async def _invalidate(self, _: Peer, what: Invalidate) -> None:
        self._estate.invalidate(what.functions)
        self._urls.forget(what.functions)
        self._apis.forget(what)
        if what.all_access_keys:
            self._keys.forget_all()
        else:
            self._keys.forget(what.access_keys)

    async def _invoke(self, _: Peer, invocation: Invocation) -> InvocationResult:
        return await self._data_plane.invoke(invocation)

    async def _try_rest(self, _: Peer, trial: RestTrial) -> TrialOutcome:
        return await self._apis.try_rest(trial)

    async def _take_back(self, _: Peer, environment_id: str) -> bool:
        return self._estate.take_back(environment_id)

    async def _give_up(self, _: Peer, environment_key: str) -> str:
        environment_id = self._estate.give_up(environment_key)
        self._bridges.leave(environment_id)
        return environment_id

    async def _hand_on(self, request: LeaseRequest, edge: int) -> LeaseGrant | Hosted | None:
        grant = await self._estate.hand_on(request.environment_key, edge)
        if grant is not None:
            self._bridges.leave(grant.environment_id)
            return grant
        waits_there = request.here or request.served
        return Hosted(self._number) if not waits_there and self._estate.has(request.environment_key) else None

    async def _release(self, _: Peer, environment_id: str) -> None:
        self._estate.release(environment_id)

    async def _held(self, _peer: Peer, _body: None) -> list[str]:
        return self._estate.held()

    async def _connections(self, _peer: Peer, _body: None) -> int:
        return len(self._apis.sockets)

    async def _exited(self, _: Peer, notice: EnvironmentExit) -> None:
        self._estate.exited(notice)
        self._bridges.leave(notice.environment_id)

    # --- environments ---------------------------------------------------------------------

    def _granted(self, grant: EnvironmentGrant, descriptors: list[int]) -> None:
        channel, output, *rest = descriptors
        gauge = rest.pop(0) if grant.has_memory_gauge else None
        listener = rest.pop(0) if grant.has_platform_listener else None
        freezer = rest.pop(0) if grant.has_freezer else None
        sock = socket.socket(fileno=channel)
        way = sock if grant.api is None else self._bridges.open_api(grant.environment_id, grant.api, sock, rest)
        environment = LiveEnvironment(grant, way, output, gauge, self._clock, freezer)
        if listener is not None:
            self._bridges.open_platform(grant.environment_id, listener)
        if grant.provisioned is not None and not grant.initialised:
            self._estate.provisioned(environment, grant.provisioned)
        else:
            self._estate.granted(environment, grant.times)


def _limits_of(settings: Settings) -> Limits:
    """Of what runs here."""
    return Limits(
        settings.keep_alive_s,
        settings.quotas.init_timeout_s,
        settings.quotas.sync_response_bytes,
        settings.environment_life_s,
        settings.freeze_after_s,
        paced=settings.requests_per_concurrency > 0,
    )


def _longest_body_bytes(quotas: Quotas) -> int:
    """Of any request: what a quota allows, so that it is the quota's own words that refuse what is longer."""
    longest = max(quotas.create_request_bytes, quotas.sync_payload_bytes, quotas.async_payload_bytes)
    return min(longest, MAX_FRAME_BYTES - 2 * BODY_SLACK_BYTES) + BODY_SLACK_BYTES


async def run_edge(settings: Settings, number: int, listener_descriptor: int, counts: mmap.mmap) -> None:
    """Be an edge until SIGTERM."""
    await Edge(settings, number).run(socket.socket(fileno=listener_descriptor), counts)
