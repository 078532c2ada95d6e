"""Scheduler, put together, and the loop that fires what is due."""

from lambent.clock import Clock
from lambent.delivery.due import DueLoop, Found
from lambent.ids import Ids
from lambent.services.operation import operations_of
from lambent.services.scheduler import store
from lambent.services.scheduler.api import Links
from lambent.services.scheduler.firing import delivery_of
from lambent.services.scheduler.groups import Groups
from lambent.services.scheduler.model import Schedule
from lambent.services.scheduler.schedules import Schedules
from lambent.services.scheduler.times import fire
from lambent.store.api import Database


class SchedulerService:
    """See api.py for the contract."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, links: Links) -> None:
        self._database, self._clock, self._ids, self._outbox = database, clock, ids, links.outbox
        self._loop: DueLoop[Schedule] = DueLoop(self._due, self._fire, clock, "schedule")
        self.operations = operations_of(
            Groups(database, clock), Schedules(database, clock, ids, links, self._loop.wake)
        )

    async def run(self) -> None:
        """Fire until cancelled."""
        await self._loop.run()

    async def _due(self, now_ms: int, count: int, claimed: frozenset[int]) -> Found[Schedule]:
        return await self._database.read(lambda tx: store.due_schedules(tx, now_ms, count, claimed))

    async def _fire(self, schedule: Schedule) -> None:
        moment_ms, times = fire(schedule.plan, schedule.times, self._clock.now_ms(), self._ids.fraction())
        await self._outbox.put([delivery_of(schedule, moment_ms, self._ids.uuid())])
        await self._database.write(lambda tx: store.set_fired(tx, schedule, times))
