"""Event-stream messages, read back by botocore. Source: Smithy's Amazon Event Stream Specification."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.protocol.eventstream import encode_message
from lambent.protocol.failures import Unmodelled
from lambent.protocol.wires import wire_for


def read(data: bytes) -> list[Any]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return list(buffer)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=20),
        st.text(max_size=40) | st.binary(max_size=40) | st.booleans() | st.integers(-(2**63), 2**63 - 1),
        max_size=4,
    ),
    st.binary(max_size=200),
)
def test_a_message_is_read_back_by_botocore(headers: dict[str, Any], payload: bytes) -> None:
    (message,) = read(encode_message(headers, payload))
    assert (message.headers, message.payload) == (headers, payload)


def test_times_travel_in_milliseconds() -> None:
    moment = datetime(2026, 1, 31, 23, 59, 59, 123000, tzinfo=UTC)
    assert read(encode_message({"t": moment}))[0].headers == {"t": int(moment.timestamp() * 1000)}


def test_a_changed_byte_breaks_the_checksum() -> None:
    data = bytearray(encode_message({":event-type": "PayloadChunk"}, b"hello"))
    data[-6] ^= 1
    with pytest.raises(ChecksumMismatch):
        read(bytes(data))


# Source: behaviours sheet section 17.
def test_a_streamed_invocation_is_chunks_and_an_end() -> None:
    wire = wire_for("lambda")
    write = wire.event_writer("InvokeWithResponseStream")
    chunk, end = read(write({"PayloadChunk": {"Payload": b"\x00hi"}}) + write({"InvokeComplete": {"ErrorCode": "E"}}))
    assert chunk.headers == {
        ":message-type": "event", ":event-type": "PayloadChunk", ":content-type": "application/octet-stream",
    }  # fmt: skip
    assert (chunk.payload, end.headers[":event-type"], end.payload) == (
        b"\x00hi",
        "InvokeComplete",
        b'{"ErrorCode":"E"}',
    )


def test_an_exception_is_told_inside_the_stream() -> None:
    wire = wire_for("logs")
    (message,) = read(wire.event_writer("StartLiveTail")({"SessionTimeoutException": {"message": "over"}}))
    assert message.headers[":message-type"] == "exception"
    assert message.headers[":exception-type"] == "SessionTimeoutException"
    assert message.payload == b'{"message":"over"}'


def test_events_and_operations_that_no_stream_has_are_a_bug() -> None:
    wire = wire_for("lambda")
    write = wire.event_writer("InvokeWithResponseStream")
    wrong: list[dict[str, Any]] = [{"Other": {}}, {}, {"PayloadChunk": {"Payload": b"", "More": 1}}]
    for event in wrong:
        with pytest.raises(Unmodelled):
            write(event)
    with pytest.raises(Unmodelled):
        wire.event_writer("Invoke")
    with pytest.raises(Unmodelled):
        wire.event_writer("InvokeWithResponseStream", protocol="query")
