"""What event source mappings are served by, connected: queues, streams, and where their records end."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.delivery.deliveries import Deliveries
from lambent.ids import Ids
from lambent.model.meter import Meter
from lambent.pollers.api import PACKAGE, Invoker, Links
from lambent.pollers.pollers import Pollers
from lambent.roles.queue_source import QueueSource
from lambent.roles.stream_source import StreamSource
from lambent.services.dynamodb.api import DynamoService
from lambent.services.sqs.api import SqsService
from lambent.store.api import Database


class Sources(NamedTuple):
    """What is polled, and where it goes."""

    sqs: SqsService
    dynamodb: DynamoService
    edges: Invoker
    meter: Meter
    deliveries: Deliveries


class Polling(NamedTuple):
    """Made by `build_polling`."""

    pollers: Pollers
    queues: QueueSource
    streams: StreamSource


async def build_polling(
    open_: Callable[[str, str], Awaitable[Database]], clock: Clock, ids: Ids, sources: Sources, quotas: Quotas
) -> Polling:
    """Open the database and make the rooms; the registry is set by whoever has it."""
    queues, streams = QueueSource(sources.sqs.queues), StreamSource(sources.dynamodb.streams)
    database = await open_("pollers", PACKAGE)
    links = Links(queues, streams, sources.edges, sources.meter, database, sources.deliveries)
    return Polling(Pollers(links, clock, ids, quotas.sync_payload_bytes), queues, streams)
