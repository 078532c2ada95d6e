"""The contract of this room, and the frames on the channel to a bootstrap.

An `Environment` belongs to the edge that leased it, from the grant until `close`. It serves one
invocation at a time: `invoke` on one that is not READY raises IllegalStep. After `invoke` gives
an outcome other than RESPONSE or ERROR the environment is dead and only `close` is legal.

The channel is a stream socket. A frame is

    u32 length of what follows (big-endian) | u8 kind | u16 length of meta | meta | payload

and meta is UTF-8 fields joined by NUL. From the edge:

    INVOKE  1  request id, deadline (epoch ms), invoked ARN, trace header, client context JSON | event JSON

From the bootstrap:

    READY      16  duration of the init phase in microseconds |
    INIT_ERROR 17  error type, duration of init in microseconds | error JSON
    RESPONSE   18  request id | response JSON
    ERROR      19  request id, error type | error JSON
    STREAM     20  request id, content type | the first bytes of an answer that comes in pieces
    CHUNK      21  request id | the next bytes
    FATAL      22  request id, error type | error JSON: an ERROR after which the process ends itself

A piece has at most 64 KiB, and a CHUNK is never empty. After STREAM, a RESPONSE has no payload and
says that the answer is whole; an ERROR or a FATAL says that it broke off. While the edge does not read, the
bootstrap waits, and with it the handler: that is how a client that does not read holds a function back.

What the function writes to stdout and stderr arrives on the `output` pipe, in lines. A line that
begins with NUL is one log event whose newlines were written as NUL (how the bootstrap sends a
logging record or a traceback whole). A bootstrap flushes its output before it sends RESPONSE or
ERROR, so a reader that drains the pipe after the frame has all of this invocation's lines.

Nothing on either descriptor can be trusted: function code lives in the same process. A frame that
is malformed, too long, out of turn or for another request id ends the environment (GARBAGE).
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from lambent.model.environment import EnvironmentExit
from lambent.model.invocation import Invocation, LogLine


class OutcomeKind(StrEnum):
    """How an invocation, or an init phase, ended."""

    READY = "ready"  # init only
    RESPONSE = "response"
    ERROR = "error"  # the runtime reported an error: the function raised, or failed to load
    EXIT = "exit"  # the runtime process went away; `exit` says how
    TIMEOUT = "timeout"
    GARBAGE = "garbage"  # the channel carried something that no bootstrap sends
    TOO_LARGE = "too_large"  # the response is over the limit given; environment stays usable
    FAULT = "fault"  # the platform found that it cannot run: `error_type`, and words as payload
    LOST = "lost"  # the platform lost the environment: agent or node gone


class Outcome(Struct, frozen=True):
    """An end, with what came along. `duration_us` is the environment's own time in the phase.

    `content_type` is set when the answer came in pieces; `payload` is then what `collected` them, if
    no stream took them. `streamed_bytes`: how much came in pieces and was handed on, however it ended.
    `began_us`: how long until the answer began, 0 where none did; `overhead_us`, in the READY that settles an
    invocation: how long the runtime took from its answer until it asked for more.
    """

    kind: OutcomeKind
    duration_us: int
    payload: bytes = b""
    error_type: str = ""
    exit: EnvironmentExit | None = None
    content_type: str = ""
    streamed_bytes: int = 0
    began_us: int = 0
    overhead_us: int = 0


class Stream(Protocol):
    """Takes the pieces of an answer. Everything here is called on the event loop and must not raise."""

    limit_bytes: int  # what is beyond is dropped, and the outcome is TOO_LARGE

    @property
    def full(self) -> bool:
        """Whether the function should wait; what it had sent already still comes."""

    def opened(self, content_type: str, go_on: Callable[[], None]) -> None:
        """The answer comes in pieces. `go_on` is to be called when there is room after `full` was true."""

    def write(self, piece: bytes) -> None:
        """The next piece, not empty."""


class Environment(Protocol):
    """One environment in the hands of its edge."""

    id: str
    key: str

    @property
    def usable(self) -> bool:
        """Whether `invoke` is legal now: READY, and the process is alive as far as is known.

        An environment may end while it is idle (a thread of the function calls `os._exit`), so a
        pool asks before it leases one, and when one comes back.
        """

    @property
    def settling(self) -> bool:
        """Whether the newest invocation is answered, and the runtime or an extension is still at work on it."""

    @property
    def movable(self) -> bool:
        """Whether another edge can go on with it, from its descriptors alone."""

    @property
    def patience_s(self) -> float:
        """How long its shutdown phase may take, once it is READY; 0 for none."""

    def on_settled(self, call: Callable[[Outcome], None]) -> None:
        """While `settling`: have `call` called once, in the order of these calls, with how that ended. READY is well;
        the duration is that of the whole invocation."""

    def on_last_lines(self, call: Callable[[Sequence[LogLine]], None]) -> None:
        """Have `call` called with the log lines of the shutdown phase, where there is one and it had any. One call is
        kept: the newest."""

    async def wait_ready(self, timeout_s: float) -> Outcome:
        """The end of the init phase: READY, ERROR, EXIT, TIMEOUT, GARBAGE or LOST."""

    def begin(
        self,
        invocation: Invocation,
        invoked_arn: str,
        timeout_s: float,
        limit_bytes: int,
        done: Callable[[Outcome], None],
        stream: Stream | None = None,
    ) -> None:
        """Run one invocation and call `done` with its outcome, once; that may be before this returns.

        The outcome is the answer's; `settling` says whether the invocation goes on behind it, within the same timeout.

        The warm path: no task and no future. `done` must not raise. An answer in pieces goes to `stream`,
        all of them before `done`; without one it is collected, and is bound by `limit_bytes` like any other.
        """

    async def invoke(
        self,
        invocation: Invocation,
        invoked_arn: str,
        timeout_s: float,
        limit_bytes: int,
        stream: Stream | None = None,
    ) -> Outcome:
        """`begin` for those who can wait; cancelling it is not allowed."""

    def freeze(self) -> None:
        """Stop its processes until the next `invoke`, which lets them go on first.

        For one that is READY and where the host can do it; else nothing happens. A frozen environment can be
        killed like any other. Source: Lambda Developer Guide, "Lambda execution environment lifecycle": the
        environment is frozen between invocations, and what runs in the background goes on with the next.
        """

    def take_lines(self) -> Sequence[LogLine]:
        """The log lines written since the last call, complete up to the newest outcome."""

    def peak_memory_bytes(self) -> int:
        """The highest memory use of the whole environment so far, 0 when it cannot be told."""

    def exited(self, notice: EnvironmentExit) -> None:
        """The agent's word on how the runtime process ended; completes a waiting outcome."""

    def close(self) -> None:
        """Let go of the descriptors; idempotent. Killing the processes is the agent's work.

        Where there is a shutdown phase it begins now, and what it needs is let go when its time is up.
        """
