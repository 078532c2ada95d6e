"""Who only sends gets so much of a process and no more, however many connections it comes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.http.connection import Connection
from lambent.gateway.http.room import UNCOUNTED_BYTES, Room, Rooms
from lambent.gateway.http.rules import Limits, Served
from lambent.gateway.http.streams import Beyond, Body, Response, StreamedResponse, Upgrade
from lambent.model.http import HttpRequest, HttpResponse

BODY_BYTES = 4 * UNCOUNTED_BYTES
ROOM_BYTES = BODY_BYTES  # for what is counted of it, its head, and what pieces cost
HEAD = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES
OPEN = Limits(head_bytes=10 * BODY_BYTES, body_bytes=10 * BODY_BYTES)


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed, self.paused = b"", False, False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass


class Client:
    """A connection in `room`; its requests are answered when the test says so."""

    def __init__(self, room: Room) -> None:
        self.wire = Wire()
        self.answers: list[Callable[[Response], object]] = []
        self.connection = Connection(Served(self._handle, OPEN), set(), room)
        self.connection.connection_made(self.wire)

    def _handle(self, _: HttpRequest, __: str, respond: Callable[[Response], object], ___: Body | None) -> None:
        self.answers.append(respond)

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)

    def answer(self, response: Response | None = None) -> None:
        self.answers.pop(0)(response or HttpResponse(200, [], b""))

    def hang_up(self) -> None:
        self.wire.closed = True
        self.connection.connection_lost(None)


async def test_what_has_come_is_held_until_it_is_answered() -> None:
    room = Room(ROOM_BYTES)
    client = Client(room)
    client.send(HEAD, b"x" * (UNCOUNTED_BYTES // 2))
    assert room.held_bytes == 0
    client.send(b"x" * (BODY_BYTES - UNCOUNTED_BYTES // 2))
    assert BODY_BYTES - UNCOUNTED_BYTES < room.held_bytes <= BODY_BYTES
    client.answer()
    assert room.held_bytes == 0
    assert client.wire.written.startswith(b"HTTP/1.1 200 ")


async def test_who_comes_to_a_full_room_is_told_so_and_short_requests_still_pass() -> None:
    room = Room(BODY_BYTES - UNCOUNTED_BYTES // 2)
    first, second, third = Client(room), Client(room), Client(room)
    first.send(HEAD, b"x" * (BODY_BYTES - 1))
    second.send(HEAD, b"x" * (2 * UNCOUNTED_BYTES))
    assert second.wire.written.startswith(b"HTTP/1.1 503 ")
    assert second.wire.closed
    third.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
    third.answer()
    assert third.wire.written.startswith(b"HTTP/1.1 200 ")
    first.hang_up()
    second.hang_up()
    assert room.held_bytes == 0
    again = Client(room)
    again.send(HEAD, b"x" * BODY_BYTES)
    again.answer()
    assert again.wire.written.startswith(b"HTTP/1.1 200 ")


async def test_an_endless_head_is_counted_too() -> None:
    room = Room(UNCOUNTED_BYTES)
    client = Client(room)
    client.send(b"GET / HTTP/1.1\r\nx: ", b"y" * 2 * UNCOUNTED_BYTES)
    assert client.wire.written.startswith(b"HTTP/1.1 503 ")
    client.hang_up()
    assert room.held_bytes == 0


async def test_an_answer_to_who_has_gone_frees_the_room() -> None:
    room = Room(ROOM_BYTES)
    client = Client(room)
    client.send(HEAD, b"x" * BODY_BYTES)
    client.hang_up()
    assert room.held_bytes > 0  # it is being worked on
    client.answer()
    assert room.held_bytes == 0


async def test_who_hangs_up_in_the_middle_of_an_answer_frees_the_room() -> None:
    async def endless() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    room = Room(ROOM_BYTES)
    client = Client(room)
    client.send(HEAD, b"x" * BODY_BYTES)
    client.answer(StreamedResponse(200, [], endless()))
    await asyncio.sleep(0)
    assert room.held_bytes > 0
    client.hang_up()
    assert room.held_bytes == 0
    await asyncio.sleep(0)
    assert room.held_bytes == 0


async def test_a_body_in_the_smallest_pieces_is_counted_with_what_they_cost() -> None:
    room = Room(ROOM_BYTES)
    client = Client(room)
    client.send(b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(b"2\r\nxx\r\n" * (ROOM_BYTES // 32))
    assert client.wire.written.startswith(b"HTTP/1.1 503 ")
    assert room.take_refusals() == {"": 1}


async def test_short_headers_are_counted_with_what_they_cost() -> None:
    room = Room()
    client = Client(room)
    client.send(b"GET / HTTP/1.1\r\n", b"a:\r\n" * 999)
    assert room.held_bytes > UNCOUNTED_BYTES


async def test_requests_sent_far_ahead_are_counted_however_short() -> None:
    room = Room(ROOM_BYTES)
    client = Client(room)
    client.send(b"GET / HTTP/1.1\r\n\r\n" * 1000)
    assert room.held_bytes > ROOM_BYTES // 2
    for _ in range(1000):
        if client.answers:
            client.answer()
    assert client.wire.closed
    client.hang_up()
    assert room.held_bytes == 0
    assert client.wire.written.count(b"HTTP/1.1 200 ") < 1000


async def test_who_does_not_read_is_not_answered_further() -> None:
    client = Client(Room())
    client.send(b"GET / HTTP/1.1\r\n\r\n" * 2)
    client.connection.pause_writing()
    client.answer()
    assert (client.wire.written.count(b"HTTP/1.1 200 "), client.answers, client.wire.paused) == (1, [], True)
    client.connection.resume_writing()
    client.answer()
    assert (client.wire.written.count(b"HTTP/1.1 200 "), client.wire.paused) == (2, False)


async def test_who_does_not_read_for_long_is_cut_off_though_all_is_answered() -> None:
    limits = OPEN
    client = Client(Room())
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    client.connection.pause_writing()
    latest_s = client.connection.deadline_s
    client.answer()
    assert client.connection.deadline_s == latest_s < asyncio.get_running_loop().time() + limits.keep_alive_s - 1


async def test_connections_that_speak_something_else_are_counted_too() -> None:
    room = Room(most_connections=1)
    client, way = Client(room), Beyond()
    client.send(b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    client.answer(Upgrade([], way))
    assert room.connections == 1
    way.on_lost()
    assert room.connections == 0


async def test_connections_are_counted_while_they_are_there() -> None:
    room = Room(most_connections=2)
    first, second, third = [Client(room) for _ in range(3)]
    assert [client.wire.closed for client in (first, second, third)] == [False, False, True]
    third.send(b"GET / HTTP/1.1\r\n\r\n")
    assert third.answers == []
    assert room.take_refusals() == {"": 1}
    third.hang_up()
    first.hang_up()
    assert not Client(room).wire.closed
    assert room.connections == 2


def test_environments_leave_half_to_the_world_and_most_of_theirs_to_each_other() -> None:
    rooms = Rooms(1024, 64, 10)
    hostile, *others = [rooms.environment(f"e{number}") for number in range(8)]
    assert hostile.take(128)
    assert not hostile.take(1)
    assert [each.take(128) for each in others] == [True] * 3 + [False] * 4
    assert rooms.all.take(512)
    assert not rooms.all.take(1)
    hostile.give(128)
    assert others[-1].take(128)


def test_refusals_are_told_once_by_name() -> None:
    rooms = Rooms(1024, 64, 10)
    rooms.environment("e1").note_refusal()
    rooms.environment("e1").note_refusal()
    rooms.all.note_refusal()
    assert rooms.all.take_refusals() == {"environment e1": 2, "": 1}
    assert rooms.all.take_refusals() == {}


def test_everybody_has_room_for_one_request_of_any_length() -> None:
    rooms = Rooms(1, 64, 10)
    assert rooms.environment("e").take(64)
    assert rooms.environment("e").take(64)
    assert rooms.all.take(64)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), max_size=40))
@settings(max_examples=50)
def test_no_room_is_ever_over_its_size_and_what_is_refused_changes_nothing(wishes: list[tuple[int, int]]) -> None:
    house = Room(100)
    inner = [Room(60, house), Room(60, house), house]
    taken: list[tuple[Room, int]] = []
    for which, count in wishes:
        before = [room.held_bytes for room in inner]
        if inner[which].take(count):
            taken.append((inner[which], count))
        else:
            assert [room.held_bytes for room in inner] == before
        assert house.held_bytes == sum(count for _, count in taken) <= 100
        assert max(room.held_bytes for room in inner[:2]) <= 60
    for room, count in taken:
        room.give(count)
    assert [room.held_bytes for room in inner] == [0, 0, 0]
