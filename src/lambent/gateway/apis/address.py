"""Which API a request is for: by its Host, or by its path. Pure.

`Host: ID.execute-api.REGION.<any domain>` is AWS's form. The paths are those of other local endpoints, for clients
that cannot resolve such names: `/_aws/execute-api/ID/STAGE/...`, and `/restapis/ID/STAGE/_user_request_/...`. They lead
to an API only where the Host does not say what the request is for.
"""

import re
from collections.abc import Container
from typing import NamedTuple
from urllib.parse import unquote

from lambent.gateway.hosts import names_one_thing
from lambent.model.http import HttpRequest

MARK, PREFIX, REST_PREFIX, REST_MARK = ".execute-api.", "/_aws/execute-api/", "/restapis/", "_user_request_"
DEFAULT = "$default"
HOST = re.compile(r"([a-z0-9]{1,64})\.execute-api\.([a-z0-9-]{1,32})(?:\.[a-z0-9._-]*)?(?::[0-9]+)?", re.IGNORECASE)


class ApiAddress(NamedTuple):
    """Where a request is sent to.

    `path` is as it stood on the request line, without what led to the API; it begins with the stage's name unless
    `stage` is known. `base` is the path before that, for a custom domain name. `region` is "" where nothing says it.
    """

    api_id: str
    region: str
    path: str
    domain: str
    stage: str = ""
    base: str = ""
    custom: bool = False


class Place(NamedTuple):
    """A stage, the path inside it, and what stands before that path in the client's address."""

    stage: str
    path: str
    base: str


def named_by_host(request: HttpRequest) -> ApiAddress | None:
    """The API that the Host is of; None where it is of none."""
    host = request.header("host")
    if MARK not in host.lower():
        return None
    match = HOST.fullmatch(host)
    return match and ApiAddress(match[1].lower(), match[2].lower(), request.path, domain_of(host))


def named_by_path(request: HttpRequest) -> ApiAddress | None:
    """The API that the path leads to; None for a request that is for none."""
    host, path = request.header("host"), request.path
    if not path.startswith((PREFIX, REST_PREFIX)) or names_one_thing(host):
        return None
    if path.startswith(PREFIX):
        api_id, slash, rest = path[len(PREFIX) :].partition("/")
        return ApiAddress(api_id, "", slash + rest or "/", domain_of(host))
    parts = path[len(REST_PREFIX) :].split("/", 3)
    if len(parts) > 2 and parts[2] == REST_MARK:
        return ApiAddress(parts[0], "", "/" + "/".join(parts[3:]), domain_of(host), unquote(parts[1]))
    return None


def domain_of(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def place_of(address: ApiAddress, stages: Container[str]) -> Place | None:
    """The stage that is meant: the one whose name the path begins with, or else `$default`; None for neither."""
    if address.stage:
        return Place(address.stage, address.path, address.base) if address.stage in stages else None
    first, slash, rest = address.path[1:].partition("/")
    if first and (name := unquote(first)) in stages:
        return Place(name, slash + rest or "/", address.base if name == DEFAULT else f"{address.base}/{first}")
    return Place(DEFAULT, address.path, address.base) if DEFAULT in stages else None
