"""CBOR, as far as the smithy-rpc-v2-cbor protocol uses it.

Knows: RFC 8949's eight major types, with tag 1 (epoch seconds) as datetime. Refuses other tags,
nesting beyond `DEEPEST`, and any length that the input does not hold, so that a short hostile body
cannot ask for much memory. Does not know shapes: `cbor_values.py` does.

Source: RFC 8949; Smithy's "RPC v2 CBOR protocol" page (definite lengths out, both kinds in).
"""

import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lambent.protocol.failures import Unmodelled, Unparsable
from lambent.protocol.timestamps import epoch_of, from_epoch

DEEPEST = 128
UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
INDEFINITE = 31
EPOCH_TAG = 1
BREAK = object()
SIMPLES = {20: False, 21: True, 22: None, 23: None}
FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}


def decode_cbor(body: bytes) -> Any:
    """The value that `body` holds.

    Raises:
        Unparsable: it is not one CBOR item, or one that this protocol does not use.
    """
    reader = _Reader(body)
    value = reader.item(0)
    if value is BREAK or reader.at != len(body):
        raise Unparsable("The body is not one CBOR data item")
    return value


class _Reader:
    """A position in the input."""

    def __init__(self, body: bytes) -> None:
        self._body, self.at = body, 0

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._body):
            raise Unparsable("The CBOR body ends too early")
        taken, self.at = self._body[self.at : end], end
        return taken

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise Unparsable("The CBOR body has a length of no known form")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def item(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise Unparsable("The CBOR body is nested too deeply")
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if major == SIMPLE:
            return self._simple(info)
        if major in (BYTES, TEXT):
            return self._string(major, info)
        if major == ARRAY:
            return [self._no_break(value) for value in self._items(info, 1, depth)]
        if major == MAP:
            return self._map(info, depth)
        number = self._argument(info)
        if major == TAG:
            return self._tagged(number, depth)
        return number if major == UNSIGNED else -1 - number

    def _items(self, info: int, each: int, depth: int) -> list[Any]:
        found: list[Any] = []
        if info != INDEFINITE:
            count = self._argument(info) * each
            if count > len(self._body) - self.at:
                raise Unparsable("The CBOR body ends too early")
            return [self.item(depth + 1) for _ in range(count)]
        while (value := self.item(depth + 1)) is not BREAK:
            found.append(value)
        return found

    def _map(self, info: int, depth: int) -> dict[str, Any]:
        flat = self._items(info, 2, depth)
        if len(flat) % 2:
            raise Unparsable("The CBOR body has a map with a key and no value")
        keys = flat[::2]
        if not all(type(key) is str for key in keys):
            raise Unparsable("The CBOR body has a map whose key is no text")
        return {key: self._no_break(value) for key, value in zip(keys, flat[1::2], strict=True)}

    @staticmethod
    def _no_break(value: Any) -> Any:
        if value is BREAK:
            raise Unparsable("The CBOR body has a break where a value is due")
        return value

    def _string(self, major: int, info: int) -> bytes | str:
        if info != INDEFINITE:
            data = self._take(self._argument(info))
        else:
            data = b"".join(self._chunks(major))
        try:
            return data if major == BYTES else data.decode()
        except UnicodeDecodeError:
            raise Unparsable("The CBOR body has text that is not UTF-8") from None

    def _chunks(self, major: int) -> list[bytes]:
        chunks = []
        while (first := self._take(1)[0]) != 0xFF:
            if first >> 5 != major:
                raise Unparsable("The CBOR body mixes kinds inside one string")
            chunks.append(self._take(self._argument(first & 31)))
        return chunks

    def _tagged(self, tag: int, depth: int) -> datetime:
        value = self.item(depth + 1)
        if tag != EPOCH_TAG or type(value) not in (int, float):
            raise Unparsable(f"CBOR tag {tag} is not used by this protocol")
        try:
            return from_epoch(value)
        except ValueError as error:
            raise Unparsable(str(error)) from None

    def _simple(self, info: int) -> Any:
        if info in SIMPLES:
            return SIMPLES[info]
        if info == INDEFINITE:
            return BREAK
        if info not in FLOATS:
            raise Unparsable("The CBOR body has a simple value of no known kind")
        form, length = FLOATS[info]
        return struct.unpack(form, self._take(length))[0]


def encode_cbor(value: Any) -> bytes:
    """`value` as one CBOR item of definite length."""
    out = bytearray()
    _encode(value, out)
    return bytes(out)


def _head(major: int, number: int, out: bytearray) -> None:
    if number < 24:
        out.append(major << 5 | number)
        return
    for info, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * length):
            out.append(major << 5 | info)
            out += number.to_bytes(length, "big")
            return
    raise Unmodelled(f"{number} does not fit CBOR's 64 bits")


def _encode(value: Any, out: bytearray) -> None:
    if value is None or value is True or value is False:
        out.append({None: 0xF6, True: 0xF5, False: 0xF4}[value])
    elif isinstance(value, str):
        data = value.encode("utf-8", "replace")
        _head(TEXT, len(data), out)
        out += data
    elif isinstance(value, int):
        _head(UNSIGNED, value, out) if value >= 0 else _head(NEGATIVE, -1 - value, out)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", value)
    else:
        _encode_compound(value, out)


def _encode_compound(value: Any, out: bytearray) -> None:
    if isinstance(value, bytes | bytearray | memoryview):
        _head(BYTES, len(value), out)
        out += value
    elif isinstance(value, Mapping):
        _head(MAP, len(value), out)
        for key, item in value.items():
            _encode(key, out)
            _encode(item, out)
    elif isinstance(value, list | tuple):
        _head(ARRAY, len(value), out)
        for item in value:
            _encode(item, out)
    elif isinstance(value, datetime):
        _head(TAG, EPOCH_TAG, out)
        _encode(epoch_of(value), out)
    else:
        raise Unmodelled(f"CBOR carries no {type(value).__name__}")
