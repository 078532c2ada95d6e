"""Key conditions: one value of the partition key, and perhaps a range of the sort key. Pure.

Source: DynamoDB Developer Guide, "Key condition expressions for the Query "
"operation"; the words as the service gives them.
"""

from collections.abc import Sequence

from msgspec import Struct

from lambent.services.dynamodb.errors import invalid
from lambent.services.dynamodb.expressions.conditions import (
    check_arity,
    check_bounds,
    check_distinct,
    check_kind,
)
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import Between, Both, Call, Compare, Constant, In, Node, Not, Path
from lambent.services.dynamodb.values import Value, kind_of

MOST_KEYS = 2  # of a schema
TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Term(Struct, frozen=True):
    """One condition on a key attribute: `=`, `<`, `<=`, `>`, `>=`, `BETWEEN` (two values), `begins_with`."""

    name: str
    operator: str
    values: tuple[Value, ...]


def terms_of(node: Node, given: Placeholders) -> list[Term]:
    """The conditions that AND connects. Raises ValidationError for what no key condition may hold."""
    if isinstance(node, Both) and node.operator == "AND":
        return [*terms_of(node.left, given), *terms_of(node.right, given)]
    if isinstance(node, (Both, Not, In)):
        word = node.operator if isinstance(node, Both) else "NOT" if isinstance(node, Not) else "IN"
        raise invalid(f"Invalid operator used in KeyConditionExpression: {word}")
    if isinstance(node, Compare):
        return [_compared(node, given)]
    if isinstance(node, Between):
        _check_operands("BETWEEN", (node.operand, node.lower, node.upper), given)
        lower, upper = given.value(_constant(node.lower)), given.value(_constant(node.upper))
        check_bounds(lower, upper)
        return [Term(_name(node.operand, given), "BETWEEN", (lower, upper))]
    if isinstance(node, Call):
        if node.function != "begins_with":
            raise invalid(f"Invalid operator used in KeyConditionExpression: {node.function}")
        check_arity(node, 2)
        _check_operands(node.function, node.arguments, given)
        check_kind(node.arguments[1], given, node.function, frozenset({"S", "B"}))
        return [Term(_name(node.arguments[0], given), node.function, (given.value(_constant(node.arguments[1])),))]
    raise invalid("Query key condition not supported")


def _compared(node: Compare, given: Placeholders) -> Term:
    if node.operator == "<>":
        raise invalid("Invalid operator used in KeyConditionExpression: <>")
    turned = isinstance(node.left, Constant) and isinstance(node.right, Path)
    key, value = (node.right, node.left) if turned else (node.left, node.right)
    _check_operands(node.operator, (key, value), given)
    return Term(_name(key, given), TURNED[node.operator] if turned else node.operator, (given.value(_constant(value)),))


def _check_operands(user: str, operands: Sequence[Node], given: Placeholders) -> None:
    """Raises ValidationError unless these are one key attribute and then values."""
    first, rest = operands[0], operands[1:]
    if any(not isinstance(each, (Path, Constant)) for each in operands):
        raise invalid("KeyConditionExpressions cannot contain nested operations")
    check_distinct(first, rest, given, user)
    paths = [each for each in operands if isinstance(each, Path)]
    wrong = "Invalid condition in KeyConditionExpression: "
    if len(paths) > 1:
        raise invalid(wrong + "Multiple attribute names used in one condition")
    if not paths:
        raise invalid(wrong + "No key attribute specified")
    if paths[0] is not first:
        raise invalid(f"{wrong}{user} operator must have the key attribute as its first operand")


def _name(node: Node, given: Placeholders) -> str:
    assert isinstance(node, Path)  # `_check_operands` was there before
    parts = given.path(node)
    if len(parts) > 1:
        raise invalid(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
            f"Key: {parts[0]}"
        )
    return str(parts[0])


def _constant(node: Node) -> Constant:
    assert isinstance(node, Constant)  # `_check_operands` was there before
    return node


class KeyRange(Struct, frozen=True):
    """What a query reads: a partition, and within it what fits the sort term, if there is one."""

    partition: Value
    sort: Term | None = None


def key_range(terms: Sequence[Term], partition_key: tuple[str, str], sort_key: tuple[str, str] | None) -> KeyRange:
    """The terms held against a key schema of (name, type).

    Raises:
        ValidationError: they do not fit the schema.
    """
    by_name: dict[str, Term] = {}
    for term in terms:
        if term.name in by_name:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        by_name[term.name] = term
    if not 1 <= len(by_name) <= MOST_KEYS:
        raise invalid("Conditions can be of length 1 or 2 only")
    partition = by_name.pop(partition_key[0], None)
    if partition is None:
        raise invalid(f"Query condition missed key schema element: {partition_key[0]}")
    sort = by_name.pop(sort_key[0], None) if sort_key else None
    if by_name:
        if sort_key and sort is None:
            raise invalid(f"Query condition missed key schema element: {sort_key[0]}")
        raise invalid("Query key condition not supported")
    if partition.operator != "=":
        raise invalid("Query key condition not supported")
    _check_kinds(partition, partition_key[1])
    if sort is not None and sort_key is not None:
        _check_kinds(sort, sort_key[1])
    return KeyRange(partition.values[0], sort)


def _check_kinds(term: Term, kind: str) -> None:
    if any(kind_of(value) != kind for value in term.values):
        raise invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
