"""Which function URL a request is for: by its Host, or by its path. Pure.

`Host: ID.lambda-url.REGION.<any domain>` is AWS's form; `/_aws/lambda-url/ID/...` is for clients
that cannot resolve such names (the prefix is not in the event's path). It leads to a function only where the Host does
not say what the request is for.
"""

import re
from typing import NamedTuple

from lambent.gateway.hosts import names_one_thing
from lambent.model.http import HttpRequest

MARK = ".lambda-url."
PREFIX = "/_aws/lambda-url/"
HOST = re.compile(r"([a-z0-9]{1,64})\.lambda-url\.([a-z0-9-]{1,32})(?:\.[a-z0-9._-]*)?(?::[0-9]+)?", re.IGNORECASE)


class UrlAddress(NamedTuple):
    """Where a request is sent to. `region` is "" where the path does not say it; `domain` has no port."""

    url_id: str
    region: str
    path: str
    domain: str


def address_of(request: HttpRequest) -> UrlAddress | None:
    """The URL that is addressed; None for a request that is for none."""
    host = request.header("host")
    if MARK in host.lower():
        match = HOST.fullmatch(host)
        if match is not None:
            return UrlAddress(match[1].lower(), match[2].lower(), request.path, host.partition(":")[0])
    if request.path.startswith(PREFIX) and not names_one_thing(host):
        url_id, slash, rest = request.path[len(PREFIX) :].partition("/")
        return UrlAddress(url_id, "", slash + rest or "/", host.rpartition(":")[0] or host)
    return None
