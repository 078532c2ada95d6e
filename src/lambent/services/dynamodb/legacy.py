"""The parameters from before expressions, turned into the same trees.

Source: DynamoDB Developer Guide, "Legacy conditional parameters".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lambent.services.dynamodb.errors import invalid, wrong_parameters
from lambent.services.dynamodb.expressions.conditions import Test, test_of
from lambent.services.dynamodb.expressions.key_conditions import Term
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import (
    Action,
    Between,
    Both,
    Call,
    Compare,
    Constant,
    In,
    Node,
    Not,
    Path,
)
from lambent.services.dynamodb.expressions.updates import Update, update_of
from lambent.services.dynamodb.values import Value, checked, kind_of

COMPARED = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
ARGUMENTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2, "CONTAINS": 1, "NOT_CONTAINS": 1, "BEGINS_WITH": 1}
ARGUMENTS |= dict.fromkeys(COMPARED, 1)
FOR_KEYS = {"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with"}
Given = Mapping[str, Mapping[str, Any]]


class _Tree:
    """Collects the names and values of a tree that is being made."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Value] = {}

    def path(self, name: str) -> Path:
        placeholder = f"#{len(self.names)}"
        self.names[placeholder] = name
        return Path((placeholder,))

    def constant(self, value: Value) -> Constant:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = value
        return Constant(placeholder)

    def placeholders(self) -> Placeholders:
        return Placeholders(self.names, self.values)


def check_not_mixed(request: Mapping[str, Any], old: Sequence[str], new: Sequence[str]) -> None:
    """Raises ValidationError when a request has parameters of both kinds."""
    non_expressions = [name for name in old if request.get(name) is not None]
    expressions = [name for name in new if request.get(name) is not None]
    if non_expressions and expressions:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
            f"{{{', '.join(non_expressions)}}} Expression parameters: {{{', '.join(expressions)}}}"
        )


def test_of_conditions(given: Given, joined: str | None) -> Test | None:
    """Expected, QueryFilter and ScanFilter as a function. Raises ValidationError."""
    tree, found = _Tree(), None
    for name, condition in given.items():
        node = _condition(tree, name, condition)
        found = node if found is None else Both(joined or "AND", found, node)
    return test_of(found, tree.placeholders()) if found is not None else None


def _condition(tree: _Tree, name: str, given: Mapping[str, Any]) -> Node:
    path, operator = tree.path(name), given.get("ComparisonOperator")
    value, exists = given.get("Value"), given.get("Exists")
    if operator is None:
        return _expected(tree, name, path, given)
    if exists is not None:
        raise wrong_parameters(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
    listed = given.get("AttributeValueList")
    if value is not None and listed is not None:
        raise wrong_parameters(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    values = [checked(each) for each in ([value] if value is not None else listed or ())]
    _check_count(operator, values)
    return _compared(tree, path, operator, values)


def _expected(tree: _Tree, name: str, path: Path, given: Mapping[str, Any]) -> Node:
    value, exists = given.get("Value"), given.get("Exists")
    if given.get("AttributeValueList") is not None:
        raise wrong_parameters(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is False:
        if value is not None:
            raise wrong_parameters(f"Value cannot be used when Exists is false for Attribute: {name}")
        return Call("attribute_not_exists", (path,))
    if value is None:
        word = "null" if exists is None else "true"
        raise wrong_parameters(f"Value must be provided when Exists is {word} for Attribute: {name}")
    return Compare("=", path, tree.constant(checked(value)))


def _check_count(operator: str, values: Sequence[Value]) -> None:
    wanted = ARGUMENTS.get(operator)
    if (wanted is None and not values) or (wanted is not None and len(values) != wanted):
        raise wrong_parameters(f"Invalid number of argument(s) for the {operator} ComparisonOperator")


def _compared(tree: _Tree, path: Path, operator: str, values: Sequence[Value]) -> Node:
    constants = [tree.constant(value) for value in values]
    match operator:
        case "NULL":
            return Call("attribute_not_exists", (path,))
        case "NOT_NULL":
            return Call("attribute_exists", (path,))
        case "BETWEEN":
            return Between(path, constants[0], constants[1])
        case "IN":
            return In(path, tuple(constants))
        case "CONTAINS":
            return Call("contains", (path, constants[0]))
        case "NOT_CONTAINS":
            return Both("AND", Call("attribute_exists", (path,)), Not(Call("contains", (path, constants[0]))))
        case "BEGINS_WITH":
            return Call("begins_with", (path, constants[0]))
        case _:
            return Compare(COMPARED[operator], path, constants[0])


def terms_of_conditions(given: Given) -> list[Term]:
    """KeyConditions as terms. Raises ValidationError."""
    terms = []
    for name, condition in given.items():
        operator = condition["ComparisonOperator"]
        values = tuple(checked(each) for each in condition.get("AttributeValueList") or ())
        _check_count(operator, values)
        if operator not in FOR_KEYS:
            raise invalid(f"Attempted conditional constraint is not an indexable operation: {operator}")
        terms.append(Term(name, FOR_KEYS[operator], values))
    return terms


def update_of_attributes(given: Given) -> Update:
    """AttributeUpdates as an update. Raises ValidationError."""
    tree = _Tree()
    actions = [_action(tree, name, update) for name, update in given.items()]
    return update_of(actions, tree.placeholders())


def _action(tree: _Tree, name: str, given: Mapping[str, Any]) -> Action:
    path, action, value = tree.path(name), given.get("Action") or "PUT", given.get("Value")
    if value is None:
        if action != "DELETE":
            raise wrong_parameters("Only DELETE action is allowed when no attribute value is specified")
        return Action("REMOVE", path)
    constant = tree.constant(checked(value))
    if action == "ADD" and "L" in value:
        start = Call("if_not_exists", (path, tree.constant({"L": []})))
        return Action("SET", path, Call("list_append", (start, constant)))
    if action == "ADD" and "N" not in value and not kind_of(value).endswith("S"):
        raise wrong_parameters(f"ADD action is not supported for the type {kind_of(value)}")
    if action == "DELETE" and kind_of(value) not in ("SS", "NS", "BS"):
        raise wrong_parameters(f"DELETE action with value is not supported for the type {kind_of(value)}")
    return Action({"PUT": "SET"}.get(action, action), path, constant)
