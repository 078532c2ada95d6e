"""Calls between parts, over Unix sockets and over TCP alike."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError, Unavailable
from lambent.transport.address import Address, parse_address
from lambent.transport.connections import connect, serve
from lambent.transport.peer import Method, Peer


class Wrong(ServiceError):
    code, status = "WrongException", 418


async def double(_: Peer, number: int) -> int:
    return 2 * number


async def refuse(_: Peer, _body: None) -> None:
    raise Wrong("no", Reason="because")


async def fail(_: Peer, _body: None) -> None:
    raise KeyError("secret detail")


async def ask_back(peer: Peer, number: int) -> int:
    return await peer.call("double", number, int)


async def hang(_: Peer, _body: None) -> None:
    await asyncio.Event().wait()


METHODS = {
    "double": Method(int, double),
    "refuse": Method(None, refuse),
    "fail": Method(None, fail),
    "ask_back": Method(int, ask_back),
    "hang": Method(None, hang),
}


@pytest.fixture(params=["unix", "tcp"])
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    if request.param == "unix":
        return parse_address(f"unix:{tmp_path}/s")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return parse_address(f"tcp:127.0.0.1:{probe.getsockname()[1]}")


@pytest.fixture
async def peer(address: Address) -> AsyncIterator[Peer]:
    server = await serve(address, METHODS)
    made = await connect(address, METHODS)
    yield made
    made.close()
    server.close()


async def test_both_ends_may_ask(peer: Peer) -> None:
    assert await asyncio.gather(*(peer.call("double", number, int) for number in range(50))) == list(range(0, 100, 2))
    assert await peer.call("ask_back", 21, int) == 42


async def test_a_large_body_passes(peer: Peer) -> None:
    METHODS["echo"] = Method(bytes, lambda _, body: asyncio.sleep(0, body))
    large = bytes(8 * 1024 * 1024)
    assert await peer.call("echo", large, bytes) == large


async def test_a_service_error_travels_whole(peer: Peer) -> None:
    with pytest.raises(ServiceError) as refusal:
        await peer.call("refuse", None, type(None))
    error = refusal.value
    assert (error.code, error.status, error.message) == ("WrongException", 418, "no")
    assert error.members == {"Reason": "because"}


@pytest.mark.parametrize(("method", "body"), [("fail", None), ("nothing", None), ("double", "text")])
async def test_a_fault_reaches_the_caller_without_its_details(peer: Peer, method: str, body: object) -> None:
    with pytest.raises(ServiceError) as refusal:
        await peer.call(method, body, type(None))
    assert refusal.value.code == "InternalFailure"
    assert "secret" not in refusal.value.message


async def test_a_call_does_not_outlive_its_connection(peer: Peer) -> None:
    call = asyncio.ensure_future(peer.call("hang", None, type(None)))
    await asyncio.sleep(0)
    peer.close()
    with pytest.raises(Unavailable):
        await call
    with pytest.raises(Unavailable):
        await peer.call("double", 1, int)


@given(data=st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_random_bytes_end_the_connection_or_wait_for_more(data: bytes) -> None:
    async def run() -> None:
        peer = Peer(METHODS)
        peer.data_received(data)
        await asyncio.sleep(0)

    asyncio.run(run())


@pytest.mark.parametrize("text", ["", "unix:", "tcp:", "tcp:host", "tcp:host:x", "tcp:host:65536", "http://x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        parse_address(text)
