"""The APIs that an edge serves, kept until control takes them back.

As with function snapshots: after `forget` returns, no request that comes later is served by what was
read before. An API that is not there is not remembered, for it may be made without anyone telling us.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping

from lambent.gateway.apis.api import Serve, ServedApi
from lambent.model.apis import CompiledApi

KEPT = 2_000

Lookup = Callable[[str], Awaitable[CompiledApi | None]]


class ApiCache:
    """Args: lookup: control's `api`. kinds: what serves each kind of API, by its type."""

    def __init__(self, lookup: Lookup, kinds: Mapping[type, Serve]) -> None:
        self._lookup, self._kinds = lookup, kinds
        self._known: OrderedDict[str, ServedApi] = OrderedDict()
        self._epoch = 0

    def known(self, api_id: str) -> ServedApi | None:
        """The API, if it is here."""
        return self._known.get(api_id)

    async def get(self, api_id: str) -> ServedApi | None:
        """The API, from memory or from control; None when there is none."""
        found = self._known.get(api_id)
        if found is not None:
            return found
        epoch = self._epoch
        api = await self._lookup(api_id)
        if api is None:
            return None
        served = self._kinds[type(api)](api)
        if epoch == self._epoch:
            self._known[api_id] = served
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return served

    def forget(self, api_ids: Iterable[str]) -> None:
        """Drop these, and answers that are on their way."""
        self._epoch += 1
        for api_id in api_ids:
            self._known.pop(api_id, None)

    def forget_all(self) -> None:
        """Drop everything: what was missed while control was away cannot be known."""
        self._epoch += 1
        self._known.clear()
