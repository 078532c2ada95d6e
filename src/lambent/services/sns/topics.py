"""CreateTopic, DeleteTopic, ListTopics, GetTopicAttributes, SetTopicAttributes.

Sources: SNS API reference, each of them; the words as the service gives them.
"""

from msgspec import structs

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sns import store, topic_attributes
from lambent.services.sns.errors import TopicLimitExceeded, invalid, refused
from lambent.services.sns.model import Topic
from lambent.services.sns.names import TopicKey, check_name, topic_key
from lambent.services.sns.pages import SIZE, after, page
from lambent.services.sns.resource import Shop, check_access
from lambent.services.sns.tags import checked_tags, tags_of
from lambent.store.api import Transaction

FIXED = ("FifoTopic",)


class Topics:
    """The topics of every account and Region."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @operation("CreateTopic")
    async def create_topic(self, ctx: RequestContext, request: Request) -> Answer:
        """Make a topic; one that is there with the same attributes and tags is answered as if it were new."""
        key = TopicKey(ctx.account, ctx.region, request["Name"])
        check_name(key.name)
        if request.get("DataProtectionPolicy"):
            raise refused("The data protection policy")
        given = dict(request.get("Attributes") or {})
        attributes = topic_attributes.checked(key, given)
        if key.fifo and attributes.pop("FifoTopic", "false") != "true":
            raise invalid("Topic Name")
        attributes.pop("FifoTopic", None)
        tags = checked_tags(tags_of(request.get("Tags")))

        def work(tx: Transaction) -> None:
            existing = store.find_topic(tx, key)
            if existing is not None:
                _check_same(existing, attributes, tags)
                return
            if store.count_topics(tx, key.account, key.region) >= self._shop.quotas.topics:
                raise TopicLimitExceeded("Topic limit exceeded")
            store.add_topic(tx, key, {name: value for name, value in attributes.items() if value}, tags)

        await self._shop.write(key, work)
        return {"TopicArn": key.arn}

    @operation("DeleteTopic")
    async def delete_topic(self, ctx: RequestContext, request: Request) -> None:
        """Delete a topic with its subscriptions; one that is not there does not matter."""
        key = topic_key(request["TopicArn"])

        def work(tx: Transaction) -> None:
            topic = store.find_topic(tx, key)
            if topic is not None:
                check_access(ctx, topic, "DeleteTopic")
                store.delete_topic(tx, topic)

        await self._shop.write(key, work)

    @operation("ListTopics")
    async def list_topics(self, ctx: RequestContext, request: Request) -> Answer:
        """The caller's topics, by name."""
        behind = after(request)
        found = await self._shop.database.read(
            lambda tx: store.topics_after(tx, ctx.account, ctx.region, behind, SIZE + 1)
        )
        return page("Topics", found, lambda topic: topic.key.name, lambda topic: {"TopicArn": topic.arn})

    @operation("GetTopicAttributes")
    async def get_topic_attributes(self, ctx: RequestContext, request: Request) -> Answer:
        """All attributes, and how many subscriptions there are."""
        key, now_ms = topic_key(request["TopicArn"]), self._shop.clock.now_ms()

        def work(tx: Transaction) -> dict[str, str]:
            topic = store.topic(tx, key)
            check_access(ctx, topic, "GetTopicAttributes")
            counts = {
                "SubscriptionsConfirmed": store.count_subscriptions(tx, topic, now_ms, pending=False),
                "SubscriptionsPending": store.count_subscriptions(tx, topic, now_ms, pending=True),
                "SubscriptionsDeleted": topic.deleted,
            }
            return topic_attributes.shown(topic, counts)

        return {"Attributes": await self._shop.database.read(work)}

    @operation("SetTopicAttributes")
    async def set_topic_attributes(self, ctx: RequestContext, request: Request) -> None:
        """Set one attribute, or take it away; it holds for the next message."""
        key, name = topic_key(request["TopicArn"]), request["AttributeName"]
        if name in FIXED:
            raise invalid("AttributeName")
        changed = topic_attributes.checked(key, {name: request.get("AttributeValue") or ""})

        def work(tx: Transaction) -> None:
            topic = store.topic(tx, key)
            check_access(ctx, topic, "SetTopicAttributes")
            merged = {name: value for name, value in {**topic.attributes, **changed}.items() if value}
            store.set_topic(tx, structs.replace(topic, attributes=merged))

        await self._shop.write(key, work)


def _check_same(topic: Topic, attributes: dict[str, str], tags: dict[str, str]) -> None:
    present = topic_attributes.shown(topic, {})
    for name, value in attributes.items():
        if present.get(name, "") != value:
            raise invalid("Attributes", "Topic already exists with different attributes")
    if tags and tags != dict(topic.tags):
        raise invalid("Tags", "Topic already exists with different tags")
