"""A pattern compiled: closures over plain values, one for each object and each list of the pattern.

What counts, as in AWS's rule engine:
- Every field of the pattern must hold (and), one value of its list must (or), and one branch of each `$or`.
- A list in the event holds if one of its elements does; fields asked of a list of objects must hold in
  one and the same element.
- Only scalars are values. `exists` looks for one, so a field that holds an object, `{}` or `[]` is absent;
  `{"exists": false}` holds when no element of any list on the way has the field.
- Numbers are compared by value (300 is 3.0e2), strings and numbers are never equal, nor is `true` 1.

Events are anybody's, and are matched beside everybody's requests. So each question that is about the whole event is
answered once for it (`Event`), not once for each element that asks; and lists in lists are walked without recursion,
however deep they are. What is left of recursion is as deep as the pattern.

Rejected: one automaton over all rules, as AWS's engine has. It pays off from thousands of rules that
share fields; rule_set.py gets the most of it from an index over the exact strings.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lambent.patterns.errors import InvalidPattern
from lambent.patterns.operators import ONE_KEY, Reasons, Test, make_test
from lambent.patterns.reader import Node, read

OR = "$or"
MOST_COMBINATIONS = 1000  # "Using $or": the branches of all $or multiplied
MISSING: Any = object()
Path = tuple[str, ...]


class Event:
    """An event, decoded JSON, while patterns are tried on it."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self._known: dict[Path, bool] = {}

    def has(self, path: Path) -> bool:
        """Whether some way along `path`, through any element of any list, ends at a scalar."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = _is_anywhere(self.value, path)
        return known


Match = Callable[[Any, Event], bool]  # of a part of the event, and the event


class Pattern(Struct, frozen=True):
    """A compiled pattern. `exact` holds the top-level fields that only certain strings satisfy."""

    match: Match
    exact: Mapping[str, frozenset[str]]
    fields: Mapping[str, bool]

    def matches(self, event: Any) -> bool:
        """Whether `event`, decoded JSON, is wanted."""
        return self.match_in(Event(event))

    def match_in(self, event: Event) -> bool:
        """The same, for an event that other patterns are tried on too."""
        return self.match(event.value, event)


def compile_pattern(text: str) -> Pattern:
    """The pattern that `text` writes down. Raises InvalidPattern."""
    node = read(text)
    if not isinstance(node.value, dict):
        raise InvalidPattern("Filter is not an object", text, node.at)
    compiler = _Compiler(text)
    match, combinations = compiler.branch(node, ())
    if combinations > MOST_COMBINATIONS:
        raise InvalidPattern(
            f"The branches of $or make {combinations} combinations, which is more than {MOST_COMBINATIONS}",
            text,
            len(text),
        )
    exact = {name: _only_strings(inner) for name, inner in node.value.items()}
    fields = {name: isinstance(inner.value, dict) for name, inner in node.value.items() if name != OR}
    return Pattern(match, {name: strings for name, strings in exact.items() if strings}, fields)


class _Compiler:
    """Makes the closures of one pattern's text."""

    def __init__(self, text: str) -> None:
        self._reasons = Reasons(text)

    def branch(self, node: Node, path: Path) -> tuple[Match, int]:
        """The test of an object, and how many combinations its `$or` make."""
        assert isinstance(node.value, dict)
        if not node.value:
            raise self._reasons.refuse(node, "Empty objects are not allowed")
        parts: list[tuple[str, Match]] = []
        alternatives: list[tuple[Match, ...]] = []
        combinations = 1
        for name, inner in node.value.items():
            if name == OR:
                matches, count = self._either(inner, path)
                alternatives.append(matches)
            elif isinstance(inner.value, dict):
                match, count = self.branch(inner, (*path, name))
                parts.append((name, match))
            elif isinstance(inner.value, list):
                parts.append((name, self._leaf(inner, (*path, name))))
                count = 1
            else:
                raise self._reasons.refuse(inner, f'"{name}" must be an object or an array')
            combinations *= count
        return _all_of(tuple(parts), tuple(alternatives)), combinations

    def _either(self, node: Node, path: Path) -> tuple[tuple[Match, ...], int]:
        if not isinstance(node.value, list):
            raise self._reasons.refuse(node, f"It must be an Array followed with {OR}.")
        made = []
        for each in node.value:
            if not isinstance(each.value, dict):
                raise self._reasons.refuse(each, f"Only JSON object is allowed in array of {OR} relationship.")
            self._check_names(each.value)
            made.append(self.branch(each, path))
        if len(made) < 2:
            raise self._reasons.refuse(node, f"There must have at least 2 Objects in {OR} relationship.")
        return tuple(match for match, _ in made), sum(count for _, count in made)

    def _check_names(self, members: dict[str, Node]) -> None:
        for name, inner in members.items():
            if name in _OPERATORS:
                raise self._reasons.refuse(
                    inner, f"{name} is Ruler reserved fieldName which cannot be used inside {OR}."
                )

    def _leaf(self, node: Node, path: Path) -> Match:
        assert isinstance(node.value, list)
        if not node.value:
            raise self._reasons.refuse(node, "Empty arrays are not allowed")
        strings, others, tests = set[str](), list[Any](), list[Test]()
        absent = False
        for each in node.value:
            if isinstance(each.value, str):
                strings.add(each.value)
            elif isinstance(each.value, list):
                raise self._reasons.refuse(each, "Match value must be String, number, true, false, or null")
            elif isinstance(each.value, dict):
                if self._is_exists(each):
                    absent = absent or each.value["exists"].value is False
                    tests += [_anything] if each.value["exists"].value else []
                else:
                    tests.append(self._operator(each))
            else:
                others.append(each.value)
        tests += [_is_one_of(others)] if others else []
        return _leaf(path, frozenset(strings), tuple(tests), absent=absent)

    def _is_exists(self, node: Node) -> bool:
        assert isinstance(node.value, dict)
        inner = node.value.get("exists")
        if inner is None:
            return False
        if not isinstance(inner.value, bool):
            raise self._reasons.refuse(inner, "exists match pattern must be either true or false.")
        if len(node.value) > 1:
            raise self._reasons.refuse(node, ONE_KEY)
        return True

    def _operator(self, node: Node) -> Test:
        assert isinstance(node.value, dict)
        if not node.value:
            raise self._reasons.refuse(node, "Match expression name not found")
        ((name, operand), *more) = node.value.items()
        test = make_test(name, operand, self._reasons)
        if more:
            raise self._reasons.refuse(more[0][1], ONE_KEY)
        return test


