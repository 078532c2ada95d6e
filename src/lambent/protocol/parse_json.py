"""JSON values read into parameters, by the model.

Knows: what each shape looks like in JSON and which Python value it becomes. Members the model
lacks are passed over, as AWS does; `null` members count as absent. Does not know HTTP, nor
constraints: `validate.py` looks at the values afterwards.

Source: wording of the type errors as DynamoDB and other JSON services answer them
("NUMBER_VALUE cannot be converted to String", "Start of list found where not expected").
"""

import base64
import binascii
from datetime import datetime
from typing import Any

import msgspec
from botocore.model import Shape

from lambent.protocol.failures import Unparsable
from lambent.protocol.models import members_of, wire_name
from lambent.protocol.shapes import Compiled, ShapeCompiler, integer_range, timestamp_style
from lambent.protocol.timestamps import UNIX, from_epoch, parse_timestamp

SPECIAL_FLOATS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_decode = msgspec.json.Decoder().decode


def decode_json(body: bytes) -> Any:
    """The JSON value in `body`; an empty body is an empty object, as AWS's front ends take it.

    Raises:
        Unparsable: it is not JSON, or nested without end.
    """
    if not body:
        return {}
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unparsable(str(error) or "The document is nested too deeply") from None


def token_of(raw: Any) -> str:
    """What AWS's parser calls this kind of JSON value."""
    if raw is True or raw is False:
        return "TRUE_VALUE" if raw else "FALSE_VALUE"
    if isinstance(raw, float):
        return "DECIMAL_VALUE"
    return "STRING_VALUE" if isinstance(raw, str) else "NUMBER_VALUE"


def mismatch(raw: Any, wanted: str) -> Unparsable:
    """The error for a value of the wrong kind."""
    if isinstance(raw, dict):
        return Unparsable("Start of structure or map found where not expected.")
    if isinstance(raw, list):
        return Unparsable("Start of list found where not expected")
    if wanted in ("Structure", "List", "Map"):
        return Unparsable("Unexpected field type")
    return Unparsable(f"{token_of(raw)} cannot be converted to {wanted}")


class JsonReader(ShapeCompiler):
    """Compiles `raw -> value` for each shape."""

    def structure_of(self, members: dict[str, Shape]) -> Compiled:
        """A reader for an object with these members."""
        plan = {wire_name(shape, name): (name, self.of(shape)) for name, shape in members.items()}

        def read(raw: Any) -> dict[str, Any]:
            if type(raw) is not dict:
                raise mismatch(raw, "Structure")
            value = {}
            for key, item in raw.items():
                if item is not None and (member := plan.get(key)) is not None:
                    name, reader = member
                    value[name] = reader(item)
            return value

        return read

    def _structure(self, shape: Shape) -> Compiled:
        return self.structure_of(members_of(shape))

    def _list(self, shape: Shape) -> Compiled:
        reader = self.of(shape.member)

        def read(raw: Any) -> list[Any]:
            if type(raw) is not list:
                raise mismatch(raw, "List")
            return [None if item is None else reader(item) for item in raw]

        return read

    def _map(self, shape: Shape) -> Compiled:
        reader = self.of(shape.value)

        def read(raw: Any) -> dict[str, Any]:
            if type(raw) is not dict:
                raise mismatch(raw, "Map")
            return {str(key): None if item is None else reader(item) for key, item in raw.items()}

        return read

    def _string(self, shape: Shape) -> Compiled:
        def read(raw: Any) -> str:
            if type(raw) is not str:
                raise mismatch(raw, "String")
            return raw

        return read

    def _boolean(self, shape: Shape) -> Compiled:
        def read(raw: Any) -> bool:
            if type(raw) is not bool:
                raise mismatch(raw, "Boolean")
            return raw

        return read

    def _integer(self, shape: Shape) -> Compiled:
        least, greatest = integer_range(shape)
        wanted = "Integer" if shape.type_name == "integer" else "Long"

        def read(raw: Any) -> int:
            if type(raw) is float and raw.is_integer():
                raw = int(raw)
            if type(raw) is not int or not least <= raw <= greatest:
                raise mismatch(raw, wanted)
            return raw

        return read

    def _double(self, shape: Shape) -> Compiled:
        def read(raw: Any) -> float:
            if type(raw) is float or type(raw) is int:
                return _as_float(raw)
            if type(raw) is str and raw in SPECIAL_FLOATS:
                return SPECIAL_FLOATS[raw]
            raise mismatch(raw, "Double")

        return read

    def _blob(self, shape: Shape) -> Compiled:
        def read(raw: Any) -> bytes:
            if type(raw) is not str:
                raise mismatch(raw, "Blob")
            return from_base64(raw)

        return read

    def _timestamp(self, shape: Shape) -> Compiled:
        style = timestamp_style(shape, UNIX)

        def read(raw: Any) -> datetime:
            try:
                if style == UNIX and (type(raw) is float or type(raw) is int):
                    return from_epoch(raw)
                if style != UNIX and type(raw) is str:
                    return parse_timestamp(raw, style)
            except ValueError as error:
                raise Unparsable(str(error)) from None
            raise mismatch(raw, "Timestamp")

        return read


def _as_float(raw: int | float) -> float:
    try:
        return float(raw)
    except OverflowError:
        raise mismatch(raw, "Double") from None


def from_base64(text: str) -> bytes:
    """The bytes that `text` encodes. Raises Unparsable where it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unparsable("Invalid base64 value: a blob is written in standard base64 with padding") from None
