"""SendMessage and SendMessageBatch: a message checked, and put into its queue.

Sources: SQS API reference, SendMessage; Developer Guide, "Message quotas"; the words as the service gives them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.errors import ServiceError
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sqs import message_attributes
from lambent.services.sqs.access import live_of
from lambent.services.sqs.batches import checked_entries, failed
from lambent.services.sqs.broker import Broker
from lambent.services.sqs.checks import check_size, check_text, deduplication_id_of, group_of, md5_of_body
from lambent.services.sqs.errors import (
    BatchRequestTooLong,
    InvalidParameterValue,
    invalid,
    missing,
    wrong_kind,
)
from lambent.services.sqs.mailbox import Mailbox
from lambent.services.sqs.model import AttributeValue, Content, Outgoing, Queue, Sent

LONGEST_DELAY_S = 900
TRACE = "AWSTraceHeader"


class Sends:
    """The operations that put messages into queues."""

    def __init__(self, broker: Broker, mailbox: Mailbox) -> None:
        self._broker, self._mailbox = broker, mailbox

    @operation("SendMessage")
    async def send_message(self, ctx: RequestContext, request: Request) -> Answer:
        """Put one message into a queue."""
        live = live_of(self._broker, ctx, request, "SendMessage")
        message, _ = self._outgoing(ctx, live.queue, request)
        self._count(live.queue, [message])
        sent = await self._mailbox.send(live, [message])
        return _told(request, message, sent[0])

    @operation("SendMessageBatch")
    async def send_message_batch(self, ctx: RequestContext, request: Request) -> Answer:
        """Put up to ten messages into a queue; those that cannot be are told one by one."""
        live = live_of(self._broker, ctx, request, "SendMessage")
        good: list[tuple[Any, Outgoing]] = []
        bad: list[dict[str, Any]] = []
        total = 0
        for entry in checked_entries(request["Entries"], "SendMessageBatchRequestEntry"):
            try:
                message, size = self._outgoing(ctx, live.queue, entry)
            except ServiceError as error:
                bad.append(failed(entry, error))
                continue
            good.append((entry, message))
            total += size
        limit = self._broker.quotas.queue_message_bytes
        if total > limit:
            raise BatchRequestTooLong(
                f"Batch requests cannot be longer than {limit} bytes. You have sent {total} bytes."
            )
        messages = [message for _, message in good]
        self._count(live.queue, messages)
        sent = await self._mailbox.send(live, messages) if good else []
        told = [
            {"Id": entry["Id"]} | _told(entry, message, each) for (entry, message), each in zip(good, sent, strict=True)
        ]
        return {"Successful": told, "Failed": bad}

    def _count(self, queue: Queue, messages: Sequence[Outgoing]) -> None:
        """High throughput is counted by group."""
        if queue.settings.group_throughput:
            groups = [message.content.group for message in messages]
            self._broker.throughput.count(self._broker.clock.now_ms(), queue, "SendMessage", groups)

    def _outgoing(self, ctx: RequestContext, queue: Queue, given: Mapping[str, Any]) -> tuple[Outgoing, int]:
        """The message of a request or an entry, and its size."""
        settings, body = queue.settings, given.get("MessageBody")
        if not body:
            raise missing("MessageBody")
        check_text(body)
        attributes = message_attributes.attributes_of(given.get("MessageAttributes"))
        size = message_attributes.size_of(body, attributes)
        check_size(size, min(settings.max_bytes, self._broker.quotas.queue_message_bytes))
        content = Content(
            message_id=self._broker.ids.uuid(),
            body=body,
            md5=md5_of_body(body),
            sender_id=ctx.principal.user_id,
            attributes=attributes,
            trace_header=_trace(given) or ctx.trace_header,
            group=group_of(settings, given.get("MessageGroupId")),
            deduplication_id=deduplication_id_of(settings, given.get("MessageDeduplicationId"), body),
        )
        return Outgoing(content, _delay_s(queue, given.get("DelaySeconds"))), size


def _told(given: Mapping[str, Any], message: Outgoing, sent: Sent) -> Answer:
    content = message.content
    answer: Answer = {"MessageId": sent.message_id, "MD5OfMessageBody": content.md5}
    if content.attributes:
        answer["MD5OfMessageAttributes"] = message_attributes.md5_of(content.attributes)
    if trace_header := _trace(given):
        trace: dict[str, AttributeValue] = {TRACE: ("String", trace_header)}
        answer["MD5OfMessageSystemAttributes"] = message_attributes.md5_of(trace)
    if sent.sequence:
        answer["SequenceNumber"] = str(sent.sequence)
    return answer


def _trace(request: Mapping[str, Any]) -> str:
    """The trace header that a message is given by name; without it, that of its request counts.

    Source: SQS Developer Guide, "Sending the trace header through Amazon SQS".
    """
    given = request.get("MessageSystemAttributes")
    if not given:
        return ""
    value = given.get(TRACE, {})
    if set(given) != {TRACE} or value.get("DataType") != "String" or not value.get("StringValue"):
        raise InvalidParameterValue(f"The only message system attribute is {TRACE}, a non-empty String.")
    return str(value["StringValue"])


def _delay_s(queue: Queue, given: int | None) -> int | None:
    if given is None:
        return None
    if queue.settings.fifo and given != 0:
        raise wrong_kind("DelaySeconds", given)
    if not 0 <= given <= LONGEST_DELAY_S:
        raise invalid("DelaySeconds", given, f"DelaySeconds must be >= 0 and <= {LONGEST_DELAY_S}.")
    return None if queue.settings.fifo else given
