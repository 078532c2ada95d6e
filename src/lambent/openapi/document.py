"""An OpenAPI or Swagger document as plain values, from JSON or YAML, and the references inside it.

YAML is read with the values that JSON has and no others: dates stay text, keys become text. It may have so many values,
which are counted before any is made, as each takes a hundred times as long as in JSON; and so many with its aliases
written out, as a short text could stand for an endless document. References lead into the document only.

Source: OpenAPI Specification 3.0.3 ("Format", "Reference Object") and 2.0; RFC 6901.
"""

from typing import Any

import msgspec
import yaml

MOST_BYTES = 6 * 1024 * 1024
MOST_HOPS, MOST_DEPTH, MOST_VALUES, MOST_EVENTS = 32, 64, 250_000, 250_000
Document = dict[str, Any]


class BadDocument(Exception):
    """It cannot be read; the message says why."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with JSON's values, by libyaml where PyYAML was built with it."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith((":timestamp", ":merge", ":value"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> Document:
    """The document. Raises BadDocument."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise BadDocument(f"it is longer than {MOST_BYTES} bytes")
    try:
        found = msgspec.json.decode(text) if text.lstrip().startswith("{") else _Plain().of(_yaml(text), 0)
    except (msgspec.DecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadDocument(f"it is neither JSON nor YAML: {error}") from None
    if not isinstance(found, dict):
        raise BadDocument("it is no object")
    return found


def written(document: Document, *, as_yaml: bool) -> bytes:
    """The document as text."""
    if not as_yaml:
        return msgspec.json.format(msgspec.json.encode(document), indent=2)
    text: str = yaml.safe_dump(msgspec.json.decode(msgspec.json.encode(document)), sort_keys=False, allow_unicode=True)
    return text.encode()


def version_of(document: Document) -> str:
    """`2.0`, `3.0.1`, ... Raises BadDocument."""
    version = document.get("openapi") or document.get("swagger")
    if not isinstance(version, str | int | float):
        raise BadDocument("it has neither openapi nor swagger with a version")
    return str(version)


def resolved(document: Document, value: Any) -> Any:
    """What `value` is, or refers to. Raises BadDocument."""
    for _ in range(MOST_HOPS):
        if not isinstance(value, dict) or "$ref" not in value:
            return value
        value = _pointed(document, value["$ref"])
    raise BadDocument("its references lead in a circle")


def _pointed(document: Document, reference: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise BadDocument(f"it refers to {reference!r}; only references into the document itself are taken")
    found: Any = document
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            raise BadDocument(f"it refers to {reference}, which is not there")
        found = found[key]
    return found


def _yaml(text: str) -> Any:
    _check_events(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506  (a safe one)


def _check_events(text: str) -> None:
    """Raises BadDocument for what must not be composed: libyaml's own recursion could end the process."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if number > MOST_EVENTS:
            raise BadDocument(f"as YAML it has more than {MOST_EVENTS} values; as JSON it may have more")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                raise BadDocument("it is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Plain:
    """Makes JSON's values of what YAML gave."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def of(self, value: Any, depth: int) -> Any:
        """A copy in which nothing is shared. Raises BadDocument."""
        self._left -= 1
        if depth > MOST_DEPTH or not self._left:
            raise BadDocument("it is nested too deeply" if self._left else f"it has more than {MOST_VALUES} values")
        if isinstance(value, dict):
            return {_key(key): self.of(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self.of(each, depth + 1) for each in value]
        if value is None or isinstance(value, str | bool | int | float):
            return value
        raise BadDocument(f"it has a value of a kind that JSON lacks: {type(value).__name__}")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key)
