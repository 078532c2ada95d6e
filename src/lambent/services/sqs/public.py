"""Queues for Lambent's other services: deliver to them, poll them. Addressed by ARN.

A deliverer asks `allows` first, as a service principal: a queue's policy decides whether SNS, EventBridge or S3 may
send to it. Who acts with a role (Lambda's destinations, dead-letter queues and pollers) needs no such policy in the
queue's own account.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from lambent.errors import ServiceError
from lambent.services.resource_policy import Question, decision
from lambent.services.sqs.attributes import QueueSettings
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.census import Counts
from lambent.services.sqs.checks import check_size, check_text, deduplication_id_of, group_of, md5_of_body
from lambent.services.sqs.errors import QueueDoesNotExist
from lambent.services.sqs.mailbox import Mailbox, Wish
from lambent.services.sqs.message_attributes import size_of
from lambent.services.sqs.model import AttributeValue, Content, Outgoing, Received
from lambent.services.sqs.names import key_of_arn


class Delivery(Struct, frozen=True):
    """A message that another service sends. `group` and `deduplication_id` are for FIFO queues only."""

    body: str
    sender_id: str = ""
    attributes: Mapping[str, AttributeValue] = {}
    trace_header: str = ""
    group: str | None = None
    deduplication_id: str | None = None


class PublicQueues:
    """What other services may do with queues."""

    def __init__(self, broker: Broker, mailbox: Mailbox) -> None:
        self._broker, self._mailbox = broker, mailbox

    def exists(self, arn: str) -> bool:
        """Whether `arn` is that of a queue which is there."""
        try:
            return bool(self._live(arn))
        except QueueDoesNotExist:
            return False

    async def is_there(self, arn: str) -> bool:
        """The same for who asks every service alike."""
        return self.exists(arn)

    def allows(self, arn: str, service: str, source_arn: str, source_account: str) -> bool:
        """Whether the queue's policy lets a service, such as sns.amazonaws.com, send on behalf of a resource."""
        queue = self._live(arn).queue
        context = {
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": source_account,
            "aws:principalisawsservice": "true",
            "aws:securetransport": "true",
        }
        question = Question("Service", service, source_account, "sqs:SendMessage", queue.arn, context)
        return decision(queue.settings.policy, question) == "Allow"

    async def send(self, arn: str, delivery: Delivery) -> str:
        """Put a message into a queue; its MessageId, once it is on disk.

        Raises:
            QueueDoesNotExist: there is none.
            ServiceError: the message is too long, has characters that SQS does not take, or has or lacks what only a
                FIFO queue needs.
        """
        live = self._live(arn)
        settings, body = live.queue.settings, delivery.body
        check_text(body)
        check_size(size_of(body, delivery.attributes), settings.max_bytes)
        content = Content(
            message_id=self._broker.ids.uuid(),
            body=body,
            md5=md5_of_body(body),
            sender_id=delivery.sender_id,
            attributes=dict(delivery.attributes),
            trace_header=delivery.trace_header,
            group=group_of(settings, delivery.group),
            deduplication_id=deduplication_id_of(settings, delivery.deduplication_id, body),
        )
        (sent,) = await self._mailbox.send(live, [Outgoing(content)])
        return sent.message_id

    async def receive(
        self, arn: str, most: int, *, wait_s: float = 0.0, visibility_s: int | None = None
    ) -> list[Received]:
        """Take up to `most` messages (no limit of ten here), waiting up to `wait_s` for the first."""
        return await self._mailbox.receive(self._live(arn), Wish(most, visibility_s, wait_s))

    def version(self, arn: str) -> int:
        """A number that changes with whatever makes a message visible, for `wait`."""
        line = self._live(arn).line
        line.settle()
        return line.version

    async def wait(self, arn: str, version: int, seconds: float) -> None:
        """Return when `version` is another, or the time is up; nothing is taken, so it may be cancelled."""
        await self._mailbox.wait(self._live(arn), version, seconds)

    async def delete(self, arn: str, handles: Sequence[str]) -> list[ServiceError | None]:
        """Delete messages by the handles of their receives; what was refused, in order."""
        return await self._mailbox.delete(self._live(arn), handles)

    async def change_visibility(self, arn: str, handles: Sequence[str], seconds: int) -> list[ServiceError | None]:
        """Hide messages for so many seconds from now, zero to make them visible; what was refused, in order."""
        return await self._mailbox.change_visibility(self._live(arn), [(handle, seconds) for handle in handles])

    def counts(self, arn: str) -> Counts:
        """How many messages are visible, in flight and delayed, exactly."""
        return self._live(arn).line.counts()

    def settings(self, arn: str) -> QueueSettings:
        """What the queue's attributes mean: its visibility timeout, whether it is FIFO, and so on."""
        return self._live(arn).queue.settings

    def _live(self, arn: str) -> Live:
        return self._broker.find(key_of_arn(arn))
