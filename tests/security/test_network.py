"""The network: a loopback of its own, with the platform on one port, and nothing else."""

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.security.conftest import Edge, Function

PORT = 4566
TRY = """
import errno, socket
def reach(host, port):
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as s:
            s.settimeout(3)
            s.connect((host, port))
    except TimeoutError: return "timeout"
    except OSError as error: return errno.errorcode.get(error.errno, str(error))
    return "done"
"""


async def test_loopback_services_of_the_host_are_out_of_reach(edge: "Edge", neighbour: "Function") -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0lambent-test-abstract")
        abstract.listen()
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # it can be reached from here
        source = (
            TRY
            + """
def handler(port, context):
    with socket.socket(socket.AF_UNIX) as s: abstract = s.connect_ex("\\0lambent-test-abstract")
    return reach("127.0.0.1", port), errno.errorcode[abstract]
"""
        )
        assert await edge.run(source, port) == ["ECONNREFUSED", "ECONNREFUSED"]


async def test_there_is_no_way_out(edge: "Edge", neighbour: "Function") -> None:
    hosts = ["10.0.0.1", "192.0.2.1", "169.254.169.254", "8.8.8.8", "2001:db8::1"]
    source = (
        TRY
        + """
def handler(hosts, context):
    try: names = socket.getaddrinfo("example.com", 80)
    except socket.gaierror: names = []
    return [reach(host, 80) for host in hosts], [name for _, name in socket.if_nameindex()], names
"""
    )
    reached, interfaces, names = await edge.run(source, hosts)
    assert set(reached) <= {"ENETUNREACH", "EADDRNOTAVAIL"}, reached
    assert interfaces == ["lo"]
    assert names == []


async def test_environments_do_not_share_a_loopback(edge: "Edge", neighbour: "Function") -> None:
    listening = await edge.function("""
import socket
server = socket.create_server(("127.0.0.1", 9001))
def handler(event, context): return socket.create_connection(("127.0.0.1", 9001)).close() is None
""")
    assert await listening()
    assert await edge.run(TRY + "def handler(e, c): return reach('127.0.0.1', 9001)") == "ECONNREFUSED"


async def test_the_platform_answers_on_the_listener_that_came_with_the_grant(edge: "Edge") -> None:
    function = await edge.function("""
import socket
def handler(port, context):
    with socket.create_connection(("127.0.0.1", port), 10) as s: return s.recv(100).decode()
""")
    assert function.listener is not None
    asked = asyncio.create_task(function(PORT))
    function.listener.setblocking(False)
    connection, _ = await asyncio.get_running_loop().sock_accept(function.listener)
    with connection:
        await asyncio.get_running_loop().sock_sendall(connection, b"the platform")
    assert await asked == "the platform"


async def test_without_a_network_nobody_listens(edge: "Edge") -> None:
    source = TRY + "FIRST = reach('127.0.0.1', 4566)\ndef handler(port, c): return FIRST, reach('127.0.0.1', port)"
    function = await edge.function(source, network="none")
    assert function.listener is None
    assert await function(PORT) == ["ECONNREFUSED"] * 2


async def test_raw_and_packet_sockets_are_refused(edge: "Edge") -> None:
    source = """
import socket
def attempt(*kind):
    try: socket.socket(*kind).close()
    except PermissionError: return "refused"
    except OSError as error: return str(error)
    return "done"
def handler(e, c):
    return [attempt(socket.AF_PACKET, socket.SOCK_RAW, 3), attempt(socket.AF_INET, socket.SOCK_RAW, 1),
            attempt(40, socket.SOCK_STREAM), attempt(38, socket.SOCK_SEQPACKET), attempt(16, socket.SOCK_RAW, 9)]
"""
    assert await edge.run(source) == ["refused"] * 5
