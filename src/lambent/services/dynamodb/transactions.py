"""TransactGetItems and TransactWriteItems: all or nothing.

A transaction is one work of the database, so no two ever conflict. A request with a token that was seen in the last ten
minutes is answered again and done once; the token is committed with what it stands for.

Source: DynamoDB Developer Guide, "Amazon DynamoDB "
"Transactions" (idempotency, cancellation reasons, two units each); the words
as the service gives them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lambent.errors import ValidationError
from lambent.services.dynamodb import store
from lambent.services.dynamodb.batches import shown_uses
from lambent.services.dynamodb.capacity import Used, read_units
from lambent.services.dynamodb.catalog import Catalog, Live
from lambent.services.dynamodb.changes import check_of, delete_of, put_of, update_of
from lambent.services.dynamodb.errors import (
    ConditionalCheckFailed,
    IdempotentParameterMismatch,
    TransactionCanceled,
    invalid,
    transaction_canceled,
)
from lambent.services.dynamodb.keys import checked_key, place_of
from lambent.services.dynamodb.metrics import shown_metrics_of_all
from lambent.services.dynamodb.model import Table
from lambent.services.dynamodb.names import table_key
from lambent.services.dynamodb.projecting import project_of
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.values import Item, item_size
from lambent.services.dynamodb.writing import Change, Effect, Moment, make_change
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

TOKEN_LIFE_MS = 600_000
LARGEST_BYTES = 4 * 1024 * 1024
ACTIONS = ("Put", "Update", "Delete", "ConditionCheck")
_canonical = msgspec.json.Encoder(order="deterministic").encode


class Transactions:
    """Several items at once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("TransactGetItems")
    async def transact_get_items(self, ctx: RequestContext, request: Request) -> Answer:
        """Items as they were at one moment."""
        gets = [each["Get"] for each in request["TransactItems"]]
        lives = [self._catalog.find(table_key(ctx, get["TableName"])) for get in gets]
        places = [
            place_of(live.table.schema, checked_key(live.table.schema, get["Key"]))
            for live, get in zip(lives, gets, strict=True)
        ]
        _check_once(
            [(live.table.space, place.partition, place.sort) for live, place in zip(lives, places, strict=True)]
        )
        projects = [project_of(get, live.table.schema.names) for live, get in zip(lives, gets, strict=True)]
        for live in lives:
            live.meter.admit(write=False)

        def read(tx: Transaction) -> list[Item | None]:
            return [store.item_at(tx, live.table.space, place) for live, place in zip(lives, places, strict=True)]

        items = await self._catalog.database.read(read)
        if sum(item_size(item) for item in items if item is not None) > LARGEST_BYTES:
            raise invalid("Transaction request cannot read more than 4 MB of items")
        uses: dict[Any, Used] = {}
        for live, item in zip(lives, items, strict=True):
            used = uses.setdefault(live.table.key, Used(live.table, index_read={}))
            used.add_read(2 * read_units(item_size(item or {}), True))
        self._take(lives, uses)
        shown = [
            {} if item is None else {"Item": item if project is None else project(item)}
            for item, project in zip(items, projects, strict=True)
        ]
        return {"Responses": shown} | shown_uses(request, list(uses.values()), transaction=True)

    @operation("TransactWriteItems")
    async def transact_write_items(self, ctx: RequestContext, request: Request) -> Answer:
        """All changes, or none."""
        planned = [self._planned(ctx, each) for each in request["TransactItems"]]
        lives, changes = [live for live, _ in planned], [change for _, change in planned]
        _check_once([(change.table.space, change.place.partition, change.place.sort) for change in changes])
        for live in lives:
            live.meter.admit(write=True)
        token, moment = _token(ctx, request), self._catalog.moment()
        uses: dict[Any, Used] = {}
        try:
            done, effects = await self._catalog.database.write(lambda tx: _do(tx, changes, moment, token))
        except TransactionCanceled as error:
            for live, size in zip(lives, error.examined_bytes, strict=True):
                uses.setdefault(live.table.key, Used(live.table, index_write={})).add_write(size, {}, factor=2)
            self._take(lives, uses)
            raise
        for live, (written, index_bytes) in zip(lives, done.sizes, strict=True):
            used = uses.setdefault(live.table.key, Used(live.table, index_read={}, index_write={}))
            if done.again:  # what was done already costs reads, as on AWS
                used.add_read(2 * read_units(written, True))
            else:
                used.add_write(written, index_bytes, factor=2)
        for live in lives:
            self._catalog.recorded(live.table)
        self._take(lives, uses)
        # What was done by an earlier request wrote nothing now.
        tables = [change.table.key.name for change in changes] if effects else []
        writes = zip(tables, changes[: len(tables)], effects, strict=True)
        shown = shown_uses(request, list(uses.values()), transaction=True)
        return shown | shown_metrics_of_all(request, writes)

    def _planned(self, ctx: RequestContext, action: Mapping[str, Any]) -> tuple[Live, Change]:
        kinds = [kind for kind in ACTIONS if action.get(kind) is not None]
        if len(kinds) != 1:
            raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
        (kind,) = kinds
        request = action[kind]
        live = self._catalog.find(table_key(ctx, request["TableName"]))
        return live, _change_of(kind, live.table, request)

    def _take(self, lives: Sequence[Live], uses: Mapping[Any, Used]) -> None:
        for live in {id(live): live for live in lives}.values():
            live.meter.take(uses[live.table.key])


