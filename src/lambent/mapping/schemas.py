"""JSON schemas of models (draft 4), and whether a body is what one describes. Pure.

Nothing is ever fetched: a `$ref` names a definition of its own or another model of the API. Regular expressions have a
time limit (regexes.py).

Source: API Gateway Developer Guide, "Data models for REST APIs" (`$ref` with
https://apigateway.amazonaws.com/restapis/API/models/NAME).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from jsonschema import Draft4Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4

from lambent.mapping.regexes import BadRegex, compiled

MODELS = "https://apigateway.amazonaws.com/restapis/"
LONGEST = 400 * 1024


class BadSchema(Exception):
    """It is no schema."""


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


class Schema:
    """A model's schema, ready to be used.

    Args:
        text: the schema.
        others: the schemas of the API's models, by the URL that a `$ref` names.
    """

    def __init__(self, text: str, others: Mapping[str, str]) -> None:
        resources = [(url, Resource.from_contents(parsed(other), DRAFT4)) for url, other in others.items()]
        registry: Registry[Any] = Registry().with_resources(resources)
        self._validator = Validator(parsed(text), registry=registry)

    def accepts(self, body: Any) -> bool:
        """Whether `body` is what it describes; nothing is, where a `$ref` leads nowhere."""
        try:
            return bool(self._validator.is_valid(body))
        except (Unresolvable, RecursionError):
            return False


def parsed(text: str) -> Any:
    """The schema in a text. Raises BadSchema."""
    if len(text) > LONGEST:
        raise BadSchema(f"a schema has at most {LONGEST} characters")
    try:
        schema = msgspec.json.decode(text)
        if not isinstance(schema, dict):
            raise BadSchema("a schema is a JSON object")
        Draft4Validator.check_schema(schema)
    except (msgspec.DecodeError, SchemaError, RecursionError) as error:
        raise BadSchema(f"it is no JSON schema (draft 4): {str(error).splitlines()[0]}") from None
    return schema
