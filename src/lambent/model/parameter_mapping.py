"""The form of parameter mappings of HTTP APIs: what the service takes is what edges carry out. Pure.

A mapping is `ACTION:PLACE` to a value: overwrite, append or remove; `header.NAME`, `querystring.NAME`, `path`, and
in answers `header.NAME` and `statuscode`.

Source: API Gateway Developer Guide, "Transform API requests and responses for HTTP APIs", with the headers that cannot
be mapped.
"""

import re
from collections.abc import Mapping

REQUEST_KEY = re.compile(r"(append|overwrite|remove):(?:(header|querystring)\.([A-Za-z0-9_.-]+)|(path))")
RESPONSE_KEY = re.compile(r"(append|overwrite|remove):(?:(header)\.([A-Za-z0-9_.-]+)|(statuscode))")
STATUS = re.compile(r"[2-5][0-9][0-9]")
RESERVED = frozenset(
    {
        "authorization", "connection", "content-encoding", "content-length", "content-location", "forwarded", "host",
        "keep-alive", "origin", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding",
        "upgrade", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    }
)  # fmt: skip
RESERVED_BEGINNINGS = ("access-control-", "apigw-", "x-amz-", "x-amzn-")


def problem(mappings: Mapping[str, str], *, of_request: bool) -> str | None:
    """Why these cannot be carried out, in a sentence; None when they can."""
    form = REQUEST_KEY if of_request else RESPONSE_KEY
    found = (_problem(form.fullmatch(key), key, value) for key, value in mappings.items())
    return next((each for each in found if each), None)


def _problem(match: re.Match[str] | None, key: str, value: str) -> str | None:
    if match is None:
        return f"{key!r} is no parameter mapping."
    action, place, name, alone = match.groups()
    if alone and action != "overwrite":
        return f"{key!r} is no parameter mapping: {alone} can only be overwritten."
    if place == "header" and (name.lower() in RESERVED or name.lower().startswith(RESERVED_BEGINNINGS)):
        return f"Operations on header {name} are restricted."
    if action != "remove" and not value:
        return f"{key!r} has no value."
    if alone == "statuscode" and not STATUS.fullmatch(value):
        return "overwrite:statuscode takes a status."
    return None
