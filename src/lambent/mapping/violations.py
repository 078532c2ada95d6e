"""What a validator of JSON schemas finds, in the words that owners of APIs show to callers. Pure.

Apart from `schemas`, as `draft4` is. Source: the messages of the JSON schema library that API Gateway uses, as callers
see them by `$context.error.validationErrorString`; what is not known here is told by its keyword.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from jsonschema import ValidationError

MOST, LONGEST = 20, 200  # messages of one body, and characters of a value in one
KINDS = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (list, "array"), (dict, "object"))


def told(errors: Iterable[ValidationError]) -> str:
    """`[object has missing required properties (["name"]), ...]`."""
    found: dict[str, None] = {}
    for error in errors:
        found[_message(error)] = None
        if len(found) == MOST:
            break
    return f"[{', '.join(found)}]"


def _message(error: Any) -> str:
    say = MESSAGES.get(str(error.validator))
    return f"instance failed to match the schema's {error.validator}" if say is None else say(error)


def _json(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _required(error: Any) -> str:
    missing = sorted(name for name in error.validator_value if name not in error.instance)
    return f"object has missing required properties ({_json(missing)})"


def _type(error: Any) -> str:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    allowed = sorted({*wanted, *(["integer"] if "number" in wanted else [])})
    kind = next((name for one, name in KINDS if isinstance(error.instance, one)), "null")
    return f"instance type ({kind}) does not match any allowed primitive type (allowed: {_json(allowed)})"


def _additional(error: Any) -> str:
    extra = sorted(set(error.instance) - set(error.schema.get("properties", {})))
    return f"object instance has properties which are not allowed by the schema: {_json(extra)}"


def _limit(word: str, name: str) -> Callable[[Any], str]:
    def say(error: Any) -> str:
        if error.schema.get("exclusiveM" + name[1:]):
            return f"numeric instance is not strictly {word} than the required {name} {_json(error.validator_value)}"
        far = "lower" if name == "minimum" else "greater"
        limit = f"{name}: {_json(error.validator_value)}, found: {_json(error.instance)}"
        return f"numeric instance is {far} than the required {name} ({limit})"

    return say


def _length(far: str, limit: str) -> Callable[[Any], str]:
    def say(error: Any) -> str:
        size = f"length: {len(error.instance)}, {limit}: {error.validator_value}"
        return f"string {_json(error.instance)} is too {far} ({size})"

    return say


def _size(far: str, most: str) -> Callable[[Any], str]:
    def say(error: Any) -> str:
        have = f"must have at {most} {error.validator_value} elements but instance has {len(error.instance)} elements"
        return f"array is too {far}: {have}"

    return say


MESSAGES: dict[str, Callable[[Any], str]] = {
    "required": _required,
    "type": _type,
    "enum": lambda error: (
        f"instance value ({_json(error.instance)}) not found in enum (possible values: {_json(error.validator_value)})"
    ),
    "pattern": lambda error: (
        f"ECMA 262 regex {_json(error.validator_value)} does not match input string {_json(error.instance)}"
    ),
    "additionalProperties": _additional,
    "minimum": _limit("greater", "minimum"),
    "maximum": _limit("lower", "maximum"),
    "minLength": _length("short", "required minimum"),
    "maxLength": _length("long", "maximum allowed"),
    "minItems": _size("short", "least"),
    "maxItems": _size("long", "most"),
    "uniqueItems": lambda _: "array must not contain duplicate elements",
    "anyOf": lambda error: f"instance failed to match at least one required schema among {len(error.validator_value)}",
    "oneOf": lambda error: f"instance failed to match exactly one schema (among {len(error.validator_value)})",
    "not": lambda _: "instance matched a schema which it should not have",
}
