"""ItemCollectionMetrics, which only tables with local indexes have. Pure.

Collections have no limit of 10 GB here, so the estimate is that of the item alone.

Source: DynamoDB API reference, ItemCollectionMetrics ("If the table does not have any local secondary indexes, this
information is not returned"); BatchWriteItem and TransactWriteItems (by table, one for each collection).
"""

from collections.abc import Iterable
from typing import Any

from lambent.services.dynamodb.keys import key_of
from lambent.services.dynamodb.values import item_size
from lambent.services.dynamodb.writing import Change, Effect
from lambent.services.operation import Answer, Request


def shown_metrics(request: Request, change: Change, effect: Effect) -> Answer:
    """Those of one write, where they were asked for."""
    found = _collection(change, effect) if _wanted(request) else None
    return {} if found is None else {"ItemCollectionMetrics": found}


def shown_metrics_of_all(request: Request, writes: Iterable[tuple[str, Change, Effect]]) -> Answer:
    """Those of several writes, each with the table as the caller named it, where they were asked for."""
    if not _wanted(request):
        return {}
    found: dict[str, dict[bytes, dict[str, Any]]] = {}
    for table, change, effect in writes:
        collection = _collection(change, effect)
        if collection is not None:
            found.setdefault(table, {})[change.place.partition] = collection
    return {"ItemCollectionMetrics": {table: list(each.values()) for table, each in found.items()}} if found else {}


def _wanted(request: Request) -> bool:
    return bool(request.get("ReturnItemCollectionMetrics", "NONE") != "NONE")


def _collection(change: Change, effect: Effect) -> dict[str, Any] | None:
    known, schema = effect.new or effect.old, change.table.schema
    if known is None or not any(index.local for index in change.table.indexes):
        return None
    name, size = schema.partition.name, item_size(known) / 2**30
    key = {name: key_of(schema, known)[name]}
    return {"ItemCollectionKey": key, "SizeEstimateRangeGB": [size, size + 1.0]}
