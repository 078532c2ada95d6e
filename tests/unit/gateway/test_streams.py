"""Bodies as streams, over real sockets: in pieces both ways, and nobody has to hold what the other does not read."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.gateway.exchange import Exchange, Step
from lambent.gateway.front import Front
from lambent.gateway.http.rules import Limits
from lambent.gateway.http.server import HttpServer
from lambent.gateway.http.streams import HELD_BYTES, Body, BodyBroken, CutOff, Framing, StreamedResponse
from lambent.ids import FakeIds
from lambent.model.http import HttpRequest, HttpResponse

PUT = b"PUT /stream HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n"
PIECE = b"x" * 65536
DATE = b"date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"  # of a fresh FakeClock


class House:
    """A server whose one stage is the test's; requests to /stream have their body as a stream."""

    def __init__(self, stage: Callable[[Exchange], Awaitable[Step]], **limits: Any) -> None:
        self.limits = Limits(**limits)
        front = Front([stage], FakeIds(), FakeClock())
        self.http = HttpServer(front, FakeClock(), self.limits, streams=_to_stream)

    async def __aenter__(self) -> "House":
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.address = listener.getsockname()
        self.http.accept(listener)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.stop(0)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)

    async def ask(self, *pieces: bytes) -> bytes:
        """All that comes back until the server hangs up or rests after an answer."""
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer


def _to_stream(request: HttpRequest) -> bool:
    return request.path == "/stream"


def streaming(pieces: list[bytes], headers: list[tuple[str, str]] | None = None) -> Any:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            await asyncio.sleep(0)
            yield piece

    async def stage(_: Exchange) -> StreamedResponse:
        return StreamedResponse(200, headers or [], body())

    return stage


async def count(exchange: Exchange) -> HttpResponse:
    sizes = [len(piece) async for piece in exchange.chunks()]
    return HttpResponse(200, [], b"%d in %s" % (sum(sizes), b"many" if len(sizes) > 1 else b"one"))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_streamed_answer_is_chunked_and_the_connection_goes_on() -> None:
    async with House(streaming([b"one", b"", b"three"])) as house:
        get = b"GET / HTTP/1.1\r\n\r\n"
        answer = await house.ask(get + get)
    one = b"HTTP/1.1 200 OK\r\n" + DATE + b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
    assert answer == one + one


async def test_a_known_length_is_sent_raw() -> None:
    async with House(streaming([b"one", b"three"], [("Content-Length", "8")])) as house:
        answer = await house.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"Content-Length: 8\r\n" + DATE + b"\r\nonethree")


async def test_an_old_client_is_told_the_end_by_hanging_up() -> None:
    async with House(streaming([b"one", b"three"])) as house:
        answer = await house.ask(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    assert answer == b"HTTP/1.1 200 OK\r\n" + DATE + b"connection: close\r\n\r\nonethree"


async def test_head_sends_no_piece() -> None:
    async with House(streaming([b"one"])) as house:
        answer = await house.ask(b"HEAD / HTTP/1.1\r\n\r\n")
    assert answer == b"HTTP/1.1 200 OK\r\n" + DATE + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("pieces", [[b"12345678"], [b"123"], [b"1", b"23456789"]], ids=len)
async def test_a_body_of_another_length_than_promised_cuts_the_connection(pieces: list[bytes]) -> None:
    async with House(streaming(pieces, [("content-length", "4")])) as house:
        reader, writer = await house.connect()
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        got = (await _all(reader)).partition(b"\r\n\r\n")[2]
        writer.close()
    assert len(got) != 4


async def test_an_iterator_that_fails_leaves_no_whole_looking_answer() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise ValueError("the rest is gone")

    async def stage(_: Exchange) -> StreamedResponse:
        return StreamedResponse(200, [], body())

    async with House(stage) as house:
        reader, writer = await house.connect()
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        got = await _all(reader)
        writer.close()
    assert not got.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_an_answer_that_is_cut_off_is_seen_to_be_unfinished(version: bytes) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise CutOff

    async def stage(_: Exchange) -> StreamedResponse:
        return StreamedResponse(200, [], body())

    async with House(stage) as house:
        reader, writer = await house.connect()
        writer.write(b"GET / HTTP/%b\r\n\r\n" % version)
        if version == b"1.1":
            assert (await _all(reader)).endswith(b"\r\n\r\n4\r\nhalf\r\n")
        else:
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 60)
        writer.close()


