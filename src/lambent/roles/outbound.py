"""Connections from this server to others: endpoints of topics, servers behind APIs, issuers of tokens.

Who configures such a URL decides where this process connects to, and a function may do that. So the walls of functions
hold here too: an address that is private or this host's own is reached only where `endpoint_allow` names it. What is
judged is the address that is connected to, after names are resolved, so that no name can lead elsewhere. Redirects are
not followed.
"""

import asyncio
import ipaddress
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from string import punctuation
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpcore

from lambent.model.http import HttpResponse, Outgoing
from lambent.protocol.sigv4_canonical import octets
from lambent.sandbox.network_routes import leads_away
from lambent.sandbox.network_rules import Address, Rules, rules

IDLE_S = 5.0
CONNECTIONS, IDLE_CONNECTIONS, RESOLVERS = 1_024, 32, 8
FAILED = (
    *(httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol),
    ValueError,  # it is no URL, or its host is no name: a user's words, not a fault of ours
)
FRAMING = frozenset({"content-length", "transfer-encoding"})  # says the client, of the body that it sends


class Forbidden(OSError):
    """This server does not connect to there."""


class NoAnswer(OSError):
    """The other side cannot be reached, or does not speak HTTP."""


class TooLong(OSError):
    """The answer is longer than the caller takes."""


class Outbound:
    """One pool of connections. Args: allow: networks that may be reached although they are private."""

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
        """Why nothing can be sent there, as far as the URL tells; None when it may be."""
        host = urlsplit(url).hostname or ""
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            return None
        return None if self._gate.permits(address) else forbidden(host)

    async def send(self, what: Outgoing) -> HttpResponse:
        """The answer. Host, the length and the credentials of the URL are put in; without `most_bytes` no body is read.

        Raises:
            Forbidden: this server does not connect to there.
            NoAnswer: nobody answers, or no HTTP; or the URL or a header cannot be sent.
            TooLong: the body is longer than that.
            TimeoutError: it took longer than that.
        """
        extensions = {"sni_hostname": what.server_name} if what.server_name else {}
        try:
            place, sent = _asked(what)
            async with (
                asyncio.timeout(what.timeout_s),
                self._pool.stream(
                    octets(what.method), place, headers=sent, content=what.body or None, extensions=extensions
                ) as answer,
            ):
                got = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers]
                body = await _read(answer.aiter_stream(), what.most_bytes) if what.most_bytes else b""
                return HttpResponse(int(answer.status), got, body)
        except FAILED as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Hang up."""
        await self._pool.aclose()
        self._gate.close()


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
        """A connection to the first address of `host` that may be reached. Raises Forbidden when none may."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._names, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        for _, _, _, _, place in found:
            if self.permits(ipaddress.ip_address(place[0])):
                return await self._inner.connect_tcp(str(place[0]), port, timeout, *args, **kwargs)
        raise Forbidden(forbidden(host))

    async def sleep(self, seconds: float) -> None:
        """Between attempts to connect, which the pool makes once only."""
        await self._inner.sleep(seconds)

    def close(self) -> None:
        """Let go of the threads."""
        self._names.shutdown(wait=False, cancel_futures=True)


def _asked(what: Outgoing) -> tuple[httpcore.URL, list[tuple[bytes, bytes]]]:
    """Where it goes and its headers, as octets. Raises ValueError for what is no URL."""
    parts = urlsplit(what.url)
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=punctuation)
    host = (parts.hostname or "").encode("ascii")
    place = httpcore.URL(scheme=parts.scheme.encode("ascii"), host=host, port=parts.port, target=target.encode("ascii"))
    return place, [(octets(name), octets(value)) for name, value in _completed(what.headers, parts.netloc)]


def _completed(headers: list[tuple[str, str]], netloc: str) -> list[tuple[str, str]]:
    login, _, place = netloc.rpartition("@")
    completed = [("host", place), *(each for each in headers if each[0].lower() not in FRAMING)]
    if login:
        completed.append(("authorization", f"Basic {b64encode(unquote(login).encode()).decode()}"))
    return completed


async def _read(pieces: AsyncIterator[bytes], most_bytes: int) -> bytes:
    whole = bytearray()
    async for piece in pieces:
        whole += piece
        if len(whole) > most_bytes:
            raise TooLong(f"the answer is longer than {most_bytes} bytes")
    return bytes(whole)


def forbidden(host: str) -> str:
    """Why, and what to do."""
    return (
        f"{host} is a private address or this server's own. To let this server connect there, start it with "
        "--endpoint-allow and its network, such as 127.0.0.0/8."
    )
