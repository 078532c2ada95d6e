"""REST requests read into parameters: labels, query, headers and body, each member from its own place.

Knows: the `location` traits, prefix header maps, payload members. The body's own form (JSON or
XML) is given by the dialect. Does not know routing, nor constraints.

Our own choices: an empty text for a member that is no string counts as absent; so does an empty
body for a payload member.

Source: `location`, `locationName`, `payload`, `jsonvalue` traits of botocore's models; Smithy's
"HTTP binding traits".
"""

import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote_to_bytes

from botocore.model import OperationModel, Shape

from lambent.model.http import HttpRequest
from lambent.protocol.dialect import RequestReader, no_parameters
from lambent.protocol.failures import Unparsable
from lambent.protocol.models import body_members, location_of, members_of, wire_name
from lambent.protocol.parse_json import decode_json, from_base64
from lambent.protocol.router import path_pattern, split_uri
from lambent.protocol.shapes import Compiled
from lambent.protocol.text import TextReader
from lambent.protocol.timestamps import RFC822

LIST_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",][^,]*|))\s*(?:,|$)')
PRESIGNED = "x-amz-"
Take = Callable[[HttpRequest, dict[str, Any]], None]


class BodyReader(Protocol):
    """A compiler of body values: JsonReader or XmlReader."""

    def of(self, shape: Shape) -> Compiled: ...

    def structure_of(self, members: dict[str, Shape]) -> Compiled: ...


class HeaderReader(TextReader):
    """Text in headers: timestamps are RFC 822 unless a trait says otherwise."""

    timestamp_default = RFC822

    def _list(self, shape: Shape) -> Compiled:
        reader = self.of(shape.member)
        return lambda text: [reader(item) for item in header_items(text)]

    def _string(self, shape: Shape) -> Compiled:
        if not shape.serialization.get("jsonvalue"):
            return super()._string(shape)
        return lambda text: decode_json(from_base64(text))


class RestRequests:
    """Reads requests of one REST dialect; `plan` makes the reader of one operation."""

    def __init__(self, body: BodyReader, decode: Callable[[bytes], Any]) -> None:
        self._body, self._decode = body, decode
        self._headers, self._query, self._labels = HeaderReader(), TextReader(), TextReader()

    def plan(self, operation: OperationModel) -> RequestReader:
        """`request -> parameters` for `operation`."""
        shape = operation.input_shape
        if shape is None:
            return no_parameters
        by_place: dict[str | None, dict[str, Shape]] = {}
        for name, member in members_of(shape).items():
            by_place.setdefault(location_of(member), {})[name] = member
        steps = [
            self._take_labels(operation.http["requestUri"], by_place.get("uri", {})),
            self._take_query(operation.http["requestUri"], by_place.get("querystring", {})),
            self._take_headers(by_place.get("header", {}), by_place.get("headers", {})),
            self._take_body(shape),
        ]
        takes = [step for step in steps if step is not None]

        def read(request: HttpRequest) -> dict[str, Any]:
            parameters: dict[str, Any] = {}
            for take in takes:
                take(request, parameters)
            return parameters

        return read

    def _take_labels(self, uri: str, members: dict[str, Shape]) -> Take | None:
        if not members:
            return None
        pattern, labels = path_pattern(uri)
        plan = [(labels.index(wire_name(m, name)) + 1, name, self._labels.of(m)) for name, m in members.items()]

        def take(request: HttpRequest, parameters: dict[str, Any]) -> None:
            found = pattern.fullmatch(request.path)
            if found is None:
                raise Unparsable("The path of the request does not fit its operation")
            for group, name, reader in plan:
                parameters[name] = reader(label_text(found[group]))

        return take

    def _take_query(self, uri: str, members: dict[str, Shape]) -> Take | None:
        if not members:
            return None
        maps = [name for name, member in members.items() if member.type_name == "map"]
        plan = {
            wire_name(member, name): (name, *self._query_reader(member))
            for name, member in members.items()
            if name not in maps
        }
        literals = {name for name, _ in split_uri(uri)[1]}

        def take(request: HttpRequest, parameters: dict[str, Any]) -> None:
            for key, text in parse_qsl(request.query, keep_blank_values=True):
                if (member := plan.get(key)) is not None:
                    _put(parameters, text, *member)
                elif maps and key not in literals and not key.lower().startswith(PRESIGNED):
                    parameters.setdefault(maps[0], {})[key] = text

        return take

    def _query_reader(self, shape: Shape) -> tuple[Compiled, bool, bool]:
        is_list = shape.type_name == "list"
        scalar = shape.member if is_list else shape
        return self._query.of(scalar), is_list, scalar.type_name == "string"

    def _take_headers(self, members: dict[str, Shape], maps: dict[str, Shape]) -> Take | None:
        if not members and not maps:
            return None
        plan = {
            wire_name(member, name).lower(): (name, self._headers.of(member), member.type_name in ("string", "list"))
            for name, member in members.items()
        }
        prefixes = [(wire_name(member, "").lower(), name) for name, member in maps.items()]

        def take(request: HttpRequest, parameters: dict[str, Any]) -> None:
            for key, text in joined(request.headers):
                if (member := plan.get(key)) is not None:
                    name, reader, empty_counts = member
                    if text or empty_counts:
                        parameters[name] = reader(text)
                for prefix, name in prefixes:
                    if key.startswith(prefix):
                        parameters.setdefault(name, {})[key[len(prefix) :]] = text

        return take

    def _take_body(self, shape: Shape) -> Take | None:
        payload = shape.serialization.get("payload")
        if payload is not None:
            return self._take_payload(payload, members_of(shape)[payload])
        members = body_members(shape)
        if not members:
            return None
        reader, decode = self._body.structure_of(members), self._decode

        def take(request: HttpRequest, parameters: dict[str, Any]) -> None:
            parameters.update(reader(decode(request.body)))

        return take

    def _take_payload(self, name: str, shape: Shape) -> Take:
        reader: Compiled
        if shape.type_name == "blob":
            reader = bytes
        elif shape.type_name == "string":
            reader = _utf8
        else:
            value, decode = self._body.of(shape), self._decode
            reader = lambda body: value(decode(body))  # noqa: E731

        def take(request: HttpRequest, parameters: dict[str, Any]) -> None:
            if request.body:
                parameters[name] = reader(request.body)

        return take


def _put(parameters: dict[str, Any], text: str, name: str, reader: Compiled, is_list: bool, is_string: bool) -> None:
    if not text and not is_string:
        return
    if is_list:
        parameters.setdefault(name, []).append(reader(text))
    elif name not in parameters:
        parameters[name] = reader(text)


def joined(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers with repeated ones joined by commas, as HTTP allows."""
    texts: dict[str, str] = {}
    for key, text in headers:
        texts[key] = f"{texts[key]},{text}" if key in texts else text
    return list(texts.items())


def header_items(text: str) -> list[str]:
    """The items of a list in a header; an item in quotes may hold commas."""
    items, at = [], 0
    while at < len(text):
        found = LIST_ITEM.match(text, at)
        if found is None:
            raise Unparsable("A list in a header has an item that is not closed")
        items.append(re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2].strip())
        at = found.end()
    return items


def label_text(raw: str) -> str:
    """A label without its percent signs."""
    if "%" not in raw:
        return raw
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise Unparsable("The path of the request is not UTF-8") from None


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Unparsable("The body of the request is not UTF-8") from None
