"""The first invocation of an environment: it answers for the init phase, or the restore, that it brought about.

Source: Lambda Developer Guide, "Init phase" and "Lambda SnapStart": what fails in either fails the invocation, but an
init phase that took over 10 s is redone at the first invocation.
"""

from collections.abc import Awaitable, Callable
from typing import NoReturn

from lambent.environment.api import Environment, Outcome, OutcomeKind
from lambent.invocation.answers import Answer
from lambent.invocation.calls import Call
from lambent.invocation.endings import Endings
from lambent.invocation.errors import SnapStartFailed, SnapStartTimeout
from lambent.invocation.estate import Estate
from lambent.invocation.lease import Lease
from lambent.invocation.records import Run
from lambent.model.function import FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationResult

Invoke = Callable[[Environment, Run, Call, float], Awaitable[InvocationResult]]


class Firsts:
    """Args: invoke: runs it in its environment, within so many seconds."""

    def __init__(self, estate: Estate, endings: Endings, invoke: Invoke) -> None:
        self._estate, self._endings, self._invoke = estate, endings, invoke
        self.count = 0

    async def serve(self, lease: Lease, call: Call, snapshot: FunctionSnapshot, start_ms: int) -> InvocationResult:
        """What came of it. Raises ServiceError: a restore failed, or there is no room to redo an init phase in."""
        self.count += 1
        invocation = call.invocation
        if lease.restored and lease.init.kind is not OutcomeKind.READY:
            self._fail_restore(lease, invocation, snapshot, start_ms)
        if lease.init.kind is OutcomeKind.TIMEOUT:
            lease = await self._init_again(lease, invocation, snapshot)
        with lease as environment:
            init = lease.init
            if init.kind is OutcomeKind.READY and not environment.usable:  # it ended right after its init phase
                init = Outcome(OutcomeKind.EXIT, init.duration_us)
            if init.kind is not OutcomeKind.READY:
                return self._endings.finish_init(Run(invocation, snapshot, lease, start_ms, init))
            left_s = max(0.001, snapshot.timeout_s - lease.spent_us / 1e6)
            return await self._invoke(environment, Run(invocation, snapshot, lease, start_ms), call, left_s)

    def _fail_restore(
        self, lease: Lease, invocation: Invocation, snapshot: FunctionSnapshot, start_ms: int
    ) -> NoReturn:
        """The snapshot could not be restored, or a hook of the function's failed after it; the log has why."""
        with lease:
            run = Run(invocation, snapshot, lease, start_ms, Outcome(lease.init.kind, 0, exit=lease.init.exit))
            if lease.init.kind is OutcomeKind.LOST:
                self._endings.lose(run)
            timed_out = lease.init.kind is OutcomeKind.TIMEOUT
            lease.init_status = "timeout" if timed_out else "error"
            self._endings.write_down(
                run, Answer(b"", "", "error", lease.init.error_type or "Runtime.RestoreError", named=True)
            )
        raise SnapStartTimeout if timed_out else SnapStartFailed

    async def _init_again(self, failed: Lease, invocation: Invocation, snapshot: FunctionSnapshot) -> Lease:
        """A new environment after an init phase that took over 10 s; this one may take the function's timeout."""
        pool = failed.pool
        assert pool is not None
        lines = list(failed.environment.take_lines())
        try:
            await self._estate.stop(failed, "its init phase timed out")
            lease = await self._estate.start(pool, snapshot.timeout_s)
        except BaseException as error:
            pool.dropped()
            self._endings.note_throttle(error, invocation, snapshot)
            raise
        lease.pool, lease.early_lines = pool, lines
        lease.init_us, lease.init_status = failed.init.duration_us, "timeout"
        lease.spent_us = lease.init.duration_us
        return lease
