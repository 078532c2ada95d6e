"""What a REST API's integration asks of another service, carried out as if its role had sent the request.

The role has to trust API Gateway and to belong to the API's account; the request then goes through the services' own
door (`gateway.dispatch`), with the role's session as its principal.
"""

from lambent.arn import parse_arn
from lambent.errors import AccessDenied
from lambent.gateway.dispatch import Dispatcher
from lambent.model.apis import PRINCIPAL
from lambent.model.http import HttpResponse
from lambent.model.messages import Forwarded
from lambent.model.rest_api import ServiceCall
from lambent.services.iam.keys import Keys

SESSION, SESSION_S = "BackplaneAssumeRoleSession", 900


class ServiceCalls:
    """Args: endpoint: what links in answers begin with."""

    def __init__(self, dispatcher: Dispatcher, keys: Keys, endpoint: str) -> None:
        self._dispatcher, self._keys, self._endpoint = dispatcher, keys, endpoint

    async def answer(self, call: ServiceCall) -> HttpResponse:
        """The service's answer. Raises AccessDenied where the role cannot be assumed."""
        role = await self._keys.assumable_role(call.role_arn)
        account = parse_arn(call.source_arn).account
        if role is None or not await self._keys.assumable_by(call.role_arn, PRINCIPAL, account, call.source_arn):
            raise AccessDenied(f"API Gateway cannot assume the role {call.role_arn}.")
        principal = self._keys.session_for_role(role, SESSION, SESSION_S).principal
        return await self._dispatcher.answer(
            Forwarded(call.request, principal, call.service, call.region, call.request_id, self._endpoint, "")
        )
