"""CloudWatch Logs: groups, streams and events, searched with filter patterns.

Function logs come here through the journal (ingest.py), everything else through PutLogEvents.
`LogsService.operations` are what the gateway dispatches to; `appending` is for Lambent's other services.
Before an operation looks at what functions have logged it awaits `catch_up`, so that an invocation
that was answered is in its log.

Left out, and so answered with NotImplemented: StartLiveTail, Insights queries, metric and
subscription filters, exports, and whatever else the model names and no module here does. Refused
by name: KMS keys, classes other than STANDARD, deletion protection, regular expressions in patterns.

Accounts and Regions share nothing: both are part of the key of every group.
"""

from collections.abc import Awaitable, Callable, Mapping

from lambent.clock import Clock
from lambent.services.logs.appending import Appending
from lambent.services.logs.events import LogEvents
from lambent.services.logs.filter import FilteredEvents
from lambent.services.logs.groups import LogGroups
from lambent.services.logs.retention import Retention
from lambent.services.logs.streams import LogStreams
from lambent.services.logs.tags import Tags
from lambent.services.operation import Operation, operations_of
from lambent.store.api import Database

PACKAGE = "lambent.services.logs"  # whose schema the database has


class LogsService:
    """Everything that answers for CloudWatch Logs in control.

    Args:
        database: opened with the schema of PACKAGE; closing it is the caller's work.
        clock: for creation times, the age of events, and retention.
        catch_up: returns once everything that was journaled before is in the database.
    """

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], Awaitable[None]]) -> None:
        self.retention = Retention(database, clock)
        self.appending = Appending(database, clock)
        self.operations: Mapping[str, Operation] = operations_of(
            LogGroups(database, clock, catch_up),
            LogStreams(database, clock, catch_up),
            LogEvents(database, clock, catch_up),
            FilteredEvents(database, catch_up),
            self.retention,
            Tags(database),
        )

    async def run(self) -> None:
        """Delete what has outlived its retention, every hour; a task that its owner keeps and cancels."""
        await self.retention.run()
