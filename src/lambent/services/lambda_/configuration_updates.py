"""UpdateFunctionConfiguration. Source: Lambda service model; behaviours sections 4 to 6."""

import msgspec

from lambent.model.function_name import function_arn
from lambent.services.lambda_ import configuration, images, store, wire
from lambent.services.lambda_.errors import Conflict
from lambent.services.lambda_.file_systems import check_place
from lambent.services.lambda_.model import Configuration, Version
from lambent.services.lambda_.names import function_named
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.states import UPDATE_FORBIDS, check_editable
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class ConfigurationUpdates:
    """What changes a function's configuration."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("UpdateFunctionConfiguration")
    async def update_function_configuration(self, context: RequestContext, request: Request) -> Answer:
        """Environment and Layers are replaced as a whole; what is not sent stays."""
        key = function_named(context, request)
        latest = await self._all.latest(key)
        check_editable(latest, request.get("RevisionId"))
        wanted = await configuration.updated(latest.configuration, latest.key.account, request, self._all.rules)
        check_place(key, wanted.file_system)
        if "DeadLetterConfig" in request:
            await self._all.check_dead_letter(key, wanted.dead_letter)
        if "Layers" in request:
            layers = await self._all.layers_of(context, request["Layers"])
            wanted = msgspec.structs.replace(wanted, layers=layers)
        if latest.image is not None:
            images.container_of(latest.image, wanted)  # raises InvalidParameter
        packages = (latest.code, *(layer.code for layer in wanted.layers))
        async with self._all.code.held(packages):
            await self._all.code.ensure(msgspec.structs.replace(latest, configuration=wanted))
            edited = await self._all.changes.make(key, lambda tx: self._put(tx, latest, wanted))
        self._all.completion.begin(key)
        return wire.configuration(edited)

    def _put(self, tx: Transaction, seen: Version, wanted: Configuration) -> Version:
        """Store the edit of what was seen; somebody who was faster has made an update of their own."""
        latest = store.latest(tx, seen.key)
        if latest.revision_id != seen.revision_id:
            raise Conflict(UPDATE_FORBIDS.format(arn=function_arn(latest.key)))
        edited = self._all.edited(latest, configuration=wanted)
        self._all.check_size(tx, edited)
        store.put_version(tx, edited)
        return edited
