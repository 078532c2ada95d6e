"""The validator of JSON schemas of draft 4: the library's, with our regular expressions, which have a time limit. Pure.

Apart from `schemas`, which loads it when there is one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft4Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4

from lambent.mapping.regexes import BadRegex, compiled
from lambent.mapping.violations import told


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    try:
        if isinstance(instance, str) and not compiled(pattern).found_in(instance):
            yield ValidationError(f"{instance[:40]!r} does not match {pattern!r}")
    except BadRegex as error:
        yield ValidationError(str(error))


def _pattern_properties(
    validator: Any, properties: Mapping[str, Any], instance: Any, _: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, schema in properties.items():
        for name, value in instance.items():
            try:
                if compiled(pattern).found_in(name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)
            except BadRegex as error:
                yield ValidationError(str(error))


KEYWORDS = {"pattern": _pattern, "patternProperties": _pattern_properties}
Validator: Any = validators.extend(Draft4Validator, KEYWORDS)  # type: ignore[no-untyped-call]


class Validation:
    """By one schema; `others` are those that its `$ref`s may lead to, by URL."""

    def __init__(self, schema: Any, others: Mapping[str, Any]) -> None:
        resources = [(url, Resource.from_contents(other, DRAFT4)) for url, other in others.items()]
        registry: Registry[Any] = Registry().with_resources(resources)
        self._validator = Validator(schema, registry=registry)

    def problems(self, body: Any) -> str:
        """What is wrong with `body`, "" for nothing. Nothing is right where a `$ref` leads nowhere."""
        try:
            return "" if self._validator.is_valid(body) else told(self._validator.iter_errors(body))
        except Unresolvable as error:
            return f"[the schema refers to nothing that is there: {error.ref}]"
        except RecursionError:
            return "[the body or the schema is nested too deep]"


def why_not(schema: Any) -> str:
    """What keeps it from being a schema; "" where nothing does. Raises RecursionError."""
    try:
        Draft4Validator.check_schema(schema)
    except SchemaError as error:
        return str(error).splitlines()[0]
    return ""
