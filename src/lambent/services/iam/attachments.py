"""Which users and roles have which managed policies. Source: IAM API Reference, each operation's page."""

from lambent.services.iam.errors import LimitExceeded, NoSuchEntity
from lambent.services.iam.inline_policies import NAME
from lambent.services.iam.model import Policy, Role, User
from lambent.services.iam.resource import Members, Resource
from lambent.services.iam.store import Page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Row, Transaction


class Attachments(Resource):
    """Attach, Detach and ListAttached, for users and for roles; ListEntitiesForPolicy."""

    @operation("AttachUserPolicy")
    async def attach_user_policy(self, context: RequestContext, request: Request) -> None:
        """Give a user a policy; once more changes nothing."""
        await self._attach(context, request, User.KIND)

    @operation("AttachRolePolicy")
    async def attach_role_policy(self, context: RequestContext, request: Request) -> None:
        """Give a role a policy; once more changes nothing."""
        await self._attach(context, request, Role.KIND)

    @operation("DetachUserPolicy")
    async def detach_user_policy(self, context: RequestContext, request: Request) -> None:
        """Take a policy from a user."""
        await self._detach(context, request, User.KIND)

    @operation("DetachRolePolicy")
    async def detach_role_policy(self, context: RequestContext, request: Request) -> None:
        """Take a policy from a role."""
        await self._detach(context, request, Role.KIND)

    @operation("ListAttachedUserPolicies")
    async def list_attached_user_policies(self, context: RequestContext, request: Request) -> Answer:
        """The managed policies of a user."""
        return await self._list(context, request, User.KIND)

    @operation("ListAttachedRolePolicies")
    async def list_attached_role_policies(self, context: RequestContext, request: Request) -> Answer:
        """The managed policies of a role."""
        return await self._list(context, request, Role.KIND)

    @operation("ListEntitiesForPolicy")
    async def list_entities_for_policy(self, context: RequestContext, request: Request) -> Answer:
        """Who has a policy."""
        wanted, prefix = request.get("EntityFilter"), request.get("PathPrefix", "/")
        arn, page = request["PolicyArn"], Page(request)

        def work(tx: Transaction) -> list[tuple[str, Row]]:
            self.store.policy(tx, context.account, arn)
            of = {"account": context.account, "policy_arn": arn}
            users = tx.all(self.store.sql.users_attached, **of) if wanted in (None, "User") else []
            roles = tx.all(self.store.sql.roles_attached, **of) if wanted in (None, "Role") else []
            return [("User", row) for row in users] + [("Role", row) for row in roles]

        found = [(kind, row) for kind, row in await self.store.read(work) if row["path"].startswith(prefix)]
        answer = page.cut("entities", found, lambda pair: pair[0] + pair[1]["name"].lower(), lambda pair: pair)
        entities = answer.pop("entities")
        named = {kind: [_entity(kind, row) for k, row in entities if k == kind] for kind in ("User", "Role")}
        return {**answer, "PolicyGroups": [], "PolicyUsers": named["User"], "PolicyRoles": named["Role"]}

    async def _attach(self, context: RequestContext, request: Request, kind: str) -> None:
        limit = self.quotas.policies_per_user if kind == User.KIND else self.quotas.policies_per_role

        def work(tx: Transaction) -> None:
            owner = self.store.owner(tx, context.account, kind, request[NAME[kind]])
            policy = self.store.policy(tx, context.account, request["PolicyArn"])
            attached = tx.all(self.store.sql.attached_to, owner_id=owner.id, after="", limit=limit + 1)
            if len(attached) >= limit and policy.arn not in [row["policy_arn"] for row in attached]:
                raise LimitExceeded(f"Cannot exceed quota for PoliciesPer{kind.title()}: {limit}")
            values = {"owner_id": owner.id, "policy_arn": policy.arn, "account": context.account, "kind": kind}
            tx.run(self.store.sql.attach, **values)

        await self.store.write(work)

    async def _detach(self, context: RequestContext, request: Request, kind: str) -> None:
        def work(tx: Transaction) -> None:
            owner = self.store.owner(tx, context.account, kind, request[NAME[kind]])
            if not tx.run(self.store.sql.detach, owner_id=owner.id, policy_arn=request["PolicyArn"]):
                raise NoSuchEntity(f"Policy {request['PolicyArn']} was not found.")

        await self.store.write(work)

    async def _list(self, context: RequestContext, request: Request, kind: str) -> Answer:
        page, prefix = Page(request), request.get("PathPrefix", "/")

        def work(tx: Transaction) -> list[Policy]:
            owner = self.store.owner(tx, context.account, kind, request[NAME[kind]])
            rows = tx.all(self.store.sql.attached_to, owner_id=owner.id, after="", limit=10_000)
            return [self.store.policy(tx, context.account, row["policy_arn"]) for row in rows]

        policies = [policy for policy in await self.store.read(work) if policy.path.startswith(prefix)]
        return page.cut("AttachedPolicies", policies, lambda policy: policy.arn, _attached)


def _attached(policy: Policy) -> Members:
    return {"PolicyName": policy.name, "PolicyArn": policy.arn}


def _entity(kind: str, row: Row) -> Members:
    return {f"{kind}Name": row["name"], f"{kind}Id": row["id"]}
