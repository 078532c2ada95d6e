"""Which destinations and dead-letter queues a function may have: what is accepted can be delivered to.

Source: Lambda Developer Guide, "Adding a destination" (queues and topics must be standard, S3 for
failures only); behaviours section 16. AWS's words for an unusable ARN, and for what is not there (recorded for queues
and functions): "The destination ARN ... is invalid."
"""

import re
from collections.abc import Collection

from lambent.arn import Arn, parse_arn
from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, parse_function_name
from lambent.services.lambda_.api import Destinations
from lambent.services.lambda_.errors import InvalidParameter, NotFound
from lambent.services.lambda_.names import find_version
from lambent.store.api import Transaction

ON_SUCCESS = ("lambda", "sqs", "sns", "events")
ON_FAILURE = (*ON_SUCCESS, "s3")
DEAD_LETTER = ("sqs", "sns")
RESOURCE = {
    "lambda": re.compile(r"function:.+"),
    "sqs": re.compile(r"[A-Za-z0-9_-]{1,80}"),
    "sns": re.compile(r"[A-Za-z0-9_-]{1,256}"),
    "events": re.compile(r"event-bus/.+"),
    "s3": re.compile(r"[a-z0-9.-]{3,63}"),
}


def check_destination(arn: str, key: FunctionKey, services: tuple[str, ...], served: Collection[str]) -> None:
    """Whether `arn` may be a destination of `key`, as far as its form tells. Raises InvalidParameter."""
    parts = _checked(arn, services)
    if parts.service not in ("lambda", *served):
        raise InvalidParameter(f"The destination {arn} is refused: this server does not serve {parts.service}.")
    if parts.service != "s3" and (parts.region, parts.account) != (key.region, key.account):
        raise InvalidParameter(f"The destination {arn} is refused: it is in another account or Region.")


async def check_there(arn: str, known: Destinations) -> None:
    """Whether there is such a queue, topic, bus or bucket (functions: `check_function`). Raises InvalidParameter."""
    if parse_arn(arn).service != "lambda" and not await known.exists(arn):
        raise InvalidParameter(f"The destination ARN {arn} is invalid.")


def check_function(tx: Transaction, arn: str, key: FunctionKey, qualifier: str) -> None:
    """The same of a function, which must be there and another. Raises InvalidParameter."""
    if parse_arn(arn).service != "lambda":
        return
    target, wanted = parse_function_name(arn, key.account, key.region)
    if target == key and (wanted or LATEST) == (qualifier or LATEST):
        raise InvalidParameter("You can't specify the function as a destination for itself.")
    try:
        find_version(tx, target, wanted)
    except NotFound:
        raise InvalidParameter(f"The destination ARN {arn} is invalid.") from None


def _checked(arn: str, services: tuple[str, ...]) -> Arn:
    try:
        parts = parse_arn(arn)
    except ValueError:
        raise InvalidParameter(f"The destination ARN {arn} is invalid.") from None
    if parts.service not in services or not RESOURCE[parts.service].fullmatch(parts.resource):
        raise InvalidParameter(f"The destination ARN {arn} is invalid.")
    return parts
