"""Which operation of a REST service a method, a path and a query name.

Knows: `requestUri` templates: labels, greedy labels (`{Key+}`), literal queries (`?acl`,
`?List=ALL`); and, where S3 gives one address to several operations, the members each requires in
the query or in headers. Does not know bodies.

How: templates stand in a tree by path segment, literals before labels, labels before greedy ones.
At the place that is found, the routes are tried from the most demanding to the least; where none has
all that it requires, the first whose literal query is there takes the request, so that the caller
hears what is missing. Deprecated operations that no request can tell from their successors come last.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel, ServiceModel
from msgspec import Struct

from lambent.model.http import HttpRequest
from lambent.protocol.models import location_of, members_of, wire_name

LABEL = re.compile(r"\{([^{}+]+)(\+?)\}")
DIRECTORY_BUCKETS = "s3express-control"


class Route(Struct, frozen=True):
    """One operation's address. A literal query item whose value is None may have any value."""

    operation: str
    segments: tuple[str, ...]
    literals: tuple[tuple[str, str | None], ...]
    queries: frozenset[str]
    headers: frozenset[str]
    host: str = ""
    deprecated: bool = False

    @property
    def demands(self) -> tuple[int, int, int, bool]:
        """How much it asks of a request, most first."""
        return len(self.literals), len(self.queries) + len(self.headers), len(self.host), not self.deprecated


class _Node:
    """One place in the tree of paths."""

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.greedy: list[Route] = []
        self.here: list[Route] = []


def split_uri(uri: str) -> tuple[str, tuple[tuple[str, str | None], ...]]:
    """The path of a `requestUri`, and the literal query behind it."""
    path, _, query = uri.partition("?")
    items = [item.partition("=") for item in query.split("&") if item]
    return path, tuple((name, value if equals else None) for name, equals, value in items)


def path_pattern(uri: str) -> tuple[re.Pattern[str], list[str]]:
    """An expression that takes the labels out of a path, and the labels' names in the order of its groups."""
    path = split_uri(uri)[0].rstrip("/") or "/"
    pattern, at = "", 0
    for label in LABEL.finditer(path):
        inside = ".+" if label[2] else "[^/]+"
        pattern += f"{re.escape(path[at : label.start()])}({inside})"
        at = label.end()
    end = "" if path.endswith("+}") else "/?"
    names = [label[1] for label in LABEL.finditer(path)]
    return re.compile(pattern + re.escape(path[at:]) + end, re.DOTALL), names


def query_items(request: HttpRequest) -> dict[str, str]:
    """The request's query, the first of repeated names."""
    items: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        items.setdefault(name, value)
    return items


def route_of(operation: OperationModel) -> Route:
    """The address of one operation."""
    path, literals = split_uri(operation.http["requestUri"])
    shape = operation.input_shape
    required = set(shape.required_members) if shape is not None else set()
    places: dict[str, set[str]] = {"querystring": set(), "header": set()}
    for name, member in members_of(shape).items():
        if name in required and (place := location_of(member)) in places:
            places[str(place)].add(wire_name(member, name))
    return Route(
        operation=operation.name,
        segments=tuple(path.strip("/").split("/")) if path != "/" else (),
        literals=literals,
        queries=frozenset(places["querystring"]),
        headers=frozenset(name.lower() for name in places["header"]),
        host=DIRECTORY_BUCKETS if operation.name == "ListDirectoryBuckets" else "",
        deprecated=operation.deprecated,
    )


class RestRouter:
    """All addresses of one service."""

    def __init__(self, model: ServiceModel) -> None:
        self._trees: dict[str, _Node] = {}
        for name in model.operation_names:
            operation = model.operation_model(name)
            self._add(operation.http.get("method", "POST"), route_of(operation))

    def _add(self, method: str, route: Route) -> None:
        node = self._trees.setdefault(method, _Node())
        for segment in route.segments:
            if segment.endswith("+}"):
                _insert(node.greedy, route)
                return
            if segment.startswith("{"):
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.literal.setdefault(segment, _Node())
        _insert(node.here, route)

    def match(self, request: HttpRequest) -> str | None:
        """The operation's name, or None."""
        tree = self._trees.get(request.method)
        if tree is None or not request.path.startswith("/"):
            return None
        segments = request.path[1:].split("/")
        routes = _find(tree, segments, 0)
        if not routes:
            return None
        if len(routes) == 1 and not routes[0].literals:
            return routes[0].operation
        chosen = _choose(routes, request, query_items(request))
        return chosen.operation if chosen is not None else None


def _insert(routes: list[Route], route: Route) -> None:
    routes.append(route)
    routes.sort(key=lambda each: each.demands, reverse=True)


def _find(node: _Node, segments: list[str], at: int) -> list[Route]:
    """The routes at the place that `segments` from `at` on lead to; one trailing slash is forgiven."""
    if at == len(segments) or (at == len(segments) - 1 and segments[at] == ""):
        return node.here
    segment = segments[at]
    below = node.literal.get(segment) or node.literal.get(unquote(segment))
    if below is not None and (found := _find(below, segments, at + 1)):
        return found
    if node.label is not None and segment and (found := _find(node.label, segments, at + 1)):
        return found
    return node.greedy


def _choose(routes: list[Route], request: HttpRequest, query: Mapping[str, str]) -> Route | None:
    fitting = [route for route in routes if _literals_fit(route, query)]
    if not fitting:
        return None
    # `PUT /bucket?analytics` without its id must not become CreateBucket: a literal query decides alone.
    fitting = [route for route in fitting if len(route.literals) == len(fitting[0].literals)]
    if len(fitting) == 1:
        return fitting[0]
    headers = {name for name, _ in request.headers}
    for route in fitting:
        host_fits = not route.host or request.header("host").startswith(route.host) or "max-directory-buckets" in query
        if host_fits and route.queries <= query.keys() and route.headers <= headers:
            return route
    return min(fitting, key=lambda route: (len(route.queries) + len(route.headers), route.deprecated))


def _literals_fit(route: Route, query: Mapping[str, Any]) -> bool:
    return all(name in query and (value is None or query[name] == value) for name, value in route.literals)
