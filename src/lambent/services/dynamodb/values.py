"""Attribute values as they are kept: the wire's own form, checked and made uniform.

A value is `{"S": "x"}`, a dict with exactly one entry; an item is a dict of them. Blobs are bytes, numbers
`numbers.normalised` text, sets lists without repetition. Nothing else of Lambent has to know more than this.

Source: DynamoDB API reference, AttributeValue; Developer Guide, "DynamoDB item sizes and formats", "Constraints"
(nesting of 32 levels, items of 400 KB).
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lambent.errors import ValidationError
from lambent.services.dynamodb import numbers
from lambent.services.dynamodb.errors import invalid, wrong_parameters

Value = dict[str, Any]
Item = dict[str, Value]

LARGEST_ITEM_BYTES = 400 * 1024
DEEPEST = 32  # the item itself is the first level, what stands in the last has no inside
SETS = {"SS": "string", "NS": "number", "BS": "binary"}
NAMES = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
    "M": "MAP", "L": "LIST", "BOOL": "BOOLEAN", "NULL": "NULL",
}  # fmt: skip


def checked_item(item: dict[str, Any]) -> Item:
    """The item, every value of it checked and uniform. Raises ValidationError."""
    return _checked_map(item, 0)


def checked(value: Any, depth: int = 1) -> Value:
    """The value, checked and uniform.

    Raises:
        ValidationError: it has no type or several, is no number, is an empty set or one with repetitions, or is nested
            too deeply.
    """
    if not value:
        raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    if len(value) != 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
            "datatypes"
        )
    ((kind, inner),) = value.items()
    check = _CHECKS.get(kind)
    return value if check is None else {kind: check(inner, depth)}


def _checked_list(inner: list[Any], depth: int) -> list[Value]:
    _check_depth(depth)
    return [checked(value, depth + 1) for value in inner]


def _checked_map(inner: dict[str, Any], depth: int) -> Item:
    _check_depth(depth)
    if "" in inner:
        check_attribute_name("")
    return {name: checked(value, depth + 1) for name, value in inner.items()}


def check_attribute_name(name: str) -> None:
    """Raises ValidationError for an attribute without a name."""
    if not name:
        raise wrong_parameters("Empty attribute name")


def _check_depth(depth: int) -> None:
    if depth >= DEEPEST:
        raise invalid(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond "
            "supported limit"
        )


def check_nesting(value: Value, depth: int = 1) -> None:
    """Raises ValidationError for a value that an update has made too deep."""
    ((kind, inner),) = value.items()
    if kind in ("L", "M"):
        _check_depth(depth)
        for each in inner if kind == "L" else inner.values():
            check_nesting(each, depth + 1)


def _checked_null(inner: bool, _: int) -> bool:
    if inner is not True:
        raise wrong_parameters("Null attribute value types must have the value of true")
    return True


def _checked_number(inner: str, _: int) -> str:
    return numbers.normalised(inner)


def _set_of(kind: str) -> Callable[[list[Any], int], list[Any]]:
    def check(inner: list[Any], _: int) -> list[Any]:
        if not inner:
            raise wrong_parameters(f"An {SETS[kind]} set  may not be empty")
        if any(each is None for each in inner):
            raise wrong_parameters(f"An {SETS[kind]} set may not have a null element")
        uniform = [numbers.normalised(each) for each in inner] if kind == "NS" else inner
        if len(set(uniform)) != len(uniform):
            if kind == "NS":
                raise invalid("Input collection contains duplicates")
            which = "of type BS" if kind == "BS" else f"[{', '.join(inner)}]"
            raise wrong_parameters(f"Input collection {which} contains duplicates.")
        return uniform

    return check


_CHECKS: dict[str, Callable[[Any, int], Any]] = {
    "N": _checked_number,
    "NULL": _checked_null,
    "SS": _set_of("SS"),
    "NS": _set_of("NS"),
    "BS": _set_of("BS"),
    "L": _checked_list,
    "M": _checked_map,
}


def kind_of(value: Value) -> str:
    """`S`, `N`, ..."""
    return next(iter(value))


def same(left: Value, right: Value) -> bool:
    """Whether two values are equal: sets whatever their order, numbers as numbers."""
    if left == right:
        return True
    kind = kind_of(left)
    if kind not in right:
        return False
    one, other = left[kind], right[kind]
    if kind in SETS:
        return len(one) == len(other) and set(one) == set(other)
    if kind == "L":
        return len(one) == len(other) and all(map(same, one, other))
    if kind == "M":
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return False


def order_key(value: Value) -> Any:
    """What values of one kind are compared by; None for kinds that have no order."""
    kind, inner = next(iter(value.items()))
    if kind == "N":
        return Decimal(inner)
    if kind == "S":
        return inner.encode()
    return inner if kind == "B" else None


def size_of(value: Value) -> int:
    """The bytes that a value counts for."""
    ((kind, inner),) = value.items()
    if kind == "S":
        return len(inner) if inner.isascii() else len(inner.encode())
    if kind == "N":
        return numbers.size_of(inner)
    if kind == "B":
        return len(inner)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "L":
        return 3 + sum(size_of(each) + 1 for each in inner)
    if kind == "M":
        return 3 + sum(len(name.encode()) + size_of(each) + 1 for name, each in inner.items())
    return sum(size_of({kind[0]: each}) for each in inner)


def item_size(item: Item) -> int:
    """The bytes that an item counts for, names included."""
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def check_size(item: Item, words: str = "Item size has exceeded the maximum allowed size") -> int:
    """The item's size. Raises ValidationError above 400 KB."""
    size = item_size(item)
    if size > LARGEST_ITEM_BYTES:
        raise ValidationError(words)
    return size


def shown(value: Value) -> str:
    """A value as error messages print it: `{N:5}`."""
    ((kind, inner),) = value.items()
    return "{" + f"{kind}:{shown_inner(inner)}" + "}"


def shown_inner(inner: Any) -> str:
    """The inside of a value, as Java prints it."""
    if isinstance(inner, dict):
        return "{" + ", ".join(f"{name}={shown(each)}" for name, each in inner.items()) + "}"
    if isinstance(inner, list):
        return "[" + ", ".join(shown(each) if isinstance(each, dict) else shown_scalar(each) for each in inner) + "]"
    return shown_scalar(inner)


def shown_scalar(scalar: Any) -> str:
    """A string, number, boolean or blob, as Java prints it."""
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(scalar)} cap={len(scalar)}]"
    return str(scalar)
