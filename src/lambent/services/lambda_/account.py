"""GetAccountSettings: the account's limits in this Region, and what it uses of them.

Source: Lambda service model (AccountLimit, AccountUsage).
"""

from lambent.services.lambda_ import store
from lambent.services.lambda_.provisioned import unreserved
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Account:
    """The account as Lambda sees it."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("GetAccountSettings")
    async def get_account_settings(self, context: RequestContext, request: Request) -> Answer:
        quotas = self._all.rules.quotas

        def work(tx: Transaction) -> tuple[int, tuple[int, int]]:
            place = context.account, context.region
            return unreserved(tx, *place, quotas.account_concurrency), store.usage(tx, *place)

        left, (functions, code_bytes) = await self._all.database.read(work)
        return {
            "AccountLimit": {
                "TotalCodeSize": quotas.code_storage_bytes,
                "CodeSizeUnzipped": quotas.unzipped_bytes,
                "CodeSizeZipped": quotas.zip_bytes,
                "ConcurrentExecutions": quotas.account_concurrency,
                "UnreservedConcurrentExecutions": left,
            },
            "AccountUsage": {"TotalCodeSize": code_bytes, "FunctionCount": functions},
        }
