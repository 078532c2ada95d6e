"""Who holds what, and who may have one more: a state machine without a clock, tasks or sockets.

Values go in (`request`, `exited`, ...), effects come out; `placement.py` carries them out and feeds
back what came of it. All decisions are made here, synchronously, so that two requests can never
both take the last slot.

The rules
- An environment counts, for concurrency and memory, from its grant to its end (`exited`).
- Concurrency: a function with a reservation has exactly that; all others share what the account
  has left. At the limit, an idle environment of the same pool is taken back, least recently used
  first; one that is already on its way out is waited for; else the refusal comes at once.
- Where no more can be had, and another edge has environments of the same key, a claim is shown the way there
  (`Guided`): requests of all edges wait in one line then, and what one edge keeps busy is no loss to the others. Most
  requests can go; a claim for one that cannot (`here`), or for another key, has the rules that follow.
- An edge tells us late that an environment fell idle. So, before refusing, a few environments
  that another edge may not need any more are asked for: at most PROBES_AT_ONCE at any time
  (`probing.py`).
- Memory of the node: the same, but over all functions; with nothing idle a claim waits until its
  owner lets it `expire`. Whose function has the least memory is next, and of one function whoever
  came first. So that a storm on one function, whose environments are never idle, cannot keep the
  others out, environments of the function with the most memory end when they are done, as long as
  it keeps no less than the claim's function then has. Of one function, whose environments are all with
  one edge, the other edges' requests that cannot go there would wait in vain: one changes over, now and then (`hurry`).
- A claim that waits for memory holds nothing; it is judged anew when its turn comes.

Rejected: a counter of running invocations shared by the edges (one round trip on each warm
invocation), and shares of the limit per edge (not exact: one edge throttles while another idles).

- Pinned environments (provisioned concurrency) are never taken back for somebody else's sake. But
  every idle environment may be moved, with its descriptors, to the edge that has a request for it:
  `elsewhere` says which edges to ask. Pinned ones are asked for whether or not they are known to be
  idle, so that a request goes without only when all of them are busy.

Door: several nodes are several capacities, chosen in `_wait_for_memory`'s place.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator

import msgspec

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.books import Books
from lambent.placement.going import enough_busy, enough_idle, excess_of
from lambent.placement.holdings import (
    Claim,
    Effect,
    EndWhenDone,
    Granted,
    Guided,
    Holding,
    Refused,
    State,
    StopEnvironment,
    TakeBack,
    Usage,
    Waiter,
)
from lambent.placement.probing import host_of, may_be_asked, to_probe
from lambent.placement.throttle import Reason
from lambent.placement.waiting import Waiting

PROBES_PER_CLAIM = 4
PROBES_AT_ONCE = 16


class Ledger(Books):
    """All environments of one node and all claims that wait for one."""

    def __init__(self, capacity_mb: int) -> None:
        super().__init__()
        self.capacity_mb = capacity_mb
        self._waiting = Waiting(self._memory_of)

    # what edges and their requests do

    def request(self, environment_id: str, claim: Claim, allowance: Allowance, now_s: float) -> list[Effect]:
        """A new claim; its answer is among the effects, now or later."""
        self._learn(claim.function, allowance)
        return list(self._judge(Waiter(environment_id, claim, allowance, now_s)))

    def expire(self, environment_id: str) -> list[Effect]:
        """The claim has waited long enough."""
        full = environment_id in self._waiting.at_memory
        waiter = self._waiting.drop(environment_id)
        if waiter is None:
            return []
        reserved = not full and waiter.allowance.reserved is not None
        reason = Reason.RESERVED if reserved else Reason.ACCOUNT
        return [Refused(environment_id, reason, full), *self._advance()]

    def hurry(self, environment_id: str, now_s: float) -> list[Effect]:
        """The claim waits for long. Where the function's environments are all with other edges, whose own requests keep
        them busy, its requests go there by now; if they cannot, one of the environments ends when it is done."""
        waiter = self._waiting.at_memory.get(environment_id)
        if waiter is None or waiter.claim.place in self._served(waiter.claim.function):
            return []
        guided = self._guided(waiter, now_s)
        if guided is not None:
            self._waiting.drop(environment_id)
            return [guided, *self._advance()]
        held = list(self._functions.get(waiter.claim.function, {}).values())
        if any(each.ending for each in held):
            return []  # for another claim in the same need; if it does not come to us, we ask again
        memory_mb = waiter.claim.memory_mb
        return [self._end(each) for each in enough_busy(held, memory_mb, memory_mb)]

    def idle(self, environment_id: str) -> list[Effect]:
        """Its edge says that it is idle."""
        holding = self._holdings.get(environment_id)
        if holding is None or holding.state not in (State.HELD, State.IDLE):
            return []
        self._move(holding, State.IDLE)
        return [*self._shrink(holding.claim.function), *self._advance()]

    def leased(self, environment_id: str) -> list[Effect]:
        """Its edge says that it is in use again."""
        holding = self._holdings.get(environment_id)
        if holding is not None and holding.state is State.IDLE:
            self._move(holding, State.HELD)
        return []

    def retiring(self, environment_id: str) -> list[Effect]:
        """Its edge has sent it away and is having it stopped."""
        holding = self._holdings.get(environment_id)
        if holding is not None:
            self._move(holding, State.LEAVING)
        return []

    def moved(self, environment_id: str, edge: int) -> Holding | None:
        """Its edge has given it up to be moved to `edge`; None when it is not to be used any more."""
        holding = self._holdings.get(environment_id)
        if holding is None or holding.doomed or holding.state is State.LEAVING:
            return None
        holding.claim = msgspec.structs.replace(holding.claim, edge=edge)
        holding.ending = False  # whom we told has it no longer
        self._ending.pop(environment_id, None)
        self._move(holding, State.HELD)
        return holding

    def took_back(self, environment_id: str, given: bool) -> list[Effect]:
        """The answer to TakeBack."""
        holding = self._holdings.get(environment_id)
        if holding is None or holding.state is not State.ASKED:
            return []
        if not given:
            self._move(holding, State.HELD)
            return list(self._advance())
        self._move(holding, State.LEAVING)
        return [StopEnvironment(environment_id, "taken back")]

    def edge_lost(self, edge: int) -> list[Effect]:
        """Nobody can use what this edge held, and nobody waits for its claims."""
        effects: list[Effect] = []
        for waiter in [waiter for waiter in self._waiting if waiter.claim.edge == edge]:
            self._waiting.drop(waiter.environment_id)
            effects.append(Refused(waiter.environment_id, None))
        for holding in [holding for holding in self._holdings.values() if holding.claim.edge == edge]:
            effects += self._send_away(holding, "its edge is gone")
        return [*effects, *self._advance()]

    # what the agent does

    def started(self, environment_id: str) -> list[Effect]:
        """The agent has made it."""
        holding = self._holdings.get(environment_id)
        if holding is None or holding.state is not State.STARTING:
            return []
        self._move(holding, State.HELD)
        if holding.doomed:
            return self._send_away(holding, "nobody waits for it")
        return list(self._shrink(holding.claim.function))  # a limit may have been lowered meanwhile

    def exited(self, environment_id: str) -> list[Effect]:
        """It is gone, or was never made. Only the first word about an environment counts."""
        holding = self._holdings.pop(environment_id, None)
        if holding is None:
            return []
        self._forget(holding)
        return list(self._advance())

    def agent_lost(self) -> list[Effect]:
        """The agent, and with it every environment, is gone."""
        effects: list[Effect] = [Refused(waiter.environment_id, None) for waiter in self._waiting]
        self._waiting = Waiting(self._memory_of)
        for holding in list(self._holdings.values()):
            del self._holdings[holding.environment_id]
            self._forget(holding)
        return effects

    def recover(self, holding: Holding, allowance: Allowance) -> list[Effect]:
        """Control has restarted, and the agent says that this environment lives.

        A pinned one whose init phase was not over goes: nobody can say any more how that ends.
        """
        self._learn(holding.claim.function, allowance)
        if holding.environment_id in self._holdings:
            return []
        self._hold(holding)
        unknown = holding.claim.pinned and not holding.ready
        return self._send_away(holding, "control has lost sight of it") if unknown else []

    # provisioned concurrency

    def initialised(self, environment_id: str, *, ready: bool) -> Holding | None:
        """The init phase of a pinned environment is over; None for one that is not wanted any more."""
        holding = self._holdings.get(environment_id)
        if holding is None or not holding.claim.pinned:
            return None
        holding.ready = ready
        return holding

    def cramped(self, function: FunctionKey) -> set[str]:
        """The versions and aliases whose provisioned concurrency waits for memory."""
        return self._waiting.cramped(function)

    def unpin(self, environment_id: str) -> list[Effect]:
        """It is provisioned no longer. What is ready is its edge's to end; the rest is stopped."""
        holding = self._holdings.get(environment_id)
        if holding is None:
            return []
        self._unpin(holding)
        return [] if holding.ready else self._send_away(holding, "its provisioned concurrency was taken away")

    def confirm(self, edge: int, held: Collection[str]) -> list[Effect]:
        """What a restarted control believes of `edge`, against what the edge says: the rest was on its
        way from one edge to another, or to its end, when control died."""
        effects: list[Effect] = []
        recovered = [each for each in self._holdings.values() if each.recovered and each.claim.edge == edge]
        for holding in recovered:
            holding.recovered = False
            if holding.environment_id not in held:
                effects += self._send_away(holding, "its edge has given it up")
        for function in dict.fromkeys(each.claim.function for each in recovered):
            effects += self._shrink(function)  # a limit may have been lowered just before control died
        return effects

    # limits and questions

    def limits_changed(self, function: FunctionKey, allowance: Allowance) -> list[Effect]:
        """Send idle environments away until the new limits hold; where these are too few, busy ones end when done."""
        self._learn(function, allowance)
        self._waiting.learn(function, allowance)
        return [*self._shrink(function), *self._shrink_shared(function.place), *self._advance()]

    def forgotten(self, function: FunctionKey) -> None:
        """It is no function any more, and nothing of it waits or lives."""
        self._reserved.pop(function, None)

    def usage(self) -> Usage:
        """All of it in numbers."""
        return Usage(
            environments=len(self._holdings),
            provisioned=sum(len(pinned) for pinned in self._pinned.values()),
            idle=len(self._idle),
            leaving=len(self._leaving),
            waiting=len(self._waiting),
            memory_mb=self._memory_mb,
            capacity_mb=self.capacity_mb,
        )

    # deciding

    def _advance(self) -> Iterator[Effect]:
        """Judge again whoever waits, in the order of arrival."""
        waiting = self._waiting
        for waiter in list(waiting.at_limit.values()):
            if waiting.at_limit.pop(waiter.environment_id, None) is not None:
                yield from self._judge(waiter)
        while waiting.at_memory:
            waiter = waiting.next_for_memory(self._served)
            del waiting.at_memory[waiter.environment_id]
            behind, waiting.at_memory = waiting.at_memory, {}
            yield from self._judge(waiter)
            blocked = bool(waiting.at_memory)
            waiting.at_memory.update(behind)
            if blocked:
                break

    def _judge(self, waiter: Waiter) -> Iterator[Effect]:
        reason = self._limit_reached(waiter.claim.function, waiter.allowance)
        if reason is not None:
            yield from self._at_the_limit(waiter, reason)
        elif self._memory_mb + waiter.claim.memory_mb > self.capacity_mb or not self._waiting.goes_first(waiter):
            yield from self._wait_for_memory(waiter)
        else:
            self._hold(Holding(waiter.environment_id, waiter.claim, born_s=waiter.at_s))
            yield Granted(waiter.environment_id)

    def _limit_reached(self, function: FunctionKey, allowance: Allowance) -> Reason | None:
        if allowance.reserved is not None:
            return Reason.RESERVED if self.count(function) >= allowance.reserved else None
        pool = sum(self.count(other) for other in self._pool(function))
        return Reason.ACCOUNT if pool >= allowance.unreserved_limit else None

    def _at_the_limit(self, waiter: Waiter, reason: Reason) -> Iterator[Effect]:
        functions = self._pool(waiter.claim.function)
        on_their_way = (*self._leaving.values(), *self._asked.values())
        if any(holding.claim.function in functions for holding in on_their_way):
            self._waiting.at_limit[waiter.environment_id] = waiter
            return
        candidates = self._first_idle(functions)
        guided = None if candidates else self._guided(waiter, waiter.at_s)
        candidates = candidates or ([] if guided else self._probes(waiter, functions))
        if candidates:
            self._waiting.at_limit[waiter.environment_id] = waiter
            yield from self._ask(candidates)
        else:
            yield guided or Refused(waiter.environment_id, reason)

    def _guided(self, waiter: Waiter, now_s: float) -> Guided | None:
        """The way to another edge whose environments the claim's requests could use."""
        held = self._functions.get(waiter.claim.function, OrderedDict())
        hosts = host_of(held.values(), waiter.claim)
        if not hosts:
            return None
        return Guided(waiter.environment_id, hosts[0].claim.edge, may_be_asked(held, hosts, now_s))

    def _probes(self, waiter: Waiter, functions: set[FunctionKey]) -> list[Holding]:
        """Environments that may be idle without our knowing: not those that the asking edge would have used."""
        if waiter.probed or len(self._asked) >= PROBES_AT_ONCE:
            return []
        waiter.probed = True
        found: list[Holding] = []
        for function in functions:
            found += to_probe(self._functions.get(function, OrderedDict()), waiter, PROBES_PER_CLAIM - len(found))
            if len(found) == PROBES_PER_CLAIM:
                break
        return found

    def _wait_for_memory(self, waiter: Waiter) -> Iterator[Effect]:
        if waiter.claim.memory_mb > self.capacity_mb:
            yield Refused(waiter.environment_id, Reason.ACCOUNT)
            return
        first = self._waiting.goes_first(waiter)
        missing_mb = self._memory_mb + waiter.claim.memory_mb - self.capacity_mb - self._going_mb()
        idle, missing_mb = enough_idle(self._idle.values(), missing_mb)
        if (missing_mb > 0 or not first) and (guided := self._guided(waiter, waiter.at_s)):
            yield guided
            return
        self._waiting.at_memory[waiter.environment_id] = waiter
        if first:
            yield from self._ask(idle)
            yield from self._end_some(waiter.claim, missing_mb)

    def _end_some(self, claim: Claim, missing_mb: int) -> Iterator[Effect]:
        """Have the function with the most memory give some of it up, environment by environment."""
        if missing_mb <= 0:
            return
        largest = max(self._memory_of, key=lambda each: self._memory_of[each], default=claim.function)
        kept_mb = self._memory_of[largest] - sum(
            each.claim.memory_mb for each in self._ending.values() if each.claim.function == largest
        )
        spare_mb = kept_mb - self._memory_of[claim.function] - claim.memory_mb
        for holding in enough_busy(self._functions.get(largest, {}).values(), spare_mb, missing_mb):
            yield self._end(holding)

    def _shrink(self, function: FunctionKey) -> Iterator[Effect]:
        """Have given up what the function, or the pool that it shares, holds above its limit."""
        reserved = self._reserved.get(function)
        if reserved is None:
            yield from self._shrink_shared(function.place)
        else:
            yield from self._shrink_to(reserved, {function})

    def _shrink_shared(self, place: tuple[str, str]) -> Iterator[Effect]:
        if place in self._unreserved:
            yield from self._shrink_to(self._unreserved[place], self._shared_pool(place))

    def _shrink_to(self, limit: int, functions: set[FunctionKey]) -> Iterator[Effect]:
        if sum(map(self.count, functions)) <= limit:
            return
        held = [holding for function in functions for holding in self._functions.get(function, {}).values()]
        idle = [holding for holding in self._idle.values() if holding.claim.function in functions]
        now, when_done = excess_of(held, idle, limit)
        yield from self._ask(now)
        for holding in when_done:
            yield self._end(holding)

    # doing

    def _ask(self, holdings: Iterable[Holding]) -> Iterator[Effect]:
        for holding in holdings:
            self._move(holding, State.ASKED)
            yield TakeBack(holding.claim.edge, holding.environment_id)

    def _end(self, holding: Holding) -> EndWhenDone:
        holding.ending = True
        self._ending[holding.environment_id] = holding
        return EndWhenDone(holding.claim.edge, holding.environment_id)

    def _send_away(self, holding: Holding, reason: str) -> list[Effect]:
        if holding.state is State.STARTING:
            holding.doomed = True  # the agent may not know it yet: `started` or `exited` follows
            return []
        self._move(holding, State.LEAVING)
        return [StopEnvironment(holding.environment_id, reason)]
