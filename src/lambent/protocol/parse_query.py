"""Forms of the query protocol read into parameters, by the model.

Knows: `Name.member.1.Key=value`, flattened lists and maps, custom member names. Does not know
where the form came from (body or query string), nor constraints.

Source: AWS Query protocol as botocore's serializer and Smithy's "AWS Query protocol" page describe it.
"""

from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from botocore.model import Shape

from lambent.protocol.failures import Unparsable
from lambent.protocol.models import members_of, wire_name
from lambent.protocol.shapes import Compiled
from lambent.protocol.text import TextReader

V = TypeVar("V")
Form: TypeAlias = dict[str, Any]  # of texts and of forms
SCALARS = frozenset({"string", "character", "boolean", "integer", "long", "float", "double", "blob", "timestamp"})
DEEPEST = 60


def form_of(text: str) -> Form:
    """The pairs of a form as a tree: `A.B.1=x` is `{"A": {"B": {"1": "x"}}}`. A name that has both a
    value and names below it keeps only what is below.

    Raises:
        Unparsable: a name has more parts than any model.
    """
    tree: Form = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        parts = name.split(".")
        if len(parts) > DEEPEST:
            raise Unparsable("A parameter's name has too many parts")
        branch = tree
        for part in parts[:-1]:
            below = branch.get(part)
            if not isinstance(below, dict):
                below = branch[part] = {}
            branch = below
        if not isinstance(branch.get(parts[-1]), dict):
            branch[parts[-1]] = value
    return tree


def text_at(form: Form, name: str) -> str:
    """The value called `name`, or nothing."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


class QueryReader(TextReader):
    """Compiles `node -> value`, a node being a text or a tree."""

    def _build(self, shape: Shape) -> Compiled:
        read_text = super()._build(shape)
        if shape.type_name not in SCALARS:
            return read_text

        def read(node: Form | str) -> Any:
            if not isinstance(node, str):
                raise Unparsable(f"A value of type {shape.type_name} is expected, not a structure")
            return read_text(node)

        return read

    def _structure(self, shape: Shape) -> Compiled:
        plan = [(_form_name(member, name), name, self.of(member)) for name, member in members_of(shape).items()]

        def read(node: Form | str) -> dict[str, Any]:
            if isinstance(node, str):
                return _empty(node, {})
            return {name: reader(node[key]) for key, name, reader in plan if key in node}

        return read

    def _list(self, shape: Shape) -> Compiled:
        reader = self.of(shape.member)
        below = None if shape.serialization.get("flattened") else wire_name(shape.member, "member")

        def read(node: Form | str) -> list[Any]:
            if below is not None and isinstance(node, dict):
                node = node.get(below, node)
            return _empty(node, []) if isinstance(node, str) else [reader(item) for item in _in_order(node)]

        return read

    def _map(self, shape: Shape) -> Compiled:
        read_key, read_value = self.of(shape.key), self.of(shape.value)
        key_name, value_name = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        flattened = shape.serialization.get("flattened")

        def read(node: Form | str) -> dict[str, Any]:
            if not flattened and isinstance(node, dict):
                node = node.get("entry", node)
            if isinstance(node, str):
                return _empty(node, {})
            found = {}
            for entry in _in_order(node):
                if not isinstance(entry, dict) or key_name not in entry:
                    raise Unparsable(f"An entry of a map has a {key_name} and a {value_name}")
                found[read_key(entry[key_name])] = read_value(entry[value_name]) if value_name in entry else None
            return found

        return read


def _form_name(shape: Shape, name: str) -> str:
    """A flattened list is called by its member's name, where that has one."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return wire_name(shape.member, wire_name(shape, name))
    return wire_name(shape, name)


def _empty(text: str, value: V) -> V:
    if text:
        raise Unparsable(f"Unexpected value {text[:40]!r}: a list, a map or a structure is expected")
    return value


def _in_order(node: Form) -> list[Form | str]:
    if not all(key.isascii() and key.isdigit() and len(key) < 10 for key in node):
        raise Unparsable("The elements of a list are numbered from 1")
    return [node[key] for key in sorted(node, key=int)]
