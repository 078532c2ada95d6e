"""Links that need no signature, because whoever has one was sent it: SNS's confirmations and cancellations.

The operation judges the token or the subscription's ARN that the link carries. Everything else that is not
signed goes on to authentication, which refuses it.

Source: SNS API reference, ConfirmSubscription and Unsubscribe; SNS Developer Guide, "Parsing message formats"
(SubscribeURL, UnsubscribeURL).
"""

from collections.abc import Awaitable

from lambent.arn import parse_arn
from lambent.gateway.exchange import Exchange
from lambent.gateway.forward import Ask
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.messages import Forwarded
from lambent.model.principal import Principal
from lambent.protocol.dialect_query import request_form
from lambent.protocol.parse_query import text_at

OPERATIONS = {"ConfirmSubscription": "TopicArn", "Unsubscribe": "SubscriptionArn"}
NOBODY = Principal(account="", arn="anonymous", user_id="anonymous")


class OpenLinks:
    """The stage that lets such links through to control. Stands before authentication."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def __call__(self, exchange: Exchange) -> Awaitable[HttpResponse | None] | None:
        request = exchange.request
        if request.method != "GET" or request.path != "/" or "Action=" not in request.query:
            return None
        region = region_of(request)
        return None if region is None else self._forward(exchange, region)

    async def _forward(self, exchange: Exchange, region: str) -> HttpResponse | None:
        exchange.service, exchange.region = "sns", region
        return await self._ask(
            Forwarded(
                request=exchange.request,
                principal=NOBODY,
                service="sns",
                region=region,
                request_id=exchange.request_id,
                endpoint=exchange.endpoint,
                source_ip=exchange.source_ip,
            )
        )


def region_of(request: HttpRequest) -> str | None:
    """The Region of the topic that such a link is about; None for all other requests.

    The operation is read as the dispatcher reads it, so that nothing else can be meant.
    """
    if request.body or request.header("authorization") or "X-Amz-" in request.query:
        return None
    form = request_form(request)
    parameter = OPERATIONS.get(text_at(form, "Action") or "")
    if parameter is None:
        return None
    try:
        return parse_arn(text_at(form, parameter) or "").region
    except ValueError:
        return None
