"""S3, put together."""

import asyncio

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.loops import for_ever
from lambent.services.operation import operations_of
from lambent.services.s3 import bodies
from lambent.services.s3.api import Links
from lambent.services.s3.attributes import Attributes
from lambent.services.s3.buckets import Buckets
from lambent.services.s3.copies import Copies
from lambent.services.s3.cross_origin import CrossOrigin
from lambent.services.s3.deletes import Deletes
from lambent.services.s3.encryption import Encryption
from lambent.services.s3.expiring import Expirer
from lambent.services.s3.files import Files
from lambent.services.s3.lifecycle import Lifecycle
from lambent.services.s3.listings import Listings
from lambent.services.s3.notifications import Notifications
from lambent.services.s3.notifying import Notifier
from lambent.services.s3.objects import Objects
from lambent.services.s3.policies import Policies
from lambent.services.s3.sweeping import Sweeper
from lambent.services.s3.tagging import Tagging
from lambent.services.s3.unset import Unset
from lambent.services.s3.upload_listings import UploadListings
from lambent.services.s3.uploads import Uploads
from lambent.services.s3.version_listings import VersionListings
from lambent.services.s3.writing import Writer
from lambent.store.api import Database


class S3Service:
    """See api.py for the contract."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, links: Links) -> None:
        self._database, self._clock = database, clock
        self.notifier = Notifier(database, clock, ids, links.outbox)
        self.sweeper = Sweeper(database, links.objects, clock)
        writer = Writer(database, clock, ids, self.notifier, links.vault)
        self.files = Files(writer, links.objects, ids)
        self.expirer = Expirer(writer)
        self.cross_origin = CrossOrigin(database)
        self.operations = operations_of(
            Buckets(database, clock),
            Objects(writer),
            Deletes(writer),
            Listings(database),
            VersionListings(database),
            Uploads(writer),
            UploadListings(database),
            Copies(writer, links.objects),
            Tagging(writer),
            Attributes(database),
            Policies(database),
            self.cross_origin,
            Encryption(database),
            Unset(database),
            Notifications(writer, links.destinations),
            Lifecycle(writer, self.expirer.wake),
        )

    async def start(self) -> None:
        """Clear up after a process that was killed; before anything is served."""
        await self._database.write(lambda tx: bodies.drop_unused(tx, self._clock.now_ms()))

    async def run(self) -> None:
        """Tell, sweep and expire until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self.notifier, self.sweeper, self.expirer):
                tasks.create_task(for_ever(f"s3 {type(part).__name__}", part.run, self._clock))
