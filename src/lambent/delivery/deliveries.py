"""`Deliveries`: accepts, tries, tries again, and hands what cannot arrive to its dead-letter queue.

A delivery that is given up becomes, in the same transaction, a delivery of its dead letter, which has
retries of its own: no moment of a crash loses it. Only a dead letter that is refused itself is dropped.
"""

from collections.abc import Sequence

import structlog
from msgspec import structs

from lambent.arn import parse_arn
from lambent.clock import Clock
from lambent.delivery import store
from lambent.delivery.api import LONGEST_AGE_S, MOST_RETRIES, Carriers, Delivery, NotDelivered, Statistics
from lambent.delivery.due import DueLoop, Found
from lambent.delivery.retry import BY_AGE, GiveUp, after_failure, is_too_old
from lambent.delivery.store import Waiting
from lambent.errors import Unavailable
from lambent.ids import Ids
from lambent.model.function import FunctionKey
from lambent.model.meter import SILENCE, Meter, measure_function
from lambent.store.api import Database, Transaction

LONGEST_MESSAGE = 1_024
PARALLEL = 1_024  # more than many slow hosts of URLs take together
log = structlog.get_logger()


class Deliveries:
    """See api.py for the contract. `carriers` may be given later, before `run`: carriers can be services
    that themselves need these deliveries."""

    carriers: Carriers

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, parallel: int = PARALLEL, meter: Meter = SILENCE
    ) -> None:
        self._database, self._clock, self._ids, self._meter = database, clock, ids, meter
        self._loop: DueLoop[Waiting] = DueLoop(self._due, self._try, clock, "delivery", parallel)
        self._lanes: dict[int, str] = {}  # of those that are being tried
        self._delivered = self._retried = self._dead_lettered = self._dropped = 0

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """Accept them all; they are on disk when this returns."""
        if not deliveries:
            return
        now_ms = self._clock.now_ms()
        await self._database.write(lambda tx: store.add(tx, deliveries, now_ms))
        self._loop.wake()

    async def run(self) -> None:
        """Deliver until cancelled."""
        await self._loop.run()

    async def statistics(self) -> Statistics:
        """What waits and has been done."""
        held = await self._database.read(store.count)
        return Statistics(held, self._delivered, self._retried, self._dead_lettered, self._dropped)

    async def _due(self, now_ms: int, count: int, claimed: frozenset[int]) -> Found[Waiting]:
        self._lanes = {each: lane for each, lane in self._lanes.items() if each in claimed}
        busy: dict[str, set[int]] = {}
        for each, lane in self._lanes.items():
            busy.setdefault(lane, set()).add(each)
        taken = {lane: frozenset(ids) for lane, ids in busy.items()}
        found = await self._database.read(lambda tx: store.due(tx, now_ms, count, taken))
        self._lanes |= {each.id: each.lane for each in found.items}
        return found

    async def _try(self, waiting: Waiting) -> None:
        """One attempt, and what follows from it."""
        if is_too_old(waiting.delivery, self._clock.now_ms()):
            too_old = NotDelivered("MaximumEventAgeExceeded", "The event was too old to be delivered.", again=False)
            await self._give_up(waiting, waiting.attempts, too_old, GiveUp(BY_AGE))
            return
        try:
            await self._carry(numbered(waiting.delivery, waiting.attempts + 1))
        except NotDelivered as failure:
            await self._after(waiting, failure)
        else:
            now_ms = self._clock.now_ms()
            await self._database.write(lambda tx: store.delete(tx, waiting, now_ms))
            self._delivered += 1

    async def _carry(self, delivery: Delivery) -> None:
        carrier = self.carriers.carrier(delivery.target_arn)
        if carrier is None:
            raise NotDelivered("NO_RESOURCE", f"Nothing can be delivered to {delivery.target_arn}.", again=False)
        try:
            await carrier.carry(delivery)
        except Unavailable as error:
            raise NotDelivered("INTERNAL_ERROR", str(error), again=True) from error

    async def _after(self, waiting: Waiting, failure: NotDelivered) -> None:
        attempts = waiting.attempts + 1
        now_ms = self._clock.now_ms()
        following = after_failure(waiting.delivery, attempts, now_ms, self._ids.fraction())
        if not failure.again:
            following = GiveUp()
        if isinstance(following, GiveUp):
            await self._give_up(waiting, attempts, failure, following)
            return
        due_ms = following.due_ms
        log.info("a delivery is tried again", action="delivery.later", **_facts(waiting.delivery, attempts, failure))
        await self._database.write(lambda tx: store.put_back(tx, waiting.id, attempts, due_ms))
        self._retried += 1

    async def _give_up(self, waiting: Waiting, attempts: int, failure: NotDelivered, end: GiveUp) -> None:
        now_ms = self._clock.now_ms()
        letter = dead_letter(waiting.delivery, attempts, failure, end, now_ms)
        log.warning(
            "a delivery is given up",
            action="delivery.dead_letter" if letter else "delivery.dropped",
            **_facts(waiting.delivery, attempts, failure),
        )

        def work(tx: Transaction) -> None:
            store.delete(tx, waiting, now_ms)
            if letter is not None:
                store.add(tx, [letter], now_ms)

        await self._database.write(work)
        if letter is None:
            self._dropped += 1
            self._count_lost(waiting.delivery)
        else:
            self._dead_lettered += 1

    def _count_lost(self, delivery: Delivery) -> None:
        if delivery.lost_as:
            name = parse_arn(delivery.source_arn).resource.split(":")[1]
            measure_function(self._meter, FunctionKey(delivery.account, delivery.region, name), delivery.lost_as)


def numbered(delivery: Delivery, attempt: int) -> Delivery:
    """The delivery as its target reads it at that attempt."""
    if not delivery.attempt_mark:
        return delivery
    return structs.replace(delivery, payload=delivery.payload.replace(delivery.attempt_mark.encode(), b"%d" % attempt))


def dead_letter(delivery: Delivery, attempts: int, failure: NotDelivered, end: GiveUp, now_ms: int) -> Delivery | None:
    """The delivery of the dead letter; None when there is no queue for it.

    Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events", its table
    of message attributes.
    """
    letter = delivery.dead_letter
    if letter is None:
        return None
    facts = {
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message[:LONGEST_MESSAGE],
        "RETRY_ATTEMPTS": str(max(0, attempts - 1)),
    }
    if end.condition:
        facts["EXHAUSTED_RETRY_CONDITION"] = end.condition
    return structs.replace(
        delivery,
        target_arn=letter.queue_arn,
        payload=letter.payload,
        attributes={**letter.attributes, **facts} if letter.explained else letter.attributes,
        attribute_types=letter.attribute_types,
        accepted_ms=now_ms,
        role_arn=letter.role_arn,
        options=letter.options,
        line=delivery.line and f"{delivery.line} dead",
        pace=None,
        max_retries=MOST_RETRIES,
        max_age_s=LONGEST_AGE_S,
        dead_letter=None,
        attempt_mark="",
    )


def _facts(delivery: Delivery, attempts: int, failure: NotDelivered) -> dict[str, object]:
    return {
        "source": delivery.source_arn,
        "target": store.lane_of(delivery.target_arn),  # a URL may hold a password
        "attempts": attempts,
        "code": failure.code,
        "reason": failure.message,
    }
