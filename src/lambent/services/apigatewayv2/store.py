"""The tables of API Gateway v2, over a Transaction; the only module that knows its SQL."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from lambent.services.apigatewayv2.errors import no_api, no_part
from lambent.services.apigatewayv2.model import Api, Part
from lambent.services.operation import RequestContext
from lambent.store.api import Conflict, Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.services.apigatewayv2"
SQL = load_queries(PACKAGE)
P = TypeVar("P", bound=Part)


def api(tx: Transaction, context: RequestContext, api_id: str) -> Api:
    """The API of this account and Region. Raises NotFound."""
    row = tx.one(SQL.api, api_id=api_id, account=context.account, region=context.region)
    if row is None:
        raise no_api(api_id)
    return msgspec.json.decode(row["record"], type=Api)


def api_anywhere(tx: Transaction, api_id: str) -> tuple[Api, str, str] | None:
    """The API with its account and Region, for those who know nothing but its id."""
    row = tx.one(SQL.api_anywhere, api_id=api_id)
    return None if row is None else (msgspec.json.decode(row["record"], type=Api), row["account"], row["region"])


def apis(tx: Transaction, context: RequestContext) -> list[Api]:
    """All APIs of this account and Region, by id."""
    rows = tx.all(SQL.apis, account=context.account, region=context.region)
    return [msgspec.json.decode(row["record"], type=Api) for row in rows]


def set_api(tx: Transaction, context: RequestContext, wanted: Api) -> None:
    """Make the API, or change it."""
    record = msgspec.json.encode(wanted).decode()
    tx.run(SQL.set_api, api_id=wanted.api_id, account=context.account, region=context.region, record=record)


def delete_api(tx: Transaction, api_id: str, arn: str) -> None:
    """Remove the API with its parts and their tags."""
    tx.run(SQL.delete_api, api_id=api_id)
    tx.run(SQL.delete_tags, arn=arn, below=f"{arn}/%")


def find_part(tx: Transaction, api_id: str, kind: type[P], part_id: str) -> P | None:
    """One part of an API."""
    row = tx.one(SQL.part, api_id=api_id, kind=kind.kind, part_id=part_id)
    return None if row is None else msgspec.json.decode(row["record"], type=kind)


def part(tx: Transaction, api_id: str, kind: type[P], part_id: str) -> P:
    """One part of an API. Raises NotFound."""
    found = find_part(tx, api_id, kind, part_id)
    if found is None:
        raise no_part(kind.kind, part_id)
    return found


def parts(tx: Transaction, api_id: str, kind: type[P]) -> list[P]:
    """All parts of one kind, by id."""
    rows = tx.all(SQL.parts, api_id=api_id, kind=kind.kind)
    return [msgspec.json.decode(row["record"], type=kind) for row in rows]


def count(tx: Transaction, api_id: str, kind: type[Part]) -> int:
    """How many parts of one kind the API has."""
    row = tx.one(SQL.count_parts, api_id=api_id, kind=kind.kind)
    assert row is not None
    return int(row["parts"])


def set_part(tx: Transaction, api_id: str, wanted: Part) -> bool:
    """Make the part, or change it; False when another of its kind has its name."""
    record = msgspec.json.encode(wanted).decode()
    try:
        tx.run(
            SQL.set_part,
            api_id=api_id,
            kind=wanted.kind,
            part_id=wanted.part_id,
            name=wanted.name,
            record=record,
        )
    except Conflict:
        return False
    return True


def delete_part(tx: Transaction, api_id: str, kind: type[Part], part_id: str) -> None:
    """Remove the part. Raises NotFound."""
    if not tx.run(SQL.delete_part, api_id=api_id, kind=kind.kind, part_id=part_id):
        raise no_part(kind.kind, part_id)


def tags(tx: Transaction, arn: str) -> dict[str, str]:
    """The tags of a resource."""
    return {row["tag_key"]: row["tag_value"] for row in tx.all(SQL.tags, arn=arn)}


def set_tags(tx: Transaction, arn: str, wanted: Mapping[str, str]) -> None:
    """Set `wanted` beside those that are there."""
    tx.run_many(SQL.set_tag, [{"arn": arn, "tag_key": key, "tag_value": value} for key, value in wanted.items()])


def delete_tag_keys(tx: Transaction, arn: str, keys: list[str]) -> None:
    """Take these away; those that are not there do not matter."""
    tx.run_many(SQL.delete_tag, [{"arn": arn, "tag_key": key} for key in keys])


def delete_tags(tx: Transaction, arn: str) -> None:
    """All tags of a resource go, as it goes."""
    tx.run(SQL.delete_tags, arn=arn, below=f"{arn}/%")
