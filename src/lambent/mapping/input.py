"""What templates see of a message: $input and $util. Pure.

Source: API Gateway Developer Guide, "Variables for data transformations". That an empty body counts as {} and one
that is not JSON as a text is recorded behaviour.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec

from lambent.mapping import paths
from lambent.mapping.paths import BadPath
from lambent.mapping.vtl.scope import TemplateFailed
from lambent.mapping.vtl.values import text_of

JAVA_SAFE = "*-._"  # what Java's URLEncoder leaves as it is, besides letters and digits
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"} | {each: "\\" + each for each in "'\"\\/"}
Parameters = Mapping[str, Mapping[str, str]]


class Input:
    """$input. `parameters` by place: path, querystring, header."""

    def __init__(self, body: str, parameters: Parameters) -> None:
        self._body, self._parameters = body, parameters
        self._parsed: list[Any] = []

    def member(self, name: str) -> Any:
        return self._body if name == "body" else None

    def call(self, name: str, arguments: list[Any]) -> Any:
        if name == "params" and len(arguments) <= 1:
            return self._params(*arguments)
        if name in ("json", "path") and len(arguments) == 1:
            found = self.at(text_of(arguments[0]))
            if name == "path":
                return found
            return '""' if found is None else msgspec.json.encode(found).decode()
        raise TemplateFailed(f"there is no $input.{name} with {len(arguments)} arguments")

    def at(self, path: str) -> Any:
        """What is there in the body. Raises TemplateFailed."""
        if not self._parsed:
            self._parsed.append(_json(self._body))
        try:
            return paths.at(path if path.startswith("$") else f"$.{path}", self._parsed[0])
        except BadPath as error:
            raise TemplateFailed(str(error)) from None

    def _params(self, name: Any = None) -> Any:
        if name is None:
            return {place: dict(self._parameters.get(place, {})) for place in ("path", "querystring", "header")}
        for place in ("path", "querystring"):
            found = self._parameters.get(place, {}).get(text_of(name))
            if found is not None:
                return found
        return header(self._parameters.get("header", {}), text_of(name)) or ""


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header, whatever its case."""
    found = headers.get(name)
    if found is not None:
        return found
    return next((value for each, value in headers.items() if each.lower() == name.lower()), None)


class Util:
    """$util."""

    def member(self, name: str) -> Any:
        return None

    def call(self, name: str, arguments: list[Any]) -> Any:
        method = METHODS.get(name)
        if method is None or len(arguments) != 1:
            raise TemplateFailed(f"there is no $util.{name} with {len(arguments)} arguments")
        return None if arguments[0] is None else method(text_of(arguments[0]))


def _json(body: str) -> Any:
    if not body:
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body


def _parse_json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TemplateFailed(f"$util.parseJson: {error}") from None


def escape_javascript(text: str) -> str:
    """As Apache's StringEscapeUtils: quotes, slashes, control and other characters beyond ASCII."""
    return "".join(ESCAPES.get(char) or (char if " " <= char <= "~" else _unicode(char)) for char in text)


def _unicode(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise TemplateFailed("$util.base64Decode: this is not base64") from None


METHODS = {
    "escapeJavaScript": escape_javascript,
    "parseJson": _parse_json,
    "urlEncode": lambda text: quote_plus(text, safe=JAVA_SAFE).replace("~", "%7E"),
    "urlDecode": lambda text: unquote_plus(text, errors="replace"),
    "base64Encode": lambda text: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode(),
    "base64Decode": _decoded,
}
