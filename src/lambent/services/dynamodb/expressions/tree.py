"""What an expression says, before its placeholders are known. Frozen, so that a parsed text can be kept and shared."""

from typing import TypeAlias

from msgspec import Struct

Parts: TypeAlias = tuple[str | int, ...]
"""A document path: names (`#placeholders` among them) and list indexes."""


class Path(Struct, frozen=True):
    """A document path."""

    parts: Parts


class Constant(Struct, frozen=True):
    """An expression attribute value, such as `:v`."""

    name: str


class Call(Struct, frozen=True):
    """A function and its arguments."""

    function: str
    arguments: tuple["Node", ...]


class Compare(Struct, frozen=True):
    """`=`, `<>`, `<`, `<=`, `>`, `>=`."""

    operator: str
    left: "Node"
    right: "Node"


class Between(Struct, frozen=True):
    """`x BETWEEN lower AND upper`."""

    operand: "Node"
    lower: "Node"
    upper: "Node"


class In(Struct, frozen=True):
    """`x IN (a, b, ...)`."""

    operand: "Node"
    options: tuple["Node", ...]


class Both(Struct, frozen=True):
    """`AND`, `OR`."""

    operator: str
    left: "Node"
    right: "Node"


class Not(Struct, frozen=True):
    """`NOT`."""

    operand: "Node"


class Sum(Struct, frozen=True):
    """`+` and `-`, in SET only."""

    operator: str
    left: "Node"
    right: "Node"


Node: TypeAlias = Path | Constant | Call | Compare | Between | In | Both | Not | Sum


class Action(Struct, frozen=True):
    """One change of an update: `SET path = operand`, `REMOVE path`, `ADD path value`, `DELETE path value`."""

    section: str
    path: Path
    operand: Node | None = None
