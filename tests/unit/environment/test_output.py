"""Bytes of the output pipe to log lines. Sources: environment/api.py; CloudWatch Logs' limit of an event."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.environment.output import EVENT_LIMIT_BYTES, OutputBuffer


def texts(buffer: OutputBuffer) -> list[str]:
    return [line.text for line in buffer.take()]


def test_lines_are_cut_at_newlines_and_stamped_when_they_begin() -> None:
    buffer = OutputBuffer()
    buffer.feed(b"one\n\ntw", 1)
    buffer.feed(b"o\nthree", 2)
    assert [(line.time_ms, line.text) for line in buffer.take()] == [(1, "one"), (1, ""), (1, "two")]
    assert buffer.take() == []
    buffer.finish()
    assert [(line.time_ms, line.text) for line in buffer.take()] == [(2, "three")]


def test_a_nul_begins_an_event_whose_newlines_are_nul() -> None:
    buffer = OutputBuffer()
    buffer.feed(b"\0[ERROR] a\0  b\0\0c\nhalf\0event\0more\n", 1)
    assert texts(buffer) == ["[ERROR] a\n  b\n\nc", "half", "event\nmore"]


def test_what_is_not_utf8_is_replaced() -> None:
    buffer = OutputBuffer()
    buffer.feed(b"a\xff\xc3\n", 1)
    assert texts(buffer) == ["a\ufffd\ufffd"]


def test_a_line_over_the_event_limit_is_cut_between_characters() -> None:
    buffer = OutputBuffer()
    line = "x" + "é" * EVENT_LIMIT_BYTES
    buffer.feed(line.encode() + b"\n", 1)
    cut = texts(buffer)
    assert "".join(cut) == line
    assert [len(part.encode()) for part in cut] == [EVENT_LIMIT_BYTES - 1, EVENT_LIMIT_BYTES, 2]


def test_a_flood_is_dropped_counted_and_told_and_then_there_is_room_again() -> None:
    buffer = OutputBuffer(limit_bytes=1000)
    buffer.feed(b"kept\nalso kept, unfinished", 1)
    assert not buffer.full
    for _ in range(50):
        buffer.feed(b"x" * 990, 2)
    assert buffer.full
    *kept, notice = texts(buffer)
    assert kept == ["kept", "also kept, unfinished"]
    assert notice.startswith(f"[lambent] {50 * 990} bytes of output were dropped")
    assert not buffer.full
    buffer.feed(b"after\n", 3)
    assert texts(buffer) == ["after"]


def test_a_flood_of_empty_lines_is_bounded_too() -> None:
    buffer = OutputBuffer(limit_bytes=10_000)
    for _ in range(1000):
        buffer.feed(b"\n" * 10, 1)
    assert len(buffer.take()) < 200


def test_one_endless_line_is_bounded() -> None:
    buffer = OutputBuffer(limit_bytes=10_000)
    for _ in range(1000):
        buffer.feed(b"x" * 100, 1)
    assert sum(map(len, texts(buffer))) < 10_200


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=30), max_size=10))
def test_however_it_is_cut_the_same_lines_come_out(pieces: list[bytes]) -> None:
    cut, whole = OutputBuffer(), OutputBuffer()
    for piece in pieces:
        cut.feed(piece, 1)
    whole.feed(b"".join(pieces), 1)
    cut.finish()
    whole.finish()
    assert texts(cut) == texts(whole)


def test_who_writes_what_is_not_kept_is_slowed_down_as_others_are() -> None:
    buffer = OutputBuffer(limit_bytes=10_000, least_level="ERROR")
    while not buffer.full:
        buffer.feed(b'{"level": "DEBUG"}\n' * 10, 1)
        assert len(buffer._lines) == 0
    buffer.feed(b'{"level": "ERROR"}\n', 2)
    assert texts(buffer) == ['{"level": "ERROR"}'], "nothing is dropped for it"
    assert not buffer.full
