"""A page that follows a table: how many orders stand where, and what they are worth, as they change.

    lambent deploy examples/live_dashboard --name orders-totals --handler app.collect --table orders --timeout 30
    lambent deploy examples/live_dashboard --name orders-board --handler app.board --timeout 900
    aws lambda create-function-url-config --function-name orders-board --auth-type NONE --invoke-mode RESPONSE_STREAM
    aws lambda add-permission --function-name orders-board --statement-id public --principal '*' \
        --action lambda:InvokeFunctionUrl --function-url-auth-type NONE
    aws dynamodb put-item --table-name orders \
        --item '{"id": {"S": "o-1"}, "state": {"S": "open"}, "price": {"N": "9.50"}}'

The FunctionUrl of the third command is the page. `collect` follows the stream of `orders` and keeps the totals as one
item of another table. A batch may come twice, so the item also has the sequence number up to which it knows the
stream: what is not newer has been counted. `board` answers with the page, and at /events with what it shows, each time
that changes.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr
from boto3.dynamodb.types import TypeDeserializer

TABLE = os.environ.get("TOTALS_TABLE", "orders-totals")
KEY = {"id": "all"}
LOOK_EVERY_S, SPARE_S = 0.5, 5.0

_plain = TypeDeserializer().deserialize


def collect(event: dict[str, Any], context: Any) -> None:
    """Handles a batch of the table's changes."""
    table = totals_table()
    present = table.get_item(Key=KEY, ConsistentRead=True).get("Item")
    known = present or KEY | {"upto": "", "states": {}}
    news = [each["dynamodb"] for each in event["Records"] if each["dynamodb"]["SequenceNumber"] > known["upto"]]
    if not news:
        return
    item = KEY | {"upto": news[-1]["SequenceNumber"], "states": counted(known["states"], news)}
    unchanged = Attr("upto").eq(known["upto"]) if present else Attr("id").not_exists()
    table.put_item(Item=item, ConditionExpression=unchanged)  # if it fails, the batch comes again


def counted(states: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """The totals by state, with these changes: the old image of each goes, the new one comes."""
    totals = {state: dict(total) for state, total in states.items()}
    for change in changes:
        for image, sign in (("OldImage", -1), ("NewImage", 1)):
            if image in change:
                order = {name: _plain(value) for name, value in change[image].items()}
                total = totals.setdefault(str(order.get("state", "?")), {"orders": 0, "worth": Decimal(0)})
                total["orders"] += sign
                total["worth"] += sign * order.get("price", Decimal(0))
    return {state: total for state, total in totals.items() if total["orders"]}


def board(event: dict[str, Any], context: Any) -> Iterator[str | dict[str, Any]]:
    """Handles a request of the page: a stream, because it is a generator."""
    if event["rawPath"] != "/events":
        yield {"statusCode": 200, "headers": {"Content-Type": "text/html; charset=utf-8"}}
        yield Path(__file__).with_name("board.html").read_text("utf-8")
        return
    yield {"statusCode": 200, "headers": {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}}
    yield "retry: 1000\n\n"
    shown = None
    while context.get_remaining_time_in_millis() > SPARE_S * 1000:  # then the browser comes again by itself
        states = totals_table().get_item(Key=KEY).get("Item", {}).get("states", {})
        if states != shown:
            shown = states
            yield f"data: {json.dumps(states, default=float)}\n\n"
        time.sleep(LOOK_EVERY_S)


@cache  # one connection for each environment
def totals_table() -> Any:
    """The table of the totals, made at the first use."""
    client = boto3.client("dynamodb")
    with suppress(client.exceptions.ResourceInUseException):
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    return boto3.resource("dynamodb").Table(TABLE)
