"""Parameters checked against the constraints of the model, in AWS's words.

Knows: required, enum, pattern, length and value limits; how a violation is worded, counted and
joined; which service answers with which code. Does not know HTTP. Violations are collected, up to so many: nobody reads
the two millionth, and writing all of them down would take longer than anything else that a request can ask for.

Words (behaviours sheet section 6, recorded from Lambda): "1 validation error detected: Value 'V' at
'camelCase.path' failed to satisfy constraint: Member must ...", joined with "; ". Elements of lists
are called `path.1.member`, values of maps `path.KEY.member`; scalars inside lists and maps are
reported at the list or map itself. Values of sensitive shapes are not printed ("Value at 'path'").
API Gateway (v1) begins its paths with the input's name: `putIntegrationInput.type`.
Other services leave out "Member must not be null" for keys and elements: seen from EventBridge and DynamoDB.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from botocore.model import OperationModel, Shape

from lambent.errors import ValidationError
from lambent.protocol.models import members_of
from lambent.protocol.patterns import matcher
from lambent.protocol.timestamps import iso_of

Check: TypeAlias = Callable[[Any, str, list[str]], None]
Rule: TypeAlias = tuple[Callable[[Any], bool], str]  # (does the value keep it?, the words)

NOT_NULL = "Member must not be null"
NOT_NULL_INSIDE = frozenset({"lambda"})
LONGEST_PRINTED, MOST_VIOLATIONS = 1024, 100

# Checked by the service itself, because AWS answers with a code of the service's own.
LEFT_TO_THE_SERVICE = {
    "lambda": frozenset({"Runtime"}),
    "s3": frozenset({"StorageClass", "BucketLocationConstraint", "CopySource", "EncodingType", "FilterRuleName"}),
    "sqs": frozenset({"QueueAttributeName", "MessageSystemAttributeName"}),
}

# How large these may be is a setting of the operator's, and so the service's word.
MOST_LEFT_TO_THE_SERVICE = {"lambda": frozenset({"MemorySize", "Timeout", "EphemeralStorageSize"})}


def camel(name: str) -> str:
    """A member's name as violations call it: `KMSKeyArn` is `kMSKeyArn`."""
    return name[:1].lower() + name[1:]


