"""CBOR values by the model, both ways: JSON's way, with real blobs, timestamps and floats.

Knows: where CBOR differs from JSON. Does not know bytes: `cbor.py` does.
"""

from datetime import datetime
from typing import Any

from botocore.model import Shape

from lambent.protocol.parse_json import JsonReader, mismatch
from lambent.protocol.serialize_json import JsonWriter
from lambent.protocol.shapes import Compiled


class CborReader(JsonReader):
    """Compiles `raw -> value`; the raw value comes from `decode_cbor`."""

    def _blob(self, shape: Shape) -> Compiled:
        def read(raw: Any) -> bytes:
            if type(raw) is not bytes:
                raise mismatch(raw, "Blob")
            return raw

        return read

    def _timestamp(self, shape: Shape) -> Compiled:
        def read(raw: Any) -> datetime:
            if type(raw) is not datetime:
                raise mismatch(raw, "Timestamp")
            return raw

        return read


class CborWriter(JsonWriter):
    """Compiles `value -> raw`; the raw value goes to `encode_cbor`. Members keep their modelled names."""

    def _key(self, shape: Shape, name: str) -> str:
        return name

    def _double(self, shape: Shape) -> Compiled:
        return float

    def _blob(self, shape: Shape) -> Compiled:
        return lambda value: value.encode() if isinstance(value, str) else value

    def _timestamp(self, shape: Shape) -> Compiled:
        return lambda moment: moment
