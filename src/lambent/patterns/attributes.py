"""SNS's filter policies: over message attributes, or over a body that is JSON.

An attribute of the type String is one value, String.Array a JSON list of strings, numbers, booleans
and null, Number a number; Binary attributes are never looked at. A policy over attributes has no
levels. Together the lists of a policy may make 150 combinations, and it may name five fields.

Source: SNS Developer Guide, "Filter policy constraints", "SNS subscription filter policy scope",
"Message attributes: data types".
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.patterns.errors import InvalidPattern
from lambent.patterns.match import OR, Pattern, compile_pattern
from lambent.patterns.reader import Node, read

MOST_KEYS, MOST_COMBINATIONS = 5, 150


class AttributePolicy(Struct, frozen=True):
    """Made by `attribute_policy`."""

    pattern: Pattern

    def matches(self, attributes: Mapping[str, tuple[str, str]]) -> bool:
        """Whether the subscription wants a message with these: name to data type and string value."""
        return self.pattern.matches(
            {
                name: _value(kind, text)
                for name, (kind, text) in attributes.items()
                if kind.partition(".")[0] != "Binary"
            }
        )


class BodyPolicy(Struct, frozen=True):
    """Made by `body_policy`."""

    pattern: Pattern

    def matches(self, body: str) -> bool:
        """Whether the subscription wants a message with this text."""
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return False
        return isinstance(value, dict) and self.pattern.matches(value)


def attribute_policy(text: str) -> AttributePolicy:
    """A policy of the scope MessageAttributes. Raises InvalidPattern."""
    pattern = _checked(text)
    if any(pattern.fields.values()):
        raise InvalidPattern(
            "Filter policy scope MessageAttributes does not support nested filter policy", text, len(text)
        )
    return AttributePolicy(pattern)


def body_policy(text: str) -> BodyPolicy:
    """A policy of the scope MessageBody. Raises InvalidPattern."""
    return BodyPolicy(_checked(text))


def _checked(text: str) -> Pattern:
    pattern = compile_pattern(text)
    keys, combinations = _size(read(text), 0)
    if keys > MOST_KEYS:
        raise InvalidPattern(f"Filter policy can not have more than {MOST_KEYS} keys", text, len(text))
    if combinations > MOST_COMBINATIONS:
        raise InvalidPattern("Filter policy is too complex", text, len(text))
    return pattern


def _size(node: Node, level: int) -> tuple[int, int]:
    """Leaf fields, and the combinations that their lists make; a nested list counts once for each level."""
    keys, combinations = 0, 1
    assert isinstance(node.value, dict)
    for name, inner in node.value.items():
        if isinstance(inner.value, dict):
            deeper = [_size(inner, level + 1)]
        elif name == OR:
            assert isinstance(inner.value, list)
            deeper = [_size(each, level) for each in inner.value]
        else:
            assert isinstance(inner.value, list)
            deeper = [(1, len(inner.value) * (level + 1))]
        keys += sum(count for count, _ in deeper)
        combinations *= sum(count for _, count in deeper)
    return keys, combinations


def _value(kind: str, text: str) -> Any:
    base = kind.partition(".")[0]
    if base == "Number":
        return _decoded(text, text)
    if kind == "String.Array":
        return _decoded(text, text)
    return text


def _decoded(text: str, otherwise: Any) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return otherwise
