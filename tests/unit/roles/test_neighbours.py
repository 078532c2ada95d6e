"""Edges that make do among themselves: over real sockets, with control in reach of one, both or none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from lambent.clock import SystemClock
from lambent.config import Settings
from lambent.errors import Unavailable
from lambent.gateway.authentication import Authentication, KeyCache
from lambent.gateway.http.websocket import Limits, WebSocket
from lambent.gateway.urls.cache import UrlCache
from lambent.gateway.websockets.event import Standing
from lambent.gateway.websockets.ids import edge_of
from lambent.ids import SystemIds
from lambent.invocation.snapshots import Snapshots
from lambent.model.apis import HttpApi
from lambent.model.function import FunctionKey
from lambent.model.function_url import FunctionUrl, UrlAccess
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import (
    ConnectionCall,
    Guest,
    Hello,
    Hosted,
    InvokeQuery,
    KeyQuery,
    LeaseGrant,
    LeaseRequest,
    UrlQuery,
)
from lambent.model.principal import AccessKey, Principal
from lambent.roles.edge_apis import EdgeApis
from lambent.roles.edge_websockets import Whereabouts
from lambent.roles.neighbours import Caches, Environments, NeighbourDoor, Neighbours, SteadyControl, address_of
from lambent.transport.address import Address
from lambent.transport.connections import Lasting, serve
from lambent.transport.peer import Method, Peer

KEY = FunctionKey("000000000000", "us-east-1", "f")
REQUEST = LeaseRequest(KEY, "$LATEST", "", "k1")
SECRET = AccessKey("AKIA", "secret", Principal("000000000000", "arn:aws:iam::000000000000:root", "000000000000"))
QUERY = KeyQuery("AKIA")
URL = UrlAccess(FunctionUrl("u1", KEY, "", "NONE"), allowed=True)
API = HttpApi("a1", "000000000000", "us-east-1", {})
GUEST = Guest(Invocation("r1", KEY, "", b"{}"), "k1")


class Here:
    """One edge of three, without its HTTP: what asks, and what answers."""

    def __init__(self, settings: Settings, number: int, tasks: list[asyncio.Task[None]]) -> None:
        clock = SystemClock()
        self.asked: list[tuple[str, int]] = []
        self.spare: list[LeaseGrant | Hosted] = []
        self.result: InvocationResult | None = None
        self.guests: list[Guest] = []
        link = Lasting(Address(path=str(settings.run / "control.sock")), {}, clock, name="control")
        self.link, self.neighbours = link, Neighbours(settings, Hello(number, 1, "g"), clock)
        self.control = SteadyControl(link, self.neighbours)
        self.keys, self.urls = KeyCache(self.control.access_key), UrlCache(self.control.function_url)
        where = Whereabouts(number, Authentication(self.keys, clock, 900), self.neighbours.connection, SystemIds())
        self.apis = EdgeApis(self.control, lambda *_: None, clock, settings, where)
        caches = Caches(self.keys, self.urls, Snapshots(self.control.snapshot), self.apis)
        environments = Environments(self.hand_on, self.host)
        self.door = NeighbourDoor(link, caches, environments, self.apis.sockets.serve)
        self.address = address_of(settings, number)
        tasks += [asyncio.ensure_future(self.neighbours.run()), asyncio.ensure_future(link.run())]

    async def hand_on(self, request: LeaseRequest, edge: int) -> LeaseGrant | Hosted | None:
        self.asked.append((request.environment_key, edge))
        return self.spare.pop() if self.spare else None

    async def host(self, _: Peer, guest: Guest) -> InvocationResult | None:
        self.guests.append(guest)
        return self.result


class Street:
    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=folder, edges=3)
        self.settings.run.mkdir()
        self.tasks: list[asyncio.Task[None]] = []
        self.edges = [Here(self.settings, number, self.tasks) for number in range(3)]
        self.listeners: list[asyncio.Server] = []

    async def open(self) -> None:
        for edge in self.edges:
            self.listeners.append(await edge.door.open(edge.address))
        for edge in self.edges:
            for link in edge.neighbours._links:
                await link.wait_connected()

    async def bring_control_back(self) -> None:
        async def key(_: Peer, query: KeyQuery) -> AccessKey | None:
            return SECRET if query == QUERY else None

        methods = {"access_key": Method(KeyQuery, key)}
        self.server = await serve(Address(path=str(self.settings.run / "control.sock")), methods)
        await self.edges[1].link.wait_connected()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for listener in self.listeners:
            listener.close()


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    street = Street(tmp_path)
    await street.open()
    yield street
    await street.close()


async def test_what_another_edge_remembers_is_found_and_what_none_knows_is_unavailable(street: Street) -> None:
    here, _, third = street.edges
    third.keys._keys["AKIA", ""] = SECRET
    third.urls._known[UrlQuery("u1")] = URL
    third.apis._cache._known["a1"] = SimpleNamespace(api=API)
    third.apis.permits._known[KEY] = {("", "arn"): False}
    assert await here.control.access_key(QUERY) == SECRET
    assert await here.control.function_url(UrlQuery("u1")) == URL
    assert await here.control.api("a1") == API
    assert await here.control.may_invoke(InvokeQuery(KEY, "", "arn")) is False
    for work in (here.control.access_key(KeyQuery("AKIB")), here.control.function_url(UrlQuery("u2"))):
        with pytest.raises(Unavailable):
            await work


async def test_the_token_of_a_session_is_part_of_what_is_asked(street: Street) -> None:
    here, next_door, _ = street.edges
    next_door.keys._keys["AKIA", "token"] = SECRET
    assert await here.control.access_key(KeyQuery("AKIA", "token")) == SECRET
    with pytest.raises(Unavailable):
        await here.control.access_key(KeyQuery("AKIA", "other"))


async def test_an_idle_environment_comes_from_the_first_edge_that_has_one(street: Street) -> None:
    here, second, third = street.edges
    third.spare.append(LeaseGrant("e1", "stream", moved=True))
    assert await here.control.lease(REQUEST) == LeaseGrant("e1", "stream", moved=True)
    assert (second.asked, third.asked) == ([("k1", 0)], [("k1", 0)])
    with pytest.raises(Unavailable):
        await here.control.lease(REQUEST)


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def set_write_buffer_limits(self, _: int) -> None: ...


async def test_a_request_to_connections_goes_to_the_edge_that_holds_it(street: Street) -> None:
    here, _, third = street.edges
    way, wire = WebSocket(Limits(), SystemClock()), Wire()
    way.connection_made(wire)  # type: ignore[arg-type]
    connection_id = third.apis.sockets.new_id()
    standing = Standing("a1", "000000000000", "prod", "host", connection_id, 1, "10.0.0.9")
    third.apis.sockets.add(way, standing)
    call = ConnectionCall(connection_id, "a1", "prod", "POST", b"hello")
    edge = edge_of(connection_id)
    assert edge == 2
    assert (await here.neighbours.connection(edge, call)).status == "done"
    assert wire.written.endswith(b"hello")
    elsewhere = msgspec.structs.replace(call, stage="test")
    assert (await here.neighbours.connection(edge, elsewhere)).status == "gone"
    assert (await here.neighbours.connection(9, call)).status == "gone"  # there is no such edge
    street.listeners[2].close()
    third_line = here.neighbours._by_number[2]
    third_line.peer.close()
    await third_line.peer.closed
    with pytest.raises(Unavailable):
        await here.neighbours.connection(edge, call)


async def test_an_edge_that_has_control_again_answers_from_there_and_leaves_environments_to_placement(
    street: Street,
) -> None:
    here, second, _ = street.edges
    second.spare.append(LeaseGrant("e1", "stream", moved=True))
    street.tasks[1].cancel()  # here stays without control
    await street.bring_control_back()
    assert await here.control.access_key(QUERY) == SECRET
    with contextlib.suppress(Unavailable):
        await here.control.lease(REQUEST)
    assert second.asked == []
    assert len(second.spare) == 1


async def test_what_stays_where_it_is_is_named_unless_another_edge_can_let_go_of_one(street: Street) -> None:
    here, second, third = street.edges
    second.spare.append(Hosted(1))
    third.spare.append(Hosted(2))
    assert await here.control.lease(REQUEST) == Hosted(1), "the first edge that has some"
    second.spare.append(Hosted(1))
    third.spare.append(LeaseGrant("e1", "stream", moved=True))
    assert await here.control.lease(REQUEST) == LeaseGrant("e1", "stream", moved=True)


async def test_where_there_can_be_no_more_it_runs_at_the_edge_that_placement_names(street: Street) -> None:
    here, second, third = street.edges
    second.result = InvocationResult("$LATEST", b"1")
    assert await here.control.host(1, GUEST) == second.result
    assert await here.control.host(2, GUEST) is None, "nothing is there any more"
    assert await here.control.host(9, GUEST) is None, "there is no such edge"
    assert (second.guests, third.guests) == ([GUEST], [GUEST])
    street.listeners[1].close()
    here.neighbours._links[0].peer.close()
    await here.neighbours._links[0].peer.closed
    assert await here.control.host(1, GUEST) is None, "it cannot be reached, so it was not run"


async def test_with_control_in_reach_nobody_else_is_asked(street: Street) -> None:
    street.edges[1].keys._keys["nobody", ""] = SECRET
    await street.bring_control_back()
    await street.edges[0].link.wait_connected()
    assert await street.edges[0].control.access_key(KeyQuery("nobody")) is None
