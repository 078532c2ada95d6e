"""The grammar of metric math. Pure: text becomes a tree, or InvalidQuery.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/") signed)*
    signed  = "-" signed | power
    power   = atom ("^" signed)?
    atom    = number | text | name | NAME "(" (sum ("," sum)*)? ")" | "[" sum ("," sum)* "]" | "(" sum ")"

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics". Comparisons, AND, OR and what
uses them are refused by name; AWS has them.
"""

import re
from typing import NamedTuple

from msgspec import Struct

from lambent.services.cloudwatch.errors import InvalidQuery

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign>[-+*/^(),\[\]])|(?P<other>==|!=|<=|>=|&&|\|\||\S))"
)
DEEPEST = 50
COMPARISONS = {"==", "!=", "<=", ">=", "<", ">", "&&", "||", "!"}


class Number(Struct, frozen=True):
    """A number."""

    value: float


class Text(Struct, frozen=True):
    """A text in quotes."""

    value: str


class Name(Struct, frozen=True):
    """The id of another query, or a word such as REPEAT."""

    name: str


class Call(Struct, frozen=True):
    """A function, or an operator by its sign, with what it is given."""

    function: str
    arguments: "tuple[Tree, ...]"


class Several(Struct, frozen=True):
    """A list in brackets."""

    items: "tuple[Tree, ...]"


Tree = Number | Text | Name | Call | Several


class Token(NamedTuple):
    """A word of the expression: its kind (of the groups of TOKEN, or "end") and its letters."""

    kind: str
    text: str


def parse(text: str) -> Tree:
    """The tree of an expression. Raises InvalidQuery."""
    return _Parser(text).whole()


def names_in(tree: Tree) -> set[str]:
    """The names that an expression uses."""
    match tree:
        case Name(name):
            return {name}
        case Call(_, parts) | Several(parts):
            return {name for part in parts for name in names_in(part)}
        case _:
            return set()


def calls_in(tree: Tree) -> set[str]:
    """The functions that an expression uses."""
    match tree:
        case Call(function, parts):
            return {function}.union(*(calls_in(part) for part in parts))
        case Several(parts):
            return set().union(*(calls_in(part) for part in parts))
        case _:
            return set()


def _tokens(text: str) -> list[Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        assert match is not None  # `other` takes whatever is no space
        assert match.lastgroup is not None
        found.append(Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*found, Token("end", "the end")]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._at, self._depth = text, _tokens(text), 0, 0

    def whole(self) -> Tree:
        tree = self._sum()
        if self._next.kind != "end":
            raise self._refusal()
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _maybe(self, *signs: str) -> str:
        return self._take().text if self._next.kind == "sign" and self._next.text in signs else ""

    def _expect(self, sign: str) -> None:
        if not self._maybe(sign):
            raise self._refusal()

    def _refusal(self) -> InvalidQuery:
        if self._next.text in COMPARISONS:
            return InvalidQuery(f"Comparisons ({self._next.text}) in expressions are not implemented by this version.")
        return InvalidQuery(f"Error in expression: unexpected {self._next.text} in {self._text!r}")

    def _sum(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidQuery(f"Error in expression: it is nested deeper than {DEEPEST} times")
        tree = self._product()
        while sign := self._maybe("+", "-"):
            tree = Call(sign, (tree, self._product()))
        self._depth -= 1
        return tree

    def _product(self) -> Tree:
        tree = self._signed()
        while sign := self._maybe("*", "/"):
            tree = Call(sign, (tree, self._signed()))
        return tree

    def _signed(self) -> Tree:
        signs = 0
        while self._maybe("-"):
            signs += 1
        tree = self._power()
        return Call("-", (Number(0.0), tree)) if signs % 2 else tree

    def _power(self) -> Tree:
        base = self._atom()
        exponents = [base]
        while self._maybe("^"):
            exponents.append(Call("-", (Number(0.0), self._atom())) if self._maybe("-") else self._atom())
        tree = exponents.pop()
        while exponents:
            tree = Call("^", (exponents.pop(), tree))
        return tree

    def _atom(self) -> Tree:
        token = self._next
        if token.kind == "number":
            return Number(float(self._take().text))
        if token.kind == "text":
            return Text(self._take().text[1:-1])
        if token.kind == "name":
            name = self._take().text
            return Call(name, self._list(")")) if self._maybe("(") else Name(name)
        if self._maybe("["):
            return Several(self._list("]"))
        self._expect("(")
        tree = self._sum()
        self._expect(")")
        return tree

    def _list(self, end: str) -> tuple[Tree, ...]:
        if self._maybe(end):
            return ()
        items = [self._sum()]
        while self._maybe(","):
            items.append(self._sum())
        self._expect(end)
        return tuple(items)
