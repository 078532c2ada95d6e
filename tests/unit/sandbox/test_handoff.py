"""Handing environments to edges."""

import asyncio
import os
import socket
from pathlib import Path

import msgspec
import pytest

from lambent.model.environment import EnvironmentGrant
from lambent.model.messages import Hello
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.handoff import Handoff, Receiver
from lambent.sandbox.packets import Packets


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


def connect(path: Path, hello: bytes) -> Packets:
    edge = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    edge.connect(str(path))
    packets = Packets(edge)
    packets.send_nowait(hello)
    return packets


async def test_a_grant_travels_with_its_descriptors_and_a_lost_edge_is_told(tmp_path: Path) -> None:
    lost: list[Receiver] = []
    handoff = Handoff(tmp_path / "s", lost.append)
    handoff.open()
    assert oct((tmp_path / "s").stat().st_mode & 0o777) == "0o600"
    edge = connect(tmp_path / "s", msgspec.msgpack.encode(Hello(3, 1, "g")))
    await settle()
    reader, writer = os.pipe()
    handoff.receiver(3).hand(EnvironmentGrant("e", "k"), [reader])
    message, descriptors = await edge.receive()
    assert msgspec.msgpack.decode(message, type=EnvironmentGrant) == EnvironmentGrant("e", "k")
    os.write(writer, b"through")
    assert os.read(descriptors[0], 10) == b"through"
    edge.close()
    await settle()
    assert [receiver.hello.edge for receiver in lost] == [3]
    with pytest.raises(SandboxFailure, match="edge 3 is not connected"):
        handoff.receiver(3)
    await handoff.close()
    for descriptor in (reader, writer, *descriptors):
        os.close(descriptor)


async def test_a_restarted_edge_replaces_its_old_self(tmp_path: Path) -> None:
    lost: list[Receiver] = []
    handoff = Handoff(tmp_path / "s", lost.append)
    handoff.open()
    old = connect(tmp_path / "s", msgspec.msgpack.encode(Hello(1, 1, "old")))
    await settle()
    new = connect(tmp_path / "s", msgspec.msgpack.encode(Hello(1, 2, "new")))
    await settle()
    assert handoff.receiver(1).hello.generation == "new"
    old.close()
    await settle()
    assert [receiver.hello.generation for receiver in lost] == ["old"]
    assert handoff.receiver(1).hello.generation == "new"
    new.close()
    await handoff.close()
    assert not (tmp_path / "s").exists()


async def test_who_does_not_say_hello_is_hung_up_on(tmp_path: Path) -> None:
    handoff = Handoff(tmp_path / "s", lambda _: None)
    handoff.open()
    stranger = connect(tmp_path / "s", b"\xc1garbage")
    assert await stranger.receive() == (b"", [])
    stranger.close()
    await handoff.close()
