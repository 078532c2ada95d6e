"""Starting environments: the grant comes from control, the environment from the agent.

Either may be first, so each waits here for the other, under the environment's id. What only one
side ever told us about is given up after a while: an environment without a grant (the answer was
lost with control) is sent away, a grant without an environment (the agent died) fails.
"""

import asyncio
from collections.abc import Callable

from lambent.clock import Clock
from lambent.environment.api import Environment
from lambent.invocation.api import Agent, Control
from lambent.invocation.errors import ServiceFailed
from lambent.invocation.lease import Lease
from lambent.invocation.reach import reach
from lambent.model.environment import EnvironmentExit, StartTimes
from lambent.model.messages import Hosted, LeaseGrant, LeaseRequest

ARRIVAL_S = 10.0  # a start takes milliseconds; this only bounds what went wrong
AFTER_EXIT_S = 1.0  # an exit may overtake the environment it is about, but not by more
EXITS_KEPT = 256
RESTORE_TIMEOUT_S = 10.0  # Lambda Developer Guide, "Lambda SnapStart runtime hooks": the runtime and the hooks after it

Wish = Callable[[], LeaseRequest]


def tell_ready(agent: Agent, environment: Environment) -> None:
    """The init phase is over. Of one that failed the agent has to know only where extensions are told of the end.

    Source: Lambda Developer Guide, "Shutdown phase": every extension that is registered gets the event.
    """
    if environment.usable or environment.patience_s:
        agent.ready(environment.id, environment.patience_s, failed=not environment.usable)


class Arrival:
    """An environment, and when it came."""

    def __init__(self, environment: Environment, times: StartTimes, at_s: float) -> None:
        self.environment, self.times, self.at_s = environment, times, at_s


class Expected:
    """A grant whose environment is still to come, and until when it may."""

    def __init__(self, until_s: float) -> None:
        self.until_s = until_s
        self.arrival: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()


class Starts:
    """All starts of one edge that are under way."""

    def __init__(self, control: Control, agent: Agent, clock: Clock) -> None:
        self._control, self._agent, self._clock = control, agent, clock
        self._unclaimed: dict[str, Arrival] = {}
        self._expected: dict[str, Expected] = {}
        self._exits: dict[str, EnvironmentExit] = {}  # of environments that have not come yet

    async def start(self, wish: Wish, init_timeout_s: float, wanted: Callable[[], bool]) -> Lease | Hosted:
        """A new environment after its init phase, which may have failed: see `Lease.init`; or who has some. `wish` says
        what to ask for, each time that control is asked.

        Raises:
            ServiceError: none was granted, or it never came.
        """
        began_s = self._clock.monotonic_s()
        grant = await reach(lambda: self._control.lease(wish()), self._clock, wanted)
        if isinstance(grant, Hosted):
            return grant
        arrival = await self._arrival(grant)
        restored = arrival.times.restored
        init = await arrival.environment.wait_ready(RESTORE_TIMEOUT_S if restored else init_timeout_s)
        if not grant.moved:
            tell_ready(self._agent, arrival.environment)
        took_us = round((self._clock.monotonic_s() - began_s) * 1e6)
        lease = Lease(arrival.environment, grant, init, arrival.times, took_us)
        if restored:
            before_us = arrival.times.sandbox_us + arrival.times.fork_us + arrival.times.mount_us
            lease.restore_us = before_us + round((self._clock.monotonic_s() - arrival.at_s) * 1e6)
        return lease

    def granted(self, environment: Environment, times: StartTimes) -> None:
        """An environment has come from the agent."""
        arrival = Arrival(environment, times, self._clock.monotonic_s())
        expected = self._expected.get(environment.id)
        if expected is None or expected.arrival.done():
            self._unclaimed[environment.id] = arrival
        else:
            expected.arrival.set_result(arrival)
        notice = self._exits.pop(environment.id, None)
        if notice is not None:
            environment.exited(notice)

    def exited(self, notice: EnvironmentExit) -> None:
        """The agent tells of the end of an environment that has not come yet."""
        self._exits[notice.environment_id] = notice
        while len(self._exits) > EXITS_KEPT:
            del self._exits[next(iter(self._exits))]
        expected = self._expected.get(notice.environment_id)
        if expected is not None:
            expected.until_s = min(expected.until_s, self._clock.monotonic_s() + AFTER_EXIT_S)

    def agent_lost(self) -> None:
        """What has not come will not come."""
        for expected in self._expected.values():
            self._fail(expected)

    def sweep(self, now_s: float) -> list[Environment]:
        """Give up what waited too long; the environments to be sent away."""
        for expected in self._expected.values():
            if expected.until_s < now_s:
                self._fail(expected)
        late = [name for name, arrival in self._unclaimed.items() if arrival.at_s + ARRIVAL_S < now_s]
        return [self._unclaimed.pop(name).environment for name in late]

    def forget(self, environment_id: str) -> None:
        """It is gone; nobody needs to wait for its grant."""
        self._unclaimed.pop(environment_id, None)

    async def _arrival(self, grant: LeaseGrant) -> Arrival:
        here = self._unclaimed.pop(grant.environment_id, None)
        if here is not None:
            return here
        wait_s = AFTER_EXIT_S if grant.environment_id in self._exits else ARRIVAL_S
        expected = self._expected[grant.environment_id] = Expected(self._clock.monotonic_s() + wait_s)
        try:
            return await expected.arrival
        finally:
            del self._expected[grant.environment_id]

    @staticmethod
    def _fail(expected: Expected) -> None:
        if not expected.arrival.done():
            expected.arrival.set_exception(ServiceFailed("The execution environment was lost while it started."))
