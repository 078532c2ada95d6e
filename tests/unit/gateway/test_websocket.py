"""WebSocket connections of the front: a real client over a socket, and frames fed by hand.

Sources: RFC 6455; API Gateway Developer Guide, "Quotas for configuring and running a WebSocket API" (128 KB, 32 KB,
1009)
and "Working with binary media types for WebSocket APIs" (1003).
"""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets.asyncio.client
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from lambent.clock import FakeClock, SystemClock
from lambent.gateway.http.connection import Connection
from lambent.gateway.http.handshake import complaint_about, opening
from lambent.gateway.http.room import Room
from lambent.gateway.http.rules import Limits as HttpLimits
from lambent.gateway.http.rules import Served
from lambent.gateway.http.server import HttpServer
from lambent.gateway.http.streams import Upgrade
from lambent.gateway.http.websocket import UNDER_WAY, Ended, Ending, Limits, NotReading, WebSocket
from lambent.model.http import HttpRequest, HttpResponse

TEXT, CONT, BINARY, CLOSE, PING = Opcode.TEXT, Opcode.CONT, Opcode.BINARY, Opcode.CLOSE, Opcode.PING


class Owner:
    """Keeps what it is told, and echoes if it is to."""

    def __init__(self, way: WebSocket, *, echo: bool = True) -> None:
        self.way, self._echo = way, echo
        self.messages: list[str] = []
        self.endings: list[Ending] = []
        self.tasks: list[asyncio.Task[None]] = []
        way.belong_to(self)

    def message(self, text: str) -> None:
        self.messages.append(text)
        if self._echo:
            self.tasks.append(asyncio.get_running_loop().create_task(self._answer(text)))

    async def _answer(self, text: str) -> None:
        await self.way.send(text.encode())
        self.way.handled()

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written, self.closed, self.paused = b"", False, False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, _: int) -> None: ...

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class HttpWire(Wire):
    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None


