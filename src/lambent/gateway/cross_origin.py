"""What browsers are told about requests to a bucket from pages of other sites.

A preflight is answered here, without a signature; every other answer to a request that names its origin gets the
headers of the first rule that it meets. The rules are asked for each time: a change holds for the next request.

Source: S3 User Guide, "Using cross-origin resource sharing (CORS)" ("How does Amazon S3 evaluate the CORS configuration
on a bucket?"); S3 API reference, OPTIONS object; the Fetch standard for what the headers mean.
"""

from collections.abc import Awaitable, Callable, Sequence

from lambent.errors import ServiceError
from lambent.gateway.buckets import bucket_and_key
from lambent.gateway.exchange import Exchange, Stage, Step
from lambent.gateway.failure import failure_answer
from lambent.gateway.http.streams import Response
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.objects import CorsRule, Door

Answering = Callable[[Exchange], Awaitable[Response]]
FindDoor = Callable[[str], Awaitable[Door | None]]
Headers = list[tuple[str, str]]
ALLOW, METHODS = "access-control-", ("GET", "PUT", "POST", "DELETE", "HEAD")
VARY = ("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")


class CrossOriginRefused(ServiceError):
    """A preflight that no rule lets pass."""

    code, status = "AccessForbidden", 403


class Incomplete(ServiceError):
    """A preflight that is none."""

    code, status = "BadRequest", 400


class Preflights:
    """The stage that answers preflights for buckets. Stands before authentication."""

    def __init__(self, door: FindDoor) -> None:
        self._door = door

    def __call__(self, exchange: Exchange) -> Awaitable[HttpResponse | None] | None:
        return self._answer(exchange) if exchange.request.method == "OPTIONS" else None

    async def _answer(self, exchange: Exchange) -> HttpResponse | None:
        request = exchange.request
        bucket, key = bucket_and_key(request)
        door = await self._door(bucket) if bucket else None
        if door is None:
            return None
        exchange.service = "s3"
        return preflight(door.cors, request, "OBJECT" if key else "BUCKET")


class CrossOrigin:
    """A road to the objects, with what pages of other sites are told on the way back; as a stage, behind
    authentication, for all that is for S3."""

    def __init__(self, road: Answering, door: FindDoor) -> None:
        self._road, self._door = road, door

    def __call__(self, exchange: Exchange) -> Awaitable[Response] | None:
        return self.answer(exchange) if exchange.service == "s3" else None

    def answer(self, exchange: Exchange) -> Awaitable[Response]:
        """The road's answer."""
        return self._and_tell(exchange) if exchange.request.header("origin") else self._road(exchange)

    async def _and_tell(self, exchange: Exchange) -> Response:
        door = await self._door(bucket_and_key(exchange.request)[0])
        try:
            response = await self._road(exchange)
        except ServiceError as error:
            response = refusal(exchange, error)
        return telling(exchange.request, response, door)


class Refusals:
    """Authentication, which tells pages of other sites why S3 refuses them: without the headers, a browser keeps the
    answer to itself."""

    def __init__(self, authentication: Stage, door: FindDoor) -> None:
        self._authentication, self._door = authentication, door

    def __call__(self, exchange: Exchange) -> Step | Awaitable[Step]:
        return self._watched(exchange) if exchange.request.header("origin") else self._authentication(exchange)

    async def _watched(self, exchange: Exchange) -> Step:
        try:
            step = self._authentication(exchange)
            return await step if isinstance(step, Awaitable) else step
        except ServiceError as error:
            if exchange.service != "s3":
                raise
            door = await self._door(bucket_and_key(exchange.request)[0])
            return telling(exchange.request, refusal(exchange, error), door)


def refusal(exchange: Exchange, error: ServiceError) -> Response:
    """The answer that `error` is."""
    return failure_answer(exchange.request, exchange.service, exchange.request_id, error)


def telling(request: HttpRequest, response: Response, door: Door | None) -> Response:
    """The response, with what pages of other sites may know."""
    if door is not None:
        response.headers.extend(told(door.cors, request.header("origin"), request.method))
    return response


def preflight(rules: Sequence[CorsRule], request: HttpRequest, kind: str) -> HttpResponse:
    """The answer to OPTIONS. Raises BadRequest, AccessForbidden."""
    origin, method = request.header("origin"), request.header("access-control-request-method")
    asked = [name.strip() for name in request.header("access-control-request-headers").split(",") if name.strip()]
    if not origin:
        raise Incomplete("Insufficient information. Origin request header needed.")
    if method not in METHODS:
        raise Incomplete(f"Invalid Access-Control-Request-Method: {method or 'null'}")
    if not rules:
        raise CrossOriginRefused("CORSResponse: CORS is not enabled for this bucket.", Method=method, ResourceType=kind)
    rule = matching(rules, origin, method, asked)
    if rule is None:
        raise CrossOriginRefused(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request "
            "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
            "resource's CORS spec.",
            Method=method,
            ResourceType=kind,
        )
    headers = _headers(rule, origin)
    if asked:
        headers.append((f"{ALLOW}allow-headers", ", ".join(name.lower() for name in asked)))
    return HttpResponse(200, headers)


def told(rules: Sequence[CorsRule], origin: str, method: str) -> Headers:
    """What the answer to a request of that origin says."""
    rule = matching(rules, origin, method, ())
    return [] if rule is None else _headers(rule, origin)


def matching(rules: Sequence[CorsRule], origin: str, method: str, asked: Sequence[str]) -> CorsRule | None:
    """The first rule that is met: the origin, the method, and every header that is asked for."""
    for rule in rules:
        headers = [pattern.lower() for pattern in rule.headers]
        if (
            method in rule.methods
            and any(_fits(pattern, origin) for pattern in rule.origins)
            and all(any(_fits(pattern, name.lower()) for pattern in headers) for name in asked)
        ):
            return rule
    return None


def _headers(rule: CorsRule, origin: str) -> Headers:
    anyone = "*" in rule.origins
    headers = [(f"{ALLOW}allow-origin", "*" if anyone else origin)]
    headers.append((f"{ALLOW}allow-methods", ", ".join(rule.methods)))
    if rule.exposed:
        headers.append((f"{ALLOW}expose-headers", ", ".join(rule.exposed)))
    if rule.max_age_s is not None:
        headers.append((f"{ALLOW}max-age", str(rule.max_age_s)))
    if not anyone:
        headers.append((f"{ALLOW}allow-credentials", "true"))
    return [*headers, VARY]


def _fits(pattern: str, text: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)
