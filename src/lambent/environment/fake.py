"""An environment without a process: every outcome is scripted. For the tests of other rooms.

It obeys the same table as the real one, and the same conformance suite.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from lambent.clock import Clock
from lambent.environment.api import Outcome, OutcomeKind, Stream
from lambent.environment.lifecycle import State, Step, state_after
from lambent.model.environment import EnvironmentExit
from lambent.model.invocation import Invocation, LogLine

Answer = Outcome | Callable[[Invocation], Awaitable[Outcome]]

STAYS_USABLE = (OutcomeKind.RESPONSE, OutcomeKind.ERROR, OutcomeKind.TOO_LARGE)
READY = Outcome(OutcomeKind.READY, 1000)


class FakeEnvironment:
    """Implements `Environment`.

    Args:
        init: how the init phase ends; None: it does not, until `exited`, `close` or `wake` ends it.
        answers: one for each invocation, in order; after the last, payloads are echoed. An
            answer is an outcome, or a coroutine function that makes one when the time has come. The
            payload of one with a content type goes to the stream.
        peak_memory_bytes: what the gauge shows.
    """

    def __init__(
        self,
        environment_id: str,
        key: str,
        clock: Clock,
        *,
        init: Outcome | None = READY,
        answers: Sequence[Answer] = (),
        peak_memory_bytes: int = 0,
    ) -> None:
        self.id, self.key = environment_id, key
        self.invocations: list[Invocation] = []
        self.frozen = False
        self.stream: Stream | None = None  # of the invocation that is running
        self._clock = clock
        self._answers = deque(answers)
        self._peak_memory_bytes = peak_memory_bytes
        self._lines: list[LogLine] = []
        self._state = State.STARTING
        self._initialised: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiter = self._initialised
        self._running: asyncio.Future[Outcome] = self._initialised
        if init is not None:
            self.wake(init)

    @property
    def usable(self) -> bool:
        """See `Environment`."""
        return self._state is State.READY

    @property
    def settling(self) -> bool:
        """See `Environment`."""
        return False

    @property
    def movable(self) -> bool:
        """See `Environment`."""
        return True

    @property
    def patience_s(self) -> float:
        """See `Environment`."""
        return 0.0

    def on_last_lines(self, call: Callable[[Sequence[LogLine]], None]) -> None:
        """See `Environment`. A fake has no shutdown phase."""
        raise AssertionError("it has no shutdown phase")

    def on_settled(self, call: Callable[[Outcome], None]) -> None:
        """See `Environment`. A fake is never settling."""
        raise AssertionError("it does not settle")

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._state is State.STOPPED

    def wake(self, outcome: Outcome) -> None:
        """End the phase that is going on."""
        self._state = state_after(self._state, self._step_for(outcome.kind))
        if not self._waiter.done():
            self._waiter.set_result(outcome)

    def write(self, text: str) -> None:
        """Write a line to the log, as the function would."""
        self._lines.append(LogLine(self._clock.now_ms(), text))

    async def wait_ready(self, timeout_s: float) -> Outcome:
        """See `Environment`."""
        return await self._within(timeout_s, self._initialised)

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
        self._assign(invocation, stream)
        self._running = asyncio.ensure_future(self._outcome(invocation, timeout_s, limit_bytes, self._waiter))
        self._running.add_done_callback(lambda task: None if task.cancelled() else done(task.result()))

    async def invoke(
        self,
        invocation: Invocation,
        invoked_arn: str,
        timeout_s: float,
        limit_bytes: int,
        stream: Stream | None = None,
    ) -> Outcome:
        """See `Environment`."""
        self._assign(invocation, stream)
        return await self._outcome(invocation, timeout_s, limit_bytes, self._waiter)

    def _assign(self, invocation: Invocation, stream: Stream | None) -> None:
        self.stream = stream
        self._state = state_after(self._state, Step.ASSIGN)
        self.frozen = False
        self.invocations.append(invocation)
        self._waiter = asyncio.get_running_loop().create_future()

    async def _outcome(
        self, invocation: Invocation, timeout_s: float, limit_bytes: int, waiter: asyncio.Future[Outcome]
    ) -> Outcome:
        answering = asyncio.create_task(self._answer(invocation, limit_bytes))
        try:
            return await self._within(timeout_s, waiter)
        finally:
            answering.cancel()

    def freeze(self) -> None:
        """See `Environment`."""
        self.frozen = self.usable

    def take_lines(self) -> list[LogLine]:
        """See `Environment`."""
        lines, self._lines = self._lines, []
        return lines

    def peak_memory_bytes(self) -> int:
        """See `Environment`."""
        return self._peak_memory_bytes

    def exited(self, notice: EnvironmentExit) -> None:
        """See `Environment`."""
        by_platform = notice.exit_status < 0 and notice.signal == 0
        if self._state is not State.STOPPED:
            self.wake(Outcome(OutcomeKind.LOST if by_platform else OutcomeKind.EXIT, 0, exit=notice))

    def close(self) -> None:
        """See `Environment`."""
        self._state = state_after(self._state, Step.CLOSE)
        if not self._waiter.done():
            self._waiter.set_result(Outcome(OutcomeKind.LOST, 0))

    def _step_for(self, kind: OutcomeKind) -> Step:
        if self._state is State.STARTING and kind is OutcomeKind.READY:
            return Step.INITIALISED
        return Step.FINISH if self._state is State.BUSY and kind in STAYS_USABLE else Step.RETIRE

    async def _answer(self, invocation: Invocation, limit_bytes: int) -> None:
        answer = self._answers.popleft() if self._answers else Outcome(OutcomeKind.RESPONSE, 0, invocation.payload)
        outcome = answer if isinstance(answer, Outcome) else await answer(invocation)
        if outcome.content_type and self.stream is not None:
            self.stream.opened(outcome.content_type, _go_on)
            self.stream.write(outcome.payload)
            outcome = msgspec.structs.replace(outcome, payload=b"")
        if len(outcome.payload) > limit_bytes:
            outcome = Outcome(OutcomeKind.TOO_LARGE, outcome.duration_us)
        if self._state is State.BUSY:
            self.wake(outcome)

    async def _within(self, timeout_s: float, waiter: asyncio.Future[Outcome]) -> Outcome:
        """The outcome, or TIMEOUT when the injected clock gets there first."""
        alarm = asyncio.create_task(self._clock.sleep(timeout_s))
        try:
            await asyncio.wait((alarm, waiter), return_when=asyncio.FIRST_COMPLETED)
            if not waiter.done():
                self.wake(Outcome(OutcomeKind.TIMEOUT, round(timeout_s * 1e6)))
            return waiter.result()
        finally:
            alarm.cancel()


def _go_on() -> None:
    """A script does not wait for its reader."""
