"""What becomes of the messages of one client, and of its end.

Sources: API Gateway Developer Guide, "Working with routes for WebSocket APIs" and "Set up a route response for a
WebSocket API"; the words that clients are told are recorded behaviour.
"""

import json
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from lambent.model.apis import MockTarget, WebSocketRoute
from lambent.model.invocation import InvocationResult
from lambent.model.messages import ConnectionCall

from .conftest import AWAY, TARGET, Place, api, said, settled

DEFAULT, JOIN = WebSocketRoute("$default", TARGET), WebSocketRoute("join", TARGET, answers=True)
END = WebSocketRoute("$disconnect", TARGET)


def text(message: str) -> bytes:
    return Frame(Opcode.TEXT, message.encode()).serialize(mask=True)


def told(written: bytes) -> Any:
    """The one message that the client got."""
    return json.loads(written[written.index(b"{") :])


@pytest.mark.parametrize(
    ("message", "route"),
    [
        ('{"action": "join"}', "join"),
        ('{"action": "$disconnect"}', "$default"),
        ("hello", "$default"),
        ("", "$default"),
    ],
)
async def test_a_message_goes_to_the_route_that_it_asks_for(place: Place, message: str, route: str) -> None:
    place.api = api(DEFAULT, JOIN, END)
    way, _ = place.connect()
    way.data_received(text(message))
    await settled()
    (event,) = place.events
    assert (event["requestContext"]["routeKey"], event["body"]) == (route, message)
    assert event["stageVariables"] == {"v": "1"}


async def test_only_a_route_with_a_response_answers(place: Place) -> None:
    place.api, place.answer = api(DEFAULT, JOIN), said("welcome")
    way, wire = place.connect()
    way.data_received(text("x"))
    await settled()
    assert wire.written == b""
    way.data_received(text('{"action": "join"}'))
    await settled()
    assert wire.written.endswith(b"welcome")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"api": api(JOIN)}, "Forbidden"),
        ({"api": api(WebSocketRoute("$default"))}, "Internal server error"),
        ({"answer": InvocationResult("1", b"{}", "Unhandled")}, "Internal server error"),
        ({"answer": InvocationResult("1", b"null")}, "Internal server error"),
        ({"answer": None}, "Endpoint request timed out"),
        ({"answer": AWAY}, "Service Unavailable"),
        ({"api": AWAY}, "Service Unavailable"),
        ({"permitted": False}, "Internal server error"),
        ({"admitted": False}, "Too Many Requests"),
    ],
    ids=str,
)
async def test_what_goes_wrong_is_told_in_words(
    place: Place, change: dict[str, Any], words: str, eventually_here: Any
) -> None:
    place.api = api(DEFAULT)
    for name, value in change.items():
        setattr(place, name, value)
    way, wire = place.connect()
    way.data_received(text("x"))
    await eventually_here(lambda: wire.written)
    said_so = told(wire.written)
    assert said_so["message"] == words
    assert set(said_so) == {"message", "connectionId", "requestId"}
    assert way.open


@pytest.fixture
def eventually_here() -> Any:
    import asyncio

    async def wait(condition: Any) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.005)

    return wait


async def test_a_deployment_is_what_the_next_message_meets_and_no_api_is_goodbye(place: Place) -> None:
    place.api = api(WebSocketRoute("$default", MockTarget({"200": '{"statusCode": 200}'})))
    way, wire = place.connect()
    way.data_received(text("x"))
    await settled()
    assert place.events == []
    place.api = api(DEFAULT)
    way.data_received(text("x"))
    await settled()
    assert len(place.events) == 1
    place.api = None
    way.data_received(text("x"))
    await settled()
    assert wire.written == b"\x88\x0c" + (1001).to_bytes(2, "big") + b"Going away"


