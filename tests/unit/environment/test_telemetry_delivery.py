"""Bringing telemetry to a subscriber: batches, one socket used again and again, what is lost is counted.

Source: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API".
"""

import asyncio
import socket

import msgspec

from lambent.clock import SystemClock
from lambent.environment.runtime_api.delivery import Delivery, Room
from lambent.environment.runtime_api.subscriptions import Buffering, Target

QUICK = Buffering(timeoutMs=25)


class Listener:
    """An HTTP server that keeps bodies and answers as it is told to."""

    def __init__(self, *answers: bytes) -> None:
        self.bodies: list[bytes] = []
        self._answers = list(answers)
        self.more = asyncio.Event()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        self.bodies.append(await reader.readexactly(length))
        self.more.set()
        writer.write(b"HTTP/1.1 " + (self._answers.pop(0) if self._answers else b"200 OK") + b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def wait_bodies(self, count: int) -> None:
        while len(self.bodies) < count:
            self.more.clear()
            await self.more.wait()

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()


def delivery_to(
    target: Target, dropped: list[tuple[int, int]], buffering: Buffering = QUICK, room: Room | None = None
) -> Delivery:
    def words(records: int, size: int) -> list[bytes]:
        dropped.append((records, size))
        return [b'{"lost":%d}' % records]

    return Delivery(target, buffering, socket.socket(), SystemClock(), words, room=room or Room())


async def test_each_batch_is_one_request_over_the_same_socket() -> None:
    listener, dropped = Listener(), list[tuple[int, int]]()
    delivery = delivery_to(Target(await listener.start(), "sandbox.localdomain", "/x"), dropped)
    for count in (1, 2, 3):
        delivery.put(b'{"n": %d}' % count)
        delivery.put(b"{}")
        await listener.wait_bodies(count)
    assert [msgspec.json.decode(body) for body in listener.bodies] == [[{"n": n}, {}] for n in (1, 2, 3)]
    assert dropped == []
    await delivery.close()
    await listener.stop()


async def test_what_a_subscriber_does_not_take_is_counted_and_told() -> None:
    listener, dropped = Listener(*[b"500 No"] * 3), list[tuple[int, int]]()
    delivery = delivery_to(Target(await listener.start(), "s", "/"), dropped)
    delivery.put(b"12345")
    await listener.wait_bodies(3)
    delivery.put(b"{}")
    await listener.wait_bodies(4)
    while not dropped:
        await asyncio.sleep(0)
    assert dropped == [(1, 5)]
    await delivery.close()
    await listener.stop()


async def test_what_tells_of_a_loss_is_not_lost_itself() -> None:
    """More than is held comes at once: each record is delivered, or counted in a record that is."""
    listener, count = Listener(), 5000
    delivery = delivery_to(Target(await listener.start(), "s", "/"), [], Buffering(timeoutMs=25))
    for _ in range(count):
        delivery.put(b'"' + b"x" * 500 + b'"')
    told = lost = 0
    while told + lost < count:
        await listener.wait_bodies(1)
        for each in msgspec.json.decode(listener.bodies.pop(0)):
            told, lost = (told, lost + each["lost"]) if isinstance(each, dict) else (told + 1, lost)
    assert told + lost == count
    assert lost
    await delivery.close()
    await listener.stop()


async def test_a_subscriber_that_is_not_there_costs_a_bounded_amount_of_memory() -> None:
    dropped: list[tuple[int, int]] = []
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        delivery = delivery_to(Target(nobody.getsockname()[1], "s", "/"), dropped, Buffering(timeoutMs=30_000))
        event = b"x" * 1000
        for _ in range(5000):
            delivery.put(event)
        assert delivery.held_bytes <= 4 * 262_144
        await delivery.close()


async def test_subscribers_that_take_nothing_share_what_is_held_for_an_environment() -> None:
    room, wide = Room(1_000_000), Buffering(maxBytes=262_144, timeoutMs=25)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts nobody
        each_of = [delivery_to(Target(silent.getsockname()[1]), [], wide, room) for _ in range(5)]
        for _ in range(2000):
            for each in each_of:
                each.put(b"x" * 500)
        assert room.taken_bytes == 1_000_000
        for each in each_of:
            await each.close()


async def test_what_was_delivered_makes_room() -> None:
    listener, dropped, room = Listener(), list[tuple[int, int]](), Room(2000)
    delivery = delivery_to(Target(await listener.start(), "s", "/"), dropped, room=room)
    for count in (1, 2, 3):
        delivery.put(b'"' + b"x" * 1500 + b'"')
        await listener.wait_bodies(count)
        while room.taken_bytes:
            await asyncio.sleep(0)
    assert dropped == []
    await delivery.close()
    await listener.stop()
