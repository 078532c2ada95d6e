"""Provisioned concurrency: sees to it that as many environments are ready as callers have configured.

The truth is what is configured (the Lambda service's) and what is there (the ledger's). This room
compares the two whenever something happens, and once in TICK_S, and mends the difference; it keeps no
state that a restart would miss. `plan` decides, `Provisioner` acts.

The rules
- A replacement is ready before what it replaces goes: when an alias moves, and when an environment
  grows old (at RENEWED of its life, so that the new one has the rest to get ready in).
- Where a limit, or the node's memory, leaves no room for both, the old ones make room one by one: the next when what
  came in the place of the last is ready, or after TICK_S if that one still runs.
- Environments are spread over the edges. From there they move to where requests are (placement.py).
- What fails is tried again, after pauses that double.

Source: Lambda Developer Guide, "Configuring provisioned concurrency for a function"; behaviours section
10. How fast AWS allocates is not promised; AT_ONCE bounds what one function takes of the node.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import structlog
from msgspec import Struct

from lambent.clock import Clock
from lambent.errors import ServiceError
from lambent.model.function import FunctionKey
from lambent.model.messages import Initialised, LeaseRequest
from lambent.placement.api import Configurations, Edges, Standing, Target, Wanted
from lambent.placement.holdings import Holding
from lambent.placement.placement import Placement
from lambent.placement.throttle import NoMemory, Throttled

TICK_S = 1.0
BUSY_TICK_S = 0.1  # while something is asked for: a claim may find no room at any time
AT_ONCE = 16
RENEWED = 0.9
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0

log = structlog.get_logger()


class Plan(Struct):
    """What to do: environments to start, each for a qualifier, and those to release."""

    starts: list[tuple[str, Target]]
    releases: list[Holding]


class Setback(Struct):
    """A start went wrong: nothing new until `until_s`. `failure`: AWS's reason, if the function is at fault."""

    failure: str
    until_s: float
    pause_s: float


def plan(
    wanted: Iterable[Wanted],
    pinned: Sequence[Holding],
    starting: Counter[tuple[str, str]],
    old_before_s: float,
    cramped: frozenset[str] = frozenset(),
) -> Plan:
    """The difference between what is wanted and what is there.

    Args:
        pinned: the function's provisioned environments, the oldest first.
        starting: how many are asked for and not there yet, by qualifier and environment key.
        old_before_s: what was born before this is to be replaced.
        cramped: the qualifiers whose replacements find no room.
    """
    made = Plan([], [])
    known = set()
    for want in wanted:
        known.add(want.qualifier)
        mine = [holding for holding in pinned if holding.claim.provisioned_for == want.qualifier]
        _plan_one(made, want, mine, starting, old_before_s, cramped=want.qualifier in cramped)
    made.releases += [holding for holding in pinned if holding.claim.provisioned_for not in known]
    return made


def _plan_one(
    made: Plan,
    want: Wanted,
    mine: list[Holding],
    starting: Counter[tuple[str, str]],
    old_before_s: float,
    *,
    cramped: bool,
) -> None:
    outgoing, complete = {holding.environment_id: holding for holding in mine}, True
    for target in want.targets:
        ours = [each for each in mine if each.claim.environment_key == target.environment_key]
        fresh = sorted((each for each in ours if each.born_s >= old_before_s), key=lambda each: not each.ready)
        kept, surplus = fresh[: target.count], fresh[target.count :]
        made.releases += surplus
        for holding in (*kept, *surplus):
            del outgoing[holding.environment_id]
        missing = target.count - len(kept) - starting[want.qualifier, target.environment_key]
        made.starts += [(want.qualifier, target)] * missing
        complete = complete and len(kept) == target.count and all(each.ready for each in kept)
    if complete:
        made.releases += outgoing.values()
    elif cramped:
        made.releases += list(outgoing.values())[:1]


