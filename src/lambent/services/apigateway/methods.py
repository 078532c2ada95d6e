"""Methods of resources, and what they answer: PutMethod, PutMethodResponse and their kind."""

import re

from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, Conflict, NotFound, not_built
from lambent.services.apigateway.resources import resource
from lambent.services.apigateway.shelf import Shelf, given
from lambent.services.operation import Answer, Request, RequestContext, operation

VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY")
AUTHORIZATIONS = ("NONE", "AWS_IAM", "CUSTOM")
REQUEST_PARAMETER = re.compile(
    r"method\.request\.(path|querystring|header|multivaluequerystring|multivalueheader)\.[A-Za-z0-9._$-]+"
)
RESPONSE_PARAMETER = re.compile(r"method\.response\.header\.[A-Za-z0-9._$-]+")
STATUS = re.compile(r"[1-5]\d\d")
MEMBERS = ("authorizationType", "authorizerId", "operationName", "requestParameters", "requestModels")
RULES = (
    patch.scalar("/authorizationType", removable=False),
    patch.scalar("/authorizerId"),
    patch.scalar("/apiKeyRequired", patch.boolean, removable=False),
    patch.scalar("/operationName"),
    patch.scalar("/requestValidatorId"),
    patch.entries("requestParameters", patch.boolean),
    patch.entries("requestModels"),
    patch.Rule(
        "/authorizationScopes",
        frozenset({"add", "replace"}),
        lambda _part, _op, _names, _value: _refuse_scopes(["scope"]),
    ),
)
RESPONSE_RULES = (patch.entries("responseParameters", patch.boolean), patch.entries("responseModels"))


class Methods:
    """PutMethod, GetMethod, UpdateMethod, DeleteMethod, and the same of MethodResponse."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("PutMethod")
    async def put_method(self, ctx: RequestContext, request: Request) -> Answer:
        """A method on a resource."""

        def work(document: RestDocument) -> Answer:
            methods = resource(document, request["resourceId"]).setdefault("resourceMethods", {})
            if request["httpMethod"] in methods:
                raise Conflict("Method already exists for this resource")
            made: Part = {"httpMethod": request["httpMethod"]} | given(request, *MEMBERS, "requestValidatorId")
            made["apiKeyRequired"] = bool(request.get("apiKeyRequired"))
            _refuse_scopes(request.get("authorizationScopes") or [])
            check_method(document, made)
            methods[made["httpMethod"]] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetMethod")
    async def get_method(self, ctx: RequestContext, request: Request) -> Answer:
        """A method with all that belongs to it."""
        return await self._shelf.look(ctx, request, lambda document: method(document, request))

    @operation("UpdateMethod")
    async def update_method(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            new = patch.patched(method(document, request), request.get("patchOperations", []), RULES)
            check_method(document, new)
            document.resources[request["resourceId"]]["resourceMethods"][new["httpMethod"]] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteMethod")
    async def delete_method(self, ctx: RequestContext, request: Request) -> None:
        """Remove it."""

        def work(document: RestDocument) -> None:
            method(document, request)
            del document.resources[request["resourceId"]]["resourceMethods"][request["httpMethod"]]

        await self._shelf.change(ctx, request, work)

    @operation("PutMethodResponse")
    async def put_method_response(self, ctx: RequestContext, request: Request) -> Answer:
        """A status that the method answers with."""

        def work(document: RestDocument) -> Answer:
            responses = method(document, request).setdefault("methodResponses", {})
            if request["statusCode"] in responses:
                raise Conflict("Response already exists for this resource")
            made = {"statusCode": request["statusCode"]} | given(request, "responseParameters", "responseModels")
            check_method_response(document, made)
            responses[made["statusCode"]] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetMethodResponse")
    async def get_method_response(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""
        return await self._shelf.look(ctx, request, lambda document: _response(document, request))

    @operation("UpdateMethodResponse")
    async def update_method_response(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            new = patch.patched(_response(document, request), request.get("patchOperations", []), RESPONSE_RULES)
            check_method_response(document, new)
            method(document, request)["methodResponses"][new["statusCode"]] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteMethodResponse")
    async def delete_method_response(self, ctx: RequestContext, request: Request) -> None:
        """Remove it."""

        def work(document: RestDocument) -> None:
            _response(document, request)
            del method(document, request)["methodResponses"][request["statusCode"]]

        await self._shelf.change(ctx, request, work)


def method(document: RestDocument, request: Request) -> Part:
    """The method that a request names. Raises NotFound."""
    found: Part | None = resource(document, request["resourceId"]).get("resourceMethods", {}).get(request["httpMethod"])
    if found is None:
        raise NotFound("Invalid Method identifier specified")
    return found


def check_method(document: RestDocument, made: Part) -> None:
    """Raises BadRequest, NotFound and NotImplementedByLambent."""
    if made["httpMethod"] not in VERBS:
        raise BadRequest(f"Invalid HttpMethod specified. Valid options are {','.join(VERBS)}")
    kind = made["authorizationType"]
    if kind == "COGNITO_USER_POOLS":
        raise not_built("Authorization by COGNITO_USER_POOLS")
    if kind not in AUTHORIZATIONS:
        raise BadRequest("Invalid Authorization Type. Must be one of [NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS]")
    if kind == "CUSTOM" and made.get("authorizerId") not in document.authorizers:
        raise BadRequest("Invalid authorizer ID specified. Setting the authorization type to CUSTOM requires a valid "
                         "authorizer.")  # fmt: skip
    if made.get("requestValidatorId") and made["requestValidatorId"] not in document.validators:
        raise NotFound("Invalid Request Validator identifier specified")
    for name in made.get("requestParameters", {}):
        if not REQUEST_PARAMETER.fullmatch(name):
            raise BadRequest(f"Invalid mapping expression specified: {name}")
    _check_models(document, made.get("requestModels", {}))


def check_method_response(document: RestDocument, made: Part) -> None:
    """Raises BadRequest."""
    if not STATUS.fullmatch(made["statusCode"]):
        raise BadRequest(f"Invalid status code: {made['statusCode']}")
    for name in made.get("responseParameters", {}):
        if not RESPONSE_PARAMETER.fullmatch(name):
            raise BadRequest(f"Invalid mapping expression specified: {name}")
    _check_models(document, made.get("responseModels", {}))


def _check_models(document: RestDocument, models: dict[str, str]) -> None:
    for name in models.values():
        if name not in document.models:
            raise BadRequest(f"Invalid model identifier specified: {name}")


def _refuse_scopes(scopes: list[str]) -> None:
    if scopes:
        raise not_built("authorizationScopes, which only COGNITO_USER_POOLS has,")


def _response(document: RestDocument, request: Request) -> Part:
    found: Part | None = method(document, request).get("methodResponses", {}).get(request["statusCode"])
    if found is None:
        raise NotFound("Invalid Response status code specified")
    return found
