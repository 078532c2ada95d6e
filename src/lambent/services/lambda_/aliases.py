"""Aliases: CreateAlias, UpdateAlias, DeleteAlias, GetAlias, ListAliases.

An alias is a name for a version, or for two of them with a weight for the second; which of the two
serves an invocation is drawn by the edge each time.

Source: Lambda service model (AliasConfiguration, AliasRoutingConfiguration); behaviours sections 6 and
10. That ListAliases with a FunctionVersion also names aliases that give it a part of their traffic
follows the model's words ("aliases that invoke that version"). AWS publishes no greatest number of
aliases, so there is none here.
"""

import msgspec

from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, function_arn
from lambent.services.lambda_ import alias_store, attachments, provisioned_store, store
from lambent.services.lambda_.errors import Conflict, InvalidParameter, NotFound, StaleRevision, function_not_found
from lambent.services.lambda_.model import Alias, version_name
from lambent.services.lambda_.names import NUMBER, find_alias, function_named
from lambent.services.lambda_.pages import Place, marker_of, page_size, place_of
from lambent.services.lambda_.provisioned import check_place
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Aliases:
    """The resource `alias`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateAlias")
    async def create_alias(self, context: RequestContext, request: Request) -> Answer:
        key, name = function_named(context, request), request["Name"]

        def work(tx: Transaction) -> Alias:
            store.function(tx, key)  # raises NotFound
            if alias_store.find(tx, key, name) is not None:
                raise Conflict(f"Alias already exists: {function_arn(key, name)}")
            return _put(tx, Alias(key, name, 0, self._all.ids.uuid()), request)

        return wire(await self._all.changes.make(key, work))

    @operation("UpdateAlias")
    async def update_alias(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays; once answered, the next invocation meets the change."""
        key, name = function_named(context, request), request["Name"]

        def work(tx: Transaction) -> Alias:
            store.function(tx, key)  # raises NotFound
            present = alias_store.find(tx, key, name)
            if present is None:
                raise NotFound(f"Alias not found: {function_arn(key, name)}")
            if request.get("RevisionId") not in (None, present.revision_id):
                raise StaleRevision
            return _put(tx, msgspec.structs.replace(present, revision_id=self._all.ids.uuid()), request)

        return wire(await self._all.changes.make(key, work))

    @operation("DeleteAlias")
    async def delete_alias(self, context: RequestContext, request: Request) -> None:
        """Deleting one that is not there succeeds."""
        key = function_named(context, request)

        def work(tx: Transaction) -> None:
            store.function(tx, key)  # raises NotFound
            alias_store.delete(tx, key, request["Name"])
            attachments.forget(tx, key, request["Name"])

        await self._all.changes.make(key, work)

    @operation("GetAlias")
    async def get_alias(self, context: RequestContext, request: Request) -> Answer:
        key, name = function_named(context, request), request["Name"]

        def work(tx: Transaction) -> Alias:
            store.function(tx, key)  # raises NotFound
            return find_alias(tx, key, name)

        found = await self._all.database.read(work)
        await self._all.changes.seen(key)
        return wire(found)

    @operation("ListAliases")
    async def list_aliases(self, context: RequestContext, request: Request) -> Answer:
        """By name."""
        key, place, count = function_named(context, request), place_of(request), page_size(request)
        wanted = request.get("FunctionVersion")

        def work(tx: Transaction) -> list[Alias]:
            store.function(tx, key)  # raises NotFound
            version = alias_store.ANY_VERSION if wanted is None else _number(tx, key, wanted)
            return alias_store.after(tx, key, place.name, count + 1, version)

        found = await self._all.database.read(work)
        await self._all.changes.seen(key)
        page = found[:count]
        answer: Answer = {"Aliases": [wire(each) for each in page]}
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(page[-1].name))
        return answer


def wire(alias: Alias) -> Answer:
    """The AliasConfiguration object."""
    answer: Answer = {
        "AliasArn": function_arn(alias.key, alias.name),
        "Name": alias.name,
        "FunctionVersion": version_name(alias.version),
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.other is not None:
        answer["RoutingConfig"] = {"AdditionalVersionWeights": {version_name(alias.other): alias.weight}}
    return answer


def _put(tx: Transaction, present: Alias, request: Request) -> Alias:
    """`present` with what the request changes, checked as a whole and stored."""
    version, other, weight = present.version, present.other, present.weight
    if "FunctionVersion" in request:
        version = _number(tx, present.key, request["FunctionVersion"])
    if "RoutingConfig" in request:
        other, weight = _second(tx, present.key, request["RoutingConfig"].get("AdditionalVersionWeights") or {})
    if other is not None:
        _check_pair(version, other)
    description = request.get("Description", present.description)
    changed = msgspec.structs.replace(present, version=version, other=other, weight=weight, description=description)
    if provisioned_store.find(tx, present.key, present.name) is not None:
        numbers = (version,) if other is None else (version, other)
        check_place(tx, present.key, present.name, numbers)
    alias_store.put(tx, changed)
    return changed


def _second(tx: Transaction, key: FunctionKey, weights: dict[str, float]) -> tuple[int | None, float]:
    """The second version and its weight."""
    if len(weights) > 1:
        raise InvalidParameter("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for version, weight in weights.items():
        return _number(tx, key, version), weight
    return None, 0.0


def _check_pair(version: int, other: int) -> None:
    if version == 0:
        raise InvalidParameter("$LATEST is not supported for an alias pointing to more than 1 version")
    if version == other:
        raise InvalidParameter(
            f"Invalid function version {version}. Function version {version} is already included in routing "
            "configuration."
        )


def _number(tx: Transaction, key: FunctionKey, version: str) -> int:
    """The number of a version that is there. Raises NotFound."""
    number = 0 if version == LATEST else int(version) if NUMBER.fullmatch(version) else -1
    if number < 0 or store.find_version(tx, key, number) is None:
        raise function_not_found(key, version)
    return number
