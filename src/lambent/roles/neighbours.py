"""What an edge does while control is away: it asks the other edges what it would have asked control.

Each edge caches only what its own requests needed, and holds only the environments that came to it. So,
with control gone, a request on a connection that another edge accepted would find nothing there, though
the function is warm next door. `Neighbours` asks the other edges, in their order, for an access key, a
function URL, an API, a snapshot, or an idle environment, which moves as placement would have it moved. What is busy, or
cannot be moved (custom runtimes, extensions), stays, and the invocation goes there. `NeighbourDoor` answers, from what
its edge has, or from control if that is back already. See docs/decisions/0008 and 0029.

Two things go from edge to edge whether control is there or not: a request to @connections, to the edge that holds the
WebSocket; and an invocation to the edge that has the environments there are (see 0040 and `guests.py`).

Nothing grows meanwhile: an environment that moves counts where it counted before, so limits hold. Nothing is
older than what the other edge would serve by itself, and all of it is forgotten when control is back.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from lambent.clock import Clock
from lambent.config import Settings
from lambent.errors import Unavailable
from lambent.gateway.authentication import KeyCache
from lambent.gateway.urls.cache import UrlCache
from lambent.gateway.websockets.held import GONE
from lambent.invocation.errors import ServiceFailed
from lambent.invocation.snapshots import Snapshots
from lambent.invocation.streaming import AnswerStream
from lambent.model.apis import CompiledApi
from lambent.model.function import FunctionSnapshot
from lambent.model.function_url import UrlAccess
from lambent.model.invocation import InvocationResult
from lambent.model.messages import (
    ConnectionAnswer,
    ConnectionCall,
    Guest,
    Hello,
    Hosted,
    InvokeQuery,
    KeyQuery,
    LeaseGrant,
    LeaseRequest,
    SnapshotRequest,
    UrlQuery,
    Welcome,
)
from lambent.model.principal import AccessKey
from lambent.roles.edge_apis import EdgeApis
from lambent.roles.edge_links import ControlLink
from lambent.roles.guests import Arrivals
from lambent.transport.address import Address
from lambent.transport.connections import Lasting, serve
from lambent.transport.peer import Method, Methods, Peer

T = TypeVar("T")


def address_of(settings: Settings, number: int) -> Address:
    """Where an edge listens for its neighbours."""
    return Address(path=str(settings.run / f"edge-{number}.sock"))


class Neighbours:
    """The other edges of this node. `run` is a task that its owner keeps; it does nothing where there is one edge."""

    def __init__(self, settings: Settings, hello: Hello, clock: Clock) -> None:
        self._hello, self._arrivals = hello, Arrivals()
        methods = self._arrivals.methods()
        self._by_number = {
            number: Lasting(address_of(settings, number), methods, clock, name=f"edge {number}", on_connect=self._greet)
            for number in range(settings.edges)
            if number != hello.edge
        }
        self._links = list(self._by_number.values())

    async def run(self) -> None:
        """Stay connected to each of them."""
        await asyncio.gather(*(link.run() for link in self._links))

    async def _greet(self, peer: Peer) -> None:
        await peer.call("hello", self._hello, Welcome)

    async def ask(self, method: str, body: Any, kind: type[T]) -> T:
        """The first answer that is one. Raises Unavailable: nobody has it."""
        async for answer in self._answers(method, body, kind | None):  # type: ignore[arg-type]
            return answer
        raise Unavailable("control is not connected")

    async def lease(self, request: LeaseRequest) -> LeaseGrant | Hosted:
        """An idle environment of the first edge that can let go of one, or the first edge that has some."""
        hosts: list[Hosted] = []
        async for answer in self._answers("lease", request, LeaseGrant | Hosted | None):  # type: ignore[arg-type]
            if isinstance(answer, LeaseGrant):
                return answer
            hosts.append(answer)
        if not hosts:
            raise Unavailable("control is not connected")
        return hosts[0]

    async def _answers(self, method: str, body: Any, kind: type[T | None]) -> AsyncIterator[T]:
        for link in self._links:
            try:
                answer = await link.peer.call(method, body, kind)
            except Unavailable:
                continue
            if answer is not None:
                yield answer

    async def host(self, edge: int, guest: Guest, stream: AnswerStream | None = None) -> InvocationResult | None:
        """What came of it at that edge; None when it was not run. It is never tried twice.

        Raises:
            ServiceError: it was refused there, or lost with its edge.
        """
        link = self._by_number.get(edge)
        if link is None or not link.connected:
            return None
        with self._arrivals.expected(guest, stream) as sent:
            try:
                answer: InvocationResult | None = await link.peer.call("host", sent, InvocationResult | None)  # type: ignore[arg-type]
            except Unavailable as lost:
                raise ServiceFailed("The execution environment was lost; try again.") from lost
        return answer

    async def connection(self, edge: int, call: ConnectionCall) -> ConnectionAnswer:
        """What the edge says that holds the connection. Raises Unavailable, if there is such an edge."""
        link = self._by_number.get(edge)
        return GONE if link is None else await link.peer.call("connection", call, ConnectionAnswer)


class SteadyControl(ControlLink):
    """Control, and while it is away the neighbours, for what a warm request needs."""

    def __init__(self, link: Lasting, neighbours: Neighbours) -> None:
        super().__init__(link)
        self._neighbours = neighbours

    async def access_key(self, query: KeyQuery) -> AccessKey | None:
        try:
            return await super().access_key(query)
        except Unavailable:
            return await self._neighbours.ask("access_key", query, AccessKey)

    async def function_url(self, query: UrlQuery) -> UrlAccess | None:
        try:
            return await super().function_url(query)
        except Unavailable:
            return await self._neighbours.ask("function_url", query, UrlAccess)

    async def api(self, api_id: str) -> CompiledApi | None:
        try:
            return await super().api(api_id)
        except Unavailable:
            return await self._neighbours.ask("api", api_id, CompiledApi)  # type: ignore[arg-type]

    async def may_invoke(self, query: InvokeQuery) -> bool:
        try:
            return await super().may_invoke(query)
        except Unavailable:
            return await self._neighbours.ask("may_invoke", query, bool)

    async def snapshot(self, request: SnapshotRequest) -> FunctionSnapshot:
        try:
            return await super().snapshot(request)
        except Unavailable:
            return await self._neighbours.ask("snapshot", request, FunctionSnapshot)

    async def lease(self, request: LeaseRequest) -> LeaseGrant | Hosted:
        try:
            return await super().lease(request)
        except Unavailable:
            return await self._neighbours.lease(request)

    async def host(self, edge: int, guest: Guest, stream: AnswerStream | None = None) -> InvocationResult | None:
        return await self._neighbours.host(edge, guest, stream)


Run = Callable[[Peer, Guest], Awaitable[InvocationResult | None]]
ServeConnection = Callable[[ConnectionCall], Awaitable[ConnectionAnswer]]
HandOn = Callable[[LeaseRequest, int], Awaitable[LeaseGrant | Hosted | None]]


class Caches(NamedTuple):
    """What an edge remembers of what control said."""

    keys: KeyCache
    urls: UrlCache
    snapshots: Snapshots
    apis: EdgeApis


class Environments(NamedTuple):
    """What an edge does for its neighbours with the environments that it holds."""

    hand_on: HandOn
    host: Run


class NeighbourDoor:
    """Answers the neighbours. None is "not here": they ask the next one.

    Args:
        environments: gives an idle one to another edge, or says that there are others (`hand_on`), and runs an
            invocation if there are some for it here (`host`).
        serve_connection: does what @connections asks of a WebSocket that is held here.
    """

    def __init__(
        self, control: Lasting, caches: Caches, environments: Environments, serve_connection: ServeConnection
    ) -> None:
        self._link, self._control = control, ControlLink(control)
        self._keys, self._urls, self._snapshots, self._apis = caches
        self._hand_on, self._host = environments
        self._serve_connection = serve_connection

    async def open(self, address: Address) -> asyncio.Server:
        """Listen there."""
        return await serve(address, self._methods())

    def _methods(self) -> Methods:
        return {
            "hello": Method(Hello, self._hello),
            "access_key": Method(KeyQuery, self._access_key),
            "function_url": Method(UrlQuery, self._function_url),
            "api": Method(str, self._api),
            "may_invoke": Method(InvokeQuery, self._may_invoke),
            "snapshot": Method(SnapshotRequest, self._snapshot),
            "lease": Method(LeaseRequest, self._lease),
            "host": Method(Guest, self._host),
            "connection": Method(ConnectionCall, self._connection),
        }

    async def _hello(self, peer: Peer, hello: Hello) -> Welcome:
        peer.name, peer.number = f"edge {hello.edge}", hello.edge
        return Welcome(os.getpid())

    async def _access_key(self, _: Peer, query: KeyQuery) -> AccessKey | None:
        known = self._keys.answer(query)
        return await self._from_control(self._control.access_key(query)) if known is None else known

    async def _function_url(self, _: Peer, query: UrlQuery) -> UrlAccess | None:
        known = self._urls.known(query)
        return await self._from_control(self._control.function_url(query)) if known is None else known

    async def _api(self, _: Peer, api_id: str) -> CompiledApi | None:
        known = self._apis.known(api_id)
        return await self._from_control(self._control.api(api_id)) if known is None else known

    async def _may_invoke(self, _: Peer, query: InvokeQuery) -> bool | None:
        known = self._apis.permitted(query)
        return await self._from_control(self._control.may_invoke(query)) if known is None else known

    async def _snapshot(self, _: Peer, request: SnapshotRequest) -> FunctionSnapshot | None:
        known = self._snapshots.cached(request.key, request.qualifier)
        return await self._from_control(self._control.snapshot(request)) if known is None else known

    async def _lease(self, peer: Peer, request: LeaseRequest) -> LeaseGrant | Hosted | None:
        """Where control is back, placement decides: who asks will reach it in a moment."""
        return None if self._link.connected else await self._hand_on(request, peer.number)

    async def _connection(self, _: Peer, call: ConnectionCall) -> ConnectionAnswer:
        return await self._serve_connection(call)

    @staticmethod
    async def _from_control(answer: Awaitable[T]) -> T | None:
        """Control forgets nobody: who asked us has only not reached it yet."""
        try:
            return await answer
        except Unavailable:
            return None
