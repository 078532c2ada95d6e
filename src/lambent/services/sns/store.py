"""The tables of SNS, over a Transaction; the only module that knows its SQL."""

from collections.abc import Mapping

from msgspec import json

from lambent.services.sns.errors import no_subscription, no_topic
from lambent.services.sns.model import Subscription, Topic
from lambent.services.sns.names import TopicKey
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.services.sns"
SQL = load_queries(PACKAGE)
_texts = json.Decoder(dict[str, str]).decode
_subscription = json.Decoder(Subscription).decode


def find_topic(tx: Transaction, key: TopicKey) -> Topic | None:
    """The topic, if there is one."""
    row = tx.one(SQL.topic, account=key.account, region=key.region, name=key.name)
    return None if row is None else _topic(row)


def topic(tx: Transaction, key: TopicKey) -> Topic:
    """The topic. Raises NotFound."""
    found = find_topic(tx, key)
    if found is None:
        raise no_topic()
    return found


def topics_after(tx: Transaction, account: str, region: str, after: str, count: int) -> list[Topic]:
    """The first topics by name behind `after`."""
    return [_topic(row) for row in tx.all(SQL.topics_after, account=account, region=region, after=after, count=count)]


def count_topics(tx: Transaction, account: str, region: str) -> int:
    row = tx.one(SQL.count_topics, account=account, region=region)
    return 0 if row is None else int(row["topics"])


def add_topic(tx: Transaction, key: TopicKey, attributes: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Make the topic."""
    place = {"account": key.account, "region": key.region, "name": key.name}
    tx.run(SQL.add_topic, **place, attributes=_text(attributes), tags=_text(tags))


def set_topic(tx: Transaction, wanted: Topic) -> None:
    """Change its attributes and tags."""
    tx.run(SQL.set_topic, id=wanted.id, attributes=_text(wanted.attributes), tags=_text(wanted.tags))


def delete_topic(tx: Transaction, gone: Topic) -> None:
    """With its subscriptions and all that is known of its messages."""
    tx.run(SQL.delete_topic, id=gone.id)


def subscription(tx: Transaction, arn: str, now_ms: int) -> Subscription:
    """The subscription. Raises NotFound."""
    row = tx.one(SQL.subscription, arn=arn, now_ms=now_ms)
    if row is None:
        raise no_subscription()
    return _subscription(row["body"])


def same_subscription(tx: Transaction, of: Topic, protocol: str, endpoint: str) -> Subscription | None:
    """The subscription of that endpoint, if there is one."""
    row = tx.one(SQL.same_subscription, topic_id=of.id, protocol=protocol, endpoint=endpoint)
    return None if row is None else _subscription(row["body"])


def confirmed(tx: Transaction, of: Topic) -> list[Subscription]:
    """The subscriptions that get messages."""
    return [_subscription(row["body"]) for row in tx.all(SQL.confirmed, topic_id=of.id)]


def of_topic_after(tx: Transaction, of: Topic, after: str, now_ms: int, count: int) -> list[Subscription]:
    """The first subscriptions of a topic behind `after`, pending ones too."""
    rows = tx.all(SQL.of_topic_after, topic_id=of.id, after=after, now_ms=now_ms, count=count)
    return [_subscription(row["body"]) for row in rows]


def of_owner_after(tx: Transaction, owner: tuple[str, str], after: str, now_ms: int, count: int) -> list[Subscription]:
    """The same of an account in a Region."""
    rows = tx.all(SQL.of_owner_after, owner=owner[0], region=owner[1], after=after, now_ms=now_ms, count=count)
    return [_subscription(row["body"]) for row in rows]


def count_subscriptions(tx: Transaction, of: Topic, now_ms: int, *, pending: bool) -> int:
    row = tx.one(SQL.count_subscriptions, topic_id=of.id, pending=int(pending), now_ms=now_ms)
    return 0 if row is None else int(row["subscriptions"])


def put_subscription(tx: Transaction, of: Topic, wanted: Subscription) -> None:
    """Make the subscription, or change it."""
    tx.run(
        SQL.put_subscription,
        arn=wanted.arn,
        topic_id=of.id,
        owner=wanted.owner,
        region=wanted.topic.region,
        protocol=wanted.protocol,
        endpoint=wanted.endpoint,
        pending=int(wanted.pending),
        expires_ms=wanted.expires_ms,
        body=json.encode(wanted).decode(),
    )


def delete_subscription(tx: Transaction, of: Topic, arn: str) -> None:
    """End the subscription."""
    tx.run(SQL.delete_subscription, arn=arn)
    tx.run(SQL.count_deleted, id=of.id)


def delete_expired(tx: Transaction, of: Topic, now_ms: int) -> None:
    """End the subscriptions that nobody confirmed in time."""
    tx.run(SQL.delete_expired, topic_id=of.id, now_ms=now_ms)


def advance(tx: Transaction, of: Topic, count: int) -> int:
    """Count so many messages; the number of the first."""
    row = tx.one(SQL.sequence, id=of.id)
    if row is None:
        raise no_topic()
    tx.run(SQL.advance, id=of.id, count=count)
    return int(row["sequence"])


def duplicate(tx: Transaction, of: Topic, scope: str, deduplication_id: str, now_ms: int) -> tuple[str, int] | None:
    """The id and sequence number of the message that was published with this id before."""
    row = tx.one(SQL.duplicate, topic_id=of.id, scope=scope, deduplication_id=deduplication_id, now_ms=now_ms)
    return None if row is None else (row["message_id"], row["sequence"])


def _topic(row: Row) -> Topic:
    key = TopicKey(row["account"], row["region"], row["name"])
    return Topic(row["id"], key, _texts(row["attributes"]), _texts(row["tags"]), row["deleted"])


def _text(texts: Mapping[str, str]) -> str:
    return json.encode(texts).decode()
