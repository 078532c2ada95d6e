"""Amazon DynamoDB and DynamoDB Streams: tables that keep what they acknowledged, and what changed in them.

`DynamoService.operations` and `.stream_operations` are what the gateway dispatches to; `DynamoService.streams` is for
event source mappings, which declare what they need of it as a Protocol of their own.

Who owns what: the database belongs to the caller, who opens it with the schema of PACKAGE and closes it after `close`.
`run` is a task that its owner keeps: it fills new indexes, deletes what has expired, and clears away.

Every read sees every write that was acknowledged, in indexes too; eventually consistent reads only cost half.
Left out, and so answered with NotImplemented: PartiQL, backups and point-in-time recovery, exports and imports,
global tables, Kinesis destinations, resource policies, contributor insights. Refused by name: keys of KMS, table
classes, warm throughput, keys of more than two attributes. Accounts and Regions share nothing: both are part of every
table's key.
"""

from collections.abc import Mapping

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.services.dynamodb.batches import Batches
from lambent.services.dynamodb.catalog import Catalog
from lambent.services.dynamodb.items import Items
from lambent.services.dynamodb.public import PublicStreams
from lambent.services.dynamodb.reads import Reads
from lambent.services.dynamodb.settings import Settings
from lambent.services.dynamodb.streams import Streams
from lambent.services.dynamodb.tables import Tables
from lambent.services.dynamodb.tags import Tags
from lambent.services.dynamodb.transactions import Transactions
from lambent.services.dynamodb.upkeep import Upkeep
from lambent.services.operation import Operation, operations_of
from lambent.store.api import Database

PACKAGE = "lambent.services.dynamodb"  # whose schema the database has


class DynamoService:
    """Everything that answers for DynamoDB in control. Made by `open_dynamodb`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.upkeep = Upkeep(catalog)
        self.streams = PublicStreams(catalog)
        self.stream_operations: Mapping[str, Operation] = operations_of(Streams(catalog))
        self.operations: Mapping[str, Operation] = operations_of(
            Tables(catalog),
            Settings(catalog),
            Tags(catalog),
            Items(catalog),
            Batches(catalog),
            Reads(catalog),
            Transactions(catalog),
        )

    async def run(self) -> None:
        """Keep the tables up, until cancelled."""
        await self.upkeep.run()

    async def close(self) -> None:
        """Finish what was begun, and answer who waits."""
        await self._catalog.close()


async def open_dynamodb(database: Database, clock: Clock, ids: Ids, quotas: Quotas) -> DynamoService:
    """The service on what the database holds."""
    catalog = Catalog(database, clock, ids, quotas)
    await catalog.open()
    return DynamoService(catalog)
