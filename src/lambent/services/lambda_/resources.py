"""What all resources of this service work with, and what they do alike."""

import msgspec

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.model.function import FunctionKey
from lambent.services.lambda_ import store
from lambent.services.lambda_.changes import Changes
from lambent.services.lambda_.code import CodeStore
from lambent.services.lambda_.completion import Completion
from lambent.services.lambda_.configuration import Rules
from lambent.services.lambda_.errors import StorageExceeded
from lambent.services.lambda_.model import Configuration, Version
from lambent.services.lambda_.states import Step, standing_after
from lambent.store.api import Database, Transaction


class Resources(msgspec.Struct, frozen=True):
    """One for the whole service."""

    database: Database
    code: CodeStore
    changes: Changes
    completion: Completion
    clock: Clock
    ids: Ids
    rules: Rules

    async def latest(self, key: FunctionKey) -> Version:
        """`$LATEST`. Raises NotFound."""
        return await self.database.read(lambda tx: store.latest(tx, key))

    def edited(self, latest: Version, **changes: Configuration | str | int) -> Version:
        """`latest` after an edit of a caller's: another revision, and an update in progress."""
        state, update = standing_after((latest.state, latest.update), Step.EDIT)
        return msgspec.structs.replace(
            latest,
            state=state,
            update=update,
            failure="",
            revision_id=self.ids.uuid(),
            modified_ms=self.clock.now_ms(),
            **changes,
        )

    def check_storage(self, tx: Transaction, key: FunctionKey, more_bytes: int) -> None:
        """Whether the account has room for more code in this Region. Raises StorageExceeded."""
        _, used_bytes = store.usage(tx, key.account, key.region)
        if used_bytes + more_bytes > self.rules.quotas.code_storage_bytes:
            raise StorageExceeded
