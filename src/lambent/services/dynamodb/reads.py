"""Query and Scan.

Source: DynamoDB API reference, Query and Scan; Developer Guide, "Global secondary indexes" (no consistent reads),
"Local secondary indexes" (attributes that are not projected are fetched from the table); the words as the service
gives them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.dynamodb import legacy, store
from lambent.services.dynamodb.capacity import Used, read_units
from lambent.services.dynamodb.catalog import Catalog, Live
from lambent.services.dynamodb.errors import invalid, wrong_parameters
from lambent.services.dynamodb.expressions.binding import (
    Project,
    bound_condition,
    bound_key_condition,
    names_in,
    projected_names,
)
from lambent.services.dynamodb.expressions.conditions import Test
from lambent.services.dynamodb.expressions.key_conditions import KeyRange, key_range
from lambent.services.dynamodb.expressions.placeholders import Placeholders, placeholders_of
from lambent.services.dynamodb.items import shown_use
from lambent.services.dynamodb.keys import (
    Place,
    check_range,
    empty_key,
    index_place,
    partition_bytes,
    place_of,
    segment_range,
    sort_range,
)
from lambent.services.dynamodb.model import ACTIVE, Index, KeySchema, Table
from lambent.services.dynamodb.pages import Page, Walk, page_of
from lambent.services.dynamodb.projecting import projection_in
from lambent.services.dynamodb.values import Item, checked, item_size
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

QUERY_OLD = ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions")
QUERY_NEW = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
SCAN_OLD = ("AttributesToGet", "ScanFilter", "ConditionalOperator")
SCAN_NEW = ("ProjectionExpression", "FilterExpression")


class Reading(Struct, frozen=True):
    """What a query or scan wants, checked. `filtering` and `project` are None where there is none of them."""

    live: Live
    index: Index | None
    filtering: Test | None
    project: Project | None
    select: str
    consistent: bool
    limit: int | None
    fetches: bool

    @property
    def table(self) -> Table:
        return self.live.table

    @property
    def schema(self) -> KeySchema:
        """The keys that are walked along."""
        return self.table.schema if self.index is None else self.index.schema

    @property
    def space(self) -> int:
        return self.table.space if self.index is None else self.index.space

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes of LastEvaluatedKey."""
        return tuple(dict.fromkeys((*self.schema.names, *self.table.schema.names)))


class Reads:
    """The items of all tables, many at a time."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("Query")
    async def query(self, ctx: RequestContext, request: Request) -> Answer:
        """The items of a partition, in the order of their sort keys."""
        live = self._catalog.of_request(ctx, request)
        legacy.check_not_mixed(request, QUERY_OLD, QUERY_NEW)
        given = placeholders_of(request, *QUERY_NEW, keys=live.table.schema.names)
        if request.get("KeyConditionExpression") is not None:
            terms = bound_key_condition(request["KeyConditionExpression"], given)
        elif request.get("KeyConditions") is not None:
            terms = legacy.terms_of_conditions(request["KeyConditions"])
        else:
            raise invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        reading = _reading(live, request, given, "QueryFilter")
        schema = reading.schema
        sort = (schema.sort.name, schema.sort.kind) if schema.sort is not None else None
        wanted = key_range(terms, (schema.partition.name, schema.partition.kind), sort)
        check_range(schema, request.get("IndexName"), wanted)
        _check_filter(request, given, reading)
        return await self._read(reading, _query_walk(reading, request, wanted), request)

    @operation("Scan")
    async def scan(self, ctx: RequestContext, request: Request) -> Answer:
        """All items, or those of one segment."""
        live = self._catalog.of_request(ctx, request)
        legacy.check_not_mixed(request, SCAN_OLD, SCAN_NEW)
        given = placeholders_of(request, *SCAN_NEW, keys=live.table.schema.names)
        reading = _reading(live, request, given, "ScanFilter")
        return await self._read(reading, _scan_walk(reading, request), request)

    async def _read(self, reading: Reading, walk: Walk, request: Request) -> Answer:
        index_name = reading.index.name if reading.index is not None else None
        reading.live.meter.admit(write=False, index=index_name)
        page, items, fetched = await self._catalog.database.read(lambda tx: _page(tx, reading, walk))
        used = Used(reading.table, index_read={})
        used.add_read(read_units(page.read_bytes, reading.consistent), index_name)
        for size in fetched:
            used.add_read(read_units(size, reading.consistent))
        reading.live.meter.take(used)
        answer: Answer = {"Count": len(items), "ScannedCount": len(page.items)}
        if reading.select != "COUNT":
            answer["Items"] = items if reading.project is None else [reading.project(item) for item in items]
        if page.more:
            answer["LastEvaluatedKey"] = {name: page.items[-1][name] for name in reading.key_names}
        return answer | shown_use(request, used)


def _page(tx: Transaction, reading: Reading, walk: Walk) -> tuple[Page, list[Item], list[int]]:
    """A page, what of it passes the filter, and the sizes of items that had to be fetched from the table."""
    page, fetched = page_of(tx, walk, reading.limit), []
    items: Sequence[Item] = page.items
    if reading.fetches:
        schema, space = reading.table.schema, reading.table.space
        whole = [store.item_at(tx, space, place_of(schema, item)) or item for item in items]
        fetched = [item_size(item) for item in whole]
        items = whole
    test = reading.filtering
    return page, [item for item in items if test is None or test(item)], fetched


# --- what is wanted


def _reading(live: Live, request: Request, given: Placeholders, old_filter: str) -> Reading:
    index = _index(live.table, request)
    consistent = bool(request.get("ConsistentRead"))
    if consistent and index is not None and not index.local:
        raise invalid("Consistent reads are not supported on global secondary indexes")
    filtering = _filter(request, given, old_filter)
    project = projection_in(request, given)
    given.check_used()
    select = _select(request, index, project)
    missing = _not_held(index, live.table, request, given) if index is not None else []
    if index is not None and not index.local and missing:
        raise wrong_parameters(f"Global secondary index {index.name} does not project [{', '.join(missing)}]")
    partial = index is not None and index.projection != "ALL"
    # A local index answers what it does not hold from the table.
    fetches = bool(index is not None and index.local and partial and (select == "ALL_ATTRIBUTES" or missing))
    return Reading(live, index, filtering, project, select, consistent, request.get("Limit"), fetches)


def _not_held(index: Index, table: Table, request: Request, given: Placeholders) -> list[str]:
    """What of a projection an index does not have."""
    text, wanted = request.get("ProjectionExpression"), set(request.get("AttributesToGet") or ())
    if text is not None:
        wanted |= projected_names(text, given)
    return _lacking(index, table, wanted)


def _lacking(index: Index, table: Table, names: set[str]) -> list[str]:
    held = {*table.schema.names, *index.schema.names, *index.included}
    return [] if index.projection == "ALL" else sorted(names - held)


def _index(table: Table, request: Request) -> Index | None:
    name = request.get("IndexName")
    if name is None:
        return None
    index = table.index(name)
    if index is None:
        raise invalid(f"The table does not have the specified index: {name}")
    if index.status != ACTIVE:
        raise invalid(f"Cannot read from backfilling global secondary index: {name}")
    return index


def _filter(request: Request, given: Placeholders, old: str) -> Test | None:
    text, conditions = request.get("FilterExpression"), request.get(old)
    if text is not None:
        return bound_condition(text, given, "FilterExpression")
    return legacy.test_of_conditions(conditions or {}, request.get("ConditionalOperator"))


def _check_filter(request: Request, given: Placeholders, reading: Reading) -> None:
    """A query's filter must leave the keys alone, and can only look at what an index holds."""
    text, conditions = request.get("FilterExpression"), request.get("QueryFilter")
    looked_at = names_in(text, given) if text is not None else set(conditions or ())
    if reading.index is not None and (missing := _lacking(reading.index, reading.table, looked_at)):
        raise wrong_parameters(
            f"Secondary index {reading.index.name} does not project one or more filter attributes: "
            f"[{', '.join(missing)}]"
        )
    for name in reading.schema.names:
        if name in looked_at:
            raise invalid(
                f"{'Filter Expression' if text is not None else 'QueryFilter'} can only contain non-primary key "
                f"attributes: "
                f"Primary key attribute: {name}"
            )


