"""The tables of custom domain names, over a Transaction."""

import msgspec
from msgspec import Struct

from lambent.model.apis import DomainMapping
from lambent.services.apigatewayv2.errors import NotFound
from lambent.services.apigatewayv2.model import DomainName
from lambent.services.apigatewayv2.store import SQL
from lambent.services.operation import RequestContext
from lambent.store.api import Conflict, Row, Transaction


class ApiMapping(Struct, frozen=True, rename="pascal"):
    """Where the paths below a key lead; "" is all that no other key has."""

    api_mapping_id: str
    api_id: str
    stage: str
    api_mapping_key: str = ""


def domain(tx: Transaction, context: RequestContext, name: str) -> DomainName:
    """The domain name of this account and Region. Raises NotFound."""
    row = tx.one(SQL.domain, name=name, account=context.account, region=context.region)
    if row is None:
        raise NotFound(f"Invalid domain name identifier specified {name}")
    return msgspec.json.decode(row["record"], type=DomainName)


def domains(tx: Transaction, context: RequestContext) -> list[DomainName]:
    """All of this account and Region, by name."""
    rows = tx.all(SQL.domains, account=context.account, region=context.region)
    return [msgspec.json.decode(row["record"], type=DomainName) for row in rows]


def is_taken(tx: Transaction, name: str) -> bool:
    """Whether somebody has that domain name."""
    return tx.one(SQL.domain_anywhere, name=name) is not None


def set_domain(tx: Transaction, context: RequestContext, wanted: DomainName) -> None:
    """Make the domain name, or change it."""
    record = msgspec.json.encode(wanted).decode()
    tx.run(SQL.set_domain, name=wanted.domain_name, account=context.account, region=context.region, record=record)


def delete_domain(tx: Transaction, name: str) -> None:
    """Remove the domain name with its mappings."""
    tx.run(SQL.delete_domain, name=name)


def mapping(tx: Transaction, name: str, mapping_id: str) -> ApiMapping:
    """One mapping. Raises NotFound."""
    row = tx.one(SQL.mapping, domain_name=name, mapping_id=mapping_id)
    if row is None:
        raise NotFound(f"Invalid API mapping identifier specified {mapping_id}")
    return _mapping(row)


def mappings(tx: Transaction, name: str) -> list[ApiMapping]:
    """Those of a domain name, by id."""
    return [_mapping(row) for row in tx.all(SQL.mappings, domain_name=name)]


def domain_that_leads_to(tx: Transaction, api_id: str, stage: str = "") -> str | None:
    """A domain name that leads to the API, or to that stage of it."""
    row = tx.one(SQL.mappings_to, api_id=api_id, stage=stage)
    return None if row is None else str(row["domain_name"])


def set_mapping(tx: Transaction, name: str, wanted: ApiMapping) -> bool:
    """Make the mapping, or change it; False when the domain name has that key already."""
    try:
        tx.run(
            SQL.set_mapping,
            domain_name=name,
            mapping_id=wanted.api_mapping_id,
            mapping_key=wanted.api_mapping_key,
            api_id=wanted.api_id,
            stage=wanted.stage,
        )
    except Conflict:
        return False
    return True


def delete_mapping(tx: Transaction, name: str, mapping_id: str) -> None:
    """Remove the mapping. Raises NotFound."""
    if not tx.run(SQL.delete_mapping, domain_name=name, mapping_id=mapping_id):
        raise NotFound(f"Invalid API mapping identifier specified {mapping_id}")


def everywhere(tx: Transaction) -> dict[str, list[DomainMapping]]:
    """What edges know: all domain names with where they lead."""
    found: dict[str, list[DomainMapping]] = {row["name"]: [] for row in tx.all(SQL.all_domains)}
    for row in tx.all(SQL.all_mappings):
        found[row["domain_name"]].append(DomainMapping(row["mapping_key"], row["api_id"], row["stage"]))
    return found


def _mapping(row: Row) -> ApiMapping:
    return ApiMapping(row["mapping_id"], row["api_id"], row["stage"], row["mapping_key"])
