"""Scheduled rules: a rule of the default bus with a ScheduleExpression sends its targets a Scheduled Event.

Times are UTC. A rate counts from when the rule was made, enabled, or given its schedule; the first event is one
interval later. A moment that passed while the platform was down is made up for once, the newest one only, and
its event bears the time that was due: if it is older than a target's MaximumEventAgeInSeconds, that
target's dead-letter queue has it. A rule fires at least once for each of its moments: deliveries are on disk
before the next moment is.
"""

from datetime import UTC, datetime

from msgspec import json, structs

from lambent.clock import Clock
from lambent.delivery.due import DueLoop, Found
from lambent.ids import Ids
from lambent.schedules.api import InvalidSchedule, newest, parse_schedule
from lambent.services.events import store
from lambent.services.events.api import Outbox
from lambent.services.events.errors import not_valid
from lambent.services.events.model import Event, Rule
from lambent.services.events.routing import Routed, deliveries_of
from lambent.store.api import Database


class ScheduledRules:
    """The loop over the rules that fall due."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, outbox: Outbox) -> None:
        self._database, self._clock, self._ids, self._outbox = database, clock, ids, outbox
        self._loop: DueLoop[Rule] = DueLoop(self._due, self._fire, clock, "rule")

    def wake(self) -> None:
        """A rule was made or changed."""
        self._loop.wake()

    async def run(self) -> None:
        """Fire until cancelled."""
        await self._loop.run()

    async def _due(self, now_ms: int, count: int, claimed: frozenset[int]) -> Found[Rule]:
        return await self._database.read(lambda tx: store.due_rules(tx, now_ms, count, claimed))

    async def _fire(self, rule: Rule) -> None:
        now_ms = self._clock.now_ms()
        due_ms, next_ms = newest_due(rule, now_ms)
        targets = await self._database.read(lambda tx: store.targets(tx, rule))
        event = scheduled_event(rule, due_ms, self._ids.uuid())
        await self._outbox.put(list(deliveries_of(Routed(rule, targets), event)))
        await self._database.write(lambda tx: store.set_next(tx, rule, next_ms))


def with_next_time(rule: Rule, now_ms: int) -> Rule:
    """The rule with the time it fires next, counted from now. Raises ValidationError for a wrong expression."""
    if not rule.schedule:
        return structs.replace(rule, anchor_ms=now_ms, next_ms=None)
    try:
        schedule = parse_schedule(rule.schedule)
    except InvalidSchedule:
        raise not_valid("ScheduleExpression") from None
    if rule.schedule.startswith("at("):
        raise not_valid("ScheduleExpression")
    next_ms = schedule.next_after(now_ms, now_ms, UTC) if rule.enabled else None
    return structs.replace(rule, anchor_ms=now_ms, next_ms=next_ms)


def newest_due(rule: Rule, now_ms: int) -> tuple[int, int | None]:
    """The newest moment of a rule that is due, and the one after now."""
    schedule = parse_schedule(rule.schedule)
    assert rule.next_ms is not None
    due_ms = newest(schedule, rule.next_ms, now_ms, rule.anchor_ms, UTC)
    return due_ms, schedule.next_after(max(due_ms, now_ms), rule.anchor_ms, UTC)


def scheduled_event(rule: Rule, due_ms: int, event_id: str) -> Event:
    """The event of a scheduled rule. Source: EventBridge User Guide, "Events from scheduled rules"."""
    members = {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.key.account,
        "time": datetime.fromtimestamp(due_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": rule.key.region,
        "resources": [rule.arn],
        "detail": {},
    }
    return Event(json.encode(members), members, due_ms)
