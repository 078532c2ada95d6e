"""Synchronous invocations in an edge: snapshot, lease, invoke, record, answer.

The warm path is short: a snapshot from the cache, an idle environment from its pool, one wait for
the outcome, one record, the answer. All bookkeeping after the outcome is one uninterrupted step.

A warm invocation is two plain calls, `begin` and the environment's callback: no task and no future
(what they cost: docs/decisions/0011-warm-path.md); one that waits for an environment in use is `Queued` between the
two. Everything else is a task of its own. Either way a caller that hangs up ends nothing but its own waiting: the
function runs on to its end (as on AWS) and the environment is given back in order.

Where no more environments can be had and another edge has those there are, a request runs there, in one line with that
edge's own (docs/decisions/0040).

`estate.py` holds the environments: who is idle, busy, coming, and who has to go.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import NoReturn

import structlog

from lambent.clock import Clock
from lambent.environment.api import Environment, Outcome
from lambent.errors import ServiceError
from lambent.invocation.api import Limits, Links, Statistics
from lambent.invocation.calls import Call
from lambent.invocation.endings import Endings
from lambent.invocation.errors import ResourceConflict, ServiceFailed, SnapStartNotReady
from lambent.invocation.estate import Estate
from lambent.invocation.firsts import Firsts
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
from lambent.model.messages import Guest, Hosted, RateQuery
from lambent.placement.throttle import Reason, Throttled

MOST_HOSTS = 3  # to which one request is sent on before it takes what it can get here

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
        self._endings = Endings(links.journal, links.render, clock, limits.response_bytes)
        self._firsts = Firsts(estate, self._endings, self._invoke)

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """`begin` for those who can wait; a caller that is cancelled leaves the function running.

        Raises:
            ServiceError: it was not run (not found, throttled, the function's state forbids it),
                or the platform lost it (ServiceException).
        """
        return await self._outcome(Call(invocation))

    async def host(self, guest: Guest, stream: AnswerStream | None = None) -> InvocationResult | None:
        """`invoke` for another edge, which thinks that all environments are here; None when there are none any more."""
        if not self._estate.serves(guest.environment_key):
            return None
        return await self._outcome(Call(guest.invocation, stream, made_for=guest.environment_key))

    def begin(self, invocation: Invocation, done: Done, stream: AnswerStream | None = None) -> None:
        """Run `invocation`, and call `done` once with its result or with the ServiceError that `invoke` raises.

        It counts as one of the requests a second that its caller's account may make; what `invoke` runs does not.
        An answer that comes in pieces goes to `stream`, if there is one, and is not in the result.
        """
        passed = self._rates is None or self._rates.take_nowait(invocation.function)
        self._begin(Call(invocation, stream, passed), done)

    async def _outcome(self, call: Call) -> InvocationResult:
        answer: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        self._begin(call, partial(_hand_over, answer))
        return await answer

    def _begin(self, call: Call, done: Done) -> None:
        if self._quiet is not None:
            done(_stopping())
            return
        self._running += 1
        invocation, stream, passed, _ = call
        snapshot = self._snapshots.cached(invocation.function, invocation.qualifier)
        if snapshot is not None:
            snapshot = self._routed(snapshot, call)
            if snapshot.active_tracing:
                call = self._sampled(call)
                invocation = call.invocation
            plain = passed and not snapshot.refusal and snapshot.reserved_concurrency != 0
            if plain and not lineage.is_chained(invocation.trace_header):
                pool = self._estate.pool_for(snapshot, invocation.qualifier)
                lease = pool.take_warm_nowait()
                if lease is not None:
                    self._start(Run(invocation, snapshot, lease, self._clock.now_ms()), done, stream)
                    return
                if pool.crowded:
                    self._queue(Queued(call, snapshot, done, self._clock.monotonic_s()), pool)
                    return
        self._spawn(self._serve(call, snapshot), invocation, done)

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

    def _go_on(self, queued: Queued, what: Lease | Hosted | ServiceError) -> None:
        """The turn of one that waited has come."""
        self._queued.discard(queued)
        call, snapshot, done = queued.call, queued.snapshot, queued.done
        invocation = call.invocation
        if isinstance(what, ServiceError):
            self._endings.note_throttle(what, invocation, snapshot)
            self._tell(invocation, what, done)
        elif isinstance(what, Hosted):
            self._spawn(self._find_place(call, snapshot), invocation, done)
        elif what.first:
            what.waited(round((self._clock.monotonic_s() - queued.since_s) * 1e6))
            self._spawn(self._use(what, call, snapshot), invocation, done)
        else:
            self._start(Run(invocation, snapshot, what, self._clock.now_ms()), done, call.stream)

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
            self._tell(queued.call.invocation, _stopping(), queued.done)
        self._queued.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._snapshots.close()
        await self._estate.close()

    def statistics(self) -> Statistics:
        """What is here, and what was done so far."""
        counts = self._estate.counts()
        told = self._endings
        return Statistics(
            *counts, invocations=told.invocations, cold_starts=self._firsts.count, throttles=told.throttles
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

    def _routed(self, snapshot: FunctionSnapshot, call: Call) -> FunctionSnapshot:
        return snapshot if snapshot.other is None else call.version_of(snapshot, self._ids.fraction())

    def _sampled(self, call: Call) -> Call:
        return call._replace(invocation=self._sampling.decided(call.invocation))

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

    async def _serve(self, call: Call, snapshot: FunctionSnapshot | None) -> InvocationResult:
        if snapshot is None:
            snapshot = self._routed(await self.snapshot(call.invocation.function, call.invocation.qualifier), call)
            if snapshot.active_tracing:
                call = self._sampled(call)
        invocation = call.invocation
        if snapshot.refusal or snapshot.reserved_concurrency == 0:
            self._refuse(invocation, snapshot)
        if self._rates is not None and not call.passed:
            await self._pass(self._rates, invocation, snapshot)
        if not snapshot.recursion_allowed:
            lineage.check(invocation.trace_header, invocation.function)
        return await self._find_place(call, snapshot)

    async def _find_place(self, call: Call, snapshot: FunctionSnapshot) -> InvocationResult:
        """In an environment that is here, or comes here, or with another edge that has all there can be."""
        pool = self._estate.pool_for(snapshot, call.invocation.qualifier)
        guest = Guest(call.invocation, snapshot.environment_key)
        for _ in range(0 if call.stays else MOST_HOSTS):
            place = pool.take_nowait() or pool.host_nowait() or await self._wait(pool, call, snapshot, stays=False)
            if isinstance(place, Lease):
                return await self._use(place, call, snapshot)
            told = await self._links.control.host(place.edge, guest, call.stream)
            if told is not None:
                return told
            pool.lose_host()
        lease = pool.take_nowait() or await self._wait(pool, call, snapshot, stays=True)
        assert isinstance(lease, Lease), "a request that stays was sent on"
        return await self._use(lease, call, snapshot)

    async def _use(self, lease: Lease, call: Call, snapshot: FunctionSnapshot) -> InvocationResult:
        if call.stream is not None:
            call.stream.version = snapshot.version
        start_ms = self._clock.now_ms()
        if lease.first:
            return await self._firsts.serve(lease, call, snapshot, start_ms)
        with lease as environment:
            run = Run(call.invocation, snapshot, lease, start_ms)
            return await self._invoke(environment, run, call, snapshot.timeout_s)

    async def _invoke(self, environment: Environment, run: Run, call: Call, timeout_s: float) -> InvocationResult:
        stream, arn = call.stream, run.snapshot.invoked_arn
        run.limit_bytes = 0 if stream is None else stream.limit_bytes
        run.outcome = await environment.invoke(run.invocation, arn, timeout_s, self._limits.response_bytes, stream)
        return self._endings.finish(run)

    async def snapshot(self, key: FunctionKey, qualifier: str) -> FunctionSnapshot:
        """What an invocation of it is served by, from memory or from control. Raises as `Snapshots.get`."""
        return await reach(lambda: self._snapshots.get(key, qualifier), self._clock, lambda: True)

    async def _wait(self, pool: Pool, call: Call, snapshot: FunctionSnapshot, *, stays: bool) -> Lease | Hosted:
        invocation = call.invocation
        cached = self._snapshots.cached(invocation.function, invocation.qualifier)
        if cached is not None and snapshot in (cached, cached.other):
            pool.go_stale(False)  # it is in use again, if it ever was not
        asked_s = self._clock.monotonic_s()
        try:
            place = await pool.take(stays=stays)
        except ServiceError as error:
            self._endings.note_throttle(error, invocation, snapshot)
            raise
        if isinstance(place, Lease):
            place.waited(round((self._clock.monotonic_s() - asked_s) * 1e6))
        return place

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
