"""The validator of JSON schemas of draft 4: the library's, with our regular expressions, which have a time limit. Pure.

A schema of a few lines can ask for more steps than anybody has time for (two references to what holds two references
...), and so can a body under a schema that means no harm. Every keyword that is looked at costs units; who asks says
how many there are, and TooMuch is raised when they are spent. Two keywords are ours besides, as the library compares
every element with every other (uniqueItems) and asks regular expressions that have no limit (additionalProperties).

Apart from `schemas`, which loads it when there is one.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from jsonschema import Draft4Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4

from lambent.mapping.regexes import BadRegex, compiled
from lambent.mapping.violations import told

UNITS_OF_A_REGEX, BYTES_FOR_A_UNIT, MEMBERS_FOR_A_UNIT = 100, 256, 16
WHOLE_NUMBERS = 2.0**53  # below, a float without a fraction is the integer
Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


class TooMuch(Exception):
    """The units are spent."""


class Purse(threading.local):
    """The units that are left, of the thread that asks."""

    left = 0

    def spend(self, units: int) -> None:
        """Raises TooMuch."""
        self.left -= units
        if self.left < 0:
            raise TooMuch


def _matches(purse: Purse, pattern: str, text: str) -> bool:
    purse.spend(UNITS_OF_A_REGEX + len(text) // BYTES_FOR_A_UNIT)
    return compiled(pattern).found_in(text)


def _identity(purse: Purse, value: Any) -> bytes:
    """What only equal values have in common."""
    made = msgspec.json.encode(_plain(value), order="sorted")
    purse.spend(1 + len(made) // BYTES_FOR_A_UNIT)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < WHOLE_NUMBERS else value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def _keywords(purse: Purse) -> dict[str, Keyword]:
    """The keywords that are not the library's."""

    def pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        try:
            if isinstance(instance, str) and not _matches(purse, pattern, instance):
                yield ValidationError(f"{instance[:40]!r} does not match {pattern!r}")
        except BadRegex as error:
            yield ValidationError(str(error))

    def pattern_properties(
        validator: Any, properties: Mapping[str, Any], instance: Any, _: Any
    ) -> Iterator[ValidationError]:
        if not isinstance(instance, dict):
            return
        for pattern, schema in properties.items():
            for name, value in instance.items():
                try:
                    if _matches(purse, pattern, name):
                        yield from validator.descend(value, schema, path=name, schema_path=pattern)
                except BadRegex as error:
                    yield ValidationError(str(error))

    def additional_properties(
        validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        if not isinstance(instance, dict):
            return
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, value in instance.items():
            try:
                if name in named or any(_matches(purse, pattern, name) for pattern in patterns):
                    continue
            except BadRegex as error:
                yield ValidationError(str(error))
                continue
            if isinstance(wanted, dict):
                yield from validator.descend(value, wanted, path=name)
            elif not wanted:
                yield ValidationError("additional properties are not allowed")
                return

    def unique_items(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
        if not wanted or not isinstance(instance, list):
            return
        seen: set[bytes] = set()
        for each in instance:
            seen.add(_identity(purse, each))
        if len(seen) < len(instance):
            yield ValidationError("the elements are not unique")

    def enum(_: Any, allowed: list[Any], instance: Any, __: Any) -> Iterator[ValidationError]:
        found = _identity(purse, instance)
        if all(_identity(purse, each) != found for each in allowed):
            yield ValidationError("the value is not one of those that are allowed")

    return {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
        "uniqueItems": unique_items,
        "enum": enum,
    }


def _paid(purse: Purse, keyword: Keyword) -> Keyword:
    """The keyword, which has to be paid for by what it looks through."""

    def run(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        purse.spend(1 + (len(wanted) // MEMBERS_FOR_A_UNIT if isinstance(wanted, (dict, list)) else 0))
        return keyword(validator, wanted, instance, schema)

    return run


class Validation:
    """By one schema; `others` are those that its `$ref`s may lead to, by URL."""

    def __init__(self, schema: Any, others: Mapping[str, Any]) -> None:
        resources = [(url, Resource.from_contents(other, DRAFT4)) for url, other in others.items()]
        registry: Registry[Any] = Registry().with_resources(resources)
        self._purse = purse = Purse()
        keywords = {**Draft4Validator.VALIDATORS, **_keywords(purse)}
        paid = {name: _paid(purse, keyword) for name, keyword in keywords.items()}
        validator: Any = validators.extend(Draft4Validator, paid)  # type: ignore[no-untyped-call]
        self._validator = validator(schema, registry=registry)

    def problems(self, body: Any, units: int) -> str:
        """What is wrong with `body`, "" for nothing. Nothing is right where a `$ref` leads nowhere. Raises TooMuch."""
        self._purse.left = units
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
