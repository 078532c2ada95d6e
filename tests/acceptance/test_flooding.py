"""A function that sends without end to Lambent's own endpoint, unsigned: it may hold little there, and harms nobody."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

FLOOD = """
import os, select, socket, time, urllib.parse
PLACE = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
HEAD = b"POST /x HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 70000000\\r\\n\\r\\n"

def send(size):
    connection = socket.create_connection((PLACE.hostname, PLACE.port), timeout=60)
    try:
        connection.sendall(HEAD)
        for _ in range(size):
            connection.sendall(bytes(1_000_000))
    except OSError:
        return None
    return connection

def is_held(connection):
    return connection is not None and not select.select([connection], [], [], 0)[0]

def handler(event, context):
    connections, patience_s = [send(event["size"]) for _ in range(event["count"])], 30
    while (held := sum(map(is_held, connections))) > event["most"] and patience_s > 0:
        time.sleep(0.1)
        patience_s -= 0.1
    return held
"""


def test_a_function_holds_few_bytes_and_connections_of_the_endpoint(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    name = platform.create(FLOOD, MemorySize=512, Timeout=120)

    def held(size: int, count: int, most: int) -> int:
        told, log, failed = platform.invoke(name, {"size": size, "count": count, "most": most})
        assert not failed, log
        return int(told)

    most_bytes, most_connections = 128, 256  # an eighth of 1,024 MB, and the quota
    assert held(30, 8, most_bytes // 30) * 30 <= most_bytes
    assert held(0, 280, most_connections) <= most_connections
    assert platform.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionName"] == name
    eventually(lambda: held(1, 1, 1) == 1)  # what was held has been let go of
