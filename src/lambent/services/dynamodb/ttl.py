"""When an item expires. Pure.

Source: DynamoDB Developer Guide, "Using time to live "
"(TTL)": a Number of epoch seconds; what lies more than five years back is
left alone.
"""

from decimal import Decimal

from lambent.services.dynamodb.model import Ttl
from lambent.services.dynamodb.values import Item

FIVE_YEARS_S = 5 * 365 * 86_400
LATEST_S = 2**53  # far beyond any date; what is later never comes


def expires_s(ttl: Ttl, item: Item | None) -> int | None:
    """When the item expires, in epoch seconds; None when it does not."""
    value = item.get(ttl.attribute) if item is not None else None
    if value is None or "N" not in value:
        return None
    moment = Decimal(value["N"])
    return int(moment) if 0 < moment < LATEST_S else None
