"""What is told about a failure: the error object of an answer, and the frames that belong in it.

The runtime's own frames are taken from the front of a trace, so that it begins in the function.
Frames of the import machinery stay when a module fails at import, as on AWS.

Source: behaviours "Error bodies"; the order of the members was compared with awslambdaric 4.2.2.
"""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


class LambdaFault(Exception):
    """A failure that the runtime names itself: `Runtime.ImportModuleError` and its kin."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type, self.message, self.trace = error_type, message, trace or []


def error_object(error: BaseException, request_id: str) -> dict[str, Any]:
    """What `error` looks like in an answer and in the log."""
    if isinstance(error, LambdaFault):
        return _members(error.message, error.error_type, request_id, error.trace)
    return _members(message_of(error), type(error).__name__, request_id, stack_trace(error))


def _members(message: str, error_type: str, request_id: str, trace: list[str]) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def message_of(error: BaseException) -> str:
    """The text of `error`, even of one whose `__str__` fails."""
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__}: the error's own text cannot be made>"


def stack_trace(error: BaseException) -> list[str]:
    """The function's frames, outermost first, each as `  File ..., line ..., in ...` with its code."""
    frames = traceback.extract_tb(without_ours(error.__traceback__))
    return traceback.format_list([(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames])


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """`trace` from the first frame that is not the runtime's."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(OURS):
        trace = trace.tb_next
    return trace
