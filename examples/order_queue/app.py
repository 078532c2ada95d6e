"""Books the orders that arrive in a queue; those that cannot be booked come again, and end in the dead-letter queue.

Message: {"id": "o-1", "items": [{"sku": "tea", "quantity": 2, "price": "3.50"}]}. Each booked order is one line of the
log, as JSON with its total. Deploy with --queue and --reports-failures: the answer names the messages that failed, and
only they are received again.
"""

import json
from decimal import Decimal, InvalidOperation


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            order = json.loads(record["body"])
            print(json.dumps({"booked": order["id"], "total": str(total(order["items"]))}))
        except (ValueError, TypeError, KeyError, InvalidOperation) as error:
            print(json.dumps({"refused": record["messageId"], "because": f"{type(error).__name__}: {error}"}))
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def total(items):
    """What the items cost together; an order without items, or with less than nothing of one, is none."""
    if not items or any(item["quantity"] < 1 or Decimal(item["price"]) < 0 for item in items):
        raise ValueError("an order has items, each at least once and for at least nothing")
    return sum(item["quantity"] * Decimal(item["price"]) for item in items)
