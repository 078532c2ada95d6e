"""How many requests a second may pass: of an account to all its APIs, and to a route of a stage.

Control has the buckets and lends edges what they will use in about a tenth of a second (`invocation.rates`), so the
sum over all edges holds. While control is away nothing is refused here.

Source: API Gateway Developer Guide, "Throttle requests to your HTTP APIs for better throughput" (token buckets; an
account's 10,000 a second with bursts of 5,000). Whether the account's throttle is on is the operator's choice.
"""

from collections.abc import Awaitable, Callable

from lambent.clock import Clock
from lambent.invocation.rates import Rates
from lambent.model.apis import CompiledApi, Throttle
from lambent.model.messages import ApiRateQuery, RateGrant
from lambent.placement.throttle import Throttled

Bucket = tuple[str, Throttle]


class Throttles:
    """Args: ask: control's `api_requests`. account: for each account and Region; None for no limit."""

    def __init__(
        self, ask: Callable[[ApiRateQuery], Awaitable[RateGrant]], account: Throttle | None, clock: Clock
    ) -> None:
        self._rates: Rates[Bucket] = Rates(lambda bucket, wanted: ask(ApiRateQuery(*bucket, wanted)), clock)
        self._account = account

    def buckets(self, api: CompiledApi, stage: str, route: str, throttle: Throttle | None) -> tuple[Bucket, ...]:
        """What a request to a route takes from; () where nothing limits it."""
        own = () if throttle is None else ((f"{api.api_id}/{stage}/{route}", throttle),)
        if self._account is None:
            return own
        return ((f"{api.account}/{api.region}", self._account), *own)

    async def admit(self, buckets: tuple[Bucket, ...]) -> bool:
        """Whether one more request may pass."""
        for bucket in buckets:
            if not self._rates.take_nowait(bucket):
                try:
                    await self._rates.take(bucket)
                except Throttled:
                    return False
        return True
