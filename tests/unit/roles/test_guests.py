"""An invocation that runs at another edge, and its answer in pieces on the way back, over a real line between two.

Our own contract: what a client meets is what it would meet with the environment at its own edge (docs/decisions/0040).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import SystemClock
from lambent.config import Settings
from lambent.errors import RemoteServiceError, ServiceError
from lambent.invocation.errors import ServiceFailed
from lambent.invocation.streaming import HELD_BYTES, AnswerStream
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import Guest, Hello, Pieces
from lambent.roles.guests import Arrival, Arrivals, Guests
from lambent.roles.neighbours import Neighbours, address_of
from lambent.transport.connections import serve
from lambent.transport.peer import Method, Peer

KEY = FunctionKey("000000000000", "us-east-1", "f")
GUEST = Guest(Invocation("r1", KEY, "", b"{}"), "k1")
RESULT = InvocationResult("7", b"", content_type="text/plain")
LIMIT_BYTES = 200 * 1024 * 1024


class Line:
    """Edge 0, to which requests come, and edge 1, which runs them as the test says: `stream` is what it writes to."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=folder, edges=2)
        self.settings.run.mkdir()
        self.here = Neighbours(self.settings, Hello(0, 1, "g"), SystemClock())
        self.opened = asyncio.Event()
        self.client = AnswerStream(LIMIT_BYTES, self.opened.set)
        self.began = asyncio.Event()
        self.end: asyncio.Future[InvocationResult | None] = asyncio.get_running_loop().create_future()
        self.went_on = asyncio.Event()
        self.stream: AnswerStream | None = None
        self.peers: list[Peer] = []

    async def open(self) -> None:
        methods = {"hello": Method(Hello, self._hello), "host": Method(Guest, Guests(self._host).serve)}
        self.server = await serve(address_of(self.settings, 1), methods, self.peers.append)
        self.running = asyncio.ensure_future(self.here.run())
        await self.here._by_number[1].wait_connected()

    async def _hello(self, _: Peer, hello: Hello) -> dict[str, int]:
        return {"pid": hello.pid}

    async def _host(self, guest: Guest, stream: AnswerStream | None) -> InvocationResult | None:
        self.guest, self.stream = guest, stream
        self.began.set()
        return await self.end

    async def begin(self) -> tuple[asyncio.Task[InvocationResult | None], AnswerStream]:
        call = asyncio.ensure_future(self._ask())
        await self.began.wait()
        assert self.stream is not None
        return call, self.stream

    async def _ask(self) -> InvocationResult | None:
        """As the data plane and the fronts do."""
        try:
            result = await self.here.host(1, GUEST, self.client)
        except ServiceError as error:
            self.client.end(error)
            raise
        if result is not None:
            self.client.end(result)
        return result

    def start_answer(self, stream: AnswerStream) -> None:
        """As an environment does."""
        stream.version = "7"
        stream.opened("text/plain", self.went_on.set)

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        self.server.close()


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    line = Line(tmp_path)
    await line.open()
    yield line
    await line.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def test_pieces_come_as_they_are_made_and_the_result_after_them(line: Line) -> None:
    call, stream = await line.begin()
    assert (line.guest.invocation, stream.limit_bytes) == (GUEST.invocation, LIMIT_BYTES)
    line.start_answer(stream)
    await line.opened.wait()
    assert (line.client.version, line.client.content_type) == ("7", "text/plain"), "before there is a piece"
    for piece in (b"a", b"b"):
        stream.write(piece)
        assert await anext(line.client) == piece, "while the function goes on"
    stream.write(b"c")
    stream.write(b"d")
    line.end.set_result(RESULT)
    assert [piece async for piece in line.client] == [b"c", b"d"]
    assert await call == line.client.result == RESULT


async def test_an_answer_that_is_whole_opens_nothing(line: Line) -> None:
    call, _ = await line.begin()
    whole = InvocationResult("7", b"whole")
    line.end.set_result(whole)
    assert (await call, line.opened.is_set()) == (whole, False)


