"""Many patterns at once: which of them want this event?

Nearly every rule names its sources or detail types exactly, so each pattern is filed under the exact
strings of one top-level field, the one with the fewest, and only those that the event's own strings
lead to are tried. The rest, which name none, are tried for every event.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from lambent.patterns.match import Event, Pattern, elements

T = TypeVar("T")


class RuleSet(Generic[T]):
    """Patterns, each with whatever its owner files under it. Made once, then only asked."""

    def __init__(self, rules: Iterable[tuple[Pattern, T]]) -> None:
        self._filed: dict[str, dict[str, list[tuple[Pattern, T]]]] = {}
        self._others: list[tuple[Pattern, T]] = []
        for pattern, owner in rules:
            self._file(pattern, owner)

    def matching(self, event: Mapping[str, Any]) -> list[T]:
        """The owners of the patterns that want `event`."""
        tried = Event(event)
        return [owner for pattern, owner in self._candidates(event) if pattern.match_in(tried)]

    def _file(self, pattern: Pattern, owner: T) -> None:
        if not pattern.exact:
            self._others.append((pattern, owner))
            return
        field = min(pattern.exact, key=lambda name: len(pattern.exact[name]))
        shelf = self._filed.setdefault(field, {})
        for string in pattern.exact[field]:
            shelf.setdefault(string, []).append((pattern, owner))

    def _candidates(self, event: Mapping[str, Any]) -> Iterator[tuple[Pattern, T]]:
        for field, shelf in self._filed.items():
            value = event.get(field)
            if isinstance(value, str):
                yield from shelf.get(value, ())
            elif isinstance(value, list):
                strings = (each for each in elements(value) if isinstance(each, str))
                found = {id(filed): filed for string in strings for filed in shelf.get(string, ())}
                yield from found.values()
        yield from self._others
