"""How much memory processes may take that wait for a function: one budget for all languages of a node.

Pure but for the pools that it looks at. Where there is no room for one more, the pool that was used longest ago
gives one up; one that was used before all others gets nothing. What a process takes is its language's estimate, so
that the sum does not depend on when it is looked at.
"""

from typing import Protocol


class Keeper(Protocol):
    """A pool, as far as the budget is concerned."""

    @property
    def kept(self) -> int:
        """How many wait or are being made."""

    @property
    def used_s(self) -> float:
        """When one was last taken, or expected."""

    def give_one_up(self) -> bool:
        """Stop one that waits; whether there was one."""


class Budget:
    """`total_mb` for all pools together."""

    def __init__(self, total_mb: int) -> None:
        self._total_mb = total_mb
        self._pools: list[tuple[Keeper, int]] = []

    def add(self, pool: Keeper, each_mb: int) -> None:
        """One more pool, whose processes take about `each_mb`."""
        self._pools.append((pool, each_mb))

    @property
    def kept_mb(self) -> int:
        """What all take now."""
        return sum(pool.kept * each_mb for pool, each_mb in self._pools)

    def room_for(self, pool: Keeper) -> bool:
        """Whether `pool` may keep one more now. Where not, one is taken from who needs it less, for the next time."""
        each_mb = next(mb for other, mb in self._pools if other is pool)
        if self.kept_mb + each_mb <= self._total_mb:
            return True
        if each_mb <= self._total_mb:
            older = (other for other, _ in self._pools if other.used_s < pool.used_s)
            others = sorted(older, key=lambda each: each.used_s)
            any(other.give_one_up() for other in others)
        return False
