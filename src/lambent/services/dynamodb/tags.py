"""TagResource, UntagResource, ListTagsOfResource.

Sources: DynamoDB API reference, TagResource; Developer Guide, "Tagging restrictions in DynamoDB".
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from lambent.services.dynamodb.catalog import Catalog
from lambent.services.dynamodb.errors import invalid
from lambent.services.dynamodb.model import Table
from lambent.services.dynamodb.names import key_of_arn
from lambent.services.operation import Answer, Request, RequestContext, operation

MOST = 50


def checked_tags(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The tags by key. Raises ValidationError."""
    found: dict[str, str] = {}
    for tag in tags:
        if tag["Key"] in found:
            raise invalid(f"One or more parameter values were invalid: Duplicate tag key: {tag['Key']}")
        if tag["Key"].lower().startswith("aws:"):
            raise invalid(f"One or more parameter values were invalid: Tag key cannot start with aws: {tag['Key']}")
        found[tag["Key"]] = tag["Value"]
    return _not_too_many(found)


def _not_too_many(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MOST:
        raise invalid(f"One or more parameter values were invalid: Too many tags: a table can have up to {MOST}")
    return tags


class Tags:
    """The tags of tables."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("TagResource")
    async def tag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Add tags, or change their values."""
        new = checked_tags(request["Tags"])
        await self._set(ctx, request, lambda tags: _not_too_many(tags | new))

    @operation("UntagResource")
    async def untag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Take tags away; those that are not there do not matter."""
        gone = set(request["TagKeys"])
        await self._set(ctx, request, lambda tags: {key: value for key, value in tags.items() if key not in gone})

    @operation("ListTagsOfResource")
    async def list_tags_of_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """The tags of a table; they are few enough for one page."""
        table = self._catalog.find(key_of_arn(ctx, request["ResourceArn"])).table
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(table.tags.items())]}

    async def _set(
        self, ctx: RequestContext, request: Request, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        def plan(table: Table) -> tuple[Table, Callable[[object], None]]:
            return msgspec.structs.replace(table, tags=change(table.tags)), lambda _: None

        await self._catalog.change(key_of_arn(ctx, request["ResourceArn"]), plan)
