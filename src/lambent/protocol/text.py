"""Scalars as text, both ways: what headers, labels, query strings, forms and XML elements hold.

Knows: how a boolean, a number, a blob or a timestamp is spelt in text. Does not know where the
text stands; the place only chooses the timestamp format that holds where no trait names one
(RFC 822 in headers, ISO 8601 elsewhere).
"""

import re
from datetime import datetime
from typing import Any

from botocore.model import Shape

from lambent.protocol.failures import Unparsable
from lambent.protocol.parse_json import SPECIAL_FLOATS, from_base64
from lambent.protocol.serialize_json import special_or_float, to_base64
from lambent.protocol.shapes import Compiled, ShapeCompiler, integer_range, timestamp_style
from lambent.protocol.timestamps import ISO8601, format_timestamp, iso_of, parse_timestamp

WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
DECIMAL = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")


class TextReader(ShapeCompiler):
    """Compiles `text -> value` for scalar shapes."""

    timestamp_default = ISO8601

    def _string(self, shape: Shape) -> Compiled:
        return _same

    def _boolean(self, shape: Shape) -> Compiled:
        return read_boolean

    def _integer(self, shape: Shape) -> Compiled:
        least, greatest = integer_range(shape)

        def read(text: str) -> int:
            text = text.strip()
            if WHOLE.fullmatch(text) and least <= (value := int(text)) <= greatest:
                return value
            raise Unparsable(f"{text[:40]!r} is not a valid {shape.type_name}")

        return read

    def _double(self, shape: Shape) -> Compiled:
        def read(text: str) -> float:
            text = text.strip()
            if text in SPECIAL_FLOATS:
                return SPECIAL_FLOATS[text]
            if DECIMAL.fullmatch(text):
                return float(text)
            raise Unparsable(f"{text[:40]!r} is not a valid {shape.type_name}")

        return read

    def _blob(self, shape: Shape) -> Compiled:
        return from_base64

    def _timestamp(self, shape: Shape) -> Compiled:
        style = timestamp_style(shape, self.timestamp_default)

        def read(text: str) -> datetime:
            try:
                return parse_timestamp(text.strip(), style)
            except ValueError as error:
                raise Unparsable(str(error)[:200]) from None

        return read


class TextWriter(ShapeCompiler):
    """Compiles `value -> text` for scalar shapes. `always_millis` is S3's habit in XML."""

    timestamp_default = ISO8601

    def __init__(self, always_millis: bool = False) -> None:
        super().__init__()
        self._always_millis = always_millis

    def _string(self, shape: Shape) -> Compiled:
        return str

    def _boolean(self, shape: Shape) -> Compiled:
        return write_boolean

    def _integer(self, shape: Shape) -> Compiled:
        return lambda value: str(int(value))

    def _double(self, shape: Shape) -> Compiled:
        return lambda value: str(special_or_float(value))

    def _blob(self, shape: Shape) -> Compiled:
        return to_base64

    def _timestamp(self, shape: Shape) -> Compiled:
        style = timestamp_style(shape, self.timestamp_default)
        if style == ISO8601:
            return lambda moment: iso_of(moment, self._always_millis)
        return lambda moment: format_timestamp(moment, style)


def _same(value: Any) -> Any:
    return value


def read_boolean(text: str) -> bool:
    """`true` or `false`, in any case of letters."""
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise Unparsable(f"{text[:40]!r} is not a valid boolean")
    return word == "true"


def write_boolean(value: Any) -> str:
    """A boolean as AWS spells it in text."""
    return "true" if value else "false"
