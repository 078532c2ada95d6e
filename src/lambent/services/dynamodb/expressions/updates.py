"""An update made into a function over items: every operand is looked up in the item as it was. Pure.

Source: DynamoDB Developer Guide, "Update "
"expressions" (an index behind the end of a list appends; REMOVE moves the rest up;
ADD takes numbers and sets, DELETE sets); the words as the service gives them.
"""

from collections.abc import Callable, Sequence

from lambent.errors import ValidationError
from lambent.services.dynamodb import numbers
from lambent.services.dynamodb.errors import ExpressionError, invalid, wrong_parameters
from lambent.services.dynamodb.expressions import paths
from lambent.services.dynamodb.expressions.conditions import (
    ARITY,
    FOR_UPDATES,
    Look,
    check_arity,
    check_distinct,
    check_kind,
    constant_of,
    look_of,
)
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import Action, Call, Node, Parts, Path, Sum
from lambent.services.dynamodb.values import NAMES, SETS, Item, Value, kind_of

Apply = Callable[[Item, Item], Item]
"""The item as it was, the item as it has become so far, the item with one more change."""
ORDER = ("SET", "REMOVE", "ADD", "DELETE")


class Update:
    """A whole update. `touched`: its paths; `names`: the attributes they begin with, `nested`: those changed within."""

    def __init__(self, applies: Sequence[Apply], touched: Sequence[Parts]) -> None:
        self._applies, self.touched = applies, touched
        self.names = {str(parts[0]) for parts in touched}
        self.nested = {str(parts[0]) for parts in touched if len(parts) > 1}

    def __call__(self, item: Item) -> Item:
        """The item after the update. Raises ValidationError where the item does not have what the update needs."""
        result = item
        for apply in self._applies:
            result = apply(item, result)
        return result

    def part_of(self, item: Item) -> Item:
        """What of an item the update's paths name."""
        return paths.chosen_of(item, paths.choice_of(self.touched))


def update_of(actions: Sequence[Action], given: Placeholders, make: type[Update] = Update) -> Update:
    """The update that these actions make. Raises ValidationError."""
    touched = [given.target(action.path) for action in actions]
    applies = [
        (action.section, parts, _apply_of(action, parts, given)) for action, parts in zip(actions, touched, strict=True)
    ]
    paths.check_apart(touched)
    applies.sort(key=lambda each: (ORDER.index(each[0]), *_within_section(each[0], each[1])))
    return make([apply for _, _, apply in applies], touched)


def _within_section(section: str, parts: Parts) -> tuple[int]:
    """Elements are appended from the front, and removed from the back, so that indexes keep their meaning."""
    index = parts[-1] if isinstance(parts[-1], int) else -1
    return (-index if section == "REMOVE" else index,)


def _apply_of(action: Action, parts: Parts, given: Placeholders) -> Apply:
    if action.section == "REMOVE":
        return lambda _, after: paths.with_value(after, parts, None)
    assert action.operand is not None
    if action.section == "SET":
        look = _operand(action.operand, given)
        return lambda before, after: paths.with_value(after, parts, _needed(look(before)))
    value = constant_of(action.operand, given)
    assert value is not None
    _check_allowed(action.section, kind_of(value))
    change = _add if action.section == "ADD" else _delete
    return lambda before, after: change(before, after, parts, value)


def _check_allowed(section: str, kind: str) -> None:
    if kind in SETS or (section == "ADD" and kind == "N"):
        return
    raise ExpressionError(
        f"Incorrect operand type for operator or function; operator: {section}, operand type: {NAMES[kind]}, "
        f"typeSet: ALLOWED_FOR_{section}_OPERAND"
    )


def _needed(value: Value | None) -> Value:
    if value is None:
        raise invalid("The provided expression refers to an attribute that does not exist in the item")
    return value


class WrongType(ValidationError):
    """An update needs another type than the item has."""


def _wrong_type() -> WrongType:
    return WrongType("An operand in the update expression has an incorrect data type")


# --- operands of SET


def _operand(node: Node, given: Placeholders) -> Look:
    if isinstance(node, Sum):
        return _sum(node, given)
    if isinstance(node, Call):
        return _function(node, given)
    return look_of(node, given, "SET")


def _sum(node: Sum, given: Placeholders) -> Look:
    for side in (node.left, node.right):
        if not isinstance(side, (Call, Sum)):
            check_kind(side, given, node.operator, frozenset({"N"}))
    left, right = _operand(node.left, given), _operand(node.right, given)
    combine = numbers.added if node.operator == "+" else numbers.subtracted

    def look(item: Item) -> Value:
        one, other = _needed(left(item)), _needed(right(item))
        if "N" not in one or "N" not in other:
            raise _wrong_type()
        return {"N": combine(one["N"], other["N"])}

    return look


def _function(node: Call, given: Placeholders) -> Look:
    name = node.function
    if name not in FOR_UPDATES:
        known = name in ARITY
        raise ExpressionError(
            f"The function is not allowed in an update expression; function: {name}"
            if known
            else f"Invalid function name; function: {name}"
        )
    check_arity(node, FOR_UPDATES[name])
    for each in node.arguments:
        if isinstance(each, Call) and each.function == "list_append":
            raise ExpressionError(
                "The function is not allowed to be used this way in an expression; function: list_append"
            )
    left, right = (_operand(each, given) for each in node.arguments)
    if name == "list_append":
        for each in node.arguments:
            if not isinstance(each, Call):
                check_kind(each, given, name, frozenset({"L"}))
        return lambda item: _appended(_needed(left(item)), _needed(right(item)))
    if not isinstance(node.arguments[0], Path):
        raise ExpressionError(f"Operator or function requires a document path; operator or function: {name}")
    check_distinct(node.arguments[0], node.arguments[1:], given, name)
    return lambda item: found if (found := left(item)) is not None else right(item)


def _appended(left: Value, right: Value) -> Value:
    if "L" not in left or "L" not in right:
        raise _wrong_type()
    return {"L": [*left["L"], *right["L"]]}


# --- ADD and DELETE


def _add(before: Item, after: Item, parts: Parts, value: Value) -> Item:
    present = paths.found_at(before, parts)
    if present is None:
        return paths.with_value(after, parts, value)
    kind = kind_of(value)
    if kind not in present:
        raise _wrong_type()
    if kind == "N":
        return paths.with_value(after, parts, {"N": numbers.added(present["N"], value["N"])})
    return paths.with_value(after, parts, {kind: list(dict.fromkeys([*present[kind], *value[kind]]))})


def _delete(before: Item, after: Item, parts: Parts, value: Value) -> Item:
    present = paths.found_at(before, parts)
    if present is None:
        return paths.with_value(after, parts, None)  # nothing to do, where there is a place for it at all
    kind = kind_of(value)
    if kind not in present:
        raise _wrong_type()
    gone = set(value[kind])
    left = [each for each in present[kind] if each not in gone]
    return paths.with_value(after, parts, {kind: left} if left else None)


def check_keys(update: Update, key_names: Sequence[str]) -> None:
    """Raises ValidationError when an update would change the primary key."""
    for name in key_names:
        if name in update.names:
            raise wrong_parameters(f"Cannot update attribute {name}. This attribute is part of the key")
