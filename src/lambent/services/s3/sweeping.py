"""Deleting blobs that nobody refers to: those of objects that are gone, and those of uploads that never ended."""

import structlog

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.services.s3 import bodies
from lambent.store.api import Database, Objects, StoreFailed

EVERY_S = 10.0
ABANDONED_EVERY_S = 3_600.0
ABANDONED_AFTER_S = 60.0
BATCH = 1_000
log = structlog.get_logger()


class Sweeper:
    """Sweeps by itself while `run` runs."""

    def __init__(self, database: Database, objects: Objects, clock: Clock) -> None:
        self._database, self._objects, self._clock = database, objects, clock

    async def run(self) -> None:
        """Sweep until cancelled."""
        abandoned_at_s = self._clock.monotonic_s()
        while True:
            try:
                await self.delete_garbage()
                if self._clock.monotonic_s() >= abandoned_at_s:
                    await self.delete_abandoned()
                    abandoned_at_s = self._clock.monotonic_s() + ABANDONED_EVERY_S
            except (OSError, StoreFailed, Unavailable) as error:
                log.error("blobs stay for now", action="s3.sweep", error=str(error))
            await self._clock.sleep(EVERY_S)

    async def delete_garbage(self) -> int:
        """Delete what has been nobody's for a while; how many."""
        deleted = 0
        while blobs := await self._database.read(lambda tx: bodies.due_garbage(tx, self._clock.now_ms(), BATCH)):
            await self._objects.delete(blobs)
            await self._database.write(lambda tx, blobs=blobs: bodies.forget_garbage(tx, blobs))  # type: ignore[misc]
            deleted += len(blobs)
        return deleted

    async def delete_abandoned(self) -> int:
        """Delete what dead processes left; how many."""
        found = await self._objects.sweep(self._known, self._clock.machine_s() - ABANDONED_AFTER_S)
        if found:
            log.info("unfinished uploads are deleted", action="s3.abandoned", blobs=found)
        return found

    async def _known(self, names: list[str]) -> set[str]:
        return await self._database.read(lambda tx: bodies.known(tx, names))
