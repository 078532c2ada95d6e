"""The events of DynamoDB streams, and what is told of records that were given up. Pure.

Source: Lambda Developer Guide, "Using Lambda with DynamoDB" (example event), "Implementing stateful DynamoDB stream
processing" (the members beside Records), "Retain discarded records for a DynamoDB event source" (the record, and that
S3 alone gets the payload too, as a string).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from lambent.clock import iso_millis, iso_seconds
from lambent.model.invocation import InvocationResult
from lambent.pollers.api import Change

LARGEST_STATE_BYTES = 1024 * 1024
FRAME_BYTES = 1024  # what an event has beside its records and its state, generously
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


class Origin(Struct, frozen=True):
    """Where records come from."""

    stream_arn: str
    shard: str


class Window(Struct, frozen=True):
    """The tumbling window of an event; `state` is JSON."""

    start_s: int
    length_s: int
    state: bytes
    final: bool = False
    early: bool = False

    @property
    def end_s(self) -> int:
        return self.start_s + self.length_s


class Discard(Struct, frozen=True):
    """Records that are given up. `request_id` is that of the last invocation, `result` its answer, if there was one."""

    condition: str
    changes: tuple[Change, ...]
    request_id: str
    invoked: int
    result: InvocationResult | None = None
    payload: bytes = b""


def event_of(changes: Sequence[Change], origin: Origin, window: Window | None = None) -> bytes:
    """The event of these records."""
    records = b'{"Records":[' + b",".join([change.encoded for change in changes]) + b"]"
    if window is None:
        return records + b"}"
    facts = {
        "window": {"start": iso_seconds(window.start_s), "end": iso_seconds(window.end_s)},
        "state": msgspec.Raw(window.state),
        "shardId": origin.shard,
        "eventSourceARN": origin.stream_arn,
        "isFinalInvokeForWindow": window.final,
        "isWindowTerminatedEarly": window.early,
    }
    return records + b"," + msgspec.json.encode(facts)[1:]


def discard_record(
    discard: Discard, origin: Origin, function_arn: str, now_ms: int, *, with_payload: bool = False
) -> bytes:
    """What an on-failure destination gets."""
    context: dict[str, Any] = {
        "requestId": discard.request_id,
        "functionArn": function_arn,
        "condition": discard.condition,
        "approximateInvokeCount": discard.invoked,
    }
    record: dict[str, Any] = {"requestContext": context}
    if discard.result is not None:
        answer = {"statusCode": 200, "executedVersion": discard.result.executed_version}
        error = discard.result.function_error
        record["responseContext"] = answer | {"functionError": error} if error else answer
    first, last = discard.changes[0], discard.changes[-1]
    record |= {
        "version": "1.0",
        "timestamp": iso_millis(now_ms).removesuffix("+0000") + "Z",
        "DDBStreamBatchInfo": {
            "shardId": origin.shard,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": iso_seconds(first.arrived_s),
            "approximateArrivalOfLastRecord": iso_seconds(last.arrived_s),
            "batchSize": len(discard.changes),
            "streamArn": origin.stream_arn,
        },
    }
    if with_payload:
        record["payload"] = (discard.payload or event_of(discard.changes, origin)).decode("utf-8", "replace")
    return msgspec.json.encode(record)
