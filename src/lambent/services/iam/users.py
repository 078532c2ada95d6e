"""Users. Source: IAM API Reference, the page of each operation."""

from datetime import UTC, datetime
from typing import Any

from msgspec import json

from lambent.services.iam.errors import DeleteConflict, EntityAlreadyExists
from lambent.services.iam.model import User, user_of, with_tags
from lambent.services.iam.resource import BOUNDARY, Resource, refuse, user_name
from lambent.services.iam.store import Page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Users(Resource):
    """CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser."""

    @operation("CreateUser")
    async def create_user(self, context: RequestContext, request: Request) -> Answer:
        """A new user, without keys or policies."""
        refuse(request, **BOUNDARY)
        user = User(
            account=context.account,
            name=request["UserName"],
            path=request.get("Path", "/"),
            user_id=self.unique_id("AIDA"),
            created_ms=self.clock.now_ms(),
            tags=self.new_tags(request),
        )
        await self.store.write(lambda tx: self._add(tx, user))
        return {"User": with_tags(user.answer(), user.tags)}

    @operation("GetUser")
    async def get_user(self, context: RequestContext, request: Request) -> Answer:
        """One user; without a name, whoever asks."""
        if "UserName" not in request and context.principal.arn.endswith(":root"):
            return {"User": _root(context)}
        name = user_name(context, request)
        user = await self.store.read(lambda tx: self.store.user(tx, context.account, name))
        return {"User": with_tags(user.answer(), user.tags)}

    @operation("ListUsers")
    async def list_users(self, context: RequestContext, request: Request) -> Answer:
        """Users by name, below a path."""
        page, prefix = Page(request), request.get("PathPrefix", "/")
        statement = self.store.sql.users
        rows = await self.store.read(
            lambda tx: tx.all(statement, account=context.account, prefix=prefix, **page.window)
        )
        return page.answer("Users", [user_of(row) for row in rows], lambda user: user.name.lower(), User.answer)

    @operation("UpdateUser")
    async def update_user(self, context: RequestContext, request: Request) -> None:
        """Another name or path; the keys go on, and speak for the new name at once."""

        def work(tx: Transaction) -> None:
            user = self.store.user(tx, context.account, request["UserName"])
            name, path = request.get("NewUserName", user.name), request.get("NewPath", user.path)
            if name.lower() != user.name.lower():
                self._check_free(tx, context.account, name)
            tx.run(self.store.sql.move_user, user_id=user.user_id, name_key=name.lower(), name=name, path=path)

        await self.store.write(work)
        await self.doors.forget_access_keys([])  # sessions of this user are known by no list of ours

    @operation("DeleteUser")
    async def delete_user(self, context: RequestContext, request: Request) -> None:
        """Remove a user who has no keys or policies any more."""

        def work(tx: Transaction) -> None:
            user = self.store.user(tx, context.account, request["UserName"])
            sql, window = self.store.sql, {"after": "", "limit": 1}
            if tx.all(sql.access_keys_of, user_id=user.id, **window):
                raise DeleteConflict("Cannot delete entity, must delete access keys first.")
            if tx.all(sql.attached_to, owner_id=user.id, **window):
                raise DeleteConflict("Cannot delete entity, must detach all policies first.")
            if tx.all(sql.inline_policies, owner_id=user.id, **window):
                raise DeleteConflict("Cannot delete entity, must delete policies first.")
            tx.run(sql.remove_user, user_id=user.id)

        await self.store.write(work)
        await self.doors.forget_access_keys([])  # sessions of this user are known by no list of ours

    def _add(self, tx: Transaction, user: User) -> None:
        self._check_free(tx, user.account, user.name)
        tx.run(
            self.store.sql.add_user,
            account=user.account,
            name_key=user.name.lower(),
            name=user.name,
            path=user.path,
            user_id=user.user_id,
            created_ms=user.created_ms,
            tags=json.encode(user.tags).decode(),
        )

    def _check_free(self, tx: Transaction, account: str, name: str) -> None:
        if tx.one(self.store.sql.user, account=account, name_key=name.lower()) is not None:
            raise EntityAlreadyExists(f"User with name {name} already exists.")


def _root(context: RequestContext) -> dict[str, Any]:
    """The account's own identity, which is no user: AWS gives it no name; the model wants one."""
    return {
        "Path": "/",
        "UserName": "root",
        "UserId": context.account,
        "Arn": context.principal.arn,
        "CreateDate": datetime.fromtimestamp(0, UTC),
    }
