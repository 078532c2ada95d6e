"""The stage that answers requests to APIs. Stands before authentication, which most need not.

Knows how an API is found. What kinds there are, and what a request to one may do, is in the modules beside it.
"""

from collections.abc import Awaitable

from lambent.gateway.apis.address import ApiAddress, named_by_host, named_by_path
from lambent.gateway.apis.cache import ApiCache
from lambent.gateway.apis.domains import Domains, address_at, may_be_custom
from lambent.gateway.exchange import Exchange, Step
from lambent.gateway.hosts import names_one_thing
from lambent.model.http import HttpResponse

FORBIDDEN = b'{"message":"Forbidden"}'


class Apis:
    """Answers requests to APIs, and nothing else.

    A body may come as a stream, because nothing in the head of a request says that somebody's own domain name, or a
    path, is no bucket's. APIs need it whole.

    Args:
        most_bytes: the longest body that an API takes.
    """

    def __init__(self, cache: ApiCache, domains: Domains, most_bytes: int) -> None:
        self._cache, self._domains, self._most_bytes = cache, domains, most_bytes

    def __call__(self, exchange: Exchange) -> Step | Awaitable[Step]:
        """Answer a request to an API; None for every other request."""
        address = named_by_host(exchange.request)
        if address is not None:
            return self._serve(exchange, address)
        host = exchange.request.header("host")
        if not may_be_custom(host) or names_one_thing(host):
            return self._at_path(exchange)
        return self._at_domain(exchange, host) if self._domains.known else self._learn(exchange, host)

    def _at_path(self, exchange: Exchange) -> Step | Awaitable[Step]:
        address = named_by_path(exchange.request)
        return None if address is None else self._serve(exchange, address)

    def _serve(self, exchange: Exchange, address: ApiAddress) -> Step | Awaitable[Step]:
        if exchange.body is not None:
            return self._serve_whole(exchange, address)
        served = self._cache.known(address.api_id)
        if served is None or address.region not in ("", served.api.region):
            return self._look_up(exchange, address)
        return served(exchange, address)

    async def _serve_whole(self, exchange: Exchange, address: ApiAddress) -> Step:
        await exchange.take_body(self._most_bytes)
        step = self._serve(exchange, address)
        return await step if isinstance(step, Awaitable) else step

    async def _look_up(self, exchange: Exchange, address: ApiAddress) -> Step:
        served = await self._cache.get(address.api_id)
        if served is None or address.region not in ("", served.api.region):
            return _forbidden(exchange)
        step = served(exchange, address)
        return await step if isinstance(step, Awaitable) else step

    def _at_domain(self, exchange: Exchange, host: str) -> Step | Awaitable[Step]:
        mappings = self._domains.mappings(host)
        if mappings is None:
            return self._at_path(exchange)
        address = address_at(host, exchange.request.path, mappings)
        return _forbidden(exchange) if address is None else self._serve(exchange, address)

    async def _learn(self, exchange: Exchange, host: str) -> Step:
        await self._domains.learn()
        step = self._at_domain(exchange, host)
        return await step if isinstance(step, Awaitable) else step


def _forbidden(exchange: Exchange) -> HttpResponse:
    headers = [("content-type", "application/json"), ("apigw-requestid", exchange.request_id)]
    return HttpResponse(403, headers, FORBIDDEN)
