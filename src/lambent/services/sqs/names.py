"""Queue names, their URLs and ARNs.

Sources: SQS Developer Guide, "Queue and message identifiers" (URL `https://ENDPOINT/ACCOUNT/NAME`), "Amazon SQS queue
quotas" (names).
"""

import re
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from lambent.arn import make_arn, parse_arn
from lambent.services.sqs.errors import InvalidParameterValue, QueueDoesNotExist, no_queue

FIFO = ".fifo"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")


class QueueKey(Struct, frozen=True):
    """Which queue of all accounts and Regions."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return make_arn("sqs", self.region, self.account, self.name)

    def url(self, endpoint: str) -> str:
        """The queue's URL at the address that the caller used."""
        return f"{endpoint}/{self.account}/{self.name}"


def check_name(name: str, fifo: bool) -> None:
    """Raises InvalidParameterValue for a name that no new queue of this kind may have."""
    if fifo and not _FIFO_NAME.fullmatch(name):
        raise InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
            ".fifo suffix and be 1 to 80 in length"
        )
    if not fifo and not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def key_of_url(url: str, account: str, region: str) -> QueueKey:
    """The queue that a QueueUrl names: a whole URL, its path, or, as AWS also takes it, the mere name.

    Raises:
        QueueDoesNotExist: it has no such form.
    """
    path = urlsplit(url).path if "://" in url else url
    parts = [unquote(part) for part in path.split("/") if part]
    if len(parts) == 1:
        return QueueKey(account, region, parts[0])
    if len(parts) >= 2 and re.fullmatch(r"\d{12}", parts[-2]):
        return QueueKey(parts[-2], region, parts[-1])
    raise no_queue()


def key_of_arn(arn: str) -> QueueKey:
    """The queue that an ARN names. Raises QueueDoesNotExist when it is not the ARN of a queue."""
    try:
        parsed = parse_arn(arn)
    except ValueError:
        raise QueueDoesNotExist(f"{arn} is not the ARN of a queue.") from None
    if parsed.service != "sqs":
        raise QueueDoesNotExist(f"{arn} is not the ARN of a queue.")
    return QueueKey(parsed.account, parsed.region, parsed.resource)
