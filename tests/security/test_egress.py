"""`egress`: the internet can be reached, and nothing that is only near; see internet.py for what stands there."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.security.internet import (
    HOST,
    HOST6,
    PRIVATE,
    PRIVATE6,
    TCP_PORT,
    WEB,
    WEB6,
    Internet,
)

from lambent.sandbox import doctor
from lambent.sandbox.user_namespace import is_host_root

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge, Function

TRY = """
import errno, socket
def reach(host, port, say=b"hello", bind=""):
    try:
        for kind, _, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(kind, socket.SOCK_STREAM) as s:
                s.settimeout(30)
                if bind: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bind)
                s.connect(place)
                s.sendall(say)
                s.shutdown(socket.SHUT_WR)
                heard = b""
                while data := s.recv(65536): heard += data
                return heard.decode()
    except OSError as error: return "no: " + str(error)
def ask(host, port, say=b"hello", bind="", wait_s=1):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(wait_s)
        try:
            if bind: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bind)
            s.connect((host, port))
            heard = []
            for number in range(3):
                s.send(say + str(number).encode())
                heard.append(s.recv(65536).decode())
            return heard
        except OSError as error: return "no: " + str(error)
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A short path that everybody may look into."""
    if not is_host_root():
        pytest.skip("only root can make an internet")
    obstacle = doctor.egress_obstacle()
    if obstacle is not None:
        pytest.skip(obstacle)
    made = Path(tempfile.mkdtemp(prefix="lambent-net-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def internet(home: Path) -> Iterator[Internet]:
    """For all tests of this file."""
    made = Internet(home)
    yield made
    made.close()


@pytest.fixture(scope="module")
def placed(agent: "AgentProcess", home: Path, internet: Internet) -> Iterator["AgentProcess"]:
    """An agent in that internet, of the same user as the agent of the other tests."""
    data = home / f"agent-{'root' if agent.host_root else 'user'}"
    running = agent.elsewhere(data, internet.place, egress_allow='["10.8.0.0/16"]')
    yield running
    assert running.stop() == 0


@pytest.fixture
async def world(placed: "AgentProcess", edge: "Edge") -> AsyncIterator["Edge"]:
    """An edge of that agent."""
    await edge.wait_until(placed.ready)
    connected = type(edge)(placed, 1)
    await connected.connect()
    yield connected
    await connected.close()


async def outward(world: "Edge", source: str, **changes: Any) -> "Function":
    return await world.function(TRY + source, network="egress", **changes)


async def test_the_internet_is_reached_by_address_and_by_name(world: "Edge") -> None:
    function = await outward(world, "def handler(places, c): return [reach(*place) for place in places]")
    places = [(WEB, TCP_PORT), (WEB6, TCP_PORT), ("web.example", TCP_PORT), (f"::ffff:{WEB}", TCP_PORT)]
    assert await function(places) == [f"{WEB}:hello", f"{WEB6}:hello", f"{WEB}:hello", f"{WEB}:hello"]


async def test_the_internet_is_reached_while_the_function_loads(world: "Edge") -> None:
    function = await outward(world, f"heard = reach('{WEB}', {TCP_PORT})\ndef handler(e, c): return heard")
    assert await function() == f"{WEB}:hello"


async def test_datagrams_go_and_answers_come_from_who_was_asked(world: "Edge") -> None:
    function = await outward(world, "def handler(hosts, c): return [ask(h, 9999, wait_s=30) for h in hosts]")
    assert await function([WEB, WEB6]) == [[f"{host}:hello{number}" for number in range(3)] for host in (WEB, WEB6)]


async def test_much_goes_both_ways(world: "Edge") -> None:
    function = await outward(
        world,
        """
import threading
def handler(host, c):
    s, size, heard = socket.create_connection((host, 80), 30), 8_000_000, 0
    threading.Thread(target=lambda: (s.sendall(b"x" * size), s.shutdown(socket.SHUT_WR))).start()
    while data := s.recv(1 << 20): heard += len(data)
    return heard - size
