"""Background work that brings Pending and InProgress versions to rest.

The work is to have the code unpacked, and with SnapStart to have the version initialised.
What is unsettled stands in the tables, so a control that
was killed takes it up again with `resume`.
"""

import asyncio
from functools import partial

import msgspec
import structlog

from lambent.clock import Clock
from lambent.errors import ServiceError, Unavailable
from lambent.ids import Ids
from lambent.model.function import FunctionKey
from lambent.services.changes import Changes
from lambent.services.lambda_ import snap_start, store
from lambent.services.lambda_.api import Snapshots
from lambent.services.lambda_.code import CodeStore
from lambent.services.lambda_.errors import Failed
from lambent.services.lambda_.images import ImageFailed, arrived, image_size
from lambent.services.lambda_.model import Configuration, Version
from lambent.services.lambda_.reach import keyed, reach_of
from lambent.services.lambda_.runtimes import brings_program
from lambent.services.lambda_.states import Step, standing_after
from lambent.store.api import Database, StoreFailed, Transaction

PAUSE_S, PAUSE_AFTER_BUG_S = 1.0, 30.0
log = structlog.get_logger()


class Completion:
    """Owns the tasks of the functions that are unsettled, and of each of their versions."""

    def __init__(
        self,
        database: Database,
        code: CodeStore,
        changes: Changes[FunctionKey],
        snapshots: Snapshots,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database, self._code, self._changes, self._snapshots = database, code, changes, snapshots
        self._clock, self._ids = clock, ids
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_hand: dict[tuple[FunctionKey, int, str], asyncio.Task[None]] = {}

    def begin(self, key: FunctionKey) -> None:
        """Work on the unsettled versions of `key`, in the background."""
        task = asyncio.create_task(self._settle(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def resume(self) -> None:
        """Take up what an earlier process left unsettled."""
        for key in {version.key for version in await self._database.read(store.unsettled)}:
            self.begin(key)

    async def wait(self) -> None:
        """Return when nothing is in hand."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Stop; what is unsettled stays so until the next start."""
        for task in self._tasks:
            task.cancel()
        await self.wait()

    async def _settle(self, key: FunctionKey) -> None:
        while True:
            try:
                versions = await self._database.read(lambda tx: store.unsettled(tx, key))
                if not versions:
                    return
                await asyncio.gather(*(self._settle_one(version) for version in versions))
            except (StoreFailed, Unavailable) as error:
                log.error("a function cannot be settled", action="function.settle", name=key.name, error=str(error))
                await self._clock.sleep(PAUSE_S)
            except Exception:  # a bug of ours must not leave a function unsettled for good
                log.exception("a function cannot be settled", action="function.bug", name=key.name)
                await self._clock.sleep(PAUSE_AFTER_BUG_S)

    async def _settle_one(self, version: Version) -> None:
        """Bring it to rest by itself: one that is initialised for minutes must not keep another waiting, nor
        be begun twice because the function was changed meanwhile."""
        name = version.key, version.number, version.revision_id
        if name not in self._in_hand:
            self._in_hand[name] = asyncio.create_task(self._bring_to_rest(version))
            self._in_hand[name].add_done_callback(lambda _: self._in_hand.pop(name))
        await self._in_hand[name]

    async def _bring_to_rest(self, version: Version) -> None:
        settled = await self._settled(version)
        await self._changes.make(version.key, partial(_put_unchanged, before=version, after=settled))

    async def _expect(self, wanted: Configuration) -> None:
        if not brings_program(wanted.runtime, wanted.handler):
            await self._snapshots.expect(wanted.runtime, wanted.memory_mb)

    async def _settled(self, version: Version) -> Version:
        """The version as it is once its code is unpacked and its snapshot taken, or could not be."""
        failure, code, wanted = "", "", arrived(version)
        try:
            await self._code.ensure(wanted)
            await self._expect(version.configuration)
            if version.snapshotted:
                failure, code = await self._snapshot(version)
        except ImageFailed as error:
            failure, code = error.message, error.reason_code
        except Failed as error:
            failure = error.message
        if not failure:
            version = wanted
        step = Step.FAIL if failure else Step.COMPLETE
        state, update = standing_after((version.state, version.update), step)
        return msgspec.structs.replace(
            version,
            state=state,
            update=update,
            failure=failure,
            failure_code=code,
            revision_id=self._ids.uuid(),
            coming=None,
        )

    async def _snapshot(self, version: Version) -> tuple[str, str]:
        reach = reach_of(await self._database.read(lambda tx: store.tags_of(tx, version.key)))
        try:
            taken = await self._snapshots.take(version.key, version.name, keyed(version.environment_key(), reach))
        except Unavailable:
            raise
        except ServiceError as error:
            return error.message, ""
        return snap_start.failure_of(taken)


def _put_unchanged(tx: Transaction, before: Version, after: Version) -> None:
    """Write the version back, unless somebody deleted or replaced it meanwhile: the next round sees that one."""
    present = store.find_version(tx, before.key, before.number)
    if present is not None and present.revision_id == before.revision_id:
        if after.image is not None:
            store.remember_code(tx, image_size(after.image))
        store.put_version(tx, after)
