"""Answers on their way in pieces: what is held, who waits, and how fast they may go.

Source: behaviours section 17 (200 MB; 2 MB a second after the first 6 MB); the rest is our own contract.
"""

import asyncio
from typing import Any

from lambent.clock import FakeClock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.invocation.streaming import HELD_BYTES, AnswerStream, Pace, Paced
from lambent.model.invocation import InvocationResult

RESULT = InvocationResult("$LATEST", b"")
MB = 1024 * 1024


class Told:
    def __init__(self) -> None:
        self.opened = self.went_on = 0

    def open(self) -> None:
        self.opened += 1

    def go_on(self) -> None:
        self.went_on += 1


def stream_of(told: Told) -> AnswerStream:
    stream = AnswerStream(200 * MB, told.open)
    stream.opened("text/plain", told.go_on)
    return stream


async def test_pieces_come_in_order_and_then_the_result() -> None:
    stream = stream_of(told := Told())
    assert (told.opened, stream.is_open) == (1, True)
    reading = asyncio.ensure_future(_all_of(stream))
    await asyncio.sleep(0)
    stream.write(b"a")
    await asyncio.sleep(0)
    stream.write(b"b")
    stream.end(RESULT)
    assert await reading == [b"a", b"b"]
    assert stream.result is RESULT


async def test_the_writer_waits_while_too_much_is_held_and_is_told_once_there_is_room() -> None:
    stream = stream_of(told := Told())
    piece = bytes(HELD_BYTES // 2)
    stream.write(piece)
    assert not stream.full
    stream.write(piece)
    assert stream.full
    small = stream_of(Told())
    for _ in range(HELD_BYTES // 100):
        small.write(b"x")
    assert small.full, "what single bytes take is not one byte"
    await anext(stream)
    assert (stream.full, told.went_on) == (False, 1)
    await anext(stream)
    assert told.went_on == 1


async def test_a_reader_that_has_gone_holds_nothing_and_nobody_back() -> None:
    stream = stream_of(told := Told())
    stream.write(bytes(HELD_BYTES))
    stream.abandon()
    assert told.went_on == 1
    for _ in range(10):
        stream.write(bytes(HELD_BYTES))
    assert not stream.full


async def test_one_abandoned_before_it_was_opened_lets_the_function_run_on() -> None:
    told = Told()
    stream = AnswerStream(MB, told.open)
    stream.abandon()
    stream.opened("text/plain", told.go_on)
    stream.write(bytes(HELD_BYTES))
    assert not stream.full


async def test_the_pace_is_free_for_the_first_megabytes_and_even_after_them() -> None:
    pace, clock = Pace(bytes_per_s=2 * MB, burst_bytes=6 * MB), FakeClock()
    stream = stream_of(Told())
    paced = Paced(stream, pace, clock)
    began_s = clock.monotonic_s()
    for _ in range(6):
        stream.write(bytes(MB))
        assert await paced.next()
    assert clock.monotonic_s() == began_s
    stream.write(bytes(MB))
    late = asyncio.ensure_future(paced.next())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not late.done()
    await clock.advance(0.5)
    assert await late


def test_without_a_pace_nothing_waits() -> None:
    assert Pace().due_s(10**12) == 0


async def test_the_data_plane_hands_pieces_to_the_stream_and_the_rest_to_the_caller(lab: Any) -> None:
    lab.answers = [[Outcome(OutcomeKind.RESPONSE, 5, b"pieces", content_type="text/plain")] * 3]
    for warm in (False, True):
        told = Told()
        stream = AnswerStream(MB, told.open)
        lab.data_plane.begin(lab.invocation(), stream.end, stream)
        assert await _all_of(stream) == [b"pieces"], warm
        assert isinstance(stream.result, InvocationResult)
        assert (stream.version, stream.result.payload, stream.result.content_type) == ("$LATEST", b"", "text/plain")
    whole = await lab.invoke()
    assert (whole.payload, whole.content_type) == (b"pieces", "text/plain")


async def test_a_stream_over_its_limit_is_told_that_limit(lab: Any) -> None:
    lab.answers = [[Outcome(OutcomeKind.TOO_LARGE, 5, content_type="text/plain")]]
    stream = AnswerStream(12345, lambda: None)
    lab.data_plane.begin(lab.invocation(), stream.end, stream)
    await _all_of(stream)
    assert isinstance(stream.result, InvocationResult)
    assert stream.result.error_type == "Function.ResponseSizeTooLarge"
    assert b"(12345 bytes)" in stream.result.payload


async def _all_of(stream: AnswerStream) -> list[bytes]:
    return [piece async for piece in stream]