_OPERATORS = frozenset(
    ("exactly", "prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric", "cidr", "exists")
)


def _all_of(parts: tuple[tuple[str, Match], ...], alternatives: tuple[tuple[Match, ...], ...]) -> Match:
    def branch(value: Any, event: Event) -> bool:
        if type(value) is list and value:
            return any(branch(each, event) for each in elements(value))
        fields = value if type(value) is dict else {}
        for name, match in parts:
            if not match(fields.get(name, MISSING), event):
                return False
        return all(any(match(value, event) for match in matches) for matches in alternatives)

    return branch


def _leaf(path: Path, strings: frozenset[str], tests: tuple[Test, ...], *, absent: bool) -> Match:
    def leaf(value: Any, event: Event) -> bool:
        kind = type(value)
        if kind is str and value in strings:
            return True
        if kind is list:
            return any(leaf(each, event) for each in elements(value)) if value else leaf(MISSING, event)
        if value is MISSING or kind is dict:
            return absent and not event.has(path)
        return any(test(value) for test in tests)

    return leaf


def _is_anywhere(value: Any, path: Path) -> bool:
    if type(value) is list:
        return any(_is_anywhere(each, path) for each in elements(value) if type(each) is not list)
    if not path:
        return type(value) is not dict
    return type(value) is dict and path[0] in value and _is_anywhere(value[path[0]], path[1:])


def elements(values: list[Any]) -> Iterator[Any]:
    """What is in a list and the lists in it: scalars, objects, and lists in which nothing is."""
    rest = [iter(values)]
    while rest:
        for value in rest[-1]:
            if type(value) is list and value:
                rest.append(iter(value))
                break
            yield value
        else:
            rest.pop()


def _anything(_: Any) -> bool:
    return True


def _is_one_of(values: list[Any]) -> Test:
    """Of numbers, booleans and null: 1 and true are equal to Python, and not here."""
    numbers = frozenset(value for value in values if type(value) in (int, float))
    constants = [value for value in values if type(value) not in (int, float)]

    def test(value: Any) -> bool:
        if type(value) in (int, float):
            return value in numbers
        return any(value is each for each in constants)

    return test


def _only_strings(node: Node) -> frozenset[str]:
    """The strings of a list that holds nothing else; otherwise none."""
    values = [each.value for each in node.value] if isinstance(node.value, list) else []
    strings = [value for value in values if isinstance(value, str)]
    return frozenset(strings) if len(strings) == len(values) else frozenset()
