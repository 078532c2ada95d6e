"""One function per shape, made once: the way every reader and writer of the wire is built.

A model is a graph and may hold itself (DynamoDB's AttributeValue). A `ShapeCompiler` walks it
once, when an operation is first used, and leaves a closure for each shape; requests then call
closures and never look at the model again.

Rules for its subclasses: `_structure`, `_list`, `_map` and the scalars return the closure for
one shape and call `of` for what lies inside.
"""

from collections.abc import Callable
from typing import Any

from botocore.model import Shape

Compiled = Callable[..., Any]

INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)


class ShapeCompiler:
    """The walk, with its memory. Shapes of one name differ by their member's traits, so both are the key."""

    def __init__(self) -> None:
        self._done: dict[str, Compiled] = {}
        self._open: set[str] = set()

    def of(self, shape: Shape) -> Compiled:
        """The function for `shape`; inside its own making, one that finds it later."""
        key = f"{shape.name}|{sorted(shape.serialization.items(), key=str)}"
        if (done := self._done.get(key)) is not None:
            return done
        if key in self._open:
            return self._later(key)
        self._open.add(key)
        try:
            done = self._done[key] = self._build(shape)
        finally:
            self._open.discard(key)
        return done

    def _later(self, key: str) -> Compiled:
        def forward(*args: Any) -> Any:
            return self._done[key](*args)

        return forward

    def _build(self, shape: Shape) -> Compiled:
        builders: dict[str, Callable[[Shape], Compiled]] = {
            "structure": self._structure,
            "list": self._list,
            "map": self._map,
            "blob": self._blob,
            "timestamp": self._timestamp,
            "boolean": self._boolean,
            "integer": self._integer,
            "long": self._integer,
            "float": self._double,
            "double": self._double,
        }
        return builders.get(shape.type_name, self._string)(shape)

    def _structure(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _list(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _map(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _blob(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _timestamp(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _boolean(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _integer(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _double(self, shape: Shape) -> Compiled:
        raise NotImplementedError

    def _string(self, shape: Shape) -> Compiled:
        raise NotImplementedError


def integer_range(shape: Shape) -> tuple[int, int]:
    """The least and the greatest value that the shape's type holds, whatever its own `min` and `max` say."""
    return INT32 if shape.type_name == "integer" else INT64


def timestamp_style(shape: Shape, default: str) -> str:
    """The format of a timestamp member: its own trait, its shape's, or the place's default."""
    style: str = shape.serialization.get("timestampFormat", default)
    return style.lower()
