"""EventBridge, put together."""

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.services.events.api import Links
from lambent.services.events.buses import Buses
from lambent.services.events.permissions import Permissions
from lambent.services.events.put_events import Intake
from lambent.services.events.routing import Router
from lambent.services.events.rules import Rules
from lambent.services.events.scheduled import ScheduledRules, with_next_time
from lambent.services.events.tags import Tags
from lambent.services.events.targets import Targets
from lambent.services.operation import operations_of
from lambent.store.api import Database


class EventsService:
    """See api.py for the contract. `intake` takes events from within the platform."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, links: Links, quotas: Quotas) -> None:
        router = Router(database)
        rules = Rules(database, clock, router)
        self._scheduled = ScheduledRules(database, clock, ids, links.outbox)
        rules.timetable, rules.wake = with_next_time, self._scheduled.wake
        rules.roles, rules.most = links.roles, quotas.rules_per_bus
        self.intake = Intake(clock, ids, router, links.outbox, quotas.put_events_bytes)
        self.operations = operations_of(
            Buses(database, clock, router),
            Permissions(database, clock, router),
            rules,
            Targets(database, clock, router, links, quotas.targets_per_rule),
            Tags(database, clock, router),
            self.intake,
        )

    async def run(self) -> None:
        """Fire scheduled rules until cancelled."""
        await self._scheduled.run()
