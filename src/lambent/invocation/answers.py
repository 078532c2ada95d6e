"""What the caller gets for each way in which an invocation can end.

Sources: the shapes of the bodies, behaviours sheet section 8 (recorded answers of the service);
the words for exits and signals, aws-lambda-runtime-interface-emulator (internal/lambda/rapid/
handlers.go: "Runtime exited with error: %s", "Runtime exited without providing a reason"; the
process states print as Go's os and syscall packages print them). Runtime.OutOfMemory keeps the
message of the signal. That garbage on the channel is answered as an exit is our own choice: the
runtime can no longer be trusted, and the environment is taken down.
"""

import msgspec
from msgspec import Struct

from lambent.environment.api import Outcome, OutcomeKind
from lambent.model.environment import EnvironmentExit
from lambent.model.invocation import Status

SIGNALS = {  # as Go names them on Linux
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    5: "trace/breakpoint trap",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    10: "user defined signal 1",
    11: "segmentation fault",
    12: "user defined signal 2",
    13: "broken pipe",
    14: "alarm clock",
    15: "terminated",
}


class Answer(Struct, frozen=True):
    """The caller's side of an outcome.

    `error_type` is the answer's errorType; `named` says whether REPORT names it: it does for
    failures of the runtime, not for errors that the handler raised.
    """

    payload: bytes
    function_error: str
    status: Status
    error_type: str = ""
    named: bool = False


class ErrorBody(Struct):
    """The body of an error that the platform, not the runtime, has found."""

    errorType: str
    errorMessage: str


def answer_for(outcome: Outcome, request_id: str, timeout_s: float, limit_bytes: int) -> Answer:
    """The answer to any outcome but LOST, which is no answer but a fault of the platform."""
    match outcome.kind:
        case OutcomeKind.RESPONSE:
            return Answer(outcome.payload, "", "success")
        case OutcomeKind.ERROR:
            return Answer(outcome.payload, "Unhandled", "error", outcome.error_type)
        case OutcomeKind.TIMEOUT:
            message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
            return _failure("Sandbox.Timedout", message, "timeout")
        case OutcomeKind.FAULT:
            words = f"RequestId: {request_id} Error: {outcome.payload.decode('utf-8', 'replace')}"
            return _failure(outcome.error_type, words, "error")
        case OutcomeKind.TOO_LARGE:
            message = f"Response payload size exceeded maximum allowed payload size ({limit_bytes} bytes)."
            return _failure("Function.ResponseSizeTooLarge", message, "error")
        case _:
            message = f"RequestId: {request_id} Error: {exit_text(outcome.exit)}"
            return _failure(_exit_type(outcome.exit), message, "error")


def init_answer_for(outcome: Outcome, request_id: str) -> Answer:
    """The answer to a caller whose environment failed in its init phase."""
    answer = answer_for(outcome, request_id, 0, 0)
    if outcome.kind is OutcomeKind.ERROR:
        return Answer(answer.payload, answer.function_error, answer.status, answer.error_type, named=True)
    return answer


def exit_text(notice: EnvironmentExit | None) -> str:
    """How a runtime process ended, in AWS's words."""
    if notice is None or (notice.signal == 0 and notice.exit_status <= 0):
        return "Runtime exited without providing a reason"
    if notice.signal:
        return f"Runtime exited with error: signal: {SIGNALS.get(notice.signal, f'signal {notice.signal}')}"
    return f"Runtime exited with error: exit status {notice.exit_status}"


def _exit_type(notice: EnvironmentExit | None) -> str:
    return "Runtime.OutOfMemory" if notice is not None and notice.out_of_memory else "Runtime.ExitError"


def _failure(error_type: str, message: str, status: Status) -> Answer:
    body = msgspec.json.encode(ErrorBody(error_type, message))
    return Answer(body, "Unhandled", status, error_type, named=status != "timeout")
