"""The operations of a document: each path and method, with what API Gateway's extensions say about it.

Source: API Gateway Developer Guide, "OpenAPI extensions for API Gateway" (x-amazon-apigateway-any-method).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lambent.openapi.document import BadDocument, Document, resolved

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
ANY_METHOD = "x-amazon-apigateway-any-method"


class Operation(NamedTuple):
    """One method of a path, ANY for all that have none of their own. `told` is the operation object."""

    method: str
    path: str
    told: dict[str, Any]


def operations(document: Document) -> Iterator[Operation]:
    """All operations, in the document's order. Raises BadDocument."""
    for path, item in _object(document.get("paths") or {}, "paths").items():
        if path.startswith("x-"):
            continue
        told = _object(resolved(document, item), f"the path {path}")
        for name in (*METHODS, ANY_METHOD):
            if name in told:
                method = "ANY" if name == ANY_METHOD else name.upper()
                yield Operation(method, path, _object(told[name] or {}, f"{name} {path}"))


def base_path(document: Document) -> str:
    """What `basePath` (2.0), or the path of the first server (3.0), puts before all paths; "" for nothing."""
    if "basePath" in document:
        return str(document["basePath"]).rstrip("/")
    servers = document.get("servers") or []
    if not isinstance(servers, list) or not servers or not isinstance(servers[0], dict):
        return ""
    url = str(servers[0].get("url", ""))
    for name, variable in _object(servers[0].get("variables") or {}, "variables of a server").items():
        if isinstance(variable, dict):
            url = url.replace("{" + name + "}", str(variable.get("default", "")).strip("/"))
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def based(path: str, base: str, how: str) -> str:
    """A path with the base path in front, as the import asks for: `ignore`, `prepend` or `split`."""
    if how == "prepend":
        return base + path
    if how == "split":
        _, _, rest = base.lstrip("/").partition("/")
        return f"/{rest}{path}" if rest else path
    return path


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadDocument(f"{what} is no object")
    return value
