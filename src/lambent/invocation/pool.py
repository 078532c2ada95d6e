"""The environments of one key in one edge, and the requests that wait for one.

Knows: which environments are idle (the most recently used is taken first, so that the others grow
old and go), who waits (served in the order of arrival), how many are coming. Does not know how an
environment is started or stopped: its keeper does that, and hears when to.

A throttle fails, as on AWS, every request that has no environment of its own on the way, the
newest first; environments that are busy do not count as one. A refusal speaks for those only who had come when it
was asked for: where a start waits long for memory and is refused in the end, whoever came meanwhile asks anew.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import NamedTuple, Protocol

import msgspec

from lambent.clock import Clock
from lambent.errors import ServiceError
from lambent.invocation.errors import same_as
from lambent.invocation.lease import Lease
from lambent.invocation.scaling import Demand, more_environments
from lambent.model.messages import Hosted, LeaseRequest

UNSEEN_START_S = 0.02  # of a function whose environment came from another edge: a guess, until one starts here
FORGETTING = 0.1  # how fast a long duration fades from the estimate
HOSTED_S = 0.2  # how long another edge is believed to have all environments; our own choice


class Keeper(Protocol):
    """Who does the work that a pool asks for. None of these waits."""

    def begin_start(self, pool: "Pool", began_s: float) -> None:
        """Start one more; `arrived` or `refused` follows."""

    def retire(self, lease: Lease, reason: str) -> None:
        """Have this environment stopped."""

    def in_use_again(self, lease: Lease) -> None:
        """Control thinks that this one is idle; it is not any more."""

    def watch(self, pool: "Pool") -> None:
        """Call `plan` from time to time until `unserved` is false."""


Place = Lease | Hosted
"""Where a request can run: in an environment, or at another edge."""

Given = Callable[[Place | ServiceError], bool]
"""Hears which place a request gets, or why none. False: nobody waits there any more. Must not raise."""


class Waiter(NamedTuple):
    """A request that waits, and since when; one that `stays` cannot go to another edge."""

    given: Given
    since_s: float
    stays: bool


class Pool:
    """All environments of one key."""

    def __init__(self, request: LeaseRequest, clock: Clock, keeper: Keeper) -> None:
        self.request = request
        self._clock, self._keeper = clock, keeper
        self.idle: list[Lease] = []  # the most recently used last
        self.provisioned: list[Lease] = []  # the same, of provisioned concurrency: served first, and never too old
        self._waiters: deque[Waiter] = deque()
        self.busy = 0
        self.coming = 0
        self._coming_since_s = 0.0  # the sum over all that are coming
        self.stale = False  # no snapshot leads here any more
        self.watched = False
        self.used_s = clock.monotonic_s()
        self._host: Hosted | None = None
        self._hosted_until_s = 0.0
        self.start_s: float | None = None
        self.duration_us = -1.0  # recent, rather too long than too short; negative until known

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiters)

    @property
    def crowded(self) -> bool:
        """Whether all that is here is in use: one of them may be free before anything else could be had."""
        return self.busy > 0 and not (self.idle or self.provisioned)

    @property
    def unserved(self) -> bool:
        """Whether some request has no environment of its own on the way."""
        return len(self._waiters) > self.coming

    @property
    def serves(self) -> bool:
        """Whether requests could wait for what is here or, as far as we know, coming."""
        return self.has_some or bool(self.coming and self._host is None)

    @property
    def has_some(self) -> bool:
        """Whether an environment is here, idle or busy."""
        return bool(self.idle or self.provisioned or self.busy)

    @property
    def empty(self) -> bool:
        """Whether nothing is here and nothing is coming."""
        return not (self.has_some or self.coming or self._waiters)

    # what invocations do

    def take_nowait(self) -> Lease | None:
        """An idle environment, the most recently used: the warm path."""
        while idle := self.provisioned or self.idle:
            lease = idle.pop()
            if lease.environment.usable:
                self.busy += 1
                if lease.reported:
                    self._keeper.in_use_again(lease)
                return lease
            self._keeper.retire(lease, "it ended while it was idle")
        return None

    def take_warm_nowait(self) -> Lease | None:
        """`take_nowait`, but none that has ended, or whose first invocation has its init phase to answer for."""
        idle = self.provisioned or self.idle
        if not idle or idle[-1].first or not idle[-1].environment.usable:
            return None
        return self.take_nowait()

    def host_nowait(self) -> Hosted | None:
        """The edge that has all environments, as last heard. Now and then one request asks anew; the others go on."""
        now_s = self._clock.monotonic_s()
        if self._host is None or self.busy:
            return None
        if now_s < self._hosted_until_s:
            return self._host
        self._hosted_until_s = now_s + HOSTED_S
        return None

    def lose_host(self) -> None:
        """There are none any more."""
        self._host = None

    async def take(self, *, stays: bool = False) -> Place:
        """The next environment to become free, or a new one; or an edge that has some, if the request may go there.

        Raises:
            ServiceError: there is none to be had.
        """
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self.wait(partial(_hand_over, future), stays=stays)
        while True:
            try:
                place = await future
            except asyncio.CancelledError:
                given = None if not future.done() or future.cancelled() or future.exception() else future.result()
                if isinstance(given, Lease):
                    self.give_back(given)
                raise
            if not isinstance(place, Lease) or place.first or place.environment.usable:
                return place
            future = asyncio.get_running_loop().create_future()  # it ended between the gift and our turn
            self.wait_again(partial(_hand_over, future), place, stays=stays)

    def wait(self, given: Given, *, stays: bool = False) -> None:
        """`take` for those who can be called, once, now or later."""
        self._waiters.append(Waiter(given, self._clock.monotonic_s(), stays))
        self.plan()

    def wait_again(self, given: Given, lease: Lease, *, stays: bool = False) -> None:
        """`lease` was given, but had ended by then: be the first in the line."""
        self._waiters.appendleft(Waiter(given, self._clock.monotonic_s(), stays))
        self.give_back(lease)
        self.plan()

    def give_back(self, lease: Lease) -> None:
        """An invocation is over."""
        self.busy -= 1
        if lease.environment.usable and not lease.worn_out:
            self._offer(lease)
        else:
            self._keeper.retire(lease, "it is too old" if lease.worn_out else "it cannot be used again")
            self.plan()

    def took(self, duration_us: int) -> None:
        """Remember how long an invocation took."""
        if duration_us > self.duration_us:
            self.duration_us = float(duration_us)
        else:
            self.duration_us += (duration_us - self.duration_us) * FORGETTING

    def dropped(self) -> None:
        """A lease is over without its environment, which was stopped already."""
        self.busy -= 1
        self.plan()

    # what becomes of starts

    def arrived(self, lease: Lease, began_s: float) -> None:
        """A start is over, well or badly: whoever waits longest gets what came of it."""
        self._not_coming(began_s)
        lease.pool, self._host = self, None
        if lease.environment.usable and lease.first:
            took_s = self._clock.monotonic_s() - began_s
            self.start_s = took_s if self.start_s is None else (self.start_s + took_s) / 2
        elif self.start_s is None and not lease.provisioned:  # it moved here
            self.start_s = UNSEEN_START_S
        self._offer(lease)
        self.plan()

    def adopt(self, lease: Lease) -> None:
        """An environment that nobody here has asked for."""
        lease.pool = self
        self._offer(lease)

    def hosted(self, host: Hosted, began_s: float) -> None:
        """A start was not to be had, and another edge has environments: who can go there goes."""
        self._not_coming(began_s)
        self._host, self._hosted_until_s = host, self._clock.monotonic_s() + HOSTED_S
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if waiter.stays:
                self._waiters.append(waiter)
            else:
                waiter.given(host)
        self.plan()

    def wish(self) -> LeaseRequest:
        """What to ask for now."""
        here = bool(self._waiters) and all(waiter.stays for waiter in self._waiters)
        if not (here or self.has_some):
            return self.request
        return msgspec.structs.replace(self.request, here=here, served=self.has_some)

    def refused(self, error: ServiceError, began_s: float) -> None:
        """A start was refused: fail the requests that have nothing of their own to wait for."""
        self._not_coming(began_s)
        self._host = None
        came_later: list[Waiter] = []
        surplus = len(self._waiters) - self.coming
        while surplus > 0 and self._waiters:
            waiter = self._waiters.pop()
            if waiter.since_s > began_s:
                came_later.append(waiter)
            else:
                waiter.given(same_as(error))
                surplus -= 1
        self._waiters.extend(reversed(came_later))
        self.plan()

    def plan(self) -> None:
        """Ask for as many more environments as those who wait need."""
        if not self.unserved:
            return
        now_s = self._clock.monotonic_s()
        for _ in range(more_environments(self._demand(now_s))):
            self.coming += 1
            self._coming_since_s += now_s
            self._keeper.begin_start(self, now_s)
        if self.unserved and not self.watched:
            self._keeper.watch(self)

    # what ends an idle life

    def go_stale(self, stale: bool) -> None:
        """Whether snapshots still lead here; if not, what is idle goes now and the rest when it is done."""
        self.stale = stale
        if stale:
            self.expire(float("inf"), "its code or configuration was replaced")

    def expire(self, before_s: float, reason: str) -> None:
        """Have those stopped that are idle since before `before_s`."""
        idle = self.idle
        while idle and idle[0].idle_since_s < before_s:
            self._keeper.retire(idle.pop(0), reason)

    def remove_idle(self, lease: Lease) -> bool:
        """Take this very environment out, if it is idle."""
        for idle in (self.idle, self.provisioned):
            if lease in idle:
                idle.remove(lease)
                return True
        return False

    def give_up(self) -> Lease | None:
        """An idle environment to be moved to another edge; the least recently used, provisioned ones first."""
        for idle in (self.provisioned, self.idle):
            for lease in idle:
                if lease.environment.usable and lease.environment.movable:
                    idle.remove(lease)
                    return lease
        return None

    def _offer(self, lease: Lease) -> None:
        while self._waiters:
            if self._waiters.popleft().given(lease):
                self.busy += 1
                return
        if (self.stale and not lease.provisioned) or not lease.environment.usable:
            self._keeper.retire(lease, "nobody needs it")
            return
        self.used_s = lease.idle_since_s = self._clock.monotonic_s()
        (self.provisioned if lease.provisioned else self.idle).append(lease)

    def _not_coming(self, began_s: float) -> None:
        self.coming -= 1
        self._coming_since_s -= began_s

    def _demand(self, now_s: float) -> Demand:
        coming = self.coming
        start_s = self.start_s
        patience_s = float("-inf") if start_s is None else now_s - start_s  # without figures all get their own
        return Demand(
            waiting=len(self._waiters),
            impatient=sum(1 for _ in takewhile(lambda waiter: waiter.since_s <= patience_s, self._waiters)),
            coming=coming,
            busy=self.busy,
            coming_age_s=now_s - self._coming_since_s / coming if coming else 0.0,
            start_s=start_s,
            duration_s=self.duration_us / 1e6 if self.duration_us >= 0 else None,
        )


def _hand_over(future: asyncio.Future[Place], what: Place | ServiceError) -> bool:
    if future.done():
        return False
    if isinstance(what, ServiceError):
        future.set_exception(what)
    else:
        future.set_result(what)
    return True
