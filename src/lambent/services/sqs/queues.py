"""CreateQueue, DeleteQueue, GetQueueAttributes, SetQueueAttributes, PurgeQueue.

Sources: SQS API reference, each of them; the words as the service gives them.
"""

from collections.abc import Mapping

import msgspec

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sqs import attributes, groups, store
from lambent.services.sqs.access import live_of
from lambent.services.sqs.broker import Broker, Live, Plan
from lambent.services.sqs.census import Census, Change
from lambent.services.sqs.errors import (
    InvalidAttributeName,
    InvalidParameterValue,
    PurgeQueueInProgress,
    QueueDeletedRecently,
    QueueNameExists,
    missing,
)
from lambent.services.sqs.model import Queue
from lambent.services.sqs.names import FIFO, QueueKey, check_name, key_of_arn
from lambent.services.sqs.redrive import check_target, redrive_of
from lambent.services.sqs.store import SQL
from lambent.services.sqs.tags import checked_tags
from lambent.store.api import Conflict, Transaction


class Queues:
    """The queues of every account and Region."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._clock, self._quotas = broker, broker.clock, broker.quotas

    @operation("CreateQueue")
    async def create_queue(self, ctx: RequestContext, request: Request) -> Answer:
        """Make a queue; one that is there with the same attributes is answered as if it were new."""
        key = QueueKey(ctx.account, ctx.region, request["QueueName"])
        given = attributes.checked(request.get("Attributes") or {})
        check_name(key.name, key.name.endswith(FIFO) or attributes.is_fifo(given))
        if key.name.endswith(FIFO) and not attributes.is_fifo(given):
            raise InvalidParameterValue(
                "The name of a FIFO queue ends with .fifo, and only its; set FifoQueue to true."
            )
        existing = self._broker.get(key)
        if existing is not None:
            _check_same(existing.queue, given)
            return {"QueueUrl": key.url(ctx.endpoint)}
        attributes.check_together(given)
        self._check_redrive(key, given)
        tags = checked_tags(request.get("tags") or {})
        now_ms = self._clock.now_ms()
        blank = Queue(
            id=0,
            key=key,
            lane=0,
            handle_key=bytes.fromhex(self._broker.ids.hex(32)),
            created_s=now_ms // 1000,
            modified_s=now_ms // 1000,
            purged_ms=0,
            attributes={name: value for name, value in given.items() if value != ""},
            tags=tags,
            settings=attributes.settings_of(given),
        )
        rested_ms = now_ms - self._quotas.queue_name_rest_s * 1000
        try:
            await self._broker.commit(lambda tx: _create(tx, blank, rested_ms), self._made)
        except Conflict:  # another request was faster
            return await self.create_queue(ctx, request)
        return {"QueueUrl": key.url(ctx.endpoint)}

    @operation("DeleteQueue")
    async def delete_queue(self, ctx: RequestContext, request: Request) -> None:
        """Delete a queue with its messages; its name rests for a minute."""
        live = live_of(self._broker, ctx, request, "DeleteQueue")
        now_ms = self._clock.now_ms()
        await self._broker.change(
            live, lambda queue: (lambda tx: _delete(tx, queue, now_ms), lambda _: self._broker.remove(live))
        )

    @operation("GetQueueAttributes")
    async def get_queue_attributes(self, ctx: RequestContext, request: Request) -> Answer:
        """The attributes that are named, or all."""
        live = live_of(self._broker, ctx, request, "GetQueueAttributes")
        names = request.get("AttributeNames") or []
        for name in names:
            if name not in attributes.KNOWN:
                raise InvalidAttributeName(f"Unknown Attribute {name}.")
        every = attributes.shown(live.queue.attributes) | _computed(live)
        found = every if "All" in names else {name: value for name, value in every.items() if name in names}
        return {"Attributes": found} if found else {}

    @operation("SetQueueAttributes")
    async def set_queue_attributes(self, ctx: RequestContext, request: Request) -> None:
        """Change attributes; they hold from the next request on."""
        live = live_of(self._broker, ctx, request, "SetQueueAttributes")
        given = attributes.checked(request.get("Attributes") or {})
        if not given:
            raise missing("Attribute.Name")
        if "FifoQueue" in given and not live.queue.settings.fifo:
            raise InvalidAttributeName("Unknown Attribute FifoQueue.")
        if given.get("FifoQueue", "true") != "true":
            raise InvalidAttributeName("The FifoQueue attribute is set when the queue is created, and stays.")
        await self.change_attributes(live, given)

    async def change_attributes(self, live: Live, given: Mapping[str, str]) -> None:
        """Set attributes that were checked one by one; an empty value takes its attribute away."""
        self._check_redrive(live.queue.key, given)
        now_ms = self._clock.now_ms()

        def plan(queue: Queue) -> Plan:
            merged = {name: value for name, value in (queue.attributes | dict(given)).items() if value != ""}
            attributes.check_together(merged)
            settings = attributes.settings_of(merged)
            changed = msgspec.structs.replace(queue, attributes=merged, settings=settings, modified_s=now_ms // 1000)
            census = live.line.census

            def follow(moved: list[Change]) -> None:
                live.queue = changed
                live.line.tell(census, moved)

            return lambda tx: _change(tx, changed, queue, now_ms), follow

        await self._broker.change(live, plan)

    @operation("PurgeQueue")
    async def purge_queue(self, ctx: RequestContext, request: Request) -> None:
        """Throw away every message that is in the queue, delayed and in flight ones too."""
        live = live_of(self._broker, ctx, request, "PurgeQueue")
        every_s, now_ms = self._quotas.queue_purge_every_s, self._clock.now_ms()

        def plan(queue: Queue) -> Plan:
            if queue.purged_ms and now_ms - queue.purged_ms < every_s * 1000:
                raise PurgeQueueInProgress(
                    f"Only one PurgeQueue operation on {queue.key.name} is allowed every {every_s} seconds."
                )

            def follow(lane: int) -> None:
                live.queue = msgspec.structs.replace(queue, lane=lane, purged_ms=now_ms)
                live.line.start_anew()

            return lambda tx: _purge(tx, queue, now_ms), follow

        await self._broker.change(live, plan)

    def _made(self, queue: Queue) -> None:
        self._broker.add(queue, Census())

    def _check_redrive(self, key: QueueKey, given: Mapping[str, str]) -> None:
        text = given.get("RedrivePolicy")
        if not text:
            return
        target_arn = redrive_of(text).target_arn
        target = self._broker.get(key_of_arn(target_arn))
        allow = target.queue.settings.redrive_allow if target is not None else None
        check_target(text, key.arn, target_arn, allow)


def _create(tx: Transaction, blank: Queue, rested_ms: int) -> Queue:
    key = blank.key
    row = tx.one(SQL.resting_since, account=key.account, region=key.region, name=key.name)
    if row is not None and row["deleted_ms"] > rested_ms:
        raise QueueDeletedRecently(
            "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        )
    lane = store.add_lane(tx)
    made = tx.one(
        SQL.add_queue,
        account=key.account,
        region=key.region,
        name=key.name,
        lane=lane,
        handle_key=blank.handle_key,
        created_s=blank.created_s,
        attributes=store.as_json(blank.attributes),
        tags=store.as_json(blank.tags),
    )
    assert made is not None
    return msgspec.structs.replace(blank, id=made["id"], lane=lane)


def _delete(tx: Transaction, queue: Queue, now_ms: int) -> None:
    key = queue.key
    tx.run(SQL.delete_queue, queue_id=queue.id)
    tx.run(SQL.abandon_lane, lane=queue.lane)
    tx.run(SQL.delete_deduplication_of_queue, queue_id=queue.id)
    tx.run(SQL.delete_attempts_of_queue, queue_id=queue.id)
    tx.run(SQL.rest_name, account=key.account, region=key.region, name=key.name, deleted_ms=now_ms)


def _purge(tx: Transaction, queue: Queue, now_ms: int) -> int:
    lane = store.add_lane(tx)
    tx.run(SQL.abandon_lane, lane=queue.lane)
    tx.run(SQL.set_lane, lane=lane, purged_ms=now_ms, queue_id=queue.id)
    return lane


def _change(tx: Transaction, changed: Queue, before: Queue, now_ms: int) -> list[Change]:
    """Keep the attributes; the delay of a FIFO queue holds for what is in it already."""
    tx.run(
        SQL.set_attributes,
        queue_id=changed.id,
        attributes=store.as_json(changed.attributes),
        modified_s=changed.modified_s,
    )
    if not changed.settings.fifo or changed.settings.delay_s == before.settings.delay_s:
        return []
    moved, touched = [], set()
    for row in tx.all(SQL.delayed_messages, lane=changed.lane, now_ms=now_ms):
        visible_ms = row["sent_ms"] + changed.settings.delay_s * 1000
        tx.run(SQL.set_visibility, id=row["id"], visible_ms=visible_ms)
        moved.append(Change(row["visible_ms"], False, visible_ms, False))
        touched.add(row["group_id"])
    for group in touched:
        groups.refresh(tx, group, now_ms)
    return moved


def _check_same(queue: Queue, given: Mapping[str, str]) -> None:
    shown = attributes.shown(queue.attributes)
    for name, value in given.items():
        if shown.get(name, "") != value:
            raise QueueNameExists(
                f"A queue already exists with the same name and a different value for attribute {name}"
            )


def _computed(live: Live) -> dict[str, str]:
    counts, queue = live.line.counts(), live.queue
    return {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(counts.visible),
        "ApproximateNumberOfMessagesNotVisible": str(counts.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
        "CreatedTimestamp": str(queue.created_s),
        "LastModifiedTimestamp": str(queue.modified_s),
    }
