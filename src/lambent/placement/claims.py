"""The claims that are under way: who waits for the ledger's word about one, and for how long.

Knows: the deadline of a claim, when the ledger is told that one waits for long, and in which words a refusal goes out.
Does not know who gets what: that is the ledger's.
"""

import asyncio
from collections.abc import Callable

from lambent.clock import Clock
from lambent.errors import ServiceError
from lambent.placement.api import Allowance
from lambent.placement.holdings import Claim, Effect, Guided, Refused
from lambent.placement.ledger import Ledger
from lambent.placement.throttle import NoMemory, PlacementFailed, Throttled

HURRY_S = 1.0  # our own choice: long beside a start, which is what a change of edges costs

CarryOut = Callable[[list[Effect]], None]


class Claims:
    """Args: wait_s: how long a claim may wait. carry_out: does what the ledger says."""

    def __init__(self, ledger: Ledger, clock: Clock, wait_s: float, carry_out: CarryOut) -> None:
        self._ledger, self._clock, self._wait_s, self._carry_out = ledger, clock, wait_s, carry_out
        self._answers: dict[str, asyncio.Future[Guided | None]] = {}

    async def granted(self, environment_id: str, claim: Claim, allowance: Allowance) -> Guided | None:
        """Returns when the claim holds an environment of that id, or with the way to an edge that has some.

        Raises:
            Throttled: neither is to be had.
            PlacementFailed: the agent or the edge is gone.
        """
        answer: asyncio.Future[Guided | None] = asyncio.get_running_loop().create_future()
        self._answers[environment_id] = answer
        self._carry_out(self._ledger.request(environment_id, claim, allowance, self._clock.monotonic_s()))
        deadline = None if answer.done() else asyncio.ensure_future(self._expire(environment_id))
        try:
            return await answer
        except asyncio.CancelledError:
            self._carry_out([*self._ledger.expire(environment_id), *self._ledger.exited(environment_id)])
            raise
        finally:
            del self._answers[environment_id]
            if deadline is not None:
                deadline.cancel()

    def settle(self, environment_id: str, guided: Guided | None = None) -> None:
        """The ledger has granted a claim, or shown it the way."""
        answer = self._answers.get(environment_id)
        if answer is not None and not answer.done():
            answer.set_result(guided)

    def refuse(self, refused: Refused) -> None:
        """The ledger has refused a claim."""
        answer = self._answers.get(refused.environment_id)
        if answer is not None and not answer.done():
            answer.set_exception(self._refusal(refused))

    def check_size(self, memory_mb: int) -> None:
        """Raises NoMemory: an environment of this size never fits."""
        capacity_mb = self._ledger.capacity_mb
        if memory_mb > capacity_mb:
            why = f"The node has {capacity_mb} MB for environments and the function needs {memory_mb} MB; "
            raise NoMemory(why + "raise node_memory_mb or lower MemorySize.")

    def _refusal(self, refused: Refused) -> ServiceError:
        if refused.reason is None:
            return PlacementFailed("The agent or the edge went away.")
        if not refused.full:
            return Throttled(refused.reason)
        why = (
            f"The {self._ledger.capacity_mb} MB that the node has for environments were in use for {self._wait_s:g} s; "
        )
        return NoMemory(why + "raise node_memory_mb, lower MemorySize or provision less.")

    async def _expire(self, environment_id: str) -> None:
        left_s = self._wait_s
        while left_s > HURRY_S:
            await self._clock.sleep(HURRY_S)
            left_s -= HURRY_S
            self._carry_out(self._ledger.hurry(environment_id, self._clock.monotonic_s()))
        await self._clock.sleep(left_s)
        self._carry_out(self._ledger.expire(environment_id))
