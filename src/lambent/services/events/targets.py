"""PutTargets, RemoveTargets, ListTargetsByRule, ListRuleNamesByTarget."""

from lambent.clock import Clock
from lambent.errors import ValidationError
from lambent.services.events import store
from lambent.services.events.api import Links
from lambent.services.events.errors import LimitExceeded
from lambent.services.events.names import own_bus_key
from lambent.services.events.resource import Resource, check_role
from lambent.services.events.routing import Router
from lambent.services.events.target_checks import check_target
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.pages import page
from lambent.store.api import Database, Transaction


class Targets(Resource):
    """The targets of rules."""

    def __init__(self, database: Database, clock: Clock, router: Router, links: Links, most: int) -> None:
        super().__init__(database, clock, router)
        self._links, self._most = links, most

    @operation("PutTargets")
    async def put_targets(self, ctx: RequestContext, request: Request) -> Answer:
        """Add targets to a rule, or replace those of the same id: all, or none when one is wrong."""
        key, wanted = own_bus_key(ctx, request.get("EventBusName")), request["Targets"]
        for target in wanted:
            check_target(target)
            self._check_reachable(target["Arn"])
            await check_role(self._links.roles, target.get("RoleArn", ""), key.account)
            if queue := target.get("DeadLetterConfig", {}).get("Arn"):
                self._check_reachable(queue)

        def work(tx: Transaction) -> None:
            rule = store.rule(tx, key, request["Rule"])
            for target in wanted:
                store.set_target(tx, rule, target)
            if len(store.targets(tx, rule)) > self._most:
                raise LimitExceeded("The requested resource exceeds the maximum number allowed.")

        await self.write(key, work)
        return {"FailedEntryCount": 0, "FailedEntries": []}

    @operation("RemoveTargets")
    async def remove_targets(self, ctx: RequestContext, request: Request) -> Answer:
        """Remove targets by id; those that are not there are named."""
        key, ids = own_bus_key(ctx, request.get("EventBusName")), request["Ids"]

        def work(tx: Transaction) -> list[str]:
            rule = store.rule(tx, key, request["Rule"])
            return [each for each in ids if not store.delete_target(tx, rule, each)]

        missing = await self.write(key, work)
        failed = [
            {
                "TargetId": each,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": f"Rule {request['Rule']} does not have a target with the Id {each}.",
            }
            for each in missing
        ]
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    @operation("ListTargetsByRule")
    async def list_targets_by_rule(self, ctx: RequestContext, request: Request) -> Answer:
        """The targets of a rule, by id."""
        key = own_bus_key(ctx, request.get("EventBusName"))
        found = await self.database.read(lambda tx: store.targets(tx, store.rule(tx, key, request["Rule"])))
        return page(request, "Targets", found, lambda target: target["Id"], dict)

    @operation("ListRuleNamesByTarget")
    async def list_rule_names_by_target(self, ctx: RequestContext, request: Request) -> Answer:
        """The rules of a bus that send to a target."""
        key = own_bus_key(ctx, request.get("EventBusName"))

        def work(tx: Transaction) -> list[str]:
            store.bus(tx, key)
            return store.rules_with_target(tx, key, request["TargetArn"])

        return page(request, "RuleNames", await self.database.read(work), str, str)

    def _check_reachable(self, arn: str) -> None:
        refusal = self._links.targets.refusal(arn)
        if refusal:
            raise ValidationError(refusal)
