"""The names and values that a request gives to its expressions, and which of them were used.

Source: DynamoDB Developer Guide, "Expression attribute names (aliases)", "Expression attribute values"; the words as
the service gives them.
"""

import re
from collections.abc import Mapping
from typing import Any

from lambent.errors import ValidationError
from lambent.services.dynamodb.errors import ExpressionError, invalid
from lambent.services.dynamodb.expressions import paths
from lambent.services.dynamodb.expressions.reserved import RESERVED
from lambent.services.dynamodb.expressions.tree import Constant, Parts, Path
from lambent.services.dynamodb.values import Value, checked

_NAME, _VALUE = re.compile(r"#[A-Za-z0-9_]+"), re.compile(r":[A-Za-z0-9_]+")
LONGEST_NAME_BYTES = 65_535
Request = Mapping[str, Any]


class Placeholders:
    """Of one request. Made by `placeholders_of`."""

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        self._names, self._values = names, values
        self._used: set[str] = set()

    def path(self, path: Path) -> Parts:
        """The path with its true names. Raises ValidationError for words that are reserved, and unknown names."""
        parts = tuple(part if isinstance(part, int) else self._name(part) for part in path.parts)
        if len(parts) > paths.DEEPEST:
            raise ExpressionError("The document path has too many nesting elements; nesting levels: " + str(len(parts)))
        return parts

    def _name(self, word: str) -> str:
        if not word.startswith("#"):
            if word.upper() in RESERVED:
                raise ExpressionError(f"Attribute name is a reserved keyword; reserved keyword: {word}")
            return word
        name = self._names.get(word)
        if name is None:
            raise ExpressionError(
                f"An expression attribute name used in the document path is not defined; attribute name: {word}"
            )
        self._used.add(word)
        return name

    def value(self, constant: Constant) -> Value:
        """The value. Raises ValidationError where there is none."""
        value = self._values.get(constant.name)
        if value is None:
            raise ExpressionError(
                "An expression attribute value used in expression is not defined; attribute value: " + constant.name
            )
        self._used.add(constant.name)
        return value

    def check_used(self) -> None:
        """Raises ValidationError when names or values were given for nothing."""
        if len(self._used) == len(self._names) + len(self._values):
            return
        for what, given in (("Names", self._names), ("Values", self._values)):
            unused = [name for name in given if name not in self._used]
            if unused:
                raise invalid(
                    f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {{{', '.join(unused)}}}"
                )


def placeholders_of(request: Request, *expressions: str) -> Placeholders:
    """The placeholders of a request that may have these expressions.

    Raises:
        ValidationError: one is malformed, or there is no expression that could use it.
    """
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    if names is None and values is None:
        return Placeholders({}, {})
    present = [each for each in expressions if request.get(each) is not None]
    if names is not None:
        _check_names(names, bool(present))
    with_values = [each for each in expressions if each != "ProjectionExpression"]
    if values is not None and not any(each in present for each in with_values):
        reason = f": {with_values[0]} is null" if len(with_values) == 1 else ""
        raise invalid("ExpressionAttributeValues can only be specified when using expressions" + reason)
    return Placeholders(names or {}, _checked_values(values))


def _check_names(names: Mapping[str, str], used: bool) -> None:
    if not used:
        raise invalid("ExpressionAttributeNames can only be specified when using expressions")
    if not names:
        raise invalid("ExpressionAttributeNames must not be empty")
    for name, meant in names.items():
        if not _NAME.fullmatch(name):
            raise invalid(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{name}"')
        if meant is None or not 0 < len(meant.encode()) <= LONGEST_NAME_BYTES:
            raise invalid(f"ExpressionAttributeNames contains invalid value: Empty attribute name; key: {name}")


def _checked_values(values: Mapping[str, Any] | None) -> dict[str, Value]:
    if values is None:
        return {}
    if not values:
        raise invalid("ExpressionAttributeValues must not be empty")
    found = {}
    for name, value in values.items():
        if not _VALUE.fullmatch(name):
            raise invalid(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{name}"')
        try:
            found[name] = checked(value)
        except ValidationError as error:
            raise invalid(f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}") from None
    return found
