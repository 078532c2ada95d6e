"""UpdateFunctionCode.

The new code is unpacked before the change is committed: once acknowledged, it is what the next
invocation runs, and a package that cannot be unpacked changes nothing.

Source: Lambda service model; behaviours sections 5 and 6. AWS's words for a missing source are not known.
"""

import msgspec

from lambent.services.lambda_ import images, store, wire
from lambent.services.lambda_.configuration import check_architecture
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.model import CodeSize, ImageUse, State, Version
from lambent.services.lambda_.names import function_named
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.states import check_editable
from lambent.services.lambda_.unsupported import check_code, check_settings
from lambent.services.lambda_.versions import publish
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class CodeUpdates:
    """What changes a function's code."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("UpdateFunctionCode")
    async def update_function_code(self, context: RequestContext, request: Request) -> Answer:
        key = function_named(context, request)
        latest = await self._all.latest(key)
        check_editable(latest, request.get("RevisionId"))
        self._check(request)
        images.check_code(request, latest.configuration.package_type, "updating")
        if latest.image is not None:
            return await self._update_image(latest, request)
        package = await self._all.package(context, request)
        if not package:
            raise InvalidParameter("Please provide a source for function code.")
        if request.get("DryRun"):
            size = await self._all.code.check(package)
            return wire.configuration(msgspec.structs.replace(latest, **_code(size)))
        async with self._all.code.kept(package) as size:
            await self._all.code.ensure_unpacked(size.digest)
            version = await self._all.changes.make(key, lambda tx: self._put(tx, latest, size, request))
        self._all.completion.begin(key)
        return wire.configuration(version, str(version.number) if version.number else "")

    async def _update_image(self, latest: Version, request: Request) -> Answer:
        """The image that is there goes on being used until the new one has been pulled."""
        use = await self._all.code.image(request["ImageUri"], latest.configuration.architecture)
        images.container_of(use, latest.configuration)  # raises InvalidParameter
        if request.get("DryRun"):
            return wire.configuration(images.with_image(latest, use))
        version = await self._all.changes.make(latest.key, lambda tx: self._put_image(tx, latest, use, request))
        self._all.completion.begin(latest.key)
        return wire.configuration(version, str(version.number) if version.number else "")

    def _put_image(self, tx: Transaction, seen: Version, use: ImageUse, request: Request) -> Version:
        latest = store.latest(tx, seen.key)
        check_editable(latest, request.get("RevisionId"))
        store.remember_code(tx, images.image_size(use))
        edited = msgspec.structs.replace(self._all.edited(latest), coming=use)
        if latest.state is State.FAILED:
            edited = images.with_image(edited, use)  # there is nothing else to run
        store.put_version(tx, edited)
        if not request.get("Publish"):
            return edited
        waiting = msgspec.structs.replace(images.with_image(edited, use), state=State.PENDING)
        return publish(tx, waiting, self._all.ids.uuid())

    def _check(self, request: Request) -> None:
        check_settings(request)
        check_code(request)
        if request.get("Architectures"):
            check_architecture(request["Architectures"], self._all.rules)

    def _put(self, tx: Transaction, seen: Version, size: CodeSize, request: Request) -> Version:
        latest = store.latest(tx, seen.key)
        check_editable(latest, request.get("RevisionId"))
        self._all.check_storage(tx, latest.key.account, latest.key.region, size.zipped_bytes - latest.code_bytes)
        edited = self._all.edited(latest, **_code(size))
        self._all.check_size(tx, edited)
        store.put_version(tx, edited)
        return publish(tx, edited, self._all.ids.uuid()) if request.get("Publish") else edited


def _code(size: CodeSize) -> dict[str, str | int]:
    return {"code": size.digest, "code_bytes": size.zipped_bytes}
