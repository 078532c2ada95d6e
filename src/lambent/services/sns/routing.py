"""Which deliveries a message makes: the confirmed subscriptions of each topic, compiled and kept in memory.

A topic's subscriptions are read at its first message and again after each change; a reading that began before a
change is used for the message that asked and then forgotten, so a subscription that was acknowledged is met by the
next message.
"""

from typing import NamedTuple

from lambent.delivery.api import DeadLetter, Delivery
from lambent.patterns.api import AttributePolicy, BodyPolicy
from lambent.services.sns import delivery_policy, store
from lambent.services.sns.envelope import NOTIFICATION, Sealed
from lambent.services.sns.model import HTTP, Message, Subscription, Topic
from lambent.services.sns.names import FIFO, TopicKey
from lambent.services.sns.signing import Signer
from lambent.services.sns.subscription_attributes import dead_letter_queue, filter_of
from lambent.store.api import Database, Transaction

PRINCIPAL = "sns.amazonaws.com"


class Reader(NamedTuple):
    """A subscription with its filter."""

    subscription: Subscription
    filter: AttributePolicy | BodyPolicy | None

    def wants(self, message: Message) -> bool:
        if self.filter is None:
            return True
        if isinstance(self.filter, BodyPolicy):
            return self.filter.matches(message.text_for(self.subscription.protocol))
        return self.filter.matches({name: (each.kind, each.text) for name, each in message.attributes.items()})


class View(NamedTuple):
    """A topic as messages meet it."""

    topic: Topic
    readers: list[Reader]

    def deliveries(self, message: Message, signer: Signer) -> list[Delivery]:
        """What the message makes."""
        sealed = Sealed(self.topic, message, signer)
        return [
            delivery_of(self.topic, reader.subscription, message, sealed.payload(reader.subscription))
            for reader in self.readers
            if reader.wants(message)
        ]


class Router:
    """Keeps the views of the topics."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._views: dict[TopicKey, View] = {}
        self._changes = 0

    def changed(self, key: TopicKey) -> None:
        """Told after each change to a topic or its subscriptions, before it is acknowledged."""
        self._changes += 1
        self._views.pop(key, None)

    async def view(self, key: TopicKey) -> View:
        """The topic as it is now. Raises NotFound."""
        return self._views.get(key) or await self._load(key)

    async def _load(self, key: TopicKey) -> View:
        before = self._changes
        view = await self._database.read(lambda tx: _read(tx, key))
        if before == self._changes:
            self._views[key] = view
        return view


def delivery_of(topic: Topic, to: Subscription, message: Message, payload: bytes, kind: str = NOTIFICATION) -> Delivery:
    """What one subscription is sent."""
    queue = to.attributes.get("RedrivePolicy")
    attributes = message.attributes if to.raw else {}
    values = {name: each.text for name, each in attributes.items()}
    types = {name: each.kind for name, each in attributes.items() if each.kind != "String"}
    retries, age_s, pace = delivery_policy.PATIENT_RETRIES, delivery_policy.PATIENT_AGE_S, delivery_policy.PATIENT
    options = {"TraceHeader": message.trace_header} if message.trace_header else {}
    if to.protocol in HTTP:
        http = delivery_policy.http_policy(
            topic.attributes.get("DeliveryPolicy", ""), to.attributes.get("DeliveryPolicy", "")
        )
        retries, age_s, pace = http.retries, delivery_policy.HTTP_AGE_S, http.pace
        options |= _headers(topic, to, message, kind) | {"content-type": http.content_type}
    return Delivery(
        account=topic.key.account,
        region=topic.key.region,
        target_arn=to.endpoint,
        payload=payload,
        source_arn=topic.arn,
        principal=PRINCIPAL,
        accepted_ms=message.sent_ms,
        attributes=values,
        attribute_types=types,
        options=options | _fifo_ids(to.endpoint, message),
        max_retries=retries,
        max_age_s=age_s,
        pace=pace,
        line=f"{to.arn} {message.group}" if message.group else "",
        dead_letter=_dead_letter(topic, queue, payload, message, (values, types)) if queue else None,
    )


def _dead_letter(
    topic: Topic, policy: str, payload: bytes, message: Message, attributes: tuple[dict[str, str], dict[str, str]]
) -> DeadLetter:
    """What could not be delivered, as it would have been. Source: SNS Developer Guide, "Dead-letter queues"."""
    queue = dead_letter_queue(topic.key, policy)
    values, types = attributes
    return DeadLetter(queue, payload, values, explained=False, attribute_types=types, options=_fifo_ids(queue, message))


def _fifo_ids(queue: str, message: Message) -> dict[str, str]:
    if not message.group or not queue.endswith(FIFO):
        return {}
    return {"MessageGroupId": message.group, "MessageDeduplicationId": message.deduplication_id}


def _headers(topic: Topic, to: Subscription, message: Message, kind: str) -> dict[str, str]:
    """Source: SNS Developer Guide, "Parsing Amazon SNS message formats", HTTP/HTTPS headers."""
    headers = {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message.id,
        "x-amz-sns-topic-arn": topic.arn,
    }
    if kind == NOTIFICATION:
        headers["x-amz-sns-subscription-arn"] = to.arn
        if to.raw:
            headers["x-amz-sns-rawdelivery"] = "true"
    return headers


def _read(tx: Transaction, key: TopicKey) -> View:
    topic = store.topic(tx, key)
    return View(topic, [Reader(each, filter_of(each.attributes)) for each in store.confirmed(tx, topic)])
