"""JSON paths, as templates and parameter mappings name a part of a body. Pure.

The `jsonpath` package reads and runs them; one that names a single place (`$.a.b[0]`) gives what is there, any other
gives a list, as the Java library that AWS uses does.
"""

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jsonpath

MOST_FOUND = 10_000
LONGEST = 1024


class BadPath(Exception):
    """It cannot be read."""


@lru_cache(maxsize=4096)
def _compiled(path: str) -> "jsonpath.JSONPath | jsonpath.CompoundJSONPath":
    if len(path) > LONGEST or path.count("..") > 2:
        raise BadPath(f"the JSON path {path[:40]} is too long")
    import jsonpath  # takes a while, and most servers have no API that uses it

    try:
        return jsonpath.compile(path)
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise BadPath(f"{path[:80]} is not a JSON path: {str(error).splitlines()[0]}") from None


def check(path: str) -> None:
    """Raises BadPath."""
    _compiled(path)


def at(path: str, value: Any) -> Any:
    """What is at `path` in `value`; None where nothing is. Raises BadPath."""
    if path == "$":
        return value
    compiled = _compiled(path)
    import jsonpath  # there since the path was compiled

    try:
        if isinstance(compiled, jsonpath.JSONPath) and compiled.singular_query():
            found = compiled.match(value)
            return None if found is None else found.obj
        return [match.obj for match in islice(compiled.finditer(value), MOST_FOUND)]
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise BadPath(f"{path[:80]}: {error}") from None
