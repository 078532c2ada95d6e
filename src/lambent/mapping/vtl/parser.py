"""From a template's text to its parts. Pure.

A recursive descent over the text: `Parser.block` reads text, references and directives up to the directive that ends
the block; expressions are read by expressions.py. #include, #parse, #evaluate and #define, which API Gateway's
templates do not need, are refused by name. Of the white space around directives only what follows one up to the end of
its line is dropped, as Velocity does.
"""

import re
from functools import lru_cache
from typing import Any

from lambent.mapping.vtl.cursor import Cursor
from lambent.mapping.vtl.directives import Foreach, If, Macro, MacroCall, Set, Stop
from lambent.mapping.vtl.expressions import Expressions
from lambent.mapping.vtl.nodes import Block, Node, Text
from lambent.mapping.vtl.scope import Halt, Scope, TemplateFailed

PLAIN = re.compile(r"[^$#\\]+")
ESCAPED = re.compile(r"\\([$#])")
NAME = re.compile(r"#(?:\{([a-z]+)\}|([A-Za-z_][A-Za-z0-9_]*))")
LINE_END = re.compile(r"[ \t]*\r?\n")
LINE_COMMENT = re.compile(r"##[^\n]*(?:\n|$)")
BLOCK_COMMENT = re.compile(r"#\*.*?(?:\*#|$)", re.DOTALL)
UNPARSED = re.compile(r"#\[\[(.*?)\]\]#", re.DOTALL)
ENDS = frozenset({"end", "else", "elseif"})
REFUSED = frozenset({"include", "parse", "evaluate", "define"})
LOOP = re.compile(r"\s*\(\s*\$!?\{?([A-Za-z_][A-Za-z0-9_]*)\}?\s+in\s+")
HEAD = re.compile(r"\s*\(\s*([A-Za-z_][A-Za-z0-9_]*)((?:[\s,]+\$[A-Za-z_][A-Za-z0-9_]*)*)\s*\)")
LONGEST_TEMPLATE = 300 * 1024  # API Gateway's own limit


class Template:
    """A template that was read."""

    def __init__(self, block: Block) -> None:
        self._block = block

    def render(self, variables: dict[str, Any]) -> str:
        """What it makes of these variables. Raises TemplateFailed."""
        scope = Scope(variables)
        try:
            self._block.render(scope)
        except Halt:
            pass
        except RecursionError:
            raise TemplateFailed("the template is nested too deep") from None
        return "".join(scope.output)


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Raises TemplateFailed, with the line."""
    if len(text) > LONGEST_TEMPLATE:
        raise TemplateFailed(f"a template has at most {LONGEST_TEMPLATE} characters")
    parser = Parser(Cursor(text))
    try:
        block, end = parser.block()
    except RecursionError:
        raise TemplateFailed("the template is nested too deep") from None
    if end:
        raise parser.cursor.failed(f"#{end} ends nothing")
    return Template(block)


class Parser:
    """Reads the parts that follow the cursor."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self._expressions = Expressions(cursor, self._inside)

    def block(self) -> tuple[Block, str]:
        """Parts up to the directive that ends them, which is read too; "" at the end of the text."""
        parts: list[Node] = []
        with self.cursor.deeper():
            while not self.cursor.at_end:
                name = self._directive_name()
                if name in ENDS:
                    return Block(parts), name
                part = self._directive(name) if name else self._other()
                if part is not None:
                    parts.append(part)
        return Block(parts), ""

    def _inside(self, text: str) -> Block:
        """The small template of a text in double quotes."""
        inner = Parser(self.cursor.within(text))
        block, end = inner.block()
        if end:
            raise self.cursor.failed(f"#{end} ends nothing")
        return block

    def _other(self) -> Node | None:
        """Text, a comment, or a reference."""
        cursor = self.cursor
        plain = cursor.take(PLAIN)
        if plain:
            return Text(plain[0])
        if cursor.take(LINE_COMMENT) or cursor.take(BLOCK_COMMENT):
            return None
        literal = cursor.take(UNPARSED)
        if literal:
            return Text(literal[1])
        escaped = cursor.take(ESCAPED)
        if escaped:
            return Text(escaped[1])
        reference = self._expressions.reference() if cursor.text[cursor.at] == "$" else None
        return reference or Text(cursor.step())

    def _directive_name(self) -> str:
        """The name of the directive that begins here, read; "" for none."""
        match = self.cursor.peek(NAME)
        if match is None:
            return ""
        name = match[1] or match[2]
        if name in ENDS or name in DIRECTIVES or name in REFUSED:
            self.cursor.at = match.end()
            if name in ("end", "else", "stop", "break"):
                self.cursor.take(LINE_END)
            return str(name)
        return "macro call" if self.cursor.text[match.end() : match.end() + 1] == "(" and not match[1] else ""

    def _directive(self, name: str) -> Node:
        if name in REFUSED:
            raise self.cursor.failed(f"#{name} is not there in mapping templates")
        node: Node = DIRECTIVES[name](self)
        return node

    def _set(self) -> Node:
        self.cursor.expect("(")
        target = self._expressions.reference()
        if target is None:
            raise self.cursor.failed("#set takes a reference")
        self.cursor.expect("=")
        given = self._expressions.expression()
        self._close()
        return Set(target, given)

    def _if(self) -> Node:
        branches = []
        while True:
            self.cursor.expect("(")
            condition = self._expressions.expression()
            self._close()
            block, end = self.block()
            branches.append((condition, block))
            if end == "elseif":
                continue
            otherwise = Block(())
            if end == "else":
                otherwise, end = self.block()
            if end != "end":
                raise self.cursor.failed("#if has no #end")
            return If(branches, otherwise)

    def _foreach(self) -> Node:
        match = self.cursor.take(LOOP)
        if match is None:
            raise self.cursor.failed("#foreach takes ($item in $items)")
        items = self._expressions.expression()
        self._close()
        return Foreach(match[1], items, self._body("foreach"))

    def _macro(self) -> Node:
        match = self.cursor.take(HEAD)
        if match is None:
            raise self.cursor.failed("#macro takes (name $parameter ...)")
        self.cursor.take(LINE_END)
        parameters = [part.lstrip("$") for part in re.split(r"[\s,]+", match[2]) if part]
        return Macro(match[1], parameters, self._body("macro"))

    def _call(self) -> Node:
        match = self.cursor.take(NAME)
        assert match is not None
        begin = match.start()
        arguments = self._expressions.arguments(commas_optional=True)
        return MacroCall(match[2], arguments, self.cursor.text[begin : self.cursor.at])

    def _body(self, directive: str) -> Block:
        block, end = self.block()
        if end != "end":
            raise self.cursor.failed(f"#{directive} has no #end")
        return block

    def _close(self) -> None:
        self.cursor.expect(")")
        self.cursor.take(LINE_END)

    def _stop(self) -> Node:
        return Stop(whole=True)

    def _break(self) -> Node:
        return Stop(whole=False)


DIRECTIVES = {
    "set": Parser._set,
    "if": Parser._if,
    "foreach": Parser._foreach,
    "macro": Parser._macro,
    "stop": Parser._stop,
    "break": Parser._break,
    "macro call": Parser._call,
}
