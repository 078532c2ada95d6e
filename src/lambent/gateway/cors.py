"""What browsers are told about requests from other origins. Pure.

The URL's own configuration wins over what the function says. A preflight is answered here, without
the function and without a signature.

Source: Lambda Developer Guide, "Cross-origin resource sharing (CORS)" of function URLs; API Gateway Developer Guide,
"Configure CORS for HTTP APIs" (`https://*` is every origin of that scheme); the Fetch
standard for what the headers mean (a credentialed answer must name the origin, not `*`).
"""

from lambent.model.cors import Cors
from lambent.model.http import HttpRequest, HttpResponse

PREFIX = "access-control-"
Headers = list[tuple[str, str]]


def preflight(cors: Cors | None, request: HttpRequest, status: int) -> HttpResponse | None:
    """The answer to a preflight; None for every other request, and where nothing is configured."""
    if cors is None or request.method != "OPTIONS":
        return None
    if not request.header("origin") or not request.header("access-control-request-method"):
        return None
    headers = _allowed(cors, request.header("origin"))
    if headers:
        for name, values in (("allow-methods", cors.allow_methods), ("allow-headers", cors.allow_headers)):
            if values:
                headers.append((PREFIX + name, ",".join(values)))
        if cors.max_age_s is not None:
            headers.append((PREFIX + "max-age", str(cors.max_age_s)))
    return HttpResponse(status, [*headers, ("vary", "Origin")])


def with_cors(headers: Headers, cors: Cors | None, origin: str) -> Headers:
    """`headers` of an answer to a request from `origin` ("" for none)."""
    if cors is None:
        return headers
    own = [each for each in headers if not each[0].startswith(PREFIX)]
    if origin:
        allowed = _allowed(cors, origin)
        own += allowed
        if allowed and cors.expose_headers:
            own.append((PREFIX + "expose-headers", ",".join(cors.expose_headers)))
    return [*own, ("vary", "Origin")]


def _allowed(cors: Cors, origin: str) -> Headers:
    """Who may read the answer; empty when `origin` may not."""
    anyone = "*" in cors.allow_origins
    if (
        not anyone
        and origin not in cors.allow_origins
        and f"{origin.partition('://')[0]}://*" not in cors.allow_origins
    ):
        return []
    if not cors.allow_credentials:
        return [(PREFIX + "allow-origin", "*" if anyone else origin)]
    return [(PREFIX + "allow-origin", origin), (PREFIX + "allow-credentials", "true")]
