"""The stage that answers requests to APIs. Stands before authentication, which most need not.

Knows how an API is found. What kinds there are, and what a request to one may do, is in the modules beside it.
"""

from collections.abc import Awaitable

from lambent.gateway.apis.address import ApiAddress, address_of
from lambent.gateway.apis.cache import ApiCache
from lambent.gateway.exchange import Exchange, Step
from lambent.model.http import HttpResponse

FORBIDDEN = b'{"message":"Forbidden"}'


class Apis:
    """Answers requests to APIs, and nothing else."""

    def __init__(self, cache: ApiCache) -> None:
        self._cache = cache

    def __call__(self, exchange: Exchange) -> Step | Awaitable[Step]:
        """Answer a request to an API; None for every other request."""
        address = address_of(exchange.request)
        if address is None:
            return None
        served = self._cache.known(address.api_id)
        if served is None or address.region not in ("", served.api.region):
            return self._look_up(exchange, address)
        return served(exchange, address)

    async def _look_up(self, exchange: Exchange, address: ApiAddress) -> Step:
        served = await self._cache.get(address.api_id)
        if served is None or address.region not in ("", served.api.region):
            headers = [("content-type", "application/json"), ("apigw-requestid", exchange.request_id)]
            return HttpResponse(403, headers, FORBIDDEN)
        step = served(exchange, address)
        return await step if isinstance(step, Awaitable) else step
