"""PATCH, as every Update operation takes it: a table of paths for each kind of part, and one engine. Pure.

A rule says which path may be changed by which operation and how. A path that no rule has is refused with the
paths that would do, and so is a value that is not what its member takes; nothing of the request is kept then.

Source: API Gateway API Reference, "Patch operations"; RFC 6901 for ~0 and ~1 in paths.
"""

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from lambent.model.rest_api import Part
from lambent.services.apigateway.errors import BadRequest

Change = Callable[[Part, str, list[str], str], None]
Convert = Callable[[str], Any]
MOST = 200
NAMES = {"{}": "([^/]*)", "{+}": "(.+)"}


class Rule(Struct, frozen=True):
    """`path` has {} for a segment of any name, and {+} for a name that may have slashes, as some tools write resources'
    paths; `change` gets the part, the operation, those names and the value."""

    path: str
    operations: frozenset[str]
    change: Change

    @property
    def form(self) -> re.Pattern[str]:
        """What matches the path of an operation."""
        return re.compile("/".join(NAMES.get(each) or re.escape(each) for each in self.path.split("/")))


def patched(part: Mapping[str, Any], operations: Iterable[Mapping[str, str]], rules: Iterable[Rule]) -> Part:
    """A copy of `part`, changed. Raises BadRequest."""
    new: Part = copy.deepcopy(dict(part))
    given, table = list(operations), [(rule.form, rule) for rule in rules]
    if len(given) > MOST:
        raise BadRequest(f"A request has at most {MOST} patch operations.")
    for operation in given:
        op, path = operation.get("op", ""), operation.get("path", "")
        rule, names = _rule(op, path, table)
        rule.change(new, op, names, operation.get("from" if op == "copy" else "value") or "")
    return new


def _rule(op: str, path: str, table: list[tuple[re.Pattern[str], Rule]]) -> tuple[Rule, list[str]]:
    for form, rule in table:
        match = form.fullmatch(path)
        if match is not None and op in rule.operations:
            return rule, [each.replace("~1", "/").replace("~0", "~") for each in match.groups()]
    there = sorted(
        {rule.path.replace("{}", "{name}").replace("{+}", "{name}") for _, rule in table if op in rule.operations}
    )
    if not there:
        raise BadRequest("Invalid patch operation specified. Must be 'add'|'remove'|'replace'|'copy' where it applies.")
    raise BadRequest(f"Invalid patch path '{path}' specified for op '{op}'. Must be one of: [{', '.join(there)}]")


def text(value: str) -> str:
    """A string as it is."""
    return value


def boolean(value: str) -> bool:
    """true or false. Raises BadRequest."""
    if value.lower() not in ("true", "false"):
        raise BadRequest(f"Invalid value '{value}': it takes true or false.")
    return value.lower() == "true"


def integer(value: str) -> int:
    """Raises BadRequest."""
    if not re.fullmatch(r"-?\d{1,10}", value):
        raise BadRequest(f"Invalid value '{value}': it takes a whole number.")
    return int(value)


def number(value: str) -> float:
    """Raises BadRequest."""
    if not re.fullmatch(r"-?\d{1,12}(\.\d{1,12})?", value):
        raise BadRequest(f"Invalid value '{value}': it takes a number.")
    return float(value)


def one_of(*choices: str) -> Convert:
    """One of these words. The function raises BadRequest."""

    def convert(value: str) -> str:
        if value not in choices:
            raise BadRequest(f"Invalid value '{value}': it takes {', '.join(choices)}.")
        return value

    return convert


def scalar(path: str, convert: Convert = text, *, removable: bool = True) -> Rule:
    """One member, or a member of a member: /throttle/rateLimit. A remove, or an empty replace, takes it away."""
    *way, last = path[1:].split("/")

    def change(part: Part, op: str, _: list[str], value: str) -> None:
        owner = part
        for name in way:
            owner = owner.setdefault(name, {})
        if op == "remove" or (removable and value == ""):
            owner.pop(last, None)
        else:
            owner[last] = convert(value)

    return Rule(path, frozenset({"replace", "add", "remove"} if removable else {"replace"}), change)


def entries(member: str, convert: Convert = text) -> Rule:
    """The entries of a map: /requestParameters/NAME."""
    *way, last = member.split("/")

    def change(part: Part, op: str, names: list[str], value: str) -> None:
        owner = part
        for name in way:
            owner = owner.setdefault(name, {})
        held = owner.setdefault(last, {})
        if op == "remove":
            if names[0] not in held:
                raise BadRequest(f"Invalid patch path: {member} has no {names[0]}.")
            del held[names[0]]
        else:
            held[names[0]] = convert(value)

    return Rule(f"/{member}/{{}}", frozenset({"add", "remove", "replace"}), change)


def elements(member: str) -> Rule:
    """The elements of a list of strings: /binaryMediaTypes/image~1png. A replace puts another in its place."""

    def change(part: Part, op: str, names: list[str], value: str) -> None:
        held = [each for each in part.get(member, []) if each != names[0]]
        part[member] = held + ([] if op == "remove" else [value if op == "replace" else names[0]])

    return Rule(f"/{member}/{{}}", frozenset({"add", "remove", "replace"}), change)


def whole(member: str) -> Rule:
    """A member that can only be taken away as a whole."""
    return Rule(f"/{member}", frozenset({"remove"}), lambda part, _op, _names, _value: part.pop(member, None) and None)
