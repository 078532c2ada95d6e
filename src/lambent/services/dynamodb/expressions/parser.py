"""From text to tree: conditions by precedence climbing, updates and projections by descent. Pure.

Errors raised here carry the second half of AWS's message; `binding` puts `Invalid ConditionExpression: ` before it.
Parsed texts are kept, as programs send the same few over and over.

Sources: DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions", "Update expressions"
(grammars), "Projection expressions". Rejected: lark, three times slower on a text that is new.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from lambent.services.dynamodb.errors import ExpressionError
from lambent.services.dynamodb.expressions.tokens import Token, tokens_of, unexpected
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
    Sum,
)

T = TypeVar("T")
LONGEST = 4096
MOST_OPERATORS = 300
KEPT = 2048
COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
SECTIONS = frozenset({"SET", "REMOVE", "ADD", "DELETE"})
WORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
MOST_OPTIONS = 100
LAST_INDEX = 2**31 - 1
CONDITIONS = (Compare, Between, In, Both, Not)


@lru_cache(maxsize=KEPT)
def condition(text: str) -> Node:
    """The tree of a condition. Raises ValidationError."""
    return _Parser(text).whole(_Parser.condition)


@lru_cache(maxsize=KEPT)
def update(text: str) -> tuple[Action, ...]:
    """The changes of an update, in the order of the text. Raises ValidationError."""
    return _Parser(text).whole(_Parser.update)


@lru_cache(maxsize=KEPT)
def projection(text: str) -> tuple[Path, ...]:
    """The paths of a projection. Raises ValidationError."""
    return _Parser(text).whole(_Parser.projection)


class _Parser:
    """One text on its way."""

    def __init__(self, text: str) -> None:
        if not text:
            raise ExpressionError("The expression can not be empty;")
        if len(text.encode()) > LONGEST:
            raise ExpressionError(
                "Expression size has exceeded the maximum allowed size; expression size: " + str(len(text.encode()))
            )
        self._text, self._tokens, self._at = text, tokens_of(text), 0
        self._operators = 0

    def whole(self, rule: Callable[["_Parser"], T]) -> T:
        """What `rule` makes of all tokens."""
        result = rule(self)
        if self._now.kind != "end":
            raise self._unexpected()
        return result

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _unexpected(self) -> ExpressionError:
        return unexpected(self._text, self._tokens, self._at)

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, sign: str) -> None:
        if self._now.text != sign:
            raise self._unexpected()
        self._at += 1

    def _word(self) -> str:
        """The word that stands here, in capitals; empty where there is none."""
        return self._now.text.upper() if self._now.kind == "name" else ""

    def _accept(self, word: str) -> bool:
        if self._word() != word:
            return False
        self._at += 1
        return True

    def _count(self) -> None:
        self._operators += 1
        if self._operators > MOST_OPERATORS:
            raise ExpressionError(f"The expression contains too many operators; operator count: {self._operators}")

    # --- conditions

    def condition(self) -> Node:
        """A condition, which a bare path or value is not."""
        found = self._any_of()
        if isinstance(found, (Path, Constant)):
            raise self._unexpected()
        return found

    def _any_of(self) -> Node:
        left = self._all_of()
        while self._accept("OR"):
            self._count()
            left = Both("OR", self._as_condition(left), self._as_condition(self._all_of()))
        return left

    def _all_of(self) -> Node:
        left = self._negation()
        while self._accept("AND"):
            self._count()
            left = Both("AND", self._as_condition(left), self._as_condition(self._negation()))
        return left

    def _as_condition(self, node: Node) -> Node:
        if isinstance(node, (Path, Constant)):
            raise self._unexpected()
        return node

    def _negation(self) -> Node:
        if self._accept("NOT"):
            self._count()
            return Not(self._as_condition(self._negation()))
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._group() if self._now.text == "(" else self._operand()
        if isinstance(left, CONDITIONS):
            return left
        if self._now.text in COMPARATORS:
            self._count()
            return Compare(self._take().text, left, self._side())
        if self._accept("BETWEEN"):
            return self._between(left)
        if self._accept("IN"):
            return self._in(left)
        return left

    def _between(self, operand: Node) -> Node:
        self._count()
        lower = self._side()
        if not self._accept("AND"):
            raise self._unexpected()
        return Between(operand, lower, self._side())

    def _in(self, operand: Node) -> Node:
        self._count()
        options = self._list(self._side)
        if len(options) > MOST_OPTIONS:
            raise ExpressionError(
                f"The IN operator is provided with too many operands; number of operands: {len(options)}"
            )
        return In(operand, options)

    def _side(self) -> Node:
        side = self._group() if self._now.text == "(" else self._operand()
        if isinstance(side, CONDITIONS):
            raise self._unexpected()
        return side

    def _group(self) -> Node:
        """`( ... )`; a group that is all there is in a group is redundant."""
        self._expect("(")
        nested = self._now.text == "("
        depth_from = self._at
        inner = self._any_of()
        redundant = nested and self._closing(depth_from) == self._at - 1
        self._expect(")")
        if redundant:
            raise ExpressionError("The expression has redundant parentheses;")
        return inner

    def _closing(self, opening: int) -> int:
        """Where the parenthesis closes that opens at `opening`."""
        depth = 0
        for at in range(opening, self._at):
            depth += {"(": 1, ")": -1}.get(self._tokens[at].text, 0)
            if depth == 0:
                return at
        return -1

    def _operand(self) -> Node:
        token = self._now
        if token.kind == "value":
            return Constant(self._take().text)
        if token.kind == "name" and self._tokens[self._at + 1].text == "(" and token.text.upper() not in WORDS:
            return Call(self._take().text, self._list(self._argument))
        return self.path()

    def _list(self, rule: Callable[[], Node]) -> tuple[Node, ...]:
        self._expect("(")
        found = [rule()]
        while self._now.text == ",":
            self._at += 1
            found.append(rule())
        self._expect(")")
        return tuple(found)

    # --- updates

    def update(self) -> tuple[Action, ...]:
        """The sections of an update, each once."""
        actions: list[Action] = []
        seen: set[str] = set()
        while self._now.kind != "end" or not seen:
            section = self._word()
            if section not in SECTIONS:
                raise self._unexpected()
            if section in seen:
                raise ExpressionError(f'The "{section}" section can only be used once in an update expression;')
            seen.add(section)
            self._at += 1
            actions += self._actions(section)
        return tuple(actions)

    def _actions(self, section: str) -> list[Action]:
        found = [self._action(section)]
        while self._now.text == ",":
            self._at += 1
            found.append(self._action(section))
        return found

    def _action(self, section: str) -> Action:
        path = self.path()
        if section == "REMOVE":
            return Action(section, path)
        if section == "SET":
            self._expect("=")
            return Action(section, path, self._sum_or_operand())
        if self._now.kind != "value":
            raise self._unexpected()
        return Action(section, path, Constant(self._take().text))

    def _sum_or_operand(self) -> Node:
        """An operand, or two with a sign between them; parentheses may stand around either."""
        left = self._parenthesised(self._sum_or_operand) if self._now.text == "(" else self._operand()
        if self._now.text in ("+", "-") and not isinstance(left, Sum):
            self._count()
            sign = self._take().text
            return Sum(sign, left, self._argument())
        return left

    def _argument(self) -> Node:
        return self._parenthesised(self._operand) if self._now.text == "(" else self._operand()

    def _parenthesised(self, rule: Callable[[], Node]) -> Node:
        self._expect("(")
        inner = rule()
        self._expect(")")
        return inner

    # --- projections and paths

    def projection(self) -> tuple[Path, ...]:
        """Paths with commas between them."""
        found = [self.path()]
        while self._now.text == ",":
            self._at += 1
            found.append(self.path())
        return tuple(found)

    def path(self) -> Path:
        """`name.name[0].#placeholder`"""
        parts: list[str | int] = [self._name()]
        while True:
            if self._now.text == ".":
                self._at += 1
                parts.append(self._name())
            elif self._now.text == "[":
                self._at += 1
                parts.append(self._index())
                self._expect("]")
            else:
                return Path(tuple(parts))

    def _index(self) -> int:
        if self._now.kind != "number":
            raise self._unexpected()
        index = int(self._take().text)
        if index > LAST_INDEX:
            raise ExpressionError(f"List index is not within the allowable range; index: [{index}]")
        return index

    def _name(self) -> str:
        token = self._now
        if token.kind == "placeholder" or (token.kind == "name" and self._word() not in WORDS):
            return self._take().text
        raise self._unexpected()
