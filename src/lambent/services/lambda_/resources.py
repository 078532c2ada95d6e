"""What all resources of this service work with, and what they do alike."""

import msgspec

from lambent.clock import Clock
from lambent.errors import ServiceError
from lambent.ids import Ids
from lambent.model.function import FunctionKey
from lambent.services.changes import Changes
from lambent.services.lambda_ import store
from lambent.services.lambda_.code import CodeStore
from lambent.services.lambda_.completion import Completion
from lambent.services.lambda_.configuration import Rules
from lambent.services.lambda_.destinations import DEAD_LETTER, check_destination, check_there
from lambent.services.lambda_.errors import InvalidParameter, StorageExceeded
from lambent.services.lambda_.layer_uses import uses
from lambent.services.lambda_.model import Configuration, LayerUse, Version
from lambent.services.lambda_.states import Step, standing_after
from lambent.services.operation import Request, RequestContext
from lambent.store.api import Database, Transaction


class Resources(msgspec.Struct, frozen=True):
    """One for the whole service."""

    database: Database
    code: CodeStore
    changes: Changes[FunctionKey]
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

    async def package(self, context: RequestContext, code: Request) -> bytes:
        """The package that a request brings or names; empty where it does neither. Raises InvalidParameter."""
        bucket, name, version = code.get("S3Bucket"), code.get("S3Key"), code.get("S3ObjectVersion")
        if not bucket and not name and not version:
            return code.get("ZipFile") or b""
        if code.get("ZipFile"):
            raise InvalidParameter("Please do not provide other FunctionCode parameters when providing a ZipFile.")
        if not bucket or not name:
            raise InvalidParameter("Please provide both S3Bucket and S3Key.")
        place = bucket, name, version
        try:
            return await self.rules.links.archives.read(context, place, self.rules.quotas.zip_bytes)
        except ServiceError as error:
            words = f"S3 Error Code: {error.code}. S3 Error Message: {error.message}"
            raise InvalidParameter(f"Error occurred while GetObject. {words}") from None

    async def layers_of(self, context: RequestContext, arns: list[str]) -> tuple[LayerUse, ...]:
        """The layers behind `arns`. Raises InvalidParameter, AccessDenied."""
        if arns and not self.rules.walls:
            raise InvalidParameter("Layers is refused: without walls (--isolation process) there is no /opt.")
        return await self.database.read(lambda tx: uses(tx, arns, context, self.rules.quotas))

    async def check_dead_letter(self, key: FunctionKey, arn: str) -> None:
        """Whether a dead-letter queue is there, and the function's to use. Raises InvalidParameter."""
        if arn:
            known = self.rules.links.destinations
            check_destination(arn, key, DEAD_LETTER, known.served())
            await check_there(arn, known)

    def check_size(self, tx: Transaction, version: Version) -> None:
        """Whether a version's code and layers together are small enough. Raises InvalidParameter."""
        if version.image is not None:
            return  # images have a limit of their own
        limit_bytes = self.rules.quotas.unzipped_bytes
        size_bytes = sum(store.unzipped_bytes(tx, digest) for digest in version.packages)
        if size_bytes > limit_bytes:
            raise InvalidParameter(
                f"Function code combined with layers exceeds the maximum allowed size of {limit_bytes} bytes. "
                f"The actual size is {size_bytes} bytes."
            )

    def check_storage(self, tx: Transaction, account: str, region: str, more_bytes: int) -> None:
        """Whether the account has room for more code in this Region. Raises StorageExceeded."""
        _, used_bytes = store.usage(tx, account, region)
        if used_bytes + more_bytes > self.rules.quotas.code_storage_bytes:
            raise StorageExceeded
