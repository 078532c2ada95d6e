"""From a request to the change that it wants: puts, updates, deletes, and mere checks. Pure but for looking up the
table.

The same for single operations, batches and transactions.

Source: DynamoDB API reference, PutItem, UpdateItem, DeleteItem, TransactWriteItems; the words as the service gives
them.
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.dynamodb import legacy
from lambent.services.dynamodb.expressions.binding import bound_condition, bound_update
from lambent.services.dynamodb.expressions.conditions import Test
from lambent.services.dynamodb.expressions.placeholders import Placeholders, placeholders_of
from lambent.services.dynamodb.expressions.updates import Update, check_keys
from lambent.services.dynamodb.keys import (
    check_index_keys,
    check_key_of_item,
    check_updated_index_keys,
    checked_key,
    place_of,
)
from lambent.services.dynamodb.model import Table
from lambent.services.dynamodb.values import Item, check_nesting, check_size, checked_item
from lambent.services.dynamodb.writing import Change

TOO_LARGE_UPDATE = "Item size to update has exceeded the maximum allowed size"
Request = Mapping[str, Any]


def put_of(table: Table, request: Request) -> Change:
    """A PutItem. Raises ValidationError."""
    legacy.check_not_mixed(request, ("Expected", "ConditionalOperator"), ("ConditionExpression",))
    given = placeholders_of(request, "ConditionExpression", keys=table.schema.names)
    condition = _condition(request, given)
    given.check_used()
    item = checked_new(table, request["Item"])
    return Change(table, place_of(table.schema, item), lambda _: item, condition, _shows(request))


def checked_new(table: Table, raw: Item) -> Item:
    """An item to be put, held against the table. Raises ValidationError."""
    item = checked_item(raw)
    check_key_of_item(table.schema, item)
    for index in table.indexes:
        check_index_keys(index.schema, index.name, item)
    check_size(item)
    return item


def delete_of(table: Table, request: Request) -> Change:
    """A DeleteItem. Raises ValidationError."""
    legacy.check_not_mixed(request, ("Expected", "ConditionalOperator"), ("ConditionExpression",))
    given = placeholders_of(request, "ConditionExpression", keys=table.schema.names)
    condition = _condition(request, given)
    given.check_used()
    key = checked_key(table.schema, request["Key"])
    return Change(table, place_of(table.schema, key), lambda _: None, condition, _shows(request))


def check_of(table: Table, request: Request) -> Change:
    """The ConditionCheck of a transaction: it leaves the item as it is. Raises ValidationError."""
    given = placeholders_of(request, "ConditionExpression", keys=table.schema.names)
    condition = _condition(request, given)
    given.check_used()
    key = checked_key(table.schema, request["Key"])
    return Change(table, place_of(table.schema, key), lambda old: old, condition, _shows(request))


def update_of(table: Table, request: Request) -> tuple[Change, Update | None]:
    """An UpdateItem; it may have no update and only make the item. Raises ValidationError."""
    expressions = ("UpdateExpression", "ConditionExpression")
    legacy.check_not_mixed(request, ("AttributeUpdates", "Expected", "ConditionalOperator"), expressions)
    given = placeholders_of(request, *expressions, keys=table.schema.names)
    update = _update(request, given)
    condition = _condition(request, given)
    given.check_used()
    key = checked_key(table.schema, request["Key"])
    if update is not None:
        check_keys(update, table.schema.names)

    def make(old: Item | None) -> Item:
        item = old if old is not None else key
        if update is not None:
            item = update(item)
            for name in update.nested & item.keys():
                check_nesting(item[name])
        check_size(item, TOO_LARGE_UPDATE)
        for index in table.indexes:
            check_updated_index_keys(index.schema, item)
        return item

    return Change(table, place_of(table.schema, key), make, condition, _shows(request)), update


def _update(request: Request, given: Placeholders) -> Update | None:
    text, attributes = request.get("UpdateExpression"), request.get("AttributeUpdates")
    if text is not None:
        return bound_update(text, given)
    return legacy.update_of_attributes(attributes) if attributes else None


def _condition(request: Request, given: Placeholders) -> Test | None:
    text, expected = request.get("ConditionExpression"), request.get("Expected")
    if text is not None:
        return bound_condition(text, given)
    return legacy.test_of_conditions(expected or {}, request.get("ConditionalOperator"))


def _shows(request: Request) -> bool:
    return request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
