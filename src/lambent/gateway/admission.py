"""Who may call Invoke and its kin: callers of the function's own account unless its policy denies it, others if it
allows it.

The way of most requests is `settled`, a look at the function's snapshot. Only callers of other accounts, and of
functions whose policy denies something, are judged by control, and what it said is kept (`permits.py`).

Source: IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".
"""

from collections.abc import Awaitable, Callable

from lambent.errors import kept_out
from lambent.gateway.permits import Permits
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.function_name import function_arn
from lambent.model.invocation import Invocation
from lambent.model.messages import InvokeQuery
from lambent.model.principal import Principal

ACTION = "lambda:InvokeFunction"


class Admission:
    """Args: cached: the snapshot of a function and qualifier, if it is here; fetch: the same, fetched if need be."""

    def __init__(
        self,
        cached: Callable[[FunctionKey, str], FunctionSnapshot | None],
        fetch: Callable[[FunctionKey, str], Awaitable[FunctionSnapshot]],
        permits: Permits,
    ) -> None:
        self._cached, self._fetch, self._permits = cached, fetch, permits

    def settled(self, caller: Principal, invocation: Invocation) -> bool:
        """Whether nobody has to be asked: it may be invoked, or there is nothing that could be."""
        if caller.account != invocation.function.account:
            return False
        snapshot = self._cached(invocation.function, invocation.qualifier)
        return snapshot is not None and not snapshot.guarded

    async def check(self, caller: Principal, invocation: Invocation) -> None:
        """Return if `caller` may invoke it.

        Raises:
            AccessDenied: the policy does not let the caller in.
            ServiceError: there is no such function or qualifier; those of other accounts are not told.
            Unavailable: control cannot be reached.
        """
        function, qualifier = invocation.function, invocation.qualifier
        own = caller.account == function.account
        if own and not (await self._fetch(function, qualifier)).guarded:
            return
        if await self._permits.answer(InvokeQuery(function, qualifier, caller=caller)):
            if not own:
                await self._fetch(function, qualifier)
            return
        raise kept_out(caller.arn, ACTION, function_arn(function, qualifier), own=own)
