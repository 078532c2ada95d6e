"""What a template does: #set, #if, #foreach, #stop, #break, #macro and calls of macros. Pure.

Source: Velocity User Guide 1.7, "Conditionals", "Loops", "Velocimacros".
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from lambent.mapping.vtl.nodes import Block, Expression, Reference
from lambent.mapping.vtl.scope import DEEPEST_CALL, Halt, Scope, TemplateFailed
from lambent.mapping.vtl.values import is_true


class Set(Struct, frozen=True):
    """#set($a = b)"""

    target: Reference
    given: Expression

    def render(self, scope: Scope) -> None:
        self.target.assign(scope, self.given.value(scope))


class If(Struct, frozen=True):
    """#if(a) ... #elseif(b) ... #else ... #end"""

    branches: Sequence[tuple[Expression, Block]]
    otherwise: Block

    def render(self, scope: Scope) -> None:
        for condition, block in self.branches:
            scope.spend()
            if is_true(condition.value(scope)):
                block.render(scope)
                return
        self.otherwise.render(scope)


class Foreach(Struct, frozen=True):
    """#foreach($name in items) ... #end"""

    name: str
    items: Expression
    block: Block

    def render(self, scope: Scope) -> None:
        found = self.items.value(scope)
        items = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []
        before = {name: scope.variables.get(name) for name in (self.name, "foreach", "velocityCount")}
        try:
            self._loop(scope, list(items), before["foreach"])
        except Halt as halt:
            if halt.whole:
                raise
        finally:
            scope.variables.update(before)

    def _loop(self, scope: Scope, items: list[Any], parent: Any) -> None:
        scope.spend(len(items))
        for at, item in enumerate(items):
            scope.spend()
            last = at == len(items) - 1
            scope.variables[self.name] = item
            scope.variables["velocityCount"] = at + 1
            scope.variables["foreach"] = {
                "index": at, "count": at + 1, "hasNext": not last, "first": at == 0, "last": last, "parent": parent
            }  # fmt: skip
            self.block.render(scope)


class Stop(Struct, frozen=True):
    """#stop, or #break."""

    whole: bool

    def render(self, scope: Scope) -> None:
        raise Halt(whole=self.whole)


class Macro(Struct, frozen=True):
    """#macro(name $a $b) ... #end"""

    name: str
    parameters: Sequence[str]
    block: Block

    def render(self, scope: Scope) -> None:
        scope.macros[self.name] = self.run

    def run(self, scope: Scope, arguments: list[Any]) -> None:
        """Write the body, with the arguments as variables."""
        if scope.depth >= DEEPEST_CALL:
            raise TemplateFailed("macros call one another too deep")
        before = {name: scope.variables.get(name) for name in self.parameters}
        given = arguments + [None] * (len(self.parameters) - len(arguments))
        scope.variables.update(zip(self.parameters, given, strict=False))
        scope.depth += 1
        try:
            self.block.render(scope)
        finally:
            scope.depth -= 1
            scope.variables.update(before)


class MacroCall(Struct, frozen=True):
    """#name(a b); text where there is no such macro."""

    name: str
    arguments: Sequence[Expression]
    source: str

    def render(self, scope: Scope) -> None:
        scope.spend()
        macro = scope.macros.get(self.name)
        if macro is None:
            scope.write(self.source)
        else:
            macro(scope, [each.value(scope) for each in self.arguments])
