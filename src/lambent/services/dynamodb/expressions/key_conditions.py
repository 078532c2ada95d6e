"""Key conditions: one value of the partition key, and perhaps a range of the sort key. Pure.

Source: DynamoDB Developer Guide, "Key condition expressions for the Query "
"operation"; the words as the service gives them.
"""

from collections.abc import Sequence

from msgspec import Struct

from lambent.services.dynamodb.errors import ExpressionError, invalid
from lambent.services.dynamodb.expressions.conditions import check_bounds
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import Between, Both, Call, Compare, Constant, In, Node, Not, Path
from lambent.services.dynamodb.values import Value, kind_of

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
        lower, upper = _constant(node.lower, given, "BETWEEN"), _constant(node.upper, given, "BETWEEN")
        check_bounds(lower, upper)
        return [Term(_name(node.operand, given), "BETWEEN", (lower, upper))]
    if isinstance(node, Call):
        if node.function != "begins_with":
            raise invalid(f"Invalid operator used in KeyConditionExpression: {node.function}")
        if len(node.arguments) != 2:
            raise ExpressionError(
                "Incorrect number of operands for operator or function; "
                f"operator or function: begins_with, number of operands: {len(node.arguments)}"
            )
        start = _constant(node.arguments[1], given, "begins_with")
        return [Term(_name(node.arguments[0], given), "begins_with", (start,))]
    raise invalid("Query key condition not supported")


def _compared(node: Compare, given: Placeholders) -> Term:
    if node.operator == "<>":
        raise invalid("Invalid operator used in KeyConditionExpression: <>")
    if isinstance(node.left, Constant) and isinstance(node.right, Path):
        return Term(_name(node.right, given), TURNED[node.operator], (given.value(node.left),))
    return Term(_name(node.left, given), node.operator, (_constant(node.right, given, node.operator),))


def _name(node: Node, given: Placeholders) -> str:
    if not isinstance(node, Path):
        raise invalid("KeyConditionExpressions cannot contain nested operations")
    parts = given.path(node)
    if len(parts) > 1:
        raise invalid(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
            f"Key: {parts[0]}"
        )
    return str(parts[0])


def _constant(node: Node, given: Placeholders, user: str) -> Value:
    if isinstance(node, Constant):
        return given.value(node)
    if isinstance(node, Path):
        raise ExpressionError("KeyConditionExpressions must have constant operands; operator: " + user)
    raise invalid("KeyConditionExpressions cannot contain nested operations")


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
            raise invalid(
                "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
            )
        by_name[term.name] = term
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
    if any(kind_of(value) != kind for value in term.values) or (term.operator == "begins_with" and kind == "N"):
        raise invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
    if any(not value[kind] for value in term.values) and term.operator != "begins_with":
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
            "an empty "
            f"{'string' if kind == 'S' else 'binary'} value. Key: {term.name}"
        )