class Provisioner:
    """Keeps the provisioned concurrency of every function. `run` is a task that its owner keeps."""

    def __init__(
        self, placement: Placement, edges: Edges, configurations: Configurations, clock: Clock, life_s: float
    ) -> None:
        self._placement, self._edges, self._configurations = placement, edges, configurations
        self._clock, self._renew_after_s = clock, life_s * RENEWED
        self._wanted: dict[FunctionKey, list[Wanted]] = {}
        self._unread: set[FunctionKey] = set()
        self._starting: dict[FunctionKey, Counter[tuple[str, str]]] = {}
        self._bound_for: Counter[tuple[FunctionKey, int]] = Counter()
        self._setbacks: dict[tuple[FunctionKey, str], Setback] = {}
        self._cramped: set[tuple[FunctionKey, str]] = set()
        self._made_room: dict[tuple[FunctionKey, str], tuple[str, float]] = {}  # which went last for another, and when
        self._tasks: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()

    # what others tell and ask

    def changed(self, function: FunctionKey) -> None:
        """Something about the function was changed; what failed is worth another try."""
        self._unread.add(function)
        for key in [key for key in self._setbacks if key[0] == function]:
            del self._setbacks[key]
        self.wake()

    def wake(self) -> None:
        """Environments, edges or the agent came or went."""
        self._awake.set()

    def initialised(self, what: Initialised) -> None:
        """The init phase of a provisioned environment is over."""
        holding = self._placement.initialised(what)
        if holding is None:
            return
        place = holding.claim.function, holding.claim.provisioned_for
        if what.failure:
            self._set_back(*place, what.failure)
        else:
            self._setbacks.pop(place, None)
            self._cramped.discard(place)
        self.wake()

    def standing(self, function: FunctionKey, qualifier: str, environment_keys: Iterable[str]) -> Standing:
        """How many environments of these keys are ready for the configuration on `qualifier`."""
        keys = set(environment_keys)
        ready = sum(
            holding.ready and holding.claim.provisioned_for == qualifier and holding.claim.environment_key in keys
            for holding in self._placement.pinned(function)
        )
        setback = self._setbacks.get((function, qualifier))
        return Standing(ready, "" if setback is None else setback.failure)

    # at work

    async def run(self) -> None:
        """Compare and mend, for ever."""
        self._unread.update(await self._configurations.provisioned_functions())
        try:
            while True:
                await self.reconcile()
                await self._rest()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reconcile(self) -> None:
        """Compare and mend, once."""
        self._awake.clear()
        while self._unread:
            function = self._unread.pop()
            wanted = await self._configurations.provisioned(function)
            if wanted or self._placement.pinned(function):
                self._wanted[function] = wanted
            else:
                self._wanted.pop(function, None)
        if not self._placement.is_open:
            return
        for function, wanted in list(self._wanted.items()):
            self._mend(function, wanted)

    async def _rest(self) -> None:
        alarm = asyncio.ensure_future(self._clock.sleep(BUSY_TICK_S if self._busy() else TICK_S))
        awake = asyncio.ensure_future(self._awake.wait())
        try:
            await asyncio.wait((alarm, awake), return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            awake.cancel()

    def _mend(self, function: FunctionKey, wanted: list[Wanted]) -> None:
        now_s = self._clock.monotonic_s()
        pinned = self._placement.pinned(function)
        starting = self._starting.get(function, Counter())
        cramped = self._to_make_room(function, pinned, now_s)
        made = plan(wanted, pinned, starting, now_s - self._renew_after_s, cramped)
        for holding in made.releases:
            if holding.claim.provisioned_for in cramped:
                self._made_room[function, holding.claim.provisioned_for] = holding.environment_id, now_s
            self._placement.release(holding)
        under_way = starting.total() + sum(not holding.ready for holding in pinned)
        for qualifier, target in made.starts:
            setback = self._setbacks.get((function, qualifier))
            if under_way >= AT_ONCE or not self._edges.numbers():
                break
            if setback is None or setback.until_s <= now_s:
                under_way += 1
                self._begin(function, qualifier, target)

    def _to_make_room(self, function: FunctionKey, pinned: Sequence[Holding], now_s: float) -> frozenset[str]:
        """The qualifiers of which one environment is to go, because what replaces it finds no room."""
        refused = {qualifier for key, qualifier in self._cramped if key == function}
        coming = {holding.claim.provisioned_for for holding in pinned if not holding.ready}
        may = {
            qualifier
            for qualifier in (refused | self._placement.cramped(function)) - coming
            if not self._makes_room((function, qualifier), now_s)
        }
        self._cramped.difference_update([(function, qualifier) for qualifier in may])
        return frozenset(may)

    def _makes_room(self, place: tuple[FunctionKey, str], now_s: float) -> bool:
        """Whether the one that was to go last may still be on its way."""
        name, at_s = self._made_room.get(place, ("", 0.0))
        return self._placement.holds(name) and now_s - at_s < TICK_S

    def _begin(self, function: FunctionKey, qualifier: str, target: Target) -> None:
        edge = self._emptiest_edge(function)
        self._bound_for[function, edge] += 1
        self._starting.setdefault(function, Counter())[qualifier, target.environment_key] += 1
        task = asyncio.ensure_future(self._start(function, qualifier, target, edge))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _emptiest_edge(self, function: FunctionKey) -> int:
        there = Counter(holding.claim.edge for holding in self._placement.pinned(function))
        return min(self._edges.numbers(), key=lambda edge: there[edge] + self._bound_for[function, edge])

    async def _start(self, function: FunctionKey, qualifier: str, target: Target, edge: int) -> None:
        request = LeaseRequest(function, target.version, qualifier, target.environment_key, provisioned=True)
        try:
            await self._placement.lease(edge, request)
        except NoMemory as full:
            self._no_room(function, qualifier, full.why)
        except Throttled:
            self._no_room(function, qualifier)
        except ServiceError as error:
            log.warning("not provisioned", action="provision.start", function=function.name, error=error.message)
            self._set_back(function, qualifier)
        finally:
            self._bound_for[function, edge] -= 1
            self._bound_for += Counter()  # drops what has come down to zero
            starting = self._starting[function]
            starting[qualifier, target.environment_key] -= 1
            if not +starting:
                del self._starting[function]
            self.wake()

    def _no_room(self, function: FunctionKey, qualifier: str, why: str = "") -> None:
        """Whoever makes room by what is replaced has not failed, and tries again soon. Otherwise room may come at any
        time: pauses grow no longer."""
        self._cramped.add((function, qualifier))
        place, replaces = (function, qualifier), self._replaces(function, qualifier)
        before = self._setbacks.get(place)
        if replaces and (before is None or not before.failure):
            self._setbacks[place] = Setback("", self._clock.monotonic_s() + BUSY_TICK_S, FIRST_PAUSE_S)
            return
        self._set_back(function, qualifier)
        if why and not replaces:
            self._setbacks[place] = msgspec.structs.replace(self._setbacks[place], failure=why)

    def _replaces(self, function: FunctionKey, qualifier: str) -> bool:
        wanted = (each for each in self._wanted.get(function, ()) if each.qualifier == qualifier)
        keys = {target.environment_key for want in wanted for target in want.targets}
        mine = (each.claim for each in self._placement.pinned(function) if each.claim.provisioned_for == qualifier)
        return any(claim.environment_key not in keys for claim in mine)

    def _set_back(self, function: FunctionKey, qualifier: str, failure: str = "") -> None:
        now_s, before = self._clock.monotonic_s(), self._setbacks.get((function, qualifier))
        if before is not None and before.until_s > now_s:
            return  # others of the same try
        pause_s = FIRST_PAUSE_S if before is None or not failure else min(2 * before.pause_s, LONGEST_PAUSE_S)
        reason = failure or ("" if before is None else before.failure)
        self._setbacks[function, qualifier] = Setback(reason, now_s + pause_s, pause_s)

    def _busy(self) -> bool:
        """Whether something is asked for, or makes room for what will be."""
        since_s = self._clock.monotonic_s() - TICK_S
        self._made_room = {place: last for place, last in self._made_room.items() if last[1] > since_s}
        return bool(self._starting or self._cramped or self._made_room)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("provisioning failed", action="provision.work", exc_info=error)
