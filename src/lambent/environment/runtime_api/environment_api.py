"""The APIs of one environment put together: a channel, as `live` knows them, that waits for runtime and extensions.

The runtime is either at the other end of a socket with frames, or speaks HTTP; the init phase and every invocation are
over when it and every extension have asked for their next event. Whatever `supervisor` tells is passed on: external
extensions that end take the environment with them.

Sources: Lambda Developer Guide, "Lambda execution environment lifecycle"; behaviours sections 11, 13 and 14.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from lambent.clock import Clock, iso_millis
from lambent.environment import frames
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.channel import Work
from lambent.environment.frames import Frame, Garbage
from lambent.environment.output import OutputBuffer
from lambent.environment.output_pipe import OutputPipe
from lambent.environment.runtime_api.extensions import MOST, Extension, Extensions
from lambent.environment.runtime_api.router import Router
from lambent.environment.runtime_api.runtime import NO_ENTRY, HttpRuntime
from lambent.environment.runtime_api.story import Story
from lambent.environment.runtime_api.telemetry import Telemetry
from lambent.environment.socket_channel import SocketChannel
from lambent.ids import Ids
from lambent.model.environment import ApiFacts, EnvironmentExit
from lambent.model.http import HttpResponse
from lambent.model.invocation import LogLine

READY = "Ready"  # the state of an extension that registered, as the log has it
WORD_BYTES = 65536
TRACE_TYPE = "X-Amzn-Trace-Id"
SHUTDOWN_REASONS = {OutcomeKind.TIMEOUT: "TIMEOUT", OutcomeKind.READY: "SPINDOWN", OutcomeKind.LOST: "SPINDOWN"}


class Word(Struct):
    """What a supervisor says; see `runtimes/python/supervisor.py`."""

    extension: str = ""
    runtime: bool = False
    failed: str = ""
    error: str = ""
    status: Annotated[int, Meta(ge=0, le=0xFFFF)] = 0  # as of wait(2)


class Listening(Struct, frozen=True):
    """Who hears of what comes."""

    on_frame: Callable[[Frame], None]
    on_end: Callable[[Garbage | None], None]
    on_fault: Callable[[Outcome], None]
    on_exit: Callable[[EnvironmentExit], None]


class Ends(NamedTuple):
    """Our ends of what leads inside. `channel` is of no use to a runtime that speaks HTTP; `output` is the pipe of
    external extensions, -1 where there is none; `telemetry`: sockets that were made inside."""

    channel: socket.socket
    supervisor: socket.socket | None = None
    output: int = -1
    telemetry: tuple[socket.socket, ...] = ()


class EnvironmentApi:
    """Implements `Channel`. `router` answers what comes in on the environment's own address."""

    gathers = True

    def __init__(self, facts: ApiFacts, ends: Ends, clock: Clock, ids: Ids) -> None:
        self._facts, self._socket, self._clock = facts, ends.channel, clock
        self._supervisor = supervisor = ends.supervisor
        self._output = OutputBuffer()
        self._pipe = None if ends.output < 0 else OutputPipe(ends.output, self._output, clock)
        self._notes: list[LogLine] = []
        self._born_s = clock.monotonic_s()
        self._extensions = Extensions(facts, ids, self._changed, self._failed)
        self._http = HttpRuntime(self._from_runtime, self._age_us) if facts.http_runtime else None
        json_lines = facts.log_format == "JSON"
        telemetry = Telemetry(self._extensions, ends.telemetry, json_lines=json_lines, clock=clock)
        self._story, self._telemetry = Story(facts, telemetry.tell, clock), telemetry
        self.router = Router(self._http, self._extensions, telemetry)
        self._output.listener = lambda line: telemetry.tell("extension", line.text, line.time_ms)
        self._frames: SocketChannel | None = None
        self._to: Listening | None = None
        self._runtime_ready = self._initialised = self._busy = False
        self._runtime_started = not facts.extensions
        self._answered_s = self._asked_s = 0.0
        self._ended = OutcomeKind.READY
        if supervisor is not None:
            supervisor.setblocking(False)
            asyncio.get_running_loop().add_reader(supervisor.fileno(), self._word_came)

    def connect(self, to: Listening) -> None:
        """Begin."""
        self._to = to
        if self._http is None:
            self._frames = SocketChannel(self._socket, self._from_frames, to.on_end)
        else:
            self._socket.close()
        if len(self._facts.extensions) > MOST:
            words = f"{len(self._facts.extensions)} extensions, and at most {MOST} are possible"
            asyncio.get_running_loop().call_soon(self._failed, "TooManyExtensions", words)
        elif self._extensions.all_registered:
            self._changed()

    @property
    def movable(self) -> bool:
        """Whether nobody inside counts on who answers here."""
        return self._http is None and not any(True for _ in self._extensions)

    @property
    def memory_mb(self) -> int:
        """What the function has."""
        return self._facts.memory_mb

    @property
    def patience_s(self) -> float:
        """How long the shutdown phase may take."""
        return self._extensions.patience_s

    # what `live` asks

    def function_line(self, line: LogLine) -> None:
        """The function wrote this."""
        self._telemetry.tell("function", line.text, line.time_ms)

    def settled(self, outcome: Outcome, duration_us: int, peak_bytes: int) -> None:
        """The init phase failed, or an invocation is over."""
        self._story.settled(outcome, duration_us, peak_bytes)

    def drain(self) -> None:
        """Take what extensions have written until now."""
        if self._pipe is not None:
            self._pipe.drain()

    def take_lines(self) -> list[LogLine]:
        """What extensions wrote, and what there is to say about them, since the last call."""
        notes, self._notes = self._notes, []
        return notes + self._output.take()

    def let_go(self) -> None:
        """The shutdown phase is over."""
        if self._pipe is not None:
            self._pipe.close()
        self._telemetry.close()

    def begin(self, work: Work) -> None:
        """See `Channel`."""
        self._busy, self._runtime_ready = True, False
        if self._telemetry.heard:
            self._story.begun(work)
        self._extensions.invoke(_invoke_event(work))
        if self._http is not None:
            self._http.deliver(work.request_id, _work_answer(work), work.limit_bytes, in_pieces=work.in_pieces)
        elif self._frames is not None:
            self._frames.begin(work)

    def read_arrived(self) -> None:
        """See `Channel`."""
        if self._frames is not None:
            self._frames.read_arrived()

    def pause(self) -> None:
        """See `Channel`."""
        side = self._http or self._frames
        if side is not None:
            side.pause()

    def resume(self) -> None:
        """See `Channel`."""
        side = self._http or self._frames
        if side is not None:
            side.resume()

    def stop(self, why: OutcomeKind) -> None:
        """See `Channel`."""
        if self._ended is OutcomeKind.READY:
            self._ended = why
        if self._frames is not None:
            self._frames.stop(why)

    def close(self) -> None:
        """See `Channel`. Begins the shutdown phase; the agent ends it."""
        reason = SHUTDOWN_REASONS.get(self._ended, "FAILURE")
        deadline_ms = round((self._clock.machine_s() + self.patience_s) * 1000)
        self._extensions.shut_down(reason, deadline_ms)
        self._telemetry.hurry()
        if self._frames is not None:
            self._frames.close()
        if self._supervisor is not None:
            asyncio.get_running_loop().remove_reader(self._supervisor.fileno())
            self._supervisor.close()
            self._supervisor = None

    # what happens

    def _from_runtime(self, frame: Frame) -> None:
        assert self._to is not None
        if frame.kind == frames.READY:
            self._runtime_ready, self._asked_s = True, self._clock.monotonic_s()
            self._story.runtime_done()
            self._changed()
        elif self._http is not None and frame.kind == frames.INIT_ERROR and frame.fields[0] == NO_ENTRY:
            told = msgspec.json.decode(frame.payload, type=dict[str, Any])
            self._failed(NO_ENTRY, str(told.get("errorMessage", "")))
        else:
            self._answered_s = self._asked_s = self._clock.monotonic_s()
            self._story.said(frame)
            self._to.on_frame(frame)

    def _from_frames(self, frame: Frame) -> None:
        """A frame from a runtime that speaks them; it asks for more with its answer."""
        self._from_runtime(frame)
        if frame.kind in (frames.RESPONSE, frames.ERROR):
            self._runtime_ready = True
            self._story.runtime_done()
            self._changed()

    def _changed(self) -> None:
        """Somebody registered or became idle: is that all of them?"""
        if not self._runtime_started and self._extensions.all_registered:
            self._runtime_started = True
            self._tell({"start": True})
        if not (self._runtime_ready and self._extensions.all_idle) or self._to is None:
            return
        if not self._initialised:
            self._initialised, self._extensions.open = True, False
            self._note_extensions(READY)
            self._story.initialised(self._age_us())
            self._telemetry.close_init()
            self._to.on_frame(Frame(frames.READY, [str(self._age_us())], b""))
        elif self._busy:
            self._busy = False
            overhead_us = round((self._asked_s - self._answered_s) * 1e6)
            self._to.on_frame(Frame(frames.READY, [str(overhead_us)], b""))

    def _note_extensions(self, state: str) -> None:
        """A line in the log for each extension, in the words of AWS; before the first START. What went well is INFO."""
        time_ms = self._clock.now_ms() - 1
        for each in self._extensions:
            if state != READY or self._facts.system_log_level != "WARN":
                self._notes.append(LogLine(time_ms, _note(each, state, self._facts.log_format, time_ms)))
            told = {"name": each.name, "state": state, "events": list(each.events)}
            self._telemetry.tell("platform.extension", told)

    def _failed(self, error_type: str, words: str) -> None:
        assert self._to is not None
        if not self._initialised:
            self._note_extensions(error_type.removeprefix("Extension."))
        self._to.on_fault(Outcome(OutcomeKind.FAULT, 0, words.encode(), error_type))

    def _tell(self, word: dict[str, bool]) -> None:
        if self._supervisor is not None:
            try:
                self._supervisor.send(msgspec.json.encode(word))
            except OSError:  # it has ended; the agent tells how
                return

    def _word_came(self) -> None:
        if self._supervisor is None or self._to is None:
            return
        try:
            message = self._supervisor.recv(WORD_BYTES)
            word = msgspec.json.decode(message, type=Word) if message else None
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, ValueError, RecursionError):  # no word of a supervisor: function code is of the same user
            word = None
        if word is None:
            asyncio.get_running_loop().remove_reader(self._supervisor.fileno())
        elif word.failed:
            self._failed("Extension.LaunchError", f"{word.failed}: fork/exec: {word.error}")
        elif word.runtime:
            self._to.on_exit(_exit_of(word.status))
        elif word.extension:
            self._failed("Extension.Crash", f"{word.extension}: {_ending_text(word.status)}")

    def _age_us(self) -> int:
        return round((self._clock.monotonic_s() - self._born_s) * 1e6)


