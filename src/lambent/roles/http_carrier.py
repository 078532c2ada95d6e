"""Posts deliveries to HTTP endpoints, which SNS's subscriptions have.

Source: SNS Developer Guide, "Amazon SNS message delivery retries": 5XX, 429 and no answer are tried again, all other
answers but 2XX are for good; an endpoint has 15 seconds to answer. Redirects are not followed.
"""

import asyncio

import httpx

from lambent.delivery.api import Delivery, NotDelivered

ANSWER_S = 15.0
CONNECTIONS = 256
AGENT = "Amazon Simple Notification Service Agent"
FORWARDED = ("x-amz-sns-", "content-type")


class HttpCarrier:
    """One client for all endpoints; keeps connections open between deliveries. Nobody's cookies are kept."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=32)
        self._client = httpx.AsyncClient(
            timeout=ANSWER_S, limits=limits, trust_env=False, headers={"user-agent": AGENT}
        )

    async def carry(self, delivery: Delivery) -> None:
        """Return once the endpoint answered 2XX. Raises NotDelivered."""
        headers = {name: value for name, value in delivery.options.items() if name.startswith(FORWARDED)}
        try:
            async with asyncio.timeout(ANSWER_S):
                status = await self._post(delivery.target_arn, delivery.payload, headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise NotDelivered("INVALID_ENDPOINT", str(error), again=False) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise NotDelivered("NO_ANSWER", f"{type(error).__name__}: {error}", again=True) from error
        if not 200 <= status < 300:
            again = status >= 500 or status == 429
            raise NotDelivered(f"HTTP_{status}", f"The endpoint answered {status}.", again=again)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer; of its body nothing is read."""
        async with self._client.stream("POST", url, content=body, headers=headers) as answer:
            self._client.cookies.clear()
            return answer.status_code
