"""Amazon SQS: standard and FIFO queues that keep what they acknowledged.

`SqsService.operations` are what the gateway dispatches to; `SqsService.queues` is for Lambent's other services: whoever
delivers to a queue, or polls one, declares what it needs of it as a Protocol of its own.

Who owns what: the database belongs to the caller, who opens it with the schema of PACKAGE and closes it after `close`.
`run` is a task that its owner keeps. After `close` nobody waits any longer, and every receive answers at once.

Refused by name: KMS keys, and MessageGroupId in standard queues (fair queues).
Accounts and Regions share nothing: both are part of every queue's key.
"""

import asyncio
from collections.abc import Mapping

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.loops import for_ever
from lambent.model.meter import SILENCE, Meter
from lambent.services.operation import Operation, operations_of
from lambent.services.sqs.broker import Broker
from lambent.services.sqs.listing import Listing
from lambent.services.sqs.mailbox import Mailbox
from lambent.services.sqs.metrics import measure_queues
from lambent.services.sqs.move_tasks import MoveTasks
from lambent.services.sqs.permissions import Permissions
from lambent.services.sqs.public import PublicQueues
from lambent.services.sqs.queues import Queues
from lambent.services.sqs.receives import Receives
from lambent.services.sqs.sends import Sends
from lambent.services.sqs.sweep import Sweep
from lambent.services.sqs.tags import Tags
from lambent.store.api import Database

PACKAGE = "lambent.services.sqs"  # whose schema the database has


class SqsService:
    """Everything that answers for SQS in control. Made by `open_sqs`."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._sweep = Sweep(broker)
        mailbox = Mailbox(broker)
        queues = Queues(broker)
        self._move_tasks = MoveTasks(broker)
        self.queues = PublicQueues(broker, mailbox)
        self.operations: Mapping[str, Operation] = operations_of(
            queues,
            Listing(broker),
            Permissions(broker, queues),
            Tags(broker),
            Sends(broker, mailbox),
            Receives(broker, mailbox),
            self._move_tasks,
        )

    async def sweep(self) -> None:
        """Delete what has expired, now."""
        await self._sweep.sweep()

    async def run(self) -> None:
        """Sweep and measure every minute, and move what move tasks have to move, until cancelled."""
        clock = self._broker.clock
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(for_ever("sqs sweep", self._sweep.run, clock))
            tasks.create_task(for_ever("sqs metrics", lambda: measure_queues(self._broker), clock))
            tasks.create_task(for_ever("sqs move tasks", self._move_tasks.run, clock))

    def dismiss(self) -> None:
        """Answer the long polls that wait now: a front door is about to close, and they would hold it open."""
        self._broker.dismiss()

    async def close(self) -> None:
        """Answer everyone who waits, and finish what was begun."""
        await self._broker.close()


async def open_sqs(database: Database, clock: Clock, ids: Ids, quotas: Quotas, meter: Meter = SILENCE) -> SqsService:
    """The service on what the database holds."""
    broker = Broker(database, clock, ids, quotas, meter)
    await broker.open()
    return SqsService(broker)