def _note(extension: Extension, state: str, log_format: str, time_ms: int) -> str:
    if log_format == "Text":
        return f"EXTENSION\tName: {extension.name}\tState: {state}\tEvents: [{', '.join(extension.events)}]"
    moment = iso_millis(time_ms).removesuffix("+0000") + "Z"
    record = {"name": extension.name, "state": state, "events": list(extension.events)}
    return msgspec.json.encode({"time": moment, "type": "platform.extension", "record": record}).decode()


def _exit_of(status: int) -> EnvironmentExit:
    if os.WIFSIGNALED(status):
        return EnvironmentExit("", signal=os.WTERMSIG(status))
    return EnvironmentExit("", exit_status=max(0, os.waitstatus_to_exitcode(status)) if os.WIFEXITED(status) else 1)


def _ending_text(status: int) -> str:
    notice = _exit_of(status)
    return f"signal {notice.signal}" if notice.signal else f"exit status {notice.exit_status}"


def _invoke_event(work: Work) -> dict[str, Any]:
    event: dict[str, Any] = {
        "eventType": "INVOKE",
        "deadlineMs": work.deadline_ms,
        "requestId": work.request_id,
        "invokedFunctionArn": work.invoked_arn,
    }
    if work.trace_header:
        event["tracing"] = {"type": TRACE_TYPE, "value": work.trace_header}
    return event


def _work_answer(work: Work) -> HttpResponse:
    headers = [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", work.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(work.deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", work.invoked_arn),
        ("Lambda-Runtime-Trace-Id", work.trace_header),
    ]
    if work.client_context:
        # Header bytes are Latin-1 to whoever writes them; the clients read UTF-8.
        headers.append(("Lambda-Runtime-Client-Context", work.client_context.encode().decode("latin-1")))
    return HttpResponse(200, headers, work.payload)
