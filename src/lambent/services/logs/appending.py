"""Events that another service writes into a log group of its own choice."""

from collections.abc import Sequence

from lambent.clock import Clock
from lambent.services.logs import store
from lambent.services.logs.chunks import pack
from lambent.store.api import Database, Transaction


class Appending:
    """For Lambent's other services; PutLogEvents is for everybody else."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def append(self, place: store.Place, group: str, stream: str, message: str) -> None:
        """Write one event, stamped now, into a stream that is made if it is missing; it is on disk when this
        returns. Raises NotFound for a group that is not there."""
        await self.append_all(place, group, stream, [(self._clock.now_ms(), message)])

    async def append_all(self, place: store.Place, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """The same for many events, each with its time in milliseconds."""
        now_ms = self._clock.now_ms()

        def work(tx: Transaction) -> None:
            store.add_chunks(tx, store.group(tx, place, group)["id"], stream, pack(list(events)), now_ms)

        await self._database.write(work)
