"""What is written down about one invocation, and the end of its log for who asked for it.

Sources: billed duration, behaviours sheet section 25 (init and duration together, rounded up to a
millisecond); Max Memory Used equals Memory Size when memory ran out, section 8; the tail is the
last 4 KB of the same lines that the log stream gets, section 15.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from lambent.environment.api import Environment, Outcome, OutcomeKind
from lambent.invocation.answers import Answer, answer_for
from lambent.invocation.api import MIB
from lambent.invocation.lease import Lease
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationRecord, LogLine, billed_ms

TAIL_BYTES = 4096
UNKNOWN = Outcome(OutcomeKind.LOST, 0)


class Run(Struct):
    """One invocation in one environment; `outcome` stands when it is over."""

    invocation: Invocation
    snapshot: FunctionSnapshot
    lease: Lease
    start_ms: int
    outcome: Outcome = UNKNOWN
    limit_bytes: int = 0  # of an answer that came in pieces


def record_of(run: Run, answer: Answer) -> InvocationRecord:
    """The journal's record. Takes the log lines out of the environment."""
    snapshot, lease, outcome = run.snapshot, run.lease, run.outcome
    environment = lease.environment
    duration_us = duration_of(run)
    lines: list[LogLine] = list(environment.take_lines())
    if lease.early_lines:
        lines = lease.early_lines + lines
    return InvocationRecord(
        run.start_ms,
        snapshot.key,
        snapshot.version,
        snapshot.runtime,
        snapshot.log_group,
        lease.log_stream,
        run.invocation.request_id,
        environment.id,
        duration_us,
        0 if lease.restored else lease.init_us,
        billed_ms(lease.init_us, duration_us),
        snapshot.memory_mb,
        max_memory_mb(_peak_bytes(environment, outcome), snapshot.memory_mb, ran_out=_ran_out(outcome)),
        answer.status,
        lines,
        answer.error_type if answer.named else "",
        lease.init_status,
        run.invocation.trace_header,
        lease.start,
        provisioned=lease.provisioned,
        restore_us=lease.restore_us,
        billed_restore_us=lease.init_us if lease.restored else 0,
        system_log_level=snapshot.system_log_level,
        qualifier=run.invocation.qualifier,
        reserved=snapshot.reserved_concurrency is not None,
        streamed_bytes=outcome.streamed_bytes,
        answer_bytes=answer_bytes(outcome),
        latency_us=outcome.began_us and outcome.began_us + lease.spent_us,
    )


def settled_record(record: InvocationRecord, run: Run, end: Outcome) -> InvocationRecord:
    """The record of an invocation that went on behind its answer, until `end`.

    Source: Lambda Developer Guide, "Lambda execution environment lifecycle": the Invoke phase ends when the runtime and
    all extensions are done, and its duration is all of it. PostRuntimeExtensionsDuration is the part behind the answer.
    """
    environment = run.lease.environment
    whole = Run(run.invocation, run.snapshot, run.lease, run.start_ms, end)
    # `spent_us` and `init_us` of the lease are the next invocation's by now: those of the record count.
    duration_us = max(record.duration_us, duration_of(whole) + record.duration_us - run.outcome.duration_us)
    if end.kind is OutcomeKind.TIMEOUT:
        duration_us = duration_of(whole)
    status, error_type = record.status, record.error_type
    if end.kind is OutcomeKind.TIMEOUT:
        status, error_type = "timeout", "Sandbox.Timedout"
    elif end.kind not in (OutcomeKind.READY, OutcomeKind.LOST):
        answer = answer_for(end, record.request_id, run.snapshot.timeout_s, 0)
        status, error_type = answer.status, answer.error_type
    init_us = record.billed_restore_us or record.init_us
    peak_mb = max_memory_mb(_peak_bytes(environment, end), record.memory_mb, ran_out=_ran_out(end))
    return msgspec.structs.replace(
        record,
        duration_us=duration_us,
        billed_ms=billed_ms(init_us, duration_us),
        max_memory_mb=max(record.max_memory_mb, peak_mb),
        status=status,
        error_type=error_type,
        lines=[*record.lines, *environment.take_lines()],
        extensions_us=duration_us - record.duration_us,
        overhead_us=end.overhead_us,
    )


