"""Message attributes: their checks, their size, their MD5, and which a receiver asked for. Pure.

Source: SQS Developer Guide, "Amazon SQS message metadata" (names, data types, "Calculating the MD5 message digest for
message attributes") and API reference, ReceiveMessage (MessageAttributeNames).
"""

import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.sqs.checks import BAD_CHARACTERS, FORBIDDEN
from lambent.services.sqs.errors import InvalidParameterValue
from lambent.services.sqs.model import AttributeValue

MOST = 10
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LENGTH = struct.Struct(">I")


def attributes_of(given: Mapping[str, Mapping[str, Any]] | None) -> dict[str, AttributeValue]:
    """The attributes of a request, checked. Raises InvalidParameterValue."""
    if not given:
        return {}
    if len(given) > MOST:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(given)}] exceeds the allowed maximum [{MOST}]."
        )
    return {name: _checked(name, value) for name, value in given.items()}


def size_of(body: str, attributes: Mapping[str, AttributeValue]) -> int:
    """What counts against the limit: the body, and names, types and values of the attributes."""
    size = len(body.encode())
    for name, (data_type, value) in attributes.items():
        size += len(name.encode()) + len(data_type.encode()) + len(_bytes(value))
    return size


def md5_of(attributes: Mapping[str, AttributeValue]) -> str:
    """MD5OfMessageAttributes: by name, each part with its length, and a byte for the kind of value."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        data_type, value = attributes[name]
        for part in (name.encode(), data_type.encode()):
            digest.update(_LENGTH.pack(len(part)) + part)
        raw = _bytes(value)
        digest.update((b"\2" if isinstance(value, bytes) else b"\1") + _LENGTH.pack(len(raw)) + raw)
    return digest.hexdigest()


def chosen(attributes: Mapping[str, AttributeValue], wanted: Sequence[str]) -> Mapping[str, AttributeValue]:
    """Those that a receiver named: by name, by `prefix.*`, or all by `All` and `.*`."""
    if not attributes or not wanted:
        return {}
    if "All" in wanted or ".*" in wanted:
        return attributes
    prefixes = tuple(name[:-1] for name in wanted if name.endswith(".*"))
    return {name: value for name, value in attributes.items() if name in wanted or name.startswith(prefixes)}


def shown(attributes: Mapping[str, AttributeValue]) -> dict[str, dict[str, Any]]:
    """The form of an answer."""
    return {
        name: {"DataType": kind, "BinaryValue" if isinstance(value, bytes) else "StringValue": value}
        for name, (kind, value) in attributes.items()
    }


def _checked(name: str, given: Mapping[str, Any]) -> AttributeValue:
    reserved = name.lower().startswith(("aws.", "amazon."))
    if not _NAME.fullmatch(name) or len(name) > 256 or reserved:
        raise InvalidParameterValue(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore, "
            "hyphen, and period (.) characters, up to 256; it must not start with AWS. or Amazon., start or end "
            "with a period, or have periods in succession."
        )
    kind = given.get("DataType") or ""
    match = _TYPE.fullmatch(kind)
    if not kind or len(kind) > 256:
        raise InvalidParameterValue(f"The message attribute '{name}' must contain a non-empty message attribute type.")
    if match is None:
        raise InvalidParameterValue(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    if given.get("StringListValues") or given.get("BinaryListValues"):
        raise InvalidParameterValue("Message attribute list values in SendMessage operation are not supported.")
    return kind, _value(name, match[1], given)


def _value(name: str, kind: str, given: Mapping[str, Any]) -> str | bytes:
    value = given.get("BinaryValue" if kind == "Binary" else "StringValue")
    other = given.get("StringValue" if kind == "Binary" else "BinaryValue")
    if not value or other:
        raise InvalidParameterValue(
            f"The message attribute '{name}' must contain a non-empty message attribute value of type {kind}, "
            "and no other."
        )
    if isinstance(value, bytes):
        return value
    text = str(value)
    if FORBIDDEN.search(text):
        raise InvalidParameterValue(BAD_CHARACTERS)
    if kind == "Number" and not _NUMBER.fullmatch(text):
        raise InvalidParameterValue(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    return text


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
