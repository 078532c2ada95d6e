"""WebSockets held by two edges, over TLS: any edge finds any connection, and one that dies takes only its own.

The client is one thread: two that read and write one TLS connection at once lose bytes before Python 3.13, as OpenSSL's
objects are not made for it (the request for the handshake was never sent, seen with ss(8)).
"""

import asyncio
import json
import os
import shutil
import signal
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from lambent.gateway.websockets.ids import edge_of

HERE = Path(__file__).parent / "javascript"
FEWEST, MOST = 8, 200
WAIT_S = 60


def api_of(platform: Any) -> str:
    """The path of a WebSocket API whose messages no route takes, so that each answer names its connection."""
    v2 = platform.client("apigatewayv2")
    selection = "$request.body.action"
    api_id = v2.create_api(Name="x", ProtocolType="WEBSOCKET", RouteSelectionExpression=selection)["ApiId"]
    mock = v2.create_integration(ApiId=api_id, IntegrationType="MOCK", RequestTemplates={"200": '{"statusCode": 200}'})[
        "IntegrationId"
    ]
    v2.create_route(ApiId=api_id, RouteKey="$connect", Target=f"integrations/{mock}")
    v2.create_stage(ApiId=api_id, StageName="prod", AutoDeploy=True)
    return f"/_aws/execute-api/{api_id}/prod"


async def id_of(client: ClientConnection) -> str:
    await client.send("{}")
    return str(json.loads(await received(client))["connectionId"])


async def received(client: ClientConnection) -> str | bytes:
    async with asyncio.timeout(WAIT_S):
        return await client.recv()


def test_any_edge_finds_any_connection_and_a_dead_one_takes_only_its_own(
    own_server: Callable[..., Any], eventually: Any
) -> None:
    asyncio.run(find_and_kill(own_server("--edges", "2", "--tls"), eventually))


async def find_and_kill(platform: Any, eventually: Any) -> None:
    path, endpoint = api_of(platform), platform.variables["AWS_ENDPOINT_URL"]
    trust = ssl.create_default_context(cafile=platform.variables["AWS_CA_BUNDLE"])

    manager = platform.session().client(  # its connection leads to one of the two
        "apigatewaymanagementapi", endpoint_url=endpoint + path, verify=platform.variables["AWS_CA_BUNDLE"]
    )

    async with AsyncExitStack() as stack:
        clients: dict[str, ClientConnection] = {}
        while len(clients) < FEWEST or len({edge_of(connection_id) for connection_id in clients}) < 2:
            assert len(clients) < MOST, "one edge takes all connections"
            uri = endpoint.replace("https", "wss") + path
            opened = connect(uri, ssl=trust, proxy=None, open_timeout=WAIT_S, ping_interval=None)
            client = await stack.enter_async_context(opened)
            clients[await id_of(client)] = client
        for connection_id, client in clients.items():
            manager.post_to_connection(ConnectionId=connection_id, Data=connection_id.encode())
            assert await received(client) == connection_id
        node_peer(platform, endpoint, path)

        parts = json.loads(platform.lambent("status", "--format", "json").stdout)["parts"]
        os.kill(parts["edges"][0]["pid"], signal.SIGKILL)
        ended = {connection_id for connection_id, client in clients.items() if await has_ended(client)}
        assert ended == {connection_id for connection_id in clients if edge_of(connection_id) == 0}
        alive = set(clients) - ended
        for connection_id in alive:
            eventually(lambda one=connection_id: posted(manager, one) == "")
        for connection_id in ended:
            eventually(lambda one=connection_id: posted(manager, one) == "GoneException")


async def has_ended(client: ClientConnection) -> bool:
    try:
        return not await id_of(client)
    except ConnectionClosed:
        return True


def posted(manager: Any, connection_id: str) -> str:
    """The code of the refusal, "" for none."""
    try:
        manager.post_to_connection(ConnectionId=connection_id, Data=b"still there?")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except Exception as error:  # the edge that was killed had this connection of ours
        return type(error).__name__
    return ""


def node_peer(platform: Any, endpoint: str, path: str) -> None:
    """The same with Node.js's ws and the AWS SDK for JavaScript, where they are here."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "ws").exists():
        return
    done = platform.command(
        "env",
        f"NODE_EXTRA_CA_CERTS={platform.variables['AWS_CA_BUNDLE']}",
        f"SOCKET={endpoint.replace('https', 'wss')}{path}",
        f"MANAGEMENT={endpoint}{path}",
        node,
        HERE / "websocket.mjs",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "long": True,
        "connectedAt": True,
        "pong": "?",
        "extensions": "",
        "code": 1000,
        "gone": "GoneException",
    }
