"""Queues as pollers see them: SQS's public interface, in the pollers' words."""

from collections.abc import Sequence

from lambent.pollers.api import Message, QueueFacts
from lambent.services.sqs.message_attributes import md5_of
from lambent.services.sqs.model import Received
from lambent.services.sqs.public import PublicQueues
from lambent.services.sqs.receives import system_attributes


class QueueSource:
    """Implements `pollers.api.Queues`."""

    def __init__(self, queues: PublicQueues) -> None:
        self._queues = queues

    def facts(self, arn: str) -> QueueFacts:
        settings = self._queues.settings(arn)
        return QueueFacts(settings.fifo, settings.visibility_s)

    def waiting(self, arn: str) -> int:
        return self._queues.counts(arn).visible

    def version(self, arn: str) -> int:
        return self._queues.version(arn)

    async def wait(self, arn: str, version: int, seconds: float) -> None:
        await self._queues.wait(arn, version, seconds)

    async def receive(self, arn: str, most: int) -> list[Message]:
        fifo = self._queues.settings(arn).fifo
        return [_message(each, fifo) for each in await self._queues.receive(arn, most)]

    async def delete(self, arn: str, handles: Sequence[str]) -> int:
        return (await self._queues.delete(arn, handles)).count(None)

    async def release(self, arn: str, handles: Sequence[str]) -> None:
        await self._queues.change_visibility(arn, handles, 0)


def _message(received: Received, fifo: bool) -> Message:
    content = received.content
    return Message(
        id=content.message_id,
        handle=received.handle,
        body=content.body,
        md5=content.md5,
        attributes=system_attributes(received, fifo),
        visible_ms=received.visible_ms,
        message_attributes=content.attributes,
        md5_of_attributes=md5_of(content.attributes) if content.attributes else "",
    )
