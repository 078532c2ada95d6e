"""Publish, PublishBatch, and what Lambent's other services send to a topic.

Sources: SNS API reference, Publish and PublishBatch; SNS Developer Guide, "Amazon SNS quotas" (256 KB for a message
with its attributes, and for a batch); the words as the service gives them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from lambent.errors import Fault, ServiceError
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sns.errors import (
    AuthorizationError,
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    NotFound,
    TooManyEntriesInBatchRequest,
    invalid,
    refused,
)
from lambent.services.sns.fifo import Fifo
from lambent.services.sns.messages import message_of, size_of
from lambent.services.sns.model import Attribute, Given, Message
from lambent.services.sns.names import TopicKey, topic_key
from lambent.services.sns.resource import Shop, check_access, service_may_publish
from lambent.services.sns.routing import View

MOST_ENTRIES = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)


class Sender(Struct, frozen=True):
    """A service that publishes on behalf of a resource. With a role that it acts as it is `trusted`."""

    service: str
    source_arn: str
    account: str
    trusted: bool = False


class Publisher:
    """Takes messages in."""

    def __init__(self, shop: Shop) -> None:
        self._shop, self._fifo = shop, Fifo(shop)

    @operation("Publish")
    async def publish(self, ctx: RequestContext, request: Request) -> Answer:
        """Accept one message; it is on its way to every subscription that wants it."""
        view = await self._view(ctx, _target(request))
        self._check_size(size_of(request))
        (told,) = await self._accept(view, [self._message(ctx, view, request)])
        return _told(told)

    @operation("PublishBatch")
    async def publish_batch(self, ctx: RequestContext, request: Request) -> Answer:
        """Accept up to ten messages; those that cannot be are told one by one."""
        view = await self._view(ctx, topic_key(request["TopicArn"]))
        entries = checked_entries(request["PublishBatchRequestEntries"])
        most = self._shop.quotas.publish_bytes
        if sum(map(size_of, entries)) > most:
            raise BatchRequestTooLong("The length of all the messages put together is more than the limit.")
        good: list[tuple[Given, Message]] = []
        bad: list[Answer] = []
        for entry in entries:
            try:
                good.append((entry, self._message(ctx, view, entry)))
            except ServiceError as error:
                bad.append(_failed(entry, error))
        told = await self._accept(view, [message for _, message in good]) if good else []
        answers = [{"Id": entry["Id"]} | _told(each) for (entry, _), each in zip(good, told, strict=True)]
        return {"Successful": answers, "Failed": bad}

    async def publish_for(
        self, sender: Sender, topic_arn: str, given: Given, attributes: Mapping[str, Attribute], trace_header: str = ""
    ) -> str:
        """Publish for another service the Message, and the Subject if there is one; the MessageId, once it is on disk.

        Raises:
            NotFound: there is no such topic.
            AuthorizationError: the topic's policy does not let the sender.
            InvalidParameter: the message is empty or too long, or it is a FIFO topic, which needs a group.
        """
        view = await self._shop.router.view(topic_key(topic_arn))
        topic = view.topic
        if not sender.trusted and not service_may_publish(topic, sender.service, sender.source_arn, sender.account):
            raise AuthorizationError(
                f"The policy of {topic.arn} does not let {sender.service} for {sender.source_arn} publish to it."
            )
        parts = [*given.values(), *(part for name, each in attributes.items() for part in (name, *each))]
        self._check_size(sum(len(part.encode()) for part in parts))
        message = message_of(topic, given, self._shop.ids.uuid(), self._shop.clock.now_ms())
        message = structs.replace(message, attributes=dict(attributes), trace_header=trace_header)
        (told,) = await self._accept(view, [message])
        return told.id

    async def is_there(self, topic_arn: str) -> bool:
        """Whether there is such a topic."""
        try:
            return bool(await self._shop.router.view(topic_key(topic_arn)))
        except NotFound:
            return False

    async def _view(self, ctx: RequestContext, key: TopicKey) -> View:
        view = await self._shop.router.view(key)
        check_access(ctx, view.topic, "Publish")
        return view

    def _message(self, ctx: RequestContext, view: View, given: Given) -> Message:
        message = message_of(view.topic, given, self._shop.ids.uuid(), self._shop.clock.now_ms())
        return structs.replace(message, trace_header=ctx.trace_header) if ctx.trace_header else message

    async def _accept(self, view: View, messages: Sequence[Message]) -> list[Message]:
        if view.topic.key.fifo:
            return await self._fifo.accept(view, messages)
        signer = self._shop.links.signer
        await self._shop.links.outbox.put([each for one in messages for each in view.deliveries(one, signer)])
        return list(messages)

    def _check_size(self, size: int) -> None:
        if size > self._shop.quotas.publish_bytes:
            raise invalid("Message too long")


def checked_entries(entries: Sequence[Given] | None) -> Sequence[Given]:
    """The entries of a batch, one to ten with good and distinct ids."""
    if not entries:
        raise EmptyBatchRequest("The batch request doesn't contain any entries.")
    if len(entries) > MOST_ENTRIES:
        raise TooManyEntriesInBatchRequest("The batch request contains more entries than permissible.")
    seen: set[str] = set()
    for entry in entries:
        if not _ID.fullmatch(entry["Id"]):
            raise InvalidBatchEntryId("The Id of a batch entry in a batch request doesn't abide by the specification.")
        if entry["Id"] in seen:
            raise BatchEntryIdsNotDistinct("Two or more batch entries in the request have the same Id.")
        seen.add(entry["Id"])
    return entries


def _target(request: Request) -> TopicKey:
    if request.get("PhoneNumber"):
        raise refused("Publishing to a PhoneNumber")
    arn = request.get("TopicArn") or request.get("TargetArn")
    if not arn:
        raise invalid("TopicArn or TargetArn", "no value for required parameter")
    if ":endpoint/" in arn:
        raise refused("Publishing to a mobile endpoint")
    return topic_key(arn, "TopicArn" if request.get("TopicArn") else "TargetArn")


def _told(message: Message) -> dict[str, Any]:
    answer: dict[str, Any] = {"MessageId": message.id}
    if message.sequence:
        answer["SequenceNumber"] = str(message.sequence)
    return answer


def _failed(entry: Given, error: ServiceError) -> Answer:
    code = error.code.removesuffix("Exception")
    sender = error.fault is Fault.CALLER
    return {"Id": entry["Id"], "Code": code, "Message": error.message, "SenderFault": sender}
