"""Outputs written as JSON values, by the model.

Knows: how each shape looks in JSON. A member that the model lacks is a bug of ours and raises
`Unmodelled`; None is left out. Does not know HTTP.
"""

import base64
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from botocore.model import Shape

from lambent.protocol.failures import Unmodelled
from lambent.protocol.models import members_of, wire_name
from lambent.protocol.shapes import Compiled, ShapeCompiler, timestamp_style
from lambent.protocol.timestamps import UNIX, epoch_of, format_timestamp

encode_json = msgspec.json.Encoder().encode


class JsonWriter(ShapeCompiler):
    """Compiles `value -> raw` for each shape."""

    def structure_of(self, members: dict[str, Shape]) -> Compiled:
        """A writer for an object with these members."""
        plan = {name: (self._key(shape, name), self.of(shape)) for name, shape in members.items()}

        def write(value: Mapping[str, Any]) -> dict[str, Any]:
            raw = {}
            for name, item in value.items():
                if item is None:
                    continue
                try:
                    key, writer = plan[name]
                except KeyError:
                    raise Unmodelled(f"the model has no member {name!r} here, only {sorted(plan)}") from None
                raw[key] = writer(item)
            return raw

        return write

    def _key(self, shape: Shape, name: str) -> str:
        return wire_name(shape, name)

    def _structure(self, shape: Shape) -> Compiled:
        return self.structure_of(members_of(shape))

    def _list(self, shape: Shape) -> Compiled:
        writer = self.of(shape.member)
        return lambda value: [None if item is None else writer(item) for item in value]

    def _map(self, shape: Shape) -> Compiled:
        writer = self.of(shape.value)
        return lambda value: {key: None if item is None else writer(item) for key, item in value.items()}

    def _string(self, shape: Shape) -> Compiled:
        return _same

    def _boolean(self, shape: Shape) -> Compiled:
        return bool

    def _integer(self, shape: Shape) -> Compiled:
        return int

    def _double(self, shape: Shape) -> Compiled:
        return special_or_float

    def _blob(self, shape: Shape) -> Compiled:
        return to_base64

    def _timestamp(self, shape: Shape) -> Compiled:
        style = timestamp_style(shape, UNIX)
        if style == UNIX:
            return epoch_of

        def write(moment: datetime) -> str:
            return format_timestamp(moment, style)

        return write


def _same(value: Any) -> Any:
    return value


def special_or_float(value: float) -> float | str:
    """The number; what JSON has no number for, as the word AWS uses."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def to_base64(value: bytes | str) -> str:
    """A blob as JSON and XML carry it."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")
