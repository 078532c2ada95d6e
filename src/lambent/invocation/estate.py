"""All environments that an edge holds: its pools, and the work that keeps them in order.

Does what pools ask for (start, stop), routes the agent's news to the environment they are about,
gives environments back to placement, and, once every SWEEP_S, lets old ones go and tells control
which have fallen idle: that is how placement knows what it may take back. An environment is
reported only after REPORT_AFTER_S of idleness, so a busy function costs no notices.

An environment that is idle for longer than `freeze_after_s` is frozen; its next invocation thaws it, on
its own way and without asking anybody. One that is used again sooner costs neither.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import msgspec
import structlog

from lambent.clock import Clock
from lambent.environment.api import Environment
from lambent.errors import ServiceError, Unavailable
from lambent.invocation.api import Limits, Links
from lambent.invocation.errors import ServiceFailed
from lambent.invocation.lease import Lease
from lambent.invocation.pool import Pool
from lambent.invocation.snapshots import Snapshots
from lambent.invocation.starts import Starts, tell_ready
from lambent.model.environment import EnvironmentExit, Provisioned, StartTimes
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.messages import Hosted, IdleChange, Initialised, LeaseGrant, LeaseRequest, Move, Stop

SWEEP_S = 0.1
REPORT_AFTER_S = 0.1
SHORTEST_WATCH_S = 0.01
INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"  # AWS's StatusReason, for whatever went wrong in it

log = structlog.get_logger()


class Estate:
    """Implements `pool.Keeper`. `run` is a task that its owner keeps."""

    def __init__(self, links: Links, snapshots: Snapshots, clock: Clock, limits: Limits) -> None:
        self._control, self._agent = links.control, links.agent
        self._snapshots, self._clock, self._limits = snapshots, clock, limits
        self._starts = Starts(links.control, links.agent, clock)
        self._pools: dict[str, Pool] = {}
        self._environments: dict[str, Environment] = {}
        self._leases: dict[str, Lease] = {}
        self._released: set[str] = set()
        self._refreshing: dict[FunctionKey, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # what invocations need

    def pool_for(self, snapshot: FunctionSnapshot, qualifier: str) -> Pool:
        """The pool of this very code and configuration."""
        pool = self._pools.get(snapshot.environment_key)
        if pool is None:
            pool = self._new_pool(LeaseRequest(snapshot.key, snapshot.version, qualifier, snapshot.environment_key))
        return pool

    async def start(self, pool: Pool, init_timeout_s: float) -> Lease:
        """A new environment for `pool`, after its init phase. Raises ServiceError."""
        request = msgspec.structs.replace(pool.request, here=True)
        lease = await self._starts.start(lambda: request, init_timeout_s, lambda: True)
        assert isinstance(lease, Lease)
        self._keep(lease)
        return lease

    async def stop(self, lease: Lease, reason: str) -> None:
        """Send it away, and wait until its place is free."""
        self._let_go(lease.environment)
        self._control.retiring(lease.environment.id)
        await self._stop(lease.environment.id, reason)

    # what the agent says

    def granted(self, environment: Environment, times: StartTimes = StartTimes()) -> None:  # noqa: B008  frozen
        """An environment was handed over."""
        self._environments[environment.id] = environment
        self._starts.granted(environment, times)

    def provisioned(self, environment: Environment, what: Provisioned) -> None:
        """An environment was handed over that stands ready for requests to come."""
        self._environments[environment.id] = environment
        self._spawn(self._adopt(environment, what))

    def exited(self, notice: EnvironmentExit) -> None:
        """An environment's runtime process has ended."""
        environment = self._environments.get(notice.environment_id)
        if environment is None:
            self._starts.exited(notice)
            return
        environment.exited(notice)
        lease = self._leases.get(notice.environment_id)
        if lease is not None and lease.pool is not None and lease.pool.remove_idle(lease):
            self.retire(lease, "it ended while it was idle")

    def agent_lost(self) -> None:
        """The agent is gone, and with it every environment."""
        self._starts.agent_lost()
        for environment_id in list(self._environments):
            self.exited(EnvironmentExit(environment_id, reason="the agent is gone"))

    # what control says

    def take_back(self, environment_id: str) -> bool:
        """Give it up if nobody uses it. Control has it stopped then."""
        lease = self._leases.get(environment_id)
        if lease is None or lease.pool is None or not lease.pool.remove_idle(lease):
            return False
        self._let_go(lease.environment)
        return True

    def give_up(self, environment_key: str) -> str:
        """Let go of an idle environment of this key, so that another edge can have it; its id, "" for none."""
        pool = self._pools.get(environment_key)
        lease = None if pool is None else pool.give_up()
        if lease is None:
            return ""
        self._let_go(lease.environment)
        return lease.environment.id

    def serves(self, environment_key: str) -> bool:
        """Whether an environment of this key is here or coming."""
        pool = self._pools.get(environment_key)
        return pool is not None and pool.serves

    def has(self, environment_key: str) -> bool:
        """Whether an environment of this key is here, idle or busy."""
        pool = self._pools.get(environment_key)
        return pool is not None and pool.has_some

    async def hand_on(self, environment_key: str, edge: int) -> LeaseGrant | None:
        """Give an idle environment of this key to another edge, while control is away; None when there is none.

        One that the agent does not move (control is back, or it has just ended) is lost to both, as when
        placement's own move fails.
        """
        pool = self._pools.get(environment_key)
        lease = None if pool is None else pool.give_up()
        if lease is None:
            return None
        environment = lease.environment
        self._let_go(environment)
        try:
            log_stream = await self._agent.move(Move(environment.id, edge))
        except (Unavailable, ServiceError) as error:
            log.info("not moved", action="estate.hand_on", environment=environment.id, error=str(error))
            self._send_away(environment, "it could not be moved")
            return None
        age_s = self._clock.monotonic_s() - lease.born_s
        return LeaseGrant(environment.id, log_stream, moved=True, provisioned=lease.provisioned, age_s=age_s)

    def release(self, environment_id: str) -> None:
        """It is provisioned no longer: it ends now, or when it is done."""
        lease = self._leases.get(environment_id)
        if lease is None:
            self._released.add(environment_id)  # on its way here from another edge
            return
        lease.provisioned = False
        self._end(lease, "its provisioned concurrency was taken away")

    def held(self) -> list[str]:
        """Every environment that is here."""
        return list(self._environments)

    def invalidate(self, keys: Iterable[FunctionKey]) -> None:
        """Forget these functions' snapshots. What they no longer lead to is sent away."""
        self._refresh_all(self._snapshots.invalidate(keys))

    def invalidate_all(self) -> None:
        """Control is back after it could not reach us: anything may have changed."""
        forgotten = self._snapshots.invalidate_all()
        for key in self._refreshing.keys() - forgotten.keys():
            forgotten[key] = set()  # could not be read again when it had changed
        self._refresh_all(forgotten)

    # the keeper of the pools

    def begin_start(self, pool: Pool, began_s: float) -> None:
        """See `Keeper`."""
        self._spawn(self._start_for(pool, began_s))

    def retire(self, lease: Lease, reason: str) -> None:
        """See `Keeper`."""
        self._send_away(lease.environment, reason)

    def in_use_again(self, lease: Lease) -> None:
        """See `Keeper`."""
        lease.reported = False
        self._control.idle(IdleChange(lease.environment.id, 0))

    def watch(self, pool: Pool) -> None:
        """See `Keeper`."""
        pool.watched = True  # now, not in the task: more may come to wait before that begins
        self._spawn(self._watch(pool))

    # housekeeping

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await self._clock.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """Let old environments go, freeze idle ones, and tell control which are idle."""
        now_s = self._clock.monotonic_s()
        for environment in self._starts.sweep(now_s):
            self._send_away(environment, "nobody asked for it")
        self._wear_out(now_s - self._limits.life_s)
        for key, pool in list(self._pools.items()):
            pool.expire(now_s - self._limits.keep_alive_s, "idle for too long")
            for lease in (*pool.idle, *pool.provisioned):
                if now_s - lease.idle_since_s >= self._limits.freeze_after_s:
                    lease.environment.freeze()
            for lease in pool.idle:
                if not lease.reported and now_s - lease.idle_since_s >= REPORT_AFTER_S:
                    lease.reported = True
                    since_ms = self._clock.now_ms() - round((now_s - lease.idle_since_s) * 1000)
                    self._control.idle(IdleChange(lease.environment.id, max(1, since_ms)))
            if pool.empty and (pool.stale or now_s - pool.used_s > self._limits.keep_alive_s):
                del self._pools[key]

    def counts(self) -> tuple[int, int, int, int]:
        """Environments that are coming, idle and busy, and requests that wait."""
        pools = self._pools.values()
        return (
            sum(pool.coming for pool in pools),
            sum(len(pool.idle) + len(pool.provisioned) for pool in pools),
            sum(pool.busy for pool in pools),
            sum(pool.waiting for pool in pools),
        )

    async def close(self) -> None:
        """End all work under way and let go of every environment; stopping them is the agent's."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for environment in list(self._environments.values()):
            self._let_go(environment)

    # inside

    async def _start_for(self, pool: Pool, began_s: float) -> None:
        try:
            lease = await self._starts.start(pool.wish, self._limits.init_timeout_s, lambda: pool.waiting > 0)
        except ServiceError as error:
            pool.refused(error, began_s)
        except Exception:  # a bug of ours must not leave those waiting who wait for this start
            log.exception("a start failed unexpectedly", action="estate.bug", function=pool.request.key.name)
            pool.refused(ServiceFailed("The execution environment could not be started."), began_s)
        else:
            if isinstance(lease, Hosted):
                pool.hosted(lease, began_s)
                return
            self._keep(lease)
            pool.arrived(lease, began_s)

    async def _adopt(self, environment: Environment, what: Provisioned) -> None:
        init = await environment.wait_ready(what.init_timeout_s)
        tell_ready(self._agent, environment)
        if not environment.usable:
            self._control.initialised(Initialised(environment.id, INIT_FAILURE))
            self._send_away(environment, "its init phase failed")
            return
        grant = LeaseGrant(environment.id, what.log_stream, provisioned=True)
        lease = Lease(environment, grant, init, StartTimes(), 0)
        lease.used()  # what it took to get ready belongs to no invocation
        self._keep(lease)
        pool = self._pools.get(environment.key)
        if pool is None:
            pool = self._new_pool(LeaseRequest(what.function, what.version, what.version, environment.key))
        pool.adopt(lease)
        self._control.initialised(Initialised(environment.id))

    def _new_pool(self, request: LeaseRequest) -> Pool:
        pool = self._pools[request.environment_key] = Pool(request, self._clock, self)
        return pool

    def _keep(self, lease: Lease) -> None:
        lease.born_s = self._clock.monotonic_s() - lease.age_s
        self._leases[lease.environment.id] = lease
        if lease.environment.id in self._released:
            self._released.discard(lease.environment.id)
            lease.provisioned, lease.worn_out = False, True

    def _wear_out(self, before_s: float) -> None:
        """End what was born before `before_s`: what is idle now, what is busy when it is done."""
        for lease in [lease for lease in self._leases.values() if lease.born_s < before_s]:
            self._end(lease, "it is too old")

    def _end(self, lease: Lease, reason: str) -> None:
        """End it now if it is idle, otherwise when it is done."""
        lease.worn_out = True
        if lease.pool is not None and lease.pool.remove_idle(lease):
            self.retire(lease, reason)

    async def _watch(self, pool: Pool) -> None:
        try:
            while pool.unserved:
                await self._clock.sleep(max(SHORTEST_WATCH_S, pool.start_s or 0.0))
                pool.plan()
        finally:
            pool.watched = False

    def _refresh_all(self, forgotten: dict[FunctionKey, set[str]]) -> None:
        for key, qualifiers in forgotten.items():
            self._spawn(self._refresh(key, qualifiers | self._refreshing.get(key, set())))

    async def _refresh(self, key: FunctionKey, qualifiers: set[str]) -> None:
        """Read a function's snapshots anew; pools that none of them leads to are stale."""
        self._refreshing[key] = qualifiers
        try:
            await asyncio.gather(*(self._read_again(key, qualifier) for qualifier in qualifiers))
        except Unavailable:
            return  # `invalidate_all` follows when control is back
        if self._refreshing.get(key) is not qualifiers:
            return  # a later change reads them all again
        del self._refreshing[key]
        current = self._snapshots.environment_keys(key)
        for pool in self._pools.values():
            if pool.request.key == key:
                pool.go_stale(pool.request.environment_key not in current)

    async def _read_again(self, key: FunctionKey, qualifier: str) -> None:
        try:
            await self._snapshots.get(key, qualifier)
        except ServiceError:
            log.debug("no longer there", action="snapshot.gone", function=key.name, qualifier=qualifier)

    def _send_away(self, environment: Environment, reason: str) -> None:
        self._let_go(environment)
        self._control.retiring(environment.id)  # before anyone can ask for a lease in its place
        self._spawn(self._stop(environment.id, reason))

    def _let_go(self, environment: Environment) -> None:
        self._environments.pop(environment.id, None)
        self._leases.pop(environment.id, None)
        self._starts.forget(environment.id)
        environment.close()

    async def _stop(self, environment_id: str, reason: str) -> None:
        try:
            await self._agent.stop(Stop(environment_id, reason))
        except Unavailable:
            log.info("not stopped: no agent", action="environment.stop", environment=environment_id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("upkeep failed", action="estate.work", exc_info=error)
