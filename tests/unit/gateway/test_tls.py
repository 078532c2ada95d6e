"""HTTP and HTTPS on one port: each is told by its first byte, and nobody is waited for who sends none."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambent.clock import SystemClock
from lambent.gateway.http.certificates import Certificates
from lambent.gateway.http.rules import Limits
from lambent.gateway.http.server import HttpServer
from lambent.gateway.http.tls import Identity, Tls
from lambent.model.http import HttpRequest, HttpResponse

REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
NOW_S = SystemClock().now_s()


def echo(request: HttpRequest, source_ip: str, respond, body) -> None:  # type: ignore[no-untyped-def]
    respond(HttpResponse(200, [], f"{source_ip} {request.header('x-forwarded-proto', 'http')}".encode()))


class Place:
    """A server on a free port of the loopback, and its certificate."""

    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self.made = Certificates(folder / "tls", ["localhost"])
        self.made.renew(NOW_S)
        self.tls = Tls(Identity(self.made.server_path, self.made.server_path))
        self.port = listener.getsockname()[1]

    async def ask(self, request: bytes = REQUEST, *, secure: bool) -> bytes:
        trust = ssl.create_default_context(cafile=self.made.authority_path) if secure else None
        server_name = "localhost" if secure else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=trust, server_hostname=server_name)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer.rpartition(b"\r\n\r\n")[2]

    def shown(self) -> str:
        """The certificate that a client is shown."""
        return ssl.get_server_certificate(("127.0.0.1", self.port))


@asynccontextmanager
async def serving(folder: Path, head_s: float = 5.0) -> AsyncIterator[Place]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    place = Place(folder, listener)
    server = HttpServer(echo, SystemClock(), Limits(head_s=head_s))
    server.accept(listener, place.tls)
    yield place
    await server.stop(0)


async def test_both_are_served_on_one_port_and_a_request_knows_how_it_came(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        assert await place.ask(secure=False) == b"127.0.0.1 http"
        assert await place.ask(secure=True) == b"127.0.0.1 https"


async def test_what_a_proxy_says_of_the_scheme_is_kept(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        told = REQUEST.replace(b"connection", b"x-forwarded-proto: ftp\r\nconnection")
        assert await place.ask(told, secure=True) == b"127.0.0.1 ftp"


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x00\x02hi", b"\x16" + b"\xff" * 600])
async def test_a_client_that_is_silent_or_no_client_is_turned_away(tmp_path: Path, sent: bytes) -> None:
    async with serving(tmp_path, head_s=0.05) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(sent)
        assert b"HTTP" not in await reader.read()
        writer.close()
        assert await place.ask(secure=True) == b"127.0.0.1 https"


async def test_a_replaced_certificate_is_shown_to_whoever_comes_next(tmp_path: Path) -> None:
    async with serving(tmp_path) as place:
        first = await asyncio.to_thread(place.shown)
        place.made.server_path.unlink()
        place.tls.refresh()  # nothing lies there: the old one goes on
        assert await asyncio.to_thread(place.shown) == first
        place.made.renew(NOW_S)
        place.tls.refresh()
        assert await asyncio.to_thread(place.shown) != first


def test_files_that_are_no_certificate_are_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    with pytest.raises(ssl.SSLError):
        Tls(Identity(nothing, nothing))
