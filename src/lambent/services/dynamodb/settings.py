"""UpdateTable, UpdateTimeToLive and its Describe, and what is told of limits, endpoints and backups.

Source: DynamoDB API reference, each operation; the words as the service gives them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from lambent.errors import ValidationError
from lambent.services.dynamodb import store
from lambent.services.dynamodb.catalog import Catalog
from lambent.services.dynamodb.describing import description
from lambent.services.dynamodb.errors import LimitExceeded, TableNotFound, invalid, wrong_parameters
from lambent.services.dynamodb.model import CREATING, ON_DEMAND, PROVISIONED, Index, KeySchema, Table, Throughput, Ttl
from lambent.services.dynamodb.schemas import (
    MOST_UNITS,
    check_indexes,
    check_supported,
    index_of,
    kinds_of,
    throughput_of,
)
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.switching import with_stream
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

Work = Callable[[Transaction], Any]
CHANGES = (
    *("BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexUpdates", "StreamSpecification"),
    *("DeletionProtectionEnabled", "OnDemandThroughput", "SSESpecification", "TableClass"),
)


class Settings:
    """What of a table can be changed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("UpdateTable")
    async def update_table(self, ctx: RequestContext, request: Request) -> Answer:
        """Change capacity, indexes, the stream, or the protection."""
        check_supported(request)
        if all(request.get(name) in (None, []) for name in CHANGES):
            raise invalid(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                "GlobalSecondaryIndexUpdates or "
                "SSESpecification or ReplicaUpdates is required"
            )
        live = self._catalog.of_request(ctx, request, named=True)

        def plan(table: Table) -> tuple[Table, Work]:
            table = _with_capacity(table, request, self._catalog.clock.now_ms())
            works: list[Work] = []
            updates = request.get("GlobalSecondaryIndexUpdates") or ()
            _check_one_at_a_time(table, updates)
            for update in updates:
                table, work = self._with_index(table, update, request)
                works.append(work)
            check_indexes(table.indexes)
            _check_provisioned(table)
            if request.get("StreamSpecification") is not None:
                table, work = self._with_stream(table, request["StreamSpecification"])
                works.append(work)
            protected = request.get("DeletionProtectionEnabled", table.protected)
            return msgspec.structs.replace(table, protected=protected), lambda tx: [work(tx) for work in works]

        table = await self._catalog.change(live.table.key, plan)
        usage = await self._catalog.database.read(
            lambda tx: {space: store.usage_of(tx, space) for space in table.spaces}
        )
        return {"TableDescription": description(table, usage, "UPDATING")}

    def _with_stream(self, table: Table, given: Mapping[str, Any]) -> tuple[Table, Work]:
        if not given["StreamEnabled"] and (table.stream is None or not table.stream.enabled):
            raise invalid("Table has no stream to disable")
        return with_stream(self._catalog, table, given)

    def _with_index(self, table: Table, update: Mapping[str, Any], request: Request) -> tuple[Table, Work]:
        kinds = [kind for kind in ("Create", "Update", "Delete") if update.get(kind) is not None]
        if len(kinds) != 1:
            raise wrong_parameters(
                "One of GlobalSecondaryIndexUpdate's members Create, Update and Delete must be given"
            )
        given = update[kinds[0]]
        if kinds == ["Create"]:
            return self._with_new_index(table, given, request)
        index = table.index(given["IndexName"])
        if index is None or index.local:
            raise TableNotFound(
                f"Requested resource not found: Index: {given['IndexName']} not found for table: {table.key.name}"
            )
        if kinds == ["Delete"]:
            return _replaced(table, index, None), lambda tx: tx.run(SQL.abandon_space, space=index.space)
        throughput = throughput_of(
            given.get("ProvisionedThroughput"),
            given.get("OnDemandThroughput"),
            table.billing,
            f" for index: {index.name}",
        )
        if throughput == index.throughput and given.get("ProvisionedThroughput") is not None:
            raise _unchanged(f"index {index.name}", "index", index.throughput)
        return _replaced(table, index, msgspec.structs.replace(index, throughput=throughput)), lambda _: None

    def _with_new_index(self, table: Table, given: Mapping[str, Any], request: Request) -> tuple[Table, Work]:
        if table.index(given["IndexName"]) is not None:
            raise invalid(f"Attempting to create an index which already exists: {given['IndexName']}")
        kinds = kinds_of(request.get("AttributeDefinitions") or [])
        _check_same_kinds(table, kinds)
        index = index_of(given, _known_kinds(table) | kinds, next(self._catalog.spaces), table.billing, CREATING)
        table = msgspec.structs.replace(table, indexes=(*table.indexes, index))
        return table, lambda tx: tx.run(SQL.add_space, id=index.space)

    @operation("UpdateTimeToLive")
    async def update_time_to_live(self, ctx: RequestContext, request: Request) -> Answer:
        """Let items expire, or no longer."""
        live, wanted = self._catalog.of_request(ctx, request), request["TimeToLiveSpecification"]
        name = wanted["AttributeName"]

        def plan(table: Table) -> tuple[Table, Work]:
            if wanted["Enabled"]:
                if table.ttl is not None and table.ttl.attribute == name:
                    raise invalid("TimeToLive is already enabled")
                if table.ttl is not None:
                    raise _other_attribute(table.ttl)
                ttl = Ttl(name, next(self._catalog.spaces))
                return msgspec.structs.replace(table, ttl=ttl), lambda tx: tx.run(SQL.add_space, id=ttl.space)
            if table.ttl is None:
                raise invalid("TimeToLive is already disabled")
            if table.ttl.attribute != name:
                raise _other_attribute(table.ttl)
            space = table.ttl.space
            return msgspec.structs.replace(table, ttl=None), lambda tx: tx.run(SQL.abandon_space, space=space)

        await self._catalog.change(live.table.key, plan)
        return {"TimeToLiveSpecification": {"Enabled": wanted["Enabled"], "AttributeName": name}}

    @operation("DescribeTimeToLive")
    async def describe_time_to_live(self, ctx: RequestContext, request: Request) -> Answer:
        """Whether items expire, and by which attribute."""
        ttl = self._catalog.of_request(ctx, request).table.ttl
        shown = (
            {"TimeToLiveStatus": "DISABLED"}
            if ttl is None
            else {"TimeToLiveStatus": "ENABLED", "AttributeName": ttl.attribute}
        )
        return {"TimeToLiveDescription": shown}

    @operation("DescribeContinuousBackups")
    async def describe_continuous_backups(self, ctx: RequestContext, request: Request) -> Answer:
        """There are none, and so no point in time to go back to."""
        self._catalog.of_request(ctx, request)
        recovery = {"PointInTimeRecoveryStatus": "DISABLED"}
        shown = {"ContinuousBackupsStatus": "DISABLED", "PointInTimeRecoveryDescription": recovery}
        return {"ContinuousBackupsDescription": shown}

    @operation("DescribeLimits")
    async def describe_limits(self, ctx: RequestContext, request: Request) -> Answer:
        """AWS's default quotas of capacity."""
        return {
            "AccountMaxReadCapacityUnits": 80_000,
            "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": MOST_UNITS,
            "TableMaxWriteCapacityUnits": MOST_UNITS,
        }

    @operation("DescribeEndpoints")
    async def describe_endpoints(self, ctx: RequestContext, request: Request) -> Answer:
        """The address that the caller used."""
        return {"Endpoints": [{"Address": urlsplit(ctx.endpoint).netloc, "CachePeriodInMinutes": 1440}]}