async def test_the_end_is_told_once_and_the_connection_is_gone(place: Place) -> None:
    place.api = api(DEFAULT, END)
    way, _ = place.connect()
    (connection_id,) = place.sockets._held
    call = ConnectionCall(connection_id, "a1", "prod", "GET")
    assert (await place.sockets.serve(call)).source_ip == "10.0.0.9"
    assert (await place.sockets.serve(ConnectionCall(connection_id, "a2", "prod", "GET"))).status == "gone"
    way.data_received(Frame(Opcode.CLOSE, (4000).to_bytes(2, "big") + b"bye").serialize(mask=True))
    way.connection_lost(None)
    await settled()
    (event,) = place.events
    about = event["requestContext"]
    assert (about["eventType"], about["disconnectStatusCode"], about["disconnectReason"]) == ("DISCONNECT", 4000, "bye")
    assert len(place.sockets) == 0
    assert (await place.sockets.serve(call)).status == "gone"


async def test_a_connection_that_is_deleted_hears_goodbye_and_takes_nothing_more(place: Place) -> None:
    place.api = api(DEFAULT, END)
    _, wire = place.connect()
    (connection_id,) = place.sockets._held
    assert (await place.sockets.serve(ConnectionCall(connection_id, "a1", "prod", "DELETE"))).status == "done"
    assert wire.written == b"\x88\x02" + (1000).to_bytes(2, "big")
    assert (await place.sockets.serve(ConnectionCall(connection_id, "a1", "prod", "POST", b"x"))).status == "gone"


async def test_an_edge_that_stops_says_goodbye_to_all_and_tells_disconnect(place: Place) -> None:
    import asyncio

    place.api = api(DEFAULT, END)
    ways = [place.connect() for _ in range(3)]
    stopping = asyncio.create_task(place.sockets.stop(1.0))
    await settled()
    for way, wire in ways:
        assert b"Going away" in wire.written
        way.connection_lost(None)
    await place.clock.advance(1.0)
    await stopping
    assert [event["requestContext"]["disconnectStatusCode"] for event in place.events] == [1001] * 3


async def test_silence_is_ended_by_the_clock(place: Place) -> None:
    import asyncio

    place.api = api(DEFAULT)
    _, wire = place.connect()
    sweeping = asyncio.create_task(place.sockets.run())
    await settled()
    await place.clock.advance(599)
    await settled()
    assert wire.written == b""
    await place.clock.advance(1)
    await settled()
    assert b"Going away" in wire.written
    sweeping.cancel()


LINE = "$context.eventType $context.routeKey $context.status $context.integrationLatency $context.error.message"


async def test_each_event_is_counted_and_leaves_a_line(place: Place) -> None:
    place.api = api(JOIN, END, log=LINE)
    way, _ = place.connect()
    for message, answer in (
        ('{"action": "join"}', said("welcome")),
        ('{"action": "join"}', said("no", 400)),
        ('{"action": "join"}', InvocationResult("1", b'{"errorMessage": "private"}', "Unhandled")),
        ('{"action": "join"}', AWAY),
        ("nothing", said()),
    ):
        place.answer = answer
        way.data_received(text(message))
        await settled()
    place.answer = said()
    way.connection_lost(None)
    await settled()
    await place.metrics.send()
    assert place.collected["MessageCount"] == {1: 7}  # five came, and two answers went
    assert place.collected["ClientError"] == {0: 5, 1: 1}
    assert place.collected["ExecutionError"] == {0: 5, 1: 1}
    assert place.collected["IntegrationError"] == {0: 4, 1: 2}
    assert place.collected["IntegrationLatency"] == {0: 5}
    assert "ConnectCount" not in place.collected
    await place.clock.advance(1.0)
    assert place.lines == [
        "MESSAGE join 200 0 -",
        "MESSAGE join 400 0 -",
        "MESSAGE join 502 0 Internal server error",
        "MESSAGE join 503 0 Service Unavailable",
        "MESSAGE - 403 - Forbidden",
        "DISCONNECT $disconnect 200 0 -",
    ]
