"""Calls between parts, over Unix sockets and over TCP alike."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.errors import ServiceError, Unavailable
from lambent.transport.address import Address, parse_address
from lambent.transport.connections import Lasting, connect, serve
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
@settings(max_examples=100)
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


async def test_what_a_caller_waits_for_ends_with_it_but_what_has_a_keeper_goes_on(tmp_path: Path) -> None:
    began, may_go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    ended, keeper = asyncio.Event(), set[asyncio.Task[None]]()

    async def commit(_: Peer, _body: None) -> None:
        began.set()
        await may_go_on.wait()
        done.set()

    async def wait(_: Peer, _body: None) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    place = Address(path=str(tmp_path / "kept"))
    server = await serve(place, {"commit": Method(None, commit, keeper), "wait": Method(None, wait)})
    caller = await connect(place, {})
    calls = [asyncio.ensure_future(caller.call(name, None, type(None))) for name in ("wait", "commit")]
    await began.wait()
    caller.close()
    assert [type(each) for each in await asyncio.gather(*calls, return_exceptions=True)] == [Unavailable] * 2
    await ended.wait()
    [task] = keeper
    may_go_on.set()
    await task
    assert done.is_set()
    assert not keeper
    server.close()


async def test_a_lasting_connection_outlives_a_greeting_that_fails(tmp_path: Path) -> None:
    clock, greetings = FakeClock(), list[Peer]()

    async def greet(peer: Peer) -> None:
        greetings.append(peer)
        await peer.call("fail" if len(greetings) < 3 else "double", 1 if len(greetings) > 2 else None, object)

    place = Address(path=str(tmp_path / "greeted"))
    server = await serve(place, METHODS)
    lasting = Lasting(place, METHODS, clock, name="it", on_connect=greet)
    running = asyncio.ensure_future(lasting.run())
    connected = asyncio.ensure_future(lasting.wait_connected())
    async with asyncio.timeout(20):
        while not connected.done():
            await clock.advance(1)
    assert await (await connected).call("double", 4, int) == 8
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
