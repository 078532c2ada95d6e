"""What is posted to HTTP endpoints, and what is not: over real sockets of this host."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.delivery.api import Delivery, NotDelivered
from lambent.model.http import Outgoing
from lambent.roles.http_carrier import HttpCarrier
from lambent.roles.outbound import Outbound
from lambent.sandbox.network_rules import Address


class Endpoint:
    """A server that keeps what it reads and answers with `status`; None hangs up without an answer."""

    status: int | None = 200

    async def open(self) -> "Endpoint":
        self.got: list[bytes] = []
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.got.append(head + await reader.readexactly(4))
        if self.status is not None:
            writer.write(b"HTTP/1.1 %d X\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n" % self.status)
        writer.close()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = await Endpoint().open()
    yield made
    made.server.close()
    await made.server.wait_closed()


async def post(url: str, allow: tuple[str, ...] = ("127.0.0.0/8",)) -> None:
    carrier = HttpCarrier(Outbound(allow))
    options = {"content-type": "text/plain", "x-amz-sns-message-id": "m", "TraceHeader": "t"}
    made = Delivery("0" * 12, "us-east-1", url, b"body", "topic", "sns.amazonaws.com", 0, options=options)
    try:
        await carrier.carry(made)
    finally:
        await carrier.close()


async def test_a_delivery_is_posted_with_its_headers_and_the_login_of_its_url(endpoint: Endpoint) -> None:
    await post(f"http://me:p%40ss@127.0.0.1:{endpoint.port}/in?a=b")
    head, _, body = endpoint.got[0].decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert (first, body) == ("POST /in?a=b HTTP/1.1", "body")
    assert headers == {
        "host": f"127.0.0.1:{endpoint.port}",
        "user-agent": "Amazon Simple Notification Service Agent",
        "content-type": "text/plain",
        "content-length": "4",
        "x-amz-sns-message-id": "m",
        "authorization": "Basic bWU6cEBzcw==",
    }


@pytest.mark.parametrize(
    "url",
    ["http://a..b/", f"http://{'a' * 70}.org/", "http://zürich.example/", "http://127.0.0.1:99999/", "http://[::1/"],
)
async def test_what_is_no_url_is_not_delivered(url: str) -> None:
    with pytest.raises(NotDelivered, match="Error") as refused:
        await post(url)
    assert refused.value.again


async def test_headers_and_paths_go_out_as_octets_and_never_say_how_long_the_body_is(endpoint: Endpoint) -> None:
    outbound = Outbound(["127.0.0.0/8"])
    headers = [("x-name", "Zoë"), ("x-far", "日本"), ("Transfer-Encoding", "chunked"), ("content-length", "9")]
    what = Outgoing("POST", f"http://127.0.0.1:{endpoint.port}/é t\r\nx: y", headers, b"body", 20.0)
    assert (await outbound.send(what)).status == 200
    await outbound.close()
    head = endpoint.got[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"POST /%C3%A9%20tx:%20y HTTP/1.1"
    assert sorted(head[2:]) == [b"Content-Length: 4", b"x-far: " + "日本".encode(), "x-name: Zoë".encode("latin-1")]


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (404, False), (302, False), (None, True)]
)
async def test_what_may_help_is_tried_again(endpoint: Endpoint, status: int | None, again: bool) -> None:
    """Source: SNS Developer Guide, "Amazon SNS message delivery retries"."""
    endpoint.status = status
    with pytest.raises(NotDelivered) as refused:
        await post(f"http://127.0.0.1:{endpoint.port}/")
    assert refused.value.again is again
    assert len(endpoint.got) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
async def test_no_spelling_of_this_host_is_reached_unless_it_is_allowed(endpoint: Endpoint, host: str) -> None:
    with pytest.raises(NotDelivered) as refused:
        await post(f"http://{host}:{endpoint.port}/", allow=())
    assert (refused.value.code, refused.value.again) == ("FORBIDDEN_ADDRESS", False)
    assert not endpoint.got


async def test_a_host_of_our_own_is_closed_though_its_range_is_open() -> None:
    asked: list[str] = []

    def leads_away(address: Address) -> bool:
        asked.append(str(address))
        return False

    carrier = HttpCarrier(Outbound((), leads_away))
    assert "--endpoint-allow" in (carrier.refusal("http://198.51.100.7/") or "")
    assert asked == ["198.51.100.7"]
    assert carrier.refusal("http://a.name.to.be.resolved/") is None
    await carrier.close()


@settings(max_examples=50)
@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=6, network="fc00::/7"))
def test_private_addresses_are_refused_when_somebody_subscribes(address: Address) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)

    async def refusal() -> str | None:
        carrier = HttpCarrier(Outbound(("127.0.0.0/8",)))
        found = carrier.refusal(f"https://{host}:8443/in")
        await carrier.close()
        return found

    assert asyncio.run(refusal())
