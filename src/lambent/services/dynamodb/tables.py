"""CreateTable, DescribeTable, ListTables, DeleteTable.

A table can be used as soon as CreateTable has answered, although the answer says CREATING, as AWS's does; a deleted
table's items are cleared away behind it.

Source: DynamoDB API reference, each operation; the words as the service gives them.
"""

from collections.abc import Callable
from typing import Any

from lambent.services.dynamodb import store
from lambent.services.dynamodb.catalog import Catalog
from lambent.services.dynamodb.describing import description
from lambent.services.dynamodb.errors import LimitExceeded, invalid, wrong_parameters
from lambent.services.dynamodb.model import ON_DEMAND, Table
from lambent.services.dynamodb.names import TableKey, check_name, table_key
from lambent.services.dynamodb.schemas import (
    billing_of,
    check_all_used,
    check_supported,
    indexes_of,
    kinds_of,
    schema_of,
    throughput_of,
)
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.switching import close_stream, with_stream
from lambent.services.dynamodb.tags import checked_tags
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

LARGEST_PAGE = 100


class Tables:
    """The tables of all accounts."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("CreateTable")
    async def create_table(self, ctx: RequestContext, request: Request) -> Answer:
        """Make a table."""
        key = table_key(ctx, request["TableName"])
        check_supported(request)
        if len(self._catalog.of_account(ctx.account, ctx.region)) >= self._catalog.quotas.tables:
            raise LimitExceeded(
                f"Subscriber limit exceeded: There is a limit of {self._catalog.quotas.tables} tables per subscriber"
            )
        table, works = self._planned(key, request)

        def work(tx: Transaction) -> None:
            for space in table.spaces:
                tx.run(SQL.add_space, id=space)
            for each in works:
                each(tx)

        await self._catalog.add(table, work)
        return {"TableDescription": description(table, {}, "CREATING")}

    def _planned(self, key: TableKey, request: Request) -> tuple[Table, list[Callable[[Transaction], Any]]]:
        catalog = self._catalog
        for member in ("AttributeDefinitions", "KeySchema"):
            if not request.get(member):
                raise wrong_parameters(f"{member} must be specified")
        kinds, billing = kinds_of(request["AttributeDefinitions"]), billing_of(request)
        schema = schema_of(request["KeySchema"], kinds)
        throughput = throughput_of(request.get("ProvisionedThroughput"), request.get("OnDemandThroughput"), billing, "")
        indexes = indexes_of(request, kinds, schema, lambda: next(catalog.spaces))
        check_all_used(kinds, [schema, *(index.schema for index in indexes)])
        now_ms = catalog.clock.now_ms()
        table = Table(
            id=catalog.ids.uuid(),
            key=key,
            space=next(catalog.spaces),
            schema=schema,
            created_ms=now_ms,
            billing=billing,
            throughput=throughput,
            capacity_changed_ms=now_ms if billing == ON_DEMAND else 0,
            indexes=indexes,
            tags=checked_tags(request.get("Tags") or []),
            protected=request.get("DeletionProtectionEnabled", False),
        )
        stream = request.get("StreamSpecification")
        if stream is None:
            return table, []
        table, work = with_stream(catalog, table, stream)
        return table, [work]

    @operation("DescribeTable")
    async def describe_table(self, ctx: RequestContext, request: Request) -> Answer:
        """A table."""
        table = self._catalog.of_request(ctx, request, named=True).table
        return {"Table": description(table, await self._usage(table))}

    async def _usage(self, table: Table) -> dict[int, tuple[int, int]]:
        return await self._catalog.database.read(
            lambda tx: {space: store.usage_of(tx, space) for space in table.spaces}
        )

    @operation("ListTables")
    async def list_tables(self, ctx: RequestContext, request: Request) -> Answer:
        """The names of tables, in their order."""
        after, limit = request.get("ExclusiveStartTableName") or "", request.get("Limit") or LARGEST_PAGE
        if after:
            check_name(after, "ExclusiveStartTableName")
        names = [live.table.key.name for live in self._catalog.of_account(ctx.account, ctx.region)]
        rest = [name for name in names if name > after]
        answer: Answer = {"TableNames": rest[:limit]}
        if len(rest) > limit:
            answer["LastEvaluatedTableName"] = rest[limit - 1]
        return answer

    @operation("DeleteTable")
    async def delete_table(self, ctx: RequestContext, request: Request) -> Answer:
        """Delete a table with all that is in it."""
        table = self._catalog.of_request(ctx, request, named=True).table
        usage = await self._usage(table)

        def plan(table: Table) -> Callable[[Transaction], Any]:
            if table.protected:
                raise invalid(
                    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
                    "protection first."
                )
            now_ms = self._catalog.clock.now_ms()
            return lambda tx: _give_up(tx, table, now_ms)

        return {"TableDescription": description(await self._catalog.remove(table.key, plan), usage, "DELETING")}


def _give_up(tx: Transaction, table: Table, now_ms: int) -> None:
    for space in table.spaces:
        tx.run(SQL.abandon_space, space=space)
    if table.stream is not None and table.stream.enabled:
        close_stream(tx, table.stream, now_ms)
