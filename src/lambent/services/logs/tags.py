"""Tags of log groups: TagResource, UntagResource, ListTagsForResource, and their older forms by name."""

from lambent.services.logs import store
from lambent.services.logs.errors import InvalidParameter, TooManyTags
from lambent.services.logs.names import group_name_of
from lambent.services.logs.store import SQL, place_of
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Database, Transaction

MOST = 50


class Tags:
    """The tags of log groups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("TagResource")
    async def tag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Add tags to a group, or change their values."""
        arn = request["resourceArn"]
        refusal = TooManyTags(f"A resource can have no more than {MOST} tags.", resourceName=arn)
        await self._tag(ctx, _name(ctx, arn), request["tags"], refusal)

    @operation("TagLogGroup")
    async def tag_log_group(self, ctx: RequestContext, request: Request) -> None:
        """TagResource by the name of the group."""
        refusal = InvalidParameter(f"A log group can have no more than {MOST} tags.")
        await self._tag(ctx, request["logGroupName"], request["tags"], refusal)

    @operation("UntagResource")
    async def untag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Take tags from a group; those that are not there do not matter."""
        await self._untag(ctx, _name(ctx, request["resourceArn"]), request["tagKeys"])

    @operation("UntagLogGroup")
    async def untag_log_group(self, ctx: RequestContext, request: Request) -> None:
        """UntagResource by the name of the group."""
        await self._untag(ctx, request["logGroupName"], request["tags"])

    @operation("ListTagsForResource")
    async def list_tags_for_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """The tags of a group."""
        return await self._list(ctx, _name(ctx, request["resourceArn"]))

    @operation("ListTagsLogGroup")
    async def list_tags_log_group(self, ctx: RequestContext, request: Request) -> Answer:
        """ListTagsForResource by the name of the group."""
        return await self._list(ctx, request["logGroupName"])

    async def _tag(self, ctx: RequestContext, name: str, tags: dict[str, str], refusal: Exception) -> None:
        def tag(tx: Transaction) -> None:
            group = store.group(tx, place_of(ctx), name)
            if store.set_tags(tx, group["id"], tags) > MOST:
                raise refusal

        await self._database.write(tag)

    async def _untag(self, ctx: RequestContext, name: str, keys: list[str]) -> None:
        def untag(tx: Transaction) -> None:
            group = store.group(tx, place_of(ctx), name)
            tx.run_many(SQL.delete_tag, [{"group_id": group["id"], "tag_key": key} for key in keys])

        await self._database.write(untag)

    async def _list(self, ctx: RequestContext, name: str) -> Answer:
        def tags(tx: Transaction) -> dict[str, str]:
            group = store.group(tx, place_of(ctx), name)
            return {row["tag_key"]: row["tag_value"] for row in tx.all(SQL.tags, group_id=group["id"])}

        return {"tags": await self._database.read(tags)}


def _name(ctx: RequestContext, arn: str) -> str:
    if not arn.startswith("arn:"):
        raise InvalidParameter(f"{arn} is not the ARN of a log group.")
    return group_name_of(place_of(ctx), arn)
