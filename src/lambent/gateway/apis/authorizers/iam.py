"""AWS_IAM: the request is signed for execute-api, by an identity of the API's own account.

Source: API Gateway Developer Guide, "Control access to HTTP APIs with IAM authorization". That x-lambent-reason says
what was wrong is our own.
"""

from lambent.errors import ServiceError
from lambent.gateway.apis.http_call import HttpCall
from lambent.gateway.apis.refusals import Refused, forbidden
from lambent.gateway.authentication import Authentication
from lambent.gateway.proxy_event import iam_of
from lambent.protocol.sigv4 import credential_of

SIGNING_NAME = "execute-api"


class IamAuthorization:
    """Args: authenticate: the stage that verifies signatures."""

    def __init__(self, authenticate: Authentication) -> None:
        self._authenticate = authenticate

    async def __call__(self, call: HttpCall) -> None:
        """Raises Refused."""
        exchange = call.exchange
        try:
            waiting = self._authenticate(exchange)
            if waiting is not None:
                await waiting
        except ServiceError as error:
            raise _because(error.message) from None
        if (exchange.service, exchange.region) != (SIGNING_NAME, call.api.region):
            raise _because(f"The request must be signed for {SIGNING_NAME} in {call.api.region}.")
        principal = exchange.principal
        assert principal is not None
        if principal.account != call.api.account:
            raise _because(f"{principal.arn} is not of the API's account.")
        call.access_key_id = credential_of(exchange.request).access_key_id
        call.authorizer = iam_of(principal, call.access_key_id)


def _because(reason: str) -> Refused:
    return forbidden((("x-lambent-reason", reason.partition("\n")[0]),))
