"""What an environment's owner wants of the way to its runtime, whatever is spoken there."""

from typing import Protocol

from msgspec import Struct

from lambent.environment.api import OutcomeKind
from lambent.model import lineage
from lambent.model.invocation import Invocation
from lambent.model.trace import carried

LONGEST_TRACE_HEADER = 1024  # a longer one is not a trace header, and is not handed on


class Work(Struct, frozen=True):
    """One invocation as a runtime gets it."""

    request_id: str
    deadline_ms: int
    invoked_arn: str
    trace_header: str
    client_context: str
    payload: bytes
    limit_bytes: int
    in_pieces: bool = False  # whoever called takes the answer as it comes


def work_of(
    invocation: Invocation,
    invoked_arn: str,
    deadline_ms: int,
    limit_bytes: int,
    *,
    now_s: float,
    in_pieces: bool = False,
) -> Work:
    """What to hand on of `invocation`."""
    trace_header, client_context = invocation.trace_header, invocation.client_context
    if len(trace_header) > LONGEST_TRACE_HEADER or "\0" in trace_header:
        trace_header = ""
    trace_header = lineage.extended(carried(trace_header, invocation.request_id, now_s), invocation.function)
    if "\0" in client_context:
        client_context = client_context.replace("\0", "")  # JSON has none
    return Work(
        *(invocation.request_id, deadline_ms, invoked_arn, trace_header, client_context),
        payload=invocation.payload,
        limit_bytes=limit_bytes,
        in_pieces=in_pieces,
    )


class Channel(Protocol):
    """The way to a runtime. `gathers`: an answer is not the end of an invocation, a READY frame is."""

    gathers: bool

    def begin(self, work: Work) -> None:
        """Hand it an invocation; its answers come as frames."""

    def read_arrived(self) -> None:
        """Take everything that has arrived, without waiting for the event loop to tell of it."""

    def pause(self) -> None:
        """Let the other side wait with its answer in pieces."""

    def resume(self) -> None:
        """Read on after `pause`."""

    def stop(self, why: OutcomeKind) -> None:
        """Neither read nor send any more, and call nobody."""

    def close(self) -> None:
        """Let go; idempotent."""
