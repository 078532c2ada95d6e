"""Synchronous invocations in an edge: snapshot, lease, invoke, record, answer.

The warm path is short: a snapshot from the cache, an idle environment from its pool, one wait for
the outcome, one record, the answer. All bookkeeping after the outcome is one uninterrupted step.

A warm invocation is two plain calls, `begin` and the environment's callback: no task and no future
(what they cost: docs/decisions/0011-warm-path.md); one that waits for an environment in use is `Queued` between the
two. Everything else is a task of its own. Either way a caller that hangs up ends nothing but its own waiting: the
function runs on to its end (as on AWS) and the environment is given back in order.

`estate.py` holds the environments: who is idle, busy, coming, and who has to go.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import NoReturn

import structlog

from lambent.clock import Clock
from lambent.environment.api import Environment, Outcome, OutcomeKind
from lambent.errors import ServiceError
from lambent.invocation.answers import Answer
from lambent.invocation.api import Limits, Links, Statistics
from lambent.invocation.endings import Endings
from lambent.invocation.errors import (
    ResourceConflict,
    ServiceFailed,
    SnapStartFailed,
    SnapStartNotReady,
    SnapStartTimeout,
)
from lambent.invocation.estate import Estate
from lambent.invocation.lease import Lease
from lambent.invocation.pool import Pool
from lambent.invocation.queued import Done, Queued
from lambent.invocation.rates import Rates
from lambent.invocation.reach import reach
from lambent.invocation.records import Run
from lambent.invocation.sampling import Sampling
from lambent.invocation.snapshots import Snapshots
from lambent.invocation.streaming import AnswerStream
from lambent.model import lineage
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import RateQuery
from lambent.placement.throttle import Reason, Throttled

log = structlog.get_logger()


class DataPlane:
    """Runs invocations. `snapshots` and `estate` are shared with whoever hears of changes."""

    def __init__(self, links: Links, snapshots: Snapshots, estate: Estate, clock: Clock, limits: Limits) -> None:
        self._links, self._clock, self._limits, self._ids = links, clock, limits, links.ids
        self._snapshots, self._estate = snapshots, estate
        self._rates = _rates(links, clock) if limits.paced else None
        self._sampling = Sampling(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._queued: set[Queued] = set()
        self._running = 0
        self._quiet: asyncio.Event | None = None  # set when draining has nothing to wait for any more
        self._cold_starts = 0
        self._endings = Endings(links.journal, links.render, clock, limits.response_bytes)

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """`begin` for those who can wait; a caller that is cancelled leaves the function running.

        Raises:
            ServiceError: it was not run (not found, throttled, the function's state forbids it),
                or the platform lost it (ServiceException).
        """
        answer: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        self._begin(invocation, partial(_hand_over, answer), passed=True)
        return await answer

    def begin(self, invocation: Invocation, done: Done, stream: AnswerStream | None = None) -> None:
        """Run `invocation`, and call `done` once with its result or with the ServiceError that `invoke` raises.

        It counts as one of the requests a second that its caller's account may make; what `invoke` runs does not.
        An answer that comes in pieces goes to `stream`, if there is one, and is not in the result.
        """
        passed = self._rates is None or self._rates.take_nowait(invocation.function)
        self._begin(invocation, done, stream, passed=passed)

    def _begin(self, invocation: Invocation, done: Done, stream: AnswerStream | None = None, *, passed: bool) -> None:
        if self._quiet is not None:
            done(_stopping())
            return
        self._running += 1
        snapshot = self._snapshots.cached(invocation.function, invocation.qualifier)
        if snapshot is not None:
            snapshot = self._routed(snapshot)
            if snapshot.active_tracing:
                invocation = self._sampling.decided(invocation)
            plain = passed and not snapshot.refusal and snapshot.reserved_concurrency != 0
            if plain and not lineage.is_chained(invocation.trace_header):
                pool = self._estate.pool_for(snapshot, invocation.qualifier)
                lease = pool.take_warm_nowait()
                if lease is not None:
                    self._start(Run(invocation, snapshot, lease, self._clock.now_ms()), done, stream)
                    return
                if pool.crowded:
                    self._queue(Queued(invocation, snapshot, done, stream, self._clock.monotonic_s()), pool)
                    return
        self._spawn(self._serve(invocation, snapshot, stream, passed), invocation, done)

    def _start(self, run: Run, done: Done, stream: AnswerStream | None) -> None:
        """In a warm environment, at once."""
        invocation, snapshot = run.invocation, run.snapshot
        if stream is not None:
            stream.version, run.limit_bytes = snapshot.version, stream.limit_bytes
        ended = partial(self._ended, run, done)
        run.lease.environment.begin(
            invocation, snapshot.invoked_arn, snapshot.timeout_s, self._limits.response_bytes, ended, stream
        )

    def _queue(self, queued: Queued, pool: Pool) -> None:
        pool.go_stale(False)  # it is in use again, if it ever was not
        self._queued.add(queued)
        queued.join(pool, self._go_on)

    def _go_on(self, queued: Queued, what: Lease | ServiceError) -> None:
        """The turn of one that waited has come."""
        self._queued.discard(queued)
        invocation, snapshot, done, stream = queued.invocation, queued.snapshot, queued.done, queued.stream
        if isinstance(what, ServiceError):
            self._endings.note_throttle(what, invocation, snapshot)
            self._tell(invocation, what, done)
        elif what.first:
            what.waited(round((self._clock.monotonic_s() - queued.since_s) * 1e6))
            self._spawn(self._use(what, invocation, snapshot, stream), invocation, done)
        else:
            self._start(Run(invocation, snapshot, what, self._clock.now_ms()), done, stream)

    def _spawn(self, work: Coroutine[None, None, InvocationResult], invocation: Invocation, done: Done) -> None:
        task = asyncio.get_running_loop().create_task(self._run(work, invocation, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float) -> bool:
        """Take no new invocation, and wait for those that run; whether all came to their end."""
        self._quiet = asyncio.Event()
        if not self._running:
            return True
        alarm = asyncio.ensure_future(self._clock.sleep(seconds))
        quiet = asyncio.ensure_future(self._quiet.wait())
        try:
            await asyncio.wait((alarm, quiet), return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            quiet.cancel()
        return not self._running

    async def close(self) -> None:
        """Give up whatever still runs, and let go of every environment."""
        for queued in self._queued:
            queued.leave()
            self._tell(queued.invocation, _stopping(), queued.done)
        self._queued.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._snapshots.close()
        await self._estate.close()

    def keeps(self, invocation: Invocation) -> bool:
        """Whether this edge has an environment for it that cannot go to another edge."""
        snapshot = self._snapshots.cached(invocation.function, invocation.qualifier)
        return snapshot is not None and self._estate.keeps(snapshot.environment_key)

    def statistics(self) -> Statistics:
        """What is here, and what was done so far."""
        counts = self._estate.counts()
        told = self._endings
        return Statistics(
            *counts, invocations=told.invocations, cold_starts=self._cold_starts, throttles=told.throttles
        )

    def _ended(self, run: Run, done: Done, outcome: Outcome) -> None:
        """A warm invocation is over."""
        run.outcome = outcome
        result: InvocationResult | Exception
        try:
            with run.lease:
                result = self._endings.finish(run)
        except Exception as error:
            result = error
        self._tell(run.invocation, result, done)

    def _routed(self, snapshot: FunctionSnapshot) -> FunctionSnapshot:
        """The version of an alias that this request goes to; drawn once for each."""
        if snapshot.other is not None and self._ids.fraction() < snapshot.other_weight:
            return snapshot.other
        return snapshot

    async def _run(self, work: Coroutine[None, None, InvocationResult], invocation: Invocation, done: Done) -> None:
        result: InvocationResult | Exception = _stopping()
        try:
            result = await work
        except Exception as error:
            result = error
        finally:
            self._tell(invocation, result, done)

    def _tell(self, invocation: Invocation, result: InvocationResult | Exception, done: Done) -> None:
        if isinstance(result, Exception) and not isinstance(result, ServiceError):
            log.error("an invocation failed", action="invoke.fail", request_id=invocation.request_id, exc_info=result)
        self._running -= 1
        if self._quiet is not None and not self._running:
            self._quiet.set()
        done(result)

    async def _serve(
        self, invocation: Invocation, snapshot: FunctionSnapshot | None, stream: AnswerStream | None, passed: bool
    ) -> InvocationResult:
        if snapshot is None:
            snapshot = self._routed(await self.snapshot(invocation.function, invocation.qualifier))
            if snapshot.active_tracing:
                invocation = self._sampling.decided(invocation)
        if snapshot.refusal or snapshot.reserved_concurrency == 0:
            self._refuse(invocation, snapshot)
        if self._rates is not None and not passed:
            await self._pass(self._rates, invocation, snapshot)
        if not snapshot.recursion_allowed:
            lineage.check(invocation.trace_header, invocation.function)
        pool = self._estate.pool_for(snapshot, invocation.qualifier)
        lease = pool.take_nowait()
        if lease is None and stream is None and pool.empty:
            told = await self._links.control.elsewhere(invocation)
            if told is not None:
                return told
        if lease is None:
            lease = await self._wait(pool, invocation, snapshot)
        return await self._use(lease, invocation, snapshot, stream)

    async def _use(
        self, lease: Lease, invocation: Invocation, snapshot: FunctionSnapshot, stream: AnswerStream | None
    ) -> InvocationResult:
        if stream is not None:
            stream.version = snapshot.version
        start_ms = self._clock.now_ms()
        if lease.first:
            return await self._serve_first(lease, invocation, snapshot, start_ms, stream)
        with lease as environment:
            return await self._invoke(environment, Run(invocation, snapshot, lease, start_ms), stream)

    async def _invoke(
        self, environment: Environment, run: Run, stream: AnswerStream | None, timeout_s: float | None = None
    ) -> InvocationResult:
        snapshot = run.snapshot
        run.limit_bytes = 0 if stream is None else stream.limit_bytes
        run.outcome = await environment.invoke(
            run.invocation,
            snapshot.invoked_arn,
            snapshot.timeout_s if timeout_s is None else timeout_s,
            self._limits.response_bytes,
            stream,
        )
        return self._endings.finish(run)

    async def _serve_first(
        self,
        lease: Lease,
        invocation: Invocation,
        snapshot: FunctionSnapshot,
        start_ms: int,
        stream: AnswerStream | None,
    ) -> InvocationResult:
        """The first invocation of an environment: it answers for the init phase too."""
        self._cold_starts += 1
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
            return await self._invoke(environment, Run(invocation, snapshot, lease, start_ms), stream, left_s)

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
        """A new environment after an init phase that took over 10 s; this one may take the function's timeout.

        Source: Lambda Developer Guide, "Init phase": it is redone at the first invocation.
        """
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

    async def snapshot(self, key: FunctionKey, qualifier: str) -> FunctionSnapshot:
        """What an invocation of it is served by, from memory or from control. Raises as `Snapshots.get`."""
        return await reach(lambda: self._snapshots.get(key, qualifier), self._clock, lambda: True)

    async def _wait(self, pool: Pool, invocation: Invocation, snapshot: FunctionSnapshot) -> Lease:
        cached = self._snapshots.cached(invocation.function, invocation.qualifier)
        if cached is not None and snapshot in (cached, cached.other):
            pool.go_stale(False)  # it is in use again, if it ever was not
        asked_s = self._clock.monotonic_s()
        try:
            lease = await pool.take()
        except ServiceError as error:
            self._endings.note_throttle(error, invocation, snapshot)
            raise
        lease.waited(round((self._clock.monotonic_s() - asked_s) * 1e6))
        return lease

    async def _pass(self, rates: Rates[FunctionKey], invocation: Invocation, snapshot: FunctionSnapshot) -> None:
        """Wait until it may count as one more request of this second. Raises Throttled."""
        try:
            await rates.take(invocation.function)
        except ServiceError as error:
            self._endings.note_throttle(error, invocation, snapshot)
            raise

    def _refuse(self, invocation: Invocation, snapshot: FunctionSnapshot) -> NoReturn:
        if snapshot.not_ready:
            raise SnapStartNotReady
        if snapshot.refusal:
            raise ResourceConflict(snapshot.refusal)
        self._endings.throttled(invocation, snapshot)
        raise Throttled(Reason.RESERVED)


def _stopping() -> ServiceFailed:
    return ServiceFailed("The service is stopping; try again.")


def _rates(links: Links, clock: Clock) -> Rates[FunctionKey]:
    return Rates(lambda function, wanted: links.control.requests(RateQuery(function, wanted)), clock)


def _hand_over(answer: asyncio.Future[InvocationResult], result: InvocationResult | Exception) -> None:
    if answer.done():  # the caller has left
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
