"""An environment over real descriptors, on the running event loop.

Everything that arrives is a callback: a frame, the end of the channel, the agent's word on the
exit, a missed deadline. Each asks `lifecycle` for its step and calls whoever waits for the phase's
outcome; so a warm invocation costs neither a task nor a future.

When the runtime process ends, the channel tells first and the agent tells how. We wait for the
agent a bounded time. An agent that goes is told at once, so after that time the process lives and has closed its
channel, which no bootstrap does: GARBAGE.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from lambent.clock import Clock
from lambent.environment import frames
from lambent.environment.api import Outcome, OutcomeKind, Stream
from lambent.environment.channel import Channel, work_of
from lambent.environment.deadline import Deadline
from lambent.environment.frames import Frame, Garbage
from lambent.environment.lifecycle import State, Step, state_after
from lambent.environment.output import OutputBuffer
from lambent.environment.output_pipe import OutputPipe
from lambent.environment.runtime_api.environment_api import EnvironmentApi, Listening
from lambent.environment.socket_channel import SocketChannel
from lambent.environment.streamed import Collected, StreamedAnswer
from lambent.model.environment import EnvironmentExit, EnvironmentGrant
from lambent.model.invocation import Invocation, LogLine

EXIT_NOTICE_S = 20.0  # within milliseconds, or seconds on a machine with far too much to do; of its own end we hear
GAUGE_FRESH_S = 0.02
GAUGE_UNREAD_S = 0.005  # what a shorter invocation added since the last reading, the next one tells
MIB = 1024 * 1024
LINGER_S = 1.0  # after the shutdown phase, until everything is let go
LONGEST_INIT_DIGITS = 12


class LiveEnvironment:
    """Implements `Environment`. Owns all its descriptors; must be made on the event loop."""

    def __init__(
        self,
        grant: EnvironmentGrant,
        channel: socket.socket | EnvironmentApi,
        output_fd: int,
        memory_gauge_fd: int | None,
        clock: Clock,
        freezer_fd: int | None = None,
    ) -> None:
        self.id, self.key = grant.environment_id, grant.environment_key
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._gauge_fd = -1 if memory_gauge_fd is None else memory_gauge_fd
        self._freezer_fd = -1 if freezer_fd is None else freezer_fd
        self._frozen = grant.initialised and self._freezer_fd >= 0  # perhaps: another edge had it
        self._state = State.READY if grant.initialised else State.STARTING
        self._request_id = ""
        self._begun_s, self._timeout_s = clock.monotonic_s(), 0.0
        self._ended_s: float | None = (
            None  # when the channel ended: the agent's word on how is none of the function's time
        )
        self._initialised: asyncio.Future[Outcome] = self._loop.create_future()
        if grant.initialised:
            self._initialised.set_result(Outcome(OutcomeKind.READY, 0))
        self._done: Callable[[Outcome], None] = partial(_hand_over, self._initialised)
        self._waiter: asyncio.Future[Outcome] | None = None  # of the one whom `invoke` serves
        self._stream: Stream | None = None
        self._limit_bytes = 0
        self._streamed: StreamedAnswer | None = None  # once the answer has begun to come in pieces
        self._peak_bytes, self._gauge_read_s = 0, float("-inf")
        self._exit: EnvironmentExit | None = None
        self._exit_wait: asyncio.TimerHandle | None = None
        self._deadline = Deadline(clock, self._timed_out)
        self._output = OutputBuffer(least_level=grant.log_level)
        self._pipe = OutputPipe(output_fd, self._output, clock)
        self._settled: list[Callable[[Outcome], None]] = []
        self._last_lines: Callable[[Sequence[LogLine]], None] | None = None
        self._api = channel if isinstance(channel, EnvironmentApi) else None
        if self._api is not None:
            self._output.listener = self._api.function_line
        self._closed = False
        self._channel = self._open(channel)

    def _open(self, channel: socket.socket | EnvironmentApi) -> Channel:
        if isinstance(channel, EnvironmentApi):
            channel.connect(Listening(self._received, self._channel_ended, self._retire, self._runtime_exited))
            return channel
        return SocketChannel(channel, self._received, self._channel_ended)

    @property
    def usable(self) -> bool:
        """Whether `invoke` may be called now."""
        return self._state is State.READY

    @property
    def settling(self) -> bool:
        """See `Environment`."""
        return self._state is State.ANSWERED

    @property
    def movable(self) -> bool:
        """See `Environment`."""
        return self._api is None or self._api.movable

    @property
    def patience_s(self) -> float:
        """See `Environment`."""
        return 0.0 if self._api is None else self._api.patience_s

    def on_settled(self, call: Callable[[Outcome], None]) -> None:
        """See `Environment`."""
        self._settled.append(call)

    def on_last_lines(self, call: Callable[[Sequence[LogLine]], None]) -> None:
        """See `Environment`."""
        self._last_lines = call

    async def wait_ready(self, timeout_s: float) -> Outcome:
        """See `Environment`. `timeout_s` counts from now."""
        if not self._initialised.done():
            now_s = self._clock.monotonic_s()
            self._deadline.set(now_s + timeout_s, now_s)
        return await self._initialised

    def begin(
        self,
        invocation: Invocation,
        invoked_arn: str,
        timeout_s: float,
        limit_bytes: int,
        done: Callable[[Outcome], None],
        stream: Stream | None = None,
    ) -> None:
        """See `Environment`."""
        self._state = state_after(self._state, Step.ASSIGN)
        if self._frozen:
            self._set_frozen(False)
        self._request_id = invocation.request_id
        self._done, self._waiter, self._stream, self._limit_bytes = done, None, stream, limit_bytes
        self._begun_s = begun_s = self._clock.monotonic_s()
        self._timeout_s = timeout_s
        self._deadline.set(begun_s + timeout_s, begun_s)
        deadline_ms = int(self._clock.machine_s() * 1000) + round(timeout_s * 1000)
        now_s, in_pieces = self._clock.now_s(), stream is not None
        work = work_of(invocation, invoked_arn, deadline_ms, limit_bytes, now_s=now_s, in_pieces=in_pieces)
        self._channel.begin(work)

    async def invoke(
        self,
        invocation: Invocation,
        invoked_arn: str,
        timeout_s: float,
        limit_bytes: int,
        stream: Stream | None = None,
    ) -> Outcome:
        """See `Environment`."""
        waiter: asyncio.Future[Outcome] = self._loop.create_future()
        self.begin(invocation, invoked_arn, timeout_s, limit_bytes, partial(_hand_over, waiter), stream)
        self._waiter = waiter
        return await waiter

    def freeze(self) -> None:
        """See `Environment`."""
        if self._state is State.READY and not self._frozen and self._freezer_fd >= 0:
            self._set_frozen(True)

    def _set_frozen(self, frozen: bool) -> None:
        self._frozen = frozen
        with contextlib.suppress(OSError):  # the control group is gone with its environment, and the channel tells
            os.write(self._freezer_fd, b"1" if frozen else b"0")

    def take_lines(self) -> list[LogLine]:
        """See `Environment`."""
        lines = self._output.take()
        if self._api is None:
            return lines
        return sorted([*self._api.take_lines(), *lines], key=lambda line: line.time_ms)

    def peak_memory_bytes(self) -> int:
        """See `Environment`. Read anew unless that was just done: the kernel takes 6 microseconds to tell."""
        if self._gauge_fd < 0:
            return 0
        now_s = self._clock.monotonic_s()
        if now_s - self._begun_s < GAUGE_UNREAD_S and now_s - self._gauge_read_s < GAUGE_FRESH_S:
            return self._peak_bytes
        try:
            self._peak_bytes, self._gauge_read_s = int(os.pread(self._gauge_fd, 64, 0)), now_s
            return self._peak_bytes
        except (OSError, ValueError):  # the control group is gone with its environment
            return 0 if self._exit is None else self._exit.peak_memory_bytes

    def _runtime_exited(self, notice: EnvironmentExit) -> None:
        """The word of the parent of runtime and extensions, to whom the kernel does not say why it killed: for want of
        memory, if all there is was in use."""
        assert self._api is not None
        full = self.peak_memory_bytes() > (self._api.memory_mb - 1) * MIB
        self.exited(msgspec.structs.replace(notice, out_of_memory=notice.signal == signal.SIGKILL and full))

    def exited(self, notice: EnvironmentExit) -> None:
        """See `Environment`. An answer that was sent before the exit still counts."""
        if self._exit is not None or self._state is State.STOPPED:
            return
        self._exit = notice
        self._channel.read_arrived()
        self._retire(self._exit_outcome())

    def close(self) -> None:
        """See `Environment`. Whoever still waits is told LOST."""
        self._retire(Outcome(OutcomeKind.LOST, self._elapsed_us()))
        self._state = state_after(self._state, Step.CLOSE)
        self._deadline.close()
        if self._exit_wait is not None:
            self._exit_wait.cancel()
        if self._freezer_fd >= 0 and self._frozen and self.patience_s:
            self._set_frozen(False)
        self._channel.close()
        if self.patience_s and not self._closed:  # its last words must not end it
            self._loop.call_later(self.patience_s + LINGER_S, self._end_shutdown)
        else:
            self._let_go()
        self._closed = True
        for descriptor in {self._gauge_fd, self._freezer_fd} - {-1}:
            os.close(descriptor)
        self._gauge_fd = self._freezer_fd = -1

    def _end_shutdown(self) -> None:
        self._finish_lines()
        lines = self.take_lines()
        if lines and self._last_lines is not None:
            self._last_lines(lines)
        self._let_go()

    def _let_go(self) -> None:
        self._pipe.close()
        if self._api is not None:
            self._api.let_go()

    def _received(self, frame: Frame) -> None:
        kind = frame.kind
        if self._state is State.BUSY and kind in (frames.RESPONSE, frames.ERROR):
            if frame.fields[0] == self._request_id and not self._superfluous(frame):
                self._answered(self._answer(frame))
                return
        elif self._state is State.BUSY and kind == frames.FATAL:
            if frame.fields[0] == self._request_id:
                self._retire(self._answer(frame))
                return
        elif self._state is State.BUSY and kind in frames.PIECES:
            if frame.fields[0] == self._request_id and self._take_piece(frame):
                return
        elif self._state is State.ANSWERED and kind == frames.READY:
            self._settle(Step.FINISH, Outcome(OutcomeKind.READY, self._elapsed_us(), overhead_us=int(frame.fields[0])))
            return
        elif self._state is State.STARTING and kind == frames.READY:
            if _is_duration(frame.fields[0]):
                self._settle(Step.INITIALISED, Outcome(OutcomeKind.READY, int(frame.fields[0])))
                return
        elif self._state is State.STARTING and kind == frames.INIT_ERROR and _is_init_error(frame):
            self._retire(Outcome(OutcomeKind.ERROR, int(frame.fields[1]), frame.payload, frame.fields[0]))
            return
        self._retire(Outcome(OutcomeKind.GARBAGE, self._elapsed_us()))

    def _take_piece(self, frame: Frame) -> bool:
        if self._streamed is None:
            self._streamed = StreamedAnswer(self._stream or Collected(self._limit_bytes), self._elapsed_us())
        streamed = self._streamed
        taken = streamed.take(frame, self._channel.resume)
        if streamed.stream.full:
            self._channel.pause()
        return taken

    def _superfluous(self, frame: Frame) -> bool:
        """Whether it is an answer after the answer."""
        return self._streamed is not None and frame.kind == frames.RESPONSE and bool(frame.payload)

    def _answered(self, outcome: Outcome) -> None:
        if not self._channel.gathers:
            self._settle(Step.FINISH, outcome)
            return
        self._pipe.drain()
        self._state = state_after(self._state, Step.ANSWER)
        done, self._done = self._done, _nobody_waits
        done(self._counted(outcome))

    def _counted(self, outcome: Outcome) -> Outcome:
        streamed = self._streamed
        if streamed is None:
            return outcome
        return msgspec.structs.replace(outcome, streamed_bytes=streamed.sent_bytes, began_us=streamed.began_us)

    def _answer(self, frame: Frame) -> Outcome:
        streamed = self._streamed
        content_type = "" if streamed is None else streamed.content_type
        if frame.dropped_bytes or (streamed is not None and streamed.too_large):
            return Outcome(OutcomeKind.TOO_LARGE, self._elapsed_us(), content_type=content_type)
        us = self._elapsed_us()
        if frame.kind in (frames.ERROR, frames.FATAL):
            return Outcome(
                OutcomeKind.ERROR, us, frame.payload, frame.fields[1], content_type=content_type, began_us=us
            )
        if streamed is None:
            return Outcome(OutcomeKind.RESPONSE, us, frame.payload, began_us=us)
        whole = streamed.stream.payload if isinstance(streamed.stream, Collected) else b""
        return Outcome(OutcomeKind.RESPONSE, self._elapsed_us(), whole, content_type=content_type)

    def _channel_ended(self, garbage: Garbage | None) -> None:
        if garbage is not None:
            self._retire(Outcome(OutcomeKind.GARBAGE, self._elapsed_us()))
        elif self._exit is not None:
            self._retire(self._exit_outcome())
        elif self._state in (State.STARTING, State.BUSY, State.ANSWERED):
            self._deadline.clear()  # it has ended in time; only the word on how is missing
            self._ended_s = self._clock.monotonic_s()
            self._exit_wait = self._loop.call_later(EXIT_NOTICE_S, self._never_told)
        else:
            self._retire(Outcome(OutcomeKind.LOST, 0))

    def _never_told(self) -> None:
        self._retire(Outcome(OutcomeKind.GARBAGE, self._elapsed_us()))

    def _timed_out(self) -> None:
        self._channel.read_arrived()  # an edge that is late itself must not call an answer late
        if self._state in (State.STARTING, State.BUSY, State.ANSWERED):
            self._retire(Outcome(OutcomeKind.TIMEOUT, self._elapsed_us()))

    def _exit_outcome(self) -> Outcome:
        notice = self._exit
        if notice is None or (notice.exit_status < 0 and notice.signal == 0):  # the platform took it down
            return Outcome(OutcomeKind.LOST, self._elapsed_us(), exit=notice)
        return Outcome(OutcomeKind.EXIT, self._elapsed_us(), exit=notice)

    def _retire(self, outcome: Outcome) -> None:
        """Serve nothing any more; whoever waits gets `outcome`."""
        if self._state is not State.STOPPED:
            self._channel.stop(outcome.kind)
            self._settle(Step.RETIRE, outcome)

    def _settle(self, step: Step, outcome: Outcome) -> None:
        """A phase is over: complete the log, take the step, wake who waits."""
        self._finish_lines()
        if self._api is not None and self._state is not State.READY and step is not Step.INITIALISED:
            self._api.settled(outcome, self._duration_us(outcome), self.peak_memory_bytes())
        self._deadline.clear()
        self._stream = None
        outcome = self._counted(outcome)
        if self._streamed is not None:
            self._streamed = None
            self._channel.resume()
        # One whose caller was cancelled has no owner who knows whether the function still runs.
        abandoned = self._waiter is not None and self._waiter.cancelled()
        self._state = state_after(self._state, Step.RETIRE if abandoned else step)
        done, self._done = self._done, _nobody_waits
        settled, self._settled = self._settled, []
        done(outcome)
        for call in settled:
            call(outcome)

    def _duration_us(self, outcome: Outcome) -> int:
        """How long the phase took: exactly the timeout for an invocation that was cut off there, as REPORT says too."""
        if outcome.kind is OutcomeKind.TIMEOUT and self._state is not State.STARTING:
            return round(self._timeout_s * 1e6)
        return self._elapsed_us()

    def _finish_lines(self) -> None:
        self._pipe.drain()
        self._output.finish()
        if self._api is not None:
            self._api.drain()

    def _elapsed_us(self) -> int:
        now_s = self._clock.monotonic_s() if self._ended_s is None else self._ended_s
        return round((now_s - self._begun_s) * 1e6)


def _hand_over(waiter: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not waiter.done():
        waiter.set_result(outcome)


def _nobody_waits(_: Outcome) -> None:
    """The phase was over before."""


def _is_init_error(frame: Frame) -> bool:
    return _is_duration(frame.fields[1]) and not frame.dropped_bytes


def _is_duration(field: str) -> bool:
    return field.isascii() and field.isdigit() and len(field) <= LONGEST_INIT_DIGITS
