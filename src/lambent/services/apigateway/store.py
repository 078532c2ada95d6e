"""The tables of REST APIs, over a Transaction; the only module that knows their SQL."""

from typing import Any

from msgspec import json

from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway.errors import NotFound
from lambent.services.operation import RequestContext
from lambent.store.api import Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.services.apigateway"
SQL = load_queries(PACKAGE)
_document = json.Decoder(RestDocument).decode
_part = json.Decoder(dict[str, Any]).decode


def _text(value: Any) -> str:
    return json.encode(value).decode()


class Place:
    """An account and a Region, over a transaction."""

    def __init__(self, tx: Transaction, account: str, region: str) -> None:
        self.tx = tx
        self._key = {"account": account, "region": region}

    # --- APIs -----------------------------------------------------------------------------

    def document(self, api_id: str) -> RestDocument:
        """The API. Raises NotFound."""
        row = self.tx.one(SQL.document, **self._key, api_id=api_id)
        if row is None:
            raise NotFound(f"Invalid API identifier specified {self._key['account']}:{api_id}")
        return _document(row["document"])

    def documents(self) -> list[RestDocument]:
        """All APIs."""
        return [_document(row["document"]) for row in self.tx.all(SQL.documents, **self._key)]

    def save(self, document: RestDocument) -> None:
        """Make an API, or change it."""
        self.tx.run(SQL.set_document, **self._key, api_id=document.api["id"], document=_text(document))

    def delete_api(self, api_id: str) -> None:
        """Remove an API with all that belongs to it."""
        self.tx.run(SQL.delete_api, **self._key, api_id=api_id)
        self.tx.run(SQL.delete_deployments, api_id=api_id)
        self.tx.run(SQL.delete_stages, api_id=api_id)

    # --- keys, plans and the account --------------------------------------------------------

    def part(self, kind: str, part_id: str) -> Part | None:
        """One of them."""
        row = self.tx.one(SQL.part, **self._key, kind=kind, id=part_id)
        return None if row is None else _part(row["part"])

    def parts(self, kind: str) -> list[Part]:
        """All of a kind, by id."""
        return [_part(row["part"]) for row in self.tx.all(SQL.parts, **self._key, kind=kind)]

    def count(self, kind: str) -> int:
        """How many there are."""
        row = self.tx.one(SQL.count_parts, **self._key, kind=kind)
        return 0 if row is None else int(row["count"])

    def set_part(self, kind: str, part_id: str, part: Part) -> None:
        """Make one, or change it."""
        self.tx.run(SQL.set_part, **self._key, kind=kind, id=part_id, part=_text(part))

    def delete_part(self, kind: str, part_id: str) -> None:
        """Remove one."""
        self.tx.run(SQL.delete_part, **self._key, kind=kind, id=part_id)

    def run(self, statement: str, **parameters: Any) -> int:
        """A statement of this place."""
        return self.tx.run(statement, **self._key, **parameters)

    def column(self, statement: str, name: str, **parameters: Any) -> list[Any]:
        """One column of what a statement of this place finds."""
        return [row[name] for row in self.tx.all(statement, **self._key, **parameters)]

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """What a statement of this place finds."""
        return list(self.tx.all(statement, **self._key, **parameters))


def place_of(tx: Transaction, ctx: RequestContext) -> Place:
    """The caller's."""
    return Place(tx, ctx.account, ctx.region)


def deployment(tx: Transaction, api_id: str, deployment_id: str) -> tuple[Part, RestDocument]:
    """A deployment and what was deployed. Raises NotFound."""
    row = tx.one(SQL.deployment, api_id=api_id, deployment_id=deployment_id)
    if row is None:
        raise NotFound("Invalid Deployment identifier specified")
    return _part(row["deployment"]), _document(row["document"])


def deployments(tx: Transaction, api_id: str) -> list[Part]:
    """All of an API."""
    return [_part(row["deployment"]) for row in tx.all(SQL.deployments, api_id=api_id)]


def add_deployment(tx: Transaction, api_id: str, made: Part, document: RestDocument) -> None:
    """Keep what is deployed."""
    fields = {"deployment": _text(made), "document": _text(document)}
    tx.run(SQL.add_deployment, api_id=api_id, deployment_id=made["id"], **fields)


def set_deployment(tx: Transaction, api_id: str, changed: Part) -> None:
    """Change what is said about a deployment."""
    tx.run(SQL.set_deployment, api_id=api_id, deployment_id=changed["id"], deployment=_text(changed))


def find_stage(tx: Transaction, api_id: str, name: str) -> Part | None:
    """The stage, if there is one."""
    row = tx.one(SQL.stage, api_id=api_id, name=name)
    return None if row is None else _part(row["stage"])


def stage(tx: Transaction, api_id: str, name: str) -> Part:
    """The stage. Raises NotFound."""
    found = find_stage(tx, api_id, name)
    if found is None:
        raise NotFound("Invalid stage identifier specified")
    return found


def stages(tx: Transaction, api_id: str) -> list[Part]:
    """All of an API, by name."""
    return [_part(row["stage"]) for row in tx.all(SQL.stages, api_id=api_id)]


def set_stage(tx: Transaction, api_id: str, made: Part) -> None:
    """Make a stage, or change it."""
    tx.run(SQL.set_stage, api_id=api_id, name=made["stageName"], stage=_text(made))
