"""What functions leave in the kernel's socket buffers, which is memory of the host that no process has."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.environment.api import OutcomeKind

if TYPE_CHECKING:
    from tests.security.conftest import Edge, Function

HOARD = """
import socket
kept = []
def fill(sender):
    sender.setblocking(False)
    sent = 0
    try:
        while True: sent += sender.send(bytes(65536))
    except BlockingIOError: return sent
def handler(accepts, context):
    listener, sent = socket.socket(), 0
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    kept.append(listener)
    for _ in range(100):
        sender = socket.socket()
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        sender.connect(listener.getsockname())
        kept.extend([sender, listener.accept()[0]] if accepts else [sender])
        sent += fill(sender)
    return sent
"""
UNACCEPTED_BYTES = 160 * 2**20
UNACCEPTED = (
    HOARD.replace("def handler(accepts", "def hoard(accepts")
    + """
import time
def handler(size, context):
    sent = 0
    while sent < size and len(kept) < 800: sent += hoard(False, None)
    time.sleep(3600)
"""
)
STREAM = """
import socket, threading
def handler(size, context):
    listener = socket.create_server(("127.0.0.1", 0))
    sender = socket.create_connection(listener.getsockname())
    receiver = listener.accept()[0]
    sending = threading.Thread(target=lambda: (sender.sendall(bytes(size)), sender.close()))
    sending.start()
    received = 0
    while data := receiver.recv(1 << 20): received += len(data)
    sending.join()
    return received
"""


@pytest.mark.parametrize("accepts", [True, False])
async def test_what_nobody_reads_is_held_to_the_limit_of_memory(
    edge: "Edge", neighbour: "Function", accepts: bool
) -> None:
    if not edge.agent.has_groups:
        pytest.skip("without control groups the kernel keeps no such limit, which the guide says")
    hoarder = await edge.function(HOARD)
    assert await hoarder(accepts) < 128 * 2**20, "all of it is in the kernel now"
    assert await edge.run(STREAM, 32 * 2**20) == 32 * 2**20, "another function's connections have all they need"


async def test_who_fills_connections_that_nobody_accepts_is_ended(edge: "Edge", neighbour: "Function") -> None:
    """The kernel charges what lies in them to no control group."""
    most_of_the_host = int(Path("/proc/sys/net/ipv4/tcp_mem").read_text().split()[2]) * os.sysconf("SC_PAGE_SIZE")
    if most_of_the_host < 2 * UNACCEPTED_BYTES:
        pytest.skip("this host has too little memory to let anybody do that")
    hoarder = await edge.function(UNACCEPTED)
    outcome = await hoarder.outcome(UNACCEPTED_BYTES, timeout_s=120)
    assert outcome.kind in (OutcomeKind.EXIT, OutcomeKind.LOST), outcome
    assert await edge.run(STREAM, 32 * 2**20) == 32 * 2**20
