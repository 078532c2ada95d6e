"""What CreateTable and UpdateTable say about keys, indexes and capacity, checked. Pure.

Source: DynamoDB API reference, CreateTable and UpdateTable; Developer Guide, "Quotas in Amazon "
"DynamoDB" (5 local and 20
global indexes, 100 projected attributes); the words as the service gives them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lambent.services.dynamodb.errors import LimitExceeded, invalid, wrong_parameters
from lambent.services.dynamodb.model import (
    ACTIVE,
    ON_DEMAND,
    PROVISIONED,
    Index,
    KeyAttribute,
    KeySchema,
    Throughput,
)
from lambent.services.dynamodb.names import check_name

MOST_LOCAL, MOST_GLOBAL, MOST_INCLUDED = 5, 20, 100
MOST_UNITS = 40_000  # of reading or of writing, of a provisioned table or index
Kinds = Mapping[str, str]
"""The types of the attributes that keys are made of."""


def kinds_of(definitions: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The AttributeDefinitions by name. Raises ValidationError for one that is defined twice."""
    found: dict[str, str] = {}
    for definition in definitions:
        name = definition["AttributeName"]
        if name in found and found[name] != definition["AttributeType"]:
            raise wrong_parameters(f"Cannot redefine an attribute: {name}")
        found[name] = definition["AttributeType"]
    return found


def schema_of(elements: Sequence[Mapping[str, str]], kinds: Kinds, owner: str = "") -> KeySchema:
    """A key schema.

    Raises:
        ValidationError: it is not one HASH and perhaps one RANGE after it, or an attribute is not defined.
    """
    if len(elements) > 2:
        raise wrong_parameters(
            f"Keys of more than one attribute are not supported by Lambent{owner}: give HASH and RANGE once"
        )
    if elements[0]["KeyType"] != "HASH":
        raise invalid(f"Invalid KeySchema: The first KeySchemaElement is not a HASH key type{owner}")
    if len(elements) == 2:
        if elements[1]["KeyType"] != "RANGE":
            raise invalid(f"Invalid KeySchema: The second KeySchemaElement is not a RANGE key type{owner}")
        if elements[0]["AttributeName"] == elements[1]["AttributeName"]:
            raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    missing = [each["AttributeName"] for each in elements if each["AttributeName"] not in kinds]
    if missing:
        raise wrong_parameters(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(missing)}], AttributeDefinitions: [{', '.join(kinds)}]"
        )
    attributes = [KeyAttribute(each["AttributeName"], kinds[each["AttributeName"]]) for each in elements]
    return KeySchema(*attributes)


def check_all_used(kinds: Kinds, schemas: Sequence[KeySchema]) -> None:
    """Raises ValidationError when an attribute is defined that no key has."""
    used = {name for schema in schemas for name in schema.names}
    if used != kinds.keys():
        raise wrong_parameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
            if len(schemas) == 1
            else "Some AttributeDefinitions are not used. AttributeDefinitions: "
            f"[{', '.join(kinds)}], keys used: [{', '.join(sorted(used))}]"
        )


