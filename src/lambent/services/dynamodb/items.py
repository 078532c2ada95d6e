"""PutItem, GetItem, UpdateItem, DeleteItem.

Source: DynamoDB API reference, each operation.
"""

from collections.abc import Callable

from lambent.services.dynamodb import store
from lambent.services.dynamodb.capacity import Used, read_units
from lambent.services.dynamodb.catalog import Catalog, Live
from lambent.services.dynamodb.changes import delete_of, put_of, update_of
from lambent.services.dynamodb.errors import ConditionalCheckFailed, invalid
from lambent.services.dynamodb.expressions.updates import Update
from lambent.services.dynamodb.keys import checked_key, place_of
from lambent.services.dynamodb.metrics import shown_metrics
from lambent.services.dynamodb.projecting import project_of
from lambent.services.dynamodb.values import Item, item_size
from lambent.services.dynamodb.writing import Change, Effect, make_change
from lambent.services.operation import Answer, Request, RequestContext, operation


class Items:
    """The items of all tables, one at a time."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("GetItem")
    async def get_item(self, ctx: RequestContext, request: Request) -> Answer:
        """One item by its key."""
        live = self._catalog.of_request(ctx, request)
        table = live.table
        project = project_of(request, table.schema.names)
        key = checked_key(table.schema, request["Key"])
        live.meter.admit(write=False)
        place = place_of(table.schema, key)
        item = await self._catalog.database.read(lambda tx: store.item_at(tx, table.space, place))
        used = Used(table, read=read_units(item_size(item or {}), bool(request.get("ConsistentRead"))), index_read={})
        live.meter.take(used)
        answer: Answer = {} if item is None else {"Item": item if project is None else project(item)}
        return answer | shown_use(request, used)

    @operation("PutItem")
    async def put_item(self, ctx: RequestContext, request: Request) -> Answer:
        """A whole item, in place of the one there is."""
        live = self._catalog.of_request(ctx, request)
        _check_return_values(request)
        return await self._change(live, request, put_of(live.table, request), _old_values)

    @operation("DeleteItem")
    async def delete_item(self, ctx: RequestContext, request: Request) -> Answer:
        """No item there any longer."""
        live = self._catalog.of_request(ctx, request)
        _check_return_values(request)
        return await self._change(live, request, delete_of(live.table, request), _old_values)

    @operation("UpdateItem")
    async def update_item(self, ctx: RequestContext, request: Request) -> Answer:
        """Some attributes of an item, which is made where there is none."""
        live = self._catalog.of_request(ctx, request)
        change, update = update_of(live.table, request)
        return await self._change(live, request, change, lambda how, effect: _values(how, effect, update))

    async def _change(
        self, live: Live, request: Request, change: Change, values: Callable[[str, Effect], Item | None]
    ) -> Answer:
        live.meter.admit(write=True)
        moment = self._catalog.moment()
        used = Used(change.table, index_write={})
        try:
            effect = await self._catalog.database.write(lambda tx: make_change(tx, change, moment))
        except ConditionalCheckFailed as error:
            used.add_write(error.examined_bytes, {})
            live.meter.take(used)
            raise
        self._catalog.recorded(live.table)
        used.add_write(effect.written_bytes, effect.index_bytes)
        live.meter.take(used)
        shown = values(request.get("ReturnValues", "NONE"), effect)
        answer: Answer = {"Attributes": shown} if shown else {}
        return answer | shown_use(request, used) | shown_metrics(request, change, effect)


def shown_use(request: Request, used: Used) -> Answer:
    """ConsumedCapacity, where it was asked for."""
    how = request.get("ReturnConsumedCapacity", "NONE")
    return {} if how == "NONE" else {"ConsumedCapacity": used.shown(how)}


def _check_return_values(request: Request) -> None:
    if request.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise invalid("ReturnValues can only be ALL_OLD or NONE")


def _old_values(how: str, effect: Effect) -> Item | None:
    return effect.old if how == "ALL_OLD" else None


def _values(how: str, effect: Effect, update: Update | None) -> Item | None:
    old, new = effect.old or {}, effect.new or {}
    match how:
        case "ALL_OLD":
            return old
        case "ALL_NEW":
            return new
        case "UPDATED_OLD":
            return update.part_of(old) if update is not None else None
        case "UPDATED_NEW":
            return update.part_of(new) if update is not None else None
        case _:
            return None
