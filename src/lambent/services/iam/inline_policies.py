"""Policies that live inside one user or role. Source: IAM API Reference, the page of each operation."""

from lambent.services.iam.document import chars_of, identity_policy
from lambent.services.iam.errors import LimitExceeded, NoSuchEntity
from lambent.services.iam.model import Owner, Role, User, encoded
from lambent.services.iam.resource import Resource
from lambent.services.iam.store import Page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Row, Transaction

ALL = 1_000_000
NAME = {User.KIND: "UserName", Role.KIND: "RoleName"}


class InlinePolicies(Resource):
    """Put, Get, List and Delete, for users and for roles."""

    @operation("PutUserPolicy")
    async def put_user_policy(self, context: RequestContext, request: Request) -> None:
        """Add or replace a user's policy."""
        await self._put(context, request, User.KIND, self.quotas.user_policies_chars)

    @operation("PutRolePolicy")
    async def put_role_policy(self, context: RequestContext, request: Request) -> None:
        """Add or replace a role's policy."""
        await self._put(context, request, Role.KIND, self.quotas.role_policies_chars)

    @operation("GetUserPolicy")
    async def get_user_policy(self, context: RequestContext, request: Request) -> Answer:
        """A user's policy."""
        return await self._get(context, request, User.KIND)

    @operation("GetRolePolicy")
    async def get_role_policy(self, context: RequestContext, request: Request) -> Answer:
        """A role's policy."""
        return await self._get(context, request, Role.KIND)

    @operation("ListUserPolicies")
    async def list_user_policies(self, context: RequestContext, request: Request) -> Answer:
        """The names of a user's policies."""
        return await self._list(context, request, User.KIND)

    @operation("ListRolePolicies")
    async def list_role_policies(self, context: RequestContext, request: Request) -> Answer:
        """The names of a role's policies."""
        return await self._list(context, request, Role.KIND)

    @operation("DeleteUserPolicy")
    async def delete_user_policy(self, context: RequestContext, request: Request) -> None:
        """Remove a user's policy."""
        await self._delete(context, request, User.KIND)

    @operation("DeleteRolePolicy")
    async def delete_role_policy(self, context: RequestContext, request: Request) -> None:
        """Remove a role's policy."""
        await self._delete(context, request, Role.KIND)

    def _owner(self, tx: Transaction, context: RequestContext, request: Request, kind: str) -> Owner:
        return self.store.owner(tx, context.account, kind, request[NAME[kind]])

    async def _put(self, context: RequestContext, request: Request, kind: str, limit_chars: int) -> None:
        name, document = request["PolicyName"], request["PolicyDocument"]
        identity_policy(document)

        def work(tx: Transaction) -> None:
            owner = self._owner(tx, context, request, kind)
            others = tx.all(self.store.sql.inline_policies, owner_id=owner.id, after="", limit=ALL)
            used = sum(chars_of(row["document"]) for row in others if row["name"] != name)
            if used + chars_of(document) > limit_chars:
                raise LimitExceeded(f"Maximum policy size of {limit_chars} bytes exceeded for {kind} {owner.name}")
            tx.run(self.store.sql.put_inline_policy, owner_id=owner.id, name=name, document=document)

        await self.store.write(work)

    async def _get(self, context: RequestContext, request: Request, kind: str) -> Answer:
        def work(tx: Transaction) -> tuple[Owner, Row]:
            owner = self._owner(tx, context, request, kind)
            row = tx.one(self.store.sql.inline_policy, owner_id=owner.id, name=request["PolicyName"])
            if row is None:
                raise _missing(kind, request["PolicyName"])
            return owner, row

        owner, row = await self.store.read(work)
        return {NAME[kind]: owner.name, "PolicyName": row["name"], "PolicyDocument": encoded(row["document"])}

    async def _list(self, context: RequestContext, request: Request, kind: str) -> Answer:
        page = Page(request)

        def work(tx: Transaction) -> list[Row]:
            owner = self._owner(tx, context, request, kind)
            return tx.all(self.store.sql.inline_policies, owner_id=owner.id, **page.window)

        names = [str(row["name"]) for row in await self.store.read(work)]
        return page.answer("PolicyNames", names, str, str)

    async def _delete(self, context: RequestContext, request: Request, kind: str) -> None:
        def work(tx: Transaction) -> None:
            owner = self._owner(tx, context, request, kind)
            if not tx.run(self.store.sql.remove_inline_policy, owner_id=owner.id, name=request["PolicyName"]):
                raise _missing(kind, request["PolicyName"])

        await self.store.write(work)


def _missing(kind: str, name: str) -> NoSuchEntity:
    return NoSuchEntity(f"The {kind} policy with name {name} cannot be found.")