def _with_capacity(table: Table, request: Request, now_ms: int) -> Table:
    billing = request.get("BillingMode", table.billing)
    given, on_demand = request.get("ProvisionedThroughput"), request.get("OnDemandThroughput")
    if given is None and on_demand is None and billing == table.billing:
        return table
    throughput = throughput_of(given, on_demand, billing, "")
    indexes = table.indexes
    if billing != table.billing:
        # Each global index has to be given its own capacity in the same request.
        indexes = tuple(msgspec.structs.replace(index, throughput=Throughput()) for index in indexes)
    elif throughput == table.throughput and given is not None:
        raise _unchanged("table", "table", throughput)
    changed_ms = now_ms if billing == ON_DEMAND and billing != table.billing else table.capacity_changed_ms
    return msgspec.structs.replace(
        table, billing=billing, throughput=throughput, indexes=indexes, capacity_changed_ms=changed_ms
    )


def _unchanged(named: str, owner: str, now: Throughput) -> ValidationError:
    return invalid(
        f"The provisioned throughput for the {named} will not change. The requested value equals the current value. "
        f"Current ReadCapacityUnits provisioned for the {owner}: {now.read}. Requested ReadCapacityUnits: {now.read}. "
        f"Current WriteCapacityUnits provisioned for the {owner}: {now.write}. Requested WriteCapacityUnits: "
        f"{now.write}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher "
        "limits."
    )


def _check_provisioned(table: Table) -> None:
    """Raises ValidationError when a global index has not been given capacity."""
    for index in table.indexes:
        if table.billing == PROVISIONED and not index.local and not index.throughput.read:
            raise wrong_parameters(f"ProvisionedThroughput must be specified for index: {index.name}")


def _check_one_at_a_time(table: Table, updates: Sequence[Mapping[str, Any]]) -> None:
    """Raises LimitExceeded when several indexes would come or go, ValidationError when one is named twice."""
    named = [given["IndexName"] for update in updates for given in update.values()]
    if len(set(named)) != len(named):
        raise invalid("Only one global secondary index update per index is allowed simultaneously.")
    count = sum(update.get("Create") is not None or update.get("Delete") is not None for update in updates)
    if count > 1 or (count and any(index.status == CREATING for index in table.indexes)):
        raise LimitExceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )


def _other_attribute(ttl: Ttl) -> ValidationError:
    return invalid(f"TimeToLive is active on a different AttributeName: current AttributeName is {ttl.attribute}")


def _replaced(table: Table, index: Index, new: Index | None) -> Table:
    changed = ((new if each is index else each) for each in table.indexes)
    return msgspec.structs.replace(table, indexes=tuple(each for each in changed if each is not None))


def _schemas(table: Table) -> list[KeySchema]:
    return [table.schema, *(index.schema for index in table.indexes)]


def _known_kinds(table: Table) -> dict[str, str]:
    return {attribute.name: attribute.kind for schema in _schemas(table) for attribute in schema.attributes}


def _check_same_kinds(table: Table, kinds: Mapping[str, str]) -> None:
    known = _known_kinds(table)
    for name, kind in kinds.items():
        if known.get(name, kind) != kind:
            raise wrong_parameters(f"Table already has attribute {name} with the type {known[name]}")
