"""What answers a method: PutIntegration, PutIntegrationResponse and their kind."""

from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import NotFound
from lambent.services.apigateway.integration_checks import CONTENT, PASSTHROUGH, check_integration, check_response
from lambent.services.apigateway.methods import method
from lambent.services.apigateway.shelf import Shelf, given
from lambent.services.operation import Answer, Request, RequestContext, operation

MEMBERS = (
    "type", "uri", "credentials", "requestParameters", "requestTemplates", "contentHandling", "connectionType",
    "connectionId", "tlsConfig", "responseTransferMode", "integrationTarget", "cacheKeyParameters",
)  # fmt: skip
DEFAULT_TIMEOUT_MS = 29_000
RULES = (
    patch.scalar("/uri"),
    patch.scalar("/httpMethod"),
    patch.scalar("/credentials"),
    patch.scalar("/connectionType"),
    patch.scalar("/connectionId"),
    patch.scalar("/passthroughBehavior", patch.one_of(*PASSTHROUGH), removable=False),
    patch.scalar("/contentHandling", patch.one_of(*CONTENT)),
    patch.scalar("/timeoutInMillis", patch.integer, removable=False),
    patch.scalar("/cacheNamespace"),
    patch.scalar("/responseTransferMode"),
    patch.scalar("/tlsConfig/insecureSkipVerification", patch.boolean, removable=False),
    patch.elements("cacheKeyParameters"),
    patch.entries("requestParameters"),
    patch.entries("requestTemplates"),
)
RESPONSE_RULES = (
    patch.scalar("/selectionPattern"),
    patch.scalar("/contentHandling", patch.one_of(*CONTENT)),
    patch.entries("responseParameters"),
    patch.entries("responseTemplates"),
)


class Integrations:
    """PutIntegration, GetIntegration, UpdateIntegration, DeleteIntegration, and the same of IntegrationResponse.

    Args:
        longest_ms: the longest timeout that an integration may have.
    """

    def __init__(self, shelf: Shelf, longest_ms: int) -> None:
        self._shelf, self._longest_ms = shelf, longest_ms

    @operation("PutIntegration")
    async def put_integration(self, ctx: RequestContext, request: Request) -> Answer:
        """What answers a method; the one before is gone, with its responses."""

        def work(document: RestDocument) -> Answer:
            made: Part = given(request, *MEMBERS)
            if request.get("integrationHttpMethod"):
                made["httpMethod"] = request["integrationHttpMethod"]
            made["passthroughBehavior"] = request.get("passthroughBehavior") or "WHEN_NO_MATCH"
            made["timeoutInMillis"] = request.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS
            made["cacheNamespace"] = request.get("cacheNamespace") or request["resourceId"]
            made.setdefault("cacheKeyParameters", [])
            check_integration(made, self._longest_ms)
            method(document, request)["methodIntegration"] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetIntegration")
    async def get_integration(self, ctx: RequestContext, request: Request) -> Answer:
        """It, with its responses."""
        return await self._shelf.look(ctx, request, lambda document: integration(document, request))

    @operation("UpdateIntegration")
    async def update_integration(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            new = patch.patched(integration(document, request), request.get("patchOperations", []), RULES)
            check_integration(new, self._longest_ms)
            method(document, request)["methodIntegration"] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteIntegration")
    async def delete_integration(self, ctx: RequestContext, request: Request) -> None:
        """Remove it."""

        def work(document: RestDocument) -> None:
            integration(document, request)
            del method(document, request)["methodIntegration"]

        await self._shelf.change(ctx, request, work)

    @operation("PutIntegrationResponse")
    async def put_integration_response(self, ctx: RequestContext, request: Request) -> Answer:
        """What becomes of some of its answers."""

        def work(document: RestDocument) -> Answer:
            made = given(request, "statusCode", "selectionPattern", "contentHandling", "responseParameters")
            made |= given(request, "responseTemplates")
            check_response(method(document, request), made)
            integration(document, request).setdefault("integrationResponses", {})[made["statusCode"]] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetIntegrationResponse")
    async def get_integration_response(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""
        return await self._shelf.look(ctx, request, lambda document: _response(document, request))

    @operation("UpdateIntegrationResponse")
    async def update_integration_response(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            new = patch.patched(_response(document, request), request.get("patchOperations", []), RESPONSE_RULES)
            check_response(method(document, request), new)
            integration(document, request)["integrationResponses"][new["statusCode"]] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteIntegrationResponse")
    async def delete_integration_response(self, ctx: RequestContext, request: Request) -> None:
        """Remove it."""

        def work(document: RestDocument) -> None:
            _response(document, request)
            del integration(document, request)["integrationResponses"][request["statusCode"]]

        await self._shelf.change(ctx, request, work)


def integration(document: RestDocument, request: Request) -> Part:
    """The integration of the method that a request names. Raises NotFound."""
    found: Part | None = method(document, request).get("methodIntegration")
    if found is None:
        raise NotFound("Invalid Integration identifier specified")
    return found


def _response(document: RestDocument, request: Request) -> Part:
    found: Part | None = integration(document, request).get("integrationResponses", {}).get(request["statusCode"])
    if found is None:
        raise NotFound("Invalid Integration Response identifier specified")
    return found
