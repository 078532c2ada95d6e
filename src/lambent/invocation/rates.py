"""What an edge may let through of a second's requests, as control lends it: to functions (`placement.rates`), to APIs.

Who is limited borrows what it used up within a tenth of a second, doubled; less when that lasted longer. What
was not used within a second is lost. A refusal holds until control expects to have more, so a storm of
requests that are throttled asks once, not each. While control is away nothing is refused here:
that warm functions go on answering comes first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.model.messages import RateGrant
from lambent.placement.throttle import Reason, Throttled

GOOD_FOR_S = 1.0
LENT_FOR_S = 0.1
K = TypeVar("K", bound=Hashable)


class Loan:
    """Of one that is limited: what is left of it, and how the last one went."""

    __slots__ = ("asking", "left", "reason", "refused_until_s", "since_s", "size", "until_s", "waiting")

    def __init__(self) -> None:
        self.asking = asyncio.Lock()
        self.left, self.size, self.waiting = 0, 1, 0
        self.since_s = self.until_s = self.refused_until_s = 0.0
        self.reason = ""

    def take(self, now_s: float) -> bool:
        """Whether there was one left."""
        if not self.left or now_s > self.until_s:
            return False
        self.left -= 1
        return True

    def wanted(self, now_s: float) -> int:
        """How much to borrow now."""
        self.size = self.size * 2 if now_s - self.since_s < LENT_FOR_S else max(1, self.size // 2)
        return max(self.size, self.waiting)

    def lent(self, grant: RateGrant, now_s: float) -> None:
        """What control said."""
        self.left, self.since_s, self.until_s = grant.tokens, now_s, now_s + GOOD_FOR_S
        self.size = max(1, min(self.size, grant.tokens))
        if not grant.tokens:
            self.refused_until_s, self.reason = now_s + grant.retry_after_s, grant.reason


class Rates(Generic[K]):
    """Args: ask: control, for so many more; raises Unavailable while it is away."""

    def __init__(self, ask: Callable[[K, int], Awaitable[RateGrant]], clock: Clock) -> None:
        self._ask, self._clock = ask, clock
        self._loans: dict[K, Loan] = {}

    def take_nowait(self, key: K) -> bool:
        """Whether one more request may pass without asking."""
        loan = self._loans.get(key)
        return loan is not None and loan.take(self._clock.monotonic_s())

    async def take(self, key: K) -> None:
        """One more request; returns when it may pass. Raises Throttled."""
        known = self._loans.pop(key, None)
        loan = self._loans[key] = Loan() if known is None else known  # the newest comes last
        loan.waiting += 1
        self._forget_old()
        try:
            async with loan.asking:  # one asks for all who wait
                await self._take(key, loan)
        finally:
            loan.waiting -= 1

    async def _take(self, key: K, loan: Loan) -> None:
        now_s = self._clock.monotonic_s()
        if loan.take(now_s):
            return
        if now_s >= loan.refused_until_s:
            try:
                grant = await self._ask(key, loan.wanted(now_s))
            except Unavailable:
                return
            now_s = self._clock.monotonic_s()
            loan.lent(grant, now_s)
        if not loan.take(now_s):
            raise Throttled(Reason(loan.reason))

    def _forget_old(self) -> None:
        now_s = self._clock.monotonic_s()
        while True:
            key, loan = next(iter(self._loans.items()))
            if loan.waiting or now_s <= max(loan.until_s, loan.refused_until_s):
                return
            del self._loans[key]
