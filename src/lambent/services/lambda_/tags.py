"""Tags of functions: TagResource, UntagResource, ListTags.

Source: Lambda service model; behaviours sections 2 and 6. That `aws:` is reserved is a rule of all
AWS tags ("Tagging AWS resources", naming limits); the words for it here are ours.
"""

from collections.abc import Mapping

from lambent.services.lambda_ import store
from lambent.services.lambda_.environment_variables import is_unicode
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.names import function_tagged
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Tags:
    """The tags of a function."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("TagResource")
    async def tag_resource(self, context: RequestContext, request: Request) -> None:
        key = function_tagged(context, request["Resource"])
        most = self._all.rules.quotas.tags

        def work(tx: Transaction) -> None:
            store.function(tx, key)  # raises NotFound
            check_tags({**store.tags_of(tx, key), **request["Tags"]}, most)
            store.put_tags(tx, key, request["Tags"])

        await self._all.database.write(work)

    @operation("UntagResource")
    async def untag_resource(self, context: RequestContext, request: Request) -> None:
        key = function_tagged(context, request["Resource"])

        def work(tx: Transaction) -> None:
            store.function(tx, key)  # raises NotFound
            store.delete_tags(tx, key, list(request["TagKeys"]))

        await self._all.database.write(work)

    @operation("ListTags")
    async def list_tags(self, context: RequestContext, request: Request) -> Answer:
        key = function_tagged(context, request["Resource"])

        def work(tx: Transaction) -> dict[str, str]:
            store.function(tx, key)  # raises NotFound
            return store.tags_of(tx, key)

        return {"Tags": await self._all.database.read(work)}


def check_tags(tags: Mapping[str, str], most: int) -> None:
    """Whether a function may have these and no others. Raises InvalidParameter."""
    if len(tags) > most:
        raise InvalidParameter("Number of tags exceeds resource tag limit.")
    for tag, value in tags.items():
        if tag.lower().startswith("aws:"):
            raise InvalidParameter(f"Tag keys that begin with aws: are reserved: {tag}")
        if not is_unicode(tag + value):
            raise InvalidParameter("Tags may not hold half characters.")
