"""TagResource, UntagResource, ListTagsForResource: tags of topics.

Source: SNS API reference, each of them; SNS Developer Guide, "Amazon SNS topic tagging" (50 tags).
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sns import store
from lambent.services.sns.errors import NotFound, ResourceNotFound, TagLimitExceeded, invalid
from lambent.services.sns.model import Topic
from lambent.services.sns.names import topic_key
from lambent.services.sns.resource import Shop, check_access
from lambent.store.api import Transaction

MOST = 50
LONGEST_KEY, LONGEST_VALUE = 128, 256


def tags_of(given: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """The Tags of a request as a mapping. Raises InvalidParameter for a key that is there twice."""
    tags = {tag["Key"]: tag["Value"] for tag in given or ()}
    if len(tags) != len(given or ()):
        raise invalid("Duplicated keys are not allowed.")
    return tags


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """All tags of a topic. Raises InvalidParameter, TagLimitExceeded."""
    if len(tags) > MOST:
        raise TagLimitExceeded("Could not complete request: tag quota of per resource exceeded")
    for key, value in tags.items():
        if not 1 <= len(key) <= LONGEST_KEY or key.lower().startswith("aws:"):
            raise invalid("Tags", f"tag keys have 1 to {LONGEST_KEY} characters and do not start with aws:")
        if len(value) > LONGEST_VALUE:
            raise invalid("Tags", f"tag values have up to {LONGEST_VALUE} characters")
    return tags


class Tags:
    """The tags of topics."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @operation("TagResource")
    async def tag_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """Add tags, or change their values."""
        more = tags_of(request["Tags"])
        return await self._change(ctx, request, "TagResource", lambda tags: checked_tags({**tags, **more}))

    @operation("UntagResource")
    async def untag_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """Take tags away; those that are not there do not matter."""
        gone = set(request["TagKeys"])
        return await self._change(
            ctx,
            request,
            "UntagResource",
            lambda tags: {key: value for key, value in tags.items() if key not in gone},
        )

    @operation("ListTagsForResource")
    async def list_tags_for_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """The tags of a topic."""
        tags = await self._shop.database.read(lambda tx: _topic(tx, ctx, request, "ListTagsForResource").tags)
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    async def _change(
        self, ctx: RequestContext, request: Request, action: str, change: Callable[[Mapping[str, str]], dict[str, str]]
    ) -> Answer:
        def work(tx: Transaction) -> None:
            topic = _topic(tx, ctx, request, action)
            store.set_topic(tx, structs.replace(topic, tags=change(topic.tags)))

        await self._shop.write(topic_key(request["ResourceArn"], "ResourceArn"), work)
        return {}


def _topic(tx: Transaction, ctx: RequestContext, request: Request, action: str) -> Topic:
    try:
        topic = store.topic(tx, topic_key(request["ResourceArn"], "ResourceArn"))
    except NotFound:
        raise ResourceNotFound("Resource does not exist") from None
    check_access(ctx, topic, action)
    return topic
