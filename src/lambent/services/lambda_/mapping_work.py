"""What follows a change of a mapping: its poller is told, and the mapping comes to rest in its next state.

The state on the way stands in the table, so a control that was killed takes it up again with `resume`, which also
starts the pollers of all mappings that are enabled.
"""

import asyncio
import contextlib

import msgspec
import structlog

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.ids import Ids
from lambent.pollers.api import Mapping
from lambent.services.lambda_ import mapping_store
from lambent.services.lambda_.api import Pollers
from lambent.services.lambda_.errors import NotFound
from lambent.services.lambda_.mapping_states import State, Step, state_after
from lambent.services.lambda_.mapping_store import EventSourceMapping
from lambent.services.lambda_.names import find_version
from lambent.store.api import Database, StoreFailed, Transaction

PAUSE_S, PAUSE_AFTER_BUG_S = 1.0, 30.0
BY_LAMBDA = "LAMBDA_INITIATED"
log = structlog.get_logger()


class MappingWork:
    """Owns one task for each mapping that is on its way. `ended` and `role` are what pollers call
    (`pollers.api.Registry`)."""

    def __init__(self, database: Database, pollers: Pollers, clock: Clock, ids: Ids) -> None:
        self._database, self._pollers, self._clock, self._ids = database, pollers, clock, ids
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, mapping: EventSourceMapping) -> None:
        """Bring it to rest, in the background."""
        task = asyncio.create_task(self._settle(mapping))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def resume(self) -> None:
        """Take up what an earlier process left."""
        for mapping in await self._database.read(mapping_store.every):
            if not mapping.at_rest:
                self.begin(mapping)
            elif mapping.state is State.ENABLED:
                await self._pollers.apply(mapping.polled())

    async def wait(self) -> None:
        """Return when nothing is in hand."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop; what is on its way stays so until the next start."""
        for task in self._tasks:
            task.cancel()
        await self.wait()

    async def ended(self, mapping: Mapping, problem: str) -> None:
        """A poller has given up: the mapping is disabled, and shows why."""
        key = mapping.function

        def work(tx: Transaction) -> None:
            present = mapping_store.find(tx, key.account, key.region, mapping.uuid)
            if present is None or present.state is not State.ENABLED or present.polled() != mapping:
                return
            state = state_after(present.state, Step.FAIL)
            mapping_store.put(tx, self._changed(present, state=state, enabled=False, reason=BY_LAMBDA, problem=problem))

        await self._database.write(work)

    async def role(self, mapping: Mapping) -> str:
        """The role of a mapping's function now."""

        def read(tx: Transaction) -> str:
            with contextlib.suppress(NotFound):
                return find_version(tx, mapping.function, mapping.qualifier).configuration.role
            return ""

        return await self._database.read(read)

    async def _settle(self, mapping: EventSourceMapping) -> None:
        while True:
            try:
                await self._tell(mapping)
                await self._database.write(lambda tx: self._come_to_rest(tx, mapping))
                return
            except (StoreFailed, Unavailable) as error:
                log.error("a mapping cannot be settled", action="mapping.settle", uuid=mapping.uuid, error=str(error))
                await self._clock.sleep(PAUSE_S)
            except Exception:  # a bug of ours must not leave a mapping on its way for good
                log.exception("a mapping cannot be settled", action="mapping.bug", uuid=mapping.uuid)
                await self._clock.sleep(PAUSE_AFTER_BUG_S)

    async def _tell(self, mapping: EventSourceMapping) -> None:
        if mapping.state is State.DELETING:
            await self._pollers.forget(mapping.polled())
        elif mapping.enabled:
            await self._pollers.apply(mapping.polled())
        else:
            await self._pollers.stop(mapping.uuid)

    def _come_to_rest(self, tx: Transaction, mapping: EventSourceMapping) -> None:
        present = mapping_store.find(tx, mapping.function.account, mapping.function.region, mapping.uuid)
        if present is None or present.revision != mapping.revision:
            return
        serves = mapping.enabled and mapping.state is not State.DELETING
        state = state_after(present.state, Step.STARTED if serves else Step.STOPPED)
        if state is State.DELETED:
            mapping_store.delete(tx, present)
        else:
            mapping_store.put(tx, self._changed(present, state=state))

    def _changed(self, mapping: EventSourceMapping, **changes: State | str | bool) -> EventSourceMapping:
        return msgspec.structs.replace(mapping, revision=self._ids.uuid(), modified_ms=self._clock.now_ms(), **changes)
