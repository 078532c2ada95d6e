"""What the head of a request says: where it goes, how long it is, whether its offer to speak something else matters.

A server may pass over an offer (RFC 9110, section 7.8), and an offer of HTTP/2 is one: Java's HttpClient makes it with
every request, a body among them. The parser takes what follows any offer for the other protocol, so that a head is
written anew without it.

Pure.
"""

from lambent.model.http import HttpRequest

Headers = list[tuple[str, str]]


def request_of(
    method: bytes, url: bytes, headers: Headers, names: list[str], trailers: Headers, body: bytes
) -> HttpRequest:
    """The request, its target in origin form."""
    path, _, query = url.decode("latin-1").partition("?")
    if path[:1] != "/":
        path = origin_form(path)
    return HttpRequest(method.decode("latin-1"), path, query, headers, body, names, trailers)


def origin_form(target: str) -> str:
    """The path of an absolute-form request target (`GET http://host/path`); `*` stays."""
    _, separator, rest = target.partition("://")
    if not separator:
        return target
    return "/" + rest.partition("/")[2]


def size_bytes(url: bytes, headers: Headers) -> int:
    """Of the head, about."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def is_passed_over(method: bytes, headers: Headers) -> bool:
    """Whether a request that offers to speak something else is answered as if it did not."""
    return method != b"CONNECT" and not any(
        name == "upgrade" and "websocket" in value.lower() for name, value in headers
    )


def without_offer(method: bytes, url: bytes, version: str, names: list[str], headers: Headers) -> bytes:
    """The head once more, without `Upgrade`; `names` are those of `headers` as they came."""
    kept = ((name, value) for name, (key, value) in zip(names, headers, strict=True) if key != "upgrade")
    lines = "".join(f"{name}: {value}\r\n" for name, value in kept)
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, url, version.encode(), lines.encode("latin-1"))
