"""The canonical forms of Signature Version 4: of paths, queries and header values.

Pure text. Characters stand for octets (latin-1), as the gateway reads them from the wire, so
what is hashed is what the client sent. Paths and queries are remembered in bounded caches: a
function's Invoke path is asked for thousands of times a second.

Source: AWS General Reference, "Create a signed AWS API request"; S3 API Reference,
"Signature Calculations for the Authorization Header". RFC 3986, section 5.2.4 for dots.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

PATH_SAFE = "/-_.~"
_SPACES = re.compile(r"[ \t]+")


@lru_cache(maxsize=4096)
def canonical_path(path: str) -> str:
    """For all services but S3: dots and empty segments removed, then encoded once more."""
    if path and not path.startswith("/"):
        return quote(octets(path), safe=PATH_SAFE)  # no client signs such a thing; it must not pass for another
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment and segment != ".":
            kept.append(segment)
    last = "/" if kept and path.endswith("/") else ""
    return quote(octets("/" + "/".join(kept) + last), safe=PATH_SAFE)


@lru_cache(maxsize=4096)
def canonical_s3_path(path: str) -> str:
    """For S3: encoded exactly once, nothing removed; an encoded slash stays encoded, as botocore leaves it."""
    return "/".join(quote(unquote_to_bytes(octets(segment)), safe="-_.~") for segment in path.split("/")) or "/"


@lru_cache(maxsize=4096)
def canonical_query(query: str) -> str:
    """Names and values encoded once, sorted by name and then by value."""
    pairs = (piece.partition("=") for piece in query.split("&") if piece)
    return "&".join(f"{name}={value}" for name, value in sorted((_encoded(n), _encoded(v)) for n, _, v in pairs))


def without_signature(query: str) -> str:
    """A presigned query as it was before its signature was added."""
    return "&".join(piece for piece in query.split("&") if piece.partition("=")[0] != "X-Amz-Signature")


def joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; the values of a repeated one in their order, with commas between."""
    found: dict[str, str] = {}
    for name, raw in headers:
        value = raw.strip(" \t")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def trimmed(value: str) -> str:
    """A header value without outer white space, inner runs of it made one space."""
    return _SPACES.sub(" ", value.strip(" \t"))


def octets(text: str) -> bytes:
    """The bytes that `text` was on the wire; UTF-8 for text that no wire can have carried."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(octets(text.replace("+", " "))), safe="-_.~")