def _select(request: Request, index: Index | None, project: Project | None) -> str:
    select: str | None = request.get("Select")
    if select is None:
        if project is not None:
            return "SPECIFIC_ATTRIBUTES"
        return "ALL_ATTRIBUTES" if index is None else "ALL_PROJECTED_ATTRIBUTES"
    if project is not None and select != "SPECIFIC_ATTRIBUTES":
        member = "AttributesToGet" if request.get("AttributesToGet") is not None else "ProjectionExpression"
        what = "only the Count" if select == "COUNT" else select
        raise invalid(f"Cannot specify the {member} when choosing to get {what}")
    if select == "SPECIFIC_ATTRIBUTES" and project is None:
        raise invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "ALL_ATTRIBUTES" and index is not None and not index.local and index.projection != "ALL":
        raise wrong_parameters(
            "Select type ALL_ATTRIBUTES is not supported for global secondary index "
            f"{index.name} because its projection type is not ALL"
        )
    return select


# --- where it lies


def _query_walk(reading: Reading, request: Request, wanted: KeyRange) -> Walk:
    partition = partition_bytes(wanted.partition)
    first, last = sort_range(wanted.sort)
    walk = Walk(reading.space, partition, first, last, request.get("ScanIndexForward", True))
    start = _start(reading, request)
    if start is None:
        return walk
    if start.partition != partition or not first <= start.sort < last:
        raise invalid("The provided starting key is outside query boundaries based on provided conditions")
    if walk.forward:
        return msgspec.structs.replace(walk, first=start.sort + b"\0")
    return msgspec.structs.replace(walk, last=start.sort)


def _scan_walk(reading: Reading, request: Request) -> Walk:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if (segment is None) is not (total is None):
        missing, present = ("TotalSegments", "Segment") if total is None else ("Segment", "TotalSegments")
        raise invalid(
            f"The {missing} parameter is required but was not present in the request when {present} parameter is "
            f"present"
        )
    segment, total = segment or 0, total or 1
    if segment >= total:
        raise invalid(
            f"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: "
            f"{segment} is not "
            f"less than TotalSegments: {total}"
        )
    first, until = segment_range(segment, total)
    start = _start(reading, request)
    if start is not None and not first <= start.partition < until:
        raise invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. The key is not in the segment")
    return Walk(reading.space, start=start or Place(first, b""), until=until)


def _start(reading: Reading, request: Request) -> Place | None:
    """Where the page before ended."""
    key: dict[str, Any] | None = request.get("ExclusiveStartKey")
    if key is None:
        return None
    found = {name: checked(value) for name, value in key.items()}
    if found.keys() != set(reading.key_names):
        raise invalid("The provided starting key is invalid")
    for attribute in (*reading.table.schema.attributes, *reading.schema.attributes):
        if attribute.kind not in found[attribute.name]:
            raise invalid("The provided starting key is invalid: The provided key element does not match the schema")
        if not found[attribute.name][attribute.kind]:
            raise invalid(f"The provided starting key is invalid: {empty_key(attribute).message}")
    primary = place_of(reading.table.schema, found)
    return primary if reading.index is None else index_place(reading.index.schema, found, primary)
