"""Posts deliveries to HTTP endpoints, which SNS's subscriptions have. Of an answer nothing but its status is read.

Source: SNS Developer Guide, "Amazon SNS message delivery retries": 5XX, 429 and no answer are tried again, all other
answers but 2XX are for good; an endpoint has 15 seconds to answer.
"""

from lambent.delivery.api import Delivery, NotDelivered
from lambent.model.http import Outgoing
from lambent.roles.outbound import Forbidden, Outbound

ANSWER_S = 15.0
AGENT = "Amazon Simple Notification Service Agent"
FORWARDED = ("x-amz-sns-", "content-type")


class HttpCarrier:
    """The carrier for URLs."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def refusal(self, url: str) -> str | None:
        """Why nothing can be posted there, as far as the URL tells; None when it may be."""
        return self._outbound.refusal(url)

    async def carry(self, delivery: Delivery) -> None:
        """Return once the endpoint answered 2XX. Raises NotDelivered."""
        headers = [(name, value) for name, value in delivery.options.items() if name.startswith(FORWARDED)]
        headers.insert(0, ("user-agent", AGENT))
        try:
            post = Outgoing("POST", delivery.target_arn, headers, delivery.payload, ANSWER_S)
            answer = await self._outbound.send(post)
        except Forbidden as error:
            raise NotDelivered("FORBIDDEN_ADDRESS", str(error), again=False) from error
        except OSError as error:
            raise NotDelivered("NO_ANSWER", f"{type(error).__name__}: {error}", again=True) from error
        if not 200 <= answer.status < 300:
            again = answer.status >= 500 or answer.status == 429
            raise NotDelivered(f"HTTP_{answer.status}", f"The endpoint answered {answer.status}.", again=again)

    async def close(self) -> None:
        """Hang up."""
        await self._outbound.close()
