"""Recursive loop detection: PutFunctionRecursionConfig, GetFunctionRecursionConfig.

The data plane counts (`invocation.lineage`); here is what a function wants done about it.
Source: Lambda service model; behaviours section 18.
"""

from lambent.services.lambda_ import event_store, store
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.names import ON_FUNCTIONS_ONLY, named
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ALLOW, TERMINATE = "Allow", "Terminate"


class Recursion:
    """Whether a function may be in a loop."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("PutFunctionRecursionConfig")
    async def put_function_recursion_config(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = named(context, request)
        if qualifier:
            raise InvalidParameter(ON_FUNCTIONS_ONLY)
        wanted = request["RecursiveLoop"]

        def work(tx: Transaction) -> None:
            store.function(tx, key)  # raises NotFound
            event_store.let_loop(tx, key, allowed=wanted == ALLOW)

        await self._all.changes.make(key, work)
        return {"RecursiveLoop": wanted}

    @operation("GetFunctionRecursionConfig")
    async def get_function_recursion_config(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = named(context, request)
        if qualifier:
            raise InvalidParameter(ON_FUNCTIONS_ONLY)

        def work(tx: Transaction) -> bool:
            store.function(tx, key)  # raises NotFound
            return event_store.may_loop(tx, key)

        return {"RecursiveLoop": ALLOW if await self._all.database.read(work) else TERMINATE}
