"""Reserved concurrency: PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency.

What is reserved is carved out of the account's pool and is the function's ceiling; placement
enforces it. Source: Lambda service model; behaviours sections 6 and 10.
"""

from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST
from lambent.services.lambda_ import provisioned_store, store
from lambent.services.lambda_.errors import InvalidParameter, function_not_found
from lambent.services.lambda_.names import ON_FUNCTIONS_ONLY, named
from lambent.services.lambda_.provisioned import unreserved
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Concurrency:
    """The reserved concurrency of a function."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("PutFunctionConcurrency")
    async def put_function_concurrency(self, context: RequestContext, request: Request) -> Answer:
        key, wanted = _whole_function(context, request), int(request["ReservedConcurrentExecutions"])
        await self._all.changes.make(key, lambda tx: self._reserve(tx, key, wanted))
        return {"ReservedConcurrentExecutions": wanted}

    @operation("GetFunctionConcurrency")
    async def get_function_concurrency(self, context: RequestContext, request: Request) -> Answer:
        key = _whole_function(context, request)
        function = await self._all.database.read(lambda tx: store.function(tx, key))
        if function.reserved_concurrency is None:
            return {}
        return {"ReservedConcurrentExecutions": function.reserved_concurrency}

    @operation("DeleteFunctionConcurrency")
    async def delete_function_concurrency(self, context: RequestContext, request: Request) -> None:
        key = _whole_function(context, request)

        def work(tx: Transaction) -> None:
            store.function(tx, key)  # raises NotFound
            store.reserve(tx, key, None)

        await self._all.changes.make(key, work)

    def _reserve(self, tx: Transaction, key: FunctionKey, wanted: int) -> None:
        quotas = self._all.rules.quotas
        if store.find_version(tx, key, 0) is None:
            raise function_not_found(key, LATEST)  # recorded: this operation names $LATEST
        provisioned = sum(each.requested for each in provisioned_store.every(tx, key))
        if wanted < provisioned:
            raise InvalidParameter(
                f"ReservedConcurrentExecutions {wanted} should not be lower than function's total provisioned "
                f"concurrency [{provisioned}]."
            )
        before = unreserved(tx, key.account, key.region, quotas.account_concurrency)
        store.reserve(tx, key, wanted)
        left = unreserved(tx, key.account, key.region, quotas.account_concurrency)
        if left < min(before, quotas.unreserved_minimum):  # 0 stops a function whatever is left
            raise InvalidParameter(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{quotas.unreserved_minimum}]."
            )


def _whole_function(context: RequestContext, request: Request) -> FunctionKey:
    key, qualifier = named(context, request)
    if qualifier:
        raise InvalidParameter(ON_FUNCTIONS_ONLY)
    return key
