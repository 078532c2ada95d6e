"""Watches the orders that are published to a topic, and publishes an alert for each that is large to another one.

Message: {"id": "o-1", "total": "120.50"}. Variables: LIMIT, from which total on an order is large (100); ALERTS, the
name of the topic for alerts, which is made at the first use. Whoever wants to know subscribes to it: a queue, another
function, an HTTP endpoint, and with the attribute `total` in a filter policy only to what is large enough.
"""

import json
import os
from decimal import Decimal, InvalidOperation
from functools import cache

import boto3


def handler(event, context):
    for record in event["Records"]:
        message = record["Sns"]["Message"]
        try:
            order = json.loads(message)
            order_id, total = str(order["id"]), Decimal(order["total"])
        except (ValueError, TypeError, KeyError, InvalidOperation) as error:
            print(json.dumps({"skipped": message, "because": f"{type(error).__name__}: {error}"}))
            continue
        if total >= Decimal(os.environ.get("LIMIT", "100")):
            alert(order_id, total)


def alert(order_id, total):
    sns, topic = alerts()
    sns.publish(
        TopicArn=topic,
        Subject=f"Large order {order_id}"[:100],
        Message=json.dumps({"id": order_id, "total": str(total)}),
        MessageAttributes={"total": {"DataType": "Number", "StringValue": str(total)}},
    )
    print(json.dumps({"alerted": order_id, "total": str(total)}))


@cache
def alerts():
    """The client and the topic; one for the life of the environment."""
    sns = boto3.client("sns")
    return sns, sns.create_topic(Name=os.environ.get("ALERTS", "alerts"))["TopicArn"]
