"""Reads references and expressions of a template. Pure.

Source: Velocity User Guide 1.7, "VTL Reference": the operators from weak to strong are ||, &&, equality, order, sum,
product, and the words or, and, eq, ne, lt, le, gt, ge, not stand for signs.
"""

import re
from collections.abc import Callable

from lambent.mapping.vtl.cursor import Cursor
from lambent.mapping.vtl.nodes import (
    Binary,
    Block,
    Call,
    Expression,
    Index,
    Interpolated,
    ListOf,
    Literal,
    MapOf,
    Member,
    Not,
    Range,
    Reference,
    Step,
)

START = re.compile(r"\$(!?)(\{?)([A-Za-z_][A-Za-z0-9_]*)")
STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)*)")  # members may have hyphens: header.X-A
NUMBER = re.compile(r"-?\d{1,18}(?:\.(?!\.)\d{1,18})?")
SINGLE = re.compile(r"'((?:[^']|'')*)'")
DOUBLE = re.compile(r'"((?:[^"\\]|\\.|"")*)"', re.DOTALL)
WORD = re.compile(r"(true|false|null)\b")
NOT = re.compile(r"!|not\b")
LEVELS = (
    {"||": "||", "or": "||"},
    {"&&": "&&", "and": "&&"},
    {"==": "==", "!=": "!=", "eq": "==", "ne": "!="},
    {"<=": "<=", ">=": ">=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "lt": "<", "gt": ">"},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
)
SIGNS = tuple(
    re.compile(r"\s*(" + "|".join(re.escape(sign) + (r"\b" if sign.isalpha() else "") for sign in level) + ")")
    for level in LEVELS
)
WORDS = {"true": True, "false": False, "null": None}


class Expressions:
    """Reads what follows the cursor.

    Args:
        inside: reads a text in double quotes, which is a small template.
    """

    def __init__(self, cursor: Cursor, inside: Callable[[str], Block]) -> None:
        self._cursor, self._inside = cursor, inside

    def expression(self, level: int = 0) -> Expression:
        """An expression. Raises TemplateFailed."""
        if level == len(LEVELS):
            return self._operand()
        left = self.expression(level + 1)
        while (match := self._cursor.take(SIGNS[level])) is not None:
            left = Binary(LEVELS[level][match[1]], left, self.expression(level + 1))
        return left

    def reference(self) -> Reference | None:
        """A reference, if one follows. Raises TemplateFailed."""
        cursor = self._cursor
        cursor.skip_space() if cursor.at and cursor.text[cursor.at - 1] == "(" else None
        begin = cursor.at
        match = cursor.take(START)
        if match is None:
            return None
        with cursor.deeper():
            steps = self._steps()
        otherwise = None
        if match[2]:
            if cursor.take_word("|"):
                otherwise = self.expression()
            if not cursor.take_word("}"):
                cursor.at = begin  # ${ that is not closed is text
                return None
        return Reference(match[3], steps, cursor.text[begin : cursor.at], otherwise)

    def arguments(self, *, commas_optional: bool = False) -> list[Expression]:
        """(a, b). Raises TemplateFailed."""
        cursor = self._cursor
        cursor.expect("(")
        found: list[Expression] = []
        while not cursor.take_word(")"):
            if found and not cursor.take_word(",") and not commas_optional:
                raise cursor.failed("a comma or ) is expected")
            found.append(self.expression())
        return found

    def _steps(self) -> list[Step]:
        cursor, steps = self._cursor, list[Step]()
        while True:
            match = cursor.take(STEP)
            if match is not None:
                called = cursor.text[cursor.at : cursor.at + 1] == "("
                steps.append(Call(match[1], self.arguments()) if called else Member(match[1]))
            elif cursor.text[cursor.at : cursor.at + 1] == "[":
                cursor.step()
                steps.append(Index(self.expression()))
                cursor.expect("]")
            else:
                return steps

    def _operand(self) -> Expression:
        cursor = self._cursor
        cursor.skip_space()
        with cursor.deeper():
            if cursor.take(NOT):
                return Not(self._operand())
            return self._literal() or self._collection() or self._inner()

    def _literal(self) -> Expression | None:
        cursor = self._cursor
        if match := cursor.take(NUMBER):
            return Literal(float(match[0]) if "." in match[0] else int(match[0]))
        if match := cursor.take(SINGLE):
            return Literal(match[1].replace("''", "'"))
        if match := cursor.take(DOUBLE):
            text = match[1].replace('""', '"')
            return Interpolated(self._inside(text)) if set(text) & set("$#\\") else Literal(text)
        if match := cursor.take(WORD):
            return Literal(WORDS[match[1]])
        return None

    def _collection(self) -> Expression | None:
        cursor = self._cursor
        if cursor.take_word("["):
            return self._list()
        if cursor.take_word("{"):
            pairs: list[tuple[Expression, Expression]] = []
            while not cursor.take_word("}"):
                if pairs:
                    cursor.expect(",")
                key = self.expression()
                cursor.expect(":")
                pairs.append((key, self.expression()))
            return MapOf(pairs)
        return None

    def _list(self) -> Expression:
        cursor, items = self._cursor, list[Expression]()
        while not cursor.take_word("]"):
            if items:
                cursor.expect(",")
            items.append(self.expression())
            if len(items) == 1 and cursor.take_word(".."):
                last = self.expression()
                cursor.expect("]")
                return Range(items[0], last)
        return ListOf(items)

    def _inner(self) -> Expression:
        cursor = self._cursor
        if cursor.take_word("("):
            inner = self.expression()
            cursor.expect(")")
            return inner
        reference = self.reference()
        if reference is None:
            raise cursor.failed("an expression is expected")
        return reference
