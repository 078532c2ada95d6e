"""The last stage of an edge: everything that is not the data path is answered by control."""

from collections.abc import Awaitable, Callable

from lambent.gateway.exchange import Exchange
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.messages import Forwarded

Ask = Callable[[Forwarded], Awaitable[HttpResponse]]


class Forward:
    """Hands an authenticated request to control.

    Args:
        ask: the call over the connection to control.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def __call__(self, exchange: Exchange) -> HttpResponse | None:
        return await self._ask(forwarded(exchange, exchange.request))


def forwarded(exchange: Exchange, request: HttpRequest) -> Forwarded:
    """An authenticated request as control gets it."""
    assert exchange.principal is not None
    return Forwarded(
        request=request,
        principal=exchange.principal,
        service=exchange.service,
        region=exchange.region,
        request_id=exchange.request_id,
        endpoint=exchange.endpoint,
        source_ip=exchange.source_ip,
    )
