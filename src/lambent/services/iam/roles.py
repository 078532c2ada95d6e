"""Roles and their trust policies. Source: IAM API Reference, the page of each operation."""

from msgspec import json, structs

from lambent.services.iam.document import chars_of, trust_policy
from lambent.services.iam.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded
from lambent.services.iam.model import Role, role_of, with_tags
from lambent.services.iam.resource import BOUNDARY, Members, Resource, refuse
from lambent.services.iam.store import Page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

DEFAULT_SESSION_S = 3_600


class Roles(Resource):
    """CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole."""

    @operation("CreateRole")
    async def create_role(self, context: RequestContext, request: Request) -> Answer:
        """A new role without policies."""
        refuse(request, **BOUNDARY)
        role = Role(
            account=context.account,
            name=request["RoleName"],
            path=request.get("Path", "/"),
            role_id=self.unique_id("AROA"),
            trust=self._checked_trust(request["AssumeRolePolicyDocument"]),
            description=request.get("Description", ""),
            max_session_s=request.get("MaxSessionDuration", DEFAULT_SESSION_S),
            created_ms=self.clock.now_ms(),
            tags=self.new_tags(request),
        )
        await self.store.write(lambda tx: self._add(tx, role))
        return {"Role": with_tags(role.answer(), role.tags)}

    @operation("GetRole")
    async def get_role(self, context: RequestContext, request: Request) -> Answer:
        """One role."""
        role = await self.store.read(lambda tx: self.store.role(tx, context.account, request["RoleName"]))
        return {"Role": with_tags({**role.answer(), "RoleLastUsed": {}}, role.tags)}

    @operation("ListRoles")
    async def list_roles(self, context: RequestContext, request: Request) -> Answer:
        """Roles by name, below a path."""
        page, prefix = Page(request), request.get("PathPrefix", "/")
        statement = self.store.sql.roles
        rows = await self.store.read(
            lambda tx: tx.all(statement, account=context.account, prefix=prefix, **page.window)
        )
        return page.answer("Roles", [role_of(row) for row in rows], lambda role: role.name.lower(), Role.answer)

    @operation("UpdateRole")
    async def update_role(self, context: RequestContext, request: Request) -> Answer:
        """Another description, or another longest session."""
        names = {"Description": "description", "MaxSessionDuration": "max_session_s"}
        await self._change(
            context, request, {mine: request[given] for given, mine in names.items() if given in request}
        )
        return {}

    @operation("UpdateRoleDescription")
    async def update_role_description(self, context: RequestContext, request: Request) -> Answer:
        """Another description."""
        role = await self._change(context, request, {"description": request["Description"]})
        return {"Role": role.answer()}

    @operation("UpdateAssumeRolePolicy")
    async def update_assume_role_policy(self, context: RequestContext, request: Request) -> None:
        """Another trust policy; sessions that exist go on."""
        await self._change(context, request, {"trust": self._checked_trust(request["PolicyDocument"])})

    @operation("DeleteRole")
    async def delete_role(self, context: RequestContext, request: Request) -> None:
        """Remove a role without policies; its sessions end with it."""

        def work(tx: Transaction) -> None:
            role = self.store.role(tx, context.account, request["RoleName"])
            sql, window = self.store.sql, {"after": "", "limit": 1}
            if tx.all(sql.attached_to, owner_id=role.id, **window):
                raise DeleteConflict("Cannot delete entity, must detach all policies first.")
            if tx.all(sql.inline_policies, owner_id=role.id, **window):
                raise DeleteConflict("Cannot delete entity, must delete policies first.")
            tx.run(sql.remove_role, role_id=role.id)

        await self.store.write(work)
        await self.doors.forget_access_keys([])  # which keys its sessions have is known by no list of ours

    async def _change(self, context: RequestContext, request: Request, changes: Members) -> Role:
        def work(tx: Transaction) -> Role:
            role = structs.replace(self.store.role(tx, context.account, request["RoleName"]), **changes)
            kept = {name: getattr(role, name) for name in ("role_id", "trust", "description", "max_session_s")}
            tx.run(self.store.sql.change_role, **kept)
            return role

        return await self.store.write(work)

    def _add(self, tx: Transaction, role: Role) -> None:
        if tx.one(self.store.sql.role, account=role.account, name_key=role.name.lower()) is not None:
            raise EntityAlreadyExists(f"Role with name {role.name} already exists.")
        columns = {**structs.asdict(role), "tags": json.encode(role.tags).decode()}
        tx.run(self.store.sql.add_role, name_key=role.name.lower(), **columns)

    def _checked_trust(self, document: str) -> str:
        trust_policy(document)
        if chars_of(document) > self.quotas.trust_chars:
            raise LimitExceeded(f"Cannot exceed quota for ACLSizePerRole: {self.quotas.trust_chars}")
        return document
