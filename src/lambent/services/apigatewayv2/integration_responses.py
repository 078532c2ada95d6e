"""Integration responses of WebSocket APIs: what a MOCK integration says to whom a route response lets hear it.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Set up a WebSocket API integration response in
API Gateway" (a key is `$default` or a regular expression in slashes; proxy integrations have none).
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import changed
from lambent.services.apigatewayv2.errors import Conflict, no_part
from lambent.services.apigatewayv2.model import Integration, IntegrationResponse, edited, given, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.websocket import check_integration_response
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH = 7
MEMBERS = ("IntegrationResponseKey", "ResponseTemplates", "TemplateSelectionExpression")


class IntegrationResponses:
    """The resource `integration response`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateIntegrationResponse")
    async def create_integration_response(self, context: RequestContext, request: Request) -> Answer:
        """A new integration response."""
        ids = {
            "IntegrationResponseId": self._all.ids.letters(ID_LENGTH).lower(),
            "IntegrationId": request["IntegrationId"],
        }
        made = msgspec.convert({**ids, **given(request, MEMBERS)}, IntegrationResponse)
        return await self._put(context, request, lambda _tx, _api_id: made)

    @operation("GetIntegrationResponse")
    async def get_integration_response(self, context: RequestContext, request: Request) -> Answer:
        """One integration response."""
        found = await self._all.database.read(
            lambda tx: _one(tx, store.api(tx, context, request["ApiId"]).api_id, request)
        )
        return _wire(found)

    @operation("GetIntegrationResponses")
    async def get_integration_responses(self, context: RequestContext, request: Request) -> Answer:
        """Those of an integration, by id."""

        def work(tx: Transaction) -> list[IntegrationResponse]:
            api_id = store.api(tx, context, request["ApiId"]).api_id
            wanted = store.part(tx, api_id, Integration, request["IntegrationId"]).integration_id
            return [each for each in store.parts(tx, api_id, IntegrationResponse) if each.integration_id == wanted]

        return page(request, await self._all.database.read(work), lambda each: each.part_id, _wire)

    @operation("UpdateIntegrationResponse")
    async def update_integration_response(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays; templates are replaced as a whole."""
        return await self._put(
            context, request, lambda tx, api_id: edited(_one(tx, api_id, request), given(request, MEMBERS))
        )

    @operation("DeleteIntegrationResponse")
    async def delete_integration_response(self, context: RequestContext, request: Request) -> None:
        """It says nothing from the next deployment on."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            store.delete_part(tx, api.api_id, IntegrationResponse, _one(tx, api.api_id, request).part_id)
            changed(tx, api, self._all)

        await self._all.changes.make(request["ApiId"], work)

    async def _put(
        self, context: RequestContext, request: Request, wanted: Callable[[Transaction, str], IntegrationResponse]
    ) -> Answer:
        def work(tx: Transaction) -> IntegrationResponse:
            api = store.api(tx, context, request["ApiId"])
            integration = store.part(tx, api.api_id, Integration, request["IntegrationId"])
            made = wanted(tx, api.api_id)
            check_integration_response(integration, made, request)
            if not store.set_part(tx, api.api_id, made):
                raise Conflict(
                    f"Integration response with key {made.integration_response_key} already exists for this integration"
                )
            changed(tx, api, self._all)
            return made

        return _wire(await self._all.changes.make(request["ApiId"], work))


def _one(tx: Transaction, api_id: str, request: Mapping[str, Any]) -> IntegrationResponse:
    found = store.part(tx, api_id, IntegrationResponse, request["IntegrationResponseId"])
    if found.integration_id != request["IntegrationId"]:
        raise no_part(IntegrationResponse.kind, request["IntegrationResponseId"])
    return found


def _wire(record: IntegrationResponse) -> Answer:
    members = shown(record)
    members.pop("IntegrationId")
    return members
