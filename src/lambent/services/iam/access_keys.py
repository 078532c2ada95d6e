"""Access keys of users: two each, shown whole once, sealed ever after.

Source: IAM API Reference, the page of each operation; IAM User Guide, "IAM identifiers" (AKIA).
"""

from typing import Any

from lambent.services.iam.errors import LimitExceeded, NoSuchEntity
from lambent.services.iam.model import moment
from lambent.services.iam.resource import Resource, user_name
from lambent.services.iam.store import Page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Row, Transaction
from lambent.vault import Purpose

SECRET_CHARS = 40


class AccessKeys(Resource):
    """CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed."""

    @operation("CreateAccessKey")
    async def create_access_key(self, context: RequestContext, request: Request) -> Answer:
        """A new key; the only answer that ever shows its secret."""
        name, now_ms = user_name(context, request), self.clock.now_ms()
        key_id, secret = "AKIA" + self.ids.letters(16), self.ids.secret(SECRET_CHARS)

        def work(tx: Transaction) -> str:
            user = self.store.user(tx, context.account, name)
            count = tx.one(self.store.sql.count_access_keys, user_id=user.user_id)
            if count is not None and count["number"] >= self.quotas.access_keys_per_user:
                raise LimitExceeded(f"Cannot exceed quota for AccessKeysPerUser: {self.quotas.access_keys_per_user}")
            sealed = self.vault.seal(Purpose.ACCESS_KEYS, key_id, secret.encode())
            of = {"account": user.account, "user_id": user.user_id, "created_ms": now_ms}
            tx.run(self.store.sql.add_access_key, access_key_id=key_id, secret=sealed, **of)
            return user.name

        shown = _metadata(await self.store.write(work), key_id, active=True, created_ms=now_ms)
        return {"AccessKey": {**shown, "SecretAccessKey": secret}}

    @operation("ListAccessKeys")
    async def list_access_keys(self, context: RequestContext, request: Request) -> Answer:
        """The keys of one user."""
        name, page = user_name(context, request), Page(request)

        def work(tx: Transaction) -> tuple[str, list[Row]]:
            user = self.store.user(tx, context.account, name)
            return user.name, tx.all(self.store.sql.access_keys_of, user_id=user.user_id, **page.window)

        owner, rows = await self.store.read(work)
        return page.answer(
            "AccessKeyMetadata",
            rows,
            lambda row: str(row["access_key_id"]),
            lambda row: _metadata(
                owner, row["access_key_id"], active=bool(row["active"]), created_ms=row["created_ms"]
            ),
        )

    @operation("UpdateAccessKey")
    async def update_access_key(self, context: RequestContext, request: Request) -> None:
        """Switch a key on or off; nobody believes in it any more once this has answered."""
        name, key_id = user_name(context, request), request["AccessKeyId"]
        await self._change(context, name, key_id, "set_access_key_active", active=int(request["Status"] == "Active"))

    @operation("DeleteAccessKey")
    async def delete_access_key(self, context: RequestContext, request: Request) -> None:
        """Remove a key for ever."""
        await self._change(context, user_name(context, request), request["AccessKeyId"], "remove_access_key")

    @operation("GetAccessKeyLastUsed")
    async def get_access_key_last_used(self, context: RequestContext, request: Request) -> Answer:
        """When a key last opened the door, as coarse as the edges ask for it."""
        key_id = request["AccessKeyId"]

        def work(tx: Transaction) -> tuple[str, Row]:
            row = tx.one(self.store.sql.access_key, access_key_id=key_id)
            if row is None or row["account"] != context.account:
                raise NoSuchEntity(f"The Access Key with id {key_id} cannot be found")
            user = tx.one(self.store.sql.user_by_id, user_id=row["user_id"])
            return user["name"] if user is not None else "", row

        name, row = await self.store.read(work)
        used = {"LastUsedDate": moment(row["used_ms"])} if row["used_ms"] else {}
        where = {"ServiceName": row["used_service"] or "N/A", "Region": row["used_region"] or "N/A"}
        return {"UserName": name, "AccessKeyLastUsed": {**used, **where}}

    async def _change(self, context: RequestContext, name: str, key_id: str, statement: str, **values: int) -> None:
        def work(tx: Transaction) -> None:
            user = self.store.user(tx, context.account, name)
            if not tx.run(self.store.sql[statement], user_id=user.user_id, access_key_id=key_id, **values):
                raise NoSuchEntity(f"The Access Key with id {key_id} cannot be found.")

        await self.store.write(work)
        await self.doors.forget_access_keys([key_id])


def _metadata(owner: str, key_id: str, *, active: bool, created_ms: int) -> dict[str, Any]:
    return {
        "UserName": owner,
        "AccessKeyId": key_id,
        "Status": "Active" if active else "Inactive",
        "CreateDate": moment(created_ms),
    }
