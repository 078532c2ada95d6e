"""One invocation: what goes in, what comes out, what is written down about it."""

from typing import Literal

from msgspec import Struct

from lambent.model.function import FunctionKey

Status = Literal["success", "error", "timeout", "failure"]


class Invocation(Struct, frozen=True):
    """What the data plane is asked to run. `payload` is JSON, checked by whoever made this.

    `client_context` is the decoded JSON text of X-Amz-Client-Context, `trace_header` the
    X-Amzn-Trace-Id to hand on, `qualifier` what the caller named ("" for none).
    """

    request_id: str
    function: FunctionKey
    qualifier: str
    payload: bytes
    trace_header: str = ""
    client_context: str = ""
    tail: bool = False


class StartBreakdown(Struct, frozen=True, array_like=True):
    """Where the time of a cold start went, in microseconds and in this order.

    `queue_us`: the request waited for something else than this start. `placement_us`: control let it have one more
    environment. `sandbox_us` to `mount_us`: see `StartTimes`. `between_us`: what is in none of the others, that is
    credentials, and messages and turns between the parts. `init_us`: the runtime and the function's own init phase.
    """

    queue_us: int = 0
    placement_us: int = 0
    sandbox_us: int = 0
    fork_us: int = 0
    cgroup_us: int = 0
    mount_us: int = 0
    between_us: int = 0
    init_us: int = 0


class InvocationResult(Struct, frozen=True):
    """What the caller gets. `function_error` is "" or "Unhandled"; `log_tail` at most 4 KiB.

    `start` is None on a warm start; `duration_us` as in the record. `content_type` is set when the answer
    came in pieces, and `payload` then has them together, unless they went to a stream.
    """

    executed_version: str
    payload: bytes
    function_error: str = ""
    log_tail: bytes = b""
    status: Status = "success"
    error_type: str = ""
    duration_us: int = 0
    start: StartBreakdown | None = None
    content_type: str = ""


class LogLine(Struct, frozen=True, array_like=True):
    """One line that the function wrote; `text` without its newline."""

    time_ms: int
    text: str


class InvocationRecord(Struct, frozen=True, array_like=True):
    """The journal's record of one invocation: facts, from which log lines, metrics and bills come.

    Durations are microseconds. `init_us` is 0 on a warm start. `lines` holds the lines of the
    init phase first. `init_status` other than "" means that the init phase failed: "error" or
    "timeout". `error_type` is the errorType of the answer, for failures that REPORT names.
    `provisioned`: it was served by provisioned concurrency, whose init phase belongs to no invocation.
    `init_only`: no invocation, but the one init phase of a version with SnapStart.
    `shutdown_only`: no invocation, but what was written to the log in an environment's shutdown phase.
    `system_log_level` is "" for logs in text, and DEBUG, INFO or WARN for logs in JSON.
    `extensions_us`: how much of the duration came after the answer.
    `streamed_bytes`: how much of the answer came in pieces; `answer_bytes`: how long what the runtime answered is.
    `latency_us`: the part of the duration until the answer began, 0 where there was none; `overhead_us`: the part
    behind the answer until the runtime asked for more.
    `url_status`: no invocation, but what a function URL answered, after `duration_us`.
    `qualifier` is what the caller named, "" for none; `reserved`: the function has concurrency reserved for it.
    `restore_us` is 0 unless the environment went on from a snapshot (SnapStart), and then `init_us` is 0.
    """

    start_ms: int
    key: FunctionKey
    version: str
    runtime: str
    log_group: str
    log_stream: str
    request_id: str
    environment_id: str
    duration_us: int
    init_us: int
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    status: Status
    lines: list[LogLine]
    error_type: str = ""
    init_status: str = ""
    trace_header: str = ""
    start: StartBreakdown | None = None
    throttled: bool = False
    provisioned: bool = False
    restore_us: int = 0
    billed_restore_us: int = 0
    init_only: bool = False
    system_log_level: str = ""
    extensions_us: int = 0
    qualifier: str = ""
    reserved: bool = False
    url_status: int = 0
    streamed_bytes: int = 0
    shutdown_only: bool = False
    answer_bytes: int = 0
    latency_us: int = 0
    overhead_us: int = 0

    @property
    def early_lines(self) -> list[LogLine]:
        """The lines of what came before the invoke phase: all of them where that failed and nothing was invoked."""
        if self.init_only or self.init_status == "error" or (self.restore_us and self.init_status):
            return self.lines
        return [line for line in self.lines if line.time_ms < self.start_ms]

    @property
    def invoke_ms(self) -> int:
        """When the invoke phase began, for its log: never before what is told of the init phase."""
        return max([self.start_ms, *(line.time_ms for line in self.early_lines)])


def billed_ms(init_us: int, duration_us: int) -> int:
    """What is billed: at least one millisecond."""
    return max(1, -(-(init_us + duration_us) // 1000))
