"""TagResource, UntagResource, ListTagsForResource: tags of buses and rules."""

from lambent.services.events import store
from lambent.services.events.errors import LimitExceeded, NotFound
from lambent.services.events.names import rule_of_arn
from lambent.services.events.resource import MOST_TAGS, Resource, tags_of
from lambent.services.events.store import SQL
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Tags(Resource):
    """The tags of buses and rules."""

    @operation("TagResource")
    async def tag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Add tags, or change their values."""
        arn, tags = request["ResourceARN"], tags_of(request)

        def work(tx: Transaction) -> None:
            _check_exists(tx, ctx, arn)
            if store.set_tags(tx, arn, tags) > MOST_TAGS:
                raise LimitExceeded(f"A resource can have no more than {MOST_TAGS} tags.")

        await self.database.write(work)

    @operation("UntagResource")
    async def untag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Take tags away; those that are not there do not matter."""
        arn, keys = request["ResourceARN"], request["TagKeys"]

        def work(tx: Transaction) -> None:
            _check_exists(tx, ctx, arn)
            tx.run_many(SQL.delete_tag, [{"arn": arn, "tag_key": key} for key in keys])

        await self.database.write(work)

    @operation("ListTagsForResource")
    async def list_tags_for_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """The tags of a bus or rule."""
        arn = request["ResourceARN"]

        def work(tx: Transaction) -> Answer:
            _check_exists(tx, ctx, arn)
            return {"Tags": [{"Key": row["tag_key"], "Value": row["tag_value"]} for row in tx.all(SQL.tags, arn=arn)]}

        return await self.database.read(work)


def _check_exists(tx: Transaction, ctx: RequestContext, arn: str) -> None:
    found = rule_of_arn(ctx, arn)
    if found is None:
        raise NotFound(f"Resource {arn} does not exist.")
    bus, rule_name = found
    if rule_name:
        store.rule(tx, bus, rule_name)
    else:
        store.bus(tx, bus)
