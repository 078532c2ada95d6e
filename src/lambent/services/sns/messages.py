"""A message as a publisher gives it, checked. Pure.

Sources: SNS API reference, Publish and PublishBatch; SNS Developer Guide, "Amazon SNS message attributes" and "Message
deduplication for FIFO topics"; the words as the service gives them.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from msgspec import DecodeError, json

from lambent.services.sns.errors import InvalidParameterValue, invalid
from lambent.services.sns.model import CONTENT_DEDUPLICATION, Attribute, Given, Message, Topic

LONGEST_SUBJECT = 100
TOKEN = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def message_of(topic: Topic, given: Given, message_id: str, now_ms: int) -> Message:
    """The message of a request or an entry. Raises InvalidParameter, InvalidParameterValue."""
    text: str = given.get("Message") or ""
    if not text:
        raise invalid("Empty message")
    texts = _texts(text) if _is_structured(given.get("MessageStructure")) else {}
    text = texts.get("default", text)
    group, deduplication_id = _fifo_ids(topic, given, text)
    return Message(
        id=message_id,
        topic=topic.key,
        text=text,
        sent_ms=now_ms,
        subject=_subject(given.get("Subject")),
        attributes=attributes_of(given.get("MessageAttributes")),
        texts=texts,
        group=group,
        deduplication_id=deduplication_id,
    )


def size_of(given: Given) -> int:
    """What counts against the limit: the message, and names, types and values of its attributes."""
    size = len((given.get("Message") or "").encode())
    for name, value in (given.get("MessageAttributes") or {}).items():
        binary, text = value.get("BinaryValue") or b"", value.get("StringValue") or ""
        size += len(name.encode()) + len((value.get("DataType") or "").encode()) + len(binary) + len(text.encode())
    return size


def attributes_of(given: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Attribute]:
    """The message attributes of a request. Raises InvalidParameterValue."""
    return {name: _attribute(name, value) for name, value in (given or {}).items()}


def _attribute(name: str, given: Mapping[str, Any]) -> Attribute:
    reserved = name.lower().startswith(("aws.", "amazon."))
    if not _ATTRIBUTE_NAME.fullmatch(name) or len(name) > 256 or reserved:
        raise InvalidParameterValue(
            f"Invalid parameter: the message attribute name '{name}' can contain A-Z, a-z, 0-9, underscore, hyphen, "
            "and period (.), up to 256; it must not start with AWS. or Amazon., start or end with a period, or have "
            "periods in succession."
        )
    kind = given.get("DataType") or ""
    match = _TYPE.fullmatch(kind)
    if match is None or len(kind) > 256:
        raise InvalidParameterValue(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    value = given.get("BinaryValue" if match[1] == "Binary" else "StringValue")
    if not value or given.get("StringValue" if match[1] == "Binary" else "BinaryValue"):
        raise InvalidParameterValue(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type "
            f"'{kind}'."
        )
    if isinstance(value, bytes):
        return Attribute(kind, b64encode(value).decode())
    if match[1] == "Number" and not _NUMBER.fullmatch(value):
        raise InvalidParameterValue(f"Could not cast message attribute '{name}' value to number.")
    if kind == "String.Array" and not _is_array(value):
        raise InvalidParameterValue(f"The value of the message attribute '{name}' is not a JSON array of plain values.")
    return Attribute(kind, value)


def _is_array(text: str) -> bool:
    try:
        found = json.decode(text)
    except (DecodeError, RecursionError):
        return False
    return isinstance(found, list) and not any(isinstance(each, list | dict) for each in found)


def _subject(given: str | None) -> str | None:
    if given is None:
        return None
    if not given or len(given) > LONGEST_SUBJECT or _CONTROL.search(given):
        raise invalid("Subject")
    return given


def _is_structured(given: str | None) -> bool:
    if given in (None, ""):
        return False
    if given != "json":
        raise invalid("MessageStructure")
    return True


def _texts(text: str) -> dict[str, str]:
    try:
        found = json.decode(text)
    except (DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise invalid("Message Structure - JSON message body failed to parse")
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    if not texts.get("default"):
        raise invalid("Message Structure - No default entry in JSON message body")
    return texts


def _fifo_ids(topic: Topic, given: Given, text: str) -> tuple[str, str]:
    """The group and deduplication id; nothing in a standard topic."""
    group, deduplication_id = given.get("MessageGroupId"), given.get("MessageDeduplicationId")
    if not topic.key.fifo:
        for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication_id)):
            if value is not None:
                raise invalid(name, f"The request includes {name} parameter that is not valid for this topic type")
        return "", ""
    if not group:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    if not deduplication_id:
        if topic.attributes.get(CONTENT_DEDUPLICATION) != "true":
            raise invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        deduplication_id = hashlib.sha256(text.encode()).hexdigest()
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication_id)):
        if not TOKEN.fullmatch(value):
            raise invalid(name, "1 to 128 alphanumeric and punctuation characters")
    return group, deduplication_id
