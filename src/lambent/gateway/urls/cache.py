"""Function URLs and who may use them, cached in an edge until control takes them back.

As with function snapshots: after `forget` returns, no request that comes later is served by what was
read before. A URL that is not there is not remembered, for it may be made without anyone telling us.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

from lambent.model.function import FunctionKey
from lambent.model.function_url import UrlAccess
from lambent.model.messages import UrlQuery

KEPT = 20_000

Lookup = Callable[[UrlQuery], Awaitable[UrlAccess | None]]


class UrlCache:
    """What control has said, the oldest forgotten first."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._known: OrderedDict[UrlQuery, UrlAccess] = OrderedDict()
        self._epoch = 0

    def known(self, query: UrlQuery) -> UrlAccess | None:
        """The answer, if it is here."""
        return self._known.get(query)

    async def get(self, query: UrlQuery) -> UrlAccess | None:
        """The answer, from memory or from control."""
        found = self._known.get(query)
        if found is not None:
            return found
        epoch = self._epoch
        found = await self._lookup(query)
        if found is not None and epoch == self._epoch:
            self._known[query] = found
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    def forget(self, functions: Iterable[FunctionKey]) -> None:
        """Drop the URLs of these functions, and answers that are on their way."""
        self._epoch += 1
        gone = set(functions)
        for query in [query for query, access in self._known.items() if access.url.key in gone]:
            del self._known[query]

    def forget_all(self) -> None:
        """Drop everything: what was missed while control was away cannot be known."""
        self._epoch += 1
        self._known.clear()
