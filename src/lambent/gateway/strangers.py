"""Requests to buckets that are not signed: a bucket's policy judges them, or, of a form, the signature inside.

Path addressing looks like other services' paths. A request whose path could be one of those counts as one to a bucket
only where there is a bucket of that name; otherwise it goes on to authentication, which refuses it.

Source: S3 User Guide, "How Amazon S3 authorizes a request" (anonymous requests).
"""

from collections.abc import Awaitable

from lambent.gateway.buckets import bucket_and_key, could_be_other, is_form, is_unsigned
from lambent.gateway.cross_origin import CrossOrigin, FindDoor
from lambent.gateway.exchange import Exchange
from lambent.gateway.http.streams import Response
from lambent.gateway.links import NOBODY


class Strangers:
    """The stage for them. Stands before authentication; nobody behind it ever sees what it takes."""

    def __init__(self, road: CrossOrigin, forms: CrossOrigin, door: FindDoor, region: str) -> None:
        self._road, self._forms, self._door, self._region = road, forms, door, region

    def __call__(self, exchange: Exchange) -> Awaitable[Response | None] | None:
        request = exchange.request
        if not is_unsigned(request) or not bucket_and_key(request)[0]:
            return None
        return self._answer(exchange)

    async def _answer(self, exchange: Exchange) -> Response | None:
        request = exchange.request
        if could_be_other(request) and await self._door(bucket_and_key(request)[0]) is None:
            return None
        exchange.principal, exchange.service, exchange.region = NOBODY, "s3", self._region
        return await (self._forms if is_form(request) else self._road).answer(exchange)