async def test_what_was_not_run_has_no_answer_and_can_be_asked_for_again(line: Line) -> None:
    call, _ = await line.begin()
    line.end.set_result(None)
    assert (await call, line.client.result, line.opened.is_set()) == (None, None, False)


async def test_a_client_that_does_not_read_holds_the_function_back_and_lets_it_go_on_when_it_does(line: Line) -> None:
    call, stream = await line.begin()
    line.start_answer(stream)
    written = 0
    while written < 100:  # as an environment: it writes while the edge reads
        await until(lambda: not stream.full or line.client.full)
        await asyncio.sleep(0.001)
        if stream.full:
            break
        stream.write(bytes(65_536))
        written += 1
    assert stream.full
    assert written * 65_536 < 4 * HELD_BYTES, "the two edges hold what they may, and no more"
    line.went_on.clear()
    for _ in range(written):
        assert len(await anext(line.client)) == 65_536
    await line.went_on.wait()
    line.end.set_result(RESULT)
    await call


async def test_a_client_that_hangs_up_lets_the_function_run_on_for_nobody(line: Line) -> None:
    call, stream = await line.begin()
    line.start_answer(stream)
    stream.write(bytes(HELD_BYTES * 2))
    await until(lambda: line.client.full)
    line.client.abandon()
    await until(lambda: not stream.is_wanted)
    for _ in range(10):
        stream.write(bytes(HELD_BYTES))
    assert not stream.full
    line.end.set_result(RESULT)
    assert await call == RESULT


async def test_what_went_wrong_in_the_middle_is_told_behind_the_pieces_before_it(line: Line) -> None:
    call, stream = await line.begin()
    line.start_answer(stream)
    stream.write(b"a")
    line.end.set_exception(ServiceFailed("The execution environment was lost; try again."))
    assert [piece async for piece in line.client] == [b"a"]
    with pytest.raises(RemoteServiceError) as caught:
        await call
    assert caught.value.code == "ServiceException"


async def test_when_the_edge_that_runs_it_dies_the_client_has_what_came_and_hears_that_the_rest_is_lost(
    line: Line,
) -> None:
    call, stream = await line.begin()
    line.start_answer(stream)
    stream.write(b"a")
    assert await anext(line.client) == b"a"
    line.server.close()
    line.peers[0].close()
    with pytest.raises(ServiceFailed):
        await call
    assert [piece async for piece in line.client] == []
    assert isinstance(line.client.result, ServiceFailed)
    await until(lambda: not stream.is_wanted)
    assert await line.here.host(1, GUEST, line.client) is None, "nobody is there, so it was not run"


async def test_when_the_edge_that_asked_dies_the_function_runs_on_for_nobody(line: Line) -> None:
    call, stream = await line.begin()
    line.start_answer(stream)
    stream.write(bytes(HELD_BYTES * 2))
    await until(lambda: line.client.full)
    line.here._by_number[1].peer.close()
    with pytest.raises(ServiceFailed):
        await call
    await until(lambda: not stream.is_wanted)
    stream.write(bytes(HELD_BYTES))
    assert not stream.full


async def test_pieces_for_an_answer_that_nobody_expects_any_more_are_not_wanted() -> None:
    take = Arrivals().methods()["pieces"].serve
    assert not await take(Peer({}), Pieces(1, "7", "text/plain", [b"late"]))


@settings(max_examples=50)
@given(st.lists(st.lists(st.binary(min_size=1, max_size=8), max_size=5), max_size=8))
def test_however_pieces_are_put_together_on_the_way_they_come_out_the_same(sent: list[list[bytes]]) -> None:
    async def run() -> None:
        client = AnswerStream(LIMIT_BYTES, lambda: None)
        arrival = Arrival(client)
        for pieces in sent:
            assert await arrival.take(Pieces(1, "7", "text/plain", pieces))
        client.end(RESULT)
        assert [piece async for piece in client] == [piece for pieces in sent for piece in pieces]

    asyncio.run(run())
