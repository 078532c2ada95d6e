"""What the gateway itself answers, and how an owner changes that: PutGatewayResponse and its kind."""

import re

from lambent.mapping import expressions
from lambent.mapping.gateway_responses import DEFAULTS, default_part
from lambent.mapping.vtl.parser import parse
from lambent.mapping.vtl.scope import TemplateFailed
from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, NotFound
from lambent.services.apigateway.shelf import Shelf, given, page
from lambent.services.operation import Answer, Request, RequestContext, operation

RULES = (patch.scalar("/statusCode"), patch.entries("responseParameters"), patch.entries("responseTemplates"))


class GatewayResponses:
    """PutGatewayResponse, GetGatewayResponse, GetGatewayResponses, UpdateGatewayResponse, DeleteGatewayResponse."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("PutGatewayResponse")
    async def put_gateway_response(self, ctx: RequestContext, request: Request) -> Answer:
        """Another answer than the usual one."""

        def work(document: RestDocument) -> Answer:
            kind = _known(request)
            made = default_part(kind) | given(request, "statusCode", "responseParameters", "responseTemplates")
            made["defaultResponse"] = False
            check_gateway_response(made)
            document.responses[kind] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetGatewayResponse")
    async def get_gateway_response(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them, which may be the usual one."""
        return await self._shelf.look(ctx, request, lambda document: _response(document, _known(request)))

    @operation("GetGatewayResponses")
    async def get_gateway_responses(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them."""
        found = await self._shelf.look(ctx, request, lambda doc: [_response(doc, kind) for kind in DEFAULTS])
        return page(request, found, lambda each: each["responseType"], dict)

    @operation("UpdateGatewayResponse")
    async def update_gateway_response(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            kind = _known(request)
            new = patch.patched(_response(document, kind), request.get("patchOperations", []), RULES)
            new["defaultResponse"] = False
            check_gateway_response(new)
            document.responses[kind] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteGatewayResponse")
    async def delete_gateway_response(self, ctx: RequestContext, request: Request) -> None:
        """Back to the usual one."""

        def work(document: RestDocument) -> None:
            if document.responses.pop(_known(request), None) is None:
                raise NotFound("Gateway response type not defined on api")

        await self._shelf.change(ctx, request, work)


def check_gateway_response(made: Part) -> None:
    """Raises BadRequest."""
    status = made.get("statusCode")
    if status is not None and not re.fullmatch(r"[1-5]\d\d", status):
        raise BadRequest(f"Invalid status code: {status}")
    for name, value in made.get("responseParameters", {}).items():
        if expressions.target_of(name, expressions.TO_GATEWAY_RESPONSE) is None:
            raise BadRequest(f"Invalid mapping expression parameter specified: {name}")
        if expressions.source_of(value, expressions.FROM_REQUEST) is None:
            raise BadRequest(f"Invalid mapping expression specified: {value}")
    for media_type, template in made.get("responseTemplates", {}).items():
        try:
            parse(template or "")
        except TemplateFailed as error:
            raise BadRequest(f"Invalid mapping template for {media_type}: {error}") from None


def _known(request: Request) -> str:
    kind = str(request["responseType"])
    if kind not in DEFAULTS:
        raise BadRequest(f"Invalid gateway response type: it takes {', '.join(DEFAULTS)}.")
    return kind


def _response(document: RestDocument, kind: str) -> Part:
    return document.responses.get(kind) or default_part(kind)