def printed(value: Any) -> str:
    """A value as Java prints it: `null`, `[a, b]`, `{k=v}`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(map(printed, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={printed(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return iso_of(value) if isinstance(value, datetime) else str(value)


def violation(value: Any, path: str, words: str, sensitive: bool = False) -> str:
    """One violation. A null is printed without quotes."""
    if value is None:
        return f"Value null at '{path}' failed to satisfy constraint: {words}"
    shown = "" if sensitive else f"'{printed(value)[:LONGEST_PRINTED]}' "
    return f"Value {shown}at '{path}' failed to satisfy constraint: {words}"


def message_of(violations: list[str]) -> str:
    """All violations as one message."""
    count = len(violations)
    return f"{count} validation error{'s' if count > 1 else ''} detected: " + "; ".join(violations)


class _Enough(Exception):
    """As many violations as are told."""


class _Violations(list[str]):
    """What was found so far. Raises _Enough when that is enough."""

    def append(self, words: str) -> None:
        super().append(words)
        if len(self) == MOST_VIOLATIONS:
            raise _Enough


class Validator:
    """Compiles checks for the shapes of one service; None where a shape constrains nothing."""

    def __init__(self, service: str) -> None:
        self._most_left = MOST_LEFT_TO_THE_SERVICE.get(service, frozenset())
        self._left = LEFT_TO_THE_SERVICE.get(service, frozenset())
        self._names_input = service == "apigateway"
        self._null_words = [NOT_NULL] if service in NOT_NULL_INSIDE else []
        self._done: dict[str, Check | None] = {}
        self._open: set[str] = set()

    def plan(self, operation: OperationModel) -> Callable[[dict[str, Any]], None]:
        """`parameters -> None` for one operation; raises ValidationError."""
        shape = operation.input_shape
        check = self._check(shape) if shape is not None else None
        start = f"{camel(operation.name)}Input" if self._names_input else ""

        def validate(parameters: dict[str, Any]) -> None:
            found = _Violations()
            if check is not None:
                with contextlib.suppress(_Enough):
                    check(parameters, start, found)
            if found:
                raise ValidationError(message_of(found))

        return validate

    def _check(self, shape: Shape) -> Check | None:
        name = shape.name
        if name in self._open:
            return lambda value, path, found: self._later(name, value, path, found)
        if name not in self._done:
            self._open.add(name)
            try:
                self._done[name] = self._build(shape)
            finally:
                self._open.discard(name)
        return self._done[name]

    def _later(self, name: str, value: Any, path: str, found: list[str]) -> None:
        check = self._done[name]
        if check is not None:
            check(value, path, found)

    def _build(self, shape: Shape) -> Check | None:
        if shape.type_name == "structure":
            return self._structure(shape)
        own = self._own_check(shape)
        inner = {"list": self._elements, "map": self._entries}.get(shape.type_name)
        inside = inner(shape) if inner is not None else None
        return _both(own, inside)

    def _structure(self, shape: Shape) -> Check | None:
        required = [(name, camel(name)) for name in shape.required_members]
        checks = {name: (camel(name), self._check(member)) for name, member in members_of(shape).items()}
        plan = {name: (label, check) for name, (label, check) in checks.items() if check is not None}
        if not required and not plan:
            return None

        def check_structure(value: dict[str, Any], path: str, found: list[str]) -> None:
            prefix = f"{path}." if path else ""
            for name, label in required:
                if value.get(name) is None:
                    found.append(violation(None, prefix + label, NOT_NULL))
            for name, item in value.items():
                if item is not None and (member := plan.get(name)) is not None:
                    label, check = member
                    check(item, prefix + label, found)

        return check_structure

    def _own_check(self, shape: Shape) -> Check | None:
        rules = self._rules(shape)
        if not rules:
            return None
        sensitive = bool(shape.metadata.get("sensitive"))

        def check_value(value: Any, path: str, found: list[str]) -> None:
            for keeps, words in rules:
                if not keeps(value):
                    found.append(violation(value, path, words, sensitive))

        return check_value

    def _rules(self, shape: Shape) -> list[Rule]:
        if shape.name in self._left:
            return []
        facts = shape.metadata
        if shape.name in self._most_left:
            facts = {name: fact for name, fact in facts.items() if name != "max"}
        if shape.type_name in ("integer", "long", "float", "double"):
            return _value_rules(facts)
        rules = _length_rules(facts) if shape.type_name in ("string", "blob", "list", "map") else []
        if shape.type_name == "string":
            rules += _text_rules(facts)
        return rules

    def _elements(self, shape: Shape) -> Check | None:
        member = shape.member
        sensitive = bool(shape.metadata.get("sensitive") or member.metadata.get("sensitive"))
        if member.type_name in ("structure", "list", "map"):
            return _each_element(self._check(member))
        rules = self._rules(member)
        words = f"Member must satisfy constraint: {self._bracketed(rules)}"

        def check_list(value: list[Any], path: str, found: list[str]) -> None:
            if any(item is None or not _keeps_all(rules, item) for item in value):
                found.append(violation(value, path, words, sensitive))

        return check_list

    def _entries(self, shape: Shape) -> Check | None:
        sensitive = any(part.metadata.get("sensitive") for part in (shape, shape.key, shape.value))
        key_rules, value_rules = self._rules(shape.key), self._rules(shape.value)
        key_words = f"Map keys must satisfy constraint: {self._bracketed(key_rules)}"
        value_words = f"Map value must satisfy constraint: {self._bracketed(value_rules)}"
        scalar_values = shape.value.type_name not in ("structure", "list", "map")
        inside = None if scalar_values else self._check(shape.value)

        def check_map(value: dict[str, Any], path: str, found: list[str]) -> None:
            if key_rules and not all(_keeps_all(key_rules, key) for key in value):
                found.append(violation(value, path, key_words, sensitive))
            if scalar_values:
                if any(item is None or not _keeps_all(value_rules, item) for item in value.values()):
                    found.append(violation(value, path, value_words, sensitive))
                return
            for key, item in value.items():
                _one_element(inside, item, f"{path}.{key}.member", found)

        return check_map

    def _bracketed(self, rules: list[Rule]) -> str:
        words = [words for _, words in rules]
        return "[" + ", ".join(words + (self._null_words if words else [NOT_NULL])) + "]"


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check_both(value: Any, path: str, found: list[str]) -> None:
        first(value, path, found)
        second(value, path, found)

    return check_both


def _each_element(check: Check | None) -> Check:
    def check_list(value: list[Any], path: str, found: list[str]) -> None:
        for number, item in enumerate(value, 1):
            _one_element(check, item, f"{path}.{number}.member", found)

    return check_list


def _one_element(check: Check | None, item: Any, path: str, found: list[str]) -> None:
    if item is None:
        found.append(violation(None, path, NOT_NULL))
    elif check is not None:
        check(item, path, found)


def _keeps_all(rules: list[Rule], value: Any) -> bool:
    return all(keeps(value) for keeps, _ in rules)


def _length_rules(facts: dict[str, Any]) -> list[Rule]:
    rules: list[Rule] = []
    if "max" in facts:
        rules.append((_at_most(int(facts["max"])), f"Member must have length less than or equal to {facts['max']}"))
    if "min" in facts:
        rules.append((_at_least(int(facts["min"])), f"Member must have length greater than or equal to {facts['min']}"))
    return rules


def _value_rules(facts: dict[str, Any]) -> list[Rule]:
    rules: list[Rule] = []
    if "max" in facts:
        most = float(facts["max"])
        rules.append((lambda value: value <= most, f"Member must have value less than or equal to {facts['max']}"))
    if "min" in facts:
        least = float(facts["min"])
        rules.append((lambda value: value >= least, f"Member must have value greater than or equal to {facts['min']}"))
    return rules


def _text_rules(facts: dict[str, Any]) -> list[Rule]:
    rules: list[Rule] = []
    if facts.get("pattern"):
        found = matcher(facts["pattern"])
        words = f"Member must satisfy regular expression pattern: {facts['pattern']}"
        rules.append((lambda value: bool(found(value)), words))
    if facts.get("enum"):
        allowed = frozenset(facts["enum"])
        words = f"Member must satisfy enum value set: [{', '.join(facts['enum'])}]"
        rules.append((lambda value: value in allowed, words))
    return rules


def _at_most(most: int) -> Callable[[Any], bool]:
    return lambda value: len(value) <= most


def _at_least(least: int) -> Callable[[Any], bool]:
    return lambda value: len(value) >= least
