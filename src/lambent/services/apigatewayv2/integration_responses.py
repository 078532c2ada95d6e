"""Integration responses of WebSocket APIs: what a MOCK integration says to whom a route response lets hear it.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Set up a WebSocket API integration response in
API Gateway" (a key is `$default` or a regular expression in slashes; proxy integrations have none).
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.below import Below
from lambent.services.apigatewayv2.model import Api, Integration, IntegrationResponse
from lambent.services.apigatewayv2.websocket import check_integration_response
from lambent.services.operation import Answer, Request, RequestContext, operation

MEMBERS = ("IntegrationResponseKey", "ResponseTemplates", "TemplateSelectionExpression")


class IntegrationResponses:
    """The resource `integration response`."""

    def __init__(self, resources: Resources) -> None:
        self._below = Below(resources, (Integration, IntegrationResponse), MEMBERS, _check, _taken)

    @operation("CreateIntegrationResponse")
    async def create_integration_response(self, context: RequestContext, request: Request) -> Answer:
        """A new integration response."""
        return await self._below.create(context, request)

    @operation("GetIntegrationResponse")
    async def get_integration_response(self, context: RequestContext, request: Request) -> Answer:
        """One integration response."""
        return await self._below.get(context, request)

    @operation("GetIntegrationResponses")
    async def get_integration_responses(self, context: RequestContext, request: Request) -> Answer:
        """Those of an integration."""
        return await self._below.list(context, request)

    @operation("UpdateIntegrationResponse")
    async def update_integration_response(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays; templates are replaced as a whole."""
        return await self._below.update(context, request)

    @operation("DeleteIntegrationResponse")
    async def delete_integration_response(self, context: RequestContext, request: Request) -> None:
        """The integration says nothing more for this key from the next deployment on."""
        await self._below.delete(context, request)


def _check(_api: Api, integration: Integration, wanted: IntegrationResponse, request: Mapping[str, Any]) -> None:
    check_integration_response(integration, wanted, request)


def _taken(wanted: IntegrationResponse) -> str:
    return f"Integration response with key {wanted.integration_response_key} already exists for this integration"