class Hand:
    """A connection that is fed by hand."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008
        self.clock = FakeClock()
        self.way, self.wire = WebSocket(limits, self.clock), Wire()
        self.owner = Owner(self.way, echo=False)
        self.way.connection_made(self.wire)  # type: ignore[arg-type]

    def feed(self, *frames: Frame) -> None:
        self.way.data_received(b"".join(frame.serialize(mask=True) for frame in frames))

    def expire(self) -> None:
        self.way.expire(self.clock.now_s(), self.clock.monotonic_s())

    @property
    def close_code(self) -> int:
        """Of the last frame that was written, if it says goodbye; else 0."""
        at = self.wire.written.rfind(b"\x88")
        return int.from_bytes(self.wire.written[at + 2 : at + 4]) if at >= 0 else 0


class Place:
    """A server whose every request may become a WebSocket."""

    def __init__(self) -> None:
        self.owners: list[Owner] = []
        self.port = 0

    def handle(self, request: HttpRequest, source_ip: str, respond: Any, body: Any) -> None:
        def later() -> None:
            refused = complaint_about(request)
            if refused is None and request.path == "/no":
                refused = HttpResponse(403, [], b"no")
            if refused is not None:
                respond(refused)
                return
            way = WebSocket(Limits(), SystemClock())
            self.owners.append(Owner(way))
            respond(Upgrade(opening(request, "chat"), way))

        asyncio.get_running_loop().call_soon(later)

    def connect(self, path: str = "/", **options: Any) -> Any:
        uri = f"ws://127.0.0.1:{self.port}{path}"
        return websockets.asyncio.client.connect(uri, **({"max_size": None, "proxy": None} | options))


@asynccontextmanager
async def serving() -> AsyncIterator[Place]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    place = Place()
    place.port = listener.getsockname()[1]
    server = HttpServer(place.handle, SystemClock(), HttpLimits())
    server.accept(listener)
    yield place
    await server.stop(0)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_client_is_understood_and_answered_in_frames_and_fragments() -> None:
    async with serving() as place, place.connect(subprotocols=["chat"]) as client:
        assert client.subprotocol == "chat"
        for text in ("", "grüße", "x" * 32_768):
            await client.send(text)
            assert await client.recv() == text
        pieces = ["a" * 32_000] * 4
        await client.send(pieces)
        assert await client.recv() == "".join(pieces)
        await (await client.ping())
        await client.close(4001, "enough")
        await until(lambda: place.owners[0].endings)
        assert place.owners[0].endings == [Ending(4001, "enough")]


async def test_an_offer_that_is_refused_is_answered_as_http() -> None:
    async with serving() as place:
        with pytest.raises(InvalidStatus) as refused:
            async with place.connect("/no"):
                pass
        assert refused.value.response.status_code == 403


async def test_what_comes_right_behind_the_handshake_is_not_lost() -> None:
    async with serving() as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        head = "GET / HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        writer.write(f"{head}sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        writer.write(Frame(TEXT, b"at once").serialize(mask=True))
        answer = await reader.readuntil(b"at once")
        assert b"HTTP/1.1 101 Switching Protocols\r\n" in answer
        assert b"sec-websocket-accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=" in answer
        writer.close()
        await until(lambda: place.owners[0].endings)
        assert place.owners[0].endings[0].code == 1006


async def test_a_client_that_leaves_before_it_is_answered_has_ended() -> None:
    async with serving() as place:
        _, writer = await asyncio.open_connection("127.0.0.1", place.port)
        head = "GET / HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        writer.write(f"{head}sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        await writer.drain()
        writer.transport.abort()
        await until(lambda: place.owners and place.owners[0].endings)
        assert place.owners[0].endings[0].code == 1006


async def test_a_connection_that_closed_in_the_meantime_is_never_a_websocket() -> None:
    wire, way = HttpWire(), WebSocket(Limits(), FakeClock())
    owner = Owner(way)
    answers: list[Any] = []
    connection = Connection(Served(lambda *given: answers.append(given[2]), HttpLimits()), set(), Room())
    connection.connection_made(wire)  # type: ignore[arg-type]
    connection.data_received(b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    assert wire.paused
    wire.close()
    answers[0](Upgrade([], way))
    assert [ending.code for ending in owner.endings] == [1006]
    assert wire.written == b""


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"upgrade": "h2c"}, 426),
        ({"connection": "keep-alive"}, 426),
        ({"sec-websocket-version": "8"}, 426),
        ({"sec-websocket-key": "short"}, 400),
        ({"sec-websocket-key": "*" * 24}, 400),
        ({}, None),
    ],
)
def test_only_a_right_handshake_is_taken_up(change: dict[str, str], status: int | None) -> None:
    headers = {
        "upgrade": "WebSocket",
        "connection": "keep-alive, Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    refused = complaint_about(HttpRequest("GET", "/", "", list((headers | change).items())))
    assert (refused and refused.status) == status


def test_the_accept_header_is_that_of_the_rfc() -> None:
    request = HttpRequest("GET", "/", "", [("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")])
    assert ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") in opening(request)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(BINARY, b"x")], 1003),
        ([Frame(TEXT, b"\xff")], 1007),
        ([Frame(TEXT, b"\xc3", fin=False), Frame(CONT, b"(")], 1007),
        ([Frame(TEXT, b"x" * 32_769)], 1009),
        ([Frame(TEXT, b"x" * 30_000, fin=False)] + [Frame(CONT, b"x" * 30_000, fin=False)] * 4, 1009),
        ([Frame(CONT, b"x")], 1002),
        ([Frame(TEXT, b"x", fin=False), Frame(TEXT, b"x")], 1002),
    ],
)
async def test_a_client_that_breaks_a_rule_is_told_which(frames: list[Frame], code: int) -> None:
    hand = Hand()
    hand.feed(*frames)
    assert hand.close_code == code
    assert hand.wire.closed
    hand.way.connection_lost(None)
    assert [ending.code for ending in hand.owner.endings] == [code]
    assert hand.owner.messages == []


async def test_a_character_may_be_split_between_fragments() -> None:
    hand = Hand()
    empty = Frame(CONT, b"", fin=False)
    hand.feed(Frame(TEXT, b"\xc3", fin=False), Frame(PING, b"?"), empty, Frame(CONT, b"\xbc"))
    assert hand.owner.messages == ["ü"]
    assert hand.wire.written == b"\x8a\x01?"


async def test_messages_before_a_goodbye_in_one_reading_are_handed_over_and_the_end_is_told_after_them() -> None:
    hand = Hand()
    hand.feed(Frame(TEXT, b"one"), Frame(TEXT, b"two"), Frame(CLOSE, b""))
    assert hand.owner.messages == ["one", "two"]
    hand.way.connection_lost(None)
    assert hand.owner.endings == []
    hand.way.handled()
    hand.way.handled()
    assert hand.owner.endings == [Ending(1005, "Client-side close frame status not set")]


async def test_a_client_with_many_messages_under_way_is_held_back() -> None:
    hand = Hand()
    hand.feed(*[Frame(TEXT, b"%d" % number) for number in range(UNDER_WAY + 2)])
    assert len(hand.owner.messages) == UNDER_WAY
    assert hand.wire.paused
    for _ in range(3):
        hand.way.handled()
    assert hand.owner.messages == [str(number) for number in range(UNDER_WAY + 2)]
    assert not hand.wire.paused


async def test_who_does_not_read_is_waited_for_then_told_of_then_cut_off() -> None:
    hand = Hand(Limits(goodbye_s=0.01))
    hand.way.pause_writing()
    assert hand.wire.paused
    with pytest.raises(NotReading):
        await hand.way.send(b"x")
    waiting = asyncio.create_task(hand.way.send(b"y"))
    await asyncio.sleep(0)
    hand.way.resume_writing()
    await waiting
    assert hand.wire.written.endswith(b"y")
    hand.way.pause_writing()
    await hand.clock.advance(31)
    hand.expire()
    assert hand.wire.closed
    hand.way.connection_lost(None)
    with pytest.raises(Ended):
        await hand.way.send(b"z")


@pytest.mark.parametrize("steps", [[(600, False)], [(500, True)] * 14 + [(200, False)]])
async def test_silence_and_age_end_a_connection(steps: list[tuple[float, bool]]) -> None:
    """API Gateway Developer Guide: 10 minutes idle, 2 hours in all."""
    hand = Hand()
    for seconds, speaks in steps:
        hand.expire()
        assert hand.close_code == 0
        await hand.clock.advance(seconds)
        if speaks:
            hand.feed(Frame(PING, b""))
    hand.expire()
    assert hand.close_code == 1001
    await hand.clock.advance(5)
    hand.expire()
    assert hand.wire.closed  # the client never said its goodbye
    hand.way.connection_lost(None)
    assert hand.owner.endings == [Ending(1001, "Going away")]


async def test_what_is_no_text_goes_out_as_bytes() -> None:
    hand = Hand()
    await hand.way.send(b"\xff")
    await hand.way.send(b"a")
    assert hand.wire.written == b"\x82\x01\xff\x81\x01a"


FRAMES = st.builds(
    Frame,
    st.sampled_from([TEXT, CONT, PING, BINARY]),
    st.binary(max_size=120) | st.text(max_size=30).map(str.encode),
    st.booleans(),
)


@given(frames=st.lists(FRAMES, max_size=8), cuts=st.lists(st.integers(0, 900), max_size=6), junk=st.binary(max_size=40))
@settings(max_examples=80)
def test_any_bytes_in_any_pieces_make_messages_or_one_end(frames: list[Frame], cuts: list[int], junk: bytes) -> None:
    """However it is cut, the same messages come out, and nothing after the end."""

    async def outcome(pieces: list[bytes]) -> tuple[list[str], list[Ending]]:
        hand = Hand()
        for piece in pieces:
            if not hand.wire.closed:
                hand.way.data_received(piece)
        while hand.way._under_way:
            hand.way.handled()
        hand.way.connection_lost(None)
        return hand.owner.messages, hand.owner.endings

    sent = b""
    for frame in frames:
        if frame.opcode is PING:
            frame.fin = True
        sent += frame.serialize(mask=True)
    sent += junk
    places = [0, *sorted({cut for cut in cuts if cut < len(sent)}), len(sent)]
    whole = asyncio.run(outcome([sent]))
    assert asyncio.run(outcome([sent[start:end] for start, end in itertools.pairwise(places)])) == whole
    assert len(whole[1]) == 1
