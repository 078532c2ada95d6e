"""Outputs written as XML, by the model: for rest-xml bodies and for query results.

Knows: elements, attributes, namespaces, flattened lists and maps. A member that the model lacks
raises `Unmodelled`. Characters that XML 1.0 cannot hold become U+FFFD, since no reader would take
the document otherwise. Does not know HTTP.
"""

from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

from lambent.protocol.failures import Unmodelled
from lambent.protocol.models import location_of, members_of, wire_name
from lambent.protocol.parse_query import SCALARS
from lambent.protocol.shapes import Compiled
from lambent.protocol.text import TextWriter

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
ESCAPES = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF], "\ufffd")
ESCAPES |= {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("\r"): "&#13;"}


def escaped(text: str) -> str:
    """`text` as it stands inside an element or an attribute."""
    return text.translate(ESCAPES)


def document(body: str) -> bytes:
    """A whole document."""
    return (DECLARATION + body).encode("utf-8", "replace")


def element(name: str, text: str) -> str:
    """One element that holds text."""
    return f"<{name}>{escaped(text)}</{name}>"


def namespace_of(shape: Shape) -> str:
    """The namespace attribute that the shape's element declares, with the space before it."""
    space = shape.serialization.get("xmlNamespace")
    if not space:
        return ""
    if isinstance(space, str):
        return f' xmlns="{space}"'
    prefix = f":{space['prefix']}" if space.get("prefix") else ""
    return f' xmlns{prefix}="{space["uri"]}"'


class XmlWriter(TextWriter):
    """Compiles `(value, tag, out) -> None`: the element called `tag` is appended to the list `out`."""

    def _build(self, shape: Shape) -> Compiled:
        write_text = super()._build(shape)
        if shape.type_name not in SCALARS:
            return write_text
        space = namespace_of(shape)

        def write(value: Any, tag: str, out: list[str]) -> None:
            out.append(f"<{tag}{space}>{escaped(write_text(value))}</{tag}>")

        return write

    def content_of(self, members: dict[str, Shape]) -> Compiled:
        """`(value, out) -> attributes`: appends the members' elements, returns the members that are attributes."""
        plan = {
            name: (_tag(shape, name), None if shape.serialization.get("xmlAttribute") else self.of(shape))
            for name, shape in members.items()
        }

        def write(value: Mapping[str, Any], out: list[str]) -> str:
            attributes = ""
            for name, item in value.items():
                if item is None:
                    continue
                try:
                    tag, writer = plan[name]
                except KeyError:
                    raise Unmodelled(f"the model has no member {name!r} here, only {sorted(plan)}") from None
                if writer is None:
                    attributes += f' {tag}="{escaped(str(item))}"'
                else:
                    writer(item, tag, out)
            return attributes

        return write

    def _structure(self, shape: Shape) -> Compiled:
        content = self.content_of({k: m for k, m in members_of(shape).items() if location_of(m) is None})
        space = namespace_of(shape)

        def write(value: Mapping[str, Any], tag: str, out: list[str]) -> None:
            at = len(out)
            out.append("")
            out[at] = f"<{tag}{space}{content(value, out)}>"
            out.append(f"</{tag}>")

        return write

    def _list(self, shape: Shape) -> Compiled:
        writer = self.of(shape.member)
        inner, space = wire_name(shape.member, "member"), namespace_of(shape)
        if shape.serialization.get("flattened"):

            def write_flat(value: Any, tag: str, out: list[str]) -> None:
                for item in value:
                    writer(item, tag, out)

            return write_flat

        def write(value: Any, tag: str, out: list[str]) -> None:
            out.append(f"<{tag}{space}>")
            for item in value:
                writer(item, inner, out)
            out.append(f"</{tag}>")

        return write

    def _map(self, shape: Shape) -> Compiled:
        write_key, write_value = self.of(shape.key), self.of(shape.value)
        key_tag, value_tag = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        flattened = bool(shape.serialization.get("flattened"))

        def write(value: Mapping[str, Any], tag: str, out: list[str]) -> None:
            if not flattened:
                out.append(f"<{tag}>")
            for key, item in value.items():
                out.append(f"<{tag if flattened else 'entry'}>")
                write_key(key, key_tag, out)
                write_value(item, value_tag, out)
                out.append(f"</{tag if flattened else 'entry'}>")
            if not flattened:
                out.append(f"</{tag}>")

        return write


def _tag(shape: Shape, name: str) -> str:
    """What the member's element is called: a flattened list's by its member, where that has a name."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return wire_name(shape.member, wire_name(shape, name))
    return wire_name(shape, name)
