"""Lambda authorizers of REST APIs: CreateAuthorizer and its kind."""

import re

from lambent.mapping.regexes import BadRegex, compiled
from lambent.mapping.uris import wraps_function
from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, Conflict, LimitExceeded, NotFound, not_built
from lambent.services.apigateway.shelf import Shelf, given, page
from lambent.services.operation import Answer, Request, RequestContext, operation

LONGEST_TTL_S, USUAL_TTL_S = 3600, 300
TYPES = ("TOKEN", "REQUEST")
HEADER = re.compile(r"method\.request\.header\.[A-Za-z0-9._$-]+")
SOURCE = re.compile(r"(method\.request\.(header|querystring)|stageVariables|context)\.[A-Za-z0-9._$-]+")
MEMBERS = ("name", "type", "authType", "authorizerUri", "authorizerCredentials", "identitySource")
RULES = (
    patch.scalar("/name", removable=False),
    patch.scalar("/type", removable=False),
    patch.scalar("/authorizerUri", removable=False),
    patch.scalar("/authorizerCredentials"),
    patch.scalar("/identitySource"),
    patch.scalar("/identityValidationExpression"),
    patch.scalar("/authorizerResultTtlInSeconds", patch.integer, removable=False),
    patch.scalar("/authType"),
)


class Authorizers:
    """CreateAuthorizer, GetAuthorizer, GetAuthorizers, UpdateAuthorizer, DeleteAuthorizer."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateAuthorizer")
    async def create_authorizer(self, ctx: RequestContext, request: Request) -> Answer:
        """A function that decides who may call."""

        def work(document: RestDocument) -> Answer:
            made: Part = {"id": self._shelf.new_id()} | given(request, *MEMBERS, "identityValidationExpression")
            made.setdefault("authType", "custom")
            ttl_s = request.get("authorizerResultTtlInSeconds")
            made["authorizerResultTtlInSeconds"] = USUAL_TTL_S if ttl_s is None else ttl_s
            if request.get("providerARNs") or request.get("jwtConfiguration"):
                raise not_built("Authorizers other than TOKEN and REQUEST")
            check_authorizer(document, made, self._shelf.quotas.rest_authorizers)
            document.authorizers[made["id"]] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetAuthorizer")
    async def get_authorizer(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""
        return await self._shelf.look(ctx, request, lambda document: authorizer(document, request))

    @operation("GetAuthorizers")
    async def get_authorizers(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them."""
        found = await self._shelf.look(ctx, request, lambda document: list(document.authorizers.values()))
        return page(request, found, lambda each: each["id"], dict)

    @operation("UpdateAuthorizer")
    async def update_authorizer(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            new = patch.patched(authorizer(document, request), request.get("patchOperations", []), RULES)
            check_authorizer(document, new, self._shelf.quotas.rest_authorizers)
            document.authorizers[new["id"]] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteAuthorizer")
    async def delete_authorizer(self, ctx: RequestContext, request: Request) -> None:
        """Remove it, unless a method needs it."""

        def work(document: RestDocument) -> None:
            gone = authorizer(document, request)["id"]
            if any(each.get("authorizerId") == gone for one in document.resources.values()
                   for each in one.get("resourceMethods", {}).values()):  # fmt: skip
                raise Conflict(f"Cannot delete authorizer '{gone}', is referenced in a method")
            del document.authorizers[gone]

        await self._shelf.change(ctx, request, work)


def check_authorizer(document: RestDocument, made: Part, most: int) -> None:
    """Whether an API that may have `most` of them may have this one.

    Raises BadRequest, LimitExceeded and NotImplementedByLambent.
    """
    if made["type"] not in TYPES:
        raise not_built(f"An authorizer of type {made['type']}")
    others = [each for each in document.authorizers.values() if each["id"] != made["id"]]
    if len(others) >= most:
        raise LimitExceeded(f"An API has at most {most} authorizers.")
    if any(each["name"] == made["name"] for each in others):
        raise BadRequest("Authorizer name must be unique. Authorizer " + made["name"] + " already exists in this "
                         "RestApi.")  # fmt: skip
    if not wraps_function(made.get("authorizerUri", "")):
        raise BadRequest("Invalid Authorizer URI: " + made.get("authorizerUri", "") + ". Authorizer URI should be a "
                         "valid API Gateway ARN that represents a Lambda function invocation.")  # fmt: skip
    if made.get("authorizerCredentials"):
        raise not_built("authorizerCredentials")
    if not 0 <= made["authorizerResultTtlInSeconds"] <= LONGEST_TTL_S:
        raise BadRequest(f"Authorizer result TTL should be between 0 and {LONGEST_TTL_S}")
    _check_sources(made)


def _check_sources(made: Part) -> None:
    sources = [each.strip() for each in made.get("identitySource", "").split(",") if each.strip()]
    if made["type"] == "TOKEN":
        if len(sources) != 1 or not HEADER.fullmatch(sources[0]):
            raise BadRequest("Invalid identitySource: a TOKEN authorizer has one method.request.header.NAME")
    elif not all(SOURCE.fullmatch(each) for each in sources):
        raise BadRequest("Invalid identitySource: it takes method.request.header, method.request.querystring, "
                         "stageVariables and context")  # fmt: skip
    elif not sources and made["authorizerResultTtlInSeconds"]:
        raise BadRequest("Identity source is required when caching is on: authorizerResultTtlInSeconds is not 0")
    if made.get("identityValidationExpression"):
        if made["type"] != "TOKEN":
            raise BadRequest("identityValidationExpression is for TOKEN authorizers")
        try:
            compiled(made["identityValidationExpression"])
        except BadRegex as error:
            raise BadRequest(f"Invalid identityValidationExpression: {error}") from None


def authorizer(document: RestDocument, request: Request) -> Part:
    found = document.authorizers.get(request["authorizerId"])
    if found is None:
        raise NotFound("Invalid Authorizer identifier specified")
    return found
