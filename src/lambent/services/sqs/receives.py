"""ReceiveMessage, DeleteMessage(Batch), ChangeMessageVisibility(Batch).

Sources: SQS API reference, each of them; the words as the service gives them.
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sqs import message_attributes
from lambent.services.sqs.access import live_of
from lambent.services.sqs.batches import checked_entries, told
from lambent.services.sqs.broker import Broker
from lambent.services.sqs.checks import token
from lambent.services.sqs.errors import InvalidAttributeName, invalid, missing, wrong_kind
from lambent.services.sqs.mailbox import Mailbox, Wish
from lambent.services.sqs.model import Received

MOST = 10
LONGEST_WAIT_S = 20
LONGEST_VISIBILITY_S = 43_200
SYSTEM_ATTRIBUTES = (
    *("SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber"),
    *("MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn"),
)
ALSO_NAMED = frozenset({"All", "SqsManagedSseEnabled"})  # the first means all, the second is shown by queues only


class Receives:
    """The operations of receivers."""

    def __init__(self, broker: Broker, mailbox: Mailbox) -> None:
        self._broker, self._mailbox = broker, mailbox

    @operation("ReceiveMessage")
    async def receive_message(self, ctx: RequestContext, request: Request) -> Answer:
        """Take up to ten messages, waiting for the first if asked to."""
        live = live_of(self._broker, ctx, request, "ReceiveMessage")
        wanted = _system_attributes(request)
        fifo = live.queue.settings.fifo
        received = await self._mailbox.receive(live, _wish(request, fifo))
        names = request.get("MessageAttributeNames") or ()
        messages = [_message(each, wanted, names, fifo) for each in received]
        return {"Messages": messages} if messages else {}

    @operation("DeleteMessage")
    async def delete_message(self, ctx: RequestContext, request: Request) -> None:
        """Delete a message by the handle of its latest receive."""
        live = live_of(self._broker, ctx, request, "DeleteMessage")
        (error,) = await self._mailbox.delete(live, [request["ReceiptHandle"]])
        if error is not None:
            raise error

    @operation("DeleteMessageBatch")
    async def delete_message_batch(self, ctx: RequestContext, request: Request) -> Answer:
        """Delete up to ten messages; those that cannot be are told one by one."""
        live = live_of(self._broker, ctx, request, "DeleteMessage")
        entries = checked_entries(request["Entries"], "DeleteMessageBatchRequestEntry")
        return told(entries, await self._mailbox.delete(live, [entry["ReceiptHandle"] for entry in entries]))

    @operation("ChangeMessageVisibility")
    async def change_message_visibility(self, ctx: RequestContext, request: Request) -> None:
        """Hide a message for so many seconds from now; zero makes it visible."""
        live = live_of(self._broker, ctx, request, "ChangeMessageVisibility")
        seconds = _visibility_s(request["VisibilityTimeout"])
        (error,) = await self._mailbox.change_visibility(live, [(request["ReceiptHandle"], seconds)])
        if error is not None:
            raise error

    @operation("ChangeMessageVisibilityBatch")
    async def change_message_visibility_batch(self, ctx: RequestContext, request: Request) -> Answer:
        """Change the visibility of up to ten messages; those that cannot be are told one by one."""
        live = live_of(self._broker, ctx, request, "ChangeMessageVisibility")
        entries = checked_entries(request["Entries"], "ChangeMessageVisibilityBatchRequestEntry")
        for entry in entries:
            if entry.get("VisibilityTimeout") is None:
                raise missing("ChangeMessageVisibilityBatchRequestEntry.VisibilityTimeout")
        changes = [(entry["ReceiptHandle"], _visibility_s(entry["VisibilityTimeout"])) for entry in entries]
        return told(entries, await self._mailbox.change_visibility(live, changes))


def _wish(request: Request, fifo: bool) -> Wish:
    most, wait_s = request.get("MaxNumberOfMessages"), request.get("WaitTimeSeconds")
    visibility_s, attempt = request.get("VisibilityTimeout"), request.get("ReceiveRequestAttemptId") or ""
    if most is not None and not 1 <= most <= MOST:
        raise invalid("MaxNumberOfMessages", most, f"Must be between 1 and {MOST}, if provided.")
    if wait_s is not None and not 0 <= wait_s <= LONGEST_WAIT_S:
        raise invalid("WaitTimeSeconds", wait_s, f"Must be >= 0 and <= {LONGEST_WAIT_S}, if provided.")
    if visibility_s is not None and not 0 <= visibility_s <= LONGEST_VISIBILITY_S:
        raise invalid("VisibilityTimeout", visibility_s, f"Must be >= 0 and <= {LONGEST_VISIBILITY_S}, if provided.")
    if attempt and not fifo:
        raise wrong_kind("ReceiveRequestAttemptId", attempt)
    if attempt:
        token("ReceiveRequestAttemptId", attempt)
    return Wish(most or 1, visibility_s, wait_s, attempt)


def _visibility_s(seconds: int) -> int:
    if not 0 <= seconds <= LONGEST_VISIBILITY_S:
        reason = f"VisibilityTimeout must be an integer between 0 and {LONGEST_VISIBILITY_S}"
        raise invalid("VisibilityTimeout", seconds, reason)
    return seconds


def _system_attributes(request: Request) -> frozenset[str]:
    names = {*(request.get("AttributeNames") or ()), *(request.get("MessageSystemAttributeNames") or ())}
    unknown = names - set(SYSTEM_ATTRIBUTES) - ALSO_NAMED
    if unknown:
        raise InvalidAttributeName(f"Unknown Attribute {min(unknown)}.")
    return frozenset(SYSTEM_ATTRIBUTES) if "All" in names else frozenset(names)


def _message(received: Received, wanted: frozenset[str], names: Any, fifo: bool) -> dict[str, Any]:
    content = received.content
    message: dict[str, Any] = {
        "MessageId": content.message_id,
        "ReceiptHandle": received.handle,
        "MD5OfBody": content.md5,
        "Body": content.body,
    }
    if wanted:
        shown = {name: value for name, value in system_attributes(received, fifo).items() if name in wanted and value}
        if shown:
            message["Attributes"] = shown
    chosen = message_attributes.chosen(content.attributes, names)
    if chosen:
        message["MD5OfMessageAttributes"] = message_attributes.md5_of(chosen)
        message["MessageAttributes"] = message_attributes.shown(chosen)
    return message


def system_attributes(received: Received, fifo: bool) -> Mapping[str, str]:
    """All that a message has, by their names; "" for what it lacks."""
    content = received.content
    return {
        "SenderId": content.sender_id,
        "SentTimestamp": str(received.sent_ms),
        "ApproximateReceiveCount": str(received.all_receives),
        "ApproximateFirstReceiveTimestamp": str(received.first_received_ms),
        "SequenceNumber": str(received.sequence) if fifo else "",
        "MessageDeduplicationId": content.deduplication_id,
        "MessageGroupId": content.group,
        "AWSTraceHeader": content.trace_header,
        "DeadLetterQueueSourceArn": content.dead_letter_source,
    }