""",
    )
    assert await function(WEB) == len(f"{WEB}:")


@pytest.mark.parametrize("bind", ["", "lo"])
async def test_private_ranges_are_closed(world: "Edge", bind: str) -> None:
    function = await outward(
        world,
        f"def handler(hosts, c): return [(reach(h, 80, bind=b'{bind}'), ask(h, 9999, bind=b'{bind}')) for h in hosts]",
        ephemeral_mb=513,
    )
    answers = await function([*PRIVATE, *PRIVATE6])
    assert all(stream.startswith("no: ") and datagram[:4] == "no: " for stream, datagram in answers), answers


async def test_the_host_is_closed_at_each_of_its_addresses(world: "Edge") -> None:
    function = await outward(world, "def handler(hosts, c): return [(reach(h, 8080), ask(h, 9999)) for h in hosts]")
    hosts = [HOST, HOST6, "127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::", f"::ffff:{HOST}", "::ffff:127.0.0.1"]
    answers = await function([*hosts, "198.51.100.255", "255.255.255.255", "224.0.0.1", "169.254.76.1"])
    assert all(stream.startswith("no: ") and datagram[:4] == "no: " for stream, datagram in answers), answers


async def test_other_spellings_and_names_of_closed_addresses_are_closed(world: "Edge") -> None:
    function = await outward(world, "def handler(hosts, c): return [reach(h, 80) for h in hosts]")
    spelled = ["2130706433", "0x7f.1", "0177.0.0.1", "0xa090909", "012.011.011.011", "168364297", "2852039166"]
    answers = await function([*spelled, "inside.example", "metadata.example", "::ffff:10.9.9.9", "::a09:909"])
    assert all(answer.startswith("no: ") for answer in answers), answers


async def test_the_relays_own_doors_lead_nowhere(world: "Edge") -> None:
    function = await outward(
        world, "def handler(e, c): return reach('127.0.0.1', 1), reach('::1', 1), ask('127.0.0.1', 1)"
    )
    assert all(answer[:4] == "no: " for answer in await function())


async def test_there_is_no_device_and_no_neighbour_to_see(world: "Edge") -> None:
    listening = await outward(
        world,
        """
server = socket.create_server(("0.0.0.0", 9001))
def handler(e, c): return [name for _, name in socket.if_nameindex()]
""",
    )
    assert await listening() == ["lo"]
    function = await outward(
        world,
        """
def attempt(*kind):
    try: socket.socket(*kind).close()
    except PermissionError: return "refused"
    return "done"
def handler(e, c):
    kinds = (socket.AF_PACKET, socket.SOCK_RAW, 3), (socket.AF_INET, socket.SOCK_RAW, 1)
    return reach("169.254.76.1", 9001), *[attempt(*kind) for kind in kinds]
""",
    )
    reached, packets, raw = await function()
    assert reached.startswith("no: ")
    assert (packets, raw) == ("refused", "refused")


async def test_without_egress_nothing_of_it_is_there(world: "Edge") -> None:
    function = await world.function(TRY + f"def handler(e, c): return reach('{WEB}', 80), reach('web.example', 80)")
    assert all(answer.startswith("no: ") for answer in await function())


async def test_the_platforms_endpoint_is_still_on_the_loopback(world: "Edge") -> None:
    function = await outward(world, "def handler(e, c): return None")
    assert function.listener is not None


async def test_what_can_not_be_reached_is_an_error_at_once(world: "Edge") -> None:
    function = await outward(world, f"def handler(e, c): return reach('{WEB}', 81), reach('nothing.example', 80)")
    assert all(answer.startswith("no: ") for answer in await function())


async def test_a_killed_relay_ends_what_it_served_and_the_next_environment_has_a_new_one(world: "Edge") -> None:
    source = f"def handler(e, c): return reach('{WEB}', {TCP_PORT})"
    function, bystander = await outward(world, source), await world.function("def handler(e, c): return e")
    children = Path(f"/proc/{world.agent.process.pid}/task/{world.agent.process.pid}/children").read_text().split()
    [relay] = [pid for pid in children if b"network_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(int(relay), signal.SIGKILL)
    assert (await world.wait_exit(function)).reason == "the sandbox was lost"
    assert await bystander(1) == 1
    assert await (await outward(world, source))() == f"{WEB}:hello"