async def test_the_iterator_waits_for_a_client_that_does_not_read_and_ends_when_it_leaves() -> None:
    asked, closed = itertools.count(), asyncio.Event()
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        try:
            while True:
                taken = next(asked)
                yield PIECE
        finally:
            closed.set()

    async def stage(_: Exchange) -> StreamedResponse:
        return StreamedResponse(200, [], body())

    async with House(stage) as house:
        reader, writer = await house.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        connection = await _first(house)
        await until(lambda: connection._room is not None)
        held = taken
        for _ in range(50):
            await asyncio.sleep(0)
        assert taken == held
        assert held * len(PIECE) < 32 * 1024 * 1024
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        await reader.readexactly((held + 2) * len(PIECE))
        assert taken > held
        writer.transport.abort()
        async with asyncio.timeout(60):
            await closed.wait()


async def test_a_client_that_never_reads_is_cut_off() -> None:
    async with House(streaming([PIECE] * 1000)) as house:
        _, writer = await house.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        connection = await _first(house)
        await until(lambda: connection._room is not None)
        connection.expire(connection.deadline_s + 1)
        await until(lambda: not house.http._connections)
        writer.close()


async def test_a_streamed_body_is_there_before_it_is_whole() -> None:
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def stage(exchange: Exchange) -> HttpResponse:
        async for piece in exchange.chunks():
            seen.put_nowait(piece)
        return HttpResponse(200, [])

    async with House(stage) as house:
        reader, writer = await house.connect()
        for piece in (PUT % 10, b"hello"):
            writer.write(piece)
        assert await asyncio.wait_for(seen.get(), 60) == b"hello"
        writer.write(b"world" + PUT % 0)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert seen.get_nowait() == b"world"
        writer.close()


async def test_a_streamed_body_may_be_longer_than_what_is_read_whole() -> None:
    async with House(count, body_bytes=1000) as house:
        answer = await house.ask(PUT % (3 * len(PIECE)), *[PIECE] * 3)
        whole = await house.ask(b"PUT /whole HTTP/1.1\r\ncontent-length: 1001\r\n\r\n")
    assert answer.endswith(b"%d in many" % (3 * len(PIECE)))
    assert whole.startswith(b"HTTP/1.1 413")


async def test_other_requests_are_whole_and_can_be_read_as_a_stream_too() -> None:
    async with House(count) as house:
        assert (await house.ask(b"PUT /whole HTTP/1.1\r\ncontent-length: 5\r\n\r\n", b"he", b"llo")).endswith(
            b"5 in one"
        )


async def test_a_client_is_held_back_while_nobody_asks() -> None:
    asked = asyncio.Event()

    async def stage(exchange: Exchange) -> HttpResponse:
        await asked.wait()
        return await count(exchange)

    async with House(stage) as house:
        reader, writer = await house.connect()
        total = 400 * len(PIECE)
        writer.write(PUT % total + PIECE * 400)
        connection = await _first(house)
        await until(lambda: connection._held_back)
        body = connection._body_stream
        assert body is not None
        assert body._held_bytes < 2 * HELD_BYTES
        asked.set()
        answer = await asyncio.wait_for(reader.readuntil(b"many"), 60)
        assert b"%d in many" % total in answer
        writer.close()


