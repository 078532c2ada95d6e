"""Which route of an API a request takes. Pure.

A route key is `METHOD /path` or `$default`; a path may have `{name}` for one segment, and `{name+}` last for all
that is left. The most specific route wins: segment by segment a literal before a parameter before the rest, and
at the same path the method before ANY. Where the choice leads nowhere further down, the next best is tried.

Source: API Gateway Developer Guide, "Create routes for HTTP APIs in API Gateway" (route selection). That the
choice is made segment by segment is our reading of its examples.
"""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote

R = TypeVar("R")
ANY, DEFAULT = "ANY", "$default"


class Match(NamedTuple, Generic[R]):
    """A route, and what the parameters of its path are, decoded."""

    route: R
    parameters: dict[str, str]


class Node(Generic[R]):
    """One place in the tree of paths: routes that end here, by method, and where paths go on."""

    __slots__ = ("children", "greedy", "parameter", "routes")

    def __init__(self) -> None:
        self.routes: dict[str, tuple[R, tuple[str, ...]]] = {}
        self.greedy: dict[str, tuple[R, tuple[str, ...]]] = {}
        self.children: dict[str, Node[R]] = {}
        self.parameter: Node[R] | None = None


class RouteTable(Generic[R]):
    """All routes of a stage, by their keys."""

    def __init__(self, routes: Iterable[tuple[str, R]]) -> None:
        self._root: Node[R] = Node()
        self._plain: dict[str, dict[str, Match[R]]] = {}
        self._default: Match[R] | None = None
        for key, route in routes:
            if key == DEFAULT:
                self._default = Match(route, {})
            else:
                method, _, path = key.partition(" ")
                self._add(method, path, route)

    def match(self, method: str, path: str) -> Match[R] | None:
        """The route of a request; `path` as on the request line."""
        plain = self._plain.get(path)
        if plain is not None:  # nothing is more specific than a path without parameters
            found = plain.get(method) or plain.get(ANY)
            if found is not None:
                return found
        segments = path[1:].split("/")
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        return _find(self._root, method, segments, 0, ()) or self._default

    def _add(self, method: str, path: str, route: R) -> None:
        if "{" not in path:
            self._plain.setdefault(path, {})[method] = Match(route, {})
        node = self._root
        names: list[str] = []
        for segment in path[1:].split("/"):
            if not segment.startswith("{"):
                node = node.children.setdefault(segment, Node())
                continue
            if segment.endswith("+}"):
                node.greedy[method] = route, (*names, segment[1:-2])
                return
            names.append(segment[1:-1])
            node.parameter = node.parameter or Node()
            node = node.parameter
        node.routes[method] = route, tuple(names)


def _find(node: Node[R], method: str, segments: list[str], at: int, values: tuple[str, ...]) -> Match[R] | None:
    if at == len(segments):
        ended = node.routes.get(method) or node.routes.get(ANY)
        return None if ended is None else Match(ended[0], dict(zip(ended[1], values, strict=True)))
    segment = segments[at]
    child = node.children.get(segment)
    found = None if child is None else _find(child, method, segments, at + 1, values)
    if found is None and node.parameter is not None and segment:
        found = _find(node.parameter, method, segments, at + 1, (*values, segment))
    if found is None and (rest := "/".join(segments[at:])):
        greedy = node.greedy.get(method) or node.greedy.get(ANY)
        found = None if greedy is None else Match(greedy[0], dict(zip(greedy[1], (*values, rest), strict=True)))
    return found
