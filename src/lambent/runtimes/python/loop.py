"""The runtime: start, then one invocation after the other.

The order of a start is AWS's: streams, logging, search path, the function's module. An init error
is logged, reported and ends the process with status 1. An exception (a subclass of Exception)
out of a handler is an answer; SystemExit and its like end the process, as on AWS.

The way of a warm invocation is one read and one write; nothing is imported, and the
environment's variables are touched only when the trace header has changed.
"""

from __future__ import annotations

import json
import os
import site
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING

from . import channel as frames
from . import process
from .channel import Channel, ChannelGone
from .context import LambdaContext, function_facts, parse_client_context
from .encode import ResponseEncoder
from .errors import LambdaFault, error_object
from .loader import load_handler, set_search_path
from .logs import open_streams, set_up_logging
from .stream import KINDS, Streams
from .trace import TraceVariable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

SNAP_START = "snap-start"
INIT_FAILED = 1

_scan = json.scanner.make_scanner(json.JSONDecoder())  # type: ignore[attr-defined]


def serve(channel_fd: int, handler: str, initialization_type: str, *, pausing: bool) -> NoReturn:
    """See `bootstrap.run`."""
    started_ns = time.perf_counter_ns()
    try:
        channel = Channel(channel_fd)
        runtime = Runtime(channel, initialization_type)
        # Read now, and only for SnapStart: the function's own modules may have any name.
        snap_start = import_module(".pause", __package__) if initialization_type == SNAP_START else None
        function = runtime.load(handler, started_ns)
        if snap_start is not None:
            started_ns = runtime.go_through_snapshot(snap_start, started_ns, pausing=pausing)
        runtime.ready(started_ns)
        runtime.serve(function)
    except ChannelGone:
        process.leave()
    except BaseException as error:  # every way out of a process that has our parent's frames below it
        process.end(error)


class Runtime:
    """One function in one process."""

    def __init__(self, channel: Channel, initialization_type: str) -> None:
        os.environ.setdefault("AWS_LAMBDA_INITIALIZATION_TYPE", initialization_type)
        time.tzset()  # the zygote was started with the host's TZ
        site.setquit()  # exit() and quit(), which an interpreter without site lacks
        site.sethelper()
        self._channel = channel
        self._streams = open_streams()
        self._sink = set_up_logging(self._streams[0])
        self._encoder = ResponseEncoder(os.environ.get("AWS_EXECUTION_ENV", ""))
        self._facts = function_facts()
        self._trace = TraceVariable()
        self._answers = Streams(channel, self._encoder)

    def load(self, handler: str, started_ns: int) -> Callable[[Any, Any], Any]:
        """The handler; where there is none, report why and end the process."""
        set_search_path()
        sys.argv = ["/var/runtime/bootstrap.py", handler]
        try:
            return load_handler(handler)
        except Exception as error:
            self._fail_init(error, started_ns)

    def go_through_snapshot(self, snap_start: Any, started_ns: int, *, pausing: bool) -> int:
        """The hooks before and after, and with `pausing` the snapshot between; when what follows it began."""
        try:
            snap_start.before_snapshot()
            if pausing:
                carried = snap_start.prepare()
                self.ready(started_ns)
                snap_start.pause()
                started_ns = time.perf_counter_ns()
                snap_start.wake_up(carried)
            snap_start.after_restore()
        except Exception as error:
            self._fail_init(error, started_ns)
        return started_ns

    def _fail_init(self, error: Exception, started_ns: int) -> NoReturn:
        told = error_object(error, "")
        self._sink.error(told)
        self._flush()
        meta = f"{told['errorType']}\0{_microseconds_since(started_ns)}"
        self._channel.send(frames.INIT_ERROR, meta, self._encoder.error(told))
        sys.exit(INIT_FAILED)

    def ready(self, started_ns: int) -> None:
        """Tell the platform that the init phase is over."""
        self._flush()
        self._channel.send(frames.READY, str(_microseconds_since(started_ns)), b"")

    def serve(self, handler: Callable[[Any, Any], Any]) -> NoReturn:
        """Answer invocations until the platform hangs up."""
        receive, send, sink, set_trace = self._channel.receive, self._channel.send, self._sink, self._trace.set
        while True:
            (request_id, deadline, arn, trace_header, client_context), payload = receive()
            sink.request_id = request_id
            set_trace(trace_header)
            try:
                context = LambdaContext(
                    request_id, int(deadline), arn, self._facts, parse_client_context(client_context)
                )
                made = handler(decode(payload), context)
                if type(made) in KINDS:
                    self._answers.send(request_id, made)
                    answer = b""
                else:
                    answer = self._encoder.response(made)
            except Exception as error:
                self._fail(request_id, error)
            else:
                self._flush()
                send(frames.RESPONSE, request_id, answer)

    def _fail(self, request_id: str, error: Exception) -> None:
        told = error_object(error, request_id)
        self._sink.error(told)
        self._flush()
        self._channel.send(frames.ERROR, f"{request_id}\0{told['errorType']}", self._encoder.error(told))

    def _flush(self) -> None:
        """Send what was printed on its way, so that it is there before the answer is."""
        out, err = self._streams
        try:
            out.flush()
            err.flush()
            if sys.stdout is not out or sys.stderr is not err:
                sys.stdout.flush()
                sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # the function closed or replaced them
            return


def decode(payload: bytes) -> Any:
    """The event.

    Raises:
        LambdaFault: Runtime.UnmarshalError.
    """
    try:
        text = str(payload, "utf-8")
        try:
            event, end = _scan(text, 0)
        except StopIteration:
            end = -1
        return event if end == len(text) else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LambdaFault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def _microseconds_since(started_ns: int) -> int:
    return (time.perf_counter_ns() - started_ns) // 1000