def _change_of(kind: str, table: Table, request: Mapping[str, Any]) -> Change:
    match kind:
        case "Put":
            return put_of(table, request)
        case "Delete":
            return delete_of(table, request)
        case "ConditionCheck":
            return check_of(table, request)
        case _:
            return update_of(table, request)[0]


def _check_once(places: Sequence[tuple[int, bytes, bytes]]) -> None:
    if len(set(places)) != len(places):
        raise invalid("Transaction request cannot include multiple operations on one item")


class _Token(msgspec.Struct, frozen=True):
    """A ClientRequestToken with what it stands for."""

    account: str
    region: str
    token: str
    digest: bytes


class _Done(msgspec.Struct, frozen=True):
    """What every change wrote; `again`: by an earlier request with the same token."""

    sizes: list[tuple[int, dict[str, list[int]]]]
    again: bool = False


def _token(ctx: RequestContext, request: Request) -> _Token | None:
    token = request.get("ClientRequestToken")
    if token is None:
        return None
    # Another ReturnConsumedCapacity does not make another request.
    digest = hashlib.sha256(_canonical(request["TransactItems"])).digest()
    return _Token(ctx.account, ctx.region, token, digest)


def _do(
    tx: Transaction, changes: Sequence[Change], moment: Moment, token: _Token | None
) -> tuple[_Done, Sequence[Effect]]:
    """Make all changes; what they did, which is nothing when an earlier request has made them."""
    if token is not None and (before := _done_before(tx, token, moment.now_ms)) is not None:
        return before, ()
    effects: list[Effect] = []
    reasons: list[dict[str, Any]] = []
    sizes: list[int] = []
    for change in changes:
        try:
            effects.append(make_change(tx, change, moment))
            sizes.append(effects[-1].written_bytes)
            reasons.append({"Code": "None"})
        except ConditionalCheckFailed as error:
            sizes.append(error.examined_bytes)
            item = error.members.get("Item")
            reason = {"Code": "ConditionalCheckFailed", "Message": error.message}
            reasons.append(reason | ({"Item": item} if item is not None else {}))
        except ValidationError as error:
            sizes.append(0)
            reasons.append({"Code": "ValidationError", "Message": error.message})
    if any(reason["Code"] != "None" for reason in reasons):
        codes = ", ".join(reason["Code"] for reason in reasons)
        raise transaction_canceled(codes, reasons, sizes)
    if sum(effect.written_bytes for effect in effects) > LARGEST_BYTES:
        raise invalid("Transaction request cannot write more than 4 MB of items")
    done = _Done([(effect.written_bytes, effect.index_bytes) for effect in effects])
    if token is not None:
        _keep(tx, token, done, moment.now_ms)
    return done, effects


def _done_before(tx: Transaction, token: _Token, now_ms: int) -> _Done | None:
    row = tx.one(SQL.answer_of_token, account=token.account, region=token.region, token=token.token, now_ms=now_ms)
    if row is None:
        return None
    if row["digest"] != token.digest:
        raise IdempotentParameterMismatch(
            "An error occurred (IdempotentParameterMismatchException): the ClientRequestToken was used with "
            "other parameters"
        )
    done = msgspec.msgpack.decode(row["answer"], type=_Done)
    return msgspec.structs.replace(done, again=True)


def _keep(tx: Transaction, token: _Token, done: _Done, now_ms: int) -> None:
    tx.run(
        SQL.put_token,
        account=token.account,
        region=token.region,
        token=token.token,
        digest=token.digest,
        answer=msgspec.msgpack.encode(done),
        expires_ms=now_ms + TOKEN_LIFE_MS,
    )
