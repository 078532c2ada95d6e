"""Trees of conditions made into functions over items, their operands checked first. Pure.

An attribute that is not there makes every comparison false but `<>`.

Source: DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions"; the words as the service
gives them.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from lambent.services.dynamodb.errors import ExpressionError
from lambent.services.dynamodb.expressions import paths
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import Between, Both, Call, Compare, Constant, In, Node, Not, Path
from lambent.services.dynamodb.values import NAMES, SETS, Item, Value, kind_of, order_key, same, shown

Test: TypeAlias = Callable[[Item], bool]
Look: TypeAlias = Callable[[Item], Value | None]
Holds: TypeAlias = Callable[[Any, Any], Any]
ORDERED = frozenset({"S", "N", "B"})
ORDERS: dict[str, Holds] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ARITY = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
FOR_UPDATES = {"if_not_exists": 2, "list_append": 2}
TYPES = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"


def test_of(node: Node, given: Placeholders) -> Test:
    """The condition as a function. Raises ValidationError."""
    if isinstance(node, Both):
        left, right = test_of(node.left, given), test_of(node.right, given)
        if node.operator == "AND":
            return lambda item: left(item) and right(item)
        return lambda item: left(item) or right(item)
    if isinstance(node, Not):
        inner = test_of(node.operand, given)
        return lambda item: not inner(item)
    if isinstance(node, Compare):
        return _compare(node, given)
    if isinstance(node, Between):
        return _between(node, given)
    if isinstance(node, In):
        return _in(node, given)
    if isinstance(node, Call):
        return _call(node, given)
    raise ExpressionError("Syntax error; token: <EOF>")


# --- operands


def look_of(node: Node, given: Placeholders, user: str) -> Look:
    """An operand of `user` as a function. Raises ValidationError."""
    if isinstance(node, Constant):
        value = given.value(node)
        return lambda _: value
    if isinstance(node, Path):
        parts = given.path(node)
        if len(parts) == 1:
            name = str(parts[0])
            return lambda item: item.get(name)
        return lambda item: paths.found_at(item, parts)
    if isinstance(node, Call) and node.function == "size":
        return _size(node, given)
    if isinstance(node, Call):
        _check_function(node)
        raise ExpressionError(
            f"The function is not allowed to be used this way in an expression; function: {node.function}"
        )
    raise ExpressionError(f"Incorrect operand for operator or function; operator or function: {user}")


def constant_of(node: Node, given: Placeholders) -> Value | None:
    """The value of an operand that is the same for every item."""
    return given.value(node) if isinstance(node, Constant) else None


def check_kind(node: Node, given: Placeholders, user: str, allowed: frozenset[str]) -> None:
    """Raises ValidationError when an operand can never have a type that `user` takes."""
    value = constant_of(node, given)
    kind = kind_of(value) if value is not None else "N" if isinstance(node, Call) else None
    if kind is not None and kind not in allowed:
        raise wrong_kind(user, kind)


def wrong_kind(user: str, kind: str) -> ExpressionError:
    return ExpressionError(
        f"Incorrect operand type for operator or function; operator or function: {user}, operand type: {kind}"
    )


def check_distinct(first: Node, others: Sequence[Node], given: Placeholders, user: str) -> None:
    """Raises ValidationError when a path is compared with itself."""
    if not isinstance(first, Path):
        return
    parts = given.path(first)
    if any(isinstance(other, Path) and given.path(other) == parts for other in others):
        raise ExpressionError(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {user}, first operand: {paths.shown(parts)}"
        )


# --- operators


def _compare(node: Compare, given: Placeholders) -> Test:
    sign = node.operator
    left, right = look_of(node.left, given, sign), look_of(node.right, given, sign)
    check_distinct(node.left, [node.right], given, sign)
    if sign == "=":
        return lambda item: _equal(left(item), right(item))
    if sign == "<>":
        return lambda item: not _equal(left(item), right(item))
    for side in (node.left, node.right):
        check_kind(side, given, sign, ORDERED)
    holds = ORDERS[sign]
    return lambda item: _in_order(left(item), right(item), holds)


def _equal(left: Value | None, right: Value | None) -> bool:
    return left is not None and right is not None and same(left, right)


def _in_order(left: Value | None, right: Value | None, holds: Holds) -> bool:
    if left is None or right is None or kind_of(left) != kind_of(right) or kind_of(left) not in ORDERED:
        return False
    return bool(holds(order_key(left), order_key(right)))


def _between(node: Between, given: Placeholders) -> Test:
    operand, lower, upper = (look_of(each, given, "BETWEEN") for each in (node.operand, node.lower, node.upper))
    for each in (node.operand, node.lower, node.upper):
        check_kind(each, given, "BETWEEN", ORDERED)
    check_bounds(constant_of(node.lower, given), constant_of(node.upper, given))
    check_distinct(node.operand, [node.lower, node.upper], given, "BETWEEN")

    def test(item: Item) -> bool:
        value = operand(item)
        return _in_order(value, lower(item), operator.ge) and _in_order(value, upper(item), operator.le)

    return test


def check_bounds(lower: Value | None, upper: Value | None) -> None:
    """Raises ValidationError when nothing can be between these."""
    if lower is None or upper is None:
        return
    shown_bounds = (
        f"lower bound operand: AttributeValue: {shown(lower)}, upper bound operand: AttributeValue: {shown(upper)}"
    )
    if kind_of(lower) != kind_of(upper):
        raise ExpressionError(
            f"The BETWEEN operator requires same data type for lower and upper bounds; {shown_bounds}"
        )
    if order_key(lower) > order_key(upper):
        raise ExpressionError(
            f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {shown_bounds}"
        )


def _in(node: In, given: Placeholders) -> Test:
    operand = look_of(node.operand, given, "IN")
    options = [look_of(each, given, "IN") for each in node.options]
    check_distinct(node.operand, node.options, given, "IN")

    def test(item: Item) -> bool:
        value = operand(item)
        return value is not None and any(_equal(value, option(item)) for option in options)

    return test


# --- functions


def _check_function(node: Call) -> None:
    name = node.function
    if name not in ARITY and name not in FOR_UPDATES:
        raise ExpressionError(f"Invalid function name; function: {name}")
    if name in FOR_UPDATES:
        raise ExpressionError(f"The function is not allowed in a condition expression; function: {name}")
    check_arity(node, ARITY[name])


def check_arity(node: Call, wanted: int) -> None:
    """Raises ValidationError for a wrong number of arguments."""
    if len(node.arguments) != wanted:
        raise ExpressionError(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {node.function}, number of operands: {len(node.arguments)}"
        )


def _call(node: Call, given: Placeholders) -> Test:
    _check_function(node)
    makers: dict[str, Callable[[Call, Placeholders], Test]] = {
        "attribute_exists": lambda call, given: _exists(call, given, True),
        "attribute_not_exists": lambda call, given: _exists(call, given, False),
        "attribute_type": _attribute_type,
        "begins_with": _begins_with,
        "contains": _contains,
    }
    maker = makers.get(node.function)
    if maker is None:
        raise ExpressionError(
            f"The function is not allowed to be used this way in an expression; function: {node.function}"
        )
    return maker(node, given)


def _exists(node: Call, given: Placeholders, wanted: bool) -> Test:
    (argument,) = node.arguments
    if not isinstance(argument, Path):
        raise ExpressionError(f"Operator or function requires a document path; operator or function: {node.function}")
    look = look_of(argument, given, node.function)
    return lambda item: (look(item) is not None) is wanted


def _attribute_type(node: Call, given: Placeholders) -> Test:
    look = look_of(node.arguments[0], given, node.function)
    check_distinct(node.arguments[0], node.arguments[1:], given, node.function)
    wanted = constant_of(node.arguments[1], given)
    if wanted is None or "S" not in wanted:
        raise wrong_kind(node.function, kind_of(wanted) if wanted is not None else "PATH")
    if wanted["S"] not in NAMES:
        raise ExpressionError(f"Invalid attribute type name found; type: {wanted['S']}, valid types: {TYPES}")
    kind = wanted["S"]
    return lambda item: (value := look(item)) is not None and kind in value


def _begins_with(node: Call, given: Placeholders) -> Test:
    whole, start = (look_of(each, given, node.function) for each in node.arguments)
    for each in node.arguments:
        check_kind(each, given, node.function, frozenset({"S", "B"}))
    check_distinct(node.arguments[0], node.arguments[1:], given, node.function)

    def test(item: Item) -> bool:
        value, prefix = whole(item), start(item)
        if value is None or prefix is None:
            return False
        kind = kind_of(value)
        return kind in ("S", "B") and kind in prefix and bool(value[kind].startswith(prefix[kind]))

    return test


def _contains(node: Call, given: Placeholders) -> Test:
    whole, part = (look_of(each, given, node.function) for each in node.arguments)
    check_distinct(node.arguments[0], node.arguments[1:], given, node.function)

    def test(item: Item) -> bool:
        value, wanted = whole(item), part(item)
        return value is not None and wanted is not None and contains(value, wanted)

    return test


def contains(value: Value, wanted: Value) -> bool:
    """Whether a string holds a substring, a set an element, a list a value."""
    kind = kind_of(value)
    if kind in ("S", "B"):
        return kind in wanted and wanted[kind] in value[kind]
    if kind in SETS:
        return kind[0] in wanted and wanted[kind[0]] in value[kind]
    return kind == "L" and any(same(each, wanted) for each in value["L"])


def _size(node: Call, given: Placeholders) -> Look:
    check_arity(node, 1)
    (argument,) = node.arguments
    check_kind(argument, given, "size", frozenset({"S", "B", "L", "M", *SETS}))
    look = look_of(argument, given, "size")

    def size(item: Item) -> Value | None:
        value = look(item)
        if value is None or kind_of(value) in ("N", "BOOL", "NULL"):
            return None
        inner = next(iter(value.values()))
        return {"N": str(len(inner))}

    return size
