"""The names and values that a request gives to its expressions, and which of them were used.

Source: DynamoDB Developer Guide, "Expression attribute names (aliases)", "Expression attribute values"; the words as
the service gives them.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from lambent.errors import ValidationError
from lambent.services.dynamodb.errors import ExpressionError, invalid
from lambent.services.dynamodb.expressions import paths
from lambent.services.dynamodb.expressions.reserved import RESERVED
from lambent.services.dynamodb.expressions.tree import Constant, Parts, Path
from lambent.services.dynamodb.values import Value, checked

_NAME, _VALUE = re.compile(r"#[A-Za-z0-9_]+"), re.compile(r":[A-Za-z0-9_]+")
LONGEST_NAME_BYTES = 65_535
LONGEST_PLACEHOLDER = 255
Request = Mapping[str, Any]


class Placeholders:
    """Of one request. Made by `placeholders_of`. `keys` are the attributes of the primary key, which have no inside."""

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Value], keys: Collection[str] = ()) -> None:
        self._names, self._values, self._keys = names, values, keys
        self._used: set[str] = set()

    def path(self, path: Path) -> Parts:
        """The path with its true names. Raises ValidationError as `target` does, and for what lies in a key."""
        parts = self.target(path)
        if len(parts) > 1 and parts[0] in self._keys:
            raise invalid(
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                f"Key: {parts[0]}"
            )
        return parts

    def target(self, path: Path) -> Parts:
        """The path of what is to be changed. Raises ValidationError for words that are reserved, and unknown names."""
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


def placeholders_of(request: Request, *expressions: str, keys: Collection[str] = ()) -> Placeholders:
    """The placeholders of a request that may have these expressions.

    Raises:
        ValidationError: one is malformed, or there is no expression that could use it.
    """
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    if names is None and values is None:
        return Placeholders({}, {}, keys)
    present = [each for each in expressions if request.get(each) is not None]
    if names is not None:
        _check_names(names, bool(present))
    with_values = [each for each in expressions if each != "ProjectionExpression"]
    if values is not None and not any(each in present for each in with_values):
        reason = f": {with_values[0]} is null" if len(with_values) == 1 else ""
        raise invalid("ExpressionAttributeValues can only be specified when using expressions" + reason)
    return Placeholders(names or {}, _checked_values(values), keys)


def _check_placeholder(name: str, form: re.Pattern[str], member: str) -> None:
    if len(name) > LONGEST_PLACEHOLDER:
        wrong = f"The expression attribute map contains a key that is too long; size of key: {len(name)}"
    elif form.fullmatch(name):
        return
    else:
        wrong = f'Syntax error; key: "{name}"' if name else "The expression attribute map contains an empty key;"
    raise invalid(f"{member} contains invalid key: {wrong}")


def _check_names(names: Mapping[str, str], used: bool) -> None:
    if not used:
        raise invalid("ExpressionAttributeNames can only be specified when using expressions")
    if not names:
        raise invalid("ExpressionAttributeNames must not be empty")
    for name, meant in names.items():
        _check_placeholder(name, _NAME, "ExpressionAttributeNames")
        if meant is None or not 0 < len(meant.encode()) <= LONGEST_NAME_BYTES:
            raise invalid(f"ExpressionAttributeNames contains invalid value: Empty attribute name; key: {name}")


def _checked_values(values: Mapping[str, Any] | None) -> dict[str, Value]:
    if values is None:
        return {}
    if not values:
        raise invalid("ExpressionAttributeValues must not be empty")
    found = {}
    for name, value in values.items():
        _check_placeholder(name, _VALUE, "ExpressionAttributeValues")
        try:
            found[name] = checked(value)
        except ValidationError as error:
            raise invalid(f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}") from None
    return found
