"""One client's connection, fed by hand: what arrives in any pieces is understood, or refused in words."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.http.connection import Connection
from lambent.gateway.http.room import Room
from lambent.gateway.http.rules import Limits, Served
from lambent.gateway.http.streams import Body, Response
from lambent.model.http import HttpRequest, HttpResponse

REQUEST = b"POST /a%2Fb/../c?x=1&y=%20 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello"


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written, self.closed, self.paused = b"", False, False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Client:
    """A connection, its wire, and the requests that came out."""

    def __init__(self, limits: Limits = Limits(), room: Room | None = None) -> None:  # noqa: B008
        self.requests: list[HttpRequest] = []
        self.wire = Wire()
        self.connection = Connection(Served(self._handle, limits), set(), room or Room())
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]

    def _handle(self, request: HttpRequest, _: str, respond: Callable[[Response], object], __: Body | None) -> None:
        self.requests.append(request)
        answer = HttpResponse(200, [("x-a", "b\r\ninjected: yes")], request.body)
        asyncio.get_running_loop().call_soon(respond, answer)

    async def send(self, *pieces: bytes) -> bytes:
        for piece in pieces:
            self.connection.data_received(piece)
        for _ in range(20):
            await asyncio.sleep(0)
        return self.wire.written


@given(cuts=st.lists(st.integers(1, len(REQUEST) - 1), max_size=8))
@settings(max_examples=50)
def test_a_request_is_the_same_in_any_pieces(cuts: list[int]) -> None:
    places = [0, *sorted(set(cuts)), len(REQUEST)]
    pieces = [REQUEST[start:end] for start, end in itertools.pairwise(places)]

    async def run() -> None:
        client = Client()
        answer = await client.send(*pieces)
        (request,) = client.requests
        assert (request.method, request.path, request.query) == ("POST", "/a%2Fb/../c", "x=1&y=%20")
        assert request.headers == [("host", "h"), ("x-a", "1"), ("x-a", "2"), ("content-length", "5")]
        assert request.names == ["Host", "X-A", "X-A", "Content-Length"]
        assert request.body == b"hello"
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nhello")

    asyncio.run(run())


@given(data=st.binary(max_size=300))
@settings(max_examples=150)
def test_random_bytes_are_refused_or_waited_for_never_a_crash(data: bytes) -> None:
    async def run() -> None:
        client = Client()
        answer = await client.send(data)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")

    asyncio.run(run())


async def test_requests_sent_ahead_are_answered_in_order() -> None:
    client = Client()
    ahead = [b"POST /%d HTTP/1.1\r\ncontent-length: 1\r\n\r\n%d" % (number, number) for number in range(5)]
    answer = await client.send(*ahead)
    assert [part[-1:] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [b"0", b"1", b"2", b"3", b"4"]


async def test_an_answer_cannot_be_split_by_a_header_value() -> None:
    assert b"\r\ninjected" not in await Client().send(REQUEST)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1001 + b"\r\n", 431),
        (b"GET /" + b"x" * 3000, 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 21_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\ncontent-length: 101\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + (b"40\r\n" + b"x" * 64 + b"\r\n") * 2, 413),
        (b"\x00\x01\x02", 400),
    ],
)  # fmt: skip
async def test_what_is_too_long_or_not_http_is_refused(data: bytes, status: int) -> None:
    client = Client(Limits(head_bytes=20_000 if status != 431 or data.startswith(b"GET / H") else 2000, body_bytes=100))
    answer = await client.send(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert client.wire.closed


async def test_a_slow_client_is_told_so_and_an_idle_one_just_leaves() -> None:
    slow, idle = Client(), Client()
    await slow.send(b"GET / HT")
    for client in (slow, idle):
        client.connection.expire(client.connection.deadline_s + 1)
    assert slow.wire.written.startswith(b"HTTP/1.1 408 ")
    assert slow.wire.closed
    assert (idle.wire.written, idle.wire.closed) == (b"", True)


async def test_expect_is_answered_before_the_body() -> None:
    client = Client()
    assert await client.send(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n") == (
        b"HTTP/1.1 100 Continue\r\n\r\n"
    )
    assert (await client.send(b"hi")).endswith(b"hi")


async def test_an_offer_of_a_websocket_that_is_not_taken_up_ends_the_connection() -> None:
    client = Client()
    answer = await client.send(b"GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert client.wire.closed


OFFERS = b"".join(
    b"POST /%d HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: %d\r\nUpgrade: h2c\r\n\r\n%b"
    % (number, len(body), body)
    for number, body in enumerate([b"hello", b"", b"GET /x HTTP/1.1\r\n\r\n"])
)


@given(cuts=st.lists(st.integers(1, len(OFFERS) - 1), max_size=8))
@settings(max_examples=50)
def test_an_offer_of_http_2_is_passed_over_and_loses_no_body(cuts: list[int]) -> None:
    """RFC 9110, section 7.8. Java's HttpClient makes the offer with each request to http://."""
    places = [0, *sorted(set(cuts)), len(OFFERS)]

    async def run() -> None:
        client = Client()
        answer = await client.send(*[OFFERS[start:end] for start, end in itertools.pairwise(places)])
        paths = [(request.path, request.body) for request in client.requests]
        assert paths == [("/0", b"hello"), ("/1", b""), ("/2", b"GET /x HTTP/1.1\r\n\r\n")]
        assert answer.count(b"HTTP/1.1 200 ") == 3
        assert client.requests[0].names == ["Connection", "Content-Length"]
        assert not client.wire.closed

    asyncio.run(run())


