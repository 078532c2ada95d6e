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
from lambent.services.dynamodb.expressions.updates import Update, WrongType, update_of
from lambent.services.dynamodb.values import (
    NAMES,
    SETS,
    Item,
    Value,
    check_attribute_name,
    checked,
    kind_of,
    order_key,
)

COMPARED = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
ARGUMENTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2, "CONTAINS": 1, "NOT_CONTAINS": 1, "BEGINS_WITH": 1}
ARGUMENTS |= dict.fromkeys(COMPARED, 1)
FOR_KEYS = {"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with"}
ORDERED = frozenset({"S", "N", "B"})
TAKEN = dict.fromkeys(("LE", "LT", "GE", "GT", "BETWEEN", "IN"), ORDERED)
TAKEN |= {"BEGINS_WITH": frozenset({"S", "B"})}
TAKEN |= dict.fromkeys(("CONTAINS", "NOT_CONTAINS"), ORDERED | {"BOOL", "NULL"})
Given = Mapping[str, Mapping[str, Any]]


class _Tree:
    """Collects the names and values of a tree that is being made."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Value] = {}

    def path(self, name: str) -> Path:
        check_attribute_name(name)
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
    """Raises ValidationError when a request has parameters of both kinds.

    KeyConditions alone may stand beside expressions, as long as there is no KeyConditionExpression: the object mapper
    of the AWS SDK for Java 1 writes its queries in that way.
    """
    expressions = [name for name in new if request.get(name) is not None]
    beside = () if "KeyConditionExpression" in expressions else ("KeyConditions",)
    non_expressions = [name for name in old if request.get(name) is not None and name not in beside]
    if non_expressions and expressions:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
            f"{{{', '.join(non_expressions)}}} Expression parameters: {{{', '.join(expressions)}}}"
        )


def test_of_conditions(given: Given, joined: str | None) -> Test | None:
    """Expected, QueryFilter and ScanFilter as a function. Raises ValidationError."""
    if joined is not None and not given:
        raise invalid("ConditionalOperator cannot be used without Filter or Expected")
    tree, found = _Tree(), None
    for name, condition in given.items():
        node = _condition(tree, name, condition)
        found = node if found is None else Both(joined or "AND", found, node)
    if joined is not None and len(given) == 1:
        raise invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
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
    if value is None and listed is None and ARGUMENTS.get(operator) != 0:
        raise wrong_parameters(
            f"Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
        )
    return _compared(tree, path, operator, _values(operator, [value] if value is not None else listed or ()))


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


def _values(operator: str, given: Sequence[Any]) -> list[Value]:
    """The arguments of a comparison. Raises ValidationError when it has others."""
    values, wanted = [checked(each) for each in given], ARGUMENTS.get(operator)
    if (wanted is None and not values) or (wanted is not None and len(values) != wanted):
        raise wrong_parameters(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = [kind_of(value) for value in values]
    for kind in kinds:
        if kind not in TAKEN.get(operator, NAMES):
            raise wrong_parameters(f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if len(set(kinds)) > 1:
        raise wrong_parameters("AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and order_key(values[0]) > order_key(values[1]):
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return values


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
        values = _values(operator, condition.get("AttributeValueList") or ())
        if operator not in FOR_KEYS:
            raise invalid("Attempted conditional constraint is not an indexable operation")
        terms.append(Term(name, FOR_KEYS[operator], tuple(values)))
    return terms


class _AttributeUpdates(Update):
    """An update in the words of before expressions."""

    def __call__(self, item: Item) -> Item:
        try:
            return super().__call__(item)
        except WrongType:
            raise invalid("Type mismatch for attribute to update") from None


def update_of_attributes(given: Given) -> Update:
    """AttributeUpdates as an update. Raises ValidationError."""
    tree = _Tree()
    actions = [_action(tree, name, update) for name, update in given.items()]
    return update_of(actions, tree.placeholders(), _AttributeUpdates)


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
    if action == "ADD" and "N" not in value and kind_of(value) not in SETS:
        raise wrong_parameters(f"ADD action is not supported for the type {NAMES[kind_of(value)]}")
    if action == "DELETE" and kind_of(value) not in SETS:
        raise wrong_parameters(f"DELETE action with value is not supported for the type {NAMES[kind_of(value)]}")
    return Action({"PUT": "SET"}.get(action, action), path, constant)
