"""TagQueue, UntagQueue, ListQueueTags.

Sources: SQS API reference, TagQueue; Developer Guide, "Amazon SQS queue quotas" and the tagging rules of AWS.
"""

from collections.abc import Callable, Mapping

import msgspec

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sqs import store
from lambent.services.sqs.access import live_of
from lambent.services.sqs.broker import Broker, Live, Plan
from lambent.services.sqs.errors import InvalidParameterValue, missing
from lambent.services.sqs.model import Queue
from lambent.services.sqs.store import SQL

MOST = 50
LONGEST_KEY, LONGEST_VALUE = 128, 256


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a queue, whole. Raises InvalidParameterValue."""
    if len(tags) > MOST:
        raise InvalidParameterValue(f"Too many tags added for queue: a queue can have up to {MOST}.")
    for key, value in tags.items():
        if not 1 <= len(key) <= LONGEST_KEY or key.lower().startswith("aws:"):
            raise InvalidParameterValue(
                f"Tag keys have 1 to {LONGEST_KEY} characters and do not start with aws:, unlike {key[:200]!r}."
            )
        if value is None or len(value) > LONGEST_VALUE:
            raise InvalidParameterValue(f"Tag values must be between 0 and {LONGEST_VALUE} characters in length.")
    return dict(tags)


class Tags:
    """The tags of queues."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @operation("TagQueue")
    async def tag_queue(self, ctx: RequestContext, request: Request) -> None:
        """Add tags, or change their values."""
        live = live_of(self._broker, ctx, request, "TagQueue")
        if not request["Tags"]:
            raise missing("Tags")
        await self._set(live, lambda tags: checked_tags(tags | request["Tags"]))

    @operation("UntagQueue")
    async def untag_queue(self, ctx: RequestContext, request: Request) -> None:
        """Take tags away; those that are not there do not matter."""
        live = live_of(self._broker, ctx, request, "UntagQueue")
        gone = set(request["TagKeys"])
        await self._set(live, lambda tags: {key: value for key, value in tags.items() if key not in gone})

    @operation("ListQueueTags")
    async def list_queue_tags(self, ctx: RequestContext, request: Request) -> Answer:
        """The tags of a queue."""
        tags = live_of(self._broker, ctx, request, "ListQueueTags").queue.tags
        return {"Tags": dict(tags)} if tags else {}

    async def _set(self, live: Live, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        def plan(queue: Queue) -> Plan:
            tags = change(queue.tags)

            def follow(_: int) -> None:
                live.queue = msgspec.structs.replace(queue, tags=tags)

            return lambda tx: tx.run(SQL.set_tags, queue_id=queue.id, tags=store.as_json(tags)), follow

        await self._broker.change(live, plan)