def throughput_of(
    given: Mapping[str, Any] | None, on_demand: Mapping[str, Any] | None, billing: str, owner: str
) -> Throughput:
    """The capacity of a table or a global index.

    Raises:
        ValidationError: it does not go with the billing mode.
        LimitExceeded: it is more than a table may have.
    """
    if billing == ON_DEMAND:
        if given is not None:
            raise wrong_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        limits = on_demand or {}
        read, write = limits.get("MaxReadRequestUnits", -1), limits.get("MaxWriteRequestUnits", -1)
        return Throughput(max(read, 0), max(write, 0))
    if on_demand is not None:
        raise wrong_parameters("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
    if given is None:
        raise wrong_parameters(
            f"ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED{owner}"
            if not owner
            else f"ProvisionedThroughput must be specified{owner}"
        )
    wanted = Throughput(given["ReadCapacityUnits"], given["WriteCapacityUnits"])
    if max(wanted.read, wanted.write) > MOST_UNITS:
        raise LimitExceeded(
            f"Subscriber limit exceeded: a table or an index has at most {MOST_UNITS} units of reading and of writing"
        )
    return wanted


def billing_of(request: Mapping[str, Any]) -> str:
    """PROVISIONED where nothing is said."""
    mode: str = request.get("BillingMode", PROVISIONED)
    return mode


def index_of(given: Mapping[str, Any], kinds: Kinds, space: int, billing: str | None, status: str = ACTIVE) -> Index:
    """A secondary index; a local one when it has no billing mode of its own. Raises ValidationError."""
    name = given["IndexName"]
    check_name(name, "IndexName")
    owner = f" for index: {name}"
    if given.get("WarmThroughput") is not None:
        raise unsupported("WarmThroughput")
    projection = given.get("Projection")
    if projection is None or projection.get("ProjectionType") is None:
        raise wrong_parameters("Unknown ProjectionType: null")
    included = tuple(projection.get("NonKeyAttributes") or ())
    _check_included(projection["ProjectionType"], included, "NonKeyAttributes" in projection)
    throughput = Throughput()
    if billing is not None:
        on_demand = given.get("OnDemandThroughput")
        throughput = throughput_of(given.get("ProvisionedThroughput"), on_demand, billing, owner)
    schema = schema_of(given["KeySchema"], kinds, owner)
    local = billing is None
    return Index(name, space, schema, local, projection["ProjectionType"], included, throughput, status)


def _check_included(projection: str, included: Sequence[str], given: bool) -> None:
    if projection == "INCLUDE" and not included:
        raise wrong_parameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if projection != "INCLUDE" and given:
        raise wrong_parameters(f"ProjectionType is {projection}, but NonKeyAttributes is specified")
    if len(set(included)) != len(included):
        raise wrong_parameters("Duplicate NonKeyAttributes in an index")


def indexes_of(
    request: Mapping[str, Any], kinds: Kinds, schema: KeySchema, new_space: Callable[[], int]
) -> tuple[Index, ...]:
    """The indexes of a CreateTable. Raises ValidationError."""
    found: list[Index] = []
    for member, billing in (("LocalSecondaryIndexes", None), ("GlobalSecondaryIndexes", billing_of(request))):
        given = request.get(member)
        if given is None:
            continue
        if not given:
            kind = "LocalSecondaryIndexes" if billing is None else "GlobalSecondaryIndexes"
            raise wrong_parameters(f"List of {kind} is empty")
        found += [index_of(each, kinds, new_space(), billing) for each in given]
    for index in found:
        if index.local:
            _check_local(index, schema)
    check_indexes(found)
    return tuple(found)


def _check_local(index: Index, schema: KeySchema) -> None:
    if schema.sort is None:
        raise wrong_parameters(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    if index.schema.partition != schema.partition:
        raise wrong_parameters(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {index.name}. "
            f"index hash key: {index.schema.partition.name}, table hash key: {schema.partition.name}"
        )
    if index.schema.sort is None:
        raise wrong_parameters(f"Index KeySchema does not have a range key for index: {index.name}")


def check_indexes(indexes: Sequence[Index]) -> None:
    """Raises ValidationError when there are too many, or two of one name."""
    names = [index.name for index in indexes]
    for name in names:
        if names.count(name) > 1:
            raise wrong_parameters(f"Duplicate index name: {name}")
    for most, local, kind in ((MOST_LOCAL, True, "LocalSecondaryIndex"), (MOST_GLOBAL, False, "GlobalSecondaryIndex")):
        count = sum(index.local is local for index in indexes)
        if count > most:
            raise wrong_parameters(f"{kind} count exceeds the per-table limit of {most}")
    included = {name for index in indexes for name in index.included}
    if len(included) > MOST_INCLUDED:
        raise wrong_parameters(f"More than {MOST_INCLUDED} attributes are projected into the indexes of the table")


REFUSED = (
    *(
        "WarmThroughput",
        "ResourcePolicy",
        "GlobalTableSourceArn",
        "GlobalTableSettingsReplicationMode",
        "VectorIndexes",
    ),
    *("ReplicaUpdates", "MultiRegionConsistency", "GlobalTableWitnessUpdates", "VectorIndexUpdates"),
    "DisassociationProtectionEnabled",
)


def check_supported(request: Mapping[str, Any]) -> None:
    """Raises ValidationError for what Lambent cannot carry out."""
    for name in REFUSED:
        if request.get(name) is not None:
            raise unsupported(name)
    if (request.get("SSESpecification") or {}).get("Enabled"):
        raise unsupported("SSESpecification.Enabled")
    if request.get("TableClass") not in (None, "STANDARD"):
        raise unsupported(f"TableClass {request['TableClass']}")


def unsupported(name: str) -> Exception:
    return wrong_parameters(f"{name} is not supported by this version of Lambent; leave it out")
