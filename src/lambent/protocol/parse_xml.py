"""XML read into parameters, by the model.

Knows: elements, attributes, flattened lists and maps; namespaces are not compared. A document type
is refused, so that no entity can grow. Does not know HTTP.

Source: Smithy's "AWS restXml protocol" page; botocore's serializer for what clients send.
"""

from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from botocore.model import Shape

from lambent.protocol.failures import Unparsable
from lambent.protocol.models import location_of, members_of, wire_name
from lambent.protocol.parse_query import SCALARS
from lambent.protocol.shapes import Compiled
from lambent.protocol.text import TextReader

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
DEEPEST = 100


class _Tree(TreeBuilder):
    """Builds elements; refuses document types and endless nesting."""

    _depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise Unparsable(MALFORMED)

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unparsable(MALFORMED)
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def decode_xml(body: bytes) -> Element:
    """The root element of `body`; of an empty body, an element without children.

    Raises:
        Unparsable: it is not XML, or has a document type.
    """
    if not body:
        return Element("")
    # The standard parser is safe here: expat limits amplification, and _Tree refuses what could amplify.
    parser = XMLParser(target=_Tree())  # noqa: S314
    try:
        parser.feed(body)
        root = parser.close()
    except (ParseError, ValueError, LookupError):
        raise Unparsable(MALFORMED) from None
    if not isinstance(root, Element):
        raise Unparsable(MALFORMED)
    return root


def local_name(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]


class XmlReader(TextReader):
    """Compiles `element -> value`; flattened lists and maps take a list of elements."""

    def _build(self, shape: Shape) -> Compiled:
        read = super()._build(shape)
        if shape.type_name in SCALARS:
            return lambda element: read(element.text or "")
        return read

    def structure_of(self, members: dict[str, Shape]) -> Compiled:
        """A reader for an element with these members."""
        inside: dict[str, tuple[str, Compiled, bool]] = {}
        attributes = {}
        for name, shape in members.items():
            if shape.serialization.get("xmlAttribute"):
                attributes[wire_name(shape, name).rpartition(":")[2]] = name
            else:
                for tag in _tags(shape, name):
                    inside.setdefault(tag, (name, self.of(shape), bool(shape.serialization.get("flattened"))))

        def read(element: Element) -> dict[str, Any]:
            value: dict[str, Any] = {}
            repeated: dict[str, tuple[Compiled, list[Element]]] = {}
            for child in element:
                if (member := inside.get(local_name(child.tag))) is None:
                    continue
                name, reader, flattened = member
                if flattened:
                    repeated.setdefault(name, (reader, []))[1].append(child)
                else:
                    value[name] = reader(child)
            for name, (reader, elements) in repeated.items():
                value[name] = reader(elements)
            for key, text in element.attrib.items() if attributes else ():
                if (attribute := attributes.get(local_name(key))) is not None:
                    value[attribute] = text
            return value

        return read

    def _structure(self, shape: Shape) -> Compiled:
        return self.structure_of({k: m for k, m in members_of(shape).items() if location_of(m) is None})

    def _list(self, shape: Shape) -> Compiled:
        reader = self.of(shape.member)
        return lambda elements: [reader(element) for element in elements]

    def _map(self, shape: Shape) -> Compiled:
        read_key, read_value = self.of(shape.key), self.of(shape.value)
        key_tag, value_tag = wire_name(shape.key, "key"), wire_name(shape.value, "value")

        def read(entries: Any) -> dict[str, Any]:
            found = {}
            for entry in entries:
                parts = {local_name(part.tag): part for part in entry}
                if key_tag not in parts or value_tag not in parts:
                    raise Unparsable(MALFORMED)
                found[read_key(parts[key_tag])] = read_value(parts[value_tag])
            return found

        return read


def _tags(shape: Shape, name: str) -> set[str]:
    """What the member's element may be called: clients name a flattened list by itself or by its member."""
    tags = {wire_name(shape, name)}
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        tags.add(wire_name(shape.member, wire_name(shape, name)))
    return tags
