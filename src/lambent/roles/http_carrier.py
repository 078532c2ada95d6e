"""Posts deliveries to HTTP endpoints, which SNS's subscriptions have.

Who may subscribe decides where this process connects to, and a function may subscribe. So the walls of functions hold
here too: an address that is private or this host's own is reached only where `endpoint_allow` names it. What is judged
is the address that is connected to, after names are resolved, so that no name can lead elsewhere. Redirects are not
followed, and of an answer nothing but its status is read.

Source: SNS Developer Guide, "Amazon SNS message delivery retries": 5XX, 429 and no answer are tried again, all other
answers but 2XX are for good; an endpoint has 15 seconds to answer.
"""

import asyncio
import ipaddress
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore

from lambent.delivery.api import Delivery, NotDelivered
from lambent.sandbox.network_routes import leads_away
from lambent.sandbox.network_rules import Address, Rules, rules

ANSWER_S, IDLE_S = 15.0, 5.0
CONNECTIONS, IDLE_CONNECTIONS, RESOLVERS = 1_024, 32, 8
AGENT = "Amazon Simple Notification Service Agent"
FORWARDED = ("x-amz-sns-", "content-type")


class HttpCarrier:
    """One pool of connections for all endpoints."""

    def __init__(self, allow: Iterable[str], leads_away: Callable[[Address], bool] = leads_away) -> None:
        self._gate = Gate(rules(allow), leads_away)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_S,
            network_backend=self._gate,
        )

    def refusal(self, url: str) -> str | None:
        """Why nothing can be posted there, as far as the URL tells; None when it may be."""
        host = urlsplit(url).hostname or ""
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            return None
        return None if self._gate.permits(address) else forbidden(host)

    async def carry(self, delivery: Delivery) -> None:
        """Return once the endpoint answered 2XX. Raises NotDelivered."""
        headers = {name: value for name, value in delivery.options.items() if name.startswith(FORWARDED)}
        try:
            async with asyncio.timeout(ANSWER_S):
                status = await self._post(delivery.target_arn, delivery.payload, headers)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise NotDelivered("NO_ANSWER", f"{type(error).__name__}: {error}", again=True) from error
        if not 200 <= status < 300:
            again = status >= 500 or status == 429
            raise NotDelivered(f"HTTP_{status}", f"The endpoint answered {status}.", again=again)

    async def close(self) -> None:
        """Hang up."""
        await self._pool.aclose()
        self._gate.close()

    async def _post(self, endpoint: str, body: bytes, headers: dict[str, str]) -> int:
        parts = urlsplit(endpoint)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        url = httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)
        login, _, place = parts.netloc.rpartition("@")
        headers = {"host": place, "user-agent": AGENT, **headers}
        if login:
            headers["authorization"] = f"Basic {b64encode(unquote(login).encode()).decode()}"
        sent: list[tuple[str, str]] = list(headers.items())
        async with self._pool.stream("POST", url, headers=sent, content=body) as answer:
            return int(answer.status)


class Gate(httpcore.AsyncNetworkBackend):
    """Opens connections to what is away and to what is allowed by name."""

    def __init__(self, allow: Rules, leads_away: Callable[[Address], bool]) -> None:
        self._rules, self._leads_away = allow, leads_away
        self._inner = httpcore.AnyIOBackend()
        self._names = ThreadPoolExecutor(RESOLVERS, "endpoint-names")  # slow names hold up nobody but endpoints

    def permits(self, address: Address) -> bool:
        """Whether it may be connected to."""
        if self._rules.allowed_by_name(address):
            return True
        return self._rules.permits(address) and self._leads_away(address)

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> Any:
        """A connection to the first address of `host` that may be reached. Raises NotDelivered when none may."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._names, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        for _, _, _, _, place in found:
            if self.permits(ipaddress.ip_address(place[0])):
                return await self._inner.connect_tcp(str(place[0]), port, timeout, *args, **kwargs)
        raise NotDelivered("FORBIDDEN_ADDRESS", forbidden(host), again=False)

    async def sleep(self, seconds: float) -> None:
        """Between attempts to connect, which the pool makes once only."""
        await self._inner.sleep(seconds)

    def close(self) -> None:
        """Let go of the threads."""
        self._names.shutdown(wait=False, cancel_futures=True)


def forbidden(host: str) -> str:
    """Why, and what to do."""
    return (
        f"{host} is a private address or this server's own. To let topics post there, start the server with "
        "--endpoint-allow and its network, such as 127.0.0.0/8."
    )
