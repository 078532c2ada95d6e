"""Whether functions let API Gateway and callers of Invoke in, cached in an edge until control takes the functions back.

A function's resource policy is judged once for each route that leads to it, by the ARN of the route and the
method of the request, and once for each identity that has to be judged. AddPermission, RemovePermission and whatever
else changes a function invalidate what is known of it, as they do snapshots.
"""

from collections.abc import Awaitable, Callable, Iterable

from lambent.model.function import FunctionKey
from lambent.model.messages import InvokeQuery

KEPT = 20_000

Ask = Callable[[InvokeQuery], Awaitable[bool]]


class Permits:
    """What control has said. Args: ask: control's `may_invoke`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[FunctionKey, dict[tuple[str, str], bool]] = {}
        self._count = self._epoch = 0

    def known(self, function: FunctionKey, qualifier: str, whose: str) -> bool | None:
        """The answer for the ARN of a route or of an identity, if it is here."""
        of_function = self._known.get(function)
        return None if of_function is None else of_function.get((qualifier, whose))

    async def get(self, function: FunctionKey, qualifier: str, source_arn: str) -> bool:
        """The answer for a route, from memory or from control."""
        return await self.answer(InvokeQuery(function, qualifier, source_arn))

    async def answer(self, query: InvokeQuery) -> bool:
        """The answer, from memory or from control."""
        found = self.known(query.function, query.qualifier, query.whose)
        if found is not None:
            return found
        epoch = self._epoch
        found = await self._ask(query)
        if epoch == self._epoch:
            if self._count >= KEPT:
                self.forget_all()
            self._known.setdefault(query.function, {})[query.qualifier, query.whose] = found
            self._count += 1
        return found

    def forget(self, functions: Iterable[FunctionKey]) -> None:
        """Drop what is known of these functions, and answers that are on their way."""
        self._epoch += 1
        for function in functions:
            self._count -= len(self._known.pop(function, {}))

    def forget_all(self) -> None:
        """Drop everything."""
        self._epoch += 1
        self._known.clear()
        self._count = 0
