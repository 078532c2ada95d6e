"""The expressions of a request, ready to use: parsed, their placeholders filled in, errors named after their
parameter."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from lambent.errors import ValidationError
from lambent.services.dynamodb.errors import ExpressionError
from lambent.services.dynamodb.expressions import parser, paths
from lambent.services.dynamodb.expressions.conditions import Test, test_of
from lambent.services.dynamodb.expressions.key_conditions import Term, terms_of
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.tree import Between, Both, Call, Compare, In, Node, Not, Parts, Path
from lambent.services.dynamodb.expressions.updates import Update, update_of
from lambent.services.dynamodb.values import Item

T = TypeVar("T")
Project = Callable[[Item], Item]


def _named(parameter: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except ExpressionError as error:
        raise ValidationError(f"Invalid {parameter}: {error.message}") from None


def bound_condition(text: str, given: Placeholders, parameter: str = "ConditionExpression") -> Test:
    """A condition or filter as a function. Raises ValidationError."""
    return _named(parameter, lambda: test_of(parser.condition(text), given))


def bound_update(text: str, given: Placeholders) -> Update:
    """An update as a function. Raises ValidationError."""
    return _named("UpdateExpression", lambda: update_of(parser.update(text), given))


def bound_key_condition(text: str, given: Placeholders) -> list[Term]:
    """The terms of a key condition. Raises ValidationError."""

    def bind() -> list[Term]:
        tree = parser.condition(text)
        for path in _paths(tree):  # words that are reserved come before all that is wrong with operators
            given.path(path)
        return terms_of(tree, given)

    return _named("KeyConditionExpression", bind)


def bound_projection(text: str, given: Placeholders) -> Project:
    """A projection as a function. Raises ValidationError."""
    return _named("ProjectionExpression", lambda: projection_of([given.path(path) for path in parser.projection(text)]))


def projection_of(chosen: Sequence[Parts]) -> Project:
    """The function that keeps what these paths name. Raises ValidationError when they overlap."""
    paths.check_apart(chosen)
    choice = paths.choice_of(chosen)
    return lambda item: paths.chosen_of(item, choice)


def names_in(text: str, given: Placeholders) -> set[str]:
    """The attributes that a filter looks at; the filter was bound before."""
    return {str(given.path(path)[0]) for path in _paths(parser.condition(text))}


def projected_names(text: str, given: Placeholders) -> set[str]:
    """The attributes that a projection names; it was bound before."""
    return {str(given.path(path)[0]) for path in parser.projection(text)}


def _paths(node: Node) -> list[Path]:
    if isinstance(node, Path):
        return [node]
    inner: Sequence[Node] = ()
    if isinstance(node, (Both, Compare)):
        inner = (node.left, node.right)
    elif isinstance(node, Between):
        inner = (node.operand, node.lower, node.upper)
    elif isinstance(node, In):
        inner = (node.operand, *node.options)
    elif isinstance(node, Not):
        inner = (node.operand,)
    elif isinstance(node, Call):
        inner = node.arguments
    return [path for each in inner for path in _paths(each)]