async def test_expect_is_answered_when_the_stage_asks_and_not_before() -> None:
    async def refuse(exchange: Exchange) -> HttpResponse:
        return await count(exchange) if exchange.request.query else HttpResponse(403, [])

    head = b"PUT /stream%s HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
    async with House(refuse) as house:
        refused = await house.ask(head % b"")
        taken = await house.ask(head % b"?x", b"hello")
    assert refused.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"connection: close" in refused
    assert taken.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_who_reads_a_body_as_it_comes_has_its_trailers_at_its_end() -> None:
    seen: list[Any] = []

    async def stage(exchange: Exchange) -> HttpResponse:
        answer = await count(exchange)
        seen.extend([exchange.request.header("x-late"), exchange.request.trailers])
        return answer

    head = b"PUT /stream HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nx-late: no\r\n\r\n"
    async with House(stage) as house:
        await house.ask(head + b"5\r\nhello\r\n", b"0\r\nX-Late: yes\r\n\r\n")
    assert seen == ["no", [("x-late", "yes")]]


@pytest.mark.parametrize("end", ["hang up", "stop", "stall"])
async def test_a_body_that_breaks_off_raises_in_the_stage(end: str) -> None:
    raised: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def stage(exchange: Exchange) -> HttpResponse:
        try:
            return await count(exchange)
        except BodyBroken as error:
            raised.set_result(error)
            raise

    async with House(stage) as house:
        reader, writer = await house.connect()
        writer.write(PUT % 10 + b"hello")
        connection = await _first(house)
        await until(lambda: connection.busy)
        if end == "hang up":
            writer.transport.abort()
        elif end == "stop":
            writer.write_eof()
        else:
            connection.expire(connection.deadline_s + 1)
        assert isinstance(await asyncio.wait_for(raised, 60), BodyBroken)
        if end != "hang up":
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()


@given(pieces=st.lists(st.binary(max_size=40), max_size=8), cuts=st.lists(st.integers(1, 200), max_size=6))
@settings(max_examples=30)
def test_what_is_framed_in_chunks_is_read_back_however_it_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    framing = Framing([], chunks_allowed=True)
    wire = b"PUT /stream HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    wire += b"".join(framing.piece(piece) for piece in pieces if piece) + framing.end()
    places = [0, *sorted({cut for cut in cuts if cut < len(wire)}), len(wire)]

    async def echo(exchange: Exchange) -> HttpResponse:
        return HttpResponse(200, [], b"".join([piece async for piece in exchange.chunks()]))

    async def run() -> None:
        async with House(echo) as house:
            answer = await house.ask(*(wire[start:end] for start, end in itertools.pairwise(places)))
        assert answer.partition(b"\r\n\r\n")[2] == b"".join(pieces)

    asyncio.run(run())


async def test_a_body_that_ended_is_not_broken_by_what_follows() -> None:
    body = Body(lambda: None, lambda: None)
    body.feed(b"a")
    body.end()
    body.break_off("the client hung up")
    assert [piece async for piece in body] == [b"a"]


def test_a_body_is_gathered_without_a_reader_and_without_holding_its_client_back() -> None:
    told: list[str] = []
    came: list[tuple[bytes, int, str]] = []
    body = Body(lambda: told.append("wanted"), lambda: told.append("room"))
    body.feed(b"a" * HELD_BYTES)
    assert body.full
    body.gather(HELD_BYTES + 1, lambda whole, count, broken: came.append((whole[-2:], count, str(broken or ""))))
    assert told == ["wanted", "room"]
    body.feed(b"b")
    assert not body.full
    assert came == []
    body.end()
    body.end()
    assert came == [(b"ab", HELD_BYTES + 1, "")]


async def _all(reader: asyncio.StreamReader) -> bytes:
    """What comes before the connection ends, in order or not."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := await asyncio.wait_for(reader.read(1000), 60):
            got += piece
    return got


async def _first(house: House) -> Any:
    await until(lambda: bool(house.http._connections))
    return next(iter(house.http._connections))
