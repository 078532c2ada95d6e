"""How versions come and go, in one transaction with all that follows from it.

Source: S3 User Guide, "How S3 Versioning works": without versioning, and while it is suspended, an object has one
version called null, which the next replaces; while it is enabled each has a name of its own. A delete without a
version removes the one called null, and where there are versions puts a delete marker.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import structs

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.model.objects import Piece, Stored
from lambent.services.operation import RequestContext
from lambent.services.s3 import bodies, store, upload_store
from lambent.services.s3.events import Happened
from lambent.services.s3.model import ENABLED, NULL, Bucket, Version
from lambent.services.s3.names import VERSION_CHARACTERS
from lambent.services.s3.notifying import Notifier
from lambent.store.api import Database, Transaction
from lambent.vault import Vault

REMOVED = "ObjectRemoved"
T = TypeVar("T")


class Writer:
    """What every operation that writes needs."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, notifier: Notifier, vault: Vault) -> None:
        self.database, self.clock, self.ids, self._notifier, self._vault = database, clock, ids, notifier, vault

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Commit `work`, and have what it wants to be told, told."""
        return await self._notifier.committed(work)

    def keep(self, tx: Transaction, stored: Stored) -> int:
        """A body of what was read."""
        return bodies.keep(tx, self._vault, stored, self.ids.hex(32))

    def with_data(self, tx: Transaction, wanted: Sequence[Piece]) -> list[Piece]:
        """Pieces of bodies with what it takes to read them."""
        return bodies.with_data(tx, self._vault, wanted)

    def put(self, tx: Transaction, ctx: RequestContext, bucket: Bucket, made: Version, event: str) -> Version:
        """Make it the newest, which replaces the one called null where it has that name; it, with name, time and id."""
        made = structs.replace(made, version=self._name(bucket), modified_ms=self.clock.now_ms())
        if made.version == NULL:
            self._remove_null(tx, bucket, made.key)
        made = structs.replace(made, id=store.add_version(tx, made))
        self.tell(tx, ctx, bucket, made, event)
        return made

    def tell(self, tx: Transaction, ctx: RequestContext, bucket: Bucket, version: Version, event: str) -> None:
        """Write down who is to be told of this."""
        who = ctx.request_id, ctx.source_ip, ctx.principal.user_id
        self._notifier.add(tx, bucket, Happened(event, version, *who, trace_header=ctx.trace_header))

    def delete(
        self, tx: Transaction, ctx: RequestContext, bucket: Bucket, key: str, told_as: str = REMOVED
    ) -> Version | None:
        """A delete without a version: the marker it leaves, if any."""
        gone = None
        if bucket.versioning != ENABLED:
            gone = self._remove_null(tx, bucket, key)
        if not bucket.versioning:
            if gone is not None:
                self._deleted(tx, ctx, bucket, gone, f"{told_as}:Delete")
            return None
        marker = Version(bucket.id, key, True, version=self._name(bucket), modified_ms=self.clock.now_ms())
        marker = structs.replace(marker, id=store.add_version(tx, marker))
        self._deleted(tx, ctx, bucket, marker, f"{told_as}:DeleteMarkerCreated")
        return marker

    def remove(
        self, tx: Transaction, ctx: RequestContext, bucket: Bucket, gone: Version, told_as: str = REMOVED
    ) -> None:
        """A delete of that version, for ever."""
        self._drop(tx, gone)
        self._deleted(tx, ctx, bucket, gone, f"{told_as}:Delete")

    def _deleted(self, tx: Transaction, ctx: RequestContext, bucket: Bucket, what: Version, event: str) -> None:
        upload_store.note_deletion(tx, bucket.id, what.key)
        self.tell(tx, ctx, bucket, what, event)

    def _remove_null(self, tx: Transaction, bucket: Bucket, key: str) -> Version | None:
        found = store.version(tx, bucket.id, key, NULL)
        if found is not None:
            self._drop(tx, found)
        return found

    def _drop(self, tx: Transaction, gone: Version) -> None:
        store.remove_version(tx, gone)
        bodies.drop(tx, gone.body, self.clock.now_ms())

    def _name(self, bucket: Bucket) -> str:
        return self.ids.secret(VERSION_CHARACTERS) if bucket.versioning == ENABLED else NULL
