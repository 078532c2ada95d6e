"""How many synchronous requests a second: so many for each unit of concurrency.

Control has the buckets, and lends edges what a function will use in about a tenth of a second
(`invocation.rates`), so that a warm request asks nobody and the sum over all edges still holds. A
function with reserved concurrency has a bucket of its own; all others of an account and Region share one.

How exact: in any T seconds no more than rate x (T + 1) are lent, as a full second's worth can be saved
up; what is lent and not used is lost after a second.

Source: Lambda Developer Guide, "Understanding and visualizing concurrency": the requests per second of a
function or an account are ten times its concurrency. How AWS saves up and which functions count against
the account is not told; both are our choice. Off unless the operator sets it.
"""

from lambent.clock import Clock
from lambent.model.function import FunctionKey
from lambent.model.messages import RateGrant, RateQuery
from lambent.placement.api import Limits
from lambent.placement.buckets import Buckets
from lambent.placement.throttle import Reason

WINDOW_S = 1.0
LENT_AT_ONCE = 0.1  # of a second's worth, at most


class Rates:
    """Args: per_concurrency: requests a second for each unit of concurrency."""

    def __init__(self, per_concurrency: int, limits: Limits, clock: Clock) -> None:
        self._per_concurrency, self._limits, self._clock = per_concurrency, limits, clock
        self._buckets = Buckets[FunctionKey](WINDOW_S)

    async def grant(self, query: RateQuery) -> RateGrant:
        """Requests that an edge may let through, or why there are none and for how long."""
        allowance = await self._limits.allowance(query.key)
        if allowance.reserved is None:
            owner, concurrency = FunctionKey(query.key.account, query.key.region, ""), allowance.account_limit
        else:
            owner, concurrency = query.key, allowance.reserved
        rate = self._per_concurrency * concurrency
        wanted = min(query.wanted, max(1, int(rate * LENT_AT_ONCE)))
        tokens = self._buckets.take(owner, rate, wanted, self._clock.monotonic_s())
        if tokens:
            return RateGrant(tokens)
        reason = Reason.ACCOUNT_RATE if allowance.reserved is None else Reason.RESERVED_RATE
        return RateGrant(0, self._buckets.wait_s(owner, rate), reason.value)
