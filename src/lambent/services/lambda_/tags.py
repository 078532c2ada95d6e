"""Tags of functions and event source mappings: TagResource, UntagResource, ListTags.

Source: Lambda service model; behaviours sections 2 and 6. That `aws:` is reserved is a rule of all
AWS tags ("Tagging AWS resources", naming limits); the words for it here are ours.
"""

from collections.abc import Callable, Mapping

import msgspec

from lambent.model.function import FunctionKey
from lambent.services.lambda_ import mapping_store, store
from lambent.services.lambda_.configuration import Rules
from lambent.services.lambda_.environment_variables import is_unicode
from lambent.services.lambda_.errors import InvalidParameter, NotFound
from lambent.services.lambda_.mapping_store import EventSourceMapping
from lambent.services.lambda_.names import find_mapping, function_tagged, mapping_tagged
from lambent.services.lambda_.reach import TAG, check_reach
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Tags:
    """The tags of a function, or of an event source mapping."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("TagResource")
    async def tag_resource(self, context: RequestContext, request: Request) -> None:
        if uuid := mapping_tagged(context, request["Resource"]):
            await self._change_mapping(context, uuid, lambda tags: {**tags, **request["Tags"]})
            return
        key = function_tagged(context, request["Resource"])

        def work(tx: Transaction) -> None:
            store.function(tx, key)  # raises NotFound
            check_tags({**store.tags_of(tx, key), **request["Tags"]}, self._all.rules)
            store.put_tags(tx, key, request["Tags"])

        await self._write(key, TAG in request["Tags"], work)

    @operation("UntagResource")
    async def untag_resource(self, context: RequestContext, request: Request) -> None:
        if uuid := mapping_tagged(context, request["Resource"]):
            gone = set(request["TagKeys"])
            await self._change_mapping(
                context, uuid, lambda tags: {tag: value for tag, value in tags.items() if tag not in gone}
            )
            return
        key = function_tagged(context, request["Resource"])

        def work(tx: Transaction) -> None:
            store.function(tx, key)  # raises NotFound
            store.delete_tags(tx, key, list(request["TagKeys"]))

        await self._write(key, TAG in request["TagKeys"], work)

    async def _change_mapping(
        self, context: RequestContext, uuid: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        def work(tx: Transaction) -> None:
            mapping = _mapping(tx, context, uuid)
            tags = change(mapping.tags)
            check_plain_tags(tags, self._all.rules)
            mapping_store.put(tx, msgspec.structs.replace(mapping, tags=tags))

        await self._all.database.write(work)

    async def _write(self, key: FunctionKey, meets_invoking: bool, work: Callable[[Transaction], None]) -> None:
        """Most tags are notes; one decides what the next invocation may reach."""
        if meets_invoking:
            await self._all.changes.make(key, work)
        else:
            await self._all.database.write(work)

    @operation("ListTags")
    async def list_tags(self, context: RequestContext, request: Request) -> Answer:
        if uuid := mapping_tagged(context, request["Resource"]):
            return {"Tags": (await self._all.database.read(lambda tx: _mapping(tx, context, uuid))).tags}
        key = function_tagged(context, request["Resource"])

        def work(tx: Transaction) -> dict[str, str]:
            store.function(tx, key)  # raises NotFound
            return store.tags_of(tx, key)

        return {"Tags": await self._all.database.read(work)}


def _mapping(tx: Transaction, context: RequestContext, uuid: str) -> EventSourceMapping:
    """Raises NotFound, in the words of these operations (recorded)."""
    try:
        return find_mapping(tx, context, uuid)
    except NotFound:
        place = f"{context.region}:{context.account}"
        raise NotFound(f"Event source mapping not found: arn:aws:lambda:{place}:event-source-mapping:{uuid}") from None


def check_tags(tags: Mapping[str, str], rules: Rules) -> None:
    """Whether a function may have these and no others. Raises InvalidParameter."""
    check_reach(tags, rules.links.runtimes.egress_obstacle() if TAG in tags else None)
    check_plain_tags(tags, rules)


def check_plain_tags(tags: Mapping[str, str], rules: Rules) -> None:
    """The same for what has tags that are notes only. Raises InvalidParameter."""
    if len(tags) > rules.quotas.tags:
        raise InvalidParameter("Number of tags exceeds resource tag limit.")
    for tag, value in tags.items():
        if tag.lower().startswith("aws:"):
            raise InvalidParameter(f"Tag keys that begin with aws: are reserved: {tag}")
        if not is_unicode(tag + value):
            raise InvalidParameter("Tags may not hold half characters.")
