"""Tables as DescribeTable shows them. Pure.

Source: DynamoDB API reference, TableDescription.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lambent.services.dynamodb.model import ACTIVE, ON_DEMAND, PROVISIONED, Index, KeySchema, Table, Throughput

Usage = Mapping[int, tuple[int, int]]
"""Items and bytes by space."""


def moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def description(table: Table, usage: Usage, status: str = ACTIVE) -> dict[str, Any]:
    """A TableDescription."""
    items, size = usage.get(table.space, (0, 0))
    shown: dict[str, Any] = {
        "AttributeDefinitions": _definitions(table),
        "TableName": table.key.name,
        "KeySchema": key_schema(table.schema),
        "TableStatus": status,
        "CreationDateTime": moment(table.created_ms),
        "ProvisionedThroughput": _provisioned(table, table.throughput),
        "TableSizeBytes": size,
        "ItemCount": items,
        "TableArn": table.arn,
        "TableId": table.id,
        "DeletionProtectionEnabled": table.protected,
    }
    if table.capacity_changed_ms:  # on demand, now or once
        changed = moment(table.capacity_changed_ms)
        shown["BillingModeSummary"] = {"BillingMode": table.billing, "LastUpdateToPayPerRequestDateTime": changed}
    if table.billing == ON_DEMAND:
        shown |= on_demand(table.throughput)
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        indexes = [_index(table, index, usage, status) for index in table.indexes if index.local is local]
        shown |= {member: indexes} if indexes else {}
    if table.stream is not None:
        if table.stream.enabled:
            shown["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view}
        shown |= {"LatestStreamLabel": table.stream.label, "LatestStreamArn": table.stream_arn(table.stream)}
    return shown


def key_schema(schema: KeySchema) -> list[dict[str, str]]:
    return [
        {"AttributeName": attribute.name, "KeyType": kind}
        for attribute, kind in zip(schema.attributes, ("HASH", "RANGE"), strict=False)
    ]


def _definitions(table: Table) -> list[dict[str, str]]:
    schemas = [table.schema, *(index.schema for index in table.indexes)]
    kinds = {attribute.name: attribute.kind for schema in schemas for attribute in schema.attributes}
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()]


def _provisioned(table: Table, throughput: Throughput) -> dict[str, Any]:
    provisioned = table.billing == PROVISIONED
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": throughput.read if provisioned else 0,
        "WriteCapacityUnits": throughput.write if provisioned else 0,
    }


def on_demand(throughput: Throughput) -> dict[str, Any]:
    """OnDemandThroughput, where a limit is set."""
    if throughput == Throughput():
        return {}
    return {
        "OnDemandThroughput": {
            "MaxReadRequestUnits": throughput.read or -1,
            "MaxWriteRequestUnits": throughput.write or -1,
        }
    }


def _index(table: Table, index: Index, usage: Usage, table_status: str) -> dict[str, Any]:
    items, size = usage.get(index.space, (0, 0))
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.included:
        projection["NonKeyAttributes"] = list(index.included)
    shown: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": key_schema(index.schema),
        "Projection": projection,
        "IndexSizeBytes": size,
        "ItemCount": items,
        "IndexArn": f"{table.arn}/index/{index.name}",
    }
    if index.local:
        return shown
    shown |= {"IndexStatus": index.status if table_status in (ACTIVE, "UPDATING") else table_status}
    shown |= {"ProvisionedThroughput": _provisioned(table, index.throughput)}
    if index.status != ACTIVE:
        shown["Backfilling"] = True
    return shown | (on_demand(index.throughput) if table.billing == ON_DEMAND else {})
