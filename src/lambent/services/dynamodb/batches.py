"""BatchGetItem and BatchWriteItem.

The writes of a batch are committed together, although callers may not rely on it. A batch is never cut short for want
of capacity; gets end at 16 MB, and what was not read is answered as UnprocessedKeys.

Source: DynamoDB API reference, both operations; the words as the service gives them.
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.dynamodb import store
from lambent.services.dynamodb.capacity import Used, read_units
from lambent.services.dynamodb.catalog import Catalog, Live
from lambent.services.dynamodb.changes import checked_new
from lambent.services.dynamodb.errors import ThroughputExceeded, invalid
from lambent.services.dynamodb.expressions.binding import Project
from lambent.services.dynamodb.keys import Place, checked_key, place_of
from lambent.services.dynamodb.metrics import shown_metrics_of_all
from lambent.services.dynamodb.model import Table
from lambent.services.dynamodb.names import table_key
from lambent.services.dynamodb.projecting import project_of
from lambent.services.dynamodb.values import Item, item_size
from lambent.services.dynamodb.writing import Change, Effect, make_change
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

MOST_WRITES, MOST_GETS = 25, 100
ANSWER_BYTES = 16 * 1024 * 1024


class _Gets:
    """What a batch wants of one table."""

    def __init__(self, live: Live, asked: Mapping[str, Any]) -> None:
        self.live, self.asked = live, asked
        self.project: Project | None = project_of(asked, live.table.schema.names)
        self.places = [place_of(live.table.schema, checked_key(live.table.schema, key)) for key in asked["Keys"]]
        if len(set(map(_mark, self.places))) != len(self.places):
            raise invalid("Provided list of item keys contains duplicates")


class Batches:
    """Many items by their keys."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("BatchGetItem")
    async def batch_get_item(self, ctx: RequestContext, request: Request) -> Answer:
        """Items by their keys, in no order."""
        asked: Mapping[str, Any] = request["RequestItems"]
        if sum(len(each["Keys"]) for each in asked.values()) > MOST_GETS:
            raise invalid("Too many items requested for the BatchGetItem call")
        gets = {name: _Gets(self._catalog.find(table_key(ctx, name)), each) for name, each in asked.items()}
        throttled = _throttled({name: get.live for name, get in gets.items()}, write=False)
        served = {name: get for name, get in gets.items() if name not in throttled}
        found = await self._catalog.database.read(lambda tx: _read(tx, served))
        answer: Answer = {"Responses": {}, "UnprocessedKeys": {name: asked[name] for name in throttled}}
        uses = []
        for name, get in served.items():
            items = found[name]
            used = Used(get.live.table, index_read={})
            for item in items:
                used.add_read(read_units(item_size(item or {}), bool(get.asked.get("ConsistentRead"))))
            get.live.meter.take(used)
            uses.append(used)
            there = [item for item in items if item is not None]
            answer["Responses"][name] = there if get.project is None else [get.project(item) for item in there]
            if len(items) < len(get.places):
                answer["UnprocessedKeys"][name] = {**get.asked, "Keys": get.asked["Keys"][len(items) :]}
        return answer | shown_uses(request, uses)

    @operation("BatchWriteItem")
    async def batch_write_item(self, ctx: RequestContext, request: Request) -> Answer:
        """Whole items put and deleted."""
        asked: Mapping[str, list[dict[str, Any]]] = request["RequestItems"]
        if sum(map(len, asked.values())) > MOST_WRITES:
            raise invalid("Too many items requested for the BatchWriteItem call")
        lives = {name: self._catalog.find(table_key(ctx, name)) for name in asked}
        changes = {name: [_change_of(lives[name].table, each) for each in writes] for name, writes in asked.items()}
        for each in changes.values():
            if len({_mark(change.place) for change in each}) != len(each):
                raise invalid("Provided list of item keys contains duplicates")
        throttled = _throttled(lives, write=True)
        for name in throttled:
            del lives[name], changes[name]
        moment = self._catalog.moment()

        def work(tx: Transaction) -> dict[str, list[Effect]]:
            return {name: [make_change(tx, change, moment) for change in each] for name, each in changes.items()}

        effects = await self._catalog.database.write(work)
        uses = []
        for name, live in lives.items():
            self._catalog.recorded(live.table)
            used = Used(live.table, index_write={})
            for effect in effects[name]:
                used.add_write(effect.written_bytes, effect.index_bytes)
            live.meter.take(used)
            uses.append(used)
        writes = ((name, *each) for name in changes for each in zip(changes[name], effects[name], strict=True))
        unprocessed = {name: asked[name] for name in throttled}
        return {"UnprocessedItems": unprocessed} | shown_uses(request, uses) | shown_metrics_of_all(request, writes)


def shown_uses(request: Request, uses: list[Used], *, transaction: bool = False) -> Answer:
    """ConsumedCapacity of several tables, where it was asked for."""
    how = request.get("ReturnConsumedCapacity", "NONE")
    return {} if how == "NONE" else {"ConsumedCapacity": [used.shown(how, transaction=transaction) for used in uses]}


def _throttled(lives: Mapping[str, Live], *, write: bool) -> list[str]:
    """The tables that have no units left, for the caller to ask again. Raises ThroughputExceeded where none has any."""
    refused = {}
    for name, live in lives.items():
        try:
            live.meter.admit(write=write)
        except ThroughputExceeded as error:
            refused[name] = error
    if refused and len(refused) == len(lives):
        raise next(iter(refused.values()))
    return list(refused)


def _mark(place: Place) -> tuple[bytes, bytes]:
    return place.partition, place.sort


def _read(tx: Transaction, gets: Mapping[str, _Gets]) -> dict[str, list[Item | None]]:
    """The items of each table as far as the answer may be long; None for one that is not there."""
    found: dict[str, list[Item | None]] = {name: [] for name in gets}
    size = 0
    for name, get in gets.items():
        for place in get.places:
            if size >= ANSWER_BYTES:
                return found
            item = store.item_at(tx, get.live.table.space, place)
            size += item_size(item or {})
            found[name].append(item)
    return found


def _change_of(table: Table, write: Mapping[str, Any]) -> Change:
    put, delete = write.get("PutRequest"), write.get("DeleteRequest")
    if (put is None) is (delete is None):
        raise invalid("A write request must contain exactly one of PutRequest and DeleteRequest")
    if put is not None:
        item = checked_new(table, put["Item"])
        return Change(table, place_of(table.schema, item), lambda _: item)
    assert delete is not None
    return Change(table, place_of(table.schema, checked_key(table.schema, delete["Key"])), lambda _: None)