def shutdown_record(record: InvocationRecord, lines: Sequence[LogLine]) -> InvocationRecord:
    """What was written in the shutdown phase of the environment that `record` is of."""
    return msgspec.structs.replace(
        record,
        start_ms=lines[0].time_ms,
        request_id="",
        duration_us=0,
        init_us=0,
        billed_ms=0,
        status="success",
        lines=list(lines),
        shutdown_only=True,
    )


def throttle_record(invocation: Invocation, snapshot: FunctionSnapshot, start_ms: int) -> InvocationRecord:
    """The record of a request that was turned away."""
    return InvocationRecord(
        start_ms=start_ms,
        key=snapshot.key,
        version=snapshot.version,
        runtime=snapshot.runtime,
        log_group=snapshot.log_group,
        log_stream="",
        request_id=invocation.request_id,
        environment_id="",
        duration_us=0,
        init_us=0,
        billed_ms=0,
        memory_mb=snapshot.memory_mb,
        max_memory_mb=0,
        status="failure",
        lines=[],
        trace_header=invocation.trace_header,
        throttled=True,
        qualifier=invocation.qualifier,
        reserved=snapshot.reserved_concurrency is not None,
    )


def url_record(
    key: FunctionKey, qualifier: str, request_id: str, times: tuple[int, int], status: int
) -> InvocationRecord:
    """The record of what a function URL answered; `times`: when the request came (ms), and how long it took (us)."""
    start_ms, took_us = times
    return InvocationRecord(
        start_ms=start_ms,
        key=key,
        version="",
        runtime="",
        log_group="",
        log_stream="",
        request_id=f"{request_id}:url",
        environment_id="",
        duration_us=took_us,
        init_us=0,
        billed_ms=0,
        memory_mb=0,
        max_memory_mb=0,
        status="success" if status < 400 else "error",
        lines=[],
        qualifier=qualifier,
        url_status=status,
    )


def duration_of(run: Run) -> int:
    """The Duration of REPORT in microseconds: exactly the timeout for what was cut off there."""
    if run.outcome.kind is OutcomeKind.TIMEOUT:
        return run.snapshot.timeout_s * 1_000_000
    return run.outcome.duration_us + run.lease.spent_us


def max_memory_mb(peak_bytes: int, memory_mb: int, *, ran_out: bool) -> int:
    """Max Memory Used: rounded up, never above what the function has."""
    return memory_mb if ran_out else min(memory_mb, -(-peak_bytes // MIB))


def tail_of(events: list[tuple[int, str]]) -> bytes:
    """The last 4 KiB of the log, not beginning inside a character."""
    text = "".join(line if line.endswith("\n") else line + "\n" for _, line in events)
    whole = text.encode()
    if len(whole) <= TAIL_BYTES:
        return whole
    tail = whole[-TAIL_BYTES:]
    start = next(index for index, byte in enumerate(tail) if byte & 0xC0 != 0x80)
    return tail[start:]


def _peak_bytes(environment: Environment, outcome: Outcome) -> int:
    """The gauge; after an exit, what the agent read from it before it went."""
    exit_bytes = 0 if outcome.exit is None else outcome.exit.peak_memory_bytes
    return max(exit_bytes, environment.peak_memory_bytes())


def answer_bytes(outcome: Outcome) -> int:
    """How long the runtime's answer is; one that came in pieces may have ended with an error."""
    if outcome.content_type or outcome.streamed_bytes:
        return outcome.streamed_bytes + (len(outcome.payload) if outcome.kind is OutcomeKind.ERROR else 0)
    return len(outcome.payload) if outcome.began_us else 0


def _ran_out(outcome: Outcome) -> bool:
    return outcome.exit is not None and outcome.exit.out_of_memory
