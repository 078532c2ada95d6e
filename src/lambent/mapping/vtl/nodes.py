"""A template's text and expressions, each of which can be rendered or has a value; directives are beside. Pure.

Knows: what each part does. Does not know how it was written (parser.py), nor what a method does (methods.py).
Source: Velocity User Guide 1.7, but for one thing: a reference without a value is written as nothing, quiet ($!) or
not, where Velocity writes it as it stands. Recorded outputs of API Gateway show that ($context has much that is not
known).
"""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from lambent.mapping.vtl import methods
from lambent.mapping.vtl.scope import Scope, TemplateFailed
from lambent.mapping.vtl.values import MOST_TOLD, JavaList, computed, equals, is_true, ordered, text_of, whole_number

MOST_IN_RANGE = 10_000
CHARACTERS_OF_A_UNIT = 16  # of a list or a map, whose text is made piece by piece
UNITS_OF_A_COLLECTION = 500  # that is compared, or told by the way


class Node(Protocol):
    """Something that is written out."""

    def render(self, scope: Scope) -> None:
        """Write it."""


class Expression(Protocol):
    """Something that has a value."""

    def value(self, scope: Scope) -> Any:
        """The value now."""


class Text(Struct, frozen=True):
    """Plain text."""

    text: str

    def render(self, scope: Scope) -> None:
        scope.write(self.text)


class Block(Struct, frozen=True):
    """Parts, one after the other."""

    parts: Sequence[Node]

    def render(self, scope: Scope) -> None:
        for part in self.parts:
            part.render(scope)


class Literal(Struct, frozen=True):
    """A number, a text, true, false or null."""

    literal: Any

    def value(self, scope: Scope) -> Any:
        return self.literal


class Interpolated(Struct, frozen=True):
    """A text in double quotes: a small template."""

    block: Block

    def value(self, scope: Scope) -> Any:
        return scope.pay_for(scope.captured(self.block.render))


class ListOf(Struct, frozen=True):
    """[a, b]"""

    items: Sequence[Expression]

    def value(self, scope: Scope) -> Any:
        scope.spend(1 + len(self.items))
        return JavaList(item.value(scope) for item in self.items)


class Range(Struct, frozen=True):
    """[a..b]"""

    first: Expression
    last: Expression

    def value(self, scope: Scope) -> Any:
        first, last = whole_number(self.first.value(scope)), whole_number(self.last.value(scope))
        if abs(last - first) > MOST_IN_RANGE:
            raise TemplateFailed("a range is too long")
        scope.spend(1 + abs(last - first))
        return JavaList(range(first, last + 1) if first <= last else range(first, last - 1, -1))


class MapOf(Struct, frozen=True):
    """{"a": b}"""

    items: Sequence[tuple[Expression, Expression]]

    def value(self, scope: Scope) -> Any:
        scope.spend(1 + len(self.items))
        return {_key(key.value(scope)): item.value(scope) for key, item in self.items}


class Member(Struct, frozen=True):
    """.name"""

    name: str

    def of(self, scope: Scope, owner: Any) -> Any:
        if isinstance(owner, dict):
            found = owner.get(self.name)
            return len(owner) if found is None and self.name == "size" else found
        if hasattr(owner, "member") and not isinstance(owner, (str, list)):
            return owner.member(self.name)
        return None


class Call(Struct, frozen=True):
    """.name(arguments)"""

    name: str
    arguments: Sequence[Expression]

    def of(self, scope: Scope, owner: Any) -> Any:
        return methods.call(scope, owner, self.name, [each.value(scope) for each in self.arguments])


class Index(Struct, frozen=True):
    """[index]"""

    index: Expression

    def of(self, scope: Scope, owner: Any) -> Any:
        index = self.index.value(scope)
        if isinstance(owner, dict):
            return owner.get(_key(index))
        if isinstance(owner, list):
            at = whole_number(index)
            return owner[at] if -len(owner) <= at < len(owner) else None
        return None


Step = Member | Call | Index


class Reference(Struct, frozen=True):
    """$name.member.call()[index]; `source` is how it was written."""

    name: str
    steps: Sequence[Step]
    source: str = ""
    otherwise: Expression | None = None

    def value(self, scope: Scope) -> Any:
        scope.spend()
        found = scope.variables.get(self.name)
        for step in self.steps:
            if found is None:
                break
            scope.spend()
            found = step.of(scope, found)
        if found is None and self.otherwise is not None:
            return self.otherwise.value(scope)
        return found

    def render(self, scope: Scope) -> None:
        found = self.value(scope)
        if found is None:
            return
        if isinstance(found, (list, dict)):
            text = text_of(found, MOST_TOLD)
            scope.spend(len(text) // CHARACTERS_OF_A_UNIT)
            scope.write(text)
        else:
            scope.write(text_of(found))

    def assign(self, scope: Scope, value: Any) -> None:
        """#set. Raises TemplateFailed where it leads nowhere."""
        if not self.steps:
            scope.variables[self.name] = value
            return
        owner = Reference(self.name, self.steps[:-1]).value(scope)
        last = self.steps[-1]
        if isinstance(last, Member) and isinstance(owner, dict):
            owner[last.name] = value
        elif isinstance(last, Index) and isinstance(owner, dict):
            owner[_key(last.index.value(scope))] = value
        elif isinstance(last, Index) and isinstance(owner, list):
            at = whole_number(last.index.value(scope))
            if not -len(owner) <= at < len(owner):
                raise TemplateFailed(f"{self.source}: there is no element {at}")
            owner[at] = value
        else:
            raise TemplateFailed(f"{self.source} cannot be set")


class Not(Struct, frozen=True):
    """!a"""

    operand: Expression

    def value(self, scope: Scope) -> Any:
        return not is_true(self.operand.value(scope))


class Binary(Struct, frozen=True):
    """a + b, a == b, a && b and so on; `sign` is never a word."""

    sign: str
    left: Expression
    right: Expression

    def value(self, scope: Scope) -> Any:
        scope.spend()
        left = self.left.value(scope)
        if self.sign == "&&":
            return is_true(left) and is_true(self.right.value(scope))
        if self.sign == "||":
            return is_true(left) or is_true(self.right.value(scope))
        right = self.right.value(scope)
        if isinstance(left, (list, dict)) and self.sign in "==!=+":
            scope.spend(UNITS_OF_A_COLLECTION)
        if self.sign in ("==", "!="):
            return equals(left, right) is (self.sign == "==")
        if self.sign in ("<", "<=", ">", ">="):
            return ordered(self.sign, left, right)
        result = computed(self.sign, left, right)
        return scope.pay_for(result) if isinstance(result, str) else result


def _key(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        raise TemplateFailed("a list or a map is no key")
    return value
