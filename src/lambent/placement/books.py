"""The books of the ledger: every environment that counts, found by each of the ways in which it is looked for.

Keeps them consistent, and decides nothing; `ledger.py` does.
"""

from collections import Counter, OrderedDict

import msgspec

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.holdings import Holding, Place, State


class Books:
    """The state of a ledger. A holding is in `_holdings` and `_functions`, and on one shelf at most."""

    def __init__(self) -> None:
        self._holdings: dict[str, Holding] = {}
        self._functions: dict[FunctionKey, OrderedDict[str, Holding]] = {}  # those probed last come last
        self._idle: dict[str, Holding] = {}  # in the order in which they fell idle
        self._asked: dict[str, Holding] = {}
        self._leaving: dict[str, Holding] = {}
        self._ending: dict[str, Holding] = {}  # to end when they are done, wherever they are otherwise
        self._pinned: dict[FunctionKey, dict[str, Holding]] = {}
        self._reserved: dict[FunctionKey, int] = {}  # as last heard; who is not here shares the account's pool
        self._unreserved: dict[tuple[str, str], int] = {}  # that pool, by account and Region, as last heard
        self._memory_mb = 0
        self._memory_of: Counter[FunctionKey] = Counter()

    def holds(self, environment_id: str) -> bool:
        """Whether it counts now, and nobody wants it gone."""
        holding = self._holdings.get(environment_id)
        return holding is not None and not holding.doomed

    def count(self, function: FunctionKey) -> int:
        """How many environments `function` has."""
        return len(self._functions.get(function, ()))

    def pinned(self, function: FunctionKey) -> list[Holding]:
        """The environments of provisioned concurrency that stay, the oldest first."""
        staying = [each for each in self._pinned.get(function, {}).values() if not each.doomed]
        return sorted(staying, key=lambda each: each.born_s)

    def elsewhere(self, edge: int, function: FunctionKey, environment_key: str) -> list[int]:
        """The other edges that may have an idle environment of this key; the likeliest first."""
        pinned = self._pinned.get(function, {}).values()
        known = [
            holding.claim.edge
            for holding in (*self._idle.values(), *pinned)
            if holding.claim.environment_key == environment_key
            and holding.claim.edge != edge
            and holding.state in (State.HELD, State.IDLE)
        ]
        return list(dict.fromkeys(known))

    # for the ledger

    def _pool(self, function: FunctionKey) -> set[FunctionKey]:
        """The functions that draw on the same concurrency as `function`."""
        if function in self._reserved:
            return {function}
        return self._shared_pool(function.place) | {function}

    def _shared_pool(self, place: tuple[str, str]) -> set[FunctionKey]:
        """The functions that share what an account has left in a Region."""
        return {one for one in self._functions if one.place == place} - self._reserved.keys()

    def _first_idle(self, functions: set[FunctionKey]) -> list[Holding]:
        for holding in self._idle.values():
            if holding.claim.function in functions and not holding.claim.pinned:
                return [holding]
        return []

    def _served(self, function: FunctionKey) -> set[Place]:
        """Where it has environments that stay, or start."""
        held = list(self._functions.get(function, {}).values())
        return {each.claim.place for each in held if not (each.ending or each.doomed or each.state is State.LEAVING)}

    def _going_mb(self) -> int:
        """The memory of those that are on their way out."""
        names = {*self._leaving, *self._asked, *self._ending}
        return sum(self._holdings[name].claim.memory_mb for name in names)

    def _learn(self, function: FunctionKey, allowance: Allowance) -> None:
        self._unreserved[function.place] = allowance.unreserved_limit
        if allowance.reserved is None:
            self._reserved.pop(function, None)
        else:
            self._reserved[function] = allowance.reserved

    def _hold(self, holding: Holding) -> None:
        self._holdings[holding.environment_id] = holding
        held = self._functions.setdefault(holding.claim.function, OrderedDict())
        held[holding.environment_id] = holding
        held.move_to_end(holding.environment_id, last=False)  # never probed
        self._memory_mb += holding.claim.memory_mb
        self._memory_of[holding.claim.function] += holding.claim.memory_mb
        if holding.claim.pinned:
            self._pinned.setdefault(holding.claim.function, {})[holding.environment_id] = holding

    def _unpin(self, holding: Holding) -> None:
        pinned = self._pinned.get(holding.claim.function, {})
        if pinned.pop(holding.environment_id, None) is not None and not pinned:
            del self._pinned[holding.claim.function]
        holding.claim = msgspec.structs.replace(holding.claim, provisioned_for="")

    def _forget(self, holding: Holding) -> None:
        self._set_aside(holding)
        self._ending.pop(holding.environment_id, None)
        self._unpin(holding)
        held = self._functions[holding.claim.function]
        del held[holding.environment_id]
        self._memory_mb -= holding.claim.memory_mb
        self._memory_of[holding.claim.function] -= holding.claim.memory_mb
        if not held:
            del self._functions[holding.claim.function], self._memory_of[holding.claim.function]

    def _move(self, holding: Holding, state: State) -> None:
        self._set_aside(holding)
        holding.state = state
        if state is State.LEAVING:
            self._unpin(holding)
        shelf = {State.IDLE: self._idle, State.ASKED: self._asked, State.LEAVING: self._leaving}.get(state)
        if shelf is not None:
            shelf[holding.environment_id] = holding

    def _set_aside(self, holding: Holding) -> None:
        for shelf in (self._idle, self._asked, self._leaving):
            shelf.pop(holding.environment_id, None)
