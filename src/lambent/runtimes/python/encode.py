"""From what a handler returned to the JSON that AWS's runtime would make of it.

AWS encodes with simplejson, which differs from the standard library in four points that
functions can see: a Decimal is written as the number that it is, bytes are text, a named tuple
(or anything with `_asdict`) is an object, and bytes may be keys. From python3.12 on the answer
is UTF-8, before it is ASCII with escapes. NaN and the infinities are written as such.

`json.JSONEncoder` is C and fast but blind to named tuples. `marshal` is C too, and takes exact
built-in types only: what it takes cannot hide a named tuple, so the fast encoder is right, and
everything else goes through `_write`, in Python.

Source: compared with awslambdaric 4.2.2 and simplejson 4.3.0.
"""

from __future__ import annotations

import json
import marshal
import sys
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING

from .errors import LambdaFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

UTF8_SINCE = (3, 12)
PREFIX = "AWS_Lambda_python"


class ResponseEncoder:
    """Encodes as the runtime that `execution_env` (AWS_EXECUTION_ENV) names does."""

    def __init__(self, execution_env: str) -> None:
        ascii_only = _version(execution_env) < UTF8_SINCE
        self._fast = json.JSONEncoder(ensure_ascii=ascii_only, default=_unusual).encode
        self._quote = encode_basestring_ascii if ascii_only else encode_basestring

    def response(self, value: Any) -> bytes:
        """The bytes of an answer. Bytes that a handler returns are sent as they are.

        Raises:
            LambdaFault: Runtime.MarshalError.
        """
        if isinstance(value, bytes):
            return value
        try:
            return self.text(value).encode()
        except Exception as error:
            raise LambdaFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None

    def error(self, value: dict[str, Any]) -> bytes:
        """The bytes of an error object; halves of surrogate pairs are escaped, so this never fails."""
        return self._fast(value).encode("utf-8", "backslashreplace")

    def text(self, value: Any) -> str:
        """The JSON of `value`."""
        try:
            marshal.dumps(value)
            return self._fast(value)
        except (ValueError, TypeError):  # not built-in types all through, or keys that json refuses
            parts: list[str] = []
            _write(value, parts.append, self._quote, set())
            return "".join(parts)


def _version(execution_env: str) -> tuple[int, ...]:
    """(3, 12) of `AWS_Lambda_python3.12`; this interpreter's own where nothing usable is named."""
    named = execution_env[len(PREFIX) :] if execution_env.startswith(PREFIX) else ""
    try:
        return tuple(int(part) for part in named.split("."))
    except ValueError:
        return sys.version_info[:2]


def _unusual(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _write(value: Any, put: Callable[[str], Any], quote: Callable[[str], str], above: set[int]) -> None:
    """Write `value` with `put`. `above` are the ids of the containers that we are inside of."""
    scalar = _scalar(value, quote)
    if scalar is not None:
        put(scalar)
        return
    if id(value) in above:
        raise ValueError("Circular reference detected")
    above.add(id(value))
    as_dict = getattr(value, "_asdict", None)
    if callable(as_dict) and not isinstance(value, (list, dict)):
        _write_object(as_dict(), put, quote, above)
    elif isinstance(value, (list, tuple)):
        _write_array(value, put, quote, above)
    elif isinstance(value, dict):
        _write_object(value, put, quote, above)
    else:
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    above.discard(id(value))


def _write_array(value: Any, put: Callable[[str], Any], quote: Callable[[str], str], above: set[int]) -> None:
    put("[")
    for index, item in enumerate(value):
        if index:
            put(", ")
        _write(item, put, quote, above)
    put("]")


def _write_object(value: Any, put: Callable[[str], Any], quote: Callable[[str], str], above: set[int]) -> None:
    put("{")
    for index, (key, item) in enumerate(value.items()):
        if index:
            put(", ")
        put(quote(_key(key)))
        put(": ")
        _write(item, put, quote, above)
    put("}")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode()
    if key is None or isinstance(key, (bool, int, float)):
        return _scalar(key, str) or ""
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def _scalar(value: Any, quote: Callable[[str], str]) -> str | None:
    """The JSON of anything that has no parts; None for what may have some."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bytes):
        return quote(value.decode())
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(value)
    decimal = sys.modules.get("decimal")  # a Decimal cannot exist before its module does
    if decimal is not None and isinstance(value, decimal.Decimal):
        return "NaN" if value.is_nan() else str(value)
    return None


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124  only NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)