async def test_a_long_body_is_refused_after_an_offer_too() -> None:
    client = Client(Limits(body_bytes=100))
    answer = await client.send(OFFERS.replace(b"Length: 5", b"Length: 101"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert client.requests == []


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
        (b"Content-Length: 5, 5\r\n", b"hello"),
        (b"Content-Length: +5\r\n", b"hello"),
        (b"Content-Length : 5\r\n", b"hello"),
        (b"Content-Length:\r\n 5\r\n", b"hello"),
        (b"X: a\nContent-Length: 5\r\n", b"hello"),
        (b"X: a\rContent-Length: 5\r\n", b"hello"),
        (b"X: a\r\n folded\r\nContent-Length: 5\r\n", b"hello"),
        (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: identity\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n", b"5\nhello\n0\n\n"),
        (b"Transfer-Encoding: chunked\r\n", b"5;a\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"5 \r\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nhelloXX0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"-5\r\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"10000000000000000\r\nhello\r\n0\r\n\r\n"),
    ],
)  # fmt: skip
async def test_nobody_can_differ_from_us_on_where_a_body_ends(lines: bytes, body: bytes) -> None:
    """RFC 9112: 5.2 (folding), 6.1 and 6.3 (framing), 7.1 (chunks), 2.2 (line ends)."""
    client = Client()
    answer = await client.send(b"POST /x HTTP/1.1\r\nHost: h\r\n" + lines + b"\r\n" + body + SMUGGLED)
    assert "/smuggled" not in [request.path for request in client.requests]
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert client.wire.closed


async def test_what_follows_a_body_is_no_header_of_the_request() -> None:
    """RFC 9110, section 6.5: trailers are kept apart from headers, or left out."""
    client = Client()
    chunked = b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    await client.send(chunked + b"Authorization: x\r\n\r\n" + SMUGGLED)
    first, second = client.requests
    assert (first.header("authorization"), first.names, first.body) == ("", ["Host", "Transfer-Encoding"], b"hello")
    assert first.trailers == [("authorization", "x")]
    assert second.path == "/smuggled"


@pytest.mark.parametrize("piece", [b"x: " + b"y" * 1000, b"x: y\r\n" * 200], ids=["one", "many"])
async def test_an_endless_trailer_is_refused(piece: bytes) -> None:
    client = Client(Limits(head_bytes=20_000))
    await client.send(b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")
    answer = await client.send(*[piece] * 30)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert client.wire.closed
