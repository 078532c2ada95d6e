"""The policy of a form: until when it may be posted, and what its fields and its file have to be. Pure.

Source: S3 API reference, "Creating a POST policy" (conditions, matching, what need not be named); the messages are
those that S3 gives.
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from lambent.gateway.promises import BadRequest

FREE = frozenset({"policy", "x-amz-signature", "signature", "awsaccesskeyid", "file"})
IGNORED = "x-ignore-"
LISTS = frozenset({"content-type"})  # several values, each of which has to match


class FormRefused(BadRequest):
    """The policy does not let this form pass."""

    status = 403

    def __init__(self, why: str) -> None:
        super().__init__("AccessDenied", f"Invalid according to Policy: {why}")


class Condition(Struct, frozen=True):
    """`field` as it has to be; by its lower-case name, without the dollar."""

    operator: str
    field: str
    value: str

    def meets(self, text: str) -> bool:
        if self.operator == "eq":
            return text == self.value
        values = text.split(",") if self.field in LISTS else [text]
        return all(value.strip().startswith(self.value) for value in values)

    def __str__(self) -> str:
        return f'["{self.operator}", "${self.field}", "{self.value}"]'


class FormPolicy(Struct, frozen=True):
    """What the signer of a form lets its bearer do."""

    ends_s: float
    conditions: tuple[Condition, ...]
    least_bytes: int = 0
    most_bytes: int | None = None

    def check(self, fields: Mapping[str, str], now_s: float) -> None:
        """Whether the form may be posted now. Raises AccessDenied."""
        if now_s >= self.ends_s:
            raise FormRefused("Policy expired.")
        for condition in self.conditions:
            if not condition.meets(fields.get(condition.field, "")):
                raise FormRefused(f"Policy Condition failed: {condition}")
        named = {condition.field for condition in self.conditions}
        for name in fields:
            if name not in named and name not in FREE and name != "bucket" and not name.startswith(IGNORED):
                raise FormRefused(f"Extra input fields: {name}")


def policy_of(text: str) -> FormPolicy:
    """The policy in a form's field, base64 of JSON. Raises InvalidPolicyDocument."""
    try:
        document = msgspec.json.decode(b64decode(text, validate=True))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    if "expiration" not in document:
        raise _invalid("Policy missing expiration.")
    if not isinstance(document.get("conditions"), list):
        raise _invalid("Policy missing conditions.")
    least, most = 0, None
    conditions: list[Condition] = []
    for entry in document["conditions"]:
        if isinstance(entry, list) and len(entry) == 3 and str(entry[0]).lower() == "content-length-range":
            least, most = _range(entry)
        else:
            conditions += _conditions(entry)
    return FormPolicy(_epoch_s(document["expiration"]), tuple(conditions), least, most)


def _conditions(entry: Any) -> list[Condition]:
    if isinstance(entry, dict) and entry and all(isinstance(value, str) for value in entry.values()):
        return [Condition("eq", name.lower(), value) for name, value in entry.items()]
    if isinstance(entry, list) and len(entry) == 3 and all(isinstance(each, str) for each in entry):
        operator, field, value = entry
        if operator.lower() in ("eq", "starts-with") and field.startswith("$"):
            return [Condition(operator.lower(), field[1:].lower(), value)]
    raise _invalid(f"Invalid Condition: {msgspec.json.encode(entry).decode()[:200]}")


def _range(entry: list[Any]) -> tuple[int, int]:
    try:
        least, most = int(entry[1]), int(entry[2])
    except (TypeError, ValueError):
        raise _invalid("Invalid 'content-length-range' condition.") from None
    if not 0 <= least <= most:
        raise _invalid("Invalid 'content-length-range' condition.")
    return least, most


def _epoch_s(text: Any) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise _invalid("Invalid 'expiration' value.") from None
    if moment.tzinfo is None:
        raise _invalid("Invalid 'expiration' value.")
    return moment.timestamp()


def _invalid(why: str) -> BadRequest:
    return BadRequest("InvalidPolicyDocument", f"Invalid Policy: {why}")
