"""The claims that have no answer yet, and who of them is next.

Knows the order: at the limit, and of one function for memory, that of arrival; between functions that wait for memory,
the one that has the least of it; and of one function first whoever's edge has no environment for whose end its
requests could wait. Decides nothing; `ledger.py` does.
"""

from collections.abc import Callable, Collection, Iterator, Mapping

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.holdings import Place, Waiter


class Waiting:
    """Both queues of a ledger. `memory_of`: what each function has now."""

    def __init__(self, memory_of: Mapping[FunctionKey, int]) -> None:
        self.at_limit: dict[str, Waiter] = {}  # for an environment on its way out
        self.at_memory: dict[str, Waiter] = {}
        self._memory_of = memory_of

    def __len__(self) -> int:
        return len(self.at_limit) + len(self.at_memory)

    def __iter__(self) -> Iterator[Waiter]:
        return iter((*self.at_limit.values(), *self.at_memory.values()))

    def drop(self, environment_id: str) -> Waiter | None:
        """It waits no longer; None when it did not."""
        return self.at_limit.pop(environment_id, None) or self.at_memory.pop(environment_id, None)

    def learn(self, function: FunctionKey, allowance: Allowance) -> None:
        """What `function` may have from now on. What a reservation takes from the account's pool is missing for whoever
        waits for the rest of it."""
        for waiter in self:
            if waiter.claim.function == function:
                waiter.allowance = allowance
            elif waiter.claim.function.place == function.place:
                waiter.allowance = allowance.of_another(waiter.allowance.reserved)

    def cramped(self, function: FunctionKey) -> set[str]:
        """The versions and aliases whose provisioned concurrency waits for memory."""
        claims = (waiter.claim for waiter in self.at_memory.values())
        return {claim.provisioned_for for claim in claims if claim.function == function and claim.pinned}

    def goes_first(self, waiter: Waiter) -> bool:
        """Whether nobody who waits for memory goes before this claim."""
        mine_mb = self._memory_of[waiter.claim.function]
        return all(mine_mb < self._memory_of[other] for other in self._functions())

    def next_for_memory(self, served: Callable[[FunctionKey], Collection[Place]]) -> Waiter:
        """Who is judged next. Somebody must be waiting. `served`: where a function has environments that stay."""
        function = min(self._functions(), key=lambda each: self._memory_of[each])
        places = served(function)
        mine = (waiter for waiter in self.at_memory.values() if waiter.claim.function == function)
        return min(mine, key=lambda waiter: waiter.claim.place in places)  # of equals, who came first

    def _functions(self) -> list[FunctionKey]:
        """In the order of arrival of their first claims."""
        return list(dict.fromkeys(waiter.claim.function for waiter in self.at_memory.values()))
