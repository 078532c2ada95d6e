"""Tags of users, roles and policies. Source: IAM API Reference, the page of each operation."""

from collections.abc import Callable

from msgspec import json

from lambent.errors import AccessDenied
from lambent.services.iam.model import Tags, tag_list
from lambent.services.iam.resource import Resource, untagged
from lambent.services.iam.store import Page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

Change = Callable[[Tags], Tags]


class ResourceTags(Resource):
    """Tag, Untag and List, for users, roles and policies."""

    @operation("TagUser")
    async def tag_user(self, context: RequestContext, request: Request) -> None:
        """Add or replace a user's tags."""
        await self._change(context, request, "user", self._adding(request))

    @operation("TagRole")
    async def tag_role(self, context: RequestContext, request: Request) -> None:
        """Add or replace a role's tags."""
        await self._change(context, request, "role", self._adding(request))

    @operation("TagPolicy")
    async def tag_policy(self, context: RequestContext, request: Request) -> None:
        """Add or replace a policy's tags."""
        await self._change(context, request, "policy", self._adding(request))

    @operation("UntagUser")
    async def untag_user(self, context: RequestContext, request: Request) -> None:
        """Remove a user's tags; those that are not there do not matter."""
        await self._change(context, request, "user", _removing(request))

    @operation("UntagRole")
    async def untag_role(self, context: RequestContext, request: Request) -> None:
        """Remove a role's tags."""
        await self._change(context, request, "role", _removing(request))

    @operation("UntagPolicy")
    async def untag_policy(self, context: RequestContext, request: Request) -> None:
        """Remove a policy's tags."""
        await self._change(context, request, "policy", _removing(request))

    @operation("ListUserTags")
    async def list_user_tags(self, context: RequestContext, request: Request) -> Answer:
        """A user's tags."""
        return await self._list(context, request, "user")

    @operation("ListRoleTags")
    async def list_role_tags(self, context: RequestContext, request: Request) -> Answer:
        """A role's tags."""
        return await self._list(context, request, "role")

    @operation("ListPolicyTags")
    async def list_policy_tags(self, context: RequestContext, request: Request) -> Answer:
        """A policy's tags."""
        return await self._list(context, request, "policy")

    def _adding(self, request: Request) -> Change:
        return lambda old: self.merged_tags(old, request["Tags"])

    def _find(self, tx: Transaction, context: RequestContext, request: Request, kind: str) -> tuple[str, Tags]:
        """What the kind's `tag_` statement calls the resource, and its tags."""
        if kind == "policy":
            policy = self.store.policy(tx, context.account, request["PolicyArn"])
            if policy.account != context.account:
                raise AccessDenied(f"{policy.arn} is kept by AWS and has no tags.")
            return policy.arn, policy.tags
        owner = self.store.owner(tx, context.account, kind, request[f"{kind.title()}Name"])
        return owner.id, owner.tags

    async def _change(self, context: RequestContext, request: Request, kind: str, change: Change) -> None:
        def work(tx: Transaction) -> None:
            name, tags = self._find(tx, context, request, kind)
            tx.run(self.store.sql[f"tag_{kind}"], id=name, tags=json.encode(change(tags)).decode())

        await self.store.write(work)

    async def _list(self, context: RequestContext, request: Request, kind: str) -> Answer:
        _, tags = await self.store.read(lambda tx: self._find(tx, context, request, kind))
        return Page(request).cut("Tags", tag_list(tags), lambda tag: tag["Key"], lambda tag: tag)


def _removing(request: Request) -> Change:
    return lambda old: untagged(old, request["TagKeys"])
