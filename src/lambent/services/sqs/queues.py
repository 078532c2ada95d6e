"""CreateQueue, DeleteQueue, GetQueueUrl, ListQueues, GetQueueAttributes, SetQueueAttributes, PurgeQueue,
ListDeadLetterSourceQueues.

Sources: SQS API reference, each of them; the words as the service gives them.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Mapping

import msgspec

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sqs import attributes, groups, store
from lambent.services.sqs.access import check_access, live_of
from lambent.services.sqs.broker import Broker, Live, Plan
from lambent.services.sqs.census import Census, Change
from lambent.services.sqs.errors import (
    InvalidAttributeName,
    InvalidParameterValue,
    PurgeQueueInProgress,
    QueueDeletedRecently,
    QueueNameExists,
    invalid,
    missing,
)
from lambent.services.sqs.model import Queue
from lambent.services.sqs.names import FIFO, QueueKey, check_name, key_of_arn
from lambent.services.sqs.redrive import check_target, redrive_of
from lambent.services.sqs.store import SQL
from lambent.services.sqs.tags import checked_tags
from lambent.store.api import Conflict, Transaction

PAGE = 1000


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

    @operation("GetQueueUrl")
    async def get_queue_url(self, ctx: RequestContext, request: Request) -> Answer:
        """The URL of a queue, of this account or of the one that is named."""
        owner = request.get("QueueOwnerAWSAccountId") or ctx.account
        live = self._broker.find(QueueKey(owner, ctx.region, request["QueueName"]))
        check_access(ctx, live, "GetQueueUrl")
        return {"QueueUrl": live.queue.key.url(ctx.endpoint)}

    @operation("ListQueues")
    async def list_queues(self, ctx: RequestContext, request: Request) -> Answer:
        """The URLs of this account's queues, by name."""
        prefix = request.get("QueueNamePrefix") or ""
        here = [
            live.queue.key for live in self._broker if _is_here(live, ctx) and live.queue.key.name.startswith(prefix)
        ]
        page, token = _page(here, request)
        answer: Answer = {"QueueUrls": [key.url(ctx.endpoint) for key in page]} if page else {}
        return answer | token

    @operation("ListDeadLetterSourceQueues")
    async def list_dead_letter_source_queues(self, ctx: RequestContext, request: Request) -> Answer:
        """The queues whose messages come to this one when they were received too often."""
        arn = live_of(self._broker, ctx, request, "ListDeadLetterSourceQueues").queue.arn
        sources = [live.queue.key for live in self._broker if _target_arn(live.queue) == arn]
        page, token = _page(sources, request)
        return {"queueUrls": [key.url(ctx.endpoint) for key in page]} | token

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


def _is_here(live: Live, ctx: RequestContext) -> bool:
    return live.queue.key.account == ctx.account and live.queue.key.region == ctx.region


def _target_arn(queue: Queue) -> str:
    return queue.settings.redrive.target_arn if queue.settings.redrive is not None else ""


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


def _page(keys: Iterable[QueueKey], request: Request) -> tuple[list[QueueKey], Answer]:
    """Up to MaxResults queues by name; a token to go on, where AWS gives one: when MaxResults was set."""
    most, token = request.get("MaxResults"), request.get("NextToken")
    if most is not None and not 1 <= most <= PAGE:
        raise invalid("MaxResults", most, f"MaxResults must be between 1 and {PAGE}.")
    if token and most is None:
        raise missing("MaxResults")
    try:
        after = urlsafe_b64decode(token).decode() if token else ""
    except (Error, ValueError):
        raise invalid("NextToken", token, "Invalid or expired next token.") from None
    following = sorted((key for key in keys if key.name > after), key=lambda key: key.name)
    page = following[: most or PAGE]
    if most is None or len(following) <= most:
        return page, {}
    return page, {"NextToken": urlsafe_b64encode(page[-1].name.encode()).decode()}
