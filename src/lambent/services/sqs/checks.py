"""What every message is held to, whoever sends it. Pure.

Sources: SQS API reference, SendMessage; Developer Guide, "Message quotas"; the words as the service gives them.
"""

import hashlib
import re

from lambent.services.sqs.attributes import QueueSettings
from lambent.services.sqs.errors import InvalidMessageContents, InvalidParameterValue, invalid, missing, wrong_kind

TOKEN = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BAD_CHARACTERS = (
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
    "#x10000 to #x10FFFF"
)


def check_text(text: str) -> None:
    """Raises InvalidMessageContents for characters that SQS does not take."""
    if FORBIDDEN.search(text):
        raise InvalidMessageContents(BAD_CHARACTERS)


def check_size(size: int, limit: int) -> None:
    """Raises InvalidParameterValue for a message that is too long."""
    if size > limit:
        raise InvalidParameterValue(
            f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
        )


def md5_of_body(body: str) -> str:
    """MD5OfMessageBody."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def group_of(settings: QueueSettings, group: str | None) -> str:
    """The MessageGroupId; nothing in a standard queue."""
    if settings.fifo:
        if not group:
            raise missing("MessageGroupId")
        return token("MessageGroupId", group)
    if group is not None:
        raise wrong_kind("MessageGroupId", group)
    return ""


def deduplication_id_of(settings: QueueSettings, given: str | None, body: str) -> str:
    """The MessageDeduplicationId, made from the body where the queue does so; nothing in a standard queue."""
    if not settings.fifo:
        if given is not None:
            raise wrong_kind("MessageDeduplicationId", given)
        return ""
    if given:
        return token("MessageDeduplicationId", given)
    if not settings.content_deduplication:
        raise InvalidParameterValue(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )
    return hashlib.sha256(body.encode()).hexdigest()


def token(name: str, value: str) -> str:
    """`value`, when it has the form of group ids and the like."""
    if not TOKEN.fullmatch(value):
        raise invalid(
            name, value, f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        )
    return value
